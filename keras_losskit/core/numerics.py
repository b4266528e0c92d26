"""Functions whose value and gradient stay finite where the plain ones' do not."""

import math

import keras
import numpy as np
from keras import ops

from keras_losskit.core.backend import with_gradient

NOTHING = -1e30  # What stands for log 0: far below any logit, and finite.

# NaN fails every comparison. A condition that guards something names what is left out
# (`x <= 0`), so that NaN goes where it is computed with and does not vanish.

# `ops.mean`, `ops.maximum` and `ops.minimum` compute in float32 on JAX and torch
# even where their input is float64; the first functions here do not.


def mean(x, axis=-1):
    """Mean over `axis` (an int or a tuple), in the dtype of `x`; 0 of nothing."""
    axes = (axis,) if isinstance(axis, int) else axis
    sizes = [x.shape[a] for a in axes]
    if None in sizes:
        dynamic = ops.shape(x)
        count = 1
        for a in axes:
            count = count * dynamic[a]
        return safe_divide(sum_over(x, axes), ops.cast(count, x.dtype))
    if not axes:
        return x
    return sum_over(x, axes) / max(math.prod(sizes), 1)


def sum_over(x, axes):
    """Σx over several axes.

    TensorFlow's graph adds up the entries of a column one after the other: of 96³
    entries four digits are lost. Where an axis behind them stays, the last is summed
    first, which makes columns short, and is faster.
    """
    axes = sorted(a % len(x.shape) for a in axes)
    if len(axes) > 1 and axes[-1] < len(x.shape) - 1:
        x = ops.sum(x, axis=axes.pop())
    return ops.sum(x, axis=tuple(axes)) if axes else x


def mean_of_all(x):
    """Mean over every axis; a number stays as it is."""
    return mean(x, tuple(range(len(x.shape))))


def largest(x, axis=-1, keepdims=False, initial=None):
    """Maximum over `axis`, and of `initial`; of an empty batch too."""
    if 0 in tuple(x.shape):  # There `ops.max` raises; the sum has the right shape.
        return ops.sum(x, axis=axis, keepdims=keepdims) + (initial or 0)
    return ops.max(x, axis=axis, keepdims=keepdims, initial=initial)


def cumsum(x):
    """Running sums over the last axis, in the dtype of `x`."""
    if keras.backend.standardize_dtype(x.dtype) != "float64":
        return ops.cumsum(x, axis=-1)
    # There `ops.cumsum` and `ops.matmul` return float32 on torch.
    return rows_times(x, ops.convert_to_tensor(np.tri(x.shape[-1]).T, dtype=x.dtype))


def rows_times(x, matrix):
    """`x @ matrix` for `x (…, n)` and `matrix (n, m)`, in the dtype of both.

    As two matrices: TensorFlow 2.21's product of (6, 1, 4, 5) and (5, 3) in float32 is
    wrong and writes outside of its memory. `ops.matmul` computes in float32 on torch.
    """
    if len(x.shape) == 2:
        return x @ matrix
    product = ops.reshape(x, (-1, matrix.shape[0])) @ matrix
    return ops.reshape(product, (*ops.shape(x)[:-1], matrix.shape[1]))


def absolute(x):
    """|x|, with the slope 0 at 0. JAX's own has 1 there: at a perfect prediction a pull."""
    if keras.config.backend() != "jax":
        return ops.abs(x)
    return with_gradient(ops.abs, lambda up, x: up * ops.sign(x), x, symmetric=True)


def at_least(x, bound):
    """max(x, bound) for a constant bound; NaN stays NaN, a tie has slope 1."""
    if keras.config.backend() == "torch" and isinstance(bound, (int, float)):
        return x.clamp(min=bound)
    return larger(x, ops.convert_to_tensor(bound, dtype=x.dtype))


def at_most(x, bound):
    """min(x, bound) for a constant bound; NaN stays NaN, a tie has slope 1."""
    if keras.config.backend() == "torch" and isinstance(bound, (int, float)):
        return x.clamp(max=bound)
    return smaller(x, ops.convert_to_tensor(bound, dtype=x.dtype))


def larger(a, b):
    """The larger of two tensors, element by element; the slope of a tie is a's."""
    if keras.config.backend() == "tensorflow":  # Elsewhere a tie is shared.
        return ops.maximum(a, b)
    return ops.where(a < b, b, a)


