"""`input_gradient`: what Keras has no operation for, on every backend."""

import math

import keras
from keras import ops


def input_gradient(function, x, order=1, create_graph=True):
    """The gradient of a function by its input, as a tensor to compute with.

    For losses that hold derivatives of a network: penalties on a critic's slope, residuals
    of differential equations, slopes that are known (Sobolev training). Keras has no such
    operation. Use it in the `call` of a layer or model, or in a loop of your own; it can be
    trained through, and beside `AddLoss`.

    Args:
        function: a Keras layer or model (built), or any function of one tensor in
            `keras.ops`. Of what it returns the sum is differentiated: where a sample's
            output depends on that sample alone, this is each sample's own gradient, of the
            sum of its outputs.
        x: a tensor of floating point numbers, `(B, …)`.
        order: 1; or 2 for the diagonal of the Hessian, ∂²f/∂x_i², for each entry of a
            sample. That takes a backward pass for each: it is for few dimensions.
        create_graph: whether the result is differentiated again, as in training. `False`
            is cheaper, and makes a constant of it.

    Returns a tensor of the shape and dtype of `x`; 0 where the function does not depend on it.

    On JAX a layer that moves its state by what it sees (BatchNormalization in training) must be
    given as a layer: a function around it would leak what it traces.

    | elsewhere | here |
    |---|---|
    | torch `autograd.grad(f(x).sum(), x, create_graph=True)[0]` | `input_gradient(f, x)` |
    | TensorFlow `tape.gradient(f(x), x)` in a tape that watches x | `input_gradient(f, x)` |
    | JAX `vmap(grad(f))(x)` | `input_gradient(vmap(f), x)` |

    Raises:
        ValueError: for another order, or a symbolic `x`, which has no values.
        TypeError: where `x` is not of floating point numbers, or `function` no function.

    Example:

    >>> import keras, keras_losskit as kl
    >>> x = keras.ops.array([[1.0, 2.0]])
    >>> def cubes(x):
    ...     return keras.ops.sum(x ** 3, axis=-1)
    >>> keras.ops.convert_to_numpy(kl.input_gradient(cubes, x)).tolist()    # 3x²
    [[3.0, 12.0]]
    >>> keras.ops.convert_to_numpy(kl.input_gradient(cubes, x, order=2)).tolist()    # 6x
    [[6.0, 12.0]]

    Reference: M. Raissi et al., *Physics-informed neural networks* (2019),
    https://doi.org/10.1016/j.jcp.2018.10.045; W. M. Czarnecki et al., *Sobolev Training for
    Neural Networks* (2017), https://arxiv.org/abs/1706.04859
    """
    x = _checked(function, x, order)
    if order == 2 and None in x.shape[1:]:
        raise ValueError(
            "input_gradient: order=2 needs to know the shape of a sample. "
            f"Received: x of shape {tuple(x.shape)}"
        )
    backend = keras.config.backend()
    find = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[backend]
    found = find(function, x, order, create_graph)
    return found if create_graph else ops.stop_gradient(found)


def _checked(function, x, order):
    if not callable(function):
        raise TypeError(
            "input_gradient: `function` must be a layer, a model or a function of one tensor. "
            f"Received: function={function!r}"
        )
    if isinstance(order, bool) or order not in (1, 2):
        raise ValueError(f"input_gradient: `order` must be 1 or 2. Received: order={order!r}")
    if isinstance(x, keras.KerasTensor):
        raise ValueError(
            "input_gradient: `x` is symbolic. Call it in the `call` of a layer of your own, "
            "and use that layer in the model."
        )
    x = ops.convert_to_tensor(x)
    if not keras.backend.is_float_dtype(x.dtype):
        raise TypeError(
            "input_gradient: `x` must hold floating point numbers. Received: "
            f"{keras.backend.standardize_dtype(x.dtype)}"
        )
    return x


def _entries(x):
    """How many entries a sample has."""
    return math.prod(x.shape[1:])


def _as_rows(function, x):
    """`function` of rows `(B, entries)`, and those of `x`."""
    shape = tuple(x.shape[1:])
    return lambda rows: function(ops.reshape(rows, (-1, *shape))), ops.reshape(x, (-1, _entries(x)))


def _tensorflow(function, x, order, create_graph):
    import tensorflow as tf

    def gradient(function, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(x)
        return tape.gradient(value, x, unconnected_gradients="zero")

    if order == 1:
        return gradient(function, x)
    of_rows, rows = _as_rows(function, x)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(rows)
        first = gradient(of_rows, rows)
        columns = [first[:, i] for i in range(_entries(x))]
    second = [
        tape.gradient(c, rows, unconnected_gradients="zero")[:, i] for i, c in enumerate(columns)
    ]
    return tf.reshape(tf.stack(second, axis=-1), tf.shape(x))


def _torch(function, x, order, create_graph):
    import torch

    create = create_graph and torch.is_grad_enabled()

    def gradient(value, x, create):
        if not value.requires_grad:
            return torch.zeros_like(x)
        (found,) = torch.autograd.grad(
            value.sum(), x, create_graph=create, retain_graph=True, allow_unused=True
        )
        return torch.zeros_like(x) if found is None else found

    with torch.enable_grad():  # `predict` and `evaluate` run without.
        if not x.requires_grad:
            x = x.detach().requires_grad_()
        if order == 1:
            return gradient(function(x), x, create)
        of_rows, rows = _as_rows(function, x)
        first = gradient(of_rows(rows), rows, True)
        second = [gradient(first[:, i], rows, create)[:, i] for i in range(_entries(x))]
        return torch.stack(second, dim=-1).reshape(x.shape)


def _jax(function, x, order, create_graph):
    import jax

    stateless, keep = _without_state(function)

    def gradient(function, x):
        def total(x):
            value, state = function(x)
            return jax.numpy.sum(value), state

        return jax.grad(total, has_aux=True)(x)

    if order == 1:
        found, state = gradient(stateless, x)
        keep(state)
        return found
    of_rows, rows = _as_rows(stateless, x)

    def column(i):
        def entry(rows):
            first, state = gradient(of_rows, rows)
            return first[:, i], state

        found, state = gradient(entry, rows)
        return found[:, i], state

    columns = [column(i) for i in range(_entries(x))]
    keep(columns[0][1] if columns else ())
    return jax.numpy.stack([c for c, _ in columns], axis=-1).reshape(x.shape)


def _without_state(function):
    """A layer as a function that returns its state too, and what puts that in place.

    What a layer would write while it is differentiated would be a tracer.
    """
    if not isinstance(function, keras.layers.Layer):
        return (lambda x: (function(x), ())), (lambda state: None)
    if not function.built:
        raise ValueError(
            f"input_gradient: the layer {function.name!r} is not built yet. Call it once, or "
            "its `build`, before."
        )
    trained = [v.value for v in function.trainable_variables]
    others = [v.value for v in function.non_trainable_variables]

    def call(x):
        return function.stateless_call(trained, others, x)

    def keep(state):
        for variable, value in zip(function.non_trainable_variables, state, strict=True):
            variable.assign(value)

    return call, keep
