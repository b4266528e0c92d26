"""What distributions are for: links, edges of the support, limits, proper scores, fits."""

import numpy as np
import pytest
from keras import ops
from scipy import special, stats

import keras_losskit as kl
from tests.backends import compiled, to_numpy, value_and_gradient, wide
from tests.cases.distributions import AMOUNTS, COUNTS, POSITIVE, REAL, SHARES, raw

# A target at each edge of the support, and one inside.
EDGES = {
    kl.GaussianNLL: [-3.0, 0.0, 1e4],
    kl.LaplaceNLL: [-3.0, 0.0, 1e4],
    kl.StudentTNLL: [-3.0, 0.0, 1e4],
    kl.LogNormalNLL: [1e-30, 1.0, 1e10],
    kl.BetaNLL: [0.0, 0.3, 1.0],
    kl.NegativeBinomialNLL: [0.0, 1.0, 1e6],
    kl.ZeroInflatedPoissonNLL: [0.0, 1.0, 1e6],
    kl.ZeroInflatedNegativeBinomialNLL: [0.0, 1.0, 1e6],
    kl.ZeroInflatedLogNormalNLL: [0.0, 1e-30, 1e10],
    kl.GaussianCRPS: [-3.0, 0.0, 1e4],
    kl.EvidentialRegression: [-3.0, 0.0, 1e4],
}
losses = pytest.mark.parametrize("loss", EDGES, ids=lambda x: x.__name__)


def values(loss, y_true, y_pred, **common):
    with wide():
        return to_numpy(loss(y_true, np.asarray(y_pred, "float64")))


def exact(loss, *args, **options):
    return loss(*args, reduction="none", dtype="float64", **options)


@losses
def test_every_combination_of_raw_outputs_of_100_is_finite(loss):
    for link in ("softplus", "exp", "identity"):
        made = loss(link=link, reduction="none")
        corners = np.meshgrid(*[[-100.0, 0.0, 100.0]] * made.blocks)
        rows = np.stack([x.ravel() for x in corners], -1).astype("float32")
        for y in EDGES[loss]:
            target = np.full((len(rows), 1), y, "float32")
            value, gradient = value_and_gradient(
                lambda p, f=made, t=target: ops.sum(1e-3 * f(t, p)), rows  # Of large numbers.
            )
            assert np.isfinite(value) and np.isfinite(gradient).all(), (link, y)


@losses
def test_one_target_may_come_without_an_axis_and_targets_in_several(loss):
    y, made = np.array(EDGES[loss], "float64"), exact(loss)
    y_pred = np.random.default_rng(3).normal(size=(3, made.blocks))
    flat = values(made, y, y_pred)
    assert flat.shape == (3,)
    np.testing.assert_array_equal(values(made, y[:, None], y_pred), flat)
    twice = values(made, np.stack([y, y], -1), np.repeat(y_pred, 2, axis=-1))
    np.testing.assert_allclose(twice, flat, rtol=1e-14)


def test_links():
    y, z = np.array([[0.3]]), 0.7
    for link, scale in (
        ("softplus", np.log1p(np.exp(z)) + 1e-3), ("exp", np.exp(z) + 1e-3), ("identity", z),
    ):
        loss = exact(kl.GaussianNLL, link, 1e-3)
        got = values(loss, y, [[0.1, z]])
        np.testing.assert_allclose(got, -stats.norm.logpdf(0.3, 0.1, scale), rtol=1e-12)
    low = values(exact(kl.GaussianNLL, "identity", 0.5), y, [[0.1, -2.0]])
    np.testing.assert_allclose(low, -stats.norm.logpdf(0.3, 0.1, 0.5), rtol=1e-12)
    top = values(exact(kl.LaplaceNLL, "exp"), y, [[0.1, 100.0]])
    np.testing.assert_allclose(top, np.log(2) + 80, rtol=1e-12)


def test_what_does_not_fit_says_how_many_parameters_it_takes():
    with pytest.raises(ValueError, match=r"3 raw parameters.*y_pred \(…, 6\)"):
        kl.StudentTNLL()(np.zeros((4, 2)), np.zeros((4, 4)))
    with pytest.raises(ValueError, match=r"each of 3 components.*y_pred \(…, 15\)"):
        kl.GaussianMixtureNLL(3)(np.zeros((4, 2)), np.zeros((4, 9)))
    with pytest.raises(ValueError, match="M members"):
        kl.EnsembleCRPS()(np.zeros((4, 2)), np.zeros((4, 5)))


# --- what the kit's other losses are of them ---------------------------------------------


