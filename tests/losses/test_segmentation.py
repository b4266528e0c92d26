"""Segmentation: agreement with other packages, settled readings, and the edges."""

import inspect
import itertools

import numpy as np
import pytest
from keras import ops
from scipy import ndimage
from sklearn.metrics import jaccard_score, matthews_corrcoef

import keras_losskit as kl
from keras_losskit.losses.segmentation.centerline import soft_skeleton
from keras_losskit.losses.segmentation.distance_transform import squared_distances
from keras_losskit.losses.segmentation.overlap import OverlapLoss
from tests.backends import BACKEND, compiled, to_numpy, value_and_gradient, wide
from tests.cases.segmentation import (
    CASES,
    L1_CASES,
    distances,
    groups_of,
    positions,
    scored_classes,
    skeleton,
)

RNG = np.random.default_rng(7)
HARD_IDS = RNG.integers(0, 3, size=(2, 6, 5))
HARD_PRED = RNG.integers(0, 3, size=(2, 6, 5))
first_of_each = pytest.mark.parametrize(
    "case", list({c.loss: c for c in CASES if c.label == "plain"}.values()), ids=lambda c: c.id
)
of_batch = pytest.mark.parametrize("case", [c for c in CASES if c.batch], ids=lambda c: c.id)


def number(loss, *arguments):
    return to_numpy(loss(*arguments))


# --- sums over many positions ----------------------------------------------------------


@pytest.mark.parametrize("over", ["sample", "batch"])
@pytest.mark.parametrize("channels", [1, 2])
def test_good_overlap_of_large_volumes_keeps_its_digits(channels, over):
    """One minus a quotient of sums, as in Keras, loses 85 % of it in TensorFlow's graph."""
    rng = np.random.default_rng(11)
    g = rng.random((2, 64, 64, 64)) < 0.4
    g = np.stack([g, ~g][:channels], axis=-1).astype("float32")
    p = np.abs(g - 1e-3 * rng.random(g.shape)).astype("float32")
    exact, target = p.astype("float64"), g.astype("float64")
    axes = (1, 2, 3) if over == "sample" else (0, 1, 2, 3)
    hits = np.sum(exact * target, axis=axes)
    false_positive = np.sum(exact * (1 - target), axis=axes)
    false_negative = np.sum((1 - exact) * target, axis=axes)
    errors = false_positive + false_negative
    expected = {
        kl.Dice(over=over): errors / (2 * hits + errors),
        kl.Jaccard(over=over): errors / (hits + errors),
        kl.Tversky(0.3, 0.7, over=over): 1
        - hits / (hits + 0.3 * false_positive + 0.7 * false_negative),
    }
    for loss, of_classes in expected.items():
        np.testing.assert_allclose(number(loss, g, p), np.mean(of_classes), rtol=2e-5)


# --- the distance transform ------------------------------------------------------------


def scipy_squared(seeds):
    out = np.zeros(seeds.shape)
    for b, c in itertools.product(range(len(seeds)), range(seeds.shape[-1])):
        if seeds[b, ..., c].any():
            distance = ndimage.distance_transform_edt(~seeds[b, ..., c])
            out[b, ..., c] = np.round(distance**2)  # Squares are whole numbers.
    return out


@pytest.mark.parametrize(
    "shape", [(2, 7, 5, 3), (1, 1, 9, 2), (2, 33, 20, 1), (2, 5, 6, 7, 2), (1, 9, 1), (1, 1, 1, 1)]
)
@pytest.mark.parametrize("density", [0, 0.02, 0.3, 0.9, 1])
def test_distances_equal_scipys(shape, density):
    seeds = RNG.random(shape) < density
    got = to_numpy(squared_distances(ops.convert_to_tensor(seeds)))
    np.testing.assert_array_equal(got, scipy_squared(seeds))


