"""Cosines to one proxy per class, without a softmax over all of them."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.in_batch import InBatchLoss
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import mean_where, softplus
from keras_losskit.core.softmax import log_sum_exp
from keras_losskit.core.takes import Takes
from keras_losskit.losses.metric_learning.margin_softmax import ScaledCosineLoss


@register
class ProxyNCA(ScaledCosineLoss):
    """Proxy-NCA: -log(e^(s·cos_y) / Σ_(c≠y) e^(s·cos_c)).

    A proxy is a learned vector that stands for its class, so that no pairs need to be
    found in the batch: each sample is drawn to its class's proxy and pushed from the
    others. The positive one is left out of the denominator, so the value may be negative.

    Args:
        scale: s > 0. The paper's squared distances between unit vectors are
            2 - 2·cos: `scale=2`.

    | elsewhere | here |
    |---|---|
    | pytorch-metric-learning `ProxyNCALoss(softmax_scale=1)` | its denominator has all proxies: \
`NormalizedSoftmax(temperature=0.5)` |

    Call with `y_true` `(B, …)`, `(B, …, 1)` or `(B, …, C)`, `y_pred` cosines
    `(B, …, C)` from `CosineDense`; values `(B, …)`. O(B·C) time and memory.

    Raises:
        ValueError: for `scale` <= 0, shapes that do not fit, or (where values can
            be seen) an id outside [0, C).

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.ProxyNCA(scale=2.0)
    >>> float(loss([0], [[0.5, -0.5]]))    # -2·0.5 + 2·(-0.5)
    -2.0

    Reference: Y. Movshovitz-Attias et al., *No Fuss Distance Metric Learning using
    Proxies* (2017), https://arxiv.org/abs/1703.07464
    """

    def __init__(self, scale=8.0, **common):
        super().__init__(scale, **common)

    def call(self, y_true, y_pred):
        g = self.shares(y_true, y_pred)
        logits = self.scale * y_pred
        rest = ops.log(ops.where(g < 1, 1 - g, 1))
        negatives = log_sum_exp(logits + rest, g < 1)
        return ops.sum(g * (ops.expand_dims(negatives, -1) - logits), axis=-1)


@register
class ProxyAnchor(InBatchLoss, ScaledCosineLoss):
    """Proxy-Anchor: the proxies are anchors, the batch's samples their pairs.

    The mean over proxies with a sample in the batch of
    log(1 + Σ_(its samples) e^(-s·(cos - m))) plus the mean over all proxies of
    log(1 + Σ_(other samples) e^(s·(cos + m))). One number for the batch.

    A proxy is a learned vector that stands for its class. As with `ProxyNCA` a batch need
    not hold pairs of a class; but here a proxy sees all samples of the batch at once, and
    is moved by the hard ones most.

    Args:
        margin: m >= 0, in units of a cosine.
        scale: s > 0 (the paper's α).
        gather: as in `NTXent`.

    Call with `y_true` `(B,)`, `(B, 1)` or `(B, C)`, `y_pred` cosines `(B, C)` from
    `CosineDense`. `sample_weight` multiplies each sample's exponentials inside the sums.
    O(B·C) time and memory. In-batch: under data parallelism each device sees its local
    batch, or with `gather` all of it, which each then computes.
    pytorch-metric-learning's `ProxyAnchorLoss(margin=0.1, alpha=32)` holds the proxies
    itself.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or (where
            values can be seen) an id outside [0, C).

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.ProxyAnchor(margin=0.0, scale=1.0)
    >>> round(float(loss([0], [[0.0, 0.0]])), 4)    # log 2 + (0 + log 2)/2
    1.0397

    Reference: S. Kim et al., *Proxy Anchor Loss for Deep Metric Learning* (2020),
    https://arxiv.org/abs/2003.13911
    """

    takes = Takes("classes", "cosines", "classes", in_batch=True)

    def __init__(self, margin=0.1, scale=32.0, **common):
        super().__init__(scale=scale, **common)
        self.margin = checks.real(self, "margin", margin, at_least=0)

    def prepare(self, y_true, y_pred):
        if len(y_pred.shape) != 2:
            raise ValueError(
                f"{self.name}: y_pred of shape {tuple(y_pred.shape)} must be (B, C), the "
                "cosines of one embedding per sample."
            )
        return super().prepare(y_true, y_pred)

    def call(self, y_true, y_pred, mask=None, sample_weight=None):
        g = self.shares(y_true, y_pred)
        w = ops.ones_like(y_pred[:, :1]) if sample_weight is None else sample_weight[:, None]
        if mask is not None:
            w = ops.where(mask[:, None], w, 0)
        pull, positive = self._per_proxy(-self.scale * (y_pred - self.margin), w * g)
        push, _ = self._per_proxy(self.scale * (y_pred + self.margin), w * (1 - g))
        return mean_where(pull, positive) + ops.sum(push) / y_pred.shape[-1]

    def _per_proxy(self, logits, weights):
        """log(1 + Σ w·exp(logits)) over the batch, and which proxies have a sample."""
        some = weights > 0
        logits = logits + ops.log(ops.where(some, weights, 1))
        return softplus(log_sum_exp(logits, some, axis=0)), ops.any(some, axis=0)