def test_the_limits_of_one_are_another():
    y, m = REAL.reshape(-1, 1), np.zeros((24, 1))
    ones = m + 1
    gaussian = values(exact(kl.GaussianNLL, "identity"), y, np.concatenate([m, ones], -1))
    squared = values(exact(kl.MeanSquaredError), y, m)
    np.testing.assert_allclose(gaussian, 0.5 * np.log(2 * np.pi) + 0.5 * squared, rtol=1e-12)
    student = exact(kl.StudentTNLL, "identity")
    got = values(student, y, np.concatenate([m, ones, m + 1e9], -1))
    np.testing.assert_allclose(got, gaussian, rtol=1e-6)
    sharp = values(exact(kl.GaussianCRPS, "identity"), y, np.concatenate([m, m], -1))
    np.testing.assert_allclose(sharp, abs(y[:, 0]), atol=2e-6)
    for dtype in ("float32", "float64"):
        with wide():
            count, rate = COUNTS.reshape(-1, 1).astype(dtype), np.full((24, 1), 2.5, dtype)
            r = np.full((24, 1), 1e12, dtype)
            made = kl.NegativeBinomialNLL("identity", reduction="none", dtype=dtype)
            got = to_numpy(made(count, np.concatenate([rate, r], -1)))
        wanted = -stats.poisson.logpmf(COUNTS.ravel(), 2.5)
        np.testing.assert_allclose(got, wanted, rtol=2e-5)


def test_one_component_is_a_normal_distribution():
    y_pred = np.random.default_rng(4).normal(size=(4, 3, 4))
    mixed = np.concatenate([np.full((4, 3, 1), 7.0), y_pred], -1)
    got = values(exact(kl.GaussianMixtureNLL, 1), REAL, mixed)
    np.testing.assert_allclose(got, 2 * values(exact(kl.GaussianNLL), REAL, y_pred), rtol=1e-12)


def test_beta_nll_has_the_slope_of_half_the_squared_error():
    y_pred = raw(2)
    with wide():
        loss = kl.GaussianNLL(beta=1.0, reduction="sum", dtype="float64")
        _, gradient = value_and_gradient(lambda p: loss(REAL, p), y_pred)
    np.testing.assert_allclose(gradient[..., :2], (y_pred[..., :2] - REAL) / 2, rtol=1e-10)


# --- digits --------------------------------------------------------------------------------


@pytest.mark.parametrize("r", [1e-3, 1.0, 50.0, 1e4, 1e6])
def test_digits_of_a_negative_binomial_in_float32(r):
    y = np.array([0, 1, 2, 10, 100, 1000, 1000, 100000], "float32")[:, None]
    mean = np.array([0.5, 1, 3, 9, 120, 900, 1001, 100100], "float32")[:, None]
    y_pred = np.concatenate([mean, np.full_like(mean, r)], -1)
    got = to_numpy(kl.NegativeBinomialNLL("identity", reduction="none")(y, y_pred))
    wide_r = float(np.float32(r))
    wanted = -stats.nbinom.logpmf(y[:, 0], wide_r, wide_r / (wide_r + mean[:, 0].astype(float)))
    # Log-gammas of a size of y·log y cancel: none is formed.
    np.testing.assert_allclose(got, wanted, rtol=5e-6, atol=5e-7)


def test_a_gate_is_a_gate():
    """σ(g): of a zero in counts, of more than a zero in amounts."""
    for loss, zeros in (
        (kl.ZeroInflatedPoissonNLL, 1), (kl.ZeroInflatedNegativeBinomialNLL, 1),
        (kl.ZeroInflatedLogNormalNLL, -1),
    ):
        made = exact(loss)
        y_pred = np.zeros((2, made.blocks))
        y_pred[:, -1] = 30.0 * zeros
        assert values(made, np.array([0.0, 1.0]), y_pred)[0] < 1e-9
        assert values(made, np.array([0.0, 1.0]), y_pred)[1] > 29


# --- log-normal: what is not positive ----------------------------------------------------


def test_an_amount_of_zero_is_refused_where_it_is_seen_and_left_out_where_not():
    y, y_pred = AMOUNTS[:, 0], raw(2)[:, 0]
    y[1], y[2, 0], y[3] = 0.0, 0.0, 2.0
    with pytest.raises(ValueError, match="y_true holds 0, but it takes numbers > 0"):
        kl.LogNormalNLL()(y, y_pred)
    assert np.isfinite(to_numpy(kl.LogNormalNLL()(y, y_pred, np.array([0.0, 0, 0, 1]))))

    def step(t, p):
        return kl.LogNormalNLL()(t, p)

    seen = [-stats.lognorm.logpdf(t, np.log1p(np.exp(s)) + 1e-6, scale=np.exp(m))
            for t, m, s in zip(y.ravel(), y_pred[:, :2].ravel(), y_pred[:, 2:].ravel())]
    seen = np.where(y > 0, np.reshape(seen, y.shape), 0)
    rows = seen.sum(-1) / np.maximum((y > 0).sum(-1), 1)
    wanted = rows.sum() / (y > 0).any(-1).sum()
    given = [ops.convert_to_tensor(x.astype("float32")) for x in (y, y_pred)]
    from tests.backends import BACKEND

    if BACKEND != "torch":
        for function in compiled(step).values():
            np.testing.assert_allclose(to_numpy(function(*given)), wanted, rtol=1e-5)


