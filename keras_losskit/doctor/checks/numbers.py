"""Numbers: the edges of the domain, odd batches, half precision, class ids."""

import contextlib

import keras
import numpy as np
from keras import ops

from keras_losskit.doctor import causes
from keras_losskit.doctor.guesses import hints
from keras_losskit.doctor.kinds import make
from keras_losskit.doctor.running import (
    Runner,
    attempt,
    backend,
    compiled,
    tensor,
    to_numpy,
)
from keras_losskit.doctor.subject import Subject


def check(exam):
    from keras_losskit.doctor import least

    _zero_targets(exam)
    _edges(exam)
    _refused(exam)
    _odd_batches(exam)
    least.check(exam)
    if not exam.quick:
        _compiled_equals_eager(exam)
        _half(exam)
        _class_ids(exam)


PERFECT = "a perfect prediction"


def dense(sample):
    """Targets in the shape of y_pred: one-hot rows from ids; `None` if they are neither."""
    t, p = sample.y_true, sample.y_pred
    if t.shape == p.shape:
        return sample.perfect.astype("float32")
    if t.dtype.kind in "iu" and p.ndim and t.size * p.shape[-1] == p.size:
        ids = t.reshape(p.shape[:-1]).clip(0, p.shape[-1] - 1)
        return np.eye(p.shape[-1], dtype="float32")[ids]
    return None


def _soft(t, domain):
    """Targets between 0 and 1."""
    if domain == "simplex":
        return 0.8 * t + 0.2 / t.shape[-1]
    return 0.2 + 0.6 * t


def edges(sample):
    """`(what, y_pred, wrong, severity)`: predictions at the edges of the domain.

    A fifth part is the targets, where they are others than the sample's.
    """
    t, p = dense(sample), sample.y_pred
    if sample.domain in ("probability", "simplex", "unit") and t is not None:
        if sample.domain == "simplex":
            wrong = np.roll(t, 1, axis=-1)
        else:
            wrong = 1 - (t > 0.5)
        yield "exact 0 and 1, all right", (t > 0.5) * 1.0, False, "error"
        yield "exact 0 and 1, all wrong", wrong, True, "error"
        if not sample.pairs:
            return
        hard = np.isin(t, (0, 1)).all()
        if sample.domain != "unit":
            soft = _soft(t, sample.domain)
            yield "a perfect prediction of soft targets", soft, False, "error", soft
        elif not hard:
            yield PERFECT, t, False, "error"
        if hard or sample.domain != "unit":
            nothing = t * 0
            if sample.domain == "simplex":
                nothing[..., 0] = 1
            # A row of one column is never empty by chance, a mask is.
            mask = sample.domain != "unit" or p.ndim > 2
            yield (
                "targets that are all background, predicted exactly", nothing, False,
                "error" if mask else "info", nothing,
            )
    elif sample.domain == "logits":
        sign = np.where(t > 0.5, 1.0, -1.0) if t is not None else np.where(p > 0, 1.0, -1.0)
        yield "logits of 30, all wrong", -30 * sign, t is not None, "error"
        yield "logits of 100, all right", 100 * sign, False, "error"
        yield "logits of 100, all wrong", -100 * sign, t is not None, "error"
    elif sample.domain == "boxes":
        yield "identical boxes", sample.y_true, False, "error"
        yield "boxes of zero area", np.concatenate([p[..., :2]] * 2, -1), False, "error"
        yield "disjoint boxes", p + 10, False, "error"
    elif sample.domain == "cosine":
        sign = np.where((np.arange(p.size) % 2).reshape(p.shape), 1.0, -1.0)
        yield "cosines of exactly 1 and -1", sign, False, "error"
    elif sample.targets_are_predictions:
        yield PERFECT, sample.perfect, False, "error"
        sign = np.where((np.arange(p.size) % 2).reshape(p.shape), 1.0, -1.0)
        if sample.domain == "positive":
            yield "predictions 100 too high", sample.perfect + 100, False, "error"
            yield "predictions of 1e-6", p * 0 + 1e-6, False, "warning"
        else:
            yield "errors of 100", sample.perfect + 100 * sign, False, "error"
            yield "errors of 1e6", sample.perfect + 1e6 * sign, False, "warning"
            yield "predictions of exactly 0", p * 0, False, "error"
            if sample.y_true.dtype.kind == "f" and sample.kind != "given":
                yield "targets of 0, predicted exactly", p * 0, False, "error", p * 0
    elif sample.domain == "real":
        yield "predictions of exactly 0", p * 0, False, "error"
        raw = sample.takes is not None and sample.kind == "declared"
        # A log variance, say, is never that large; who declares raw numbers means any.
        yield "predictions of 100 times the size", p * 100, False, "error" if raw else "info"


