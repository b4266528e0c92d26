"""The rows of losses on sets, sequences, preferences, views by parts, and distillation."""

import itertools

import keras
import numpy as np

import keras_losskit as kl
from tests.backends import BACKEND
from tests.elsewhere.rows import close, log_softmax, number, row, softmax, unit, values

rng = np.random.default_rng(11)

# --- distillation ---------------------------------------------------------------------

TEACHER, STUDENT = 3 * rng.normal(size=(2, 6, 5))
LABELS = rng.integers(0, 5, size=6)


def mdistiller_dkd(student, teacher, labels, alpha=1.0, beta=8.0, t=4.0):
    """mdistiller, `dkd_loss`: the mean over the batch."""
    s, q, n = softmax(student / t), softmax(teacher / t), len(labels)
    total = 0.0
    for i, y in enumerate(labels):
        for a, b in [(q[i, y], s[i, y]), (1 - q[i, y], 1 - s[i, y])]:
            total += alpha * a * np.log(a / b)
        # There 1000 is taken from the true class's logit.
        own = 1000.0 * np.eye(s.shape[1])[y]
        a, log_b = softmax(teacher[i] / t - own), log_softmax(student[i] / t - own)
        total += beta * np.sum(np.where(a > 0, a * (np.log(np.where(a > 0, a, 1)) - log_b), 0))
    return total * t**2 / n


@row(
    kl.DecoupledDistillation,
    "mdistiller `DKD` (alpha 1, beta 8, T 4), without its cross-entropy and warm-up | the "
    "defaults",
)
def test_decoupled_distillation_of_mdistiller():
    mine = number(kl.DecoupledDistillation(), {"labels": LABELS, "logits": TEACHER}, STUDENT)
    close(mine, mdistiller_dkd(STUDENT, TEACHER, LABELS))


@row(kl.DecoupledDistillation, "`Distillation(T)` | alpha = 1, beta = 1 - p of the teacher")
def test_decoupled_distillation_by_the_teachers_weights():
    t = 2.5
    whole = values(kl.Distillation(t), TEACHER, STUDENT)
    log_q, log_s = log_softmax(TEACHER / t), log_softmax(STUDENT / t)
    close(whole, t**2 * (np.exp(log_q) * (log_q - log_s)).sum(-1))
    y = {"labels": LABELS, "logits": TEACHER}
    of_true = values(kl.DecoupledDistillation(1.0, 0.0, t), y, STUDENT)
    among = values(kl.DecoupledDistillation(0.0, 1.0, t), y, STUDENT)
    beta = 1 - np.exp(log_q)[np.arange(6), LABELS]
    close(of_true + beta * among, whole)
    first = {"labels": LABELS[:1], "logits": TEACHER[:1]}
    loss = kl.DecoupledDistillation(1.0, float(beta[0]), t)
    close(number(loss, first, STUDENT[:1]), whole[0])


# --- sets of points -------------------------------------------------------------------

X, Y = rng.normal(size=(3, 5, 3)), rng.normal(size=(3, 7, 3)) + 0.5


def pytorch3d_chamfer(x, y, point_reduction="mean"):
    """PyTorch3D 0.7, `chamfer_distance(x, y)[0]`: squared distances, the mean over the batch."""
    over = {"mean": np.mean, "sum": np.sum}[point_reduction]
    total = 0.0
    for a, b in zip(x, y, strict=True):
        total += over([min(((p - q) ** 2).sum() for q in b) for p in a])
        total += over([min(((p - q) ** 2).sum() for p in a) for q in b])
    return total / len(x)


@row(kl.Chamfer, "PyTorch3D `chamfer_distance(x, y)` | `Chamfer()(y, x)`")
def test_chamfer_of_pytorch3d():
    close(number(kl.Chamfer(), Y, X), pytorch3d_chamfer(X, Y))


@row(
    kl.Chamfer,
    'PyTorch3D `chamfer_distance(x, y, point_reduction="sum")` | `reduce_points="sum"`',
)
def test_summed_chamfer_of_pytorch3d():
    close(number(kl.Chamfer(reduce_points="sum"), Y, X), pytorch3d_chamfer(X, Y, "sum"))


