"""Connectionist temporal classification."""

from keras import ops

from keras_losskit.core import checks, shapes, targets
from keras_losskit.core.backend import to_tensors, with_gradient
from keras_losskit.core.kernels import exp, larger
from keras_losskit.core.loss import Loss, register
from keras_losskit.core.numerics import largest
from keras_losskit.core.reduction import combine_masks
from keras_losskit.core.softmax import NOTHING, log_softmax
from keras_losskit.core.takes import Takes

_IDS = Takes("classes", "logits", "classes")  # Of the labels alone.
_PARTS = {"labels", "label_length", "input_length"}


@register
class CTC(Loss):
    """Connectionist temporal classification: -log p(labels), over all alignments.

    For labels in order, without times: each frame says a class or a blank, repetitions are
    merged, blanks dropped, and every way of frames that leaves the labels counts. For
    speech, handwriting, and whatever is longer than what it says.

    Args:
        blank: the class of the blank, an integer >= 0.
        padding: an id that is no label, an integer. It and the blank are dropped wherever
            they stand in `y_true`.
        zero_infinity: whether a sample whose labels do not fit into its frames is worth 0;
            else it is infinite. Its gradient is 0 either way.

    | elsewhere | here |
    |---|---|
    | torch `ctc_loss(log_p, y, lengths, …, reduction="none", zero_infinity=True)` | the values |
    | `tf.nn.ctc_loss(y, z, label_length, logit_length, blank_index=0)` | the values |
    | Keras 3.15 `CTC()`, of labels padded with 0 | `CTC()` |
    | Keras 3.15 `CTC()`, of labels padded with -1: a wrong number | `CTC()`: the right one |

    Call with ids `y_true` `(B, L)` and logits `y_pred` `(B, T, C)`; values `(B,)`. A Keras
    mask on `y_pred` says which frames there are. `y_true` may be a dict of `"labels"`,
    `"label_length"` and `"input_length"`, the last two `(B,)` or left out. In `fit` one
    array carries them: `.on(y_true={"labels": slice(0, -1), "input_length": -1})`.
    O(B·T·(C + L)) time and memory.

    Raises:
        ValueError: for options out of range, shapes or parts that do not fit, or (where
            values can be seen) an id outside [0, C) that is not `padding`.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.CTC()
    >>> round(float(loss([[1, -1]], [[[0.0, 0.0], [0.0, 0.0]]])), 4)    # -log(3/4)
    0.2877

    Reference: A. Graves et al., *Connectionist Temporal Classification* (2006),
    https://doi.org/10.1145/1143844.1143891
    """

    takes = Takes("any", "logits", "free")

    def __init__(self, blank=0, padding=-1, zero_infinity=True, **common):
        super().__init__(**common)
        self.blank = checks.integer(self, "blank", blank, at_least=0)
        self.padding = checks.integer(self, "padding", padding)
        self.zero_infinity = checks.flag(self, "zero_infinity", zero_infinity)

    def weighable(self, y_true, y_pred, sample_weight, mask):
        # A mask of frames says nothing about labels: the template's would go over both.
        z = self.cast(to_tensors(y_pred))
        parts = self.parts(to_tensors(y_true), z)
        frames = ops.ones_like(z[..., 0], dtype="bool")
        if mask is not None:
            mask = self._mask(mask, z.shape)
            if len(mask.shape) > 1:
                frames, mask = ops.logical_and(frames, mask), None
        if "input_length" in parts:
            frames = ops.logical_and(frames, _before(parts.pop("input_length"), z))
        z = ops.where(frames[..., None], z, ops.zeros_like(z))
        return super().weighable(parts, (z, frames), sample_weight, mask)

    def prepare(self, y_true, y_pred):
        return y_true, y_pred

    def parts(self, y_true, z):
        """The parts of `y_true` by name; raise where they do not fit `z`."""
        parts = dict(y_true) if isinstance(y_true, dict) else {"labels": y_true}
        if "labels" not in parts or not set(parts) <= _PARTS:
            raise ValueError(
                f"{self.name}: y_true must be ids (B, L), or a dict of `labels` and, where "
                f"wanted, `label_length` and `input_length`. Received: {sorted(parts)}"
            )
        labels, p = parts["labels"], tuple(z.shape)
        for name, x in parts.items():
            if name != "labels" and len(x.shape) == 2 and x.shape[-1] == 1:
                parts[name] = x = ops.squeeze(x, axis=-1)
            rank = 2 if name == "labels" else 1
            if len(p) != 3 or len(x.shape) != rank or not shapes.compatible(x.shape[:1], p[:1]):
                shapes.refuse(
                    self, x, z,
                    "Give ids (B, L) and logits (B, T, C); lengths, as parts of y_true, (B,).",
                )
        if p[-1] is not None and self.blank >= p[-1]:
            raise ValueError(
                f"{self.name}: `blank` is {self.blank}, but y_pred has {p[-1]} classes."
            )
        if "label_length" in parts:
            parts["label_length"] = _before(parts["label_length"], labels)
        return parts

    def labels_present(self, parts):
        """Which entries of the labels may be labels at all, the blank included."""
        there = parts["labels"] != ops.cast(self.padding, parts["labels"].dtype)
        return combine_masks(there, parts.get("label_length"))

    def check_targets(self, y_true, y_pred, present):
        present = combine_masks(present, self.labels_present(y_true))
        targets.check(self, _IDS, y_true["labels"], y_pred[0], present)

    def call(self, y_true, y_pred):
        z, frames = y_pred
        there = self.labels_present(y_true)
        labels = ops.cast(y_true["labels"], "int32")
        there = ops.logical_and(there, labels != self.blank)
        labels, count = _to_the_left(labels, there)
        log_p = self.log_likelihood(log_softmax(z), frames, labels, count)
        possible = ops.logical_not(log_p < NOTHING / 2)
        value = -ops.where(possible, log_p, ops.zeros_like(log_p))
        if self.zero_infinity:
            return value
        return ops.where(possible, value, ops.full_like(value, float("inf")))

    def log_likelihood(self, log_p, frames, labels, count):
        """log p of labels `(B, L)`, of which the first `count` exist."""
        blanks = ops.full_like(labels, self.blank)
        known = ops.logical_and(labels >= 0, labels < log_p.shape[-1])
        # Blank, label, blank, …, blank: 2L + 1 states.
        states = _alternate(blanks, ops.where(known, labels, blanks), self.blank)
        # A label may follow the one before it directly, unless it is the same.
        other = ops.pad(labels[:, 1:] != labels[:, :-1], [[0, 0], [1, 0]])[:, : labels.shape[1]]
        skips = _alternate(ops.zeros_like(other), other, False)
        known = _alternate(ops.ones_like(known), known, True)
        index = ops.repeat(states[:, None, :], ops.shape(log_p)[1], axis=1)
        emitted = ops.take_along_axis(log_p, index, axis=-1)
        emitted = ops.where(known[:, None, :], emitted, NOTHING)
        state = ops.arange(states.shape[1], dtype="int32")[None, :]
        last = 2 * count[:, None]
        final = ops.logical_or(state == last, ops.logical_and(state == last - 1, last > 0))
        return _over_alignments(emitted, frames, skips, final)


