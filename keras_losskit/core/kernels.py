"""What a backend has as one kernel: the one place that asks which.

A loss calls them by name and stays plain mathematics. What stands in for a kernel must
have its value, its slopes of every order and in both directions, and its limits.
"""

import functools

import keras
from keras import ops

from keras_losskit.core.backend import with_gradient


class Kernel:
    """`plain(y_true, y_pred, **options)`, entry by entry, and its mean in one.

    `native` names the function of `torch.nn.functional` that is the same, with
    `(y_pred, y_true, reduction=…)`. Eager torch runs each operation as a pass over memory,
    and another one backward; its own function takes one of each.
    """

    def __init__(self, plain, native):
        self.plain, self.native = plain, native
        functools.update_wrapper(self, plain)

    def __call__(self, y_true, y_pred, **options):
        native = self._native(y_true, y_pred)
        if native is None:
            return self.plain(y_true, y_pred, **options)
        return native(y_pred, y_true, reduction="none", **options)

    def mean(self, y_true, y_pred, **options):
        """The mean over all entries; `None` where no kernel takes it along."""
        native = self._native(y_true, y_pred)
        if native is None or not y_pred.numel():
            return None
        return native(y_pred, y_true, reduction="mean", **options)

    def _native(self, y_true, y_pred):
        if not at_hand() or y_true.shape != y_pred.shape:
            return None
        import torch

        return getattr(torch.nn.functional, self.native)


def at_hand():
    """Whether the backend has kernels that take a mean along."""
    return keras.config.backend() == "torch"


def run_at_once():
    """Whether operations are run one by one, each at the cost of a call; never on JAX."""
    if keras.config.backend() != "tensorflow":
        return at_hand()
    import tensorflow as tf

    return tf.executing_eagerly()


def kernel(native):
    return functools.partial(Kernel, native=native)


@kernel("mse_loss")
def squared_error(y_true, y_pred):
    """d², d = y_pred - y_true."""
    return ops.square(y_pred - y_true)


@kernel("l1_loss")
def absolute_error(y_true, y_pred):
    """|d|, whose slope at 0 is 0."""
    return absolute(y_pred - y_true)


@kernel("huber_loss")
def huber(y_true, y_pred, *, delta):
    """d²/2 where |d| <= delta, else delta·|d| - delta²/2."""
    d = absolute(y_pred - y_true)
    # With c = min(|d|, delta) both branches are c·(|d| - c/2).
    c = at_most(d, delta)
    return c * (d - 0.5 * c)


@kernel("smooth_l1_loss")
def smooth_l1(y_true, y_pred, *, beta):
    """`huber`, divided by its bound."""
    return huber.plain(y_true, y_pred, delta=beta) / beta


@kernel("binary_cross_entropy_with_logits")
def crossentropy_of_logits(y_true, y_pred):
    """log(1 + exp z) - g·z."""
    return -ops.log_sigmoid(y_pred) + (1 - y_true) * y_pred


def absolute(x):
    """|x|, with the slope 0 at 0. JAX's own has 1 there: at a perfect prediction a pull."""
    if keras.config.backend() != "jax":
        return ops.abs(x)
    return with_gradient(ops.abs, lambda up, x: up * ops.sign(x), x, symmetric=True)


def at_least(x, bound):
    """max(x, bound) for a constant bound; NaN stays NaN, a tie has slope 1."""
    backend = keras.config.backend()
    if isinstance(bound, (int, float)) and backend != "tensorflow":
        return x.clamp(min=bound) if backend == "torch" else choose(x < bound, bound, x)
    return larger(x, ops.convert_to_tensor(bound, dtype=x.dtype))


def at_most(x, bound):
    """min(x, bound) for a constant bound; NaN stays NaN, a tie has slope 1."""
    backend = keras.config.backend()
    if isinstance(bound, (int, float)) and backend != "tensorflow":
        return x.clamp(max=bound) if backend == "torch" else choose(bound < x, bound, x)
    return smaller(x, ops.convert_to_tensor(bound, dtype=x.dtype))


def larger(a, b):
    """The larger of two tensors, element by element; the slope of a tie is a's."""
    if keras.config.backend() == "tensorflow":  # Elsewhere a tie is shared.
        return ops.maximum(a, b)
    return choose(a < b, b, a)


def smaller(a, b):
    """The smaller of two tensors, element by element; the slope of a tie is a's."""
    if keras.config.backend() == "tensorflow":
        return ops.minimum(a, b)
    return choose(b < a, b, a)


