"""The base of losses that compare one entry with one entry."""

from keras import ops

from keras_losskit.core.loss import Loss
from keras_losskit.core.numerics import mean
from keras_losskit.core.takes import Takes


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
