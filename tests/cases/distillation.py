"""Cases of the losses between a teacher and a student."""

import math

import numpy as np

import keras_losskit as kl
from tests.cases.case import Case
from tests.cases.metric_learning import dot

rng = np.random.default_rng(20240812)
LABELS = np.array([[2, 0, 1], [1, 3, 0], [3, 3, 2], [0, 1, 2]])
STUDENT = rng.normal(size=(4, 3, 4)) * 2
TEACHER = STUDENT + rng.normal(size=(4, 3, 4))
PACKED = np.concatenate([LABELS[..., None], TEACHER], axis=-1)
FIRST = rng.normal(size=(5, 3))
SECOND = rng.normal(size=(5, 4))


def shares(z, temperature, without=None):
    e = [0.0 if c == without else math.exp(x / temperature) for c, x in enumerate(z)]
    return [x / sum(e) for x in e]


def divergence(p, q):
    return sum(a * math.log(a / b) for a, b in zip(p, q) if a > 0)


def decoupled(y_true, y_pred, alpha, beta, temperature):
    out = np.zeros(y_pred.shape[:-1])
    for i in np.ndindex(*out.shape):
        true, teacher, student = int(y_true[i][0]), y_true[i][1:], y_pred[i]
        if np.isnan(student).any():
            out[i] = math.nan
            continue
        p, q = shares(teacher, temperature)[true], shares(student, temperature)[true]
        of_true = divergence([p, 1 - p], [q, 1 - q])
        among = divergence(shares(teacher, temperature, true), shares(student, temperature, true))
        out[i] = temperature**2 * (alpha * of_true + beta * among)
    return out


def length(x):
    return math.sqrt(dot(x, x))


def huber(d):
    return d * d / 2 if abs(d) < 1 else abs(d) - 0.5


def cosine_at(x, i, j, k):
    a, b = x[j] - x[i], x[k] - x[i]
    lengths = length(a) * length(b)
    return dot(a, b) / lengths if lengths > 0 else 0.0


def relational(y_true, y_pred, distance_weight, angle_weight):
    n = len(y_pred)
    if n < 2:
        return 0.0

    def distances(x):
        d = [[length(a - b) for b in x] for a in x]
        apart = [v for row in d for v in row if v > 0]
        mean = sum(apart) / len(apart)
        return [[v / mean for v in row] for row in d]

    t, s = distances(y_true), distances(y_pred)
    value = distance_weight * sum(
        huber(s[i][j] - t[i][j]) for i in range(n) for j in range(n)
    ) / n**2
    return value + angle_weight * sum(
        huber(cosine_at(y_pred, i, j, k) - cosine_at(y_true, i, j, k))
        for i in range(n) for j in range(n) for k in range(n)
    ) / n**3


CASES = [
    Case(
        kl.DecoupledDistillation, {"alpha": 0.7, "beta": 3.0, "temperature": 2.5}, PACKED, STUDENT,
        decoupled,
    ),
    Case(
        kl.RelationalDistillation,
        {"distance_weight": 2.0, "angle_weight": 3.0, "gather": True}, FIRST, SECOND,
        relational, batch=True,
    ),
]

BAD_OPTIONS = {
    "alpha": (-1, float("nan"), "1"),
    "beta": (-1, float("nan"), "1"),
    "temperature": (0, -1, float("nan"), "1"),
    "distance_weight": (-1, float("nan"), "1"),
    "angle_weight": (-1, float("nan"), "1"),
    "gather": (1, None, "yes"),
}
