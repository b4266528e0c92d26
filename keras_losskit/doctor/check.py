"""`check_loss`: everything that is wrong with a loss, why, where, and how to mend it."""

import importlib
import re
import time
from dataclasses import replace

import numpy as np

from keras_losskit.doctor import data as making
from keras_losskit.doctor import ranges
from keras_losskit.doctor.hazards import Scan
from keras_losskit.doctor.least import PERFECT
from keras_losskit.doctor.report import Finding, LossReport
from keras_losskit.doctor.running import Runner, attempt, backend, quiet
from keras_losskit.doctor.source import sources
from keras_losskit.doctor.state import unchanged
from keras_losskit.doctor.subject import Subject

CHECKS = ("graph", "shape", "gradient", "numbers", "weights", "saving", "cost")


_HALF = {"bfloat16": 2.0**-8, "float16": 2.0**-11}  # How far a number is rounded.


class Exam:
    """What the checks share: the loss, its source, data, and a place for findings."""

    def __init__(self, subject, scan, sample, quick, state):
        self.subject, self.scan, self.sample, self.quick = subject, scan, sample, quick
        self.state = state
        self.runner = Runner(subject, state)
        self.check = ""
        self.findings = []
        self.shown = []
        self.facts = {}
        # Of what is rounded on the way in, on the way out, and in between.
        self.rounding = 4 * _HALF.get(getattr(subject.loss, "dtype", None), 0)

    def add(self, name, severity, seen, why="", mend="", line=None):
        """Note a finding of the check that runs now."""
        finding = Finding(self.check, name, severity, seen, why, mend, line)
        if finding in self.findings:
            return
        for i, said in enumerate(self.findings):  # One cause is one finding.
            if name == "not-finite" and said == replace(finding, seen=said.seen):
                self.findings[i] = replace(said, seen=f"{said.seen}; {seen}")
                return
        self.findings.append(finding)

    @property
    def names(self):
        """The names of what was found so far."""
        return {f.name for f in self.findings}

    def show(self, text):
        """Note something that was shown to be right."""
        self.shown.append(text)

    def close(self, a, b, rtol, atol=1e-8, **options):
        """Whether they are the same, as far as the dtype of the loss tells."""
        return np.allclose(a, b, rtol=max(rtol, self.rounding), atol=atol, **options)

    def run(self, how, *arrays):
        """`(result, error)` of running the loss."""
        return attempt(self.runner, how, *arrays)

    def attempt(self, function, *arguments):
        """`attempt`, after which everything that the loss changed is put back."""
        try:
            return attempt(function, *arguments)
        finally:
            self.state.settle()

    def line_of(self, *kinds):
        """The first line of the source with a hazard of these kinds, or `None`."""
        found = self.scan.of(*kinds)
        return found[0].line if found else None


def check_loss(
    loss,
    y_true=None,
    y_pred=None,
    *,
    sample_weight=None,
    shapes=None,
    quick=False,
    checks=CHECKS,
    progress=None,
):
    """Examine a loss: a function, a loss of Keras, anybody's subclass, a combined one.

    It never raises for a bad loss, and leaves the loss and the seeds as they were.

    Args:
        loss: anything that `compile(loss=...)` takes for one output.
        y_true, y_pred: a batch to examine it on. Without one, made data is used,
            and the report says which.
        sample_weight: weights `(B,)` to examine it with.
        shapes: a hint for the made data: a pair of shapes, such as
            `((32, 1), (32, 1))`; a kind, such as `"binary"`, `"ids"`, `"map"` or
            `"boxes"`; or a dict with `y_true`, `y_pred` and `kind`.
        quick: leave out what is slow: XLA, a fresh process, timing.
        checks: which of `"graph"`, `"shape"`, `"gradient"`, `"numbers"`,
            `"weights"`, `"saving"`, `"cost"` to run.
        progress: called with the name of each check before it runs.

    Returns:
        A `LossReport`: `.ok`, `.findings`, a table as `str()`, `.to_dict()`,
        `.raise_if_failed()`.

    Raises:
        ValueError: for a check that there is not. Whatever the loss raises is a finding.

    Example:

    >>> import keras, keras_losskit
    >>> def rounded(y_true, y_pred):
    ...     return keras.ops.mean(keras.ops.abs(y_true - keras.ops.round(y_pred)), axis=-1)
    >>> report = keras_losskit.check_loss(rounded, quick=True)
    >>> report.ok, report["no-gradient"].check
    (False, 'gradient')
    """
    unknown = set(checks) - set(CHECKS)
    if unknown:
        raise ValueError(f"check_loss: no check is called {sorted(unknown)}; there are {CHECKS}")
    try:
        subject = Subject(loss)
    except Exception as error:  # noqa: BLE001
        finding = Finding(
            "data", "not-a-loss", "error", f"{error}",
            "Keras takes a function f(y_true, y_pred), a keras.losses.Loss or a name.",
        )
        return LossReport(repr(loss), "no data", [finding], {}, backend())
    scan, error = attempt(lambda: Scan(sources(subject)))
    scan = Scan([]) if error is not None else scan
    draws = bool(scan.of("random", "python-random"))
    state = unchanged(subject, scan.sources, draws)
    with state as state, quiet(), np.errstate(all="ignore"):
        return _examine(subject, scan, state, (y_true, y_pred, sample_weight), shapes, quick,
                        checks, progress)


