"""Docstrings and checks say the same, of every exported class and function.

The bounds of an option stand twice: in the docstring's `Args`, and in the check of the
constructor, which is recorded while a case is built. Neither may be changed alone.
"""

import inspect
import math

import numpy as np
import pytest

import keras_losskit as kl
from benchmarks import cases as benchmarks
from keras_losskit.core import checks
from tests import cases, docstrings

EXPORTED = [getattr(kl, name) for name in kl.__all__]
LOSSES = [
    x for x in EXPORTED
    if inspect.isclass(x) and issubclass(x, kl.Loss) and ".losses." in x.__module__
]
FIRST = list({c.loss: c for c in reversed(cases.CASES)}.values())



named = pytest.mark.parametrize("thing", EXPORTED, ids=lambda x: x.__name__)
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=lambda x: x.__name__)


# --- docstrings ----------------------------------------------------------------------


@named
def test_args_are_those_of_the_signature(thing):
    documented = docstrings.arguments(thing)
    assert docstrings.options(thing) <= set(documented) <= docstrings.parameters(thing)
    assert all(documented.values())


@named
def test_it_has_an_example(thing):
    assert ">>> " in inspect.getdoc(thing)


@named
def test_it_says_what_it_raises(thing):
    assert docstrings.section(thing, "Raises") or not docstrings.options(thing)


@every_loss
def test_it_has_a_reference_with_a_link(loss):
    text = inspect.getdoc(loss)
    assert "Reference" in text and "http" in text.split("Reference")[-1]
    assert docstrings.section(loss, "Raises")


# --- a loss is complete ----------------------------------------------------------------------


@every_loss
def test_it_has_a_case(loss):
    assert any(c.loss is loss for c in cases.CASES), f"{loss.__name__} has no case in tests/cases"


@pytest.mark.parametrize("loss", sorted({c.loss for c in FIRST}, key=lambda x: x.__name__),
                         ids=lambda x: x.__name__)
def test_it_is_exported(loss):
    name = loss.__name__
    assert name in kl.__all__ and getattr(kl, name, None) is loss, f"{name} is not exported"


MEASURED = {case.loss for case in benchmarks.all_cases().values()}


def kind_of_work(loss):
    """What costs alike, but for the formula: one base, and one declaration."""
    return loss.__mro__[1], loss.takes


@every_loss
def test_it_is_measured_or_there_is_a_reason(loss):
    like = [x.__name__ for x in LOSSES if kind_of_work(x) == kind_of_work(loss)]
    reason = benchmarks.UNMEASURED.get(loss.__name__)
    assert bool(MEASURED.intersection(like)) != bool(reason), (
        f"{loss.__name__}: nothing of its kind is measured; add a case to benchmarks/cases.py, "
        "or the reason to UNMEASURED there"
    )


# --- options -----------------------------------------------------------------------------------


NUMERIC = ("real", "integer", "sequence", "weights")
WATCHED = (*NUMERIC, "optional_real", "optional_integer", "flag", "choice", "marker")


def recorded(case):
    """`{option: (check, what it was given)}` of the checks that a constructor makes."""
    found, depth = {}, [0]

    def spy(name, check):
        def watched(owner, option, value, *rest, **bounds):
            if depth[0] == 0 and isinstance(owner, case.loss):
                if option.split("[")[0] not in case.loss.fixed:
                    found[option] = (name, rest, bounds)
            depth[0] += 1
            try:
                return check(owner, option, value, *rest, **bounds)
            finally:
                depth[0] -= 1

        return watched

    with pytest.MonkeyPatch.context() as patch:
        for name in WATCHED:
            patch.setattr(checks, name, spy(name, getattr(checks, name)))
        case.make()
    return found


