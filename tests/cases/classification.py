"""Cases of the classification losses."""

import math

import numpy as np

import keras_losskit as kl
from tests.cases.case import Case, distribution, mean_of

rng = np.random.default_rng(20240614)

# --- binary: `kind="binary"` ----------------------------------------------------------

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

# --- one of C classes: `kind="classes"` ------------------------------------------------

CLASS_LOGITS = rng.normal(size=(4, 3, 5)) * 2
CLASS_SHARES = np.exp(CLASS_LOGITS) * rng.uniform(0.5, 2, size=(4, 3, 1))  # Not normalised.
CLASS_IDS = rng.integers(0, 5, size=(4, 3))
CLASS_IDS[0, 0] = 4  # The ignored one is there.
CLASS_WEIGHTS = [1.0, 0.5, 2.0, 0.25, 1.5]


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

CASES = BINARY + CATEGORICAL

BAD_OPTIONS = {
    "label_smoothing": (-0.1, 1.1, float("nan")),
    "pos_weight": (0, -1, float("nan")),
    "gamma": (-1, float("nan"), "2"),
    "alpha": (-0.1, 1.1, float("nan"), float("inf"), "1", True),
    "class_weights": ([], [-1.0, 1.0], [0.0, 0.0], 3),
    "ignore_class": (1.5, "a", True),
    "from_logits": (1, None, "yes"),
    "z_loss": (-1, float("nan")),
}
