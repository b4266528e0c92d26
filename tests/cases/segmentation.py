"""Cases of the segmentation losses: `kind="map"`, `y_pred (B, *spatial, C)`."""

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


CASES = [
    *maps(kl.Dice, dice, squared=True),
    *maps(kl.Tversky, tversky, fp_weight=0.3, fn_weight=0.9),
]

BAD_OPTIONS = {
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
}
