"""How far a loss reaches: whether it ends somewhere, and whether every label is pulled.

A loss without a least value sends a model to infinity; one that is flat for a label, or beyond
a clip, never moves what it should.
"""

import itertools
import math

import numpy as np

from keras_losskit.core.takes import PREDICTIONS
from keras_losskit.doctor.kinds import hard
from keras_losskit.doctor.related import values_of

_FAR = (10.0, 20.0, 40.0)  # Each twice as far as the last.
_STEPS = (4, 8, 16, 32)  # So many lead there along a path that turns.
_COLUMNS = 16  # More are moved together.
_DRAWS = 3


def check(exam):
    """Note a value that falls without end, and labels of which nothing is learned."""
    if exam.scan.of("random", "python-random"):
        return
    _without_end(exam)
    _one_sided(exam)
    _clipped(exam)


# --- a least value ---------------------------------------------------------------------------


def _without_end(exam):
    sample = exam.sample
    if sample.domain not in ("real", "logits", "positive") or not sample.y_pred.ndim:
        return
    if "perfect-not-least" in exam.names:
        return  # Said, by what is to be mended.
    start = values_of(exam, sample.y_pred)
    if start is None:
        return
    found = [
        (speed, f"{what} of y_pred goes {'up' if sign > 0 else 'down'}")
        for what, where in _parts(sample.y_pred) for sign in _ways(sample)
        if (speed := _falls(exam, start, sign * where)) is not None
    ]
    found = found or _downhill(exam, start)
    if not found:
        return
    speed, way = max(found, key=lambda f: f[0])
    fast = bool(speed >= 3.5)
    sure = sample.kind in ("given", "declared")  # Made targets may be weights, or signs.
    exam.add(
        "unbounded", (("warning", "error") if sure else ("info", "warning"))[fast],
        f"the value falls without end as {way}"
        + (", faster the further it is" if fast else ""),
        "Training minimises: predictions run away to infinity."
        + ("" if fast else " Right for a critic's score, or a policy's gradient, alone."),
        "Look for a sign that is wrong, a max(..., 0) that is missing, a weight or target that "
        "must not be negative.",
    )


def _downhill(exam, start):
    """The same of a path against the gradient: parts of a row may have to move apart, as those of
    a triplet do. Each sample goes as far in every step."""
    sample = exam.sample
    p = sample.y_pred
    if sample.domain != "real" or len(_ways(sample)) < 2 or p.ndim < 2 or p.shape[-1] < 2:
        return []
    step = _size(p) * _FAR[0] / _STEPS[0]
    path, slopes = [], []
    for _ in range(_STEPS[-1] + 1):
        found, error = exam.run("gradient", sample.y_true, p)
        if error is not None or found[1] is None or not np.isfinite(found[1]).all():
            return []
        rows = np.abs(found[1].reshape(len(p), -1)).max(axis=1).reshape(-1, *(1,) * (p.ndim - 1))
        slopes.append(found[1] / np.where(rows > 0, rows, 1))
        path.append(float(found[0]))
        p = (p - step * slopes[-1]).astype(p.dtype)
    falls = -np.diff([path[i] for i in (0, *_STEPS)])
    least = 1e-2 * (1 + np.abs(start).mean())
    ends = falls[1] < least or (falls[2:] < 1.6 * falls[1:-1]).any() or path[-1] > -abs(path[0])
    if ends or (np.diff(path[_STEPS[0]:]) >= 0).any():
        return []
    if np.allclose(slopes[0], slopes[-1], rtol=1e-3):
        return []  # A critic's score.
    return [(falls[-1] / falls[-2], "y_pred goes against its gradient")]


def _ways(sample):
    """Up, down or both: where what may be predicted has no end."""
    low, high = (0, math.inf) if sample.domain == "positive" else (-math.inf, math.inf)
    if sample.takes is not None:
        kind = PREDICTIONS[sample.takes.y_pred]
        low, high = max(low, kind.low), min(high, kind.high)
    return [sign for sign, end in ((1.0, high), (-1.0, low)) if math.isinf(end)]


