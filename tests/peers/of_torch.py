"""torch's own functions and distributions."""

import numpy as np
import torch
import torch.nn.functional as F

import keras_losskit as kl
from tests.peers.compare import DIFFERS, EQUAL, OPTION, Pair, peer, tensor, values

# --- classification --------------------------------------------------------------------------


@peer("torch", "F.binary_cross_entropy", kl.BinaryCrossentropy, EQUAL, "`weight` of samples")
def probabilities(d):
    shape = d.size(1, 6), d.size(1, 5)
    g = d.choice(d.bits, d.uniform)(*shape)
    w = d.uniform(shape[0], low=0.1, high=3)

    def theirs(p):
        return F.binary_cross_entropy(p, tensor(g), weight=tensor(w)[:, None])

    return Pair(kl.BinaryCrossentropy(), g, d.uniform(*shape, low=0.01, high=0.99), theirs, w)


@peer(
    "torch", "F.binary_cross_entropy_with_logits", kl.BinaryCrossentropy, OPTION,
    "`from_logits=True`; `pos_weight`",
)
def logits(d):
    shape = d.size(1, 6), d.size(1, 4), d.size(1, 5)
    g = d.choice(d.bits, d.uniform)(*shape)
    w = d.choice(None, d.real(0.2, 4.0))
    loss = values(kl.BinaryCrossentropy, from_logits=True, pos_weight=w)

    def theirs(z):
        weight = None if w is None else tensor(w)
        found = F.binary_cross_entropy_with_logits(
            z, tensor(g), pos_weight=weight, reduction="none"
        )
        return found.mean(-1)

    return Pair(loss, g, d.normal(*shape, scale=8), theirs)


@peer(
    "torch", "F.multilabel_soft_margin_loss", kl.BinaryCrossentropy, OPTION, "`from_logits=True`"
)
def several_labels(d):
    shape = d.size(1, 6), d.size(2, 5)
    g = d.bits(*shape)
    loss = values(kl.BinaryCrossentropy, from_logits=True)
    return Pair(
        loss, g, d.normal(*shape, scale=3),
        lambda z: F.multilabel_soft_margin_loss(z, tensor(g), reduction="none"),
    )


@peer(
    "torch", "F.soft_margin_loss", kl.BinaryCrossentropy, OPTION,
    "`from_logits=True`, targets 0 and 1 for -1 and 1",
)
def margins(d):
    shape = d.size(1, 6), d.size(1, 5)
    g = d.bits(*shape)
    loss = kl.BinaryCrossentropy(from_logits=True)
    return Pair(
        loss, g, d.normal(*shape, scale=3), lambda z: F.soft_margin_loss(z, tensor(2 * g - 1))
    )


@peer(
    "torch", "F.cross_entropy", kl.CategoricalCrossentropy, OPTION,
    "`from_logits=True`; `weight` is `class_weights`, `label_smoothing` itself",
)
def classes(d):
    b, c = d.size(1, 6), d.size(2, 6)
    w = d.choice(None, d.uniform(c, low=0.2, high=3))
    s = d.choice(0.0, d.real(0.01, 0.5))
    ids, rows = d.ids(b, classes=c), d.rows(b, c)
    target = d.choice(ids, rows)
    loss = values(
        kl.CategoricalCrossentropy, from_logits=True, class_weights=w, label_smoothing=s
    )

    def theirs(z):
        weight = None if w is None else tensor(w)
        return F.cross_entropy(z, tensor(target), weight, reduction="none", label_smoothing=s)

    return Pair(loss, target, d.normal(b, c, scale=4), theirs)


@peer(
    "torch", "F.cross_entropy(ignore_index)", kl.CategoricalCrossentropy, OPTION,
    "`from_logits=True`; `ignore_index` is `ignore_class`, the mean over the others",
)
def ignored(d):
    b, t, c = d.size(2, 5), d.size(2, 5), d.size(2, 6)
    left_out = d.choice(-100, 255, 1)
    ids = np.where(d.bits(b, t) > 0, left_out, d.ids(b, t, classes=c))
    ids[0, 0] = 0
    loss = kl.CategoricalCrossentropy(from_logits=True, ignore_class=left_out)

    def theirs(z):
        return F.cross_entropy(z.movedim(-1, 1), tensor(ids), ignore_index=left_out)

    return Pair(loss, ids, d.normal(b, t, c, scale=4), theirs)


