"""Losses and weights for classes of very different sizes."""

import math

import numpy as np
from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.loss import register
from keras_losskit.losses.classification.base import LogitsLoss


def class_balanced_weights(class_counts, beta=0.999):
    """Weights (1 - beta)/(1 - beta^n) of classes with n samples, scaled to average 1.

    For `class_weights`: the weight of a class is the inverse of its *effective
    number* of samples, which grows more slowly than n.

    Args:
        class_counts: how many training samples each class has, each > 0.
        beta: in [0, 1); 0 weighs all classes equally, near 1 by 1/n.

    Returns:
        A list of floats, one weight per class.

    Raises:
        ValueError: for counts or beta out of range.

    Example:

    >>> import keras_losskit
    >>> weights = keras_losskit.class_balanced_weights([1, 2], beta=0.5)
    >>> [round(w, 4) for w in weights]    # 1 : 1/(1 + 0.5), made to average 1
    [1.2, 0.8]

    Reference: Y. Cui et al., *Class-Balanced Loss Based on Effective Number of
    Samples* (2019), https://arxiv.org/abs/1901.05555
    """
    owner = "class_balanced_weights"
    counts = checks.sequence(owner, "class_counts", class_counts, above=0)
    beta = checks.real(owner, "beta", beta, at_least=0, below=1)
    if beta == 0:
        return [1.0] * len(counts)
    inverse = [1 / -math.expm1(n * math.log(beta)) for n in counts]
    scale = len(counts) / sum(inverse)
    return [scale * w for w in inverse]


class _CountedClasses(LogitsLoss):
    """Knows how many training samples each class has."""

    def __init__(self, *, class_counts, **options):
        super().__init__(**options)
        self.class_counts = checks.sequence(self, "class_counts", class_counts, above=0)

    def prepare(self, y_true, y_pred):
        y_true, y_pred = super().prepare(y_true, y_pred)
        checks.fits_axis(self, "class_counts", self.class_counts, y_pred.shape[-1])
        return y_true, y_pred

    def crossentropy(self, y_true, y_pred):
        g = self.smoothed_targets(y_true, y_pred)
        return -self.sum_over_classes(g * self.log_probabilities(y_pred))


@register
class LogitAdjustedCrossentropy(_CountedClasses):
    """Logit-adjusted cross-entropy: CE(z + tau·log prior).

    For a long tail of rare classes when the test is balanced: the model learns
    what is left after the class shares of the training set, its prior, so that
    its plain logits predict as if all classes were equally frequent. tau = 1 is
    the balanced softmax.

    Args:
        class_counts: C counts > 0 of the training samples of each class;
            prior = counts / Σ counts.
        tau: >= 0; 0 is plain cross-entropy.
        label_smoothing: s in [0, 1]: targets become (1 - s)·g + s/C.
        class_weights: C weights w >= 0, inside the sum over classes.
        ignore_class: an id whose positions count nowhere, say 255 or -1.

    | elsewhere | here |
    |---|---|
    | balanced softmax (Ren 2020), `BalancedSoftmax(counts)` | `tau=1.0` |

    The paper's other way, for a model that is trained already, predicts from
    z - tau·log prior.

    Call with `y_true` `(B, …)`, `(B, …, 1)` or `(B, …, C)`, `y_pred` logits
    `(B, …, C)`; values `(B, …)`.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or (where
            values can be seen) an id outside [0, C).

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.LogitAdjustedCrossentropy(class_counts=[75, 25])
    >>> round(float(loss([1], [[0.0, 0.0]])), 4)    # -log 0.25
    1.3863

    Reference: A. K. Menon et al., *Long-tail learning via logit adjustment*
    (2021), https://arxiv.org/abs/2007.07314
    """

    def __init__(self, class_counts, tau=1.0, **options):
        super().__init__(class_counts=class_counts, **options)
        self.tau = checks.real(self, "tau", tau, at_least=0)

    def of_positions(self, y_true, y_pred):
        counts = np.array(self.class_counts, dtype="float64")
        adjustment = self.tau * np.log(counts / counts.sum())
        adjustment = ops.convert_to_tensor(adjustment, dtype=y_pred.dtype)
        return self.crossentropy(y_true, y_pred + adjustment)


@register
class LDAM(_CountedClasses):
    """Label-distribution-aware margin loss: CE(scale·(z - m·g)), m_c ∝ n_c^(-1/4).

    The true class has to lead by a margin m, the larger the rarer it is. Made
    for logits that are cosines in [-1, 1], of normalised features and class
    weights; for plain logits take `scale=1`.

    Args:
        class_counts: C counts n > 0 of the training samples of each class.
        max_margin: >= 0, the margin of the rarest class.
        scale: > 0, multiplies the logits after the margin.
        label_smoothing: s in [0, 1]: targets of the cross-entropy become
            (1 - s)·g + s/C; the margin follows g itself.
        class_weights: C weights w >= 0, inside the sum over classes; the
            paper's deferred re-weighting sets them late in training.
        ignore_class: an id whose positions count nowhere, say 255 or -1.

    | elsewhere | here |
    |---|---|
    | the authors' `LDAMLoss(cls_num_list, max_m=0.5, s=30)` | `LDAM(cls_num_list)` |
    | its `weight=w`, averaged by Σ w of the batch | `class_weights=w`, averaged by the count |

    Call with `y_true` `(B, …)`, `(B, …, 1)` or `(B, …, C)`, `y_pred` logits
    `(B, …, C)`; values `(B, …)`.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or (where
            values can be seen) an id outside [0, C).

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.LDAM(class_counts=[16, 1], max_margin=0.5, scale=1.0)
    >>> round(float(loss([0], [[0.25, 0.0]])), 4)    # Margin 0.5·16^(-1/4): log 2
    0.6931

    Reference: K. Cao et al., *Learning Imbalanced Datasets with
    Label-Distribution-Aware Margin Loss* (2019), https://arxiv.org/abs/1906.07413
    """

    def __init__(self, class_counts, max_margin=0.5, scale=30.0, **options):
        super().__init__(class_counts=class_counts, **options)
        self.max_margin = checks.real(self, "max_margin", max_margin, at_least=0)
        self.scale = checks.real(self, "scale", scale, above=0)

    def of_positions(self, y_true, y_pred):
        counts = np.array(self.class_counts, dtype="float64")
        margins = self.max_margin * (counts / counts.min()) ** -0.25
        margins = ops.convert_to_tensor(margins, dtype=y_pred.dtype)
        margins = margins * self.dense_targets(y_true, y_pred)
        return self.crossentropy(y_true, self.scale * (y_pred - margins))
