"""How does a loss see the inner tensors of a model?

A variational autoencoder needs the divergence of its latent distribution beside
the reconstruction. `AddLoss` is a layer: by the time it is called the mean and the
log-variance are real tensors. The weight of the divergence warms up, every term is
in the logs, and the model is saved, reloaded and sampled from. The images are
scikit-learn's handwritten digits, 8 by 8.

    python examples/vae.py [folder for the pictures]
"""

import sys
import tempfile
from pathlib import Path

import keras
import matplotlib
import numpy as np
from sklearn.datasets import load_digits

import keras_losskit as kl

matplotlib.use("Agg")
import matplotlib.pyplot as plt

LATENT, EPOCHS, BATCH = 8, 40, 64


@keras.saving.register_keras_serializable(package="example_vae")
class Sampling(keras.layers.Layer):
    """z = μ + e^(s/2)·noise in training; the mean itself otherwise."""

    def __init__(self, seed=0, **options):
        super().__init__(**options)
        self.seed = seed
        self.noise = keras.random.SeedGenerator(seed)

    def call(self, pair, training=False):
        mean, log_variance = pair
        if not training:
            return mean
        noise = keras.random.normal(keras.ops.shape(mean), seed=self.noise)
        return mean + keras.ops.exp(0.5 * log_variance) * noise

    def compute_output_shape(self, shapes):
        return shapes[0]

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


def build(steps):
    """Encoder, inner loss, sampling, decoder."""
    inputs = keras.Input((64,))
    hidden = keras.layers.Dense(128, activation="relu")(inputs)
    pair = [keras.layers.Dense(LATENT)(hidden), keras.layers.Dense(LATENT)(hidden)]
    # In nats per image, as the reconstruction below: their sum is the negative ELBO.
    warmup = kl.LinearWarmup(steps, target=1.0)
    pair = kl.AddLoss(kl.GaussianKL(), weight=warmup, name="kl")(pair)
    decoder = keras.Sequential(
        [
            keras.Input((LATENT,)),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(64),
        ],
        name="decoder",
    )
    return keras.Model(inputs, decoder(Sampling()(pair)))


def draw(images, path, title):
    figure, axes = plt.subplots(4, 10, figsize=(7, 3.2))
    for axis, image in zip(axes.flat, images, strict=True):
        axis.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        axis.set_axis_off()
    figure.suptitle(title, fontsize=10)
    figure.savefig(path, dpi=120, bbox_inches="tight")
    plt.close(figure)
    print("picture:", path)


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


def main(folder):
    images = load_digits().data.astype("float32") / 16
    train, test = images[:1500], images[1500:]
    keras.utils.set_random_seed(0)
    model = build(steps=15 * (len(train) // BATCH))
    # 64 pixels per image: a sum over them, from a mean.
    reconstruction = 64 * kl.BinaryCrossentropy(from_logits=True)
    model.compile(
        keras.optimizers.Adam(2e-3), loss=reconstruction, metrics=reconstruction.metrics()
    )
    logs = model.fit(
        train, train, validation_data=(test, test), batch_size=BATCH, epochs=EPOCHS, verbose=0,
        callbacks=[kl.WeightScheduler(), kl.AddedLossLogger(), kl.TerminateOnNonFiniteTerm()],
    ).history
    for epoch in (0, 9, 19, EPOCHS - 1):
        print(
            f"epoch {epoch + 1}: loss {logs['loss'][epoch]:.2f}"
            f" reconstruction {64 * logs['binary_crossentropy'][epoch]:.2f}"
            f" kl {logs['kl'][epoch]:.2f} weight of kl {logs['kl_weight'][epoch]:.2f}"
            f" | unseen: kl {logs['val_kl'][epoch]:.2f}"
        )

    path = folder / "vae.keras"
    model.save(path)
    loaded = keras.saving.load_model(path)
    same = np.allclose(loaded.predict(test, verbose=0), model.predict(test, verbose=0), atol=1e-6)
    print("reloaded, same reconstructions:", same)

    decoder = loaded.get_layer("decoder")
    noise = np.random.default_rng(1).normal(size=(40, LATENT)).astype("float32")
    samples = sigmoid(decoder.predict(noise, verbose=0))
    reconstructed = sigmoid(loaded.predict(test, verbose=0))
    error = np.abs(reconstructed - test).mean()
    print(f"mean absolute error of unseen images: {error:.3f}")
    print(f"of the mean image: {np.abs(train.mean(0) - test).mean():.3f}")
    nearest = np.abs(samples[:, None] - train[None]).mean(-1).min(1)
    print(f"samples: mean distance to the nearest real image {nearest.mean():.3f}")
    draw(samples, folder / "samples.png", "Samples from the reloaded decoder")
    pairs = np.concatenate([[test[i], reconstructed[i]] for i in range(20)])
    draw(pairs, folder / "reconstructions.png", "Unseen digits, each beside its reconstruction")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
