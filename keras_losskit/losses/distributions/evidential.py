"""A distribution over the parameters of a normal one."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.kernels import absolute
from keras_losskit.core.loss import register
from keras_losskit.losses.distributions.base import DistributionLoss
from keras_losskit.losses.distributions.families import NormalInverseGamma
from keras_losskit.losses.distributions.heavy_tails import student_t


@register
class EvidentialRegression(DistributionLoss):
    """Evidential regression: Student's t likelihood, plus w·|y - γ|·(2ν + α).

    A regression that tells two doubts apart: the noise of the targets, whose variance is
    β/(α - 1), and what the model does not know of their mean, whose variance is
    β/(ν(α - 1)).

    For that it predicts a distribution over mean and variance, a normal-inverse-gamma one
    of parameters γ, ν, α and β, so that a target follows Student's t with 2α degrees of
    freedom, location γ and scale² β(1 + ν)/(να): the first term is its likelihood. The
    evidence for a prediction is 2ν + α; the second term takes it away where the prediction
    is wrong. `StudentTNLL` has the first term alone.

    Args:
        link, minimum: as in `GaussianNLL`; for ν, α - 1 and β.
        weight: w, of the second term; >= 0.
        missing: as in `MeanSquaredError`.

    | elsewhere | here |
    |---|---|
    | Amini's `evidential_regression(y, [γ, ν, α, β], w)`, whose w is 1 by default | \
`EvidentialRegression("identity", weight=w)` on `[γ, ν, α - 1, β]` |

    Call with `y_true (B, …, K)` and `y_pred (B, …, 4K)`: all γ, all ν, all α - 1, all β.
    Values `(B, …)`, the mean over K.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.EvidentialRegression(link="identity", weight=0.5)
    >>> y_pred = [[0.0, 1.0, 1.0, 1.0]]    # γ = 0, ν = 1, α = 2, β = 1
    >>> round(float(loss([[0.0]], y_pred)), 4)    # -log of t₄(0)/1, whose scale is 1
    0.9808
    >>> round(float(loss([[2.0]], y_pred)), 4)    # 0.9808 + 2.5·log 2, and 0.5·2·(2 + 2)
    6.7137

    Reference: A. Amini et al., *Deep Evidential Regression* (2020),
    https://arxiv.org/abs/1910.02600
    """

    blocks = 4
    family = NormalInverseGamma

    def __init__(self, link="softplus", minimum=1e-6, weight=0.01, **common):
        super().__init__(link, minimum, **common)
        self.weight = checks.real(self, "weight", weight, at_least=0)

    def parameters(self, location, *raw):
        v, a, b = (self.positive(x) for x in raw)
        return location, v, 1 + a, b

    def each(self, y_true, *raw):
        location, v, a, b = self.parameters(*raw)
        off = y_true - location
        u = off / (ops.sqrt(2 * b) * ops.sqrt(1 + 1 / v))  # (y - γ)/s over √(2α).
        log_scale = 0.5 * (ops.log(b) - ops.log(a) + ops.log1p(1 / v))
        return student_t(log_scale, u, 2 * a) + self.weight * absolute(off) * (2 * v + a)
