"""Cases of the metric-learning losses.

Embeddings (`y_true` ids `(B,)`, `y_pred (B, D)`), views (both `(B, D)`), cosines (ids
`(B, …)`, `y_pred (B, …, C)`), triplets (`y_pred (B, 3, D)`). Of an anchor without a valid
pair a reference gives NaN.
"""

import math

import numpy as np

import keras_losskit as kl
from tests.cases.case import Case, mean_of

rng = np.random.default_rng(20240616)

# Three classes of 2, 3 and 1; the last anchor has no positive.
IDS = np.array([0, 1, 0, 1, 1, 2])
EMBEDDINGS = rng.normal(size=(6, 3))
DISTANCE_OF = {
    "euclidean": lambda a, b: math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b))),
    "squared_euclidean": lambda a, b: sum((x - y) ** 2 for x, y in zip(a, b)),
    "cosine": lambda a, b: 1 - cosine(a, b),
}


def dot(a, b):
    return sum(float(x) * float(y) for x, y in zip(a, b))


def cosine(a, b):
    size = math.sqrt(dot(a, a) * dot(b, b))
    return dot(a, b) / size if size else 0.0


def per_anchor(value, needs_negatives=True):
    """Values from a function of one anchor, its positives and its negatives."""

    def values(y_true, y_pred, **options):
        out = np.full(len(y_pred), np.nan)
        for a in range(len(y_pred)):
            positives = [j for j in range(len(y_pred)) if j != a and y_true[j] == y_true[a]]
            negatives = [j for j in range(len(y_pred)) if y_true[j] != y_true[a]]
            if positives and (negatives or not needs_negatives):
                out[a] = value(y_pred, a, positives, negatives, **options)
        return out

    return values


def cost(d_ap, d_an, margin, soft):
    return math.log1p(math.exp(d_ap - d_an)) if soft else max(d_ap - d_an + margin, 0)


def semi_hard(x, a, positives, negatives, margin, distance, soft):
    d, total = DISTANCE_OF[distance], 0.0
    far = [d(x[a], x[n]) for n in negatives]
    for p in positives:
        d_ap = d(x[a], x[p])
        farther = [d_an for d_an in far if d_an > d_ap]
        total += cost(d_ap, min(farther) if farther else max(far), margin, soft)
    return total / len(positives)


def hard(x, a, positives, negatives, margin, distance, soft):
    d = DISTANCE_OF[distance]
    farthest = max(d(x[a], x[p]) for p in positives)
    return cost(farthest, min(d(x[a], x[n]) for n in negatives), margin, soft)


def batch_all(x, a, positives, negatives, margin, distance, soft):
    d = DISTANCE_OF[distance]
    costs = [
        cost(d(x[a], x[p]), d(x[a], x[n]), margin, soft) for p in positives for n in negatives
    ]
    active = [c for c in costs if c > 0]
    return sum(active) / len(active) if active else 0.0


def lifted(x, a, positives, negatives, margin):
    d, total = DISTANCE_OF["euclidean"], 0.0
    for p in positives:
        near = sum(math.exp(margin - d(x[a], x[n])) for n in negatives)
        near += sum(math.exp(margin - d(x[p], x[n])) for n in negatives)
        total += max(0, math.log(near) + d(x[a], x[p])) ** 2 / 2
    return total / len(positives)


def multi_similarity(x, a, positives, negatives, alpha, beta, base):
    pull = sum(math.exp(-alpha * (cosine(x[a], x[p]) - base)) for p in positives)
    push = sum(math.exp(beta * (cosine(x[a], x[n]) - base)) for n in negatives)
    return math.log(1 + pull) / alpha + math.log(1 + push) / beta


def circle(x, a, positives, negatives, gamma, margin):
    pull = push = 0.0
    for p in positives:
        d = max(1 - dot(x[a], x[p]), 0)
        pull += math.exp(-gamma * max(margin + d, 0) * (margin - d))
    for n in negatives:
        d = max(1 - dot(x[a], x[n]), 0)
        push += math.exp(gamma * max(1 + margin - d, 0) * (1 - margin - d))
    return math.log(1 + pull * push)


