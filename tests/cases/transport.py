"""Cases of the losses between sets of points."""

import math

import numpy as np

import keras_losskit as kl
from tests.cases.case import Case

rng = np.random.default_rng(20240811)
POINTS_TRUE = rng.normal(size=(4, 5, 2))
POINTS_PRED = rng.normal(size=(4, 3, 2))


def chamfer(y_true, y_pred, squared, reduce_points):
    def way(a, b):
        found = []
        for p in a:
            nearest = min(math.dist(p, q) for q in b)
            found.append(nearest**2 if squared else nearest)
        return sum(found) / (1 if reduce_points == "sum" else len(found))

    return [way(a, b) + way(b, a) for a, b in zip(y_true, y_pred)]


def transport(a, b, epsilon, power):
    """By scalings of the kernel, until they no longer move."""
    cost = [[math.dist(p, q) ** power / power for q in b] for p in a]
    kernel = [[math.exp(-c / epsilon) for c in row] for row in cost]
    n, m = len(a), len(b)
    u, v = [1.0] * n, [1.0] * m
    for _ in range(2000):
        u = [1 / n / sum(kernel[i][j] * v[j] for j in range(m)) for i in range(n)]
        v = [1 / m / sum(kernel[i][j] * u[i] for i in range(n)) for j in range(m)]
    # <plan, cost> and the plan's entropy against the product of both weights.
    value = 0.0
    for i in range(n):
        for j in range(m):
            plan = u[i] * kernel[i][j] * v[j]
            value += plan * cost[i][j] + epsilon * plan * math.log(plan * n * m)
    return value


def sinkhorn(y_true, y_pred, epsilon, iterations, power):
    def of(a, b):
        return transport(a, b, epsilon, power)

    return [of(x, y) - of(x, x) / 2 - of(y, y) / 2 for x, y in zip(y_pred, y_true)]


CASES = [
    Case(
        kl.Chamfer, {"squared": False, "reduce_points": "sum"}, POINTS_TRUE, POINTS_PRED,
        chamfer,
    ),
    # Enough iterations for this epsilon: then the slope of the plan is that of the value.
    Case(
        kl.Sinkhorn, {"epsilon": 1.3, "iterations": 80, "power": 1.5}, POINTS_TRUE, POINTS_PRED,
        sinkhorn,
    ),
]

BAD_OPTIONS = {
    "squared": (1, None, "yes"),
    "reduce_points": ("median", None, 1),
    "epsilon": (0, -1, float("nan"), "1"),
    "iterations": (0, 1.5, "3", None),
    "power": (0.5, 2.5, float("nan"), "2"),
}
