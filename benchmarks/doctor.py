"""How long a check of a loss takes, quick and full.

    KERAS_BACKEND=jax python -m benchmarks.doctor

Seconds of this process and of what it starts, and what that is of the time in which the
backend itself comes up and trains its first step.
"""

import time

import keras
import numpy as np

import keras_losskit as kl

LOSSES = (
    "mse", kl.Huber(), kl.CategoricalCrossentropy(from_logits=True), kl.Dice(),
    kl.SupervisedContrastive(), kl.Huber() + 0.5 * kl.LogCosh(),
)


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def first_step():
    model = keras.Sequential([keras.layers.Dense(3)])
    model.compile("sgd", loss="mse")
    model.fit(np.zeros((8, 2)), np.zeros((8, 3)), verbose=0)


def main():
    unit = seconds(first_step)
    kl.check_loss("mse", quick=True)  # Imports what only a check needs.
    print(f"{keras.config.backend()}: the first step of a model took {unit:.2f} s\n")
    print("| loss | quick, s | of the first step | full, s | of the first step |")
    print("|---|---|---|---|---|")
    for loss in LOSSES:
        taken = [seconds(lambda q=q, x=loss: kl.check_loss(x, quick=q)) for q in (True, False)]
        cells = " | ".join(f"{t:.2f} | {t / unit:.2f}" for t in taken)
        print(f"| `{loss!r}` | {cells} |")


if __name__ == "__main__":
    main()
