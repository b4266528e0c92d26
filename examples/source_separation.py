"""How do I train a network to take two voices apart, if nobody says which comes out first?

Two synthetic voices, each a gliding pitch with its overtones, are added; a small convolutional
network (a miniature of Conv-TasNet) is to give both back. Which voice is first is chance, so a
loss that compares first with first asks for what cannot be known; `PermutationInvariant` takes
the better of the orders, sample by sample. Both are trained with `SISDR`, and judged on new
mixtures by how many decibels they gain on the mixture itself. One mixture is drawn:

    python examples/source_separation.py voices.png
"""

import sys
import tempfile
from pathlib import Path

import keras
import matplotlib
import numpy as np
from keras import layers

import keras_losskit as kl

RATE, LENGTH = 2000, 1000  # Samples a second, and samples.


def voices(n, rng):
    """`n` pairs of voices, `(n, LENGTH, 2)`, in any order."""
    t = np.arange(LENGTH) / RATE
    pitch = np.stack([rng.uniform(60, 110, n), rng.uniform(170, 280, n)], axis=1)
    pitch = rng.permuted(pitch, axis=1)[..., None]
    glide, wobble = rng.uniform(-0.2, 0.2, (n, 2, 1)), rng.uniform(2, 5, (n, 2, 1))
    course = pitch * (1 + glide * t + 0.02 * np.sin(2 * np.pi * wobble * t))
    phase = 2 * np.pi * np.cumsum(course, axis=-1) / RATE
    loud = rng.uniform(0.3, 1, (n, 2, 3))
    start = rng.uniform(0, 2 * np.pi, (n, 2, 3))
    sound = sum(
        loud[..., k : k + 1] / (k + 1) * np.sin((k + 1) * phase + start[..., k : k + 1])
        for k in range(3)
    )
    sound = sound / sound.std(axis=-1, keepdims=True)
    return np.moveaxis(sound, 1, 2).astype("float32")


def network(channels=48):
    """Frames of the mixture, two masks over them, and back to sound: `(B, T)` to `(B, T, 2)`."""
    inputs = keras.Input((LENGTH,))
    frames = layers.Conv1D(channels, 20, strides=10, padding="same", activation="relu")(
        layers.Reshape((LENGTH, 1))(inputs)
    )
    x = layers.LayerNormalization()(frames)
    for dilation in (1, 2, 4, 8):
        y = layers.Conv1D(channels, 3, padding="same", dilation_rate=dilation, activation="relu")(x)
        x = layers.Add()([x, layers.LayerNormalization()(y)])
    back = layers.Conv1DTranspose(1, 20, strides=10, padding="same")
    heard = [
        back(layers.Multiply()([frames, layers.Dense(channels, activation="sigmoid")(x)]))
        for _ in range(2)
    ]
    return keras.Model(inputs, layers.Concatenate()(heard))


def trained(loss, pairs):
    keras.utils.set_random_seed(0)
    model = network()
    model.compile(keras.optimizers.Adam(3e-3), loss=loss, jit_compile=False)
    model.fit(pairs.sum(axis=-1), pairs, batch_size=32, epochs=10, verbose=0)
    return model


def decibels(pairs, heard):
    """SI-SDR of the better order, for each pair."""
    loss = kl.PermutationInvariant(kl.SISDR(), axis=-1, reduction="none")
    return -keras.ops.convert_to_numpy(loss(pairs, heard))


def matched(pair, heard):
    """What is heard, in the order, the loudness and the sign that SI-SDR leaves open."""
    heard = heard - heard.mean(axis=0)
    share = pair.T @ heard / (heard**2).sum(axis=0)
    order = np.argmax(abs(share), axis=1)
    return heard[:, order] * share[[0, 1], order]


def draw(path, pair, heard):
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    heard = matched(pair, heard)
    figure, axes = plt.subplots(3, 2, figsize=(9, 5.5), layout="constrained", sharex=True)
    axes[0, 1].remove()
    shown = {
        (0, 0): ("mixture", pair.sum(axis=-1)),
        (1, 0): ("first voice", pair[:, 0]), (2, 0): ("second voice", pair[:, 1]),
        (1, 1): ("heard as the first", heard[:, 0]), (2, 1): ("heard as the second", heard[:, 1]),
    }
    t = np.arange(200) / RATE * 1000
    for place, (name, sound) in shown.items():
        axes[place].plot(t, sound[400:600] / sound.std(), color="tab:blue", lw=1)
        axes[place].set_title(name, fontsize="medium")
        axes[place].set(yticks=[], ylim=(-3.2, 3.2))
    for ax in axes[2]:
        ax.set_xlabel("milliseconds")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main():
    train, test = voices(1024, np.random.default_rng(0)), voices(200, np.random.default_rng(1))
    mixture = test.sum(axis=-1)
    before = decibels(test, np.stack([mixture, mixture], axis=-1))
    print(f"the mixture itself: {before.mean():.1f} dB")
    for name, loss in (
        ("order as given", kl.SISDR()),
        ("PermutationInvariant", kl.PermutationInvariant(kl.SISDR(), axis=-1)),
    ):
        heard = trained(loss, train).predict(mixture, verbose=0)
        print(f"{name}: {decibels(test, heard).mean():.1f} dB")

    path = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp() + "/voices.png")
    typical = np.argsort(decibels(test, heard))[len(test) // 2]
    draw(path, test[typical], heard[typical])
    print("drawn:", path)


if __name__ == "__main__":
    main()
