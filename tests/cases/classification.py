"""Cases of the classification losses."""

import math

import numpy as np

import keras_losskit as kl
from tests.cases.case import Case, distribution, mean_of, with_missing

rng = np.random.default_rng(20240614)

# --- binary ---------------------------------------------------------------------------

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


def asymmetric(t, p, gamma_pos, gamma_neg, clip, from_logits, label_smoothing):
    def term(g, q):
        shifted = max(q - clip, 0.0)
        positive = (1 - q) ** gamma_pos * math.log(q)
        negative = shifted**gamma_neg * math.log(1 - shifted)
        return -(g * positive + (1 - g) * negative)

    return binary(t, p, from_logits, label_smoothing, term)


def both_binary(loss, element, label="", missing=(), **options):
    for from_logits, y_pred in ((True, BINARY_LOGITS), (False, BINARY_PROBS)):
        case = Case(
            loss, {**options, "from_logits": from_logits}, BINARY_TRUE, y_pred,
            mean_of(element),
            label=label + ("logits" if from_logits else "probabilities"),
        )
        yield case
        if missing:
            yield with_missing(case, element, missing[from_logits])


BINARY = [
    *both_binary(kl.BinaryCrossentropy, bce, missing=(-1, "nan"), label_smoothing=0.1,
        pos_weight=2.5),
    *both_binary(kl.BinaryCrossentropy, bce, "plain-", label_smoothing=0.0, pos_weight=None),
    *both_binary(
        kl.BinaryFocalCrossentropy, binary_focal, missing=(-1, "nan"), gamma=1.5,
        alpha=0.3, label_smoothing=0.1,
    ),
    *both_binary(
        kl.BinaryFocalCrossentropy, binary_focal, "root-",
        gamma=0.5, alpha=None, label_smoothing=0.0,
    ),
    *both_binary(
        kl.AsymmetricMultiLabel, asymmetric, missing=("nan", -1),
        gamma_pos=1.5, gamma_neg=3.0, clip=0.1, label_smoothing=0.1,
    ),
    *both_binary(
        kl.AsymmetricMultiLabel, asymmetric, "unclipped-",
        gamma_pos=0.5, gamma_neg=0.0, clip=0.0, label_smoothing=0.0,
    ),
]

SIGNS = np.where(BINARY_TRUE == 1, 1.0, -1.0)


def hinge(t, z):
    return max(1 - t * z, 0.0)


def from_bits(element):
    """0 and 1 read as -1 and 1."""
    return mean_of(lambda t, z: element(2 * t - 1, z))


HINGE = [
    Case(kl.Hinge, {}, SIGNS, BINARY_LOGITS, mean_of(hinge), label="signs"),
    Case(kl.Hinge, {}, BINARY_TRUE, BINARY_LOGITS, from_bits(hinge), label="bits"),
    Case(
        kl.SquaredHinge, {}, SIGNS, BINARY_LOGITS,
        mean_of(lambda t, z: hinge(t, z) ** 2), label="signs",
    ),
    Case(
        kl.SquaredHinge, {}, BINARY_TRUE, BINARY_LOGITS,
        from_bits(lambda t, z: hinge(t, z) ** 2), label="bits",
    ),
]

# --- one of C classes ------------------------------------------------------------------

CLASS_LOGITS = rng.normal(size=(4, 3, 5)) * 2
CLASS_SHARES = np.exp(CLASS_LOGITS) * rng.uniform(0.5, 2, size=(4, 3, 1))  # Not normalised.
CLASS_IDS = rng.integers(0, 5, size=(4, 3))
CLASS_IDS[0, 0] = 4  # The ignored one is there.
CLASS_WEIGHTS = [1.0, 0.5, 2.0, 0.25, 1.5]


