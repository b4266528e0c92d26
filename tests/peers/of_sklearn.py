"""scikit-learn's metrics; slopes are differences, and there are none of hard decisions."""

import numpy as np
import sklearn.metrics as sk

import keras_losskit as kl
from tests.peers.compare import DIFFERS, EQUAL, OPTION, NumPy, Pair, peer, softmax, values


def real(d):
    shape = d.size(2, 6), d.size(1, 4)
    y = d.normal(*shape, scale=2)
    return y, y + d.normal(*shape, scale=2), d.uniform(shape[0], low=0.1, high=3)


def of_outputs(metric, loss, y, p, w):
    """A metric that weighs rows, divided by the weights' sum: `mean_with_sample_weight`."""
    return Pair(
        loss, y, p, NumPy(lambda p: metric(y, p, sample_weight=w)), w
    )


def weighted(loss, **options):
    return loss(**options, reduction="mean_with_sample_weight")


@peer(
    "scikit-learn", "mean_squared_error", kl.MeanSquaredError, OPTION,
    '`reduction="mean_with_sample_weight"`',
)
def squares(d):
    return of_outputs(sk.mean_squared_error, weighted(kl.MeanSquaredError), *real(d))


@peer(
    "scikit-learn", "mean_absolute_error", kl.MeanAbsoluteError, OPTION,
    '`reduction="mean_with_sample_weight"`',
)
def absolute(d):
    return of_outputs(sk.mean_absolute_error, weighted(kl.MeanAbsoluteError), *real(d))


@peer(
    "scikit-learn", "root_mean_squared_error", kl.RootMeanSquaredError, EQUAL,
    "of one sample's outputs",
)
def root(d):
    y, p, _ = real(d)

    def theirs(p):
        return np.array([sk.root_mean_squared_error(a, b) for a, b in zip(y, p, strict=True)])

    return Pair(values(kl.RootMeanSquaredError), y, p, NumPy(theirs))


@peer(
    "scikit-learn", "mean_absolute_percentage_error", kl.MeanAbsolutePercentageError, OPTION,
    'times 100; `reduction="mean_with_sample_weight"`',
)
def percentages(d):
    y, p, w = real(d)
    y = y + np.sign(y)

    def theirs(y, p, **weights):
        return 100 * sk.mean_absolute_percentage_error(y, p, **weights)

    return of_outputs(theirs, weighted(kl.MeanAbsolutePercentageError), y, p, w)


@peer(
    "scikit-learn", "mean_squared_log_error", kl.MeanSquaredLogarithmicError, OPTION,
    '`reduction="mean_with_sample_weight"`',
)
def logarithms(d):
    y, p, w = real(d)
    return of_outputs(
        sk.mean_squared_log_error, weighted(kl.MeanSquaredLogarithmicError), np.exp(y), np.exp(p),
        w,
    )


@peer(
    "scikit-learn", "mean_pinball_loss", kl.Pinball, OPTION,
    '`alpha` is `tau`; `reduction="mean_with_sample_weight"`',
)
def pinball(d):
    tau = d.real(0.05, 0.95)

    def theirs(y, p, **weights):
        return sk.mean_pinball_loss(y, p, alpha=tau, **weights)

    return of_outputs(theirs, weighted(kl.Pinball, tau=tau), *real(d))


def one_output(d):
    n = d.size(2, 8)
    return d.positive(n), d.positive(n), d.uniform(n, low=0.1, high=3)


@peer(
    "scikit-learn", "mean_gamma_deviance", kl.GammaDeviance, OPTION,
    '`reduction="mean_with_sample_weight"`',
)
def gamma(d):
    return of_outputs(sk.mean_gamma_deviance, weighted(kl.GammaDeviance), *one_output(d))


@peer(
    "scikit-learn", "mean_poisson_deviance", kl.Poisson, OPTION,
    "twice the value, and what y alone decides; `log_rate=True`",
)
def poisson(d):
    y, z, w = one_output(d)
    y, loss = np.round(3 * y), weighted(kl.Poisson, log_rate=True)
    own = 2 * np.average(np.where(y > 0, y * np.log(np.maximum(y, 1)) - y, 0), weights=w)
    return Pair(
        lambda *data: 2 * loss(*data) + own, y, z,
        NumPy(lambda z: sk.mean_poisson_deviance(y, np.exp(z), sample_weight=w)), w,
    )


@peer(
    "scikit-learn", "mean_tweedie_deviance", kl.Tweedie, OPTION,
    "twice the value, and what y alone decides; `power`",
)
def tweedie(d):
    y, p, w = one_output(d)
    power = d.real(1.1, 1.9)
    y, loss = y * d.bits(len(y), share=0.6), weighted(kl.Tweedie, power=power)
    own = 2 * np.average(y ** (2 - power) / ((1 - power) * (2 - power)), weights=w)
    return Pair(
        lambda *data: 2 * loss(*data) + own, y, p,
        NumPy(lambda p: sk.mean_tweedie_deviance(y, p, power=power, sample_weight=w)), w,
    )


