"""The ranking losses at their edges, and against scikit-learn."""

import math

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.metrics import ndcg_score, roc_auc_score

import keras_losskit as kl
from tests.backends import BACKEND, compiled, to_numpy, value_and_gradient, wide
from tests.cases.ranking import CASES as RANKING
from tests.cases.ranking import RELEVANCE, SCORES

LOSSES = [
    kl.PairwiseLogistic, kl.PairwiseHinge, kl.PairwiseSoftZeroOne, kl.PairwiseMeanSquared,
    kl.ListSoftmax, kl.ListMLE, kl.ApproxNDCG, kl.ApproxMRR, kl.LambdaNDCG,
]
each = pytest.mark.parametrize("loss", LOSSES, ids=lambda c: c.__name__)
rng = np.random.default_rng(5)


def values(loss, y_true, y_pred):
    return to_numpy(loss(y_true, y_pred))


@each
def test_padding_anywhere_reaches_neither_value_nor_gradient(loss):
    loss = loss()
    y, s = np.array([[2.0, 0, 1, 3]]), np.array([[0.3, -0.2, 0.8, 0.1]], "float32")
    expected, gradient = value_and_gradient(lambda p: loss(y, p), s)
    for places in ([0, 1, 2, 3], [2, 3, 4, 5], [0, 2, 3, 5], [1, 3, 4, 5]):
        padded, scores = np.full((1, 6), -1.0), np.full((1, 6), np.nan, "float32")
        padded[0, places], scores[0, places] = y[0], s[0]
        value, g = value_and_gradient(lambda p, t=padded: loss(t, p), scores)
        np.testing.assert_allclose(value, expected, rtol=1e-6)
        np.testing.assert_allclose(g[0, places], gradient[0], rtol=1e-5, atol=1e-7)
        assert np.isfinite(g).all() and np.count_nonzero(g) <= 4


# --- weights of items -------------------------------------------------------------------

WEIGHTS = np.random.default_rng(6).uniform(0.5, 2, size=RELEVANCE.shape)
WEIGHTS[0, 1] = WEIGHTS[1, 2] = WEIGHTS[3, 3] = 0


def weighed_pairs(term):
    def one(y, s, w):
        pairs = [(i, j) for i in range(len(y)) for j in range(len(y)) if y[i] > y[j]]
        total = sum(w[i] * term(y[i], y[j], s[i], s[j]) for i, j in pairs)
        return total / sum(w[i] for i, _ in pairs) if pairs else 0.0

    return one


def softmax_of(x):
    return np.exp(x) / sum(np.exp(x))


def weighed_list_softmax(y, s, w):
    parts = zip(w, softmax_of(y), softmax_of(s)) if len(y) else ()
    return -sum(a * t * math.log(p) for a, t, p in parts)


def weighed_list_mle(y, s, w):
    order, total = sorted(range(len(y)), key=lambda i: -y[i]), 0.0
    for place, i in enumerate(order):
        total += w[i] * (math.log(sum(math.exp(s[k]) for k in order[place:])) - s[i])
    return total


def ranks_of(s, temperature):
    return [
        1 + sum(1 / (1 + math.exp((a - b) / temperature)) for j, b in enumerate(s) if j != i)
        for i, a in enumerate(s)
    ]


def weighed_ndcg(y, s, w, temperature=0.4):
    gain = [a * (2**g - 1) for a, g in zip(w, y)]
    ideal = sum(g / math.log2(2 + k) for k, g in enumerate(sorted(gain, reverse=True)))
    dcg = sum(g / math.log2(1 + r) for g, r in zip(gain, ranks_of(s, temperature)))
    return 1 - dcg / ideal if ideal else 0.0


def weighed_mrr(y, s, w, temperature=0.4):
    found = sum(a * g / r for a, g, r in zip(w, y, ranks_of(s, temperature)))
    relevance = sum(a * g for a, g in zip(w, y))
    return 1 - found / relevance if relevance else 0.0


