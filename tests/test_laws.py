"""The laws of the algebra, for every reduction, with weights and masks."""

import copy
import json

import keras
import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from keras_losskit.core.reduction import REDUCTIONS
from tests.backends import to_numpy, value_and_gradient

rng = np.random.default_rng(7)
Y = rng.normal(size=(4, 3, 2)).astype("float32")
P = rng.normal(size=(4, 3, 2)).astype("float32")
WEIGHTS = {
    "none": None,
    "samples": np.array([0.5, 0.0, 2.0, 1.0], "float32"),
    "positions": rng.uniform(0, 2, size=(4, 3)).astype("float32"),
}
MASK = np.array([[1, 1, 0], [1, 1, 1], [0, 0, 1], [1, 0, 1]], bool)


def masked(x):
    x = ops.convert_to_tensor(x) + 0
    x._keras_mask = ops.convert_to_tensor(MASK)
    return x


def n(x):
    return to_numpy(x)


def losses(reduction="sum_over_batch_size"):
    return (
        kl.MeanSquaredError(reduction=reduction),
        kl.MeanAbsoluteError(reduction=reduction),
        kl.Huber(delta=0.5, reduction=reduction),
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("mask", [False, True])
def test_linearity(reduction, weights, mask):
    a, b, c = losses(reduction)
    w = WEIGHTS[weights]
    p = masked(P) if mask else P
    va, vb, vc = (n(x(Y, p, w)) for x in (a, b, c))
    for total, expected in (
        (a + 2 * b, va + 2 * vb),
        (a - b, va - vb),
        (-a, -va),
        (b * 0.25, 0.25 * vb),
        (a / 4, va / 4),
        (sum([a, b, c]), va + vb + vc),
        (2 * (a + b) - c / 2, 2 * va + 2 * vb - vc / 2),
        (np.float32(3) * a, 3 * va),
        (a * np.float64(3), 3 * va),
        (+a, va),
    ):
        np.testing.assert_allclose(n(total(Y, p, w)), expected, rtol=1e-5, atol=1e-6)


def test_terms_reduce_by_their_own_rule():
    a, b = kl.MeanSquaredError(reduction="sum"), kl.MeanAbsoluteError()
    w = WEIGHTS["samples"]
    got = n((a + 2 * b)(Y, P, w))
    np.testing.assert_allclose(got, n(a(Y, P, w)) + 2 * n(b(Y, P, w)), rtol=1e-6)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_product_is_of_the_values(reduction, weights):
    a, b, _ = losses(reduction)
    w = WEIGHTS[weights]
    values = ((P - Y) ** 2).mean(-1) * np.abs(P - Y).mean(-1)
    full = np.ones((4, 3)) if w is None else np.broadcast_to(w.reshape(4, -1), (4, 3))
    expected = values * full
    if reduction == "sum":
        expected = expected.sum()
    elif reduction == "mean_with_sample_weight":
        expected = expected.sum() / full.sum()
    elif reduction not in ("none", None):
        expected = expected.mean()
    np.testing.assert_allclose(n((a * b)(Y, P, w)), expected, rtol=1e-5, atol=1e-7)


def test_product_of_sums_distributes():
    a, b, c = losses()
    left, right = (a + 2 * b) * c, a * c + 2 * (b * c)
    np.testing.assert_allclose(n(left(Y, P)), n(right(Y, P)), rtol=1e-5)
    np.testing.assert_allclose(n(left(Y, masked(P))), n(right(Y, masked(P))), rtol=1e-5)
    assert repr(left) == (
        "(MeanSquaredError() + 2 * MeanAbsoluteError()) * Huber(delta=0.5)"
    )
    assert repr((3 * a) * (2 * b)) == "6 * MeanSquaredError() * MeanAbsoluteError()"
    assert len((a * b * c).factors) == 3


def test_product_of_a_sum_whose_terms_are_masked_differently():
    """A mask of samples beside one of positions, where B == T would broadcast silently."""
    ids = np.array([[0, 1, 2], [2, 1, 0], [1, 1, 2]])
    p = rng.uniform(0.1, 1, size=(3, 3, 3)).astype("float32")
    p /= p.sum(-1, keepdims=True)
    a, b = kl.CategoricalCrossentropy(ignore_class=2), kl.CategoricalCrossentropy()
    mask = np.array([True, False, True])
    ce = -np.log(np.take_along_axis(p, ids[..., None], -1)[..., 0])
    expected = ((np.where(ids == 2, 0, ce) + ce) * ce)[mask].mean()
    got = ((a + b) * b).evaluate(ids, p, None, mask)
    np.testing.assert_allclose(n(got), expected, rtol=1e-5)


def test_flattening():
    a, b, c = losses()
    total = 2 * (a + b) + c
    assert isinstance(total, kl.WeightedSum)
    assert [(w, loss) for w, loss in total.terms.values()] == [(2, a), (2, b), (1, c)]
    assert list((a - (b - c)).terms.values()) == [(1, a), (-1, b), (1, c)]
    assert list((a - 2 * b).terms.values()) == [(1, a), (-2, b)]


def test_operators_leave_their_operands_alone():
    a, b, c = losses()
    total = a + b
    before = [json.dumps(x.get_config()) for x in (a, b, c, total)]
    for made in (total + c, 3 * total, -total, total * c, total.on(y_pred=0), total - a):
        assert made is not total
        kl.WeightedSum([made], reduction="sum", dtype="float64")
    assert [json.dumps(x.get_config()) for x in (a, b, c, total)] == before
    with pytest.raises(TypeError):
        total.terms["huber"] = (1, c)


def test_zero_drops_a_term_that_is_nan():
    @kl.loss(package="test_laws")
    def not_a_number(y_true, y_pred):
        return ops.mean(ops.log(y_pred * 0 - 1), axis=-1)

    a = kl.MeanSquaredError()
    total = a + 0 * not_a_number()
    value, gradient = value_and_gradient(lambda p: total(Y, p), P)
    expected, expected_gradient = value_and_gradient(lambda p: a(Y, p), P)
    np.testing.assert_allclose(value, expected)
    np.testing.assert_allclose(gradient, expected_gradient)
    assert np.isnan(n(not_a_number()(Y, P)))
    assert n((0 * not_a_number())(Y, P)) == 0
    assert n((0 * kl.MeanSquaredError(reduction="none"))(Y, P)).shape == (4, 3)


def test_names_and_term_values():
    a, b, _ = losses()
    other = kl.MeanSquaredError(name="aux")
    total = a + 2 * b + kl.MeanSquaredError() + other + 0.5 * kl.MeanSquaredError()
    assert list(total.terms) == [
        "mean_squared_error", "mean_absolute_error", "mean_squared_error_2", "aux",
        "mean_squared_error_3",
    ]
    values = total.term_values(Y, P, WEIGHTS["samples"])
    assert list(values) == list(total.terms)
    for name, (_, loss) in total.terms.items():
        np.testing.assert_allclose(
            n(values[name]), n(loss(Y, P, WEIGHTS["samples"])), rtol=1e-6
        )
    weighed = sum(w * float(n(values[k])) for k, (w, _) in total.terms.items())
    np.testing.assert_allclose(n(total(Y, P, WEIGHTS["samples"])), weighed, rtol=1e-6)
    named = kl.WeightedSum({"overlap": (0.5, a), "b": b})
    assert list(named.terms) == ["overlap", "b"]
    assert list((named + a).terms) == ["overlap", "b", "mean_squared_error"]


def test_repr_reads_as_the_formula():
    dice, bce = kl.Dice(smooth=1.0), kl.BinaryCrossentropy()
    assert repr(0.5 * dice + bce) == "0.5 * Dice(smooth=1.0) + BinaryCrossentropy()"
    a, b, c = losses()
    assert repr(a - 2 * b) == "MeanSquaredError() - 2 * MeanAbsoluteError()"
    assert repr(-a + b) == "-MeanSquaredError() + MeanAbsoluteError()"
    assert repr(2 * (a * b)) == "2 * MeanSquaredError() * MeanAbsoluteError()"
    assert repr(a.on(y_pred=1)) == "MeanSquaredError().on(y_pred=1)"
    assert repr((a + b).on(y_true=slice(0, 2))) == (
        "(MeanSquaredError() + MeanAbsoluteError()).on(y_true=slice(0, 2, None))"
    )
    space = vars(kl)
    for total in (0.5 * dice + bce, a - 2 * b, a * b, a.on(y_pred=[0, 1]), -a / 3):
        again = eval(repr(total), {}, dict(space))
        assert again.get_config() == total.get_config()
    with pytest.raises(KeyError):
        (a + b).terms["nothing"]


def test_reduction_and_dtype_of_a_sum_set_every_term():
    a, b, c = losses()
    total = kl.WeightedSum([a, (2, b + c)], reduction="sum", dtype="float64")
    assert {t.loss.reduction for t in total.terms.values()} == {"sum"}
    assert {t.loss.requested_dtype for t in total.terms.values()} == {"float64"}
    assert a.reduction == "sum_over_batch_size" and a.requested_dtype is None
    product = kl.Product([a, b], reduction="sum")
    assert {f.reduction for f in product.factors} == {"sum"}
    copied = kl.WeightedSum.from_config(total.get_config())
    assert {t.loss.reduction for t in copied.terms.values()} == {"sum"}


def test_values_that_differ_in_shape_cannot_be_added():
    position = kl.CategoricalCrossentropy(reduction="none")
    sample = kl.Dice(reduction="none")
    y, p = np.zeros((2, 3, 3), int), np.full((2, 3, 3, 2), 0.5, "float32")
    with pytest.raises(ValueError, match=r"\(2, 3, 3\).*dice.*\(2,\)"):
        (position + sample)(y, p)
    with pytest.raises(ValueError, match=r"\(2, 3, 3\).*\(2,\)"):
        (position * sample)(y, p)
    total = kl.WeightedSum([position, sample], reduction="mean")
    assert n(total(y, p)).shape == ()
    with pytest.raises(ValueError, match="disagree"):
        kl.MeanSquaredError() * kl.MeanAbsoluteError(reduction="sum")


def test_terms_must_agree_on_from_logits():
    logits = kl.BinaryCrossentropy(from_logits=True)
    probabilities = kl.Dice()
    for combine in (
        lambda: logits + probabilities,
        lambda: logits - probabilities,
        lambda: logits * probabilities,
        lambda: logits + keras.losses.BinaryCrossentropy(),
        lambda: kl.WeightedSum([logits, 2 * probabilities]),
        lambda: kl.MeanSquaredError() + logits + probabilities,
    ):
        with pytest.raises(ValueError, match="from_logits=True.*from_logits=False"):
            combine()
    assert len((logits + kl.MeanSquaredError()).terms) == 2
    apart = logits.on(y_pred=0, y_true=0) + probabilities.on(
        y_pred=slice(1, 3), y_true=slice(1, 3)
    )
    assert len(apart.terms) == 2
    with pytest.raises(ValueError, match="disagrees|cannot be both"):
        logits.on(y_pred=0) + kl.BinaryCrossentropy().on(y_pred=0)


# --- operands ---------------------------------------------------------------------------


def test_foreign_terms():
    a = kl.MeanSquaredError()
    keras_mae = keras.losses.MeanAbsoluteError()
    expected = n(a(Y, P)) + 2 * n(keras_mae(Y, P))
    for total in (
        a + 2 * kl.as_loss(keras_mae),
        a + kl.as_loss("mae") * 2,
        a + keras_mae + "mae",
        keras_mae + a + keras.losses.mean_absolute_error,
        kl.WeightedSum([a, (2, "mae")]),
        sum([a, keras_mae, "mean_absolute_error"]),
    ):
        np.testing.assert_allclose(n(total(Y, P)), expected, rtol=1e-6)
        again = kl.WeightedSum.from_config(json.loads(json.dumps(total.get_config())))
        np.testing.assert_allclose(n(again(Y, P)), expected, rtol=1e-6)
    assert isinstance(kl.as_loss("mse") + "mae", kl.WeightedSum)
    assert kl.as_loss(a) is a
    assert list(("mse" + a).terms) == ["mean_squared_error", "mean_squared_error_2"]
    np.testing.assert_allclose(n((keras_mae - a)(Y, P)), n(keras_mae(Y, P)) - n(a(Y, P)))


def test_foreign_sparse_losses_keep_their_ids():
    ids, p = np.array([0, 2, 1]), np.eye(3, dtype="float32")[[0, 1, 1]] * 0.7 + 0.1
    theirs = keras.losses.SparseCategoricalCrossentropy()
    for mine in (kl.as_loss(theirs), kl.as_loss("sparse_categorical_crossentropy")):
        np.testing.assert_allclose(n(mine(ids, p)), n(theirs(ids, p)), rtol=1e-6)


def test_foreign_terms_that_lose_an_argument_are_refused():
    a = kl.MeanSquaredError()
    for lossy, name, mend in (
        (keras.losses.Huber(delta=0.3), "delta", "keras_losskit.Huber"),
        (keras.losses.CosineSimilarity(axis=1), "axis", "keras_losskit.CosineSimilarity"),
    ):
        if keras.losses.deserialize(keras.losses.serialize(lossy)).__dict__ == vars(lossy):
            continue  # A Keras that mends it.
        for combine in (lambda x=lossy: a + x, lambda x=lossy: kl.as_loss(x)):
            with pytest.raises(ValueError, match=f"{name}.*{mend}"):
                combine()
    assert kl.as_loss(keras.losses.Huber()) is not None

    class Unregistered(keras.losses.Loss):
        def __init__(self, k):
            super().__init__()
            self.k = k

        def call(self, y_true, y_pred):
            return ops.mean(y_true - y_pred, -1)

    with pytest.raises(ValueError, match="Unregistered.*round trip"):
        a + Unregistered(3)


def plain_function(y_true, y_pred):
    return ops.mean(y_true - y_pred, axis=-1)


def test_functions_that_cannot_be_found_again_are_refused():
    scale = 2.0

    def closure(y_true, y_pred):
        return scale * ops.mean(y_true - y_pred, axis=-1)

    a = kl.MeanSquaredError()
    for function, word in (
        (lambda y, p: p, "lambda"),
        (closure, "closure over scale"),
        (plain_function, "not registered"),
    ):
        with pytest.raises(TypeError, match=word):
            a + function
        with pytest.raises(TypeError, match=word):
            kl.as_loss(function)
    for nothing in (3, None, object()):
        with pytest.raises(TypeError, match="as_loss takes"):
            kl.as_loss(nothing)


@pytest.mark.parametrize(
    "stranger", [None, object, [1], "no number", True, np.ones(3), 1j, {}],
    ids=lambda x: type(x).__name__,
)
def test_strangers_get_a_type_error(stranger):
    a = kl.MeanSquaredError()
    for operate in (lambda: a * stranger, lambda: stranger * a):
        with pytest.raises((TypeError, ValueError)):
            operate()
    with pytest.raises((TypeError, ValueError)):
        a / stranger
    if not isinstance(stranger, str):
        for operate in (lambda: a + stranger, lambda: stranger + a, lambda: a - stranger):
            with pytest.raises(TypeError):
                operate()
    for number in (1, 2.5):
        with pytest.raises(TypeError):
            a + number
    assert 0 + a is a


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_must_be_finite(bad):
    with pytest.raises(ValueError, match="finite"):
        bad * kl.MeanSquaredError()


def test_division_by_zero():
    with pytest.raises(ZeroDivisionError):
        kl.MeanSquaredError() / 0


def test_malformed_sums():
    with pytest.raises(ValueError, match="empty"):
        kl.WeightedSum([])
    with pytest.raises(TypeError, match="terms"):
        kl.WeightedSum("mse")
    with pytest.raises(ValueError, match="at least two"):
        kl.Product([kl.MeanSquaredError()])
    with pytest.raises(TypeError, match="weight"):
        kl.WeightedSum([("a", kl.MeanSquaredError())])


# --- schedules -----------------------------------------------------------------------------


def test_scheduled_weights():
    a, b, _ = losses()
    decay = keras.optimizers.schedules.PolynomialDecay(1.0, 10, 0.0)
    total = a + 2 * (decay * b)
    assert "PolynomialDecay" in repr(total)
    with pytest.raises(ValueError, match="mean_absolute_error.*WeightScheduler"):
        total(Y, P)
    for step, weight in ((0, 2.0), (5, 1.0), (10, 0.0)):
        expected = n(a(Y, P)) + weight * n(b(Y, P))
        np.testing.assert_allclose(n(total.at_step(step)(Y, P)), expected, rtol=1e-5)
        again = kl.WeightedSum.from_config(json.loads(json.dumps(total.get_config())))
        np.testing.assert_allclose(n(again.at_step(step)(Y, P)), expected, rtol=1e-5)
    squared = decay * (decay * b)
    np.testing.assert_allclose(n(squared.at_step(5)(Y, P)), 0.25 * n(b(Y, P)), rtol=1e-5)
    np.testing.assert_allclose(
        n((total / 2).at_step(0)(Y, P)), n(total.at_step(0)(Y, P)) / 2, rtol=1e-6
    )


# --- selection -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("selector", "index"),
    [(slice(0, 2), np.s_[..., 0:2]), (1, np.s_[..., 1]), (-1, np.s_[..., -1]),
     ([2, 0], np.s_[..., [2, 0]]), ([-1], np.s_[..., [-1]])],
)
def test_selection(selector, index):
    y, p = rng.normal(size=(2, 4, 3, 3)).astype("float32")
    loss = kl.MeanSquaredError().on(y_pred=selector, y_true=selector)
    expected = kl.MeanSquaredError()(y[index], p[index])
    np.testing.assert_allclose(n(loss(y, p)), n(expected), rtol=1e-6)
    np.testing.assert_allclose(
        n(kl.MeanSquaredError().on(y_pred=selector)(y[index], p)), n(expected), rtol=1e-6
    )
    for other in (
        copy.deepcopy(loss),
        kl.Select.from_config(json.loads(json.dumps(loss.get_config()))),
    ):
        np.testing.assert_allclose(n(other(y, p)), n(expected), rtol=1e-6)
    spoilt = p.copy()
    spoilt[0] = np.nan
    q = ops.convert_to_tensor(spoilt) + 0
    q._keras_mask = ops.convert_to_tensor(np.array([False, True, True, True]))
    np.testing.assert_allclose(
        n(loss(y, q)), n(kl.MeanSquaredError()(y[index][1:], p[index][1:])), rtol=1e-6
    )


def test_selection_by_key_and_its_errors():
    a, b, _ = losses()
    y = {"x": Y, "z": P}
    total = a.on(y_true="x", y_pred="u") + 2 * b.on(y_true="z", y_pred="v")
    got = n(total(y, {"u": P, "v": Y}))
    np.testing.assert_allclose(got, n(a(Y, P)) + 2 * n(b(P, Y)), rtol=1e-6)
    with pytest.raises(ValueError, match="'w'.*'u', 'v'"):
        a.on(y_pred="w")(Y, {"u": P, "v": Y})
    with pytest.raises(ValueError, match=r"2.*\(4, 3, 2\)"):
        a.on(y_pred=2)(Y, P)
    with pytest.raises(ValueError, match=r"\[0, 5\]"):
        a.on(y_pred=[0, 5])(Y, P)
    for bad in (1.5, True, [], [1.0], object()):
        with pytest.raises(TypeError, match="y_pred"):
            a.on(y_pred=bad)
