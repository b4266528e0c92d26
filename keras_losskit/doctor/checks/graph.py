"""Graph safety: does the loss trace and compile, and what happens only once?"""

import contextlib
import functools
import inspect
import re

import keras
import numpy as np

from keras_losskit.doctor import effects, running
from keras_losskit.doctor.check import first_line
from keras_losskit.doctor.given import whole
from keras_losskit.doctor.program import run_program
from keras_losskit.doctor.running import attempt, backend, tensor
from keras_losskit.doctor.source import line_of

_WHY = "`fit` compiles the loss: while that happens its tensors are symbols without values."
# kind of hazard: (name of the finding, what it is, the mend)
_CAUSES = {
    "keras-tensor": (
        "keras-tensor",
        "`{word}` is a KerasTensor, a symbol of a model's construction, captured by the loss",
        "Let a layer compute that part and add it with `self.add_loss(...)` in its `call`, or "
        "make the tensor an output of the model with a loss of its own.",
    ),
    "numpy": (
        "numpy-call", "`{word}` is NumPy and needs numbers",
        "Use the function of the same name in `keras.ops`.",
    ),
    "values": (
        "tensor-values", "`{word}` asks a tensor for its numbers",
        "Stay with tensors; to look at numbers use `keras_losskit.watch` or `explain`.",
    ),
    "float": (
        "python-number", "`{word}` makes a Python number of a tensor",
        "Leave it a tensor; `keras.ops.cast` changes its dtype.",
    ),
    "if": (
        "python-branch", "Python's `{word}` asks for the truth of a tensor",
        "Use `keras.ops.where(condition, a, b)`, or `keras.ops.cond`.",
    ),
    "loop": (
        "python-loop", "Python's `{word}` runs over a tensor",
        "Compute on the whole tensor at once, or use `keras.ops.vectorized_map` or `scan`.",
    ),
    "boolean": (
        "boolean-index", "`{word}` selects by a tensor of booleans, so the shape is unknown",
        "Keep the shape: multiply by the mask, or use `keras.ops.where(mask, x, 0)`.",
    ),
    "assign": (
        "assignment", "`{word}` assigns into a tensor",
        "Use `keras.ops.where` or `keras.ops.scatter_update`.",
    ),
    "static-batch": (
        "static-batch", "`{word}` is None while the batch size is unknown",
        "Use `keras.ops.shape(x)[0]`.",
    ),
}
_TEXTS = (
    ("KerasTensor", "keras-tensor"), ("numpy", "numpy"), ("Python `bool`", "if"),
    ("boolean value of traced", "if"), ("TracerBoolConversion", "if"),
    ("Iterating over a symbolic", "loop"), ("NonConcreteBoolean", "boolean"),
)


def check(exam):
    _traces(exam)
    _compiles_under_xla(exam)
    _captured(exam)
    effects.check(exam)
    _notes(exam)


def _traces(exam):
    sample = exam.sample
    gradient = exam.runner._gradient
    _, error = exam.attempt(running.trace, gradient, sample.y_true, sample.y_pred)
    if backend() == "torch":
        _would_not_trace(exam)
        return
    if error is None:
        batch = " with an unknown batch size" if backend() == "tensorflow" else ""
        exam.show(f"traces{batch}")
        return
    if backend() == "tensorflow":
        fixed = running.compiled(gradient)
        _, fixed_error = exam.attempt(
            fixed, running.tensor(sample.y_true), running.tensor(sample.y_pred)
        )
        if fixed_error is None and not exam.runner.eager:
            explain_error(exam, error, "static-batch")
            return
        error = fixed_error or exam.facts.get("trace error") or error
    exam.runner.eager = True
    explain_error(exam, error)