def weighed_lambda(y, s, w, sigma=1.5):
    rank = {i: 1 + place for place, i in enumerate(sorted(range(len(y)), key=lambda i: -s[i]))}
    best = sum((2**g - 1) / math.log2(2 + k) for k, g in enumerate(sorted(y, reverse=True)))
    total = 0.0
    for i in range(len(y)):
        for j in range(len(y)):
            if y[i] > y[j]:
                moved = abs(1 / math.log2(1 + rank[i]) - 1 / math.log2(1 + rank[j]))
                change = (2 ** y[i] - 2 ** y[j]) * moved / best
                total += w[i] * change * math.log(1 + math.exp(-sigma * (s[i] - s[j])))
    return total


WEIGHED = {
    kl.PairwiseLogistic: weighed_pairs(lambda a, b, s, t: math.log(1 + math.exp(t - s))),
    kl.PairwiseHinge: weighed_pairs(lambda a, b, s, t: max(0.0, 1 - (s - t))),
    kl.PairwiseSoftZeroOne: weighed_pairs(lambda a, b, s, t: 1 / (1 + math.exp(s - t))),
    kl.PairwiseMeanSquared: weighed_pairs(lambda a, b, s, t: ((s - t) - (a - b)) ** 2),
    kl.ListSoftmax: weighed_list_softmax,
    kl.ListMLE: weighed_list_mle,
    kl.ApproxNDCG: weighed_ndcg,
    kl.ApproxMRR: weighed_mrr,
    kl.LambdaNDCG: weighed_lambda,
}


@pytest.mark.parametrize("case", RANKING, ids=lambda c: c.id)
def test_weights_of_items_act_inside_the_list(case):
    kept = (RELEVANCE >= 0) & (WEIGHTS > 0)  # A weight of 0 is padding.
    expected = [
        WEIGHED[case.loss](y[k].tolist(), s[k].tolist(), w[k].tolist())
        for y, s, w, k in zip(RELEVANCE, SCORES, WEIGHTS, kept)
    ]
    spoilt = np.where(kept, SCORES, np.nan)
    with wide():
        for reduction, wanted in (
            ("none", expected), ("mean_with_sample_weight", np.mean(expected)),
        ):
            loss = case.make(reduction=reduction, dtype="float64")
            for weights in (WEIGHTS, WEIGHTS[..., None]):
                got = to_numpy(loss(RELEVANCE, spoilt, weights))
                np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-12)
    loss = case.make()
    value, gradient = value_and_gradient(
        lambda p: loss(RELEVANCE, p, WEIGHTS), spoilt.astype("float32")
    )
    np.testing.assert_allclose(value, np.mean(expected), rtol=1e-5)
    assert np.isfinite(gradient).all() and not gradient[~kept].any()
    y, w = RELEVANCE.astype("float32"), WEIGHTS.astype("float32")
    for how, function in compiled(lambda t, p, w: loss(t, p, w)).items():
        got = function(*map(ops.convert_to_tensor, (y, spoilt.astype("float32"), w)))
        np.testing.assert_allclose(to_numpy(got), value, rtol=1e-5, err_msg=how)


@pytest.mark.parametrize("case", RANKING, ids=lambda c: c.id)
def test_equal_weights_of_items(case):
    """They change nothing of a mean, and multiply a sum."""
    sums = (kl.ListSoftmax, kl.ListMLE, kl.LambdaNDCG)
    loss = case.make(reduction="none")
    got = to_numpy(loss(RELEVANCE, SCORES, np.full(RELEVANCE.shape, 3.0)))
    expected = values(loss, RELEVANCE, SCORES) * (3 if case.loss in sums else 1)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


@each
def test_a_score_that_is_no_number_shows(loss):
    y, s = np.array([[2.0, 0, 1, -1], [1, 0, 2, -1]]), rng.normal(size=(2, 4))
    s[0, 2] = np.nan
    assert np.isnan(values(loss(reduction="none"), y, s)).tolist() == [True, False]


@each
def test_a_mask_pads_items_too(loss):
    y = np.where(RELEVANCE < 0, 1.0, RELEVANCE)
    mask = RELEVANCE >= 0
    scores = np.where(mask, SCORES, np.nan).astype("float32")
    expected = values(loss(reduction="none"), RELEVANCE, SCORES)
    got = to_numpy(loss(reduction="none").evaluate(y, scores, None, mask))
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
    scores = ops.convert_to_tensor(scores)
    scores._keras_mask = ops.convert_to_tensor(mask)
    np.testing.assert_allclose(values(loss(), y, scores), expected.mean(), rtol=1e-5)


