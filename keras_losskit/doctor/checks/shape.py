"""Shape: what the loss returns, and the trap of (N,) against (N, 1)."""

import functools
from dataclasses import replace

import numpy as np

from keras_losskit.doctor import batches, kinds
from keras_losskit.doctor.running import attempt

# Targets of one column that is compared with one of y_pred.
_COLUMNS = ("real", "positive", "nonnegative", "counts", "probability", "signs")


_ALIGN = (
    "Subclass `keras_losskit.Loss`, which aligns the shapes or raises; or begin with "
    "`y_true = ops.reshape(y_true, ops.shape(y_pred))` (of the column that is used)."
)
_ALIGN_OF_KIT = (
    "Take columns that keep their axis (`y_pred[..., :1]`), and let `takes` say how the two "
    "shapes belong together."
)
_EVERY = "Every target is compared with every prediction; training runs, to a wrong end."


def check(exam):
    _returned(exam)
    if not _outer(exam):
        _broadcast_trap(exam)
    _weights_on_higher_ranks(exam)
    batches.check(exam)


def _returned(exam):
    sample, subject = exam.sample, exam.subject
    values, error = exam.run("values", sample.y_true, sample.y_pred)
    if error is not None:
        return
    exam.facts["values"] = values
    batch = sample.y_pred.shape[0] if sample.y_pred.ndim else 1
    if subject.weighs_itself:
        return
    if (values.ndim == 0 or values.shape[0] != batch) and _for_maps(exam):
        exam.facts["flat"] = True
        return
    if values.ndim == 0:
        exam.add(
            "scalar", "warning",
            f"it returns one number for a batch of {batch}, already averaged or summed",
            "`sample_weight`, masks and `reduction` need one value per sample: here weights only "
            "scale the whole number, and `reduction` does nothing.",
            "Return one value per sample, say `ops.mean(..., axis=-1)`; Keras averages them.",
            exam.line_of("average"),
        )
    elif 8 <= values.shape[0] != batch and values.shape[0] in exam.scan.numbers():
        batches.fixed(
            exam, f"it returns shape {values.shape} for a batch of {batch}: {values.shape[0]} "
                  "stands in its source")
    elif values.shape[0] != batch:
        exam.add(
            "not-per-sample", "error",
            f"it returns shape {values.shape} for y_pred {sample.y_pred.shape}: the first axis "
            f"is not the batch's {batch}",
            "Weights and masks then weigh something else than samples, without an error.",
            "Reduce over the last axis, not over the batch: `axis=-1`.",
            exam.line_of("average"),
        )
    else:
        per = "sample" if values.ndim == 1 else "position"
        exam.show(f"one value per {per}, {values.shape}")


def _for_maps(exam):
    """Whether a stranger gives one value per sample of maps: then the made data are flat."""
    sample = exam.sample
    takes = sample.takes
    if not sample.guessed or takes is None or takes.shapes not in ("equal", "decisions"):
        return False
    n = sample.y_pred.shape[-1]
    maps = kinds.declared(replace(takes, shapes="maps"), n, rows=True)
    values, error = exam.run("values", maps.y_true, maps.y_pred)
    return error is None and values.ndim > 0 and len(values) == len(maps.y_pred)


def _outer(exam):
    """Note values of which not only the first axis is the batch: an outer product."""
    sample, values = exam.sample, exam.facts.get("values")
    n = len(sample.y_pred) if sample.y_pred.ndim else 0
    if values is None or values.ndim < 2 or n < 2 or n not in values.shape[1:] or sample.in_batch:
        return False
    t, p = sample.y_true, sample.y_pred
    if len(t) != n:
        return False
    half, error = exam.run("values", t[: n - 1], p[: n - 1])
    if error is not None or half.shape[1:] == values.shape[1:]:
        return False
    right, error = exam.run("values", t[:1], p[:1])
    mean = "" if error is not None else (
        f": {values.mean():.4g}, and {right.mean():.4g} for its first sample alone")
    exam.add(
        "broadcast", "error" if sample.kind == "given" else "warning",
        f"y_true {t.shape} against y_pred {p.shape} gives values {values.shape}, of {n - 1} "
        f"samples {half.shape}{mean}",
        _EVERY, _ALIGN_OF_KIT if exam.subject.of_kit else _ALIGN, exam.line_of("difference"),
    )
    return True


def _columns(exam):
    """A pair `(y_true (B, 1), y_pred)` to try the trap on, or `None`."""
    sample = exam.sample
    t, p = sample.y_true, sample.y_pred
    takes = sample.takes
    if sample.domain == "mixed":
        return None
    if not sample.given and takes.y_true in _COLUMNS and takes.shapes in ("equal", "decisions"):
        column = kinds.declared(takes, 1)
        return column.y_true, column.y_pred
    alike = ("equal", "decisions", "columns", "classes", "free")
    if takes is not None and takes.shapes not in alike:
        return None
    one = p.ndim <= 1 or (p.ndim == 2 and p.shape[-1] == 1)
    if one and t.size == p.size and p.size > 1:
        return t.reshape(-1, 1), p.reshape(-1, 1)
    if p.ndim == 2 and t.size == len(p) > 1:
        return t.reshape(-1, 1), p
    return None


