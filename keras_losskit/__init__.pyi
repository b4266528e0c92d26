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

from keras_losskit.doctor.explain import Explanation as _Explanation
from keras_losskit.doctor.report import Finding as _Finding
from keras_losskit.doctor.watch import Seen as _Seen

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
    "AsymmetricMultiLabel",
    "BiTempered",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "Brier",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
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
    "AtResolution",
    "CosineDense",
    "CyclicalAnnealing",
    "DeepSupervision",
    "LearnedWeights",
    "LinearWarmup",
    "TermMetric",
    "TerminateOnNonFiniteTerm",
    "WeightScheduler",
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
    "BarlowTwins",
    "DecoupledContrastive",
    "InfoNCE",
    "KoLeo",
    "NTXent",
    "NegativeCosine",
    "SigLIP",
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
    "LossProbe",
    "LossReport",
    "check_loss",
    "explain",
    "plot_loss",
    "plot_report",
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
    """Base of every loss of the kit, and of yours."""
    observers: tuple[Any, ...]
    masked: bool
    reduction: str | None
    name: str
    def __init__(
        self,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "loss",
        dtype: _DType = None,
    ) -> None: ...
    @classmethod
    def default_name(cls) -> str:
        """The name of an instance that is given none."""
    @property
    def dtype(self) -> str:
        """The dtype of the computation, float32 or wider."""
    @property
    def effective_reduction(self) -> str | None:
        """The reduction applied here; combined losses may inherit theirs."""
    @property
    def applies_weights(self) -> bool:
        """Whether `call` takes the sample weights and applies them itself."""
    def call(self, y_true: Any, y_pred: Any, *args: Any, **kwargs: Any) -> Any: ...
    def prepare(self, y_true: Any, y_pred: Any) -> Any:
        """Cast and align the inputs of `call`; raise where they don't fit."""
    def input_mask(self, y_true: Any, y_pred: Any) -> Any:
        """Which positions exist at all, or `None` for all."""
    def value_mask(self, y_true: Any, y_pred: Any, mask: Any) -> Any:
        """Which values count in a mean, or `None` for all that exist."""
    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any: ...
    def evaluate(
        self,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,
        mask: Any = None,
    ) -> Any:
        """`__call__`, with the mask given rather than read off `y_pred`."""
    def reduce(self, values: Any, weights: Any, mask: Any) -> Any:
        """Reduce by this loss's own rule."""
    def weighable(self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any) -> Any:
        """Values, and the weights and mask that are still to be applied."""
    def cast(self, x: Any) -> Any:
        """`x` as a tensor of the computation's dtype."""
    def argument(self, name: str) -> Any:
        """What the constructor's argument `name` was given, from its attribute."""
    def get_config(self) -> dict[str, Any]:
        """Every argument of the constructor, as plain JSON."""
    @classmethod
    def from_config(cls, config_dict: dict[str, Any]) -> Self:
        """The loss that `get_config` described."""
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
    def on(self, *, y_true: _Selectors = None, y_pred: _Selectors = None) -> Select:
        """This loss on a part of its inputs; see `Select`."""
    def metrics(self, weighted: bool = False) -> list[TermMetric]:
        """One metric per term of this loss, for `compile`."""

@overload
def loss(
    function: _Masked | _Weighted | _MaskedAndWeighted,
    *,
    package: str = "Custom",
    name: str | None = None,
) -> _LossClass[...]: ...
@overload
def loss(
    function: Callable[Concatenate[Any, Any, _P], Any],
    *,
    package: str = "Custom",
    name: str | None = None,
) -> _LossClass[_P]: ...
@overload
def loss(
    function: None = None,
    *,
    package: str = "Custom",
    name: str | None = None,
) -> _Decorator: ...

def as_loss(identifier: _LossLike | dict[str, Any]) -> Loss:
    """Turn anything that Keras accepts as a loss into a `keras_losskit.Loss`."""

class FunctionLoss(Loss):
    """A registered function `f(y_true, y_pred)` that returns values, as a term."""
    function: Callable[..., Any]
    def __init__(
        self,
        function: Callable[..., Any],
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "function_loss",
        dtype: _DType = None,
    ) -> None: ...

class KerasLoss(Loss):
    """A `keras.losses.Loss` that is not of the kit, as a term."""
    loss: keras.losses.Loss
    def __init__(
        self,
        loss: keras.losses.Loss,
        *,
        reduction: _Reduction | Literal["inherit"] = "inherit",
        name: str | None = "keras_loss",
        dtype: _DType = None,
    ) -> None: ...
    @property
    def from_logits(self) -> bool | None:
        """As the loss says; `None` where it has no such option."""

