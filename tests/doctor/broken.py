"""Losses with one fault each: `FAULTS` maps each to the finding that must name it."""

import time
from dataclasses import dataclass, field

import keras
import numpy as np
from keras import ops

from tests.backends import BACKEND

FAULTS = []


@dataclass
class Fault:
    loss: object
    finding: str
    severity: str = "error"
    options: dict = field(default_factory=dict)
    line: str = ""  # Text that the line at fault holds.

    @property
    def id(self):
        return f"{getattr(self.loss, '__name__', type(self.loss).__name__)}-{self.finding}"


def fault(finding, severity="error", line="", backends=None, make=None, **options):
    """Plant a loss; a graph's faults are warnings on torch, which has no graph."""

    def plant(loss):
        if backends is None or BACKEND in backends:
            FAULTS.append(Fault(make() if make else loss, finding, severity, options, line))
        return loss

    return plant


def graph_fault(finding, line):
    return fault(finding, "warning" if BACKEND == "torch" else "error", line)


def squares(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def instance(cls, **arguments):
    FAULTS[-1].loss = cls(**arguments)


# --- graph ------------------------------------------------------------------------------


# On torch NumPy refuses what the gradient is taken of: an error there too.
@fault("numpy-call", line="np.array(y_pred)")
def numpy_array(y_true, y_pred):
    return np.mean(np.array(y_pred)) + squares(y_true, y_pred)


@fault("numpy-call", line="np.square")
def numpy_square(y_true, y_pred):
    d = y_true - y_pred
    return ops.mean(np.square(np.asarray(d)), axis=-1)


@graph_fault("tensor-values", ".numpy()")
def method_numpy(y_true, y_pred):
    scale = y_true.numpy().max() if hasattr(y_true, "numpy") else ops.convert_to_numpy(y_true)
    return squares(y_true, y_pred) * ops.convert_to_tensor(np.max(scale))


@graph_fault("tensor-values", "convert_to_numpy")
def to_numpy_inside(y_true, y_pred):
    top = ops.convert_to_numpy(ops.max(y_true)).item()
    return squares(y_true, y_pred) * top


@graph_fault("python-number", "float(")
def float_of_tensor(y_true, y_pred):
    scale = float(ops.max(ops.abs(y_true)))
    return squares(y_true, y_pred) / scale


@graph_fault("python-branch", "if ops.max")
def python_if(y_true, y_pred):
    d = y_true - y_pred
    if ops.max(ops.abs(d)) > 1:
        return ops.mean(ops.abs(d), axis=-1)
    return ops.mean(ops.square(d), axis=-1)


@graph_fault("python-branch", "if ops.sum")
def python_conditional(y_true, y_pred):
    factor = 2.0 if ops.sum(y_pred) > 0 else 1.0
    return factor * squares(y_true, y_pred)


@graph_fault("python-branch", "while")
def python_while(y_true, y_pred):
    d = y_true - y_pred
    while ops.max(ops.abs(d)) > 10:
        d = d / 2
    return ops.mean(ops.square(d), axis=-1)


@graph_fault("python-branch", "assert")
def python_assert(y_true, y_pred):
    assert ops.min(ops.abs(y_pred)) >= 0
    return squares(y_true, y_pred)


@graph_fault("python-branch", "not ops.any")
def python_not(y_true, y_pred):
    if not ops.any(y_pred > 1e9):
        return squares(y_true, y_pred)
    return 2 * squares(y_true, y_pred)


@fault("python-loop", line="for row", backends=["tensorflow"])
def python_loop(y_true, y_pred):
    return ops.stack([ops.mean(ops.square(row)) for row in y_true - y_pred])


@fault("boolean-index", "error" if BACKEND == "jax" else "warning", line="d[")
def boolean_index(y_true, y_pred):
    d = y_true - y_pred
    return squares(y_true, y_pred) + ops.mean(d[d > 0])


@fault("static-batch", line=".shape[0]", backends=["tensorflow"])
def static_batch(y_true, y_pred):
    return ops.sum(ops.square(y_true - y_pred), axis=-1) / (1 + 0 * y_pred.shape[0])


layer_output = keras.layers.Dense(2)(keras.Input((3,)))


@fault("keras-tensor", line="layer_output")
def captures_a_layer(y_true, y_pred):
    return squares(y_true, y_pred) + ops.mean(layer_output)


@fault("side-effect", "warning", line="print")
def prints(y_true, y_pred):
    print("shape", y_pred.shape)
    return squares(y_true, y_pred)


seen_losses = []


@fault("side-effect", "warning", line="seen_losses.append")
def appends(y_true, y_pred):
    value = squares(y_true, y_pred)
    seen_losses.append(1)
    return value


calls = {"n": 0}


@fault("side-effect", "warning", line='calls["n"]')
def counts(y_true, y_pred):
    calls["n"] += 1
    return squares(y_true, y_pred)


steps = 0


@fault("side-effect", "warning", line="global steps")
def counts_globally(y_true, y_pred):
    global steps
    steps = steps + 1
    return squares(y_true, y_pred)


@fault("side-effect", "warning", line="time.time")
def looks_at_the_clock(y_true, y_pred):
    return squares(y_true, y_pred) + 0.0 * time.time()


@fault("hidden-state", line="")
def depends_on_its_calls(y_true, y_pred):
    seen_losses.append(1)
    return squares(y_true, y_pred) * len(seen_losses)


@graph_fault("frozen-random", "np.random")
def numpy_noise(y_true, y_pred):
    noise = np.random.normal()
    return squares(y_true, y_pred + noise)


@fault("random-state", "warning", line="keras.random")
def unseeded_noise(y_true, y_pred):
    return squares(y_true, y_pred + keras.random.normal(ops.shape(y_pred)))


strength = keras.Variable(1.0, name="strength")


@fault("captured-variable", "warning", line="strength")
def captures_a_variable(y_true, y_pred):
    return squares(y_true, y_pred) * strength


# --- shape ------------------------------------------------------------------------------


@fault("scalar", "warning", line="ops.mean")
def scalar_mean(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred))


