"""How much does a prediction vary, and is it one value or several?

Two regressions that predict a whole distribution. `GaussianNLL` learns how far diabetes progresses
after a year given the body mass index, and how far patients spread about it: bands, and how many
patients of a test set they cover. `GaussianMixtureNLL` learns a relation with up to three answers
for one question, the inverse of Bishop's curve, where a mean would lie between them. Drawn side by
side:

    python examples/probabilistic.py distributions.png
"""

import sys
import tempfile
from pathlib import Path

import keras
import matplotlib
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

import keras_losskit as kl

BANDS = {0.5: 0.6745, 0.9: 1.6449}  # Share, and how many standard deviations hold it.
COMPONENTS = 3


def fitted(loss, outputs, x, y, hidden, epochs):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((1,)),
            keras.layers.Dense(hidden, activation="tanh"),
            keras.layers.Dense(outputs),
        ]
    )
    model.compile(keras.optimizers.Adam(1e-2), loss=loss, jit_compile=False)
    model.fit(x, y, batch_size=64, epochs=epochs, verbose=0)
    return model


def softplus(raw):
    return np.logaddexp(raw, 0)


# --- one value, that varies ---------------------------------------------------------------------


def progression():
    """Body mass index and progression, for training and for the test."""
    data = load_diabetes(scaled=False)
    x, y = data.data[:, 2:3], data.target[:, None]
    return train_test_split(x, y, test_size=0.4, random_state=1)


def bands():
    x_train, x_test, y_train, y_test = progression()
    centre, width = x_train.mean(), x_train.std()
    middle, spread = y_train.mean(), y_train.std()
    loss = kl.GaussianNLL(minimum=0.05)
    scaled = (y_train - middle) / spread
    model = fitted(loss, 2, (x_train - centre) / width, scaled, hidden=4, epochs=100)

    def predicted(x):
        mean, raw = model.predict((x - centre) / width, verbose=0).T
        return mean * spread + middle, (softplus(raw) + loss.minimum) * spread

    mean, deviation = predicted(x_test)
    for share, z in BANDS.items():
        inside = np.abs(y_test[:, 0] - mean) <= z * deviation
        print(f"band of {share:.0%}: covers {inside.mean():.3f} of the test patients")
    low, high = predicted(np.quantile(x_train, [0.05, 0.95])[:, None])[1]
    print(f"standard deviation of thin patients {low:.0f}, of heavy ones {high:.0f}")
    return x_test, y_test, predicted


# --- several values ---------------------------------------------------------------------------


def curve(n, seed):
    """x given t is one value; t given x is up to three (Bishop 1994)."""
    rng = np.random.default_rng(seed)
    t = rng.uniform(size=(n, 1))
    return t + 0.3 * np.sin(2 * np.pi * t) + rng.uniform(-0.1, 0.1, size=(n, 1)), t


def answers():
    (x, t), (x_test, t_test) = curve(2000, 0), curve(1000, 1)
    mixture = kl.GaussianMixtureNLL(components=COMPONENTS, minimum=0.02)
    single = kl.GaussianNLL(minimum=0.02)
    models = {
        "one Gaussian": (single, fitted(single, 2, x, t, hidden=16, epochs=60)),
        "mixture": (mixture, fitted(mixture, 3 * COMPONENTS, x, t, hidden=16, epochs=60)),
    }
    for name, (loss, model) in models.items():
        value = float(loss(t_test, model.predict(x_test, verbose=0)))
        print(f"{name}: {value:.3f} nats a test point")

    def density(x, t):
        """The mixture's density of every t at every x."""
        raw = models["mixture"][1].predict(x, verbose=0)[:, None, :]
        logits, means, scales = np.split(raw, 3, axis=-1)
        share = np.exp(logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True))
        scale = softplus(scales) + mixture.minimum
        z = (t[None, :, None] - means) / scale
        return (share * np.exp(-(z**2) / 2) / (scale * np.sqrt(2 * np.pi))).sum(axis=-1)

    at = density(np.array([[0.5]]), np.linspace(0, 1, 201))[0]
    peaks = np.sum((at[1:-1] > at[:-2]) & (at[1:-1] > at[2:]))
    print(f"answers at x = 0.5: {peaks}")
    return x_test, t_test, density


def draw(path, first, second):
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
    x, y, predicted = first
    grid = np.linspace(x.min(), x.max(), 200)[:, None]
    mean, deviation = predicted(grid)
    for (share, z), alpha in zip(BANDS.items(), (0.4, 0.2), strict=True):
        low, high = mean - z * deviation, mean + z * deviation
        left.fill_between(
            grid[:, 0], low, high, color="tab:blue", alpha=alpha, lw=0, label=f"{share:.0%}"
        )
    left.plot(grid, mean, color="tab:blue", label="mean")
    left.plot(x, y, "k.", markersize=4, label="test patients")
    left.set(xlabel="body mass index", ylabel="progression after a year", title="GaussianNLL")
    left.legend(fontsize="small", loc="upper left")
    x, t, density = second
    grid, levels = np.linspace(-0.1, 1.1, 241), np.linspace(-0.1, 1.1, 241)
    shade = np.minimum(density(grid[:, None], levels).T, 6)
    right.pcolormesh(grid, levels, shade, cmap="Blues", shading="nearest", rasterized=True)
    right.plot(x, t, "k.", markersize=2, alpha=0.5)
    right.set(xlabel="x", ylabel="t", xlim=(-0.1, 1.1), ylim=(-0.1, 1.1))
    right.set_title("GaussianMixtureNLL")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main():
    first = bands()
    second = answers()
    path = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp() + "/distributions.png")
    draw(path, first, second)
    print("drawn:", path)


if __name__ == "__main__":
    main()
