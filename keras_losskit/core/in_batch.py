"""`InBatchLoss`: what losses share that compare the samples of a batch."""

from keras_losskit.core import checks
from keras_losskit.core.loss import Loss


class InBatchLoss(Loss):
    """Base of losses that compare the samples of a batch with each other.

    Args:
        gather: whether the batch is that of all replicas rather than the local one.
    """

    def __init__(self, *, gather=False, **common):
        super().__init__(**common)
        self.gather = checks.flag(self, "gather", gather)

    @property
    def gathers(self):
        return self.gather
