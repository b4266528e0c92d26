"""Ranking metrics made smooth: a sigmoid in place of each comparison of scores."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import safe_divide
from keras_losskit.losses.ranking.base import (
    RankingLoss,
    differences,
    gains,
    ideal_dcg,
    weighed,
)


class ApproxMetric(RankingLoss):
    """Base of 1 - a metric of smooth ranks, 1 + Σ_{j ≠ i} sigmoid((s_j - s_i)/T).

    Args:
        temperature: T > 0, in units of the scores.
    """

    def __init__(self, temperature=0.1, **common):
        super().__init__(**common)
        self.temperature = checks.real(self, "temperature", temperature, above=0)

    def smooth_ranks(self, scores, mask):
        """Between 1 and the list's length, `(B, L)`."""
        ahead = ops.sigmoid(differences(scores / -self.temperature))
        counted = ops.expand_dims(ops.cast(mask, ahead.dtype), -1)
        # Each item is half ahead of itself.
        return 0.5 + ops.squeeze(ahead @ counted, axis=-1)


@register
class ApproxNDCG(ApproxMetric):
    """1 - NDCG of smooth ranks: 1 - (1/ideal)·Σ (2^y - 1)/log2(1 + rank).

    With a small temperature the value is 1 - NDCG itself, but its gradient
    vanishes between scores further apart than a few temperatures.

    Args:
        temperature: T > 0, in units of the scores; a larger one is smoother.

    | elsewhere | here |
    |---|---|
    | TF-Ranking `ApproxNDCGLoss()`: minus the smooth NDCG | 1 minus it: the same gradient |

    Call with relevance and scores `(B, L)`; values `(B,)`, 0 for a list without a
    relevant item. A label < 0 is padding. `sample_weight` `(B,)` weighs lists, `(B, L)`
    the items' gains, the ideal order's too, as TF-Ranking's NDCG metric does; a mask
    `(B, L)` hides items.

    Raises:
        ValueError: for `temperature` <= 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.ApproxNDCG()
    >>> value = loss([[0, 1]], [[9.0, 0.0]])    # 1 - (1/log2 3)/(1/log2 2)
    >>> round(float(value), 4)
    0.3691

    Reference: T. Qin, T.-Y. Liu, H. Li, *A General Approximation Framework for Direct
    Optimization of Information Retrieval Measures* (2010),
    https://doi.org/10.1007/s10791-009-9124-x
    """

    def of_lists(self, y_true, y_pred, mask, weights):
        gain = weighed(gains(y_true, mask), weights, mask)
        ideal = ideal_dcg(gain)
        # The base of the logarithms, and the scale of the gains, cancel.
        dcg = ops.sum(gain / ops.log1p(self.smooth_ranks(y_pred, mask)), axis=1)
        return ops.where(ideal > 0, 1 - safe_divide(dcg, ideal), 0)


@register
class ApproxMRR(ApproxMetric):
    """1 - the reciprocal smooth rank of the relevant items: 1 - Σ (y/rank)/Σ y.

    Of one relevant item this is 1 - 1/rank; of several, the mean weighted by
    their labels, as in TF-Ranking.

    Args:
        temperature: T > 0, in units of the scores; a larger one is smoother.

    | elsewhere | here |
    |---|---|
    | TF-Ranking `ApproxMRRLoss()`: minus the smooth MRR | 1 minus it: the same gradient |

    Call with relevance and scores `(B, L)`; values `(B,)`, 0 for a list without a
    relevant item. A label < 0 is padding. `sample_weight` `(B,)` weighs lists, `(B, L)`
    the items' labels; a mask `(B, L)` hides items.

    Raises:
        ValueError: for `temperature` <= 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.ApproxMRR()
    >>> round(float(loss([[0, 1, 0]], [[9.0, 4.0, 0.0]])), 4)    # 1 - 1/2
    0.5

    Reference: T. Qin, T.-Y. Liu, H. Li, *A General Approximation Framework for Direct
    Optimization of Information Retrieval Measures* (2010),
    https://doi.org/10.1007/s10791-009-9124-x
    """

    def of_lists(self, y_true, y_pred, mask, weights):
        label = weighed(y_true, weights, mask)  # Padding is 0 here.
        relevance = ops.sum(label, axis=1)
        found = ops.sum(label / self.smooth_ranks(y_pred, mask), axis=1)
        return ops.where(relevance > 0, 1 - safe_divide(found, relevance), 0)
