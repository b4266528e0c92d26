"""Cases of the losses of object detection: boxes `(B, …, 4)`, qualities, heat maps, bins."""

import math

import numpy as np

import keras_losskit as kl
from tests.cases.case import Case, mean_of

rng = np.random.default_rng(20240616)

# --- boxes: overlapping, apart, and one inside the other ------------------------------

CORNERS = rng.uniform(0, 3, size=(4, 3, 2))
BOXES_TRUE = np.concatenate([CORNERS, CORNERS + rng.uniform(0.5, 2, size=(4, 3, 2))], -1)
BOXES_PRED = BOXES_TRUE + rng.normal(size=(4, 3, 4)) * 0.3
BOXES_PRED[1, 1] += 4.0
BOXES_PRED[2, 0] = BOXES_TRUE[2, 0] + [0.1, 0.12, -0.13, -0.14]
BOXES_PRED[3, 2] = BOXES_PRED[3, 2][[2, 1, 0, 3]]  # Crossed.


def to_corners(box, box_format):
    a, b, c, d = (float(x) for x in box)
    if box_format == "yxyx":
        a, b, c, d = b, a, d, c
    elif box_format == "xywh":
        c, d = a + c, b + d
    elif box_format == "center_xywh":
        a, b, c, d = a - c / 2, b - d / 2, a + c / 2, b + d / 2
    return min(a, c), min(b, d), max(a, c), max(b, d)


def in_format(boxes, box_format):
    x, y, right, bottom = np.moveaxis(boxes, -1, 0)
    return np.stack(
        {
            "xyxy": (x, y, right, bottom),
            "yxyx": (y, x, bottom, right),
            "xywh": (x, y, right - x, bottom - y),
            "center_xywh": ((x + right) / 2, (y + bottom) / 2, right - x, bottom - y),
        }[box_format],
        axis=-1,
    )


def area(box):
    return (box[2] - box[0]) * (box[3] - box[1])


def iou_of(p, t):
    width = max(0.0, min(p[2], t[2]) - max(p[0], t[0]))
    height = max(0.0, min(p[3], t[3]) - max(p[1], t[1]))
    union = area(p) + area(t) - width * height
    return width * height / union, union


def hull(p, t):
    return min(p[0], t[0]), min(p[1], t[1]), max(p[2], t[2]), max(p[3], t[3])


def iou(p, t, mode):
    value = iou_of(p, t)[0]
    if mode == "log":  # Below epsilon the tangent: Keras' epsilon is 1e-7.
        return -math.log(value) if value > 1e-7 else -math.log(1e-7) + 1 - value / 1e-7
    return 1 - value if mode == "linear" else 1 - value**2


def giou(p, t):
    value, union = iou_of(p, t)
    whole = area(hull(p, t))
    return 1 - value + (whole - union) / whole


def diou(p, t):
    c = hull(p, t)
    between = ((p[0] + p[2]) / 2 - (t[0] + t[2]) / 2) ** 2
    between += ((p[1] + p[3]) / 2 - (t[1] + t[3]) / 2) ** 2
    return 1 - iou_of(p, t)[0] + between / ((c[2] - c[0]) ** 2 + (c[3] - c[1]) ** 2)


def shape_term(p, t):
    angle = math.atan((t[2] - t[0]) / (t[3] - t[1])) - math.atan((p[2] - p[0]) / (p[3] - p[1]))
    return 4 / math.pi**2 * angle**2


def ciou(p, t):
    v = shape_term(p, t)
    return diou(p, t) + v / (1 - iou_of(p, t)[0] + v) * v


def of_boxes(one):
    def values(y_true, y_pred, box_format, **options):
        out = np.zeros(y_pred.shape[:-1])
        for i in np.ndindex(*out.shape):
            p, t = to_corners(y_pred[i], box_format), to_corners(y_true[i], box_format)
            out[i] = one(p, t, **options)
        return out

    return values


def boxes(loss, one, label, detached=False, **options):
    return Case(
        loss, options, in_format(BOXES_TRUE, options["box_format"]),
        in_format(BOXES_PRED, options["box_format"]), of_boxes(one), label=label, detached=detached,
    )


# --- qualities and heat maps ---------------------------------------------------------------

QUALITY_LOGITS = rng.normal(size=(4, 3, 5)) * 2
QUALITY = rng.random((4, 3, 5)) * (rng.random((4, 3, 5)) < 0.5)
QUALITY[0, 0, 0] = 1.0
HEAT = rng.random((4, 3, 5))
HEAT[0, 1, 2] = HEAT[0, 2, 2] = HEAT[1, 0, 0] = HEAT[3, 1, 1] = 1.0  # None in sample 2.


