"""Does a combined loss survive `.keras`, `.h5` and pickle?

Yes, and a new process needs nothing but `import keras_losskit` to load it. This trains a small
model of breast-cancer data, saves it three ways, and loads all three in a new Python process.
"""

import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np
from sklearn.datasets import load_breast_cancer

import keras_losskit as kl

RELOAD = """
import pickle
import keras, keras_losskit, numpy

x, y = numpy.load("data.npz").values()
for path in "model.keras", "model.h5":
    model = keras.saving.load_model(path)
    print(path, model.evaluate(x, y, verbose=0), repr(model.loss), sep="|")

with open("loss.pickle", "rb") as file:
    loss = pickle.load(file)
value = float(loss(y, numpy.load("logits.npy")))
print("loss.pickle", value, repr(loss), sep="|")
"""


def in_a_new_process(folder):
    """`{file: (formula, number)}`, as a new process finds them."""
    command = [sys.executable, "-c", RELOAD]
    run = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    rows = [line.split("|") for line in run.stdout.splitlines() if line.count("|") == 2]
    return {file: (formula, float(number)) for file, number, formula in rows}


def main():
    x, y = load_breast_cancer(return_X_y=True)
    x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype("float32")
    y = y.astype("float32")[:, None]

    total = kl.BinaryCrossentropy(
        from_logits=True, pos_weight=2.0
    ) + 0.5 * kl.BinaryFocalCrossentropy(gamma=1.5, alpha=0.3, from_logits=True)
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((x.shape[1],)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.02), loss=total)
    model.fit(x, y, epochs=5, verbose=0)
    evaluated = model.evaluate(x, y, verbose=0)
    logits = model.predict(x, verbose=0)
    print("loss =", total)

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        np.savez(folder / "data.npz", x=x, y=y)
        np.save(folder / "logits.npy", logits)
        model.save(folder / "model.keras")
        model.save(folder / "model.h5")
        (folder / "loss.pickle").write_bytes(pickle.dumps(total))

        found = in_a_new_process(folder)

    expected = {
        "model.keras": evaluated,
        "model.h5": evaluated,
        "loss.pickle": float(total(y, logits)),
    }
    failed = False
    for file, number in expected.items():
        same = found[file] == (repr(total), number)
        print(f"{file}: {'same loss, same number' if same else 'DIFFERENT'} ({number:.6f})")
        failed |= not same
    if failed:
        sys.exit("A reloaded loss is not the one that was saved.")


if __name__ == "__main__":
    main()
