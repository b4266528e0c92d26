"""Generators and critics: what the averages leave out, and both signs of targets."""

import numpy as np
import pytest

import keras_losskit as kl
from tests.backends import to_numpy, value_and_gradient
from tests.cases.adversarial import OTHER, SCORES


def test_wasserstein_reads_0_as_minus_1():
    loss = kl.Wasserstein(reduction="none")
    np.testing.assert_array_equal(to_numpy(loss([0, 1, -1], [2.0, 3.0, 4.0])), [2, -3, 4])


@pytest.mark.parametrize("kind", ["bce", "hinge", "squared"])
def test_masked_rows_leave_both_means(kind):
    loss = kl.RelativisticAverage(kind)
    mask = np.array([True, False, True, True])
    spoilt, other = (np.where(mask[:, None], x, np.nan).astype("float32") for x in (SCORES, OTHER))
    value, gradient = value_and_gradient(lambda p: loss.evaluate(other, p, None, mask), spoilt)
    np.testing.assert_allclose(value, to_numpy(loss(OTHER[mask], SCORES[mask])), rtol=1e-5)
    assert np.isfinite(gradient).all() and not gradient[1].any()
    _, by_other = value_and_gradient(lambda t: loss(t, SCORES), OTHER)
    assert by_other.any()
