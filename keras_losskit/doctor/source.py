"""The source of a loss: its functions, their syntax trees, their lines."""

import ast
import functools
import inspect
import linecache
import os
import sys
import sysconfig
import types

import keras

from keras_losskit.doctor.report import Line

# Code that is not the user's: never scanned, never blamed.
_LIBRARIES = {
    "keras", "tensorflow", "jax", "jaxlib", "torch", "numpy", "builtins", "ml_dtypes", "optree",
    "tensorflow_probability", "scipy",
}


class Source:
    """One function of a loss: its tree, its file, and what its names mean."""

    def __init__(self, function, owner=None, compiler=None):
        self.function, self.owner, self.compiler = function, owner, compiler
        self.code = function.__code__
        self.file = self.code.co_filename
        self.node = _node(self.file, self.code)

    def line(self, node_or_number):
        return line_at(self.file, getattr(node_or_number, "lineno", node_or_number))

    def calls(self):
        """The calls of its body. Decorators ran when it was made, not when it is called."""
        body = self.node.body if isinstance(self.node.body, list) else [self.node.body]
        return [n for part in body for n in ast.walk(part) if isinstance(n, ast.Call)]

    @property
    def arguments(self):
        """Names of the arguments, without `self`."""
        names = [a.arg for a in (*self.node.args.posonlyargs, *self.node.args.args)]
        return names[1:] if names[:1] in (["self"], ["cls"]) else names

    @property
    def kept(self):
        """Arguments whose default is a list, dict or set: one object for all calls."""
        args = [a.arg for a in (*self.node.args.posonlyargs, *self.node.args.args)]
        values = self.function.__defaults__ or ()
        pairs = zip(args[len(args) - len(values) :], values, strict=True)
        return {name for name, value in pairs if isinstance(value, (list, dict, set))}

    @functools.cached_property
    def names(self):
        """What the free names of the function are bound to."""
        found = dict(self.function.__globals__)
        cells = self.function.__closure__ or ()
        for name, cell in zip(self.code.co_freevars, cells, strict=False):
            try:
                found[name] = cell.cell_contents
            except ValueError:
                continue  # Not bound yet.
        return {**found, **_imported(self.node)}

    def resolve(self, node):
        """The object that `a` or `a.b.c` is, or `None`."""
        path = dotted(node)
        if path is None:
            return None
        head, *rest = path.split(".")
        if head in ("self", "cls") and self.owner is not None:
            thing = self.owner
        elif head in self.names:
            thing = self.names[head]
        else:
            return None
        for part in rest:
            try:
                thing = inspect.getattr_static(thing, part)
            except AttributeError:
                thing = getattr(thing, part, None)
            if isinstance(thing, staticmethod):
                thing = thing.__func__
            if thing is None:
                return None
        return thing


def _imported(node):
    """`{name: module}` of the `import x`, `import x.y as z` inside a function.

    A module that was never loaded is stood for by an empty one of its name.
    """
    found = {}
    for part in ast.walk(node):
        for alias in part.names if isinstance(part, ast.Import) else ():
            whole = alias.name if alias.asname else alias.name.split(".")[0]
            found[alias.asname or whole] = sys.modules.get(whole) or types.ModuleType(whole)
    return found