@row(kl.Chamfer, "the mean of both directions (half of their sum) | `Chamfer() / 2`")
def test_mean_of_both_directions():
    found = []
    for a, b in zip(X, Y, strict=True):
        apart = ((a[:, None] - b[None]) ** 2).sum(-1)
        found.append(np.mean([apart.min(0).mean(), apart.min(1).mean()]))
    close(number(kl.Chamfer() / 2, Y, X), np.mean(found))


def geomloss_sinkhorn(x, y, p, blur, scaling=0.99):
    """geomloss 0.2.6, `SamplesLoss("sinkhorn")` of one pair of sets, `backend="tensorized"`."""

    def cost(a, b):
        squared = ((a[:, None] - b[None]) ** 2).sum(-1)
        return squared / 2 if p == 2 else np.sqrt(np.maximum(squared, 1e-8))

    def softmin(epsilon, cost, h):
        z = h[None, :] - cost / epsilon
        top = z.max(1)
        return -epsilon * (top + np.log(np.exp(z - top[:, None]).sum(1)))

    log_a, log_b = np.full(len(x), -np.log(len(x))), np.full(len(y), -np.log(len(y)))
    problems = {  # Cost, log weight of what is summed over, whose potential is summed over.
        "xy": (cost(x, y), log_b, "yx"),
        "yx": (cost(y, x), log_a, "xy"),
        "xx": (cost(x, x), log_a, "xx"),
        "yy": (cost(y, y), log_b, "yy"),
    }

    def updated(f, epsilon):
        return {
            k: softmin(epsilon, c, log_w + f[other] / epsilon)
            for k, (c, log_w, other) in problems.items()
        }

    both = np.concatenate([x, y])
    diameter = np.linalg.norm(both.max(0) - both.min(0))
    between = np.exp(p * np.arange(np.log(diameter), np.log(blur), np.log(scaling)))
    schedule = [diameter**p, *between, blur**p]
    f = {k: softmin(schedule[0], c, log_w) for k, (c, log_w, _) in problems.items()}
    for epsilon in schedule:
        new = updated(f, epsilon)
        f = {k: (f[k] + new[k]) / 2 for k in f}
    f = updated(f, schedule[-1])
    return (f["xy"] - f["xx"]).mean() + (f["yx"] - f["yy"]).mean()


def converged_sinkhorn(x, y, p, epsilon):
    """Its definition: the least <π, C> + ε·KL(π ‖ a⊗b), by scaling of the kernel."""

    def transport(x, y):
        squared = ((x[:, None] - y[None]) ** 2).sum(-1)
        cost = squared ** (p / 2) / p
        a, b = np.full(len(x), 1 / len(x)), np.full(len(y), 1 / len(y))
        kernel = np.exp(-cost / epsilon) * a[:, None] * b
        u, v = np.ones(len(x)), np.ones(len(y))
        for _ in range(2000):
            u = a / (kernel @ v)
            v = b / (kernel.T @ u)
        plan = u[:, None] * kernel * v
        return (plan * cost).sum() + epsilon * (plan * np.log(plan / (a[:, None] * b))).sum()

    return transport(x, y) - transport(x, x) / 2 - transport(y, y) / 2


@row(
    kl.Sinkhorn,
    'geomloss `SamplesLoss("sinkhorn", p=2, blur=b)` | `Sinkhorn(epsilon=b**2)`, converged',
)
def test_sinkhorn_of_geomloss():
    b = 0.7
    mine = values(kl.Sinkhorn(epsilon=b**2), Y, X)
    close(mine, [converged_sinkhorn(x, y, 2, b**2) for x, y in zip(X, Y, strict=True)], 1e-5)
    # Annealed in steps of 1%, theirs has all but converged.
    close(mine, [geomloss_sinkhorn(x, y, 2, b) for x, y in zip(X, Y, strict=True)], 1e-3)


