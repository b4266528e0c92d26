"""Losses of registration: windows of any length, masks, borders, what costs nothing."""

import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from keras_losskit.core import windows
from tests.backends import BACKEND, to_numpy, value_and_gradient, wide
from tests.cases.registration import FIELD, FLAT
from tests.cases.restoration import PICTURE, RESTORED

rng = np.random.default_rng(20240804)
LNCC = kl.LocalNormalizedCrossCorrelation


# --- windows --------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 5, 9, 16, 21])
def test_windows_of_every_length_are_sums_and_their_gradient_too(size):
    x, up = rng.normal(size=(2, 25, 2)), rng.normal(size=(2, 26 - size, 2))
    with wide():
        got = to_numpy(windows.box_sums(ops.convert_to_tensor(x), size, (1,)))
        _, gradient = value_and_gradient(
            lambda x: ops.sum(ops.convert_to_tensor(up) * windows.box_sums(x, size, (1,))), x
        )
        kernel = list(rng.normal(size=size))
        filtered = to_numpy(windows.filtered(ops.convert_to_tensor(x), kernel, (1,)))
        least = to_numpy(windows.least(ops.convert_to_tensor(x), size, 1))
    expected = np.zeros_like(x)
    for i in range(26 - size):
        part = x[:, i : i + size]
        np.testing.assert_allclose(got[:, i], part.sum(1), rtol=1e-12, atol=1e-12)
        weighed = np.einsum("k,bkc->bc", kernel, part)
        np.testing.assert_allclose(filtered[:, i], weighed, rtol=1e-10, atol=1e-12)
        np.testing.assert_array_equal(least[:, i], part.min(1))
        expected[:, i : i + size] += up[:, i : i + 1]
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-12)


# --- correlation ----------------------------------------------------------------------------


def test_a_linear_change_of_brightness_costs_nothing_inside():
    """Away from the border of zeros: also of a negative."""
    y = rng.uniform(size=(1, 30, 30, 1)).astype("float32")
    centre = np.full((1, 30, 30), 1e-9, "float32")  # Of weight 0 they would be as outside.
    centre[:, 3:-3, 3:-3] = 1
    for p in (0.5 * y + 3, 2 - y):
        assert float(LNCC(window=7)(y, p, centre)) < 1e-5
    assert float(LNCC(window=7)(y, rng.uniform(size=y.shape), centre)) > 0.9


def test_a_flat_patch_correlates_with_nothing():
    y = rng.uniform(size=(1, 12, 12, 1)).astype("float32")
    for level in (0.0, 0.3):  # 0 everywhere, and a step at the border of zeros.
        flat = np.full_like(y, level)
        value, gradient = value_and_gradient(lambda p: LNCC(window=3)(y, p), flat)
        assert np.isfinite(value) and np.isfinite(gradient).all()
    centre = np.full((1, 12, 12), 1e-9, "float32")  # Of weight 0 they would be as outside.
    centre[:, 1:-1, 1:-1] = 1
    assert float(LNCC(window=3)(y, flat, centre)) > 1 - 1e-6
    assert float(LNCC(window=3)(flat, flat, centre)) > 1 - 1e-6


def test_masked_positions_are_as_outside():
    y, p = PICTURE, RESTORED
    mask = np.zeros(y.shape[:-1], bool)
    mask[:, :5] = True
    junk = np.where(mask[..., None], p, np.nan).astype("float32")
    for loss in (LNCC(window=3, kernel="gaussian"), kl.MutualInformation(bins=5)):
        value, gradient = value_and_gradient(lambda p, f=loss: f.evaluate(y, p, None, mask), junk)
        np.testing.assert_allclose(value, float(loss(y[:, :5], p[:, :5])), rtol=1e-5)
        assert np.isfinite(gradient).all() and not gradient[:, 5:].any()


def test_bright_pictures_keep_their_digits():
    texture = rng.normal(size=(1, 24, 24, 1))
    y = (1000 + texture).astype("float32")
    p = (1000 + texture + 0.1 * rng.normal(size=y.shape)).astype("float32")
    centre = np.full((1, 24, 24), 1e-9, "float32")  # Of weight 0 they would be as outside.
    centre[:, 4:-4, 4:-4] = 1
    with wide():
        exact = float(LNCC(dtype="float64")(y, p, centre))
    np.testing.assert_allclose(float(LNCC()(y, p, centre)), exact, rtol=1e-3)


