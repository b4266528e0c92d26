"""The losses of object detection at their edges, and against one another."""

import math

import numpy as np
import pytest

import keras_losskit as kl
from tests.backends import central_differences, to_numpy, value_and_gradient, wide
from tests.cases.boxes import BOXES_PRED, BOXES_TRUE, HEAT, diou, in_format, shape_term

LOSSES = [
    kl.BoxIoU(mode="log"), kl.BoxIoU(mode="linear"), kl.BoxIoU(mode="quadratic"),
    kl.GIoU(), kl.DIoU(), kl.CIoU(),
]
each = pytest.mark.parametrize("loss", LOSSES, ids=repr)
UNIT = [0.0, 0.0, 1.0, 1.0]


def one(loss, true, pred):
    """Value and gradient for one pair of boxes."""
    true, pred = np.array([true], "float32"), np.array([pred], "float32")
    value, gradient = value_and_gradient(lambda p: loss(true, p), pred)
    return float(value), gradient[0]


@each
def test_formats_agree(loss):
    values = []
    for box_format in ("xyxy", "yxyx", "xywh", "center_xywh"):
        config = {**loss.get_config(), "box_format": box_format, "reduction": "none"}
        other = type(loss).from_config({**config, "dtype": "float64"})
        with wide():
            values.append(
                to_numpy(
                    other(in_format(BOXES_TRUE, box_format), in_format(BOXES_PRED, box_format))
                )
            )
    for other in values[1:]:
        np.testing.assert_allclose(other, values[0], rtol=1e-9)


@each
def test_symmetric_translated_and_scaled(loss):
    expected = to_numpy(loss(BOXES_TRUE, BOXES_PRED))
    np.testing.assert_allclose(to_numpy(loss(BOXES_PRED, BOXES_TRUE)), expected, rtol=1e-5)
    moved = to_numpy(loss(8 * BOXES_TRUE + 16, 8 * BOXES_PRED + 16))
    np.testing.assert_allclose(moved, expected, rtol=1e-5)


@each
def test_identical_boxes_cost_nothing(loss):
    value, gradient = one(loss, UNIT, UNIT)
    assert value == pytest.approx(0, abs=1e-6)
    assert np.isfinite(gradient).all()


def test_known_values():
    half = [0.0, 0.0, 0.5, 1.0]  # IoU 1/2.
    values = [one(loss, UNIT, half)[0] for loss in LOSSES]
    v = 4 / math.pi**2 * (math.atan(1) - math.atan(0.5)) ** 2
    near = 0.5 + 0.25**2 / 2
    expected = [math.log(2), 0.5, 0.75, 0.5, near, near + v**2 / (0.5 + v)]
    np.testing.assert_allclose(values, expected, rtol=1e-5)
    apart = [2.0, 0.0, 3.0, 1.0]  # Hull 3, union 2, centers 2, diagonal² 10.
    values = [one(loss, UNIT, apart)[0] for loss in LOSSES[1:]]
    np.testing.assert_allclose(values, [1, 1, 1 + 1 / 3, 1.4, 1.4], rtol=1e-5)
    # At IoU 0 the tangent of the log: -log 1e-7 + 1.
    assert one(kl.BoxIoU(), UNIT, apart)[0] == pytest.approx(7 * math.log(10) + 1, rel=1e-5)


DEGENERATE = {
    "points, equal": ([1, 1, 1, 1], [1, 1, 1, 1]),
    "points, apart": ([1, 1, 1, 1], [2, 3, 2, 3]),
    "a point in a box": (UNIT, [0.5, 0.5, 0.5, 0.5]),
    "a box on a point": ([0.5, 0.5, 0.5, 0.5], UNIT),
    "flat": (UNIT, [0.2, 0.5, 0.8, 0.5]),
    "thin": (UNIT, [0.5, 0.2, 0.5, 0.8]),
    "flat, both": ([0, 1, 2, 1], [1, 1, 3, 1]),
    "crossed": (UNIT, [0.75, 0.8, 0.25, 0.1]),
    "both crossed": ([1, 1, 0, 0], [0.9, 0.8, 0.1, 0.2]),
    "touching": (UNIT, [1, 0, 2, 1]),
    "corner to corner": (UNIT, [1, 1, 2, 2]),
    "far": (UNIT, [1e4, 1e4, 1e4 + 1, 1e4 + 1]),
    "tiny": ([0, 0, 1e-8, 1e-8], [0, 0, 2e-8, 1e-8]),
    "tinier": ([0, 0, 1e-10, 1e-10], [1e-10, 0, 2e-10, 1e-10]),
    "tiny in a box": (UNIT, [0.5, 0.5, 0.5 + 1e-7, 0.5 + 1e-7]),
    "huge": ([0, 0, 1e8, 1e8], [1e7, 0, 1e8, 2e8]),
}


