"""keras_losskit: losses for Keras that train, combine, save, reload and can be looked into."""

import keras_losskit.core.operators  # noqa: F401  Gives `Loss` its `+` and `*`.
from keras_losskit.core.algebra import Product, WeightedSum
from keras_losskit.core.foreign import FunctionLoss, KerasLoss, as_loss
from keras_losskit.core.function import loss
from keras_losskit.core.loss import Loss
from keras_losskit.core.select import Select
from keras_losskit.losses.boxes.distribution import DistributionFocal
from keras_losskit.losses.boxes.heatmap import CenterNetFocal
from keras_losskit.losses.boxes.iou import BoxIoU, CIoU, DIoU, GIoU
from keras_losskit.losses.boxes.quality import QualityFocal, Varifocal
from keras_losskit.losses.classification.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
)
from keras_losskit.losses.classification.focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
)
from keras_losskit.losses.ranking.approx import ApproxMRR, ApproxNDCG
from keras_losskit.losses.ranking.lambda_ndcg import LambdaNDCG
from keras_losskit.losses.ranking.listwise import ListMLE, ListSoftmax
from keras_losskit.losses.ranking.pairwise import (
    PairwiseHinge,
    PairwiseLogistic,
    PairwiseMeanSquared,
    PairwiseSoftZeroOne,
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
    # boxes
    "BoxIoU",
    "CIoU",
    "CenterNetFocal",
    "DIoU",
    "DistributionFocal",
    "GIoU",
    "QualityFocal",
    "Varifocal",
    # ranking
    "ApproxMRR",
    "ApproxNDCG",
    "LambdaNDCG",
    "ListMLE",
    "ListSoftmax",
    "PairwiseHinge",
    "PairwiseLogistic",
    "PairwiseMeanSquared",
    "PairwiseSoftZeroOne",
]
