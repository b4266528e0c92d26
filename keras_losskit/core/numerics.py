"""Functions whose value and gradient stay finite where the plain ones' do not."""

import math

import keras
import numpy as np
from keras import ops

from keras_losskit.core.backend import by_hand, compiled_by_torch, with_gradient
from keras_losskit.core.kernels import at_hand, at_least, at_most, choose, log_of_two

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
        if by_hand(p):  # A choice takes longer.
            return ops.log(held) + (p - held) / eps
        # Where this is differentiated a slope of 1/eps that is added and cancels would
        # leave the gradient of the logarithm in whole numbers. JAX is faster by it.
        return choose(p < eps, p / eps + (math.log(eps) - 1), ops.log(held))

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
    return choose(zero, 0, ops.sqrt(choose(zero, 1, x)))


def safe_divide(a, b, otherwise=0, bound=0):
    """a / b; `otherwise`, with zero gradient, where b is 0 or below the normal numbers.

    `bound` is a number that b is known not to be below: of one whose square is a number
    nothing of this is needed.

    Both slopes are numbers for every b. Backpropagation would form a/b², which overflows
    long before a/b does, and 0 times that is NaN. Here the slope 1/b follows a line to 0
    from b = 1e-30 on, and -a/b² is made of the quotient and no larger than 1e30, which
    leaves room for what they are multiplied by.
    """
    if bound > 2.0**-48:
        return a / b
    a, b = ops.convert_to_tensor(a), ops.convert_to_tensor(b)
    if a.shape != b.shape:  # A gradient has the shape of what it is of.
        a, b = a + ops.zeros_like(b), b + ops.zeros_like(a)
    if compiled_by_torch():
        return _divided_for_compilers(a, b, otherwise)

    def value(a, b):
        return _quotient(a, b, otherwise)

    def gradient(up, a, b):
        inverse = held_inverse(b)

        def by_b():
            steep = _quotient(a, b, 0) * inverse
            return -up * at_most(at_least(steep, -1 / LEAST), 1 / LEAST)

        return up * inverse, by_b

    return with_gradient(value, gradient, a, b, symmetric=True, eager=True)


LEAST = 2.0**-100  # 1e-30


def _quotient(a, b, otherwise):
    # Asked this way a NaN is none of them, and stays.
    none = ops.abs(b) <= _smallest(b)
    return choose(none, otherwise, a / choose(none, 1, b))


def held_inverse(b):
    """1 / b, the slope of `safe_divide`; between -1e-30 and 1e-30 a line through 0."""
    near = ops.abs(b) < LEAST
    # A compiler would take b times two constants for b times their product, infinite.
    return choose(near, b / LEAST, 1) / choose(near, LEAST, b)


def _divided_for_compilers(a, b, otherwise):
    """The same where torch's compilers differentiate what they read.

    a/b does not change if both are multiplied by one number, nor do its derivatives if
    that number is held constant: by a power of two the divisors come near to 1.
    """
    none = b.abs() <= _smallest(b)
    b = choose(none, 1, b)
    fixed = b.detach()
    size = fixed.abs()
    quotient = a.detach() / fixed
    b = choose(quotient.abs() / size > 1 / LEAST, fixed, b)
    scale = choose(size < 2.0**-64, 2.0**64, b.new_ones(()))
    divided = (a * scale) / (b * scale)
    # Where the slope is held down the value is the quotient's all the same.
    held = divided.detach()
    share = at_most(size / LEAST, 1).square()
    divided = choose(size < LEAST, held + share * (divided - held), divided)
    return choose(none, otherwise, divided)


def unit_of(total):
    """What sums up to `total` >= 0 are multiplied by, so that products of them are numbers.

    A power of two, which changes no digit; 1 unless `total` is huge or tiny, and 0 where
    it is 0 or below the normal numbers. No gradient goes through it.
    """
    total = ops.stop_gradient(total)
    large = choose(total > 2.0**40, 2.0**-70, ops.ones_like(total))
    small = choose(total > _smallest(total), 2.0**100, ops.zeros_like(total))
    return choose(total < 2.0**-40, small, large)


def one_over(x, above=None):
    """1 / x for x >= 0, and 0 where x is not `above`, else where it would be infinite."""
    none = x <= (_smallest(x) if above is None else above)
    return choose(none, 0, 1 / choose(none, 1, x))


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
        return choose(x == 0, 0, _raised(at_least(x, _smallest(x)), exponent))
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
    return choose(x < held, 0, exponent * _raised(held, exponent - 1))


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
        return choose(high, x, 0) + ops.log1p(small)

    return with_gradient(value, lambda up, x: up * logistic(x), x, symmetric=True)


def logistic(x):
    """1/(1 + exp(-x)), from the exponential of `softplus`."""
    high, small = _below_1(x)
    return choose(high, 1, small) / (1 + small)


def _below_1(x):
    """Whether x >= 0, and exp(-|x|), with a slope at 0."""
    high = x >= 0
    return high, ops.exp(choose(high, -x, x))


def expm1(x):
    """exp(x) - 1, accurate near 0, with the gradient exp(x) far below 0 too.

    Backends take the gradient of `ops.expm1` as its value + 1, which in float32
    is exactly 0 below x = -17.
    """
    far = x < -1
    near = ops.expm1(choose(far, -1, x))
    return choose(far, ops.exp(choose(far, x, -1)) - 1, near)


def log_add_exp(a, b):
    """log(exp(a) + exp(b)); `ops.logaddexp` would compute in float32."""

    def value(a, b):
        if at_hand() and not compiled_by_torch():  # There it is one kernel.
            return log_of_two(a, b)
        a_is_larger = a > b
        high, low = choose(a_is_larger, a, b), choose(a_is_larger, b, a)
        # The bound is for XLA, as in `log1p`.
        return high + log1p(ops.exp(at_most(low - high, 0)))

    def gradient(up, a, b):
        by_a = up * ops.sigmoid(a - b)
        return by_a, up - by_a

    if a.shape != b.shape:  # A gradient has the shape of what it is of.
        a, b = a + ops.zeros_like(b), b + ops.zeros_like(a)
    return with_gradient(value, gradient, a, b, symmetric=True, eager=True)


def mean_where(x, where, axis=-1):
    """Mean over the entries that `where` marks; 0, with zero gradient, of none."""
    total = ops.sum(choose(where, x, ops.zeros_like(x)), axis=axis)
    return safe_divide(total, ops.sum(ops.cast(where, x.dtype), axis=axis))
