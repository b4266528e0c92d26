"""Does a combined loss train, save, reload in a new process and train on?

Yes: this trains a classifier of handwritten digits with `a + 0.5 * b`, prints each term per
epoch, saves the model, loads it in a new Python process that imports nothing but the kit, and
compares what both compute. It exits with status 1 if anything differs.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import keras_losskit as kl

# What the new process runs: no `custom_objects`, and safe mode is on.
RELOAD = """
import keras, keras_losskit, numpy

data = numpy.load("data.npz")
train, test = (data["x_train"], data["y_train"]), (data["x_test"], data["y_test"])
model = keras.saving.load_model("digits.keras")
found = {
    "formula": repr(model.loss),
    "config": repr(model.loss.get_config()),
    "predictions": model.predict(test[0], verbose=0),
    "evaluated loss": model.evaluate(*test, verbose=0)[0],
}
model.fit(*train, epochs=1, shuffle=False, verbose=0)
found["loss after one more epoch"] = model.evaluate(*test, verbose=0)[0]
found["predictions after one more epoch"] = model.predict(test[0], verbose=0)
numpy.savez("reloaded.npz", **found)
"""


class PrintTerms(keras.callbacks.Callback):
    """Prints each term of the model's loss on validation data after every epoch."""

    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def on_epoch_end(self, epoch, logs=None):
        predictions = self.model.predict(self.x, verbose=0)
        values = self.model.loss.term_values(self.y, predictions)
        terms = "  ".join(f"{name} {float(value):.4f}" for name, value in values.items())
        print(f"epoch {epoch + 1}: loss {logs['loss']:.4f}  on test data: {terms}")


def main():
    keras.utils.set_random_seed(0)
    x, y = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(
        x.astype("float32") / 16, y, test_size=0.25, random_state=0, stratify=y
    )
    train, test = (x_train, y_train), (x_test, y_test)

    total = kl.CategoricalCrossentropy(
        from_logits=True, label_smoothing=0.05
    ) + 0.5 * kl.CategoricalFocalCrossentropy(from_logits=True, gamma=1.5)
    print("loss =", total)

    model = keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10),  # Logits.
        ]
    )
    model.compile(keras.optimizers.Adam(3e-3), loss=total, metrics=["accuracy"])
    model.fit(*train, epochs=4, verbose=0, callbacks=[PrintTerms(*test)])
    loss, accuracy = model.evaluate(*test, verbose=0)
    print(f"test accuracy {accuracy:.3f}, test loss {loss:.4f}")

    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder, "digits.keras"))
        np.savez(
            Path(folder, "data.npz"),
            x_train=x_train,
            y_train=y_train,
            x_test=x_test,
            y_test=y_test,
        )
        expected = {
            "formula": repr(model.loss),
            "config": repr(model.loss.get_config()),
            "predictions": model.predict(x_test, verbose=0),
            "evaluated loss": loss,
        }
        model.fit(*train, epochs=1, shuffle=False, verbose=0)
        expected["loss after one more epoch"] = model.evaluate(*test, verbose=0)[0]
        expected["predictions after one more epoch"] = model.predict(x_test, verbose=0)

        print("loading it in a new process ...")
        subprocess.run([sys.executable, "-c", RELOAD], cwd=folder, check=True)
        with np.load(Path(folder, "reloaded.npz")) as file:
            found = {name: file[name] for name in file.files}

    same = {name: np.array_equal(found[name], value) for name, value in expected.items()}
    for name, equal in same.items():
        print(f"{name}: {'identical' if equal else 'DIFFERENT'}")
    before, after = float(loss), float(found["loss after one more epoch"])
    print(f"test loss when saved {before:.4f}, after one more epoch there {after:.4f}")
    if not all(same.values()):
        sys.exit("The reloaded model is not the one that was saved.")
    if after >= before:
        sys.exit("The reloaded model did not train on.")


if __name__ == "__main__":
    main()
