"""Gradient: missing, zero, not finite, or not the derivative of the value."""

import numpy as np

from keras_losskit.doctor import causes, data, digits, slopes
from keras_losskit.doctor.check import first_line
from keras_losskit.doctor.checks.graph import numpy_meets_a_tensor, written_for_another
from keras_losskit.doctor.packing import Packed
from keras_losskit.doctor.profile import breaks
from keras_losskit.doctor.running import wide
from keras_losskit.doctor.source import line_of


def check(exam):
    sample = exam.sample
    found, error = exam.run("gradient", sample.y_true, sample.y_pred)
    if error is not None:
        said = f"{type(error).__name__}: {first_line(error)}"
        if not exam.runner.eager and not written_for_another(exam, said) and (
            not numpy_meets_a_tensor(exam, error)
        ):
            exam.add("no-gradient", "error", f"taking the gradient raises {said}",
                     "Nothing can be trained.", line=line_of(error, exam.scan.sources))
        return
    value, gradient = found
    exam.facts["gradient"] = gradient
    finite = gradient is None or np.isfinite(gradient).all()
    if sample.given and finite and not np.isfinite(value):
        exam.add(
            "not-finite", "error",
            f"on {sample} the value is {'NaN' if np.isnan(value) else 'infinite'}",
            "What is logged says nothing, and the least of it is nowhere.",
            *causes.of_not_finite(exam, sample.y_true, sample.y_pred),
        )
    if gradient is None or not np.any(gradient):
        if not _only_saturated(exam, gradient) and not _only_here(exam):
            _missing(exam, gradient)
        return
    if not np.isfinite(gradient).all():
        bad = int((~np.isfinite(gradient)).sum())
        exam.add(
            "gradient-not-finite", "error",
            f"{bad} of {gradient.size} gradient entries are NaN or infinite on {sample}",
            "One NaN makes every weight of the model NaN.",
            *causes.of_not_finite(exam, sample.y_true, sample.y_pred),
        )
        return
    if not _rows(exam, gradient):
        _zeros(exam, gradient)
    _against_differences(exam)
    if sample.targets_are_predictions:
        breaks(exam)


def _only_saturated(exam, gradient):
    """Whether nothing moves because of the data, all of them exactly 0 or 1."""
    sample = exam.sample
    if gradient is None or slopes.saturated(sample) < 0.5:
        return False
    found, error = exam.run("gradient", sample.y_true, slopes.inside(sample))
    if error is not None or found[1] is None or not np.any(found[1]):
        return False
    exam.add(
        "saturates", "info",
        "the gradient is 0 on these data, whose predictions are exactly 0 and 1; a little inside "
        "it is not",
        "There a clip, or the loss itself, is flat: a confidently wrong model learns nothing.",
        "Compute from logits; a sigmoid or softmax in float32 reaches 0 and 1 exactly.",
    )
    _against_differences(exam, slopes.inside(sample))
    return True


def _only_here(exam):
    """Whether nothing moves because of the data given: on made data it does."""
    if not exam.sample.given or isinstance(exam.subject, Packed):
        return False
    found, error = exam.attempt(data.find, exam.subject, exam.scan)
    if error is not None or found[1] is None or isinstance(found[0], Packed):
        return False
    made, error = exam.run("gradient", found[1].y_true, found[1].y_pred)
    if error is not None or made[1] is None or not np.any(made[1]):
        return False
    exam.add(
        "zero-gradient-zone", "info",
        f"the gradient is zero everywhere on the data given; on {found[1]} it is not",
        "Such a batch teaches nothing: one of background alone under a ratio without smoothing, "
        "or one whose errors all lie in a dead zone.",
    )
    return True


def _missing(exam, gradient):
    if {"numpy-call", "tensor-values"} & {f.name for f in exam.findings if f.severity == "error"}:
        return  # Said, with what cuts it.
    sample = exam.sample
    word, mend, line, sure = causes.of_no_gradient(exam, sample.y_true, sample.y_pred)
    what = "there is no gradient" if gradient is None else "the gradient is zero everywhere"
    if sample.guessed and not sure:
        exam.add(
            "no-gradient", "info", f"{what} with respect to y_pred on {sample}{word}",
            "The data may be others than it is made for.",
            "Give data it is made for: y_true=, y_pred=, or a hint in `shapes`.", line,
        )
        return
    exam.add(
        "no-gradient", "error", f"{what} with respect to y_pred{word}",
        "Nothing trains: `No gradients provided for any variable`, or a model that never moves.",
        mend, line,
    )


