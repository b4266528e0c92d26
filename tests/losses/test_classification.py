"""What the classification losses promise beyond the shared contract."""

import math

import keras
import numpy as np
import pytest
from keras import ops
from scipy.spatial.distance import jensenshannon
from scipy.special import rel_entr
from sklearn.metrics import brier_score_loss, cohen_kappa_score

import keras_losskit as kl
from keras_losskit.losses.classification.sparsemax import sparsemax
from tests.backends import central_differences, compiled, to_numpy, value_and_gradient, wide
from tests.cases.classification import tempered_softmax

rng = np.random.default_rng(77)
LOGITS = rng.normal(size=(6, 5)) * 2
PROBS = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
TARGETS = rng.dirichlet(np.ones(5), size=6)
IDS = np.array([0, 1, 2, 3, 4, 1])


def number(loss, *inputs):
    return to_numpy(loss(*inputs))


def values(loss, y_true, y_pred, **options):
    with wide():
        return number(loss(reduction="none", dtype="float64", **options), y_true, y_pred)


def gradient(loss, y_true, y_pred, dtype="float32"):
    return value_and_gradient(lambda p: loss(y_true, p), np.asarray(y_pred, dtype))[1]


# --- agreement with other libraries ---------------------------------------------------


def test_divergences_equal_scipy():
    got = values(kl.KLDivergence, TARGETS, PROBS)
    np.testing.assert_allclose(got, rel_entr(TARGETS, PROBS).sum(-1), rtol=1e-9)
    got = values(kl.JensenShannon, TARGETS, PROBS)
    expected = [jensenshannon(g, p) ** 2 for g, p in zip(TARGETS, PROBS)]
    np.testing.assert_allclose(got, expected, rtol=1e-9)


@pytest.mark.parametrize("weighting", ["quadratic", "linear"])
@pytest.mark.parametrize("weights", [None, np.array([1.0, 2, 0, 0.5, 3, 1, 1, 2])])
def test_kappa_of_hard_predictions_equals_sklearn(weighting, weights):
    y, predicted = np.array([0, 1, 2, 3, 1, 0, 2, 2]), np.array([0, 2, 2, 1, 1, 3, 2, 0])
    with wide():
        loss = kl.WeightedKappa(weighting=weighting, dtype="float64")
        got = number(loss, y, np.eye(4)[predicted], weights)
    kappa = cohen_kappa_score(y, predicted, weights=weighting, sample_weight=weights)
    np.testing.assert_allclose(math.exp(got), 1 - kappa, rtol=1e-9)


def test_brier_of_two_classes_is_twice_sklearns():
    y, p = np.array([1, 0, 1, 1]), np.array([0.9, 0.2, 0.4, 0.7])
    got = number(kl.Brier(), y, np.stack([1 - p, p], -1))
    np.testing.assert_allclose(got, 2 * brier_score_loss(y, p), rtol=1e-6)


# --- robust to noise ------------------------------------------------------------------


def test_generalized_crossentropy_ends_at_its_limits():
    ce = values(kl.CategoricalCrossentropy, IDS, LOGITS, from_logits=True)
    near = values(kl.GeneralizedCrossentropy, IDS, LOGITS, from_logits=True, q=1e-7)
    np.testing.assert_allclose(near, ce, rtol=1e-5)
    error = values(kl.GeneralizedCrossentropy, IDS, LOGITS, from_logits=True, q=1.0)
    np.testing.assert_allclose(error, 1 - PROBS[np.arange(6), IDS], rtol=1e-9)


@pytest.mark.parametrize("q", [0.1, 0.7, 1.0])
def test_generalized_crossentropy_where_p_t_is_zero(q):
    loss = kl.GeneralizedCrossentropy(q=q)
    np.testing.assert_allclose(number(loss, [0], [[0.0, 1.0]]), 1 / q, rtol=1e-6)
    got = gradient(loss, np.array([0]), [[0.0, 1.0]])[0]
    # The chord from p = 0 to p = epsilon.
    np.testing.assert_allclose(got[0], -(keras.config.epsilon() ** (q - 1)) / q, rtol=1e-4)
    assert got[1] == 0


