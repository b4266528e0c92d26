"""How is a line of writing read without knowing where each character stands?

Strings of three to five of scikit-learn's handwritten digits, side by side at random
distances. The network sees columns of pixels and says a digit or a blank at each; `CTC` takes
every way in which that reads as the right string. Digits of the test strings were never seen.

    python examples/handwriting_ctc.py
"""

import itertools

import keras
import numpy as np
from sklearn.datasets import load_digits

import keras_losskit as kl

WIDTH, LONGEST = 56, 5
BATCH, EPOCHS = 60, 18
BLANK = 0  # Digit d is class d + 1.


def strings(images, digits, count, rng):
    """Pictures `(count, WIDTH, 8)`, columns first, and labels padded with -1."""
    x, y = np.zeros((count, WIDTH, 8), "float32"), np.full((count, LONGEST), -1)
    for i in range(count):
        place = rng.integers(0, 4)
        for k in range(rng.integers(3, LONGEST + 1)):
            which = rng.integers(len(images))
            x[i, place : place + 8] += images[which].T
            y[i, k] = digits[which] + 1
            place += 8 + rng.integers(0, 4)
    return x, y


def network():
    keras.utils.set_random_seed(0)
    layers = [keras.Input((WIDTH, 8))]
    for size, width in ((48, 7), (64, 5), (64, 5)):
        layers += [
            keras.layers.Conv1D(size, width, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.Activation("relu"),
        ]
    return keras.Sequential([*layers, keras.layers.Dense(11)])


def read(logits):
    """The likeliest class of each column, repetitions merged, blanks dropped."""
    best = logits.argmax(-1)
    return [[int(c) for c, _ in itertools.groupby(row) if c != BLANK] for row in best]


def distance(a, b):
    """How many insertions, deletions and changes make b of a."""
    row = list(range(len(b) + 1))
    for i, c in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, d in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (c != d))
    return row[-1]


def main():
    data = load_digits()
    images, digits = data.images.astype("float32") / 16, data.target
    rng = np.random.default_rng(0)
    x, y = strings(images[:1400], digits[:1400], 3000, rng)
    x_test, y_test = strings(images[1400:], digits[1400:], 300, rng)
    model = network()
    rate = keras.optimizers.schedules.CosineDecay(5e-3, EPOCHS * len(x) // BATCH)
    model.compile(keras.optimizers.Adam(rate), loss=kl.CTC(blank=BLANK))
    history = model.fit(
        x, y, validation_data=(x_test, y_test), batch_size=BATCH, epochs=EPOCHS, verbose=0
    ).history
    print(f"loss of test strings: {history['val_loss'][0]:.2f} -> {history['val_loss'][-1]:.2f}")
    found = read(model.predict(x_test, verbose=0))
    wanted = [[int(c) for c in row if c > 0] for row in y_test]
    wrong = sum(distance(a, b) for a, b in zip(found, wanted, strict=True))
    print(f"wrong digits: {wrong / sum(map(len, wanted)):.3f}")
    right = np.mean([a == b for a, b in zip(found, wanted, strict=True)])
    print(f"strings read right: {right:.3f}")
    for a, b in list(zip(found, wanted, strict=True))[:5]:
        as_text = ["".join(str(c - 1) for c in s) for s in (b, a)]
        print(f"  {as_text[0]:>5} read as {as_text[1]}")


if __name__ == "__main__":
    main()
