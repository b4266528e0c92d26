"""The callback that names the term that went wrong."""

import math

import keras
import numpy as np
import pytest

import keras_losskit as kl

X = np.arange(24.0).reshape(8, 3).astype("float32") / 24


def model(loss, outputs=1, bias=0.0):
    inputs = keras.Input((3,))
    made = [keras.layers.Dense(2, name=f"o{i}")(inputs) for i in range(outputs)]
    made = keras.Model(inputs, made if outputs > 1 else made[0])
    for layer in made.layers[1:]:
        layer.set_weights([np.ones((3, 2)), np.full(2, bias)])
    made.compile(keras.optimizers.SGD(0.0), loss=loss)
    return made


def fit(made, y, **options):
    guard = kl.TerminateOnNonFiniteTerm(**options)
    history = made.fit(
        X, y, batch_size=2, epochs=3, shuffle=False, verbose=0, callbacks=[guard]
    )
    return guard, history.history



@keras.saving.register_keras_serializable(package="tests")
class Root(kl.Loss):
    """√y: NaN below zero."""

    def call(self, y_true, y_pred):
        return keras.ops.mean(keras.ops.sqrt(y_true), axis=-1)


def test_it_names_the_term_the_batch_and_the_sample(capsys):
    y = np.ones((8, 2), "float32")
    y[5, 1] = -4.0
    made = model(kl.MeanSquaredError() + 0.5 * Root())
    guard, history = fit(made, y)
    report = guard.report
    assert (report["epoch"], report["batch"], report["sample"]) == (0, 2, 1)
    assert math.isnan(report["terms"]["root"]) and math.isnan(report["sample_terms"]["root"])
    predicted = X[5].sum()
    squared = ((predicted - 1) ** 2 + (predicted + 4) ** 2) / 2
    assert report["sample_terms"]["mean_squared_error"] == pytest.approx(squared, rel=1e-5)
    assert report["y_true"] == {
        "size": 2, "not_finite": 0, "lowest": -4.0, "highest": 1.0, "elements": [1.0, -4.0],
    }
    assert report["y_pred"]["elements"] == pytest.approx([predicted] * 2, rel=1e-5)
    assert len(history["loss"]) == 1
    out = capsys.readouterr().out
    assert "Stopped at batch 2 of epoch 0: term `root` is nan." in out
    assert "Sample 1 of the batch" in out and "The prediction itself" not in out


def test_it_stays_silent_where_all_is_finite(capsys):
    guard, history = fit(model(kl.MeanSquaredError() + 0.5 * Root()), np.ones((8, 2)))
    assert guard.report is None and len(history["loss"]) == 3
    assert capsys.readouterr().out == ""


def test_a_prediction_that_is_not_finite_is_told_apart(capsys):
    guard, _ = fit(model(kl.MeanSquaredError() + kl.Huber(), bias=np.nan), np.ones((8, 2)))
    assert guard.report["batch"] == 0 and guard.report["y_pred"]["not_finite"] == 2
    assert "The prediction itself is not finite" in capsys.readouterr().out


def test_a_single_loss_and_large_samples():
    y = np.ones((8, 2), "float32")
    y[0, 0] = np.inf
    guard, _ = fit(model(kl.MeanSquaredError()), y, verbose=0)
    assert guard.report["terms"] == {"mean_squared_error": math.inf}
    assert guard.report["sample"] == 0 and guard.report["y_true"]["not_finite"] == 1


def test_several_outputs(capsys):
    y = np.ones((8, 2), "float32")
    bad = y.copy()
    bad[3, 0] = np.nan
    losses = [kl.Huber(name="first"), kl.MeanSquaredError() + kl.MeanAbsoluteError()]
    guard, _ = fit(model(losses, outputs=2), [y, bad])
    assert guard.report["batch"] == 1 and guard.report["sample"] == 1
    bad = [name for name, value in guard.report["terms"].items() if math.isnan(value)]
    assert bad == ["mean_squared_error", "mean_absolute_error"]
    assert "`mean_squared_error`" in capsys.readouterr().out


def test_a_layer_that_adds_a_loss():
    inputs = keras.Input((3,))
    pair = [inputs - 0.5, keras.layers.Dense(3)(inputs)]
    made = keras.Model(inputs, kl.AddLoss(Root(), name="inner")(pair)[1])
    made.compile(keras.optimizers.SGD(0.0), loss=kl.MeanSquaredError())
    guard, _ = fit(made, X, verbose=0)
    assert math.isnan(guard.report["terms"]["inner"])
    assert math.isfinite(guard.report["terms"]["mean_squared_error"])


def test_learned_weights_are_watched():
    network = model(None)
    made = kl.LearnedWeights(network, kl.MeanSquaredError() + Root())
    made.compile(keras.optimizers.SGD(0.0))
    y = np.ones((8, 2), "float32")
    y[7, 0] = -1.0
    guard, _ = fit(made, y, verbose=0)
    assert guard.report["batch"] == 3 and math.isnan(guard.report["terms"]["root"])


def test_a_second_fit_and_a_model_traced_before():
    made = model(kl.MeanSquaredError() + Root())
    good, bad = np.ones((8, 2), "float32"), np.ones((8, 2), "float32")
    bad[5, 1] = -1.0
    made.fit(X, good, batch_size=2, verbose=0)
    for _ in range(2):
        guard, _ = fit(made, good, verbose=0)
        assert guard.report is None
        guard, _ = fit(made, bad, verbose=0)
        assert (guard.report["batch"], guard.report["sample"]) == (2, 1)


def test_a_guarded_model_saves_and_loads(tmp_path):
    made = model(kl.MeanSquaredError() + Root())
    fit(made, np.ones((8, 2)))
    made.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), made.predict(X, verbose=0))


def test_it_needs_something_to_watch():
    with pytest.raises(ValueError, match="no loss of keras_losskit.*TerminateOnNaN"):
        fit(model("mse"), np.ones((8, 2)))
