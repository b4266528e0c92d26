"""Which loss copes best with rare classes?

Handwritten digits with a long tail: of the commonest digit 100 training samples, of the rarest 3.
The test set is balanced, so that every digit counts the same. Plain cross-entropy against focal
loss, class-balanced weights, logit adjustment and LDAM: the same small network, 5 seeds each.
Each seed draws its own training and test samples and its own initial weights.
"""

import keras
import numpy as np
from sklearn.datasets import load_digits

import keras_losskit as kl

SEEDS = range(5)
COUNTS = np.geomspace(100, 3, num=10).round().astype(int).tolist()  # By digit, 0 to 9.
TEST = 60  # Samples of each digit.
STEPS = 120  # Each on the whole training set.


def long_tail(x, y, rng):
    """A training set with `COUNTS` samples of each digit, and a balanced test set."""
    train, test = [], []
    for digit, count in enumerate(COUNTS):
        shuffled = rng.permutation(np.flatnonzero(y == digit))
        test += shuffled[:TEST].tolist()
        train += shuffled[TEST : TEST + count].tolist()
    return (x[train], y[train]), (x[test], y[test])


def logits():
    return [keras.layers.Dense(10)]


def cosines():
    """LDAM's margins are made for cosines of features and class weights."""
    columns = keras.constraints.UnitNorm(axis=0)
    return [
        keras.layers.UnitNormalization(),
        keras.layers.Dense(10, use_bias=False, kernel_constraint=columns),
    ]


LOSSES = {
    "cross-entropy": (kl.CategoricalCrossentropy(from_logits=True), logits),
    "focal, gamma 2": (kl.CategoricalFocalCrossentropy(gamma=2.0, from_logits=True), logits),
    "class-balanced": (
        kl.CategoricalCrossentropy(
            class_weights=kl.class_balanced_weights(COUNTS, beta=0.99), from_logits=True
        ),
        logits,
    ),
    "logit adjustment": (kl.LogitAdjustedCrossentropy(COUNTS), logits),
    "LDAM": (kl.LDAM(COUNTS, scale=30.0), cosines),
}


def accuracy(loss, head, train, test, seed):
    """Accuracy on all digits, and on the three rarest."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [keras.Input((64,)), keras.layers.Dense(64, activation="relu"), *head()]
    )
    model.compile(keras.optimizers.Adam(1e-2), loss=loss, jit_compile=False)
    for _ in range(STEPS):
        model.train_on_batch(*train)
    x, y = test
    right = model(x, training=False)
    right = keras.ops.convert_to_numpy(keras.ops.argmax(right, axis=-1)) == y
    return right.mean(), right[y >= 7].mean()


def main():
    x, y = load_digits(return_X_y=True)
    x = x.astype("float32") / 16
    print("training samples by digit:", COUNTS)
    results = {name: [] for name in LOSSES}
    for seed in SEEDS:
        train, test = long_tail(x, y, np.random.default_rng(seed))
        for name, (loss, head) in LOSSES.items():
            results[name].append(accuracy(loss, head, train, test, seed))
    print(f"{'loss':<17} balanced accuracy   of the digits 7, 8, 9")
    for name, found in results.items():
        mean, spread = np.mean(found, axis=0), np.std(found, axis=0, ddof=1)
        print(
            f"{name:<17} {mean[0]:.3f} ± {spread[0]:.3f}       {mean[1]:.3f} ± {spread[1]:.3f}"
        )
    print(f"(mean ± standard deviation over {len(SEEDS)} seeds)")


if __name__ == "__main__":
    main()
