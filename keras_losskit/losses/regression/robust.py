"""Losses that bound, or nearly bound, the pull of outliers."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.backend import with_gradient
from keras_losskit.core.elementwise import IncompleteLoss
from keras_losskit.core.kernels import at_least, at_most, exp
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import safe_sqrt


@register
class Charbonnier(IncompleteLoss):
    """Charbonnier loss: √(d² + epsilon²) - epsilon, d = y_pred - y_true.

    An absolute error that is smooth at 0; popular for image restoration.

    Args:
        epsilon: the |d| about which it turns linear, in units of `y_true`; > 0.
        missing: as in `MeanSquaredError`.

    Call with `(B, …, D)`; values `(B, …)`, the mean over the last axis.

    Raises:
        ValueError: for `epsilon` <= 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> float(keras_losskit.Charbonnier(epsilon=3.0)([[0.0]], [[4.0]]))    # 5 - 3
    2.0

    Reference: P. Charbonnier et al., *Two deterministic half-quadratic regularization
    algorithms for computed imaging* (1994), https://doi.org/10.1109/ICIP.1994.413553
    """

    def __init__(self, epsilon=1e-3, **common):
        super().__init__(**common)
        self.epsilon = checks.real(self, "epsilon", epsilon, above=0)

    def each(self, y_true, y_pred):
        squared, eps = ops.square(y_pred - y_true), self.epsilon
        # The difference of two near numbers, multiplied out.
        return squared / (safe_sqrt(squared + eps * eps) + eps)


class _Scaled(IncompleteLoss):
    """Base of losses of u = d/c, c a scale in the units of `y_true`.

    A subclass writes `of(u)` and its slope, `by(u)`; beyond 1e18 u is held there, so that
    no square is infinite.
    """

    def __init__(self, scale=1.0, **common):
        super().__init__(**common)
        self.scale = checks.real(self, "scale", scale, above=0)

    def each(self, y_true, y_pred):
        def gradient(up, u):
            return up * self.by(_held(u))

        u = (y_pred - y_true) / self.scale
        return with_gradient(lambda u: self.of(_held(u)), gradient, u, symmetric=True)

    def of(self, u):
        """The value at u."""
        raise NotImplementedError

    def by(self, u):
        """The slope by u."""
        raise NotImplementedError


def _held(u):
    return at_most(at_least(u, -1e18), 1e18)


@register
class Cauchy(_Scaled):
    """Cauchy (Lorentzian) loss: log(1 + (d/c)²/2), d = y_pred - y_true.

    Grows with the logarithm of the error; the pull of an outlier falls as 1/|d|.

    Args:
        scale: c, in units of `y_true`; > 0.
        missing: as in `MeanSquaredError`.

    Call with `(B, …, D)`; values `(B, …)`, the mean over the last axis.

    Raises:
        ValueError: for `scale` <= 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> round(float(keras_losskit.Cauchy()([[0.0]], [[2.0]])), 4)    # log 3
    1.0986

    Reference: M. J. Black, P. Anandan, *The Robust Estimation of Multiple Motions*
    (1996), https://doi.org/10.1006/cviu.1996.0006
    """

    def of(self, u):
        return ops.log1p(0.5 * ops.square(u))

    def by(self, u):
        return u / (1 + 0.5 * ops.square(u))


@register
class GemanMcClure(_Scaled):
    """Geman-McClure loss: 2(d/c)²/((d/c)² + 4), d = y_pred - y_true.

    Between 0 and 2: outliers hardly pull.

    Args:
        scale: c, in units of `y_true`; > 0.
        missing: as in `MeanSquaredError`.

    Call with `(B, …, D)`; values `(B, …)`, the mean over the last axis.

    Raises:
        ValueError: for `scale` <= 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> float(keras_losskit.GemanMcClure()([[0.0]], [[2.0]]))    # 2·4/(4 + 4)
    1.0

    Reference: S. Geman, D. E. McClure, *Bayesian image analysis* (1985); in the scaling of
    J. T. Barron (2019), https://arxiv.org/abs/1701.03077
    """

    def of(self, u):
        x = ops.square(u)
        return 2 * x / (x + 4)

    def by(self, u):
        x = ops.square(u) + 4
        return 16 * u / x / x  # The square of x would overflow.


@register
class Welsch(_Scaled):
    """Welsch (Leclerc) loss: 1 - exp(-(d/c)²/2), d = y_pred - y_true.

    Between 0 and 1: beyond a few c an error no longer pulls.

    Args:
        scale: c, in units of `y_true`; > 0.
        missing: as in `MeanSquaredError`.

    | elsewhere | here |
    |---|---|
    | Dennis and Welsch, k²/2·(1 - exp(-(d/k)²)) with k = 2.985 | `k**2 / 2 * Welsch(k / 2**0.5)` |

    Call with `(B, …, D)`; values `(B, …)`, the mean over the last axis.

    Raises:
        ValueError: for `scale` <= 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> round(float(keras_losskit.Welsch()([[0.0]], [[2.0]])), 4)    # 1 - exp(-2)
    0.8647

    Reference: J. E. Dennis, R. E. Welsch, *Techniques for nonlinear least squares and
    robust regression* (1978), https://doi.org/10.1080/03610917808812083
    """

    def of(self, u):
        return -ops.expm1(-0.5 * ops.square(u))

    def by(self, u):
        return u * exp(-0.5 * ops.square(u))


@register
class TukeyBiweight(IncompleteLoss):
    """Tukey's biweight: c²/6·(1 - (1 - (d/c)²)³) where |d| <= c, else c²/6.

    Squared near zero; beyond c an error no longer pulls at all.

    Args:
        threshold: c, in units of `y_true`; > 0.
        missing: as in `MeanSquaredError`.

    Call with `(B, …, D)`; values `(B, …)`, the mean over the last axis.

    Raises:
        ValueError: for `threshold` <= 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.TukeyBiweight(threshold=6.0)
    >>> float(loss([[0.0, 0.0]], [[6.0, 9.0]]))    # 36/6
    6.0

    Reference: A. E. Beaton, J. W. Tukey, *The Fitting of Power Series* (1974),
    https://doi.org/10.1080/00401706.1974.10489171
    """

    def __init__(self, threshold=4.685, **common):
        super().__init__(**common)
        self.threshold = checks.real(self, "threshold", threshold, above=0)

    def each(self, y_true, y_pred):
        c = self.threshold
        u = at_most(ops.square((y_pred - y_true) / c), 1)
        # 1 - (1 - u)³, multiplied out: exact near 0.
        return c * c / 6 * u * (3 - 3 * u + u * u)