def furthest(x, axis):
    """The largest |x| along an axis, which stays; a constant, and 0 of nothing."""
    sizes = ops.abs(ops.stop_gradient(x))
    if 0 in tuple(x.shape):  # There `ops.max` raises.
        return ops.sum(sizes, axis=axis, keepdims=True)
    return ops.max(sizes, axis=axis, keepdims=True, initial=0)


def exp(x):
    """exp(x), for what may lie far below 0: on torch 0 where it is no normal number.

    There a number below those takes thirty times as long.
    """
    if not at_hand():
        return ops.exp(x)
    import torch

    # As torch's compilers and XLA have it.
    least, tiny = (-87.3, 1.3e-38) if x.dtype == torch.float32 else (-708.3, 2.46e-308)
    return torch.nn.functional.threshold(torch.exp(x.clamp(min=least)), tiny, 0.0)


def arctan2(y, x):
    """The angle of the point (x, y); `ops.arctan2` rounds it to float32 on JAX and torch."""
    backend = keras.config.backend()
    if backend == "jax":
        import jax

        return jax.numpy.arctan2(y, x)
    if backend == "torch":
        import torch

        return torch.arctan2(y, x)
    return ops.arctan2(y, x)


def choose(condition, a, b):
    """a where `condition`, else b: `ops.where` without its look at what both are.

    One of them may be a number, which `ops.where` rounds to float32 on torch; of two it
    decides the dtype.
    """
    if not hasattr(a, "dtype") and not hasattr(b, "dtype"):
        return ops.where(condition, a, b)
    backend = keras.config.backend()
    if backend == "torch":
        import torch

        return torch.where(condition, a, b)
    if backend == "tensorflow":
        import tensorflow as tf

        if not hasattr(a, "dtype"):
            a = tf.constant(a, b.dtype)
        elif not hasattr(b, "dtype"):
            b = tf.constant(b, a.dtype)
        return tf.where(condition, a, b)
    return ops.where(condition, a, b)


def widened(x, like):
    """`x` `(…, 1, C)`, to be broadcast over `like` `(…, W, C)`, in a form that is fast there.

    Torch goes over few classes one position after the other, over a whole line at once.
    """
    if not at_hand() or len(x.shape) < 3 or x.shape[-2] != 1:
        return x
    return x.expand(*x.shape[:-2], like.shape[-2], x.shape[-1]).contiguous()


def times_plus(x, by, plus):
    """by·x + plus, for two numbers."""
    if at_hand():
        return (by * x).add_(plus)
    return by * x + plus


def plus_product_of(total, a, b):
    """total + a·b, entry by entry."""
    if at_hand():
        import torch

        return torch.addcmul(total, a, b)
    return total + a * b


def between(a, b, share):
    """a where `share` is 0, b where it is 1, and in between on a line; to the last digit."""
    if at_hand():
        return a.lerp(b, share)
    return (1 - share) * a + share * b


# --- rows ------------------------------------------------------------------------------


def few_classes(z):
    """Whether torch takes ten times as long over the last axis as over another."""
    return len(z.shape) > 1 and 1 < z.shape[-1] <= 8


def softmax_in_torch(z, logarithm=False):
    """softmax over the last axis, or its logarithm."""
    function = ops.log_softmax if logarithm else ops.softmax
    if few_classes(z):
        found = ops.moveaxis(function(ops.moveaxis(z, -1, 0), axis=0), 0, -1)
        return found.contiguous()  # Beside targets of another layout all else would be slow.
    return function(z, axis=-1)


def in_order(x, order):
    """The entries of the last axis in another order, indices >= 0."""
    if at_hand():  # `ops.take_along_axis` counts from the end, too.
        return x.gather(-1, order.long())
    return ops.take_along_axis(x, order, axis=-1)


def entry(x, ids):
    """x_i on the last axis, for ids `(…)` in [0, C)."""
    backend, classes = keras.config.backend(), x.shape[-1]
    if backend == "tensorflow":  # That of `ops` is made of ten.
        import tensorflow as tf

        return tf.gather(x, ids, batch_dims=len(ids.shape))
    ids = ops.expand_dims(ids, -1)
    if backend == "jax" and classes <= 32:
        # There the gradient of what is taken is written one entry at a time.
        return ops.sum(choose(ids == ops.arange(classes, dtype="int32"), x, 0), axis=-1)
    return ops.squeeze(in_order(x, ids), axis=-1)


