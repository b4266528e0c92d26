"""pytorch-metric-learning: embeddings and ids there and here, normalised there."""

import numpy as np
import torch
import torch.nn.functional as F
from pytorch_metric_learning import losses as pml
from pytorch_metric_learning import miners, reducers
from pytorch_metric_learning.distances import LpDistance

import keras_losskit as kl
from tests.peers.compare import DIFFERS, EQUAL, OPTION, Pair, peer, tensor, values

NAME = "pytorch-metric-learning"


def normalised(x):
    return F.normalize(x, dim=-1)


def batch(d, ids=None):
    """Ids, of which each class has two or more, and embeddings."""
    ids = d.unbalanced(d.size(2, 4)) if ids is None else ids
    return ids, d.normal(len(ids), d.size(3, 5))


def of_class(ids):
    """How many positives and negatives each anchor has."""
    same = ids[:, None] == ids[None]
    return same.sum(1) - 1, (~same).sum(1)


def over_pairs(loss, ids):
    """The mean over pairs (a, p), of a loss that has a mean per anchor."""
    positives, _ = of_class(ids)

    def mapped(y, x):
        return (loss(y, x) * tensor(positives)).sum() / positives.sum()

    return mapped


# --- pairs -----------------------------------------------------------------------------------


@peer(
    NAME, "ContrastiveLoss", kl.Contrastive, DIFFERS,
    "pytorch-metric-learning `ContrastiveLoss()` | takes embeddings, normalises them, and does "
    "not square; the means over the similar and over the other pairs that cost something, added",
)
def contrastive(d):
    ids, x = batch(d)
    a, b = np.nonzero(~np.eye(len(ids), dtype=bool))
    same = (ids[a] == ids[b]).astype(float)
    loss = values(kl.Contrastive)

    def distances(x):
        u = normalised(x)
        return (u[a] - u[b]).norm(dim=-1)

    def mapped(y, x):
        each = loss(same, distances(x))
        parts = (each[(tensor(same) == kind) & (each > 0)] for kind in (0, 1))
        return sum(part.sqrt().mean() for part in parts if len(part))

    return Pair(
        mapped, ids, x, lambda x: pml.ContrastiveLoss()(x, tensor(ids)),
        plain=lambda y, x: kl.Contrastive()(same, distances(x)),
    )


@peer(
    NAME, "LiftedStructureLoss(neg_margin)", kl.LiftedStructure, OPTION,
    "pytorch-metric-learning `LiftedStructureLoss(neg_margin=1)` | as TFA's, of normalised "
    "embeddings",
)
def lifted(d):
    ids, x = batch(d, d.choice(d.balanced(2, 4), d.unbalanced(3)))
    margin = d.real(0.5, 2)
    loss = values(kl.LiftedStructure, margin=margin)
    return Pair(
        over_pairs(loss, ids), ids, x,
        lambda x: pml.LiftedStructureLoss(neg_margin=margin, pos_margin=0)(x, tensor(ids)),
        through=normalised,
    )


@peer(
    NAME, "AngularLoss(alpha)", kl.Angular, OPTION,
    "pytorch-metric-learning `AngularLoss(alpha=40)` | `angle=40`, for embeddings of length 1: "
    "there negatives are not normalised; the mean over all pairs",
)
def angular(d):
    ids, x = batch(d)
    angle = d.real(30, 55)
    loss = values(kl.Angular, angle=angle)
    return Pair(
        over_pairs(loss, ids), ids, x,
        lambda x: pml.AngularLoss(alpha=angle)(x, tensor(ids)), through=normalised,
    )


@peer(
    NAME, "MultiSimilarityLoss(alpha, beta, base)", kl.MultiSimilarity, OPTION,
    "pytorch-metric-learning `MultiSimilarityLoss(2, 50, 0.5)` | the same; it also counts "
    "anchors with pairs of one kind only",
)
def multi_similarity(d):
    options = d.real(1, 4), d.real(10, 50), d.real(0.2, 0.7)
    ids, x = batch(d)
    return Pair(
        kl.MultiSimilarity(*options), ids, x,
        lambda x: pml.MultiSimilarityLoss(*options)(x, tensor(ids)),
    )


