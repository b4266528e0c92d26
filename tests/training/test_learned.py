"""Weights that are learned with the model."""

import math

import keras
import numpy as np
import pytest

import keras_losskit as kl
from tests.backends import to_numpy

rng = np.random.default_rng(75)
X = rng.normal(size=(10, 3)).astype("float32")
Y = rng.normal(size=(10, 2)).astype("float32")
WEIGHTS = rng.uniform(0.2, 2.0, size=10).astype("float32")


def network():
    keras.utils.set_random_seed(6)
    made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    same = np.random.default_rng(8)
    made.set_weights([same.normal(size=w.shape) for w in made.get_weights()])
    return made


def total():
    return 0.5 * kl.MeanSquaredError() + 3 * kl.MeanAbsoluteError()


def objective(rule, s, terms):
    """The papers' objectives; `terms` holds w·L."""
    if rule == "uncertainty":
        return sum(math.exp(-a) * t + a / 2 for a, t in zip(s, terms))
    if rule == "bounded":
        return sum(math.exp(-a) * t + math.log(1 + math.exp(a)) for a, t in zip(s, terms))
    shares = [len(s) * math.exp(a) / sum(math.exp(b) for b in s) for a in s]
    return sum(v * t - math.log(v) for v, t in zip(shares, terms))


def by_hand(rule, s, predicted, weights=None):
    weights = np.ones(len(Y)) if weights is None else weights
    d = np.abs(predicted.astype("float64") - Y) * np.ones_like(Y)
    squared = (weights * (d * d).mean(-1)).mean()
    absolute = (weights * d.mean(-1)).mean()
    return objective(rule, s, [0.5 * squared, 3 * absolute]), squared, absolute


RULES = pytest.mark.parametrize("rule", ["uncertainty", "bounded", "softmax"])


@RULES
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weights"])
def test_value_and_logs(rule, weights):
    model = kl.LearnedWeights(network(), total(), rule)
    model.compile(keras.optimizers.SGD(0.0))
    model.balance.assign([0.3, -0.4])
    logs = model.evaluate(
        X, Y, sample_weight=weights, batch_size=10, verbose=0, return_dict=True
    )
    loss, squared, absolute = by_hand(rule, [0.3, -0.4], model.predict(X, verbose=0), weights)
    assert logs["loss"] == pytest.approx(loss, rel=1e-5)
    assert logs["mean_squared_error"] == pytest.approx(squared, rel=1e-5)
    assert logs["mean_absolute_error"] == pytest.approx(absolute, rel=1e-5)
    found = model.term_weights()
    for name, value in found.items():
        assert logs[f"{name}_weight"] == pytest.approx(value, rel=1e-6)
    if rule == "softmax":
        assert found["mean_squared_error"] / 0.5 + found["mean_absolute_error"] / 3 == (
            pytest.approx(2)
        )
    else:
        assert found["mean_squared_error"] == pytest.approx(0.5 * math.exp(-0.3))


@RULES
def test_one_step_follows_the_gradient(rule):
    model = kl.LearnedWeights(network(), total(), rule)
    model.compile(keras.optimizers.SGD(0.1))
    predicted = model.predict(X, verbose=0)
    model.fit(X, Y, batch_size=10, verbose=0)
    step = 1e-6
    for i in range(2):
        up, down = ([sign * step * (j == i) for j in range(2)] for sign in (1, -1))
        slope = (by_hand(rule, up, predicted)[0] - by_hand(rule, down, predicted)[0]) / (2 * step)
        assert abs(slope) > 0.01
        moved = float(to_numpy(model.balance)[i])
        assert moved == pytest.approx(-0.1 * slope, rel=1e-4, abs=1e-6)


def test_uncertainty_finds_its_optimum():
    # With the network fixed, the weight of a term ends where w·L·e^-s = 1/2.
    made = network()
    made.trainable = False
    model = kl.LearnedWeights(made, total())
    model.compile(keras.optimizers.SGD(0.2))
    model.fit(X, Y, batch_size=10, epochs=120, verbose=0)
    _, squared, absolute = by_hand("uncertainty", [0, 0], model.predict(X, verbose=0))
    found = model.term_weights()
    assert found["mean_squared_error"] * squared == pytest.approx(0.5, rel=1e-3)
    assert found["mean_absolute_error"] * absolute == pytest.approx(0.5, rel=1e-3)


