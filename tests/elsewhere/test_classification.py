"""The rows of the classification losses."""

import math

import keras
import numpy as np
import pytest

import keras_losskit as kl
from tests.backends import central_differences, value_and_gradient
from tests.elsewhere.rows import close, log_softmax, number, row, softmax, values

rng = np.random.default_rng(5)
Z = rng.normal(size=(6, 4)) * 2
P = softmax(Z)
IDS = np.array([0, 3, 1, 2, 2, 0])
ROWS = np.eye(4)[IDS]
SOFT = softmax(rng.normal(size=(6, 4)))
BITS = (rng.random((6, 5)) < 0.4).astype("float32")
LOGITS = rng.normal(size=(6, 5)) * 2
SIGMOIDS = 1 / (1 + np.exp(-LOGITS))
COUNTS = [50, 20, 8, 3]


def float32(*arrays):
    return [np.asarray(x, "float32") for x in arrays]


def gradient(loss, y_true, y_pred):
    y_pred = np.asarray(y_pred, "float32")
    return value_and_gradient(lambda x: loss(y_true, x), y_pred)[1]


# --- focal and asymmetric -------------------------------------------------------------


@row(
    kl.BinaryFocalCrossentropy,
    "Keras `BinaryFocalCrossentropy(apply_class_balancing=True, alpha=a)` | `alpha=a`",
)
def test_balanced_focal_of_keras():
    theirs = keras.losses.BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.3)
    data = float32(BITS, SIGMOIDS)
    close(number(kl.BinaryFocalCrossentropy(alpha=0.3), *data), number(theirs, *data))


@row(kl.BinaryFocalCrossentropy, "Keras `BinaryFocalCrossentropy()` | `alpha=None`")
def test_focal_of_keras():
    data = float32(BITS, SIGMOIDS)
    theirs = number(keras.losses.BinaryFocalCrossentropy(), *data)
    close(number(kl.BinaryFocalCrossentropy(alpha=None), *data), theirs)


def tfa_focal(p, g):
    """TensorFlow Addons 0.23, `SigmoidFocalCrossEntropy()`: one value per row."""
    p_t = g * p + (1 - g) * (1 - p)
    weight = g * 0.25 + (1 - g) * 0.75
    return (-weight * (1 - p_t) ** 2 * np.log(p_t)).sum(-1)


@row(
    kl.BinaryFocalCrossentropy,
    "TFA `SigmoidFocalCrossEntropy()`: the sum over the last axis, D long | `D * "
    "BinaryFocalCrossentropy(alpha=0.25)`",
)
def test_focal_of_tensorflow_addons():
    loss = 5 * kl.BinaryFocalCrossentropy(alpha=0.25)
    close(number(loss, BITS, SIGMOIDS), tfa_focal(SIGMOIDS, BITS).mean())


@row(
    kl.CategoricalFocalCrossentropy,
    "Keras `CategoricalFocalCrossentropy(alpha=0.25)` | `0.25 * "
    "CategoricalFocalCrossentropy()`",
)
def test_categorical_focal_of_keras():
    data = float32(ROWS, P)
    theirs = number(keras.losses.CategoricalFocalCrossentropy(alpha=0.25), *data)
    close(number(0.25 * kl.CategoricalFocalCrossentropy(), *data), theirs)


@row(kl.CategoricalFocalCrossentropy, "Keras `…(alpha=[a0, a1, …])` | `class_weights=[a0, a1, …]`")
def test_weighted_categorical_focal_of_keras():
    w, data = [0.5, 1.0, 2.0, 0.25], float32(ROWS, P)
    theirs = number(keras.losses.CategoricalFocalCrossentropy(alpha=w), *data)
    close(number(kl.CategoricalFocalCrossentropy(class_weights=w), *data), theirs)


@row(
    kl.CategoricalFocalCrossentropy,
    "segmentation_models `CategoricalFocalLoss(alpha=0.25)`, the mean over classes too | "
    "`0.25 / C * CategoricalFocalCrossentropy()`",
)
def test_categorical_focal_of_segmentation_models():
    # 1.0.1, `categorical_focal_loss`, which does not renormalise.
    theirs = (-ROWS * 0.25 * (1 - P) ** 2 * np.log(P)).mean()
    close(number(0.25 / 4 * kl.CategoricalFocalCrossentropy(), ROWS, P), theirs)


