"""Cases of the segmentation losses on maps, `y_pred (B, *spatial, C)`."""

import math

import numpy as np

import keras_losskit as kl
from tests.cases.case import Case, distribution

rng = np.random.default_rng(20240615)

MAP_LOGITS = rng.normal(size=(3, 4, 3, 4)) * 2
MAP_IDS = rng.integers(0, 3, size=(3, 4, 3))  # Class 3 is absent.
MAP_PROBS = np.exp(MAP_LOGITS) / np.exp(MAP_LOGITS).sum(-1, keepdims=True)
FOREGROUND_LOGITS = MAP_LOGITS[..., :1]
FOREGROUND = (MAP_IDS[..., None] == 1).astype("float64")
SOFT_FOREGROUND = 0.2 + 0.7 * FOREGROUND
VOLUME_LOGITS = rng.normal(size=(3, 3, 4, 2, 3)) * 2
VOLUME_IDS = rng.integers(0, 3, size=(3, 3, 4, 2))


def positions(y_true, y_pred, c, from_logits, ignore_class):
    """Of one sample and class: p and g of every position, and which positions exist."""
    classes = y_pred.shape[-1]
    p, g, exists = (np.zeros(y_pred.shape[:-1], kind) for kind in (float, float, bool))
    for i in np.ndindex(*p.shape):
        z, label = y_pred[i], np.ravel(y_true[i])[0]
        if classes == 1:
            g[i] = label
            p[i] = 1 / (1 + math.exp(-z[0])) if from_logits else z[0]
        else:
            g[i] = label == c
            p[i] = distribution(z, True)[c] if from_logits else z[c]
        exists[i] = ignore_class is None or label != ignore_class
    return p, g, exists


def groups_of(y_pred, over):
    """The samples that are counted together."""
    samples = list(range(len(y_pred)))
    return [samples] if over == "batch" else [[b] for b in samples]


def scored_classes(y_pred, ignore_class, include_background):
    classes = y_pred.shape[-1]
    if classes == 1:
        return [0]
    return [
        c for c in range(classes) if c != ignore_class and (c > 0 or include_background)
    ]


def class_mean(score, finish=lambda mean: mean, keep=lambda c, present, options: True):
    """Values of a loss `score(maps, …)` of one class, averaged over the classes.

    `maps` holds `(p, g, exists)` of each sample that is counted together.
    """

    def values(
        y_true, y_pred, from_logits, class_weights, ignore_class, include_background,
        over, empty, **options
    ):
        out = []
        for group in groups_of(y_pred, over):
            total = weight_sum = 0.0
            for c in scored_classes(y_pred, ignore_class, include_background):
                maps = [
                    positions(y_true[b], y_pred[b], c, from_logits, ignore_class)
                    for b in group
                ]
                present = any(g[exists].any() for _, g, exists in maps)
                if (empty == "skip" and not present) or not keep(c, present, options):
                    continue
                w = 1.0 if class_weights is None else class_weights[c]
                given = {k: v for k, v in options.items() if k != "classes"}
                total += w * score(maps, **given)
                weight_sum += w
            out.append(finish(total / weight_sum if weight_sum else 0.0))
        return out if over == "sample" else out[0]

    return values


def flat(score, **also):
    """Values of a loss whose classes are scored from bare lists of p and g."""

    def of_maps(maps, **options):
        p = np.concatenate([p[exists] for p, _, exists in maps])
        g = np.concatenate([g[exists] for _, g, exists in maps])
        return score(p, g, **options)

    return class_mean(of_maps, **also)


def hits(p, g, intersection):
    if intersection == "l1":
        return (sum(p) + sum(g) - sum(abs(p - g))) / 2
    return sum(p * g)


def dice(p, g, smooth, squared=False, intersection="product"):
    power = 2 if squared else 1
    denominator = sum(p**power) + sum(g**power) + smooth
    return 1 - (2 * hits(p, g, intersection) + smooth) / denominator if denominator else 0.0


def jaccard(p, g, smooth, intersection="product"):
    found = hits(p, g, intersection)
    union = sum(p) + sum(g) - found + smooth
    return 1 - (found + smooth) / union if union else 0.0


