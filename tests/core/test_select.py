"""`.on(...)`: parts of one array, and weights of one term."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from tests.backends import to_numpy

rng = np.random.default_rng(95)
X = rng.normal(size=(6, 4)).astype("float32")
REDUCTIONS = ["sum_over_batch_size", "mean_with_sample_weight", "sum", "none"]


@kl.loss(package="test_select", takes=kl.Takes("any", "logits", "free"))
def distil(y_true, y_pred, share=0.5):
    """A share of the labels' crossentropy, the rest of the squared gap to a teacher."""
    ids = ops.cast(ops.reshape(y_true["labels"], (-1,)), "int32")
    hard = ops.sparse_categorical_crossentropy(ids, y_pred, from_logits=True)
    return share * hard + (1 - share) * ops.mean(ops.square(y_true["logits"] - y_pred), -1)


LABELS = np.arange(6) % 3
TEACHER = rng.normal(size=(6, 3)).astype("float32")
PACKED = np.concatenate([LABELS[:, None], TEACHER], -1).astype("float32")
PARTS = {"labels": 0, "logits": slice(1, None)}


def by_hand(p, weights=1.0, share=0.5):
    out = []
    for label, teacher, row in zip(LABELS, TEACHER.astype("float64"), p.astype("float64")):
        hard = np.log(np.exp(row).sum()) - row[label]
        out.append(share * hard + (1 - share) * np.mean((teacher - row) ** 2))
    return np.mean(np.asarray(out) * weights)


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_parts_come_through_fit_in_one_array(suffix, tmp_path):
    total = distil(share=0.25).on(y_true=PARTS) + 0.5 * kl.MeanSquaredError().on(
        y_true=slice(1, None)
    )
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.compile(keras.optimizers.SGD(0.0), loss=total, weighted_metrics=total.metrics())
    weights = np.array([1.0, 2.0, 0.0, 1.0, 0.5, 1.0])
    logs = model.fit(X, PACKED, sample_weight=weights, batch_size=6, verbose=0).history
    p = model.predict(X, verbose=0)
    squares = np.mean(weights * np.mean((TEACHER - p) ** 2, -1))
    assert logs["distil"] == [pytest.approx(by_hand(p, weights, 0.25), rel=1e-5)]
    assert logs["mean_squared_error"] == [pytest.approx(squares, rel=1e-5)]
    assert logs["loss"] == [pytest.approx(by_hand(p, weights, 0.25) + 0.5 * squares, rel=1e-5)]
    model.save(tmp_path / f"model.{suffix}")
    loaded = keras.saving.load_model(tmp_path / f"model.{suffix}")
    assert loaded.loss == total
    found = loaded.evaluate(X, PACKED, sample_weight=weights, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(logs["loss"][0], rel=1e-5)


def test_a_dict_of_parts_is_masked_and_weighed():
    p = rng.normal(size=(6, 3)).astype("float32")
    parts = {"labels": LABELS.astype("float32"), "logits": TEACHER.copy()}
    weights = np.array([1.0, 2.0, 0.0, 1.0, 0.5, 0.0])
    for part in parts.values():
        part[[2, 5]] = np.nan  # Of weight 0: never looked at.
    loss = distil()
    assert float(to_numpy(loss(parts, p, weights))) == pytest.approx(by_hand(p, weights), rel=1e-5)
    mask = weights > 0
    found = to_numpy(loss.evaluate(parts, ops.convert_to_tensor(p), None, mask))
    assert float(found) == pytest.approx(by_hand(p, mask) * 6 / 4, rel=1e-5)
    whole = {"labels": LABELS.astype("float32"), "logits": TEACHER}
    total = loss + kl.MeanSquaredError().on(y_true="logits")
    expected = by_hand(p) + np.mean((TEACHER - p) ** 2)
    assert float(to_numpy(total(whole, p))) == pytest.approx(expected, rel=1e-5)


def test_a_dict_of_parts_in_a_model_of_its_own():
    """By `compute_loss`, and by `AddLoss` in a layer's place."""

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(3)

        def build(self, shape):
            self.dense.build(shape)
            self.built = True

        def call(self, x):
            return self.dense(x)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return distil()({"labels": y[:, 0], "logits": y[:, 1:]}, y_pred, sample_weight)

    model = Own()
    model.compile(keras.optimizers.SGD(0.0))
    logs = model.fit(X, PACKED, verbose=0).history
    assert logs["loss"] == [pytest.approx(by_hand(model.predict(X, verbose=0)), rel=1e-5)]

    x, labels, teacher = keras.Input((4,)), keras.Input(()), keras.Input((3,))
    logits = keras.layers.Dense(3)(x)
    added = kl.AddLoss(distil())([{"labels": labels, "logits": teacher}, logits])
    model = keras.Model([x, labels, teacher], added[1])
    model.compile(keras.optimizers.SGD(0.0))
    inputs = [X, LABELS.astype("float32"), TEACHER]
    logs = model.fit(inputs, verbose=0, batch_size=6).history
    assert logs["loss"] == [pytest.approx(by_hand(model.predict(inputs, verbose=0)), rel=1e-5)]


# --- weights of one term ----------------------------------------------------------------

Y = rng.normal(size=(6, 3)).astype("float32")
Y[:, 2] = [1, 0, 2, 0, 1, 4]
P = rng.normal(size=(6, 2)).astype("float32")
SAMPLE = np.array([1.0, 3.0, 0.0, 0.5, 2.0, 1.0], "float32")


def squares(weights, reduction, mask=None):
    mask = np.ones(6, bool) if mask is None else mask
    each = [w * float(np.mean((t - p) ** 2)) for w, t, p in zip(weights, Y[:, :2], P)]
    each = np.where(mask, each, 0.0)
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    divisor = weights[mask].sum() if "weight" in reduction else mask.sum()
    return each.sum() / divisor


@pytest.mark.parametrize(
    ("reduction", "weighted"), list(itertools.product(REDUCTIONS, [False, True]))
)
def test_a_column_weighs_its_term_beside_the_sample_weights(reduction, weighted):
    term = kl.MeanSquaredError(reduction=reduction).on(y_true=slice(0, 2), weight=2)
    given = SAMPLE if weighted else None
    weights = Y[:, 2] * SAMPLE if weighted else Y[:, 2]
    mask = np.array([True, False, True, True, True, False])
    np.testing.assert_allclose(
        to_numpy(term(Y, P, given)), squares(weights, reduction), rtol=1e-5
    )
    found = term.evaluate(Y, ops.convert_to_tensor(P), given, mask)
    np.testing.assert_allclose(
        to_numpy(found), squares(weights, reduction, mask), rtol=1e-5, atol=1e-7
    )
    spoilt = Y.copy()
    spoilt[weights == 0, :2] = np.nan
    np.testing.assert_allclose(
        to_numpy(term(spoilt, P, given)), squares(weights, reduction), rtol=1e-5
    )


def test_whole_numbers_weigh_beside_fractions():
    y = np.round(Y * 3).astype("int32")
    term = kl.MeanSquaredError().on(y_true=slice(0, 2), weight=2)
    each = np.mean((y[:, :2] - P) ** 2, -1)
    found = float(to_numpy(term(y, P, SAMPLE)))
    assert found == pytest.approx(np.mean(SAMPLE * y[:, 2] * each), rel=1e-5)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_a_term_may_ignore_the_sample_weights(reduction):
    term = kl.MeanSquaredError(reduction=reduction).on(y_true=slice(0, 2), sample_weight=False)
    for weights in (SAMPLE, None):
        np.testing.assert_allclose(
            to_numpy(term(Y, P, weights)), squares(np.ones(6), reduction), rtol=1e-5
        )
    plain = kl.MeanSquaredError(reduction=reduction).on(y_true=slice(0, 2))
    total = plain + 2 * kl.MeanAbsoluteError(reduction=reduction).on(y_true=slice(0, 2)) + term
    expected = sum(
        w * to_numpy(loss(Y, P, SAMPLE)) for w, loss in total.terms.values()
    )
    np.testing.assert_allclose(to_numpy(total(Y, P, SAMPLE)), expected, rtol=1e-5)


def test_weights_of_terms_by_fit():
    total = kl.Huber().on(y_true=slice(0, 2), weight=2) + 0.5 * kl.MeanSquaredError().on(
        y_true=slice(0, 2), sample_weight=False
    )
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(0.0), loss=total, weighted_metrics=total.metrics())
    logs = model.fit(X, Y, sample_weight=SAMPLE, verbose=0).history
    d = np.abs(model.predict(X, verbose=0) - Y[:, :2])
    huber = np.where(d <= 1, 0.5 * d * d, d - 0.5).mean(-1)
    assert logs["huber"] == [pytest.approx(np.mean(Y[:, 2] * SAMPLE * huber), rel=1e-5)]
    assert logs["mean_squared_error"] == [pytest.approx(np.mean(d * d), rel=1e-5)]


