"""Each sample's other view against those of all other samples."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.distances import others, products, unit
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import log_add_exp, log_sum_exp, softplus
from keras_losskit.losses.paired_views.base import ViewsLoss


class SoftmaxViewsLoss(ViewsLoss):
    """Base of losses on cosines over a temperature.

    Args:
        temperature: T > 0.
    """

    def __init__(self, temperature, **common):
        super().__init__(**common)
        self.temperature = checks.real(self, "temperature", temperature, above=0)

    def units(self, y_true, y_pred):
        """Both views, so scaled that their products are cos/T."""
        root = self.temperature**0.5
        return unit(y_true) / root, unit(y_pred) / root

    def negatives(self, a, b, mask):
        """log Σ exp over all other samples in both views, for a's rows and for b's."""
        other = others(ops.shape(a)[0], mask)
        across = a @ ops.transpose(b)

        def within(x):
            return log_sum_exp(products(x), other)

        return (
            log_add_exp(log_sum_exp(across, other), within(a)),
            log_add_exp(log_sum_exp(ops.transpose(across), other), within(b)),
        )


@register
class NTXent(SoftmaxViewsLoss):
    """NT-Xent (SimCLR): -log(e^(s_ij/T) / Σ_(k≠i) e^(s_ik/T)), s cosines.

    i and j are the two views of a sample and k runs over the 2B - 1 other rows
    of both views; a sample's value is the mean of its two directions.

    Args:
        temperature: T > 0.

    | elsewhere | here |
    |---|---|
    | the SimCLR code, which adds both directions up | `2 * NTXent(T)` |
    | lightly `NTXentLoss(temperature=0.5)` | `NTXent(0.5)` |
    | pytorch-metric-learning `NTXentLoss(0.07)`, both views stacked, ids twice | `NTXent(0.07)` |

    Call with `y_true`, `y_pred` `(B, D)`, which are normalised; values `(B,)`;
    gradients flow to both. O(B²·D) time, O(B²) memory. In-batch: under data
    parallelism each device sees its local batch.

    Raises:
        ValueError: for `temperature` <= 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.NTXent(temperature=1.0)
    >>> rows = [[1.0, 0.0], [0.0, 1.0]]
    >>> round(float(loss(rows, rows)), 4)    # -log(e/(e + 1 + 1))
    0.5514

    Reference: T. Chen et al., *A Simple Framework for Contrastive Learning of Visual
    Representations* (2020), https://arxiv.org/abs/2002.05709
    """

    def __init__(self, temperature=0.5, **common):
        super().__init__(temperature, **common)

    def call(self, y_true, y_pred, mask=None):
        a, b = self.units(y_true, y_pred)
        own = ops.sum(a * b, axis=-1)
        from_a, from_b = self.negatives(a, b, mask)
        # -log(e^own / (e^own + e^negatives)), of each direction.
        return (softplus(from_a - own) + softplus(from_b - own)) / 2


@register
class DecoupledContrastive(SoftmaxViewsLoss):
    """Decoupled contrastive loss: -s_ij/T + log Σ_k e^(s_ik/T), without k = j.

    NT-Xent with the positive left out of the denominator, so that a small batch
    learns as well; k runs over the 2B - 2 rows of other samples, in both views.
    A sample's value is the mean of its two directions; it may be negative.

    Args:
        temperature: T > 0.

    lightly's `DCLLoss(temperature=0.1)` gives the same numbers.

    Call with `y_true`, `y_pred` `(B, D)`, which are normalised; values `(B,)`;
    gradients flow to both; a sample alone in its batch is not counted. O(B²·D)
    time, O(B²) memory. In-batch: under data parallelism each device sees its local
    batch.

    Raises:
        ValueError: for `temperature` <= 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.DecoupledContrastive(temperature=1.0)
    >>> rows = [[1.0, 0.0], [0.0, 1.0]]
    >>> round(float(loss(rows, rows)), 4)    # -1 + log(1 + 1)
    -0.3069

    Reference: C.-H. Yeh et al., *Decoupled Contrastive Learning* (2022),
    https://arxiv.org/abs/2110.06848
    """

    def __init__(self, temperature=0.1, **common):
        super().__init__(temperature, **common)

    def value_mask(self, y_true, y_pred, mask):
        return ops.any(others(ops.shape(y_pred)[0], mask), axis=-1)

    def call(self, y_true, y_pred, mask=None):
        a, b = self.units(y_true, y_pred)
        from_a, from_b = self.negatives(a, b, mask)
        return (from_a + from_b) / 2 - ops.sum(a * b, axis=-1)


@register
class InfoNCE(SoftmaxViewsLoss):
    """InfoNCE: -log(e^(s_ii/T) / Σ_j e^(s_ij/T)), s the cosines across views.

    As CLIP trains images against texts; with `symmetric=False` as sentence
    embeddings are trained (multiple-negatives ranking).

    Args:
        temperature: T > 0.
        symmetric: whether to average the two directions; otherwise row i is
            `y_true[i]` against all of `y_pred`.

    | elsewhere | here |
    |---|---|
    | CLIP, with its learned temperature fixed | `InfoNCE(T)` |
    | sentence-transformers `MultipleNegativesRankingLoss(scale=20)` | \
