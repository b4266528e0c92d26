"""The rows of the metric-learning losses; pml is pytorch-metric-learning 2.9.0."""

import keras
import numpy as np
import pytest

import keras_losskit as kl
from tests.backends import value_and_gradient
from tests.elsewhere.rows import close, log_softmax, number, row, unit, values

rng = np.random.default_rng(7)
X = rng.normal(size=(8, 4))
U = unit(X)
EVEN = np.array([0, 1, 2, 3, 0, 1, 2, 3])  # Classes of two.
FOURS = np.array([0, 1, 1, 0, 0, 1, 0, 1])
ODD = np.array([0, 1, 0, 1, 0, 2, 2, 0])
LONELY = np.array([0, 1, 0, 1, 0, 2, 1, 0])  # Class 2 has one sample.


def of_class(ids, a):
    return [j for j in range(len(ids)) if j != a and ids[j] == ids[a]]


def of_others(ids, a):
    return [j for j in range(len(ids)) if ids[j] != ids[a]]


def positive_pairs(ids):
    return [(a, p) for a in range(len(ids)) for p in of_class(ids, a)]


def triplets(ids):
    return [(a, p, n) for a, p in positive_pairs(ids) for n in of_others(ids, a)]


def euclidean(x):
    return np.sqrt(((x[:, None] - x[None]) ** 2).sum(-1))


def cosine(x):
    return 1 - unit(x) @ unit(x).T


DISTANCES = {
    "euclidean": euclidean,
    "squared_euclidean": lambda x: euclidean(x) ** 2,
    "cosine": cosine,
}


def over_pairs(loss, ids, x):
    """The mean over all pairs (a, p) of a loss that has a mean per anchor."""
    counts = np.array([len(of_class(ids, a)) for a in range(len(ids))], "float32")
    config = {**loss.get_config(), "reduction": "mean_with_sample_weight"}
    return number(type(loss).from_config(config), ids, x, counts)


# --- pairs ----------------------------------------------------------------------------

SAME = np.array([1.0, 0.0, 1.0, 0.0, 0.0])
D = np.array([0.3, 0.7, 1.2, 1.5, 0.1])


@row(kl.Contrastive, "TFA `ContrastiveLoss()` | `Contrastive()`")
def test_contrastive_of_tensorflow_addons():
    # TensorFlow Addons 0.23, `ContrastiveLoss()`: one value per pair.
    theirs = SAME * D**2 + (1 - SAME) * np.maximum(1 - D, 0) ** 2
    close(values(kl.Contrastive(), SAME, D), theirs)


@row(
    kl.Contrastive,
    "the paper, which halves both terms; its Y is 0 for similar | `0.5 * Contrastive()` "
    "on 1 - Y",
)
def test_contrastive_of_the_paper():
    y = 1 - SAME  # Hadsell 2006, equation 4: Y = 0 for similar pairs.
    theirs = (1 - y) / 2 * D**2 + y / 2 * np.maximum(1 - D, 0) ** 2
    close(number(0.5 * kl.Contrastive(), 1 - y, D), theirs.mean())


def pml_contrastive(x, ids):
    """pml, `ContrastiveLoss()`."""
    d = euclidean(unit(x))
    near = np.array([d[i] for i in positive_pairs(ids)])
    far = np.array([1 - d[a, n] for a in range(len(x)) for n in of_others(ids, a)])
    return sum(part[part > 0].mean() for part in (near, far))


@row(
    kl.Contrastive,
    "pytorch-metric-learning `ContrastiveLoss()` | takes embeddings, normalises them, and"
    " does not square; the means over the similar and over the other pairs that cost "
    "something, added",
)
def test_contrastive_of_pml():
    d = euclidean(U)[~np.eye(8, dtype=bool)]
    same = (ODD[:, None] == ODD[None])[~np.eye(8, dtype=bool)].astype(float)
    each = np.sqrt(values(kl.Contrastive(), same, d))
    mine = sum(each[(same == kind) & (each > 0)].mean() for kind in (0, 1))
    close(mine, pml_contrastive(X, ODD))


def lifted(d, ids):
    """TensorFlow Addons 0.23, `lifted_struct_loss`."""
    found = []
    for a, p in positive_pairs(ids):
        push = np.exp(1 - d[a, of_others(ids, a)]).sum() + np.exp(1 - d[p, of_others(ids, p)]).sum()
        found.append(max(d[a, p] + np.log(push), 0) ** 2 / 2)
    return np.mean(found)


