"""Cases of the losses of generators and critics."""

import math

import numpy as np

import keras_losskit as kl
from tests.cases.case import Case, mean_of

rng = np.random.default_rng(20240813)
OTHER = rng.normal(size=(4, 3))
SCORES = rng.normal(size=(4, 3))
SIGNS = np.where(rng.random((4, 3)) < 0.5, -1.0, 1.0)


def relativistic(y_true, y_pred, kind):
    of_true, of_pred = y_true.sum() / y_true.size, y_pred.sum() / y_pred.size

    def against(sign, x):
        if kind == "bce":
            return math.log(1 + math.exp(-sign * x))
        return max(0, 1 - sign * x) if kind == "hinge" else (x - sign) ** 2

    out = np.zeros(len(y_pred))
    for i, (ys, zs) in enumerate(zip(y_true, y_pred)):
        for y, z in zip(ys, zs):
            out[i] += (against(1, z - of_true) + against(-1, y - of_pred)) / 2 / len(ys)
    return out


CASES = [
    Case(kl.Wasserstein, {}, SIGNS, SCORES, mean_of(lambda t, p: -t * p)),
    *(
        Case(kl.RelativisticAverage, {"kind": kind}, OTHER, SCORES, relativistic, label=kind)
        for kind in ("bce", "hinge", "squared")
    ),
]

BAD_OPTIONS = {"kind": ("logistic", None, 1)}
