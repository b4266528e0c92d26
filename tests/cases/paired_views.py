"""Cases of the losses on paired views, both `(B, D)`."""

import math

import numpy as np

import keras_losskit as kl
from tests.cases.case import Case
from tests.cases.metric_learning import cosine, dot

rng = np.random.default_rng(20240617)
FIRST = rng.normal(size=(5, 3))
SECOND = FIRST + rng.normal(size=(5, 3)) * 0.7


def nt_xent(y_true, y_pred, temperature):
    z, n = [*y_true, *y_pred], len(y_true)

    def direction(i, j):
        e = {k: math.exp(cosine(z[i], z[k]) / temperature) for k in range(2 * n) if k != i}
        return -math.log(e[j] / sum(e.values()))

    return [(direction(i, i + n) + direction(i + n, i)) / 2 for i in range(n)]


def decoupled(y_true, y_pred, temperature):
    z, n = [*y_true, *y_pred], len(y_true)

    def direction(i, j):
        rest = [k for k in range(2 * n) if k not in (i, j)]
        if not rest:
            return math.nan
        total = sum(math.exp(cosine(z[i], z[k]) / temperature) for k in rest)
        return -cosine(z[i], z[j]) / temperature + math.log(total)

    return [(direction(i, i + n) + direction(i + n, i)) / 2 for i in range(n)]


def info_nce(y_true, y_pred, temperature, symmetric, ids=False, log_q=False):
    n = len(y_pred)
    columns, y_true = y_true[:, : ids + log_q], y_true[:, ids + log_q :]
    item = columns[:, 0] if ids else range(n)
    correction = columns[:, -1] if log_q else [0.0] * n

    def direction(i, a, b, correction):
        e = [math.exp(cosine(a[i], b[j]) / temperature - correction[j]) for j in range(n)]
        return -math.log(e[i] / sum(e[j] for j in range(n) if j == i or item[j] != item[i]))

    out = []
    for i in range(n):
        value = direction(i, y_true, y_pred, correction)
        back = direction(i, y_pred, y_true, [0.0] * n)
        out.append((value + back) / 2 if symmetric else value)
    return out


def sig_lip(y_true, y_pred, temperature, bias):
    out = []
    for i, a in enumerate(y_true):
        value = 0.0
        for j, b in enumerate(y_pred):
            sign = 1 if i == j else -1
            value += math.log(1 + math.exp(-sign * (temperature * cosine(a, b) + bias)))
        out.append(value)
    return out


def column(x, i):
    return [float(row[i]) for row in x]


def centred(x, i):
    values = column(x, i)
    return [v - sum(values) / len(values) for v in values]


def barlow_twins(y_true, y_pred, redundancy_weight):
    total = 0.0
    for i in range(y_pred.shape[1]):
        for j in range(y_pred.shape[1]):
            a, b = centred(y_true, i), centred(y_pred, j)
            c = dot(a, b) / math.sqrt(dot(a, a) * dot(b, b))
            total += (1 - c) ** 2 if i == j else redundancy_weight * c**2
    return total


def vicreg(y_true, y_pred, invariance, variance, covariance):
    n, d = y_pred.shape
    squares = [(y_pred[i, k] - y_true[i, k]) ** 2 for i in range(n) for k in range(d)]
    value = invariance * sum(squares) / (n * d)
    for x in (y_true, y_pred):
        c = [
            [dot(centred(x, i), centred(x, j)) / (n - 1) for j in range(d)] for i in range(d)
        ]
        narrow = [max(0, 1 - math.sqrt(c[i][i] + 1e-4)) for i in range(d)]
        value += variance * sum(narrow) / d / 2
        value += covariance * sum(
            c[i][j] ** 2 for i in range(d) for j in range(d) if i != j
        ) / d
    return value


def koleo(y_true, y_pred):
    u = [x / math.sqrt(dot(x, x)) for x in y_pred]
    out = []
    for i, a in enumerate(u):
        rest = [math.sqrt(dot(a - b, a - b)) for j, b in enumerate(u) if j != i]
        out.append(-math.log(min(rest)) if rest else math.nan)
    return out


def assigned(scores, temperature, iterations):
    """Sinkhorn-Knopp as in the paper: all prototypes equally often, each sample once."""
    q = [[math.exp(s / temperature) for s in row] for row in scores]
    samples, prototypes = range(len(q)), range(len(q[0]))
    for _ in range(iterations):
        sums = [sum(q[i][k] for i in samples) for k in prototypes]
        q = [[q[i][k] / sums[k] for k in prototypes] for i in samples]
        q = [[x / sum(row) for x in row] for row in q]
    return q


def scored(q, scores, temperature):
    e = [math.exp(s / temperature) for s in scores]
    return -sum(a * math.log(b / sum(e)) for a, b in zip(q, e))


def dino(y_true, y_pred, student_temperature, teacher_temperature, centering):
    if centering == "none":
        q = [[math.exp(s / teacher_temperature) for s in row] for row in y_true]
        q = [[x / sum(row) for x in row] for row in q]
    else:
        q = assigned(y_true, teacher_temperature, 3)
    return [scored(a, s, student_temperature) for a, s in zip(q, y_pred)]