def explain_error(exam, error, kind=None):
    """Name the cause of an exception of the loss, with its line."""
    if "`call` returned" in str(error):
        name = "scalar" if "a scalar" in str(error) else "not-per-sample"
        exam.add(
            name, "error", first_line(error),
            "Weights and masks need one value per sample.",
            "Reduce over the last axis alone: `axis=-1`.",
            exam.line_of("average") if name == "scalar" else None,
        )
        return
    line = line_of(error, exam.scan.sources)
    # torch knows the size of every batch.
    causes = [c for c in _CAUSES if c != "static-batch" or backend() != "torch"]
    hazards = exam.scan.at(line, *causes) or (exam.scan.of(kind) if kind else [])
    if not hazards:
        text = f"{type(error).__name__} {error}"
        guess = next((k for t, k in _TEXTS if t in text), None)
        hazards = exam.scan.of(guess) if guess else []
        if guess == "keras-tensor" and not hazards:
            name, _, mend = _CAUSES[guess]
            exam.add(name, "error", f"it holds a symbol of a model ({first_line(error)})", _WHY,
                     mend, line)
            return
    if kind:
        hazards = [h for h in hazards if h.kind == kind] or hazards
    said = f"{type(error).__name__}: {first_line(error)}"
    if hazards:
        h = hazards[0]
        name, seen, mend = _CAUSES[h.kind]
        exam.add(name, "error", f"{seen.format(word=h.word)} ({said})", _WHY, mend, h.line)
        return
    if written_for_another(exam, said) or numpy_meets_a_tensor(exam, error):
        return
    if reversed_arguments(exam) and not exam.runner.eager:
        say_reversed(exam)
        return
    if _takes_no_weights(exam):
        exam.add(
            "weights-raise", "error", f"its `__call__` takes no sample_weight ({said})",
            "Keras hands every loss y_true, y_pred and sample_weight, which is None without "
            "weights: `fit` raises.",
            "Write `call(y_true, y_pred)` and leave `__call__` to the base class; or take "
            "`sample_weight=None`.", line,
        )
        return
    if kind == "static-batch":
        exam.add(
            "static-batch", "error", f"it does not trace with an unknown batch size ({said})",
            "`fit` and `predict` trace once for batches of every size; the last is often smaller.",
            "Use `keras.ops.shape(x)[0]` for the batch size.", line,
        )
        return
    if exam.runner.eager:
        exam.add("does-not-trace", "error", f"it runs eagerly but does not compile ({said})", _WHY,
                 "Use `keras.ops` on tensors throughout.", line)
    elif (returned := _returns_no_tensor(exam)) is not None:
        exam.add("raises", "error", returned[0], "It gives no number at all.", returned[1], line)
    elif "required positional argument" in said:
        exam.add("raises", "error", f"it cannot be called with (y_true, y_pred) ({said})",
                 "Keras hands a loss two tensors, and nothing else.",
                 "Give the others by `functools.partial`, or make them options: "
                 "`@keras_losskit.loss(package=...)`.", line)
    elif exam.sample.guessed and type(error).__name__ not in _OF_THE_CODE and (
        line is None or not line.text.strip().startswith("raise ")
    ):
        exam.add("no-data", "error", f"no made data fits it: on {exam.sample} it raises ({said})",
                 "It was not examined.",
                 "Give data it is made for: y_true=, y_pred=, or a hint in `shapes`.", line)
    else:
        mend = "Give data it is made for: y_true=, y_pred=, or a hint in `shapes`."
        if exam.sample.given and _takes_rows(exam):
            mend = (
                "y_true may hold class ids: take a sparse loss, which reads them, or give "
                "`keras.ops.one_hot(y_true, C)`."
            )
        exam.add("raises", "error", f"it raises on {exam.sample} ({said})",
                 "It gives no number at all here.", mend, line)


def _takes_no_weights(exam):
    """Whether a loss with a `__call__` of its own runs without weights, and cannot be given any."""
    if exam.subject.function is not None:
        return False
    batch = tensor(exam.sample.y_true), tensor(exam.sample.y_pred)
    try:
        inspect.signature(exam.subject.loss).bind(*batch, None)
    except TypeError:
        return exam.attempt(exam.subject.loss, *batch)[1] is None
    return False


