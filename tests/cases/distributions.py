"""Cases of the distributions, against SciPy's densities and sums in loops."""

import math

import numpy as np
from scipy import integrate, stats

import keras_losskit as kl
from tests.cases.case import Case, is_missing

rng = np.random.default_rng(20240911)

SHAPE = (4, 3, 2)
REAL = rng.normal(size=SHAPE)
POSITIVE = np.exp(rng.normal(size=SHAPE))
AMOUNTS = np.where(rng.random(SHAPE) < 0.4, 0, POSITIVE)
COUNTS = np.array([0, 3, 1, 0, 7, 2] * 4, "float64").reshape(SHAPE)
SHARES = rng.uniform(0.02, 0.98, size=SHAPE)


def raw(blocks):
    return rng.normal(size=(*SHAPE[:-1], blocks * SHAPE[-1]))


def linked(raw, link, minimum):
    """A raw output as a positive number."""
    if link == "identity":
        return max(raw, minimum)
    return (math.exp(raw) if link == "exp" else math.log1p(math.exp(raw))) + minimum


def blocked(element, blocks):
    """Values from a function of one target and its parameters, which lie K apart."""

    def values(y_true, y_pred, missing=None, **options):
        k = y_true.shape[-1]
        entries = np.zeros(y_true.shape)
        for i in np.ndindex(*y_true.shape):
            if missing is None or not is_missing(y_true[i], missing):
                own = [float(y_pred[(*i[:-1], i[-1] + b * k)]) for b in range(blocks)]
                entries[i] = element(float(y_true[i]), *own, **options)
        return entries if missing is not None else entries.sum(-1) / k

    return values


def gaussian(y, m, s, link, minimum, beta):
    s = linked(s, link, minimum)
    return -stats.norm.logpdf(y, m, s) * s ** (2 * beta)


def laplace(y, m, s, link, minimum):
    return -stats.laplace.logpdf(y, m, linked(s, link, minimum))


def student(y, m, s, v=None, *, link, minimum, degrees_of_freedom):
    degrees = 2 + math.log1p(math.exp(v)) if v is not None else degrees_of_freedom
    return -stats.t.logpdf(y, degrees, m, linked(s, link, minimum))


def log_normal(y, m, s, link, minimum):
    return -stats.lognorm.logpdf(y, linked(s, link, minimum), scale=math.exp(m))


def zero_inflated_log_normal(y, m, s, g, link, minimum):
    p = 1 / (1 + math.exp(-g))
    return -math.log(p) + log_normal(y, m, s, link, minimum) if y > 0 else -math.log(1 - p)


def beta(y, a, b, link, minimum, epsilon):
    y = min(max(y, epsilon), 1 - epsilon)
    return -stats.beta.logpdf(y, linked(a, link, minimum), linked(b, link, minimum))


def negative_binomial(y, mean, r, link, minimum):
    mean, r = linked(mean, link, minimum), linked(r, link, minimum)
    return -stats.nbinom.logpmf(y, r, r / (r + mean))


def inflated(y, g, log_f):
    p = 1 / (1 + math.exp(-g))
    return -math.log(p * (y == 0) + (1 - p) * math.exp(log_f))


def zero_inflated_poisson(y, rate, g, link, minimum):
    return inflated(y, g, stats.poisson.logpmf(y, linked(rate, link, minimum)))


def zero_inflated_negative_binomial(y, mean, r, g, link, minimum):
    return inflated(y, g, -negative_binomial(y, mean, r, link, minimum))


def gaussian_crps(y, m, s, link, minimum):
    """∫(F(x) - 1[x >= y])² dx, by quadrature."""
    s = linked(s, link, minimum)

    def below(x):
        return stats.norm.cdf(x, m, s) ** 2

    def above(x):
        return stats.norm.sf(x, m, s) ** 2

    left = integrate.quad(below, min(y, m) - 12 * s, y, epsabs=1e-13, epsrel=1e-12)[0]
    return left + integrate.quad(above, y, max(y, m) + 12 * s, epsabs=1e-13, epsrel=1e-12)[0]


def evidential(y, m, v, a, b, link, minimum, weight):
    v, b = linked(v, link, minimum), linked(b, link, minimum)
    a = 1 + linked(a, link, minimum)
    scale = math.sqrt(b * (1 + v) / (v * a))
    return -stats.t.logpdf(y, 2 * a, m, scale) + weight * abs(y - m) * (2 * v + a)


