"""Nested batches seen as two arrays: a dict of parts is packed, and unpacked for the loss."""

import keras
import numpy as np
from keras import ops

from keras_losskit.doctor.subject import Subject


class Layout:
    """How a structure of arrays lies in one array, led by the batch axis."""

    def __init__(self, structure):
        self.structure = structure
        self.leaves = [np.asarray(x) for x in keras.tree.flatten(structure)]
        self.nested = keras.tree.is_nested(structure)

    @property
    def alone(self):
        return len(self.leaves) == 1

    def pack(self):
        """The array. One leaf stays as it is; several become columns of numbers."""
        if self.alone:
            return self.leaves[0]
        rows = [np.reshape(x, (len(x), -1)).astype("float32") for x in self.leaves]
        return np.concatenate(rows, axis=-1)

    def unpack(self, x):
        """The structure of tensors that `x` holds."""
        if not self.nested:
            return x
        if self.alone:
            return keras.tree.pack_sequence_as(self.structure, [x])
        parts, start = [], 0
        for leaf in self.leaves:
            size = int(np.prod(leaf.shape[1:]))
            part = ops.reshape(x[:, start : start + size], (-1, *leaf.shape[1:]))
            if leaf.dtype.kind in "iub":
                part = ops.cast(ops.round(part), "bool" if leaf.dtype.kind == "b" else "int32")
            parts.append(part)
            start += size
        return keras.tree.pack_sequence_as(self.structure, parts)


class Packed(Subject):
    """A subject that is called with packed arrays, and calls its loss with what they hold."""

    def __init__(self, inner, y_true, y_pred):
        self.inner, self.y_true, self.y_pred = inner, y_true, y_pred
        self.given, self.function, self.loss = inner.given, inner.function, inner.loss

    def __call__(self, y_true, y_pred, sample_weight=None):
        return self.inner(self.y_true.unpack(y_true), self.y_pred.unpack(y_pred), sample_weight)

    def values(self, y_true, y_pred):
        return self.inner.values(self.y_true.unpack(y_true), self.y_pred.unpack(y_pred))

    def like(self, loss):
        return Packed(self.inner.like(loss), self.y_true, self.y_pred)

    def with_dtype(self, dtype):
        return Packed(self.inner.with_dtype(dtype), self.y_true, self.y_pred)

    def with_reduction(self, reduction):
        return Packed(self.inner.with_reduction(reduction), self.y_true, self.y_pred)


def packed(subject, y_true, y_pred):
    """`(subject, y_true, y_pred)`, all three without nesting."""
    layouts = Layout(y_true), Layout(y_pred)
    if not any(layout.nested for layout in layouts):
        return subject, y_true, y_pred
    return Packed(subject, *layouts), *(layout.pack() for layout in layouts)
