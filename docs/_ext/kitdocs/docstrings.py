"""A docstring of the package as Markdown, and its parts by themselves.

The package's docstrings are nearly Markdown: `code`, tables, *titles*. What is not is a section
`Args:`, `Raises:`, `Returns:` or `Example:`, whose lines are indented.
"""

import inspect
import re

from tests.docstrings import arguments, parameters  # "as in `Dice`" is followed there.

SECTION = re.compile(r"^(Args|Raises|Returns|Example|Examples|Yields):$")
TABLE = "| elsewhere | here |"


class Parts:
    """Of one docstring: `lead`, `prose`, `elsewhere`, `sections`, `example`, `reference`."""

    def __init__(self, thing):
        lines = (inspect.getdoc(thing) or "").splitlines()
        self.sections, self.elsewhere, prose, example, reference = {}, [], [], [], []
        where, i = prose, 0
        while i < len(lines):
            line = lines[i]
            found = SECTION.match(line)
            if found and found[1].startswith("Example"):
                where = example
            elif found:
                where = self.sections.setdefault(found[1], [])
            elif line.startswith(("Reference", "References")) and ":" in line:
                where = reference
                where.append(line.split(":", 1)[1].strip())
            elif line == TABLE:
                i += 2
                while i < len(lines) and lines[i].startswith("|"):
                    self.elsewhere.append(lines[i])
                    i += 1
                where = prose
                continue
            elif where is example and line and not line.startswith((">>>", "...", " ")):
                # Output stands in the first column too; prose comes after an empty line.
                where.append(line)
            elif where not in (prose, example, reference) and line and line[0] != " ":
                where = prose
                where.append(line)
            else:
                where.append(line)
            i += 1
        self.example, prose_of_example = _example(example)
        self.reference = " ".join(x.strip() for x in reference if x.strip())
        text = "\n".join(prose).strip()
        self.lead, _, rest = text.partition("\n\n")
        self.lead = " ".join(self.lead.split())
        self.prose = (rest + "\n\n" + prose_of_example).strip()


def _example(lines):
    """The doctest, and the paragraphs that stand after it."""
    paragraphs = "\n".join(lines).strip().split("\n\n")
    code, prose = [], []
    for p in paragraphs:
        (code if ">>>" in p else prose).append(p)
    return "\n\n".join(code), "\n\n".join(prose)


def text(markdown):
    """Markdown that shows what was written: `_` and `*` inside words are those signs."""
    pieces = re.split(r"(`[^`]*`)", markdown)
    for i in range(0, len(pieces), 2):
        piece = re.sub(r"(?<=\w)_|_(?=[({\w])", r"\\_", pieces[i])
        star = r"(?<=\w)\*(?=\w)|\*\*(?=\w+\b(?!\*))"
        piece = re.sub(star, lambda m: m[0].replace("*", r"\*"), piece)
        piece = re.sub(r"<(?=\w)", "&lt;", piece)
        piece = re.sub(r"(?<![<(\]])(https?://[^\s,;)]*[\w/])", r"<\1>", piece)
        pieces[i] = piece
    return "".join(pieces)


def cell(markdown):
    """The same inside a table: one line, a bar outside of code escaped, and inside too."""
    return re.sub(r"(?<!\\)\|", r"\\|", text(" ".join(markdown.split())))


def options(thing):
    """`[(name, default or None, what it is)]`, of a class or a function."""
    said = arguments(thing)
    found = []
    signature = inspect.signature(thing)
    stars = {shown.lstrip("*"): shown for shown in parameters(thing)}
    for name, parameter in signature.parameters.items():
        shown, default = stars[name], parameter.default
        if shown in said or name in said:
            blank = default is inspect.Parameter.empty
            found.append((shown, None if blank else repr(default), said.get(shown, said.get(name))))
    return found


def options_table(thing):
    rows = options(thing)
    if not rows:
        return ""
    out = ["| option | default | |", "|---|---|---|"]
    for name, default, said in rows:
        said = re.sub(r"\s*\bas in `\w+`\.?$", "", said) if " as in `" in said else said
        default = "" if default is None else f"`{default}`"
        out.append(f"| `{name}` | {default} | {cell(said)} |")
    return "\n".join(out)


def raises(parts):
    """The section as a list."""
    out = []
    for line in parts.sections.get("Raises", ()):
        found = re.match(r"    ([\w`, ]+): (.*)", line)
        if found:
            out.append(f"- `{found[1].strip('`')}`: {text(found[2])}")
        elif line.strip() and out:
            out[-1] += " " + text(line.strip())
        elif line.strip():
            out.append(text(line.strip()))
    return "\n".join(out)


def signature(thing, name):
    """The call, one argument a line where it is long."""
    shown = [str(p).replace("'", '"') for p in inspect.signature(thing).parameters.values()]
    kinds = [p.kind for p in inspect.signature(thing).parameters.values()]
    keyword_only = inspect.Parameter.KEYWORD_ONLY
    if keyword_only in kinds and inspect.Parameter.VAR_POSITIONAL not in kinds:
        shown.insert(kinds.index(keyword_only), "*")
    line = f"{name}({', '.join(shown)})"
    if len(line) <= 88:
        return line
    return f"{name}(\n" + "".join(f"    {s},\n" for s in shown) + ")"