def tversky(p, g, smooth, fp_weight, fn_weight, intersection="product"):
    tp = hits(p, g, intersection)
    fp, fn = sum(p) - tp, sum(g) - tp
    denominator = tp + fp_weight * fp + fn_weight * fn + smooth
    return 1 - (tp + smooth) / denominator if denominator else 0.0


def focal_tversky(p, g, gamma, **options):
    return tversky(p, g, **options) ** gamma


def matthews(p, g, smooth):
    tp, fp, fn = sum(p * g), sum(p * (1 - g)), sum((1 - p) * g)
    tn = sum((1 - p) * (1 - g))
    root = math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    if root + smooth == 0:
        return 0.0 if fp + fn == 0 else 1.0
    return 1 - (tp * tn - fp * fn + smooth) / (root + smooth)


def lovasz(errors, g, smooth):
    """The extension by its integral, ∫ J({i: e_i >= t}) dt over t > 0."""

    def jaccard_loss(wrong):
        foreground = g == 1
        found = sum(foreground & ~wrong) + smooth
        union = sum(foreground | wrong) + smooth
        return 1 - found / union

    total, below = 0.0, 0.0
    for t in sorted({float(e) for e in errors if e > 0}):
        total += (t - below) * jaccard_loss(errors >= t)
        below = t
    return total


def lovasz_softmax(p, g, smooth):
    return lovasz(abs(g - p), g, smooth)


def in_classes(c, present, options):
    classes = options["classes"]
    if isinstance(classes, str):
        return present or classes == "all"
    return c in classes


def lovasz_hinge(y_true, y_pred, from_logits, **options):
    def hinge(z, g, smooth):
        return lovasz(1 - z * (2 * g - 1), g, smooth)

    z = y_pred if from_logits else np.log(y_pred) - np.log(1 - y_pred)
    return flat(hinge)(y_true, z, from_logits=False, **options)


def generalized_dice(
    y_true, y_pred, from_logits, class_weights, ignore_class, include_background,
    over, smooth, empty, weighting,
):
    out = []
    for group in groups_of(y_pred, over):
        counts = {}
        for c in scored_classes(y_pred, ignore_class, include_background):
            pg = p_and_g = target = 0.0
            for b in group:
                p, g, exists = positions(y_true[b], y_pred[b], c, from_logits, ignore_class)
                pg += sum((p * g)[exists])
                p_and_g += sum((p + g)[exists])
                target += sum(g[exists])
            if target or empty == "score":
                counts[c] = (pg, p_and_g, target)
        power = {"square": 2, "simple": 1, "uniform": 0}[weighting]
        finite = [1 / target**power for _, _, target in counts.values() if target]
        above, below = smooth, smooth
        for c, (pg, p_and_g, target) in counts.items():
            w = 1 / target**power if target else max(finite, default=1.0)
            w *= 1.0 if class_weights is None else class_weights[c]
            above += 2 * w * pg
            below += w * p_and_g
        out.append(1 - above / below if below else 0.0)
    return out if over == "sample" else out[0]


def exponential_logarithmic(
    y_true, y_pred, dice_weight, ce_weight, gamma, **shared
):
    def term(p, g, smooth):
        score = 1 - dice(p, g, smooth)
        # Missed altogether: the logarithm's tangent from 1e-7 on.
        return (-math.log(score) if score > 0 else 1 - math.log(1e-7)) ** gamma

    dices = np.atleast_1d(flat(term)(y_true, y_pred, **shared))
    weights = shared["class_weights"]
    out = []
    for group, dice_term in zip(groups_of(y_pred, shared["over"]), dices):
        found = []
        for b in group:
            for i in np.ndindex(*y_pred.shape[1:-1]):
                z, label = y_pred[b][i], np.ravel(y_true[b][i])[0]
                if label == shared["ignore_class"]:
                    continue
                label = int(label)
                if len(z) == 1:
                    p = 1 / (1 + math.exp(-z[0])) if shared["from_logits"] else z[0]
                    p_t, w = (p, (weights or [1.0])[0]) if label else (1 - p, 1.0)
                else:
                    p_t = distribution(z, shared["from_logits"])[label]
                    w = 1.0 if weights is None else weights[label]
                found.append(w * (-math.log(p_t)) ** gamma)
        mean = sum(found) / len(found) if found else 0.0
        out.append(dice_weight * dice_term + ce_weight * mean)
    return out if shared["over"] == "sample" else out[0]


