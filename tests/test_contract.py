"""Every registered loss keeps the contract; the cases are in cases/."""

import copy
import dataclasses
import inspect
import json
import math
import pickle

import keras
import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from keras_losskit.core.reduction import REDUCTIONS
from tests import cases
from tests.backends import (
    BACKEND,
    check_gradient,
    compiled,
    compiled_for_any_batch,
    differentiated,
    to_numpy,
    value_and_gradient,
    wide,
)
from tests.cases.case import is_missing
from tests.cases.classification import CLASS_IDS, CLASS_SHARES
from tests.cases.regression import POSITIVE_PRED, POSITIVE_TRUE, REAL_PRED, REAL_TRUE, cosine
from tests.declared import jitted, modes

CASES = cases.CASES
COMBINED = (kl.WeightedSum, kl.Product, kl.Select, kl.Matryoshka)
# They take targets of another shape than the predictions'; see test_deep_supervision.py.
AT_RESOLUTIONS = (kl.AtResolution, kl.DeepSupervision)
each = pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
FIRST_OF = {c.loss: c for c in reversed(CASES)}
FIRST = list(FIRST_OF.values())
# For what the template does alike for every mode of a loss.
first_of_each = pytest.mark.parametrize("case", FIRST, ids=lambda c: c.loss.__name__)
# Two reductions that together pin down every weighted value and what a mean counts.
PINNING = ("none", "mean_with_sample_weight")


def numbers(loss, y_true, y_pred, *rest):
    return to_numpy(loss(y_true, y_pred, *rest))


def case_rtol(case):
    return 1e-9 if case.exact else 1e-6


def exported():
    found = [getattr(kl, name) for name in kl.__all__]
    return [
        x for x in found
        if inspect.isclass(x) and issubclass(x, kl.Loss) and x not in (kl.Loss, *AT_RESOLUTIONS)
    ]


def test_every_exported_loss_has_a_case():
    assert {c.loss for c in CASES} == set(exported())


# They change what weights mean, and so have laws of their own in core/test_select.py.
OTHERWISE = {kl.Select: {"weight", "sample_weight"}}


def test_cases_leave_no_argument_at_its_default():
    for loss in exported():
        off = set()
        for case in (c for c in CASES if c.loss is loss):
            for name, p in inspect.signature(loss).parameters.items():
                if name in case.options and case.options[name] != p.default:
                    off.add(name)
                if p.default is p.empty and (case.argument or name in case.options):
                    off.add(name)
        wanted = set(inspect.signature(loss).parameters) - {"reduction", "name", "dtype"}
        wanted -= OTHERWISE.get(loss, set())
        assert off == wanted, f"{loss.__name__}: {wanted - off} only at the default"


# --- values -----------------------------------------------------------------------


@pytest.mark.everywhere(jax=3)
@each
def test_values_equal_the_reference(case):
    with wide():
        loss = case.make(reduction="none", dtype="float64")
        got = jitted(lambda p: loss(case.y_true, p))(ops.convert_to_tensor(case.y_pred))
        assert keras.backend.standardize_dtype(got.dtype) == "float64"
        got = to_numpy(got)
    expected = case.values()
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=case_rtol(case), atol=1e-12)


def nudged(case):
    """`case` with its options off the numbers that float32 holds, and off what is special."""
    options = dict(case.options)
    for name, value in options.items():
        off = _off(value)
        if off != value and name != "missing":
            try:
                case.loss(*case.argument, **{**options, name: off})
            except ValueError:
                continue  # It has to be what it is: 1 where a sum has to be 1, say.
            options[name] = off
    return dataclasses.replace(case, options=options)


def _off(value):
    if isinstance(value, float) and math.isfinite(value):
        return value * (1 - 1e-3 / 3)
    return [_off(x) for x in value] if isinstance(value, (list, tuple)) else value


NUDGED = [n for n, c in ((nudged(c), c) for c in cases.CASES) if n.options != c.options]


