"""Pairs weighted by what swapping them would change in NDCG."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.kernels import absolute
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import safe_divide, softplus
from keras_losskit.losses.ranking.base import (
    LOWEST,
    RankingLoss,
    differences,
    gains,
    ideal_dcg,
    preferred,
    sum_pairs,
    weighed,
)


@register
class LambdaNDCG(RankingLoss):
    """LambdaRank's loss: Σ |ΔNDCG_ij|·log(1 + exp(-sigma·(s_i - s_j))), y_i > y_j.

    For lists that are judged by NDCG: a pair pulls by how much it matters there.
    |ΔNDCG_ij| is what swapping items i and j at their current ranks would change
    in NDCG: (2^y_i - 2^y_j)·|1/log2(1 + rank_i) - 1/log2(1 + rank_j)|/ideal. It is
    a weight, without a gradient. Equal scores rank in the order given.

    Args:
        sigma: steepness of the logistic, > 0.

    | elsewhere | here |
    |---|---|
    | TF-Ranking `PairwiseLogisticLoss(lambda_weight=NDCGLambdaWeight(smooth_fraction=1.0))` \
| `LambdaNDCG()` |
    | the LambdaLoss paper: log2 | `LambdaNDCG() / log(2)` |

    TF-Ranking's default, `smooth_fraction=0.0`, takes discounts of rank differences, which
    are not here.

    Call with relevance and scores `(B, L)`; values `(B,)`, 0 for a list without a
    relevant item. A label < 0 is padding. `sample_weight` `(B,)` weighs lists, `(B, L)`
    each pair by its more relevant item; a mask `(B, L)` hides items.

    Raises:
        ValueError: for `sigma` <= 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.LambdaNDCG()
    >>> value = loss([[1, 0]], [[2.0, 2.0]])    # (1 - 1/log2 3)·log 2
    >>> round(float(value), 4)
    0.2558

    Reference: X. Wang et al., *The LambdaLoss Framework for Ranking Metric Optimization*
    (2018), https://doi.org/10.1145/3269206.3271784
    """

    def __init__(self, sigma=1.0, **common):
        super().__init__(**common)
        self.sigma = checks.real(self, "sigma", sigma, above=0)

    def of_lists(self, y_true, y_pred, mask, weights):
        gain = gains(y_true, mask)
        # What an item gains at rank 1, as a share of the ideal; the scale cancels.
        share = safe_divide(gain, ops.expand_dims(ideal_dcg(gain), 1))
        discount = 1 / ops.log1p(_ranks(y_pred, mask))
        change = absolute(differences(share) * differences(discount))
        terms = ops.stop_gradient(change) * softplus(differences(-self.sigma * y_pred))
        return sum_pairs(weighed(terms, weights, mask), preferred(y_true, mask))


def _ranks(scores, mask):
    """1, 2, … by falling score, `(B, L)`; equal scores in the order given."""
    scores = ops.stop_gradient(ops.where(mask, scores, LOWEST))
    mine, other = ops.expand_dims(scores, 2), ops.expand_dims(scores, 1)
    place = ops.arange(ops.shape(scores)[1])
    earlier = ops.expand_dims(place, 0) < ops.expand_dims(place, 1)
    ahead = ops.logical_or(other > mine, ops.logical_and(other == mine, earlier))
    return 1 + ops.sum(ops.cast(ahead, scores.dtype), axis=2)
