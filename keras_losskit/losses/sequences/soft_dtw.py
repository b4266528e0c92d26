"""Dynamic time warping, made smooth."""

import keras
from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.backend import compiled_once, with_gradient
from keras_losskit.core.kernels import exp
from keras_losskit.core.loss import register
from keras_losskit.losses.transport.base import PointSetsLoss, squared_distances


@register
class SoftDTW(PointSetsLoss):
    """Soft dynamic time warping: the soft minimum over alignments of Σ ‖y_i - ŷ_j‖².

    For sequences of the same course at another pace: an alignment goes from both starts to
    both ends, one step on in either sequence or in both, and costs the squared distances of
    what it brings together. Their soft minimum, -gamma·log Σ e^(-cost/gamma), has a gradient
    everywhere, of all alignments by their weight.

    The soft minimum lies below the minimum, by up to gamma·log of the number of alignments:
    **values are negative** where sequences are close for their length, and are not least where
    they are equal. `divergence=True` mends both: D(y, ŷ) - D(y, y)/2 - D(ŷ, ŷ)/2 is
    never negative, and 0 where they are equal, at three times the cost.

    Args:
        gamma: how soft, > 0, in the units of the squared distances; the smaller, the nearer
            to the one best alignment.
        divergence: whether what the sequences cost against themselves is taken away.
        bandwidth: w >= 0 where alignments keep to |i - j·T/S| <= w, i and j counted from 1 (0
            is the diagonal), or `None` for all. For sequences of unlike lengths it is at
            least |T - S|, so that there is one.

    | elsewhere | here |
    |---|---|
    | tslearn `soft_dtw(y, x, gamma=g)` | `SoftDTW(gamma=g)` |

    Call with `y_true` `(B, T, D)`, `y_pred` `(B, S, D)`; values `(B,)`; gradients flow to
    both. A Keras mask on `y_pred` drops its frames, and those of `y_true` where T = S; rows of
    NaN in `y_true` are padding as well. A sequence without frames gives 0. O(B·T·S) time, in
    T + S steps, and memory, which the gradient by each pair of frames needs.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> y_true, y_pred = [[[0.0], [2.0]]], [[[0.0], [0.0], [2.0]]]    # The same, slower.
    >>> abs(round(float(keras_losskit.SoftDTW(gamma=0.01)(y_true, y_pred)), 4))
    0.0
    >>> round(float(keras_losskit.SoftDTW(gamma=1.0)(y_true, y_pred)), 4)    # -log(1 + 3e⁻⁴ + e⁻⁸)
    -0.0538
    >>> round(float(keras_losskit.SoftDTW(gamma=1.0, divergence=True)(y_true, y_pred)), 4)
    0.5374

    Reference: M. Cuturi, M. Blondel, *Soft-DTW: a Differentiable Loss Function for
    Time-Series* (2017), https://arxiv.org/abs/1703.01541; M. Blondel et al., *Differentiable
    Divergences Between Time Series* (2021), https://arxiv.org/abs/2010.08354
    """

    def __init__(self, gamma=1.0, divergence=False, bandwidth=None, **common):
        super().__init__(**common)
        self.gamma = checks.real(self, "gamma", gamma, above=0)
        self.divergence = checks.flag(self, "divergence", divergence)
        self.bandwidth = checks.optional_real(self, "bandwidth", bandwidth, at_least=0)

    def between(self, y, x, there, here):
        if y.shape[1] == x.shape[1]:
            there = ops.logical_and(there, here)
        y, of_y = _to_the_left(y, there)
        x, of_x = _to_the_left(x, here)
        value = self.warped(y, x, of_y, of_x)
        if self.divergence:
            within = self.warped(y, y, of_y, of_y) + self.warped(x, x, of_x, of_x)
            value = value - within / 2
        return value

    def warped(self, y, x, of_y, of_x):
        """The soft minimum `(B,)`, of sequences whose first `of_y` and `of_x` frames exist."""
        cost = squared_distances(y, x)
        t, s = ops.shape(cost)[1], ops.shape(cost)[2]
        i = ops.arange(1, t + 1, dtype="int32")[None, :, None]
        j = ops.arange(1, s + 1, dtype="int32")[None, None, :]
        n, m = of_y[:, None, None], of_x[:, None, None]
        inside = ops.logical_and(i <= n, j <= m)
        last = ops.logical_and(i == n, j == m)
        if self.bandwidth is not None:
            real = self.dtype
            n, m = ops.cast(n, real), ops.cast(m, real)
            width = ops.where(
                ops.absolute(n - m) > self.bandwidth, ops.absolute(n - m), self.bandwidth
            )
            # |i·m - j·n| <= w·m: whole numbers, where i - j·n/m is rounded.
            off = ops.absolute(ops.cast(i, real) * m - ops.cast(j, real) * n)
            inside = ops.logical_and(inside, off <= width * m)
        return soft_minimum(cost, inside, last, gamma=self.gamma)