@peer(
    "scikit-learn", "log_loss", kl.CategoricalCrossentropy, OPTION,
    '`reduction="mean_with_sample_weight"`',
)
def log_loss(d):
    b, c = d.size(3, 7), d.size(2, 5)
    ids, w = d.ids(b, classes=c), d.uniform(b, low=0.1, high=3)
    return Pair(
        weighted(kl.CategoricalCrossentropy, from_logits=True), ids, d.normal(b, c, scale=3),
        NumPy(lambda z: sk.log_loss(ids, softmax(z), labels=range(c), sample_weight=w)), w,
    )


@peer(
    "scikit-learn", "brier_score_loss", kl.Brier, OPTION,
    "scikit-learn `brier_score_loss`, two classes: (p - g)² | half of the value",
)
def brier_of_two(d):
    b = d.size(3, 8)
    ids = d.ids(b, classes=2)
    loss = kl.Brier(from_logits=True)
    return Pair(
        lambda *data: loss(*data) / 2, ids, d.normal(b, 2, scale=2),
        NumPy(lambda z: sk.brier_score_loss(ids, softmax(z)[:, 1])),
    )


@peer(
    "scikit-learn", "brier_score_loss(scale_by_half=False)", kl.Brier, OPTION,
    'of several classes; `reduction="mean_with_sample_weight"`',
)
def brier(d):
    b, c = d.size(3, 7), d.size(3, 5)
    ids, w = d.ids(b, classes=c), d.uniform(b, low=0.1, high=3)

    def theirs(z):
        return sk.brier_score_loss(
            ids, softmax(z), labels=range(c), sample_weight=w, scale_by_half=False
        )

    return Pair(
        weighted(kl.Brier, from_logits=True), ids, d.normal(b, c, scale=2), NumPy(theirs), w
    )


@peer(
    "scikit-learn", "hinge_loss", kl.Hinge, OPTION, '`reduction="mean_with_sample_weight"`'
)
def hinge(d):
    b = d.size(3, 8)
    y, w = np.concatenate([[1.0, -1.0], 2 * d.bits(b - 2) - 1]), d.uniform(b, low=0.1, high=3)
    return Pair(
        weighted(kl.Hinge), y, d.normal(b, scale=2),
        NumPy(lambda z: sk.hinge_loss(y, z, sample_weight=w)), w,
    )


@peer(
    "scikit-learn", "hinge_loss of several classes", kl.CategoricalHinge, DIFFERS,
    "As in Keras the first maximum runs over all classes, the true one's (1 - 1)·z = 0 included",
)
def hinge_of_classes(d):
    """Scores so moved that all are positive: there the 0 is not the maximum."""
    b, c = d.size(3, 7), d.size(3, 5)
    ids = d.ids(b, classes=c)
    loss = kl.CategoricalHinge()

    def moved(y, z):
        return loss(y, z - z.detach().min() + 1)

    return Pair(
        moved, ids, d.normal(b, c, scale=2) - 3,
        NumPy(lambda z: sk.hinge_loss(ids, z, labels=range(c))), plain=loss,
    )


@peer(
    "scikit-learn", "pairwise.cosine_distances", kl.NegativeCosine, OPTION,
    "1 + the value, of the pairs on the diagonal",
)
def cosine(d):
    shape = d.size(2, 5), d.size(2, 5)
    y = d.normal(*shape)
    loss = values(kl.NegativeCosine)
    return Pair(
        lambda *data: 1 + loss(*data), y, d.normal(*shape),
        NumPy(lambda p: np.diagonal(sk.pairwise.cosine_distances(y, p))),
    )


@peer(
    "scikit-learn", "pairwise.rbf_kernel", kl.MaximumMeanDiscrepancy, OPTION,
    "`gamma` is 1/(2s²), the mean over `bandwidths`; of each kernel the mean of different rows",
)
def discrepancy(d):
    shape = d.size(2, 6), d.size(1, 4)
    y, bandwidths = d.normal(*shape), [d.real(0.3, 3) for _ in range(d.size(1, 3))]
    apart = ~np.eye(shape[0], dtype=bool)

    def theirs(x):
        found = []
        for s in bandwidths:
            xx, yy, xy = (
                sk.pairwise.rbf_kernel(a, b, gamma=0.5 / s**2) for a, b in ((x, x), (y, y), (x, y))
            )
            found.append(xx[apart].mean() + yy[apart].mean() - 2 * xy.mean())
        return np.mean(found)

    loss = kl.MaximumMeanDiscrepancy(bandwidths=bandwidths)
    return Pair(loss, y, d.normal(*shape) + 1, NumPy(theirs))


# --- hard decisions: the losses are what is measured, where predictions are sure -------------


def maps(d, classes):
    shape = d.size(1, 3), d.size(4, 6), d.size(4, 6)
    return d.one_hot(*shape, classes), d.one_hot(*shape, classes)


