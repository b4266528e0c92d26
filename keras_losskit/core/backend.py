"""The few facts about the running backend that ``keras.ops`` does not tell."""

import functools
import inspect
import re
import weakref

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


def ends_of(x):
    """The least and the largest of a NumPy array; NaN where it holds one."""
    if keras.config.backend() != "torch" or not x.dtype.isnative or x.dtype.kind not in "fi":
        return x.min(), x.max()
    import torch

    # In one pass, and on all cores; these are the tensor's own bytes.
    return tuple(end.item() for end in torch.aminmax(torch.from_numpy(x)))


_LOOKS = 8  # At targets on an accelerator, for each loss.
_looks = {}


def seen_by(owner, x):
    """What `visible` tells, for a check that `owner` makes of its targets.

    From an accelerator each look is a copy that waits for it: the first batches that a
    loss meets there are looked at, no more.
    """
    device = getattr(getattr(x, "device", None), "type", "cpu")  # torch's
    if keras.config.backend() == "torch" and device not in ("cpu", "meta"):
        looks = _looks.get(id(owner), 0)
        if not looks:
            weakref.finalize(owner, _looks.pop, id(owner), None)
        if looks >= _LOOKS:
            return None
        _looks[id(owner)] = looks + 1
    return visible(x)


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


def with_gradient(value, gradient, *tensors, symmetric=False, in_few=None, eager=False):
    """`value(*tensors)`; on TensorFlow its gradient is what `gradient` says.

    TensorFlow's graph makes a pass over memory of every operation, those of
    backpropagation too, where a gradient written out takes fewer. It has to be
    the gradient of `value`, which the other backends differentiate themselves:
    theirs can be differentiated forward, too. `gradient(upstream, *tensors)` is
    one tensor for each, in operations that can be differentiated again, or a function that
    makes it, called where it is asked for.

    `symmetric`: the matrices of derivatives are, as those of every elementwise
    function. What goes back by `gradient` then goes forward by it, so that JAX
    uses it as well.

    On torch the gradient is used where it is symmetric and there is one tensor, and where
    it is `eager`: it takes fewer operations than torch does backward. `in_few`: the same value
    in few operations, for torch, which runs each by itself and another one backward.
    """
    backend = keras.config.backend()
    if backend == "torch":
        if in_few is not None:
            return in_few(*tensors)
        if (eager or (symmetric and len(tensors) == 1)) and by_hand(*tensors):
            return _in_torch().apply(value, gradient, *tensors)
    if backend == "jax" and symmetric:
        return _with_tangent(value, gradient, [ops.convert_to_tensor(x) for x in tensors])
    if backend != "tensorflow":
        return value(*tensors)

    @ops.custom_gradient
    def call(*tensors):
        return value(*tensors), lambda *upstream: _parts(gradient(*upstream, *tensors))

    # Read here: for variables read inside TensorFlow wants gradients of their own.
    return call(*(x + 0 if isinstance(x, keras.Variable) else x for x in tensors))


def _parts(gradient, asked=None):
    """One part of a gradient for each tensor, made where it is asked for; `None` where not."""
    parts = gradient if isinstance(gradient, tuple) else (gradient,)
    asked = (True,) * len(parts) if asked is None else asked
    return tuple(_made(x) if a else None for x, a in zip(parts, asked, strict=True))


def _made(part):
    return part() if callable(part) else part


def by_hand(*tensors):
    """Whether the gradient by these tensors that `with_gradient` is given is used."""
    if keras.config.backend() != "torch":
        return keras.config.backend() == "tensorflow"
    if compiled_by_torch():  # A compiler knows no such rules, and needs none.
        return False
    import torch

    if torch.is_grad_enabled() and any(x.requires_grad for x in tensors):
        return True
    try:
        forward = torch.autograd.forward_ad.unpack_dual
        return any(forward(x).tangent is not None for x in tensors)
    except RuntimeError:  # Under some transformations nothing tells; the rule holds in all.
        return True


