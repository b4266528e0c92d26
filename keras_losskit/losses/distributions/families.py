"""Distributions by their parameters: means, quantiles and draws, where a formula gives them.

A loss makes one from raw outputs (`loss.distribution(raw)`); `DistributionHead` shows it.
"""

import dataclasses
import math

import keras
from keras import ops

from keras_losskit.core.special import log_gamma


@dataclasses.dataclass(frozen=True, eq=False)
class Distribution:
    """Base of the families. A subclass's fields are its parameters, tensors of one shape.

    `scipy` says what computes the rest from them.
    """

    scipy = None

    def parameters(self):
        """`{name: tensor}`."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def mean(self):
        """The mean; NaN where there is none."""
        raise NotImplementedError

    def stddev(self):
        """The standard deviation, infinite or NaN where there is none."""
        raise NotImplementedError

    def quantile(self, p):
        """What is not exceeded with probability p, a number in (0, 1)."""
        self._refuse("quantile")

    def sample(self, seed):
        """One draw of each; `seed` is a `keras.random.SeedGenerator`."""
        self._refuse("draw")

    def _refuse(self, what):
        elsewhere = f"; with SciPy, `{self.scipy}`" if self.scipy else ""
        raise ValueError(
            f"No formula gives a {what} of the {type(self).__name__} distribution. Compute it "
            f"from its parameters, {', '.join(f'`{name}`' for name in self.parameters())}"
            f"{elsewhere}."
        )


def _normal(x, seed):
    return keras.random.normal(ops.shape(x), dtype=_dtype(x), seed=seed)


def _exponential(x, seed):
    # Of [0, 1): never the logarithm of 0.
    return -ops.log1p(-keras.random.uniform(ops.shape(x), dtype=_dtype(x), seed=seed))


def _dtype(x):
    return keras.backend.standardize_dtype(x.dtype)


def _standard_normal_quantile(p):
    if not isinstance(p, float):
        return math.sqrt(2) * ops.erfinv(2 * p - 1)
    import statistics  # The package imports little.

    return statistics.NormalDist().inv_cdf(p)


@dataclasses.dataclass(frozen=True, eq=False)
class Normal(Distribution):
    location: object
    scale: object

    def mean(self):
        return self.location

    def stddev(self):
        return self.scale

    def quantile(self, p):
        return self.location + self.scale * _standard_normal_quantile(p)

    def sample(self, seed):
        return self.location + self.scale * _normal(self.scale, seed)


@dataclasses.dataclass(frozen=True, eq=False)
class LogNormal(Distribution):
    location: object
    scale: object

    def of_log(self):
        return Normal(self.location, self.scale)

    def mean(self):
        return ops.exp(self.location + 0.5 * ops.square(self.scale))

    def stddev(self):
        return self.mean() * ops.sqrt(ops.expm1(ops.square(self.scale)))

    def quantile(self, p):
        return ops.exp(self.of_log().quantile(p))

    def sample(self, seed):
        return ops.exp(self.of_log().sample(seed))


@dataclasses.dataclass(frozen=True, eq=False)
class Laplace(Distribution):
    location: object
    scale: object

    def mean(self):
        return self.location

    def stddev(self):
        return math.sqrt(2) * self.scale

    def quantile(self, p):
        return self.location + self.scale * (math.log(2 * p) if p < 0.5 else -math.log(2 - 2 * p))

    def sample(self, seed):
        apart = _exponential(self.scale, seed) - _exponential(self.scale, seed)
        return self.location + self.scale * apart


@dataclasses.dataclass(frozen=True, eq=False)
class StudentT(Distribution):
    degrees_of_freedom: object
    location: object
    scale: object
    scipy = "scipy.stats.t(degrees_of_freedom, location, scale).ppf(p)"

    def mean(self):
        return ops.where(self.degrees_of_freedom > 1, self.location, math.nan)

    def stddev(self):
        v = self.degrees_of_freedom
        some = v > 2
        ratio = ops.where(some, v, 3) / (ops.where(some, v, 3) - 2)
        none = ops.where(v > 1, math.inf, math.nan)
        return ops.where(some, self.scale * ops.sqrt(ratio), none)

    def sample(self, seed):
        half = 0.5 * self.degrees_of_freedom
        drawn = keras.random.gamma(ops.shape(half), half, dtype=_dtype(half), seed=seed)
        return self.location + self.scale * _normal(half, seed) * ops.sqrt(half / drawn)


@dataclasses.dataclass(frozen=True, eq=False)
class NormalInverseGamma(Distribution):
    """A normal distribution whose mean and variance are not known; its draws are Student's."""

    location: object
    evidence: object
    shape: object
    rate: object
    scipy = (
        "scipy.stats.t(2*shape, location, (rate*(1 + evidence)/(evidence*shape))**0.5).ppf(p)"
    )

    def of_draws(self):
        root = ops.sqrt(self.rate) * ops.sqrt(1 + 1 / self.evidence) / ops.sqrt(self.shape)
        return StudentT(2 * self.shape, self.location, root)

    def mean(self):
        return self.location

    def stddev(self):
        return self.of_draws().stddev()

    def sample(self, seed):
        return self.of_draws().sample(seed)


