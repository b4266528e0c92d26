"""What a model tracks for its scheduled weights: variables, and a check of each `fit`."""

import contextlib
import weakref

import keras

from keras_losskit.core.keras_internals import callbacks_of, keras_frame


class DrivenInFit(keras.metrics.Metric):
    """Raises where a `fit` begins while nothing drives the weights of `needed()`.

    Keras resets every metric of a model and its layers where `fit` begins an
    epoch, before anything is updated: a metric without a value is the one place
    that can stop a `fit` that has been traced before. It looks at the callbacks of the
    running `fit`, so that no `fit` before it, however it ended, can speak for it.

    Args:
        needed: a function that tells what must be driven, as `(loss or layer, term)`.
        mend: what else the user can do.
    """

    def __init__(self, needed, mend, name):
        super().__init__(name=name)
        self.needed, self.mend = needed, mend

    def reset_state(self):
        needed = self.needed()
        fit = keras_frame("fit") if needed else None
        if fit is None:
            return
        drivers = [c for c in callbacks_of(fit) if getattr(c, "drives_weights", False)]
        left = [
            term for source, term in needed if not any(c.drives(source, term) for c in drivers)
        ]
        if left:
            raise ValueError(
                f"Nothing drives the scheduled weights of {', '.join(left)} in this `fit`, "
                f"so they would be frozen. Give it callbacks=[WeightScheduler()], or "
                f"{self.mend}."
            )

    def update_state(self, *args, **kwargs):
        pass

    def result(self):
        return {}


class ScheduledWeights(DrivenInFit):
    """The variables of the scheduled weights of a model's losses.

    On JAX a variable is live in the compiled step only if the model tracks it,
    and what a model tracks but does not save is a metric.
    """

    def __init__(self, model, needed):
        super().__init__(
            lambda: needed(self.given),
            "fix the weights with `total.at_step(step)`",
            "scheduled_weights",
        )
        self.model = weakref.ref(model)
        self.held, self.schedules = {}, {}
        self.given = []  # Losses that the model was not compiled with, but calls.

    def give(self, loss):
        """Remember a loss that a callback was given."""
        if loss is not None and not any(loss is known for known in self.given):
            self.given.append(loss)

    def variable(self, name, schedule, value):
        """The variable of a weight, made where it is first asked for.

        It begins anew at `value` where another schedule comes under the same name: the
        model was compiled again.
        """
        if name not in self.held:
            strategy = getattr(self.model(), "distribute_strategy", None)
            with strategy.scope() if strategy else contextlib.nullcontext():
                self.held[name] = self.add_variable(
                    shape=(),
                    initializer=keras.initializers.Constant(value),
                    aggregation="mean",
                    name=name,
                )
        elif self.schedules[name] is not schedule:
            self.held[name].assign(value)
        self.schedules[name] = schedule
        return self.held[name]
