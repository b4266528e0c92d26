"""Some rows as anchors, the others as candidates only: what a batch with all of them says."""

import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from keras_losskit.core import anchors
from tests.backends import BACKEND, to_numpy, value_and_gradient
from tests.losses.test_metric_learning import sizes
from tests.training.gathering import CASES, batch

ROWS = [c for c in CASES if not c.batch]
MASK = np.array([True, True, False, True, True])
WEIGHTS = np.array([1.0, 0.5, 1.0, 2.0, 0.7], "float32")


@pytest.mark.parametrize("case", ROWS, ids=lambda c: c.id)
@pytest.mark.parametrize("start", [0, 2] if BACKEND != "jax" else [2])
def test_anchors_have_the_values_that_they_have_among_all(case, start):
    y_true, y_pred = batch(case)
    own = slice(start, start + 3)
    among = case.make(reduction="none")
    of_all = to_numpy(among.evaluate(y_true, y_pred, WEIGHTS, MASK))

    def of_anchors(p):
        with anchors.only(start, 3):
            return among.evaluate(y_true, p, WEIGHTS, MASK)

    found = to_numpy(of_anchors(ops.convert_to_tensor(y_pred)))
    np.testing.assert_allclose(found, of_all[own], rtol=1e-5, atol=1e-6)
    _, gradient = value_and_gradient(lambda p: ops.sum(of_anchors(p)), y_pred)
    _, expected = value_and_gradient(
        lambda p: ops.sum(among.evaluate(y_true, p, WEIGHTS, MASK)[own]), y_pred
    )
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=2e-6)
    assert np.abs(gradient).max() > 1e-4


def test_a_mean_counts_the_anchors_that_have_pairs():
    ids, x = np.array([0, 0, 1, 2, 2]), np.arange(5.0)[:, None] ** 2  # Class 1 has one sample.
    loss = kl.TripletHard(margin=20.0)
    each = to_numpy(kl.TripletHard(margin=20.0, reduction="none")(ids, x))
    with anchors.only(1, 3):
        np.testing.assert_allclose(to_numpy(loss(ids, x)), (each[1] + each[3]) / 2, rtol=1e-6)
    with anchors.only(2, 1):
        assert to_numpy(loss(ids, x)) == 0


@pytest.mark.skipif(BACKEND == "torch", reason="torch has no graph to look at")
@pytest.mark.parametrize("loss", [kl.SupervisedContrastive(), kl.TripletSemiHard(), kl.Circle()])
def test_candidates_are_not_compared_with_each_other(loss):
    n, own = 64, 4
    x = ops.convert_to_tensor(np.random.default_rng(3).normal(size=(n, 5)).astype("float32"))

    def of_few(ids, x):
        with anchors.only(0, own):
            return loss(ids, x)

    ids = ops.convert_to_tensor(np.arange(n) % 5)
    assert max(sizes(of_few, ids, x)) <= 2 * own * n + 5 * n
    assert max(sizes(loss, ids, x)) >= n * n


def test_one_number_for_a_batch_has_no_anchors():
    x = np.eye(3, dtype="float32")
    with anchors.only(0, 2), pytest.raises(ValueError, match="barlow_twins: it is one number"):
        kl.BarlowTwins()(x, x)
    assert anchors.current() is None
