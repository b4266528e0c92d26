"""The exact Euclidean distance transform, in tensor operations."""

import math

from keras import ops

from keras_losskit.core.backend import compiled_once
from keras_losskit.core.kernels import at_most, run_at_once

_FAR = 1e12  # Above every squared distance; float32 holds it with room to add.
_AT_ONCE = 8  # Shifts taken by one step of the loop: they share what is read.


@compiled_once(backends=("jax", "tensorflow"))
def squared_distances(seeds):
    """Squared Euclidean distance from every position to the nearest seed.

    `seeds (B, *spatial, C)` are booleans, one map per sample and channel; a map
    without a seed gives 0. Whole numbers in float32, exact up to 2²⁴. The
    squared distance is separable: the first axis gives distances
    within a line, each further one the lower envelope min over k of
    f(k) + (x - k)² (Felzenszwalb and Huttenlocher, *Distance Transforms of
    Sampled Functions*, 2012). Costs at most positions × side, less where no
    distance is long; memory grows with the positions alone.
    """
    if 0 in seeds.shape or len(seeds.shape) < 3:  # No position, or a single one.
        return ops.zeros_like(ops.cast(seeds, "float32"))

    def of_one(sample):
        # One sample at a time stays in the cache, and ends its own loops early.
        some = ops.any(sample, axis=tuple(range(len(sample.shape) - 1)), keepdims=True)
        lines, shape = _as_lines(sample, 0)
        found = ops.reshape(_within_lines(lines), shape)
        found = ops.where(some, found, ops.zeros_like(found))
        for axis in range(1, len(shape) - 1):
            lines, _ = _as_lines(found, axis)
            found = ops.reshape(_lower_envelope(lines), shape)
        return found

    return ops.stop_gradient(ops.map(of_one, seeds))


def _as_lines(x, axis):
    """`x` as `(outer, n, inner)`, n along `axis`, and the shape to return to."""
    shape = ops.shape(x)
    sizes = (math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :]))
    return ops.reshape(x, sizes), shape


def _within_lines(seeds):
    """Squared distance to the nearest seed of the same line; far where none is."""
    n = ops.shape(seeds)[1]
    at = ops.reshape(ops.cast(ops.arange(n), "float32"), (1, -1, 1))
    before = ops.where(seeds, at, -_FAR)
    after = ops.where(seeds, at, _FAR)
    # Running maximum and minimum by doubling: each step doubles the places seen.
    known = isinstance(n, int)
    for i in range((n - 1).bit_length() if known else 31):
        s = 1 << i if known else ops.minimum(1 << i, n)
        before = ops.maximum(
            before, ops.concatenate([before[:, :s], before[:, : n - s]], axis=1)
        )
        after = ops.minimum(
            after, ops.concatenate([after[:, s:], after[:, n - s :]], axis=1)
        )
    nearest = ops.minimum(at - before, after - at)
    return ops.square(at_most(nearest, math.sqrt(_FAR)))


def _lower_envelope(f):
    """min over k of f(k) + (x - k)² at every x of every line `(outer, n, inner)`."""
    outer, n, inner = ops.shape(f)
    # Mirrored at both ends: a mirrored k is nearer to x than the shift says, so
    # that it never wins wrongly.
    wide = ops.concatenate([ops.flip(f, axis=1), f, ops.flip(f, axis=1)], axis=1)

    if run_at_once():  # Then numbers of Python cost less than tensors of one.
        best, shift = f, 1
        while shift < n and shift * shift < float(ops.max(best)):
            for by in range(shift, min(shift + _AT_ONCE, n)):
                near = ops.minimum(wide[:, n - by : 2 * n - by], wide[:, n + by : 2 * n + by])
                best = ops.minimum(best, near + by * by)
            shift += _AT_ONCE
        return best

    def unfinished(shift, best):
        # A shift whose square is no less than every value so far wins nowhere.
        square = ops.square(ops.cast(shift, f.dtype))
        return ops.logical_and(shift < n, square < ops.max(best))

    def step(shift, best):
        zero = ops.zeros_like(shift)  # JAX wants the three starts of one dtype.
        for _ in range(_AT_ONCE):
            by = ops.minimum(shift, n)
            left = ops.slice(wide, (zero, n - by, zero), (outer, n, inner))
            right = ops.slice(wide, (zero, n + by, zero), (outer, n, inner))
            square = ops.square(ops.cast(shift, f.dtype))
            best = ops.minimum(best, ops.minimum(left, right) + square)
            shift = shift + 1
        return shift, best

    return ops.while_loop(unfinished, step, (ops.ones((), dtype="int32"), f))[1]
