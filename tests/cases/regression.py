"""Cases of the regression losses."""

import math

import numpy as np

import keras_losskit as kl
from tests.cases.case import Case, is_missing, mean_of, with_missing

rng = np.random.default_rng(20240613)


REAL_TRUE = rng.normal(size=(4, 3, 5))
REAL_PRED = REAL_TRUE + rng.normal(size=(4, 3, 5)) * 1.5

POSITIVE_TRUE, POSITIVE_PRED = np.exp(REAL_TRUE), np.exp(REAL_PRED * 0.8)


def huber(t, p, delta):
    d = abs(p - t)
    return 0.5 * d * d if d <= delta else delta * d - 0.5 * delta * delta


def reverse_huber(t, p, threshold):
    d, c = abs(p - t), threshold
    return d if d <= c else (d * d + c * c) / (2 * c)


def dead_zone(t, p, threshold):
    return abs(p - t) if abs(p - t) > threshold else 0.0


def range_weighted(t, p, low, high, outside_weight):
    return (p - t) ** 2 * (outside_weight if p < low or p > high else 1.0)


def pinball(t, p, tau):
    e = t - p
    return max(tau * e, (tau - 1) * e)


def pinball_of_one(t, p, tau, crossing_weight):
    return pinball(t, p, tau)  # One quantile crosses none.


def crossing(q, known):
    """Σ max(0, q_k - q_{k+1}) of neighbours that are both known."""
    pairs = zip(q, q[1:], known, known[1:])
    return sum(max(0.0, a - b) for a, b, both, next_known in pairs if both and next_known)


def channel_weighted(y_true, y_pred, weights):
    out = np.zeros(y_pred.shape[:-1])
    for i in np.ndindex(*out.shape):
        terms = [w * (p - t) ** 2 for w, t, p in zip(weights, y_true[i], y_pred[i])]
        out[i] = sum(terms) / len(terms)
    return out


def pinball_many(y_true, y_pred, tau, crossing_weight):
    out = np.zeros(y_pred.shape[:-1])
    for i in np.ndindex(*out.shape):
        out[i] = sum(pinball(y_true[i], p, t) for t, p in zip(tau, y_pred[i])) / len(tau)
        out[i] += crossing_weight * crossing(y_pred[i], [True] * len(tau))
    return out


def pinball_missing(y_true, y_pred, tau, crossing_weight, missing):
    out = np.zeros(y_pred.shape)
    for i in np.ndindex(*out.shape[:-1]):
        target = y_true[i] if y_true.ndim == y_pred.ndim else [y_true[i]] * len(tau)
        known = [not is_missing(t, missing) for t in target]
        for k in np.flatnonzero(known):
            out[i][k] = pinball(target[k], y_pred[i][k], tau[k])
            out[i][k] += crossing_weight * crossing(y_pred[i], known)
    return out


def channels_missing(y_true, y_pred, weights, missing):
    out = np.zeros(y_pred.shape)
    for i in np.ndindex(*out.shape):
        if not is_missing(y_true[i], missing):
            out[i] = weights[i[-1]] * (y_pred[i] - y_true[i]) ** 2
    return out


ELEMENTS = []  # Cases of functions of one entry, with that function.


def real(loss, element, label="", **options):
    case = Case(loss, options, REAL_TRUE, REAL_PRED, mean_of(element), label=label)
    ELEMENTS.append((case, element))
    return case


def smooth_l1(t, p, beta):
    return huber(t, p, beta) / beta


def tukey(t, p, threshold):
    c = threshold
    return c * c / 6 * (1 - (1 - ((p - t) / c) ** 2) ** 3) if abs(p - t) <= c else c * c / 6


def barron(t, p, alpha, scale):
    x = ((p - t) / scale) ** 2
    if alpha == "-inf":
        return 1 - math.exp(-x / 2)
    if alpha == 0:
        return math.log(1 + x / 2)
    if alpha == 2:
        return x / 2
    return abs(alpha - 2) / alpha * ((x / abs(alpha - 2) + 1) ** (alpha / 2) - 1)


