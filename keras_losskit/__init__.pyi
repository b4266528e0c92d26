"""Made by `python -m tools.make_stubs` from the run-time signatures; changes here are lost."""
# pyright: basic

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import (
    Any,
    Concatenate,
    Generic,
    Literal,
    NamedTuple,
    ParamSpec,
    Protocol,
    TypeAlias,
    TypeVar,
    overload,
)

import keras  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

# To mypy, Keras has no types, and a class made from its own would be anything: a schedule, say.
MYPY: Literal[False]
if MYPY:
    class _KerasLoss: ...  # pyright: ignore[reportRedeclaration]
    class _KerasSchedule: ...  # pyright: ignore[reportRedeclaration]
else:
    class _KerasLoss(keras.losses.Loss): ...
    class _KerasSchedule(keras.optimizers.schedules.LearningRateSchedule): ...

_T = TypeVar("_T")
_P = ParamSpec("_P")
_LossLike: TypeAlias = Loss | Callable[[Any, Any], Any] | str
_Number: TypeAlias = float | np.integer[Any] | np.floating[Any]
_Weight: TypeAlias = _Number | _Schedule
_TermLike: TypeAlias = _LossLike | tuple[_Weight, _LossLike]
_Numbers: TypeAlias = Sequence[float] | NDArray[Any]
_Selector: TypeAlias = int | slice | Sequence[int] | str | None
_Selectors: TypeAlias = _Selector | Mapping[str, _Selector]
_Shapes: TypeAlias = str | Sequence[Sequence[int]] | Mapping[str, Any] | None
_DType: TypeAlias = Any  # A word, a DTypePolicy, or a dtype of NumPy or the backend.
_Reduction: TypeAlias = (
    Literal["sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none"] | None
)

class _Schedule(Protocol):
    def __call__(self, step: Any, /) -> Any: ...
    def get_config(self) -> Any: ...

class _Term(NamedTuple):
    weight: _Weight
    loss: Loss

__version__: str
__all__ = [
    "Loss",
    "loss",
    "as_loss",
    "FunctionLoss",
    "KerasLoss",
    "Takes",
    "Product",
    "Select",
    "WeightedSum",
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
    "CoxPartialLikelihood",
    "DeepHit",
    "DiscreteTimeHazard",
    "WeibullNLL",
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
    "GaussianKL",
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
    "DecoupledDistillation",
    "RelationalDistillation",
    "Chamfer",
    "Sinkhorn",
    "RelativisticAverage",
    "Wasserstein",
    "CTC",
    "SoftDTW",
    "DPO",
    "ORPO",
    "SimPO",
    "sequence_log_probabilities",
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
    "BoxIoU",
    "CIoU",
    "CenterNetFocal",
    "DIoU",
    "DistributionFocal",
    "GIoU",
    "QualityFocal",
    "Varifocal",
    "ApproxMRR",
    "ApproxNDCG",
    "LambdaNDCG",
    "ListMLE",
    "ListSoftmax",
    "PairwiseHinge",
    "PairwiseLogistic",
    "PairwiseMeanSquared",
    "PairwiseSoftZeroOne",
    "EdgeAwareSmoothness",
    "FeatureDistance",
    "FocalFrequency",
    "GradientDifference",
    "MultiScaleSSIM",
    "PSNR",
    "SSIM",
    "TotalVariation",
    "BendingEnergy",
    "DisplacementGradient",
    "LocalNormalizedCrossCorrelation",
    "MutualInformation",
    "MultiResolutionSTFT",
    "PermutationInvariant",
    "SISDR",
    "STFT",
    "LossProbe",
    "LossReport",
    "check_loss",
    "explain",
    "plot_loss",
    "plot_terms",
    "watch",
    "watching",
]

class _LossClass(type, Generic[_P]):
    @overload
    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> Loss: ...
    @overload
    def __call__(
        self,
        *args: Any,
        reduction: _Reduction,
        name: str | None = None,
        dtype: _DType = None,
        **options: Any,
    ) -> Loss: ...
    @overload
    def __call__(
        self, *args: Any, name: str | None, dtype: _DType = None, **options: Any
    ) -> Loss: ...
    @overload
    def __call__(self, *args: Any, dtype: _DType, **options: Any) -> Loss: ...
    def from_config(self, config_dict: dict[str, Any]) -> Loss: ...
    @staticmethod
    def function(y_true: Any, y_pred: Any, *args: Any, **options: Any) -> Any: ...

# `mask` and `sample_weight` are the hook's: options beside them are not looked at.
class _Masked(Protocol):
    def __call__(self, y_true: Any, y_pred: Any, /, *, mask: Any) -> Any: ...

class _Weighted(Protocol):
    def __call__(self, y_true: Any, y_pred: Any, /, *, sample_weight: Any) -> Any: ...

class _MaskedAndWeighted(Protocol):
    def __call__(self, y_true: Any, y_pred: Any, /, *, mask: Any, sample_weight: Any) -> Any: ...

class _Decorator(Protocol):
    @overload
    def __call__(
        self, function: _Masked | _Weighted | _MaskedAndWeighted, /
    ) -> _LossClass[...]: ...
    @overload
    def __call__(
        self, function: Callable[Concatenate[Any, Any, _P], Any], /
    ) -> _LossClass[_P]: ...

class Loss(_KerasLoss):
    takes: Takes | None
    log_name: str | None
    weighs_positions: bool
    reduction: str | None
    name: str
    def __init__(
        self,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "loss",
        dtype: _DType = None,
    ) -> None: ...
    def __add__(self, other: _LossLike, /) -> WeightedSum: ...
    @overload
    def __radd__(self, other: int, /) -> Self: ...
    @overload
    def __radd__(self, other: _LossLike, /) -> WeightedSum: ...
    def __sub__(self, other: _LossLike, /) -> WeightedSum: ...
    def __rsub__(self, other: _LossLike, /) -> WeightedSum: ...
    @overload
    def __mul__(self, other: WeightedSum, /) -> Product | WeightedSum: ...  # type: ignore[overload-overlap]
    @overload
    def __mul__(self, other: _LossLike, /) -> Product: ...
    @overload
    def __mul__(self, other: _Weight, /) -> WeightedSum: ...
    @overload
    def __rmul__(self, other: WeightedSum, /) -> Product | WeightedSum: ...  # type: ignore[overload-overlap]
    @overload
    def __rmul__(self, other: _LossLike, /) -> Product: ...
    @overload
    def __rmul__(self, other: _Weight, /) -> WeightedSum: ...
    def __truediv__(self, other: _Number, /) -> WeightedSum: ...
    def __neg__(self) -> WeightedSum: ...
    def __pos__(self) -> Self: ...
    def on(
        self,
        *,
        y_true: _Selectors = None,
        y_pred: _Selectors = None,
        weight: _Selector = None,
        sample_weight: bool = True,
    ) -> Select: ...
    def metrics(self, weighted: bool = False) -> list[TermMetric]: ...
    @classmethod
    def default_name(cls) -> str: ...
    @property
    def dtype(self) -> str: ...
    @property
    def effective_reduction(self) -> str | None: ...
    @property
    def applies_weights(self) -> bool: ...
    @property
    def gathers(self) -> Any: ...
    def call(self, y_true: Any, y_pred: Any, *args: Any, **kwargs: Any) -> Any: ...
    def prepare(self, y_true: Any, y_pred: Any) -> Any: ...
    def check_targets(self, y_true: Any, y_pred: Any, present: Any) -> Any: ...
    def classes_of(self, y_pred: Any) -> Any: ...
    def weighed_shape(self, y_true: Any, y_pred: Any) -> Any: ...
    def input_mask(self, y_true: Any, y_pred: Any) -> Any: ...
    def value_mask(self, y_true: Any, y_pred: Any, mask: Any, anchors: Any = None) -> Any: ...
    def countable(self, y_true: Any, y_pred: Any) -> Any: ...
    def mean_of_all(self, y_true: Any, y_pred: Any) -> Any: ...
    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any: ...
    def evaluate(
        self,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,
        mask: Any = None,
    ) -> Any: ...
    def reduce(self, values: Any, weights: Any, mask: Any) -> Any: ...
    def weighable(self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any) -> Any: ...
    def cast(self, x: Any) -> Any: ...
    def argument(self, name: str) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...
    @classmethod
    def from_arguments(cls, arguments: Any) -> Self: ...

@overload
def loss(
    function: _Masked | _Weighted | _MaskedAndWeighted,
    *,
    package: str = "Custom",
    name: str | None = None,
    takes: Takes | None = None,
) -> _LossClass[...]: ...
@overload
def loss(
    function: Callable[Concatenate[Any, Any, _P], Any],
    *,
    package: str = "Custom",
    name: str | None = None,
    takes: Takes | None = None,
) -> _LossClass[_P]: ...
@overload
def loss(
    function: None = None,
    *,
    package: str = "Custom",
    name: str | None = None,
    takes: Takes | None = None,
) -> _Decorator: ...

def as_loss(identifier: _LossLike | dict[str, Any], takes: Takes | None = None) -> Loss: ...

class FunctionLoss(Loss):
    function: Callable[..., Any]
    takes: Takes | None
    def __init__(
        self,
        function: Callable[..., Any],
        takes: Takes | None = None,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "function_loss",
        dtype: _DType = None,
    ) -> None: ...
    @property
    def _of_keras(self) -> Any: ...
    @property
    def foreign(self) -> Any: ...
    def compute(self, y_true: Any, y_pred: Any) -> Any: ...

class KerasLoss(Loss):
    loss: keras.losses.Loss
    takes: Takes | None
    def __init__(
        self,
        loss: keras.losses.Loss,
        takes: Takes | None = None,
        *,
        reduction: _Reduction | Literal["inherit"] = "inherit",
        name: str | None = "keras_loss",
        dtype: _DType = None,
    ) -> None: ...
    @property
    def _of_keras(self) -> Any: ...
    @property
    def foreign(self) -> Any: ...
    def compute(self, y_true: Any, y_pred: Any) -> Any: ...
    @property
    def from_logits(self) -> bool | None: ...

