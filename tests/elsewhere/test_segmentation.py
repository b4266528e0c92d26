"""The rows of the segmentation losses."""

import math

import keras
import numpy as np
import pytest

import keras_losskit as kl
from tests.elsewhere.rows import close, number, row, softmax

rng = np.random.default_rng(3)
LOGITS = rng.normal(size=(3, 6, 5, 4))
P = softmax(LOGITS)
IDS = rng.integers(0, 4, size=(3, 6, 5))
G = np.eye(4)[IDS]
ABSENT = np.where(IDS == 3, 1, IDS)  # No position of class 3.
ONE = 1 / (1 + np.exp(-rng.normal(size=(3, 7, 6, 1))))
MAP = (rng.random((3, 7, 6, 1)) < 0.4).astype(float)
SINCE_3_16 = tuple(int(n) for n in keras.__version__.split(".")[:2]) >= (3, 16)


def spatial(x, batch):
    return tuple(range(0 if batch else 1, x.ndim - 1))


# --- Dice, Jaccard, Tversky -----------------------------------------------------------


def monai_dice(p, g, batch=False, squared=False, jaccard=False):
    """MONAI 1.6.1, `DiceLoss`: probabilities, `smooth_nr = smooth_dr = 1e-5`."""
    axes = spatial(p, batch)
    hits = (p * g).sum(axes)
    alone = [(x**2 if squared else x).sum(axes) - hits for x in (p, g)]
    errors = sum(alone) * (1 if jaccard else 0.5)
    return (1 - (2 * hits + 1e-5) / (2 * (hits + errors) + 1e-5)).mean()


def monai_generalized_dice(p, g, batch=False):
    """MONAI 1.6.1, `GeneralizedDiceLoss(w_type="square")`."""
    axes = spatial(p, batch)
    hits, total, size = (p * g).sum(axes), (p + g).sum(axes), g.sum(axes)
    present = size > 0
    w = np.where(present, 1 / np.where(present, size, 1) ** 2, 0)
    w = np.where(present, w, w.max(-1, keepdims=True))
    return (1 - (2 * (w * hits).sum(-1) + 1e-5) / ((w * total).sum(-1) + 1e-5)).mean()


def monai_tversky(p, g, alpha, beta):
    """MONAI 1.6.1, `TverskyLoss`; with 1e-5 for 0, the index of Salehi 2017."""
    axes = spatial(p, False)
    hits, fp, fn = (p * g).sum(axes), (p * (1 - g)).sum(axes), ((1 - p) * g).sum(axes)
    return (1 - (hits + 1e-5) / (hits + alpha * fp + beta * fn + 1e-5)).mean()


def smp_tversky(p, g, alpha=0.5, beta=0.5, gamma=1.0):
    """segmentation_models.pytorch 0.6.0, `TverskyLoss`; by 0.5, 0.5 its `DiceLoss`."""
    axes = spatial(p, True)
    gap, p, g = np.abs(p - g).sum(axes), p.sum(axes), g.sum(axes)
    hits = (p + g - gap) / 2
    score = hits / np.maximum(hits + alpha * (p - hits) + beta * (g - hits), 1e-7)
    return ((1 - score) * (g > 0)).mean() ** gamma


def toolbelt_jaccard(p, g):
    """pytorch-toolbelt 0.7, `JaccardLoss("multilabel", from_logits=False)`."""
    axes = spatial(p, True)
    hits, both = (p * g).sum(axes), (p + g).sum(axes)
    return ((1 - hits / np.maximum(both - hits, 1e-7)) * (g.sum(axes) > 0)).mean()


def segmentation_models_f(p, g, beta=1.0, jaccard=False):
    """segmentation_models 1.0.1, `DiceLoss(beta)` and `JaccardLoss()`, over the batch."""
    axes = spatial(p, True)
    hits = (p * g).sum(axes)
    fp, fn = p.sum(axes) - hits, g.sum(axes) - hits
    if jaccard:
        return (1 - (hits + 1e-5) / (hits + fp + fn + 1e-5)).mean()
    n = (1 + beta**2) * hits + 1e-5
    return (1 - n / (n + beta**2 * fn + fp)).mean()


@row(kl.Dice, 'Keras `Dice()`, which counts all classes as one | `Dice(over="batch", smooth=1e-7)`')
def test_dice_of_keras():
    flat = [x.reshape(3, -1, 1).astype("float32") for x in (G, P)]
    theirs = number(keras.losses.Dice(), G.astype("float32"), P.astype("float32"))
    close(number(kl.Dice(over="batch", smooth=1e-7), *flat), theirs)