def wing(t, p, width, curvature):
    d = abs(p - t)
    if d < width:
        return width * math.log(1 + d / curvature)
    return d - width + width * math.log(1 + width / curvature)


def tweedie(t, p, power):
    return -t * p ** (1 - power) / (1 - power) + p ** (2 - power) / (2 - power)


def root_mean(y_true, y_pred):
    return np.sqrt(mean_of(lambda t, p: (p - t) ** 2)(y_true, y_pred))


def scale_invariant(y_true, y_pred, variance_weight):
    out = []
    for t, p in zip(y_true, y_pred):
        h = [math.log(b) - math.log(a) for a, b in zip(t.flat, p.flat)]
        mean = sum(h) / len(h)
        out.append(math.sqrt(sum(x * x for x in h) / len(h) - variance_weight * mean**2))
    return out


def cosine(y_true, y_pred, axis):
    y_true, y_pred = np.moveaxis(y_true, axis, -1), np.moveaxis(y_pred, axis, -1)
    out = np.zeros(y_pred.shape[:-1])
    for i in np.ndindex(*out.shape):
        dot = sum(t * p for t, p in zip(y_true[i], y_pred[i]))
        sizes = sum(t * t for t in y_true[i]) * sum(p * p for p in y_pred[i])
        out[i] = -dot / math.sqrt(sizes)
    return out


def positive(loss, element, **options):
    case = Case(loss, options, POSITIVE_TRUE, POSITIVE_PRED, mean_of(element))
    ELEMENTS.append((case, element))
    return case


def poisson(t, p, log_rate):
    return math.exp(p) - t * p if log_rate else p - t * math.log(p + 1e-7)


GAPS = REAL_TRUE.copy()
GAPS[0, 1, 2] = GAPS[1, 0] = GAPS[2, 2, :2] = -9.0


