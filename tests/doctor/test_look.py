"""`explain`, `watch`, `watching`, `LossProbe` and the pictures."""

import builtins
import importlib
import sys

import keras
import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from tests.backends import BACKEND, compiled, to_numpy

Y = np.zeros((4, 2), "float32")
P = np.array([[1, 1], [0, 0], [3, 3], [2, 0]], "float32")
TOTAL = kl.MeanSquaredError() + 0.5 * kl.MeanAbsoluteError()


def test_explain_gives_each_terms_numbers():
    e = kl.explain(TOTAL, Y, P)
    squares, absolutes = e["mean_squared_error"], e["mean_absolute_error"]
    np.testing.assert_allclose(squares.values, [1, 0, 9, 2])
    np.testing.assert_allclose(absolutes.values, [1, 0, 3, 1])
    assert (squares.value, absolutes.value) == (3.0, 1.25)
    assert e.total == 3.0 + 0.5 * 1.25 and absolutes.weight == 0.5
    np.testing.assert_allclose(squares.share + absolutes.share, 1)
    assert squares.denominator == 4 and squares.dtype == "float32" and squares.shape == (4,)
    assert [i for i, _ in squares.worst] == [2, 3, 0]
    # d mean(d²) / d p = 2 d / 8
    np.testing.assert_allclose(squares.gradient_norm, np.linalg.norm(2 * P / 8), rtol=1e-6)
    assert isinstance(e.gradient, np.ndarray) and e.gradient.shape == P.shape
    text = str(e)
    assert "mean_absolute_error" in text and max(map(len, text.splitlines())) <= 100


def test_explain_shows_the_denominator_of_each_rule():
    weights = np.array([1, 2, 0, 1], "float32")
    for reduction, divisor in (("mean", 4), ("mean_with_sample_weight", 4.0), ("sum", None)):
        loss = kl.MeanSquaredError(reduction=reduction)
        term = kl.explain(loss, Y, P, weights * 1.5)["mean_squared_error"]
        assert term.denominator == (6.0 if "weight" in reduction else divisor)


@pytest.mark.parametrize("loss", ["mse", keras.losses.MeanSquaredError(),
                                  lambda t, p: ops.mean(ops.square(t - p), axis=-1)])
def test_explain_takes_any_loss(loss):
    (term,) = kl.explain(loss, Y, P).terms.values()
    np.testing.assert_allclose(term.values, [1, 0, 9, 2])
    assert term.value == 3.0


def test_explain_says_what_is_out_of_range():
    negative = np.array([[1.0, -3.0], [2.0, 0.0]])
    explained = kl.explain("mean_squared_logarithmic_error", negative, np.ones((2, 2)))
    assert "y_true holds -3" in explained.notes[0] and "out of range" in str(explained)
    rows = np.array([[0.2, 0.8], [0.6, 0.4]])
    assert not kl.explain(keras.losses.SparseCategoricalCrossentropy(), [0, 1], rows).notes


def looking(y_true, y_pred):
    d = kl.watch("d", y_true - y_pred)
    return ops.mean(ops.square(d), axis=-1)


def test_watching_collects_eager_values():
    t, p = ops.convert_to_tensor(Y), ops.convert_to_tensor(P)
    with kl.watching() as seen:
        looking(t, p)
        looking(t, p + 1)
    np.testing.assert_array_equal(seen["d"], Y - P - 1)
    assert len(seen.all["d"]) == 2
    assert kl.watch("anything", p) is p
    assert list(kl.explain(looking, Y, P).watched) == ["d"]


def test_watch_adds_nothing_to_a_compiled_program():
    def plain(t, p):
        return ops.mean(ops.square(t - p), axis=-1)

    t, p = ops.convert_to_tensor(Y), ops.convert_to_tensor(P)
    if BACKEND == "tensorflow":
        import tensorflow as tf

        graphs = [tf.function(f).get_concrete_function(t, p).graph for f in (plain, looking)]
        first, second = ([op.type for op in g.get_operations()] for g in graphs)
        assert first == second
    elif BACKEND == "jax":
        import jax

        assert str(jax.make_jaxpr(plain)(t, p)) == str(jax.make_jaxpr(looking)(t, p))
    with kl.watching() as seen:
        for function in compiled(lambda t, p: looking(t, p)).values():  # Not traced yet.
            np.testing.assert_allclose(to_numpy(function(t, p)), [1, 0, 9, 2])
    if BACKEND != "torch":
        assert not seen and seen.unseen["d"][0] == (4, 2)


