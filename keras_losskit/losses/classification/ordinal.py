"""Losses on classes that have an order."""

import numpy as np
from keras import ops

from keras_losskit.core import checks, targets
from keras_losskit.core.loss import Loss, register
from keras_losskit.core.numerics import cumsum, rows_times, safe_divide, safe_log
from keras_losskit.core.reduction import align_left, fill
from keras_losskit.core.takes import Takes
from keras_losskit.losses.classification.base import CategoricalLoss
from keras_losskit.losses.classification.crossentropy import binary_crossentropy


@register
class CumulativeOrdinal(Loss):
    """Cumulative ordinal loss: Σ_k BCE(z_k, 1[y > k]).

    For C ordered classes the model has C - 1 outputs, the logits of y > 0,
    y > 1, …; the predicted rank is how many of them are positive. Let the
    outputs share their weights and differ in a bias alone (CORAL), and they
    can't contradict each other.

    Call with `y_pred` logits `(B, …, C-1)` and `y_true` ranks `(B, …)` or
    `(B, …, 1)`, one-hot or soft rows `(B, …, C)`, or the levels 1[y > k] in the
    shape of `y_pred`; values `(B, …)`.

    Raises:
        ValueError: where shapes do not fit, or (where values can be seen) for a
            rank outside [0, C).

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.CumulativeOrdinal()
    >>> round(float(loss([1], [[0.0, 0.0]])), 4)    # log 2 + log 2
    1.3863

    Reference: W. Cao et al., *Rank consistent ordinal regression for neural
    networks* (2020), https://arxiv.org/abs/1901.07884
    """

    takes = Takes("ranks", "logits", "levels")

    def classes_of(self, y_pred):
        return y_pred.shape[-1] + 1

    def prepare(self, y_true, y_pred):
        y_true, y_pred = super().prepare(y_true, y_pred)
        levels = y_pred.shape[-1]
        if y_true.shape[-1] == 1:
            if targets.is_whole(y_true):
                y_true = ops.cast(y_true, "int32")
            return self.cast(y_true > ops.arange(levels, dtype=y_true.dtype)), y_pred
        if y_true.shape[-1] == levels + 1:  # P(y > k) is what the rows hold beyond k.
            return 1 - cumsum(y_true)[..., :-1], y_pred
        return y_true, y_pred

    def call(self, y_true, y_pred):
        return ops.sum(binary_crossentropy(y_true, y_pred, True), axis=-1)


@register
class SquaredEarthMovers(CategoricalLoss):
    """Squared earth mover's distance: Σ_k (P_k - G_k)², cumulated p and g.

    For ordered classes: what is predicted far from the target costs more than
    what is predicted beside it.

    Args:
        from_logits: whether `y_pred` holds logits rather than probabilities.
        label_smoothing: s in [0, 1]: targets become (1 - s)·g + s/C.
        class_weights: C weights w >= 0; a position's value is multiplied by
            Σ_c w_c·g_c.
        ignore_class: an id whose positions count nowhere, say 255 or -1.

    | elsewhere | here |
    |---|---|
    | NIMA's EMD, √(Σ_k (P_k - G_k)²/C) | √(value/C) |

    Call with `y_true` `(B, …)`, `(B, …, 1)` or `(B, …, C)`, `y_pred`
    `(B, …, C)`; values `(B, …)`.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or (where
            values can be seen) an id outside [0, C).

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.SquaredEarthMovers()
    >>> float(loss([2], [[1.0, 0.0, 0.0]]))    # (1, 1, 1) against (0, 0, 1)
    2.0

    Reference: L. Hou et al., *Squared Earth Mover's Distance-based Loss for
    Training Deep Neural Networks* (2016), https://arxiv.org/abs/1611.05916
    """

    def __init__(self, from_logits=False, **options):
        super().__init__(from_logits=from_logits, **options)

    def of_positions(self, y_true, y_pred):
        g = self.smoothed_targets(y_true, y_pred)
        gap = cumsum(self.probabilities(y_pred) - g)
        return self.weigh_positions(ops.sum(ops.square(gap), axis=-1), g)


@register
class WeightedKappa(CategoricalLoss):
    """Weighted kappa loss: log(Σ_i Σ_c d(y_i, c)·p_ic / Σ_ac d(a, c)·G_a·P_c/N).

    The logarithm of 1 - kappa: the cost of the predictions over that of
    predictions dealt out at random with the same totals G of the targets and P
    of the predictions. For ordered classes judged by Cohen's weighted kappa. It
    is one number for the batch, so take batches that hold several classes; a
    batch of one, or of one class, is worth 0 whatever is predicted.

    Args:
        weighting: `"quadratic"`, d(a, c) = (a - c)², or `"linear"`, |a - c|.
        from_logits: whether `y_pred` holds logits rather than probabilities.
        ignore_class: an id whose positions count nowhere, say 255 or -1.

    `sample_weight` weighs each sample (or position) in all sums.

    | elsewhere | here |
    |---|---|
    | TFA `WeightedKappaLoss(num_classes, weightage="quadratic")` | `WeightedKappa()` |
    | TFA's log(ratio + 1e-6) | log(ratio), continued along its tangent near 0 |

    Call with `y_true` `(B, …)`, `(B, …, 1)` or `(B, …, C)`, `y_pred`
    `(B, …, C)`; one number.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or (where
            values can be seen) an id outside [0, C).

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.WeightedKappa()
    >>> p = [[0.5, 0.5], [0.5, 0.5]]
    >>> float(loss([0, 1], p))    # As good as chance: log 1
    0.0

    Reference: J. de la Torre et al., *Weighted kappa loss function for
    multi-class classification of ordinal data in deep learning* (2018),
    https://doi.org/10.1016/j.patrec.2017.05.018
    """

    takes = Takes("classes", "probabilities", "classes", in_batch=True)

    fixed = {"label_smoothing": 0.0, "class_weights": None}

    def __init__(self, weighting="quadratic", from_logits=False, **common):
        super().__init__(from_logits=from_logits, **common)
        self.weighting = checks.choice(
            self, "weighting", weighting, ("quadratic", "linear")
        )

    def call(self, y_true, y_pred, mask=None, sample_weight=None):
        g, p = fill(
            (self.dense_targets(y_true, y_pred), self.probabilities(y_pred)), mask
        )
        rank = np.arange(y_pred.shape[-1], dtype="float64")
        distance = np.abs(rank[:, None] - rank)
        if self.weighting == "quadratic":
            distance = distance**2
        distance = ops.convert_to_tensor(distance / distance.max(), dtype=p.dtype)
        weight = 1
        if sample_weight is not None:
            weight = align_left(sample_weight, len(g.shape))
        axes = tuple(range(len(g.shape) - 1))
        cost = ops.sum(weight * rows_times(g, distance) * p)
        of_targets = ops.sum(weight * g, axis=axes)
        predicted = ops.sum(weight * p, axis=axes)
        # Rows of g sum to 1: the sum of all is the (weighted) number of rows.
        of_targets = safe_divide(of_targets, ops.sum(of_targets))
        chance = ops.sum(ops.expand_dims(of_targets, -1) * distance * predicted)
        # One class alone costs what chance does; the limit where both are 0 is 1.
        return safe_log(safe_divide(cost, chance, otherwise=1))
