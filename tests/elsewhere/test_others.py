"""The rows of the losses on paired views, boxes, numbers and lists."""

import math

import numpy as np
import pytest

import keras_losskit as kl
from tests.backends import central_differences, value_and_gradient
from tests.elsewhere.rows import close, log_softmax, number, row, unit, values

rng = np.random.default_rng(9)


def gradient(loss, y_true, y_pred):
    y_pred = np.asarray(y_pred, "float32")
    return value_and_gradient(lambda x: loss(y_true, x), y_pred)[1]


# --- regression -----------------------------------------------------------------------

DEPTH, FOUND = np.exp(rng.normal(size=(2, 3, 4, 5)))


@row(kl.ScaleInvariantLog, "Eigen 2014, without the root | the square of a sample's value")
def test_scale_invariant_error_of_eigen():
    d = np.log(FOUND) - np.log(DEPTH)  # Eigen 2014, equation 4, with λ = 0.5.
    theirs = (d**2).mean((1, 2)) - 0.5 * d.mean((1, 2)) ** 2
    close(values(kl.ScaleInvariantLog(0.5), DEPTH, FOUND) ** 2, theirs)


@row(
    kl.Welsch,
    "Dennis and Welsch, k²/2·(1 - exp(-(d/k)²)) with k = 2.985 | `k**2 / 2 * Welsch(k / "
    "2**0.5)`",
)
def test_welsch_of_dennis_and_welsch():
    k, d = 2.985, rng.normal(size=(4, 3)) * 3
    theirs = k**2 / 2 * (1 - np.exp(-((d / k) ** 2)))
    close(number(k**2 / 2 * kl.Welsch(k / 2**0.5), 0 * d, d), theirs.mean())


# --- paired views ---------------------------------------------------------------------

A, B = rng.normal(size=(2, 5, 4))


def directions(a, b, t):
    """google-research/simclr, `add_contrastive_loss`: the two means."""
    a, b = unit(a), unit(b)
    own = np.eye(len(a)) * 1e9
    return [
        -np.diagonal(log_softmax(np.concatenate([x @ y.T / t, x @ x.T / t - own], 1))).mean()
        for x, y in ((a, b), (b, a))
    ]


@row(kl.NTXent, "the SimCLR code, which adds both directions up | `2 * NTXent(T)`")
def test_nt_xent_of_simclr():
    close(number(2 * kl.NTXent(0.2), A, B), sum(directions(A, B, 0.2)))


def stacked(a, b, t):
    """lightly, `NTXentLoss(t)`: cross-entropy of the 2B rows; pml's, of ids given twice."""
    x = unit(np.concatenate([a, b]))
    n = len(a)
    found = []
    for i in range(2 * n):
        others = [j for j in range(2 * n) if j != i]
        s = x[i] @ x.T / t
        found.append(np.logaddexp.reduce(s[others]) - s[(i + n) % (2 * n)])
    return np.mean(found)


@row(kl.NTXent, "lightly `NTXentLoss(temperature=0.5)` | `NTXent(0.5)`")
def test_nt_xent_of_lightly():
    close(number(kl.NTXent(0.5), A, B), stacked(A, B, 0.5))


@row(
    kl.NTXent,
    "pytorch-metric-learning `NTXentLoss(0.07)`, both views stacked, ids twice | "
    "`NTXent(0.07)`",
)
def test_nt_xent_of_pml():
    close(number(kl.NTXent(0.07), A, B), stacked(A, B, 0.07))


@row(kl.InfoNCE, "CLIP, with its learned temperature fixed | `InfoNCE(T)`")
def test_info_nce_of_clip():
    logits = unit(A) @ unit(B).T / 0.1
    both = [-np.diagonal(log_softmax(x)).mean() for x in (logits, logits.T)]
    close(number(kl.InfoNCE(0.1), A, B), sum(both) / 2)


@row(
    kl.InfoNCE,
    "sentence-transformers `MultipleNegativesRankingLoss(scale=20)` | `temperature=0.05, "
    "symmetric=False`",
)
def test_info_nce_of_sentence_transformers():
    theirs = -np.diagonal(log_softmax(20 * unit(A) @ unit(B).T)).mean()
    close(number(kl.InfoNCE(temperature=0.05, symmetric=False), A, B), theirs)


