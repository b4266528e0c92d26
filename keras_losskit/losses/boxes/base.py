"""The geometry that all box losses share."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.backend import with_gradient
from keras_losskit.core.kernels import at_least, larger, smaller
from keras_losskit.core.loss import Loss
from keras_losskit.core.numerics import one_over
from keras_losskit.core.takes import Takes

FORMATS = ("xyxy", "yxyx", "xywh", "center_xywh")

# Areas and squared lengths up to this count as 0. A quotient's gradient squares its
# divisor, and the square of this is still a normal float32.
EMPTY = 1e-18


class BoxLoss(Loss):
    """Base of losses between boxes `(…, 4)`; values `(…)`, one per box.

    A box with crossed corners, or of negative width or height, is read as the box
    between its corners, as the GIoU paper does: its gradient still pulls. Boxes
    of no area have an IoU of 0, even with themselves. Areas up to 1e-18 count as
    none.

    Args:
        box_format: `"xyxy"` (left, top, right, bottom), `"yxyx"` (the same, y
            first), `"xywh"` (left, top, width, height) or `"center_xywh"`
            (center, width, height).
    """

    takes = Takes("boxes", "boxes", "boxes")

    def __init__(self, box_format="xyxy", **common):
        super().__init__(**common)
        self.box_format = checks.choice(self, "box_format", box_format, FORMATS)

    def call(self, y_true, y_pred):
        return self.of_pair(Pair(self.spans(y_pred), self.spans(y_true)))

    def of_pair(self, pair):
        """The loss, from a `Pair`."""
        raise NotImplementedError

    def spans(self, boxes):
        """`((left, right), (top, bottom))` of boxes in `box_format`."""
        a, b, c, d = ops.unstack(boxes, 4, axis=-1)
        if self.box_format == "yxyx":
            return _ordered(b, d), _ordered(a, c)
        if self.box_format == "xyxy":
            return _ordered(a, c), _ordered(b, d)
        if self.box_format == "xywh":
            return _ordered(a, a + c), _ordered(b, b + d)
        return _ordered(a - c / 2, a + c / 2), _ordered(b - d / 2, b + d / 2)


class Pair:
    """A predicted and a target box: what they share and what encloses them.

    Each box is `((left, right), (top, bottom))`.
    """

    def __init__(self, predicted, target):
        (self.x, self.y), (self.target_x, self.target_y) = predicted, target
        self.width, self.height = _length(self.x), _length(self.y)
        self.target_width = _length(self.target_x)
        self.target_height = _length(self.target_y)
        shared_x, shared_y = _overlap(self.x, self.target_x), _overlap(self.y, self.target_y)
        # min(a, b) + max(a, b) = a + b: the hull needs no comparisons of its own.
        self.hull_width = self.width + self.target_width - shared_x
        self.hull_height = self.height + self.target_height - shared_y
        self.intersection = _positive(shared_x) * _positive(shared_y)
        areas = self.width * self.height + self.target_width * self.target_height
        self.union = areas - self.intersection
        self.iou = ratio(self.intersection, self.union)

    @property
    def squared_distance(self):
        """Of the centers."""
        x = (self.x[0] - self.target_x[0]) + (self.x[1] - self.target_x[1])
        y = (self.y[0] - self.target_y[0]) + (self.y[1] - self.target_y[1])
        return (ops.square(x) + ops.square(y)) / 4

    @property
    def squared_diagonal(self):
        """Of the box that encloses both."""
        return ops.square(self.hull_width) + ops.square(self.hull_height)


def ratio(a, b):
    """a / b for b > 0; 0, with zero gradient, where b is next to nothing."""

    def value(a, b):
        none = b <= EMPTY
        return ops.where(none, 0, a / ops.where(none, 1, b))

    def gradient(up, a, b):
        by_a = up * one_over(b, above=EMPTY)
        return by_a, -by_a * value(a, b)

    return with_gradient(value, gradient, a, b)


def _length(span):
    return span[1] - span[0]


def _ordered(a, b):
    def value(a, b):
        return smaller(a, b), larger(b, a)

    def gradient(by_smaller, by_larger, a, b):
        swapped = b < a
        return (
            ops.where(swapped, by_larger, by_smaller),
            ops.where(swapped, by_smaller, by_larger),
        )

    return with_gradient(value, gradient, a, b)


def _overlap(p, t):
    """Of two spans; negative where there is a gap between them."""
    return smaller(p[1], t[1]) - larger(p[0], t[0])


def _positive(x):
    # With a slope of 1 at 0: boxes that touch are still drawn towards each other.
    return at_least(x, 0)
