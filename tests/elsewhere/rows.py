"""The rows of the tables "elsewhere | here" in the losses' docstrings, and which test runs each."""

import inspect
import re

import numpy as np

import keras_losskit as kl
from tests.backends import BACKEND, to_numpy

EXECUTED = {}  # (the loss's name, the row): the test that runs it.
HEADER = "| elsewhere | here |"


def row(loss, text):
    """Marks a test as the one that runs a row, given word for word."""

    def mark(test):
        assert test.__name__.startswith("test_"), test.__name__
        key = loss.__name__, text
        assert key not in EXECUTED, f"two tests run {key}"
        EXECUTED[key] = test
        return test

    return mark


def tables(docstring):
    """The rows of all tables "elsewhere | here" of a docstring, without their outer bars."""
    lines = iter(inspect.cleandoc(docstring).splitlines())
    for line in lines:
        if line.strip() != HEADER:
            continue
        assert next(lines) == "|---|---|"
        for line in lines:
            if not line.startswith("|"):
                break
            cells = re.split(r"(?<!\\) ?\| ?", line)
            assert len(cells) == 4, f"not two cells: {line}"
            yield " | ".join(cells[1:3])


def documented():
    """`[(name of the exported loss, row)]`."""
    exported = [getattr(kl, name) for name in kl.__all__]
    losses = [x for x in exported if inspect.isclass(x) and issubclass(x, kl.Loss)]
    return [(loss.__name__, text) for loss in losses for text in tables(loss.__doc__ or "")]


# --- what the tests of the families share ---------------------------------------------


def number(loss, *data):
    """A loss's value or values, as NumPy."""
    if BACKEND == "jax":  # Compiled as a whole: op by op takes four times as long.
        import jax

        return to_numpy(jax.jit(lambda *data: loss(*data))(*data))
    return to_numpy(loss(*data))


def values(loss, *data):
    """Its values before the reduction."""
    return number(type(loss).from_config({**loss.get_config(), "reduction": "none"}), *data)


def close(got, expected, rtol=1e-5, atol=1e-6):
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=atol)


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def log_softmax(z):
    z = z - z.max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)
