"""Save and reload: registered, plain config, every argument kept by value, a fresh process."""

import inspect
import json

import keras
import numpy as np

from keras_losskit.core import config
from keras_losskit.core.loss import Loss
from keras_losskit.doctor.checks import fresh
from keras_losskit.doctor.report import Line
from keras_losskit.doctor.running import attempt, to_numpy
from keras_losskit.doctor.source import plain_function

_CONTRACT = "A file saved with it trains on with something else after loading, or does not load."


def check(exam):
    if exam.subject.function is not None:
        _function(exam)
    else:
        _loss(exam)
    fresh.collect(exam)


def _function(exam):
    function = exam.subject.function
    plain = plain_function(function)
    line = exam.scan.sources[0].line(exam.scan.sources[0].node) if exam.scan.sources else None
    if plain is None or plain.__name__ == "__call__":
        exam.add("not-registered", "warning",
                 f"{type(function).__name__} is neither a function nor a loss of Keras",
                 _CONTRACT, "Make it a subclass of `keras_losskit.Loss`.")
    elif plain.__name__ == "<lambda>":
        exam.add("lambda", "warning", "it is a lambda, which has no name to be found by",
                 "A model saved with it fails to load (\"risk of arbitrary code execution\").",
                 "Write a `def` and decorate it with `@keras_losskit.loss(package=...)`.", line)
    elif plain.__closure__ and plain.__code__.co_freevars and "<locals>" in plain.__qualname__:
        captured = ", ".join(plain.__code__.co_freevars)
        exam.add("closure", "warning", f"it is a closure over {captured}",
                 "The captured values are saved nowhere: a loaded model cannot have them.",
                 f"Make {captured} an option: `@keras_losskit.loss(package=...)` makes options "
                 "constructor arguments and config.", line)
    elif not exam.subject.of_keras and not config.is_registered(plain) and not (
        config.is_registered(function) if hasattr(function, "__name__") else False
    ):
        exam.add("not-registered", "info",
                 f"the function `{plain.__name__}` is not registered with Keras",
                 "A saved model loads only with `custom_objects={...}`.",
                 "`@keras_losskit.loss(package=...)` registers it and gives it options.", line)
    else:
        exam.show("found by name on reload")


def _loss(exam):
    loss = exam.subject.loss
    cls = type(loss)
    plain, error = attempt(loss.get_config)
    if error is not None:
        exam.add("config-raises", "error", f"get_config raises {type(error).__name__}: {error}",
                 _CONTRACT, "Return the constructor's arguments as plain JSON.")
        return
    text, error = attempt(lambda: json.dumps(plain))
    if error is not None:
        bad = [k for k, v in plain.items() if attempt(json.dumps, v)[1] is not None]
        exam.add("config-not-json", "error",
                 f"the config's {', '.join(map(repr, bad))} cannot be written as JSON "
                 f"({type(plain[bad[0]]).__name__})" if bad else f"the config is not JSON: {error}",
                 _CONTRACT, "Use lists for arrays, and `keras.saving.serialize_keras_object` for "
                 "objects.", _method_line(cls, "get_config"))
    if not exam.subject.of_keras and not config.is_registered(cls):
        exam.add("not-registered", "warning", f"the class {cls.__name__} is not registered",
                 f"`Could not locate class '{cls.__name__}'` when a model is loaded.",
                 fresh.REGISTER, _method_line(cls, None))
    again, error = attempt(_again, loss)
    if error is not None:
        exam.add("does-not-reload", "error",
                 f"from_config(get_config()) raises {type(error).__name__}: {error}", _CONTRACT,
                 "Let `get_config` hold every argument of `__init__`, and `from_config` take it.",
                 _method_line(cls, "get_config"))
        return
    _reduction(exam, cls, plain)
    lost = _lost_now(exam, loss, again)
    lost_later = [] if exam.subject.of_kit else _lost_elsewhere(loss, {name for name, *_ in lost})
    for name, before, after in lost:
        exam.add("argument-lost", "error",
                 f"{name if name == _VALUE else f'`{name}`'} is {before!r} and comes back from "
                 f"the config as {after!r}",
                 "A saved model loads without an error and trains with the other value.",
                 _mend_lost(exam, cls, name), _method_line(cls, "get_config", "__init__"))
    for name, before, after in lost_later:
        dtype = name == "dtype"
        exam.add("dtype-lost" if dtype else "argument-lost-off-default",
                 "info" if dtype else "warning",
                 f"{name}={before!r} would come back from the config as {after!r}",
                 "Here it is at its default and harmless; set otherwise, a saved model would load "
                 "with the default, without an error.",
                 _mend_lost(exam, cls, name), _method_line(cls, "get_config", "__init__"))
    if not lost and not lost_later:
        exam.show("config carries every argument")


