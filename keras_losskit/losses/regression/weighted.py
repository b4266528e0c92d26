"""Squared and absolute errors that count some elements more than others."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.elementwise import IncompleteLoss
from keras_losskit.core.kernels import absolute
from keras_losskit.core.loss import register


@register
class DeadZoneAbsoluteError(IncompleteLoss):
    """Absolute error outside a dead zone: |d| where |d| > threshold, else 0.

    Errors within the tolerance cost nothing; beyond it they cost all of |d|, so
    the value jumps at the threshold (for a continuous form see
    `EpsilonInsensitive`). The gradient inside the zone is 0.

    Args:
        threshold: half the width of the zone, in units of `y_true`; >= 0.
        missing: as in `MeanSquaredError`.

    Call with `(B, …, D)`; values `(B, …)`, the mean over the last axis.

    Raises:
        ValueError: for `threshold` < 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.DeadZoneAbsoluteError(threshold=0.5)
    >>> float(loss([[0.0, 0.0]], [[0.5, 3.0]]))    # (0 + 3)/2
    1.5

    Reference: compare the continuous form in V. Vapnik, *The Nature of
    Statistical Learning Theory* (1995), https://doi.org/10.1007/978-1-4757-2440-0
    """

    def __init__(self, threshold=0.5, **common):
        super().__init__(**common)
        self.threshold = checks.real(self, "threshold", threshold, at_least=0)

    def each(self, y_true, y_pred):
        d = absolute(y_pred - y_true)
        return ops.where(d <= self.threshold, 0, d)


@register
class RangeWeightedSquaredError(IncompleteLoss):
    """Squared error that costs more where the prediction leaves a range.

    w·d², w = outside_weight where y_pred < low or y_pred > high, else 1. No
    gradient flows through w.

    Args:
        low: where the range begins, in units of `y_pred`; any number.
        high: where it ends; >= `low`.
        outside_weight: the factor outside; >= 0.
        missing: as in `MeanSquaredError`.

    Call with `(B, …, D)`; values `(B, …)`, the mean over the last axis.

    Raises:
        ValueError: for low > high, a negative weight, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.RangeWeightedSquaredError(0.2, 0.8, outside_weight=3.0)
    >>> float(loss([[0.0, 0.0]], [[0.5, 1.0]]))    # (1·0.25 + 3·1)/2
    1.625

    Reference: compare weighted least squares, A. C. Aitken, *On Least Squares and
    Linear Combination of Observations* (1935), https://doi.org/10.1017/S0370164600014346
    """

    def __init__(self, low=0.2, high=0.8, outside_weight=3.0, **common):
        super().__init__(**common)
        self.low = checks.real(self, "low", low)
        self.high = checks.real(self, "high", high, at_least=self.low)
        self.outside_weight = checks.real(
            self, "outside_weight", outside_weight, at_least=0
        )

    def each(self, y_true, y_pred):
        squared = ops.square(y_pred - y_true)
        outside = ops.logical_or(y_pred < self.low, y_pred > self.high)
        return ops.where(outside, self.outside_weight * squared, squared)


@register
class ChannelWeightedSquaredError(IncompleteLoss):
    """Squared error with a weight for each output channel: mean over D of w·d².

    The mean divides by the number of channels, not by the sum of the weights,
    so doubling every weight doubles the loss.

    Args:
        weights: one weight >= 0 for each entry of the last axis.
        missing: as in `MeanSquaredError`.

    Call with `(B, …, D)`; values `(B, …)`, the mean over the last axis.

    Raises:
        ValueError: for weights that are negative, all zero, or not D in number.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.ChannelWeightedSquaredError([1.0, 2.0, 0.5])
    >>> round(float(loss([[0.0, 0.0, 0.0]], [[1.0, 1.0, 2.0]])), 4)    # (1 + 2 + 2)/3
    1.6667

    Reference: A. C. Aitken, *On Least Squares and Linear Combination of Observations*
    (1935), https://doi.org/10.1017/S0370164600014346
    """

    def __init__(self, weights, **common):
        super().__init__(**common)
        if weights is None:
            raise TypeError(
                "ChannelWeightedSquaredError: `weights` must be a flat sequence of "
                "numbers. Received: weights=None"
            )
        self.weights = checks.weights(self, "weights", weights)

    def call(self, y_true, y_pred):
        checks.fits_axis(self, "weights", self.weights, y_pred.shape[-1])
        if len(y_pred.shape) < 2:
            raise ValueError(
                f"{self.name}: y_pred of shape {tuple(y_pred.shape)} has no channel "
                "axis; it must be (B, …, D)."
            )
        return super().call(y_true, y_pred)

    def each(self, y_true, y_pred):
        w = ops.convert_to_tensor(self.weights, dtype=y_pred.dtype)
        return w * ops.square(y_pred - y_true)
