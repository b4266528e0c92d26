"""All negatives of both ends of a positive pair at once."""

from keras import ops

from keras_losskit.core import checks, distances
from keras_losskit.core.kernels import at_least
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import log_add_exp, mean_where
from keras_losskit.core.softmax import log_sum_exp
from keras_losskit.losses.metric_learning.base import EmbeddingLoss, pairs


@register
class LiftedStructure(EmbeddingLoss):
    """Lifted structured loss: mean over p of ½·max(0, J)².

    J = d_ap + log(Σ_n exp(margin - d_an) + Σ_n exp(margin - d_pn)), of Euclidean
    distances. For retrieval from labels, like a triplet loss; but here every negative
    of the anchor and of the positive pushes, the nearest ones most, where a triplet
    looks at one.

    Args:
        margin: how far negatives are pushed, >= 0.
        gather: as in `NTXent`.

    | elsewhere | here |
    |---|---|
    | TFA `LiftedStructLoss(margin=1.0)` | the mean over all pairs of the batch: equal if classes \
are equally large |
    | pytorch-metric-learning `LiftedStructureLoss(neg_margin=1)` | as TFA's, of normalised \
embeddings |

    Call with `y_true` class ids `(B,)` or `(B, 1)`, `y_pred` embeddings `(B, D)`; values
    `(B,)`, the mean over the anchor's positives; an anchor without a positive or a
    negative is not counted. O(B²·D) time, O(B²) memory. In-batch: under data parallelism
    each device sees its local batch, or with `gather` all of it, which each then
    computes.

    Raises:
        ValueError: for `margin` < 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.LiftedStructure(margin=1.0)
    >>> value = loss([0, 0, 1], [[0.0], [0.0], [1.0]])
    >>> round(float(value), 4)    # ½·(0 + log(e⁰ + e⁰))²
    0.2402

    Reference: H. O. Song, Y. Xiang, S. Jegelka, S. Savarese, *Deep Metric Learning
    via Lifted Structured Feature Embedding* (2016), https://arxiv.org/abs/1511.06452
    """

    def __init__(self, margin=1.0, **common):
        super().__init__(**common)
        self.margin = checks.real(self, "margin", margin, at_least=0)

    def call(self, y_true, y_pred, mask=None):
        d = distances.pairwise(y_pred, "euclidean", mask)
        positive, negative = pairs(y_true, mask)
        push = log_sum_exp(self.margin - d, negative)
        j = d + log_add_exp(push[:, None], push[None, :])
        return mean_where(ops.square(at_least(j, 0)) / 2, positive)
