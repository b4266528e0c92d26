"""How are the weights of two tasks found, when their losses have different units?

One network reads scikit-learn's handwritten digits and tells which digit it is
and which share of it is ink. The two losses differ in size by far. Here their weights
are learned with the network (homoscedastic uncertainty, Kendall 2018), logged, and
kept when the model is saved and trained on.

    python examples/two_tasks.py
"""

import tempfile
from pathlib import Path

import keras
import numpy as np
from sklearn.datasets import load_digits

import keras_losskit as kl


def data():
    digits = load_digits()
    x = digits.data.astype("float32") / 16
    ink = x.mean(axis=1, keepdims=True)  # About 0.3, give or take 0.04.
    return x, {"digit": digits.target, "ink": ink}


def split(targets, rows):
    return {name: y[rows] for name, y in targets.items()}


def network():
    keras.utils.set_random_seed(1)
    inputs = keras.Input((64,))
    hidden = keras.layers.Dense(48, activation="relu")(inputs)
    return keras.Model(
        inputs,
        {
            "digit": keras.layers.Dense(10, name="digit")(hidden),
            "ink": keras.layers.Dense(1, name="ink")(hidden),
        },
    )


LOSSES = {
    "digit": kl.CategoricalCrossentropy(from_logits=True),
    # Kendall's squared error is half of one.
    "ink": 0.5 * kl.MeanSquaredError(),
}


def scores(model, x, targets):
    predicted = model.predict(x, verbose=0)
    accuracy = (predicted["digit"].argmax(-1) == targets["digit"]).mean()
    return accuracy, np.abs(predicted["ink"] - targets["ink"]).mean()


def optimizer():
    """Of smaller and smaller steps: those of the ink, whose weight grows, would end too long."""
    steps = 30 * 1400 // 64
    return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(5e-3, steps, alpha=0.1))


def main():
    x, targets = data()
    train, test = slice(0, 1400), slice(1400, None)
    model = kl.LearnedWeights(network(), LOSSES, rule="uncertainty")
    model.compile(optimizer())
    options = {"batch_size": 64, "shuffle": False, "verbose": 0}
    logs = model.fit(x[train], split(targets, train), epochs=30, **options).history
    for epoch in (0, 9, 19, 29):
        print(
            f"epoch {epoch + 1}: "
            + ", ".join(
                f"{name} {logs[name][epoch]:.4f} times {logs[name + '_weight'][epoch]:.2f}"
                for name in LOSSES
            )
        )
    accuracy, error = scores(model, x[test], split(targets, test))
    print(f"learned weights: accuracy {accuracy:.3f}, ink off by {error:.4f}")

    equal = network()
    equal.compile(optimizer(), loss=LOSSES)
    equal.fit(x[train], split(targets, train), epochs=30, **options)
    accuracy, error = scores(equal, x[test], split(targets, test))
    print(f"equal weights: accuracy {accuracy:.3f}, ink off by {error:.4f}")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "two_tasks.keras"
        model.save(path)
        loaded = keras.saving.load_model(path)
    print("reloaded, same weights:", loaded.term_weights() == model.term_weights())
    on = [
        one.fit(x[train], split(targets, train), epochs=1, **options).history
        for one in (model, loaded)
    ]
    same = all(np.allclose(on[0][name], on[1][name], rtol=1e-5) for name in on[0])
    print("trained on, same logs:", same)


if __name__ == "__main__":
    main()