@row(
    kl.LiftedStructure,
    "TFA `LiftedStructLoss(margin=1.0)` | the mean over all pairs of the batch: equal if "
    "classes are equally large",
)
def test_lifted_of_tensorflow_addons():
    close(number(kl.LiftedStructure(1.0), FOURS, X), lifted(euclidean(X), FOURS))
    close(over_pairs(kl.LiftedStructure(1.0), ODD, X), lifted(euclidean(X), ODD))


def pml_lifted(x, ids):
    """pml, `LiftedStructureLoss(neg_margin=1)`."""
    return lifted(euclidean(unit(x)), ids)


@row(
    kl.LiftedStructure,
    "pytorch-metric-learning `LiftedStructureLoss(neg_margin=1)` | as TFA's, of "
    "normalised embeddings",
)
def test_lifted_of_pml():
    close(number(kl.LiftedStructure(1.0), FOURS, U), pml_lifted(X, FOURS))
    close(over_pairs(kl.LiftedStructure(1.0), ODD, U), pml_lifted(X, ODD))


def pml_angular(x, ids):
    """pml, `AngularLoss(alpha=40)`: anchors and positives are normalised, negatives not."""
    u, t = unit(x), np.tan(np.radians(40)) ** 2
    found = []
    for a, p in positive_pairs(ids):
        f = 4 * t * x[of_others(ids, a)] @ (u[a] + u[p]) - 2 * (1 + t) * u[a] @ u[p]
        found.append(np.log1p(np.exp(f).sum()))
    return np.mean(found)


@row(
    kl.Angular,
    "pytorch-metric-learning `AngularLoss(alpha=40)` | `angle=40`, for embeddings of "
    "length 1: there negatives are not normalised; the mean over all pairs",
)
def test_angular_of_pml():
    loss = kl.Angular(angle=40)
    close(over_pairs(loss, ODD, U), pml_angular(U, ODD))
    assert abs(over_pairs(loss, ODD, X) - pml_angular(X, ODD)) > 0.1


# --- all pairs of an anchor -----------------------------------------------------------


def multi_similarity(s, positives, negatives, beta):
    pull = np.log1p(np.exp(-2 * (s[positives] - 0.5)).sum()) / 2
    return pull + np.log1p(np.exp(beta * (s[negatives] - 0.5)).sum()) / beta


def pml_multi_similarity(x, ids):
    """pml, `MultiSimilarityLoss(2, 50, 0.5)`: one value per anchor."""
    s = unit(x) @ unit(x).T
    return np.array([
        multi_similarity(s[a], of_class(ids, a), of_others(ids, a), 50) for a in range(len(x))
    ])


@row(
    kl.MultiSimilarity,
    "pytorch-metric-learning `MultiSimilarityLoss(2, 50, 0.5)` | the same; it also counts"
    " anchors with pairs of one kind only",
)
def test_multi_similarity_of_pml():
    loss = kl.MultiSimilarity(2, 50, 0.5)
    close(number(loss, ODD, X), pml_multi_similarity(X, ODD).mean())
    theirs = pml_multi_similarity(X, LONELY)
    close(number(loss, LONELY, X), theirs[LONELY != 2].mean())


def tfs_multi_similarity(x, ids):
    """TF-Similarity 0.17.1, `MultiSimilarityLoss()`: beta 40, epsilon 0.1."""
    d, total = cosine(x), 0
    for a in range(len(x)):
        near, far = of_class(ids, a), of_others(ids, a)
        if not near or not far:
            continue
        kept = [p for p in near if d[a, p] > d[a, far].min() - 0.1]
        pushed = [n for n in far if d[a, n] < d[a, near].max() + 0.1]
        if kept and pushed:
            total += multi_similarity(1 - d[a], kept, pushed, 40)
    return total / len(x)


