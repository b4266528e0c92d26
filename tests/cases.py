"""One case per loss and mode, with a reference written from the paper, in loops.

A reference takes NumPy float64 `y_true`, `y_pred` and returns the values. It
uses nothing of the package. `kind` says what the targets are: "real", "binary",
"classes" (`y_pred (…, C)`), "map" (`(B, *spatial, C)`), and decides which of
the shared tests apply.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import keras
import numpy as np

import keras_losskit as kl

rng = np.random.default_rng(20240613)


@dataclass
class Case:
    loss: type
    options: dict
    y_true: np.ndarray
    y_pred: np.ndarray
    reference: Callable
    kind: str = "real"
    label: str = ""
    batch: bool = False  # One number for the whole batch.
    exact: bool = True  # Honours float64; Keras' own mean does so on TensorFlow only.
    argument: list = field(default_factory=list)

    @property
    def id(self):
        return self.loss.__name__ + (f"-{self.label}" if self.label else "")

    def make(self, **common):
        return self.loss(*self.argument, **self.options, **common)

    def values(self, y_true=None, y_pred=None):
        y_true = self.y_true if y_true is None else y_true
        y_pred = self.y_pred if y_pred is None else y_pred
        return np.asarray(self.reference(y_true, y_pred, **self.options), dtype="float64")


# --- regression ------------------------------------------------------------------

REAL_TRUE = rng.normal(size=(4, 3, 5))
REAL_PRED = REAL_TRUE + rng.normal(size=(4, 3, 5)) * 1.5

POSITIVE_TRUE, POSITIVE_PRED = np.exp(REAL_TRUE), np.exp(REAL_PRED * 0.8)


def mean_of(element):
    """Values from a function of one target and one prediction: mean over D."""

    def values(y_true, y_pred, **options):
        out = np.zeros(y_pred.shape[:-1])
        for i in np.ndindex(*out.shape):
            row = [
                element(float(t), float(p), **options)
                for t, p in zip(y_true[i], y_pred[i])
            ]
            out[i] = sum(row) / len(row)
        return out

    return values


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


def channel_weighted(y_true, y_pred, weights):
    out = np.zeros(y_pred.shape[:-1])
    for i in np.ndindex(*out.shape):
        terms = [w * (p - t) ** 2 for w, t, p in zip(weights, y_true[i], y_pred[i])]
        out[i] = sum(terms) / len(terms)
    return out


def pinball_many(y_true, y_pred, tau):
    out = np.zeros(y_pred.shape[:-1])
    for i in np.ndindex(*out.shape):
        out[i] = sum(pinball(y_true[i], p, t) for t, p in zip(tau, y_pred[i])) / len(tau)
    return out


def real(loss, element, label="", **options):
    return Case(loss, options, REAL_TRUE, REAL_PRED, mean_of(element), label=label)


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
    return Case(loss, options, POSITIVE_TRUE, POSITIVE_PRED, mean_of(element))


REGRESSION = [
    real(kl.MeanSquaredError, lambda t, p: (p - t) ** 2),
    real(kl.MeanAbsoluteError, lambda t, p: abs(p - t)),
    real(kl.Huber, huber, delta=0.7),
    real(kl.LogCosh, lambda t, p: math.log(math.cosh(p - t))),
    real(kl.ReverseHuber, reverse_huber, threshold=0.6),
    real(kl.DeadZoneAbsoluteError, dead_zone, threshold=0.4),
    real(kl.RangeWeightedSquaredError, range_weighted, low=-0.3, high=0.9, outside_weight=2.5),
    real(kl.Pinball, pinball, tau=0.8),
    Case(
        kl.Pinball, {"tau": [0.1, 0.5, 0.75]}, REAL_TRUE[..., 0], REAL_PRED[..., :3],
        pinball_many, label="many",
    ),
    Case(
        kl.ChannelWeightedSquaredError, {"weights": [1.0, 2.0, 0.5, 0.0, 3.0]},
        REAL_TRUE, REAL_PRED, channel_weighted,
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
    positive(kl.Poisson, lambda t, p: p - t * math.log(p + 1e-7)),
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

# --- binary classification ------------------------------------------------------------

BINARY_LOGITS = rng.normal(size=(4, 3, 5)) * 2
BINARY_TRUE = (rng.random((4, 3, 5)) < 0.4).astype("float64")
BINARY_PROBS = 1 / (1 + np.exp(-BINARY_LOGITS))


def binary(t, p, from_logits, label_smoothing, term):
    p = 1 / (1 + math.exp(-p)) if from_logits else p
    g = (1 - label_smoothing) * t + label_smoothing / 2
    return term(g, p)


def bce(t, p, from_logits, label_smoothing, pos_weight):
    w = 1 if pos_weight is None else pos_weight
    return binary(
        t, p, from_logits, label_smoothing,
        lambda g, q: -(w * g * math.log(q) + (1 - g) * math.log(1 - q)),
    )


def binary_focal(t, p, gamma, alpha, from_logits, label_smoothing):
    def term(g, q):
        p_t = g * q + (1 - g) * (1 - q)
        a = 1 if alpha is None else g * alpha + (1 - g) * (1 - alpha)
        ce = -(g * math.log(q) + (1 - g) * math.log(1 - q))
        return a * (1 - p_t) ** gamma * ce

    return binary(t, p, from_logits, label_smoothing, term)


def both_binary(loss, element, label="", **options):
    for from_logits, y_pred in ((True, BINARY_LOGITS), (False, BINARY_PROBS)):
        yield Case(
            loss, {**options, "from_logits": from_logits}, BINARY_TRUE, y_pred,
            mean_of(element), kind="binary",
            label=label + ("logits" if from_logits else "probabilities"),
        )


BINARY = [
    *both_binary(kl.BinaryCrossentropy, bce, label_smoothing=0.1, pos_weight=2.5),
    *both_binary(kl.BinaryCrossentropy, bce, "plain-", label_smoothing=0.0, pos_weight=None),
    *both_binary(
        kl.BinaryFocalCrossentropy, binary_focal, gamma=1.5, alpha=0.3, label_smoothing=0.1
    ),
    *both_binary(
        kl.BinaryFocalCrossentropy, binary_focal, "root-",
        gamma=0.5, alpha=None, label_smoothing=0.0,
    ),
]

# --- categorical classification --------------------------------------------------------

CLASS_LOGITS = rng.normal(size=(4, 3, 5)) * 2
CLASS_SHARES = np.exp(CLASS_LOGITS) * rng.uniform(0.5, 2, size=(4, 3, 1))  # Not normalised.
CLASS_IDS = rng.integers(0, 5, size=(4, 3))
CLASS_IDS[0, 0] = 4  # The ignored one is there.
CLASS_WEIGHTS = [1.0, 0.5, 2.0, 0.25, 1.5]


def distribution(y_pred, from_logits):
    if from_logits:
        y_pred = np.exp(y_pred - y_pred.max())
    return y_pred / y_pred.sum()


def position_values(term):
    """Values of a loss on one distribution per position; ignored ones are 0."""

    def values(
        y_true, y_pred, from_logits, label_smoothing, class_weights, ignore_class, **options
    ):
        out = np.zeros(y_pred.shape[:-1])
        n = y_pred.shape[-1]
        for i in np.ndindex(*out.shape):
            if y_true.ndim < y_pred.ndim:
                row = np.array([float(c == y_true[i]) for c in range(n)])
            else:
                row = y_true[i]
            if ignore_class is not None and np.argmax(row) == ignore_class and row.max() == 1:
                continue
            row = (1 - label_smoothing) * row + label_smoothing / n
            w = np.ones(n) if class_weights is None else class_weights
            out[i] = term(row, y_pred[i], w, from_logits, **options)
        return out

    return values


def ce(g, z, w, from_logits, z_loss):
    p = distribution(z, from_logits)
    total = -sum(w[c] * g[c] * math.log(p[c]) for c in range(len(p)))
    return total + z_loss * (math.log(np.exp(z).sum()) ** 2 if z_loss else 0)


def focal(g, z, w, from_logits, gamma):
    p = distribution(z, from_logits)
    return -sum(w[c] * g[c] * (1 - p[c]) ** gamma * math.log(p[c]) for c in range(len(p)))


def both_classes(loss, term, label="", logits_only=None, **options):
    for from_logits, y_pred in ((True, CLASS_LOGITS), (False, CLASS_SHARES)):
        extra = logits_only or {}
        if not from_logits:
            extra = dict.fromkeys(extra, 0.0)
        yield Case(
            loss, {**options, **extra, "from_logits": from_logits}, CLASS_IDS, y_pred,
            position_values(term), kind="classes",
            label=label + ("logits" if from_logits else "probabilities"),
        )


ALL_CLASS_OPTIONS = {
    "label_smoothing": 0.1, "class_weights": CLASS_WEIGHTS, "ignore_class": 4,
}
NO_CLASS_OPTIONS = {"label_smoothing": 0.0, "class_weights": None, "ignore_class": None}

CATEGORICAL = [
    *both_classes(
        kl.CategoricalCrossentropy, ce, logits_only={"z_loss": 0.01}, **ALL_CLASS_OPTIONS
    ),
    *both_classes(
        kl.CategoricalCrossentropy, ce, "plain-", logits_only={"z_loss": 0.0},
        **NO_CLASS_OPTIONS,
    ),
    *both_classes(kl.CategoricalFocalCrossentropy, focal, gamma=1.5, **ALL_CLASS_OPTIONS),
    *both_classes(
        kl.CategoricalFocalCrossentropy, focal, "root-", gamma=0.5, **NO_CLASS_OPTIONS
    ),
]

# --- segmentation ------------------------------------------------------------------------

MAP_LOGITS = rng.normal(size=(3, 4, 3, 4)) * 2
MAP_IDS = rng.integers(0, 3, size=(3, 4, 3))  # Class 3 is absent.
MAP_PROBS = np.exp(MAP_LOGITS) / np.exp(MAP_LOGITS).sum(-1, keepdims=True)
FOREGROUND_LOGITS = MAP_LOGITS[..., :1]
FOREGROUND = (MAP_IDS[..., None] == 1).astype("float64")


def overlap(score):
    """Values of an overlap loss: `score(p, g, smooth, …)` of one class's positions."""

    def values(
        y_true, y_pred, from_logits, class_weights, ignore_class, include_background,
        over, smooth, empty, **options
    ):
        classes = y_pred.shape[-1]
        groups = [[b] for b in range(len(y_pred))]
        if over == "batch":
            groups = [sum(groups, [])]
        out = []
        for group in groups:
            total = weight_sum = 0.0
            for c in range(classes):
                if classes > 1 and (c == ignore_class or (c == 0 and not include_background)):
                    continue
                p, g = [], []
                for b in group:
                    for i in np.ndindex(*y_pred.shape[1:-1]):
                        z = y_pred[b][i]
                        label = y_true[b][i]
                        if classes == 1:
                            target = float(np.ravel(label)[0])
                            prob = 1 / (1 + math.exp(-z[0])) if from_logits else z[0]
                        else:
                            target = float(label == c)
                            prob = distribution(z, True)[c] if from_logits else z[c]
                        if ignore_class is not None and np.ravel(label)[0] == ignore_class:
                            continue
                        p.append(prob)
                        g.append(target)
                if empty == "skip" and sum(g) == 0:
                    continue
                w = 1.0 if class_weights is None else class_weights[c]
                total += w * score(np.array(p), np.array(g), smooth, **options)
                weight_sum += w
            out.append(total / weight_sum if weight_sum else 0.0)
        return out if over == "sample" else out[0]

    return values