@RULES
def test_training_goes_on_after_a_reload(rule, tmp_path):
    model = kl.LearnedWeights(network(), total(), rule)
    model.compile(keras.optimizers.Adam(0.05))

    def fit(one):
        return one.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0).history

    fit(model)
    assert np.abs(to_numpy(model.balance)).min() > 0.01
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is kl.LearnedWeights and loaded.term_weights() == model.term_weights()
    first, second = fit(model), fit(loaded)
    assert second.keys() == first.keys()
    for name in first:
        np.testing.assert_allclose(second[name], first[name], rtol=1e-6)
    for a, b in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def outputs(kind):
    inputs = keras.Input((3,))
    hidden = keras.layers.Dense(4, activation="tanh")(inputs)
    a, b = keras.layers.Dense(2, name="a")(hidden), keras.layers.Dense(3, name="b")(hidden)
    losses = [kl.MeanSquaredError(), kl.CategoricalCrossentropy(from_logits=True)]
    ids = np.arange(10) % 3
    if kind == "dict":
        names = ("a", "b")
        return (
            keras.Model(inputs, {"a": a, "b": b}), dict(zip(names, losses)),
            {"a": Y, "b": ids}, {"a": WEIGHTS, "b": 2 * WEIGHTS},
        )
    return keras.Model(inputs, [a, b]), losses, [Y, ids], [WEIGHTS, 2 * WEIGHTS]


@pytest.mark.parametrize("kind", ["dict", "list"])
def test_one_loss_per_output(kind, tmp_path):
    made, losses, targets, weights = outputs(kind)
    model = kl.LearnedWeights(made, losses)
    model.compile(keras.optimizers.SGD(0.05))
    model.fit(X, targets, sample_weight=weights, verbose=0)
    model.save(tmp_path / "model.keras")
    model = keras.saving.load_model(tmp_path / "model.keras")
    logs = model.evaluate(
        X, targets, sample_weight=weights, batch_size=10, verbose=0, return_dict=True
    )
    a, b = keras.tree.flatten(model.predict(X, verbose=0))
    p = np.exp(b) / np.exp(b).sum(-1, keepdims=True)
    squared = (WEIGHTS * ((a - Y) ** 2).mean(-1)).mean()
    entropy = (2 * WEIGHTS * -np.log(p[range(10), np.arange(10) % 3])).mean()
    names = ("a", "b") if kind == "dict" else ("mean_squared_error", "categorical_crossentropy")
    assert logs[names[0]] == pytest.approx(squared, rel=1e-5)
    assert logs[names[1]] == pytest.approx(entropy, rel=1e-5)
    s = to_numpy(model.balance)
    assert np.abs(s).min() > 1e-3
    assert logs["loss"] == pytest.approx(objective("uncertainty", s, [squared, entropy]), rel=1e-5)


def test_losses_and_metrics_of_layers_are_kept():
    inputs = keras.Input((3,))
    dense = keras.layers.Dense(2, kernel_regularizer=keras.regularizers.L2(0.1))
    made = keras.Model(inputs, kl.AddLoss("mse", 0.2, name="size")(dense(inputs)))
    model = kl.LearnedWeights(made, kl.MeanSquaredError())
    model.compile(keras.optimizers.SGD(0.0), metrics=["mae"])
    logs = model.evaluate(X, Y, batch_size=10, verbose=0, return_dict=True)
    predicted = model.predict(X, verbose=0)
    expected = ((predicted - Y) ** 2).mean() + 0.2 * (predicted**2).mean()
    expected += 0.1 * (dense.get_weights()[0] ** 2).sum()
    assert logs["loss"] == pytest.approx(expected, rel=1e-5)
    assert logs["mae"] == pytest.approx(np.abs(predicted - Y).mean(), rel=1e-5)


def test_what_it_refuses():
    ramp = kl.LinearWarmup(3)
    with pytest.raises(ValueError, match="term `mean_absolute_error` is a schedule"):
        kl.LearnedWeights(network(), kl.MeanSquaredError() + ramp * kl.MeanAbsoluteError())
    with pytest.raises(ValueError, match="`rule` must be one of"):
        kl.LearnedWeights(network(), total(), "equal")
    with pytest.raises(TypeError, match="`network` must be a keras.Model"):
        kl.LearnedWeights(total(), network())
    with pytest.raises(ValueError, match="`loss` is empty"):
        kl.LearnedWeights(network(), {})
    model = kl.LearnedWeights(network(), total())
    model.compile("sgd", loss="mse")
    before = model.get_weights()
    with pytest.raises(ValueError, match="Compile it without one"):
        model.fit(X, Y, verbose=0)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
