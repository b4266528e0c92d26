"""The slope of a loss, where it is known: differences that agree with each other.

A finite difference is no slope beside a kink, past a clip, outside of the domain, or below
the rounding of what the loss computes in. So a slope counts as known only where differences
of several steps agree, forward and backward too, and stand above the noise; nothing is said
of the other places.
"""

from typing import NamedTuple

import numpy as np

from keras_losskit.doctor.running import Runner

LIMIT, FEW = 24, 8  # Coordinates that are looked at; of large data, where a value takes long.
_LARGE = 2**15
_STEPS = np.geomspace(1e-6, 1e-2, 9)
_RANGES = {"probability": (0, 1), "simplex": (0, 1), "unit": (0, 1), "positive": (0, np.inf),
           "cosine": (-1, 1)}


class Comparison(NamedTuple):
    """Gradient and slope at the coordinates where the slope is known."""

    places: list
    gradient: np.ndarray
    slope: np.ndarray
    whole: np.ndarray  # The gradient at every entry.
    looked: int  # At how many coordinates.

    @property
    def scale(self):
        return np.abs(self.slope).max(initial=0.0)

    @property
    def wrong(self):
        """Where the gradient is not the slope."""
        off = np.abs(self.gradient - self.slope)
        return off > 1e-2 * self.scale + 1e-2 * np.abs(self.slope)


def compare(exam, dtype, y_pred=None):
    """A `Comparison` of the loss computed in `dtype`."""
    sample = exam.sample
    runner = Runner(exam.subject.with_dtype(dtype), exam.state)
    runner.eager = exam.runner.eager
    y_true = sample.y_true if sample.y_true.dtype.kind in "iub" else sample.y_true.astype(dtype)
    y_pred = (sample.y_pred if y_pred is None else y_pred).astype(dtype)
    _, gradient = runner("mean_gradient", y_true, y_pred)
    if gradient is None or not np.isfinite(gradient).all():
        return None

    def value(place, step):
        moved = y_pred.copy()
        moved[place] += step
        return float(runner("mean", y_true, moved)), float(moved[place]) - float(y_pred[place])

    at = float(runner("mean", y_true, y_pred))
    noise = _noise(runner, y_true, y_pred, at, gradient)
    scale = float(np.abs(gradient).max())
    low, high = _RANGES.get(sample.domain, (-np.inf, np.inf))
    places, slopes = [], []
    chosen = _places(y_pred, gradient)
    for place in chosen:
        x = float(y_pred[place])
        room = min(x - low, high - x)
        size = float(np.clip(np.abs(y_pred).mean(), 1e-3, 1e3))
        slope = _slope(value, place, at, noise, size, room, float(gradient[place]), scale)
        if slope is not None:
            places.append(place)
            slopes.append(slope)
    got = np.array([gradient[p] for p in places], "float64")
    return Comparison(places, got, np.array(slopes, "float64"), gradient, len(chosen))


def _places(y_pred, gradient):
    """Coordinates to look at: all, or some of them, those with a gradient among them."""
    every = [tuple(int(k) for k in p) for p in np.argwhere(np.ones(y_pred.shape, bool))]
    if len(every) <= LIMIT:
        return every
    half = (LIMIT if y_pred.size <= _LARGE else FEW) // 2
    rng = np.random.default_rng(0)
    chosen = set(rng.choice(len(every), half, replace=False))
    moving = np.flatnonzero(np.ravel(gradient))
    if moving.size:
        chosen |= set(rng.choice(moving, min(half, moving.size), replace=False))
    return [every[i] for i in sorted(chosen)]


def _noise(runner, y_true, y_pred, at, gradient):
    """How far rounding alone moves the value: what is left of it after a smooth change."""
    direction = np.random.default_rng(1).choice([-1.0, 1.0], size=y_pred.shape)
    size = float(np.abs(y_pred).mean()) or 1.0
    values = [
        float(runner("mean", y_true, (y_pred + k * 3e-7 * size * direction).astype(y_pred.dtype)))
        for k in range(-3, 4)
    ]
    # Handed float64, a loss may still compute in float32: a change that float64 shows is not seen.
    tiny = 1e-9 * size * np.sign(gradient)
    expected = float(np.abs(tiny * gradient).sum())
    eps = np.finfo(y_pred.dtype).eps
    if expected > 100 * eps * abs(at):
        moved = float(runner("mean", y_true, (y_pred + tiny).astype(y_pred.dtype))) - at
        if abs(moved - expected) > 0.5 * expected:
            eps = max(eps, np.finfo("float32").eps)
    rough = np.abs(np.diff(values, n=2))
    rough = rough[np.isfinite(rough)]
    return float(rough.max(initial=0.0)) + 4 * eps * abs(at)


def _slope(value, place, at, noise, size, room, gradient, scale):
    """The slope at one coordinate, or `None` where it is not known."""

    def look(step):
        """`(forward, backward, central)`, or `None` where noise or the domain forbid it."""
        if step > 0.5 * room:
            return None
        (up, right), (down, left) = value(place, step), value(place, -step)
        if right == 0 or left == 0 or not np.isfinite(up + down):
            return None
        found = (up - at) / right, (down - at) / left, (up - down) / (right - left)
        floor = 2e-2 * max(abs(found[2]), 2e-2 * scale)
        return found if noise / step < floor else None

    first = look(1e-4 * size)
    if first is not None and abs(first[2] - gradient) <= 1e-3 * scale + 1e-3 * abs(gradient):
        return first[2]  # It says what the gradient says: no reason for doubt.
    before = None
    for step in _STEPS:
        now = look(step * size)
        if now is not None and before is not None:
            near = 5e-3 * max(abs(now[2]), 1e-2 * scale)
            sides = 0.1 * max(abs(before[2]), 1e-2 * scale)
            if abs(now[2] - before[2]) <= near and abs(before[0] - before[1]) <= sides:
                return before[2]
        before = now
    return None


def inside(sample):
    """The predictions drawn a little away from 0 and 1, where they may lie on a clip."""
    p = sample.y_pred
    if sample.domain not in ("probability", "simplex", "unit"):
        return p
    center = 1 / p.shape[-1] if sample.domain == "simplex" else 0.5
    return (center + 0.9 * (p - center)).astype(p.dtype)


def saturated(sample):
    """The share of predictions that are exactly 0 or 1, or as good as."""
    if sample.domain not in ("probability", "simplex", "unit"):
        return 0.0
    p = sample.y_pred
    return float(np.mean((p <= 1e-6) | (p >= 1 - 1e-6)))
