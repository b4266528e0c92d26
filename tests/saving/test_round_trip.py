"""Nested expressions come back from every kind of copy as they were."""

import copy
import json
import pickle

import keras
import numpy as np
import pytest

import keras_losskit as kl
from tests.saving import users_project
from tests.saving.expressions import expressions, names, numbers

NAMES = sorted(expressions(users_project))
each = pytest.mark.parametrize("name", NAMES)


def through_json(config, **options):
    return json.loads(json.dumps(config, allow_nan=False, **options))


WAYS = {
    "config": lambda x: type(x).from_config(x.get_config()),
    "json": lambda x: type(x).from_config(through_json(x.get_config())),
    "sorted json": lambda x: type(x).from_config(
        through_json(x.get_config(), sort_keys=True)
    ),
    "keras": lambda x: keras.losses.deserialize(keras.losses.serialize(x)),
    "keras sorted": lambda x: keras.losses.deserialize(
        through_json(keras.losses.serialize(x), sort_keys=True)
    ),
    "keras saving": lambda x: keras.saving.deserialize_keras_object(
        through_json(keras.saving.serialize_keras_object(x))
    ),
    "as_loss": lambda x: kl.as_loss(keras.losses.serialize(x)),
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


@each
@pytest.mark.parametrize("way", WAYS)
def test_a_copy_computes_and_reads_the_same(name, way):
    loss, *data = expressions(users_project)[name]
    before, config = numbers(loss, *data), loss.get_config()
    assert np.isfinite(before).all() and np.any(before)
    again = WAYS[way](loss)
    assert again is not loss and type(again) is type(loss)
    assert numbers(again, *data) == before
    assert repr(again) == repr(loss)
    assert again.get_config() == config
    assert again.name == loss.name
    assert names(again) == names(loss)
    # The original is as it was: copying reads, it does not write.
    assert loss.get_config() == config and numbers(loss, *data) == before


@each
def test_the_config_is_plain_json(name):
    loss = expressions(users_project)[name][0]
    config = loss.get_config()
    assert through_json(config) == config


def test_the_order_of_terms_does_not_hang_on_the_order_of_keys():
    loss = expressions(users_project)["named"][0]
    assert names(loss) == ["zeta", "alpha", "middle"] != sorted(names(loss))
    again = WAYS["keras sorted"](loss)
    assert list(again.terms) == ["zeta", "alpha", "middle"]
    assert [w for w, _ in again.terms.values()] == [2, 1, -0.25]


def test_expressions_and_their_copies_leave_operands_alone():
    y_true, y_pred = expressions(users_project)["product"][1:]
    stock = keras.losses.MeanSquaredError(name="stock")
    operands = [
        kl.MeanSquaredError(reduction="sum"),
        kl.Huber(delta=0.3, name="huge"),
        users_project.shifted(shift=0.2),
        kl.MeanSquaredError() * kl.MeanAbsoluteError(),
        kl.LogCosh().on(y_pred=slice(0, 5)),
        2 * kl.MeanAbsoluteError() - kl.LogCosh(),
    ]
    before = [copy.deepcopy(x.get_config()) for x in operands]
    values = [numbers(x, y_true, y_pred) for x in operands]
    stock_before = copy.deepcopy(keras.losses.serialize(stock))
    total = kl.WeightedSum(
        [(3, sum(operands) + stock), *operands], reduction="mean", dtype="float64"
    )
    total = total.on(y_pred=slice(0, 5)) / 2
    for way in WAYS.values():
        way(total)
    assert [x.get_config() for x in operands] == before
    assert [numbers(x, y_true, y_pred) for x in operands] == values
    assert keras.losses.serialize(stock) == stock_before


def test_a_scheduled_weight_comes_back_as_a_schedule():
    loss = expressions(users_project)["schedule"][0]
    again = WAYS["keras sorted"](loss)
    for step in (0, 2, 3, 6, 20):
        here, there = loss.at_step(step), again.at_step(step)
        assert [w for w, _ in here.terms.values()] == [w for w, _ in there.terms.values()]
    assert [w for w, _ in again.at_step(20).terms.values()] == pytest.approx([0.25, 0.2, 1.0])
