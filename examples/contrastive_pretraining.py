"""How does a loss on two views train with `compile` and `fit`, and does it learn without labels?

The two augmented views of an image go through one network, whose output stacks both: `(B, 2, D)`.
A loss of eight lines splits them and hands them to `NTXent`; the `y_true` of `fit` is not used.
Then a linear classifier is fitted to what the network makes of a few labelled digits, before and
after.
"""

import keras
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

import keras_losskit as kl


@keras.saving.register_keras_serializable(package="my_project")
class OnViews(kl.Loss):
    """A loss on two views, for a model whose output `(B, 2, D)` stacks them."""

    def __init__(self, loss, **common):
        super().__init__(**common)
        self.loss = kl.as_loss(loss)

    def prepare(self, y_true, y_pred):
        return y_true, self.cast(y_pred)  # There are no targets to align.

    def call(self, y_true, y_pred):
        return self.loss.call(y_pred[:, 0], y_pred[:, 1])


def views(images, rng):
    """Two random crops of each image, brighter or darker, with noise: `(B, 2, 8, 8, 1)`."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    both = np.zeros((len(images), 2, 8, 8, 1), "float32")
    for i, image in enumerate(padded):
        for k, (top, left) in enumerate(rng.integers(0, 3, (2, 2))):
            both[i, k] = image[top : top + 8, left : left + 8]
    both *= rng.uniform(0.7, 1.3, (len(images), 2, 1, 1, 1))
    return both + rng.normal(size=both.shape).astype("float32") * 0.2


def probe(encoder, train, test):
    """Test accuracy of a linear classifier on the frozen network's features."""
    features = [encoder.predict(x, verbose=0) for x in (train[0], test[0])]
    classifier = LogisticRegression(max_iter=2000).fit(features[0], train[1])
    return classifier.score(features[1], test[1])


def main():
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    images, ids = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8, 1).astype("float32") / 16
    x, x_test, y, y_test = train_test_split(images, ids, test_size=0.3, random_state=0)
    few, test = (x[:100], y[:100]), (x_test, y_test)

    encoder = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(16, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
        ]
    )
    projector = keras.Sequential([keras.Input((64,)), keras.layers.Dense(16)])
    before = probe(encoder, few, test)

    pair = keras.Input((2, 8, 8, 1))
    embedded = [projector(encoder(pair[:, k])) for k in range(2)]
    model = keras.Model(pair, keras.ops.stack(embedded, axis=1))
    loss = OnViews(kl.NTXent(temperature=0.3))
    model.compile(keras.optimizers.Adam(3e-3), loss=loss)
    print("loss =", loss)
    for epoch in range(30):  # New views each time.
        both = views(x, rng)
        history = model.fit(both, np.zeros(len(both)), batch_size=256, verbose=0)
        if epoch in (0, 29):
            print(f"epoch {epoch + 1}: loss {history.history['loss'][0]:.4f}")

    print(f"linear classifier on 100 labels, untrained network: accuracy {before:.4f}")
    print(f"the same, trained without labels: accuracy {probe(encoder, few, test):.4f}")


if __name__ == "__main__":
    main()
