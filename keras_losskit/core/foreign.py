"""Losses from elsewhere as terms: Keras' own, registered functions, names."""

import inspect

import keras
import numpy as np
from keras import ops

from keras_losskit.core import config, shapes
from keras_losskit.core.loss import Loss, register
from keras_losskit.core.options import call_it
from keras_losskit.core.reduction import INHERIT
from keras_losskit.core.takes import Takes, require_takes


def as_loss(identifier, takes=None):
    """Turn anything that Keras accepts as a loss into a `keras_losskit.Loss`.

    So that an expression can start with it: `as_loss("mse") + 0.1 * "mae"`.

    Args:
        identifier: a loss of the kit (returned as it is), a `keras.losses.Loss`,
            a registered function `f(y_true, y_pred)`, a name such as `"mse"`, or
            the config that `keras.losses.serialize` made.
        takes: what it takes, a `Takes`, for one that is not of the kit. Keras' own are
            known; any other is handed what Keras would hand it.

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
    require_takes("as_loss", takes)
    loss = identifier
    if isinstance(identifier, (str, dict)):
        loss = keras.losses.get(identifier)
    if isinstance(loss, Loss):
        if takes is not None:
            raise ValueError(f"as_loss: {loss!r} says itself what it takes; leave `takes` out.")
        return loss
    if isinstance(loss, keras.losses.Loss):
        return KerasLoss(loss, takes=takes)
    if hasattr(loss, "__code__"):
        return FunctionLoss(loss, takes=takes)
    if isinstance(loss, type) and issubclass(loss, keras.losses.Loss):
        raise TypeError(call_it(loss, "and give that"))
    raise TypeError(
        "as_loss takes a loss, a registered function, a name or a config. "
        f"Received: {identifier!r}"
    )


class ForeignLoss(Loss):
    """Base of losses that call one that was not written for the kit.

    It is handed what Keras would hand it, and refused nothing that it may compute
    rightly: shapes are checked where it is known, or declared, what it takes.
    """

    def _declare(self, takes, name):
        """Keep what the loss takes: as its user says, or as Keras' losses are known to."""
        self.declared = require_takes(type(self).__name__, takes)
        self.takes = OF_KERAS.get(name) if takes is None and self._of_keras else takes

    @property
    def _of_keras(self):
        return (self.foreign.__module__ or "").split(".")[0] == "keras"

    @property
    def foreign(self):
        """The class or function that was not written for the kit."""
        raise NotImplementedError

    def argument(self, name):
        return self.declared if name == "takes" else super().argument(name)

    def prepare(self, y_true, y_pred):
        if self.takes is not None:
            return super().prepare(y_true, y_pred)
        y_true, y_pred = keras.tree.map_structure(self.cast, (y_true, y_pred))
        if keras.tree.is_nested(y_true) or keras.tree.is_nested(y_pred):
            return y_true, y_pred
        # As Keras, which lets a trailing axis of 1 come or go: (B,) never meets (B, 1).
        return shapes.align(y_true, y_pred)

    def call(self, y_true, y_pred):
        values = ops.convert_to_tensor(self.compute(y_true, y_pred))
        alone = not keras.tree.is_nested(y_true) and not keras.tree.is_nested(y_pred)
        if not len(values.shape) and alone and len(y_true.shape) == len(y_pred.shape) == 1:
            # A mean over the last axis, which is the batch's here: one column each.
            y_true, y_pred = ops.expand_dims(y_true, -1), ops.expand_dims(y_pred, -1)
            values = self.compute(y_true, y_pred)
        return values

    def compute(self, y_true, y_pred):
        """What the foreign loss itself returns."""
        raise NotImplementedError

    def _check_values(self, values, shape):
        # Keras' Dice and Tversky, classes and functions, are one number for the batch.
        values = ops.convert_to_tensor(values)
        if len(values.shape) == 0 and (self._of_keras or inspect.isclass(self.foreign)):
            return values
        return super()._check_values(values, shape)


@register
class KerasLoss(ForeignLoss):
    """A `keras.losses.Loss` that is not of the kit, as a term.

    It computes what the loss computes, behind the kit's checks of shapes and
    weights. Made by `as_loss` and by the operators.

    Args:
        loss: the loss. `reduction`, `name` and `dtype` are its own unless given.
        takes: what it takes, a `Takes`; known of Keras' own losses.

    Raises:
        ValueError: where the loss's own config loses an argument.

    Example:

    >>> import keras, keras_losskit
    >>> keras_losskit.KerasLoss(keras.losses.BinaryCrossentropy(label_smoothing=0.1))
    KerasLoss(BinaryCrossentropy(label_smoothing=0.1))
    """

    def __init__(self, loss, takes=None, *, reduction=INHERIT, name=None, dtype=None):
        if not isinstance(loss, keras.losses.Loss):
            raise TypeError(
                f"KerasLoss: `loss` must be a keras.losses.Loss. Received: loss={loss!r}"
            )
        require_lossless(loss)
        inherited = getattr(loss, "reduction", "sum_over_batch_size")
        super().__init__(
            reduction=inherited if isinstance(reduction, str) and reduction == INHERIT
            else reduction,
            name=loss.name if name is None else name,
            dtype=getattr(loss, "dtype", None) if dtype is None else dtype,
        )
        self.loss = loss
        self._declare(takes, config.snake_case(type(loss).__name__))

    @property
    def foreign(self):
        return type(self.loss)

    @property
    def from_logits(self):
        """As the loss says; `None` where it has no such option."""
        return getattr(self.loss, "from_logits", None)

    def compute(self, y_true, y_pred):
        return self.loss.call(y_true, y_pred)

    def __repr__(self):
        defaults = inspect.signature(type(self.loss)).parameters
        arguments = ", ".join(
            f"{name}={value!r}"
            for name, value in self.loss.get_config().items()
            if name in defaults and value != defaults[name].default
        )
        return f"KerasLoss({type(self.loss).__name__}({arguments}))"


