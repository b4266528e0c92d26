"""Leaving things as they were: what a loss changes while it is looked at."""

import contextlib
import functools
import random
import types

import keras
import numpy as np

from keras_losskit.core.keras_internals import keras_generator

_PLAIN = (list, dict, set, tuple, int, float, str, bool)
_MOST = 4000  # Objects that are looked into.
_LIBRARIES = ("keras", "tensorflow", "jax", "torch", "numpy", "builtins")


class State:
    """Everything that a loss reaches and could change: what it was, and put back.

    Variables of Keras and TensorFlow, tensors of torch, arrays, the attributes of objects
    and the contents of lists, dicts and sets, wherever the loss, what its functions refer
    to, and the layers inside hold them.

    Attributes:
        moved: the names of the variables and arrays that were found changed.
        variables: `{name: variable}` of all that were met, Keras' and TensorFlow's.
        parameters: the names of torch's that are trained where an optimizer holds them.
    """

    def __init__(self, subject, sources):
        self.moved = []
        self.variables = {}
        self.parameters = []
        self._kept, self._seen, self._cells = [], set(), []
        self._moving = []
        self._visit("", subject.loss)
        if subject.function is not None:
            self._visit("", subject.function)
        for source in sources:
            self._names(source)

    # --- what is there ---------------------------------------------------------------------

    def _names(self, source):
        """What the names of a function are bound to, outside of it."""
        names = source.function.__globals__
        for name in source.code.co_names:
            if name in names and not isinstance(names[name], types.ModuleType):
                if type(names[name]) in _PLAIN:
                    self._cells.append((names.__setitem__, name, names[name]))
                self._visit(name, names[name])
        cells = source.function.__closure__ or ()
        for name, cell in zip(source.code.co_freevars, cells, strict=False):
            with contextlib.suppress(ValueError):  # Not bound yet.
                value = cell.cell_contents
                if type(value) in _PLAIN:
                    bind = functools.partial(setattr, cell)
                    self._cells.append((bind, "cell_contents", value))
                self._visit(name, value)
        for value in source.function.__defaults__ or ():
            self._visit("a default", value)

    def _visit(self, name, thing):
        if id(thing) in self._seen or len(self._seen) > _MOST:
            return
        if thing is None or isinstance(thing, (int, float, str, bool, bytes, type)):
            return
        self._seen.add(id(thing))
        if isinstance(thing, keras.Variable):
            self.variables[name or thing.name] = thing
            self._keep(_Assigned(name or thing.name, thing))
        elif _is_tf_variable(thing):
            self.variables[name or thing.name] = thing
            self._keep(_Assigned(name or thing.name, thing))
        elif isinstance(thing, np.ndarray) and thing.dtype.kind in "biufc":
            self._keep(_InPlace(name, thing))
        elif type(thing).__module__.split(".")[0] == "torch" and hasattr(thing, "detach"):
            self._keep(_Torch(name, thing))
            if type(thing).__name__ == "Parameter" and thing.requires_grad:
                self.parameters.append(name)
        elif isinstance(thing, keras.layers.Layer):
            for variable in thing.variables:
                self._visit(f"{name}.{variable.name}", variable)
        elif type(thing) in (list, tuple, set, dict):
            self._contents(name, thing)
        elif isinstance(thing, types.FunctionType):
            for cell in thing.__closure__ or ():
                with contextlib.suppress(ValueError):
                    self._visit(name, cell.cell_contents)
        elif hasattr(thing, "__dict__") and not isinstance(thing, types.ModuleType):
            self._attributes(name, thing)

    def _contents(self, name, thing):
        if type(thing) is not tuple:
            self._keep(_Contents(name, thing))
        parts = thing.items() if type(thing) is dict else enumerate(thing)
        for key, value in list(parts):
            self._visit(f"{name}[{key!r}]", value)

    def _attributes(self, name, thing):
        library = (type(thing).__module__ or "").split(".")[0] in _LIBRARIES
        loss = isinstance(thing, keras.losses.Loss)
        if library and not loss and not isinstance(thing, keras.random.SeedGenerator):
            if type(thing).__module__.startswith("torch") and hasattr(thing, "parameters"):
                with contextlib.suppress(Exception):
                    for key, value in thing.state_dict(keep_vars=True).items():
                        self._visit(f"{name}.{key}", value)
            return
        self._keep(_Attributes(name, thing))
        for key, value in list(vars(thing).items()):
            self._visit(f"{name}.{key}" if name else key, value)

    def _keep(self, kept):
        self._kept.append(kept)

    # --- and put back -----------------------------------------------------------------------

    def settle(self):
        """Put back what is known to move. Cheap; for after each run."""
        for kept in self._moving:
            with contextlib.suppress(Exception):
                kept.put_back()

    def restore(self):
        """Put everything back, and note what had moved."""
        for kept in self._kept:
            with contextlib.suppress(Exception):
                if kept.changed():
                    if kept.holds_numbers and kept.name not in self.moved:
                        self.moved.append(kept.name)
                    if kept not in self._moving:
                        self._moving.append(kept)
                    kept.put_back()
        for bind, name, value in self._cells:
            bind(name, value)


