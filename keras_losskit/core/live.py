"""Pickling by live objects, so that what a notebook defines arrives at a worker.

cloudpickle sends a class of `__main__` along, but Keras' registry stays behind: what
arrives is registered there under the name that it had here, where that name is free.
"""

import inspect

import keras


class _Sent:
    """A foreign loss or a function, as its class or itself and what remakes it."""

    def __init__(self, thing):
        self.thing = thing

    def __reduce__(self):
        thing = self.thing
        if inspect.isfunction(thing):
            return _function, (thing, _name(thing))
        return arrived, packed(type(thing), thing.get_config(), "from_config")


def sent(value):
    """What stands for a value in a pickle."""
    foreign = isinstance(value, keras.losses.Loss) and not hasattr(value, "requested_dtype")
    return _Sent(value) if foreign or inspect.isfunction(value) else value


def packed(cls, arguments, maker):
    """What `arrived` takes."""
    arguments = keras.tree.map_structure(sent, arguments) if arguments else {}
    return cls, _name(cls), arguments, maker


def arrived(cls, name, arguments, maker):
    """The loss, where the pickle is read."""
    _register(cls, name)
    return getattr(cls, maker)(arguments)


def _function(function, name):
    known = None if name is None else keras.saving.get_registered_object(name)
    if getattr(known, "__code__", None) == function.__code__:
        return known  # Sent by value, the same function arrives as another object.
    _register(function, name)
    return function


def _name(thing):
    """The name that Keras registered `thing` under, or `None`."""
    name = keras.saving.get_registered_name(thing)
    return name if keras.saving.get_registered_object(name) is thing else None


def _register(thing, name):
    if name is None or keras.saving.get_registered_object(name) is not None:
        return
    package, _, own = name.rpartition(">")
    keras.saving.register_keras_serializable(package or "Custom", own)(thing)
