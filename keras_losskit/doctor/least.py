"""Is a perfect prediction the best one?"""

import numpy as np

from keras_losskit.doctor.checks.numbers import dense

PERFECT = "a perfect prediction costs least"
_DRAWS = 2
_SHARE = 0.9  # Of the samples must agree before anything is said.


def check(exam):
    """Note a loss that is higher at a perfect prediction, or on the way to it."""
    paths = [path for seed in range(_DRAWS) if (path := _path(exam.sample, seed)) is not None]
    if exam.scan.of("random", "python-random"):
        return
    if len(paths) < _DRAWS:
        _among_parameters(exam)
        return
    if exam.sample.in_batch and exam.sample.kind not in ("declared", "given"):
        return  # Of a stranger that compares samples it is not known what y_true says.
    if not _targets_matter(exam):
        return
    perfect, towards, best, seen = True, True, True, None
    for path in paths:
        found = [_values(exam, path(x)) for x in (0.0, 0.15, 0.3, 1.0)]
        beyond = _values(exam, path(2.0)) if exam.sample.domain == "real" else found[-1]
        if any(v is None or not np.isfinite(v).all() for v in found):
            return
        start, step, further, end = found
        tolerance = 1e-4 * (np.abs(start) + np.abs(end)) + 1e-7
        straight = beyond is None or exam.sample.domain != "real" or np.allclose(
            beyond - start, (step - start) / 0.075, rtol=1e-3, atol=1e-6
        )
        if straight and np.allclose(
            further - step, step - start, rtol=1e-3, atol=1e-6
        ) and np.allclose(end - start, (step - start) / 0.15, rtol=1e-3, atol=1e-6):
            if _falls_for_ever(exam):
                _say(exam, "it is linear in y_pred, and y_true only shifts it: it falls without "
                           "end, whatever the targets are")
            return  # A critic's score, too, has no best prediction; but it looks at y_true.
        perfect &= np.mean(end > start + tolerance) >= _SHARE
        best &= np.mean(end < start) >= _SHARE
        rises = (step > start + 0.1 * tolerance) & (further > step + 0.1 * tolerance)
        towards &= np.mean(rises) >= _SHARE
        seen = seen or (float(start.mean()), float(step.mean()), float(end.mean()))
    start, step, end = seen
    if perfect:
        said = (
            f"a perfect prediction costs {end:.4g}, a wrong one {start:.4g}: the loss rewards "
            "what is wrong"
        )
    elif towards:
        said = (
            f"a step from a wrong prediction towards the target raises it from {start:.4g} to "
            f"{step:.4g}"
        )
    else:
        if best:
            exam.show(PERFECT)
        return
    _say(exam, said)


def _say(exam, said):
    exam.add(
        "perfect-not-least", "error", said,
        "Training minimises: it moves away from the targets.",
        "Look for a minus sign that is missing (a similarity or log-likelihood is maximised), "
        "for y_true and y_pred in each other's place, for a factor on the wrong side.",
    )


def _among_parameters(exam):
    """Of one target and several raw parameters: whether one costs most where it is the target."""
    t, p = exam.sample.y_true, exam.sample.y_pred
    takes = exam.sample.takes
    if exam.sample.domain != "real" or p.ndim != 2 or t.dtype.kind != "f" or (
        t.size != len(p) or not 2 <= p.shape[1] <= 6 or exam.subject.of_kit
    ):
        return
    if takes is not None and takes.y_true in ("unused", "any", "ids", "relevance"):
        return
    for column in range(p.shape[1]):
        found = []
        for off in (-3.0, -1.0, 0.0, 1.0, 3.0):
            moved = p.copy()
            moved[:, column] = t.reshape(-1) + off
            found.append(_values(exam, moved))
        if any(v is None or not np.isfinite(v).all() for v in found):
            continue
        far, near, there, right, further = found
        tolerance = 1e-4 * np.abs(there) + 1e-7
        top = (there > near + tolerance) & (near > far) & (there > right + tolerance) & (
            right > further)
        even = np.allclose(near, right, rtol=1e-3, atol=1e-5)
        if even and np.mean(top) >= _SHARE:
            _say(exam, f"with column {column} of y_pred at the target it costs {there.mean():.4g}, "
                       f"3 away from it {far.mean():.4g}: the loss rewards what is wrong")
            return


def at_targets(exam):
    """Whether a loss of which nothing is known costs least where y_pred equals y_true."""
    t, p = exam.sample.y_true, exam.sample.perfect
    found, error = exam.run("gradient", t, p)
    if error is not None or found[1] is None or not np.isfinite(found[1]).all():
        return True  # That is another fault.
    value, gradient = found
    steepest = np.abs(gradient).max()
    for size in (1e-3, 1e-2, 0.1) if steepest else ():
        there, error = exam.run("value", t, (p - size * gradient / steepest).astype(p.dtype))
        if error is None and there < value - 1e-5 * abs(value) - 1e-6:
            return False
    return True


