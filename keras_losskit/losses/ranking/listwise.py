"""Losses from the probability of a whole list's order."""

from keras import ops

from keras_losskit.core.kernels import at_least, exp
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import largest, log_add_exp, softplus
from keras_losskit.core.reduction import fill
from keras_losskit.core.softmax import shares
from keras_losskit.losses.ranking.base import LOWEST, RankingLoss, weighed


@register
class ListSoftmax(RankingLoss):
    """ListNet's top-one loss: -Σ softmax(y)_i·log softmax(s)_i.

    For lists with graded relevance: cross-entropy between two distributions over which
    item comes first, so that the top of the list counts most. Time and memory O(L).

    | elsewhere | here |
    |---|---|
    | TF-Ranking `SoftmaxLoss()`, raw labels as targets: -Σ y_i·log softmax(s)_i | \
`CategoricalCrossentropy(from_logits=True)` on lists without padding |

    Call with relevance and scores `(B, L)`; values `(B,)`. A label < 0 is padding.
    `sample_weight` `(B,)` weighs lists, `(B, L)` the items' terms of the
    sum, as TF-Ranking's `SoftmaxLoss` does; a mask `(B, L)` hides items.

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

    def of_lists(self, y_true, y_pred, mask, weights):
        target = shares(exp(_below_the_largest(y_true, mask)))
        scores = _below_the_largest(y_pred, mask)
        total = ops.sum(exp(scores), axis=1, keepdims=True)
        log_total = ops.log(ops.where(total > 0, total, 1))
        return ops.sum(weighed(target, weights, mask) * (log_total - scores), axis=1)


@register
class ListMLE(RankingLoss):
    """ListMLE: -log of the Plackett-Luce probability of the order by relevance.

    Σ_i (log Σ_{k ≥ i} exp s_(k) - s_(i)), s_(1), s_(2), … the scores in order of
    falling relevance. For lists whose whole order is known, of which each place
    counts alike. Items of equal relevance keep the order in which they are
    given: shuffle lists whose order says something. O(L log L).

    | elsewhere | here |
    |---|---|
    | TF-Ranking `ListMLELoss()`, ties in random order | shuffle each list, labels and \
scores alike, before the loss |

    Call with relevance and scores `(B, L)`; values `(B,)`. A label < 0 is padding.
    `sample_weight` `(B,)` weighs lists, `(B, L)` the items' terms of the
    sum; a mask `(B, L)` hides items.

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

    def of_lists(self, y_true, y_pred, mask, weights):
        scores = _in_order(ops.where(mask, y_pred, LOWEST), y_true, mask)
        behind = _shifted(_log_sums_from(scores), 1)
        # log(e^s + e^behind) - s, without the difference that would cancel. Behind the
        # last item there is nothing, and softplus(LOWEST) is 0.
        each = softplus(behind - scores)
        rank = ops.arange(ops.shape(scores)[1])
        count = ops.sum(ops.cast(mask, "int32"), axis=1, keepdims=True)
        if weights is not None:
            each = each * _in_order(fill(weights, mask), y_true, mask)
        return ops.sum(ops.where(rank < count, each, 0), axis=1)


def _in_order(x, y_true, mask):
    """x in order of falling relevance; padding comes last."""
    order = ops.argsort(ops.where(mask, -y_true, 1), axis=1)
    lists, size = ops.shape(x)[0], ops.shape(x)[1]
    order = order + size * ops.arange(lists, dtype=order.dtype)[:, None]
    # Faster to differentiate in TensorFlow's graph than `take_along_axis`. Of an empty
    # tensor JAX takes a flat one.
    return ops.reshape(ops.take(ops.reshape(x, (-1,)), order), (lists, size))


def _below_the_largest(x, mask):
    """x - max(x) of the items that exist; elsewhere so low that its exponential is 0."""
    marked = ops.where(mask, x, ops.convert_to_tensor(LOWEST, dtype=x.dtype))
    top = largest(marked, axis=1, keepdims=True)
    return marked - ops.stop_gradient(at_least(top, LOWEST / 2))


def _log_sums_from(x):
    """log Σ_{k ≥ i} exp x_k for each i, by doubling; each term has its own maximum.

    A cumulative sum of exponentials would underflow where scores differ by 100, and a
    branch between the two ends the process in TensorFlow's XLA, for lists of 400.
    """
    size = x.shape[1]
    if size is None:  # How many doublings there are must be known.
        rank = ops.arange(ops.shape(x)[1])
        ahead = ops.expand_dims(rank, 0) < ops.expand_dims(rank, 1)
        return ops.logsumexp(ops.where(ahead, LOWEST, ops.expand_dims(x, 1)), axis=2)
    width = 1
    while width < size:
        x = log_add_exp(x, _shifted(x, width))
        width *= 2
    return x


def _shifted(x, by):
    """x_{i + by}, and `LOWEST` behind the end."""
    return ops.pad(x[:, by:], [[0, 0], [0, by]], constant_values=LOWEST)
