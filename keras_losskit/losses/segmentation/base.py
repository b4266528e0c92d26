"""What the segmentation losses share: probabilities, sums, and the class mean."""

from dataclasses import replace

import numpy as np
from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.labelled import LabelledLoss
from keras_losskit.core.numerics import mean, safe_divide, sum_over
from keras_losskit.core.reduction import align_left, fill
from keras_losskit.core.softmax import softmax
from keras_losskit.core.takes import Takes


class SegmentationLoss(LabelledLoss):
    """Base of losses between maps, scored per class.

    A subclass writes `per_class(p, g, mask, weights)`, which returns a pair: the loss
    of each class and whether it is present in the target, both `(B, C)`, or `(C,)` over
    the batch. Where `skips_absent` is False the second may be `None`. Everything shared
    is here.

    Args:
        from_logits: whether `y_pred` holds logits: sigmoid for C = 1, else
            softmax. Probabilities are taken as they are.
        class_weights: C weights w >= 0 of the class mean Σ w·ℓ / Σ w.
        ignore_class: positions with this id are left out of every sum; an id
            in [0, C) also leaves the class mean.
        include_background: whether class 0 is in the class mean (C > 1).
        over: `"sample"`: sums per sample and class, values `(B,)`.
            `"batch"`: sums run over the batch too, each sample's weighted by
            `sample_weight`, and the value is one number.
        empty: a class absent from the target is scored as the formula says
            (`"score"`), or left out of the class mean (`"skip"`).
    """

    takes = Takes("classes", "probabilities", "maps")
    weighs_positions = True

    def __init__(
        self,
        *,
        from_logits=False,
        class_weights=None,
        ignore_class=None,
        include_background=True,
        over="sample",
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
        self.empty = checks.choice(self, "empty", empty, ("score", "skip"))
        if self.over == "batch":
            self.takes = replace(self.takes, in_batch=True)

    @property
    def applies_weights(self):
        return self.over == "batch"

    def probabilities(self, y_pred):
        """Sigmoid for one channel, softmax for more, or what came."""
        if not self.from_logits:
            return y_pred
        if y_pred.shape[-1] == 1:
            return ops.sigmoid(y_pred)
        return softmax(y_pred)

    def call(self, y_true, y_pred, mask=None, sample_weight=None):
        g = self.dense_targets(y_true, y_pred)
        p = self.probabilities(y_pred)
        return self.score_maps(p, g, mask, sample_weight)

    def score_maps(self, p, g, mask, weights):
        """The values, from maps of probabilities and of class shares."""
        per_class, present = self.per_class(p, g, mask, weights)
        return self.class_mean(per_class, present)

    def per_class(self, p, g, mask, weights):
        """The loss of each class, and whether each is present in the target (or `None`)."""
        raise NotImplementedError

    def present(self, g, mask, weights):
        """Which classes the target has, or `None` where it does not matter."""
        return self.sums((g,), mask, weights)[0] > 0 if self.skips_absent else None

    def sums(self, maps, mask, weights):
        """Each map's sum per sample and class, or per class over the batch.

        `weights` of positions multiply what each adds; those of samples come only
        over the batch, and then multiply a sample's sum.
        """
        return [self.over_batch(_sum_of(fill(x, mask), weights), weights) for x in maps]

    def over_batch(self, sums, weights):
        """Sums per sample `(B, C)` as they are, or weighed and summed over the batch."""
        if self.over == "sample":
            return sums
        if weights is not None and len(weights.shape) == 1:
            sums = ops.expand_dims(weights, -1) * sums
        return ops.sum(sums, axis=0)

    def means(self, x, mask, weights):
        """The map's mean over the positions that exist, where `sums` has sums."""
        if mask is None and weights is None:
            return mean(x, tuple(range(self.over == "sample", len(x.shape) - 1)))
        return safe_divide(*self.sums((x, ops.ones_like(x[..., :1])), mask, weights))

    def class_mean(self, per_class, present):
        """Σ w·ℓ / Σ w over the classes that count; 0 where none does."""
        if not self.skips_absent:  # The shares are known beforehand.
            factors = self.class_factors(per_class.shape[-1])
            if len(factors) == 1 and factors[0] > 0:
                return ops.squeeze(per_class, axis=-1)
            shares = ops.convert_to_tensor(factors / max(factors.sum(), 1e-30), per_class.dtype)
            return ops.sum(shares * per_class, axis=-1)
        w = self.class_shares(per_class, present)
        return safe_divide(ops.sum(w * per_class, axis=-1), ops.sum(w, axis=-1))

    def class_shares(self, like, present):
        """How much each class counts, in the shape of `like`."""
        w = ops.convert_to_tensor(self.class_factors(like.shape[-1]), dtype=like.dtype)
        w = w * ops.ones_like(like)
        return fill(w, present) if self.skips_absent else w

    @property
    def skips_absent(self):
        """Whether a class absent from the target leaves the class mean."""
        return self.empty == "skip"

    def class_factors(self, classes):
        """`class_weights`, with 0 for the classes that the options exclude."""
        factors = np.ones(classes) if self.class_weights is None else np.array(
            self.class_weights, dtype="float64"
        )
        if classes > 1 and not self.include_background:
            factors[0] = 0
        if classes > 1 and self.ignore_class is not None:
            if 0 <= self.ignore_class < classes:
                factors[self.ignore_class] = 0
        return factors


def positions_of(mask, like):
    """`mask`, aligned from the left, in the shape of `like`."""
    return ops.logical_and(align_left(mask, len(like.shape)), ops.ones_like(like, dtype="bool"))


def _sum_of(x, weights=None):
    """Sums over all but the first and the last axis, with the positions' weights."""
    if weights is not None and len(weights.shape) > 1:
        x = align_left(weights, len(x.shape)) * x
    return sum_over(x, range(1, len(x.shape) - 1))


class SmoothedLoss(SegmentationLoss):
    """Base of those whose quotients take a smoothing term.

    Args:
        smooth: s >= 0, added to numerator and denominator. Without it, absent
            and not predicted (0/0) is perfect, and absent but predicted costs all
            there is, with a slope of 0.
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
            include_background=include_background,
            over=over,
            empty=empty,
            **common,
        )
        self.smooth = checks.real(self, "smooth", smooth, at_least=0)