@row(kl.Dice, 'segmentation_models `DiceLoss(per_image=False)` | `Dice(over="batch", smooth=1e-5)`')
def test_dice_of_segmentation_models():
    close(number(kl.Dice(over="batch", smooth=1e-5), G, P), segmentation_models_f(P, G))


@row(
    kl.Dice,
    "segmentation_models `DiceLoss(beta=b)`, n = 1 + b² | `Tversky(1 / n, b**2 / n, "
    'over="batch", smooth=1e-5 / n)`',
)
@pytest.mark.parametrize("b", [0.5, 2.0])
def test_f_beta_of_segmentation_models(b):
    n = 1 + b**2
    loss = kl.Tversky(1 / n, b**2 / n, over="batch", smooth=1e-5 / n)
    close(number(loss, G, P), segmentation_models_f(P, G, b))


@row(
    kl.Dice,
    'segmentation_models.pytorch `DiceLoss()`, hard targets | `Dice(over="batch")`; there'
    " an absent class is 0",
)
def test_dice_of_segmentation_models_pytorch():
    loss = kl.Dice(over="batch")
    close(number(loss, IDS, P), smp_tversky(P, G))
    # An absent class costs 1 here, and nothing there.
    theirs = smp_tversky(P, np.eye(4)[ABSENT])
    close(number(loss, ABSENT, P), theirs + 1 / 4)
    soft = softmax(LOGITS[::-1])
    assert abs(number(loss, soft, P) - smp_tversky(P, soft)) > 0.01


@row(
    kl.Dice,
    "MONAI `DiceLoss()` / `DiceLoss(batch=True)` | `Dice(smooth=1e-5)` / "
    '`…(over="batch")`',
)
@pytest.mark.parametrize(("over", "batch"), [("sample", False), ("batch", True)])
def test_dice_of_monai(over, batch):
    close(number(kl.Dice(smooth=1e-5, over=over), G, P), monai_dice(P, G, batch))


@row(kl.Dice, "MONAI `DiceLoss(squared_pred=True)` | `Dice(squared=True, smooth=1e-5)`")
def test_squared_dice_of_monai():
    close(number(kl.Dice(squared=True, smooth=1e-5), G, P), monai_dice(P, G, squared=True))


@row(
    kl.GeneralizedDice,
    'MONAI `GeneralizedDiceLoss(w_type="square")` | `GeneralizedDice(smooth=1e-5)`; with '
    "no class present it is 0 there",
)
def test_generalized_dice_of_monai():
    loss = kl.GeneralizedDice(smooth=1e-5)
    close(number(loss, ABSENT, P), monai_generalized_dice(P, np.eye(4)[ABSENT]))
    empty = np.zeros_like(ONE)
    assert monai_generalized_dice(ONE, empty) == 0
    assert number(loss, empty, ONE) > 0.99


@row(
    kl.GeneralizedDice,
    'MONAI `GeneralizedDiceLoss(batch=True)` | `GeneralizedDice(over="batch", '
    "smooth=1e-5)`",
)
def test_generalized_dice_of_monai_over_the_batch():
    loss = kl.GeneralizedDice(over="batch", smooth=1e-5)
    theirs = monai_generalized_dice(P, np.eye(4)[ABSENT], batch=True)
    close(number(loss, ABSENT, P), theirs)


@row(
    kl.Jaccard,
    'segmentation_models `JaccardLoss(per_image=False)` | `Jaccard(over="batch", '
    "smooth=1e-5)`",
)
def test_jaccard_of_segmentation_models():
    loss = kl.Jaccard(over="batch", smooth=1e-5)
    close(number(loss, G, P), segmentation_models_f(P, G, jaccard=True))


@row(
    kl.Jaccard,
    'segmentation_models.pytorch `JaccardLoss()`, hard targets | `Jaccard(over="batch")`;'
    " there an absent class is 0",
)
def test_jaccard_of_segmentation_models_pytorch():
    loss = kl.Jaccard(over="batch")
    close(number(loss, IDS, P), smp_tversky(P, G, 1, 1))
    close(number(loss, ABSENT, P), smp_tversky(P, np.eye(4)[ABSENT], 1, 1) + 1 / 4)
    soft = softmax(LOGITS[::-1])
    assert abs(number(loss, soft, P) - smp_tversky(P, soft, 1, 1)) > 0.01


