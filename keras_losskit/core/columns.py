"""Sorting and searching the columns of a matrix, in whole-matrix steps.

On CPU, XLA sorts one comparison at a time and expands `searchsorted` to a cube.
Here a sorting network and a bisection move whole rows instead: O(log² N) and
O(log N) passes over the matrix. All of it only chooses, outside the gradient.
"""

import keras
from keras import ops

from keras_losskit.core.backend import compiled_once, with_gradient
from keras_losskit.core.kernels import sums_of_groups

PANEL = 128  # As many columns as stay in a processor's cache.


@compiled_once
def in_panels(first, second, third, *, choose):
    """`choose(first, second, third)`, a few columns of the matrices at a time.

    `choose` returns int32 in the shape of what it is given. What it needs on its
    way is then a part of a matrix each, near at hand.
    """
    columns = first.shape[1]
    if columns is not None and columns <= PANEL:
        return choose(first, second, third)
    n, m = ops.shape(first)[0], ops.shape(first)[1]
    width = PANEL if columns is not None else ops.minimum(m, PANEL)

    def add(k, chosen):
        start = ops.minimum(k * width, m - width)  # The last panel may overlap.
        panels = [ops.slice(x, (0, start), (n, width)) for x in (first, second, third)]
        return ops.slice_update(chosen, (0, start), choose(*panels))

    panels = (m + PANEL - 1) // PANEL
    return ops.fori_loop(0, panels, add, ops.zeros((n, m), dtype="int32"))


def take_in_columns(x, rows):
    """`x[rows[i, j], j]` for every i, j."""
    return ops.take_along_axis(x, rows, axis=0)


def chosen_in_columns(x, rows):
    """`take_in_columns`, whose gradient is faster for matrices of one shape."""

    def gradient(up, x):
        # Backpropagation would address rows and columns, one pair at a time.
        n, m = ops.shape(x)[0], ops.shape(x)[1]
        place = ops.reshape(rows * m + ops.arange(m, dtype="int32")[None, :], (-1,))
        flat = sums_of_groups(ops.reshape(up, (-1,)), place, n * m)
        return ops.reshape(flat, (n, m))

    return with_gradient(lambda x: take_in_columns(x, rows), gradient, x)


@compiled_once
def sort_columns(x):
    """Each column of `x (N, M)` in ascending order."""
    x = ops.stop_gradient(x)
    if x.shape[0] == 0 or keras.config.backend() == "torch":
        return x if x.shape[0] == 0 else ops.sort(x, axis=0)
    n = ops.shape(x)[0]
    rows = ops.arange(n, dtype="int32")

    # Bitonic merging of blocks of 2, 4, 8, ... rows: a first step compares row i
    # with its mirror image in the block, the next ones with the row half, a
    # quarter, ... of a run further. The smaller one always goes up, so that rows
    # beyond the last may be thought of as infinite: N need not be a power of 2.
    def unfinished(block, step, x):
        return block < 2 * n

    def compare(block, step, x):
        partner = ops.bitwise_xor(rows, step)
        partner = ops.where(partner < n, partner, rows)
        other = ops.take(x, partner, axis=0)
        goes_up = (rows < partner)[:, None]
        x = ops.where(goes_up == (other < x), other, x)
        following = ops.where(step == block - 1, block // 4, step // 2)
        merged = following == 0
        return (
            ops.where(merged, 2 * block, block),
            ops.where(merged, 2 * block - 1, following),
            x,
        )

    return ops.while_loop(unfinished, compare, (_int32(2), _int32(1), x))[2]


@compiled_once
def count_in_columns(ordered, queries, *, inclusive=False):
    """How many of each column of `ordered` are < (or <=, `inclusive`) each query.

    `ordered (N, M)` ascends along its columns; `queries (K, M)`.
    """
    n = ops.shape(ordered)[0]
    queries = ops.stop_gradient(queries)
    none = ops.zeros_like(queries, dtype="int32")
    if ordered.shape[0] == 0:
        return none

    def doubled(step):
        return 2 * step

    def fits(step):
        return 2 * step <= n

    def unfinished(step, count):
        return step > 0

    def bisect(step, count):
        probe = count + step
        value = take_in_columns(ordered, ops.where(probe <= n, probe, n) - 1)
        below = value <= queries if inclusive else value < queries
        further = ops.logical_and(probe <= n, below)
        return step // 2, ops.where(further, probe, count)

    # With no row at all there is nothing to probe.
    largest = ops.where(n > 0, ops.while_loop(fits, doubled, _int32(1)), 0)
    return ops.while_loop(unfinished, bisect, (largest, none))[1]


@compiled_once
def rows_by_rank(counts, there):
    """For the i-th smallest of each column of a matrix, the row where it stands.

    `counts` says of each entry how many of its column are <= it, among those that are
    `there`; ranks beyond these have no row, -1. Equal entries all have one row, of one of
    them.
    """
    if counts.shape[0] == 0:
        return counts
    n, m = ops.shape(counts)[0], ops.shape(counts)[1]
    columns = ops.arange(m, dtype="int32")[None, :]
    ranks = ops.arange(n, dtype="int32")
    # The last rank of equal entries gets their row; what is not there is put below all.
    place = ops.where(there, ops.maximum(counts, 1) - 1, n) * m + columns
    flat = ops.scatter_update(
        ops.full(((n + 1) * m,), -1, dtype="int32"),
        ops.reshape(place, (-1, 1)),
        ops.reshape(ops.broadcast_to(ranks[:, None], (n, m)), (-1,)),
    )
    found = ops.reshape(flat, (n + 1, m))[:n]
    taken = ranks[:, None] < ops.sum(ops.cast(there, "int32"), axis=0)[None, :]

    # The other ranks take the next row below them: over 1, 2, 4, ... ranks, as long as
    # one is missing. Where nothing is equal that is never; where a NaN is, for ever.
    def missing(step, found):
        return ops.logical_and(step < n, ops.any(ops.logical_and(taken, found < 0)))

    def fill(step, found):
        below = ops.take(found, ops.minimum(ranks + step, n - 1), axis=0)
        return 2 * step, ops.where(found < 0, below, found)

    return ops.while_loop(missing, fill, (_int32(1), found))[1]


def _int32(x):
    return ops.convert_to_tensor(x, dtype="int32")
