"""Each sample's other view against those of all other samples."""

from keras import ops

from keras_losskit.core import checks, shapes
from keras_losskit.core.anchors import rows_of
from keras_losskit.core.distances import others, products, unit
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import log_add_exp, softplus
from keras_losskit.core.reduction import drop_trailing_ones
from keras_losskit.core.softmax import log_sum_exp
from keras_losskit.core.takes import Takes
from keras_losskit.losses.paired_views.base import ViewsLoss, against_others, turned

_VIEWS = Takes("view", "view", "views")


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

    def own_and_negatives(self, y_true, y_pred, mask, anchors):
        """Of each anchor cos/T, and log Σ exp over all other samples in both views.

        The latter once from the side of `y_true` and once from that of `y_pred`.
        """
        a, b = self.units(y_true, y_pred)
        other = others(a, mask, anchors)
        across = rows_of(a, anchors) @ ops.transpose(b)

        def within(x):
            return log_sum_exp(products(x, anchors), other)

        return (
            rows_of(ops.sum(a * b, axis=-1), anchors),
            log_add_exp(log_sum_exp(across, other), within(a)),
            log_add_exp(log_sum_exp(turned(across, a, b, anchors), other), within(b)),
        )


@register
class NTXent(SoftmaxViewsLoss):
    """NT-Xent (SimCLR): -log(e^(s_ij/T) / Σ_(k≠i) e^(s_ik/T)), s cosines.

    For embeddings without labels, from two random views of each sample, i and j: one is to
    find the other among the 2B - 1 other rows of both views, over which k runs. A sample's
    value is the mean of its two directions. The larger the batch, the more there is to
    tell apart.

    Args:
        temperature: T > 0.
        gather: whether the batch is that of all replicas, under `tf.distribute` or in a
            process group of `torch.distributed`, rather than the local one. Gradients flow
            through the others' rows; value and update are those of one device on the joined
            batch. Without replicas nothing changes, nor on JAX, where `keras.distribution`
            computes one batch anyway. Every replica has to call the loss.

    | elsewhere | here |
    |---|---|
    | the SimCLR code, which adds both directions up | `2 * NTXent(T)` |
    | lightly `NTXentLoss(temperature=0.5)` | `NTXent(0.5)` |
    | pytorch-metric-learning `NTXentLoss(0.07)`, both views stacked, ids twice | `NTXent(0.07)` |

    Call with `y_true`, `y_pred` `(B, D)`, which are normalised; values `(B,)`; gradients
    flow to both. O(B²·D) time, O(B²) memory. In-batch: under data parallelism each
    device sees its local batch, or with `gather` all of it.

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

    def call(self, y_true, y_pred, mask=None, anchors=None):
        own, from_a, from_b = self.own_and_negatives(y_true, y_pred, mask, anchors)
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
        gather: as in `NTXent`.

    lightly's `DCLLoss(temperature=0.1)` gives the same numbers.

    Call with `y_true`, `y_pred` `(B, D)`, which are normalised; values `(B,)`; gradients
    flow to both; a sample alone in its batch is not counted. O(B²·D) time, O(B²) memory.
    In-batch: under data parallelism each device sees its local batch, or with `gather`
    all of it.

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

    def value_mask(self, y_true, y_pred, mask, anchors=None):
        return ops.any(others(y_pred, mask, anchors), axis=-1)

    def call(self, y_true, y_pred, mask=None, anchors=None):
        own, from_a, from_b = self.own_and_negatives(y_true, y_pred, mask, anchors)
        return (from_a + from_b) / 2 - own


@register
class InfoNCE(SoftmaxViewsLoss):
    """InfoNCE: -log(e^(s_ii/T) / Σ_j e^(s_ij/T)), s the cosines across views.

    As CLIP trains images against texts; with `symmetric=False` as sentence
    embeddings are trained (multiple-negatives ranking).

    Args:
        temperature: T > 0.
        symmetric: whether to average the two directions; otherwise row i is
            `y_true[i]` against all of `y_pred`.
        ids: whether each row has an id, of the item that `y_pred` embeds: other rows with
            the id of the anchor are no negatives (accidental hits).
        log_q: whether each row has log q, q the probability that its item is drawn into a
            batch: s_ij/T - log q_j, own items too, in the direction where `y_true` is the
            anchor. Popular items are in many batches and would be pushed too often.
        gather: as in `NTXent`.

    | elsewhere | here |
    |---|---|
    | CLIP, with its learned temperature fixed | `InfoNCE(T)` |
    | sentence-transformers `MultipleNegativesRankingLoss(scale=20)` | \
`temperature=0.05, symmetric=False` |
    | TFRS `Retrieval(temperature=T, remove_accidental_hits=True)`, of unit vectors | \
`InfoNCE(T, symmetric=False, ids=True, reduction="sum")` |
    | TFRS `candidate_sampling_probability=q` | `log_q=True` of log q; TFRS 0.4.0 added it, the \
