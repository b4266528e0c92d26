"""Tversky."""

from keras_losskit.core import checks
from keras_losskit.core.loss import register
from keras_losskit.losses.segmentation.base import OverlapLoss


@register
class Tversky(OverlapLoss):
    """Tversky loss: 1 - (TP + s)/(TP + w_fp·FP + w_fn·FN + s), per class.

    Dice with separate prices for false positives and false negatives: weights
    of 0.5 are Dice, of 1 Jaccard. Raise `fn_weight` to find more of a small
    structure.

    Args:
        fp_weight, fn_weight: the prices, >= 0.
        from_logits, class_weights, ignore_class, include_background, over,
            smooth, empty: as in `Dice`.

    Which letter is which differs between papers, so the kit uses none:

    | elsewhere | here |
    |---|---|
    | Salehi 2017, Keras `Tversky(alpha, beta)`, MONAI | `fp_weight=alpha, fn_weight=beta` |
    | Abraham 2018 (focal Tversky) | `fn_weight=alpha, fp_weight=beta` |

    Call with `y_pred (B, *spatial, C)`, `y_true` class ids `(B, *spatial)` or
    rows in the shape of `y_pred`.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> y_true = [[[1.0], [1.0], [0.0], [0.0]]]
    >>> y_pred = [[[1.0], [0.0], [0.0], [0.0]]]
    >>> loss = keras_losskit.Tversky(fp_weight=0.3, fn_weight=1.0)
    >>> float(loss(y_true, y_pred))    # 1 - 1/(1 + 0.3·0 + 1·1)
    0.5

    Reference: S. S. M. Salehi et al., *Tversky loss function for image
    segmentation* (2017), https://arxiv.org/abs/1706.05721
    """

    def __init__(self, fp_weight=0.5, fn_weight=0.5, **options):
        super().__init__(**options)
        self.fp_weight = checks.real(self, "fp_weight", fp_weight, at_least=0)
        self.fn_weight = checks.real(self, "fn_weight", fn_weight, at_least=0)

    def score(self, tp, predicted, target):
        fp, fn = predicted - tp, target - tp
        return 1 - self.ratio(tp, tp + self.fp_weight * fp + self.fn_weight * fn)
