"""`python -m tests.peers` writes docs/peers.md."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import tests.peers.vision  # noqa: E402, F401, I001
from tests.peers import test_peers  # noqa: E402
from tests.peers.compare import document  # noqa: E402

if __name__ == "__main__":
    test_peers.PAGE.parent.mkdir(exist_ok=True)
    test_peers.PAGE.write_text(document(), encoding="utf-8")
    print(f"{len(test_peers.COMPARISONS)} comparisons: {test_peers.PAGE}")
