"""The terms of a loss in the logs, as `fit` and `evaluate` show them."""

import csv
import warnings

import keras
import numpy as np
import pytest

import keras_losskit as kl
from tests.backends import BACKEND, to_numpy

rng = np.random.default_rng(71)
X = rng.normal(size=(11, 3)).astype("float32")
Y = rng.normal(size=(11, 2)).astype("float32")
WEIGHTS = rng.uniform(0.2, 2.0, size=11).astype("float32")


def total():
    return kl.MeanSquaredError() + 0.5 * kl.MeanAbsoluteError() - 0.25 * kl.Huber(delta=0.5)


def model(loss, rate=0.0, **options):
    keras.utils.set_random_seed(3)
    made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    made.compile(keras.optimizers.SGD(rate), loss=loss, **options)
    return made


def huber(d):
    return 0.5 * d * d if abs(d) <= 0.5 else 0.5 * abs(d) - 0.125


def by_hand(predicted, weights=None):
    """Each term over all samples, in loops."""
    weights = np.ones(len(Y)) if weights is None else weights
    terms = {
        "mean_squared_error": lambda d: d * d,
        "mean_absolute_error": abs,
        "huber": huber,
    }
    return {
        name: sum(
            w * sum(f(float(p - t)) for p, t in zip(row, target)) / 2
            for row, target, w in zip(predicted, Y, weights)
        )
        / len(Y)
        for name, f in terms.items()
    }


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weights"])
def test_logs_are_the_terms_recomputed_from_predict(weights):
    # 11 samples in batches of 4: the last batch is smaller.
    loss = total()
    which = "metrics" if weights is None else "weighted_metrics"
    made = model(loss, **{which: loss.metrics()})
    expected = by_hand(made.predict(X, verbose=0), weights)
    history = made.fit(
        X, Y, sample_weight=weights, batch_size=4, epochs=2, verbose=0, validation_data=(X, Y)
        if weights is None else (X, Y, weights), validation_batch_size=3,
    ).history
    evaluated = made.evaluate(
        X, Y, sample_weight=weights, batch_size=5, verbose=0, return_dict=True
    )
    for name, value in expected.items():
        np.testing.assert_allclose(history[name], [value, value], rtol=1e-5)
        np.testing.assert_allclose(history["val_" + name], [value, value], rtol=1e-5)
        assert evaluated[name] == pytest.approx(value, rel=1e-5)


def test_unweighted_metrics_do_not_see_sample_weights():
    loss = total()
    made = model(loss, metrics=loss.metrics(), weighted_metrics=loss.metrics(weighted=True))
    plain = by_hand(made.predict(X, verbose=0))
    weighted = by_hand(made.predict(X, verbose=0), WEIGHTS)
    logs = made.fit(X, Y, sample_weight=WEIGHTS, batch_size=4, verbose=0).history
    factors = {"mean_squared_error": 1.0, "mean_absolute_error": 0.5, "huber": -0.25}
    for name, factor in factors.items():
        assert logs[name][0] == pytest.approx(plain[name], rel=1e-5)
        assert logs[f"weighted_{name}"][0] == pytest.approx(factor * weighted[name], rel=1e-5)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean_with_sample_weight", "sum"])
def test_contributions_add_up_to_the_loss(reduction):
    loss = kl.WeightedSum(
        [kl.MeanSquaredError(), (0.5, kl.MeanAbsoluteError())], reduction=reduction
    )
    made = model(loss, rate=0.05, weighted_metrics=loss.metrics(weighted=True))
    logs = made.fit(
        X, Y, sample_weight=WEIGHTS, batch_size=4, epochs=3, verbose=0, validation_data=(X, Y)
    ).history
    parts = ["weighted_mean_squared_error", "weighted_mean_absolute_error"]
    assert logs["loss"][2] < 0.9 * logs["loss"][0]
    for prefix in ("", "val_"):
        added = np.sum([logs[prefix + name] for name in parts], axis=0)
        np.testing.assert_allclose(added, logs[prefix + "loss"], rtol=1e-5)


