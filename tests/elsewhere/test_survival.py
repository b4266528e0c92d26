"""The rows of the survival losses: lifelines and statsmodels themselves, the others' formulas."""

import lifelines
import numpy as np
import pandas
from scipy import special
from statsmodels.duration.hazard_regression import PHReg

import keras_losskit as kl
from tests.elsewhere.rows import close, number, row, softmax, values

rng = np.random.default_rng(19)
N = 30
TIME = rng.integers(1, 12, N).astype("float64")  # With ties.
APART = rng.permutation(N) + 1.0  # Without.
EVENT = (rng.random(N) < 0.6).astype("float64")
X = rng.normal(size=(N, 2))
H = rng.normal(size=(N, 1))
INDEX = rng.integers(0, 5, N)
LOGITS = rng.normal(size=(N, 5))


def targets(time, event=EVENT):
    return np.stack([time, event], axis=-1)


def softplus(x):
    return np.logaddexp(x, 0)


# --- Cox ---------------------------------------------------------------------------------


@row(
    kl.CoxPartialLikelihood,
    "minus lifelines' `CoxPHFitter().fit(…).log_likelihood_` | "
    '`CoxPartialLikelihood(reduction="sum")`',
)
def test_cox_of_lifelines():
    table = pandas.DataFrame({"a": X[:, 0], "b": X[:, 1], "time": TIME, "event": EVENT})
    fitted = lifelines.CoxPHFitter().fit(table, "time", "event")
    h = X @ fitted.params_.to_numpy()[:, None]
    close(number(kl.CoxPartialLikelihood(reduction="sum"), targets(TIME), h),
          -fitted.log_likelihood_)


@row(
    kl.CoxPartialLikelihood,
    "minus statsmodels' `PHReg(…).loglike(w)` | "
    '`CoxPartialLikelihood("breslow", reduction="sum")`',
)
def test_cox_of_statsmodels():
    w = np.array([0.3, -0.8])
    theirs = PHReg(TIME, X, status=EVENT).loglike(w)
    mine = number(
        kl.CoxPartialLikelihood("breslow", reduction="sum"), targets(TIME), X @ w[:, None]
    )
    close(mine, -theirs)


def torchsurv_cox(h, event, time):
    """Efron's terms, one for each distinct time of an event; without ties one for each event."""
    terms = []
    for t in np.unique(time):
        at, risk = h[(time == t) & (event == 1)], np.exp(h[time >= t]).sum()
        if len(at):
            gone = [np.log(risk - r / len(at) * np.exp(at).sum()) for r in range(len(at))]
            terms.append(sum(gone) - at.sum())
    return np.array(terms)


@row(
    kl.CoxPartialLikelihood,
    "torchsurv `neg_partial_log_likelihood(h, event, time)` | `CoxPartialLikelihood()`, a mean "
    "over events; there, of tied ones, over times",
)
def test_cox_of_torchsurv():
    close(number(kl.CoxPartialLikelihood(), targets(APART), H),
          torchsurv_cox(H[:, 0], EVENT, APART).mean())
    terms = torchsurv_cox(H[:, 0], EVENT, TIME)
    assert len(terms) < EVENT.sum()
    close(number(kl.CoxPartialLikelihood(), targets(TIME), H), terms.sum() / EVENT.sum())


def pycox_cox(log_h, durations, events, eps=1e-7):
    order = np.argsort(-durations, kind="stable")
    events, log_h = events[order], log_h[order]
    gamma = log_h.max()
    log_cumsum_h = np.log(np.exp(log_h - gamma).cumsum() + eps) + gamma
    return -((log_h - log_cumsum_h) * events).sum() / events.sum()


