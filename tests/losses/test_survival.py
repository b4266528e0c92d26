"""Survival losses: ties, masks, limits, and what they are of each other."""

import numpy as np
import pytest
from keras import ops
from scipy import stats

import keras_losskit as kl
from tests.backends import compiled, to_numpy, value_and_gradient, wide
from tests.cases.survival import ROWS, cox

rng = np.random.default_rng(20240918)


def values(loss, y_true, y_pred, *rest):
    with wide():
        return to_numpy(loss(np.asarray(y_true, "float64"), np.asarray(y_pred, "float64"), *rest))


def many(n, times):
    y = np.stack([rng.integers(0, times, size=n), rng.random(n) < 0.6], -1).astype("float64")
    return y, rng.normal(size=(n, 1))


# --- Cox -------------------------------------------------------------------------------------


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("n", [1, 2, 7, 64, 65, 300])
def test_any_number_of_rows_with_many_ties(ties, n):
    y, h = many(n, 1 + n // 8)
    loss = kl.CoxPartialLikelihood(ties, reduction="none", dtype="float64")
    np.testing.assert_allclose(
        values(loss, y, h), np.nan_to_num(cox(y, h, ties, False)), rtol=1e-11, atol=1e-12
    )


def test_values_do_not_depend_on_the_order_of_rows():
    y, h = many(50, 6)
    loss = kl.CoxPartialLikelihood(reduction="none", dtype="float64")
    order = rng.permutation(50)
    np.testing.assert_allclose(values(loss, y[order], h[order]), values(loss, y, h)[order],
                               rtol=1e-12)


def test_strata_are_losses_of_their_own():
    y, h = many(60, 7)
    stratum = rng.integers(0, 4, size=(60, 1)) * 2.5
    loss = kl.CoxPartialLikelihood(strata=True, reduction="sum", dtype="float64")
    alone = kl.CoxPartialLikelihood(reduction="sum", dtype="float64")
    parts = [values(alone, y[k], h[k]) for k in ((stratum == s)[:, 0] for s in np.unique(stratum))]
    np.testing.assert_allclose(
        values(loss, np.concatenate([y, stratum], -1), h), sum(parts), rtol=1e-12
    )


def test_what_weighs_0_is_in_no_risk_set():
    y, h = many(40, 5)
    weights = (np.arange(40) % 3 > 0).astype("float64")
    loss = kl.CoxPartialLikelihood(reduction="sum", dtype="float64")
    kept = weights > 0
    np.testing.assert_allclose(values(loss, y, h, weights), values(loss, y[kept], h[kept]),
                               rtol=1e-12)


def test_log_hazards_of_100_and_of_10000_are_finite_and_exact():
    y = np.array([[1.0, 1], [2, 1], [3, 1]])
    loss = kl.CoxPartialLikelihood(reduction="none")
    for top in (100.0, 1e4):
        h = np.array([[-top], [top], [-top]], "float32")
        got, gradient = value_and_gradient(lambda p: ops.sum(loss(y, p)), h)
        np.testing.assert_allclose(got, 2 * top, rtol=1e-6)
        assert np.isfinite(gradient).all()
    shifted = kl.CoxPartialLikelihood(dtype="float64")
    z = rng.normal(size=(9, 1))
    np.testing.assert_allclose(values(shifted, ROWS, z + 50), values(shifted, ROWS, z), rtol=1e-12)


def test_nothing_to_compare_is_0():
    loss = kl.CoxPartialLikelihood()
    for y in ([[1.0, 0.0], [2.0, 0.0]], [[1.0, 1.0]]):
        h = np.ones((len(y), 1), "float32")
        value, gradient = value_and_gradient(lambda p, y=y: loss(y, p), h)
        assert value == 0 and not gradient.any()


def test_a_column_or_none_and_what_does_not_fit():
    y, h = many(8, 3)
    loss = kl.CoxPartialLikelihood()
    assert float(to_numpy(loss(y, h))) == float(to_numpy(loss(y, h[:, 0])))
    with pytest.raises(ValueError, match=r"time, event, stratum"):
        kl.CoxPartialLikelihood(strata=True)(y, h)
    with pytest.raises(ValueError, match="Times come first"):
        loss(y, np.zeros((8, 2)))
    with pytest.raises(ValueError, match=r"\(B, 2\)"):
        kl.WeibullNLL()(y, h)
    with pytest.raises(ValueError, match=r"\(B, 3\)"):
        kl.DiscreteTimeHazard([0, 1, 2, 3])(y, np.zeros((8, 4)))


def test_a_batch_of_unknown_size_is_compiled_for_thousands():
    y, h = many(3000, 400)
    loss = kl.CoxPartialLikelihood()
    wanted = np.nanmean(cox(y[:300], h[:300], "efron", False))
    given = [ops.convert_to_tensor(x[:300].astype("float32")) for x in (y, h)]
    from tests.backends import BACKEND

    if BACKEND == "tensorflow":
        import tensorflow as tf

        spec = [tf.TensorSpec((None, k), "float32") for k in (2, 1)]
        function = tf.function(lambda t, p: loss(t, p), input_signature=spec, autograph=False)
    else:
        function = next(iter(compiled(lambda t, p: loss(t, p)).values()))
    np.testing.assert_allclose(to_numpy(function(*given)), wanted, rtol=1e-5)


# --- intervals ---------------------------------------------------------------------------------


def test_hazards_are_binary_crossentropies_of_the_intervals_lived():
    z = rng.normal(size=(1, 4))
    got = values(kl.DiscreteTimeHazard(dtype="float64"), [[2, 1]], z)
    each = kl.BinaryCrossentropy(from_logits=True, reduction="none", dtype="float64")
    wanted = 3 * values(each, [[0, 0, 1]], z[:, :3])[0]
    np.testing.assert_allclose(got, wanted, rtol=1e-12)


def test_ends_of_intervals():
    loss = kl.DiscreteTimeHazard([1.0, 2.0, 4.0], reduction="none", dtype="float64")
    z = np.array([[0.3, -0.7]])
    soft = np.log1p(np.exp(z[0])), np.log1p(np.exp(-z[0]))
    for time, event, wanted in (
        (0.5, 1, soft[1][0]), (1.0, 1, soft[1][0]), (2.0, 1, soft[0][0] + soft[1][1]),
        (1.9, 0, soft[0][0]), (4.0, 1, soft[0].sum()), (90.0, 0, soft[0].sum()),
    ):
        np.testing.assert_allclose(values(loss, [[time, event]], z), wanted, rtol=1e-12)


def test_probabilities_of_all_that_may_happen_sum_to_1():
    z = rng.normal(size=(1, 6))
    loss = kl.DeepHit(alpha=1.0, causes=2, dtype="float64")
    cells = [[t, c] for t in range(3) for c in (1, 2)] + [[3, 0]]
    total = sum(np.exp(-values(loss, [cell], z)) for cell in cells)
    np.testing.assert_allclose(total, 1, rtol=1e-12)
    loss = kl.DeepHit(causes=2)
    with pytest.raises(ValueError, match="cause 3.*there are 2"):
        loss(np.array([[0.0, 3.0]]), z)
    with pytest.raises(ValueError, match="2 causes"):
        loss(np.array([[0.0, 1.0]]), z[:, :5])


def test_ranking_pulls_the_earlier_event_forward():
    loss = kl.DeepHit(alpha=0.0)
    y = np.array([[0.0, 1.0], [2.0, 1.0]])
    _, gradient = value_and_gradient(lambda p: loss(y, p), np.zeros((2, 3), "float32"))
    assert gradient[0, 0] < 0 < gradient[1, 0]


# --- Weibull -------------------------------------------------------------------------------


def test_weibull_is_scipys_density_and_survival():
    raw, y = rng.normal(size=(6, 2)), np.abs(rng.normal(size=(6, 1))) + 0.1
    loss = kl.WeibullNLL(reduction="none", dtype="float64")
    scale, shape = (np.log1p(np.exp(raw)) + 1e-6).T
    of = stats.weibull_min(shape, scale=scale)
    got = values(loss, np.concatenate([y, y * 0 + 1], -1), raw)
    np.testing.assert_allclose(got, -of.logpdf(y[:, 0]), rtol=1e-10)
    got = values(loss, np.concatenate([y, y * 0], -1), raw)
    np.testing.assert_allclose(got, -of.logsf(y[:, 0]), rtol=1e-10)


def test_every_combination_of_raw_outputs_of_100_and_times_of_0():
    corners = np.stack([x.ravel() for x in np.meshgrid(*[[-100.0, 0, 100]] * 2)], -1)
    for time in (0.0, 1e-3, 1.0, 1e4):
        for event in (0.0, 1.0):
            y = np.full((9, 2), (time, event))
            value, gradient = value_and_gradient(
                lambda p, y=y: kl.WeibullNLL()(y, p), corners.astype("float32")
            )
            assert np.isfinite(value) and np.isfinite(gradient).all(), (time, event)
