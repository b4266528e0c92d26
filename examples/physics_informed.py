"""How is a differential equation solved by a network?

The Poisson equation -(∂²u/∂x² + ∂²u/∂y²) = f on the unit square, u = 0 on its border. The
loss is what the equation leaves over at random points, so it needs second derivatives
of the network by its inputs: `input_gradient`, inside a layer, under `fit`. For this f
the solution is known, and the error is drawn.

    python examples/physics_informed.py [folder for the picture]
"""

import sys
import tempfile
from pathlib import Path

import keras
import matplotlib
import numpy as np

import keras_losskit as kl

matplotlib.use("Agg")
import matplotlib.pyplot as plt

POINTS, BATCH, EPOCHS = 2048, 256, 600


def solution(p):
    return np.sin(np.pi * p[:, :1]) * np.sin(np.pi * p[:, 1:])


def source(p):
    """f = -Δu of that solution."""
    return 2 * np.pi**2 * solution(p)


@keras.saving.register_keras_serializable(package="example_poisson")
class Membrane(keras.layers.Layer):
    """u = x(1 - x)·y(1 - y)·network: 0 on the border, whatever the network says."""

    def __init__(self, **options):
        super().__init__(**options)
        self.network = keras.Sequential(
            [keras.layers.Dense(32, activation="tanh") for _ in range(2)] + [keras.layers.Dense(1)]
        )

    def build(self, shape):
        self.network.build(shape)
        self.built = True

    def call(self, p):
        return keras.ops.prod(p * (1 - p), axis=-1, keepdims=True) * 16 * self.network(2 * p - 1)


@keras.saving.register_keras_serializable(package="example_poisson")
class Laplacian(keras.layers.Layer):
    """-Δu at each point, for a layer u of points."""

    def __init__(self, u, **options):
        super().__init__(**options)
        self.u = u

    def build(self, shape):
        self.u.build(shape)
        self.built = True

    def call(self, p):
        return -keras.ops.sum(kl.input_gradient(self.u, p, order=2), axis=-1, keepdims=True)

    def compute_output_shape(self, shape):
        return (shape[0], 1)


def draw(error, path):
    figure, axis = plt.subplots(figsize=(4.2, 3.4))
    n = int(len(error) ** 0.5)
    shown = axis.imshow(
        error.reshape(n, n).T, origin="lower", extent=(0, 1, 0, 1), cmap="RdBu_r",
        vmin=-abs(error).max(), vmax=abs(error).max(),
    )
    figure.colorbar(shown, label="network - solution")
    axis.set(xlabel="x", ylabel="y", title=f"largest error {abs(error).max():.1e}")
    figure.savefig(path, dpi=120, bbox_inches="tight")
    plt.close(figure)
    print("picture:", path)


def main(folder):
    keras.utils.set_random_seed(0)
    points = np.random.default_rng(0).random((POINTS, 2)).astype("float32")
    u = Membrane()
    model = keras.Sequential([keras.Input((2,)), Laplacian(u)])
    rate = keras.optimizers.schedules.CosineDecay(5e-3, EPOCHS * POINTS // BATCH)
    model.compile(keras.optimizers.Adam(rate), loss=kl.MeanSquaredError())
    losses = model.fit(points, source(points), batch_size=BATCH, epochs=EPOCHS, verbose=0)
    losses = losses.history["loss"]
    print(f"residual²: {losses[0]:.1f} in the first epoch, {losses[-1]:.2e} in the last")
    side = np.linspace(0, 1, 101)
    grid = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)
    found = keras.ops.convert_to_numpy(u(grid.astype("float32")))
    error = found - solution(grid)
    print(f"largest error of u: {abs(error).max():.1e}, of values up to 1")
    print(f"root mean square: {(error**2).mean() ** 0.5:.1e}")
    draw(error, Path(folder) / "poisson.png")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