def test_distances_to_a_single_corner():
    for shape in ((1, 40, 50, 1), (1, 9, 20, 11, 1)):
        seeds = np.zeros(shape, bool)
        seeds[(0, *(-1,) * (len(shape) - 2), 0)] = True
        got = to_numpy(squared_distances(ops.convert_to_tensor(seeds)))
        np.testing.assert_array_equal(got, scipy_squared(seeds))


def test_distances_compile():
    seeds = RNG.random((2, 21, 30, 2)) < 0.02
    for how, function in compiled(squared_distances).items():
        got = to_numpy(function(ops.convert_to_tensor(seeds)))
        np.testing.assert_array_equal(got, scipy_squared(seeds), err_msg=how)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="unknown sizes exist in tf.function")
def test_distances_of_maps_of_unknown_size():
    import tensorflow as tf

    signature = [tf.TensorSpec((None, None, None, 2), tf.bool)]
    function = tf.function(squared_distances, input_signature=signature, autograph=False)
    for shape in ((2, 7, 5, 2), (1, 20, 33, 2)):
        seeds = RNG.random(shape) < 0.1
        np.testing.assert_array_equal(to_numpy(function(seeds)), scipy_squared(seeds))


# --- agreement with other packages ------------------------------------------------------


def hard(ids):
    return np.eye(3)[ids]


@pytest.mark.parametrize(
    ("loss", "score"), [(kl.Jaccard, jaccard_score), (kl.MatthewsCorrelation, matthews_corrcoef)]
)
def test_hard_predictions_equal_scikit_learn(loss, score):
    with wide():
        over_batch = loss(over="batch", dtype="float64")
        got = number(over_batch, HARD_IDS, hard(HARD_PRED))
    one_vs_rest = [
        score(HARD_IDS.ravel() == c, HARD_PRED.ravel() == c) for c in range(3)
    ]
    np.testing.assert_allclose(got, 1 - np.mean(one_vs_rest), rtol=1e-12)


@pytest.mark.parametrize("loss", [kl.LovaszSoftmax(over="batch"), kl.LovaszSoftmax()])
def test_lovasz_of_hard_predictions_is_jaccard(loss):
    expected = number(kl.Jaccard(over=loss.over), HARD_IDS, hard(HARD_PRED))
    np.testing.assert_allclose(number(loss, HARD_IDS, hard(HARD_PRED)), expected, rtol=1e-6)


def test_lovasz_is_convex_and_greatest_among_its_orders():
    """The extension is the maximum over all orders of the positions (submodularity)."""
    g = np.array([1, 0, 1, 0, 0])
    errors = np.array([0.3, 0.9, 0.2, 0.2, 0.6])

    def jaccard_loss(wrong):
        wrong = np.isin(np.arange(5), wrong)
        return 1 - sum((g == 1) & ~wrong) / sum((g == 1) | wrong)

    def along(order):
        steps = [jaccard_loss(list(order[:k])) for k in range(6)]
        return sum(errors[i] * (b - a) for i, a, b in zip(order, steps, steps[1:]))

    p = np.where(g == 1, 1 - errors, errors)[None, :, None]
    got = number(kl.LovaszSoftmax(), g[None, :, None], p)
    best = max(along(order) for order in itertools.permutations(range(5)))
    np.testing.assert_allclose(got, best, rtol=1e-6)


@pytest.mark.parametrize("shape", [(9, 8), (5, 6, 7)])
def test_skeleton_equals_grey_morphology(shape):
    x = RNG.random(shape)
    rank = len(shape)
    cross, box = ndimage.generate_binary_structure(rank, 1), np.ones((3,) * rank, bool)

    def opened(x):
        eroded = ndimage.grey_erosion(x, footprint=cross, mode="nearest")
        return eroded, ndimage.grey_dilation(eroded, footprint=box, mode="nearest")

    expected, rest = np.zeros(shape), x
    for _ in range(4):
        eroded, open_ = opened(rest)
        delta = np.maximum(rest - open_, 0)
        expected = expected + np.maximum(delta - expected * delta, 0)
        rest = eroded
    with wide():
        got = to_numpy(soft_skeleton(ops.convert_to_tensor(x[None, ..., None]), 3))
    np.testing.assert_allclose(got[0, ..., 0], expected, rtol=1e-12)