def smaller(a, b):
    """The smaller of two tensors, element by element; the slope of a tie is a's."""
    if keras.config.backend() == "tensorflow":
        return ops.minimum(a, b)
    return ops.where(b < a, b, a)


def arctan2(y, x):
    """The angle of the point (x, y); `ops.arctan2` rounds it to float32 on JAX and torch."""
    backend = keras.config.backend()
    if backend == "jax":
        import jax

        return jax.numpy.arctan2(y, x)
    if backend == "torch":
        import torch

        return torch.arctan2(y, x)
    return ops.arctan2(y, x)


def safe_log(p):
    """log(p) for p in [0, 1], continued below epsilon along its tangent.

    Clipping would make the gradient exactly zero where a model is most wrong;
    the tangent log(eps) + (p - eps)/eps keeps it finite (1/eps), of the right
    sign, and joins the logarithm in value and slope. `eps` is
    `keras.config.epsilon()`.
    """
    eps = keras.config.epsilon()

    def value(p):
        held = at_least(p, eps)
        if keras.config.backend() == "tensorflow":  # Choosing is slow in its graphs.
            return ops.log(held) + (p - held) / eps
        # Torch differentiates this: a slope of 1/eps that is added and cancels would
        # leave the gradient of the logarithm in whole numbers. JAX is faster by it.
        return ops.where(p < eps, p / eps + (math.log(eps) - 1), ops.log(held))

    return with_gradient(value, lambda up, p: up / at_least(p, eps), p, symmetric=True)


def safe_log_ratio(a, b):
    """log(a/b) for a and b in [0, 1], both continued as by `safe_log`."""
    eps = keras.config.epsilon()
    if keras.config.backend() == "torch":
        return safe_log(a) - safe_log(b)

    def value(a, b):
        above_a, above_b = at_least(a, eps), at_least(b, eps)
        return ops.log(above_a / above_b) + ((a - above_a) - (b - above_b)) / eps

    def gradient(up, a, b):
        return up / at_least(a, eps), -up / at_least(b, eps)

    return with_gradient(value, gradient, a, b, symmetric=True)


def safe_sqrt(x):
    """sqrt(x) for x >= 0; where x is 0 the gradient is 0, not infinite."""
    zero = x <= 0
    return ops.where(zero, 0, ops.sqrt(ops.where(zero, 1, x)))


def safe_divide(a, b, otherwise=0):
    """a / b; `otherwise`, with zero gradient, where b is 0 or below the normal numbers.

    Both slopes are numbers for every b. Backpropagation would form a/b², which overflows
    long before a/b does, and 0 times that is NaN. Here the slope 1/b follows a line to 0
    from b = 1e-30 on, and -a/b² is made of the quotient and no larger than 1e30, which
    leaves room for what they are multiplied by.
    """
    a, b = ops.convert_to_tensor(a), ops.convert_to_tensor(b)
    if a.shape != b.shape:  # A gradient has the shape of what it is of.
        a, b = a + ops.zeros_like(b), b + ops.zeros_like(a)
    if keras.config.backend() == "torch":
        return _divided_in_torch(a, b, otherwise)

    def value(a, b):
        return _quotient(a, b, otherwise)

    def gradient(up, a, b):
        inverse = held_inverse(b)
        steep = _quotient(a, b, 0) * inverse
        return up * inverse, -up * at_most(at_least(steep, -1 / LEAST), 1 / LEAST)

    return with_gradient(value, gradient, a, b, symmetric=True)


LEAST = 2.0**-100  # 1e-30


def _quotient(a, b, otherwise):
    # Asked this way a NaN is none of them, and stays.
    none = ops.abs(b) <= _smallest(b)
    return ops.where(none, otherwise, a / ops.where(none, 1, b))


def held_inverse(b):
    """1 / b, the slope of `safe_divide`; between -1e-30 and 1e-30 a line through 0."""
    near = ops.abs(b) < LEAST
    # A compiler would take b times two constants for b times their product, infinite.
    return ops.where(near, b / LEAST, 1) / ops.where(near, LEAST, b)


