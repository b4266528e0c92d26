"""Negative log-likelihoods of counts and of positive targets."""

import keras
from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.backend import with_gradient
from keras_losskit.core.elementwise import IncompleteLoss
from keras_losskit.core.kernels import at_least, at_most
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import safe_log
from keras_losskit.core.takes import Takes


@register
class Poisson(IncompleteLoss):
    """Poisson loss: y_pred - y_true·log(y_pred + epsilon).

    For counts; `y_pred` is the rate, >= 0. `epsilon` is `keras.config.epsilon()`.
    Below 0 the logarithm goes on along its tangent, so that value and gradient stay
    finite (Keras' are NaN).

    Args:
        log_rate: whether `y_pred` holds the rate's logarithm z, any number: then
            exp(z) - y_true·z, the exponential going on along its tangent above z = 80.
        missing: as in `MeanSquaredError`.

    Call with `(B, …, D)`; values `(B, …)`, the mean over the last axis.

    Raises:
        ValueError: for `missing` of another kind, or where the shapes differ by more
            than a trailing axis of 1.

    Example:

    >>> import keras_losskit
    >>> float(keras_losskit.Poisson()([[0.0, 0.0]], [[1.0, 3.0]]))
    2.0
    >>> float(keras_losskit.Poisson(log_rate=True)([[0.0]], [[0.0]]))    # exp(0)
    1.0

    Reference: J. A. Nelder, R. W. M. Wedderburn, *Generalized Linear Models* (1972),
    https://doi.org/10.2307/2344614
    """

    takes = Takes("counts", "nonnegative")

    def __init__(self, log_rate=False, **common):
        super().__init__(**common)
        self.log_rate = checks.flag(self, "log_rate", log_rate)
        if self.log_rate:
            self.takes = Takes("counts", "parameters")

    def each(self, y_true, y_pred):
        if self.log_rate:
            return _of_log_rate(y_true, y_pred)
        eps = keras.config.epsilon()

        def value(y, p):
            return p - y * safe_log(p + eps)

        def gradient(up, y, p):
            return -up * safe_log(p + eps), up * (1 - y / at_least(p + eps, eps))

        return with_gradient(value, gradient, y_true, y_pred, symmetric=True)


def _of_log_rate(y, z):
    """exp(z) - y·z; from exp(80) on, which float32 still holds, along the tangent."""

    def value(y, z):
        held = at_most(z, 80)
        return ops.exp(held) * (1 + (z - held)) - y * z

    def gradient(up, y, z):
        return -up * z, up * (ops.exp(at_most(z, 80)) - y)

    return with_gradient(value, gradient, y, z, symmetric=True)


@register
class Tweedie(IncompleteLoss):
    """Tweedie loss: -y·ŷ^(1-p)/(1-p) + ŷ^(2-p)/(2-p), y the target, ŷ `y_pred`.

    For targets >= 0 with many zeros (claims, rain); ŷ is the mean, > 0. Below
    `keras.config.epsilon()` the first term goes on along its tangent and the second
    stays as it is.

    Args:
        power: p, near 1 Poisson's, near 2 the gamma's; 1 < p < 2.
        missing: as in `MeanSquaredError`.

    Call with `(B, …, D)`; values `(B, …)`, the mean over the last axis.

    Raises:
        ValueError: for `power` outside (1, 2), or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> float(keras_losskit.Tweedie(power=1.5)([[1.0]], [[4.0]]))    # 2/2 + 2·2
    5.0

    Reference: B. Jørgensen, *Exponential Dispersion Models* (1987),
    https://doi.org/10.1111/j.2517-6161.1987.tb01685.x
    """

    takes = Takes("nonnegative", "positive")

    def __init__(self, power=1.5, **common):
        super().__init__(**common)
        self.power = checks.real(self, "power", power, above=1, below=2)

    def each(self, y_true, y_pred):
        p, above = self.power, at_least(y_pred, keras.config.epsilon())
        log = ops.log(above)  # `ops.power` would round p to float32.
        # The tangent: y_pred - above is 0, with zero slope, where the formula holds.
        pull = ops.exp((1 - p) * log) / (p - 1) - ops.exp(-p * log) * (y_pred - above)
        return y_true * pull + ops.exp((2 - p) * log) / (2 - p)


@register
class GammaDeviance(IncompleteLoss):
    """Gamma deviance: 2·(log(ŷ/y) + y/ŷ - 1), y the target, ŷ `y_pred`.

    For targets > 0 whose spread grows with their size. Targets are held at or above
    `keras.config.epsilon()`; predictions below it go on along the tangent.

    Args:
        missing: as in `MeanSquaredError`.

    Call with `(B, …, D)`; values `(B, …)`, the mean over the last axis.

    Raises:
        ValueError: for `missing` of another kind, or where the shapes differ by more
            than a trailing axis of 1.

    Example:

    >>> import keras_losskit
    >>> round(float(keras_losskit.GammaDeviance()([[1.0]], [[2.0]])), 4)    # 2·(log 2 - 0.5)
    0.3863

    Reference: P. McCullagh, J. A. Nelder, *Generalized Linear Models* (1989),
    https://doi.org/10.1201/9780203753736
    """

    takes = Takes("positive", "positive")

    def each(self, y_true, y_pred):
        return with_gradient(_gamma_deviance, _gamma_slopes, y_true, y_pred)


def _excess(y_true, y_pred):
    """y and p held at eps, where 0 against 0 (a masked pair) is a hit, and u = (y - p)/p."""
    eps = keras.config.epsilon()
    y, p = at_least(y_true, eps), at_least(y_pred, eps)
    return y, p, (y - p) / p


def _gamma_deviance(y_true, y_pred):
    y, p, u = _excess(y_true, y_pred)
    # u - log(1 + u): near a hit the difference of two logarithms would round.
    near = ops.abs(u) < 0.5
    log_ratio = ops.where(near, ops.log1p(ops.where(near, u, 0)), ops.log(y) - ops.log(p))
    return 2 * (u - log_ratio - u / p * (y_pred - p))


def _gamma_slopes(up, y_true, y_pred):
    y, p, u = _excess(y_true, y_pred)
    by_true = ops.where(y_true < y, 0, u / y - (y_pred - p) / (p * p))
    return 2 * up * by_true, -2 * up * (u / p)
