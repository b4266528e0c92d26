"""What one process saves, a new one loads with `import keras_losskit` and no more."""

import json
import os
import pathlib
import pickle
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_losskit
from tests.saving import users_project
from tests.saving.expressions import (
    STEP,
    columns_model,
    names,
    numbers,
    on_columns,
    real_data,
    segmentation,
    segmentation_data,
    segmentation_model,
)

pytestmark = pytest.mark.once

REPOSITORY = pathlib.Path(keras_losskit.__file__).parent.parent

# It knows nothing of the tests: only the package, the user's own module where the
# user's losses need registering, and what it is told to compute.
CHILD = '''
import json, pathlib, pickle, sys

import keras_losskit
import keras
import numpy as np

folder = pathlib.Path(sys.argv[1])
with open(folder / "data.pkl", "rb") as file:
    data = pickle.load(file)
found = {}


def describe(loss, numbers=None):
    return {
        "repr": repr(loss),
        "config": loss.get_config(),
        "type": type(loss).__module__ + "." + type(loss).__qualname__,
        "terms": list(getattr(loss, "terms", ())),
        "numbers": numbers,
    }


def direct(loss, y_true, y_pred, weights):
    if hasattr(loss, "at_step") and data["steps"]:
        loss = loss.at_step(data["steps"])
    return [float(loss(y_true, y_pred)), float(loss(y_true, y_pred, weights))]


with open(folder / "model.pkl", "rb") as file:
    pickled_model = pickle.load(file)
with open(folder / "loss.pkl", "rb") as file:
    pickled_loss = pickle.load(file)
x, y, logits, weights = data["segmentation"]
for how, model in {
    "keras": keras.saving.load_model(folder / "model.keras"),
    "h5": keras.saving.load_model(folder / "model.h5"),
    "pickled model": pickled_model,
}.items():
    found[how] = describe(model.loss, direct(model.loss, y, logits, weights))
    found[how]["evaluated"] = [
        float(model.evaluate(x, y, batch_size=2, verbose=0)),
        float(model.evaluate(x, y, sample_weight=weights, batch_size=2, verbose=0)),
    ]
    found[how]["predicted"] = model.predict(x, verbose=0).tolist()
found["pickle"] = describe(pickled_loss, direct(pickled_loss, y, logits, weights))

assert "tests" not in sys.modules and "users_project" not in sys.modules
import users_project  # The user's own losses have to be registered by the user.

x, y, y_pred, weights = data["columns"]
for how in ("keras", "h5"):
    model = keras.saving.load_model(folder / ("columns." + how))
    found["columns " + how] = describe(model.loss["user"])
    found["columns " + how]["evaluated"] = model.evaluate(
        x, {name: y for name in model.loss}, verbose=0, return_dict=True
    )
    for name, loss in model.loss.items():
        found[how + " " + name] = describe(loss, direct(loss, y, y_pred, weights))
with open(folder / "losses.pkl", "rb") as file:
    for name, loss in pickle.load(file).items():
        found["pickle " + name] = describe(loss, direct(loss, y, y_pred, weights))
for name, config in json.loads((folder / "losses.json").read_text()).items():
    loss = keras.losses.deserialize(config)
    found["json " + name] = describe(loss, direct(loss, y, y_pred, weights))
(folder / "found.json").write_text(json.dumps(found, allow_nan=False))
'''