class Takes:
    y_true: str
    y_pred: str
    shapes: str
    in_batch: bool
    y_true_gradient: bool
    y_true_range: tuple | None
    def __init__(
        self,
        y_true: str = "real",
        y_pred: str = "real",
        shapes: str = "equal",
        in_batch: bool = False,
        y_true_gradient: bool = False,
        y_true_range: tuple | None = None,
    ) -> None: ...
    @property
    def range(self) -> Any: ...
    def given(self, from_logits: Any) -> Any: ...
    def sentence(self) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class Product(Loss):
    factors: list[Loss]
    def __init__(
        self,
        factors: Sequence[_LossLike],
        *,
        reduction: _Reduction | Literal["inherit"] = "inherit",
        name: str | None = "product",
        dtype: _DType = None,
    ) -> None: ...
    def operand(self, loss: _LossLike) -> Loss: ...
    def at_step(self, step: Any) -> Self: ...
    def operands(self) -> list[Loss]: ...
    def inputs(self, batch: Any) -> Any: ...
    def combine(self, found: Any) -> Any: ...

class Select(Loss):
    loss: Loss
    y_true: _Selectors
    y_pred: _Selectors
    weight: _Selector
    sample_weight: bool
    def __init__(
        self,
        loss: _LossLike,
        *,
        y_true: _Selectors = None,
        y_pred: _Selectors = None,
        weight: _Selector = None,
        sample_weight: bool = True,
        reduction: _Reduction | Literal["inherit"] = "inherit",
        name: str | None = "select",
        dtype: _DType = None,
    ) -> None: ...
    def operand(self, loss: _LossLike) -> Loss: ...
    def at_step(self, step: Any) -> Self: ...
    def operands(self) -> list[Loss]: ...
    def inputs(self, batch: Any) -> Any: ...
    def combine(self, found: Any) -> Any: ...
    @property
    def selected_part(self) -> Any: ...

class WeightedSum(Loss):
    reads_as_sum: bool
    terms: Mapping[str, _Term]
    def __init__(
        self,
        terms: Mapping[str, _TermLike] | Sequence[_TermLike],
        *,
        reduction: _Reduction | Literal["inherit"] = "inherit",
        name: str | None = "weighted_sum",
        dtype: _DType = None,
    ) -> None: ...
    def operand(self, loss: _LossLike) -> Loss: ...
    def at_step(self, step: Any) -> Self: ...
    def operands(self) -> list[Loss]: ...
    def inputs(self, batch: Any) -> Any: ...
    def combine(self, found: Any) -> Any: ...
    def weight(self, name: str) -> Any: ...
    @property
    def schedules(self) -> dict[str, _Schedule]: ...
    def term_values(
        self,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,
    ) -> dict[str, Any]: ...
    @overload
    def __mul__(self, other: _LossLike, /) -> Product | WeightedSum: ...
    @overload
    def __mul__(self, other: _Weight, /) -> WeightedSum: ...
    @overload
    def __rmul__(self, other: _LossLike, /) -> Product | WeightedSum: ...
    @overload
    def __rmul__(self, other: _Weight, /) -> WeightedSum: ...

class Barron(Loss):
    alpha: float
    scale: float
    missing: Any
    def __init__(
        self,
        alpha: float = 1.0,
        scale: float = 1.0,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "barron",
        dtype: _DType = None,
    ) -> None: ...

class Cauchy(Loss):
    scale: float
    missing: Any
    def __init__(
        self,
        scale: float = 1.0,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "cauchy",
        dtype: _DType = None,
    ) -> None: ...

class ChannelWeightedSquaredError(Loss):
    weights: list[float] | None
    missing: Any
    def __init__(
        self,
        weights: _Numbers | None,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "channel_weighted_squared_error",
        dtype: _DType = None,
    ) -> None: ...

class Charbonnier(Loss):
    epsilon: float
    missing: Any
    def __init__(
        self,
        epsilon: float = 0.001,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "charbonnier",
        dtype: _DType = None,
    ) -> None: ...

class CosineSimilarity(Loss):
    axis: int
    def __init__(
        self,
        axis: int = -1,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
        dtype: _DType = None,
    ) -> None: ...

class DeadZoneAbsoluteError(Loss):
    threshold: float
    missing: Any
    def __init__(
        self,
        threshold: float = 0.5,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "dead_zone_absolute_error",
        dtype: _DType = None,
    ) -> None: ...

class EpsilonInsensitive(Loss):
    epsilon: float
    missing: Any
    def __init__(
        self,
        epsilon: float = 0.1,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "epsilon_insensitive",
        dtype: _DType = None,
    ) -> None: ...

class Expectile(Loss):
    tau: float
    missing: Any
    def __init__(
        self,
        tau: float = 0.5,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "expectile",
        dtype: _DType = None,
    ) -> None: ...

class GammaDeviance(Loss):
    missing: Any
    def __init__(
        self,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "gamma_deviance",
        dtype: _DType = None,
    ) -> None: ...

class GemanMcClure(Loss):
    scale: float
    missing: Any
    def __init__(
        self,
        scale: float = 1.0,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "geman_mc_clure",
        dtype: _DType = None,
    ) -> None: ...

class Huber(Loss):
    delta: float
    missing: Any
    def __init__(
        self,
        delta: float = 1.0,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "huber",
        dtype: _DType = None,
    ) -> None: ...

class LogCosh(Loss):
    missing: Any
    def __init__(
        self,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "log_cosh",
        dtype: _DType = None,
    ) -> None: ...

class MeanAbsoluteError(Loss):
    missing: Any
    def __init__(
        self,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "mean_absolute_error",
        dtype: _DType = None,
    ) -> None: ...

class MeanAbsolutePercentageError(Loss):
    missing: Any
    def __init__(
        self,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "mean_absolute_percentage_error",
        dtype: _DType = None,
    ) -> None: ...

class MeanSquaredError(Loss):
    missing: Any
    def __init__(
        self,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "mean_squared_error",
        dtype: _DType = None,
    ) -> None: ...

class MeanSquaredLogarithmicError(Loss):
    missing: Any
    def __init__(
        self,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "mean_squared_logarithmic_error",
        dtype: _DType = None,
    ) -> None: ...

class Pinball(Loss):
    tau: float | list[float]
    crossing_weight: float
    missing: Any
    def __init__(
        self,
        tau: float | _Numbers = 0.5,
        crossing_weight: float = 0.0,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "pinball",
        dtype: _DType = None,
    ) -> None: ...

class Poisson(Loss):
    log_rate: bool
    missing: Any
    def __init__(
        self,
        log_rate: bool = False,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "poisson",
        dtype: _DType = None,
    ) -> None: ...

class RangeWeightedSquaredError(Loss):
    low: float
    high: float
    outside_weight: float
    missing: Any
    def __init__(
        self,
        low: float = 0.2,
        high: float = 0.8,
        outside_weight: float = 3.0,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "range_weighted_squared_error",
        dtype: _DType = None,
    ) -> None: ...

class ReverseHuber(Loss):
    threshold: float
    missing: Any
    def __init__(
        self,
        threshold: float = 1.0,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "reverse_huber",
        dtype: _DType = None,
    ) -> None: ...

class RootMeanSquaredError(Loss):
    def __init__(
        self,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "root_mean_squared_error",
        dtype: _DType = None,
    ) -> None: ...

class ScaleInvariantLog(Loss):
    variance_weight: float
    def __init__(
        self,
        variance_weight: float = 0.5,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "scale_invariant_log",
        dtype: _DType = None,
    ) -> None: ...

class SmoothL1(Loss):
    beta: float
    missing: Any
    def __init__(
        self,
        beta: float = 1.0,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "smooth_l1",
        dtype: _DType = None,
    ) -> None: ...

class SymmetricMeanAbsolutePercentageError(Loss):
    missing: Any
    def __init__(
        self,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "symmetric_mean_absolute_percentage_error",
        dtype: _DType = None,
    ) -> None: ...

class TukeyBiweight(Loss):
    threshold: float
    missing: Any
    def __init__(
        self,
        threshold: float = 4.685,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "tukey_biweight",
        dtype: _DType = None,
    ) -> None: ...

class Tweedie(Loss):
    power: float
    missing: Any
    def __init__(
        self,
        power: float = 1.5,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "tweedie",
        dtype: _DType = None,
    ) -> None: ...

class Welsch(Loss):
    scale: float
    missing: Any
    def __init__(
        self,
        scale: float = 1.0,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "welsch",
        dtype: _DType = None,
    ) -> None: ...

class Wing(Loss):
    width: float
    curvature: float
    missing: Any
    def __init__(
        self,
        width: float = 10.0,
        curvature: float = 2.0,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "wing",
        dtype: _DType = None,
    ) -> None: ...

class BetaNLL(Loss):
    link: Literal["softplus", "exp", "identity"]
    minimum: float
    epsilon: float
    missing: Any
    def __init__(
        self,
        link: Literal["softplus", "exp", "identity"] = "softplus",
        minimum: float = 1e-06,
        epsilon: float = 1e-06,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "beta_nll",
        dtype: _DType = None,
    ) -> None: ...

class EnsembleCRPS(Loss):
    fairness: float
    missing: Any
    def __init__(
        self,
        fairness: float = 1.0,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "ensemble_crps",
        dtype: _DType = None,
    ) -> None: ...

class EvidentialRegression(Loss):
    link: Literal["softplus", "exp", "identity"]
    minimum: float
    weight: float
    missing: Any
    def __init__(
        self,
        link: Literal["softplus", "exp", "identity"] = "softplus",
        minimum: float = 1e-06,
        weight: float = 0.01,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "evidential_regression",
        dtype: _DType = None,
    ) -> None: ...

class GaussianCRPS(Loss):
    link: Literal["softplus", "exp", "identity"]
    minimum: float
    missing: Any
    def __init__(
        self,
        link: Literal["softplus", "exp", "identity"] = "softplus",
        minimum: float = 1e-06,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "gaussian_crps",
        dtype: _DType = None,
    ) -> None: ...

class GaussianMixtureNLL(Loss):
    components: int
    link: Literal["softplus", "exp", "identity"]
    minimum: float
    def __init__(
        self,
        components: int,
        link: Literal["softplus", "exp", "identity"] = "softplus",
        minimum: float = 1e-06,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "gaussian_mixture_nll",
        dtype: _DType = None,
    ) -> None: ...

class GaussianNLL(Loss):
    link: Literal["softplus", "exp", "identity"]
    minimum: float
    beta: float
    missing: Any
    def __init__(
        self,
        link: Literal["softplus", "exp", "identity"] = "softplus",
        minimum: float = 1e-06,
        beta: float = 0.0,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "gaussian_nll",
        dtype: _DType = None,
    ) -> None: ...

class LaplaceNLL(Loss):
    link: Literal["softplus", "exp", "identity"]
    minimum: float
    missing: Any
    def __init__(
        self,
        link: Literal["softplus", "exp", "identity"] = "softplus",
        minimum: float = 1e-06,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "laplace_nll",
        dtype: _DType = None,
    ) -> None: ...

