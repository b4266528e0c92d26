"""What the experiments share: data, a small network, and how a finding is written down."""

from dataclasses import dataclass

import keras
import numpy as np
from sklearn.datasets import load_digits


@dataclass
class Finding:
    """One claim, what it was measured by, and the scores of each contender by seed."""

    name: str
    title: str
    claim: str
    source: str
    setup: str
    score: str
    scores: dict
    held: str
    better: str = "higher"
    notes: str = ""

    def mean(self, contender):
        return float(np.mean(self.scores[contender]))

    def sd(self, contender):
        return float(np.std(self.scores[contender], ddof=1))

    def ahead(self, contenders, of):
        """`(verdict, how many)`: of the contenders, those that are better than one other."""
        sign = 1 if self.better == "higher" else -1
        count = sum(sign * self.mean(c) > sign * self.mean(of) for c in contenders)
        return {len(contenders): "Yes", 0: "No"}.get(count, "In part"), count

    def rows(self):
        """Best first."""
        sign = -1 if self.better == "higher" else 1
        return sorted(self.scores, key=lambda c: sign * self.mean(c))


def digits(seed, test=0.4):
    """scikit-learn's digits, 8 x 8, shuffled: `(x, y), (x_test, y_test)`."""
    x, y = load_digits(return_X_y=True)
    x = (x / 16.0).astype("float32")
    order = np.random.default_rng(seed).permutation(len(x))
    n = int(len(x) * (1 - test))
    return (x[order[:n]], y[order[:n]]), (x[order[n:]], y[order[n:]])


def network(inputs, outputs, widths=(128, 128)):
    return keras.Sequential([
        keras.Input((inputs,)),
        *(keras.layers.Dense(w, activation="relu") for w in widths),
        keras.layers.Dense(outputs),
    ])


def fitted(model, loss, x, y, epochs, seed, rate=2e-3, batch=128):
    """What the function `model` makes, trained; its weights and batches follow from `seed`."""
    keras.utils.set_random_seed(seed)
    model = model()
    model.compile(keras.optimizers.Adam(rate), loss=loss)
    model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0)
    return model


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