def test_one_loss_over_two_heads_joined(tmp_path):
    @keras.saving.register_keras_serializable("test_select")
    class Gaussian(kl.Loss):
        takes = kl.Takes("real", "parameters", "free")

        def call(self, y_true, y_pred):
            mean, scale = y_pred[:, :1], y_pred[:, 1:]
            return ops.mean(scale + 0.5 * ops.square((y_true - mean) * ops.exp(-scale)), -1)

    keras.utils.set_random_seed(1)
    x = keras.Input((4,))
    heads = [keras.layers.Dense(1, name=name)(x) for name in ("mean", "log_scale")]
    model = keras.Model(x, keras.layers.Concatenate()(heads))
    total = Gaussian() + 0.1 * kl.MeanAbsoluteError().on(y_pred=0)
    model.compile(keras.optimizers.SGD(0.01), loss=total, metrics=total.metrics())
    before = model.get_weights()
    y = Y[:, 2:]
    logs = model.fit(X, y, epochs=2, verbose=0).history
    assert logs["loss"][1] < logs["loss"][0] and {"gaussian", "mean_absolute_error"} <= {*logs}
    assert all((a != b).any() for a, b in zip(model.get_weights(), before))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.evaluate(X, y, verbose=0) == pytest.approx(
        model.evaluate(X, y, verbose=0), rel=1e-6
    )
    with pytest.raises(ValueError, match=r"no part 'mean'.*Concatenate.*\.on\(y_pred=slice"):
        kl.Huber().on(y_pred="mean")(Y, P)


