"""Targets: pairs that fit, class ids and one-hot rows, ignored positions."""

import math

import numpy as np
from keras import ops

from keras_losskit.core.backend import visible


def compatible(a, b):
    """Whether two shapes can be equal, as far as they are known."""
    return len(a) == len(b) and all(
        m is None or n is None or m == n for m, n in zip(a, b, strict=True)
    )


def match(owner, y_true, y_pred):
    """`y_true` in the shape of `y_pred`; only a trailing axis of 1 may differ."""
    t, p = tuple(y_true.shape), tuple(y_pred.shape)
    if len(t) == len(p) + 1 and t[-1] == 1:
        y_true = ops.squeeze(y_true, axis=-1)
    elif len(p) == len(t) + 1 and p[-1] == 1:
        y_true = ops.expand_dims(y_true, axis=-1)
    if not compatible(y_true.shape, y_pred.shape):
        raise ValueError(
            f"{owner.name}: y_true of shape {t} does not fit y_pred of shape {p}. "
            "They must have the same shape, up to a trailing axis of 1. "
            + _mend(t, p)
        )
    return y_true, y_pred


def _mend(t, p):
    if len(t) + 1 == len(p) and compatible(t, p[:-1]):
        return (
            f"If y_true holds one column, let the last layer have 1 unit instead of "
            f"{p[-1]}, or select one with `loss.on(y_pred=0)`; if it holds class ids, "
            "use a classification loss."
        )
    if len(t) == len(p) and compatible(t[:-1], p[:-1]):
        return (
            f"The last axes differ ({t[-1]} and {p[-1]}): change the last layer, or "
            "select columns with `loss.on(y_pred=..., y_true=...)`."
        )
    return "Check the model's output shape against the data's."


def holds_ids(y_true, y_pred):
    """Whether `y_true` holds class ids for `y_pred (…, C)`, C > 1, by its shape.

    The same shape as `y_pred` means one-hot or soft targets; no class axis, or
    a trailing axis of 1, means ids.
    """
    t, p = tuple(y_true.shape), tuple(y_pred.shape)
    if len(p) < 2 or p[-1] == 1:
        return False
    return len(t) == len(p) - 1 or (len(t) == len(p) and t[-1] == 1)


def match_classes(owner, y_true, y_pred):
    """Class ids `(…)` as int32, or dense targets in the shape of `y_pred`.

    After this, one axis fewer than `y_pred` means ids.
    """
    t, p = tuple(y_true.shape), tuple(y_pred.shape)
    if not holds_ids(y_true, y_pred):
        return match_dense(owner, y_true, y_pred)
    if len(t) == len(p):
        y_true = ops.squeeze(y_true, axis=-1)
    if not compatible(y_true.shape, p[:-1]):
        raise ValueError(
            f"{owner.name}: y_true of shape {t} does not fit y_pred of shape {p}. "
            f"Give class ids of shape {p[:-1]}, or one-hot targets of shape {p}."
        )
    check_ids(owner, y_true, p[-1])
    return ops.cast(y_true, "int32"), y_pred


def match_dense(owner, y_true, y_pred):
    """One-hot, soft or binary targets, in the shape of `y_pred`."""
    t, p = tuple(y_true.shape), tuple(y_pred.shape)
    if p and p[-1] == 1:
        y_true, y_pred = match(owner, y_true, y_pred)
        check_ids(owner, y_true, 2, binary=True)
    elif not compatible(t, p):
        raise ValueError(
            f"{owner.name}: y_true of shape {t} does not fit y_pred of shape {p}. "
            f"Give class ids of shape {p[:-1]}, or one-hot targets of shape {p}."
        )
    return y_true, y_pred


def check_ids(owner, ids, classes, binary=False):
    """Raise for an id outside [0, classes), where the values can be seen."""
    kind = str(ids.dtype)
    whole = "int" in kind
    if binary and not whole:
        return  # Soft binary targets are no ids.
    seen = visible(ids)
    if seen is None or seen.size == 0 or "bool" in kind:
        return
    ignore = getattr(owner, "ignore_class", None)
    counted = seen if ignore is None else seen[seen != ignore]
    if not whole:
        finite = counted[np.isfinite(counted)]
        if np.any(finite != np.round(finite)):
            odd = finite[finite != np.round(finite)].flat[0]
            raise ValueError(
                f"{owner.name}: y_true of shape {tuple(ids.shape)} should hold class "
                f"ids but holds {odd}. Soft targets need the shape of y_pred."
            )
    wrong = counted[(counted < 0) | (counted >= (math.inf if classes is None else classes))]
    if wrong.size:
        raise ValueError(
            f"{owner.name}: class id {wrong.flat[0]} in y_true is outside "
            f"[0, {classes}): y_pred has {classes} classes. Mend the labels, or name "
            "the id to skip with `ignore_class`."
        )


def one_hot(ids, classes, dtype):
    """`(…)` ids -> `(…, classes)`; an id outside the range gives a row of 0."""
    return ops.cast(
        ops.expand_dims(ids, -1) == ops.arange(classes, dtype="int32"), dtype
    )


def not_ignored(y_true, y_pred, ignore_class):
    """False at the positions whose class is `ignore_class`; `None` if none is."""
    if ignore_class is None:
        return None
    if len(y_true.shape) < len(y_pred.shape):
        return y_true != ignore_class
    classes = y_pred.shape[-1]
    if classes == 1:
        return ops.squeeze(y_true, axis=-1) != ignore_class
    if not 0 <= ignore_class < classes:
        return None  # Only ids can name a class that has no column.
    row = one_hot(ops.convert_to_tensor([ignore_class], dtype="int32"), classes, y_true.dtype)
    return ops.any(y_true != row, axis=-1)


def smooth(targets, amount, classes):
    """(1 - s)·g + s/C."""
    if not amount:
        return targets
    return (1 - amount) * targets + amount / classes
