"""`DistributionHead`: raw outputs as numbers, against SciPy's distributions."""

import keras
import numpy as np
import pytest
from scipy import stats

import keras_losskit as kl
from tests.backends import WITHOUT_XLA, to_numpy

MINIMUM = 1e-6
EVENTS = 2


def softplus(r):
    return np.log1p(np.exp(r)) + MINIMUM


def share(g):
    return 1 / (1 + np.exp(-g))


class Inflated:
    """SciPy's distribution for a share, and zeros."""

    def __init__(self, other, share):
        self.other, self.share = other, share

    def mean(self):
        return self.share * self.other.mean()

    def std(self):
        return np.sqrt(self.share * self.other.moment(2) - self.mean() ** 2)

    def ppf(self, p):
        zeros = 1 - self.share
        return 0.0 if p <= zeros else self.other.ppf((p - zeros) / self.share)

    def cdf(self, x):
        return np.where(x < 0, 0, 1 - self.share + self.share * self.other.cdf(x))


class Mixed:
    """SciPy's normal distributions, with shares."""

    def __init__(self, shares, parts):
        self.shares, self.parts = shares, parts

    def mean(self):
        return sum(w * x.mean() for w, x in zip(self.shares, self.parts, strict=True))

    def std(self):
        second = sum(w * x.moment(2) for w, x in zip(self.shares, self.parts, strict=True))
        return np.sqrt(second - self.mean() ** 2)

    def cdf(self, x):
        return sum(w * part.cdf(x) for w, part in zip(self.shares, self.parts, strict=True))


def normal(m, s):
    return stats.norm(m, softplus(s))


def log_normal(m, s):
    return stats.lognorm(softplus(s), scale=np.exp(m))


def negative_binomial(m, r):
    m, r = softplus(m), softplus(r)
    return stats.nbinom(r, r / (r + m))


def evidential(m, v, a, b):
    v, a, b = softplus(v), 1 + softplus(a), softplus(b)
    return stats.t(2 * a, m, np.sqrt(b * (1 + v) / (v * a)))


def weibull(scale, shape):
    return stats.weibull_min(softplus(shape), scale=softplus(scale))


# What raw parameters mean, in SciPy's words; whether a formula gives quantiles, and draws.
FAMILIES = {
    "GaussianNLL": (kl.GaussianNLL(), normal, True, True),
    "GaussianCRPS": (kl.GaussianCRPS(), normal, True, True),
    "LaplaceNLL": (kl.LaplaceNLL(), lambda m, s: stats.laplace(m, softplus(s)), True, True),
    "LogNormalNLL": (kl.LogNormalNLL(), log_normal, True, True),
    "StudentTNLL": (
        kl.StudentTNLL(), lambda m, s, v: stats.t(2 + softplus(v) - MINIMUM, m, softplus(s)),
        False, True,
    ),
    "StudentTNLL of 5": (
        kl.StudentTNLL(degrees_of_freedom=5), lambda m, s: stats.t(5, m, softplus(s)), False, True,
    ),
    "BetaNLL": (
        kl.BetaNLL(), lambda a, b: stats.beta(softplus(a), softplus(b)), False, True,
    ),
    "NegativeBinomialNLL": (kl.NegativeBinomialNLL(), negative_binomial, False, False),
    "ZeroInflatedPoissonNLL": (
        kl.ZeroInflatedPoissonNLL(),
        lambda m, g: Inflated(stats.poisson(softplus(m)), share(-g)), False, False,
    ),
    "ZeroInflatedNegativeBinomialNLL": (
        kl.ZeroInflatedNegativeBinomialNLL(),
        lambda m, r, g: Inflated(negative_binomial(m, r), share(-g)), False, False,
    ),
    "ZeroInflatedLogNormalNLL": (
        kl.ZeroInflatedLogNormalNLL(),
        lambda m, s, g: Inflated(log_normal(m, s), share(g)), True, True,
    ),
    "EvidentialRegression": (kl.EvidentialRegression(), evidential, False, True),
}
families = pytest.mark.parametrize("name", FAMILIES)


