"""The angle at the negative of a triplet."""

import math

from keras import ops

from keras_losskit.core import checks, distances
from keras_losskit.core.anchors import rows_of
from keras_losskit.core.kernels import exp
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import mean_where, softplus
from keras_losskit.core.softmax import NOTHING, largest_where
from keras_losskit.losses.metric_learning.base import EmbeddingLoss, pairs


@register
class Angular(EmbeddingLoss):
    """Angular loss: mean over p of log(1 + Σ_n exp(f_apn)).

    f = 4·tan²α·(a + p)ᵀn - 2·(1 + tan²α)·aᵀp. Anchor, positive and negative are a
    triangle, whose angle at the negative is to stay below α. An angle does not change
    with scale: one α suits classes of any spread, where a margin of distances does not.

    Args:
        angle: α in degrees, 0 < α < 90; the paper uses 36 to 55.
        gather: as in `NTXent`.

    | elsewhere | here |
    |---|---|
    | pytorch-metric-learning `AngularLoss(alpha=40)` | `angle=40`, for embeddings of length 1: \
there negatives are not normalised; the mean over all pairs |

    The paper adds twice this loss to that of N-pairs.

    Call with `y_true` class ids `(B,)` or `(B, 1)`, `y_pred` embeddings `(B, D)`, which
    are normalised; values `(B,)`, the mean over the anchor's positives; an anchor
    without a positive or a negative is not counted. All triplets are summed by one
    product of B×B matrices: O(B³) multiplications, O(B²) memory. Beyond 73 degrees terms
    e^-87 below the largest are lost in float32. In-batch: under data parallelism each
    device sees its local batch, or with `gather` all of it.

    Raises:
        ValueError: for `angle` outside (0, 90), or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.Angular(angle=45.0)
    >>> value = loss([0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> round(float(value), 4)    # log(1 + e^(4·0 - 2·2·1))
    0.0181

    Reference: J. Wang et al., *Deep Metric Learning with Angular Loss* (2017),
    https://arxiv.org/abs/1708.01682
    """

    def __init__(self, angle=45.0, **common):
        super().__init__(**common)
        self.angle = checks.real(self, "angle", angle, above=0, below=90)

    def call(self, y_true, y_pred, mask=None, anchors=None):
        squared_tan = math.tan(math.radians(self.angle)) ** 2
        s = distances.cosines(y_pred)
        positive, negative = pairs(y_true, mask)
        push = 4 * squared_tan * s
        # Σ_n e^(push_an + push_pn) is a product of matrices: a and p, of one class,
        # have the same negatives. Each row is shifted by its largest entry.
        top = ops.stop_gradient(largest_where(push, negative))
        shifted = ops.where(negative, push - top[:, None], ops.zeros_like(push))
        terms = ops.where(negative, exp(shifted), ops.zeros_like(push))
        total = distances.products(terms, anchors)
        s, positive = rows_of(s, anchors), rows_of(positive, anchors)
        used = ops.logical_and(positive, ops.logical_not(total <= 0))  # NaN is used.
        logarithm = ops.log(ops.where(used, total, 1))
        logarithm = logarithm + rows_of(top, anchors)[:, None] + top[None, :]
        f = logarithm - 2 * (1 + squared_tan) * s
        f = ops.where(used, f, ops.full_like(f, NOTHING))
        return mean_where(softplus(f), positive)