def dice(p, g, s, squared):
    power = 2 if squared else 1
    denominator = sum(p**power) + sum(g**power) + s
    return 1 - (2 * sum(p * g) + s) / denominator if denominator else 0.0


def tversky(p, g, s, fp_weight, fn_weight):
    tp, fp, fn = sum(p * g), sum(p * (1 - g)), sum((1 - p) * g)
    denominator = tp + fp_weight * fp + fn_weight * fn + s
    return 1 - (tp + s) / denominator if denominator else 0.0


MAP_OPTIONS = [
    (
        "all",
        {
            "from_logits": True, "class_weights": [1.0, 0.5, 2.0, 3.0], "ignore_class": 2,
            "include_background": False, "over": "sample", "smooth": 0.5, "empty": "skip",
        },
    ),
    (
        "batch",
        {
            "from_logits": True, "class_weights": [1.0, 0.5, 2.0, 3.0], "ignore_class": 2,
            "include_background": False, "over": "batch", "smooth": 0.5, "empty": "skip",
        },
    ),
    (
        "plain",
        {
            "from_logits": False, "class_weights": None, "ignore_class": None,
            "include_background": True, "over": "sample", "smooth": 0.0, "empty": "score",
        },
    ),
    (
        "foreground",
        {
            "from_logits": True, "class_weights": None, "ignore_class": None,
            "include_background": True, "over": "sample", "smooth": 1.0, "empty": "score",
        },
    ),
]


