"""Losses between sets of points: padding, permutations, perfect sets, density."""

import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from tests.backends import to_numpy, value_and_gradient
from tests.cases import transport

each = pytest.mark.parametrize("case", transport.CASES, ids=lambda c: c.id)
TRUE, PRED = (x.astype("float32") for x in (transport.POINTS_TRUE, transport.POINTS_PRED))


def masked(x, mask):
    x = ops.convert_to_tensor(x)
    x._keras_mask = ops.convert_to_tensor(mask)
    return x


@each
def test_padding_is_as_if_it_were_not_there(case):
    loss = case.make(reduction="none")
    clean = to_numpy(loss(TRUE, PRED))
    more = np.concatenate([TRUE[:, :2], np.full((4, 1, 2), np.nan), TRUE[:, 2:]], axis=1)
    there = ~np.isnan(more[..., 0])
    wide = np.concatenate([np.full((4, 2, 2), np.nan), PRED], axis=1).astype("float32")
    here = np.arange(5) > 1 + np.zeros((4, 1))
    for y_true in (more, masked(np.nan_to_num(more, nan=7.0), there)):
        got = to_numpy(loss(y_true, masked(wide, here)))
        np.testing.assert_allclose(got, clean, rtol=1e-5)

    def number(p):
        return ops.sum(loss.evaluate(more, p, None, here))

    value, gradient = value_and_gradient(number, wide)
    _, expected = value_and_gradient(lambda p: ops.sum(loss(TRUE, p)), PRED)
    assert not gradient[:, :2].any()
    np.testing.assert_allclose(gradient[:, 2:], expected, rtol=1e-4, atol=1e-5)


@each
def test_masks_of_sets_of_equal_size_are_each_its_own(case):
    loss, y_true = case.make(reduction="none"), TRUE[:, :3]
    here = np.array([[True, True, False]] * 4)
    got = to_numpy(loss(y_true, masked(PRED, here)))
    np.testing.assert_allclose(got, to_numpy(loss(y_true, PRED[:, :2])), rtol=1e-5)


@each
def test_a_set_without_points_gives_0(case):
    nothing = TRUE.copy()
    nothing[1] = np.nan
    loss = case.make(reduction="none")
    value, gradient = value_and_gradient(lambda p: ops.sum(loss(nothing, p)[1:2]), PRED)
    assert value == 0 and not gradient.any()
    here = np.zeros((4, 3), bool)
    values = to_numpy(loss(TRUE, masked(PRED, here)))
    assert not values.any()


@each
def test_the_order_of_points_does_not_matter_and_sets_are_exchanged(case):
    loss = case.make(reduction="none")
    values = to_numpy(loss(TRUE, PRED))
    np.testing.assert_allclose(to_numpy(loss(TRUE[:, ::-1], PRED[:, ::-1])), values, rtol=1e-4)
    np.testing.assert_allclose(to_numpy(loss(PRED, TRUE)), values, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("loss", [kl.Chamfer(reduction="none"), kl.Sinkhorn(reduction="none")])
def test_a_set_equals_itself(loss):
    np.testing.assert_allclose(to_numpy(loss(TRUE, TRUE)), 0, atol=1e-6)


def test_sinkhorn_sees_density_and_chamfer_does_not():
    y_true = np.array([[[0.0], [0.0], [0.0], [1.0]]], "float32")
    y_pred = np.array([[[0.0], [1.0], [1.0], [1.0]]], "float32")
    assert to_numpy(kl.Chamfer()(y_true, y_pred)) == 0
    assert to_numpy(kl.Sinkhorn()(y_true, y_pred)) > 0.2


def test_small_epsilon_is_the_cheapest_assignment():
    """Of as many points on both sides: by the best permutation."""
    from itertools import permutations

    y_true = TRUE[:, :3]
    loss = kl.Sinkhorn(epsilon=0.01, iterations=200, power=1, reduction="none")
    best = [
        min(
            np.mean([np.linalg.norm(a[i] - b[j]) for i, j in enumerate(order)])
            for order in permutations(range(3))
        )
        for a, b in zip(PRED, y_true)
    ]
    np.testing.assert_allclose(to_numpy(loss(y_true, PRED)), best, rtol=2e-3)


def test_options_have_the_meaning_that_they_name():
    """Plain and squared distances, of one point to one."""
    a, b = np.zeros((1, 1, 2), "float32"), np.array([[[3.0, 4.0]]], "float32")
    assert to_numpy(kl.Chamfer(squared=False)(a, b)) == 10
    assert to_numpy(kl.Chamfer(reduce_points="sum")(a, b)) == 50
    np.testing.assert_allclose(to_numpy(kl.Sinkhorn()(a, b)), 12.5, rtol=1e-6)
    np.testing.assert_allclose(to_numpy(kl.Sinkhorn(power=1)(a, b)), 5, rtol=1e-6)