def _is_tf_variable(thing):
    return type(thing).__module__.startswith("tensorflow") and hasattr(thing, "assign")


class _Kept:
    """One thing, as it was."""

    holds_numbers = True

    def __init__(self, name, thing):
        self.name, self.thing = name, thing
        self.was = self.copy()


class _Assigned(_Kept):
    """A variable: its numbers are assigned back."""

    def copy(self):
        value = getattr(self.thing, "value", self.thing)
        value = value() if callable(value) else value
        return np.array(keras.ops.convert_to_numpy(value))

    def changed(self):
        try:
            return not np.array_equal(self.copy(), self.was, equal_nan=self.was.dtype.kind == "f")
        except Exception:  # noqa: BLE001  It holds the symbol of a trace.
            return True

    def put_back(self):
        self.thing.assign(self.was)


class _InPlace(_Kept):
    """An array that something may write into."""

    def copy(self):
        return self.thing.copy()

    def changed(self):
        return not np.array_equal(self.thing, self.was, equal_nan=self.was.dtype.kind == "f")

    def put_back(self):
        self.thing[...] = self.was


class _Torch(_Kept):
    """A tensor or parameter of torch."""

    def copy(self):
        return self.thing.detach().clone()

    def changed(self):
        import torch

        return not torch.equal(self.thing.detach(), self.was)

    def put_back(self):
        import torch

        with torch.no_grad():
            self.thing.copy_(self.was)


class _Contents(_Kept):
    """A list, dict or set: what is in it, by identity."""

    holds_numbers = False

    def copy(self):
        return type(self.thing)(self.thing)

    def changed(self):
        now, was = self.thing, self.was
        if len(now) != len(was):
            return True
        if isinstance(now, dict):
            return any(k not in now or now[k] is not v for k, v in was.items())
        if isinstance(now, set):
            return now != was
        return any(a is not b for a, b in zip(now, was, strict=True))

    def put_back(self):
        self.thing.clear()
        (self.thing.extend if isinstance(self.thing, list) else self.thing.update)(self.was)


class _Attributes(_Kept):
    """The attributes of an object."""

    holds_numbers = False

    def copy(self):
        return dict(vars(self.thing))

    def changed(self):
        now = vars(self.thing)
        return now.keys() != self.was.keys() or any(now[k] is not v for k, v in self.was.items())

    def put_back(self):
        now = vars(self.thing)
        for key in [k for k in now if k not in self.was]:
            del now[key]
        now.update(self.was)


@contextlib.contextmanager
def unchanged(subject, sources, draws):
    """A `State`; in the end everything is as it was, the seeds too.

    Args:
        draws: whether the loss draws random numbers, so that Keras' own
            generator has to be put back too.
    """
    state = State(subject, sources)
    seeds = _Seeds(draws)
    try:
        yield state
    finally:
        seeds.restore()
        state.restore()


class _Seeds:
    """The state of every generator that a loss could draw from."""

    def __init__(self, draws):
        self.python, self.numpy = random.getstate(), np.random.get_state()
        self.keras = keras_generator() if draws else None
        self.keras_state = None
        if self.keras is not None:
            self.keras_state = np.array(keras.ops.convert_to_numpy(self.keras[1]))
        self.torch = None
        if keras.config.backend() == "torch":
            import torch

            self.torch = torch.get_rng_state()

    def restore(self):
        random.setstate(self.python)
        np.random.set_state(self.numpy)
        if self.keras is not None:
            self.keras[0].state.assign(self.keras_state)
        if self.torch is not None:
            import torch

            torch.set_rng_state(self.torch)
