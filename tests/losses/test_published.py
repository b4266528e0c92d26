"""Numbers that others have published, found again on the data that ship with their packages."""

import numpy as np
import pytest
from keras import ops
from lifelines.datasets import load_rossi
from scipy import optimize
from sklearn import datasets, linear_model, svm
from statsmodels import api as statsmodels
from statsmodels.discrete import count_model

import keras_losskit as kl
from tests.backends import value_and_gradient, wide
from tests.declared import gradients, jitted


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


def optimal(slopes, rows, ties, low, high, penalty=0.0):
    """Whether 0 is a subgradient: Σ slope_i·x_i + Σ_ties λ_i·x_i + penalty, low <= λ <= high.

    `slopes` are the loss's where it has one; `ties` marks the kinks.
    """
    pull = rows[~ties].T @ slopes[~ties] + penalty
    found = optimize.lsq_linear(rows[ties].T, -pull, (low, high), tol=1e-14)
    size = np.abs(rows).T @ np.ones(len(rows))
    return np.abs(found.fun / size).max() < 1e-7


def slopes_of(loss, y, outputs):
    """dloss/dy_pred of each row, in float64."""
    with wide():
        _, slopes = value_and_gradient(lambda p: loss(y, p), outputs)
    return slopes[:, 0]


@pytest.mark.parametrize("tau", ENGEL)
def test_quantiles_on_engel(tau):
    """Fitted by the loss's value alone, from least squares on; then 0 is a subgradient there."""
    data = statsmodels.datasets.engel.load_pandas().data
    rows = statsmodels.add_constant(data["income"].to_numpy()) / [1, 1000]
    y = data["foodexp"].to_numpy()[:, None] / 1000
    loss = kl.Pinball(tau, dtype="float64")
    with wide():
        income = ops.convert_to_tensor(rows)
        value = jitted(lambda w: loss(y, income @ w[:, None]))
        w = np.linalg.lstsq(rows, y[:, 0], rcond=None)[0]
        for _ in range(4):  # A simplex that has collapsed starts again.
            w = optimize.minimize(
                lambda w: float(value(ops.convert_to_tensor(w))), w, method="Nelder-Mead",
                options={"xatol": 1e-10, "fatol": 1e-14},
            ).x
    assert round(float(w[1]), 4) == ENGEL[tau]
    fitted = statsmodels.QuantReg(y[:, 0], rows).fit(q=tau, p_tol=1e-10, max_iter=5000)
    np.testing.assert_allclose(w, fitted.params, rtol=2e-4)
    off = np.abs(y[:, 0] - rows @ w)
    ties = off <= np.sort(off)[1]  # The line goes through two of the points.
    assert off[ties].max() < 1e-6
    slopes = slopes_of(kl.Pinball(tau, reduction="sum", dtype="float64"), y, (rows @ w)[:, None])
    assert optimal(slopes, rows, ties, -tau, 1 - tau)


# --- linear models of scikit-learn: stationary points of the kit's losses -----------------------


def regression():
    """Progression of diabetes, of a size of 1, by ten covariates."""
    x, y = datasets.load_diabetes(return_X_y=True)
    return x[:200] * 20, y[:200] / 100


def tumours():
    x, y = datasets.load_breast_cancer(return_X_y=True)
    return ((x - x.mean(0)) / x.std(0))[:300, :8], y[:300]


def flowers():
    x, y = datasets.load_iris(return_X_y=True)
    return x - x.mean(0), y


def linear(estimator, loss, scale=1.0, penalty=0.0, data=regression, log=False):
    """A smooth case: what is minimised is scale·Σ loss + penalty/2·|coefficients|²."""
    return estimator, loss, scale, penalty, data, log


SMOOTH = {
    "LinearRegression": lambda: linear(linear_model.LinearRegression(), kl.MeanSquaredError()),
    "Ridge": lambda: linear(
        linear_model.Ridge(alpha=3.0, solver="cholesky"), kl.MeanSquaredError(), penalty=2 * 3.0
    ),
    "PoissonRegressor": lambda: linear(
        linear_model.PoissonRegressor(alpha=0.02, solver="newton-cholesky", tol=1e-12),
        kl.Poisson(log_rate=True), 1 / 200, 0.02,
    ),
    "GammaRegressor": lambda: linear(
        linear_model.GammaRegressor(alpha=0.02, solver="newton-cholesky", tol=1e-12),
        kl.GammaDeviance(), 0.5 / 200, 0.02, log=True,
    ),
    "TweedieRegressor": lambda: linear(
        linear_model.TweedieRegressor(
            power=1.3, alpha=0.02, link="log", solver="newton-cholesky", tol=1e-12
        ),
        kl.Tweedie(power=1.3), 1 / 200, 0.02, log=True,
    ),
    "LogisticRegression": lambda: linear(
        linear_model.LogisticRegression(C=0.7, solver="newton-cholesky", tol=1e-12),
        kl.BinaryCrossentropy(from_logits=True), 0.7, 1.0, tumours,
    ),
    "LogisticRegression of three": lambda: linear(
        linear_model.LogisticRegression(C=0.7, tol=1e-10, max_iter=5000),
        kl.CategoricalCrossentropy(from_logits=True), 0.7, 1.0, flowers,
    ),
    "LinearSVC": lambda: linear(
        svm.LinearSVC(
            C=0.1, loss="squared_hinge", fit_intercept=False, tol=1e-10, max_iter=100000
        ),
        kl.SquaredHinge(), 0.1, 1.0, tumours,
    ),
}


def fit(estimator, x, y):
    """The estimator, and its coefficients `(features, outputs)` and intercepts."""
    estimator.fit(x, y)
    coefficients = np.reshape(estimator.coef_, (-1, x.shape[1])).T
    return coefficients, np.reshape(estimator.intercept_, (-1,))


