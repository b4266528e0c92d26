"""auraloss' and torchmetrics' functions on sound."""

import auraloss.freq
import auraloss.time
import numpy as np
import torch
import torchmetrics.functional.audio as metrics

import keras_losskit as kl
from tests.peers.compare import DIFFERS, EQUAL, OPTION, Pair, peer, tensor, values


def sound(d, samples, channels=(1, 3)):
    """`(B, T, C)` here; `(B, C, T)` there. So loud that 1e-8 beside its squares is nothing."""
    shape = d.size(1, 3), samples, d.size(*channels)
    y = 1e3 * d.normal(*shape) * d.positive(shape[0], 1, shape[2])
    return y, y + 1e3 * d.normal(*shape)


def last(x):
    x = x if torch.is_tensor(x) else tensor(x)
    return x.swapaxes(1, 2)


@peer(
    "auraloss", "SISDRLoss", kl.SISDR, EQUAL,
    "auraloss `SISDRLoss()`, asteroid `pairwise_neg_sisdr` | `SISDR()`",
    rtol=1e-7,
)
def sisdr(d):
    y, p = sound(d, d.size(20, 40))
    theirs = auraloss.time.SISDRLoss()
    return Pair(kl.SISDR(), y, p, lambda p: theirs(last(p), last(y)))


OF_STFT = (
    "auraloss `STFTLoss(fft_size, hop_size, win_length, w_sc, w_log_mag, w_lin_mag)` | `STFT(…)`; "
    "there the norms are those of the whole batch, and squares below 1e-8 have no gradient"
)


def wide(theirs):
    """Its window in float64."""
    theirs.window = torch.hann_window(len(theirs.window), dtype=torch.float64)
    return theirs


def of_each(theirs, y):
    """For each sample as a batch of its own."""
    def found(p):
        return torch.stack([
            theirs(last(p[i : i + 1]), last(y[i : i + 1])) for i in range(len(y))
        ])

    return found


@peer(
    "auraloss", "STFTLoss of each sample", kl.STFT, EQUAL, OF_STFT,
)
def stft(d):
    y, p = sound(d, d.size(60, 90), (1, 1))
    size, hop, window = 32, d.size(5, 12), d.size(20, 32)
    w = [d.real(0.2, 2), d.real(0.2, 2), d.choice(0.0, d.real(0.2, 2))]
    theirs = auraloss.freq.STFTLoss(
        size, hop, window, w_sc=w[0], w_log_mag=w[1], w_lin_mag=w[2]
    )
    loss = kl.STFT(
        size, hop, window, convergence=w[0], log_magnitude=w[1], magnitude=w[2], reduction="none"
    )
    return Pair(loss, y, p, of_each(wide(theirs), y))


@peer(
    "auraloss", "STFTLoss", kl.STFT, DIFFERS, OF_STFT,
)
def stft_of_the_batch(d):
    """All samples one behind the other, as one: with frames that do not overlap."""
    y, p = sound(d, 64, (1, 1))
    y, p = (np.concatenate([x, 3 * x + d.normal(*x.shape)]) for x in (y, p))
    theirs = wide(auraloss.freq.STFTLoss(16, 8, 16, w_log_mag=0.0))
    loss = kl.STFT(16, 8, 16, log_magnitude=0.0, reduction="none")

    def mapped(y, p):
        """√(Σ ‖Y - Ŷ‖²/Σ ‖Y‖²), of the samples' ratios and their norms."""
        norms = torch.stack([
            torch.stft(tensor(x), 16, 8, 16, torch.hann_window(16, dtype=torch.float64),
                       return_complex=True).abs().pow(2).sum()
            for x in y[..., 0]
        ])
        return ((loss(y, p) ** 2 * norms).sum() / norms.sum()).sqrt()

    return Pair(
        mapped, y, p, lambda p: theirs(last(p), last(y)),
        plain=kl.STFT(16, 8, 16, log_magnitude=0.0),
    )


@peer(
    "auraloss", "MultiResolutionSTFTLoss of each sample", kl.MultiResolutionSTFT, EQUAL,
    "auraloss `MultiResolutionSTFTLoss()` | `MultiResolutionSTFT()`, norms per sample",
    draws=2,
)
def several_resolutions(d):
    y, p = sound(d, d.size(1100, 1300), (1, 1))
    theirs = auraloss.freq.MultiResolutionSTFTLoss()
    for one in theirs.stft_losses:
        wide(one)
    return Pair(values(kl.MultiResolutionSTFT), y, p, of_each(theirs, y))


@peer(
    "torchmetrics", "scale_invariant_signal_distortion_ratio(zero_mean)", kl.SISDR, OPTION,
    "torchmetrics `-scale_invariant_signal_distortion_ratio(ŷ, y, zero_mean)` | "
    "`SISDR(zero_mean)`",
)
def sisdr_of_torchmetrics(d):
    y, p = sound(d, d.size(20, 40), (1, 1))
    zero_mean = d.choice(True, False)

    y, p = y + 0.3, p + 0.3

    def theirs(p):
        found = metrics.scale_invariant_signal_distortion_ratio(
            p[..., 0], tensor(y)[..., 0], zero_mean
        )
        return -found

    return Pair(values(kl.SISDR, zero_mean=zero_mean), y, p, theirs)


@peer(
    "torchmetrics", "permutation_invariant_training", kl.PermutationInvariant, OPTION,
    "torchmetrics `permutation_invariant_training(ŷ, y, f)`, of a metric | "
    "`PermutationInvariant(f)`, of a loss",
    rtol=1e-7,
)
def orders(d):
    shape = d.size(1, 4), d.size(2, 4), d.size(10, 20)
    y = d.normal(*shape)
    p = y[:, d.rng.permutation(shape[1])] + d.normal(*shape, scale=0.7)

    def theirs(p):
        best, _ = metrics.permutation_invariant_training(
            p, tensor(y), metrics.scale_invariant_signal_distortion_ratio, eval_func="max"
        )
        return -best

    return Pair(
        kl.PermutationInvariant(kl.SISDR(zero_mean=False), reduction="none"), y, p, theirs
    )
