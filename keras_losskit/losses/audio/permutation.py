"""Sources in whatever order they come."""

import itertools

import numpy as np
from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.combined import changed_copy
from keras_losskit.core.elementwise import ElementwiseLoss, IncompleteLoss
from keras_losskit.core.foreign import as_loss
from keras_losskit.core.loss import Loss, register
from keras_losskit.core.numerics import largest, mean_where, safe_divide
from keras_losskit.core.reduction import align_left
from keras_losskit.core.takes import Takes, takes_of
from keras_losskit.losses.audio.base import or_taken_out

MOST = 6  # Sources, of 720 orders.
FORBIDDEN = 1e30  # What it costs to give a source that is there to one that is not.


@register
class PermutationInvariant(Loss):
    """The least over orders π of the mean of loss(y_i, ŷ_π(i)), i over S <= 6 sources.

    For outputs that hold sources in any order, such as the voices of a mixture: which output is
    which is for the model to choose, sample by sample. The loss is computed for all S² pairs
    once, not for S! orders.

    A source whose target is 0 everywhere, or that the loss itself does not count (as `SISDR` of
    silence), counts neither in the sum nor in the mean; a sample of none counts nowhere.

    Args:
        loss: a loss of two sources, with one value for each sample or position, of which the
            mean is taken; or what `as_loss` makes one of. Its own reduction is not used.
        axis: where the sources lie in both, not 0; an integer.

    | elsewhere | here |
    |---|---|
    | asteroid `PITLossWrapper(pairwise_neg_sisdr, "pw_mtx")` | `PermutationInvariant(SISDR())` |
    | torchmetrics `permutation_invariant_training(ŷ, y, f)`, of a metric | \
`PermutationInvariant(f)`, of a loss |

    Call with `(B, S, T)`, or sources on another axis; values `(B,)`. Time that of the loss on
    B·S² pairs, and S·S! additions. A masked source is left out, and a masked position of one is
    masked in all its pairs.

    Raises:
        ValueError: for an `axis` that is the batch's, more than 6 sources, or a loss that is one
            number for the batch or looks at other samples.

    Example:

    >>> import keras_losskit, numpy as np
    >>> y = np.array([[[1.0, 2.0], [3.0, 4.0]]])    # Two sources.
    >>> loss = keras_losskit.PermutationInvariant(keras_losskit.MeanAbsoluteError())
    >>> float(loss(y, y[:, ::-1])), float(loss(y, y[:, ::-1] + 0.5))
    (0.0, 0.5)

    Reference: D. Yu et al., *Permutation Invariant Training of Deep Models for
    Speaker-Independent Multi-Talker Speech Separation* (2017), https://arxiv.org/abs/1607.00325
    """

    takes = Takes("real", "real", "sources")

    def __init__(self, loss, axis=1, **common):
        super().__init__(**common)
        changed = {} if self.requested_dtype is None else {"dtype": self.requested_dtype}
        self.loss = changed_copy(as_loss(loss), changed)
        self.axis = checks.integer(self, "axis", axis)
        if self.axis == 0:
            raise ValueError(
                "PermutationInvariant: `axis` 0 is the batch's; sources lie on another. "
                "Received: axis=0"
            )
        takes = takes_of(self.loss)
        if self.loss.applies_weights or (takes is not None and takes.in_batch):
            raise ValueError(
                "PermutationInvariant: `loss` must give each sample a value of its own, but "
                f"{self.loss!r} looks at the batch."
            )

    @property
    def least_size(self):
        """In samples; what the loss asks for."""
        return getattr(self.loss, "least_size", 1)

    def prepare(self, y_true, y_pred):
        y_true, y_pred = super().prepare(y_true, y_pred)
        rank = len(y_pred.shape)
        if not -rank < self.axis < rank:
            raise ValueError(
                f"{self.name}: y_pred of shape {tuple(y_pred.shape)} has no axis {self.axis} "
                "behind that of the batch."
            )
        sources = y_pred.shape[self.axis]
        if sources is None or sources > MOST:
            raise ValueError(
                f"{self.name}: y_pred of shape {tuple(y_pred.shape)} has {sources} sources on "
                f"axis {self.axis}; their number must be known, and at most {MOST}."
            )
        return y_true, y_pred

    def call(self, y_true, y_pred, mask=None):
        y, p = (ops.moveaxis(x, self.axis, 1) for x in (y_true, y_pred))
        there = self.positions(y_pred, mask)
        counts = self.counted(y, there)
        values = self.pairs(y, p, there)
        # Of a source that does not count every pair is worth 0, so that it decides nothing.
        values = ops.where(ops.expand_dims(counts, 2), values, 0)
        if there is not None:
            present = exists(there)
            apart = ops.expand_dims(present, 2) != ops.expand_dims(present, 1)
            values = ops.where(apart, FORBIDDEN, values)
        sources = y.shape[1]
        orders = np.array(list(itertools.permutations(range(sources))), "int32").reshape(
            -1, sources
        )
        where = orders + sources * np.arange(sources, dtype="int32")
        flat = ops.reshape(values, (ops.shape(y)[0], sources * sources))
        totals = ops.sum(ops.take(flat, where, axis=1), axis=-1)
        return safe_divide(-largest(-totals), ops.sum(ops.cast(counts, totals.dtype), axis=-1))

    def pairs(self, y, p, there):
        """The loss of each target with each prediction: `(B, S, S)`."""
        sources, sizes = y.shape[1], ops.shape(y)

        def paired(x, axis):
            """Repeated along the other's axis, all pairs in one batch."""
            x = ops.repeat(ops.expand_dims(x, axis), sources, axis=axis)
            return ops.reshape(x, (sizes[0] * sources * sources, *sizes[2:]))

        mask = None
        if there is not None:
            mask = ops.logical_and(paired(there, 2), paired(there, 1))
        first, other = paired(y, 2), paired(p, 1)
        if mask is not None and is_mean_of_entries(self.loss):
            # Its values are then those of positions, which a mask can tell apart.
            first, other, mask = (ops.expand_dims(x, -1) for x in (first, other, mask))
        values, _, counted = self.loss.weighable(first, other, None, mask)
        values = self.cast(values)
        axes = tuple(range(1, len(values.shape)))
        if axes:
            seen = ops.ones_like(values, dtype="bool")
            if counted is not None:
                seen = ops.logical_and(align_left(counted, len(values.shape)), seen)
            values = mean_where(values, seen, axes)
        return ops.reshape(values, (sizes[0], sources, sources))

    def positions(self, y_pred, mask):
        """Which entries are there, `(B, S, …)`; `None` for all, and where samples are masked."""
        if mask is None or len(mask.shape) < 2:
            return None
        mask = align_left(mask, len(y_pred.shape))
        mask = ops.logical_and(mask, ops.ones_like(y_pred, dtype="bool"))
        return ops.moveaxis(mask, self.axis, 1)

    def counted(self, y, there):
        """Which sources count, `(B, S)`: those whose target the loss itself would count."""
        sizes = ops.shape(y)
        heard = exists(y != 0)
        if there is not None:
            heard = ops.logical_and(heard, exists(there))
        rows = ops.reshape(y, (sizes[0] * sizes[1], *sizes[2:]))
        mask = None
        if there is not None:
            mask = ops.reshape(there, (sizes[0] * sizes[1], *sizes[2:]))
        rows, same = self.loss.prepare(rows, rows)
        inner = self.loss.value_mask(rows, same, mask)
        if inner is not None:
            inner = ops.reshape(inner, (sizes[0], sizes[1], *ops.shape(inner)[1:], 1))
            heard = ops.logical_and(heard, exists(inner))
        return heard

    def value_mask(self, y_true, y_pred, mask):
        y = ops.moveaxis(y_true, self.axis, 1)
        heard = ops.any(self.counted(y, self.positions(y_pred, mask)), axis=-1)
        return or_taken_out(heard, mask)


def is_mean_of_entries(loss):
    """Whether a loss is the mean of that of each entry over the last axis, and nothing else."""
    return isinstance(loss, ElementwiseLoss) and type(loss).call in (
        ElementwiseLoss.call, IncompleteLoss.call,
    )


def exists(there):
    """Which sources are true anywhere: `(B, S, …)` -> `(B, S)`."""
    return ops.any(there, axis=tuple(range(2, len(there.shape))))
