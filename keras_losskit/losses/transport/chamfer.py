"""From each point to the nearest of the other set."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import mean_where, safe_sqrt
from keras_losskit.losses.transport.base import PointSetsLoss, squared_distances


@register
class Chamfer(PointSetsLoss):
    """Chamfer distance: mean_i min_j |x_i - y_j|² + mean_j min_i |x_i - y_j|².

    For sets of points without an order, such as the clouds that an autoencoder or a
    completion network draws. Cheap, and blind to density: many points may share one
    neighbour, where `Sinkhorn` deals every point out once.

    Args:
        squared: whether distances are squared; else Euclidean.
        reduce_points: `"mean"` or `"sum"` over the points of each set.

    | elsewhere | here |
    |---|---|
    | PyTorch3D `chamfer_distance(x, y)` | `Chamfer()(y, x)` |
    | PyTorch3D `chamfer_distance(x, y, point_reduction="sum")` | `reduce_points="sum"` |
    | the mean of both directions (half of their sum) | `Chamfer() / 2` |

    Call with `y_true` `(B, M, D)`, `y_pred` `(B, N, D)`; values `(B,)`; gradients flow to
    both. Padding is what a Keras mask on either hides, and rows of NaN in `y_true`; a set
    without points gives 0. O(B·N·M·D) time, O(B·N·M) memory.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.Chamfer()
    >>> float(loss([[[0.0], [3.0]]], [[[1.0]]]))    # 1² + (1² + 2²)/2
    3.5

    Reference: H. Fan, H. Su, L. Guibas, *A Point Set Generation Network for 3D Object
    Reconstruction from a Single Image* (2017), https://arxiv.org/abs/1612.00603
    """

    def __init__(self, squared=True, reduce_points="mean", **common):
        super().__init__(**common)
        self.squared = checks.flag(self, "squared", squared)
        self.reduce_points = checks.choice(
            self, "reduce_points", reduce_points, ("mean", "sum")
        )

    def between(self, y, x, there, here):
        if 0 in (x.shape[1], y.shape[1]):
            return ops.sum(x, axis=(1, 2)) + ops.sum(y, axis=(1, 2))
        # Who is nearest has no slope: only the distances to them are differentiated.
        apart = squared_distances(ops.stop_gradient(x), ops.stop_gradient(y))
        to_y = self.to_nearest(x, y, apart, there)
        to_x = self.to_nearest(y, x, ops.transpose(apart, (0, 2, 1)), here)
        return self.over_points(to_y, here) + self.over_points(to_x, there)

    def to_nearest(self, a, b, apart, exists):
        """From each of a's points to the nearest of b's that exists."""
        far = ops.full_like(apart, float("inf"))
        nearest = ops.argmin(ops.where(exists[:, None, :], apart, far), axis=-1)
        index = ops.expand_dims(ops.cast(nearest, "int32"), -1)
        found = ops.take_along_axis(b, ops.repeat(index, b.shape[-1], axis=-1), axis=1)
        squared = ops.sum(ops.square(a - found), axis=-1)
        return squared if self.squared else safe_sqrt(squared)

    def over_points(self, distances, exist):
        if self.reduce_points == "mean":
            return mean_where(distances, exist)
        return ops.sum(ops.where(exist, distances, ops.zeros_like(distances)), axis=-1)