def tfrs_retrieval(a, b, temperature, ids=None, q=None):
    """TensorFlow Recommenders 0.7, `Retrieval`."""
    scores, labels = unit(a) @ unit(b).T / temperature, np.eye(len(a))
    if q is not None:
        scores = scores - np.log(q)
    if ids is not None:
        scores = scores + ((ids[:, None] == ids[None]) - labels) * np.finfo("float32").min / 100
    return -(labels * log_softmax(scores)).sum()


ITEM = np.arange(len(A)) // 2
Q = np.linspace(0.05, 0.6, len(A))


@row(
    kl.InfoNCE,
    "TFRS `Retrieval(temperature=T, remove_accidental_hits=True)`, of unit vectors | "
    '`InfoNCE(T, symmetric=False, ids=True, reduction="sum")`',
)
def test_info_nce_of_tfrs():
    loss = kl.InfoNCE(0.2, symmetric=False, ids=True, reduction="sum")
    theirs = tfrs_retrieval(A, B, 0.2, ITEM)
    close(number(loss, {"embedding": A, "id": ITEM}, B), theirs)
    assert abs(theirs - tfrs_retrieval(A, B, 0.2)) > 1e-2


@row(
    kl.InfoNCE,
    "TFRS `candidate_sampling_probability=q` | `log_q=True` of log q; TFRS 0.4.0 added it, "
    "the wrong sign",
)
def test_info_nce_of_tfrs_corrected():
    loss = kl.InfoNCE(0.2, symmetric=False, log_q=True, reduction="sum")
    theirs = tfrs_retrieval(A, B, 0.2, q=Q)
    close(number(loss, {"embedding": A, "log_probability": np.log(Q)}, B), theirs)
    added = tfrs_retrieval(A, B, 0.2, q=1 / Q)
    assert abs(number(loss, {"embedding": A, "log_probability": -np.log(Q)}, B) - added) < 1e-3
    assert abs(theirs - added) > 1e-1


@row(
    kl.NegativeCosine,
    "SimSiam, symmetric | `NegativeCosine()` of each prediction with the other target, "
    "halved",
)
def test_negative_cosine_of_simsiam():
    p1, z1, p2, z2 = rng.normal(size=(4, 5, 4))

    def d(p, z):  # Chen 2021, algorithm 1.
        return -(unit(p) * unit(z)).sum(-1).mean()

    loss = kl.NegativeCosine()
    theirs = d(p1, z2) / 2 + d(p2, z1) / 2
    close(number(loss, z2, p1) / 2 + number(loss, z1, p2) / 2, theirs)


@row(
    kl.NegativeCosine,
    "BYOL's squared distance of unit vectors | 2 + the value of `2 * NegativeCosine()`",
)
def test_negative_cosine_of_byol():
    theirs = ((unit(A) - unit(B)) ** 2).sum(-1).mean()
    close(2 + number(2 * kl.NegativeCosine(), A, B), theirs)


# --- boxes ----------------------------------------------------------------------------


@row(
    kl.CenterNetFocal,
    "CenterNet, CornerNet: one sum, divided by the batch's peaks | `sample_weight` = each"
    " sample's peaks, `reduction=\"mean_with_sample_weight\"`, if every sample has one",
)
def test_focal_of_centernet():
    heat = rng.random((3, 4, 4, 2)) * 0.9
    for i, peaks in enumerate([1, 3, 2]):
        heat[i].reshape(-1)[:peaks] = 1
    p = rng.uniform(0.05, 0.95, size=heat.shape)
    peak = heat == 1  # xingyizhou/CenterNet, `_neg_loss`.
    terms = np.where(
        peak, np.log(p) * (1 - p) ** 2, np.log(1 - p) * p**2 * (1 - heat) ** 4
    )
    loss = kl.CenterNetFocal(reduction="mean_with_sample_weight")
    weights = np.array([1.0, 3.0, 2.0])
    close(number(loss, heat, p, weights), -terms.sum() / peak.sum())


CORNERS = np.sort(rng.random((2, 6, 2, 2)), axis=2).reshape(2, 6, 4)  # Left, top, right, bottom.


def giou(a, b):
    """torchvision 0.29, `generalized_box_iou_loss`; TensorFlow Addons 0.23, y first."""

    def area(low, high):
        return np.prod(np.maximum(high - low, 0), axis=-1)

    (a0, a1), (b0, b1) = ((x[:, :2], x[:, 2:]) for x in (a, b))
    both = area(np.maximum(a0, b0), np.minimum(a1, b1))
    union = area(a0, a1) + area(b0, b1) - both
    hull = area(np.minimum(a0, b0), np.maximum(a1, b1))
    return 1 - both / union + (hull - union) / hull


