"""Errors of pixels on the scale of decibels."""

import math

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.images import ImageLoss, mean_over
from keras_losskit.core.kernels import at_least, squared_error
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import sum_over


@register
class PSNR(ImageLoss):
    """Minus the peak signal-to-noise ratio: 10·log10(MSE/max_value²), in decibels.

    The MSE is that of each sample, so a picture that is already good pulls as much as one that
    is not, where `MeanSquaredError` looks at the worst. It is held at or above
    1e-10·max_value², a loss of -100 dB, with zero gradient below.

    Args:
        max_value: the largest value that a pixel can have, such as 1 or 255; > 0.

    | elsewhere | here |
    |---|---|
    | `-tf.image.psnr(y, ŷ, L)`, `-keras.ops.psnr(…)` of one picture | `PSNR(L)` |
    | BasicSR `PSNRLoss` | `PSNR()`; there 1e-8 is added to the MSE |

    Call with `(B, H, W, C)` or `(B, D, H, W, C)`; values `(B,)`. Weights of positions weigh
    the squares inside the mean.

    Raises:
        ValueError: for `max_value` <= 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit, numpy as np
    >>> y = np.zeros((1, 2, 2, 1))
    >>> round(float(keras_losskit.PSNR()(y, y + 0.1)), 4)    # 10·log10(0.01)
    -20.0

    Reference: Q. Huynh-Thu, M. Ghanbari, *Scope of Validity of PSNR in Image/Video Quality
    Assessment* (2008), https://doi.org/10.1049/el:20080522
    """

    def __init__(self, max_value=1.0, **common):
        super().__init__(**common)
        self.max_value = checks.real(self, "max_value", max_value, above=0)

    def of_sample(self, y_true, y_pred, weights):
        mse = mean_over(squared_error(y_true, y_pred), weights)
        logarithm = ops.log(at_least(mse, 1e-10 * self.max_value**2))
        value = 10 / math.log(10) * (logarithm - 2 * math.log(self.max_value))
        if weights is None:
            return value
        # Of no position there is no error, and no ratio either.
        return ops.where(sum_over(weights, tuple(range(1, len(weights.shape)))) == 0, 0, value)
