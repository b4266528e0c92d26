"""`WeightScheduler`: moves the scheduled weights of a loss during `fit`."""

import functools
import weakref

import keras
from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.algebra import WeightedSum, reweighed
from keras_losskit.core.combined import CombinedLoss, unique_name
from keras_losskit.core.keras_internals import attach, change_what_is_saved
from keras_losskit.core.loss import Loss
from keras_losskit.core.run import run_of
from keras_losskit.core.schedules import Schedule
from keras_losskit.training.add_loss import AddLoss, added_losses
from keras_losskit.training.callback import KitCallback
from keras_losskit.training.scheduled import ScheduledWeights
from keras_losskit.training.schedules import AdjustableWeight
from keras_losskit.training.terms import TermMetric
from keras_losskit.training.walk import compiled_losses, parts


class WeightScheduler(KitCallback):
    """Moves the weights that are schedules, and logs them.

    A weight of a term, or of an `AddLoss` layer, may be a
    `keras.optimizers.schedules.LearningRateSchedule`. Give this callback to
    `fit`, and each such weight is what its schedule says at the current step.
    The logs of each epoch hold it as `<term>_weight`.

    Args:
        loss: the loss whose weights are moved; by default all that the model was
            compiled with. Give it where the model calls it itself, in `compute_loss`
            or in a step of its own. `AddLoss` layers of the model are always served.
        by: `"step"`: schedules are asked for the number of updates that the
            optimizer has made, which a saved model remembers; with
            `steps_per_execution` weights move once per execution. `"epoch"`: for
            the epoch, counted from 0; when you train on, say so by `fit`'s
            `initial_epoch`.

    Put it before callbacks that read the logs. Give it to `evaluate` too, where
    a loaded model is evaluated before it is trained. To fix weights instead,
    compile with `total.at_step(step)`. Models that share a loss each have their own
    weights.

    A weight that follows something else, such as a validation metric, is an
    `AdjustableWeight`; set it by `set_weight`, from a subclass or another callback.

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
    of_a_run = {"_moved": dict, "_training": bool, "_first": int}

    def __init__(self, loss=None, by="step"):
        super().__init__()
        if loss is not None and not isinstance(loss, CombinedLoss):
            raise TypeError(
                "WeightScheduler: `loss` must be a loss with a scheduled weight, such as "
                f"`a + schedule * b`, or None. Received: loss={loss!r}"
            )
        self.loss = loss
        self.by = checks.choice(self, "by", by, ("step", "epoch"))

    def set_model(self, model):
        super().set_model(model)
        if self.loss is not None and not _may_use(model, self.loss):
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
        tracked.give(self.loss)
        run = run_of(model)
        self._moved = {}
        for source, term, schedule in sources:
            name = unique_name(f"{term}_weight", self._moved)
            if isinstance(source, AddLoss):
                variable = source.current
            else:
                variable = tracked.variable(name, schedule, _at(schedule, 0))
                run.drive(source, term, variable)
            self._moved[name] = _Moved(source, term, schedule, variable)
        if any(isinstance(m.schedule, AdjustableWeight) for m in self._moved.values()):
            change_what_is_saved(model, lambda config: _with_what_was_set(config, run))

    def drives(self, source, term):
        """Whether this callback moves the weight of a term of a loss or layer."""
        # Equal losses have equal schedules, and so the same weight at a step.
        moved = [m for m in self._moved.values() if m.term == term]
        return any(m.source is source or m.source == source for m in moved)

    def set_weight(self, term, value):
        """Set the weight of a term that is an `AdjustableWeight`, from the next step on.

        `term` is its name, or that of the weight in the logs where several outputs have
        one of that name. It is in the logs, stays for the next `fit`, and is saved with
        the model.
        """
        value = checks.real(self, "value", value)
        moved = self._moved.get(f"{term}_weight", self._moved.get(term))
        if moved is None or not isinstance(moved.schedule, AdjustableWeight):
            can = [n for n, m in self._moved.items() if isinstance(m.schedule, AdjustableWeight)]
            raise ValueError(
                f"WeightScheduler: the weight of term {term!r} cannot be set; {can} can. "
                "Write the term as `AdjustableWeight(0.1) * loss`."
            )
        self._assign(moved, value)

    def on_train_begin(self, logs=None):
        self._training = True

    def on_train_end(self, logs=None):
        self._training = False
        if self.by == "step":  # As `evaluate` with this callback would have it.
            self._move(self._updates())

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
        return getattr(self._model.optimizer, "gradient_accumulation_steps", None) or 1

    def _move(self, step):
        for moved in self._moved.values():
            if isinstance(moved.schedule, AdjustableWeight):
                if moved.value is None:  # Where a run begins; then `set_weight` alone moves it.
                    moved.value = float(ops.convert_to_numpy(moved.variable))
                continue
            value = _at(moved.schedule, step)
            if value != moved.value:
                self._assign(moved, value)

    def _assign(self, moved, value):
        _ = self.model  # Fetches JAX's state, so that the next step sees the change.
        moved.variable.assign(value)
        moved.value = value


class _Moved:
    """A weight: whose it is, its schedule, the variable that follows it, its value."""

    def __init__(self, source, term, schedule, variable):
        self.source, self.term, self.schedule = source, term, schedule
        self.variable, self.value = variable, None


def scheduled(model, loss=None):
    """`(sum or layer, name of the term, schedule)` of each scheduled weight."""
    losses = compiled_losses(model) if loss is None else [loss]
    return _of_losses(losses) + [
        (layer, layer.name, layer.weight)
        for layer in added_losses(model)
        if isinstance(layer.weight, Schedule)
    ]


def _of_losses(losses):
    return [
        (part, name, weight)
        for whole in losses
        for part in parts(whole)
        if isinstance(part, WeightedSum)
        for name, weight in part.schedules.items()
    ]


def _may_use(model, loss):
    """Whether a model was compiled with a loss, or calls losses in code of its own."""
    known = [source for source, _, _ in _of_losses(compiled_losses(model))]
    if any(source == mine for source in known for mine, _, _ in _of_losses([loss])):
        return True
    plain = keras.Sequential if isinstance(model, keras.Sequential) else keras.Model
    return any(
        getattr(type(model), step) is not getattr(plain, step)
        for step in ("compute_loss", "train_step")
    )


def _attached(model):
    """The model's `ScheduledWeights`, attached to it where there is none yet."""
    tracked = getattr(model, "scheduled_weights", None)
    if not isinstance(tracked, ScheduledWeights) or tracked.model() is not model:
        reference = weakref.ref(model)
        tracked = ScheduledWeights(model, lambda given: _terms(reference(), given))
        attach(model, "scheduled_weights", tracked)
    return tracked


def _terms(model, given):
    compiled = compiled_losses(model)
    more = [loss for loss in given if not any(loss is c for c in compiled)]
    return [(source, term) for source, term, _ in _of_losses([*compiled, *more])]


def _with_what_was_set(thing, run):
    """What a model was compiled with, its adjustable weights as they are now."""
    if isinstance(thing, dict):
        return {name: _with_what_was_set(part, run) for name, part in thing.items()}
    if isinstance(thing, (list, tuple)):
        return type(thing)(_with_what_was_set(part, run) for part in thing)
    if isinstance(thing, Loss):
        return reweighed(thing, functools.partial(_as_set, run))
    if isinstance(thing, TermMetric):
        loss = _with_what_was_set(thing.loss, run)
        if loss is thing.loss:
            return thing
        return TermMetric(
            loss, thing.term, thing.weighted, name=thing.name, dtype=thing.dtype
        )
    return thing


def _as_set(run, total, term, schedule):
    variable = run.driven(total, term)
    if variable is None or not isinstance(schedule, AdjustableWeight):
        return schedule
    return AdjustableWeight(float(ops.convert_to_numpy(variable)))


def _at(schedule, step):
    return float(ops.convert_to_numpy(ops.convert_to_tensor(schedule(step))))
