"""`Loss` as the base of people's own losses, and what the package promises as a whole."""

import pathlib
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from keras_losskit.core.config import snake_case
from tests.backends import BACKEND, compiled, to_numpy

PACKAGE = pathlib.Path(kl.__file__).parent


@keras.saving.register_keras_serializable(package="test_loss")
class Wrapper(kl.Loss):
    def __init__(self, loss, table, scale=1.0, **kwargs):
        super().__init__(**kwargs)
        self.loss, self.table, self.scale = loss, table, scale

    def call(self, y_true, y_pred):
        return self.scale * self.loss.call(y_true, y_pred)


def test_a_subclass_nests_losses_and_arrays():
    y, p = np.ones((3, 2)), np.zeros((3, 2))
    inner = 2 * kl.Huber(delta=0.3) + kl.MeanSquaredError()
    loss = Wrapper(inner, np.eye(2), scale=np.float32(3))
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again.loss) is kl.WeightedSum and repr(again.loss) == repr(inner)
    assert again.table == [[1.0, 0.0], [0.0, 1.0]] and again.scale == 3.0
    np.testing.assert_array_equal(to_numpy(again(y, p)), to_numpy(loss(y, p)))
    assert loss.name == "wrapper"


def test_what_cannot_be_saved_is_refused_when_built():
    for bad in (lambda: 0, object(), np.mean, kl.Huber, {1: 2}):
        with pytest.raises(TypeError, match="Wrapper: argument `table`"):
            Wrapper(kl.Huber(), bad)

    class Forgetful(kl.Loss):
        def __init__(self, rate=0.5, **kwargs):
            super().__init__(**kwargs)

        def call(self, y_true, y_pred):
            return y_pred

    with pytest.raises(TypeError, match="Forgetful: argument `rate` is not kept"):
        Forgetful()


def test_a_loss_without_a_hook_says_so():
    with pytest.raises(NotImplementedError, match="must define `call"):
        kl.Loss()(np.zeros((2, 1)), np.zeros((2, 1)))


def test_a_subclass_may_take_structures():
    @keras.saving.register_keras_serializable(package="test_loss")
    class Two(kl.Loss):
        def call(self, y_true, y_pred):
            return ops.mean(y_pred["a"] - y_true, -1) + ops.mean(y_pred["b"], -1)

    y, a, b = np.zeros((2, 3)), np.ones((2, 3)), np.full((2, 1), 2.0)
    np.testing.assert_allclose(to_numpy(Two()(y, {"a": a, "b": b})), 3.0)


def test_lists_are_tensors():
    loss = kl.MeanSquaredError(reduction="none")
    np.testing.assert_allclose(to_numpy(loss([[1, 2], [3, 4]], [[1.0, 2.0], [3.0, 6.0]])), [0, 2])
    np.testing.assert_allclose(to_numpy(loss([1, 2], [1, 4])), [0, 4])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("MeanSquaredError", "mean_squared_error"), ("KLDivergence", "kl_divergence"),
        ("Huber", "huber"), ("LDAM", "ldam"), ("NTXent", "nt_xent"),
        ("shifted_mse", "shifted_mse"), ("SmoothL1", "smooth_l1"),
    ],
)
def test_snake_case(name, expected):
    assert snake_case(name) == expected


def test_labels_of_masked_steps_may_be_anything():
    """Padding labels of -1 under a Keras mask are no wrong class ids."""
    ids = np.array([[0, 1, -1], [2, -1, -1]])
    p = np.full((2, 3, 3), 1 / 3, "float32")
    q = ops.convert_to_tensor(p)
    q._keras_mask = ops.convert_to_tensor(ids >= 0)
    np.testing.assert_allclose(
        to_numpy(kl.CategoricalCrossentropy()(ids, q)), np.log(3), rtol=1e-6
    )
    with pytest.raises(ValueError, match="class id -1"):
        kl.CategoricalCrossentropy()(ids, p)


