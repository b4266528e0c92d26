"""Bi-tempered logistic loss."""

import keras
from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.kernels import at_least
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import expm1, largest
from keras_losskit.core.softmax import held, log_softmax
from keras_losskit.losses.classification.base import LogitsLoss


def log_exp_t(u, t):
    """log of the tempered exponential [1 + (1 - t)·u]_+^(1/(1 - t)).

    Where it is 0 (t < 1 only) a very negative number, without gradient.
    """
    if t == 1:
        return u
    if t > 1:  # u <= 0: what is taken the logarithm of is at least 1.
        return ops.log1p((1 - t) * u) / (1 - t)
    tiny = 1e-37 if keras.backend.standardize_dtype(u.dtype) == "float32" else 1e-300
    return ops.log(at_least(1 + (1 - t) * u, tiny)) / (1 - t)


def log_tempered_softmax(z, t, iterations):
    """log p, p_c = exp_t(z_c - λ) with λ such that Σ_c p_c = 1."""
    if t == 1:
        return log_softmax(z)
    z = held(z)
    z = z - largest(z, keepdims=True)
    find = _by_fixed_point if t > 1 else _by_bisection
    return log_exp_t(z - find(z, t, iterations), t)


def _by_fixed_point(z, t, iterations):
    """λ by iterating z·Z^(1 - t); its gradient is that of the iterations."""
    scaled = z
    for _ in range(iterations):
        scaled = z * ops.exp((1 - t) * _log_partition(scaled, t))
    return expm1((t - 1) * _log_partition(scaled, t)) / (t - 1)


def _log_partition(z, t):
    return ops.log(ops.sum(ops.exp(log_exp_t(z, t)), axis=-1, keepdims=True))


def _by_bisection(z, t, iterations):
    """λ by halving its bracket; its gradient is that of the equation Σ p = 1."""
    z_now = ops.stop_gradient(z)
    # A class below the first bound has p = 0 for every λ >= 0.
    size = ops.sum(ops.cast(z_now > -1 / (1 - t), z.dtype), axis=-1, keepdims=True)
    low = ops.zeros_like(size)
    high = -expm1((t - 1) * ops.log(size)) / (1 - t)
    for _ in range(iterations):
        middle = (low + high) / 2
        too_high = ops.sum(ops.exp(log_exp_t(z_now - middle, t)), axis=-1, keepdims=True) < 1
        low, high = ops.where(too_high, low, middle), ops.where(too_high, middle, high)
    found = (low + high) / 2
    # Bisection itself has no gradient. By the implicit function theorem it is
    # Σ p^t·dz / Σ p^t; the quotient adds that, and nothing to the value.
    log_p = log_exp_t(z - found, t)
    slope = ops.stop_gradient(ops.sum(ops.exp(t * log_p), axis=-1, keepdims=True))
    total = ops.sum(ops.exp(log_p), axis=-1, keepdims=True)
    return found + (total - ops.stop_gradient(total)) / slope


def log_t(log_x, t):
    """The tempered logarithm (x^(1 - t) - 1)/(1 - t), from log x."""
    return log_x if t == 1 else expm1((1 - t) * log_x) / (1 - t)


@register
class BiTempered(LogitsLoss):
    """Bi-tempered logistic loss: Σ_c g_c·(log_t1 g_c - log_t1 p_c) - (g_c^a - p_c^a)/a.

    a = 2 - t1, p = exp_t2(z - λ(z)), log_t x = (x^(1-t) - 1)/(1 - t), exp_t its
    inverse. t1 < 1 bounds what a far outlier costs, t2 > 1 lets the tails of p
    fall slowly, so that labels that are wrong near the boundary pull less.
    t1 = t2 = 1 is KL(g ‖ p): cross-entropy for one-hot targets, and that less the entropy
    of g for soft ones.

    Args:
        t1: 0 <= t1 <= 1.
        t2: >= 0. Above 1, λ is found by fixed-point iterations; below 1, by
            bisection: p then has exact zeros, where the gradient is 0 too.
        label_smoothing: s in [0, 1]: targets become (1 - s)·g + s/C.
        iterations: >= 1, of either. Σp is 1 only as far as they have converged:
            5 are the published default; bisection wants 20 and more.
        class_weights: C weights w >= 0; a position's value is multiplied by
            Σ_c w_c·g_c.
        ignore_class: an id whose positions count nowhere, say 255 or -1.

    | elsewhere | here |
    |---|---|
    | the authors' `bi_tempered_logistic_loss(z, y, t1, t2)` | `BiTempered(t1, t2)` |
    | theirs at t1 = t2 = 1, soft labels too | `CategoricalCrossentropy(from_logits=True)` |
    | their `label_smoothing=s` | `label_smoothing=s·C/(C - 1)` |
    | their gradient, which takes Σp as 1 | for t2 > 1 that of the value itself; below, theirs |

    Call with `y_true` `(B, …)`, `(B, …, 1)` or `(B, …, C)`, `y_pred` logits
    `(B, …, C)`; values `(B, …)`.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or (where
            values can be seen) an id outside [0, C).

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.BiTempered(t1=0.0, t2=1.0)
    >>> float(loss([1], [[0.0, 0.0]]))    # (1 - ½) - (1 - 2·½²)/2
    0.25

    Reference: E. Amid et al., *Robust Bi-Tempered Logistic Loss Based on Bregman
    Divergences* (2019), https://arxiv.org/abs/1906.03361
    """

    def __init__(self, t1=0.8, t2=1.4, label_smoothing=0.0, iterations=5, **options):
        super().__init__(label_smoothing=label_smoothing, **options)
        self.t1 = checks.real(self, "t1", t1, at_least=0, at_most=1)
        self.t2 = checks.real(self, "t2", t2, at_least=0)
        self.iterations = checks.integer(self, "iterations", iterations, at_least=1)

    def of_positions(self, y_true, y_pred):
        g = self.smoothed_targets(y_true, y_pred)
        log_p = log_tempered_softmax(y_pred, self.t2, self.iterations)
        # What is multiplied by g = 0 only has to be finite.
        log_g = ops.log(ops.where(g > 0, g, 1))
        a = 2 - self.t1
        g_power = ops.where(g > 0, ops.exp(a * log_g), 0)
        distance = g * (log_t(log_g, self.t1) - log_t(log_p, self.t1))
        values = ops.sum(distance - (g_power - ops.exp(a * log_p)) / a, axis=-1)
        return self.weigh_positions(values, g)