@each
def test_lists_with_nothing_to_rank(loss):
    y = np.array([[-1.0, -1, -1], [-1, 2, -1], [0, 0, 0], [1, 0, 2]])
    s = rng.normal(size=y.shape).astype("float32")
    value, gradient = value_and_gradient(lambda p: loss()(y, p), s)
    each = values(loss(reduction="none"), y, s)
    np.testing.assert_allclose(value, each.mean(), rtol=1e-6)  # They are counted.
    assert each[0] == 0 and each[3] > 0
    assert np.isfinite(gradient).all() and not gradient[0].any()
    assert gradient[3].any()
    if loss not in (kl.ListSoftmax, kl.ListMLE):  # For these equal labels say something.
        assert each[2] == 0 and not gradient[2].any()
    if loss not in (kl.ApproxNDCG, kl.ApproxMRR):  # Of one item both metrics are 1.
        assert each[1] == 0 and not gradient[1].any()
    np.testing.assert_allclose(each[1], 0, atol=1e-6)


@each
def test_a_list_of_one(loss):
    for y in ([[1.0]], [[0.0]], [[-1.0]]):
        value, gradient = value_and_gradient(
            lambda p, t=y: loss()(np.array(t), p), np.array([[3.0]], "float32")
        )
        np.testing.assert_allclose(value, 0, atol=1e-6)
        np.testing.assert_allclose(gradient, 0, atol=1e-6)


@each
@pytest.mark.parametrize("size", [100.0, 1e4])
def test_huge_scores(loss, size):
    y = np.array([[2.0, 1, 0, -1], [0, 1, 2, -1]])
    s = np.array([[1, 0, -1, np.nan]] * 2, "float32") * np.float32(size)
    right, wrong = values(loss(reduction="none"), y, s)
    _, gradient = value_and_gradient(lambda p: loss()(y, p), s)
    assert np.isfinite(gradient).all()
    assert right < wrong < np.inf
    if loss in (kl.PairwiseLogistic, kl.PairwiseHinge, kl.ListMLE, kl.LambdaNDCG):
        assert right == pytest.approx(0, abs=1e-6)
        assert gradient[1, 0] > 0 > gradient[1, 2]  # Still told where to go.


@pytest.mark.parametrize("size", [100.0, 1e4])
def test_list_mle_of_huge_scores(size):
    y = np.array([[0.0, 1, 2, 3]])
    s = np.array([[3.0, 2, 1, 0]]) * size
    # Each item behind the ones above it: the best score left is s_1, 3·size.
    assert float(kl.ListMLE()(y, s)) == pytest.approx(6 * size, rel=1e-6)
    _, gradient = value_and_gradient(lambda p: kl.ListMLE()(y, p), s.astype("float32"))
    np.testing.assert_allclose(gradient, [[3.0, -1, -1, -1]], atol=1e-5)


@pytest.mark.parametrize("size", [1.0, 5.0, 1000.0])
def test_list_mle_trains_alike_with_near_and_far_scores(size):
    y, s = np.array([1.0, 3, -1, 0, 2, 3]), np.array([-2.0, 1, 9, 0.5, 3, 2]) * size
    order = [1, 5, 4, 0, 3]
    expected, slope = 0.0, np.zeros(6)
    for i in range(5):
        rest = order[i:]
        chance = np.exp(s[rest] - s[rest].max())
        expected += math.log(chance.sum()) + s[rest].max() - s[order[i]]
        slope[rest] += chance / chance.sum()
        slope[order[i]] -= 1
    # One unit over rows of the identity: its weights are the scores.
    unit = keras.layers.Dense(1, use_bias=False)
    model = keras.Sequential([keras.Input((6, 6)), unit])
    unit.set_weights([s[:, None]])
    model.compile(keras.optimizers.SGD(1.0), kl.ListMLE(), jit_compile=BACKEND != "torch")
    value = model.train_on_batch(np.eye(6)[None], y[None])
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    moved = s.astype("float32") - to_numpy(unit.kernel)[:, 0]
    np.testing.assert_allclose(moved, slope, atol=2e-7 * max(9 * size, 1))


