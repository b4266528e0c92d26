"""A sample as a loss declares it; of one made of parts, each part put where it is selected."""

import numpy as np
from keras import tree

import keras_losskit as kl
from keras_losskit.core.combined import CombinedLoss
from keras_losskit.core.takes import takes_of
from keras_losskit.doctor.guesses import known
from keras_losskit.doctor.kinds import BATCH, Sample, declared, make


def made(loss, n, form=0, stranger=None, batch=BATCH):
    """A `Sample` for a loss, its parts put where it selects them.

    `stranger`: `(kind, logits)` of what declares nothing.
    """
    if isinstance(loss, kl.Select):
        return _placed(loss, made(loss.loss, n, form, stranger, batch))
    if isinstance(loss, CombinedLoss) and loss.operands():
        parts = [made(x, n, form, stranger, batch) for x in loss.operands()]
        return _merged(parts)
    takes = takes_of(loss) if isinstance(loss, kl.Loss) else known(loss)
    if takes is None:
        kind, logits = stranger
        return make(kind, n, logits, batch)
    blocks = getattr(loss, "blocks", 2)
    centers = getattr(loss, "centers", 1)
    several = isinstance(centers, int) and centers > 1
    columns = ("id",)
    if takes.shapes == "packed":
        columns = getattr(loss, "columns", columns)
    elif takes.shapes == "survival":
        columns = range(getattr(loss, "target_columns", 2))
    return declared(
        takes, n, batch, blocks=blocks if isinstance(blocks, int) else 2, form=form,
        classes=n // centers if several else None, least=getattr(loss, "least_size", 1),
        columns=tuple(columns),
    )


def _placed(select, inner):
    """The sample of a selected loss, where it selects from."""
    if inner.takes is not None and inner.takes.shapes in ("embeddings", "views"):
        inner = _of_width(inner, select.y_pred)  # They are of any dimension.
    sides = [
        _outer(getattr(inner, side), getattr(select, side)) for side in ("y_true", "y_pred")
    ]
    whole = all(not tree.is_nested(x) and not np.isnan(x).any() for x in sides)
    alone = all(len(tree.flatten(x)) == 1 for x in sides) and not any(
        np.isnan(leaf).any() for x in sides for leaf in tree.flatten(x) if leaf.dtype.kind == "f"
    )
    domain = inner.domain if whole or alone else "mixed"
    return Sample(inner.kind, *sides, domain, takes=inner.takes)


def _of_width(inner, selector):
    """The sample with as many dimensions as a slice selects, if it has more."""
    if not isinstance(selector, slice) or selector.stop is None or selector.stop < 0:
        return inner
    wide, selected = inner.y_pred.shape[-1], len(range(selector.stop)[selector])
    if selected >= wide:
        return inner
    return Sample(
        inner.kind,
        *(x[..., :selected] if x.ndim > 1 else x for x in (inner.y_true, inner.y_pred)),
        inner.domain, takes=inner.takes,
    )


def _outer(x, selector):
    """An array of which `selector` selects `x`; NaN where it selects nothing."""
    if selector is None:
        return x
    if isinstance(selector, str):
        return {selector: x}
    if isinstance(selector, dict):
        raise ValueError("a dict of parts; give y_true and y_pred")
    if isinstance(selector, int):
        column = x[..., :1] if x.ndim > 1 and x.shape[-1] == 1 else x[..., None]
        return _spread(column, [selector])
    if isinstance(selector, list):
        return _spread(x if x.ndim > 1 else x[:, None], selector)
    x = x if x.ndim > 1 else x[:, None]
    for width in range(1, 64):
        indices = list(range(width))[selector]
        if len(indices) == x.shape[-1]:
            return _spread(x, indices, width)
    raise ValueError(f"{selector} selects no {x.shape[-1]} columns")


def _spread(x, indices, width=0):
    if len(indices) != x.shape[-1]:
        raise ValueError(f"{indices} selects no {x.shape[-1]} columns")
    width = max(width, *(i + 1 if i >= 0 else -i for i in indices))
    outer = np.full((*x.shape[:-1], width), np.nan, "float32")
    outer[..., indices] = x
    return outer


def _merged(parts):
    """One sample for several losses on the same batch: each finds its own columns."""
    first = parts[0]
    arrays, nested = [], False
    for side in ("y_true", "y_pred"):
        joined = getattr(first, side)
        for part in parts[1:]:
            joined = _joined(joined, getattr(part, side))
        nested = nested or isinstance(joined, dict)
        arrays.append(joined)
    alike = len({(p.domain, p.takes) for p in parts}) == 1
    changed = any(
        tree.is_nested(x) or np.shape(x) != np.shape(getattr(first, side))
        for side, x in zip(("y_true", "y_pred"), arrays, strict=True)
    )
    domain = first.domain if alike or not changed else "mixed"
    return Sample(first.kind, *arrays, domain, takes=first.takes)


def _joined(a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        return {**b, **a}
    if isinstance(a, dict) or isinstance(b, dict) or a.ndim != b.ndim:
        return a
    if a.shape[:-1] != b.shape[:-1] or not (np.isnan(a).any() or a.shape[-1] < b.shape[-1]):
        return a
    out = np.full((*a.shape[:-1], max(a.shape[-1], b.shape[-1])), np.nan, "float32")
    out[..., : b.shape[-1]] = b
    kept = np.where(np.isnan(a), out[..., : a.shape[-1]], a)
    out[..., : a.shape[-1]] = kept
    return out


def filled(sample):
    """The sample with random numbers in the columns that nobody selects."""
    rng = np.random.default_rng(7)

    def fill(x):
        if x.dtype.kind != "f" or not np.isnan(x).any():
            return x
        return np.where(np.isnan(x), rng.normal(size=x.shape), x).astype(x.dtype)

    sample.y_true, sample.y_pred = (
        tree.map_structure(fill, x) for x in (sample.y_true, sample.y_pred)
    )
    return sample
