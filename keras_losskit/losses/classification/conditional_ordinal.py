"""Ordered classes, each step given that the one before was taken."""

from keras import ops

from keras_losskit.core.loss import register
from keras_losskit.core.numerics import softplus
from keras_losskit.core.softmax import held
from keras_losskit.losses.classification.ordinal import CumulativeOrdinal


@register
class ConditionalOrdinal(CumulativeOrdinal):
    """Conditional ordinal loss (CORN): Σ_k BCE(z_k, 1[y > k]) over the k with y >= k.

    For C ordered classes the model has C - 1 outputs; output k is the logit of y > k *given
    that* y >= k. P(y > k) is the product of the first k + 1 sigmoids, so that it falls with k
    whatever the outputs are: unlike in `CumulativeOrdinal` no weights need be shared for
    ranks that do not contradict each other.

    The authors' code divides the sum over the batch by how many terms it has, over all levels;
    here each sample counts alike, as in every mean.

    Call with `y_pred` logits `(B, …, C-1)` and `y_true` ranks `(B, …)` or `(B, …, 1)`,
    one-hot or soft rows `(B, …, C)`, or the levels 1[y > k] in the shape of `y_pred`; values
    `(B, …)`. Soft rows give the expected value.

    Raises:
        ValueError: where shapes do not fit, or (where values can be seen) for a
            rank outside [0, C).

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.ConditionalOrdinal()
    >>> round(float(loss([0], [[0.0, 0.0]])), 4)    # log 2: the second step was not asked
    0.6931

    Reference: X. Shi, W. Cao, S. Raschka, *Deep Neural Networks for Rank-Consistent Ordinal
    Regression Based On Conditional Probabilities* (2021), https://arxiv.org/abs/2111.08851
    """

    def call(self, y_true, y_pred):
        # P(y > k), and P(y >= k), which is P(y > k - 1).
        above = y_true
        reached = ops.concatenate([ops.ones_like(above[..., :1]), above[..., :-1]], axis=-1)
        steps = above * softplus(held(-y_pred)) + (reached - above) * softplus(held(y_pred))
        return ops.sum(steps, axis=-1)
