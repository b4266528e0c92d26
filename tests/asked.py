"""What runs only where its path stands on the command line: `python -m pytest tests/peers`.

The peers need packages that are installed beside the kit by a command line of their own, and the
examples train their models: a run of all the other tests leaves them out.
"""

from pathlib import Path

HERE = Path(__file__).parent
BY_PATH = (HERE / "peers", HERE / "test_examples.py")


def asked(config, place):
    """Whether `place`, or what is inside it, stands on the command line."""
    paths = [Path(config.invocation_params.dir, str(x).split("::")[0]) for x in config.args]
    return any(path.resolve().is_relative_to(place) for path in paths)
