"""Losses that join the squared and the absolute error smoothly."""

from keras import ops

from keras_losskit.core import checks, kernels
from keras_losskit.core.backend import with_gradient
from keras_losskit.core.elementwise import IncompleteLoss
from keras_losskit.core.kernels import absolute, at_least
from keras_losskit.core.loss import register


@register
class Huber(IncompleteLoss):
    """Huber's loss: d²/2 where |d| <= delta, else delta·|d| - delta²/2.

    Squared near zero, linear in the tails: outliers pull with a bounded force.

    Args:
        delta: the |d| at which the square ends, in units of `y_true`; > 0.
        missing: as in `MeanSquaredError`.

    Call with `(B, …, D)`; values `(B, …)`, the mean over the last axis.

    Raises:
        ValueError: for `delta` <= 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> float(keras_losskit.Huber(delta=1.0)([[0.0, 0.0]], [[1.0, 3.0]]))  # (0.5 + 2.5)/2
    1.5

    Reference: P. J. Huber, *Robust Estimation of a Location Parameter* (1964),
    https://doi.org/10.1214/aoms/1177703732
    """

    def __init__(self, delta=1.0, **common):
        super().__init__(**common)
        self.delta = checks.real(self, "delta", delta, above=0)

    def each(self, y_true, y_pred):
        return kernels.huber(y_true, y_pred, delta=self.delta)

    def mean_of_all(self, y_true, y_pred):
        return kernels.huber.mean(y_true, y_pred, delta=self.delta)


@register
class LogCosh(IncompleteLoss):
    """Logarithm of the hyperbolic cosine: log cosh d, d = y_pred - y_true.

    About d²/2 near zero and |d| - log 2 far out, smooth everywhere, with no
    parameter. Computed as |d| + log((1 + exp(-2|d|))/2), which overflows at no d
    and keeps its digits near 0.

    Args:
        missing: as in `MeanSquaredError`.

    Call with `(B, …, D)`; values `(B, …)`, the mean over the last axis.

    Raises:
        ValueError: for `missing` of another kind, or where the shapes differ by more
            than a trailing axis of 1.

    Example:

    >>> import keras_losskit
    >>> round(float(keras_losskit.LogCosh()([[0.0]], [[1.0]])), 4)    # log cosh 1
    0.4338

    Reference: P. J. Green, *Bayesian reconstructions from emission tomography
    data using a modified EM algorithm* (1990), https://doi.org/10.1109/42.52985
    """

    def each(self, y_true, y_pred):
        return with_gradient(_log_cosh, _log_cosh_slope, y_pred - y_true, eager=True)


def _log_cosh(d):
    d = absolute(d)
    # log((1 + exp(-2d))/2) without the subtraction's rounding: near 0 it is -d + d²/2.
    return d + ops.log1p(0.5 * ops.expm1(-2 * d))


def _log_cosh_slope(up, d):  # On JAX `ops.tanh` would compute in float32.
    return up * ops.tanh(d)


@register
class ReverseHuber(IncompleteLoss):
    """Reverse Huber (berHu): |d| where |d| <= c, else (d² + c²)/(2c).

    Linear near zero, squared in the tails: it keeps a pull on small errors and
    punishes large ones hard. Value and slope are continuous at c. Popular for
    depth estimation.

    Args:
        threshold: c, in units of `y_true`; > 0.
        missing: as in `MeanSquaredError`.

    Call with `(B, …, D)`; values `(B, …)`, the mean over the last axis.

    Raises:
        ValueError: for `threshold` <= 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> float(keras_losskit.ReverseHuber()([[0.0, 0.0]], [[1.0, 3.0]]))  # (1 + 5)/2
    3.0

    Reference: A. B. Owen, *A robust hybrid of lasso and ridge regression*
    (2007), https://artowen.su.domains/reports/hhu.pdf
    """

    def __init__(self, threshold=1.0, **common):
        super().__init__(**common)
        self.threshold = checks.real(self, "threshold", threshold, above=0)

    def each(self, y_true, y_pred):
        d, c = absolute(y_pred - y_true), self.threshold
        # The square in the branch that is not taken may overflow; inf·0 is NaN.
        far = at_least(d, c)
        return ops.where(d <= c, d, (ops.square(far) + c * c) / (2 * c))


@register
class SmoothL1(IncompleteLoss):
    """Smooth L1: d²/(2·beta) where |d| <= beta, else |d| - beta/2.

    `Huber(beta)` divided by beta: slope 1 in the tails whatever beta is. Popular for
    boxes.

    Args:
        beta: the |d| at which the square ends, in units of `y_true`; > 0.
        missing: as in `MeanSquaredError`.

    Call with `(B, …, D)`; values `(B, …)`, the mean over the last axis.

    Raises:
        ValueError: for `beta` <= 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> float(keras_losskit.SmoothL1(beta=2.0)([[0.0, 0.0]], [[2.0, 4.0]]))    # (1 + 3)/2
    2.0

    Reference: R. Girshick, *Fast R-CNN* (2015), https://arxiv.org/abs/1504.08083
    """

    def __init__(self, beta=1.0, **common):
        super().__init__(**common)
        self.beta = checks.real(self, "beta", beta, above=0)

    def each(self, y_true, y_pred):
        return kernels.smooth_l1(y_true, y_pred, beta=self.beta)

    def mean_of_all(self, y_true, y_pred):
        return kernels.smooth_l1.mean(y_true, y_pred, beta=self.beta)
