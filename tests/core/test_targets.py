"""Targets out of range: refused where they count, and never looked at where they don't."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from keras_losskit.core import targets
from keras_losskit.core.takes import takes_of
from tests.backends import BACKEND, to_numpy, value_and_gradient
from tests.cases import CASES

WITH_IDS = [
    case for case in CASES
    if case.y_true.dtype.kind == "i" and case.y_true.ndim < case.y_pred.ndim
    and getattr(takes_of(case.make()), "y_true", "") in ("classes", "distribution", "ids", "ranks")
]


def first_only(case):
    """Weights that count all samples but the last."""
    weights = np.ones(len(case.y_true), "float32")
    weights[-1] = 0
    return weights


@pytest.mark.parametrize("case", WITH_IDS, ids=lambda case: case.id)
def test_a_weight_of_0_removes_an_id_out_of_range(case):
    loss, weights = case.make(), first_only(case)
    known = case.y_true.copy()  # By ids that are not ignored, which would not be counted.
    known[-1] = 1 if case.options.get("ignore_class") == 0 else 0
    plain = float(to_numpy(ops.sum(loss(known, case.y_pred, weights))))
    for padding in (-1, 255):
        y = case.y_true.copy()
        y[-1] = padding
        for dtype in ("int64", "float32"):
            given = ops.convert_to_tensor(y.astype(dtype))
            value, gradient = value_and_gradient(
                lambda p, given=given: ops.sum(loss(given, p, weights)),
                case.y_pred.astype("float32"),
            )
            assert float(value) == pytest.approx(plain, rel=1e-5)
            assert np.isfinite(gradient).all() and not gradient[-1].any()
        if takes_of(loss).y_true != "ids":  # Which are only compared with each other.
            with pytest.raises(ValueError, match=str(padding)):
                loss(y, case.y_pred)


def test_padding_within_a_sample_is_removed_by_its_weight():
    y = np.array([[3, 1, -1], [2, -1, -1]])
    p = np.random.default_rng(0).normal(size=(2, 3, 5)).astype("float32")
    w = (y >= 0).astype("float32")
    losses = [
        kl.CategoricalCrossentropy(from_logits=True), kl.CategoricalFocalCrossentropy(
            from_logits=True
        ),
        kl.PolyCrossentropy(from_logits=True), kl.CategoricalHinge(), kl.Sparsemax(),
        kl.GeneralizedCrossentropy(from_logits=True), kl.LDAM([5, 4, 3, 2, 1]),
    ]
    for loss in losses:
        for one in (loss, 0.5 * loss + loss, loss.on(y_pred=slice(None))):
            found = to_numpy(one(y, p, w))
            np.testing.assert_allclose(found, to_numpy(one(np.maximum(y, 0), p, w)), rtol=1e-6)


def test_a_mask_removes_ids_out_of_range_too():
    loss = kl.CategoricalCrossentropy(from_logits=True)
    y = np.array([1, -1, 2])
    p = ops.convert_to_tensor(np.random.default_rng(1).normal(size=(3, 3)).astype("float32"))
    mask = np.array([True, False, True])
    found = to_numpy(loss.evaluate(y, p, None, mask))
    np.testing.assert_allclose(found, to_numpy(loss(y[mask], ops.take(p, [0, 2], axis=0))), 1e-6)
    for bad in (y, y.astype("float32")):
        with pytest.raises(ValueError, match="class id -1"):
            loss(bad, p)


# --- the range that is declared, at its ends ---------------------------------------------


def range_of(case):
    return takes_of(case.make()).range


RANGED = [
    case for case in CASES
    if takes_of(case.make()) is not None and case.y_true.shape == case.y_pred.shape
    and np.isfinite(range_of(case)[0]) and case.y_true.dtype.kind == "f"
    and takes_of(case.make()).shapes not in ("views", "lists", "boxes", "free")
]


@pytest.mark.parametrize("case", RANGED, ids=lambda case: case.id)
def test_gross_targets_are_refused_and_noisy_ones_are_not(case):
    loss, (low, high) = case.make(), range_of(case)
    wide = high - low
    for bad in (low - 5, high + 254) if np.isfinite(wide) else (low - 5,):
        y = case.y_true.astype("float32")
        y.flat[1] = bad
        with pytest.raises(ValueError, match="y_true"):
            loss(y, case.y_pred)
        y.flat[1] = np.nan  # No range says anything of it.
        y.flat[2] = bad
        with pytest.raises(ValueError, match="y_true"):
            loss(y, case.y_pred)
    if np.isfinite(wide) and case.make().takes.y_true == "probability":
        y = case.y_true.astype("float32")
        y.flat[1] = high + 0.05  # As recipes that add noise to labels have it.
        assert np.isfinite(to_numpy(ops.sum(loss(y, case.y_pred))))


@pytest.mark.skipif(BACKEND != "tensorflow", reason="ragged tensors are TensorFlow's")
def test_ragged_targets_are_refused_by_name():
    import tensorflow as tf

    ragged = tf.ragged.constant([[1.0], [2.0, 3.0]])
    dense = np.zeros((2, 2), "float32")
    losses = [
        kl.MeanSquaredError(), kl.MeanSquaredError() + kl.Huber(), kl.as_loss("mse"),
        kl.MeanSquaredError().on(y_pred=0), kl.MeanSquaredError() * kl.Huber(),
    ]
    for loss, pair in itertools.product(losses, [(ragged, dense), (dense, ragged)]):
        with pytest.raises(ValueError, match="ragged.*Pad it"):
            loss(*pair)


def test_masks_of_a_column():
    y, p = np.array([1.0, 2.0, 3.0]), np.array([0.0, 0.0, 0.0], "float32")
    for mask in ([[True], [False], [True]], [True, False, True]):
        for loss in (kl.MeanSquaredError(), 1.0 * kl.as_loss("mse")):
            found = loss.evaluate(y, ops.convert_to_tensor(p), None, np.array(mask))
            assert float(to_numpy(found)) == 5.0
            column = loss.evaluate(
                y[:, None], ops.convert_to_tensor(p[:, None]), None, np.array(mask)
            )
            assert float(to_numpy(column)) == 5.0


def test_one_hot():
    ids = ops.convert_to_tensor(np.array([2, -1, 0, 3], "int32"))
    np.testing.assert_array_equal(
        to_numpy(targets.one_hot(ids, 3, "float32")), [[0, 0, 1], [0, 0, 0], [1, 0, 0], [0, 0, 0]]
    )


@pytest.mark.parametrize(("y", "p", "expected"), [
    ((4,), (4, 3), True), ((4, 1), (4, 3), True), ((4, 3), (4, 3), False),
    ((4,), (4, 1), False), ((4, 1), (4, 1), False), ((4,), (4,), False),
    ((4, 5), (4, 5, 3), True), ((4, 5, 1), (4, 5, 3), True), ((4, 5), (4, 3), False),
])
def test_ids_are_told_by_shape(y, p, expected):
    assert targets.holds_ids(keras.KerasTensor(y), keras.KerasTensor(p)) == expected