def model_and_data():
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
    y = x.sum(axis=1, keepdims=True)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    return model, x, y


@pytest.mark.parametrize(("every", "steps"), [("epoch", [1, 2, 3]), (4, [4, 8, 12])])
def test_probe_records_terms_during_fit(every, steps):
    model, x, y = model_and_data()
    model.compile(keras.optimizers.SGD(0.05), loss=TOTAL)
    probe = kl.LossProbe(x[:8], y[:8], every=every)
    model.fit(x, y, batch_size=4, epochs=3, verbose=0, callbacks=[probe])
    assert probe.history["step"] == steps
    total = probe.history["loss"]
    terms = (probe.history["mean_squared_error"], probe.history["mean_absolute_error"])
    np.testing.assert_allclose(total, np.array(terms[0]) + 0.5 * np.array(terms[1]), rtol=1e-5)
    assert total == sorted(total, reverse=True)
    predicted = model(x[:8])
    np.testing.assert_allclose(total[-1], float(to_numpy(TOTAL(y[:8], predicted))), rtol=1e-5)


def test_probe_leaves_training_as_it_is_and_sees_what_is_watched():
    ends = []
    for callbacks in ([], [kl.LossProbe(*model_and_data()[1:], every=1)]):
        model, x, y = model_and_data()
        model.compile("sgd", loss=looking)
        ends.append(model.fit(x, y, epochs=2, verbose=0, callbacks=callbacks).history["loss"])
    np.testing.assert_allclose(*ends, rtol=1e-6)
    assert [a.shape for a in callbacks[0].watched["d"]] == [(16, 1)] * 2


def test_probe_says_what_it_needs():
    with pytest.raises(ValueError, match="every"):
        kl.LossProbe(Y, P, every=0)
    model, x, y = model_and_data()
    model.compile("sgd", loss=["mse"])
    with pytest.raises(ValueError, match="output"):
        model.fit(x, y, verbose=0, callbacks=[kl.LossProbe(x, y)])


# --- pictures -----------------------------------------------------------------------------


@pytest.fixture
def plots():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    yield importlib.import_module("matplotlib.pyplot")
    matplotlib.pyplot.close("all")


def labels(figure):
    return [(a.get_xlabel(), a.get_ylabel()) for a in figure.axes]


def test_plot_loss_draws_value_and_gradient_against_the_error(plots):
    figure = kl.plot_loss(kl.MeanSquaredError())
    value, gradient = (a.lines[0].get_xydata() for a in figure.axes)
    np.testing.assert_allclose(value[:, 1], value[:, 0] ** 2, atol=1e-5)
    np.testing.assert_allclose(gradient[:, 1], 2 * gradient[:, 0], atol=1e-5)
    assert labels(figure) == [
        ("error, prediction - target (units of the target)", "loss per sample"),
        ("error, prediction - target (units of the target)", "d loss / d prediction"),
    ]


@pytest.mark.parametrize(
    "loss", [kl.CategoricalCrossentropy(), kl.CategoricalCrossentropy(from_logits=True),
             kl.BinaryCrossentropy(), kl.BinaryCrossentropy(from_logits=True)], ids=str,
)
def test_plot_loss_draws_classification_against_the_probability(plots, loss):
    figure = kl.plot_loss(loss)
    p, value = figure.axes[0].lines[0].get_xydata().T
    np.testing.assert_allclose(value, -np.log(p), rtol=1e-3, atol=1e-4)
    assert labels(figure)[0][0] == "probability of the true class"
    assert (figure.axes[1].lines[0].get_ydata() < 0).all()


