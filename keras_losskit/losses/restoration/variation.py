"""Differences between neighbours: total variation, edges, smoothness that stops at edges."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.images import ImageLoss, mean_over, span
from keras_losskit.core.kernels import absolute
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import mean, power, safe_sqrt, sum_over
from keras_losskit.core.takes import Takes
from keras_losskit.core.windows import (
    central,
    cut,
    differences,
    filtered,
    padded,
    reflected,
    second,
    spatial,
)


@register
class TotalVariation(ImageLoss):
    """Total variation of `y_pred`: Σ over axes of the mean of |x_{i+1} - x_i|.

    A weak prior against noise, to be added to something that looks at the data:
    `MeanSquaredError() + 0.01 * TotalVariation()`. `y_true` is not looked at. As a mean its
    weight does not depend on the size of the picture.

    Args:
        kind: `"anisotropic"`, as above; or `"isotropic"`, the mean of √(Σ over axes of d²),
            which favours no direction: differences past the border are 0, and where nothing
            changes the gradient is 0.
        normalize: False takes sums over positions and channels where True takes means.

    | elsewhere | here |
    |---|---|
    | `tf.image.total_variation(x)` | `TotalVariation(normalize=False)` |
    | kornia `total_variation(x, reduction="mean")` | `TotalVariation()` of one channel |
    | scikit-image, `denoise_tv_chambolle`'s norm | `TotalVariation("isotropic", normalize=False)` |

    Call with `y_pred (B, H, W, C)` or `(B, D, H, W, C)`; values `(B,)`. A difference weighs as
    the lesser of its two positions.

    Raises:
        ValueError: for words that are none of these, or `y_pred` of another rank.

    Example:

    >>> import keras_losskit, numpy as np
    >>> x = np.array([[0.0, 3.0], [4.0, 7.0]]).reshape((1, 2, 2, 1))
    >>> float(keras_losskit.TotalVariation()(x, x))    # (4 + 4)/2 + (3 + 3)/2
    7.0
    >>> float(keras_losskit.TotalVariation("isotropic")(x, x))    # (5 + 4 + 3 + 0)/4
    3.0

    Reference: L. I. Rudin, S. Osher, E. Fatemi, *Nonlinear Total Variation Based Noise Removal
    Algorithms* (1992), https://doi.org/10.1016/0167-2789(92)90242-F
    """

    takes = Takes("unused", "real", "images")

    def __init__(self, kind="anisotropic", normalize=True, **common):
        super().__init__(**common)
        self.kind = checks.choice(self, "kind", kind, ("anisotropic", "isotropic"))
        self.normalize = checks.flag(self, "normalize", normalize)

    def of_sample(self, y_true, y_pred, weights):
        axes = spatial(y_pred)
        if self.kind == "anisotropic":
            return sum(
                self.over(absolute(differences(y_pred, axis)), span(weights, 2, (axis,)))
                for axis in axes
            )
        squares = 0
        for axis in axes:
            d = ops.square(differences(y_pred, axis))
            if weights is not None:  # A difference to what is masked is none.
                d = ops.where(span(weights, 2, (axis,)) == 0, 0, d)
            squares = squares + padded(d, 0, 1, axis)
        return self.over(safe_sqrt(squares), weights)

    def over(self, x, weights):
        """The mean, or the sum, over positions and channels."""
        if self.normalize:
            return mean_over(x, weights)
        if weights is not None:
            x = ops.where(weights == 0, 0, x * weights)
        return sum_over(x, tuple(range(1, len(x.shape))))


@register
class GradientDifference(ImageLoss):
    """Difference of edges: Σ over axes of the mean of ||y_{i+1} - y_i| - |ŷ_{i+1} - ŷ_i||^power.

    Sharpens what an error of pixels leaves blurred, and is added to one. It compares how
    strong edges are, not their sign, and sees no shift in brightness. `"sobel"` compares signed
    Sobel maps, |S(y) - S(ŷ)|^power, which are less moved by noise.

    Args:
        operator: `"difference"`, of neighbours; or `"sobel"`: central differences times 2,
            smoothed by [1 2 1] along the other axes, the border reflected.
        power: the exponent, >= 1; 1 as here is robust, 2 punishes missed edges.

    | elsewhere | here |
    |---|---|
    | the paper's `GDL`, a sum | `GradientDifference(power=α)`, a mean |
    | mean of \\|`tf.image.sobel_edges(y)` - … of ŷ\\| | half of `GradientDifference("sobel")` |

    Call with `(B, H, W, C)` or `(B, D, H, W, C)`; values `(B,)`. A difference weighs as the
    least of its positions.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit, numpy as np
    >>> y = np.array([[0.0, 1.0], [0.0, 1.0]]).reshape((1, 2, 2, 1))
    >>> float(keras_losskit.GradientDifference()(y, 0 * y))    # (0 + 0)/2 + (1 + 1)/2
    1.0

    Reference: M. Mathieu, C. Couprie, Y. LeCun, *Deep Multi-Scale Video Prediction Beyond Mean
    Square Error* (2016), https://arxiv.org/abs/1511.05440
    """

    def __init__(self, operator="difference", power=1.0, **common):
        super().__init__(**common)
        self.operator = checks.choice(self, "operator", operator, ("difference", "sobel"))
        self.power = checks.real(self, "power", power, at_least=1)

    @property
    def least_size(self):
        return 2 if self.operator == "sobel" else 1

    def of_sample(self, y_true, y_pred, weights):
        axes, total = spatial(y_pred), 0
        for axis in axes:
            if self.operator == "sobel":
                off, seen = sobel(y_pred - y_true, axis), weights
                if weights is not None:
                    seen = reflected_all(weights, axes)
                    seen = span(seen, 3, axes)
            else:
                y_edge, edge = (absolute(differences(x, axis)) for x in (y_true, y_pred))
                off, seen = y_edge - edge, span(weights, 2, (axis,))
            total = total + mean_over(power(absolute(off), self.power), seen)
        return total


def reflected_all(x, axes):
    """One more entry at the ends of each axis."""
    for axis in axes:
        x = reflected(x, axis)
    return x


def sobel(x, along):
    """x_{i+1} - x_{i-1} along one axis, smoothed by [1 2 1] along the others."""
    axes = spatial(x)
    x = reflected_all(x, axes)
    x = filtered(x, [1.0, 2.0, 1.0], [axis for axis in axes if axis != along])
    return cut(x, along, 2) - cut(x, along, None, -2)


@register
class EdgeAwareSmoothness(ImageLoss):
    """Smoothness that stops at a picture's edges: Σ over axes of the mean of |∂ŷ|·e^(-mean_c |∂y|).

    For maps predicted of a picture that have no targets of their own, such as depth, disparity
    or flow: `y_true` is the picture, and only where it is flat has the map to be. Where
    `TotalVariation` smooths everywhere alike, this one leaves the outlines sharp.

    Args:
        order: 1: differences of neighbours; 2: second differences, which let slopes be, the
            picture's edge being the central difference at the middle position.

    | elsewhere | here |
    |---|---|
    | monodepth2 `get_smooth_loss(disp, img)` | `EdgeAwareSmoothness()`; there the disparity \