@row(
    kl.Jaccard,
    "pytorch-toolbelt `JaccardLoss()` | as segmentation_models.pytorch, for soft targets "
    "too",
)
def test_jaccard_of_pytorch_toolbelt():
    loss = kl.Jaccard(over="batch")
    close(number(loss, ABSENT, P), toolbelt_jaccard(P, np.eye(4)[ABSENT]) + 1 / 4)
    soft = softmax(LOGITS[::-1])
    close(number(loss, soft, P), toolbelt_jaccard(P, soft))


@row(kl.Jaccard, "MONAI `DiceLoss(jaccard=True)` | `Jaccard(smooth=5e-6)`")
def test_jaccard_of_monai():
    close(number(kl.Jaccard(smooth=5e-6), G, P), monai_dice(P, G, jaccard=True))


@row(
    kl.Tversky,
    "Salehi 2017, MONAI `TverskyLoss(alpha, beta)` | `fp_weight=alpha, fn_weight=beta`",
)
def test_tversky_of_monai():
    loss = kl.Tversky(fp_weight=0.3, fn_weight=0.8, smooth=1e-5)
    close(number(loss, G, P), monai_tversky(P, G, 0.3, 0.8))


def keras_tversky(p, g, of_misses, of_false_alarms):
    hits = (p * g).sum()
    misses, alarms = ((1 - p) * g).sum(), (p * (1 - g)).sum()
    return 1 - hits / (hits + of_misses * misses + of_false_alarms * alarms + 1e-7)


@row(kl.Tversky, "Keras `Tversky(alpha, beta)` until 3.15 | `fp_weight=beta, fn_weight=alpha`")
def test_tversky_of_keras_until_3_15():
    # keras/src/losses/losses.py, `tversky`: `fp = sum((1 - y_pred) * y_true)`.
    theirs = keras_tversky(ONE, MAP, of_misses=0.3, of_false_alarms=0.8)
    if not SINCE_3_16:
        theirs = number(keras.losses.Tversky(alpha=0.3, beta=0.8), *float32(MAP, ONE))
    close(number(kl.Tversky(fp_weight=0.8, fn_weight=0.3, over="batch"), MAP, ONE), theirs)


@row(kl.Tversky, "Keras `Tversky(alpha, beta)` from 3.16 | `fp_weight=alpha, fn_weight=beta`")
def test_tversky_of_keras_from_3_16():
    # keras pull request 23333: alpha weighs false positives, as documented.
    theirs = keras_tversky(ONE, MAP, of_misses=0.8, of_false_alarms=0.3)
    if SINCE_3_16:
        theirs = number(keras.losses.Tversky(alpha=0.3, beta=0.8), *float32(MAP, ONE))
    close(number(kl.Tversky(fp_weight=0.3, fn_weight=0.8, over="batch"), MAP, ONE), theirs)


def float32(*arrays):
    return [x.astype("float32") for x in arrays]


@row(
    kl.Tversky,
    "segmentation_models.pytorch `TverskyLoss(alpha, beta)` | `fp_weight=alpha, "
    "fn_weight=beta`",
)
def test_tversky_of_segmentation_models_pytorch():
    loss = kl.Tversky(fp_weight=0.3, fn_weight=0.8, over="batch")
    close(number(loss, G, P), smp_tversky(P, G, 0.3, 0.8))


def abraham_index(p, g, alpha):
    """Abraham 2018, equation 3: the Tversky index of each class, alpha weighing misses."""
    axes = spatial(p, False)
    hits, fp, fn = (p * g).sum(axes), (p * (1 - g)).sum(axes), ((1 - p) * g).sum(axes)
    return hits / (hits + alpha * fn + (1 - alpha) * fp)


@row(kl.Tversky, "Abraham 2018 (focal Tversky) | `fn_weight=alpha, fp_weight=beta`")
def test_tversky_of_abraham():
    loss = kl.Tversky(fn_weight=0.7, fp_weight=0.3)
    close(number(loss, G, P), (1 - abraham_index(P, G, 0.7)).mean())


@row(kl.FocalTversky, "Abraham 2018, (1 - TI)^(1/g) with g = 4/3, alpha = 0.7 | the defaults")
def test_focal_tversky_of_abraham():
    theirs = ((1 - abraham_index(P, G, 0.7)) ** (3 / 4)).mean()
    close(number(kl.FocalTversky(), G, P), theirs)


