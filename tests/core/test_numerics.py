"""Gradients of the safe functions, in float32."""

import keras
import numpy as np
from keras import ops

from keras_losskit.core.numerics import safe_log
from tests.backends import value_and_gradient


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
