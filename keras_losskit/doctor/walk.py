"""Walks the source of one function of a loss, and notes what it meets."""

import ast
import inspect
from dataclasses import dataclass

import keras

from keras_losskit.doctor.names import TensorNames
from keras_losskit.doctor.report import Line
from keras_losskit.doctor.source import dotted

_CUTS = {
    "round", "rint", "floor", "ceil", "trunc", "sign", "argmax", "argmin", "argsort", "one_hot",
    "equal", "not_equal", "greater", "greater_equal", "less", "less_equal", "stop_gradient",
    "detach", "logical_and", "logical_or", "logical_not", "searchsorted", "bincount", "digitize",
    "to_int32", "isclose", "heaviside", "floor_divide",
}
# Functions with a value or slope that is not finite somewhere.
_EDGES = {
    "log", "sqrt", "rsqrt", "norm", "exp", "cosh", "sinh", "divide", "reciprocal", "arccos",
    "arcsin", "arctanh", "std", "log1p", "power", "pow",
}
_ACTIVATIONS = {"sigmoid", "softmax", "expit"}
_SAMPLERS = ("random", "rand", "randn", "randint", "dropout", "shuffle")
_MASKS = {
    "equal", "not_equal", "greater", "greater_equal", "less", "less_equal", "logical_and",
    "logical_or", "logical_not", "isnan", "isfinite", "isinf", "isclose",
}
_MUTATORS = {"append", "extend", "insert", "add", "update", "setdefault", "pop", "write", "remove"}


@dataclass(frozen=True)
class Hazard:
    """`kind`, the word for it in the source, and its line."""

    kind: str
    word: str
    line: Line
    sure: bool = True  # Whether the names it is about surely hold tensors.


