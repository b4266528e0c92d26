"""What of given data lies outside of what a loss takes."""

import math

import numpy as np
from keras import tree

import keras_losskit as kl
from keras_losskit.core.combined import Batch, CombinedLoss
from keras_losskit.core.foreign import OF_KERAS
from keras_losskit.core.takes import PREDICTIONS, TARGETS, takes_of
from keras_losskit.doctor.given import plain, whole
from keras_losskit.doctor.guesses import common_takes, hints, known, takes_logits
from keras_losskit.doctor.kinds import KINDS, hard
from keras_losskit.doctor.running import Runner, attempt, tensor

_IDS_BY_LOG = kl.Takes("classes", "log_probabilities", "classes")
_SHARES_BY_LOG = kl.Takes("distribution", "log_probabilities", "classes")
# What a loss calls that is known, by the name in its source.
_CALLED = {
    **OF_KERAS,
    # torch's, which take the logarithm of what others take.
    "nll_loss": _IDS_BY_LOG, "NLLLoss": _IDS_BY_LOG,
    "kl_div": _SHARES_BY_LOG, "KLDivLoss": _SHARES_BY_LOG,
}

_MENDS = (
    ("the id", "Count classes from 0 to C - 1, and let the model have C outputs."),
    ("log-probabilities", "Give it `log_softmax` of the logits, or take a loss for logits or "
                          "probabilities."),
    ("y_pred", "Give logits to a loss with from_logits=True, probabilities to one without, and "
               "let the model's last activation see to the range."),
    ("y_true", "Scale the targets to what it takes (masks of 0 and 255 are divided by 255), or "
               "take a loss for such numbers."),
)


def mend_of(words):
    """The mend of what `out_of_range` says."""
    return next(mend for word, mend in _MENDS if word in words)


def probabilities_for_logits(exam, y_true, y_pred):
    """In words, that given predictions are probabilities where logits are taken, or `None`."""
    takes = common_takes(exam.subject)
    if tree.is_nested(y_pred) or tree.is_nested(y_true):
        return None
    p = plain(y_pred)
    if p.ndim < 2 or not p.size or p.min() < 0 or p.max() > 1:
        return None
    if takes is None and not _falls_beyond_one(exam):
        return None
    if takes is not None and takes.y_pred != "logits":
        return None
    rows, columns = p.reshape(-1, p.shape[-1]), p.shape[-1]
    if columns > 1 and p.size >= 6 and np.ptp(rows) > 1e-3 and np.allclose(
        rows.sum(-1), 1, rtol=0, atol=1e-4
    ):
        return "the rows of y_pred sum to 1: these are probabilities, and it takes logits"
    if p.size >= 12 and np.ptp(p) > 1e-3:  # So many logits are not all there by chance.
        return "all of y_pred lies in [0, 1]: these look like probabilities, and it takes logits"
    return None


def _falls_beyond_one(exam):
    """Whether a stranger is far from its least value where probabilities are exactly right,
    and near it at numbers of 20: it takes logits."""
    sample = exam.sample
    right = hard(sample)
    if right is None:
        return False
    found = [
        exam.run("value", sample.y_true, np.asarray(p, sample.y_pred.dtype))
        for p in (sample.y_pred, right, 20 * (2 * right - 1))
    ]
    if any(error is not None or not np.isfinite(value) for value, error in found):
        return False
    given, exact, far = (float(value) for value, _ in found)
    return abs(far) < 0.3 * exact and exact > 0.1 * given


def out_of_range(subject, scan, y_true, y_pred):
    """`(in words, sure)` for what of given data lies outside what the loss takes.

    Sure where the loss declares it, or is known. Of a stranger its name, or the loss of Keras
    that it calls, says what it may take; and it has to behave as one does that is given what it
    does not take. Sure, then, where it raises or is not finite.
    """
    y_true, y_pred = plain(y_true), plain(y_pred)
    found, error = attempt(lambda: list(_outside(subject.loss, y_true, y_pred)))
    if error is None and found:
        return found[0], True
    if tree.is_nested(y_true) or tree.is_nested(y_pred) or common_takes(subject) is not None:
        return None
    logits = takes_logits(subject, scan)
    kinds = []
    for word in sorted(scan.words() & set(_CALLED)):
        takes = _CALLED[word]  # Keras checks no range, so its declaration leaves it open.
        kinds.append(kl.Takes(takes.y_true, takes.y_pred, takes.shapes).given(logits))
    # What it calls says more than what it is called.
    kinds = kinds or [KINDS[k].given(logits) for k in hints(subject) if k in KINDS]
    if subject.of_kit or not kinds or scan.missing():
        return None  # A comparison may leave out what is marked as missing.
    if not tree.is_nested(y_true) and not whole(y_true[np.isfinite(y_true)]):
        # What is no whole number is no id: a kind that wants ids was a wrong guess.
        kinds = [k for k in kinds if k.y_true not in ("classes", "ranks")
                 or y_true.shape == y_pred.shape]
    # Every kind that it may take has to refuse it.
    said = []
    for takes in kinds:
        words, error = attempt(outside, takes, y_true, y_pred)
        if error is not None or words is None:
            return None
        said.append(words)
    if not said:
        return None
    behaves = _behaviour(subject, kinds[0], y_true, y_pred)
    return None if behaves == "well" else (said[0], behaves == "breaks")


