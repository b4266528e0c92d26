"""What in the source of a loss cannot work in a graph, or cuts the gradient."""

import ast

from keras_losskit.doctor.source import dotted
from keras_losskit.doctor.walk import Walk


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

    def numbers(self):
        """The whole numbers that stand in the source, or are named in it."""
        found = []
        for source in self.sources:
            for node in ast.walk(source.node):
                value = getattr(node, "value", None) if isinstance(node, ast.Constant) else None
                if isinstance(node, ast.Name):
                    value = source.names.get(node.id)
                if isinstance(value, int) and not isinstance(value, bool):
                    found.append(value)
        return list(dict.fromkeys(found))

    def words(self):
        """Every dotted name that is called, last parts only: hints of what the loss does."""
        words = set()
        for source in self.sources:
            for node in source.calls():
                name = dotted(node.func) or getattr(node.func, "attr", "")
                words.add(name.split(".")[-1])
                words |= {f"{k.arg}=True" for k in node.keywords
                          if getattr(k.value, "value", None) is True}
        return words
