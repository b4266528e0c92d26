"""Canaries: each says which of Keras' private ways changed, and what stands on it."""

import functools
import inspect

import keras
import numpy as np
import pytest
from keras import ops

from keras_losskit.core import keras_internals
from tests.backends import BACKEND, to_numpy

X = np.arange(8.0).reshape(4, 2).astype("float32")
Y = np.ones((4, 1), "float32")


def model(**options):
    made = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    made.compile(keras.optimizers.SGD(0.0), loss="mse", **options)
    return made


def say(what, breaks):
    """The failure's message."""
    return f"Keras {keras.__version__} changed: {what}. It breaks: {breaks}."


def test_every_private_way_has_a_canary():
    functions = {
        name for name, f in vars(keras_internals).items()
        if not name.startswith("_") and getattr(f, "__module__", "") == keras_internals.__name__
    }
    here = inspect.getsource(inspect.getmodule(say))
    missing = [name for name in functions if f"keras_internals.{name}(" not in here]
    assert not missing, f"no canary calls {missing}"


class _Looks(keras.metrics.Metric):
    """Looks at the stack where Keras resets metrics."""

    def __init__(self, *names):
        super().__init__(name="looks")
        self.names, self.found = names, []

    def reset_state(self):
        frame = keras_internals.keras_frame(*self.names)
        if frame is not None:
            self.found.append((frame.f_code.co_name, keras_internals.callbacks_of(frame)))

    def update_state(self, *args, **kwargs):
        pass

    def result(self):
        return {}


def test_fit_resets_metrics_inside_of_a_frame_that_holds_its_callbacks():
    made, looks, mine = model(), _Looks("fit"), keras.callbacks.Callback()
    keras_internals.attach(made, "looks", looks)
    made.fit(X, Y, verbose=0, callbacks=[mine])
    breaks = "a fit that nothing drives is no longer refused (DrivenInFit)"
    assert looks.found, say("`fit` no longer resets a tracked metric from its own frame", breaks)
    name, callbacks = looks.found[0]
    assert name == "fit" and any(c is mine for c in callbacks), say(
        "the frame of `fit` holds no `callbacks`, or another kind of list", breaks
    )


@pytest.mark.skipif(BACKEND == "tensorflow", reason="infers only under a strategy")
def test_shapes_are_inferred_inside_of_compute_output_spec():
    seen = []

    @keras.saving.register_keras_serializable("test_keras_internals")
    def looking(y_true, y_pred):
        inferring = keras_internals.keras_frame("compute_output_spec") is not None
        trainer = keras_internals.keras_frame("fit")
        seen.append((inferring, trainer is not None))
        return ops.mean(ops.square(y_pred - y_true), axis=-1)

    made = keras.Sequential([keras.layers.Dense(1)])  # Not built: shapes are asked for.
    made.compile("sgd", loss=looking)
    made.fit(X, Y, verbose=0)
    breaks = "an undriven schedule is refused while Keras asks for a shape, or never"
    assert (True, True) in seen, say(
        "an unbuilt model's loss is not inferred by `compute_output_spec` under `fit`", breaks
    )
    assert seen[-1] == (False, True), say("the step itself runs in `compute_output_spec`", breaks)


def test_callbacks_are_found_in_a_list_or_a_container():
    mine = [keras.callbacks.Callback(), keras.callbacks.Callback()]

    class Frame:
        f_locals = {"callbacks": keras.callbacks.CallbackList(mine, add_history=False)}

    found = keras_internals.callbacks_of(Frame)
    assert [c for c in found if c in mine] == mine, say(
        "CallbackList keeps its callbacks elsewhere than in `callbacks`",
        "a driven fit is refused",
    )


def test_layers_attach_their_mask_to_what_they_return():
    embedded = keras.layers.Embedding(3, 2, mask_zero=True)(np.array([[1, 0, 2]]))
    mask = keras_internals.keras_mask(embedded)
    breaks = "masked positions enter every loss"
    assert mask is not None, say("a layer's output no longer carries `_keras_mask`", breaks)
    np.testing.assert_array_equal(to_numpy(mask), [[True, False, True]])
    if BACKEND == "jax":
        import jax

        layer, found = keras.layers.Embedding(3, 2, mask_zero=True), []
        layer.build((None, 3))

        def traced(x):
            found.append(keras_internals.keras_mask(layer(x)))
            return x

        jax.jit(traced)(np.array([[1, 0, 2]]))
        assert found[0] is not None, say("a layer no longer gets the mask of a tracer", breaks)


def test_a_built_model_takes_a_metric_and_is_locked_again():
    class Plain(keras.Model):
        def call(self, x):
            return x

    made = Plain()
    made(X)
    assert made._tracker.locked, say("a built model is no longer locked", "nothing: unlock less")
    metric = keras.metrics.Mean(name="mine")
    keras_internals.attach(made, "mine", metric)
    breaks = "WeightScheduler and TerminateOnNonFiniteTerm cannot keep their variables"
    assert any(m is metric for m in made.metrics), say("a model tracks no metric", breaks)
    assert made._tracker.locked, say("the tracker's lock is another", breaks)
    variables = [id(v) for v in made.metrics_variables]
    assert all(id(v) in variables for v in metric.variables), say(
        "an attached metric is not among the variables of the compiled step", breaks
    )


