"""What is refused where a loss is built, because a file could not hold it; configs that lie."""

import json

import keras
import numpy as np
import pytest

import keras_losskit as kl
from tests.cases import CASES


def network():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="features")])


@keras.saving.register_keras_serializable("test_building")
class Perceptual(kl.Loss):
    def __init__(self, network, **common):
        super().__init__(**common)
        self.network = network

    def call(self, y_true, y_pred):
        return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


@keras.saving.register_keras_serializable("test_building")
class Foreign(keras.losses.Loss):
    def __init__(self, network, name="foreign"):
        super().__init__(name=name)
        self.network = network

    def call(self, y_true, y_pred):
        return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)

    def get_config(self):
        return {"network": keras.saving.serialize_keras_object(self.network), "name": self.name}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config["network"]), config["name"])


@pytest.mark.parametrize(
    "build",
    [
        lambda: Perceptual(network()), lambda: Perceptual(network().layers[0]),
        lambda: Perceptual([network()]), lambda: Perceptual({"at": network()}),
        lambda: kl.Huber() + Perceptual(network()), lambda: Perceptual(network()).on(y_pred=0),
        lambda: kl.as_loss(Foreign(network())), lambda: kl.KerasLoss(Foreign(network())),
        lambda: kl.Huber() + Foreign(network()), lambda: kl.as_loss(Foreign([network()])),
        lambda: kl.WeightedSum([(1, Foreign(network()))], reduction="sum"),
    ],
)
def test_a_network_inside_of_a_loss_is_refused(build):
    with pytest.raises((TypeError, ValueError), match="network|Sequential|Dense|weights a"):
        build()


def test_the_name_of_a_network_is_none():
    assert Perceptual("vgg19").get_config()["network"] == "vgg19"


EXPRESSIONS = [
    kl.MeanSquaredError() + 0.5 * kl.Dice(), kl.MeanSquaredError() * kl.Huber(),
    kl.Huber().on(y_true={"a": 0, "b": slice(1, None)}, y_pred=[0, 1], weight=2),
    kl.LinearWarmup(5) * kl.as_loss("mse") - kl.KerasLoss(keras.losses.MeanSquaredError()),
    kl.AtResolution(kl.Dice()),
]
LOSSES = [case.make() for case in CASES] + EXPRESSIONS


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
def test_equal_is_equal_by_value(loss):
    again = type(loss).from_config(json.loads(json.dumps(loss.get_config())))
    assert loss == again and not loss != again and hash(loss) == hash(again)
    assert len({loss, again}) == 1 and {loss: 1}[again] == 1
    other = type(loss).from_config({**loss.get_config(), "name": "other"})
    assert loss != other and len({loss, other}) == 2
    assert loss != 1 and loss != "mse" and loss != kl.LogCosh(name=loss.name + "_")


def without(config, *path):
    """A copy of a config that lacks one of its entries."""
    config = json.loads(json.dumps(config))
    inner = config
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return config


def deep(levels):
    config = kl.MeanSquaredError().get_config()
    wrapped = {"module": "keras_losskit", "class_name": "MeanSquaredError", "config": config,
               "registered_name": "keras_losskit>MeanSquaredError"}
    for _ in range(levels):
        wrapped = {
            "module": "keras_losskit", "class_name": "Select",
            "registered_name": "keras_losskit>Select",
            "config": {"loss": wrapped, "y_true": None, "y_pred": None, "weight": None,
                       "sample_weight": True, "reduction": "inherit", "name": "x", "dtype": None},
        }
    return wrapped["config"]


LIES = {
    "a sum without terms": (
        kl.WeightedSum, without((kl.Huber() + kl.LogCosh()).get_config(), "terms")
    ),
    "a term without a weight": (
        kl.WeightedSum, without((kl.Huber() + kl.LogCosh()).get_config(), "terms", 0, "weight")
    ),
    "terms that are none": (
        kl.WeightedSum, {**(kl.Huber() + kl.LogCosh()).get_config(), "terms": None}
    ),
    "a function without a module": (
        kl.FunctionLoss,
        {**kl.as_loss("mse").get_config(), "function": {"class_name": "function", "config": "f"}},
    ),
    "a loss of no known class": (
        kl.Select,
        {**kl.Huber().on(y_pred=0).get_config(),
         "loss": {"class_name": "Nothing", "config": {}, "module": "keras_losskit",
                  "registered_name": "keras_losskit>Nothing"}},
    ),
    "a slice that is a number": (
        kl.Select,
        {**kl.Huber().on(y_pred=0).get_config(),
         "y_pred": {"class_name": "__slice__", "config": 3}},
    ),
    "a number beyond all": (kl.Huber, {**kl.Huber().get_config(), "delta": 10**400}),
    "a thousand levels": (kl.Select, deep(1000)),
    "an option of elsewhere": (kl.Huber, {**kl.Huber().get_config(), "beta": 1.0}),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_config_that_lies_is_refused_by_name(lie):
    cls, config = LIES[lie]
    with pytest.raises((ValueError, TypeError), match=cls.__name__) as caught:
        cls.from_config(config)
    assert len(str(caught.value)) < 2000
    if lie != "an option of elsewhere":
        assert caught.type is ValueError


def test_a_slice_without_a_start_is_one():
    config = kl.Huber().on(y_pred=slice(None, 2)).get_config()
    del config["y_pred"]["config"]["start"]
    assert kl.Select.from_config(config) == kl.Huber().on(y_pred=slice(None, 2))


@pytest.mark.parametrize("option", [{"delta": 10**400}, {"delta": -(10**400)}])
def test_numbers_that_no_file_holds(option):
    with pytest.raises(ValueError, match="Huber: `delta`"):
        kl.Huber(**option)


def test_an_array_asks_no_values_of_a_loss():
    with pytest.raises(TypeError, match=r"Huber\(\) is a loss and holds no values"):
        np.asarray(kl.Huber())
