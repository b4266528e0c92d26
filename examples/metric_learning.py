"""Do embeddings trained on some digits tell apart digits that they have never seen?

Handwritten digits 0 to 5, each somewhere on a larger canvas, train a small network with three
losses; then each image of the digits 6 to 9 looks for its nearest neighbour among the others.
Recall@1 is the share that find one of their own class, against the same search on raw pixels. A
picture shows each space in two dimensions.

    python examples/metric_learning.py [folder for metric_learning.png]
"""

import sys
import tempfile
from pathlib import Path

import keras
import matplotlib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

import keras_losskit as kl

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

SEEN = 6  # Digits below this one train.
CANVAS = 20


def placed(images, rng):
    """Each 8x8 image somewhere on an empty canvas."""
    out = np.zeros((len(images), CANVAS, CANVAS, 1), "float32")
    for i, (top, left) in enumerate(rng.integers(0, CANVAS - 7, (len(images), 2))):
        out[i, top : top + 8, left : left + 8] = images[i]
    return out


def embedder():
    return keras.Sequential(
        [
            keras.Input((CANVAS, CANVAS, 1)),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.Conv2D(64, 3, strides=2, activation="relu"),
            keras.layers.Conv2D(128, 3, activation="relu"),
            keras.layers.GlobalMaxPooling2D(),
            keras.layers.Dense(64),
            keras.layers.UnitNormalization(),
        ]
    )


def recall_at_1(embeddings, ids):
    """The share of samples whose nearest other sample is of their class."""
    flat = embeddings.reshape(len(ids), -1)
    distance = np.square(flat[:, None] - flat[None]).sum(-1)
    np.fill_diagonal(distance, np.inf)
    return float(np.mean(ids[distance.argmin(1)] == ids))


def picture(spaces, ids, path):
    figure, axes = pyplot.subplots(1, len(spaces), figsize=(5 * len(spaces), 5))
    for axis, (name, x) in zip(axes, spaces.items(), strict=True):
        plane = PCA(2, random_state=0).fit_transform(x.reshape(len(ids), -1))
        for digit in np.unique(ids):
            axis.scatter(*plane[ids == digit].T, s=8, label=str(digit))
        axis.set_title(name)
        axis.set_xticks([])
        axis.set_yticks([])
    axes[-1].legend(title="unseen digit", loc="upper left", bbox_to_anchor=(1, 1))
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def main(folder):
    images, ids = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8, 1).astype("float32") / 16
    rng = np.random.default_rng(0)
    train, test = ids < SEEN, ids >= SEEN
    seen = placed(np.repeat(images[train], 2, axis=0), rng), np.repeat(ids[train], 2)
    x, y = placed(images[test], rng), ids[test]
    print(f"{train.sum()} images of digits 0 to {SEEN - 1} train, {len(y)} others search")
    print(f"raw pixels: recall@1 {recall_at_1(x, y):.4f}")
    keras.utils.set_random_seed(0)
    found = embedder().predict(x, verbose=0)
    print(f"untrained network: recall@1 {recall_at_1(found, y):.4f}")

    spaces = {"raw pixels": x}
    for loss in (
        kl.TripletSemiHard(margin=0.2),
        kl.MultiSimilarity(),
        kl.SupervisedContrastive(temperature=0.1),
    ):
        keras.utils.set_random_seed(0)
        model = embedder()
        model.compile(keras.optimizers.Adam(1e-3), loss=loss)
        history = model.fit(*seen, batch_size=128, epochs=8, verbose=0)
        first, last = history.history["loss"][0], history.history["loss"][-1]
        found = model.predict(x, verbose=0)
        print(f"{loss!r}: loss {first:.4f} -> {last:.4f}, recall@1 {recall_at_1(found, y):.4f}")
        spaces[type(loss).__name__] = found

    path = Path(folder, "metric_learning.png")
    picture(spaces, y, path)
    print(f"picture: {path} ({path.stat().st_size} bytes)")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as scratch:
            main(scratch)
