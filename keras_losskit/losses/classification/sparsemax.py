"""Sparsemax."""

from keras import ops

from keras_losskit.core.loss import register
from keras_losskit.core.numerics import cumsum, held, largest
from keras_losskit.losses.classification.base import LogitsLoss


def sparsemax(z):
    """The point of the simplex nearest to `z`, along the last axis; by one sort."""
    z = z - largest(z, keepdims=True)
    ordered = ops.flip(ops.sort(z, axis=-1), axis=-1)
    rank = ops.cast(ops.arange(1, z.shape[-1] + 1), z.dtype)
    inside = rank * ordered > cumsum(ordered) - 1  # True, then False.
    total = ops.sum(ops.where(inside, ordered, 0), axis=-1, keepdims=True)
    size = ops.sum(ops.cast(inside, z.dtype), axis=-1, keepdims=True)
    excess = z - (total - 1) / size
    return ops.where(excess > 0, excess, 0)


@register
class Sparsemax(LogitsLoss):
    """Sparsemax loss: p·z - ‖p‖²/2 - g·z + ‖g‖²/2, p = sparsemax(z).

    What cross-entropy is to softmax: its gradient is p - g, where p is the
    point of the simplex nearest to the logits z, with exact zeros. The loss is
    exactly 0 where the true class leads all others by 1 or more. Use it with a
    model whose probabilities are to be sparse.

    Args:
        label_smoothing: s in [0, 1]: targets become (1 - s)·g + s/C.
        class_weights: C weights w >= 0; a position's value is multiplied by
            Σ_c w_c·g_c.
        ignore_class: an id whose positions count nowhere, say 255 or -1.

    | elsewhere | here |
    |---|---|
    | TFA `SparsemaxLoss(from_logits=True)` | `Sparsemax()` |

    Call with `y_true` `(B, …)`, `(B, …, 1)` or `(B, …, C)`, `y_pred` logits
    `(B, …, C)`; values `(B, …)`.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or (where
            values can be seen) an id outside [0, C).

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.Sparsemax()
    >>> float(loss([1], [[0.0, 0.0]]))    # p = (½, ½): 0 - ¼ - 0 + ½
    0.25

    Reference: A. Martins, R. Astudillo, *From Softmax to Sparsemax* (2016),
    https://arxiv.org/abs/1602.02068
    """

    def of_positions(self, y_true, y_pred):
        y_pred = held(y_pred)
        g = self.smoothed_targets(y_true, y_pred)
        # p maximises p·z - ‖p‖²/2, so that the gradient through it is zero.
        p = ops.stop_gradient(sparsemax(y_pred))
        top = ops.stop_gradient(largest(y_pred, keepdims=True))
        squares = ops.sum(ops.square(g) - ops.square(p), axis=-1)
        values = ops.sum((p - g) * (y_pred - top), axis=-1) + squares / 2
        if len(y_true.shape) == len(y_pred.shape):  # What rows of another sum than 1 lack.
            values = values + ops.squeeze(top, axis=-1) * (1 - ops.sum(g, axis=-1))
        return self.weigh_positions(values, g)
