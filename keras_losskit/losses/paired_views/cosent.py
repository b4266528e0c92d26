"""Pairs in the order of how alike they are."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.in_batch import InBatchLoss
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import softplus
from keras_losskit.core.reduction import align_left
from keras_losskit.core.softmax import log_sum_exp
from keras_losskit.core.takes import Takes


@register
class CoSENT(InBatchLoss):
    """CoSENT: log(1 + Σ over pairs i, j with y_i < y_j of e^(scale·(s_i - s_j))).

    Each sample is a pair of texts with the cosine s of their embeddings, and a grade y of
    how alike they are. Cosines are to be in the order of the grades; how large they are is
    free, so that grades of any scale do.

    Args:
        scale: what differences of cosines are multiplied by, > 0.
        gather: as in `NTXent`.

    `sample_weight` weighs each comparison by the product of both weights.

    | elsewhere | here |
    |---|---|
    | sentence-transformers `CoSENTLoss(scale=20)` | `CoSENT()` of the pairs' cosines |

    Call with grades `y_true` and cosines `y_pred`, `(B,)` or `(B, 1)`; one number for
    the batch, 0 where all grades are equal. O(B²) time and memory. In-batch: under data
    parallelism each device sees its local batch, or with `gather` all of it, which each
    then computes.

    Raises:
        ValueError: for `scale` <= 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.CoSENT(scale=1.0)
    >>> round(float(loss([0.0, 1.0], [0.5, 0.5])), 4)    # log(1 + e^0)
    0.6931

    Reference: J. Su, *CoSENT: a more effective sentence embedding than Sentence-BERT*
    (2022), https://kexue.fm/archives/8847
    """

    takes = Takes("real", "cosines", "equal", in_batch=True)

    def __init__(self, scale=20.0, **common):
        super().__init__(**common)
        self.scale = checks.real(self, "scale", scale, above=0)

    def call(self, y_true, y_pred, mask=None, sample_weight=None):
        y, s = (ops.reshape(x, (-1,)) for x in (y_true, y_pred))
        excess = self.scale * (s[:, None] - s[None, :])
        wrong_if_larger = y[:, None] < y[None, :]
        if mask is not None:
            everywhere = ops.ones_like(y_pred, dtype="bool")
            there = ops.logical_and(everywhere, align_left(mask, len(y_pred.shape)))
            there = ops.reshape(there, (-1,))
            wrong_if_larger = ops.logical_and(wrong_if_larger, there[:, None])
            wrong_if_larger = ops.logical_and(wrong_if_larger, there[None, :])
        if sample_weight is not None:
            w = ops.ones_like(y_pred) * align_left(sample_weight, len(y_pred.shape))
            w = ops.reshape(w, (-1,))
            logs = ops.log(ops.where(w > 0, w, ops.ones_like(w)))
            excess = excess + (logs[:, None] + logs[None, :])
        rows = log_sum_exp(excess, wrong_if_larger)
        return softplus(log_sum_exp(rows, ops.ones_like(rows, dtype="bool")))