@row(
    kl.CoxPartialLikelihood,
    "pycox `cox_ph_loss(h, time, event)` | `CoxPartialLikelihood()`; there ties are ordered by "
    "chance",
)
def test_cox_of_pycox():
    mine = number(kl.CoxPartialLikelihood(), targets(APART), H)
    close(mine, pycox_cox(H[:, 0], APART, EVENT))
    back = slice(None, None, -1)
    one, other = pycox_cox(H[:, 0], TIME, EVENT), pycox_cox(H[back, 0], TIME[back], EVENT[back])
    assert abs(one - other) > 1e-3
    mine = [
        number(kl.CoxPartialLikelihood(), targets(TIME[order], EVENT[order]), H[order])
        for order in (slice(None), back)
    ]
    close(*mine)


# --- intervals ----------------------------------------------------------------------------


@row(
    kl.DiscreteTimeHazard, "pycox `nll_logistic_hazard(z, index, event)` | `DiscreteTimeHazard()`"
)
def test_hazards_of_pycox():
    y = np.zeros_like(LOGITS)
    y[np.arange(N), INDEX] = EVENT
    bce = softplus(LOGITS) - y * LOGITS
    theirs = bce.cumsum(1)[np.arange(N), INDEX]
    close(values(kl.DiscreteTimeHazard(), targets(INDEX), LOGITS), theirs)


def surv_array(times, events, breaks):
    """nnet-survival's `make_surv_array`."""
    n = len(breaks) - 1
    middle = breaks[:-1] + 0.5 * np.diff(breaks)
    out = np.zeros((len(times), 2 * n))
    for i, (t, event) in enumerate(zip(times, events, strict=True)):
        if event:
            out[i, :n] = t >= breaks[1:]
            if t < breaks[-1]:
                out[i, n + np.where(t < breaks[1:])[0][0]] = 1
        else:
            out[i, :n] = t >= middle
    return out


@row(
    kl.DiscreteTimeHazard,
    "nnet-survival `surv_likelihood(T)`, `breaks`, of 1 - hazard | `DiscreteTimeHazard(breaks)` "
    "of logits; there who is censored before the middle of an interval is not credited with it",
)
def test_hazards_of_nnet_survival():
    breaks = np.array([0.0, 2, 3, 6, 8, 11])
    n = len(breaks) - 1
    y, survived = surv_array(TIME, EVENT, breaks), 1 / (1 + np.exp(LOGITS))
    uncensored = 1 - y[:, n:] * survived
    theirs = -np.log(np.concatenate([1 + y[:, :n] * (survived - 1), uncensored], -1)).sum(-1)
    mine = values(kl.DiscreteTimeHazard(list(breaks)), targets(TIME), LOGITS)
    at = np.searchsorted(breaks, TIME, side="right") - 1
    inside = at < n
    middle = breaks[np.minimum(at, n - 1)] + 0.5 * np.diff(breaks)[np.minimum(at, n - 1)]
    early = (EVENT == 0) & inside & (TIME < middle)
    assert early.any() and (EVENT == 0)[~early].any()
    close(mine[~early], theirs[~early])
    credit = softplus(LOGITS[np.arange(N), np.minimum(at, n - 1)])
    close(mine[early], (theirs + credit)[early])


def padded(phi):
    """pycox's `pad_col`: one logit of 0 more."""
    return np.concatenate([phi, np.zeros((len(phi), 1))], axis=1)


@row(
    kl.DeepHit,
    "pycox `nll_pmf(z, index, event)`, of causes `nll_pmf_cr` | `DeepHit(alpha=1)`, "
    "`DeepHit(alpha=1, causes=C)`",
)
def test_probabilities_of_pycox():
    phi, rows, eps = padded(LOGITS), np.arange(N), 1e-7
    gamma = phi.max(1)
    cumsum = np.exp(phi - gamma[:, None]).cumsum(1)
    part1 = (phi[rows, INDEX] - gamma) * EVENT
    part2 = -np.log(cumsum[:, -1] + eps)
    part3 = np.log(cumsum[:, -1] - cumsum[rows, INDEX] + eps) * (1 - EVENT)
    theirs = -(part1 + part2 + part3)
    close(values(kl.DeepHit(alpha=1), targets(INDEX), LOGITS), theirs)

    cause = np.where(EVENT > 0, rng.integers(1, 3, N), 0)
    both = rng.normal(size=(N, 2, 5))
    pmf = softmax(padded(both.reshape(N, -1)))[:, :-1].reshape(both.shape)
    seen = np.log(pmf[rows, cause - 1, INDEX] + eps)
    left = np.log(1 - pmf.cumsum(2)[rows, :, INDEX].sum(1) + eps)
    mine = values(kl.DeepHit(alpha=1, causes=2), targets(INDEX, cause), both.reshape(N, -1))
    close(mine, -np.where(cause > 0, seen, left))