def _rows(exam, gradient):
    """Note rows of the batch that get no gradient because of their place in it."""
    sample = exam.sample
    if len(gradient) < 3 or sample.in_batch:
        return False
    def still(g):
        return ~np.any(g.reshape(len(g), -1), axis=1)

    zero = still(gradient)
    if not zero.any():
        return False
    t, p = (np.roll(x, 1, axis=0) for x in (sample.y_true, sample.y_pred))
    rolled, error = exam.run("gradient", t, p)
    if error is not None or rolled[1] is None:
        return False
    again = still(rolled[1])
    if np.array_equal(again, np.roll(zero, 1)) or not (zero & again).any():
        return False  # It is the samples that get none, wherever they stand.
    if not np.array_equal(zero, again):
        return False
    rows = ", ".join(str(i) for i in np.flatnonzero(zero)[:6])
    held = [h for h in exam.scan.of("cut") if h.word in ("stop_gradient", "detach")]
    exam.add(
        "rows-without-gradient", "warning" if held else "error",
        f"the samples at {rows} of {len(zero)} in the batch get no gradient, whatever they hold",
        "A part of every batch is not trained on."
        + (" Right where it holds a teacher's outputs." if held else ""),
        "Compute on the whole batch: look for an index or slice on the first axis.",
        held[0].line if held else exam.line_of("rows"),
    )
    return True


def _zeros(exam, gradient):
    zero = gradient == 0
    if not zero.any():
        return
    sample = exam.sample
    share = f"{int(zero.sum())} of {zero.size}"
    columns = ""
    if gradient.ndim == 2 and gradient.shape[1] > 1 and zero.all(axis=0).any():
        which = ", ".join(str(i) for i in np.flatnonzero(zero.all(axis=0)))
        columns = f"; columns {which} of y_pred never get one"
    if _clipped(exam, zero, share):
        return
    zone = ""
    if sample.y_true.shape == sample.y_pred.shape and sample.domain == "real" and not columns:
        d = np.abs(sample.y_pred - sample.y_true)
        if d[zero].max(initial=0) < d[~zero].min():
            zone = f" (those with |error| <= {d[zero].max():.3g})"
    exam.add(
        "zero-gradient-zone", "info",
        f"the gradient is exactly 0 at {share} entries{zone}{columns}",
        "They pull at nothing: right for a dead zone, a margin or a mask, a fault elsewhere.",
    )


_FEW = 0.02  # Of the entries, and `_LEAST` of them.
_LEAST = 5


def _clipped(exam, zero, share):
    """Note raw predictions that are clipped: beyond a bound they pull at nothing, and are wrong."""
    sample, (t, p) = exam.sample, (exam.sample.y_true, exam.sample.y_pred)
    if not sample.given or sample.takes is not None or not sample.pairs or t.shape != p.shape:
        return False
    if sample.domain != "real" or zero.all() or zero.sum() < max(_LEAST, _FEW * zero.size):
        return False
    low, high = p[~zero].min(), p[~zero].max()
    if not ((p[zero] < low) | (p[zero] > high)).all():
        return False  # A dead zone, or a margin, is of errors.
    here, error = exam.run("value", t, p)
    there, other = exam.run("value", t, np.where(zero, t, p).astype(p.dtype))
    if error is not None or other is not None or not here - there > 1e-2 * abs(here):
        return False
    exam.add(
        "saturates", "warning",
        f"the gradient is exactly 0 at {share} entries, all those of y_pred outside of "
        f"[{low:.3g}, {high:.3g}]; there, with y_pred at its target, the value is less",
        "A prediction that is that far off is clipped, and never comes back.",
        "Leave out the clip, or let the model's last activation keep y_pred inside.",
        causes.line_of_clip(exam),
    )
    return True


# --- against finite differences ---------------------------------------------------------


