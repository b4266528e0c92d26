"""`AddLoss`: a loss on tensors inside a model."""

import keras
from keras import ops

from keras_losskit.core.algebra import weight_of
from keras_losskit.core.backend import replicas
from keras_losskit.core.config import decode, encode
from keras_losskit.core.foreign import as_loss
from keras_losskit.core.gather import require_no_waiting
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import mean_of_all
from keras_losskit.core.schedules import Schedule
from keras_losskit.training.callback import KitCallback
from keras_losskit.training.scheduled import DrivenInFit
from keras_losskit.training.walk import layers


@register
class AddLoss(keras.layers.Layer):
    """Adds a loss on its inputs to the model's, and returns them unchanged.

    For what a loss of `compile` never sees: the latent distribution of an
    autoencoder, the activations of a layer. The inputs are real tensors by the
    time the loss is computed, on every backend.

    Args:
        loss: the loss, anything that `as_loss` takes.
        weight: its weight in the model's loss: a finite number, or a
            `keras.optimizers.schedules.LearningRateSchedule`, which
            `WeightScheduler` moves.
        name: of the layer; `AddedLossLogger` logs the loss under it.

    Call on a pair, `[y_true, y_pred]` as the loss names them, or on one tensor,
    which is then `y_pred` against a `y_true` of zeros. A third input holds weights,
    `[y_true, y_pred, sample_weight]`: `fit`'s `sample_weight` goes to the losses of
    `compile` alone and never reaches a layer, so make it an input of the model where it
    is to count here too. `layer(y_true, y_pred)` is the same as a call on a list.

    Raises:
        ValueError: where the inputs are none of these, do not fit the loss, where a
            scheduled weight is trained and nothing drives it, or for a loss with
            `gather=True` under `tf.distribute`.

    Example:

    >>> import keras, numpy as np, keras_losskit as kl
    >>> x = keras.Input((2,))
    >>> mean, log_variance = keras.layers.Dense(3)(x), keras.layers.Dense(3)(x)
    >>> mean, log_variance = kl.AddLoss(kl.GaussianKL(), 0.1, name="kl")([mean, log_variance])
    >>> model = keras.Model(x, keras.layers.Dense(2)(mean))
    >>> model.compile("adam", loss=kl.MeanSquaredError())
    >>> history = model.fit(np.ones((4, 2)), np.ones((4, 2)), verbose=0)
    """

    def __init__(self, loss, weight=1.0, *, name=None, dtype=None, **options):
        loss = as_loss(loss)
        # The inputs are handed on as they came, whatever the dtype policy.
        super().__init__(
            name=name or _unused_name(loss.name), dtype=dtype, autocast=False, **options
        )
        self.loss = loss
        self.weight = weight_of(weight)
        self.supports_masking = True
        # The sum over the batches of an epoch, for the logs. Not a metric: on JAX
        # Keras drops what a layer's metric learns in `call`.
        self.total = self._state("total")
        self.count = self._state("count")
        self.current = None
        if isinstance(self.weight, Schedule):
            self.driven = DrivenInFit(lambda: [(self, self.name)], "a number as `weight`", "driven")
            self.current = self._state("weight", float(ops.convert_to_numpy(weight(0))))

    def _state(self, name, value=0.0):
        # Local to a replica of `tf.distribute`: what is assigned there would wait for
        # the others, and Keras mixes up the losses of replicas that wait in a layer.
        return keras.Variable(
            keras.initializers.Constant(value),
            shape=(),
            dtype="float32",
            trainable=False,
            autocast=False,
            aggregation="mean",
            synchronization="on_read",
            name=name,
        )

    def call(self, inputs, y_pred=None, sample_weight=None):
        inputs = _listed(inputs, y_pred, sample_weight)
        y_true, y_pred, weights = self._inputs(inputs)
        require_no_waiting(self.name, self.loss)
        # Keras divides what layers add by the number of replicas; so does a loss.
        value = mean_of_all(self.loss(y_true, y_pred, weights) * replicas())
        batch = ops.cast(ops.shape(keras.tree.flatten(y_pred)[0])[0], "float32")
        self.total.assign(self.total + batch * ops.cast(value, "float32"))
        self.count.assign(self.count + batch)
        self.add_loss(self._current_weight(value) * value)
        return inputs

    def _inputs(self, inputs):
        if not isinstance(inputs, (list, tuple)):
            return keras.tree.map_structure(ops.zeros_like, inputs), inputs, None
        if len(inputs) not in (2, 3):
            raise ValueError(
                f"{self.name}: AddLoss is called on one tensor, on a pair [y_true, y_pred] "
                "or on [y_true, y_pred, sample_weight]. Received "
                f"{len(inputs)} inputs."
            )
        return (*inputs, None)[:3]

    def _current_weight(self, value):
        if self.current is None:
            return self.weight
        return ops.cast(self.current, value.dtype)

    def compute_output_spec(self, inputs, y_pred=None, sample_weight=None, **kwargs):
        inputs = _listed(inputs, y_pred, sample_weight)
        self._inputs(inputs)
        return keras.tree.map_structure(
            lambda x: keras.KerasTensor(x.shape, dtype=x.dtype), inputs
        )

    def get_config(self):
        return {
            **super().get_config(),
            "loss": encode(self.loss, "AddLoss: argument `loss`"),
            "weight": encode(self.weight, "AddLoss: argument `weight`"),
        }

    @classmethod
    def from_config(cls, config):
        return cls(**decode(config))


