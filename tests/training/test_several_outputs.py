"""Combined losses per output, in lists, dicts and nested models."""

import keras
import numpy as np
import pytest

import keras_losskit as kl
from tests.backends import WITHOUT_XLA, to_numpy

rng = np.random.default_rng(77)
X = rng.normal(size=(9, 4)).astype("float32")
IDS = rng.integers(0, 3, size=9)
Y = rng.normal(size=(9, 2)).astype("float32")
CLASSES = kl.CategoricalCrossentropy(from_logits=True) + 0.5 * kl.CategoricalFocalCrossentropy(
    from_logits=True
)
SIZES = kl.MeanSquaredError() + 2 * kl.Huber(delta=0.5)


def model(kind):
    keras.utils.set_random_seed(12)
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(5, activation="tanh")(inputs)
    if kind == "nested":
        hidden = keras.Sequential([keras.Input((5,)), keras.layers.Dense(5)], name="neck")(hidden)
        # A model that is a head of another.
        sizes = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)], name="sizes")
        classes = keras.layers.Dense(3, name="classes")(hidden)
        return keras.Model(inputs, {"classes": classes, "sizes": sizes(hidden)})
    classes = keras.layers.Dense(3, name="classes")(hidden)
    sizes = keras.layers.Dense(2, name="sizes")(hidden)
    if kind == "list":
        return keras.Model(inputs, [classes, sizes])
    return keras.Model(inputs, {"classes": classes, "sizes": sizes})


@pytest.mark.parametrize("kind", ["list", "dict", "nested"])
def test_compile_fit_save_and_reload(kind, tmp_path):
    losses = {"classes": CLASSES, "sizes": SIZES}
    targets = {"classes": IDS, "sizes": Y}
    metrics = {name: loss.metrics() for name, loss in losses.items()}
    if kind == "list":
        losses, targets, metrics = (list(d.values()) for d in (losses, targets, metrics))
    made = model(kind)
    made.compile(keras.optimizers.Adam(0.05), loss=losses, metrics=metrics, **WITHOUT_XLA)
    history = made.fit(X, targets, batch_size=4, epochs=6, verbose=0).history
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    made.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    expected = made.evaluate(X, targets, batch_size=9, verbose=0, return_dict=True)
    found = loaded.evaluate(X, targets, batch_size=9, verbose=0, return_dict=True)
    assert found == pytest.approx(expected, rel=1e-6)
    predicted = made.predict(X, verbose=0)
    logits, sizes = predicted if kind == "list" else (predicted["classes"], predicted["sizes"])
    by_hand = {
        **{f"classes_{n}": v for n, v in CLASSES.term_values(IDS, logits).items()},
        **{f"sizes_{n}": v for n, v in SIZES.term_values(Y, sizes).items()},
    }
    for name, value in by_hand.items():
        assert found[name] == pytest.approx(float(to_numpy(value)), rel=1e-5)
    total = CLASSES(IDS, logits) + SIZES(Y, sizes)
    assert found["loss"] == pytest.approx(float(to_numpy(total)), rel=1e-5)
    before = [w.copy() for w in loaded.get_weights()]
    loaded.fit(X, targets, batch_size=4, verbose=0)
    assert any(np.abs(a - b).max() > 1e-3 for a, b in zip(before, loaded.get_weights()))
