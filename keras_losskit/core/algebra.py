"""The algebra of losses: sums with weights, and products."""

import math
import numbers
from collections import namedtuple
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from keras import ops

from keras_losskit.core import run
from keras_losskit.core.backend import name_scope, visible
from keras_losskit.core.combined import (
    Batch,
    CombinedLoss,
    changed_copy,
    factor_repr,
    require_agreement,
    unique_name,
)
from keras_losskit.core.config import names
from keras_losskit.core.foreign import as_loss
from keras_losskit.core.keras_internals import callbacks_of, keras_frame
from keras_losskit.core.loss import Loss, register
from keras_losskit.core.reduction import INHERIT, combine_masks, fill
from keras_losskit.core.schedules import Schedule, Traced, shown, times
from keras_losskit.core.shapes import compatible

Term = namedtuple("Term", ["weight", "loss"])
Term.__doc__ = "One term of a `WeightedSum`: `(weight, loss)`."


@register
class WeightedSum(CombinedLoss):
    r"""Sum of losses, each with a weight: Σ wᵢ·Lᵢ.

    What `a + 2 * b` builds. Each term reduces by its own rule, with the same
    weights and mask, so that

        (a + 2*b)(y, p, w) == a(y, p, w) + 2*b(y, p, w)

    Args:
        terms: a sequence of losses or `(weight, loss)` pairs, or a mapping from
            name to either. A loss may be anything that `as_loss` takes. A
            weight is a finite number or a
            `keras.optimizers.schedules.LearningRateSchedule`. A `WeightedSum`
            among the terms is taken apart: sums are flat.
        reduction: `"inherit"` leaves every term its own; any other sets every
            term's.
        name, dtype: as for every loss; `dtype` sets every term's.

    `terms` is an ordered mapping from name to `(weight, loss)`. Names are the
    losses' own, made unique by `_2`, `_3`. A weight of 0 drops its term, NaN
    or not.

    Raises:
        ValueError: where terms disagree on `from_logits`; where a weight is not
            finite; where values under `reduction="none"` differ in shape; where
            a weight is a schedule that nothing drives; see `WeightScheduler`.

    Example:

    >>> import keras_losskit as kl
    >>> total = kl.MeanSquaredError() + 0.5 * kl.MeanAbsoluteError()
    >>> total
    MeanSquaredError() + 0.5 * MeanAbsoluteError()
    >>> float(total([[0.0]], [[2.0]]))    # 2² + 0.5·2
    5.0
    >>> {name: float(v) for name, v in total.term_values([[0.0]], [[2.0]]).items()}
    {'mean_squared_error': 4.0, 'mean_absolute_error': 2.0}
    """

    reads_as_sum = True

    def __init__(self, terms, **common):
        super().__init__(**common)
        self.terms = MappingProxyType(self._flat(terms))
        require_agreement(self.operands())

    def _flat(self, terms):
        if isinstance(terms, Mapping):
            entries = list(terms.items())
        elif isinstance(terms, (str, bytes)) or not isinstance(terms, (list, tuple)):
            raise TypeError(
                "WeightedSum: `terms` must be a sequence of losses or (weight, loss) "
                f"pairs, or a mapping from name to these. Received: terms={terms!r}"
            )
        else:
            entries = [(None, term) for term in terms]
        flat = {}
        for name, term in entries:
            weight, loss = term if isinstance(term, (tuple, list)) else (1, term)
            weight, loss = weight_of(weight), as_loss(loss)
            if isinstance(loss, WeightedSum):
                if self.reduction != INHERIT or self.requested_dtype:
                    loss = self.operand(loss)
                inner = [
                    (n, times(weight, w), part) for n, (w, part) in loss.terms.items()
                ]
            else:
                inner = [(name or loss.name, weight, self.operand(loss))]
            for n, w, part in inner:
                flat[unique_name(n, flat)] = Term(w, part)
        if not flat:
            raise ValueError("WeightedSum: `terms` is empty; give at least one loss.")
        return flat

    def operands(self):
        return [loss for _, loss in self.terms.values()]

    def weight(self, name):
        """The current weight of a term: a number, or the driven value."""
        weight = self.terms[name].weight
        if not isinstance(weight, Schedule):
            return weight
        if isinstance(weight, Traced):
            return weight.value
        running = run.current()
        driven = None if running is None else running.driven(self, name)
        if driven is not None:
            return driven
        if _will_be_driven():
            return 1  # Only a shape is asked for, before callbacks can drive.
        raise ValueError(
            f"{self.name}: the weight of term `{name}` is a schedule and nothing "
            "drives it, so it would be frozen. Give `fit` (or `evaluate`) "
            "callbacks=[WeightScheduler()], or fix the weights at one step with "
            "`total.at_step(step)`."
        )

    @property
    def schedules(self):
        """The weights that are schedules, by the name of their term."""
        return {
            n: w for n, (w, _) in self.terms.items()
            if isinstance(w, Schedule) and not isinstance(w, Traced)
        }

    def term_values(self, y_true, y_pred, sample_weight=None):
        """Each term's own number, by name, before its weight in the sum."""
        return {
            name: loss(y_true, y_pred, sample_weight)
            for name, (_, loss) in self.terms.items()
        }

    def evaluate(self, y_true, y_pred, sample_weight=None, mask=None):
        with name_scope(self.name):
            return self._add(
                [
                    (name, loss.evaluate(y_true, y_pred, sample_weight, mask))
                    for name, loss in self._present()
                ]
            )

    def weighable(self, y_true, y_pred, sample_weight, mask):
        # Reached only where this sum is a factor of a Product.
        batch = Batch(y_true, y_pred, sample_weight, mask)
        found = {name: loss.weighable(*batch) for name, loss in self._present()}
        masks = [m for _, _, m in found.values()]
        combined = None
        if all(m is not None for m in masks):
            combined = masks[0]
            for m in masks[1:]:
                combined = combine_masks(combined, m, ops.logical_or)
        total = self._add([(name, fill(v, m)) for name, (v, _, m) in found.items()])
        return total, next(iter(found.values()))[1], combined

    def _present(self):
        """The terms that are computed: those of weight 0 are not."""
        terms = [(n, loss) for n, (w, loss) in self.terms.items() if not _is_zero(w)]
        return terms or [(n, loss) for n, (_, loss) in self.terms.items()][:1]

    def _add(self, parts):
        total = first = None
        for name, value in parts:
            weight = self.weight(name)
            shape = tuple(value.shape)
            if _is_zero(weight):  # All are; the shape of one is still wanted.
                value = ops.zeros_like(value)
            elif isinstance(weight, numbers.Real):
                value = value if weight == 1 else value * weight
            else:
                value = value * ops.cast(weight, value.dtype)
            if total is None:
                total, first = value, (name, shape)
                continue
            if not compatible(first[1], shape):
                raise ValueError(
                    f"{self.name}: the values of `{first[0]}` have shape {first[1]}, "
                    f"those of `{name}` {shape}: they cannot be added value by value. "
                    "Use a reduction for both, such as WeightedSum(terms, "
                    "reduction='sum_over_batch_size')."
                )
            total = _plus(total, value)
        return total

    def argument(self, name):
        if name != "terms":
            return super().argument(name)
        return [  # A list: JSON promises no order of keys.
            {"name": n, "weight": weight, "loss": loss}
            for n, (weight, loss) in self.terms.items()
        ]

    @classmethod
    def from_arguments(cls, arguments):
        terms = {t["name"]: (t["weight"], t["loss"]) for t in arguments["terms"]}
        return cls(**{**arguments, "terms": terms})

    def __repr__(self):
        text = ""
        for weight, loss in self.terms.values():
            negative = isinstance(weight, numbers.Real) and weight < 0
            sign = "-" if negative else "+"
            size = -weight if negative else weight
            factor = "" if isinstance(size, numbers.Real) and size == 1 else f"{shown(size)} * "
            lead = ("-" if negative else "") if not text else f" {sign} "
            text += f"{lead}{factor}{factor_repr(loss) if factor else repr(loss)}"
        return text