@pytest.mark.everywhere(jax=6)
@pytest.mark.parametrize("case", NUDGED, ids=lambda c: c.id)
def test_no_option_is_rounded(case):
    """Half, 1 and 2 are themselves in float32, and have ways of their own."""
    with wide():
        loss = case.make(reduction="none", dtype="float64")
        got = to_numpy(jitted(lambda p: loss(case.y_true, p))(ops.convert_to_tensor(case.y_pred)))
    np.testing.assert_allclose(got, case.values(), rtol=case_rtol(case), atol=1e-12)


@pytest.mark.everywhere(jax=3)
@each
def test_float32_is_near_the_reference(case):
    loss = case.make(reduction="none")
    got = jitted(lambda p: loss(case.y_true, p))(ops.convert_to_tensor(case.y_pred))
    assert keras.backend.standardize_dtype(got.dtype) == "float32"
    np.testing.assert_allclose(to_numpy(got), case.values(), rtol=2e-5, atol=2e-6)


@first_of_each
def test_half_precision_input_is_computed_in_float32(case):
    loss = case.make()
    for half in ("float16", "bfloat16"):
        y_pred = ops.cast(ops.convert_to_tensor(case.y_pred), half)
        got = loss(case.y_true, y_pred)
        assert keras.backend.standardize_dtype(got.dtype) == "float32", half
        expected = loss(case.y_true, ops.cast(y_pred, "float32"))
        np.testing.assert_array_equal(to_numpy(got), to_numpy(expected), err_msg=half)


@first_of_each
def test_half_dtype_is_widened(case):
    loss = case.make(dtype="bfloat16")
    assert loss.get_config()["dtype"] == "bfloat16"
    got = loss(case.y_true, case.y_pred)
    assert keras.backend.standardize_dtype(got.dtype) == "float32"


# --- reduction and weights -----------------------------------------------------------


def reduced(values, weights, counted, reduction):
    """Keras' meaning of the five words, in loops. `counted` marks existing values."""
    total = count = weight_sum = 0.0
    weighted = np.zeros(values.shape)
    for i in np.ndindex(*values.shape):
        if not counted[i]:
            continue
        w = 1.0 if weights is None else weights[i[: weights.ndim]]
        weighted[i] = 0.0 if w == 0 else w * values[i]
        total, count, weight_sum = total + weighted[i], count + 1, weight_sum + w
    if reduction in ("none", None):
        return weighted
    if reduction == "sum":
        return total
    divisor = count
    if reduction == "mean_with_sample_weight":
        divisor = weight_sum
    return total / divisor if divisor else 0.0


def counted_positions(case, values, keep=slice(None)):
    """Which values count: not those of an ignored class. `keep`: the samples that are there."""
    counted = np.ones(values.shape, bool)
    ignore = case.options.get("ignore_class")
    if case.kind == "classes" and ignore is not None:
        counted = case.y_true[keep] != ignore
    if case.in_batch:
        counted = ~np.isnan(case.found(case.y_true[keep], case.y_pred[keep]))
    if case.options.get("missing") is not None:
        known = ~is_missing(case.y_true[keep], case.options["missing"])
        counted = known.reshape(*known.shape, *(1,) * (values.ndim - known.ndim)) & counted
    return counted


def weights_of(values):
    """`{what: weights}` that fit values: none, and one per sample and per position."""
    found = {"no weights": None, "samples": np.resize([0.5, 2.0, 0.0, 1.25], len(values))}
    if values.ndim > 1:
        found["positions"] = np.linspace(0, 2, values.size).reshape(values.shape)
    return found


@each
def test_reductions_with_and_without_weights(case):
    # What they make of the values is one function for all losses, swept in core/; here, that
    # every mode of a loss hands the right values and counts to it.
    words = ("sum_over_batch_size", *PINNING)
    if case is FIRST_OF[case.loss]:
        words = REDUCTIONS
    values = case.values()
    with wide():
        for reduction in words:
            loss = case.make(reduction=reduction, dtype="float64")
            if case.batch:
                got = numbers(loss, case.y_true, case.y_pred)
                np.testing.assert_allclose(got, values, rtol=1e-9, err_msg=reduction)
                continue
            for what, weights in weights_of(values).items():
                if weights is not None and case.loss is kl.WeightedSum and reduction not in (
                    "none", None,
                ):
                    continue  # Its law is in test_laws.py.
                left, counted = values, counted_positions(case, values)
                if case.in_batch and weights is not None:
                    # Where a sample of weight 0 is nobody's pair either.
                    left = case.among(weights > 0)
                    left, counted = np.nan_to_num(left), ~np.isnan(left)
                np.testing.assert_allclose(
                    numbers(loss, case.y_true, case.y_pred, weights),
                    reduced(left, weights, counted, reduction),
                    rtol=case_rtol(case), atol=1e-12, err_msg=f"{reduction}, {what}",
                )


