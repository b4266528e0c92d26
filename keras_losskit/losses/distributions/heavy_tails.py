"""Locations and scales with more room for outliers than the normal distribution has."""

import math

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.kernels import absolute, at_least
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import softplus
from keras_losskit.core.special import HALF_LOG_2PI, log_1p_square, log_rising
from keras_losskit.losses.distributions.base import FAR, DistributionLoss
from keras_losskit.losses.distributions.families import Laplace, StudentT


@register
class LaplaceNLL(DistributionLoss):
    """Laplace negative log-likelihood: log 2s + |y - m|/s.

    To the absolute error what `GaussianNLL` is to the squared one: m is a median, s the
    mean distance from it.

    Args:
        link, minimum: as in `GaussianNLL`.
        missing: as in `MeanSquaredError`.

    | elsewhere | here |
    |---|---|
    | torch, TFP `-Laplace(m, s).log_prob(y)` | `LaplaceNLL("identity")` on `[m, s]` |

    Call with `y_true (B, …, K)` and `y_pred (B, …, 2K)`: all m, then all s. Values
    `(B, …)`, the mean over K.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.LaplaceNLL(link="identity")
    >>> float(loss([[3.0]], [[1.0, 0.5]]))    # log 1 + 2/0.5
    4.0

    Reference: A. Kendall, Y. Gal, *What Uncertainties Do We Need in Bayesian Deep Learning
    for Computer Vision?* (2017), https://arxiv.org/abs/1703.04977
    """

    family = Laplace

    def each(self, y_true, location, raw_scale):
        location, scale = self.parameters(location, raw_scale)
        return math.log(2) + ops.log(scale) + absolute(y_true - location) / scale


def student_t(log_scale, u, degrees_of_freedom):
    """-log of Student's density; u is (y - m)/s over the root of the degrees of freedom."""
    half = 0.5 * degrees_of_freedom
    # Γ(ν/2 + ½)/Γ(ν/2) over √(ν/2), which goes to 1 where either has overflown.
    return (
        HALF_LOG_2PI - log_rising(half, 0.5) + log_scale + (half + 0.5) * log_1p_square(u)
    )


@register
class StudentTNLL(DistributionLoss):
    """Student's t negative log-likelihood, with ν degrees of freedom.

    -log Γ((ν + 1)/2) + log Γ(ν/2) + ½·log πν + log s + (ν + 1)/2·log(1 + ((y - m)/s)²/ν):
    an outlier costs the logarithm of its distance. A learned ν is 2 + softplus of its raw
    output, so that there is a variance; as it grows this becomes `GaussianNLL`.

    Args:
        link, minimum: as in `GaussianNLL`; for s alone.
        degrees_of_freedom: ν, fixed; > 0. `None`: it is learned.
        missing: as in `MeanSquaredError`.

    | elsewhere | here |
    |---|---|
    | GluonTS `StudentTOutput`, raw `[ν, m, s]` | `StudentTNLL()` on `[m, s, ν]` |
    | torch `-StudentT(ν, m, s).log_prob(y)` | \
`StudentTNLL("identity", degrees_of_freedom=ν)` on `[m, s]` |

    Call with `y_true (B, …, K)` and `y_pred (B, …, 3K)`: all m, all s, all ν; without the
    last block where ν is fixed. Values `(B, …)`, the mean over K.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.StudentTNLL(link="identity", degrees_of_freedom=1)
    >>> round(float(loss([[0.0]], [[0.0, 1.0]])), 4)    # Cauchy's: log π
    1.1447

    Reference: K. L. Lange, R. J. A. Little, J. M. G. Taylor, *Robust Statistical Modeling
    Using the t Distribution* (1989), https://doi.org/10.2307/2290063
    """

    family = StudentT

    def __init__(self, link="softplus", minimum=1e-6, degrees_of_freedom=None, **common):
        super().__init__(link, minimum, **common)
        self.degrees_of_freedom = checks.optional_real(
            self, "degrees_of_freedom", degrees_of_freedom, above=0
        )
        self.blocks = 3 if degrees_of_freedom is None else 2

    def parameters(self, location, raw_scale, *raw_degrees):
        scale = self.positive(raw_scale)
        if raw_degrees:
            degrees = 2 + softplus(at_least(raw_degrees[0], -FAR))
        else:
            degrees = ops.full_like(scale, self.degrees_of_freedom)
        return degrees, location, scale

    def each(self, y_true, *raw):
        degrees, location, scale = self.parameters(*raw)
        z = (y_true - location) / scale
        return student_t(ops.log(scale), z / ops.sqrt(degrees), degrees)
