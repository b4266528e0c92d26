"""keras_losskit: losses for Keras that train, combine, save, reload and can be looked into."""

import importlib
import sys

if sys.argv[:1] == ["-m"] and sys.orig_argv[-len(sys.argv)] == __name__:
    from keras_losskit.catalogue import answer

    answer(sys.argv[1:])  # `python -m keras_losskit list` needs no backend, and ends here.

from keras_losskit.core.algebra import Product, WeightedSum
from keras_losskit.core.derivatives import input_gradient
from keras_losskit.core.foreign import FunctionLoss, KerasLoss, as_loss
from keras_losskit.core.function import loss
from keras_losskit.core.loss import Loss
from keras_losskit.core.options import missing_class
from keras_losskit.core.select import Select
from keras_losskit.core.takes import Takes
from keras_losskit.losses.adversarial.relativistic import RelativisticAverage
from keras_losskit.losses.adversarial.wasserstein import Wasserstein
from keras_losskit.losses.audio.distortion import SISDR
from keras_losskit.losses.audio.permutation import PermutationInvariant
from keras_losskit.losses.audio.spectra import STFT, MultiResolutionSTFT
from keras_losskit.losses.boxes.distribution import DistributionFocal
from keras_losskit.losses.boxes.heatmap import CenterNetFocal
from keras_losskit.losses.boxes.iou import BoxIoU, CIoU, DIoU, GIoU
from keras_losskit.losses.boxes.quality import QualityFocal, Varifocal
from keras_losskit.losses.classification.bi_tempered import BiTempered
from keras_losskit.losses.classification.brier import Brier
from keras_losskit.losses.classification.conditional_ordinal import ConditionalOrdinal
from keras_losskit.losses.classification.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
)
from keras_losskit.losses.classification.divergence import (
    Distillation,
    JensenShannon,
    KLDivergence,
)
from keras_losskit.losses.classification.focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
)
from keras_losskit.losses.classification.hinge import CategoricalHinge, Hinge, SquaredHinge
from keras_losskit.losses.classification.long_tail import (
    LDAM,
    LogitAdjustedCrossentropy,
    class_balanced_weights,
)
from keras_losskit.losses.classification.mining import HardExampleMining
from keras_losskit.losses.classification.multilabel import AsymmetricMultiLabel
from keras_losskit.losses.classification.noise_robust import (
    GeneralizedCrossentropy,
    NormalizedCrossentropy,
    ReverseCrossentropy,
    SymmetricCrossentropy,
)
from keras_losskit.losses.classification.ordinal import (
    CumulativeOrdinal,
    SquaredEarthMovers,
    WeightedKappa,
)
from keras_losskit.losses.classification.poly import PolyCrossentropy
from keras_losskit.losses.classification.sparsemax import Sparsemax
from keras_losskit.losses.distillation.decoupled import DecoupledDistillation
from keras_losskit.losses.distillation.relational import RelationalDistillation
from keras_losskit.losses.distributions.counts import (
    NegativeBinomialNLL,
    ZeroInflatedNegativeBinomialNLL,
    ZeroInflatedPoissonNLL,
)
from keras_losskit.losses.distributions.ensemble import EnsembleCRPS
from keras_losskit.losses.distributions.evidential import EvidentialRegression
from keras_losskit.losses.distributions.gaussian import GaussianCRPS, GaussianNLL
from keras_losskit.losses.distributions.heavy_tails import LaplaceNLL, StudentTNLL
from keras_losskit.losses.distributions.mixture import GaussianMixtureNLL
from keras_losskit.losses.distributions.positive import (
    BetaNLL,
    LogNormalNLL,
    ZeroInflatedLogNormalNLL,
)
from keras_losskit.losses.latent_variables.gaussian import GaussianKL
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
from keras_losskit.losses.paired_views.assignment import DINO, SwAV
from keras_losskit.losses.paired_views.contrastive import (
    DecoupledContrastive,
    InfoNCE,
    NTXent,
    SigLIP,
)
from keras_losskit.losses.paired_views.cosent import CoSENT
from keras_losskit.losses.paired_views.discrepancy import MaximumMeanDiscrepancy
from keras_losskit.losses.paired_views.matryoshka import Matryoshka
from keras_losskit.losses.paired_views.redundancy import BarlowTwins, VICReg
from keras_losskit.losses.paired_views.similarity import KoLeo, NegativeCosine
from keras_losskit.losses.preference.direct import DPO
from keras_losskit.losses.preference.log_probabilities import sequence_log_probabilities
from keras_losskit.losses.preference.reference_free import ORPO, SimPO
from keras_losskit.losses.ranking.approx import ApproxMRR, ApproxNDCG
from keras_losskit.losses.ranking.lambda_ndcg import LambdaNDCG
from keras_losskit.losses.ranking.listwise import ListMLE, ListSoftmax
from keras_losskit.losses.ranking.pairwise import (
    PairwiseHinge,
    PairwiseLogistic,
    PairwiseMeanSquared,
    PairwiseSoftZeroOne,
)
from keras_losskit.losses.registration.similarity import (
    LocalNormalizedCrossCorrelation,
    MutualInformation,
)
from keras_losskit.losses.registration.smoothness import BendingEnergy, DisplacementGradient
from keras_losskit.losses.regression.barron import Barron
from keras_losskit.losses.regression.deviance import GammaDeviance, Poisson, Tweedie
from keras_losskit.losses.regression.directional import CosineSimilarity
from keras_losskit.losses.regression.huber import Huber, LogCosh, ReverseHuber, SmoothL1
from keras_losskit.losses.regression.min_snr import min_snr_weights
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
from keras_losskit.losses.restoration.errors import PSNR
from keras_losskit.losses.restoration.features import FeatureDistance
from keras_losskit.losses.restoration.frequency import FocalFrequency
from keras_losskit.losses.restoration.similarity import SSIM, MultiScaleSSIM
from keras_losskit.losses.restoration.variation import (
    EdgeAwareSmoothness,
    GradientDifference,
    TotalVariation,
)
from keras_losskit.losses.segmentation.centerline import CenterlineDice
from keras_losskit.losses.segmentation.correlation import MatthewsCorrelation
from keras_losskit.losses.segmentation.dice import Dice, GeneralizedDice, LogCoshDice
from keras_losskit.losses.segmentation.distance import Boundary, HausdorffDistance
from keras_losskit.losses.segmentation.exponential_logarithmic import ExponentialLogarithmic
from keras_losskit.losses.segmentation.lovasz import LovaszHinge, LovaszSoftmax
from keras_losskit.losses.segmentation.tversky import FocalTversky, Jaccard, Tversky
from keras_losskit.losses.sequences.ctc import CTC
from keras_losskit.losses.sequences.soft_dtw import SoftDTW
from keras_losskit.losses.survival.cox import CoxPartialLikelihood
from keras_losskit.losses.survival.discrete import DeepHit, DiscreteTimeHazard
from keras_losskit.losses.survival.weibull import WeibullNLL
from keras_losskit.losses.transport.chamfer import Chamfer
from keras_losskit.losses.transport.sinkhorn import Sinkhorn
from keras_losskit.training.add_loss import AddedLossLogger, AddLoss
from keras_losskit.training.cosine_dense import CosineDense
from keras_losskit.training.cross_batch_memory import CrossBatchMemory
from keras_losskit.training.deep_supervision import AtResolution, DeepSupervision
from keras_losskit.training.distribution_head import DistributionHead
from keras_losskit.training.gradient_penalty import GradientPenalty
from keras_losskit.training.guard import TerminateOnNonFiniteTerm
from keras_losskit.training.learned import LearnedWeights
from keras_losskit.training.linear_crossentropy import LinearCrossentropy
from keras_losskit.training.scheduler import WeightScheduler
from keras_losskit.training.schedules import AdjustableWeight, CyclicalAnnealing, LinearWarmup
from keras_losskit.training.terms import TermMetric

