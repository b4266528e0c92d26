"""A new process that loads a model trains on as the old one would have.

Plain, scheduled and learned weights: the same losses, logs and weights in the
next epoch as without interruption.
"""

import inspect
import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_losskit as kl
from tests.backends import WITHOUT_XLA

pytestmark = pytest.mark.xdist_group("test_new_process")  # What is made once serves all.

REPOSITORY = pathlib.Path(kl.__file__).parent.parent
KINDS = ("plain", "scheduled", "learned")


def data():
    rng = np.random.default_rng(41)
    return rng.normal(size=(10, 3)).astype("float32"), rng.integers(0, 4, size=10)


def train(model, kind, epoch):
    x, y = data()
    callbacks = [kl.WeightScheduler()] if kind == "scheduled" else []
    return model.fit(
        x, y, batch_size=4, initial_epoch=epoch, epochs=epoch + 1, shuffle=False, verbose=0,
        validation_data=(x, y), callbacks=callbacks,
    ).history


def state(model):
    variables = [*model.weights, *model.optimizer.variables]
    return [np.asarray(keras.ops.convert_to_numpy(v)).tolist() for v in variables]


# The new process runs the same functions.
CHILD = f'''
import json, sys, warnings

warnings.simplefilter("error")
warnings.filterwarnings("ignore", ".*copy keyword")
import keras
import numpy as np
import keras_losskit as kl

{"".join(inspect.getsource(f) for f in (data, train, state))}
found = {{}}
for kind in {KINDS}:
    model = keras.saving.load_model(kind + ".keras")
    logs = train(model, kind, 2)
    found[kind] = {{"logs": logs, "state": state(model), "loss": repr(model.loss)}}
print("FOUND" + json.dumps(found))
'''

def build(kind):
    keras.utils.set_random_seed(17)
    network = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(6, activation="tanh"), keras.layers.Dense(4)]
    )
    entropy = kl.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    focal = kl.CategoricalFocalCrossentropy(gamma=1.5, from_logits=True)
    optimizer = keras.optimizers.Adam(0.05)
    if kind == "learned":
        model = kl.LearnedWeights(network, entropy + 2 * focal, "bounded")
        model.compile(optimizer, **WITHOUT_XLA)
        return model
    weight = kl.LinearWarmup(8, initial=1.0, target=0.2) if kind == "scheduled" else 0.5
    total = entropy + weight * focal
    network.compile(
        optimizer, loss=total, metrics=[*total.metrics(), *total.metrics(weighted=True)],
        **WITHOUT_XLA,
    )
    return network


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    folder = tmp_path_factory.mktemp("continued")
    expected = {}
    for kind in KINDS:
        model = build(kind)
        for epoch in range(2):
            train(model, kind, epoch)
        model.save(folder / f"{kind}.keras")
        logs = train(model, kind, 2)
        expected[kind] = {"logs": logs, "state": state(model), "loss": repr(model.loss)}
    (folder / "child.py").write_text(CHILD)
    done = subprocess.run(
        [sys.executable, str(folder / "child.py")],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True, text=True, cwd=folder, timeout=300,
    )
    assert done.returncode == 0, done.stderr
    (line,) = [s for s in done.stdout.splitlines() if s.startswith("FOUND")]
    return expected, json.loads(line[len("FOUND"):])


@pytest.mark.parametrize("kind", KINDS)
def test_the_next_epoch_is_the_same(both, kind):
    expected, found = (one[kind] for one in both)
    assert found["loss"] == expected["loss"]
    assert found["logs"].keys() == expected["logs"].keys()
    for name, values in expected["logs"].items():
        np.testing.assert_allclose(found["logs"][name], values, rtol=1e-6, err_msg=name)
    assert len(found["state"]) == len(expected["state"]) > 8
    for a, b in zip(found["state"], expected["state"], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_the_logs_hold_what_they_should(both):
    logs = {kind: one["logs"] for kind, one in both[0].items()}
    terms = {"categorical_crossentropy", "categorical_focal_crossentropy"}
    for kind in KINDS:
        assert terms <= logs[kind].keys() and {"val_" + t for t in terms} <= logs[kind].keys()
    # Updates 6, 7 and 8 of 3 per epoch; the log holds the last one's.
    weight = logs["scheduled"]["categorical_focal_crossentropy_weight"]
    assert weight == pytest.approx([1 - 0.8 * 8 / 8])
    learned = logs["learned"]["categorical_focal_crossentropy_weight"]
    assert 0 < learned[0] < 1.95
