"""How well two pictures match, whatever their brightness or their modality."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.images import ImageLoss, about_mean, mean_over
from keras_losskit.core.kernels import at_least, at_most
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import safe_divide
from keras_losskit.core.softmax import softmax
from keras_losskit.core.windows import box_sums, cut, filtered, gaussian, spatial


@register
class LocalNormalizedCrossCorrelation(ImageLoss):
    """One minus local correlation: 1 - mean of cov²/(var_y·var_ŷ) in a window at each position.

    For registering pictures of one modality whose brightness differs from place to place,
    where `MeanSquaredError` would fit the brightness; for different modalities take
    `MutualInformation`. Between 0 and 1. The correlation is squared: a negative picture
    matches too.

    Outside of the picture there are zeros. A variance below `epsilon` counts as `epsilon`, so
    that a flat patch correlates with nothing. Masked positions are as outside; weights of
    positions weigh the window about each.

    Args:
        window: its side, in positions; an odd integer >= 3.
        kernel: `"box"`; `"gaussian"`, of standard deviation window/3; or `"triangular"`, a
            box of (window + 1)/2 slid over itself.
        epsilon: the smallest variance that counts, in squared units of the picture; > 0.

    | elsewhere | here |
    |---|---|
    | VoxelMorph `NCC([9, 9, 9])`, which is minus the mean | \
`LocalNormalizedCrossCorrelation()`; on TensorFlow a negative covariance is 0 there |
    | MONAI `LocalNormalizedCrossCorrelationLoss(3, 9, "rectangular")`, minus the mean | the \
same, for its other kernels too |

    Of a window whose half, (window + 1)/2, is even, MONAI's triangle of 7 is the one of 5 here,
    that of 11 the one of 9.

    Call with `(B, H, W, C)` or `(B, D, H, W, C)`; values `(B,)`. Windows of a box are summed by
    doubling, along one axis after the other: time in proportion to the picture, border
    included, and where it is not compiled to log(window); memory to the picture. Sums that run
    over the whole axis would take the same time for every window, and lose digits.

    Raises:
        ValueError: for a `window` that is even, options out of range, or shapes that do not
            fit.

    Example:

    >>> import keras_losskit, numpy as np
    >>> y = np.random.default_rng(0).uniform(size=(1, 12, 12, 1))
    >>> loss = keras_losskit.LocalNormalizedCrossCorrelation(window=5)
    >>> round(float(loss(y, -2 * y)), 4)    # Of one structure, at every position.
    0.0

    Reference: B. B. Avants et al., *Symmetric Diffeomorphic Image Registration with
    Cross-Correlation* (2008), https://doi.org/10.1016/j.media.2007.06.004; G. Balakrishnan et
    al., *VoxelMorph* (2019), https://arxiv.org/abs/1809.05231
    """

    def __init__(self, window=9, kernel="box", epsilon=1e-5, **common):
        super().__init__(**common)
        self.window = checks.integer(self, "window", window, at_least=3)
        if self.window % 2 == 0:
            raise ValueError(
                "LocalNormalizedCrossCorrelation: `window` must be odd, so that it has a middle. "
                f"Received: window={window!r}"
            )
        self.kernel = checks.choice(self, "kernel", kernel, ("box", "gaussian", "triangular"))
        self.epsilon = checks.real(self, "epsilon", epsilon, above=0)

    def of_sample(self, y_true, y_pred, weights):
        return mean_over(self.unlike(y_true, y_pred), weights)

    def unlike(self, x, y):
        """1 - cov²/(var_x·var_y) at each position.

        With d = y - x, var_x·var_y - cov² = var_x·var_d - cov_xd²: pictures that nearly match
        lose no digits to 1 - (nearly 1).
        """
        (x, x_out), (d, d_out) = about_mean(x), about_mean(y - x)
        y, y_out = x + d, x_out + d_out
        x_mean, d_mean = self.windows(x, x_out), self.windows(d, d_out)
        y_mean = x_mean + d_mean
        x_variance = self.windows(x * x, x_out * x_out) - x_mean * x_mean
        y_variance = self.windows(y * y, y_out * y_out) - y_mean * y_mean
        d_variance = self.windows(d * d, d_out * d_out) - d_mean * d_mean
        shared = self.windows(x * d, x_out * d_out) - x_mean * d_mean
        flat = ops.logical_or(x_variance <= self.epsilon, y_variance <= self.epsilon)
        x_held, y_held = at_least(x_variance, self.epsilon), at_least(y_variance, self.epsilon)
        covariance = x_variance + shared

        def product(a):
            return safe_divide(a, x_held) * safe_divide(a, y_held)

        return ops.where(
            flat, 1 - product(covariance), safe_divide(d_variance, y_held) - product(shared)
        )

    def windows(self, x, outside):
        """Weighted means in the window at each position; what lies outside is given."""
        for axis in spatial(x):
            line = ops.zeros_like(cut(x, axis, 0, 1)) + outside
            border = [line] * (self.window // 2)
            x = self.along(ops.concatenate([*border, x, *border], axis=axis), axis)
        return x

    def along(self, x, axis):
        """Weighted means along one axis, wherever the whole window fits."""
        if self.kernel == "gaussian":
            return filtered(x, gaussian(self.window, self.window / 3), (axis,))
        if self.kernel == "box":
            return box_sums(x, self.window, (axis,)) / self.window
        half = (self.window + 1) // 2
        return box_sums(box_sums(x, half, (axis,)), half, (axis,)) / half**2


@register
class MutualInformation(ImageLoss):
    """Minus the mutual information: -Σ_ab p_ab·log(p_ab/(p_a·p_b)), in nats.

    p_ab is how often intensities a and b stand at the same position, each spread over `bins`
    by a Gaussian (a Parzen window), whose shares are made to sum to 1. For registering
    pictures of different modalities: it asks how much of the one can be told from the other,
    not that they are alike; within one modality `LocalNormalizedCrossCorrelation` is sharper.
    Between -log(bins) and 0. All channels are pooled.

    Args:
        bins: how many, their centers from one end of `value_range` to the other; an integer
            >= 2.
        sigma_ratio: the Gaussian's standard deviation over the distance of centers; > 0.
        value_range: `(low, high)`, two numbers; intensities beyond are held at the ends, with
            zero gradient.

    | elsewhere | here |
    |---|---|
    | MONAI `GlobalMutualInformationLoss("gaussian", num_bins, sigma_ratio)` | \
