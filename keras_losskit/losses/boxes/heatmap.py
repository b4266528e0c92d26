"""Heat maps with a peak at the center of each object."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.kernels import at_least
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import power, safe_log, softplus
from keras_losskit.core.reduction import fill
from keras_losskit.losses.boxes.quality import QualityLoss


@register
class CenterNetFocal(QualityLoss):
    """Penalty-reduced focal loss on heat maps, summed and divided by the peaks.

    A peak, y = 1, costs -(1 - p)^alpha·log p, any other place
    -(1 - y)^beta·p^alpha·log(1 - p): around a peak, where y is near 1, a wrong
    center is nearly right.

    Args:
        alpha: the focusing power, >= 0.
        beta: how fast the neighbourhood of a peak is forgiven, >= 0.
        from_logits: whether `y_pred` holds logits rather than probabilities.

    | elsewhere | here |
    |---|---|
    | CenterNet, CornerNet: one sum, divided by the batch's peaks | `sample_weight` = each \
sample's peaks, `reduction="mean_with_sample_weight"`, if every sample has one |

    Call with `y_true`, `y_pred` `(B, …, C)`; values `(B,)`: the sum over places
    and classes, divided by the number of peaks in the sample, or by 1 if it has
    none. Masked places are left out.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.CenterNetFocal()
    >>> value = loss([[1.0, 0.5]], [[0.5, 0.5]])    # (0.5² + 0.5⁴·0.5²)·log 2 / 1
    >>> round(float(value), 4)
    0.1841

    References: H. Law, J. Deng, *CornerNet: Detecting Objects as Paired Keypoints* (2018),
    https://arxiv.org/abs/1808.01244; X. Zhou, D. Wang, P. Krähenbühl, *Objects as Points*
    (2019), https://arxiv.org/abs/1904.07850
    """

    def __init__(self, alpha=2.0, beta=4.0, from_logits=False, **common):
        super().__init__(from_logits=from_logits, **common)
        self.alpha = checks.real(self, "alpha", alpha, at_least=0)
        self.beta = checks.real(self, "beta", beta, at_least=0)

    def call(self, y_true, y_pred, mask=None):
        peak = y_true == 1
        # How wrong each place is: 1 - p where there is a peak, else p.
        if self.from_logits:
            logit = ops.where(peak, -y_pred, y_pred)
            miss, crossentropy = ops.sigmoid(logit), softplus(logit)
        else:
            miss = ops.where(peak, 1 - y_pred, y_pred)
            crossentropy = -safe_log(ops.where(peak, y_pred, 1 - y_pred))
        forgiven = ops.where(peak, 1, power(at_least(1 - y_true, 0), self.beta))
        each = forgiven * power(miss, self.alpha) * crossentropy
        peaks = at_least(_per_sample(fill(ops.cast(peak, each.dtype), mask)), 1)
        return _per_sample(fill(each, mask)) / peaks


def _per_sample(x):
    axes = tuple(range(1, len(x.shape)))
    return ops.sum(x, axis=axes) if axes else x
