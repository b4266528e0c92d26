"""What the losses between two sets of points share."""

from keras import ops

from keras_losskit.core import shapes
from keras_losskit.core.backend import to_tensors
from keras_losskit.core.keras_internals import keras_mask
from keras_losskit.core.loss import Loss
from keras_losskit.core.reduction import fill
from keras_losskit.core.takes import Takes


class PointSetsLoss(Loss):
    """Base of losses between sets of points, `y_true` `(B, M, D)` and `y_pred` `(B, N, D)`.

    Sets of fewer points are padded: a Keras mask on `y_pred`, one on `y_true`, or rows of
    NaN in `y_true` name the padding. A subclass writes `between`.
    """

    takes = Takes("real", "real", "points", y_true_gradient=True)

    def weighable(self, y_true, y_pred, sample_weight, mask):
        # Each set has a mask of its own: the template's would go over both.
        own = keras_mask(y_true)
        y_true, y_pred = shapes.fit(self, self.takes, to_tensors(y_true), to_tensors(y_pred))
        if mask is not None:
            mask = self._mask(mask, y_pred.shape)
        by_sample = mask if mask is not None and len(mask.shape) == 1 else None
        padded = ops.all(ops.isnan(y_true), axis=-1)
        there = ops.logical_not(padded)
        if own is not None:
            there = ops.logical_and(there, ops.cast(own, "bool"))
        here = ops.ones_like(y_pred[..., 0], dtype="bool")
        if mask is not None and by_sample is None:
            here = ops.logical_and(here, mask)
        return super().weighable(
            (fill(y_true, there), there), (fill(y_pred, here), here), sample_weight, by_sample
        )

    def prepare(self, y_true, y_pred):
        return y_true, y_pred

    def call(self, y_true, y_pred):
        (y, there), (x, here) = y_true, y_pred
        values = self.between(y, x, there, here)
        both = ops.logical_and(ops.any(there, axis=-1), ops.any(here, axis=-1))
        return ops.where(both, values, ops.zeros_like(values))

    def between(self, y, x, there, here):
        """Values `(B,)`, for points `(B, M, D)` and `(B, N, D)` and which of them exist."""
        raise NotImplementedError


def squared_distances(a, b):
    """|a_i - b_j|² `(B, N, M)`, from the differences themselves.

    Of few dimensions one after the other: there is no tensor of `N·M·D` then.
    """
    if a.shape[-1] is None or a.shape[-1] > 8:
        return ops.sum(ops.square(a[:, :, None] - b[:, None]), axis=-1)
    total = 0
    for k in range(a.shape[-1]):
        total = total + ops.square(a[:, :, None, k] - b[:, None, :, k])
    return total
