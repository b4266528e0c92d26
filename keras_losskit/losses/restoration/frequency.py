"""Distances between the spectra of pictures."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.images import ImageLoss, mean_over
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import largest, power, safe_divide, softplus
from keras_losskit.core.windows import spatial


@register
class FocalFrequency(ImageLoss):
    """Focal frequency loss: mean of w·|F(ŷ) - F(y)|², w = |ΔF|^alpha / max |ΔF|^alpha.

    F is the orthonormal Fourier transform over the spatial axes, of each channel; w, between 0
    and 1 per picture and channel and without a gradient, draws attention to the frequencies
    that are still wrong. With alpha = 0 it is `MeanSquaredError` of the picture (Parseval).
    For generators that miss textures; added to a loss of pixels.

    Args:
        alpha: how much the worst frequencies weigh; >= 0.
        log_matrix: whether w is log(1 + |ΔF|^alpha) over its maximum, which is flatter.

    | elsewhere | here |
    |---|---|
    | the authors' `FocalFrequencyLoss(loss_weight, alpha, log_matrix=…)` | \
`loss_weight * FocalFrequency(alpha, log_matrix)`; patches and the spectrum of the mean over \
the batch are left out |

    Call with `(B, H, W, C)` or `(B, D, H, W, C)`; values `(B,)`. Of N positions it takes
    O(N log N). Masked positions agree; weights of positions mean nothing to a spectrum, and
    are refused.

    Raises:
        ValueError: for `alpha` < 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit, numpy as np
    >>> y = np.zeros((1, 2, 2, 1))
    >>> float(keras_losskit.FocalFrequency()(y, y + 3.0))    # ΔF = 6 at frequency 0: 36/4
    9.0

    Reference: L. Jiang et al., *Focal Frequency Loss for Image Reconstruction and Synthesis*
    (2021), https://arxiv.org/abs/2012.12821
    """

    def __init__(self, alpha=1.0, log_matrix=False, **common):
        super().__init__(**common)
        self.alpha = checks.real(self, "alpha", alpha, at_least=0)
        self.log_matrix = checks.flag(self, "log_matrix", log_matrix)

    def call(self, y_true, y_pred, mask=None):
        squares = spectrum(y_pred - y_true)
        axes = spatial(squares)
        top = largest(squares, axes, keepdims=True)
        w = ops.stop_gradient(self.attention(squares, top))
        return mean_over(w * squares)

    def attention(self, squares, top):
        """w, from |ΔF|² and its largest."""
        if not self.log_matrix:
            return power(safe_divide(squares, top + ops.zeros_like(squares)), self.alpha / 2)

        def logarithm(x):  # log(1 + e^(alpha·log|ΔF|)): no power that could overflow.
            none = x <= 0
            found = softplus(self.alpha / 2 * ops.log(ops.where(none, 1, x)))
            return ops.where(none, 0.0, found) if self.alpha else found

        return safe_divide(logarithm(squares), logarithm(top) + ops.zeros_like(squares))


def spectrum(x):
    """|F(x)|² over the spatial axes of `(B, *spatial, C)`, orthonormal: `(B, *frequencies, C)`."""
    if 0 in tuple(x.shape):  # Of no pictures torch's transform raises.
        return ops.square(x)
    axes = spatial(x)
    sizes = ops.shape(x)
    count = 1
    for axis in axes:
        count = count * sizes[axis]
    # Made smaller first, and only then summed up.
    scale = 1 / ops.sqrt(ops.cast(count, x.dtype))
    first = ops.moveaxis(x * scale, -1, 1)
    real, imaginary = ops.fft2((first, ops.zeros_like(first)))
    if len(axes) == 3:
        real, imaginary = (ops.moveaxis(part, 2, -1) for part in (real, imaginary))
        real, imaginary = ops.fft((real, imaginary))
        real, imaginary = (ops.moveaxis(part, -1, 2) for part in (real, imaginary))
    return ops.moveaxis(ops.square(real) + ops.square(imaginary), 1, -1)