class Product(Loss):
    """Product of losses, value by value: (L₁·L₂)ᵢ, then weighted and reduced."""
    factors: list[Loss]
    def __init__(
        self,
        factors: Sequence[_LossLike],
        *,
        reduction: _Reduction | Literal["inherit"] = "inherit",
        name: str | None = "product",
        dtype: _DType = None,
    ) -> None: ...
    def operand(self, loss: _LossLike) -> Loss:
        """`loss` as an operand of this one, under its reduction and dtype."""
    def operands(self) -> list[Loss]: ...

class Select(Loss):
    """A loss on a part of `y_pred`, of `y_true`, or of both."""
    loss: Loss
    y_true: _Selectors
    y_pred: _Selectors
    def __init__(
        self,
        loss: _LossLike,
        *,
        y_true: _Selectors = None,
        y_pred: _Selectors = None,
        reduction: _Reduction | Literal["inherit"] = "inherit",
        name: str | None = "select",
        dtype: _DType = None,
    ) -> None: ...
    def operand(self, loss: _LossLike) -> Loss:
        """`loss` as an operand of this one, under its reduction and dtype."""
    def operands(self) -> list[Loss]: ...
    @property
    def selected_part(self) -> Any:
        """Which part of `y_pred` this looks at, as a key."""

class WeightedSum(Loss):
    """Sum of losses, each with a weight: Σ wᵢ·Lᵢ."""
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
    def operand(self, loss: _LossLike) -> Loss:
        """`loss` as an operand of this one, under its reduction and dtype."""
    def operands(self) -> list[Loss]: ...
    def weight(self, name: str) -> Any:
        """The current weight of a term: a number, or the driven value."""
    @property
    def schedules(self) -> dict[str, _Schedule]:
        """The weights that are schedules, by the name of their term."""
    @property
    def undriven(self) -> list[str]:
        """The names of the terms whose scheduled weight nothing drives."""
    def drive(self, name: str, variable: Any) -> Any:
        """Let a scheduled weight be what `variable` holds; `WeightScheduler` does."""
    def at_step(self, step: Any) -> WeightedSum:
        """A copy whose scheduled weights are fixed at what they are at `step`."""
    def term_values(
        self,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,
    ) -> dict[str, Any]:
        """Each term's own number, by name, before its weight in the sum."""
    @overload
    def __mul__(self, other: _LossLike, /) -> Product | WeightedSum: ...
    @overload
    def __mul__(self, other: _Weight, /) -> WeightedSum: ...
    @overload
    def __rmul__(self, other: _LossLike, /) -> Product | WeightedSum: ...
    @overload
    def __rmul__(self, other: _Weight, /) -> WeightedSum: ...

class Barron(Loss):
    """General robust loss: (|a - 2|/a)·((x²/|a - 2| + 1)^(a/2) - 1), x = d/c."""
    alpha: float
    scale: float
    def __init__(
        self,
        alpha: float = 1.0,
        scale: float = 1.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "barron",
        dtype: _DType = None,
    ) -> None: ...

class Cauchy(Loss):
    """Cauchy (Lorentzian) loss: log(1 + (d/c)²/2), d = y_pred - y_true."""
    scale: float
    def __init__(
        self,
        scale: float = 1.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "cauchy",
        dtype: _DType = None,
    ) -> None: ...

class ChannelWeightedSquaredError(Loss):
    """Squared error with a weight for each output channel: mean over D of w·d²."""
    weights: list[float] | None
    def __init__(
        self,
        weights: _Numbers | None,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "channel_weighted_squared_error",
        dtype: _DType = None,
    ) -> None: ...

class Charbonnier(Loss):
    """Charbonnier loss: √(d² + epsilon²) - epsilon, d = y_pred - y_true."""
    epsilon: float
    def __init__(
        self,
        epsilon: float = 0.001,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "charbonnier",
        dtype: _DType = None,
    ) -> None: ...

class CosineSimilarity(Loss):
    """Cosine similarity: -cos of the angle between y_true and y_pred."""
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
    """Absolute error outside a dead zone: |d| where |d| > threshold, else 0."""
    threshold: float
    def __init__(
        self,
        threshold: float = 0.5,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "dead_zone_absolute_error",
        dtype: _DType = None,
    ) -> None: ...

class EpsilonInsensitive(Loss):
    """Epsilon-insensitive loss: max(|d| - epsilon, 0), d = y_pred - y_true."""
    epsilon: float
    def __init__(
        self,
        epsilon: float = 0.1,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "epsilon_insensitive",
        dtype: _DType = None,
    ) -> None: ...