def _examine(subject, scan, state, batch, shapes, quick, checks, progress):
    y_true, y_pred, sample_weight = batch
    found, error = attempt(making.find, subject, scan, y_true, y_pred, shapes, state)
    state.restore()
    whole, sample, problem = (None, None, str(error)) if error is not None else found
    if sample is None:
        finding = Finding(
            "data", "no-data", "error", f"No data to examine it on: {problem}.",
            mend="Give y_true and y_pred, or a hint in `shapes`.",
        )
        return LossReport(subject.name, "no data", [finding], {}, backend())
    exam = Exam(whole, scan, sample, quick, state)
    exam.facts["sample_weight"] = sample_weight
    exam.facts["fresh process"] = None
    seconds = {}
    if sample.given and y_true is not None:
        checks = _in_range(exam, y_true, y_pred, sample_weight, checks)
    if _runs_at_all(exam):
        if "saving" in checks and not quick:
            _module("fresh").start(exam)
        for name in checks:
            if name == "cost" and quick:
                continue
            if progress is not None:
                progress(name)
            start, exam.check = time.perf_counter(), name
            _, error = attempt(_module(name).check, exam)
            state.restore()
            if error is not None:
                exam.add(
                    "not-examined", "info",
                    f"this check could not be carried out: {type(error).__name__}: "
                    f"{first_line(error)}",
                )
            seconds[name] = time.perf_counter() - start
        _on_other_kinds(exam, checks)
    report = LossReport(subject.name, str(sample), exam.findings, seconds, backend())
    report.shown = exam.shown
    return report


# What may be the fault of the data, where nobody said what the loss takes.
_OF_THE_DATA = {"not-finite", "gradient-not-finite", "perfect-not-least", "one-sample",
                "saturates"}


def _on_other_kinds(exam, checks):
    """Make notes of errors that a loss shows on one kind of made data and not on another."""
    doubtful = [f for f in exam.findings if f.severity == "error" and f.name in _OF_THE_DATA
                and f.check in ("shape", "numbers")]
    if not exam.sample.guessed or not doubtful:
        return
    here, error = exam.run("value", exam.sample.y_true, exam.sample.y_pred)
    if error is not None or not np.isfinite(here):  # No data that it is made for.
        for f in doubtful:
            _doubt(exam, f, "they may be others than it is made for")
        return
    if exam.sample.domain == "real":
        return  # Any numbers are the widest kind: what is wrong with them is wrong.
    for other in making.others(exam.subject, exam.scan, exam.sample, exam.state):
        second = Exam(exam.subject, exam.scan, other, True, exam.state)
        second.facts["sample_weight"] = None
        second.runner.eager = exam.runner.eager
        for name in ("shape", "numbers"):
            if name in checks:
                second.check = name
                attempt(_module(name).check, second)
        exam.state.restore()
        found = {f.name for f in second.findings if f.severity == "error"}
        if "perfect-not-least" in found or PERFECT not in second.shown:
            continue  # No data that it is made for.
        for f in doubtful:
            if f in exam.findings and f.name not in found:
                _doubt(exam, f, f"not so on {other}")


def _doubt(exam, finding, why):
    """Make a note of what is found on made data."""
    exam.findings[exam.findings.index(finding)] = replace(
        finding, severity="info", seen=f"on {exam.sample}, {finding.seen}; {why}")


def _in_range(exam, y_true, y_pred, sample_weight, checks):
    """The checks that still make sense: of data out of range, those that need none."""
    weights = None if sample_weight is None else np.asarray(sample_weight)
    if weights is not None and weights.ndim == 1 and (weights == 0).any():
        return checks  # Padding may hold anything.
    exam.check = "numbers"
    said, error = attempt(ranges.out_of_range, exam.subject, exam.scan, y_true, y_pred)
    if error is not None or said is None:
        shares, error = attempt(ranges.probabilities_for_logits, exam, y_true, y_pred)
        if error is None and shares is not None:
            exam.add(
                "activation-twice", "warning", f"in the data given, {shares}",
                "A sigmoid or softmax is then applied twice: no probability comes near 0 or 1, "
                "and the loss not near 0.",
                "Give the logits, or take the loss with from_logits=False.",
            )
        return checks
    words, sure = said
    exam.add(
        "out-of-range", "error" if sure else "warning", f"in the data given, {words}",
        "The formula does not hold there: it may be NaN, negative, or have no least value.",
        ranges.mend_of(words),
    )
    return [name for name in checks if name in ("graph", "saving")] if sure else checks


def _runs_at_all(exam):
    """Whether the loss gives a number on the data, compiled or not; else say why not."""
    _, error = exam.run("value", exam.sample.y_true, exam.sample.y_pred)
    exam.state.restore()  # From here on it is known what moves.
    if error is None:
        return True
    _, eager_error = attempt(exam.runner.eagerly, "value", exam.sample.y_true, exam.sample.y_pred)
    if eager_error is None:
        exam.runner.eager = True
        exam.facts["trace error"] = error
        return True
    if not any(f.name == "out-of-range" for f in exam.findings):
        exam.check = "graph"
        _module("graph").explain_error(exam, eager_error)
    return False


def _module(name):
    return importlib.import_module(f"keras_losskit.doctor.checks.{name}")


def first_line(error, width=200):
    """The first line of an exception's text that says something."""
    lines = [s.strip() for s in str(error).splitlines() if s.strip()]
    lines = [s for s in lines if not s.startswith(("Traceback", "File", "in user code"))]
    # TensorFlow leads its messages with the node of the graph.
    lines = [re.sub(r"\{\{.*?\}\}\s*|\[Op:\w+\].*$", "", s).strip() for s in lines]
    text = next((s for s in lines if s), "")
    return text if len(text) <= width else text[: width - 3] + "..."