def asymmetric(z, y):
    """Alibaba-MIIL/ASL, `AsymmetricLoss()`, and timm's: one number per label."""
    p = 1 / (1 + np.exp(-z))
    q = np.minimum(1 - p + 0.05, 1)
    terms = y * np.log(np.maximum(p, 1e-8)) + (1 - y) * np.log(np.maximum(q, 1e-8))
    p_t = p * y + q * (1 - y)
    return -terms * (1 - p_t) ** (1 * y + 4 * (1 - y))


@row(
    kl.AsymmetricMultiLabel,
    "the authors' `AsymmetricLoss()`, timm's before 1.0.31: summed over D labels and the "
    'batch | `D * AsymmetricMultiLabel(gamma_pos=1, from_logits=True, reduction="sum")`',
)
def test_asymmetric_of_the_authors():
    loss = 5 * kl.AsymmetricMultiLabel(gamma_pos=1, from_logits=True, reduction="sum")
    close(number(loss, BITS, LOGITS), asymmetric(LOGITS, BITS).sum())


@row(
    kl.AsymmetricMultiLabel,
    'timm `AsymmetricLossMultiLabel()` since 1.0.31: `reduction="batchmean"` | `D * '
    "AsymmetricMultiLabel(gamma_pos=1, from_logits=True)`",
)
def test_asymmetric_of_timm():
    # 1.0.31, `AsymmetricLossMultiLabel`.
    loss = 5 * kl.AsymmetricMultiLabel(gamma_pos=1, from_logits=True)
    close(number(loss, BITS, LOGITS), asymmetric(LOGITS, BITS).sum() / len(BITS))


# --- bi-tempered ----------------------------------------------------------------------


def log_t(x, t):
    return np.log(x) if t == 1 else (x ** (1 - t) - 1) / (1 - t)


def exp_t(u, t):
    return np.exp(u) if t == 1 else np.maximum(1 + (1 - t) * u, 0) ** (1 / (1 - t))


def tempered_softmax(z, t, iterations=5):
    """google/bi-tempered-loss, `tempered_softmax`; below t = 1 exact, not by 5 bisections."""
    if t == 1:
        return softmax(z)
    z = z - z.max(-1, keepdims=True)
    if t > 1:
        step = z
        for _ in range(iterations):
            step = z * exp_t(step, t).sum(-1, keepdims=True) ** (1 - t)
        total = exp_t(step, t).sum(-1, keepdims=True)
        return exp_t(z + log_t(1 / total, t), t)
    low, high = np.zeros_like(z[..., :1]), np.full_like(z[..., :1], 50.0)
    for _ in range(200):
        middle = (low + high) / 2
        few = exp_t(z - middle, t).sum(-1, keepdims=True) < 1
        low, high = np.where(few, low, middle), np.where(few, middle, high)
    return exp_t(z - low, t)


def bi_tempered(z, y, t1, t2, iterations=5):
    """google/bi-tempered-loss, `bi_tempered_logistic_loss`, one value per row."""
    if t1 == t2 == 1:
        return -(y * log_softmax(z)).sum(-1)
    p = tempered_softmax(z, t2, iterations)
    terms = y * (log_t(y + 1e-10, t1) - log_t(p, t1)) if t1 < 1 else 0
    return (terms - (y ** (2 - t1) - p ** (2 - t1)) / (2 - t1)).sum(-1)


def bi_tempered_gradient(z, y, t1, t2, iterations=5):
    """The gradient that its code returns."""
    p = tempered_softmax(z, t2, iterations)
    pull = (p - y) * p ** (t2 - t1)
    escort = p**t2 / (p**t2).sum(-1, keepdims=True)
    return pull - escort * pull.sum(-1, keepdims=True)


