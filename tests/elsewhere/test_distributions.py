"""The rows of the distributions: their formulas as their sources write them."""

import numpy as np
from scipy import special, stats

import keras_losskit as kl
from tests.elsewhere.rows import close, log_softmax, number, row, values

rng = np.random.default_rng(18)
Y = rng.normal(size=(40, 1))
M, S = rng.normal(size=(40, 1)), rng.uniform(0.2, 2, size=(40, 1))
AMOUNT = np.exp(Y)
COUNT = rng.poisson(rng.uniform(0, 9, size=(40, 1))).astype("float64")
MU, R, Z = rng.uniform(0.5, 9, (40, 1)), rng.uniform(0.3, 5, (40, 1)), rng.normal(size=(40, 1))
MEMBERS = rng.normal(size=(40, 6))


def beside(*parts):
    return np.concatenate(parts, axis=-1)


def softplus(x):
    return np.logaddexp(x, 0)


# --- the normal distribution -----------------------------------------------------------


def torch_gaussian(m, y, v, full=False, eps=1e-6):
    """torch.nn.functional.gaussian_nll_loss, its values."""
    v = np.maximum(v, eps)
    loss = 0.5 * (np.log(v) + (m - y) ** 2 / v)
    return (loss + 0.5 * np.log(2 * np.pi) if full else loss)[:, 0]


@row(
    kl.GaussianNLL,
    'torch `GaussianNLLLoss(full=True)(m, y, v)` | `GaussianNLL("identity")` on `[m, √v]`',
)
def test_gaussian_of_torch():
    mine = values(kl.GaussianNLL("identity"), Y, beside(M, S))
    close(mine, torch_gaussian(M, Y, S**2, full=True))


@row(kl.GaussianNLL, "torch `GaussianNLLLoss()(m, y, v)` | the same less ½·log 2π")
def test_gaussian_of_torch_by_default():
    mine = values(kl.GaussianNLL("identity"), Y, beside(M, S)) - 0.5 * np.log(2 * np.pi)
    close(mine, torch_gaussian(M, Y, S**2))


@row(
    kl.GaussianNLL,
    "TFP `-tfpl.IndependentNormal(K)(raw).log_prob(y)` | `K * GaussianNLL()` of `raw`, but for "
    "`minimum`",
)
def test_gaussian_of_tfp():
    y, raw = beside(Y, Z, M), beside(M, Z, Y, Z, Y, M)
    # IndependentNormal: tf.split(params, 2), softplus of the second; Independent sums the event.
    m, s = np.split(raw, 2, axis=-1)
    theirs = -stats.norm.logpdf(y, m, softplus(s)).sum(-1)
    close(3 * values(kl.GaussianNLL(minimum=1e-12), y, raw), theirs)
    close(3 * values(kl.GaussianNLL(), y, raw), theirs, rtol=1e-3)


@row(
    kl.GaussianCRPS,
    "properscoring `crps_gaussian(y, m, s)`, scoringrules `crps_normal` | "
    '`GaussianCRPS("identity")` on `[m, s]`',
)
def test_crps_of_properscoring():
    z = (Y - M) / S
    cdf, pdf = special.ndtr(z), np.exp(-(z * z) / 2) / np.sqrt(2 * np.pi)
    theirs = S * (z * (2 * cdf - 1) + 2 * pdf - 1 / np.sqrt(np.pi))
    close(values(kl.GaussianCRPS("identity"), Y, beside(M, S)), theirs[:, 0])


# --- other tails -------------------------------------------------------------------------


@row(
    kl.LaplaceNLL,
    'torch, TFP `-Laplace(m, s).log_prob(y)` | `LaplaceNLL("identity")` on `[m, s]`',
)
def test_laplace_of_torch():
    theirs = np.log(2 * S) + np.abs(Y - M) / S
    close(values(kl.LaplaceNLL("identity"), Y, beside(M, S)), theirs[:, 0])


@row(
    kl.StudentTNLL,
    "GluonTS `StudentTOutput`, raw `[ν, m, s]` | `StudentTNLL()` on `[m, s, ν]`",
)
def test_student_of_gluonts():
    # Its domain_map, then torch's StudentT.
    degrees, scale = 2 + softplus(Z), np.maximum(softplus(Y), np.finfo("float32").eps)
    theirs = torch_student(degrees, M, scale)
    close(values(kl.StudentTNLL(), AMOUNT, beside(M, Y, Z)), theirs)