@row(
    kl.DeepHit,
    "pycox `rank_loss_deephit_single(…, sigma)` | `DeepHit(alpha=0, sigma=sigma)`; there summed "
    "over all j and divided by B, and j censored at the same time counts as later",
)
def test_ranking_of_pycox():
    sigma = 0.3
    f = softmax(padded(LOGITS)).cumsum(1)
    apart = np.array([[f[i, INDEX[i]] - f[j, INDEX[i]] for j in range(N)] for i in range(N)])
    each = np.exp(-apart / sigma)
    time, event = INDEX, EVENT > 0
    later = event[:, None] & (time[:, None] < time[None, :])
    tied = event[:, None] & (time[:, None] == time[None, :]) & ~event[None, :]
    assert tied.any()
    mine = values(kl.DeepHit(alpha=0, sigma=sigma), targets(INDEX), LOGITS)
    close(mine * later.sum(1), (each * later).sum(1), rtol=2e-5)
    theirs = (each * (later | tied)).mean(1)
    close(mine * later.sum(1) / N + (each * tied).sum(1) / N, theirs, rtol=2e-5)


# --- Weibull ------------------------------------------------------------------------------

SCALE, SHAPE = rng.uniform(3, 9, N), rng.uniform(0.5, 2, N)


def raw_of(*positive):
    """What softplus turns into these."""
    return np.stack([np.log(np.expm1(x - 1e-6)) for x in positive], axis=-1)


@row(
    kl.WeibullNLL,
    "minus lifelines' `WeibullFitter().fit(…).log_likelihood_` | `WeibullNLL(reduction=\"sum\")`",
)
def test_weibull_of_lifelines():
    fitted = lifelines.WeibullFitter().fit(TIME, EVENT)
    both = np.full(N, fitted.lambda_), np.full(N, fitted.rho_)
    mine = number(kl.WeibullNLL(reduction="sum"), targets(TIME), raw_of(*both))
    close(mine, -fitted.log_likelihood_)


@row(
    kl.WeibullNLL,
    "torchsurv `weibull.neg_log_likelihood([log λ, log k], event, time)` | `WeibullNLL()` of λ "
    "and k",
)
def test_weibull_of_torchsurv():
    log_scale, log_shape = np.log(SCALE), np.log(SHAPE)
    log_hazard = log_shape - log_scale + np.expm1(log_shape) * (np.log(TIME) - log_scale)
    cumulative = np.exp(np.exp(log_shape) * (np.log(TIME) - log_scale))
    mine = number(kl.WeibullNLL(), targets(TIME), raw_of(SCALE, SHAPE))
    close(mine, (cumulative - EVENT * log_hazard).mean())


@row(kl.WeibullNLL, 'wtte-rnn `loss("continuous")` | the same less e·log t, of log t\'s density')
def test_weibull_of_wtte():
    ya = (TIME + 1e-35) / SCALE
    ll = EVENT * (np.log(SHAPE) + SHAPE * np.log(ya)) - special.powm1(ya, SHAPE) - 1
    mine = values(kl.WeibullNLL(), targets(TIME), raw_of(SCALE, SHAPE))
    close(mine - EVENT * np.log(TIME), -ll)