@row(
    kl.FocalTversky,
    'segmentation_models.pytorch `TverskyLoss(gamma=g)` | `gamma=g, over="batch"`; there '
    "the power is that of the class mean",
)
def test_focal_tversky_of_segmentation_models_pytorch():
    loss = kl.FocalTversky(fp_weight=0.3, fn_weight=0.8, gamma=1.5, over="batch")
    close(number(loss, MAP, ONE), smp_tversky(ONE, MAP, 0.3, 0.8, 1.5))
    assert abs(number(loss, G, P) - smp_tversky(P, G, 0.3, 0.8, 1.5)) > 1e-4


# --- clDice ---------------------------------------------------------------------------


def shifted(x, by, fill):
    """x moved by (rows, columns), `fill` where nothing comes from."""
    out = np.full_like(x, fill)
    for i in np.ndindex(*x.shape):
        j = i[0], i[1] + by[0], i[2] + by[1], i[3]
        if 0 <= j[1] < x.shape[1] and 0 <= j[2] < x.shape[2]:
            out[i] = x[j]
    return out


def soft_skeleton(x, iterations):
    """jocpae/clDice, `SoftSkeletonize`; MONAI 1.6.1, `soft_skel`."""
    cross = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)]
    box = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]

    def erode(x):
        return np.min([shifted(x, by, np.inf) for by in cross], axis=0)

    def left_by_opening(x):
        opened = np.max([shifted(erode(x), by, -np.inf) for by in box], axis=0)
        return np.maximum(x - opened, 0)

    skeleton = left_by_opening(x)
    for _ in range(iterations):
        x = erode(x)
        delta = left_by_opening(x)
        skeleton = skeleton + np.maximum(delta - skeleton * delta, 0)
    return skeleton


def centerline_dice(p, g, iterations, smooth, axes, extra=0.0):
    of_p, of_g = soft_skeleton(p, iterations), soft_skeleton(g, iterations)
    t = ((of_p * g).sum(axes) + smooth) / (of_p.sum(axes) + smooth)
    s = ((of_g * p).sum(axes) + smooth) / (of_g.sum(axes) + smooth)
    return 1 - 2 * t * s / (t + s + extra)


def paper_cldice(p, g, smooth=1.0):
    """jocpae/clDice, `soft_cldice`, whose `SoftSkeletonize(num_iter=10)` is fixed."""
    return centerline_dice(p, g, 10, smooth, None)


def monai_cldice(p, g, iterations=3, smooth=1.0):
    """MONAI 1.6.1, `SoftclDiceLoss`: sums over all but the batch."""
    return centerline_dice(p, g, iterations, smooth, (1, 2, 3), 1e-4).mean()


@row(
    kl.CenterlineDice,
    "the paper's code, `soft_cldice(iter_, smooth)`, which ignores `iter_` | "
    '`CenterlineDice(10, smooth, over="batch")`',
)
def test_cldice_of_the_paper():
    loss = kl.CenterlineDice(10, 0.5, over="batch")
    close(number(loss, MAP, ONE), paper_cldice(ONE, MAP, 0.5))


@row(
    kl.CenterlineDice,
    "MONAI 1.6 `SoftclDiceLoss(iter_, smooth_nr=s, smooth_dr=s)` | `CenterlineDice(iter_,"
    " s)`; there 1e-4 is added to T + S",
)
def test_cldice_of_monai():
    mine = number(kl.CenterlineDice(2, 0.5), MAP, ONE)
    close(mine, centerline_dice(ONE, MAP, 2, 0.5, (1, 2, 3)).mean())
    close(mine, monai_cldice(ONE, MAP, 2, 0.5), atol=1e-4)


@row(
    kl.CenterlineDice,
    "MONAI 1.6 `SoftDiceclDiceLoss(iter_, a)` | `(1 - a) * Dice(smooth=1.0) + a * "
    "CenterlineDice(iter_)`",
)
def test_dice_and_cldice_of_monai():
    a = 0.3
    hits, total = (ONE * MAP).sum((1, 2, 3)), (ONE + MAP).sum((1, 2, 3))
    dice = (1 - (2 * hits + 1) / (total + 1)).mean()
    theirs = (1 - a) * dice + a * monai_cldice(ONE, MAP)
    loss = (1 - a) * kl.Dice(smooth=1.0) + a * kl.CenterlineDice(3)
    close(number(loss, MAP, ONE), theirs, atol=1e-4)


