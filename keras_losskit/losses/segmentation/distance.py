"""Losses on distances to the boundary."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.loss import register
from keras_losskit.losses.segmentation.base import SegmentationLoss, positions_of
from keras_losskit.losses.segmentation.distance_transform import squared_distances


def _squared_distances_to_other_side(maps, mask):
    """For each map: which positions are inside, and D² to the nearest one of the other side.

    Maps are thresholded at 0.5. D is at least 1, and 0 in a map that is empty
    or full. Positions that do not exist are on neither side.
    """
    insides = [x > 0.5 for x in maps]
    sides = [side for x in insides for side in (x, ops.logical_not(x))]
    if mask is not None:
        exists = positions_of(mask, maps[0])
        sides = [ops.logical_and(side, exists) for side in sides]
    found = ops.cast(squared_distances(ops.concatenate(sides, axis=0)), maps[0].dtype)
    found = ops.split(found, len(sides), axis=0)
    return [
        (inside, ops.where(inside, found[2 * i + 1], found[2 * i]))
        for i, inside in enumerate(insides)
    ]


@register
class HausdorffDistance(SegmentationLoss):
    """Hausdorff distance loss: mean of (p - g)²·(D_p^alpha + D_g^alpha), per class.

    D is the exact Euclidean distance, in positions, to the nearest position on
    the other side of the boundary of the map thresholded at 0.5: errors far
    from both boundaries cost most. The distances are found inside the graph; no
    gradient flows through them. A map that is empty or full has D = 0. Start
    with a small weight beside an overlap loss: distances are large numbers.

    Args:
        alpha: the power of the distance, > 0.
        from_logits, class_weights, include_background: as in `Dice`.
        ignore_class: as in `Dice`; ignored and masked positions are on neither
            side of a boundary.
        over: `"sample"`, the mean over each sample's positions; `"batch"`, over
            those of the batch, weighted by `sample_weight`, one number.
        empty: `"score"`, or `"skip"`, which leaves a class absent from the target
            out of the class mean.

    A mean has no use for `smooth`, which is not taken.

    | elsewhere | here |
    |---|---|
    | MONAI `HausdorffDTLoss()` | `HausdorffDistance(include_background=False)` |
    | MONAI `HausdorffDTLoss(batch=True)` | `HausdorffDistance(include_background=False, \
over="batch")` |
    | MONAI `LogHausdorffDTLoss()` | log(1 + the value of the first) |

    kornia's `HausdorffERLoss` is another one: it approximates D by erosions.

    Call with `y_pred (B, *spatial, C)`, `y_true` class ids `(B, *spatial)` or
    rows in the shape of `y_pred`.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> y_true = [[[1.0], [1.0], [0.0], [0.0]]]
    >>> y_pred = [[[1.0], [0.0], [0.0], [0.0]]]
    >>> loss = keras_losskit.HausdorffDistance(alpha=2.0)
    >>> float(loss(y_true, y_pred))    # One error, D_p = D_g = 1: (1² + 1²)/4
    0.5

    Reference: D. Karimi, S. E. Salcudean, *Reducing the Hausdorff Distance in
    Medical Image Segmentation with Convolutional Neural Networks* (2019),
    https://arxiv.org/abs/1904.10030
    """

    def __init__(self, alpha=2.0, **options):
        super().__init__(**options)
        self.alpha = checks.real(self, "alpha", alpha, above=0)

    def per_class(self, p, g, mask, weights):
        (_, to_p), (_, to_g) = _squared_distances_to_other_side((p, g), mask)
        if self.alpha != 2:
            half = ops.convert_to_tensor(self.alpha / 2, dtype=p.dtype)
            to_p, to_g = ops.power(to_p, half), ops.power(to_g, half)
        values = ops.square(p - g) * ops.stop_gradient(to_p + to_g)
        (target,) = self.sums((g,), mask, weights)
        return self.means(values, mask, weights), target > 0


@register
class Boundary(SegmentationLoss):
    """Boundary loss: mean of φ_g·p over positions, per class.

    φ_g is the signed distance map of the target thresholded at 0.5: the exact
    Euclidean distance, in positions, to the nearest foreground outside, and
    1 - the distance to the nearest background inside, found inside the graph.
    An empty or full target has φ = 0. The loss may be negative, and is least
    for p = 1 where φ < 0. It is linear in p and easily collapses alone: add it
    to an overlap loss, with a weight that grows.

    Args:
        from_logits, class_weights, include_background: as in `Dice`.
        ignore_class, over, empty: as in `HausdorffDistance`.

    A mean has no use for `smooth`, which is not taken.

    | elsewhere | here |
    |---|---|
    | Kervadec's `BoundaryLoss(idc=[1])` on `one_hot2dist` | `Boundary(class_weights=[0, 1])` |
    | Kervadec's with every class but the background | `Boundary(include_background=False)` |

    Call with `y_pred (B, *spatial, C)`, `y_true` class ids `(B, *spatial)` or
    rows in the shape of `y_pred`.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> y_true = [[[1.0], [1.0], [0.0], [0.0]]]
    >>> y_pred = [[[1.0], [1.0], [1.0], [0.5]]]
    >>> loss = keras_losskit.Boundary()
    >>> float(loss(y_true, y_pred))    # φ = (-1, 0, 1, 2): (-1 + 0 + 1 + 2·0.5)/4
    0.25

    Reference: H. Kervadec et al., *Boundary loss for highly unbalanced
    segmentation* (2019), https://arxiv.org/abs/1812.07032
    """

    def per_class(self, p, g, mask, weights):
        ((inside, squared),) = _squared_distances_to_other_side((g,), mask)
        distance = ops.sqrt(squared)
        signed = ops.where(inside, 1 - distance, distance)
        # D >= 1 wherever there is another side.
        signed = ops.where(squared > 0, signed, ops.zeros_like(signed))
        (target,) = self.sums((g,), mask, weights)
        return self.means(ops.stop_gradient(signed) * p, mask, weights), target > 0