@row(kl.GIoU, 'TensorFlow Addons `GIoULoss()` | `box_format="yxyx"`')
def test_giou_of_tensorflow_addons():
    theirs = giou(*CORNERS)
    swapped = CORNERS[..., [1, 0, 3, 2]]
    close(values(kl.GIoU(box_format="yxyx"), *swapped), theirs)


@row(kl.GIoU, 'torchvision `generalized_box_iou_loss` | `box_format="xyxy"`, the default')
def test_giou_of_torchvision():
    close(values(kl.GIoU(), *CORNERS), giou(*CORNERS))


# --- lists; TF-Ranking is 0.5.5 -------------------------------------------------------

LABELS = np.array([[2.0, 0.0, 1.0, 3.0], [0.0, 4.0, 1.0, 2.0], [1.0, 3.0, 0.0, 2.0]])
TIES = np.array([[2.0, 0.0, 1.0, 0.0], [0.0, 4.0, 4.0, 2.0], [1.0, 1.0, 1.0, 0.0]])
SCORES = rng.normal(size=(3, 4)) * 2
PAIRWISE = {
    "PairwiseLogistic": lambda d: np.log1p(np.exp(-d)),
    "PairwiseHinge": lambda d: max(1 - d, 0),
    "PairwiseSoftZeroOne": lambda d: 1 / (1 + np.exp(d)),
}


def pairs(y):
    return [(i, j) for i in range(len(y)) for j in range(len(y)) if y[i] > y[j]]


def counts(labels):
    return np.array([len(pairs(y)) for y in labels], "float32")


def pairwise_sum(labels, scores, cost):
    return sum(
        cost(s[i] - s[j]) for y, s in zip(labels, scores, strict=True) for i, j in pairs(y)
    )


@row(
    kl.PairwiseLogistic,
    "TF-Ranking `PairwiseLogisticLoss()`: the sum over all pairs, divided by B·L | "
    "`sample_weight` = each list's number of pairs, divided by L",
)
@row(
    kl.PairwiseHinge,
    "TF-Ranking `PairwiseHingeLoss()`: the sum over all pairs, divided by B·L | "
    "`sample_weight` = each list's number of pairs, divided by L",
)
@row(
    kl.PairwiseSoftZeroOne,
    "TF-Ranking `PairwiseSoftZeroOneLoss()`: the sum over all pairs, divided by B·L | "
    "`sample_weight` = each list's number of pairs, divided by L",
)
@pytest.mark.parametrize("name", PAIRWISE)
def test_pairs_of_tf_ranking(name):
    theirs = pairwise_sum(TIES, SCORES, PAIRWISE[name]) / SCORES.size
    close(number(getattr(kl, name)(), TIES, SCORES, counts(TIES) / 4), theirs)


@row(
    kl.PairwiseLogistic,
    "the mean over all pairs of a batch | the same weights, "
    '`reduction="mean_with_sample_weight"`',
)
def test_mean_over_all_pairs():
    theirs = pairwise_sum(TIES, SCORES, PAIRWISE["PairwiseLogistic"]) / counts(TIES).sum()
    loss = kl.PairwiseLogistic(reduction="mean_with_sample_weight")
    close(number(loss, TIES, SCORES, counts(TIES) / 4), theirs)


def tfr_squares(labels, scores):
    d = labels - scores
    gaps = d[:, :, None] - d[:, None, :]
    return (gaps**2).sum() / labels.size


@row(
    kl.PairwiseMeanSquared,
    "TF-Ranking `PairwiseMSELoss()`: the sum over all i ≠ j, equal labels too, divided by"
    " B·L | without equal labels, `sample_weight` = twice each list's number of pairs, "
    "divided by L",
)
def test_squared_pairs_of_tf_ranking():
    loss = kl.PairwiseMeanSquared()
    close(number(loss, LABELS, SCORES, 2 * counts(LABELS) / 4), tfr_squares(LABELS, SCORES))
    assert number(loss, TIES, SCORES, 2 * counts(TIES) / 4) < tfr_squares(TIES, SCORES) - 0.1


@row(
    kl.ListSoftmax,
    "TF-Ranking `SoftmaxLoss()`, raw labels as targets: -Σ y_i·log softmax(s)_i | "
    "`CategoricalCrossentropy(from_logits=True)` on lists without padding",
)
def test_softmax_of_tf_ranking():
    theirs = -(TIES * log_softmax(SCORES)).sum(-1).mean()
    close(number(kl.CategoricalCrossentropy(from_logits=True), TIES, SCORES), theirs)


