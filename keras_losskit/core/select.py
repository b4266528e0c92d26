"""`Select`: a loss on a part of one output; what `.on(...)` builds."""

import keras
from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.backend import to_tensors
from keras_losskit.core.combined import Batch, Wrapper, factor_repr
from keras_losskit.core.keras_internals import keras_mask
from keras_losskit.core.loss import register
from keras_losskit.core.reduction import align_left, drop_trailing_ones


@register
class Select(Wrapper):
    """A loss on a part of `y_pred`, of `y_true`, or of both, with weights of its own.

    So that one expression can serve one output that holds several things, as in
    `GIoU().on(y_pred=slice(0, 4), y_true=slice(0, 4)) + ...`.

    Args:
        loss: the loss, anything that `as_loss` takes.
        y_true, y_pred: what to select, or `None` for all of it: an index (drops
            the axis), a slice or a list of indices on the last axis, a key of
            a dict, or a dict of these, which builds a dict of parts. So
            `y_true={"labels": 0, "logits": slice(1, None)}` makes parts of the columns
            of one array, which is how `fit` can carry them.
        weight: an index, a slice or a key of `y_true`: that part weighs this loss,
            `(B,)` its samples, `(B, …)` its positions, beside the sample weights.
        sample_weight: `False` lets this loss ignore the sample weights.

    Raises:
        ValueError: for an index outside the last axis, or an unknown key.

    Example:

    >>> import keras_losskit as kl
    >>> second = kl.MeanSquaredError().on(y_pred=1)
    >>> float(second([0.0, 1.0], [[9.0, 1.0], [9.0, 1.0]]))    # (1² + 0²) / 2
    0.5
    """

    def __init__(
        self, loss, *, y_true=None, y_pred=None, weight=None, sample_weight=True, **common
    ):
        super().__init__(loss, **common)
        self.y_true = _selector(self, "y_true", y_true)
        self.y_pred = _selector(self, "y_pred", y_pred)
        self.weight = _selector(self, "weight", weight, parts=False)
        self.sample_weight = checks.flag(self, "sample_weight", sample_weight)

    @property
    def selected_part(self):
        """Which part of `y_pred` this looks at, as a key."""
        return "" if self.y_pred is None else repr(self.y_pred)

    def inputs(self, batch):
        y_true, y_pred, sample_weight, mask = batch
        chosen = _take(self, "y_pred", y_pred, self.y_pred)
        if mask is None:  # In a dict each tensor has its own.
            mask = keras_mask(chosen)
        if not self.sample_weight:
            sample_weight = None
        if self.weight is not None:
            own = _take(self, "y_true", y_true, self.weight)
            sample_weight = _both(own, sample_weight)
        return Batch(_take(self, "y_true", y_true, self.y_true), chosen, sample_weight, mask)

    def __repr__(self):
        given = {"y_true": self.y_true, "y_pred": self.y_pred, "weight": self.weight}
        parts = [f"{name}={value!r}" for name, value in given.items() if value is not None]
        if not self.sample_weight:
            parts.append("sample_weight=False")
        return f"{factor_repr(self.loss)}.on({', '.join(parts)})"


def _both(own, given):
    """A term's own weights times the sample weights, both aligned from the left."""
    if given is None:
        return own
    own = drop_trailing_ones(ops.convert_to_tensor(own))
    given = drop_trailing_ones(ops.convert_to_tensor(given))
    # Of the wider kind: where the targets are whole numbers, weights need not be.
    wide = keras.backend.result_type(own.dtype, given.dtype, float)
    own, given = ops.cast(own, wide), ops.cast(given, wide)
    rank = max(len(own.shape), len(given.shape))
    product = align_left(own, rank) * align_left(given, rank)
    # A weight of 0 removes what it weighs, whatever the other one is.
    none = ops.logical_or(align_left(own == 0, rank), align_left(given == 0, rank))
    return ops.where(none, ops.zeros_like(product), product)


def _selector(owner, name, value, parts=True):
    if isinstance(value, dict) and parts and value:
        if all(isinstance(key, str) for key in value):
            return {key: _selector(owner, name, part, False) for key, part in value.items()}
    if isinstance(value, (int, str, slice)) and not isinstance(value, bool):
        return value
    if value is None:
        return None
    if isinstance(value, (list, tuple)) and value:
        if all(isinstance(i, int) and not isinstance(i, bool) for i in value):
            return list(value)
    also = ", or a dict of these" if parts else ""
    raise TypeError(
        f"{type(owner).__name__}: `{name}` must be an index, a slice or a list of "
        f"indices on the last axis, or a key of a dict{also}. Received: {name}={value!r}"
    )


def _take(owner, name, x, selector):
    if selector is None:
        return x
    if isinstance(selector, dict):
        return {key: _take(owner, name, x, part) for key, part in selector.items()}
    if isinstance(selector, str):
        if not isinstance(x, dict) or selector not in x:
            has = f"the keys {sorted(x)}" if isinstance(x, dict) else "no keys"
            raise ValueError(
                f"{owner.name}: {name} has no part {selector!r}; it has {has}. Keras calls "
                "a loss once for each output of a model: to give one loss several outputs, "
                "join them in the model with `keras.layers.Concatenate()`, and select their "
                "columns with `.on(y_pred=slice(...))`."
            )
        return x[selector]
    if isinstance(x, dict):
        raise ValueError(
            f"{owner.name}: cannot select {selector!r} on the last axis of {name}, which is "
            f"a dict of {sorted(x)}; give one of its keys."
        )
    x = to_tensors(x)
    size = x.shape[-1] if len(x.shape) else None
    indices = selector if isinstance(selector, list) else [selector]
    if len(x.shape) < 2 or (
        size is not None
        and any(isinstance(i, int) and not -size <= i < size for i in indices)
    ):
        raise ValueError(
            f"{owner.name}: cannot select {selector!r} on the last axis of {name}, "
            f"whose shape is {tuple(x.shape)}."
        )
    if isinstance(selector, slice) and size is not None and not range(*selector.indices(size)):
        raise ValueError(
            f"{owner.name}: {selector!r} selects nothing on the last axis of {name}, whose "
            f"shape is {tuple(x.shape)}."
        )
    if isinstance(selector, list):
        return ops.take(x, [i % size for i in selector] if size else selector, axis=-1)
    return x[..., selector]
