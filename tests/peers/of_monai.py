"""MONAI's losses: channels first there, last here."""

import monai.losses as monai
import numpy as np
import torch

import keras_losskit as kl
from tests.peers.compare import DIFFERS, EQUAL, OPTION, Pair, first, peer, tensor, values


def shape_of(d, classes):
    sides = d.choice((d.size(4, 7), d.size(4, 7)), (d.size(3, 5), d.size(3, 5), d.size(3, 5)))
    return (d.size(1, 3), *sides, classes)


def softmax(z):
    return torch.softmax(z, -1)


def maps(d, loss, theirs, soft=False, classes=None, through=softmax, **more):
    """Of probabilities, and of hard or soft targets."""
    shape = shape_of(d, d.size(2, 4) if classes is None else classes)
    if through is None or shape[-1] == 1:
        through = through if shape[-1] > 1 else torch.sigmoid
        g = d.bits(*shape)
    else:
        g = d.choice(d.one_hot, d.rows)(*shape) if soft else d.one_hot(*shape)
    return Pair(
        loss, g, d.normal(*shape, scale=2), lambda p: theirs(first(p), first(g)),
        through=through, **more,
    )


# --- overlap ---------------------------------------------------------------------------------

OF_DICE = "MONAI `DiceLoss()` / `DiceLoss(batch=True)` | `Dice(smooth=1e-5)` / `…(over=\"batch\")`"


@peer("monai", "DiceLoss(batch)", kl.Dice, OPTION, OF_DICE)
def dice(d):
    over = d.choice("sample", "batch")
    return maps(
        d, kl.Dice(smooth=1e-5, over=over), monai.DiceLoss(batch=over == "batch"), soft=True
    )


@peer(
    "monai", "DiceLoss(softmax or sigmoid, include_background, smooth)", kl.Dice, OPTION,
    "`from_logits=True`, `smooth`, `include_background`, `class_weights`",
)
def dice_of_logits(d):
    classes = d.choice(3, 1, 4)
    background = d.choice(True, False) or classes == 1
    s, over = d.real(0.1, 2), d.choice("sample", "batch")
    kept = classes if background else classes - 1
    w = None if classes == 1 else d.uniform(kept, low=0.2, high=2)
    mine = None if w is None else w if background else np.concatenate([[0], w])
    loss = kl.Dice(
        from_logits=True, smooth=s, over=over, include_background=background, class_weights=mine
    )
    # There the mean of w·ℓ is not divided by the mean of w.
    factor = 1 if w is None else w.mean()
    theirs = monai.DiceLoss(
        softmax=classes > 1, sigmoid=classes == 1, smooth_nr=s, smooth_dr=s,
        batch=over == "batch", include_background=background,
        weight=None if w is None else tensor(w),
    )
    shape = shape_of(d, classes)
    g = d.bits(*shape) if classes == 1 else d.one_hot(*shape)
    return Pair(
        factor * loss, g, d.normal(*shape, scale=2), lambda z: theirs(first(z), first(g))
    )


@peer(
    "monai", "DiceLoss(squared_pred=True)", kl.Dice, OPTION,
    "MONAI `DiceLoss(squared_pred=True)` | `Dice(squared=True, smooth=1e-5)`",
)
def squared_dice(d):
    return maps(
        d, kl.Dice(squared=True, smooth=1e-5), monai.DiceLoss(squared_pred=True), soft=True
    )


@peer(
    "monai", "DiceLoss(soft_label=True)", kl.Dice, OPTION,
    '`intersection="l1"`, of soft targets',
)
def dice_of_soft_labels(d):
    over = d.choice("sample", "batch")
    return maps(
        d, kl.Dice(intersection="l1", smooth=1e-5, over=over),
        monai.DiceLoss(soft_label=True, batch=over == "batch"), soft=True,
    )


@peer(
    "monai", "DiceLoss(jaccard=True)", kl.Jaccard, OPTION,
    "MONAI `DiceLoss(jaccard=True)` | `Jaccard(smooth=5e-6)`",
)
def jaccard(d):
    return maps(d, kl.Jaccard(smooth=5e-6), monai.DiceLoss(jaccard=True), soft=True)


