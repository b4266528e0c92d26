"""The fifteen losses of the usual answers are judged as they are, on every backend."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import keras_losskit as kl
from tests.backends import BACKEND

pytestmark = pytest.mark.xdist_group("test_five_questions")  # What is made once serves all.

PATH = Path(__file__).parents[2] / "examples" / "five_questions.py"
spec = importlib.util.spec_from_file_location("five_questions", PATH)
five = importlib.util.module_from_spec(spec)
spec.loader.exec_module(five)

SCALAR = {"scalar", "weight-zero-stays"}
# What is said of each, beyond notes that every unregistered function gets.
VERDICTS = {
    "1.1": SCALAR,
    "1.2": SCALAR | {"zero-gradient-zone", "value-jumps"},
    "1.3": SCALAR | {"wrong-gradient"},
    "2.1": SCALAR | ({"inner-function"} if BACKEND != "torch" else set()),
    "2.2": SCALAR | {"inner-tape"},
    "2.3": SCALAR,
    "3.1": SCALAR,
    "3.2": SCALAR,
    "3.3": SCALAR | {"slope-jumps"},
    "4.1": set(),
    "4.2": SCALAR | ({"inner-function"} if BACKEND != "torch" else set()),
    "4.3": SCALAR,
    "5.1": SCALAR,
    "5.2": SCALAR | {"value-jumps"},
    "5.3": SCALAR | {"zero-gradient-zone", "broadcast"},
}
COMMON = {"not-registered", "empty-batch", "weight-zero-nan"}


@pytest.fixture(scope="module", params=VERDICTS)
def judged(request):
    loss, way = five.LOSSES[request.param]
    data = five.DATA.get(request.param, ())
    return request.param, kl.check_loss(loss, *data, quick=True), way


def test_verdicts(judged):
    number, report, _ = judged
    assert {f.name for f in report.findings} - COMMON == VERDICTS[number], str(report)
    assert report.ok == (number != "1.3")


def test_the_scalar_ones_are_told_what_they_lose(judged):
    number, report, _ = judged
    if number == "4.1":
        assert "scalar" not in report
        return
    assert "`sample_weight`" in report["scalar"].why and "axis=-1" in report["scalar"].mend
    assert "ops.mean" in report["scalar"].line.text


def test_the_one_line_way_is_sound(judged):
    number, _, way = judged
    loss = eval(way, {"kl": kl})  # noqa: S307
    report = kl.check_loss(loss, *five.DATA.get(number, ()), quick=True)
    assert report.ok and not report.of("warning"), str(report)


def test_the_wrong_gradient_is_named_with_its_factor():
    finding = kl.check_loss(five.by_hand, quick=True)["wrong-gradient"]
    assert "sign flipped" in finding.seen
    assert "off by a factor 18 (the number of elements)" in finding.seen
    assert "custom_gradient" in finding.line.text


def test_the_broadcast_is_seen_and_safe_shapes_are_shown():
    column = np.linspace(0, 1, 8, dtype="float32")
    y_pred = np.stack([column * 0, column, column + 1], axis=-1)
    wrong = kl.check_loss(five.one_column, column, y_pred, quick=True)
    assert "y_true (8,) against y_pred (8, 3)" in wrong["broadcast"].seen
    assert "right with (8, 1)/(8, 3)" in wrong["broadcast"].seen
    y_true, y_pred = five.DATA["5.3"]  # The one-line way is right with both.
    way = eval(five.LOSSES["5.3"][1], {"kl": kl})  # noqa: S307
    right = np.mean((y_true[:, 0] - y_pred[:, 1]) ** 2)
    for y in (y_true, y_true[:, 0]):
        np.testing.assert_allclose(float(way(y, y_pred)), right, rtol=1e-6)
    flat = kl.check_loss(five.flattened, quick=True)
    assert any("(6,)/(6, 1)" in text and "one number" in text for text in flat.shown)


def test_jump_and_zone_have_their_places():
    zone = kl.check_loss(five.outside_zone, quick=True)
    assert "where the error passes 0.5" in zone["value-jumps"].seen
    assert zone["zero-gradient-zone"].severity == "info"
    bend = kl.check_loss(five.two_branches, quick=True)["slope-jumps"]
    assert "from 1 to 2 where the error passes 1" in bend.seen
