"""Cases of the survival losses, from their papers' sums."""

import math

import numpy as np

import keras_losskit as kl
from tests.cases.case import Case

rng = np.random.default_rng(20240917)

# Ties among events and with censored rows; the last of all is seen.
TIMES = np.array([2.0, 3.0, 2.0, 1.0, 3.0, 2.0, 0.0, 4.0, 2.0])
SEEN = np.array([1.0, 1, 1, 0, 0, 1, 0, 1, 0])
STRATA = np.array([3.0, 1, 3, 1, 1, 3, 3, 1, 1])
ROWS = np.stack([TIMES, SEEN], -1)
CAUSES = np.stack([TIMES, SEEN * np.array([1, 2, 2, 1, 1, 1, 1, 2, 1])], -1)


def cox(y_true, y_pred, ties, strata):
    out = np.full(len(y_true), math.nan)
    h = y_pred.reshape(-1)
    for i, (t, event, *own) in enumerate(y_true):
        if not event:
            continue
        same = [j for j, row in enumerate(y_true) if list(row[2:]) == own]
        risk = sum(math.exp(h[j]) for j in same if y_true[j][0] >= t)
        tied = [j for j in same if y_true[j][0] == t and y_true[j][1]]
        gone = sum(math.exp(h[j]) for j in tied)
        m = len(tied)
        terms = [math.log(risk - (r / m if ties == "efron" else 0) * gone) for r in range(m)]
        out[i] = sum(terms) / m - h[i]
    return out


def softplus(z):
    return math.log1p(math.exp(z))


def hazard(y_true, y_pred, edges):
    count, out = y_pred.shape[-1], np.zeros(len(y_true))
    for i, (t, event) in enumerate(y_true):
        at = int(t)
        if edges is not None:
            at = max([k for k in range(count + 1) if edges[k] <= t], default=0)
        out[i] = sum(softplus(z) for z in y_pred[i][:at])
        if at < count:
            out[i] += softplus(-y_pred[i][at] if event else y_pred[i][at])
    return out


def deep_hit(y_true, y_pred, alpha, sigma, causes):
    count = y_pred.shape[-1] // causes
    p = np.exp(np.concatenate([y_pred, np.zeros((len(y_pred), 1))], -1))
    p = p / p.sum(-1, keepdims=True)
    out = np.zeros(len(y_true))
    at = [min(int(t), count) for t in y_true[:, 0]]
    for i, (_, cause) in enumerate(y_true):
        of = [p[:, c * count : (c + 1) * count] for c in range(causes)]
        if not cause or at[i] == count:
            later = p[i][-1] + sum(q[i][k] for q in of for k in range(at[i] + 1, count))
            out[i] = -alpha * math.log(later)
            continue
        own = of[int(cause) - 1]
        up_to = own[:, : at[i] + 1].sum(-1)
        pairs = [math.exp((up_to[j] - up_to[i]) / sigma) for j in range(len(p)) if at[j] > at[i]]
        out[i] = -alpha * math.log(own[i][at[i]])
        out[i] += (1 - alpha) * (sum(pairs) / len(pairs) if pairs else 0)
    return out


def weibull(y_true, y_pred):
    out = np.zeros(len(y_true))
    for i, (t, event) in enumerate(y_true):
        scale, shape = (softplus(r) + 1e-6 for r in y_pred[i])
        out[i] = (t / scale) ** shape
        if event:
            out[i] -= math.log(shape) - shape * math.log(scale) + (shape - 1) * math.log(t)
    return out


CASES = [
    Case(
        kl.CoxPartialLikelihood, {"ties": "efron", "strata": False}, ROWS,
        rng.normal(size=(9, 1)), cox,
    ),
    Case(
        kl.CoxPartialLikelihood, {"ties": "breslow", "strata": True},
        np.concatenate([ROWS, STRATA[:, None]], -1), rng.normal(size=(9, 1)), cox, label="strata",
    ),
    Case(
        kl.DiscreteTimeHazard, {"edges": [0.0, 1.5, 2.0, 3.5]}, ROWS, rng.normal(size=(9, 3)),
        hazard,
    ),
    Case(kl.DiscreteTimeHazard, {"edges": None}, ROWS, rng.normal(size=(9, 4)), hazard,
         label="intervals"),
    Case(
        kl.DeepHit, {"alpha": 0.4, "sigma": 0.5, "causes": 2}, CAUSES, rng.normal(size=(9, 8)),
        deep_hit,
    ),
    Case(kl.WeibullNLL, {}, ROWS, rng.normal(size=(9, 2)), weibull),
]

BAD_OPTIONS = {
    "ties": ("exact", None),
    "strata": (1, None),
    "edges": ([0.0], [0.0, 0.0, 1.0, 2.0], "ab", 3.0, [0.0, math.nan, 1.0]),
    "alpha": (-0.1, 1.1),
    "sigma": (0, -1.0),
    "causes": (0, 1.5),
}
