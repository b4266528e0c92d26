"""Half-precision models: the loss computes in float32; float64 is kept throughout."""

import math

import keras
import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from tests.backends import to_numpy, value_and_gradient, wide

CLASSES = 301
IDS = np.array([3, 255, 256, 257, 258, 299, 300, 17])  # bfloat16 has no 257, 259, …


def focal_and_crossentropy(**common):
    return kl.CategoricalCrossentropy(
        from_logits=True, **common
    ) + 2 * kl.CategoricalFocalCrossentropy(gamma=1.5, from_logits=True, **common)


def reference(ids, logits):
    total = 0.0
    for i, row in zip(ids, np.asarray(logits, dtype="float64")):
        log_p = row[i] - row.max() - math.log(np.exp(row - row.max()).sum())
        total += -log_p - 2 * (1 - math.exp(log_p)) ** 1.5 * log_p
    return total / len(ids)


@pytest.fixture(params=["mixed_float16", "mixed_bfloat16"])
def half(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param.removeprefix("mixed_")
    keras.config.set_dtype_policy(before)


def test_a_half_precision_model_of_many_classes_trains(half):
    keras.utils.set_random_seed(2)
    x = np.random.default_rng(41).normal(size=(len(IDS), 12)).astype("float32")
    model = keras.Sequential([keras.Input((12,)), keras.layers.Dense(CLASSES)])
    loss = focal_and_crossentropy()
    model.compile(optimizer=keras.optimizers.Adam(0.05), loss=loss)
    y_pred = model(x)
    assert keras.backend.standardize_dtype(y_pred.dtype) == half
    value = loss(IDS, y_pred)
    assert keras.backend.standardize_dtype(value.dtype) == "float32"
    expected = reference(IDS, to_numpy(ops.cast(y_pred, "float32")))
    assert float(to_numpy(value)) == pytest.approx(expected, rel=1e-5)

    history = model.fit(x, IDS, batch_size=len(IDS), epochs=30, verbose=0).history["loss"]
    # XLA may keep more of the half-precision matmul than eager does.
    assert history[0] == pytest.approx(expected, rel=5e-3)
    assert np.isfinite(history).all() and history[-1] < 0.2 * history[0]
    predicted = to_numpy(ops.cast(model(x), "float32"))
    assert predicted.argmax(axis=-1).tolist() == IDS.tolist()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("asked", [None, "float16", "bfloat16", "mixed_bfloat16", "float32"])
def test_half_precision_is_cast_up_before_the_mathematics(dtype, asked):
    logits = np.random.default_rng(42).normal(size=(len(IDS), CLASSES)) * 30
    y_pred = ops.cast(ops.convert_to_tensor(logits.astype("float32")), dtype)
    up = to_numpy(ops.cast(y_pred, "float32"))
    loss = focal_and_crossentropy(dtype=asked)
    value = loss(IDS, y_pred)
    assert keras.backend.standardize_dtype(value.dtype) == "float32"
    assert float(value) == float(loss(IDS, up))
    assert float(value) == pytest.approx(reference(IDS, up), rel=1e-5)


@pytest.mark.parametrize("ids_dtype", ["int32", "int64", "uint16", "float32"])
def test_ids_beyond_256_stay_themselves(half, ids_dtype):
    y_pred = ops.cast(
        ops.convert_to_tensor(10 * np.eye(CLASSES, dtype="float32")[IDS]), half
    )
    loss = kl.CategoricalCrossentropy(from_logits=True)
    # Each id names its own peak; one off would cost 10 more.
    expected = math.log(math.exp(10) + CLASSES - 1) - 10
    for ids in (IDS, IDS[:, None]):
        found = float(loss(ids.astype(ids_dtype), y_pred))
        # A difference of numbers of about 10, in float32.
        assert found == pytest.approx(expected, abs=5e-6)


def test_sums_in_half_precision_do_not_overflow(half):
    y_pred = ops.cast(ops.full((8, 4000), 200.0), half)  # Σ of squares: 1.3e9 > 65504.
    loss = kl.MeanSquaredError(reduction="sum") + kl.MeanAbsoluteError(reduction="sum")
    value = float(loss(ops.zeros_like(y_pred), y_pred))
    assert value == pytest.approx(8 * (200.0**2 + 200.0), rel=1e-6)


def test_float64_is_kept_end_to_end():
    rng = np.random.default_rng(43)
    logits = rng.normal(size=(len(IDS), CLASSES)) * 3
    weights = rng.uniform(size=len(IDS))
    with wide():
        loss = focal_and_crossentropy(dtype="float64")
        value = loss(IDS, logits)
        assert keras.backend.standardize_dtype(value.dtype) == "float64"
        assert float(value) == pytest.approx(reference(IDS, logits), rel=1e-13)
        weighted = loss(IDS, logits, weights)
        assert keras.backend.standardize_dtype(weighted.dtype) == "float64"
        _, gradient = value_and_gradient(lambda p: loss(IDS, p), logits)
        assert gradient.dtype == "float64"
        i, j, step = 2, 257, 1e-6
        up, down = logits.copy(), logits.copy()
        up[i, j] += step
        down[i, j] -= step
        slope = (reference(IDS, up) - reference(IDS, down)) / (2 * step)
    assert gradient[i, j] == pytest.approx(slope, rel=1e-6, abs=1e-10)
    total = sum(
        float(w) * reference(IDS[k : k + 1], logits[k : k + 1])
        for k, w in enumerate(weights)
    )
    assert float(weighted) == pytest.approx(total / len(IDS), rel=1e-13)


@pytest.fixture
def float64():
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx(before)


def test_a_float64_model_trains_in_float64(float64):
    # Keras casts what a compiled loss returns to floatx, so that has to be wide as well.
    keras.utils.set_random_seed(4)
    with wide():
        x = np.random.default_rng(44).normal(size=(len(IDS), 12))
        model = keras.Sequential(
            [keras.Input((12,), dtype="float64"), keras.layers.Dense(CLASSES, dtype="float64")]
        )
        model.compile(
            optimizer=keras.optimizers.SGD(0.5), loss=focal_and_crossentropy(dtype="float64")
        )
        y_pred = model(x)
        assert keras.backend.standardize_dtype(y_pred.dtype) == "float64"
        value = model.compute_loss(x=x, y=IDS, y_pred=y_pred)
        assert keras.backend.standardize_dtype(value.dtype) == "float64"
        expected = reference(IDS, to_numpy(y_pred))
        assert float(to_numpy(value)) == pytest.approx(expected, rel=1e-13)
        losses = model.fit(x, IDS, batch_size=len(IDS), epochs=2, verbose=0).history["loss"]
        after = reference(IDS, to_numpy(model(x)))
    assert losses[0] == pytest.approx(expected, rel=1e-6)  # torch logs in float32.
    assert after < losses[1] < losses[0]