wrong sign |

    Call with `y_true`, `y_pred` `(B, D)`, which are normalised; values `(B,)`; gradients
    flow to both. With `ids` or `log_q`, `y_true` is a dict,
    `{"embedding": (B, D), "id": (B,), "log_probability": (B,)}`, or one array of these
    columns: the id, log q, the embedding. O(B²·D) time, O(B²) memory. In-batch: under data
    parallelism each device sees its local batch, or with `gather` all of it.

    Raises:
        ValueError: for `temperature` <= 0, or shapes or parts that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.InfoNCE(temperature=1.0)
    >>> rows = [[1.0, 0.0], [0.0, 1.0]]
    >>> round(float(loss(rows, rows)), 4)    # log(1 + e^-1)
    0.3133
    >>> loss = keras_losskit.InfoNCE(temperature=1.0, symmetric=False, ids=True)
    >>> float(loss({"embedding": rows, "id": [7, 7]}, rows))    # Nobody else is wrong.
    0.0

    References: A. van den Oord, Y. Li, O. Vinyals, *Representation Learning with
    Contrastive Predictive Coding* (2018), https://arxiv.org/abs/1807.03748; A.
    Radford et al., *Learning Transferable Visual Models From Natural Language
    Supervision* (2021), https://arxiv.org/abs/2103.00020; log q: X. Yi et al.,
    *Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations* (2019),
    https://doi.org/10.1145/3298689.3346996
    """

    def __init__(self, temperature=0.07, symmetric=True, ids=False, log_q=False, **common):
        super().__init__(temperature, **common)
        self.symmetric = checks.flag(self, "symmetric", symmetric)
        self.ids = checks.flag(self, "ids", ids)
        self.log_q = checks.flag(self, "log_q", log_q)
        self.columns = ["id"] * self.ids + ["log_probability"] * self.log_q
        if self.columns:
            self.takes = Takes("any", "view", "packed", in_batch=True, y_true_gradient=True)

    def prepare(self, y_true, y_pred):
        if not isinstance(y_true, dict):
            if not self.columns:
                return super().prepare(y_true, y_pred)
            y_true = self._unpacked(y_true, y_pred)
        missing = {"embedding", *self.columns} - set(y_true)
        unknown = set(y_true) - {"embedding", "id", "log_probability"}
        if missing or unknown:
            raise ValueError(
                f"{self.name}: y_true must be a dict of `embedding`"
                + "".join(f", `{name}`" for name in self.columns)
                + f". Received: {sorted(y_true)}"
            )
        embedding, y_pred = shapes.fit(self, _VIEWS, y_true["embedding"], y_pred)
        parts = {"embedding": embedding}
        for name in self.columns:
            part = drop_trailing_ones(y_true[name])
            if not shapes.compatible(part.shape, y_pred.shape[:1]):
                shapes.refuse(self, y_true[name], y_pred, f"Give one `{name}` a row, (B,).")
            parts[name] = self.cast(part) if name == "log_probability" else part
        return parts, y_pred

    def _unpacked(self, packed, y_pred):
        """The parts of one array: what there is of id and log q, then the embedding."""
        n = len(self.columns)
        b, d = y_pred.shape if len(y_pred.shape) == 2 else (None, None)
        if not shapes.compatible(packed.shape, (b, None if d is None else n + d)):
            shapes.refuse(
                self, packed, y_pred,
                f"Give a dict of `embedding` (B, D) and {' and '.join(self.columns)} (B,), or "
                f"one array of both, (B, {n} + D), the embedding in the last D columns.",
            )
        parts = {name: packed[:, i] for i, name in enumerate(self.columns)}
        return {**parts, "embedding": packed[:, n:]}

    def call(self, y_true, y_pred, mask=None, anchors=None):
        parts = y_true if isinstance(y_true, dict) else {"embedding": y_true}
        a, b = self.units(parts["embedding"], y_pred)
        own = rows_of(ops.sum(a * b, axis=-1), anchors)
        across = rows_of(a, anchors) @ ops.transpose(b)
        other = others(a, mask, anchors)
        if self.ids:
            ids = parts["id"]
            hit = rows_of(ids, anchors)[:, None] == ids[None, :]
            other = ops.logical_and(other, ops.logical_not(hit))
        if self.log_q:
            log_q = parts["log_probability"]
            corrected = across - log_q[None, :], own - rows_of(log_q, anchors)
        else:
            corrected = across, own
        values = against_others(*corrected, other)
        if not self.symmetric:
            return values
        return (values + against_others(turned(across, a, b, anchors), own, other)) / 2


@register
class SigLIP(ViewsLoss):
    """Sigmoid loss of SigLIP: Σ_j softplus(-l_ij·(t·s_ij + b)), l 1 on the diagonal, else -1.

    Every pair across the views is a decision of its own, without a softmax, so
    that the value does not depend on the batch through a normaliser.

    Args:
        temperature: t > 0, which *multiplies* the cosines s, as in the paper.
        bias: b, any number; strongly negative, since nearly all pairs are negatives.
        gather: as in `NTXent`.

    The paper learns t = exp(t') and b; here they are fixed.

    Call with `y_true`, `y_pred` `(B, D)`, which are normalised; values `(B,)`, the row
    sums by `y_true`'s index; gradients flow to both. O(B²·D) time, O(B²) memory.
    In-batch: under data parallelism each device sees its local batch, or with `gather`
    all of it.

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

    def call(self, y_true, y_pred, mask=None, anchors=None):
        s = rows_of(unit(y_true), anchors) @ ops.transpose(unit(y_pred))
        logits = self.temperature * s + self.bias
        differs = others(y_pred, None, anchors)
        costs = softplus(ops.where(differs, logits, -logits))
        if mask is not None:
            costs = ops.where(mask[None, :], costs, ops.zeros_like(costs))
        return ops.sum(costs, axis=-1)
