"""Cases of the losses of registration."""

import itertools
import math

import numpy as np

import keras_losskit as kl
from tests.cases.case import Case
from tests.cases.restoration import PICTURE, RESTORED, VOLUME, of_samples, positions, shifted

rng = np.random.default_rng(20240803)
RESTORED_VOLUME = VOLUME + rng.normal(size=VOLUME.shape) * 0.3
FLAT = rng.normal(size=(4, 5, 6, 2))
FIELD = rng.normal(size=(3, 4, 3, 5, 3))


def weights_of(window, kernel):
    """The window's weights along one axis."""
    middle, half = window // 2, (window + 1) // 2
    if kernel == "gaussian":
        return [math.exp(-0.5 * ((k - middle) / (window / 3)) ** 2) for k in range(window)]
    if kernel == "triangular":
        return [half - abs(k - middle) for k in range(window)]
    return [1.0] * window


def correlation(y_true, y_pred, window, kernel, epsilon):
    line, found = weights_of(window, kernel), []
    for c in range(y_true.shape[-1]):
        x, y = y_true[..., c], y_pred[..., c]
        for centre in np.ndindex(*x.shape):
            w, a, b = [], [], []
            for step in itertools.product(range(window), repeat=x.ndim):
                at = [i + k - window // 2 for i, k in zip(centre, step)]
                inside = all(0 <= i < n for i, n in zip(at, x.shape))
                w.append(math.prod(line[k] for k in step))
                a.append(x[tuple(at)] if inside else 0.0)
                b.append(y[tuple(at)] if inside else 0.0)
            w = np.array(w) / sum(w)
            a, b = np.array(a), np.array(b)
            a, b = a - w @ a, b - w @ b
            found.append((w @ (a * b)) ** 2 / max(w @ a**2, epsilon) / max(w @ b**2, epsilon))
    return 1 - sum(found) / len(found)


def information(y_true, y_pred, bins, sigma_ratio, value_range):
    low, high = value_range
    step = (high - low) / (bins - 1)

    def shares(v):
        v = min(max(float(v), low), high)
        w = [math.exp(-0.5 * ((v - low - k * step) / (sigma_ratio * step)) ** 2)
             for k in range(bins)]
        return np.array(w) / sum(w)

    joint = sum(np.outer(shares(t), shares(p)) for t, p in zip(y_true.flat, y_pred.flat))
    joint = joint / y_true.size
    total = 0.0
    for a, b in itertools.product(range(bins), repeat=2):
        if joint[a, b] > 0:
            total += joint[a, b] * math.log(joint[a, b] / (joint[a].sum() * joint[:, b].sum()))
    return -total


def bending(y_true, y_pred, normalize):
    n, found = y_pred.ndim - 1, []
    for i in positions(y_pred):
        if any(k in (0, size - 1) for k, size in zip(i, y_pred.shape)):
            continue
        for c in range(y_pred.shape[-1]):
            u, energy = y_pred[..., c], 0.0
            for a, b in itertools.product(range(n), repeat=2):
                if a == b:
                    slope = u[shifted(i, a, 1)] - 2 * u[i] + u[shifted(i, a, -1)]
                else:
                    slope = sum(
                        s * t * u[shifted(shifted(i, a, s), b, t)] / 4
                        for s, t in itertools.product((-1, 1), repeat=2)
                    )
                sizes = y_pred.shape
                energy += (slope * (sizes[a] * sizes[b] / sizes[c] if normalize else 1)) ** 2
            found.append(energy)
    return sum(found) / len(found)


def slopes(y_true, y_pred, penalty):
    n, total = y_pred.ndim - 1, 0.0
    for axis in range(n):
        found = [
            np.abs(y_pred[shifted(i, axis, 1)] - y_pred[i]) ** (2 if penalty == "l2" else 1)
            for i in positions(y_pred) if i[axis] + 1 < y_pred.shape[axis]
        ]
        total += np.mean(found)
    return total / n


def field(loss, function, y_pred, label="", **options):
    return Case(loss, options, np.zeros(len(y_pred)), y_pred, of_samples(function), label=label)


def pictures(loss, function, label="", volume=False, **options):
    pair = (VOLUME, RESTORED_VOLUME) if volume else (PICTURE, RESTORED)
    return Case(loss, options, *pair, of_samples(function), label=label)


LNCC = kl.LocalNormalizedCrossCorrelation
CASES = [
    pictures(LNCC, correlation, window=5, kernel="triangular", epsilon=0.02),
    pictures(LNCC, correlation, "box", window=7, kernel="box", epsilon=1e-3),
    pictures(LNCC, correlation, "volume", True, window=3, kernel="gaussian", epsilon=1e-3),
    pictures(
        kl.MutualInformation, information, bins=5, sigma_ratio=0.7, value_range=[-0.6, 1.7]
    ),
    field(kl.BendingEnergy, bending, FLAT, normalize=True),
    field(kl.BendingEnergy, bending, FIELD, "volume", normalize=False),
    field(kl.DisplacementGradient, slopes, FLAT, penalty="l1"),
    field(kl.DisplacementGradient, slopes, FIELD, "volume", penalty="l2"),
]

BAD_OPTIONS = {
    "window": (1, 4, 2.5, "9", None),
    "kernel": ("cosine", None),
    "epsilon": (0, -1, float("nan"), None),
    "bins": (1, 2.5, None),
    "sigma_ratio": (0, -1, float("nan"), None),
    "value_range": ([1, 0], [0, 0], [0], 1.0, [0, float("inf")], None),
    "normalize": (1, None, "yes"),
    "penalty": ("l3", None, 2),
}
