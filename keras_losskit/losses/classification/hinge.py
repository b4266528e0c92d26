"""Hinge losses."""

from keras import ops

from keras_losskit.core.kernels import at_least
from keras_losskit.core.labelled import LabelledLoss
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import largest
from keras_losskit.core.softmax import held
from keras_losskit.core.takes import Takes
from keras_losskit.losses.classification.base import DecisionsLoss, of_known_ids


class _Margins(DecisionsLoss):
    """Targets -1 and 1, or 0 and 1, or class ids."""

    takes = Takes("signs", "scores", "decisions")

    def encoded(self, y_true):
        return ops.where(y_true == 0, -ops.ones_like(y_true), y_true)

    def shortfall(self, y_true, y_pred):
        """max(1 - y·z, 0)."""
        return ops.relu(1 - y_true * y_pred)


@register
class Hinge(_Margins):
    """Hinge loss: max(1 - y·z, 0), y = -1 or 1.

    The loss of support vector machines: scores beyond the margin of 1 cost
    nothing.

    Targets 0 and 1 are read as -1 and 1, each 0 by itself; Keras looks first
    whether the whole batch holds nothing but 0 and 1.

    Call with `y_true`, `y_pred` `(B, …, D)`, where `y_pred` holds scores;
    values `(B, …)`, the mean over the last axis. Integer class ids `(B, …)` for
    D > 1 are one-hot encoded.

    Raises:
        ValueError: where shapes do not fit, or (where values can be seen)
            integer targets are not among -1, 0 and 1.

    Example:

    >>> import keras_losskit
    >>> float(keras_losskit.Hinge()([[1.0, -1.0]], [[0.5, 0.5]]))    # (0.5 + 1.5)/2
    1.0

    Reference: C. Cortes, V. Vapnik, *Support-Vector Networks* (1995),
    https://doi.org/10.1007/BF00994018
    """

    def each(self, y_true, y_pred):
        return self.shortfall(y_true, y_pred)


@register
class SquaredHinge(_Margins):
    """Squared hinge loss: max(1 - y·z, 0)², y = -1 or 1.

    As `Hinge`, smooth at the margin; outliers cost more.

    Call with `y_true`, `y_pred` `(B, …, D)`, where `y_pred` holds scores;
    values `(B, …)`, the mean over the last axis. Targets 0 and 1 are read as -1
    and 1; integer class ids `(B, …)` for D > 1 are one-hot encoded.

    Raises:
        ValueError: where shapes do not fit, or (where values can be seen)
            integer targets are not among -1, 0 and 1.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.SquaredHinge()
    >>> float(loss([[1.0, -1.0]], [[0.5, 0.5]]))    # (0.5² + 1.5²)/2
    1.25

    Reference: Y. Tang, *Deep Learning using Linear Support Vector Machines*
    (2013), https://arxiv.org/abs/1306.0239
    """

    def each(self, y_true, y_pred):
        return ops.square(self.shortfall(y_true, y_pred))


@register
class CategoricalHinge(LabelledLoss):
    """Categorical hinge loss: max(1 + max_c (1 - g_c)·z_c - Σ_c g_c·z_c, 0).

    The support vector machine of several classes: the true class must lead every other
    by 1. As in Keras the first maximum runs over all classes, the true one's
    (1 - 1)·z = 0 included: the true score must also be at least 1.

    Args:
        class_weights: C weights w >= 0; a position's value is multiplied by
            Σ_c w_c·g_c.
        ignore_class: an id whose positions count nowhere, say 255 or -1.

    Call with `y_true` `(B, …)`, `(B, …, 1)` or `(B, …, C)`, `y_pred` scores
    `(B, …, C)`; values `(B, …)`.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or (where
            values can be seen) an id outside [0, C).

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.CategoricalHinge()
    >>> float(loss([1], [[0.5, 0.75]]))    # 1 + 0.5 - 0.75
    0.75

    Reference: K. Crammer, Y. Singer, *On the Algorithmic Implementation of
    Multiclass Kernel-based Vector Machines* (2001),
    https://www.jmlr.org/papers/v2/crammer01a.html
    """

    takes = Takes("classes", "scores", "classes")

    fixed = {"from_logits": False}  # Scores are neither logits nor probabilities.

    def call(self, y_true, y_pred):
        y_pred = held(y_pred)
        g = self.dense_targets(y_true, y_pred)
        others = largest((1 - g) * y_pred)
        values = at_least(1 + others - ops.sum(g * y_pred, axis=-1), 0)
        values = self.weigh_positions(values, g)
        if len(y_true.shape) == len(y_pred.shape):
            return values
        return of_known_ids(values, y_true, y_pred.shape[-1])