@register
class FunctionLoss(ForeignLoss):
    """A registered function `f(y_true, y_pred)` that returns values, as a term.

    Made by `as_loss` and by the operators. To give a function options, use
    `@keras_losskit.loss`.

    Args:
        function: the function, which Keras must be able to find by name.
        takes: what it takes, a `Takes`; known of Keras' own functions.

    Raises:
        TypeError: for a lambda, a closure, or a function that is not registered.

    Example:

    >>> import keras, keras_losskit
    >>> mse = keras_losskit.FunctionLoss(keras.losses.mean_squared_error)
    >>> float(mse([[1.0, 2.0]], [[0.0, 0.0]]))
    2.5
    """

    def __init__(self, function, takes=None, *, name=None, **common):
        if not hasattr(function, "__code__"):
            raise TypeError(
                f"FunctionLoss: `function` must be a function. Received: {function!r}"
            )
        config.require_reloadable(function, "FunctionLoss: argument `function`")
        super().__init__(name=function.__name__ if name is None else name, **common)
        self.function = function
        self._declare(takes, function.__name__)

    @property
    def foreign(self):
        return self.function

    def compute(self, y_true, y_pred):
        return self.function(y_true, y_pred)

    def __repr__(self):
        return f"FunctionLoss({self.function.__name__})"


def _known(y_true, y_pred, shapes="equal", **more):
    # Any range: Keras checks none, and computes what it is given.
    return Takes(y_true, y_pred, shapes, y_true_range=(None, None), **more)


# What Keras' own losses take. Without their shapes, Keras would broadcast a pair.
OF_KERAS = {
    "binary_crossentropy": _known("probability", "probabilities"),
    "binary_focal_crossentropy": _known("probability", "probabilities"),
    "categorical_crossentropy": _known("classes", "probabilities"),
    "categorical_focal_crossentropy": _known("classes", "probabilities"),
    "categorical_generalized_cross_entropy": _known("classes", "probabilities", "classes"),
    "categorical_hinge": _known("classes", "scores"),
    "circle": _known("ids", "embeddings", "embeddings", in_batch=True),
    "cosine_similarity": _known("real", "real"),
    "ctc": _known("any", "logits", "free"),
    "dice": _known("classes", "probabilities"),
    "hinge": _known("signs", "scores"),
    "huber": _known("real", "real"),
    "kl_divergence": _known("classes", "probabilities"),
    "log_cosh": _known("real", "real"),
    "mean_absolute_error": _known("real", "real"),
    "mean_absolute_percentage_error": _known("real", "real"),
    "mean_squared_error": _known("real", "real"),
    "mean_squared_logarithmic_error": _known("nonnegative", "nonnegative"),
    "poisson": _known("counts", "positive"),
    "sparse_categorical_crossentropy": _known("classes", "probabilities", "classes"),
    "squared_hinge": _known("signs", "scores"),
    "tversky": _known("classes", "probabilities"),
}


# What to use instead of a loss of Keras that does not survive its own config.
_EQUIVALENTS = {
    "Huber": "keras_losskit.Huber(delta=...)",
    "CosineSimilarity": "keras_losskit.CosineSimilarity(axis=...)",
    "SparseCategoricalCrossentropy": "keras_losskit.CategoricalCrossentropy(...)",
    "CategoricalGeneralizedCrossEntropy": "keras_losskit.GeneralizedCrossentropy(q=...)",
}


def require_lossless(loss):
    """Raise unless `loss` comes back from its own config as it was."""
    mend = _EQUIVALENTS.get(type(loss).__name__)
    try:
        again = keras.losses.deserialize(keras.losses.serialize(loss))
        if type(again) is not type(loss):
            raise TypeError("Keras does not find its class")
    except Exception as error:
        raise ValueError(
            f"{type(loss).__name__} cannot be a term: it does not survive a round trip "
            f"through its config ({error}). "
            + (
                f"Use {mend}." if mend else
                "Register its class with `@keras.saving.register_keras_serializable(...)` and "
                "let `get_config` hold every argument of its constructor."
            )
        ) from error
    held = [
        name for name, value in vars(loss).items()
        if any(isinstance(x, keras.layers.Layer) for x in keras.tree.flatten(value))
    ]
    if held:
        raise ValueError(
            f"{type(loss).__name__} cannot be a term: `{held[0]}` is a network, whose weights "
            "a config cannot hold; a copy or a reloaded model would silently have others. Let "
            "the model hold it, and hand its outputs to the loss, as `AddLoss` does."
        )
    lost = [
        f"`{name}` was {before!r} and would reload as {after!r}"
        for name, before, after in _differences(vars(loss), vars(again))
    ]
    if not lost:
        return
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
