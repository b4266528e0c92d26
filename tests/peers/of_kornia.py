"""kornia's losses."""

import kornia.losses as kornia
import torch

import keras_losskit as kl
from tests.peers.compare import EQUAL, OPTION, Pair, first, peer, tensor, values


def logits_and_ids(d, classes):
    shape = d.size(1, 3), d.size(3, 6), d.size(3, 6)
    return d.normal(*shape, classes, scale=2), d.ids(*shape, classes=classes)


@peer(
    "kornia", "LovaszHingeLoss", kl.LovaszHinge, EQUAL,
    "kornia `LovaszHingeLoss()` | `LovaszHinge()`",
)
def lovasz_hinge(d):
    shape = d.size(1, 3), d.size(3, 6), d.size(3, 6), 1
    g = d.bits(*shape)
    return Pair(
        kl.LovaszHinge(), g, d.normal(*shape, scale=2),
        lambda z: kornia.lovasz_hinge_loss(first(z), tensor(g)[..., 0]),
    )


@peer(
    "kornia", "lovasz_softmax_loss", kl.LovaszSoftmax, OPTION,
    '`classes="all"`, `from_logits=True`',
)
def lovasz_softmax(d):
    z, ids = logits_and_ids(d, 3)
    loss = kl.LovaszSoftmax("all", from_logits=True)
    return Pair(loss, ids, z, lambda z: kornia.lovasz_softmax_loss(first(z), tensor(ids)))


@peer(
    "kornia", "dice_loss(average)", kl.Dice, OPTION,
    '`from_logits=True`, `smooth`; `average="macro"`: the mean over classes',
    rtol=1e-6,
)
def dice(d):
    z, ids = logits_and_ids(d, d.size(2, 4))
    loss = kl.Dice(from_logits=True, smooth=2e-8)
    return Pair(
        loss, ids, z, lambda z: kornia.dice_loss(first(z), tensor(ids), average="macro")
    )


@peer(
    "kornia", "tversky_loss(alpha, beta)", kl.Tversky, OPTION,
    "`fp_weight=alpha, fn_weight=beta`; `from_logits=True`",
)
def tversky(d):
    a, b = d.real(0.1, 1), d.real(0.1, 1)
    z, ids = logits_and_ids(d, d.size(2, 4))
    loss = kl.Tversky(fp_weight=a, fn_weight=b, from_logits=True)
    return Pair(
        loss, ids, z, lambda z: kornia.tversky_loss(first(z), tensor(ids), alpha=a, beta=b)
    )


@peer(
    "kornia", "focal_loss(alpha=None, gamma)", kl.CategoricalFocalCrossentropy, OPTION,
    "`from_logits=True`, `gamma`, `weight` is `class_weights`",
)
def focal(d):
    classes, gamma = d.size(2, 4), d.real(0.5, 4)
    z, ids = logits_and_ids(d, classes)
    w = d.choice(None, d.uniform(classes, low=0.2, high=2))
    loss = values(
        kl.CategoricalFocalCrossentropy, gamma=gamma, class_weights=w, from_logits=True
    )

    def theirs(z):
        found = kornia.focal_loss(
            first(z), tensor(ids), None, gamma, weight=None if w is None else tensor(w)
        )
        return found.sum(1)

    return Pair(loss, ids, z, theirs)


@peer(
    "kornia", "binary_focal_loss_with_logits(alpha, gamma, pos_weight)",
    kl.BinaryFocalCrossentropy, OPTION, "`from_logits=True`, `gamma`, `alpha`",
)
def binary_focal(d):
    gamma, alpha = d.real(0.5, 4), d.choice(None, d.real(0.1, 0.9))
    shape = d.size(1, 4), d.size(1, 4), d.size(1, 3)
    g = d.bits(*shape)
    loss = values(kl.BinaryFocalCrossentropy, gamma=gamma, alpha=alpha, from_logits=True)
    return Pair(
        loss, g, d.normal(*shape, scale=4),
        lambda z: kornia.binary_focal_loss_with_logits(z, tensor(g), alpha, gamma).mean(-1),
    )


def shares_of_positions(d):
    shape = d.size(1, 3), d.size(2, 4), d.size(2, 4)
    n = shape[1] * shape[2]
    return shape, d.rows(shape[0], n), d.normal(shape[0], n, scale=2)


@peer(
    "kornia", "kl_div_loss_2d", kl.KLDivergence, EQUAL, "positions are the classes",
)
def divergence(d):
    shape, g, z = shares_of_positions(d)
    return Pair(
        values(kl.KLDivergence), g, z,
        lambda p: kornia.kl_div_loss_2d(
            p.reshape(shape)[:, None], tensor(g).reshape(shape)[:, None], reduction="none"
        )[:, 0],
        through=lambda z: torch.softmax(z, -1),
    )


@peer(
    "kornia", "js_div_loss_2d", kl.JensenShannon, EQUAL, "positions are the classes",
)
def jensen_shannon(d):
    shape, g, z = shares_of_positions(d)
    return Pair(
        values(kl.JensenShannon), g, z,
        lambda p: kornia.js_div_loss_2d(
            p.reshape(shape)[:, None], tensor(g).reshape(shape)[:, None], reduction="none"
        )[:, 0],
        through=lambda z: torch.softmax(z, -1),
    )