@peer(
    "monai", "TverskyLoss(alpha, beta)", kl.Tversky, OPTION,
    "Salehi 2017, MONAI `TverskyLoss(alpha, beta)` | `fp_weight=alpha, fn_weight=beta`",
)
def tversky(d):
    a, b, over = d.real(0.1, 1), d.real(0.1, 1), d.choice("sample", "batch")
    return maps(
        d, kl.Tversky(fp_weight=a, fn_weight=b, smooth=1e-5, over=over),
        monai.TverskyLoss(alpha=a, beta=b, batch=over == "batch"),
    )


@peer(
    "monai", 'GeneralizedDiceLoss(w_type="square")', kl.GeneralizedDice, OPTION,
    'MONAI `GeneralizedDiceLoss(w_type="square")` | `GeneralizedDice(smooth=1e-5)`; with no '
    "class present it is 0 there",
    rtol=1e-6,
)
def generalized_dice(d):
    return maps(d, kl.GeneralizedDice(smooth=1e-5), monai.GeneralizedDiceLoss())


@peer(
    "monai", "GeneralizedDiceLoss(batch=True)", kl.GeneralizedDice, OPTION,
    'MONAI `GeneralizedDiceLoss(batch=True)` | `GeneralizedDice(over="batch", smooth=1e-5)`',
    rtol=1e-6,
)
def generalized_dice_over_the_batch(d):
    how = d.choice("square", "simple", "uniform")
    return maps(
        d, kl.GeneralizedDice(how, over="batch", smooth=1e-5),
        monai.GeneralizedDiceLoss(w_type=how, batch=True),
    )


# --- sums of losses --------------------------------------------------------------------------


@peer(
    "monai", "DiceCELoss(softmax=True)", kl.Dice, OPTION,
    "`a * Dice(from_logits=True, smooth=1e-5) + b * CategoricalCrossentropy(from_logits=True)`",
)
def dice_and_crossentropy(d):
    a, b = d.real(0.2, 2), d.real(0.2, 2)
    loss = a * kl.Dice(from_logits=True, smooth=1e-5)
    loss = loss + b * kl.CategoricalCrossentropy(from_logits=True)
    theirs = monai.DiceCELoss(softmax=True, lambda_dice=a, lambda_ce=b)
    return maps(d, loss, theirs, through=None, classes=3)


@peer(
    "monai", "DiceFocalLoss(sigmoid=True)", kl.BinaryFocalCrossentropy, OPTION,
    "`a * Dice(from_logits=True, smooth=1e-5) + b * BinaryFocalCrossentropy(gamma)`",
    wide=False,
)
def dice_and_focal(d):
    a, b, gamma = d.real(0.2, 2), d.real(0.2, 2), d.real(0.5, 3)
    loss = a * kl.Dice(from_logits=True, smooth=1e-5)
    loss = loss + b * kl.BinaryFocalCrossentropy(gamma, from_logits=True)
    theirs = monai.DiceFocalLoss(sigmoid=True, gamma=gamma, lambda_dice=a, lambda_focal=b)
    shape = shape_of(d, 1)
    g = d.bits(*shape)
    return Pair(loss, g, d.normal(*shape, scale=2), lambda z: theirs(first(z), first(g)))


@peer(
    "monai", "TverskyLoss and FocalLoss", kl.FocalTversky, OPTION,
    "`gamma=1`, of which the weights are `alpha`, `beta`",
)
def focal_tversky(d):
    a, b = d.real(0.1, 1), d.real(0.1, 1)
    return maps(
        d, kl.FocalTversky(fp_weight=a, fn_weight=b, gamma=1.0, smooth=1e-5),
        monai.TverskyLoss(alpha=a, beta=b),
    )


# --- cross-entropies -------------------------------------------------------------------------


