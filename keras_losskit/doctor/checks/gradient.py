"""Gradient: missing, zero, not finite, or not the derivative of the value."""

import numpy as np

from keras_losskit.doctor.check import first_line
from keras_losskit.doctor.checks.graph import written_for_another
from keras_losskit.doctor.profile import breaks
from keras_losskit.doctor.running import Runner, attempt, wide
from keras_losskit.doctor.source import line_of

_LIMIT = 24  # Coordinates that are compared with finite differences.


def check(exam):
    sample = exam.sample
    found, error = exam.run("gradient", sample.y_true, sample.y_pred)
    if error is not None:
        said = f"{type(error).__name__}: {first_line(error)}"
        if not exam.runner.eager and not written_for_another(exam, said):
            exam.add("no-gradient", "error", f"taking the gradient raises {said}",
                     "Nothing can be trained.", line=line_of(error, exam.scan.sources))
        return
    _, gradient = found
    exam.facts["gradient"] = gradient
    if gradient is None or not np.any(gradient):
        _missing(exam, gradient)
        return
    if not np.isfinite(gradient).all():
        bad = int((~np.isfinite(gradient)).sum())
        exam.add(
            "gradient-not-finite", "error",
            f"{bad} of {gradient.size} gradient entries are NaN or infinite on {sample}",
            "One NaN makes every weight of the model NaN.",
            "Keep the arguments of log, sqrt and division away from 0, with `where` on the "
            "argument as well as on the result.",
        )
        return
    _zeros(exam, gradient)
    _against_differences(exam)
    if sample.kind in ("real", "positive") or (
        sample.given and sample.y_true.shape == sample.y_pred.shape and sample.domain == "real"
    ):
        breaks(exam)


def _missing(exam, gradient):
    cuts = exam.scan.of("cut")
    # Of several, the last one on the way out is usually the one: what it is given is a number.
    strong = [h for h in cuts if h.word != "a comparison"] or cuts
    word = f"; it is cut by {_spoken(strong[0].word)}" if strong else ""
    what = "there is no gradient" if gradient is None else "the gradient is zero everywhere"
    exam.add(
        "no-gradient", "error", f"{what} with respect to y_pred{word}",
        "Nothing trains: `No gradients provided for any variable`, or a model that never moves.",
        "Use a smooth stand-in: a sigmoid for a threshold or comparison, softmax for argmax, the "
        "number itself for round; compute accuracies as metrics.",
        strong[0].line if strong else None,
    )


def _spoken(word):
    return word if word.startswith("a ") else f"`{word}`"


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


# --- against finite differences ---------------------------------------------------------


def _against_differences(exam):
    with wide():
        result, error = attempt(_compare, exam, "float64")
        if error is not None:
            result, error = attempt(_compare, exam, "float32")
    if error is not None:
        return
    at, gradient, expected, precise, whole = result
    _in_single(exam, whole)
    scale = np.abs(expected).max(initial=0.0)
    if scale == 0:
        return
    tolerance = (1e-5 if precise else 1e-2) * scale
    wrong = np.abs(gradient - expected) > tolerance + 1e-3 * np.abs(expected)
    if not wrong.any() or wrong.sum() <= 0.1 * wrong.size:  # A kink or two.
        worst = np.abs(gradient - expected)[~wrong].max(initial=0) / scale
        exam.show(f"gradient equals finite differences (to {max(worst, 1e-12):.0e})")
        return
    stopped = [h for h in exam.scan.of("cut") if h.word in ("stop_gradient", "detach")]
    i = int(np.argmax(np.abs(gradient - expected)))
    place = tuple(int(k) for k in at[i])
    seen = (
        f"at y_pred{list(place)} the gradient is {gradient[i]:.4g}, the slope {expected[i]:.4g}"
    )
    if stopped:
        exam.add(
            "stopped-gradient", "info", f"{seen}, because `{stopped[0].word}` holds a part fixed",
            "Right where that part is a weight or a target.", line=stopped[0].line,
        )
        return
    factor = _factor(exam, gradient, expected)
    exam.add(
        "wrong-gradient", "error",
        f"the gradient is not the derivative of the value: {seen}{factor}",
        "Training follows the gradient: a wrong one may climb instead of descending, and nothing "
        "warns.",
        "Leave out the hand-written gradient; else multiply by the `upstream` gradient that it is "
        "given, and check the sign.",
        exam.line_of("custom-gradient"),
    )


def _in_single(exam, exact):
    """Whether float32 gives the gradient that float64 gives (and differences confirm)."""
    if exact is None or exam.runner.eager:
        return
    sample = exam.sample
    found, error = exam.run("mean_gradient", sample.y_true, sample.y_pred)
    if error is not None or found[1] is None:
        return
    off = float(np.abs(found[1] - exact).max() / max(np.abs(exact).max(), 1e-30))
    if off > 1e-2:
        exam.add(
            "gradient-imprecise", "error",
            f"in float32 the gradient is off by {off:.2g} of its size; in float64 it is right",
            "Large parts are added and taken away again, and float32 keeps 7 digits.",
            "Split the cases with `where` (on the argument and on the result) instead of adding "
            "a correction that is 0 elsewhere.",
        )


def _compare(exam, dtype):
    sample = exam.sample
    subject = exam.subject.with_dtype(dtype)
    runner = Runner(subject)
    runner.eager = exam.runner.eager
    y_true = sample.y_true if sample.y_true.dtype.kind in "iu" else sample.y_true.astype(dtype)
    y_pred = sample.y_pred.astype(dtype)
    _, gradient = runner("mean_gradient", y_true, y_pred)
    places = np.argwhere(np.ones(y_pred.shape, bool))
    if len(places) > _LIMIT:
        chosen = np.random.default_rng(0).choice(len(places), _LIMIT, replace=False)
        places = places[np.sort(chosen)]

    def difference(place, step):
        up, down = y_pred.copy(), y_pred.copy()
        up[tuple(place)] += step
        down[tuple(place)] -= step
        width = float(up[tuple(place)] - down[tuple(place)])
        return (float(runner("mean", y_true, up)) - float(runner("mean", y_true, down))) / width

    got = np.array([gradient[tuple(p)] for p in places], "float64")
    size = min(max(float(np.abs(y_pred).mean()), 1e-3), 1.0)
    steps = (1e-5, 1e-3, 1e-2) if dtype == "float64" else (1e-3, 3e-3, 1e-2)
    expected = np.array([difference(p, steps[0] * size) for p in places])
    scale = max(np.abs(expected).max(), np.abs(got).max(), 1e-12)
    bad = np.abs(expected - got) > 1e-5 * scale
    # Float32 inside (as in Keras' own `mean` on JAX and torch) blurs small steps, and a kink
    # spoils large ones: the gradient is right if it agrees with any.
    for i in np.flatnonzero(bad):
        tried = [expected[i]] + [difference(places[i], step * size) for step in steps[1:]]
        errors = np.abs(np.array(tried) - got[i])
        if errors.min() < 5e-3 * scale:
            expected[i] = tried[int(errors.argmin())]
        elif abs(tried[1] - tried[2]) < abs(tried[0] - tried[1]):
            expected[i] = tried[1]
    precise = dtype == "float64" and not bad.any()
    return places, got, expected, precise, gradient if precise else None


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
