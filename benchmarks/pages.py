"""BENCHMARKS.md, from the pages in benchmarks/results/ that the runs wrote.

    python -m benchmarks.pages
"""

import contextlib
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
WORDS = ("faster", "level", "slower", "spread too wide")
# Of `python -m benchmarks`, in this order.
OURS = ("tensorflow", "jax", "torch")
# Pages of other commands than `python -m benchmarks`, and what they tell.
OTHERS = {
    "vocabulary": "`LinearCrossentropy` beside the dense loss: time and memory by vocabulary",
    "calls": "one eager call on 32 rows, beside Keras' own losses",
    "doctor": "how long a check of a loss takes, quick and full",
}


def pages():
    """`{name: text}` of those that are there."""
    files = (RESULTS / f"{name}.md" for name in (*OURS, *OTHERS))
    return {file.stem: file.read_text(encoding="utf-8") for file in files if file.exists()}


def rows():
    """`[{column: cell}]` of all tables of losses, with page, engine and family."""
    found = []
    for page, text in pages().items():
        engine = family = header = None
        for line in text.splitlines():
            if line.startswith("## "):
                named = line.startswith("## Losses, ")
                engine = line.removeprefix("## Losses, ") if named else None
            elif line.startswith("### "):
                family, header = line[4:], None
            elif engine and line.startswith("| loss |"):
                header = [c.strip() or "verdict" for c in line.strip("|").split("|")]
            elif engine and header and line.startswith("| ") and "---" not in line:
                cells = [c.strip() for c in line.strip("|").split(" | ")]
                found.append({**dict(zip(header, cells, strict=False)), "engine": engine,
                              "family": family, "page": page})  # fmt: skip
    return found


def section(text, heading):
    """The text below a heading of a page."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    return found[1].strip() if found else ""


def sections(heading):
    """The same of all pages, one after the other."""
    return "\n".join(filter(None, (section(text, heading) for text in pages().values())))


def verdicts():
    """How many comparisons ended how, by engine and family."""
    out = ["| engine | family | " + " | ".join(WORDS) + " |", "|---|---|" + "---:|" * len(WORDS)]
    counted = {}
    for row in rows():
        verdict = row["verdict"].strip("*")
        if verdict in WORDS:
            key = row["engine"], row["family"]
            counted.setdefault(key, dict.fromkeys(WORDS, 0))[verdict] += 1
    for (engine, family), n in counted.items():
        out.append(f"| {engine} | {family} | " + " | ".join(str(n[w]) for w in WORDS) + " |")
    return "\n".join(out)


# A loss without a peer on JAX is still the same loss as on torch: what XLA makes slow shows here.
MANY = 4
COMPILED, EAGER = "JAX jit", "torch eager"
_SORTS = "XLA's sort on a CPU"
BETWEEN = {"EnsembleCRPS": _SORTS, "LovaszSoftmax": _SORTS, "LovaszHinge": _SORTS}


def between():
    """`{loss: (ms on JAX, ms on torch)}` where JAX takes more than MANY times as long."""
    times = {COMPILED: {}, EAGER: {}}
    for row in rows():
        with contextlib.suppress(ValueError, KeyError):
            times[row["engine"]].setdefault(row["loss"], float(row["kit ms"]))
    pairs = {loss: (ms, times[EAGER].get(loss, ms)) for loss, ms in times[COMPILED].items()}
    return {loss: (ms, other) for loss, (ms, other) in pairs.items() if ms > MANY * other}


def told_between():
    lines = [
        f"- {loss}: {ms:g} ms for {other:g} ms: {BETWEEN.get(loss, 'not explained')}."
        for loss, (ms, other) in between().items()
    ]
    return "\n".join(lines) or "None."


def method():
    """When, on what, with what and how the first page was measured."""
    text = next(iter(pages().values()))
    return text.partition("-->")[2].partition("## ")[0].strip()


def links():
    lines, measured = [], rows()
    for name in pages():
        engines = dict.fromkeys(r["engine"] for r in measured if r["page"] == name)
        told = OTHERS.get(name, "losses, " + ", ".join(engines))
        lines.append(f"- [{name}](benchmarks/results/{name}.md): {told}.")
    return "\n".join(lines)


HEAD = """\
# Benchmarks

<!-- Written by `python -m benchmarks.pages`; do not edit. -->

Below 1 is in the kit's favour. A comparison is *faster* or *slower* where the 95 % interval of the
ratio leaves 1 out, else *level*. What was measured when, on which machine, and how, stands at the
head of each page.
"""


def overview():
    parts = [
        HEAD, verdicts(), "", "## In short", "", sections("In short"), "",
        "## Every case that is slower, and why", "", sections("Why it is slower where it is"), "",
        f"## Where {COMPILED} takes more than {MANY} times as long as {EAGER}", "",
        told_between(), "",
        "## All tables", "", links(), "",
    ]  # fmt: skip
    return "\n".join(parts)


if __name__ == "__main__":
    (ROOT / "BENCHMARKS.md").write_text(overview(), encoding="utf-8")
