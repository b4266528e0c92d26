"""Numbers that lie: NaN that vanishes or spreads, infinite logits, odd rows, empty batches.

Every law goes over all of `CASES` (or those that its subject makes sense for), so that
a loss added later is held to it by its case alone.
"""

import functools
import inspect

import keras
import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from keras_losskit.core.labelled import LabelledLoss
from keras_losskit.losses.classification.base import BinaryLoss, CategoricalLoss
from keras_losskit.losses.ranking.base import RankingLoss
from keras_losskit.losses.segmentation.base import SegmentationLoss
from tests.backends import BACKEND, to_numpy, value_and_gradient, wide
from tests.cases import CASES

rng = np.random.default_rng(20240707)
each = pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
BY_NAME = {case.id: case for case in CASES}
assert len(BY_NAME) == len(CASES)


def of(*bases, where=lambda case: True, one_by=None):
    """The cases of losses of some bases; with `one_by` the first of each such key."""
    chosen = [c for c in CASES if issubclass(c.loss, bases) and where(c)]
    if one_by is not None:
        chosen = list({one_by(c): c for c in reversed(chosen)}.values())
    assert chosen
    return pytest.mark.parametrize("case", chosen, ids=lambda c: c.id)


def compute(loss, as_graph=False):
    """`(y_true, y_pred) -> values, gradient of their sum`.

    Compiled on JAX, where that is faster for a few calls; on TensorFlow `as_graph`.
    """
    if BACKEND == "jax":
        import jax

        @jax.jit
        def run(t, p):
            values, back = jax.vjp(lambda p: loss(t, p), p)
            return values, back(ops.ones_like(values))[0]

    elif BACKEND == "tensorflow":
        import tensorflow as tf

        def run(t, p):
            with tf.GradientTape() as tape:
                tape.watch(p)
                values = loss(t, p)
            gradient = tape.gradient(values, p)
            return values, tf.zeros_like(p) if gradient is None else gradient

        run = tf.function(run, autograph=False) if as_graph else run

    else:

        def run(t, p):
            p.requires_grad_()
            values = loss(t, p)
            if values.requires_grad:
                values.sum().backward()
            return values, ops.zeros_like(p) if p.grad is None else p.grad

    def call(y_true, y_pred):
        y_true, y_pred = (ops.convert_to_tensor(np.array(x)) for x in (y_true, y_pred))
        return [to_numpy(x) for x in run(y_true, y_pred)]

    return call


@functools.lru_cache(maxsize=2)
def _computed(name):
    return compute(BY_NAME[name].make(reduction="none"))


def computed(case, y_pred, y_true=None):
    """Values of a case and their gradient, for other predictions."""
    y_true = case.y_true if y_true is None else y_true
    return _computed(case.id)(single(y_true), single(y_pred))


def single(x):
    x = np.asarray(x)
    return x.astype("int32" if x.dtype.kind == "i" else "float32")


def differs(case, *others):
    """Where the reference's values depend on which predictions it is given."""
    values = case.found(case.y_true, case.y_pred)
    moved = np.zeros(values.shape, bool)
    with np.errstate(all="ignore"):
        for p in others:
            try:
                moved |= np.abs(case.found(case.y_true, p) - values) > 1e-9
            except (ValueError, TypeError, np.exceptions.ComplexWarning):
                # The logarithm or a power of what is no probability.
                continue
    return moved


# --- NaN and infinity -----------------------------------------------------------------------


@each
def test_nan_does_not_vanish_and_nothing_spreads(case):
    clean = computed(case, case.y_pred)
    # What is ignored, or has no pair, depends on no prediction.
    counted = differs(case, *(np.roll(case.y_pred, 1, axis=a) for a in (0, -1)))
    assert counted.any()
    values, _ = computed(case, np.full(case.y_pred.shape, np.nan))
    assert np.isnan(values[counted]).all(), values
    entry_of_nan_is_nan(case)
    for what in (np.nan, np.inf, -np.inf):
        spoilt = case.y_pred.copy()
        spoilt[1] = what
        values, gradient = computed(case, spoilt)
        if np.isnan(what):
            own = values if case.batch else values[1][counted[1]]
            assert np.isnan(own).all(), values
        if not (case.batch or case.in_batch):  # There one sample is part of the others' values.
            same_but_for_the_second((values, gradient), clean)


def entry_of_nan_is_nan(case):
    """Whatever entry a value depends on: no maximum and no hinge passes NaN by."""
    entry = tuple(rng.integers(0, n) for n in case.y_pred.shape)
    others = [case.y_pred.copy() for _ in range(2)]
    for other, factor in zip(others, (1.3, 0.6)):
        other[entry] *= factor
    counted = differs(case, *others)
    spoilt = case.y_pred.copy()
    spoilt[entry] = np.nan
    values, _ = computed(case, spoilt)
    if case.in_batch:  # There not all that meet it need to take it.
        assert np.isnan(values).any() or not counted.any(), (entry, values)
    else:
        assert np.isnan(values[counted]).all(), (entry, values, counted)