def supervised(x, a, positives, negatives, temperature):
    e = {k: math.exp(cosine(x[a], x[k]) / temperature) for k in positives + negatives}
    return -sum(math.log(e[p] / sum(e.values())) for p in positives) / len(positives)


def soft_neighbor(x, a, positives, negatives, temperature):
    d = DISTANCE_OF["squared_euclidean"]
    e = {k: math.exp(-d(x[a], x[k]) / temperature) for k in positives + negatives}
    return -math.log(sum(e[p] for p in positives) / sum(e.values()))


def angular(x, a, positives, negatives, angle):
    u = [v / math.sqrt(dot(v, v)) for v in x]
    t2, total = math.tan(math.radians(angle)) ** 2, 0.0
    for p in positives:
        f = [
            4 * t2 * dot(u[a] + u[p], u[n]) - 2 * (1 + t2) * dot(u[a], u[p]) for n in negatives
        ]
        total += math.log(1 + sum(map(math.exp, f)))
    return total / len(positives)


def embeddings(loss, value, label="", needs_negatives=True, **options):
    return Case(
        loss, {**options, "gather": True}, IDS, EMBEDDINGS, per_anchor(value, needs_negatives),
        label=label,
    )


def mined(loss, value):
    yield embeddings(loss, value, "soft", margin=0.5, distance="cosine", soft=True)
    for distance in ("euclidean", "squared_euclidean"):
        yield embeddings(loss, value, distance, margin=0.4, distance=distance, soft=False)


def contrastive(t, p, margin):
    return t * p**2 + (1 - t) * max(margin - p, 0) ** 2


def triplet(y_true, y_pred, margin, distance):
    d = DISTANCE_OF[distance]
    return [cost(d(a, p), d(a, n), margin, False) for a, p, n in y_pred]


TRIPLETS = rng.normal(size=(4, 3, 5))


def given(distance):
    return Case(
        kl.Triplet, {"margin": 0.7, "distance": distance}, np.zeros(4), TRIPLETS, triplet,
        label=distance,
    )


# --- two views -------------------------------------------------------------------------

ANCHORS, PARTNERS = rng.normal(size=(2, 5, 3))


def n_pairs(y_true, y_pred, l2):
    out = []
    for i, a in enumerate(y_true):
        e = [math.exp(dot(a, p)) for p in y_pred]
        out.append(
            -math.log(e[i] / sum(e)) + l2 / 4 * (dot(a, a) + dot(y_pred[i], y_pred[i]))
        )
    return out


# --- cosines to class weights or proxies --------------------------------------------------

COSINES = np.clip(rng.normal(size=(4, 3, 6)) / 2, -0.95, 0.95)
COSINES[0, 1] = [-0.93, 0.2, 0.1, -0.94, 0.5, -0.92]  # θ + m passes π.
CLASSES = rng.integers(0, 6, size=(4, 3))
CLASSES[0, 1] = 0
PAIRED_CLASSES = CLASSES // 2


def per_position(logits):
    """Cross-entropy of logits from the cosines and the class of one position."""

    def values(y_true, y_pred, **options):
        out = np.zeros(y_pred.shape[:-1])
        for i in np.ndindex(*out.shape):
            z = logits(list(map(float, y_pred[i])), int(y_true[i]), **options)
            out[i] = -math.log(math.exp(z[int(y_true[i])]) / sum(map(math.exp, z)))
        return out

    return values


def normalized(c, y, temperature):
    return [x / temperature for x in c]


def cos_face(c, y, margin, scale):
    return [scale * (x - margin * (k == y)) for k, x in enumerate(c)]


def arc_face(c, y, margin, scale):
    def turned(x):
        angle = math.acos(x) + margin
        return math.cos(angle) if angle <= math.pi else x - margin * math.sin(margin)

    return [scale * (turned(x) if k == y else x) for k, x in enumerate(c)]


