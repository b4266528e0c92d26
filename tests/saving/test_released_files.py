"""Files saved by every released version load and compute what they computed.

The files lie in `tests/saved/v<version>/`; `tests/saved/make.py` writes them.
"""

import functools
import json
import pathlib

import keras
import numpy as np
import pytest

import keras_losskit
from tests.saving.expressions import names, numbers

SAVED = pathlib.Path(__file__).parent.parent / "saved"
RELEASES = sorted(path.name for path in SAVED.glob("v*"))
each_release = pytest.mark.parametrize("release", RELEASES)


@functools.lru_cache
def expected(release):
    return json.loads((SAVED / release / "expected.json").read_text())


def arrays(recorded):
    if "values" in recorded and "dtype" in recorded:
        return np.array(recorded["values"], dtype=recorded["dtype"])
    return {name: arrays(part) for name, part in recorded.items()}


def close(found, recorded, what):
    np.testing.assert_allclose(found, recorded, rtol=2e-5, atol=1e-6, err_msg=what)


def test_this_version_has_its_files():
    assert f"v{keras_losskit.__version__}" in RELEASES, (
        "run `python -m tests.saved.make` and commit the folder that it writes"
    )


@each_release
def test_every_loss_of_the_release_is_rebuilt(release):
    losses = expected(release)["losses"]
    assert len(losses) >= 30
    for name, recorded in losses.items():
        loss = keras.losses.deserialize(recorded["loss"])
        assert repr(loss) == recorded["repr"], name
        assert names(loss) == recorded["terms"], name


@pytest.mark.parametrize(
    "release, name", [(r, name) for r in RELEASES for name in expected(r)["losses"]]
)
def test_a_loss_of_the_release_computes_what_it_computed(release, name):
    recorded = expected(release)["losses"][name]
    loss = keras.losses.deserialize(recorded["loss"])
    found = numbers(loss, arrays(recorded["y_true"]), arrays(recorded["y_pred"]))
    close(found, recorded["numbers"], name)


# Keras 3.10 saves a single input as a list of one; newer ones warn of the difference.
@pytest.mark.filterwarnings("ignore:The structure of .inputs. doesn't match:UserWarning")
@each_release
@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("name", ["segmentation", "columns"])
def test_every_model_of_the_release_loads_and_computes(release, name, ending):
    recorded = expected(release)["models"][name]
    model = keras.saving.load_model(SAVED / release / f"{name}.{ending}")
    found = model.loss
    found = {k: repr(v) for k, v in found.items()} if isinstance(found, dict) else repr(found)
    assert found == recorded["repr"]
    x, y = arrays(recorded["x"]), arrays(recorded["y"])
    predicted, before = model.predict(x, verbose=0), arrays(recorded["predicted"])
    assert isinstance(predicted, dict) == isinstance(before, dict)
    for key in before if isinstance(before, dict) else [()]:
        close(predicted[key], before[key], f"{name} {key}")
    evaluated = model.evaluate(x, y, verbose=0, return_dict=True)
    assert set(evaluated) == set(recorded["evaluated"])
    for key, value in recorded["evaluated"].items():
        close(evaluated[key], value, key)