def describe(loss, y_true, y_pred):
    return {
        "repr": repr(loss),
        "config": loss.get_config(),
        "type": f"{type(loss).__module__}.{type(loss).__qualname__}",
        "terms": names(loss),
        "numbers": numbers(loss, y_true, y_pred)[:2],
    }


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    """`(expected, found)`: what this process computes and what the new one does."""
    folder = tmp_path_factory.mktemp("fresh")
    shutil.copy(users_project.__file__, folder / "users_project.py")
    sys.path.insert(0, str(folder))
    try:
        import users_project as user  # The copy: a module of a user, not of the tests.

        expected = save(folder, user)
    finally:
        sys.path.remove(str(folder))
    (folder / "child.py").write_text(CHILD)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder), str(REPOSITORY)]),
        "KERAS_BACKEND": keras.config.backend(),
    }
    done = subprocess.run(
        [sys.executable, str(folder / "child.py"), str(folder)],
        env=environment, capture_output=True, text=True, cwd=folder, timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return expected, json.loads((folder / "found.json").read_text())


def save(folder, user):
    keras.utils.set_random_seed(3)
    expected = {}

    loss = segmentation()
    y, logits = segmentation_data(samples=5)
    x = np.random.default_rng(5).normal(size=(5, 4, 4, 3)).astype("float32")
    weights = np.linspace(0.0, 2.0, 5).astype("float32")
    model = segmentation_model(x, y)
    model.save(folder / "model.keras")
    model.save(folder / "model.h5")
    (folder / "model.pkl").write_bytes(pickle.dumps(model))
    (folder / "loss.pkl").write_bytes(pickle.dumps(loss))
    expected["pickle"] = describe(loss, y, logits)
    expected["keras"] = {
        **expected["pickle"],
        "evaluated": [
            model.evaluate(x, y, batch_size=2, verbose=0),
            model.evaluate(x, y, sample_weight=weights, batch_size=2, verbose=0),
        ],
        "predicted": model.predict(x, verbose=0).tolist(),
    }
    expected["h5"] = expected["pickled model"] = expected["keras"]
    data = {"steps": STEP, "segmentation": (x, y, logits, weights)}

    losses = {name.replace(" ", "_"): loss for name, loss in on_columns(user).items()}
    y, y_pred = real_data()
    weights = np.linspace(0.0, 2.0, len(y)).astype("float32")
    # The one with a schedule is only carried in pickle and JSON.
    model, compiled = columns_model(losses)
    model.save(folder / "columns.keras")
    model.save(folder / "columns.h5")
    evaluated = model.evaluate(
        y_pred, dict.fromkeys(compiled, y), verbose=0, return_dict=True
    )
    for how in ("keras", "h5"):
        for name, loss in compiled.items():
            expected[f"{how} {name}"] = describe(loss, y, y_pred)
        expected[f"columns {how}"] = {"evaluated": evaluated}
    data["columns"] = (y_pred, y, y_pred, weights)
    (folder / "losses.pkl").write_bytes(pickle.dumps(losses))
    serialized = {k: keras.losses.serialize(v) for k, v in losses.items()}
    (folder / "losses.json").write_text(json.dumps(serialized, allow_nan=False))
    for name, loss in losses.items():
        expected[f"pickle {name}"] = expected[f"json {name}"] = describe(loss, y, y_pred)
    (folder / "data.pkl").write_bytes(pickle.dumps(data))
    return expected


def test_everything_saved_was_loaded(worlds):
    expected, found = worlds
    assert set(found) == set(expected)
    assert len([k for k in found if k.startswith("json ")]) >= 11


def test_the_losses_read_and_compute_the_same(worlds):
    expected, found = worlds
    compared = 0
    for how, what in expected.items():
        for key in ("repr", "config", "type", "terms"):
            if key in what:
                assert found[how][key] == what[key], (how, key)
        if "numbers" in what:
            compared += 1
            np.testing.assert_allclose(
                found[how]["numbers"], what["numbers"], rtol=1e-6, err_msg=how
            )
    assert compared >= 40


@pytest.mark.parametrize("how", ["keras", "h5", "pickled model"])
def test_the_trained_model_is_the_same(worlds, how):
    expected, found = (w[how] for w in worlds)
    assert found["terms"] == ["dice", "categorical_focal_crossentropy"]
    assert found["repr"] == (
        "0.5 * Dice(from_logits=True) + "
        "2 * CategoricalFocalCrossentropy(gamma=1.5, from_logits=True)"
    )
    np.testing.assert_allclose(found["predicted"], expected["predicted"], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(found["evaluated"], expected["evaluated"], rtol=1e-6)


@pytest.mark.parametrize("how", ["columns keras", "columns h5"])
def test_the_model_with_an_expression_per_output_is_the_same(worlds, how):
    expected, found = (w[how]["evaluated"] for w in worlds)
    assert set(found) == set(expected)
    assert len(expected) >= 11  # Ten outputs' losses and their sum.
    for key in expected:
        assert found[key] == pytest.approx(expected[key], rel=1e-5), key