def neighbours(i, exists, cross):
    """Positions beside `i`, itself too: along one axis, or along several at once."""
    for step in np.ndindex(*(3,) * len(i)):
        step = tuple(s - 1 for s in step)
        j = tuple(a + b for a, b in zip(i, step))
        inside = all(0 <= a < n for a, n in zip(j, exists.shape))
        if inside and exists[j] and not (cross and sum(map(abs, step)) > 1):
            yield j


def skeleton(x, exists, iterations):
    def eroded(x):
        out = np.zeros_like(x)
        for i in zip(*np.nonzero(exists)):
            out[i] = min(x[j] for j in neighbours(i, exists, cross=True))
        return out

    def dilated(x):
        out = np.zeros_like(x)
        for i in zip(*np.nonzero(exists)):
            out[i] = max(x[j] for j in neighbours(i, exists, cross=False))
        return out

    total = np.maximum(x - dilated(eroded(x)), 0)
    for _ in range(iterations):
        x = eroded(x)
        delta = np.maximum(x - dilated(eroded(x)), 0)
        total = total + np.maximum(delta - total * delta, 0)
    return total


def centerline_dice(maps, smooth, iterations):
    in_target = predicted = found = target = 0.0
    for p, g, exists in maps:
        s_p, s_g = skeleton(p, exists, iterations), skeleton(g, exists, iterations)
        in_target += (s_p * g)[exists].sum()
        predicted += s_p[exists].sum()
        found += (s_g * p)[exists].sum()
        target += s_g[exists].sum()
    t = (in_target + smooth) / (predicted + smooth) if predicted + smooth else 1.0
    s = (found + smooth) / (target + smooth) if target + smooth else 1.0
    return 1 - 2 * t * s / (t + s) if t + s else 1.0


def distances(x, exists):
    """From every position that exists to the nearest one on the other side, or 0."""
    out = np.zeros(x.shape)
    there = list(zip(*np.nonzero(exists)))
    for i in there:
        others = [j for j in there if (x[j] > 0.5) != (x[i] > 0.5)]
        if others:
            out[i] = min(math.dist(i, j) for j in others)
    return out


def hausdorff(maps, alpha):
    found = []
    for p, g, exists in maps:
        values = (p - g) ** 2 * (distances(p, exists) ** alpha + distances(g, exists) ** alpha)
        found += list(values[exists])
    return sum(found) / len(found)


def boundary(maps):
    found = []
    for p, g, exists in maps:
        d = distances(g, exists)
        for i in zip(*np.nonzero(exists)):
            signed = -(d[i] - 1) if g[i] > 0.5 else d[i]
            found.append(p[i] * signed if d[i] else 0.0)
    return sum(found) / len(found)


ALL_OPTIONS = {
    "from_logits": True, "class_weights": [1.0, 0.5, 2.0, 3.0], "ignore_class": 2,
    "include_background": False, "over": "sample", "smooth": 0.5, "empty": "skip",
}
NO_OPTIONS = {
    "from_logits": False, "class_weights": None, "ignore_class": None,
    "include_background": True, "over": "sample", "smooth": 0.0, "empty": "score",
}
MAP_OPTIONS = {
    "all": (ALL_OPTIONS, MAP_IDS, MAP_LOGITS),
    "batch": ({**ALL_OPTIONS, "over": "batch"}, MAP_IDS, MAP_LOGITS),
    "plain": (NO_OPTIONS, MAP_IDS, MAP_PROBS),
    "foreground": (
        {**NO_OPTIONS, "from_logits": True, "class_weights": [0.5], "smooth": 1.0},
        FOREGROUND, FOREGROUND_LOGITS,
    ),
    "volume": (
        {**NO_OPTIONS, "from_logits": True, "class_weights": [1.0, 2.0, 0.5]},
        VOLUME_IDS, VOLUME_LOGITS,
    ),
}


