"""Triplets mined by order: the semi-hard ones, and all of them."""

from keras import ops

from keras_losskit.core import distances
from keras_losskit.core.backend import compiled_once
from keras_losskit.core.columns import (
    chosen_in_columns,
    count_in_columns,
    in_panels,
    rows_by_rank,
    sort_columns,
    take_in_columns,
)
from keras_losskit.core.kernels import at_least
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import mean_where, safe_divide, softplus
from keras_losskit.core.softmax import largest_where
from keras_losskit.losses.metric_learning.base import pairs
from keras_losskit.losses.metric_learning.triplet import TripletLoss

INFINITY = float("inf")


class OrderedTripletLoss(TripletLoss):
    """Base of losses that look at all triplets; an anchor's pairs are a *column*."""

    def call(self, y_true, y_pred, mask=None, anchors=None):
        positive, negative = pairs(y_true, mask, anchors)
        d = distances.pairwise(y_pred, self.distance, mask, anchors)
        if anchors is not None:  # Else the columns are the rows.
            d = ops.transpose(d)
        return self.over_columns(d, ops.transpose(positive), ops.transpose(negative))


@register
class TripletSemiHard(OrderedTripletLoss):
    """Semi-hard triplet loss: mean over p of max(d_ap - d_an(p) + margin, 0).

    To each pair of anchor and positive belongs the nearest negative that is
    farther than the positive, d_an > d_ap; where there is none, the farthest
    negative. Gentler than the hardest triplets, so that it seldom collapses.

    Args:
        margin: how much nearer the positive must be, >= 0, in units of the
            distance; unused if `soft`.
        distance: "euclidean", "squared_euclidean" or "cosine" (1 - cos).
        soft: softplus(d_ap - d_an) in place of the hinge.
        gather: as in `NTXent`.

    | elsewhere | here |
    |---|---|
    | TFA `TripletSemiHardLoss(distance_metric="L2")` | the mean over all pairs of the batch: \
equal if classes are equally large |
    | TFA `distance_metric="squared-L2"`, `"angular"` | `"squared_euclidean"`, `"cosine"` |
    | TF-Similarity `TripletLoss(negative_mining_strategy="semi-hard")` | `distance="cosine"`, \
`soft=True`; there only the farthest positive of an anchor |
    | pytorch-metric-learning `TripletMarginMiner(type_of_triplets="semihard")` | normalises; \
every semi-hard negative within the margin, not the nearest alone |

    Call with `y_true` class ids `(B,)` or `(B, 1)`, `y_pred` embeddings `(B, D)`; values
    `(B,)`, the mean over the anchor's positives; an anchor without a positive or a
    negative is not counted. One sort and a bisection per anchor, done for all at once:
    O(B²·(D + log² B)) time, O(B²) memory. In-batch: under data parallelism each device
    sees its local batch, or with `gather` all of it.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.TripletSemiHard(margin=1.0, reduction="none")
    >>> [float(v) for v in loss([0, 0, 1, 1], [[0.0], [1.0], [1.5], [9.0]])][:2]
    [0.5, 0.0]

    The first: 1 - 1.5 + 1. The second: the negative at 0.5 is nearer than the
    positive, so the one at 8 counts.

    Reference: F. Schroff, D. Kalenichenko, J. Philbin, *FaceNet: A Unified
    Embedding for Face Recognition and Clustering* (2015),
    https://arxiv.org/abs/1503.03832
    """

    def over_columns(self, d, positive, negative):
        fixed = ops.stop_gradient(d)
        nearest = in_panels(fixed, positive, negative, choose=_nearest_farther_negative)
        farthest = largest_where(d, negative, axis=0)
        # Where a negative is NaN, the farthest is, and no other one is chosen.
        some = ops.logical_and(nearest >= 0, (farthest == farthest)[None, :])
        d_an = chosen_in_columns(d, ops.where(some, nearest, 0))
        d_an = ops.where(some, d_an, farthest[None, :])
        return mean_where(self.cost(d, d_an), positive, axis=0)


def _nearest_farther_negative(d, positive, negative):
    """Its row, for each entry of `d`; -1 where there is none."""
    ordered = sort_columns(ops.where(negative, d, INFINITY))
    rank = count_in_columns(ordered, d, inclusive=True)
    farther = rank < ops.sum(ops.cast(negative, "int32"), axis=0)
    nearest = take_in_columns(rows_by_rank(rank, negative), ops.where(farther, rank, 0))
    return ops.where(farther, nearest, -1)


