"""Depth errors that forgive a wrong overall scale."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.loss import Loss, register
from keras_losskit.core.numerics import safe_divide, safe_log, safe_sqrt
from keras_losskit.core.reduction import fill
from keras_losskit.core.takes import Takes


@register
class ScaleInvariantLog(Loss):
    """Scale-invariant log error: √(mean h² - λ·(mean h)²), h = log(ŷ/y).

    For depth > 0: with λ = 1 a common factor costs nothing. Below
    `keras.config.epsilon()` the logarithms go on along their tangent. The gradient
    where the value is 0 is 0.

    | elsewhere | here |
    |---|---|
    | Eigen 2014, without the root | the square of a sample's value |

    Args:
        variance_weight: λ, how much of the common factor is forgiven; 0 <= λ <= 1.

    Call with `(B, …)`; values `(B,)`, over all other axes, masked positions left out.

    Raises:
        ValueError: for λ outside [0, 1], or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.ScaleInvariantLog(variance_weight=1.0)
    >>> float(loss([[1.0, 1.0]], [[2.0, 2.0]]))
    0.0

    Reference: D. Eigen, C. Puhrsch, R. Fergus, *Depth Map Prediction from a Single Image
    using a Multi-Scale Deep Network* (2014), https://arxiv.org/abs/1406.2283
    """

    takes = Takes("positive", "positive")

    def __init__(self, variance_weight=0.5, **common):
        super().__init__(**common)
        self.variance_weight = checks.real(
            self, "variance_weight", variance_weight, at_least=0, at_most=1
        )

    def call(self, y_true, y_pred, mask=None):
        h = safe_log(y_pred) - safe_log(y_true)
        there = fill(ops.ones_like(h), mask)
        axes = tuple(range(1, len(h.shape)))
        count = _sum(there, axes)
        mean = safe_divide(_sum(h * there, axes), count)
        # The spread plus (1 - λ)·mean²: the same, but never below 0 by rounding.
        spread = safe_divide(_sum(ops.square(h - mean) * there, axes), count)
        total = spread + (1 - self.variance_weight) * ops.square(mean)
        return ops.reshape(safe_sqrt(total), (-1,))


def _sum(x, axes):
    return ops.sum(x, axis=axes, keepdims=True) if axes else x
