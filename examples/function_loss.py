"""How do I turn my own function into a loss that combines and saves?

With `@kl.loss`: the function's options become constructor arguments and config. Here a model of
disease progression is punished more where it predicts too little.
"""

import tempfile
from pathlib import Path

import keras
import numpy as np
from keras import ops
from sklearn.datasets import load_diabetes

import keras_losskit as kl


@kl.loss(package="keras_losskit_examples")
def asymmetric_square(y_true, y_pred, below=3.0):
    """d², times `below` where the prediction is too low."""
    d = y_pred - y_true
    return ops.mean(ops.where(d < 0, below, 1.0) * ops.square(d), axis=-1)


def train(loss, x, y):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((x.shape[1],)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.05), loss=loss)
    model.fit(x, y, epochs=30, verbose=0)
    return model


def main():
    x, y = load_diabetes(return_X_y=True)
    x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype("float32")
    y = ((y - y.mean()) / y.std()).astype("float32")

    total = asymmetric_square(below=9.0) + 0.1 * kl.Huber(delta=0.5)
    print("loss =", total)
    for loss in (kl.MeanSquaredError(), total):
        model = train(loss, x, y)
        too_low = np.mean(model.predict(x, verbose=0)[:, 0] < y)
        print(f"{loss.name}: {too_low:.2f} of the predictions are too low")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        model.save(path)
        again = keras.saving.load_model(path)
    print("reloaded =", again.loss)
    same = np.array_equal(model.predict(x, verbose=0), again.predict(x, verbose=0))
    print("same predictions:", same)

    try:
        kl.loss(lambda y_true, y_pred: y_pred - y_true)
    except TypeError as error:
        print("refused:", error)


if __name__ == "__main__":
    main()