def same_but_for_the_second(got, clean):
    for x, y in zip(got, clean):
        others = np.arange(len(x)) != 1
        np.testing.assert_array_equal(x[others], y[others])


@of(RankingLoss)
def test_a_relevance_of_nan_is_no_padding(case):
    clean = computed(case, case.y_pred)
    for item in range(2):
        y_true = case.y_true.copy()
        y_true[1, item] = np.nan
        got = computed(case, case.y_pred, y_true)
        assert np.isnan(got[0][1])
        same_but_for_the_second(got, clean)
    # Nor is a list of padding and one such item a list without anything to rank.
    y_true[1] = -1
    y_true[1, 0] = np.nan
    assert np.isnan(computed(case, case.y_pred, y_true)[0][1])


# --- classes that are masked out ------------------------------------------------------------


def plain(case, **options):
    """The case's loss and options, without smoothing: a target of 0 is 0."""
    options = {**case.options, **options}
    if "label_smoothing" in options:
        options["label_smoothing"] = 0.0
    if options.get("z_loss"):
        options["z_loss"] = 0.01
    return options


def masked_out(case):
    """Rows of targets, and which logits they want; `None` where targets are logits too."""
    y_true, n = case.y_true, case.y_pred.shape[-1]
    if case.kind == "distributions":
        return y_true, None
    if case.kind == "ordinal":  # Level k is 1 where the rank is above k.
        return y_true, y_true[..., None] > np.arange(n)
    if y_true.ndim < case.y_pred.ndim:
        y_true = np.eye(n)[y_true]
    return y_true, y_true > 0.5


def takes_logits(case):
    if case.loss is kl.KerasLoss:  # That is Keras' mathematics.
        return False
    return getattr(case.make(), "from_logits", False) is not False


@of(keras.losses.Loss, where=takes_logits)
def test_logits_of_minus_infinity_where_the_target_is_0(case):
    rows, wanted = masked_out(case)
    y_pred, options = case.y_pred.copy(), plain(case)
    if wanted is None:  # Both are logits: classes that neither knows.
        gone = np.zeros(y_pred.shape, bool)
        gone[:, 0, 1] = gone[:, 1, 2:4] = True
    else:
        place = np.cumsum(~wanted, axis=-1) * ~wanted  # 1, 2, … of those not wanted.
        row = np.arange(y_pred[..., 0].size).reshape(y_pred.shape[:-1]) % 3
        gone = (place > 0) & (place <= row[..., None])
    assert gone.any()

    def targets(lowest, of=case.y_true):
        return np.where(gone, lowest, of) if wanted is None else of

    def reference(lowest):
        p = np.where(gone, lowest, y_pred)
        return np.asarray(case.reference(targets(lowest), p, **options))

    try:
        expected, near = reference(-700.0), reference(-600.0)
    except ValueError:  # It takes the logarithm of the 0 that it has rounded to.
        expected, near = reference(-70.0), reference(-60.0)
    has_limit = np.isclose(expected, near, rtol=1e-6, atol=1e-9)
    run = compute(case.loss(*case.argument, **options, reduction="none"))
    for encoded in [case.y_true] + [rows] * (rows.shape != case.y_true.shape):
        values, gradient = run(
            single(targets(-np.inf, encoded)), single(np.where(gone, -np.inf, y_pred))
        )
        assert np.isfinite(values).all() and np.isfinite(gradient).all()
        np.testing.assert_allclose(
            values[has_limit], expected[has_limit], rtol=1e-5, atol=1e-6
        )


# --- rows and ids ------------------------------------------------------------------------


def slopes(function, y_pred, step=1e-5):
    """Central differences of each sample's value by its own entries, from one call."""
    n, steps = y_pred[0].size, step * np.eye(y_pred[0].size).reshape(-1, *y_pred[0].shape)
    moved = np.concatenate([p + sign * steps for p in y_pred for sign in (1, -1)])
    up, down = np.moveaxis(np.ravel(function(moved)).reshape(len(y_pred), 2, n), 1, 0)
    return ((up - down) / (2 * step)).reshape(y_pred.shape)


