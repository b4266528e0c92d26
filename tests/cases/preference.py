"""Cases of the losses on preferred and rejected answers."""

import math

import numpy as np

import keras_losskit as kl
from tests.cases.case import Case

rng = np.random.default_rng(20240814)
REFERENCE = -rng.exponential(5.0, size=(4, 2))
POLICY = REFERENCE + rng.normal(size=(4, 2))
MEANS = -rng.exponential(1.0, size=(4, 2))


def log_sigmoid(x):
    return -math.log(1 + math.exp(-x))


def dpo(y_true, y_pred, beta, label_smoothing, kind):
    out = []
    for (r_c, r_r), (p_c, p_r) in zip(y_true, y_pred):
        delta = (p_c - r_c) - (p_r - r_r)
        if kind == "hinge":
            out.append(max(0, 1 - beta * delta))
        elif kind == "ipo":
            out.append((delta - 1 / (2 * beta)) ** 2)
        else:
            wrong = label_smoothing * log_sigmoid(-beta * delta)
            out.append(-(1 - label_smoothing) * log_sigmoid(beta * delta) - wrong)
    return out


def orpo(y_true, y_pred, beta):
    def odds(mean):
        return math.log(math.exp(mean) / (1 - math.exp(mean)))

    return [-c - beta * log_sigmoid(odds(c) - odds(r)) for c, r in y_pred]


def simpo(y_true, y_pred, beta, margin):
    return [-log_sigmoid(beta * (c - r) - margin) for c, r in y_pred]


CASES = [
    *(
        Case(
            kl.DPO, {"beta": 0.7, "label_smoothing": smoothing, "kind": kind}, REFERENCE, POLICY,
            dpo, label=kind,
        )
        for kind, smoothing in (("sigmoid", 0.1), ("hinge", 0.0), ("ipo", 0.0))
    ),
    Case(kl.ORPO, {"beta": 0.4}, np.zeros(4), MEANS, orpo),
    Case(kl.SimPO, {"beta": 1.5, "margin": 0.3}, np.zeros(4), MEANS, simpo),
]

BAD_OPTIONS = {
    "beta": (-1, float("nan"), "1"),
    "label_smoothing": (-0.1, 0.5, float("nan"), "0"),
    "kind": ("logistic", None, 1),
    "margin": (float("nan"), "1", None),
}
