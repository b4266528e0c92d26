"""`MirroredStrategy` over two logical CPUs computes what one device computes.

The logical devices must be there before TensorFlow starts, hence a process.
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
    pytest.mark.xdist_group("test_distribute"),
    pytest.mark.skipif(
        keras.config.backend() != "tensorflow",
        reason="tf.distribute exists on the TensorFlow backend only",
    ),
]

REPOSITORY = pathlib.Path(keras_losskit.__file__).parent.parent

CHILD = '''
import json, sys

import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration(), tf.config.LogicalDeviceConfiguration()]
)

import keras
import numpy as np
import keras_losskit as kl

rng = np.random.default_rng(31)
x = rng.normal(size=(16, 4, 4, 3)).astype("float32")
y = rng.integers(0, 3, size=(16, 4, 4)).astype("int32")
weights = rng.uniform(0.0, 2.0, size=16).astype("float32")
logits = rng.normal(size=(8, 4, 4, 3)).astype("float32")
mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert mirrored.num_replicas_in_sync == 2


def train_moving(strategy, kind):
    """Term metrics, a scheduled weight and an inner loss, or learned weights."""
    keras.utils.set_random_seed(9)
    callbacks = []
    with strategy.scope():
        inputs = keras.Input((4, 4, 3))
        hidden = keras.layers.Conv2D(3, 3, padding="same")(inputs)
        inner = kl.AddLoss("mse", kl.LinearWarmup(4), name="size")
        network = keras.Model(inputs, inner(hidden))
        dice = kl.Dice(from_logits=True)
        entropy = kl.CategoricalCrossentropy(from_logits=True)
        if kind == "learned":
            network = keras.Sequential(
                [keras.Input((4, 4, 3)), keras.layers.Conv2D(3, 3, padding="same")])
            model = kl.LearnedWeights(network, dice + entropy)
            model.compile(optimizer=keras.optimizers.SGD(0.2), jit_compile=False)
        else:
            model = network
            total = 0.5 * dice + kl.LinearWarmup(4, 1.0, 0.1) * entropy
            callbacks = [kl.WeightScheduler(), kl.AddedLossLogger()]
            model.compile(optimizer=keras.optimizers.SGD(0.2), loss=total,
                          weighted_metrics=total.metrics(), jit_compile=False)
    start = [w.tolist() for w in network.get_weights()]
    logs = model.fit(x, y, sample_weight=weights, batch_size=8, epochs=2, shuffle=False,
                     verbose=0, callbacks=callbacks).history
    return {"logs": logs, "start": start,
            "weights": [v.numpy().tolist() for v in model.trainable_variables]}


def train(strategy, reduction, sample_weight):
    keras.utils.set_random_seed(9)
    with strategy.scope():
        model = keras.Sequential(
            [keras.Input((4, 4, 3)), keras.layers.Conv2D(3, 3, padding="same")]
        )
        total = (
            0.5 * kl.Dice(from_logits=True, reduction=reduction)
            + 2 * kl.CategoricalCrossentropy(from_logits=True, reduction=reduction)
            - 0.25 * kl.CategoricalFocalCrossentropy(
                gamma=1.5, from_logits=True, reduction=reduction)
        )
        rate = 0.001 if reduction == "sum" else 0.2
        model.compile(
            optimizer=keras.optimizers.SGD(rate), loss=total, jit_compile=False)
    start = [w.tolist() for w in model.get_weights()]
    history = model.fit(x, y, sample_weight=sample_weight, batch_size=8, epochs=2,
                        shuffle=False, verbose=0)
    return {"loss": history.history["loss"], "start": start,
            "weights": [w.tolist() for w in model.get_weights()]}


found = {"trained": {}, "batch": {}}
one = tf.distribute.get_strategy()
for reduction in ("sum_over_batch_size", "mean", "sum"):
    for name, w in (("plain", None), ("weights", weights)):
        found["trained"][reduction + " " + name] = {
            "one": train(one, reduction, w), "two": train(mirrored, reduction, w)}
found["moving"] = {
    kind: {"one": train_moving(one, kind), "two": train_moving(mirrored, kind)}
    for kind in ("scheduled", "learned")
}


def over_replicas(loss, w):
    def values(part):
        def one(context):
            return part[context.replica_id_in_sync_group]
        return mirrored.experimental_distribute_values_from_function(one)

    halves = [slice(0, 4), slice(4, 8)]
    inputs = [values([tf.constant(a[h]) for h in halves]) for a in (y[:8], logits)]
    inputs.append(values([tf.constant(w[h]) for h in halves]))
    per_replica = mirrored.run(loss, args=inputs)
    parts = [float(v) for v in mirrored.experimental_local_results(per_replica)]
    alone = [float(loss(y[:8][h], logits[h], w[h])) for h in halves]
    return {"replicas": parts, "alone": alone}


for reduction in ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum"):
    dice = kl.Dice(over="batch", squared=True, from_logits=True, reduction=reduction)
    for name, loss in (
        ("dice", dice),
        ("combined", 3 * dice + kl.Tversky(
            over="batch", fn_weight=0.8, from_logits=True, reduction=reduction)),
    ):
        found["batch"][reduction + " " + name] = over_replicas(loss, weights[:8])
print("FOUND" + json.dumps(found))
'''


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("distribute")
    (folder / "child.py").write_text(CHILD)
    done = subprocess.run(
        [sys.executable, str(folder / "child.py")],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "KERAS_BACKEND": "tensorflow"},
        capture_output=True, text=True, cwd=folder, timeout=300,
    )
    assert done.returncode == 0, done.stderr
    lines = [s for s in done.stdout.splitlines() if s.startswith("FOUND")]
    return json.loads(lines[0][len("FOUND"):])


@pytest.mark.parametrize("weighted", ["plain", "weights"])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean", "sum"])
def test_two_replicas_train_as_one_device(found, reduction, weighted):
    one, two = (found["trained"][f"{reduction} {weighted}"][k] for k in ("one", "two"))
    np.testing.assert_allclose(two["loss"], one["loss"], rtol=1e-5)
    for a, b, start in zip(two["weights"], one["weights"], one["start"]):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
        assert np.abs(np.subtract(b, start)).max() > 1e-3  # It did train.


@pytest.mark.parametrize("kind", ["scheduled", "learned"])
def test_terms_and_moving_weights_are_those_of_one_device(found, kind):
    one, two = (found["moving"][kind][k] for k in ("one", "two"))
    assert {"loss", "dice", "categorical_crossentropy"} <= one["logs"].keys()
    assert two["logs"].keys() == one["logs"].keys()
    for name, values in one["logs"].items():
        np.testing.assert_allclose(two["logs"][name], values, rtol=1e-5, err_msg=name)
    for a, b in zip(two["weights"], one["weights"], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    kernel = np.subtract(one["weights"][-2], one["start"][-2])
    assert np.abs(kernel).max() > 1e-3  # It did train.


@pytest.mark.parametrize("which", ["dice", "combined"])
@pytest.mark.parametrize(
    "reduction", ["sum_over_batch_size", "mean", "mean_with_sample_weight"]
)
def test_a_loss_over_the_batch_is_the_mean_of_the_replicas(found, reduction, which):
    values = found["batch"][f"{reduction} {which}"]
    assert abs(values["alone"][0] - values["alone"][1]) > 1e-3
    assert sum(values["replicas"]) == pytest.approx(np.mean(values["alone"]), rel=1e-6)


@pytest.mark.parametrize("which", ["dice", "combined"])
def test_a_sum_over_the_batch_is_the_sum_of_the_replicas(found, which):
    values = found["batch"][f"sum {which}"]
    assert values["replicas"] == pytest.approx(values["alone"], rel=1e-6)
