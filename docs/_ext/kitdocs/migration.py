"""The migration page: every row "elsewhere | here" of the docstrings, by where one comes from."""

import re

from kitdocs import names, pages, tables
from kitdocs.docstrings import cell

# What a row of another package begins with, or holds.
PACKAGES = [
    ("Keras", r"\bKeras\b|keras\.losses"),
    ("segmentation_models", r"\bsegmentation_models(?!\.pytorch|_pytorch)"),
    ("segmentation_models.pytorch", r"segmentation_models\.pytorch|\bsmp\b"),
    ("TensorFlow Addons", r"\bTFA\b|TensorFlow Addons|tensorflow.addons|\btfa\b"),
    ("TF-Similarity", r"TF-Similarity|TensorFlow Similarity|tensorflow.similarity"),
    ("TF-Ranking", r"TF-Ranking|TensorFlow Ranking|\btfr\b"),
    ("MONAI", r"\bMONAI\b"),
    ("pytorch-metric-learning", r"pytorch.metric.learning"),
    ("keras-cv", r"\bKerasCV\b|keras.cv\b"),
    ("focal-loss", r"focal.loss\b(?! from)"),
    ("optax", r"\boptax\b"),
    ("torch.nn", r"\btorch\b|torch\.nn"),
]


def rows():
    """`[(package, loss, elsewhere, here)]`; a row may belong to two packages."""
    found = []
    for name in names.losses():
        for line in pages.parts(name).elsewhere:
            theirs, ours = re.split(r"(?<!\\) \| ", line.strip().strip("|").strip(), maxsplit=1)
            where = [p for p, pattern in PACKAGES if re.search(pattern, theirs, re.I)]
            for package in where or ["Others: papers' code and other packages"]:
                found.append((package, name, theirs, ours))
    return found


def table(package):
    out = ["| elsewhere | here | page |", "|---|---|---|"]
    for where, name, theirs, ours in rows():
        if where == package:
            out.append(f"| {cell(theirs)} | {cell(ours)} | `{name}` |")
    return "\n".join(out) if len(out) > 2 else ""


SECTIONS = {"segmentation_models.pytorch": "segmentation-models-pytorch", "torch.nn": "torch",
            "MONAI": "monai"}


def compared(package):
    """The rows of `peers.md`: what is compared with the installed package, by a test."""
    text = (names.DOCS / "peers.md").read_text(encoding="utf-8")
    heading = SECTIONS.get(package, package)
    found = re.search(rf"^## ({re.escape(heading)} [\d.]+)\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    if not found:
        return ""
    out = [f"Compared with {found[1]}, number and gradient, [by a test](peers.md):\n",
           "| elsewhere | here | |", "|---|---|---|"]
    for line in found[2].splitlines():
        cells = re.split(r"(?<!\\) \| ", line.strip("|").strip())
        if len(cells) == 6 and cells[0] != "theirs" and "---" not in line:
            theirs, ours, how, _, _, mapping = cells
            out.append(f"| {theirs} | {ours}: {how} | {mapping} |")
    return "\n".join(out)


def tables_of_all():
    """For the page: a heading, three traps and the rows of each package."""
    from kitdocs.traps import TRAPS

    out = []
    names_ = [p for p, _ in PACKAGES] + ["Others: papers' code and other packages"]
    for package in names_:
        out.append(f"## {package}\n")
        traps = TRAPS.get(package, ())
        if traps:
            numbered = (f"{i}. {trap}" for i, trap in enumerate(traps, 1))
            out += ["Three traps of the move:\n", *numbered, ""]
        out += [table(package), "", compared(package), ""]
    return "\n".join(out)


def setup(app):
    tables.Written.FUNCTIONS["migration"] = tables_of_all
