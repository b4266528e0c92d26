"""`Loss`: cast, align, mask, weigh and reduce around one hook, `call`."""

import inspect

import keras
from keras import ops

from keras_losskit.core import checks, config, targets
from keras_losskit.core.backend import keras_mask, name_scope, to_tensors
from keras_losskit.core.reduction import (
    REDUCTIONS,
    check_aligned,
    combine_masks,
    drop_trailing_ones,
    fill,
    reduce,
    scale_for_replicas,
)

register = keras.saving.register_keras_serializable(package="keras_losskit")


class _SaveableWhenBuilt(type(keras.losses.Loss)):
    """Checks a loss once, behind its outermost constructor.

    A loss that could not be saved is refused where it is written, not weeks
    later where its model is loaded.
    """

    def __call__(cls, *args, **kwargs):
        loss = super().__call__(*args, **kwargs)
        loss.get_config()
        return loss


class Loss(keras.losses.Loss, metaclass=_SaveableWhenBuilt):
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

    observers = ()  # Called with the inputs of each call; callbacks that look at terms.
    masked = False  # Whether a Keras mask has ever come with the predictions.
    weighs_positions = False  # Whether weights of positions go inside, not on the values.

    def __init__(self, *, reduction="sum_over_batch_size", name=None, dtype=None):
        if name is not None and (not isinstance(name, str) or not name):
            raise TypeError(
                f"{type(self).__name__}: `name` must be a non-empty string. "
                f"Received: name={name!r}"
            )
        super().__init__(name=name or self.default_name())
        self.reduction = checks.choice(self, "reduction", reduction, REDUCTIONS)
        self.requested_dtype = _dtype_name(self, dtype)

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.__signature__ = config.signature(cls)
        taken = inspect.signature(cls.call).parameters
        cls._hook_takes = {k for k in ("mask", "sample_weight") if k in taken}

    @classmethod
    def default_name(cls):
        """The name of an instance that is given none."""
        return config.snake_case(cls.__name__)

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

    # --- what a subclass may write -------------------------------------------

    def call(self, y_true, y_pred):
        """The mathematics: values led by the batch axis."""
        raise NotImplementedError(
            f"{type(self).__name__} must define `call(self, y_true, y_pred)`, "
            "which returns one value per sample or per position."
        )

    def prepare(self, y_true, y_pred):
        """Cast and align the inputs of `call`; raise where they don't fit."""
        y_true = keras.tree.map_structure(self.cast, y_true)
        y_pred = keras.tree.map_structure(self.cast, y_pred)
        if keras.tree.is_nested(y_true) or keras.tree.is_nested(y_pred):
            return y_true, y_pred
        return targets.match(self, y_true, y_pred)

    def input_mask(self, y_true, y_pred):
        """Which positions exist at all, or `None` for all."""
        return None

    def value_mask(self, y_true, y_pred, mask):
        """Which values count in a mean, or `None` for all that exist."""
        return None

    # --- the template -----------------------------------------------------------

    def __call__(self, y_true, y_pred, sample_weight=None):
        for what, x in (("y_true", y_true), ("y_pred", y_pred)):
            for leaf in keras.tree.flatten(x):
                if keras.backend.is_keras_tensor(leaf):
                    raise TypeError(
                        f"{self.name}: {what} is a KerasTensor, a symbol without "
                        "values. A loss is computed on the data of a batch: pass it "
                        "to `compile(loss=...)`, or call it inside a layer's `call`."
                    )
        mask = keras_mask(y_pred)
        self.masked = self.masked or mask is not None
        value = self.evaluate(y_true, y_pred, sample_weight, mask)
        for observer in self.observers:
            observer(y_true, y_pred, sample_weight)
        return value

    def evaluate(self, y_true, y_pred, sample_weight=None, mask=None):
        """`__call__`, with the mask given rather than read off `y_pred`."""
        with name_scope(self.name):
            values, weights, mask = self.weighable(
                y_true, y_pred, sample_weight, mask
            )
            return self.reduce(values, weights, mask)

    def reduce(self, values, weights, mask):
        """Reduce by this loss's own rule."""
        if len(values.shape) == 0:
            # One number for the whole batch: there is nothing left to sum.
            summed = self.effective_reduction in ("sum", "none", None)
            return values if summed else scale_for_replicas(values)
        return reduce(values, weights, mask, self.effective_reduction)

    def weighable(self, y_true, y_pred, sample_weight, mask):
        """Values, and the weights and mask that are still to be applied."""
        y_true, y_pred = to_tensors(y_true), to_tensors(y_pred)
        shape = keras.tree.flatten(y_pred)[0].shape
        weights = self._weights(sample_weight, shape)
        mask = self._mask(mask, shape)
        # What is masked is emptied before anything looks at it, padding ids too.
        y_true, y_pred = self.prepare(*fill((y_true, y_pred), mask))
        not_ignored = self.input_mask(y_true, y_pred)
        exists = combine_masks(mask, not_ignored)
        # A weight of 0 removes a sample, whatever it holds; it is still counted.
        present = combine_masks(exists, None if weights is None else weights != 0)
        y_true, y_pred = fill((y_true, y_pred), present)
        hook = {}
        if "mask" in self._hook_takes:
            hook["mask"] = present
        if "sample_weight" in self._hook_takes:
            hook["sample_weight"], weights = self._inside_and_outside(weights)
        values = self.call(y_true, y_pred, **hook)
        attached = keras_mask(values)  # A hook may attach one, as Keras' own do.
        values = self._check_values(values, shape)
        if self.applies_weights:
            return values, None, None
        if weights is not None:
            check_aligned(self.name, "sample_weight", weights, values.shape, "values")
        counted = combine_masks(attached, self.value_mask(y_true, y_pred, present))
        for part in (mask, not_ignored):
            counted = combine_masks(counted, self._mask_of_values(part, values.shape))
        return values, weights, counted

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
    def from_config(cls, config_dict):
        """The loss that `get_config` described."""
        return cls(**config.decode(config_dict))

    def __reduce__(self):
        # Pickle and deepcopy carry the config, as every saved file does.
        return _rebuild, (type(self), self.get_config())

    def __repr__(self):
        arguments = ", ".join(
            f"{name}={value!r}" for name, value in config.shown_arguments(self)
        )
        return f"{type(self).__name__}({arguments})"


def _rebuild(cls, config_dict):
    return cls.from_config(config_dict)


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


Loss.__signature__ = config.signature(Loss)
Loss._hook_takes = frozenset()
