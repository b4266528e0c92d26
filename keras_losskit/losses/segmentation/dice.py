"""Dice, and what is made of it."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import safe_divide
from keras_losskit.losses.segmentation.overlap import OverlapLoss, SoftOverlapLoss


@register
class Dice(SoftOverlapLoss):
    """Dice loss: 1 - (2·Σpg + s)/(Σp + Σg + s), per class, then the class mean.

    One minus the F1 score of soft predictions; insensitive to how large the
    background is.

    Args:
        squared: use Σp² + Σg² in the denominator (V-Net's form).
        intersection: `"product"`, or `"l1"`: TP = ½·Σ(p + g - |p - g|), FP = Σp - TP,
            FN = Σg - TP. It is the same for hard targets, and for soft ones least, and
            0, at p = g (Wang 2023). Not with `squared`.
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

    Without `smooth`, a class that is absent from the target costs 1 however little of
    it is predicted (0 only for nothing at all), and nothing pulls those predictions
    down: the ratio's slope is 0. Where classes are often absent use `smooth`, which
    lets the cost fall with what is predicted, `empty="skip"`, or `over="batch"`, where
    a class is seldom absent from all images.

    | elsewhere | here |
    |---|---|
    | Keras `Dice()`, which counts all classes as one | `Dice(over="batch", smooth=1e-7)` |
    | segmentation_models `DiceLoss(per_image=False)` | `Dice(over="batch", smooth=1e-5)` |
    | segmentation_models `DiceLoss(beta=b)`, n = 1 + b² | \
`Tversky(1 / n, b**2 / n, over="batch", smooth=1e-5 / n)` |
    | segmentation_models.pytorch `DiceLoss()`, hard targets | `Dice(over="batch")`; there an \
absent class is 0 |
    | MONAI `DiceLoss()` / `DiceLoss(batch=True)` | `Dice(smooth=1e-5)` / `…(over="batch")` |
    | MONAI `DiceLoss(squared_pred=True)` | `Dice(squared=True, smooth=1e-5)` |

    With soft targets segmentation_models.pytorch takes (Σp + Σg - Σ|p - g|)/2 for Σpg.

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

    Reference: F. Milletari et al., *V-Net* (2016), https://arxiv.org/abs/1606.04797;
    for soft targets Z. Wang et al., *Dice Semimetric Losses: Optimizing the Dice Score with
    Soft Labels* (2023), https://arxiv.org/abs/2303.16296
    """

    def __init__(self, squared=False, **options):
        super().__init__(**options)
        self.squared = checks.flag(self, "squared", squared)
        if self.squared and self.intersection == "l1":
            raise ValueError(
                "Dice: `squared` does not go with `intersection='l1'`, which is 0 at p = g "
                "because Σp + Σg is in its denominator. Received: intersection='l1', "
                "squared=True"
            )

    def errors(self, p, g):
        # Σp² + Σg² = 2·Σpg + Σ(p - g)².
        return ops.square(p - g) if self.squared else super().errors(p, g)

    def slopes(self, hits, errors, p, g):
        if not self.squared:
            return super().slopes(hits, errors, p, g)
        gap = 2 * errors * (p - g)
        return hits * g + gap, hits * p - gap

    def score(self, hits, errors):
        return self.shortfall(2 * hits, errors)


@register
class LogCoshDice(SoftOverlapLoss):
    """Log-cosh Dice: log cosh(1 - mean Dice score), on the mean over classes.

    About D²/2 for a small Dice loss D: the slope fades as the overlap becomes
    good, where plain Dice keeps pulling.

    Args:
        intersection, from_logits, class_weights, ignore_class, include_background,
            over, smooth, empty: as in `Dice`.

    Without `smooth` an absent class adds 1 to the sum of which the mean is taken, and
    pulls nothing; see `Dice`.

    Call with `y_pred (B, *spatial, C)`, `y_true` class ids `(B, *spatial)` or
    rows in the shape of `y_pred`.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> y_true = [[[1.0], [1.0], [0.0], [0.0]]]
    >>> y_pred = [[[1.0], [0.0], [0.0], [0.0]]]
    >>> round(float(keras_losskit.LogCoshDice()(y_true, y_pred)), 4)    # log cosh(1/3)
    0.0546

    Reference: S. Jadon, *A survey of loss functions for semantic segmentation*
    (2020), https://arxiv.org/abs/2006.14822
    """

    def score(self, hits, errors):
        return self.shortfall(2 * hits, errors)

    def score_maps(self, p, g, mask, weights):
        dice = super().score_maps(p, g, mask, weights)
        # cosh x = 1 + 2·sinh²(x/2), which keeps its digits near 0; D is at most 1.
        e = ops.expm1(dice / 2)  # `ops.sinh` computes in float32 on JAX.
        return ops.log1p(ops.square(e + e / (e + 1)) / 2)


@register
class GeneralizedDice(OverlapLoss):
    """Generalized Dice: 1 - 2·Σ_c w_c Σpg / Σ_c w_c Σ(p + g), one ratio for all classes.

    The weights w undo the classes' sizes, so that a small structure counts as
    much as a large one.

    Args:
        weighting: `"square"`, w = 1/(Σg)²; `"simple"`, w = 1/Σg; or
            `"uniform"`, w = 1. A class absent from the target takes the largest
            weight of those present; with none present all weights are 1. With
            `over="batch"` Σg runs over the batch.
        class_weights: C factors >= 0 of the w_c; classes that
            `include_background`, `ignore_class` or `empty="skip"` exclude have 0.
        from_logits, ignore_class, include_background, over, empty: as in `Dice`.
        smooth: s >= 0, added to numerator and denominator, in the units of w·Σg.

    | elsewhere | here |
    |---|---|
    | MONAI `GeneralizedDiceLoss(w_type="square")` | `GeneralizedDice(smooth=1e-5)`; with no \
class present it is 0 there |
    | MONAI `GeneralizedDiceLoss(batch=True)` | `GeneralizedDice(over="batch", smooth=1e-5)` |

    Call with `y_pred (B, *spatial, C)`, `y_true` class ids `(B, *spatial)` or
    rows in the shape of `y_pred`.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> y_true = [[0, 0, 0, 1]]
    >>> y_pred = [[[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]]
    >>> loss = keras_losskit.GeneralizedDice(weighting="simple")
    >>> round(float(loss(y_true, y_pred)), 4)    # 1 - 2·(3/3 + 0)/(7/3 + 1/1)
    0.4

    Reference: C. H. Sudre et al., *Generalised Dice overlap as a deep learning
    loss function for highly unbalanced segmentations* (2017),
    https://arxiv.org/abs/1707.03237
    """

    def __init__(self, weighting="square", **options):
        super().__init__(**options)
        self.weighting = checks.choice(
            self, "weighting", weighting, ("square", "simple", "uniform")
        )

    def score_maps(self, p, g, mask, weights):
        hits, errors = self.counts(p, g, mask, weights)
        (target,) = self.sums((g,), mask, weights)
        shares = self.class_shares(target, target > 0)
        counted = ops.logical_and(target > 0, shares > 0)
        # In units of the largest weight, 1/(smallest Σg)^k: no power overflows.
        # By sorting: a minimum refuses a batch of none.
        smallest = ops.sort(ops.where(counted, target, float("inf")), axis=-1)[..., :1]
        smallest = ops.where(smallest < float("inf"), smallest, 1.0)
        relative = ops.where(counted, smallest / ops.where(counted, target, 1.0), 1.0)
        power = {"square": 2, "simple": 1, "uniform": 0}[self.weighting]
        w = shares * relative**power
        errors = ops.sum(w * errors, axis=-1)
        hits = ops.sum(w * 2 * hits, axis=-1)
        smooth = self.smooth * ops.squeeze(smallest, axis=-1) ** power
        return safe_divide(errors, hits + errors + smooth)