@of(CategoricalLoss, where=lambda c: c.kind == "classes" and not c.batch)
def test_rows_that_do_not_sum_to_1(case):
    y_true, y_pred = rng.uniform(0, 1.5, size=(2, 1, 5)), case.y_pred[:2, :1]
    many = np.repeat(y_true, 10, axis=0)  # As `slopes` asks for.
    # Without weights a value may or may not be multiplied by the sum of its row.
    ones = {**case.options, "class_weights": case.options["class_weights"] or [1.0] * 5}
    with wide():
        loss = case.loss(**case.options, reduction="none", dtype="float64")
        _, gradient = value_and_gradient(lambda p: ops.sum(loss(y_true, p)), y_pred)
        own = slopes(lambda p: to_numpy(loss(many, p)), y_pred)
        np.testing.assert_allclose(gradient, own, rtol=1e-6, atol=1e-7)

        loss = case.loss(**ones, reduction="none", dtype="float64")
        value, gradient = value_and_gradient(lambda p: ops.sum(loss(y_true, p)), y_pred)
    np.testing.assert_allclose(value, case.reference(y_true, y_pred, **ones).sum(), rtol=1e-9)
    expected = slopes(lambda p: case.reference(many, p, **ones), y_pred)
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.everywhere(jax=10)
@pytest.mark.skipif(BACKEND == "torch", reason="there such an id is always seen, and refused")
@of(CategoricalLoss, BinaryLoss, where=lambda c: not c.batch and c.kind != "distributions")
def test_compiled_an_id_out_of_range_is_worth_0(case):
    ids = case.y_true if case.kind == "classes" else rng.integers(0, 5, size=(4, 3))
    wrong = ids.copy()
    wrong[0, 1], wrong[2, 0] = 77, -3
    bad = wrong != ids
    run = compute(case.make(reduction="none"), as_graph=True)
    clean, clean_gradient = run(single(ids), single(case.y_pred))
    values, gradient = run(single(wrong), single(case.y_pred))
    assert not gradient[bad].any() and not values[bad].any()
    np.testing.assert_allclose(values[~bad], clean[~bad], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(gradient[~bad], clean_gradient[~bad], rtol=1e-5, atol=1e-7)


@of(
    LabelledLoss,
    where=lambda c: "ignore_class" in inspect.signature(c.loss).parameters,
    one_by=lambda c: (c.loss, c.y_pred.shape[-1] == 1, c.batch),
)
def test_class_0_of_one_hot_rows_is_ignored(case):
    rows = case.y_true
    if rows.ndim < case.y_pred.ndim:
        rows = np.eye(case.y_pred.shape[-1])[rows]
    if rows.shape[-1] == 1:
        rows = np.round(rows)  # Of soft targets none is exactly 0.
    ignored = rows[..., :1] == (0 if rows.shape[-1] == 1 else 1)
    options = {**case.options, "ignore_class": 0}
    assert ignored.any() and not ignored.all()
    run = compute(case.loss(*case.argument, **options, reduction="none"))
    y_pred = np.where(ignored, np.nan, case.y_pred)
    values, gradient = run(single(rows), single(y_pred))
    assert np.isfinite(values).all() and np.isfinite(gradient).all()
    assert not gradient[np.broadcast_to(ignored, gradient.shape)].any()
    other = np.where(ignored, case.y_pred * 0.5 + 0.1, case.y_pred)
    again, _ = run(single(rows), single(other))
    np.testing.assert_array_equal(values, again)
    if rows.shape != case.y_true.shape:
        values, _ = run(single(case.y_true), single(y_pred))
        np.testing.assert_allclose(values, again, rtol=1e-6, atol=1e-7)


# --- a class that is missed -------------------------------------------------------------------


@of(SegmentationLoss, one_by=lambda c: (c.loss, c.y_pred.shape[-1], c.batch))
@pytest.mark.parametrize("form", ["zero", "logits"])
def test_a_class_missed_entirely_is_pulled_up(case, form):
    volume, classes = case.y_pred.ndim - 2, case.y_pred.shape[-1]
    shape = (2, *(7,) * volume)
    inside = np.zeros(shape, bool)
    inside[(slice(None), *(slice(1, 6),) * volume)] = True  # A block with a middle.
    wanted = min(1, classes - 1)
    if classes == 1:
        y_true = inside[..., None].astype("float64")
    else:
        y_true = inside.astype("int32")
    options = {**case.options, "from_logits": form == "logits"}
    with wide():  # From logits the slope is in proportion to p, e^-100.
        loss = case.loss(*case.argument, **options, dtype="float64")
        if form == "zero":
            y_pred = np.zeros((*shape, classes))
            y_pred[..., 0] = float(classes > 1)
        else:
            y_pred = np.zeros((*shape, classes))
            y_pred[..., wanted] = -100
        _, gradient = value_and_gradient(lambda p: ops.sum(loss(y_true, p)), y_pred)
    pull = gradient[..., wanted]
    assert np.isfinite(gradient).all()
    assert (pull[inside] <= 0).all() and (pull[inside] < 0).any(), pull[inside]
