"""The general robust loss."""

import math

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.elementwise import IncompleteLoss
from keras_losskit.core.loss import register


@register
class Barron(IncompleteLoss):
    """General robust loss: (|a - 2|/a)·((x²/|a - 2| + 1)^(a/2) - 1), x = d/c.

    The robust losses as one family, so that how far outliers are to be trusted is one
    number to tune: a = 2 is x²/2, 1 Charbonnier's, 0 Cauchy's log(1 + x²/2), -2
    Geman-McClure's, -∞ Welsch's 1 - exp(-x²/2); these limits are exact.

    Args:
        alpha: a, any number, or -infinity (also as `"-inf"`, which is how
            a config spells it); the smaller, the less outliers pull.
        scale: c, in units of `y_true`; > 0.
        missing: as in `MeanSquaredError`.

    Call with `(B, …, D)`; values `(B, …)`, the mean over the last axis.

    Raises:
        ValueError: for `alpha` NaN or +infinity, `scale` <= 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> float(keras_losskit.Barron(alpha=2.0)([[0.0]], [[2.0]]))    # 2²/2
    2.0
    >>> round(float(keras_losskit.Barron(alpha=1.0)([[0.0]], [[2.0]])), 4)    # √5 - 1
    1.2361

    Reference: J. T. Barron, *A General and Adaptive Robust Loss Function* (2019),
    https://arxiv.org/abs/1701.03077
    """

    def __init__(self, alpha=1.0, scale=1.0, **common):
        super().__init__(**common)
        endless = isinstance(alpha, (str, float)) and str(alpha) == "-inf"
        self.alpha = "-inf" if endless else checks.real(self, "alpha", alpha)
        self.scale = checks.real(self, "scale", scale, above=0)

    def each(self, y_true, y_pred):
        a, squared = self.alpha, ops.square((y_pred - y_true) / self.scale)
        return _robust(float(a), squared)


def _robust(a, squared):
    """The loss of x²; within 1e-12 of a limit its formula is that limit's."""
    if a == -math.inf:
        return -ops.expm1(-0.5 * squared)
    if abs(a) < 1e-12:
        return ops.log1p(0.5 * squared)
    b = abs(a - 2)
    if b < 1e-12:
        return 0.5 * squared
    # expm1 and log1p, so that nothing cancels for small x or near a = 0.
    return (b / a) * ops.expm1((0.5 * a) * ops.log1p(squared / b))
