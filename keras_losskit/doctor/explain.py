"""`explain`: the numbers behind one value of a loss, term by term, as NumPy."""

import textwrap
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

import keras_losskit as kl
from keras_losskit.doctor.running import attempt, tensor, to_numpy, value_and_gradient
from keras_losskit.doctor.subject import Subject
from keras_losskit.doctor.watch import watching


@dataclass(frozen=True)
class TermExplanation:
    """One term of a loss, on one batch.

    Attributes:
        name, weight: as in `loss.terms`; a loss without terms is one of weight 1.
        value: the term's number, before its weight.
        share: its part of the total, weight·value / total.
        values: one per sample or position, before weights, as NumPy.
        shape, dtype: of `values`.
        denominator: what the sum of the weighted values was divided by; `None`
            where the term is no such quotient.
        gradient_norm: the norm of weight · d value / d y_pred.
        worst: the samples with the largest values, the worst first.
    """

    name: str
    weight: float
    value: float
    share: float
    values: np.ndarray
    shape: tuple
    dtype: str
    denominator: float | None
    gradient_norm: float
    worst: tuple


class Explanation:
    """What `explain` returns; `str()` shows it as a table, `.plot()` draws it.

    Attributes:
        total: the loss, a float.
        terms: `{name: TermExplanation}`.
        gradient: d total / d y_pred, as NumPy, in the structure of y_pred.
        watched: what `watch` showed inside the loss.
        notes: what of the batch lies outside what the loss takes, in words.
    """

    def __init__(self, loss, total, terms, gradient, watched, notes=()):
        self.loss, self.total, self.terms = loss, total, terms
        self.gradient, self.watched, self.notes = gradient, watched, tuple(notes)

    def __getitem__(self, name):
        return self.terms[name]

    def to_text(self, width=100):
        longest = max(4, *(len(n) for n in self.terms))
        longest = min(longest, width - 68)
        head = (
            f"{'term':<{longest}} {'weight':>8} {'value':>10} {'share':>7} {'values':>14} "
            f"{'divided by':>10} {'|gradient|':>10}"
        )
        lines = [f"{self.loss} = {self.total:.6g}"[:width], head]
        for t in self.terms.values():
            share = "" if t.share is None else f"{100 * t.share:.1f}%"
            divided = "" if t.denominator is None else f"{t.denominator:.6g}"
            lines.append(
                f"{t.name[:longest]:<{longest}} {t.weight:>8.4g} {t.value:>10.5g} {share:>7} "
                f"{str(t.shape):>14} {divided:>10} {t.gradient_norm:>10.4g}"
            )
        for t in self.terms.values():
            if t.worst:
                parts = ", ".join(f"{i} ({v:.4g})" for i, v in t.worst)
                text = f"worst samples of {t.name}: {parts}"
                lines.append(text if len(text) <= width else text[: width - 3] + "...")
        for name, value in self.watched.items():
            lines.append(
                f"watched {name}: {value.shape} {value.dtype}, "
                f"{value.min():.4g} to {value.max():.4g}, mean {value.mean():.4g}"[:width]
                if value.size else f"watched {name}: {value.shape} {value.dtype}"
            )
        for note in self.notes:
            lines += textwrap.wrap(f"out of range: {note}", width)
        return "\n".join(lines)

    def __str__(self):
        return self.to_text()

    def __repr__(self):
        return f"<Explanation of {self.loss} = {self.total:.6g}>"

    def plot(self, axes=None):
        """Draw shares and per-sample values; returns the matplotlib figure."""
        from keras_losskit.doctor.plots import plot_explanation

        return plot_explanation(self, axes)


