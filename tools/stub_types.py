"""What run-time signatures do not say: the types that make_stubs.py writes beside their names."""

import keras

# The type of an argument: by its owner and name, or by its name alone.
ARGUMENTS = {
    "AddLoss.weight": "_Weight",
    "DeepSupervision.weights": "_Numbers",
    "KerasLoss.loss": "keras.losses.Loss",
    "FunctionLoss.function": "Callable[..., Any]",
    "LearnedWeights.loss": "_LossLike | Sequence[_LossLike] | Mapping[str, _LossLike]",
    "LossProbe.every": 'Literal["epoch"] | int',
    "LossProbe.loss": "_LossLike | None",
    "LossProbe.output": "str | int | None",
    "LossProbe.sample_weight": "Any",
    "LossReport.backend": "str",
    "LossReport.checks": "dict[str, float]",
    "LossReport.data": "str",
    "LossReport.findings": "list[_Finding]",
    "LossReport.loss": "str",
    "LossReport.of.severity": 'Literal["error", "warning", "info"]',
    "Loss.argument.name": "str",
    "LossReport.__contains__.name": "str",
    "LossReport.__getitem__.name": "str",
    "LovaszSoftmax.classes": 'Literal["present", "all"] | Sequence[int]',
    "Pinball.tau": "float | _Numbers",
    "Product.factors": "Sequence[_LossLike]",
    "Select.sample_weight": "bool",
    "Select.weight": "_Selector",
    "Select.y_pred": "_Selectors",
    "Select.y_true": "_Selectors",
    "WeightScheduler.loss": "Loss | None",
    "WeightScheduler.set_weight.term": "str",
    "WeightedSum.drive.name": "str",
    "WeightedSum.terms": "Mapping[str, _TermLike] | Sequence[_TermLike]",
    "WeightedSum.weight.name": "str",
    "_Explanation.gradient": "NDArray[Any]",
    "_Explanation.loss": "str",
    "_Explanation.terms": "dict[str, _TermExplanation]",
    "_Explanation.total": "float",
    "_Explanation.watched": "dict[str, NDArray[Any]]",
    "_Explanation.__getitem__.name": "str",
    "as_loss.identifier": "_LossLike | dict[str, Any]",
    "check_loss.checks": "Iterable[str]",
    "check_loss.progress": "Callable[[str], object] | None",
    "check_loss.shapes": "_Shapes",
    "on.weight": "_Selector",
    "on.y_pred": "_Selectors",
    "on.y_true": "_Selectors",
    "plot_loss.reach": "float | None",
    "watch.name": "str",
    "watch.tensor": "_T",
    "centers": "int",
    "class_counts": "_Numbers",
    "class_weights": "_Numbers | None",
    "config": "dict[str, Any]",
    "config_dict": "dict[str, Any]",
    "dtype": "_DType",
    "ignore_class": "int | None",
    "kernel_constraint": "Any",
    "kernel_initializer": "Any",
    "kernel_regularizer": "Any",
    "label_smoothing": "float",
    "loss": "_LossLike",
    "losses": "_LossLike",
    "name": "str | None",
    "network": "keras.Model",
    "options": "Any",
    "sample_weight": "Any",
    "takes": "Takes | None",
    "term": "str | None",
    "units": "int",
}
# What a method or function returns, or a property is; `Any` where nothing is said.
RETURNS = {
    "Loss.applies_weights": "bool",
    "Loss.default_name": "str",
    "Loss.dtype": "str",
    "Loss.effective_reduction": "str | None",
    "Loss.from_config": "Self",
    "Loss.get_config": "dict[str, Any]",
    "Loss.metrics": "list[TermMetric]",
    "Loss.on": "Select",
    "LossReport.counts": "str",
    "LossReport.of": "list[_Finding]",
    "LossReport.ok": "bool",
    "LossReport.raise_if_failed": "Self",
    "LossReport.to_dict": "dict[str, Any]",
    "LossReport.to_json": "str",
    "LossReport.to_text": "str",
    "LossReport.__contains__": "bool",
    "LossReport.__getitem__": "_Finding",
    "LearnedWeights.term_weights": "dict[str, float]",
    "WeightedSum.schedules": "dict[str, _Schedule]",
    "WeightedSum.term_values": "dict[str, Any]",
    "WeightedSum.undriven": "list[str]",
    "_Explanation.__getitem__": "_TermExplanation",
    "_Explanation.to_text": "str",
    "as_loss": "Loss",
    "at_step": "Self",
    "check_loss": "LossReport",
    "class_balanced_weights": "list[float]",
    "explain": "_Explanation",
    "from_arguments": "Self",
    "from_config": "Self",
    "from_logits": "bool | None",
    "get_config": "dict[str, Any]",
    "operand": "Loss",
    "operands": "list[Loss]",
    "scale": "float",
    "watch": "_T",
    "watching": "AbstractContextManager[_Seen]",
}
# What an attribute holds that was given as an argument; otherwise the argument's type.
KEPT = {
    "_LossLike": "Loss",
    "_Numbers": "list[float]",
    "_Numbers | None": "list[float] | None",
    "float | _Numbers": "float | list[float]",
    "Loss.log_name": "str | None",
    "Loss.name": "str",
    "Loss.reduction": "str | None",
    "Loss.takes": "Takes | None",
    "Product.factors": "list[Loss]",
    "WeightedSum.terms": "Mapping[str, _Term]",
    "LossProbe.history": "dict[str, list[float]]",
    "LossProbe.watched": "dict[str, list[Any]]",
    "_Seen.all": "dict[str, list[NDArray[Any]]]",
    "_Seen.unseen": "dict[str, tuple[tuple[int | None, ...], str]]",
    "TerminateOnNonFiniteTerm.report": "dict[str, Any] | None",
}
# The operators: `(type of the operand or None, type of the result)`, one for each overload.
_SUM = [("_LossLike", "WeightedSum")]
OPERATORS = {
    "Loss.__add__": _SUM,
    "Loss.__radd__": [("int", "Self"), ("_LossLike", "WeightedSum")],  # sum() starts with 0.
    "Loss.__sub__": _SUM,
    "Loss.__rsub__": _SUM,
    # The scale of a sum of one term goes before the product.
    "Loss.__mul__": [
        ("WeightedSum", "Product | WeightedSum"),
        ("_LossLike", "Product"),
        ("_Weight", "WeightedSum"),
    ],
    "WeightedSum.__mul__": [("_LossLike", "Product | WeightedSum"), ("_Weight", "WeightedSum")],
    "Loss.__truediv__": [("_Number", "WeightedSum")],
    "Loss.__neg__": [(None, "WeightedSum")],
    "Loss.__pos__": [(None, "Self")],
}
OPERATORS["Loss.__rmul__"] = OPERATORS["Loss.__mul__"]
OPERATORS["WeightedSum.__rmul__"] = OPERATORS["WeightedSum.__mul__"]
# A hook may take `mask` and `sample_weight` too: `*args: Any, **kwargs: Any` lets it.
HOOKS = {
    "Loss.call": "def call(self, y_true: Any, y_pred: Any, *args: Any, **kwargs: Any) -> Any: ..."
}
# Classes that are returned but not exported: `{name in the stub: (module, name there)}`.
RETURNED = {
    "_Explanation": ("keras_losskit.doctor.explain", "Explanation"),
    "_TermExplanation": ("keras_losskit.doctor.explain", "TermExplanation"),
    "_Finding": ("keras_losskit.doctor.report", "Finding"),
    "_Line": ("keras_losskit.doctor.report", "Line"),
    "_Seen": ("keras_losskit.doctor.watch", "Seen"),
}
# The classes of Keras that the package's are made from, as the stub calls them.
BASES = {
    keras.losses.Loss: "_KerasLoss",
    keras.optimizers.schedules.LearningRateSchedule: "_KerasSchedule",
    keras.Model: "keras.Model",
    keras.layers.Dense: "keras.layers.Dense",
    keras.layers.Layer: "keras.layers.Layer",
    keras.metrics.Metric: "keras.metrics.Metric",
    keras.callbacks.Callback: "keras.callbacks.Callback",
    dict: "dict[str, NDArray[Any]]",
    object: "",
}

HEAD = '''\
"""Made by `{command}` from the run-time signatures; changes here are lost."""
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
    {reduction}
)

class _Schedule(Protocol):
    def __call__(self, step: Any, /) -> Any: ...
    def get_config(self) -> Any: ...

class _Term(NamedTuple):
    weight: _Weight
    loss: Loss
'''

# The options of a function become keywords of the constructor, beside a loss's own three, which
# no ParamSpec can be given: hence a signature for each of the three that may come with them.
DECORATOR = '''\
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
'''

# The type of what each check lets through.
CHECKS = {
    "real": ["float"],
    "optional_real": ["float", "None"],
    "integer": ["int"],
    "optional_integer": ["int", "None"],
    "flag": ["bool"],
    "sequence": ["_Numbers"],
    "weights": ["_Numbers", "None"],
}