class Expectile(Loss):
    """Expectile loss: |tau - 1[e < 0]|·e², e = y_true - y_pred."""
    tau: float
    def __init__(
        self,
        tau: float = 0.5,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "expectile",
        dtype: _DType = None,
    ) -> None: ...

class GammaDeviance(Loss):
    """Gamma deviance: 2·(log(ŷ/y) + y/ŷ - 1), y the target, ŷ `y_pred`."""

class GemanMcClure(Loss):
    """Geman-McClure loss: 2(d/c)²/((d/c)² + 4), d = y_pred - y_true."""
    scale: float
    def __init__(
        self,
        scale: float = 1.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "geman_mc_clure",
        dtype: _DType = None,
    ) -> None: ...

class Huber(Loss):
    """Huber's loss: d²/2 where |d| <= delta, else delta·|d| - delta²/2."""
    delta: float
    def __init__(
        self,
        delta: float = 1.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "huber",
        dtype: _DType = None,
    ) -> None: ...

class LogCosh(Loss):
    """Logarithm of the hyperbolic cosine: log cosh d, d = y_pred - y_true."""

class MeanAbsoluteError(Loss):
    """Mean absolute error: |d|, d = y_pred - y_true."""

class MeanAbsolutePercentageError(Loss):
    """Mean absolute percentage error: 100·|d|/max(|y_true|, epsilon)."""

class MeanSquaredError(Loss):
    """Mean squared error: d², d = y_pred - y_true."""

class MeanSquaredLogarithmicError(Loss):
    """Mean squared logarithmic error: (log(1 + y_pred) - log(1 + y_true))²."""

class Pinball(Loss):
    """Pinball (quantile) loss: max(tau·e, (tau - 1)·e), e = y_true - y_pred."""
    tau: float | list[float]
    def __init__(
        self,
        tau: float | _Numbers = 0.5,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "pinball",
        dtype: _DType = None,
    ) -> None: ...

class Poisson(Loss):
    """Poisson loss: y_pred - y_true·log(y_pred + epsilon)."""

class RangeWeightedSquaredError(Loss):
    """Squared error that costs more where the prediction leaves a range."""
    low: float
    high: float
    outside_weight: float
    def __init__(
        self,
        low: float = 0.2,
        high: float = 0.8,
        outside_weight: float = 3.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "range_weighted_squared_error",
        dtype: _DType = None,
    ) -> None: ...

class ReverseHuber(Loss):
    """Reverse Huber (berHu): |d| where |d| <= c, else (d² + c²)/(2c)."""
    threshold: float
    def __init__(
        self,
        threshold: float = 1.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "reverse_huber",
        dtype: _DType = None,
    ) -> None: ...

class RootMeanSquaredError(Loss):
    """Root mean squared error: √(mean over the last axis of d²), d = y_pred - y_true."""

class ScaleInvariantLog(Loss):
    """Scale-invariant log error: √(mean h² - λ·(mean h)²), h = log(ŷ/y)."""
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
    """Smooth L1: d²/(2·beta) where |d| <= beta, else |d| - beta/2."""
    beta: float
    def __init__(
        self,
        beta: float = 1.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "smooth_l1",
        dtype: _DType = None,
    ) -> None: ...

class SymmetricMeanAbsolutePercentageError(Loss):
    """Symmetric percentage error: 200·|d|/(|y_true| + |y_pred|), 0/0 = 0."""

class TukeyBiweight(Loss):
    """Tukey's biweight: c²/6·(1 - (1 - (d/c)²)³) where |d| <= c, else c²/6."""
    threshold: float
    def __init__(
        self,
        threshold: float = 4.685,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "tukey_biweight",
        dtype: _DType = None,
    ) -> None: ...

class Tweedie(Loss):
    """Tweedie loss: -y·ŷ^(1-p)/(1-p) + ŷ^(2-p)/(2-p), y the target, ŷ `y_pred`."""
    power: float
    def __init__(
        self,
        power: float = 1.5,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "tweedie",
        dtype: _DType = None,
    ) -> None: ...

class Welsch(Loss):
    """Welsch (Leclerc) loss: 1 - exp(-(d/c)²/2), d = y_pred - y_true."""
    scale: float
    def __init__(
        self,
        scale: float = 1.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "welsch",
        dtype: _DType = None,
    ) -> None: ...

class Wing(Loss):
    """Wing loss: w·ln(1 + |d|/ε) where |d| < w, else |d| - C."""
    width: float
    curvature: float
    def __init__(
        self,
        width: float = 10.0,
        curvature: float = 2.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "wing",
        dtype: _DType = None,
    ) -> None: ...

