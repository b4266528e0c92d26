"""Batches: one sample, another size, another order; does a sample's value stay its own?"""

import numpy as np

from keras_losskit.doctor.check import first_line
from keras_losskit.doctor.running import backend


def check(exam):
    """Note what depends on the batch that a sample happens to lie in."""
    sample = exam.sample
    n = len(sample.y_pred) if sample.y_pred.ndim else 0
    values = exam.facts.get("values")
    if n < 2 or values is None or len(sample.y_true) != n or not np.isfinite(values).all():
        return
    if exam.scan.of("random", "python-random"):
        return
    if values.ndim and len(values) != n and not exam.subject.weighs_itself:
        _alone(exam, n)
        return  # Said already: it is not led by the batch.
    if not _another_size(exam, n, values):
        return
    _one_column(exam)
    alone = _alone(exam, n)
    if alone is not None:
        _mixed(exam, values, alone)


def _alone(exam, n):
    """The values of samples alone in a batch; `None` where one alone is no batch."""
    t, p = exam.sample.y_true, exam.sample.y_pred
    found, bad = [], []
    count = n if exam.facts["values"].ndim == 0 else min(n, 3)
    for i in range(count):
        value, error = exam.run("values", t[i : i + 1], p[i : i + 1])
        if error is not None:
            _one_sample(exam, f"raises {type(error).__name__}: {first_line(error, 120)}")
            return None
        if not np.isfinite(value).all():
            bad.append((i, "NaN" if np.isnan(value).any() else "infinite"))
        found.append(value)
    if len(bad) == count:
        _one_sample(exam, f"is {bad[0][1]}")
    elif bad:  # It is what that sample holds, not that it is alone.
        exam.add(
            "one-sample", "info", f"sample {bad[0][0]} alone is {bad[0][1]}, others alone are not",
            "The last batch of an epoch may hold such a sample alone; a NaN makes every weight "
            "NaN.",
            "Guard a mean over what is known or present: divide by max(count, 1).",
            exam.line_of("edge"),
        )
    if bad:
        return None
    if backend() != "jax" or not exam.quick:
        # What a sample does in its batch as well is no matter of its being alone.
        if _breaks(exam, t[:1], p[:1]) and not _breaks(exam, t, p):
            _one_sample(exam, "has a gradient that is not finite")
            return None
    return found


def _breaks(exam, y_true, y_pred):
    """Whether the gradient is not finite."""
    found, error = exam.run("gradient", y_true, y_pred)
    return error is None and found[1] is not None and not np.isfinite(found[1]).all()


def _one_column(exam):
    """One sample of one column, where the loss squeezes: there no axis may be left."""
    sample = exam.sample
    if not exam.scan.of("squeeze") or not sample.pairs or sample.y_pred.ndim != 2 or sample.given:
        return
    t, p = sample.y_true[:, :1], sample.y_pred[:, :1]
    _, error = exam.run("values", t, p)
    alone, failed = exam.run("values", t[:1], p[:1])
    if error is None and failed is not None:
        _one_sample(exam, f"of one column raises {type(failed).__name__}: "
                          f"{first_line(failed, 120)}")
    elif error is None and not np.isfinite(alone).all():
        _one_sample(exam, "of one column is not finite")


def _one_sample(exam, what):
    # What compares samples with each other may want more than one.
    exam.add(
        "one-sample", "info" if exam.sample.in_batch else "error", f"a batch of one sample {what}",
        "The last batch of an epoch may hold one; a NaN makes every weight NaN.",
        "Keep every axis (`axis=-1`, not `squeeze`), and guard what divides by the spread or by "
        "the number of others.", exam.line_of("squeeze", "edge"),
    )


def _another_size(exam, n, values):
    """Whether a batch of twice the size gives its halves what they were given alone."""
    t, p = (np.concatenate([x, x]) for x in (exam.sample.y_true, exam.sample.y_pred))
    twice, error = exam.run("values", t, p)
    if error is not None:
        fixed(exam, f"a batch of {2 * n} raises {type(error).__name__}: "
                    f"{first_line(error, 120)}; {n} is fine")
        return False
    if values.ndim and (not twice.ndim or len(twice) != 2 * n):
        fixed(exam, f"for {2 * n} samples it returns shape {twice.shape}, for {n} {values.shape}")
        return False
    return True


