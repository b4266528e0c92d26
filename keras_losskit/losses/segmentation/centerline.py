"""Centerline Dice, on soft skeletons."""

import keras
import numpy as np
from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.kernels import larger, smaller
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import safe_divide
from keras_losskit.core.reduction import align_left
from keras_losskit.losses.segmentation.base import SmoothedLoss


@register
class CenterlineDice(SmoothedLoss):
    """Centerline Dice: 1 - 2·T·S/(T + S), T = (Σs_p·g + s)/(Σs_p + s), S = (Σs_g·p + s)/(Σs_g + s).

    s_p and s_g are soft skeletons of prediction and target: T asks how much of
    the predicted centerline lies in the target, S how much of the target's is
    found. For vessels, roads and nerves, whose connections matter more than
    their width. Usually added to Dice: the paper takes
    `(1 - a) * Dice() + a * CenterlineDice()`, a <= 0.5.

    Args:
        iterations: how often the maps are eroded, >= 0; at least the radius, in
            positions, of the thickest structure.
        smooth: s >= 0.
        from_logits, class_weights, ignore_class, include_background, over,
            empty: as in `Dice`. Positions that are ignored or masked are as
            outside the image.

    | elsewhere | here |
    |---|---|
    | the paper's code, `soft_cldice(iter_, smooth)`, which ignores `iter_` | \
`CenterlineDice(10, smooth, over="batch")` |
    | MONAI 1.6 `SoftclDiceLoss(iter_, smooth_nr=s, smooth_dr=s)` | `CenterlineDice(iter_, s)`; \
there 1e-4 is added to T + S |
    | MONAI 1.6 `SoftDiceclDiceLoss(iter_, a)` | \
`(1 - a) * Dice(smooth=1.0) + a * CenterlineDice(iter_)` |

    These hold for one channel. Of several, both take the sums over all of them, the
    background's too; here each has its own score. MONAI before 1.6 took them over the
    batch as well, and left the first channel out.

    Call with `y_pred (B, *spatial, C)`, two or three spatial axes, `y_true`
    class ids `(B, *spatial)` or rows in the shape of `y_pred`.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit, numpy as np
    >>> y_true = np.zeros((1, 5, 9, 1))
    >>> y_true[0, 2, :] = 1    # A line, which is its own skeleton.
    >>> y_pred = y_true.copy()
    >>> y_pred[0, :, 5:] = 0
    >>> loss = keras_losskit.CenterlineDice(smooth=0.0)
    >>> round(float(loss(y_true, y_pred)), 4)    # T = 5/5, S = 5/9
    0.2857

    Reference: S. Shit et al., *clDice - a Novel Topology-Preserving Loss
    Function for Tubular Structure Segmentation* (2021),
    https://arxiv.org/abs/2003.07311
    """

    def __init__(self, iterations=3, smooth=1.0, **options):
        super().__init__(smooth=smooth, **options)
        self.iterations = checks.integer(self, "iterations", iterations, at_least=0)

    def prepare(self, y_true, y_pred):
        if len(y_pred.shape) not in (4, 5):
            raise ValueError(
                f"{self.name}: y_pred of shape {tuple(y_pred.shape)} must have two or "
                f"three spatial axes: (B, H, W, C) or (B, D, H, W, C); y_true has shape "
                f"{tuple(y_true.shape)}."
            )
        return super().prepare(y_true, y_pred)

    def per_class(self, p, g, mask, weights):
        skeleton_p = soft_skeleton(p, self.iterations, mask)
        skeleton_g = soft_skeleton(g, self.iterations, mask)
        in_target, predicted, found, target, present = self.sums(
            (skeleton_p * g, skeleton_p, skeleton_g * p, skeleton_g, g), mask, weights
        )
        t = _share(in_target, predicted, self.smooth)
        s = _share(found, target, self.smooth)
        # At T = S = 0 the harmonic mean is 0; along T = S its slopes are 1/2.
        both = t + s
        mean = ops.where(both == 0, both / 2, safe_divide(2 * t * s, both))
        return 1 - mean, present > 0


def _share(part, whole, smooth):
    """(part + s)/(whole + s), and 1, a perfect score, where both are 0."""
    return safe_divide(part + smooth, whole + smooth, otherwise=1)


def soft_skeleton(x, iterations, mask=None):
    """What each of `iterations` + 1 openings removes, gathered as in a union.

    `x (B, *spatial, C)` in [0, 1]. Where `mask` is False there is no position.
    """
    skeleton = None
    for _ in range(iterations + 1):
        eroded = _erode(x, mask)
        removed = _above(x, _dilate(eroded, mask))
        if skeleton is None:
            skeleton = removed
        else:
            skeleton = skeleton + ops.relu(removed - skeleton * removed)
        x = eroded
    return skeleton


def _above(x, opened):
    """x - opened >= 0, where it is more than rounding.

    Most of an opened picture is the picture itself. A compiler that computes x twice, in
    two fused loops, rounds it twice: a difference of a last digit then is no slope.
    """
    difference = x - opened
    unit = np.finfo(keras.backend.standardize_dtype(x.dtype)).eps
    return ops.where(difference > 8 * unit * x, difference, ops.zeros_like(difference))


def _erode(x, mask):
    """Minimum over the neighbours along each axis, a cross."""
    x = _where(mask, x, 1.0)
    lines = [_window(x, axis, smaller) for axis in range(1, len(x.shape) - 1)]
    least = lines[0]
    for line in lines[1:]:
        least = smaller(least, line)
    return least


def _dilate(x, mask):
    """Maximum over all neighbours, a box: one axis after the other."""
    x = _where(mask, x, 0.0)
    for axis in range(1, len(x.shape) - 1):
        x = _window(x, axis, larger)
    return x


def _where(mask, x, neutral):
    if mask is None:
        return x
    return ops.where(align_left(mask, len(x.shape)), x, neutral)


def _window(x, axis, best):
    """`best` over x and its two neighbours along an axis, one at the ends."""

    def cut(x, start, stop):
        return x[(slice(None),) * axis + (slice(start, stop),)]

    # Each end twice: it decides nothing that it does not decide once.
    wide = ops.concatenate([cut(x, None, 1), x, cut(x, -1, None)], axis=axis)
    return best(best(cut(wide, None, -2), cut(wide, 1, -1)), cut(wide, 2, None))
