"""What README.md and docs/losses.md say about the package and its commands is so."""

import inspect
import re
from pathlib import Path

import keras_losskit

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TABLES = (ROOT / "docs" / "losses.md").read_text(encoding="utf-8")
# Of the table under each heading: the name, the formula, and what it is for.
ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)


def losses():
    """The exported classes that are defined in `losses/`, by name."""
    exported = {name: getattr(keras_losskit, name) for name in keras_losskit.__all__}
    return {
        name: x
        for name, x in exported.items()
        if inspect.isclass(x) and x.__module__.startswith("keras_losskit.losses.")
    }


def families():
    """`{heading: names in its table}`."""
    sections = re.split(r"^#{2,3} ", TABLES, flags=re.MULTILINE)[1:]
    tables = {s.splitlines()[0]: [row[0] for row in ROW.findall(s)] for s in sections}
    return {heading: names for heading, names in tables.items() if names}


def commands():
    return re.findall(r"^```sh\n(.+)\n```$", README, re.MULTILINE)


def test_every_loss_has_one_row_and_every_row_a_loss():
    listed = [name for names in families().values() for name in names]
    assert sorted(listed) == sorted(losses())


def test_rows_stand_under_their_family():
    for heading, names in families().items():
        folder = heading.lower().replace(" ", "_")
        for name in names:
            module = losses()[name].__module__
            assert module.startswith(f"keras_losskit.losses.{folder}."), name


def test_continuous_integration_runs_the_commands_of_the_readme():
    quickstart, tests = commands()
    lean = re.search(r"^    (pip .+--no-deps \.) ", README, re.MULTILINE)[1]
    assert quickstart.endswith("examples/quickstart.py")
    assert tests.endswith("-m pytest -n 2")
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert f"quickstart='{quickstart}'" in lines
    assert f"tests='{tests}'" in lines
    assert f"lean='{lean}'" in lines


def test_it_is_one_screen_and_then_links():
    assert len(README.splitlines()) <= 160


def test_the_files_it_links_to_exist():
    for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", README):
        assert (ROOT / target).is_file(), target
    linked = set(re.findall(r"\]\(examples/([^)]+)\)", README))
    assert linked == {path.name for path in (ROOT / "examples").glob("*.py")}
