"""The few facts about the running backend that ``keras.ops`` does not tell."""

import functools
import inspect
import re
import sys

import keras
import numpy as np
from keras import ops


def visible(x):
    """Return the values of `x` as NumPy if they exist now, else `None`.

    They do not exist while a graph is traced; what needs them (a check of
    class ids, say) has to be skipped there.
    """
    if isinstance(x, np.ndarray):
        return x
    backend = keras.config.backend()
    if backend == "tensorflow":
        return x.numpy() if hasattr(x, "numpy") else None
    if backend == "jax":
        import jax

        return None if isinstance(x, jax.core.Tracer) else np.asarray(x)
    if backend == "torch":
        import torch

        if torch.compiler.is_compiling() or x.device.type == "meta":
            return None
        return x.detach().cpu().numpy()
    return None


def name_scope(name):
    """Keras' scope for a name of any characters.

    TensorFlow's graphs allow few, and a scope that Keras cannot enter stays open
    for all that comes after it.
    """
    allowed = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
    return keras.name_scope(allowed if allowed[0].isalnum() else f"loss{allowed}")


def replicas():
    """How many replicas of `tf.distribute` share the global batch; else 1."""
    if keras.config.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


def with_gradient(value, gradient, *tensors, symmetric=False):
    """`value(*tensors)`; on TensorFlow its gradient is what `gradient` says.

    TensorFlow's graph makes a pass over memory of every operation, those of
    backpropagation too, where a gradient written out takes fewer. It has to be
    the gradient of `value`, which the other backends differentiate themselves:
    theirs can be differentiated forward, too. `gradient(upstream, *tensors)` is
    one tensor for each, in operations that can be differentiated again.

    `symmetric`: the matrices of derivatives are, as those of every elementwise
    function. What goes back by `gradient` then goes forward by it, so that JAX
    uses it as well.
    """
    backend = keras.config.backend()
    if backend == "jax" and symmetric:
        return _with_tangent(value, gradient, [ops.convert_to_tensor(x) for x in tensors])
    if backend != "tensorflow":
        return value(*tensors)

    @ops.custom_gradient
    def call(*tensors):
        return value(*tensors), lambda *upstream: gradient(*upstream, *tensors)

    # Read here: for variables read inside TensorFlow wants gradients of their own.
    return call(*(x + 0 if isinstance(x, keras.Variable) else x for x in tensors))


def _with_tangent(value, gradient, tensors):
    import jax

    call = jax.custom_jvp(value)

    def forward(tensors, tangents):
        parts = []
        for i, tangent in enumerate(tangents):
            if not isinstance(tangent, jax.custom_derivatives.SymbolicZero):
                part = gradient(tangent, *tensors)
                parts.append(part[i] if isinstance(part, tuple) else part)
        out = call(*tensors)
        return out, sum(parts[1:], parts[0]) if parts else ops.zeros_like(out)

    call.defjvp(forward, symbolic_zeros=True)
    return call(*tensors)


def keras_frame(*names):
    """The nearest running function of Keras of one of these names, or `None`.

    Keras says nowhere whether it infers shapes, trains or evaluates; its stack does.
    """
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name in names:
            if frame.f_globals.get("__name__", "").startswith("keras."):
                return frame
        frame = frame.f_back
    return None


def keras_mask(x):
    """The mask that Keras layers attach to their outputs, or `None`."""
    mask = getattr(x, "_keras_mask", None)
    if mask is not None or keras.config.backend() != "jax":
        return mask
    import jax

    # A tracer holds no attributes: Keras keeps its mask aside and hands it to layers.
    return _mask_reader()(x) if isinstance(x, jax.core.Tracer) else None


@functools.cache
def _mask_reader():
    class MaskReader(keras.layers.Layer):
        def call(self, x, mask=None):
            return mask

        def compute_mask(self, inputs, previous_mask=None):
            return None  # What comes out is the mask itself.

    reader = MaskReader(autocast=False, name="mask_reader")
    reader.supports_masking = True
    return reader


def compiled_once(function):
    """`function` of tensors, compiled once per shape where JAX runs it eagerly.

    JAX compiles a loop anew at every eager call. Further arguments must be given
    by name and are constants.
    """
    jitted = None

    @functools.wraps(function)
    def call(*tensors, **constants):
        nonlocal jitted
        if keras.config.backend() != "jax":
            return function(*tensors, **constants)
        if jitted is None:
            import jax

            names = list(inspect.signature(function).parameters)
            jitted = jax.jit(function, static_argnames=names[len(tensors) :])
        return jitted(*tensors, **constants)

    return call


def to_tensors(x):
    """`x` as a tensor, or as the structure of tensors that it is.

    A list of numbers is one tensor, a list of arrays a structure.
    """
    if isinstance(x, dict):
        return {k: to_tensors(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        if any(len(getattr(leaf, "shape", ())) for leaf in keras.tree.flatten(x)):
            return type(x)(to_tensors(v) for v in x)
        x = np.asarray(x)  # Keeps float64 for a loss that asks for it.
    return ops.convert_to_tensor(x)