def _behaviour(subject, takes, y_true, y_pred):
    """"breaks" (raises, NaN), "ill" (no gradient, a negative value) or "well", out of range."""
    runner = Runner(subject)
    p = y_pred.astype("float32")
    found, error = attempt(runner, "gradient", y_true, p)
    if error is not None or not np.isfinite(found[0]):
        # An exponential that overflows is another matter.
        near = (p * (3 / max(np.abs(p).max(), 3))).astype("float32")
        small, failed = attempt(runner, "gradient", y_true, near)
        fine = failed is None and np.isfinite(small[0]) and small[1] is not None and (
            np.isfinite(small[1]).all() and np.mean(small[1][(near < 0) | (near > 1)] != 0) > 0.5)
        return "well" if fine else "breaks"
    value, gradient = found
    if gradient is None:
        return "ill"
    if takes.y_pred == "log_probabilities":  # A line, unless it takes the logarithm itself.
        half, error = attempt(runner, "gradient", y_true, p / 2)
        line = error is None and np.allclose(half[1], gradient, rtol=1e-4, atol=1e-9)
        return "ill" if line else "well"
    low, high = PREDICTIONS[takes.y_pred].low, PREDICTIONS[takes.y_pred].high
    beyond = (p < low) | (p > high)
    if beyond.any():
        return "ill" if np.mean(gradient[beyond] == 0) >= 0.3 else "well"
    rows = np.reshape(y_true, (len(y_true), -1)).astype("float64")
    low, high = takes.range
    if takes.y_true in ("classes", "ranks") and y_true.size < p.size:
        high = p.shape[-1] - 1
    odd = ((rows < low) | (rows > high)).any(axis=1)
    still = ~np.any(gradient.reshape(len(gradient), -1), axis=1)
    if len(odd) == len(still) and odd.any() and still[odd].all():
        return "ill"
    if rows.size != p.size:
        return "well"
    near = np.clip(rows, 0.001, 0.999).reshape(p.shape).astype("float32")
    there, error = attempt(runner, "value", y_true, near)
    top = np.abs(rows).max()
    scaled, failed = attempt(runner, "value", (np.abs(rows) / top).reshape(y_true.shape), near)
    if error is None and failed is None and there < min(0.0, scaled) - 1e-6:
        return "ill"
    return "well"


def _outside(loss, y_true, y_pred):
    if isinstance(loss, CombinedLoss):
        batch = loss.inputs(Batch(*(tree.map_structure(tensor, x) for x in (y_true, y_pred))))
        for operand in loss.operands():
            yield from _outside(operand, plain(batch.y_true), plain(batch.y_pred))
        return
    takes = takes_of(loss) if isinstance(loss, kl.Loss) else known(loss)
    if takes is None or tree.is_nested(y_true) or tree.is_nested(y_pred):
        return
    if not isinstance(loss, kl.Loss) or isinstance(loss, (kl.KerasLoss, kl.FunctionLoss)):
        # Keras checks no range: the declaration of its losses leaves it open.
        takes = kl.Takes(takes.y_true, takes.y_pred, takes.shapes)
    for option in ("ignore_class", "missing"):
        out = getattr(loss, option, None)
        if isinstance(out, (int, float)):
            y_true = np.where(y_true == out, 0, y_true)
    words = outside(takes, y_true, y_pred)
    if words is not None:
        yield words


def outside(takes, y_true, y_pred):
    """What of given data lies outside what is taken, in words; `None` if nothing does."""
    low, high = takes.range
    rows = y_true.shape == y_pred.shape and y_pred.ndim > 1 and y_pred.shape[-1] > 1
    ids = takes.y_true in ("classes", "ranks") and not rows and (
        y_pred.ndim > 1 and y_pred.shape[-1] > 1
    )
    if ids:
        top = y_pred.shape[-1] + (takes.y_true == "ranks") - 1
        if y_true.shape[-1:] == y_pred.shape[-1:] and y_true.ndim == y_pred.ndim:
            top = math.inf
        low, high = 0, top
    said = _beyond("y_true", y_true, low, high, TARGETS[takes.y_true].words, whole=ids)
    if said and ids:
        said = (
            f"y_true holds the id {_furthest(y_true, low, high):g}, but y_pred has "
            f"{y_pred.shape[-1]} columns"
        )
    if takes.y_true == "positive" and said is None and np.any(y_true <= 0):
        said = "y_true holds 0, but it takes numbers > 0"
    kind = PREDICTIONS[takes.y_pred]
    return said or _beyond("y_pred", y_pred, kind.low, kind.high, kind.words)


def _furthest(x, low, high):
    x = x[np.isfinite(x)]
    return x.min() if x.min() < low else x.max()


def _beyond(name, x, low, high, words, whole=False):
    seen = np.asarray(x, "float64")
    seen = seen[np.isfinite(seen)]
    if not seen.size or (low == -math.inf and high == math.inf):
        return None
    # Recipes add noise to soft labels; a whole number is no noisy label.
    slack = 0.1 * (high - low) if math.isfinite(high - low) and not whole else 1e-6
    if seen.min() >= low - slack and seen.max() <= high + slack:
        return None
    wrong = seen.min() if seen.min() < low - slack else seen.max()
    return f"{name} holds {wrong:g}, but it takes {words}"