def test_relatives_agree():
    y, p = HARD_IDS, np.random.default_rng(1).dirichlet(np.ones(3), size=HARD_IDS.shape)
    for smooth in (0.0, 1.0):
        jaccard = number(kl.Jaccard(smooth=smooth), y, p)
        np.testing.assert_allclose(
            jaccard, number(kl.Tversky(1.0, 1.0, smooth=smooth), y, p), rtol=1e-6
        )
        tversky = number(kl.Tversky(0.3, 0.7, smooth=smooth), y, p)
        focal = kl.FocalTversky(gamma=1, smooth=smooth)
        np.testing.assert_allclose(number(focal, y, p), tversky, rtol=1e-6)
    uniform = number(kl.GeneralizedDice("uniform", over="batch"), y, p)
    np.testing.assert_allclose(uniform, 1 - (p * hard(y)).sum() / y.size, rtol=1e-5)


# --- the form for soft targets ----------------------------------------------------------


@pytest.mark.parametrize("case", L1_CASES, ids=lambda c: c.id)
def test_l1_is_least_at_soft_targets(case):
    """The product is least at hard predictions, whatever the target is."""
    soft = np.random.default_rng(4).uniform(0.1, 0.9, size=(3, 5, 4, 1)).astype("float32")
    options = {**case.options, "from_logits": False, "class_weights": None}
    options = {**options, "ignore_class": None, "smooth": 0.0}
    value, gradient = value_and_gradient(lambda p: case.loss(**options)(soft, p), soft)
    assert 0 <= value < 1e-20 and not gradient.any()  # A power below 1 holds a tiny number.
    for moved in (soft * 0.9, soft * 1.1, (soft > 0.5) * 1.0):
        assert number(case.loss(**options), soft, moved) > 1e-3
    assert number(case.loss(**{**options, "intersection": "product"}), soft, soft) > 1e-3


@pytest.mark.parametrize("over", ["sample", "batch"])
@pytest.mark.parametrize(
    "loss", [kl.Dice, kl.LogCoshDice, kl.Jaccard, kl.Tversky, kl.FocalTversky]
)
def test_l1_of_hard_targets_is_the_product(loss, over):
    p = np.random.default_rng(1).dirichlet(np.ones(3), size=HARD_IDS.shape).astype("float32")
    l1, product = loss(over=over, intersection="l1"), loss(over=over)
    value, gradient = value_and_gradient(lambda p: l1(HARD_IDS, p), p)
    expected, expected_gradient = value_and_gradient(lambda p: product(HARD_IDS, p), p)
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-5, atol=1e-7)


def test_l1_at_a_tie_has_the_slope_of_its_formula():
    """d|x| at 0 is 0: Dice is Σ|p - g|/(Σp + Σg), here of slope -Σ|p - g|/(Σp + Σg)²."""
    g, p = np.array([[[0.5], [0.25]]]), np.array([[[0.5], [0.75]]], "float32")
    _, gradient = value_and_gradient(lambda p: kl.Dice(intersection="l1")(g, p), p)
    np.testing.assert_allclose(gradient[0, :, 0], [-0.5 / 4, 1 / 2 - 0.5 / 4], rtol=1e-6)


@pytest.mark.parametrize("over", ["sample", "batch"])
def test_l1_keeps_its_digits_on_large_volumes(over):
    rng = np.random.default_rng(12)
    g = rng.random((2, 64, 64, 64, 2)).astype("float32")
    p = np.clip(g + 1e-4 * rng.normal(size=g.shape), 0, 1).astype("float32")
    exact, target = p.astype("float64"), g.astype("float64")
    axes = (1, 2, 3) if over == "sample" else (0, 1, 2, 3)
    gap = np.abs(exact - target).sum(axes)
    hits = np.minimum(exact, target).sum(axes)
    loss = kl.Jaccard(intersection="l1", over=over)
    np.testing.assert_allclose(number(loss, g, p), np.mean(gap / (hits + gap)), rtol=2e-5)


