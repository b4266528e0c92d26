"""Losses from elsewhere get what Keras would hand them, and never a broadcast pair."""

import copy
import inspect
import itertools
import math
import pickle

import keras
import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from keras_losskit.core.config import snake_case
from tests.backends import to_numpy

rng = np.random.default_rng(94)
REAL = rng.normal(size=(4, 3)).astype("float32")
SHARES = rng.dirichlet(np.ones(3), size=4).astype("float32")
ONE_HOT = np.eye(3, dtype="float32")[[0, 2, 1, 2]]
IDS = np.array([0, 2, 1, 2])
BITS = (REAL > 0).astype("float32")
MAPS = np.repeat(SHARES[:, None], 5, 1)[:, :, None]
ROWS = np.repeat(ONE_HOT[:, None], 5, 1)[:, :, None]
CTC = np.array([[1, 2], [2, 0], [1, 1], [2, 1]]), rng.normal(size=(4, 6, 4)).astype("float32")

# What each loss of Keras is called with.
DATA = {
    "binary_crossentropy": (BITS, SHARES),
    "binary_focal_crossentropy": (BITS, SHARES),
    "categorical_crossentropy": (ONE_HOT, SHARES),
    "categorical_focal_crossentropy": (ONE_HOT, SHARES),
    "categorical_generalized_cross_entropy": (IDS, SHARES),
    "categorical_hinge": (ONE_HOT, REAL),
    "circle": (IDS, REAL / np.linalg.norm(REAL, axis=-1, keepdims=True)),
    "cosine_similarity": (REAL, SHARES),
    "ctc": CTC,
    "dice": (ROWS, MAPS),
    "hinge": (2 * BITS - 1, REAL),
    "huber": (REAL, SHARES),
    "kl_divergence": (ONE_HOT, SHARES),
    "log_cosh": (REAL, SHARES),
    "mean_absolute_error": (REAL, SHARES),
    "mean_absolute_percentage_error": (REAL, SHARES),
    "mean_squared_error": (REAL, SHARES),
    "mean_squared_logarithmic_error": (SHARES, ONE_HOT),
    "poisson": (BITS, SHARES),
    "sparse_categorical_crossentropy": (IDS, SHARES),
    "squared_hinge": (2 * BITS - 1, REAL),
    "tversky": (ROWS, MAPS),
}


def of_keras():
    """`(name, function, class)` of every loss that Keras has."""
    functions = {
        f.__name__: f for f in vars(keras.losses).values() if inspect.isfunction(f)
        and list(inspect.signature(f).parameters)[:2] == ["y_true", "y_pred"]
    }
    classes = {
        snake_case(c.__name__): c for c in vars(keras.losses).values()
        if inspect.isclass(c) and c is not keras.losses.Loss
    }
    return functions, classes


FUNCTIONS, CLASSES = of_keras()


def number(x):
    return to_numpy(ops.sum(x))


def test_every_loss_of_keras_is_among_these():
    assert set(FUNCTIONS) | set(CLASSES) <= {*DATA}