# --- scores that are least at the truth -----------------------------------------------------


def test_losses_are_least_where_the_targets_come_from():
    rng = np.random.default_rng(8)
    n = 20000
    draws = {
        (kl.GaussianNLL, (1.0, 2.0)): rng.normal(1, 2, n),
        (kl.GaussianCRPS, (1.0, 2.0)): rng.normal(1, 2, n),
        (kl.LaplaceNLL, (1.0, 2.0)): rng.laplace(1, 2, n),
        (kl.StudentTNLL, (1.0, 2.0, 3.0)): 1 + 2 * rng.standard_t(5, n),
        (kl.LogNormalNLL, (1.0, 0.5)): rng.lognormal(1, 0.5, n),
        (kl.BetaNLL, (2.0, 3.0)): rng.beta(2, 3, n),
        (kl.NegativeBinomialNLL, (4.0, 2.0)): rng.negative_binomial(2, 2 / 6, n),
        (kl.ZeroInflatedPoissonNLL, (4.0, -1.0)): rng.poisson(4, n) * (
            rng.random(n) > special.expit(-1)
        ),
    }
    for (loss, truth), y in draws.items():
        made = loss("identity")
        point = np.array(truth)
        if loss is kl.StudentTNLL:  # ν = 2 + softplus(r) is 5.
            point[2] = np.log(np.expm1(3.0))
        rows = np.repeat(point[None].astype("float32"), n, 0)
        here, gradient = value_and_gradient(
            lambda p, made=made, y=y: made(y.astype("float32"), p), rows
        )
        # A mean of n scores: each of them of a size of 1.
        assert abs(gradient.sum(0)).max() < 5 / np.sqrt(n), loss.__name__
        for shift in np.eye(len(point)) * 0.3:
            for sign in (1, -1):
                moved = to_numpy(made(y.astype("float32"), rows + (sign * shift).astype("f4")))
                assert moved > here, (loss.__name__, shift)


def test_a_fair_score_asks_for_the_right_spread_and_an_empirical_one_for_less():
    rng = np.random.default_rng(9)
    y, members = rng.normal(size=(40000, 1)), rng.normal(size=(40000, 4))
    found = {}
    for fairness in (0.0, 1.0):
        loss = kl.EnsembleCRPS(fairness)
        scores = [float(to_numpy(loss(y, members * s))) for s in (0.7, 0.85, 1.0, 1.15)]
        found[fairness] = int(np.argmin(scores))
    assert found == {0.0: 1, 1.0: 2} or found == {0.0: 0, 1.0: 2}
    # Of the normal distribution itself, E|X - y| - ½·E|X - X'| = 1/√π.
    fair = float(to_numpy(kl.EnsembleCRPS()(y, members)))
    assert abs(fair - 1 / np.sqrt(np.pi)) < 0.02


def test_members_may_have_an_axis_of_their_own():
    rng = np.random.default_rng(10)
    y, members = rng.normal(size=(5, 2)), rng.normal(size=(5, 2, 7))
    beside = np.concatenate([members[..., i] for i in range(7)], -1)
    loss = exact(kl.EnsembleCRPS)
    apart = values(loss, y, members)
    np.testing.assert_allclose(apart, values(loss, y, beside), rtol=1e-14)
    np.testing.assert_allclose(
        values(loss, y[:, 0], members[:, 0]), values(loss, y[:, :1], members[:, :1]), rtol=1e-14
    )
    one = values(loss, y, members[..., :1])
    np.testing.assert_allclose(one, abs(y - members[..., 0]).mean(-1), rtol=1e-14)


# --- entries that are masked -----------------------------------------------------------------


def test_an_entry_that_is_missing_masks_all_of_its_parameters():
    y, y_pred = POSITIVE[:, 0].copy(), raw(2)[:, 0]
    y[0, 1] = np.nan
    spoilt = y_pred.copy()
    spoilt[0, 1] = spoilt[0, 3] = np.nan
    loss = kl.GaussianNLL(missing="nan")
    clean, clean_gradient = value_and_gradient(lambda p: loss(y, p), y_pred.astype("float32"))
    value, gradient = value_and_gradient(lambda p: loss(y, p), spoilt.astype("float32"))
    np.testing.assert_allclose(value, clean, rtol=1e-6)
    np.testing.assert_allclose(gradient, clean_gradient, rtol=1e-6)
    assert not gradient[0, [1, 3]].any()


def test_weights_of_entries_where_entries_are_values():
    y, y_pred = SHARES[:, 0], raw(2)[:, 0]
    weights = np.arange(8.0).reshape(4, 2)
    loss = kl.BetaNLL(missing=-1)
    each = to_numpy(kl.BetaNLL(missing=-1, reduction="none")(y, y_pred))
    got = to_numpy(loss(y, y_pred, weights))
    np.testing.assert_allclose(got, (each * weights).sum() / 8, rtol=1e-5)