@row(kl.BiTempered, "the authors' `bi_tempered_logistic_loss(z, y, t1, t2)` | `BiTempered(t1, t2)`")
@pytest.mark.parametrize(("t1", "t2"), [(0.7, 1.3), (0.2, 1.0), (0.5, 4.0)])
@pytest.mark.parametrize("y", [ROWS, SOFT], ids=["hard", "soft"])
def test_bi_tempered_of_the_authors(t1, t2, y):
    close(values(kl.BiTempered(t1, t2), y, Z), bi_tempered(Z, y, t1, t2), rtol=2e-5, atol=1e-5)


@row(
    kl.BiTempered,
    "theirs at t1 = t2 = 1, soft labels too | `CategoricalCrossentropy(from_logits=True)`",
)
def test_bi_tempered_at_1_and_1():
    # Theirs is cross-entropy there; `BiTempered(1, 1)` is less by the labels' entropy.
    theirs = bi_tempered(Z, SOFT, 1, 1)
    close(values(kl.CategoricalCrossentropy(from_logits=True), SOFT, Z), theirs)
    entropy = -(SOFT * np.log(SOFT)).sum(-1)
    close(values(kl.BiTempered(1.0, 1.0), SOFT, Z), theirs - entropy)
    close(values(kl.BiTempered(1.0, 1.0), ROWS, Z), bi_tempered(Z, ROWS, 1, 1))


@row(kl.BiTempered, "their `label_smoothing=s` | `label_smoothing=s·C/(C - 1)`")
def test_label_smoothing_of_bi_tempered():
    s, c = 0.1, 4
    y = (1 - c / (c - 1) * s) * ROWS + s / (c - 1)
    loss = kl.BiTempered(0.7, 1.3, label_smoothing=s * c / (c - 1))
    close(values(loss, ROWS, Z), bi_tempered(Z, y, 0.7, 1.3), rtol=2e-5)


@row(
    kl.BiTempered,
    "their gradient, which takes Σp as 1 | for t2 > 1 that of the value itself; below, "
    "theirs",
)
def test_gradient_of_bi_tempered():
    # Above t2 = 1, where two iterations leave Σp off 1, that of the value.
    mine = gradient(kl.BiTempered(0.7, 1.8, iterations=2, reduction="sum"), ROWS, Z)
    theirs = bi_tempered_gradient(Z, ROWS, 0.7, 1.8, 2)
    exact = central_differences(lambda z: bi_tempered(z, ROWS, 0.7, 1.8, 2).sum(), Z.copy())
    close(mine, exact, rtol=1e-4, atol=1e-5)
    assert np.abs(mine - theirs).max() > 1e-3
    loss = kl.BiTempered(0.7, 0.8, iterations=40, reduction="sum")
    close(gradient(loss, ROWS, Z), bi_tempered_gradient(Z, ROWS, 0.7, 0.8), rtol=1e-4, atol=1e-5)


# --- distributions --------------------------------------------------------------------


@row(kl.Brier, "scikit-learn `brier_score_loss`, two classes: (p - g)² | half of the value")
def test_brier_score_of_scikit_learn():
    p = SIGMOIDS[:, 0]
    g = BITS[:, 0]
    mine = number(kl.Brier(), g.astype(int), np.stack([1 - p, p], -1))
    close(mine / 2, ((p - g) ** 2).mean())


def kl_of(g, p):
    return (g * np.log(g / p)).sum(-1)


@row(kl.KLDivergence, "Keras `KLDivergence()(g, p)` | `KLDivergence()(g, p)`")
def test_kl_of_keras():
    data = float32(SOFT, P)
    close(number(kl.KLDivergence(), *data), number(keras.losses.KLDivergence(), *data))


@row(
    kl.KLDivergence,
    'torch `kl_div(log_p, g, reduction="batchmean")`, rows `(B, C)` | `KLDivergence()(g, '
    "p)`",
)
def test_kl_of_torch():
    # torch.nn.functional.kl_div: g·(log g - log_p), the sum over all, divided by B.
    close(number(kl.KLDivergence(), SOFT, P), kl_of(SOFT, P).sum() / len(P))


@row(
    kl.KLDivergence,
    "torch `kl_div(log_p, g)`: the mean over all entries | `KLDivergence()(g, p) / C`",
)
def test_kl_of_torch_by_default():
    theirs = (SOFT * (np.log(SOFT) - np.log(P))).mean()
    close(number(kl.KLDivergence() / 4, SOFT, P), theirs)


