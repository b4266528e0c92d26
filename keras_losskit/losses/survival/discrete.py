"""Times in intervals."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.kernels import at_most
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import cumsum, mean_where, softplus
from keras_losskit.core.reduction import drop_trailing_ones
from keras_losskit.core.softmax import log_softmax, log_sum_exp
from keras_losskit.core.takes import Takes
from keras_losskit.core.targets import counted
from keras_losskit.losses.survival.base import SurvivalLoss, interval, seen


@register
class DiscreteTimeHazard(SurvivalLoss):
    """Negative log-likelihood of a hazard in each interval of time, as logits z.

    Σ_{k<κ} softplus(z_k), of the intervals survived, and of the time's own interval κ
    softplus(-z_κ) where the event was seen and softplus(z_κ) where it was not: a row that
    is censored in an interval is credited with it. No hazards need be proportional, as
    `CoxPartialLikelihood`'s are, and a batch of one is as good as any.

    Args:
        edges: the T + 1 ends of the intervals [a, b), in units of time, increasing;
            `None`: times are the intervals' indices from 0. A time before the first lies in the
            first interval, one past the last has survived all of them.

    | elsewhere | here |
    |---|---|
    | pycox `nll_logistic_hazard(z, index, event)` | `DiscreteTimeHazard()` |
    | nnet-survival `surv_likelihood(T)`, `breaks`, of 1 - hazard | \
`DiscreteTimeHazard(breaks)` of logits; there who is censored before the middle of an \
interval is not credited with it |

    Call with `y_true (B, 2)`, the columns (time, event), event 1 seen and 0 censored, and
    `y_pred (B, T)`. Values `(B,)`.

    Raises:
        ValueError: for edges that do not increase, shapes that do not fit, or times < 0.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.DiscreteTimeHazard(edges=[0, 1, 5])
    >>> round(float(loss([[2.0, 1.0]], [[0.0, 0.0]])), 4)    # survived one, had in the next
    1.3863

    Reference: M. F. Gensheimer, B. Narasimhan, *A Scalable Discrete-Time Survival Model for
    Neural Networks* (2019), https://doi.org/10.7717/peerj.6257
    """

    def __init__(self, edges=None, **common):
        super().__init__(**common)
        if edges is not None:
            edges = _edges(self, edges)
            self.outputs = len(edges) - 1
        self.edges = edges

    def call(self, y_true, y_pred):
        count = y_pred.shape[-1]
        at = interval(y_true[:, 0], count, self.edges)
        k = ops.arange(count, dtype="int32")
        had = ops.logical_and(k == at, seen(y_true)[:, None])
        each = softplus(ops.where(had, -y_pred, y_pred))
        return ops.sum(ops.where(k <= at, each, 0), axis=-1)


def _edges(owner, edges):
    if hasattr(edges, "tolist"):
        edges = edges.tolist()
    if not isinstance(edges, (list, tuple)) or len(edges) < 2:
        raise TypeError(
            f"{type(owner).__name__}: `edges` must be two numbers or more, increasing. "
            f"Received: edges={edges!r}"
        )
    edges = [checks.real(owner, f"edges[{i}]", x) for i, x in enumerate(edges)]
    if any(b <= a for a, b in zip(edges, edges[1:], strict=False)):
        raise ValueError(
            f"{type(owner).__name__}: `edges` must increase. Received: edges={edges!r}"
        )
    return edges


@register
class DeepHit(SurvivalLoss):
    """α·NLL of the time's and cause's probability + (1 - α)·ranking.

    For competing risks: what happens first, and when. `DiscreteTimeHazard` is the
    likelihood of one cause, by hazards.

    p is a softmax over causes × T intervals, and one slot more, of logit 0, for who
    survives them all. The first term is -log p of cause and interval where the event was
    seen, and -log of the sum of all later p where it was censored.

    The second term says that who has the event first should be the likelier to: of an
    event i it is the mean, over the samples j that were under observation for longer, of
    exp((F_j - F_i)/σ), F the probability of i's cause up to i's time; pycox divides the
    ranking by the batch.

    Args:
        alpha: α; in [0, 1].
        sigma: σ, in units of probability; > 0.
        causes: how many kinds of event there are, an integer >= 1.

    | elsewhere | here |
    |---|---|
    | pycox `nll_pmf(z, index, event)`, of causes `nll_pmf_cr` | \
