"""What the package has, and where each public name's page is."""

import inspect
import re
from functools import cache
from pathlib import Path

import keras_losskit as kl

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"


def is_loss(thing):
    return inspect.isclass(thing) and thing.__module__.startswith("keras_losskit.losses.")


@cache
def losses():
    """`{name: class}` of the losses, as exported."""
    found = {name: getattr(kl, name) for name in kl.__all__}
    return {name: x for name, x in found.items() if is_loss(x) and issubclass(x, kl.Loss)}


@cache
def others():
    """`{name: thing}` of every other public name."""
    return {name: getattr(kl, name) for name in kl.__all__ if name not in losses()}


def page(name):
    """The document of a public name, or `None`."""
    if name in losses():
        return f"losses/{name}"
    return f"api/{name}" if name in others() else None


FAMILIES = {
    "regression": "Regression",
    "classification": "Classification",
    "segmentation": "Segmentation",
    "distributions": "Distributions",
    "survival": "Survival",
    "latent_variables": "Latent variables",
    "metric_learning": "Metric learning",
    "paired_views": "Paired views",
    "adversarial": "Adversarial",
    "sequences": "Sequences",
    "preference": "Preference",
    "distillation": "Distillation",
    "transport": "Transport",
    "boxes": "Boxes",
    "ranking": "Ranking",
    "restoration": "Restoration",
    "registration": "Registration",
    "audio": "Audio",
}


def family(loss):
    return loss.__module__.split(".")[2]


@cache
def by_family():
    """`{title: names in order}`; a family without a title here is a fault."""
    found = {title: [] for title in FAMILIES.values()}
    for name, loss in losses().items():
        found[FAMILIES[family(loss)]].append(name)
    return found


ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)


@cache
def lines():
    """`{loss: what it is for}`, the last column of the tables in `docs/losses.md`."""
    text = (DOCS / "losses.md").read_text(encoding="utf-8")
    return {name: line for name, _, line in ROW.findall(text)}