def test_l1_and_squares_are_refused():
    with pytest.raises(ValueError, match="Dice: `squared` does not go with `intersection='l1'"):
        kl.Dice(squared=True, intersection="l1")


def test_a_loss_on_counts_subtracts_nothing_by_default():
    class Overlap(OverlapLoss):
        pass

    rng = np.random.default_rng(2)
    g = (rng.random((2, 40, 40, 1)) < 0.4).astype("float32")
    p = np.abs(g - 1e-6).astype("float32")
    gap = np.abs(p.astype("float64") - g).sum((1, 2, 3))
    expected = np.mean(gap / (gap + (p.astype("float64") * g).sum((1, 2, 3))))
    np.testing.assert_allclose(number(Overlap(), g, p), expected, rtol=1e-5)


# --- the edges ----------------------------------------------------------------------------


def test_perfect_predictions():
    for case in (c for c in CASES if c.label == "plain"):
        if case.loss in (kl.Boundary, kl.LovaszHinge):
            continue
        loss, y_true = case.make(), case.y_true
        value, gradient = value_and_gradient(
            lambda p, f=loss, t=y_true: f(t, p), np.eye(4, dtype="float32")[y_true]
        )
        np.testing.assert_allclose(value, 0, atol=1e-6, err_msg=case.id)
        assert np.isfinite(gradient).all(), case.id


@first_of_each
@pytest.mark.parametrize("target", [0.0, 1.0], ids=["empty", "full"])
@pytest.mark.parametrize("predicted", [0.0, 0.5, 1.0])
def test_empty_and_full_masks_are_finite(case, target, predicted):
    loss = case.loss(**{k: v for k, v in case.options.items() if k != "classes"})
    y_true = np.full((2, 4, 4, 1), target)
    y_pred = np.full((2, 4, 4, 1), predicted, "float32")
    value, gradient = value_and_gradient(lambda p: loss(y_true, p), y_pred)
    assert np.isfinite(value) and np.isfinite(gradient).all()


def test_a_target_that_is_empty_or_full_has_no_boundary():
    p = np.full((2, 4, 4, 1), 0.75)
    for y in (np.zeros_like(p), np.ones_like(p)):
        assert number(kl.Boundary(), y, p) == 0
        assert number(kl.HausdorffDistance(), y, p) == 0


@pytest.mark.parametrize(
    "loss", [kl.MatthewsCorrelation(), kl.ExponentialLogarithmic(), kl.FocalTversky()]
)
def test_a_missed_class_is_pulled_up(loss):
    y_true = np.zeros((1, 4, 4, 1))
    y_true[0, 1, 1:3] = 1
    p = np.zeros(y_true.shape, "float32")
    value, gradient = value_and_gradient(lambda p: loss(y_true, p), p)
    assert np.isfinite(value) and np.isfinite(gradient).all()
    assert (gradient[y_true == 1] < 0).all()


def test_a_degenerate_class_of_matthews_correlation():
    none, some = np.zeros((1, 3, 3, 1)), np.full((1, 3, 3, 1), 0.5)
    assert number(kl.MatthewsCorrelation(), none, none) == 0
    assert number(kl.MatthewsCorrelation(), none, some) == 1


def test_absent_classes_of_generalized_dice_take_the_largest_weight():
    y_true = np.array([[0, 0, 0, 1]])
    p = np.array([[[0.5, 0.25, 0.25]] * 4])
    # Weights 1/3, 1/1 and, for the absent third class, 1.
    expected = 1 - 2 * (1.5 / 3 + 0.25) / (5 / 3 + 2 + 1)
    np.testing.assert_allclose(number(kl.GeneralizedDice("simple"), y_true, p), expected, rtol=1e-6)
    nothing = kl.GeneralizedDice(ignore_class=-1)
    assert number(nothing, np.full((1, 4), -1), p) == 0
    assert number(kl.GeneralizedDice(), np.zeros((1, 4, 1)), np.zeros((1, 4, 1))) == 0


