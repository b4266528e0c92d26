"""The exponential logarithmic loss."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.kernels import at_least
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import power, safe_divide, safe_log, softplus
from keras_losskit.core.softmax import held, log_softmax, shares
from keras_losskit.losses.segmentation.overlap import OverlapLoss


@register
class ExponentialLogarithmic(OverlapLoss):
    """a·mean_c (-log Dice_c)^gamma + b·mean over positions of w·(-log p_t)^gamma.

    For structures of very different sizes: the logarithm of Dice pulls hard at
    classes that are missed, the exponent below 1 also at those nearly right.

    Args:
        dice_weight: a >= 0.
        ce_weight: b >= 0.
        gamma: the exponent of both terms, > 0.
        class_weights: C weights >= 0 of the class mean, and of the positions
            of each class in the second term (the paper takes the square root of
            one over the class's frequency, and only there); by default 1. With
            C = 1 it is the foreground's.
        from_logits, ignore_class, smooth: as in `Dice`.
        include_background, empty: as in `Dice`; they concern the first term.
        over: as in `Dice`; with `"batch"` the second term is the weighted mean
            over the positions of the batch.

    Below `keras.config.epsilon()` logarithms go on along their tangent: a class
    that is missed altogether still has a finite value and gradient.
    Without `smooth` so does an absent class of which anything is predicted: it costs
    17.1^gamma, and pulls nothing in the first term; see `Dice`.
    Probabilities are renormalised to p/Σp in the second term, as in
    `CategoricalCrossentropy`.

    Call with `y_pred (B, *spatial, C)`, `y_true` class ids `(B, *spatial)` or
    rows in the shape of `y_pred`.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> y_true = [[[1.0], [1.0]]]
    >>> y_pred = [[[0.5], [0.5]]]
    >>> loss = keras_losskit.ExponentialLogarithmic(gamma=1.0)
    >>> round(float(loss(y_true, y_pred)), 4)    # 0.8·-log(2·1/(1 + 2)) + 0.2·log 2
    0.463

    Reference: K. C. L. Wong et al., *3D Segmentation with Exponential
    Logarithmic Loss for Highly Unbalanced Object Sizes* (2018),
    https://arxiv.org/abs/1809.00076
    """

    def __init__(self, dice_weight=0.8, ce_weight=0.2, gamma=0.3, **options):
        super().__init__(**options)
        self.dice_weight = checks.real(self, "dice_weight", dice_weight, at_least=0)
        self.ce_weight = checks.real(self, "ce_weight", ce_weight, at_least=0)
        self.gamma = checks.real(self, "gamma", gamma, above=0)

    def call(self, y_true, y_pred, mask=None, sample_weight=None):
        dice = super().call(y_true, y_pred, mask, sample_weight)
        g = self.dense_targets(y_true, y_pred)
        values = ops.sum(self.position_terms(g, y_pred), axis=-1, keepdims=True)
        if y_pred.shape[-1] == 1:
            values = values + self.term(1 - g, self.minus_log(y_pred, -1))
        crossentropy = ops.squeeze(self.means(values, mask, sample_weight), axis=-1)
        return self.dice_weight * dice + self.ce_weight * crossentropy

    def score(self, hits, errors):
        shortfall = self.shortfall(2 * hits, errors)
        found = safe_divide(2 * hits + self.smooth, 2 * hits + errors + self.smooth)
        # Each logarithm where it keeps its digits. With gamma < 1 the slope grows
        # without bound towards Dice = 1; at 1, the minimum, `power` gives 0.
        near = shortfall < 0.5
        x = ops.where(
            near,
            -ops.log1p(-ops.where(near, shortfall, 0)),
            -safe_log(ops.where(near, 1, found)),
        )
        return power(at_least(x, 0), self.gamma)

    def position_terms(self, g, y_pred):
        """w_c·g_c·(-log p_c)^gamma of every class at every position."""
        terms = self.term(g, self.minus_log(y_pred))
        w = self.weights_per_class(terms.dtype)
        return terms if w is None else w * terms

    def term(self, g, minus_log):
        # Where the target is 0 the power, which may be infinite, is not taken.
        return g * power(ops.where(g == 0, 0, minus_log), self.gamma)

    def minus_log(self, y_pred, sign=1):
        """-log p, >= 0; for `sign=-1` and one channel, -log(1 - p).

        From logits its slope vanishes with it, in proportion: the slope of the
        power, gamma·x^(gamma - 1), times it has the limit 0 at x = 0.
        """
        if y_pred.shape[-1] == 1:
            if self.from_logits:
                return softplus(-sign * held(y_pred))
            log_p = safe_log(y_pred if sign == 1 else 1 - y_pred)
        elif self.from_logits:
            log_p = log_softmax(y_pred)
        else:
            log_p = safe_log(shares(y_pred))
        return at_least(-log_p, 0)