def test_generalized_crossentropy_learns_from_any_logits():
    """-p_t^q·(1 - p_t) is not rounded to 0, as the gradient of expm1 would be."""
    loss = kl.GeneralizedCrossentropy(q=0.7, from_logits=True)
    got = gradient(loss, np.array([0]), [[-100.0, 0.0]])
    np.testing.assert_allclose(got, [[-math.exp(-70), math.exp(-70)]], rtol=1e-4)


@pytest.mark.parametrize(
    "loss", [kl.ReverseCrossentropy, kl.Brier, kl.SquaredEarthMovers, kl.GeneralizedCrossentropy]
)
def test_bounded_losses_still_learn_at_logits_of_forty(loss):
    got = gradient(loss(from_logits=True), np.array([0]), [[0.0, 40.0, 0.0]])[0]
    assert got[0] < 0 <= got[1]


def test_reverse_crossentropy_is_a_multiple_of_the_absolute_error():
    error = np.abs(np.eye(5)[IDS] - PROBS).sum(-1)
    got = values(kl.ReverseCrossentropy, IDS, PROBS, log_zero=-4.0)
    np.testing.assert_allclose(got, 2 * error, rtol=1e-9)


def test_symmetric_crossentropy_is_the_sum_of_both():
    options = {"from_logits": True, "class_weights": [1.0, 2.0, 0.5, 3.0, 1.0]}
    both = 0.3 * kl.CategoricalCrossentropy(**options) + 2 * kl.ReverseCrossentropy(**options)
    one = kl.SymmetricCrossentropy(alpha=0.3, beta=2.0, **options)
    np.testing.assert_allclose(number(one, IDS, LOGITS), number(both, IDS, LOGITS), rtol=1e-6)


def test_focal_alpha_ends_at_one():
    with pytest.raises(ValueError, match="alpha"):
        kl.BinaryFocalCrossentropy(alpha=1.1)
    assert kl.SymmetricCrossentropy(alpha=6.0).alpha == 6.0


# --- bi-tempered ----------------------------------------------------------------------


def bi_tempered_gradient(g, p, t1, t2):
    """The paper's, which takes Σp as 1."""
    step = (p - g) * p ** (t2 - t1)
    escort = p**t2 / (p**t2).sum(-1, keepdims=True)
    return step - escort * step.sum(-1, keepdims=True)


def test_bi_tempered_at_one_is_crossentropy():
    ce = values(kl.CategoricalCrossentropy, IDS, LOGITS, from_logits=True)
    np.testing.assert_allclose(values(kl.BiTempered, IDS, LOGITS, t1=1, t2=1), ce, rtol=1e-9)
    near = {"t1": 1 - 1e-8, "t2": 1 + 1e-8, "iterations": 20}
    np.testing.assert_allclose(values(kl.BiTempered, IDS, LOGITS, **near), ce, rtol=1e-6)
    loss = kl.BiTempered(t1=1.0, t2=1.0)
    got = gradient(loss, IDS, LOGITS * 50)
    expected = gradient(kl.CategoricalCrossentropy(from_logits=True), IDS, LOGITS * 50)
    np.testing.assert_allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize(("t1", "t2"), [(0.2, 4.0), (0.8, 1.4), (0.0, 1.0), (0.5, 0.8), (1, 0.5)])
def test_bi_tempered_converges_to_the_paper(t1, t2):
    """Value and gradient with many iterations: Σp is 1, the gradient the paper's."""
    logits = LOGITS / 10  # For t2 < 1 every class is within the support.
    with wide():
        loss = kl.BiTempered(t1=t1, t2=t2, iterations=60, reduction="sum", dtype="float64")
        got = gradient(loss, IDS, logits, "float64")
        expected = central_differences(lambda z: float(number(loss, IDS, z)), logits)
    p = np.array([tempered_softmax(z, t2, 60) for z in logits])
    np.testing.assert_allclose(p.sum(-1), 1, rtol=1e-9)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-8)
    closed = bi_tempered_gradient(np.eye(5)[IDS], p, t1, t2)
    np.testing.assert_allclose(got, closed, rtol=1e-7, atol=1e-9)


