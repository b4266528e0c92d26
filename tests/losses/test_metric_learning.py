"""Losses on embeddings: mining, edges, memory, and agreement with others."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from keras_losskit.core import columns, distances
from tests.backends import BACKEND, to_numpy, value_and_gradient, wide
from tests.cases import metric_learning as cases
from tests.cases.metric_learning import DISTANCE_OF

rng = np.random.default_rng(7)
MINED = {
    kl.TripletSemiHard: cases.semi_hard,
    kl.TripletHard: cases.hard,
    kl.TripletAll: cases.batch_all,
}
IN_BATCH = [c for c in cases.CASES if c.kind == "embeddings"]
each = pytest.mark.parametrize("case", IN_BATCH, ids=lambda c: c.id)


def integers(n, d, classes):
    """Ids and embeddings on a coarse grid: many ties and duplicates."""
    return rng.integers(0, classes, n), rng.integers(-1, 2, (n, d)).astype("float64")


# --- mining ----------------------------------------------------------------------------


BATCHES = {
    "ties and duplicates": integers(13, 2, 3),
    "two classes": integers(12, 3, 2),
    "many classes": integers(11, 2, 8),
    "more than a power of two": (rng.integers(0, 4, 33), rng.normal(size=(33, 4))),
    "one class": (np.zeros(5, int), rng.normal(size=(5, 3))),
    "no positives": (np.arange(5), rng.normal(size=(5, 3))),
    "one sample": (np.array([3]), rng.normal(size=(1, 3))),
    "identical": (np.array([0, 0, 1, 1, 2]), np.ones((5, 3))),
    "all negatives nearer": (np.array([0, 0, 1, 1]), np.array([[0.0], [9], [4], [5]])),
}


@pytest.mark.parametrize("loss", MINED, ids=lambda c: c.__name__)
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("distance", list(DISTANCE_OF))
@pytest.mark.parametrize("soft", [False, True])
def test_mining_equals_loops(loss, batch, distance, soft):
    ids, x = BATCHES[batch]
    options = {"margin": 0.5, "distance": distance, "soft": soft}
    # Equal cosines on the grid differ by rounding: either of two choices is right.
    if distance == "cosine" and (x == np.round(x)).all():
        x = x + rng.normal(size=x.shape) * 1e-3
    expected = cases.per_anchor(MINED[loss])(ids, x, **options)
    counted = ~np.isnan(expected)
    with wide():
        values = to_numpy(loss(**options, reduction="none", dtype="float64")(ids, x))
        mean = to_numpy(loss(**options, dtype="float64")(ids, x))
    np.testing.assert_allclose(values, np.nan_to_num(expected), rtol=1e-9, atol=1e-12)
    wanted = expected[counted].mean() if counted.any() else 0
    np.testing.assert_allclose(mean, wanted, rtol=1e-9, atol=1e-12)


def test_a_tie_with_the_positive_is_not_farther():
    # d_ap = 1 and negatives at 1 and 2: only the one at 2 is farther.
    ids, x = np.array([0, 0, 1, 1]), np.array([[0.0], [1.0], [-1.0], [2.0]])
    values = kl.TripletSemiHard(margin=2.0, reduction="none")(ids, x)
    assert to_numpy(values)[0] == 1 - 2 + 2


def test_a_triplet_exactly_at_the_margin_pulls_at_neither_end():
    """On a line of whole numbers many are; a little less of a margin leaves them out for sure."""
    ids, x = rng.integers(0, 4, 14), rng.permutation(30)[:14, None].astype("float32")
    of = [
        value_and_gradient(
            lambda x, m=margin: kl.TripletAll(m, distance="euclidean", reduction="sum")(ids, x), x
        )[1]
        for margin in (2.0, 1.999)
    ]
    gaps = np.abs(x - x.T)
    same = ids[:, None] == ids
    at_it = sum(
        a != p and same[a, p] and not same[a, n] and gaps[a, n] == gaps[a, p] + 2
        for a, p, n in itertools.product(range(14), repeat=3)
    )
    assert at_it > 5
    np.testing.assert_allclose(of[0], of[1], atol=1e-5)


def test_batch_all_counts_active_triplets_in_large_batches():
    ids, x = rng.integers(0, 5, 150), rng.normal(size=(150, 4))
    options = {"margin": 0.2, "distance": "euclidean", "soft": False}
    expected = cases.per_anchor(cases.batch_all)(ids, x, **options)
    got = to_numpy(kl.TripletAll(**options, reduction="none")(ids, x.astype("float32")))
    np.testing.assert_allclose(got, expected, rtol=2e-5)


@pytest.mark.parametrize("loss", [kl.TripletSemiHard, kl.TripletAll], ids=lambda c: c.__name__)
def test_more_columns_than_a_panel_holds(loss):
    n = columns.PANEL + 14
    ids, x = rng.integers(0, 30, n), rng.normal(size=(n, 4)).astype("float32")
    options = {"margin": 0.2, "distance": "euclidean", "soft": False}
    expected = cases.per_anchor(MINED[loss])(ids, x.astype("float64"), **options)
    instance = loss(**options, reduction="none")
    got = [instance(ids, x)]
    if BACKEND == "tensorflow":  # There `fit` compiles for a batch of unknown size.
        import tensorflow as tf

        unknown = [tf.TensorSpec([None], ids.dtype), tf.TensorSpec([None, 4], x.dtype)]
        for jit in (False, True):
            got.append(
                tf.function(
                    lambda y, p: instance(y, p), input_signature=unknown, jit_compile=jit,
                    autograph=False,
                )(ids, x)
            )
    for values in got:
        got_values = to_numpy(values)
        np.testing.assert_allclose(got_values, np.nan_to_num(expected), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("n", [1, 2, 3, 8, 21, 64, 65])
def test_columns_are_sorted_and_searched(n):
    x = rng.integers(0, 9, (n, 4)).astype("float32")
    queries = rng.integers(-1, 10, (6, 4)).astype("float32")
    ordered = columns.sort_columns(ops.convert_to_tensor(x))
    np.testing.assert_array_equal(to_numpy(ordered), np.sort(x, axis=0))
    for inclusive, side in ((False, "left"), (True, "right")):
        got = columns.count_in_columns(
            ordered, ops.convert_to_tensor(queries), inclusive=inclusive
        )
        expected = [
            np.searchsorted(np.sort(x[:, j]), queries[:, j], side) for j in range(4)
        ]
        np.testing.assert_array_equal(to_numpy(got), np.transpose(expected))


@pytest.mark.parametrize("values", [1, 3, 1000], ids=["all equal", "many equal", "few equal"])
@pytest.mark.parametrize("n", [1, 2, 3, 21, 65])
def test_each_rank_has_a_row_of_its_value(n, values):
    x = rng.integers(0, values, (n, 4)).astype("float32")
    there = rng.random((n, 4)) < 0.7
    there[:, 3] = True
    counts = [[sum(there[:, j] & (x[:, j] <= v)) for j, v in enumerate(row)] for row in x]
    rows = to_numpy(
        columns.rows_by_rank(
            ops.convert_to_tensor(np.array(counts, "int32")), ops.convert_to_tensor(there)
        )
    )
    for j in range(4):
        known = np.sort(x[there[:, j], j])
        assert there[rows[: len(known), j], j].all()
        np.testing.assert_array_equal(x[rows[: len(known), j], j], known)
        assert (rows[len(known) :, j] == -1).all()


def test_what_is_no_number_ends_the_search():
    counts, there = np.zeros((9, 2), "int32"), np.ones((9, 2), bool)
    found = columns.rows_by_rank(ops.convert_to_tensor(counts), ops.convert_to_tensor(there))
    assert to_numpy(found).max() < 9


# --- distances -------------------------------------------------------------------------


def exact(x, distance):
    x = x.astype("float64")
    return np.array([[DISTANCE_OF[distance](a, b) for b in x] for a in x])


@pytest.mark.parametrize("offset", [0, 1e3])
@pytest.mark.parametrize("distance", ["euclidean", "squared_euclidean"])
def test_duplicates_far_from_the_origin(offset, distance):
    x = rng.normal(size=(8, 16))
    x[1], x[3] = x[0], x[2]
    x[5] = x[4] + 1e-2
    x = (x + offset).astype("float32")
    got = to_numpy(distances.pairwise(ops.convert_to_tensor(x), distance))
    expected = exact(x, distance)
    assert (got >= 0).all()
    assert got[0, 1] <= 1e-4 and got[2, 3] <= 1e-4
    # d² is known to some epsilons of the rows' own spread, wherever they lie.
    spread = exact(x, "squared_euclidean").max()
    power = 2 if distance == "euclidean" else 1
    np.testing.assert_allclose(got**power, expected**power, rtol=1e-6, atol=1e-6 * spread)


def test_gradient_of_near_duplicates_has_the_right_direction():
    """However near: from 1e-2 to identical, in float32, far from the origin."""
    base = rng.normal(size=(6, 8)).astype("float32")
    way = rng.normal(size=8)
    way = way / np.linalg.norm(way)
    for gap in (1e-2, 1e-3, 1e-4):
        x = base.copy()
        x[1] = x[0] + gap * way
        step = (x[1] - x[0]).astype("float64")
        _, g = value_and_gradient(lambda p: distances.pairwise(p, "euclidean")[1, 0], x)
        assert np.isfinite(g).all()
        assert np.linalg.norm(g[1]) < 2.1
        cosine = g[1] @ step / (np.linalg.norm(g[1]) * np.linalg.norm(step))
        assert cosine > (0.99 if gap > 2e-4 else 0.9), gap
    x[1] = x[0]
    _, g = value_and_gradient(lambda p: distances.pairwise(p, "euclidean")[1, 0], x)
    np.testing.assert_allclose(g, 0, atol=5e-3)


def test_masked_rows_do_not_move_the_centre():
    x = rng.normal(size=(6, 4)) + 1e3
    mask = np.array([1, 1, 1, 1, 0, 0], bool)
    x[~mask] = 0  # As the template leaves them.
    x = x.astype("float32")
    got = distances.pairwise(
        ops.convert_to_tensor(x), "euclidean", ops.convert_to_tensor(mask)
    )
    expected = exact(x[mask], "euclidean")
    np.testing.assert_allclose(to_numpy(got)[:4, :4], expected, rtol=1e-4, atol=1e-3)


def test_cosines_of_tiny_and_huge_rows():
    x = np.array([[3.0, 4.0], [3e-30, 4e-30], [3e30, 4e30], [0, 0]], "float32")
    got = to_numpy(distances.cosines(ops.convert_to_tensor(x)))
    expected = np.ones((4, 4))
    expected[3] = expected[:, 3] = 0
    np.testing.assert_allclose(got, expected, rtol=1e-6)


# --- edges -----------------------------------------------------------------------------


def check_edge(case, ids, x):
    value, gradient = value_and_gradient(
        lambda p: case.make()(ids, p), np.asarray(x, "float32")
    )
    assert np.isfinite(value) and np.isfinite(gradient).all()
    return value, gradient


@each
def test_without_positives_the_value_and_gradient_are_zero(case):
    for n in (1, 4):
        value, gradient = check_edge(case, np.arange(n), rng.normal(size=(n, 3)))
        assert value == 0 and not gradient.any()


@each
def test_a_batch_of_one_class(case):
    value, gradient = check_edge(case, np.zeros(4, int), rng.normal(size=(4, 3)))
    if case.make().needs_negatives:
        assert value == 0 and not gradient.any()


@each
def test_identical_embeddings(case):
    for row in ([0.0, 0.0, 0.0], [1.0, 2.0, 3.0]):
        _, gradient = check_edge(case, np.array([0, 0, 1, 1]), np.tile(row, (4, 1)))
        if any(row):
            np.testing.assert_allclose(gradient, 0, atol=2e-4)


@each
def test_ids_of_every_kind_are_compared_exactly(case):
    expected = to_numpy(case.make()(case.y_true, case.y_pred))
    for ids in (
        case.y_true.astype("uint8"), case.y_true[:, None], case.y_true.astype("float32"),
        case.y_true + 2**24, -1 - case.y_true,
    ):
        np.testing.assert_allclose(to_numpy(case.make()(ids, case.y_pred)), expected, rtol=1e-6)


@each
def test_shapes_of_embeddings(case):
    loss = case.make()
    for ids, x in (
        (np.eye(3)[[0, 1, 2, 0, 1, 1]], case.y_pred),
        (case.y_true, case.y_pred[:, None]),
        (case.y_true, case.y_pred[:, 0]),
    ):
        with pytest.raises(ValueError, match=r"y_true of shape .*argmax"):
            loss(ids, x)


def test_triplets_must_be_three():
    for shape in ((4, 3), (4, 2, 5), (4, 3, 5, 1)):
        with pytest.raises(ValueError, match=r"does not hold triplets"):
            kl.Triplet()(np.zeros(4), np.zeros(shape))
    x = rng.normal(size=(4, 3, 5))
    values = to_numpy(kl.Triplet(reduction="none")(np.zeros(4), x))
    mask = np.ones((4, 3), bool)
    mask[0, 1] = mask[2, 0] = False
    got = to_numpy(kl.Triplet().evaluate(np.zeros(4), x, None, mask))
    np.testing.assert_allclose(got, values[[1, 3]].mean(), rtol=1e-6)
    same = np.ones((2, 3, 5), "float32")
    value, gradient = value_and_gradient(lambda p: kl.Triplet(margin=0.5)([0, 0], p), same)
    assert value == 0.5 and not gradient.any()


# --- growth ----------------------------------------------------------------------------


def sizes(loss, ids, x):
    """The number of elements of every array that the compiled gradient computes."""
    if BACKEND == "jax":
        import jax

        found = []

        def walk(jaxpr):
            for equation in jaxpr.eqns:
                found.extend(int(np.prod(v.aval.shape)) for v in equation.outvars)
                for value in equation.params.values():
                    for inner in value if isinstance(value, (tuple, list)) else [value]:
                        inner = getattr(inner, "jaxpr", inner)
                        if hasattr(inner, "eqns"):
                            walk(inner)

        walk(jax.make_jaxpr(jax.grad(lambda p: loss(ids, p)))(x).jaxpr)
        return found
    import tensorflow as tf

    @tf.function
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = loss(ids, x)
        return tape.gradient(value, x)

    concrete = gradient.get_concrete_function(tf.TensorSpec(x.shape, x.dtype))
    graph = concrete.graph.as_graph_def(add_shapes=True)
    nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
    return [
        int(np.prod([d.size for d in shape.dim]))
        for n in nodes
        for shape in n.attr["_output_shapes"].list.shape
        if not shape.unknown_rank and all(d.size >= 0 for d in shape.dim)
    ]


@pytest.mark.skipif(BACKEND == "torch", reason="torch has no graph to look at")
@each
def test_nothing_grows_as_the_cube_of_the_batch(case):
    n = 64
    x = rng.normal(size=(n, 3)).astype("float32")
    found = sizes(case.make(), np.arange(n) % 8, ops.convert_to_tensor(x))
    assert n * n in found  # What is looked for would be seen.
    assert max(found) <= 2 * n * n


# --- agreement with others -----------------------------------------------------------------


@pytest.mark.parametrize("normalised", [True, False])
def test_circle_equals_keras(normalised):
    x = rng.normal(size=(12, 5)).astype("float32")
    if normalised:
        x /= np.linalg.norm(x, axis=1, keepdims=True)
    ids = np.arange(12) % 4
    for gamma, margin in ((80.0, 0.4), (10.0, 0.25)):
        mine, theirs = (
            c(gamma=gamma, margin=margin, reduction="none")
            for c in (kl.Circle, keras.losses.Circle)
        )
        np.testing.assert_allclose(
            to_numpy(mine(ids, x)), to_numpy(theirs(ids, x)), rtol=1e-5, atol=1e-5
        )


def test_triplet_equals_torch():
    torch = pytest.importorskip("torch")
    x = rng.normal(size=(6, 3, 8))
    theirs = torch.nn.TripletMarginLoss(margin=0.7, eps=0, reduction="none")
    expected = theirs(*(torch.tensor(x[:, i]) for i in range(3))).numpy()
    got = to_numpy(kl.Triplet(margin=0.7, reduction="none")(np.zeros(6), x))
    np.testing.assert_allclose(got, expected, rtol=1e-5)


# --- cosines ---------------------------------------------------------------------------

PROXY = [c for c in cases.CASES if c.kind == "cosines"]
on_cosines = pytest.mark.parametrize("case", PROXY, ids=lambda c: c.id)


@on_cosines
def test_both_encodings_of_classes_agree(case):
    loss = case.make()
    classes = case.y_pred.shape[-1] // case.options.get("centers", 1)
    expected = to_numpy(loss(case.y_true, case.y_pred))
    rows = np.eye(classes)[case.y_true]
    for y_true in (rows, case.y_true[..., None], case.y_true.astype("uint8")):
        np.testing.assert_allclose(to_numpy(loss(y_true, case.y_pred)), expected, rtol=1e-6)


@on_cosines
def test_classes_outside_the_range_raise(case):
    y_true = case.y_true.copy()
    y_true.flat[0] = 6
    with pytest.raises(ValueError, match="class id 6"):
        case.make()(y_true, case.y_pred)
    with pytest.raises(ValueError, match="does not hold cosines|must be"):
        case.make()(case.y_true, case.y_pred[..., :1])


def test_centers_must_divide_the_columns():
    with pytest.raises(ValueError, match=r"\(B, …, C·3\)"):
        kl.SubCenterArcFace(centers=3)([0], np.zeros((1, 4)))


@pytest.mark.parametrize("cosine", [1.0, -1.0, 1 + 1e-6])
def test_arc_face_has_a_slope_at_both_ends(cosine):
    p = np.array([[cosine, 0.3]], "float32")
    value, gradient = value_and_gradient(lambda p: kl.ArcFace(0.5, 4.0)([0], p), p)
    assert np.isfinite(value) and np.isfinite(gradient).all()
    assert gradient[0, 0] < 0 < gradient[0, 1]


def test_arc_face_falls_back_beyond_pi():
    margin = 1.0
    for c in (-0.9, -0.6):  # θ + 1 is above π, and below.
        z = 2 * (c - np.sin(1.0) if np.arccos(c) + 1 > np.pi else np.cos(np.arccos(c) + 1))
        got = to_numpy(kl.ArcFace(margin, 2.0)([0], np.array([[c, 0.0]])))
        np.testing.assert_allclose(got, np.log1p(np.exp(-z)), rtol=1e-5)


def test_proxy_anchor_weighs_samples_in_its_sums():
    ids, x = np.array([0, 1, 0]), rng.uniform(-1, 1, (3, 4))
    loss = kl.ProxyAnchor(scale=3.0)
    doubled = to_numpy(loss(np.repeat(ids, [2, 1, 1]), np.repeat(x, [2, 1, 1], axis=0)))
    np.testing.assert_allclose(to_numpy(loss(ids, x, np.array([2, 1, 1]))), doubled, rtol=1e-6)


@pytest.mark.parametrize("shape", [(6,), (2, 3, 4)])
def test_proxy_anchor_takes_one_row_of_cosines_a_sample(shape):
    with pytest.raises(ValueError, match=r"must be \(B, C\), the cosines of one embedding"):
        kl.ProxyAnchor()(np.zeros(shape[:-1] or 6, "int32"), np.zeros(shape, "float32"))