class AsymmetricMultiLabel(Loss):
    """Asymmetric loss: -(g·(1-p)^a·log p + (1-g)·q^b·log(1-q)), q = max(p - clip, 0)."""
    gamma_pos: float
    gamma_neg: float
    clip: float
    from_logits: bool
    label_smoothing: float
    def __init__(
        self,
        gamma_pos: float = 0.0,
        gamma_neg: float = 4.0,
        clip: float = 0.05,
        from_logits: bool = False,
        *,
        label_smoothing: float = 0.0,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "asymmetric_multi_label",
        dtype: _DType = None,
    ) -> None: ...

class BiTempered(Loss):
    """Bi-tempered logistic loss: Σ_c g_c·(log_t1 g_c - log_t1 p_c) - (g_c^a - p_c^a)/a."""
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
    """Binary cross-entropy: -(w·g·log p + (1 - g)·log(1 - p))."""
    from_logits: bool
    label_smoothing: float
    pos_weight: float | None
    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        pos_weight: float | None = None,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: _DType = None,
    ) -> None: ...

class BinaryFocalCrossentropy(Loss):
    """Binary focal loss: a·(1 - p_t)^gamma·BCE(g, p), p_t = g·p + (1-g)(1-p)."""
    gamma: float
    alpha: float | None
    from_logits: bool
    label_smoothing: float
    def __init__(
        self,
        gamma: float = 2.0,
        alpha: float | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: _DType = None,
    ) -> None: ...

class Brier(Loss):
    """Brier score: Σ_c (p_c - g_c)²."""
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
    """Categorical cross-entropy: -Σ_c w_c·g_c·log p_c, plus z_loss·(log Z)²."""
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
    """Categorical focal loss: -Σ_c w_c·g_c·(1 - p_c)^gamma·log p_c."""
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
    """Categorical hinge loss: max(1 + max_c (1 - g_c)·z_c - Σ_c g_c·z_c, 0)."""
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

class CumulativeOrdinal(Loss):
    """Cumulative ordinal loss: Σ_k BCE(z_k, 1[y > k])."""

class Distillation(Loss):
    """Knowledge distillation: T²·KL(softmax(t/T) ‖ softmax(s/T))."""
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
    """Generalized cross-entropy: (1 - p_t^q)/q, p_t = Σ_c g_c·p_c."""
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
    """Mean of the hardest values of each sample: the largest max(1, ⌈f·N⌉) of N."""
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
    def operand(self, loss: _LossLike) -> Loss:
        """`loss` under this one's dtype; its own reduction is not used."""
    def operands(self) -> list[Loss]: ...

class Hinge(Loss):
    """Hinge loss: max(1 - y·z, 0), y = -1 or 1."""

class JensenShannon(Loss):
    """Jensen-Shannon divergence: w·KL(g ‖ m) + (1-w)·KL(p ‖ m), m = w·g + (1-w)·p."""
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
    """Kullback-Leibler divergence: KL(g ‖ p) = Σ_c g_c·log(g_c/p_c)."""
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
    """Label-distribution-aware margin loss: CE(scale·(z - m·g)), m_c ∝ n_c^(-1/4)."""
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
    """Logit-adjusted cross-entropy: CE(z + tau·log prior)."""
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
    """Normalized cross-entropy: Σ_c w_c·g_c·log p_c / Σ_k log p_k."""
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
    """Poly-1 cross-entropy: CE + epsilon·(1 - p_t), p_t = Σ_c g_c·p_c."""
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
    """Reverse cross-entropy: -Σ_c p_c·max(log g_c, A), A standing for log 0."""
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
    """Sparsemax loss: p·z - ‖p‖²/2 - g·z + ‖g‖²/2, p = sparsemax(z)."""
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
    """Squared earth mover's distance: Σ_k (P_k - G_k)², cumulated p and g."""
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
    """Squared hinge loss: max(1 - y·z, 0)², y = -1 or 1."""

class SymmetricCrossentropy(Loss):
    """Symmetric cross-entropy: alpha·CE + beta·RCE."""
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
    """Weighted kappa loss: log(Σ_i Σ_c d(y_i, c)·p_ic / Σ_ac d(a, c)·G_a·P_c/N)."""
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

def class_balanced_weights(class_counts: _Numbers, beta: float = 0.999) -> list[float]:
    """Weights (1 - beta)/(1 - beta^n) of classes with n samples, scaled to average 1."""

