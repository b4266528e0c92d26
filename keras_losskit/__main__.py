"""The command line: `python -m keras_losskit list`, `show NAME`, `check package.module:loss`."""

import argparse
import difflib
import importlib
import inspect
import os
import shutil
import sys
import textwrap

from keras_losskit import catalogue

FINE, FINDINGS, NO_LOOK = 0, 1, 2
_EXIT = "Exit status: 0 fine, 1 an error was found, 2 the loss could not be looked at."


def main(arguments=None):
    """Run one command; returns the exit status."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    given = _parser().parse_args(arguments)
    try:
        return given.run(given)
    except BrokenPipeError:  # `| head` has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m keras_losskit", description="Losses for Keras: list, show, check.",
        epilog=_EXIT,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    one = commands.add_parser("list", help="every loss: name, family, formula, reference")
    one.add_argument("word", metavar="WORD", nargs="?",
                     help="only those with this word in their documentation, such as imbalance")
    one.add_argument("--family", help="only this family, such as regression")
    one.set_defaults(run=_list)
    one = commands.add_parser("show", help="the documentation of one loss")
    one.add_argument("name", metavar="NAME")
    one.set_defaults(run=_show)
    one = commands.add_parser(
        "check", help="what is wrong with a loss, why, where, and how to mend it", epilog=_EXIT
    )
    one.add_argument(
        "loss", metavar="LOSS",
        help="package.module:loss or path/to/file.py:loss (a function, a loss, or a class "
        "without required arguments), or a name such as mse or Huber",
    )
    one.add_argument("--y-true", metavar="N,N", type=_shape, help="shape of y_true, as 32,1")
    one.add_argument("--y-pred", metavar="N,N", type=_shape, help="shape of y_pred, as 32,1")
    one.add_argument("--kind", help="kind of the made data, such as binary, ids, map or boxes")
    one.add_argument("--json", action="store_true", help="print the report as JSON")
    one.add_argument("--quick", action="store_true", help="leave out the slow checks")
    one.set_defaults(run=_check)
    return parser


def _shape(text):
    try:
        shape = tuple(int(n) for n in text.strip("() ").split(",") if n.strip())
    except ValueError:
        shape = ()
    if not shape or min(shape) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no shape such as 32,1")
    return shape


def _width():
    return max(60, min(shutil.get_terminal_size((100, 24)).columns, 100))


# --- list and show -------------------------------------------------------------------------


def _formula(entry):
    """The formula of the docstring's first sentence."""
    first = entry.documentation.split("\n\n")[0].replace("\n", " ")
    return first.partition(": ")[2] or first


def _reference(entry):
    """The first reference of the docstring: who, what, when."""
    _, found, text = entry.documentation.partition("Reference: ")
    if not found:
        _, found, text = entry.documentation.partition("References: ")
    text = " ".join(text.split("\n\n")[0].split())
    return text.split(", http")[0].rstrip(".")


def _speaks_of(entry, word):
    """Whether a loss's name, family or documentation holds a word."""
    return word.lower() in " ".join(entry).lower()


def _list(given):
    losses = catalogue.losses()
    families = list(dict.fromkeys(entry.family for entry in losses.values()))
    if given.family is not None and given.family not in families:
        print(f"No family is called {given.family!r}; there are {', '.join(families)}.",
              file=sys.stderr)
        return NO_LOOK
    width = _width()
    if given.word is not None:
        losses = {name: x for name, x in losses.items() if _speaks_of(x, given.word)}
        if not losses:
            print(f"No loss speaks of {given.word!r}.", file=sys.stderr)
            return NO_LOOK
    for family in families:
        members = [entry for entry in losses.values() if entry.family == family]
        if given.family not in (None, family) or not members:
            continue
        print(f"{family}")
        for entry in members:
            print(f"  {entry.name}")
            for text in (_formula(entry), _reference(entry)):
                if text:
                    print(textwrap.fill(text, width, initial_indent="      ",
                                        subsequent_indent="      ", break_long_words=False,
                                        break_on_hyphens=False))
    return FINE


def _show(given):
    losses = catalogue.losses()
    if given.name not in losses:
        near = difflib.get_close_matches(given.name, losses, n=3, cutoff=0.4)
        folded = {name.lower(): name for name in losses}
        near = [folded[given.name.lower()]] if given.name.lower() in folded else near
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        print(f"No loss is called {given.name!r}.{hint}", file=sys.stderr)
        return NO_LOOK
    import keras_losskit as kl

    cls = getattr(kl, given.name)
    signature = textwrap.fill(
        f"keras_losskit.{given.name}{inspect.signature(cls)}", _width(),
        subsequent_indent="    ", break_long_words=False,
    )
    print(f"{signature}\n\n{inspect.getdoc(cls)}")
    return FINE


# --- check -------------------------------------------------------------------------------------


def _find(text):
    """The loss that the user named; raises with the reason where there is none."""
    import keras

    import keras_losskit as kl

    module, colon, path = text.rpartition(":")  # A drive of Windows ends in one, too.
    if not colon:
        module = text
    if not colon:
        if text in catalogue.losses():
            return getattr(kl, text)()
        return keras.losses.get(text)
    if not path:
        raise ValueError(f"{text!r} names no loss after the colon")
    thing = _file(module) if module.endswith(".py") else importlib.import_module(module)
    for part in path.split("."):
        thing = getattr(thing, part)
    if not callable(thing):
        raise TypeError(f"{text} is {thing!r}, which is no loss")
    return thing


def _file(path):
    """The module that a file is, under the name that its folder's programs import it by."""
    if not os.path.exists(path):
        raise FileNotFoundError(f"there is no file {path!r}")
    folder, name = os.path.split(os.path.abspath(path))
    sys.path.insert(0, folder)
    return importlib.import_module(name.removesuffix(".py"))


def _check(given):
    if (given.y_true is None) != (given.y_pred is None):
        print("Give both --y-true and --y-pred, or neither.", file=sys.stderr)
        return NO_LOOK
    sys.path.insert(0, os.getcwd())
    try:
        loss = _find(given.loss)
    except Exception as error:  # noqa: BLE001  A user's module may raise anything.
        print(f"Could not load {given.loss}: {type(error).__name__}: {error}", file=sys.stderr)
        return NO_LOOK
    from keras_losskit.doctor.check import check_loss

    shapes = given.kind
    if given.y_true is not None:
        shapes = {"y_true": given.y_true, "y_pred": given.y_pred}
        if given.kind is not None:
            shapes["kind"] = given.kind
    report = check_loss(loss, shapes=shapes, quick=given.quick, progress=_progress())
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    if given.json:
        print(report.to_json(indent=2))
    else:
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        print(report.to_text(_width(), colour))
    if any(f.check == "data" for f in report.of("error")):
        return NO_LOOK
    return FINE if report.ok else FINDINGS


def _progress():
    """What shows the running check, on a terminal only."""
    if not sys.stderr.isatty():
        return None
    # The checks mute stdout; this one goes to stderr.
    return lambda name: print(f"\r\x1b[Kchecking {name} ...", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
