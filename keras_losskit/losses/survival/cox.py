"""Proportional hazards, by Cox's partial likelihood."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.kernels import sums_of_groups
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import log_add_exp
from keras_losskit.core.reduction import drop_trailing_ones
from keras_losskit.core.softmax import NOTHING
from keras_losskit.core.takes import Takes
from keras_losskit.losses.survival.base import SurvivalLoss, seen

_DOUBLINGS = 20  # Of a batch whose size is not known: for up to a million rows.


@register
class CoxPartialLikelihood(SurvivalLoss):
    """Cox's negative log partial likelihood: log Σ_{j: t_j >= t_i} e^{h_j} - h_i.

    h is the log of a hazard relative to the others': who of those at risk has the event
    first, whatever the times. Values are of events; censored rows are in the risk sets
    alone. Of m events at one time Efron takes r of them, r = 0, …, m - 1, as gone by a
    share: the mean over r of log(Σ_risk e^h - (r/m)·Σ_tied e^h), the same for each of
    them. Breslow leaves all of them in. `DiscreteTimeHazard` and `WeibullNLL` predict
    times as well.

    The batch is the risk set: let it be large. A row that is masked or of weight 0 is in
    none. Time O(B log B): a sort, and running log-sums by doubling, in which no e^h is
    formed.

    Args:
        ties: `"efron"` or `"breslow"`.
        strata: whether `y_true` has a third column: rows meet only those of the same number
            there.

    | elsewhere | here |
    |---|---|
    | minus lifelines' `CoxPHFitter().fit(…).log_likelihood_` | \
`CoxPartialLikelihood(reduction="sum")` |
    | minus statsmodels' `PHReg(…).loglike(w)` | \
`CoxPartialLikelihood("breslow", reduction="sum")` |
    | torchsurv `neg_partial_log_likelihood(h, event, time)` | \
`CoxPartialLikelihood()`, a mean over events; there, of tied ones, over times |
    | pycox `cox_ph_loss(h, time, event)` | \
`CoxPartialLikelihood()`; there ties are ordered by chance |

    Call with `y_true (B, 2)`, the columns (time, event), event 1 seen and 0 censored, and
    `y_pred (B, 1)`. Values `(B,)`; a mean is over the events, and 0 without any.

    Raises:
        ValueError: for `ties` that is neither, shapes that do not fit, or times < 0.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.CoxPartialLikelihood(reduction="sum")
    >>> y_true = [[1.0, 1.0], [2.0, 1.0], [3.0, 0.0]]
    >>> round(float(loss(y_true, [[0.0], [0.0], [0.0]])), 4)    # log 3 + log 2
    1.7918

    lifelines and R report the sum over events, by Efron; scikit-survival's default is
    Breslow; pycox ranks by the time instead of forming the sets.

    References: D. R. Cox, *Regression Models and Life-Tables* (1972),
    https://doi.org/10.1111/j.2517-6161.1972.tb00899.x; B. Efron, *The Efficiency of Cox's
    Likelihood Function for Censored Data* (1977),
    https://doi.org/10.1080/01621459.1977.10480613
    """

    takes = Takes("survival", "scores", "survival", in_batch=True)
    outputs = 1

    def __init__(self, ties="efron", strata=False, **common):
        super().__init__(**common)
        self.ties = checks.choice(self, "ties", ties, ("efron", "breslow"))
        self.strata = checks.flag(self, "strata", strata)
        self.target_columns = 3 if self.strata else 2

    def countable(self, y_true, y_pred):
        return seen(y_true)

    def call(self, y_true, y_pred, mask=None):
        if y_pred.shape[0] == 0:
            return y_pred[:, 0]
        hazard, event = y_pred[:, 0], seen(y_true)
        if mask is not None:
            mask = drop_trailing_ones(mask)
            hazard = ops.where(mask, hazard, ops.convert_to_tensor(NOTHING, hazard.dtype))
        order = self.order(y_true)
        h, event, times = (ops.take(x, order, axis=0) for x in (hazard, event, y_true))
        # From the latest time on: who is at risk stands before.
        strata = starts(changes(times[:, 2])) if self.strata else None
        changed = changes(times[:, 0])
        if self.strata:
            changed = ops.logical_or(changed, changes(times[:, 2]))
        first, last = starts(changed), ends(changed)
        risk = ops.take(running(h, strata, log_add_exp), last)
        values = risk - h
        if self.ties == "efron":
            values = values + self.efron(h, risk, event, first)
        values = ops.where(event, values, 0)
        return ops.take(values, ops.argsort(order))

    def order(self, y_true):
        """Rows by descending time, in a stratum where there are several."""
        order = ops.argsort(-y_true[:, 0])
        if self.strata:  # Sorting leaves the order of what is equal.
            order = ops.take(order, ops.argsort(ops.take(y_true[:, 2], order)))
        return order

    def efron(self, h, risk, event, first):
        """Mean over r < m of log(1 - (r/m)·Σ_tied e^h/Σ_risk e^h), for each time."""

        def over_ties(x):
            total = sums_of_groups(x, first, ops.shape(x)[0])
            return ops.take(total, first, axis=0)

        one = ops.cast(event, h.dtype)
        share = over_ties(ops.where(event, ops.exp(ops.where(event, h - risk, 0)), 0))
        so_far = running(one, first, lambda a, b: a + b)
        tied = over_ties(one)
        tied = ops.where(tied > 0, tied, 1)
        gone = ops.where(event, (so_far - 1) / tied, 0)
        return over_ties(ops.where(event, ops.log1p(-gone * share), 0)) / tied


# --- runs of a sorted array ------------------------------------------------------------------


def changes(x):
    """Whether an entry differs from the one before; the first does."""
    return ops.concatenate([ops.ones_like(x[:1], dtype="bool"), x[1:] != x[:-1]])


def starts(changed):
    """Where the run of each entry starts."""
    here = _indices(changed)
    return running(ops.where(changed, here, 0), None, ops.maximum)


def ends(changed):
    """Where the run of each entry ends."""
    after = ops.concatenate([changed[1:], ops.ones_like(changed[:1])])
    return ops.shape(changed)[0] - 1 - ops.flip(starts(ops.flip(after)))


def running(x, start, combine):
    """Each entry combined with all before it, back to `start` (or to the first).

    By doubling: after k steps an entry holds what the 2^k up to it are together.
    """
    n, here = x.shape[0], _indices(x)
    if n is None:  # How many doublings there are must be known.
        for k in range(_DOUBLINGS):
            before = here - 2**k
            there = before >= (0 if start is None else start)
            earlier = ops.take(x, ops.where(there, before, here))
            x = ops.where(there, combine(x, earlier), x)
        return x
    width = 1
    while width < n:
        later = combine(x[width:], x[:-width])
        if start is not None:
            later = ops.where(here[:-width] >= start[width:], later, x[width:])
        x = ops.concatenate([x[:width], later])
        width *= 2
    return x


def _indices(x):
    return ops.arange(ops.shape(x)[0], dtype="int32")
