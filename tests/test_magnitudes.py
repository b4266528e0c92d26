"""Every case at magnitudes from 1e-36 to 1e18: values and gradients are numbers.

Not at single points: a quotient whose gradient overflows does so in a band of
magnitudes, and on each backend in another one.
"""

import functools

import keras
import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from keras_losskit.core.numerics import safe_divide
from tests.backends import BACKEND, compiled, to_numpy, value_and_gradient, wide
from tests.cases import CASES

GAPS = np.arange(0, 121, 2)
SCALES = (1e-36, 1e-30, 1e-20, 1e-10, 1.0, 1e10, 1e18)
WEIGHTS = (1e30, 1e-42)
LARGEST = np.finfo("float32").max
LABELLED = ("binary", "classes", "ordinal", "map")
MEASURED = ("real", "views", "boxes", "distributions")  # Targets have a scale, too.
each = pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)


# --- the points ---------------------------------------------------------------------


def alone(case):
    """Whether no sample knows of the others, so that all points are one batch."""
    return not (case.batch or case.in_batch)


def labels(case):
    """Batches of targets: as given, a class everywhere, two classes and no other."""
    y, classes = case.y_true, case.y_pred.shape[-1]
    binary = y.shape == case.y_pred.shape
    both = np.arange(y.size).reshape(y.shape) % 2
    kinds = [y, np.zeros_like(y), np.full_like(y, 1 if binary else classes - 1), both]
    return [kind.astype(y.dtype) for kind in kinds]


def confident(y_true, shape, gap, shift):
    """Logits `gap` apart: those of the targets, or of other classes by `shift`."""
    if y_true.shape == shape:  # Each entry a decision of its own.
        target = y_true != shift
    else:
        target = np.arange(shape[-1]) == (y_true[..., None] + shift) % shape[-1]
    return np.where(target, gap / 2, -gap / 2)


def as_predictions(case, logits):
    """Shares where the loss asks for them, as a float32 model would give them."""
    if case.options.get("from_logits", True):
        return logits
    logits = logits.astype("float32")
    if case.kind == "binary" or logits.shape[-1] == 1:
        return 1 / (1 + np.exp(-logits))
    shares = np.exp(logits - logits.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)


def points(case):
    """`(y_true, y_pred, weights)` of one batch each."""
    t, p = case.y_true, case.y_pred
    ones = np.ones(len(p))
    if case.kind in LABELLED:
        for i, y in enumerate(labels(case)):
            for shift in (0, 1):
                # One call each where samples cannot share it: the right ones are risky.
                fine = alone(case) or i + shift == 0
                for gap in GAPS if fine else GAPS[::5]:
                    yield y, as_predictions(case, confident(y, p.shape, gap, shift)), ones
    if case.options.get("from_logits", True):  # No shares.
        for scale in SCALES:
            if case.kind == "cosines" and scale > 1:
                continue
            yield t, p * scale, ones
            if case.kind in MEASURED and not set(np.unique(t)) <= {0, 1}:
                scaled = t * scale
                low, high = case.takes.range if case.takes is not None else (-np.inf, np.inf)
                marked = case.options.get("missing")
                if marked is not None and marked != "nan":
                    scaled = np.where(t == marked, t, scaled)  # A mark has no magnitude.
                    known = scaled[t != marked]
                else:
                    known = scaled[~np.isnan(scaled)]
                if known.size and (known.min() < low - 0.5 or known.max() > high + 0.5):
                    continue  # Refused, where values can be seen.
                yield scaled, p * scale, ones
    for weight in WEIGHTS:
        yield t, p, ones * weight
        yield t, p, np.resize([weight, 1.0], len(p))


# --- what they give -----------------------------------------------------------------