@each
def test_equal_scores_get_a_gradient(loss):
    y, s = np.array([[0.0, 1, 2]]), np.zeros((1, 3), "float32")
    _, gradient = value_and_gradient(lambda p: loss()(y, p), s)
    assert gradient[0, 0] > 0 > gradient[0, 2]
    assert gradient.sum() == pytest.approx(0, abs=1e-6)  # Only differences count.


@pytest.mark.parametrize("case", RANKING, ids=lambda c: c.id)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 33])
def test_lists_of_every_length(case, size):
    y = rng.integers(-1, 4, size=(3, size)).astype("float64")
    s = rng.normal(size=y.shape)
    with wide():
        got = values(case.make(reduction="none", dtype="float64"), y, s)
    np.testing.assert_allclose(got, case.values(y, s), rtol=1e-9, atol=1e-12)


@each
def test_one_unit_per_item(loss):
    expected = values(loss(), RELEVANCE, SCORES)
    np.testing.assert_array_equal(values(loss(), RELEVANCE, SCORES[..., None]), expected)
    np.testing.assert_array_equal(
        values(loss(), RELEVANCE[..., None], SCORES[..., None]), expected
    )


@each
def test_what_is_no_list_is_refused(loss):
    for shape in ((4,), (4, 3, 2)):
        with pytest.raises(ValueError, match="labels of -1"):
            loss()(np.zeros(shape), np.zeros(shape))
    with pytest.raises(ValueError, match="sample_weight"):
        loss()(RELEVANCE, SCORES, np.ones((4, 5)))


# --- known values ------------------------------------------------------------------------


def test_list_mle_keeps_the_order_of_ties():
    s = np.array([[0.5, -1.0, 2.0, 0.0]])
    tied = float(kl.ListMLE()([[1, 0, 1, 0]], s))
    assert tied == pytest.approx(float(kl.ListMLE()([[3, 1, 2, 0]], s)), rel=1e-6)


def test_list_softmax_uses_softmax_of_the_labels():
    y, s = np.array([[2.0, 1, 0]]), np.array([[0.3, 0.1, -0.5]])
    target = np.exp(y) / np.exp(y).sum()
    ce = kl.CategoricalCrossentropy(from_logits=True)
    np.testing.assert_allclose(float(kl.ListSoftmax()(y, s)), float(ce(target, s)), rtol=1e-6)
    # What TF-Ranking's documentation shows for its raw labels.
    assert float(ce([[1.0, 0.0]], [[0.6, 0.8]])) == pytest.approx(0.7981389, rel=1e-5)


@pytest.mark.parametrize(
    ("loss", "published"),
    [
        (kl.PairwiseHinge, 0.6), (kl.PairwiseLogistic, 0.39906943),
        (kl.PairwiseSoftZeroOne, 0.274917), (kl.ListMLE, 0.7981389),
    ],
)
def test_numbers_of_tf_rankings_documentation(loss, published):
    y, s = [[1.0, 0.0]], [[0.6, 0.8]]
    pairwise = loss is not kl.ListMLE  # The sum over pairs there is divided by B·L.
    got = float(loss()(y, s, [1 / 2] if pairwise else None))
    assert got == pytest.approx(published, rel=1e-5)


def test_pairs_of_a_batch_with_one_weight_each():
    y, s = np.array([[2.0, 1, 0], [1, 0, 0]]), rng.normal(size=(2, 3))
    terms = [
        max(0, 1 - (s[b, i] - s[b, j]))
        for b in range(2) for i in range(3) for j in range(3) if y[b, i] > y[b, j]
    ]
    loss = kl.PairwiseHinge(reduction="mean_with_sample_weight")
    assert float(loss(y, s, [3, 2])) == pytest.approx(np.mean(terms), rel=1e-5)