def _before(length, x):
    """`(B, n)`: which places along the second axis of x come before `length`."""
    places = ops.arange(ops.shape(x)[1], dtype="int32")
    return places[None, :] < ops.cast(length, "int32")[:, None]


def _to_the_left(labels, there):
    """The labels that exist, in order, before the others; and how many."""
    n = labels.shape[1]
    if n == 0:
        return labels, ops.sum(ops.cast(there, "int32"), axis=-1)
    place = ops.arange(n, dtype="int32")[None, :] + n * ops.cast(ops.logical_not(there), "int32")
    order = ops.cast(ops.argsort(place, axis=-1), "int32")
    return (
        ops.take_along_axis(labels, order, axis=-1),
        ops.sum(ops.cast(there, "int32"), axis=-1),
    )


def _alternate(first, second, end):
    """first_0, second_0, first_1, …, and one more `end`: `(B, 2L + 1)`."""
    n = first.shape[1]
    both = ops.reshape(ops.stack([first, second], axis=-1), (ops.shape(first)[0], 2 * n))
    return ops.pad(both, [[0, 0], [0, 1]], constant_values=end)


def _over_alignments(emitted, frames, skips, final):
    """log Σ over all ways through the states, `emitted` `(B, T, S)`: `(B,)`.

    On TensorFlow, whose compiler cannot go back through a loop, the slope is written out:
    the share of the ways that pass a state at a frame.
    """
    size = emitted.shape[-1]
    steps = ops.transpose(frames)[..., None]
    nothing = ops.convert_to_tensor(NOTHING, dtype=emitted.dtype)
    zero = ops.cast(ops.zeros_like(final, dtype="int32"), emitted.dtype)
    at_start = ops.where(ops.arange(size) == 0, zero, nothing)
    at_end = ops.where(final, zero, nothing)

    def moved(x, by):
        """States `by` places before; after, where it is negative."""
        if by > 0:
            return ops.pad(x, [[0, 0], [by, 0]], constant_values=NOTHING)[:, :size]
        return ops.pad(x, [[0, 0], [0, -by]], constant_values=NOTHING)[:, -by:]

    def forward(e):
        def step(a, at):
            emitted, is_there = at
            jump = ops.where(skips, moved(a, 2), nothing)
            new = _log_sum_of_three(a, moved(a, 1), jump) + emitted
            new = ops.where(is_there, new, a)
            return new, new

        return ops.scan(step, at_start, (ops.transpose(e, (1, 0, 2)), steps))

    def backward(e):
        def step(b, at):
            emitted, is_there = at
            b_here = b + emitted
            jump = moved(ops.where(skips, b_here, nothing), -2)
            new = _log_sum_of_three(b_here, moved(b_here, -1), jump)
            return ops.where(is_there, new, b), b

        reverse = ops.flip(ops.transpose(e, (1, 0, 2)), axis=0), ops.flip(steps, axis=0)
        return ops.flip(ops.scan(step, at_end, reverse)[1], axis=0)

    def total(a):
        a = ops.where(final, a, nothing)
        top = ops.stop_gradient(largest(a))
        return top + ops.log(ops.sum(exp(a - top[:, None]), axis=-1))

    def value(e):
        return total(forward(e)[0])

    def gradient(up, e):
        last, before = forward(e)
        log_p = total(last)
        shares = exp(before + backward(e) - log_p[None, :, None])
        counts = ops.logical_and(steps, ops.logical_not(log_p < NOTHING / 2)[None, :, None])
        shares = ops.where(counts, shares, ops.zeros_like(shares))
        return up[:, None, None] * ops.transpose(shares, (1, 0, 2))

    return with_gradient(value, gradient, emitted)


def _log_sum_of_three(a, b, c):
    top = ops.stop_gradient(larger(larger(a, b), c))
    return top + ops.log(ops.exp(a - top) + ops.exp(b - top) + ops.exp(c - top))
