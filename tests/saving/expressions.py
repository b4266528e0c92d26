"""Nested expressions with seeded data, which the saving tests share."""

import keras
import numpy as np

import keras_losskit as kl
from keras_losskit.core.schedules import Schedule
from tests.backends import WITHOUT_XLA

STEP = 3


def segmentation():
    """The combined loss that the project promises to save and load."""
    return 0.5 * kl.Dice(from_logits=True) + 2 * kl.CategoricalFocalCrossentropy(
        gamma=1.5, from_logits=True
    )


def segmentation_data(samples=3, seed=7):
    """Class ids `(B, 4, 4)` and logits `(B, 4, 4, 4)`."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, 4, size=(samples, 4, 4)).astype("int32")
    return ids, rng.normal(size=(samples, 4, 4, 4)).astype("float32")


def real_data(samples=6, seed=11):
    """Five columns, of which the last two of `y_true` are 0 or 1."""
    rng = np.random.default_rng(seed)
    y_true = rng.normal(size=(samples, 5)).astype("float32")
    y_true[:, 3:] = rng.integers(0, 2, size=(samples, 2))
    return y_true, rng.normal(size=(samples, 5)).astype("float32")


def on_columns(user):
    """Expressions on five columns; `user` is the user's own module."""
    decay = keras.optimizers.schedules.PolynomialDecay(1.0, 10, 0.25)
    steps = keras.optimizers.schedules.PiecewiseConstantDecay([2, 5], [1.0, 0.5, 0.1])
    return {
        "product": (2 * kl.MeanSquaredError() + kl.Huber(delta=0.3))
        * kl.MeanAbsoluteError()
        - 0.5 * kl.LogCosh(),
        "slice": kl.MeanSquaredError().on(y_true=slice(0, 3), y_pred=slice(0, 3))
        + 3 * kl.BinaryCrossentropy(from_logits=True, pos_weight=2.5).on(
            y_true=slice(3, None), y_pred=slice(-2, None, 1)
        ),
        "index": kl.MeanAbsoluteError().on(y_true=-1, y_pred=1) / 4,
        "list": 2 * kl.Pinball(tau=[0.1, 0.9]).on(y_true=[2, 1], y_pred=[0, -1])
        - kl.Huber().on(y_true=[0], y_pred=[3]),
        "select of a sum": (
            kl.MeanSquaredError() + 0.5 * kl.MeanAbsoluteError(reduction="sum")
        ).on(y_true=slice(1, 4), y_pred=slice(0, 3)),
        "keras term": kl.MeanSquaredError()
        + 0.25 * kl.as_loss(keras.losses.MeanSquaredError())
        + keras.losses.CategoricalHinge(reduction="sum", name="hinge"),
        "function term": kl.as_loss("mae") + 0.5 * (kl.MeanSquaredError() * "mse"),
        "schedule": decay * kl.MeanSquaredError()
        + 2 * (steps * kl.MeanAbsoluteError() + 0.5 * kl.LogCosh()),
        "user": user.shifted(shift=0.2)
        + 0.5 * user.PowerError(exponent=2.5, factors=[1.0, 2.0, 0.5, 0.0, 1.0]),
        "named": kl.WeightedSum(
            {
                "zeta": (2, kl.MeanSquaredError()),
                "alpha": kl.MeanAbsoluteError(),
                "middle": (-0.25, kl.MeanSquaredError(name="other")),
            },
            reduction="mean_with_sample_weight",
            name="total",
            dtype="float32",
        ),
        "nested product": kl.Product(
            [kl.MeanSquaredError() + kl.MeanAbsoluteError(), kl.Huber(delta=2.0)],
            reduction="sum",
            name="prod",
        )
        + kl.MeanSquaredError(),
    }


def expressions(user):
    """`{name: (loss, y_true, y_pred)}`."""
    found = {name: (loss, *real_data()) for name, loss in on_columns(user).items()}
    found["segmentation"] = (segmentation(), *segmentation_data())
    (boxes, p), (logs, q) = real_data(seed=1), real_data(seed=2)
    found["key"] = (
        kl.MeanSquaredError().on(y_true="boxes", y_pred="boxes")
        + 0.5 * kl.MeanAbsoluteError().on(y_true="logs", y_pred="logs"),
        {"boxes": boxes, "logs": logs},
        {"boxes": p, "logs": q},
    )
    return found


def has_schedule(loss):
    return isinstance(loss, kl.WeightedSum) and any(
        isinstance(weight, Schedule) for weight, _ in loss.terms.values()
    )


def numbers(loss, y_true, y_pred):
    """Everything that a loss computes: its number without and with weights, by term."""
    if has_schedule(loss):
        loss = loss.at_step(STEP)
    samples = len(next(iter(y_pred.values())) if isinstance(y_pred, dict) else y_pred)
    weights = np.linspace(0.0, 2.0, samples).astype("float32")
    found = [float(loss(y_true, y_pred)), float(loss(y_true, y_pred, weights))]
    if isinstance(loss, kl.WeightedSum):
        found += [float(v) for v in loss.term_values(y_true, y_pred, weights).values()]
    return found


def names(loss):
    return list(getattr(loss, "terms", ()))


def segmentation_model(x, y):
    """A model trained on the sum of an overlap loss and a focal one."""
    model = keras.Sequential(
        [keras.Input((4, 4, 3)), keras.layers.Conv2D(4, 3, padding="same")]
    )
    model.compile(optimizer=keras.optimizers.Adam(0.05), loss=segmentation(), **WITHOUT_XLA)
    model.fit(x, y, batch_size=2, epochs=2, verbose=0)
    return model


def columns_model(losses):
    """A model with one output per expression, and the losses it was compiled with.

    One with a schedule is left out: `evaluate` would need a callback that drives it.
    """
    compiled = {
        name.replace(" ", "_"): loss for name, loss in losses.items() if not has_schedule(loss)
    }
    inputs = keras.Input((5,))
    scaled = keras.layers.Dense(5)(inputs)
    model = keras.Model(
        inputs, {name: keras.layers.Identity(name=name)(scaled) for name in compiled}
    )
    model.compile(optimizer="adam", loss=compiled, jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    return model, compiled
