"""torchvision's losses on boxes, and timm's on labels."""

import numpy as np
import timm.loss as timm
import torchvision.ops as vision

import keras_losskit as kl
from tests.peers.compare import EQUAL, OPTION, Pair, peer, tensor, values


def boxes(d):
    """Overlapping, apart, and one inside the other, as (left, top, right, bottom)."""
    n = d.size(3, 8)
    corner = d.uniform(n, 2, low=0, high=3)  # In thousands, beside which 1e-7 is nothing.
    y = np.concatenate([corner, corner + d.uniform(n, 2, low=0.5, high=2)], -1)
    p = y + d.normal(n, 4, scale=0.2)
    p[0] += 4.0
    p[1] = y[1] + [0.1, 0.12, -0.13, -0.14]
    return 1e3 * y, 1e3 * p


def of_boxes(d, theirs, loss):
    y, p = boxes(d)
    form = d.choice("xyxy", "center_xywh", "xywh", "yxyx")
    given = {
        "xyxy": lambda b: b,
        "yxyx": lambda b: b[..., [1, 0, 3, 2]],
        "xywh": lambda b: np.concatenate([b[..., :2], b[..., 2:] - b[..., :2]], -1),
        "center_xywh": lambda b: np.concatenate(
            [(b[..., :2] + b[..., 2:]) / 2, b[..., 2:] - b[..., :2]], -1
        ),
    }[form]

    def corners(b):
        if form in ("xyxy", "yxyx"):
            return b[..., [1, 0, 3, 2]] if form == "yxyx" else b
        return vision.box_convert(b, "xywh" if form == "xywh" else "cxcywh", "xyxy")

    return Pair(
        values(loss, box_format=form), given(y), given(p),
        lambda p: theirs(corners(p), tensor(y), reduction="none", eps=0.0),
    )


@peer(
    "torchvision", "generalized_box_iou_loss", kl.GIoU, EQUAL,
    'torchvision `generalized_box_iou_loss` | `box_format="xyxy"`, the default',
)
def giou(d):
    return of_boxes(d, vision.generalized_box_iou_loss, kl.GIoU)


@peer("torchvision", "distance_box_iou_loss", kl.DIoU, EQUAL, "`box_format`")
def diou(d):
    return of_boxes(d, vision.distance_box_iou_loss, kl.DIoU)


@peer("torchvision", "complete_box_iou_loss", kl.CIoU, EQUAL, "`box_format`")
def ciou(d):
    return of_boxes(d, vision.complete_box_iou_loss, kl.CIoU)


@peer(
    "torchvision", "box_iou", kl.BoxIoU, OPTION, '1 - it, of each box with its own; `mode="linear"`'
)
def iou(d):
    y, p = boxes(d)
    mode = d.choice("linear", "quadratic")
    power = {"linear": 1, "quadratic": 2}[mode]
    return Pair(
        values(kl.BoxIoU, mode=mode), y, p,
        lambda p: 1 - vision.box_iou(p, tensor(y)).diagonal() ** power,
    )


@peer(
    "torchvision", "sigmoid_focal_loss(alpha, gamma)", kl.BinaryFocalCrossentropy, OPTION,
    "`from_logits=True`, `gamma`, `alpha`; `alpha=-1` is `None`",
)
def focal(d):
    shape = d.size(1, 5), d.size(1, 4)
    g = d.choice(d.bits, d.uniform)(*shape)
    alpha, gamma = d.choice(None, d.real(0.1, 0.9)), d.real(0.5, 4)
    loss = values(kl.BinaryFocalCrossentropy, gamma=gamma, alpha=alpha, from_logits=True)

    def theirs(z):
        a = -1 if alpha is None else alpha
        return vision.sigmoid_focal_loss(z, tensor(g), a, gamma).mean(-1)

    return Pair(loss, g, d.normal(*shape, scale=4), theirs)


# --- timm ------------------------------------------------------------------------------------


@peer(
    "timm", "AsymmetricLossMultiLabel", kl.AsymmetricMultiLabel, OPTION,
    'timm `AsymmetricLossMultiLabel()` since 1.0.31: `reduction="batchmean"` | `D * '
    "AsymmetricMultiLabel(gamma_pos=1, from_logits=True)`",
    wide=False,
)
def asymmetric(d):
    shape = d.size(1, 5), d.size(2, 5)
    g = d.bits(*shape)
    a, b, clip = d.choice(1.0, d.real(0, 2)), d.real(1, 5), d.choice(0.05, 0.0)
    theirs = timm.AsymmetricLossMultiLabel(gamma_pos=a, gamma_neg=b, clip=clip)
    loss = shape[-1] * kl.AsymmetricMultiLabel(a, b, clip, from_logits=True)
    return Pair(loss, g, d.normal(*shape, scale=2), lambda z: theirs(z, tensor(g)))


@peer(
    "timm", 'AsymmetricLossMultiLabel(reduction="sum")', kl.AsymmetricMultiLabel, OPTION,
    "the authors' `AsymmetricLoss()`, timm's before 1.0.31: summed over D labels and the batch | "
    '`D * AsymmetricMultiLabel(gamma_pos=1, from_logits=True, reduction="sum")`',
    wide=False,
)
def summed_asymmetric(d):
    shape = d.size(1, 5), d.size(2, 5)
    g = d.bits(*shape)
    theirs = timm.AsymmetricLossMultiLabel(reduction="sum")
    loss = shape[-1] * kl.AsymmetricMultiLabel(gamma_pos=1, from_logits=True, reduction="sum")
    return Pair(loss, g, d.normal(*shape, scale=2), lambda z: theirs(z, tensor(g)))


@peer(
    "timm", "LabelSmoothingCrossEntropy(smoothing)", kl.CategoricalCrossentropy, OPTION,
    "`from_logits=True`, `label_smoothing`",
)
def smoothed(d):
    b, c, s = d.size(2, 6), d.size(2, 5), d.real(0.05, 0.5)
    ids = d.ids(b, classes=c)
    loss = kl.CategoricalCrossentropy(from_logits=True, label_smoothing=s)
    theirs = timm.LabelSmoothingCrossEntropy(s)
    return Pair(loss, ids, d.normal(b, c, scale=3), lambda z: theirs(z, tensor(ids)))


@peer(
    "timm", "SoftTargetCrossEntropy", kl.CategoricalCrossentropy, OPTION, "`from_logits=True`"
)
def soft_targets(d):
    shape = d.size(2, 6), d.size(2, 5)
    g = d.rows(*shape)
    theirs = timm.SoftTargetCrossEntropy()
    return Pair(
        kl.CategoricalCrossentropy(from_logits=True), g, d.normal(*shape, scale=3),
        lambda z: theirs(z, tensor(g)),
    )


@peer(
    "timm", "BinaryCrossEntropy(smoothing=0, pos_weight)", kl.BinaryCrossentropy, OPTION,
    "`from_logits=True`, `pos_weight`; ids are one-hot encoded",
)
def binary(d):
    b, c = d.size(2, 6), d.size(2, 5)
    ids, w = d.ids(b, classes=c), d.real(0.3, 3)
    theirs = timm.BinaryCrossEntropy(smoothing=0.0, pos_weight=tensor(w))
    loss = kl.BinaryCrossentropy(from_logits=True, pos_weight=w)
    return Pair(loss, ids, d.normal(b, c, scale=3), lambda z: theirs(z, tensor(ids)))
