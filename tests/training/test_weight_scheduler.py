"""Weights that are schedules move during `fit`, or `fit` says why they cannot."""

import math

import keras
import numpy as np
import pytest

import keras_losskit as kl
from tests.backends import to_numpy

rng = np.random.default_rng(72)
X = rng.normal(size=(12, 3)).astype("float32")
Y = rng.normal(size=(12, 2)).astype("float32")
DECAY = keras.optimizers.schedules.PolynomialDecay(1.0, 8, 0.0)


def scheduled(weight=None):
    weight = kl.LinearWarmup(5, initial=2.0, target=0.5) if weight is None else weight
    return kl.MeanSquaredError() + weight * kl.MeanAbsoluteError()


def model(loss, **options):
    keras.utils.set_random_seed(4)
    made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    same = np.random.default_rng(8)
    made.set_weights([same.normal(size=w.shape) for w in made.get_weights()])
    made.compile(keras.optimizers.SGD(0.05), loss=loss, **options)
    return made


def fit(made, epochs=1, callbacks=(), **options):
    return made.fit(
        X, Y, batch_size=4, epochs=epochs, shuffle=False, verbose=0,
        callbacks=list(callbacks), **options,
    ).history


def by_hand(weights):
    """SGD over batches of 4 with one weight per update, in NumPy."""
    same = np.random.default_rng(8)
    kernel, bias = same.normal(size=(3, 2)), same.normal(size=2)
    for step, weight in enumerate(weights):
        rows = slice(4 * (step % 3), 4 * (step % 3) + 4)
        d = X[rows] @ kernel + bias - Y[rows]
        gradient = (2 * d + weight * np.sign(d)) / d.size
        kernel = kernel - 0.05 * X[rows].T @ gradient
        bias = bias - 0.05 * gradient.sum(0)
    return kernel, bias


def warmup(step):
    return 2.0 - 1.5 * min(step / 5, 1)