@row(
    kl.Sinkhorn,
    'geomloss `SamplesLoss("sinkhorn", p=1, blur=b)` | `Sinkhorn(epsilon=b, power=1)`, '
    "converged",
)
def test_sinkhorn_of_geomloss_by_distances():
    b = 0.4
    mine = values(kl.Sinkhorn(epsilon=b, power=1), Y, X)
    close(mine, [converged_sinkhorn(x, y, 1, b) for x, y in zip(X, Y, strict=True)], 1e-5)
    close(mine, [geomloss_sinkhorn(x, y, 1, b) for x, y in zip(X, Y, strict=True)], 1e-3)


# --- sequences ------------------------------------------------------------------------

FRAMES = rng.normal(size=(4, 5, 4))
# Of lengths 2, 3, 1, and one that does not fit: it needs a blank between its 3 repetitions.
WORDS = np.array([[1, 2, 0], [3, 1, 1], [2, 0, 0], [2, 2, 2]])
WORD_LENGTH, FRAME_LENGTH = np.array([2, 3, 1, 3]), np.array([5, 4, 3, 4])


def ctc_by_all_ways(log_p, labels):
    """-log of the sum over all ways of frames that leave the labels; class 0 is the blank."""
    total = 0.0
    for way in itertools.product(range(log_p.shape[1]), repeat=len(log_p)):
        merged = [c for c, _ in itertools.groupby(way) if c]
        if merged == list(labels):
            total += np.exp(log_p[np.arange(len(way)), list(way)].sum())
    return -np.log(total) if total else np.inf


def ctc(log_p, labels, frame_length, label_length):
    return np.array([
        ctc_by_all_ways(log_p[i, : frame_length[i]], labels[i, : label_length[i]])
        for i in range(len(labels))
    ])


LOG_P = log_softmax(FRAMES)
NATS = ctc(LOG_P, WORDS, FRAME_LENGTH, WORD_LENGTH)
PARTS = {"labels": WORDS, "label_length": WORD_LENGTH, "input_length": FRAME_LENGTH}


@row(
    kl.CTC,
    'torch `ctc_loss(log_p, y, lengths, …, reduction="none", zero_infinity=True)` | the '
    "values",
)
def test_ctc_of_torch():
    theirs = np.where(np.isinf(NATS), 0, NATS)
    assert np.isinf(NATS).tolist() == [False, False, False, True]
    close(values(kl.CTC(), PARTS, FRAMES), theirs)
    if BACKEND == "torch":
        import torch

        given = [torch.tensor(x) for x in (LOG_P.swapaxes(0, 1), WORDS, FRAME_LENGTH, WORD_LENGTH)]
        found = torch.nn.functional.ctc_loss(*given, reduction="none", zero_infinity=True)
        close(found.numpy(), theirs)


@row(
    kl.CTC,
    "`tf.nn.ctc_loss(y, z, label_length, logit_length, blank_index=0)` | the values",
)
def test_ctc_of_tensorflow():
    parts = {k: x[:3] for k, x in PARTS.items()}
    close(values(kl.CTC(), parts, FRAMES[:3]), NATS[:3])
    if BACKEND == "tensorflow":
        import tensorflow as tf

        z = FRAMES[:3].swapaxes(0, 1).astype("float32")
        found = tf.nn.ctc_loss(
            WORDS[:3], z, WORD_LENGTH[:3], FRAME_LENGTH[:3], blank_index=0
        )
        close(found.numpy(), NATS[:3])


ALL_FRAMES = ctc(LOG_P[:3], WORDS[:3], [5, 5, 5], WORD_LENGTH)


@row(kl.CTC, "Keras 3.15 `CTC()`, of labels padded with 0 | `CTC()`")
def test_ctc_of_keras():
    close(number(kl.CTC(), WORDS[:3], FRAMES[:3]), ALL_FRAMES.mean())
    theirs = number(keras.losses.CTC(), WORDS[:3], FRAMES[:3].astype("float32"))
    close(theirs, ALL_FRAMES.mean())


