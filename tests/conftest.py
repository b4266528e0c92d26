import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np  # noqa: E402
import pytest  # noqa: E402

_states = {}


def pytest_collection_modifyitems(items):
    """The tests of a case follow each other: a process finds what it compiled for the last one."""
    rank = {}

    def place(item):
        case = getattr(item, "callspec", None) and item.callspec.params.get("case")
        module = rank.setdefault(item.path, len(rank))
        own = None if isinstance(case, str) else case
        return module, rank.setdefault((item.path, id(own)), len(rank))

    items.sort(key=place)
    items[:] = _sampled(items)


# Laws that hold for every case. JAX compiles each of them for each case: there the first case
# of each loss has to do, unless the environment says KERAS_LOSSKIT_ALL=1.
_SAMPLED = ("test_declared.py", "test_numbers.py", "test_magnitudes.py")


def _sampled(items):
    from tests.backends import BACKEND

    if BACKEND != "jax" or os.environ.get("KERAS_LOSSKIT_ALL"):
        return items
    first, kept = {}, []
    for item in items:
        case = getattr(item, "callspec", None) and item.callspec.params.get("case")
        loss = getattr(case, "loss", None)
        if item.path.name not in _SAMPLED or not isinstance(loss, type):
            kept.append(item)
        elif first.setdefault((item.path, item.originalname, loss), item) is item:
            kept.append(item)
    return kept



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
