"""How do I segment thin and small structures, with an overlap and a boundary term?

With `Dice + cross-entropy + w * Boundary`, w growing from 0: this draws noisy images of discs and
thin curves, trains a small U-Net with cross-entropy alone and with the sum, prints each class's
intersection over union on test images, and saves two pictures: images with targets and both
predictions, and the terms per epoch.

    python examples/segmentation.py [folder for the pictures]
"""

import sys
import tempfile
from pathlib import Path

import keras
import matplotlib
import numpy as np
from keras import layers

import keras_losskit as kl

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

CLASSES = ("background", "disc", "curve")
EPOCHS = 6


def draw(n, seed, side=32):
    """`n` noisy images `(n, side, side, 1)` and their class ids `(n, side, side)`."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    images = np.zeros((n, side, side, 1), "float32")
    ids = np.zeros((n, side, side), "int32")
    for image, target in zip(images, ids, strict=True):
        cy, cx = rng.uniform(10, side - 10, 2)
        target[(y - cy) ** 2 + (x - cx) ** 2 < rng.uniform(3, 7) ** 2] = 1
        height, swing = rng.uniform(8, side - 8), rng.uniform(3, 7)
        curve = height + swing * np.sin(x / rng.uniform(4, 8) + rng.uniform(0, 6))
        target[np.abs(y - curve) < 0.9] = 2
        image[..., 0] = 0.8 * (target == 1) + 0.6 * (target == 2)
        image += rng.normal(0, 0.4, image.shape)
    return images, ids


def unet(channels=(8, 16)):
    """A U-Net that returns logits."""

    def block(x, width):
        for _ in range(2):
            x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
            x = layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(x))
        return x

    x = inputs = keras.Input((None, None, 1))
    skips = []
    for width in channels[:-1]:
        skips.append(block(x, width))
        x = layers.MaxPooling2D()(skips[-1])
    x = block(x, channels[-1])
    for width, skip in zip(channels[-2::-1], skips[::-1], strict=True):
        x = block(layers.Concatenate()([layers.UpSampling2D()(x), skip]), width)
    return keras.Model(inputs, layers.Conv2D(len(CLASSES), 1)(x))


def train(total, watched, train_data, test_data):
    """A trained model, and per epoch the value of each watched term on the test data."""
    keras.utils.set_random_seed(0)
    model = unet()
    model.compile(
        keras.optimizers.Adam(3e-3), loss=total, metrics=watched.metrics(), jit_compile=False
    )
    scheduled = total is watched  # Cross-entropy alone has a fixed weight.
    logs = model.fit(
        *train_data, validation_data=test_data, batch_size=8, epochs=EPOCHS, verbose=0,
        callbacks=[kl.WeightScheduler(by="epoch")] if scheduled else [],
    ).history
    return model, {name: logs["val_" + name] for name in watched.terms}


def intersection_over_union(found, target):
    scores = []
    for c in range(len(CLASSES)):
        both, either = (found == c) & (target == c), (found == c) | (target == c)
        scores.append(both.sum() / either.sum())
    return scores


def show_images(path, images, target, predictions, n=4):
    columns = {"image": images[..., 0], "target": target, **predictions}
    figure, axes = plt.subplots(
        n, len(columns), figsize=(2.2 * len(columns), 2.2 * n), layout="constrained"
    )
    for column, (title, shown) in enumerate(columns.items()):
        axes[0, column].set_title(title, fontsize=9)
        for row in range(n):
            axis = axes[row, column]
            if title == "image":
                axis.imshow(shown[row], cmap="gray")
            else:
                axis.imshow(shown[row], cmap="viridis", vmin=0, vmax=len(CLASSES) - 1)
            axis.set_axis_off()
    colors = plt.get_cmap("viridis")(np.linspace(0, 1, len(CLASSES)))
    handles = [plt.Rectangle((0, 0), 1, 1, color=color) for color in colors]
    figure.legend(handles, CLASSES, loc="outside lower center", ncols=len(CLASSES))
    figure.savefig(path, dpi=110)
    plt.close(figure)


def show_curves(path, curves, weights):
    names = list(next(iter(curves.values())))
    figure, axes = plt.subplots(1, len(names), figsize=(3.4 * len(names), 3), layout="constrained")
    epochs = np.arange(1, EPOCHS + 1)
    for axis, name in zip(axes, names, strict=True):
        for label, terms in curves.items():
            axis.plot(epochs, terms[name], marker=".", label=label)
        axis.set(title=name, xlabel="epoch", ylabel="value on test images")
    axes[0].legend(fontsize=8)
    beside = axes[-1].twinx()
    beside.plot(epochs, weights, color="gray", linestyle=":")
    beside.set_ylabel("weight of boundary (dotted)", color="gray")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(folder):
    ramp = keras.optimizers.schedules.PolynomialDecay(
        0.0, decay_steps=EPOCHS - 1, end_learning_rate=0.1
    )
    crossentropy = kl.CategoricalCrossentropy(from_logits=True)
    dice = kl.Dice(from_logits=True, include_background=False)
    boundary = kl.Boundary(from_logits=True, include_background=False)
    combined = kl.WeightedSum({"dice": dice, "ce": crossentropy, "boundary": (ramp, boundary)})
    alone = kl.WeightedSum({"ce": crossentropy})
    weights = [float(ramp(epoch)) for epoch in range(EPOCHS)]
    print("weight of boundary:", *(f"{weight:.3f}" for weight in weights))

    train_data, (images, target) = draw(96, seed=0), draw(16, seed=1)
    curves, predictions = {}, {}
    for label, total in {"cross-entropy": alone, "dice + ce + boundary": combined}.items():
        model, curves[label] = train(total, combined, train_data, (images, target))
        found = model.predict(images, verbose=0).argmax(axis=-1)
        predictions[label] = found
        scores = intersection_over_union(found, target)
        scores = "  ".join(f"{c} {s:.3f}" for c, s in zip(CLASSES, scores, strict=True))
        print(f"{label}: intersection over union: {scores}")
        for name, values in curves[label].items():
            print(f"{label}: {name} after each epoch:", *(f"{v:.3f}" for v in values))

    show_images(folder / "predictions.png", images, target, predictions)
    show_curves(folder / "terms.png", curves, weights)
    for name in ("predictions.png", "terms.png"):
        print(f"picture: {folder / name}")


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    main(folder)