@peer(
    "monai", "FocalLoss(gamma, alpha)", kl.BinaryFocalCrossentropy, OPTION,
    "`from_logits=True`, `gamma`, `alpha`",
    wide=False,
)
def binary_focal(d):
    gamma, alpha = d.real(0.5, 4), d.choice(None, d.real(0.1, 0.9))
    shape = shape_of(d, d.size(1, 3))
    g = d.bits(*shape)
    loss = values(kl.BinaryFocalCrossentropy, gamma=gamma, alpha=alpha, from_logits=True)
    theirs = monai.FocalLoss(gamma=gamma, alpha=alpha, reduction="none")
    return Pair(
        loss, g, d.normal(*shape, scale=4),
        lambda z: theirs(first(z), first(g)).mean(1),
    )


@peer(
    "monai", "FocalLoss(use_softmax=True, weight)", kl.CategoricalFocalCrossentropy, OPTION,
    "`from_logits=True`, `gamma`, `class_weights`; the sum over classes",
    wide=False,
)
def categorical_focal(d):
    gamma, classes = d.real(0.5, 4), d.size(2, 4)
    w = d.choice(None, d.uniform(classes, low=0.2, high=2))
    shape = shape_of(d, classes)
    g = d.one_hot(*shape)
    loss = values(
        kl.CategoricalFocalCrossentropy, gamma=gamma, class_weights=w, from_logits=True
    )
    theirs = monai.FocalLoss(
        gamma=gamma, use_softmax=True, reduction="none", weight=None if w is None else tensor(w)
    )
    return Pair(
        loss, g, d.normal(*shape, scale=3), lambda z: theirs(first(z), first(g)).sum(1)
    )


# --- distances -------------------------------------------------------------------------------


def far(d, theirs, loss):
    shape = shape_of(d, 3)
    g = d.one_hot(*shape)
    return Pair(
        loss, g, d.normal(*shape, scale=2), lambda p: theirs(first(p), first(g)), through=softmax
    )


@peer(
    "monai", "HausdorffDTLoss(alpha)", kl.HausdorffDistance, OPTION,
    "MONAI `HausdorffDTLoss()` | `HausdorffDistance(include_background=False)`",
    rtol=1e-6,
)
def hausdorff(d):
    a = d.choice(2.0, d.real(0.5, 3))
    return far(
        d, monai.HausdorffDTLoss(alpha=a), kl.HausdorffDistance(a, include_background=False)
    )


@peer(
    "monai", "HausdorffDTLoss(batch=True)", kl.HausdorffDistance, OPTION,
    "MONAI `HausdorffDTLoss(batch=True)` | `HausdorffDistance(include_background=False, "
    'over="batch")`',
    rtol=1e-6,
)
def hausdorff_over_the_batch(d):
    return far(
        d, monai.HausdorffDTLoss(batch=True),
        kl.HausdorffDistance(include_background=False, over="batch"),
    )


@peer(
    "monai", "LogHausdorffDTLoss", kl.HausdorffDistance, OPTION,
    "MONAI `LogHausdorffDTLoss()` | log(1 + the value of the first)",
    rtol=1e-6,
)
def log_hausdorff(d):
    loss = kl.HausdorffDistance(include_background=False)
    return far(d, monai.LogHausdorffDTLoss(), lambda *data: (1 + loss(*data)).log())


# --- center lines ----------------------------------------------------------------------------


def tubes(d):
    shape = shape_of(d, 1)
    return d.bits(*shape, share=0.6), d.normal(*shape, scale=2)


@peer(
    "monai", "SoftclDiceLoss(iter_, smooth_nr, smooth_dr)", kl.CenterlineDice, OPTION,
    "MONAI 1.6 `SoftclDiceLoss(iter_, smooth_nr=s, smooth_dr=s)` | `CenterlineDice(iter_, s)`; "
    "there 1e-4 is added to T + S",
    rtol=2e-3,
)
def centerline(d):
    n, s = d.size(0, 3), d.real(0.3, 2)
    g, z = tubes(d)
    theirs = monai.SoftclDiceLoss(iter_=n, smooth_nr=s, smooth_dr=s)
    return Pair(
        kl.CenterlineDice(n, s), g, z, lambda p: theirs(first(p), first(g)),
        through=torch.sigmoid,
    )