def _parts(y_pred):
    """`(what, where)`: what is moved together."""
    columns = y_pred.shape[-1] if y_pred.ndim > 1 else 1
    if not 1 < columns <= _COLUMNS:
        yield "all", np.ones_like(y_pred)
        return
    for i in range(columns):
        where = np.zeros_like(y_pred)
        where[..., i] = 1
        yield f"column {i}", where


def _size(p):
    """About how large the predictions are, 1 at least."""
    return max(1.0, float(np.sqrt(np.mean(np.square(p, dtype="float64")))))


def _falls(exam, start, where):
    """How much faster a sample's value falls at twice the distance; `None` where none does.

    A logarithm falls as much again (1), a line twice (2), a square four times as much (4).
    """
    p = exam.sample.y_pred
    size = _size(p)

    def at(far):
        found = values_of(exam, (p + far * size * where).astype(p.dtype))
        if found is None or np.isnan(found).any() or found.shape != start.shape:
            return None
        return found

    path = [start, *map(at, _FAR)]
    if any(found is None for found in path):
        return None
    with np.errstate(all="ignore"):
        near, middle, far = (a - b for a, b in itertools.pairwise(path))
        falls = (near > 0) & (middle > 1e-3 * (1 + np.abs(path[0]))) & (far >= 1.9 * middle)
        if not falls.any():
            return None
        speed = float(np.nanmin(np.where(np.isfinite(middle), far / middle, 4.0)[falls]))
    if speed < 3.5:
        back = at(-_FAR[0])
        if back is None or np.allclose(back - path[0], near, rtol=1e-3, atol=1e-3):
            return None  # It rises the other way as it falls this way: a critic's score.
    return speed


# --- every label -------------------------------------------------------------------------------


def _one_sided(exam):
    """Note labels of 0 that cost the same whatever is predicted, where those of 1 do not."""
    sample = exam.sample
    t, p = sample.y_true, sample.y_pred
    if not sample.pairs or not sample.given or not np.isin(t, (0, 1)).all() or not t.ndim:
        return
    none = t == 0
    one_hot = t.ndim > 1 and t.shape[-1] > 1 and np.all(t.sum(-1) == 1)
    if one_hot or not none.any() or none.all():
        return  # Of one-hot rows the other classes follow from the one.
    rng = np.random.default_rng(3)
    share = sample.domain in ("unit", "probability", "simplex", "positive")
    moved = np.zeros(t.shape, bool)
    for _ in range(_DRAWS):
        drawn = rng.uniform(0.05, 0.95, p.shape) if share else rng.normal(size=p.shape) * 2
        found, error = exam.run("gradient", t, drawn.astype(p.dtype))
        if error is not None or found[1] is None or not np.isfinite(found[1]).all():
            return
        moved |= found[1] != 0
    if moved[none].any() or moved[~none].mean() < 0.5:
        return
    exam.add(
        "one-sided", "warning",
        f"where y_true is 0 ({int(none.sum())} of {t.size} entries) the gradient is 0 whatever is "
        "predicted",
        "Nothing says that they are 0: a model that answers 1 everywhere is as good.",
        "Add the other half, such as -(1 - y_true) * log(1 - p); a hinge takes targets of -1 and "
        "1. Right where 0 means that nothing is known.",
    )


# --- a clip -----------------------------------------------------------------------------------


def _clipped(exam):
    """Note given predictions beyond 0 and 1 that get no gradient, where those inside do."""
    sample, gradient = exam.sample, exam.facts.get("gradient")
    if not sample.given or gradient is None or exam.subject.of_kit or sample.domain != "real":
        return
    beyond = (sample.y_pred < 0) | (sample.y_pred > 1)
    if not beyond.any() or beyond.all() or np.any(gradient[beyond]):
        return
    if np.mean(gradient[~beyond] != 0) < 0.9:
        return
    if hard(sample) is None:
        return
    exam.add(
        "out-of-range", "warning",
        f"{int(beyond.sum())} of {beyond.size} predictions given lie outside of [0, 1] and get no "
        "gradient; those inside do: it takes probabilities",
        "A clip is flat beyond its ends: what is most wrong is never mended.",
        "End the model in a sigmoid or softmax, or compute the loss from logits.",
    )
