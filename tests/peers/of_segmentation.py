"""segmentation_models.pytorch's and pytorch-toolbelt's losses."""

import numpy as np
import pytorch_toolbelt.losses as toolbelt
import segmentation_models_pytorch.losses as smp
import torch

import keras_losskit as kl
from tests.peers.compare import DIFFERS, EQUAL, OPTION, Pair, first, peer, tensor

SMP, BELT = "segmentation-models-pytorch", "pytorch-toolbelt"


def softmax(z):
    return torch.softmax(z, -1)


def classes(d, least=3):
    """Ids in which each class is somewhere, and logits."""
    shape = d.size(1, 3), d.size(4, 6), d.size(4, 6)
    c = d.size(least, 4)
    ids = d.ids(*shape, classes=c)
    ids.flat[:c] = range(c)
    return ids, d.normal(*shape, c, scale=2)


def one_map(d):
    shape = d.size(1, 3), d.size(4, 6), d.size(4, 6), 1
    g = d.bits(*shape)
    g.flat[:2] = 0, 1
    return g, d.normal(*shape, scale=2)


def of_classes(d, loss, theirs, absent=False, **more):
    """A loss of theirs on logits; with `absent` the last class is nowhere."""
    ids, z = classes(d)
    if absent:
        ids = np.where(ids == z.shape[-1] - 1, 0, ids)
    return Pair(loss, ids, z, lambda z: theirs(first(z), tensor(ids)), **more)


OF_DICE = (
    'segmentation_models.pytorch `DiceLoss()`, hard targets | `Dice(over="batch")`; there an '
    "absent class is 0"
)
OF_JACCARD = (
    'segmentation_models.pytorch `JaccardLoss()`, hard targets | `Jaccard(over="batch")`; there '
    "an absent class is 0"
)


@peer(SMP, 'DiceLoss("multiclass")', kl.Dice, OPTION, OF_DICE)
def dice(d):
    return of_classes(
        d, kl.Dice(over="batch", from_logits=True), smp.DiceLoss("multiclass")
    )


@peer(SMP, 'DiceLoss("multiclass") of an absent class', kl.Dice, DIFFERS, OF_DICE)
def dice_of_absent(d):
    loss = kl.Dice(over="batch", from_logits=True)
    return of_classes(
        d, lambda y, z: loss(y, z) - 1 / z.shape[-1], smp.DiceLoss("multiclass"), True, plain=loss
    )


@peer(SMP, 'JaccardLoss("multiclass")', kl.Jaccard, OPTION, OF_JACCARD)
def jaccard(d):
    return of_classes(
        d, kl.Jaccard(over="batch", from_logits=True), smp.JaccardLoss("multiclass")
    )


@peer(
    SMP, 'JaccardLoss("multiclass") of an absent class', kl.Jaccard, DIFFERS, OF_JACCARD,
)
def jaccard_of_absent(d):
    loss = kl.Jaccard(over="batch", from_logits=True)
    return of_classes(
        d, lambda y, z: loss(y, z) - 1 / z.shape[-1], smp.JaccardLoss("multiclass"), True,
        plain=loss,
    )


@peer(
    SMP, 'TverskyLoss("multiclass", alpha, beta)', kl.Tversky, OPTION,
    "segmentation_models.pytorch `TverskyLoss(alpha, beta)` | `fp_weight=alpha, fn_weight=beta`",
)
def tversky(d):
    a, b = d.real(0.2, 0.9), d.real(0.2, 0.9)
    loss = kl.Tversky(fp_weight=a, fn_weight=b, over="batch", from_logits=True)
    return of_classes(d, loss, smp.TverskyLoss("multiclass", alpha=a, beta=b))


OF_FOCAL = (
    'segmentation_models.pytorch `TverskyLoss(gamma=g)` | `gamma=g, over="batch"`; there the power '
    "is that of the class mean"
)


@peer(SMP, 'TverskyLoss("binary", gamma)', kl.FocalTversky, OPTION, OF_FOCAL)
def focal_tversky(d):
    a, b, gamma = d.real(0.2, 0.9), d.real(0.2, 0.9), d.real(0.5, 2)
    g, z = one_map(d)
    theirs = smp.TverskyLoss("binary", alpha=a, beta=b, gamma=gamma)
    loss = kl.FocalTversky(a, b, gamma, over="batch", from_logits=True)
    return Pair(loss, g, z, lambda z: theirs(first(z), first(g)))


