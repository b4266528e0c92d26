"""Weights, masks and reductions: do they mean what Keras says they mean?"""

import keras
import numpy as np
from keras import ops

from keras_losskit.core.loss import Loss
from keras_losskit.doctor.check import first_line
from keras_losskit.doctor.guesses import leaves
from keras_losskit.doctor.packing import Packed
from keras_losskit.doctor.running import Runner, attempt, tensor, to_numpy


def check(exam):
    sample = exam.sample
    plain, error = exam.run("value", sample.y_true, sample.y_pred)
    if error is not None or len(sample.y_pred) < 2 or not np.isfinite(plain):
        return  # What is NaN without weights is so with them.
    if exam.scan.of("random", "python-random"):
        return  # Two calls differ by their draws.
    if exam.facts.get("flat"):
        return  # Of maps it gives one value a sample; these are none.
    batch = len(sample.y_pred)
    weights = exam.facts["sample_weight"]
    if weights is None:
        weights = np.linspace(0.5, 1.5, batch)
    weights = np.asarray(weights, "float32")
    if _takes(exam, weights):
        _scale(exam, weights)
        _zero(exam)
    _masks(exam)
    _reductions(exam, weights)


def _takes(exam, weights):
    values = exam.facts.get("values")
    high = values is not None and values.ndim > 1
    if high and not exam.subject.of_kit:
        weights = weights.reshape(-1, *(1,) * (values.ndim - 1))
    exam.facts["weight shape"] = weights.shape
    _, error = exam.run("value", exam.sample.y_true, exam.sample.y_pred, weights)
    if error is None:
        return True
    exam.add(
        "weights-raise", "warning",
        f"sample_weight of shape {weights.shape} raises {type(error).__name__}: "
        f"{first_line(error, 120)}",
        "`fit(sample_weight=...)` and `class_weight=` cannot be used.",
        "Return one value per sample.",
    )
    return False


def _shaped(exam, weights):
    return np.asarray(weights, "float32").reshape(exam.facts["weight shape"])


def _all_count(exam):
    """Whether every value counts in a mean; a loss of the kit says itself which do."""
    if exam.subject.option("ignore_class") is not None:
        return False
    for loss in leaves(exam.subject.loss):
        if not isinstance(loss, Loss) or type(loss).countable is Loss.countable:
            continue
        batch = tensor(exam.sample.y_true), tensor(exam.sample.y_pred)
        which, error = attempt(loss.countable, *batch)
        if error is not None or which is not None and not to_numpy(which).all():
            return False
    return True


def _scale(exam, weights):
    t, p, w = exam.sample.y_true, exam.sample.y_pred, _shaped(exam, weights)
    once, e = exam.run("value", t, p, w)
    twice, f = exam.run("value", t, p, 2 * w)
    reduction = getattr(exam.subject.loss, "reduction", "sum_over_batch_size")
    if e is not None or f is not None or reduction == "mean_with_sample_weight":
        return
    if not np.isfinite(once) or not np.isfinite(twice):
        return
    if exam.subject.weighs_itself:
        return  # A ratio of weighted counts does not scale.
    plain, _ = exam.run("value", t, p)
    if plain == once == twice == 0:
        return  # Of nothing, any part is nothing.
    if np.isclose(once, twice, rtol=1e-6) and np.isclose(once, plain, rtol=1e-6):
        exam.add(
            "weights-ignored", "error",
            f"weights {_listed(w)} change nothing",
            "`sample_weight` and `class_weight` of `fit` do not work with it.",
            "Do not override `__call__`; return values from `call`.",
        )
        return
    if not exam.close(twice, 2 * once, rtol=1e-4, atol=1e-7):
        exam.add(
            "weights-do-not-scale", "warning",
            f"twice the weights give {float(twice):.4g}, not twice {float(once):.4g}",
            "`sample_weight` does not mean what it means for other losses.",
            "Leave weighing to the base class: return values from `call`.",
        )
        return
    values = exam.facts.get("values")
    if not _all_count(exam):
        return
    if values is not None and values.ndim and np.ptp(values) > 1e-4:
        right = float(np.mean(values * np.broadcast_to(
            w.reshape(len(w), *(1,) * (values.ndim - 1)), values.shape)))
        if reduction in ("sum_over_batch_size", "mean") and not exam.close(
            once, right, rtol=1e-3, atol=1e-6
        ):
            exam.add(
                "weights-wrong", "error",
                f"weights {_listed(w)} give {float(once):.4g}; the weighted mean "
                f"of the values is {right:.4g}",
                "`sample_weight` and `class_weight` of `fit` do not work with it.",
                "Do not override `__call__`; return values from `call`.",
            )


