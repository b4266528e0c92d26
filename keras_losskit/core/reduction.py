"""From values, weights and a mask to a number. Pure functions."""

import math
from typing import NamedTuple

import keras
from keras import ops

from keras_losskit.core.backend import replicas
from keras_losskit.core.kernels import choose
from keras_losskit.core.numerics import safe_divide


class Reduction(NamedTuple):
    """How values become a number.

    `divisor`: what their weighted sum is divided by, `"count"` or `"weights"`; `None`
    for a plain sum, or for values that stay as they are (`is_none`).
    """

    name: str | None
    divisor: str | None = None
    is_none: bool = False

    @property
    def is_sum(self):
        return self.divisor is None and not self.is_none


# Keras' words, and `None`.
REDUCTIONS = {
    r.name: r
    for r in (
        Reduction("sum_over_batch_size", "count"),
        Reduction("mean", "count"),
        Reduction("mean_with_sample_weight", "weights"),
        Reduction("sum"),
        Reduction("none", is_none=True),
        Reduction(None, is_none=True),
    )
}
INHERIT = "inherit"  # What a loss made of losses says where each keeps its own.


def require_reduction(owner, name):
    """`name` if it is one of Keras' words; they are shown where it is not."""
    known = name is None or (isinstance(name, str) and name in REDUCTIONS)
    if known:
        return name
    words = ", ".join(repr(word) for word in REDUCTIONS)
    also = " 'auto', of older Keras, is 'sum_over_batch_size'." if _is_auto(name) else ""
    raise ValueError(
        f"{type(owner).__name__}: `reduction` must be one of {words}.{also} "
        f"Received: reduction={name!r}"
    )


def is_mean(name):
    """Whether a reduction without weights is the mean of all values."""
    return name in REDUCTIONS and REDUCTIONS[name].divisor is not None


def _is_auto(name):
    return isinstance(name, str) and name.lower() == "auto"


def align_left(x, rank):
    """Add axes of 1 behind `x` until it has `rank` axes."""
    missing = rank - len(x.shape)
    if missing <= 0:
        return x
    return ops.reshape(x, (*_shape(x), *(1,) * missing))


def drop_trailing_ones(x):
    """`(B, 1)` -> `(B,)`: a trailing axis of 1 says nothing of what `x` weighs."""
    while len(x.shape) > 1 and x.shape[-1] == 1:
        x = ops.squeeze(x, axis=-1)
    return x


def check_aligned(owner, what, x, shape, of_what):
    """Raise unless `x`, aligned from the left, fits `shape` axis by axis."""
    if not _leads(x.shape, shape):
        raise ValueError(
            f"{owner}: {what} of shape {tuple(x.shape)} does not fit {of_what} of "
            f"shape {tuple(shape)}. It is aligned from the left, so it must have a "
            f"shape among {_prefixes(shape)}."
        )


def combine_masks(first, second, how=ops.logical_and):
    """Two masks in one, aligned from the left; `None` masks nothing."""
    if first is None or second is None:
        return second if first is None else first
    rank = max(len(first.shape), len(second.shape))
    return how(align_left(first, rank), align_left(second, rank))


def fill(x, mask):
    """`x` with 0 where `mask` is False, so that nothing there is computed with.

    `x` may be a structure of tensors; those that `mask` does not fit are left.
    """
    if mask is None:
        return x
    return keras.tree.map_structure(lambda leaf: _fill_one(leaf, mask), x)


def _fill_one(x, mask):
    if not _leads(mask.shape, x.shape):
        return x
    return choose(align_left(mask, len(x.shape)), x, ops.zeros_like(x))


def weigh(values, weights, mask):
    """Values times weights; 0 where the weight is 0 or the mask is False."""
    values = fill(values, mask)
    if weights is None:
        return values
    weights = align_left(weights, len(values.shape))
    return choose(weights == 0, ops.zeros_like(values), values * weights)


def reduce(values, weights, mask, reduction, everywhere=None):
    """Reduce `values (B, …)` as Keras does.

    `weights` and `mask` are `None` or aligned from the left with `values`.
    Means count the unmasked values; `"mean_with_sample_weight"` divides by the
    sum of their weights instead. With nothing to count the mean is 0. Means
    are divided by the number of `tf.distribute` replicas, whose sum Keras
    takes. `everywhere`: the replicas over all of whose values the number is, the same on
    each; it is its replica's share then, even of a sum.
    """
    rule = REDUCTIONS[reduction]
    weighted = weigh(values, weights, mask)
    if rule.is_none:
        return weighted
    total = ops.sum(weighted)
    if rule.is_sum:
        return total if everywhere is None else scale_for_replicas(everywhere.sum(total))
    count = _count(values, weights, mask, rule)
    if everywhere is not None:
        both = everywhere.sum(ops.stack([total, ops.cast(count, total.dtype)]))
        total, count = both[0], both[1]
    return scale_for_replicas(_divide(total, count))


def reduce_number(value, reduction, everywhere=None):
    """Reduce one number for a whole batch: there is nothing left to sum."""
    rule = REDUCTIONS[reduction]
    shared = rule.divisor or (rule.is_sum and everywhere is not None)
    return scale_for_replicas(value) if shared else value


def scale_for_replicas(mean):
    """A replica's share of a mean over the global batch."""
    n = replicas()
    return mean / n if n > 1 else mean


def _count(values, weights, mask, rule):
    if rule.divisor == "weights" and weights is not None:
        counted = weigh(ops.ones_like(values), weights, mask)
        return ops.sum(counted)
    if mask is not None:
        return ops.sum(fill(ops.ones_like(values), mask))
    if all(n is not None for n in values.shape):
        return math.prod(values.shape)
    return ops.cast(ops.size(values), values.dtype)


def _divide(total, count):
    if isinstance(count, int):
        return total / count if count else ops.zeros_like(total)
    return safe_divide(total, count)


def _shape(x):
    """Static sizes where known, dynamic ones elsewhere."""
    dynamic = None
    shape = []
    for i, n in enumerate(x.shape):
        if n is None:
            dynamic = ops.shape(x) if dynamic is None else dynamic
            n = dynamic[i]
        shape.append(n)
    return shape


def _leads(lead, shape):
    return len(lead) <= len(shape) and all(
        a is None or b is None or a == b or (a == 1 and i > 0)
        for i, (a, b) in enumerate(zip(lead, shape, strict=False))
    )


def _prefixes(shape):
    shape = tuple(shape)
    return ", ".join(str(shape[:i]) for i in range(0 if not shape else 1, len(shape) + 1))