def log_softmax_below(z):
    """log softmax over the last axis, of logits whose largest is 0."""
    if keras.config.backend() != "jax":
        return ops.log_softmax(z, axis=-1)
    # There `ops.log_softmax` would look for the largest again, in a pass of its own.
    return z - ops.log(ops.sum(ops.exp(z), axis=-1, keepdims=True))


def log_of_sum(x, axis=-1):
    """log Σ exp x along an axis, of a constant."""
    if not at_hand():
        return ops.logsumexp(x, axis=axis)
    top = x.amax(axis, keepdim=True)
    # What would be no normal number is none beside the largest, whose exponential is 1.
    total = (x - top).clamp_(min=-87).exp_().sum(axis)
    return total.log_().add_(top.squeeze(axis))


def log_of_two(a, b):
    """log(exp a + exp b) by torch's kernel, whose second derivatives are not for use: they are
    NaN where a and b are 90 apart."""
    import torch

    return torch.logaddexp(a, b)


def crossentropies(z, ids):
    """log Σ exp z - z_id of each row of `z` `(n, m)`, by the backend's own kernel."""
    backend = keras.config.backend()
    if backend == "torch":
        from torch.nn.functional import cross_entropy

        if few_classes(z):
            return cross_entropy(z.T[None], ids.long()[None], reduction="none")[0]
        return cross_entropy(z, ids.long(), reduction="none")
    if backend == "jax":
        import jax

        return jax.nn.logsumexp(z, axis=-1) - entry(z, ids)
    import tensorflow as tf

    return tf.nn.sparse_softmax_cross_entropy_with_logits(ids, z)


def softmax_less_one(z, ids):
    """softmax(z), less 1 at one place of each row `(n, m)`: the slope of `crossentropies`."""
    backend = keras.config.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(features=z, labels=ids).backprop
    return plus_at(ops.softmax(z, axis=-1), ids, -ops.ones_like(z[:, 0]))


def computed_once(function, x):
    """`function(x)`, which is computed once, however many read it.

    XLA on a CPU computes a sum of neighbours again for each of those who read it: two passes
    of a window of 11 are 121 products an entry, and back again 121 times 121. Beyond a choice
    that only the numbers make it does not look; 0·x is never 1.
    """
    if keras.config.backend() != "jax":
        return function(x)
    import jax
    import jax.numpy as jnp

    if not isinstance(x, jax.core.Tracer) or not x.size:
        return function(x)

    def never(x):
        made = jax.eval_shape(function, x)
        return jnp.zeros(made.shape, made.dtype)

    def chosen(x):
        return jax.lax.cond(0 * jnp.ravel(x)[0] != 1, function, never, x)

    return jax.lax.platform_dependent(x, cpu=chosen, default=function)


def plus_times(total, number, x):
    """`total + number·x`; on torch `total` itself becomes it."""
    if at_hand():  # A tensor more is memory that the system has to clear.
        return total.add_(x, alpha=number)
    return total + number * x


def plus_at(x, ids, amount):
    """`x` `(n, m)` and `amount` `(n,)` at one place of each row; on torch x itself becomes it."""
    backend = keras.config.backend()
    if backend == "torch":
        return x.scatter_add_(1, ids[:, None].long(), amount[:, None])
    if backend == "jax":
        hit = ops.arange(x.shape[1], dtype="int32")[None, :] == ids[:, None]
        return x + choose(hit, amount[:, None], ops.zeros_like(x))
    import tensorflow as tf

    places = tf.stack([tf.range(tf.shape(ids)[0]), ids], axis=1)
    return tf.tensor_scatter_nd_add(x, places, amount)


def sums_of_groups(x, groups, count):
    """Σ of the entries of `x` `(n,)` in each of `count` groups, ids in [0, count)."""
    if at_hand():  # `ops.segment_sum` rounds to float32 there.
        return x.new_zeros(count).index_add(0, groups.long(), x)
    return ops.segment_sum(x, groups, num_segments=count)


# --- products of matrices --------------------------------------------------------------


def product(a, b, transpose_a=False, transpose_b=False):
    """`a @ b` of two matrices, without a copy of one that is transposed."""
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        return tf.matmul(a, b, transpose_a=transpose_a, transpose_b=transpose_b)
    a = ops.transpose(a) if transpose_a else a
    return a @ (ops.transpose(b) if transpose_b else b)


def plus_product(total, a, b):
    """`total + aᵀ @ b`; on torch `total` itself becomes it."""
    if keras.config.backend() == "torch" and a.dtype == total.dtype:
        return total.addmm_(a.T, b)
    return total + ops.cast(product(a, b, transpose_a=True), total.dtype)
