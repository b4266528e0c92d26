"""Counts, spread wider than Poisson's, or with more zeros."""

from keras import ops

from keras_losskit.core.kernels import at_least, at_most
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import log_add_exp, logistic, softplus
from keras_losskit.core.special import (
    FAR,
    half_deviance,
    log_factorial_rest,
    log_gamma,
    log_rising,
    stirling_tail,
)
from keras_losskit.core.takes import Takes
from keras_losskit.losses.distributions.base import DistributionLoss
from keras_losskit.losses.distributions.families import NegativeBinomial, Poisson, ZeroInflated

# A larger r is Poisson's distribution to the digits of float32.
LARGEST = 1e6


def poisson(y, rate):
    """-log of Poisson's probability."""
    return half_deviance(y, _some(y) / rate, rate - y) + log_factorial_rest(y)


def negative_binomial(y, mean, r):
    """-log of the probability of y, by mean and inverse dispersion r.

    What is large in the log-gammas cancels beforehand: of r below 8 and of y in one way;
    of a larger r in another, by the half deviances of r and y from what is expected of
    r + y together.
    """
    low, high = at_most(r, FAR), at_least(r, FAR)
    few = (
        log_gamma(1 + low) + ops.log1p(y / low) - log_rising(y + 1, low) - low * ops.log(y + 1)
        + low * _log_1p_ratio(mean, low) + y * ops.log1p(low / mean)
    )
    both, off = high + y, high / (high + mean) * (y - mean)
    many = (
        half_deviance(high, (high + mean) / both, off)
        + half_deviance(y, _some(y) / both * (1 + high / mean), -off)
        + 0.5 * ops.log1p(y / high) - (stirling_tail(both) - stirling_tail(high))
        + log_factorial_rest(y)
    )
    return ops.where(r < FAR, few, many)


def _some(y):
    return ops.where(y == 0, 1, y)


def _log_1p_ratio(a, b):
    """log(1 + a/b), where a/b may be larger than all numbers."""
    high = a > 1e18 * b
    near, far = ops.where(high, b, a), ops.where(high, a, b)
    return ops.where(high, ops.log(far) - ops.log(b), ops.log1p(near / b))


def inflated(y, gate, of_zero, of_y):
    """-log of a mixture of zeros, σ(gate) of it, and of counts with -log f(0), -log f(y)."""
    structural, sampled = -softplus(-gate), -softplus(gate)
    zero = -log_add_exp(structural, sampled - of_zero)
    return ops.where(y == 0, zero, of_y - sampled)


class CountLoss(DistributionLoss):
    """Base of losses on counts."""

    takes = Takes("counts", "parameters", "blocks")


def mean_and_r(loss, raw_mean, raw_r):
    return loss.positive(raw_mean), at_most(loss.positive(raw_r), LARGEST)


@register
class NegativeBinomialNLL(CountLoss):
    """Negative binomial negative log-likelihood, of mean μ and inverse dispersion r.

    -log Γ(y + r) + log Γ(r) + log Γ(y + 1) - r·log(r/(r + μ)) - y·log(μ/(r + μ)), for counts
    whose variance μ + μ²/r is above their mean. As r grows this becomes Poisson's,
    constants included; r is held at 1e6.

    Args:
        link, minimum: as in `GaussianNLL`; for μ and r.
        missing: as in `MeanSquaredError`.

    | elsewhere | here |
    |---|---|
    | scvi-tools `-log_nb_positive(y, μ, θ)` | `NegativeBinomialNLL("identity")` on `[μ, θ]` |
    | torch `-NegativeBinomial(n, logits=z).log_prob(y)` | the same on `[n·e^z, n]` |
    | GluonTS, for MXNet, `NegativeBinomial(μ, α)` | the same on `[μ, 1/α]` |

    Call with `y_true (B, …, K)` and `y_pred (B, …, 2K)`: all μ, then all r. Values
    `(B, …)`, the mean over K.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or counts < 0.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.NegativeBinomialNLL(link="identity")
    >>> round(float(loss([[0.0]], [[1.0, 1.0]])), 4)    # -log ½: geometric
    0.6931

    Reference: J. M. Hilbe, *Negative Binomial Regression* (2011),
    https://doi.org/10.1017/CBO9780511973420
    """

    family = NegativeBinomial

    def parameters(self, raw_mean, raw_r):
        return mean_and_r(self, raw_mean, raw_r)

    def each(self, y_true, *raw):
        return negative_binomial(y_true, *self.parameters(*raw))


