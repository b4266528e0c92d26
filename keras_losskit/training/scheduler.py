"""`WeightScheduler`: moves the scheduled weights of a loss during `fit`."""

import weakref

import keras
from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.algebra import WeightedSum
from keras_losskit.core.combined import CombinedLoss, unique_name
from keras_losskit.core.schedules import Schedule
from keras_losskit.training.add_loss import AddLoss, added_losses
from keras_losskit.training.scheduled import ScheduledWeights, attach
from keras_losskit.training.walk import compiled_losses, parts


class WeightScheduler(keras.callbacks.Callback):
    """Moves the weights that are schedules, and logs them.

    A weight of a term, or of an `AddLoss` layer, may be a
    `keras.optimizers.schedules.LearningRateSchedule`. Give this callback to
    `fit`, and each such weight is what its schedule says at the current step.
    The logs of each epoch hold it as `<term>_weight`.

    Args:
        loss: the loss whose weights are moved; by default all that the model was
            compiled with. `AddLoss` layers of the model are always served.
        by: `"step"`: schedules are asked for the number of updates that the
            optimizer has made, which a saved model remembers; with
            `steps_per_execution` weights move once per execution. `"epoch"`: for
            the epoch, counted from 0; when you train on, say so by `fit`'s
            `initial_epoch`.

    Put it before callbacks that read the logs. Give it to `evaluate` too, where
    a loaded model is evaluated before it is trained. To fix weights instead,
    compile with `total.at_step(step)`.

    Raises:
        ValueError: in `fit`, where `loss` is not a loss of the model, or neither
            its losses nor its layers have a scheduled weight.

    Example:

    >>> import keras, numpy as np, keras_losskit as kl
    >>> ramp = kl.LinearWarmup(4, target=0.5)
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> total = kl.MeanSquaredError() + ramp * kl.MeanAbsoluteError()
    >>> model.compile("sgd", loss=total)
    >>> x, y = np.zeros((4, 2)), np.zeros((4, 1))
    >>> history = model.fit(x, y, batch_size=2, epochs=3, verbose=0,
    ...                     callbacks=[kl.WeightScheduler()])
    >>> history.history["mean_absolute_error_weight"]    # At steps 1, 3 and 5.
    [0.125, 0.375, 0.5]
    """

    drives_weights = True  # Asked for where a weight is found undriven.

    def __init__(self, loss=None, by="step"):
        super().__init__()
        if loss is not None and not isinstance(loss, CombinedLoss):
            raise TypeError(
                "WeightScheduler: `loss` must be a loss with a scheduled weight, such as "
                f"`a + schedule * b`, or None. Received: loss={loss!r}"
            )
        self.loss = loss
        self.by = checks.choice(self, "by", by, ("step", "epoch"))
        self._moved = {}
        self._checks = []
        self._training = False

    def set_model(self, model):
        super().set_model(model)
        if self.loss is not None and not any(
            part is mine
            for loss in compiled_losses(model)
            for mine in parts(loss)
            for part in parts(self.loss)
        ):
            raise ValueError(
                f"WeightScheduler: the loss `{self.loss.name}` is not the one that the "
                "model was compiled with. For a loaded model write WeightScheduler(), "
                "or WeightScheduler(model.loss)."
            )
        sources = scheduled(model, self.loss)
        if not sources:
            raise ValueError(
                "WeightScheduler: nothing to move. No weight of the model's loss and no "
                "AddLoss layer has a schedule; write one as in `a + schedule * b`."
            )
        tracked = _attached(model)
        self._moved, self._checks = {}, [tracked]
        for source, term, schedule in sources:
            name = unique_name(f"{term}_weight", self._moved)
            if isinstance(source, AddLoss):
                variable = source.current
                self._checks.append(source.driven)
            else:
                variable = tracked.variable(name, _at(schedule, 0))
                source.drive(term, variable)
            self._moved[name] = _Moved(schedule, variable)

    def on_train_begin(self, logs=None):
        self._training = True
        for check in self._checks:
            check.driver = self

    def on_train_end(self, logs=None):
        self._training = False
        for check in self._checks:
            check.driver = None

    def on_epoch_begin(self, epoch, logs=None):
        self._first = self._updates()
        self._move(epoch if self.by == "epoch" else self._first)

    def on_train_batch_begin(self, batch, logs=None):
        if self.by == "step":
            self._move(self._first + batch // self._accumulated())

    def on_test_begin(self, logs=None):
        if self.by == "step" and not self._training:
            self._move(self._updates())

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs.update({name: moved.value for name, moved in self._moved.items()})

    def _updates(self):
        """How many updates the optimizer has made."""
        # Through `self.model`, which fetches the state from a running JAX step.
        return int(ops.convert_to_numpy(self.model.optimizer.iterations))

    def _accumulated(self):
        """How many batches make one update."""
        optimizer = self._checks[0].model().optimizer
        return getattr(optimizer, "gradient_accumulation_steps", None) or 1

    def _move(self, step):
        for moved in self._moved.values():
            value = _at(moved.schedule, step)
            if value != moved.value:
                _ = self.model  # Fetches JAX's state, so that the next step sees the change.
                moved.variable.assign(value)
                moved.value = value


class _Moved:
    """A schedule, the variable that follows it, and what the variable holds."""

    def __init__(self, schedule, variable):
        self.schedule, self.variable, self.value = schedule, variable, None


def scheduled(model, loss=None):
    """`(sum or layer, name of the term, schedule)` of each scheduled weight."""
    losses = compiled_losses(model) if loss is None else [loss]
    found = [
        (part, name, weight)
        for whole in losses
        for part in parts(whole)
        if isinstance(part, WeightedSum)
        for name, weight in part.schedules.items()
    ]
    return found + [
        (layer, layer.name, layer.weight)
        for layer in added_losses(model)
        if isinstance(layer.weight, Schedule)
    ]


def _attached(model):
    """The model's `ScheduledWeights`, attached to it where there is none yet."""
    tracked = getattr(model, "scheduled_weights", None)
    if not isinstance(tracked, ScheduledWeights) or tracked.model() is not model:
        reference = weakref.ref(model)
        tracked = ScheduledWeights(model, lambda: _terms(reference()))
        attach(model, "scheduled_weights", tracked)
    return tracked


def _terms(model):
    return [name for source, name, _ in scheduled(model) if isinstance(source, WeightedSum)]


def _at(schedule, step):
    return float(ops.convert_to_numpy(ops.convert_to_tensor(schedule(step))))
