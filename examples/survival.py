"""When will it happen, if for many it has not happened yet?

432 men released from prison were followed for a year (Rossi, Berk and Lenihan 1980): 114 were
arrested again, of the others all that is known is that it had not happened by then. Three losses
on the same `(week, arrested)` targets: `CoxPartialLikelihood` orders the men by risk,
`DiscreteTimeHazard` and `WeibullNLL` also say when. Each is judged on men it has not seen by
Harrell's C, the share of comparable pairs that it orders rightly, and the curves of the second are
drawn beside Kaplan and Meier's:

    python examples/survival.py curves.png
"""

import sys
import tempfile
from pathlib import Path

import keras
import matplotlib
import numpy as np
from lifelines import KaplanMeierFitter
from lifelines.datasets import load_rossi
from lifelines.utils import concordance_index
from sklearn.model_selection import train_test_split

import keras_losskit as kl

EDGES = [0, 10, 20, 30, 40, 53]  # Weeks.


def men():
    """Covariates, and (week, arrested), for training and for the test."""
    data = load_rossi()
    y = data[["week", "arrest"]].to_numpy("float32")
    x = data.drop(columns=["week", "arrest"]).to_numpy("float32")
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    return train_test_split(x, y, test_size=0.3, random_state=3, stratify=y[:, 1])


def fitted(loss, outputs, x, y):
    """A linear model. Its batch is the whole set: Cox's loss compares men with each other."""
    keras.utils.set_random_seed(0)
    layer = keras.layers.Dense(outputs, kernel_regularizer=keras.regularizers.L2(0.01))
    model = keras.Sequential([keras.Input((x.shape[1],)), layer])
    model.compile(keras.optimizers.Adam(5e-2), loss=loss, jit_compile=False)
    model.fit(x, y, batch_size=len(x), epochs=250, verbose=0)
    return model


def survival(logits):
    """The share that is left at the end of each interval."""
    return np.cumprod(1 / (1 + np.exp(logits)), axis=-1)


def weeks(raw):
    """The median time of Weibull's distribution."""
    scale, shape = np.logaddexp(raw, 0).T
    return scale * np.log(2) ** (1 / shape)


def draw(path, y, left, at_risk):
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for half, color, name in (
        (~at_risk, "tab:blue", "the half of less risk"), (at_risk, "tab:red", "of more risk"),
    ):
        seen = KaplanMeierFitter().fit(y[half, 0], y[half, 1]).survival_function_
        axes.step(seen.index, seen, where="post", color=color, label=f"{name}: seen")
        curve = np.concatenate([[1], left[half].mean(axis=0)])
        axes.plot(EDGES, curve, "o--", color=color, markersize=4, label=f"{name}: predicted")
    axes.set(xlabel="weeks after release", ylabel="share not arrested again", ylim=(0.55, 1.02))
    axes.legend(fontsize="small", loc="lower left")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main():
    x_train, x_test, y_train, y_test = men()
    found = {}
    for loss, outputs in (
        (kl.CoxPartialLikelihood(), 1),
        (kl.DiscreteTimeHazard(edges=EDGES), len(EDGES) - 1),
        (kl.WeibullNLL(), 2),
    ):
        # Weibull's scale is learned in years, near 1.
        unit = np.array([52, 1], "float32") if isinstance(loss, kl.WeibullNLL) else 1
        model = fitted(loss, outputs, x_train, y_train / unit)
        found[type(loss).__name__] = model.predict(x_test, verbose=0)

    left = survival(found["DiscreteTimeHazard"])
    later = {  # The larger, the later.
        "CoxPartialLikelihood": -found["CoxPartialLikelihood"][:, 0],
        "DiscreteTimeHazard": left.mean(axis=-1),
        "WeibullNLL": weeks(found["WeibullNLL"]),
    }
    for name, score in later.items():
        c = concordance_index(y_test[:, 0], score, y_test[:, 1])
        print(f"{name}: C {c:.3f}")
    seen = KaplanMeierFitter().fit(y_test[:, 0], y_test[:, 1]).predict(52)
    print(f"not arrested after a year: {left[:, -1].mean():.3f} predicted, {seen:.3f} seen")

    path = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp() + "/curves.png")
    at_risk = left[:, -1] < np.median(left[:, -1])
    draw(path, y_test, left, at_risk)
    print("drawn:", path)


if __name__ == "__main__":
    main()
