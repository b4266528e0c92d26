"""What the losses on two views share."""

from keras import ops

from keras_losskit.core import targets
from keras_losskit.core.distances import others
from keras_losskit.core.loss import Loss
from keras_losskit.core.numerics import log_sum_exp, softplus


class ViewsLoss(Loss):
    """Base of losses on two views, `y_true` and `y_pred` `(B, D)`.

    Row i of both is the same sample. Gradients flow to both; stop the one that
    is to be a target. Samples that are masked or of weight 0 are nobody's
    negatives. Under data parallelism each device sees its local batch.
    """

    def prepare(self, y_true, y_pred):
        y_true, y_pred = self.cast(y_true), self.cast(y_pred)
        t, p = tuple(y_true.shape), tuple(y_pred.shape)
        if len(p) != 2 or not targets.compatible(t, p):
            raise ValueError(
                f"{self.name}: y_true of shape {t} does not fit y_pred of shape {p}. They "
                "are two views of the same samples, both (B, D)."
            )
        return y_true, y_pred

    def against_others(self, logits, own, mask):
        """-log(e^own / (e^own + Σ e^logits)) per row; the diagonal is `own` itself."""
        other = others(ops.shape(logits)[0], mask)
        return softplus(log_sum_exp(logits, other) - own)