@peer(SMP, 'TverskyLoss("multiclass", gamma)', kl.FocalTversky, DIFFERS, OF_FOCAL)
def focal_tversky_of_classes(d):
    """The power of the mean of `Tversky`, not the mean of powers."""
    a, b, gamma = d.real(0.2, 0.9), d.real(0.2, 0.9), d.real(1.5, 2)
    loss = kl.Tversky(a, b, over="batch", from_logits=True)
    return of_classes(
        d, lambda *data: loss(*data) ** gamma,
        smp.TverskyLoss("multiclass", alpha=a, beta=b, gamma=gamma),
        plain=kl.FocalTversky(a, b, gamma, over="batch", from_logits=True),
    )


@peer(
    SMP, 'LovaszLoss("multiclass")', kl.LovaszSoftmax, OPTION,
    'segmentation_models.pytorch `LovaszLoss("multiclass")` | '
    '`LovaszSoftmax(over="batch", from_logits=True)`',
    wide=False,
)
def lovasz_softmax(d):
    return of_classes(
        d, kl.LovaszSoftmax(over="batch", from_logits=True), smp.LovaszLoss("multiclass"),
        absent=d.choice(True, False),
    )


@peer(
    SMP, 'LovaszLoss("binary")', kl.LovaszHinge, OPTION,
    'segmentation_models.pytorch `LovaszLoss("binary")` | `LovaszHinge(over="batch")`',
    wide=False,
)
def lovasz_hinge(d):
    g, z = one_map(d)
    theirs = smp.LovaszLoss("binary")
    return Pair(
        kl.LovaszHinge(over="batch"), g, z, lambda z: theirs(first(z)[:, 0], tensor(g)[..., 0])
    )


@peer(
    SMP, "MCCLoss", kl.MatthewsCorrelation, OPTION,
    "segmentation_models.pytorch `MCCLoss()`, one channel | "
    '`MatthewsCorrelation(over="batch")`; there 1e-5 is added to each count',
    rtol=2e-5,
)
def matthews(d):
    g, z = one_map(d)
    theirs = smp.MCCLoss()
    return Pair(
        kl.MatthewsCorrelation(over="batch"), g, z, lambda p: theirs(first(p), first(g)),
        through=torch.sigmoid,
    )


@peer(
    SMP, 'FocalLoss("binary", alpha, gamma)', kl.BinaryFocalCrossentropy, OPTION,
    "`from_logits=True`, `alpha`, `gamma`",
)
def focal(d):
    g, z = one_map(d)
    gamma, alpha = d.real(0.5, 4), d.choice(None, d.real(0.1, 0.9))
    theirs = smp.FocalLoss("binary", alpha=alpha, gamma=gamma)
    loss = kl.BinaryFocalCrossentropy(gamma, alpha, from_logits=True)
    return Pair(loss, g, z, lambda z: theirs(first(z), first(g)))


@peer(
    SMP, "SoftBCEWithLogitsLoss(smooth_factor, pos_weight)", kl.BinaryCrossentropy, OPTION,
    "`from_logits=True`, `pos_weight`; `smooth_factor` is half of `label_smoothing`",
)
def soft_bce(d):
    g, z = one_map(d)
    s, w = d.real(0.01, 0.3), d.real(0.3, 3)
    theirs = smp.SoftBCEWithLogitsLoss(
        smooth_factor=s, pos_weight=tensor(w), ignore_index=None
    )
    loss = kl.BinaryCrossentropy(from_logits=True, label_smoothing=2 * s, pos_weight=w)
    return Pair(loss, g, z, lambda z: theirs(first(z), first(g)))


@peer(
    SMP, "SoftCrossEntropyLoss(smooth_factor)", kl.CategoricalCrossentropy, OPTION,
    "`from_logits=True`, `label_smoothing`",
)
def soft_crossentropy(d):
    s = d.real(0.01, 0.5)
    loss = kl.CategoricalCrossentropy(from_logits=True, label_smoothing=s)
    theirs = smp.SoftCrossEntropyLoss(smooth_factor=s, ignore_index=None, dim=1)
    return of_classes(d, loss, theirs)


