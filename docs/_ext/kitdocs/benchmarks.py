"""What the pages in benchmarks/results/ tell, by loss, and as a table of verdicts."""

import re
from functools import cache

from benchmarks import pages

rows = cache(pages.rows)
verdicts, method = pages.verdicts, pages.method


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


def short():
    return pages.sections("In short")


def why():
    return pages.sections("Why it is slower where it is")