def position_values(term):
    """Values of a loss on one distribution per position; ignored ones are 0."""

    def values(
        y_true, y_pred, label_smoothing, class_weights, ignore_class, from_logits=True, **options
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


def both_classes(loss, term, label="", logits_only=None, vanishes=False, **options):
    for from_logits, y_pred in ((True, CLASS_LOGITS), (False, CLASS_SHARES)):
        extra = logits_only or {}
        if not from_logits:
            extra = dict.fromkeys(extra, 0.0)
        yield Case(
            loss, {**options, **extra, "from_logits": from_logits}, CLASS_IDS, y_pred,
            position_values(term), vanishes=vanishes,
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


def share(g, w):
    """The weight of a position's class."""
    return sum(w[c] * g[c] for c in range(len(g)))


def poly(g, z, w, from_logits, epsilon):
    p = distribution(z, from_logits)
    return ce(g, z, w, from_logits, 0) + epsilon * sum(
        w[c] * g[c] * (1 - p[c]) for c in range(len(p))
    )


def generalized(g, z, w, from_logits, q):
    p = distribution(z, from_logits)
    p_t = sum(g[c] * p[c] for c in range(len(p)))
    return share(g, w) * (1 - p_t**q) / q


def reverse(g, z, w, from_logits, log_zero):
    p = distribution(z, from_logits)
    logs = [max(math.log(x), log_zero) if x > 0 else log_zero for x in g]
    return -share(g, w) * sum(p[c] * logs[c] for c in range(len(p)))


def symmetric(g, z, w, from_logits, alpha, beta, log_zero):
    ahead = ce(g, z, w, from_logits, 0)
    return alpha * ahead + beta * reverse(g, z, w, from_logits, log_zero)


def normalized(g, z, w, from_logits):
    p = distribution(z, from_logits)
    return ce(g, z, w, from_logits, 0) / -sum(math.log(x) for x in p)


def brier(g, z, w, from_logits):
    p = distribution(z, from_logits)
    return share(g, w) * sum((p[c] - g[c]) ** 2 for c in range(len(p)))


def earth_movers(g, z, w, from_logits):
    p = distribution(z, from_logits)
    total = 0.0
    for k in range(len(p)):
        total += (sum(p[: k + 1]) - sum(g[: k + 1])) ** 2
    return share(g, w) * total


def exp_t(u, t):
    return math.exp(u) if t == 1 else max(1 + (1 - t) * u, 0.0) ** (1 / (1 - t))


def log_t(x, t):
    return math.log(x) if t == 1 else (x ** (1 - t) - 1) / (1 - t)


def tempered_softmax(z, t, iterations):
    """As in the published code, step by step."""
    z = z - max(z)
    if t == 1:
        constant = math.log(sum(math.exp(x) for x in z))
    elif t > 1:
        scaled = list(z)
        for _ in range(iterations):
            total = sum(exp_t(x, t) for x in scaled)
            scaled = [x * total ** (1 - t) for x in z]
        constant = -log_t(1 / sum(exp_t(x, t) for x in scaled), t)
    else:
        low, high = 0.0, -log_t(1 / sum(x > -1 / (1 - t) for x in z), t)
        for _ in range(iterations):
            middle = (low + high) / 2
            if sum(exp_t(x - middle, t) for x in z) < 1:
                high = middle
            else:
                low = middle
        constant = (low + high) / 2
    return [exp_t(x - constant, t) for x in z]


def bi_tempered(g, z, w, from_logits, t1, t2, iterations):
    p, a, total = tempered_softmax(z, t2, iterations), 2 - t1, 0.0
    for c in range(len(g)):
        if g[c] > 0:
            total += g[c] * (log_t(g[c], t1) - log_t(p[c], t1))
        total -= (g[c] ** a - p[c] ** a) / a
    return share(g, w) * total


def sparsemax(g, z, w, from_logits):
    """By Proposition 1 and equation 24 of the paper."""
    ordered = sorted(z, reverse=True)
    k = max(k for k in range(1, len(z) + 1) if 1 + k * ordered[k - 1] > sum(ordered[:k]))
    tau = (sum(ordered[:k]) - 1) / k
    total = -sum(g[c] * z[c] for c in range(len(z))) + sum(x * x for x in g) / 2
    total += sum(x * x - tau * tau for x in z if x > tau) / 2
    return share(g, w) * total


CLASS_COUNTS = [100.0, 40.0, 25.0, 5.0, 1.0]


def logit_adjusted(g, z, w, from_logits, class_counts, tau):
    prior = [n / sum(class_counts) for n in class_counts]
    moved = np.array([z[c] + tau * math.log(prior[c]) for c in range(len(z))])
    return ce(g, moved, w, True, 0)


def ldam(class_counts, max_margin, scale, label_smoothing, **options):
    """The margin is the label's; the smoothing that of the cross-entropy."""
    largest = max(n**-0.25 for n in class_counts)
    margins = [max_margin * n**-0.25 / largest for n in class_counts]

    def term(g, z, w, from_logits):
        n, s = len(z), label_smoothing
        y = [(g[c] - s / n) / (1 - s) for c in range(n)]
        moved = np.array([scale * (z[c] - margins[c] * y[c]) for c in range(n)])
        return ce(g, moved, w, True, 0)

    return position_values(term), {"label_smoothing": label_smoothing, **options}


def ldam_values(y_true, y_pred, **options):
    values, rest = ldam(**options)
    return values(y_true, y_pred, **rest)


def categorical_hinge(g, z, w, from_logits):
    others = max((1 - g[c]) * z[c] for c in range(len(z)))
    return share(g, w) * max(others - sum(g[c] * z[c] for c in range(len(z))) + 1, 0.0)


def hinge_values(y_true, y_pred, **options):
    return position_values(categorical_hinge)(y_true, y_pred, label_smoothing=0.0, **options)


def logits_only(loss, term, label="", y_pred=CLASS_LOGITS, shared=ALL_CLASS_OPTIONS, **options):
    return Case(
        loss, {**shared, **options}, CLASS_IDS, y_pred, position_values(term),
        label=label,
    )


COSINES = np.tanh(CLASS_LOGITS / 2)
SPREAD = CLASS_LOGITS / 4  # Several classes inside the support of sparse distributions.

CATEGORICAL += [
    *both_classes(kl.PolyCrossentropy, poly, epsilon=2.0, **ALL_CLASS_OPTIONS),
    *both_classes(kl.PolyCrossentropy, poly, "plain-", epsilon=-1.0, **NO_CLASS_OPTIONS),
    *both_classes(kl.GeneralizedCrossentropy, generalized, q=0.4, **ALL_CLASS_OPTIONS),
    *both_classes(kl.GeneralizedCrossentropy, generalized, "plain-", q=0.7, **NO_CLASS_OPTIONS),
    *both_classes(
        kl.ReverseCrossentropy, reverse, vanishes=True, log_zero=-3.5, **ALL_CLASS_OPTIONS
    ),
    *both_classes(
        kl.ReverseCrossentropy, reverse, "plain-", vanishes=True, log_zero=-6.0,
        **NO_CLASS_OPTIONS,
    ),
    *both_classes(
        kl.SymmetricCrossentropy, symmetric, alpha=0.5, beta=2.0, log_zero=-3.5,
        **ALL_CLASS_OPTIONS,
    ),
    *both_classes(kl.NormalizedCrossentropy, normalized, **ALL_CLASS_OPTIONS),
    *both_classes(kl.NormalizedCrossentropy, normalized, "plain-", **NO_CLASS_OPTIONS),
    *both_classes(kl.Brier, brier, vanishes=True, **ALL_CLASS_OPTIONS),
    *both_classes(kl.SquaredEarthMovers, earth_movers, vanishes=True, **ALL_CLASS_OPTIONS),
    logits_only(kl.BiTempered, bi_tempered, "above", t1=0.5, t2=1.7, iterations=7),
    logits_only(
        kl.BiTempered, bi_tempered, "published", t1=0.8, t2=1.4, iterations=5,
        shared=NO_CLASS_OPTIONS,
    ),
    logits_only(
        kl.BiTempered, bi_tempered, "one", t1=1.0, t2=1.0, iterations=1, shared=NO_CLASS_OPTIONS
    ),
    logits_only(kl.Sparsemax, sparsemax, y_pred=SPREAD),
    logits_only(
        kl.LogitAdjustedCrossentropy, logit_adjusted, class_counts=CLASS_COUNTS, tau=0.7
    ),
    Case(
        kl.LDAM, {**ALL_CLASS_OPTIONS, "class_counts": CLASS_COUNTS, "max_margin": 0.3,
                  "scale": 10.0},
        CLASS_IDS, COSINES, ldam_values,
    ),
    Case(
        kl.CategoricalHinge, {"class_weights": CLASS_WEIGHTS, "ignore_class": 4},
        CLASS_IDS, CLASS_LOGITS, hinge_values,
    ),
]

# --- two distributions ---------------------------------------------------------------

TARGET_LOGITS = rng.normal(size=(4, 3, 5)) * 2
TARGET_SHARES = np.exp(TARGET_LOGITS) / np.exp(TARGET_LOGITS).sum(-1, keepdims=True)


def pair_values(term):
    def values(y_true, y_pred, from_logits=True, **options):
        out = np.zeros(y_pred.shape[:-1])
        for i in np.ndindex(*out.shape):
            g = distribution(y_true[i], True) if from_logits else y_true[i]
            out[i] = term(g, distribution(y_pred[i], from_logits), **options)
        return out

    return values


def kl_of(g, p):
    return sum(g[c] * math.log(g[c] / p[c]) for c in range(len(g)) if g[c] > 0)


def jensen_shannon(g, p, weight):
    middle = [weight * a + (1 - weight) * b for a, b in zip(g, p)]
    return weight * kl_of(g, middle) + (1 - weight) * kl_of(p, middle)


def distillation(y_true, y_pred, temperature):
    return temperature**2 * pair_values(kl_of)(y_true / temperature, y_pred / temperature)


def pairs(loss, term, **options):
    for from_logits, t, p in (
        (True, TARGET_LOGITS, CLASS_LOGITS), (False, TARGET_SHARES, CLASS_SHARES)
    ):
        yield Case(
            loss, {**options, "from_logits": from_logits}, t, p, pair_values(term),
            label="logits" if from_logits else "probabilities",
        )


DISTRIBUTIONS = [
    *pairs(kl.KLDivergence, kl_of),
    *pairs(kl.JensenShannon, jensen_shannon, weight=0.3),
    Case(
        kl.Distillation, {"temperature": 2.5}, TARGET_LOGITS, CLASS_LOGITS, distillation,
    ),
]

# --- ordered classes -------------------------------------------------------------------


def cumulative(y_true, y_pred):
    out = np.zeros(y_pred.shape[:-1])
    for i in np.ndindex(*out.shape):
        for k, z in enumerate(y_pred[i]):
            p = 1 / (1 + math.exp(-z))
            out[i] -= math.log(p) if y_true[i] > k else math.log(1 - p)
    return out


def weighted_kappa(y_true, y_pred, weighting, from_logits, ignore_class, weights=None):
    n = y_pred.shape[-1]
    rows = []
    for i in np.ndindex(*y_true.shape):
        if y_true[i] != ignore_class:
            w = 1.0 if weights is None else weights[i[: weights.ndim]]
            rows.append((w, y_true[i], distribution(y_pred[i], from_logits)))
    power = {"linear": 1, "quadratic": 2}[weighting]
    cost = chance = 0.0
    for w, y, p in rows:
        for c in range(n):
            cost += w * abs(y - c) ** power * p[c]
    for a in range(n):
        for c in range(n):
            true = sum(w for w, y, _ in rows if y == a)
            predicted = sum(w * p[c] for w, _, p in rows)
            chance += abs(a - c) ** power * true * predicted
    return math.log(cost / (chance / sum(w for w, _, _ in rows)))


def kappas(weighting, ignore_class):
    for from_logits, y_pred in ((True, CLASS_LOGITS), (False, CLASS_SHARES)):
        yield Case(
            kl.WeightedKappa,
            {"weighting": weighting, "from_logits": from_logits, "ignore_class": ignore_class},
            CLASS_IDS, y_pred, weighted_kappa, batch=True,
            label=f"{weighting}-" + ("logits" if from_logits else "probabilities"),
        )


def conditional(y_true, y_pred):
    out = np.zeros(y_true.shape)
    for i in np.ndindex(*out.shape):
        for k, z in enumerate(y_pred[i]):
            if y_true[i] >= k:
                out[i] += math.log1p(math.exp(-z if y_true[i] > k else z))
    return out


ORDINAL = [
    Case(kl.ConditionalOrdinal, {}, CLASS_IDS, CLASS_LOGITS[..., :4], conditional),
    Case(kl.CumulativeOrdinal, {}, CLASS_IDS, CLASS_LOGITS[..., :4], cumulative),
    *kappas("quadratic", None),
    *kappas("linear", 4),
]

# --- hard examples ------------------------------------------------------------------------


def hardest(inner):
    def values(y_true, y_pred, fraction):
        out = []
        for row in inner(y_true, y_pred):
            keep = max(1, math.ceil(fraction * row.size))
            out.append(sum(sorted(row.ravel(), reverse=True)[:keep]) / keep)
        return out

    return values


MINING = [
    Case(
        kl.HardExampleMining, {"fraction": fraction}, SIGNS, BINARY_LOGITS,
        hardest(mean_of(hinge)), argument=[kl.Hinge()], label=label,
    )
    for label, fraction in (("one", 0.1), ("two", 0.6), ("all", 1.0))
]

CASES = BINARY + HINGE + CATEGORICAL + DISTRIBUTIONS + ORDINAL + MINING

BAD_OPTIONS = {
    "missing": ("none", float("nan"), float("inf"), True, [1.0]),
    "label_smoothing": (-0.1, 1.1, float("nan")),
    "pos_weight": (0, -1, float("nan")),
    "gamma": (-1, float("nan"), "2"),
    "gamma_pos": (-1, float("nan")),
    "gamma_neg": (-1, float("nan")),
    "clip": (-0.1, 1, float("nan")),
    "alpha": (-0.1, float("nan"), float("inf"), "1", True),  # Focal's also ends at 1.
    "beta": (-0.1, float("nan"), float("inf")),
    "class_weights": ([], [-1.0, 1.0], [0.0, 0.0], 3),
    "ignore_class": (1.5, "a", True),
    "from_logits": (1, None, "yes"),
    "z_loss": (-1, float("nan")),
    "epsilon": (-1.1, float("nan")),
    "q": (0, 1.1, float("nan")),
    "log_zero": (0, 1, float("nan"), float("-inf")),
    "t1": (-0.1, 1.1, float("nan")),
    "t2": (-0.1, float("nan"), float("inf")),
    "iterations": (0, 1.5, True),
    "class_counts": ([], [1.0, 0.0], [-1.0, 1.0], 3),
    "tau": (-0.1, float("nan")),
    "max_margin": (-0.1, float("nan")),
    "scale": (0, -1, float("nan")),
    "weight": (0, 1, float("nan")),
    "temperature": (0, -1, float("nan")),
    "weighting": ("cubic", None),
    "fraction": (0, 1.1, float("nan")),
}
