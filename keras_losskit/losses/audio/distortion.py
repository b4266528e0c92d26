"""Distortion in decibels, whatever the loudness."""

import math

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.kernels import at_least, furthest
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import mean, mean_where
from keras_losskit.core.reduction import align_left
from keras_losskit.losses.audio.base import SoundLoss, or_taken_out


@register
class SISDR(SoundLoss):
    """Minus the scale-invariant signal-to-distortion ratio: -10·log10(‖αy‖²/‖αy - ŷ‖²), in dB.

    α = ⟨ŷ, y⟩/‖y‖² scales the target to what of it is in ŷ, so that loudness neither helps nor
    hurts; what remains is distortion. The measure of source separation and enhancement,
    learned directly. It knows nothing of loudness: add `STFT` or an error of samples where the
    level matters.

    A channel whose target is silent (its energy at most `epsilon`) is not counted; of several
    channels the mean is taken, and a sample of none counts nowhere.

    Args:
        zero_mean: whether both are first freed of their mean over time.
        epsilon: added to both energies, in squared units of the sound; > 0.
        threshold: `None`, or the ratio in dB, any number, beyond which little more is asked:
            10^(-threshold/10)·‖αy‖² is added below, a soft cap.

    | elsewhere | here |
    |---|---|
    | auraloss `SISDRLoss()`, asteroid `pairwise_neg_sisdr` | `SISDR()` |
    | torchmetrics `-scale_invariant_signal_distortion_ratio(ŷ, y, zero_mean)` | \
`SISDR(zero_mean)` |

    Call with `(B, T)`, `(B, T, 1)` or `(B, T, C)`; values `(B,)`. Masked samples in time enter no
    sum.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit, numpy as np
    >>> y = np.array([[1.0, -1.0, 1.0, -1.0]])
    >>> noise = np.array([[1.0, 1.0, -1.0, -1.0]])
    >>> round(float(keras_losskit.SISDR()(y, 3 * (y + 0.1 * noise))), 4)    # -10·log10(1/0.01)
    -20.0

    Reference: J. Le Roux et al., *SDR - Half-Baked or Well Done?* (2019),
    https://arxiv.org/abs/1811.02508; S. Wisdom et al. (2020), https://arxiv.org/abs/2006.12701
    """

    def __init__(self, zero_mean=True, epsilon=1e-8, threshold=None, **common):
        super().__init__(**common)
        self.zero_mean = checks.flag(self, "zero_mean", zero_mean)
        self.epsilon = checks.real(self, "epsilon", epsilon, above=0)
        self.threshold = checks.optional_real(self, "threshold", threshold)

    def of_sample(self, y_true, y_pred, mask):
        y, p = (self.centred(x, mask) for x in (y_true, y_pred))
        heard = self.heard(y)
        (y, _), (p, unit) = within_squares(y), within_squares(p)
        energy = ops.sum(ops.square(y), axis=1, keepdims=True)
        shared = ops.sum(p * y, axis=1, keepdims=True)
        wanted = shared / (energy + self.epsilon) * y
        signal = ops.sum(ops.square(wanted), axis=1)
        noise = ops.sum(ops.square(wanted - p), axis=1)
        if self.threshold is not None:
            noise = noise + 10 ** (-self.threshold / 10) * signal
        epsilon = at_least(self.epsilon * ops.square(ops.squeeze(unit, axis=1)), 1e-36)
        ratio = ops.log(signal + epsilon) - ops.log(noise + epsilon)
        return mean_where(-10 / math.log(10) * ratio, heard)

    def centred(self, x, mask):
        """Sound freed of its mean over the time that is there."""
        if self.zero_mean and mask is None:
            x = x - ops.expand_dims(mean(x, 1), 1)
        elif self.zero_mean:
            there = ops.logical_and(mask, ops.ones_like(x, dtype="bool"))
            x = ops.where(there, x - ops.expand_dims(mean_where(x, there, axis=1), 1), 0)
        return x

    def heard(self, y):
        """Which channels have a target, `(B, C)`."""
        return ops.logical_not(ops.sum(ops.square(y), axis=1) <= self.epsilon)

    def value_mask(self, y_true, y_pred, mask):
        positions = mask if mask is not None and len(mask.shape) > 1 else None
        if positions is not None:
            positions = align_left(positions, 3)
        heard = ops.any(self.heard(self.centred(y_true, positions)), axis=-1)
        return or_taken_out(heard, mask)


def within_squares(x):
    """Sound whose squares have a sum, and what it was multiplied by: 1, but for the huge."""
    top = furthest(x, 1)
    unit = ops.where(top > 2.0**50, 2.0**-60, ops.ones_like(top))
    return x * unit, unit
