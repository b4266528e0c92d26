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

BANDS = (0.5, 0.9)
COMPONENTS = 3


def fitted(loss, x, y, hidden, epochs):
    """A model of raw parameters, and its last layer, which knows what they mean."""
    keras.utils.set_random_seed(0)
    head = kl.DistributionHead(loss)
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(hidden, activation="tanh"), head]
    )
    model.compile(keras.optimizers.Adam(1e-2), loss=loss, jit_compile=False)
    model.fit(x, y, batch_size=64, epochs=epochs, verbose=0)
    return model, head


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
    model, head = fitted(loss, (x_train - centre) / width, scaled, hidden=4, epochs=100)

    def quantile(x, p):
        raw = model.predict((x - centre) / width, verbose=0)
        return keras.ops.convert_to_numpy(head.quantile(raw, p))[:, 0] * spread + middle

    for share in BANDS:
        low, high = (quantile(x_test, 0.5 + sign * share / 2) for sign in (-1, 1))
        inside = (low <= y_test[:, 0]) & (y_test[:, 0] <= high)
        print(f"band of {share:.0%}: covers {inside.mean():.3f} of the test patients")
    ends = model.predict((np.quantile(x_train, [[0.05], [0.95]]) - centre) / width, verbose=0)
    low, high = keras.ops.convert_to_numpy(head.stddev(ends))[:, 0] * spread
    print(f"standard deviation of thin patients {low:.0f}, of heavy ones {high:.0f}")
    return x_test, y_test, quantile


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
        name: (loss, fitted(loss, x, t, hidden=16, epochs=60)[0])
        for name, loss in (("one Gaussian", single), ("mixture", mixture))
    }
    for name, (loss, model) in models.items():
        value = float(loss(t_test, model.predict(x_test, verbose=0)))
        print(f"{name}: {value:.3f} nats a test point")

    def density(x, t):
        """The mixture's density of every t at every x."""
        raw = np.repeat(models["mixture"][1].predict(x, verbose=0)[:, None], len(t), axis=1)
        t = np.repeat(t[None, :, None], len(x), axis=0)
        each = kl.GaussianMixtureNLL(COMPONENTS, minimum=mixture.minimum, reduction="none")
        return np.exp(-keras.ops.convert_to_numpy(each(t, raw)))

    at = density(np.array([[0.5]]), np.linspace(0, 1, 201))[0]
    peaks = np.sum((at[1:-1] > at[:-2]) & (at[1:-1] > at[2:]))
    print(f"answers at x = 0.5: {peaks}")
    return x_test, t_test, density


def draw(path, first, second):
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
    x, y, quantile = first
    grid = np.linspace(x.min(), x.max(), 200)[:, None]
    for share, alpha in zip(BANDS, (0.4, 0.2), strict=True):
        low, high = (quantile(grid, 0.5 + sign * share / 2) for sign in (-1, 1))
        left.fill_between(
            grid[:, 0], low, high, color="tab:blue", alpha=alpha, lw=0, label=f"{share:.0%}"
        )
    left.plot(grid, quantile(grid, 0.5), color="tab:blue", label="median")
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
