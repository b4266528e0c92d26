"""`LabelledLoss`: what every loss on class labels shares."""

from keras import ops

from keras_losskit.core import checks, targets
from keras_losskit.core.loss import Loss
from keras_losskit.core.takes import Takes


class LabelledLoss(Loss):
    """Base of losses whose targets are classes, in either encoding.

    `y_true` holds class ids `(…)` or `(…, 1)`, or one-hot or soft rows
    `(…, C)` in the shape of `y_pred`. With one output column, `y_pred (…, 1)`,
    targets are binary: 0, 1 or in between.

    Args:
        from_logits: whether `y_pred` holds logits rather than probabilities.
        class_weights: `None`, or `C` weights >= 0.
        ignore_class: an id whose positions count nowhere, or `None`.
    """

    takes = Takes("classes", "probabilities", "classes")

    def __init__(
        self, *, from_logits=False, class_weights=None, ignore_class=None, **common
    ):
        super().__init__(**common)
        self.from_logits = checks.flag(self, "from_logits", from_logits)
        self.class_weights = checks.weights(self, "class_weights", class_weights)
        self.ignore_class = checks.optional_integer(self, "ignore_class", ignore_class)

    def prepare(self, y_true, y_pred):
        y_true, y_pred = super().prepare(y_true, y_pred)
        checks.fits_axis(self, "class_weights", self.class_weights, y_pred.shape[-1])
        return y_true, y_pred

    def input_mask(self, y_true, y_pred):
        return targets.not_ignored(y_true, y_pred, self.ignore_class)

    def dense_targets(self, y_true, y_pred):
        """One row of class shares per position, `(…, C)`, from either encoding."""
        if len(y_true.shape) == len(y_pred.shape):
            return y_true
        return targets.one_hot(y_true, y_pred.shape[-1], y_pred.dtype)

    def weights_per_class(self, dtype):
        """`class_weights` as a tensor, or `None`."""
        if self.class_weights is None:
            return None
        return ops.convert_to_tensor(self.class_weights, dtype=dtype)

    def weigh_positions(self, values, g):
        """Each position's value times the weight of its class, Σ_c w_c·g_c."""
        w = self.weights_per_class(values.dtype)
        return values if w is None else ops.sum(w * g, axis=-1) * values