@fault("scalar", "warning", line="ops.sum")
def scalar_sum(y_true, y_pred):
    return ops.sum(ops.abs(y_true - y_pred))


@fault("not-per-sample")
def mean_over_the_batch(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred), axis=0)


@fault("not-per-sample")
def flattens(y_true, y_pred):
    return ops.reshape(ops.square(y_true - y_pred), (-1,))


@fault("not-per-sample")
def keeps_one_row(y_true, y_pred):
    return ops.max(ops.abs(y_true - y_pred), axis=0, keepdims=True)


@fault("broadcast", "warning", line="y_true - y_pred")
@keras.saving.register_keras_serializable("broken")
class PlainSubclass(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred), axis=-1)


instance(PlainSubclass)


@fault("broadcast", "warning", line="y_true - y_pred[..., 0]")
def first_column(y_true, y_pred):
    return ops.square(y_true - y_pred[..., 0])


FAULTS[-1].options = {"shapes": ((8, 1), (8, 2))}


# --- gradient -----------------------------------------------------------------------------


@fault("no-gradient", line="ops.round")
def rounds(y_true, y_pred):
    return ops.mean(ops.square(y_true - ops.round(y_pred)), axis=-1)


@fault("no-gradient", line="ops.argmax")
def takes_argmax(y_true, y_pred):
    return ops.square(y_true[:, 0] - ops.cast(ops.argmax(y_pred, axis=-1), "float32"))


@fault("no-gradient", line="y_pred > 0.5")
def thresholds(y_true, y_pred):
    return ops.mean(ops.abs(y_true - ops.cast(y_pred > 0.5, "float32")), axis=-1)


@fault("no-gradient", line="int32")
def casts_to_integers(y_true, y_pred):
    whole = ops.cast(y_pred, "int32")
    return ops.mean(ops.abs(y_true - ops.cast(whole, "float32")), axis=-1)


@fault("no-gradient", line="stop_gradient")
def stops_all(y_true, y_pred):
    return ops.mean(ops.square(y_true - ops.stop_gradient(y_pred)), axis=-1)


@fault("no-gradient", line="ops.sign")
def signs_only(y_true, y_pred):
    return ops.mean(ops.abs(ops.sign(y_pred) - ops.sign(y_true)), axis=-1)


@fault("no-gradient", line="ops.floor")
def floors(y_true, y_pred):
    return ops.mean(ops.square(y_true - ops.floor(y_pred)), axis=-1)


@fault("no-gradient")
def ignores_predictions(y_true, y_pred):
    return ops.mean(ops.square(y_true), axis=-1)


