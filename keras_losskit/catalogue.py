"""Every loss by its source alone: name, family, documentation; nothing is imported for it.

`python -m keras_losskit list` answers from here: to look a loss up needs no backend.
"""

import ast
import contextlib
import functools
import inspect
import os
import sys
import tempfile
from typing import NamedTuple

_HERE = os.path.dirname(os.path.abspath(__file__))


class Entry(NamedTuple):
    """A loss: its name, its family's folder, its docstring."""

    name: str
    family: str
    documentation: str


@functools.cache
def losses():
    """`{name: Entry}` of the losses that the package exports, in its order."""
    tree = _tree("__init__.py")
    modules, exported = {}, []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "keras_losskit.losses."
        ):
            modules |= {alias.name: node.module for alias in node.names}
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            exported = ast.literal_eval(node.value)
    found = {}
    for name in exported:
        if name in modules and name[0].isupper():
            path = modules[name].split(".")[1:]
            documentation = _classes(os.path.join(*path) + ".py").get(name)
            if documentation is not None:
                found[name] = Entry(name, path[1], documentation)
    return found


@functools.cache
def _classes(file):
    """`{name: docstring}` of the classes of a file."""
    return {
        node.name: inspect.cleandoc(ast.get_docstring(node) or "")
        for node in _tree(file).body if isinstance(node, ast.ClassDef)
    }


def _tree(file):
    with open(os.path.join(_HERE, file), encoding="utf-8") as source:
        return ast.parse(source.read())


def answer(arguments):
    """Run a command that needs no backend, and leave; else load Keras without its noise.

    Called while the package is imported by `python -m keras_losskit`.
    """
    if arguments[:1] in (["check"], ["show"]):
        with _quiet():
            import keras

            # Keras looks for TensorFlow where it first writes an object down, on any backend.
            keras.saving.serialize_keras_object(keras.losses.MeanSquaredError())
        return
    from keras_losskit.__main__ import main

    sys.exit(main(arguments))


@contextlib.contextmanager
def _quiet():
    """Hold back what libraries print while they load, unless they fail."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        kept, held = os.dup(2), tempfile.TemporaryFile()
    except OSError:  # No such stream here.
        yield
        return
    os.dup2(held.fileno(), 2)
    try:
        yield
    except BaseException:
        held.seek(0)
        os.write(kept, held.read())
        raise
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        held.close()