def _divided_in_torch(a, b, otherwise):
    """The same for automatic differentiation, of any order and in both directions.

    a/b does not change if both are multiplied by one number, nor do its derivatives if
    that number is held constant: by a power of two the divisors come near to 1.
    """
    none = ops.abs(b) <= _smallest(b)
    b = ops.where(none, 1, b)
    fixed = ops.stop_gradient(b)
    size = ops.abs(fixed)
    quotient = ops.stop_gradient(a) / fixed
    b = ops.where(ops.abs(quotient) / size > 1 / LEAST, fixed, b)
    scale = ops.where(size < 2.0**-64, 2.0**64, 1.0)
    divided = (a * scale) / (b * scale)
    # Where the slope is held down the value is the quotient's all the same.
    held = ops.stop_gradient(divided)
    share = ops.square(at_most(size / LEAST, 1))
    divided = ops.where(size < LEAST, held + share * (divided - held), divided)
    return ops.where(none, otherwise, divided)


def unit_of(total):
    """What sums up to `total` >= 0 are multiplied by, so that products of them are numbers.

    A power of two, which changes no digit; 1 unless `total` is huge or tiny, and 0 where
    it is 0 or below the normal numbers. No gradient goes through it.
    """
    total = ops.stop_gradient(total)
    large = ops.where(total > 2.0**40, 2.0**-70, ops.ones_like(total))
    small = ops.where(total > _smallest(total), 2.0**100, ops.zeros_like(total))
    return ops.where(total < 2.0**-40, small, large)


def one_over(x, above=None):
    """1 / x for x >= 0, and 0 where x is not `above`, else where it would be infinite."""
    none = x <= (_smallest(x) if above is None else above)
    return ops.where(none, 0, 1 / ops.where(none, 1, x))


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
        return ops.softmax(z, axis=-1)
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

    def value(z):
        below, _, total = _exponentials(z)
        return entry(below, ids) - ops.log(ops.squeeze(total, axis=-1))

    def gradient(up, z):
        _, exponentials, total = _exponentials(z)
        up = ops.expand_dims(up, -1)
        row = ops.one_hot(ids, z.shape[-1], dtype=z.dtype)
        return up * row - (up / total) * exponentials

    return with_gradient(value, gradient, z)


def _exponentials(z):
    """z - max(z), its exponentials and their sum over the last axis."""
    below = z - ops.stop_gradient(largest(z, keepdims=True))
    exponentials = ops.exp(below)
    total = ops.sum(exponentials, axis=-1, keepdims=True)
    return below, exponentials, at_least(total, 1)  # It is; the bound is as in `log1p`.


def entry(x, ids):
    """x_i on the last axis, for ids `(…)` in [0, C)."""
    ids, classes = ops.expand_dims(ids, -1), x.shape[-1]
    if keras.config.backend() == "jax" and classes <= 32:
        # There the gradient of what is taken is written one entry at a time.
        return ops.sum(ops.where(ids == ops.arange(classes, dtype="int32"), x, 0), axis=-1)
    return ops.squeeze(ops.take_along_axis(x, ids, axis=-1), axis=-1)


def _one_over_sum(x):  # One division a row.
    return one_over(ops.sum(x, axis=-1, keepdims=True), above=root_of_smallest(x))


def power(x, exponent):
    """x ** exponent for x >= 0 and a constant exponent >= 0.

    Below an exponent of 1 the slope at 0 is infinite, and infinity times the
    zero that usually follows is NaN. There x is held at the smallest normal
    number: the slope is then 0 at 0. In the products of this package (a
    modulating factor times a term that vanishes with x) that is the limit.
    """
    if exponent == 0:
        return ops.ones_like(x)
    if exponent == 1:
        return x
    if exponent == 2:
        return ops.square(x)
    if exponent < 1:
        return ops.where(x == 0, 0, _raised(at_least(x, _smallest(x)), exponent))
    return _raised(x, exponent)


def power_slope(x, exponent):
    """The slope of `power`."""
    if exponent == 0:
        return ops.zeros_like(x)
    if exponent == 1:
        return ops.ones_like(x)
    if exponent > 1:
        return exponent * (x if exponent == 2 else _raised(x, exponent - 1))
    held = at_least(x, _smallest(x))
    return ops.where(x < held, 0, exponent * _raised(held, exponent - 1))