# --- pytorch-toolbelt ------------------------------------------------------------------------


@peer(
    BELT, "JaccardLoss", kl.Jaccard, OPTION,
    "pytorch-toolbelt `JaccardLoss()` | as segmentation_models.pytorch, for soft targets too",
)
def belt_jaccard(d):
    shape = d.size(1, 3), d.size(4, 6), d.size(4, 6), d.size(2, 4)
    g = d.choice(d.rows, d.one_hot)(*shape)
    theirs = toolbelt.JaccardLoss("multilabel", from_logits=False)
    return Pair(
        kl.Jaccard(over="batch"), g, d.normal(*shape, scale=2),
        lambda p: theirs(first(p), first(g)), through=softmax,
    )


@peer(
    BELT, "LovaszLoss", kl.LovaszSoftmax, OPTION,
    'pytorch-toolbelt `LovaszLoss()` | `LovaszSoftmax(over="batch")`', wide=False,
)
def belt_lovasz_softmax(d):
    ids, z = classes(d)
    theirs = toolbelt.LovaszLoss()
    return Pair(
        kl.LovaszSoftmax(over="batch"), ids, z, lambda p: theirs(first(p), tensor(ids)),
        through=softmax,
    )


@peer(
    BELT, "BinaryLovaszLoss(per_image)", kl.LovaszHinge, OPTION,
    "pytorch-toolbelt `BinaryLovaszLoss(per_image)` | as Berman's", wide=False,
)
def belt_lovasz_hinge(d):
    g, z = one_map(d)
    per_image = d.choice(True, False)
    theirs = toolbelt.BinaryLovaszLoss(per_image=per_image)
    loss = kl.LovaszHinge(over="sample" if per_image else "batch")
    return Pair(loss, g, z, lambda z: theirs(first(z), first(g)))


@peer(BELT, "WingLoss(width, curvature)", kl.Wing, EQUAL, "`width`, `curvature`")
def wing(d):
    shape, w, e = (d.size(1, 6), d.size(1, 5)), d.real(2, 8), d.real(0.3, 3)
    y = d.normal(*shape, scale=4)
    theirs = toolbelt.WingLoss(width=w, curvature=e)
    return Pair(
        kl.Wing(w, e), y, y + d.normal(*shape, scale=6), lambda p: theirs(p, tensor(y))
    )


@peer(BELT, "LogCoshLoss", kl.LogCosh, EQUAL, "no options")
def log_cosh(d):
    shape = d.size(1, 6), d.size(1, 5)
    y = d.normal(*shape)
    theirs = toolbelt.LogCoshLoss()
    return Pair(kl.LogCosh(), y, d.normal(*shape, scale=2), lambda p: theirs(p, tensor(y)))


@peer(
    BELT, "BiTemperedLogisticLoss(t1, t2)", kl.BiTempered, EQUAL,
    "`t1`, `t2` near 1, where 5 iterations are enough", rtol=1e-5,
)
def bi_tempered(d):
    b, c, t1, t2 = d.size(2, 6), d.size(2, 5), d.real(0.2, 0.9), d.real(1.05, 1.2)
    ids = d.ids(b, classes=c)
    theirs = toolbelt.BiTemperedLogisticLoss(t1=t1, t2=t2)
    return Pair(
        kl.BiTempered(t1, t2), ids, d.normal(b, c), lambda z: theirs(z, tensor(ids))
    )


@peer(
    BELT, "QualityFocalLoss(beta)", kl.QualityFocal, OPTION, "`from_logits=True`, `beta`",
    rtol=1e-6,
)
def quality_focal(d):
    shape, beta = (d.size(1, 5), d.size(1, 5)), d.choice(2.0, d.real(1, 3))
    q = d.uniform(*shape) * d.bits(*shape, share=0.6)
    theirs = toolbelt.QualityFocalLoss(beta=beta)
    return Pair(
        kl.QualityFocal(beta, from_logits=True), q, d.normal(*shape, scale=2),
        lambda z: theirs(z, tensor(q)),
    )


