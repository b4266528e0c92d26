"""Range checks for constructor arguments; they return the value, made plain.

Each check is written so that NaN fails it, and says in its message whose
argument it is, what is allowed, and what came.
"""

import math
import numbers

import numpy as np


def _refuse(owner, name, rule, value, kind=ValueError):
    who = owner if isinstance(owner, str) else type(owner).__name__  # A function's name.
    raise kind(f"{who}: `{name}` must be {rule}. Received: {name}={value!r}")


def _plain(owner, name, value, rule):
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        _refuse(owner, name, rule, value, TypeError)
    return value


def real(
    owner, name, value, *, above=None, at_least=None, below=None, at_most=None
):
    """A finite number within the given bounds."""
    bounds = [
        f"{sign} {bound}"
        for sign, bound in (
            (">", above),
            (">=", at_least),
            ("<", below),
            ("<=", at_most),
        )
        if bound is not None
    ]
    rule = "a finite number" + (" " + " and ".join(bounds) if bounds else "")
    value = _plain(owner, name, value, rule)
    if (
        not _finite(value)
        or (above is not None and not value > above)
        or (at_least is not None and not value >= at_least)
        or (below is not None and not value < below)
        or (at_most is not None and not value <= at_most)
    ):
        _refuse(owner, name, rule, value)
    return value


def _finite(value):
    try:
        return math.isfinite(value)
    except OverflowError:  # A whole number that no float holds.
        return False


def optional_real(owner, name, value, **bounds):
    """Like `real`, or `None`."""
    return None if value is None else real(owner, name, value, **bounds)


def integer(owner, name, value, *, at_least=None):
    """A whole number; one that comes as a float is taken for what it is."""
    rule = "an integer" + ("" if at_least is None else f" >= {at_least}")
    value = _plain(owner, name, value, rule)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # R sends 8.0 for 8.
    if not isinstance(value, numbers.Integral):
        _refuse(owner, name, rule, value, TypeError)
    if at_least is not None and not value >= at_least:
        _refuse(owner, name, rule, value)
    return int(value)


def optional_integer(owner, name, value, **bounds):
    """Like `integer`, or `None`."""
    return None if value is None else integer(owner, name, value, **bounds)


def flag(owner, name, value):
    """`True` or `False`, nothing that merely looks like it."""
    if isinstance(value, np.bool_):
        value = bool(value)
    if not isinstance(value, bool):
        _refuse(owner, name, "True or False", value, TypeError)
    return value


def choice(owner, name, value, allowed):
    """One of a few words."""
    if not any(value is a or (type(value) is type(a) and value == a) for a in allowed):
        words = ", ".join(repr(a) for a in allowed)
        _refuse(owner, name, f"one of {words}", value)
    return value


def marker(owner, name, value):
    """What marks an entry: a finite number, or a word where one would not equal itself."""
    if value is None or (isinstance(value, str) and value == "nan"):
        return value
    rule = '"nan", a finite number, or None'
    number = value.item() if isinstance(value, np.generic) else value
    real = isinstance(number, numbers.Real) and not isinstance(number, bool)
    if not real or not math.isfinite(number):
        _refuse(owner, name, rule, value)
    return number


def sequence(owner, name, value, **bounds):
    """A flat, non-empty sequence of numbers, as a list."""
    if isinstance(value, np.ndarray) and value.ndim == 1:
        value = value.tolist()
    if isinstance(value, (str, bytes)) or not isinstance(value, (list, tuple)):
        _refuse(owner, name, "a flat sequence of numbers", value, TypeError)
    if not value:
        _refuse(owner, name, "a non-empty sequence of numbers", value)
    return [
        real(owner, f"{name}[{i}]", item, **bounds)
        for i, item in enumerate(value)
    ]


def weights(owner, name, value):
    """A sequence of weights >= 0, not all of them zero, or `None`."""
    if value is None:
        return None
    value = sequence(owner, name, value, at_least=0)
    if not any(value):
        _refuse(owner, name, "weights of which at least one is > 0", value)
    return value


def fits_axis(owner, name, value, size):
    """Raise unless the list `value` has one entry for each of `size` columns."""
    if value is not None and size is not None and len(value) != size:
        raise ValueError(
            f"{type(owner).__name__}: `{name}` has {len(value)} entries, but the "
            f"last axis of y_pred has {size}. Give one entry per column."
        )