class LogNormalNLL(Loss):
    link: Literal["softplus", "exp", "identity"]
    minimum: float
    missing: Any
    def __init__(
        self,
        link: Literal["softplus", "exp", "identity"] = "softplus",
        minimum: float = 1e-06,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "log_normal_nll",
        dtype: _DType = None,
    ) -> None: ...

class NegativeBinomialNLL(Loss):
    link: Literal["softplus", "exp", "identity"]
    minimum: float
    missing: Any
    def __init__(
        self,
        link: Literal["softplus", "exp", "identity"] = "softplus",
        minimum: float = 1e-06,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "negative_binomial_nll",
        dtype: _DType = None,
    ) -> None: ...

class StudentTNLL(Loss):
    link: Literal["softplus", "exp", "identity"]
    minimum: float
    degrees_of_freedom: float | None
    missing: Any
    def __init__(
        self,
        link: Literal["softplus", "exp", "identity"] = "softplus",
        minimum: float = 1e-06,
        degrees_of_freedom: float | None = None,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "student_tnll",
        dtype: _DType = None,
    ) -> None: ...

class ZeroInflatedLogNormalNLL(Loss):
    link: Literal["softplus", "exp", "identity"]
    minimum: float
    missing: Any
    def __init__(
        self,
        link: Literal["softplus", "exp", "identity"] = "softplus",
        minimum: float = 1e-06,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "zero_inflated_log_normal_nll",
        dtype: _DType = None,
    ) -> None: ...

class ZeroInflatedNegativeBinomialNLL(Loss):
    link: Literal["softplus", "exp", "identity"]
    minimum: float
    missing: Any
    def __init__(
        self,
        link: Literal["softplus", "exp", "identity"] = "softplus",
        minimum: float = 1e-06,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "zero_inflated_negative_binomial_nll",
        dtype: _DType = None,
    ) -> None: ...

class ZeroInflatedPoissonNLL(Loss):
    link: Literal["softplus", "exp", "identity"]
    minimum: float
    missing: Any
    def __init__(
        self,
        link: Literal["softplus", "exp", "identity"] = "softplus",
        minimum: float = 1e-06,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "zero_inflated_poisson_nll",
        dtype: _DType = None,
    ) -> None: ...

def min_snr_weights(snr: Any, gamma: float = 5.0, prediction: str = "epsilon") -> Any: ...

class CoxPartialLikelihood(Loss):
    ties: Literal["efron", "breslow"]
    strata: bool
    def __init__(
        self,
        ties: Literal["efron", "breslow"] = "efron",
        strata: bool = False,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "cox_partial_likelihood",
        dtype: _DType = None,
    ) -> None: ...

class DeepHit(Loss):
    alpha: float
    sigma: float
    causes: int
    def __init__(
        self,
        alpha: float = 0.2,
        sigma: float = 0.1,
        causes: int = 1,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "deep_hit",
        dtype: _DType = None,
    ) -> None: ...

class DiscreteTimeHazard(Loss):
    edges: Any
    def __init__(
        self,
        edges: Any = None,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "discrete_time_hazard",
        dtype: _DType = None,
    ) -> None: ...

class WeibullNLL(Loss):
    def __init__(
        self,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "weibull_nll",
        dtype: _DType = None,
    ) -> None: ...

class AsymmetricMultiLabel(Loss):
    gamma_pos: float
    gamma_neg: float
    clip: float
    from_logits: bool
    label_smoothing: float
    missing: Any
    def __init__(
        self,
        gamma_pos: float = 0.0,
        gamma_neg: float = 4.0,
        clip: float = 0.05,
        from_logits: bool = False,
        *,
        label_smoothing: float = 0.0,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "asymmetric_multi_label",
        dtype: _DType = None,
    ) -> None: ...

class BiTempered(Loss):
    t1: float
    t2: float
    label_smoothing: float
    iterations: int
    class_weights: list[float] | None
    ignore_class: int | None
    def __init__(
        self,
        t1: float = 0.8,
        t2: float = 1.4,
        label_smoothing: float = 0.0,
        iterations: int = 5,
        *,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "bi_tempered",
        dtype: _DType = None,
    ) -> None: ...

class BinaryCrossentropy(Loss):
    from_logits: bool
    label_smoothing: float
    pos_weight: float | None
    missing: Any
    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        pos_weight: float | None = None,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: _DType = None,
    ) -> None: ...

class BinaryFocalCrossentropy(Loss):
    gamma: float
    alpha: float | None
    from_logits: bool
    label_smoothing: float
    missing: Any
    def __init__(
        self,
        gamma: float = 2.0,
        alpha: float | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        *,
        missing: Any = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: _DType = None,
    ) -> None: ...

class Brier(Loss):
    from_logits: bool
    label_smoothing: float
    class_weights: list[float] | None
    ignore_class: int | None
    def __init__(
        self,
        from_logits: bool = False,
        *,
        label_smoothing: float = 0.0,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "brier",
        dtype: _DType = None,
    ) -> None: ...

class CategoricalCrossentropy(Loss):
    from_logits: bool
    label_smoothing: float
    class_weights: list[float] | None
    ignore_class: int | None
    z_loss: float
    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        z_loss: float = 0.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: _DType = None,
    ) -> None: ...

class CategoricalFocalCrossentropy(Loss):
    gamma: float
    class_weights: list[float] | None
    from_logits: bool
    label_smoothing: float
    ignore_class: int | None
    def __init__(
        self,
        gamma: float = 2.0,
        class_weights: _Numbers | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        ignore_class: int | None = None,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: _DType = None,
    ) -> None: ...

class CategoricalHinge(Loss):
    class_weights: list[float] | None
    ignore_class: int | None
    def __init__(
        self,
        *,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "categorical_hinge",
        dtype: _DType = None,
    ) -> None: ...

class ConditionalOrdinal(CumulativeOrdinal):
    def __init__(
        self,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "conditional_ordinal",
        dtype: _DType = None,
    ) -> None: ...

class CumulativeOrdinal(Loss):
    def __init__(
        self,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "cumulative_ordinal",
        dtype: _DType = None,
    ) -> None: ...

class Distillation(Loss):
    temperature: float
    def __init__(
        self,
        temperature: float = 4.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "distillation",
        dtype: _DType = None,
    ) -> None: ...

class GeneralizedCrossentropy(Loss):
    q: float
    from_logits: bool
    label_smoothing: float
    class_weights: list[float] | None
    ignore_class: int | None
    def __init__(
        self,
        q: float = 0.7,
        from_logits: bool = False,
        *,
        label_smoothing: float = 0.0,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "generalized_crossentropy",
        dtype: _DType = None,
    ) -> None: ...

class HardExampleMining(Loss):
    loss: Loss
    fraction: float
    def __init__(
        self,
        loss: _LossLike,
        fraction: float = 0.25,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "hard_example_mining",
        dtype: _DType = None,
    ) -> None: ...
    def operand(self, loss: _LossLike) -> Loss: ...
    def at_step(self, step: Any) -> Self: ...
    def operands(self) -> list[Loss]: ...

class Hinge(Loss):
    def __init__(
        self,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "hinge",
        dtype: _DType = None,
    ) -> None: ...

class JensenShannon(Loss):
    weight: float
    from_logits: bool
    def __init__(
        self,
        weight: float = 0.5,
        from_logits: bool = False,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "jensen_shannon",
        dtype: _DType = None,
    ) -> None: ...

class KLDivergence(Loss):
    from_logits: bool
    def __init__(
        self,
        from_logits: bool = False,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "kl_divergence",
        dtype: _DType = None,
    ) -> None: ...

class LDAM(Loss):
    class_counts: list[float]
    max_margin: float
    scale: float
    label_smoothing: float
    class_weights: list[float] | None
    ignore_class: int | None
    def __init__(
        self,
        class_counts: _Numbers,
        max_margin: float = 0.5,
        scale: float = 30.0,
        *,
        label_smoothing: float = 0.0,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "ldam",
        dtype: _DType = None,
    ) -> None: ...

class LogitAdjustedCrossentropy(Loss):
    class_counts: list[float]
    tau: float
    label_smoothing: float
    class_weights: list[float] | None
    ignore_class: int | None
    def __init__(
        self,
        class_counts: _Numbers,
        tau: float = 1.0,
        *,
        label_smoothing: float = 0.0,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "logit_adjusted_crossentropy",
        dtype: _DType = None,
    ) -> None: ...

class NormalizedCrossentropy(Loss):
    from_logits: bool
    label_smoothing: float
    class_weights: list[float] | None
    ignore_class: int | None
    def __init__(
        self,
        from_logits: bool = False,
        *,
        label_smoothing: float = 0.0,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "normalized_crossentropy",
        dtype: _DType = None,
    ) -> None: ...

class PolyCrossentropy(Loss):
    epsilon: float
    from_logits: bool
    label_smoothing: float
    class_weights: list[float] | None
    ignore_class: int | None
    def __init__(
        self,
        epsilon: float = 1.0,
        from_logits: bool = False,
        *,
        label_smoothing: float = 0.0,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "poly_crossentropy",
        dtype: _DType = None,
    ) -> None: ...

class ReverseCrossentropy(Loss):
    log_zero: float
    from_logits: bool
    label_smoothing: float
    class_weights: list[float] | None
    ignore_class: int | None
    def __init__(
        self,
        log_zero: float = -4.0,
        from_logits: bool = False,
        *,
        label_smoothing: float = 0.0,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "reverse_crossentropy",
        dtype: _DType = None,
    ) -> None: ...

class Sparsemax(Loss):
    label_smoothing: float
    class_weights: list[float] | None
    ignore_class: int | None
    def __init__(
        self,
        *,
        label_smoothing: float = 0.0,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "sparsemax",
        dtype: _DType = None,
    ) -> None: ...

class SquaredEarthMovers(Loss):
    from_logits: bool
    label_smoothing: float
    class_weights: list[float] | None
    ignore_class: int | None
    def __init__(
        self,
        from_logits: bool = False,
        *,
        label_smoothing: float = 0.0,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "squared_earth_movers",
        dtype: _DType = None,
    ) -> None: ...

class SquaredHinge(Loss):
    def __init__(
        self,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "squared_hinge",
        dtype: _DType = None,
    ) -> None: ...

