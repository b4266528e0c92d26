"""A last axis of 1 is dropped before losses are computed; nobody must be able to tell."""

import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from tests.backends import to_numpy, value_and_gradient

rng = np.random.default_rng(5)
SHAPE = (2, 3, 5, 1)
REAL = rng.normal(size=SHAPE).astype("float32"), rng.normal(size=SHAPE).astype("float32")
YES_NO = (rng.random(SHAPE) < 0.4).astype("float32"), rng.uniform(0.1, 0.9, SHAPE).astype("float32")
LOSSES = {
    "Huber": (kl.Huber(0.4), REAL),
    "RootMeanSquaredError": (kl.RootMeanSquaredError(), REAL),
    "MeanAbsolutePercentageError": (kl.MeanAbsolutePercentageError(), REAL),
    "ChannelWeightedSquaredError": (kl.ChannelWeightedSquaredError([0.7]), REAL),
    "BinaryCrossentropy": (kl.BinaryCrossentropy(), YES_NO),
    "BinaryFocalCrossentropy": (kl.BinaryFocalCrossentropy(), YES_NO),
    "Hinge": (kl.Hinge(), YES_NO),
}


@pytest.mark.parametrize("name", LOSSES)
def test_one_channel_is_the_mean_of_two_equal_ones(name):
    loss, (y_true, y_pred) = LOSSES[name]
    twice = loss
    if name == "ChannelWeightedSquaredError":
        twice = kl.ChannelWeightedSquaredError([0.7, 0.7])

    def double(x):
        return np.concatenate([x, x], axis=-1)

    one = to_numpy(loss.call(*map(ops.convert_to_tensor, loss.prepare(y_true, y_pred))))
    two = to_numpy(
        twice.call(*map(ops.convert_to_tensor, twice.prepare(double(y_true), double(y_pred))))
    )
    assert one.shape == SHAPE[:-1]
    np.testing.assert_allclose(one, two, rtol=1e-6)
    _, gradient = value_and_gradient(lambda p: loss(y_true, p), y_pred)
    _, gradients = value_and_gradient(lambda p: twice(double(y_true), p), double(y_pred))
    assert gradient.shape == SHAPE
    np.testing.assert_allclose(gradient, gradients.sum(axis=-1, keepdims=True), rtol=1e-5)


@pytest.mark.parametrize("over", ["sample", "batch"])
@pytest.mark.parametrize("name", ["Dice", "Jaccard", "Tversky", "MatthewsCorrelation"])
def test_the_overlap_of_one_channel_is_that_of_two_equal_ones(name, over):
    y_true, y_pred = YES_NO
    loss = getattr(kl, name)(over=over)
    both = [np.concatenate([x, x], axis=-1) for x in YES_NO]
    for weights in (None, np.array([1.0, 3.0], "float32")):
        one = float(loss(y_true, y_pred, weights))
        np.testing.assert_allclose(one, float(loss(*both, weights)), rtol=1e-6)
    _, gradient = value_and_gradient(lambda p: loss(y_true, p), y_pred)
    _, gradients = value_and_gradient(lambda p: loss(both[0], p), both[1])
    np.testing.assert_allclose(gradient, gradients.sum(axis=-1, keepdims=True), rtol=1e-5)
