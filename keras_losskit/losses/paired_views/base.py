"""What the losses on two views share."""

from keras import ops

from keras_losskit.core.distances import others
from keras_losskit.core.loss import Loss
from keras_losskit.core.numerics import log_sum_exp, softplus
from keras_losskit.core.takes import Takes


class ViewsLoss(Loss):
    """Base of losses on two views, `y_true` and `y_pred` `(B, D)`.

    Row i of both is the same sample. Gradients flow to both; stop the one that
    is to be a target. Samples that are masked or of weight 0 are nobody's
    negatives. Under data parallelism each device sees its local batch.
    """

    takes = Takes("view", "view", "views", in_batch=True, y_true_gradient=True)

    def against_others(self, logits, own, mask):
        """-log(e^own / (e^own + Σ e^logits)) per row; the diagonal is `own` itself."""
        other = others(ops.shape(logits)[0], mask)
        return softplus(log_sum_exp(logits, other) - own)
