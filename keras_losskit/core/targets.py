"""Targets: class ids and one-hot rows, ignored positions, and the range of what came."""

import math

import numpy as np
from keras import ops

from keras_losskit.core.backend import ends_of, seen_by, visible


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


# --- what the targets hold -------------------------------------------------------------


def check(owner, takes, y_true, y_pred, present):
    """Raise for targets outside what a loss takes, where the values can be seen.

    `present` is False for what does not count: masked, ignored, missing, of weight 0.
    """
    ids = takes.shapes in ("classes", "maps") and holds_ids(y_true, y_pred)
    ids = ids or (takes.shapes == "decisions" and is_bare(y_true, y_pred))
    ranks = takes.shapes == "levels" and holds_ranks(y_true, y_pred)
    whole_bits = is_whole(y_true) and takes.range == (0, 1)
    low, high = takes.range
    if takes.shapes == "bins" and y_pred.shape[-1] is not None:
        # Outside of the bins they are clipped, as detectors do; far outside they are wrong.
        last = y_pred.shape[-1] - 1
        low, high = -last, 2 * last
    free = low == -math.inf and high == math.inf
    if "bool" in str(y_true.dtype) or (free and not ids and not ranks):
        return
    seen = counted(owner, y_true, present)
    if seen is None or not seen.size:
        return
    if ids or ranks or whole_bits:
        classes = owner.classes_of(y_pred) if ids or ranks else 2
        _check_ids(owner, y_true, seen, classes, binary=whole_bits and not (ids or ranks))
    else:
        _check_range(owner, seen, low, high)


def is_bare(y_true, y_pred):
    """Whether whole ids `(…)` stand for one column of several each."""
    bare = len(y_pred.shape) > 1 and len(y_true.shape) == len(y_pred.shape) - 1
    return bare and y_pred.shape[-1] != 1 and is_whole(y_true)


def holds_ranks(y_true, y_pred):
    """Whether `y_true` holds ranks for the levels of `y_pred`, not rows."""
    return len(y_true.shape) < len(y_pred.shape) or y_true.shape[-1] == 1


def counted(owner, y_true, present):
    """The values of `y_true` that count, as NumPy, or `None` where they can't be seen."""
    seen = seen_by(owner, y_true)
    if seen is None or present is None:
        return seen
    present = visible(present)
    if present is None:
        return None
    while present.ndim > seen.ndim and present.shape[-1] == 1:
        present = present[..., 0]
    if present.ndim > seen.ndim:  # Ids, of rows of which some entries do not count.
        present = present.any(axis=tuple(range(seen.ndim, present.ndim)))
    present = present.reshape(present.shape + (1,) * (seen.ndim - present.ndim))
    return seen[np.broadcast_to(present, seen.shape)]


def _check_ids(owner, y_true, seen, classes, binary):
    if not is_whole(y_true):
        finite = seen[np.isfinite(seen)]
        if np.any(finite != np.round(finite)):
            odd = finite[finite != np.round(finite)].flat[0]
            raise ValueError(
                f"{owner.name}: y_true of shape {tuple(y_true.shape)} should hold class "
                f"ids but holds {odd}. Soft targets need the shape of y_pred."
            )
    least, most = ends_of(seen)
    end = math.inf if classes is None else classes
    if least >= 0 and most < end:
        return
    wrong = seen[(seen < 0) | (seen >= end)]
    if wrong.size:  # A NaN is none.
        whose = "a yes or no is 1 or 0" if binary else f"y_pred has {classes} classes"
        raise ValueError(
            f"{owner.name}: class id {wrong.flat[0]} in y_true is outside "
            f"[0, {classes}): {whose}. Mend the labels, give them a `sample_weight` of 0, or "
            "name the id to skip with `ignore_class`."
        )


def _check_range(owner, seen, low, high):
    """Raise where targets lie far outside [low, high].

    A soft target may lie a little outside (recipes add noise to labels): by half the
    width of the range, and no more than a half. A mask of 0 and 255, or a negative count,
    is refused.
    """
    slack = 0.5 * min(high - low, 1) if math.isfinite(high - low) else 1e-6
    if seen.dtype.kind in "iu":
        slack = 0  # A whole number is no noisy label.
    least, most = ends_of(seen)
    if least != least or most != most:
        known = seen[~np.isnan(seen)]
        if not known.size:
            return
        least, most = ends_of(known)
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