def _broadcast_trap(exam):
    pair = _columns(exam)
    if pair is None or exam.scan.of("random", "python-random"):
        return
    t, p = pair
    forms = [(t[:, 0], p), (t, p)]
    if p.shape[-1] == 1:
        forms += [(t, p[:, 0]), (t[:, 0], p[:, 0])]
    tried = []
    for a, b in forms:
        value, error = exam.run("value", a, b)
        if error is None and np.isfinite(value):
            tried.append((a, b, float(value)))
    if not tried:
        return
    reference = min(v for *_, v in tried), max(v for *_, v in tried)
    names = [f"{a.shape}/{b.shape}" for a, b, _ in tried]
    crosses = functools.cache(lambda i: _crosses(exam, *tried[i][:2]))
    columns = [i for i, (a, b, _) in enumerate(tried) if a.shape == b.shape and a.ndim == 2]
    if exam.close(*reference, rtol=1e-4, atol=1e-6) and not (
        exam.sample.given and any(map(crosses, columns))
    ):
        if len(tried) > 1:
            exam.show(f"y_true/y_pred of {', '.join(names)} give one number")
        return
    bad = []
    for i, (a, b, value) in enumerate(tried):
        if a.ndim == b.ndim == 1:
            continue  # Nothing to broadcast; a vector may mean one sample to the loss.
        if a.shape == b.shape and not crosses(i):
            continue
        singles = [exam.run("value", a[k : k + 1], b[k : k + 1]) for k in range(len(a))]
        if any(e is not None for _, e in singles):
            continue
        right = float(np.mean([v for v, _ in singles]))
        if not exam.close(value, right, rtol=1e-3, atol=1e-6):
            bad.append((i, right))
    given = exam.sample.y_true.shape, exam.sample.y_pred.shape
    bad.sort(key=lambda found: tuple(x.shape for x in tried[found[0]][:2]) != given)
    for i, right in bad[:1]:
        a, b, value = tried[i]
        n = len(a)
        where = "" if not exam.sample.given or given == (a.shape, b.shape) else (
            "if the data came in other shapes: ")
        perfect = ""
        if a.size == b.size:
            score, _ = exam.run("value", a, a.reshape(b.shape).astype(b.dtype))
            ideal, _ = exam.run("value", a.reshape(-1, 1), a.reshape(-1, 1).astype(b.dtype))
            apart = None not in (score, ideal) and not exam.close(score, ideal, rtol=1e-3)
            if apart:
                perfect = f"; a perfect prediction scores {score:.4g} instead of {ideal:.4g}"
        fine = [name for k, name in enumerate(names) if k not in dict(bad)]
        certain = exam.sample.given and not where and crosses(i)
        exam.add(
            "broadcast", "info" if where else "error" if certain else "warning",
            f"{where}y_true {a.shape} against y_pred {b.shape} is broadcast to ({n}, {n}): "
            f"{value:.4g} where the samples' mean is {right:.4g}{perfect}"
            + (f"; right with {', '.join(fine)}" if fine else ""),
            _EVERY, _ALIGN_OF_KIT if exam.subject.of_kit else _ALIGN,
            exam.line_of("difference"),
        )


_FEW = 4


def _crosses(exam, a, b):
    """Whether the value of a few samples is the mean over all pairs of target and prediction."""
    n = min(_FEW, len(a))
    whole, error = exam.run("value", a[:n], b[:n])
    pairs = [[exam.run("value", a[i : i + 1], b[j : j + 1]) for j in range(n)] for i in range(n)]
    if error is not None or any(e is not None for row in pairs for _, e in row):
        return False
    pairs = np.array([[float(v) for v, _ in row] for row in pairs])
    return bool(
        exam.close(whole, pairs.mean(), rtol=1e-3, atol=1e-6)
        and not exam.close(whole, np.diag(pairs).mean(), rtol=1e-3, atol=1e-6)
    )


def _weights_on_higher_ranks(exam):
    takes = exam.sample.takes
    if exam.subject.of_kit or exam.quick or exam.sample.domain == "mixed":
        return
    if takes is None or not exam.sample.pairs or takes.shapes not in ("equal", "decisions"):
        return
    n = exam.sample.y_pred.shape[-1]
    sample = kinds.declared(replace(takes, shapes="maps"), n, rows=True)
    values, error = exam.run("values", sample.y_true, sample.y_pred)
    if error is not None or values.ndim < 2:
        return
    weights = np.linspace(0.5, 1.5, len(values)).astype("float32")
    found, error = attempt(
        exam.runner.eagerly, "value", sample.y_true, sample.y_pred, weights
    )
    right = np.mean(values * weights.reshape(-1, *(1,) * (values.ndim - 1)))
    if error is not None or not exam.close(found, right, rtol=1e-4):
        exam.add(
            "weights-from-the-right", "info",
            f"weights {weights.shape} on values {values.shape} "
            + ("raise" if error is not None else "weigh the wrong axis"),
            "Keras aligns weights from the right; where two sizes are equal it weighs the wrong "
            "axis without an error.",
            "Give weights of shape (B, 1, 1), or use `keras_losskit.as_loss(loss)`.",
        )
