"""Preferences: log-probabilities of sequences, and limits of the losses on them."""

import numpy as np
import pytest

import keras_losskit as kl
from tests.backends import check_gradient, to_numpy, value_and_gradient, wide

rng = np.random.default_rng(3)
LOGITS = rng.normal(size=(3, 4, 5))
IDS = rng.integers(0, 5, size=(3, 4))
MASK = np.array([[1, 1, 1, 0], [0, 1, 0, 1], [0, 0, 0, 0]], bool)


def by_loops(logits, ids, mask, mean):
    out = []
    for z, row, counts in zip(logits, ids, mask):
        found = [v[k] - np.log(np.exp(v).sum()) for v, k, c in zip(z, row, counts) if c]
        out.append(sum(found) / (len(found) if mean and found else 1))
    return out


@pytest.mark.parametrize("mean", [False, True])
def test_sequence_log_probabilities(mean):
    ids = np.where(MASK, IDS, -100)
    logits = np.where(MASK[..., None], LOGITS, np.nan).astype("float32")
    got = kl.sequence_log_probabilities(logits, ids, MASK, mean=mean)
    np.testing.assert_allclose(to_numpy(got), by_loops(LOGITS, IDS, MASK, mean), rtol=1e-5)
    every = kl.sequence_log_probabilities(LOGITS.astype("float32"), IDS, mean=mean)
    expected = by_loops(LOGITS, IDS, np.ones_like(MASK), mean)
    np.testing.assert_allclose(to_numpy(every), expected, rtol=1e-5)
    with wide():
        check_gradient(
            lambda z: sum(kl.sequence_log_probabilities(z, ids, MASK, mean)), LOGITS
        )


def test_sequence_log_probabilities_refuses_what_does_not_fit():
    for logits, ids, mask in (
        (LOGITS, IDS[:, 1:], None), (LOGITS, IDS, MASK[:, 1:]), (LOGITS[0], IDS, None)
    ):
        with pytest.raises(ValueError, match="sequence_log_probabilities.*logits"):
            kl.sequence_log_probabilities(logits, ids, mask)


def test_smoothing_is_refused_where_it_means_nothing():
    for kind in ("hinge", "ipo"):
        with pytest.raises(ValueError, match="label_smoothing"):
            kl.DPO(label_smoothing=0.1, kind=kind)


def test_a_certain_answer_has_finite_odds():
    for p in ([[0.0, -1.0]], [[-1.0, 0.0]], [[0.0, 0.0]], [[-1e-9, -100.0]]):
        value, gradient = value_and_gradient(
            lambda p: kl.ORPO()([0.0], p), np.array(p, "float32")
        )
        assert np.isfinite(value) and np.isfinite(gradient).all()


def test_the_preferred_answer_gains():
    """One step down the gradient raises the chosen one against the rejected."""
    p = np.array([[-2.0, -2.0]], "float32")
    for loss in (kl.DPO(), kl.DPO(kind="hinge"), kl.DPO(kind="ipo"), kl.ORPO(), kl.SimPO()):
        _, gradient = value_and_gradient(lambda x, f=loss: f(p, x), p)
        assert gradient[0, 0] < 0 < gradient[0, 1]
    for wrong in (np.zeros((2, 3)), np.zeros(2)):
        for loss in (kl.DPO(), kl.ORPO(), kl.SimPO()):
            with pytest.raises(ValueError, match=r"\(B, 2\)"):
                loss(wrong, wrong)
