"""How do I align two pictures of which one is bent, and darker in places?

A part of a photograph (scikit-learn's `china.jpg`) is bent by a field that is known, and a shadow
is laid over it. A field of displacements is then sought that bends it back: the model has no other
weights, a displacement for each 8 by 8 positions, and two outputs, the moved picture and the field.
The first is compared with the fixed picture, by `LocalNormalizedCrossCorrelation` or, to see what
that is for, by the squared error, which takes the shadow for a shift; `DisplacementGradient` keeps
the second smooth. Pictures and fields are drawn:

    python examples/registration.py aligned.png
"""

import sys
import tempfile
from pathlib import Path

import keras
import matplotlib
import numpy as np
from keras import ops
from sklearn.datasets import load_sample_image

import keras_losskit as kl

SIDE, BORDER = 96, 8
STEPS = 200
LOSSES = {
    "local correlation": kl.LocalNormalizedCrossCorrelation(window=9),
    "squared error": kl.MeanSquaredError(),
}


def at(picture, field):
    """A picture `(H, W)` at each position plus a displacement `(H, W, 2)`."""
    sides = [ops.arange(n, dtype="float32") for n in picture.shape]
    grid = ops.meshgrid(*sides, indexing="ij")
    coordinates = ops.stack([g + field[..., i] for i, g in enumerate(grid)])
    return ops.image.map_coordinates(picture, coordinates, order=1, fill_mode="nearest")


def pictures():
    """What is fixed, what is to be moved, and the field that moves it."""
    grey = load_sample_image("china.jpg").astype("float32").mean(-1) / 255
    moving = grey[150 : 150 + SIDE, 250 : 250 + SIDE]
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE * 2 * np.pi
    field = np.stack([3 * np.sin(x) * np.cos(y / 2), 3 * np.cos(x / 2) * np.sin(y)], axis=-1)
    fixed = ops.convert_to_numpy(at(ops.convert_to_tensor(moving), field.astype("float32")))
    shadow = 1 - 0.6 / (1 + np.exp(2 * (y - x)))
    return fixed, (moving * shadow).astype("float32"), field


class Moved(keras.layers.Layer):
    """The picture moved by a field that is learned, and the field."""

    def build(self, shape):
        coarse = (1, *(n // 8 for n in shape[1:3]), 2)
        self.field = self.add_weight(shape=coarse, initializer="zeros", name="field")

    def call(self, inputs):
        field = ops.image.resize(self.field, inputs.shape[1:3], interpolation="bicubic")
        return at(inputs[0, ..., 0], field[0])[None, ..., None], field


def aligned(loss, fixed, moving):
    """The moved picture and the field."""
    inputs = keras.Input(batch_shape=(1, SIDE, SIDE, 1))
    model = keras.Model(inputs, Moved()(inputs))
    model.compile(
        keras.optimizers.Adam(0.1),
        loss=[loss, kl.DisplacementGradient()],
        jit_compile=False,
    )
    x, y = moving[None, ..., None], fixed[None, ..., None]
    nothing = np.zeros((1, SIDE, SIDE, 2), "float32")  # Of the field there is no target.
    repeated = [np.repeat(a, STEPS, axis=0) for a in (x, y, nothing)]
    model.fit(repeated[0], repeated[1:], batch_size=1, epochs=1, verbose=0)
    moved, field = model.predict(x, verbose=0)
    return moved[0, ..., 0], field[0]


def off(field, true):
    """How far from its place a position comes to lie, in positions; the border is left out."""
    inner = slice(BORDER, -BORDER)
    return np.linalg.norm(field - true, axis=-1)[inner, inner].mean()


def folds(field):
    """The share of positions where the field turns the picture over."""
    (dyy, dyx), (dxy, dxx) = (np.gradient(field[..., i]) for i in (0, 1))
    return ((1 + dyy) * (1 + dxx) - dyx * dxy <= 0).mean()


def draw(path, fixed, moving, true, found):
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 4, figsize=(12, 6.2), layout="constrained")
    shown = {"fixed": fixed, "to be moved": moving}
    shown |= {f"moved by {name}": picture for name, (picture, _) in found.items()}
    for ax, (name, picture) in zip(axes[0], shown.items(), strict=True):
        ax.imshow(picture, cmap="gray", vmin=0, vmax=1)
        ax.set_title(name, fontsize="medium")
    fields = {"the true field": true} | {f"by {name}": u for name, (_, u) in found.items()}
    every = slice(4, None, 8)
    y, x = np.mgrid[:SIDE, :SIDE][:, every, every]
    axes[1, 0].remove()
    for ax, (name, u) in zip(axes[1, 1:], fields.items(), strict=True):
        u = u[every, every]
        ax.quiver(x, y, u[..., 1], u[..., 0], angles="xy", scale_units="xy", scale=0.5)
        ax.set_title(name, fontsize="medium")
        ax.set(xlim=(0, SIDE), ylim=(SIDE, 0), aspect="equal")
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
    figure.savefig(path, dpi=100)
    plt.close(figure)


def main():
    fixed, moving, true = pictures()
    print(f"before: positions are off by {off(0 * true, true):.2f}")
    found = {}
    for name, loss in LOSSES.items():
        found[name] = moved, field = aligned(loss, fixed, moving)
        print(f"{name}: off by {off(field, true):.2f}, folded {folds(field):.1%}")

    path = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp() + "/aligned.png")
    draw(path, fixed, moving, true, found)
    print("drawn:", path)


if __name__ == "__main__":
    main()
