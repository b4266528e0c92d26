"""Causes in words: why there is no gradient, why a number is not finite, and the mend of each.

They come from the program that ran (`doctor/program.py`); from the source only where that
cannot be had, as of a loss that does not compile.
"""

import numpy as np

from keras_losskit.doctor import program
from keras_losskit.doctor.program import run_program

_SOFT = {
    "compare": "Use a smooth stand-in: a sigmoid of the difference for a comparison; compute "
               "accuracies as metrics.",
    "round": "Use the number itself, not rounded or cast; compute what needs whole numbers as a "
             "metric.",
    "sign": "Use a smooth stand-in, such as tanh, for the sign.",
    "index": "Use a smooth stand-in: the softmax-weighted mean of the positions for argmax, the "
             "probability of the class for a hit.",
    "stop": "Leave out what stops the gradient, or stop it for a part only.",
    "outside": "Compute in `keras.ops`: what NumPy or Python computed is a constant to the "
               "gradient.",
    "other": "Use a smooth stand-in: a sigmoid for a threshold or comparison, softmax for argmax, "
             "the number itself for round; compute accuracies as metrics.",
    "flat": "Clip where the numbers are good (check its ends), or let the slope leak outside.",
    "cancels": "Check the signs and slices: the parts take each other's gradient away, or a slice "
               "is empty.",
    "zero": "Look for a factor of 0 in front of it, an empty slice, or a mask that is never true.",
    "unused": "Use y_pred: what is returned is computed without it.",
}


def _kind(word):
    for kind, words in (
        ("compare", program.COMPARE), ("round", program.ROUND | program.CAST),
        ("sign", program.SIGN), ("index", program.INDEX), ("stop", program.STOP),
        ("outside", program.OUTSIDE),
    ):
        if word in words:
            return kind
    return "other"


def of_no_gradient(exam, y_true, y_pred):
    """`(in words, mend, line, sure)` of why no gradient reaches y_pred.

    Sure where it is the program's doing; that parts cancel, or are 0, may be that of the data.
    """
    ran = run_program(exam, y_true, y_pred)
    found = ran.end_of_gradient() if ran is not None else None
    if found is None:
        return *_cut_in_source(exam), True
    step, how = found
    if how == "unused":
        left = [h for h in exam.scan.of("cut") if h.word in (".data", "detach")]
        if left:  # Steps of which nothing is told.
            return f"; it is cut by `{left[0].word}`", _SOFT["stop"], left[0].line, True
        return "; the value does not depend on it at all", _SOFT["unused"], None, True
    words = {
        "cut": f"; it is cut by {step.spoken}",
        "flat": f"; it ends at {step.spoken}, which is flat for all that it is given",
        "cancels": f"; it cancels out at {step.spoken}",
        "zero": f"; it ends at {step.spoken}, where it is multiplied by 0",
    }[how]
    mend = _SOFT[_kind(step.word) if how == "cut" else how]
    return words, mend, step.line, how == "cut"


def line_of_clip(exam):
    """Where y_pred is held between bounds, as far as the program tells."""
    ran = run_program(exam, exam.sample.y_true, exam.sample.y_pred, False, numbers=False)
    step = ran.first_clip() if ran is not None else None
    return None if step is None else step.line


def _cut_in_source(exam):
    """The same from the source: a loss that does not compile leaves no program."""
    cuts = exam.scan.of("cut")
    # Of several, the last one on the way out is usually the one: what it is given is a number.
    strong = [h for h in cuts if h.word != "a comparison"] or cuts
    if not strong:
        return "", _SOFT["other"], None
    word = strong[0].word
    spoken = word if word.startswith("a ") else f"`{word}`"
    return f"; it is cut by {spoken}", _SOFT[_kind(word.split()[0].replace("_", ""))], (
        strong[0].line)


# --- what is not finite --------------------------------------------------------------------------