@row(kl.KLDivergence, "scipy `rel_entr(g, p).sum(-1)` | the values")
def test_kl_of_scipy():
    close(values(kl.KLDivergence(), SOFT, P), kl_of(SOFT, P))


@row(kl.JensenShannon, "scipy `jensenshannon(g, p)`, a distance | √ of the value at `weight=0.5`")
def test_jensen_shannon_of_scipy():
    m = (SOFT + P) / 2
    theirs = np.sqrt((kl_of(SOFT, m) + kl_of(P, m)) / 2)
    close(np.sqrt(values(kl.JensenShannon(weight=0.5), SOFT, P)), theirs)


@row(
    kl.JensenShannon,
    "Englesson 2021, divided by -(1 - π)·log(1 - π) | not divided; `weight` is π",
)
def test_jensen_shannon_of_englesson():
    w = 0.3
    m = w * ROWS + (1 - w) * P
    theirs = w * (ROWS * np.log(1 / m)).sum(-1) + (1 - w) * kl_of(P, m)
    scale = -(1 - w) * math.log(1 - w)
    close(values(kl.JensenShannon(weight=w), ROWS, P) / scale, theirs / scale, rtol=2e-5)


T = 3.0
TEACHER = rng.normal(size=(6, 4))


@row(
    kl.Distillation,
    "Hinton 2015: T² times the cross-entropy with soft targets | less T² times the "
    "teacher's entropy: the same gradient",
)
def test_distillation_of_hinton():
    def theirs(z):  # Hinton 2015, section 2.1.
        return -T**2 * (softmax(TEACHER / T) * log_softmax(z / T)).sum(-1)

    teacher = softmax(TEACHER / T)
    entropy = -(teacher * np.log(teacher)).sum(-1)
    close(values(kl.Distillation(T), TEACHER, Z), theirs(Z) - T**2 * entropy, atol=1e-5)
    expected = central_differences(lambda z: theirs(z).mean(), Z.copy())
    close(gradient(kl.Distillation(T), TEACHER, Z), expected, rtol=1e-4, atol=1e-6)


@row(kl.Distillation, "code without the T² | `Distillation(T) / T**2`")
def test_distillation_without_the_factor():
    theirs = kl_of(softmax(TEACHER / T), softmax(Z / T)).mean()
    close(number(kl.Distillation(T) / T**2, TEACHER, Z), theirs)


@row(
    kl.Distillation,
    'torch `kl_div(log_softmax(s/T), softmax(t/T), reduction="batchmean") * T**2` | '
    "`Distillation(T)`",
)
def test_distillation_of_torch():
    theirs = kl_of(softmax(TEACHER / T), softmax(Z / T)).sum() / len(Z) * T**2
    close(number(kl.Distillation(T), TEACHER, Z), theirs)


# --- wrong labels ---------------------------------------------------------------------


@row(kl.GeneralizedCrossentropy, "the paper's L_q | `GeneralizedCrossentropy(q)`")
def test_generalized_crossentropy_of_the_paper():
    p_t = P[range(6), IDS]  # Zhang 2018, equation 6.
    close(values(kl.GeneralizedCrossentropy(0.7), IDS, P), (1 - p_t**0.7) / 0.7)


@row(
    kl.GeneralizedCrossentropy,
    "Keras `CategoricalGeneralizedCrossEntropy()` | `GeneralizedCrossentropy(q=0.5)`",
)
@pytest.mark.skipif(
    not hasattr(keras.losses, "CategoricalGeneralizedCrossEntropy"), reason="a newer Keras has it"
)
def test_generalized_crossentropy_of_keras():
    data = IDS, np.asarray(P, "float32")
    theirs = keras.losses.CategoricalGeneralizedCrossEntropy()
    theirs = number(theirs, IDS, keras.ops.convert_to_tensor(data[1]))
    close(number(kl.GeneralizedCrossentropy(q=0.5), *data), theirs)


@row(kl.GeneralizedCrossentropy, "q = 1, called MAE: Σ_c \\|p_c - g_c\\| = 2(1 - p_t) | half of it")
def test_generalized_crossentropy_at_1():
    theirs = np.abs(P - ROWS).sum(-1)
    close(values(kl.GeneralizedCrossentropy(1.0), IDS, P), theirs / 2)


