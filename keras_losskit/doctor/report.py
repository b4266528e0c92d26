"""What a check found: findings, and the report that holds them."""

import json
import os
import textwrap
from dataclasses import asdict, dataclass

SEVERITIES = ("error", "warning", "info")
_MARKS = {"error": "ERROR", "warning": "warn ", "info": "info "}
_COLOURS = {"error": "\x1b[31m", "warning": "\x1b[33m", "info": "\x1b[36m"}


class LossCheckError(AssertionError):
    """Raised by `LossReport.raise_if_failed`; holds the report."""

    def __init__(self, report):
        super().__init__(str(report))
        self.report = report


@dataclass(frozen=True)
class Line:
    """A line of source: where it is, and its text."""

    file: str
    line: int
    text: str

    def __str__(self):
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Finding:
    """One thing that a check saw.

    Args:
        check: the check that saw it, such as "gradient".
        name: a short word for it, such as "wrong-gradient".
        severity: "error" (wrong in ordinary training), "warning" (wrong in some
            use, or costly), "info" (good to know).
        seen: what was seen, with its numbers.
        why: why it matters.
        mend: how to mend it.
        line: the line of the loss at fault, or `None`.
    """

    check: str
    name: str
    severity: str
    seen: str
    why: str = ""
    mend: str = ""
    line: Line | None = None

    def to_dict(self):
        return asdict(self)


class LossReport:
    """The findings of `check_loss`; `str()` shows them as a table.

    Made by `check_loss`. `ok` says whether nothing is an error, `shown` what was shown to
    be right, in words; `report["name"]` is the finding of that name.

    Args:
        loss: the name of the loss.
        data: in words, the data it was checked on.
        findings: a list of `Finding`, kept with the worst first.
        checks: the checks that ran, with the seconds each took.
        backend: the backend that it ran on.

    Raises:
        KeyError: for a finding that there is not.
        LossCheckError: by `raise_if_failed()`, where something is an error.

    Example:

    >>> import keras_losskit
    >>> report = keras_losskit.check_loss(keras_losskit.Huber(), quick=True)
    >>> report.ok, [finding.name for finding in report.findings]
    (True, [])
    """

    def __init__(self, loss, data, findings, checks, backend):
        order = {s: i for i, s in enumerate(SEVERITIES)}
        self.loss, self.data, self.backend = loss, data, backend
        self.findings = sorted(findings, key=lambda f: order[f.severity])
        self.checks = dict(checks)
        self.shown = []

    @property
    def ok(self):
        return not self.of("error")

    def of(self, severity):
        """The findings of one severity."""
        return [f for f in self.findings if f.severity == severity]

    def __contains__(self, name):
        """Whether there is a finding of that name."""
        return any(f.name == name for f in self.findings)

    def __getitem__(self, name):
        """The first finding of that name."""
        for f in self.findings:
            if f.name == name:
                return f
        raise KeyError(name)

    def raise_if_failed(self):
        """Raise `LossCheckError` (an `AssertionError`) where there is an error."""
        if not self.ok:
            raise LossCheckError(self)
        return self

    def to_dict(self):
        """The report as plain JSON."""
        return {
            "loss": self.loss,
            "ok": self.ok,
            "backend": self.backend,
            "data": self.data,
            "checks": {name: round(seconds, 4) for name, seconds in self.checks.items()},
            "findings": [f.to_dict() for f in self.findings],
            "shown": list(self.shown),
        }

    def to_json(self, **options):
        return json.dumps(self.to_dict(), **options)

    def counts(self):
        """`1 error, 2 warnings, 1 note`, or `nothing found`."""
        words = [
            f"{len(found)} {word}{'s' if len(found) > 1 else ''}"
            for severity, word in zip(SEVERITIES, ("error", "warning", "note"), strict=True)
            if (found := self.of(severity))
        ]
        return ", ".join(words) or "nothing found"

    def to_text(self, width=100, colour=False):
        """The report as a table of at most `width` columns."""
        verdict = "fine" if self.ok else "NOT EXAMINED" if "no-data" in self else "NOT FINE"
        text = textwrap.wrap(f"{self.loss}: {verdict} ({self.counts()})", width)
        text += textwrap.wrap(f"on {self.backend}, with {self.data}", width)
        lead = " " * 17
        for f in self.findings:
            mark = _MARKS[f.severity]
            head = f"{mark}  {f.check:<8}  "
            block = textwrap.wrap(
                f"{f.name}: {f.seen}", width, initial_indent=head, subsequent_indent=lead
            )
            if colour:
                block[0] = block[0].replace(mark, f"{_COLOURS[f.severity]}{mark}\x1b[0m", 1)
            for word, part in (("why:  ", f.why), ("mend: ", f.mend)):
                if part:
                    block += textwrap.wrap(
                        part, width, initial_indent=lead + word,
                        subsequent_indent=lead + " " * len(word),
                    )
            if f.line is not None:
                where = f"{lead}at {shorten_path(f.line.file)}:{f.line.line}"
                # The place is never cut: it is what an editor opens.
                block.append(where + _cut(f": {f.line.text.strip()}", max(width - len(where), 3)))
            text += block
        if self.shown:
            text += textwrap.wrap(
                "; ".join(self.shown), width, initial_indent="shown right:     ",
                subsequent_indent=lead,
            )
        return "\n".join(text)

    def __str__(self):
        return self.to_text()

    def __repr__(self):
        return f"<LossReport of {self.loss}: {self.counts()}>"


def shorten_path(path):
    """`path` relative to the current folder where that is shorter."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # Another drive.
        return path
    return relative if len(relative) < len(path) else path


def _cut(text, width):
    return text if len(text) <= width else text[: width - 3] + "..."