def _against_differences(exam, y_pred=None):
    if exam.scan.of("random", "python-random"):
        return  # Each value is of another draw.
    with wide():
        found, error = exam.attempt(slopes.compare, exam, "float64", y_pred)
        if error is not None:
            found, error = exam.attempt(slopes.compare, exam, "float32", y_pred)
    if error is not None or found is None:
        return
    if not len(found.slope) or found.scale == 0:
        if y_pred is None and slopes.saturated(exam.sample):
            _against_differences(exam, slopes.inside(exam.sample))
        return
    wrong = found.wrong
    _in_single(exam, found, y_pred)
    if not wrong.any():
        off = np.abs(found.gradient - found.slope).max(initial=0) / found.scale
        exam.show(f"gradient equals finite differences (to {max(off, 1e-12):.0e})")
        return
    if wrong.sum() < 2 and len(wrong) > 2:
        return  # One alone of many: a kink that was not seen.
    digits.compiled_equals_eager(exam)
    if "compiled-differs" in exam.names:
        return  # The values were those of the one, the gradient that of the other.
    stopped = [h for h in exam.scan.of("cut") if h.word in ("stop_gradient", "detach")]
    i = int(np.argmax(np.abs(found.gradient - found.slope)))
    seen = (
        f"at y_pred{list(found.places[i])} the gradient is {found.gradient[i]:.4g}, the slope "
        f"{found.slope[i]:.4g}"
    )
    if stopped:
        exam.add(
            "stopped-gradient", "info", f"{seen}, because `{stopped[0].word}` holds a part fixed",
            "Right where that part is a weight or a target.", line=stopped[0].line,
        )
        return
    factor = _factor(exam, found.gradient, found.slope)
    by_hand = exam.scan.of("custom-gradient")
    exam.add(
        "wrong-gradient", "error",
        f"the gradient is not the derivative of the value: {seen}{factor}",
        "Training follows the gradient: a wrong one may climb instead of descending, and nothing "
        "warns.",
        "Leave out the hand-written gradient; else multiply by the `upstream` gradient that it is "
        "given, and check the sign." if by_hand else
        "Something in it takes a part of the value out of the gradient, or writes a gradient by "
        "hand.",
        exam.line_of("custom-gradient"),
    )


def _in_single(exam, found, y_pred):
    """Whether float32 gives the gradient that float64 gives, where the slope confirms it."""
    right = ~found.wrong
    if exam.runner.eager or not right.any():
        return
    sample = exam.sample
    single, error = exam.run(
        "mean_gradient", sample.y_true, sample.y_pred if y_pred is None else y_pred
    )
    if error is not None or single[1] is None:
        return
    got = np.array([single[1][p] for p in found.places], "float64")
    off = np.abs(got - found.gradient)[right].max() / found.scale
    if off > 1e-2:
        exam.add(
            "gradient-imprecise", "error",
            f"in float32 the gradient is off by {off:.2g} of its size; in float64 it is right",
            "Large parts are added and taken away again, and float32 keeps 7 digits.",
            "Split the cases with `where` (on the argument and on the result) instead of adding "
            "a correction that is 0 elsewhere.",
        )


def _factor(exam, gradient, expected):
    """In words, by which constant factor the gradient is off."""
    big = np.abs(expected) > 0.1 * np.abs(expected).max()
    ratio = gradient[big] / expected[big]
    r = float(np.median(ratio))
    if not np.allclose(ratio, r, rtol=5e-2) or r == 0:
        flipped = np.mean(np.sign(gradient[big]) != np.sign(expected[big]))
        return "; most signs are flipped" if flipped > 0.5 else ""
    words = ["sign flipped"] if r < 0 else []
    shape = exam.sample.y_pred.shape
    sizes = {
        int(np.prod(shape)): "the number of elements", shape[0]: "the batch size",
        shape[-1]: "the size of the last axis",
    }
    m = abs(r)
    if not np.isclose(m, 1, rtol=2e-2):
        name = next(
            (f"{n} ({what})" for n, what in sizes.items() if np.isclose(m, n, rtol=2e-2)), None
        ) or next(
            (f"1/{n} ({what})" for n, what in sizes.items() if np.isclose(m * n, 1, rtol=2e-2)),
            None,
        ) or f"{m:.4g}"
        words.append(f"off by a factor {name}")
    return "; " + " and ".join(words) if words else ""
