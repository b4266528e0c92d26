"""Distances to a box's sides, as distributions over bins."""

from keras import ops

from keras_losskit.core.kernels import at_least
from keras_losskit.core.loss import Loss, register
from keras_losskit.core.softmax import log_softmax
from keras_losskit.core.takes import Takes


@register
class DistributionFocal(Loss):
    """Distribution focal loss: -((i + 1 - y)·log p_i + (y - i)·log p_{i+1}), i = ⌊y⌋.

    Learns a real number, such as the distance to a side of a box, as a softmax
    over the whole numbers 0, 1, …, bins - 1: cross-entropy against the two that
    surround it, by linear interpolation. Its mean Σ i·p_i is then the prediction.

    Call with `y_true` `(B, …)` or `(B, …, 1)`, in units of a bin, and `y_pred`
    `(B, …, bins)`, logits; values `(B, …)`. A target outside [0, bins - 1] is
    clipped to it, as detectors do with distances that the bins do not reach; one further
    outside than bins - 1 is refused, where its value can be seen.

    Raises:
        ValueError: for shapes that do not fit, or fewer than 2 bins.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.DistributionFocal()
    >>> round(float(loss([0.5], [[0.0, 0.0]])), 4)    # -(log 0.5 + log 0.5)/2
    0.6931

    Reference: X. Li et al., *Generalized Focal Loss: Learning Qualified and Distributed
    Bounding Boxes for Dense Object Detection* (2020), https://arxiv.org/abs/2006.04388
    """

    takes = Takes("bins", "logits", "bins")

    def call(self, y_true, y_pred):
        bins = ops.shape(y_pred)[-1]
        last = ops.cast(bins - 1, y_pred.dtype)
        y = at_least(y_true, 0)
        y = ops.expand_dims(ops.where(y > last, last, y), -1)
        # The share of bin i is 1 - |y - i| where that is positive: no gather is needed.
        share = at_least(1 - ops.abs(y - ops.arange(bins, dtype=y_pred.dtype)), 0)
        return -ops.sum(share * log_softmax(y_pred), axis=-1)