@peer(
    "monai", "SoftDiceclDiceLoss(iter_, alpha)", kl.CenterlineDice, OPTION,
    "MONAI 1.6 `SoftDiceclDiceLoss(iter_, a)` | `(1 - a) * Dice(smooth=1.0) + a * "
    "CenterlineDice(iter_)`",
    rtol=2e-3,
)
def dice_and_centerline(d):
    n, a = d.size(0, 3), d.real(0.1, 0.9)
    g, z = tubes(d)
    theirs = monai.SoftDiceclDiceLoss(iter_=n, alpha=a)
    loss = (1 - a) * kl.Dice(smooth=1.0) + a * kl.CenterlineDice(n)
    return Pair(
        loss, g, z, lambda p: theirs(first(p), first(g)), through=torch.sigmoid
    )


# --- pictures --------------------------------------------------------------------------------


def pictures(d, dimensions, low, high):
    shape = (d.size(1, 2), *(d.size(low, high) for _ in range(dimensions)), d.size(1, 2))
    y = d.uniform(*shape)
    return y, y + d.normal(*shape, scale=0.2)


@peer(
    "monai", "SSIMLoss(spatial_dims, data_range)", kl.SSIM, EQUAL,
    "MONAI `SSIMLoss(spatial_dims, L)` | `SSIM(L)`, 2-D and 3-D alike",
    draws=4, wide=False, rtol=5e-5,
)
def ssim(d):
    n, top = d.choice(2, 3), d.real(0.5, 2)
    y, p = pictures(d, n, 11, 13)
    theirs = monai.SSIMLoss(spatial_dims=n, data_range=top)
    return Pair(kl.SSIM(top), y, p, lambda p: theirs(first(p), first(y).float()))


@peer(
    "monai", 'LocalNormalizedCrossCorrelationLoss(kernel_type="triangular") of 7',
    kl.LocalNormalizedCrossCorrelation, DIFFERS,
    "MONAI's triangle of 7 is the one of 5 here, that of 11 the one of 9",
    rtol=1e-6, draws=4,
)
def narrow_triangle(d):
    window = d.choice(7, 11)
    y, p = pictures(d, 2, 6, 9)
    y, p = y[..., :1], p[..., :1]
    theirs = monai.LocalNormalizedCrossCorrelationLoss(2, window, "triangular")
    narrow, same = (
        kl.LocalNormalizedCrossCorrelation(w, "triangular") for w in (window - 2, window)
    )
    return Pair(
        lambda *data: narrow(*data) - 1, y, p, lambda p: theirs(first(p), first(y)),
        plain=lambda *data: same(*data) - 1,
    )


KERNELS = {"box": "rectangular", "triangular": "triangular", "gaussian": "gaussian"}


@peer(
    "monai", "LocalNormalizedCrossCorrelationLoss", kl.LocalNormalizedCrossCorrelation, OPTION,
    'MONAI `LocalNormalizedCrossCorrelationLoss(3, 9, "rectangular")`, minus the mean | the '
    "same, for its other kernels too",
    rtol=1e-6,
)
def local_correlation(d):
    n, window = d.choice(3, 2), d.choice(9, 5)
    kernel = ("box", "triangular", "gaussian")[d.number % 3]
    y, p = pictures(d, n, 6, 9)
    y, p = y[..., :1], p[..., :1]
    theirs = monai.LocalNormalizedCrossCorrelationLoss(n, window, KERNELS[kernel])
    loss = kl.LocalNormalizedCrossCorrelation(window, kernel)
    return Pair(lambda *data: loss(*data) - 1, y, p, lambda p: theirs(first(p), first(y)))


