"""What the site is written from: every loss has its formula, its place in the chooser is real."""

import runpy
from pathlib import Path

import keras_losskit as kl
from tests.test_readme import losses

KIT = Path(__file__).resolve().parents[1] / "docs" / "_ext" / "kitdocs"


def read(name):
    return runpy.run_path(str(KIT / f"{name}.py"))


def test_every_loss_has_a_formula_and_every_formula_a_loss():
    assert set(read("formulas")["FORMULAS"]) == set(losses())


def test_the_chooser_names_what_is_there():
    for what, rows in read("choices")["CHOICES"]:
        for trouble, names, why in rows:
            assert names and why, (what, trouble)
            assert set(names) <= set(kl.__all__), (what, trouble, set(names) - set(kl.__all__))


def test_a_question_is_asked_once():
    for what, rows in read("choices")["CHOICES"]:
        asked = [trouble for trouble, _, _ in rows]
        assert len(asked) == len(set(asked)), what
