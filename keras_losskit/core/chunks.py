"""Rows a few at a time, and a backward pass that goes over them again.

What a chunk of rows computes is forgotten before the next one: only a few numbers a row
are kept, so that memory is that of one chunk, whatever is between.
"""

import keras
from keras import ops

TWICE = (
    "What is computed by chunks (LinearCrossentropy) cannot be differentiated twice on "
    "TensorFlow and torch."
)


def by_chunks(value, slopes, rows, shared, others, size, dtype="float32"):
    """Values `(N,)` of `rows` `(N, …)`, each of a row, of `shared` and of its `others`.

    `value(rows, shared, *others)` returns the values of a chunk and one number a row to
    keep; `slopes(total, upstream, kept, rows, shared, *others)` returns `total` and the
    chunk's gradient by `shared` together, and its gradient by `rows`. Gradients go to
    `rows` and `shared`, and are summed in `dtype`, that of the values. They cannot be
    differentiated again but on JAX, where that takes the memory of all chunks.
    """

    def forward(rows, shared, *others):
        def step(carry, rows, *others):
            return carry, value(rows, shared, *others)

        return _loop(step, None, (rows, *others), size, [(), ()], dtype)[1]

    def backward(upstream, kept, rows, shared, *others):
        def step(total, upstream, kept, rows, *others):
            total, slope = slopes(total, upstream, kept, rows, shared, *others)
            return total, (slope,)

        total = ops.zeros(shared.shape, dtype=dtype)
        arrays, kinds = (upstream, kept, rows, *others), [tuple(rows.shape[1:])]
        total, (slope,) = _loop(step, total, arrays, size, kinds, dtype)
        return ops.cast(slope, rows.dtype), ops.cast(total, shared.dtype)

    run = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[keras.config.backend()]
    return run(forward, backward, rows, shared, *others)


def _loop(step, carry, arrays, size, kinds, dtype):
    """`step(carry, *chunks)` over the first axis: the last carry, and what each step returns
    beside it, a tuple, joined again: for each row a tensor of a shape of `kinds`."""
    backend = keras.config.backend()
    if backend == "tensorflow":
        return _tensorflow_loop(step, carry, arrays, size, kinds, dtype)
    return (_jax_loop if backend == "jax" else _torch_loop)(step, carry, arrays, size)


def _torch(forward, backward, rows, shared, *others):
    import torch

    class Chunked(torch.autograd.Function):
        @staticmethod
        def forward(ctx, rows, shared, *others):
            values, kept = forward(rows, shared, *others)
            ctx.save_for_backward(kept, rows, shared, *others)
            return values

        @staticmethod
        def backward(ctx, upstream):
            return (*Slopes.apply(upstream, *ctx.saved_tensors), *(None for _ in others))

    class Slopes(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *tensors):
            return backward(*tensors)

        @staticmethod
        def backward(ctx, *_):
            raise NotImplementedError(TWICE)

    return Chunked.apply(rows, shared, *others)


def _torch_loop(step, carry, arrays, size):
    import torch

    found = []
    for start in range(0, max(len(arrays[0]), 1), size):  # One step of no rows, too.
        carry, out = step(carry, *(x[start : start + size] for x in arrays))
        found.append(out)
    return carry, tuple(torch.cat(parts) for parts in zip(*found, strict=True))


def _jax(forward, backward, rows, shared, *others):
    import jax

    @jax.custom_vjp
    def call(rows, shared, *others):
        return forward(rows, shared, *others)[0]

    def first(rows, shared, *others):
        values, kept = forward(rows, shared, *others)
        return values, (kept, rows, shared, *others)

    def back(saved, upstream):
        return (*backward(upstream, *saved), *(None for _ in others))

    call.defvjp(first, back)
    return call(rows, shared, *others)


def _jax_loop(step, carry, arrays, size):
    import jax

    n = arrays[0].shape[0]
    size = min(size, max(n, 1))
    steps = -(-n // size)

    def cut(x):
        padded = jax.numpy.pad(x, [(0, steps * size - n)] + [(0, 0)] * (x.ndim - 1))
        return padded.reshape(steps, size, *x.shape[1:])

    carry, found = jax.lax.scan(lambda c, x: step(c, *x), carry, tuple(map(cut, arrays)))
    return carry, tuple(x.reshape(-1, *x.shape[2:])[:n] for x in found)


def _tensorflow(forward, backward, rows, shared, *others):
    import tensorflow as tf

    @tf.custom_gradient
    def call(rows, shared):
        # Else a tape keeps what every chunk computes.
        fixed = tf.stop_gradient(rows), tf.stop_gradient(shared)
        values, kept = forward(*fixed, *others)
        kept = tf.stop_gradient(kept)

        @tf.custom_gradient
        def slopes(upstream, rows, shared):
            def refuse(*_):
                raise NotImplementedError(TWICE)

            return backward(tf.stop_gradient(upstream), kept, *fixed, *others), refuse

        return values, lambda upstream: slopes(upstream, rows, shared)

    return call(tf.convert_to_tensor(rows), tf.convert_to_tensor(shared))


def _tensorflow_loop(step, carry, arrays, size, kinds, dtype):
    import tensorflow as tf

    n = tf.shape(arrays[0])[0]
    if arrays[0].shape[0] is not None:
        size = min(size, max(arrays[0].shape[0], 1))
    steps = (n + size - 1) // size
    cut = []
    for x in arrays:
        rest = [[0, steps * size - n]] + [[0, 0]] * (len(x.shape) - 1)
        cut.append(tf.reshape(tf.pad(x, rest), (steps, size, *x.shape[1:])))
    found = [tf.TensorArray(dtype, size=steps, element_shape=(size, *k)) for k in kinds]

    def body(i, carried, found):
        new, out = step(carried[0] if carried else None, *(x[i] for x in cut))
        found = [a.write(i, tf.cast(x, dtype)) for a, x in zip(found, out, strict=True)]
        return i + 1, ([] if new is None else [new]), found

    carried = [] if carry is None else [carry]
    _, carried, found = tf.while_loop(
        lambda i, *_: i < steps, body, (0, carried, found), parallel_iterations=1
    )
    joined = [tf.reshape(a.stack(), (steps * size, *k)) for a, k in zip(found, kinds, strict=True)]
    return (carried[0] if carried else None), tuple(x[:n] for x in joined)
