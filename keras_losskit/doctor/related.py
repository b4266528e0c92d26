"""What y_true says of y_pred, as far as the batch and runs of the loss show it."""

import numpy as np

from keras_losskit.doctor.guesses import hints


def is_about_targets(exam):
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


def targets_matter(exam):
    """Whether the loss looks at `y_true` at all: a penalty on y_pred alone may not."""
    sample = exam.sample
    here, error = exam.run("value", sample.y_true, sample.y_pred)
    turned = np.roll(sample.y_true, 1, axis=0)
    if np.array_equal(turned, sample.y_true):
        return True
    turned[-1] = turned[0]  # Else a mean of targets alone stays what it was.
    there, other = exam.run("value", turned, sample.y_pred)
    return error is None and other is None and not np.isclose(here, there, rtol=1e-7, atol=0)


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


def is_product(exam):
    """Whether a stranger's value is linear in y_pred, everywhere: y_true may hold weights."""
    sample = exam.sample
    off = np.random.default_rng(4).normal(size=sample.y_pred.shape) * 2
    found = [values_of(exam, (sample.y_pred + x * off).astype("float32")) for x in (-1, 0, 1)]
    if any(v is None or not np.isfinite(v).all() for v in found):
        return False
    low, middle, high = found
    return np.allclose(high - middle, middle - low, rtol=1e-3, atol=1e-6) and not np.allclose(
        high, low, rtol=1e-5, atol=1e-7)


def falls_for_ever(exam):
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


def follows(sample):
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