`MutualInformation(bins, sigma_ratio)` |
    | VoxelMorph `MutualInformation(nb_bins=n, min_clip=0, max_clip=1)` | nearly \
`MutualInformation(n)`; there the shares of an intensity need not sum to 1 |

    Call with `(B, H, W, C)` or `(B, D, H, W, C)`; values `(B,)`. Time O(N·bins²), memory
    O(N·bins), N entries of a sample. Weights of positions weigh their pairs.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit, numpy as np
    >>> y = np.array([0.0, 1.0, 0.0, 1.0]).reshape((1, 2, 2, 1))
    >>> loss = keras_losskit.MutualInformation(bins=2, sigma_ratio=0.1)
    >>> round(float(loss(y, 1 - y)), 4)    # One bit: -log 2
    -0.6931

    Reference: P. Viola, W. M. Wells, *Alignment by Maximization of Mutual Information* (1997),
    https://doi.org/10.1023/A:1007958904918
    """

    def __init__(self, bins=23, sigma_ratio=0.5, value_range=(0, 1), **common):
        super().__init__(**common)
        self.bins = checks.integer(self, "bins", bins, at_least=2)
        self.sigma_ratio = checks.real(self, "sigma_ratio", sigma_ratio, above=0)
        self.value_range = ends(self, value_range)

    def of_sample(self, y_true, y_pred, weights):
        sizes = ops.shape(y_pred)
        count = 1
        for n in sizes[1:]:
            count = count * n
        a, b = (self.shares(ops.reshape(x, (sizes[0], count))) for x in (y_true, y_pred))
        if weights is None:
            both = ops.swapaxes(a, 1, 2) @ b / ops.cast(count, a.dtype)
        else:
            weights = ops.reshape(weights + ops.zeros_like(y_pred), (sizes[0], count, 1))
            total = ops.sum(weights, axis=1, keepdims=True)
            sums = ops.swapaxes(a * weights, 1, 2) @ b
            both = safe_divide(sums, total + ops.zeros_like(sums))
        alone = [ops.sum(both, axis=axis, keepdims=True) for axis in (2, 1)]
        # Of a pair that never occurs the logarithm is finite, and times 0.
        logarithms = [ops.log(p + 1e-30) for p in (both, *alone)]
        return -ops.sum(both * (logarithms[0] - logarithms[1] - logarithms[2]), axis=(1, 2))

    def shares(self, x):
        """How much of each entry falls into each bin: `(B, N)` -> `(B, N, bins)`."""
        low, high = self.value_range
        # In units of bins, whose centers are then 0, 1, …
        x = (at_most(at_least(x, low), high) - low) * ((self.bins - 1) / (high - low))
        off = ops.expand_dims(x, -1) - ops.arange(self.bins, dtype=x.dtype)
        return softmax(-0.5 * ops.square(off / self.sigma_ratio))


def ends(owner, given):
    """Two numbers, the lower first."""
    if not isinstance(given, (list, tuple)) or len(given) != 2:
        raise TypeError(
            f"{type(owner).__name__}: `value_range` must be two numbers, (low, high). "
            f"Received: value_range={given!r}"
        )
    low, high = (checks.real(owner, f"value_range[{i}]", x) for i, x in enumerate(given))
    if not low < high:
        raise ValueError(
            f"{type(owner).__name__}: `value_range` must be (low, high) with low < high. "
            f"Received: value_range={given!r}"
        )
    return [low, high]
