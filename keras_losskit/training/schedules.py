"""Schedules for the weights of terms that Keras does not have."""

import math

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.loss import register
from keras_losskit.core.schedules import Schedule


class _Ramp(Schedule):
    """Base of schedules between two values, `initial` and `target`."""

    def __init__(self, initial, target, name=None):
        self.initial = checks.real(self, "initial", initial)
        self.target = checks.real(self, "target", target)
        self.name = name

    def between(self, share):
        """`initial` at a share of 0, `target` at 1 and above."""
        share = ops.clip(share, 0.0, 1.0)
        return self.initial + (self.target - self.initial) * share

    def get_config(self):
        return {"initial": self.initial, "target": self.target, "name": self.name}


@register
class AdjustableWeight(Schedule):
    """A weight that stays as it is until it is set, by `WeightScheduler.set_weight`.

    For a weight that follows something that is only known while a model trains, such as
    a validation metric. It is in the logs as `<term>_weight`; a saved model's loss holds
    the value that was set last, and goes on with it.

    Args:
        value: the weight until it is set, a finite number.

    Raises:
        ValueError, TypeError: for what is no finite number.

    Example:

    >>> import keras, numpy as np, keras_losskit as kl
    >>> class Balanced(kl.WeightScheduler):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         super().on_epoch_end(epoch, logs)
    ...         if logs["val_mean_absolute_error"] > 0.1:
    ...             self.set_weight("mean_absolute_error", 0.5)
    >>> total = kl.MeanSquaredError() + kl.AdjustableWeight(0.25) * kl.MeanAbsoluteError()
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", loss=total, metrics=total.metrics())
    >>> x, y = np.ones((4, 2)), np.full((4, 1), 9.0)
    >>> history = model.fit(x, y, epochs=2, verbose=0, validation_data=(x, y),
    ...                     callbacks=[Balanced()])
    >>> history.history["mean_absolute_error_weight"]
    [0.25, 0.5]
    """

    def __init__(self, value):
        self.value = checks.real(self, "value", value)

    def __call__(self, step):
        return ops.convert_to_tensor(self.value, dtype="float32")

    def get_config(self):
        return {"value": self.value}


@register
class LinearWarmup(_Ramp):
    """From `initial` to `target` in a straight line over `steps`, then constant.

    For a term that would disturb the first steps, such as the KL divergence of
    a variational autoencoder.

    Args:
        steps: how many steps (or epochs; see `WeightScheduler`) the ramp takes,
            an integer >= 1.
        initial: the value at step 0.
        target: the value from `steps` on.
        delay: for how many steps before the ramp the value stays at `initial`,
            an integer >= 0.

    Raises:
        ValueError, TypeError: for arguments out of range.

    Example:

    >>> import keras_losskit as kl
    >>> ramp = kl.LinearWarmup(10, target=0.5)
    >>> [float(ramp(step)) for step in (0, 5, 10, 100)]
    [0.0, 0.25, 0.5, 0.5]

    Reference: C. K. Sønderby et al., *Ladder Variational Autoencoders* (2016),
    https://arxiv.org/abs/1602.02282
    """

    def __init__(self, steps, initial=0.0, target=1.0, delay=0, name=None):
        super().__init__(initial, target, name)
        self.steps = checks.integer(self, "steps", steps, at_least=1)
        self.delay = checks.integer(self, "delay", delay, at_least=0)

    def __call__(self, step):
        step = ops.cast(step, "float32")
        return self.between((step - self.delay) / self.steps)

    def get_config(self):
        return {"steps": self.steps, **super().get_config(), "delay": self.delay}


@register
class CyclicalAnnealing(_Ramp):
    """From `initial` to `target` again and again, with a rest at `target`.

    Each cycle of `period` steps spends the share `ramp` of it on the way up and
    the rest at `target`. After `cycles` of them the value stays at `target`.

    Args:
        period: steps (or epochs) per cycle, an integer >= 1.
        cycles: how many, an integer >= 1, or `None` for no end.
        ramp: the share of a cycle that the way up takes, in (0, 1].
        initial, target: the values at a cycle's start and from the ramp's end.
        shape: of the way up, `"linear"`, `"cosine"` or `"sigmoid"`.

    Raises:
        ValueError, TypeError: for arguments out of range.

    Example:

    >>> import keras_losskit as kl
    >>> wave = kl.CyclicalAnnealing(period=8, cycles=2)
    >>> [float(wave(step)) for step in (0, 2, 4, 7, 8, 10, 16, 17)]
    [0.0, 0.5, 1.0, 1.0, 0.0, 0.5, 1.0, 1.0]

    Reference: H. Fu et al., *Cyclical Annealing Schedule* (2019),
    https://arxiv.org/abs/1903.10145
    """

    def __init__(
        self,
        period,
        cycles=None,
        ramp=0.5,
        initial=0.0,
        target=1.0,
        shape="linear",
        name=None,
    ):
        super().__init__(initial, target, name)
        self.period = checks.integer(self, "period", period, at_least=1)
        self.cycles = checks.optional_integer(self, "cycles", cycles, at_least=1)
        self.ramp = checks.real(self, "ramp", ramp, above=0, at_most=1)
        self.shape = checks.choice(self, "shape", shape, ("linear", "cosine", "sigmoid"))

    def __call__(self, step):
        step = ops.cast(step, "float32")
        within = step - self.period * ops.floor(step / self.period)
        share = ops.clip(within / (self.ramp * self.period), 0.0, 1.0)
        if self.shape == "cosine":
            share = 0.5 - 0.5 * ops.cos(math.pi * share)
        elif self.shape == "sigmoid":
            # Scaled so that the ends are met: a sigmoid from -6 to 6.
            low = 1 / (1 + math.exp(6.0))
            share = (ops.sigmoid(12 * share - 6) - low) / (1 - 2 * low)
        if self.cycles is not None:
            share = ops.where(step >= self.cycles * self.period, 1.0, share)
        return self.between(share)

    def get_config(self):
        return {
            "period": self.period,
            "cycles": self.cycles,
            "ramp": self.ramp,
            **super().get_config(),
            "shape": self.shape,
        }
