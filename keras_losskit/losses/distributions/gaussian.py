"""The normal distribution, scored by its likelihood."""

import math

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.loss import register
from keras_losskit.core.special import HALF_LOG_2PI
from keras_losskit.losses.distributions.base import DistributionLoss, gaussian


@register
class GaussianNLL(DistributionLoss):
    """Normal negative log-likelihood: ½·log 2π + log s + ½·((y - m)/s)².

    A regression that learns its noise: m is where the squared error's prediction would
    be, s how far off it is. `GaussianCRPS` is less moved by outliers, `StudentTNLL` has a
    tail for them.

    Where s is learned faster than m, regions with a large error are given up as noise.
    β-NLL mends that: it multiplies each value by s^(2β), taken as a constant, so that with
    β = 1 the slope by m is that of half the squared error.

    Values are in nats with every constant included: they may be negative, and those of all
    losses of this family can be compared.

    Args:
        link: how a raw output r becomes positive: `"softplus"`, log(1 + e^r) + `minimum`;
            `"exp"`, e^r + `minimum`; `"identity"`, max(r, `minimum`), for a model that
            gives positive numbers itself. Raw outputs beyond ±80 stand for ±80 with
            `"exp"`, and below -80 for -80 with `"softplus"`.
        minimum: the least that a positive parameter is; > 0, in its own units.
        beta: β; in [0, 1]. 0 is the likelihood, 0.5 the paper's advice.
        missing: as in `MeanSquaredError`.

    | elsewhere | here |
    |---|---|
    | torch `GaussianNLLLoss(full=True)(m, y, v)` | `GaussianNLL("identity")` on `[m, √v]` |
    | torch `GaussianNLLLoss()(m, y, v)` | the same less ½·log 2π |
    | TFP `-tfpl.IndependentNormal(K)(raw).log_prob(y)` | \
`K * GaussianNLL()` of `raw`, but for `minimum` |

    Call with `y_true (B, …, K)` and `y_pred (B, …, 2K)`, raw: all locations m, then all
    scales s, by the link. `y_true (B,)` is one target. Values `(B, …)`, the mean over K.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.GaussianNLL(link="identity")
    >>> round(float(loss([[3.0]], [[1.0, 2.0]])), 4)    # ½·log 2π + log 2 + ½·1²
    2.1121

    References: D. A. Nix, A. S. Weigend, *Estimating the Mean and Variance of the Target
    Probability Distribution* (1994), https://doi.org/10.1109/ICNN.1994.374138; M. Seitzer
    et al., *On the Pitfalls of Heteroscedastic Uncertainty Estimation with Probabilistic
    Neural Networks* (2022), https://arxiv.org/abs/2203.09168
    """

    def __init__(self, link="softplus", minimum=1e-6, beta=0.0, **common):
        super().__init__(link, minimum, **common)
        self.beta = checks.real(self, "beta", beta, at_least=0, at_most=1)

    def each(self, y_true, location, raw_scale):
        location, scale = self.parameters(location, raw_scale)
        if not self.beta:
            return gaussian(y_true, location, scale)
        # s^β, and inside the square: without it the square may overflow.
        factor = ops.stop_gradient(ops.exp(self.beta * ops.log(scale)))
        off = (y_true - location) / scale * factor
        return ops.square(factor) * (HALF_LOG_2PI + ops.log(scale)) + 0.5 * off * off


@register
class GaussianCRPS(DistributionLoss):
    """Continuous ranked probability score of a normal distribution, z = (y - m)/s.

    s·(z·(2Φ(z) - 1) + 2φ(z) - 1/√π): the area between the predicted distribution function
    squared and the step at y. In the units of y, as an absolute error, which it becomes as
    s goes to 0. Trains what `GaussianNLL` trains, is >= 0, and an outlier costs its
    distance, not its square. `EnsembleCRPS` scores samples.

    Args:
        link, minimum: as in `GaussianNLL`.
        missing: as in `MeanSquaredError`.

    | elsewhere | here |
    |---|---|
    | properscoring `crps_gaussian(y, m, s)`, scoringrules `crps_normal` | \
`GaussianCRPS("identity")` on `[m, s]` |

    Call with `y_true (B, …, K)` and `y_pred (B, …, 2K)`: all m, then all s. Values
    `(B, …)`, the mean over K.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.GaussianCRPS(link="identity")
    >>> round(float(loss([[1.0]], [[1.0, 1.0]])), 4)    # 2/√(2π) - 1/√π
    0.2337

    Reference: T. Gneiting et al., *Calibrated Probabilistic Forecasting Using Ensemble
    Model Output Statistics and Minimum CRPS Estimation* (2005),
    https://doi.org/10.1175/MWR2904.1
    """

    def each(self, y_true, location, raw_scale):
        location, scale = self.parameters(location, raw_scale)
        off = y_true - location
        z = off / scale
        density = math.sqrt(2 / math.pi) * ops.exp(-0.5 * ops.square(z))  # Twice it.
        # What z·s multiplies is written with y - m: the slope by s then has its digits.
        return off * ops.erf(z * math.sqrt(0.5)) + scale * (density - 1 / math.sqrt(math.pi))
