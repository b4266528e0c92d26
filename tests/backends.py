"""The same three things on every backend: gradients, compilation, float64."""

import contextlib
import functools

import keras
import numpy as np

BACKEND = keras.config.backend()
# For `compile`, where XLA is not what a test is about: on TensorFlow it takes longer than training.
# On JAX it would be operations one by one.
WITHOUT_XLA = {} if BACKEND == "jax" else {"jit_compile": False}


def to_numpy(x):
    if hasattr(x, "detach"):  # torch; Keras' way there warns under NumPy 2.
        return x.detach().cpu().numpy()
    return np.asarray(keras.ops.convert_to_numpy(x))


def value_and_gradient(function, x, *rest):
    """`(value, gradient)` of a scalar function of `x`, as NumPy; `rest` are its other arguments.

    On JAX it is compiled, once for every `x` and `rest` of the same shapes, so
    one function that is called again is much cheaper than one made again.
    """
    if BACKEND != "torch":
        value, gradient = differentiated(function)(keras.ops.convert_to_tensor(x), *rest)
    else:
        import torch

        x = torch.tensor(x, requires_grad=True)
        value = function(x, *rest)
        gradient = torch.zeros_like(x)
        if value.requires_grad:
            value.backward()
            gradient = x.grad
        value = value.detach()
    return to_numpy(value), to_numpy(gradient)


def differentiated(function):
    """The function that gives `(value, gradient)` as tensors, which may be compiled in turn."""
    if BACKEND == "jax":
        return _differentiated(function)
    import tensorflow as tf

    def taped(x, *rest):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(x, *rest)
        gradient = tape.gradient(value, x)
        return value, tf.zeros_like(x) if gradient is None else gradient

    return taped


@functools.lru_cache(maxsize=8)
def _differentiated(function):
    """The same object for the same function: JAX keeps what it compiled by object."""
    import jax

    return jax.jit(jax.value_and_grad(function))


def forget_compiled():
    """After each test: while JAX keeps a function compiled in float32, it takes the float64
    arrays that are constants in it for float32 everywhere."""
    _differentiated.cache_clear()


def compiled_for_any_batch(function, *arrays):
    """`(sizes, function)`: compiled for arrays like these, and for which sizes of the batch.

    TensorFlow traces it once, the size unknown, and may meet a batch of none. On JAX
    the size is among what is compiled for, so the whole batch is enough.
    """
    n = len(arrays[0])
    if BACKEND == "tensorflow":
        import tensorflow as tf

        signature = [tf.TensorSpec((None, *x.shape[1:]), x.dtype) for x in arrays]
        # As Keras traces: without AutoGraph, which is most of the time and hides branches.
        traced = tf.function(function, input_signature=signature, autograph=False)
        return (0, 1, n), traced
    import jax

    return (n,), jax.jit(function)


def compiled(function):
    """`{how: function}` for each way in which the backend compiles."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return {
            "graph": tf.function(function, autograph=False),
            "xla": tf.function(function, jit_compile=True, autograph=False),
        }
    if BACKEND == "jax":
        import jax

        return {"jit": jax.jit(function)}
    return {"eager": function}


@contextlib.contextmanager
def wide():
    """float64 allowed: JAX wants to be asked."""
    if BACKEND != "jax":
        yield
        return
    import jax

    with jax.enable_x64(True):
        yield


def check_gradient(function, x, *rest, step=1e-6, rtol=1e-6, atol=1e-8):
    """The gradient at `x`, in float64, after comparing it with differences along 3 directions.

    No entry of a direction is near 0, so a wrong entry of the gradient shows in
    each of them; an error that one direction cancels, another does not.
    """
    _, gradient = value_and_gradient(function, x, *rest)
    draw = np.random.default_rng(5)
    for i in range(3):
        along = draw.uniform(0.5, 1.5, x.shape) * draw.choice([-1.0, 1.0], x.shape)
        up, _ = value_and_gradient(function, x + step * along, *rest)
        down, _ = value_and_gradient(function, x - step * along, *rest)
        scale = np.linalg.norm(gradient) * np.linalg.norm(along)
        np.testing.assert_allclose(
            np.sum(gradient * along), (up - down) / (2 * step), rtol=0,
            atol=atol + rtol * scale, err_msg=f"along direction {i}",
        )
    return gradient


def central_differences(function, x, step=1e-6):
    """The gradient of a NumPy-in, number-out function, in float64."""
    gradient = np.zeros_like(x)
    for i in np.ndindex(*x.shape):
        up, down = x.copy(), x.copy()
        up[i] += step
        down[i] -= step
        gradient[i] = (function(up) - function(down)) / (2 * step)
    return gradient
