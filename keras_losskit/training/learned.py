"""`LearnedWeights`: a model that learns the weights of its loss's terms."""

from collections.abc import Mapping

import keras
from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.algebra import WeightedSum
from keras_losskit.core.backend import replicas
from keras_losskit.core.combined import require_agreement, unique_name
from keras_losskit.core.config import decode, encode
from keras_losskit.core.foreign import as_loss
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import mean_of_all
from keras_losskit.core.schedules import Schedule


def _uncertainty(s):
    return ops.exp(-s), 0.5 * ops.sum(s)


def _bounded(s):
    return ops.exp(-s), ops.sum(ops.softplus(s))


def _softmax(s):
    log_weights = ops.log_softmax(s) + ops.log(ops.cast(s.shape[0], s.dtype))
    return ops.exp(log_weights), -ops.sum(log_weights)


_RULES = {"uncertainty": _uncertainty, "bounded": _bounded, "softmax": _softmax}


@register
class LearnedWeights(keras.Model):
    r"""A network and its loss, whose terms' weights are learned with the network.

    The weights are variables of this model: they are trained by its optimizer,
    logged as `<term>_weight` beside each term, and saved with it. With one
    learned number s per term, the loss is Σ w·v(s)·L plus a penalty that keeps
    the weights from vanishing:

    | rule | v(s) | penalty | source |
    |---|---|---|---|
    | `"uncertainty"` | e^-s, s = log σ² | Σ s/2 | Kendall et al. 2018 |
    | `"bounded"` | e^-s | Σ log(1 + e^s), never negative | Liebel and Körner 2018 |
    | `"softmax"` | K·softmax(s) | -Σ log v | weights that sum to K, the number of terms |

    w is the term's own weight in the sum. Kendall's ½ of a squared error is
    such a weight: `0.5 * MeanSquaredError() + CategoricalCrossentropy()`; Liebel and
    Körner have ½ on every term: `0.5 * (a + b)`. All s start at 0, where every v is 1.

    Args:
        network: the model whose outputs the loss takes.
        loss: a sum such as `a + b`, each term of which gets a weight; or one loss
            per output of the network, as a dict by the outputs' names or a list.
            Its own weights must be numbers.
        rule: how a learned number weighs its term.

    Compile it without a loss: `model.compile("adam", metrics=...)`. The
    network, trained, is `model.network`.

    Raises:
        ValueError: where a weight is a schedule, terms disagree on `from_logits`,
            or `compile` is given a loss too.

    Example:

    >>> import keras, numpy as np, keras_losskit as kl
    >>> network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> total = kl.MeanSquaredError() + kl.MeanAbsoluteError()
    >>> model = kl.LearnedWeights(network, total)
    >>> model.compile("adam")
    >>> history = model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    >>> sorted(history.history)[:3]
    ['loss', 'mean_absolute_error', 'mean_absolute_error_weight']

    References: A. Kendall et al., *Multi-Task Learning Using Uncertainty to Weigh
    Losses* (2018), https://arxiv.org/abs/1705.07115; L. Liebel and M. Körner,
    *Auxiliary Tasks in Multi-task Learning* (2018),
    https://arxiv.org/abs/1805.06334
    """

    def __init__(self, network, loss, rule="uncertainty", **options):
        super().__init__(**options)
        if not isinstance(network, keras.Model):
            raise TypeError(
                f"LearnedWeights: `network` must be a keras.Model. Received: {network!r}"
            )
        self.network = network
        self.rule = checks.choice(self, "rule", rule, tuple(_RULES))
        self.terms = _terms(loss)
        self._given = loss
        self.balance = self.add_weight(
            shape=(len(self.terms),), initializer="zeros", dtype="float32", name="balance"
        )
        self.term_metrics = [keras.metrics.Mean(name=name) for name in self.terms]
        self.weight_metrics = [_Latest(name=f"{name}_weight") for name in self.terms]

    def build(self, input_shape):
        if not self.network.built:
            self.network.build(input_shape)
        self.built = True

    def call(self, inputs, training=None):
        return self.network(inputs, training=training)

    def term_weights(self):
        """The current weight of each term, w·v(s), by name."""
        scales, _ = _RULES[self.rule](ops.convert_to_tensor(self.balance))
        scales = ops.convert_to_numpy(scales)
        return {
            name: float(weight * scale)
            for (name, (weight, _, _)), scale in zip(self.terms.items(), scales, strict=True)
        }

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        if self.loss is not None:
            raise ValueError(
                f"{self.name}: LearnedWeights has its loss from its constructor. Compile it "
                "without one."
            )
        scales, penalty = _RULES[self.rule](ops.convert_to_tensor(self.balance))
        total = penalty / replicas()
        batch = ops.shape(keras.tree.flatten(y_pred)[0])[0]
        for i, (weight, loss, output) in enumerate(self.terms.values()):
            predicted = _part(y_pred, output)
            value = mean_of_all(
                loss(_part(y, output), predicted, _part(sample_weight, output))
            )
            current = weight * ops.cast(scales[i], value.dtype)
            total = total + ops.cast(current * value, total.dtype)
            self.term_metrics[i].update_state(value * replicas(), sample_weight=batch)
            self.weight_metrics[i].update_state(current)
        for added in self.losses:
            total = total + ops.sum(ops.cast(added, total.dtype)) / replicas()
        return total

    def get_config(self):
        given = self._given
        if isinstance(given, Mapping):
            given = {name: as_loss(loss) for name, loss in given.items()}
        elif isinstance(given, (list, tuple)):
            given = [as_loss(loss) for loss in given]
        return {
            "network": keras.saving.serialize_keras_object(self.network),
            "loss": encode(
                given if isinstance(given, (list, dict)) else as_loss(given),
                "LearnedWeights: argument `loss`",
            ),
            "rule": self.rule,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**decode(config))


class _Latest(keras.metrics.Metric):
    """The last value seen."""

    def __init__(self, name):
        super().__init__(name=name)
        self.value = self.add_variable(
            shape=(), initializer="zeros", aggregation="mean", name="value"
        )

    def update_state(self, value, sample_weight=None):
        self.value.assign(ops.cast(value, self.value.dtype))

    def result(self):
        return 1.0 * self.value  # Not the variable itself, which moves on before it is read.


def _terms(loss):
    """`{name: (weight, loss, output)}` of the terms to be weighed."""
    if isinstance(loss, Mapping):
        entries = [(name, 1, as_loss(part), name) for name, part in loss.items()]
    elif isinstance(loss, (list, tuple)):
        entries = [(None, 1, as_loss(part), i) for i, part in enumerate(loss)]
    else:
        loss = as_loss(loss)
        found = loss.terms if isinstance(loss, WeightedSum) else {loss.name: (1, loss)}
        entries = [(name, weight, part, None) for name, (weight, part) in found.items()]
        require_agreement([part for _, part in found.values()])
    if not entries:
        raise ValueError("LearnedWeights: `loss` is empty; give at least one.")
    terms = {}
    for name, weight, part, output in entries:
        if isinstance(weight, Schedule):
            raise ValueError(
                f"LearnedWeights: the weight of term `{name}` is a schedule. A weight is "
                "learned or scheduled: fix it first with `total.at_step(step)`."
            )
        terms[unique_name(name or part.name, terms)] = (weight, part, output)
    return terms


def _part(x, output):
    """The part of a structure that belongs to an output; what has no parts is shared."""
    if output is None or not isinstance(x, (dict, list, tuple)):
        return x
    return x[output]