LOG = ("The log of 0 is infinite: clip its argument away from 0, or compute from logits.")
NEGATIVE_LOG = (
    "The log of a number below 0 is NaN: clip its argument, or take the log of what cannot be "
    "negative (a softplus or exp of the raw prediction)."
)
QUOTIENT = (
    "x/0 is infinite and 0/0 NaN: add a small number to the denominator, or choose it with "
    "`where` on the argument as well as on the result."
)
ROOT = (
    "The slope of a root or norm is infinite at 0: put `where` around the argument too, "
    "`sqrt(where(x > 0, x, 1))`, or add a small number inside."
)
OVERFLOW = (
    "It overflows: use a form that does not, such as softplus, logsumexp, or "
    "|d| + softplus(-2|d|) for log cosh."
)
LARGE = (
    "It is that large however it is computed: clip the exponent, or go on as a line from where it "
    "is large enough."
)
UNKNOWN = (
    "y_true holds NaN, and 0 times NaN is NaN, in the gradient too: put `where` on what is "
    "computed with, before the mathematics: `where(isnan(y_true), y_pred, y_true)`."
)
_ELSE = (
    "Keep its argument where its value and slope are finite, with `where` on the argument as well "
    "as on the result."
)


def of_not_finite(exam, y_true, y_pred):
    """`(mend, line)` of what is not finite."""
    if y_true.dtype.kind == "f" and np.isnan(y_true).any():
        known, error = exam.run("gradient", np.nan_to_num(y_true), y_pred)
        if error is None and all(x is None or np.isfinite(x).all() for x in known):
            return UNKNOWN, exam.line_of("edge")
    ran = run_program(exam, y_true, y_pred, gradients=False)
    step = ran.not_finite() if ran is not None else None
    if ran is not None and step is None:  # The value is finite: it is the gradient.
        ran = run_program(exam, y_true, y_pred)
        step = ran.not_finite() if ran is not None else None
    if step is None:
        return _edge_in_source(exam)
    return _mend(step, ran), step.line


def _mend(step, ran):
    # Where the value is finite it is the slope that is not.
    slope = step.value is None or bool(np.isfinite(step.value).all())
    if step.word in program.ROOTS:
        below = not slope and bool(np.isnan(step.value).any()) and step.word in ("pow", "power")
        return _ELSE if below else ROOT
    if step.word in program.LOGS:
        given = [ran.steps[r].value for r in step.reads if r >= 0]
        negative = any(v is not None and v.dtype.kind == "f" and np.any(v < 0) for v in given)
        nan = not slope and bool(np.isnan(step.value).any())
        return NEGATIVE_LOG if nan and (negative or not given) else LOG
    if step.word in program.QUOTIENTS:
        return QUOTIENT
    if step.word in program.OVERFLOWS:
        return OVERFLOW if _is_large(step.value) else _at_zero(ran)
    return _ELSE


def _is_large(value):
    """Whether what a step gave may be too much for what is done with it, or is not known."""
    if value is None or value.dtype.kind != "f" or not np.isfinite(value).all():
        return True
    return bool(np.abs(value).max(initial=0) > 30)


def _at_zero(ran):
    """The mend where a number times one that is infinite, small numbers alone, is NaN."""
    roots = any(step.word in program.ROOTS for step in ran.steps)
    return ROOT if roots else _ELSE


_IN_SOURCE = (
    (LOG, {"log", "log1p", "xlogy"}),
    (QUOTIENT, {"/", "divide", "reciprocal", "true_divide", "rsqrt"}),
    (ROOT, {"sqrt", "norm", "std", "power", "pow", "arccos"}),
    (OVERFLOW, {"exp", "cosh", "sinh", "expm1"}),
)


def _edge_in_source(exam):
    """The same from the source, where no program could be had."""
    for h in exam.scan.of("edge"):
        for mend, words in _IN_SOURCE:
            if h.word.split(".")[-1] in words:
                return mend, h.line
    return _ELSE, None