def _zero(exam):
    """A weight of 0 removes a sample, finite or not."""
    t, p = exam.sample.y_true, exam.sample.y_pred
    w = np.ones(len(p), "float32")
    w[1] = 0
    w = _shaped(exam, w)
    changed = p.copy()
    changed[1] = p[0] if exam.sample.domain != "real" else p[1] + 3
    before, e = exam.run("gradient", t, p, w)
    after, f = exam.run("gradient", t, changed, w)
    if e is not None or f is not None:
        return
    values = exam.facts.get("values")
    scalar = values is not None and values.ndim == 0 and not exam.subject.weighs_itself
    if not exam.close(before[0], after[0], rtol=1e-4, atol=1e-6):
        whole, _ = exam.run("value", t, p)
        one = np.zeros(len(p), "float32")
        one[0] = 1
        only, g = exam.run("value", t, p, _shaped(exam, one))
        share = ""
        if g is None and abs(only) > 1e-9 and exam.close(whole / only, len(p), rtol=1e-3):
            share = f"; weights [1, 0, ...] only divide the value by {len(p)}"
        elif g is None and exam.close(whole, only, rtol=1e-4):
            share = "; weights [1, 0, ...] change nothing"
        exam.add(
            "weight-zero-stays", "warning",
            f"a sample of weight 0 still counts: changing it moves the loss from "
            f"{_apart(before[0], after[0])}{share}",
            "Weights cannot leave samples out" + (
                ": the value is averaged before they come." if scalar else
                "; right only for losses that compare samples with each other."),
            "Return one value per sample (`axis=-1`), not one for the batch."
            if scalar else "Take `sample_weight` in `call`"
            + ("." if exam.subject.of_kit else ", as `keras_losskit.Loss` allows."),
            exam.line_of("average") if scalar else None,
        )
        return
    spoilt = p.copy()
    spoilt[1] = np.nan
    got, error = exam.run("gradient", t, spoilt, w)
    if error is not None:
        return
    clean = np.isfinite(got[0]) and (got[1] is None or np.isfinite(got[1]).all())
    if clean:
        exam.show("weight 0 removes a sample, NaN too")
    else:
        exam.add(
            "weight-zero-nan", "info", "a sample of NaN and weight 0 makes the loss NaN",
            "Keras multiplies: 0 times NaN is NaN.",
            "Subclass `keras_losskit.Loss`, or `keras_losskit.as_loss(loss)`: it empties such "
            "samples first.",
        )


def _masks(exam):
    t, p = exam.sample.y_true, exam.sample.y_pred
    values = exam.facts.get("values")
    if values is None or values.shape != p.shape[:1] or exam.subject.weighs_itself:
        return
    if exam.sample.in_batch or isinstance(exam.subject, Packed):
        return  # Of a dict Keras reads no mask.
    mask = np.ones(len(p), bool)
    mask[1] = False

    def masked():
        y_pred = tensor(p)
        y_pred._keras_mask = tensor(mask)
        return to_numpy(exam.subject(tensor(t), y_pred))

    got, error = exam.attempt(masked)
    reduction = getattr(exam.subject.loss, "reduction", None)
    if error is not None or reduction not in ("sum_over_batch_size", "mean"):
        return
    expected = float(np.mean(values[mask]))
    if exam.close(got, expected, rtol=1e-3, atol=1e-6):
        exam.show("masks hold")
        return
    rest, error = attempt(exam.runner.eagerly, "value", t[mask], p[mask])
    if error is None and exam.close(got, rest, rtol=1e-3, atol=1e-6):
        exam.show("masks hold")
        return
    exam.add(
        "mask-ignored", "warning",
        f"with one of {len(p)} samples masked it gives {float(got):.4g}; the others' mean is "
        f"{expected:.4g}",
        "Padding from `Masking` or `Embedding(mask_zero=True)` is trained on.",
        "Do not override `__call__`; the base class applies masks to what `call` returns.",
    )


def _reductions(exam, weights):
    subject, t, p = exam.subject, exam.sample.y_true, exam.sample.y_pred
    values = exam.facts.get("values")
    if values is None or values.ndim == 0 or subject.weighs_itself:
        return
    if exam.quick and subject.of_kit:
        return
    if not subject.of_kit and type(subject.loss).__call__ is keras.losses.Loss.__call__:
        return  # Keras' own template reduces; what it does is not the loss's doing.
    if not _all_count(exam):
        return
    w = np.broadcast_to(
        _shaped(exam, weights).reshape(len(p), *(1,) * (values.ndim - 1)), values.shape
    ) if "weight shape" in exam.facts else np.ones(values.shape)
    expected = {
        "none": values * w, "sum": (values * w).sum(), "mean": (values * w).mean(),
        "mean_with_sample_weight": (values * w).sum() / w.sum(),
    }
    wrong = []
    for reduction, right in expected.items():
        other, error = attempt(subject.with_reduction, reduction)
        if error is not None:
            continue
        runner = Runner(other, exam.state)
        got, error = attempt(
            lambda r=runner: to_numpy(ops.convert_to_tensor(
                r._raw(tensor(t), tensor(p), tensor(_shaped(exam, weights)))))
        )
        if error is None and (
            np.shape(got) != np.shape(right) or not exam.close(got, right, rtol=1e-3, atol=1e-5)
        ):
            wrong.append(f"{reduction!r} gives {_short(got)} instead of {_short(right)}")
    if wrong and not {"weights-ignored", "weights-wrong"} & exam.names:
        exam.add(
            "reduction-ignored", "warning", f"with weights, reduction={'; '.join(wrong[:2])}",
            "`reduction` does not mean what Keras says; distributed training relies on it.",
            "Do not override `__call__`; return values from `call`.",
        )
    elif not wrong:
        exam.show("every reduction consistent")


def _short(x):
    x = np.asarray(x)
    return f"{float(x):.4g}" if x.ndim == 0 else f"an array of shape {x.shape}"


def _apart(a, b):
    """Two numbers, in so many digits that one sees that they differ."""
    for digits in (4, 6, 9):
        words = [f"{float(x):.{digits}g}" for x in (a, b)]
        if words[0] != words[1]:
            break
    return " to ".join(words)


def _listed(weights):
    return f"[{', '.join(f'{x:.3g}' for x in weights.ravel()[:4])}, ...]"
