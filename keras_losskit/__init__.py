"""keras_losskit: losses for Keras that train, combine, save, reload and can be looked into."""

from keras_losskit.core.algebra import Product, WeightedSum
from keras_losskit.core.foreign import FunctionLoss, KerasLoss, as_loss
from keras_losskit.core.function import loss
from keras_losskit.core.loss import Loss
from keras_losskit.core.select import Select
from keras_losskit.losses.classification.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
)
from keras_losskit.losses.classification.focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
)
from keras_losskit.losses.regression.huber import Huber, LogCosh, ReverseHuber
from keras_losskit.losses.regression.powers import MeanAbsoluteError, MeanSquaredError
from keras_losskit.losses.regression.quantile import Pinball
from keras_losskit.losses.regression.weighted import (
    ChannelWeightedSquaredError,
    DeadZoneAbsoluteError,
    RangeWeightedSquaredError,
)
from keras_losskit.losses.segmentation.dice import Dice
from keras_losskit.losses.segmentation.tversky import Tversky

__version__ = "0.1.0"

__all__ = [
    # core
    "Loss",
    "loss",
    "as_loss",
    "FunctionLoss",
    "KerasLoss",
    # algebra
    "Product",
    "Select",
    "WeightedSum",
    # regression
    "ChannelWeightedSquaredError",
    "DeadZoneAbsoluteError",
    "Huber",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Pinball",
    "RangeWeightedSquaredError",
    "ReverseHuber",
    # classification
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    # segmentation
    "Dice",
    "Tversky",
]
