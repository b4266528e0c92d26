"""The operators of every loss: the one seam between `Loss` and what it builds.

`Loss` is an operand, but what its operators build are losses, so they are given to
it here, and loss.py knows nothing of the algebra.
"""

import keras

from keras_losskit.core.algebra import Product, WeightedSum, weight_of
from keras_losskit.core.foreign import as_loss
from keras_losskit.core.loss import Loss
from keras_losskit.core.schedules import Schedule, times
from keras_losskit.core.select import Select


def _operand(x):
    """`x` as a loss, or `None` for a stranger."""
    known = isinstance(x, (keras.losses.Loss, str)) or hasattr(x, "__code__")
    return as_loss(x) if known else None


def _scalar(x):
    """`x` as a weight, or `None` for a stranger."""
    try:
        return weight_of(x)
    except TypeError:
        return None


def _add(self, other, sign=1):
    loss = _operand(other)
    if loss is None:
        return NotImplemented
    return WeightedSum([self, (sign, loss)])


def _radd(self, other):
    if isinstance(other, (int, float)) and not isinstance(other, bool) and other == 0:
        return self  # What sum() starts with.
    loss = _operand(other)
    return NotImplemented if loss is None else WeightedSum([loss, self])


def _rsub(self, other):
    loss = _operand(other)
    return NotImplemented if loss is None else WeightedSum([loss, (-1, self)])


def _mul(self, other, swapped=False):
    weight = _scalar(other)
    if weight is not None:
        return WeightedSum([(weight, self)])
    loss = _operand(other)
    if loss is None:
        return NotImplemented
    return _product(loss, self) if swapped else _product(self, loss)


def _product(a, b):
    scale, factors = 1, []
    for loss in (a, b):
        if isinstance(loss, WeightedSum) and len(loss.terms) == 1:
            weight, loss = next(iter(loss.terms.values()))
            scale = times(scale, weight)
        factors.append(loss)
    product = Product(factors)
    plain = not isinstance(scale, Schedule) and scale == 1
    return product if plain else WeightedSum([(scale, product)])


def _truediv(self, other):
    weight = _scalar(other)
    if weight is None or isinstance(weight, Schedule):
        return NotImplemented
    if weight == 0:
        raise ZeroDivisionError(f"{self.name}: a loss cannot be divided by 0.")
    return WeightedSum([(1 / weight, self)])


def _on(self, *, y_true=None, y_pred=None):
    """This loss on a part of its inputs; see `Select`."""
    return Select(self, y_true=y_true, y_pred=y_pred)


Loss.__add__ = _add
Loss.__radd__ = _radd
Loss.__sub__ = lambda self, other: _add(self, other, -1)
Loss.__rsub__ = _rsub
Loss.__mul__ = _mul
Loss.__rmul__ = lambda self, other: _mul(self, other, swapped=True)
Loss.__truediv__ = _truediv
Loss.__neg__ = lambda self: WeightedSum([(-1, self)])
Loss.__pos__ = lambda self: self
Loss.on = _on
Loss.__array_ufunc__ = None  # So that np.float32(2) * loss comes here.
