"""Hard example mining."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.combined import CombinedLoss, changed_copy
from keras_losskit.core.foreign import as_loss
from keras_losskit.core.kernels import at_least
from keras_losskit.core.loss import register
from keras_losskit.core.reduction import check_aligned, fill

LARGEST = 3e38  # Behind every value that exists, in float32 too.


@register
class HardExampleMining(CombinedLoss):
    """Mean of the hardest values of each sample: the largest max(1, ⌈f·N⌉) of N.

    For maps and lists in which most positions are easy: only the fraction f of
    the positions whose loss is largest counts, and gets a gradient. Positions
    that are masked or ignored are not among the N.

    Args:
        loss: a loss with one value per position, anything that `as_loss` takes,
            sums and products included. Its own reduction is not used.
        fraction: f, 0 < f <= 1.

    | elsewhere | here |
    |---|---|
    | top-k loss with k of N positions | `fraction=k/N` |
    | OHEM that ranks the positions of the whole batch together | the batch as one sample |

    Call as the inner loss is called; values `(B,)`. A sample in which nothing
    is left is worth 0. `sample_weight` `(B,)` weighs the samples. An inner loss
    with one value per sample is returned as it is.

    Raises:
        ValueError: for `fraction` out of range, or an inner loss that is one
            number for the batch.

    Example:

    >>> import keras_losskit
    >>> inner = keras_losskit.MeanAbsoluteError()
    >>> loss = keras_losskit.HardExampleMining(inner, fraction=0.5)
    >>> y_true = [[[0.0], [0.0], [0.0], [0.0]]]
    >>> float(loss(y_true, [[[1.0], [4.0], [3.0], [0.0]]]))    # (4 + 3)/2
    3.5

    Reference: A. Shrivastava et al., *Training Region-based Object Detectors
    with Online Hard Example Mining* (2016), https://arxiv.org/abs/1604.03540
    """

    def __init__(self, loss, fraction=0.25, *, reduction="sum_over_batch_size", **common):
        super().__init__(reduction=reduction, **common)
        self.loss = self.operand(loss)
        self.fraction = checks.real(self, "fraction", fraction, above=0, at_most=1)
        if self.loss.applies_weights:
            self._refuse()

    def operand(self, loss):
        """`loss` under this one's dtype; its own reduction is not used."""
        changed = {} if self.requested_dtype is None else {"dtype": self.requested_dtype}
        return changed_copy(as_loss(loss), changed)

    def operands(self):
        return [self.loss]

    @property
    def effective_reduction(self):
        return self.reduction

    def weighable(self, y_true, y_pred, sample_weight, mask):
        values, weights, counted = self.loss.weighable(y_true, y_pred, sample_weight, mask)
        if len(values.shape) == 0:
            self._refuse()
        if weights is not None:
            check_aligned(self.name, "sample_weight", weights, values.shape[:1], "samples")
        if counted is not None and len(counted.shape) == 1:
            return self._hardest(values, None), weights, counted
        # A mask of whole samples leaves the batch's mean; positions leave a sample's.
        samples = mask if mask is not None and len(mask.shape) == 1 else None
        return self._hardest(values, counted), weights, self._mask(samples, values.shape[:1])

    def _hardest(self, values, exists):
        """Mean of the largest max(1, ⌈f·N⌉) of each sample's N that exist."""
        sizes = ops.shape(values)
        positions = 1
        for n in sizes[1:]:
            positions = positions * n
        ones = fill(ops.ones_like(values), exists)
        ones = ops.reshape(ones, (sizes[0], positions))
        values = ops.reshape(fill(values, exists), (sizes[0], positions))
        count = ops.sum(ones, axis=-1, keepdims=True)
        # A hair less, so that 0.1 · 30, rounded up, is 3.
        kept = at_least(ops.ceil(self.fraction * count * (1 - 1e-6)), 1)
        last = ops.where(ones > 0, -values, LARGEST)
        hardest_first = -ops.sort(last, axis=-1)
        rank = ops.cumsum(ops.ones_like(ones), axis=-1) - 1
        inside = ops.logical_and(rank < kept, rank < count)
        total = ops.sum(ops.where(inside, hardest_first, 0), axis=-1)
        # Where sorting puts NaN differs; it must not be among those left out.
        total = total + ops.sum(ops.where(values == values, 0, values), axis=-1)
        return total / ops.squeeze(kept, axis=-1)

    def _refuse(self):
        raise ValueError(
            f"{type(self).__name__}: `loss` must give one value per position, but "
            f"{self.loss!r} is one number for the batch."
        )
