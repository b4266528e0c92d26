"""Losses on tensors inside a model."""

import keras
import numpy as np
import pytest

import keras_losskit as kl
from tests.backends import to_numpy

rng = np.random.default_rng(73)
X = rng.normal(size=(10, 3)).astype("float32")
Y = rng.normal(size=(10, 2)).astype("float32")


def model(weight=0.5, loss="mse", name="size"):
    """A network whose prediction is also penalised inside."""
    inputs = keras.Input((3,))
    outputs = kl.AddLoss(loss, weight, name=name)(keras.layers.Dense(2)(inputs))
    made = keras.Model(inputs, outputs)
    same = np.random.default_rng(9)
    kernel, bias = same.normal(size=(3, 2)), same.normal(size=2)
    made.layers[1].set_weights([kernel, bias])
    made.compile(keras.optimizers.SGD(0.05), loss=kl.MeanSquaredError())
    return made


def fit(made, epochs=1, callbacks=(), **options):
    return made.fit(
        X, Y, batch_size=5, epochs=epochs, shuffle=False, verbose=0,
        callbacks=list(callbacks), **options,
    ).history


def by_hand(weights):
    """SGD on mean (p - y)² + w·mean p², in NumPy; the penalties seen, by step."""
    same = np.random.default_rng(9)
    kernel, bias = same.normal(size=(3, 2)), same.normal(size=2)
    seen = []
    for step, weight in enumerate(weights):
        rows = slice(5 * (step % 2), 5 * (step % 2) + 5)
        p = X[rows] @ kernel + bias
        seen.append((p * p).mean())
        gradient = 2 * ((p - Y[rows]) + weight * p) / p.size
        kernel, bias = kernel - 0.05 * X[rows].T @ gradient, bias - 0.05 * gradient.sum(0)
    return [kernel, bias], seen


def assert_trained_as(made, weights):
    for found, expected in zip(made.layers[1].get_weights(), by_hand(weights)[0], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_it_trains_and_logs_and_hands_its_inputs_on():
    made = model()
    logs = fit(made, 2, [kl.AddedLossLogger()], validation_data=(X, Y))
    assert_trained_as(made, [0.5] * 4)
    seen = by_hand([0.5] * 4)[1]
    assert logs["size"] == pytest.approx([np.mean(seen[:2]), np.mean(seen[2:])], rel=1e-5)
    predicted = made.predict(X, verbose=0)
    assert logs["val_size"][1] == pytest.approx((predicted**2).mean(), rel=1e-5)
    expected = ((predicted - Y) ** 2).mean() + 0.5 * (predicted**2).mean()
    assert logs["val_loss"][1] == pytest.approx(expected, rel=1e-5)
    dense = keras.Model(made.inputs, made.layers[1].output)
    np.testing.assert_array_equal(predicted, dense.predict(X, verbose=0))


def test_a_pair_and_its_divergence():
    inputs = keras.Input((3,))
    pair = [keras.layers.Dense(4)(inputs), keras.layers.Dense(4)(inputs)]
    mean, log_variance = kl.AddLoss(kl.GaussianKL(), 0.1, name="kl")(pair)
    made = keras.Model(inputs, [mean, log_variance])
    both = made.predict(X, verbose=0)
    made.compile(keras.optimizers.SGD(0.0), loss=[kl.MeanSquaredError()] * 2)
    logs = made.fit(
        X, [both[0], both[1]], batch_size=5, verbose=0, callbacks=[kl.AddedLossLogger()]
    ).history
    divergence = np.mean(
        [sum(0.5 * (m * m + np.exp(s) - 1 - s) for m, s in zip(*row)) for row in zip(*both)]
    )
    assert logs["kl"] == pytest.approx([divergence], rel=1e-5)
    assert logs["loss"] == pytest.approx([0.1 * divergence], rel=1e-4, abs=1e-5)


def test_a_scheduled_weight():
    made = model(kl.LinearWarmup(3, target=0.6))
    logs = fit(made, 2, [kl.WeightScheduler()])
    assert_trained_as(made, [0.0, 0.2, 0.4, 0.6])
    assert logs["size_weight"] == pytest.approx([0.2, 0.6])


def test_a_scheduled_weight_goes_on_after_a_reload(tmp_path):
    made = model(kl.LinearWarmup(3, target=0.6))
    fit(made, 1, [kl.WeightScheduler()])
    made.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    fit(loaded, 1, [kl.WeightScheduler()])
    assert_trained_as(loaded, [0.0, 0.2, 0.4, 0.6])


def test_an_undriven_weight_raises_before_the_first_update():
    made = model(kl.LinearWarmup(3, target=0.6))
    with pytest.raises(ValueError, match=r"Nothing drives.*size.*WeightScheduler"):
        fit(made)
    assert_trained_as(made, [])
    fit(made, 1, [kl.WeightScheduler()])
    with pytest.raises(ValueError, match=r"Nothing drives.*size.*WeightScheduler"):
        fit(made)
    assert_trained_as(made, [0.0, 0.2])


def test_layers_inside_models_inside_models_are_found():
    inner = keras.Sequential([keras.Input((2,)), kl.AddLoss("mse", DECAY, name="deep")])
    made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), inner])
    made.compile("sgd", loss=kl.MeanSquaredError())
    logs = fit(made, 1, [kl.WeightScheduler(), kl.AddedLossLogger()])
    assert logs["deep_weight"] == pytest.approx([0.75])
    assert logs["deep"][0] > 0


DECAY = keras.optimizers.schedules.PolynomialDecay(1.0, 4, 0.0)


def test_it_is_its_config():
    layer = kl.AddLoss(2 * kl.GaussianKL() + kl.Huber(), DECAY, name="inner")
    copy = kl.AddLoss.from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    assert repr(copy.loss) == repr(layer.loss) and copy.name == "inner"
    assert float(to_numpy(copy.current)) == 1.0


def test_names_default_to_the_loss_and_stay_unique():
    keras.utils.clear_session(free_memory=False)
    names = [kl.AddLoss(kl.GaussianKL()).name for _ in range(2)]
    assert names == ["gaussian_kl", "gaussian_kl_1"]


def test_it_keeps_masks_and_dtypes():
    inputs = keras.Input((4,), dtype="int32")
    embedded = keras.layers.Embedding(5, 2, mask_zero=True)(inputs)
    layer = kl.AddLoss("mse", dtype="mixed_float16", name="size")
    outputs = layer(embedded)
    assert outputs.dtype == embedded.dtype == "float32"
    made = keras.Model(inputs, outputs)
    table = np.arange(10.0).reshape(5, 2)
    made.layers[1].set_weights([table])
    made.compile(keras.optimizers.SGD(0.0), loss=0 * kl.MeanSquaredError())
    tokens = np.array([[1, 2, 0, 0], [3, 0, 0, 0]])
    logs = made.fit(
        tokens, np.zeros((2, 4, 2)), verbose=0, callbacks=[kl.AddedLossLogger()]
    ).history
    assert logs["size"] == pytest.approx([(table[[1, 2, 3]] ** 2).mean()])


def test_what_it_refuses():
    with pytest.raises(TypeError, match="weight of a loss must be a number"):
        kl.AddLoss("mse", "1")
    with pytest.raises(TypeError, match="as_loss takes"):
        kl.AddLoss(3)
    with pytest.raises(ValueError, match="one tensor, on a pair.*Received 4 inputs"):
        kl.AddLoss("mse")([keras.Input((2,))] * 4)
