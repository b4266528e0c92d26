"""How is a critic kept from becoming too steep?

A Wasserstein GAN that draws handwritten digits, 8 by 8. The critic's step adds a penalty on its
slope between real and drawn digits, `GradientPenalty`; without it the critic would have to
be clipped. Judged by a classifier that has seen real digits only.

    python examples/wgan_gp.py [folder for the picture]
"""

import sys
import tempfile
from pathlib import Path

import keras
import matplotlib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

import keras_losskit as kl

matplotlib.use("Agg")
import matplotlib.pyplot as plt

LATENT, BATCH, STEPS, CRITIC_STEPS = 16, 128, 800, 4


def network(inputs, outputs, activation=None):
    hidden = [
        layer for _ in range(2)
        for layer in (keras.layers.Dense(128), keras.layers.LeakyReLU(negative_slope=0.2))
    ]
    return keras.Sequential(
        [keras.Input((inputs,)), *hidden, keras.layers.Dense(outputs, activation=activation)]
    )


def optimizer():
    return keras.optimizers.Adam(5e-4, beta_1=0.5, beta_2=0.9)


def critics_step(critic):
    """A model of [real, drawn] whose loss is the critic's, penalty and all."""
    inputs = [keras.Input((64,)), keras.Input((64,))]
    real, drawn = kl.GradientPenalty(critic, weight=10.0, seed=1)(inputs)
    model = keras.Model(inputs, [critic(real), critic(drawn)])
    # Scores of real digits up, of drawn ones down.
    model.compile(optimizer(), loss=[kl.Wasserstein(), kl.Wasserstein()])
    return model


def generators_step(generator, critic):
    """A model of noise whose loss is the generator's. Its critic is a copy that is not trained."""
    fixed = keras.models.clone_model(critic)
    fixed.trainable = False
    model = keras.Sequential([generator, fixed])
    model.compile(optimizer(), loss=kl.Wasserstein())
    return model, fixed


def draw(images, path):
    figure, axes = plt.subplots(4, 10, figsize=(7, 3))
    for axis, image in zip(axes.flat, images, strict=True):
        axis.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        axis.set_axis_off()
    figure.suptitle("digits drawn from noise", fontsize=10)
    figure.savefig(path, dpi=120, bbox_inches="tight")
    plt.close(figure)
    print("picture:", path)


def steepness(critic, real, drawn):
    points = keras.ops.convert_to_tensor((real + drawn) / 2)
    slope = keras.ops.convert_to_numpy(kl.input_gradient(critic, points, create_graph=False))
    return np.linalg.norm(slope, axis=-1).mean()


def main(folder):
    digits = load_digits()
    images = digits.data.astype("float32") / 16
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    generator, critic = network(LATENT, 64, "sigmoid"), network(64, 1)
    train_critic = critics_step(critic)
    train_generator, fixed = generators_step(generator, critic)
    ones = np.ones((BATCH, 1), "float32")

    def noise(count=BATCH):
        return rng.normal(size=(count, LATENT)).astype("float32")

    for _ in range(STEPS):
        drawn = np.asarray(generator.predict_on_batch(noise(BATCH * CRITIC_STEPS)))
        for k in range(CRITIC_STEPS):
            real = images[rng.integers(0, len(images), BATCH)]
            part = drawn[k * BATCH : (k + 1) * BATCH]
            train_critic.train_on_batch([real, part], [ones, -ones])
        fixed.set_weights(critic.get_weights())
        train_generator.train_on_batch(noise(), ones)

    drawn = np.asarray(generator.predict_on_batch(noise(1000)))
    real = images[rng.integers(0, len(images), 1000)]
    print(f"mean slope of the critic: {steepness(critic, real, drawn):.2f}, where 1 is wanted")
    judge = KNeighborsClassifier(5).fit(images, digits.target)
    untrained = np.asarray(network(LATENT, 64, "sigmoid").predict_on_batch(noise(1000)))
    for what, x in (("untrained", untrained), ("drawn", drawn), ("real", real)):
        nearest = np.mean([np.sort(((images - one) ** 2).mean(-1))[1] for one in x[:300]])
        print(f"{what}: squared distance to the nearest digit {nearest:.4f}")
    sure = judge.predict_proba(drawn).max(-1).mean()
    kinds = np.bincount(judge.predict(drawn), minlength=10)
    print(f"the classifier is sure of them: {sure:.2f}")
    print(f"digits among them: {(kinds >= 10).sum()} of 10, counts {kinds.tolist()}")
    draw(drawn[:40], Path(folder) / "drawn_digits.png")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
