"""Errors relative to the size of the target, or between logarithms."""

import keras
from keras import ops

from keras_losskit.core.elementwise import IncompleteLoss
from keras_losskit.core.kernels import absolute, at_least
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import safe_divide
from keras_losskit.core.takes import Takes


@register
class MeanAbsolutePercentageError(IncompleteLoss):
    """Mean absolute percentage error: 100·|d|/max(|y_true|, epsilon).

    Errors count relative to the target. `epsilon` is `keras.config.epsilon()`:
    targets of 0 give huge values, as in Keras.

    Args:
        missing: as in `MeanSquaredError`.

    Call with `(B, …, D)`; values `(B, …)`, the mean over the last axis.

    Raises:
        ValueError: for `missing` of another kind, or where the shapes differ by more
            than a trailing axis of 1.

    Example:

    >>> import keras_losskit
    >>> float(keras_losskit.MeanAbsolutePercentageError()([[2.0, 4.0]], [[1.0, 5.0]]))
    37.5

    Reference: S. Makridakis, *Accuracy measures: theoretical and practical concerns*
    (1993), https://doi.org/10.1016/0169-2070(93)90079-3
    """

    def each(self, y_true, y_pred):
        size = at_least(absolute(y_true), keras.config.epsilon())
        return absolute(y_pred - y_true) / size

    def call(self, y_true, y_pred):
        return 100 * super().call(y_true, y_pred)


@register
class MeanSquaredLogarithmicError(IncompleteLoss):
    """Mean squared logarithmic error: (log(1 + y_pred) - log(1 + y_true))².

    For targets >= 0 that span magnitudes. As in Keras both are held at or above
    `keras.config.epsilon()`; below it there is no gradient.

    Args:
        missing: as in `MeanSquaredError`.

    Call with `(B, …, D)`; values `(B, …)`, the mean over the last axis.

    Raises:
        ValueError: for `missing` of another kind, or where the shapes differ by more
            than a trailing axis of 1.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.MeanSquaredLogarithmicError()
    >>> round(float(loss([[0.0]], [[1.0]])), 4)    # log² 2
    0.4805

    Reference: L. Törnqvist, P. Vartia, Y. Vartia, *How Should Relative Changes Be
    Measured?* (1985), https://doi.org/10.1080/00031305.1985.10479385
    """

    takes = Takes("nonnegative", "nonnegative")

    def each(self, y_true, y_pred):
        eps = keras.config.epsilon()
        # One logarithm, of the ratio, where the difference of two is as exact.
        return ops.square(ops.log((at_least(y_pred, eps) + 1) / (at_least(y_true, eps) + 1)))


@register
class SymmetricMeanAbsolutePercentageError(IncompleteLoss):
    """Symmetric percentage error: 200·|d|/(|y_true| + |y_pred|), 0/0 = 0.

    Between 0 and 200. Where either is 0, or the signs differ, the value is 200 and
    the gradient is 0.

    Args:
        missing: as in `MeanSquaredError`.

    Call with `(B, …, D)`; values `(B, …)`, the mean over the last axis.

    Raises:
        ValueError: for `missing` of another kind, or where the shapes differ by more
            than a trailing axis of 1.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.SymmetricMeanAbsolutePercentageError()
    >>> float(loss([[0.0, 1.0]], [[0.0, 3.0]]))    # (0 + 200·2/4)/2
    50.0

    Reference: S. Makridakis, *Accuracy measures: theoretical and practical concerns*
    (1993), https://doi.org/10.1016/0169-2070(93)90079-3
    """

    def each(self, y_true, y_pred):
        size = absolute(y_true) + absolute(y_pred)
        return safe_divide(absolute(y_pred - y_true), size)

    def call(self, y_true, y_pred):
        return 200 * super().call(y_true, y_pred)