@register
class Product(CombinedLoss):
    """Product of losses, value by value: (L₁·L₂)ᵢ, then weighted and reduced.

    What `a * b` builds. The factors' values must have one shape.

    Args:
        factors: two or more losses, each anything that `as_loss` takes.
        reduction: `"inherit"` takes the factors' common one.

    Raises:
        ValueError: where the factors' reductions, `from_logits` or values'
            shapes disagree.

    Example:

    >>> import keras_losskit as kl
    >>> product = kl.MeanSquaredError() * kl.MeanAbsoluteError()
    >>> float(product([[0.0], [0.0]], [[2.0], [1.0]]))    # (4·2 + 1·1) / 2
    4.5
    """

    def __init__(self, factors, **common):
        super().__init__(**common)
        if isinstance(factors, (str, bytes)) or not isinstance(factors, (list, tuple)):
            raise TypeError(
                "Product: `factors` must be a sequence of losses. "
                f"Received: factors={factors!r}"
            )
        flat = []
        for factor in factors:
            factor = self.operand(factor)
            flat += factor.factors if isinstance(factor, Product) else [factor]
        if len(flat) < 2:
            raise ValueError(f"Product: `factors` needs at least two, got {len(flat)}.")
        self.factors = flat
        require_agreement(flat)
        if self.effective_reduction == INHERIT:
            raise ValueError(
                "Product: the factors' reductions disagree "
                f"({', '.join(f'{f.name}: {f.effective_reduction!r}' for f in flat)}). "
                "Give one: Product([a, b], reduction=...)."
            )

    def operands(self):
        return self.factors

    def combine(self, found):
        values, weights, counted = found[0]
        for v, _, m in found[1:]:
            if not compatible(values.shape, v.shape):
                raise ValueError(
                    f"{self.name}: the factors' values have shapes "
                    f"{tuple(values.shape)} and {tuple(v.shape)}; a product needs one "
                    "shape."
                )
            values = values * v
            counted = combine_masks(counted, m)
        return values, weights, counted

    def __repr__(self):
        return " * ".join(factor_repr(f) for f in self.factors)


