"""How smooth a field of displacements is: by its slopes, by its curvature."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.images import ImageLoss, mean_over, span
from keras_losskit.core.kernels import absolute
from keras_losskit.core.loss import register
from keras_losskit.core.takes import Takes
from keras_losskit.core.windows import central, cut, differences, second, spatial


class FieldLoss(ImageLoss):
    """Base of losses on a field of displacements, `y_pred (B, *spatial, n)`, in positions."""

    takes = Takes("unused", "real", "fields")


@register
class BendingEnergy(FieldLoss):
    """Bending energy of a field u: mean of Σ_ab (∂²u/∂a∂b)², a and b over the spatial axes.

    What a thin plate resists: shifts, rotations and scalings of the whole cost nothing, so
    that a field may be affine, where `DisplacementGradient` pulls it to a shift. `y_true` is
    not looked at; to be added to a loss that compares pictures.

    Second differences are u_{i+1} - 2·u_i + u_{i-1}, mixed ones differences of central
    differences, at positions whose neighbours all exist; the mean is over them and over the n
    components.

    Args:
        normalize: whether each derivative of component c is multiplied by
            size_a·size_b/size_c, so that the energy does not depend on the resolution.

    | elsewhere | here |
    |---|---|
    | MONAI 1.6 `BendingEnergyLoss(normalize)` | `BendingEnergy(normalize)` |

    Call with `y_pred (B, H, W, 2)` or `(B, D, H, W, 3)`, sides of at least 3; values `(B,)`.
    Weights of positions, and masks: a derivative weighs as the least of what it spans.

    Raises:
        ValueError: for `y_pred` that holds no such field.

    Example:

    >>> import keras_losskit, numpy as np
    >>> u = np.zeros((1, 3, 3, 2))
    >>> u[0, 1, 1, 0] = 1    # ∂²u/∂a² = ∂²u/∂b² = -2 in the middle, of one component of two.
    >>> float(keras_losskit.BendingEnergy()(u, u))    # (4 + 4)/2
    4.0

    Reference: D. Rueckert et al., *Nonrigid Registration Using Free-Form Deformations* (1999),
    https://doi.org/10.1109/42.796284
    """

    least_size = 3

    def __init__(self, normalize=False, **common):
        super().__init__(**common)
        self.normalize = checks.flag(self, "normalize", normalize)

    def of_sample(self, y_true, y_pred, weights):
        axes, energy = spatial(y_pred), 0
        for a in axes:
            for b in axes:
                if b < a:
                    continue
                bent = second(y_pred, a) if a == b else central(central(y_pred, a), b)
                for axis in axes:
                    if axis not in (a, b):
                        bent = cut(bent, axis, 1, -1)
                if self.normalize:
                    bent = bent * relative_sizes(y_pred, a, b)
                # The order of derivation is all the same: a mixed one counts twice.
                energy = energy + (1 if a == b else 2) * ops.square(bent * ROOM)
        return mean_over(energy, span(weights, 3, axes)) / ROOM**2


ROOM = 2.0**-8  # Between what a mean is and what its sum is; no digit changes.


def relative_sizes(u, a, b):
    """size_a·size_b/size_c for each component c."""
    sizes = [ops.cast(n, u.dtype) for n in ops.shape(u)]
    return ops.stack([sizes[a] * sizes[b] / sizes[axis] for axis in spatial(u)])


@register
class DisplacementGradient(FieldLoss):
    """Slopes of a field u: mean over axes of the mean of |u_{i+1} - u_i|^p.

    The diffusion regulariser: the weakest and cheapest prior on a field, which leaves shifts of
    the whole alone and nothing else; see `BendingEnergy`. `y_true` is not looked at. Differences
    are of neighbours: central ones would not see a checkerboard.

    Args:
        penalty: `"l2"`, p = 2; or `"l1"`, p = 1, which lets a field tear along lines.

    | elsewhere | here |
    |---|---|
    | VoxelMorph `Grad(penalty)` | `DisplacementGradient(penalty)` |
    | MONAI `DiffusionLoss()` | central differences, summed over axes |

    Call with `y_pred (B, H, W, 2)` or `(B, D, H, W, 3)`; values `(B,)`. A difference weighs as
    the lesser of its two positions.

    Raises:
        ValueError: for another `penalty`, or `y_pred` that holds no such field.

    Example:

    >>> import keras_losskit, numpy as np
    >>> u = np.zeros((1, 2, 2, 2))
    >>> u[0, 1] = 3    # Along one axis of two.
    >>> float(keras_losskit.DisplacementGradient()(u, u))    # (9 + 0)/2
    4.5

    Reference: G. Balakrishnan et al., *VoxelMorph: A Learning Framework for Deformable Medical
    Image Registration* (2019), https://arxiv.org/abs/1809.05231
    """

    def __init__(self, penalty="l2", **common):
        super().__init__(**common)
        self.penalty = checks.choice(self, "penalty", penalty, ("l2", "l1"))

    def of_sample(self, y_true, y_pred, weights):
        axes, total = spatial(y_pred), 0
        for axis in axes:
            d = differences(y_pred, axis)
            d = ops.square(d) if self.penalty == "l2" else absolute(d)
            total = total + mean_over(d, span(weights, 2, (axis,)))
        return total / len(axes)
