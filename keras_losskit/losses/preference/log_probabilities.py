"""What a language model gives a sequence."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.numerics import mean_where
from keras_losskit.core.softmax import log_softmax_of


def sequence_log_probabilities(logits, ids, mask=None, mean=False):
    """Σ_t log softmax(logits_t)[id_t]: the log-probability of each sequence.

    What `DPO`, `ORPO` and `SimPO` are made of. Nothing is shifted: logits at t belong to
    the id at t, so of a model that predicts the next token give `logits[:, :-1]` and
    `ids[:, 1:]`.

    Args:
        logits: `(B, T, C)`.
        ids: the tokens that were written, `(B, T)`, integers in [0, C) where they count.
        mask: `(B, T)`, False (or 0) where a token does not count, such as the prompt and
            padding; `None`: all count. What is there may be any id, -100 too.
        mean: whether to give the mean per counted token, not the sum.

    Returns:
        A tensor `(B,)`; 0 of a sequence in which no token counts.

    Raises:
        ValueError: where shapes do not fit.

    Example:

    >>> import keras_losskit
    >>> found = keras_losskit.sequence_log_probabilities(
    ...     [[[0.0, 0.0], [0.0, 0.0]]], [[1, -100]], mask=[[1, 0]])
    >>> [round(float(x), 4) for x in found]    # log ½
    [-0.6931]

    Reference: R. Rafailov et al., *Direct Preference Optimization* (2023), appendix B,
    https://arxiv.org/abs/2305.18290
    """
    checks.flag("sequence_log_probabilities", "mean", mean)
    logits, ids = ops.convert_to_tensor(logits), ops.convert_to_tensor(ids)
    if "float64" not in str(logits.dtype):
        logits = ops.cast(logits, "float32")
    counts = ops.ones_like(ids, dtype="bool")
    if mask is not None:
        counts = ops.cast(ops.convert_to_tensor(mask), "bool")
    if len(logits.shape) != 3 or not len(ids.shape) == len(counts.shape) == 2:
        raise ValueError(
            "sequence_log_probabilities: give logits (B, T, C), ids (B, T) and a mask (B, T). "
            f"Received: shapes {tuple(logits.shape)}, {tuple(ids.shape)}, {tuple(counts.shape)}"
        )
    for x in (ids, counts):
        for n, m in zip(x.shape, logits.shape, strict=False):
            if None not in (n, m) and n != m:
                raise ValueError(
                    f"sequence_log_probabilities: {tuple(x.shape)} does not fit logits of "
                    f"shape {tuple(logits.shape)}. Shift both by yourself: logits[:, :-1] "
                    "with ids[:, 1:]."
                )
    ids = ops.where(counts, ops.cast(ids, "int32"), 0)
    logits = ops.where(counts[..., None], logits, ops.zeros_like(logits))
    each = log_softmax_of(logits, ids)
    if mean:
        return mean_where(each, counts)
    return ops.sum(ops.where(counts, each, ops.zeros_like(each)), axis=-1)