def reweighed(loss, weight):
    """`loss` with other weights where it has schedules, in sums at any depth.

    `weight(total, name, schedule)` is the new one. What has none stays the same object.
    """
    if not isinstance(loss, CombinedLoss):
        return loss
    if isinstance(loss, WeightedSum):
        scheduled = loss.schedules
        given = {
            n: (weight(loss, n, w) if n in scheduled else w, reweighed(part, weight))
            for n, (w, part) in loss.terms.items()
        }
        if all(w is loss.terms[n][0] and p is loss.terms[n][1] for n, (w, p) in given.items()):
            return loss
        terms = [{"name": n, "weight": w, "loss": p} for n, (w, p) in given.items()]
        return changed_copy(loss, {"terms": terms})
    changed = {}
    for name in names(type(loss)):
        before = loss.argument(name)
        if isinstance(before, Loss):
            after = reweighed(before, weight)
        elif isinstance(before, list) and all(isinstance(x, Loss) for x in before):
            after = [reweighed(x, weight) for x in before]
            after = before if all(a is b for a, b in zip(after, before, strict=True)) else after
        else:
            continue
        if after is not before:
            changed[name] = after
    return changed_copy(loss, changed)


def weight_of(weight):
    """`weight` as a term's weight: a schedule, or a plain finite number."""
    if isinstance(weight, Schedule):
        return weight
    if isinstance(weight, np.generic) or (
        isinstance(weight, np.ndarray) and weight.ndim == 0
    ):
        weight = weight.item()
    if isinstance(weight, bool) or not isinstance(weight, numbers.Real):
        raise TypeError(
            "The weight of a loss must be a number, or a LearningRateSchedule that "
            "`WeightScheduler` drives; a variable or tensor would be frozen or lost. Take "
            "its value with float(...), a schedule, or `LearnedWeights` for weights that "
            f"are learned. Received: {weight!r}"
        )
    if not math.isfinite(weight):
        raise ValueError(f"The weight of a loss must be finite. Received: {weight!r}")
    return weight


def _will_be_driven():
    """Whether Keras infers a shape now, and a callback will drive weights later.

    Keras does so before it sets up callbacks, and on JAX an error after that would
    leave the model without its variables: a missing callback is noticed here.
    """
    if not keras_frame("compute_output_spec"):
        return False
    trainer = keras_frame("fit", "evaluate", "train_on_batch", "test_on_batch")
    if trainer is None:
        return True
    return any(getattr(c, "drives_weights", False) for c in callbacks_of(trainer))


def fixed_at(loss, step):
    """`loss` with the weights that its schedules have at a step."""
    return reweighed(loss, lambda total, name, schedule: _at(schedule, step))


def _at(schedule, step):
    """The weight at a step: a number, or a tensor where it is being traced."""
    value = ops.convert_to_tensor(schedule(step))
    seen = visible(value)
    return Traced(value) if seen is None else float(seen)


def _is_zero(weight):
    return isinstance(weight, numbers.Real) and weight == 0


def _plus(a, b):
    if a.dtype != b.dtype:  # One is float32, one float64: the wider one.
        a, b = ops.cast(a, "float64"), ops.cast(b, "float64")
    return a + b
