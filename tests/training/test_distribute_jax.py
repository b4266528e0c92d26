"""Data parallelism on JAX over two host devices computes what one device computes.

The devices must be there before JAX starts, hence a process.
"""

import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_losskit

pytestmark = [
    pytest.mark.xdist_group("test_distribute_jax"),
    pytest.mark.skipif(
        keras.config.backend() != "jax", reason="keras.distribution runs on JAX"
    ),
]

REPOSITORY = pathlib.Path(keras_losskit.__file__).parent.parent

CHILD = '''
import json

import jax
import keras
import numpy as np
import keras_losskit as kl

assert jax.local_device_count() == 2
rng = np.random.default_rng(31)
x = rng.normal(size=(16, 4, 4, 3)).astype("float32")
y = rng.integers(0, 3, size=(16, 4, 4)).astype("int32")
weights = rng.uniform(0.0, 2.0, size=16).astype("float32")


def train(kind):
    keras.utils.set_random_seed(9)
    network = keras.Sequential(
        [keras.Input((4, 4, 3)), keras.layers.Conv2D(3, 3, padding="same")])
    dice = kl.Dice(from_logits=True, over="batch" if kind == "batch" else "sample")
    entropy = kl.CategoricalCrossentropy(from_logits=True)
    callbacks = []
    if kind == "learned":
        model = kl.LearnedWeights(network, dice + entropy)
        model.compile(keras.optimizers.SGD(0.2))
    else:
        total = 0.5 * dice + kl.LinearWarmup(4, 1.0, 0.1) * entropy
        callbacks = [kl.WeightScheduler()]
        model = network
        model.compile(keras.optimizers.SGD(0.2), loss=total, weighted_metrics=total.metrics())
    start = [w.tolist() for w in network.get_weights()]
    logs = model.fit(x, y, sample_weight=weights, batch_size=8, epochs=2, shuffle=False,
                     verbose=0, callbacks=callbacks).history
    return {"logs": logs, "start": start, "weights": [w.tolist() for w in model.get_weights()]}


found = {}
for kind in ("sample", "batch", "learned"):
    keras.distribution.set_distribution(None)
    one = train(kind)
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(devices=keras.distribution.list_devices()))
    found[kind] = {"one": one, "two": train(kind)}
print("FOUND" + json.dumps(found))
'''


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("distribute")
    (folder / "child.py").write_text(CHILD)
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=2"
    done = subprocess.run(
        [sys.executable, str(folder / "child.py")],
        env={
            **os.environ, "PYTHONPATH": str(REPOSITORY), "KERAS_BACKEND": "jax",
            "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu",
        },
        capture_output=True, text=True, cwd=folder, timeout=300,
    )
    assert done.returncode == 0, done.stderr
    (line,) = [s for s in done.stdout.splitlines() if s.startswith("FOUND")]
    return json.loads(line[len("FOUND"):])


# A loss over the batch sees the whole batch here: JAX computes globally.
@pytest.mark.parametrize("kind", ["sample", "batch", "learned"])
def test_two_devices_train_as_one(found, kind):
    one, two = found[kind]["one"], found[kind]["two"]
    assert two["logs"].keys() == one["logs"].keys()
    assert {"loss", "dice", "categorical_crossentropy"} <= one["logs"].keys()
    for name, values in one["logs"].items():
        np.testing.assert_allclose(two["logs"][name], values, rtol=1e-5, err_msg=name)
    moved = 0.0
    for a, b in zip(two["weights"], one["weights"], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    for b, start in zip(one["weights"][-2:], one["start"], strict=True):
        moved = max(moved, np.abs(np.subtract(b, start)).max())
    assert moved > 1e-3  # It did train.
