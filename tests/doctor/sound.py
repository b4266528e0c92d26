"""Sound losses: nothing worse than a note may be said of them."""

import keras
import numpy as np
from keras import ops

import keras_losskit as kl
from tests.doctor.sound_of_data import OF_DATA
from tests.doctor.sound_published import MAY, ONE_NUMBER, PUBLISHED

__all__ = ["MAY", "SOUND"]

SOUND = {}


def sound(loss):
    SOUND[loss.__name__] = loss
    return loss


@sound
def squared(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


@sound
def unreduced(y_true, y_pred):
    return ops.square(y_true - y_pred)


@sound
def absolute(y_true, y_pred):
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


@sound
def summed(y_true, y_pred):
    return ops.sum(ops.square(y_true - y_pred), axis=-1)


@sound
def offset(y_true, y_pred, shift=0.1):
    return ops.mean(ops.square(y_true - (y_pred + shift)), axis=-1)


@sound
def channels(y_true, y_pred):
    weights = ops.convert_to_tensor([1.0, 2.0, 0.5])
    return ops.mean(weights * ops.square(y_true - y_pred), axis=-1)


@sound
def two_outputs(y_true, y_pred):
    d = y_true - y_pred
    return ops.square(d[..., 0]) + 0.5 * ops.abs(d[..., 1])


@sound
def branched_by_where(y_true, y_pred):
    d = ops.abs(y_true - y_pred)
    return ops.mean(ops.where(d < 1, 0.5 * ops.square(d), d - 0.5), axis=-1)


@sound
def branched_by_option(y_true, y_pred, squares=True):
    d = y_true - y_pred
    if squares:
        return ops.mean(ops.square(d), axis=-1)
    return ops.mean(ops.abs(d), axis=-1)


def alike(y_true, y_pred):
    return len(y_true.shape) == len(y_pred.shape)


@sound
def asks_a_function_about_shapes(y_true, y_pred):
    if not alike(y_true, y_pred):
        y_true = ops.expand_dims(y_true, -1)
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


@sound
def asserts_on_shapes(y_true, y_pred):
    assert len(y_pred.shape) >= 1
    if y_pred.shape[-1] is not None and y_pred.shape[-1] > 100:
        raise ValueError("too many columns")
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


@sound
def scaled_by_numpy_constant(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred), axis=-1) * float(np.sqrt(2.0))


@sound
def dynamic_batch(y_true, y_pred):
    flat = ops.reshape(y_true - y_pred, (ops.shape(y_pred)[0], -1))
    return ops.mean(ops.square(flat), axis=-1)


@sound
def safe_root(y_true, y_pred):
    square = ops.sum(ops.square(y_true - y_pred), axis=-1)
    return ops.sqrt(square + 1e-6)


@sound
def charbonnier(y_true, y_pred):
    return ops.mean(ops.sqrt(ops.square(y_true - y_pred) + 1e-4), axis=-1)


@sound
def stable_log_cosh(y_true, y_pred):
    d = ops.abs(y_true - y_pred)
    return ops.mean(d + ops.softplus(-2 * d), axis=-1)


@sound
def focus_without_gradient(y_true, y_pred):
    d = ops.abs(y_true - y_pred)
    return ops.mean(ops.stop_gradient(ops.tanh(d)) * d, axis=-1)


@sound
def quantile(y_true, y_pred, tau=0.9):
    e = y_true - y_pred
    return ops.mean(ops.where(e > 0, tau * e, (tau - 1) * e), axis=-1)


@sound
def binary_from_logits(y_true, y_pred, from_logits=True):
    return ops.mean(ops.softplus(y_pred) - y_true * y_pred, axis=-1)


@sound
def clipped_binary(y_true, y_pred):
    p = ops.clip(y_pred, 1e-7, 1 - 1e-7)
    return -ops.mean(y_true * ops.log(p) + (1 - y_true) * ops.log(1 - p), axis=-1)


@sound
def sparse_from_logits(y_true, y_pred, from_logits=True):
    log_p = ops.log_softmax(y_pred, axis=-1)
    ids = ops.one_hot(ops.cast(ops.reshape(y_true, (-1,)), "int32"), y_pred.shape[-1])
    return -ops.sum(ids * log_p, axis=-1)


@sound
def categorical_from_logits(y_true, y_pred, from_logits=True):
    return -ops.sum(y_true * ops.log_softmax(y_pred, axis=-1), axis=-1)


@sound
def through_keras(y_true, y_pred):
    return keras.losses.mean_squared_error(y_true, y_pred)


def helper(d):
    return ops.mean(ops.square(d), axis=-1)


@sound
def through_a_helper(y_true, y_pred):
    return helper(y_true - y_pred)


@sound
def watched(y_true, y_pred):
    d = kl.watch("d", y_true - y_pred)
    return ops.mean(ops.square(d), axis=-1)


@sound
def local_list(y_true, y_pred):
    parts = []
    for power in (1, 2):
        parts.append(ops.mean(ops.abs(y_true - y_pred) ** power, axis=-1))
    return sum(parts)


@keras.saving.register_keras_serializable("sound")
class Aligned(keras.losses.Loss):
    """A plain subclass that aligns its inputs and keeps its argument."""

    def __init__(self, power=2.0, name=None, reduction="sum_over_batch_size", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.power = power

    def call(self, y_true, y_pred):
        y_true = ops.reshape(y_true, ops.shape(y_pred))
        d = ops.abs(y_true - y_pred)
        d = d if len(d.shape) < 2 else ops.mean(d**self.power, axis=-1)
        return d if len(y_pred.shape) > 1 else d**self.power

    def get_config(self):
        return {**super().get_config(), "power": self.power, "dtype": self.dtype}


@kl.loss(package="sound")
def decorated(y_true, y_pred, offset=0.5):
    return ops.mean(ops.square(y_true - y_pred - offset), axis=-1)


SOUND |= {
    "Aligned": Aligned(3.0),
    "decorated": decorated(offset=0.25),
    "mse": "mse",
    "keras-mae": keras.losses.MeanAbsoluteError(),
    "keras-log-cosh": keras.losses.LogCosh(),
    "keras-binary-logits": keras.losses.BinaryCrossentropy(from_logits=True),
    "keras-categorical-logits": keras.losses.CategoricalCrossentropy(from_logits=True),
    "keras-kl": keras.losses.KLDivergence(),
    "keras-hinge": keras.losses.Hinge(),
    "sum": kl.MeanSquaredError() + 0.5 * kl.MeanAbsoluteError(),
    "product": kl.Huber() * kl.Charbonnier(),
    "select": kl.Huber().on(y_true=slice(0, 2), y_pred=slice(0, 2)),
    "quantiles": kl.Pinball(tau=[0.1, 0.5, 0.9]),
    "as-loss": kl.as_loss("mae"),
    "weighted-classes": kl.CategoricalCrossentropy(class_weights=[1.0, 2.0, 0.5, 1.0]),
    "ignored-class": kl.CategoricalCrossentropy(ignore_class=1, from_logits=True),
    "batch-dice": kl.Dice(over="batch"),
    "dice-logits": kl.Dice(from_logits=True, include_background=False),
    "wide": kl.MeanSquaredError(dtype="float64"),
    "summing": kl.Huber(reduction="sum"),
}

# Each is a loss, or a loss and options of `check_loss`; `MAY` names warnings that are right.
SOUND |= PUBLISHED | OF_DATA
MAY |= {
    "mixture": {"closure"},
    "supcon_by_hand": {"samples-mixed", "weight-zero-stays"},
    "in_batch_agreement": set(ONE_NUMBER),
}
