"""Values and gradients of the safe functions, in float32."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_losskit.core import numerics
from keras_losskit.core.numerics import safe_log
from tests.backends import compiled, to_numpy, value_and_gradient, wide

FAR = np.array([0.0, -0.0, 1e-3, -1e-3, 0.7, -2.5, 9.0, -9.0, 16.6, -16.6, 80.0, -80.0], "float32")


def test_the_logarithm_keeps_its_slope_to_the_last_digits():
    eps = keras.config.epsilon()
    p = np.array([1.0, 0.9, 0.35, 0.0123, 1e-5, 2 * eps, eps / 2, 0.0], "float32")
    _, gradient = value_and_gradient(lambda x: ops.sum(safe_log(x)), p)
    np.testing.assert_allclose(gradient, 1 / np.maximum(p.astype("float64"), eps), rtol=1e-6)


def test_the_tangent_joins_the_logarithm():
    eps = keras.config.epsilon()
    p = ops.convert_to_tensor(np.array([0.0, eps * (1 - 1e-4), eps, 0.5, 1.0], "float32"))
    expected = [np.log(eps) - 1, np.log(eps) - 1e-4, np.log(eps), np.log(0.5), 0]
    np.testing.assert_allclose(ops.convert_to_numpy(safe_log(p)), expected, atol=2e-6)


def test_a_ratio_of_shares_below_epsilon_follows_both_tangents():
    eps = keras.config.epsilon()
    a, b = np.array([0.0, 0.0, 0.5, eps / 2, 0.3]), np.array([0.0, 0.2, 0.0, eps / 4, 0.3])

    def log(p):
        return np.where(p < eps, np.log(eps) + (p - eps) / eps, np.log(np.maximum(p, eps)))

    got = numerics.safe_log_ratio(*(ops.convert_to_tensor(x.astype("float32")) for x in (a, b)))
    np.testing.assert_allclose(to_numpy(got), log(a) - log(b), rtol=2e-6, atol=2e-6)


def test_softplus_keeps_its_digits_far_below_zero():
    wide = FAR.astype("float64")
    values = np.maximum(wide, 0) + np.log1p(np.exp(-np.abs(wide)))
    got = to_numpy(numerics.softplus(ops.convert_to_tensor(FAR)))
    np.testing.assert_allclose(got, values, rtol=3e-7)
    _, gradient = value_and_gradient(lambda x: ops.sum(numerics.softplus(x)), FAR)
    small = np.exp(-np.abs(wide))
    slopes = np.where(wide >= 0, 1, small) / (1 + small)
    np.testing.assert_allclose(gradient, slopes, rtol=5e-7)


def test_log1p_keeps_its_digits_however_it_is_compiled():
    x = np.array([0.0, 1e-30, 1e-12, 3e-8, 1e-4, 0.3, 1.0, 1e6, 1e30], "float32")
    for how, function in compiled(lambda x: numerics.log1p(x)).items():
        got = to_numpy(function(ops.convert_to_tensor(x)))
        np.testing.assert_allclose(got, np.log1p(x.astype("float64")), rtol=5e-7, err_msg=how)


def test_the_logarithm_of_a_sum_of_exponentials_shares_its_slope():
    a = np.array([[0.0], [5.0], [-1e30], [100.0]], "float32")
    b = np.array([[0.0, 5.0, -100.0]], "float32")
    wide_a, wide_b = np.broadcast_arrays(a.astype("float64"), b.astype("float64"))
    expected = np.logaddexp(wide_a, wide_b)
    got = to_numpy(numerics.log_add_exp(*map(ops.convert_to_tensor, (a, b))))
    np.testing.assert_allclose(got, expected, rtol=3e-7, atol=1e-38)
    share = np.exp(wide_a - expected)
    for x, slopes in ((a, share.sum(1, keepdims=True)), (b, (1 - share).sum(0, keepdims=True))):
        other = ops.convert_to_tensor(b if x is a else a)
        _, gradient = value_and_gradient(lambda x: ops.sum(numerics.log_add_exp(x, other)), x)  # noqa: B023
        np.testing.assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("lead", [(4,), (6, 4), (6, 1, 4), (1, 6, 1, 4), (0, 3)])
def test_rows_times_a_matrix(lead, dtype):
    rng = np.random.default_rng(3)
    x, matrix = rng.normal(size=(*lead, 5)), rng.normal(size=(5, 3))
    with wide():
        given = (ops.convert_to_tensor(a.astype(dtype)) for a in (x, matrix))
        got = numerics.rows_times(*given)
        assert keras.backend.standardize_dtype(got.dtype) == dtype
        np.testing.assert_allclose(
            to_numpy(got), x @ matrix, rtol=1e-12 if dtype == "float64" else 2e-5, atol=1e-6
        )
