"""The gallery: sphinx-gallery runs every example, and keeps what it prints and draws.

The examples are written for a terminal: their docstrings are Markdown under a question, their
pictures are saved to files. Copies with the docstring as reStructuredText are what
sphinx-gallery reads, and each picture that is saved while one runs is its picture.
"""

import re
import shutil
import tempfile
from pathlib import Path

import matplotlib.figure
import matplotlib.pyplot

from kitdocs import names

SOURCE = names.DOCS / "_build" / "examples"
HEADER = """Gallery
=======

One question each, answered by a script that runs as it stands; every one is run when this site is
built.

"""

# In this order; what is new comes last.
ORDER = (
    "quickstart", "combine", "function_loss", "subclass_loss", "save_and_reload", "imbalanced",
    "quantiles", "probabilistic", "survival", "segmentation", "denoising", "registration",
    "metric_learning", "contrastive_pretraining", "retrieval", "ranking", "vae", "two_tasks",
    "language_model", "handwriting_ctc", "preference", "source_separation", "wgan_gp",
    "physics_informed", "five_questions",
)


def restructured(text):
    """A script with its docstring as reStructuredText, its question underlined."""
    docstring = re.match(r'"""(.*?)"""', text, re.S)
    question, _, rest = docstring[1].strip().partition("\n")
    rest = re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", rest)
    rest = re.sub(r":\n\n(?=    )", "::\n\n", rest)
    line = "=" * len(question)
    return f'r"""\n{question}\n{line}\n{rest}\n"""' + text[docstring.end():]


def prepare():
    """Copies of the examples, newer only where they differ."""
    SOURCE.mkdir(parents=True, exist_ok=True)
    made = {"GALLERY_HEADER.rst": HEADER}
    for path in (names.ROOT / "examples").glob("*.py"):
        made[path.name] = restructured(path.read_text(encoding="utf-8"))
    for name, text in made.items():
        path = SOURCE / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for stale in SOURCE.iterdir():
        if stale.name not in made and stale.is_file():
            stale.unlink()


_paths = []  # Copies of what the example that runs has saved: its folder may be gone at its end.
_kept = tempfile.mkdtemp()
_savefig = matplotlib.figure.Figure.savefig


def _noticed(figure, where, *rest, **options):
    result = _savefig(figure, where, *rest, **options)
    if isinstance(where, (str, Path)):
        _paths.append(Path(_kept) / f"{len(_paths)}{Path(where).suffix}")
        shutil.copyfile(where, _paths[-1])
    return result


def saved(block, variables, settings):
    """sphinx-gallery's scraper of the pictures that an example saves."""
    from sphinx_gallery.scrapers import figure_rst

    kept = []
    for path in _paths:
        where = next(variables["image_path_iterator"])
        shutil.copyfile(path, where)
        kept.append(where)
    _paths.clear()
    matplotlib.pyplot.close("all")
    return figure_rst(kept, settings["src_dir"])


def reset(settings, name, when="before"):
    """Between examples: the global state of Keras, and what is noticed of files saved."""
    import keras

    matplotlib.figure.Figure.savefig = _noticed if when == "before" else _savefig
    keras.utils.clear_session()


def order(path):
    stem = Path(path).stem
    return (ORDER.index(stem) if stem in ORDER else len(ORDER), stem)


SETTINGS = {
    "examples_dirs": [str(SOURCE)],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"\.py$",
    "within_subsection_order": "kitdocs.gallery.InOrder",
    "image_scrapers": ("kitdocs.gallery.saved",),
    "reset_modules": ("kitdocs.gallery.reset",),
    "reset_modules_order": "both",
    "download_all_examples": False,
    "show_signature": False,
    "show_memory": False,
    "remove_config_comments": True,
    "min_reported_time": 1e9,
    "write_computation_times": False,
    "copyfile_regex": "",
    "plot_gallery": "True",
}


class InOrder:
    """How sphinx-gallery sorts the scripts of the one folder."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, name):
        return order(name)


prepare()


def setup(app):
    pass
