"""Dice."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.loss import register
from keras_losskit.losses.segmentation.base import OverlapLoss


@register
class Dice(OverlapLoss):
    """Dice loss: 1 - (2·Σpg + s)/(Σp + Σg + s), per class, then the class mean.

    One minus the F1 score of soft predictions; insensitive to how large the
    background is.

    Args:
        squared: use Σp² + Σg² in the denominator (V-Net's form).
        from_logits: whether `y_pred` holds logits: sigmoid for C = 1, else
            softmax.
        class_weights: C weights >= 0 of the class mean Σ w·ℓ / Σ w.
        ignore_class: an id whose positions count nowhere; an id in [0, C) also
            leaves the class mean.
        include_background: whether class 0 is in the class mean (C > 1).
        over: `"sample"`, a ratio per sample, values `(B,)`; or `"batch"`, sums
            over the batch, weighted by `sample_weight`, one number.
        smooth: s >= 0.
        empty: `"score"` scores a class that is absent from the target by the
            formula, absent and not predicted being perfect; `"skip"` leaves it
            out of the class mean.

    | elsewhere | here |
    |---|---|
    | Keras `Dice()` | `Dice(over="batch", smooth=1e-7)`, which counts all classes as one |
    | segmentation_models `DiceLoss(per_image=False)` | `Dice(over="batch", smooth=1e-5)` |
    | MONAI `DiceLoss()` / `DiceLoss(batch=True)` | `Dice(smooth=1e-5)` / `…(over="batch")` |
    | MONAI `DiceLoss(squared_pred=True)` | `Dice(squared=True)` |

    Call with `y_pred (B, *spatial, C)`, `y_true` class ids `(B, *spatial)` or
    rows in the shape of `y_pred`.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> y_true = [[[1.0], [1.0], [0.0], [0.0]]]
    >>> y_pred = [[[1.0], [0.0], [0.0], [0.0]]]
    >>> round(float(keras_losskit.Dice()(y_true, y_pred)), 4)    # 1 - 2·1/(1 + 2)
    0.3333

    Reference: F. Milletari et al., *V-Net* (2016), https://arxiv.org/abs/1606.04797
    """

    def __init__(self, squared=False, **options):
        super().__init__(**options)
        self.squared = checks.flag(self, "squared", squared)

    def counts(self, p, g, mask, weights):
        tp, predicted, target = super().counts(p, g, mask, weights)
        if self.squared:
            _, predicted, target = super().counts(
                ops.square(p), ops.square(g), mask, weights
            )
        return tp, predicted, target

    def score(self, tp, predicted, target):
        return 1 - self.ratio(2 * tp, predicted + target)