class SymmetricCrossentropy(Loss):
    alpha: float
    beta: float
    log_zero: float
    from_logits: bool
    label_smoothing: float
    class_weights: list[float] | None
    ignore_class: int | None
    def __init__(
        self,
        alpha: float = 0.1,
        beta: float = 1.0,
        log_zero: float = -4.0,
        from_logits: bool = False,
        *,
        label_smoothing: float = 0.0,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "symmetric_crossentropy",
        dtype: _DType = None,
    ) -> None: ...

class WeightedKappa(Loss):
    weighting: Literal["quadratic", "linear"]
    from_logits: bool
    ignore_class: int | None
    def __init__(
        self,
        weighting: Literal["quadratic", "linear"] = "quadratic",
        from_logits: bool = False,
        *,
        ignore_class: int | None = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "weighted_kappa",
        dtype: _DType = None,
    ) -> None: ...

def class_balanced_weights(class_counts: _Numbers, beta: float = 0.999) -> list[float]: ...

class Boundary(Loss):
    from_logits: bool
    class_weights: list[float] | None
    ignore_class: int | None
    include_background: bool
    over: Literal["sample", "batch"]
    empty: Literal["score", "skip"]
    def __init__(
        self,
        *,
        from_logits: bool = False,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        include_background: bool = True,
        over: Literal["sample", "batch"] = "sample",
        empty: Literal["score", "skip"] = "score",
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "boundary",
        dtype: _DType = None,
    ) -> None: ...

class CenterlineDice(Loss):
    iterations: int
    smooth: float
    from_logits: bool
    class_weights: list[float] | None
    ignore_class: int | None
    include_background: bool
    over: Literal["sample", "batch"]
    empty: Literal["score", "skip"]
    def __init__(
        self,
        iterations: int = 3,
        smooth: float = 1.0,
        *,
        from_logits: bool = False,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        include_background: bool = True,
        over: Literal["sample", "batch"] = "sample",
        empty: Literal["score", "skip"] = "score",
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "centerline_dice",
        dtype: _DType = None,
    ) -> None: ...

class Dice(Loss):
    squared: bool
    intersection: Literal["product", "l1"]
    from_logits: bool
    class_weights: list[float] | None
    ignore_class: int | None
    include_background: bool
    over: Literal["sample", "batch"]
    smooth: float
    empty: Literal["score", "skip"]
    def __init__(
        self,
        squared: bool = False,
        *,
        intersection: Literal["product", "l1"] = "product",
        from_logits: bool = False,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        include_background: bool = True,
        over: Literal["sample", "batch"] = "sample",
        smooth: float = 0.0,
        empty: Literal["score", "skip"] = "score",
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "dice",
        dtype: _DType = None,
    ) -> None: ...

class ExponentialLogarithmic(Loss):
    dice_weight: float
    ce_weight: float
    gamma: float
    from_logits: bool
    class_weights: list[float] | None
    ignore_class: int | None
    include_background: bool
    over: Literal["sample", "batch"]
    smooth: float
    empty: Literal["score", "skip"]
    def __init__(
        self,
        dice_weight: float = 0.8,
        ce_weight: float = 0.2,
        gamma: float = 0.3,
        *,
        from_logits: bool = False,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        include_background: bool = True,
        over: Literal["sample", "batch"] = "sample",
        smooth: float = 0.0,
        empty: Literal["score", "skip"] = "score",
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "exponential_logarithmic",
        dtype: _DType = None,
    ) -> None: ...

class FocalTversky(Tversky):
    fp_weight: float
    fn_weight: float
    gamma: float
    intersection: Literal["product", "l1"]
    from_logits: bool
    class_weights: list[float] | None
    ignore_class: int | None
    include_background: bool
    over: Literal["sample", "batch"]
    smooth: float
    empty: Literal["score", "skip"]
    def __init__(
        self,
        fp_weight: float = 0.3,
        fn_weight: float = 0.7,
        gamma: float = 0.75,
        *,
        intersection: Literal["product", "l1"] = "product",
        from_logits: bool = False,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        include_background: bool = True,
        over: Literal["sample", "batch"] = "sample",
        smooth: float = 0.0,
        empty: Literal["score", "skip"] = "score",
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "focal_tversky",
        dtype: _DType = None,
    ) -> None: ...

class GeneralizedDice(Loss):
    weighting: Literal["square", "simple", "uniform"]
    from_logits: bool
    class_weights: list[float] | None
    ignore_class: int | None
    include_background: bool
    over: Literal["sample", "batch"]
    smooth: float
    empty: Literal["score", "skip"]
    def __init__(
        self,
        weighting: Literal["square", "simple", "uniform"] = "square",
        *,
        from_logits: bool = False,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        include_background: bool = True,
        over: Literal["sample", "batch"] = "sample",
        smooth: float = 0.0,
        empty: Literal["score", "skip"] = "score",
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "generalized_dice",
        dtype: _DType = None,
    ) -> None: ...

class HausdorffDistance(Loss):
    alpha: float
    from_logits: bool
    class_weights: list[float] | None
    ignore_class: int | None
    include_background: bool
    over: Literal["sample", "batch"]
    empty: Literal["score", "skip"]
    def __init__(
        self,
        alpha: float = 2.0,
        *,
        from_logits: bool = False,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        include_background: bool = True,
        over: Literal["sample", "batch"] = "sample",
        empty: Literal["score", "skip"] = "score",
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "hausdorff_distance",
        dtype: _DType = None,
    ) -> None: ...

class Jaccard(Loss):
    intersection: Literal["product", "l1"]
    from_logits: bool
    class_weights: list[float] | None
    ignore_class: int | None
    include_background: bool
    over: Literal["sample", "batch"]
    smooth: float
    empty: Literal["score", "skip"]
    def __init__(
        self,
        *,
        intersection: Literal["product", "l1"] = "product",
        from_logits: bool = False,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        include_background: bool = True,
        over: Literal["sample", "batch"] = "sample",
        smooth: float = 0.0,
        empty: Literal["score", "skip"] = "score",
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "jaccard",
        dtype: _DType = None,
    ) -> None: ...

class LogCoshDice(Loss):
    intersection: Literal["product", "l1"]
    from_logits: bool
    class_weights: list[float] | None
    ignore_class: int | None
    include_background: bool
    over: Literal["sample", "batch"]
    smooth: float
    empty: Literal["score", "skip"]
    def __init__(
        self,
        *,
        intersection: Literal["product", "l1"] = "product",
        from_logits: bool = False,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        include_background: bool = True,
        over: Literal["sample", "batch"] = "sample",
        smooth: float = 0.0,
        empty: Literal["score", "skip"] = "score",
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "log_cosh_dice",
        dtype: _DType = None,
    ) -> None: ...

class LovaszHinge(Loss):
    from_logits: bool
    class_weights: list[float] | None
    ignore_class: int | None
    include_background: bool
    over: Literal["sample", "batch"]
    smooth: float
    empty: Literal["score", "skip"]
    def __init__(
        self,
        *,
        from_logits: bool = True,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        include_background: bool = True,
        over: Literal["sample", "batch"] = "sample",
        smooth: float = 0.0,
        empty: Literal["score", "skip"] = "score",
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "lovasz_hinge",
        dtype: _DType = None,
    ) -> None: ...

class LovaszSoftmax(Loss):
    classes: Literal["present", "all"] | Sequence[int]
    from_logits: bool
    class_weights: list[float] | None
    ignore_class: int | None
    include_background: bool
    over: Literal["sample", "batch"]
    smooth: float
    empty: Literal["score", "skip"]
    def __init__(
        self,
        classes: Literal["present", "all"] | Sequence[int] = "present",
        *,
        from_logits: bool = False,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        include_background: bool = True,
        over: Literal["sample", "batch"] = "sample",
        smooth: float = 0.0,
        empty: Literal["score", "skip"] = "score",
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "lovasz_softmax",
        dtype: _DType = None,
    ) -> None: ...

class MatthewsCorrelation(Loss):
    from_logits: bool
    class_weights: list[float] | None
    ignore_class: int | None
    include_background: bool
    over: Literal["sample", "batch"]
    smooth: float
    empty: Literal["score", "skip"]
    def __init__(
        self,
        *,
        from_logits: bool = False,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        include_background: bool = True,
        over: Literal["sample", "batch"] = "sample",
        smooth: float = 0.0,
        empty: Literal["score", "skip"] = "score",
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "matthews_correlation",
        dtype: _DType = None,
    ) -> None: ...

class Tversky(Loss):
    fp_weight: float
    fn_weight: float
    intersection: Literal["product", "l1"]
    from_logits: bool
    class_weights: list[float] | None
    ignore_class: int | None
    include_background: bool
    over: Literal["sample", "batch"]
    smooth: float
    empty: Literal["score", "skip"]
    def __init__(
        self,
        fp_weight: float = 0.5,
        fn_weight: float = 0.5,
        *,
        intersection: Literal["product", "l1"] = "product",
        from_logits: bool = False,
        class_weights: _Numbers | None = None,
        ignore_class: int | None = None,
        include_background: bool = True,
        over: Literal["sample", "batch"] = "sample",
        smooth: float = 0.0,
        empty: Literal["score", "skip"] = "score",
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "tversky",
        dtype: _DType = None,
    ) -> None: ...

class GaussianKL(Loss):
    def __init__(
        self,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "gaussian_kl",
        dtype: _DType = None,
    ) -> None: ...

class AddLoss(keras.layers.Layer):
    loss: Loss
    weight: _Weight
    supports_masking: Any
    total: Any
    count: Any
    current: Any
    driven: Any
    def __init__(
        self,
        loss: _LossLike,
        weight: _Weight = 1.0,
        *,
        name: str | None = None,
        dtype: _DType = None,
        **options: Any,
    ) -> None: ...
    def call(self, inputs: Any, y_pred: Any = None, sample_weight: Any = None) -> Any: ...
    def compute_output_spec(
        self,
        inputs: Any,
        y_pred: Any = None,
        sample_weight: Any = None,
        **kwargs: Any,
    ) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class AddedLossLogger(keras.callbacks.Callback):
    def __init__(self) -> None: ...
    def on_train_begin(self, logs: Any = None) -> Any: ...
    def on_train_end(self, logs: Any = None) -> Any: ...
    def on_epoch_begin(self, epoch: Any, logs: Any = None) -> Any: ...
    def on_test_begin(self, logs: Any = None) -> Any: ...
    def on_test_end(self, logs: Any = None) -> Any: ...
    def on_epoch_end(self, epoch: Any, logs: Any = None) -> Any: ...

