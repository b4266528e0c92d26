"""The kit against independent packages: numbers and gradients, over seeded draws."""

import dataclasses
import importlib
import importlib.metadata
import re
from pathlib import Path

import pytest

from tests.backends import BACKEND
from tests.elsewhere import rows
from tests.peers import compare
from tests.peers.compare import COMPARISONS, DIFFERS, EQUAL

assert BACKEND == "torch", f"peers are compared on torch; KERAS_BACKEND is {BACKEND!r}"
for path in sorted(Path(__file__).parent.glob("of_*.py")):
    importlib.import_module(f"tests.peers.{path.stem}")

PAGE = Path(__file__).parents[2] / "docs" / "peers.md"
DOCUMENTED = rows.documented()
# How rows begin that speak of a package that is installed here.
SPOKEN_OF = (
    "MONAI", "kornia", "lightly", "torch `", "torchvision", "timm", "auraloss", "torchmetrics",
    "geomloss", "segmentation_models.pytorch", "pytorch-msssim", "piq", "scipy", "scikit-learn",
    "pytorch-metric-learning", "pytorch-toolbelt", "`lpips",
)


def of_an_installed_package(text):
    return any(re.search(rf"(^|[ ,·]){re.escape(name)}", text) for name in SPOKEN_OF)


@pytest.mark.everywhere
@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda c: c.name)
def test_numbers_and_gradients_agree(comparison, record_property):
    seen = []
    for number in range(comparison.draws):
        try:
            seen.append(compare.check(comparison, number))
        except AssertionError as error:
            raise AssertionError(f"{comparison.name}, draw {number}: {error}") from error
    number, slopes, apart = (any(x) for x in zip(*seen, strict=True))
    assert number, "all numbers are 0"
    assert slopes or not comparison.gradient, "all gradients are 0"
    assert apart == (comparison.how == DIFFERS), f"{comparison.how}: apart is {apart}"
    record_property("peer", (comparison.package, comparison.how, comparison.draws))


@pytest.mark.everywhere
@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda c: c.name)
def test_what_it_says_is_documented(comparison):
    assert comparison.says, "say how they map"
    found = {text for name, text in DOCUMENTED if name == comparison.loss.__name__}
    of_rows = [text for text in comparison.says if " | " in text]
    for text in of_rows:
        assert text in found, f"no row of {comparison.loss.__name__}: {text}"
    if comparison.how == DIFFERS and not of_rows:
        for text in comparison.says:
            assert compare.documented(comparison.loss, text), text


@pytest.mark.everywhere
@pytest.mark.parametrize(
    "comparison", [c for c in COMPARISONS if c.how == EQUAL], ids=lambda c: c.name
)
def test_what_is_equal_is_not_mapped(comparison):
    for number in range(comparison.draws):
        loss = comparison.make(compare.Draw(comparison.name, number)).loss
        assert type(loss) is comparison.loss, f"{type(loss)}: not {comparison.loss}"


@pytest.mark.everywhere
@pytest.mark.parametrize(
    ("name", "text"), [x for x in DOCUMENTED if of_an_installed_package(x[1].split(" | ")[0])],
    ids=lambda x: x[:60],
)
def test_a_row_of_an_installed_package_is_run_with_it(name, text):
    run = {(c.loss.__name__, says) for c in COMPARISONS for says in c.says}
    assert (name, text) in run, f"{name} says `{text}`: compare it with the package itself."


def test_the_page_says_what_runs():
    kept = PAGE.read_text(encoding="utf-8")
    assert kept == compare.document(), "python -m tests.peers"


@pytest.mark.everywhere
@pytest.mark.parametrize("package", sorted(compare.pinned()))
def test_the_version_is_the_pinned_one(package):
    assert importlib.metadata.version(package).split("+")[0] == compare.pinned()[package]


def test_each_package_is_pinned_or_the_suites_own():
    own = {"torch", "scipy", "scikit-learn", "statsmodels", "lifelines"}
    assert {c.package for c in COMPARISONS} - set(compare.pinned()) == own


OFF = {
    "number": lambda value: value * (1 + 1e-6),
    "gradient": lambda value: value + 1e-6 * (value - value.detach()),  # The number as it is.
}


@pytest.mark.parametrize("what", OFF)
@pytest.mark.parametrize("name", ["torch-Huber-huber", "monai-Dice-dice", "optax-LogCosh-log_cosh"])
def test_a_millionth_is_seen(name, what):
    (comparison,) = (c for c in COMPARISONS if c.name == name)

    def make(draw):
        pair = comparison.make(draw)
        return dataclasses.replace(pair, loss=lambda *data: OFF[what](pair.loss(*data)))

    compare.check(comparison, 0)
    with pytest.raises(AssertionError, match=what):
        compare.check(dataclasses.replace(comparison, make=make), 0)
