"""Leaving things as they were: what a loss changes while it is looked at."""

import contextlib
import functools
import random

import keras
import numpy as np

from keras_losskit.core.keras_internals import keras_generator

_PLAIN = (list, dict, set, tuple, int, float, str, bool)


@contextlib.contextmanager
def unchanged(subject, sources, draws):
    """Restore the loss's attributes, what its functions refer to, and the seeds.

    Args:
        draws: whether the loss draws random numbers, so that Keras' own
            generator has to be put back too.
    """
    loss = subject.loss
    attributes = {k: _copy(v) for k, v in vars(loss).items()}
    outside = _outside(sources)
    seeds = _Seeds(draws)
    try:
        yield
    finally:
        seeds.restore()
        vars(loss).clear()
        vars(loss).update({k: _put_back(*v) for k, v in attributes.items()})
        for bind, name, value in outside:
            bind(name, _put_back(*value))


def _copy(value):
    """`(object, copy of its contents)` of what can change in place."""
    if type(value) in (list, dict, set):
        return value, type(value)(value)
    return value, None


def _put_back(value, contents):
    if contents is not None and value != contents:
        value.clear()
        (value.extend if isinstance(value, list) else value.update)(contents)
    return value


def _outside(sources):
    """What puts back the plain data that the functions' names are bound to."""
    back = []
    for source in sources:
        names = source.function.__globals__
        for name in source.code.co_names:
            if type(names.get(name)) in _PLAIN:
                back.append((names.__setitem__, name, _copy(names[name])))
        for cell in source.function.__closure__ or ():
            with contextlib.suppress(ValueError):  # Not bound yet.
                if type(cell.cell_contents) in _PLAIN:
                    bind = functools.partial(setattr, cell)
                    back.append((bind, "cell_contents", _copy(cell.cell_contents)))
    return back


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
