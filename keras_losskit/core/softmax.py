"""Rows of shares and of logits: softmax, its logarithm, and sums of exponentials."""

import keras
from keras import ops

from keras_losskit.core import kernels
from keras_losskit.core.backend import with_gradient
from keras_losskit.core.kernels import at_least, choose, entry, exp
from keras_losskit.core.numerics import largest, one_over, root_of_smallest

NOTHING = -1e30  # What stands for log 0: far below any logit, and finite.


def shares(x):
    """x / Σx over the last axis, for x >= 0; 0, with zero gradient, where Σx is 0."""

    def gradient(up, x):
        scale = _one_over_sum(x)
        return scale * (up - scale * ops.sum(up * x, axis=-1, keepdims=True))

    return with_gradient(lambda x: x * _one_over_sum(x), gradient, x)


def share_of(x, ids):
    """x_i / Σx over the last axis, for ids `(…)` in [0, C); as in `shares`."""

    def value(x):
        return entry(x, ids) * ops.squeeze(_one_over_sum(x), axis=-1)

    def gradient(up, x):
        row = ops.one_hot(ids, x.shape[-1], dtype=x.dtype)
        share = ops.expand_dims(value(x), -1)
        return ops.expand_dims(up, -1) * _one_over_sum(x) * (row - share)

    return with_gradient(value, gradient, x)


def softmax(z):
    """softmax over the last axis."""
    backend = keras.config.backend()
    if backend == "torch":
        return kernels.softmax_in_torch(z)
    if len(z.shape) > 2:
        return ops.reshape(softmax(_as_rows(z)), ops.shape(z))

    def value(z):
        if backend == "jax" or z.shape[-1] > 8:
            return ops.softmax(z, axis=-1)
        # Of few classes faster than TensorFlow's kernel, and what `log_softmax_of`
        # computes: a compiler does it once for both.
        _, exponentials, total = _exponentials(z)
        return exponentials * (1 / total)

    def gradient(up, z):
        p = value(z)
        return p * (up - ops.sum(p * up, axis=-1, keepdims=True))

    return with_gradient(value, gradient, z, symmetric=True)


def _as_rows(z):
    """A matrix of the same rows, which XLA on a CPU reduces faster."""
    return ops.reshape(z, (-1, z.shape[-1]))


def log_softmax(z):
    """log softmax over the last axis; that of a logit of -inf is finite."""
    if kernels.at_hand():
        return kernels.softmax_in_torch(held(z), logarithm=True)
    return ops.log_softmax(held(z), axis=-1)


def crossentropy(g, z):
    """-Σ g·log softmax(z) over the last axis, for rows g of any sum.

    TensorFlow's own kernel takes the sum as 1 in its gradient, (Σg)·softmax(z) - g.
    """
    if keras.config.backend() != "tensorflow":
        return -ops.sum(g * log_softmax(z), axis=-1)
    if len(z.shape) > 2:
        return ops.reshape(crossentropy(_as_rows(g), _as_rows(z)), ops.shape(z)[:-1])

    def sums(x):  # No product of matrices: on a GPU those may round what they add.
        return ops.sum(x, axis=-1, keepdims=True)

    def parts(z):
        below = at_least(z - ops.stop_gradient(largest(z, keepdims=True)), NOTHING)
        exponentials = ops.exp(below)
        return below, exponentials, at_least(sums(exponentials), 1)  # As in `log1p`.

    def value(g, z):
        below, _, total = parts(z)
        return ops.squeeze(sums(g) * ops.log(total) - sums(g * below), axis=-1)

    def gradient(up, g, z):
        below, exponentials, total = parts(z)
        up = ops.expand_dims(up, -1)
        return up * (ops.log(total) - below), up * (exponentials * (sums(g) / total) - g)

    return with_gradient(value, gradient, g, z)


def held(z):
    """z, and -1e30 for -inf, which times a target of 0 is 0; the gradient passes."""
    return with_gradient(lambda z: at_least(z, NOTHING), lambda up, z: up, z, symmetric=True)


def log_softmax_of(z, ids):
    """log softmax(z)_i over the last axis, for ids `(…)` in [0, C)."""
    if len(z.shape) > 2:
        rows = log_softmax_of(_as_rows(z), ops.reshape(ids, (-1,)))
        return ops.reshape(rows, ops.shape(ids))
    if kernels.run_at_once():
        return -kernels.crossentropies(z, ids)

    def value(z):
        top, _, total = _exponentials(z)
        # Of z itself: of what is below its largest a compiler would make a matrix.
        return entry(z, ids) - ops.squeeze(top, -1) - ops.log(ops.squeeze(total, axis=-1))

    def gradient(up, z):
        _, exponentials, total = _exponentials(z)
        up = ops.expand_dims(up, -1)
        row = ops.one_hot(ids, z.shape[-1], dtype=z.dtype)
        return up * row - (up / total) * exponentials

    return with_gradient(value, gradient, z)


def _exponentials(z):
    """max(z), the exponentials of what is below it, and their sum over the last axis."""
    top = ops.stop_gradient(largest(z, keepdims=True))
    exponentials = ops.exp(z - top)
    total = ops.sum(exponentials, axis=-1, keepdims=True)
    return top, exponentials, at_least(total, 1)  # It is; the bound is as in `log1p`.


def _one_over_sum(x):  # One division a row.
    return one_over(ops.sum(x, axis=-1, keepdims=True), above=root_of_smallest(x))


def log_sum_exp(x, where, axis=-1):
    """log Σ exp(x) over the entries that `where` marks.

    Of none it is -1e30, with zero gradient: a softplus or a hinge of it is 0.
    """

    def terms(x):
        marked = _only_where(x, where)
        # Above what stands for nothing, so that its exponential is 0.
        top = at_least(largest(marked, axis, keepdims=True, initial=NOTHING), NOTHING / 2)
        terms = exp(marked - ops.stop_gradient(top))
        total = ops.sum(terms, axis=axis, keepdims=True)
        none = total <= 0
        return terms, choose(none, 1, total), none, top

    def value(x):
        _, total, none, top = terms(x)
        logarithm = choose(none, NOTHING, ops.log(total) + ops.stop_gradient(top))
        return ops.squeeze(logarithm, axis=axis)

    def gradient(up, x):
        exponentials, total, _, _ = terms(x)
        return exponentials * (ops.expand_dims(up, axis) / total)

    return with_gradient(value, gradient, x)


def largest_where(x, where, axis=-1):
    """max(x) over the entries that `where` marks; -1e30 of none."""
    return largest(_only_where(x, where), axis, initial=NOTHING)


def _only_where(x, where):
    return choose(where, x, ops.convert_to_tensor(NOTHING, dtype=x.dtype))