def torch_student(df, loc, scale, value=AMOUNT):
    """torch.distributions.StudentT.log_prob, negative."""
    y = (value - loc) / scale
    const = (
        np.log(scale) + 0.5 * np.log(df) + 0.5 * np.log(np.pi)
        + special.gammaln(0.5 * df) - special.gammaln(0.5 * (df + 1))
    )
    return (0.5 * (df + 1) * np.log1p(y**2 / df) + const)[:, 0]


@row(
    kl.StudentTNLL,
    "torch `-StudentT(ν, m, s).log_prob(y)` | "
    '`StudentTNLL("identity", degrees_of_freedom=ν)` on `[m, s]`',
)
def test_student_of_torch():
    mine = values(kl.StudentTNLL("identity", degrees_of_freedom=1.7), AMOUNT, beside(M, S))
    close(mine, torch_student(1.7, M, S))


# --- positive numbers and shares ----------------------------------------------------------


def torch_log_normal(y, m, s):
    """The normal distribution's log_prob of log y, less the logarithm of the Jacobian."""
    x = np.log(y)
    return (x + (x - m) ** 2 / (2 * s**2) + np.log(s) + 0.5 * np.log(2 * np.pi))[:, 0]


@row(
    kl.LogNormalNLL,
    'torch, TFP `-LogNormal(m, s).log_prob(y)` | `LogNormalNLL("identity")` on `[m, s]`',
)
def test_log_normal_of_torch():
    close(
        values(kl.LogNormalNLL("identity"), AMOUNT, beside(M, S)), torch_log_normal(AMOUNT, M, S)
    )


@row(
    kl.ZeroInflatedLogNormalNLL,
    "lifetime_value `zero_inflated_lognormal_loss`, logits `[g, m, s]` | "
    "`ZeroInflatedLogNormalNLL()` on `[m, s, g]`",
)
def test_amounts_of_lifetime_value():
    y = np.where(COUNT > 3, AMOUNT, 0)
    positive = (y > 0).astype("float64")
    p = 1 / (1 + np.exp(-Z))
    classification = -positive * np.log(p) - (1 - positive) * np.log(1 - p)
    scale = np.maximum(softplus(Y), np.sqrt(1e-7))
    regression = positive[:, 0] * torch_log_normal(np.where(y > 0, y, 1), M, scale)
    mine = values(kl.ZeroInflatedLogNormalNLL(minimum=1e-12), y, beside(M, Y, Z))
    close(mine, classification[:, 0] + regression)


@row(
    kl.BetaNLL,
    'torch, TFP `-Beta(a, b).log_prob(y)` | `BetaNLL("identity")` on `[a, b]`; finite at 0 and 1',
)
def test_beta_of_torch():
    y = 1 / (1 + np.exp(-Y))
    # torch's, as a Dirichlet distribution of two.
    of = special.gammaln(MU) + special.gammaln(R) - special.gammaln(MU + R)
    theirs = of - (MU - 1) * np.log(y) - (R - 1) * np.log(1 - y)
    mine = kl.BetaNLL("identity")
    close(values(mine, y, beside(MU, R)), theirs[:, 0], rtol=2e-5)
    assert np.isfinite(values(mine, np.round(y), beside(MU, R))).all()


# --- counts --------------------------------------------------------------------------------


def log_nb_positive(x, mu, theta, eps=1e-8):
    """scvi-tools."""
    log_theta_mu_eps = np.log(theta + mu + eps)
    return (
        theta * (np.log(theta + eps) - log_theta_mu_eps)
        + x * (np.log(mu + eps) - log_theta_mu_eps)
        + special.gammaln(x + theta) - special.gammaln(theta) - special.gammaln(x + 1)
    )


@row(
    kl.NegativeBinomialNLL,
    'scvi-tools `-log_nb_positive(y, μ, θ)` | `NegativeBinomialNLL("identity")` on `[μ, θ]`',
)
def test_counts_of_scvi():
    mine = values(kl.NegativeBinomialNLL("identity"), COUNT, beside(MU, R))
    close(mine, -log_nb_positive(COUNT, MU, R)[:, 0])


