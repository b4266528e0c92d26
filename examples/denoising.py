"""Which loss should a denoiser of photographs be trained with?

The same small network learns to take noise off one part of a photograph (scikit-learn's
`china.jpg`) with three losses: the absolute error, `SSIM`, and their sum with the weights of Zhao
et al. (2017). Each is judged on the rest by two measures: PSNR, which counts errors of pixels, and
SSIM, which sees structure. What each makes of one detail is drawn side by side:

    python examples/denoising.py denoised.png
"""

import sys
import tempfile
from pathlib import Path

import keras
import matplotlib
import numpy as np
from sklearn.datasets import load_sample_image

import keras_losskit as kl

NOISE = 0.1  # Its standard deviation, of pictures in [0, 1].
EPOCHS = 12
SIDE = 32  # Of the pieces for training.
LOSSES = {
    "L1": kl.MeanAbsoluteError(),
    "SSIM": kl.SSIM(),
    "0.84 SSIM + 0.16 L1": 0.84 * kl.SSIM() + 0.16 * kl.MeanAbsoluteError(),
}


def photograph():
    """What to judge by, and what to learn from, as `(H, W, 3)` in [0, 1]."""
    picture = load_sample_image("china.jpg").astype("float32") / 255
    return picture[120:340, :220], picture[:, 220:]


def noisy(clean, rng):
    return (clean + rng.normal(0, NOISE, clean.shape)).astype("float32")


def pieces(picture, n, rng):
    """`n` squares from anywhere, half of them mirrored."""
    cut = []
    for i in range(n):
        y, x = (rng.integers(0, size - SIDE) for size in picture.shape[:2])
        piece = picture[y : y + SIDE, x : x + SIDE]
        cut.append(piece[:, ::-1] if i % 2 else piece)
    return np.stack(cut)


def network():
    """Convolutions that find the noise, which is then taken off."""
    x = inputs = keras.Input((None, None, 3))
    for _ in range(3):
        x = keras.layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    noise = keras.layers.Conv2D(3, 3, padding="same")(x)
    return keras.Model(inputs, keras.layers.Subtract()([inputs, noise]))


def trained(loss, x, y):
    keras.utils.set_random_seed(0)
    model = network()
    rate = keras.optimizers.schedules.CosineDecay(4e-3, EPOCHS * len(x) // 16)
    model.compile(keras.optimizers.Adam(rate), loss=loss, jit_compile=False)
    model.fit(x, y, batch_size=16, epochs=EPOCHS, verbose=0)
    return model


def judged(clean, picture):
    """PSNR in decibels and SSIM of one picture."""
    pair = clean[None], np.clip(picture, 0, 1)[None]
    return -float(kl.PSNR()(*pair)), 1 - float(kl.SSIM()(*pair))


def draw(path, pictures):
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(pictures), figsize=(12, 3.2), layout="constrained")
    for ax, (name, picture) in zip(axes, pictures.items(), strict=True):
        ax.imshow(np.clip(picture[60:160, 60:160], 0, 1), interpolation="nearest")
        ax.set(title=name, xticks=[], yticks=[])
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main():
    rng = np.random.default_rng(0)
    clean, rest = photograph()
    y = pieces(rest, 256, rng)
    x = noisy(y, rng)
    pictures = {"clean": clean, "noisy": noisy(clean, rng)}
    for name, loss in LOSSES.items():
        model = trained(loss, x, y)
        pictures[name] = model.predict(pictures["noisy"][None], verbose=0)[0]
    for name, picture in list(pictures.items())[1:]:
        psnr, ssim = judged(clean, picture)
        print(f"{name:20} PSNR {psnr:.2f} dB  SSIM {ssim:.3f}")

    path = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp() + "/denoised.png")
    draw(path, pictures)
    print("drawn:", path)


if __name__ == "__main__":
    main()
