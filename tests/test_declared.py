"""Laws over every loss, made from what it declares: nothing here names a loss."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from tests import cases, declared
from tests.backends import BACKEND, compiled, to_numpy, wide
from tests.declared import gradients, jitted

MODES = declared.modes(cases.CASES)
SUMS = list(declared.combinations(cases.CASES))
OF_KERAS = (kl.KerasLoss, kl.FunctionLoss)
rng = np.random.default_rng(20240701)


def over(found):
    return pytest.mark.parametrize("case", found, ids=lambda c: c.id)


def values_of(case, y_true, y_pred, **common):
    loss = case.make(reduction="none", **common)
    return to_numpy(jitted(lambda p: loss(y_true, p))(ops.convert_to_tensor(y_pred)))


@over(MODES)
def test_it_declares_what_it_takes(case):
    assert isinstance(case.takes, kl.Takes), f"{case.loss.__name__} declares no `takes`"
    assert {"y_true:", "y_pred:", "shapes:"} <= set(case.takes.sentence().split())
    assert kl.Takes.from_config(case.takes.get_config()) == case.takes


@over([*MODES, *SUMS])
def test_what_it_declares_computes(case):
    loss = case.make()
    y_true, y_pred = declared.draw(case, rng)
    at = gradients(lambda p: loss(y_true, p))
    for p in [y_pred, *declared.ends(case)]:
        value, gradient = at(p.astype("float32"))
        assert np.isfinite(value) and np.isfinite(gradient).all(), p.flat[:4]


@over([
    c for c in (*cases.CASES, *SUMS)
    if c.takes is not None and c.takes.y_true_gradient and not c.detached
    and c.takes.shapes != "packed"  # An id has no slope; see losses/test_paired_views.py.
])
def test_gradient_by_y_true(case):
    y_true, y_pred = declared.draw(case, rng)
    with wide():
        loss = case.make(dtype="float64")
        # Other weights for each sample: a mean can have a gradient of 0 where its terms have not.
        weights = np.linspace(0.5, 2, len(y_pred))
        at = gradients(lambda t: loss(t, y_pred, weights))
        _, gradient = at(y_true)
        assert np.abs(gradient).max() > 1e-6
        for _ in range(3):
            way = rng.normal(size=y_true.shape)
            up, down = (float(at(y_true + h * way)[0]) for h in (1e-6, -1e-6))
            slope = (up - down) / 2e-6
            np.testing.assert_allclose((gradient * way).sum(), slope, rtol=1e-5, atol=1e-7)


@over([*MODES, *SUMS])
def test_samples_are_independent_unless_declared(case):
    y_true, y_pred = declared.draw(case, rng)
    with wide():
        values = values_of(case, y_true, y_pred, dtype="float64")
        one = values_of(case, y_true[:1], y_pred[:1], dtype="float64")
        assert np.isfinite(one).all()
        if case.batch or values.ndim == 0:
            assert case.in_batch, "one number for the batch"
            return
        if case.in_batch:
            assert np.abs(one - values[:1]).max() > 1e-9, "declared in_batch, and independent"
            return
        rtol, atol = (1e-12, 1e-14) if case.exact else (1e-5, 1e-6)
        np.testing.assert_allclose(one, values[:1], rtol=rtol, atol=atol)
        loss = case.make(reduction="none", dtype="float64")
        _, gradient = gradients(lambda p: ops.sum(loss(y_true, p)[0]))(y_pred)
        assert not gradient[1:].any() and np.isfinite(gradient).all()


EVEN = [
    c for c in (*MODES, *SUMS)
    if c.kind == "real" and c.y_true.shape == c.y_pred.shape and c.loss not in OF_KERAS
]


@over(EVEN)
def test_an_even_loss_pulls_nowhere_at_perfection(case):
    """Too high and too low by as much cost the same: then the slope between them is 0."""
    y_true, _ = declared.draw(case, rng)
    off = 0.1 * rng.uniform(0.5, 1.5, y_true.shape)
    with wide():
        loss = case.make(dtype="float64")
        at = gradients(lambda p: loss(y_true, p))
        (high, _), (low, _) = at(y_true + off), at(y_true - off)
        if abs(high - low) > 1e-12 * abs(high):
            pytest.skip("not even")
        assert not at(y_true.astype("float64"))[1].any()


# --- targets out of range ------------------------------------------------------------------

BOUNDED = [c for c in (*MODES, *SUMS) if c.takes is not None and declared.beyond(c)]
# One of each, for what depends on the declaration alone.
DECLARATIONS = list({c.takes: c for c in BOUNDED}.values())


@over(BOUNDED)
def test_targets_out_of_range_are_refused(case):
    y_true, y_pred = declared.draw(case, rng)
    loss = case.make()
    for value in declared.beyond(case):
        dtypes = ["float32"]
        if float(value).is_integer():
            dtypes += ["int32"] + (["uint8"] if 0 <= value < 256 else [])
        if case.takes.y_true not in (*declared.CLASSES, "probability", "counts", "signs"):
            dtypes = dtypes[:1]
        for dtype in dtypes:
            wrong = declared.spoilt(np.round(y_true) if "int" in dtype else y_true, value, dtype)
            with pytest.raises(ValueError, match="y_true"):
                loss(wrong, y_pred)


@over([c for c in BOUNDED if c.takes.range == (0, 1) and not declared.holds_ids(c)])
def test_a_soft_target_a_little_outside_computes(case):
    y_true, y_pred = declared.draw(case, rng)
    loss = case.make()
    for value in (1.05, -0.05):
        assert np.isfinite(to_numpy(loss(declared.spoilt(y_true, value, "float32"), y_pred)))


@over(BOUNDED)
def test_what_counts_nowhere_may_hold_anything(case):
    """A weight of 0, and a mask, come before any check."""
    y_true, y_pred = declared.draw(case, rng)
    loss = case.make()
    weights = np.r_[0.0, np.ones(len(y_pred) - 1)].astype("float32")
    # Of a class that is not ignored: what is ignored would not be counted either.
    counts = 1 if case.options.get("ignore_class") == 0 else 0
    known = declared.spoilt(y_true, counts, "float32")
    clean = to_numpy(loss(known, y_pred, weights))
    masked = ops.convert_to_tensor(y_pred.astype("float32"))
    masked._keras_mask = ops.convert_to_tensor(weights > 0)
    clean_masked = to_numpy(loss(known, masked))
    anything = [np.nan]
    if any(case is other for other in DECLARATIONS):
        anything += declared.beyond(case)[:2]
    for value in anything:
        wrong = declared.spoilt(y_true, value, "float32")
        np.testing.assert_allclose(to_numpy(loss(wrong, y_pred, weights)), clean, rtol=1e-6)
        np.testing.assert_allclose(to_numpy(loss(wrong, masked)), clean_masked, rtol=1e-6)


@pytest.mark.everywhere(jax=10)
@pytest.mark.skipif(BACKEND == "torch", reason="nothing is compiled")
@over(DECLARATIONS)
def test_nothing_raises_in_a_compiled_graph(case):
    y_true, y_pred = declared.draw(case, rng)
    loss = case.make()
    function = next(iter(compiled(lambda t, p: loss(t, p)).values()))
    wrong = declared.spoilt(y_true, declared.beyond(case)[0], "float32")
    function(ops.convert_to_tensor(wrong), ops.convert_to_tensor(y_pred.astype("float32")))


# --- digits ----------------------------------------------------------------------------------


# Skeletons are minima and maxima of neighbours: of two that are nearly equal a rounding
# chooses, and with it who gets the gradient.
# So it does of the sign of |log Y - log Ŷ| in a band where the two are equal to a rounding.
CHOOSING = (kl.CenterlineDice, kl.STFT, kl.MultiResolutionSTFT)


@over(MODES)
def test_digits_near_perfection(case):
    y_true = declared.hard(case, rng)
    y_pred = declared.near(case, y_true, rng)
    if y_pred is None:
        pytest.skip("no prediction stands for a target")
    # Both precisions are given the same numbers.
    y_pred = y_pred.astype("float32")
    if np.asarray(y_true).dtype.kind == "f":
        y_true = y_true.astype("float32")
    found = {}
    with wide():
        for dtype in ("float32", "float64"):
            loss = case.make(dtype=dtype)
            found[dtype] = gradients(lambda p, f=loss: f(y_true, p))(y_pred.astype(dtype))
    value, gradient = found["float64"]
    assert np.isfinite(value)
    # What two distributions differ by is a sum of terms of both signs, of the size of the
    # shares themselves, which add up to 1: it is known to a unit of float32's last digit.
    two = case.takes.y_true == "distribution" or case.kind == "distributions"
    atol = np.finfo("float32").eps * case.options.get("temperature", 1) ** 2 if two else 0
    np.testing.assert_allclose(found["float32"][0], value, rtol=1e-3, atol=atol)
    if case.loss in CHOOSING:
        return
    # Twice the value's share: JAX and torch differentiate what TensorFlow has written out.
    off = np.linalg.norm(found["float32"][1] - gradient)
    assert off <= 2e-3 * np.linalg.norm(gradient) + atol


@over(
    [c for c in cases.CASES if c.kind in ("map", "classes", "binary") and not c.vanishes]
)
def test_a_class_missed_entirely_is_pulled_up(case):
    """Half of each sample is of a class that the prediction gives next to nothing."""
    takes, shape = case.takes, case.y_pred.shape
    classes = shape[-1]
    ignored = case.options.get("ignore_class")
    binary = takes.y_true == "probability" or classes == 1
    missed = 1 if binary else next(c for c in range(1, classes) if c != ignored)
    y_true = np.zeros((len(case.y_pred), int(np.prod(shape[1:-1]))), int)
    y_true[:, : -(-y_true.shape[1] // 2)] = missed
    y_true = y_true.reshape(shape[:-1])
    if binary:
        y_true = np.broadcast_to(y_true[..., None], shape).astype("float64")
    loss = case.make()
    at = gradients(lambda p: loss(y_true, p))
    for gap in (5.0, 20.0) if takes.y_pred != "probabilities" else (None,):
        y_pred = np.zeros(shape, "float32")
        if gap is None and not binary:
            y_pred[..., 0] = 1.0
        elif gap is not None:
            y_pred[..., 0] = -gap if binary else gap
            if binary:
                y_pred[:] = -gap
        _, gradient = at(y_pred)
        assert np.isfinite(gradient).all()
        pull = np.where(y_true.reshape(shape[:-1] + (-1,))[..., 0] == missed, 1.0, 0.0)
        pull = pull * gradient[..., 0 if binary else missed]
        assert (pull.reshape(len(pull), -1).sum(-1) < 0).all(), gap


# --- every loss has all that a loss has ----------------------------------------------------


def test_keras_is_the_only_stranger():
    """Only terms from elsewhere may leave undeclared what they take."""
    for case in cases.CASES:
        assert case.takes is not None or case.loss in (*OF_KERAS, kl.Select), case.id
    assert keras.config.floatx() == "float32"