@peer(
    "torch", "F.nll_loss", kl.CategoricalCrossentropy, EQUAL, "of probabilities, by their log",
)
def nll(d):
    b, c = d.size(1, 6), d.size(2, 6)
    ids = d.ids(b, classes=c)
    return Pair(
        values(kl.CategoricalCrossentropy), ids, d.normal(b, c, scale=2),
        lambda p: F.nll_loss(p.log(), tensor(ids), reduction="none"),
        through=lambda z: torch.softmax(z, -1),
    )


@peer(
    "torch", 'F.kl_div(reduction="batchmean")', kl.KLDivergence, EQUAL,
    'torch `kl_div(log_p, g, reduction="batchmean")`, rows `(B, C)` | `KLDivergence()(g, p)`',
)
def divergence(d):
    shape = d.size(1, 6), d.size(2, 6)
    g = d.choice(d.rows, d.one_hot)(*shape)
    return Pair(
        kl.KLDivergence(), g, d.normal(*shape, scale=2),
        lambda p: F.kl_div(p.log(), tensor(g), reduction="batchmean"),
        through=lambda z: torch.softmax(z, -1),
    )


@peer(
    "torch", "F.kl_div", kl.KLDivergence, OPTION,
    "torch `kl_div(log_p, g)`: the mean over all entries | `KLDivergence()(g, p) / C`",
)
def divergence_of_entries(d):
    shape = d.size(1, 6), d.size(2, 6)
    g = d.rows(*shape)
    return Pair(
        kl.KLDivergence(from_logits=True) / shape[-1], np.log(g), d.normal(*shape, scale=2),
        lambda z: F.kl_div(F.log_softmax(z, -1), tensor(g), reduction="mean"),
    )


@peer(
    "torch", "F.kl_div of softened logits", kl.Distillation, EQUAL,
    'torch `kl_div(log_softmax(s/T), softmax(t/T), reduction="batchmean") * T**2` | '
    "`Distillation(T)`",
)
def distillation(d):
    shape, t = (d.size(1, 6), d.size(2, 6)), d.real(0.5, 8)
    teacher = d.normal(*shape, scale=3)

    def theirs(z):
        g = F.softmax(tensor(teacher) / t, -1)
        return F.kl_div(F.log_softmax(z / t, -1), g, reduction="batchmean") * t**2

    return Pair(kl.Distillation(t), teacher, d.normal(*shape, scale=3), theirs)


# --- regression ------------------------------------------------------------------------------


def elementwise(theirs, loss, y_true, y_pred):
    return Pair(
        loss, y_true, y_pred, lambda p: theirs(p, tensor(y_true), reduction="none").mean(-1)
    )


def real(d):
    shape = d.choice((d.size(1, 6), d.size(1, 5)), (d.size(1, 4), d.size(1, 4), d.size(1, 5)))
    y = d.normal(*shape, scale=2)
    return y, y + d.normal(*shape, scale=2)


@peer("torch", "F.mse_loss", kl.MeanSquaredError, EQUAL, "no options")
def squares(d):
    return elementwise(F.mse_loss, values(kl.MeanSquaredError), *real(d))


@peer("torch", "F.l1_loss", kl.MeanAbsoluteError, EQUAL, "no options")
def absolute(d):
    return elementwise(F.l1_loss, values(kl.MeanAbsoluteError), *real(d))


@peer("torch", "F.huber_loss", kl.Huber, EQUAL, "`delta`")
def huber(d):
    delta = d.real(0.2, 3)
    return elementwise(
        lambda *x, **how: F.huber_loss(*x, delta=delta, **how),
        values(kl.Huber, delta=delta), *real(d),
    )


@peer("torch", "F.smooth_l1_loss", kl.SmoothL1, EQUAL, "`beta`")
def smooth_l1(d):
    beta = d.real(0.2, 3)
    return elementwise(
        lambda *x, **how: F.smooth_l1_loss(*x, beta=beta, **how),
        values(kl.SmoothL1, beta=beta), *real(d),
    )