@each
def test_weight_zero_removes_a_sample_even_of_nan(case):
    weights = np.resize([1.0, 0.0, 2.0, 1.5], len(case.y_pred))
    spoilt = case.y_pred.astype("float32").copy()
    spoilt[weights == 0] = np.nan
    loss = case.make()

    def weighted(p):
        return loss(case.y_true, p, weights)

    clean, clean_gradient = value_and_gradient(weighted, case.y_pred.astype("float32"))
    value, gradient = value_and_gradient(weighted, spoilt)
    np.testing.assert_allclose(value, clean, rtol=1e-6)
    np.testing.assert_allclose(gradient, clean_gradient, rtol=1e-5, atol=1e-7)
    assert not gradient[weights == 0].any()


def without(case, keep):
    """The reference's mean over a batch from which samples are really taken out."""
    values = case.values(case.y_true[keep], case.y_pred[keep])
    if case.batch:
        return values
    return reduced(values, None, counted_positions(case, values, keep), "mean")


@each
def test_mask_removes_samples_even_of_nan(case):
    """Given to `evaluate`, and as Keras attaches it to `y_pred`."""
    mask = np.resize([True, False, True, True], len(case.y_pred))
    spoilt = case.y_pred.astype("float32").copy()
    spoilt[~mask] = np.nan
    loss, expected = case.make(), without(case, mask)

    def masked(p, mask):
        return loss.evaluate(case.y_true, p, None, mask)

    value, gradient = value_and_gradient(masked, spoilt, mask)
    np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)
    assert np.isfinite(gradient).all() and not gradient[~mask].any()
    value, gradient = value_and_gradient(masked, spoilt, np.zeros(len(mask), bool))
    assert value == 0 and not gradient.any()
    y_pred = ops.convert_to_tensor(case.y_pred.astype("float32"))
    y_pred._keras_mask = ops.convert_to_tensor(mask)
    got = numbers(loss, case.y_true, y_pred)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", [c for c in CASES if c.y_pred.ndim > 2], ids=lambda c: c.id)
def test_mask_of_positions(case):
    mask = np.ones(case.y_pred.shape[:-1], bool)
    mask[0, 1] = mask[2, 0] = False
    clean = np.where(mask[..., None], case.y_pred, 0).astype("float32")
    spoilt = np.where(mask[..., None], case.y_pred, np.nan).astype("float32")
    loss = case.make()

    def masked(p):
        return loss.evaluate(case.y_true, p, None, mask)

    expected, expected_gradient = value_and_gradient(masked, clean)
    value, gradient = value_and_gradient(masked, spoilt)
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-5, atol=1e-7)
    assert not gradient[~mask].any()
    values = case.values()
    if case.kind != "map" and values.shape == mask.shape:
        counted = counted_positions(case, values) & mask
        np.testing.assert_allclose(
            value, reduced(values, None, counted, "mean"), rtol=1e-5, atol=1e-6
        )


@first_of_each
def test_weights_that_do_not_fit_raise(case):
    loss, n = case.make(), len(case.y_pred)
    for shape in ((7,), (n, n - 1, 5, 2), (n, 9), (1,)):
        with pytest.raises(ValueError, match="sample_weight") as error:
            loss(case.y_true, case.y_pred, np.ones(shape))
        assert str(shape) in str(error.value)


# --- shapes ----------------------------------------------------------------------------