def _raised(x, exponent):
    # As a tensor: torch would round a plain float to float32.
    return ops.power(x, ops.convert_to_tensor(exponent, dtype=x.dtype))


def _smallest(x):
    return 1e-37 if keras.backend.standardize_dtype(x.dtype) == "float32" else 1e-300


def root_of_smallest(x):
    """Above it the square of 1 / x is finite."""
    return math.sqrt(_smallest(x))


def log1p(x):
    """log(1 + x) for x >= 0.

    The bound changes nothing but what XLA makes of it on a CPU: a kernel of its own,
    without a constant in it, takes ten times as long as one that has a constant.
    """
    return ops.log1p(at_least(x, 0))


def softplus(x):
    """log(1 + exp(x)); value and gradient share one exponential."""
    if keras.config.backend() == "torch":
        # There one kernel. That of `ops.softplus` multiplies what comes back by exp(x)
        # before it divides: weights of 1e30 would be infinite.
        return -ops.log_sigmoid(-x)

    def value(x):
        high, small = _below_1(x)
        return ops.where(high, x, 0) + ops.log1p(small)

    return with_gradient(value, lambda up, x: up * logistic(x), x, symmetric=True)


def logistic(x):
    """1/(1 + exp(-x)), from the exponential of `softplus`."""
    high, small = _below_1(x)
    return ops.where(high, 1, small) / (1 + small)


def _below_1(x):
    """Whether x >= 0, and exp(-|x|), with a slope at 0."""
    high = x >= 0
    return high, ops.exp(ops.where(high, -x, x))


def expm1(x):
    """exp(x) - 1, accurate near 0, with the gradient exp(x) far below 0 too.

    Backends take the gradient of `ops.expm1` as its value + 1, which in float32
    is exactly 0 below x = -17.
    """
    far = x < -1
    near = ops.expm1(ops.where(far, -1, x))
    return ops.where(far, ops.exp(ops.where(far, x, -1)) - 1, near)


def log_sum_exp(x, where, axis=-1):
    """log Σ exp(x) over the entries that `where` marks.

    Of none it is -1e30, with zero gradient: a softplus or a hinge of it is 0.
    """

    def terms(x):
        marked = _only_where(x, where)
        # Above what stands for nothing, so that its exponential is 0.
        top = at_least(largest(marked, axis, keepdims=True, initial=NOTHING), NOTHING / 2)
        terms = ops.exp(marked - ops.stop_gradient(top))
        total = ops.sum(terms, axis=axis, keepdims=True)
        none = total <= 0
        return terms, ops.where(none, 1, total), none, top

    def value(x):
        _, total, none, top = terms(x)
        logarithm = ops.where(none, NOTHING, ops.log(total) + ops.stop_gradient(top))
        return ops.squeeze(logarithm, axis=axis)

    def gradient(up, x):
        exponentials, total, _, _ = terms(x)
        return exponentials * (ops.expand_dims(up, axis) / total)

    return with_gradient(value, gradient, x)


def largest_where(x, where, axis=-1):
    """max(x) over the entries that `where` marks; -1e30 of none."""
    return largest(_only_where(x, where), axis, initial=NOTHING)


def _only_where(x, where):
    return ops.where(where, x, ops.convert_to_tensor(NOTHING, dtype=x.dtype))


def log_add_exp(a, b):
    """log(exp(a) + exp(b)); `ops.logaddexp` would compute in float32."""

    def value(a, b):
        a_is_larger = a > b
        high, low = ops.where(a_is_larger, a, b), ops.where(a_is_larger, b, a)
        # The bound is for XLA, as in `log1p`.
        return high + log1p(ops.exp(at_most(low - high, 0)))

    def gradient(up, a, b):
        by_a = up * ops.sigmoid(a - b)
        return by_a, up - by_a

    if a.shape != b.shape:  # A gradient has the shape of what it is of.
        a, b = a + ops.zeros_like(b), b + ops.zeros_like(a)
    return with_gradient(value, gradient, a, b, symmetric=True)


def mean_where(x, where, axis=-1):
    """Mean over the entries that `where` marks; 0, with zero gradient, of none."""
    total = ops.sum(ops.where(where, x, ops.zeros_like(x)), axis=axis)
    return safe_divide(total, ops.sum(ops.cast(where, x.dtype), axis=axis))