def _edges(exam):
    from keras_losskit.doctor import least

    sample, fine, stuck = exam.sample, [], False
    stranger = sample.takes is None or sample.guessed
    far = stranger and sample.targets_are_predictions and not least.at_targets(exam)
    foreign = sample.given and stranger and (
        sample.targets_are_predictions and not least.leads_to_targets(exam))
    for what, y_pred, wrong, severity, *others in edges(sample):
        if far and what.startswith("errors of"):
            severity = "info"  # What y_pred holds is not known: raw numbers are never that large.
        if foreign and what == PERFECT:
            continue  # What y_pred holds is something else than what y_true does.
        y_pred = np.asarray(y_pred, sample.y_pred.dtype)
        y_true = others[0].astype("float32") if others else sample.y_true
        found, error = exam.run("gradient", y_true, y_pred)
        if error is not None:
            continue
        value, gradient = found
        bad = [
            f"the {word} is {_spoken(x)}"
            for word, x in (("value", value), ("gradient", gradient))
            if x is not None and not np.isfinite(x).all()
        ]
        if bad:
            exam.add(
                "not-finite", severity, f"at {what} {' and '.join(bad)}",
                "One such batch makes every weight of the model NaN.",
                *causes.of_not_finite(exam, y_true, y_pred),
            )
        else:
            fine.append(what)
        if wrong and not bad and not stuck and "no-gradient" not in _names(exam):
            stuck = _saturation(exam, what, gradient)
    _empty_mask(exam)
    if fine:
        exam.show(f"finite at {', '.join(fine)}")


def _empty_mask(exam):
    """Of what is made for maps: one channel of which nothing is there, and nothing predicted."""
    if exam.sample.kind != "map" or "map_binary" not in hints(exam.subject):
        return
    mask = make("map_binary")
    nothing = mask.y_true * 0
    usual, error = exam.run("gradient", mask.y_true, mask.y_pred)
    if error is not None or not all(x is None or np.isfinite(x).all() for x in usual):
        return
    found, error = exam.run("gradient", nothing, nothing)
    _must_be_finite(exam, "an empty mask of one channel, predicted exactly,", nothing, nothing,
                    found, error)


def _refused(exam):
    """Note another kind of data, as likely by what is known, on which it is not finite."""
    if "not-finite" in _names(exam):
        return
    for other in exam.sample.refused[:1]:
        if other.domain == exam.sample.domain:
            continue
        exam.add(
            "not-finite", "info",
            f"on {other} the value or gradient is not finite; on {exam.sample} it is",
            "Right only where a layer before it sees to it that predictions are such as these.",
            *causes.of_not_finite(exam, other.y_true, other.y_pred),
        )


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


def _names(exam):
    return {f.name for f in exam.findings}


def _spoken(x):
    x = np.asarray(x)
    kind = "NaN" if np.isnan(x).any() else "infinite"
    return kind if x.ndim == 0 else f"{kind} in {int((~np.isfinite(x)).sum())} of {x.size} places"


def _saturation(exam, what, gradient):
    """Whether a confidently wrong model gets no gradient at all."""
    if gradient is None or np.any(gradient):
        return False
    logits = exam.sample.domain == "logits"
    # Probabilities are clipped by convention, and at 100 bounded losses are flat in float32.
    # What the data given bring about, all background say, need not be so on others.
    severity = "error" if logits and "30" in what and not exam.sample.given else "info"
    exam.add(
        "saturates", severity,
        f"the gradient is exactly 0 at {what}: where the model is most wrong",
        "A confidently wrong model learns nothing from its worst mistakes.",
        "Compute from logits with softplus or logsumexp rather than from clipped probabilities"
        + ("." if exam.subject.of_kit else "; the kit's losses do."),
    )
    return True


def _odd_batches(exam):
    sample = exam.sample
    t, p = sample.y_true, sample.y_pred
    if len(p) > 1:
        flat = np.broadcast_to(t[:1], t.shape).copy()
        found, error = exam.run("gradient", flat, p)
        _must_be_finite(exam, "targets that are all the same", flat, p, found, error)
        if sample.domain == "real" and t.dtype.kind == "f":
            still = np.broadcast_to(p[:1], p.shape).copy()
            found, error = exam.run("gradient", t * 0, still)
            _must_be_finite(
                exam, "constant predictions and targets of 0", t * 0, still, found, error)
    if backend() == "jax" and exam.quick:
        return
    value, error = attempt(exam.runner.eagerly, "value", t[:0], p[:0])
    if error is not None or not np.isfinite(value):
        exam.add(
            "empty-batch", "info",
            "an empty batch " + ("raises" if error is not None else "gives NaN"),
            "It can occur where a replica or a filter is left without samples.",
        )


def _must_be_finite(exam, what, y_true, y_pred, found, error):
    if error is not None:
        return
    bad = [x for x in found if x is not None and not np.isfinite(x).all()]
    if bad:
        exam.add(
            "not-finite", "error", f"with {what} the {'value' if bad[0].ndim == 0 else 'gradient'} "
            f"is {_spoken(bad[0])}",
            "Small or sorted batches hold such targets; one makes every weight NaN.",
            *causes.of_not_finite(exam, y_true, y_pred),
        )


def _compiled_equals_eager(exam):
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
                f"with dtype bfloat16 class {ids[i]} of {p.shape[-1]} costs {rows[0][i]:.3g} "
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
        return ids[rows].astype("int32"), p[rows]
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
    k = int(np.clip(ids[0], 2, n - 2))
    near = np.array([k, k - 1, k + 1, k // 3], "int32")
    cost, error = attempt(_costs, exam.subject, near, row)
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
