"""The declaration: its words, its range, and what an instance's option makes of it."""

import dataclasses
import json
import math

import keras
import numpy as np
import pytest

import keras_losskit as kl
from keras_losskit.core import shapes, takes
from keras_losskit.core.takes import Takes, logits_of, takes_of


def test_every_word_has_a_rule_and_a_sentence():
    assert set(shapes.RULES) == set(takes.SHAPES)
    for y_true in takes.TARGETS:
        for y_pred in takes.PREDICTIONS:
            said = Takes(y_true, y_pred).sentence()
            assert takes.TARGETS[y_true].words in said and takes.PREDICTIONS[y_pred].words in said


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        ({"y_true": "labels"}, "y_true"), ({"y_pred": "probs"}, "y_pred"),
        ({"shapes": "any"}, "shapes"), ({"in_batch": 1}, "in_batch"),
        ({"y_true_gradient": None}, "y_true_gradient"),
        ({"y_true_range": (0, math.inf)}, "y_true_range"),
        ({"y_true_range": ("0", 1)}, "y_true_range"),
    ],
)
def test_a_word_that_is_none_is_refused_with_those_that_are(bad, name):
    with pytest.raises((ValueError, TypeError), match=f"Takes: `{name}` must be"):
        Takes(**bad)


def test_it_is_a_value_and_its_config():
    given = Takes("counts", "logits", "free", True, True, (None, 5))
    again = Takes.from_config(json.loads(json.dumps(given.get_config())))
    assert again == given and hash(again) == hash(given) and again.range == (-math.inf, 5)
    saved = keras.saving.serialize_keras_object(given)
    assert keras.saving.deserialize_keras_object(saved) == given
    with pytest.raises(dataclasses.FrozenInstanceError):
        given.y_true = "real"
    names = {field.name for field in dataclasses.fields(Takes)}
    assert names == set(given.get_config())


@pytest.mark.parametrize("from_logits", [False, True])
def test_an_option_settles_what_y_pred_holds(from_logits):
    loss = kl.BinaryCrossentropy(from_logits=from_logits)
    assert takes_of(loss).y_pred == ("logits" if from_logits else "probabilities")
    assert logits_of(loss) is from_logits
    assert logits_of(0.5 * loss + loss) is from_logits
    assert logits_of(kl.as_loss(keras.losses.BinaryCrossentropy(from_logits=from_logits))) is (
        from_logits
    )
    assert type(loss).takes.y_pred == "probabilities"  # The class's own stays.
    assert logits_of(kl.Huber()) is None and logits_of(kl.Sparsemax()) is True


def test_what_disagrees_on_logits_is_refused():
    logits, shares = kl.DistributionFocal(), kl.Brier()
    for a, b in ((logits, shares), (kl.Dice(), kl.Sparsemax()), (
        kl.as_loss("binary_crossentropy"), kl.BinaryCrossentropy(from_logits=True)
    )):
        for build in (lambda a, b: a + b, lambda a, b: a * b, lambda a, b: kl.WeightedSum([a, b])):
            with pytest.raises(ValueError, match="logits.*probabilities|probabilities.*logits"):
                build(a, b)
    assert logits.on(y_pred=slice(0, 3)) + shares.on(y_pred=slice(3, 6))


@kl.loss(package="test_takes", takes=Takes("counts", "real", y_true_range=(0, 10)))
def counted(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)


def plain(y_true, y_pred):
    return y_pred


@kl.loss(package="test_takes")
def undeclared(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)


@keras.saving.register_keras_serializable("test_takes")
class Pairs(kl.Loss):
    takes = Takes("any", "any", "free")

    def call(self, y_true, y_pred):
        return keras.ops.abs(y_true[:, 0] - y_pred[:, 0])


def test_peoples_own_declare_by_the_same_words():
    p = np.zeros((2, 1))
    assert float(counted()([[3.0], [5.0]], p)) == 4.0
    for bad in ([[-1.0], [5.0]], [[3.0], [99.0]]):
        with pytest.raises(ValueError, match=r"counted: y_true holds .* \[0, 10\]"):
            counted()(bad, p)
    assert float(Pairs()(np.ones((2, 2)), np.zeros((2, 3)))) == 1.0
    assert takes_of(counted()).range == (0, 10) and takes_of(Pairs()).shapes == "free"
    assert takes_of(undeclared()) is None
    with pytest.raises(ValueError, match=r"takes = .*shapes=\"free\".*@keras_losskit.loss\(takes"):
        undeclared()(np.ones((2, 2)), np.zeros((2, 3)))
    with pytest.raises(TypeError, match="@loss: `takes` must be a keras_losskit.Takes"):
        kl.loss(takes="free")(plain)
