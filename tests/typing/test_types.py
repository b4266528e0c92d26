"""Type checkers see what the package offers: the stub is up to date, idioms.py is understood."""

import configparser
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import pytest

import keras_losskit as kl
from tests.typing import idioms
from tools import make_stubs

ROOT = Path(__file__).parents[2]
IDIOMS = Path(idioms.__file__)
LINES = IDIOMS.read_text(encoding="utf-8").splitlines()
# `reveal_type(x)  # T, to mypy S`
CLAIM = re.compile(r"^ *reveal_type\(.*\)  # ([^,#]+?)(?:, to mypy (.+))?$")

pytestmark = pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="types are the same on every backend"
)


def claims():
    """`{line: (type, type to mypy)}`."""
    found = {i: CLAIM.match(line) for i, line in enumerate(LINES, 1)}
    return {i: (m[1], m[2] or m[1]) for i, m in found.items() if m}


def mistakes():
    """The lines in which a mistake is to be found."""
    return {i for i, line in enumerate(LINES, 1) if re.search(r"  # wrong(  # noqa.*)?$", line)}


def run(command, **options):
    environment = {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}  # No look for a newer one.
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, **options
    )
    return done.stdout, done.stderr


def mypy(cache):
    """`(errors, revealed)`, each `{line of idioms.py: text}`, as mypy tells them."""
    api = pytest.importorskip("mypy.api")
    checked = [str(IDIOMS.relative_to(ROOT)), str(make_stubs.PATH.relative_to(ROOT))]
    settings = ["--config-file=", f"--cache-dir={cache}", "--follow-imports=silent"]
    settings += ["--check-untyped-defs", "--disable-error-code=import-untyped"]
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        told, trouble, _ = api.run([*settings, "--no-error-summary", *checked])
    finally:
        os.chdir(before)
    assert not trouble, trouble
    errors, revealed = {}, {}
    for line in told.splitlines():
        where, number, kind, text = re.match(r"(.+?):(\d+): (\w+): (.*)", line).groups()
        if where != checked[0]:
            assert kind != "error", line
        elif kind == "error":
            errors[int(number)] = text
        elif text.startswith("Revealed type is "):
            revealed[int(number)] = re.sub(r"[\w.]+\.(?=\w)", "", text.split('"')[1])
    return errors, revealed


def pyright(_):
    """The same as pyright tells them."""
    command = shutil.which("pyright", path=str(Path(sys.executable).parent))
    if command is None:
        pytest.skip("pyright is not installed; `pip install pyright[nodejs]` brings it")
    version, trouble = run([command, "--version"], timeout=60)
    if not version.startswith("pyright "):
        pytest.skip(f"pyright cannot start here: {(trouble or version)[-200:]}")
    checked = [str(IDIOMS), str(make_stubs.PATH)]
    told, trouble = run([command, "--outputjson", "--pythonpath", sys.executable, *checked])
    assert told, trouble
    errors, revealed = {}, {}
    for seen in json.loads(told)["generalDiagnostics"]:
        text, number = seen["message"], seen["range"]["start"]["line"] + 1
        if Path(seen["file"]) != IDIOMS:
            assert seen["severity"] != "error", seen
        elif seen["severity"] == "error":
            errors[number] = text
        elif seen["severity"] == "information":
            revealed[number] = re.search(r'is "([^"]+)"$', text)[1]
    return errors, revealed


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_a_checker_finds_the_mistakes_alone_and_infers_the_types(checker, tmp_path):
    errors, revealed = checker(tmp_path)
    unexpected = {i: text for i, text in errors.items() if i not in mistakes()}
    assert not unexpected
    assert set(errors) == mistakes()
    assert revealed == {i: claim[checker is mypy] for i, claim in claims().items()}


def test_what_the_comments_say_is_so_when_it_runs(monkeypatch):
    seen = {}

    def reveal_type(x):
        names = {c.__name__ for c in type(x).__mro__}
        if isinstance(x, list):
            names = {f"list[{type(x[0]).__name__}]"}
        seen[inspect.currentframe().f_back.f_lineno] = names

    monkeypatch.setattr(idioms, "reveal_type", reveal_type, raising=False)
    for name, thing in vars(idioms).items():
        if inspect.isfunction(thing) and thing.__module__ == idioms.__name__ and name != "mistakes":
            thing()
    assert seen.keys() == claims().keys()
    for line, (claim, _) in claims().items():
        assert seen[line] & set(claim.split(" | ")), (line, claim, seen[line])


def test_the_stub_is_what_the_package_shows():
    current = make_stubs.PATH.read_text(encoding="utf-8") == make_stubs.stub()
    assert current, f"keras_losskit/__init__.pyi is out of date; mend it by `{make_stubs.COMMAND}`"


def test_completion_of_a_constructor_offers_its_options():
    jedi = pytest.importorskip("jedi", reason="jedi is what editors without pyright complete by")
    lines = ["import keras_losskit as kl", "kl.Dice(from"]
    script = jedi.Script("\n".join(lines), project=jedi.Project(ROOT))
    assert "from_logits=" in [c.name_with_symbols for c in script.complete(2, len(lines[1]))]


def test_wheels_carry_the_stub_and_its_mark():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    patterns = config["options.package_data"]["keras_losskit"].split()
    package = Path(kl.__file__).parent
    shipped = {path.name for pattern in patterns for path in package.glob(pattern)}
    assert shipped == {"py.typed", "__init__.pyi"}