@row(
    kl.CTC,
    "Keras 3.15 `CTC()`, of labels padded with -1: a wrong number | `CTC()`: the right one",
)
def test_ctc_of_keras_of_other_padding():
    padded = np.where(WORDS[:3] == 0, -1, WORDS[:3])
    close(number(kl.CTC(), padded, FRAMES[:3]), ALL_FRAMES.mean())
    # There the length is how many labels are not 0, and -1, a label then, a class of
    # probability 1, which no class is in `one_hot`.
    certain = np.concatenate([LOG_P[:3], np.zeros((3, 5, 1))], -1)
    length = (padded != 0).sum(-1)
    theirs = ctc(certain, np.where(padded == -1, 4, padded), [5, 5, 5], length).mean()
    assert abs(theirs - ALL_FRAMES.mean()) > 0.1
    # torch reads from before the array instead.
    if BACKEND != "torch" and keras.__version__.startswith("3.15."):
        found = number(keras.losses.CTC(), padded, FRAMES[:3].astype("float32"))
        close(found, theirs)


# --- preferences ----------------------------------------------------------------------

# Logits, ids and which tokens are of the answer, of [chosen, rejected], as DPO is given them.
POLICY, REFERENCE = rng.normal(size=(2, 2, 4, 6, 5))
IDS = rng.integers(0, 5, size=(2, 4, 6))
ANSWER = np.arange(6) >= np.array([[2, 1, 3, 2], [2, 1, 3, 2]])[..., None]
ANSWER &= np.arange(6) < np.array([[5, 6, 4, 6], [6, 3, 5, 4]])[..., None]


def each_token(logits):
    """log p of each token, `(2, B, T)`."""
    return np.take_along_axis(log_softmax(logits), IDS[..., None], -1)[..., 0]


def of_sequences(logits, mean):
    logps = (each_token(logits) * ANSWER).sum(-1)
    return logps / ANSWER.sum(-1) if mean else logps


def mine_of_sequences(logits, mean=False):
    found = [
        kl.sequence_log_probabilities(logits[i].astype("float32"), IDS[i], ANSWER[i], mean)
        for i in (0, 1)
    ]
    return keras.ops.stack(found, axis=1)


def negative_log_sigmoid(z):
    return np.log1p(np.exp(-z))


@row(kl.DPO, 'TRL `loss_type="sigmoid", beta=0.1` | `DPO()`')
def test_dpo_of_trl():
    chosen, rejected = of_sequences(POLICY, mean=False)
    chosen_ref, rejected_ref = of_sequences(REFERENCE, mean=False)
    logits = (chosen - rejected) - (chosen_ref - rejected_ref)
    mine = values(kl.DPO(), mine_of_sequences(REFERENCE), mine_of_sequences(POLICY))
    close(mine, negative_log_sigmoid(0.1 * logits))


@row(
    kl.DPO,
    'TRL `loss_type="ipo"` | `DPO(kind="ipo")` of `sequence_log_probabilities(…, mean=True)`',
)
def test_ipo_of_trl():
    chosen, rejected = of_sequences(POLICY, mean=True)
    chosen_ref, rejected_ref = of_sequences(REFERENCE, mean=True)
    logits = (chosen - rejected) - (chosen_ref - rejected_ref)
    given = mine_of_sequences(REFERENCE, mean=True), mine_of_sequences(POLICY, mean=True)
    close(values(kl.DPO(kind="ipo"), *given), (logits - 1 / (2 * 0.1)) ** 2)


# Of each row, up to the last token of the answer: prompt and answer, without the padding.
TOKENS = np.arange(6) < (ANSWER * np.arange(1, 7)).max(-1)[..., None]


def trl_orpo(logits, beta=0.1):
    """TRL, `ORPOTrainer`: the first term is cross-entropy over all tokens but the padding."""
    nll = -each_token(logits)[0][TOKENS[0]].mean()
    chosen, rejected = of_sequences(logits, mean=True)
    odds = (chosen - rejected) - (np.log1p(-np.exp(chosen)) - np.log1p(-np.exp(rejected)))
    return nll + beta * negative_log_sigmoid(odds).mean()


