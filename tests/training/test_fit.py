"""Combined losses inside `compile`, `fit` and `evaluate`."""

import math

import keras
import numpy as np
import pytest

import keras_losskit as kl
from tests.backends import BACKEND, to_numpy
from tests.saving.expressions import segmentation

rng = np.random.default_rng(51)

# --- a mask and weights, by hand ------------------------------------------------------

TOKENS = rng.integers(1, 9, size=(7, 5))
for sample, length in enumerate([5, 3, 1, 4, 5, 2, 3]):
    TOKENS[sample, length:] = 0
IDS = rng.integers(0, 3, size=(7, 5)).astype("int32")
CLASSES = 3


def softmax(row):
    e = [math.exp(z - max(row)) for z in row]
    return [x / sum(e) for x in e]


def by_hand(ids, logits, mask, weights):
    """0.5·Dice + 2·cross-entropy of one batch; `weights` (B,) or (B, T)."""
    dice_sum = ce_sum = ce_count = 0.0
    for b in range(len(ids)):
        pg, p_sum, g_sum = ([0.0] * CLASSES for _ in range(3))
        for t in range(len(ids[b])):
            if not mask[b][t]:
                continue
            w = weights[b] if np.ndim(weights[b]) == 0 else weights[b][t]
            p = softmax([float(z) for z in logits[b][t]])
            ce_sum += -w * math.log(p[ids[b][t]])
            ce_count += 1
            for c in range(CLASSES):
                g = float(ids[b][t] == c)
                pg[c] += p[c] * g
                p_sum[c] += p[c]
                g_sum[c] += g
        per_class = [1 - 2 * pg[c] / (p_sum[c] + g_sum[c]) for c in range(CLASSES)]
        if np.ndim(weights[b]) == 0:
            dice_sum += weights[b] * sum(per_class) / CLASSES
    if np.ndim(weights[0]):
        return 2 * ce_sum / ce_count
    return 0.5 * dice_sum / len(ids) + 2 * ce_sum / ce_count


def masked_model(loss):
    model = keras.Sequential(
        [
            keras.Input((5,), dtype="int32"),
            keras.layers.Embedding(9, 4, mask_zero=True),
            keras.layers.Dense(CLASSES),
        ]
    )
    same = np.random.default_rng(55)  # Initializers differ between backends.
    model.set_weights([1.5 * same.normal(size=w.shape) for w in model.get_weights()])
    # The rate is 0, so that every batch of `fit` sees the same weights.
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss=loss)
    return model


@pytest.mark.parametrize(
    "per_position", [False, True], ids=["weights (B,)", "weights (B, T)"]
)
def test_fit_and_evaluate_give_the_number_computed_by_hand(per_position):
    total = 2 * kl.CategoricalCrossentropy(from_logits=True)
    if not per_position:  # Weights per position mean nothing to one ratio per sample.
        total = 0.5 * kl.Dice(from_logits=True) + total
    model = masked_model(total)
    logits = model.predict(TOKENS, verbose=0)
    weights = np.linspace(0.0, 2.0, IDS.size if per_position else len(IDS))
    weights = weights.reshape((7, 5) if per_position else (7,)).astype("float32")
    ones = np.ones_like(weights)

    def expected(w):
        value = 0.0
        for part in (slice(0, 3), slice(3, 6), slice(6, 7)):
            batch = by_hand(IDS[part], logits[part], TOKENS[part] != 0, w[part])
            value += batch * len(IDS[part]) / len(IDS)  # Keras' mean over batches.
        return value

    assert abs(expected(weights) - expected(ones)) > 1e-2
    unmasked = by_hand(IDS, logits, np.ones_like(TOKENS), ones)
    assert abs(unmasked - by_hand(IDS, logits, TOKENS != 0, ones)) > 1e-2
    common = {"batch_size": 3, "verbose": 0}
    fitted = model.fit(TOKENS, IDS, sample_weight=weights, shuffle=False, **common)
    assert fitted.history["loss"][0] == pytest.approx(expected(weights), rel=1e-5)
    found = model.evaluate(TOKENS, IDS, sample_weight=weights, **common)
    assert found == pytest.approx(expected(weights), rel=1e-5)
    if not per_position:
        assert model.evaluate(TOKENS, IDS, **common) == pytest.approx(expected(ones), rel=1e-5)


