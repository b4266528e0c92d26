"""Counts of hits and errors: what Dice, Jaccard and Tversky are made of."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.backend import with_gradient
from keras_losskit.core.kernels import absolute, plus_product_of, times_plus, widened
from keras_losskit.core.numerics import safe_divide, sum_over
from keras_losskit.core.reduction import fill
from keras_losskit.losses.segmentation.base import SmoothedLoss


class OverlapLoss(SmoothedLoss):
    """Base of losses on ratios of counts, per class.

    The counts are hits, Σpg, and errors, w_fp·Σp(1 - g) + w_fn·Σ(1 - p)g; both
    prices w are 1 unless a subclass says otherwise. `score(hits, errors)` makes
    the loss of each class from them: `shortfall` of both, or of multiples.
    """

    prices = (1, 1)  # Of a false positive, and of a false negative.

    def per_class(self, p, g, mask, weights):
        return self.score(*self.counts(p, g, mask, weights)), self.present(g, mask, weights)

    def counts(self, p, g, mask, weights):
        """Hits and errors, summed as by `sums`."""
        # Where both are 0 nothing is counted.
        p, g = fill((p, g), mask)
        if weights is not None and len(weights.shape) > 1:
            return self.sums((self.hits(p, g), self.errors(p, g)), None, weights)

        alone = p.shape[-1] == 1
        if alone:  # XLA on a CPU does not vectorise along an axis of 1.
            p, g = ops.squeeze(p, axis=-1), ops.squeeze(g, axis=-1)
        # Where all samples count alike, one number goes back to all of them.
        whole = alone and self.over == "batch" and weights is None
        axes = range(1, len(p.shape) - (not alone))

        def sums(p, g):
            each = [sum_over(make(p, g), axes) for make in (self.hits, self.errors)]
            return tuple(self.over_batch(x, None) if whole else x for x in each)

        def gradient(hits, errors, p, g):
            return self.slopes(*(widened(_spread(x, p), p) for x in (hits, errors)), p, g)

        counts = with_gradient(sums, gradient, p, g, eager=True)
        counts = [x[..., None] if alone else x for x in counts]
        return counts if whole else [self.over_batch(x, weights) for x in counts]

    def hits(self, p, g):
        """The hits at each position."""
        return p * g

    def errors(self, p, g):
        """The errors at each position, fp·p·(1 - g) + fn·(1 - p)·g."""
        fp, fn = self.prices
        return plus_product_of(g if fn == 1 else fn * g, p, times_plus(g, -(fp + fn), fp))

    def slopes(self, hits, errors, p, g):
        """The gradients by p and g from those by the sums of hits and errors."""
        fp, fn = self.prices
        both = hits - (fp + fn) * errors
        return tuple(
            lambda price=price, x=x: plus_product_of(price * errors, both, x)
            for price, x in ((fp, g), (fn, p))
        )

    def score(self, hits, errors):
        """The loss of each class from its counts."""
        return self.shortfall(hits, errors)

    def shortfall(self, hits, errors):
        """1 - (hits + s)/(hits + errors + s), without the subtraction's rounding.

        0, a perfect score, where there are neither hits nor errors.
        """
        return safe_divide(errors, hits + errors + self.smooth, bound=self.smooth)


class SoftOverlapLoss(OverlapLoss):
    """Base of overlap losses that can be exact for soft targets.

    Args:
        intersection: `"product"`, Σpg; or `"l1"`, ½·Σ(p + g - |p - g|).
    """

    def __init__(self, *, intersection="product", **options):
        super().__init__(**options)
        self.intersection = checks.choice(
            self, "intersection", intersection, ("product", "l1")
        )

    # The smaller of p and g, and what either has more than the other: the sums of the
    # formula, without their differences.

    def hits(self, p, g):
        if self.intersection == "product":
            return super().hits(p, g)
        # Of a tie both have half the slope.
        return 0.5 * (ops.where(p < g, p, g) + ops.where(g < p, g, p))

    def errors(self, p, g):
        if self.intersection == "product":
            return super().errors(p, g)
        fp, fn = self.prices
        if fp == fn:
            return fp * absolute(p - g)
        return fp * ops.relu(p - g) + fn * ops.relu(g - p)

    def slopes(self, hits, errors, p, g):
        if self.intersection == "product":
            return super().slopes(hits, errors, p, g)
        fp, fn = self.prices
        sign = ops.sign(p - g)
        price = fp * sign if fp == fn else ops.where(p > g, fp * sign, fn * sign)
        half, errors = 0.5 * hits, errors * price
        return half - half * sign + errors, half + half * sign - errors


def _spread(x, over):
    """`(B, C)` as `(B, 1, …, C)`, `(B,)` as `(B, 1, …)`, in the rank of `over`."""
    if not len(x.shape):
        return x
    for _ in range(len(over.shape) - len(x.shape)):
        x = ops.expand_dims(x, 1)
    return x
