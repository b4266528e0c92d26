"""One page for each public name, written from the class when the site is built.

A loss's page says what it costs (formula and picture), what it takes (its declaration), its
options, an example, what others call it, its neighbours, its speed, and the examples that use it.
"""

import ast
import inspect
import re
from functools import cache

from sphinx.util import logging

import keras_losskit as kl
from keras_losskit.core.takes import PREDICTIONS, SHAPES, TARGETS, Takes
from kitdocs import benchmarks, names, pictures
from kitdocs.docstrings import Parts, cell, options_table, raises, signature, text
from kitdocs.formulas import FORMULAS

log = logging.getLogger(__name__)


@cache
def parts(name):
    return Parts(getattr(kl, name))


def write(path, page):
    """Only what is new is written: what stays the same is not read again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != page:
        path.write_text(page, encoding="utf-8")


# --- what it takes ---------------------------------------------------------------------------


def between(low, high):
    ends = [f"{x:g}" for x in (low, high)]
    if ends == ["-inf", "inf"]:
        return ""
    if ends[1] == "inf":
        return f", at least {ends[0]}"
    return f", from {ends[0]} to {ends[1]}"


def takes_table(cls):
    takes = getattr(cls, "takes", None)
    if not isinstance(takes, Takes):
        return "What the loss inside takes: it is made of another, and declares nothing itself."
    targets = TARGETS[takes.y_true].words
    if takes.y_true_range is not None:
        targets += between(*takes.range)
    predictions = PREDICTIONS[takes.y_pred].words
    if takes.y_pred == "probabilities" and "from_logits" in inspect.signature(cls).parameters:
        predictions += "; logits with `from_logits=True`"
    rows = [
        ("targets, `y_true`", targets),
        ("predictions, `y_pred`", predictions),
        ("shapes", SHAPES[takes.shapes]),
        ("a sample's value", "depends on the others of the batch" if takes.in_batch
         else "is its own: no other sample matters"),
        ("gradients", "by `y_true` and by `y_pred`" if takes.y_true_gradient else "by `y_pred`"),
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {a} | {cell(b)} |" for a, b in rows)])


# --- relations -------------------------------------------------------------------------------


@cache
def mentions():
    """`{name: the losses that its docstring names}`."""
    return {
        name: [
            other for other in dict.fromkeys(re.findall(r"`(\w+)(?:\(.*?\))?`", inspect.getdoc(x)))
            if other in names.losses() and other != name
        ]
        for name, x in names.losses().items()
    }


def neighbours(name):
    """Whom its docstring names, who names it, who stands in the same file; else its kind."""
    cls = names.losses()[name]
    found = dict.fromkeys(mentions()[name])
    found |= dict.fromkeys(other for other, named in mentions().items() if name in named)
    found |= dict.fromkeys(
        other for other, x in names.losses().items() if x.__module__ == cls.__module__
    )
    found.pop(name, None)
    family = [x for x in names.by_family()[names.FAMILIES[names.family(cls)]] if x != name]
    # Where nobody says a word of another: what takes the same, then what is of its family.
    shapes = getattr(cls.takes, "shapes", None)
    alike = [x for x, other in names.losses().items() if x != name
             and shapes is not None and getattr(other.takes, "shapes", None) == shapes]
    return list(found or dict.fromkeys([*alike, *family]))[:8]


@cache
def used_in():
    """`{public name: examples that use it}`, as `kl.Name` in their code."""
    found = {}
    for path in sorted((names.ROOT / "examples").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        question = ast.get_docstring(tree).splitlines()[0]
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                if node.value.id in ("kl", "keras_losskit"):
                    found.setdefault(node.attr, {})[path.stem] = question
    return found


def examples(name):
    rows = [
        f"- [{question}](../gallery/{stem}.md)"
        for stem, question in used_in().get(name, {}).items()
    ]
    return "\n".join(rows)


# --- the pages -------------------------------------------------------------------------------


def section(title, body):
    return f"## {title}\n\n{body}\n" if body else ""


def docstring_sections(name, thing):
    p = parts(name)
    example = f"```pycon\n{p.example}\n```" if p.example else ""
    call = f"```python\nkl.{signature(thing, name)}\n```"
    return p, example, call


def loss_page(name, cls, picture):
    p, example, call = docstring_sections(name, cls)
    lead, _, rest = p.prose.partition("\n\n")
    prose = text(p.prose)
    common = (
        "\n\nAnd `reduction`, `name` and `dtype`, as every loss has them: see "
        "[Reductions, weights, masks](../guide/reductions.md)."
    )
    elsewhere = "\n".join(["| elsewhere | here |", "|---|---|", *p.elsewhere])
    near = "\n".join(
        f"- [`{other}`]({other}.md): {text(names.lines().get(other, parts(other).lead))}"
        for other in neighbours(name)
    )
    caption = f"{name}: value and slope" if picture else ""
    return "\n".join([
        f"# {name}\n",
        f"*{names.lines().get(name, '')}*\n" if names.lines().get(name) else "",
        f"```{{math}}\n{FORMULAS[name]}\n```\n" if name in FORMULAS else "",
        f"{text(p.lead)}\n",
        f"```{{image}} ../_build/pictures/{picture}\n:alt: {caption}\n:class: picture\n```\n",
        f"{prose}\n",
        section("Example", example),
        section("What it takes", takes_table(cls)),
        section("Options", call + "\n\n" + options_table(cls) + common),
        section("What others call it", elsewhere if p.elsewhere else ""),
        section("Its neighbours", near),
        section("How fast", benchmarks.of_loss(name)),
        section("Examples that use it", examples(name)),
        section("What it refuses", raises(p)),
        section("Reference", text(p.reference)),
    ])


def other_page(name, thing):
    p, example, call = docstring_sections(name, thing)
    returns = text(" ".join(" ".join(p.sections.get("Returns", ())).split()))
    return "\n".join([
        f"# {name}\n",
        f"{text(p.lead)}\n",
        f"{call}\n",
        f"{text(p.prose)}\n",
        section("Arguments", options_table(thing)),
        section("Returns", returns),
        section("Example", example),
        section("Examples that use it", examples(name)),
        section("What it refuses", raises(p)),
        section("Reference", text(p.reference)),
    ])


GROUPS = {
    "Losses of your own": ["Loss", "loss", "as_loss", "FunctionLoss", "KerasLoss", "Takes"],
    "Combining": ["WeightedSum", "Product", "Select", "AdjustableWeight", "LinearWarmup",
                  "CyclicalAnnealing"],
    "Training": ["WeightScheduler", "TermMetric", "LearnedWeights", "TerminateOnNonFiniteTerm"],
    "Layers": ["AddLoss", "AddedLossLogger", "CosineDense", "CrossBatchMemory", "DeepSupervision",
               "AtResolution", "DistributionHead", "GradientPenalty", "LinearCrossentropy"],
    "Functions": ["class_balanced_weights", "input_gradient", "min_snr_weights",
                  "sequence_log_probabilities"],
    "Looking inside": ["check_loss", "explain", "watch", "watching", "plot_loss",
                       "plot_terms", "LossProbe", "LossReport"],
}


def api_index():
    left = set(names.others()) - {n for group in GROUPS.values() for n in group}
    groups = {**GROUPS, "More": sorted(left)} if left else GROUPS
    out = ["# API\n", "Everything is imported from `keras_losskit`. The losses have "
           "[pages of their own](losses.md).\n"]
    for title, members in groups.items():
        members = [n for n in members if n in names.others()]
        out += [f"## {title}\n", "| | |", "|---|---|"]
        out += [f"| [`{n}`](api/{n}.md) | {cell(parts(n).lead)} |" for n in members]
        toc = "\n".join(f"api/{n}" for n in members)
        out += ["", f"```{{toctree}}\n:hidden:\n:caption: {title}\n\n{toc}\n```\n"]
    return "\n".join(out)


def grid():
    """All losses as a wall of thumbnails, by family: what `losses.md` begins with."""
    out = []
    for title, members in names.by_family().items():
        out += [f"### {title}\n", "::::{grid} 2 3 4 6", ":gutter: 2\n"]
        for n in members:
            out += [
                f":::{{grid-item-card}} {n}",
                f":link: losses/{n}", ":link-type: doc", ":class-card: loss-card",
                f":img-bottom: _build/pictures/{n}-small.png", f":img-alt: {n}",
                ":::",
            ]
        out += ["::::\n"]
        toc = "\n".join(f"losses/{n}" for n in members)
        out += [f"```{{toctree}}\n:hidden:\n:caption: {title}\n\n{toc}\n```\n"]
    return "\n".join(out)


def generate(app):
    folder = names.DOCS / "_build" / "pictures"
    wanted = set()
    for name, cls in names.losses().items():
        try:
            picture, _ = pictures.picture(cls, folder)
        except Exception as error:  # Whatever a loss says; the build then fails under -W.
            log.warning("%s has no picture: %s", name, error)
            picture = None
        path = names.DOCS / "losses" / f"{name}.md"
        wanted.add(path)
        write(path, loss_page(name, cls, picture))
    for name, thing in names.others().items():
        path = names.DOCS / "api" / f"{name}.md"
        wanted.add(path)
        write(path, other_page(name, thing))
    write(names.DOCS / "api.md", api_index())
    for stale in {*(names.DOCS / "losses").glob("*.md"), *(names.DOCS / "api").glob("*.md")}:
        if stale not in wanted:
            stale.unlink()


def setup(app):
    app.connect("builder-inited", generate)