def test_a_traced_step_is_traced_anew():
    made, count = model(), []

    class Counts(keras.losses.Loss):
        def call(self, y_true, y_pred):
            count.append(1)
            return ops.mean(ops.square(y_pred - y_true), axis=-1)

    made.compile("sgd", loss=Counts())
    made.fit(X, Y, verbose=0)
    made.evaluate(X, Y, verbose=0)
    before = len(count)
    keras_internals.trace_anew(made)
    made.fit(X, Y, verbose=0)
    trained = len(count)
    made.evaluate(X, Y, verbose=0)
    breaks = "a step that was traced before a callback came does not see it"
    assert trained > before, say("`train_function = None` no longer traces again", breaks)
    assert len(count) > trained, say("`test_function = None` no longer traces again", breaks)


def test_the_state_of_a_running_fit_is_fetched():
    made, found = model(), []
    made.compile(keras.optimizers.SGD(0.1), loss="mse")
    start = made.get_weights()[0].copy()

    class Looks(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            keras_internals.fetch_state(self._model)
            found.append(to_numpy(self._model.layers[-1].kernel.value).copy())

    made.fit(X, Y, batch_size=2, shuffle=False, verbose=0, callbacks=[Looks()])
    breaks = "LossProbe and WeightScheduler read variables of the step before, or none"
    assert (found[0] != start).all() and (found[1] != found[0]).any(), say(
        "`jax_state_sync` no longer brings a running step's variables", breaks
    )
    np.testing.assert_array_equal(found[-1], made.get_weights()[0])


def test_the_state_of_a_jax_step_ends_with_the_metrics():
    made, found = model(metrics=["mae"]), []
    plain = made.train_step

    @functools.wraps(plain)
    def step(*args):
        found.append(keras_internals.traced_metrics(made, "train_step", args))
        return plain(*args)

    made.train_step = step
    made.fit(X, Y, verbose=0)
    breaks = "a weight is frozen in a `train_step` of one's own on JAX"
    if BACKEND != "jax":
        assert found[0] is None
        return
    assert found and found[0], say("`train_step` gets no state of 4 parts", breaks)
    shapes = {k: tuple(v.shape) for k, v in found[0].items()}
    assert shapes == {id(v): tuple(v.shape) for v in made.metrics_variables}, say(
        "the last part of the state is not the metrics' variables, in their order", breaks
    )


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_what_is_saved_is_what_the_model_was_compiled_with(suffix, tmp_path):
    made, other = model(), keras.losses.MeanAbsoluteError(name="other")
    keras_internals.change_what_is_saved(made, lambda config: {**config, "loss": other})
    path = tmp_path / f"model.{suffix}"
    breaks = "a weight that was set is not saved"
    for _ in range(2):  # Nothing is used up.
        made.save(path)
        found = keras.saving.load_model(path)
        assert found.compiled and getattr(found.loss, "name", "") == "other", say(
            f"`.{suffix}` no longer saves `model._compile_config`", breaks
        )
    assert made.loss == "mse"
    made.compile("sgd", loss=keras.losses.MeanSquaredError(name="anew"))
    made.save(path)
    assert keras.saving.load_model(path).loss.name == "anew", say(
        "`compile` no longer makes `_compile_config` anew", breaks
    )


def test_a_layer_inside_of_a_layers_config_is_loaded_as_the_same_one(tmp_path):
    """Where the layer that holds it comes first, too."""

    @keras.saving.register_keras_serializable("test_keras_internals")
    class Holds(keras.layers.Layer):
        def __init__(self, inner, **options):
            super().__init__(**options)
            self.inner = inner

        def call(self, x):
            return x

        def get_config(self):
            return {**super().get_config(), "inner": keras_internals.shared_layer(self.inner)}

        @classmethod
        def from_config(cls, config):
            inner = keras.saving.deserialize_keras_object(config.pop("inner"))
            return cls(inner, **config)

    inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    made = keras.Sequential([keras.Input((2,)), Holds(inner), inner])
    made.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[0].inner is loaded.layers[1], say(
        "an object met a second time while saving is no longer marked as shared",
        "GradientPenalty's critic and LinearCrossentropy's `tied_to` are loaded twice",
    )


def test_a_metric_tells_its_direction():
    def gap(y_true, y_pred):
        return ops.mean(ops.abs(y_true - y_pred), axis=-1)

    made = model()
    metric = keras_internals.falls(keras.metrics.MeanMetricWrapper(gap, name="anything"))
    stop = keras.callbacks.EarlyStopping("val_anything")
    made.compile("sgd", loss="mse", metrics=[metric])
    try:
        made.fit(X, Y, validation_data=(X, Y), epochs=2, verbose=0, callbacks=[stop])
    except ValueError as error:
        pytest.fail(say(
            f"EarlyStopping no longer reads `_direction` ({error})",
            'EarlyStopping("val_dice") needs a `mode`',
        ))
    assert stop.monitor_op(1.0, 2.0), say("`_direction` 'down' is not lower-is-better", "as above")


def test_the_generator_without_a_seed_is_seen():
    found = keras_internals.keras_generator()
    breaks = "the doctor's look at a random loss moves the numbers of the model that trains"
    assert found is not None, say("`keras.random` asks no SeedGenerator", breaks)
    generator, state = found
    generator.state.assign(state)
    first = to_numpy(keras.random.uniform((3,)))
    generator.state.assign(state)
    np.testing.assert_array_equal(
        to_numpy(keras.random.uniform((3,))), first, err_msg=say("its state is elsewhere", breaks)
    )