is divided by its mean first |
    | kornia `inverse_depth_smoothness_loss` | `EdgeAwareSmoothness()` |

    Call with `y_true (B, *spatial, C)`, its values between 0 and 1 (the scale sets what an edge
    is), and `y_pred (B, *spatial, 1)`, two or three spatial axes; values `(B,)`. A difference
    weighs as the least of its positions.

    Raises:
        ValueError: for another `order`, or shapes that do not fit.

    Example:

    >>> import keras_losskit, numpy as np
    >>> y_pred = np.array([[0.0, 2.0], [0.0, 2.0]]).reshape((1, 2, 2, 1))
    >>> picture = y_pred / 2 * np.log(4)
    >>> round(float(keras_losskit.EdgeAwareSmoothness()(picture, y_pred)), 4)    # 2/4
    0.5

    Reference: C. Godard, O. Mac Aodha, G. J. Brostow, *Unsupervised Monocular Depth Estimation
    with Left-Right Consistency* (2017), https://arxiv.org/abs/1609.03677
    """

    takes = Takes("real", "real", "guides")

    def __init__(self, order=1, **common):
        super().__init__(**common)
        if isinstance(order, float) and order.is_integer():
            order = int(order)  # R sends 2.0 for 2.
        self.order = checks.choice(self, "order", order, (1, 2))

    def of_sample(self, y_true, y_pred, weights):
        slope, edge = (differences, differences) if self.order == 1 else (second, central)
        total = 0
        for axis in spatial(y_pred):
            held = ops.exp(-mean(absolute(edge(y_true, axis))))
            rough = absolute(slope(y_pred, axis)) * ops.expand_dims(held, -1)
            total = total + mean_over(rough, span(weights, self.order + 1, (axis,)))
        return total