@row(
    kl.NegativeBinomialNLL,
    "torch `-NegativeBinomial(n, logits=z).log_prob(y)` | the same on `[n·e^z, n]`",
)
def test_counts_of_torch():
    unnormalised = -R * softplus(Z) - COUNT * softplus(-Z)
    constant = special.gammaln(R + COUNT) - special.gammaln(1 + COUNT) - special.gammaln(R)
    mine = values(kl.NegativeBinomialNLL("identity"), COUNT, beside(R * np.exp(Z), R))
    close(mine, -(unnormalised + constant)[:, 0])


@row(
    kl.NegativeBinomialNLL,
    "GluonTS, for MXNet, `NegativeBinomial(μ, α)` | the same on `[μ, 1/α]`",
)
def test_counts_of_gluonts():
    alpha = 1 / R
    ll = (
        COUNT * np.log(alpha * MU / (1 + alpha * MU)) - np.log(1 + alpha * MU) / alpha
        + special.gammaln(COUNT + 1 / alpha) - special.gammaln(COUNT + 1)
        - special.gammaln(1 / alpha)
    )
    close(values(kl.NegativeBinomialNLL("identity"), COUNT, beside(MU, R)), -ll[:, 0])


@row(
    kl.ZeroInflatedPoissonNLL,
    "GluonTS, for MXNet, `ZeroInflatedPoisson(λ, p)` | "
    '`ZeroInflatedPoissonNLL("identity")` on `[λ, log(p/(1 - p))]`',
)
def test_zeros_of_gluonts():
    p = 1 / (1 + np.exp(-Z))
    zero = np.log(p + (1 - p) * np.exp(-MU))
    ll = np.where(COUNT == 0, zero, np.log(1 - p) + stats.poisson.logpmf(COUNT, MU))
    assert (COUNT == 0).any()
    mine = values(kl.ZeroInflatedPoissonNLL("identity"), COUNT, beside(MU, np.log(p / (1 - p))))
    close(mine, -ll[:, 0])


@row(
    kl.ZeroInflatedNegativeBinomialNLL,
    "scvi-tools `-log_zinb_positive(y, μ, θ, π)` | "
    '`ZeroInflatedNegativeBinomialNLL("identity")` on `[μ, θ, π]`',
)
def test_zeros_of_scvi():
    eps = 1e-8
    softplus_pi = softplus(-Z)
    log_theta_eps, log_theta_mu_eps = np.log(R + eps), np.log(R + MU + eps)
    pi_theta_log = -Z + R * (log_theta_eps - log_theta_mu_eps)
    case_zero = softplus(pi_theta_log) - softplus_pi
    case_non_zero = (
        -softplus_pi + pi_theta_log + COUNT * (np.log(MU + eps) - log_theta_mu_eps)
        + special.gammaln(COUNT + R) - special.gammaln(R) - special.gammaln(COUNT + 1)
    )
    ll = np.where(COUNT < eps, case_zero, case_non_zero)
    mine = values(kl.ZeroInflatedNegativeBinomialNLL("identity"), COUNT, beside(MU, R, Z))
    close(mine, -ll[:, 0])


# --- mixtures, ensembles, evidence ----------------------------------------------------------


@row(
    kl.GaussianMixtureNLL,
    "keras-mdn-layer `get_mixture_loss_func(K, M)` on `[m, s, π]` | "
    '`GaussianMixtureNLL(M, "identity")` on `[π, m, s]`',
)
def test_mixture_of_keras_mdn_layer():
    k, m = 2, 3
    y, logits = rng.normal(size=(5, k)), rng.normal(size=(5, m))
    mus, sigmas = rng.normal(size=(5, m * k)), rng.uniform(0.3, 2, size=(5, m * k))
    # tf.split into M pieces of K: component by component.
    each = [
        stats.norm.logpdf(y, mu, sigma).sum(-1)
        for mu, sigma in zip(np.split(mus, m, -1), np.split(sigmas, m, -1), strict=True)
    ]
    theirs = -special.logsumexp(log_softmax(logits) + np.stack(each, -1), axis=-1).mean()
    close(
        number(kl.GaussianMixtureNLL(m, "identity"), y, beside(logits, mus, sigmas)), theirs
    )


