"""pytorch-msssim, piq, torchmetrics and focal-frequency-loss on pictures."""

import piq
import pytorch_msssim
import torchmetrics.functional as metrics
import torchmetrics.functional.image as of_images
from focal_frequency_loss import FocalFrequencyLoss

import keras_losskit as kl
from tests.peers.compare import EQUAL, OPTION, Pair, first, peer, tensor, values


def pictures(d, low, high, channels=(1, 3), batch=(1, 3)):
    shape = d.size(*batch), d.size(low, high), d.size(low, high), d.size(*channels)
    y = d.uniform(*shape)
    return y, (y + d.normal(*shape, scale=0.2)).clip(0, 1)


OF_SSIM = "pytorch-msssim `1 - ssim(…)`, piq `SSIMLoss` without its downsampling | `SSIM(L, …)`"


@peer("pytorch-msssim", "1 - ssim(data_range, win_size, win_sigma, K)", kl.SSIM, EQUAL, OF_SSIM,
      rtol=1e-6)
def ssim(d):
    y, p = pictures(d, 11, 15)
    top, size, sigma = d.real(0.5, 2), d.choice(11, 7), d.real(1, 2)
    k = d.real(0.01, 0.03), d.real(0.02, 0.05)
    loss = kl.SSIM(top, size, sigma, *k)

    def theirs(p):
        return 1 - pytorch_msssim.ssim(first(p), first(y), top, True, size, sigma, K=k)

    return Pair(loss, y, p, theirs)


@peer(
    "pytorch-msssim", "1 - ms_ssim(data_range)", kl.MultiScaleSSIM, EQUAL,
    "pytorch-msssim `1 - ms_ssim(…)` | the same for sides that are powers of 2 times the last",
    draws=2, rtol=2e-5,
)
def multiscale(d):
    y, p = pictures(d, 176, 176, (1, 1), (1, 1))
    top = d.real(0.8, 2)
    return Pair(
        kl.MultiScaleSSIM(top), y, p,
        lambda p: 1 - pytorch_msssim.ms_ssim(first(p), first(y), top),
    )


@peer("piq", "SSIMLoss(data_range, downsample=False)", kl.SSIM, EQUAL, OF_SSIM)
def ssim_of_piq(d):
    y, p = pictures(d, 11, 15)
    top, size, sigma = d.real(1, 2), d.choice(11, 7), d.real(1, 2)
    theirs = piq.SSIMLoss(size, sigma, data_range=top, downsample=False)
    return Pair(kl.SSIM(top, size, sigma), y, p, lambda p: theirs(first(p), first(y)))


@peer(
    "piq", 'total_variation(norm_type="l1")', kl.TotalVariation, OPTION,
    "`normalize=False`, of all channels",
)
def variation(d):
    _, p = pictures(d, 3, 7)
    loss = kl.TotalVariation(normalize=False)
    return Pair(
        loss, p, p, lambda p: piq.total_variation(first(p), norm_type="l1")
    )


@peer("piq", "psnr(data_range)", kl.PSNR, OPTION, "minus it; there 1e-8 is added to the MSE",
      rtol=1e-5)
def psnr_of_piq(d):
    y, p = pictures(d, 3, 7)
    top = d.real(1, 3)
    return Pair(
        kl.PSNR(top), y, p, lambda p: -piq.psnr(first(p), first(y), data_range=top)
    )


@peer(
    "torchmetrics", "peak_signal_noise_ratio(data_range)", kl.PSNR, OPTION,
    "minus it, of each picture by itself", rtol=1e-7,
)
def psnr(d):
    y, p = pictures(d, 3, 7)
    top = d.real(1, 3)

    def theirs(p):
        return -of_images.peak_signal_noise_ratio(
            first(p), first(y), data_range=top, dim=(1, 2, 3), reduction="none"
        )

    return Pair(values(kl.PSNR, max_value=top), y, p, theirs)


@peer(
    "torchmetrics", 'total_variation(reduction="none")', kl.TotalVariation, OPTION,
    "`normalize=False`, of all channels",
)
def variation_of_torchmetrics(d):
    _, p = pictures(d, 3, 7)
    return Pair(
        values(kl.TotalVariation, normalize=False), p, p,
        lambda p: of_images.total_variation(first(p), reduction="none"),
    )


@peer(
    "focal-frequency-loss", "FocalFrequencyLoss(loss_weight, alpha, log_matrix)",
    kl.FocalFrequency, OPTION,
    "the authors' `FocalFrequencyLoss(loss_weight, alpha, log_matrix=…)` | `loss_weight * "
    "FocalFrequency(alpha, log_matrix)`; patches and the spectrum of the mean over the batch are "
    "left out",
)
def focal_frequency(d):
    y, p = pictures(d, 4, 9)
    w, alpha, log_matrix = d.real(0.3, 2), d.choice(1.0, d.real(0.5, 2)), d.choice(False, True)
    theirs = FocalFrequencyLoss(w, alpha, log_matrix=log_matrix)
    loss = w * kl.FocalFrequency(alpha, log_matrix)
    return Pair(loss, y, p, lambda p: theirs(first(p), first(y)))


# --- torchmetrics' regression ----------------------------------------------------------------


def column(d):
    n = d.size(2, 9)
    return d.positive(n), d.positive(n)


@peer(
    "torchmetrics", "symmetric_mean_absolute_percentage_error",
    kl.SymmetricMeanAbsolutePercentageError, OPTION, "times 100",
)
def symmetric_percentages(d):
    y, p = column(d)
    return Pair(
        kl.SymmetricMeanAbsolutePercentageError(), y, p,
        lambda p: 100 * metrics.symmetric_mean_absolute_percentage_error(p, tensor(y)),
    )


@peer("torchmetrics", "log_cosh_error", kl.LogCosh, EQUAL, "no options")
def log_cosh(d):
    y, p = column(d)
    return Pair(kl.LogCosh(), y, p, lambda p: metrics.log_cosh_error(p, tensor(y)))


@peer(
    "torchmetrics", "mean_squared_log_error", kl.MeanSquaredLogarithmicError, EQUAL, "no options"
)
def squared_logarithms(d):
    y, p = column(d)
    return Pair(
        kl.MeanSquaredLogarithmicError(), y, p,
        lambda p: metrics.mean_squared_log_error(p, tensor(y)),
    )


@peer(
    "torchmetrics", "tweedie_deviance_score(power=2)", kl.GammaDeviance, EQUAL, "no options"
)
def gamma(d):
    y, p = column(d)
    return Pair(
        kl.GammaDeviance(), y, p,
        lambda p: metrics.tweedie_deviance_score(p, tensor(y), power=2.0),
    )


@peer(
    "torchmetrics", "hinge_loss(task, squared)", kl.SquaredHinge, OPTION,
    "`squared=True`; of scores between 0 and 1, which there are taken as they are",
)
def squared_hinge(d):
    n = d.size(3, 9)
    g = d.bits(n)
    return Pair(
        kl.SquaredHinge(), 2 * g - 1, d.uniform(n),
        lambda p: metrics.hinge_loss(p, tensor(g).long(), task="binary", squared=True),
    )
