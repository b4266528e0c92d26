"""Numbers that others have published, found again on the data that ship with their packages."""

import numpy as np
import pytest
from keras import ops
from lifelines.datasets import load_rossi
from scipy import optimize
from statsmodels import api as statsmodels
from statsmodels.discrete import count_model

import keras_losskit as kl
from tests.backends import value_and_gradient, wide
from tests.declared import gradients


def least(loss, y_true, outputs, start):
    """Where a loss is least over parameters, and its value there, in float64.

    `outputs(w)` is y_pred as a tensor, of the parameters as a tensor.
    """
    with wide():
        at = gradients(lambda w: loss(y_true, outputs(w)))

        def step(w):
            value, gradient = at(w)
            return float(value), np.asarray(gradient, "float64")

        found = optimize.minimize(step, start, jac=True, method="BFGS", options={"gtol": 1e-9})
        value, gradient = step(found.x)
        assert np.abs(gradient).max() < 1e-5
    return found.x, value


# --- Cox on Rossi's data of recidivism (432 men, 114 arrests) ---------------------------------

COVARIATES = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
# Allison, *Survival Analysis Using SAS* (1995); Fox, *Cox Proportional-Hazards Regression for
# Survival Data* (2002), https://socialsciences.mcmaster.ca/jfox/Books/Companion-1E
ROSSI = {
    "efron": (-658.748, [-0.37942, -0.05744, 0.31390, -0.14980, -0.43370, -0.08487, 0.09150]),
    "breslow": (-659.121, None),
}


@pytest.mark.parametrize("ties", ROSSI)
def test_cox_on_rossi(ties):
    data = load_rossi()
    x = data[COVARIATES].to_numpy("float64")
    x = x - x.mean(0)
    y = data[["week", "arrest"]].to_numpy("float64")
    loss = kl.CoxPartialLikelihood(ties, reduction="sum", dtype="float64")
    with wide():
        rows = ops.convert_to_tensor(x)
    w, value = least(loss, y, lambda w: rows @ w[:, None], np.zeros(7))
    likelihood, coefficients = ROSSI[ties]
    assert round(-value, 3) == likelihood
    if coefficients is not None:
        np.testing.assert_allclose(w, coefficients, atol=5e-5)


# --- quantile regression on Engel's data of food expenditure -----------------------------------

# Koenker, Bassett, *Robust Tests for Heteroscedasticity* (1982), as in statsmodels and quantreg.
ENGEL = {0.05: 0.3434, 0.5: 0.5602, 0.95: 0.7091}


@pytest.mark.parametrize("tau", ENGEL)
def test_quantiles_on_engel(tau):
    """The slope is least for the kit's loss: no step of it, or of the intercept, is better."""
    data = statsmodels.datasets.engel.load_pandas().data
    x, y = data["income"].to_numpy(), data["foodexp"].to_numpy()[:, None]
    fitted = statsmodels.QuantReg(y, statsmodels.add_constant(x)).fit(q=tau)
    a, b = fitted.params
    assert round(float(b), 4) == ENGEL[tau]
    loss = kl.Pinball(tau, reduction="sum", dtype="float64")

    def at(a, b):
        with wide():
            return float(loss(y, (a + b * x)[:, None]))

    here = at(a, b)
    for way in np.linspace(0, 2 * np.pi, 24, endpoint=False):
        for size in (1e-2, 1e-3):
            step = size * np.array([np.cos(way) * 1e3, np.sin(way)])
            assert at(a + step[0], b + step[1]) > here - 1e-6
    # The line goes through two of the points, where the slope of the loss jumps past 0.
    assert (abs(y[:, 0] - a - b * x) < 1e-2).sum() >= 2


# --- counts, on the data of statsmodels --------------------------------------------------------


def designs():
    data = statsmodels.datasets.randhie.load_pandas()
    x = data.exog.to_numpy("float64")[:2000, [0, 1, 5]]
    x = statsmodels.add_constant((x - x.mean(0)) / x.std(0))
    return x, data.endog.to_numpy("float64")[:2000, None]


def test_negative_binomial_of_statsmodels():
    """Visits to doctors (RAND): likelihood and coefficients of `NegativeBinomial`."""
    x, y = designs()
    fitted = statsmodels.NegativeBinomial(y[:, 0], x).fit(disp=0, method="bfgs", maxiter=200)
    loss = kl.NegativeBinomialNLL("exp", 1e-12, reduction="sum", dtype="float64")
    with wide():
        rows = ops.convert_to_tensor(x)

    def outputs(w):  # log μ, and log r = -log of the dispersion.
        return ops.concatenate([rows @ w[:-1, None], w[-1] + 0 * rows[:, :1]], axis=-1)

    start = np.append(np.zeros(4), 0.0)
    w, value = least(mean_of(loss, len(y)), y, outputs, start)
    np.testing.assert_allclose(-value * len(y), fitted.llf, rtol=1e-7)
    np.testing.assert_allclose(w[:-1], fitted.params[:-1], atol=1e-3)
    np.testing.assert_allclose(np.exp(-w[-1]), fitted.params[-1], rtol=1e-3)


def test_zero_inflated_poisson_of_statsmodels():
    x, y = designs()
    model = count_model.ZeroInflatedPoisson(y[:, 0], x, exog_infl=np.ones((len(y), 1)))
    fitted = model.fit(disp=0, method="bfgs", maxiter=200)
    loss = kl.ZeroInflatedPoissonNLL("exp", 1e-12, reduction="sum", dtype="float64")
    with wide():
        rows = ops.convert_to_tensor(x)

    def outputs(w):
        return ops.concatenate([rows @ w[1:, None], w[0] + 0 * rows[:, :1]], axis=-1)

    w, value = least(mean_of(loss, len(y)), y, outputs, np.zeros(5))
    np.testing.assert_allclose(-value * len(y), fitted.llf, rtol=1e-7)
    np.testing.assert_allclose(w, fitted.params, atol=1e-3)


def mean_of(loss, n):
    """The loss over a number, so that its gradient is of a size of 1."""
    return lambda y_true, y_pred: loss(y_true, y_pred) / n


def test_the_gradient_vanishes_at_the_fit_of_others():
    """`value_and_gradient` of a plain mean: the sample's moments are the normal's optimum."""
    y = statsmodels.datasets.engel.load_pandas().data["foodexp"].to_numpy()[:, None] / 100
    row = np.repeat([[y.mean(), y.std()]], len(y), 0)
    with wide():
        loss = kl.GaussianNLL("identity", dtype="float64")
        _, gradient = value_and_gradient(lambda p: loss(y, p), row)
    assert np.abs(gradient.sum(0)).max() < 1e-12
