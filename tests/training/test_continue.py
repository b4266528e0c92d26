"""Training that goes on after save and load equals training that never stopped."""

import keras
import numpy as np
import pytest

from tests.backends import WITHOUT_XLA, to_numpy
from tests.saving.expressions import segmentation, segmentation_data

pytestmark = pytest.mark.xdist_group("test_continue")  # What is made once serves all.

IDS = segmentation_data(samples=10, seed=21)[0]
X = np.random.default_rng(22).normal(size=(10, 4, 4, 3)).astype("float32")
WEIGHTS = np.linspace(0.5, 2.0, 10).astype("float32")


def fit(model, epochs):
    history = model.fit(
        X, IDS, sample_weight=WEIGHTS, batch_size=4, epochs=epochs, shuffle=False, verbose=0
    )
    return history.history["loss"]


def build():
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [
            keras.Input((4, 4, 3)),
            keras.layers.Conv2D(6, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(4, 1),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(0.02), loss=segmentation(), **WITHOUT_XLA
    )
    return model


def state(model):
    return [to_numpy(v) for v in [*model.variables, *model.optimizer.variables]]


@pytest.fixture(scope="module")
def uninterrupted():
    model = build()
    start = state(model)[0]
    losses = fit(model, 2)
    assert np.abs(state(model)[0] - start).max() > 0.01  # It did train.
    return losses, state(model)


def test_training_goes_on_as_if_never_saved(uninterrupted, tmp_path):
    model = build()
    first = fit(model, 1)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert int(loaded.optimizer.iterations) == 3
    assert repr(loaded.loss) == repr(model.loss)
    second = fit(loaded, 1)
    losses, expected = uninterrupted
    assert losses[1] < losses[0]
    np.testing.assert_allclose(first + second, losses, rtol=1e-6)
    found = state(loaded)
    assert len(found) == len(expected) > 8  # Weights, both moments, counter, rate.
    for a, b in zip(found, expected):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_training_goes_on_from_h5_with_a_new_optimizer(tmp_path):
    # Keras 3.15.1 builds the optimizer of a loaded .h5 model without variables, with
    # any loss ("mse" too), so that it cannot train; the loss and the weights are kept.
    model = build()
    fit(model, 1)
    model.save(tmp_path / "model.h5")
    loaded = keras.saving.load_model(tmp_path / "model.h5")
    for one in (model, loaded):
        one.compile(optimizer=keras.optimizers.Adam(0.02), loss=one.loss, **WITHOUT_XLA)
    np.testing.assert_allclose(fit(loaded, 1), fit(model, 1), rtol=1e-6)
    for a, b in zip(state(loaded), state(model), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
