"""Keras' own losses."""

import inspect

import keras

from tests.backends import BACKEND


def stock():
    """`(name, class, options)` of each, from logits too where it has that option."""
    for name in dir(keras.losses):
        cls = getattr(keras.losses, name)
        wrapper = inspect.isclass(cls) and "fn" in inspect.signature(cls).parameters
        if not inspect.isclass(cls) or cls is keras.losses.Loss or wrapper:
            continue
        if name == "CTC" and BACKEND == "jax":
            continue  # Half a minute to compile.
        yield name, cls, {}
        if "from_logits" in inspect.signature(cls).parameters:
            yield f"{name}-logits", cls, {"from_logits": True}
