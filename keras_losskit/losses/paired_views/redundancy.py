"""Statistics of the embedding's dimensions over the batch, without negatives."""

import keras
import numpy as np
from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.kernels import at_least, choose, furthest
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import one_over, safe_divide, safe_sqrt
from keras_losskit.losses.paired_views.base import ViewsLoss


class StatisticsLoss(ViewsLoss):
    """Base of losses that are one number for the batch, from weighted statistics.

    A subclass writes `from_statistics(y_true, y_pred, shares, count)`: `shares` of the samples
    `(B, 1)`, or with `of_equals` one number where all have the same.

    `sample_weight` weighs the samples inside each mean; only the ratios of the
    weights count. A batch of fewer than two samples has no statistics.
    """

    of_equals = False

    def call(self, y_true, y_pred, mask=None, sample_weight=None):
        samples = y_pred.shape[0]
        if self.of_equals and samples and mask is None and sample_weight is None:
            count = ops.convert_to_tensor(samples, dtype=y_pred.dtype)
            return self.from_statistics(y_true, y_pred, 1 / samples, count)
        w = ops.ones_like(y_pred[:, 0]) if sample_weight is None else sample_weight
        if mask is not None:
            w = ops.where(mask, w, ops.zeros_like(w))
        count = ops.sum(ops.cast(w > 0, w.dtype))
        shares = safe_divide(w, ops.sum(w))[:, None]
        return self.from_statistics(y_true, y_pred, shares, count)


def _counted(x, shares):
    """x, and 0 in the samples that have no share."""
    return x if isinstance(shares, float) else choose(shares > 0, x, 0)


def _centred(x, shares):
    return x - ops.sum(shares * x, axis=0, keepdims=True)


def _off_diagonal(matrix):
    """The sum of the squares off the diagonal."""
    return ops.sum(ops.square(matrix)) - ops.sum(ops.square(ops.diagonal(matrix)))


@register
class BarlowTwins(StatisticsLoss):
    """Barlow Twins: Σ_i (1 - C_ii)² + λ·Σ_(i≠j) C_ij².

    For embeddings without labels, from two views of each sample, and without negatives.
    C is the correlation over the batch of dimension i of one view with dimension
    j of the other: each should agree with itself and with no other.

    Args:
        redundancy_weight: λ >= 0.
        gather: as in `NTXent`.

    The authors' code standardises by batch normalisation, whose epsilon of 1e-5
    joins the variance, and multiplies the loss by 0.024 in training. Here C is
    the exact correlation; a dimension that is constant correlates with nothing.

    Call with `y_true`, `y_pred` `(B, D)`; one number for the batch, 0 for fewer than two
    samples; gradients flow to both. `sample_weight` weighs samples in the statistics.
    O(B·D²) time, O(B·D + D²) memory. In-batch: under data parallelism each device sees
    its local batch, or with `gather` all of it, which each then computes.

    Raises:
        ValueError: for `redundancy_weight` < 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.BarlowTwins(redundancy_weight=0.5)
    >>> rows = [[0.0, 0.0], [1.0, 1.0]]
    >>> round(float(loss(rows, rows)), 4)    # 0 + 0.5·(1² + 1²)
    1.0

    Reference: J. Zbontar et al., *Barlow Twins: Self-Supervised Learning via
    Redundancy Reduction* (2021), https://arxiv.org/abs/2103.03230
    """

    of_equals = True

    def __init__(self, redundancy_weight=5e-3, **common):
        super().__init__(**common)
        self.redundancy_weight = checks.real(
            self, "redundancy_weight", redundancy_weight, at_least=0
        )

    def from_statistics(self, y_true, y_pred, shares, count):
        a, b = _standardised(y_true, shares), _standardised(y_pred, shares)
        c = ops.transpose(shares * a) @ b
        own = ops.sum(ops.square(1 - ops.diagonal(c)))
        value = own + self.redundancy_weight * _off_diagonal(c)
        return ops.where(count > 1, value, ops.zeros_like(value))


def _standardised(x, shares):
    """Mean 0 and variance 1 in each dimension; 0 where it is constant."""
    centred = _counted(_centred(_counted(x, shares), shares), shares)
    # What rounding leaves of a constant is no variation. Dividing by the largest
    # deviation first, squares neither overflow nor vanish.
    epsilon = 8 * float(np.finfo(keras.backend.standardize_dtype(x.dtype)).eps)
    size, top = furthest(x, axis=0), furthest(centred, axis=0)
    scaled = centred * one_over(ops.where(top > epsilon * size, top, ops.zeros_like(top)))
    variance = ops.sum(shares * ops.square(scaled), axis=0, keepdims=True)
    return scaled * one_over(safe_sqrt(variance))


@register
class VICReg(StatisticsLoss):
    """VICReg: invariance·MSE + variance·(v(a) + v(b))/2 + covariance·(c(a) + c(b)).

    For embeddings without labels, from two views a and b of each sample, and without
    negatives. MSE is the mean of (a - b)² over all elements, v the mean over dimensions of
    max(1 - √(var + 1e-4), 0), and c the sum of the squared covariances of
    different dimensions / D: the views agree, every dimension varies, and no two
    vary together.

    Args:
        invariance, variance, covariance: the three weights, >= 0.
        gather: as in `NTXent`.

    As in the authors' code: variances and covariances divide by B - 1, and the
    variance term is halved.

    Call with `y_true`, `y_pred` `(B, D)`; one number for the batch; gradients flow to
    both. A single sample has the invariance term only. `sample_weight` weighs samples in
    the means and statistics. O(B·D²) time, O(B·D + D²) memory. In-batch: under data
    parallelism each device sees its local batch, or with `gather` all of it, which each
    then computes.

    Raises:
        ValueError: for a weight < 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.VICReg(invariance=1.0, variance=0.0, covariance=1.0)
    >>> rows = [[0.0, 0.0], [2.0, 2.0]]
    >>> float(loss(rows, rows))    # 0 + 2·(2² + 2²)/2
    8.0

    Reference: A. Bardes, J. Ponce, Y. LeCun, *VICReg: Variance-Invariance-Covariance
    Regularization for Self-Supervised Learning* (2022),
    https://arxiv.org/abs/2105.04906
    """

    of_equals = True

    def __init__(self, invariance=25.0, variance=25.0, covariance=1.0, **common):
        super().__init__(**common)
        self.invariance = checks.real(self, "invariance", invariance, at_least=0)
        self.variance = checks.real(self, "variance", variance, at_least=0)
        self.covariance = checks.real(self, "covariance", covariance, at_least=0)

    def from_statistics(self, y_true, y_pred, shares, count):
        size = y_pred.shape[-1]
        value = self.invariance / size * ops.sum(shares * ops.square(y_pred - y_true))
        unbiased = safe_divide(count, count - 1)
        for x in (y_true, y_pred):
            centred = _centred(x, shares)
            c = unbiased * (ops.transpose(shares * centred) @ centred)
            spread = at_least(1 - ops.sqrt(ops.diagonal(c) + 1e-4), 0)
            narrow = ops.where(count > 1, ops.sum(spread), 0)
            value = value + self.variance / 2 * narrow / size
            value = value + self.covariance / size * _off_diagonal(c)
        return value