def compiled_by_torch():
    """Whether `torch.compile` or `torch.export` is reading what runs."""
    if keras.config.backend() != "torch":
        return False
    import torch

    return torch.compiler.is_compiling()


@functools.cache
def _in_torch():
    import torch

    class WithGradient(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(value, gradient, *tensors):
            return value(*tensors)

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.value, ctx.gradient, *tensors = inputs
            ctx.save_for_backward(*tensors)
            ctx.save_for_forward(*tensors)

        @staticmethod
        def backward(ctx, *up):
            asked = ctx.needs_input_grad[2:]
            return None, None, *_parts(ctx.gradient(*up, *ctx.saved_tensors), asked)

        @staticmethod
        def jvp(ctx, _, __, *tangents):
            # What goes back is linear in what comes from above: turned about it goes forward.
            tensors = ctx.saved_tensors
            asked = [t is not None for t in tangents]

            def back(*up):
                parts = _parts(ctx.gradient(*up, *tensors), asked)
                return tuple(x for x in parts if x is not None)

            with torch.no_grad():
                above = ctx.value(*tensors)
            above = above if isinstance(above, tuple) else (above,)
            _, forward = torch.func.vjp(back, *(torch.zeros_like(x) for x in above))
            found = forward(tuple(t for t in tangents if t is not None))
            return found if len(found) > 1 else found[0]

    return WithGradient


def _with_tangent(value, gradient, tensors):
    import jax

    if not any(isinstance(x, jax.core.Tracer) for x in tensors):
        return value(*tensors)  # Nobody differentiates.
    call = jax.custom_jvp(value)

    def forward(tensors, tangents):
        parts = []
        for i, tangent in enumerate(tangents):
            if not isinstance(tangent, jax.custom_derivatives.SymbolicZero):
                part = gradient(tangent, *tensors)
                parts.append(_made(part[i] if isinstance(part, tuple) else part))
        out = call(*tensors)
        return out, sum(parts[1:], parts[0]) if parts else ops.zeros_like(out)

    call.defjvp(forward, symbolic_zeros=True)
    return call(*tensors)


def compiled_once(function=None, *, backends=("jax",)):
    """`function` of tensors, compiled once per shape where a backend would run it eagerly.

    JAX compiles a loop anew at every eager call; TensorFlow runs the steps of a long
    one a hundred times slower. Further arguments must be given by name and are
    constants.
    """
    if function is None:
        return functools.partial(compiled_once, backends=backends)
    made = None

    @functools.wraps(function)
    def call(*tensors, **constants):
        nonlocal made
        if keras.config.backend() not in backends or _is_traced_by_tensorflow():
            return function(*tensors, **constants)
        if made is None:
            names = list(inspect.signature(function).parameters)
            made = _compiled(function, constants=names[len(tensors) :])
        return made(*tensors, **constants)

    return call


def _is_traced_by_tensorflow():
    if keras.config.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.executing_eagerly()


def _compiled(function, constants):
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function, autograph=False)
    import jax

    return jax.jit(function, static_argnames=constants)


def leaves(x):
    """The tensors of a structure; of what is one, itself, without the cost of looking."""
    return [x] if hasattr(x, "shape") else keras.tree.flatten(x)


def to_tensors(x):
    """`x` as a tensor, or as the structure of tensors that it is.

    A list of numbers is one tensor, a list of arrays a structure.
    """
    if type(x).__name__ == "RaggedTensor":
        raise ValueError(
            f"A ragged tensor of shape {tuple(x.shape)} cannot be compared position by "
            "position. Pad it (`x.to_tensor()`), and give the padding a `sample_weight` "
            "of 0 or a mask."
        )
    if isinstance(x, dict):
        return {k: to_tensors(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        if any(len(getattr(leaf, "shape", ())) for leaf in keras.tree.flatten(x)):
            return type(x)(to_tensors(v) for v in x)
        x = np.asarray(x)  # Keeps float64 for a loss that asks for it.
    return ops.convert_to_tensor(x)
