"""The edges of what a loss takes: exact 0 and 1, large logits, a perfect prediction."""

import numpy as np

from keras_losskit.doctor import causes, related
from keras_losskit.doctor.guesses import hints
from keras_losskit.doctor.kinds import dense, make
from keras_losskit.doctor.paths import logit_signs

PERFECT = "a perfect prediction"


def _soft(t, domain):
    """Targets between 0 and 1."""
    if domain == "simplex":
        return 0.8 * t + 0.2 / t.shape[-1]
    return 0.2 + 0.6 * t


def _logits(sign, stuck):
    yield "logits of 30, all wrong", -30 * sign, stuck, "error"
    yield "logits of 100, all right", 100 * sign, None, "error"
    # At 100 bounded losses are flat in float32.
    yield "logits of 100, all wrong", -100 * sign, stuck and "info", "error"


def edges(sample):
    """`(what, y_pred, stuck, severity)`: predictions at the edges of the domain.

    `stuck` is how bad it is where no gradient is left there, `None` for predictions that need
    none. A fifth part is the targets, where they are others than the sample's.
    """
    t, p = dense(sample), sample.y_pred
    if sample.domain in ("probability", "simplex", "unit") and t is not None:
        if sample.domain == "simplex":
            wrong = np.roll(t, 1, axis=-1)
        else:
            wrong = 1 - (t > 0.5)
        yield "exact 0 and 1, all right", (t > 0.5) * 1.0, None, "error"
        # Probabilities are clipped by convention.
        yield "exact 0 and 1, all wrong", wrong, "info", "error"
        if not sample.pairs:
            return
        hard = np.isin(t, (0, 1)).all()
        if sample.domain != "unit":
            soft = _soft(t, sample.domain)
            yield "a perfect prediction of soft targets", soft, None, "error", soft
        elif not hard:
            yield PERFECT, t, None, "error"
        if hard or sample.domain != "unit":
            nothing = t * 0
            if sample.domain == "simplex":
                nothing[..., 0] = 1
            # A row of one column is never empty by chance, a mask is.
            mask = sample.domain != "unit" or p.ndim > 2
            yield (
                "targets that are all background, predicted exactly", nothing, None,
                "error" if mask else "info", nothing,
            )
    elif sample.domain == "logits":
        sign = np.where(t > 0.5, 1.0, -1.0) if t is not None else np.where(p > 0, 1.0, -1.0)
        # What the data given bring about, all background say, need not be so on others.
        yield from _logits(sign, t is not None and ("info" if sample.given else "error"))
    elif sample.domain == "boxes":
        yield "identical boxes", sample.y_true, None, "error"
        yield "boxes of zero area", np.concatenate([p[..., :2]] * 2, -1), None, "error"
        yield "disjoint boxes", p + 10, None, "error"
    elif sample.domain == "cosine":
        sign = np.where((np.arange(p.size) % 2).reshape(p.shape), 1.0, -1.0)
        yield "cosines of exactly 1 and -1", sign, None, "error"
    elif sample.targets_are_predictions:
        yield PERFECT, sample.perfect, None, "error"
        sign = np.where((np.arange(p.size) % 2).reshape(p.shape), 1.0, -1.0)
        if sample.domain == "positive":
            yield "predictions 100 too high", sample.perfect + 100, None, "error"
            yield "predictions of 1e-6", p * 0 + 1e-6, None, "warning"
        else:
            yield "errors of 100", sample.perfect + 100 * sign, None, "error"
            yield "errors of 1e6", sample.perfect + 1e6 * sign, None, "warning"
            yield "predictions of exactly 0", p * 0, None, "error"
            if sample.y_true.dtype.kind == "f" and sample.kind != "given":
                yield "targets of 0, predicted exactly", p * 0, None, "error", p * 0
    elif sample.domain == "real":
        yield "predictions of exactly 0", p * 0, None, "error"
        raw = sample.takes is not None and sample.kind == "declared"
        # A log variance, say, is never that large; who declares raw numbers means any.
        yield "predictions of 100 times the size", p * 100, None, "error" if raw else "info"


def check(exam):
    """Note values and gradients that are not finite at the edges of what a loss takes."""
    sample, fine, said = exam.sample, [], False
    tried = list(edges(sample))
    signs = None if "samples-mixed" in exam.names else logit_signs(sample)
    if signs is not None:  # That labels given meet logits is all but sure.
        tried = [edge for edge in tried if not edge[0].startswith("errors of")]
        tried += _logits(signs, "warning")
    stranger = sample.takes is None or sample.kind not in ("given", "declared")
    far = stranger and sample.targets_are_predictions and not related.at_targets(exam)
    other = stranger and related.columns_differ(exam)
    foreign = sample.given and stranger and (
        sample.targets_are_predictions and not related.leads_to_targets(exam))
    for what, y_pred, stuck, severity, *others in tried:
        errs = what.startswith(("errors of", "predictions 100"))
        if other or far and errs:
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
            mend, line = causes.of_not_finite(exam, y_true, y_pred)
            if severity == "error" and stranger and (sample.given or not errs):
                if _beyond_float32(exam, y_true, y_pred):
                    severity, mend = "warning" if errs else "info", causes.LARGE
            exam.add(
                "not-finite", severity, f"at {what} {' and '.join(bad)}",
                "One such batch makes every weight of the model NaN.", mend, line,
            )
        else:
            fine.append(what)
        if stuck and not bad and not said and "no-gradient" not in exam.names:
            said = _saturation(exam, what, gradient, stuck)
    _outlier(exam)
    _empty_mask(exam)
    _refused(exam)
    if fine:
        exam.show(f"finite at {', '.join(fine)}")


