"""Triplets: given, or mined by the hardest of each kind."""

from keras import ops

from keras_losskit.core import checks, distances
from keras_losskit.core.kernels import at_least
from keras_losskit.core.loss import Loss, register
from keras_losskit.core.numerics import softplus
from keras_losskit.core.softmax import largest_where
from keras_losskit.core.takes import Takes
from keras_losskit.losses.metric_learning.base import EmbeddingLoss, pairs


class TripletLoss(EmbeddingLoss):
    """Base of losses that mine triplets (anchor, positive, negative) in a batch.

    A triplet costs max(d_ap - d_an + margin, 0), or softplus(d_ap - d_an).

    Args:
        margin: how much nearer the positive must be, >= 0; unused if `soft`.
        distance: "euclidean", "squared_euclidean" or "cosine" (1 - cos).
        soft: softplus in place of the hinge with a margin.
    """

    def __init__(self, margin=1.0, distance="euclidean", soft=False, **common):
        super().__init__(**common)
        self.margin = checks.real(self, "margin", margin, at_least=0)
        self.distance = checks.choice(self, "distance", distance, distances.DISTANCES)
        self.soft = checks.flag(self, "soft", soft)

    def cost(self, d_ap, d_an):
        """Of one triplet, from its two distances."""
        if self.soft:
            return softplus(d_ap - d_an)
        return at_least(d_ap - d_an + self.margin, 0)


@register
class TripletHard(TripletLoss):
    """Batch-hard triplet loss: max(max_p d_ap - min_n d_an + margin, 0).

    Of each anchor only the farthest positive and the nearest negative count.
    Strong, and sensitive to wrong labels.

    Args:
        margin: how much nearer the positive must be, >= 0, in units of the
            distance; unused if `soft`.
        distance: "euclidean", "squared_euclidean" or "cosine" (1 - cos).
        soft: softplus(d_ap - d_an) in place of the hinge; the paper's soft margin.
        gather: as in `NTXent`.

    | elsewhere | here |
    |---|---|
    | TFA `TripletHardLoss(margin, soft)` | counts anchors without a positive, d_ap = 0 |
    | TF-Similarity `TripletLoss(negative_mining_strategy="hard")` | \
`distance="cosine", soft=True` |
    | pytorch-metric-learning `BatchHardMiner` + `TripletMarginLoss` | normalises; the mean over \
active ones only |

    Call with `y_true` class ids `(B,)` or `(B, 1)`, `y_pred` embeddings `(B, D)`; values
    `(B,)`, one per anchor; an anchor without a positive or a negative is not counted.
    O(B²·D) time, O(B²) memory. In-batch: under data parallelism each device sees its
    local batch, or with `gather` all of it.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.TripletHard(margin=1.0)
    >>> float(loss([0, 0, 1], [[0.0], [1.0], [1.5]]))    # (1 - 1.5 + 1, 1 - 0.5 + 1)/2
    1.0

    Reference: A. Hermans, L. Beyer, B. Leibe, *In Defense of the Triplet Loss for
    Person Re-Identification* (2017), https://arxiv.org/abs/1703.07737
    """

    def call(self, y_true, y_pred, mask=None, anchors=None):
        d = distances.pairwise(y_pred, self.distance, mask, anchors)
        positive, negative = pairs(y_true, mask, anchors)
        return self.cost(largest_where(d, positive), -largest_where(-d, negative))


@register
class Triplet(Loss):
    """Triplet loss on given triplets: max(d_ap - d_an + margin, 0).

    For triplets that were chosen elsewhere; a model embeds all three.

    Args:
        margin: how much nearer the positive must be, >= 0, in units of the distance.
        distance: "euclidean", "squared_euclidean" or "cosine" (1 - cos).

    torch's `TripletMarginLoss` adds 1e-6 to every coordinate difference; this
    one's gradient is finite without.

    Call with `y_pred` `(B, 3, D)`: anchor, positive, negative; `y_true` is not
    used. Values `(B,)`; a triplet with a masked member is not counted. O(B·D)
    time and memory.

    Raises:
        ValueError: for options out of range, or `y_pred` of another shape.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.Triplet(margin=1.0)
    >>> float(loss([0.0], [[[0.0], [2.0], [2.5]]]))    # 2 - 2.5 + 1
    0.5

    Reference: F. Schroff, D. Kalenichenko, J. Philbin, *FaceNet: A Unified
    Embedding for Face Recognition and Clustering* (2015),
    https://arxiv.org/abs/1503.03832
    """

    takes = Takes("unused", "triplets", "triplets")

    def __init__(self, margin=1.0, distance="euclidean", **common):
        super().__init__(**common)
        self.margin = checks.real(self, "margin", margin, at_least=0)
        self.distance = checks.choice(self, "distance", distance, distances.DISTANCES)

    def value_mask(self, y_true, y_pred, mask):
        members = mask is not None and len(mask.shape) > 1
        return ops.all(mask, axis=1) if members else None

    def call(self, y_true, y_pred, mask=None):
        anchor, positive, negative = y_pred[:, 0], y_pred[:, 1], y_pred[:, 2]
        d_ap = distances.between(anchor, positive, self.distance)
        d_an = distances.between(anchor, negative, self.distance)
        return at_least(d_ap - d_an + self.margin, 0)
