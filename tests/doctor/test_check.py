"""`check_loss` itself: reports, data, and that it leaves things as they were."""

import ast
import json
import pathlib
import random
import re

import keras
import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from keras_losskit import doctor
from keras_losskit.core.keras_internals import keras_generator
from keras_losskit.core.takes import PREDICTIONS, SHAPES, TARGETS
from keras_losskit.doctor import kinds
from keras_losskit.doctor.report import LossCheckError
from tests.backends import BACKEND, to_numpy


def rounded(y_true, y_pred):
    return ops.mean(ops.abs(y_true - ops.round(y_pred)), axis=-1)


def test_report_as_text_as_json_and_as_an_exception():
    report = kl.check_loss(rounded, quick=True)
    assert isinstance(report, kl.LossReport) and not report.ok
    text = str(report)
    assert "rounded: NOT FINE (1 error" in text and "test_check.py:" in text
    assert all(len(line) <= 100 for line in text.splitlines())
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert plain["ok"] is False and plain["backend"] == BACKEND
    finding = next(f for f in plain["findings"] if f["name"] == "no-gradient")
    assert finding["check"] == "gradient" and "ops.round" in finding["line"]["text"]
    assert plain == json.loads(report.to_json())
    with pytest.raises(LossCheckError, match="no-gradient") as error:
        report.raise_if_failed()
    assert isinstance(error.value, AssertionError) and error.value.report is report
    fine = kl.check_loss(kl.Huber(), quick=True)
    assert fine.raise_if_failed() is fine
    assert "\x1b" not in report.to_text() and "\x1b[31m" in report.to_text(colour=True)
    with pytest.raises(KeyError):
        fine["no-gradient"]


@pytest.mark.parametrize("bad", [None, 3, object(), "no_such_loss", {"class_name": "Nothing"}])
def test_what_is_no_loss_is_said_not_raised(bad):
    report = kl.check_loss(bad)
    assert not report.ok and "not-a-loss" in report


def test_bad_losses_never_raise():
    def three(y_true, y_pred, weights):
        return y_true

    for loss in (three, lambda y_true, y_pred: None, lambda y_true, y_pred: "text",
                 kl.WeightedSum, kl.Loss()):
        assert not kl.check_loss(loss, quick=True).ok


def test_an_unknown_check_is_refused():
    with pytest.raises(ValueError, match="no check is called"):
        kl.check_loss("mse", checks=("nonsense",))


def test_the_data_given_is_used():
    y_true, y_pred = np.zeros((5, 2)), np.ones((5, 2))
    report = kl.check_loss(kl.MeanSquaredError(), y_true, y_pred, quick=True)
    assert "the data given" in report.data and "(5, 2)" in report.data
    half = kl.check_loss(kl.MeanSquaredError(), y_true, quick=True)
    assert "give both" in half["no-data"].seen
    weighted = kl.check_loss(
        kl.MeanSquaredError(), y_true, y_pred, sample_weight=np.ones(5), quick=True
    )
    assert weighted.ok


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        (((8, 1), (8, 1)), "y_pred (8, 1)"),
        ("binary", "kind `binary`"),
        ({"y_true": (8, 3), "y_pred": (8, 3), "kind": "onehot"}, "kind `onehot`"),
    ],
)
def test_hints(shapes, said):
    report = kl.check_loss("mse", shapes=shapes, quick=True, checks=("shape",))
    assert said in report.data and report.ok
    assert "no kind of data" in kl.check_loss("mse", shapes="pictures")["no-data"].seen


@keras.saving.register_keras_serializable("test_check")
class Gaussian(kl.Loss):
    """Nobody here knows it: it says itself what it takes."""

    takes = kl.Takes("real", "parameters", "blocks")
    blocks = 2

    def call(self, y_true, y_pred):
        mean, log_scale = ops.split(y_pred, 2, axis=-1)
        error = (y_true - mean) * ops.exp(-ops.tanh(log_scale))
        return ops.mean(ops.tanh(log_scale) + 0.5 * ops.square(error), axis=-1)


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (keras.losses.BinaryCrossentropy(), "y_pred (6, 3) float32 (probability)"),
        (keras.losses.SparseCategoricalCrossentropy(), "y_true (6,) int32"),
        (keras.losses.CategoricalCrossentropy(from_logits=True), "y_pred (6, 3) float32 (logits)"),
        (keras.losses.Poisson(), "(positive)"),
        (keras.losses.Dice(), "y_true (6, 3) float32, y_pred (6, 3) float32 (simplex)"),
        (keras.losses.Circle(), "y_true (6,) int32, y_pred (6, 4)"),
        (kl.Pinball(tau=[0.1, 0.9]), "y_true (6,) float32, y_pred (6, 2)"),
        (kl.ChannelWeightedSquaredError([1.0, 2.0, 3.0, 4.0, 5.0]), "y_pred (6, 5)"),
        (kl.SubCenterArcFace(centers=2), "y_pred (6, 4) float32 (cosine)"),
        (Gaussian(), "y_true (6, 2) float32, y_pred (6, 4)"),
        (0.5 * Gaussian(), "y_true (6, 2) float32, y_pred (6, 4)"),
        (kl.GIoU().on(y_true=slice(0, 4), y_pred=slice(1, 5)), "y_pred (6, 5) float32 (mixed)"),
        (kl.GIoU().on(y_true=slice(0, 4), y_pred=slice(0, 4))
         + kl.BinaryCrossentropy().on(y_true=4, y_pred=4), "y_pred (6, 5) float32 (mixed)"),
        (kl.Huber().on(y_true="a", y_pred="a"), "y_pred (6, 3) float32 (real)"),
        (kl.Huber().on(y_true="a", y_pred="a")
         + kl.CategoricalCrossentropy().on(y_true="b", y_pred="b"), "(mixed)"),
    ],
    ids=lambda x: x if isinstance(x, str) else type(x).__name__,
)
def test_data_are_made_as_the_loss_declares(loss, said):
    report = kl.check_loss(loss, quick=True)
    assert "data made as the loss declares" in report.data and said in report.data
    assert report.ok, str(report)


