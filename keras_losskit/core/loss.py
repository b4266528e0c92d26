"""`Loss`: cast, align, mask, weigh and reduce around one hook, `call`."""

import inspect
import json

import keras
from keras import ops

from keras_losskit.core import config, gather, kernels, run, shapes, targets
from keras_losskit.core.anchors import current, rows_of
from keras_losskit.core.backend import leaves, name_scope, to_tensors
from keras_losskit.core.building import LossClass
from keras_losskit.core.config import decode
from keras_losskit.core.keras_internals import keras_mask
from keras_losskit.core.live import arrived, packed
from keras_losskit.core.operators import Algebra
from keras_losskit.core.reduction import (
    check_aligned,
    combine_masks,
    drop_trailing_ones,
    fill,
    is_mean,
    reduce,
    reduce_number,
    require_reduction,
)
from keras_losskit.core.takes import Takes, takes_of

register = keras.saving.register_keras_serializable(package="keras_losskit")

_UNDECLARED = Takes("real", "any", "equal")


class Loss(Algebra, keras.losses.Loss, metaclass=LossClass):
    """Base of every loss of the kit, and of yours.

    A subclass writes `call(y_true, y_pred)` in `keras.ops` and returns
    *values*, one per sample or per position, led by the batch axis and not
    reduced over it. Everything else is done here: shapes are checked, inputs
    cast, masks and weights applied, the values reduced, the config derived.

    Args:
        reduction: `"sum_over_batch_size"` or `"mean"` (sum of the weighted
            values / their number), `"mean_with_sample_weight"` (sum / sum of
            the weights), `"sum"`, `"none"` or `None`.
        name: shown in logs and as the term's name in a sum; by default the
            class name in snake case.
        dtype: the dtype of the computation; `None` follows
            `keras.config.floatx()`. Half precision is computed in float32.

    The hook may also take two more arguments, by name:

    - `mask`: booleans `(B,)` or `(B, …)`, False for positions that must not
      enter the mathematics (masked, ignored, or of weight 0), or `None`. Only
      losses that mix positions need it; elsewhere masked inputs arrive as 0
      and masked values are dropped.
    - `sample_weight`: then the loss applies the weights itself, and may return
      one number for the whole batch. With the class attribute `weighs_positions`
      it is given the weights of positions, `(B, …)`, alone, or `None`; those of
      samples, `(B,)`, are applied to its values.
    - `anchors`: `(start, count)`, the rows that get values where the others are only
      compared with, or `None` for all. A loss that does not take it computes the values of
      all rows, of which those are kept.

    Raises:
        ValueError: where `y_true`, `y_pred` and `sample_weight` do not fit, or
            `call` returns a scalar, for which weights mean nothing.
        TypeError: where an argument of the constructor could not be saved.

    Example:

    >>> import keras, keras_losskit
    >>> @keras.saving.register_keras_serializable(package="my_project")
    ... class Shifted(keras_losskit.Loss):
    ...     def __init__(self, shift=0.1, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.shift = shift
    ...     def call(self, y_true, y_pred):
    ...         return keras.ops.mean(
    ...             keras.ops.square(y_true - (y_pred + self.shift)), axis=-1)
    >>> loss = Shifted(shift=1.0)
    >>> float(loss([[0.0], [0.0]], [[1.0], [0.0]]))   # (2² + 1²) / 2
    2.5
    >>> loss
    Shifted(shift=1.0)
    >>> Shifted.from_config(loss.get_config()).shift
    1.0
    """

    takes = None  # What the loss takes, a `Takes`; see there.
    fixed = {}  # Options of its bases that the class settles, and does not have itself.
    log_name = None  # The default name, where it is not the class name in snake case.
    weighs_positions = False  # Whether weights of positions go inside, not on the values.

    def __init__(self, *, reduction="sum_over_batch_size", name=None, dtype=None):
        if name is not None and (not isinstance(name, str) or not name):
            raise TypeError(
                f"{type(self).__name__}: `name` must be a non-empty string. "
                f"Received: name={name!r}"
            )
        super().__init__(name=name or self.default_name())
        self.reduction = require_reduction(self, reduction)
        self.requested_dtype = _dtype_name(self, dtype)

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        taken = inspect.signature(cls.call).parameters
        cls._hook_takes = {k for k in ("mask", "sample_weight", "anchors") if k in taken}
        # A class that writes the mathematics anew has lost what was a short way to it.
        short, long = (_first_with(cls, names) for names in (("mean_of_all",), _LONG_WAY))
        cls._has_short_way = short <= long and cls.mean_of_all is not Loss.mean_of_all

    @classmethod
    def default_name(cls):
        """The name of an instance that is given none."""
        return cls.log_name or config.snake_case(cls.__name__)

    @property
    def dtype(self):
        """The dtype of the computation, float32 or wider."""
        requested = self.requested_dtype or keras.config.floatx()
        return "float64" if requested == "float64" else "float32"

    @property
    def effective_reduction(self):
        """The reduction applied here; combined losses may inherit theirs."""
        return self.reduction

    @property
    def applies_weights(self):
        """Whether `call` applies all sample weights itself, those of samples too."""
        return "sample_weight" in self._hook_takes and not self.weighs_positions

    @property
    def gathers(self):
        """Whether the batch is that of all replicas, not the local one."""
        return False

    # --- what a subclass may write -------------------------------------------

    def call(self, y_true, y_pred):
        """The mathematics: values led by the batch axis."""
        raise NotImplementedError(
            f"{type(self).__name__} must define `call(self, y_true, y_pred)`, "
            "which returns one value per sample or per position."
        )

    def prepare(self, y_true, y_pred):
        """Cast and align the inputs of `call`, as declared; raise where they don't fit."""
        if not hasattr(y_true, "shape") or not hasattr(y_pred, "shape"):
            return keras.tree.map_structure(self.cast, (y_true, y_pred))
        return shapes.fit(self, takes_of(self) or _UNDECLARED, y_true, y_pred)

    def check_targets(self, y_true, y_pred, present):
        """Raise for targets outside what is declared, where their values can be seen.

        `y_true` and `y_pred` as they came; `present` is False for what does not count.
        """
        takes = takes_of(self)
        nested = keras.tree.is_nested(y_true) or keras.tree.is_nested(y_pred)
        if takes is not None and not nested:
            targets.check(self, takes, y_true, y_pred, present)

    def classes_of(self, y_pred):
        """How many classes `y_pred` has, where targets are ids."""
        return y_pred.shape[-1]

    def weighed_shape(self, y_true, y_pred):
        """The shape that sample weights are aligned with: of positions, or of entries."""
        return leaves(y_pred)[0].shape

    def input_mask(self, y_true, y_pred):
        """Which positions exist at all, or `None` for all."""
        return None

    def value_mask(self, y_true, y_pred, mask, anchors=None):
        """Which values count in a mean, or `None` for all that exist.

        `anchors` is given where `call` takes it.
        """
        return None

    def countable(self, y_true, y_pred):
        """Which values count by what their targets are, of whatever weight; `None` for all."""
        return None

    def mean_of_all(self, y_true, y_pred):
        """The mean of the values of `call`, where a backend has it in one; else `None`.

        Asked where nothing is weighed or masked. A subclass that overrides `call` is not
        asked for the mean of its base.
        """
        return None

    # --- the template -----------------------------------------------------------

    def __call__(self, y_true, y_pred, sample_weight=None):
        for what, x in (("y_true", y_true), ("y_pred", y_pred)):
            for leaf in leaves(x):
                if keras.backend.is_keras_tensor(leaf):
                    raise TypeError(
                        f"{self.name}: {what} is a KerasTensor, a symbol without "
                        "values. A loss is computed on the data of a batch: pass it "
                        "to `compile(loss=...)`, or call it inside a layer's `call`."
                    )
        mask = keras_mask(y_pred)
        run.note_mask(self, mask is not None)
        value = self.evaluate(y_true, y_pred, sample_weight, mask)
        running = run.current()
        if running is not None:
            for observer in running.observers(self):
                observer(y_true, y_pred, sample_weight)
        return value

    def evaluate(self, y_true, y_pred, sample_weight=None, mask=None):
        """`__call__`, with the mask given rather than read off `y_pred`."""
        with name_scope(self.name):
            if self._has_short_way and sample_weight is None and mask is None:
                mean = self._mean_at_once(y_true, y_pred)
                if mean is not None:
                    return reduce_number(mean, self.effective_reduction)
            values, weights, mask = self.weighable(
                y_true, y_pred, sample_weight, mask
            )
            return self.reduce(values, weights, mask)

    def _mean_at_once(self, y_true, y_pred):
        """The mean by `mean_of_all`, or `None` where it takes more than that."""
        if not kernels.at_hand() or current() is not None or not is_mean(self.effective_reduction):
            return None
        given = to_tensors(y_true), to_tensors(y_pred)
        y_true, y_pred = self.prepare(*given)
        if any(part(y_true, y_pred) is not None for part in (self.input_mask, self.countable)):
            return None
        self.check_targets(*given, None)
        return self.mean_of_all(y_true, y_pred)

    def reduce(self, values, weights, mask):
        """Reduce by this loss's own rule."""
        replicas = gather.replicas_of(values) if self.gathers else None
        if len(values.shape) == 0:
            return reduce_number(values, self.effective_reduction, replicas)
        return reduce(values, weights, mask, self.effective_reduction, replicas)

    def weighable(self, y_true, y_pred, sample_weight, mask):
        """Values, and the weights and mask that are still to be applied."""
        y_true, y_pred = to_tensors(y_true), to_tensors(y_pred)
        shape = leaves(y_pred)[0].shape
        weights = self._weights(sample_weight, self.weighed_shape(y_true, y_pred))
        mask = self._mask(mask, shape)
        # What is masked is emptied before anything looks at it, ids of padding too.
        given = y_true, y_pred = fill((y_true, y_pred), mask)
        y_true, y_pred = self.prepare(y_true, y_pred)
        not_ignored = self.input_mask(y_true, y_pred)
        # A weight of 0 removes a sample, whatever it holds; it is still counted.
        weighty = None if weights is None else weights != 0
        present = combine_masks(combine_masks(mask, not_ignored), weighty)
        countable = self.countable(y_true, y_pred)  # What weighs 0 is counted as what it is.
        if present is not mask:
            y_true, y_pred = fill((y_true, y_pred), present)
        self.check_targets(*given, present)
        inside = None
        if "sample_weight" in self._hook_takes:
            inside, weights = self._inside_and_outside(weights)
        anchors = current()
        if anchors is not None and self.applies_weights:
            raise ValueError(
                f"{self.name}: it is one number for a whole batch, and cannot be that of some "
                "rows among others."
            )
        values, counted = self._values(y_true, y_pred, present, inside, anchors)
        if anchors is not None:
            countable, weights, mask, not_ignored = (
                rows_of(x, anchors) for x in (countable, weights, mask, not_ignored)
            )
            shape = (values.shape[0], *shape[1:])
        values = self._check_values(values, shape)
        if self.applies_weights:
            return values, None, None
        if weights is not None:
            check_aligned(self.name, "sample_weight", weights, values.shape, "values")
        counted = combine_masks(counted, countable)
        for part in (mask, not_ignored):
            counted = combine_masks(counted, self._mask_of_values(part, values.shape))
        return values, weights, counted

    def _values(self, y_true, y_pred, mask, sample_weight, anchors):
        """The values of the anchors, and which of them count."""
        replicas = gather.replicas_of(leaves(y_pred)[0]) if self.gathers else None
        if replicas is not None:
            y_true, y_pred, mask, sample_weight, anchors = gather.batch_of_all(
                replicas, takes_of(self) or _UNDECLARED, y_true, y_pred, mask, sample_weight,
                anchors,
            )
        given = {"mask": mask, "sample_weight": sample_weight, "anchors": anchors}
        values = self.call(
            y_true, y_pred, **{name: given[name] for name in self._hook_takes}
        )
        attached = keras_mask(values)  # A hook may attach one, as Keras' own do.
        if self.applies_weights:
            return values, None
        values = ops.convert_to_tensor(values)
        if "anchors" in self._hook_takes:
            return values, combine_masks(
                attached, self.value_mask(y_true, y_pred, mask, anchors)
            )
        counted = combine_masks(attached, self.value_mask(y_true, y_pred, mask))
        return rows_of(values, anchors), rows_of(counted, anchors)

    def _inside_and_outside(self, weights):
        """The weights that `call` applies, and those that its values get."""
        if weights is None or self.applies_weights or len(weights.shape) > 1:
            return weights, None
        return None, weights

    def _mask_of_values(self, mask, shape):
        """`mask` where it masks values; `None` where `call` has applied it inside."""
        if mask is not None and len(mask.shape) > len(shape):
            if "mask" in self._hook_takes:
                return None
            mask = drop_trailing_ones(mask)  # The values of (B, 1) are (B,).
            check_aligned(self.name, "the mask", mask, shape, "values")
        return mask

    def cast(self, x):
        """`x` as a tensor of the computation's dtype."""
        return ops.cast(ops.convert_to_tensor(x), self.dtype)

    def _weights(self, sample_weight, shape):
        if sample_weight is None:
            return None
        weights = drop_trailing_ones(self.cast(sample_weight))
        check_aligned(self.name, "sample_weight", weights, shape, "y_pred")
        return weights

    def _mask(self, mask, shape):
        if mask is None:
            return None
        mask = ops.cast(ops.convert_to_tensor(mask), "bool")
        if len(mask.shape) > len(shape):
            mask = drop_trailing_ones(mask)
        check_aligned(self.name, "the mask", mask, shape, "y_pred")
        return mask

    def _check_values(self, values, shape):
        values = ops.convert_to_tensor(values)
        if self.applies_weights:
            return values
        if len(values.shape) == 0:
            raise ValueError(
                f"{self.name}: `call` returned a scalar. Weights, masks and "
                "`reduction` need values that are not averaged over the batch: "
                "return one per sample, say with `ops.mean(..., axis=-1)`."
            )
        batch, given = values.shape[0], shape[0] if len(shape) else None
        if batch is not None and given is not None and batch != given:
            raise ValueError(
                f"{self.name}: `call` returned values of shape {tuple(values.shape)} "
                f"for y_pred of shape {tuple(shape)}. Values must be led by the "
                "batch axis: one per sample or per position."
            )
        return values

    # --- config ------------------------------------------------------------------

    def argument(self, name):
        """What the constructor's argument `name` was given, from its attribute."""
        return self.requested_dtype if name == "dtype" else getattr(self, name)

    def get_config(self):
        """Every argument of the constructor, as plain JSON."""
        cls, plain = type(self), {}
        for p in config.parameters(cls):
            where = f"{cls.__name__}: argument `{p.name}`"
            try:
                value = self.argument(p.name)
            except AttributeError:
                raise TypeError(
                    f"{where} is not kept. Set `self.{p.name} = {p.name}` in "
                    "`__init__`, or write `get_config` yourself."
                ) from None
            plain[p.name] = config.encode(value, where)
        return plain

    @classmethod
    def from_config(cls, config):
        """The loss that `get_config` described."""
        try:
            arguments = decode(dict(config))
            return cls.from_arguments(arguments)
        except Exception as error:
            if isinstance(error, (TypeError, ValueError)) and cls.__name__ in str(error):
                raise  # It says whose it is.
            raise ValueError(
                f"{cls.__name__}: its config cannot be read: {type(error).__name__}: "
                f"{error}. Received: {_shortened(config)}"
            ) from error

    @classmethod
    def from_arguments(cls, arguments):
        """A loss of these arguments, as `argument` tells them."""
        return cls(**arguments)

    # --- a loss is a value -----------------------------------------------------------

    __signature__ = config.SignatureOf(__call__)

    def __eq__(self, other):
        if self is other:
            return True
        if type(self) is not type(other):
            return NotImplemented
        return self.get_config() == other.get_config()

    def __hash__(self):
        return hash((type(self), json.dumps(self.get_config(), sort_keys=True, default=repr)))

    def __reduce__(self):
        # Pickle and deepcopy carry the arguments, operands as they live.
        cls = type(self)
        if cls.get_config is not Loss.get_config:  # It knows better.
            return arrived, packed(cls, self.get_config(), "from_config")
        arguments = {
            name: config.encode(self.argument(name), f"{cls.__name__}: argument `{name}`",
                                live=lambda value: value)
            for name in config.names(cls)
        }
        return arrived, packed(cls, arguments, "from_arguments")

    def __array__(self, *args, **kwargs):
        raise TypeError(
            f"{self!r} is a loss and holds no values. To weigh a loss write a number "
            "before it, `0.5 * loss`; a weight that moves is a LearningRateSchedule that "
            "`WeightScheduler` drives, or is learned by `LearnedWeights`."
        )

    def __jax_array__(self):
        return self.__array__()  # JAX asks for this one.

    def __repr__(self):
        arguments = ", ".join(
            f"{name}={value!r}" for name, value in config.shown_arguments(self)
        )
        return f"{type(self).__name__}({arguments})"


# What `mean_of_all` goes past.
_LONG_WAY = ("call", "each", "value_mask", "weighable", "reduce", "evaluate")


def _first_with(cls, names):
    """The place in the order of bases of the first that defines one of `names`."""
    return next(i for i, base in enumerate(cls.__mro__) if any(n in vars(base) for n in names))


def _shortened(x, most=300):
    try:
        text = repr(x)
    except RecursionError:
        return "a config of too many levels"
    return text if len(text) <= most else f"{text[:most]}…"


def _dtype_name(owner, dtype):
    if dtype is None:
        return None
    try:
        if isinstance(dtype, str) and "mixed" in dtype:
            dtype = keras.DTypePolicy(dtype)
        if not isinstance(dtype, keras.DTypePolicy):
            dtype = keras.backend.standardize_dtype(dtype)
    except (ValueError, TypeError):
        dtype = None
    name = getattr(dtype, "compute_dtype", dtype)
    if name not in ("float64", "float32", "float16", "bfloat16"):
        raise ValueError(
            f"{type(owner).__name__}: `dtype` must be a floating dtype such as "
            f"'float32' or 'float64', a DTypePolicy, or None. Received: {dtype!r}"
        )
    return name


Loss._hook_takes = frozenset()
Loss._has_short_way = False
