"""The program that a loss really ran: its steps, what each gave, and the gradient that came back.

A cause is looked up in it, not guessed from the source: where the gradient ends, where a number
stops being finite, what went through an activation twice. The source only gives the line.
"""

from dataclasses import dataclass, field

import numpy as np

from keras_losskit.doctor.running import attempt, backend

# Steps by what they are, as the backends call them, without underscores.
COMPARE = {
    "eq", "ne", "equal", "notequal", "gt", "ge", "lt", "le", "greater", "greaterequal", "less",
    "lessequal", "isclose", "logicaland", "logicalor", "logicalnot", "and", "or", "not", "isnan",
    "isfinite", "isinf",
}
ROUND = {"round", "rint", "roundeven", "floor", "ceil", "trunc", "fix", "floordiv",
         "floordivide", "int", "long"}
SIGN = {"sign", "heaviside", "sgn"}
INDEX = {"argmax", "argmin", "argsort", "topk", "topkv2", "searchsorted", "bincount", "digitize",
         "unique", "nonzero", "onehot"}
STOP = {"stopgradient", "detach", "preventgradient"}
CAST = {"cast", "to", "type", "convertelementtype", "bool", "float", "double", "half", "bitcast"}
OUTSIDE = {"pyfunc", "eagerpyfunc", "pyfuncstateless", "numpy", "item", "tolist", "array",
           "purecallback", "iocallback", "pycallback", "float()", "bool()"}
FLAT = {"clip", "clamp", "clipbyvalue", "min", "max", "minimum", "maximum", "relu", "relu6",
        "clampmin", "clampmax"}
CUTS = COMPARE | ROUND | SIGN | INDEX | STOP | OUTSIDE

LOGS = {"log", "log1p", "log2", "log10", "xlogy", "logaddexp", "logsoftmax", "xlog1py"}
QUOTIENTS = {"div", "realdiv", "truediv", "divide", "divnonan", "reciprocal", "inv", "xdivy",
             "integerpow", "rsub"}
ROOTS = {"sqrt", "rsqrt", "norm", "linalgnorm", "vectornorm", "linalgvectornorm", "std", "pow",
         "power", "euclideannorm", "acos", "arccos", "asin", "arcsin", "cbrt", "atanh", "acosh"}
OVERFLOWS = {"exp", "expm1", "cosh", "sinh", "square", "mul", "multiply", "exp2", "matmul",
             "dot", "prod", "sum", "cumprod", "dotgeneral"}

_ACTIVATIONS = {"sigmoid", "softmax", "logistic", "expit"}
_OF_LOGITS = _ACTIVATIONS | {
    "logsoftmax", "logsigmoid", "softmaxcrossentropywithlogits", "crossentropy",
    "sparsesoftmaxcrossentropywithlogits", "binarycrossentropywithlogits", "crossentropyloss",
}
# Steps that leave numbers as they are, or only scale them.
_THROUGH = {
    "identity", "copy", "reshape", "transpose", "permute", "expanddims", "unsqueeze", "squeeze",
    "broadcastindim", "broadcastto", "view", "flatten", "contiguous", "clone", "mul", "div",
    "realdiv", "truediv", "multiply", "divide", *CAST,
}


@dataclass
class Step:
    """One step that ran.

    Attributes:
        word: what it does, as the backend calls it, without underscores.
        line: the line of the loss that it comes from, or `None`.
        reads: the numbers of the steps it reads; -1 is y_pred, -2 anything that is no step.
        value: what it gave, as NumPy; `None` where that is no array.
        gradient: d loss / d value, as NumPy; `None` where no gradient came.
    """

    word: str
    line: object = None
    reads: tuple = ()
    value: np.ndarray | None = None
    gradient: np.ndarray | None = None
    twice: bool = field(default=False)  # Reads one thing more than once.

    @property
    def is_float(self):
        return self.value is not None and self.value.dtype.kind == "f"

    @property
    def moves(self):
        """Whether the loss moves with what this step gives."""
        return self.gradient is not None and bool(np.any(self.gradient))

    @property
    def spoken(self):
        """The step in words for a message."""
        if self.word in COMPARE:
            return "a comparison"
        if self.word in CAST and self.value is not None:
            return f"`cast to {self.value.dtype.name}`"
        return f"`{_NAMES.get(self.word, self.word)}`"


_NAMES = {
    "stopgradient": "stop_gradient", "topkv2": "top_k", "topk": "top_k", "onehot": "one_hot",
    "clipbyvalue": "clip", "clamp": "clip", "pyfunc": "numpy_function", "rint": "round",
    "eagerpyfunc": "py_function", "array": "numpy", "realdiv": "/", "div": "/", "truediv": "/",
    "divide": "/", "linalgnorm": "norm", "vectornorm": "norm", "mul": "*", "multiply": "*",
    "sub": "-", "rsub": "-", "subtract": "-", "linalgvectornorm": "norm",
}


