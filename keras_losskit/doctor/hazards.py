"""What in the source of a loss cannot work in a graph, or cuts the gradient."""

import ast
import inspect

from keras_losskit.doctor.source import dotted
from keras_losskit.doctor.walk import Walk

_COMPARISONS = {"equal", "not_equal", "greater", "greater_equal", "less", "less_equal"}


def _marks_missing(node, comparison):
    """Whether a number stands for what is missing: -1, 255, or the 0 of `>= 0`."""
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant)
    value = getattr(node, "value", None) if isinstance(node, ast.Constant) else None
    if value == 0:
        text = ast.unparse(comparison)
        return ">=" in text or "greater_equal" in text
    return isinstance(value, (int, float)) and not 0 <= value <= 1


class Scan:
    """The hazards of all the functions of a loss."""

    def __init__(self, sources):
        self.sources = sources
        self.found = []
        for i, source in enumerate(sources):
            Walk(source, self.found, first=i == 0).visit_all()

    def of(self, *kinds):
        return [h for h in self.found if h.kind in kinds]

    def at(self, line, *kinds):
        """The hazards on one line."""
        if line is None:
            return []
        return [
            h for h in self.of(*kinds)
            if h.line.file == line.file and abs(h.line.line - line.line) <= 1
        ]

    def missing(self):
        """What marks a target as missing: the numbers that the loss compares y_true with."""
        found = []
        for source in self.sources[:1]:
            names = source.arguments[:1]
            for node in ast.walk(source.node):
                if isinstance(node, ast.Compare):
                    parts = [node.left, *node.comparators]
                elif isinstance(node, ast.Call) and (
                    (dotted(node.func) or "").split(".")[-1] in _COMPARISONS
                ):
                    parts = node.args
                else:
                    continue
                if any(getattr(p, "id", None) in names for p in parts):
                    found += [ast.literal_eval(p) for p in parts if _marks_missing(p, node)]
        return found

    def numbers(self):
        """The whole numbers that stand in the source, or are named in it."""
        found = []
        for source in self.sources:
            above = {id(n) for d in getattr(source.node, "decorator_list", ()) for n in ast.walk(d)}
            for node in ast.walk(source.node):
                if id(node) in above:
                    continue
                value = getattr(node, "value", None) if isinstance(node, ast.Constant) else None
                if isinstance(node, ast.Name):
                    value = source.names.get(node.id)
                if isinstance(value, int) and not isinstance(value, bool):
                    found.append(value)
        return list(dict.fromkeys(found))

    def words(self):
        """Every dotted name that is called, last parts only: hints of what the loss does.

        Of an object that is called, the name of its class too.
        """
        words = set()
        for source in self.sources:
            for node in source.calls():
                name = dotted(node.func) or getattr(node.func, "attr", "")
                words.add(name.split(".")[-1])
                thing = source.resolve(node.func)
                if thing is not None and not inspect.isroutine(thing):
                    words.add(getattr(thing, "__name__", type(thing).__name__))
                words |= {f"{k.arg}=True" for k in node.keywords
                          if getattr(k.value, "value", None) is True}
        return words
