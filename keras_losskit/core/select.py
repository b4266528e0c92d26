"""`Select`: a loss on a part of one output; what `.on(...)` builds."""

from keras import ops

from keras_losskit.core.backend import keras_mask
from keras_losskit.core.combined import CombinedLoss, factor_repr
from keras_losskit.core.loss import register


@register
class Select(CombinedLoss):
    """A loss on a part of `y_pred`, of `y_true`, or of both.

    So that one expression can serve one output that holds several things, as in
    `GIoU().on(y_pred=slice(0, 4), y_true=slice(0, 4)) + ...`.

    Args:
        loss: the loss, anything that `as_loss` takes.
        y_true, y_pred: what to select, or `None` for all of it: an index (drops
            the axis), a slice or a list of indices on the last axis, or a key of
            a dict.

    Raises:
        ValueError: for an index outside the last axis, or an unknown key.

    Example:

    >>> import keras_losskit as kl
    >>> second = kl.MeanSquaredError().on(y_pred=1)
    >>> float(second([0.0, 1.0], [[9.0, 1.0], [9.0, 1.0]]))    # (1² + 0²) / 2
    0.5
    """

    def __init__(self, loss, *, y_true=None, y_pred=None, **common):
        super().__init__(**common)
        self.loss = self.operand(loss)
        self.y_true = _selector(self, "y_true", y_true)
        self.y_pred = _selector(self, "y_pred", y_pred)
        if common.get("name") is None:
            self.name = self.loss.name

    @property
    def selected_part(self):
        """Which part of `y_pred` this looks at, as a key."""
        return "" if self.y_pred is None else repr(self.y_pred)

    def operands(self):
        return [self.loss]

    def evaluate(self, y_true, y_pred, sample_weight=None, mask=None):
        y_true, y_pred, mask = self._parts(y_true, y_pred, mask)
        return self.loss.evaluate(y_true, y_pred, sample_weight, mask)

    def weighable(self, y_true, y_pred, sample_weight, mask):
        y_true, y_pred, mask = self._parts(y_true, y_pred, mask)
        return self.loss.weighable(y_true, y_pred, sample_weight, mask)

    def _parts(self, y_true, y_pred, mask):
        chosen = _take(self, "y_pred", y_pred, self.y_pred)
        if mask is None:  # In a dict each tensor has its own.
            mask = keras_mask(chosen)
        return _take(self, "y_true", y_true, self.y_true), chosen, mask

    def __repr__(self):
        parts = ", ".join(
            f"{name}={value!r}"
            for name, value in (("y_true", self.y_true), ("y_pred", self.y_pred))
            if value is not None
        )
        return f"{factor_repr(self.loss)}.on({parts})"


def _selector(owner, name, value):
    if isinstance(value, bool):
        value = object()
    if value is None or isinstance(value, (int, str, slice)):
        return value
    if isinstance(value, (list, tuple)) and value:
        if all(isinstance(i, int) and not isinstance(i, bool) for i in value):
            return list(value)
    raise TypeError(
        f"{type(owner).__name__}: `{name}` must be an index, a slice or a list of "
        f"indices on the last axis, or a key of a dict. Received: {name}={value!r}"
    )


def _take(owner, name, x, selector):
    if selector is None:
        return x
    if isinstance(selector, str):
        if not isinstance(x, dict) or selector not in x:
            has = f"the keys {sorted(x)}" if isinstance(x, dict) else "no keys"
            raise ValueError(f"{owner.name}: {name} has no part {selector!r}; it has {has}.")
        return x[selector]
    x = ops.convert_to_tensor(x)
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
    if isinstance(selector, list):
        return ops.take(x, [i % size for i in selector] if size else selector, axis=-1)
    return x[..., selector]