@peer(
    NAME, "MultiSimilarityLoss of a class of one", kl.MultiSimilarity, DIFFERS,
    "pytorch-metric-learning `MultiSimilarityLoss(2, 50, 0.5)` | the same; it also counts "
    "anchors with pairs of one kind only",
)
def multi_similarity_of_one(d):
    """What the lonely one adds is its push alone."""
    ids, x = batch(d, np.append(d.unbalanced(3), 9))
    loss = kl.MultiSimilarity(2, 50, 0.5)

    def mapped(y, x):
        u = normalised(x)
        lonely = F.softplus(torch.logsumexp(50 * (u[:-1] @ u[-1] - 0.5), 0)) / 50
        n = len(ids)
        return (loss(y, x) * (n - 1) + lonely) / n

    return Pair(
        mapped, ids, x, lambda x: pml.MultiSimilarityLoss(2, 50, 0.5)(x, tensor(ids)), plain=loss
    )


@peer(
    NAME, "CircleLoss(m, gamma)", kl.Circle, OPTION,
    "pytorch-metric-learning `CircleLoss(m=0.4, gamma=80)` | normalises, detaches the weights, "
    "and counts values > 0 only",
    gradient=False,
)
def circle(d):
    m, gamma = d.real(0.2, 0.6), d.real(2, 80)
    ids, x = batch(d)
    loss = values(kl.Circle, gamma=gamma, margin=m)

    def mapped(y, x):
        each = loss(y, normalised(x))
        return each[each > 0].mean()

    return Pair(mapped, ids, x, lambda x: pml.CircleLoss(m=m, gamma=gamma)(x, tensor(ids)))


# --- softmax over pairs ----------------------------------------------------------------------


@peer(
    NAME, "SupConLoss(temperature)", kl.SupervisedContrastive, EQUAL,
    "pytorch-metric-learning `SupConLoss(0.1)` | `SupervisedContrastive(0.1)`",
)
def supervised_contrastive(d):
    t = d.real(0.05, 0.5)
    ids = d.choice(d.unbalanced(3), np.append(d.unbalanced(3), 9))  # One alone in its class.
    ids, x = batch(d, ids)
    return Pair(
        kl.SupervisedContrastive(t), ids, x, lambda x: pml.SupConLoss(t)(x, tensor(ids))
    )


@peer(
    NAME, "NTXentLoss(temperature)", kl.NTXent, EQUAL,
    "pytorch-metric-learning `NTXentLoss(0.07)`, both views stacked, ids twice | `NTXent(0.07)`",
)
def nt_xent(d):
    t, shape = d.real(0.05, 0.5), (d.size(2, 6), d.size(2, 5))
    y, twice = d.normal(*shape), tensor(np.tile(np.arange(shape[0]), 2))
    return Pair(
        kl.NTXent(t), y, d.normal(*shape),
        lambda x: pml.NTXentLoss(t)(torch.cat([tensor(y), x]), twice),
    )


@peer(
    NAME, "NPairsLoss", kl.NPairs, OPTION,
    "pytorch-metric-learning `NPairsLoss()` | picks the pairs by label, and normalises them",
)
def n_pairs(d):
    shape = d.size(2, 6), d.size(2, 5)
    y = d.normal(*shape)
    twice = tensor(np.tile(np.arange(shape[0]), 2))
    return Pair(
        lambda y, x: kl.NPairs()(normalised(tensor(y)), normalised(x)), y, d.normal(*shape),
        lambda x: pml.NPairsLoss()(torch.cat([tensor(y), x]), twice),
    )


@peer(NAME, "VICRegLoss", kl.VICReg, EQUAL, "its three weights")
def vicreg(d):
    shape = d.size(3, 8), d.size(2, 5)
    y = d.normal(*shape)
    weights = d.real(1, 25), d.real(1, 25), d.real(0.5, 2)
    return Pair(
        kl.VICReg(*weights), y, d.normal(*shape),
        lambda x: pml.VICRegLoss(*weights, eps=1e-4)(x, ref_emb=tensor(y)),
    )


