"""Focal cross-entropy, binary and categorical."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.backend import with_gradient
from keras_losskit.core.kernels import at_least, between
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import log1p, power, power_slope
from keras_losskit.core.softmax import NOTHING
from keras_losskit.losses.classification.base import BinaryLoss, CategoricalLoss
from keras_losskit.losses.classification.crossentropy import binary_crossentropy


@register
class BinaryFocalCrossentropy(BinaryLoss):
    """Binary focal loss: a·(1 - p_t)^gamma·BCE(g, p), p_t = g·p + (1-g)(1-p).

    Cross-entropy in which easy examples (p_t near 1) are turned down. From
    logits both factors are computed from the logit itself, so that value and
    gradient stay informative where the model is confidently wrong, on every
    backend.

    Args:
        gamma: the focusing power, >= 0; 0 is plain cross-entropy.
        alpha: in [0, 1]: weight of positives, 1 - alpha of negatives; `None`
            weighs nothing.
        from_logits: whether `y_pred` holds logits rather than probabilities.
        label_smoothing: s in [0, 1]: targets become (1 - s)·g + s/2.
        missing: as in `BinaryCrossentropy`.

    | elsewhere | here |
    |---|---|
    | Keras `BinaryFocalCrossentropy(apply_class_balancing=True, alpha=a)` | `alpha=a` |
    | Keras `BinaryFocalCrossentropy()` | `alpha=None` |
    | TFA `SigmoidFocalCrossEntropy()`: the sum over the last axis, D long | \
`D * BinaryFocalCrossentropy(alpha=0.25)` |

    Call with `y_true`, `y_pred` `(B, …, D)`; values `(B, …)`, the mean over the
    last axis.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.BinaryFocalCrossentropy(gamma=2.0)
    >>> round(float(loss([[1.0]], [[0.5]])), 4)    # 0.5²·log 2
    0.1733

    Reference: T.-Y. Lin et al., *Focal Loss for Dense Object Detection* (2017),
    https://arxiv.org/abs/1708.02002
    """

    def __init__(
        self, gamma=2.0, alpha=None, from_logits=False, label_smoothing=0.0, **common
    ):
        super().__init__(
            from_logits=from_logits, label_smoothing=label_smoothing, **common
        )
        self.gamma = checks.real(self, "gamma", gamma, at_least=0)
        self.alpha = checks.optional_real(self, "alpha", alpha, at_least=0, at_most=1)

    def each(self, y_true, y_pred):
        g = y_true
        if self.from_logits:
            values = focal_of_logits(g, y_pred, self.gamma)
        else:
            # 1 - p_t, without the subtraction that would cancel near p_t = 1.
            miss = g * (1 - y_pred) + (1 - g) * y_pred
            values = power(miss, self.gamma) * binary_crossentropy(g, y_pred, False)
        if self.alpha is not None:
            values = (g * self.alpha + (1 - g) * (1 - self.alpha)) * values
        return values


def focal_of_logits(g, z, gamma):
    """m^gamma·b, elementwise: m = 1 - p_t, b the cross-entropy, from one exponential."""

    def parts(g, z):
        high = z >= 0
        small = ops.exp(ops.where(high, -z, z))  # exp(-|z|), with a slope at 0.
        p, q = 1 / (1 + small), small / (1 + small)
        p, q = ops.where(high, p, q), ops.where(high, q, p)
        miss = g * q + (1 - g) * p
        z = at_least(z, NOTHING)  # 0 times -inf is 0.
        return p, q, miss, ops.where(high, z, 0) - g * z + log1p(small)

    def value(g, z):
        _, _, miss, crossentropy = parts(g, z)
        return power(miss, gamma) * crossentropy

    def gradient(up, g, z):
        p, q, miss, crossentropy = parts(g, z)
        raised = power(miss, gamma)
        steep = power_slope(miss, gamma) * crossentropy
        by_z = (1 - 2 * g) * p * q * steep + raised * (p - g)
        return up * ((q - p) * steep - raised * at_least(z, NOTHING)), up * by_z

    def in_few(g, z):
        z = at_least(z, NOTHING)
        miss = between(ops.sigmoid(z), ops.sigmoid(-z), g)
        return -power(miss, gamma) * between(ops.log_sigmoid(-z), ops.log_sigmoid(z), g)

    return with_gradient(value, gradient, g, z, symmetric=True, in_few=in_few)


@register
class CategoricalFocalCrossentropy(CategoricalLoss):
    """Categorical focal loss: -Σ_c w_c·g_c·(1 - p_c)^gamma·log p_c.

    Cross-entropy in which classes that are already well predicted are turned
    down. Takes class ids and rows alike.

    Args:
        gamma: the focusing power, >= 0; 0 is plain cross-entropy.
        class_weights: C weights >= 0 (the paper's alpha, one per class).
        from_logits: whether `y_pred` holds logits rather than probabilities.
        label_smoothing: s in [0, 1]: targets become (1 - s)·g + s/C.
        ignore_class: an id whose positions count nowhere, say 255 or -1.

    | elsewhere | here |
    |---|---|
    | Keras `CategoricalFocalCrossentropy(alpha=0.25)` | `0.25 * CategoricalFocalCrossentropy()` |
    | Keras `…(alpha=[a0, a1, …])` | `class_weights=[a0, a1, …]` |
    | segmentation_models `CategoricalFocalLoss(alpha=0.25)`, the mean over classes too | \
`0.25 / C * CategoricalFocalCrossentropy()` |

    Call with `y_true` `(B, …)`, `(B, …, 1)` or `(B, …, C)`, `y_pred`
    `(B, …, C)`; values `(B, …)`.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or (where
            values can be seen) an id outside [0, C).

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.CategoricalFocalCrossentropy(gamma=2.0)
    >>> round(float(loss([1], [[0.5, 0.5]])), 4)    # 0.5²·log 2
    0.1733

    Reference: T.-Y. Lin et al., *Focal Loss for Dense Object Detection* (2017),
    https://arxiv.org/abs/1708.02002
    """

    def __init__(
        self,
        gamma=2.0,
        class_weights=None,
        from_logits=False,
        label_smoothing=0.0,
        ignore_class=None,
        **common,
    ):
        super().__init__(
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            class_weights=class_weights,
            ignore_class=ignore_class,
            **common,
        )
        self.gamma = checks.real(self, "gamma", gamma, at_least=0)

    def of_positions(self, y_true, y_pred):
        true = self.true_class(y_true, y_pred)
        if true is not None:
            p, log_p, weight = true
            return weight * self.score(p, log_p)
        # A softmax is also what an overlap loss beside this one computes, so that a
        # compiler does it once.
        p, log_p = self.with_logarithms(y_pred)
        g = self.smoothed_targets(y_true, y_pred)
        return self.sum_over_classes(g * self.score(p, log_p))

    def score(self, p, log_p):
        # Near p = 1 the subtraction loses digits of a factor whose product with
        # log p vanishes faster.
        return -power(at_least(1 - p, 0), self.gamma) * log_p
