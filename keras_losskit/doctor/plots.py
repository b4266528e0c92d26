"""Pictures of losses: their shape, the parts of one value, their terms over time."""

import re

import numpy as np

from keras_losskit.core.takes import PREDICTIONS, TARGETS
from keras_losskit.doctor import data
from keras_losskit.doctor.hazards import Scan
from keras_losskit.doctor.running import Runner, attempt
from keras_losskit.doctor.source import sources
from keras_losskit.doctor.subject import Subject

# Targets whose difference to a prediction is an error.
_NUMBERS = ("real", "positive", "nonnegative", "counts", "signs")

_LARGE = 4096  # Entries of a sample.

# Told apart by brightness and by dashes as well, for print in grey.
STYLES = (
    ("#1b1b1b", "-"), ("#0072b2", "--"), ("#d55e00", "-."), ("#009e73", ":"),
    ("#8a8a8a", "-"), ("#56b4e9", "--"), ("#cc79a7", "-."),
)


def pyplot():
    """matplotlib's pyplot, or a message that says what to install."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Plots need matplotlib: pip install matplotlib"
        ) from error
    return plt


def plot_loss(*losses, reach=None, axes=None):
    """Draw value and gradient: against the error, or the probability of the true class.

    Args:
        *losses: one or more losses that take the same data.
        reach: how far the error goes, or the logits; 3 by default, and 6.
        axes: two matplotlib axes to draw on, or `None` for a new figure.

    Returns:
        The matplotlib figure.

    Raises:
        ImportError: without matplotlib.
        ValueError: for a loss that is no function of one error or one probability.
        TypeError: where no loss is given.

    Example:

    >>> import matplotlib, keras_losskit
    >>> matplotlib.use("agg")
    >>> figure = keras_losskit.plot_loss(keras_losskit.Huber(), keras_losskit.LogCosh())
    >>> [axes.get_xlabel() for axes in figure.axes][0] != ""
    True
    """
    if not losses:
        raise TypeError("plot_loss takes at least one loss.")
    plt = pyplot()
    curves = [(Subject(x), _curve(Subject(x), reach)) for x in losses]
    kinds = {label for _, (_, _, _, label) in curves}
    if len(kinds) > 1:
        words = " and of ".join(sorted(kinds))
        raise ValueError(f"plot_loss: the losses are functions of {words}; draw them apart.")
    if axes is None:
        _, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    label = kinds.pop()
    for (subject, curve), (colour, dash) in zip(curves, _styles(len(curves)), strict=True):
        x, value, slope, _ = curve
        axes[0].plot(x, value, color=colour, linestyle=dash, label=subject.name)
        axes[1].plot(x, slope, color=colour, linestyle=dash)
    axes[0].set(xlabel=label, ylabel="loss per sample", title="value")
    axes[1].set(xlabel=label, ylabel="d loss / d prediction", title="gradient")
    for a in axes:
        _plain(a)
        a.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    if len(curves) > 1:
        axes[0].legend(frameon=False, fontsize="small")
    else:
        axes[0].figure.suptitle(curves[0][0].name, fontsize="medium")
    return axes[0].figure


def _styles(n):
    return [STYLES[i % len(STYLES)] for i in range(n)]


def _plain(axes):
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize="small")


def _curve(subject, reach):
    """`(x, value, slope, label of x)` along one line through the data."""
    scan = Scan(sources(subject))
    subject, sample, problem = data.find(subject, scan)
    if sample is None:
        raise ValueError(f"plot_loss: {subject.name}: {problem}")
    runner = Runner(subject)
    # Large maps take their time, and a coarser line shows as much.
    n = 201 if sample.y_pred[0].size <= _LARGE else 41
    if sample.domain in ("probability", "simplex", "logits", "unit"):
        p = np.linspace(0.02, 0.98, n)  # Nearer to 0 the slope would hide the rest.
        x, (t, y_pred, direction) = p, _towards_the_class(sample, p)
        label = "probability of the true class"
        if y_pred.ndim > 2:
            label += ", at every position"
    elif sample.pairs and sample.domain in ("real", "positive") and not sample.lists and (
        sample.takes.y_true in _NUMBERS
    ):
        reach = 3.0 if reach is None else reach
        base = 2.0 if sample.domain == "positive" else 0.0
        x = np.linspace(-min(reach, 1.95) if base else -reach, reach, n)
        t = np.full((n, *sample.y_true.shape[1:]), base, "float32")
        y_pred = (x.reshape(-1, *(1,) * (t.ndim - 1)) + t).astype("float32")
        label = "error, prediction - target (units of the target)"
        if sample.takes.y_true == "signs":
            t, y_pred = np.ones_like(t), y_pred
            label = "score where the target is +1"
        direction = np.ones(sample.y_true.shape[1:])
    else:
        raise ValueError(
            f"plot_loss: {subject.name} takes {TARGETS[sample.takes.y_true].words} and "
            f"{PREDICTIONS[sample.takes.y_pred].words}: it is no function of one error or one "
            "probability."
        )
    value, slope = _along(subject, runner, t, y_pred, direction)
    if not np.any(slope) and np.ptp(value) <= 1e-6 * np.abs(value).max():
        raise ValueError(
            f"plot_loss: {subject.name} is {value[0]:g} along the whole line of its {label}: "
            "it looks at something else, such as a direction, or how samples stand to each "
            "other. `keras_losskit.explain` shows its parts on data of yours."
        )
    return x, value, slope, label


def _along(subject, runner, t, y_pred, direction):
    """Value and slope of each sample, at once where the loss returns values."""
    n = len(t)
    values, error = attempt(runner, "values", t, y_pred)
    if error is None and values.shape[:1] == (n,):
        found, error = attempt(runner, "mean_gradient", t, y_pred)
        if error is None and found[1] is not None:
            return values.reshape(n, -1).mean(axis=1), _sums(n * found[1] * direction)
    value, slope = np.zeros(n), np.zeros(n)
    for i in range(n):
        found, error = attempt(runner, "gradient", t[i : i + 1], y_pred[i : i + 1])
        if error is not None:
            raise ValueError(f"plot_loss: {subject.name}: {error}") from error
        value[i] = found[0]
        slope[i] = 0 if found[1] is None else _sums(found[1] * direction)[0]
    return value, slope


def _sums(x):
    return x.reshape(len(x), -1).sum(axis=1)


def _towards_the_class(sample, p):
    """Targets, predictions that give what is true the probabilities `p`, and their direction.

    Of a map every position moves at once, and each class has its share of the positions.
    """
    shape = sample.y_pred.shape[1:]
    c, n, positions = shape[-1], len(p), shape[:-1]
    column = p.reshape(-1, *(1,) * len(shape))
    places = np.arange(int(np.prod(positions))).reshape(positions)
    if sample.domain == "probability" or sample.takes.y_true == "probability":
        true = np.ones(shape)
        if positions:
            true = np.broadcast_to((places % 2 == 0)[..., None] * 1.0, shape)
        y = np.where(true > 0.5, column, 1 - column)
        t = np.broadcast_to(true.reshape(sample.y_true.shape[1:]), (n, *sample.y_true.shape[1:]))
        direction = 2 * true - 1
        y = np.log(y / (1 - y)) if sample.domain == "logits" else y
        return t.astype(sample.y_true.dtype), np.asarray(y, "float32"), direction
    ids = places % c
    true = np.eye(c)[ids]
    row = np.where(true > 0.5, column, (1 - column) / max(c - 1, 1))
    row = np.log(row) if sample.domain == "logits" else row
    t = ids if sample.y_true.ndim < sample.y_pred.ndim else true
    t = np.broadcast_to(t.reshape(sample.y_true.shape[1:]), (n, *sample.y_true.shape[1:]))
    return t.astype(sample.y_true.dtype), np.asarray(row, "float32"), true


def plot_terms(history, axes=None):
    """Draw the loss and its terms over time, and below them the weights that move.

    Args:
        history: a `LossProbe`, what `fit` returned, or a dict of lists. What is called
            `<term>_weight`, as `WeightScheduler` and `LossProbe` call it, is a weight.
        axes: matplotlib axes, two of them where weights move, or `None` for a new figure.

    Returns:
        The matplotlib figure.

    Raises:
        ImportError: without matplotlib.
        ValueError: for a history that is empty.

    Example:

    >>> import matplotlib, keras_losskit
    >>> matplotlib.use("agg")
    >>> figure = keras_losskit.plot_terms({"loss": [3.0, 2.0], "dice": [0.9, 0.5]})
    >>> len(figure.axes[0].lines)
    2
    """
    plt = pyplot()
    record = dict(getattr(history, "history", history))
    if not record:
        raise ValueError("plot_terms: the history is empty; run `fit` first.")
    steps = record.pop("step", None)
    record.pop("learning_rate", None)  # Of another size, and no part of the loss.
    weights = {n: record.pop(n) for n in list(record) if re.search(r"_weight(_\d+)?$", n)}
    if axes is None:
        _, axes = plt.subplots(
            1 + bool(weights), figsize=(6.4, 5.0 if weights else 3.4), layout="constrained",
            sharex=True, height_ratios=(2, 1)[: 1 + bool(weights)], squeeze=False,
        )
    axes = np.ravel(axes)
    unit = "epoch"
    if steps is not None and getattr(history, "every", "epoch") != "epoch":
        unit = "batch"
    styles = dict(zip(record, _styles(len(record)), strict=True))
    _lines(axes[0], record, steps, styles)
    axes[0].set_ylabel("value (terms before their weights)")
    if weights:
        below = axes[1] if len(axes) > 1 else axes[0].twinx()
        # A weight looks as its term does.
        _lines(below, weights, steps, {
            n: styles.get(n.rpartition("_weight")[0], STYLES[i % len(STYLES)])
            for i, n in enumerate(weights)
        })
        below.set_ylabel("weight")
    axes[-1].set_xlabel(f"{unit} (number)")
    axes[-1].xaxis.get_major_locator().set_params(integer=True)
    return axes[0].figure


def _lines(axes, record, steps, styles):
    for name, numbers in record.items():
        x = steps if steps is not None else np.arange(1, len(numbers) + 1)
        colour, dash = styles[name]
        axes.plot(x, numbers, color=colour, linestyle=dash, label=name,
                  linewidth=2 if name == "loss" else 1.3, marker="o" if len(numbers) < 2 else "")
    if record:
        axes.legend(frameon=False, fontsize="small")
    _plain(axes)


def plot_explanation(explanation, axes=None):
    """Draw an `Explanation`: each term's part of the total, and the samples' values."""
    plt = pyplot()
    if axes is None:
        _, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    terms = list(explanation.terms.values())
    names = [t.name for t in terms]
    axes[0].barh(names, [t.weight * t.value for t in terms], color="#0072b2", height=0.6)
    axes[0].invert_yaxis()
    axes[0].set(xlabel="weight · value", title=f"total {explanation.total:.4g}")
    axes[0].axvline(0, color="0.6", linewidth=0.8)
    rows = {t.name: t.values.reshape(len(t.values), -1).mean(axis=1)
            for t in terms if t.values.ndim}
    weighted = [t.weight * rows[t.name] for t in terms if t.name in rows]
    # One order for all terms, that of the total: each place is one sample.
    alike = len({len(w) for w in weighted}) == 1
    order = np.argsort(-np.sum(weighted, axis=0)) if alike else None
    for t, (colour, dash) in zip(terms, _styles(len(terms)), strict=True):
        if t.name in rows:
            each = rows[t.name] if order is None else rows[t.name][order]
            axes[1].plot(np.arange(1, len(each) + 1), each, color=colour, linestyle=dash,
                         marker=".", label=t.name)
    axes[1].set(
        xlabel="sample (largest total first)" if alike else "sample", ylabel="value",
        title="values per sample",
    )
    if len(terms) > 1 and axes[1].lines:
        axes[1].legend(frameon=False, fontsize="small")
    for a in axes:
        _plain(a)
    return axes[0].figure