def _reduction(exam, cls, plain):
    """Note a `reduction` that is taken and not handed on."""
    other = "none" if plain.get("reduction") == "sum" else "sum"
    changed, error = attempt(cls.from_config, {**plain, "reduction": other})
    if error is None and getattr(changed, "reduction", other) != other:
        exam.add("reduction-ignored", "warning",
                 f"made with reduction={other!r} it has {changed.reduction!r}",
                 "It is reduced by the other, and so it is under a distribution strategy.",
                 "Hand it on: `super().__init__(name=name, reduction=reduction)`.",
                 _method_line(cls, "__init__"))


_VALUE = "the value on one batch"


def _mend_lost(exam, cls, name):
    if name == _VALUE:
        return (
            "Let the config hold everything that the value depends on; a variable or a network "
            "inside a loss is not saved with it, so let the model hold it."
        )
    if exam.subject.of_keras:
        return {
            "Huber": "Use `keras_losskit.Huber(delta=...)`.",
            "CosineSimilarity": "Use `keras_losskit.CosineSimilarity(axis=...)`.",
            "SparseCategoricalCrossentropy": "Use `keras_losskit.CategoricalCrossentropy(...)`.",
        }.get(cls.__name__, "Use the loss of that name of the kit.")
    if exam.subject.of_kit:
        return f"Keep the argument as `self.{name}`, unchanged."
    return f"Keep `self.{name}` and put it into `get_config`; `keras_losskit.Loss` does both."


def _again(loss):
    return type(loss).from_config(json.loads(json.dumps(loss.get_config())))


def _method_line(cls, *names):
    """The line of the first of a class's own methods, or of the class itself."""
    for name in names:
        thing = vars(cls).get(name) if name else cls
        try:
            file = inspect.getsourcefile(thing)
            lines, number = inspect.getsourcelines(thing)
            return Line(file, number, lines[0].rstrip())
        except (TypeError, OSError):
            continue
    return None


def state(loss):
    """What a loss holds, name by name, for comparing two."""
    found = {}
    if isinstance(loss, Loss):
        return {k: v for k, v in loss.get_config().items() if k not in ("name", "dtype")}
    for name, value in vars(loss).items():
        key = name.lstrip("_")
        if key in ("dtype", "dtype_policy", "name", "requested_dtype"):
            continue
        if key == "fn_kwargs" and isinstance(value, dict):
            found.update(value)
        elif not callable(value):
            found[key] = value
    return found


def same(a, b):
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if hasattr(a, "get_config") and hasattr(b, "get_config"):
        return type(a) is type(b) and a.get_config() == b.get_config()
    try:
        return bool(np.all(np.asarray(a) == np.asarray(b)))
    except Exception:  # noqa: BLE001
        return repr(a) == repr(b)


def _lost_now(exam, loss, again):
    before, after = state(loss), state(again)
    lost = [(k, v, after.get(k)) for k, v in before.items() if not same(v, after.get(k))]
    t, p = exam.sample.y_true, exam.sample.y_pred
    same_dtype = getattr(loss, "dtype", None) == getattr(again, "dtype", None)
    if not lost and same_dtype and not exam.scan.of("random", "python-random"):
        value, e = exam.run("value", t, p)
        other, f = exam.attempt(
            exam.subject.like(again), *map(keras.ops.convert_to_tensor, (t, p))
        )
        if e is None and f is None and len(other.shape) == 0:
            if not exam.close(value, to_numpy(other), rtol=1e-4, atol=1e-7, equal_nan=True):
                lost = [(_VALUE, float(value), float(to_numpy(other)))]
    return lost


def _lost_elsewhere(loss, known):
    """Arguments that would be lost if they were off their defaults, found by trying."""
    cls, lost = type(loss), []
    try:
        parameters = inspect.signature(cls.__init__).parameters
    except (TypeError, ValueError):
        return []
    current, error = attempt(loss.get_config)
    for name, p in list(parameters.items())[1:]:
        variadic = p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
        if variadic or name in (*known, "self", "name", "reduction"):
            continue
        for value in _other_values(name, p.default):
            def rebuilt(name=name, value=value):
                accepted = set(parameters)
                kept = {k: v for k, v in (current or {}).items()
                        if k in accepted and k not in ("name", "reduction")}
                first = cls(**{**kept, name: value})
                return first, _again(first)

            pair, error = attempt(rebuilt)
            if error is not None:
                continue
            if name == "dtype":
                if pair[0].dtype != pair[1].dtype:
                    lost.append((name, value, pair[1].dtype))
            else:
                before, after = state(pair[0]), state(pair[1])
                gone = [k for k, v in before.items() if not same(v, after.get(k))]
                if gone:
                    key = name if name in gone else gone[0]
                    lost.append((name, value, after.get(key)))
            break
    return lost


def _other_values(name, default):
    if name == "dtype":
        return ["float64"]
    if isinstance(default, bool):
        return [not default]
    if name == "axis":
        return [-2, 1]
    if isinstance(default, int):
        return [default + 1, default + 2]
    if isinstance(default, float):
        return [default * 0.5 if default else 0.1, default + 0.25]
    return []