def test_bi_tempered_after_five_bisections():
    """The value is that of the λ found; the gradient the equation's there."""
    logits, t1, t2 = LOGITS / 4, 0.4, 0.7
    p = np.array([tempered_softmax(z, t2, 5) for z in logits])
    assert np.abs(p.sum(-1) - 1).max() > 1e-3  # Far from converged.
    g, a = np.eye(5)[IDS], 2 - t1
    expected = [
        sum((1 if c == y else 0) * -(x ** (1 - t1) - 1) / (1 - t1) + x**a / a
            for c, x in enumerate(row)) - 1 / a
        for y, row in zip(IDS, p)
    ]
    got = values(kl.BiTempered, IDS, logits, t1=t1, t2=t2)
    np.testing.assert_allclose(got, expected, rtol=1e-9)
    with wide():
        loss = kl.BiTempered(t1=t1, t2=t2, reduction="sum", dtype="float64")
        got = gradient(loss, IDS, logits, "float64")
    np.testing.assert_allclose(got, bi_tempered_gradient(g, p, t1, t2), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(got.sum(-1), 0, atol=1e-12)


def test_bi_tempered_is_bounded_and_learns():
    wrong = np.array([[-100.0, 100.0, 0.0]])
    loss = kl.BiTempered(t1=0.8, t2=1.4)
    assert number(loss, [0], wrong) < 1 / (1 - 0.8)
    got = gradient(loss, np.array([0]), wrong)[0]
    assert got[0] < 0 < got[1]
    got = gradient(kl.BiTempered(t1=0.8, t2=1.0), np.array([0]), [[-100.0, 0.0]])
    np.testing.assert_allclose(got[0, 0], -math.exp(-20), rtol=1e-4)
    # Below 1 the support is finite: outside it nothing is learned, and nothing breaks.
    assert not gradient(kl.BiTempered(t1=0.8, t2=0.5), np.array([0]), wrong).any()


def test_bi_tempered_at_zero_is_sparsemax():
    """exp_0(u) = [1 + u]_+: the same p, and half of the squared error to it."""
    got = values(kl.BiTempered, IDS, LOGITS / 4, t1=0, t2=0, iterations=60)
    p = np.array([tempered_softmax(z, 0.0, 60) for z in LOGITS / 4])
    np.testing.assert_allclose(got, ((p - np.eye(5)[IDS]) ** 2).sum(-1) / 2, atol=1e-9)


# --- sparsemax ------------------------------------------------------------------------


def test_the_gradient_of_sparsemax_is_p_minus_g():
    p = np.array([tempered_softmax(z, 0.0, 60) for z in LOGITS])
    assert (p == 0).any() and ((p > 0).sum(-1) > 1).any()
    got = gradient(kl.Sparsemax(reduction="sum"), IDS, LOGITS)
    np.testing.assert_allclose(got, p - np.eye(5)[IDS], atol=1e-6)


def nearest_in_the_simplex(z):
    """Of one row, in float64: all sizes of the support are tried."""
    ordered = sorted(map(float, z), reverse=True)
    for n in range(len(z), 0, -1):
        threshold = (math.fsum(ordered[:n]) - 1) / n
        if ordered[n - 1] > threshold:
            return np.maximum(np.asarray(z, "float64") - threshold, 0)


@pytest.mark.parametrize("scale", [0, 1e-6, 0.01, 1, 30, 1e6])
def test_sparsemax_of_rows_of_any_size(scale):
    rng = np.random.default_rng(5)
    z = (scale * rng.normal(size=(40, 50))).astype("float32")
    z[::4] = np.round(z[::4] / max(scale, 1e-9)) * scale  # Ties.
    z[1::4, 1:] = z[1::4, :1] - np.float32(1 / 49)  # Some that are just not in it.
    p = np.array([nearest_in_the_simplex(row) for row in z.astype("float64") - z.max(-1)[:, None]])
    for how, function in compiled(lambda z: sparsemax(z)).items():
        got = to_numpy(function(keras.ops.convert_to_tensor(z)))
        np.testing.assert_allclose(got, p, atol=2e-6, err_msg=how)
        np.testing.assert_allclose(got.astype("float64").sum(-1), 1, rtol=2e-6, err_msg=how)


def test_sparsemax_is_zero_beyond_a_margin_of_one():
    y_pred = np.array([[101.0, 100.0, 3.0]])
    assert number(kl.Sparsemax(), [0], y_pred) == 0
    assert not gradient(kl.Sparsemax(), np.array([0]), y_pred).any()
    np.testing.assert_allclose(gradient(kl.Sparsemax(), np.array([1]), y_pred), [[1, -1, 0]])


# --- hinge ----------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [kl.Hinge(), kl.SquaredHinge()])
def test_hinge_reads_every_encoding_alike(loss):
    rows = np.eye(5)[IDS]
    expected = number(loss, 2 * rows - 1, LOGITS)
    for y_true in (rows, rows.astype("int32"), (2 * rows - 1).astype("int32"), IDS):
        np.testing.assert_allclose(number(loss, y_true, LOGITS), expected, rtol=1e-6)
    with pytest.raises(ValueError, match="y_true holds 3"):
        loss(np.array([[3], [1]]), np.zeros((2, 1)))


def test_a_zero_means_minus_one_whatever_else_is_in_the_batch():
    loss = kl.Hinge(reduction="none")
    np.testing.assert_allclose(number(loss, [[0.0], [0.5]], [[0.5], [1.0]]), [1.5, 0.5])


def test_hinge_still_learns_far_beyond_the_margin():
    for loss, slope in ((kl.Hinge(), -1), (kl.SquaredHinge(), -202)):
        np.testing.assert_allclose(gradient(loss, [[1.0]], [[-100.0]]), [[slope]])
    got = gradient(kl.CategoricalHinge(), np.array([0]), [[0.0, 100.0, 0.0]])
    np.testing.assert_allclose(got, [[-1, 1, 0]])


# --- rare classes ---------------------------------------------------------------------


def test_logit_adjustment_is_the_balanced_softmax():
    counts = np.array([100, 40, 25, 5, 1])
    p = counts * np.exp(LOGITS)
    expected = -np.log(p[np.arange(6), IDS] / p.sum(-1))
    for scale in (1, 1000):
        got = values(
            kl.LogitAdjustedCrossentropy, IDS, LOGITS, class_counts=(counts * scale).tolist()
        )
        np.testing.assert_allclose(got, expected, rtol=1e-9)
    with pytest.raises(ValueError, match="class_counts.*2 entries.*5"):
        kl.LDAM([3, 4])(IDS, LOGITS)


def test_ldam_moves_the_true_class_alone():
    loss = kl.LDAM(class_counts=[16, 1], max_margin=0.5, scale=2.0, reduction="none")
    got = number(loss, [0, 1], np.zeros((2, 2)))
    expected = [math.log(1 + math.exp(2 * m)) for m in (0.25, 0.5)]
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    rows = number(loss, np.eye(2), np.zeros((2, 2)))
    np.testing.assert_allclose(rows, expected, rtol=1e-6)


def test_class_balanced_weights():
    counts = np.array([500, 50, 5])
    weights = np.array(kl.class_balanced_weights(counts, beta=0.99))
    plain = (1 - 0.99) / (1 - 0.99 ** counts.astype("float64"))
    np.testing.assert_allclose(weights, plain * 3 / plain.sum(), rtol=1e-12)
    np.testing.assert_allclose(weights.mean(), 1)
    assert kl.class_balanced_weights([7, 3], beta=0) == [1.0, 1.0]
    inverse = np.array(kl.class_balanced_weights(counts, beta=1 - 1e-12))
    np.testing.assert_allclose(inverse * counts / inverse[0], 500, rtol=1e-6)
    assert kl.CategoricalCrossentropy(class_weights=kl.class_balanced_weights([7, 3]))
    for bad in ({"class_counts": [0, 1]}, {"class_counts": 3}, {"class_counts": [1], "beta": 1}):
        with pytest.raises((ValueError, TypeError), match="class_balanced_weights: `(class|beta)"):
            kl.class_balanced_weights(**bad)


# --- two distributions ----------------------------------------------------------------


def test_equal_distributions_cost_nothing():
    losses = (kl.KLDivergence(from_logits=True), kl.JensenShannon(from_logits=True))
    for loss in (*losses, kl.Distillation()):
        for z in (LOGITS, LOGITS * 100):
            np.testing.assert_allclose(number(loss, z, z), 0, atol=1e-6)
            np.testing.assert_allclose(gradient(loss, z, z), 0, atol=1e-6)


def test_class_ids_are_distributions_too():
    for loss in (kl.KLDivergence(), kl.JensenShannon()):
        expected = number(loss, np.eye(5)[IDS], PROBS)
        for ids in (IDS, IDS[:, None]):
            np.testing.assert_allclose(number(loss, ids, PROBS), expected, rtol=1e-6)
    for loss in (kl.KLDivergence(from_logits=True), kl.Distillation()):
        with pytest.raises(ValueError, match="both must be logits"):
            loss(IDS, LOGITS)


def test_jensen_shannon_is_symmetric_and_bounded():
    loss = kl.JensenShannon()
    there, back = number(loss, TARGETS, PROBS), number(loss, PROBS, TARGETS)
    np.testing.assert_allclose(there, back, rtol=1e-5)
    far = np.array([[100.0, -100.0]])
    loss = kl.JensenShannon(from_logits=True)
    np.testing.assert_allclose(number(loss, far, -far), math.log(2), rtol=1e-5)
    with wide():  # The slope is p_t·log p_t, e^-100: float64 holds it.
        loss = kl.JensenShannon(from_logits=True, dtype="float64")
        assert gradient(loss, far / 2, -far / 2, "float64")[0, 0] < 0


@pytest.mark.parametrize("loss", [kl.KLDivergence(), kl.JensenShannon()])
def test_divergences_at_exact_zeros(loss):
    got = gradient(loss, np.array([[1.0, 0.0]]), [[0.0, 1.0]])
    assert np.isfinite(got).all() and got[0, 0] < 0 <= got[0, 1]


def test_the_temperature_leaves_the_size_of_the_gradient():
    """For large T it tends to (s - t)/C, both centred (Hinton's limit)."""
    teacher, student = TARGETS * 4, LOGITS
    got = gradient(kl.Distillation(temperature=1e3, reduction="sum"), teacher, student)
    centred = [z - z.mean(-1, keepdims=True) for z in (student, teacher)]
    np.testing.assert_allclose(got, (centred[0] - centred[1]) / 5, rtol=2e-2, atol=2e-3)
    cold = kl.Distillation(temperature=1.0)
    kl_loss = kl.KLDivergence(from_logits=True)
    np.testing.assert_allclose(
        number(cold, teacher, student), number(kl_loss, teacher, student), rtol=1e-6
    )


@pytest.mark.parametrize(
    "loss",
    [kl.Distillation(), kl.Sparsemax(), kl.BiTempered(), kl.CumulativeOrdinal(), kl.LDAM([1, 2])],
    ids=lambda loss: loss.name,
)
def test_losses_on_logits_say_so_in_sums(loss):
    loss + kl.CategoricalCrossentropy(from_logits=True)
    with pytest.raises(ValueError, match="cannot be both logits and probabilities"):
        loss + kl.CategoricalCrossentropy()
    kl.CategoricalHinge() + loss  # Scores: neither.


# --- ordered classes ------------------------------------------------------------------


def test_cumulative_ordinal_reads_every_encoding_alike():
    loss, z = kl.CumulativeOrdinal(), LOGITS[:, :4]
    expected = number(loss, IDS, z)
    levels = (IDS[:, None] > np.arange(4)).astype("float64")
    for y_true in (IDS[:, None], IDS.astype("float32"), np.eye(5)[IDS], levels):
        np.testing.assert_allclose(number(loss, y_true, z), expected, rtol=1e-6)
    bits = IDS[:, None] > 1
    binary = number(kl.BinaryCrossentropy(from_logits=True), bits.astype("float32"), z[:, :1])
    np.testing.assert_allclose(number(loss, bits.astype("int32"), z[:, :1]), binary, rtol=1e-6)
    soft = np.full((1, 3), 1 / 3)  # P(y > 0) = 2/3, P(y > 1) = 1/3.
    got = gradient(loss, soft, np.zeros((1, 2)))
    np.testing.assert_allclose(got, [[1 / 2 - 2 / 3, 1 / 2 - 1 / 3]], rtol=1e-5)
    for wrong in (5, -1):
        with pytest.raises(ValueError, match=f"class id {wrong}"):
            loss(np.full(6, wrong), z)
    for y_true in (np.zeros((6, 3)), np.zeros(5), np.zeros((6, 6))):
        with pytest.raises(ValueError, match="does not fit y_pred"):
            loss(y_true, z)


def test_cumulative_ordinal_learns_where_it_is_wrong():
    got = gradient(kl.CumulativeOrdinal(), np.array([2]), [[-100.0, -100.0, 100.0]])
    np.testing.assert_allclose(got, [[-1, -1, 1]], rtol=1e-6)


def test_kappa_weighs_positions_and_skips_the_ignored():
    ids, p = np.array([[0, 1, 2], [2, 0, 9]]), PROBS[:, :3].reshape(2, 3, 3)
    w = np.array([[1.0, 2.0, 0.0], [0.5, 1.0, 3.0]])
    loss = kl.WeightedKappa(ignore_class=9)
    p = p / p.sum(-1, keepdims=True)
    keep = (ids != 9) & (w > 0)
    flat = number(kl.WeightedKappa(), ids[keep], p[keep], w[keep])
    np.testing.assert_allclose(number(loss, ids, p, w), flat, rtol=1e-5)
    assert number(loss, ids, p, w * 0) == 0


def test_kappa_where_it_is_perfect_or_undefined():
    loss = kl.WeightedKappa(from_logits=True)
    perfect = (2 * np.eye(3) - 1) * 100
    value, slope = value_and_gradient(
        lambda z: loss(np.arange(3), z), perfect.astype("float32")
    )
    assert -20 < value < -16 and np.isfinite(slope).all()
    for y_true in (np.array([1, 1, 1]), np.array([1])):
        z = perfect[1:2].repeat(len(y_true), 0)
        for scale in (1, 0.01):
            got = value_and_gradient(lambda z, t=y_true: loss(t, z), (z * scale).astype("float32"))
            np.testing.assert_allclose(got[0], 0, atol=1e-6)
            np.testing.assert_allclose(got[1], 0, atol=1e-6)
    learned = gradient(loss, np.array([0, 2]), [[0.0, 1.0, 3.0], [3.0, 1.0, 0.0]])
    assert learned[0, 0] < 0 < learned[0, 2] and learned[1, 2] < 0 < learned[1, 0]


# --- hard examples --------------------------------------------------------------------


def mined(inner, fraction, y_true, y_pred, mask=None):
    loss = kl.HardExampleMining(inner, fraction, reduction="none")
    return to_numpy(loss.evaluate(y_true, y_pred, None, mask))


def test_mining_leaves_out_what_is_ignored_or_masked():
    ids = np.array([[0, 1, 0, 255], [255, 255, 255, 255], [1, 0, 0, 0]])
    p = np.array([[0.9, 0.4, 0.2, 0.0]] * 3)
    p = np.stack([p, 1 - p], -1)
    inner = kl.CategoricalCrossentropy(ignore_class=255)
    each = to_numpy(kl.CategoricalCrossentropy(ignore_class=255, reduction="none")(ids, p))
    hard = [sorted(row, reverse=True) for row in each]
    # ⌈0.5·3⌉ = 2 of three, none of none, 2 of four.
    expected = [sum(hard[0][:2]) / 2, 0, sum(hard[2][:2]) / 2]
    np.testing.assert_allclose(mined(inner, 0.5, ids, p), expected, rtol=1e-5)
    mask = np.ones((3, 4), bool)
    mask[2, 3] = mask[2, 0] = False
    expected[2] = max(each[2, 1:3])
    np.testing.assert_allclose(mined(inner, 0.5, ids, p, mask), expected, rtol=1e-5)
    # A sample without positions counts; a masked sample does not.
    loss = kl.HardExampleMining(inner, 0.5)
    np.testing.assert_allclose(number(loss, ids, p), (expected[0] + sum(hard[2][:2]) / 2) / 3,
                               rtol=1e-5)
    got = to_numpy(loss.evaluate(ids, p, None, np.array([True, False, False])))
    np.testing.assert_allclose(got, expected[0], rtol=1e-5)


def test_mining_counts_as_arithmetic_does():
    """0.1 of 30 is 3, though 0.1·30 rounds to a little more in some formats."""
    y_pred = np.arange(1.0, 31.0).reshape(1, 30, 1)
    for fraction, n in ((0.1, 3), (0.7, 21), (0.101, 4), (0.01, 1), (1.0, 30)):
        got = mined(kl.MeanAbsoluteError(), fraction, np.zeros((1, 30, 1)), y_pred)
        np.testing.assert_allclose(got, [np.arange(30, 30 - n, -1).mean()], rtol=1e-6)


def test_only_the_hardest_get_a_gradient():
    loss = kl.HardExampleMining(kl.MeanSquaredError(), 0.5)
    got = gradient(loss, np.zeros((1, 4, 1)), [[[1.0], [4.0], [3.0], [0.0]]])
    np.testing.assert_allclose(got[0, :, 0], [0, 4, 3, 0])


def test_mining_wraps_combined_losses_and_losses_of_keras():
    y, p = np.zeros((2, 4, 1)), rng.normal(size=(2, 4, 1))
    inner = kl.MeanSquaredError() + 0.5 * kl.as_loss(keras.losses.MeanAbsoluteError())
    loss = kl.HardExampleMining(inner, 0.5, reduction="none")
    each = (p**2 + 0.5 * np.abs(p))[..., 0]
    expected = np.sort(each, -1)[:, 2:].mean(-1)
    np.testing.assert_allclose(number(loss, y, p), expected, rtol=1e-5)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert repr(again) == repr(loss) and again.get_config() == loss.get_config()
    np.testing.assert_allclose(number(again, y, p), expected, rtol=1e-5)
    assert inner.terms["mean_squared_error"].loss.reduction == "sum_over_batch_size"
    total = 2 * kl.HardExampleMining(inner, 0.5) + kl.MeanSquaredError()
    np.testing.assert_allclose(
        number(total, y, p), 2 * expected.mean() + (p**2).mean(), rtol=1e-5
    )
    with wide():
        assert kl.HardExampleMining("mse", dtype="float64").loss.dtype == "float64"


def test_mining_asks_its_inner_loss_for_logits():
    mining = kl.HardExampleMining(kl.CategoricalCrossentropy(from_logits=True))
    mining + kl.Dice(from_logits=True)
    with pytest.raises(ValueError, match="cannot be both logits and probabilities"):
        mining + kl.Dice()


def test_mining_says_what_it_cannot_do():
    for inner in (kl.WeightedKappa(), kl.Dice(over="batch")):
        with pytest.raises(ValueError, match="one number for the batch"):
            kl.HardExampleMining(inner)
    with pytest.raises(ValueError, match="one number for the batch"):
        kl.HardExampleMining(keras.losses.Dice())(np.ones((2, 3, 1)), np.ones((2, 3, 1)))
    with pytest.raises(ValueError, match="sample_weight of shape .2, 4."):
        kl.HardExampleMining("mse")(np.zeros((2, 4, 1)), np.ones((2, 4, 1)), np.ones((2, 4)))


# --- several labels -------------------------------------------------------------------


def test_asymmetric_drops_easy_negatives_and_keeps_positives():
    loss = kl.AsymmetricMultiLabel(clip=0.05)
    assert number(loss, [[0.0]], [[0.05]]) == 0
    assert gradient(loss, [[0.0]], [[0.04]]) == 0
    loss = kl.AsymmetricMultiLabel(from_logits=True)
    np.testing.assert_allclose(gradient(loss, [[1.0]], [[-100.0]]), [[-1]], rtol=1e-6)
    loss = kl.AsymmetricMultiLabel(clip=0.0, from_logits=True)
    np.testing.assert_allclose(gradient(loss, [[0.0]], [[100.0]]), [[1]], rtol=1e-6)
    focal = kl.BinaryFocalCrossentropy(gamma=2.0, from_logits=True)
    same = kl.AsymmetricMultiLabel(2.0, 2.0, clip=0.0, from_logits=True)
    rows = np.eye(5)[IDS]
    np.testing.assert_allclose(number(same, rows, LOGITS), number(focal, rows, LOGITS), rtol=1e-5)
    z = ops.convert_to_tensor(LOGITS)
    np.testing.assert_allclose(number(same, IDS, z), number(focal, rows, LOGITS), rtol=1e-5)