@dataclasses.dataclass(frozen=True, eq=False)
class Beta(Distribution):
    a: object
    b: object
    scipy = "scipy.stats.beta(a, b).ppf(p)"

    def mean(self):
        return self.a / (self.a + self.b)

    def stddev(self):
        total = self.a + self.b
        return ops.sqrt(self.a / total * (self.b / total) / (total + 1))

    def sample(self, seed):
        return keras.random.beta(
            ops.shape(self.a), self.a, self.b, dtype=_dtype(self.a), seed=seed
        )


@dataclasses.dataclass(frozen=True, eq=False)
class Poisson(Distribution):
    rate: object
    scipy = "scipy.stats.poisson(rate).ppf(p)` and `.rvs()"

    def mean(self):
        return self.rate

    def stddev(self):
        return ops.sqrt(self.rate)


@dataclasses.dataclass(frozen=True, eq=False)
class NegativeBinomial(Distribution):
    mu: object
    r: object
    scipy = "scipy.stats.nbinom(r, r/(r + mu)).ppf(p)` and `.rvs()"

    def mean(self):
        return self.mu

    def stddev(self):
        return ops.sqrt(self.mu) * ops.sqrt(1 + self.mu / self.r)


@dataclasses.dataclass(frozen=True, eq=False)
class ZeroInflated(Distribution):
    """A `share` of draws from another distribution, and zeros."""

    other: Distribution
    share: object

    def parameters(self):
        return {**self.other.parameters(), "share": self.share}

    @property
    def scipy(self):
        return self.other.scipy and f"{self.other.scipy}` for the share that are no zeros, `share"

    def mean(self):
        return self.share * self.other.mean()

    def stddev(self):
        mean, root = self.other.mean(), ops.sqrt(self.share)
        # √(σ² + (1 - w)·μ²), in units of μ, whose square may overflow.
        relative = self.other.stddev() / mean
        return root * mean * ops.sqrt(ops.square(relative) + (1 - self.share))

    def quantile(self, p):
        if self.other.scipy:
            self._refuse("quantile")
        above = (1 - p) / self.share  # Of the others: what is larger.
        zero = above >= 1
        return ops.where(zero, 0, self.other.quantile(1 - ops.where(zero, 0.5, above)))

    def sample(self, seed):
        drawn = self.other.sample(seed)
        uniform = keras.random.uniform(ops.shape(drawn), dtype=_dtype(drawn), seed=seed)
        return ops.where(uniform < self.share, drawn, 0)


@dataclasses.dataclass(frozen=True, eq=False)
class NormalMixture(Distribution):
    """`shares (…, M)`, `locations` and `scales (…, M, K)`."""

    shares: object
    locations: object
    scales: object

    def _weighed(self, x):
        return ops.sum(ops.expand_dims(self.shares, -1) * x, axis=-2)

    def mean(self):
        return self._weighed(self.locations)

    def stddev(self):
        off = self.locations - ops.expand_dims(self.mean(), -2)
        return ops.sqrt(self._weighed(ops.square(self.scales) + ops.square(off)))

    def sample(self, seed):
        # The component whose clock, of that rate, rings first.
        first = ops.argmin(_exponential(self.shares, seed) / self.shares, axis=-1)
        one = ops.one_hot(first, self.shares.shape[-1], dtype=_dtype(self.shares))
        location, scale = (
            ops.sum(ops.expand_dims(one, -1) * x, axis=-2) for x in (self.locations, self.scales)
        )
        return Normal(location, scale).sample(seed)


@dataclasses.dataclass(frozen=True, eq=False)
class Weibull(Distribution):
    scale: object
    shape: object

    def _moment(self, n):
        return ops.exp(log_gamma(1 + n / self.shape))

    def mean(self):
        return self.scale * self._moment(1)

    def stddev(self):
        # Γ(1 + 2/k) - Γ(1 + 1/k)².
        relative = log_gamma(1 + 2 / self.shape) - 2 * log_gamma(1 + 1 / self.shape)
        return self.mean() * ops.sqrt(ops.expm1(relative))

    def quantile(self, p):
        return self.scale * ops.exp(math.log(-math.log1p(-p)) / self.shape)

    def sample(self, seed):
        return self.scale * ops.exp(ops.log(_exponential(self.scale, seed)) / self.shape)
