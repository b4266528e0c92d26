"""Digits: compiled against eager, half precision, ids of many classes."""

import contextlib

import keras
import numpy as np
from keras import ops

from keras_losskit.doctor.running import Runner, attempt, backend, compiled, tensor, to_numpy
from keras_losskit.doctor.subject import Subject


def check(exam):
    """Note what the way of computing, or the dtype, changes."""
    if not exam.quick:
        compiled_equals_eager(exam)
        _half(exam)
    if not exam.quick or exam.sample.given:
        _class_ids(exam)


def compiled_equals_eager(exam):
    """Note, once, that compiled it gives another number than eagerly."""
    if "compiled-differs" in exam.names:
        return
    if exam.runner.eager or backend() == "torch" or exam.scan.of("random", "python-random"):
        return
    t, p = exam.sample.y_true, exam.sample.y_pred
    eager, error = attempt(exam.runner.eagerly, "value", t, p)
    ways = {"compiled": compiled(exam.runner._gradient), "XLA": exam.facts.get("xla")}
    for how, function in ways.items():
        if function is None:
            continue
        got, failed = exam.attempt(lambda f=function: to_numpy(f(tensor(t), tensor(p))[0]))
        if error is not None or failed is not None:
            continue
        near = 1e-6 + 1e-4 * abs(float(eager)) + 20 * _rounding(exam, eager)
        if not np.isclose(eager, got, rtol=0, atol=near, equal_nan=True):
            exam.add(
                "compiled-differs", "error",
                f"eager gives {float(eager):.6g}, {how} {float(got):.6g} on the same batch",
                "Training runs compiled: it minimises something else than what you test.",
                "Keep Python state and data-dependent Python out of the loss.",
                exam.line_of("effect"),
            )
            return
    exam.show("compiled equals eager")


def _rounding(exam, value):
    """How far the last digits of y_pred move the value."""
    t, p = exam.sample.y_true, exam.sample.y_pred
    sign = np.random.default_rng(2).choice([-1.0, 1.0], size=p.shape)
    moved = [exam.run("value", t, (p * (1 + k * 2e-7 * sign)).astype(p.dtype)) for k in (-1, 1)]
    off = [abs(float(v) - float(value)) for v, error in moved if error is None]
    return max((x for x in off if np.isfinite(x)), default=0.0)


def _half(exam):
    sample, subject = exam.sample, exam.subject
    if subject.of_kit or sample.y_true.dtype.kind in "iu" or exam.runner.eager:
        return  # The kit's template computes in float32.
    exact, error = exam.run("mean", sample.y_true, sample.y_pred)
    if error is not None:
        return
    bad = []
    for dtype, tolerance in (("float16", 0.02), ("bfloat16", 0.1)):
        cast = subject.with_dtype(dtype)
        got, error = attempt(_half_value, cast, sample, dtype)
        if error is None and not np.isclose(got, exact, rtol=tolerance, atol=tolerance / 10):
            bad.append(f"{dtype} gives {float(got):.4g}")
    if bad:
        exam.add(
            "half-precision", "info",
            f"{' and '.join(bad)} where float32 gives {float(exact):.4g}",
            "Keras casts to float32 before a loss; called by yourself on half precision it is off.",
            "Cast to float32 first, as the kit's losses do.",
        )


def _half_value(subject, sample, dtype):
    t, p = (ops.cast(ops.convert_to_tensor(x), dtype) for x in (sample.y_true, sample.y_pred))
    return float(keras.ops.convert_to_numpy(ops.cast(Runner(subject)._mean(t, p), "float32")))


_CLASSES = 301  # More than the 8 bits of bfloat16 hold.


def _class_ids(exam):
    """Whether ids above 256 stay apart: as they are computed with, and under bfloat16."""
    found = _ids(exam)
    if found is None:
        return
    ids, p = found
    if _rounded(exam, ids, p) or not exam.subject.loss or exam.subject.function is not None:
        return
    if exam.sample.domain == "cosine":
        return
    with contextlib.suppress(Exception):
        config = exam.subject.loss.get_config()
        rows = [
            _costs(Subject(type(exam.subject.loss).from_config({**config, "dtype": dtype})), ids, p)
            for dtype in ("bfloat16", "float32")
        ]
        off = np.flatnonzero(~np.isclose(*rows, rtol=0.05, atol=0.05))
        if len(off):
            i = off[0]
            exam.add(
                "ids-rounded", "warning",
                f"with dtype bfloat16 class {ids.flat[i]} of {p.shape[-1]} costs {rows[0][i]:.3g} "
                f"instead of {rows[1][i]:.3g}: the ids are rounded (to 8 bits)",
                "Another class is trained, without an error.",
                "Keep ids integers, or use `keras_losskit.CategoricalCrossentropy`.",
            )
        else:
            exam.show("class ids intact under bfloat16")


def _ids(exam):
    """`(ids, y_pred)`, four rows with large ids: of the data given, or made; `None` for neither."""
    sample = exam.sample
    t, p = sample.y_true, sample.y_pred
    n = p.shape[-1] if p.ndim > 1 else 1
    if sample.given:
        if sample.domain == "mixed" or n < 258 or t.size * n != p.size or p.ndim != 2:
            return None
        ids = t.reshape(-1)
        if (ids != np.round(ids)).any() or ids.min() < 0 or ids.max() >= n or ids.max() < 257:
            return None
        rows = np.argsort(-ids)[:4]
        return ids[rows].reshape(-1, *t.shape[1:]).astype("int32"), p[rows]
    if sample.takes is None or sample.takes.y_true != "classes" or sample.pairs:
        return None
    if sample.domain == "cosine" or p.ndim != 2 or exam.subject.function is not None:
        return None
    p = np.random.default_rng(0).normal(size=(4, _CLASSES)).astype("float32") * 3
    if sample.domain == "simplex":
        p = np.exp(p) / np.exp(p).sum(-1, keepdims=True)
    p[:, 300] = p[:, 300] / 7  # So that 300 and its neighbours differ.
    return np.array([300, 299, 257, 1], "int32"), p


def _costs(subject, ids, p):
    """What each row costs for its id, alone."""
    runner = Runner(subject)
    each = [runner.eagerly("value", ids[i : i + 1], p[i : i + 1]) for i in range(len(ids))]
    return np.array(each, "float64")


def _rounded(exam, ids, p):
    """Note ids that cost what their neighbour costs: they were rounded on the way."""
    row, n = np.repeat(p[:1], 4, axis=0), p.shape[-1]
    k = int(np.clip(ids.flat[0], 2, n - 2))
    near = np.array([k, k - 1, k + 1, k // 3], "int32")
    in_shape = near.reshape(-1, *ids.shape[1:])
    cost, error = attempt(_costs, exam.subject, in_shape, row)
    if error is not None or not np.isfinite(cost).all():
        return False
    alike = [j for j in (1, 2) if cost[j] == cost[0] and p[0, near[j]] != p[0, k]]
    if not alike or cost[3] == cost[0]:
        return False
    exam.add(
        "ids-rounded", "error",
        f"classes {k} and {near[alike[0]]} of {n} both cost {cost[0]:.4g}: their ids are rounded",
        "Half precision holds whole numbers up to 256 (bfloat16) or 2048 (float16): another "
        "class is trained, without an error.",
        "Keep ids integers: do not cast y_true to a half-precision dtype.",
        exam.line_of("cut"),
    )
    return True
