"""How sure is a prediction?

One layer with five outputs and one loss, `Pinball(tau=[...])`, predict five quantiles of how far
diabetes will have progressed after a year, and so an interval for each patient: linear quantile
regression. This measures how many patients of a test set fall into their intervals, and draws them:

    python examples/quantiles.py intervals.png
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

TAUS = [0.05, 0.25, 0.5, 0.75, 0.95]


def quantile_model(x, y):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((x.shape[1],)), keras.layers.Dense(len(TAUS))])
    model.compile(keras.optimizers.Adam(1e-2), loss=kl.Pinball(tau=TAUS), jit_compile=False)
    model.fit(x, y, batch_size=64, epochs=100, verbose=0)
    return model


def draw(path, y, quantiles):
    """Intervals of the test patients, from the lowest predicted median to the highest."""
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    order = np.argsort(quantiles[:, 2])
    y, q, patient = y[order], quantiles[order], np.arange(len(y))
    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    axes.fill_between(patient, q[:, 0], q[:, 4], color="tab:blue", alpha=0.2, label="90 %")
    axes.fill_between(patient, q[:, 1], q[:, 3], color="tab:blue", alpha=0.4, label="50 %")
    axes.plot(patient, q[:, 2], color="tab:blue", label="median")
    inside = (q[:, 0] <= y) & (y <= q[:, 4])
    axes.plot(patient[inside], y[inside], "k.", markersize=4, label="measured")
    axes.plot(patient[~inside], y[~inside], "r.", markersize=6, label="measured, outside 90 %")
    axes.set_xlabel("patients of the test set, by predicted median")
    axes.set_ylabel("progression after a year")
    axes.legend(loc="upper left", fontsize="small")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main():
    x, y = load_diabetes(return_X_y=True)
    x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype("float32")
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.4, random_state=0)
    centre, width = y_train.mean(), y_train.std()

    # The outputs may cross where they are close; sorted quantiles are never worse.
    model = quantile_model(x_train, (y_train - centre) / width)
    quantiles = np.sort(model.predict(x_test, verbose=0), axis=-1) * width + centre

    for tau, column in zip(TAUS, quantiles.T, strict=True):
        print(f"tau {tau:.2f}: {np.mean(y_test <= column):.3f} of the test patients are below")
    for share, low, high in ((0.5, 1, 3), (0.9, 0, 4)):
        inside = (quantiles[:, low] <= y_test) & (y_test <= quantiles[:, high])
        size = np.mean(quantiles[:, high] - quantiles[:, low])
        print(f"interval of {share:.0%}: covers {inside.mean():.3f}, mean width {size:.0f}")
    spread = np.quantile(y_train, 0.95) - np.quantile(y_train, 0.05)
    print(f"90% of all training patients lie within {spread:.0f}")

    path = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp() + "/intervals.png")
    draw(path, y_test, quantiles)
    print("drawn:", path)


if __name__ == "__main__":
    main()