def added_losses(model):
    """Every `AddLoss` layer of a model."""
    return [layer for layer in layers(model) if isinstance(layer, AddLoss)]


def _listed(inputs, y_pred, sample_weight):
    """`layer(a, b)` as `layer([a, b])`."""
    if y_pred is None:
        return inputs
    return [inputs, y_pred] if sample_weight is None else [inputs, y_pred, sample_weight]


class AddedLossLogger(KitCallback):
    """Logs the loss of every `AddLoss` layer, under the layer's name.

    The epoch's mean, unweighted, in training and (with `val_`) in validation.
    A layer cannot log by itself: on JAX, Keras drops what a layer's metric
    learns during `call`. Put it before callbacks that read the logs.

    Example:

    >>> import keras, numpy as np, keras_losskit as kl
    >>> model = keras.Sequential([keras.Input((2,)), kl.AddLoss("mse", name="size"),
    ...                           keras.layers.Dense(1)])
    >>> model.compile("sgd", loss=kl.MeanSquaredError())
    >>> history = model.fit(np.full((4, 2), 3.0), np.zeros((4, 1)), verbose=0,
    ...                     callbacks=[kl.AddedLossLogger()])
    >>> history.history["size"]    # 3², against zeros.
    [9.0]
    """

    of_a_run = {"_seen": dict, "_training": bool}

    def on_train_begin(self, logs=None):
        self._training = True

    def on_train_end(self, logs=None):
        self._training = False

    def on_epoch_begin(self, epoch, logs=None):
        self._seen = {}
        self._reset()

    def on_test_begin(self, logs=None):
        if self._training:
            self._keep("")
        self._reset()

    def on_test_end(self, logs=None):
        self._keep("val_")

    def on_epoch_end(self, epoch, logs=None):
        if all(name.startswith("val_") for name in self._seen):
            self._keep("")
        if logs is not None:
            logs.update(self._seen)

    # Through `self.model`, which fetches the state from a running JAX step.
    def _keep(self, prefix):
        for layer in added_losses(self.model):
            count = float(ops.convert_to_numpy(layer.count))
            total = float(ops.convert_to_numpy(layer.total))
            self._seen[prefix + layer.name] = total / count if count else 0.0

    def _reset(self):
        for layer in added_losses(self.model):
            layer.total.assign(0.0)
            layer.count.assign(0.0)


def _unused_name(name):
    """`name`, `name_1`, …, counted as Keras counts the names of layers."""
    count = keras.backend.get_uid(name)
    return name if count == 1 else f"{name}_{count - 1}"