def mixture(y_true, y_pred, components, link, minimum):
    m, k = components, y_true.shape[-1]
    out = np.zeros(y_true.shape[:-1])
    for i in np.ndindex(*out.shape):
        row, density = y_pred[i], 0.0
        shares = np.exp(row[:m]) / np.exp(row[:m]).sum()
        for c in range(m):
            part = shares[c]
            for j in range(k):
                location, scale = row[m + c * k + j], row[m + m * k + c * k + j]
                part *= stats.norm.pdf(y_true[i][j], location, linked(scale, link, minimum))
            density += part
        out[i] = -math.log(density)
    return out


def ensemble(y_true, y_pred, fairness, missing=None):
    """The members' columns one after the other, or on an axis of their own."""
    k = y_true.shape[-1]
    if y_pred.ndim == y_true.ndim:
        y_pred = np.stack(np.split(y_pred, y_pred.shape[-1] // k, axis=-1), axis=-1)
    m, entries = y_pred.shape[-1], np.zeros(y_true.shape)
    for i in np.ndindex(*entries.shape):
        if missing is not None and is_missing(y_true[i], missing):
            continue
        x = y_pred[i]
        pairs = sum(abs(x[a] - x[b]) for a in range(m) for b in range(a))
        entries[i] = sum(abs(x - y_true[i])) / m
        if m > 1:
            entries[i] -= (1 - (1 - fairness) / m) * pairs / (m * (m - 1))
    return entries if missing is not None else entries.sum(-1) / k


def gappy(y_true, missing):
    """Targets of which all of one row, and one of another, are unknown."""
    y_true = y_true.copy()
    y_true[0, 1] = y_true[2, 0, 1] = y_true[3, 2, 0] = math.nan if missing == "nan" else missing
    return y_true


def cases(loss, y_true, blocks, element, link="exp", missing="nan", **options):
    """One with every option off its default, one with targets missing."""
    reference = blocked(element, blocks)
    own = {"link": link, "minimum": 0.5, **options}
    y_pred = np.abs(raw(blocks)) + 0.1 if link == "identity" else raw(blocks)
    first = Case(loss, own, y_true, y_pred, reference, detached=bool(own.get("beta")))
    plain = {**own, "link": "softplus", "missing": missing}
    if "beta" in own:
        plain["beta"] = 0.0
    gaps = gappy(y_true, missing)
    return [first, Case(loss, plain, gaps, raw(blocks), reference, label="missing")]


CASES = [
    *cases(kl.GaussianNLL, REAL, 2, gaussian, beta=0.5),
    *cases(kl.LaplaceNLL, REAL, 2, laplace),
    *cases(kl.StudentTNLL, REAL, 2, student, degrees_of_freedom=2.5),
    Case(
        kl.StudentTNLL, {"link": "softplus", "minimum": 0.01, "degrees_of_freedom": None}, REAL,
        raw(3), blocked(student, 3), label="learned",
    ),
    *cases(kl.LogNormalNLL, POSITIVE, 2, log_normal),
    *cases(kl.BetaNLL, SHARES, 2, beta, missing=-1, epsilon=0.05),
    *cases(kl.NegativeBinomialNLL, COUNTS, 2, negative_binomial, missing=-1),
    *cases(kl.ZeroInflatedPoissonNLL, COUNTS, 2, zero_inflated_poisson),
    *cases(kl.ZeroInflatedNegativeBinomialNLL, COUNTS, 3, zero_inflated_negative_binomial),
    *cases(kl.ZeroInflatedLogNormalNLL, AMOUNTS, 3, zero_inflated_log_normal),
    *cases(kl.GaussianCRPS, REAL, 2, gaussian_crps),
    *cases(kl.EvidentialRegression, REAL, 4, evidential, link="identity", weight=0.3),
    Case(
        kl.GaussianMixtureNLL, {"components": 3, "link": "exp", "minimum": 0.01}, REAL,
        rng.normal(size=(4, 3, 3 * 5)), mixture,
    ),
    Case(kl.EnsembleCRPS, {"fairness": 0.95}, REAL, rng.normal(size=(4, 3, 10)), ensemble),
    Case(
        kl.EnsembleCRPS, {"fairness": 0.5, "missing": "nan"}, gappy(REAL, "nan"),
        rng.normal(size=(*SHAPE, 4)), ensemble, label="missing",
    ),
]

BAD_OPTIONS = {
    "link": ("log", None, 1),
    "minimum": (0, -1.0, math.inf),
    "beta": (-0.1, 1.5),
    "degrees_of_freedom": (0, -2.0),
    "epsilon": (0, 0.5),
    "weight": (-1.0,),
    "components": (0, 1.5),
    "fairness": (-0.1, 1.1),
    "missing": ("NaN", math.inf, True),
}