@peer("torch", "F.poisson_nll_loss", kl.Poisson, EQUAL, "`log_input=False, eps=1e-7`")
def poisson(d):
    shape = d.size(1, 6), d.size(1, 5)
    y = d.rng.poisson(3.0, shape).astype(float)
    return elementwise(
        lambda *x, **how: F.poisson_nll_loss(*x, log_input=False, eps=1e-7, **how),
        values(kl.Poisson), y, d.positive(*shape),
    )


@peer("torch", "F.poisson_nll_loss", kl.Poisson, OPTION, "`log_input=True` is `log_rate=True`")
def poisson_of_logarithms(d):
    shape = d.size(1, 6), d.size(1, 5)
    y = d.rng.poisson(3.0, shape).astype(float)
    loss = values(kl.Poisson, log_rate=True)
    return elementwise(F.poisson_nll_loss, loss, y, d.normal(*shape))


@peer("torch", "F.cosine_similarity", kl.CosineSimilarity, OPTION, "minus it; `dim` is `axis`")
def cosine(d):
    shape = d.size(2, 5), d.size(2, 5), d.size(2, 5)
    axis = d.choice(-1, 1)
    y = d.normal(*shape)
    loss = values(kl.CosineSimilarity, axis=axis)
    return Pair(
        loss, y, d.normal(*shape), lambda p: -F.cosine_similarity(p, tensor(y), dim=axis)
    )


@peer(
    "torch", "F.cosine_embedding_loss", kl.NegativeCosine, OPTION, "1 + the value, of pairs alike"
)
def cosine_of_views(d):
    shape = d.size(2, 5), d.size(2, 5)
    y = d.normal(*shape)
    alike = torch.ones(shape[0], dtype=torch.float64)
    return Pair(
        lambda y, p: 1 + kl.NegativeCosine(reduction="none")(y, p), y, d.normal(*shape),
        # There 1e-16 is added to the squares.
        lambda p: F.cosine_embedding_loss(p, tensor(y), alike, reduction="none"),
    )


# --- triplets, lists and sequences -----------------------------------------------------------


@peer(
    "torch", "F.triplet_margin_with_distance_loss", kl.Triplet, OPTION,
    '`margin`; `distance="cosine"` or another',
)
def triplets(d):
    shape, margin = (d.size(1, 6), 3, d.size(2, 5)), d.real(0.1, 2)
    distances = {
        "cosine": lambda a, b: 1 - F.cosine_similarity(a, b),
        "squared_euclidean": lambda a, b: ((a - b) ** 2).sum(-1),
    }
    distance = d.choice(*distances)
    loss = values(kl.Triplet, margin=margin, distance=distance)

    def theirs(x):
        return F.triplet_margin_with_distance_loss(
            x[:, 0], x[:, 1], x[:, 2], distance_function=distances[distance], margin=margin,
            reduction="none",
        )

    return Pair(loss, np.zeros(shape[0]), d.normal(*shape), theirs)


@peer(
    "torch", "F.triplet_margin_loss", kl.Triplet, DIFFERS,
    "torch's `TripletMarginLoss` adds 1e-6 to every coordinate difference",
    rtol=1e-10,
)
def triplets_of_shifted_points(d):
    shape, margin = (d.size(2, 6), 3, d.size(2, 5)), d.real(3, 4)
    loss = values(kl.Triplet, margin=margin)
    shift = torch.tensor([0.0, 1e-6, 1e-6], dtype=torch.float64)[:, None]

    def theirs(x):
        return F.triplet_margin_loss(
            x[:, 0], x[:, 1], x[:, 2], margin=margin, reduction="none"
        )

    return Pair(
        lambda y, x: loss(y, x - shift), np.zeros(shape[0]), d.normal(*shape), theirs, plain=loss
    )


@peer(
    "torch", "F.margin_ranking_loss", kl.PairwiseHinge, OPTION,
    "`margin=1`, of the pairs of each list",
)
def ranked_pairs(d):
    shape = d.size(1, 4), d.size(2, 6)
    y = d.ids(*shape, classes=3).astype(float)
    y[:, 0] = 3

    def theirs(s):
        found = []
        for scores, labels in zip(s, y, strict=True):
            i, j = np.nonzero(labels[:, None] > labels[None])
            found.append(
                F.margin_ranking_loss(scores[i], scores[j], torch.ones(len(i)), margin=1.0)
            )
        return torch.stack(found)

    return Pair(values(kl.PairwiseHinge), y, d.normal(*shape, scale=2), theirs)


