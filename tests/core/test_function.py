"""`@loss`: a Loss class from a function."""

import copy
import inspect
import pickle

import keras
import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from tests.backends import to_numpy


@kl.loss(package="test_function")
def shifted(y_true, y_pred, scale, *, shift=0.1, powers=(1, 2)):
    """A docstring that stays."""
    d = y_true - (y_pred + shift)
    return scale * ops.mean(sum(d**p for p in powers), axis=-1)


@kl.loss
def bare(y_true, y_pred):
    return ops.square(y_true - y_pred)


@kl.loss(package="test_function")
def masked_mean(y_true, y_pred, mask=None):
    """One value per sample: the mean over the positions that exist."""
    d = ops.mean(ops.square(y_true - y_pred), axis=-1)
    if mask is None:
        return ops.mean(d, axis=1)
    m = ops.cast(mask, d.dtype)
    return ops.sum(d * m, axis=1) / ops.sum(m, axis=1)


def test_options_are_arguments_and_config():
    y, p = np.ones((3, 2)), np.zeros((3, 2))
    loss = shifted(2.0, shift=0.5, reduction="sum")
    assert list(inspect.signature(shifted).parameters) == [
        "scale", "shift", "powers", "reduction", "name", "dtype",
    ]
    np.testing.assert_allclose(to_numpy(loss(y, p)), 3 * 2 * (0.5 + 0.25))
    assert loss.get_config() == {
        "scale": 2.0, "shift": 0.5, "powers": [1, 2], "reduction": "sum", "name": "shifted",
        "dtype": None,
    }
    assert repr(loss) == "shifted(scale=2.0, shift=0.5, reduction='sum')"
    assert shifted.__doc__ == "A docstring that stays." and issubclass(shifted, kl.Loss)
    assert keras.saving.get_registered_object("test_function>shifted") is shifted
    assert keras.saving.get_registered_object("Custom>bare") is bare
    for other in (
        keras.losses.deserialize(keras.losses.serialize(loss)),
        pickle.loads(pickle.dumps(loss)),
        copy.deepcopy(loss),
    ):
        np.testing.assert_array_equal(to_numpy(other(y, p)), to_numpy(loss(y, p)))
    for wrong in ({}, {"scale": 1, "sift": 2}):
        with pytest.raises(TypeError, match="scale|sift"):
            shifted(**wrong)


def test_values_may_be_elements():
    y, p = np.zeros((2, 3)), np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
    assert to_numpy(bare(reduction="none")(y, p)).shape == (2, 3)
    np.testing.assert_allclose(to_numpy(bare()(y, p, np.array([3.0, 1.0]))), 3 * 14 / 6)


def test_the_mask_reaches_a_hook_that_asks_for_it():
    y, p = np.zeros((2, 3, 1), "float32"), np.arange(6, dtype="float32").reshape(2, 3, 1)
    p[0, 2] = np.nan
    q = ops.convert_to_tensor(p)
    q._keras_mask = ops.convert_to_tensor(np.array([[1, 1, 0], [1, 1, 1]], bool))
    expected = [(0 + 1) / 2, (9 + 16 + 25) / 3]
    got = to_numpy(masked_mean(reduction="none")(y, q))
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    assert "mask" not in inspect.signature(masked_mean).parameters


def test_a_scalar_is_refused_with_the_reason():
    @kl.loss(package="test_function")
    def averaged(y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred))

    with pytest.raises(ValueError, match="averaged.*scalar.*axis=-1"):
        averaged()(np.zeros((2, 1)), np.zeros((2, 1)))

    @kl.loss(package="test_function")
    def transposed(y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred), axis=0)

    with pytest.raises(ValueError, match="batch axis"):
        transposed()(np.zeros((2, 3)), np.zeros((2, 3)))


def test_functions_that_could_not_be_saved_are_refused():
    factor = 3

    def closure(y_true, y_pred):
        return factor * y_pred

    def variadic(y_true, y_pred, **options):
        return y_pred

    def positional(y_true, y_pred, *options):
        return y_pred

    def other_names(a, b):
        return a

    def taken(y_true, y_pred, reduction="sum"):
        return y_pred

    def method(y_true, y_pred, call=1):
        return y_pred

    def unsaveable(y_true, y_pred, option=object()):  # noqa: B008
        return y_pred

    for function, kind, words in (
        (lambda y_true, y_pred: y_pred, TypeError, "lambda"),
        (closure, TypeError, "closure over factor"),
        (variadic, TypeError, r"\*\*options"),
        (positional, TypeError, r"\*options"),
        (other_names, TypeError, "y_true and y_pred first"),
        (taken, ValueError, "reduction"),
        (method, ValueError, "call"),
        (unsaveable, TypeError, "option"),
        (3, TypeError, "decorates a function"),
    ):
        with pytest.raises(kind, match=words):
            kl.loss(package="test_function")(function)
    for name in ("variadic", "positional", "taken", "method", "unsaveable", "closure"):
        assert keras.saving.get_registered_object(f"test_function>{name}") is None


def test_a_name_is_registered_once():
    def other(y_true, y_pred):
        return y_pred

    with pytest.raises(ValueError, match="test_function>shifted.*already registered"):
        kl.loss(package="test_function", name="shifted")(other)
    assert keras.saving.get_registered_object("test_function>shifted") is shifted
    named = kl.loss(package="test_function", name="renamed")(other)
    assert keras.saving.get_registered_object("test_function>renamed") is named
    # The same definition again, as in a notebook's cell or a reloaded module.
    again = kl.loss(package="test_function", name="renamed")(other)
    assert keras.saving.get_registered_object("test_function>renamed") is again