class Boundary(Loss):
    """Boundary loss: mean of φ_g·p over positions, per class."""
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
    """Centerline Dice: 1 - 2·T·S/(T + S), T = (Σs_p·g + s)/(Σs_p + s), S = (Σs_g·p + s)/(Σs_g + s)."""
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
    """Dice loss: 1 - (2·Σpg + s)/(Σp + Σg + s), per class, then the class mean."""
    squared: bool
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
    """a·mean_c (-log Dice_c)^gamma + b·mean over positions of w·(-log p_t)^gamma."""
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
    """Focal Tversky loss: (1 - TI)^gamma per class, TI = (TP + s)/(TP + w_fp·FP + w_fn·FN + s)."""
    fp_weight: float
    fn_weight: float
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
        fp_weight: float = 0.3,
        fn_weight: float = 0.7,
        gamma: float = 0.75,
        *,
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
    """Generalized Dice: 1 - 2·Σ_c w_c Σpg / Σ_c w_c Σ(p + g), one ratio for all classes."""
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
    """Hausdorff distance loss: mean of (p - g)²·(D_p^alpha + D_g^alpha), per class."""
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
    """Jaccard loss: 1 - (Σpg + s)/(Σp + Σg - Σpg + s), per class, then the class mean."""
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
        name: str | None = "jaccard",
        dtype: _DType = None,
    ) -> None: ...

class LogCoshDice(Loss):
    """Log-cosh Dice: log cosh(1 - mean Dice score), on the mean over classes."""
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
        name: str | None = "log_cosh_dice",
        dtype: _DType = None,
    ) -> None: ...

class LovaszHinge(Loss):
    """Lovász hinge: the Lovász extension of the Jaccard loss at max(0, 1 - z·(2g - 1))."""
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
    """Lovász-Softmax: the Lovász extension of the Jaccard loss at |g - p|, per class."""
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
    """Matthews correlation loss: 1 - (TP·TN - FP·FN)/√((TP+FP)(TP+FN)(TN+FP)(TN+FN))."""
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
    """Tversky loss: 1 - (TP + s)/(TP + w_fp·FP + w_fn·FN + s), per class."""
    fp_weight: float
    fn_weight: float
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
    """KL divergence of N(μ, e^s) from N(0, 1): ½·Σ(μ² + e^s - 1 - s)."""

class AddLoss(keras.layers.Layer):
    """Adds a loss on its inputs to the model's, and returns them unchanged."""
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
    def call(self, inputs: Any) -> Any: ...
    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class AddedLossLogger(keras.callbacks.Callback):
    """Logs the loss of every `AddLoss` layer, under the layer's name."""
    def __init__(self) -> None: ...
    def on_train_begin(self, logs: Any = None) -> Any: ...
    def on_train_end(self, logs: Any = None) -> Any: ...
    def on_epoch_begin(self, epoch: Any, logs: Any = None) -> Any: ...
    def on_test_begin(self, logs: Any = None) -> Any: ...
    def on_test_end(self, logs: Any = None) -> Any: ...
    def on_epoch_end(self, epoch: Any, logs: Any = None) -> Any: ...

class AtResolution(Loss):
    """A loss whose targets are brought to the resolution of the predictions."""
    loss: Loss
    def __init__(
        self,
        loss: _LossLike,
        *,
        reduction: _Reduction | Literal["inherit"] = "inherit",
        name: str | None = "at_resolution",
        dtype: _DType = None,
    ) -> None: ...
    def operand(self, loss: _LossLike) -> Loss:
        """`loss` as an operand of this one, under its reduction and dtype."""
    def operands(self) -> list[Loss]: ...

class CosineDense(keras.layers.Layer):
    """Cosines of the inputs to one learned vector per class (or proxy)."""
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

class CyclicalAnnealing(_KerasSchedule):
    """From `initial` to `target` again and again, with a rest at `target`."""
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
    def between(self, share: Any) -> Any:
        """`initial` at a share of 0, `target` at 1 and above."""
    def get_config(self) -> dict[str, Any]: ...
    def __call__(self, step: Any) -> Any: ...

class DeepSupervision(Loss):
    """Σ_i w_i·L at each of several resolutions of a network's outputs."""
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
    def operand(self, loss: _LossLike) -> Loss:
        """`loss` as an operand of this one, under its reduction and dtype."""
    def operands(self) -> list[Loss]: ...
    def per_output(self, names: Any = None) -> Any:
        """The losses for `compile`: a list, or a dict with the outputs' `names`."""

class LearnedWeights(keras.Model):
    """A network and its loss, whose terms' weights are learned with the network."""
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
    def term_weights(self) -> dict[str, float]:
        """The current weight of each term, w·v(s), by name."""
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

