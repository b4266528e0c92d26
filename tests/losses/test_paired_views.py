"""Losses on two views: gradients to both, edges, and agreement with others."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from tests.backends import (
    BACKEND,
    check_gradient,
    to_numpy,
    value_and_gradient,
    wide,
)
from tests.cases import metric_learning, paired_views
from tests.losses.test_metric_learning import sizes

rng = np.random.default_rng(8)
CASES = [
    c for c in (*metric_learning.CASES, *paired_views.CASES)
    if c.kind == "views" and c.loss is not kl.Matryoshka  # Which is a sum of others.
]
each = pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)


@each
def test_gradients_flow_to_y_true(case):
    if case.detached:
        return  # Through one of the factors only; see below.
    if case.loss is kl.DINO:
        _, gradient = value_and_gradient(lambda t: case.make()(t, case.y_pred), case.y_true)
        assert not gradient.any()
        return
    with wide():
        loss = case.make(dtype="float64")
        first = case.y_true.astype("float64")
        second = ops.convert_to_tensor(case.y_pred.astype("float64"))
        gradient = check_gradient(lambda t: loss(t, second), first)
    assert gradient.any() == (case.loss is not kl.KoLeo)


@each
def test_a_sample_alone_or_nobody(case):
    one = np.array([[0.6, 0.8]], "float32")
    value, gradient = value_and_gradient(lambda p: case.make()(one, p), one)
    assert np.isfinite(value) and np.isfinite(gradient).all()
    if case.loss in (kl.NTXent, kl.InfoNCE, kl.BarlowTwins, kl.DecoupledContrastive, kl.KoLeo):
        assert value == 0 and not gradient.any()
    both = np.repeat(one, 3, axis=0)
    for mask, alone in (([True, False, False], True), ([False] * 3, False)):
        value, gradient = value_and_gradient(
            lambda p, m=mask: case.make().evaluate(both, p, None, m), both
        )
        expected = to_numpy(case.make()(one, one)) if alone else 0
        np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-7)
        assert np.isfinite(gradient).all() and not gradient[1:].any()


@each
def test_identical_and_zero_views(case):
    for x in (np.zeros((4, 3)), np.ones((4, 3)), np.full((4, 3), 1000.1)):
        x = x.astype("float32")
        value, gradient = value_and_gradient(lambda p, x=x: case.make()(x, p), x)
        assert np.isfinite(value) and np.isfinite(gradient).all()


@each
def test_shapes_of_views(case):
    if case.loss is not kl.KoLeo:
        with pytest.raises(ValueError, match=r"\(5, 2\) does not fit .*\(5, 3\).*two views"):
            case.make()(case.y_true[:, :2], case.y_pred)
    with pytest.raises(ValueError, match="two views"):
        case.make()(case.y_true[:, 0], case.y_pred[:, 0])


@pytest.mark.skipif(BACKEND == "torch", reason="torch has no graph to look at")
@each
def test_nothing_grows_as_the_cube_of_the_batch(case):
    n = 64
    x, y = (rng.normal(size=(n, 3)).astype("float32") for _ in range(2))
    found = sizes(case.make(), ops.convert_to_tensor(y), ops.convert_to_tensor(x))
    assert max(found) <= 4 * n * n


def test_nt_xent_is_both_directions_of_the_stacked_batch():
    torch = pytest.importorskip("torch")
    a, b = rng.normal(size=(2, 6, 4))
    z = torch.nn.functional.normalize(torch.tensor(np.concatenate([a, b])))
    logits = z @ z.T / 0.5
    logits.fill_diagonal_(-torch.inf)
    labels = torch.tensor([*range(6, 12), *range(6)])
    expected = torch.nn.functional.cross_entropy(logits, labels).numpy()
    np.testing.assert_allclose(to_numpy(kl.NTXent()(a, b)), expected, rtol=1e-5)


def test_infonce_is_clip():
    torch = pytest.importorskip("torch")
    a, b = rng.normal(size=(2, 6, 4))
    x, y = (torch.nn.functional.normalize(torch.tensor(v)) for v in (a, b))
    logits, labels = x @ y.T / 0.07, torch.arange(6)
    ce = torch.nn.functional.cross_entropy
    expected = (ce(logits, labels) + ce(logits.T, labels)).numpy() / 2
    np.testing.assert_allclose(to_numpy(kl.InfoNCE()(a, b)), expected, rtol=1e-5)
    one_way = kl.InfoNCE(symmetric=False)
    np.testing.assert_allclose(to_numpy(one_way(a, b)), ce(logits, labels).numpy(), rtol=1e-5)


ITEMS = np.array([3, 1, 3, 2, 1])
LOG_Q = np.log([0.4, 0.1, 0.4, 0.3, 0.1])


def parts(a, **more):
    return {"embedding": a, "id": ITEMS, "log_probability": LOG_Q, **more}


def test_infonce_of_ids_and_log_q_is_yis_softmax():
    a, b = rng.normal(size=(2, 5, 4))
    cosines = np.array([[x @ y / np.linalg.norm(x) / np.linalg.norm(y) for y in b] for x in a])
    for ids in (False, True):
        for log_q in (False, True):
            corrected = cosines / 0.3 - (LOG_Q if log_q else 0)
            one_way, back = [], []
            for i in range(5):
                kept = [j for j in range(5) if j == i or not ids or ITEMS[j] != ITEMS[i]]
                one_way.append(np.log(np.exp(corrected[i, kept]).sum()) - corrected[i, i])
                back.append(np.log(np.exp(cosines[kept, i] / 0.3).sum()) - cosines[i, i] / 0.3)
            loss = kl.InfoNCE(0.3, symmetric=False, ids=ids, log_q=log_q, reduction="none")
            np.testing.assert_allclose(to_numpy(loss(parts(a), b)), one_way, rtol=1e-5)
            both = kl.InfoNCE(0.3, ids=ids, log_q=log_q, reduction="none")
            expected = (np.array(one_way) + back) / 2
            np.testing.assert_allclose(to_numpy(both(parts(a), b)), expected, rtol=1e-5)


def test_parts_of_infonce_are_columns_too():
    a, b = rng.normal(size=(2, 5, 4)).astype("float32")
    loss = kl.InfoNCE(0.3, ids=True, log_q=True)
    expected = to_numpy(loss(parts(a), b))
    columns = np.concatenate([ITEMS[:, None], LOG_Q[:, None], a], axis=1).astype("float32")
    np.testing.assert_allclose(to_numpy(loss(columns, b)), expected, rtol=1e-6)
    selected = loss.on(y_true={
        "embedding": slice(2, None), "id": slice(0, 1), "log_probability": 1})
    model = keras.Sequential([keras.Input((4,)), keras.layers.Activation("linear")])
    model.compile("sgd", loss=selected)
    found = model.evaluate(b, columns, batch_size=5, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    again = kl.InfoNCE.from_config(loss.get_config())
    np.testing.assert_allclose(to_numpy(again(parts(a, id=ITEMS[:, None]), b)), expected)


def test_gradients_of_infonce_flow_to_both_embeddings():
    a, b = rng.normal(size=(2, 5, 4))
    with wide():
        loss = kl.InfoNCE(0.3, ids=True, log_q=True, dtype="float64")
        fixed = {name: ops.convert_to_tensor(x) for name, x in parts(a).items()}
        check_gradient(lambda t: loss({**fixed, "embedding": t}, ops.convert_to_tensor(b)), a)
        check_gradient(lambda p: loss(fixed, p), b)


def test_parts_of_infonce_that_do_not_fit():
    a, b = rng.normal(size=(2, 5, 4)).astype("float32")
    loss = kl.InfoNCE(ids=True)
    for y_true, said in (
        ({"embedding": a}, "must be a dict of `embedding`, `id`"),
        (parts(a, other=a), "must be a dict of `embedding`, `id`"),
        (parts(a, id=ITEMS[:4]), "one `id` a row"),
        (parts(a[:, :3]), "two views"),
        (a, "the embedding in the last D columns"),
    ):
        with pytest.raises(ValueError, match=said):
            loss(y_true, b)


def test_a_masked_row_is_nobodys_candidate_with_parts():
    a, b = rng.normal(size=(2, 5, 4)).astype("float32")
    loss = kl.InfoNCE(0.3, ids=True, log_q=True)
    broken = parts(np.where(np.arange(5)[:, None] == 1, np.nan, a))
    broken["log_probability"] = np.where(np.arange(5) == 1, np.nan, LOG_Q)
    kept = [0, 2, 3, 4]
    expected = loss({name: x[kept] for name, x in parts(a).items()}, b[kept])
    mask = np.arange(5) != 1
    np.testing.assert_allclose(
        to_numpy(loss.evaluate(broken, b, None, mask)), to_numpy(expected), rtol=1e-5)


def test_vicreg_equals_the_published_formulas():
    torch = pytest.importorskip("torch")
    a, b = rng.normal(size=(2, 9, 4)) * 0.6
    x, y = torch.tensor(a), torch.tensor(b)
    value = 25 * torch.nn.functional.mse_loss(x, y)
    for z in (x, y):
        value = value + 25 * torch.relu(1 - torch.sqrt(z.var(dim=0) + 1e-4)).mean() / 2
        c = torch.cov(z.T)
        value = value + (c - torch.diag(torch.diag(c))).pow(2).sum() / 4
    np.testing.assert_allclose(to_numpy(kl.VICReg()(a, b)), value.numpy(), rtol=1e-5)


def test_barlow_twins_reads_correlations():
    a, b = rng.normal(size=(2, 20, 3))
    c = np.corrcoef(a.T, b.T)[:3, 3:]
    expected = ((1 - np.diag(c)) ** 2).sum() + 0.1 * (c**2).sum() - 0.1 * (np.diag(c) ** 2).sum()
    loss = kl.BarlowTwins(redundancy_weight=0.1)
    np.testing.assert_allclose(to_numpy(loss(a, b)), expected, rtol=1e-5)
    np.testing.assert_allclose(to_numpy(loss(5 * a - 3, b + 7)), expected, rtol=1e-4)
    constant = np.full((20, 3), 1000.1, "float32")
    np.testing.assert_allclose(to_numpy(loss(constant, constant)), 3)  # Correlated with nothing.


@pytest.mark.parametrize("loss", [kl.BarlowTwins(), kl.VICReg()], ids=lambda x: x.name)
def test_weights_enter_the_statistics(loss):
    a, b = rng.normal(size=(2, 8, 3))
    even = to_numpy(loss(a, b, np.full(8, 0.3)))
    np.testing.assert_allclose(even, to_numpy(loss(a, b)), rtol=1e-5)
    kept = np.array([1, 0, 1, 1, 0, 1, 1, 1])
    removed = to_numpy(loss(a[kept > 0], b[kept > 0]))
    np.testing.assert_allclose(to_numpy(loss(a, b, kept)), removed, rtol=1e-5)


def test_koleo_pushes_the_nearest_apart():
    x = np.array([[1.0, 0.0], [0.8, 0.6], [-1.0, 0.0]], "float32")
    _, gradient = value_and_gradient(lambda p: kl.KoLeo()(np.zeros(3), p), x)
    assert gradient[0] @ (x[1] - x[0]) > 0  # Down the slope is away from the neighbour.
    twins = np.array([[1.0, 0.0], [1.0, 0.0]], "float32")
    value, gradient = value_and_gradient(lambda p: kl.KoLeo()(np.zeros(2), p), twins)
    assert np.isfinite(value) and value > 15 and np.isfinite(gradient).all()


def test_negative_cosine_is_cosine_similarity():
    a, b = rng.normal(size=(2, 6, 4))
    for loss in (kl.NegativeCosine, kl.CosineSimilarity):
        assert to_numpy(loss()(a, 3 * a)) == pytest.approx(-1)
    np.testing.assert_allclose(
        to_numpy(kl.NegativeCosine()(a, b)), to_numpy(kl.CosineSimilarity()(a, b)), atol=1e-6
    )


def test_siglip_is_finite_for_confident_pairs():
    x = np.array([[1.0, 0.0], [-1.0, 0.0]], "float32")
    loss = kl.SigLIP(temperature=200.0, bias=0.0)
    assert to_numpy(loss(x, x)) < 1e-30
    value, gradient = value_and_gradient(lambda p: loss(x, p), -x)
    np.testing.assert_allclose(value, 400, rtol=1e-5)
    assert np.isfinite(gradient).all()


def test_assignments_favour_no_prototype():
    """All samples score the first prototype best: they are dealt out all the same."""
    scores = np.tile([3.0, 0.0], (6, 1)) + 0.01 * rng.normal(size=(6, 2))
    shares = kl.SwAV(iterations=30).assigned(ops.convert_to_tensor(scores), 0.5, 30, None)
    np.testing.assert_allclose(to_numpy(shares).sum(0), [3, 3], rtol=1e-3)
    np.testing.assert_allclose(to_numpy(shares).sum(1), 1, rtol=1e-5)


def test_swav_trains_both_views_and_detaches_the_assignment():
    a, b = rng.normal(size=(2, 4, 3)).astype("float32")
    loss = kl.SwAV(temperature=1.0, reduction="sum")
    _, gradient = value_and_gradient(lambda p: loss(a, p), b)
    q = to_numpy(loss.assigned(ops.convert_to_tensor(a), 0.05, 3, None))
    e = np.exp(b)
    np.testing.assert_allclose(gradient, (e / e.sum(-1, keepdims=True) - q) / 2, atol=1e-5)
    _, by_y_true = value_and_gradient(lambda t: loss(t, b), a)
    assert by_y_true.any()


def test_discrepancy_is_unbiased():
    """On average 0 for two batches of one distribution, and far from it for two others."""
    loss = kl.MaximumMeanDiscrepancy()
    found = [to_numpy(loss(*rng.normal(size=(2, 8, 2)))) for _ in range(60)]
    assert abs(np.mean(found)) < 3 * np.std(found) / 60**0.5
    assert min(found) < 0
    far = [to_numpy(loss(a, b + 2)) for a, b in rng.normal(size=(20, 2, 8, 2))]
    assert np.mean(far) > 10 * np.std(found) / 60**0.5


def test_matryoshka_is_a_sum_of_named_terms():
    loss = kl.Matryoshka(kl.InfoNCE(), sizes=[3, 2]) + 0.5 * kl.NegativeCosine()
    assert list(loss.terms) == ["info_nce_3", "info_nce_2", "negative_cosine"]
    x, y = rng.normal(size=(2, 4, 3)).astype("float32")
    found = loss.term_values(x, y)
    by_hand = kl.InfoNCE()(x[:, :2], y[:, :2])
    np.testing.assert_allclose(to_numpy(found["info_nce_2"]), to_numpy(by_hand), rtol=1e-6)


def test_matryoshka_leaves_ids_alone_and_refuses_what_is_not_there():
    ids, x = np.array([0, 0, 1, 1]), rng.normal(size=(4, 3)).astype("float32")
    inner = kl.SupervisedContrastive()
    got = kl.Matryoshka(inner, sizes=[2], weights=[3.0])(ids, x)
    np.testing.assert_allclose(to_numpy(got), 3 * to_numpy(inner(ids, x[:, :2])), rtol=1e-6)
    with pytest.raises(ValueError, match="sizes.*4 dimensions"):
        kl.Matryoshka(inner, sizes=[4])(ids, x)