@each
def test_shapes_that_do_not_fit_raise(case):
    loss = case.make()
    if case.takes is not None and case.takes.y_true == "unused":
        return  # It does not look at y_true; its y_pred is tested with its family.
    wrong = case.y_true[:, :2] if case.y_true.ndim > 1 else case.y_true[:2]
    if case.takes is not None and case.takes.shapes in ("spaces", "points", "preferences", "free"):
        wrong = case.y_true[:2]  # The second axis may be of any length, or has two places.
    if case.kind == "survival":
        wrong = case.y_true[:, :1]
    with pytest.raises(ValueError) as error:
        loss(wrong, case.y_pred)
    selected = (4, 2, 2)  # What `Select` hands on.
    shape = selected if case.loss is kl.Select else wrong.shape
    assert f"y_true of shape {shape} does not fit y_pred" in str(error.value)


@pytest.mark.parametrize("loss", [kl.MeanSquaredError(), kl.Huber(), kl.BinaryCrossentropy()])
def test_the_broadcast_trap(loss):
    column, flat = np.full((4, 1), 0.5), np.full((4,), 0.5)
    for y_true, y_pred in ((flat, column), (column, flat), (flat, flat)):
        values = loss.__class__(reduction="none")(y_true, y_pred)
        assert tuple(values.shape) == (4,)
        np.testing.assert_allclose(
            numbers(loss, y_true, y_pred), numbers(loss, column, column), rtol=1e-6
        )
    with pytest.raises(ValueError, match=r"\(4,\).*\(4, 3\)"):
        loss(flat, np.zeros((4, 3)) + 0.5)


labelled = pytest.mark.parametrize(
    "case",
    [c for c in CASES if c.kind in ("classes", "map") and c.y_true.ndim < c.y_pred.ndim],
    ids=lambda c: c.id,
)


@labelled
def test_both_encodings_of_labels_agree(case):
    loss = case.make()
    rows = np.eye(case.y_pred.shape[-1])[case.y_true]
    expected = numbers(loss, rows, case.y_pred)
    # How ids are told from rows and read is one function; here, that each mode asks it.
    dtypes = ("int64", "uint8", "float32") if case is FIRST_OF[case.loss] else ("uint8",)
    for dtype in dtypes:
        ids = case.y_true.astype(dtype)
        for given in (ids, ids[..., None]):
            np.testing.assert_allclose(
                numbers(loss, given, case.y_pred), expected, rtol=1e-6,
                err_msg=f"{dtype} {given.shape}",
            )


@labelled
def test_ids_outside_the_range(case):
    for wrong in (-1, 255):
        ids = case.y_true.copy()
        ids[0, 0] = wrong
        with pytest.raises(ValueError, match=f"class id {wrong} .*ignore_class"):
            case.make()(ids, case.y_pred)
        if wrong < 0 and case is not FIRST_OF[case.loss]:
            continue  # To ignore one or the other is the same for every mode.
        options = {**case.options, "ignore_class": wrong}
        loss = case.loss(**options)
        spoilt = case.y_pred.astype("float32").copy()
        spoilt[0, 0] = np.nan
        value, gradient = value_and_gradient(lambda p, f=loss, t=ids: f(t, p), spoilt)
        assert np.isfinite(value) and np.isfinite(gradient).all()
        assert not gradient[0, 0].any()
        if not case.batch:
            expected = case.reference(ids, case.y_pred, **options)
            counted = (ids != wrong) if case.kind == "classes" else np.ones(len(ids), bool)
            np.testing.assert_allclose(
                value, reduced(np.asarray(expected), None, counted, "mean"), rtol=1e-5
            )


# --- gradients and extremes ---------------------------------------------------------------


@pytest.mark.everywhere(jax=6)
@pytest.mark.parametrize(
    "case", [c for c in CASES if c.exact and not c.detached], ids=lambda c: c.id
)
def test_gradient_agrees_with_central_differences(case):
    weights = np.resize([0.5, 2.0, 0.75, 1.25], len(case.y_pred))
    with wide():
        loss = case.make(dtype="float64")
        check_gradient(lambda p: loss(case.y_true, p, weights), case.y_pred.astype("float64"))