def by_hand(factor):
    """Squares whose hand-written gradient is `factor` times the right one."""

    def loss(y_true, y_pred):
        @ops.custom_gradient
        def values(t, p):
            def grad(*args, upstream=None):
                up = args[0] if upstream is None else upstream
                up = ops.expand_dims(up, -1) * factor * 2 / p.shape[-1]
                return up * (t - p), up * (p - t)

            return ops.mean(ops.square(t - p), axis=-1), grad

        return values(y_true, y_pred)

    return loss


def flipped(y_true, y_pred):
    return by_hand(-1.0)(y_true, y_pred)


def tripled(y_true, y_pred):
    return by_hand(3.0)(y_true, y_pred)


fault("wrong-gradient")(flipped)
fault("wrong-gradient")(tripled)


@fault("gradient-imprecise")
def cancels(y_true, y_pred):
    p = ops.sigmoid(y_pred)
    above = ops.where(p < 1e-7, ops.full_like(p, 1e-7), p)
    log = ops.log(above) + (p - above) * 1e7
    return ops.sum(-ops.sigmoid(y_true) * log, axis=-1)


@fault("value-jumps", "info", line="d < 1")
def jumps(y_true, y_pred):
    d = ops.abs(y_true - y_pred)
    return ops.mean(ops.where(d < 1, d, ops.square(d) + 1), axis=-1)


@fault("slope-jumps", "info", line="d < 1")
def bends(y_true, y_pred):
    d = ops.abs(y_true - y_pred)
    return ops.mean(ops.where(d < 1, d, 3 * d - 2), axis=-1)


@fault("zero-gradient-zone", "info")
def dead_zone(y_true, y_pred):
    d = ops.abs(y_true - y_pred)
    return ops.mean(ops.where(d > 0.5, d - 0.5, 0.0), axis=-1)


# --- numbers --------------------------------------------------------------------------------


@fault("not-finite", line="ops.log")
def bare_log(y_true, y_pred):
    return -ops.mean(y_true * ops.log(y_pred) + (1 - y_true) * ops.log(1 - y_pred), axis=-1)


@fault("not-finite")
def bare_root(y_true, y_pred):
    return ops.sqrt(ops.sum(ops.square(y_true - y_pred), axis=-1))


@fault("not-finite")
def naive_log_cosh(y_true, y_pred):
    return ops.mean(ops.log(ops.cosh(y_true - y_pred)), axis=-1)


@fault("not-finite")
def exponential(y_true, y_pred):
    return ops.mean(ops.exp(ops.abs(y_true - y_pred)), axis=-1)


@fault("not-finite")
def divides_by_spread(y_true, y_pred):
    d = y_true - y_pred
    spread = ops.mean(ops.square(y_true - ops.mean(y_true, axis=0)))
    return ops.mean(ops.square(d), axis=-1) / spread


@fault("not-finite")
def bare_cosine(y_true, y_pred):
    dot = ops.sum(y_true * y_pred, axis=-1)
    return 1 - dot / ops.sqrt(ops.sum(ops.square(y_pred), axis=-1))


@fault("saturates")
def clipped_softmax(y_true, y_pred, from_logits=True):
    p = ops.softmax(y_pred, axis=-1)
    return -ops.sum(y_true * ops.log(ops.clip(p, 1e-7, 1 - 1e-7)), axis=-1)


FAULTS[-1].options = {"shapes": "onehot"}


@fault("not-finite")
def log_of_sigmoid(y_true, y_pred, from_logits=True):
    p = ops.exp(y_pred) / (1 + ops.exp(y_pred))
    return -ops.mean(y_true * ops.log(p) + (1 - y_true) * ops.log(1 - p), axis=-1)


FAULTS[-1].options = {"shapes": "binary"}

# --- weights --------------------------------------------------------------------------------


class Overridden(keras.losses.Loss):
    def call(self, y_true, y_pred):
        y_true = ops.reshape(y_true, ops.shape(y_pred))
        return ops.mean(ops.square(y_true - y_pred), axis=-1)


@fault("weights-ignored")
@keras.saving.register_keras_serializable("broken")
class IgnoresWeights(Overridden):
    def __call__(self, y_true, y_pred, sample_weight=None):
        return ops.mean(self.call(ops.cast(y_true, "float32"), y_pred))


instance(IgnoresWeights)
FAULTS[-1].options = {"shapes": ((6, 3), (6, 3))}


