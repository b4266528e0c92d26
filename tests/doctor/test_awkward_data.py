"""No loss is accused for the data: saturated, all background, one sample, soft, whole numbers.

Every loss of the kit and of Keras, on data made for it and then bent, and on a single sample.
"""

import numpy as np
import pytest

import keras_losskit as kl
from keras_losskit.doctor.data import find
from keras_losskit.doctor.hazards import Scan
from keras_losskit.doctor.subject import Subject
from tests.cases import CASES
from tests.doctor.stock import stock

ONCE = list({c.loss: c for c in reversed(CASES)}.values())[::-1]
LOSSES = [pytest.param(c.make(), id=c.id) for c in ONCE] + [
    pytest.param(cls(**options), id=f"keras-{name}") for name, cls, options in stock()
]


# Keras' own have a gradient of NaN or none there, on their clip; one has it on any data.
OF_KERAS = {
    "CategoricalGeneralizedCrossEntropy": {"not-finite", "gradient-not-finite", "one-sample"},
}


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
    if sample.domain == "real" and sample.pairs and not classes:
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
        known = OF_KERAS.get(type(loss).__name__, {"not-finite"})
        known = set() if isinstance(loss, kl.Loss) else known
        assert {f.name for f in report.of("error")} <= known, f"{how}: {report}"