__version__ = "0.1.0"

__all__ = [
    # core
    "Loss",
    "loss",
    "as_loss",
    "FunctionLoss",
    "KerasLoss",
    "Takes",
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
    # distributions
    "BetaNLL",
    "EnsembleCRPS",
    "EvidentialRegression",
    "GaussianCRPS",
    "GaussianMixtureNLL",
    "GaussianNLL",
    "LaplaceNLL",
    "LogNormalNLL",
    "NegativeBinomialNLL",
    "StudentTNLL",
    "ZeroInflatedLogNormalNLL",
    "ZeroInflatedNegativeBinomialNLL",
    "ZeroInflatedPoissonNLL",
    "min_snr_weights",
    # survival
    "CoxPartialLikelihood",
    "DeepHit",
    "DiscreteTimeHazard",
    "WeibullNLL",
    # classification
    "AsymmetricMultiLabel",
    "BiTempered",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "Brier",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
    "ConditionalOrdinal",
    "CumulativeOrdinal",
    "Distillation",
    "GeneralizedCrossentropy",
    "HardExampleMining",
    "Hinge",
    "JensenShannon",
    "KLDivergence",
    "LDAM",
    "LogitAdjustedCrossentropy",
    "NormalizedCrossentropy",
    "PolyCrossentropy",
    "ReverseCrossentropy",
    "Sparsemax",
    "SquaredEarthMovers",
    "SquaredHinge",
    "SymmetricCrossentropy",
    "WeightedKappa",
    "class_balanced_weights",
    # segmentation
    "Boundary",
    "CenterlineDice",
    "Dice",
    "ExponentialLogarithmic",
    "FocalTversky",
    "GeneralizedDice",
    "HausdorffDistance",
    "Jaccard",
    "LogCoshDice",
    "LovaszHinge",
    "LovaszSoftmax",
    "MatthewsCorrelation",
    "Tversky",
    # latent variables
    "GaussianKL",
    # training
    "AddLoss",
    "AddedLossLogger",
    "AdjustableWeight",
    "AtResolution",
    "CosineDense",
    "CrossBatchMemory",
    "CyclicalAnnealing",
    "DeepSupervision",
    "DistributionHead",
    "GradientPenalty",
    "LearnedWeights",
    "LinearCrossentropy",
    "LinearWarmup",
    "TermMetric",
    "TerminateOnNonFiniteTerm",
    "WeightScheduler",
    "input_gradient",
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
    # distillation
    "DecoupledDistillation",
    "RelationalDistillation",
    # transport
    "Chamfer",
    "Sinkhorn",
    # adversarial
    "RelativisticAverage",
    "Wasserstein",
    # sequences
    "CTC",
    "SoftDTW",
    # preference
    "DPO",
    "ORPO",
    "SimPO",
    "sequence_log_probabilities",
    # paired views
    "BarlowTwins",
    "CoSENT",
    "DINO",
    "DecoupledContrastive",
    "InfoNCE",
    "KoLeo",
    "Matryoshka",
    "MaximumMeanDiscrepancy",
    "NTXent",
    "NegativeCosine",
    "SigLIP",
    "SwAV",
    "VICReg",
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
    # restoration
    "EdgeAwareSmoothness",
    "FeatureDistance",
    "FocalFrequency",
    "GradientDifference",
    "MultiScaleSSIM",
    "PSNR",
    "SSIM",
    "TotalVariation",
    # registration
    "BendingEnergy",
    "DisplacementGradient",
    "LocalNormalizedCrossCorrelation",
    "MutualInformation",
    # audio
    "MultiResolutionSTFT",
    "PermutationInvariant",
    "SISDR",
    "STFT",
]

# What looks at losses from outside is loaded on first use.
_LAZY = {
    "LossProbe": "keras_losskit.doctor.probe",
    "LossReport": "keras_losskit.doctor.report",
    "check_loss": "keras_losskit.doctor.check",
    "explain": "keras_losskit.doctor.explain",
    "plot_loss": "keras_losskit.doctor.plots",
    "plot_terms": "keras_losskit.doctor.plots",
    "watch": "keras_losskit.doctor.watch",
    "watching": "keras_losskit.doctor.watch",
}
__all__ += list(_LAZY)


def __getattr__(name):
    if name not in _LAZY:
        raise AttributeError(missing_class(__name__, name, __all__))
    thing = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = thing
    return thing


def __dir__():
    return sorted({*globals(), *_LAZY})
