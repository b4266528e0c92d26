"""What BENCHMARKS.md measured, by loss, and as a table of verdicts."""

import re
from functools import cache

from kitdocs import names

ENGINES = ("TensorFlow XLA", "TensorFlow graph", "JAX jit", "torch eager", "torch.compile")


@cache
def rows():
    """`[{column: cell}]` of the tables of losses, with the engine and the family."""
    found, engine, family, header = [], None, None, None
    for line in (names.ROOT / "BENCHMARKS.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            engine = line.removeprefix("## Losses, ") if line.startswith("## Losses, ") else None
        elif line.startswith("### "):
            family, header = line[4:], None
        elif engine and line.startswith("| loss |"):
            header = [c.strip() or "verdict" for c in line.strip("|").split("|")]
        elif engine and header and line.startswith("| ") and "---" not in line:
            cells = [c.strip() for c in line.strip("|").split(" | ")]
            found.append({**dict(zip(header, cells, strict=False)), "engine": engine,
                          "family": family})
    return found


def loss_of(row):
    return re.match(r"\w*", row["loss"])[0]


def of_loss(name):
    found = [r for r in rows() if loss_of(r) == name and r.get("kit ms")]
    if not found:
        return ""
    out = [
        "Value and gradient of the mean loss, compiled as `fit` compiles it; a ratio below 1 is "
        "in the kit's favour. How it was measured: [Benchmarks](../benchmarks.md).\n",
        "| | engine | peer | kit ms | peer ms | kit / peer | |", "|---|---|---|---|---|---|---|",
    ]
    for r in found:
        what = r["loss"].removeprefix(name).strip().strip("()")
        out.append(f"| {what} | {r['engine']} | {r['peer']} | {r['kit ms']} | {r['peer ms']} "
                   f"| {r['kit / peer']} | {r['verdict'].strip('*')} |")
    if len(found) > 5:
        counts = {w: sum(r["verdict"].strip("*") == w for r in found) for w in
                  ("faster", "level", "slower")}
        said = ", ".join(f"{n} {w}" for w, n in counts.items())
        head = f":::{{dropdown}} {len(found)} comparisons: {said}"
        return "\n".join([out[0], head, *out[1:], ":::"])
    return "\n".join(out)


def verdicts():
    """How many comparisons ended how, by engine and family."""
    words = ("faster", "level", "slower", "spread too wide")
    out = ["| engine | family | faster | level | slower | spread too wide |",
           "|---|---|---:|---:|---:|---:|"]
    counted = {}
    for r in rows():
        verdict = r["verdict"].strip("*")
        if verdict in words:
            key = r["engine"], r["family"]
            counted.setdefault(key, dict.fromkeys(words, 0))[verdict] += 1
    for (engine, family), n in counted.items():
        out.append(f"| {engine} | {family} | " + " | ".join(str(n[w]) for w in words) + " |")
    return "\n".join(out)


def section(heading):
    """The text below a heading of BENCHMARKS.md."""
    text = (names.ROOT / "BENCHMARKS.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    return found[1].strip() if found else ""


def short():
    return section("In short")


def why():
    return section("Why it is slower where it is")


def method():
    text = (names.ROOT / "BENCHMARKS.md").read_text(encoding="utf-8")
    return text.partition("-->")[2].partition("## In short")[0].strip()
