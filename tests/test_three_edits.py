"""A new loss is three edits: its file, its export, its case. Each one left out fails by name.

Losses are added to a copy of the project, whose tests then run as they stand: nothing in
them names a loss.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

# What is made once serves all.
pytestmark = [pytest.mark.once, pytest.mark.xdist_group("test_three_edits")]

ROOT = pathlib.Path(__file__).resolve().parents[1]

CODE = '''"""A loss of somebody's own."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.elementwise import ElementwiseLoss
from keras_losskit.core.loss import register


@register
class {name}(ElementwiseLoss):
    """Half squared error over a scale: d²/(2c), d = y_pred - y_true.

    Args:
        scale: c, in units of `y_true`; > 0.

    Call with `(B, …, D)`; values `(B, …)`, the mean over the last axis.

    Raises:
        ValueError: for `scale` <= 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> float(keras_losskit.{name}(scale=2.0)([[0.0]], [[2.0]]))    # 4/(2·2)
    1.0

    Reference: C. F. Gauss, *Theoria combinationis* (1823), https://example.org/gauss
    """

    def __init__(self, scale=1.0, **common):
        super().__init__(**common)
        self.scale = checks.real(self, "scale", scale, {bound}=0)

    def each(self, y_true, y_pred):
        return ops.square(y_pred - y_true) / (2 * self.scale)
'''

DICE = '''"""Dice as it is often written."""

from keras import ops

from keras_losskit.core.loss import register
from keras_losskit.losses.segmentation.overlap import OverlapLoss


@register
class GuardedDice(OverlapLoss):
    """Dice loss, one minus the ratio: 1 - 2·Σpg/(Σp + Σg), 0 hits being a ratio of 0.

    Args:
        from_logits, class_weights, ignore_class, include_background, over, smooth, empty: as
            in `Dice`.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> float(keras_losskit.GuardedDice()([[[1.0]]], [[[1.0]]]))
    0.0

    Reference: L. R. Dice (1945), https://doi.org/10.2307/1932409
    """

    def score(self, hits, errors):
        total = 2 * hits + errors + self.smooth
        ratio = ops.where(hits > 0, (2 * hits + self.smooth) / ops.where(total > 0, total, 1), 0)
        return 1 - ratio
'''

CASE = """
CASES.append(
    Case(
        {name}, {{"scale": 0.7}}, REAL_TRUE, REAL_PRED,
        mean_of(lambda t, p, scale: (p - t) ** 2 / (2 * scale)),
    )
)
"""

# What is left out of each: the laws that must say so, and no others.
EXPECTED = {
    "Complete": set(),
    "WithoutCase": {"test_it_has_a_case", "test_every_option_is_checked"},
    "WithoutExport": {"test_it_is_exported"},
    "WithoutReference": {"test_it_has_a_reference_with_a_link"},
    "Undocumented": {
        "test_it_has_a_reference_with_a_link",
        "test_it_has_an_example",
        "test_args_are_those_of_the_signature",
        "test_it_says_what_it_raises",
        "test_documented_bounds_are_the_checked_ones",
    },
    "Loose": {"test_documented_bounds_are_the_checked_ones"},
    "GuardedDice": {"test_a_class_missed_entirely_is_pulled_up"},
}


def add(root, name):
    """One loss, written into the copy, without what its name says."""
    package, tests = root / "keras_losskit", root / "tests" / "cases"
    family, text = "regression", CODE
    if name == "GuardedDice":
        family, text = "segmentation", DICE
        case = f"\nCASES += maps(kl.{name}, flat(dice))\n"
    else:
        text = CODE.format(
            name=name, bound="at_least" if name == "Loose" else "above"
        )
        case = CASE.format(name=name)
        case = f"\nfrom keras_losskit.losses.regression.{name.lower()} import {name}\n" + case
    if name == "WithoutReference":
        text = re.sub(r"\n    Reference: .*\n", "\n", text)
    if name == "Undocumented":
        text = re.sub(r'    """(.*)\n[\s\S]*?"""', r'    """\1"""', text, count=1)
    module = package / "losses" / family / f"{name.lower()}.py"
    module.write_text(text)
    if name != "WithoutExport":
        where = f"keras_losskit.losses.{family}.{name.lower()}"
        with open(package / "__init__.py", "a") as file:
            file.write(f"\nfrom {where} import {name}\n__all__.append({name!r})\n")
    if name != "WithoutCase":
        with open(tests / f"{family}.py", "a") as file:
            file.write(case)


@pytest.fixture(scope="module")
def failures(tmp_path_factory):
    """`{loss: names of the laws that it fails}`, and how many each has passed."""
    root = tmp_path_factory.mktemp("copy")
    for folder in ("keras_losskit", "tests", "benchmarks"):
        shutil.copytree(
            ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", "saved")
        )
    for name in EXPECTED:
        add(root, name)
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-rA", "-q", "--tb=line", "-p", "no:cacheprovider",
            "-p", "no:xdist", "tests/test_documented.py", "tests/test_declared.py",
            "-k", " or ".join(EXPECTED),
        ],
        cwd=root,
        env={
            **os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1",
            "KERAS_LOSSKIT_SHARE": "1",
        },
        capture_output=True,
        text=True,
        timeout=600,
    )
    found = {name: ([], []) for name in EXPECTED}
    for word, law, of in re.findall(
        r"^(PASSED|FAILED|ERROR) \S+::(test_\w+)\[(\w+)", done.stdout, re.M
    ):
        if of in found:
            found[of][word != "PASSED"].append(law)
    assert all(passed for passed, _ in found.values()), done.stdout[-3000:] + done.stderr[-3000:]
    return found


@pytest.mark.parametrize("name", EXPECTED)
def test_what_is_left_out_fails_by_name(failures, name):
    passed, failed = failures[name]
    assert set(failed) == EXPECTED[name]
    assert len(passed) > len(failed)


def test_a_complete_loss_passed_every_kind_of_law(failures):
    passed = set(failures["Complete"][0])
    assert {
        "test_args_are_those_of_the_signature",
        "test_documented_bounds_are_the_checked_ones",
        "test_an_option_is_refused_beyond_its_bounds_and_taken_within",
        "test_it_declares_what_it_takes",
        "test_what_it_declares_computes",
        "test_samples_are_independent_unless_declared",
        "test_digits_near_perfection",
    } <= passed
