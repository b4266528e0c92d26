"""Which rows of a batch are anchors, where not all of them are.

Samples of other replicas and of earlier batches are candidates only: what this batch is
compared with. They get no values of their own here.
"""

import contextlib
import contextvars
from typing import NamedTuple

from keras import ops

_current = contextvars.ContextVar("keras_losskit_anchors", default=None)


class Anchors(NamedTuple):
    """The rows from `start` on, `count` of them."""

    start: object
    count: object


@contextlib.contextmanager
def only(start, count):
    """Inside, losses are of these rows of their batch alone; the others are candidates."""
    token = _current.set(Anchors(start, count))
    try:
        yield
    finally:
        _current.reset(token)


def current():
    """The rows that are anchors, or `None` for all."""
    return _current.get()


def rows_of(x, anchors):
    """The anchors' rows of `x`, which may be `None`."""
    if x is None or anchors is None:
        return x
    return x[anchors.start : anchors.start + anchors.count]


def places(x, anchors):
    """Where the anchors stand among the rows of `x`."""
    if anchors is None:
        return ops.arange(ops.shape(x)[0], dtype="int32")
    return anchors.start + ops.arange(anchors.count, dtype="int32")
