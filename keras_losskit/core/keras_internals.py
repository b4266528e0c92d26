"""Keras' private ways, all of them: what breaks with another Keras breaks here.

Each has a test that says what it stands for, tests/core/test_keras_internals.py, run on
the oldest and the newest Keras.
"""

import functools
import random
import sys

import keras


def keras_frame(*names):
    """The nearest running function of Keras of one of these names, or `None`.

    Keras says nowhere whether it infers shapes, trains or evaluates; its stack does.
    """
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name in names:
            if frame.f_globals.get("__name__", "").startswith("keras."):
                return frame
        frame = frame.f_back
    return None


def callbacks_of(frame):
    """The callbacks of a running `fit` or `evaluate`, from its frame."""
    callbacks = frame.f_locals.get("callbacks")
    return keras.tree.flatten(getattr(callbacks, "callbacks", callbacks))


def keras_mask(x):
    """The mask that Keras layers attach to their outputs, or `None`."""
    mask = getattr(x, "_keras_mask", None)
    if mask is not None or keras.config.backend() != "jax":
        return mask
    import jax

    # A tracer holds no attributes: Keras keeps its mask aside and hands it to layers.
    return _mask_reader()(x) if isinstance(x, jax.core.Tracer) else None


@functools.cache
def _mask_reader():
    class MaskReader(keras.layers.Layer):
        def call(self, x, mask=None):
            return mask

        def compute_mask(self, inputs, previous_mask=None):
            return None  # What comes out is the mask itself.

    reader = MaskReader(autocast=False, name="mask_reader")
    reader.supports_masking = True
    return reader


def attach(model, name, metrics):
    """Let a model track metrics as its attribute `name`, whether it is built or not."""
    # Keras locks a built layer against forgotten weights; it opens the lock itself
    # where it adds some on purpose. A metric is no weight.
    tracker = model._tracker
    locked = tracker.locked
    tracker.unlock()
    try:
        setattr(model, name, metrics)
    finally:
        if locked:
            tracker.lock()


def trace_anew(model):
    """Let a model trace its training and test steps again, with what it has now."""
    model.train_function = None
    model.test_function = None


def traced_metrics(model, step, args):
    """`{id(variable): its value}` of a model's metrics in a step that JAX traces, or `None`.

    Keras puts them in place around what it calls itself. A `train_step` of one's own has
    them in its state, the last part of it, and reads a variable as it was when traced.
    """
    if keras.config.backend() != "jax" or step not in ("train_step", "test_step"):
        return None
    state = args[0] if args else None
    if not isinstance(state, (tuple, list)) or len(state) not in (3, 4):
        return None
    return dict(zip(map(id, model.metrics_variables), state[-1], strict=False))


class _CompileConfig:
    def __init__(self, plain, change):
        self.plain, self.change = plain, change

    @property
    def config(self):
        return self.change(dict(self.plain.config))

    def serialize(self):
        return keras.saving.serialize_keras_object(self.config)


def change_what_is_saved(model, change):
    """Let a model be saved, in any format, as if compiled with what `change(config)` says.

    Until it is compiled again.
    """
    plain = getattr(model, "_compile_config", None)
    if plain is not None:
        plain = getattr(plain, "plain", plain)
        model._compile_config = _CompileConfig(plain, change)


def fetch_state(model):
    """Bring the variables of a model that trains on JAX up to date.

    Between the steps of `fit` they are in the step's own state; Keras' callbacks get
    them by their property `model`, custom code by this.
    """
    sync = getattr(model, "jax_state_sync", None)
    if sync is not None:
        sync()


def shared_layer(layer):
    """The config of a layer that the model may hold elsewhere too.

    While a model is saved, Keras marks what it meets a second time as one object; a first
    meeting inside another layer's config has been copied by then, and would be loaded as
    a layer of its own. Outside of that it is the plain config.
    """
    keras.saving.serialize_keras_object(layer)
    return keras.saving.serialize_keras_object(layer)


def falls(metric):
    """Tell Keras that a metric is better where it is lower, as a loss is."""
    metric._direction = "down"
    return metric


def keras_generator():
    """`(generator, its state)` of the one behind `keras.random` without a seed.

    Keras names it nowhere: it is seen when it is asked for a number. Keras
    makes it at its first use, which may be this one.
    """
    seen = []
    kind = keras.random.SeedGenerator
    plain = kind.next

    def watched(self, *args, **kwargs):
        seen.append((self, keras.ops.copy(self.state.value)))
        return plain(self, *args, **kwargs)

    python = random.getstate()
    kind.next = watched
    try:
        keras.random.uniform(())
    finally:
        kind.next = plain
        random.setstate(python)
    return seen[0] if seen else None