@register
class ZeroInflatedPoissonNLL(CountLoss):
    """Poisson counts of rate λ, and further zeros with probability σ(g).

    y = 0: -log(σ(g) + σ(-g)·e^-λ); y > 0: -log σ(-g) + λ - y·log λ + log Γ(y + 1). For
    counts with zeros of two kinds, such as visits of those who never come. In
    `ZeroInflatedLogNormalNLL` σ(g) is the probability of the other thing.

    Args:
        link, minimum: as in `GaussianNLL`; for λ.
        missing: as in `MeanSquaredError`.

    | elsewhere | here |
    |---|---|
    | GluonTS, for MXNet, `ZeroInflatedPoisson(λ, p)` | \
`ZeroInflatedPoissonNLL("identity")` on `[λ, log(p/(1 - p))]` |

    Call with `y_true (B, …, K)` and `y_pred (B, …, 2K)`: all λ, then all logits g. Values
    `(B, …)`, the mean over K.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or counts < 0.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.ZeroInflatedPoissonNLL(link="identity")
    >>> round(float(loss([[1.0]], [[1.0, 0.0]])), 4)    # -log ½ + 1
    1.6931

    Reference: D. Lambert, *Zero-Inflated Poisson Regression, with an Application to Defects
    in Manufacturing* (1992), https://doi.org/10.2307/1269547
    """

    family = ZeroInflated

    def parameters(self, raw_rate, gate):
        return Poisson(self.positive(raw_rate)), logistic(-gate)

    def each(self, y_true, raw_rate, gate):
        rate = self.positive(raw_rate)
        return inflated(y_true, gate, rate, poisson(y_true, rate))


@register
class ZeroInflatedNegativeBinomialNLL(CountLoss):
    """Negative binomial counts, and further zeros with probability σ(g).

    As `ZeroInflatedPoissonNLL`, with `NegativeBinomialNLL`'s probabilities, of which that
    of a zero is (r/(r + μ))^r. For counts of genes in single cells, where many are not seen.

    Args:
        link, minimum: as in `GaussianNLL`; for μ and r.
        missing: as in `MeanSquaredError`.

    | elsewhere | here |
    |---|---|
    | scvi-tools `-log_zinb_positive(y, μ, θ, π)` | \
`ZeroInflatedNegativeBinomialNLL("identity")` on `[μ, θ, π]` |

    Call with `y_true (B, …, K)` and `y_pred (B, …, 3K)`: all μ, all r, all logits g.
    Values `(B, …)`, the mean over K.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or counts < 0.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.ZeroInflatedNegativeBinomialNLL(link="identity")
    >>> round(float(loss([[0.0]], [[1.0, 1.0, 0.0]])), 4)    # -log(½ + ½·½)
    0.2877

    Reference: R. Lopez et al., *Deep Generative Modeling for Single-Cell Transcriptomics*
    (2018), https://doi.org/10.1038/s41592-018-0229-2
    """

    blocks = 3
    family = ZeroInflated

    def parameters(self, raw_mean, raw_r, gate):
        return NegativeBinomial(*mean_and_r(self, raw_mean, raw_r)), logistic(-gate)

    def each(self, y_true, raw_mean, raw_r, gate):
        mean, r = mean_and_r(self, raw_mean, raw_r)
        of_zero = r * _log_1p_ratio(mean, r)
        return inflated(y_true, gate, of_zero, negative_binomial(y_true, mean, r))