# --- tracing ---------------------------------------------------------------------------


class Counting(kl.Loss):
    """Squared error that counts how often Python runs its `call`."""

    calls = 0

    def call(self, y_true, y_pred):
        type(self).calls += 1
        return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


def linear_model(loss, seed=8, **options):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.compile(optimizer=keras.optimizers.SGD(0.05), loss=loss, **options)
    return model


def linear_data(samples):
    data = np.random.default_rng(52)
    x = data.normal(size=(samples, 4)).astype("float32")
    return x, data.normal(size=(samples, 2)).astype("float32")


@pytest.mark.skipif(BACKEND == "torch", reason="torch runs eagerly: there are no traces")
def test_traces_do_not_grow_with_the_steps():
    def traces(samples, epochs):
        Counting.calls = 0
        model = linear_model(Counting() + 0.5 * kl.MeanAbsoluteError())
        x, y = linear_data(samples)
        model.fit(x, y, batch_size=5, epochs=1, shuffle=False, verbose=0)
        first = Counting.calls
        model.fit(x, y, batch_size=5, epochs=epochs, shuffle=False, verbose=0)
        return first, Counting.calls

    few, after_few = traces(samples=8, epochs=1)  # A batch of 5 and one of 3.
    many, after_many = traces(samples=48, epochs=3)  # Nine of 5 and one of 3.
    assert 1 <= few <= 6
    assert many == few
    # A second `fit` may trace once more for Keras' own reasons, steps never.
    assert after_many == after_few <= few + 2


# --- ways to run ---------------------------------------------------------------------------


def test_compiled_and_eager_training_agree():
    x, y = linear_data(13)
    weights = np.linspace(0.0, 2.0, 13).astype("float32")
    ways = {"plain": {"jit_compile": False}, "eager": {"run_eagerly": True}}
    if BACKEND != "torch":  # There it means torch.compile, which wants a C++ compiler.
        ways["jit"] = {"jit_compile": True}
    total = 0.5 * kl.Huber(delta=0.3) + kl.MeanSquaredError() * kl.LogCosh() - 0.1 * kl.as_loss(
        "mae"
    ).on(y_true=slice(0, 1), y_pred=slice(1, 2))
    results = {}
    for how, options in ways.items():
        model = linear_model(total, **options)
        history = model.fit(
            x, y, sample_weight=weights, batch_size=5, epochs=2, shuffle=False, verbose=0
        )
        results[how] = (history.history["loss"], model.get_weights())
    losses, trained = results.pop("plain")
    assert losses[1] < losses[0]
    for how, (found, found_weights) in results.items():
        np.testing.assert_allclose(found, losses, rtol=1e-5, err_msg=how)
        for a, b in zip(found_weights, trained, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6, err_msg=how)


def test_each_output_has_its_own_combined_loss():
    keras.utils.set_random_seed(9)
    inputs = keras.Input((4, 4, 3))
    maps = keras.layers.Conv2D(4, 3, padding="same", name="maps")(inputs)
    size = keras.layers.Dense(2, name="size")(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, {"size": size, "maps": maps})
    losses = {"maps": segmentation(), "size": kl.Huber(delta=0.5) + 3 * kl.as_loss("mae")}
    model.compile(
        optimizer=keras.optimizers.SGD(0.1), loss=losses, loss_weights={"maps": 2.0, "size": 0.5}
    )
    data = np.random.default_rng(53)
    x = data.normal(size=(6, 4, 4, 3)).astype("float32")
    y = {
        "maps": data.integers(0, 4, size=(6, 4, 4)).astype("int32"),
        "size": data.normal(size=(6, 2)).astype("float32"),
    }
    predicted = model.predict(x, verbose=0)
    each = {k: float(losses[k](y[k], predicted[k])) for k in losses}
    before = model.get_weights()
    history = model.fit(x, y, batch_size=6, epochs=1, verbose=0).history
    assert history["maps_loss"][0] == pytest.approx(each["maps"], rel=1e-5)
    assert history["size_loss"][0] == pytest.approx(each["size"], rel=1e-5)
    total = 2.0 * each["maps"] + 0.5 * each["size"]
    assert history["loss"][0] == pytest.approx(total, rel=1e-5)
    moved = [np.abs(a - b).max() for a, b in zip(model.get_weights(), before, strict=True)]
    assert len(moved) == 4 and min(moved) > 0  # Both heads train.