def test_soft_zero_one_is_one_minus_auc_for_scores_far_apart():
    y = np.array([[1.0, 0, 0, 1, 0, 1, 1]])
    s = rng.permutation(7)[None] * 50.0
    expected = 1 - roc_auc_score(y[0], s[0])
    assert float(kl.PairwiseSoftZeroOne()(y, s)) == pytest.approx(expected, abs=1e-6)


def test_approx_ndcg_is_scikit_learns_at_a_low_temperature():
    y = rng.integers(0, 5, size=(6, 9)).astype("float64")
    s = rng.permuted(np.tile(np.arange(9.0), (6, 1)), axis=1)
    got = values(kl.ApproxNDCG(temperature=0.01, reduction="none"), y, s)
    expected = [1 - ndcg_score([2**t - 1], [p]) for t, p in zip(y, s)]
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_approx_mrr_of_one_relevant_item():
    s = [[5.0, 3.0, 4.0, 1.0]]
    for item, rank in enumerate((1, 3, 2, 4)):
        y = np.eye(4)[[item]]
        got = float(kl.ApproxMRR(temperature=0.01)(y, s))
        assert got == pytest.approx(1 - 1 / rank, abs=1e-6)


@pytest.mark.parametrize("loss", [kl.ApproxNDCG, kl.LambdaNDCG])
def test_huge_labels(loss):
    """2^1000 is no float, but its share of the ideal is."""
    y, s = np.array([[1000.0, 0, 999]]), np.array([[0.0, 0.5, 1.0]], "float32")
    value, gradient = value_and_gradient(lambda p: loss()(y, p), s)
    assert 0 < value < 2 and np.isfinite(gradient).all() and gradient[0, 0] < 0


def test_lambda_ndcg_prices_the_top_more():
    y = np.array([[1.0, 0, 0, 0]])
    top = value_and_gradient(lambda p: kl.LambdaNDCG()(y, p), np.array([[2.0, 3, 1, 0]]))[1]
    assert top[0, 1] > top[0, 3] > 0


def test_lambda_ndcg_of_tied_scores_is_that_of_the_order_given():
    y = np.array([[0.0, 2, 1]])
    tied = float(kl.LambdaNDCG()(y, np.zeros((1, 3))))
    nearly = float(kl.LambdaNDCG()(y, np.array([[2e-6, 1e-6, 0]])))
    assert tied == pytest.approx(nearly, rel=1e-4)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="unknown sizes exist in tf.function")
@pytest.mark.parametrize("known", [None, 400], ids=["unknown", "known"])
@pytest.mark.parametrize("xla", [False, True], ids=["graph", "xla"])
@each
def test_lists_of_unknown_number_and_length(loss, xla, known):
    """As `fit` compiles what differs from batch to batch."""
    import tensorflow as tf

    lists = tf.TensorSpec([None, known], "float32")

    @tf.function(input_signature=[lists, lists], jit_compile=xla, autograph=False)
    def step(y, s):
        with tf.GradientTape() as tape:
            tape.watch(s)
            value = loss()(y, s)
        return value, tape.gradient(value, s)

    batches = [] if known else [(RELEVANCE[:, :n], SCORES[:, :n], 1) for n in (3, 6)]
    for count, size, scale in ((3, 5, 1), (2, 9, 1), (1, 4, 100)):
        shape = (count, known or size)
        batches.append((rng.integers(-1, 4, shape), scale * rng.normal(size=shape), scale))
    for y, s, scale in batches:
        y, s = y.astype("float32"), s.astype("float32")
        value, gradient = value_and_gradient(lambda p, t=y: loss()(t, p), s)
        got, slope = map(to_numpy, step(y, s))
        np.testing.assert_allclose(got, value, rtol=1e-5)
        np.testing.assert_allclose(slope, gradient, rtol=1e-4, atol=1e-5 * scale)


def test_list_mle_of_a_long_list():
    """Plackett-Luce of equal scores: Σ log k."""
    size = 500
    y = np.arange(size, dtype="float32")[None]
    expected = sum(math.log(k) for k in range(1, size + 1))
    for function in compiled(lambda t, p: kl.ListMLE()(t, p)).values():
        got = to_numpy(function(*map(ops.convert_to_tensor, (y, np.zeros_like(y)))))
        assert got == pytest.approx(expected, rel=1e-5)