@peer(
    "torch", "F.ctc_loss", kl.CTC, OPTION,
    'torch `ctc_loss(log_p, y, lengths, …, reduction="none", zero_infinity=True)` | the values',
)
def ctc(d):
    b, t, c, n = d.size(2, 4), d.size(6, 9), d.size(3, 5), d.size(1, 4)
    blank = d.choice(0, c - 1)
    labels = d.rng.choice([i for i in range(c) if i != blank], size=(b, n))
    lengths = d.rng.integers(1, n + 1, size=b)
    frames = d.rng.integers(2, t + 1, size=b)  # Some are too few.
    frames[0] = t
    parts = {"labels": labels, "label_length": lengths, "input_length": frames}

    def theirs(z):
        return F.ctc_loss(
            z.log_softmax(-1).swapaxes(0, 1), tensor(labels), tensor(frames), tensor(lengths),
            blank=blank, reduction="none", zero_infinity=True,
        )

    return Pair(values(kl.CTC, blank=blank), parts, d.normal(b, t, c, scale=2), theirs)


# --- distributions ---------------------------------------------------------------------------

LINKS = {
    "softplus": lambda r: F.softplus(r) + 1e-6,
    "exp": lambda r: r.exp() + 1e-6,
    "identity": lambda r: r,
}


def likelihood(d, loss, blocks, positive, distribution, y, shape, **options):
    """Blocks of parameters, of which those at `positive` are behind the link."""
    link = d.choice(*LINKS)
    raw = [d.normal(*shape) for _ in range(blocks)]
    if link == "identity":
        raw = [np.exp(r) + 0.1 if i in positive else r for i, r in enumerate(raw)]

    def theirs(x):
        parts = [
            LINKS[link](part) if i in positive else part
            for i, part in enumerate(x.chunk(blocks, -1))
        ]
        return -distribution(*parts).log_prob(tensor(y)).mean(-1)

    return Pair(values(loss, link=link, **options), y, np.concatenate(raw, -1), theirs)


def entries(d):
    return d.choice((d.size(1, 6), d.size(1, 4)), (d.size(1, 4), d.size(1, 4), d.size(1, 3)))


@peer(
    "torch", "GaussianNLLLoss(full=True)", kl.GaussianNLL, OPTION,
    'torch `GaussianNLLLoss(full=True)(m, y, v)` | `GaussianNLL("identity")` on `[m, √v]`',
)
def gaussian_of_variance(d):
    y, x = means_and_roots(d)
    return Pair(values(kl.GaussianNLL, link="identity"), y, x, of_variance(y, full=True))


@peer(
    "torch", "GaussianNLLLoss", kl.GaussianNLL, DIFFERS,
    "torch `GaussianNLLLoss()(m, y, v)` | the same less ½·log 2π",
)
def gaussian_without_its_constant(d):
    y, x = means_and_roots(d)
    loss = values(kl.GaussianNLL, link="identity")
    return Pair(
        lambda y_true, y_pred: loss(y_true, y_pred) - 0.5 * np.log(2 * np.pi), y, x,
        of_variance(y), plain=loss,
    )


def means_and_roots(d):
    shape = entries(d)
    x = np.concatenate([d.normal(*shape), d.positive(*shape) + 0.1], -1)
    return d.normal(*shape, scale=2), x


def of_variance(y, **options):
    def theirs(x):
        m, s = x.chunk(2, -1)
        loss = torch.nn.GaussianNLLLoss(reduction="none", **options)
        return loss(m, tensor(y), s**2).mean(-1)

    return theirs


@peer("torch", "distributions.Normal", kl.GaussianNLL, OPTION, "`link`; minus `log_prob`")
def normal(d):
    shape = entries(d)
    y = d.normal(*shape, scale=2)
    return likelihood(d, kl.GaussianNLL, 2, {1}, torch.distributions.Normal, y, shape)


@peer("torch", "distributions.Laplace", kl.LaplaceNLL, OPTION, "`link`; minus `log_prob`")
def laplace(d):
    shape = entries(d)
    y = d.normal(*shape, scale=2)
    return likelihood(d, kl.LaplaceNLL, 2, {1}, torch.distributions.Laplace, y, shape)


