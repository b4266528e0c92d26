"""`python -m tools.make_stubs` writes keras_losskit/__init__.pyi, for editors and type checkers.

A loss takes what its bases take through `**kwargs`, and much of the package is loaded on first
use: neither can be seen without running it. So it is run here, once, and what it shows is written
down: names, kinds and defaults of all arguments come from the run-time signatures, the words that
an argument allows from the constructor's `checks.choice`. Only what Python does not know stands
in stub_types.py.

A new loss needs nothing here. `--check` writes nothing and fails where the file is not as it
would be written.
"""

import ast
import builtins
import functools
import importlib
import inspect
import pathlib
import re
import sys
import textwrap

import keras

import keras_losskit as kl
from keras_losskit.core.reduction import REDUCTIONS
from tools.stub_types import (
    ARGUMENTS,
    BASES,
    CHECKS,
    DECORATOR,
    HEAD,
    HOOKS,
    KEPT,
    OPERATORS,
    RETURNED,
    RETURNS,
)

PATH = pathlib.Path(kl.__file__).with_name("__init__.pyi")
COMMAND = "python -m tools.make_stubs"
WIDTH = 100
LAZY = set(kl._LAZY.values())


def stub():
    """The text of the stub."""
    things = {name: getattr(kl, name) for name in kl.__all__}
    head = HEAD.format(command=COMMAND, reduction=literal(REDUCTIONS))
    listed = "\n".join(f'    "{name}",' for name in things)
    parts = [head, f"__version__: str\n__all__ = [\n{listed}\n]\n", DECORATOR]
    for name, thing in things.items():
        if name == "loss":
            parts.append(decorator(thing))
        elif inspect.isclass(thing):
            parts.append(class_stub(name, thing))
        else:
            parts.append(function_stub(thing, name))
    for name, (module, of) in RETURNED.items():
        parts.append(class_stub(name, getattr(importlib.import_module(module), of)))
    return "\n".join(parts)


def decorator(thing):
    options = [shown("loss", p) for p in parameters(thing) if p.name != "function"]
    text = ""
    for function, result in (
        ("function: _Masked | _Weighted | _MaskedAndWeighted", "_LossClass[...]"),
        ("function: Callable[Concatenate[Any, Any, _P], Any]", "_LossClass[_P]"),
        ("function: None = None", "_Decorator"),
    ):
        text += "@overload\n" + definition("loss", [function, "*", *options], result)
    return text


def function_stub(thing, name):
    doc = docstring(thing)
    return definition(name, listing(name, parameters(thing)), returned(thing, name), doc)


def class_stub(name, cls):
    base, owned = owners(cls)
    is_loss = issubclass(cls, keras.losses.Loss)
    members = {}
    for owner in reversed(owned):
        members.update(vars(owner))
    body = [docstring(cls)]
    # What bases of losses leave to each other is for who writes one, and no offer to a user.
    hooks = cls.__module__.startswith("keras_losskit.losses.")
    body += attributes(name, cls, owned, members, is_loss, hooks)
    body.append(definition("__init__", ["self", *listing(name, constructor(cls))], "None"))
    for member, x in members.items():
        if not hooks or member in RETURNS or member in ARITHMETIC:
            body += method(name, cls, member, x)
    for operator in OPERATORS:
        owner, _, member = operator.partition(".")
        if owner == name and member not in members:
            body += operators(cls, operator)  # Its own types for what it inherits.
    text = f"class {name}({base}):\n" if base else f"class {name}:\n"
    written = "\n".join(part.rstrip("\n") for part in body if part)
    return text + textwrap.indent(written, "    ") + "\n"


def owners(cls):
    """The name of the next exported or known base, and the classes up to it."""
    owned = []
    for c in cls.__mro__:
        if c is not cls and getattr(kl, c.__name__, None) is c and c.__name__ in kl.__all__:
            return c.__name__, owned
        if c in BASES:
            return BASES[c], owned
        if c.__module__.startswith("keras_losskit"):
            owned.append(c)
    raise AssertionError(cls)


def attributes(name, cls, owned, members, is_loss, hooks):
    """What instances and the class hold, beside methods."""
    found, properties = {}, {m for m, x in members.items() if isinstance(x, property)}
    for member, x in members.items():
        plain = isinstance(x, (bool, int, float, str, tuple)) or x is None
        if plain and not member.startswith("_"):
            found[member] = type(x).__name__ if x is not None else "Any"
            if isinstance(x, tuple):
                found[member] = "tuple[Any, ...]"
            found[member] = KEPT.get(f"{name}.{member}", found[member])
    given = {p.name: p for p in constructor(cls)}
    skipped = ("dtype",) if cls is kl.Loss else ("reduction", "name", "dtype")
    kept = [n for n in given if n not in skipped] if is_loss else []
    for attribute in [*kept, *(assigned(owned) if not is_loss else ())]:
        if f"{name}.{attribute}" in KEPT:
            found[attribute] = KEPT[f"{name}.{attribute}"]
        elif attribute in given:
            kind = type_of(name, given[attribute], cls)
            found[attribute] = KEPT.get(kind, kind)
        else:
            found.setdefault(attribute, "Any")
    if hooks:
        found = {n: kind for n, kind in found.items() if n in kept}
    return [f"{n}: {kind}" for n, kind in found.items() if n not in properties]


