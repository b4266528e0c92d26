"""What the losses on two views share."""

from keras import ops

from keras_losskit.core.anchors import rows_of
from keras_losskit.core.in_batch import InBatchLoss
from keras_losskit.core.numerics import softplus
from keras_losskit.core.softmax import log_sum_exp
from keras_losskit.core.takes import Takes


class ViewsLoss(InBatchLoss):
    """Base of losses on two views, `y_true` and `y_pred` `(B, D)`.

    Row i of both is the same sample. Gradients flow to both; stop the one that
    is to be a target. Samples that are masked or of weight 0 are nobody's
    negatives. Under data parallelism each device sees its local batch, or with `gather` the
    whole.
    """

    takes = Takes("view", "view", "views", in_batch=True, y_true_gradient=True)


def turned(across, a, b, anchors):
    """The products of b's anchors and a's rows, where `across` are those of a's and b's."""
    if anchors is None:
        return ops.transpose(across)
    return rows_of(b, anchors) @ ops.transpose(a)


def against_others(logits, own, other):
    """-log(e^own / (e^own + Σ e^logits)) per row, the sum over those that `other` says."""
    return softplus(log_sum_exp(logits, other) - own)
