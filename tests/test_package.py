"""What is packed: the wheel holds the package, the sdist all that its tests need."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.backends import BACKEND

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("keras_losskit", "tests", "examples", "benchmarks", "tools", "docs", "results")
BESIDE = (
    ".ci/run", "BENCHMARKS.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md",
    "ruff.toml", "setup.cfg", "setup.py",
)  # fmt: skip


def files(folder):
    """What a checkout holds of it, without what runs and builds of the site left there."""
    left = ("__pycache__", ".pytest_cache", "env")
    made = ("docs/_build/", "docs/losses/", "docs/api/", "docs/api.md", "docs/gallery/")
    found = (p.relative_to(ROOT) for p in (ROOT / folder).rglob("*") if p.is_file())
    kept = (p for p in found if not set(p.parts) & set(left) and p.suffix != ".pyc")
    return {str(p) for p in kept if not p.as_posix().startswith(made)}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with both, built by what `pip install .` builds with, from the files here."""
    pytest.importorskip("setuptools", minversion="70.1")  # Older ones build no wheel alone.
    where = tmp_path_factory.mktemp("built")
    code = (
        "import sys\n"
        "from setuptools import build_meta\n"
        "where = sys.argv[1]\n"
        "build_meta.build_sdist(where)\n"
        "build_meta.build_wheel(where)\n"
    )
    source = where / "source"
    source.mkdir()
    wanted = {file for folder in FOLDERS for file in files(folder)} | {*BESIDE, "MANIFEST.in"}
    for file in wanted:
        (source / file).parent.mkdir(parents=True, exist_ok=True)
        (source / file).write_bytes((ROOT / file).read_bytes())
    ran = subprocess.run(
        [sys.executable, "-c", code, str(where)], cwd=source, text=True, capture_output=True
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return where


ALONE = """
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = staticmethod(    # As where they are not installed.
    lambda name, *rest: None if name.partition(".")[0] in {others} else find(name, *rest)
)
import warnings
with warnings.catch_warnings():
    warnings.simplefilter("error")
    import keras_losskit as kl
import keras, numpy, tempfile
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
model.compile("adam", loss=kl.MeanSquaredError() + 0.5 * kl.Huber())
model.fit(numpy.ones((8, 3)), numpy.ones((8, 2)), verbose=0)
path = tempfile.mkdtemp() + "/model.keras"
model.save(path)
assert keras.saving.load_model(path).loss == model.loss
assert kl.check_loss(kl.Huber(), quick=True).ok
"""


@pytest.mark.skipif(BACKEND == "tensorflow", reason="TensorFlow is what may be left out")
def test_a_backend_alone_serves():
    """Imported without a warning, trained, saved, reloaded and looked into, without the others."""
    others = {"tensorflow", "jax", "torch"} - {BACKEND}
    code = ALONE.format(others=sorted(others))
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.once
@pytest.mark.xdist_group("package")
class TestPackage:
    def test_the_wheel_is_the_package_and_nothing_else(self, built):
        (wheel,) = built.glob("*.whl")
        names = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
        assert names == files("keras_losskit")
        assert {"keras_losskit/py.typed", "keras_losskit/__init__.pyi"} <= names

    def test_the_sdist_can_run_its_tests(self, built):
        (sdist,) = built.glob("*.tar.gz")
        with tarfile.open(sdist) as tar:
            names = {m.name.partition("/")[2] for m in tar.getmembers() if m.isfile()}
        for folder in FOLDERS:
            assert files(folder) <= names, sorted(files(folder) - names)[:5]
        assert set(BESIDE) <= names, set(BESIDE) - names
