"""The value and slope of a loss along one error: what it looks like, and where it breaks."""

import numpy as np

POINTS = 241
_NO_PULL = "The gradient cannot see a jump, so nothing pulls across it."
_MEET = (
    "Let the branches meet; for a linear centre and squared tails `keras_losskit.ReverseHuber`."
)


def slopes(exam, d, n):
    """dL/dŷ of one entry at each error in `d` (targets 0; 2 for positive data, 1 for shares)."""
    t, p = _batch(exam, d, n)
    found, error = exam.run("gradient", t, p)
    if error is not None or found[1] is None:
        return None
    # Undo the mean over the batch: the slope of each sample's own value.
    return found[1].astype("float64").sum(axis=1)[: len(d)] * len(t)


def values(exam, d, n):
    """The value at each error in `d`, one sample at a time where it must be."""
    t, p = _batch(exam, d, n)
    found, error = exam.run("values", t, p)
    if error is None and found.shape[:1] == (len(t),):
        return found.reshape(len(t), -1).mean(axis=1)[: len(d)].astype("float64")
    out = []
    for i in range(len(d)):
        value, error = exam.run("mean", t[i : i + 1], p[i : i + 1])
        if error is not None:
            return None
        out.append(float(value))
    return np.array(out)


_UNIT = ("probability", "simplex", "unit")


def _base(sample):
    """The target that errors are measured from."""
    return {"positive": 2.0}.get(sample.domain, 1.0 if sample.domain in _UNIT else 0.0)


def _batch(exam, d, n):
    """Targets and predictions for the errors `d`, always of one shape: one compilation."""
    base = _base(exam.sample)
    d = np.pad(d, (0, POINTS - len(d)), mode="edge")
    p = np.repeat((base + d)[:, None], n, axis=1).astype("float32")
    return np.full_like(p, base), p


def breaks(exam):
    """Note jumps of the value and of the slope along the error, away from 0."""
    sample = exam.sample
    if sample.y_pred.ndim != 2:
        return
    reach = 1.9 if sample.domain == "positive" else 3.0
    d = np.linspace(-reach, reach, POINTS)  # Its middle is 0.
    if sample.domain in _UNIT:
        d = np.linspace(-0.98, -0.02, POINTS)  # Probabilities of what is so.
    _breaks_along(exam, d)
    largest = _largest_error(sample)
    if largest > 2 * reach and "value-jumps" not in exam.names:
        least = 0 if sample.domain == "positive" else -largest
        _breaks_along(exam, np.linspace(least, largest, POINTS))


def _largest_error(sample):
    """The largest error of the numbers given; 0 where what is given is something else."""
    if not sample.given or not sample.pairs or sample.domain not in ("real", "positive"):
        return 0
    return float(np.nanmax(np.abs(sample.perfect - sample.y_pred), initial=0))


def _breaks_along(exam, d):
    """Note jumps along the errors `d`."""
    sample, n = exam.sample, exam.sample.y_pred.shape[1]
    slope = slopes(exam, d, n)
    if slope is None or not np.isfinite(slope).all() or np.abs(slope).max() < 1e-4:
        return
    step = d[1] - d[0]
    places = _jumps(slope, d)
    found_value = _steps_up(exam, d, slope, n)
    found_slope = False
    for i in places:
        low, high = _narrow(exam, d[i], d[i + 1], n)
        if low is None or abs(low) < 2 * step:
            continue
        ends = values(exam, np.array([low, high]), n)
        s = slopes(exam, np.array([low, high]), n)
        if ends is None or s is None:
            continue
        if abs(s[1] - s[0]) < 0.05 * np.abs(slope).max():
            continue
        middle = (low + high) / 2
        unit = sample.domain in _UNIT
        at, where = f"{1 + middle if unit else middle:.3g}", "p" if unit else "the error"
        rise = ends[1] - ends[0]
        expected = np.abs(s).max() * (high - low)
        if abs(rise) > 10 * expected + 1e-3 and not found_value:
            found_value = _say_jump(exam, low, high, n)
        elif not found_slope and abs(rise) <= 10 * expected + 1e-3:
            found_slope = True
            exam.add(
                "slope-jumps", "info",
                f"the slope jumps from {s[0]:.3g} to {s[1]:.3g} where {where} passes {at}",
                "Steps change size abruptly there; and branches that meet at this threshold need "
                "not meet at another.",
                "`keras_losskit.Huber` and `ReverseHuber` are the smooth forms.",
                exam.line_of("cut"),
            )


def _steps_up(exam, d, slope, n):
    """Note a step of the value that the slopes beside it do not explain."""
    t, p = _batch(exam, d, n)
    found, error = exam.run("values", t, p)
    if error is not None or found.shape[:1] != (len(t),):
        return False
    value = found.reshape(len(t), -1).mean(axis=1).astype("float64")
    rise = np.diff(value)
    ends = np.abs(np.stack([slope[1:], slope[:-1]])).max(axis=0) * (d[1] - d[0])
    odd = np.abs(rise) > 5 * ends + 1e-3 * np.ptp(value)
    # Beside the next kink of a smooth branch the slopes themselves change.
    odd &= np.abs(rise) > 0.02 * np.ptp(value)
    if not odd.any() or odd.sum() > 4:
        return False
    return any(_say_jump(exam, d[i], d[i + 1], n) for i in np.flatnonzero(odd)[:1])


_NARROWER = 4  # Times 8: a line that is only steep has lost its rise by then.


def _say_jump(exam, low, high, n):
    """Note a jump between two errors, if it is still there however near they come."""
    first = _nearer(values, exam, low, high, n, 1)
    last = first and _nearer(values, exam, *first[:2], n, _NARROWER - 1)
    if last is None:
        return False
    low, high, ends = last
    if abs(ends[1] - ends[0]) < 0.9 * abs(np.diff(first[2])[0]):
        return False
    unit = exam.sample.domain in _UNIT
    place = (low + high) / 2
    exam.add(
        "value-jumps", "info" if exam.sample.guessed or exam.subject.of_kit else "warning",
        f"the value jumps from {ends[0]:.3g} to {ends[1]:.3g} where "
        f"{'p' if unit else 'the error'} passes {1 + place if unit else place:.3g}",
        _NO_PULL, _MEET, exam.line_of("cut"),
    )
    return True


def _jumps(slope, d):
    """Where the slope changes far more than beside it."""
    change = np.abs(np.diff(slope))
    scale = np.abs(slope).max()
    usual = np.maximum(np.roll(change, 1), np.roll(change, -1))
    found = np.flatnonzero((change > 0.1 * scale) & (change > 5 * usual))
    return sorted(found, key=lambda i: (abs(d[i]), -d[i]))[:6]


def _narrow(exam, low, high, n):
    """The ends of the short interval in which the slope jumps; `None` if it does not."""
    whole = slopes(exam, np.array([low, high]), n)
    near = _nearer(slopes, exam, low, high, n, 3)
    if near is None:
        return None, None
    low, high, ends = near
    kept = abs(ends[1] - ends[0]) > 0.8 * abs(whole[1] - whole[0])
    return (low, high) if kept else (None, None)


def _nearer(of, exam, low, high, n, rounds):
    """`(low, high, of them)`: where `of` changes most between two errors, 8 times nearer a round;
    `None` where it is no number."""
    for _ in range(rounds):
        inside = np.linspace(low, high, 9)
        found = of(exam, inside, n)
        if found is None or not np.isfinite(found).all():
            return None
        i = int(np.argmax(np.abs(np.diff(found))))
        low, high, ends = inside[i], inside[i + 1], found[i : i + 2]
    return low, high, ends
