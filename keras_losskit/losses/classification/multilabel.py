"""Asymmetric loss on several labels at once."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.kernels import at_least
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import power, safe_log, softplus
from keras_losskit.core.softmax import held
from keras_losskit.losses.classification.base import BinaryLoss


@register
class AsymmetricMultiLabel(BinaryLoss):
    """Asymmetric loss: -(g·(1-p)^a·log p + (1-g)·q^b·log(1-q)), q = max(p - clip, 0).

    For images with a few of many labels: negatives, of which there are many,
    are turned down more than positives (b > a), and those with p <= `clip` are
    dropped. A negative with p near 1 costs at most -log(clip), with little
    gradient there: it may be a label that was forgotten.

    Args:
        gamma_pos: a >= 0, the focusing power of positives.
        gamma_neg: b >= 0, the focusing power of negatives.
        clip: in [0, 1): shifts the probability of negatives; 0 shifts nothing.
        from_logits: whether `y_pred` holds logits rather than probabilities.
        label_smoothing: s in [0, 1]: targets become (1 - s)·g + s/2.
        missing: as in `BinaryCrossentropy`.

    | elsewhere | here |
    |---|---|
    | the authors' `AsymmetricLoss()`, timm's before 1.0.31: summed over D labels and the batch | \
`D * AsymmetricMultiLabel(gamma_pos=1, from_logits=True, reduction="sum")` |
    | timm `AsymmetricLossMultiLabel()` since 1.0.31: `reduction="batchmean"` | \
`D * AsymmetricMultiLabel(gamma_pos=1, from_logits=True)` |

    Both can stop the gradient through the focusing factors; here it flows.

    Call with `y_true`, `y_pred` `(B, …, D)`; values `(B, …)`, the mean over the
    last axis. Integer class ids `(B, …)` for D > 1 are one-hot encoded.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.AsymmetricMultiLabel(gamma_neg=2.0, clip=0.1)
    >>> round(float(loss([[0.0]], [[0.6]])), 4)    # -0.5²·log 0.5
    0.1733

    Reference: T. Ridnik et al., *Asymmetric Loss For Multi-Label Classification*
    (2021), https://arxiv.org/abs/2009.14119
    """

    def __init__(
        self, gamma_pos=0.0, gamma_neg=4.0, clip=0.05, from_logits=False, **common
    ):
        super().__init__(from_logits=from_logits, **common)
        self.gamma_pos = checks.real(self, "gamma_pos", gamma_pos, at_least=0)
        self.gamma_neg = checks.real(self, "gamma_neg", gamma_neg, at_least=0)
        self.clip = checks.real(self, "clip", clip, at_least=0, below=1)

    def each(self, y_true, y_pred):
        g = y_true
        if self.from_logits:
            y_pred = held(y_pred)
            p, miss = ops.sigmoid(y_pred), ops.sigmoid(-y_pred)
            log_p = -softplus(-y_pred)
        else:
            p, miss = y_pred, 1 - y_pred
            log_p = safe_log(p)
        shifted = at_least(p - self.clip, 0)
        if self.from_logits and not self.clip:
            log_miss = -softplus(y_pred)
        else:  # With clip > 0 the logarithm's argument is never below it.
            log_miss = safe_log(1 - shifted)
        positive = g * power(at_least(miss, 0), self.gamma_pos) * log_p
        negative = (1 - g) * power(shifted, self.gamma_neg) * log_miss
        return -(positive + negative)
