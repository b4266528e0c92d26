"""Windows that slide along the axes of pictures, volumes and fields; neighbours and their slopes.

All are slices and sums: a convolution of the backend may round what it multiplies to ten bits
on a GPU, and TensorFlow has none for each channel of a volume.
"""

import math

from keras import ops

from keras_losskit.core.backend import with_gradient
from keras_losskit.core.kernels import computed_once, plus_times, smaller


def cut(x, axis, start=None, stop=None, step=None):
    """x[start:stop:step] along one axis."""
    return x[(slice(None),) * (axis % len(x.shape)) + (slice(start, stop, step),)]


def spatial(x):
    """The axes between the batch and the channels."""
    return tuple(range(1, len(x.shape) - 1))


# --- sums over windows ---------------------------------------------------------------------


def gaussian(size, sigma):
    """The weights of a Gaussian window; their sum is 1."""
    weights = [math.exp(-0.5 * ((i - (size - 1) / 2) / sigma) ** 2) for i in range(size)]
    return [w / sum(weights) for w in weights]


def filtered(x, kernel, axes):
    """Σ_k kernel_k·x_{i+k} along each of the axes, wherever the whole window fits."""
    for axis in axes:
        x = _slid(x, lambda x, a=axis: _weighed(x, kernel, a), kernel, axis)
    return x


def box_sums(x, size, axes):
    """Σ_{k<size} x_{i+k} along each of the axes, wherever the whole window fits.

    Windows of 1, 2, 4, … entries are sums of two of half the length, so that one of `size`
    takes log2(size) additions an entry; and unlike differences of sums that run over the
    whole axis, they add up nothing but what is in the window.
    """
    for axis in axes:
        x = _slid(x, lambda x, a=axis: _boxes(x, size, a), [1.0] * size, axis)
    return x


def _slid(x, value, kernel, axis):
    def gradient(up, x):
        # What goes back is another window, turned about, on what is 0 outside.
        n = len(kernel) - 1
        wide = padded(up, n, n, axis)
        if kernel == [1.0] * (n + 1):
            return box_sums(wide, n + 1, (axis,))
        return filtered(wide, kernel[::-1], (axis,))

    return with_gradient(lambda x: computed_once(value, x), gradient, x, eager=True)


def _weighed(x, kernel, axis):
    last = len(kernel) - 1
    total = kernel[0] * cut(x, axis, None, -last or None)
    for k, weight in enumerate(kernel[1:], 1):
        total = plus_times(total, weight, cut(x, axis, k, (k - last) or None))
    return total


def _boxes(x, size, axis):
    total, done, block, length = None, 0, x, 1
    while True:
        if size & length:  # The next `length` entries of the window.
            part = cut(block, axis, done, (done + length - size) or None)
            total, done = part if total is None else total + part, done + length
        if done == size:
            return total
        block = cut(block, axis, None, -length) + cut(block, axis, length)
        length *= 2


def least(x, size, axis):
    """The smallest of each `size` neighbours along an axis."""
    found, done = x, 1
    while done < size:
        step = min(done, size - done)
        found = smaller(cut(found, axis, None, -step), cut(found, axis, step))
        done += step
    return found


# --- borders -------------------------------------------------------------------------------


def padded(x, before, after, axis):
    """Zeros before and behind, along one axis."""
    if not before and not after:
        return x
    widths = [(0, 0)] * len(x.shape)
    widths[axis % len(x.shape)] = (before, after)
    return ops.pad(x, widths)


def reflected(x, axis, by=1):
    """`by` more entries at both ends, mirrored in the first and the last."""
    first, last = cut(x, axis, 1, by + 1), cut(x, axis, -by - 1, -1)
    if by > 1:
        first, last = ops.flip(first, axis=axis), ops.flip(last, axis=axis)
    return ops.concatenate([first, x, last], axis=axis)


def by_two(x, axes, how):
    """`how` of two by two along each of the axes; of an odd number the last counts twice."""
    for axis in axes:
        wide = ops.concatenate([x, cut(x, axis, -1)], axis=axis)
        x = how(cut(x, axis, step=2), cut(wide, axis, 1, step=2))
    return x


def halved(x, axes):
    """Means of two by two."""
    return by_two(x, axes, lambda a, b: 0.5 * (a + b))


# --- neighbours ------------------------------------------------------------------------------


def differences(x, axis):
    """x_{i+1} - x_i, one fewer than x has."""
    return cut(x, axis, 1) - cut(x, axis, None, -1)


def central(x, axis):
    """(x_{i+1} - x_{i-1})/2, two fewer than x has."""
    return 0.5 * (cut(x, axis, 2) - cut(x, axis, None, -2))


def second(x, axis):
    """x_{i+1} - 2·x_i + x_{i-1}, two fewer than x has."""
    return differences(differences(x, axis), axis)
