"""What the losses on a batch of embeddings share."""

from keras import ops

from keras_losskit.core.anchors import rows_of
from keras_losskit.core.distances import others
from keras_losskit.core.in_batch import InBatchLoss
from keras_losskit.core.takes import Takes


def pairs(ids, mask, anchors=None):
    """`(positive, negative)`, both `(B, B)`: the pairs of each anchor, in its row."""
    same = rows_of(ids, anchors)[:, None] == ids[None, :]
    other = others(ids, mask, anchors)
    return (
        ops.logical_and(other, same),
        ops.logical_and(other, ops.logical_not(same)),
    )


class EmbeddingLoss(InBatchLoss):
    """Base of losses on class ids `(B,)` or `(B, 1)` and embeddings `(B, D)`.

    Every sample is an anchor; its pairs are the other samples of the batch, the
    *local* batch where several devices share one, or with `gather` the whole. Samples that
    are masked or of weight 0 are neither anchors nor anyone's pairs. Values `(B,)`; an
    anchor without a pair of each kind that its loss needs is 0 and is not counted.
    """

    takes = Takes("ids", "embeddings", "embeddings", in_batch=True)

    needs_negatives = True

    def value_mask(self, y_true, y_pred, mask, anchors=None):
        positive, negative = pairs(y_true, mask, anchors)
        valid = ops.any(positive, axis=-1)
        if self.needs_negatives:
            valid = ops.logical_and(valid, ops.any(negative, axis=-1))
        return valid
