"""Every loss of the kit passes; of Keras' own the known defects are found, by name."""

import inspect

import keras
import numpy as np
import pytest

import keras_losskit as kl
from keras_losskit.doctor.data import find
from keras_losskit.doctor.hazards import Scan
from keras_losskit.doctor.running import Runner, attempt
from keras_losskit.doctor.subject import Subject
from tests import cases
from tests.backends import BACKEND
from tests.doctor.stock import stock

# One case a loss and mode; the first of each loss and kind of targets is enough here.
FIRST = list({(c.loss, c.kind): c for c in reversed(cases.CASES)}.values())


@pytest.mark.parametrize("case", FIRST, ids=lambda c: c.id)
def test_losses_of_the_kit_pass(case):
    report = kl.check_loss(case.make(), quick=True)
    assert report.ok and not report.of("warning"), str(report)


@pytest.mark.parametrize("case", cases.CASES, ids=lambda c: c.id)
def test_made_data_fit_every_loss_with_every_option(case):
    subject, sample, problem = find(Subject(case.make()), Scan([]))
    assert problem is None and sample.kind == "declared"
    value, error = attempt(Runner(subject), "value", sample.y_true, sample.y_pred)
    assert error is None and np.isfinite(value), f"{sample}: {error}"


def test_every_loss_of_the_kit_was_looked_at():
    exported = {getattr(kl, name) for name in kl.__all__}
    losses = {x for x in exported if inspect.isclass(x) and issubclass(x, keras.losses.Loss)}
    # The last two take targets of another shape than the predictions'.
    assert {c.loss for c in FIRST} == losses - {kl.Loss, kl.AtResolution, kl.DeepSupervision}


# What Keras' own losses are told, beyond notes. When a new Keras mends one, take it out here.
OFF_DEFAULT = {"argument-lost-off-default"}
BATCH = {"scalar", "weight-zero-stays"}
DEFECTS = {
    "Huber": OFF_DEFAULT,
    "CosineSimilarity": OFF_DEFAULT | (set() if BACKEND == "tensorflow" else {"not-finite"}),
    "SparseCategoricalCrossentropy": OFF_DEFAULT,
    "SparseCategoricalCrossentropy-logits": OFF_DEFAULT,
    "CategoricalFocalCrossentropy-logits": {"saturates"},
    "CategoricalGeneralizedCrossEntropy": {"not-finite", "broadcast"},
    "Dice": BATCH,
    "Tversky": BATCH,
    "Circle": {"weight-zero-stays"},
}


@pytest.mark.parametrize(
    ("name", "cls", "options"), [pytest.param(*each, id=each[0]) for each in stock()]
)
def test_stock_losses_show_their_known_defects(name, cls, options):
    report = kl.check_loss(cls(**options), quick=True)
    found = {f.name for f in report.findings if f.severity != "info"}
    assert found == DEFECTS.get(name, set()), str(report)


@pytest.mark.parametrize(
    ("loss", "argument"),
    [
        (keras.losses.Huber(delta=0.3), "delta"),
        (keras.losses.CosineSimilarity(axis=1), "axis"),
        (keras.losses.SparseCategoricalCrossentropy(axis=1), "axis"),
    ],
    ids=["Huber", "CosineSimilarity", "SparseCategoricalCrossentropy"],
)
def test_arguments_that_keras_loses_on_reload(loss, argument):
    report = kl.check_loss(loss, quick=True, checks=("saving",))
    assert not report.ok
    assert f"`{argument}`" in report["argument-lost"].seen


def test_saturation_is_an_error_and_dice_weights_are_measured():
    focal = keras.losses.CategoricalFocalCrossentropy(from_logits=True)
    assert kl.check_loss(focal, quick=True)["saturates"].severity == "error"
    if BACKEND != "tensorflow":
        binary = keras.losses.BinaryFocalCrossentropy(from_logits=True)
        assert "logits of 100" in kl.check_loss(binary, quick=True)["saturates"].seen
    dice = kl.check_loss(keras.losses.Dice(), quick=True)["weight-zero-stays"]
    assert "only divide the value by 6" in dice.seen


@pytest.mark.skipif(BACKEND == "tensorflow", reason="Keras keeps ids there")
def test_class_ids_under_bfloat16():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert "of 301" in kl.check_loss(loss, checks=("numbers",))["ids-rounded"].seen
    ours = kl.check_loss(kl.CategoricalCrossentropy(from_logits=True), checks=("numbers",))
    assert "ids-rounded" not in ours and "class ids intact under bfloat16" in ours.shown
