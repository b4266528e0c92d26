"""What a loss does besides giving a value: what it changes, remembers, prints or draws."""

import numpy as np

from keras_losskit.doctor.running import Runner, attempt, backend, tensor, to_numpy


def check(exam):
    """Note what happens beside the value."""
    _writes_into_data(exam)
    _effects(exam)


_TRACED = "when the step is traced: once, not once a batch"


def _effects(exam):
    stateful, eager = _state(exam), backend() == "torch"
    effects = [] if stateful else exam.scan.of("effect")
    words = list(dict.fromkeys(h.word for h in effects))
    if words:
        exam.add(
            "side-effect", "warning",
            f"{' and '.join(f'`{w}`' for w in words)} "
            f"run{'s' if len(words) == 1 else ''} {'in every call' if eager else _TRACED}",
            "`evaluate` and every metric call it too, and lists grow for as long as it trains; "
            "compiled, it happens once." if eager else
            "Counters stay at 1 and lists hold symbols, without an error.",
            "Return the number as a metric or a callback's log; to look at tensors use "
            "`keras_losskit.watch`.", effects[0].line,
        )
    for h in exam.scan.of("python-random")[:1]:
        exam.add(
            "frozen-random", "warning" if eager else "error",
            f"`{h.word}` draws outside of the backend: compiled, once for all batches" if eager
            else f"`{h.word}` draws once, when the step is traced: every batch gets the same "
            "numbers",
            "What was meant to be random is a constant of the compiled program.",
            "Use `keras.random` with a `keras.random.SeedGenerator`.", h.line,
        )
    for h in exam.scan.of("fixed-seed")[:0 if exam.subject.of_kit else 1]:
        exam.add(
            "frozen-random", "warning",
            f"`{h.word}` draws the same numbers for every batch: its seed is a number",
            "Right for a projection that is to stay; what was meant to be random is a constant.",
            "Use a `keras.random.SeedGenerator` that a layer of the model owns.", h.line,
        )
    for h in exam.scan.of("random")[:1]:
        exam.add(
            "random-state", "warning", f"`{h.word}` draws from a hidden state",
            "Equal inputs give different losses, and no seed of yours makes a run repeatable.",
            "Give it `seed=`, a `keras.random.SeedGenerator` that a layer of the model owns.",
            h.line,
        )


def _writes_into_data(exam):
    """Note a loss that changes the batch it is given; tensors of torch alone let it."""
    if backend() != "torch":
        return
    arrays = exam.sample.y_true, exam.sample.y_pred
    given = [tensor(x) for x in arrays]
    exam.attempt(exam.runner._value, *given)
    for name, x, was in zip(("y_true", "y_pred"), given, arrays, strict=True):
        if not np.array_equal(to_numpy(x), was, equal_nan=was.dtype.kind == "f"):
            exam.add(
                "changes-data", "error", f"it changes {name} in place: after one call it holds "
                "other numbers",
                "The metrics, the other losses and the next epoch see the changed numbers; "
                "TensorFlow and JAX refuse to write into a tensor.",
                "Use `keras.ops.where` or `keras.ops.scatter_update`, which make a new tensor.",
                exam.line_of("assign"),
            )


def _state(exam):
    """Note that the loss remembers, once; return whether it does."""
    if exam.scan.of("random", "python-random"):
        return False
    moved = [name for name in exam.state.moved if name]
    a, b = _twice(exam)
    differ = a is not None and a == a and b == b and abs(a - b) > 1e-6 * abs(a)
    if not moved and not differ:
        return False
    what = f"it changes `{moved[0]}` whenever it is called" if moved else ""
    values = (
        f"two calls on the same batch, one on another between them, give {a:.6g} and {b:.6g}"
        if differ else ""
    )
    frozen = backend() == "jax" or not moved
    exam.add(
        "hidden-state", "error" if frozen else "warning",
        ": ".join(x for x in (what, values) if x),
        "What it gives depends on which batches came before." if backend() == "torch" and frozen
        else "The compiled step keeps what it saw at its trace." if frozen else
        "`evaluate` moves it too, every metric and every look at the loss does, and on JAX the "
        "step's trace leaves a symbol in it.",
        "Keep no state in a loss: let a layer of the model hold it and hand it over in y_pred.",
        exam.line_of("assigned", "effect"),
    )
    return True


def _twice(exam):
    """The values of two calls, and nothing put back: between them another batch is seen, for
    what moves towards one batch is not moved by the same again."""
    runner, t, p = Runner(exam.subject), exam.sample.y_true, exam.sample.y_pred
    other = np.broadcast_to(p[:1], p.shape)
    found = [attempt(runner.eagerly, "value", t, x) for x in (p, other, p)]
    exam.state.restore()
    first, _, last = found
    if first[1] is not None or last[1] is not None:
        return None, None
    return float(first[0]), float(last[0])