def maps(loss, score, **options):
    for label, shared in MAP_OPTIONS:
        y_true, y_pred = MAP_IDS, MAP_LOGITS if shared["from_logits"] else MAP_PROBS
        if label == "foreground":
            y_true, y_pred = FOREGROUND, FOREGROUND_LOGITS
        yield Case(
            loss, {**shared, **options}, y_true, y_pred, overlap(score), kind="map",
            label=label, batch=shared["over"] == "batch",
        )


SEGMENTATION = [
    *maps(kl.Dice, dice, squared=True),
    *maps(kl.Tversky, tversky, fp_weight=0.3, fn_weight=0.9),
]

# --- combined losses, and losses from elsewhere -------------------------------------------


def squares(y_true, y_pred, **_):
    return mean_of(lambda t, p: (p - t) ** 2)(y_true, y_pred)


def absolutes(y_true, y_pred, **_):
    return mean_of(lambda t, p: abs(p - t))(y_true, y_pred)


TENSORFLOW = keras.config.backend() == "tensorflow"


def combined(loss, argument, reference, exact=True):
    return Case(loss, {}, REAL_TRUE, REAL_PRED, reference, argument=[argument], exact=exact)


COMBINED = [
    combined(
        kl.WeightedSum,
        [(2.0, kl.MeanSquaredError()), (-0.5, kl.MeanAbsoluteError())],
        lambda t, p: 2 * squares(t, p) - 0.5 * absolutes(t, p),
    ),
    combined(
        kl.Product,
        [kl.MeanSquaredError(), kl.MeanAbsoluteError()],
        lambda t, p: squares(t, p) * absolutes(t, p),
    ),
    Case(
        kl.Select, {"y_true": slice(0, 2), "y_pred": [3, 1]}, REAL_TRUE, REAL_PRED,
        lambda t, p, **_: squares(t[..., :2], p[..., [3, 1]]),
        argument=[kl.MeanSquaredError()],
    ),
    combined(kl.KerasLoss, keras.losses.MeanSquaredError(), squares, exact=TENSORFLOW),
    combined(kl.FunctionLoss, keras.losses.mean_absolute_error, absolutes, exact=TENSORFLOW),
]

CASES = REGRESSION + BINARY + CATEGORICAL + SEGMENTATION + COMBINED