class LinearWarmup(_KerasSchedule):
    """From `initial` to `target` in a straight line over `steps`, then constant."""
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
    def between(self, share: Any) -> Any:
        """`initial` at a share of 0, `target` at 1 and above."""
    def get_config(self) -> dict[str, Any]: ...
    def __call__(self, step: Any) -> Any: ...

class TermMetric(keras.metrics.Metric):
    """The value of one term of a loss, averaged as Keras averages the loss."""
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
    """Stops training where the loss is NaN or infinite, and names the term."""
    verbose: int
    report: dict[str, Any] | None
    def __init__(self, verbose: int = 1) -> None: ...
    def set_model(self, model: Any) -> Any: ...
    def on_train_begin(self, logs: Any = None) -> Any: ...
    def on_epoch_begin(self, epoch: Any, logs: Any = None) -> Any: ...
    def on_train_batch_end(self, batch: Any, logs: Any = None) -> Any: ...

class WeightScheduler(keras.callbacks.Callback):
    """Moves the weights that are schedules, and logs them."""
    drives_weights: bool
    loss: Loss | None
    by: Literal["step", "epoch"]
    def __init__(self, loss: Loss | None = None, by: Literal["step", "epoch"] = "step") -> None: ...
    def set_model(self, model: Any) -> Any: ...
    def on_train_begin(self, logs: Any = None) -> Any: ...
    def on_train_end(self, logs: Any = None) -> Any: ...
    def on_epoch_begin(self, epoch: Any, logs: Any = None) -> Any: ...
    def on_train_batch_begin(self, batch: Any, logs: Any = None) -> Any: ...
    def on_test_begin(self, logs: Any = None) -> Any: ...
    def on_epoch_end(self, epoch: Any, logs: Any = None) -> Any: ...

class Angular(Loss):
    """Angular loss: mean over p of log(1 + Σ_n exp(f_apn))."""
    angle: float
    def __init__(
        self,
        angle: float = 45.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "angular",
        dtype: _DType = None,
    ) -> None: ...

class ArcFace(Loss):
    """ArcFace: cross-entropy of s·cos(θ + m) for the true class, s·cos θ for others."""
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
    """Circle loss: log(1 + Σ_n e^(γ·w_n·(1 - m - d_n)) · Σ_p e^(-γ·w_p·(m - d_p)))."""
    gamma: float
    margin: float
    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: _DType = None,
    ) -> None: ...

class Contrastive(Loss):
    """Contrastive loss: y·d² + (1 - y)·max(margin - d, 0)²."""
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
    """CosFace: cross-entropy of s·(cos θ - m·g)."""
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
    """Lifted structured loss: mean over p of ½·max(0, J)²."""
    margin: float
    def __init__(
        self,
        margin: float = 1.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "lifted_structure",
        dtype: _DType = None,
    ) -> None: ...

class MultiSimilarity(Loss):
    """Multi-similarity: log(1 + Σ_p e^(-α(s - λ)))/α + log(1 + Σ_n e^(β(s - λ)))/β."""
    alpha: float
    beta: float
    base: float
    def __init__(
        self,
        alpha: float = 2.0,
        beta: float = 50.0,
        base: float = 0.5,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "multi_similarity",
        dtype: _DType = None,
    ) -> None: ...

class NPairs(Loss):
    """N-pairs loss: -log(e^(a_i·p_i) / Σ_j e^(a_i·p_j)) + ¼·l2·(|a_i|² + |p_i|²)."""
    l2: float
    def __init__(
        self,
        l2: float = 0.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "n_pairs",
        dtype: _DType = None,
    ) -> None: ...

class NormalizedSoftmax(Loss):
    """Normalised softmax: cross-entropy of the logits cos/T."""
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
    """Proxy-Anchor: the proxies are anchors, the batch's samples their pairs."""
    margin: float
    scale: float
    def __init__(
        self,
        margin: float = 0.1,
        scale: float = 32.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "proxy_anchor",
        dtype: _DType = None,
    ) -> None: ...

class ProxyNCA(Loss):
    """Proxy-NCA: -log(e^(s·cos_y) / Σ_(c≠y) e^(s·cos_c))."""
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
    """Soft nearest neighbour loss: -log(Σ_p e^(-d_ap²/T) / Σ_k e^(-d_ak²/T))."""
    temperature: float
    def __init__(
        self,
        temperature: float = 1.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "soft_nearest_neighbor",
        dtype: _DType = None,
    ) -> None: ...

class SubCenterArcFace(ArcFace):
    """Sub-center ArcFace: `ArcFace` on the nearest of several centers of each class."""
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
    """Supervised contrastive loss: -mean over p of log(e^(s_ap/T) / Σ_k e^(s_ak/T))."""
    temperature: float
    def __init__(
        self,
        temperature: float = 0.1,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "supervised_contrastive",
        dtype: _DType = None,
    ) -> None: ...

