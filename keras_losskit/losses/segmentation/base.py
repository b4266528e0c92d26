"""What the overlap losses share: probabilities, counts, and the mean over classes."""

import numpy as np
from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.labelled import LabelledLoss
from keras_losskit.core.numerics import safe_divide
from keras_losskit.core.reduction import align_left, fill


class OverlapLoss(LabelledLoss):
    """Base of losses on ratios of counts, per class.

    A subclass writes `score(tp, predicted, target)`: the loss of each class
    from Σpg, Σp and Σg. Everything shared is here.

    Args:
        from_logits: whether `y_pred` holds logits: sigmoid for C = 1, else
            softmax. Probabilities are taken as they are.
        class_weights: C weights w >= 0 of the class mean Σ w·ℓ / Σ w.
        ignore_class: positions with this id are left out of every count; an id
            in [0, C) also leaves the class mean.
        include_background: whether class 0 is in the class mean (C > 1).
        over: `"sample"`: counts per sample and class, values `(B,)`.
            `"batch"`: counts run over the batch too, each sample's weighted by
            `sample_weight`, and the value is one number.
        smooth: s >= 0, added to numerator and denominator.
        empty: a class absent from the target is scored as the formula says
            (`"score"`: absent and not predicted is perfect), or left out of the
            class mean (`"skip"`).
    """

    def __init__(
        self,
        *,
        from_logits=False,
        class_weights=None,
        ignore_class=None,
        include_background=True,
        over="sample",
        smooth=0.0,
        empty="score",
        **common,
    ):
        super().__init__(
            from_logits=from_logits,
            class_weights=class_weights,
            ignore_class=ignore_class,
            **common,
        )
        self.include_background = checks.flag(
            self, "include_background", include_background
        )
        self.over = checks.choice(self, "over", over, ("sample", "batch"))
        self.smooth = checks.real(self, "smooth", smooth, at_least=0)
        self.empty = checks.choice(self, "empty", empty, ("score", "skip"))

    @property
    def applies_weights(self):
        return self.over == "batch"

    def prepare(self, y_true, y_pred):
        if len(y_pred.shape) < 2 or y_pred.shape[-1] is None:
            raise ValueError(
                f"{self.name}: y_pred of shape {tuple(y_pred.shape)} has no known class "
                "axis. It must be (B, *spatial, C), C = 1 for a binary foreground."
            )
        return super().prepare(y_true, y_pred)

    def probabilities(self, y_pred):
        """Sigmoid for one channel, softmax for more, or what came."""
        if not self.from_logits:
            return y_pred
        if y_pred.shape[-1] == 1:
            return ops.sigmoid(y_pred)
        return ops.softmax(y_pred, axis=-1)

    def counts(self, p, g, mask, weights):
        """Σpg, Σp, Σg per sample and class, or per class over the batch."""
        p, g = fill((p, g), mask)
        axes = tuple(range(1, len(p.shape) - 1))
        if self.over == "batch":
            axes = (0, *axes)
        if weights is not None:  # Only over the batch; see `applies_weights`.
            weights = align_left(weights, len(p.shape))
            return tuple(ops.sum(weights * x, axis=axes) for x in (p * g, p, g))
        return tuple(ops.sum(x, axis=axes) if axes else x for x in (p * g, p, g))

    def ratio(self, numerator, denominator):
        """(n + s)/(d + s), and 1, a perfect score, where both are empty."""
        n, d = numerator + self.smooth, denominator + self.smooth
        return ops.where(d == 0, ops.ones_like(n), safe_divide(n, d))

    def class_mean(self, per_class, target):
        """Σ w·ℓ / Σ w over the classes that count; 0 where none does."""
        w = ops.convert_to_tensor(
            self._class_factors(per_class.shape[-1]), dtype=per_class.dtype
        )
        if self.empty == "skip":
            w = ops.where(target > 0, w, ops.zeros_like(target))
        total = ops.sum(w, axis=-1)
        return safe_divide(ops.sum(w * per_class, axis=-1), total)

    def _class_factors(self, classes):
        factors = np.ones(classes) if self.class_weights is None else np.array(
            self.class_weights, dtype="float64"
        )
        if classes > 1 and not self.include_background:
            factors[0] = 0
        if classes > 1 and self.ignore_class is not None:
            if 0 <= self.ignore_class < classes:
                factors[self.ignore_class] = 0
        return factors

    def call(self, y_true, y_pred, mask=None, sample_weight=None):
        g = self.dense_targets(y_true, y_pred)
        p = self.probabilities(y_pred)
        tp, predicted, target = self.counts(p, g, mask, sample_weight)
        return self.class_mean(self.score(tp, predicted, target), target)

    def score(self, tp, predicted, target):
        """The loss of each class from its counts Σpg, Σp, Σg."""
        raise NotImplementedError