# --- others ---------------------------------------------------------------------------


def smp_mcc(p, g):
    """segmentation_models.pytorch 0.6.0, `MCCLoss()`."""
    tp, tn = (p * g).sum() + 1e-5, ((1 - p) * (1 - g)).sum() + 1e-5
    fp, fn = (p * (1 - g)).sum() + 1e-5, ((1 - p) * g).sum() + 1e-5
    root = math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return 1 - (tp * tn - fp * fn) / root


@row(
    kl.MatthewsCorrelation,
    "segmentation_models.pytorch `MCCLoss()`, one channel | "
    '`MatthewsCorrelation(over="batch")`; there 1e-5 is added to each count',
)
def test_mcc_of_segmentation_models_pytorch():
    close(number(kl.MatthewsCorrelation(over="batch"), MAP, ONE), smp_mcc(ONE, MAP))


def distance(inside):
    """scipy's `distance_transform_edt`: from each True to the nearest False."""
    out = np.zeros(inside.shape)
    outside = np.argwhere(~inside)
    for i in np.argwhere(inside):
        out[tuple(i)] = np.sqrt(((outside - i) ** 2).sum(-1).min())
    return out


def field(x):
    inside = x > 0.5
    if inside.all() or not inside.any():
        return np.zeros(x.shape)
    return distance(inside) + distance(~inside)


def monai_hausdorff(p, g, batch=False):
    """MONAI 1.6.1, `HausdorffDTLoss()`, which leaves class 0 out."""
    if batch:  # Of equal size, so that the mean of means is the mean.
        return np.mean([monai_hausdorff(p[i : i + 1], g[i : i + 1]) for i in range(len(p))])
    found = []
    for i in range(len(p)):
        for c in range(1, p.shape[-1]):
            a, b = p[i, ..., c], g[i, ..., c]
            found.append(((a - b) ** 2 * (field(a) ** 2 + field(b) ** 2)).mean())
    return np.mean(found)


@row(
    kl.HausdorffDistance,
    "MONAI `HausdorffDTLoss()` | `HausdorffDistance(include_background=False)`",
)
def test_hausdorff_of_monai():
    mine = number(kl.HausdorffDistance(include_background=False), G, P)
    close(mine, monai_hausdorff(P, G))


@row(
    kl.HausdorffDistance,
    "MONAI `HausdorffDTLoss(batch=True)` | `HausdorffDistance(include_background=False, "
    'over="batch")`',
)
def test_hausdorff_of_monai_over_the_batch():
    loss = kl.HausdorffDistance(include_background=False, over="batch")
    close(number(loss, G, P), monai_hausdorff(P, G, batch=True))


@row(kl.HausdorffDistance, "MONAI `LogHausdorffDTLoss()` | log(1 + the value of the first)")
def test_log_hausdorff_of_monai():
    theirs = math.log(monai_hausdorff(P, G) + 1)
    mine = number(kl.HausdorffDistance(include_background=False), G, P)
    close(math.log(1 + mine), theirs)


def kervadec(p, g, classes):
    """LIVIAETS/boundary-loss, `BoundaryLoss(idc=classes)` on `one_hot2dist`."""
    found = []
    for i in range(len(p)):
        for c in classes:
            inside = g[i, ..., c] > 0.5
            phi = np.zeros(inside.shape)
            if inside.any():
                phi = distance(~inside) * ~inside - (distance(inside) - 1) * inside
            found.append((phi * p[i, ..., c]).mean())
    return np.mean(found)


@row(
    kl.Boundary,
    "Kervadec's `BoundaryLoss(idc=[1])` on `one_hot2dist` | `Boundary(class_weights=[0, "
    "1])`",
)
def test_boundary_of_one_class():
    two = np.concatenate([1 - ONE, ONE], -1)
    g = np.concatenate([1 - MAP, MAP], -1)
    close(number(kl.Boundary(class_weights=[0, 1]), g, two), kervadec(two, g, [1]))


@row(
    kl.Boundary,
    "Kervadec's with every class but the background | "
    "`Boundary(include_background=False)`",
)
def test_boundary_of_all_but_the_background():
    mine = number(kl.Boundary(include_background=False), G, P)
    close(mine, kervadec(P, G, [1, 2, 3]))