def extreme_predictions(case):
    if case.kind == "real":
        small = np.zeros_like(case.y_pred)
        return [small, small + 1e6, small - 1e6]
    signs = np.where(np.arange(case.y_pred.size).reshape(case.y_pred.shape) % 2, 1, -1)
    if case.kind in ("embeddings", "views", "triplets"):
        # Identical, far apart, and duplicates far from 0.
        near = np.round(case.y_pred) + 1e3
        return [signs * 0.0, signs * 1e6, near, near * 1e3, case.y_pred * 1e-20]
    if case.kind == "cosines":
        return [signs * 1.0, -signs * 1.0, signs * 0.0, signs * 0.0 + 1, signs * 0.0 - 1]
    if case.kind == "boxes":  # Points, identical, crossed and far boxes.
        small = np.zeros_like(case.y_pred)
        crossed = case.y_true[..., [2, 3, 0, 1]]
        return [small, small + 1e4, case.y_true, crossed, case.y_true + 1e4, -case.y_true]
    if case.kind == "ranking":
        return [signs * 0.0, signs * 100.0, signs * 1e4, -signs * 1e4, case.y_true]
    if case.options.get("from_logits", True):  # No such option: logits alone.
        return [signs * 100.0, -signs * 100.0, signs * 0.0]
    if case.kind == "binary":
        bits = (np.arange(case.y_pred.size).reshape(case.y_pred.shape) % 2).astype("float64")
        return [bits, 1 - bits, bits * 0, bits * 0 + 1]
    rows = np.eye(case.y_pred.shape[-1])
    return [np.broadcast_to(row, case.y_pred.shape) for row in rows]


@each
def test_extremes_are_finite(case):
    loss = case.make()

    def number(p):
        return loss(case.y_true, p)

    given = extreme_predictions(case)
    if case.kind in ("real", "views", "boxes", "ranking"):
        if case.y_true.shape == case.y_pred.shape:
            given.append(case.y_true)  # Perfect.
    for i, y_pred in enumerate(given):
        value, gradient = value_and_gradient(number, np.array(y_pred, dtype="float32"))
        assert np.isfinite(value), i
        assert np.isfinite(gradient).all(), i


@each
def test_batches_of_none_and_of_one(case):
    loss = case.make()
    for n in (0, 1):
        value, gradient = value_and_gradient(
            lambda p, t: loss(t, p), case.y_pred[:n].astype("float32"), case.y_true[:n]
        )
        assert np.isfinite(value), n
        assert np.isfinite(gradient).all() and gradient.shape == case.y_pred[:n].shape
        assert n or value == 0 or case.batch


@pytest.mark.parametrize(
    "case",
    [c for c in CASES if c.kind in ("binary", "classes") and not c.batch],
    ids=lambda c: c.id,
)
def test_a_confidently_wrong_model_gets_a_gradient(case):
    options = dict(case.options)
    if "label_smoothing" in options:
        options["label_smoothing"] = 0.0
    from_logits = case.options.get("from_logits", True)
    # A bounded loss has a slope of p_t, e^-100, there: below what float32 holds.
    dtype = "float64" if case.vanishes and from_logits else "float32"
    with wide():
        loss = case.loss(**options, dtype=dtype)
        shape = (1, case.y_pred.shape[-1])
        y_pred = np.zeros(shape, dtype)
        if from_logits:
            y_pred[:] = -100 if case.kind == "binary" else 0
            y_pred[0, 1] = 100
        elif case.kind == "classes":
            y_pred[0, 1] = 1
        y_true = np.ones(shape) if case.kind == "binary" else np.array([0])
        _, gradient = value_and_gradient(lambda p: loss(y_true, p), y_pred)
    assert gradient[0, 0] < 0


# --- compiled ------------------------------------------------------------------------------