def leads_to_targets(exam):
    """Whether the value goes down, or up, all the way from y_pred to y_true.

    Else y_pred holds something else: two arrays of one shape need not be of one kind.
    """
    t, p, end = exam.sample.y_true, exam.sample.y_pred, exam.sample.perfect
    path = [exam.run("value", t, (p + x * (end - p)).astype(p.dtype)) for x in (0, 0.3, 0.6, 0.9)]
    if any(error is not None or not np.isfinite(value) for value, error in path):
        return False
    steps = np.diff([float(value) for value, _ in path])
    return bool((steps < 0).all() or (steps > 0).all())


def _falls_for_ever(exam):
    """Whether y_true only shifts a loss that is linear in y_pred: its slope knows no targets."""
    sample = exam.sample
    if sample.domain != "real" or sample.takes is not None and not sample.guessed:
        return False
    turned = np.roll(sample.y_true, 1, axis=0)
    here, there = (exam.run("gradient", t, sample.y_pred) for t in (sample.y_true, turned))
    if here[1] is not None or there[1] is not None or here[0][1] is None or there[0][1] is None:
        return False
    slope, other = here[0][1], there[0][1]
    return bool(np.any(slope) and np.allclose(slope, other, rtol=1e-5, atol=1e-9))


def _targets_matter(exam):
    """Whether the loss looks at `y_true` at all: a penalty on y_pred alone may not."""
    sample = exam.sample
    here, error = exam.run("value", sample.y_true, sample.y_pred)
    turned = np.roll(sample.y_true, 1, axis=0)
    if np.array_equal(turned, sample.y_true):
        return True
    turned[-1] = turned[0]  # Else a mean of targets alone stays what it was.
    there, other = exam.run("value", turned, sample.y_pred)
    return error is None and other is None and not np.isclose(here, there, rtol=1e-7, atol=0)


def _values(exam, y_pred):
    """One value per sample, or one number where there is only that."""
    found, error = exam.run("values", exam.sample.y_true, y_pred)
    if error is not None:
        return None
    found = found.astype("float64")
    n = len(y_pred)
    if found.ndim and len(found) == n:
        return found.reshape(n, -1).mean(axis=1)
    return found.reshape(1, -1).mean(axis=1)


def _path(sample, seed):
    """`path(x)`: predictions from wrong (0) to perfect (1); `None` where that is unknown."""
    rng = np.random.default_rng(seed + 5)
    t = dense(sample)
    p = sample.y_pred
    takes = sample.takes
    if takes is not None and takes.y_true in ("unused", "any", "ids", "relevance"):
        return None
    binary = t is not None and np.isin(t, (0, 1)).all()
    if sample.domain in ("simplex", "probability", "unit") and binary:
        rows = sample.domain == "simplex"
        other = np.roll(t, 1 + seed % max(p.shape[-1] - 1, 1), axis=-1) if rows else 1 - t
        noise = rng.uniform(0.02, 0.06, size=p.shape[:-1])[..., None]
        if rows and not np.allclose(t.sum(-1), 1):
            return None

        def path(x):
            share = (1 - noise) * (1 - x) * 0.9 + noise
            share = np.where(x == 1, 1e-3, share)
            return ((1 - share) * t + share * other).astype(p.dtype)

        return path
    if sample.domain == "logits" and binary:
        if sample.guessed:
            return None  # A softplus or softmax need not be one of logits.
        if takes is not None and takes.shapes in ("levels", "bins"):
            return None
        sign = np.where(t > 0.5, 1.0, -1.0)
        start = rng.uniform(1.6, 2.4, size=p.shape)
        return lambda x: (sign * (-start + x * (start + 6))).astype(p.dtype)
    if sample.targets_are_predictions or (
        takes is not None and takes.y_true == takes.y_pred == "logits" and sample.pairs
    ):
        return _towards_target(sample, rng)
    return None


def _towards_target(sample, rng):
    t, p = sample.perfect.astype("float64"), sample.y_pred
    if sample.domain in ("unit", "simplex"):
        if sample.domain == "unit":
            start = (t + rng.uniform(0.3, 0.7, size=p.shape)) % 1
        else:
            start = np.roll(t, 1, axis=-1)
            if not np.allclose(t.sum(-1), 1, atol=1e-3) or np.allclose(t, start):
                return None
        return lambda x: (t + (1 - x) * (start - t)).astype(p.dtype)
    off = rng.choice([-1.0, 1.0], size=p.shape) * rng.uniform(1, 3, size=p.shape)
    if sample.domain == "positive":
        low = np.maximum(t, 1e-2)
        off = np.exp(0.5 * off)
        return lambda x: (low * off ** (1 - x)).astype(p.dtype)
    if sample.domain != "real":
        return None
    return lambda x: (t + (1 - x) * off).astype(p.dtype)
