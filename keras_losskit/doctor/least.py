"""Is a perfect prediction the best one?"""

import numpy as np

from keras_losskit.doctor.guesses import hints
from keras_losskit.doctor.kinds import dense, hard

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
    if not _is_about_targets(exam) or not _targets_matter(exam):
        return
    perfect, towards, best, better, seen = True, True, True, [], None
    for path in paths:
        found = [values_of(exam, path(x)) for x in (0.0, 0.15, 0.3, 1.0)]
        beyond = values_of(exam, path(2.0)) if exam.sample.domain == "real" else found[-1]
        if any(v is None or not np.isfinite(v).all() for v in found):
            return
        start, step, further, end = found
        tolerance = 1e-4 * (np.abs(start) + np.abs(end)) + 1e-7
        straight = beyond is None or exam.sample.domain != "real" or np.allclose(
            beyond - start, (step - start) / 0.075, rtol=1e-3, atol=1e-6
        )
        flat = np.allclose(end, start, rtol=1e-4, atol=1e-7)
        if straight and not flat and np.allclose(
            further - step, step - start, rtol=1e-3, atol=1e-6
        ) and np.allclose(end - start, (step - start) / 0.15, rtol=1e-3, atol=1e-6):
            if _falls_for_ever(exam):
                _say(exam, "it is linear in y_pred, and y_true only shifts it: it falls without "
                           "end, whatever the targets are")
            return  # A critic's score, too, has no best prediction; but it looks at y_true.
        # Of a class that weighs nothing, or is left out, nothing moves either way.
        moved = np.abs(end - start) > tolerance
        moved = moved if moved.mean() >= 0.5 else np.ones_like(moved)
        perfect &= np.mean((end > start + tolerance)[moved]) >= _SHARE
        best &= np.mean(end < start) >= _SHARE
        better.append(np.mean((end < start - 0.05 * np.abs(start) - 1e-7)[moved]))
        rises = (step > start + 0.1 * tolerance) & (further > step + 0.1 * tolerance)
        towards &= np.mean(rises[moved]) >= _SHARE
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
    elif exam.sample.given and _holds_labels(exam.sample) and np.mean(better) < 0.5:
        said = (
            f"a perfect prediction costs {end:.4g}, one of wrong classes {start:.4g}; it costs "
            f"less for {np.mean(better):.0%} of the samples"
        )
    else:
        exam.facts["perfect is best"] = best
        return
    if exam.sample.kind in ("declared", "given") or not _is_product(exam):
        _say(exam, said)


def conclude(exam):
    """Note that the least value lies elsewhere by the data given, or show that it does not."""
    if "unbounded" in exam.names or "perfect is best" not in exam.facts:
        return
    elsewhere = _elsewhere(exam)
    if elsewhere is not None:
        _say(exam, elsewhere, "warning")
    elif exam.facts["perfect is best"]:
        exam.show(PERFECT)


def _is_about_targets(exam):
    """Whether what y_true holds is, as far as is known, what y_pred should be."""
    sample = exam.sample
    if sample.kind in ("declared", "given"):
        return not _may_be_distances(exam)
    if sample.in_batch:
        return False  # Of a stranger that compares samples it is not known what y_true says.
    ids = sample.takes is not None and sample.takes.y_true == "classes" and sample.y_true.ndim == 1
    if ids and "samples-mixed" in exam.names:
        return False  # Who belongs together, rather than what a sample is.
    return not columns_differ(exam)


def columns_differ(exam):
    """Whether a stranger's made columns of y_pred mean something else than those of y_true."""
    sample = exam.sample
    if sample.kind in ("declared", "given") or not sample.pairs or sample.y_pred.ndim != 2:
        return False
    if "columns differ" not in exam.facts:
        exam.facts["columns differ"] = _columns_differ(exam)
    return exam.facts["columns differ"]


def _columns_differ(exam):
    t, p = exam.sample.y_true, exam.sample.y_pred
    found, error = exam.run("gradient", t, p)
    if error is not None or found[1] is None or p.shape[1] < 2:
        return False
    moved = []
    for column in range(t.shape[1]):
        other = t.copy()
        other[:, column] = np.roll(other[:, column], 1) + (t.dtype.kind == "f") * 0.25
        value, error = exam.run("value", other, p)
        moved.append(error is not None or not np.isclose(value, found[0], rtol=1e-7, atol=0))
    return not np.array_equal(np.array(moved), np.any(found[1] != 0, axis=0))