# --- class weights: the kit takes the cosines ------------------------------------------------


def of_proxies(d, theirs, loss, centers=1, transposed=True, **options):
    """Their layer, with our weights; both sides compute the cosines of x with them."""
    classes, size = d.size(2, 5), d.size(3, 5)
    ids = d.ids(d.size(2, 7), classes=classes)
    w = d.normal(classes * centers, size)
    layer = theirs(num_classes=classes, embedding_size=size, **options).double()
    with torch.no_grad():
        (parameter,) = layer.parameters()
        parameter.copy_(tensor(w.T if transposed else w))

    def mine(y, x):
        return loss(y, normalised(x) @ normalised(tensor(w)).T)

    return Pair(mine, ids, d.normal(len(ids), size), lambda x: layer(x, tensor(ids)))


@peer(
    NAME, "NormalizedSoftmaxLoss(temperature)", kl.NormalizedSoftmax, OPTION,
    "of the cosines; there the loss holds the weights",
)
def normalized_softmax(d):
    t = d.real(0.05, 0.5)
    return of_proxies(d, pml.NormalizedSoftmaxLoss, kl.NormalizedSoftmax(t), temperature=t)


@peer(
    NAME, "CosFaceLoss(margin, scale)", kl.CosFace, OPTION,
    "of the cosines; there the loss holds the weights",
)
def cos_face(d):
    margin, scale = d.real(0.1, 0.5), d.real(4, 64)
    return of_proxies(
        d, pml.CosFaceLoss, kl.CosFace(margin, scale), margin=margin, scale=scale
    )


@peer(
    NAME, "ArcFaceLoss(margin in degrees, scale)", kl.ArcFace, OPTION,
    "of the cosines, `margin` in radians; there the loss holds the weights",
)
def arc_face(d):
    margin, scale = d.real(0.1, 0.6), d.real(4, 64)
    return of_proxies(
        d, pml.ArcFaceLoss, kl.ArcFace(margin, scale), margin=np.degrees(margin), scale=scale
    )


@peer(
    NAME, "SubCenterArcFaceLoss(margin in degrees, scale, sub_centers)", kl.SubCenterArcFace,
    OPTION, "of the cosines, `margin` in radians; there the loss holds the weights",
)
def sub_center_arc_face(d):
    margin, scale, centers = d.real(0.1, 0.6), d.real(4, 64), d.size(2, 3)
    return of_proxies(
        d, pml.SubCenterArcFaceLoss, kl.SubCenterArcFace(centers, margin, scale), centers,
        margin=np.degrees(margin), scale=scale, sub_centers=centers,
    )


@peer(
    NAME, "ProxyNCALoss(softmax_scale=1)", kl.ProxyNCA, DIFFERS,
    "pytorch-metric-learning `ProxyNCALoss(softmax_scale=1)` | its denominator has all proxies: "
    "`NormalizedSoftmax(temperature=0.5)`",
)
def proxy_nca(d):
    state = d.rng.bit_generator.state
    pair = of_proxies(d, pml.ProxyNCALoss, kl.NormalizedSoftmax(0.5), transposed=False)
    d.rng.bit_generator.state, d.turn = state, -1
    own = of_proxies(d, pml.ProxyNCALoss, kl.ProxyNCA(scale=2.0), transposed=False)
    pair.plain = own.loss
    return pair


@peer(
    NAME, "ProxyAnchorLoss(margin, alpha)", kl.ProxyAnchor, OPTION,
    "`alpha` is `scale`; of the cosines; there the loss holds the weights",
)
def proxy_anchor(d):
    margin, scale = d.real(0.05, 0.3), d.real(4, 32)
    return of_proxies(
        d, pml.ProxyAnchorLoss, kl.ProxyAnchor(margin, scale), transposed=False, margin=margin,
        alpha=scale,
    )


# --- triplets --------------------------------------------------------------------------------


