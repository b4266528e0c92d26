"""Five questions about custom losses: what is wrong with the usual answers, and the one-line way.

The fifteen small losses that these answers show, each examined by `check_loss`: what it is told,
and what to write instead.
"""

import keras
import numpy as np
from keras import ops

import keras_losskit as kl

QUESTIONS = {
    1: "Why can't a loss's symbolic tensors be turned into NumPy arrays?",
    2: "How can symbolic Keras tensors be used in a loss?",
    3: "How are custom losses implemented with symbolic inputs and outputs?",
    4: "Why is a KerasTensor returned instead of a Tensor?",
    5: "How are tensor values reached inside a loss?",
}
ANSWERS = {
    1: "They have no values while `fit` compiles. `explain(loss, y, p)` gives every number as "
    "NumPy.",
    2: "Inside the model, where they are real: `kl.AddLoss(loss)([a, b])`; a captured KerasTensor "
    "is named with its line.",
    3: "Write `call(y_true, y_pred)` in `keras.ops`, return values, or decorate a function with "
    "`@kl.loss`.",
    4: "Because the model is only being built. Return values, not a mean: Keras reduces them.",
    5: "`kl.watch(name, x)` inside `call`, read under `with kl.watching() as seen:` or by "
    "`LossProbe` in `fit`.",
}


def compiled(function):
    """The backend's own compiler around an inner function."""
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function)
    if keras.config.backend() == "jax":
        import jax

        return jax.jit(function)
    return function


def squared(y_true, y_pred):  # 1.1
    return ops.mean(ops.square(y_true - y_pred))


def outside_zone(y_true, y_pred):  # 1.2
    d = ops.abs(y_true - y_pred)
    return ops.mean(ops.where(d > 0.5, d, 0.0))


def by_hand(y_true, y_pred):  # 1.3
    @ops.custom_gradient
    def squares(t, p):
        def grad(*args, upstream=None):
            return 2 * (p - t), 2 * (t - p)

        return ops.mean(ops.square(t - p)), grad

    return squares(y_true, y_pred)


@compiled
def _inner(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred))


def inner_function(y_true, y_pred):  # 2.1
    return _inner(y_true, y_pred)


def inner_tape(y_true, y_pred):  # 2.2
    if keras.config.backend() != "tensorflow":
        return ops.mean(ops.square(y_true - y_pred))
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        value = ops.mean(ops.square(y_true - y_pred))
    return value


def flattened(y_true, y_pred):  # 2.3
    y_true, y_pred = ops.reshape(y_true, (-1, 1)), ops.reshape(y_pred, (-1, 1))
    return ops.mean(ops.square(y_true - y_pred))


def to_a_scalar(y_true, y_pred):  # 3.1
    return ops.mean(ops.square(y_true - y_pred))


def weighted_channels(y_true, y_pred):  # 3.2
    weights = ops.convert_to_tensor([1.0, 2.0, 0.5])
    return ops.mean(ops.square(y_true - y_pred) * weights)


def two_branches(y_true, y_pred):  # 3.3
    d = ops.abs(y_true - y_pred)
    return ops.mean(ops.where(d < 1, d, ops.square(d)))


def unreduced(y_true, y_pred):  # 4.1
    return ops.square(y_true - y_pred)


@compiled
def decorated(y_true, y_pred):  # 4.2
    return ops.mean(ops.square(y_true - y_pred))


def eager(y_true, y_pred):  # 4.3
    return ops.mean(ops.square(y_true - y_pred))


def shifted(y_true, y_pred):  # 5.1
    return ops.mean(ops.square(y_true - (y_pred + 0.1)))


def range_weighted(y_true, y_pred):  # 5.2
    outside = ops.logical_or(y_pred < 0.2, y_pred > 0.8)
    return ops.mean(ops.square(y_true - y_pred) * (1 + 2 * ops.cast(outside, "float32")))


def one_column(y_true, y_pred):  # 5.3
    return ops.mean(ops.square(y_true - ops.take(y_pred, [1], axis=-1)))


# number: (the loss, the one-line way in the kit)
LOSSES = {
    "1.1": (squared, "kl.MeanSquaredError()"),
    "1.2": (outside_zone, "kl.DeadZoneAbsoluteError(threshold=0.5)"),
    "1.3": (by_hand, "kl.MeanSquaredError()"),
    "2.1": (inner_function, "kl.MeanSquaredError()"),
    "2.2": (inner_tape, "kl.MeanSquaredError()"),
    "2.3": (flattened, "kl.MeanSquaredError()"),
    "3.1": (to_a_scalar, "kl.MeanSquaredError()"),
    "3.2": (weighted_channels, "kl.ChannelWeightedSquaredError([1.0, 2.0, 0.5])"),
    "3.3": (two_branches, "kl.ReverseHuber(threshold=1.0)"),
    "4.1": (unreduced, "kl.MeanSquaredError()"),
    "4.2": (decorated, "kl.MeanSquaredError()"),
    "4.3": (eager, "kl.MeanSquaredError()"),
    "5.1": (shifted, "kl.MeanSquaredError()  # with y_true - 0.1"),
    "5.2": (range_weighted, "kl.RangeWeightedSquaredError(low=0.2, high=0.8, outside_weight=3.0)"),
    "5.3": (one_column, "kl.MeanSquaredError().on(y_pred=[1])"),
}
# Data of one's own, where it is not what the doctor makes: one target, three predictions.
_rng = np.random.default_rng(1)
DATA = {"5.3": (_rng.random((8, 1), "float32"), _rng.random((8, 3), "float32"))}


def main():
    for number, (loss, way) in LOSSES.items():
        question = int(number[0])
        if number.endswith(".1"):
            print(f"\nQ{question}. {QUESTIONS[question]}\n    {ANSWERS[question]}")
        report = kl.check_loss(loss, *DATA.get(number, ()), quick=True)
        print(f"\n{number} {loss.__name__}: {'fine' if report.ok else 'NOT FINE'}")
        for f in report.findings:
            if f.name not in ("not-registered", "empty-batch"):
                print(f"    {f.severity}: {f.name}: {f.seen}")
        print(f"    instead: {way}")

    print("\nThe numbers, at any time, as NumPy:")
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.normal(size=(2, 4, 3)).astype("float32")
    print(kl.explain(kl.MeanSquaredError() + 0.5 * kl.MeanAbsoluteError(), y_true, y_pred))


if __name__ == "__main__":
    main()
