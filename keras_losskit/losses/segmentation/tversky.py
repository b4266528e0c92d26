"""Tversky's index, and its relatives."""

from keras_losskit.core import checks
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import power
from keras_losskit.losses.segmentation.overlap import SoftOverlapLoss


@register
class Tversky(SoftOverlapLoss):
    """Tversky loss: 1 - (TP + s)/(TP + w_fp·FP + w_fn·FN + s), per class.

    Dice with separate prices for false positives and false negatives: weights
    of 0.5 are Dice, of 1 Jaccard. Raise `fn_weight` to find more of a small
    structure.

    Args:
        fp_weight, fn_weight: the prices, >= 0.
        intersection, from_logits, class_weights, ignore_class, include_background,
            over, smooth, empty: as in `Dice`.

    Without `smooth` an absent class costs 1 and pulls nothing; see `Dice`.

    Which letter is which differs between papers, so the kit uses none:

    | elsewhere | here |
    |---|---|
    | Salehi 2017, MONAI `TverskyLoss(alpha, beta)` | `fp_weight=alpha, fn_weight=beta` |
    | Keras `Tversky(alpha, beta)` until 3.15 | `fp_weight=beta, fn_weight=alpha` |
    | Keras `Tversky(alpha, beta)` from 3.16 | `fp_weight=alpha, fn_weight=beta` |
    | segmentation_models.pytorch `TverskyLoss(alpha, beta)` | `fp_weight=alpha, fn_weight=beta` |
    | Abraham 2018 (focal Tversky) | `fn_weight=alpha, fp_weight=beta` |

    Keras counts all classes as one, for the whole batch; segmentation_models.pytorch over
    the batch, equal for hard targets.

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

    @property
    def prices(self):
        return self.fp_weight, self.fn_weight


@register
class FocalTversky(Tversky):
    """Focal Tversky loss: (1 - TI)^gamma per class, TI = (TP + s)/(TP + w_fp·FP + w_fn·FN + s).

    With gamma < 1 a class that is nearly right still pulls; with gamma > 1 the
    badly predicted classes lead.

    Args:
        fp_weight, fn_weight: the prices of false positives and negatives, >= 0.
        gamma: the exponent, > 0.
        intersection, from_logits, class_weights, ignore_class, include_background,
            over, smooth, empty: as in `Dice`.

    Without `smooth` an absent class costs 1 and pulls nothing; see `Dice`.

    | elsewhere | here |
    |---|---|
    | Abraham 2018, (1 - TI)^(1/g) with g = 4/3, alpha = 0.7 | the defaults |
    | segmentation_models.pytorch `TverskyLoss(gamma=g)` | `gamma=g, over="batch"`; there the \
power is that of the class mean |

    Call with `y_pred (B, *spatial, C)`, `y_true` class ids `(B, *spatial)` or
    rows in the shape of `y_pred`.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> y_true = [[[1.0], [1.0], [0.0], [0.0]]]
    >>> y_pred = [[[1.0], [0.0], [0.0], [0.0]]]
    >>> loss = keras_losskit.FocalTversky(fp_weight=0.3, fn_weight=1.0, gamma=2.0)
    >>> float(loss(y_true, y_pred))    # (1 - 1/(1 + 0.3·0 + 1·1))²
    0.25

    Reference: N. Abraham, N. M. Khan, *A Novel Focal Tversky Loss Function with
    Improved Attention U-Net for Lesion Segmentation* (2018),
    https://arxiv.org/abs/1810.07842
    """

    def __init__(self, fp_weight=0.3, fn_weight=0.7, gamma=0.75, **options):
        super().__init__(fp_weight=fp_weight, fn_weight=fn_weight, **options)
        self.gamma = checks.real(self, "gamma", gamma, above=0)

    def score(self, hits, errors):
        # With gamma < 1 the slope grows without bound towards 1 - TI = 0. There,
        # and only there, `power` gives 0: a subgradient, for it is the minimum.
        return power(super().score(hits, errors), self.gamma)


@register
class Jaccard(SoftOverlapLoss):
    """Jaccard loss: 1 - (Σpg + s)/(Σp + Σg - Σpg + s), per class, then the class mean.

    One minus intersection over union of soft predictions. Between hard masks it
    is 2D/(1 + D) for a Dice loss of D: the same order, with a higher price for
    a poor overlap.

    Args:
        intersection, from_logits, class_weights, ignore_class, include_background,
            over, smooth, empty: as in `Dice`.

    Without `smooth` an absent class costs 1 and pulls nothing; see `Dice`.

    | elsewhere | here |
    |---|---|
    | segmentation_models `JaccardLoss(per_image=False)` | `Jaccard(over="batch", smooth=1e-5)` |
    | segmentation_models.pytorch `JaccardLoss()`, hard targets | `Jaccard(over="batch")`; there \
an absent class is 0 |
    | pytorch-toolbelt `JaccardLoss()` | as segmentation_models.pytorch, for soft targets too |
    | MONAI `DiceLoss(jaccard=True)` | `Jaccard(smooth=5e-6)` |

    Call with `y_pred (B, *spatial, C)`, `y_true` class ids `(B, *spatial)` or
    rows in the shape of `y_pred`.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> y_true = [[[1.0], [1.0], [0.0], [0.0]]]
    >>> y_pred = [[[1.0], [0.0], [0.0], [0.0]]]
    >>> float(keras_losskit.Jaccard()(y_true, y_pred))    # 1 - 1/(1 + 2 - 1)
    0.5

    Reference: M. A. Rahman, Y. Wang, *Optimizing Intersection-Over-Union in Deep
    Neural Networks for Image Segmentation* (2016),
    https://doi.org/10.1007/978-3-319-50835-1_22
    """