class Program:
    """The steps of one run, the last of which gives the loss.

    Args:
        steps: a list of `Step`.
        out: the number of the step that gave the loss; -1 or -2 where none did.
        gradient: d loss / d y_pred, or `None`.
    """

    def __init__(self, steps, out, gradient):
        self.steps, self.out, self.gradient = steps, out, gradient
        self._of_y_pred = {-1}
        for i, step in enumerate(steps):
            if any(r in self._of_y_pred for r in step.reads):
                self._of_y_pred.add(i)
        self._needed = self._before(out)

    def _before(self, out):
        needed, queue = set(), [out]
        while queue:
            i = queue.pop()
            if i in needed:
                continue
            needed.add(i)
            if i >= 0:
                queue += self.steps[i].reads
        return needed

    def _from_y_pred(self, step):
        return [r for r in step.reads if r in self._of_y_pred]

    # --- where the gradient ends -------------------------------------------------------------

    @property
    def ignores_y_pred(self):
        """Whether the loss does not depend on y_pred, as far as the program goes."""
        left = any(self.steps[i].word in OUTSIDE for i in self._of_y_pred if i >= 0)
        return self.out not in self._of_y_pred and not left

    def end_of_gradient(self):
        """`(step, how)` where the gradient on its way to y_pred ends; `None` if unknown.

        `how`: "cut" (a step without a slope), "flat" (a clip or maximum beyond its ends),
        "cancels" (parts that take each other away), "zero" (times 0), "unused".
        """
        if self.ignores_y_pred:
            return None, "unused"
        ends = []
        for i in sorted(self._needed & self._of_y_pred):
            if i < 0 or not (self.steps[i].moves or i == self.out):
                continue
            step = self.steps[i]
            reads = self._from_y_pred(step)
            if any(r >= 0 and self.steps[r].moves for r in reads) or (
                -1 in reads and self.gradient is not None and np.any(self.gradient)
            ):
                continue
            ends.append(self._to_blame(i))
        if not ends:  # It left the program, say to NumPy, and came back as a constant.
            left = [self.steps[i] for i in sorted(self._of_y_pred)
                    if i >= 0 and self.steps[i].word in OUTSIDE | STOP]
            return (left[0], "cut") if left else None
        cut = [s for s in ends if self._cuts(s)]
        if cut:
            # Of several the strongest word: a comparison often only chooses between branches.
            strong = [s for s in cut if s.word not in COMPARE] or cut
            return strong[-1], "cut"
        flat = [s for s in ends if s.word in FLAT]
        if flat:
            return flat[-1], "flat"
        if len(ends) > 1 or ends[-1].twice or len(self._from_y_pred(ends[-1])) > 1:
            return ends[-1], "cancels"
        return ends[-1], "zero"

    def first_clip(self):
        """The first step that is flat beyond an end and is given what y_pred holds, or `None`."""
        return next((s for s in self.steps if s.word in FLAT and self._from_y_pred(s)), None)

    def _cuts(self, step):
        return step.word in CUTS or (step.word in CAST and not step.is_float)

    def _to_blame(self, i):
        """The step that made numbers without a slope of numbers that have one."""
        for _ in range(len(self.steps)):
            step = self.steps[i]
            reads = self._from_y_pred(step)
            if any(r == -1 or self.steps[r].is_float for r in reads) or not reads:
                return step
            i = reads[-1]
        return step

    # --- where it stops being finite --------------------------------------------------------

    def not_finite(self):
        """The step that made something that is not finite of what was; `None` if unknown."""
        i, bad = self.out, None
        if i < 0 or self._finite(i):
            return self._gradient_not_finite()
        for _ in range(len(self.steps)):
            bad = self.steps[i]
            worse = [r for r in bad.reads if r >= 0 and not self._finite(r)]
            if not worse:
                return bad
            i = worse[0]
        return bad

    def _gradient_not_finite(self):
        for i in sorted(self._needed & self._of_y_pred, reverse=True):
            if i < 0:
                continue
            step = self.steps[i]
            if step.gradient is None or not np.isfinite(step.gradient).all():
                continue
            for r in self._from_y_pred(step):
                back = self.gradient if r == -1 else self.steps[r].gradient
                if back is not None and not np.isfinite(back).all():
                    return step
        return None

    def _finite(self, i):
        value = self.steps[i].value
        return value is None or value.dtype.kind not in "fc" or bool(np.isfinite(value).all())

    # --- activations --------------------------------------------------------------------------

    def activated_twice(self):
        """The step that takes for logits what is a sigmoid or softmax already, or `None`."""
        for i in sorted(self._needed):
            if i < 0 or self.steps[i].word not in _OF_LOGITS:
                continue
            for r in self.steps[i].reads:
                for _ in range(12):
                    if r < 0 or r not in self._of_y_pred:
                        break
                    step = self.steps[r]
                    if step.word in _ACTIVATIONS:
                        return self.steps[i]
                    through = self._from_y_pred(step)
                    if step.word not in _THROUGH or len(through) != 1:
                        break
                    r = through[0]
        return None


def run_program(exam, y_true, y_pred, gradients=True, numbers=True):
    """The `Program` of one run of the loss on a batch, or `None` where it cannot be had.

    Args:
        exam: whose loss it is.
        y_true, y_pred: the batch.
        gradients: whether the gradient by each step is wanted.
        numbers: whether what each step gave is wanted; without, it is only traced.
    """
    from keras_losskit.doctor import tracers

    trace = getattr(tracers, f"of_{backend()}", None)
    if trace is None:
        return None
    found, error = attempt(
        trace, exam.runner._value, y_true, y_pred, exam.scan.sources, gradients, numbers)
    exam.state.settle()
    return None if error is not None else found