WORDS = [
    (y_true, y_pred, shapes)
    for y_true in TARGETS for y_pred in PREDICTIONS for shapes in SHAPES
]


@pytest.mark.parametrize("shapes", SHAPES)
def test_data_are_made_for_every_declaration(shapes):
    for y_true, y_pred, word in WORDS:
        if word != shapes:
            continue
        takes = kl.Takes(y_true, y_pred, shapes)
        for n in (1, 3):
            sample = kinds.declared(takes, n)
            assert len(sample.y_true) == len(sample.y_pred) and sample.y_pred.size
            assert np.isfinite(sample.y_true).all() and np.isfinite(sample.y_pred).all()
            low, high = PREDICTIONS[y_pred].low, PREDICTIONS[y_pred].high
            assert low <= sample.y_pred.min() and sample.y_pred.max() <= high
            low, high = takes.range
            rows = y_true not in ("classes", "ranks")
            least = -1 if y_true == "relevance" else low
            assert least <= sample.y_true.min() and (not rows or sample.y_true.max() <= high)
    ranged = kinds.declared(kl.Takes("real", "real", y_true_range=(10, 20)))
    assert 10 <= ranged.y_true.min() and ranged.y_true.max() <= 20


def test_a_kind_given_as_a_hint_is_made():
    for kind in ("hinge", "map", "onehot"):
        kind = {"hinge": "signs"}.get(kind, kind)
        report = kl.check_loss("mse", shapes=kind, quick=True, checks=("shape",))
        assert f"kind `{kind}`" in report.data


def test_dicts_hold_through_the_doctor():
    class Parts(kl.Loss):
        takes = kl.Takes("any", "any", "free")

        def call(self, y_true, y_pred):
            error = ops.mean(ops.square(y_true["x"] - y_pred["x"]), axis=-1)
            return error * ops.cast(y_true["count"], error.dtype)

    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 3)).astype("float32")
    y_true = {"x": x, "count": np.array([1, 2, 3, 4])}
    y_pred = {"x": x + 1, "unused": x}
    report = kl.check_loss(Parts(), y_true, y_pred, quick=True)
    assert report.ok, str(report)
    explained = kl.explain(Parts(), y_true, y_pred)
    np.testing.assert_allclose(explained["parts"].values, [1, 2, 3, 4], rtol=1e-6)
    assert set(explained.gradient) == {"x", "unused"} and not explained.gradient["unused"].any()
    np.testing.assert_allclose(
        explained["parts"].gradient_norm, np.linalg.norm(2 / 12 * np.arange(1, 5)[:, None]
                                                         * np.ones((4, 3))), rtol=1e-5)
    selected = kl.Huber().on(y_true="x", y_pred="x")
    assert kl.check_loss(selected, y_true, y_pred, quick=True).ok
    assert kl.explain(selected, y_true, y_pred).total == 0.5


def test_logits_are_made_for_losses_from_logits():
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    assert "(logits)" in kl.check_loss(loss, quick=True, checks=("shape",)).data


collected = []
count = 0


def meddling(y_true, y_pred):
    global count
    count += 1
    collected.append(1)
    noise = keras.random.normal(ops.shape(y_pred)) * np.random.rand() * random.random()
    return ops.mean(ops.square(y_true - y_pred + noise), axis=-1)


class Counting(keras.losses.Loss):
    def __init__(self):
        super().__init__()
        self.calls, self.seen = 0, []

    def call(self, y_true, y_pred):
        self.calls += 1
        self.seen.append(1)
        return ops.mean(ops.square(y_true - y_pred), axis=-1)