# --- information ----------------------------------------------------------------------------


def test_information_of_bins_apart_is_shannons():
    """Narrow windows at the centers: counts of pairs."""
    a, b = rng.integers(0, 4, size=(2, 1, 20, 10, 1))
    b = np.where(rng.random(b.shape) < 0.6, (3 - a), b)
    joint = np.zeros((4, 4))
    np.add.at(joint, (a.ravel(), b.ravel()), 1 / a.size)
    alone = joint.sum(1)[:, None] * joint.sum(0)
    expected = -(joint[joint > 0] * np.log((joint / alone)[joint > 0])).sum()
    loss = kl.MutualInformation(bins=4, sigma_ratio=0.05, value_range=(0, 3))
    np.testing.assert_allclose(float(loss(a, b)), expected, rtol=1e-5)


def test_information_pulls_pictures_of_two_modalities_together():
    rows, columns = np.meshgrid(*(np.linspace(-1, 1, 24),) * 2, indexing="ij")

    def ring(shift):
        return np.exp(-8 * (np.hypot(rows - shift, columns) - 0.5) ** 2)[None, ..., None]

    loss = kl.MutualInformation(bins=16)
    off = [float(loss(ring(0.0), (1 - ring(shift)) ** 2)) for shift in (0.0, 0.1, 0.2, 0.4)]
    assert off == sorted(off)


# --- fields -----------------------------------------------------------------------------------


def grid(shape):
    return np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)[None].astype("float64")


def test_what_is_affine_does_not_bend_and_what_is_shifted_has_no_slope():
    for shape in ((6, 7), (4, 5, 6)):
        x = grid(shape)
        affine = x @ rng.normal(size=(len(shape),) * 2) + 2
        with wide():
            assert float(kl.BendingEnergy(dtype="float64")(x, affine)) < 1e-24
            assert float(kl.DisplacementGradient(dtype="float64")(x, 0 * x + 3)) == 0
            # u = i·j: ∂²u/∂i∂j = 1, twice, in one component.
            bent = 0 * x
            bent[..., 0] = x[..., 0] * x[..., 1]
            got = float(kl.BendingEnergy(dtype="float64")(x, bent))
        np.testing.assert_allclose(got, 2 / len(shape), rtol=1e-12)


def test_a_checkerboard_is_seen():
    x = grid((6, 6))
    board = (x.sum(-1, keepdims=True) % 2) * np.ones(2)
    assert float(kl.DisplacementGradient()(x, board)) == 1
    assert float(kl.BendingEnergy()(x, board)) == 8


def test_masked_positions_of_fields_have_no_neighbours():
    for u in (FLAT, FIELD):
        mask = np.zeros(u.shape[:-1], bool)
        mask[:, :3] = True
        junk = np.where(mask[..., None], u, np.nan).astype("float32")
        for loss in (kl.BendingEnergy(), kl.DisplacementGradient("l1")):
            value, gradient = value_and_gradient(
                lambda p, f=loss, u=u, m=mask: f.evaluate(u, p, None, m), junk
            )
            np.testing.assert_allclose(value, float(loss(u, u[:, :3])), rtol=1e-5)
            assert np.isfinite(gradient).all() and not gradient[:, 3:].any()


def test_fields_of_another_shape_raise():
    with pytest.raises(ValueError, match="must be 2"):
        kl.DisplacementGradient()(np.zeros(2), np.zeros((2, 5, 5, 3)))
    with pytest.raises(ValueError, match="at least 3"):
        kl.BendingEnergy()(np.zeros(2), np.zeros((2, 5, 2, 2)))


@pytest.mark.skipif(BACKEND != "tensorflow", reason="unknown sizes exist in tf.function")
def test_sides_may_be_unknown():
    import tensorflow as tf

    spec = tf.TensorSpec((None, None, None, 2))
    for loss in (LNCC(window=3), kl.MutualInformation(bins=4), kl.BendingEnergy(normalize=True)):
        y, p = (x.astype("float32") for x in (PICTURE, RESTORED))
        got = tf.function(loss.evaluate, input_signature=[spec, spec])(y, p)
        np.testing.assert_allclose(float(got), float(loss(y, p)), rtol=1e-5)