@peer(
    NAME, "BatchHardMiner and TripletMarginLoss(margin)", kl.TripletHard, DIFFERS,
    "pytorch-metric-learning `BatchHardMiner` + `TripletMarginLoss` | normalises; the mean over "
    "active ones only",
)
def hard_triplets(d):
    ids, x = batch(d)
    margin = d.real(0.1, 1)
    loss = values(kl.TripletHard, margin=margin)

    def mapped(y, x):
        each = loss(y, normalised(x))
        return each[each > 0].mean()

    def theirs(x):
        mined = miners.BatchHardMiner()(x, tensor(ids))
        return pml.TripletMarginLoss(margin=margin)(x, tensor(ids), mined)

    return Pair(mapped, ids, x, theirs, plain=kl.TripletHard(margin))


@peer(
    NAME, "TripletMarginLoss(margin)", kl.TripletAll, DIFFERS,
    "pytorch-metric-learning `TripletMarginLoss(margin=1.0)` | normalises; the mean over the "
    "active triplets of the whole batch at once",
)
def all_triplets(d):
    """The sum over an anchor's active triplets is its mean times how many they are."""
    ids, x = batch(d)
    margin = d.real(0.1, 1)
    loss = values(kl.TripletAll, margin=margin)

    def active(u):
        gap = torch.cdist(u, u)
        cost = gap[:, :, None] - gap[:, None, :] + margin
        same = tensor(ids[:, None] == ids[None])
        there = same & ~torch.eye(len(ids), dtype=bool)
        return ((cost > 0) & there[:, :, None] & ~same[:, None, :]).sum((1, 2))

    def mapped(y, x):
        u = normalised(x)
        n = active(u.detach())
        return (loss(y, u) * n).sum() / n.sum()

    return Pair(
        mapped, ids, x, lambda x: pml.TripletMarginLoss(margin=margin)(x, tensor(ids)),
        plain=kl.TripletAll(margin),
    )


@peer(
    NAME, "TripletMarginLoss(distance=LpDistance(normalize_embeddings=False))", kl.TripletAll,
    OPTION, "of one anchor with negatives, its mean",
)
def all_triplets_of_an_anchor(d):
    """The values one by one: a batch in which all others are of one class."""
    ids = np.array([0, 0, 1, 2, 3, 4])
    x, margin = d.normal(len(ids), d.size(2, 4)), d.real(0.5, 2)
    loss = values(kl.TripletAll, margin=margin)
    theirs = pml.TripletMarginLoss(
        margin=margin, distance=LpDistance(normalize_embeddings=False),
        reducer=reducers.DoNothingReducer(),
    )

    def each(x):
        found = theirs(x, tensor(ids))["loss"]
        anchors, cost = found["indices"][0], found["losses"]
        return torch.stack([
            _mean_of_positive(cost[anchors == a]) for a in range(len(ids))
        ])

    return Pair(loss, ids, x, each)


def _mean_of_positive(cost):
    some = cost[cost > 0]
    return some.mean() if len(some) else 0 * cost.sum()


@peer(
    NAME, 'TripletMarginMiner(type_of_triplets="semihard")', kl.TripletSemiHard, DIFFERS,
    'pytorch-metric-learning `TripletMarginMiner(type_of_triplets="semihard")` | normalises; '
    "every semi-hard negative within the margin, not the nearest alone",
    gradient=False,
)
def semi_hard_triplets(d):
    """Of each pair the nearest is the triplet that costs most; here pairs with one only."""
    ids = d.balanced(4, 2)
    x, margin = d.normal(len(ids), 3), 0.5
    loss = values(kl.TripletSemiHard, margin=margin)

    def mined(x):
        a, p, n = miners.TripletMarginMiner(margin=margin, type_of_triplets="semihard")(
            x, tensor(ids)
        )
        return a, torch.stack([a, p, n])

    some = sorted(set(mined(tensor(x))[0].tolist()))

    def mapped(y, x):
        return loss(y, normalised(x))[some]

    def theirs(x):
        a, triplets = mined(x)
        cost = pml.TripletMarginLoss(margin=margin, reducer=reducers.DoNothingReducer())
        found = cost(x, tensor(ids), tuple(triplets))["loss"]["losses"]
        return torch.stack([found[a == i].max() for i in some])

    return Pair(
        mapped, ids, x, theirs, plain=lambda y, x: kl.TripletSemiHard(margin)(y, x)
    )
