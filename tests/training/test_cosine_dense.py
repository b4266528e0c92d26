"""The layer of class vectors."""

import keras
import numpy as np
import pytest

import keras_losskit as kl
from tests.backends import to_numpy, value_and_gradient

rng = np.random.default_rng(74)
X = rng.normal(size=(4, 3, 5)).astype("float32")


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b)) / np.sqrt(sum(a * a) * sum(b * b))


@pytest.mark.parametrize("centers", [1, 2])
def test_values_are_cosines(centers):
    layer = kl.CosineDense(3, centers=centers)
    found = to_numpy(layer(X))
    kernel = layer.get_weights()[0].astype("float64")
    assert found.shape == (4, 3, 3 * centers) == layer.compute_output_shape(X.shape)
    for i in np.ndindex(*found.shape):
        expected = cosine(X[i[:-1]].astype("float64"), kernel[:, i[-1]])
        assert found[i] == pytest.approx(expected, abs=1e-6)


def test_extreme_and_zero_inputs():
    layer = kl.CosineDense(3)
    layer.build((None, 5))
    x = np.stack([X[0, 0] * 1e30, X[0, 0] * 1e-30, X[0, 0], X[0, 0] * 0]).astype("float32")
    found = to_numpy(layer(x))
    np.testing.assert_allclose(found[0], found[2], rtol=1e-5)
    np.testing.assert_allclose(found[1], found[2], rtol=1e-5)
    assert not found[3].any()
    _, gradient = value_and_gradient(lambda z: keras.ops.sum(layer(z)), x[2:])
    assert np.isfinite(gradient).all() and gradient[0].any() and not gradient[1].any()


def test_gradient_is_that_of_the_cosine():
    layer = kl.CosineDense(2)
    layer.build((None, 5))
    kernel = layer.get_weights()[0].astype("float64")
    _, gradient = value_and_gradient(lambda z: keras.ops.sum(layer(z)[:, 1]), X[0])
    for i in np.ndindex(3, 5):
        step = np.zeros((3, 5))
        step[i] = 1e-6
        up, down = (X[0].astype("float64") + s * step for s in (1, -1))
        change = sum(cosine(u, kernel[:, 1]) - cosine(d, kernel[:, 1]) for u, d in zip(up, down))
        assert gradient[i] == pytest.approx(change / 2e-6, rel=1e-3, abs=1e-5)


def test_it_trains_saves_and_reloads(tmp_path):
    x = np.concatenate([rng.normal(m, 0.3, size=(20, 2)) for m in ([2, 0], [0, 2], [-2, -2])])
    y = np.repeat([0, 1, 2], 20)
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((2,)), kl.CosineDense(3, kernel_regularizer=keras.regularizers.L2(1e-3))]
    )
    loss = kl.WeightedSum([(1.0, kl.MeanSquaredError())])
    model.compile(keras.optimizers.Adam(0.1), loss=loss)
    targets = 2.0 * np.eye(3)[y] - 1
    model.fit(x, targets, epochs=20, verbose=0)
    predicted = model.predict(x, verbose=0)
    assert (predicted.argmax(-1) == y).mean() > 0.95
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), predicted)
    assert loaded.layers[0].get_config() == model.layers[0].get_config()


@pytest.mark.parametrize("bad", [{"units": 0}, {"units": 2.5}, {"units": 3, "centers": 0}])
def test_bad_arguments_are_named(bad):
    with pytest.raises((ValueError, TypeError), match=f"CosineDense: `{list(bad)[-1]}`"):
        kl.CosineDense(**bad)