def made(name):
    """The layer, raw outputs of it, and SciPy's distribution of each target."""
    loss, of, *_ = FAMILIES[name]
    head = kl.DistributionHead(loss, events=EVENTS)
    raw = np.random.default_rng(20261129).normal(0.5, size=(3, head.units))
    blocks = np.split(raw, head.units // EVENTS, axis=-1)
    wanted = [[of(*(b[i, k] for b in blocks)) for k in range(EVENTS)] for i in range(len(raw))]
    return head, raw.astype("float32"), wanted


def each(wanted, function):
    return np.array([[function(x) for x in row] for row in wanted])


def close(got, wanted, rtol=1e-5):
    np.testing.assert_allclose(to_numpy(got), wanted, rtol=rtol, atol=1e-6)


@families
def test_means_and_standard_deviations(name):
    head, raw, wanted = made(name)
    close(head.mean(raw), each(wanted, lambda x: x.mean()))
    close(head.stddev(raw), each(wanted, lambda x: x.std()), rtol=1e-4)


@families
def test_quantiles(name):
    head, raw, wanted = made(name)
    for p in (0.01, 0.3, 0.5, 0.9, 0.999):
        if FAMILIES[name][2]:
            close(head.quantile(raw, p), each(wanted, lambda x, p=p: x.ppf(p)), rtol=3e-5)
        else:
            with pytest.raises(ValueError, match="No formula gives a quantile"):
                head.quantile(raw, p)


def follows(drawn, wanted):
    """A Kolmogorov-Smirnov test of draws, for whatever has a distribution function."""
    x = np.sort(drawn).astype("float64")
    below, up_to = (np.searchsorted(x, x, side=side) / len(x) for side in ("left", "right"))
    before = x - 1e-12 * (x == 0)  # Where zeros are many the function jumps.
    off = max(abs(wanted.cdf(x) - up_to).max(), abs(wanted.cdf(before) - below).max())
    return off * np.sqrt(len(x)) < 1.95  # Exceeded by one in a thousand.


@families
def test_draws(name):
    head, raw, wanted = made(name)
    if not FAMILIES[name][3]:
        with pytest.raises(ValueError, match="No formula gives a draw"):
            head.sample(raw, 0)
        return
    drawn = to_numpy(head.sample(np.repeat(raw[:, None], 4000, axis=1), seed=3))
    assert drawn.shape == (3, 4000, EVENTS)
    for i, k in np.ndindex(3, EVENTS):
        assert follows(drawn[i, :, k], wanted[i][k]), (i, k)
    # Neighbours have nothing to do with each other.
    ranks = stats.rankdata(drawn[0], axis=0)
    assert abs(np.corrcoef(ranks.T)[0, 1]) < 0.06


def test_a_mixture_of_two_targets():
    head = kl.DistributionHead(kl.GaussianMixtureNLL(3), events=EVENTS)
    assert head.units == 3 * (1 + 2 * EVENTS)
    raw = np.random.default_rng(1).normal(size=(2, head.units))
    shares = np.exp(raw[:, :3]) / np.exp(raw[:, :3]).sum(-1, keepdims=True)
    location, scale = raw[:, 3:9].reshape(2, 3, 2), softplus(raw[:, 9:].reshape(2, 3, 2))
    wanted = [
        [
            Mixed(shares[i], [stats.norm(location[i, m, k], scale[i, m, k]) for m in range(3)])
            for k in range(EVENTS)
        ]
        for i in range(2)
    ]
    raw = raw.astype("float32")
    close(head.mean(raw), each(wanted, lambda x: x.mean()))
    close(head.stddev(raw), each(wanted, lambda x: x.std()))
    drawn = to_numpy(head.sample(np.repeat(raw[:, None], 4000, axis=1), seed=4))
    for i, k in np.ndindex(2, EVENTS):
        assert follows(drawn[i, :, k], wanted[i][k])
    # Both targets are of one component.
    product = sum(
        w * location[0, m, 0] * location[0, m, 1] for m, w in enumerate(shares[0])
    )
    got = (drawn[0, :, 0] * drawn[0, :, 1]).astype("float64")
    assert abs(got.mean() - product) < 5 * got.std() / np.sqrt(len(got))
    with pytest.raises(ValueError, match="No formula gives a quantile of the NormalMixture"):
        head.quantile(raw, 0.5)


def test_times():
    head = kl.DistributionHead("WeibullNLL")
    raw = np.random.default_rng(2).normal(size=(4, 2))
    wanted = [[weibull(*row)] for row in raw]
    raw = raw.astype("float32")
    close(head.mean(raw), each(wanted, lambda x: x.mean()), rtol=1e-4)
    close(head.stddev(raw), each(wanted, lambda x: x.std()), rtol=1e-4)
    close(head.quantile(raw, 0.3), each(wanted, lambda x: x.ppf(0.3)), rtol=1e-4)
    drawn = to_numpy(head.sample(np.repeat(raw[:, None], 4000, axis=1), seed=5))
    assert all(follows(drawn[i, :, 0], wanted[i][0]) for i in range(4))
    with pytest.raises(ValueError, match="it is of one time"):
        kl.DistributionHead(kl.WeibullNLL(), events=2)


def test_moments_that_there_are_not():
    raw = np.array([[1.0, 2.0]])
    for degrees, mean, deviation in ((0.5, np.nan, np.nan), (1.5, 1.0, np.inf), (4.0, 1.0, 8**0.5)):
        head = kl.DistributionHead(kl.StudentTNLL("identity", degrees_of_freedom=degrees))
        close(head.mean(raw), [[mean]])
        close(head.stddev(raw), [[deviation]])


def test_links_and_float64():
    loss = kl.GaussianNLL("exp", 0.1, dtype="float64")
    head = kl.DistributionHead(loss, use_bias=False)
    from tests.backends import wide

    with wide():
        raw = np.array([[0.3, -2.0]])
        got = to_numpy(head.quantile(raw, 0.975))
        assert str(got.dtype) == "float64"
        np.testing.assert_allclose(
            got, stats.norm(0.3, np.exp(-2.0) + 0.1).ppf([[0.975]]), rtol=1e-14
        )
        parameters = {k: float(to_numpy(v)[0, 0]) for k, v in head.parameters(raw).items()}
    assert parameters == {"location": 0.3, "scale": pytest.approx(np.exp(-2.0) + 0.1, rel=1e-14)}


def test_what_scipy_needs_is_said():
    raw = np.zeros((1, 3))
    head = kl.DistributionHead(kl.ZeroInflatedNegativeBinomialNLL())
    assert list(head.parameters(raw)) == ["mu", "r", "share"]
    with pytest.raises(ValueError, match=r"`mu`, `r`, `share`; with SciPy, `scipy.stats.nbinom"):
        head.quantile(raw, 0.5)


def test_it_trains_saves_and_reloads(tmp_path):
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(3)
    x = rng.normal(size=(256, 1)).astype("float32")
    y = (2 * x + 1 + 0.5 * rng.normal(size=x.shape)).astype("float32")
    head = kl.DistributionHead(kl.GaussianNLL(minimum=0.01), name="head")
    model = keras.Sequential([keras.Input((1,)), head])
    model.compile(keras.optimizers.Adam(0.1), loss=head.loss, **WITHOUT_XLA)
    model.fit(x, y, batch_size=64, epochs=200, verbose=0)
    raw = model.predict(x, verbose=0)
    off = to_numpy(head.mean(raw)) - (2 * x + 1)
    spread = to_numpy(head.stddev(raw)).mean()
    assert np.sqrt((off**2).mean()) < 0.15 and 0.4 < spread < 0.6, (off, spread)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    again = loaded.get_layer("head")
    assert again.get_config() == head.get_config()
    assert again.loss == head.loss and again.events == 1
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), raw)
    quantiles = [to_numpy(layer.quantile(raw, 0.9)) for layer in (again, head)]
    np.testing.assert_array_equal(*quantiles)


