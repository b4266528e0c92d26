"""`python -m pytest tests/peers`: asked for by its path, and by nothing else.

Other runs of the suite leave this folder out, for what it compares with is installed
beside the kit by its own command line. Asked for, a package that is missing is an error.
"""

import os
from pathlib import Path

HERE = Path(__file__).parent


def asked(config):
    """Whether a path inside this folder stands on the command line."""
    paths = [Path(config.invocation_params.dir, str(x).split("::")[0]) for x in config.args]
    return any(path.resolve().is_relative_to(HERE) for path in paths)


def pytest_configure(config):
    if not asked(config):
        return
    os.environ.setdefault("KERAS_BACKEND", "torch")
    # Others' warnings are theirs; what they import with torchvision has to be importable.
    config.addinivalue_line("filterwarnings", "ignore")
    import tests.peers.vision  # noqa: F401


def pytest_ignore_collect(collection_path, config):
    return None if asked(config) else True


def pytest_terminal_summary(terminalreporter):
    passed = terminalreporter.stats.get("passed", [])
    rows = [x for r in passed if r.when == "call" for k, x in r.user_properties if k == "peer"]
    if not rows:
        return
    from tests.peers.compare import table

    terminalreporter.section("the kit beside other packages")
    for line in table(rows):
        terminalreporter.line(line)