def explain(loss, y_true, y_pred, sample_weight=None, *, worst=3):
    """The numbers behind a loss on one batch: per term, per sample, as NumPy.

    Args:
        loss: anything that `check_loss` takes; of a `WeightedSum` each term is shown.
        y_true, y_pred, sample_weight: the batch, arrays or tensors.
        worst: how many of the worst samples to name.

    Returns:
        An `Explanation`: `.total`, `.terms`, `.gradient`, `.watched`, a table as
        `str()`, `.plot()`.

    Raises:
        ValueError: where the loss itself refuses the batch, with its own words.

    Example:

    >>> import keras_losskit as kl
    >>> e = kl.explain(kl.MeanSquaredError() + 0.5 * kl.MeanAbsoluteError(), [[0.0], [0.0]],
    ...                [[2.0], [0.0]])
    >>> e.total, e["mean_absolute_error"].value    # (4 + 0)/2 + 0.5·(2 + 0)/2
    (2.5, 1.0)
    >>> e["mean_squared_error"].values.tolist()
    [4.0, 0.0]
    """
    subject = Subject(loss)
    y_true, y_pred = tensor(y_true), tensor(y_pred)
    weights = tensor(sample_weight)
    parts = [(subject.name if subject.function else subject.loss.name, 1.0, subject)]
    if isinstance(subject.loss, kl.WeightedSum):
        parts = [
            (name, _number(subject.loss.weight(name)), Subject(term))
            for name, (_, term) in subject.loss.terms.items()
        ]
    total, gradient = _total(subject, y_true, y_pred, weights)
    terms = {
        name: _term(name, weight, part, (y_true, y_pred, weights), total, worst)
        for name, weight, part in parts
    }
    with watching() as seen:
        subject(y_true, y_pred, weights)
    name = repr(subject.loss) if subject.of_kit else subject.name
    notes = _notes(subject, y_true, y_pred)
    return Explanation(name, total, terms, gradient, dict(seen), notes)


def _notes(subject, y_true, y_pred):
    """What of a batch lies outside what the loss takes."""
    from keras_losskit.doctor import ranges
    from keras_losskit.doctor.hazards import Scan
    from keras_losskit.doctor.source import sources

    scan, error = attempt(lambda: Scan(sources(subject)))
    found, failed = attempt(ranges.out_of_range, subject, scan, y_true, y_pred)
    return () if error is not None or failed is not None or found is None else (found[0],)


def _number(weight):
    return float(weight if isinstance(weight, (int, float)) else to_numpy(tensor(weight)))


def _total(subject, y_true, y_pred, weights):
    def number(t, p):
        value = subject(t, p, weights)
        return ops.sum(value) if len(value.shape) else value

    value, gradient = value_and_gradient(number, y_true, y_pred)
    return float(to_numpy(value)), _numbers_of(gradient, y_pred)


def _numbers_of(gradient, y_pred):
    """The gradient as NumPy, zeros where there is none, in the structure of `y_pred`."""
    leaves = keras.tree.flatten(y_pred)
    found = [None] * len(leaves) if gradient is None else _leaves(gradient)
    numbers = [
        np.zeros(tuple(p.shape)) if g is None else to_numpy(g)
        for g, p in zip(found, leaves, strict=True)
    ]
    return keras.tree.pack_sequence_as(y_pred, numbers)


def _leaves(gradient):
    """The leaves of a structure in which `None` is one."""
    if isinstance(gradient, dict):
        return [leaf for key in sorted(gradient) for leaf in _leaves(gradient[key])]
    if isinstance(gradient, (list, tuple)):
        return [leaf for part in gradient for leaf in _leaves(part)]
    return [gradient]


def _norm(gradient, weight):
    squares = [np.sum(np.square(weight * g.astype("float64"))) for g in _leaves(gradient)]
    return float(np.sqrt(sum(squares)))


def _term(name, weight, subject, batch, total, worst):
    y_true, y_pred, weights = batch
    value, gradient = _total(subject, *batch)
    raw = subject.values(y_true, y_pred)
    values = to_numpy(raw)
    each = to_numpy(subject.with_reduction("none")(*batch)) if values.ndim else None
    denominator = None
    reduction = getattr(subject.loss, "reduction", None)
    if each is not None and reduction not in ("sum", "none", None):
        denominator = _denominator(subject, batch, float(each.astype("float64").sum()), value)
    ranked = ()
    if each is not None:
        per_sample = each.reshape(len(each), -1).mean(axis=1) if each.size else each
        order = np.argsort(-np.nan_to_num(per_sample, nan=np.inf))[:worst]
        ranked = tuple((int(i), float(per_sample[i])) for i in order)
    dtype = str(raw.dtype).split("'")[1] if "'" in str(raw.dtype) else str(raw.dtype)
    return TermExplanation(
        name, weight, value, weight * value / total if total else None, values, values.shape,
        dtype.replace("torch.", ""), denominator,
        _norm(gradient, weight), ranked,
    )


def _denominator(subject, batch, summed, value):
    """What the sum was divided by; for a sum of 0, the rule's count."""
    if value and np.isfinite(summed / value):
        return float(np.round(summed / value, 6))
    y_true, y_pred, _ = batch
    return float(np.prod(tuple(subject.values(y_true, y_pred).shape)))
