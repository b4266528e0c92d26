"""How do I write a loss as a class?

Subclass `kl.Loss`, keep every argument under its own name, and write `call`, which returns one
value per sample or position. Shapes, dtype, weights, masks, reduction and config are the
template's. Here: bounded errors, on breast-cancer data with a tenth of the labels flipped.
"""

import tempfile
from pathlib import Path

import keras
import numpy as np
from keras import ops
from sklearn.datasets import load_breast_cancer

import keras_losskit as kl


@keras.saving.register_keras_serializable(package="keras_losskit_examples")
class BoundedCrossentropy(kl.Loss):
    """(1 - p_t^q) / q: about -log p_t for q near 0, at most 1/q for any mistake.

    Args:
        q: how soon a mistake stops to count more, 0 < q <= 1.
    """

    def __init__(self, q=0.7, **common):
        super().__init__(**common)
        if not 0 < q <= 1:  # NaN fails too.
            raise ValueError(f"BoundedCrossentropy: `q` must be in (0, 1]. Received: q={q!r}")
        self.q = q

    def call(self, y_true, y_pred):
        log_p = -ops.softplus(ops.where(y_true > 0.5, -y_pred, y_pred))
        return ops.mean((1 - ops.exp(self.q * log_p)) / self.q, axis=-1)


def main():
    x, y = load_breast_cancer(return_X_y=True)
    x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype("float32")
    flipped = np.random.default_rng(0).random(len(y)) < 0.1
    noisy = np.where(flipped, 1 - y, y).astype("float32")[:, None]

    # Malignant cases (y = 0) count double: weights need no code in the class.
    weights = np.where(noisy[:, 0] == 0, 2.0, 1.0)
    total = BoundedCrossentropy(q=0.9) + 0.01 * kl.BinaryCrossentropy(from_logits=True)
    print("loss =", total)

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((x.shape[1],)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.05), loss=total)
    model.fit(x, noisy, sample_weight=weights, epochs=20, verbose=0)
    right = np.mean((model.predict(x, verbose=0)[:, 0] > 0) == y)
    print(f"trained on noisy labels, right on true ones: {right:.3f}")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        model.save(path)
        again = keras.saving.load_model(path)
    print("reloaded =", again.loss)
    evaluated = [m.evaluate(x, noisy, sample_weight=weights, verbose=0) for m in (model, again)]
    print("same evaluated loss:", evaluated[0] == evaluated[1])

    try:
        total(noisy, np.zeros((len(noisy), 2)))
    except ValueError as error:
        print("refused:", error)


if __name__ == "__main__":
    main()