def sub_center(c, y, centers, margin, scale):
    best = [max(c[k : k + centers]) for k in range(0, len(c), centers)]
    return arc_face(best, y, margin, scale)


def proxy_nca(y_true, y_pred, scale):
    out = np.zeros(y_pred.shape[:-1])
    for i in np.ndindex(*out.shape):
        rest = sum(
            math.exp(scale * c) for k, c in enumerate(y_pred[i]) if k != y_true[i]
        )
        out[i] = -math.log(math.exp(scale * y_pred[i][y_true[i]]) / rest)
    return out


def proxy_anchor(y_true, y_pred, margin, scale):
    proxies = range(y_pred.shape[1])
    present = [k for k in proxies if k in y_true]
    pull = push = 0.0
    for k in proxies:
        of = [i for i in range(len(y_true)) if y_true[i] == k]
        rest = [i for i in range(len(y_true)) if y_true[i] != k]
        if of:
            pull += math.log(
                1 + sum(math.exp(-scale * (y_pred[i, k] - margin)) for i in of)
            )
        push += math.log(1 + sum(math.exp(scale * (y_pred[i, k] + margin)) for i in rest))
    return pull / len(present) + push / len(proxies)


def cosines(loss, reference, y_true=CLASSES, **options):
    return Case(loss, options, y_true, COSINES, reference)


CASES = [
    Case(
        kl.Contrastive, {"margin": 1.5}, (rng.random((4, 3, 5)) < 0.5).astype("float64"),
        np.abs(rng.normal(size=(4, 3, 5))), mean_of(contrastive),
    ),
    *(given(distance) for distance in DISTANCE_OF),
    *mined(kl.TripletSemiHard, semi_hard),
    *mined(kl.TripletHard, hard),
    *mined(kl.TripletAll, batch_all),
    Case(kl.NPairs, {"l2": 0.3, "gather": True}, ANCHORS, PARTNERS, n_pairs),
    embeddings(kl.LiftedStructure, lifted, margin=0.7),
    embeddings(kl.MultiSimilarity, multi_similarity, alpha=1.5, beta=20.0, base=0.3),
    embeddings(kl.Circle, circle, gamma=6.0, margin=0.3),
    embeddings(kl.SupervisedContrastive, supervised, "", False, temperature=0.4),
    embeddings(kl.SoftNearestNeighbor, soft_neighbor, "", False, temperature=2.5),
    embeddings(kl.Angular, angular, angle=40.0),
    cosines(kl.NormalizedSoftmax, per_position(normalized), temperature=0.2),
    cosines(kl.CosFace, per_position(cos_face), margin=0.2, scale=8.0),
    cosines(kl.ArcFace, per_position(arc_face), margin=0.6, scale=8.0),
    cosines(
        kl.SubCenterArcFace, per_position(sub_center), PAIRED_CLASSES, centers=2, margin=0.6,
        scale=8.0,
    ),
    cosines(kl.ProxyNCA, proxy_nca, scale=3.0),
    Case(
        kl.ProxyAnchor, {"margin": 0.2, "scale": 4.0, "gather": True}, np.array([0, 2, 0, 1]),
        COSINES[:, 0], proxy_anchor, batch=True,
    ),
]

BAD_OPTIONS = {
    "margin": (-0.1, float("nan"), float("inf"), "1", None, True),
    "distance": ("manhattan", None, 2),
    "soft": (1, None, "yes"),
    "gather": (1, None, "yes"),
    "l2": (-0.1, float("nan"), "1"),
    "alpha": (0, -1, float("nan")),
    "beta": (0, -1, float("nan")),
    "base": (float("nan"), float("inf"), "1"),
    "gamma": (0, -1, float("nan")),
    "temperature": (0, -1, float("nan"), "1"),
    "angle": (0, 90, -1, float("nan")),
    "scale": (0, -1, float("nan"), "1"),
    "centers": (0, 1.5, "2", True),
}
