"""The root of the mean squared error."""

from keras import ops

from keras_losskit.core.elementwise import ElementwiseLoss
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import safe_sqrt


@register
class RootMeanSquaredError(ElementwiseLoss):
    """Root mean squared error: √(mean over the last axis of d²), d = y_pred - y_true.

    In the units of `y_true`: every row pulls with the same force, however far off
    it is. The gradient where all d are 0 is 0.

    Call with `(B, …, D)`; values `(B, …)`, the root of the mean over the last axis.
    `(B,)` gives |d| per sample.

    Raises:
        ValueError: where the shapes differ by more than a trailing axis of 1.

    Example:

    >>> import keras_losskit
    >>> float(keras_losskit.RootMeanSquaredError()([[0.0, 0.0]], [[1.0, 7.0]]))    # √25
    5.0

    Reference: C. F. Gauss, *Theoria motus corporum coelestium* (1809),
    https://archive.org/details/theoriamotuscor00gausgoog
    """

    def each(self, y_true, y_pred):
        return ops.square(y_pred - y_true)

    def call(self, y_true, y_pred):
        return safe_sqrt(super().call(y_true, y_pred))
