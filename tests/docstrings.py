"""What a docstring says: its arguments, the bounds that it names for them, its sections."""

import inspect
import math
import re
import textwrap

import keras_losskit as kl
from keras_losskit.core.config import COMMON

NUMBER = r"(-?\d+(?:\.\d+)?|π|`\w+`)"  # Or the name of another option.
BETWEEN = re.compile(rf"{NUMBER} (<=?) (?:[^\W\d]\w*) (<=?) {NUMBER}")
INTERVAL = re.compile(rf"in ([\[(]){NUMBER}, {NUMBER}([\])])")
ONE_SIDED = re.compile(rf"(>=|>|<=|<) {NUMBER}")


def section(thing, name):
    """The lines of one section, without their indent, or `None`."""
    text = inspect.getdoc(thing) or ""
    found = re.search(rf"^{name}:\n((?:    .*\n?|\n(?=    ))+)", text, re.M)
    return None if found is None else textwrap.dedent(found[1])


def arguments(thing):
    """`{argument: what is said}`, references such as "as in `Dice`" followed."""
    found = {}
    for names, said in re.findall(
        r"^((?:\*{0,2}\w+,?\s+)*\*{0,2}\w+): ((?:.*\n?(?:(?:    .*)?\n(?=    )|    .*\n?)*))",
        section(thing, "Args") or "",
        re.M,
    ):
        said = " ".join(said.split())
        for name in re.findall(r"\*{0,2}\w+", names):
            found[name] = said
    for name, said in found.items():
        other = re.search(r"\bas in `(\w+)`", said)
        if other:
            there = arguments(getattr(kl, other[1]))
            assert name in there, f"{thing.__name__}: `{name}` is not documented in {other[1]}"
            found[name] = there[name] + " " + said
    return found


def parameters(thing):
    """The arguments that a docstring may explain; `**` of those handed on to Keras."""
    signs = {inspect.Parameter.VAR_KEYWORD: "**", inspect.Parameter.VAR_POSITIONAL: "*"}
    return {
        signs.get(p.kind, "") + name for name, p in inspect.signature(thing).parameters.items()
    }


def options(thing):
    """The arguments that it has to explain: not those that all things of its kind have."""
    common = () if thing is kl.Loss or inspect.isfunction(thing) else COMMON
    return {name for name in parameters(thing) if name not in common and name[:2] != "**"}


def bounds(said, options):
    """The bounds that a sentence names, by the words of `core.checks`."""
    found = {}

    def number(text):
        if text.startswith("`"):
            return options[text[1:-1]]
        return math.pi if text == "π" else float(text)

    def low(text, open_end):
        found["above" if open_end else "at_least"] = number(text)

    def high(text, open_end):
        found["below" if open_end else "at_most"] = number(text)

    between, interval = BETWEEN.search(said), INTERVAL.search(said)
    if between:
        low(between[1], between[2] == "<")
        high(between[4], between[3] == "<")
    elif interval:
        low(interval[2], interval[1] == "(")
        high(interval[3], interval[4] == ")")
    else:
        for sign, end in ONE_SIDED.findall(said):
            (low if ">" in sign else high)(end, "=" not in sign)
    return found
