"""Cases of the losses on pictures and volumes."""

import itertools
import math

import keras
import numpy as np

import keras_losskit as kl
from tests.cases.case import Case

rng = np.random.default_rng(20240801)
# Not square, sides odd and even; the second is near the first, as in restoration.
PICTURE = rng.uniform(size=(4, 7, 6, 2))
RESTORED = PICTURE + rng.normal(size=PICTURE.shape) * 0.3
VOLUME = rng.uniform(size=(3, 4, 5, 4, 1))
RESTORED_VOLUME = VOLUME + rng.normal(size=VOLUME.shape) * 0.3


def of_samples(function):
    """Values from a function of one sample's two arrays."""

    def values(y_true, y_pred, **options):
        return [function(t, p, **options) for t, p in zip(y_true, y_pred)]

    return values


def positions(x):
    return itertools.product(*(range(n) for n in x.shape[:-1]))


def shifted(i, axis, by):
    return (*i[:axis], i[axis] + by, *i[axis + 1 :])


# --- similarity -----------------------------------------------------------------------------


def windows(x, y, size, sigma, c1, c2):
    """`(l·cs, cs)` of every window of one channel, with their own means."""
    line = [math.exp(-0.5 * ((k - (size - 1) / 2) / sigma) ** 2) for k in range(size)]
    whole, structure = [], []
    for corner in itertools.product(*(range(n - size + 1) for n in x.shape)):
        cells = list(itertools.product(range(size), repeat=x.ndim))
        w = [math.prod(line[k] for k in cell) for cell in cells]
        w = [v / sum(w) for v in w]
        a = [x[tuple(c + k for c, k in zip(corner, cell))] for cell in cells]
        b = [y[tuple(c + k for c, k in zip(corner, cell))] for cell in cells]
        ma, mb = (sum(v * q for v, q in zip(w, z)) for z in (a, b))
        va = sum(v * (q - ma) ** 2 for v, q in zip(w, a))
        vb = sum(v * (q - mb) ** 2 for v, q in zip(w, b))
        cov = sum(v * (q - ma) * (r - mb) for v, q, r in zip(w, a, b))
        cs = (2 * cov + c2) / (va + vb + c2)
        structure.append(cs)
        whole.append((2 * ma * mb + c1) / (ma * ma + mb * mb + c1) * cs)
    return np.mean(whole), np.mean(structure)


def ssim(y_true, y_pred, max_value, filter_size, filter_sigma, k1, k2):
    constants = (k1 * max_value) ** 2, (k2 * max_value) ** 2
    found = [
        windows(y_true[..., c], y_pred[..., c], filter_size, filter_sigma, *constants)[0]
        for c in range(y_true.shape[-1])
    ]
    return 1 - sum(found) / len(found)


def coarse(x):
    """Means of two by two along each axis, the last line of an odd side counting twice."""
    for axis in range(x.ndim):
        n = x.shape[axis]
        first = [x.take(i, axis) for i in range(0, n, 2)]
        other = [x.take(min(i + 1, n - 1), axis) for i in range(0, n, 2)]
        x = np.stack([(a + b) / 2 for a, b in zip(first, other)], axis)
    return x


def multi_scale(y_true, y_pred, max_value, filter_size, filter_sigma, k1, k2, weights):
    constants = (k1 * max_value) ** 2, (k2 * max_value) ** 2
    found = []
    for c in range(y_true.shape[-1]):
        x, y, product = y_true[..., c], y_pred[..., c], 1.0
        for scale, w in enumerate(weights):
            if scale:
                x, y = coarse(x), coarse(y)
            whole, structure = windows(x, y, filter_size, filter_sigma, *constants)
            last = scale == len(weights) - 1
            product *= max(whole if last else structure, 0) ** w
        found.append(product)
    return 1 - sum(found) / len(found)


def psnr(y_true, y_pred, max_value):
    mse = sum((float(t) - float(p)) ** 2 for t, p in zip(y_true.flat, y_pred.flat)) / y_true.size
    return 10 * math.log10(max(mse, 1e-10 * max_value**2) / max_value**2)


# --- differences ----------------------------------------------------------------------------