def test_one_seed_gives_one_draw():
    head, raw = kl.DistributionHead(kl.StudentTNLL()), np.zeros((5, 3), "float32")
    first, second, other = (to_numpy(head.sample(raw, seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert (first != other).all()
    generator = keras.random.SeedGenerator(1)
    drawn = [to_numpy(head.sample(raw, generator)) for _ in range(2)]
    np.testing.assert_array_equal(drawn[0], first)
    assert (drawn[0] != drawn[1]).all()


def test_what_is_refused():
    for loss, kind, said in (
        ("Gaussian", ValueError, "such as \"GaussianNLL\""),
        (kl.GaussianNLL, TypeError, "is a class of losses"),
        (3, TypeError, "must be a loss"),
        (kl.MeanSquaredError(), ValueError, "takes the raw parameters"),
        (kl.GaussianNLL() + kl.MeanSquaredError(), ValueError, "give the term itself"),
    ):
        with pytest.raises(kind, match=said):
            kl.DistributionHead(loss)
    for options, said in (
        ({"events": 0}, "`events` must be an integer >= 1"),
        ({"units": 4}, "no option `units`"),
        ({"activation": "relu"}, "no option `activation`"),
    ):
        with pytest.raises((ValueError, TypeError), match=said):
            kl.DistributionHead(kl.GaussianNLL(), **options)
    head = kl.DistributionHead(kl.GaussianNLL(), events=2)
    with pytest.raises(ValueError, match="whose last axis holds 4"):
        head.mean(np.zeros((3, 2)))
    for p in (0, 1, "half", float("nan")):
        with pytest.raises((ValueError, TypeError), match="`p` must be a finite number"):
            head.quantile(np.zeros((3, 4)), p)
