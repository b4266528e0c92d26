"""How each backend's program is written down: its graph, its jaxpr, the calls that torch ran."""


import numpy as np
from keras import tree

from keras_losskit.doctor.program import Program, Step
from keras_losskit.doctor.running import tensor, to_numpy
from keras_losskit.doctor.source import is_foreign_file, line_at

_MOST = 4000  # Steps that are kept.


def _word(name):
    return name.replace("_", "").lower()


def _line(frames, sources):
    """The deepest of `(file, number)` that is in a file of the loss, else in one of a user's."""
    frames = list(frames)
    files = {source.file for source in sources}
    for file, number in frames:
        if file in files:
            return line_at(file, number)
    for file, number in frames:
        if not is_foreign_file(file):
            return line_at(file, number)
    return None


# --- torch: every call, as it runs -----------------------------------------------------------

_SKIPPED = {"__get__", "__set__", "dim", "size", "numel", "isfloatingpoint", "stride", "getdevice",
            "iscomplex", "retaingrad", "requiresgrad", "isinference", "register_hook"}


def of_torch(function, y_true, y_pred, sources, gradients=True, numbers=True):
    """Write down the calls of torch. What a step cut off is given a gradient of its own."""
    try:
        return _of_torch(function, y_true, y_pred, sources, gradients, mark=True)
    except Exception:  # noqa: BLE001  A number is asked for, or one written in place.
        return _of_torch(function, y_true, y_pred, sources, gradients, mark=False)


def _of_torch(function, y_true, y_pred, sources, gradients, mark):
    import sys

    import torch
    from torch.overrides import TorchFunctionMode

    p = tensor(y_pred).detach().clone().requires_grad_(True)
    steps, made, kept = [], {id(p): -1}, [p]
    moving = {-1}

    class Writes(TorchFunctionMode):
        def __torch_function__(self, called, types, args=(), kwargs=None):
            name = getattr(called, "__name__", str(called))
            word = _word(name.strip("_")) if name.startswith("__") else _word(name)
            out = called(*args, **(kwargs or {}))
            if name in _SKIPPED or word in _SKIPPED or len(steps) > _MOST:
                return out
            given = [x for x in tree.flatten((args, kwargs or {})) if isinstance(x, torch.Tensor)]
            if not given:
                return out
            if word == "setitem":
                out = given[0]
            ids = [made.get(id(x), -2) for x in given]
            outs = [x for x in tree.flatten(out) if isinstance(x, torch.Tensor)]
            leaves = not outs and word in ("numpy", "array", "item", "tolist", "float", "bool")
            if not outs and not leaves:
                return out
            frames, frame = [], sys._getframe(1)
            while frame is not None:
                frames.append((frame.f_code.co_filename, frame.f_lineno))
                frame = frame.f_back
            step = Step(word, _line(frames, sources), tuple(ids), twice=len(set(ids)) < len(ids))
            for x in outs or [None]:
                if x is not None and made.get(id(x)) is not None and word != "setitem":
                    continue  # Handed back as it is.
                n = len(steps)
                one = Step(step.word, step.line, step.reads, twice=step.twice)
                steps.append(one)
                depends = any(i in moving for i in ids)
                if depends:
                    moving.add(n)
                if x is None:
                    continue
                one.value = to_numpy(x).copy()
                kept.append(x)
                made[id(x)] = n
                if depends and x.is_floating_point() and gradients:
                    if mark and not x.requires_grad:
                        x.requires_grad_(True)
                    if x.requires_grad:
                        x.retain_grad()
            return None if word == "setitem" else out

    with Writes():
        value = function(tensor(y_true), p)
    if gradients and value.requires_grad:
        value.backward()
    for x in kept[1:]:
        if x.requires_grad and x.grad is not None:
            steps[made[id(x)]].gradient = to_numpy(x.grad)
    return Program(steps, made.get(id(value), -2), None if p.grad is None else to_numpy(p.grad))


# --- TensorFlow: the graph ------------------------------------------------------------------


def of_tensorflow(function, y_true, y_pred, sources, gradients=True, numbers=True):
    """Write down the graph, run it for the numbers, and differentiate by every tensor of it."""
    import tensorflow as tf

    noted = {}

    def traced(t, p):
        value = function(t, p)
        graph = tf.compat.v1.get_default_graph()
        operations = [o for o in graph.get_operations() if o.type not in ("Placeholder", "NoOp")]
        outs = [x for o in operations for x in o.outputs][:_MOST]
        plain = [x for x in outs if x.dtype.is_floating or x.dtype.is_integer or x.dtype.is_bool]
        floats = [x for x in plain if x.dtype.is_floating]
        found = [None] * (len(floats) + 1)
        if gradients:
            found = tf.gradients(value, [*floats, p])
        noted.update(outs=outs, plain=plain, value=value, p=p,
                     floats=[x for x, g in zip(floats, found, strict=False) if g is not None],
                     pull=found[-1] is not None)
        got = [tf.convert_to_tensor(g) for g in found if g is not None]
        return plain, got

    arrays = tensor(y_true), tensor(y_pred)
    graph = tf.function(traced, autograph=False).get_concrete_function(*arrays)
    plain, got = graph(*arrays) if numbers else ([None] * len(noted["plain"]), [])
    values = dict(zip([x.name for x in noted["plain"]], plain, strict=True)) if numbers else {}
    names = [x.name for x in noted["floats"]]
    back = dict(zip(names, got, strict=False))
    steps, made = [], {noted["p"].name: -1}
    for x in noted["outs"]:
        reads = tuple(made.get(i.name, -2) for i in x.op.inputs)
        frames = [(f.filename, f.lineno) for f in reversed(x.op.traceback or ())]
        step = Step(_word(x.op.type), _line(frames, sources), reads,
                    twice=len({i.name for i in x.op.inputs}) < len(x.op.inputs))
        if x.name in values:
            step.value = to_numpy(values[x.name])
        if x.name in back:
            step.gradient = to_numpy(back[x.name])
        made[x.name] = len(steps)
        steps.append(step)
    gradient = to_numpy(got[-1]) if noted["pull"] and got else None
    return Program(steps, made.get(noted["value"].name, -2), gradient)


