"""The bases of losses that compare one entry with one entry."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.loss import Loss
from keras_losskit.core.numerics import mean
from keras_losskit.core.takes import Takes
from keras_losskit.core.targets import is_whole


class ElementwiseLoss(Loss):
    """Base of losses whose values are the mean of `each` over the last axis.

    A subclass writes `each(y_true, y_pred)`: the loss of every entry, in the
    shape of `y_pred`, which may lack its last axis where that is 1. `(B,)` stays
    as it is, one value per sample.
    """

    takes = Takes("real", "real", "equal")

    def each(self, y_true, y_pred):
        """The loss of every entry."""
        raise NotImplementedError

    def call(self, y_true, y_pred):
        if len(y_pred.shape) < 2:
            return self.each(y_true, y_pred)
        if y_pred.shape[-1] == 1:
            # Dropped beforehand: XLA on a CPU does not vectorise along an axis of 1.
            return self.each(ops.squeeze(y_true, axis=-1), ops.squeeze(y_pred, axis=-1))
        return mean(self.each(y_true, y_pred))


class IncompleteLoss(ElementwiseLoss):
    """Base of elementwise losses that take targets of which entries are missing.

    With `missing` the values are those of `each`, one for every entry and 0
    where it is missing. A mean then counts the known entries, each alike,
    where means of rows would count an entry the more, the fewer its row knows.

    Args:
        missing: `"nan"`, or the number that stands in `y_true` for an unknown
            entry; `None` where all are known.
    """

    def __init__(self, *, missing=None, **common):
        super().__init__(**common)
        self.missing = checks.marker(self, "missing", missing)

    def known(self, y_true):
        """Which entries of `y_true` are known; `None` without `missing`."""
        if self.missing is None:
            return None
        if is_whole(y_true):  # Whole numbers are never NaN, nor a half.
            whole = self.missing != "nan" and float(self.missing).is_integer()
            return y_true != int(self.missing) if whole else None
        if self.missing == "nan":
            return ops.logical_not(ops.isnan(y_true))
        return y_true != ops.convert_to_tensor(self.missing, dtype=y_true.dtype)

    def input_mask(self, y_true, y_pred):
        return self.known(y_true)

    def call(self, y_true, y_pred):
        if self.missing is None:
            return super().call(y_true, y_pred)
        if len(y_pred.shape) > 1 and y_pred.shape[-1] == 1:
            return ops.expand_dims(super().call(y_true, y_pred), -1)
        return self.each(y_true, y_pred)