_SPREADS = 30  # How far from the others an outlier of the data given is put.


def _outlier(exam):
    """Note given targets, one of which far from the others makes all of it NaN."""
    sample = exam.sample
    t = sample.y_true
    if not sample.given or t.dtype.kind != "f" or sample.domain not in ("real", "positive"):
        return
    rows = t.reshape(len(t), -1).astype("float64")
    # Ids, flags and counts are whole; shares and angles have an end.
    free = ~(rows == np.round(rows)).all(axis=0) & (np.abs(rows).max(axis=0, initial=0) > 1)
    if len(t) < 3 or not free.any() or not np.isfinite(rows).all():
        return
    far = rows.copy()
    far[0, free] = rows[:, free].max(axis=0) + _SPREADS * rows[:, free].std(axis=0)
    far = far.reshape(t.shape).astype(t.dtype)
    usual, error = exam.run("gradient", t, sample.y_pred)
    if error is not None or not _finite(usual):
        return
    found, error = exam.run("gradient", far, sample.y_pred)
    if error is not None or _finite(found):
        return
    severity = "info" if _beyond_float32(exam, far, sample.y_pred) else "warning"
    must_be_finite(
        exam, f"one target {_SPREADS} spreads above the others", far, sample.y_pred, found, error,
        severity, "Data have outliers")


def _finite(found):
    return all(x is None or np.isfinite(x).all() for x in found)


_HALVES = 20
_LARGEST = np.log(np.finfo("float32").max)


def _beyond_float32(exam, y_true, y_pred):
    """Whether the numbers really are that large there, however they are computed.

    From there the way to the sample is halved until they are finite; as fast as they grew last
    they must go on to what float32 does not hold.
    """
    sample = exam.sample

    def largest(share):
        """The logarithm of the largest number at that share of the way."""
        t, p = sample.y_true, sample.y_pred
        if y_true.dtype.kind == "f" and t.shape == y_true.shape:
            t = (t + share * (y_true - t)).astype(y_true.dtype)
        found, error = exam.run("gradient", t, (p + share * (y_pred - p)).astype(p.dtype))
        if error is not None or found[1] is None:
            return np.nan
        with np.errstate(divide="ignore"):
            return np.log(max(np.abs(x).max(initial=0) for x in found))

    for half in range(1, _HALVES):
        if np.isfinite(near := largest(0.5**half)):
            # A power grows by as much again when the way is doubled, an exponential twice.
            return near + 2 * (near - largest(0.5 ** (half + 1))) > _LARGEST
    return False


def _empty_mask(exam):
    """Of what is made for maps: one channel of which nothing is there, and nothing predicted."""
    if exam.sample.kind != "map" or "map_binary" not in hints(exam.subject):
        return
    mask = make("map_binary")
    nothing = mask.y_true * 0
    usual, error = exam.run("gradient", mask.y_true, mask.y_pred)
    if error is not None or not _finite(usual):
        return
    found, error = exam.run("gradient", nothing, nothing)
    must_be_finite(exam, "an empty mask of one channel, predicted exactly,", nothing, nothing,
                   found, error)


def _refused(exam):
    """Note another kind of data, as likely by what is known, on which it is not finite."""
    if "not-finite" in exam.names:
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


def _saturation(exam, what, gradient, severity):
    """Whether a confidently wrong model gets no gradient at all."""
    if gradient is None or np.abs(gradient).max(initial=0) > _least_pull(exam):
        return False
    exam.add(
        "saturates", severity,
        f"the gradient is {'exactly 0' if not np.any(gradient) else 'all but 0'} at {what}: where "
        "the model is most wrong",
        "A confidently wrong model learns nothing from its worst mistakes.",
        "Compute from logits with softplus or logsumexp rather than from clipped probabilities"
        + ("." if exam.subject.of_kit else "; the kit's losses do."),
    )
    return True


_NO_PULL = 1e-9  # Of what pulls at the data given.


def _least_pull(exam):
    """A gradient as small as this is none: 0, and where labels are given, a rounding of 0."""
    if exam.sample.domain != "real":
        return 0
    found, error = exam.run("gradient", exam.sample.y_true, exam.sample.y_pred)
    return 0 if error is not None else _NO_PULL * np.abs(found[1]).max(initial=0)


def must_be_finite(exam, what, y_true, y_pred, found, error, severity="error",
                   why="Small or sorted batches hold such targets"):
    if error is not None:
        return
    bad = [x for x in found if x is not None and not np.isfinite(x).all()]
    if bad:
        exam.add(
            "not-finite", severity,
            f"with {what} the {'value' if bad[0].ndim == 0 else 'gradient'} is {_spoken(bad[0])}",
            f"{why}; one makes every weight NaN.",
            *causes.of_not_finite(exam, y_true, y_pred),
        )


def _spoken(x):
    x = np.asarray(x)
    kind = "NaN" if np.isnan(x).any() else "infinite"
    return kind if x.ndim == 0 else f"{kind} in {int((~np.isfinite(x)).sum())} of {x.size} places"
