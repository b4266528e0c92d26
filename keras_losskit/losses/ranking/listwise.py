"""Losses from the probability of a whole list's order."""

from keras import ops

from keras_losskit.core.loss import register
from keras_losskit.core.numerics import (
    at_least,
    cumsum,
    largest,
    log1p,
    shares,
    softplus,
)
from keras_losskit.losses.ranking.base import LOWEST, RankingLoss


@register
class ListSoftmax(RankingLoss):
    """ListNet's top-one loss: -Σ softmax(y)_i·log softmax(s)_i.

    Cross-entropy between two distributions over which item comes first.

    | elsewhere | here |
    |---|---|
    | TF-Ranking `SoftmaxLoss()`, raw labels as targets: -Σ y_i·log softmax(s)_i | \
`CategoricalCrossentropy(from_logits=True)` on lists without padding |

    Call with relevance and scores `(B, L)`; values `(B,)`. A label < 0 is padding.
    `sample_weight` `(B,)` weighs lists; a mask `(B, L)` hides items.

    Raises:
        ValueError: for shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.ListSoftmax()
    >>> round(float(loss([[2, 0, -1]], [[1.0, 1.0, 9.0]])), 4)    # log 2
    0.6931

    Reference: Z. Cao et al., *Learning to Rank: From Pairwise Approach to Listwise
    Approach* (2007), https://doi.org/10.1145/1273496.1273513
    """

    def call(self, y_true, y_pred, mask):
        target = shares(ops.exp(_below_the_largest(y_true, mask)))
        scores = _below_the_largest(y_pred, mask)
        total = ops.sum(ops.exp(scores), axis=1, keepdims=True)
        log_total = ops.log(ops.where(total > 0, total, 1))
        return ops.sum(target * (log_total - scores), axis=1)


@register
class ListMLE(RankingLoss):
    """ListMLE: -log of the Plackett-Luce probability of the order by relevance.

    Σ_i (log Σ_{k ≥ i} exp s_(k) - s_(i)), s_(1), s_(2), … the scores in order of
    falling relevance. Items of equal relevance keep the order in which they are
    given: shuffle lists whose order says something. O(L log L).

    | elsewhere | here |
    |---|---|
    | TF-Ranking `ListMLELoss()`, ties in random order | shuffle each list, labels and \
scores alike, before the loss |

    Call with relevance and scores `(B, L)`; values `(B,)`. A label < 0 is padding.
    `sample_weight` `(B,)` weighs lists; a mask `(B, L)` hides items.

    Raises:
        ValueError: for shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.ListMLE()
    >>> round(float(loss([[2, 1, 0]], [[1.0, 1.0, 1.0]])), 4)    # log 3 + log 2 + log 1
    1.7918

    Reference: F. Xia et al., *Listwise Approach to Learning to Rank: Theory and Algorithm*
    (2008), https://doi.org/10.1145/1390156.1390306
    """

    def call(self, y_true, y_pred, mask):
        scores = _from_last_to_first(ops.where(mask, y_pred, LOWEST), y_true, mask)
        padding = ops.sum(ops.cast(ops.logical_not(mask), "int32"), axis=1, keepdims=True)
        some = ops.arange(ops.shape(mask)[1], dtype="int32") >= padding
        top = ops.stop_gradient(largest(scores, keepdims=True, initial=LOWEST))
        below = ops.where(some, scores - top, 0)
        if scores.shape[1] is None:
            each = _by_matrix(scores)
        else:
            # A sum of exponentials goes by the list's largest, as long as none is so small
            # that its powers, which a second derivative divides by, would be 0.
            each = ops.cond(
                ops.all(below > -25),
                lambda: _by_running_sum(below, some),
                lambda: _by_doubling(scores),
            )
        return ops.sum(ops.where(some, each, 0), axis=1)


def _from_last_to_first(x, y_true, mask):
    """x in order of rising relevance, of equal ones the last first, after padding."""
    order = ops.flip(ops.argsort(ops.where(mask, -y_true, 1), axis=1), axis=1)
    lists, size = ops.shape(x)[0], ops.shape(x)[1]
    order = order + size * ops.arange(lists, dtype=order.dtype)[:, None]
    # Faster to differentiate in TensorFlow's graph than `take_along_axis`. Of an empty
    # tensor JAX takes a flat one.
    return ops.reshape(ops.take(ops.reshape(x, (-1,)), order), (lists, size))


def _below_the_largest(x, mask):
    """x - max(x) of the items that exist; elsewhere so low that its exponential is 0."""
    marked = ops.where(mask, x, ops.convert_to_tensor(LOWEST, dtype=x.dtype))
    # `initial` is what a batch of no lists has.
    top = ops.max(marked, axis=1, keepdims=True, initial=LOWEST)
    return marked - ops.stop_gradient(at_least(top, LOWEST / 2))


# log Σ_{k ≤ i} exp s_k - s_i for each i, without the difference that would cancel.


def _by_running_sum(x, some):
    """From x = s - max(s), in O(L)."""
    e = ops.where(some, ops.exp(x), 0)
    return log1p(_shifted(cumsum(e), 1, 0) / ops.where(some, e, 1))


def _by_doubling(s):
    """In O(L log L); each sum has its own maximum."""
    width, sums = 1, s
    while width < s.shape[1]:
        sums = _log_add_exp(sums, _shifted(sums, width, LOWEST))
        width *= 2
    # Before the first there is nothing, and the softplus of LOWEST is 0.
    return _log_add_exp(_shifted(sums, 1, LOWEST) - s, 0)


def _by_matrix(s):
    """In O(L²), for a length that is not known: nothing to count, and no branch.

    A branch on tensors of unknown length ends the process in TensorFlow's XLA.
    """
    rank = ops.arange(ops.shape(s)[1])
    before = ops.expand_dims(rank, 0) < ops.expand_dims(rank, 1)
    sums = ops.logsumexp(ops.where(before, ops.expand_dims(s, 1), LOWEST), axis=2)
    return softplus(sums - s)


def _log_add_exp(a, b):
    # TensorFlow's XLA compiles no written gradient inside a branch.
    high = ops.where(a > b, a, b)
    low = ops.where(a > b, b, a)
    return high + ops.log1p(ops.exp(low - high))


def _shifted(x, by, fill):
    """x_{i - by}, and `fill` before the first."""
    return ops.pad(x, [[0, 0], [by, 0]], constant_values=fill)[:, : ops.shape(x)[1]]
