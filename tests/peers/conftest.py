"""`python -m pytest tests/peers`: asked for by its path, and by nothing else (tests/asked.py).

Asked for, a package that is missing is an error.
"""

import os
from pathlib import Path

from tests.asked import asked


def pytest_configure(config):
    if not asked(config, Path(__file__).parent):
        return
    os.environ.setdefault("KERAS_BACKEND", "torch")
    # Others' warnings are theirs; what they import with torchvision has to be importable.
    config.addinivalue_line("filterwarnings", "ignore")
    import tests.peers.vision  # noqa: F401


def pytest_terminal_summary(terminalreporter):
    passed = terminalreporter.stats.get("passed", [])
    rows = [x for r in passed if r.when == "call" for k, x in r.user_properties if k == "peer"]
    if not rows:
        return
    from tests.peers.compare import table

    terminalreporter.section("the kit beside other packages")
    for line in table(rows):
        terminalreporter.line(line)