@row(
    kl.MultiSimilarity,
    "TF-Similarity `MultiSimilarityLoss(alpha=2, beta=40, lmda=0.5)` | `beta=40`; it "
    "mines pairs first, and divides by the batch",
)
def test_multi_similarity_of_tf_similarity():
    loss = kl.MultiSimilarity(2, 40, 0.5)
    close_by = unit(1 + rng.normal(size=(8, 4)) * 0.05)  # So that mining keeps all pairs.
    close(number(loss, ODD, close_by), tfs_multi_similarity(close_by, ODD))
    mine = number(loss, LONELY, close_by)  # 7 anchors of 8.
    close(mine * 7 / 8, tfs_multi_similarity(close_by, LONELY))
    assert number(loss, ODD, X) > tfs_multi_similarity(X, ODD) + 1e-3


def circle_sums(s, ids, a, gamma=80.0, m=0.4):
    """The exponents of an anchor's positives and negatives, from similarities."""
    d = np.maximum(1 - s[a], 0)
    near, far = d[of_class(ids, a)], d[of_others(ids, a)]
    pull = -gamma * (m + near) * (m - near)
    return pull, gamma * np.maximum(1 + m - far, 0) * (1 - m - far)


@row(
    kl.Circle,
    "Keras `Circle()` | the same, for normalised embeddings and others; an anchor whose "
    "value is rounded to 0 is not counted there",
)
def test_circle_of_keras():
    for x in (U, X):  # One sample is alone in its class: neither counts it.
        x = x.astype("float32")
        for gamma in (80.0, 4.0):
            mine, theirs = kl.Circle(gamma), keras.losses.Circle(gamma=gamma)
            close(number(mine, LONELY, x), number(theirs, LONELY, x), rtol=1e-4)
    # Two classes far apart, and a pair that is not one: 4 values are rounded to 0.
    ids = np.array([0, 0, 1, 1, 2, 2])
    x = np.eye(4, dtype="float32")[[0, 0, 1, 1, 2, 3]]
    mine = values(kl.Circle(800.0), ids, x)
    assert (mine[:4] == 0).all() and (mine[4:] > 0).all()
    close(number(kl.Circle(800.0), ids, x), mine.sum() / 6)
    close(number(keras.losses.Circle(gamma=800.0), ids, x), mine.sum() / 2)


def pml_circle(x, ids):
    """pml, `CircleLoss(m=0.4, gamma=80)`, whose weights have no gradient."""
    s = unit(x) @ unit(x).T
    found = []
    for a in range(len(x)):
        pull, push = circle_sums(s, ids, a)
        found.append(np.log1p(np.exp(np.logaddexp.reduce(pull) + np.logaddexp.reduce(push))))
    found = np.array(found)
    return found[found > 0].mean()


@row(
    kl.Circle,
    "pytorch-metric-learning `CircleLoss(m=0.4, gamma=80)` | normalises, detaches the "
    "weights, and counts values > 0 only",
)
def test_circle_of_pml():
    mine = values(kl.Circle(80.0, 0.4), ODD, U)
    close(mine[mine > 0].mean(), pml_circle(X, ODD), rtol=1e-4)
    # The gradient that passes the weights: one pair each, by hand.
    x = unit(np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [0.6, -0.8]])).astype("float32")
    ids, gamma, m = np.array([0, 0, 1, 2]), 2.0, 0.4
    function = kl.Circle(gamma, m, reduction="none")
    mine = value_and_gradient(lambda z: function(ids, z)[0], x)[1]
    # Of s_01: d/ds of -γ(m + d)(m - d) is -2γd here; with a fixed weight -γ(m + d).
    s, d = x @ x.T, 1 - x @ x.T
    pull, push = circle_sums(s.astype(float), ids, 0, gamma, m)
    share = 1 / (1 + np.exp(-(np.logaddexp.reduce(pull) + np.logaddexp.reduce(push))))
    close(mine[1], share * -2 * gamma * d[0, 1] * x[0], rtol=1e-4)
    assert abs(2 * d[0, 1] - (m + d[0, 1])) > 0.1


@row(
    kl.Circle,
    "TF-Similarity `CircleLoss()` | another one: log(1 + Σ_n) + log(1 + Σ_p) of the two "
    "sums",
)
def test_circle_of_tf_similarity():
    # 0.17.1, `circle_loss`, whose `logsumexp` adds 1 to each sum.
    s = U @ U.T
    mine = values(kl.Circle(4.0, 0.4), ODD, U)
    for a in range(8):
        pull, push = (np.exp(part).sum() for part in circle_sums(s, ODD, a, 4.0, 0.4))
        theirs = np.log1p(pull) + np.log1p(push)
        close(mine[a], np.log1p(pull * push), rtol=1e-4)
        assert theirs > mine[a] + 1e-3


