"""How the shapes of targets and predictions belong together: one rule for each word.

A rule takes the loss, its declaration, and both tensors; it casts them, lets a trailing
axis of 1 go or come where that is meant, and raises where they do not fit. Nothing is
ever broadcast. What the targets hold is looked at later, in targets.py.
"""

from keras import ops

from keras_losskit.core import targets
from keras_losskit.core.takes import Takes


def fit(owner, takes, y_true, y_pred):
    """Both tensors, as `takes.shapes` says."""
    return RULES[takes.shapes](owner, takes, y_true, y_pred)


def compatible(a, b):
    """Whether two shapes can be equal, as far as they are known."""
    return len(a) == len(b) and all(
        m is None or n is None or m == n for m, n in zip(a, b, strict=True)
    )


def refuse(owner, y_true, y_pred, said):
    """Raise with both shapes, and what was wanted."""
    raise ValueError(
        f"{owner.name}: y_true of shape {tuple(y_true.shape)} does not fit y_pred of shape "
        f"{tuple(y_pred.shape)}. {said}"
    )


# --- pairs of one shape ----------------------------------------------------------------


def equal(owner, takes, y_true, y_pred):
    """One shape; only a trailing axis of 1 may differ."""
    return match(owner, owner.cast(y_true), owner.cast(y_pred))


def decisions(owner, takes, y_true, y_pred):
    """As `equal`; whole ids `(…)` of D > 1 columns stay ids, one axis fewer than `y_pred`."""
    y_pred = owner.cast(y_pred)
    if targets.is_bare(y_true, y_pred):
        return ids_of_classes(owner, y_true, y_pred)
    return equal(owner, takes, y_true, y_pred)


def match(owner, y_true, y_pred):
    """`y_true` in the shape of `y_pred`; only a trailing axis of 1 may differ."""
    given, (y_true, y_pred) = y_true, align(y_true, y_pred)
    if not compatible(y_true.shape, y_pred.shape):
        t, p = tuple(given.shape), tuple(y_pred.shape)
        said = (
            "They must have the same shape, up to a trailing axis of 1. " + _mend(t, p)
        )
        if getattr(owner, "takes", None) is None:
            said += (
                " If the loss takes pairs of unlike shapes, declare it: the class attribute "
                '`takes = keras_losskit.Takes("any", "any", shapes="free")`, '
                "`@keras_losskit.loss(takes=...)` or `as_loss(..., takes=...)`."
            )
        refuse(owner, given, y_pred, said)
    return y_true, y_pred


def align(y_true, y_pred):
    """`y_true` with a trailing axis of 1 squeezed or added where that is the difference."""
    t, p = tuple(y_true.shape), tuple(y_pred.shape)
    if len(t) == len(p) + 1 and t[-1] == 1:
        return ops.squeeze(y_true, axis=-1), y_pred
    if len(p) == len(t) + 1 and p[-1] == 1:
        return ops.expand_dims(y_true, axis=-1), y_pred
    return y_true, y_pred


def _mend(t, p):
    if len(t) + 1 == len(p) and compatible(t, p[:-1]):
        return (
            f"If y_true holds one column, let the last layer have 1 unit instead of "
            f"{p[-1]}, or select one with `loss.on(y_pred=0)`; if it holds class ids, "
            "use a classification loss."
        )
    if len(t) == len(p) and compatible(t[:-1], p[:-1]):
        ids = " Class ids come without that axis, `ops.squeeze(y_true, -1)`." * (t[-1] == 1)
        return (
            f"The last axes differ ({t[-1]} and {p[-1]}): change the last layer, or "
            f"select columns with `loss.on(y_pred=..., y_true=...)`.{ids}"
        )
    return "Check the model's output shape against the data's."


# --- classes ---------------------------------------------------------------------------


def classes(owner, takes, y_true, y_pred):
    """Class ids `(…)` as int32, or dense targets in the shape of `y_pred`.

    After this, one axis fewer than `y_pred` means ids.
    """
    y_pred = owner.cast(y_pred)
    if targets.holds_ids(y_true, y_pred):
        return ids_of_classes(owner, y_true, y_pred)
    if len(y_pred.shape) < 2 or y_pred.shape[-1] == 1:
        return equal(owner, takes, y_true, y_pred)
    if not compatible(y_true.shape, y_pred.shape):
        _refuse_classes(owner, y_true, y_pred)
    return owner.cast(y_true), y_pred


