"""Targets: class ids and one-hot rows, ignored positions, and the range of what came."""

import math

import numpy as np
from keras import ops

from keras_losskit.core.backend import seen_by


def holds_ids(y_true, y_pred):
    """Whether `y_true` holds class ids for `y_pred (…, C)`, C > 1, by its shape.

    The same shape as `y_pred` means one-hot or soft targets; no class axis, or
    a trailing axis of 1, means ids.
    """
    t, p = tuple(y_true.shape), tuple(y_pred.shape)
    if len(p) < 2 or p[-1] == 1:
        return False
    return len(t) == len(p) - 1 or (len(t) == len(p) and t[-1] == 1)


def is_whole(x):
    """Whether a tensor holds whole numbers, by its dtype."""
    return "int" in str(x.dtype)


def check_ids(owner, ids, classes, binary=False):
    """Raise for an id outside [0, classes), where the values can be seen."""
    seen = _counted(owner, ids)
    if seen is None or seen.size == 0 or "bool" in str(ids.dtype):
        return
    if not is_whole(ids):
        finite = seen[np.isfinite(seen)]
        if np.any(finite != np.round(finite)):
            odd = finite[finite != np.round(finite)].flat[0]
            raise ValueError(
                f"{owner.name}: y_true of shape {tuple(ids.shape)} should hold class "
                f"ids but holds {odd}. Soft targets need the shape of y_pred."
            )
    wrong = seen[(seen < 0) | (seen >= (math.inf if classes is None else classes))]
    if wrong.size:
        whose = "a yes or no is 1 or 0" if binary else f"y_pred has {classes} classes"
        raise ValueError(
            f"{owner.name}: class id {wrong.flat[0]} in y_true is outside "
            f"[0, {classes}): {whose}. Mend the labels, give them a `sample_weight` of 0, or "
            "name the id to skip with `ignore_class`."
        )


def check_range(owner, y_true, low, high):
    """Raise where targets lie far outside [low, high], where the values can be seen.

    A soft target may lie a little outside (recipes add noise to labels): by half the
    width of the range, and no more than a half. A mask of 0 and 255, or a negative count,
    is refused.
    """
    if low == -math.inf and high == math.inf:
        return
    seen = _counted(owner, y_true)
    if seen is None or seen.size == 0 or seen.dtype.kind == "b":
        return
    slack = 0.5 * min(high - low, 1) if math.isfinite(high - low) else 1e-6
    if is_whole(y_true):
        slack = 0  # A whole number is no noisy label.
    least, most = seen.min(), seen.max()
    if least != least or most != most:
        known = seen[~np.isnan(seen)]
        if not known.size:
            return
        least, most = known.min(), known.max()
    if least >= low - slack and most <= high + slack:
        return
    wrong = least if least < low - slack else most
    mend = (
        "Divide a mask of 0 and 255 by 255; read labels of -1 as missing, by "
        "`ignore_class` or a `sample_weight` of 0."
        if (low, high) == (0, 1)
        else "Mend the targets, or give them a `sample_weight` of 0."
    )
    bounds = f"[{low:g}, {high:g}]" if high < math.inf else f"numbers >= {low:g}"
    raise ValueError(
        f"{owner.name}: y_true holds {wrong:g}, but it takes {bounds}. {mend}"
    )


def _counted(owner, y_true):
    """The values of `y_true` that count, as NumPy, or `None` where they can't be seen."""
    seen = seen_by(owner, y_true)
    for option in ("ignore_class", "missing"):
        out = getattr(owner, option, None)
        if seen is not None and isinstance(out, (int, float)):
            seen = seen[seen != out]
    return seen


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
