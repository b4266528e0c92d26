"""What the ranking losses share: lists with padding, pairs and gains."""

import math

from keras import ops

from keras_losskit.core.loss import Loss
from keras_losskit.core.numerics import largest
from keras_losskit.core.reduction import fill
from keras_losskit.core.takes import Takes

# Stands for minus infinity; unlike it, it can be subtracted from itself.
LOWEST = -1e30


class RankingLoss(Loss):
    """Base of losses between the relevance and the scores of lists `(B, L)`.

    A label < 0 is padding, anywhere in the list, and so is what a mask `(B, L)`
    hides; scores there may be anything, NaN included. A label of NaN is no padding, but
    makes its list's value NaN. Values `(B,)`, one per list;
    a list in which nothing is left to rank has the value 0 and is counted.

    Weights of items `(B, L)` act inside: a subclass says what an item's weight
    multiplies. An item of weight 0 is padding.
    """

    takes = Takes("relevance", "scores", "lists")
    weighs_positions = True

    def input_mask(self, y_true, y_pred):
        return ops.logical_not(y_true < 0)  # NaN is no padding.

    def call(self, y_true, y_pred, mask, sample_weight=None):
        values = self.of_lists(y_true, y_pred, mask, sample_weight)
        # NaN is above and below nothing, so that no pair would hold it.
        unknown = ops.any(y_true != y_true, axis=1)
        return ops.where(unknown, float("nan"), values)

    def of_lists(self, y_true, y_pred, mask, weights):
        """`mask (B, L)` is False for padding, where labels and scores are 0.

        `weights` are `None` or the items' `(B, L)`.
        """
        raise NotImplementedError


def differences(x):
    """x_i - x_j of each list, `(B, L, L)`."""
    return ops.expand_dims(x, 2) - ops.expand_dims(x, 1)


def preferred(y_true, mask):
    """Whether y_i > y_j, and neither is padding, `(B, L, L)`."""
    # Padding is never above and never below anything.
    above, below = ops.where(mask, y_true, -1), ops.where(mask, y_true, math.inf)
    return ops.expand_dims(above, 2) > ops.expand_dims(below, 1)


def weighed(terms, weights, mask):
    """Each item's term, `(B, L)` or one row `(B, L, L)`, times the item's weight."""
    if weights is None:
        return terms
    weights = fill(weights, mask)
    return terms * (weights if len(terms.shape) == 2 else ops.expand_dims(weights, 2))


def sum_pairs(terms, pairs):
    """Sum over the pairs of each list."""
    # Not over the last axis first: XLA adds rows up side by side, but within a row
    # only one by one.
    return ops.sum(ops.sum(ops.where(pairs, terms, 0), axis=1), axis=1)


def count_pairs(y_true, mask):
    """How many pairs have y_i > y_j, `(B,)`, in O(L log L)."""
    ordered = ops.sort(ops.where(mask, y_true, -1), axis=1)  # Padding comes first.
    size = ordered.shape[1]
    if size is None:  # How many doublings there are must be known.
        pairs = preferred(y_true, mask)
        return sum_pairs(ops.ones_like(y_true[:, :, None]), pairs)
    # Below an item is what stands before the first of its equals.
    place = ops.arange(1, size, dtype=ordered.dtype)
    first = ops.where(ordered[:, 1:] > ordered[:, :-1], place, 0)
    first = ops.pad(first, [[0, 0], [1, 0]])
    width = 1
    while width < size:
        earlier = ops.pad(first[:, :-width], [[0, 0], [width, 0]])
        first = ops.where(earlier > first, earlier, first)
        width *= 2
    padding = ops.sum(ops.cast(ordered < 0, ordered.dtype), axis=1, keepdims=True)
    return ops.sum(ops.where(ordered < 0, 0, first - padding), axis=1)


def gains(y_true, mask):
    """(2^y - 1)/2^max(y), 0 for padding: huge labels don't overflow."""
    # Padding is 0 here.
    top = largest(y_true, axis=1, keepdims=True)
    log2 = math.log(2)
    gain = ops.exp((y_true - top) * log2) * -ops.expm1(-y_true * log2)
    return ops.stop_gradient(ops.where(mask, gain, 0))


def ideal_dcg(gain):
    """Σ gain/log(1 + rank) in the best order, `(B,)`; 0 without relevant items."""
    # Sorted upwards, the last item has rank 1.
    rank = ops.cast(ops.shape(gain)[1] - ops.arange(ops.shape(gain)[1]), gain.dtype)
    ordered = ops.sort(gain, axis=1)
    return ops.stop_gradient(ops.sum(ordered / ops.log1p(rank), axis=1))