def test_equal_errors_may_come_in_any_order():
    """Where errors tie the order is free: the value is the same, the gradient finite."""
    y_true = np.array([[[1.0], [0.0], [1.0], [0.0]]])
    p = np.full((1, 4, 1), 0.5, "float32")
    for loss in (kl.LovaszSoftmax(), kl.LovaszHinge(from_logits=False)):
        value, gradient = value_and_gradient(lambda p, f=loss: f(y_true, p), p)
        turned, _ = value_and_gradient(lambda p, f=loss: f(y_true[:, ::-1], p), p)
        np.testing.assert_allclose(value, turned, rtol=1e-6)
        assert np.isfinite(gradient).all()
        assert (gradient[y_true == 1] < 0).all() and (gradient[y_true == 0] >= 0).all()


def test_ties_in_a_skeleton_have_a_gradient():
    y_true = np.zeros((1, 5, 7, 1))
    y_true[0, 2] = 1
    for level in (0.0, 0.5, 1.0):
        p = np.full(y_true.shape, level, "float32")
        value, gradient = value_and_gradient(lambda p: kl.CenterlineDice()(y_true, p), p)
        assert np.isfinite(value) and np.isfinite(gradient).all()


def test_ignored_positions_are_on_neither_side_of_a_boundary():
    # Background, ignored, foreground, in a line: the two sides are 2 apart.
    y_true = np.array([[0, 255, 1]])
    p = np.array([[[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]])
    loss = kl.HausdorffDistance(ignore_class=255, class_weights=[0, 1])
    # The prediction has no other side, so that only D_g = 2 counts: (0 + 1·2²)/2.
    np.testing.assert_allclose(number(loss, y_true, p), 2.0)
    loss = kl.Boundary(ignore_class=255, class_weights=[0, 1])
    # φ = (2, -1): (0·2 - 0·1)/2, and with all of it predicted (2 - 1)/2.
    np.testing.assert_allclose(number(loss, y_true, p), 0.0)
    np.testing.assert_allclose(number(loss, y_true, p[..., ::-1]), 0.5 * 2 - 0.5)


def test_classes_of_lovasz_softmax_must_exist():
    with pytest.raises(ValueError, match="classes.*names 3"):
        kl.LovaszSoftmax(classes=[3])(HARD_IDS, hard(HARD_PRED))


def test_centerline_dice_wants_two_or_three_axes():
    with pytest.raises(ValueError, match="two or three spatial axes"):
        kl.CenterlineDice()(np.zeros((2, 4, 1)), np.zeros((2, 4, 1)))


# --- weights over the batch -------------------------------------------------------------


@of_batch
def test_a_weight_over_the_batch_repeats_the_sample(case):
    """Σ w·count: a weight of 2 is the sample twice, of 0 the sample left out."""
    with wide():
        loss = case.make(dtype="float64")
        got = number(loss, case.y_true, case.y_pred, np.array([2.0, 0.0, 1.0]))
        repeated = [0, 0, 2]
        expected = number(loss, case.y_true[repeated], case.y_pred[repeated])
    np.testing.assert_allclose(got, expected, rtol=1e-9)


# --- weights of positions ---------------------------------------------------------------

DISTANCES = (kl.HausdorffDistance, kl.Boundary)
by_place = pytest.mark.parametrize(
    "case", [c for c in CASES if c.loss in (*DISTANCES, kl.CenterlineDice)], ids=lambda c: c.id
)
by_counts = pytest.mark.parametrize(
    "case", [c for c in CASES if c.loss not in (*DISTANCES, kl.CenterlineDice)],
    ids=lambda c: c.id,
)


@by_counts
def test_weights_of_positions_of_lines_are_those_of_maps(case):
    """`(B, N)` on `(B, N, C)`: two axes are positions already, not samples."""
    shape = case.y_pred.shape[:-1]
    weights = np.resize([2.0, 0, 1, 1, 3], shape)
    lines = (len(case.y_pred), -1)
    y_true = case.y_true.reshape(*lines, *case.y_true.shape[len(shape):])
    with wide():
        loss = case.make(reduction="none", dtype="float64")
        of_maps = number(loss, case.y_true, case.y_pred, weights)
        of_lines = number(loss, y_true, case.y_pred.reshape(*lines, case.y_pred.shape[-1]),
                          weights.reshape(lines))  # fmt: skip
    np.testing.assert_allclose(of_lines, of_maps, rtol=1e-9, atol=1e-12)


@by_counts
def test_a_weight_of_a_position_repeats_it(case):
    """Of counts: a weight of 2 is the position twice, of 0 the position left out."""
    shape = case.y_pred.shape[:-1]
    weights = np.resize([2, 0, 1, 1, 3], shape)
    weights[1] = 1

    def repeated(b):
        places = np.repeat(np.arange(weights[b].size), weights[b].ravel())
        y_true = case.y_true[b].reshape(weights[b].size, *case.y_true.shape[len(shape):])
        return y_true[places], case.y_pred[b].reshape(weights[b].size, -1)[places]

    parts = [repeated(b) for b in range(len(weights))]
    if case.batch:
        parts = [tuple(np.concatenate(x) for x in zip(*parts))]
    expected = [
        np.ravel(case.reference(y[None], p[None], **case.options))[0] for y, p in parts
    ]
    spoilt = np.where(weights[..., None] == 0, np.nan, case.y_pred)
    with wide():
        loss = case.make(reduction="none", dtype="float64")
        got = number(loss, case.y_true, spoilt, weights)
        np.testing.assert_allclose(np.ravel(got), expected, rtol=1e-9, atol=1e-12)
        # They are no samples' weights: the reduction sees none.
        mean = case.make(dtype="float64", reduction="mean_with_sample_weight")
        got = number(mean, case.y_true, spoilt, weights)
    np.testing.assert_allclose(got, np.mean(expected), rtol=1e-9, atol=1e-12)


@by_place
def test_a_weight_of_a_position_multiplies_what_it_adds(case):
    """Shapes stay as they are, but for positions of weight 0, which do not exist."""
    rng = np.random.default_rng(9)
    weights = rng.uniform(0.5, 2, size=case.y_pred.shape[:-1])
    weights[:, 1, 1:] = 0
    o = case.options
    options = {k: o[k] for k in ("alpha", "iterations", "smooth") if k in o}
    score = {
        kl.HausdorffDistance: weighed_hausdorff, kl.Boundary: weighed_boundary,
        kl.CenterlineDice: weighed_centerline,
    }[case.loss]
    expected = []
    for group in groups_of(case.y_pred, o["over"]):
        total = weight_sum = 0.0
        for c in scored_classes(case.y_pred, o["ignore_class"], o["include_background"]):
            found = []
            for b in group:
                p, g, exists = positions(
                    case.y_true[b], case.y_pred[b], c, o["from_logits"], o["ignore_class"]
                )
                found.append((p, g, exists & (weights[b] > 0), weights[b]))
            if o["empty"] == "skip" and not any(g[e].any() for _, g, e, _ in found):
                continue
            w = 1.0 if o["class_weights"] is None else o["class_weights"][c]
            total, weight_sum = total + w * score(found, **options), weight_sum + w
        expected.append(total / weight_sum if weight_sum else 0.0)
    spoilt = np.where(weights[..., None] == 0, np.nan, case.y_pred)
    with wide():
        got = number(case.make(reduction="none", dtype="float64"), case.y_true, spoilt, weights)
    np.testing.assert_allclose(np.ravel(got), expected, rtol=1e-9, atol=1e-12)


def weighed_hausdorff(maps, alpha):
    total = weight_sum = 0.0
    for p, g, e, w in maps:
        values = (p - g) ** 2 * (distances(p, e) ** alpha + distances(g, e) ** alpha)
        total, weight_sum = total + (w * values)[e].sum(), weight_sum + w[e].sum()
    return total / weight_sum


def weighed_boundary(maps):
    total = weight_sum = 0.0
    for p, g, e, w in maps:
        d = distances(g, e)
        signed = np.where(d > 0, np.where(g > 0.5, 1 - d, d), 0)
        total, weight_sum = total + (w * signed * p)[e].sum(), weight_sum + w[e].sum()
    return total / weight_sum


def weighed_centerline(maps, smooth, iterations):
    in_target = predicted = found = target = smooth
    for p, g, e, w in maps:
        s_p, s_g = skeleton(p, e, iterations), skeleton(g, e, iterations)
        in_target, predicted = in_target + (w * s_p * g)[e].sum(), predicted + (w * s_p)[e].sum()
        found, target = found + (w * s_g * p)[e].sum(), target + (w * s_g)[e].sum()
    t, s = (a / b if b else 1.0 for a, b in ((in_target, predicted), (found, target)))
    return 1 - 2 * t * s / (t + s) if t + s else 1.0


@first_of_each
def test_weight_maps_compile_and_empty_what_weighs_nothing(case):
    weights = np.random.default_rng(3).uniform(0, 2, size=case.y_pred.shape[:-1])
    weights = np.where(weights < 0.3, 0, weights).astype("float32")
    p = np.where(weights[..., None] == 0, np.nan, case.y_pred).astype("float32")
    loss = case.make()
    expected, gradient = value_and_gradient(lambda p: loss(case.y_true, p, weights), p)
    assert np.isfinite(expected) and np.isfinite(gradient).all()
    assert not gradient[weights == 0].any()
    for how, function in compiled(lambda t, p, w: loss(t, p, w)).items():
        arrays = (case.y_true.astype("int32"), p, weights)
        got = to_numpy(function(*map(ops.convert_to_tensor, arrays)))
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-7, err_msg=how)
    ones = np.ones_like(weights)
    np.testing.assert_allclose(
        number(loss, case.y_true, case.y_pred, ones), number(loss, case.y_true, case.y_pred),
        rtol=1e-5, atol=1e-7,
    )
    nothing, gradient = value_and_gradient(lambda p: loss(case.y_true, p, 0 * weights), p)
    assert np.isfinite(nothing) and not gradient.any()