class Walk(TensorNames):
    """Walks one function; what it meets is added to `found`."""

    def __init__(self, source, found, first):
        super().__init__(source, first)
        self.found = found
        self._bound = None

    def visit_all(self):
        node = self.source.node
        for decorator in getattr(node, "decorator_list", []):
            self._decorator(decorator)
        if self.source.compiler:
            self.add("inner-function", self.source.compiler, node)
        for part in self.body:
            self._look(part)
        self._captured()

    def add(self, kind, word, node):
        hazard = Hazard(kind, word, self.source.line(node), self.is_loss)
        if hazard not in self.found:
            self.found.append(hazard)

    def _look(self, tree):
        for node in ast.walk(tree):
            look = getattr(self, f"_at_{type(node).__name__.lower()}", None)
            if look is not None:
                look(node)

    def _at_call(self, node):
        path = dotted(node.func)
        word = (path or getattr(node.func, "attr", "")).split(".")[-1]
        arguments = [*node.args, *(k.value for k in node.keywords)]
        given = any(self.holds_tensor(a) for a in arguments)
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        on_tensor = owner is not None and self.holds_tensor(owner)
        module = _module(self.source, node.func)
        if module.startswith("numpy") and "random" not in module and given:
            self.add("numpy", path or word, node)
        if (on_tensor and word in ("numpy", "item", "tolist", "eval")) or (
            given and word == "convert_to_numpy"
        ):
            self.add("values", f".{word}()" if on_tensor else word, node)
        if path in ("float", "int", "bool") and given:
            self.add("float", f"{path}()", node)
        if path in ("any", "all", "max", "min", "sum") and given and path in ("any", "all"):
            self.add("if", f"{path}()", node)
        if given or on_tensor:
            self._cut(node, word, arguments)
        if (given or on_tensor) and word in _EDGES:
            self.add("edge", path or word, node)
        self._effect(node, path, word, owner, module)
        if word == "squeeze" and given and not any(k.arg == "axis" for k in node.keywords):
            if len(node.args) < 2:
                self.add("squeeze", path or word, node)
        self._activation(node, word, arguments)
        self._order(node, word)
        if word == "GradientTape":
            self.add("tape", path, node)
        if word in ("mean", "sum", "reduce_mean", "reduce_sum", "prod", "max", "norm"):
            axis = [k for k in node.keywords if k.arg in ("axis", "dim")]
            if (given and len(node.args) == 1 or on_tensor and not node.args) and not axis:
                self.add("average", path or word, node)
        if module.split(".")[0] in ("tensorflow", "jax", "torch"):
            self.add("backend", module.split(".")[0], node)
        if _compiles(word, module):
            self.add("inner-function", path, node)

    def _cut(self, node, word, arguments):
        if word in _CUTS:
            self.add("cut", word, node)
        if word in ("cast", "astype", "to", "type"):
            whole = [t for t in map(_text, arguments)
                     if t.startswith(("int", "uint", "bool", "long"))]
            if whole:
                self.add("cut", f"{word} to {whole[0]}", node)
        if word in ("int", "long", "bool") and isinstance(node.func, ast.Attribute):
            self.add("cut", word, node)

    def _order(self, node, word):
        """The two arguments of the loss, handed on the other way round."""
        names = [getattr(a, "id", None) for a in node.args[:2]]
        if not self.is_loss or names != self.source.arguments[:2][::-1]:
            return
        callee = self.source.resolve(node.func)
        try:
            wanted = list(inspect.signature(callee).parameters)[:2] if callee else []
        except (TypeError, ValueError):
            return
        symmetric = any(w in word for w in ("squared", "absolute", "huber", "cosine", "log_cosh"))
        if wanted in (["y_true", "y_pred"], ["target", "output"]) and not symmetric:
            self.add("swapped", word, node)

    def _activation(self, node, word, arguments):
        """A sigmoid or softmax of what went through one already."""
        again = [a for a in arguments if self._activated(a)]
        if not again:
            return
        logits = any(
            k.arg == "from_logits" and getattr(k.value, "value", None) is True
            for k in node.keywords
        )
        made = node.func if isinstance(node.func, ast.Call) else None  # `Loss(...)(y, p)`
        logits = logits or made is not None and any(
            k.arg == "from_logits" and getattr(k.value, "value", None) is True
            for k in made.keywords
        )
        callee = self.source.resolve(node.func)
        logits = logits or getattr(callee, "from_logits", None) is True
        if logits or word in _ACTIVATIONS | {"log_softmax", "log_sigmoid", "logsigmoid"} or (
            word.endswith("_with_logits")
        ):
            of_made = "" if made is None else (dotted(made.func) or "").split(".")[-1]
            self.add("activation-twice", word or of_made or "the loss", node)

    def _activated(self, node):
        """Whether an expression is a sigmoid or softmax, by name or at once."""
        if isinstance(node, ast.Name):
            return node.id in self._activated_names()
        if isinstance(node, ast.Call):
            word = (dotted(node.func) or getattr(node.func, "attr", "")).split(".")[-1]
            return word in _ACTIVATIONS
        return False

    def _activated_names(self):
        """Names that are bound to an activation, and to nothing else."""
        if self._bound is None:
            self._bound, others = set(), set()
            for node in ast.walk(self.source.node):
                if isinstance(node, ast.Assign):
                    for target in node.targets:
                        if isinstance(target, ast.Name):
                            call = isinstance(node.value, ast.Call) and self._activated(node.value)
                            (self._bound if call else others).add(target.id)
            self._bound -= others
        return self._bound

    def _constant(self, node):
        """The value of a literal, or of a name that is bound outside of the function."""
        if isinstance(node, ast.Name) and node.id not in self.local:
            return self.source.names.get(node.id)
        return getattr(node, "value", None) if isinstance(node, ast.Constant) else None

    def _effect(self, node, path, word, owner, module):
        top = module.split(".")[0]
        samples = word in _SAMPLERS or "random" in module or "random" in (path or "")
        samples |= top == "torch" and word.startswith("rand")
        if samples and top in ("numpy", "random"):
            self.add("python-random", path or word, node)
        elif samples and top in ("keras", "tensorflow", "torch"):
            seeds = [k.value for k in node.keywords if k.arg == "seed"]
            own = top == "torch" and any(k.arg == "generator" for k in node.keywords)
            if not own and (not seeds or top != "keras"):
                self.add("random", path or word, node)
            elif seeds and isinstance(self._constant(seeds[0]), int):
                self.add("fixed-seed", path or word, node)
        if path == "print" or top == "logging" or path in ("open", "input"):
            self.add("effect", f"{path or word}()", node)
        if top == "time":
            self.add("effect", f"{path}()", node)
        if owner is not None and word in ("assign", "assign_add", "assign_sub"):
            self.add("assigned", f"{dotted(owner)}.{word}()", node)
        if owner is not None and word in _MUTATORS and not self.holds_tensor(owner):
            root = (dotted(owner) or "").split(".")[0]
            outer = root and root not in self.local
            if outer and not inspect.ismodule(self.source.names.get(root)):
                self.add("effect", f"{dotted(owner)}.{word}()", node)

    def _at_if(self, node):
        if self.holds_tensor(node.test):
            self.add("if", "if", node.test)

    def _at_ifexp(self, node):
        if self.holds_tensor(node.test):
            self.add("if", "if ... else", node.test)

    def _at_while(self, node):
        if self.holds_tensor(node.test):
            self.add("if", "while", node.test)

    def _at_assert(self, node):
        if self.holds_tensor(node.test):
            self.add("if", "assert", node)

    def _at_boolop(self, node):
        if any(self.holds_tensor(v) for v in node.values):
            word = "and" if isinstance(node.op, ast.And) else "or"
            self.add("if", word, node)

    def _at_unaryop(self, node):
        if isinstance(node.op, ast.Not) and self.holds_tensor(node.operand):
            self.add("if", "not", node)

    def _at_for(self, node):
        if self.holds_tensor(node.iter):
            self.add("loop", "for", node.iter)

    def _at_comprehension(self, node):
        if self.holds_tensor(node.iter):
            self.add("loop", "for", node.iter)

    def _at_compare(self, node):
        if self.holds_tensor(node):
            self.add("cut", "a comparison", node)

    def _at_binop(self, node):
        if isinstance(node.op, ast.FloorDiv) and self.holds_tensor(node):
            self.add("cut", "//", node)
        if isinstance(node.op, ast.Div) and self.holds_tensor(node.right):
            self.add("edge", "/", node)
        if isinstance(node.op, ast.Sub) and self.holds_tensor(node.left):
            if self.holds_tensor(node.right):
                self.add("difference", "-", node)

    def _at_subscript(self, node):
        if isinstance(node.ctx, ast.Store):
            root = (dotted(node.value) or "").split(".")[0]
            if self.holds_tensor(node.value):
                self.add("assign", f"{root}[...] =", node)
            elif root and root not in self.local:
                self.add("effect", f"{root}[...] =", node)
            return
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        chosen = [part for part in parts if not isinstance(part, ast.Slice)]
        if self.holds_tensor(node.value) and any(self._is_mask(part) for part in chosen):
            self.add("boolean", "[mask]", node)
        bounded = isinstance(parts[0], ast.Slice) and (parts[0].lower or parts[0].upper)
        if self.holds_tensor(node.value) and (bounded or isinstance(parts[0], ast.Constant)):
            if not (isinstance(parts[0], ast.Constant) and parts[0].value in (..., None)):
                self.add("rows", "an index on the first axis", node)
        shape = isinstance(node.value, ast.Attribute) and node.value.attr == "shape"
        if shape and isinstance(node.slice, ast.Constant) and node.slice.value == 0:
            self.add("static-batch", ".shape[0]", node)

    def _is_mask(self, node):
        """Whether an index is a tensor of booleans, rather than of whole numbers."""
        if isinstance(node, ast.Compare):
            return self.holds_tensor(node)
        if isinstance(node, (ast.UnaryOp, ast.BinOp)) and isinstance(
            getattr(node, "op", None), (ast.Invert, ast.BitAnd, ast.BitOr)
        ):
            return self.holds_tensor(node)
        if isinstance(node, ast.Call):
            word = (dotted(node.func) or getattr(node.func, "attr", "")).split(".")[-1]
            if word in ("cast", "astype", "to"):
                return any(_text(a).startswith("bool") for a in (
                    *node.args, *(k.value for k in node.keywords)))
            return word in _MASKS and self.holds_tensor(node)
        if isinstance(node, ast.Name) and node.id in self.tensors:
            bound = [n.value for n in ast.walk(self.source.node) if isinstance(n, ast.Assign)
                     and any(getattr(t, "id", None) == node.id for t in n.targets)]
            return any(self._is_mask(b) for b in bound if not isinstance(b, ast.Name))
        return False

    def _at_attribute(self, node):
        if node.attr == "data" and self.holds_tensor(node.value):
            self.add("cut", ".data", node)  # Of torch: what it holds, without its gradient.
        root = (dotted(node) or "").split(".")[0]
        if isinstance(node.ctx, ast.Store) and root and root not in self.local:
            self.add("effect", f"{dotted(node)} =", node)

    def _at_global(self, node):
        self.add("effect", f"global {', '.join(node.names)}", node)

    def _at_nonlocal(self, node):
        self.add("effect", f"nonlocal {', '.join(node.names)}", node)

    def _decorator(self, node):
        called = node.func if isinstance(node, ast.Call) else node
        module, word = _module(self.source, called), (dotted(called) or "").split(".")[-1]
        if _compiles(word, module):
            self.add("inner-function", dotted(called), node)
        if word == "custom_gradient" or word == "custom_vjp":
            self.add("custom-gradient", dotted(called), node)

    def _captured(self):
        for node in ast.walk(self.source.node):
            if not isinstance(node, ast.Name) or node.id in self.local:
                continue
            value = self.source.names.get(node.id)
            if isinstance(value, keras.KerasTensor):
                self.add("keras-tensor", node.id, node)
            elif isinstance(value, keras.Variable):
                self.add("variable", node.id, node)
        for node in ast.walk(self.source.node):  # A layer's `.output`, `model.input`.
            if isinstance(node, ast.Attribute) and node.attr in ("output", "input", "outputs"):
                value = self.source.resolve(node.value)
                if isinstance(value, (keras.layers.Layer,)):
                    self.add("keras-tensor", dotted(node), node)
        for node in ast.walk(self.source.node):
            if isinstance(node, (ast.FunctionDef,)) and node is not self.source.node:
                for decorator in node.decorator_list:
                    self._decorator(decorator)


def _module(source, node):
    """The module that a called thing comes from, '' where that is unknown."""
    path = dotted(node)
    if path is None:
        return ""
    head = source.names.get(path.split(".")[0])
    if inspect.ismodule(head):
        name = head.__name__
        parts = path.split(".")[1:-1]
        return ".".join([name, *parts])
    thing = source.resolve(node)
    if thing is None:
        return ""
    if type(thing).__name__ == "ufunc":
        return "numpy"
    return getattr(thing, "__module__", None) or ""


def _compiles(word, module):
    top = module.split(".")[0]
    return (top, word) in (("tensorflow", "function"), ("jax", "jit"), ("torch", "compile"))


def _text(node):
    """A dtype as text: "int32", `tf.int32`, `torch.long`, `bool`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return (dotted(node) or "").split(".")[-1]