def swav(y_true, y_pred, temperature, epsilon, iterations):
    first = assigned(y_true, epsilon, iterations)
    second = assigned(y_pred, epsilon, iterations)
    return [
        (scored(second[i], y_true[i], temperature) + scored(first[i], y_pred[i], temperature)) / 2
        for i in range(len(y_pred))
    ]


def discrepancy(y_true, y_pred, bandwidths):
    n = len(y_pred)
    if n < 2:
        return 0.0

    def k(a, b):
        return sum(math.exp(-dot(a - b, a - b) / (2 * s * s)) for s in bandwidths) / len(bandwidths)

    def within(x):
        pairs = [k(x[i], x[j]) for i in range(n) for j in range(n) if i != j]
        return sum(pairs) / len(pairs)

    across = [k(a, b) for a in y_true for b in y_pred]
    return within(y_true) + within(y_pred) - 2 * sum(across) / len(across)


GRADES = np.array([0.0, 2.0, 1.0, 2.0, 0.5])
COSINES = rng.uniform(-0.9, 0.9, size=5)


def cosent(y_true, y_pred, scale):
    total, n = 0.0, len(y_pred)
    for i in range(n):
        for j in range(n):
            if y_true[i] < y_true[j]:
                total += math.exp(scale * (y_pred[i] - y_pred[j]))
    return math.log(1 + total)


def matryoshka(y_true, y_pred, sizes, weights):
    out = np.zeros(len(y_pred))
    for n, w in zip(sizes, weights):
        out += w * np.array(info_nce(y_true[:, :n], y_pred[:, :n], 0.3, True))
    return out


def views(loss, reference, label="", batch=False, detached=False, **options):
    if loss is not kl.NegativeCosine:
        options["gather"] = True
    return Case(
        loss, options, FIRST, SECOND, reference, label=label, batch=batch, detached=detached
    )


def packed(label, columns, **options):
    """InfoNCE on ids or log q before the embedding."""
    return Case(
        kl.InfoNCE, {"temperature": 0.2, **options}, np.concatenate([columns, FIRST], axis=1),
        SECOND, info_nce, label=label,
    )


CASES = [
    views(kl.NTXent, nt_xent, temperature=0.3),
    views(kl.InfoNCE, info_nce, "symmetric", temperature=0.2, symmetric=True),
    views(kl.InfoNCE, info_nce, "one-way", temperature=0.2, symmetric=False),
    packed("ids", [[3.0], [1.0], [3.0], [2.0], [1.0]], symmetric=True, ids=True),
    packed("log-q", [[-1.0], [-3.0], [-0.5], [-2.0], [-1.5]], symmetric=True, log_q=True),
    views(kl.SigLIP, sig_lip, temperature=4.0, bias=-1.5),
    views(kl.BarlowTwins, barlow_twins, batch=True, redundancy_weight=0.3),
    views(kl.VICReg, vicreg, batch=True, invariance=2.0, variance=3.0, covariance=0.5),
    views(
        kl.NegativeCosine, lambda y_true, y_pred: [-cosine(a, b) for a, b in zip(y_true, y_pred)]
    ),
    views(kl.DecoupledContrastive, decoupled, temperature=0.3),
    views(kl.KoLeo, koleo),
    views(
        kl.DINO, dino, student_temperature=0.3, teacher_temperature=0.2, centering="sinkhorn"
    ),
    views(
        kl.DINO, dino, "plain", student_temperature=0.3, teacher_temperature=0.2, centering="none"
    ),
    Case(kl.CoSENT, {"scale": 3.0, "gather": True}, GRADES, COSINES, cosent, batch=True),
    Case(
        kl.Matryoshka, {"sizes": [3, 2], "weights": [0.5, 2.0]}, FIRST, SECOND, matryoshka,
        argument=[kl.InfoNCE(0.3)],
    ),
    views(kl.SwAV, swav, detached=True, temperature=0.3, epsilon=0.4, iterations=2),
    views(kl.MaximumMeanDiscrepancy, discrepancy, batch=True, bandwidths=[0.5, 2.0]),
]

BAD_OPTIONS = {
    "temperature": (0, -1, float("nan"), "1"),
    "student_temperature": (0, -1, float("nan"), "1"),
    "teacher_temperature": (0, -1, float("nan"), "1"),
    "sizes": ([], [0], [2.5], [2, 2], 3, None),
    "weights": ([], [1.0], [-1.0, 1.0], [0.0, 0.0], [float("nan"), 1.0], 1.0),
    "scale": (0, -1, float("nan"), "1"),
    "centering": ("ema", None, 1),
    "epsilon": (0, -1, float("nan"), "1"),
    "iterations": (0, 1.5, "3", None),
    "bandwidths": ([], [0.0], [-1.0], [float("nan")], 1.0, None),
    "symmetric": (1, None, "yes"),
    "ids": (1, None, "yes"),
    "log_q": (1, None, "yes"),
    "gather": (1, None, "yes"),
    "bias": (float("nan"), float("inf"), "1", None),
    "redundancy_weight": (-1, float("nan"), "1"),
    "invariance": (-1, float("nan"), "1"),
    "variance": (-1, float("nan"), "1"),
    "covariance": (-1, float("nan"), "1"),
}
