"""Sparsemax."""

from keras import ops

from keras_losskit.core.backend import compiled_once
from keras_losskit.core.kernels import at_least, larger
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import largest
from keras_losskit.core.softmax import held
from keras_losskit.losses.classification.base import LogitsLoss


@compiled_once(backends=("jax", "tensorflow"))
def sparsemax(z):
    """The point of the simplex nearest to `z`, along the last axis; no gradient goes through.

    It is max(z - τ, 0), where the threshold τ makes the sum 1. What is above a τ that is too
    low gives the next one, (Σz - 1)/n, which is too low as well or right: Newton's method on
    a convex function of straight pieces (Michelot 1986). It ends, exactly, when nothing more
    falls out; after some five to ten passes, where a sort would take a hundred.
    """
    z = ops.stop_gradient(z)
    z = z - largest(z, keepdims=True)

    def unfinished(threshold, size, before):
        return ops.any(size != before)

    def step(threshold, size, before):
        inside = z > threshold
        count = ops.sum(ops.cast(inside, z.dtype), axis=-1, keepdims=True)
        total = ops.sum(ops.where(inside, z, 0), axis=-1, keepdims=True)
        # Rounding alone would lower it: then what fell out could come back, for ever.
        return larger(threshold, (total - 1) / at_least(count, 1)), count, size

    first = ops.zeros_like(z[..., :1])  # Since the largest share is 1 at most, -1 is too low.
    threshold, _, _ = ops.while_loop(unfinished, step, (first - 1, first, first - 1))
    excess = z - threshold
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
        p = sparsemax(y_pred)
        top = ops.stop_gradient(largest(y_pred, keepdims=True))
        squares = ops.sum(ops.square(g) - ops.square(p), axis=-1)
        values = ops.sum((p - g) * (y_pred - top), axis=-1) + squares / 2
        if len(y_true.shape) == len(y_pred.shape):  # What rows of another sum than 1 lack.
            values = values + ops.squeeze(top, axis=-1) * (1 - ops.sum(g, axis=-1))
        return self.weigh_positions(values, g)