`temperature=0.05, symmetric=False` |

    Call with `y_true`, `y_pred` `(B, D)`, which are normalised; values `(B,)`;
    gradients flow to both. O(B²·D) time, O(B²) memory. In-batch: under data
    parallelism each device sees its local batch.

    Raises:
        ValueError: for `temperature` <= 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.InfoNCE(temperature=1.0)
    >>> rows = [[1.0, 0.0], [0.0, 1.0]]
    >>> round(float(loss(rows, rows)), 4)    # log(1 + e^-1)
    0.3133

    References: A. van den Oord, Y. Li, O. Vinyals, *Representation Learning with
    Contrastive Predictive Coding* (2018), https://arxiv.org/abs/1807.03748; A.
    Radford et al., *Learning Transferable Visual Models From Natural Language
    Supervision* (2021), https://arxiv.org/abs/2103.00020
    """

    def __init__(self, temperature=0.07, symmetric=True, **common):
        super().__init__(temperature, **common)
        self.symmetric = checks.flag(self, "symmetric", symmetric)

    def call(self, y_true, y_pred, mask=None):
        a, b = self.units(y_true, y_pred)
        logits, own = a @ ops.transpose(b), ops.sum(a * b, axis=-1)
        values = self.against_others(logits, own, mask)
        if not self.symmetric:
            return values
        return (values + self.against_others(ops.transpose(logits), own, mask)) / 2


@register
class SigLIP(ViewsLoss):
    """Sigmoid loss of SigLIP: Σ_j softplus(-l_ij·(t·s_ij + b)), l 1 on the diagonal, else -1.

    Every pair across the views is a decision of its own, without a softmax, so
    that the value does not depend on the batch through a normaliser.

    Args:
        temperature: t > 0, which *multiplies* the cosines s, as in the paper.
        bias: b, any number; strongly negative, since nearly all pairs are negatives.

    The paper learns t = exp(t') and b; here they are fixed.

    Call with `y_true`, `y_pred` `(B, D)`, which are normalised; values `(B,)`, the
    row sums by `y_true`'s index; gradients flow to both. O(B²·D) time, O(B²)
    memory. In-batch: under data parallelism each device sees its local batch.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.SigLIP(temperature=1.0, bias=0.0)
    >>> rows = [[1.0, 0.0], [0.0, 1.0]]
    >>> round(float(loss(rows, rows)), 4)    # log(1 + e^-1) + log 2
    1.0064

    Reference: X. Zhai et al., *Sigmoid Loss for Language Image Pre-Training* (2023),
    https://arxiv.org/abs/2303.15343
    """

    def __init__(self, temperature=10.0, bias=-10.0, **common):
        super().__init__(**common)
        self.temperature = checks.real(self, "temperature", temperature, above=0)
        self.bias = checks.real(self, "bias", bias)

    def call(self, y_true, y_pred, mask=None):
        s = unit(y_true) @ ops.transpose(unit(y_pred))
        logits = self.temperature * s + self.bias
        differs = others(ops.shape(s)[0], None)
        costs = softplus(ops.where(differs, logits, -logits))
        if mask is not None:
            costs = ops.where(mask[None, :], costs, ops.zeros_like(costs))
        return ops.sum(costs, axis=-1)