def maps(loss, reference, volume=False, smooth=True, **options):
    for label, (shared, y_true, y_pred) in MAP_OPTIONS.items():
        if label == "volume" and not volume:
            continue
        if not smooth:
            shared = {k: v for k, v in shared.items() if k != "smooth"}
        yield Case(
            loss, {**shared, **options}, y_true, y_pred, reference,
            label=label, batch=shared["over"] == "batch",
        )


def l1_cases(loss, reference, **options):
    """Soft and hard targets, over the sample and over the batch."""
    options["intersection"] = "l1"
    binary = {**NO_OPTIONS, "from_logits": True, **options}
    for label, shared, y_true, y_pred in (
        ("l1-soft", binary, SOFT_FOREGROUND, FOREGROUND_LOGITS),
        ("l1-batch", {**binary, "over": "batch"}, SOFT_FOREGROUND, FOREGROUND_LOGITS),
        ("l1-all", {**ALL_OPTIONS, **options}, MAP_IDS, MAP_LOGITS),
    ):
        yield Case(
            loss, shared, y_true, y_pred, reference, label=label,
            batch=shared["over"] == "batch",
        )


def softmax_cases():
    for classes, case in zip(
        ([1, 3], "all", "present", "all"),
        maps(kl.LovaszSoftmax, flat(lovasz_softmax, keep=in_classes)),
    ):
        case.options["classes"] = classes
        yield case


def generalized_cases():
    weightings = ("square", "simple", "uniform", "square")
    for weighting, case in zip(weightings, maps(kl.GeneralizedDice, generalized_dice)):
        case.options["weighting"] = weighting
        yield case


CASES = [
    *maps(kl.Dice, flat(dice), squared=True),
    *maps(kl.LogCoshDice, flat(dice, finish=lambda d: math.log(math.cosh(d)))),
    *generalized_cases(),
    *maps(kl.Tversky, flat(tversky), fp_weight=0.3, fn_weight=0.9),
    *maps(kl.FocalTversky, flat(focal_tversky), fp_weight=0.4, fn_weight=0.9, gamma=0.6),
    *maps(kl.Jaccard, flat(jaccard)),
    *maps(kl.MatthewsCorrelation, flat(matthews)),
    *maps(
        kl.ExponentialLogarithmic, exponential_logarithmic,
        dice_weight=0.7, ce_weight=0.4, gamma=0.5,
    ),
    *softmax_cases(),
    *maps(kl.LovaszHinge, lovasz_hinge),
    *maps(kl.CenterlineDice, class_mean(centerline_dice), volume=True, iterations=2),
    *maps(kl.HausdorffDistance, class_mean(hausdorff), volume=True, smooth=False, alpha=1.5),
    *maps(kl.Boundary, class_mean(boundary), volume=True, smooth=False),
]

L1_CASES = [
    *l1_cases(kl.Dice, flat(dice)),
    *l1_cases(kl.LogCoshDice, flat(dice, finish=lambda d: math.log(math.cosh(d)))),
    *l1_cases(kl.Jaccard, flat(jaccard)),
    *l1_cases(kl.Tversky, flat(tversky), fp_weight=0.3, fn_weight=0.9),
    *l1_cases(kl.FocalTversky, flat(focal_tversky), fp_weight=0.4, fn_weight=0.9, gamma=0.6),
]
CASES += L1_CASES

BAD_OPTIONS = {
    "intersection": ("l2", None, True),
    "from_logits": (1, None, "yes"),
    "class_weights": ([], [-1.0, 1.0], [0.0, 0.0], 3),
    "ignore_class": (1.5, "a", True),
    "include_background": (1, None),
    "over": ("pixels", None),
    "smooth": (-1, float("nan")),
    "empty": ("nan", None),
    "squared": (1, "no"),
    "fp_weight": (-1, float("nan")),
    "fn_weight": (-1, float("nan")),
    "gamma": (0, -1.0, float("nan")),
    "weighting": ("cube", None),
    "classes": ("some", None, [], [-1], [0.5]),
    "dice_weight": (-1, float("nan"), float("inf")),
    "ce_weight": (-1, float("nan"), "a"),
    "iterations": (-1, 1.5, None),
    "alpha": (0, -1.0, float("nan")),
}