@pytest.mark.parametrize(
    ("selector", "match"),
    [
        ({"y_pred": 2}, r"cannot select 2 on the last axis of y_pred.*\(6, 2\)"),
        ({"y_pred": [0, -3]}, "cannot select"),
        ({"y_pred": slice(2, 4), "y_true": slice(3, 9)}, r"slice\(2, 4, None\) selects nothing"),
        ({"y_true": 3}, "on the last axis of y_true"),
        ({"weight": 3}, "on the last axis of y_true"),
        ({"weight": "objects"}, "y_true has no part 'objects'"),
        ({"y_true": {"a": 5}}, "on the last axis of y_true"),
    ],
    ids=str,
)
def test_what_is_not_there_is_named(selector, match):
    with pytest.raises(ValueError, match=match):
        kl.Huber().on(**selector)(Y, P)


@pytest.mark.parametrize(
    "bad", [{"y_true": True}, {"y_pred": 1.5}, {"y_true": {}}, {"weight": {"a": 1}},
            {"y_pred": {"a": {"b": 1}}}, {"sample_weight": 0}, {"y_pred": []}], ids=str,
)
def test_selectors_are_checked_when_built(bad):
    with pytest.raises(TypeError, match=f"Select: `{next(iter(bad))}` must be"):
        kl.Huber().on(**bad)
