"""Helpers whose float32 matters."""

import numpy as np
from keras import ops

from keras_losskit.core.numerics import safe_log
from tests.backends import value_and_gradient


def test_slope_of_safe_log_keeps_its_digits_in_float32():
    p = np.array([1e-6, 1e-3, 0.2, 0.5, 1.0], "float32")
    _, gradient = value_and_gradient(lambda x: ops.sum(safe_log(x)), p)
    np.testing.assert_allclose(gradient, 1 / p, rtol=1e-6)


def test_safe_log_goes_on_along_its_tangent():
    p = np.array([0.0, -1e-7], "float32")
    value, gradient = value_and_gradient(lambda x: ops.sum(safe_log(x)), p)
    # log(1e-7) - 1 and log(1e-7) - 2
    np.testing.assert_allclose(value, 2 * np.log(1e-7) - 3, rtol=1e-6)
    np.testing.assert_allclose(gradient, [1e7, 1e7], rtol=1e-6)

