"""Distillation of how samples lie to each other."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.distances import pairwise, unit
from keras_losskit.core.kernels import absolute
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import safe_divide
from keras_losskit.core.takes import Takes
from keras_losskit.losses.paired_views.redundancy import StatisticsLoss


@register
class RelationalDistillation(StatisticsLoss):
    """Relational knowledge distillation: of distances, and of angles, between samples.

    distance_weight·mean of h(d_ij/mean d) + angle_weight·mean of h(cos of the angle ijk),
    h the Huber loss (delta 1) of the student's against the teacher's. The student's
    embeddings need neither the teacher's dimension nor its scale: only how the samples of
    a batch lie to each other is handed on.

    Args:
        distance_weight: the weight of the distances, >= 0.
        angle_weight: the weight of the angles, >= 0.
        gather: as in `NTXent`.

    As in the authors' code, to which 25 and 50 belong: distances are divided by their mean
    over those > 0, and means go over all B² and B³ entries, the empty ones too.

    Call with the teacher's embeddings as `y_true` `(B, D)` and the student's as `y_pred`
    `(B, E)`; one number for the batch, 0 for fewer than two samples. `sample_weight` weighs
    the samples in all means. O(B²·(B + D)) time, O(B³) memory. In-batch: under data
    parallelism each device sees its local batch, or with `gather` all of it, which each then
    computes.

    Raises:
        ValueError: for a weight < 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.RelationalDistillation(distance_weight=1.0, angle_weight=0.0)
    >>> teacher, student = [[0.0], [1.0], [2.0]], [[0.0], [3.0], [0.0]]
    >>> round(float(loss(teacher, student)), 4)    # 2·(¼²/2 + (1½ - ½) + ¼²/2)/9
    0.2361

    Reference: W. Park et al., *Relational Knowledge Distillation* (2019),
    https://arxiv.org/abs/1904.05068
    """

    takes = Takes("view", "view", "spaces", in_batch=True, y_true_gradient=True)

    def __init__(self, distance_weight=25.0, angle_weight=50.0, **common):
        super().__init__(**common)
        self.distance_weight = checks.real(self, "distance_weight", distance_weight, at_least=0)
        self.angle_weight = checks.real(self, "angle_weight", angle_weight, at_least=0)

    def from_statistics(self, y_true, y_pred, shares, count):
        pairs = shares * ops.transpose(shares)
        apart = _huber(_distances(y_pred, shares, pairs) - _distances(y_true, shares, pairs))
        value = self.distance_weight * ops.sum(pairs * apart)
        if self.angle_weight:
            turned = _huber(_angles(y_pred) - _angles(y_true))
            value = value + self.angle_weight * ops.sum(shares[:, :, None] * pairs * turned)
        return ops.where(count > 1, value, ops.zeros_like(value))


def _distances(x, shares, pairs):
    """Distances over their mean; 0 where all are."""
    d = pairwise(x, "euclidean", shares[:, 0] > 0)
    apart = ops.where(d > 0, pairs, ops.zeros_like(pairs))
    return safe_divide(d, safe_divide(ops.sum(apart * d), ops.sum(apart)))


def _angles(x):
    """At i, the cosine between the ways to j and to k: `(B, B, B)`."""
    ways = unit(x[None, :, :] - x[:, None, :])
    return ways @ ops.transpose(ways, (0, 2, 1))


def _huber(d):
    size = absolute(d)
    return ops.where(size < 1, ops.square(d) / 2, size - 0.5)
