"""`TermMetric`: the terms of a loss in the logs; what `loss.metrics()` makes."""

import warnings

import keras
from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.algebra import WeightedSum
from keras_losskit.core.backend import replicas, to_tensors
from keras_losskit.core.config import decode, encode
from keras_losskit.core.foreign import as_loss
from keras_losskit.core.keras_internals import falls, keras_mask
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import mean_of_all, safe_divide
from keras_losskit.core.run import saw_mask


@register
class TermMetric(keras.metrics.Metric):
    """The value of one term of a loss, averaged as Keras averages the loss.

    Each batch counts by its size, so that the weighted terms of an epoch add up
    to its `loss`. Made by `loss.metrics()`.

    Args:
        loss: the loss as compiled, anything that `as_loss` takes.
        term: the name of one of its terms; `None` for the whole of it.
        weighted: whether the value is multiplied by the term's current weight.
        name: in the logs; by default the term's, after `weighted_` if it is.
        dtype: of the sums; `None` follows `keras.config.floatx()`.

    Raises:
        ValueError: for a term that `loss` does not have.

    Example:

    >>> import keras_losskit as kl
    >>> total = kl.MeanSquaredError() + 0.5 * kl.MeanAbsoluteError()
    >>> metric = kl.TermMetric(total, "mean_absolute_error", weighted=True)
    >>> metric.update_state([[0.0], [0.0]], [[1.0], [2.0]])
    >>> metric.update_state([[0.0]], [[6.0]])
    >>> float(metric.result())    # 0.5·(1 + 2 + 6)/3
    1.5
    """

    def __init__(self, loss, term=None, weighted=False, *, name=None, dtype=None):
        loss = as_loss(loss)
        terms = loss.terms if isinstance(loss, WeightedSum) else {}
        if term is not None and term not in terms:
            raise ValueError(
                f"TermMetric: `term` must be one of {list(terms)}, the terms of {loss!r}, or "
                f"None. Received: term={term!r}"
            )
        weighted = checks.flag(self, "weighted", weighted)
        shown = loss.name if term is None else term
        super().__init__(name=name or ("weighted_" * weighted + shown), dtype=dtype)
        self.loss, self.term, self.weighted = loss, term, weighted
        falls(self)  # `EarlyStopping` on it needs no `mode`.
        self.total = self.add_variable(shape=(), initializer="zeros", name="total")
        self.count = self.add_variable(shape=(), initializer="zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        loss = self.loss if self.term is None else self.loss.terms[self.term].loss
        mask = keras_mask(y_pred)
        if mask is None and saw_mask(self.loss) and keras.config.backend() == "jax":
            warnings.warn(
                f"{self.name}: on JAX, Keras hands metrics no mask. The terms in the logs "
                "are means over all positions; the loss itself leaves masked ones out.",
                stacklevel=2,
            )
        # A loss may not reduce.
        value = mean_of_all(loss.evaluate(y_true, y_pred, sample_weight, mask))
        if self.weighted and self.term is not None:
            weight = ops.cast(self.loss.weight(self.term), value.dtype)
            value = ops.where(weight == 0, ops.zeros_like(value), weight * value)
        batch = ops.cast(ops.shape(keras.tree.flatten(to_tensors(y_pred))[0])[0], self.total.dtype)
        # A loss is its replica's share; a log is not.
        value = ops.cast(value, self.total.dtype) * replicas()
        self.total.assign(self.total + batch * value)
        self.count.assign(self.count + batch)

    def result(self):
        return safe_divide(
            ops.convert_to_tensor(self.total), ops.convert_to_tensor(self.count)
        )

    def get_config(self):
        return {
            **super().get_config(),
            "loss": encode(self.loss, "TermMetric: argument `loss`"),
            "term": self.term,
            "weighted": self.weighted,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**decode(config))
