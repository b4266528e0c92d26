"""Structural similarity, at one scale and at several."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.images import (
    ImageLoss,
    about_mean,
    coarser,
    mean_over,
    mean_per_channel,
    span,
)
from keras_losskit.core.kernels import at_least
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import expm1, mean, safe_divide
from keras_losskit.core.windows import filtered, gaussian, halved, spatial


class SimilarityLoss(ImageLoss):
    """Base of losses made of local means, variances and covariances in Gaussian windows.

    With s = y + ŷ and d = ŷ - y, the squared differences of means and of structures are
    those of d alone: 1 - l = μ_d²/((μ_s² + μ_d²)/2 + c1), 1 - cs = var_d/((var_s + var_d)/2 +
    c2). So a picture that is nearly right loses no digits to 1 - (nearly 1).

    Args:
        max_value: the range of values L, such as 1 or 255; > 0.
        filter_size: the side of a window, in positions; an integer >= 1.
        filter_sigma: the standard deviation of its Gaussian, in positions; > 0.
        k1: c1 = (k1·L)², which steadies dark windows; > 0.
        k2: c2 = (k2·L)², which steadies flat windows; > 0.
    """

    def __init__(
        self, max_value=1.0, filter_size=11, filter_sigma=1.5, k1=0.01, k2=0.03, **common
    ):
        super().__init__(**common)
        self.max_value = checks.real(self, "max_value", max_value, above=0)
        self.filter_size = checks.integer(self, "filter_size", filter_size, at_least=1)
        self.filter_sigma = checks.real(self, "filter_sigma", filter_sigma, above=0)
        self.k1 = checks.real(self, "k1", k1, above=0)
        self.k2 = checks.real(self, "k2", k2, above=0)

    @property
    def least_size(self):
        return self.filter_size

    def unlike(self, s, d):
        """1 - l and 1 - cs of every window, `(B, *windows, C)`."""
        axes = spatial(s)
        kernel = gaussian(self.filter_size, self.filter_sigma)

        def moments(x):
            x, zero = about_mean(x)  # Squares keep their digits.
            m = filtered(x, kernel, axes)
            variance = at_least(filtered(ops.square(x), kernel, axes) - ops.square(m), 0)
            return ops.square(m - zero), variance

        (s_mean, s_variance), (d_mean, d_variance) = moments(s), moments(d)
        c1, c2 = (self.k1 * self.max_value) ** 2, (self.k2 * self.max_value) ** 2
        means = safe_divide(d_mean, 0.5 * (s_mean + d_mean) + c1, bound=c1)
        structures = safe_divide(d_variance, 0.5 * (s_variance + d_variance) + c2, bound=c2)
        return means, structures


@register
class SSIM(SimilarityLoss):
    """One minus the structural similarity: 1 - mean of (2·μ_y·μ_ŷ + c1)/(μ_y² + μ_ŷ² + c1)·cs.

    cs = (2·cov + c2)/(var_y + var_ŷ + c2). Means, variances and the covariance are those of
    Gaussian windows that lie inside the picture, channel by channel. Between 0 and 2. It sees
    blur and loss of contrast that squared errors hardly notice, and does not mind a small
    shift in brightness: usually added to an error of pixels,
    `0.84 * MultiScaleSSIM() + 0.16 * MeanAbsoluteError()` (Zhao et al. 2017).

    Args:
        max_value: the range of values L, such as 1 or 255; > 0.
        filter_size: the side of a window, in positions; an integer >= 1.
        filter_sigma: the standard deviation of its Gaussian, in positions; > 0.
        k1: c1 = (k1·L)², which steadies dark windows; > 0.
        k2: c2 = (k2·L)², which steadies flat windows; > 0.

    | elsewhere | here |
    |---|---|
    | `1 - tf.image.ssim(y, ŷ, L, …)`, `1 - keras.ops.image.ssim(…)` (Keras 3.15) | `SSIM(L, …)` |
    | pytorch-msssim `1 - ssim(…)`, piq `SSIMLoss` without its downsampling | `SSIM(L, …)` |
    | MONAI `SSIMLoss(spatial_dims, L)` | `SSIM(L)`, 2-D and 3-D alike |

    Windows are slid along one axis after the other: time in proportion to the picture and to
    `filter_size`, memory to the picture. Call with `(B, H, W, C)` or `(B, D, H, W, C)`;
    values `(B,)`. Weights of positions, and masks, weigh a window by the least of its
    positions.

    Raises:
        ValueError: for options out of range, or pictures smaller than a window.

    Example:

    >>> import keras_losskit, numpy as np
    >>> y = np.zeros((1, 11, 11, 1)) + 0.5
    >>> loss = keras_losskit.SSIM(k1=0.1)
    >>> round(float(loss(y, y + 0.5)), 4)    # 1 - (2·0.5·1 + 0.01)/(0.25 + 1 + 0.01)
    0.1984

    Reference: Z. Wang et al., *Image Quality Assessment: From Error Visibility to Structural
    Similarity* (2004), https://doi.org/10.1109/TIP.2003.819861
    """

    def of_sample(self, y_true, y_pred, weights):
        means, structures = self.unlike(y_pred + y_true, y_pred - y_true)
        windows = span(weights, self.filter_size, spatial(y_pred))
        return mean_over(both(means, structures), windows)


def both(a, b):
    """1 - (1 - a)(1 - b)."""
    return a + b - a * b


@register
class MultiScaleSSIM(SimilarityLoss):
    """One minus SSIM over scales: 1 - Π_{j<M} cs_j^{w_j}·ssim_M^{w_M}, each first cut off at 0.

    Contrast and structure cs are compared at every scale, brightness at the coarsest alone;
    from scale to scale two by two positions are averaged, of an odd side the last line
    counting twice. The product is taken per channel, then the mean over channels. Between 0
    and 1; where a whole scale of a channel correlates negatively the loss is 1 and its
    gradient 0. Less bound to one viewing distance than `SSIM`.

    Args:
        max_value, filter_size, filter_sigma, k1, k2: as in `SSIM`.
        weights: the exponents w, from the finest scale to the coarsest; each >= 0.

    | elsewhere | here |
    |---|---|
    | `1 - tf.image.ssim_multiscale(y, ŷ, L)` | `MultiScaleSSIM(L)` |
    | pytorch-msssim `1 - ms_ssim(…)` | the same for sides that are powers of 2 times the last |

    Call with `(B, H, W, C)` or `(B, D, H, W, C)`; values `(B,)`. With M weights each side must
    be at least (filter_size - 1)·2^(M - 1) + 1, by default 161. Time and memory are those of
    `SSIM` times 4/3, of volumes 8/7.

    Raises:
        ValueError: for options out of range, or sides too small for the coarsest scale.

    Example:

    >>> import keras_losskit, numpy as np
    >>> y = np.zeros((1, 12, 12, 1)) + 0.5
    >>> loss = keras_losskit.MultiScaleSSIM(filter_size=5, k1=0.1, weights=(0.5, 0.5))
    >>> round(float(loss(y, y + 0.5)), 4)    # 1 - √(1.01/1.26)
    0.1047

    Reference: Z. Wang, E. P. Simoncelli, A. C. Bovik, *Multiscale Structural Similarity for
    Image Quality Assessment* (2003), https://doi.org/10.1109/ACSSC.2003.1292216
    """

    def __init__(
        self,
        max_value=1.0,
        filter_size=11,
        filter_sigma=1.5,
        k1=0.01,
        k2=0.03,
        weights=(0.0448, 0.2856, 0.3001, 0.2363, 0.1333),
        **common,
    ):
        super().__init__(max_value, filter_size, filter_sigma, k1, k2, **common)
        self.weights = checks.sequence(self, "weights", weights, at_least=0)

    @property
    def least_size(self):
        return (self.filter_size - 1) * 2 ** (len(self.weights) - 1) + 1

    def of_sample(self, y_true, y_pred, weights):
        axes = spatial(y_pred)
        s, d = y_pred + y_true, y_pred - y_true
        gone, logarithm = False, 0
        for scale, exponent in enumerate(self.weights):
            if scale:
                s, d = halved(s, axes), halved(d, axes)
                weights = coarser(weights, axes)
            means, unlike = self.unlike(s, d)
            if scale == len(self.weights) - 1:
                unlike = both(means, unlike)
            off = mean_per_channel(unlike, span(weights, self.filter_size, axes))
            if not exponent:
                continue
            below = off >= 1  # Of similarities below 0, and of 0, the product is 0.
            gone = ops.logical_or(gone, below)
            logarithm = logarithm + exponent * ops.log1p(-ops.where(below, 0, off))
        per_channel = ops.where(gone, 1, -expm1(logarithm)) if gone is not False else 0 * off
        return mean(per_channel)

