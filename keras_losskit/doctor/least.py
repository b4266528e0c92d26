"""Is a perfect prediction the best one?"""

import numpy as np

from keras_losskit.doctor.paths import holds_labels, path_to_targets
from keras_losskit.doctor.related import (
    falls_for_ever,
    follows,
    is_about_targets,
    is_product,
    targets_matter,
    values_of,
)

PERFECT = "a perfect prediction costs least"
_DRAWS = 2
_SHARE = 0.9  # Of the samples must agree before anything is said.


def check(exam):
    """Note a loss that is higher at a perfect prediction, or on the way to it."""
    paths = [path_to_targets(exam.sample, seed) for seed in range(_DRAWS)]
    if exam.scan.of("random", "python-random"):
        return
    if None in paths:
        _among_parameters(exam)
        return
    if not is_about_targets(exam) or not targets_matter(exam):
        return
    perfect, towards, best, better, seen = True, True, True, [], None
    for path in paths:
        found = [values_of(exam, path(x)) for x in (0.0, 0.15, 0.3, 1.0)]
        beyond = values_of(exam, path(2.0)) if exam.sample.domain == "real" else found[-1]
        if any(v is None or not np.isfinite(v).all() for v in found):
            return
        start, step, further, end = found
        tolerance = 1e-4 * (np.abs(start) + np.abs(end)) + 1e-7
        straight = beyond is None or exam.sample.domain != "real" or np.allclose(
            beyond - start, (step - start) / 0.075, rtol=1e-3, atol=1e-6
        )
        flat = np.allclose(end, start, rtol=1e-4, atol=1e-7)
        if straight and not flat and np.allclose(
            further - step, step - start, rtol=1e-3, atol=1e-6
        ) and np.allclose(end - start, (step - start) / 0.15, rtol=1e-3, atol=1e-6):
            if falls_for_ever(exam):
                _say(exam, "it is linear in y_pred, and y_true only shifts it: it falls without "
                           "end, whatever the targets are")
            return  # A critic's score, too, has no best prediction; but it looks at y_true.
        # Of a class that weighs nothing, or is left out, nothing moves either way.
        moved = np.abs(end - start) > tolerance
        moved = moved if moved.mean() >= 0.5 else np.ones_like(moved)
        perfect &= np.mean((end > start + tolerance)[moved]) >= _SHARE
        best &= np.mean(end < start) >= _SHARE
        better.append(np.mean((end < start - 0.05 * np.abs(start) - 1e-7)[moved]))
        rises = (step > start + 0.1 * tolerance) & (further > step + 0.1 * tolerance)
        towards &= np.mean(rises[moved]) >= _SHARE
        seen = seen or (float(start.mean()), float(step.mean()), float(end.mean()))
    start, step, end = seen
    if perfect:
        said = (
            f"a perfect prediction costs {end:.4g}, a wrong one {start:.4g}: the loss rewards "
            "what is wrong"
        )
    elif towards:
        said = (
            f"a step from a wrong prediction towards the target raises it from {start:.4g} to "
            f"{step:.4g}"
        )
    elif exam.sample.given and holds_labels(exam.sample) and np.mean(better) < 0.5:
        said = (
            f"a perfect prediction costs {end:.4g}, one of wrong classes {start:.4g}; it costs "
            f"less for {np.mean(better):.0%} of the samples"
        )
    else:
        exam.facts["perfect is best"] = best
        return
    if exam.sample.kind in ("declared", "given") or not is_product(exam):
        _say(exam, said)


def conclude(exam):
    """Note that the least value lies elsewhere by the data given, or show that it does not."""
    if exam.names & {"unbounded", "perfect-not-least"} or "perfect is best" not in exam.facts:
        return
    elsewhere = _elsewhere(exam)
    if elsewhere is not None:
        _say(exam, elsewhere, "warning")
    elif exam.facts["perfect is best"]:
        exam.show(PERFECT)


_ALL_BUT = 0.8  # Of what can be gained, so much lies beyond the targets.


def _elsewhere(exam):
    """In words, that the least value lies away from targets which given predictions follow."""
    sample = exam.sample
    if not sample.given or sample.takes is not None or not follows(sample):
        return None
    t, end = sample.y_true, sample.perfect
    here, error = exam.run("value", t, sample.y_pred)
    there, other = exam.run("gradient", t, end)
    if error is not None or other is not None or there[1] is None:
        return None
    value, gradient = float(there[0]), there[1]
    steepest, size = np.abs(gradient).max(), float(np.std(t))
    if not np.isfinite(gradient).all() or not steepest or not np.isfinite(here):
        return None
    steps = np.geomspace(1e-3, 8, 24) * size / steepest
    tried = [exam.run("value", t, (end - s * gradient).astype(end.dtype)) for s in steps]
    least = min((float(v) for v, e in tried if e is None and np.isfinite(v)), default=value)
    if value - least < _ALL_BUT * (max(float(here), value) - least) or value - least < 1e-6:
        return None
    return (
        f"y_pred follows y_true in the data given, and yet the value falls from {value:.4g} at "
        f"y_pred = y_true to {least:.4g} elsewhere; at y_pred it is {float(here):.4g}"
    )


def _say(exam, said, severity="error"):
    exam.add(
        "perfect-not-least", severity, said,
        "Training minimises: it moves away from the targets.",
        "Look for a minus sign that is missing (a similarity or log-likelihood is maximised), "
        "for y_true and y_pred in each other's place, for a factor on the wrong side.",
    )


def _among_parameters(exam):
    """Of one target and several raw parameters: whether one costs most where it is the target."""
    t, p = exam.sample.y_true, exam.sample.y_pred
    takes = exam.sample.takes
    if exam.sample.domain != "real" or p.ndim != 2 or t.dtype.kind != "f" or (
        t.size != len(p) or not 2 <= p.shape[1] <= 6 or exam.subject.of_kit
    ):
        return
    if takes is not None and takes.y_true in ("unused", "any", "ids", "relevance"):
        return
    for column in range(p.shape[1]):
        found = []
        for off in (-3.0, -1.0, 0.0, 1.0, 3.0):
            moved = p.copy()
            moved[:, column] = t.reshape(-1) + off
            found.append(values_of(exam, moved))
        if any(v is None or not np.isfinite(v).all() for v in found):
            continue
        far, near, there, right, further = found
        tolerance = 1e-4 * np.abs(there) + 1e-7
        top = (there > near + tolerance) & (near > far) & (there > right + tolerance) & (
            right > further)
        even = np.allclose(near, right, rtol=1e-3, atol=1e-5)
        if even and np.mean(top) >= _SHARE:
            _say(exam, f"with column {column} of y_pred at the target it costs {there.mean():.4g}, "
                       f"3 away from it {far.mean():.4g}: the loss rewards what is wrong")
            return
