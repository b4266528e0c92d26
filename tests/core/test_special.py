"""Log-gamma and its relatives against SciPy, over the whole range, with two derivatives."""

import math
from decimal import Decimal

import numpy as np
import pytest
from keras import ops
from scipy import special as reference

from keras_losskit.core import special
from tests.backends import to_numpy, value_and_gradient, wide

RANGE = np.concatenate(
    [10.0 ** np.arange(-6, 13, 0.25), np.linspace(0.4, 12, 117), [1.0, 2.0, 0.5, 1e15, 1e18]]
)
PRECISION = ("float32", "float64")


def derivatives(function, x):
    """Value, slope, and slope of the slope of an elementwise function."""
    with wide():
        value = to_numpy(function(ops.convert_to_tensor(x)))
        _, slope = value_and_gradient(lambda x: ops.sum(function(x)), x)
        return value, slope, second_derivative(function, x)


def second_derivative(function, x):
    """By the backend's own differentiation of its gradient."""
    from tests.backends import BACKEND

    if BACKEND == "tensorflow":
        import tensorflow as tf

        x = tf.convert_to_tensor(x)
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = function(x)
            slope = inner.gradient(y, x)
        return to_numpy(outer.gradient(slope, x))
    if BACKEND == "jax":
        import jax

        def total(x):
            return ops.sum(jax.grad(lambda x: ops.sum(function(x)))(x))

        return to_numpy(jax.grad(total)(ops.convert_to_tensor(x)))
    import torch

    x = torch.tensor(x, requires_grad=True)
    (slope,) = torch.autograd.grad(function(x).sum(), x, create_graph=True)
    return to_numpy(torch.autograd.grad(slope.sum(), x)[0])


def off(got, wanted, dtype, at_least=1):
    """Errors in units of the last place of what is wanted, or of `at_least` where smaller."""
    assert np.isfinite(got).all() and str(got.dtype) == dtype
    error = np.abs(got.astype("float64") - wanted) / np.maximum(np.abs(wanted), at_least)
    return (error / np.finfo(dtype).eps).max()


def rising(x, n):
    """log Γ(x + n)/(Γ(x)·xⁿ) for whole n <= 31, by its definition."""
    return sum(np.log1p(j / x) for j in range(n))


@pytest.mark.parametrize("dtype", PRECISION)
def test_log_gamma_and_its_two_derivatives(dtype):
    x = RANGE.astype(dtype)
    exact = x.astype("float64")
    value, slope, second = derivatives(special.log_gamma, x)
    assert off(value, reference.gammaln(exact), dtype) < 16
    assert off(slope, reference.digamma(exact), dtype) < 10
    assert off(second, reference.polygamma(1, exact), dtype) < 16


@pytest.mark.parametrize("dtype", PRECISION)
def test_a_rising_power_where_log_gammas_have_no_digit_left(dtype):
    for n in (0, 1, 2, 7, 31):
        x = RANGE.astype(dtype)
        exact = x.astype("float64")
        value, slope, second = derivatives(lambda x, n=n: special.log_rising(x, n + 0 * x), x)
        steps = np.arange(n)[:, None]
        assert off(value, rising(exact, n), dtype) < 60
        wanted = (-steps / (exact * (exact + steps))).sum(0)
        # It is added to what goes with n/x.
        assert off(slope, wanted, dtype, np.maximum(n / exact, 1)) < 40
        wanted = (steps * (2 * exact + steps) / (exact * (exact + steps)) ** 2).sum(0)
        assert off(second, wanted, dtype, np.maximum(n / exact**2, 1)) < 40


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("whole", [1, 2, 7, 31, 1000])
def test_log_beta(dtype, whole):
    """B(a, n) = (n - 1)!/(a(a + 1)…(a + n - 1)); SciPy's `betaln` loses nine digits."""
    a = RANGE[RANGE < 1e9].astype(dtype)
    exact, steps = a.astype("float64"), np.arange(1, whole)[:, None]
    b = np.full_like(a, whole)
    with wide():
        value, swapped = (
            to_numpy(special.log_beta(*map(ops.convert_to_tensor, pair)))
            for pair in ((a, b), (b, a))
        )
        _, slope = value_and_gradient(
            lambda a: ops.sum(special.log_beta(a, ops.convert_to_tensor(b))), a
        )
    wanted = -np.log(exact) - np.log1p(exact / steps).sum(0)
    assert off(value, wanted, dtype) < 40 and off(swapped, wanted, dtype) < 40
    wanted = -1 / exact - (1 / (exact + steps)).sum(0)
    assert off(slope, wanted, dtype) < 40


def test_log_beta_where_both_are_alike():
    x = np.array([0.5, 3.0, 40.0])
    with wide():
        same = ops.convert_to_tensor(x)
        slopes = [
            value_and_gradient(lambda x, f=f: ops.sum(f(x)), x)[1]
            for f in (lambda x: special.log_beta(x, x), lambda x: special.log_beta(x, 2 * same))
        ]
    wanted = 2 * (reference.digamma(x) - reference.digamma(2 * x))
    np.testing.assert_allclose(slopes[0], wanted, rtol=1e-12)
    wanted = reference.digamma(x) - reference.digamma(3 * x)
    np.testing.assert_allclose(slopes[1], wanted, rtol=1e-12)


@pytest.mark.parametrize("dtype", PRECISION)
def test_half_a_deviance_near_0_and_far(dtype):
    x = np.array([0, 1, 3, 100, 100, 1000, 1e6, 1e6, 1e12, 1e-3], dtype)
    m = x * np.array([0, 1, 1.2, 1.0001, 0.7, 100, 1 + 1e-6, 1e-9, 1.3, 2], dtype) + (x == 0)
    exact = [(Decimal(float(a)), Decimal(float(b))) for a, b in zip(x, m, strict=True)]
    wanted = [float((a * (a / b).ln() if a else a) + b - a) for a, b in exact]
    with wide():
        fixed = ops.convert_to_tensor(x)
        value, slope, second = derivatives(
            lambda m: special.half_deviance(fixed, fixed / m, m - fixed), m
        )
    assert off(value, np.array(wanted), dtype, at_least=1e-30) < 8
    ratio = x.astype("float64") / m
    assert off(slope, 1 - ratio, dtype, np.maximum(ratio, 1)) < 8
    assert off(second, ratio / m, dtype, np.maximum(ratio / m, 1e-30)) < 40


@pytest.mark.parametrize("dtype", PRECISION)
def test_what_a_factorial_is_above_its_power(dtype):
    y = np.array([*range(12), 40, 170, 1000, 5000], dtype)
    wanted = []
    for whole in map(int, y):
        power = whole * Decimal(whole).ln() - whole if whole else 0
        wanted.append(float(Decimal(math.factorial(whole)).ln() - power))
    with wide():
        got = to_numpy(special.log_factorial_rest(ops.convert_to_tensor(y)))
    np.testing.assert_allclose(got, wanted, rtol=0, atol=2e-6 if dtype == "float32" else 2e-13)


def test_log_of_1_and_a_square_that_overflows():
    u = np.array([0, 1e-6, -3.0, 1e7, -2e8, 1e30], "float32")
    value, slope = (
        to_numpy(special.log_1p_square(ops.convert_to_tensor(u))),
        value_and_gradient(lambda u: ops.sum(special.log_1p_square(u)), u)[1],
    )
    wide_u = u.astype("float64")
    np.testing.assert_allclose(value, np.log1p(wide_u**2), rtol=1e-6)
    np.testing.assert_allclose(slope, 2 * wide_u / (1 + wide_u**2), rtol=1e-6)
