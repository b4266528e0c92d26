"""`gather=True`: two replicas compute what one device computes of the joined batch.

On TensorFlow under `MirroredStrategy` and in two workers, on torch in two processes, on JAX under
`keras.distribution`. Devices and process groups must be there before a backend starts, hence
processes; what they compute is in gathering.py.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys

import numpy as np
import pytest

import keras_losskit as kl
from tests.backends import BACKEND
from tests.training import gathering

pytestmark = pytest.mark.xdist_group("test_gather")
REPOSITORY = pathlib.Path(kl.__file__).parent.parent
not_jax = pytest.mark.skipif(BACKEND == "jax", reason="JAX computes one batch anyway")
only = {
    name: pytest.mark.skipif(BACKEND != name, reason=f"of {name}")
    for name in ("tensorflow", "torch", "jax")
}

TENSORFLOW = '''
import json

import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration(), tf.config.LogicalDeviceConfiguration()])

import keras
import numpy as np
from tests.training.gathering import *

mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def value_and_gradient(loss, y_true, y_pred, weights, mask):
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        value = loss.evaluate(y_true, y_pred, weights, mask)
        total = tf.reduce_sum(value)
    return value, tape.gradient(total, y_pred)


def over_replicas(loss, *data):
    def of_replica(x):
        if x is None:
            return None
        parts = [part(x, rows) for rows in PARTS]
        return mirrored.experimental_distribute_values_from_function(
            lambda context: parts[context.replica_id_in_sync_group])

    found = mirrored.run(value_and_gradient, args=(loss, *map(of_replica, data)))
    values, gradients = (mirrored.experimental_local_results(x) for x in found)
    return [v.numpy().tolist() for v in values], [g.numpy().tolist() for g in gradients]


def custom_loop(strategy, name):
    with strategy.scope():
        model, _ = network(name)
        optimizer = keras.optimizers.SGD(RATES.get(name, 0.1))
        optimizer.build(model.trainable_variables)

    def step(x, w):
        with tf.GradientTape() as tape:
            y_pred = model(x, training=True)
            loss = TRAINED[name](y_pred[:, 0], y_pred[:, 1], w)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    @tf.function
    def train(x, w):
        return strategy.reduce("SUM", strategy.run(step, args=(x, w)), axis=None)

    data = tf.data.Dataset.from_tensor_slices((X, WEIGHTS)).batch(8)
    data = strategy.experimental_distribute_dataset(data)
    losses = [float(train(*batch)) for _ in range(2) for batch in data]
    return {"logs": {"loss": losses}, "weights": [w.tolist() for w in model.get_weights()]}


found = {"cases": {}, "trained": {}}
for case, reduction in PAIRS:
    loss, (y_true, y_pred), (weights, mask) = loss_of(case, reduction), batch(case), WAYS[reduction]
    value, gradient = value_and_gradient(
        loss, y_true, tf.constant(y_pred), part(weights, slice(None)), part(mask, slice(None)))
    found["cases"][case.id + " " + reduction] = {
        "one": [value.numpy().tolist(), gradient.numpy().tolist()],
        "two": over_replicas(loss, y_true, y_pred, weights, mask)}
for name in TRAINED:
    one = fitted(name)
    with mirrored.scope():
        found["trained"][name] = {"one": one, "two": fitted(name)}
found["trained"]["custom loop"] = {
    "one": custom_loop(tf.distribute.get_strategy(), "info_nce"),
    "two": custom_loop(mirrored, "info_nce")}
try:
    with mirrored.scope():
        inputs = keras.Input((6,))
        pair = kl.AddLoss(kl.InfoNCE(gather=True))([inputs, 2 * inputs])
        model = keras.Model(inputs, keras.layers.Dense(1)(pair[0]))
        model.compile("sgd")
    model.fit(X[:16, 0], batch_size=8, verbose=0)  # Keras wants the first batch to be even.
except ValueError as error:
    found["layer"] = str(error)
print("FOUND" + json.dumps(found))
'''

# `fit` under this strategy fails in Keras 3.15.1, with Keras' own losses too.
WORKER = '''
import json, os, pathlib, sys, time

import tensorflow as tf

strategy = tf.distribute.MultiWorkerMirroredStrategy()

import keras
from tests.training.gathering import *

assert strategy.num_replicas_in_sync == 2
rank = int(sys.argv[1])
with strategy.scope():
    model, _ = network("info_nce")
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build(model.trainable_variables)


def step(x, w):
    with tf.GradientTape() as tape:
        y_pred = model(x, training=True)
        loss = TRAINED["info_nce"](y_pred[:, 0], y_pred[:, 1], w)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss


@tf.function(reduce_retracing=True)
def train(x, w):
    return strategy.reduce("SUM", strategy.run(step, args=(x, w)), axis=None)


def own(x):
    return strategy.experimental_distribute_values_from_function(lambda context: tf.constant(x))


losses = []
for _ in range(2):
    for first in range(0, 21, 8):
        rows = np.arange(21)[first : first + 8]
        rows = rows[: len(rows) // 2 + 1] if rank == 0 else rows[len(rows) // 2 + 1 :]
        losses.append(float(train(own(X[rows]), own(WEIGHTS[rows]))))
found = {"losses": losses, "weights": [w.tolist() for w in model.get_weights()]}
print("FOUND" + json.dumps(found), flush=True)
# One that ends while the other still sums takes the sum away with it.
pathlib.Path(f"done{rank}").touch()
for _ in range(1200):
    if pathlib.Path(f"done{1 - rank}").exists():
        break
    time.sleep(0.1)
os._exit(0)  # Their servers would wait for each other once more.
'''

TORCH = '''
import json, sys

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from tests.training.gathering import *

rank, folder = int(sys.argv[1]), sys.argv[2]
own = PARTS[rank]


def value_and_gradient(loss, rows, y_true, y_pred, weights, mask):
    y_pred = part(y_pred, rows).requires_grad_()
    value = loss.evaluate(
        part(y_true, rows), y_pred, part(weights, rows), part(mask, rows))
    (gradient,) = torch.autograd.grad(value.sum(), y_pred)
    return value.tolist(), gradient.tolist()


def all_cases(rows):
    return {
        case.id + " " + reduction: value_and_gradient(
            loss_of(case, reduction), rows, *batch(case), *WAYS[reduction])
        for case, reduction in PAIRS
    }


def train(name, of_batch, wrap):
    model, loss = network(name)
    start = [w.tolist() for w in model.get_weights()]
    wrapped = wrap(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATES.get(name, 0.1))
    losses = []
    for _ in range(2):
        for first in range(0, 21, 8):
            rows = of_batch(np.arange(21)[first : first + 8])
            x, ids, w = (ops.convert_to_tensor(a[rows]) for a in (X, IDS, WEIGHTS))
            y_pred = wrapped(x)
            if loss is None:
                value = TRAINED[name](y_pred[:, 0], y_pred[:, 1], w)
            else:
                value = loss(ids, y_pred, w)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            losses.append(float(value.detach()))
    return {"logs": {"loss": losses}, "start": start,
            "weights": [w.tolist() for w in model.get_weights()]}


def first_or_last(rows):
    return rows[: len(rows) // 2 + 1] if rank == 0 else rows[len(rows) // 2 + 1 :]


one = {
    "cases": all_cases(slice(None)),
    "trained": {name: train(name, lambda rows: rows, lambda model: model) for name in TRAINED},
}
dist.init_process_group("gloo", init_method="file://" + folder + "/store", rank=rank, world_size=2)
two = {
    "cases": all_cases(own),
    "trained": {name: train(name, first_or_last, DistributedDataParallel) for name in TRAINED},
}
dist.destroy_process_group()
print("FOUND" + json.dumps({"one": one, "two": two}))
'''

JAX = '''
import json

import jax
from tests.training.gathering import *

assert jax.local_device_count() == 2
found = {"trained": {}}
for name in TRAINED:
    keras.distribution.set_distribution(None)
    one = fitted(name, 16)
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(devices=keras.distribution.list_devices()))
    found["trained"][name] = {"one": one, "two": fitted(name, 16)}
print("FOUND" + json.dumps(found))
'''


def start(folder, text, *arguments, **environment):
    (folder / "child.py").write_text(text)
    return subprocess.Popen(
        [sys.executable, str(folder / "child.py"), *arguments],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "KERAS_BACKEND": BACKEND, **environment},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
    )


def results(*processes):
    """What each of them found; a process whose partner has failed would wait for ever."""
    try:
        done = [process.communicate(timeout=400) for process in processes]
    finally:
        for process in processes:
            process.kill()
    found = []
    for process, (out, error) in zip(processes, done, strict=True):
        assert process.returncode == 0, error
        (line,) = [s for s in out.splitlines() if s.startswith("FOUND")]
        found.append(json.loads(line[len("FOUND"):]))
    return found


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gather")
    if BACKEND == "tensorflow":
        return results(start(folder, TENSORFLOW))[0]
    if BACKEND == "jax":
        flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=2"
        return results(start(folder, JAX, XLA_FLAGS=flags, JAX_PLATFORMS="cpu"))[0]
    parts = results(*(start(folder, TORCH, str(rank), str(folder)) for rank in range(2)))
    one, first, second = parts[0]["one"], parts[0]["two"], parts[1]["two"]
    return {
        "cases": {
            name: {"one": alone, "two": list(zip(first["cases"][name], second["cases"][name]))}
            for name, alone in one["cases"].items()
        },
        "trained": {
            name: {"one": alone, "two": first["trained"][name], "other": second["trained"][name]}
            for name, alone in one["trained"].items()
        },
    }


@not_jax
@pytest.mark.parametrize(
    ("case", "reduction"), gathering.PAIRS, ids=lambda x: x if isinstance(x, str) else x.id
)
def test_two_replicas_have_the_value_and_the_gradient_of_one_batch(found, case, reduction):
    both = found["cases"][f"{case.id} {reduction}"]
    (value, gradient), (values, gradients) = both["one"], both["two"]
    assert np.abs(gradient).max() > 1e-4
    gradients = np.concatenate([np.array(g) for g in gradients])
    if reduction == "none":
        np.testing.assert_allclose(np.concatenate(values), value, rtol=1e-5, atol=1e-6)
    else:
        # A replica's share on TensorFlow, the whole on torch, whose engine takes the mean.
        share = 2 if BACKEND == "tensorflow" else 1
        np.testing.assert_allclose(np.multiply(values, share), value, rtol=1e-5, atol=1e-6)
        gradients = gradients / (1 if BACKEND == "tensorflow" else 2)
    np.testing.assert_allclose(gradients, gradient, rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize("name", gathering.TRAINED)
def test_two_replicas_train_as_one_device(found, name):
    one, two = (found["trained"][name][which] for which in ("one", "two"))
    assert two["logs"].keys() == one["logs"].keys()
    for key, values in one["logs"].items():
        np.testing.assert_allclose(two["logs"][key], values, rtol=1e-5, err_msg=key)
    for a, b in zip(two["weights"], one["weights"], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    moved = [np.abs(np.subtract(a, b)).max() for a, b in zip(one["weights"], one["start"])]
    assert max(moved) > 1e-2  # It did train.


@only["tensorflow"]
def test_a_loop_of_ones_own_trains_as_one_device(found):
    one, two = (found["trained"]["custom loop"][which] for which in ("one", "two"))
    np.testing.assert_allclose(two["logs"]["loss"], one["logs"]["loss"], rtol=1e-5)
    for a, b in zip(two["weights"], one["weights"], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    by_fit = found["trained"]["info_nce"]["two"]["weights"]
    for a, b in zip(two["weights"], by_fit, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@only["tensorflow"]
def test_two_workers_train_as_one_device(found, tmp_path):
    sockets = [socket.socket() for _ in range(2)]
    for each in sockets:
        each.bind(("localhost", 0))
    workers = [f"localhost:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    both = [
        start(
            tmp_path, WORKER, str(rank),
            TF_CONFIG=json.dumps(
                {"cluster": {"worker": workers}, "task": {"type": "worker", "index": rank}}
            ),
        )
        for rank in range(2)
    ]
    one = found["trained"]["custom loop"]["one"]
    for worker in results(*both):
        np.testing.assert_allclose(worker["losses"], one["logs"]["loss"], rtol=1e-5)
        for a, b in zip(worker["weights"], one["weights"], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@only["tensorflow"]
def test_a_layer_that_would_wait_for_others_is_refused(found):
    assert "would mix up the losses" in found["layer"]


@only["torch"]
def test_both_processes_hold_the_same(found):
    for name, trained in found["trained"].items():
        assert trained["two"]["logs"] == trained["other"]["logs"], name
        assert trained["two"]["weights"] == trained["other"]["weights"], name
