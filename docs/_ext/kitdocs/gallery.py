"""The gallery: every example is run, and its page shows what it prints and draws.

Each runs in a process of its own, as its reader runs it: some set up devices before the backend
starts, some start processes of themselves, and what one leaves behind is not the next one's. That
is why this is not sphinx-gallery, which runs all of them in the one process that builds the site.

What a run gave is kept in `_build/gallery` until the example or the package changes.
`-D run_examples=0` shows what is kept, or the code alone.
"""

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from sphinx.util import logging

from kitdocs import names

log = logging.getLogger(__name__)
KEPT = names.DOCS / "_build" / "gallery"

# Runs a script and copies each picture at once when it is saved: its folder may be temporary.
RUN = """
import runpy, shutil, sys
from pathlib import Path
import matplotlib
matplotlib.use("agg")
from matplotlib.figure import Figure
script, folder = sys.argv[1:3]
savefig, seen = Figure.savefig, []
def noticed(figure, where, *rest, **options):
    result = savefig(figure, where, *rest, **options)
    seen.append(where)
    shutil.copyfile(where, Path(folder) / f"{len(seen)}.png")
    return result
Figure.savefig = noticed
sys.argv = [script]
runpy.run_path(script, run_name="__main__")
"""

# In this order; what is new comes last.
ORDER = (
    "quickstart", "combine", "function_loss", "subclass_loss", "save_and_reload", "imbalanced",
    "quantiles", "probabilistic", "survival", "segmentation", "denoising", "registration",
    "metric_learning", "contrastive_pretraining", "retrieval", "ranking", "vae", "two_tasks",
    "language_model", "handwriting_ctc", "preference", "source_separation", "wgan_gp",
    "physics_informed", "five_questions",
)


def examples():
    found = {path.stem: path for path in (names.ROOT / "examples").glob("*.py")}
    place = {stem: i for i, stem in enumerate(ORDER)}
    return {stem: found[stem] for stem in sorted(found, key=lambda s: (place.get(s, 99), s))}


def package():
    """A digest of the package, of which an example is an example."""
    digest = hashlib.sha256()
    for path in sorted((names.ROOT / "keras_losskit").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def run(path, folder):
    """`(what it printed, how many pictures)`, or `None` where it failed, which is said."""
    home = tempfile.mkdtemp()
    python_path = os.pathsep.join(filter(None, [str(names.ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(path), str(folder)], cwd=home, text=True,
        env={**os.environ, "PYTHONPATH": python_path}, capture_output=True,
    )
    shutil.rmtree(home, ignore_errors=True)
    if done.returncode:
        log.warning("examples/%s failed: %s", path.name, done.stderr[-800:])
        return None
    # A temporary folder is of nobody's interest.
    return re.sub(rf"{re.escape(tempfile.gettempdir())}/\w+", "…", done.stdout)


def shown(path, may_run):
    """`(output or None, paths of pictures)`, from what is kept or a new run."""
    folder = KEPT / path.stem
    note = folder / "run.json"
    wanted = hashlib.sha256(path.read_bytes() + package().encode()).hexdigest()
    kept = json.loads(note.read_text(encoding="utf-8")) if note.exists() else {}
    if may_run and kept.get("key") != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        log.info("running examples/%s", path.name)
        output = run(path, folder)
        kept = {} if output is None else {"key": wanted, "output": output}
        if kept:
            note.write_text(json.dumps(kept), encoding="utf-8")
    pictures = sorted(folder.glob("*.png"), key=lambda p: int(p.stem))
    return kept.get("output"), pictures


def page(path, output, pictures):
    code = path.read_text(encoding="utf-8")
    question, _, rest = ast.get_docstring(ast.parse(code)).partition("\n")
    body = re.sub(r'\A"""(.*?)"""\s*', "", code, flags=re.S)
    images = "".join(
        f"```{{image}} ../_build/gallery/{path.stem}/{p.name}\n:alt: {question}\n"
        ":class: picture\n```\n\n" for p in pictures
    )
    printed = f"## What it prints\n\n```text\n{output.rstrip()}\n```\n\n" if output else ""
    return (
        f"# {question}\n\n{rest.strip()}\n\n{images}{printed}## The script\n\n"
        f"`python examples/{path.name}`\n\n```python\n{body.rstrip()}\n```\n"
    )


def index(cards):
    out = ["# Gallery\n", "One question each, answered by a script that runs as it stands.\n",
           "::::{grid} 1 2 3 3", ":gutter: 3\n"]
    for stem, question, pictures in cards:
        out += [f":::{{grid-item-card}} {question}", f":link: {stem}", ":link-type: doc"]
        if pictures:
            out += [f":img-bottom: ../_build/gallery/{stem}/{pictures[0].name}",
                    f":img-alt: {question}"]
        out += [":::"]
    stems = "\n".join(stem for stem, _, _ in cards)
    return "\n".join([*out, "::::\n", f"```{{toctree}}\n:hidden:\n\n{stems}\n```\n"])


def generate(app):
    from kitdocs.pages import write

    folder, cards = names.DOCS / "gallery", []
    for stem, path in examples().items():
        output, pictures = shown(path, app.config.run_examples)
        text = page(path, output, pictures)
        write(folder / f"{stem}.md", text)
        cards.append((stem, text.splitlines()[0].removeprefix("# "), pictures))
    write(folder / "index.md", index(cards))
    for stale in folder.glob("*.md"):
        if stale.stem not in examples() and stale.stem != "index":
            stale.unlink()


def setup(app):
    app.add_config_value("run_examples", True, "", [bool, str, int])
    app.connect("config-inited", lambda app, config: setattr(
        config, "run_examples", str(config.run_examples) not in ("0", "False", "")))
    app.connect("builder-inited", generate)