class Triplet(Loss):
    """Triplet loss on given triplets: max(d_ap - d_an + margin, 0)."""
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
    """Batch-all triplet loss: the mean of max(d_ap - d_an + margin, 0) where it is > 0."""
    margin: float
    distance: Literal["euclidean", "squared_euclidean", "cosine"]
    soft: bool
    def __init__(
        self,
        margin: float = 1.0,
        distance: Literal["euclidean", "squared_euclidean", "cosine"] = "euclidean",
        soft: bool = False,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "triplet_all",
        dtype: _DType = None,
    ) -> None: ...

class TripletHard(Loss):
    """Batch-hard triplet loss: max(max_p d_ap - min_n d_an + margin, 0)."""
    margin: float
    distance: Literal["euclidean", "squared_euclidean", "cosine"]
    soft: bool
    def __init__(
        self,
        margin: float = 1.0,
        distance: Literal["euclidean", "squared_euclidean", "cosine"] = "euclidean",
        soft: bool = False,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "triplet_hard",
        dtype: _DType = None,
    ) -> None: ...

class TripletSemiHard(Loss):
    """Semi-hard triplet loss: mean over p of max(d_ap - d_an(p) + margin, 0)."""
    margin: float
    distance: Literal["euclidean", "squared_euclidean", "cosine"]
    soft: bool
    def __init__(
        self,
        margin: float = 1.0,
        distance: Literal["euclidean", "squared_euclidean", "cosine"] = "euclidean",
        soft: bool = False,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "triplet_semi_hard",
        dtype: _DType = None,
    ) -> None: ...

class BarlowTwins(Loss):
    """Barlow Twins: Σ_i (1 - C_ii)² + λ·Σ_(i≠j) C_ij²."""
    redundancy_weight: float
    def __init__(
        self,
        redundancy_weight: float = 0.005,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "barlow_twins",
        dtype: _DType = None,
    ) -> None: ...

class DecoupledContrastive(Loss):
    """Decoupled contrastive loss: -s_ij/T + log Σ_k e^(s_ik/T), without k = j."""
    temperature: float
    def __init__(
        self,
        temperature: float = 0.1,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "decoupled_contrastive",
        dtype: _DType = None,
    ) -> None: ...

class InfoNCE(Loss):
    """InfoNCE: -log(e^(s_ii/T) / Σ_j e^(s_ij/T)), s the cosines across views."""
    temperature: float
    symmetric: bool
    def __init__(
        self,
        temperature: float = 0.07,
        symmetric: bool = True,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "info_nce",
        dtype: _DType = None,
    ) -> None: ...

class KoLeo(Loss):
    """KoLeo: -log of the distance to the nearest other embedding, on the unit sphere."""

class NTXent(Loss):
    """NT-Xent (SimCLR): -log(e^(s_ij/T) / Σ_(k≠i) e^(s_ik/T)), s cosines."""
    temperature: float
    def __init__(
        self,
        temperature: float = 0.5,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "nt_xent",
        dtype: _DType = None,
    ) -> None: ...

class NegativeCosine(Loss):
    """Negative cosine: -cos(y_true, y_pred), the loss of SimSiam and BYOL."""

class SigLIP(Loss):
    """Sigmoid loss of SigLIP: Σ_j softplus(-l_ij·(t·s_ij + b)), l 1 on the diagonal, else -1."""
    temperature: float
    bias: float
    def __init__(
        self,
        temperature: float = 10.0,
        bias: float = -10.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "sig_lip",
        dtype: _DType = None,
    ) -> None: ...

class VICReg(Loss):
    """VICReg: invariance·MSE + variance·(v(a) + v(b))/2 + covariance·(c(a) + c(b))."""
    invariance: float
    variance: float
    covariance: float
    def __init__(
        self,
        invariance: float = 25.0,
        variance: float = 25.0,
        covariance: float = 1.0,
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "vic_reg",
        dtype: _DType = None,
    ) -> None: ...

class BoxIoU(Loss):
    """Intersection over union of boxes: -log IoU, 1 - IoU or 1 - IoU²."""
    mode: Literal["log", "linear", "quadratic"]
    box_format: Literal["xyxy", "yxyx", "xywh", "center_xywh"]
    def __init__(
        self,
        mode: Literal["log", "linear", "quadratic"] = "log",
        box_format: Literal["xyxy", "yxyx", "xywh", "center_xywh"] = "xyxy",
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "box_io_u",
        dtype: _DType = None,
    ) -> None: ...

