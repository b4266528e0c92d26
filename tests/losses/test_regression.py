"""Targets of which entries are missing, and the options of single losses."""

import inspect
import math

import keras
import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from keras_losskit.core.elementwise import IncompleteLoss
from tests import cases
from tests.backends import compiled, to_numpy, value_and_gradient
from tests.cases.case import is_missing

rng = np.random.default_rng(31)
GAPS = [c for c in cases.CASES if c.options.get("missing") is not None]
each = pytest.mark.parametrize("case", GAPS, ids=lambda c: c.id)
TRUE = np.array([[1.0, np.nan, 0.0], [0.0, 1.0, np.nan], [np.nan] * 3])
PROBS = np.array([[0.8, 0.3, 0.2], [0.4, 0.6, 0.5], [0.1, 0.2, 0.3]])
CROSSENTROPY = -(TRUE * np.log(PROBS) + (1 - TRUE) * np.log(1 - PROBS))


def number(loss, *arguments):
    return to_numpy(loss(*arguments))


# --- missing targets --------------------------------------------------------------------


def test_which_losses_take_missing_targets():
    taking = {c.loss for c in GAPS}
    offered = {
        loss for loss in {c.loss for c in cases.CASES}
        if "missing" in inspect.signature(loss).parameters
    }
    assert taking == offered
    elementwise = {c.loss for c in cases.regression.CASES} - {
        kl.RootMeanSquaredError, kl.ScaleInvariantLog, kl.CosineSimilarity
    }
    binary = {kl.BinaryCrossentropy, kl.BinaryFocalCrossentropy, kl.AsymmetricMultiLabel}
    # A mixture's value is of a position, not of its entries.
    distributions = {c.loss for c in cases.distributions.CASES} - {kl.GaussianMixtureNLL}
    assert offered == elementwise | binary | distributions


