"""Every row "elsewhere | here" of the losses' docstrings is run by a test, under its own words."""

import importlib
import inspect
from pathlib import Path

import pytest

from tests.elsewhere import rows

for path in sorted(Path(__file__).parent.glob("test_*.py")):
    importlib.import_module(f"tests.elsewhere.{path.stem}")
DOCUMENTED = rows.documented()


@pytest.mark.parametrize(("name", "text"), DOCUMENTED, ids=lambda x: x[:60])
def test_the_row_is_run(name, text):
    assert (name, text) in rows.EXECUTED, (
        f"{name} says `{text}`: run it in tests/elsewhere/, in a test marked `@row`."
    )


def test_no_test_runs_a_row_that_is_gone():
    gone = set(rows.EXECUTED) - set(DOCUMENTED)
    assert not gone, f"not in any docstring (any more): {sorted(gone)}"


def test_rows_are_read_from_docstrings():
    assert len(DOCUMENTED) > 100
    docstring = """A loss.

    | elsewhere | here |
    |---|---|
    | theirs \\| `a` | \
`mine` |
    | another | the same |

    | argument | meaning |
    |---|---|
    | no | row |
    """
    assert list(rows.tables(docstring)) == ["theirs \\| `a` | `mine`", "another | the same"]


def test_a_marked_test_is_collected():
    for (name, _), test in rows.EXECUTED.items():
        module = inspect.getmodule(test)
        assert getattr(module, test.__name__, None) is test, f"{name}: two {test.__name__}"