@each
@pytest.mark.parametrize("true, pred", DEGENERATE.values(), ids=DEGENERATE)
def test_degenerate_boxes_are_finite(loss, true, pred):
    value, gradient = one(loss, true, pred)
    assert np.isfinite(value) and 0 <= value < 20
    assert np.isfinite(gradient).all()
    as_centers = {**loss.get_config(), "box_format": "center_xywh"}
    t, p = in_format(np.array(true), "center_xywh"), in_format(np.array(pred), "center_xywh")
    value, gradient = one(type(loss).from_config(as_centers), t, p)
    assert np.isfinite(value) and np.isfinite(gradient).all()


@each
def test_crossed_corners_are_the_box_between_them(loss):
    plain, gradient = one(loss, UNIT, [0.25, 0.1, 0.75, 0.8])
    crossed, other = one(loss, UNIT, [0.75, 0.8, 0.25, 0.1])
    assert crossed == pytest.approx(plain, rel=1e-6)
    np.testing.assert_allclose(other, gradient[[2, 3, 0, 1]], rtol=1e-5)
    assert np.abs(other).max() > 0.1


@pytest.mark.parametrize("loss", LOSSES[3:], ids=repr)
def test_boxes_apart_are_pulled_together(loss):
    _, gradient = one(loss, UNIT, [2.0, 0.0, 3.0, 1.0])
    assert gradient[0] > 0  # Descent moves the left side left.
    _, gradient = one(loss, UNIT, [-2.0, 0.0, -1.0, 1.0])
    assert gradient[2] < 0


@pytest.mark.parametrize("loss", LOSSES[:2] + LOSSES[3:], ids=repr)
def test_a_line_inside_the_target_widens(loss):
    # 1 - IoU² is flat at IoU 0; all others have a slope there.
    _, gradient = one(loss, UNIT, [0.4, 0.4, 0.4, 0.6])
    assert gradient[0] > 0.1 and gradient[2] < -0.1


def test_the_log_pulls_at_boxes_that_touch():
    _, gradient = one(kl.BoxIoU(), UNIT, [1.0, 0.0, 2.0, 1.0])
    assert gradient[0] > 1e5


def test_no_gradient_goes_through_alpha():
    with wide():
        t, p = BOXES_TRUE[:1, :1], BOXES_PRED[:1, :1] + [0, 0, 0.1, 0.4]
        _, gradient = value_and_gradient(lambda x: kl.CIoU(dtype="float64")(t, x), p)
        linear = to_numpy(kl.BoxIoU(mode="linear", dtype="float64")(t, p))
    v = shape_term(p[0, 0], t[0, 0])
    alpha = v / (linear + v)
    assert alpha > 1e-3
    expected = central_differences(
        lambda x: diou(x[0, 0], t[0, 0]) + alpha * shape_term(x[0, 0], t[0, 0]), p
    )
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-8)


@each
def test_what_is_no_box_is_refused(loss):
    for shape in ((4,), (2, 3), (2, 5), (2, 4, 1)):
        with pytest.raises(ValueError, match="slice"):
            loss(np.zeros(shape), np.zeros(shape))
    with pytest.raises(ValueError, match=r"\(2, 4\) does not fit y_pred of shape \(2, 3, 4\)"):
        loss(np.zeros((2, 4)), np.zeros((2, 3, 4)))


def test_boxes_from_a_wider_output():
    y_true, y_pred = np.zeros((2, 5)), np.zeros((2, 6))
    y_true[:, :4], y_pred[:, 1:5] = UNIT, [2.0, 0.0, 3.0, 1.0]
    loss = kl.GIoU().on(y_true=slice(0, 4), y_pred=slice(1, 5))
    assert float(loss(y_true, y_pred)) == pytest.approx(4 / 3, rel=1e-6)


# --- qualities -----------------------------------------------------------------------------