def crps_ensemble(y, members):
    """properscoring: the integral over the steps of the members' distribution function."""
    out = []
    for obs, forecasts in zip(y[:, 0], np.sort(members), strict=True):
        obs_cdf = forecast_cdf = previous = integral = 0
        for forecast in forecasts:
            if obs_cdf == 0 and obs < forecast:
                integral += (obs - previous) * forecast_cdf**2
                integral += (forecast - obs) * (forecast_cdf - 1) ** 2
                obs_cdf = 1
            else:
                integral += (forecast - previous) * (forecast_cdf - obs_cdf) ** 2
            forecast_cdf += 1 / len(forecasts)
            previous = forecast
        out.append(integral + (obs - forecasts[-1] if obs_cdf == 0 else 0))
    return np.array(out)


@row(kl.EnsembleCRPS, "properscoring `crps_ensemble(y, x)` | `EnsembleCRPS(0)`")
def test_ensemble_of_properscoring():
    close(values(kl.EnsembleCRPS(0), Y, MEMBERS), crps_ensemble(Y, MEMBERS))


@row(
    kl.EnsembleCRPS,
    'scoringrules `crps_ensemble(y, x)`, `estimator="fair"` | `EnsembleCRPS()`',
)
def test_fair_ensemble_of_scoringrules():
    n = MEMBERS.shape[-1]
    x = np.sort(MEMBERS)
    closeness = np.abs(Y - x).sum(-1) / n
    pwm = closeness + x.sum(-1) / n - 2 * (x * np.arange(n)).sum(-1) / (n * (n - 1))
    apart = np.abs(x[:, :, None] - x[:, None]).sum((1, 2))
    mine = values(kl.EnsembleCRPS(), Y, MEMBERS)
    close(mine, pwm)
    close(mine, closeness - 0.5 * apart / (n * (n - 1)))


@row(
    kl.EnsembleCRPS,
    'scoringrules `crps_ensemble(y, x, estimator="nrg")` | `EnsembleCRPS(0)`',
)
def test_ensemble_of_scoringrules():
    n = MEMBERS.shape[-1]
    apart = np.abs(MEMBERS[:, :, None] - MEMBERS[:, None]).sum((1, 2)) / n**2
    theirs = np.abs(Y - MEMBERS).sum(-1) / n - 0.5 * apart
    close(values(kl.EnsembleCRPS(0), Y, MEMBERS), theirs)


@row(kl.EnsembleCRPS, "anemoi `AlmostFairKernelCRPS(alpha=f)` | `EnsembleCRPS(f)`")
def test_almost_fair_ensemble_of_anemoi():
    n, alpha = MEMBERS.shape[-1], 0.95
    epsilon = (1 - alpha) / n
    apart = np.abs(MEMBERS[:, :, None] - MEMBERS[:, None])
    error = np.repeat(np.abs(MEMBERS - Y)[:, None], n, axis=1) * ~np.eye(n, dtype=bool)
    summed = (error + np.swapaxes(error, 1, 2) - (1 - epsilon) * apart).sum((1, 2))
    close(values(kl.EnsembleCRPS(alpha), Y, MEMBERS), summed / (2 * n * (n - 1)))


@row(
    kl.EvidentialRegression,
    "Amini's `evidential_regression(y, [γ, ν, α, β], w)`, whose w is 1 by default | "
    '`EvidentialRegression("identity", weight=w)` on `[γ, ν, α - 1, β]`',
)
def test_evidence_of_amini():
    gamma, v, alpha, beta, w = M, S, 1 + R, MU, 0.3
    two = 2 * beta * (1 + v)
    nll = (
        0.5 * np.log(np.pi / v) - alpha * np.log(two)
        + (alpha + 0.5) * np.log(v * (Y - gamma) ** 2 + two)
        + special.gammaln(alpha) - special.gammaln(alpha + 0.5)
    )
    theirs = nll.mean() + w * (np.abs(Y - gamma) * (2 * v + alpha)).mean()
    mine = number(
        kl.EvidentialRegression("identity", weight=w), Y, beside(gamma, v, alpha - 1, beta)
    )
    close(mine, theirs)
