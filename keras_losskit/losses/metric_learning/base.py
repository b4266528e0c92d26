"""What the losses on a batch of embeddings share."""

from keras import ops

from keras_losskit.core import targets
from keras_losskit.core.distances import others
from keras_losskit.core.loss import Loss


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

    needs_negatives = True

    def prepare(self, y_true, y_pred):
        # Ids are only ever compared: they keep the dtype they came in.
        y_true, y_pred = ops.convert_to_tensor(y_true), self.cast(y_pred)
        t, p = tuple(y_true.shape), tuple(y_pred.shape)
        if len(t) == 2 and t[-1] == 1:
            y_true = ops.squeeze(y_true, axis=-1)
        if len(p) != 2 or not targets.compatible(y_true.shape, p[:1]):
            raise ValueError(
                f"{self.name}: y_true of shape {t} does not fit y_pred of shape {p}. "
                "Give class ids (B,) and embeddings (B, D); of one-hot rows take the "
                "argmax, and flatten embeddings of higher rank."
            )
        return y_true, y_pred

    def value_mask(self, y_true, y_pred, mask):
        positive, negative = pairs(y_true, mask)
        valid = ops.any(positive, axis=-1)
        if self.needs_negatives:
            valid = ops.logical_and(valid, ops.any(negative, axis=-1))
        return valid
