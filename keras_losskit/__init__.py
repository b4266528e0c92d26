"""keras_losskit: losses for Keras that train, combine, save, reload and can be looked into."""

import importlib

import keras_losskit.core.operators  # noqa: F401  Gives `Loss` its `+` and `*`.
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
from keras_losskit.losses.regression.barron import Barron
from keras_losskit.losses.regression.deviance import GammaDeviance, Poisson, Tweedie
from keras_losskit.losses.regression.directional import CosineSimilarity
from keras_losskit.losses.regression.huber import Huber, LogCosh, ReverseHuber, SmoothL1
from keras_losskit.losses.regression.powers import MeanAbsoluteError, MeanSquaredError
from keras_losskit.losses.regression.quantile import Expectile, Pinball
from keras_losskit.losses.regression.relative import (
    MeanAbsolutePercentageError,
    MeanSquaredLogarithmicError,
    SymmetricMeanAbsolutePercentageError,
)
from keras_losskit.losses.regression.robust import (
    Cauchy,
    Charbonnier,
    GemanMcClure,
    TukeyBiweight,
    Welsch,
)
from keras_losskit.losses.regression.root import RootMeanSquaredError
from keras_losskit.losses.regression.scale_invariant import ScaleInvariantLog
from keras_losskit.losses.regression.tolerance import EpsilonInsensitive
from keras_losskit.losses.regression.weighted import (
    ChannelWeightedSquaredError,
    DeadZoneAbsoluteError,
    RangeWeightedSquaredError,
)
from keras_losskit.losses.regression.wing import Wing
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
    "Barron",
    "Cauchy",
    "ChannelWeightedSquaredError",
    "Charbonnier",
    "CosineSimilarity",
    "DeadZoneAbsoluteError",
    "EpsilonInsensitive",
    "Expectile",
    "GammaDeviance",
    "GemanMcClure",
    "Huber",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Pinball",
    "Poisson",
    "RangeWeightedSquaredError",
    "ReverseHuber",
    "RootMeanSquaredError",
    "ScaleInvariantLog",
    "SmoothL1",
    "SymmetricMeanAbsolutePercentageError",
    "TukeyBiweight",
    "Tweedie",
    "Welsch",
    "Wing",
    # classification
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    # segmentation
    "Dice",
    "Tversky",
]

# What looks at losses from outside is loaded on first use.
_LAZY = {
    "LossProbe": "keras_losskit.doctor.probe",
    "LossReport": "keras_losskit.doctor.report",
    "check_loss": "keras_losskit.doctor.check",
    "explain": "keras_losskit.doctor.explain",
    "plot_loss": "keras_losskit.doctor.plots",
    "plot_report": "keras_losskit.doctor.plots",
    "plot_terms": "keras_losskit.doctor.plots",
    "watch": "keras_losskit.doctor.watch",
    "watching": "keras_losskit.doctor.watch",
}
__all__ += list(_LAZY)


def __getattr__(name):
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    thing = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = thing
    return thing


def __dir__():
    return sorted({*globals(), *_LAZY})