RECORDED = [(case, option, *how) for case in FIRST for option, how in recorded(case).items()]
# Of an option that may be a word or a list the entries are checked one by one.
CHECKED = [row for row in RECORDED if "[" not in row[1]]
each_option = pytest.mark.parametrize(
    ("case", "option", "check", "rest", "given"),
    [pytest.param(*row, id=f"{row[0].loss.__name__}-{row[1]}") for row in CHECKED],
)
numeric_option = pytest.mark.parametrize(
    ("case", "option", "check", "rest", "given"),
    [
        pytest.param(*row, id=f"{row[0].loss.__name__}-{row[1]}")
        for row in CHECKED
        if row[2].removeprefix("optional_") in NUMERIC
    ],
)


@numeric_option
def test_documented_bounds_are_the_checked_ones(case, option, check, rest, given):
    said = docstrings.arguments(case.loss).get(option, "")
    stated = docstrings.bounds(said, case.options)
    wanted = {"at_least": 0} if check == "weights" else given
    assert stated == pytest.approx(wanted), said
    if not wanted:
        assert "any number" in said or "integer" in said or " id" in f" {said}", said


def build(case, option, value):
    return case.loss(*case.argument, **{**case.options, option: value})


def kept(loss, option, value):
    """What is kept of a value, in any case of the loss: options may hang together."""
    refusals = []
    for case in (c for c in cases.CASES if c.loss is loss):
        try:
            return build(case, option, value).get_config()[option]
        except ValueError as error:
            refusals.append(error)
    raise refusals[0]


def numbers_about(check, given):
    """Values that are taken, and values that are not, at the very bounds."""
    taken, refused = [], [math.nan, math.inf, -math.inf, "1", True, b"1"]
    if "integer" in check:
        refused += [1.5]
        if "at_least" in given:
            n = given["at_least"]
            taken, refused = [n, float(n), np.int64(n)], [*refused, n - 1]
        return taken, refused
    for word, inward in (("above", 1), ("at_least", 1), ("below", -1), ("at_most", -1)):
        if word in given:
            end = given[word]
            step = inward * 1e-9 * max(1, abs(end))
            taken.append(end + step)
            (taken if word.startswith("at_") else refused).append(end)
            refused.append(end - step)
    return taken, refused


@each_option
def test_an_option_is_refused_beyond_its_bounds_and_taken_within(
    case, option, check, rest, given
):
    said = docstrings.arguments(case.loss).get(option, "")
    if check == "flag":
        taken, refused = [True, False, np.True_], [0, 1, "yes", None]
    elif check == "choice":
        taken, refused = list(rest[0]), ["nonsense", 7, None]
        assert all(repr(word)[1:-1] in said for word in taken if isinstance(word, str)), said
    elif check == "marker":
        taken, refused = ["nan", -1, 0.5, None], ["NaN", math.nan, math.inf, True, [1.0]]
    elif check in ("sequence", "weights"):
        size = np.shape(case.options[option] or [1.0, 1.0])
        given = {"at_least": 0} if check == "weights" else given
        ends, beyond = numbers_about("real", given)
        middle = case.options[option] or [1.0, 2.0]
        taken = [[x, *middle[1:]] for x in ends] if len(size) else []
        refused = [[], [[1.0]], "ab", *([x, *middle[1:]] for x in beyond if x is not True)]
        refused += [[0.0] * len(middle)] if check == "weights" else []
        default = inspect.signature(case.loss).parameters[option].default
        (taken if check == "weights" and default is None else refused).append(None)
    else:
        taken, refused = numbers_about(check, given)
        (taken if check.startswith("optional") else refused).append(None)
        if "-infinity" in said:
            refused.remove(-math.inf)
    for value in taken:
        assert kept(case.loss, option, value) == value
    for value in refused:
        with pytest.raises((ValueError, TypeError), match=option) as error:
            build(case, option, value)
        assert case.loss.__name__ in str(error.value), value


@every_loss
def test_every_option_is_checked(loss):
    seen = {row[1].split("[")[0] for row in RECORDED if row[0].loss is loss}
    # Neither losses nor names have bounds; what is refused of them stands in the cases.
    unbounded = {"loss", "features", "layers"} & docstrings.options(loss)
    assert docstrings.options(loss) - unbounded == seen
