"""Cross-entropy, binary and categorical."""

from keras import ops

from keras_losskit.core import checks, kernels
from keras_losskit.core.backend import with_gradient
from keras_losskit.core.kernels import at_least
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import logistic, safe_log, softplus
from keras_losskit.core.softmax import NOTHING, crossentropy, held
from keras_losskit.core.takes import Takes
from keras_losskit.losses.classification.base import BinaryLoss, CategoricalLoss


def binary_crossentropy(g, y_pred, from_logits, positive=1):
    """-(w·g·log p + (1 - g)·log(1 - p)), elementwise; w is the positives' weight."""
    if not from_logits:
        return -(positive * g * safe_log(y_pred) + (1 - g) * safe_log(1 - y_pred))
    if positive == 1:
        return _of_logits(g, y_pred)
    return positive * g * softplus(-held(y_pred)) + (1 - g) * softplus(y_pred)


def _of_logits(g, z):
    def value(g, z):
        return softplus(z) - g * at_least(z, NOTHING)  # 0 times -inf is 0.

    def gradient(up, g, z):
        return -up * at_least(z, NOTHING), up * (logistic(z) - g)

    def in_few(g, z):
        # log(1 - p) + g·z, and z is held without a slope of its own.
        return -(ops.log_sigmoid(-z) + g * held(z))

    return with_gradient(value, gradient, g, z, symmetric=True, in_few=in_few)


@register
class BinaryCrossentropy(BinaryLoss):
    """Binary cross-entropy: -(w·g·log p + (1 - g)·log(1 - p)).

    For independent yes/no decisions: two classes, or several labels at once.
    From logits it is computed with softplus; from probabilities the logarithm
    is continued along its tangent below `keras.config.epsilon()`, so that a
    confidently wrong model still gets a gradient.

    Args:
        from_logits: whether `y_pred` holds logits rather than probabilities.
        label_smoothing: s in [0, 1]: targets become (1 - s)·g + s/2.
        pos_weight: w > 0, the weight of the positive term; `None` is 1.
        missing: as in `MeanSquaredError`; of integer class ids the number stands for a
            whole row.

    Call with `y_true`, `y_pred` `(B, …, D)`; values `(B, …)`, the mean over the
    last axis. Integer class ids `(B, …)` for D > 1 are one-hot encoded.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.BinaryCrossentropy(from_logits=True)
    >>> round(float(loss([[1.0]], [[0.0]])), 4)    # log 2
    0.6931

    Reference: D. R. Cox, *The Regression Analysis of Binary Sequences* (1958),
    https://doi.org/10.1111/j.2517-6161.1958.tb00292.x
    """

    def __init__(
        self, from_logits=False, label_smoothing=0.0, pos_weight=None, **common
    ):
        super().__init__(
            from_logits=from_logits, label_smoothing=label_smoothing, **common
        )
        self.pos_weight = checks.optional_real(self, "pos_weight", pos_weight, above=0)

    def each(self, y_true, y_pred):
        positive = 1 if self.pos_weight is None else self.pos_weight
        return binary_crossentropy(y_true, y_pred, self.from_logits, positive)

    def mean_of_all(self, y_true, y_pred):
        plain = self.from_logits and self.pos_weight is None and self.missing is None
        if not plain or len(y_true.shape) != len(y_pred.shape):
            return None
        # That of no to -z, which loses no digits where a no is sure.
        yes = self.encoded(y_true)
        return kernels.crossentropy_of_logits.mean(1 - yes, -held(y_pred))


@register
class CategoricalCrossentropy(CategoricalLoss):
    """Categorical cross-entropy: -Σ_c w_c·g_c·log p_c, plus z_loss·(log Z)².

    Takes class ids and one-hot or soft rows alike: it is also the "sparse" one.
    Probabilities are renormalised to p/Σp; at p = 0 of the true class the value
    is finite and the gradient points the right way.

    For ids `(B, T)` use `class_weights`, not `fit(class_weight=...)`: Keras makes one
    weight per sample there, from the position of the largest id (an argmax over
    T), and this loss trains on with it; Keras' own raises.

    Args:
        from_logits: whether `y_pred` holds logits rather than probabilities.
        label_smoothing: s in [0, 1]: targets become (1 - s)·g + s/C.
        class_weights: C weights >= 0 that multiply the classes' terms.
        ignore_class: an id whose positions count nowhere, say 255 or -1.
        z_loss: >= 0; keeps log Z = logsumexp(z) near 0, not weighted by class.
            Needs logits.

    Call with `y_true` `(B, …)`, `(B, …, 1)` or `(B, …, C)`, `y_pred`
    `(B, …, C)`; values `(B, …)`.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or (where
            values can be seen, outside a compiled graph) an id outside [0, C).
            In a compiled graph such an id contributes 0.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.CategoricalCrossentropy()
    >>> round(float(loss([1], [[0.5, 0.5]])), 4)    # -log 0.5
    0.6931

    Reference: I. J. Good, *Rational Decisions* (1952),
    https://doi.org/10.1111/j.2517-6161.1952.tb00104.x; z-loss: A. Chowdhery et
    al., *PaLM* (2022), https://arxiv.org/abs/2204.02311
    """

    takes = Takes("classes", "probabilities", "classes", y_true_range=(0, 100))

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        class_weights=None,
        ignore_class=None,
        z_loss=0.0,
        **common,
    ):
        super().__init__(
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            class_weights=class_weights,
            ignore_class=ignore_class,
            **common,
        )
        self.z_loss = checks.real(self, "z_loss", z_loss, at_least=0)
        if self.z_loss and not self.from_logits:
            raise ValueError(
                "CategoricalCrossentropy: `z_loss` needs logits, since probabilities "
                f"have no log Z. Received: z_loss={z_loss!r}, from_logits=False"
            )

    def of_positions(self, y_true, y_pred):
        values = self.minus_log(y_true, y_pred)
        if self.z_loss:
            log_z = ops.logsumexp(y_pred, axis=-1)
            values = values + self.z_loss * ops.square(log_z)
        return values

    def minus_log(self, y_true, y_pred):
        """-Σ_c w_c·g_c·log p_c."""
        if self.one_class_counts(y_true, y_pred):
            _, log_p = self.of_ids(y_true, y_pred)
            return -self.weights_of_ids(y_true, y_pred) * log_p
        g = self.smoothed_targets(y_true, y_pred)
        if self.from_logits and self.class_weights is None:
            return crossentropy(g, y_pred)
        return -self.sum_over_classes(g * self.log_probabilities(y_pred))