def _takes_rows(exam):
    """Whether y_true may hold class ids, and the loss runs on the rows that they stand for."""
    t, p = exam.sample.y_true, exam.sample.y_pred
    if p.ndim < 2 or t.size * p.shape[-1] != p.size or not whole(t):
        return False
    count = p.shape[-1]
    rows = np.eye(count, dtype="float32")[t.reshape(p.shape[:-1]).astype(int) % count]
    return exam.run("value", rows, p)[1] is None


# What raises these does so on any data.
_OF_THE_CODE = {"NameError", "UnboundLocalError", "AttributeError", "KeyError", "ImportError",
                "ModuleNotFoundError", "NotImplementedError", "TypeError"}


def _returns_no_tensor(exam):
    """`(in words, mend)` of a function that returns no tensor; `None` where it does."""
    function, sample = exam.subject.function, exam.sample
    if function is None:
        return None
    found, error = attempt(function, tensor(sample.y_true), tensor(sample.y_pred))
    if error is not None:
        return None
    if found is None:
        return "it returns None", "End it with `return`: a function without one returns None."
    if callable(found) and not hasattr(found, "shape"):
        return ("it returns a function: it makes losses, and is none",
                "Call it with its options, and give Keras what it returns.")
    if isinstance(found, (tuple, list, dict)):
        return (f"it returns a {type(found).__name__} of {len(found)}",
                "Return one tensor: the value per sample. Other numbers belong into metrics.")
    return None


def numpy_meets_a_tensor(exam, error):
    """Say that an array of NumPy is combined with a tensor, which torch refuses."""
    text = str(error)
    if "numpy() on Tensor" not in text and "'numpy.ndarray' and 'Tensor'" not in text:
        return False
    line = line_of(error, exam.scan.sources)
    named = exam.scan.at(line, "numpy", "values")
    what = f"`{named[0].word}` needs numbers" if named else "an array of NumPy meets a tensor"
    exam.add(
        "numpy-call", "error", f"{what} ({type(error).__name__}: {first_line(error)})",
        "torch cannot take the gradient through NumPy.",
        "Use the function of the same name in `keras.ops`; make a tensor of an array by "
        "`ops.convert_to_tensor(array, dtype=y_pred.dtype)` before it meets one.", line,
    )
    return True


def written_for_another(exam, said):
    """Say that the loss is written for another backend, where its source is."""
    foreign = [h for h in exam.scan.of("backend") if h.word != backend()]
    if foreign:
        exam.add(
            "other-backend", "error",
            f"it is written for {foreign[0].word} and could not run on this backend, "
            f"{backend()} ({said})",
            "Keras hands a loss the tensors of the running backend.",
            "Write it in `keras.ops`, which runs on every backend.", foreign[0].line,
        )
    return bool(foreign)


def _would_not_trace(exam):
    """torch runs eagerly: what the other backends would refuse is seen in the source."""
    asked = exam.scan.of(*_ASKED) and _asked(exam)
    for h in exam.scan.of("numpy", "values", "float", *_ASKED):
        if not h.sure or (h.kind in _ASKED and not asked(h)):
            continue
        name, seen, mend = _CAUSES[h.kind]
        exam.add(
            name, "warning", f"{seen.format(word=h.word)}; it works on torch alone",
            "TensorFlow and JAX compile the loss, and torch's gradient ends at such a line.",
            mend, h.line,
        )


_ASKED = {"if": "bool", "loop": "unbind"}  # What torch runs there.
_APART = re.compile(r"\b(unstack|unbind|t?split|tensor_split|chunk)\b")  # A list of tensors.


