"""Losses from elsewhere as terms: Keras' own, registered functions, names."""

import inspect

import keras
import numpy as np
from keras import ops

from keras_losskit.core import config, targets
from keras_losskit.core.loss import Loss, register


def as_loss(identifier):
    """Turn anything that Keras accepts as a loss into a `keras_losskit.Loss`.

    So that an expression can start with it: `as_loss("mse") + 0.1 * "mae"`.

    Args:
        identifier: a loss of the kit (returned as it is), a `keras.losses.Loss`,
            a registered function `f(y_true, y_pred)`, a name such as `"mse"`, or
            the config that `keras.losses.serialize` made.

    Raises:
        TypeError: for a lambda, a closure or a function that is not registered,
            and for what is no loss.
        ValueError: for an unknown name, and for a loss whose own config loses an
            argument, so that it would reload wrong.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.as_loss("mse") + 0.5 * keras_losskit.MeanAbsoluteError()
    >>> float(loss([[0.0, 0.0]], [[1.0, 3.0]]))    # (1 + 9)/2 + 0.5·(1 + 3)/2
    6.0
    """
    loss = identifier
    if isinstance(identifier, (str, dict)):
        loss = keras.losses.get(identifier)
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, keras.losses.Loss):
        return KerasLoss(loss)
    if hasattr(loss, "__code__"):
        return FunctionLoss(loss)
    raise TypeError(
        "as_loss takes a loss, a registered function, a name or a config. "
        f"Received: {identifier!r}"
    )


@register
class KerasLoss(Loss):
    """A `keras.losses.Loss` that is not of the kit, as a term.

    It computes what the loss computes, behind the kit's checks of shapes and
    weights. Made by `as_loss` and by the operators.

    Args:
        loss: the loss. `reduction`, `name` and `dtype` are its own unless given.

    Raises:
        ValueError: where the loss's own config loses an argument.

    Example:

    >>> import keras, keras_losskit
    >>> keras_losskit.KerasLoss(keras.losses.BinaryCrossentropy(label_smoothing=0.1))
    KerasLoss(BinaryCrossentropy(label_smoothing=0.1))
    """

    def __init__(self, loss, *, reduction="inherit", name=None, dtype=None):
        if not isinstance(loss, keras.losses.Loss):
            raise TypeError(
                f"KerasLoss: `loss` must be a keras.losses.Loss. Received: loss={loss!r}"
            )
        require_lossless(loss)
        inherited = getattr(loss, "reduction", "sum_over_batch_size")
        super().__init__(
            reduction=inherited if reduction == "inherit" else reduction,
            name=name or loss.name,
            dtype=dtype or getattr(loss, "dtype", None),
        )
        self.loss = loss

    @property
    def from_logits(self):
        """As the loss says; `None` where it has no such option."""
        return getattr(self.loss, "from_logits", None)

    def prepare(self, y_true, y_pred):
        y_pred, y_true = self.cast(y_pred), ops.convert_to_tensor(y_true)
        if not targets.holds_ids(y_true, y_pred):
            return targets.match(self, self.cast(y_true), y_pred)
        if "sparse" not in type(self.loss).__name__.lower():
            # Keras would broadcast such a pair, or raise deep inside.
            return targets.match(self, self.cast(y_true), y_pred)
        return targets.match_classes(self, y_true, y_pred)

    def call(self, y_true, y_pred):
        return self.loss.call(y_true, y_pred)

    def _check_values(self, values, shape):
        # Keras' Dice and Tversky are one number for the batch.
        values = ops.convert_to_tensor(values)
        return values if len(values.shape) == 0 else super()._check_values(values, shape)

    def __repr__(self):
        defaults = inspect.signature(type(self.loss)).parameters
        arguments = ", ".join(
            f"{name}={value!r}"
            for name, value in self.loss.get_config().items()
            if name in defaults and value != defaults[name].default
        )
        return f"KerasLoss({type(self.loss).__name__}({arguments}))"


@register
class FunctionLoss(Loss):
    """A registered function `f(y_true, y_pred)` that returns values, as a term.

    Made by `as_loss` and by the operators. To give a function options, use
    `@keras_losskit.loss`.

    Args:
        function: the function, which Keras must be able to find by name.

    Raises:
        TypeError: for a lambda, a closure, or a function that is not registered.

    Example:

    >>> import keras, keras_losskit
    >>> mse = keras_losskit.FunctionLoss(keras.losses.mean_squared_error)
    >>> float(mse([[1.0, 2.0]], [[0.0, 0.0]]))
    2.5
    """

    def __init__(self, function, *, name=None, **common):
        if not hasattr(function, "__code__"):
            raise TypeError(
                f"FunctionLoss: `function` must be a function. Received: {function!r}"
            )
        config.require_reloadable(function, "FunctionLoss: argument `function`")
        super().__init__(name=name or function.__name__, **common)
        self.function = function

    def prepare(self, y_true, y_pred):
        if "sparse" in self.function.__name__:
            return targets.match_classes(
                self, ops.convert_to_tensor(y_true), self.cast(y_pred)
            )
        return super().prepare(y_true, y_pred)

    def call(self, y_true, y_pred):
        return self.function(y_true, y_pred)

    def __repr__(self):
        return f"FunctionLoss({self.function.__name__})"


# What to use instead of a loss of Keras that does not survive its own config.
_EQUIVALENTS = {
    "Huber": "keras_losskit.Huber(delta=...)",
    "CosineSimilarity": "keras_losskit.CosineSimilarity(axis=...)",
    "SparseCategoricalCrossentropy": "keras_losskit.CategoricalCrossentropy(...)",
}


def require_lossless(loss):
    """Raise unless `loss` comes back from its own config as it was."""
    try:
        again = keras.losses.deserialize(keras.losses.serialize(loss))
        if type(again) is not type(loss):
            raise TypeError("Keras does not find its class")
    except Exception as error:
        raise ValueError(
            f"{type(loss).__name__} cannot be a term: it does not survive a round trip "
            f"through its config ({error}). Register its class with "
            "`@keras.saving.register_keras_serializable(...)` and let `get_config` hold "
            "every argument of its constructor."
        ) from error
    lost = [
        f"`{name}` was {before!r} and would reload as {after!r}"
        for name, before, after in _differences(vars(loss), vars(again))
    ]
    if not lost:
        return
    mend = _EQUIVALENTS.get(type(loss).__name__)
    raise ValueError(
        f"{type(loss).__name__} cannot be a term: its config loses an argument, so a "
        f"saved model would reload wrong: {'; '.join(lost)}. "
        + (f"Use {mend}." if mend else "Let its `get_config` hold that argument.")
    )


def _differences(before, after, name=""):
    """`(name, before, after)` for every leaf of the state that differs."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            if key.lstrip("_") in ("dtype", "dtype_policy"):
                continue  # The term keeps it itself.
            yield from _differences(before.get(key), after.get(key), str(key).lstrip("_"))
    elif isinstance(before, (list, tuple)) and isinstance(after, (list, tuple)):
        if len(before) != len(after):
            yield name, before, after
        for a, b in zip(before, after, strict=False):
            yield from _differences(a, b, name)
    elif hasattr(before, "get_config") and hasattr(after, "get_config"):
        yield from _differences(before.get_config(), after.get_config(), name)
    elif isinstance(before, np.ndarray) or isinstance(after, np.ndarray):
        if not np.array_equal(before, after):
            yield name, before, after
    elif not (callable(before) and callable(after)) and before != after:
        yield name, before, after