`DeepHit(alpha=1)`, `DeepHit(alpha=1, causes=C)` |
    | pycox `rank_loss_deephit_single(…, sigma)` | \
`DeepHit(alpha=0, sigma=sigma)`; there summed over all j and divided by B, and j censored at \
the same time counts as later |

    Call with `y_true (B, 2)`, the columns (index of the interval from 0, cause), cause 0
    censored, and `y_pred (B, causes·T)`, logits, all intervals of the first cause first.
    An index of T or more has survived all. Values `(B,)`. Memory: B² for the ranking.

    Raises:
        ValueError: for options out of range, shapes that do not fit, indices < 0, or a
            cause that there is not.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.DeepHit(alpha=1.0)
    >>> round(float(loss([[0.0, 1.0]], [[0.0, 0.0, 0.0]])), 4)    # -log ¼
    1.3863

    Reference: C. Lee et al., *DeepHit: A Deep Learning Approach to Survival Analysis with
    Competing Risks* (2018), https://doi.org/10.1609/aaai.v32i1.11842
    """

    takes = Takes("survival", "logits", "survival", in_batch=True)

    def __init__(self, alpha=0.2, sigma=0.1, causes=1, **common):
        super().__init__(**common)
        self.alpha = checks.real(self, "alpha", alpha, at_least=0, at_most=1)
        self.sigma = checks.real(self, "sigma", sigma, above=0)
        self.causes = checks.integer(self, "causes", causes, at_least=1)

    def prepare(self, y_true, y_pred):
        y_true, y_pred = super().prepare(y_true, y_pred)
        if y_pred.shape[-1] is not None and y_pred.shape[-1] % self.causes:
            raise ValueError(
                f"{self.name}: y_pred of shape {tuple(y_pred.shape)} does not hold logits of "
                f"{self.causes} causes: its columns are as many for each of them."
            )
        return y_true, y_pred

    def check_targets(self, y_true, y_pred, present):
        super().check_targets(y_true, y_pred, present)
        cause = counted(self, y_true, present)
        if cause is not None and (cause.reshape(-1, 2)[:, 1] > self.causes).any():
            raise ValueError(
                f"{self.name}: y_true holds the cause {cause.reshape(-1, 2)[:, 1].max():g}, but "
                f"there are {self.causes}; 0 is censored. Set `causes`."
            )

    def call(self, y_true, y_pred, mask=None):
        columns = y_pred.shape[-1]
        intervals = columns // self.causes
        at = interval(y_true[:, 0], intervals)
        had = ops.logical_and(seen(y_true)[:, None], at < intervals)
        cause = ops.cast(y_true[:, 1:], "int32") - 1
        own = ops.where(had, cause * intervals + at, 0)
        log_p = log_softmax(ops.concatenate([y_pred, ops.zeros_like(y_pred[:, :1])], axis=-1))
        k = ops.arange(columns + 1, dtype="int32")
        # Of all causes what is later, and the slot of who survives.
        later = ops.logical_or(k % intervals > at, k == columns)
        at_risk = ops.where(had, k == own, later)
        value = -self.alpha * log_sum_exp(log_p, at_risk)
        if self.alpha == 1:
            return value
        return value + (1 - self.alpha) * self.ranking(log_p, had[:, 0], at, own[:, 0], mask)

    def ranking(self, log_p, had, at, own, mask):
        """Of each event, how much likelier it was for those of later times; else 0."""
        columns = log_p.shape[-1] - 1
        intervals = columns // self.causes
        p = ops.reshape(ops.exp(log_p[:, :-1]), (-1, self.causes, intervals))
        so_far = ops.reshape(cumsum(p), (-1, columns))
        # Row i: F of every j for i's cause up to i's time.
        f = ops.take(ops.transpose(so_far), own, axis=0)
        its_own = ops.take_along_axis(so_far, own[:, None], axis=1)
        later = ops.logical_and(had[:, None], at[:, 0][None, :] > at)
        if mask is not None:
            later = ops.logical_and(later, drop_trailing_ones(mask)[None, :])
        apart = at_most((f - its_own) / self.sigma, 80)
        return mean_where(ops.exp(ops.where(later, apart, 0)), later)