CASES = [
    real(kl.MeanSquaredError, lambda t, p: (p - t) ** 2),
    real(kl.MeanAbsoluteError, lambda t, p: abs(p - t)),
    real(kl.Huber, huber, delta=0.7),
    real(kl.LogCosh, lambda t, p: math.log(math.cosh(p - t))),
    real(kl.ReverseHuber, reverse_huber, threshold=0.6),
    real(kl.DeadZoneAbsoluteError, dead_zone, threshold=0.4),
    real(kl.RangeWeightedSquaredError, range_weighted, low=-0.3, high=0.9, outside_weight=2.5),
    real(kl.Pinball, pinball_of_one, tau=0.8, crossing_weight=0.5),
    Case(
        kl.Pinball, {"tau": [0.1, 0.5, 0.75], "crossing_weight": 0.0}, REAL_TRUE[..., 0],
        REAL_PRED[..., :3], pinball_many, label="many",
    ),
    Case(
        kl.Pinball, {"tau": [0.1, 0.5, 0.75], "crossing_weight": 0.7}, REAL_TRUE[..., 0],
        REAL_PRED[..., :3], pinball_many, label="crossing",
    ),
    *(
        Case(
            kl.Pinball, {"tau": [0.1, 0.5, 0.75], "crossing_weight": 0.7, "missing": -9},
            y_true, REAL_PRED[..., :3], pinball_missing, label=label,
        )
        for label, y_true in (("column", GAPS[..., 2]), ("columns", GAPS[..., :3]))
    ),
    Case(
        kl.ChannelWeightedSquaredError, {"weights": [1.0, 2.0, 0.5, 0.0, 3.0]},
        REAL_TRUE, REAL_PRED, channel_weighted,
    ),
    Case(
        kl.ChannelWeightedSquaredError,
        {"weights": [1.0, 2.0, 0.5, 0.0, 3.0], "missing": -9.0},
        GAPS, REAL_PRED, channels_missing, label="missing",
    ),
    Case(kl.RootMeanSquaredError, {}, REAL_TRUE, REAL_PRED, root_mean),
    real(kl.MeanAbsolutePercentageError, lambda t, p: 100 * abs(p - t) / abs(t)),
    real(
        kl.SymmetricMeanAbsolutePercentageError,
        lambda t, p: 200 * abs(p - t) / (abs(t) + abs(p)),
    ),
    positive(
        kl.MeanSquaredLogarithmicError, lambda t, p: (math.log(1 + p) - math.log(1 + t)) ** 2
    ),
    real(kl.SmoothL1, smooth_l1, beta=0.7),
    real(
        kl.Charbonnier, lambda t, p, epsilon: math.hypot(p - t, epsilon) - epsilon, epsilon=0.3
    ),
    real(kl.Cauchy, lambda t, p, scale: math.log(1 + ((p - t) / scale) ** 2 / 2), scale=0.7),
    real(
        kl.GemanMcClure,
        lambda t, p, scale: 2 * ((p - t) / scale) ** 2 / (((p - t) / scale) ** 2 + 4),
        scale=0.7,
    ),
    real(kl.Welsch, lambda t, p, scale: 1 - math.exp(-(((p - t) / scale) ** 2) / 2), scale=0.7),
    real(kl.TukeyBiweight, tukey, threshold=1.5),
    *(
        real(kl.Barron, barron, label=str(alpha), alpha=alpha, scale=0.7)
        for alpha in (2.0, 0.0, "-inf", -2.0, 0.5, 3.0)
    ),
    real(kl.Wing, wing, width=1.2, curvature=0.5),
    real(kl.Expectile, lambda t, p, tau: abs(tau - (t < p)) * (t - p) ** 2, tau=0.8),
    real(
        kl.EpsilonInsensitive, lambda t, p, epsilon: max(abs(p - t) - epsilon, 0), epsilon=0.4
    ),
    positive(kl.Poisson, poisson, log_rate=False),
    Case(
        kl.Poisson, {"log_rate": True}, np.round(POSITIVE_TRUE), REAL_PRED, mean_of(poisson),
        label="log-rate",
    ),
    positive(kl.Tweedie, tweedie, power=1.3),
    positive(kl.GammaDeviance, lambda t, p: 2 * (math.log(p / t) + t / p - 1)),
    Case(
        kl.ScaleInvariantLog, {"variance_weight": 0.8}, POSITIVE_TRUE, POSITIVE_PRED,
        scale_invariant,
    ),
    Case(kl.CosineSimilarity, {"axis": -1}, REAL_TRUE, REAL_PRED, cosine),
    Case(
        kl.CosineSimilarity, {"axis": 1}, REAL_TRUE[:, 0], REAL_PRED[:, 0], cosine, label="flat"
    ),
]

CASES += [
    with_missing(case, element, "nan" if i % 2 else -9.0)
    for i, (case, element) in enumerate({c.loss: (c, e) for c, e in ELEMENTS}.values())
]

BAD_OPTIONS = {
    "missing": ("none", "NaN", float("nan"), float("inf"), True, [1.0]),
    "log_rate": (1, None, "yes"),
    "crossing_weight": (-1, float("nan"), "1", None),
    "delta": (0, -1, float("nan"), float("inf"), "1", None, True),
    "threshold": (-1, float("nan"), "1"),
    "tau": (0, 1, -0.1, float("nan"), [], [0.5, 2.0], "0.5"),
    "outside_weight": (-1, float("nan")),
    "weights": ([], [-1.0], [0.0, 0.0], [float("nan")], 3, "ab", None),
    "alpha": (float("nan"), float("inf"), "1", True),
    "beta": (0, -1, float("nan"), "1"),
    "scale": (0, -1, float("nan")),
    "epsilon": (-1, float("nan"), "1"),
    "width": (0, -1, float("nan")),
    "curvature": (0, -1, float("nan")),
    "power": (1, 2, float("nan")),
    "variance_weight": (-0.1, 1.1, float("nan")),
    "axis": (0, 1.5, "a", None, True),
    "low": (float("nan"), 2.0),
    "high": (float("nan"), -2.0),
}