def differentiated(loss):
    """`(t, p, w) -> (values, gradient by p)`, compiled where the backend compiles."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        @functools.partial(tf.function, autograph=False)
        def call(t, p, w):
            with tf.GradientTape() as tape:
                tape.watch(p)
                values = loss(t, p, w)
            return values, tape.gradient(values, p, unconnected_gradients="zero")

        return lambda *arrays: call(*map(tf.constant, arrays))
    if BACKEND == "jax":
        import jax

        def total(p, t, w):
            values = loss(t, p, w)
            return ops.sum(values), values

        call = jax.jit(jax.value_and_grad(total, has_aux=True))

        def with_values(t, p, w):
            (_, values), gradient = call(p, t, w)
            return values, gradient

        return with_values
    import torch

    def eager(t, p, w):
        p = torch.tensor(p, requires_grad=True)
        values = loss(t, p, w)
        if not values.requires_grad:
            return values, torch.zeros_like(p)
        return values, torch.autograd.grad(values.sum(), p)[0]

    return eager


def evaluated(loss, batches, dtype):
    """Value and gradient of every batch, each as one row of `(points, entries)`."""
    call = differentiated(loss)
    rows = []
    for t, p, w in batches:
        t = t.astype("int32" if t.dtype.kind == "i" else dtype)
        found = call(t, p.astype(dtype), w.astype(dtype))
        rows.append([to_numpy(x) for x in found])
    return rows


def stacked(batches):
    """All batches as one."""
    return [tuple(np.concatenate(parts) for parts in zip(*batches))]


@each
def test_values_and_gradients_are_numbers_at_every_magnitude(case):
    batches = list(points(case))
    if alone(case):
        batches = stacked(batches)
    options = {"reduction": "none"}  # Its own law is with the reduction.
    bad = []
    for batch, found in zip(batches, evaluated(case.make(**options), batches, "float32")):
        if not all(np.isfinite(x).all() for x in found):
            bad.append((batch, found))
    for batch, found in bad:
        with wide():
            (exact,) = evaluated(case.make(**options, dtype="float64"), [batch], "float64")
        beyond = [beyond_float32(x) for x in exact]
        if alone(case):
            beyond = beyond[0] | beyond[1]
        elif any(x.any() for x in beyond):
            continue
        for number in found:
            wrong = ~np.isfinite(number)
            if alone(case):
                wrong[beyond] = False
            assert not wrong.any(), message(batch, wrong, alone(case))


def beyond_float32(exact):
    """In which samples a number is larger than all that float32 has."""
    return np.abs(exact).reshape(len(exact) if exact.ndim else 1, -1).max(-1) > LARGEST


def message(batch, wrong, single):
    t, p, w = batch
    if not single:
        return f"largest prediction {np.abs(p).max():.3g}, weights {w}, {t=}"
    samples = np.unique(np.argwhere(wrong)[:, 0])
    sizes = [f"{np.abs(p[i]).max():.3g}" for i in samples]
    return f"{len(samples)} samples, with largest predictions {sizes}; weights {w[samples]}"


# --- the division itself ------------------------------------------------------------

DIVISORS = np.concatenate(
    [[0, 1e-45, 1e-42, 1.2e-38], 10.0 ** np.arange(-36, 37), -(10.0 ** np.arange(-36, 37, 9))]
).astype("float32")


@pytest.mark.parametrize("upstream", [1.0, 1e7, 1e-20])
@pytest.mark.parametrize("numerator", [0.0, 1.0, 1e-30, "the divisor", "a third of it"])
def test_a_quotient_has_two_slopes_for_every_divisor(numerator, upstream):
    b = DIVISORS
    a = np.full_like(b, numerator) if isinstance(numerator, float) else b * np.float32(
        1 if numerator == "the divisor" else 1 / 3
    )
    tensors = ops.convert_to_tensor(a), ops.convert_to_tensor(b)
    got = to_numpy(safe_divide(*tensors))
    _, by_a = value_and_gradient(lambda a: upstream * ops.sum(safe_divide(a, tensors[1])), a)
    _, by_b = value_and_gradient(lambda b: upstream * ops.sum(safe_divide(tensors[0], b)), b)
    assert all(np.isfinite(x).all() for x in (got, by_a, by_b))

    some = np.abs(b) > 2e-37  # A third of what is smaller is no normal number.
    wide_b = np.where(some, b, 1).astype("float64")
    np.testing.assert_allclose(got[some], (a / wide_b)[some], rtol=3e-7, atol=2e-38)
    assert not got[b == 0].any() and not by_a[b == 0].any() and not by_b[b == 0].any()
    steep, tiny = a / wide_b / wide_b, 2e-38 * max(upstream, 1)
    far = some & (np.abs(b) > 1e-30) & (np.abs(steep) < 1e30)
    np.testing.assert_allclose(by_a[far], (upstream / wide_b)[far], rtol=1e-6, atol=2e-38)
    np.testing.assert_allclose(by_b[far], (-upstream * steep)[far], rtol=1e-6, atol=tiny)
    near = some & (np.abs(b) < 1)
    assert (by_a[near] * b[near] > 0).all()  # Of the right sign, however small b is.


def test_a_quotient_does_not_hide_a_nan():
    for a, b in ((np.nan, 1.0), (1.0, np.nan), (np.nan, np.nan)):
        pair = (ops.convert_to_tensor(np.array([x], "float32")) for x in (a, b))
        assert np.isnan(to_numpy(safe_divide(*pair))).all()


def test_identical_rows_are_no_distance_apart_however_it_is_compiled():
    rows = np.tile(np.random.default_rng(5).normal(size=(1, 7)), (4, 1)).astype("float32")
    expected = 1 - np.log(keras.config.epsilon())  # Of a distance of 0, by its tangent.
    for scale in (1.0, 1e-20, 1e10):
        for how, function in compiled(lambda p: kl.KoLeo()(p, p)).items():
            got = to_numpy(function(ops.convert_to_tensor(rows * np.float32(scale))))
            np.testing.assert_allclose(got, expected, rtol=1e-6, err_msg=how)