def _asked(exam):
    """`asked(hazard)`: whether a tensor was asked for its truth, or its rows, there, in a run.

    The source does not tell what a method of tensors returns.
    """
    ran = run_program(exam, exam.sample.y_true, exam.sample.y_pred, False, numbers=False)
    if ran is None:
        return lambda h: h.kind == "if"
    steps = [s for s in ran.steps if s.word == "unbind" or (s.word == "bool" and s.value is None)]

    def at(step, line):
        where = step.line
        near = 0 if step.word == "unbind" else 2  # Lists may be made above the loop.
        return where is None or (where.file == line.file and abs(where.line - line.line) <= near)

    def asked(h):
        if h.kind == "loop" and _APART.search(h.line.text):
            return False
        return any(s.word == _ASKED[h.kind] and at(s, h.line) for s in steps)

    return asked


def _compiles_under_xla(exam):
    if backend() != "tensorflow" or exam.quick or exam.runner.eager:
        return
    sample = exam.sample
    xla = running.compiled(exam.runner._gradient, xla=True)
    arrays = running.tensor(sample.y_true), running.tensor(sample.y_pred)
    found, error = exam.attempt(xla, *arrays)
    if error is None:
        exam.facts["xla"] = xla
        exam.show("compiles under XLA")
        return
    used = _keras_uses_xla()
    exam.add(
        "no-xla", "error" if used else "info",
        f"XLA cannot compile it ({type(error).__name__}: {first_line(error)})",
        "Keras compiles with XLA by default (jit_compile='auto'), so `fit` would raise."
        if used else "Here Keras does not use XLA; where it does, `fit` raises.",
        "Use operations of fixed shape; or compile(..., jit_compile=False), which is slower.",
        line_of(error, exam.scan.sources) or exam.line_of("boolean"),
    )


@functools.cache
def _keras_uses_xla():
    """Whether `compile` chooses XLA on this machine."""
    x = keras.Input((1,), name="x")  # Named, and without weights: it takes no seed.
    model = keras.Model(x, x, name="probe")
    model.compile(loss="mse")
    return model.jit_compile is not False


def _captured(exam):
    _swapped(exam)
    for h in exam.scan.of("keras-tensor"):
        name, seen, mend = _CAUSES[h.kind]
        if not any(f.name == name for f in exam.findings):
            exam.add(name, "error", seen.format(word=h.word), _WHY, mend, h.line)
    for h in exam.scan.of("boolean"):
        if not any(f.name == "boolean-index" for f in exam.findings):
            name, seen, mend = _CAUSES[h.kind]
            exam.add(
                name, "warning", seen.format(word=h.word),
                "JAX refuses it, XLA may, and the mean is over another number in every batch.",
                mend, h.line,
            )
    _activated_twice(exam)
    named = {h.word for h in exam.scan.of("variable")}
    trained = [name for name, v in exam.state.variables.items() if v.trainable]
    trained += exam.state.parameters
    held = [name for name in trained if name not in named and "." not in name]
    if held:
        exam.add(
            "untrained-variable", "warning",
            f"`{held[0]}` is a trainable variable that the loss holds",
            "`fit` trains the model's variables alone: it stays where it is, on JAX as a constant "
            "of the compiled step.",
            "Let a layer of the model hold it (`keras_losskit.LearnedWeights` for weights of "
            "terms), or create it with trainable=False.",
        )
    inner = [name for name in trained if "." in name]
    if inner and not held and not exam.subject.of_kit:
        exam.add(
            "untrained-variable", "info",
            f"`{inner[0]}`, of a layer inside the loss, is trainable, and `fit` never moves it",
            "Right for a network that only compares features; centres or weights that should be "
            "learned stay where they are.",
            "Set the network's `trainable = False` to say so; what should be learned belongs into "
            "a layer of the model, which hands it over in y_pred.",
        )
    for h in exam.scan.of("variable"):
        exam.add(
            "captured-variable", "warning", f"`{h.word}` is a keras.Variable that no model tracks",
            "On JAX its value is frozen when the step is traced, and nothing trains it.",
            "Put it into a layer of the model, or make it an option of the loss.", h.line,
        )


