"""The losses that Keras has too: equal numbers, wherever Keras is right."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from keras_losskit.core.reduction import REDUCTIONS
from tests.backends import to_numpy, value_and_gradient

rng = np.random.default_rng(11)
REAL = rng.normal(size=(2, 4, 3, 5)).astype("float32")
LOGITS = rng.normal(size=(4, 3, 5)).astype("float32") * 2
PROBS = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
SIGMOIDS = 1 / (1 + np.exp(-LOGITS))
BITS = (rng.random((4, 3, 5)) < 0.4).astype("float32")
IDS = rng.integers(0, 5, size=(4, 3))
ROWS = np.eye(5, dtype="float32")[IDS]
MASK = np.array([[1, 1, 0], [1, 1, 1], [0, 0, 1], [1, 0, 1]], bool)
SPARSE = keras.losses.SparseCategoricalCrossentropy

PAIRS = {
    "mse": (kl.MeanSquaredError, {}, keras.losses.MeanSquaredError, {}, *REAL),
    "mae": (kl.MeanAbsoluteError, {}, keras.losses.MeanAbsoluteError, {}, *REAL),
    "huber": (kl.Huber, {"delta": 0.7}, keras.losses.Huber, {"delta": 0.7}, *REAL),
    "log_cosh": (kl.LogCosh, {}, keras.losses.LogCosh, {}, *REAL),
    "mape": (
        kl.MeanAbsolutePercentageError, {}, keras.losses.MeanAbsolutePercentageError, {}, *REAL
    ),
    "msle": (
        kl.MeanSquaredLogarithmicError, {}, keras.losses.MeanSquaredLogarithmicError, {},
        *np.abs(REAL),  # Keras reads numbers < 0 as 0; here they are refused.
    ),
    "poisson": (kl.Poisson, {}, keras.losses.Poisson, {}, *np.exp(REAL)),
    "cosine": (kl.CosineSimilarity, {}, keras.losses.CosineSimilarity, {}, *REAL),
    "hinge": (kl.Hinge, {}, keras.losses.Hinge, {}, 2 * BITS - 1, LOGITS),
    "hinge-bits": (kl.Hinge, {}, keras.losses.Hinge, {}, BITS, LOGITS),
    "squared-hinge": (kl.SquaredHinge, {}, keras.losses.SquaredHinge, {}, BITS, LOGITS),
    "categorical-hinge": (
        kl.CategoricalHinge, {}, keras.losses.CategoricalHinge, {}, ROWS, LOGITS
    ),
    "kl": (kl.KLDivergence, {}, keras.losses.KLDivergence, {}, PROBS[::-1].copy(), PROBS),
}
for name, from_logits in (("logits", True), ("probabilities", False)):
    shared = {"from_logits": from_logits, "label_smoothing": 0.1}
    binary, classes = (LOGITS, LOGITS) if from_logits else (SIGMOIDS, PROBS)
    only = {"from_logits": from_logits}
    PAIRS |= {
        f"bce-{name}": (
            kl.BinaryCrossentropy, shared, keras.losses.BinaryCrossentropy, shared,
            BITS, binary,
        ),
        f"focal-{name}": (
            kl.BinaryFocalCrossentropy, {**shared, "gamma": 1.5},
            keras.losses.BinaryFocalCrossentropy, {**shared, "gamma": 1.5}, BITS, binary,
        ),
        f"balanced-focal-{name}": (
            kl.BinaryFocalCrossentropy, {**shared, "alpha": 0.3},
            keras.losses.BinaryFocalCrossentropy,
            {**shared, "alpha": 0.3, "apply_class_balancing": True}, BITS, binary,
        ),
        f"ce-{name}": (
            kl.CategoricalCrossentropy, shared, keras.losses.CategoricalCrossentropy, shared,
            ROWS, classes,
        ),
        f"sparse-ce-{name}": (kl.CategoricalCrossentropy, only, SPARSE, only, IDS, classes),
        f"ignoring-ce-{name}": (
            kl.CategoricalCrossentropy, {**only, "ignore_class": 2}, SPARSE,
            {**only, "ignore_class": 2}, IDS, classes,
        ),
        f"categorical-focal-{name}": (
            kl.CategoricalFocalCrossentropy,
            {**shared, "gamma": 1.5, "class_weights": [1.0, 0.5, 2.0, 0.25, 1.5]},
            keras.losses.CategoricalFocalCrossentropy,
            {**shared, "gamma": 1.5, "alpha": [1.0, 0.5, 2.0, 0.25, 1.5]}, ROWS, classes,
        ),
    }


def positions(w):
    """Weights of samples at each position: Keras divides by them as given, not as applied."""
    return w if w is None else np.broadcast_to(w, (4, 3)).copy()


WEIGHTS = {
    "none": None,
    "samples": np.array([[0.5], [0.0], [2.0], [1.0]], "float32"),
    "positions": rng.uniform(0, 2, size=(4, 3)).astype("float32"),
}


def known_to_keras(reduction):
    try:
        keras.losses.MeanSquaredError(reduction=reduction)
    except ValueError:  # An old Keras.
        return False
    return True


@pytest.mark.parametrize("pair", PAIRS)
def test_numbers_equal_keras(pair):
    """For every reduction, with every kind of weights, with and without a mask."""
    mine, my_options, theirs, their_options, y_true, y_pred = PAIRS[pair]
    reductions = [reduction for reduction in REDUCTIONS if known_to_keras(reduction)]
    mine = [mine(**my_options, reduction=reduction) for reduction in reductions]
    theirs = [theirs(**their_options, reduction=reduction) for reduction in reductions]
    y_true = ops.convert_to_tensor(y_true)
    for mask in (False, True):
        y_pred = ops.convert_to_tensor(y_pred) + 0
        if mask:
            y_pred._keras_mask = ops.convert_to_tensor(MASK)
        for (weights, w), (mine_i, theirs_i) in itertools.product(
            WEIGHTS.items(), zip(mine, theirs)
        ):
            np.testing.assert_allclose(
                to_numpy(mine_i(y_true, y_pred, w)),
                to_numpy(theirs_i(y_true, y_pred, positions(w))),
                rtol=2e-6, atol=1e-6,
                err_msg=f"{mine_i.reduction}, weights: {weights}, mask: {mask}",
            )


def test_tversky_and_dice_of_one_sample_and_class_equal_keras():
    y = np.array([[[1.0], [0.0], [0.0], [1.0], [0.0]]], "float32")
    p = np.array([[[0.6], [0.3], [0.8], [0.7], [0.1]]], "float32")
    epsilon = keras.config.epsilon()
    np.testing.assert_allclose(
        to_numpy(kl.Dice(smooth=epsilon)(y, p)), to_numpy(keras.losses.Dice()(y, p)), rtol=1e-6
    )
    # What Keras weighs by alpha, as false positives, are until 3.15 the misses (1 - p)·g.
    mended = tuple(int(n) for n in keras.__version__.split(".")[:2]) >= (3, 16)
    fp_weight, fn_weight = (0.3, 0.7) if mended else (0.7, 0.3)
    np.testing.assert_allclose(
        to_numpy(kl.Tversky(fp_weight, fn_weight, smooth=epsilon)(y, p)),
        to_numpy(keras.losses.Tversky(alpha=0.3, beta=0.7)(y, p)),
        rtol=1e-6,
    )


# --- where the kit differs on purpose (listed in the README) ------------------------------


def gradient(loss, y, p):
    return value_and_gradient(lambda x: loss(y, x), np.asarray(p, "float32"))[1]


def test_a_probability_of_zero_keeps_its_gradient():
    y, p = np.array([[1.0]]), np.array([[0.0]])
    assert gradient(kl.BinaryCrossentropy(), y, p)[0, 0] < -1e6
    assert gradient(keras.losses.BinaryCrossentropy(), y, p)[0, 0] == 0


def test_focal_from_logits_does_not_saturate():
    y, p = np.array([[1.0, 0.0]]), np.array([[-100.0, 0.0]])
    mine = kl.CategoricalFocalCrossentropy(from_logits=True)
    np.testing.assert_allclose(gradient(mine, y, p), [[-1.0, 1.0]])
    theirs = keras.losses.CategoricalFocalCrossentropy(from_logits=True)
    assert not gradient(theirs, y, p).any()
    mine = kl.BinaryFocalCrossentropy(from_logits=True)
    np.testing.assert_allclose(gradient(mine, y, p)[0, 0], -0.5)


def test_dice_is_weighted_by_sample():
    y = np.stack([np.ones((4, 1)), np.ones((4, 1))])
    p = np.stack([np.ones((4, 1)), np.zeros((4, 1))])
    assert to_numpy(kl.Dice()(y, p, np.array([2.0, 0.0]))) == 0
    assert to_numpy(kl.Dice()(y, p, np.array([0.0, 2.0]))) == 1
    np.testing.assert_allclose(to_numpy(kl.Dice(reduction="none")(y, p)), [0, 1])


def test_weights_of_samples_on_maps():
    y, p = REAL[0], REAL[1]
    w = np.array([0.5, 0.0, 2.0, 1.0], "float32")
    expected = (((p - y) ** 2).mean(-1) * w[:, None]).mean()
    np.testing.assert_allclose(to_numpy(kl.MeanSquaredError()(y, p, w)), expected, rtol=1e-6)


ELEMENTWISE = ("MeanSquaredError", "Huber", "Poisson", "Hinge", "BinaryCrossentropy")
OF_CLASSES = ("CategoricalHinge", "KLDivergence", "Dice", "Tversky")


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_column_for_several_is_refused(name):
    y, p = np.ones((4, 1), "float32"), np.full((4, 3), 0.5, "float32")
    with pytest.raises(ValueError, match="does not fit"):
        getattr(kl, name)()(y, p)
    theirs = getattr(keras.losses, name)()
    if name == "BinaryCrossentropy":
        with pytest.raises(ValueError, match="shape"):
            theirs(y, p)
    else:
        assert np.isfinite(to_numpy(theirs(y, p)))


@pytest.mark.parametrize("name", OF_CLASSES)
def test_a_column_holds_class_ids_for_losses_of_classes(name):
    y = np.array([[0.0], [2.0], [1.0], [1.0]], "float32")
    p = PROBS[:, 0, :3] / PROBS[:, 0, :3].sum(-1, keepdims=True)
    mine, theirs = getattr(kl, name)(), getattr(keras.losses, name)()
    by_rows = to_numpy(mine(np.eye(3)[y[:, 0].astype(int)], p))
    np.testing.assert_allclose(to_numpy(mine(y, p)), by_rows, rtol=1e-6)
    assert abs(to_numpy(theirs(y, p)) - by_rows) > 1e-3


def test_one_probability_is_no_distribution():
    g, p = REAL[0, ..., :1] ** 2, REAL[1, ..., :1] ** 2
    with pytest.raises(ValueError, match="no class axis"):
        kl.KLDivergence()(g, p)
    assert np.isfinite(to_numpy(keras.losses.KLDivergence()(g, p)))


def test_class_weight_of_fit_on_ids_per_position():
    x, y = REAL[0], IDS[:, :3]
    seen = []

    class Spy(kl.CategoricalCrossentropy):
        def __call__(self, y_true, y_pred, sample_weight=None):
            seen.append(sample_weight)
            return super().__call__(y_true, y_pred, sample_weight)

    def fit(loss):
        model = keras.Sequential([keras.Input((3, 5)), keras.layers.Dense(5, "softmax")])
        model.compile("sgd", loss=loss, run_eagerly=True)
        weight = {c: 1.0 + c for c in range(5)}
        model.fit(x, y, class_weight=weight, batch_size=4, shuffle=False, verbose=0)

    fit(Spy())
    np.testing.assert_allclose(to_numpy(seen[-1]), 1.0 + y.argmax(1))
    fit(kl.CategoricalCrossentropy())  # And trains.
    with pytest.raises(Exception, match="(?i)shape|size|dimension"):
        fit("sparse_categorical_crossentropy")
