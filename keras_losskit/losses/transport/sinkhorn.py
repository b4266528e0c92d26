"""Optimal transport, smoothed by entropy."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.backend import compiled_once
from keras_losskit.core.kernels import choose, exp, log_of_sum
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import largest, power, safe_sqrt
from keras_losskit.core.softmax import NOTHING
from keras_losskit.losses.transport.base import PointSetsLoss, squared_distances


@register
class Sinkhorn(PointSetsLoss):
    """Sinkhorn divergence: OT(x, y) - OT(x, x)/2 - OT(y, y)/2, the cost being |x - y|^p/p.

    OT is the cheapest way to carry the points of one set, each of the same weight, to those
    of the other, with an entropy of weight epsilon that makes it smooth. The last two terms
    take away what the entropy adds, so that the value is 0 where the sets are equal. Every
    point is dealt out once, so that density counts, unlike in `Chamfer`: what is often
    called "earth mover's distance" is this at a small epsilon.

    Args:
        epsilon: the weight of the entropy, > 0, in the units of the cost. The smaller, the
            sharper, and the more iterations it takes.
        iterations: how often both potentials are updated, an integer >= 1.
        power: p, 1 <= p <= 2.

    Iterations run in the log domain, which no cost overflows. The gradient is that of the
    plan that they arrive at, exact where they have converged, and needs no memory for them.

    | elsewhere | here |
    |---|---|
    | geomloss `SamplesLoss("sinkhorn", p=2, blur=b)` | `Sinkhorn(epsilon=b**2)`, converged |
    | geomloss `SamplesLoss("sinkhorn", p=1, blur=b)` | `Sinkhorn(epsilon=b, power=1)`, converged |

    Call with `y_true` `(B, M, D)`, `y_pred` `(B, N, D)`; values `(B,)`; gradients flow to
    both. Padding is what a Keras mask on either hides, and rows of NaN in `y_true`; a set
    without points gives 0. O(iterations·B·(N + M)²) time, O(B·(N + M)²) memory.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.Sinkhorn()
    >>> round(float(loss([[[0.0], [3.0]]], [[[4.0], [1.0]]])), 3)    # (1²/2 + 1²/2)/2
    0.5

    Reference: J. Feydy et al., *Interpolating between Optimal Transport and MMD using
    Sinkhorn Divergences* (2019), https://arxiv.org/abs/1810.08278
    """

    def __init__(self, epsilon=0.05, iterations=50, power=2, **common):
        super().__init__(**common)
        self.epsilon = checks.real(self, "epsilon", epsilon, above=0)
        self.iterations = checks.integer(self, "iterations", iterations, at_least=1)
        self.power = checks.real(self, "power", power, at_least=1, at_most=2)

    def between(self, y, x, there, here):
        within = self.transport(x, x, here, here) + self.transport(y, y, there, there)
        return self.transport(x, y, here, there) - within / 2

    def transport(self, a, b, of_a, of_b):
        """The dual value `(B,)`, with the slope of its plan."""
        squared = squared_distances(a, b)
        cost = squared if self.power == 2 else power(safe_sqrt(squared), self.power)
        cost = cost / self.power
        fixed = ops.stop_gradient(cost) / self.epsilon
        log_a, log_b = _log_weights(of_a, cost.dtype), _log_weights(of_b, cost.dtype)

        f = _settled(fixed, log_a, log_b, iterations=self.iterations)
        g = _of_columns(f, fixed, log_a)
        # Shares of each column, which no rounding of large potentials makes larger than 1.
        pairs = ops.logical_and(of_a[:, :, None], of_b[:, None, :])
        inner = ops.where(pairs, (log_a + f)[:, :, None] - fixed, NOTHING)
        shares = exp(inner - largest(inner, axis=1, keepdims=True))
        shares = ops.where(pairs, shares / ops.sum(shares, axis=1, keepdims=True), 0)
        plan = shares * ops.exp(log_b)[:, None, :]
        weight_a, weight_b = ops.exp(log_a), ops.exp(log_b)
        value = self.epsilon * (
            ops.sum(ops.where(of_a, weight_a * f, ops.zeros_like(f)), axis=-1)
            + ops.sum(ops.where(of_b, weight_b * g, ops.zeros_like(g)), axis=-1)
        )
        # By the plan, the slope of the value by the cost; of a value of its own it adds 0.
        moved = ops.where(pairs, cost - ops.stop_gradient(cost), ops.zeros_like(cost))
        return ops.stop_gradient(value) + ops.sum(
            ops.stop_gradient(plan) * moved, axis=(1, 2)
        )


@compiled_once(backends=("jax", "tensorflow"))
def _settled(cost, log_a, log_b, *, iterations):
    """The rows' potentials after so many updates of both; a constant, as all that is given."""

    def of_rows(g):
        return -log_of_sum((log_b + g)[:, None, :] - cost)

    def update(_, f):
        return of_rows(_of_columns(f, cost, log_a))

    return ops.fori_loop(1, iterations, update, of_rows(ops.zeros_like(cost[:, 0, :])))


def _of_columns(f, cost, log_a):
    """Potentials over epsilon, which make the plan's sums right on the side of the columns."""
    return -log_of_sum((log_a + f)[:, :, None] - cost, axis=1)


def _log_weights(exist, dtype):
    """log of 1 over how many exist, for those; of the others that of nothing."""
    count = ops.sum(ops.cast(exist, dtype), axis=-1, keepdims=True)
    each = -ops.log(ops.where(count > 0, count, ops.ones_like(count)))
    return choose(exist, each, NOTHING)
