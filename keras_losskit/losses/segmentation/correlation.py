"""Matthews' correlation coefficient."""

import keras
from keras import ops

from keras_losskit.core.kernels import at_least
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import safe_divide, safe_sqrt, unit_of
from keras_losskit.losses.segmentation.base import SmoothedLoss


@register
class MatthewsCorrelation(SmoothedLoss):
    """Matthews correlation loss: 1 - (TP·TN - FP·FN)/√((TP+FP)(TP+FN)(TN+FP)(TN+FN)).

    Each class against the rest, then the class mean. Unlike Dice it counts true
    negatives, and is fair to rare and to frequent classes alike. Between 0 and
    2; predictions unrelated to the target give 1.

    Where a class is absent or everywhere, the coefficient is 0/0: the loss is 0
    if nothing is wrong and 1 otherwise, without a gradient. `smooth` makes it
    0, `empty="skip"` leaves an absent class out.

    Args:
        from_logits, class_weights, ignore_class, include_background, over,
            empty: as in `Dice`.
        smooth: s >= 0, added to the numerator and to the root.

    | elsewhere | here |
    |---|---|
    | segmentation_models.pytorch `MCCLoss()`, one channel | `MatthewsCorrelation(over="batch")`; \
there 1e-5 is added to each count |

    Call with `y_pred (B, *spatial, C)`, `y_true` class ids `(B, *spatial)` or
    rows in the shape of `y_pred`.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> y_true = [[[1.0], [1.0], [0.0], [0.0]]]
    >>> y_pred = [[[1.0], [0.0], [0.0], [0.0]]]
    >>> loss = keras_losskit.MatthewsCorrelation()
    >>> round(float(loss(y_true, y_pred)), 4)    # 1 - (1·2 - 0·1)/√(1·2·2·3)
    0.4226

    Reference: K. Abhishek, G. Hamarneh, *Matthews Correlation Coefficient Loss
    for Deep Convolutional Networks* (2020), https://arxiv.org/abs/2010.13454
    """

    def per_class(self, p, g, mask, weights):
        maps = p * g, p * (1 - g), (1 - p) * g, (1 - p) * (1 - g)
        counts = self.sums(maps, mask, weights)
        smooth, least = self.smooth, keras.config.epsilon()
        if weights is not None:  # They may be so large that no product holds.
            unit = unit_of(sum(counts))
            counts = [x * unit for x in counts]
            smooth, least = smooth * unit * unit, least * ops.where(unit < 1, unit, 1)
        return self.coefficient(*counts, smooth, least), self.present(g, mask, weights)

    def coefficient(self, tp, fp, fn, tn, smooth, least):
        """1 - Matthews' coefficient."""
        # Where nothing is predicted the numerator is 0 as well, and the root's slope
        # infinite. Holding only the root's factors keeps the numerator's slope, which
        # points the right way.
        predicted = at_least(tp + fp, least) * at_least(tn + fn, least)
        root = safe_sqrt((tp + fn) * (tn + fp)) * safe_sqrt(predicted)
        n, d = tp * tn - fp * fn + smooth, root + smooth
        perfect = ops.cast(fp + fn == 0, n.dtype)
        return 1 - ops.where(d == 0, perfect, safe_divide(n, d))