def reverse(p, rows, log_zero=None):
    """HanxunH/SCELoss-Reproduce and the like, which clamp at 1e-4; Wang 2019 sets log 0."""
    logs = np.log(np.maximum(rows, 1e-4 if log_zero is None else math.exp(log_zero)))
    return -(p * logs).sum(-1)


@row(kl.ReverseCrossentropy, "code that clamps one-hot rows at 1e-4 | `log_zero=-9.21`")
def test_reverse_crossentropy_that_clamps():
    theirs = reverse(P, ROWS)
    close(values(kl.ReverseCrossentropy(log_zero=-9.21), IDS, P), theirs, rtol=1e-4)


@row(kl.SymmetricCrossentropy, "code that clamps one-hot rows at 1e-4 | `log_zero=-9.21`")
def test_symmetric_crossentropy_that_clamps():
    theirs = 0.1 * -np.log(P[range(6), IDS]) + 1.0 * reverse(P, ROWS)
    close(values(kl.SymmetricCrossentropy(log_zero=-9.21), IDS, P), theirs, rtol=1e-4)


@row(kl.SymmetricCrossentropy, "the paper on CIFAR-10 | `alpha=0.1, beta=1.0`")
def test_symmetric_crossentropy_on_cifar_10():
    theirs = 0.1 * -np.log(P[range(6), IDS]) + 1.0 * reverse(P, ROWS, -4.0)
    close(values(kl.SymmetricCrossentropy(alpha=0.1, beta=1.0), IDS, P), theirs)


@row(kl.SymmetricCrossentropy, "the paper on CIFAR-100 | `alpha=6.0, beta=0.1`")
def test_symmetric_crossentropy_on_cifar_100():
    theirs = 6.0 * -np.log(P[range(6), IDS]) + 0.1 * reverse(P, ROWS, -4.0)
    close(values(kl.SymmetricCrossentropy(alpha=6.0, beta=0.1), IDS, P), theirs)


@row(
    kl.NormalizedCrossentropy,
    "the authors' `NCEandRCE(alpha=a, beta=b)` | `a * … + b * ReverseCrossentropy(-9.21)`",
)
def test_nce_and_rce_of_the_authors():
    # HanxunH/Active-Passive-Losses, `NCEandRCE`.
    logs = log_softmax(Z)
    nce = (ROWS * logs).sum(-1) / logs.sum(-1)
    theirs = 2.0 * nce.mean() + 0.5 * reverse(P, ROWS).mean()
    loss = 2.0 * kl.NormalizedCrossentropy() + 0.5 * kl.ReverseCrossentropy(-9.21)
    close(number(loss, IDS, P), theirs, rtol=1e-4)


# --- rare classes, margins, order -----------------------------------------------------


@row(
    kl.LogitAdjustedCrossentropy,
    "balanced softmax (Ren 2020), `BalancedSoftmax(counts)` | `tau=1.0`",
)
def test_balanced_softmax():
    # jiawei-ren/BalancedMetaSoftmax, `balanced_softmax_loss`: log n is added to the logits.
    theirs = -log_softmax(Z + np.log(COUNTS))[range(6), IDS]
    close(values(kl.LogitAdjustedCrossentropy(COUNTS, tau=1.0), IDS, Z), theirs)


def ldam(z, ids, counts, max_m=0.5, s=30.0):
    """kaidic/LDAM-DRW, `LDAMLoss`, before its weights."""
    m = 1 / np.sqrt(np.sqrt(counts))
    m = m * (max_m / m.max())
    z = z - np.eye(len(counts))[ids] * m[ids][:, None]
    return -log_softmax(s * z)[range(len(ids)), ids]


COSINES = np.tanh(Z)


@row(kl.LDAM, "the authors' `LDAMLoss(cls_num_list, max_m=0.5, s=30)` | `LDAM(cls_num_list)`")
def test_ldam_of_the_authors():
    close(values(kl.LDAM(COUNTS), IDS, COSINES), ldam(COSINES, IDS, COUNTS), rtol=3e-5, atol=1e-5)