@compiled_once(backends=("jax", "tensorflow"))
def soft_minimum(cost, inside, last, *, gamma):
    """-gamma·log Σ exp(-Σcost/gamma) over the ways to the cell that is `last`.

    `cost`, `inside`, `last` are `(B, T, S)`. One anti-diagonal after the other: the cells of
    one need those of the two before. On TensorFlow, whose compiler cannot go back through a
    loop, the slope is written out: how much of the ways, by weight, passes a cell.
    """
    t, s = ops.shape(cost)[1], ops.shape(cost)[2]
    far = ops.convert_to_tensor(
        1e300 if keras.backend.standardize_dtype(cost.dtype) == "float64" else 1e37,
        dtype=cost.dtype,
    )
    count = t + s - 1
    inside, last = _diagonals(inside, t, s), _diagonals(last, t, s)
    first = ops.arange(count, dtype="int32") == 0

    def down(x, fill):
        """The cells one row above."""
        return ops.concatenate([ops.broadcast_to(fill, (ops.shape(x)[0], 1)), x[:, :-1]], axis=1)

    def weights(one_before, two_before, is_first):
        """The soft minimum of the three cells before each, and the weight of each of them."""
        start = ops.where(is_first, ops.zeros_like(far), far)
        three = (down(two_before, start), down(one_before, far), one_before)
        least = ops.where(three[0] < three[1], three[0], three[1])
        least = ops.stop_gradient(ops.where(least < three[2], least, three[2]))
        terms = [exp((least - x) / gamma) for x in three]
        total = terms[0] + terms[1] + terms[2]
        return least - gamma * ops.log(total), [x / total for x in terms], three

    def forward(c):
        def step(carry, at):
            one_before, two_before, found = carry
            cost, inside, last, is_first = at
            new, _, _ = weights(one_before, two_before, is_first)
            new = ops.where(inside, cost + new, far)
            found = found + ops.sum(ops.where(last, new, ops.zeros_like(new)), axis=-1)
            return (new, one_before, found), (new, one_before, found)

        nothing = ops.zeros_like(c[0]) + far
        start = (nothing, nothing, ops.zeros_like(c[0, :, 0]))
        return ops.scan(step, start, (c, inside, last, first))

    def value(cost):
        return forward(_diagonals(cost, t, s))[0][2]

    def gradient(up, cost):
        c = _diagonals(cost, t, s)
        before = forward(c)[1][1]  # Of each step; two before is that of the step before.

        def step(carry, at):
            by_one, by_two = carry
            one_before, two_before, inside, last, is_first = at
            share = by_one + ops.where(last, up[:, None], ops.zeros_like(by_one))
            share = ops.where(inside, share, ops.zeros_like(share))
            _, (across, above, left), _ = weights(one_before, two_before, is_first)
            new = by_two + _up(share * above) + share * left
            return (new, _up(share * across)), (share, by_two)

        nothing = ops.zeros_like(c[0])
        two_before = ops.concatenate([ops.full_like(before[:1], far), before[:-1]], axis=0)
        backwards = [
            ops.flip(x, axis=0) for x in (before, two_before, inside, last, first)
        ]
        shares = ops.scan(step, (nothing, nothing), tuple(backwards))[1][0]
        return _cells(ops.flip(shares, axis=0), t, s)

    return with_gradient(value, gradient, cost)


def _up(x):
    """What goes back to the cells one row above."""
    return ops.concatenate([x[:, 1:], ops.zeros_like(x[:, :1])], axis=1)


def _diagonals(x, t, s):
    """`(B, T, S)` as `(T + S - 1, B, T)`: the cell (i, j) at the diagonal i + j."""
    b = ops.shape(x)[0]
    x = ops.pad(x, [[0, 0], [0, 0], [0, t]])
    x = ops.reshape(x, (b, t * (s + t)))[:, : t * (s + t - 1)]
    return ops.transpose(ops.reshape(x, (b, t, s + t - 1)), (2, 0, 1))


def _cells(x, t, s):
    """`_diagonals`, undone."""
    b = ops.shape(x)[1]
    x = ops.reshape(ops.transpose(x, (1, 2, 0)), (b, t * (s + t - 1)))
    return ops.reshape(ops.pad(x, [[0, 0], [0, t]]), (b, t, s + t))[:, :, :s]


def _to_the_left(x, there):
    """The frames that exist, in order, before the others; and how many."""
    n = ops.shape(x)[1]
    place = ops.arange(n, dtype="int32")[None, :]
    place = ops.where(there, place, place + n)
    order = ops.argsort(place, axis=-1)
    return (
        ops.take_along_axis(x, ops.cast(order, "int32")[..., None], axis=1),
        ops.sum(ops.cast(there, "int32"), axis=-1),
    )
