"""One positive per anchor, everyone else's positive as a negative."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.anchors import rows_of
from keras_losskit.core.distances import others
from keras_losskit.core.loss import register
from keras_losskit.losses.paired_views.base import ViewsLoss, against_others


@register
class NPairs(ViewsLoss):
    """N-pairs loss: -log(e^(a_i·p_i) / Σ_j e^(a_i·p_j)) + ¼·l2·(|a_i|² + |p_i|²).

    For retrieval from pairs that belong together, each of another class: row i of
    `y_true` is an anchor and row i of `y_pred` its positive; the other positives are its
    negatives. Inner products are of the embeddings as they are, and grow with their
    lengths: l2 holds these back.

    Args:
        l2: >= 0, the weight of the squared lengths.
        gather: as in `NTXent`.

    | elsewhere | here |
    |---|---|
    | TFA `NpairsLoss()` | takes the matrix of products as y_pred, and labels |
    | tf.contrib `npairs_loss(reg_lambda=0.002)` | `l2=0.002`, for a batch of pairs of \
distinct classes |
    | pytorch-metric-learning `NPairsLoss()` | picks the pairs by label, and normalises them |

    Call with `y_true`, `y_pred` `(B, D)`; values `(B,)`; gradients flow to both. O(B²·D)
    time, O(B²) memory. In-batch: under data parallelism each device sees its local
    batch, or with `gather` all of it.

    Raises:
        ValueError: for `l2` < 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.NPairs(l2=0.0)
    >>> rows = [[1.0, 0.0], [0.0, 1.0]]
    >>> round(float(loss(rows, rows)), 4)    # log(1 + e^-1)
    0.3133

    Reference: K. Sohn, *Improved Deep Metric Learning with Multi-class N-pair Loss
    Objective* (2016), https://papers.nips.cc/paper/6200
    """

    def __init__(self, l2=0.0, **common):
        super().__init__(**common)
        self.l2 = checks.real(self, "l2", l2, at_least=0)

    def call(self, y_true, y_pred, mask=None, anchors=None):
        a, p = rows_of(y_true, anchors), rows_of(y_pred, anchors)
        logits = a @ ops.transpose(y_pred)
        other = others(y_pred, mask, anchors)
        values = against_others(logits, ops.sum(a * p, axis=-1), other)
        if not self.l2:
            return values
        lengths = ops.sum(ops.square(a) + ops.square(p), axis=-1)
        return values + self.l2 / 4 * lengths