@row(
    kl.ORPO,
    "TRL `ORPOTrainer`, `beta=0.1` | `ORPO()`; there the first term is the mean over all "
    "tokens of the batch, the prompts' too",
)
def test_orpo_of_trl():
    mine = number(kl.ORPO(), np.zeros(4), mine_of_sequences(POLICY, mean=True))
    first_term = -of_sequences(POLICY, mean=True)[0].mean()
    there = trl_orpo(POLICY, beta=0)
    close(mine - first_term, trl_orpo(POLICY) - there)
    assert abs(first_term - there) > 0.01
    # Prompts left out, of answers of one length, both are the same.
    same = np.broadcast_to((np.arange(6) >= 2) & (np.arange(6) < 5), ANSWER.shape)
    logps = (each_token(POLICY) * same).sum(-1) / 3
    odds = np.diff(np.log(np.exp(-logps) - 1), axis=0)[0]
    theirs = -logps[0].mean() + 0.1 * negative_log_sigmoid(odds).mean()
    close(number(kl.ORPO(), np.zeros(4), logps.T), theirs)
    close(-each_token(POLICY)[0][same[0]].mean(), -logps[0].mean())


def trl_cpo_simpo(logits, beta, gamma, cpo_alpha):
    """TRL, `CPOTrainer`, `loss_type="simpo"`; `cpo_alpha`, by default 1, weighs cross-entropy."""
    chosen, rejected = of_sequences(logits, mean=True)
    preference = negative_log_sigmoid(beta * (chosen - rejected - gamma / beta)).mean()
    return preference - cpo_alpha * each_token(logits)[0][ANSWER[0]].mean()


@row(
    kl.SimPO,
    'TRL `CPOTrainer`, `loss_type="simpo", simpo_gamma=0.5, cpo_alpha=0` | `SimPO(beta, '
    "margin=0.5)`",
)
def test_simpo_of_trl():
    mine = number(kl.SimPO(1.5, margin=0.5), np.zeros(4), mine_of_sequences(POLICY, mean=True))
    close(mine, trl_cpo_simpo(POLICY, 1.5, 0.5, cpo_alpha=0))
    assert abs(mine - trl_cpo_simpo(POLICY, 1.5, 0.5, cpo_alpha=1)) > 0.1


@row(kl.SimPO, "the authors' `gamma_beta_ratio` | margin = beta·ratio")
def test_simpo_of_the_authors():
    # princeton-nlp/SimPO, `simpo_loss`: the ratio is taken before beta multiplies.
    beta, ratio = 2.5, 0.55
    chosen, rejected = of_sequences(POLICY, mean=True)
    theirs = negative_log_sigmoid(beta * (chosen - rejected - ratio))
    loss = kl.SimPO(beta, margin=beta * ratio)
    close(values(loss, np.zeros(4), mine_of_sequences(POLICY, mean=True)), theirs)


# --- embeddings -----------------------------------------------------------------------

A, B = rng.normal(size=(2, 6, 8))
GRADES = np.array([0.2, 1.0, 0.2, 0.7, 0.0, 1.0])


@row(
    kl.CoSENT,
    "sentence-transformers `CoSENTLoss(scale=20)` | `CoSENT()` of the pairs' cosines",
)
def test_cosent_of_sentence_transformers():
    cosines = (unit(A) * unit(B)).sum(-1)
    total = 1.0  # e^0, which they append.
    for i, j in itertools.product(range(6), repeat=2):
        if GRADES[i] < GRADES[j]:
            total += np.exp(20 * (cosines[i] - cosines[j]))
    close(number(kl.CoSENT(), GRADES, cosines), np.log(total))


def multiple_negatives_ranking(a, b):
    """sentence-transformers, `MultipleNegativesRankingLoss(scale=20)`."""
    return -np.diag(log_softmax(20 * unit(a) @ unit(b).T)).mean()


def mean_squared(a, b):
    return ((a - b) ** 2).mean()


def st_matryoshka(loss, a, b, dims):
    """sentence-transformers, `MatryoshkaLoss`: `shrink` normalises each beginning."""
    return sum(loss(unit(a[:, :n]), unit(b[:, :n])) for n in dims)


