"""`DeepSupervision`: one loss at several resolutions."""

import numpy as np
from keras import ops

from keras_losskit.core import checks, targets
from keras_losskit.core.algebra import WeightedSum
from keras_losskit.core.combined import CombinedLoss, Wrapper, factor_repr
from keras_losskit.core.loss import register


@register
class AtResolution(Wrapper):
    """A loss whose targets are brought to the resolution of the predictions.

    Target pixel ⌊(i + ½)·n/m⌋ is compared with prediction i, along every
    spatial axis: the nearest neighbour by pixel centers, so that class ids stay
    ids and one-hot rows stay one-hot. Weights per position follow.

    Args:
        loss: the loss, anything that `as_loss` takes.

    Call with `y_pred (B, *spatial, C)` and `y_true` of class ids
    `(B, *spatial)` or rows `(B, *spatial, …)`, at a resolution of its own.

    Raises:
        ValueError: where the numbers of spatial axes differ.

    Example:

    >>> import numpy as np, keras_losskit as kl
    >>> fine = np.array([[0.0, 1.0, 2.0, 3.0]])[..., None]
    >>> coarse = np.array([[1.0, 3.0]])[..., None]
    >>> float(kl.AtResolution(kl.MeanSquaredError())(fine, coarse))
    0.0
    """

    def inputs(self, batch):
        y_true, y_pred = ops.convert_to_tensor(batch.y_true), ops.convert_to_tensor(batch.y_pred)
        sample_weight = batch.sample_weight
        axes = range(1, len(y_pred.shape) - 1)
        if not targets.holds_ids(y_true, y_pred) and len(y_true.shape) != len(y_pred.shape):
            raise ValueError(
                f"{self.name}: y_true of shape {tuple(y_true.shape)} has no axis for each "
                f"spatial axis of y_pred of shape {tuple(y_pred.shape)}. Give class ids "
                "(B, *spatial) or rows (B, *spatial, …)."
            )
        if sample_weight is not None:
            sample_weight = ops.convert_to_tensor(sample_weight)
            for axis in range(1, min(len(sample_weight.shape), len(y_pred.shape) - 1)):
                if sample_weight.shape[axis] != 1:
                    sample_weight = _resize(sample_weight, y_pred, axis)
        for axis in axes:
            y_true = _resize(y_true, y_pred, axis)
        return batch._replace(y_true=y_true, y_pred=y_pred, sample_weight=sample_weight)

    def __repr__(self):
        return f"AtResolution({self.loss!r})"


@register
class DeepSupervision(CombinedLoss):
    """Σ_i w_i·L at each of several resolutions of a network's outputs.

    Decoders give predictions at several scales; each is compared with the
    targets, brought to its resolution by `AtResolution`.

    Args:
        loss: the loss, anything that `as_loss` takes.
        weights: one finite number per output, in the order of the outputs.

    Keras calls a loss once per output, so compile a model with several outputs
    with `loss=deep.per_output()` and give `fit` the same targets for each:
    `model.fit(x, [y, y, y])`. Called directly, it takes `y_true` once and
    `y_pred` as a list.

    Raises:
        ValueError: for weights out of range, or another number of outputs.

    Example:

    >>> import numpy as np, keras_losskit as kl
    >>> deep = kl.DeepSupervision(kl.MeanSquaredError(), weights=[1.0, 0.5])
    >>> y_true = np.array([[0.0, 0.0, 1.0, 1.0]])[..., None]
    >>> y_pred = [np.zeros((1, 4, 1)), np.zeros((1, 2, 1))]
    >>> float(deep(y_true, y_pred))    # 2/4 + 0.5·1/2
    0.75

    Reference: C.-Y. Lee et al., *Deeply-Supervised Nets* (2015),
    https://arxiv.org/abs/1409.5185
    """

    def __init__(self, loss, weights, **common):
        super().__init__(**common)
        self.loss = self.operand(loss)
        self.weights = checks.sequence(self, "weights", weights)

    def operands(self):
        return [self.loss]

    def per_output(self, names=None):
        """The losses for `compile`: a list, or a dict with the outputs' `names`."""
        losses = [WeightedSum([(w, AtResolution(self.loss))]) for w in self.weights]
        if names is None:
            return losses
        self._require(len(names), "names")
        return dict(zip(names, losses, strict=True))

    def evaluate(self, y_true, y_pred, sample_weight=None, mask=None):
        if not isinstance(y_pred, (list, tuple)):
            raise ValueError(
                f"{self.name}: y_pred must be a list, one entry per resolution. In "
                "`compile` give loss=deep.per_output()."
            )
        self._require(len(y_pred), "y_pred")
        masks = mask if isinstance(mask, (list, tuple)) else [mask] * len(y_pred)
        total = 0.0
        for loss, p, m in zip(self.per_output(), y_pred, masks, strict=True):
            total = total + loss.evaluate(y_true, p, sample_weight, m)
        return total

    def weighable(self, y_true, y_pred, sample_weight, mask):
        raise TypeError(
            f"{self.name}: values at several resolutions cannot be multiplied by "
            "another loss. Multiply the loss inside: DeepSupervision(a * b, weights)."
        )

    def _require(self, count, what):
        if count != len(self.weights):
            raise ValueError(
                f"{self.name}: `weights` has {len(self.weights)} entries, but {what} has "
                f"{count}. Give one weight per output."
            )

    def __repr__(self):
        return f"DeepSupervision({factor_repr(self.loss)}, weights={self.weights})"


def _resize(x, like, axis):
    """`x` with the size of `like` along `axis`, by nearest neighbour."""
    n, m = x.shape[axis], like.shape[axis]
    if n is not None and n == m:
        return x
    if n is not None and m is not None:
        rows = np.minimum((2 * np.arange(m) + 1) * n // (2 * m), n - 1)
        return ops.take(x, rows.astype("int32"), axis=axis)
    n, m = ops.shape(x)[axis], ops.shape(like)[axis]
    return ops.take(x, (2 * ops.arange(m) + 1) * n // (2 * m), axis=axis)
