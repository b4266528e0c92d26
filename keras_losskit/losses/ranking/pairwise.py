"""Losses on the pairs of a list of which one item is more relevant."""

from keras import ops

from keras_losskit.core.loss import register
from keras_losskit.core.numerics import safe_divide, softplus
from keras_losskit.losses.ranking.base import (
    RankingLoss,
    count_pairs,
    differences,
    preferred,
    sum_pairs,
    weighed,
)


class PairwiseLoss(RankingLoss):
    """Base of means over a list's pairs with y_i > y_j; O(L²) time and memory.

    A list without such a pair has the value 0. With weights of items `(B, L)` the
    mean is weighted: a pair weighs what its more relevant item i does, as in
    TF-Ranking (where a less relevant item of weight 0 stays, here it leaves).
    """

    def of_lists(self, y_true, y_pred, mask, weights):
        terms, pairs = self.of_pairs(y_true, y_pred), preferred(y_true, mask)
        if weights is None:
            return safe_divide(sum_pairs(terms, pairs), count_pairs(y_true, mask))
        total = sum_pairs(weighed(terms, weights, mask), pairs)
        weight = sum_pairs(weighed(ops.ones_like(terms), weights, mask), pairs)
        return safe_divide(total, weight)

    def of_pairs(self, y_true, y_pred):
        """The loss of each pair (i, j), `(B, L, L)`, as if y_i > y_j."""
        raise NotImplementedError


@register
class PairwiseLogistic(PairwiseLoss):
    """Pairwise logistic loss (RankNet): mean of log(1 + exp(-(s_i - s_j))), y_i > y_j.

    Cross-entropy of the probability that the more relevant item scores higher.

    | elsewhere | here |
    |---|---|
    | TF-Ranking `PairwiseLogisticLoss()`: the sum over all pairs, divided by B·L | \
`sample_weight` = each list's number of pairs, divided by L |
    | the mean over all pairs of a batch | the same weights, \
`reduction="mean_with_sample_weight"` |

    Call with relevance and scores `(B, L)`; values `(B,)`. A label < 0 is padding.
    `sample_weight` `(B,)` weighs lists, `(B, L)` each pair by its more relevant item;
    a mask `(B, L)` hides items.

    Raises:
        ValueError: for shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.PairwiseLogistic()
    >>> round(float(loss([[1, 0, -1]], [[2.0, 2.0, 9.0]])), 4)    # log 2
    0.6931

    Reference: C. Burges et al., *Learning to Rank using Gradient Descent* (2005),
    https://doi.org/10.1145/1102351.1102363
    """

    def of_pairs(self, y_true, y_pred):
        return softplus(differences(-y_pred))


@register
class PairwiseHinge(PairwiseLoss):
    """Pairwise hinge loss: mean of max(0, 1 - (s_i - s_j)), y_i > y_j.

    As in a ranking SVM: a pair costs nothing once it is apart by 1.

    | elsewhere | here |
    |---|---|
    | TF-Ranking `PairwiseHingeLoss()`: the sum over all pairs, divided by B·L | \
`sample_weight` = each list's number of pairs, divided by L |

    Call with relevance and scores `(B, L)`; values `(B,)`. A label < 0 is padding.
    `sample_weight` `(B,)` weighs lists, `(B, L)` each pair by its more relevant item;
    a mask `(B, L)` hides items.

    Raises:
        ValueError: for shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.PairwiseHinge()
    >>> float(loss([[1, 0, 0]], [[2.0, 1.5, 0.0]]))    # (0.5 + 0)/2
    0.25

    Reference: T. Joachims, *Optimizing Search Engines using Clickthrough Data* (2002),
    https://doi.org/10.1145/775047.775067
    """

    def of_pairs(self, y_true, y_pred):
        return ops.relu(1 - differences(y_pred))


@register
class PairwiseSoftZeroOne(PairwiseLoss):
    """Pairwise soft zero-one loss: mean of sigmoid(-(s_i - s_j)), y_i > y_j.

    A smooth count of the pairs in wrong order: 1 minus it is a smooth AUC where
    labels are 0 and 1. Bounded, so that hopeless pairs do not pull.

    | elsewhere | here |
    |---|---|
    | TF-Ranking `PairwiseSoftZeroOneLoss()`: the sum over all pairs, divided by B·L | \
`sample_weight` = each list's number of pairs, divided by L |

    Call with relevance and scores `(B, L)`; values `(B,)`. A label < 0 is padding.
    `sample_weight` `(B,)` weighs lists, `(B, L)` each pair by its more relevant item;
    a mask `(B, L)` hides items.

    Raises:
        ValueError: for shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.PairwiseSoftZeroOne()
    >>> float(loss([[1, 0]], [[2.0, 2.0]]))
    0.5

    Reference: L. Yan et al., *Optimizing Classifier Performance via an Approximation to
    the Wilcoxon-Mann-Whitney Statistic* (2003), https://dl.acm.org/doi/10.5555/3041838.3041945
    """

    def of_pairs(self, y_true, y_pred):
        return ops.sigmoid(-differences(y_pred))


@register
class PairwiseMeanSquared(PairwiseLoss):
    """Pairwise squared error: mean of ((s_i - s_j) - (y_i - y_j))², y_i > y_j.

    Scores learn the differences of the labels, but not their level.

    | elsewhere | here |
    |---|---|
    | TF-Ranking `PairwiseMSELoss()`: the sum over all i ≠ j, equal labels too, divided by B·L | \
without equal labels, `sample_weight` = twice each list's number of pairs, divided by L |

    Call with relevance and scores `(B, L)`; values `(B,)`. A label < 0 is padding.
    `sample_weight` `(B,)` weighs lists, `(B, L)` each pair by its more relevant item;
    a mask `(B, L)` hides items.

    Raises:
        ValueError: for shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.PairwiseMeanSquared()
    >>> float(loss([[1, 0, 0]], [[3.0, 2.0, 0.0]]))    # ((1 - 1)² + (3 - 1)²)/2
    2.0

    Reference: T. Pahikkala et al., *An Efficient Algorithm for Learning to Rank from
    Preference Graphs* (2009; RankRLS), https://doi.org/10.1007/s10994-008-5097-z
    """

    def of_pairs(self, y_true, y_pred):
        return ops.square(differences(y_pred - y_true))