def test_hard_qualities_are_binary_focal():
    hard = np.array([[0.0, 1.0, 1.0], [0.0, 0.0, 1.0]])
    logits = np.array([[-3.0, 0.5, 100.0], [100.0, 2.0, -100.0]], "float32")
    expected = to_numpy(kl.BinaryFocalCrossentropy(gamma=1.5, from_logits=True)(hard, logits))
    got = to_numpy(kl.QualityFocal(beta=1.5, from_logits=True)(hard, logits))
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_a_quality_that_is_met_costs_nothing():
    q = np.array([[0.25, 0.5, 0.0]])
    value, gradient = value_and_gradient(lambda p: kl.QualityFocal()(q, p), q.copy())
    assert value == 0 and not gradient.any()


@pytest.mark.parametrize("loss", [kl.QualityFocal(), kl.Varifocal(), kl.CenterNetFocal()], ids=repr)
def test_integer_targets_must_be_0_or_1(loss):
    y_pred = np.full((2, 3), 0.3)
    as_floats = loss(np.array([[0.0, 1, 0], [1, 0, 0]]), y_pred)
    np.testing.assert_array_equal(
        to_numpy(loss(np.array([[0, 1, 0], [1, 0, 0]]), y_pred)), to_numpy(as_floats)
    )
    with pytest.raises(ValueError, match="class id 2"):
        loss(np.array([[0, 2, 0], [1, 0, 0]]), y_pred)


def test_varifocal_weighs_positives_by_their_quality():
    p = np.full((1, 1), 0.5)
    values = [float(kl.Varifocal()([[q]], p)) for q in (0.2, 0.4)]
    np.testing.assert_allclose(values, [0.2 * math.log(2), 0.4 * math.log(2)], rtol=1e-6)
    assert float(kl.Varifocal(alpha=0.0)([[0.0]], p)) == 0


# --- heat maps -------------------------------------------------------------------------------


def test_heat_map_without_a_peak_keeps_its_negatives():
    value = float(kl.CenterNetFocal()([[0.0, 0.5]], [[0.5, 0.5]]))
    assert value == pytest.approx((0.25 + 0.25 / 16) * math.log(2), rel=1e-6)


def test_masked_peaks_are_not_counted():
    mask = np.ones((4, 3), bool)
    mask[0, 2] = False  # One of the two peaks of the first sample.
    p = np.full(HEAT.shape, 0.3, "float32")
    loss = kl.CenterNetFocal(reduction="none")
    got = to_numpy(loss.evaluate(HEAT, p, None, mask))
    expected = to_numpy(loss(HEAT[:1, :2], p[:1, :2]))
    np.testing.assert_allclose(got[0], expected[0], rtol=1e-5)


def test_heat_maps_summed_over_the_batch_as_centernet_does():
    heat, p = HEAT[[0, 1, 3]], np.full((3, 3, 5), 0.3, "float32")
    peaks = (heat == 1).sum(axis=(1, 2))
    got = float(kl.CenterNetFocal(reduction="mean_with_sample_weight")(heat, p, peaks))
    sums = to_numpy(kl.CenterNetFocal(reduction="none")(heat, p)) * peaks
    assert got == pytest.approx(sums.sum() / peaks.sum(), rel=1e-5)


# --- distributions ---------------------------------------------------------------------------


def test_distribution_on_a_bin_is_crossentropy():
    logits = np.array([[0.3, -1.0, 2.0, 0.1]])
    ce = kl.CategoricalCrossentropy(from_logits=True)
    for y in range(4):
        got = float(kl.DistributionFocal()([float(y)], logits))
        assert got == pytest.approx(float(ce([y], logits)), rel=1e-5)


def test_distribution_is_clipped_to_the_bins():
    logits = np.array([[0.3, -1.0, 2.0]])
    values = [float(kl.DistributionFocal()([y], logits)) for y in (2.0, 2.7, 4.0)]
    assert values[1] == values[2] == values[0]
    assert float(kl.DistributionFocal()([-2.0], logits)) == float(
        kl.DistributionFocal()([0.0], logits)
    )
    for wrong in (-3.0, 255.0):  # No distance that the bins do not quite reach.
        with pytest.raises(ValueError, match=f"y_true holds {wrong:g}"):
            kl.DistributionFocal()([wrong], logits)


def test_distribution_shapes():
    y, z = np.ones((2, 4)), np.zeros((2, 4, 5))
    values = to_numpy(kl.DistributionFocal(reduction="none")(y[..., None], z))
    np.testing.assert_allclose(values, np.full((2, 4), math.log(5)), rtol=1e-6)
    for t, p in ((y, z[..., :1]), (z, z), (y[:, :3], z), (y[:, 0], y[:, 0])):
        with pytest.raises(ValueError, match="bins"):
            kl.DistributionFocal()(t, p)