@peer("torch", "distributions.StudentT", kl.StudentTNLL, OPTION, "`link`; ν = 2 + softplus(r)")
def student(d):
    shape = entries(d)
    y = d.normal(*shape, scale=4)

    def distribution(m, s, r):
        return torch.distributions.StudentT(2 + F.softplus(r), m, s)

    return likelihood(d, kl.StudentTNLL, 3, {1}, distribution, y, shape)


@peer(
    "torch", "distributions.StudentT", kl.StudentTNLL, OPTION, "`link`; `degrees_of_freedom`",
    'torch `-StudentT(ν, m, s).log_prob(y)` | `StudentTNLL("identity", degrees_of_freedom=ν)` on '
    "`[m, s]`",
)
def student_of_fixed_degrees(d):
    shape, degrees = entries(d), d.real(0.5, 9)
    y = d.normal(*shape, scale=4)
    return likelihood(
        d, kl.StudentTNLL, 2, {1}, lambda m, s: torch.distributions.StudentT(degrees, m, s), y,
        shape, degrees_of_freedom=degrees,
    )


@peer("torch", "distributions.LogNormal", kl.LogNormalNLL, OPTION, "`link`; minus `log_prob`")
def log_normal(d):
    shape = entries(d)
    y = d.positive(*shape, scale=2)
    return likelihood(d, kl.LogNormalNLL, 2, {1}, torch.distributions.LogNormal, y, shape)


@peer("torch", "distributions.Beta", kl.BetaNLL, OPTION, "`link`; minus `log_prob`")
def beta(d):
    shape = entries(d)
    y = d.uniform(*shape, low=0.01, high=0.99)
    return likelihood(d, kl.BetaNLL, 2, {0, 1}, torch.distributions.Beta, y, shape)


@peer(
    "torch", "distributions.NegativeBinomial", kl.NegativeBinomialNLL, OPTION,
    "mean μ and r for `total_count=r, logits=log(μ/r)`",
    "torch `-NegativeBinomial(n, logits=z).log_prob(y)` | the same on `[n·e^z, n]`",
)
def negative_binomial(d):
    shape = entries(d)
    y = d.rng.poisson(4.0, shape).astype(float)

    def distribution(mean, r):
        return torch.distributions.NegativeBinomial(r, logits=mean.log() - r.log())

    return likelihood(d, kl.NegativeBinomialNLL, 2, {0, 1}, distribution, y, shape)


class Inflated:
    """A distribution of counts, and zeros of another kind."""

    def __init__(self, counts, gate):
        self.counts, self.gate = counts, gate

    def log_prob(self, y):
        mixed = torch.distributions.Categorical(logits=torch.stack([self.gate, 0 * self.gate], -1))
        log_p = self.counts.log_prob(y)
        never = torch.where(y == 0, 0.0, -torch.inf)
        return torch.logsumexp(mixed.logits + torch.stack([never, log_p], -1), -1)


@peer(
    "torch", "distributions.Poisson and Categorical", kl.ZeroInflatedPoissonNLL, OPTION,
    "a mixture of zeros, by the logit of the last block, and of counts",
)
def inflated_poisson(d):
    shape = entries(d)
    y = d.rng.poisson(3.0, shape) * d.bits(*shape, share=0.6)

    def distribution(rate, gate):
        return Inflated(torch.distributions.Poisson(rate), gate)

    return likelihood(d, kl.ZeroInflatedPoissonNLL, 2, {0}, distribution, y, shape)


@peer(
    "torch", "distributions.NegativeBinomial and Categorical",
    kl.ZeroInflatedNegativeBinomialNLL, OPTION,
    "a mixture of zeros, by the logit of the last block, and of counts",
)
def inflated_negative_binomial(d):
    shape = entries(d)
    y = d.rng.poisson(3.0, shape) * d.bits(*shape, share=0.6)

    def distribution(mean, r, gate):
        counts = torch.distributions.NegativeBinomial(r, logits=mean.log() - r.log())
        return Inflated(counts, gate)

    return likelihood(d, kl.ZeroInflatedNegativeBinomialNLL, 3, {0, 1}, distribution, y, shape)


