"""The base of losses on pictures, volumes and fields, which look at neighbours."""

from keras import ops

from keras_losskit.core.kernels import smaller
from keras_losskit.core.loss import Loss
from keras_losskit.core.numerics import mean, safe_divide, sum_over
from keras_losskit.core.reduction import align_left
from keras_losskit.core.takes import Takes
from keras_losskit.core.windows import by_two, least, spatial


class ImageLoss(Loss):
    """Base of losses of `(B, *spatial, C)` with two or three spatial axes, one value a sample.

    A subclass writes `of_sample(y_true, y_pred, weights)`. `weights` are those of
    positions, `(B, *spatial, 1)` or `(B, *spatial, C)`, 0 where a mask is False, or `None`
    where all count alike. What spans several positions, a window or a difference, weighs
    as the least of them (`span`), so that none that is masked has a part in anything.
    """

    takes = Takes("real", "real", "images")
    weighs_positions = True
    least_size = 1  # Of each spatial axis.

    def prepare(self, y_true, y_pred):
        y_true, y_pred = super().prepare(y_true, y_pred)
        sides = tuple(y_pred.shape)[1:-1]
        if any(n is not None and n < self.least_size for n in sides):
            raise ValueError(
                f"{self.name}: y_pred of shape {tuple(y_pred.shape)} is too small: each of its "
                f"sides {sides} must be at least {self.least_size}."
            )
        return y_true, y_pred

    def call(self, y_true, y_pred, mask=None, sample_weight=None):
        return self.of_sample(y_true, y_pred, position_weights(y_pred, mask, sample_weight))

    def of_sample(self, y_true, y_pred, weights):
        """The values, `(B,)`."""
        raise NotImplementedError


def position_weights(y_pred, mask, sample_weight):
    """Weights `(B, *spatial, 1 or C)` from what a hook is given; `None` where all are 1.

    Of a mask of samples nothing is left to do: their values are dropped.
    """
    weights = None
    for given in (mask, sample_weight):
        if given is None or len(given.shape) < 2:
            continue
        given = align_left(ops.cast(given, y_pred.dtype), len(y_pred.shape))
        weights = given if weights is None else weights * given
    if weights is None:
        return None
    return weights + ops.zeros_like(y_pred[..., :1])


def span(weights, size, axes):
    """The weights of windows of `size` along each of the axes: the least of their positions'."""
    if weights is None:
        return None
    for axis in axes:
        weights = least(weights, size, axis)
    return weights


def coarser(weights, axes):
    """The weights of two by two positions: the least of them."""
    return None if weights is None else by_two(weights, axes, smaller)


def mean_over(x, weights=None):
    """The mean of a map over positions and channels: `(B,)`."""
    return _mean(x, weights, tuple(range(1, len(x.shape))))


def mean_per_channel(x, weights=None):
    """The mean of a map over positions: `(B, C)`."""
    return _mean(x, weights, spatial(x))


def _mean(x, weights, axes):
    if weights is None:
        return mean(x, axes)
    # What weighs nothing may be infinite, as a difference next to a masked position.
    x = ops.where(weights == 0, 0, x * weights)
    return safe_divide(sum_over(x, axes), sum_over(weights + ops.zeros_like(x), axes))


def about_mean(x):
    """A picture less its mean, which changes no variance, and what 0 is then."""
    mean_of_it = ops.stop_gradient(mean(x, spatial(x)))
    for axis in spatial(x):
        mean_of_it = ops.expand_dims(mean_of_it, axis)
    return x - mean_of_it, -mean_of_it