@register
class TripletAll(OrderedTripletLoss):
    """Batch-all triplet loss: the mean of max(d_ap - d_an + margin, 0) where it is > 0.

    Each anchor's mean is over its own triplets with a positive hinge, so that
    the many easy ones do not drown the rest; an anchor whose triplets are all
    easy is 0, and counted.

    Args:
        margin: how much nearer the positive must be, >= 0, in units of the
            distance; unused if `soft`.
        distance: "euclidean", "squared_euclidean" or "cosine" (1 - cos).
        soft: softplus(d_ap - d_an) in place of the hinge; it is positive for
            every triplet, so the mean is over all of them.
        gather: as in `NTXent`.

    | elsewhere | here |
    |---|---|
    | pytorch-metric-learning `TripletMarginLoss(margin=1.0)` | normalises; the mean over the \
active triplets of the whole batch at once |
    | Hermans' "batch all" without "≠0" | the mean over all triplets |

    Call with `y_true` class ids `(B,)` or `(B, 1)`, `y_pred` embeddings `(B, D)`; values
    `(B,)`; an anchor without a positive or a negative is not counted. The hinge counts
    triplets by sorting: O(B²·(D + log² B)) time, O(B²) memory. A softplus has no such
    shortcut: O(B³) time in B steps, still O(B²) memory, and a second derivative of 0.
    In-batch: under data parallelism each device sees its local batch, or with `gather`
    all of it.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.TripletAll(margin=1.0, reduction="none")
    >>> [float(v) for v in loss([0, 0, 1, 1], [[0.0], [1.0], [1.5], [9.0]])][:2]
    [0.5, 1.5]

    The first: 1 - 1.5 + 1; the negative at 9 is inactive. The second: 1 - 0.5 + 1.

    Reference: A. Hermans, L. Beyer, B. Leibe, *In Defense of the Triplet Loss for
    Person Re-Identification* (2017), https://arxiv.org/abs/1703.07737
    """

    def over_columns(self, d, positive, negative):
        if self.soft:
            return _mean_softplus(d, positive, negative)
        # The sum of hinges is linear in the distances: each counts as often as it
        # is in an active triplet, positives upwards, negatives downwards. Both
        # counts compare the same two numbers, so that they agree on each triplet.
        counts = in_panels(ops.stop_gradient(d), positive, negative, choose=self.slopes)
        active = ops.cast(ops.sum(ops.where(positive, counts, 0), axis=0), d.dtype)
        total = ops.sum(ops.cast(counts, d.dtype) * d, axis=0)
        # Without active triplets the total is 0, or NaN.
        return (total + self.margin * active) / at_least(active, 1)

    def slopes(self, d, positive, negative):
        """In how many active triplets a distance is, a negative's counted as -1."""
        reach = d + self.margin
        near = sort_columns(ops.where(negative, d, INFINITY))
        reaching = sort_columns(ops.where(positive, reach, INFINITY))
        ups = ops.where(positive, count_in_columns(near, reach), 0)
        not_below = ops.sum(ops.cast(positive, "int32"), axis=0) - count_in_columns(
            reaching, d, inclusive=True
        )
        return ups - ops.where(negative, not_below, 0)


@compiled_once
def _mean_softplus(d, positive, negative):
    """Mean of softplus(d_ap - d_an) per column, one row of negatives at a time.

    The loop computes the value and its slope in every distance. Differentiating
    the loop itself would keep a B×B matrix of each step.
    """
    if d.shape[0] == 0:  # No row to take, not even in a loop of no steps.
        return ops.sum(d, axis=0)
    fixed = ops.stop_gradient(d)
    up = ops.cast(positive, d.dtype)
    down = ops.cast(negative, d.dtype)
    rows = ops.arange(ops.shape(d)[0], dtype="int32")[:, None]

    def add(k, sums):
        total, slope = sums
        # All of `up`'s zeros and ones, where the k-th row is a negative.
        triplets = up * ops.take(down, k, axis=0)[None, :]
        gap = fixed - ops.take(fixed, k, axis=0)[None, :]
        pull = triplets * ops.sigmoid(gap)
        push = ops.where(rows == k, ops.sum(pull, axis=0)[None, :], 0)
        return total + ops.sum(triplets * softplus(gap), axis=0), slope + pull - push

    zero = ops.zeros_like(fixed)
    n = ops.shape(d)[0]
    total, slope = ops.fori_loop(0, n, add, (ops.sum(zero, axis=0), zero))
    count = ops.sum(up, axis=0) * ops.sum(down, axis=0)
    linear = ops.sum(ops.stop_gradient(slope) * d, axis=0)
    # Its value is `total`; its gradient is `slope`.
    return safe_divide(ops.stop_gradient(total) + linear - ops.stop_gradient(linear), count)