def test_binary_ids_are_one_hot_encoded():
    p = np.array([[0.2, 0.7, 0.1], [0.6, 0.3, 0.1]], "float32")
    rows = np.eye(3)[[1, 0]]
    expected = to_numpy(kl.BinaryCrossentropy()(rows, p))
    for ids in (np.array([1, 0]), np.array([1, 0], "uint8")):
        np.testing.assert_allclose(to_numpy(kl.BinaryCrossentropy()(ids, p)), expected)
    for loss in (kl.BinaryCrossentropy, kl.BinaryFocalCrossentropy, kl.Hinge):
        for column in (np.array([[1], [0]]), np.array([[1.0], [0.0]])):
            # One decision for three outputs, or an id? Neither is guessed.
            with pytest.raises(ValueError, match="without that axis"):
                loss()(column, p)
    with pytest.raises(ValueError, match=r"\(2,\).*\(2, 3\)"):
        kl.BinaryCrossentropy()(np.array([1.0, 0.0]), p)
    with pytest.raises(ValueError, match="class id 2"):
        kl.BinaryCrossentropy()(np.array([[2, 0, 1], [0, 1, 0]]), p)


@pytest.mark.parametrize("loss", [kl.Dice, kl.Tversky])
def test_weights_inside_a_batch_ratio(loss):
    """over="batch": an integer weight counts a sample that many times."""
    rng = np.random.default_rng(3)
    y, p = rng.integers(0, 3, size=(3, 4, 4)), rng.normal(size=(3, 4, 4, 3)).astype("float32")
    made = loss(over="batch", from_logits=True)
    repeated = [0, 1, 1, 1]
    got = made(y, p, np.array([1.0, 3.0, 0.0]))
    np.testing.assert_allclose(to_numpy(got), to_numpy(made(y[repeated], p[repeated])), rtol=1e-6)
    w = rng.integers(0, 3, size=(3, 4, 4)).astype("float32")
    assert np.isfinite(to_numpy(made(y, p, w)))
    # Per sample too: an integer weight counts a position that many times.
    each = loss(from_logits=True, reduction="none")
    for i, value in enumerate(to_numpy(each(y, p, w))):
        often = w[i].ravel().astype(int)
        flat = np.repeat(y[i].ravel(), often), np.repeat(p[i].reshape(-1, 3), often, axis=0)
        expected = to_numpy(each(flat[0][None], flat[1][None]))[0]
        np.testing.assert_allclose(value, expected, rtol=1e-5)
    with pytest.raises(ValueError, match="sample_weight"):
        loss(from_logits=True)(y, p, w[:, :3])


def test_empty_classes():
    y = np.zeros((1, 4, 1))
    nothing, something = np.zeros((1, 4, 1)), np.full((1, 4, 1), 0.5)
    assert to_numpy(kl.Dice()(y, nothing)) == 0
    assert to_numpy(kl.Dice()(y, something)) == 1
    assert to_numpy(kl.Dice(empty="skip")(y, something)) == 0
    ids, rows = np.zeros((1, 4), int), np.full((1, 4, 3), 1 / 3, "float32")
    np.testing.assert_allclose(
        to_numpy(kl.Dice(empty="skip")(ids, rows)), 1 - 2 * (4 / 3) / (4 / 3 + 4), rtol=1e-6
    )


def test_only_public_interfaces_are_used():
    for file in PACKAGE.rglob("*.py"):
        assert not re.search(r"keras\.src|tensorflow\.python", file.read_text()), file.name


@pytest.mark.skipif(BACKEND == "tensorflow", reason="TensorFlow is the running backend")
def test_no_other_backend_is_loaded():
    code = (
        "import sys, keras; before = 'tensorflow' in sys.modules\n"
        "import keras_losskit\n"
        "assert ('tensorflow' in sys.modules) == before, 'tensorflow was loaded'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PACKAGE.parent)


@pytest.mark.once
def test_the_package_imports_little():
    code = (
        "import sys, keras; before = set(sys.modules)\n"
        "import keras_losskit\n"
        "new = {m.split('.')[0] for m in set(sys.modules) - before}\n"
        "print(sorted(new))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True,
        cwd=PACKAGE.parent,
    )
    assert out.stdout.strip().splitlines()[-1] == "['keras_losskit']"


@pytest.mark.parametrize("name", ["my loss", "_x", "<lambda>", "mse-é"])
def test_any_name_compiles(name):
    loss = kl.MeanSquaredError(name=name) + kl.MeanAbsoluteError()
    assert list(loss.terms)[0] == name
    for function in compiled(lambda t, p: loss(t, p)).values():
        value = function(ops.convert_to_tensor([[0.0]]), ops.convert_to_tensor([[2.0]]))
        assert float(to_numpy(value)) == 6.0
