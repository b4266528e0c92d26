"""Distances and angles between the rows of matrices, and which rows are compared."""

import keras
import numpy as np
from keras import ops

from keras_losskit.core.anchors import places, rows_of
from keras_losskit.core.backend import with_gradient
from keras_losskit.core.kernels import at_least, furthest
from keras_losskit.core.numerics import one_over, root_of_smallest, safe_divide, safe_sqrt

DISTANCES = ("euclidean", "squared_euclidean", "cosine")


def unit(x, axis=-1):
    """`x` scaled to length 1; a zero vector stays zero, with zero gradient."""

    def scales(x):
        # By its largest entry first, so that squares neither overflow nor vanish.
        first = one_over(furthest(x, axis))
        squares = ops.sum(ops.square(x * first), axis=axis, keepdims=True)
        return first, one_over(safe_sqrt(squares))

    def value(x):
        first, second = scales(x)
        return x * first * second

    def gradient(up, x):
        first, second = scales(x)
        u = x * first * second
        along = ops.sum(up * u, axis=axis, keepdims=True)
        return (up - along * u) * first * second

    return with_gradient(value, gradient, x, symmetric=True)


def cosine(a, b, axis=-1):
    """The cosines of corresponding vectors; 0, with zero gradient, of a zero vector.

    Faster than by `unit`, and for lengths whose squares are numbers: in float32, from
    1e-18 (what is shorter counts as zero) to 1e19.
    """

    def parts(a, b):
        by_a, by_b = _one_over_length(a, axis), _one_over_length(b, axis)
        # Divided after the sum: two divisions a vector.
        return ops.sum(a * b, axis=axis, keepdims=True) * by_a * by_b, by_a, by_b

    def value(a, b):
        return ops.squeeze(parts(a, b)[0], axis=axis)

    def gradient(up, a, b):
        along, by_a, by_b = parts(a, b)
        up = ops.expand_dims(up, axis)
        across, along = up * by_a * by_b, up * along
        return (
            across * b - along * ops.square(by_a) * a,
            across * a - along * ops.square(by_b) * b,
        )

    return with_gradient(value, gradient, a, b)


def _one_over_length(x, axis):
    length = safe_sqrt(ops.sum(ops.square(x), axis=axis, keepdims=True))
    return one_over(length, above=root_of_smallest(x))


def products(x, anchors=None):
    """The dot products of all pairs of rows of `x (N, D)`: `(N, N)`, or a row an anchor."""
    return rows_of(x, anchors) @ ops.transpose(x)  # `ops.matmul` is float32 on torch.


def cosines(x, anchors=None):
    """The cosines of all pairs of rows of `x (N, D)`: `(N, N)`, or a row an anchor."""
    return products(unit(x), anchors)


def between(x, y, distance):
    """The distances of corresponding vectors along the last axis."""
    if distance == "cosine":
        return _not_negative(1 - cosine(x, y))
    squared = ops.sum(ops.square(x - y), axis=-1)
    return safe_sqrt(squared) if distance == "euclidean" else squared


def pairwise(x, distance, mask=None, anchors=None):
    """The distances of all pairs of rows of `x (N, D)`: `(N, N)`, or a row an anchor.

    From one matrix product, |a|² + |b|² - 2·a·b. Rounding makes that wrong by
    some ε(|a|² + |b|²), so the row nearest to the mean of those that exist (by
    `mask`) is made the origin: that takes away what the rows have in common, and
    coordinates on a grid stay on it, so that equal distances stay equal. A squared
    distance within the rounding is not known; its root is continued to 0 by a
    straight line in d²: identical rows are 0 apart (up to the rounding, where only some
    rows are anchors), no distance is negative, and the gradient of near-duplicates keeps
    its direction, with a length of at most 2.
    """
    if distance == "cosine":
        return _not_negative(1 - cosines(x, anchors))
    x = x - ops.stop_gradient(_central_row(x, mask))

    def squares(a, x):
        product = a @ ops.transpose(x)
        if anchors is None:
            # From the product itself: the squares of identical rows then cancel exactly.
            lengths = ops.diagonal(product)
            lengths = lengths[:, None] + lengths[None, :]
        else:
            lengths = ops.sum(ops.square(a), axis=-1)[:, None]
            lengths = lengths + ops.sum(ops.square(x), axis=-1)[None, :]
        return lengths - 2 * product, lengths

    def sure(squared, lengths):
        epsilon = float(np.finfo(keras.backend.standardize_dtype(x.dtype)).eps)
        unsure = ops.stop_gradient(safe_sqrt(8 * epsilon * lengths))
        return squared > ops.square(unsure), unsure

    def value(a, x):
        squared, lengths = squares(a, x)
        if distance == "squared_euclidean":
            return _not_negative(squared)
        known, unsure = sure(squared, lengths)
        root = ops.sqrt(ops.where(known, squared, 1))
        return ops.where(known, root, _not_negative(safe_divide(squared, unsure)))

    def gradient(up, a, x):
        if distance == "euclidean":
            squared, lengths = squares(a, x)
            known, unsure = sure(squared, lengths)
            twice = 2 * ops.sqrt(ops.where(known, squared, 1))
            up = safe_divide(up, ops.where(known, twice, unsure))
        # Σ_j w_ij·(a_i - x_j) and Σ_i w_ij·(x_j - a_i).
        of_a = ops.sum(up, axis=1)[:, None] * a - up @ x
        of_x = ops.sum(up, axis=0)[:, None] * x - ops.transpose(up) @ a
        return 2 * of_a, 2 * of_x

    return with_gradient(value, gradient, rows_of(x, anchors), x)


def others(x, mask, anchors=None):
    """Row i: which rows of `x` anchor i can be paired with, `(N, N)` or a row an anchor.

    All but itself, and only samples that exist.
    """
    other = places(x, anchors)[:, None] != places(x, None)[None, :]
    return other if mask is None else ops.logical_and(other, mask[None, :])


def _central_row(x, mask):
    if x.shape[0] == 0:
        return ops.zeros_like(x)
    exists = ops.ones_like(x[:, 0]) if mask is None else ops.cast(mask, x.dtype)
    mean = safe_divide(ops.sum(x, axis=0), ops.sum(exists))  # What is masked is 0.
    far = ops.sum(ops.square(x - mean), axis=-1)
    far = ops.where(exists > 0, far, ops.full_like(far, np.inf))
    # One more: of no row there is no nearest. Then what is taken is 0.
    nearest = ops.argmin(ops.pad(far, [[0, 1]], constant_values=np.inf))
    here = ops.arange(ops.shape(x)[0], dtype="int32") == ops.cast(nearest, "int32")
    return ops.sum(ops.where(here[:, None], x, 0), axis=0)


def _not_negative(x):
    """max(x, 0) in value; the gradient passes, since rounding alone makes x negative."""
    return x + ops.stop_gradient(at_least(x, 0) - x)
