"""`@loss`: a Loss class from a function."""

import inspect

import keras

from keras_losskit.core import config
from keras_losskit.core.loss import Loss
from keras_losskit.core.takes import require_takes

_TEMPLATE = ("mask", "sample_weight")


def loss(function=None, *, package="Custom", name=None, takes=None):
    """Turn `f(y_true, y_pred, *, option=default)` into a registered Loss class.

    The function returns *values*, one per sample or per position; the kit
    aligns, masks, weighs and reduces. Its options become constructor arguments
    and config. It may also take `mask` and `sample_weight`, as `Loss.call` may.

    Args:
        function: the function, when used without parentheses.
        package: your project's name; with the class name it is the key under
            which saved files find the class. Keep both as long as files exist.
        name: the registered class name; the function's own by default.
        takes: what the loss takes, a `Takes`, where it is not two tensors of one shape:
            a class id for each row, a time and an event, blocks of parameters.

    Returns:
        A subclass of `keras_losskit.Loss`, under the function's name.

    Raises:
        TypeError: for a lambda, a closure, or a signature with `*args` or
            `**kwargs`, none of which could be saved.
        ValueError: where an option's name, or the registered name, is taken.

    Example:

    >>> import keras, keras_losskit
    >>> @keras_losskit.loss(package="my_project")
    ... def shifted_mse(y_true, y_pred, shift=0.1):
    ...     return keras.ops.mean(keras.ops.square(y_true - (y_pred + shift)), axis=-1)
    >>> total = shifted_mse(shift=1.0) + 0.5 * keras_losskit.Huber(delta=0.5)
    >>> total
    shifted_mse(shift=1.0) + 0.5 * Huber(delta=0.5)
    >>> float(shifted_mse(shift=1.0)([[0.0]], [[1.0]]))    # (0 - (1 + 1))²
    4.0
    """
    if function is None:
        return lambda f: loss(f, package=package, name=name, takes=takes)
    _require_plain(function)
    require_takes("@loss", takes)
    options = _options(function)
    class_name = name or function.__name__
    registered = f"{package}>{class_name}"
    existing = keras.saving.get_registered_object(registered)
    if existing is not None and not _same_function(existing, function):
        raise ValueError(
            f"@loss: the name {registered!r} is already registered by "
            f"{existing.__module__}.{existing.__qualname__}; a saved model could mean "
            "either. Choose another `name` or `package`."
        )
    cls = _build(function, options, class_name, takes)
    return keras.saving.register_keras_serializable(package, class_name)(cls)


def _same_function(existing, function):
    """Whether a registered class was made of this function, perhaps run once more.

    A notebook runs a cell again under another file name; a script imports itself under
    another module's.
    """
    if existing.__qualname__ != function.__qualname__:
        return False
    made_of = getattr(getattr(existing, "function", None), "__code__", None)
    same_file = made_of is not None and made_of.co_filename == function.__code__.co_filename
    return existing.__module__ == function.__module__ or same_file


def _build(function, options, class_name, takes):
    def __init__(self, *args, **kwargs):
        bound = cls.__signature__.bind(*args, **kwargs)
        bound.apply_defaults()
        given = bound.arguments
        Loss.__init__(self, **{k: given[k] for k in config.COMMON})
        for option in options:
            setattr(self, option.name, given[option.name])

    __init__.__signature__ = inspect.Signature(
        [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
        + options
        + [inspect.Parameter("common", inspect.Parameter.VAR_KEYWORD)]
    )
    taken = [k for k in _TEMPLATE if k in inspect.signature(function).parameters]

    def call(self, y_true, y_pred, **given):
        chosen = {p.name: getattr(self, p.name) for p in options}
        return function(y_true, y_pred, **chosen, **given)

    call.__signature__ = inspect.Signature(
        [
            inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD)
            for n in ("self", "y_true", "y_pred", *taken)
        ]
    )
    cls = type(Loss)(
        class_name,
        (Loss,),
        {
            "__init__": __init__,
            "call": call,
            "function": staticmethod(function),
            "takes": takes,
            "__doc__": function.__doc__,
            "__module__": function.__module__,
            "__qualname__": function.__qualname__,
        },
    )
    return cls


def _require_plain(function):
    if not inspect.isfunction(function):
        raise TypeError(
            f"@loss decorates a function f(y_true, y_pred, ...). Received: {function!r}"
        )
    if function.__name__ == "<lambda>":
        raise TypeError(
            "@loss: a lambda has no name to be saved and loaded by. Write a `def`."
        )
    if function.__closure__:
        captured = ", ".join(function.__code__.co_freevars)
        raise TypeError(
            f"@loss: `{function.__name__}` is a closure over {captured}; the captured "
            "values would be lost on reload. Make them options: "
            f"def {function.__name__}(y_true, y_pred, {captured.split(',')[0]}=...)."
        )


def _options(function):
    parameters = list(inspect.signature(function).parameters.values())
    if [p.name for p in parameters[:2]] != ["y_true", "y_pred"]:
        raise TypeError(
            f"@loss: `{function.__name__}` must take y_true and y_pred first. "
            f"Received: {inspect.signature(function)}"
        )
    options = []
    for p in parameters[2:]:
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            raise TypeError(
                f"@loss: `{function.__name__}` takes {p}; name every option, so that it "
                "can be saved."
            )
        if p.name in _TEMPLATE:
            continue
        if hasattr(Loss, p.name) or p.name in (*config.COMMON, "function"):
            raise ValueError(
                f"@loss: the option `{p.name}` of `{function.__name__}` is a name that "
                "every loss already uses. Rename it."
            )
        if p.default is not p.empty:
            config.encode(p.default, f"@loss: default of option `{p.name}`")
        options.append(p)
    return options