@pytest.mark.everywhere(jax=10)
@pytest.mark.skipif(BACKEND == "torch", reason="nothing is compiled there")
@pytest.mark.parametrize("case", modes(CASES), ids=lambda c: c.id)
def test_compiled_equals_eager(case):
    """Compiled once for every size of the batch, none as well, where the backend can
    (TensorFlow's graphs): values, and for each loss's first case the gradient."""
    words, first = ["mean_with_sample_weight"], case is FIRST_OF[case.loss]
    if first:
        words += ["mean", "none"]
    losses = [case.make(reduction=reduction) for reduction in words]
    y_true = case.y_true.astype("int32" if case.y_true.dtype.kind == "i" else "float32")
    y_pred = case.y_pred.astype("float32")
    weights = np.resize([0.5, 2.0, 0.75, 1.25], len(y_pred)).astype("float32")
    traces = []

    def plain(p, t, w):
        return losses[0](t, p, w)

    def step(t, p, w):
        traces.append(1)
        if not first:
            return [loss(t, p, w) for loss in losses], None
        value, gradient = differentiated(plain)(p, t, w)
        return [value, *(loss(t, p, w) for loss in losses[1:])], gradient

    sizes, function = compiled_for_any_batch(step, y_true, y_pred, weights)
    for n in sizes:
        t, p, w = y_true[:n], y_pred[:n], weights[:n]
        values, gradient = function(*map(ops.convert_to_tensor, (t, p, w)))
        for loss, got in zip(losses, values, strict=True):
            np.testing.assert_allclose(
                to_numpy(got), numbers(loss, t, p, w), rtol=1e-5, atol=1e-7,
                err_msg=f"{loss.reduction}, batch of {n}",
            )
        if n == 0:
            value = to_numpy(values[0])
            assert np.isfinite(value) and (value == 0 or case.batch)
            assert gradient is None or gradient.shape == p.shape
        elif n == len(y_pred) and first:
            expected = value_and_gradient(plain, p, t, w)[1]
            np.testing.assert_allclose(
                to_numpy(gradient), expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max()
            )
    assert len(traces) == 1


@pytest.mark.everywhere
@pytest.mark.skipif(BACKEND != "tensorflow", reason="JAX has no other way; torch none")
@pytest.mark.parametrize(
    "case",
    {(c.loss, c.options.get("from_logits")): c for c in reversed(CASES)}.values(),
    ids=lambda c: c.id,
)
def test_compiled_by_xla_equals_eager(case):
    loss = case.make()
    given = (
        case.y_true.astype("int32" if case.y_true.dtype.kind == "i" else "float32"),
        case.y_pred.astype("float32"),
        np.resize([0.5, 2.0, 0.75, 1.25], len(case.y_pred)).astype("float32"),
    )
    got = compiled(lambda t, p, w: loss(t, p, w))["xla"](*map(ops.convert_to_tensor, given))
    np.testing.assert_allclose(to_numpy(got), numbers(loss, *given), rtol=1e-5, atol=1e-7)


# --- config ----------------------------------------------------------------------------------


@each
def test_config_carries_every_argument(case):
    reduction = "sum" if not case.batch else "none"
    loss = case.make(reduction=reduction, name="other", dtype="float64")
    config = json.loads(json.dumps(loss.get_config(), allow_nan=False))
    assert list(config) == list(inspect.signature(case.loss).parameters)
    assert (config["reduction"], config["name"], config["dtype"]) == (
        reduction, "other", "float64",
    )
    for name, value in case.options.items():
        if not isinstance(value, (slice, kl.Takes)):
            assert config[name] == value
    copies = [
        case.loss.from_config(config),
        keras.losses.deserialize(json.loads(json.dumps(keras.losses.serialize(loss)))),
        pickle.loads(pickle.dumps(loss)),
        copy.deepcopy(loss),
    ]
    with wide():
        expected = numbers(loss, case.y_true, case.y_pred)
        for other in copies:
            assert type(other) is case.loss
            assert other.get_config() == loss.get_config()
            assert repr(other) == repr(loss)
            np.testing.assert_array_equal(numbers(other, case.y_true, case.y_pred), expected)


@first_of_each
def test_common_arguments_and_registration(case):
    parameters = list(inspect.signature(case.loss).parameters.values())[-3:]
    assert [p.name for p in parameters] == ["reduction", "name", "dtype"]
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters)
    loss = case.make()
    assert isinstance(loss, keras.losses.Loss)
    registered = f"keras_losskit>{case.loss.__name__}"
    assert keras.saving.get_registered_object(registered) is case.loss
    if case.loss not in (*COMBINED, kl.KerasLoss, kl.FunctionLoss):
        assert parameters[0].default == "sum_over_batch_size"
        assert loss.name == parameters[1].default == case.loss.default_name()
        assert parameters[2].default is None and loss.get_config()["dtype"] is None