# --- Lovász ---------------------------------------------------------------------------


def lovasz_gradient(g):
    """Berman's `lovasz_grad`, also in segmentation_models.pytorch and pytorch-toolbelt."""
    jaccard = 1 - (g.sum() - g.cumsum()) / (g.sum() + (1 - g).cumsum())
    jaccard[1:] = jaccard[1:] - jaccard[:-1]
    return jaccard


def flat_softmax(p, ids):
    found = []
    for c in range(p.shape[-1]):
        g = (ids == c).astype(float)
        if g.sum():
            errors = np.abs(g - p[:, c])
            order = np.argsort(-errors)
            found.append(errors[order] @ lovasz_gradient(g[order]))
    return np.mean(found)


def flat_hinge(z, g):
    errors = 1 - z * (2 * g - 1)
    order = np.argsort(-errors)
    return np.maximum(errors[order], 0) @ lovasz_gradient(g[order])


def berman_softmax(p, ids, per_image):
    if per_image:
        return np.mean([berman_softmax(p[i : i + 1], ids[i : i + 1], False) for i in range(len(p))])
    return flat_softmax(p.reshape(-1, p.shape[-1]), ids.reshape(-1))


def berman_hinge(z, g, per_image):
    if per_image:
        return np.mean([flat_hinge(z[i].reshape(-1), g[i].reshape(-1)) for i in range(len(z))])
    return flat_hinge(z.reshape(-1), g.reshape(-1))


Z = np.log(ONE / (1 - ONE))
over_both = pytest.mark.parametrize(("over", "per_image"), [("sample", True), ("batch", False)])


@row(kl.LovaszSoftmax, "Berman's `lovasz_softmax(per_image=True)` | `LovaszSoftmax()`")
@row(
    kl.LovaszSoftmax,
    "Berman's `lovasz_softmax(per_image=False)` | `LovaszSoftmax(over=\"batch\")`",
)
@over_both
def test_lovasz_softmax_of_berman(over, per_image):
    close(number(kl.LovaszSoftmax(over=over), ABSENT, P), berman_softmax(P, ABSENT, per_image))


@row(
    kl.LovaszSoftmax,
    'segmentation_models.pytorch `LovaszLoss("multiclass")` | '
    '`LovaszSoftmax(over="batch", from_logits=True)`',
)
def test_lovasz_softmax_of_segmentation_models_pytorch():
    # 0.6.0, `LovaszLoss`: logits, `per_image=False`.
    loss = kl.LovaszSoftmax(over="batch", from_logits=True)
    close(number(loss, ABSENT, LOGITS), berman_softmax(softmax(LOGITS), ABSENT, False))


@row(kl.LovaszSoftmax, 'pytorch-toolbelt `LovaszLoss()` | `LovaszSoftmax(over="batch")`')
def test_lovasz_softmax_of_pytorch_toolbelt():
    # 0.7, `LovaszLoss`: probabilities, `per_image=False`.
    close(number(kl.LovaszSoftmax(over="batch"), ABSENT, P), berman_softmax(P, ABSENT, False))


@row(kl.LovaszHinge, "Berman's `lovasz_hinge(per_image=True)` | `LovaszHinge()`")
@row(kl.LovaszHinge, "Berman's `lovasz_hinge(per_image=False)` | `LovaszHinge(over=\"batch\")`")
@row(kl.LovaszHinge, "pytorch-toolbelt `BinaryLovaszLoss(per_image)` | as Berman's")
@over_both
def test_lovasz_hinge_of_berman(over, per_image):
    close(number(kl.LovaszHinge(over=over), MAP, Z), berman_hinge(Z, MAP, per_image))


@row(kl.LovaszHinge, "kornia `LovaszHingeLoss()` | `LovaszHinge()`")
def test_lovasz_hinge_of_kornia():
    # 0.8, `lovasz_hinge_loss`: each image by itself.
    close(number(kl.LovaszHinge(), MAP, Z), berman_hinge(Z, MAP, True))


@row(
    kl.LovaszHinge,
    'segmentation_models.pytorch `LovaszLoss("binary")` | `LovaszHinge(over="batch")`',
)
def test_lovasz_hinge_of_segmentation_models_pytorch():
    close(number(kl.LovaszHinge(over="batch"), MAP, Z), berman_hinge(Z, MAP, False))
