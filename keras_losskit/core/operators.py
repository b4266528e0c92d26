"""`Algebra`: the operators of every loss, and what it builds of itself.

What operators build are losses, which stand on `Loss`: they are imported where they
are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

if TYPE_CHECKING:
    from keras_losskit.core.algebra import Product, WeightedSum
    from keras_losskit.core.loss import Loss
    from keras_losskit.core.select import Select
    from keras_losskit.training.terms import TermMetric


class Algebra:
    """`a + 0.5 * b`, `a * b`, `sum([a, b])`, `.on(...)`, `.metrics()`."""

    __array_ufunc__ = None  # So that np.float32(2) * loss comes here.

    def __add__(self, other: Any) -> WeightedSum:
        return _sum([self, other])

    def __radd__(self, other: Any) -> Any:
        if isinstance(other, (int, float)) and not isinstance(other, bool) and other == 0:
            return self  # What sum() starts with.
        return _sum([other, self])

    def __sub__(self, other: Any) -> WeightedSum:
        return _sum([self, other], -1)

    def __rsub__(self, other: Any) -> WeightedSum:
        return _sum([other, self], -1)

    def __mul__(self, other: Any) -> WeightedSum | Product:
        return _times(self, other)

    def __rmul__(self, other: Any) -> WeightedSum | Product:
        return _times(self, other, swapped=True)

    def __truediv__(self, other: Any) -> WeightedSum:
        from keras_losskit.core.algebra import WeightedSum
        from keras_losskit.core.schedules import Schedule

        weight = _weight(other)
        if weight is None or isinstance(weight, Schedule):
            return NotImplemented
        if weight == 0:
            raise ZeroDivisionError(f"{self.name}: a loss cannot be divided by 0.")
        return WeightedSum([(1 / weight, self)])

    def __neg__(self) -> WeightedSum:
        from keras_losskit.core.algebra import WeightedSum

        return WeightedSum([(-1, self)])

    def __pos__(self) -> Loss:
        return self

    def on(
        self,
        *,
        y_true: Any = None,
        y_pred: Any = None,
        weight: Any = None,
        sample_weight: bool = True,
    ) -> Select:
        """This loss on a part of its inputs, with weights of its own; see `Select`.

        Args:
            y_true, y_pred: what to select: an index, a slice or a list of indices on
                the last axis, a key of a dict, or a dict of these, which builds a dict
                of parts; `None` for all of it.
            weight: an index or key of `y_true`: that part weighs this loss, beside the
                sample weights.
            sample_weight: `False` lets this loss ignore the sample weights.

        Example:

        >>> import keras_losskit as kl
        >>> boxes = kl.SmoothL1().on(y_true=slice(0, 2), y_pred=slice(0, 2), weight=2)
        >>> y_true = [[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]    # The second has no object.
        >>> float(boxes(y_true, [[1.0, 1.0], [9.0, 9.0]]))    # (1·0.5 + 0·8.5)/2
        0.25
        """
        from keras_losskit.core.select import Select

        return Select(
            self, y_true=y_true, y_pred=y_pred, weight=weight, sample_weight=sample_weight
        )

    def metrics(self, weighted: bool = False) -> list[TermMetric]:
        """One metric per term of this loss, for `compile`.

        `model.compile(loss=total, metrics=total.metrics())` shows every term in the
        progress bar, the history and the logs of other callbacks, with `val_` in
        validation. As `weighted_metrics` they see the sample weights. On JAX, Keras
        hands metrics no mask: the terms of a masked model then count all positions,
        and a warning says so.

        Args:
            weighted: `False` for the terms' own values, `True` for what each
                contributes to the loss: its value times its current weight, named
                `weighted_…`.

        Returns:
            A list of `TermMetric`: one per term of a sum, one for any other loss.

        Example:

        >>> import keras_losskit as kl
        >>> total = kl.MeanSquaredError() + 0.5 * kl.MeanAbsoluteError()
        >>> [metric.name for metric in total.metrics()]
        ['mean_squared_error', 'mean_absolute_error']
        """
        from keras_losskit.core.algebra import WeightedSum
        from keras_losskit.training.terms import TermMetric

        names = self.terms if isinstance(self, WeightedSum) else [None]
        return [TermMetric(self, name, weighted) for name in names]


def _sum(pair, sign=1):
    """The sum of two operands, or `NotImplemented` for a stranger."""
    from keras_losskit.core.algebra import WeightedSum

    first, second = (_operand(x) for x in pair)
    if first is None or second is None:
        return NotImplemented
    return WeightedSum([first, (sign, second)])


def _times(loss, other, swapped=False):
    from keras_losskit.core.algebra import WeightedSum

    weight = _weight(other)
    if weight is not None:
        return WeightedSum([(weight, loss)])
    factor = _operand(other)
    if factor is None:
        return NotImplemented
    return _product(factor, loss) if swapped else _product(loss, factor)


def _operand(x):
    """`x` as a loss, or `None` for a stranger."""
    from keras_losskit.core.foreign import as_loss

    known = isinstance(x, (keras.losses.Loss, str)) or hasattr(x, "__code__")
    if isinstance(x, type) and issubclass(x, keras.losses.Loss):
        known = True  # It says what to do instead.
    return as_loss(x) if known else None


def _weight(x):
    """`x` as a weight, or `None` for what can be none; a tensor is refused with reasons."""
    from keras_losskit.core.algebra import weight_of

    kind = type(x)
    if isinstance(x, (keras.losses.Loss, str, type)) or hasattr(x, "__code__"):
        return None
    if kind is list or kind is dict or kind is tuple:
        return None
    tensor = isinstance(x, (keras.Variable, np.ndarray)) or keras.ops.is_tensor(x)
    try:
        return weight_of(x)
    except TypeError:
        if tensor:
            raise
        return None


def _product(a, b):
    from keras_losskit.core.algebra import Product, WeightedSum
    from keras_losskit.core.schedules import Schedule, times

    scale, factors = 1, []
    for loss in (a, b):
        if isinstance(loss, WeightedSum) and len(loss.terms) == 1:
            weight, loss = next(iter(loss.terms.values()))
            scale = times(scale, weight)
        factors.append(loss)
    product = Product(factors)
    plain = not isinstance(scale, Schedule) and scale == 1
    return product if plain else WeightedSum([(scale, product)])