def ids_of_classes(owner, y_true, y_pred):
    """Class ids `(…)` or `(…, 1)` as int32 `(…)`."""
    ids = ops.squeeze(y_true, axis=-1) if len(y_true.shape) == len(y_pred.shape) else y_true
    if not compatible(ids.shape, tuple(y_pred.shape)[:-1]):
        _refuse_classes(owner, y_true, y_pred)
    return ops.cast(ids, "int32"), y_pred


def _refuse_classes(owner, y_true, y_pred):
    p = tuple(y_pred.shape)
    refuse(
        owner, y_true, y_pred,
        f"Give class ids of shape {p[:-1]}, or one-hot targets of shape {p}.",
    )


def maps(owner, takes, y_true, y_pred):
    """As `classes`, for maps; one channel is a binary foreground."""
    if len(y_pred.shape) < 2 or y_pred.shape[-1] is None:
        raise ValueError(
            f"{owner.name}: y_pred of shape {tuple(y_pred.shape)} has no known class "
            "axis. It must be (B, *spatial, C), C = 1 for a binary foreground."
        )
    return classes(owner, takes, y_true, y_pred)


def levels(owner, takes, y_true, y_pred):
    """Ranks `(…, 1)`, rows `(…, C)` or levels `(…, C - 1)` to `(…, C - 1)`."""
    y_pred = owner.cast(y_pred)
    t, p = tuple(y_true.shape), tuple(y_pred.shape)
    given = y_true
    if len(p) > 1 and compatible(t, p[:-1]):
        y_true, t = ops.expand_dims(y_true, axis=-1), (*t, 1)
    fits = len(p) > 1 and p[-1] is not None and compatible(t[:-1], p[:-1])
    if not fits or t[-1] not in (1, p[-1], p[-1] + 1):
        refuse(
            owner, given, y_pred,
            "For C classes y_pred is (B, …, C - 1); give ranks (B, …), or rows (B, …, C).",
        )
    return (y_true if t[-1] == 1 else owner.cast(y_true)), y_pred


# --- columns and blocks ------------------------------------------------------------------


def columns(owner, takes, y_true, y_pred):
    """One column of `y_true` `(…)` or `(…, 1)`, or one for each of `y_pred`'s K."""
    given, y_true, y_pred = y_true, owner.cast(y_true), owner.cast(y_pred)
    p = tuple(y_pred.shape)
    if len(y_true.shape) == len(p) - 1:
        y_true = ops.expand_dims(y_true, -1)
    # One column of y_true is compared with every one of y_pred, on purpose.
    one = y_true.shape[-1:] == (1,) and compatible(y_true.shape[:-1], p[:-1])
    if not one and not compatible(y_true.shape, p):
        refuse(
            owner, given, y_pred, f"Give y_true the shape {p[:-1]}, {(*p[:-1], 1)} or {p}."
        )
    return y_true, y_pred


def blocks(owner, takes, y_true, y_pred):
    """`y_true (…, K)` or `(…)` to `y_pred (…, P·K)`; the loss knows its P."""
    given, y_true, y_pred = y_true, owner.cast(y_true), owner.cast(y_pred)
    p, size = tuple(y_pred.shape), owner.blocks
    if len(y_true.shape) == len(p) - 1:
        y_true = ops.expand_dims(y_true, -1)
    t = tuple(y_true.shape)
    fits = len(t) == len(p) and compatible(t[:-1], p[:-1])
    if not fits or (None not in (t[-1], p[-1]) and t[-1] * size != p[-1]):
        wanted = f"(…, {t[-1] * size})" if t and t[-1] is not None else f"(…, {size}·K)"
        refuse(
            owner, given, y_pred,
            f"It takes {size} raw parameters for each of y_true's K columns, in blocks: "
            f"y_pred {wanted}.",
        )
    return y_true, y_pred