@fault("weights-do-not-scale", "warning")
@keras.saving.register_keras_serializable("broken")
class SquaresWeights(Overridden):
    def __call__(self, y_true, y_pred, sample_weight=None):
        values = self.call(y_true, y_pred)
        weights = 1.0 if sample_weight is None else ops.square(sample_weight)
        return ops.mean(values * weights)


instance(SquaresWeights)


@fault("mask-ignored", "warning")
@keras.saving.register_keras_serializable("broken")
class IgnoresMasks(Overridden):
    def __call__(self, y_true, y_pred, sample_weight=None):
        return super().__call__(y_true, y_pred + 0.0, sample_weight)


instance(IgnoresMasks)


@fault("reduction-ignored", "warning")
@keras.saving.register_keras_serializable("broken")
class AlwaysMean(Overridden):
    def __call__(self, y_true, y_pred, sample_weight=None):
        values = self.call(y_true, y_pred)
        return ops.mean(values if sample_weight is None else values * sample_weight)


instance(AlwaysMean)
FAULTS[-1].options = {"quick": False, "checks": ("shape", "weights")}


@fault("weight-zero-stays", "warning")
def relative_to_the_batch(y_true, y_pred):
    values = ops.mean(ops.square(y_true - y_pred), axis=-1)
    return values * (1 + ops.mean(values))


# --- saving ---------------------------------------------------------------------------------

fault("lambda", "warning")(lambda y_true, y_pred: squares(y_true, y_pred))


def with_offset(offset):
    def shifted(y_true, y_pred):
        return squares(y_true, y_pred + offset)

    return shifted


fault("closure", "warning")(with_offset(0.1))


@fault("not-registered", "warning")
class Unregistered(Overridden):
    pass


instance(Unregistered)


@fault("argument-lost", line="class LosesScale")
@keras.saving.register_keras_serializable("broken")
class LosesScale(Overridden):
    def __init__(self, scale=1.0, name=None, reduction="sum_over_batch_size"):
        super().__init__(name=name, reduction=reduction)
        self.scale = scale

    def call(self, y_true, y_pred):
        return self.scale * super().call(y_true, y_pred)


instance(LosesScale, scale=2.0)
FAULTS[-1].line = "def __init__"
FAULTS.append(Fault(LosesScale(), "argument-lost-off-default", "warning", line="def __init__"))


@fault("argument-lost", line="def get_config")
@keras.saving.register_keras_serializable("broken")
class RoundsItsConfig(LosesScale):
    def get_config(self):
        return {**super().get_config(), "scale": int(self.scale)}


instance(RoundsItsConfig, scale=2.5)


@fault("config-not-json", line="def get_config")
@keras.saving.register_keras_serializable("broken")
class ConfigOfArrays(Overridden):
    def __init__(self, weights=(1.0,), **common):
        super().__init__(**common)
        self.weights = np.asarray(weights, "float32")

    def get_config(self):
        return {**super().get_config(), "weights": self.weights}


instance(ConfigOfArrays)


@fault("config-raises")
@keras.saving.register_keras_serializable("broken")
class ConfigRaises(Overridden):
    def get_config(self):
        raise NotImplementedError


instance(ConfigRaises)


@fault("does-not-reload")
@keras.saving.register_keras_serializable("broken")
class NeedsArgument(Overridden):
    def __init__(self, scale, name=None, reduction="sum_over_batch_size"):
        super().__init__(name=name, reduction=reduction)


instance(NeedsArgument, scale=1.0)


class Callable:
    def __call__(self, y_true, y_pred):
        return squares(y_true, y_pred)


fault("not-registered", "warning")(Callable())

# --- not to be looked at ----------------------------------------------------------------------

fault("not-a-loss")(3.0)


@fault("raises")
def always_raises(y_true, y_pred):
    raise RuntimeError("no")


@fault("ids-rounded", "warning", backends=["jax", "torch"])
@keras.saving.register_keras_serializable("broken")
class RoundsIds(keras.losses.SparseCategoricalCrossentropy):
    pass


if BACKEND != "tensorflow":
    instance(RoundsIds)
    FAULTS[-1].options = {"quick": False, "checks": ("numbers",), "shapes": "ids"}

# Those of losses that were published join them.
from tests.doctor import broken_of_data, broken_published  # noqa: E402, F401