@peer(
    "torch", "distributions.Bernoulli and LogNormal", kl.ZeroInflatedLogNormalNLL, OPTION,
    "the last block is the logit of y > 0",
)
def inflated_log_normal(d):
    shape = entries(d)
    y = d.positive(*shape) * d.bits(*shape, share=0.6)

    class Amount:
        def __init__(self, m, s, gate):
            self.some = torch.distributions.Bernoulli(logits=gate)
            self.amount = torch.distributions.LogNormal(m, s)

        def log_prob(self, y):
            some = y > 0
            of_amount = self.amount.log_prob(torch.where(some, y, 1.0))
            return self.some.log_prob(some.double()) + torch.where(some, of_amount, 0.0)

    return likelihood(d, kl.ZeroInflatedLogNormalNLL, 3, {1}, Amount, y, shape)


@peer(
    "torch", "distributions.MixtureSameFamily", kl.GaussianMixtureNLL, EQUAL,
    "blocks of logits, means, scales",
)
def mixture(d):
    b, m, k = d.size(1, 5), d.size(1, 4), d.size(1, 3)
    y = d.normal(b, k, scale=2)

    def theirs(x):
        logits, means, scales = x.split([m, m * k, m * k], -1)
        normal = torch.distributions.Normal(
            means.reshape(b, m, k), F.softplus(scales.reshape(b, m, k)) + 1e-6
        )
        family = torch.distributions.MixtureSameFamily(
            torch.distributions.Categorical(logits=logits),
            torch.distributions.Independent(normal, 1),
        )
        return -family.log_prob(tensor(y))

    x = d.normal(b, m * (1 + 2 * k))
    return Pair(values(kl.GaussianMixtureNLL, components=m), y, x, theirs)


@peer(
    "torch", "distributions.StudentT", kl.EvidentialRegression, OPTION,
    "`weight=0`: df 2α, location γ, scale² β(1 + ν)/(να)",
)
def evidence(d):
    shape = entries(d)
    y = d.normal(*shape, scale=2)

    def distribution(location, v, less, b):
        a = 1 + less
        return torch.distributions.StudentT(2 * a, location, (b * (1 + v) / (v * a)).sqrt())

    return likelihood(
        d, kl.EvidentialRegression, 4, {1, 2, 3}, distribution, y, shape, weight=0.0
    )


@peer(
    "torch", "distributions.kl_divergence", kl.GaussianKL, EQUAL, "of N(μ, e^(s/2)) and N(0, 1)"
)
def kl_of_gaussians(d):
    shape = d.size(1, 5), d.size(1, 4), d.size(1, 5)
    mean = d.normal(*shape)

    def theirs(s):
        found = torch.distributions.Normal(tensor(mean), (s / 2).exp())
        return torch.distributions.kl_divergence(found, torch.distributions.Normal(0.0, 1.0)).sum(
            -1
        )

    return Pair(values(kl.GaussianKL), mean, d.normal(*shape, scale=2), theirs)


@peer(
    "torch", "distributions.Weibull", kl.WeibullNLL, EQUAL,
    "softplus of both; log of the survival where the event was not seen",
)
def weibull(d):
    b = d.size(2, 8)
    y = np.stack([d.positive(b), d.bits(b, share=0.6)], -1)

    def theirs(x):
        scale, shape = (F.softplus(x) + 1e-6).unbind(-1)
        found = torch.distributions.Weibull(scale, shape)
        time, seen = tensor(y).unbind(-1)
        return -torch.where(seen > 0, found.log_prob(time), (1 - found.cdf(time)).log())

    return Pair(values(kl.WeibullNLL), y, d.normal(b, 2), theirs)


@peer(
    "torch", "distributions.Categorical", kl.CategoricalCrossentropy, OPTION,
    "`from_logits=True`; minus `log_prob`",
)
def categorical(d):
    b, t, c = d.size(1, 4), d.size(1, 4), d.size(2, 5)
    ids = d.ids(b, t, classes=c)
    loss = values(kl.CategoricalCrossentropy, from_logits=True)
    return Pair(
        loss, ids, d.normal(b, t, c, scale=3),
        lambda z: -torch.distributions.Categorical(logits=z).log_prob(tensor(ids)),
    )
