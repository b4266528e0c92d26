"""Which names of a function hold tensors, followed through its assignments."""

import ast

from keras_losskit.doctor.source import dotted

# Reading these of a tensor gives plain Python values, not tensors.
_PLAIN_ATTRIBUTES = {"shape", "dtype", "ndim", "rank", "device", "name"}
_PLAIN_CALLS = {"len", "isinstance", "hasattr", "type", "shape", "rank", "ndim", "range", "getattr"}


class TensorNames:
    """The names of one function that hold tensors, as far as its source tells."""

    def __init__(self, source, first):
        self.source = source
        names = source.arguments
        # A loss's options are plain values; a helper's arguments may be tensors.
        self.is_loss = first or names[:2] == ["y_true", "y_pred"]
        self.tensors = set(names[:2] if self.is_loss else names)
        # What a default keeps from call to call is no name of this call alone.
        self.local = set(names) - source.kept
        node = source.node
        self.body = node.body if isinstance(node.body, list) else [node.body]
        for inner in ast.walk(node):
            if isinstance(inner, ast.FunctionDef) and inner is not node:
                names = {a.arg for a in inner.args.args}
                self.tensors |= names
                self.local |= names | {inner.name}
        for _ in range(2):  # Twice, for names that loops carry back.
            for part in self.body:
                self._learn(part)

    def _learn(self, tree):
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.Lambda)):
                continue
            if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.NamedExpr)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    self._bind(target, node.value)
            elif isinstance(node, ast.For):
                for name in ast.walk(node.target):
                    if isinstance(name, ast.Name):
                        self.local.add(name.id)
                        if self.holds_tensor(node.iter):
                            self.tensors.add(name.id)

    def _bind(self, target, value):
        """Note the names of an assignment, and which of them hold tensors."""
        pair = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
        if pair and len(target.elts) == len(value.elts):
            for t, v in zip(target.elts, value.elts, strict=True):
                self._bind(t, v)
            return
        for name in ast.walk(target):
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                self.local.add(name.id)
                if value is not None and self.holds_tensor(value):
                    self.tensors.add(name.id)

    def holds_tensor(self, node):
        """Whether an expression has a tensor for its value, as far as can be told."""
        if isinstance(node, ast.Name):
            return node.id in self.tensors
        if isinstance(node, ast.Attribute):
            return node.attr not in _PLAIN_ATTRIBUTES and self.holds_tensor(node.value)
        if isinstance(node, ast.Call):
            word = (dotted(node.func) or getattr(node.func, "attr", "")).split(".")[-1]
            if word in _PLAIN_CALLS:
                return False
            parts = [*node.args, *(k.value for k in node.keywords)]
            if isinstance(node.func, ast.Attribute):
                parts.append(node.func.value)
            return any(self.holds_tensor(p) for p in parts)
        if isinstance(node, ast.Compare):
            if any(isinstance(o, (ast.Is, ast.IsNot, ast.In, ast.NotIn)) for o in node.ops):
                return False
            return any(self.holds_tensor(p) for p in (node.left, *node.comparators))
        if isinstance(node, ast.Lambda):
            return False
        return any(self.holds_tensor(child) for child in ast.iter_child_nodes(node))
