import collections
import gc
import os
import tempfile
import zlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np  # noqa: E402
import pytest  # noqa: E402

from tests.asked import BY_PATH, asked  # noqa: E402

_states = {}


def pytest_configure(config):
    """In several processes, the tests of a group run in one of them, and torch takes one thread
    in each: they would wait for each other."""
    if os.environ.get("KERAS_BACKEND") == "jax":
        # A program that is run once is compiled for longer than it runs. XLA's own passes stay;
        # TensorFlow's suite has LLVM's as well.
        os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
        _keep_programs(config)
    if getattr(config.option, "dist", "no") == "load":
        config.option.dist = "loadgroup"
    if hasattr(config, "workerinput"):  # It was asked for its options before.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        config.option.loadgroup = True
        config.pluginmanager.register(Groups())


def _keep_programs(config):
    """The same program comes again and again, in other functions and in other processes that a
    test starts: JAX reads it from a folder, one of each worker's own, for one that is being
    written cannot be read."""
    if "JAX_COMPILATION_CACHE_DIR" in os.environ and not hasattr(config, "workerinput"):
        return
    folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    config.add_cleanup(folder.cleanup)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = folder.name
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"


def pytest_ignore_collect(collection_path, config):
    for place in BY_PATH:
        if collection_path == place and not asked(config, place):
            return True
    return None


@pytest.hookimpl(tryfirst=True)  # Before xdist reads the groups.
def pytest_collection_modifyitems(items):
    """The tests of a case follow each other: a process finds what it compiled for the last one."""
    rank = {}

    def place(item):
        module = rank.setdefault(item.path, len(rank))
        return module, rank.setdefault((item.path, id(_case(item))), len(rank))

    items.sort(key=place)
    items[:] = _shared(items)
    for item in items:
        if _case(item) is not None and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(f"{item.path.stem}-{_case(item).id}"))


def pytest_collection_finish():
    """What is there now stays: looking for garbage among it, over and over, took a tenth of the
    time, and most of it where many objects are made (a stub that is parsed, a graph)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


class Groups:
    """Says so where xdist does not see the groups: what is made once would be made in each process,
    and nothing would fail but the clock."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config, items):
        grouped = [item for item in items if item.get_closest_marker("xdist_group")]
        lost = [item.nodeid for item in grouped if "@" not in item.nodeid.rpartition("]")[2]]
        if lost:
            raise pytest.UsageError(f"pytest-xdist knows no group of {lost[0]} in this pytest")


def _case(item):
    case = getattr(item, "callspec", None) and item.callspec.params.get("case")
    return case if hasattr(case, "loss") else None


# --- how many parameters of a law run -------------------------------------------------------
# A law over many parameters is one body of code, and what it tests is code that names no
# backend. So one backend runs it for all of them: torch, where nothing is compiled and a call
# costs least. The others take one parameter in so many, chosen by name, so that each law meets
# many losses and each loss many laws. What a backend does its own way is all run there: tests
# marked `everywhere` (values, gradients, what is compiled). Where the mark names a number for a
# backend, one parameter in that many.
# `KERAS_LOSSKIT_SHARE=1` runs all on any backend, `=6` one in six.
SHARE = {"tensorflow": 3, "jax": 20, "torch": 1}
# So with what papers and other packages say of a loss, test by test: what a loss computes is
# compared with its reference on every backend by the contract.
OF_PAPERS, PAPERS = ("losses", "elsewhere"), {"tensorflow": 3, "jax": 20}
# Tests marked `once` are of what names no backend either, in processes of their own (a command
# line, a script, the package's files): they run where most people are.
ONCE = "tensorflow"
# A check of the doctor calls a loss in dozens of ways, each of which JAX compiles and
# TensorFlow traces.
DEAR = {"jax": 4, "tensorflow": 2}
# JAX takes others than TensorFlow.
FIRST = {"jax": 1}
MANY = 8
NEVER = None


def share(item):
    """Of how many parameters one is run; `NEVER` where none is."""
    from tests.backends import BACKEND

    asked = int(os.environ.get("KERAS_LOSSKIT_SHARE") or 0)
    if item.get_closest_marker("once"):
        return 1 if BACKEND == ONCE or asked == 1 else NEVER
    mark = item.get_closest_marker("everywhere")
    if mark:
        # A share that is asked for says what else runs: here it is a third of that.
        return 1 if asked == 1 else max(mark.kwargs.get(BACKEND, 1), asked // 3)
    if item.path.parent.name in OF_PAPERS:
        return asked or PAPERS.get(BACKEND, 1)
    every = asked or SHARE[BACKEND]
    dear = item.path.parent.name == "doctor" and every > 1
    return every * DEAR.get(BACKEND, 1) if dear else every


def _shared(items):
    from tests.backends import BACKEND

    parameters = collections.Counter(_law(item) for item in items)

    def is_run(item):
        every = share(item)
        if every is NEVER:
            return False
        few = parameters[_law(item)] <= MANY and item.path.parent.name not in OF_PAPERS
        if every == 1 or few:
            return True
        return zlib.crc32(item.name.encode()) % every == FIRST.get(BACKEND, 0)

    return [item for item in items if is_run(item)]


def _law(item):
    return item.path, getattr(item, "originalname", item.name)


@pytest.fixture(autouse=True)
def same_draws_in_any_order(request):
    """A module's `rng` starts each test as it was when the module was read."""
    rng = getattr(getattr(request.node, "module", None), "rng", None)
    if isinstance(rng, np.random.Generator):
        generator = rng.bit_generator  # Each reading of its state is a copy.
        generator.state = _states.setdefault(request.node.module.__name__, generator.state)


@pytest.fixture(autouse=True)
def nothing_compiled_is_left():
    yield
    from tests.backends import forget_compiled

    forget_compiled()


def pytest_terminal_summary(terminalreporter):
    """The rates of the doctor's planted faults: here, for of several processes the first one
    reads no conftest.py of a folder below."""
    for words, test in (
        ("planted faults caught", "test_a_planted_fault_is_caught["),
        ("sound losses accused", "test_a_sound_loss_is_not_accused["),
    ):
        passed, failed = (
            sum(test in r.nodeid for r in terminalreporter.getreports(kind)
                if getattr(r, "when", "") == "call")
            for kind in ("passed", "failed")
        )
        if passed + failed:
            hits = passed if "caught" in words else failed
            terminalreporter.write_line(f"{words}: {hits} of {passed + failed}")