@row(
    kl.LDAM,
    "its `weight=w`, averaged by Σ w of the batch | `class_weights=w`, averaged by the "
    "count",
)
def test_weighted_ldam_of_the_authors():
    w = np.array([0.5, 1.0, 2.0, 4.0])
    terms = w[IDS] * ldam(COSINES, IDS, COUNTS)
    mine = number(kl.LDAM(COUNTS, class_weights=w.tolist()), IDS, COSINES)
    close(mine, terms.sum() / 6, rtol=3e-5)
    close(mine * 6 / w[IDS].sum(), terms.sum() / w[IDS].sum(), rtol=3e-5)


ERRORS = rng.normal(size=(3, 8, 1))


@row(kl.HardExampleMining, "top-k loss with k of N positions | `fraction=k/N`")
def test_top_k():
    loss = kl.HardExampleMining(kl.MeanAbsoluteError(), fraction=3 / 8)
    theirs = np.sort(np.abs(ERRORS[..., 0]), -1)[:, -3:].mean(-1)
    close(values(loss, 0 * ERRORS, ERRORS), theirs)


@row(
    kl.HardExampleMining,
    "OHEM that ranks the positions of the whole batch together | the batch as one sample",
)
def test_ohem_of_the_batch():
    loss = kl.HardExampleMining(kl.MeanAbsoluteError(), fraction=6 / 24)
    theirs = np.sort(np.abs(ERRORS).ravel())[-6:].mean()
    one = ERRORS.reshape(1, 24, 1)
    close(number(loss, 0 * one, one), theirs)


def tfa_sparsemax(z):
    """TensorFlow Addons 0.23, `sparsemax`, one row at a time."""
    out = []
    for x in z:
        ordered = np.sort(x)[::-1]
        k = np.arange(1, len(x) + 1)
        size = k[1 + k * ordered > ordered.cumsum()].max()
        out.append(np.maximum(x - (ordered[:size].sum() - 1) / size, 0))
    return np.array(out)


@row(kl.Sparsemax, "TFA `SparsemaxLoss(from_logits=True)` | `Sparsemax()`")
def test_sparsemax_of_tensorflow_addons():
    p = tfa_sparsemax(Z)  # `sparsemax_loss`
    theirs = (p * (Z - p / 2)).sum(-1) + (ROWS * (ROWS / 2 - Z)).sum(-1)
    close(values(kl.Sparsemax(), IDS, Z), theirs, atol=1e-5)


@row(kl.SquaredEarthMovers, "NIMA's EMD, √(Σ_k (P_k - G_k)²/C) | √(value/C)")
def test_emd_of_nima():
    # NIMA, equation 1, with r = 2.
    theirs = np.sqrt(((P.cumsum(-1) - SOFT.cumsum(-1)) ** 2).mean(-1))
    close(np.sqrt(values(kl.SquaredEarthMovers(), SOFT, P) / 4), theirs)


def tfa_kappa(p, rows, epsilon=1e-6):
    """TensorFlow Addons 0.23, `WeightedKappaLoss(C, weightage="quadratic")`."""
    rank = np.arange(p.shape[-1])
    weights = (rank[:, None] - rank) ** 2.0
    cost = sum(weights[np.argmax(r)] @ q for r, q in zip(rows, p, strict=True))
    chance = rows.sum(0) @ weights @ p.sum(0) / len(p)
    return math.log(cost / chance + epsilon)


@row(
    kl.WeightedKappa,
    'TFA `WeightedKappaLoss(num_classes, weightage="quadratic")` | `WeightedKappa()`',
)
def test_weighted_kappa_of_tensorflow_addons():
    close(number(kl.WeightedKappa(), ROWS, P), tfa_kappa(P, ROWS), atol=1e-5)


@row(kl.WeightedKappa, "TFA's log(ratio + 1e-6) | log(ratio), continued along its tangent near 0")
def test_weighted_kappa_near_0():
    # A perfect prediction: log 1e-6 there; here the tangent of log at 1e-7, in 0.
    close(tfa_kappa(ROWS, ROWS), math.log(1e-6))
    close(number(kl.WeightedKappa(), ROWS, ROWS), math.log(1e-7) - 1)
