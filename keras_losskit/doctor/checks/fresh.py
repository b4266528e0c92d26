"""Reloading a loss in a fresh process, where only its module is imported."""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile

import keras
import numpy as np

from keras_losskit.core import config
from keras_losskit.doctor.running import attempt, backend

REGISTER = "Register it: `@keras.saving.register_keras_serializable(package=\"my_project\")`."

_CHILD = """
import json, sys, warnings
warnings.simplefilter("ignore")
sys.path[:0] = json.loads(sys.argv[1])
import importlib, numpy as np, keras
importlib.import_module(sys.argv[2])
with open(sys.argv[3], encoding="utf-8") as f:
    config = json.load(f)
data = np.load(sys.argv[4])
loss = keras.losses.deserialize(config)
if not isinstance(loss, keras.losses.Loss):
    value = keras.ops.mean(loss(*map(keras.ops.convert_to_tensor, (data["t"], data["p"]))))
else:
    value = loss(data["t"], data["p"])
value = keras.ops.sum(value)
value = value.detach().cpu().numpy() if hasattr(value, "detach") else value
print("VALUE", float(np.asarray(value)))
"""


def start(exam):
    """Begin to reload the loss in a fresh process; `collect` looks at the outcome."""
    subject = exam.subject
    thing = subject.function if subject.function is not None else type(subject.loss)
    module = getattr(thing, "__module__", None)
    if subject.of_keras or subject.of_kit and (module or "").startswith("keras_losskit."):
        return  # Nothing to import, or what the kit's own tests do.
    if module in (None, "__main__") or module in sys.builtin_module_names:
        return
    loaded = sys.modules.get(module)
    if loaded is None or attempt(importlib.util.find_spec, module)[0] is None:
        return
    name = getattr(thing, "__name__", "")
    if getattr(loaded, name, None) is not thing:
        return  # Not to be had from the module.
    if subject.function is not None and not config.is_registered(thing):
        return  # Said already, and it would not load.
    described, error = attempt(
        lambda: json.dumps(keras.losses.serialize(
            subject.function if subject.function is not None else subject.loss))
    )
    if error is not None:
        return
    folder = tempfile.TemporaryDirectory()
    files = [os.path.join(folder.name, f) for f in ("loss.json", "data.npz")]
    with open(files[0], "w", encoding="utf-8") as f:
        f.write(described)
    np.savez(files[1], t=exam.sample.y_true, p=exam.sample.y_pred)
    environment = {**os.environ, "KERAS_BACKEND": backend(), "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.Popen(
        [sys.executable, "-c", _CHILD, json.dumps(sys.path), module, *files],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )
    exam.facts["fresh process"] = process, folder


def collect(exam):
    if exam.facts.get("fresh process") is None:
        return
    process, folder = exam.facts["fresh process"]
    try:
        out, problem = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        exam.add("fresh-process", "info", "a fresh process took longer than 120 s to load it")
        return
    finally:
        folder.cleanup()
    lines = [s for s in out.splitlines() if s.startswith("VALUE ")]
    if process.returncode or not lines:
        said = [s for s in problem.strip().splitlines() if s.strip()]
        exam.add("fresh-process", "error",
                 f"it does not load in a fresh process: {said[-1][:160] if said else 'no output'}",
                 "So does a model saved with it.", REGISTER)
        return
    t, p = exam.sample.y_true, exam.sample.y_pred
    here, error = exam.run("value", t, p)
    there = float(lines[0].split()[1])
    if error is None and not exam.scan.of("random", "python-random") and not exam.close(
        here, there, rtol=1e-4, atol=1e-6, equal_nan=True
    ):
        exam.add("fresh-process", "error",
                 f"in a fresh process it gives {there:.6g} instead of {float(here):.6g}",
                 "A saved model trains with something else after loading.",
                 "Let the config hold everything that the value depends on.")
    elif error is None:
        exam.show("reloads in a fresh process")