def method(name, cls, member, x):
    """The lines of one member of a class, or none."""
    key = f"{name}.{member}"
    if key in HOOKS:
        return [HOOKS[key]]
    if cls is not kl.Loss and issubclass(cls, kl.Loss) and hasattr(kl.Loss, member):
        if key not in RETURNS and member not in ARITHMETIC:
            return []  # As its base has it.
    if isinstance(x, property):
        return ["@property", definition(member, ["self"], returned(x.fget, key), docstring(x))]
    if member in ARITHMETIC and inspect.isfunction(x):
        return operators(cls, key)
    spoken = member in ("__call__", "__contains__", "__getitem__", "__len__", "__iter__")
    if member.startswith("_") and not spoken:
        return []
    lead, first = [], "self"
    if isinstance(x, classmethod):
        lead, first = ["@classmethod"], "cls"
    elif isinstance(x, staticmethod):
        lead, first = ["@staticmethod"], None
    elif not inspect.isfunction(x):
        return []
    function = x if inspect.isfunction(x) else x.__func__
    taken = parameters(function)
    own = listing(key, taken[bool(first):])
    doc = docstring(function)
    own = ([first] if first else []) + own
    return [*lead, definition(member, own, returned(function, key), doc)]


ARITHMETIC = {
    f"__{side}{word}__"
    for side in ("", "r", "i")
    for word in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
} | {"__neg__", "__pos__", "__abs__", "__invert__"}


def operators(cls, key):
    if key not in OPERATORS:
        raise AssertionError(f"{key}: say what it takes and gives, in OPERATORS of stub_types.py.")
    member = key.partition(".")[2]
    if not hasattr(cls, member):
        return []
    lines, cases = [], OPERATORS[key]
    for operand, result in cases:
        lines += ["@overload"] * (len(cases) > 1)
        taken = ["self"] + ([f"other: {operand}", "/"] if operand else [])
        text = definition(member, taken, result)
        if operand == "WeightedSum":  # One of the losses that the next case takes.
            text = text.rstrip("\n") + "  # type: ignore[overload-overlap]"
        lines.append(text)
    return lines


# --- signatures ------------------------------------------------------------------------------


def parameters(function):
    return list(inspect.signature(function).parameters.values())


def constructor(cls):
    if issubclass(cls, kl.Loss):
        return parameters(cls)
    # Keras wraps `__new__` of layers; the constructor itself says more.
    return parameters(cls.__init__)[1:]


def listing(owner, taken, cls=None):
    """The parameters as they are written, with the marks of their kinds between."""
    cls = cls or getattr(kl, owner, None)
    out, before = [], None
    for i, p in enumerate(taken):
        if p.kind is p.KEYWORD_ONLY and before not in (p.KEYWORD_ONLY, p.VAR_POSITIONAL):
            out.append("*")
        out.append(shown(owner, p, cls))
        last = i + 1 == len(taken) or taken[i + 1].kind is not p.kind
        if p.kind is p.POSITIONAL_ONLY and last:
            out.append("/")
        before = p.kind
    return out


def shown(owner, p, cls=None):
    kind = type_of(owner, p, cls)
    if p.kind is p.VAR_POSITIONAL:
        return f"*{p.name}: {kind}"
    if p.kind is p.VAR_KEYWORD:
        return f"**{p.name}: {kind}"
    if p.default is p.empty:
        return f"{p.name}: {kind}"
    plain = isinstance(p.default, (bool, int, float, str, bytes)) or p.default is None
    return f"{p.name}: {kind} = {quoted(p.default) if plain else '...'}"


def type_of(owner, p, cls=None):
    """The type of an argument: what is said above, its annotation, its checks, its default."""
    for key in (f"{owner}.{p.name}", f"{owner.rpartition('.')[2]}.{p.name}"):
        if key in ARGUMENTS:
            return ARGUMENTS[key]
    annotated = known(p.annotation)
    if annotated:
        return annotated
    found = checked(cls).get(p.name, {}) if inspect.isclass(cls) else {}
    if p.name == "reduction":
        extra = p.default not in REDUCTIONS
        return "_Reduction" + (f" | Literal[{quoted(p.default)}]" if extra else "")
    if p.name in ARGUMENTS:
        return ARGUMENTS[p.name]
    kinds = list(found)
    if not kinds and isinstance(p.default, (bool, int, float, str)):
        kinds = [type(p.default).__name__]
    if not kinds:
        return "Any"
    if p.default is None and "None" not in kinds:
        kinds.append("None")
    return " | ".join(dict.fromkeys(kinds))


