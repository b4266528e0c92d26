"""Functions whose value and gradient stay finite where the plain ones' do not."""

import math

import keras
from keras import ops

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
        return safe_divide(ops.sum(x, axis=axis), ops.cast(count, x.dtype))
    return ops.sum(x, axis=axis) / max(math.prod(sizes), 1)


def at_least(x, bound):
    """max(x, bound) for a constant bound; NaN stays NaN."""
    return ops.where(x < bound, ops.full_like(x, bound), x)


def at_most(x, bound):
    """min(x, bound) for a constant bound; NaN stays NaN."""
    return ops.where(x > bound, ops.full_like(x, bound), x)


def safe_log(p):
    """log(p) for p in [0, 1], continued below epsilon along its tangent.

    Clipping would make the gradient exactly zero where a model is most wrong;
    the tangent log(eps) + (p - eps)/eps keeps it finite (1/eps), of the right
    sign, and joins the logarithm in value and slope. `eps` is
    `keras.config.epsilon()`.
    """
    eps = keras.config.epsilon()
    below = p < eps
    # Two branches, not log(above) + (p - above)/eps: there 1/eps would be added to the slope and
    # taken away again, which costs float32 seven digits.
    log = ops.log(ops.where(below, ops.full_like(p, eps), p))
    return ops.where(below, math.log(eps) + (p - eps) / eps, log)


def safe_sqrt(x):
    """sqrt(x) for x >= 0; where x is 0 the gradient is 0, not infinite."""
    positive = x > 0
    return ops.where(positive, ops.sqrt(ops.where(positive, x, 1)), 0)


def safe_divide(a, b):
    """a / b, and 0 (with zero gradient) where b is 0."""
    nonzero = b != 0
    return ops.where(nonzero, a / ops.where(nonzero, b, 1), 0)


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
        tiny = 1e-37 if keras.backend.standardize_dtype(x.dtype) == "float32" else 1e-300
        x = at_least(x, tiny)
    # As a tensor: torch would round a plain float to float32.
    return ops.power(x, ops.convert_to_tensor(exponent, dtype=x.dtype))


def mean_last_axis(x):
    """Mean over the last axis; `(B,)` stays as it is, one value per sample."""
    return mean(x) if len(x.shape) > 1 else x
