"""A used callback is copied and pickled, without the model that it ran with."""

import copy
import pickle

import keras
import numpy as np
import pytest

import keras_losskit as kl

X = np.random.default_rng(92).normal(size=(4, 3)).astype("float32")
Y = np.random.default_rng(93).normal(size=(4, 2)).astype("float32")
RAMP = kl.LinearWarmup(4, target=1.0)
CALLBACKS = {
    "WeightScheduler": lambda: kl.WeightScheduler(by="epoch"),
    "TerminateOnNonFiniteTerm": lambda: kl.TerminateOnNonFiniteTerm(verbose=0),
    "AddedLossLogger": kl.AddedLossLogger,
    "LossProbe": lambda: kl.LossProbe(X, Y, loss=kl.MeanSquaredError()),
}


def model():
    inputs = keras.Input((3,))
    inner = kl.AddLoss("mse", 0.5, name="size")(inputs)
    made = keras.Model(inputs, keras.layers.Dense(2)(inner))
    made.compile("sgd", loss=kl.MeanSquaredError() + RAMP * kl.Huber())
    return made


def test_every_callback_of_the_kit_is_among_these():
    found = {
        name for name in kl.__all__
        if isinstance(getattr(kl, name), type)
        and issubclass(getattr(kl, name), keras.callbacks.Callback)
    }
    assert found == set(CALLBACKS)


@pytest.mark.parametrize("name", CALLBACKS)
def test_a_used_callback_is_copied_and_pickled(name):
    used = CALLBACKS[name]()
    also = [] if name == "WeightScheduler" else [kl.WeightScheduler(by="epoch")]
    logs = model().fit(X, Y, epochs=2, verbose=0, callbacks=[*also, used]).history
    seen = copy.deepcopy(getattr(used, "history", None))
    plain = {k: v for k, v in vars(CALLBACKS[name]()).items() if isinstance(v, str)}
    for again in (copy.copy(used), copy.deepcopy(used), pickle.loads(pickle.dumps(used))):
        assert type(again) is type(used) and again._model is None
        assert all(getattr(again, k) == v for k, v in plain.items())
        assert vars(again).keys() == vars(CALLBACKS[name]()).keys()
        if name == "LossProbe":
            assert again.history == seen
        keras.utils.set_random_seed(1)
        made = model()
        found = made.fit(X, Y, epochs=2, verbose=0, callbacks=[*also, again]).history
        assert found.keys() == logs.keys()
        assert found["huber_weight"] == logs["huber_weight"] == [0.0, 0.25]
    assert used.model is not None  # The one that was copied is as it was.
