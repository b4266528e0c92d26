"""One loss at several resolutions."""

import json

import keras
import numpy as np
import pytest

import keras_losskit as kl
from tests.backends import BACKEND, WITHOUT_XLA, to_numpy

rng = np.random.default_rng(76)
IDS = rng.integers(0, 3, size=(4, 8, 6))
MAPS = [rng.normal(size=(4, h, w, 3)).astype("float32") for h, w in ((8, 6), (4, 3), (3, 4))]
WEIGHTS = [1.0, 0.5, -0.25]


def nearest(x, shape):
    """The pixel whose area holds the center of each pixel of the result, in loops."""
    out = np.zeros((len(x), *shape, *x.shape[1 + len(shape) :]), x.dtype)
    for b in range(len(x)):
        for i in np.ndindex(*shape):
            source = tuple(
                int((k + 0.5) * n / m) for k, n, m in zip(i, x.shape[1:], shape)
            )
            out[(b, *i)] = x[(b, *source)]
    return out


def test_targets_are_the_nearest_pixels():
    loss = kl.CategoricalCrossentropy(from_logits=True, reduction="none")
    for y_pred in MAPS:
        small = nearest(IDS, y_pred.shape[1:3])
        expected = to_numpy(loss(small, y_pred))
        at = kl.AtResolution(loss)
        rows = np.eye(3)[IDS]
        for y_true in (IDS, IDS[..., None], rows):
            np.testing.assert_allclose(to_numpy(at(y_true, y_pred)), expected, rtol=1e-5)


def test_volumes_and_enlargement():
    ids = rng.integers(0, 2, size=(2, 3, 4, 2))
    y_pred = rng.normal(size=(2, 6, 2, 5, 1)).astype("float32")
    loss = kl.BinaryCrossentropy(from_logits=True)
    expected = to_numpy(loss(nearest(ids, (6, 2, 5))[..., None], y_pred))
    np.testing.assert_allclose(
        to_numpy(kl.AtResolution(loss)(ids[..., None], y_pred)), expected, rtol=1e-6
    )


def test_weights_per_position_follow():
    loss = kl.CategoricalCrossentropy(from_logits=True)
    weights = rng.uniform(size=(4, 8, 6))
    expected = loss(nearest(IDS, (4, 3)), MAPS[1], nearest(weights, (4, 3)))
    got = kl.AtResolution(loss)(IDS, MAPS[1], weights)
    np.testing.assert_allclose(to_numpy(got), to_numpy(expected), rtol=1e-6)
    per_sample = kl.AtResolution(loss)(IDS, MAPS[1], weights[:, 0, 0])
    expected = loss(nearest(IDS, (4, 3)), MAPS[1], weights[:, 0, 0])
    np.testing.assert_allclose(to_numpy(per_sample), to_numpy(expected), rtol=1e-6)


def test_a_sum_over_the_resolutions():
    loss = kl.Dice(from_logits=True) + 2 * kl.CategoricalCrossentropy(from_logits=True)
    deep = kl.DeepSupervision(loss, WEIGHTS)
    w = np.array([0.5, 0.0, 2.0, 1.0])
    expected = sum(
        weight * to_numpy(loss(nearest(IDS, p.shape[1:3]), p, w))
        for weight, p in zip(WEIGHTS, MAPS)
    )
    np.testing.assert_allclose(to_numpy(deep(IDS, MAPS, w)), expected, rtol=1e-5)
    config = json.loads(json.dumps(keras.losses.serialize(deep)))
    copy = keras.losses.deserialize(config)
    assert repr(copy) == repr(deep)
    np.testing.assert_allclose(to_numpy(copy(IDS, MAPS, w)), expected, rtol=1e-5)
    np.testing.assert_allclose(to_numpy((2 * deep)(IDS, MAPS, w)), 2 * expected, rtol=1e-5)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="unknown sizes exist in tf.function")
def test_unknown_sizes():
    import tensorflow as tf

    at = kl.AtResolution(kl.CategoricalCrossentropy(from_logits=True))
    step = tf.function(
        lambda t, p: at(t, p),
        input_signature=[
            tf.TensorSpec((None, None, None), "int64"),
            tf.TensorSpec((None, None, None, 3), "float32"),
        ],
    )
    for y_pred in MAPS:
        np.testing.assert_allclose(
            to_numpy(step(IDS, y_pred)), to_numpy(at(IDS, y_pred)), rtol=1e-6
        )


def decoder(kind):
    inputs = keras.Input((8, 6, 2))
    fine = keras.layers.Conv2D(3, 3, padding="same", name="fine")(inputs)
    coarse = keras.layers.Conv2D(3, 3, strides=2, padding="same", name="coarse")(inputs)
    outputs = [fine, coarse] if kind == "list" else {"fine": fine, "coarse": coarse}
    return keras.Model(inputs, outputs)


@pytest.mark.parametrize("kind", ["list", "dict"])
def test_training_saving_and_reloading(kind, tmp_path):
    keras.utils.set_random_seed(2)
    x = rng.normal(size=(4, 8, 6, 2)).astype("float32")
    deep = kl.DeepSupervision(
        kl.CategoricalCrossentropy(from_logits=True) + 0.5 * kl.Dice(from_logits=True), [1.0, 0.5]
    )
    names = ["fine", "coarse"]
    losses = deep.per_output() if kind == "list" else deep.per_output(names)
    targets = [IDS, IDS] if kind == "list" else dict.fromkeys(names, IDS)
    model = decoder(kind)
    model.compile(keras.optimizers.Adam(0.05), loss=losses, **WITHOUT_XLA)
    history = model.fit(x, targets, batch_size=4, epochs=5, verbose=0).history["loss"]
    assert history[-1] < 0.95 * history[0]
    predicted = keras.tree.flatten(model.predict(x, verbose=0))
    if kind == "dict":  # Flattened by key.
        predicted = predicted[::-1]
    expected = float(to_numpy(deep(IDS, predicted)))
    evaluated = model.evaluate(x, targets, batch_size=4, verbose=0, return_dict=True)
    assert evaluated["loss"] == pytest.approx(expected, rel=1e-5)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    again = loaded.evaluate(x, targets, batch_size=4, verbose=0, return_dict=True)
    assert again["loss"] == pytest.approx(expected, rel=1e-5)


def test_what_they_refuse():
    deep = kl.DeepSupervision(kl.Dice(), WEIGHTS)
    with pytest.raises(ValueError, match=r"y_pred must be a list.*per_output"):
        deep(IDS, MAPS[0])
    with pytest.raises(ValueError, match=r"`weights` has 3 entries, but y_pred has 2"):
        deep(IDS, MAPS[:2])
    with pytest.raises(ValueError, match=r"`weights` has 3 entries, but names has 1"):
        deep.per_output(["a"])
    with pytest.raises(TypeError, match=r"DeepSupervision\(a \* b, weights\)"):
        (deep * kl.Dice())(IDS, MAPS)
    with pytest.raises((TypeError, ValueError), match="DeepSupervision: `weights"):
        kl.DeepSupervision(kl.Dice(), [])
    with pytest.raises(ValueError, match="no axis for each spatial axis"):
        kl.AtResolution(kl.Dice())(IDS[:, 0], MAPS[0])