# --- JAX: the jaxpr -----------------------------------------------------------------------------


def of_jax(function, y_true, y_pred, sources, gradients=True, numbers=True):
    """Run the jaxpr step by step; a 0 added to each result gives the gradient by it."""
    import jax
    from jax.extend.core import Literal

    closed = jax.make_jaxpr(function)(tensor(y_true), tensor(y_pred))
    steps, places = [], {}

    def walk(jaxpr, consts, arguments, origin, extra, values, path, outer=None):
        bound = {}

        def read(v):
            return v.val if isinstance(v, Literal) else bound[v][0]

        def place(v):
            return -2 if isinstance(v, Literal) else bound[v][1]

        for v, c in zip(jaxpr.constvars, consts, strict=True):
            bound[v] = c, -2
        for v, a, o in zip(jaxpr.invars, arguments, origin, strict=True):
            bound[v] = a, o
        for k, e in enumerate(jaxpr.eqns):
            given, ids = [read(v) for v in e.invars], tuple(place(v) for v in e.invars)
            inner = e.params.get("jaxpr") if e.primitive.name in ("pjit", "jit") else None
            if inner is not None:
                outs, numbers = walk(
                    inner.jaxpr, inner.consts, given, ids, extra, values, (*path, k),
                    of_equation(e) or outer)
                label = _word(str(e.params.get("name", "")))
                if label in ("softmax", "logsoftmax", "sigmoid", "logsigmoid", "clip"):
                    numbers = [note((*path, k, j), label, of_equation(e) or outer, ids, x, extra,
                                    values)
                               for j, x in enumerate(outs)]
                    outs = [n[1] for n in numbers]
                    numbers = [n[0] for n in numbers]
                for v, x, n in zip(e.outvars, outs, numbers, strict=True):
                    bound[v] = x, n
                continue
            how = e.primitive.get_bind_params(e.params)
            subfuns, params = how if isinstance(how, tuple) else ((), how)
            out = e.primitive.bind(*subfuns, *given, **params)
            outs = out if e.primitive.multiple_results else [out]
            for j, (v, x) in enumerate(zip(e.outvars, outs, strict=True)):
                n, x = note((*path, k, j), _word(e.primitive.name), of_equation(e) or outer, ids,
                            x, extra, values)
                bound[v] = x, n
        return [read(v) for v in jaxpr.outvars], [place(v) for v in jaxpr.outvars]

    def of_equation(e):
        """The line that an equation comes from; of what JAX keeps compiled, that of its call."""
        frames = getattr(getattr(e.source_info, "traceback", None), "frames", None) or ()
        return _line([(f.file_name, f.line_num) for f in frames], sources)

    def note(where, word, line, ids, x, extra, values):
        if where not in places:
            places[where] = len(steps)
            steps.append(Step(word, line, ids, twice=len(set(ids)) < len(ids)))
        n = places[where]
        if n in extra:
            x = x + extra[n]
        values[n] = x
        return n, x

    arrays = tensor(y_true), tensor(y_pred)

    def run(p, extra):
        values = {}
        outs, numbers = walk(
            closed.jaxpr, closed.consts, [arrays[0], p], [-2, -1], extra, values, ())
        return outs[0], (values, numbers[0])

    if not numbers:
        out = []
        jax.eval_shape(lambda p: out.append(run(p, {})[1][1]), arrays[1])
        _name_softmax(steps)
        return Program(steps, out[0], None)
    _, (values, out) = run(arrays[1], {})
    for n, x in values.items():
        steps[n].value = np.asarray(x) if str(x.dtype) != "bfloat16" else np.asarray(x, "float32")
    if len(steps) > _MOST:
        return None
    gradient = None
    if gradients:
        zeros = {n: 0 * jax.numpy.nan_to_num(x) for n, x in values.items()
                 if jax.numpy.issubdtype(x.dtype, jax.numpy.floating)}
        (gradient, back), _ = jax.grad(run, argnums=(0, 1), has_aux=True)(arrays[1], zeros)
        for n, g in back.items():
            steps[n].gradient = np.asarray(g)
        gradient = np.asarray(gradient)
    _name_softmax(steps)
    return Program(steps, out, gradient)


def _name_softmax(steps):
    """JAX writes a softmax out: exp over its own sum."""
    for i, step in enumerate(steps):
        if step.word != "div" or len(step.reads) != 2 or min(step.reads) < 0:
            continue
        top, below = step.reads
        for _ in range(4):
            if below >= 0 and steps[below].word in ("broadcastindim", "reducesum", "reshape"):
                below = steps[below].reads[0]
        if steps[top].word == "exp" and below == top:
            first = steps[top].reads[0]
            if first >= 0 and steps[first].word == "sub":  # The largest taken away first.
                first = steps[first].reads[0]
            steps[i] = Step("softmax", step.line, (first,), step.value, step.gradient)
