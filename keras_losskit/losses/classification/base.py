"""What the classification losses share."""

from keras import ops

from keras_losskit.core import checks, targets
from keras_losskit.core.elementwise import ElementwiseLoss, IncompleteLoss
from keras_losskit.core.kernels import choose
from keras_losskit.core.labelled import LabelledLoss
from keras_losskit.core.numerics import safe_log
from keras_losskit.core.reduction import align_left
from keras_losskit.core.softmax import log_softmax, log_softmax_of, share_of, shares, softmax
from keras_losskit.core.takes import Takes


class CategoricalLoss(LabelledLoss):
    """Base of losses on one distribution over C classes per position.

    `y_pred (B, …, C)` holds probabilities, renormalised to p/Σp, or logits;
    `y_true` holds class ids `(B, …)`, `(B, …, 1)` or rows `(B, …, C)`. Values
    `(B, …)`: one per position.

    Args:
        label_smoothing: s in [0, 1]: targets become (1 - s)·g + s/C.
    """

    def __init__(self, *, label_smoothing=0.0, **common):
        super().__init__(**common)
        self.label_smoothing = checks.real(
            self, "label_smoothing", label_smoothing, at_least=0, at_most=1
        )

    def prepare(self, y_true, y_pred):
        shape = tuple(y_pred.shape)
        if len(shape) < 2 or shape[-1] == 1:
            raise ValueError(
                f"{self.name}: y_pred of shape {shape} has no class axis. It must be "
                "(B, …, C) with C > 1; for one output per decision use a binary loss."
            )
        return super().prepare(y_true, y_pred)

    def call(self, y_true, y_pred):
        if len(y_true.shape) == len(y_pred.shape):
            return self.of_positions(y_true, y_pred)
        known = in_range(y_true, y_pred.shape[-1])
        values = self.of_positions(choose(known, y_true, 0), y_pred)
        return choose(known, values, 0)

    def of_positions(self, y_true, y_pred):
        """The values; ids are in [0, C)."""
        raise NotImplementedError

    def smoothed_targets(self, y_true, y_pred):
        """Rows of class shares, after label smoothing."""
        g = self.dense_targets(y_true, y_pred)
        return targets.smooth(g, self.label_smoothing, y_pred.shape[-1])

    def probabilities(self, y_pred):
        """p of every class: the softmax of logits, or p/Σp."""
        if self.from_logits:
            return softmax(y_pred)
        return shares(y_pred)

    def log_probabilities(self, y_pred):
        """log p of every class, finite for any logits and at p = 0."""
        return log_softmax(y_pred) if self.from_logits else safe_log(shares(y_pred))

    def with_logarithms(self, y_pred):
        """p and log p of every class."""
        p = self.probabilities(y_pred)
        return p, log_softmax(y_pred) if self.from_logits else safe_log(p)

    def true_class(self, y_true, y_pred):
        """p, log p and the weight of the true class where `y_true` holds ids.

        `None` for rows, or with `label_smoothing`: then every class counts.
        """
        if not self.one_class_counts(y_true, y_pred):
            return None
        p, log_p = self.of_ids(y_true, y_pred)
        p = ops.exp(log_p) if p is None else p
        return p, log_p, self.weights_of_ids(y_true, y_pred)

    def one_class_counts(self, y_true, y_pred):
        return not self.label_smoothing and len(y_true.shape) != len(y_pred.shape)

    def of_ids(self, ids, y_pred):
        """p and log p of the classes named by ids; of logits `None` for p, which takes more."""
        if self.from_logits:
            return None, log_softmax_of(y_pred, ids)
        p = share_of(y_pred, ids)
        return p, safe_log(p)

    def weights_of_ids(self, ids, y_pred):
        w = self.weights_per_class(y_pred.dtype)
        return 1 if w is None else ops.take(w, ids)

    def sum_over_classes(self, per_class):
        """Σ_c w_c·x_c: class weights act inside the sum over classes."""
        w = self.weights_per_class(per_class.dtype)
        return ops.sum(per_class if w is None else w * per_class, axis=-1)


class LogitsLoss(CategoricalLoss):
    """Base of losses that are defined on logits alone."""

    takes = Takes("classes", "logits", "classes")
    fixed = {"from_logits": True}


class DecisionsLoss(ElementwiseLoss):
    """Base of losses on independent decisions, whose targets may be class ids.

    A subclass says what targets of 0 and 1 become, by `encoded`.
    """

    def encoded(self, y_true):
        raise NotImplementedError

    def call(self, y_true, y_pred):
        if len(y_true.shape) == len(y_pred.shape):
            return super().call(self.encoded(y_true), y_pred)
        classes = y_pred.shape[-1]
        rows = self.encoded(targets.one_hot(y_true, classes, y_pred.dtype))
        return of_known_ids(super().call(rows, y_pred), y_true, classes)


class BinaryLoss(DecisionsLoss, IncompleteLoss):
    """Base of losses on independent yes/no decisions, one per element.

    `y_pred (B, …, D)` holds probabilities or logits, `y_true` 0, 1 or in between
    in the same shape. Integer ids `(B, …)` for D > 1 are one-hot encoded. Values
    `(B, …)`: the mean over the last axis.

    Args:
        from_logits: whether `y_pred` holds logits rather than probabilities.
        label_smoothing: s in [0, 1]: targets become (1 - s)·g + s/2.
    """

    takes = Takes("probability", "probabilities", "decisions")

    def __init__(self, *, from_logits=False, label_smoothing=0.0, **common):
        super().__init__(**common)
        self.from_logits = checks.flag(self, "from_logits", from_logits)
        self.label_smoothing = checks.real(
            self, "label_smoothing", label_smoothing, at_least=0, at_most=1
        )

    def encoded(self, y_true):
        return targets.smooth(y_true, self.label_smoothing, 2)


def in_range(ids, classes):
    """Whether each id is in [0, classes)."""
    return (ids >= 0) & (ids < classes)


def of_known_ids(values, ids, classes):
    """Values of positions; 0 where the id is none, which compiled code cannot refuse."""
    known = in_range(ids, classes)
    return choose(align_left(known, len(values.shape)), values, 0)
