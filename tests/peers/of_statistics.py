"""statsmodels' robust norms and counts, lifelines' likelihoods, scikit-image's variation."""

import lifelines
import numpy as np
import pandas as pd
import statsmodels.distributions.discrete as counts
from statsmodels.robust import norms

import keras_losskit as kl
from tests.peers.compare import EQUAL, OPTION, NumPy, Pair, peer, values


def of_norm(d, norm, loss, scale=4.0):
    shape = d.size(1, 6), d.size(1, 5)
    y = d.normal(*shape, scale=scale)
    p = y + d.normal(*shape, scale=scale)
    return Pair(loss, y, p, NumPy(lambda p: norm.rho(p - y).mean(-1)))


@peer("statsmodels", "robust.norms.HuberT", kl.Huber, OPTION, "`t` is `delta`")
def huber(d):
    t = d.real(0.3, 3)
    return of_norm(d, norms.HuberT(t), values(kl.Huber, delta=t))


@peer("statsmodels", "robust.norms.TukeyBiweight", kl.TukeyBiweight, EQUAL, "`c` is `threshold`")
def tukey(d):
    c = d.real(1, 6)
    return of_norm(d, norms.TukeyBiweight(c), values(kl.TukeyBiweight, threshold=c))


@peer(
    "statsmodels", "robust.norms.LeastSquares", kl.MeanSquaredError, OPTION, "half of the value"
)
def squares(d):
    loss = values(kl.MeanSquaredError)
    return of_norm(d, norms.LeastSquares(), lambda *data: loss(*data) / 2)


@peer(
    "statsmodels", "robust.norms.MQuantileNorm of LeastSquares", kl.Expectile, OPTION,
    "half of the value; `q` is `tau`",
)
def expectile(d):
    tau = d.real(0.1, 0.9)
    shape = d.size(1, 6), d.size(1, 5)
    y = d.normal(*shape)
    norm, loss = norms.MQuantileNorm(tau, norms.LeastSquares()), values(kl.Expectile, tau=tau)
    return Pair(
        lambda *data: loss(*data) / 2, y, d.normal(*shape),
        NumPy(lambda p: norm.rho((y - p).ravel()).reshape(shape).mean(-1)),
    )


@peer(
    "statsmodels", "robust.norms.StudentT", kl.Cauchy, OPTION,
    "df 1, over c²/2: `scale` is c/√2",
)
def cauchy(d):
    c = d.real(0.5, 4)
    loss = values(kl.Cauchy, scale=c / 2**0.5)
    return of_norm(d, norms.StudentT(c=c, df=1), lambda *data: c**2 / 2 * loss(*data))


def inflated(d, loss, blocks, logpmf):
    shape = d.size(1, 5), d.size(1, 4)
    y = d.rng.poisson(3.0, shape) * d.bits(*shape, share=0.7)
    x = np.concatenate(
        [*(d.positive(*shape) + 0.2 for _ in range(blocks - 1)), d.normal(*shape)], -1
    )

    def theirs(x):
        *parts, gate = np.split(x, blocks, -1)
        return -logpmf(y, *parts, 1 / (1 + np.exp(-gate))).mean(-1)

    return Pair(values(loss, link="identity"), y, x, NumPy(theirs))


@peer(
    "statsmodels", "zipoisson.logpmf", kl.ZeroInflatedPoissonNLL, OPTION,
    '`link="identity"`; w = σ(g)',
)
def inflated_poisson(d):
    return inflated(d, kl.ZeroInflatedPoissonNLL, 2, counts.zipoisson.logpmf)


@peer(
    "statsmodels", "zinegbin.logpmf", kl.ZeroInflatedNegativeBinomialNLL, OPTION,
    '`link="identity"`; alpha = 1/r, p = 2, w = σ(g)',
)
def inflated_negative_binomial(d):
    def logpmf(y, mean, r, w):
        return counts.zinegbin.logpmf(y, mean, 1 / r, 2, w)

    return inflated(d, kl.ZeroInflatedNegativeBinomialNLL, 3, logpmf)


# --- survival: what a fit reports, at the parameters it found --------------------------------


def times(d, n, tied):
    time = d.positive(n) * 10 + 1
    if tied:
        time = np.ceil(time / 4)
    return time, d.bits(n, share=0.7)


@peer(
    "lifelines", "CoxPHFitter().log_likelihood_", kl.CoxPartialLikelihood, OPTION,
    'minus it; `ties="efron"`, `reduction="sum"`, at the fitted log hazards',
    gradient=False, draws=3,
)
def cox(d):
    n = d.size(20, 30)
    time, seen = times(d, n, d.choice(True, False))
    x = d.normal(n, 2)
    data = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "time": time, "seen": seen})
    fit = lifelines.CoxPHFitter().fit(data, "time", "seen")
    hazards = x @ fit.params_.to_numpy()
    return Pair(
        kl.CoxPartialLikelihood(reduction="sum"), np.stack([time, seen], -1), hazards[:, None],
        NumPy(lambda h: -fit.log_likelihood_),
    )


@peer(
    "lifelines", "CoxPHFitter(strata).log_likelihood_", kl.CoxPartialLikelihood, OPTION,
    'minus it; `strata=True`, `reduction="sum"`, at the fitted log hazards',
    gradient=False, draws=3,
)
def cox_in_strata(d):
    n = d.size(30, 40)
    time, seen = times(d, n, True)
    x, place = d.normal(n, 1), d.ids(n, classes=3)
    data = pd.DataFrame({"a": x[:, 0], "place": place, "time": time, "seen": seen})
    fit = lifelines.CoxPHFitter(strata=["place"]).fit(data, "time", "seen")
    hazards = x @ fit.params_.to_numpy()
    return Pair(
        kl.CoxPartialLikelihood(strata=True, reduction="sum"), np.stack([time, seen, place], -1),
        hazards[:, None], NumPy(lambda h: -fit.log_likelihood_),
    )


@peer(
    "lifelines", "WeibullFitter().log_likelihood_", kl.WeibullNLL, OPTION,
    'minus it; `reduction="sum"`, at the fitted λ and ρ, as softplus gives them',
    gradient=False, draws=3,
)
def weibull(d):
    n = d.size(20, 30)
    time, seen = d.positive(n), d.bits(n, share=0.7)
    fit = lifelines.WeibullFitter().fit(time, seen)
    raw = np.log(np.expm1(np.array([fit.lambda_, fit.rho_]) - 1e-6))
    return Pair(
        kl.WeibullNLL(reduction="sum"), np.stack([time, seen], -1), np.tile(raw, (n, 1)),
        NumPy(lambda x: -fit.log_likelihood_),
    )