# --- softmax over pairs ---------------------------------------------------------------


def supervised_contrastive(x, ids, t):
    """pml, `SupConLoss(t)`, and HobbitLong/SupContrast before its factor; per anchor."""
    s = unit(x) @ unit(x).T / t
    found = []
    for a in range(len(x)):
        others = [j for j in range(len(x)) if j != a]
        logs = s[a] - np.logaddexp.reduce(s[a, others])
        found.append(-logs[of_class(ids, a)].mean() if of_class(ids, a) else 0)
    return np.array(found)


@row(
    kl.SupervisedContrastive,
    "the authors' code, `base_temperature=0.07` | `(T / 0.07) * SupervisedContrastive(T)`",
)
def test_supervised_contrastive_of_the_authors():
    t = 0.2
    theirs = t / 0.07 * supervised_contrastive(X, ODD, t).mean()
    close(number((t / 0.07) * kl.SupervisedContrastive(t), ODD, X), theirs)


@row(
    kl.SupervisedContrastive,
    "pytorch-metric-learning `SupConLoss(0.1)` | `SupervisedContrastive(0.1)`",
)
def test_supervised_contrastive_of_pml():
    theirs = supervised_contrastive(X, LONELY, 0.1)
    theirs = theirs[theirs > 0].mean()
    close(number(kl.SupervisedContrastive(0.1), LONELY, X), theirs)


def neighbour_probability(x, ids, epsilon=0.0):
    close_by = np.exp(-(euclidean(x) ** 2)) * (1 - np.eye(len(x)))
    same = ids[:, None] == ids[None]
    return (close_by * same).sum(1) / (epsilon + close_by.sum(1))


@row(
    kl.SoftNearestNeighbor,
    "TF-Similarity `SoftNearestNeighborLoss()` | anchors without a positive count as 0: "
    "there the sum is divided by the batch",
)
def test_soft_nearest_neighbour_of_tf_similarity():
    # 0.17.1, `soft_nn_loss`; by 1e-9 the logarithm is held off 0.
    p = neighbour_probability(U, LONELY)
    theirs = -np.log(1e-9 + p[LONELY != 2]).sum() / 8
    close(number(kl.SoftNearestNeighbor(), LONELY, U) * 7 / 8, theirs)
    close(number(kl.SoftNearestNeighbor(), ODD, U), -np.log(neighbour_probability(U, ODD)).mean())


@row(
    kl.SoftNearestNeighbor,
    "the authors' code (cleverhans) | there 1e-5 is added to the probability and to its "
    "divisor",
)
def test_soft_nearest_neighbour_of_cleverhans():
    # cleverhans 3.1, `SNNLCrossEntropy.SNNL`, `cos_distance=False`, STABILITY_EPS.
    theirs = -np.log(1e-5 + neighbour_probability(U, ODD, 1e-5)).mean()
    close(number(kl.SoftNearestNeighbor(), ODD, U), theirs, rtol=1e-4, atol=1e-4)


A, B = rng.normal(size=(2, 5, 3))


def npairs(products):
    return -np.diagonal(log_softmax(products))


@row(kl.NPairs, "TFA `NpairsLoss()` | takes the matrix of products as y_pred, and labels")
def test_npairs_of_tensorflow_addons():
    # TensorFlow Addons 0.23, `npairs_loss(labels, products)`, of distinct labels.
    close(values(kl.NPairs(), A, B), npairs(A @ B.T))


@row(
    kl.NPairs,
    "tf.contrib `npairs_loss(reg_lambda=0.002)` | `l2=0.002`, for a batch of pairs of "
    "distinct classes",
)
def test_npairs_of_contrib():
    squares = (A**2).sum(-1).mean() + (B**2).sum(-1).mean()
    theirs = npairs(A @ B.T).mean() + 0.25 * 0.002 * squares
    close(number(kl.NPairs(l2=0.002), A, B), theirs)


def pml_npairs(x, ids):
    """pml, `NPairsLoss()`: the first two of each class, normalised."""
    first = [np.flatnonzero(ids == c)[:2] for c in np.unique(ids)]
    a, b = (unit(x[[pair[k] for pair in first]]) for k in (0, 1))
    return npairs(a @ b.T).mean()


