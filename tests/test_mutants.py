"""The tool that puts faults in: the faults are faults, and one that a test sees is seen."""

import ast
import json
import os
import subprocess
import sys
import textwrap

import pytest

from tests.backends import BACKEND
from tools import mutants

PATHS = sorted(p for f in mutants.FILES for p in (mutants.ROOT / "keras_losskit").glob(f))


@pytest.mark.once
def test_every_mutant_is_another_program():
    for path in (p for p in PATHS if p.name in ("reduction.py", "numerics.py", "dice.py")):
        sound = ast.unparse(ast.parse(path.read_text()))
        found = mutants.mutants_of(path)
        assert len(found) > 20
        for mutant in found[::7]:
            assert ast.unparse(mutants.faulty(mutant)) != sound, mutant
            mutants.mutated(mutant)


def test_words_are_left_alone():
    """Docstrings, annotations and messages: nothing is computed with them."""
    source = textwrap.dedent('''
        def f(x: int = None) -> "a - b":
            """1 + 1."""
            if x:
                raise ValueError(f"{x + 1}" + "s")
            return x - 1
    ''')
    kinds = [kind for _, kind, _ in mutants.mutations(ast.parse(source))]
    assert sorted(kinds) == ["1 % more", "arithmetic", "no raise", "number"]


def test_draws_are_spread_and_repeat():
    chosen, of = mutants.drawn(mutants.FILES, 60, 0)
    assert len(chosen) == 60 < of
    assert chosen == mutants.drawn(mutants.FILES, 60, 0)[0]
    assert len({m["file"] for m in chosen}) > 20 and len({m["kind"] for m in chosen}) > 8


@pytest.mark.skipif(BACKEND != "torch", reason="once is enough, and quickest there")
def test_a_fault_is_noticed_and_its_absence_too(tmp_path):
    run = """
        import json, sys
        from tools import mutants
        mutants.tests_for = lambda file: ([["tests/test_contract.py"]], "values_equal and Wing")
        file = "keras_losskit/losses/regression/wing.py"
        faults = [m for m in mutants.mutants_of(mutants.ROOT / file) if m["kind"] == "arithmetic"]
        mutants._warm()
        done = mutants.tried(faults[:2], 2, lambda *_: None)
        sound = mutants.tried([{"tests": mutants.noticed_by(done)}], 1, lambda *_: None)
        json.dump([done, sound], sys.stdout)
    """
    out = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(run)], cwd=mutants.ROOT, text=True,
        capture_output=True, check=True, env={**os.environ, "KERAS_LOSSKIT_SHARE": "1"},
    )  # fmt: skip
    done, (sound,) = json.loads(out.stdout)
    assert sound["tests"] and not sound["killed"] and not sound["failed"], sound
    for mutant in done:
        assert mutant["killed"] and mutant["reached"], mutant
        assert "test_values_equal_the_reference[Wing" in mutant["by"]


def test_the_page_is_what_was_found_and_what_lived_has_a_reason():
    found = json.loads(mutants.RESULTS.read_text())
    assert mutants.RESULTS.with_suffix(".md").read_text() == mutants.page(found)
    assert len(found["mutants"]) >= 200
    for mutant in found["mutants"]:
        assert mutant["killed"] or mutant.get("why"), mutant