def dotted(node):
    """`a.b.c` as a string, or `None` for anything else."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


def is_library(thing):
    """Whether an object is of Keras, NumPy or a backend."""
    module = thing.__name__ if inspect.ismodule(thing) else getattr(thing, "__module__", None)
    return (module or "builtins").split(".")[0] in _LIBRARIES


def plain_function(thing):
    """The Python function behind decorators, or `None`."""
    for _ in range(10):
        if inspect.ismethod(thing):
            thing = thing.__func__
        inner = getattr(thing, "python_function", None) or getattr(thing, "__wrapped__", None)
        if inner is None or inner is thing:
            break
        thing = inner
    if not inspect.isfunction(thing):
        call = vars(type(thing)).get("__call__")
        if inspect.isfunction(call) and not is_library(call) and not is_library(type(thing)):
            return call
        return None
    return thing


def compiler(thing):
    """What compiled a function object, such as `tf.function`; `None` if nothing did."""
    top = type(thing).__module__.split(".")[0]
    if top == "tensorflow" and hasattr(thing, "python_function"):
        return "tf.function"
    return "jax.jit" if type(thing).__name__ == "PjitFunction" else None


def sources(subject, depth=3):
    """The functions a loss is made of: its own first, then its helpers."""
    found, seen = [], set()
    queue = [(thing, owner, 0) for thing, owner in _roots(subject)]
    while queue:
        thing, owner, level = queue.pop(0)
        function = plain_function(thing)
        if function is None or function.__code__ in seen or is_library(function):
            continue
        # The template and its helpers are known; what they do is not the loss's doing.
        if (function.__module__ or "").startswith("keras_losskit.core"):
            continue
        seen.add(function.__code__)
        try:
            source = Source(function, owner, compiler(thing))
        except (OSError, SyntaxError, TypeError, ValueError):
            continue
        if source.node is None:
            continue
        found.append(source)
        if level >= depth:
            continue
        for call in source.calls():
            for node in (call.func, *call.args):
                thing = source.resolve(node)
                if thing is None or inspect.isclass(thing) or not callable(thing):
                    continue
                bound = owner if (dotted(node) or "").startswith("self.") else None
                queue.append((thing, bound, level + 1))
    return found


def _roots(subject):
    import keras_losskit as kl

    if subject.function is not None:
        yield subject.function, None
        return
    loss = subject.loss
    if isinstance(loss, kl.Loss):
        operands = getattr(loss, "operands", None)
        if operands is not None:
            for part in operands():
                yield from _roots(type(subject)(part))
            return
        inner = getattr(loss, "loss", None)
        if isinstance(inner, keras.losses.Loss):
            yield from _roots(type(subject)(inner))
    function = getattr(loss, "function", None) or getattr(loss, "fn", None)
    if function is not None:
        yield function, None
    for name in ("call", "__call__"):
        method = inspect.getattr_static(type(loss), name, None)
        of_template = isinstance(loss, kl.Loss) and name == "__call__"
        if method is not None and not of_template:
            yield method, loss


@functools.lru_cache(maxsize=64)
def _tree(file, text):
    return ast.parse(text)


def _node(file, code):
    lines = linecache.getlines(file)
    if not lines:
        return None
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    found = [
        node
        for node in ast.walk(_tree(file, "".join(lines)))
        if isinstance(node, kinds)
        and _first_line(node) == code.co_firstlineno
        and (isinstance(node, ast.Lambda) == (code.co_name == "<lambda>"))
    ]
    fitting = [n for n in found if len(n.args.args) == code.co_argcount]
    return (fitting or found or [None])[0]


def _first_line(node):
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(d.lineno for d in decorators)])


def line_of(error, found):
    """The line of the loss where `error` came from, or `None`.

    The deepest frame within a function of the loss; else the deepest one that
    is no library's and not the kit's.
    """
    frames, step = [], error.__traceback__
    while step is not None:
        frames.append((step.tb_frame.f_code, step.tb_lineno))
        step = step.tb_next
    files = {source.file for source in found}
    for code, number in reversed(frames):
        if code.co_filename in files:
            return line_at(code.co_filename, number)
    for code, number in reversed(frames):
        if not is_foreign_file(code.co_filename):
            return line_at(code.co_filename, number)
    return None


def line_at(file, number):
    """A line of a file, with its text."""
    return Line(file, number, linecache.getline(file, number).rstrip())


_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_SITE = {sysconfig.get_paths()[k] for k in ("purelib", "platlib", "stdlib")}


def is_foreign_file(file):
    """Whether a file is of a library, of the kit, or no file at all."""
    return file.startswith((_HERE, "<", *_SITE)) or not os.path.exists(file)
