"""`Subject`: anything that Keras takes as a loss, seen through one face."""

import contextlib
import inspect
import re

import keras
from keras import ops

import keras_losskit as kl
from keras_losskit.core.combined import changed_copy


class _Wrapped(keras.losses.Loss):
    """A plain function, as Keras' `compile` wraps it."""

    def __init__(self, function):
        # Not every name of a function opens a scope in a graph of TensorFlow.
        name = re.sub(r"[^A-Za-z0-9_]+", "_", getattr(function, "__name__", "loss")).strip("_")
        super().__init__(name=name if name[:1].isalpha() else f"loss_{name}")
        self.function = function

    def call(self, y_true, y_pred):
        return self.function(*same_rank(y_true, y_pred))


def _instance(cls):
    """An instance of a class of losses that needs no arguments."""
    try:
        return cls()
    except TypeError as error:
        raise TypeError(
            f"{cls.__name__} is a class that needs arguments; give an instance of it ({error})."
        ) from error


def same_rank(y_true, y_pred):
    """Keras' rule: squeeze or expand a trailing axis of 1, where ranks differ by 1."""
    if not hasattr(y_true, "shape") or not hasattr(y_pred, "shape"):
        return y_true, y_pred
    t, p = len(y_true.shape), len(y_pred.shape)
    if t == p + 1 and y_true.shape[-1] == 1:
        if p == 1:
            return y_true, ops.expand_dims(y_pred, -1)
        return ops.squeeze(y_true, -1), y_pred
    if p == t + 1 and y_pred.shape[-1] == 1:
        if t == 1:
            return ops.expand_dims(y_true, -1), y_pred
        return y_true, ops.squeeze(y_pred, -1)
    return y_true, y_pred


class Subject:
    """The loss under examination.

    Args:
        loss: a `keras.losses.Loss`, a function, a class that needs no
            arguments, a name such as "mse", or a config. A scheduled weight that
            nothing drives is taken at step 0.

    Raises:
        TypeError, ValueError: for what is no loss.
    """

    def __init__(self, loss):
        self.given = loss
        if isinstance(loss, (str, dict)):
            loss = keras.losses.get(loss)
        if inspect.isclass(loss):
            loss = _instance(loss)
        self.function = None
        if not isinstance(loss, keras.losses.Loss):
            if not callable(loss):
                raise TypeError(f"{loss!r} is not a loss: it cannot be called.")
            self.function = loss
            loss = _Wrapped(loss)
        if isinstance(loss, kl.WeightedSum) and loss.schedules:
            loss = loss.at_step(0)  # A schedule has no step here but its first.
        self.loss = loss

    @property
    def name(self):
        if self.function is not None:
            return getattr(self.function, "__name__", type(self.function).__name__)
        if self.of_kit:
            return repr(self.loss)
        return type(self.loss).__name__

    @property
    def kind_name(self):
        """The name of the function or class, which may tell what data it takes."""
        if self.function is not None:
            return getattr(self.function, "__name__", "")
        return type(self.loss).__name__

    @property
    def of_kit(self):
        """Whether the kit's template runs it."""
        return isinstance(self.loss, kl.Loss)

    @property
    def of_keras(self):
        """Whether it is a loss of Keras itself."""
        thing = self.function if self.function is not None else type(self.loss)
        return (getattr(thing, "__module__", "") or "").split(".")[0] == "keras"

    @property
    def weighs_itself(self):
        """Whether sample weights act inside `call`, so that a scalar is right."""
        loss = self.loss
        if not self.of_kit:
            return False
        if isinstance(loss, kl.WeightedSum):
            # Each term reduces by itself: there are no common values.
            return len(loss.terms) > 1 or any(
                Subject(term).weighs_itself for _, term in loss.terms.values()
            )
        inner = getattr(loss, "loss", None)
        if isinstance(inner, keras.losses.Loss):
            return Subject(inner).weighs_itself
        return loss.applies_weights

    def option(self, name, default=None):
        """The value of an option of the loss, wherever it is kept."""
        loss = self.loss
        if self.function is not None:
            try:
                p = inspect.signature(self.function).parameters.get(name)
            except (TypeError, ValueError):
                return default
            return default if p is None or p.default is p.empty else p.default
        if getattr(loss, name, None) is not None:
            return getattr(loss, name)
        inner = getattr(loss, "loss", None) or getattr(loss, "function", None)
        if inner is None and isinstance(loss, kl.WeightedSum):
            inner = next(iter(loss.terms.values())).loss
        if inner is None and isinstance(loss, kl.Product):
            inner = loss.factors[0]
        if inner is not None and not isinstance(loss, _Wrapped):
            return Subject(inner).option(name, default)
        with contextlib.suppress(Exception):
            return loss.get_config().get(name, default)
        return default

    def like(self, loss):
        """Another loss, called as this one is."""
        return Subject(loss)

    # --- running ---------------------------------------------------------------

    def __call__(self, y_true, y_pred, sample_weight=None):
        return ops.convert_to_tensor(self.loss(y_true, y_pred, sample_weight))

    def values(self, y_true, y_pred):
        """What `call` returns, before weights and reduction."""
        loss = self.loss
        if self.of_kit:
            if isinstance(loss, kl.WeightedSum) and len(loss.terms) > 1:
                return loss(y_true, y_pred)
            return loss.weighable(y_true, y_pred, None, None)[0]
        dtype = loss.dtype
        return ops.convert_to_tensor(
            loss.call(
                keras.tree.map_structure(lambda x: ops.cast(x, dtype), y_true),
                keras.tree.map_structure(lambda x: ops.cast(x, dtype), y_pred),
            )
        )

    def with_dtype(self, dtype):
        """A subject that computes in `dtype`; `None` where that cannot be had."""
        if self.of_kit:
            return Subject(changed_copy(self.loss, {"dtype": dtype}))
        return _Cast(self, dtype)

    def with_reduction(self, reduction):
        """A subject with another reduction; the loss itself is not touched."""
        if self.of_kit:
            return Subject(changed_copy(self.loss, {"reduction": reduction}))
        # `copy` would go through the config, which may lose arguments.
        other = object.__new__(type(self.loss))
        vars(other).update(vars(self.loss), reduction=reduction)
        return Subject(other)


class _Cast(Subject):
    """A foreign loss in another dtype: `call` on inputs of that dtype."""

    def __init__(self, subject, dtype):
        self.given, self.function, self.loss = subject.given, subject.function, subject.loss
        self.wanted = dtype

    def values(self, y_true, y_pred):
        if "int" not in keras.backend.standardize_dtype(y_true.dtype):
            y_true = ops.cast(y_true, self.wanted)
        return ops.convert_to_tensor(
            self.loss.call(y_true, ops.cast(y_pred, self.wanted))
        )
