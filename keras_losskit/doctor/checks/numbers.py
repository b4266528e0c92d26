"""Numbers: the edges of the domain, odd batches, the least value, digits."""

import math

import numpy as np

from keras_losskit.doctor import digits, edges, least, reach
from keras_losskit.doctor.edges import must_be_finite
from keras_losskit.doctor.running import attempt, backend


def check(exam):
    _zero_targets(exam)
    edges.check(exam)
    _odd_batches(exam)
    _missing(exam)
    least.check(exam)
    reach.check(exam)
    least.conclude(exam)
    digits.check(exam)


def _zero_targets(exam):
    """Note given targets of 0 that a relative error cannot take."""
    sample, values = exam.sample, exam.facts.get("values")
    if values is None:
        values, error = exam.run("values", sample.y_true, sample.y_pred)
        values = None if error is not None else values
    if not sample.given or values is None or not values.ndim or sample.y_true.dtype.kind != "f":
        return
    if not sample.pairs or np.isin(sample.y_true, (0, 1)).all():
        return  # Labels, to which no error is relative.
    if len(values) != len(sample.y_true):
        return
    zero = np.any(sample.y_true.reshape(len(values), -1) == 0, axis=1)
    if not zero.any() or zero.all():
        return
    each = np.abs(values.reshape(len(values), -1)).mean(axis=1)
    there, usual = np.median(each[zero]), np.median(each[~zero])
    if not np.isfinite(usual) or np.isfinite(there) and there < 1e4 * max(usual, 1e-6):
        return
    exam.add(
        "out-of-range", "warning",
        f"in the data given, samples with a target of 0 cost {there:.3g}, the others {usual:.3g}",
        "The error is taken relative to the target: a few samples are all of the loss.",
        "Leave them out by a `sample_weight` of 0, or use a symmetric or absolute error.",
    )


def _odd_batches(exam):
    sample = exam.sample
    t, p = sample.y_true, sample.y_pred
    if len(p) > 1:
        flat = np.broadcast_to(t[:1], t.shape).copy()
        found, error = exam.run("gradient", flat, p)
        must_be_finite(exam, "targets that are all the same", flat, p, found, error)
        if sample.domain == "real" and t.dtype.kind == "f":
            still = np.broadcast_to(p[:1], p.shape).copy()
            # What data given hold nowhere need not be anything that it takes.
            nothing, word = (flat, "targets") if sample.given else (t * 0, "targets of 0")
            found, error = exam.run("gradient", nothing, still)
            must_be_finite(
                exam, f"constant predictions and {word}", nothing, still, found, error)
    if p.ndim > 2 and sample.domain in ("unit", "probability", "simplex"):
        halves = np.arange(1, p.shape[-1] + 1) if sample.domain == "simplex" else 1
        # Of powers of 2 every sum is exact: a variance is 0, and not nearly so.
        row = 0.5 ** np.minimum(halves, max(p.shape[-1] - 1, 1))
        same = np.broadcast_to(row, p.shape).astype(p.dtype)
        found, error = exam.run("gradient", t, same)
        must_be_finite(exam, "a prediction that is the same everywhere", t, same, found, error)
    if backend() == "jax" and exam.quick:
        return
    value, error = attempt(exam.runner.eagerly, "value", t[:0], p[:0])
    if error is not None or not np.isfinite(value):
        exam.add(
            "empty-batch", "info",
            "an empty batch " + ("raises" if error is not None else "gives NaN"),
            "It can occur where a replica or a filter is left without samples.",
        )


def _missing(exam):
    """Of a stranger that says what a missing target is: a sample of which nothing is known."""
    sample = exam.sample
    if exam.subject.of_kit or len(sample.y_true) < 2 or "not-finite" in exam.names:
        return
    marks = exam.scan.missing()
    if "isnan" in exam.scan.words() and sample.y_true.dtype.kind == "f":
        marks = [math.nan, *marks]
    for mark in marks[:1]:
        t = sample.y_true.copy()
        t[0] = mark
        t.reshape(len(t), -1)[1, :1] = mark
        found, error = exam.run("gradient", t, sample.y_pred)
        must_be_finite(exam, f"a sample whose targets are all {mark:g}, which it leaves out,", t,
                       sample.y_pred, found, error)
