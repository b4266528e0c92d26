"""Running a loss on any backend: NumPy in, NumPy out, eager or compiled."""

import contextlib
import io
import warnings

import keras
import numpy as np
from keras import ops

from keras_losskit.core.backend import to_tensors


def backend():
    return keras.config.backend()


def to_numpy(x):
    """`x` as NumPy; half precision, which NumPy lacks, as float32."""
    if "bfloat16" in str(getattr(x, "dtype", "")):
        x = ops.cast(x, "float32")  # Of TensorFlow's, NumPy refuses to make an array at all.
    if hasattr(x, "detach"):  # torch
        return x.detach().cpu().numpy()
    return np.asarray(ops.convert_to_numpy(x))


def tensor(x):
    """`x` as a tensor, or as the structure of tensors that it is.

    Of an array a copy: torch shares its memory, and a loss may write into what it is given.
    """
    if isinstance(x, np.ndarray):
        x = x.copy()
    return x if x is None else to_tensors(x)


@contextlib.contextmanager
def wide():
    """float64 allowed: JAX wants to be asked."""
    if backend() != "jax":
        yield
        return
    import jax

    enable = getattr(jax, "enable_x64", None)
    if enable is None or not callable(enable):
        from jax.experimental import enable_x64 as enable
    with enable(True):
        yield


def value_and_gradient(function, y_true, y_pred, *rest):
    """Tensors `(value, gradient)` of a scalar function; `None` for no gradient.

    The gradient is the one for `y_pred`, a structure where that is one. On JAX a missing
    gradient is zeros.
    """
    if backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            for leaf in keras.tree.flatten(y_pred):
                tape.watch(leaf)
            value = function(y_true, y_pred, *rest)
        return value, tape.gradient(value, y_pred)
    if backend() == "jax":
        import jax

        return jax.value_and_grad(lambda p: function(y_true, p, *rest))(y_pred)
    y_pred = keras.tree.map_structure(
        lambda p: p.detach().clone().requires_grad_(True), y_pred
    )
    value = function(y_true, y_pred, *rest)
    if not value.requires_grad:
        return value, None
    value.backward()
    return value.detach(), keras.tree.map_structure(lambda p: p.grad, y_pred)


_AS_IT_IS = {"compiler_options": {"xla_backend_optimization_level": 0}}


def compiled(function, xla=False, runs_often=True):
    """`function` of tensors, compiled as Keras' training step is.

    torch runs eagerly in Keras. AutoGraph is off in Keras' step, so here too. What runs a few
    times is compiled for longer than it runs: LLVM leaves it as it is.
    """
    if backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function, autograph=False, jit_compile=xla)
    if backend() == "jax":
        import jax

        brief = {} if runs_often or jax.default_backend() != "cpu" else _AS_IT_IS
        return jax.jit(function, **brief)
    return function


def trace(function, *arrays):
    """Trace `function` with an unknown batch size where the backend has one.

    Raises what the loss raises. Returns the graph (TensorFlow), the jaxpr or `None`.
    """
    if backend() == "tensorflow":
        import tensorflow as tf

        specs = [tf.TensorSpec((None, *a.shape[1:]), a.dtype) for a in arrays]
        graph = tf.function(function, autograph=False, input_signature=specs)
        return graph.get_concrete_function().graph
    if backend() == "jax":
        import jax

        return jax.make_jaxpr(function)(*map(ops.convert_to_tensor, arrays))
    return None


class Runner:
    """Runs one loss: `value`, `values` and `gradient`, NumPy in and NumPy out.

    What runs often is compiled, once a shape. Where the loss does not compile
    (`eager=True`), everything runs eagerly.
    """

    def __init__(self, subject, state=None):
        self.subject = subject
        self.state = state  # What the loss changes is put back after each run.
        self.eager = False
        self._compiled = {}

    def __call__(self, how, *arrays):
        """`how`: "value", "values", "mean" (of the values) or "gradient"."""
        function = getattr(self, f"_{how}")
        arrays = [tensor(a) for a in arrays]
        if not self.eager and self._worth_compiling(how):
            key = (how, len(arrays))
            if key not in self._compiled:
                self._compiled[key] = compiled(function, runs_often=False)
            function = self._compiled[key]
        return self._run(function, arrays)

    def _run(self, function, arrays):
        try:
            found = function(*arrays)
            return keras.tree.map_structure(
                lambda x: None if x is None else to_numpy(x), found
            )
        finally:
            if self.state is not None:
                self.state.settle()

    @staticmethod
    def _worth_compiling(how):
        # TensorFlow traces slower than it runs a few times; JAX compiles each operation anyway.
        return backend() == "jax" or (backend() == "tensorflow" and how == "mean")

    def eagerly(self, how, *arrays):
        """The same, eagerly whatever `eager` says."""
        return self._run(getattr(self, f"_{how}"), [tensor(a) for a in arrays])

    def _value(self, y_true, y_pred, weights=None):
        value = self.subject(y_true, y_pred, weights)
        return ops.sum(value) if len(value.shape) else value

    def _raw(self, y_true, y_pred, weights=None):
        return self.subject(y_true, y_pred, weights)

    def _values(self, y_true, y_pred):
        return self.subject.values(y_true, y_pred)

    def _mean(self, y_true, y_pred):
        return mean(self.subject.values(y_true, y_pred))

    def _gradient(self, y_true, y_pred, weights=None):
        rest = () if weights is None else (weights,)
        return value_and_gradient(self._value, y_true, y_pred, *rest)

    def _mean_gradient(self, y_true, y_pred):
        return value_and_gradient(self._mean, y_true, y_pred)


def mean(values):
    """Mean over everything, in the values' own dtype on every backend."""
    if not len(values.shape):
        return values
    size = ops.cast(ops.size(values), values.dtype)
    return ops.sum(values) / size


def attempt(function, *arguments):
    """`(result, None)`, or `(None, error)`; nothing a loss raises gets out."""
    try:
        with np.errstate(all="ignore"), quiet():
            return function(*arguments), None
    except Exception as error:  # noqa: BLE001  A bad loss may raise anything.
        return None, error


@contextlib.contextmanager
def quiet():
    """No warnings of backends about what is being tried here, and no prints."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        if backend() != "tensorflow":
            yield
            return
        import tensorflow as tf

        log = tf.get_logger()  # Says that many functions are traced, as is meant here.
        level = log.level
        log.setLevel("ERROR")
        try:
            yield
        finally:
            log.setLevel(level)