# --- errors leave the model as it was ------------------------------------------------------


def class_model(loss, **options):
    keras.utils.set_random_seed(10)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.compile(optimizer=keras.optimizers.Adam(0.1), loss=loss, **options)
    return model


def state(model):
    return [to_numpy(v).copy() for v in [*model.variables, *model.optimizer.variables]]


X = np.random.default_rng(54).normal(size=(6, 4)).astype("float32")
RIGHT_IDS = np.array([0, 1, 2, 2, 1, 0], dtype="int32")
RIGHT_ROWS = np.eye(3, dtype="float32")[RIGHT_IDS]


def eager_class_loss():
    return class_model(
        kl.CategoricalCrossentropy(from_logits=True)
        + kl.CategoricalFocalCrossentropy(from_logits=True),
        run_eagerly=True,
    )


FAILURES = {
    "shape trap": (
        lambda: class_model(kl.MeanSquaredError() + 0.5 * kl.Huber()),
        RIGHT_ROWS[:, 0], None, RIGHT_ROWS, r"y_true of shape \((6|None),\) does not fit",
    ),
    "weights of a wrong shape": (
        lambda: class_model(kl.MeanSquaredError() + 0.5 * kl.Huber()),
        RIGHT_ROWS, np.ones((6, 2), "float32"), RIGHT_ROWS, "sample_weight of shape",
    ),
    "wrong class id": (
        eager_class_loss, RIGHT_IDS + 1, None, RIGHT_IDS, r"class id 3 .* outside \[0, 3\)",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_an_error_leaves_the_model_as_it_was_and_trainable(name):
    make, wrong, weights, right, message = FAILURES[name]
    model = make()
    model.optimizer.build(model.trainable_variables)
    before, config = state(model), model.loss.get_config()
    with pytest.raises(ValueError, match=message):
        if BACKEND == "jax" and name == "wrong class id":
            # On JAX Keras' `fit` takes the model's variables away while a step runs
            # and does not give them back after any error; `train_on_batch` does.
            model.train_on_batch(X, wrong)
        else:
            model.fit(X, wrong, sample_weight=weights, batch_size=6, verbose=0)
    for a, b in zip(state(model), before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(model.optimizer.iterations) == 0
    assert model.loss.get_config() == config
    losses = model.fit(X, right, batch_size=6, epochs=3, verbose=0).history["loss"]
    assert int(model.optimizer.iterations) == 3
    assert losses[2] < losses[0]
    fresh = make()  # As if nothing had happened.
    expected = fresh.fit(X, right, batch_size=6, epochs=3, verbose=0).history["loss"]
    np.testing.assert_allclose(losses, expected, rtol=1e-6)


def test_an_undriven_schedule_is_refused_and_leaves_the_model_as_it_was():
    decay = keras.optimizers.schedules.PolynomialDecay(1.0, 10, 0.0)
    total = kl.MeanSquaredError() + decay * kl.MeanAbsoluteError()
    model = class_model(total)
    model.optimizer.build(model.trainable_variables)
    before, config = state(model), total.get_config()
    with pytest.raises(ValueError, match="`mean_absolute_error` is a schedule and nothing"):
        model.fit(X, RIGHT_ROWS, batch_size=6, verbose=0)
    for a, b in zip(state(model), before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(model.optimizer.iterations) == 0
    assert total.get_config() == config
    model.compile(optimizer=keras.optimizers.Adam(0.1), loss=total.at_step(0))
    losses = model.fit(X, RIGHT_ROWS, batch_size=6, epochs=3, verbose=0).history["loss"]
    assert losses[2] < losses[0]