class CIoU(DIoU):
    """Complete IoU loss: 1 - IoU + ρ²/c² + α·v, v from the aspect ratios."""
    box_format: Literal["xyxy", "yxyx", "xywh", "center_xywh"]
    def __init__(
        self,
        box_format: Literal["xyxy", "yxyx", "xywh", "center_xywh"] = "xyxy",
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "c_io_u",
        dtype: _DType = None,
    ) -> None: ...

class CenterNetFocal(Loss):
    """Penalty-reduced focal loss on heat maps, summed and divided by the peaks."""
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
    """Distance IoU loss: 1 - IoU + ρ²/c², ρ between the centers, c the hull's diagonal."""
    box_format: Literal["xyxy", "yxyx", "xywh", "center_xywh"]
    def __init__(
        self,
        box_format: Literal["xyxy", "yxyx", "xywh", "center_xywh"] = "xyxy",
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "d_io_u",
        dtype: _DType = None,
    ) -> None: ...

class DistributionFocal(Loss):
    """Distribution focal loss: -((i + 1 - y)·log p_i + (y - i)·log p_{i+1}), i = ⌊y⌋."""

class GIoU(Loss):
    """Generalized IoU loss: 1 - IoU + (C - U)/C, C the area of the hull, U of the union."""
    box_format: Literal["xyxy", "yxyx", "xywh", "center_xywh"]
    def __init__(
        self,
        box_format: Literal["xyxy", "yxyx", "xywh", "center_xywh"] = "xyxy",
        *,
        reduction: _Reduction = "sum_over_batch_size",
        name: str | None = "g_io_u",
        dtype: _DType = None,
    ) -> None: ...

class QualityFocal(Loss):
    """Quality focal loss: |q - p|^beta·BCE(q, p)."""
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
    """Varifocal loss: q·BCE(q, p) where q > 0, else -alpha·p^gamma·log(1 - p)."""
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
    """1 - the reciprocal smooth rank of the relevant items: 1 - Σ (y/rank)/Σ y."""
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
    """1 - NDCG of smooth ranks: 1 - (1/ideal)·Σ (2^y - 1)/log2(1 + rank)."""
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
    """LambdaRank's loss: Σ |ΔNDCG_ij|·log(1 + exp(-sigma·(s_i - s_j))), y_i > y_j."""
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
    """ListMLE: -log of the Plackett-Luce probability of the order by relevance."""

class ListSoftmax(Loss):
    """ListNet's top-one loss: -Σ softmax(y)_i·log softmax(s)_i."""

class PairwiseHinge(Loss):
    """Pairwise hinge loss: mean of max(0, 1 - (s_i - s_j)), y_i > y_j."""

class PairwiseLogistic(Loss):
    """Pairwise logistic loss (RankNet): mean of log(1 + exp(-(s_i - s_j))), y_i > y_j."""

class PairwiseMeanSquared(Loss):
    """Pairwise squared error: mean of ((s_i - s_j) - (y_i - y_j))², y_i > y_j."""

class PairwiseSoftZeroOne(Loss):
    """Pairwise soft zero-one loss: mean of sigmoid(-(s_i - s_j)), y_i > y_j."""

class LossProbe(keras.callbacks.Callback):
    """Records a loss's terms and watched values on fixed data while a model trains."""
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
    """The findings of `check_loss`; `str()` shows them as a table."""
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
    def __contains__(self, name: str | None) -> bool:
        """Whether there is a finding of that name."""
    def __getitem__(self, name: str | None) -> _Finding:
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
    """Examine a loss: a function, a loss of Keras, anybody's subclass, a combined one."""

def explain(
    loss: _LossLike,
    y_true: Any,
    y_pred: Any,
    sample_weight: Any = None,
    *,
    worst: int = 3,
) -> _Explanation:
    """The numbers behind a loss on one batch: per term, per sample, as NumPy."""

def plot_loss(*losses: _LossLike, reach: float | None = None, axes: Any = None) -> Any:
    """Draw value and gradient: against the error, or the probability of the true class."""

def plot_report(report: LossReport, axes: Any = None) -> Any:
    """Draw a `LossReport`: one bar a check, as long as its findings are many and grave."""

def plot_terms(history: Any, axes: Any = None) -> Any:
    """Draw the loss and its terms over time."""

def watch(name: str | None, tensor: _T) -> _T:
    """Show `tensor` under `name` to whoever watches; return it unchanged."""

def watching() -> AbstractContextManager[_Seen]:
    """Collect what `watch` shows, as NumPy, by name. See `watch`."""
