"""Log-sum-exp over positives and over negatives, pair by pair weighted."""

from keras_losskit.core import checks, distances
from keras_losskit.core.kernels import at_least
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import softplus
from keras_losskit.core.softmax import log_sum_exp
from keras_losskit.losses.metric_learning.base import EmbeddingLoss, pairs


@register
class MultiSimilarity(EmbeddingLoss):
    """Multi-similarity: log(1 + Σ_p e^(-α(s - λ)))/α + log(1 + Σ_n e^(β(s - λ)))/β.

    For retrieval from labels; s are cosines. A positive pulls the more the less alike
    it is, a negative pushes the more the more alike it is, each also beside the anchor's
    others: hard pairs lead, and need not be picked beforehand.

    Args:
        alpha: α > 0, the sharpness of the positives.
        beta: β > 0, the sharpness of the negatives.
        base: λ, the similarity around which pairs are hard; any number.
        gather: as in `NTXent`.

    | elsewhere | here |
    |---|---|
    | pytorch-metric-learning `MultiSimilarityLoss(2, 50, 0.5)` | the same; it also counts \
anchors with pairs of one kind only |
    | TF-Similarity `MultiSimilarityLoss(alpha=2, beta=40, lmda=0.5)` | `beta=40`; it mines \
pairs first, and divides by the batch |

    Call with `y_true` class ids `(B,)` or `(B, 1)`, `y_pred` embeddings `(B, D)`, which
    are normalised; values `(B,)`, one per anchor; as in the authors' code, an anchor
    without a positive or a negative is not counted. O(B²·D) time, O(B²) memory.
    In-batch: under data parallelism each device sees its local batch, or with `gather`
    all of it.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.MultiSimilarity(alpha=1.0, beta=1.0, base=0.5)
    >>> value = loss([0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> round(float(value), 4)    # 2·log(1 + e^-0.5)
    0.9482

    Reference: X. Wang et al., *Multi-Similarity Loss with General Pair Weighting for
    Deep Metric Learning* (2019), https://arxiv.org/abs/1904.06627
    """

    def __init__(self, alpha=2.0, beta=50.0, base=0.5, **common):
        super().__init__(**common)
        self.alpha = checks.real(self, "alpha", alpha, above=0)
        self.beta = checks.real(self, "beta", beta, above=0)
        self.base = checks.real(self, "base", base)

    def call(self, y_true, y_pred, mask=None, anchors=None):
        s = distances.cosines(y_pred, anchors) - self.base
        positive, negative = pairs(y_true, mask, anchors)
        pull = softplus(log_sum_exp(-self.alpha * s, positive)) / self.alpha
        push = softplus(log_sum_exp(self.beta * s, negative)) / self.beta
        return pull + push


@register
class Circle(EmbeddingLoss):
    """Circle loss: log(1 + Σ_n e^(γ·w_n·(1 - m - d_n)) · Σ_p e^(-γ·w_p·(m - d_p))).

    d = max(1 - aᵀb, 0) of the embeddings as they are, w_p = m + d_p and
    w_n = max(1 + m - d_n, 0). For faces and retrieval from labels: each pair is weighed
    by how far it is from where it should be, so that what is nearly right is left
    alone. The gradient flows through the weights, as in Keras.

    Args:
        gamma: γ > 0, the scale.
        margin: 0 <= m <= 1.
        gather: as in `NTXent`.

    | elsewhere | here |
    |---|---|
    | Keras `Circle()` | the same, for normalised embeddings and others; an anchor whose value \
is rounded to 0 is not counted there |
    | pytorch-metric-learning `CircleLoss(m=0.4, gamma=80)` | normalises, detaches the weights, \
and counts values > 0 only |
    | TF-Similarity `CircleLoss()` | another one: log(1 + Σ_n) + log(1 + Σ_p) of the two sums |

    Call with `y_true` class ids `(B,)` or `(B, 1)`, `y_pred` embeddings `(B, D)` of
    length 1; values `(B,)`, one per anchor; an anchor without a positive or a negative
    is not counted. O(B²·D) time, O(B²) memory. In-batch: under data parallelism each
    device sees its local batch, or with `gather` all of it.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.Circle(gamma=1.0, margin=0.5)
    >>> value = loss([0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> round(float(value), 4)    # log(1 + e^(0.5·(0.5 - 1) - 0.5·0.5))
    0.4741

    Reference: Y. Sun et al., *Circle Loss: A Unified Perspective of Pair Similarity
    Optimization* (2020), https://arxiv.org/abs/2002.10857
    """

    def __init__(self, gamma=80.0, margin=0.4, **common):
        super().__init__(**common)
        self.gamma = checks.real(self, "gamma", gamma, above=0)
        self.margin = checks.real(self, "margin", margin, at_least=0, at_most=1)

    def call(self, y_true, y_pred, mask=None, anchors=None):
        m = self.margin
        d = at_least(1 - distances.products(y_pred, anchors), 0)
        positive, negative = pairs(y_true, mask, anchors)
        pull = log_sum_exp(-self.gamma * (m + d) * (m - d), positive)
        push = log_sum_exp(self.gamma * at_least(1 + m - d, 0) * (1 - m - d), negative)
        return softplus(pull + push)