@peer(
    "monai", 'GlobalMutualInformationLoss("gaussian")', kl.MutualInformation, OPTION,
    'MONAI `GlobalMutualInformationLoss("gaussian", num_bins, sigma_ratio)` | '
    "`MutualInformation(bins, sigma_ratio)`",
    rtol=1e-3, wide=False,
)
def mutual_information(d):
    bins, ratio = d.size(5, 23), d.real(0.4, 1)
    y, p = pictures(d, d.choice(2, 3), 6, 8)
    y, p = y[..., :1], np.clip(p[..., :1], 0.01, 0.99)
    theirs = monai.GlobalMutualInformationLoss("gaussian", bins, ratio)
    return Pair(
        kl.MutualInformation(bins, ratio), y, p, lambda p: theirs(first(p), first(y).float())
    )


def field(d):
    n = d.choice(2, 3)
    return d.normal(d.size(1, 2), *(d.size(5, 7) for _ in range(n)), n)


@peer(
    "monai", "BendingEnergyLoss(normalize)", kl.BendingEnergy, EQUAL,
    "MONAI 1.6 `BendingEnergyLoss(normalize)` | `BendingEnergy(normalize)`",
    rtol=1e-6,
)
def bending(d):
    u, normalize = field(d), d.choice(True, False)
    theirs = monai.BendingEnergyLoss(normalize=normalize)
    return Pair(kl.BendingEnergy(normalize), u, u, lambda u: theirs(first(u)))


@peer(
    "monai", "DiffusionLoss", kl.DisplacementGradient, DIFFERS,
    "MONAI `DiffusionLoss()` | central differences, summed over axes",
)
def diffusion(d):
    """A central difference is the forward one of a field of two positions, halved."""
    u = field(d)
    n, theirs, loss = u.shape[-1], monai.DiffusionLoss(), kl.DisplacementGradient()

    def mapped(y, u):
        total = 0
        for axis in range(1, n + 1):
            ends = []
            for along in (slice(None, -2), slice(2, None)):
                at = [slice(None), *[slice(1, -1)] * n]  # The interior of the other axes.
                at[axis] = along
                ends.append(u[tuple(at)])
            pairs = torch.stack(ends, -1).reshape(-1, 2, 1, 1) / 2
            pairs = pairs.expand(-1, 2, 2, 2)
            total = total + 2 * loss(pairs, pairs)  # The mean over both axes, one of them flat.
        return total

    return Pair(mapped, u, u, lambda u: theirs(first(u)), plain=loss)


# --- views -----------------------------------------------------------------------------------


@peer("monai", "ContrastiveLoss(temperature)", kl.NTXent, EQUAL, "`temperature`", rtol=1e-7)
def contrastive(d):
    shape, t = (d.size(2, 6), d.size(2, 6)), d.real(0.1, 1)
    y = d.normal(*shape)
    theirs = monai.ContrastiveLoss(temperature=t)
    return Pair(
        kl.NTXent(temperature=t), y, d.normal(*shape), lambda p: theirs(p, tensor(y))
    )


@peer(
    "monai", "BarlowTwinsLoss(lambd)", kl.BarlowTwins, DIFFERS,
    "Here C is the exact correlation",
    rtol=1e-8,
)
def barlow(d):
    """There deviations divide by B - 1 and C by B: C is (B - 1)/B of the correlation."""
    shape, w = (d.size(3, 8), d.size(2, 5)), d.real(0.001, 0.5)
    y, loss = 1e4 * d.normal(*shape), kl.BarlowTwins(w)  # So that 1e-6 beside it is nothing.
    theirs = monai.BarlowTwinsLoss(lambd=w)

    def mapped(y, x):
        y, less = tensor(y), (shape[0] - 1) / shape[0]
        of_one = [kl.BarlowTwins()(y[:, [i]], x[:, [i]]) for i in range(shape[1])]
        own = 1 - torch.stack(of_one).sqrt()  # Of one dimension the loss is (1 - C)².
        others = kl.BarlowTwins(1.0)(y, x) - kl.BarlowTwins(0.0)(y, x)
        return ((1 - less * own) ** 2).sum() + w * less**2 * others

    return Pair(mapped, y, 1e4 * d.normal(*shape), lambda p: theirs(p, tensor(y)), plain=loss)