def gradient_at(case, coefficients, intercept):
    """By coefficients and intercepts, of all that the estimator minimises."""
    estimator, loss, scale, penalty, data, log = case
    x, y = data()
    loss = type(loss).from_config({**loss.get_config(), "reduction": "sum", "dtype": "float64"})
    raw = x @ coefficients + intercept
    y = y[:, None] if raw.shape[1] == 1 else y
    with wide():
        _, by_raw = value_and_gradient(
            lambda z: loss(y, ops.exp(z) if log else z), np.ascontiguousarray(raw)
        )
    by_coefficients = scale * x.T @ by_raw + penalty * coefficients
    by_intercept = scale * by_raw.sum(0) if getattr(estimator, "fit_intercept", True) else 0.0
    return np.append(by_coefficients.ravel(), by_intercept)


@pytest.mark.parametrize("name", SMOOTH)
def test_scikit_learn_stops_where_the_gradient_is_0(name):
    case = SMOOTH[name]()
    coefficients, intercept = fit(case[0], *case[4]())
    start = gradient_at(case, 0 * coefficients, 0 * intercept)
    here = gradient_at(case, coefficients, intercept)
    assert np.abs(here).max() < 1e-7 * np.abs(start).max()
    near = gradient_at(case, 1.001 * coefficients, intercept)
    assert np.abs(near).max() > 1e-5 * np.abs(start).max()


def test_huber_regressor():
    """It learns a scale σ too: of Σ (σ + 2·Huber(εσ)/σ) + α·|w|²."""
    x, y = regression()
    model = linear_model.HuberRegressor(epsilon=1.2, alpha=0.1, tol=1e-12, max_iter=10000)
    coefficients, intercept = fit(model, x, y)
    loss = kl.Huber(1.2 * model.scale_)
    case = linear(model, loss, 2 / model.scale_, 2 * 0.1)
    start = gradient_at(case, 0 * coefficients, 0 * intercept)
    here = gradient_at(case, coefficients, intercept)
    assert np.abs(here).max() < 1e-5 * np.abs(start).max()
    # By σ: n·(1 - …) of the kit's loss, whose δ is εσ.
    off = (x @ coefficients + intercept)[:, 0] - y
    with wide():
        of_scale = [
            float(
                2 / s * kl.Huber(1.2 * s, reduction="sum", dtype="float64")(off * 0, off)
            ) + len(y) * s
            for s in model.scale_ * np.array([1 - 1e-4, 1, 1 + 1e-4])
        ]
    assert of_scale[1] < min(of_scale[0], of_scale[2])


def test_quantile_regressor():
    x, y = regression()
    model = linear_model.QuantileRegressor(quantile=0.3, alpha=0.0)
    coefficients, intercept = fit(model, x, y)
    rows, p = np.c_[x, np.ones(len(x))], x @ coefficients + intercept
    ties = np.abs(y - p[:, 0]) < 1e-8
    assert ties.sum() == rows.shape[1]  # A plane through as many points as it has coefficients.
    slopes = slopes_of(kl.Pinball(0.3, reduction="sum", dtype="float64"), y[:, None], p)
    assert optimal(slopes, rows, ties, -0.3, 0.7)
    assert not optimal(np.where(slopes > 0, 0.8, -0.2), rows, ties, -0.2, 0.8)


def test_linear_svr():
    x, y = regression()
    model = svm.LinearSVR(C=0.05, epsilon=0.4, fit_intercept=False, tol=1e-12, max_iter=1000000)
    coefficients, _ = fit(model, x, y)
    p = x @ coefficients
    off = p[:, 0] - y
    ties = np.abs(np.abs(off) - 0.4) < 1e-6
    loss = kl.EpsilonInsensitive(0.4, reduction="sum", dtype="float64")
    slopes = 0.05 * slopes_of(loss, y[:, None], p)
    # Of the ties each has a slope between 0 and its sign.
    rows = x * np.where(ties, np.sign(off), 1)[:, None]
    assert 0 < ties.sum() <= x.shape[1]
    assert optimal(slopes, rows, ties, 0, 0.05, penalty=coefficients[:, 0])
    assert not optimal(slopes, rows, ties, 0, 0.05, penalty=1.1 * coefficients[:, 0])


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


def test_zero_inflated_negative_binomial_of_statsmodels():
    """Affairs (Fair 1978), of which two thirds had none; what inflates depends on age and faith."""
    data = statsmodels.datasets.fair.load_pandas().data[::6]
    y = np.ceil(data["affairs"].to_numpy("float64"))[:, None]
    x = data[["age", "religious"]].to_numpy("float64")
    x = statsmodels.add_constant((x - x.mean(0)) / x.std(0))
    model = count_model.ZeroInflatedNegativeBinomialP(y[:, 0], x, exog_infl=x)
    fitted = model.fit(disp=0, method="bfgs", maxiter=500, gtol=1e-7)
    loss = kl.ZeroInflatedNegativeBinomialNLL("exp", 1e-12, reduction="sum", dtype="float64")
    with wide():
        rows = ops.convert_to_tensor(x)

    def outputs(w):  # log μ, log r, and the gate's logit.
        parts = [rows @ w[3:6, None], w[6] + 0 * rows[:, :1], rows @ w[:3, None]]
        return ops.concatenate(parts, axis=-1)

    w, value = least(mean_of(loss, len(y)), y, outputs, np.zeros(7))
    np.testing.assert_allclose(-value * len(y), fitted.llf, rtol=1e-7)
    np.testing.assert_allclose(w[:6], fitted.params[:6], atol=2e-3)
    np.testing.assert_allclose(np.exp(-w[6]), fitted.params[6], rtol=1e-3)


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
