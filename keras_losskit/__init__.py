"""keras_losskit: losses for Keras that train, combine, save, reload and can be looked into."""

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
from keras_losskit.losses.metric_learning.angular import Angular
from keras_losskit.losses.metric_learning.contrastive import Contrastive
from keras_losskit.losses.metric_learning.lifted import LiftedStructure
from keras_losskit.losses.metric_learning.margin_softmax import (
    ArcFace,
    CosFace,
    NormalizedSoftmax,
    SubCenterArcFace,
)
from keras_losskit.losses.metric_learning.neighbourhood import (
    SoftNearestNeighbor,
    SupervisedContrastive,
)
from keras_losskit.losses.metric_learning.npairs import NPairs
from keras_losskit.losses.metric_learning.pair_weighting import Circle, MultiSimilarity
from keras_losskit.losses.metric_learning.proxies import ProxyAnchor, ProxyNCA
from keras_losskit.losses.metric_learning.triplet import Triplet, TripletHard
from keras_losskit.losses.metric_learning.triplet_mining import TripletAll, TripletSemiHard
from keras_losskit.losses.paired_views.contrastive import (
    DecoupledContrastive,
    InfoNCE,
    NTXent,
    SigLIP,
)
from keras_losskit.losses.paired_views.redundancy import BarlowTwins, VICReg
from keras_losskit.losses.paired_views.similarity import KoLeo, NegativeCosine
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
    # metric learning
    "Angular",
    "ArcFace",
    "Circle",
    "Contrastive",
    "CosFace",
    "LiftedStructure",
    "MultiSimilarity",
    "NPairs",
    "NormalizedSoftmax",
    "ProxyAnchor",
    "ProxyNCA",
    "SoftNearestNeighbor",
    "SubCenterArcFace",
    "SupervisedContrastive",
    "Triplet",
    "TripletAll",
    "TripletHard",
    "TripletSemiHard",
    # paired views
    "BarlowTwins",
    "DecoupledContrastive",
    "InfoNCE",
    "KoLeo",
    "NTXent",
    "NegativeCosine",
    "SigLIP",
    "VICReg",
]