# --- robust errors ---------------------------------------------------------------------------


def robust(d, theirs, loss):
    shape = d.size(1, 3), d.size(2, 4), d.size(2, 4), d.size(1, 3)
    y = d.normal(*shape, scale=3)
    return Pair(
        loss, y, d.normal(*shape, scale=3),
        lambda p: theirs(first(p), first(y), reduction="none").mean(1),
    )


@peer(
    "kornia", "charbonnier_loss", kl.Charbonnier, EQUAL, "√(d² + 1) - 1: `epsilon=1.0`"
)
def charbonnier(d):
    return robust(d, kornia.charbonnier_loss, values(kl.Charbonnier, epsilon=1.0))


@peer("kornia", "cauchy_loss", kl.Cauchy, EQUAL, "`scale=1.0`")
def cauchy(d):
    return robust(d, kornia.cauchy_loss, values(kl.Cauchy))


@peer("kornia", "geman_mcclure_loss", kl.GemanMcClure, EQUAL, "`scale=1.0`")
def geman_mcclure(d):
    return robust(d, kornia.geman_mcclure_loss, values(kl.GemanMcClure))


@peer("kornia", "welsch_loss", kl.Welsch, EQUAL, "`scale=1.0`")
def welsch(d):
    return robust(d, kornia.welsch_loss, values(kl.Welsch))


@peer("kornia", "charbonnier_loss", kl.Barron, OPTION, "`alpha=1.0`")
def barron_1(d):
    return robust(d, kornia.charbonnier_loss, values(kl.Barron, alpha=1.0))


@peer("kornia", "cauchy_loss", kl.Barron, OPTION, "`alpha=0.0`")
def barron_0(d):
    return robust(d, kornia.cauchy_loss, values(kl.Barron, alpha=0.0))


@peer("kornia", "geman_mcclure_loss", kl.Barron, OPTION, "`alpha=-2.0`")
def barron_minus_2(d):
    return robust(d, kornia.geman_mcclure_loss, values(kl.Barron, alpha=-2.0))


@peer("kornia", "welsch_loss", kl.Barron, OPTION, '`alpha="-inf"`')
def barron_without_end(d):
    return robust(d, kornia.welsch_loss, values(kl.Barron, alpha="-inf"))


# --- pictures --------------------------------------------------------------------------------


@peer(
    "kornia", 'total_variation(reduction="mean")', kl.TotalVariation, OPTION,
    'kornia `total_variation(x, reduction="mean")` | `TotalVariation()` of one channel',
)
def variation(d):
    shape = d.size(1, 3), d.size(3, 6), d.size(3, 6), 1
    x = d.normal(*shape)
    return Pair(
        values(kl.TotalVariation), x, x,
        lambda x: kornia.total_variation(first(x), reduction="mean")[:, 0],
    )


@peer(
    "kornia", 'total_variation(reduction="sum")', kl.TotalVariation, OPTION,
    "`normalize=False`, of all channels",
)
def summed_variation(d):
    shape = d.size(1, 3), d.size(3, 6), d.size(3, 6), d.size(1, 3)
    x = d.normal(*shape)
    return Pair(
        values(kl.TotalVariation, normalize=False), x, x,
        lambda x: kornia.total_variation(first(x), reduction="sum").sum(-1),
    )


@peer(
    "kornia", "inverse_depth_smoothness_loss", kl.EdgeAwareSmoothness, EQUAL,
    "kornia `inverse_depth_smoothness_loss` | `EdgeAwareSmoothness()`",
)
def smoothness(d):
    shape = d.size(1, 3), d.size(3, 6), d.size(3, 6)
    y = d.uniform(*shape, d.size(1, 3))
    return Pair(
        kl.EdgeAwareSmoothness(), y, d.uniform(*shape, 1),
        lambda p: kornia.inverse_depth_smoothness_loss(first(p), first(y)),
    )


@peer("kornia", "psnr_loss(max_val)", kl.PSNR, EQUAL, "of one picture; `max_value`")
def psnr(d):
    shape, top = (1, d.size(3, 6), d.size(3, 6), d.size(1, 3)), d.real(0.5, 4)
    y = d.uniform(*shape)
    return Pair(
        kl.PSNR(top), y, d.uniform(*shape), lambda p: kornia.psnr_loss(first(p), first(y), top)
    )


@peer(
    "kornia", 'ssim_loss(padding="valid")', kl.SSIM, OPTION,
    "twice it, which is halved there; `max_value`, `filter_size`",
)
def ssim(d):
    window, top = d.choice(7, 11), d.real(0.5, 2)
    shape = d.size(1, 2), d.size(12, 14), d.size(12, 14), d.size(1, 2)
    y = d.uniform(*shape)

    def theirs(p):
        return 2 * kornia.ssim_loss(
            first(p), first(y), window, max_val=top, eps=0.0, padding="valid"
        )

    loss = kl.SSIM(top, filter_size=window)
    return Pair(loss, y, y + d.normal(*shape, scale=0.2), theirs)


