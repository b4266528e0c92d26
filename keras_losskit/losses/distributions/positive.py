"""Positive targets, targets in (0, 1), and amounts of which many are 0."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.kernels import at_least, at_most
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import logistic, mean_where, softplus
from keras_losskit.core.reduction import fill
from keras_losskit.core.special import log_beta
from keras_losskit.core.takes import Takes
from keras_losskit.core.targets import counted
from keras_losskit.losses.distributions.base import DistributionLoss, gaussian
from keras_losskit.losses.distributions.families import Beta, LogNormal, ZeroInflated


def is_positive(y):
    """Where y > 0, or is NaN, which has to be seen."""
    return ops.logical_not(y <= 0)


def log_normal(loss, y, location, raw_scale):
    """-log of the log-normal density; 0, with zero gradients, where y <= 0."""
    some = is_positive(y)
    location, raw_scale = fill((location, raw_scale), some)
    log = ops.log(ops.where(some, y, 1))
    return fill(log + gaussian(log, location, loss.positive(raw_scale)), some)


@register
class LogNormalNLL(DistributionLoss):
    """Log-normal negative log-likelihood: log y + ½·log 2π + log s + ½·((log y - m)/s)².

    For positive targets over orders of magnitude: `GaussianNLL` of log y, with what makes
    it a density in y. The median is e^m, the mean e^(m + s²/2).

    Args:
        link, minimum: as in `GaussianNLL`.
        missing: as in `MeanSquaredError`.

    | elsewhere | here |
    |---|---|
    | torch, TFP `-LogNormal(m, s).log_prob(y)` | `LogNormalNLL("identity")` on `[m, s]` |

    Call with `y_true (B, …, K)`, > 0, and `y_pred (B, …, 2K)`: all m, then all s. Values
    `(B, …)`, the mean over K. In a compiled graph, where nothing can raise, targets <= 0
    are left out of the mean.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or a target <= 0.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.LogNormalNLL(link="identity")
    >>> round(float(loss([[1.0]], [[0.0, 1.0]])), 4)    # ½·log 2π
    0.9189

    Reference: E. Limpert, W. A. Stahel, M. Abbt, *Log-normal Distributions across the
    Sciences* (2001), https://doi.org/10.1641/0006-3568(2001)051[0341:LNDATS]2.0.CO;2
    """

    takes = Takes("positive", "parameters", "blocks")
    family = LogNormal

    def each(self, y_true, location, raw_scale):
        return log_normal(self, y_true, location, raw_scale)

    def check_targets(self, y_true, y_pred, present):
        super().check_targets(y_true, y_pred, present)
        seen = counted(self, y_true, present)
        if seen is not None and (seen <= 0).any():
            raise ValueError(
                f"{self.name}: y_true holds {seen[seen <= 0][0]:g}, but it takes numbers > 0. "
                "`ZeroInflatedLogNormalNLL` takes zeros."
            )

    def countable(self, y_true, y_pred):
        some = is_positive(y_true)
        return some if self.missing is not None else ops.any(some, axis=-1)

    def mean(self, y_true, values):
        return mean_where(values, is_positive(y_true))


@register
class ZeroInflatedLogNormalNLL(DistributionLoss):
    """Zeros by a logit g, and a log-normal density above: BCE(g, 1[y > 0]) + 1[y > 0]·NLL.

    For amounts of which most are 0, such as what a customer will spend: σ(g) is P(y > 0),
    the mean σ(g)·e^(m + s²/2). The second term is `LogNormalNLL`. In the losses of
    zero-inflated counts the gate is the other way about, the probability of a zero.

    Args:
        link, minimum: as in `GaussianNLL`.
        missing: as in `MeanSquaredError`.

    | elsewhere | here |
    |---|---|
    | lifetime_value `zero_inflated_lognormal_loss`, logits `[g, m, s]` | \
`ZeroInflatedLogNormalNLL()` on `[m, s, g]` |

    Call with `y_true (B, …, K)`, >= 0, and `y_pred (B, …, 3K)`: all m, all s, all g.
    Values `(B, …)`, the mean over K.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or targets < 0.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.ZeroInflatedLogNormalNLL(link="identity")
    >>> round(float(loss([[0.0]], [[0.0, 1.0, 0.0]])), 4)    # -log ½
    0.6931

    Reference: X. Wang, T. Liu, J. Miao, *A Deep Probabilistic Model for Customer Lifetime
    Value Prediction* (2019), https://arxiv.org/abs/1912.07753
    """

    takes = Takes("nonnegative", "parameters", "blocks")
    blocks = 3
    family = ZeroInflated

    def parameters(self, location, raw_scale, gate):
        return LogNormal(location, self.positive(raw_scale)), logistic(gate)

    def each(self, y_true, location, raw_scale, gate):
        is_zero = softplus(ops.where(is_positive(y_true), -gate, gate))
        return is_zero + log_normal(self, y_true, location, raw_scale)


@register
class BetaNLL(DistributionLoss):
    """Beta negative log-likelihood: log B(a, b) - (a - 1)·log y - (b - 1)·log(1 - y).

    For shares and rates in (0, 1): the mean is a/(a + b), and a + b says how sure it is.
    Targets are held in [ε, 1 - ε], for at 0 and 1 the density is 0 or infinite.

    Args:
        link, minimum: as in `GaussianNLL`; for a and b.
        epsilon: ε; 0 < epsilon < 0.5.
        missing: as in `MeanSquaredError`.

    | elsewhere | here |
    |---|---|
    | torch, TFP `-Beta(a, b).log_prob(y)` | \
`BetaNLL("identity")` on `[a, b]`; finite at 0 and 1 |

    Call with `y_true (B, …, K)` and `y_pred (B, …, 2K)`: all a, then all b. Values
    `(B, …)`, the mean over K.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or targets outside
            [0, 1].

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.BetaNLL(link="identity")
    >>> round(float(loss([[0.5]], [[2.0, 2.0]])), 4)    # -log(6·½·½)
    -0.4055

    Reference: S. Ferrari, F. Cribari-Neto, *Beta Regression for Modelling Rates and
    Proportions* (2004), https://doi.org/10.1080/0266476042000214501
    """

    takes = Takes("probability", "parameters", "blocks")
    family = Beta

    def __init__(self, link="softplus", minimum=1e-6, epsilon=1e-6, **common):
        super().__init__(link, minimum, **common)
        self.epsilon = checks.real(self, "epsilon", epsilon, above=0, below=0.5)

    def parameters(self, raw_a, raw_b):
        return self.positive(raw_a), self.positive(raw_b)

    def each(self, y_true, *raw):
        a, b = self.parameters(*raw)
        y = at_most(at_least(y_true, self.epsilon), 1 - self.epsilon)
        return log_beta(a, b) - (a - 1) * ops.log(y) - (b - 1) * ops.log1p(-y)