@row(
    kl.NPairs,
    "pytorch-metric-learning `NPairsLoss()` | picks the pairs by label, and normalises "
    "them",
)
def test_npairs_of_pml():
    close(number(kl.NPairs(), U[:4], U[4:]), pml_npairs(X, EVEN))


PROXIES = rng.normal(size=(4, 4))


def pml_proxy_nca(x, ids, proxies):
    """pml, `ProxyNCALoss(softmax_scale=1)`."""
    d = ((unit(x)[:, None] - unit(proxies)[None]) ** 2).sum(-1)
    return -log_softmax(-d)[range(len(x)), ids].mean()


@row(
    kl.ProxyNCA,
    "pytorch-metric-learning `ProxyNCALoss(softmax_scale=1)` | its denominator has all "
    "proxies: `NormalizedSoftmax(temperature=0.5)`",
)
def test_proxy_nca_of_pml():
    cosines = U @ unit(PROXIES).T
    theirs = pml_proxy_nca(X, EVEN, PROXIES)
    close(number(kl.NormalizedSoftmax(temperature=0.5), EVEN, cosines), theirs)
    # The kit's own leaves the positive out of the denominator.
    shares = np.exp(2 * cosines)
    own = shares[range(8), EVEN]
    theirs = np.log((shares.sum(-1) - own) / own).mean()
    close(number(kl.ProxyNCA(scale=2.0), EVEN, cosines), theirs)


# --- triplets -------------------------------------------------------------------------


def hardest(d, ids, soft, margin=1.0):
    """Of each anchor; TensorFlow Addons 0.23, `triplet_hard_loss`, TF-Similarity 0.17.1."""
    found = []
    for a in range(len(ids)):
        far = max((d[a, p] for p in of_class(ids, a)), default=0.0)
        gap = far - min(d[a, n] for n in of_others(ids, a))
        found.append(np.log1p(np.exp(gap)) if soft else max(gap + margin, 0))
    return np.array(found)


@row(
    kl.TripletHard,
    "TFA `TripletHardLoss(margin, soft)` | counts anchors without a positive, d_ap = 0",
)
@pytest.mark.parametrize("soft", [False, True])
def test_hard_triplets_of_tensorflow_addons(soft):
    loss = kl.TripletHard(1.0, soft=soft)
    close(number(loss, ODD, X), hardest(euclidean(X), ODD, soft).mean())
    theirs = hardest(euclidean(X), LONELY, soft)  # With the lonely one, d_ap = 0.
    close(number(loss, LONELY, X), theirs[LONELY != 2].mean())


@row(
    kl.TripletHard,
    'TF-Similarity `TripletLoss(negative_mining_strategy="hard")` | `distance="cosine", '
    "soft=True`",
)
def test_hard_triplets_of_tf_similarity():
    loss = kl.TripletHard(distance="cosine", soft=True)
    close(number(loss, ODD, X), hardest(cosine(X), ODD, True).mean())


def pml_hardest(x, ids, margin=0.3):
    """pml, `BatchHardMiner` and `TripletMarginLoss(margin)`."""
    found = hardest(euclidean(unit(x)), ids, False, margin)
    return found[found > 0].mean()


@row(
    kl.TripletHard,
    "pytorch-metric-learning `BatchHardMiner` + `TripletMarginLoss` | normalises; the "
    "mean over active ones only",
)
def test_hard_triplets_of_pml():
    mine = values(kl.TripletHard(0.3), ODD, U)
    close(mine[mine > 0].mean(), pml_hardest(X, ODD))


def semi_hard(d, ids):
    """TensorFlow Addons 0.23, `triplet_semihard_loss`."""
    found = []
    for a, p in positive_pairs(ids):
        negatives = d[a, of_others(ids, a)]
        outside = negatives[negatives > d[a, p]]
        d_an = outside.min() if len(outside) else negatives.max()
        found.append(max(d[a, p] - d_an + 1.0, 0))
    return np.mean(found)


@row(
    kl.TripletSemiHard,
    'TFA `TripletSemiHardLoss(distance_metric="L2")` | the mean over all pairs of the '
    "batch: equal if classes are equally large",
)
def test_semi_hard_triplets_of_tensorflow_addons():
    close(number(kl.TripletSemiHard(1.0), FOURS, X), semi_hard(euclidean(X), FOURS))
    close(over_pairs(kl.TripletSemiHard(1.0), ODD, X), semi_hard(euclidean(X), ODD))