def labels(x):
    return x.argmax(-1).ravel()


@peer(
    "scikit-learn", 'f1_score(average="macro")', kl.Dice, OPTION,
    '1 - it, of sure predictions; `over="batch"`', gradient=False,
)
def f1(d):
    y, p = maps(d, 3)
    return Pair(
        kl.Dice(over="batch"), y, p,
        NumPy(lambda p: 1 - sk.f1_score(labels(y), labels(p), average="macro")),
    )


@peer(
    "scikit-learn", 'jaccard_score(average="macro")', kl.Jaccard, OPTION,
    '1 - it, of sure predictions; `over="batch"`', gradient=False,
)
def jaccard(d):
    y, p = maps(d, 3)
    return Pair(
        kl.Jaccard(over="batch"), y, p,
        NumPy(lambda p: 1 - sk.jaccard_score(labels(y), labels(p), average="macro")),
    )


@peer(
    "scikit-learn", 'jaccard_score(average="macro")', kl.LovaszSoftmax, OPTION,
    '1 - it, of sure predictions; `over="batch"`', gradient=False,
)
def lovasz(d):
    y, p = maps(d, 3)
    return Pair(
        kl.LovaszSoftmax(over="batch"), y, p,
        NumPy(lambda p: 1 - sk.jaccard_score(labels(y), labels(p), average="macro")),
    )


@peer(
    "scikit-learn", "fbeta_score", kl.Tversky, OPTION,
    "1 - it, of sure predictions; `fp_weight=1/n, fn_weight=b²/n`, n = 1 + b²", gradient=False,
)
def f_beta(d):
    y, p = maps(d, 3)
    b = d.real(0.4, 2.5)
    n = 1 + b**2
    return Pair(
        kl.Tversky(1 / n, b**2 / n, over="batch"), y, p,
        NumPy(lambda p: 1 - sk.fbeta_score(labels(y), labels(p), beta=b, average="macro")),
    )


@peer(
    "scikit-learn", "matthews_corrcoef", kl.MatthewsCorrelation, OPTION,
    '1 - it, of sure predictions of one channel; `over="batch"`', gradient=False,
)
def matthews(d):
    shape = d.size(1, 3), d.size(4, 6), d.size(4, 6), 1
    y, p = d.bits(*shape), d.bits(*shape)
    return Pair(
        kl.MatthewsCorrelation(over="batch"), y, p,
        NumPy(lambda p: 1 - sk.matthews_corrcoef(y.ravel(), p.ravel())),
    )


@peer(
    "scikit-learn", "cohen_kappa_score(weights)", kl.WeightedKappa, OPTION,
    "log(1 - it), of sure predictions; `weighting`", gradient=False,
)
def kappa(d):
    b, c = d.size(8, 14), d.size(3, 5)
    y, p = d.one_hot(b, c), d.one_hot(b, c)
    how = d.choice("quadratic", "linear")

    def theirs(p):
        return np.log(
            1 - sk.cohen_kappa_score(labels(y), labels(p), weights=how, labels=range(c))
        )

    return Pair(kl.WeightedKappa(weighting=how), y, p, NumPy(theirs))


@peer(
    "scikit-learn", "ndcg_score", kl.ApproxNDCG, OPTION,
    "1 - it, of gains 2^y - 1; `temperature` towards 0", gradient=False,
)
def ndcg(d):
    shape = d.size(1, 4), d.size(3, 7)
    y = d.ids(*shape, classes=4).astype(float)
    y[:, 0] = 3
    return Pair(
        kl.ApproxNDCG(temperature=1e-4), y, d.normal(*shape),
        NumPy(lambda s: 1 - sk.ndcg_score(2**y - 1, s)),
    )


@peer(
    "scikit-learn", "label_ranking_average_precision_score", kl.ApproxMRR, OPTION,
    "1 - it, of one relevant item a list; `temperature` towards 0", gradient=False,
)
def reciprocal_rank(d):
    shape = d.size(1, 4), d.size(3, 7)
    y = d.one_hot(*shape)
    return Pair(
        kl.ApproxMRR(temperature=1e-4), y, d.normal(*shape),
        NumPy(lambda s: 1 - sk.label_ranking_average_precision_score(y, s)),
    )


@peer(
    "scikit-learn", "roc_auc_score", kl.PairwiseSoftZeroOne, OPTION,
    "1 - it, of scores far apart and labels 0 and 1", gradient=False,
)
def area(d):
    b, n = d.size(1, 3), d.size(4, 8)
    y = d.bits(b, n)
    y[:, 0], y[:, 1] = 0, 1
    s = 200.0 * np.array([d.rng.permutation(n) for _ in range(b)])

    def theirs(s):
        return np.array([1 - sk.roc_auc_score(a, b) for a, b in zip(y, s, strict=True)])

    return Pair(values(kl.PairwiseSoftZeroOne), y, s, NumPy(theirs))