def fixed(exam, seen):
    """Note a loss that is written for one size of batch."""
    exam.add(
        "fixed-batch", "error", seen,
        "The last batch is smaller, and `evaluate` may use another size.",
        "Use `keras.ops.shape(y_pred)[0]`, or axes that need no batch size.",
    )


def _mixed(exam, values, alone):
    """Whether the value of a sample depends on the others."""
    n = len(exam.sample.y_pred)
    if exam.subject.weighs_itself:
        return
    if values.ndim:
        own = values[: len(alone)].astype("float64")
        single = np.concatenate([np.reshape(a, (1, -1)) for a in alone])
        single = single.reshape(own.shape) if single.size == own.size else None
        if single is None or exam.close(own, single, rtol=1e-3, atol=1e-5):
            return
        if not exam.sample.in_batch and _moves_with_order(exam, values):
            return
        if _by_batch(exam, own, single, n):
            return
        if exam.sample.in_batch:
            return
        i = int(np.argmax(np.abs(own - single).reshape(len(own), -1).max(axis=1)))
        here, there = float(own[i].mean()), float(single[i].mean())
        exam.add(
            "samples-mixed", "warning",
            f"sample {i} costs {here:.4g} in its batch and {there:.4g} alone",
            "A sample's value depends on its neighbours: weights and masks cannot leave one out.",
            "Right where samples are compared with each other; else reduce over the last axis "
            "alone, and weigh each sample by its own weight.", exam.line_of("average"),
        )
        return
    singles = np.array([float(np.mean(a)) for a in alone])
    whole = float(values)
    close = [exam.close(whole, x, rtol=1e-3, atol=1e-6) for x in (singles.mean(), singles.sum())]
    if any(close):
        return
    if abs(whole) > 1e-9 and exam.close(singles.mean() / whole, n, rtol=1e-3):
        _divided(exam, n, whole, singles.mean())
        return
    if exam.sample.in_batch:
        return
    exam.add(
        "samples-mixed", "warning",
        f"the one number {whole:.4g} is neither the mean ({singles.mean():.4g}) nor the sum "
        f"({singles.sum():.4g}) of what the samples give alone",
        "It depends on how samples are put into batches, and on the batch size.",
        "Right for a ratio or root over the whole batch; else return one value per sample.",
        exam.line_of("average"),
    )


def _moves_with_order(exam, values):
    """Note values that change where the samples come in another order."""
    n = len(values)
    order = np.roll(np.arange(n), 1)
    t, p = exam.sample.y_true[order], exam.sample.y_pred[order]
    rolled, error = exam.run("values", t, p)
    if error is not None or rolled.shape != values.shape:
        return False
    if exam.close(rolled, values[order], rtol=1e-3, atol=1e-5):
        return False
    # A stranger of which nothing is known may have an order: pairs, or steps of time.
    exam.add(
        "samples-mixed", "warning" if exam.sample.guessed else "error",
        "a sample's value changes with the order of the batch: "
        f"[{_few(values[order])}] becomes [{_few(rolled)}]",
        "Values are mixed along the batch axis; weights then weigh other samples.",
        "Work along the last axis: `axis=-1` in cumsum, sort, softmax, reshape and the like.",
        exam.line_of("average"),
    )
    return True


def _few(x):
    x = x.reshape(len(x), -1).mean(axis=1)
    return ", ".join(f"{v:.3g}" for v in x[:3]) + ", ..."


def _by_batch(exam, own, single, n):
    """Note a second division by the batch size."""
    big = np.abs(single) > 1e-6
    if not big.any() or not exam.close(single[big] / own[big], n, rtol=1e-3):
        return False
    _divided(exam, n, float(own.mean()), float(single.mean()))
    return True


def _divided(exam, n, here, alone):
    exam.add(
        "samples-mixed", "error",
        f"a batch of {n} is divided by {n} once more: {here:.4g} where the samples alone give "
        f"{alone:.4g} on average",
        "Keras' own mean divides by the batch already: the loss and its gradient shrink with the "
        "batch size.",
        "Leave the division to the reduction.", exam.line_of("average"),
    )
