"""What the sources of losses may not call: what one backend does otherwise than the others."""

import ast
import pathlib
import re

import pytest

import keras_losskit

LOSSES = sorted((pathlib.Path(keras_losskit.__file__).parent / "losses").rglob("*.py"))

# Of `keras.ops`: what to write instead, from core/numerics.
OTHERWISE = {
    "mean": "mean: float64 is lost on JAX and torch",
    "prod": "a product written out: float64 is lost",
    "maximum": "larger or at_least: ties share their slope on some backends",
    "minimum": "smaller or at_most: ties share their slope on some backends",
    "max": "largest: of an empty batch it raises on TensorFlow",
    "min": "-largest(-x): of an empty batch it raises on TensorFlow",
    "abs": "absolute: the slope at 0 is 1 on JAX",
    "power": "power: slopes at 0, and float64",
    "logaddexp": "log_add_exp: float64 is lost",
    "arctan2": "arctan2: float64 is lost on JAX and torch",
    "matmul": "@, or rows_times: float32 on torch",
    "cond": "where: a condition on lists of unknown size ends the process under XLA",
}
# Outside of any gradient, on whole numbers, or away from 0.
FINE = {
    "boxes/distribution.py": {"abs"},
    "regression/deviance.py": {"abs"},
    "audio/base.py": {"abs"},
    "segmentation/distance.py": {"power"},
    "segmentation/distance_transform.py": {"max", "maximum", "minimum"},
    "survival/cox.py": {"maximum"},
}


def called(path):
    """Which names of `ops` a file mentions."""
    return {
        node.attr for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", None) == "ops"
    }


@pytest.mark.parametrize("path", LOSSES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_a_loss_calls_what_is_alike_on_every_backend(path):
    for name in called(path) & set(OTHERWISE):
        if name not in FINE.get(f"{path.parent.name}/{path.name}", ()):
            raise AssertionError(f"{path.name}: for `ops.{name}` write {OTHERWISE[name]}.")


def test_exceptions_are_needed():
    for where, names in FINE.items():
        (path,) = (p for p in LOSSES if p.as_posix().endswith(where))
        assert names <= called(path), where


@pytest.mark.parametrize("path", LOSSES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_a_loss_asks_for_no_backend(path):
    """What one has otherwise or faster stands in core/."""
    text = path.read_text()
    assert "config.backend()" not in text
    assert not re.search(r"^ *(import|from) (tensorflow|jax|torch)\b", text, re.MULTILINE)