def _is_product(exam):
    """Whether a stranger's value is linear in y_pred, everywhere: y_true may hold weights."""
    sample = exam.sample
    off = np.random.default_rng(4).normal(size=sample.y_pred.shape) * 2
    found = [values_of(exam, (sample.y_pred + x * off).astype("float32")) for x in (-1, 0, 1)]
    if any(v is None or not np.isfinite(v).all() for v in found):
        return False
    low, middle, high = found
    return np.allclose(high - middle, middle - low, rtol=1e-3, atol=1e-6) and not np.allclose(
        high, low, rtol=1e-5, atol=1e-7)


def _holds_labels(sample):
    """Whether the targets are classes, not of one alone, and y_pred may be what says which.

    Numbers without a sign may be distances, which are small where the label is 1.
    """
    t, p = hard(sample), sample.y_pred
    if t is None or sample.domain == "positive":
        return False
    if sample.domain == "real" and p.min(initial=0) >= 0:
        return False
    return bool(np.ptp(t.reshape(-1, t.shape[-1] if t.ndim else 1), axis=0).any())


def _may_be_distances(exam):
    """Whether a stranger's name speaks of pairs, or given predictions are small for labels of 1."""
    sample = exam.sample
    if not sample.given or sample.takes is not None or not sample.pairs:
        return False
    t, p = sample.y_true, sample.y_pred
    if not np.isin(t, (0, 1)).all() or p.min(initial=0) < 0:
        return False
    if {"views", "embeddings"} & set(hints(exam.subject)):
        return True
    return bool(np.ptp(t)) and p[t == 1].mean() < p[t == 0].mean() - p.std()


_FOLLOWS = 0.7  # The least correlation of predictions that follow their targets.
_ALL_BUT = 0.8  # Of what can be gained, so much lies beyond the targets.


def _elsewhere(exam):
    """In words, that the least value lies away from targets which given predictions follow."""
    sample = exam.sample
    if not sample.given or sample.takes is not None or not _follows(sample):
        return None
    t, end = sample.y_true, sample.perfect
    here, error = exam.run("value", t, sample.y_pred)
    there, other = exam.run("gradient", t, end)
    if error is not None or other is not None or there[1] is None:
        return None
    value, gradient = float(there[0]), there[1]
    steepest, size = np.abs(gradient).max(), float(np.std(t))
    if not np.isfinite(gradient).all() or not steepest or not np.isfinite(here):
        return None
    steps = np.geomspace(1e-3, 8, 24) * size / steepest
    tried = [exam.run("value", t, (end - s * gradient).astype(end.dtype)) for s in steps]
    least = min((float(v) for v, e in tried if e is None and np.isfinite(v)), default=value)
    if value - least < _ALL_BUT * (max(float(here), value) - least) or value - least < 1e-6:
        return None
    return (
        f"y_pred follows y_true in the data given, and yet the value falls from {value:.4g} at "
        f"y_pred = y_true to {least:.4g} elsewhere; at y_pred it is {float(here):.4g}"
    )


def _follows(sample):
    """Whether given predictions are, by their numbers, predictions of these very targets."""
    if not sample.pairs or sample.y_true.dtype.kind != "f" or sample.y_true.size < 8:
        return False
    known = ~np.isnan(sample.y_true)
    t, p = (x[known].astype("float64") for x in (sample.y_true, sample.y_pred))
    if not known.any() or np.isin(t, (0, 1)).all() or not t.std() or not p.std():
        return False
    return (
        np.corrcoef(t, p)[0, 1] > _FOLLOWS and 0.6 < p.std() / t.std() < 1.6
        and abs(p.mean() - t.mean()) < 0.5 * t.std()
    )


def _say(exam, said, severity="error"):
    exam.add(
        "perfect-not-least", severity, said,
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
            found.append(values_of(exam, moved))
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


def values_of(exam, y_pred):
    """One value per sample, or the one number that there is; `None` where it raises."""
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
    binary = hard(sample) is not None
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
    if sample.given and sample.domain == "real" and _holds_labels(sample):
        rows = p.ndim > 1 and p.shape[-1] > 1 and np.all(t.sum(-1) == 1)
        start = np.roll(t, rng.integers(1, p.shape[-1]), axis=-1) if rows else 1 - t
        return lambda x: (t + (1 - x) * (start - t)).astype(p.dtype)
    off = rng.choice([-1.0, 1.0], size=p.shape) * rng.uniform(1, 3, size=p.shape)
    if sample.domain == "positive":
        low = np.maximum(t, 1e-2)
        off = np.exp(0.5 * off)
        return lambda x: (low * off ** (1 - x)).astype(p.dtype)
    if sample.domain != "real":
        return None
    return lambda x: (t + (1 - x) * off).astype(p.dtype)
