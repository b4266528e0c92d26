"""What the losses on a batch of embeddings share."""

from keras import ops

from keras_losskit.core.distances import others
from keras_losskit.core.loss import Loss
from keras_losskit.core.takes import Takes


def pairs(ids, mask):
    """`(positive, negative)`, both `(B, B)`: the pairs of each anchor, in its row."""
    same = ids[:, None] == ids[None, :]
    other = others(ops.shape(ids)[0], mask)
    return (
        ops.logical_and(other, same),
        ops.logical_and(other, ops.logical_not(same)),
    )


class EmbeddingLoss(Loss):
    """Base of losses on class ids `(B,)` or `(B, 1)` and embeddings `(B, D)`.

    Every sample is an anchor; its pairs are the other samples of the batch, the
    *local* batch where several devices share one. Samples that are masked or
    of weight 0 are neither anchors nor anyone's pairs. Values `(B,)`; an anchor
    without a pair of each kind that its loss needs is 0 and is not counted.
    """

    takes = Takes("ids", "embeddings", "embeddings", in_batch=True)

    needs_negatives = True

    def value_mask(self, y_true, y_pred, mask):
        positive, negative = pairs(y_true, mask)
        valid = ops.any(positive, axis=-1)
        if self.needs_negatives:
            valid = ops.logical_and(valid, ops.any(negative, axis=-1))
        return valid
