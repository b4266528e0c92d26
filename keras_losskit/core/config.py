"""Configs by rule: a loss is its constructor's arguments, and nothing else.

Every argument of ``__init__`` is kept under its own name; from that rule the
config, the signature and the ``repr`` are derived, so that they can't drift.
"""

import inspect
import math
import weakref

import keras
import numpy as np

COMMON = ("reduction", "name", "dtype")
_EMPTY = inspect.Parameter.empty
_KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY
_VARIADIC = (
    inspect.Parameter.VAR_POSITIONAL,
    inspect.Parameter.VAR_KEYWORD,
)


def snake_case(name):
    """`MeanSquaredError` -> `mean_squared_error`, `KLDivergence` -> `kl_divergence`."""
    out = ""
    for i, c in enumerate(name):
        starts_word = c.isupper() and i and (
            not name[i - 1].isupper()
            or (i + 1 < len(name) and name[i + 1].islower())
        )
        out += ("_" if starts_word and not out.endswith("_") else "") + c.lower()
    return out


def parameters(cls):
    """The constructor's parameters, seen through ``**kwargs`` to the base.

    A class's own parameters come first and keep their kind; what it takes
    through ``**kwargs`` is looked up in the next constructor of the MRO and is
    keyword-only; `reduction`, `name`, `dtype` come last. What the class fixes is not
    its own.
    """
    found = {}
    for depth, owner in enumerate(
        [c for c in cls.__mro__ if "__init__" in vars(c) and c is not object]
    ):
        own = list(inspect.signature(owner.__init__).parameters.values())[1:]
        for p in own:
            if p.kind in _VARIADIC or p.name in found or p.name in cls.fixed:
                continue
            found[p.name] = p.replace(kind=_KEYWORD_ONLY) if depth else p
        if not any(p.kind == inspect.Parameter.VAR_KEYWORD for p in own):
            break
    common = [found.pop(name) for name in COMMON if name in found]
    common = [p.replace(kind=_KEYWORD_ONLY) for p in common]
    return sorted(found.values(), key=lambda p: p.kind) + common


_signatures = weakref.WeakKeyDictionary()


def signature(cls):
    """The signature shown for `cls`, its default name filled in."""
    if cls not in _signatures:
        shown = []
        for p in parameters(cls):
            if p.name == "name" and p.default is None:
                p = p.replace(default=cls.default_name())
            shown.append(p)
        _signatures[cls] = inspect.Signature(shown)
    return _signatures[cls]


def names(cls):
    """The names of the constructor's arguments."""
    return tuple(signature(cls).parameters)


class SignatureOf:
    """The signature of a class is its constructor's, that of an instance its call's."""

    def __init__(self, call):
        # Behind `self`.
        self.call = inspect.Signature(list(inspect.signature(call).parameters.values())[1:])

    def __get__(self, loss, cls):
        return signature(cls) if loss is None else self.call


def encode(value, where, live=None):
    """`value` as plain JSON; Keras objects become their serialized form.

    `where` names the class and argument for the message of the `TypeError`
    that anything else gets. `live`, if given, is called with what is no plain JSON, and
    returns what stands for it.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        try:
            float(value)
        except OverflowError:
            raise ValueError(f"{where} is a number larger than any reader of JSON holds.") from None
        return value
    if isinstance(value, float):
        # JSON has no infinity; the words survive any JSON library, and
        # float() reads them back.
        return value if math.isfinite(value) else str(value)
    if isinstance(value, np.generic):
        return encode(value.item(), where)
    if isinstance(value, np.ndarray):
        return encode(value.tolist(), where)
    if isinstance(value, (list, tuple)):
        return [encode(v, where, live) for v in value]
    if isinstance(value, dict):
        if not all(isinstance(k, str) for k in value):
            raise TypeError(f"{where}: the keys of a dict must be strings, got {value!r}")
        return {k: encode(v, where, live) for k, v in value.items()}
    if live is not None and not inspect.isclass(value):
        return live(value)
    if isinstance(value, slice):
        return {
            "class_name": "__slice__",
            "config": {
                "start": encode(value.start, where),
                "stop": encode(value.stop, where),
                "step": encode(value.step, where),
            },
        }
    if isinstance(value, keras.DTypePolicy):
        return value.name
    if inspect.isfunction(value):
        require_reloadable(value, where)
    elif inspect.isclass(value) or not hasattr(value, "get_config"):
        raise TypeError(
            f"{where} is {value!r}, which cannot be saved. An argument of a loss "
            "must be a number, a string, a list or dict of these, a registered "
            "function or an object with `get_config`."
        )
    return keras.saving.serialize_keras_object(value)


def decode(value):
    """The inverse of `encode`: serialized Keras objects become objects again."""
    if isinstance(value, (list, tuple)):
        return [decode(v) for v in value]
    if not isinstance(value, dict):
        return value
    if "class_name" not in value or "config" not in value:
        return {k: decode(v) for k, v in value.items()}
    if value["class_name"] == "__slice__":
        parts = value["config"]
        return slice(*(parts.get(end) for end in ("start", "stop", "step")))
    if value["class_name"] == "function":
        return keras.losses.deserialize(value)
    return keras.saving.deserialize_keras_object(value)


def require_reloadable(function, where):
    """Raise unless Keras can find `function` again when a file is loaded."""
    advice = (
        "Decorate a function of a module with `@keras_losskit.loss(package=...)` "
        "(options become arguments) or `@keras.saving.register_keras_serializable(...)`."
    )
    if function.__name__ == "<lambda>":
        raise TypeError(
            f"{where} is a lambda, which cannot be saved and loaded by name. {advice}"
        )
    if function.__closure__:
        captured = ", ".join(function.__code__.co_freevars)
        raise TypeError(
            f"{where} is `{function.__name__}`, a closure over {captured}: the captured "
            f"values would be lost on reload. Make them options. {advice}"
        )
    if is_registered(function):
        return
    raise TypeError(
        f"{where} is `{function.__name__}`, a function that is not registered with "
        f"Keras, so a saved model could not find it. {advice}"
    )


def is_registered(thing):
    """Whether Keras finds `thing` by name, its own losses included."""
    name = keras.saving.get_registered_name(thing)
    if keras.saving.get_registered_object(name) is thing:
        return True
    try:
        return keras.losses.get(thing.__name__) is thing
    except ValueError:
        return False


def shown_arguments(loss):
    """`(name, value)` for each argument that is off its default, for `repr`."""
    for p in signature(type(loss)).parameters.values():
        value = loss.argument(p.name)
        if p.name == "name" and value == snake_case(type(loss).__name__):
            continue  # Also the default of a time before a class had a `log_name`.
        if p.default is _EMPTY or not _same(value, p.default):
            yield p.name, value


def _same(a, b):
    return a is b or (type(a) is type(b) and a == b) or (
        isinstance(a, (int, float)) and isinstance(b, (int, float))
        and not isinstance(a, bool) and not isinstance(b, bool) and a == b
    ) or (isinstance(a, list) and isinstance(b, tuple) and a == list(b))
