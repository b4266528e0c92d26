"""No loss is accused for the data: saturated, all background, one sample, soft, whole numbers.

Every loss of the kit and of Keras that takes probabilities or logits of classes, on data made
from its own declaration and then bent; and every one of the kit on a single sample.
"""

import keras
import numpy as np
import pytest

import keras_losskit as kl
from keras_losskit.doctor.data import find
from keras_losskit.doctor.hazards import Scan
from keras_losskit.doctor.subject import Subject
from tests.cases import CASES

STOCK = [
    keras.losses.BinaryCrossentropy(), keras.losses.BinaryFocalCrossentropy(),
    keras.losses.CategoricalCrossentropy(), keras.losses.CategoricalFocalCrossentropy(),
    keras.losses.SparseCategoricalCrossentropy(), keras.losses.KLDivergence(),
    keras.losses.BinaryCrossentropy(from_logits=True), keras.losses.MeanSquaredError(),
    keras.losses.Hinge(), keras.losses.LogCosh(),
]
ONCE = list({c.loss: c for c in reversed(CASES)}.values())[::-1]
LOSSES = [pytest.param(c.make(), id=c.id) for c in ONCE] + [
    pytest.param(x, id=f"keras-{type(x).__name__}-{i}") for i, x in enumerate(STOCK)
]


def bent(sample):
    """`{how: (y_true, y_pred)}` of awkward forms of a sample."""
    t, p = sample.y_true, sample.y_pred
    forms = {"one sample": (t[:1], p[:1])}
    shares = sample.domain in ("probability", "simplex")
    if shares:
        top = (p == p.max(axis=-1, keepdims=True)) if sample.domain == "simplex" else p > 0.5
        forms["saturated"] = t, top.astype("float32")
    if sample.domain == "logits":
        forms["saturated"] = t, 60 * np.sign(p)
    classes = sample.takes is not None and sample.takes.y_true in ("classes", "probability")
    if classes and sample.domain != "cosine":
        nothing = np.zeros_like(t)
        if sample.pairs and sample.takes.y_true == "classes" and t.shape[-1] > 1:
            nothing[..., 0] = 1
        forms["all background"] = nothing, p
    if shares and sample.pairs:
        even = 1 / t.shape[-1] if sample.domain == "simplex" else 0.5
        forms["soft"] = (even + 0.7 * (t - even)).astype("float32"), p
    if sample.domain == "real" and sample.pairs:
        forms["whole numbers"] = np.round(3 * t).astype("int32"), p
    return forms


@pytest.mark.parametrize("loss", LOSSES)
def test_no_loss_is_accused_for_its_data(loss):
    subject, sample, _ = find(Subject(loss), Scan([]))
    if sample.takes is not None and sample.takes.y_true in ("signs", "relevance"):
        forms = {"one sample": (sample.y_true[:1], sample.y_pred[:1])}
    else:
        forms = bent(sample)
    for how, (y_true, y_pred) in forms.items():
        report = kl.check_loss(
            loss, y_true, y_pred, quick=True, checks=("shape", "gradient", "numbers", "weights"),
        )
        # Keras' own loses it there: a gradient of NaN or none, on its clip.
        known = {"not-finite"} if loss in STOCK else set()
        assert {f.name for f in report.of("error")} <= known, f"{how}: {report}"
