"""Cases of the losses between sequences."""

import itertools
import math

import numpy as np

import keras_losskit as kl
from tests.cases.case import Case

rng = np.random.default_rng(20240815)
LABELS = np.array([[0, 3, -7], [1, 2, 1], [-7, 3, 2], [3, -7, 3]])
FRAMES = rng.normal(size=(4, 4, 4))


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


CASES = [
    Case(
        kl.CTC, {"blank": 2, "padding": -7, "zero_infinity": False}, LABELS, FRAMES, ctc,
    ),
]

BAD_OPTIONS = {
    "blank": (-1, 0.5, "0", None),
    "padding": (0.5, "0", None),
    "zero_infinity": (1, None, "yes"),
}