def mixture(owner, takes, y_true, y_pred):
    """`y_true (…, K)` or `(…)` to `y_pred (…, M·(1 + 2K))`; the loss knows its M."""
    given, y_true, y_pred = y_true, owner.cast(y_true), owner.cast(y_pred)
    p, size = tuple(y_pred.shape), owner.blocks
    if len(y_true.shape) == len(p) - 1:
        y_true = ops.expand_dims(y_true, -1)
    t = tuple(y_true.shape)
    fits = len(t) == len(p) and compatible(t[:-1], p[:-1])
    if not fits or (None not in (t[-1], p[-1]) and size * (1 + 2 * t[-1]) != p[-1]):
        wanted = size * (1 + 2 * t[-1]) if t and t[-1] is not None else f"{size}·(1 + 2K)"
        refuse(
            owner, given, y_pred,
            f"It takes for each of {size} components a logit, and for each of y_true's K "
            f"columns a mean and a scale: y_pred (…, {wanted}).",
        )
    return y_true, y_pred


def members(owner, takes, y_true, y_pred):
    """`y_true (…, K)` or `(…)` to M members, `(…, K, M)`, or `(…, K·M)` one after the other."""
    given, y_true, y_pred = y_true, owner.cast(y_true), owner.cast(y_pred)
    t, p = tuple(y_true.shape), tuple(y_pred.shape)
    if len(t) == len(p) - 1 and len(p) == 2:  # (B,) is one column.
        y_true, t = ops.expand_dims(y_true, -1), (*t, 1)
    rows = len(t) == len(p) > 1 and compatible(t[:-1], p[:-1])
    if rows and None not in (t[-1], p[-1]):
        if t[-1] and p[-1] and p[-1] % t[-1] == 0:
            lead = tuple(ops.shape(y_pred))[:-1]
            each = ops.reshape(y_pred, (*lead, p[-1] // t[-1], t[-1]))
            return y_true, ops.swapaxes(each, -1, -2)
    if len(t) != len(p) - 1 or len(p) < 3 or not compatible(t, p[:-1]) or p[-1] == 0:
        refuse(
            owner, given, y_pred,
            "For M members of an ensemble y_pred is (…, K·M), the members' K columns one "
            "after the other, or (…, K, M).",
        )
    return y_true, y_pred


def bins(owner, takes, y_true, y_pred):
    """A number `(…)` or `(…, 1)` for each distribution `(…, bins)`."""
    given, y_true, y_pred = y_true, owner.cast(y_true), owner.cast(y_pred)
    p = tuple(y_pred.shape)
    if len(y_true.shape) == len(p) and p and y_true.shape[-1] == 1:
        y_true = ops.squeeze(y_true, axis=-1)
    enough = len(p) > 1 and (p[-1] is None or p[-1] > 1)
    if not enough or not compatible(y_true.shape, p[:-1]):
        refuse(
            owner, given, y_pred,
            "y_pred must be (B, …, bins) with two bins or more, and y_true hold one number "
            "for each distribution, (B, …).",
        )
    return y_true, y_pred


# --- vectors, lists, boxes -------------------------------------------------------------


def embeddings(owner, takes, y_true, y_pred):
    """Ids `(B,)` or `(B, 1)`, in the dtype they came in, to `(B, D)`."""
    given, y_pred = y_true, owner.cast(y_pred)
    if len(y_true.shape) == 2 and y_true.shape[-1] == 1:
        y_true = ops.squeeze(y_true, axis=-1)
    p = tuple(y_pred.shape)
    if len(p) != 2 or not compatible(y_true.shape, p[:1]):
        refuse(
            owner, given, y_pred,
            "Give class ids (B,) and embeddings (B, D); of one-hot rows take the argmax, and "
            "flatten embeddings of higher rank.",
        )
    return y_true, y_pred


def triplets(owner, takes, y_true, y_pred):
    """`y_pred (B, 3, D)`: anchor, positive, negative. `y_true` is not looked at."""
    y_pred = owner.cast(y_pred)
    p = tuple(y_pred.shape)
    if len(p) != 3 or p[1] not in (None, 3):
        raise ValueError(
            f"{owner.name}: y_pred of shape {p} does not hold triplets. It must be "
            "(B, 3, D): the embeddings of anchor, positive and negative."
        )
    return y_true, y_pred


def views(owner, takes, y_true, y_pred):
    """Two views of the same samples, or one alone."""
    if takes.y_true == "unused":
        return y_true, views(owner, Takes("view", "view", "views"), y_pred, y_pred)[1]
    y_true, y_pred = owner.cast(y_true), owner.cast(y_pred)
    if len(y_pred.shape) != 2 or not compatible(y_true.shape, y_pred.shape):
        refuse(owner, y_true, y_pred, "They are two views of the same samples, both (B, D).")
    return y_true, y_pred


def spaces(owner, takes, y_true, y_pred):
    """The same samples in two spaces, of any dimension each."""
    y_true, y_pred = owner.cast(y_true), owner.cast(y_pred)
    t, p = tuple(y_true.shape), tuple(y_pred.shape)
    if len(p) != 2 or len(t) != 2 or not compatible(t[:1], p[:1]):
        refuse(
            owner, y_true, y_pred,
            "They are embeddings of the same samples, (B, D) and (B, E).",
        )
    return y_true, y_pred


def points(owner, takes, y_true, y_pred):
    """Two sets, or sequences, of points of one dimension for each sample."""
    y_true, y_pred = owner.cast(y_true), owner.cast(y_pred)
    t, p = tuple(y_true.shape), tuple(y_pred.shape)
    if len(p) != 3 or len(t) != 3 or not compatible((t[0], t[2]), (p[0], p[2])):
        refuse(
            owner, y_true, y_pred,
            "They hold points of one dimension, as many as they like: (B, M, D) and (B, N, D).",
        )
    return y_true, y_pred


def preferences(owner, takes, y_true, y_pred):
    """One number for the chosen, one for the rejected answer of each sample."""
    y_pred = owner.cast(y_pred)
    p = tuple(y_pred.shape)
    if len(p) != 2 or p[1] not in (None, 2):
        raise ValueError(
            f"{owner.name}: y_pred of shape {p} does not hold pairs. It must be (B, 2): the "
            "log-probabilities of the chosen and of the rejected answer."
        )
    if takes.y_true == "unused":
        return y_true, y_pred
    y_true = owner.cast(y_true)
    if not compatible(y_true.shape, p):
        refuse(owner, y_true, y_pred, "Both must be (B, 2): [chosen, rejected].")
    return y_true, y_pred


def lists(owner, takes, y_true, y_pred):
    """The relevance and the scores of the items of each list."""
    given, out = (y_true, y_pred), []
    for x in given:
        x = owner.cast(x)
        one_unit = len(x.shape) == 3 and x.shape[-1] == 1
        out.append(ops.squeeze(x, axis=-1) if one_unit else x)
    y_true, y_pred = out
    if len(y_pred.shape) != 2 or not compatible(y_true.shape, y_pred.shape):
        refuse(
            owner, *given,
            "Both must be (B, L): for each list the relevance and the scores of its items, "
            "up to a trailing axis of 1. Pad shorter lists with labels of -1.",
        )
    return y_true, y_pred


def boxes(owner, takes, y_true, y_pred):
    """Boxes `(…, 4)` to boxes."""
    y_true, y_pred = owner.cast(y_true), owner.cast(y_pred)
    p = tuple(y_pred.shape)
    if len(p) < 2 or p[-1] not in (4, None) or not compatible(y_true.shape, p):
        refuse(
            owner, y_true, y_pred,
            "Both must hold boxes, (B, …, 4): select them from a wider output with "
            "`loss.on(y_pred=slice(0, 4))`.",
        )
    return y_true, y_pred


# --- pictures, fields, sound -------------------------------------------------------------


def images(owner, takes, y_true, y_pred):
    """Pictures or volumes of one shape; of `y_pred` alone where no target is looked at."""
    y_pred = _with_sides(owner, y_pred, "C")
    if takes.y_true == "unused":
        return y_true, y_pred
    return match(owner, owner.cast(y_true), y_pred)


def guides(owner, takes, y_true, y_pred):
    """A picture of any channels, and a map of one."""
    y_true, y_pred = owner.cast(y_true), owner.cast(y_pred)
    if len(y_pred.shape) == len(y_true.shape) - 1:
        y_pred = ops.expand_dims(y_pred, -1)
    y_pred = _with_sides(owner, y_pred, "1")
    t, p = tuple(y_true.shape), tuple(y_pred.shape)
    if p[-1] not in (1, None) or len(t) != len(p) or not compatible(t[:-1], p[:-1]):
        refuse(
            owner, y_true, y_pred,
            "Give a picture (B, *spatial, C) and a map of one channel, (B, *spatial, 1).",
        )
    return y_true, y_pred


def fields(owner, takes, y_true, y_pred):
    """Displacements, one for each spatial axis."""
    y_pred = _with_sides(owner, y_pred, "n")
    n = len(y_pred.shape) - 2
    if y_pred.shape[-1] not in (n, None):
        raise ValueError(
            f"{owner.name}: y_pred of shape {tuple(y_pred.shape)} must hold {n} displacements, "
            f"one for each of its {n} spatial axes: its last axis must be {n}."
        )
    return y_true, y_pred


def _with_sides(owner, y_pred, channels):
    y_pred = owner.cast(y_pred)
    if len(y_pred.shape) not in (4, 5):
        raise ValueError(
            f"{owner.name}: y_pred of shape {tuple(y_pred.shape)} must have two or three "
            f"spatial axes: (B, H, W, {channels}) or (B, D, H, W, {channels})."
        )
    return y_pred


def waves(owner, takes, y_true, y_pred):
    """Sound `(B, T, C)`; `(B, T)` is of one channel."""
    y_true, y_pred = match(owner, owner.cast(y_true), owner.cast(y_pred))
    if len(y_pred.shape) == 2:
        y_true, y_pred = ops.expand_dims(y_true, -1), ops.expand_dims(y_pred, -1)
    if len(y_pred.shape) != 3:
        refuse(owner, y_true, y_pred, "Both must be sound: (B, T), (B, T, 1) or (B, T, C).")
    return y_true, y_pred


def sources(owner, takes, y_true, y_pred):
    """Several sources each, of one shape."""
    y_true, y_pred = owner.cast(y_true), owner.cast(y_pred)
    if len(y_pred.shape) < 3 or not compatible(y_true.shape, y_pred.shape):
        refuse(owner, y_true, y_pred, "Both must hold the same sources, such as (B, S, T).")
    return y_true, y_pred


def survival(owner, takes, y_true, y_pred):
    """Times, events and what else the loss wants of `y_true`, to its `outputs` columns.

    `(B,)` is one column; of `outputs` `None` is any number.
    """
    given, y_true, y_pred = y_true, owner.cast(y_true), owner.cast(y_pred)
    if len(y_pred.shape) == 1:
        y_pred = ops.expand_dims(y_pred, -1)
    p, columns, outputs = tuple(y_pred.shape), owner.target_columns, owner.outputs
    enough = len(p) == 2 and (outputs is None or p[1] in (None, outputs))
    if not enough or not compatible(y_true.shape, (p[0], columns)):
        strata = ", stratum" if columns == 3 else ""
        wanted = "(B, D)" if outputs is None else f"(B, {outputs})"
        refuse(
            owner, given, y_pred,
            f"y_true holds the columns (time, event{strata}), (B, {columns}); y_pred is "
            f"{wanted}. Times come first, as in lifelines; scikit-survival has events first.",
        )
    return y_true, y_pred


def free(owner, takes, y_true, y_pred):
    """As they come; a trailing axis of 1 is squeezed or added where that makes them one."""
    y_true, y_pred = owner.cast(y_true), owner.cast(y_pred)
    aligned, _ = align(y_true, y_pred)
    return (aligned if compatible(aligned.shape, y_pred.shape) else y_true), y_pred


RULES = {
    "equal": equal,
    "decisions": decisions,
    "classes": classes,
    "maps": maps,
    "levels": levels,
    "columns": columns,
    "blocks": blocks,
    "mixture": mixture,
    "members": members,
    "bins": bins,
    "embeddings": embeddings,
    "triplets": triplets,
    "views": views,
    "spaces": spaces,
    "points": points,
    "preferences": preferences,
    "packed": free,  # Or parts by name: the loss takes them apart.
    "lists": lists,
    "boxes": boxes,
    "images": images,
    "guides": guides,
    "fields": fields,
    "waves": waves,
    "sources": sources,
    "survival": survival,
    "free": free,
}
