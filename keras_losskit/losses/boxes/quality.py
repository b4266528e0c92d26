"""Focal losses whose target is the quality of a detection, between 0 and 1."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.elementwise import ElementwiseLoss
from keras_losskit.core.kernels import absolute
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import power
from keras_losskit.core.takes import Takes
from keras_losskit.losses.classification.crossentropy import binary_crossentropy


class QualityLoss(ElementwiseLoss):
    """Base of losses between a quality in [0, 1] and a probability or logit.

    Args:
        from_logits: whether `y_pred` holds logits rather than probabilities.
    """

    takes = Takes("probability", "probabilities")

    def __init__(self, *, from_logits=False, **common):
        super().__init__(**common)
        self.from_logits = checks.flag(self, "from_logits", from_logits)

    def probability(self, y_pred):
        return ops.sigmoid(y_pred) if self.from_logits else y_pred


@register
class QualityFocal(QualityLoss):
    """Quality focal loss: |q - p|^beta·BCE(q, p).

    Focal loss for soft targets: q is the quality (the IoU, say) of a positive, 0
    of a negative. With q of 0 or 1 it is `BinaryFocalCrossentropy(gamma=beta)`.

    Args:
        beta: the focusing power, >= 0; 0 is plain cross-entropy.
        from_logits: whether `y_pred` holds logits rather than probabilities.

    Call with `y_true`, `y_pred` `(B, …, D)`; values `(B, …)`, the mean over the
    last axis.

    Raises:
        ValueError: for `beta` < 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.QualityFocal(beta=2.0)
    >>> round(float(loss([[1.0]], [[0.5]])), 4)    # 0.5²·log 2
    0.1733

    Reference: X. Li et al., *Generalized Focal Loss: Learning Qualified and Distributed
    Bounding Boxes for Dense Object Detection* (2020), https://arxiv.org/abs/2006.04388
    """

    def __init__(self, beta=2.0, from_logits=False, **common):
        super().__init__(from_logits=from_logits, **common)
        self.beta = checks.real(self, "beta", beta, at_least=0)

    def each(self, y_true, y_pred):
        q = y_true
        if self.from_logits:  # Without the subtraction that would cancel near 1.
            miss = q * ops.sigmoid(-y_pred) - (1 - q) * ops.sigmoid(y_pred)
        else:
            miss = q - y_pred
        focus = power(absolute(miss), self.beta)
        return focus * binary_crossentropy(q, y_pred, self.from_logits)


@register
class Varifocal(QualityLoss):
    """Varifocal loss: q·BCE(q, p) where q > 0, else -alpha·p^gamma·log(1 - p).

    Turns easy negatives down, but weighs positives by their quality q, the IoU
    that the score is to predict.

    Args:
        alpha: weight of the negatives, >= 0.
        gamma: the focusing power on negatives, >= 0.
        from_logits: whether `y_pred` holds logits rather than probabilities.

    Call with `y_true`, `y_pred` `(B, …, D)`; values `(B, …)`, the mean over the
    last axis.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.Varifocal(alpha=0.75, gamma=2.0)
    >>> values = loss([[0.5], [0.0]], [[0.5], [0.5]])    # 0.5·log 2, 0.75·0.5²·log 2
    >>> round(float(values), 4)
    0.2383

    Reference: H. Zhang et al., *VarifocalNet: An IoU-aware Dense Object Detector* (2021),
    https://arxiv.org/abs/2008.13367
    """

    def __init__(self, alpha=0.75, gamma=2.0, from_logits=False, **common):
        super().__init__(from_logits=from_logits, **common)
        self.alpha = checks.real(self, "alpha", alpha, at_least=0)
        self.gamma = checks.real(self, "gamma", gamma, at_least=0)

    def each(self, y_true, y_pred):
        q = y_true
        negative = self.alpha * power(self.probability(y_pred), self.gamma)
        weight = ops.where(q > 0, q, negative)
        return weight * binary_crossentropy(q, y_pred, self.from_logits)