def probability(p, from_logits):
    return 1 / (1 + math.exp(-p)) if from_logits else p


def bce(q, p):
    return -(q * math.log(p) + (1 - q) * math.log(1 - p))


def quality_focal(q, p, beta, from_logits):
    p = probability(p, from_logits)
    return abs(q - p) ** beta * bce(q, p)


def varifocal(q, p, alpha, gamma, from_logits):
    p = probability(p, from_logits)
    return q * bce(q, p) if q > 0 else -alpha * p**gamma * math.log(1 - p)


def centernet(y_true, y_pred, alpha, beta, from_logits):
    out = []
    for t, z in zip(y_true, y_pred):
        total, peaks = 0.0, 0
        for g, x in zip(t.flat, z.flat):
            p = probability(x, from_logits)
            if g == 1:
                total -= (1 - p) ** alpha * math.log(p)
                peaks += 1
            else:
                total -= (1 - g) ** beta * p**alpha * math.log(1 - p)
        out.append(total / max(peaks, 1))
    return out


def both(loss, y_true, reference, label="", **options):
    for from_logits, word in ((True, "logits"), (False, "probabilities")):
        y_pred = QUALITY_LOGITS if from_logits else 1 / (1 + np.exp(-QUALITY_LOGITS))
        yield Case(
            loss, {**options, "from_logits": from_logits}, y_true, y_pred, reference,
            label=label + word,
        )


# --- distributions over bins ---------------------------------------------------------------

BINS_LOGITS = rng.normal(size=(4, 3, 5))
BINS_TRUE = rng.uniform(0, 4, size=(4, 3))
BINS_TRUE[0] = 3.0, 4.0, 0.0  # On a bin, and on the last and the first.
BINS_TRUE[1, 0], BINS_TRUE[2, 1] = 5.5, -0.5  # Outside.


def distribution_focal(y_true, y_pred):
    out = np.zeros(y_pred.shape[:-1])
    for i in np.ndindex(*out.shape):
        z, last = y_pred[i], y_pred.shape[-1] - 1
        log_p = [x - math.log(sum(math.exp(v) for v in z)) for x in z]
        y = min(max(float(y_true[i]), 0.0), float(last))
        low = min(math.floor(y), last - 1)
        out[i] = -((low + 1 - y) * log_p[low] + (y - low) * log_p[low + 1])
    return out


CASES = [
    boxes(kl.BoxIoU, iou, "log", mode="log", box_format="xyxy"),
    boxes(kl.BoxIoU, iou, "linear", mode="linear", box_format="yxyx"),
    boxes(kl.BoxIoU, iou, "quadratic", mode="quadratic", box_format="center_xywh"),
    *(
        boxes(kl.GIoU, giou, box_format, box_format=box_format)
        for box_format in ("xyxy", "yxyx", "xywh", "center_xywh")
    ),
    boxes(kl.DIoU, diou, "xyxy", box_format="xyxy"),
    boxes(kl.DIoU, diou, "xywh", box_format="xywh"),
    boxes(kl.CIoU, ciou, "xyxy", box_format="xyxy", detached=True),
    boxes(kl.CIoU, ciou, "center_xywh", box_format="center_xywh", detached=True),
    *both(kl.QualityFocal, QUALITY, mean_of(quality_focal), beta=1.5),
    *both(kl.QualityFocal, QUALITY, mean_of(quality_focal), "root-", beta=0.5),
    *both(kl.Varifocal, QUALITY, mean_of(varifocal), alpha=0.6, gamma=1.5),
    *both(kl.Varifocal, QUALITY, mean_of(varifocal), "root-", alpha=0.6, gamma=0.5),
    *both(kl.CenterNetFocal, HEAT, centernet, alpha=1.5, beta=3.0),
    *both(kl.CenterNetFocal, HEAT, centernet, "root-", alpha=0.5, beta=0.5),
    Case(kl.DistributionFocal, {}, BINS_TRUE, BINS_LOGITS, distribution_focal),
]

BAD_OPTIONS = {
    "box_format": ("xxyy", None, 4, "XYXY"),
    "mode": ("square", None, 2),
    "alpha": (-1, float("nan"), "1", None),
    "beta": (-1, float("nan"), "1", None),
    "gamma": (-1, float("nan"), "1", None),
    "from_logits": (1, None, "yes"),
}
