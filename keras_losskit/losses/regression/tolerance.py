"""Errors within a tolerance cost nothing."""


from keras_losskit.core import checks
from keras_losskit.core.elementwise import IncompleteLoss
from keras_losskit.core.kernels import absolute, at_least
from keras_losskit.core.loss import register


@register
class EpsilonInsensitive(IncompleteLoss):
    """Epsilon-insensitive loss: max(|d| - epsilon, 0), d = y_pred - y_true.

    The loss of support vector regression; no gradient within the tolerance.

    Args:
        epsilon: the tolerance, in units of `y_true`; >= 0.
        missing: as in `MeanSquaredError`.

    Call with `(B, …, D)`; values `(B, …)`, the mean over the last axis.

    Raises:
        ValueError: for `epsilon` < 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.EpsilonInsensitive(epsilon=1.0)
    >>> float(loss([[0.0, 0.0]], [[0.5, 3.0]]))    # (0 + 2)/2
    1.0

    Reference: V. Vapnik, *The Nature of Statistical Learning Theory* (1995),
    https://doi.org/10.1007/978-1-4757-2440-0
    """

    def __init__(self, epsilon=0.1, **common):
        super().__init__(**common)
        self.epsilon = checks.real(self, "epsilon", epsilon, at_least=0)

    def each(self, y_true, y_pred):
        return at_least(absolute(y_pred - y_true) - self.epsilon, 0)
