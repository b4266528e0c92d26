"""Weights that are Keras learning-rate schedules."""

import keras

from keras_losskit.core import checks

Schedule = keras.optimizers.schedules.LearningRateSchedule


@keras.saving.register_keras_serializable(package="keras_losskit")
class ScaledSchedule(Schedule):
    """A product of schedules and a number: `2 * (schedule * loss)` needs one.

    Args:
        schedules: the schedules, multiplied step by step.
        factor: a number that scales the product.

    Example:

    >>> import keras
    >>> decay = keras.optimizers.schedules.PolynomialDecay(1.0, 10, 0.0)
    >>> float(ScaledSchedule([decay], 3.0)(5))
    1.5
    """

    def __init__(self, schedules, factor=1.0):
        self.schedules = [
            keras.saving.deserialize_keras_object(s) if isinstance(s, dict) else s
            for s in schedules
        ]
        for schedule in self.schedules:
            if not isinstance(schedule, Schedule):
                raise TypeError(
                    "ScaledSchedule: `schedules` must hold LearningRateSchedules. Received: "
                    f"{schedule!r}"
                )
        self.factor = checks.real(self, "factor", factor)

    def __call__(self, step):
        value = self.factor
        for schedule in self.schedules:
            value = value * schedule(step)
        return value

    def get_config(self):
        return {
            "schedules": [
                keras.saving.serialize_keras_object(s) for s in self.schedules
            ],
            "factor": self.factor,
        }

    def __repr__(self):
        parts = [] if self.factor == 1 else [f"{self.factor!r}"]
        return " * ".join(parts + [shown(s) for s in self.schedules])


class Traced(Schedule):
    """The weight that a schedule has at a step that is being traced.

    A tensor of that trace: it can be computed with, and is neither moved nor saved.
    """

    def __init__(self, value):
        self.value = value

    def __call__(self, step):
        return self.value

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        raise ValueError("The weights of a sum at a step that was traced cannot be loaded.")


def times(a, b):
    """The product of two weights, each a number or a schedule."""
    if not isinstance(a, Schedule) and not isinstance(b, Schedule):
        return a * b
    schedules, factor = [], 1.0
    for weight in (a, b):
        if isinstance(weight, ScaledSchedule):
            schedules += weight.schedules
            factor *= weight.factor
        elif isinstance(weight, Schedule):
            schedules.append(weight)
        else:
            factor *= weight
    if factor == 1 and len(schedules) == 1:
        return schedules[0]
    return ScaledSchedule(schedules, factor)


def shown(weight):
    """A weight as it reads in a formula."""
    if isinstance(weight, ScaledSchedule) or not isinstance(weight, Schedule):
        return f"{weight!r}"
    arguments = ", ".join(
        f"{k}={v!r}" for k, v in weight.get_config().items() if k != "name"
    )
    return f"{type(weight).__name__}({arguments})"