@row(
    kl.Matryoshka,
    "sentence-transformers `MatryoshkaLoss(model, loss, [768, 64])` | `Matryoshka(loss, "
    "[768, 64])`; there beginnings are normalised for any loss",
)
def test_matryoshka_of_sentence_transformers():
    loss = kl.Matryoshka(kl.InfoNCE(temperature=0.05, symmetric=False), [8, 3])
    close(number(loss, A, B), st_matryoshka(multiple_negatives_ranking, A, B, [8, 3]))
    # Distances of what is not normalised: here by L itself, or not at all.
    each, ids = kl.TripletAll(), np.array([0, 1, 0, 2, 1, 2])
    mine = number(kl.Matryoshka(each, [8, 3]), ids, A)
    close(mine, sum(number(each, ids, A[:, :n]) for n in (8, 3)))
    assert abs(mine - sum(number(each, ids, unit(A[:, :n])) for n in (8, 3))) > 0.1


# --- prototypes -----------------------------------------------------------------------

SCORES = 0.4 * rng.normal(size=(2, 6, 4))


def authors_sinkhorn(scores, epsilon=0.05, iterations=3):
    """facebookresearch/swav, `distributed_sinkhorn`, on one device."""
    q = np.exp(scores / epsilon).T
    q = q / q.sum()
    k, n = q.shape
    for _ in range(iterations):
        q = q / q.sum(1, keepdims=True) / k
        q = q / q.sum(0, keepdims=True) / n
    return (q / q.sum(0, keepdims=True)).T


def authors_swav(outputs, temperature=0.1):
    """facebookresearch/swav, `train`, each crop assigned: `nmb_crops = [2]`."""
    total = 0.0
    for i, out in enumerate(outputs):
        q, part = authors_sinkhorn(out), 0.0
        for v, other in enumerate(outputs):
            if v != i:
                part -= (q * np.log(softmax(other / temperature))).sum(1).mean()
        total += part / (len(outputs) - 1)
    return total / len(outputs)


def lightly_swav(high, low, temperature=0.1):
    """lightly 1.5, `SwaVLoss()`, of high- and low-resolution views, without a queue."""
    crops, total = len(high) + len(low), 0.0
    for i, view in enumerate(high):
        q = np.exp(view / 0.05).T
        q /= q.sum()
        for _ in range(3):
            q /= q.sum(1, keepdims=True) * len(q)
            q /= q.sum(0, keepdims=True) * q.shape[1]
        q = (q * q.shape[1]).T
        others = [x for v, x in enumerate(high) if v != i] + low
        part = sum(-(q * log_softmax(x / temperature)).sum(1).mean() for x in others)
        total += part / (crops - 1)
    return total / len(high)


@row(kl.SwAV, "the authors' code for two crops, its mean over both | `SwAV()`")
def test_swav_of_the_authors():
    close(number(kl.SwAV(), *SCORES), authors_swav(SCORES))


@row(kl.SwAV, "lightly `SwaVLoss()`, two high-resolution views | `SwAV()`")
def test_swav_of_lightly():
    close(number(kl.SwAV(), *SCORES), lightly_swav(list(SCORES), []))


def tslearn_soft_dtw(x, y, gamma):
    """tslearn 0.6, metrics/soft_dtw_fast.py: `_soft_dtw`, of squared Euclidean distances."""
    d = ((x[:, None] - y[None]) ** 2).sum(-1)
    r = np.full((len(x) + 2, len(y) + 2), np.inf)
    r[0, 0] = 0

    def softmin3(*values):
        scaled = [v / -gamma for v in values]
        top = max(scaled)
        return -gamma * (np.log(sum(np.exp(v - top) for v in scaled)) + top)

    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            r[i, j] = d[i - 1, j - 1] + softmin3(r[i - 1, j], r[i - 1, j - 1], r[i, j - 1])
    return r[len(x), len(y)]


@row(kl.SoftDTW, "tslearn `soft_dtw(y, x, gamma=g)` | `SoftDTW(gamma=g)`")
def test_soft_dtw_of_tslearn():
    for g in (0.1, 1.0):
        mine = values(kl.SoftDTW(gamma=g), Y, X)
        close(mine, [tslearn_soft_dtw(y, x, g) for y, x in zip(Y, X, strict=True)])