def returned(function, key):
    """The type of a result: what is said for it, or for its name, or its annotation."""
    for said in (key, key.rpartition(".")[2]):
        if said in RETURNS:
            return RETURNS[said]
    return known(inspect.signature(function).return_annotation) or "Any"


def known(annotation):
    """An annotation as text, where the stub knows all its names."""
    if annotation is inspect.Parameter.empty:
        return None
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    text = re.sub(r"\bkeras_losskit\.[\w.]*\.", "", text).replace("numpy.", "np.")
    for name, (_, of) in RETURNED.items():
        text = re.sub(rf"\b{of}\b", name, text)
    names = {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}
    imported = {"Any", "Callable", "Iterable", "Mapping", "Sequence", "np", *RETURNED}
    return text if names <= {*vars(builtins), *kl.__all__, *imported} else None


@functools.cache
def checked(cls):
    """`{argument: {type: None}}` as the constructors of `cls` and its bases check them."""
    found = {}
    for owner in cls.__mro__:
        for call in (n for n in constructor_source(owner) if isinstance(n, ast.Call)):
            where = call.func
            known = isinstance(where, ast.Attribute) and getattr(where.value, "id", "") == "checks"
            if not known or len(call.args) < 3 or not isinstance(call.args[1], ast.Constant):
                continue
            kinds = CHECKS.get(where.attr, [])
            if where.attr == "choice":
                kinds = [literal(allowed(owner, call.args[3]))]
            found.setdefault(call.args[1].value, {}).update(dict.fromkeys(kinds))
    return found


def allowed(owner, expression):
    """The words, as the constructor's module knows them."""
    code = compile(ast.Expression(expression), "<allowed>", "eval")
    return eval(code, vars(sys.modules[owner.__module__]))


@functools.cache
def constructor_source(cls):
    """The nodes of the constructor of one class of the package."""
    function = vars(cls).get("__init__")
    if not cls.__module__.startswith("keras_losskit") or not inspect.isfunction(function):
        return ()
    try:
        source = inspect.getsource(function)
    except OSError:  # Made by a decorator, as that of a dataclass is.
        return ()
    return tuple(ast.walk(ast.parse(textwrap.dedent(source))))


def assigned(owned):
    """The public attributes that constructors set, in their order."""
    found = {}
    for owner in reversed(owned):
        found.update(dict.fromkeys(getattr(owner, "__dataclass_fields__", ())))
        nodes = [
            n for n in constructor_source(owner)
            if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)
            and getattr(n.value, "id", "") == "self" and not n.attr.startswith("_")
        ]
        found.update(dict.fromkeys(n.attr for n in sorted(nodes, key=lambda n: n.lineno)))
    return list(found)


# --- text ------------------------------------------------------------------------------------


def literal(words):
    """The allowed words as one type."""
    words = list(words)
    spoken = ", ".join(quoted(w) for w in words if w is not None)
    return f"Literal[{spoken}]" + (" | None" if None in words else "")


def quoted(value):
    if isinstance(value, str) and "'" not in value and '"' not in value:
        return f'"{value}"' if "\\" not in repr(value) else repr(value)
    return repr(value)


def docstring(thing):
    """The docstring of what is loaded on first use: elsewhere editors find it in the source."""
    source = thing.fget if isinstance(thing, property) else thing
    if source.__module__ not in LAZY or not source.__doc__:
        return ""
    text = inspect.cleandoc(source.__doc__)
    end = "\n" if "\n" in text else ""
    return ("r" if "\\" in text else "") + f'"""{text}{end}"""'


def definition(name, taken, result, doc=""):
    """One `def`, on one line where it fits, else with a line for each argument."""
    end = "\n" + textwrap.indent(doc, "    ") + "\n" if doc else " ...\n"
    line = f"def {name}({', '.join(taken)}) -> {result}:"
    if len(line) + 8 <= WIDTH:
        return line + end
    wrapped = ",\n".join(f"    {p}" for p in taken)
    return f"def {name}(\n{wrapped},\n) -> {result}:{end}"


def main(arguments):
    text = stub()
    if "--check" in arguments:
        if PATH.read_text(encoding="utf-8") != text:
            sys.exit(f"{PATH.name} is not what the package shows; mend it by `{COMMAND}`.")
        return
    PATH.write_text(text, encoding="utf-8")
    print(f"{PATH}: {len(text.splitlines())} lines")


if __name__ == "__main__":
    main(sys.argv[1:])