@row(
    kl.TripletSemiHard,
    'TFA `distance_metric="squared-L2"`, `"angular"` | `"squared_euclidean"`, `"cosine"`',
)
@pytest.mark.parametrize("distance", ["squared_euclidean", "cosine"])
def test_semi_hard_distances_of_tensorflow_addons(distance):
    # `metric_learning.angular_distance` is 1 - cos.
    theirs = semi_hard(DISTANCES[distance](X), FOURS)
    close(number(kl.TripletSemiHard(1.0, distance=distance), FOURS, X), theirs)


def tfs_semi_hard(x, ids):
    """TF-Similarity 0.17.1, `TripletLoss()`: the farthest positive of each anchor."""
    d, found = cosine(x), []
    for a in range(len(ids)):
        d_ap, negatives = d[a, of_class(ids, a)].max(), d[a, of_others(ids, a)]
        outside = negatives[negatives > d_ap]
        found.append(np.log1p(np.exp(d_ap - (outside.min() if len(outside) else negatives.max()))))
    return np.mean(found)


@row(
    kl.TripletSemiHard,
    'TF-Similarity `TripletLoss(negative_mining_strategy="semi-hard")` | '
    '`distance="cosine"`, `soft=True`; there only the farthest positive of an anchor',
)
def test_semi_hard_triplets_of_tf_similarity():
    loss = kl.TripletSemiHard(distance="cosine", soft=True)
    close(number(loss, EVEN, X), tfs_semi_hard(X, EVEN))
    assert abs(number(loss, ODD, X) - tfs_semi_hard(X, ODD)) > 1e-3


def pml_semi_hard(x, ids, margin):
    """pml, `TripletMarginMiner(margin, type_of_triplets="semihard")`: `{(a, p): gaps}`."""
    d, found = euclidean(unit(x)), {}
    for a, p, n in triplets(ids):
        if 0 < d[a, n] - d[a, p] <= margin:
            found.setdefault((a, p), []).append(d[a, p] - d[a, n] + margin)
    return found


@row(
    kl.TripletSemiHard,
    'pytorch-metric-learning `TripletMarginMiner(type_of_triplets="semihard")` | '
    "normalises; every semi-hard negative within the margin, not the nearest alone",
)
def test_semi_hard_triplets_of_pml():
    mine = values(kl.TripletSemiHard(0.5), EVEN, U)
    theirs = pml_semi_hard(X, EVEN, 0.5)
    assert any(len(gaps) > 1 for gaps in theirs.values())
    for (a, _), gaps in theirs.items():  # The nearest is that of the largest gap.
        close(mine[a], max(gaps), atol=1e-5)


def all_triplets(d, ids, margin=1.0):
    return np.array([max(d[a, p] - d[a, n] + margin, 0) for a, p, n in triplets(ids)])


def pml_triplets(x, ids):
    """pml, `TripletMarginLoss(margin=1.0)`."""
    found = all_triplets(euclidean(unit(x)), ids)
    return found[found > 0].mean()


def active(d, ids):
    """How many triplets with a positive hinge, and how many at all, each anchor has."""
    found, anchors = all_triplets(d, ids), np.array([a for a, *_ in triplets(ids)])
    return [np.bincount(anchors, w, len(ids)) for w in (found > 0, np.ones(len(found)))]


@row(
    kl.TripletAll,
    "pytorch-metric-learning `TripletMarginLoss(margin=1.0)` | normalises; the mean over "
    "the active triplets of the whole batch at once",
)
def test_all_triplets_of_pml():
    count, _ = active(euclidean(U), ODD)
    mine = values(kl.TripletAll(1.0), ODD, U)
    close((mine * count).sum() / count.sum(), pml_triplets(X, ODD))


@row(kl.TripletAll, "Hermans' \"batch all\" without \"≠0\" | the mean over all triplets")
def test_batch_all_of_hermans():
    d = euclidean(X)
    count, total = active(d, ODD)
    mine = values(kl.TripletAll(1.0), ODD, X)
    close((mine * count).sum() / total.sum(), all_triplets(d, ODD).mean())
