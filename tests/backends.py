"""The same three things on every backend: gradients, compilation, float64."""

import contextlib

import keras
import numpy as np

BACKEND = keras.config.backend()


def to_numpy(x):
    if hasattr(x, "detach"):  # torch; Keras' way there warns under NumPy 2.
        return x.detach().cpu().numpy()
    return np.asarray(keras.ops.convert_to_numpy(x))


def value_and_gradient(function, x):
    """`(value, gradient)` of a scalar function of one array, as NumPy."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        x = tf.convert_to_tensor(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(x)
        gradient = tape.gradient(value, x)
        if gradient is None:
            gradient = tf.zeros_like(x)
    elif BACKEND == "jax":
        import jax

        value, gradient = jax.value_and_grad(function)(keras.ops.convert_to_tensor(x))
    else:
        import torch

        x = torch.tensor(x, requires_grad=True)
        value = function(x)
        gradient = torch.zeros_like(x)
        if value.requires_grad:
            value.backward()
            gradient = x.grad
        value = value.detach()
    return to_numpy(value), to_numpy(gradient)


def compiled(function):
    """`{how: function}` for each way in which the backend compiles."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return {
            "graph": tf.function(function),
            "xla": tf.function(function, jit_compile=True),
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


def central_differences(function, x, step=1e-6):
    """The gradient of a NumPy-in, number-out function, in float64."""
    gradient = np.zeros_like(x)
    for i in np.ndindex(*x.shape):
        up, down = x.copy(), x.copy()
        up[i] += step
        down[i] -= step
        gradient[i] = (function(up) - function(down)) / (2 * step)
    return gradient
