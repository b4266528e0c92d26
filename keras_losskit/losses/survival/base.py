"""What survival losses share: times and events, and intervals of time."""

from keras import ops

from keras_losskit.core.loss import Loss
from keras_losskit.core.takes import Takes


class SurvivalLoss(Loss):
    """Base of losses on `y_true (B, 2)`: a time, and whether the event was seen then."""

    takes = Takes("survival", "logits", "survival")
    target_columns = 2
    outputs = None  # How many columns `y_pred` has, `None` for any number.


def seen(y_true):
    """Where the event was seen."""
    return y_true[:, 1] > 0


def interval(times, count, edges=None):
    """`(B, 1)`: which of `count` intervals `[a, b)` a time lies in; `count` past the last."""
    if edges is None:
        index = ops.floor(times)
    else:
        ends = ops.convert_to_tensor(edges[1:], dtype=times.dtype)
        index = ops.sum(ops.cast(times[:, None] >= ends, times.dtype), axis=-1)
    index = ops.where(index > count, count, index)
    return ops.cast(index, "int32")[:, None]