@pytest.mark.parametrize("over", ["sample", "batch"])
def test_a_weight_map_goes_to_each_term_of_a_sum(over):
    y, w = HARD_IDS, np.random.default_rng(8).uniform(0, 2, size=HARD_IDS.shape)
    p = np.random.default_rng(1).dirichlet(np.ones(3), size=y.shape)
    g, by = hard(y), w[..., None]
    axes = (1, 2) if over == "sample" else (0, 1, 2)
    score = 2 * (by * p * g).sum(axes) / (by * (p + g)).sum(axes)
    crossentropy = -(w * np.log((p * g).sum(-1))).mean()
    total = kl.CategoricalCrossentropy() + 0.5 * kl.Dice(over=over)
    expected = crossentropy + 0.5 * (1 - score.mean())
    np.testing.assert_allclose(number(total, y, p, w), expected, rtol=1e-5)


def test_every_loss_takes_the_shared_options():
    shared = {
        "from_logits", "class_weights", "ignore_class", "include_background", "over",
        "smooth", "empty",
    }
    for loss in {c.loss for c in CASES}:
        missing = shared - set(inspect.signature(loss).parameters)
        # A mean has no use for `smooth`.
        assert missing == ({"smooth"} if loss in (kl.Boundary, kl.HausdorffDistance) else set())