def of_predictions(known, case):
    """Which predictions are of known targets: all blocks of parameters, all members."""
    if case.takes.shapes not in ("blocks", "members"):
        return known
    if case.y_pred.ndim > known.ndim:
        return np.broadcast_to(known[..., None], case.y_pred.shape)
    return np.concatenate([known] * (case.y_pred.shape[-1] // known.shape[-1]), axis=-1)


@each
def test_a_mean_is_over_the_known_entries(case):
    expected = case.values()
    known = np.broadcast_to(
        ~is_missing(case.y_true.reshape(*case.y_true.shape, *(1,) * (
            expected.ndim - case.y_true.ndim
        )), case.options["missing"]),
        expected.shape,
    )
    assert not expected[~known].any() and 0 < known.sum() < known.size
    predicted = of_predictions(known, case)
    spoilt = np.where(predicted, case.y_pred, np.nan).astype("float32")
    loss = case.make()
    value, gradient = value_and_gradient(lambda p: loss(case.y_true, p), spoilt)
    np.testing.assert_allclose(value, expected.sum() / known.sum(), rtol=1e-5)
    assert np.isfinite(gradient).all() and not gradient[~predicted].any()
    # Of samples, and of entries: weights meet the entries' values.
    for weights in (rng.uniform(0, 2, len(known)), rng.uniform(0, 2, known.shape)):
        w = weights.reshape(*weights.shape, *(1,) * (known.ndim - weights.ndim)) * known
        by_weight = case.make(reduction="mean_with_sample_weight")
        np.testing.assert_allclose(
            number(by_weight, case.y_true, spoilt, weights), (w * expected).sum() / w.sum(),
            rtol=1e-5,
        )
    mask = np.arange(len(known)) != 1
    np.testing.assert_allclose(
        to_numpy(loss.evaluate(case.y_true, spoilt, None, mask)),
        expected[mask].sum() / known[mask].sum(), rtol=1e-5,
    )


@each
def test_nothing_known_is_0(case):
    marker = math.nan if case.options["missing"] == "nan" else case.options["missing"]
    y_true = np.full(case.y_true.shape, marker)
    loss = case.make()
    value, gradient = value_and_gradient(
        lambda p: loss(y_true, p), np.full(case.y_pred.shape, np.nan, "float32")
    )
    assert value == 0 and not gradient.any()


@each
def test_missing_targets_compile(case):
    loss = case.make()
    y_true, y_pred = case.y_true.astype("float32"), case.y_pred.astype("float32")
    expected = number(loss, y_true, y_pred)
    for how, function in compiled(lambda t, p: loss(t, p)).items():
        got = function(ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred))
        np.testing.assert_allclose(to_numpy(got), expected, rtol=1e-5, err_msg=how)


@pytest.mark.parametrize("dtype", ["int32", "int8", "float32", "float64"])
def test_whole_numbers_mark_missing_labels(dtype):
    y_true = np.nan_to_num(TRUE, nan=-1.0).astype(dtype)
    loss = kl.BinaryCrossentropy(missing=-1)
    for how, function in {"eager": loss, **compiled(lambda t, p: loss(t, p))}.items():
        got = function(ops.convert_to_tensor(y_true), ops.convert_to_tensor(PROBS, "float32"))
        np.testing.assert_allclose(
            to_numpy(got), np.nanmean(CROSSENTROPY), rtol=1e-5, err_msg=how
        )
    with pytest.raises(ValueError, match="class id -1"):
        kl.BinaryCrossentropy()(y_true.astype("int32"), PROBS)


@pytest.mark.parametrize("dtype", ["uint8", "int32"])
def test_ids_that_are_missing_are_whole_rows(dtype):
    ids, missing = np.array([2, 255, 0]).astype(dtype), 255
    rows = np.array([[0, 0, 1], [255] * 3, [1, 0, 0]], "float32")
    loss = kl.BinaryCrossentropy(missing=missing, label_smoothing=0.2)
    np.testing.assert_allclose(number(loss, ids, PROBS), number(loss, rows, PROBS), rtol=1e-6)
    # A class id can be the mark as well: there it is no class.
    loss, known = kl.BinaryCrossentropy(missing=0), kl.BinaryCrossentropy()
    np.testing.assert_allclose(
        number(loss, np.array([2, 0, 1]), PROBS),
        number(known, np.array([2, 1]), PROBS[[0, 2]]), rtol=1e-6,
    )


@pytest.mark.parametrize("loss", [kl.MeanSquaredError, kl.BinaryCrossentropy])
def test_shapes_of_values_with_missing_targets(loss):
    y = np.array([1.0, np.nan, 0.0, 1.0])
    p = np.array([0.5, 0.5, 0.25, 0.75])
    for y_true, y_pred in ((y, p), (y[:, None], p), (y, p[:, None]), (y[:, None], p[:, None])):
        values = number(loss(missing="nan", reduction="none"), y_true, y_pred)
        assert values.shape == y_pred.shape and values.ravel()[1] == 0
        mean = number(loss(missing="nan"), y_true, y_pred)
        np.testing.assert_allclose(mean, number(loss(), y[[0, 2, 3]], p[[0, 2, 3]]), rtol=1e-6)


def test_a_target_that_is_no_number_shows_where_another_marks_missing():
    assert np.isnan(number(kl.MeanSquaredError(missing=-1), TRUE, PROBS))
    assert np.isnan(number(kl.MeanSquaredError(), TRUE, PROBS))
    spoilt = np.where(np.arange(3) == 0, np.nan, PROBS)  # Known entries that are no numbers.
    assert np.isnan(number(kl.MeanSquaredError(missing="nan"), TRUE, spoilt))


@pytest.mark.parametrize("missing", ["none", float("nan"), float("inf"), True, [1.0]])
def test_the_refusal_of_a_marker_says_what_is_allowed(missing):
    with pytest.raises(ValueError, match='Huber: `missing` must be "nan", a finite number'):
        kl.Huber(missing=missing)


def test_a_loss_of_ones_own_gets_the_option():
    class Cubic(IncompleteLoss):
        def each(self, y_true, y_pred):
            return ops.abs(y_pred - y_true) ** 3

    expected = np.nanmean(abs(PROBS - TRUE) ** 3)
    np.testing.assert_allclose(number(Cubic(missing="nan"), TRUE, PROBS), expected, rtol=1e-5)


def test_training_on_missing_labels():
    x = rng.normal(size=(64, 4)).astype("float32")
    y = (x @ rng.normal(size=(4, 3)) > 0).astype("float32")
    y[rng.random(y.shape) < 0.5] = -1
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    loss = kl.BinaryCrossentropy(from_logits=True, missing=-1)
    model.compile(keras.optimizers.Adam(0.1), loss=loss, metrics=(1.0 * loss).metrics())
    model.fit(x, y, epochs=20, batch_size=24, verbose=0)
    known = y >= 0
    z = model.predict(x, verbose=0)
    assert ((z > 0) == (y > 0))[known].mean() > 0.95
    expected = (np.logaddexp(0, z) - y * z)[known].mean()
    found = model.evaluate(x, y, batch_size=64, verbose=0, return_dict=True)["loss"]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


# --- options of single losses -----------------------------------------------------------


def test_poisson_of_a_log_rate_far_out():
    loss = kl.Poisson(log_rate=True, reduction="sum")
    for z in (-1e4, -100.0, 79.0, 80.0, 81.0, 100.0):
        value, gradient = value_and_gradient(
            lambda p: loss(np.array([[3.0]]), p), np.array([[z]], "float32")
        )
        held = math.exp(min(z, 80))
        np.testing.assert_allclose(value, held * (1 + max(z - 80, 0)) - 3 * z, rtol=2e-5)
        np.testing.assert_allclose(gradient, [[held - 3]], rtol=2e-5)


def test_poisson_of_a_log_rate_is_that_of_its_rate():
    y, z = rng.poisson(2.0, size=(4, 3)).astype("float64"), rng.normal(size=(4, 3))
    np.testing.assert_allclose(
        number(kl.Poisson(log_rate=True), y, z), number(kl.Poisson(), y, np.exp(z)), rtol=1e-4
    )


def test_crossing_quantiles():
    y, q = np.array([0.0]), np.array([[1.0, 0.0, 0.5]])
    taus = [0.25, 0.5, 0.75]
    plain = number(kl.Pinball(taus), y, q)
    np.testing.assert_allclose(number(kl.Pinball(taus, 2.0), y, q) - plain, 2.0, rtol=1e-6)
    np.testing.assert_allclose(
        number(kl.Pinball(taus, 2.0), y, np.sort(q)), number(kl.Pinball(taus), y, np.sort(q))
    )
    # Every known entry carries the sum, so that a mean has it once.
    values = number(kl.Pinball(taus, 2.0, missing="nan", reduction="none"), y, q)
    each = number(kl.Pinball(taus, missing="nan", reduction="none"), y, q)
    np.testing.assert_allclose(values - each, [[2.0, 2.0, 2.0]], rtol=1e-6)
    with pytest.raises(ValueError, match="taus that rise"):
        kl.Pinball([0.5, 0.25], crossing_weight=1.0)
    kl.Pinball([0.5, 0.25])


def test_a_mask_of_quantiles_is_refused():
    mask = np.ones((2, 3), bool)
    with pytest.raises(ValueError, match="mask"):
        kl.Pinball([0.1, 0.5, 0.9]).evaluate(np.zeros(2), np.zeros((2, 3)), None, mask)


def test_min_snr_weights():
    snr = np.array([0.0, 0.5, 5.0, 20.0, np.inf], "float32")
    for prediction, expected in (
        ("epsilon", [1, 1, 1, 0.25, 0]),
        ("sample", [0, 0.5, 5, 5, 5]),
        ("v", [0, 1 / 3, 5 / 6, 5 / 21, 0]),
    ):
        got = kl.min_snr_weights(snr, prediction=prediction)
        np.testing.assert_allclose(to_numpy(got), expected, rtol=1e-6)
    assert np.isnan(to_numpy(kl.min_snr_weights([np.nan]))).all()
    np.testing.assert_allclose(to_numpy(kl.min_snr_weights([4], gamma=2)), [0.5])
    for wrong in ({"gamma": 0}, {"prediction": "x0"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            kl.min_snr_weights(snr, **wrong)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("loss", "limit", "pull"),
    [
        (kl.GemanMcClure(), 2, lambda u: 16 * u / (u * u + 4) ** 2),
        (kl.Welsch(), 1, lambda u: 0 * u),
        (kl.TukeyBiweight(), 4.685**2 / 6, lambda u: 0 * u),
    ],
    ids=["GemanMcClure", "Welsch", "TukeyBiweight"],
)
def test_bounded_losses_end_at_their_bound(loss, limit, pull, sign):
    far = np.array([1e9, 1e18, 1e20, 3e38], "float32")[:, None] * sign
    value, slope = value_and_gradient(lambda p: loss(np.zeros_like(far), p), far)
    np.testing.assert_allclose(value, limit, rtol=1e-6)
    expected = pull(far.astype("float64")) / 4
    np.testing.assert_allclose(slope, expected, rtol=1e-5, atol=1e-38)
    assert expected.any() or not slope.any()


@pytest.mark.parametrize("sign", [1, -1])
def test_the_cauchy_loss_of_what_has_no_square(sign):
    far = np.array([[1e9], [1e17], [1e20], [3e38]], "float32") * sign
    values = to_numpy(kl.Cauchy(reduction=None)(np.zeros_like(far), far))
    _, slope = value_and_gradient(lambda p: kl.Cauchy()(np.zeros_like(far), p), far)
    wide = far.astype("float64")
    np.testing.assert_allclose(values[:2], np.log1p(wide[:2, 0] ** 2 / 2), rtol=1e-6)
    assert np.isfinite(values).all() and (np.diff(values) >= 0).all()
    np.testing.assert_allclose(slope[:2], 2 / wide[:2] / 4, rtol=1e-5)
    # Beyond 1e18 it pulls as it does there.
    np.testing.assert_allclose(slope[2:], sign * 2e-18 / 4, rtol=1e-5)


@pytest.mark.parametrize("loss", [kl.Poisson(), kl.GammaDeviance(), kl.Tweedie()], ids=str)
def test_slopes_by_the_target_of_deviances(loss):
    y, p = np.array([[0.7, 2.0, 5.0]], "float32"), np.array([[1.1, 1.9, 3.0]], "float32")
    _, slope = value_and_gradient(lambda y: loss(y, p), y)
    step = np.float32(2e-2)
    for i in range(3):
        off = np.zeros_like(y)
        off[0, i] = step
        expected = (to_numpy(loss(y + off, p)) - to_numpy(loss(y - off, p))) / (2 * step)
        np.testing.assert_allclose(slope[0, i], expected, rtol=5e-3, atol=2e-4)