class AdjustableWeight(_KerasSchedule):
    value: float
    def __init__(self, value: float) -> None: ...
    def __call__(self, step: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...

class AtResolution(Loss):
    loss: Loss
    def __init__(
        self,
        loss: _LossLike,
        *,
        reduction: _Reduction | Literal["inherit"] = "inherit",
        name: str | None = "at_resolution",
        dtype: _DType = None,
    ) -> None: ...
    def operand(self, loss: _LossLike) -> Loss: ...
    def at_step(self, step: Any) -> Self: ...
    def operands(self) -> list[Loss]: ...
    def inputs(self, batch: Any) -> Any: ...
    def combine(self, found: Any) -> Any: ...

class CosineDense(keras.layers.Layer):
    units: int
    centers: int
    kernel_initializer: Any
    kernel_regularizer: Any
    kernel_constraint: Any
    input_spec: Any
    supports_masking: Any
    def __init__(
        self,
        units: int,
        centers: int = 1,
        kernel_initializer: Any = "glorot_uniform",
        kernel_regularizer: Any = None,
        kernel_constraint: Any = None,
        **options: Any,
    ) -> None: ...
    def build(self, input_shape: Any) -> Any: ...
    def call(self, inputs: Any) -> Any: ...
    def compute_output_shape(self, input_shape: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...

class CrossBatchMemory(keras.layers.Layer):
    loss: Loss
    size: int
    start: int
    supports_masking: Any
    def __init__(
        self,
        loss: _LossLike,
        size: int = 4096,
        start: int = 0,
        *,
        name: str | None = None,
        dtype: _DType = None,
        **options: Any,
    ) -> None: ...
    def build(self, input_shape: Any) -> Any: ...
    def call(self, inputs: Any, training: Any = None) -> Any: ...
    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any: ...
    def compute_output_spec(self, inputs: Any, training: Any = None) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class CyclicalAnnealing(_KerasSchedule):
    initial: float
    target: float
    name: str | None
    period: int
    cycles: int | None
    ramp: float
    shape: Literal["linear", "cosine", "sigmoid"]
    def __init__(
        self,
        period: int,
        cycles: int | None = None,
        ramp: float = 0.5,
        initial: float = 0.0,
        target: float = 1.0,
        shape: Literal["linear", "cosine", "sigmoid"] = "linear",
        name: str | None = None,
    ) -> None: ...
    def between(self, share: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    def __call__(self, step: Any) -> Any: ...

class DeepSupervision(Loss):
    loss: Loss
    weights: list[float]
    def __init__(
        self,
        loss: _LossLike,
        weights: _Numbers,
        *,
        reduction: _Reduction | Literal["inherit"] = "inherit",
        name: str | None = "deep_supervision",
        dtype: _DType = None,
    ) -> None: ...
    def operand(self, loss: _LossLike) -> Loss: ...
    def at_step(self, step: Any) -> Self: ...
    def operands(self) -> list[Loss]: ...
    def inputs(self, batch: Any) -> Any: ...
    def combine(self, found: Any) -> Any: ...
    def per_output(self, names: Any = None) -> Any: ...

class DistributionHead(keras.layers.Dense):
    loss: Loss
    events: int
    def __init__(self, loss: _LossLike, events: int = 1, **options: Any) -> None: ...
    def mean(self, raw: Any) -> Any: ...
    def stddev(self, raw: Any) -> Any: ...
    def quantile(self, raw: Any, p: Any) -> Any: ...
    def sample(self, raw: Any, seed: Any = None) -> Any: ...
    def parameters(self, raw: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class GradientPenalty(keras.layers.Layer):
    critic: Any
    kind: Literal["wgan_gp", "r1", "r2"]
    target: float
    weight: float
    seed: int | None
    generator: Any
    supports_masking: Any
    def __init__(
        self,
        critic: Any,
        kind: Literal["wgan_gp", "r1", "r2"] = "wgan_gp",
        target: float = 1.0,
        weight: float = 10.0,
        seed: int | None = None,
        **options: Any,
    ) -> None: ...
    def build(self, input_shape: Any) -> Any: ...
    def call(self, inputs: Any, fake: Any = None) -> Any: ...
    def compute_output_spec(self, inputs: Any, fake: Any = None, **kwargs: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class LearnedWeights(keras.Model):
    network: keras.Model
    rule: Literal["uncertainty", "bounded", "softmax"]
    terms: Any
    balance: Any
    term_metrics: Any
    weight_metrics: Any
    def __init__(
        self,
        network: keras.Model,
        loss: _LossLike | Sequence[_LossLike] | Mapping[str, _LossLike],
        rule: Literal["uncertainty", "bounded", "softmax"] = "uncertainty",
        **options: Any,
    ) -> None: ...
    def build(self, input_shape: Any) -> Any: ...
    def call(self, inputs: Any, training: Any = None) -> Any: ...
    def term_weights(self) -> dict[str, float]: ...
    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self: ...

class LinearCrossentropy(keras.layers.Layer):
    units: int
    chunk_size: int
    z_loss: float
    label_smoothing: float
    ignore_class: int | None
    soft_cap: float | None
    tied_to: Any
    kernel_initializer: Any
    kernel_regularizer: Any
    kernel_constraint: Any
    supports_masking: Any
    def __init__(
        self,
        units: int,
        chunk_size: int = 256,
        z_loss: float = 0.0,
        label_smoothing: float = 0.0,
        ignore_class: int | None = None,
        soft_cap: float | None = None,
        tied_to: Any = None,
        kernel_initializer: Any = "glorot_uniform",
        kernel_regularizer: Any = None,
        kernel_constraint: Any = None,
        **options: Any,
    ) -> None: ...
    def build(self, input_shape: Any) -> Any: ...
    def call(self, inputs: Any, ids: Any = None, sample_weight: Any = None) -> Any: ...
    def compute_output_spec(
        self,
        inputs: Any,
        ids: Any = None,
        sample_weight: Any = None,
        **kwargs: Any,
    ) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class LinearWarmup(_KerasSchedule):
    initial: float
    target: float
    name: str | None
    steps: int
    delay: int
    def __init__(
        self,
        steps: int,
        initial: float = 0.0,
        target: float = 1.0,
        delay: int = 0,
        name: str | None = None,
    ) -> None: ...
    def between(self, share: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    def __call__(self, step: Any) -> Any: ...

class TermMetric(keras.metrics.Metric):
    loss: Loss
    term: str | None
    weighted: bool
    total: Any
    count: Any
    def __init__(
        self,
        loss: _LossLike,
        term: str | None = None,
        weighted: bool = False,
        *,
        name: str | None = None,
        dtype: _DType = None,
    ) -> None: ...
    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any: ...
    def result(self) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class TerminateOnNonFiniteTerm(keras.callbacks.Callback):
    verbose: int
    report: dict[str, Any] | None
    def __init__(self, verbose: int = 1) -> None: ...
    def set_model(self, model: Any) -> Any: ...
    def on_train_begin(self, logs: Any = None) -> Any: ...
    def on_epoch_begin(self, epoch: Any, logs: Any = None) -> Any: ...
    def on_train_batch_end(self, batch: Any, logs: Any = None) -> Any: ...

class WeightScheduler(keras.callbacks.Callback):
    drives_weights: bool
    loss: Loss | None
    by: Literal["step", "epoch"]
    def __init__(self, loss: Loss | None = None, by: Literal["step", "epoch"] = "step") -> None: ...
    def set_model(self, model: Any) -> Any: ...
    def drives(self, source: Any, term: str | None) -> Any: ...
    def set_weight(self, term: str, value: Any) -> Any: ...
    def on_train_begin(self, logs: Any = None) -> Any: ...
    def on_train_end(self, logs: Any = None) -> Any: ...
    def on_epoch_begin(self, epoch: Any, logs: Any = None) -> Any: ...
    def on_train_batch_begin(self, batch: Any, logs: Any = None) -> Any: ...
    def on_test_begin(self, logs: Any = None) -> Any: ...
    def on_epoch_end(self, epoch: Any, logs: Any = None) -> Any: ...

def input_gradient(function: Any, x: Any, order: int = 1, create_graph: bool = True) -> Any: ...

class Angular(Loss):
    angle: float
    gather: bool
    def __init__(
        self,
        angle: float = 45.0,
        *,
        gather: bool = False,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "angular",
        dtype: _DType = None,
    ) -> None: ...

class ArcFace(Loss):
    margin: float
    scale: float
    def __init__(
        self,
        margin: float = 0.5,
        scale: float = 64.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "arc_face",
        dtype: _DType = None,
    ) -> None: ...

class Circle(Loss):
    gamma: float
    margin: float
    gather: bool
    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        *,
        gather: bool = False,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: _DType = None,
    ) -> None: ...

class Contrastive(Loss):
    margin: float
    def __init__(
        self,
        margin: float = 1.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "contrastive",
        dtype: _DType = None,
    ) -> None: ...

class CosFace(Loss):
    margin: float
    scale: float
    def __init__(
        self,
        margin: float = 0.35,
        scale: float = 64.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "cos_face",
        dtype: _DType = None,
    ) -> None: ...

class LiftedStructure(Loss):
    margin: float
    gather: bool
    def __init__(
        self,
        margin: float = 1.0,
        *,
        gather: bool = False,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "lifted_structure",
        dtype: _DType = None,
    ) -> None: ...

class MultiSimilarity(Loss):
    alpha: float
    beta: float
    base: float
    gather: bool
    def __init__(
        self,
        alpha: float = 2.0,
        beta: float = 50.0,
        base: float = 0.5,
        *,
        gather: bool = False,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "multi_similarity",
        dtype: _DType = None,
    ) -> None: ...

class NPairs(Loss):
    l2: float
    gather: bool
    def __init__(
        self,
        l2: float = 0.0,
        *,
        gather: bool = False,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "n_pairs",
        dtype: _DType = None,
    ) -> None: ...

class NormalizedSoftmax(Loss):
    temperature: float
    def __init__(
        self,
        temperature: float = 0.05,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "normalized_softmax",
        dtype: _DType = None,
    ) -> None: ...
    @property
    def scale(self) -> float: ...

class ProxyAnchor(Loss):
    margin: float
    scale: float
    gather: bool
    def __init__(
        self,
        margin: float = 0.1,
        scale: float = 32.0,
        *,
        gather: bool = False,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "proxy_anchor",
        dtype: _DType = None,
    ) -> None: ...

class ProxyNCA(Loss):
    scale: float
    def __init__(
        self,
        scale: float = 8.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "proxy_nca",
        dtype: _DType = None,
    ) -> None: ...

class SoftNearestNeighbor(Loss):
    temperature: float
    gather: bool
    def __init__(
        self,
        temperature: float = 1.0,
        *,
        gather: bool = False,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "soft_nearest_neighbor",
        dtype: _DType = None,
    ) -> None: ...

class SubCenterArcFace(ArcFace):
    centers: int
    margin: float
    scale: float
    def __init__(
        self,
        centers: int = 3,
        margin: float = 0.5,
        scale: float = 64.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "sub_center_arc_face",
        dtype: _DType = None,
    ) -> None: ...

class SupervisedContrastive(Loss):
    temperature: float
    gather: bool
    def __init__(
        self,
        temperature: float = 0.1,
        *,
        gather: bool = False,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "supervised_contrastive",
        dtype: _DType = None,
    ) -> None: ...

class Triplet(Loss):
    margin: float
    distance: Literal["euclidean", "squared_euclidean", "cosine"]
    def __init__(
        self,
        margin: float = 1.0,
        distance: Literal["euclidean", "squared_euclidean", "cosine"] = "euclidean",
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "triplet",
        dtype: _DType = None,
    ) -> None: ...

class TripletAll(Loss):
    margin: float
    distance: Literal["euclidean", "squared_euclidean", "cosine"]
    soft: bool
    gather: bool
    def __init__(
        self,
        margin: float = 1.0,
        distance: Literal["euclidean", "squared_euclidean", "cosine"] = "euclidean",
        soft: bool = False,
        *,
        gather: bool = False,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "triplet_all",
        dtype: _DType = None,
    ) -> None: ...

class TripletHard(Loss):
    margin: float
    distance: Literal["euclidean", "squared_euclidean", "cosine"]
    soft: bool
    gather: bool
    def __init__(
        self,
        margin: float = 1.0,
        distance: Literal["euclidean", "squared_euclidean", "cosine"] = "euclidean",
        soft: bool = False,
        *,
        gather: bool = False,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "triplet_hard",
        dtype: _DType = None,
    ) -> None: ...

class TripletSemiHard(Loss):
    margin: float
    distance: Literal["euclidean", "squared_euclidean", "cosine"]
    soft: bool
    gather: bool
    def __init__(
        self,
        margin: float = 1.0,
        distance: Literal["euclidean", "squared_euclidean", "cosine"] = "euclidean",
        soft: bool = False,
        *,
        gather: bool = False,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "triplet_semi_hard",
        dtype: _DType = None,
    ) -> None: ...

class DecoupledDistillation(Loss):
    alpha: float
    beta: float
    temperature: float
    def __init__(
        self,
        alpha: float = 1.0,
        beta: float = 8.0,
        temperature: float = 4.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "decoupled_distillation",
        dtype: _DType = None,
    ) -> None: ...

class RelationalDistillation(Loss):
    distance_weight: float
    angle_weight: float
    gather: bool
    def __init__(
        self,
        distance_weight: float = 25.0,
        angle_weight: float = 50.0,
        *,
        gather: bool = False,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "relational_distillation",
        dtype: _DType = None,
    ) -> None: ...

class Chamfer(Loss):
    squared: bool
    reduce_points: Literal["mean", "sum"]
    def __init__(
        self,
        squared: bool = True,
        reduce_points: Literal["mean", "sum"] = "mean",
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "chamfer",
        dtype: _DType = None,
    ) -> None: ...

class Sinkhorn(Loss):
    epsilon: float
    iterations: int
    power: float
    def __init__(
        self,
        epsilon: float = 0.05,
        iterations: int = 50,
        power: float = 2,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "sinkhorn",
        dtype: _DType = None,
    ) -> None: ...

class RelativisticAverage(Loss):
    kind: Literal["bce", "hinge", "squared"]
    def __init__(
        self,
        kind: Literal["bce", "hinge", "squared"] = "bce",
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "relativistic_average",
        dtype: _DType = None,
    ) -> None: ...

class Wasserstein(Loss):
    def __init__(
        self,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "wasserstein",
        dtype: _DType = None,
    ) -> None: ...

class CTC(Loss):
    blank: int
    padding: int
    zero_infinity: bool
    def __init__(
        self,
        blank: int = 0,
        padding: int = -1,
        zero_infinity: bool = True,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "ctc",
        dtype: _DType = None,
    ) -> None: ...

class SoftDTW(Loss):
    gamma: float
    divergence: bool
    bandwidth: float | None
    def __init__(
        self,
        gamma: float = 1.0,
        divergence: bool = False,
        bandwidth: float | None = None,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "soft_dtw",
        dtype: _DType = None,
    ) -> None: ...

class DPO(Loss):
    beta: float
    label_smoothing: float
    kind: Literal["sigmoid", "hinge", "ipo"]
    def __init__(
        self,
        beta: float = 0.1,
        label_smoothing: float = 0.0,
        kind: Literal["sigmoid", "hinge", "ipo"] = "sigmoid",
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "dpo",
        dtype: _DType = None,
    ) -> None: ...

class ORPO(Loss):
    beta: float
    def __init__(
        self,
        beta: float = 0.1,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "orpo",
        dtype: _DType = None,
    ) -> None: ...

class SimPO(Loss):
    beta: float
    margin: float
    def __init__(
        self,
        beta: float = 2.0,
        margin: float = 0.5,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "sim_po",
        dtype: _DType = None,
    ) -> None: ...

def sequence_log_probabilities(
    logits: Any,
    ids: Any,
    mask: Any = None,
    mean: bool = False,
) -> Any: ...

class BarlowTwins(Loss):
    redundancy_weight: float
    gather: bool
    def __init__(
        self,
        redundancy_weight: float = 0.005,
        *,
        gather: bool = False,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "barlow_twins",
        dtype: _DType = None,
    ) -> None: ...

class CoSENT(Loss):
    scale: float
    gather: bool
    def __init__(
        self,
        scale: float = 20.0,
        *,
        gather: bool = False,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "co_sent",
        dtype: _DType = None,
    ) -> None: ...

class DINO(Loss):
    student_temperature: float
    teacher_temperature: float
    centering: Literal["sinkhorn", "none"]
    gather: bool
    def __init__(
        self,
        student_temperature: float = 0.1,
        teacher_temperature: float = 0.04,
        centering: Literal["sinkhorn", "none"] = "sinkhorn",
        *,
        gather: bool = False,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "dino",
        dtype: _DType = None,
    ) -> None: ...

class DecoupledContrastive(Loss):
    temperature: float
    gather: bool
    def __init__(
        self,
        temperature: float = 0.1,
        *,
        gather: bool = False,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "decoupled_contrastive",
        dtype: _DType = None,
    ) -> None: ...

class InfoNCE(Loss):
    temperature: float
    symmetric: bool
    ids: bool
    log_q: bool
    gather: bool
    def __init__(
        self,
        temperature: float = 0.07,
        symmetric: bool = True,
        ids: bool = False,
        log_q: bool = False,
        *,
        gather: bool = False,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "info_nce",
        dtype: _DType = None,
    ) -> None: ...

class KoLeo(Loss):
    gather: bool
    def __init__(
        self,
        *,
        gather: bool = False,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "ko_leo",
        dtype: _DType = None,
    ) -> None: ...

class Matryoshka(WeightedSum):
    loss: Loss
    sizes: Any
    weights: list[float] | None
    def __init__(
        self,
        loss: _LossLike,
        sizes: Any,
        weights: _Numbers | None = None,
        *,
        reduction: _Reduction | Literal["inherit"] = "inherit",
        name: str | None = "matryoshka",
        dtype: _DType = None,
    ) -> None: ...

class MaximumMeanDiscrepancy(Loss):
    bandwidths: list[float]
    gather: bool
    def __init__(
        self,
        bandwidths: _Numbers = ...,
        *,
        gather: bool = False,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "maximum_mean_discrepancy",
        dtype: _DType = None,
    ) -> None: ...

class NTXent(Loss):
    temperature: float
    gather: bool
    def __init__(
        self,
        temperature: float = 0.5,
        *,
        gather: bool = False,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "nt_xent",
        dtype: _DType = None,
    ) -> None: ...

class NegativeCosine(Loss):
    def __init__(
        self,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "negative_cosine",
        dtype: _DType = None,
    ) -> None: ...

class SigLIP(Loss):
    temperature: float
    bias: float
    gather: bool
    def __init__(
        self,
        temperature: float = 10.0,
        bias: float = -10.0,
        *,
        gather: bool = False,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "sig_lip",
        dtype: _DType = None,
    ) -> None: ...

class SwAV(Loss):
    temperature: float
    epsilon: float
    iterations: int
    gather: bool
    def __init__(
        self,
        temperature: float = 0.1,
        epsilon: float = 0.05,
        iterations: int = 3,
        *,
        gather: bool = False,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "sw_av",
        dtype: _DType = None,
    ) -> None: ...

class VICReg(Loss):
    invariance: float
    variance: float
    covariance: float
    gather: bool
    def __init__(
        self,
        invariance: float = 25.0,
        variance: float = 25.0,
        covariance: float = 1.0,
        *,
        gather: bool = False,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "vic_reg",
        dtype: _DType = None,
    ) -> None: ...

class BoxIoU(Loss):
    mode: Literal["log", "linear", "quadratic"]
    box_format: Literal["xyxy", "yxyx", "xywh", "center_xywh"]
    def __init__(
        self,
        mode: Literal["log", "linear", "quadratic"] = "log",
        box_format: Literal["xyxy", "yxyx", "xywh", "center_xywh"] = "xyxy",
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "box_iou",
        dtype: _DType = None,
    ) -> None: ...

class CIoU(DIoU):
    box_format: Literal["xyxy", "yxyx", "xywh", "center_xywh"]
    def __init__(
        self,
        box_format: Literal["xyxy", "yxyx", "xywh", "center_xywh"] = "xyxy",
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "ciou",
        dtype: _DType = None,
    ) -> None: ...

class CenterNetFocal(Loss):
    alpha: float
    beta: float
    from_logits: bool
    def __init__(
        self,
        alpha: float = 2.0,
        beta: float = 4.0,
        from_logits: bool = False,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "center_net_focal",
        dtype: _DType = None,
    ) -> None: ...

class DIoU(Loss):
    box_format: Literal["xyxy", "yxyx", "xywh", "center_xywh"]
    def __init__(
        self,
        box_format: Literal["xyxy", "yxyx", "xywh", "center_xywh"] = "xyxy",
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "diou",
        dtype: _DType = None,
    ) -> None: ...

class DistributionFocal(Loss):
    def __init__(
        self,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "distribution_focal",
        dtype: _DType = None,
    ) -> None: ...

class GIoU(Loss):
    box_format: Literal["xyxy", "yxyx", "xywh", "center_xywh"]
    def __init__(
        self,
        box_format: Literal["xyxy", "yxyx", "xywh", "center_xywh"] = "xyxy",
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "giou",
        dtype: _DType = None,
    ) -> None: ...

class QualityFocal(Loss):
    beta: float
    from_logits: bool
    def __init__(
        self,
        beta: float = 2.0,
        from_logits: bool = False,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "quality_focal",
        dtype: _DType = None,
    ) -> None: ...

class Varifocal(Loss):
    alpha: float
    gamma: float
    from_logits: bool
    def __init__(
        self,
        alpha: float = 0.75,
        gamma: float = 2.0,
        from_logits: bool = False,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "varifocal",
        dtype: _DType = None,
    ) -> None: ...

class ApproxMRR(Loss):
    temperature: float
    def __init__(
        self,
        temperature: float = 0.1,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "approx_mrr",
        dtype: _DType = None,
    ) -> None: ...

class ApproxNDCG(Loss):
    temperature: float
    def __init__(
        self,
        temperature: float = 0.1,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "approx_ndcg",
        dtype: _DType = None,
    ) -> None: ...

class LambdaNDCG(Loss):
    sigma: float
    def __init__(
        self,
        sigma: float = 1.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "lambda_ndcg",
        dtype: _DType = None,
    ) -> None: ...

class ListMLE(Loss):
    def __init__(
        self,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "list_mle",
        dtype: _DType = None,
    ) -> None: ...

class ListSoftmax(Loss):
    def __init__(
        self,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "list_softmax",
        dtype: _DType = None,
    ) -> None: ...

class PairwiseHinge(Loss):
    def __init__(
        self,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "pairwise_hinge",
        dtype: _DType = None,
    ) -> None: ...

class PairwiseLogistic(Loss):
    def __init__(
        self,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "pairwise_logistic",
        dtype: _DType = None,
    ) -> None: ...

class PairwiseMeanSquared(Loss):
    def __init__(
        self,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "pairwise_mean_squared",
        dtype: _DType = None,
    ) -> None: ...

class PairwiseSoftZeroOne(Loss):
    def __init__(
        self,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "pairwise_soft_zero_one",
        dtype: _DType = None,
    ) -> None: ...

class EdgeAwareSmoothness(Loss):
    order: Literal[1, 2]
    def __init__(
        self,
        order: Literal[1, 2] = 1,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "edge_aware_smoothness",
        dtype: _DType = None,
    ) -> None: ...

class FeatureDistance(Loss):
    features: Any
    layers: Any
    layer_weights: list[float] | None
    match: Literal["features", "gram"]
    distance: Literal["squared", "absolute"]
    normalize: bool
    def __init__(
        self,
        features: Any,
        layers: Any = None,
        layer_weights: _Numbers | None = None,
        match: Literal["features", "gram"] = "features",
        distance: Literal["squared", "absolute"] = "squared",
        normalize: bool = False,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "feature_distance",
        dtype: _DType = None,
    ) -> None: ...

class FocalFrequency(Loss):
    alpha: float
    log_matrix: bool
    def __init__(
        self,
        alpha: float = 1.0,
        log_matrix: bool = False,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "focal_frequency",
        dtype: _DType = None,
    ) -> None: ...

class GradientDifference(Loss):
    operator: Literal["difference", "sobel"]
    power: float
    def __init__(
        self,
        operator: Literal["difference", "sobel"] = "difference",
        power: float = 1.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "gradient_difference",
        dtype: _DType = None,
    ) -> None: ...

class MultiScaleSSIM(Loss):
    max_value: float
    filter_size: int
    filter_sigma: float
    k1: float
    k2: float
    weights: list[float]
    def __init__(
        self,
        max_value: float = 1.0,
        filter_size: int = 11,
        filter_sigma: float = 1.5,
        k1: float = 0.01,
        k2: float = 0.03,
        weights: _Numbers = ...,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "multi_scale_ssim",
        dtype: _DType = None,
    ) -> None: ...

class PSNR(Loss):
    max_value: float
    def __init__(
        self,
        max_value: float = 1.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "psnr",
        dtype: _DType = None,
    ) -> None: ...

class SSIM(Loss):
    max_value: float
    filter_size: int
    filter_sigma: float
    k1: float
    k2: float
    def __init__(
        self,
        max_value: float = 1.0,
        filter_size: int = 11,
        filter_sigma: float = 1.5,
        k1: float = 0.01,
        k2: float = 0.03,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "ssim",
        dtype: _DType = None,
    ) -> None: ...

class TotalVariation(Loss):
    kind: Literal["anisotropic", "isotropic"]
    normalize: bool
    def __init__(
        self,
        kind: Literal["anisotropic", "isotropic"] = "anisotropic",
        normalize: bool = True,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "total_variation",
        dtype: _DType = None,
    ) -> None: ...

class BendingEnergy(Loss):
    normalize: bool
    def __init__(
        self,
        normalize: bool = False,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "bending_energy",
        dtype: _DType = None,
    ) -> None: ...

class DisplacementGradient(Loss):
    penalty: Literal["l2", "l1"]
    def __init__(
        self,
        penalty: Literal["l2", "l1"] = "l2",
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "displacement_gradient",
        dtype: _DType = None,
    ) -> None: ...

class LocalNormalizedCrossCorrelation(Loss):
    window: int
    kernel: Literal["box", "gaussian", "triangular"]
    epsilon: float
    def __init__(
        self,
        window: int = 9,
        kernel: Literal["box", "gaussian", "triangular"] = "box",
        epsilon: float = 1e-05,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "local_normalized_cross_correlation",
        dtype: _DType = None,
    ) -> None: ...

class MutualInformation(Loss):
    bins: int
    sigma_ratio: float
    value_range: Any
    def __init__(
        self,
        bins: int = 23,
        sigma_ratio: float = 0.5,
        value_range: Any = ...,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "mutual_information",
        dtype: _DType = None,
    ) -> None: ...

class MultiResolutionSTFT(Loss):
    fft_sizes: Any
    hop_sizes: Any
    window_lengths: Any
    convergence: float
    log_magnitude: float
    magnitude: float
    mel_bins: int | None
    sampling_rate: float | None
    def __init__(
        self,
        fft_sizes: Any = ...,
        hop_sizes: Any = ...,
        window_lengths: Any = ...,
        *,
        convergence: float = 1.0,
        log_magnitude: float = 1.0,
        magnitude: float = 0.0,
        mel_bins: int | None = None,
        sampling_rate: float | None = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "multi_resolution_stft",
        dtype: _DType = None,
    ) -> None: ...

class PermutationInvariant(Loss):
    loss: Loss
    axis: int
    def __init__(
        self,
        loss: _LossLike,
        axis: int = 1,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "permutation_invariant",
        dtype: _DType = None,
    ) -> None: ...

class SISDR(Loss):
    zero_mean: bool
    epsilon: float
    threshold: float | None
    def __init__(
        self,
        zero_mean: bool = True,
        epsilon: float = 1e-08,
        threshold: float | None = None,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "sisdr",
        dtype: _DType = None,
    ) -> None: ...

class STFT(Loss):
    fft_size: int
    hop_size: int
    window_length: int
    convergence: float
    log_magnitude: float
    magnitude: float
    mel_bins: int | None
    sampling_rate: float | None
    def __init__(
        self,
        fft_size: int = 1024,
        hop_size: int = 256,
        window_length: int = 1024,
        *,
        convergence: float = 1.0,
        log_magnitude: float = 1.0,
        magnitude: float = 0.0,
        mel_bins: int | None = None,
        sampling_rate: float | None = None,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "stft",
        dtype: _DType = None,
    ) -> None: ...

class LossProbe(keras.callbacks.Callback):
    """Records a loss's terms and watched values on fixed data while a model trains.

    It runs the model and the loss on `x`, `y` eagerly, between the compiled
    steps, which stay as they are.

    Args:
        x, y: the data to look at, a small batch.
        sample_weight: its weights, or `None`.
        every: `"epoch"`, or a number of batches.
        loss: the loss to look at; the one that the model was compiled with by
            default. Of a model with several outputs, give the loss of one and
            its `output`.
        output: the index or key of the output, for a model with several.

    After `fit`, `probe.history` holds `step`, `loss`, and one list for each
    term, by its name, and each weight that moves, as `<term>_weight`; `probe.watched`
    one list of arrays for each watched name. `keras_losskit.plot_terms(probe)` draws them.

    Raises:
        ValueError: for an `every` that is neither, and in `fit` where a model has several
            outputs and none was named.

    Example:

    >>> import keras, numpy as np, keras_losskit as kl
    >>> model = keras.Sequential([keras.layers.Dense(1)])
    >>> x, y = np.ones((8, 2)), np.ones((8, 1))
    >>> model.compile("sgd", loss=kl.MeanSquaredError() + 0.1 * kl.MeanAbsoluteError())
    >>> probe = kl.LossProbe(x[:4], y[:4])
    >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=[probe])
    >>> probe.history["step"], len(probe.history["mean_absolute_error"])
    ([1, 2], 2)
    """
    x: Any
    y: Any
    sample_weight: Any
    every: Literal["epoch"] | int
    loss: _LossLike | None
    output: str | int | None
    history: dict[str, list[float]]
    watched: dict[str, list[Any]]
    def __init__(
        self,
        x: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        every: Literal["epoch"] | int = "epoch",
        loss: _LossLike | None = None,
        output: str | int | None = None,
    ) -> None: ...
    def on_epoch_end(self, epoch: Any, logs: Any = None) -> Any: ...
    def on_train_batch_end(self, batch: Any, logs: Any = None) -> Any: ...
    def look(self, step: Any) -> Any:
        """Record once, under the number `step`."""

class LossReport:
    """The findings of `check_loss`; `str()` shows them as a table.

    Made by `check_loss`. `ok` says whether nothing is an error, `shown` what was shown to
    be right, in words; `report["name"]` is the finding of that name.

    Args:
        loss: the name of the loss.
        data: in words, the data it was checked on.
        findings: a list of `Finding`, kept with the worst first.
        checks: the checks that ran, with the seconds each took.
        backend: the backend that it ran on.

    Raises:
        KeyError: for a finding that there is not.
        LossCheckError: by `raise_if_failed()`, where something is an error.

    Example:

    >>> import keras_losskit
    >>> report = keras_losskit.check_loss(keras_losskit.Huber(), quick=True)
    >>> report.ok, [finding.name for finding in report.findings]
    (True, [])
    """
    loss: str
    data: str
    backend: str
    findings: list[_Finding]
    checks: dict[str, float]
    shown: Any
    def __init__(
        self,
        loss: str,
        data: str,
        findings: list[_Finding],
        checks: dict[str, float],
        backend: str,
    ) -> None: ...
    @property
    def ok(self) -> bool: ...
    def of(self, severity: Literal["error", "warning", "info"]) -> list[_Finding]:
        """The findings of one severity."""
    def __contains__(self, name: str) -> bool:
        """Whether there is a finding of that name."""
    def __getitem__(self, name: str) -> _Finding:
        """The first finding of that name."""
    def raise_if_failed(self) -> Self:
        """Raise `LossCheckError` (an `AssertionError`) where there is an error."""
    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON."""
    def to_json(self, **options: Any) -> str: ...
    def counts(self) -> str:
        """`1 error, 2 warnings, 1 note`, or `nothing found`."""
    def to_text(self, width: int = 100, colour: bool = False) -> str:
        """The report as a table of at most `width` columns."""

def check_loss(
    loss: _LossLike,
    y_true: Any = None,
    y_pred: Any = None,
    *,
    sample_weight: Any = None,
    shapes: _Shapes = None,
    quick: bool = False,
    checks: Iterable[str] = ...,
    progress: Callable[[str], object] | None = None,
) -> LossReport:
    """Examine a loss: a function, a loss of Keras, anybody's subclass, a combined one.

    It never raises for a bad loss, and leaves the loss and the seeds as they were.

    Args:
        loss: anything that `compile(loss=...)` takes for one output.
        y_true, y_pred: a batch to examine it on. Without one, made data is used,
            and the report says which.
        sample_weight: weights `(B,)` to examine it with.
        shapes: a hint for the made data: a pair of shapes, such as
            `((32, 1), (32, 1))`; a kind, such as `"binary"`, `"ids"`, `"map"` or
            `"boxes"`; or a dict with `y_true`, `y_pred` and `kind`.
        quick: leave out what is slow: XLA, a fresh process, timing.
        checks: which of `"graph"`, `"shape"`, `"gradient"`, `"numbers"`,
            `"weights"`, `"saving"`, `"cost"` to run.
        progress: called with the name of each check before it runs.

    Returns:
        A `LossReport`: `.ok`, `.findings`, a table as `str()`, `.to_dict()`,
        `.raise_if_failed()`.

    Raises:
        ValueError: for a check that there is not. Whatever the loss raises is a finding.

    Example:

    >>> import keras, keras_losskit
    >>> def rounded(y_true, y_pred):
    ...     return keras.ops.mean(keras.ops.abs(y_true - keras.ops.round(y_pred)), axis=-1)
    >>> report = keras_losskit.check_loss(rounded, quick=True)
    >>> report.ok, report["no-gradient"].check
    (False, 'gradient')
    """

def explain(
    loss: _LossLike,
    y_true: Any,
    y_pred: Any,
    sample_weight: Any = None,
    *,
    worst: int = 3,
) -> _Explanation:
    """The numbers behind a loss on one batch: per term, per sample, as NumPy.

    Args:
        loss: anything that `check_loss` takes; of a `WeightedSum` each term is shown.
        y_true, y_pred, sample_weight: the batch, arrays or tensors.
        worst: how many of the worst samples to name.

    Returns:
        An `Explanation`: `.total`, `.terms`, `.gradient`, `.watched`, a table as
        `str()`, `.plot()`.

    Raises:
        ValueError: where the loss itself refuses the batch, with its own words.

    Example:

    >>> import keras_losskit as kl
    >>> e = kl.explain(kl.MeanSquaredError() + 0.5 * kl.MeanAbsoluteError(), [[0.0], [0.0]],
    ...                [[2.0], [0.0]])
    >>> e.total, e["mean_absolute_error"].value    # (4 + 0)/2 + 0.5·(2 + 0)/2
    (2.5, 1.0)
    >>> e["mean_squared_error"].values.tolist()
    [4.0, 0.0]
    """

def plot_loss(*losses: _LossLike, reach: float | None = None, axes: Any = None) -> Any:
    """Draw value and gradient: against the error, or the probability of the true class.

    Args:
        *losses: one or more losses that take the same data.
        reach: how far the error goes, or the logits; 3 by default, and 6.
        axes: two matplotlib axes to draw on, or `None` for a new figure.

    Returns:
        The matplotlib figure.

    Raises:
        ImportError: without matplotlib.
        ValueError: for a loss that is no function of one error or one probability.
        TypeError: where no loss is given.

    Example:

    >>> import matplotlib, keras_losskit
    >>> matplotlib.use("agg")
    >>> figure = keras_losskit.plot_loss(keras_losskit.Huber(), keras_losskit.LogCosh())
    >>> [axes.get_xlabel() for axes in figure.axes][0] != ""
    True
    """

def plot_terms(history: Any, axes: Any = None) -> Any:
    """Draw the loss and its terms over time, and below them the weights that move.

    Args:
        history: a `LossProbe`, what `fit` returned, or a dict of lists. What is called
            `<term>_weight`, as `WeightScheduler` and `LossProbe` call it, is a weight.
        axes: matplotlib axes, two of them where weights move, or `None` for a new figure.

    Returns:
        The matplotlib figure.

    Raises:
        ImportError: without matplotlib.
        ValueError: for a history that is empty.

    Example:

    >>> import matplotlib, keras_losskit
    >>> matplotlib.use("agg")
    >>> figure = keras_losskit.plot_terms({"loss": [3.0, 2.0], "dice": [0.9, 0.5]})
    >>> len(figure.axes[0].lines)
    2
    """

def watch(name: str, tensor: _T) -> _T:
    """Show `tensor` under `name` to whoever watches; return it unchanged.

    Usable in any `call`, of a loss or a layer. It adds nothing to a compiled
    program: where nobody watches it does nothing, and while a graph is traced
    there are no values to show. The values are seen where the code runs
    eagerly: under `watching()`, in `explain`, and by `LossProbe` during `fit`.

    Args:
        name: what to call it.
        tensor: any tensor.

    Returns:
        `tensor`, the same object.

    Raises:
        ValueError, TypeError: under `watching()`, for what no tensor can be made of.

    Example:

    >>> import keras, keras_losskit
    >>> def loss(y_true, y_pred):
    ...     error = keras_losskit.watch("error", y_true - y_pred)
    ...     return keras.ops.mean(keras.ops.square(error), axis=-1)
    >>> with keras_losskit.watching() as seen:
    ...     value = loss(keras.ops.ones((1, 2)), keras.ops.zeros((1, 2)))
    >>> seen["error"].tolist()
    [[1.0, 1.0]]
    """

def watching() -> AbstractContextManager[_Seen]:
    """Collect what `watch` shows, as NumPy, by name. See `watch`.

    Each thread sees what it runs itself; of two that are nested, both see what the inner
    one does.

    Example:

    >>> import keras, keras_losskit
    >>> with keras_losskit.watching() as seen:
    ...     for x in (1.0, 2.0):
    ...         _ = keras_losskit.watch("x", keras.ops.convert_to_tensor(x))
    >>> float(seen["x"]), len(seen.all["x"])
    (2.0, 2)
    """

class _Explanation:
    """What `explain` returns; `str()` shows it as a table, `.plot()` draws it.

    Attributes:
        total: the loss, a float.
        terms: `{name: TermExplanation}`.
        gradient: d total / d y_pred, as NumPy, in the structure of y_pred.
        watched: what `watch` showed inside the loss.
        notes: what of the batch lies outside what the loss takes, in words.
    """
    loss: str
    total: float
    terms: dict[str, _TermExplanation]
    gradient: NDArray[Any]
    watched: dict[str, NDArray[Any]]
    notes: Any
    def __init__(
        self,
        loss: str,
        total: float,
        terms: dict[str, _TermExplanation],
        gradient: NDArray[Any],
        watched: dict[str, NDArray[Any]],
        notes: Any = ...,
    ) -> None: ...
    def __getitem__(self, name: str) -> _TermExplanation: ...
    def to_text(self, width: int = 100) -> str: ...
    def plot(self, axes: Any = None) -> Any:
        """Draw shares and per-sample values; returns the matplotlib figure."""

class _TermExplanation:
    """One term of a loss, on one batch.

    Attributes:
        name, weight: as in `loss.terms`; a loss without terms is one of weight 1.
        value: the term's number, before its weight.
        share: its part of the total, weight·value / total.
        values: one per sample or position, before weights, as NumPy.
        shape, dtype: of `values`.
        denominator: what the sum of the weighted values was divided by; `None`
            where the term is no such quotient.
        gradient_norm: the norm of weight · d value / d y_pred.
        worst: the samples with the largest values, the worst first.
    """
    name: str
    weight: float
    value: float
    share: float
    values: np.ndarray
    shape: tuple
    dtype: str
    denominator: float | None
    gradient_norm: float
    worst: tuple
    def __init__(
        self,
        name: str,
        weight: float,
        value: float,
        share: float,
        values: np.ndarray,
        shape: tuple,
        dtype: str,
        denominator: float | None,
        gradient_norm: float,
        worst: tuple,
    ) -> None: ...

class _Finding:
    """One thing that a check saw.

    Args:
        check: the check that saw it, such as "gradient".
        name: a short word for it, such as "wrong-gradient".
        severity: "error" (wrong in ordinary training), "warning" (wrong in some
            use, or costly), "info" (good to know).
        seen: what was seen, with its numbers.
        why: why it matters.
        mend: how to mend it.
        line: the line of the loss at fault, or `None`.
    """
    why: str
    mend: str
    line: _Line | None
    check: str
    name: str
    severity: str
    seen: str
    def __init__(
        self,
        check: str,
        name: str,
        severity: str,
        seen: str,
        why: str = "",
        mend: str = "",
        line: _Line | None = None,
    ) -> None: ...
    def to_dict(self) -> Any: ...

class _Line:
    """A line of source: where it is, and its text."""
    file: str
    line: int
    text: str
    def __init__(self, file: str, line: int, text: str) -> None: ...

class _Seen(dict[str, NDArray[Any]]):
    """The last value seen under each name, as NumPy; `.all` has every one.

    `.unseen` holds `(shape, dtype)` of what passed while a graph was traced,
    where there were no values.
    """
    all: dict[str, list[NDArray[Any]]]
    unseen: dict[str, tuple[tuple[int | None, ...], str]]
    def __init__(self) -> None: ...
    def see(self, name: str | None, tensor: Any) -> Any: ...
