"""`python -m pytest tests/docs`: the site, built and opened; asked for by its path alone.

Other runs of the suite leave this folder out: it builds the site, which takes minutes the first
time, and opens it in Chromium.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def asked(config):
    """Whether a path inside this folder stands on the command line."""
    paths = [Path(config.invocation_params.dir, str(x).split("::")[0]) for x in config.args]
    return any(path.resolve().is_relative_to(HERE) for path in paths)


def pytest_ignore_collect(collection_path, config):
    return None if asked(config) else True


@pytest.fixture(scope="session")
def built():
    """The folder of the site, built from what stands here, and what the build said.

    Examples are not run: the gallery shows what an earlier build found, or their code.
    """
    out = ROOT / "docs" / "_build" / "tested"
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-b", "html"]
    done = subprocess.run(
        [*command, "-D", "run_examples=0", "docs", str(out)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )
    return out, done


@pytest.fixture(scope="session")
def site(built):
    out, done = built
    assert (out / "index.html").exists(), done.stderr[-3000:]
    return out