def total_variation(y_true, y_pred, kind, normalize):
    n, total = y_pred.ndim - 1, 0.0
    if kind == "isotropic":
        for i in positions(y_pred):
            squares = np.zeros(y_pred.shape[-1])
            for axis in range(n):
                if i[axis] + 1 < y_pred.shape[axis]:
                    squares += (y_pred[shifted(i, axis, 1)] - y_pred[i]) ** 2
            total += np.sqrt(squares).sum()
        return total / y_pred.size if normalize else total
    for axis in range(n):
        found = [
            np.abs(y_pred[shifted(i, axis, 1)] - y_pred[i])
            for i in positions(y_pred) if i[axis] + 1 < y_pred.shape[axis]
        ]
        total += np.mean(found) if normalize else np.sum(found)
    return total


def gradient_difference(y_true, y_pred, operator, power):
    n, total = y_pred.ndim - 1, 0.0
    for axis in range(n):
        found = []
        for i in positions(y_pred):
            if operator == "difference":
                if i[axis] + 1 == y_pred.shape[axis]:
                    continue
                edges = [np.abs(x[shifted(i, axis, 1)] - x[i]) for x in (y_true, y_pred)]
            else:
                edges = [sobel(x, i, axis) for x in (y_true, y_pred)]
            found.append(np.abs(edges[0] - edges[1]) ** power)
        total += np.mean(found)
    return total


def sobel(x, i, along):
    total = np.zeros(x.shape[-1])
    for step in itertools.product((-1, 0, 1), repeat=x.ndim - 1):
        weight, place = 1, []
        for axis, k in enumerate(step):
            weight *= k if axis == along else (1, 2, 1)[k + 1]
            at, last = i[axis] + k, x.shape[axis] - 1
            place.append(-at if at < 0 else 2 * last - at if at > last else at)
        total += weight * x[tuple(place)]
    return total


def edge_aware(y_true, y_pred, order):
    total = 0.0
    for axis in range(y_pred.ndim - 1):
        found, n = [], y_pred.shape[axis]
        for i in positions(y_pred):
            if order == 1 and i[axis] + 1 < n:
                rough = y_pred[shifted(i, axis, 1)] - y_pred[i]
                edge = y_true[shifted(i, axis, 1)] - y_true[i]
            elif order == 2 and 0 < i[axis] < n - 1:
                up, down = shifted(i, axis, 1), shifted(i, axis, -1)
                rough = y_pred[up] - 2 * y_pred[i] + y_pred[down]
                edge = (y_true[up] - y_true[down]) / 2
            else:
                continue
            found.append(abs(rough[0]) * math.exp(-np.abs(edge).mean()))
        total += np.mean(found)
    return total


# --- spectra and features ---------------------------------------------------------------------


def focal_frequency(y_true, y_pred, alpha, log_matrix):
    d, found = y_pred - y_true, []
    sizes = d.shape[:-1]
    for c in range(d.shape[-1]):
        squares = []
        for k in itertools.product(*map(range, sizes)):
            total = 0j
            for i in itertools.product(*map(range, sizes)):
                turn = sum(a * b / n for a, b, n in zip(i, k, sizes))
                total += d[(*i, c)] * complex(
                    math.cos(2 * math.pi * turn), -math.sin(2 * math.pi * turn)
                )
            squares.append(abs(total) ** 2 / math.prod(sizes))
        w = [s ** (alpha / 2) for s in squares]
        w = [math.log(1 + v) for v in w] if log_matrix else w
        found += [v / max(w) * s for v, s in zip(w, squares)]
    return sum(found) / len(found)


KERNEL = rng.normal(size=(2, 2, 2, 3)) * 0.7
MIX = rng.normal(size=(3, 2)) * 0.7


@keras.saving.register_keras_serializable(package="keras_losskit_tests")
def small_network():
    """Two layers of fixed weights: 2×2 to three channels, each position to two."""
    x = keras.Input((None, None, 2))
    corners = keras.layers.Conv2D(3, 2, activation="softplus", name="corners")
    mixed = keras.layers.Dense(2, activation="tanh", name="mixed")
    model = keras.Model(x, mixed(corners(x)))
    corners.set_weights([KERNEL, np.zeros(3)])
    mixed.set_weights([MIX, np.zeros(2)])
    return model