def assert_trained_as(made, weights):
    for found, expected in zip(made.get_weights(), by_hand(weights), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_every_step_has_its_own_weight():
    made = model(scheduled())
    logs = fit(made, 3, [kl.WeightScheduler()])
    assert_trained_as(made, [warmup(step) for step in range(9)])
    expected = [warmup(2), warmup(5), warmup(8)]
    np.testing.assert_allclose(logs["mean_absolute_error_weight"], expected, rtol=1e-6)


def test_a_second_fit_goes_on_from_the_step_it_reached():
    loss = scheduled()
    made = model(loss)
    fit(made, 1, [kl.WeightScheduler(loss)])
    fit(made, 1, [kl.WeightScheduler(loss)])
    assert_trained_as(made, [warmup(step) for step in range(6)])


def test_by_epoch():
    made = model(scheduled())
    logs = fit(made, 2, [kl.WeightScheduler(by="epoch")])
    fit(made, 4, [kl.WeightScheduler(by="epoch")], initial_epoch=2)
    assert_trained_as(made, [warmup(step // 3) for step in range(12)])
    assert logs["mean_absolute_error_weight"] == pytest.approx([warmup(0), warmup(1)])


def test_a_saved_model_goes_on_at_its_step(tmp_path):
    made = model(scheduled())
    fit(made, 1, [kl.WeightScheduler()])
    made.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    fit(loaded, 1, [kl.WeightScheduler()])
    assert_trained_as(loaded, [warmup(step) for step in range(6)])


def test_keras_schedules_scaled_and_nested():
    loss = 0.5 * (kl.MeanSquaredError() + 2 * (DECAY * kl.MeanAbsoluteError()))
    made = model(loss)
    fit(made, 2, [kl.WeightScheduler()])
    same = np.random.default_rng(8)
    kernel, bias = same.normal(size=(3, 2)), same.normal(size=2)
    for step in range(6):
        rows = slice(4 * (step % 3), 4 * (step % 3) + 4)
        d = X[rows] @ kernel + bias - Y[rows]
        gradient = (0.5 * 2 * d + (1 - step / 8) * np.sign(d)) / d.size
        kernel, bias = kernel - 0.05 * X[rows].T @ gradient, bias - 0.05 * gradient.sum(0)
    np.testing.assert_allclose(made.get_weights()[0], kernel, rtol=1e-5, atol=1e-6)


def test_a_schedule_inside_a_part_of_a_product():
    inner = kl.WeightedSum([(DECAY, kl.MeanSquaredError(reduction="sum"))])
    loss = kl.Product([inner, kl.MeanAbsoluteError(reduction="sum")])
    made = model(loss)
    logs = fit(made, 1, [kl.WeightScheduler()])
    assert logs["mean_squared_error_weight"] == pytest.approx([1 - 2 / 8])


def test_weighted_terms_follow_the_weight():
    loss = scheduled()
    made = model(loss, metrics=loss.metrics() + loss.metrics(weighted=True))
    logs = fit(made, 2, [kl.WeightScheduler()])
    added = np.array(logs["mean_squared_error"]) + logs["weighted_mean_absolute_error"]
    np.testing.assert_allclose(added, logs["loss"], rtol=1e-5)
    assert logs["weighted_mean_absolute_error"][1] < logs["mean_absolute_error"][1]


def test_reloaded_metrics_share_the_loss(tmp_path):
    loss = scheduled()
    made = model(loss, metrics=loss.metrics(weighted=True))
    first = fit(made, 1, [kl.WeightScheduler()])
    made.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for again in (fit(loaded, 1, [kl.WeightScheduler()]), fit(made, 1, [kl.WeightScheduler()])):
        assert again.keys() == first.keys()
        added = again["weighted_mean_squared_error"][0] + again["weighted_mean_absolute_error"][0]
        assert added == pytest.approx(again["loss"][0], rel=1e-5)


def test_an_undriven_fit_raises_before_the_first_update():
    made = model(scheduled())
    before = made.get_weights()
    with pytest.raises(ValueError, match=r"mean_absolute_error.*WeightScheduler"):
        fit(made)
    for a, b in zip(made.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(to_numpy(made.optimizer.iterations)) == 0
    fit(made, 1, [kl.WeightScheduler()])  # The model is as it was.
    assert_trained_as(made, [warmup(step) for step in range(3)])


def test_an_undriven_fit_raises_after_a_driven_one():
    made = model(scheduled())
    fit(made, 1, [kl.WeightScheduler()])
    before = made.get_weights()
    with pytest.raises(ValueError, match=r"Nothing drives.*mean_absolute_error.*WeightScheduler"):
        fit(made)
    for a, b in zip(made.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    fit(made, 1, [kl.WeightScheduler()])
    assert_trained_as(made, [warmup(step) for step in range(6)])


def test_an_undriven_train_on_batch_raises():
    made = model(scheduled())
    with pytest.raises(ValueError, match="WeightScheduler"):
        made.train_on_batch(X, Y)


def test_fixed_weights_need_no_callback():
    loss = scheduled()
    made = model(loss)
    fit(made, 1, [kl.WeightScheduler()])
    made.compile(keras.optimizers.SGD(0.05), loss=loss.at_step(3))
    fit(made)
    assert_trained_as(made, [warmup(0), warmup(1), warmup(2), *[warmup(3)] * 3])


def test_evaluate_uses_the_weight_of_the_step_reached(tmp_path):
    made = model(scheduled())
    fit(made, 1, [kl.WeightScheduler()])
    made.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="WeightScheduler"):
        loaded.evaluate(X, Y, verbose=0)
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    found = loaded.evaluate(X, Y, verbose=0, callbacks=[kl.WeightScheduler()])
    d = np.abs(loaded.predict(X, verbose=0) - Y)
    assert found == pytest.approx((d * d).mean() + warmup(3) * d.mean(), rel=1e-5)


def test_what_the_scheduler_refuses():
    with pytest.raises(TypeError, match="`loss`.*Received: loss='mse'"):
        kl.WeightScheduler("mse")
    with pytest.raises(ValueError, match="`by` must be one of 'step', 'epoch'"):
        kl.WeightScheduler(by="batch")
    with pytest.raises(ValueError, match="nothing to move"):
        fit(model(kl.MeanSquaredError()), 1, [kl.WeightScheduler()])
    with pytest.raises(ValueError, match=r"not the one that the model was compiled with"):
        fit(model(scheduled()), 1, [kl.WeightScheduler(scheduled(DECAY))])
    # An equal loss is the same value.
    fit(model(scheduled()), 1, [kl.WeightScheduler(scheduled())])


def test_gradient_accumulation_counts_updates():
    made = model(scheduled(), )
    made.compile(
        keras.optimizers.SGD(0.05, gradient_accumulation_steps=3), loss=scheduled()
    )
    logs = fit(made, 2, [kl.WeightScheduler()])
    assert logs["mean_absolute_error_weight"] == pytest.approx([warmup(0), warmup(1)])


@keras.saving.register_keras_serializable(package="tests")
class Subclassed(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.dense = keras.layers.Dense(2)

    def build(self, input_shape):
        self.dense.build(input_shape)
        self.built = True

    def call(self, inputs):
        return self.dense(inputs)


def test_subclassed_models(tmp_path):
    keras.utils.set_random_seed(4)
    made = Subclassed()
    made.build((None, 3))
    same = np.random.default_rng(8)
    made.set_weights([same.normal(size=w.shape) for w in made.get_weights()])
    made.compile(keras.optimizers.SGD(0.05), loss=scheduled())
    fit(made, 1, [kl.WeightScheduler(), kl.TerminateOnNonFiniteTerm()])
    made.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    fit(loaded, 1, [kl.WeightScheduler(), kl.TerminateOnNonFiniteTerm()])
    assert_trained_as(loaded, [warmup(step) for step in range(6)])


def test_two_outputs_and_their_weights():
    inputs = keras.Input((3,))
    made = keras.Model(inputs, [keras.layers.Dense(2)(inputs), keras.layers.Dense(2)(inputs)])
    losses = [scheduled(), scheduled(DECAY)]
    made.compile(keras.optimizers.SGD(0.05), loss=losses)
    logs = made.fit(
        X, [Y, Y], batch_size=4, shuffle=False, verbose=0, callbacks=[kl.WeightScheduler()]
    ).history
    assert logs["mean_absolute_error_weight"] == pytest.approx([warmup(2)])
    assert logs["mean_absolute_error_weight_2"] == pytest.approx([1 - 2 / 8])


# --- the schedules ------------------------------------------------------------------


def values(schedule, steps):
    return [float(to_numpy(schedule(step))) for step in steps]


def test_linear_warmup():
    ramp = kl.LinearWarmup(4, initial=1.0, target=3.0, delay=2)
    assert values(ramp, range(8)) == pytest.approx([1, 1, 1, 1.5, 2, 2.5, 3, 3])


@pytest.mark.parametrize("shape", ["linear", "cosine", "sigmoid"])
def test_cyclical_annealing(shape):
    wave = kl.CyclicalAnnealing(10, cycles=2, ramp=0.8, initial=0.5, target=2.5, shape=shape)

    def expected(step):
        x = 1.0 if step >= 20 else min((step % 10) / 8, 1)
        if shape == "cosine":
            x = 0.5 - 0.5 * math.cos(math.pi * x)
        if shape == "sigmoid":
            low, high = 1 / (1 + math.exp(6)), 1 / (1 + math.exp(-6))
            x = (1 / (1 + math.exp(6 - 12 * x)) - low) / (high - low)
        return 0.5 + 2 * x

    assert values(wave, range(25)) == pytest.approx([expected(s) for s in range(25)], abs=1e-6)
    endless = kl.CyclicalAnnealing(10)
    assert values(endless, [0, 5, 9, 10, 105]) == pytest.approx([0, 1, 1, 0, 1], abs=1e-6)


@pytest.mark.parametrize(
    ("make", "bad"),
    [
        (kl.LinearWarmup, {"steps": 0}),
        (kl.LinearWarmup, {"steps": 1.5}),
        (kl.LinearWarmup, {"steps": 3, "delay": -1}),
        (kl.LinearWarmup, {"steps": 3, "target": float("nan")}),
        (kl.CyclicalAnnealing, {"period": 0}),
        (kl.CyclicalAnnealing, {"period": 3, "cycles": 0}),
        (kl.CyclicalAnnealing, {"period": 3, "ramp": 0.0}),
        (kl.CyclicalAnnealing, {"period": 3, "shape": "square"}),
    ],
    ids=str,
)
def test_bad_schedules_name_the_argument(make, bad):
    with pytest.raises((ValueError, TypeError), match=f"{make.__name__}: `{list(bad)[-1]}`"):
        make(**bad)


@pytest.mark.parametrize(
    "schedule",
    [
        kl.LinearWarmup(4, initial=1.0, target=3.0, delay=2, name="ramp"),
        kl.CyclicalAnnealing(7, 2, 0.8, 0.5, 2.5, "cosine", "wave"),
    ],
    ids=lambda s: type(s).__name__,
)
def test_schedules_are_their_config(schedule):
    copy = keras.optimizers.schedules.deserialize(
        keras.optimizers.schedules.serialize(schedule)
    )
    assert copy.get_config() == schedule.get_config()
    assert values(copy, range(20)) == values(schedule, range(20))
    loss = kl.MeanSquaredError() + schedule * kl.Huber()
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert repr(again) == repr(loss)