def _activated_twice(exam):
    """Note a sigmoid or softmax of what is one already, in the program or in the source."""
    if exam.subject.of_kit or exam.subject.of_keras:
        return
    found = [(h.word, h.line) for h in exam.scan.of("activation-twice")]
    if not found and not exam.runner.eager:
        ran = run_program(exam, exam.sample.y_true, exam.sample.y_pred, False, numbers=False)
        step = ran.activated_twice() if ran is not None else None
        found = [(step.spoken.strip("`"), step.line)] if step is not None else []
    for word, line in found[:1]:
        exam.add(
            "activation-twice", "error",
            f"`{word}` is given what went through a sigmoid or softmax already",
            "The probabilities are squeezed once more: the loss cannot reach 0, and gradients "
            "fade.",
            "Hand it the logits, or say `from_logits=False`.", line,
        )


def _swapped(exam):
    """Note a call that gives another loss its arguments the other way round."""
    for h in exam.scan.of("swapped")[:1]:
        exam.add(
            "perfect-not-least", "error",
            f"`{h.word}` takes (y_true, y_pred) and is given y_pred and y_true",
            "It is another loss, whose least value is not at the targets.",
            "Give y_true first, as Keras' losses take it.", h.line,
        )
    if not reversed_arguments(exam) or any(f.name == "perfect-not-least" for f in exam.findings):
        return
    sample = exam.sample
    here, error = exam.run("value", sample.y_true, sample.y_pred)
    there, other = exam.run("value", sample.y_pred, sample.y_true)
    if error is None and other is None and np.isclose(here, there, rtol=1e-4):
        return
    say_reversed(exam)


_PREDICTION = {"input", "inputs", "pred", "preds", "prediction", "predictions", "predicted",
               "y_pred", "y_hat", "yhat", "output", "outputs", "logits", "y_score"}
_TARGET = {"target", "targets", "y_true", "true", "truth", "label", "labels", "gt",
           "ground_truth", "y"}


def reversed_arguments(exam):
    """`(first, second)` where a function says that it takes the prediction first, or `None`."""
    function = exam.subject.function
    if function is None or exam.subject.of_keras:
        return None
    of_torch = any(c.__module__.startswith("torch.nn") for c in type(function).__mro__)
    with contextlib.suppress(TypeError, ValueError):
        signature = inspect.signature(type(function).forward if of_torch else function)
        first, second = [p for p in signature.parameters if p != "self"][:2]
        if (of_torch or first.lower() in _PREDICTION) and second.lower() in _TARGET:
            return first, second
    return None


def say_reversed(exam):
    """Note arguments that come the other way round."""
    function = exam.subject.function
    module = type(function).__module__ if not hasattr(function, "__name__") else (
        function.__module__ or "")
    name = getattr(function, "__name__", type(function).__name__)
    shown = f"torch.nn.{name}" if module.startswith("torch.nn") and name[:1].isupper() else name
    called = f"{name}()" if shown != name else name
    first, second = reversed_arguments(exam)
    exam.add(
        "arguments-reversed", "error",
        f"{shown} takes ({first}, {second}); Keras calls a loss with (y_true, y_pred)",
        "The targets are taken for the predictions.",
        f"Write `def loss(y_true, y_pred): return {called}(y_pred, y_true)`.",
        exam.scan.sources[0].line(exam.scan.sources[0].node) if exam.scan.sources else None,
    )


def _notes(exam):
    for h in exam.scan.of("inner-function"):
        exam.add(
            "inner-function", "info", f"`{h.word}` inside a loss buys nothing",
            "`fit` compiles the whole step, the loss within it.", "Leave it out.", h.line,
        )
    for h in exam.scan.of("tape"):
        exam.add(
            "inner-tape", "info", f"the `{h.word}` inside the loss buys nothing",
            "`fit` takes the gradient of what the loss returns.", "Leave it out.", h.line,
        )