def test_nothing_is_left_changed():
    generator = keras_generator()[0]
    dtype, loss = keras.config.dtype_policy().name, Counting()
    state = to_numpy(generator.state.value).copy()  # torch would share its memory.
    before = random.getstate(), np.random.get_state()[1].tolist(), state
    kl.check_loss(meddling, quick=True)
    kl.check_loss(loss, quick=True)
    assert (count, collected, loss.calls, loss.seen) == (0, [], 0, [])
    assert keras.config.dtype_policy().name == dtype
    assert random.getstate() == before[0] and np.random.get_state()[1].tolist() == before[1]
    np.testing.assert_array_equal(to_numpy(generator.state.value), before[2])
    meddling(ops.ones((2, 2)), ops.ones((2, 2)))
    assert count == 1 and (to_numpy(generator.state.value) != before[2]).any()


class Remembers(keras.losses.Loss):
    """Changes whatever a loss can reach."""

    def __init__(self):
        super().__init__()
        self.average = keras.Variable(1.0, trainable=False)
        self.array = np.ones(2)
        self.nested = {"deep": [1, 2]}
        self.normalize = keras.layers.BatchNormalization()
        self.normalize.build((None, 3))

    def call(self, y_true, y_pred):
        error = ops.mean(ops.square(y_true - y_pred), axis=-1)
        self.average.assign(0.9 * self.average + 0.1 * ops.stop_gradient(ops.mean(error)))
        self.array += 1
        self.nested["deep"].append(3)
        self.normalize(ops.ones((4, 3)), training=True)
        return error


def test_every_variable_is_put_back_and_state_is_one_finding():
    loss = Remembers()
    moving = loss.normalize.moving_variance
    before = to_numpy(moving.value).copy()
    report = kl.check_loss(loss, quick=True)
    assert float(to_numpy(loss.average.value)) == 1.0
    np.testing.assert_array_equal(loss.array, [1, 1])
    assert loss.nested == {"deep": [1, 2]}
    np.testing.assert_array_equal(to_numpy(moving.value), before)
    beyond = {"not-registered", "does-not-reload", "broadcast"}
    stateful = {f.name for f in report.findings if f.severity != "info"} - beyond
    assert stateful == {"hidden-state"}, str(report)


def test_a_loss_of_another_backend_is_said_to_be_one():
    if BACKEND == "tensorflow":
        pytest.skip("this is the backend")
    tf = pytest.importorskip("tensorflow")

    def theirs(y_true, y_pred):
        return tf.math.reduce_mean(tf.math.squared_difference(y_true, y_pred), axis=-1)

    report = kl.check_loss(theirs, quick=True)
    assert not report.ok
    assert "tensorflow" in report["other-backend"].seen


def test_a_full_check_looks_at_xla_cost_and_a_fresh_process():
    from tests.saving import users_project

    loss = next(x for x in vars(users_project).values()
                if isinstance(x, type) and issubclass(x, kl.Loss) and x is not kl.Loss)
    report = kl.check_loss(loss())
    assert report.ok, str(report)
    assert "reloads in a fresh process" in report.shown
    assert "times a copy" in report["cost"].seen
    assert ("compiles under XLA" in report.shown) == (BACKEND == "tensorflow")


def test_a_scheduled_weight_is_taken_at_its_first_step():
    ramp = kl.LinearWarmup(10, initial=0.5)
    total = kl.MeanSquaredError() + ramp * kl.MeanAbsoluteError()
    assert kl.check_loss(total, quick=True).ok
    explained = kl.explain(total, [[0.0]], [[2.0]])
    assert explained.total == 5.0 and explained["mean_absolute_error"].weight == 0.5


def names_in_code():
    """The names of findings: what `add` and `Finding` are given, and what `_CAUSES` holds."""
    found = set()
    for path in pathlib.Path(doctor.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, (ast.Call, ast.Assign)):
                continue
            if isinstance(node, ast.Assign):
                if getattr(node.targets[0], "id", "") == "_CAUSES":
                    found |= {x.elts[0].value for x in node.value.values}
                continue
            called = ast.unparse(node.func)
            if called in ("exam.add", "Finding") and len(node.args) >= 3:
                name = node.args[1 if called == "Finding" else 0]
                found |= {x.value for x in ast.walk(name)
                          if isinstance(x, ast.Constant) and isinstance(x.value, str)}
    return found


def test_every_finding_stands_in_the_guide():
    page = pathlib.Path(__file__).parents[2] / "docs/guide/findings.md"
    rows = [line.split("|")[1] for line in page.read_text().splitlines() if line.startswith("| `")]
    listed = set(re.findall(r"`([a-z-]+)`", " ".join(rows)))
    listed |= {"not-a-loss", "no-data", "not-examined", "cost"}
    assert listed == names_in_code()
