"""How do I combine losses?

With `+`, `-`, `*` and `/`. What comes out is a loss like any other. Every number printed here is
small enough to check by hand: the errors are 1 and 3 in sample one, 0 and 2 in sample two.
"""

import keras
import numpy as np

import keras_losskit as kl

y_true = np.array([[0.0, 0.0], [0.0, 0.0]])
y_pred = np.array([[1.0, 3.0], [0.0, 2.0]])


def show(what, loss, *weights):
    value = keras.ops.convert_to_numpy(loss(y_true, y_pred, *weights))
    print(f"{what}: {np.array2string(value, precision=4)}")


def arithmetic():
    squared, absolute = kl.MeanSquaredError(), kl.MeanAbsoluteError()
    show("squared", squared)  # (5 + 2) / 2
    show("absolute", absolute)  # (2 + 1) / 2
    show("squared + absolute", squared + absolute)
    show("2 * squared - absolute / 2", 2 * squared - absolute / 2)
    show("squared * absolute", squared * absolute)  # Value by value: (5·2 + 2·1) / 2
    show("sum([squared, absolute])", sum([squared, absolute]))
    show("squared + 'mae'", squared + "mae")  # Anything that Keras takes as a loss.
    show("as_loss('mse') + 'mae'", kl.as_loss("mse") + "mae")
    show("Keras' own", squared + keras.losses.MeanAbsoluteError())


def names_and_terms():
    total = kl.MeanSquaredError() + 0.5 * kl.Huber(delta=1.0) + 2 * kl.Huber(delta=2.0)
    print("repr:", total)
    print("names:", list(total.terms))
    values = total.term_values(y_true, y_pred)
    print("terms:", {name: round(float(value), 4) for name, value in values.items()})

    named = kl.WeightedSum({"fit": kl.MeanSquaredError(), "tail": (0.1, kl.LogCosh())})
    print("own names:", list(named.terms), "weight of tail:", named.terms["tail"].weight)


def reductions():
    terms = [kl.MeanSquaredError(), (0.5, kl.MeanAbsoluteError())]
    weights = np.array([3.0, 1.0])
    for reduction in ("sum_over_batch_size", "mean_with_sample_weight", "sum", "none"):
        total = kl.WeightedSum(terms, reduction=reduction)
        show(f"{reduction}, weights 3 and 1", total, weights)  # Values 6 and 2.5.
    mixed = kl.MeanSquaredError(reduction="sum") + kl.MeanAbsoluteError()
    show("each term by its own rule", mixed)  # (5 + 2) + (2 + 1) / 2


def parts_of_an_output():
    first = kl.MeanSquaredError().on(y_true=0, y_pred=0)  # (1 + 0) / 2
    second = kl.MeanAbsoluteError().on(y_true=1, y_pred=1)  # (3 + 2) / 2
    show("first + second", first + second)


def scheduled_weight():
    ramp = keras.optimizers.schedules.PolynomialDecay(1.0, decay_steps=10, end_learning_rate=0.0)
    total = kl.MeanSquaredError() + ramp * kl.MeanAbsoluteError()
    for step in (0, 5, 10):  # 3.5 + (1, 0.5, 0) · 1.5
        show(f"at step {step}", total.at_step(step))


def refused():
    logits = kl.CategoricalCrossentropy(from_logits=True)
    probabilities = kl.CategoricalFocalCrossentropy(from_logits=False)
    try:
        logits + probabilities
    except ValueError as error:
        print("refused:", error)


if __name__ == "__main__":
    arithmetic()
    names_and_terms()
    reductions()
    parts_of_an_output()
    scheduled_weight()
    refused()