def test_plot_loss_refuses_what_is_no_curve(plots):
    with pytest.raises(ValueError, match="draw them apart"):
        kl.plot_loss(kl.Huber(), kl.BinaryCrossentropy())
    with pytest.raises(ValueError, match="no function of"):
        kl.plot_loss(keras.losses.Circle())


@pytest.mark.parametrize("loss", [kl.CosineSimilarity(), kl.WeightedKappa()], ids=str)
def test_plot_loss_refuses_a_line_on_which_nothing_moves(plots, loss):
    with pytest.raises(ValueError, match="along the whole line of its"):
        kl.plot_loss(loss)


def test_plot_loss_of_a_map_moves_the_whole_map(plots):
    figure = kl.plot_loss(kl.Dice(), kl.Tversky(), kl.Dice(from_logits=True))
    assert labels(figure)[0][0] == "probability of the true class, at every position"
    for line, slope in zip(figure.axes[0].lines[:3], figure.axes[1].lines[:3], strict=True):
        p, value = line.get_xydata().T
        assert value[0] > 0.9 and value[-1] < 0.1  # All right at last, no class left out.
        assert (np.diff(value) < 0).all() and (slope.get_ydata() < 0).all()
    # Of the probabilities, the slope is that of the picture beside it.
    p, value = figure.axes[0].lines[0].get_xydata().T
    others = kl.plot_loss(kl.Dice()).axes[1].lines[0].get_ydata()
    assert np.isfinite(others).all() and len(others) == len(p)


def test_weights_that_move_are_drawn_below(plots):
    model, x, y = model_and_data()
    loss = kl.MeanSquaredError() + kl.LinearWarmup(6) * kl.MeanAbsoluteError()
    model.compile("sgd", loss=loss)
    probe = kl.LossProbe(x[:8], y[:8])
    history = model.fit(x, y, batch_size=8, epochs=3, verbose=0,
                        callbacks=[kl.WeightScheduler(), probe])
    weights = probe.history["mean_absolute_error_weight"]
    assert len(weights) == 3 and weights == sorted(weights) and weights[0] < weights[-1]
    total = np.array(probe.history["mean_squared_error"]) + np.array(weights) * np.array(
        probe.history["mean_absolute_error"])
    np.testing.assert_allclose(probe.history["loss"], total, rtol=1e-5)
    figure = kl.plot_terms(probe)
    above, below = ([line.get_label() for line in a.lines] for a in figure.axes)
    assert above == ["loss", "mean_squared_error", "mean_absolute_error"]
    assert below == ["mean_absolute_error_weight"]
    np.testing.assert_allclose(figure.axes[1].lines[0].get_ydata(), weights)
    assert labels(figure)[1] == ("epoch (number)", "weight")
    assert len(kl.plot_terms(history).axes) == 2
    with_one = kl.plot_terms({"loss": [1.0, 2.0], "a_weight": [0.1, 0.2]},
                             plots.subplots()[1])
    assert [a.get_ylabel() for a in with_one.axes][1] == "weight"


def test_plots_of_terms_and_explanations(plots):
    history = {"loss": [3.0, 2.0], "dice": [1.0, 0.5]}
    figure = kl.plot_terms(history)
    assert [line.get_label() for line in figure.axes[0].lines] == ["loss", "dice"]
    assert labels(figure) == [("epoch (number)", "value (terms before their weights)")]
    with pytest.raises(ValueError, match="empty"):
        kl.plot_terms({})
    figure = kl.explain(TOTAL, Y, P).plot()
    assert [bar.get_width() for bar in figure.axes[0].patches] == [3.0, 0.625]
    # Samples 2, 3, 0, 1: in the order of their total, for every term.
    lines = [line.get_ydata().tolist() for line in figure.axes[1].lines]
    assert lines == [[9, 2, 1, 0], [3, 1, 1, 0]]
    assert all(x and y or x for x, y in labels(figure))


def test_without_matplotlib_the_message_says_what_to_install(monkeypatch):
    plain = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return plain(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    for name in [m for m in sys.modules if m.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ImportError, match=r"pip install matplotlib"):
        kl.plot_loss(kl.Huber())
