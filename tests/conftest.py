import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np  # noqa: E402
import pytest  # noqa: E402

_states = {}


@pytest.fixture(autouse=True)
def same_draws_in_any_order(request):
    """A module's `rng` starts each test as it was when the module was read."""
    rng = getattr(getattr(request.node, "module", None), "rng", None)
    if isinstance(rng, np.random.Generator):
        generator = rng.bit_generator  # Each reading of its state is a copy.
        generator.state = _states.setdefault(request.node.module.__name__, generator.state)