class Plain(keras.losses.Loss):
    """What Keras makes of a function that `compile` is given."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, y_true, y_pred):
        return self.function(y_true, y_pred)


def test_keras_finds_this_one_not_again():
    # Keras 3.15.1 does not register it, so that a model with it cannot be loaded.
    with pytest.raises(ValueError, match=r"Use keras_losskit.GeneralizedCrossentropy\(q=...\)"):
        kl.as_loss(keras.losses.CategoricalGeneralizedCrossEntropy())


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) | set(CLASSES)))
def test_every_loss_of_keras_is_what_it_is_alone(name):
    y, p = DATA[name]
    ways = []
    if name in CLASSES and name != "categorical_generalized_cross_entropy":
        ways.append((CLASSES[name](), CLASSES[name]()))
    if name in FUNCTIONS and name != "categorical_generalized_cross_entropy":
        ways.append((FUNCTIONS[name], Plain(FUNCTIONS[name])))
    for way, alone in ways:
        expected = float(to_numpy(alone(ops.convert_to_tensor(y), ops.convert_to_tensor(p))))
        for term in (kl.as_loss(way), 1.0 * kl.as_loss(way), kl.as_loss(way, kl.Takes(
            "any", "any", "free"
        ))):
            assert float(to_numpy(term(y, p))) == pytest.approx(expected, rel=2e-6)
        again = keras.losses.deserialize(keras.losses.serialize(kl.as_loss(way)))
        assert again == kl.as_loss(way) and again.takes == kl.as_loss(way).takes
    if ways and name in FUNCTIONS:
        assert kl.as_loss(name).takes == kl.as_loss(FUNCTIONS[name]).takes


# Keras' words for pairs in which a trailing axis of 1 is all that differs.
# Crossentropies of one class say so in a warning.
ALIKE = [
    n for n, (y, p) in DATA.items()
    if y.shape == p.shape == (4, 3) and not n.startswith("categorical_")
]


@pytest.mark.parametrize("name", ALIKE)
def test_a_column_meets_no_row(name):
    # Broadcast, (4,) against (4, 1) would be 16 pairs.
    y, p = (x[:, 0] for x in DATA[name])
    ways = [w[name]() if w is CLASSES else w[name] for w in (CLASSES, FUNCTIONS) if name in w]
    for way in ways:
        term = kl.as_loss(way)
        wanted = to_numpy(term.call(
            ops.convert_to_tensor(y[:, None]), ops.convert_to_tensor(p[:, None])
        )).reshape(-1)
        assert wanted.shape == (4,)
        for a, b in itertools.product((y, y[:, None]), (p, p[:, None])):
            assert float(to_numpy(term(a, b))) == pytest.approx(wanted.mean(), rel=1e-5)
            weighted = np.array([1.0, 0.0, 2.0, 0.5])
            found = float(to_numpy(term(a, b, weighted)))
            assert found == pytest.approx((weighted * wanted).mean(), rel=1e-5)
        with pytest.raises(ValueError, match=r"\(4, 2\).*\(4, 3\)"):
            term(DATA[name][0][:, :2], DATA[name][1])


# --- people's own ---------------------------------------------------------------------


@keras.saving.register_keras_serializable("test_foreign")
def cox(y_true, y_pred):
    """Negative partial log-likelihood, of (time, event) and a log hazard."""
    time, event, hazard = y_true[:, 0], y_true[:, 1], y_pred[:, 0]
    at_risk = time[None] >= time[:, None]
    return event * (ops.logsumexp(ops.where(at_risk, hazard[None], -1e9), axis=1) - hazard)


@keras.saving.register_keras_serializable("test_foreign")
def mixture(y_true, y_pred):
    """-log Σ π N(y; μ, 1) of two components, from (B, 4)."""
    shares = ops.log_softmax(y_pred[:, :2], axis=-1)
    exponent = -0.5 * ops.square(y_true - y_pred[:, 2:]) - 0.5 * math.log(2 * math.pi)
    return -ops.logsumexp(shares + exponent, axis=-1)


@keras.saving.register_keras_serializable("test_foreign")
def weighs(y_true, y_pred):
    """Squares, weighed by a further column of the labels."""
    return y_true[:, 1] * ops.square(y_true[:, 0] - y_pred[:, 0])


@keras.saving.register_keras_serializable("test_foreign")
class Interval(keras.losses.Loss):
    """Of (low, high) and a number: how far outside."""

    def call(self, y_true, y_pred):
        below = ops.relu(y_true[:, :1] - y_pred)
        return ops.mean(below + ops.relu(y_pred - y_true[:, 1:]), axis=-1)


TIME = np.array([[1, 1], [2, 0], [3, 1], [2, 1]], "float32")
HAZARD = np.array([[0.1], [0.2], [0.3], [-0.4]], "float32")


def cox_by_hand():
    total = 0.0
    for i in range(4):
        risk = sum(math.exp(HAZARD[j, 0]) for j in range(4) if TIME[j, 0] >= TIME[i, 0])
        total += TIME[i, 1] * (math.log(risk) - HAZARD[i, 0])
    return total / 4


def mixture_by_hand(y, p):
    out = []
    for (t,), row in zip(y, p):
        e = np.exp(row[:2] - row[:2].max())
        share = e / e.sum()
        normal = [math.exp(-0.5 * (t - m) ** 2) / math.sqrt(2 * math.pi) for m in row[2:]]
        out.append(-math.log(share[0] * normal[0] + share[1] * normal[1]))
    return np.mean(out)


COLUMN, FOUR = rng.normal(size=(4, 1)).astype("float32"), rng.normal(size=(4, 4)).astype("float32")
PAIRS = {
    "cox": (lambda: cox, TIME, HAZARD, cox_by_hand()),
    "mixture": (lambda: mixture, COLUMN, FOUR, mixture_by_hand(COLUMN, FOUR)),
    "weights": (
        lambda: weighs, TIME, HAZARD,
        np.mean([w * (t - p) ** 2 for (t, w), (p,) in zip(TIME, HAZARD)]),
    ),
    "interval": (
        Interval, np.array([[0, 1], [1, 2], [-2, -1], [3, 4]], "float32"), HAZARD,
        np.mean([0.0, 0.8, 1.3, 3.4]),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_of_unlike_shapes_are_handed_on(name, tmp_path):
    make, y, p, expected = PAIRS[name]
    takes = kl.Takes("any", "any", "free")
    for loss in (kl.as_loss(make()), kl.as_loss(make(), takes=takes)):
        for term in (loss, 0.5 * loss + 0.5 * loss, loss.on(y_pred=slice(None))):
            assert float(to_numpy(term(y, p))) == pytest.approx(expected, rel=1e-5)
        for again in (
            keras.losses.deserialize(keras.losses.serialize(loss)),
            copy.deepcopy(loss), pickle.loads(pickle.dumps(loss)),
        ):
            assert again == loss and again.takes == loss.takes
            assert float(to_numpy(again(y, p))) == float(to_numpy(loss(y, p)))
    model = keras.Sequential([keras.Input(p.shape[1:]), keras.layers.Identity()])
    total = loss + 0.0 * kl.as_loss(make())
    model.compile("sgd", loss=total)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.loss == total
    assert loaded.evaluate(p, y, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_weights_reach_pairs_of_unlike_shapes():
    weights = np.array([1.0, 0.0, 2.0, 0.5])
    found = float(to_numpy(kl.as_loss(cox)(TIME, HAZARD, weights)))
    # A weight of 0 empties what it weighs, here (0, 0) and a hazard of 0, at risk nowhere.
    hazard = HAZARD[[0, 2, 3], 0]
    time, w = TIME[[0, 2, 3]], weights[[0, 2, 3]]
    expected = sum(
        w[i] * time[i, 1] * (
            math.log(sum(math.exp(h) for h, t in zip(hazard, time) if t[0] >= time[i, 0]))
            - hazard[i]
        )
        for i in range(3)
    ) / 4
    assert found == pytest.approx(expected, rel=1e-5)


def test_a_name_starts_a_selection():
    y, p = REAL[:, 0], np.stack([REAL[:, 1], REAL[:, 2]], -1)
    found = kl.as_loss("mse").on(y_pred=0)(y, p)
    assert float(to_numpy(found)) == pytest.approx(np.mean((y - p[:, 0]) ** 2), rel=1e-6)
    assert to_numpy(kl.as_loss("mse")(y, p[:, 0], y)).shape == ()


def test_what_as_loss_refuses():
    with pytest.raises(TypeError, match="as_loss: `takes` must be a keras_losskit.Takes"):
        kl.as_loss(cox, takes="free")
    with pytest.raises(ValueError, match="says itself what it takes"):
        kl.as_loss(kl.Huber(), takes=kl.Takes())
    with pytest.raises(TypeError, match="Interval is a class.*Call it"):
        kl.as_loss(Interval)
    with pytest.raises(TypeError, match="KerasLoss: `loss` must be a keras.losses.Loss"):
        kl.KerasLoss("mse")
    with pytest.raises(TypeError, match="FunctionLoss: `function` must be a function"):
        kl.FunctionLoss(3)
