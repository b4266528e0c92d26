"""Logits and shares of rows: values and gradients, in float32."""

import numpy as np
import pytest
from keras import ops

from keras_losskit.core import softmax
from tests.backends import to_numpy, value_and_gradient


@pytest.mark.parametrize("classes", [2, 5, 40])
def test_the_log_softmax_of_an_id(classes):
    rng = np.random.default_rng(classes)
    z = (8 * rng.normal(size=(3, 4, classes))).astype("float32")
    z[0, 0], z[1, 1, 0] = 1e4, -np.inf  # Equal and large; one that cannot be.
    ids = rng.integers(1, classes, (3, 4))
    wide = z.astype("float64") - z.max(axis=-1, keepdims=True)
    total = np.exp(wide).sum(axis=-1, keepdims=True)
    expected = np.take_along_axis(wide - np.log(total), ids[..., None], -1)[..., 0]
    tensor = ops.convert_to_tensor(ids.astype("int32"))
    got = to_numpy(softmax.log_softmax_of(ops.convert_to_tensor(z), tensor))
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)
    _, gradient = value_and_gradient(lambda z: ops.sum(softmax.log_softmax_of(z, tensor)), z)
    np.testing.assert_allclose(gradient, np.eye(classes)[ids] - np.exp(wide) / total, atol=1e-6)


PLACES = np.array([1, 2], "int32")
SLOPES = np.array([[1.0, -2.0, 0.5]], "float32")


def weighed_shares(x):
    return ops.sum(ops.convert_to_tensor(SLOPES) * softmax.shares(x))


def shares_of_ids(x):
    return ops.sum(softmax.share_of(x, ops.convert_to_tensor(PLACES)))


@pytest.mark.parametrize(("function", "expected"), [(weighed_shares, 0.35), (shares_of_ids, 1.3)])
def test_shares_of_rows_of_any_size_have_slopes(function, expected):
    rows = np.array([[0.2, 0.3, 0.5], [0.0, 0.0, 1.0]], "float32")
    for exponent in range(-44, 38, 2):
        value, slope = value_and_gradient(function, rows * np.float32(10.0**exponent))
        assert np.isfinite(value) and np.isfinite(slope).all(), exponent
        if exponent > -18:  # Further down a row is taken for empty.
            assert value == pytest.approx(expected, rel=1e-5), exponent
