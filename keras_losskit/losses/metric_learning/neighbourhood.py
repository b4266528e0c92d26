"""Softmax over all other samples of the batch."""

from keras_losskit.core import checks, distances
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import mean_where
from keras_losskit.core.softmax import log_sum_exp
from keras_losskit.losses.metric_learning.base import EmbeddingLoss, pairs


class NeighbourhoodLoss(EmbeddingLoss):
    """Base of losses that need a positive only: all others are what it is held against.

    Args:
        temperature: > 0; small ones look at the nearest samples alone.
    """

    needs_negatives = False

    def __init__(self, temperature, **common):
        super().__init__(**common)
        self.temperature = checks.real(self, "temperature", temperature, above=0)


@register
class SupervisedContrastive(NeighbourhoodLoss):
    """Supervised contrastive loss: -mean over p of log(e^(s_ap/T) / Σ_k e^(s_ak/T)).

    For embeddings in which a class lies together, to classify or search by: trained on
    batches with several samples of a class, a linear layer is put on them afterwards.
    s are cosines and k runs over all other samples; the mean stands outside the
    logarithm (the paper's L_out).

    Args:
        temperature: T > 0.
        gather: as in `NTXent`.

    | elsewhere | here |
    |---|---|
    | the authors' code, `base_temperature=0.07` | `(T / 0.07) * SupervisedContrastive(T)` |
    | pytorch-metric-learning `SupConLoss(0.1)` | `SupervisedContrastive(0.1)` |

    Call with `y_true` class ids `(B,)` or `(B, 1)`, `y_pred` embeddings `(B, D)`, which
    are normalised; values `(B,)`, one per anchor; an anchor without a positive is not
    counted. O(B²·D) time, O(B²) memory. In-batch: under data parallelism each device
    sees its local batch, or with `gather` all of it.

    Raises:
        ValueError: for `temperature` <= 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.SupervisedContrastive(temperature=1.0)
    >>> value = loss([0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> round(float(value), 4)    # -log(e/(e + 1))
    0.3133

    Reference: P. Khosla et al., *Supervised Contrastive Learning* (2020),
    https://arxiv.org/abs/2004.11362
    """

    def __init__(self, temperature=0.1, **common):
        super().__init__(temperature, **common)

    def call(self, y_true, y_pred, mask=None, anchors=None):
        s = distances.cosines(y_pred, anchors) / self.temperature
        positive, _ = pairs(y_true, mask, anchors)
        other = distances.others(y_pred, mask, anchors)
        return log_sum_exp(s, other) - mean_where(s, positive)


@register
class SoftNearestNeighbor(NeighbourhoodLoss):
    """Soft nearest neighbour loss: -log(Σ_p e^(-d_ap²/T) / Σ_k e^(-d_ak²/T)).

    The probability that a neighbour, drawn by squared euclidean distance, is of
    the anchor's class; k runs over all other samples. Measures how entangled the
    classes are, and disentangles them.

    Args:
        temperature: T > 0, in units of a squared distance.
        gather: as in `NTXent`.

    | elsewhere | here |
    |---|---|
    | TF-Similarity `SoftNearestNeighborLoss()` | anchors without a positive count as 0: there \
the sum is divided by the batch |
    | the authors' code (cleverhans) | there 1e-5 is added to the probability and to its divisor |

    cleverhans offers cosine distances, too.

    Call with `y_true` class ids `(B,)` or `(B, 1)`, `y_pred` embeddings `(B, D)`; values
    `(B,)`, one per anchor; an anchor without a positive is not counted. O(B²·D) time,
    O(B²) memory. In-batch: under data parallelism each device sees its local batch, or
    with `gather` all of it.

    Raises:
        ValueError: for `temperature` <= 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.SoftNearestNeighbor(temperature=1.0)
    >>> value = loss([0, 0, 1], [[0.0], [0.0], [1.0]])
    >>> round(float(value), 4)    # -log(1/(1 + e^-1))
    0.3133

    Reference: N. Frosst, N. Papernot, G. Hinton, *Analyzing and Improving
    Representations with the Soft Nearest Neighbor Loss* (2019),
    https://arxiv.org/abs/1902.01889
    """

    def __init__(self, temperature=1.0, **common):
        super().__init__(temperature, **common)

    def call(self, y_true, y_pred, mask=None, anchors=None):
        d = distances.pairwise(y_pred, "squared_euclidean", mask, anchors)
        s = d * (-1 / self.temperature)
        positive, _ = pairs(y_true, mask, anchors)
        other = distances.others(y_pred, mask, anchors)
        return log_sum_exp(s, other) - log_sum_exp(s, positive)
