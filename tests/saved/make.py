"""Write the files of this release into `tests/saved/v<version>/`.

A maintainer runs it once at each release, under the oldest supported Keras (a file of a
newer one may hold layers' arguments that an older one does not know), on any backend, and
commits the folder:

    python -m tests.saved.make

A folder that exists is never written again: it is what users have on their disks.
"""

import json
import pathlib

import keras
import numpy as np

import keras_losskit
from tests import cases
from tests.backends import to_numpy
from tests.saving import users_project
from tests.saving.expressions import (
    columns_model,
    expressions,
    names,
    numbers,
    on_columns,
    real_data,
    segmentation_model,
)

HERE = pathlib.Path(__file__).parent


def plain(x):
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    x = np.asarray(x)
    return {"dtype": str(x.dtype), "values": x.tolist()}


def short(x):
    """Six digits: the numbers recorded are those of the shortened data."""
    if isinstance(x, dict):
        return {k: short(v) for k, v in x.items()}
    if x.dtype.kind != "f":
        return x
    return np.array([float(f"{v:.6g}") for v in x.ravel()], "float32").reshape(x.shape)


def record(loss, y_true, y_pred):
    y_true, y_pred = short(y_true), short(y_pred)
    return {
        "loss": keras.losses.serialize(loss),
        "repr": repr(loss),
        "terms": names(loss),
        "y_true": plain(y_true),
        "y_pred": plain(y_pred),
        "numbers": numbers(loss, y_true, y_pred),
    }


def losses():
    """Every loss with every argument off its default, and nested expressions."""
    found = {f"case {c.id}": record(c.make(), c.y_true, c.y_pred) for c in cases.CASES}
    for name, (loss, y_true, y_pred) in expressions(users_project).items():
        if name != "user":  # The user's classes are not ours to keep.
            found[f"expression {name}"] = record(loss, y_true, y_pred)
    return found


def segmentation_file(folder):
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(71)
    x = short(rng.normal(size=(4, 4, 4, 3)))
    y = rng.integers(0, 4, size=(4, 4, 4)).astype("int32")
    return described(segmentation_model(x, y), folder, "segmentation", x, y)


def columns_file(folder):
    """One output per expression."""
    keras.utils.set_random_seed(2)
    y, x = (short(a) for a in real_data())
    losses = {n: loss for n, loss in on_columns(users_project).items() if n != "user"}
    model, compiled = columns_model(losses)
    return described(model, folder, "columns", x, dict.fromkeys(compiled, y))


def described(model, folder, name, x, y):
    for ending in ("keras", "h5"):
        model.save(folder / f"{name}.{ending}")
    loss = model.loss
    predicted = model.predict(x, verbose=0)
    return {
        "x": plain(x),
        "y": plain(y),
        "repr": {k: repr(v) for k, v in loss.items()} if isinstance(loss, dict) else repr(loss),
        "predicted": plain(predicted)
        if isinstance(predicted, dict)
        else plain(to_numpy(predicted)),
        "evaluated": model.evaluate(x, y, verbose=0, return_dict=True),
    }


def main():
    folder = HERE / f"v{keras_losskit.__version__}"
    folder.mkdir()
    expected = {
        "version": keras_losskit.__version__,
        "keras": keras.__version__,
        "backend": keras.config.backend(),
        "losses": losses(),
        "models": {
            "segmentation": segmentation_file(folder),
            "columns": columns_file(folder),
        },
    }
    text = json.dumps(expected, allow_nan=False)
    (folder / "expected.json").write_text(text + "\n")
    print(f"{folder.name}: {len(expected['losses'])} losses, {len(text) // 1024} KiB")


if __name__ == "__main__":
    main()
