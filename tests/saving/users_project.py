"""What a user's own module of losses looks like; the saving tests also copy it."""

import keras
from keras import ops

import keras_losskit


@keras_losskit.loss(package=__name__)
def shifted(y_true, y_pred, shift=0.1):
    """Squared error around a shift."""
    return ops.mean(ops.square(y_true - (y_pred + shift)), axis=-1)


@keras.saving.register_keras_serializable(package=__name__)
class PowerError(keras_losskit.Loss):
    """|y_true - y_pred| ** exponent, each column with its own factor."""

    def __init__(self, exponent=3.0, factors=None, **kwargs):
        super().__init__(**kwargs)
        self.exponent = exponent
        self.factors = factors

    def call(self, y_true, y_pred):
        error = ops.power(ops.abs(y_true - y_pred), self.exponent)
        if self.factors is not None:
            error = error * ops.convert_to_tensor(self.factors, dtype=error.dtype)
        return ops.mean(error, axis=-1)
