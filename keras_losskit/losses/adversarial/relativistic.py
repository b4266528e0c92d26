"""Real and generated samples judged against each other."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.loss import Loss, register
from keras_losskit.core.numerics import mean, safe_divide, softplus
from keras_losskit.core.reduction import align_left
from keras_losskit.core.takes import Takes


@register
class RelativisticAverage(Loss):
    """Relativistic average loss: (ℓ(1, z - mean y) + ℓ(0, y - mean z))/2.

    z are the scores of one side, y those of the other. The side of `y_pred` is to score
    higher than the other does on average: the real one where the critic learns, the
    generated one where the generator does. Both see real and generated samples, unlike
    with a plain cross-entropy.

    Args:
        kind: ℓ(1, x) and ℓ(0, x): `"bce"`, softplus(-x) and softplus(x); `"hinge"`,
            max(0, 1 - x) and max(0, 1 + x); `"squared"`, (x - 1)² and (x + 1)².

    Call with the scores of the other side as `y_true` and of this one as `y_pred`, `(B, 1)`
    or `(B, …, D)`; values `(B, …)`, the mean over the last axis; gradients flow to both.
    What is masked, or of weight 0, is in neither mean. In-batch: under data parallelism each
    device sees its local batch.

    Raises:
        ValueError: for another `kind`, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.RelativisticAverage(kind="squared")
    >>> float(loss([[0.0]], [[3.0]]))    # ((3 - 1)² + (-3 + 1)²)/2
    4.0

    Reference: A. Jolicoeur-Martineau, *The relativistic discriminator* (2019),
    https://arxiv.org/abs/1807.00734
    """

    takes = Takes("real", "scores", "equal", in_batch=True, y_true_gradient=True)

    def __init__(self, kind="bce", **common):
        super().__init__(**common)
        self.kind = checks.choice(self, "kind", kind, ("bce", "hinge", "squared"))

    def call(self, y_true, y_pred, mask=None):
        there = ops.ones_like(y_pred)
        if mask is not None:
            there = there * ops.cast(align_left(mask, len(y_pred.shape)), y_pred.dtype)
        count = ops.sum(there)

        def average(x):  # What is masked arrives as 0.
            return safe_divide(ops.sum(x * there), count)

        this, other = y_pred - average(y_true), y_true - average(y_pred)
        values = (self.below(this) + self.below(-other)) / 2
        return values if len(values.shape) < 2 else mean(values)

    def below(self, x):
        """ℓ(1, x); ℓ(0, x) is that of -x."""
        if self.kind == "bce":
            return softplus(-x)
        return ops.relu(1 - x) if self.kind == "hinge" else ops.square(1 - x)
