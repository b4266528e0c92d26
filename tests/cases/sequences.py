"""Cases of the losses between sequences."""

import itertools
import math

import numpy as np

import keras_losskit as kl
from tests.cases.case import Case

rng = np.random.default_rng(20240815)
LABELS = np.array([[0, 3, -7], [1, 2, 1], [-7, 3, 2], [3, -7, 3]])
FRAMES = rng.normal(size=(4, 4, 4))
COURSE_TRUE, COURSE_PRED = rng.normal(size=(4, 5, 2)), rng.normal(size=(4, 4, 2))


def merged(way, blank):
    """Repetitions once, then no blanks."""
    once = [c for i, c in enumerate(way) if i == 0 or c != way[i - 1]]
    return [c for c in once if c != blank]


def ctc(y_true, y_pred, blank, padding, zero_infinity):
    """Every way through the frames, one after the other."""
    out = []
    for labels, z in zip(y_true, y_pred):
        labels = [c for c in labels if c not in (blank, padding)]
        p = [[math.exp(x) / sum(math.exp(v) for v in row) for x in row] for row in z]
        total = 0.0
        for way in itertools.product(range(z.shape[1]), repeat=len(z)):
            if merged(way, blank) == labels:
                total += math.prod(row[c] for row, c in zip(p, way))
        out.append(-math.log(total) if total != 0 else 0.0 if zero_infinity else math.inf)
    return out


def soft_dtw(y_true, y_pred, gamma, divergence, bandwidth):
    """Every alignment, one after the other."""

    def ways(i, j, inside):
        """The cells of each way from (1, 1) to (i, j)."""
        if (i, j) == (1, 1):
            return [[(1, 1)]] if inside(1, 1) else []
        before = [(i - 1, j - 1), (i - 1, j), (i, j - 1)]
        found = [w for a, b in before if min(a, b) > 0 for w in ways(a, b, inside)]
        return [[*way, (i, j)] for way in found] if inside(i, j) else []

    def of(y, x):
        t, s = len(y), len(x)
        width = math.inf if bandwidth is None else max(bandwidth, abs(t - s))
        costs = [
            sum(math.dist(y[i - 1], x[j - 1]) ** 2 for i, j in way)
            for way in ways(t, s, lambda i, j: abs(i - j * t / s) <= width + 1e-9)
        ]
        return -gamma * math.log(sum(math.exp(-c / gamma) for c in costs))

    if not divergence:
        return [of(y, x) for y, x in zip(y_true, y_pred)]
    return [of(y, x) - of(y, y) / 2 - of(x, x) / 2 for y, x in zip(y_true, y_pred)]


CASES = [
    Case(
        kl.CTC, {"blank": 2, "padding": -7, "zero_infinity": False}, LABELS, FRAMES, ctc,
    ),
    Case(
        kl.SoftDTW, {"gamma": 0.7, "divergence": True, "bandwidth": 1.5}, COURSE_TRUE,
        COURSE_PRED, soft_dtw,
    ),
]

BAD_OPTIONS = {
    "blank": (-1, 0.5, "0", None),
    "padding": (0.5, "0", None),
    "zero_infinity": (1, None, "yes"),
    "gamma": (0, -1, float("nan"), "1"),
    "divergence": (1, None, "yes"),
    "bandwidth": (-1, float("nan"), "1"),
}
