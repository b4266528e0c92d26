"""Whether two samples come from one distribution."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.distances import others, pairwise
from keras_losskit.core.kernels import exp
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import safe_divide
from keras_losskit.losses.paired_views.redundancy import StatisticsLoss


@register
class MaximumMeanDiscrepancy(StatisticsLoss):
    """Squared maximum mean discrepancy: mean k(x, x') + mean k(y, y') - 2·mean k(x, y).

    k is the mean over the bandwidths s of exp(-d²/(2s²)). The unbiased estimate: a row is
    not compared with itself, so that the value is 0 on average, and may be negative, where
    both batches come from one distribution. For domain adaptation and generators without
    an adversary; rows need not belong together in pairs.

    Args:
        bandwidths: the list of s, each > 0, in the units of the distances.
        gather: as in `NTXent`.

    Call with `y_true`, `y_pred` `(B, D)`; one number for the batch, 0 for fewer than two
    samples; gradients flow to both. `sample_weight` weighs the rows of both in the
    means. O(B²·D) time, O(B²) memory. In-batch: under data parallelism each device sees
    its local batch, or with `gather` all of it, which each then computes.

    Raises:
        ValueError: for a bandwidth <= 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.MaximumMeanDiscrepancy(bandwidths=[1.0])
    >>> round(float(loss([[0.0], [0.0]], [[2.0], [2.0]])), 4)    # 1 + 1 - 2·e^-2
    1.7293

    Reference: A. Gretton et al., *A Kernel Two-Sample Test* (2012), eq. 3,
    https://jmlr.org/papers/v13/gretton12a.html
    """

    def __init__(self, bandwidths=(1, 2, 4, 8, 16), **common):
        super().__init__(**common)
        self.bandwidths = checks.sequence(self, "bandwidths", bandwidths, above=0)

    def from_statistics(self, y_true, y_pred, shares, count):
        n = ops.shape(y_pred)[0]
        there = ops.concatenate([shares, shares], axis=0)[:, 0] > 0
        rows = ops.concatenate([y_true, y_pred], axis=0)
        d = pairwise(rows, "squared_euclidean", there)
        k = 0
        for s in self.bandwidths:
            k = k + exp(d * (-0.5 / s / s)) / len(self.bandwidths)
        pairs = shares * ops.transpose(shares)
        apart = ops.where(others(y_pred, None), pairs, ops.zeros_like(pairs))
        within = safe_divide(ops.sum(apart * (k[:n, :n] + k[n:, n:])), ops.sum(apart))
        value = within - 2 * ops.sum(pairs * k[:n, n:])
        return ops.where(count > 1, value, ops.zeros_like(value))
