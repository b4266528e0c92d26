"""`python -m results`: runs every finding and writes docs/results.md and its pictures."""

import argparse
import os
import platform
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt

from results import (
    calibration,
    counts,
    denoising,
    long_tail,
    metric_learning,
    ordinal,
    quantiles,
    survival,
    wrong_labels,
)

ROOT = Path(__file__).resolve().parents[1]
FINDINGS = {
    "long_tail": long_tail.run,
    "wrong_labels_40": lambda seeds: wrong_labels.run(seeds, 0.4),
    "calibration": calibration.run,
    "quantiles": quantiles.run,
    "ordinal": ordinal.run,
    "metric_learning": metric_learning.run,
    "survival": survival.run,
    "counts": counts.run,
    "denoising": denoising.run,
    "wrong_labels_60": lambda seeds: wrong_labels.run(seeds, 0.6),
}


HEAD = """# Results

Findings that papers published, run again with the kit on small data that packages bring, and
reported as they came out: mean ± standard deviation over seeds. They are about these data and these
networks, and say how a loss behaves, not what it is worth on yours.

{short}

`python -m results` took {minutes:.0f} minutes on {cores} CPU cores, Keras {keras} on {backend},
Python {python}.

"""


def draw(finding, path):
    rows = finding.rows()[::-1]
    figure, axes = plt.subplots(figsize=(7, 0.42 * len(rows) + 1.1), layout="constrained")
    for i, name in enumerate(rows):
        axes.plot(finding.scores[name], [i] * len(finding.scores[name]), ".", color="0.6")
        axes.errorbar(finding.mean(name), i, xerr=finding.sd(name), fmt="o", color="#0072b2",
                      capsize=3)
    if finding.name == "quantiles":
        axes.axvline(90, color="0.8", zorder=0)
    axes.set(yticks=range(len(rows)), yticklabels=rows, xlabel=finding.score)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110, facecolor="white")
    plt.close(figure)


def written(finding, n):
    out = [f"## {finding.title}\n", f"*Claim.* {finding.claim}\n", f"*Source.* {finding.source}\n",
           f"*Here.* {finding.setup} {n} seeds.\n",
           f"**Did it hold?** {finding.held}\n",
           f"| | {finding.score} |", "|---|---:|"]
    out += [f"| {name} | {finding.mean(name):.2f} ± {finding.sd(name):.2f} |"
            for name in finding.rows()]
    if finding.notes:
        out += ["", finding.notes]
    out += ["", f"```{{image}} _static/results/{finding.name}.png",
            f":alt: {finding.title}: mean and standard deviation, and each seed",
            ":class: picture", "```\n"]
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser(prog="python -m results", description=__doc__)
    parser.add_argument("--only", choices=FINDINGS, action="append")
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    start = time.time()
    parts, short = [], []
    pictures = ROOT / "docs" / "_static" / "results"
    pictures.mkdir(parents=True, exist_ok=True)
    for name in asked.only or FINDINGS:
        finding = FINDINGS[name](range(asked.seeds))
        parts.append(written(finding, asked.seeds))
        short.append(f"| {finding.title} | {finding.held} |")
        print(parts[-1], f"({time.time() - start:.0f} s so far)", flush=True)
        if not asked.only:  # The page holds all of one run; it is whole after each.
            draw(finding, pictures / f"{name}.png")
            page = HEAD.format(
                short="\n".join(["| | did the claim hold? |", "|---|---|", *short]),
                minutes=(time.time() - start) / 60, cores=os.cpu_count(),
                keras=keras.__version__, backend=keras.config.backend(),
                python=platform.python_version(),
            )
            (ROOT / "docs" / "results.md").write_text(
                page + "\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
