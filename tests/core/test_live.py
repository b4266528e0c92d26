"""A loss of a notebook arrives at a worker, and a script may be imported again."""

import base64
import pathlib
import subprocess
import sys
import textwrap

import pytest

HERE = pathlib.Path(__file__).parents[2]
cloudpickle = pytest.importorskip("cloudpickle")

NOTEBOOK = """
import base64, copy, pickle, sys
import cloudpickle, keras, numpy as np
from keras import ops
import keras_losskit as kl

@kl.loss(package="nb")
def capped(y_true, y_pred, cap=1.0):
    return ops.mean(ops.minimum(ops.abs(y_pred - y_true), cap), axis=-1)

@keras.saving.register_keras_serializable(package="nb")
class Scaled(kl.Loss):
    def __init__(self, scale=2.0, **common):
        super().__init__(**common)
        self.scale = scale
    def call(self, y_true, y_pred):
        return self.scale * ops.mean(ops.abs(y_pred - y_true), axis=-1)

@keras.saving.register_keras_serializable(package="nb")
class Plain(keras.losses.Loss):
    def __init__(self, power=2.0, name="plain", reduction="sum_over_batch_size"):
        super().__init__(name=name, reduction=reduction)
        self.power = power
    def call(self, y_true, y_pred):
        return ops.mean(ops.abs(y_pred - y_true) ** self.power, axis=-1)
    def get_config(self):
        return {"power": self.power, "name": self.name, "reduction": self.reduction}

@keras.saving.register_keras_serializable(package="nb")
def shifted(y_true, y_pred):
    return ops.mean(ops.abs(y_pred - y_true + 1.0), axis=-1)

ramp = kl.LinearWarmup(4, target=1.0)
losses = [
    capped(cap=3.0), Scaled(scale=3.0), capped() + kl.Huber(), 2 * Scaled() - capped(),
    capped() * Scaled(), Scaled().on(y_pred=0, y_true=0), kl.as_loss(Plain(power=3.0)),
    kl.as_loss(shifted), 0.5 * kl.as_loss(Plain()) + kl.as_loss(shifted) * capped(),
    (Scaled() + kl.as_loss(shifted)).on(y_pred=[0, 1]), capped() + ramp * Scaled(),
    kl.KerasLoss(Plain(), takes=kl.Takes("any", "any", "free")),
    kl.AtResolution(Scaled()), kl.Huber(),
]
y, p = np.ones((2, 2), "float32"), np.array([[0.0, 3.0], [1.0, -4.0]], "float32")
def number(loss):
    loss = loss.at_step(2) if hasattr(loss, "at_step") else loss
    return float(ops.convert_to_numpy(loss(y[:, None], p[:, None])))
for loss in losses:
    again = copy.deepcopy(loss)
    assert again == loss and again is not loss, loss
    print(repr(loss), number(loss), base64.b64encode(cloudpickle.dumps(loss)).decode(), sep="\\t")
"""

WORKER = """
import base64, pickle, sys
import cloudpickle
import numpy as np
for line in open(sys.argv[1]):
    shown, number, sent = line.rstrip("\\n").split("\\t")
    loss = pickle.loads(base64.b64decode(sent))
    import keras
    from keras import ops
    y, p = np.ones((2, 2), "float32"), np.array([[0.0, 3.0], [1.0, -4.0]], "float32")
    def value(loss):
        loss = loss.at_step(2) if hasattr(loss, "at_step") else loss
        return float(ops.convert_to_numpy(loss(y[:, None], p[:, None])))
    assert repr(loss) == shown, (repr(loss), shown)
    assert abs(value(loss) - float(number)) < 1e-5, (shown, value(loss), number)
    again = keras.losses.deserialize(keras.losses.serialize(loss))   # It can be saved there.
    assert again == loss and value(again) == value(loss), shown
    assert pickle.loads(cloudpickle.dumps(loss)) == loss, shown   # And sent on.
print("arrived")
"""

TRAIN = """
import keras, keras_losskit as kl

@kl.loss(package="mine")
def capped(y_true, y_pred, cap=1.0):
    return keras.ops.mean(keras.ops.minimum(keras.ops.abs(y_pred - y_true), cap), axis=-1)

if __name__ == "__main__":
    import train
    assert train.capped is not capped
    loss = keras.losses.deserialize(keras.losses.serialize(capped(cap=2.0)))
    print("trained", loss)
"""

OTHER = TRAIN.replace('    import train\n    assert train.capped is not capped\n', """
    try:
        import other
    except ValueError as error:
        assert "already registered" in str(error) and "capped" in str(error), error
        print("refused")
""")


def run(path, *arguments):
    done = subprocess.run(
        [sys.executable, path, *arguments], capture_output=True, text=True, timeout=300,
        cwd=path.parent, env={**__import__("os").environ, "PYTHONPATH": str(HERE)},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.once
def test_a_worker_gets_what_a_notebook_defines(tmp_path):
    (tmp_path / "notebook.py").write_text(textwrap.dedent(NOTEBOOK))
    (tmp_path / "worker.py").write_text(textwrap.dedent(WORKER))
    sent = run(tmp_path / "notebook.py")
    lines = [line for line in sent.splitlines() if line.count("\t") == 2]
    assert len(lines) == 14
    assert all(base64.b64decode(line.split("\t")[2]) for line in lines)
    (tmp_path / "sent.txt").write_text("\n".join(lines) + "\n")
    assert "arrived" in run(tmp_path / "worker.py", str(tmp_path / "sent.txt"))


@pytest.mark.once
def test_a_script_that_is_imported_again(tmp_path):
    (tmp_path / "train.py").write_text(TRAIN)
    assert "trained capped(cap=2.0)" in run(tmp_path / "train.py")


@pytest.mark.once
def test_two_functions_of_one_name_are_still_refused(tmp_path):
    (tmp_path / "train.py").write_text(OTHER)
    (tmp_path / "other.py").write_text(TRAIN)
    assert "refused" in run(tmp_path / "train.py")
