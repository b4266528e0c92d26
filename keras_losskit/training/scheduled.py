"""What a model tracks for its scheduled weights: variables, and a check of each `fit`."""

import contextlib
import weakref

import keras

from keras_losskit.core.backend import keras_frame


class DrivenInFit(keras.metrics.Metric):
    """Raises where a `fit` begins while nothing drives the weights of `names()`.

    Keras resets every metric of a model and its layers where `fit` begins an
    epoch, before anything is updated: a metric without a value is the one place
    that can stop a `fit` that has been traced before.

    Args:
        names: a function that tells the names of what must be driven.
        mend: what else the user can do.
    """

    def __init__(self, names, mend, name):
        super().__init__(name=name)
        self.names, self.mend = names, mend
        self.driver = None

    def reset_state(self):
        names = self.names()
        if names and self.driver is None and keras_frame("fit"):
            raise ValueError(
                f"Nothing drives the scheduled weights of {', '.join(names)} in this `fit`, "
                f"so they would be frozen. Give it callbacks=[WeightScheduler()], or "
                f"{self.mend}."
            )

    def update_state(self, *args, **kwargs):
        pass

    def result(self):
        return {}


class ScheduledWeights(DrivenInFit):
    """The variables of the scheduled weights of a model's compiled losses.

    On JAX a variable is live in the compiled step only if the model tracks it,
    and what a model tracks but does not save is a metric.
    """

    def __init__(self, model, names):
        super().__init__(
            names, "fix the weights with `total.at_step(step)`", "scheduled_weights"
        )
        self.model = weakref.ref(model)
        self.held = {}

    def variable(self, name, value):
        """The variable of a weight, made where it is first asked for."""
        if name not in self.held:
            strategy = getattr(self.model(), "distribute_strategy", None)
            with strategy.scope() if strategy else contextlib.nullcontext():
                self.held[name] = self.add_variable(
                    shape=(),
                    initializer=keras.initializers.Constant(value),
                    aggregation="mean",
                    name=name,
                )
        return self.held[name]


def attach(model, name, metrics):
    """Let a model track metrics as its attribute `name`, whether it is built or not."""
    # Keras locks a built layer against forgotten weights; it opens the lock itself
    # where it adds some on purpose. A metric is no weight.
    tracker = model._tracker
    locked = tracker.locked
    tracker.unlock()
    try:
        setattr(model, name, metrics)
    finally:
        if locked:
            tracker.lock()