@row(
    kl.ListMLE,
    "TF-Ranking `ListMLELoss()`, ties in random order | shuffle each list, labels and "
    "scores alike, before the loss",
)
def test_list_mle_of_tf_ranking():
    # `ListMLELoss`, whose `sort_by_scores(shuffle_ties=True)` is here a shuffle before.
    order = rng.permutation(4)
    labels, scores = TIES[:, order], SCORES[:, order]
    total = 0
    for y, s in zip(labels, scores, strict=True):
        s = s[np.argsort(-y, kind="stable")]
        total += sum(np.logaddexp.reduce(s[i:]) - s[i] for i in range(4))
    close(number(kl.ListMLE(), labels, scores), total / 3)


def smooth_ranks(s):
    """TF-Ranking, `approx_ranks`, at the temperature 0.1."""
    ahead = 1 / (1 + np.exp(-(s[None, :] - s[:, None]) / 0.1))
    return 0.5 + ahead.sum(1)


def tfr_ndcg(scores):
    found = []
    for y, s in zip(TIES, scores, strict=True):
        gain, ideal = 2**y - 1, np.sort(2**y - 1)[::-1]
        best = (ideal / np.log2(1 + np.arange(1, 5))).sum()
        found.append(-(gain / np.log2(1 + smooth_ranks(s))).sum() / best)
    return np.mean(found)


def tfr_mrr(scores):
    return np.mean([-(y / smooth_ranks(s)).sum() / y.sum() for y, s in zip(TIES, scores)])


CLOSE_SCORES = SCORES / 10


@row(
    kl.ApproxNDCG,
    "TF-Ranking `ApproxNDCGLoss()`: minus the smooth NDCG | 1 minus it: the same gradient",
)
def test_ndcg_of_tf_ranking():
    close(number(kl.ApproxNDCG(), TIES, CLOSE_SCORES), 1 + tfr_ndcg(CLOSE_SCORES))
    expected = central_differences(tfr_ndcg, CLOSE_SCORES.copy())
    close(gradient(kl.ApproxNDCG(), TIES, CLOSE_SCORES), expected, rtol=1e-4, atol=1e-5)


@row(
    kl.ApproxMRR,
    "TF-Ranking `ApproxMRRLoss()`: minus the smooth MRR | 1 minus it: the same gradient",
)
def test_mrr_of_tf_ranking():
    close(number(kl.ApproxMRR(), TIES, CLOSE_SCORES), 1 + tfr_mrr(CLOSE_SCORES))
    expected = central_differences(tfr_mrr, CLOSE_SCORES.copy())
    close(gradient(kl.ApproxMRR(), TIES, CLOSE_SCORES), expected, rtol=1e-4, atol=1e-5)


def tfr_lambda(labels, scores, log=np.log):
    """TF-Ranking, `PairwiseLogisticLoss` with `NDCGLambdaWeight(smooth_fraction=1.0)`.

    Its pairs are multiplied by L, and their sum divided by B·L.
    """
    total = 0
    for y, s in zip(labels, scores, strict=True):
        discount = 1 / np.log2(2 + np.argsort(np.argsort(-s)))
        best = (np.sort(2**y - 1)[::-1] / np.log2(1 + np.arange(1, 5))).sum()
        for i, j in pairs(y):
            delta = abs(2 ** y[i] - 2 ** y[j]) * abs(discount[i] - discount[j]) / best
            total += 4 * delta * log(1 + np.exp(-(s[i] - s[j])))
    return total / scores.size


@row(
    kl.LambdaNDCG,
    "TF-Ranking "
    "`PairwiseLogisticLoss(lambda_weight=NDCGLambdaWeight(smooth_fraction=1.0))` | "
    "`LambdaNDCG()`",
)
def test_lambda_ndcg_of_tf_ranking():
    close(number(kl.LambdaNDCG(), TIES, SCORES), tfr_lambda(TIES, SCORES))


@row(kl.LambdaNDCG, "the LambdaLoss paper: log2 | `LambdaNDCG() / log(2)`")
def test_lambda_ndcg_of_the_paper():
    theirs = tfr_lambda(TIES, SCORES, np.log2)
    close(number(kl.LambdaNDCG() / math.log(2), TIES, SCORES), theirs)