def seen(x):
    h, w = x.shape[0] - 1, x.shape[1] - 1
    corners = np.zeros((h, w, 3))
    for i, j in itertools.product(range(h), range(w)):
        for a, b, c in itertools.product(range(2), repeat=3):
            corners[i, j] += x[i + a, j + b, c] * KERNEL[a, b, c]
    corners = np.log1p(np.exp(corners))
    return {"corners": corners, "mixed": np.tanh(corners @ MIX)}


def feature_distance(
    y_true, y_pred, features, layers, layer_weights, match, distance, normalize
):
    total, (first, second) = 0.0, (seen(y_true), seen(y_pred))
    for name, weight in zip(layers, layer_weights):
        a, b = first[name], second[name]
        if normalize:
            a, b = (x / np.sqrt((x**2).sum(-1, keepdims=True)) for x in (a, b))
        how = np.square if distance == "squared" else np.abs
        if match == "gram":
            a, b = (np.einsum("ijc,ijd->cd", x, x) / x.size for x in (a, b))
            total += weight * how(a - b).sum()
        else:
            total += weight * how(a - b).sum() / (a[..., 0].size if normalize else a.size)
    return total


def picture(loss, function, label="", **options):
    return Case(loss, options, PICTURE, RESTORED, of_samples(function), label=label)


def volume(loss, function, label="", **options):
    return Case(loss, options, VOLUME, RESTORED_VOLUME, of_samples(function), label=label)


SIMILARITY = {"max_value": 1.5, "filter_sigma": 1.1, "k1": 0.05, "k2": 0.1}
FEATURES = "keras_losskit_tests>small_network"
CASES = [
    picture(kl.SSIM, ssim, filter_size=4, **SIMILARITY),
    volume(kl.SSIM, ssim, "volume", filter_size=3, **SIMILARITY),
    picture(kl.MultiScaleSSIM, multi_scale, filter_size=3, weights=[0.4, 0.7], **SIMILARITY),
    picture(kl.PSNR, psnr, max_value=2.0),
    volume(kl.TotalVariation, total_variation, kind="anisotropic", normalize=False),
    picture(kl.TotalVariation, total_variation, "isotropic", kind="isotropic", normalize=True),
    picture(kl.GradientDifference, gradient_difference, operator="difference", power=1.7),
    volume(kl.GradientDifference, gradient_difference, "sobel", operator="sobel", power=1.0),
    Case(
        kl.EdgeAwareSmoothness, {"order": 2}, PICTURE, RESTORED[..., :1],
        of_samples(edge_aware), label="second",
    ),
    Case(
        kl.EdgeAwareSmoothness, {"order": 1}, VOLUME, RESTORED_VOLUME, of_samples(edge_aware),
        label="volume",
    ),
    picture(kl.FocalFrequency, focal_frequency, alpha=1.3, log_matrix=True),
    volume(kl.FocalFrequency, focal_frequency, "volume", alpha=0.8, log_matrix=False),
    picture(
        kl.FeatureDistance, feature_distance, features=FEATURES, layers=["mixed", "corners"],
        layer_weights=[0.5, 2.0], match="gram", distance="absolute", normalize=True,
    ),
    picture(
        kl.FeatureDistance, feature_distance, "squared", features=FEATURES,
        layers=["corners", "mixed"], layer_weights=[1.5, 0.3], match="features",
        distance="squared", normalize=False,
    ),
]
for case in CASES:
    case.detached = case.loss is kl.FocalFrequency  # Its weight has no gradient.
    case.exact = case.loss is not kl.FeatureDistance  # The network computes in float32.

BAD_OPTIONS = {
    "max_value": (0, -1, float("nan"), "1", None),
    "filter_size": (0, 1.5, "11", None),
    "filter_sigma": (0, -1, float("nan"), None),
    "k1": (0, -1, "1"),
    "k2": (0, -1, "1"),
    "weights": ([], [-1.0], 0.5, "ab", None),
    "kind": ("l2", None, 1),
    "normalize": (1, None, "yes"),
    "operator": ("scharr", None),
    "power": (0.5, 0, float("nan"), None),
    "order": (0, 3, "1", None),
    "alpha": (-1, float("nan"), None),
    "log_matrix": (1, None, "yes"),
    "features": ("nobody>knows", 3, None, lambda: None, picture),
    "layers": ([], "mixed", ["absent"], [3]),
    "layer_weights": ([1.0], [-1.0, 1.0], "ab", 1.0),
    "match": ("style", None),
    "distance": ("euclidean", None),
}
