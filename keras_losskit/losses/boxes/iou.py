"""Intersection over union, as a loss: plain, generalized, with distance and shape."""

import math

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.kernels import arctan2, at_least
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import safe_divide, safe_log
from keras_losskit.losses.boxes.base import EMPTY, BoxLoss, ratio


@register
class BoxIoU(BoxLoss):
    """Intersection over union of boxes: -log IoU, 1 - IoU or 1 - IoU².

    Does not depend on the boxes' scale. Boxes that do not overlap have no
    gradient, whatever their distance: there use `GIoU`, `DIoU` or `CIoU`.

    Args:
        mode: `"log"`, which pulls hardest at poor boxes, `"linear"` or
            `"quadratic"`. At IoU 0 the log goes on along its tangent: the value
            is 17.1 there.
        box_format: `"xyxy"`, `"yxyx"`, `"xywh"` or `"center_xywh"`.

    Crossed corners, or a negative width or height, mean the box between the
    corners; boxes of no area have an IoU of 0.

    Call with boxes `(B, …, 4)`; values `(B, …)`.

    Raises:
        ValueError: for an unknown option, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.BoxIoU(mode="linear")
    >>> float(loss([[0.0, 0.0, 2.0, 2.0]], [[0.0, 0.0, 1.0, 2.0]]))    # 1 - 2/4
    0.5

    Reference: J. Yu et al., *UnitBox: An Advanced Object Detection Network* (2016),
    https://arxiv.org/abs/1608.01471
    """

    log_name = "box_iou"

    def __init__(self, mode="log", box_format="xyxy", **common):
        super().__init__(box_format=box_format, **common)
        self.mode = checks.choice(self, "mode", mode, ("log", "linear", "quadratic"))

    def of_pair(self, pair):
        if self.mode == "log":
            return -safe_log(pair.iou)
        return 1 - (pair.iou if self.mode == "linear" else ops.square(pair.iou))


@register
class GIoU(BoxLoss):
    """Generalized IoU loss: 1 - IoU + (C - U)/C, C the area of the hull, U of the union.

    Pulls boxes that do not overlap towards each other; between 0 and 2.

    Args:
        box_format: `"xyxy"`, `"yxyx"`, `"xywh"` or `"center_xywh"`.

    Crossed corners, or a negative width or height, mean the box between the
    corners, as in the paper; boxes of no area have an IoU of 0.

    | elsewhere | here |
    |---|---|
    | TensorFlow Addons `GIoULoss()` | `box_format="yxyx"` |
    | torchvision `generalized_box_iou_loss` | `box_format="xyxy"`, the default |

    Call with boxes `(B, …, 4)`; values `(B, …)`.

    Raises:
        ValueError: for an unknown format, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.GIoU()
    >>> float(loss([[0.0, 0.0, 1.0, 1.0]], [[3.0, 0.0, 4.0, 1.0]]))    # 1 - 0 + (4 - 2)/4
    1.5

    Reference: H. Rezatofighi et al., *Generalized Intersection over Union* (2019),
    https://arxiv.org/abs/1902.09630
    """

    log_name = "giou"

    def of_pair(self, pair):
        hull = pair.hull_width * pair.hull_height
        return 1 - pair.iou + ratio(hull - pair.union, hull)


@register
class DIoU(BoxLoss):
    """Distance IoU loss: 1 - IoU + ρ²/c², ρ between the centers, c the hull's diagonal.

    As `GIoU`, but pulls the centers together directly, and so converges faster.

    Args:
        box_format: `"xyxy"`, `"yxyx"`, `"xywh"` or `"center_xywh"`.

    Crossed corners, or a negative width or height, mean the box between the
    corners; boxes of no area have an IoU of 0.

    Call with boxes `(B, …, 4)`; values `(B, …)`, between 0 and 2.

    Raises:
        ValueError: for an unknown format, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.DIoU()
    >>> float(loss([[0.0, 0.0, 3.0, 2.0]], [[3.0, 2.0, 6.0, 4.0]]))    # 1 - 0 + 13/52
    1.25

    Reference: Z. Zheng et al., *Distance-IoU Loss: Faster and Better Learning for Bounding
    Box Regression* (2020), https://arxiv.org/abs/1911.08287
    """

    log_name = "diou"

    def of_pair(self, pair):
        return 1 - pair.iou + ratio(pair.squared_distance, pair.squared_diagonal)


@register
class CIoU(DIoU):
    """Complete IoU loss: 1 - IoU + ρ²/c² + α·v, v from the aspect ratios.

    `DIoU`, and a pull on the box's shape where centers and overlap are settled.

    v = 4/π²·(arctan(w_t/h_t) - arctan(w/h))² and α = v/(1 - IoU + v), which is a
    weight: no gradient goes through it. The gradient of v is the derivative; the
    paper's optional factor w² + h² is left out.

    Args:
        box_format: `"xyxy"`, `"yxyx"`, `"xywh"` or `"center_xywh"`.

    Crossed corners, or a negative width or height, mean the box between the
    corners; boxes of no area have an IoU of 0. A flat box has the angle 0 or π/2,
    a box that is a point 0.

    Call with boxes `(B, …, 4)`; values `(B, …)`.

    Raises:
        ValueError: for an unknown format, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.CIoU(box_format="center_xywh")
    >>> value = loss([[0.0, 0.0, 2.0, 2.0]], [[0.0, 0.0, 2.0, 1.0]])
    >>> round(float(value), 4)    # 1 - 1/2 + 0 + v²/(1/2 + v), v = 0.0420
    0.5032

    Reference: Z. Zheng et al., *Distance-IoU Loss: Faster and Better Learning for Bounding
    Box Regression* (2020), https://arxiv.org/abs/1911.08287
    """

    log_name = "ciou"

    def of_pair(self, pair):
        angle = _angle(pair.width, pair.height)
        target = _angle(pair.target_width, pair.target_height)
        v = 4 / math.pi**2 * ops.square(target - angle)
        alpha = ops.stop_gradient(safe_divide(v, at_least(1 - pair.iou, 0) + v))
        return super().of_pair(pair) + alpha * v


def _angle(width, height):
    """arctan(w/h); the slope 1/(w² + h²) is finite wherever there is an angle."""
    none = ops.square(width) + ops.square(height) <= EMPTY
    return arctan2(ops.where(none, 0, width), ops.where(none, 1, height))