def test_masked_positions_are_left_out():
    tokens = np.array([[1, 2, 0, 0], [3, 0, 0, 0], [1, 1, 2, 3]])
    ids = rng.integers(0, 2, size=(3, 4))
    loss = kl.CategoricalCrossentropy(from_logits=True)
    loss = loss + 0.5 * kl.CategoricalFocalCrossentropy(from_logits=True)
    made = keras.Sequential(
        [
            keras.Input((4,), dtype="int32"),
            keras.layers.Embedding(4, 3, mask_zero=True),
            keras.layers.Dense(2),
        ]
    )
    made.compile(keras.optimizers.SGD(0.0), loss=loss, metrics=loss.metrics())
    logits = made.predict(tokens, verbose=0)
    expected, count = 0.0, 0
    for i in np.ndindex(3, 4):
        # On JAX, Keras hands metrics no mask.
        if tokens[i] or BACKEND == "jax":
            p = np.exp(logits[i]) / np.exp(logits[i]).sum()
            expected, count = expected - np.log(p[ids[i]]), count + 1
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*on JAX, Keras hands metrics no mask")
        logs = made.fit(tokens, ids, batch_size=3, verbose=0).history
    assert logs["categorical_crossentropy"][0] == pytest.approx(expected / count, rel=1e-5)
    if BACKEND == "jax":
        made.compile(keras.optimizers.SGD(0.0), loss=loss, metrics=loss.metrics())
        with pytest.warns(UserWarning, match="on JAX, Keras hands metrics no mask"):
            made.evaluate(tokens, ids, batch_size=3, verbose=0)


def test_a_loss_that_is_no_sum_has_one_metric():
    (metric,) = kl.Huber(name="tail").metrics()
    assert metric.name == "tail"
    metric.update_state([[0.0]], [[2.0]])
    assert float(metric.result()) == 1.5
    metric.reset_state()
    assert float(metric.result()) == 0.0


def test_a_zero_weight_contributes_nothing_even_of_nan():
    loss = kl.MeanSquaredError() + 0 * kl.MeanAbsoluteError()
    contribution = loss.metrics(weighted=True)[1]
    contribution.update_state([[np.nan]], [[1.0]])
    assert float(contribution.result()) == 0.0


def test_unknown_terms_are_refused():
    with pytest.raises(ValueError, match="TermMetric: `term` must be one of .*'huber'"):
        kl.TermMetric(total(), "hubr")
    with pytest.raises(TypeError, match="weighted"):
        kl.TermMetric(total(), "huber", weighted="yes")


def test_metrics_come_back_with_the_model(tmp_path):
    loss = total()
    made = model(loss, metrics=loss.metrics() + loss.metrics(weighted=True))
    made.fit(X, Y, verbose=0)
    made.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    expected = made.evaluate(X, Y, verbose=0, return_dict=True)
    found = loaded.evaluate(X, Y, verbose=0, return_dict=True)
    assert list(found) == list(expected) and len(found) == 7
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-6)


def test_a_metric_is_its_config():
    metric = kl.TermMetric(total(), "huber", weighted=True, name="tail")
    copy = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert copy.get_config() == metric.get_config()
    for one in (metric, copy):
        one.update_state([[0.0]], [[2.0]])
        assert float(one.result()) == pytest.approx(-0.25 * huber(2.0))


def test_terms_reach_the_files_of_callbacks(tmp_path):
    loss = total()
    made = model(loss, metrics=loss.metrics())
    callbacks = [keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))]
    history = made.fit(X, Y, epochs=2, validation_data=(X, Y), callbacks=callbacks, verbose=0)
    with open(tmp_path / "log.csv") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["val_huber"]) for row in rows] == pytest.approx(
        history.history["val_huber"], rel=1e-6
    )


def test_several_outputs_have_their_own_terms():
    inputs = keras.Input((3,))
    outputs = {name: keras.layers.Dense(2, name=name)(inputs) for name in ("a", "b")}
    made = keras.Model(inputs, outputs)
    losses = {"a": kl.MeanSquaredError() + kl.MeanAbsoluteError(), "b": total()}
    made.compile(
        keras.optimizers.SGD(0.0), loss=losses,
        metrics={name: loss.metrics() for name, loss in losses.items()},
    )
    predicted = made.predict(X, verbose=0)
    logs = made.evaluate(X, {"a": Y, "b": Y}, batch_size=4, verbose=0, return_dict=True)
    for output in ("a", "b"):
        for name, value in by_hand(predicted[output]).items():
            if output == "a" and name == "huber":
                continue
            assert logs[f"{output}_{name}"] == pytest.approx(value, rel=1e-5)


def test_float64_terms_keep_their_digits():
    metric = kl.TermMetric(kl.MeanSquaredError(), dtype="float32")
    metric.update_state(Y, Y + 1)
    assert to_numpy(metric.result()).dtype == np.float32