@first_of_each
def test_bad_common_arguments_raise(case):
    for name, bad in (
        ("reduction", "average"), ("name", 3), ("dtype", "int32"), ("nonsense", 1),
    ):
        with pytest.raises((ValueError, TypeError), match=name):
            case.make(**{name: bad})


@pytest.mark.parametrize(
    ("family", "option", "bad"),
    [
        pytest.param(
            family, option, bad,
            # A function's address would be another in each process.
            id=f"{family.__name__.split('.')[-1]}-{option}-{getattr(bad, '__name__', bad)}",
        )
        for family in cases.FAMILIES
        for option, values in family.BAD_OPTIONS.items()
        for bad in values
    ],
)
def test_bad_options_raise_and_name_the_argument(family, option, bad):
    takers = {c.loss: c for c in family.CASES if option in c.options}
    assert takers
    for case in takers.values():
        options = {**case.options, option: bad}
        wanted = "low|high" if option in ("low", "high") else option
        with pytest.raises((ValueError, TypeError), match=wanted) as error:
            case.loss(*case.argument, **options)
        assert case.loss.__name__ in str(error.value)


@pytest.mark.parametrize("family", cases.FAMILIES, ids=lambda f: f.__name__.split(".")[-1])
def test_every_option_has_values_that_it_refuses(family):
    options = {name for case in family.CASES for name in case.options}
    assert options == set(family.BAD_OPTIONS)


def test_scale_invariant_log_leaves_masked_positions_out():
    y, p = POSITIVE_TRUE, POSITIVE_PRED
    mask = np.ones((4, 3), bool)
    mask[:, 1] = False
    loss = kl.ScaleInvariantLog(reduction="none")
    got = to_numpy(loss.evaluate(y, p, None, mask))
    np.testing.assert_allclose(got, numbers(loss, y[:, [0, 2]], p[:, [0, 2]]), rtol=1e-5)


def test_cosine_similarity_along_other_axes():
    y, p = REAL_TRUE, REAL_PRED
    loss = kl.CosineSimilarity(axis=1, reduction="none")
    np.testing.assert_allclose(numbers(loss, y, p), cosine(y, p, 1), rtol=1e-5, atol=1e-6)
    mask = np.ones((4, 3), bool)
    mask[:, 1] = False
    got = to_numpy(loss.evaluate(y, p, None, mask))
    expected = cosine(y[:, [0, 2]], p[:, [0, 2]], 1)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
    assert not numbers(loss, y * 0, p).any()
    for axis in (-3, 3):
        with pytest.raises(ValueError, match="batch axis"):
            kl.CosineSimilarity(axis=axis)(y, p)


def test_class_weights_must_be_as_many_as_classes():
    for loss in (kl.CategoricalCrossentropy, kl.Dice):
        with pytest.raises(ValueError, match="class_weights.*2 entries.*5"):
            loss(class_weights=[1.0, 2.0])(CLASS_IDS, CLASS_SHARES)


def test_extreme_alphabets():
    """Ids that no float16, bfloat16 or float32 can hold."""
    loss = kl.CategoricalCrossentropy(from_logits=True)
    logits = ops.cast(np.eye(301)[[300, 299]] * 20, "bfloat16")
    assert numbers(loss, np.array([300, 299]), logits) < 1e-5
    assert numbers(loss, np.array([299, 300]), logits) > 15
    n = 2**24 + 2
    logits = np.zeros((1, n), "float32")
    logits[0, 2**24 + 1] = 40.0
    assert numbers(loss, np.array([2**24 + 1]), logits) < 1e-5
    assert numbers(loss, np.array([2**24]), logits) > 15


def test_keras_tensors_are_refused():
    symbol = keras.Input((3,))
    with pytest.raises(TypeError, match="KerasTensor"):
        kl.MeanSquaredError()(np.zeros((2, 3)), symbol)
