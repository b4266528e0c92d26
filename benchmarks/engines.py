"""Value and gradient of a loss, compiled as `fit` compiles it; one class an engine.

Neither Keras nor this package is imported here: the peers' environment uses the
same code, with its own TensorFlow.
"""

import ctypes
import gc
import os
import re
import time

import numpy as np

BACKENDS = {
    "tf-xla": "tensorflow",
    "tf-graph": "tensorflow",
    "jax": "jax",
    "torch": "torch",
    "torch-compile": "torch",
}


def make(engine):
    backend = BACKENDS[engine]
    if backend == "tensorflow":
        return TensorFlow(xla=engine == "tf-xla")
    return Jax() if backend == "jax" else Torch(compiled=engine == "torch-compile")


class Engine:
    """Compiles losses to steps; a step is a function without arguments that waits for its end."""

    def tensors(self, arrays):
        return [self.tensor(x) for x in arrays]

    def milliseconds(self, step, repeat):
        start = time.perf_counter()
        for _ in range(repeat):
            step()
        return 1e3 * (time.perf_counter() - start) / repeat

    def peak_mib(self, step):
        """Memory that one step takes above what was held before, by the process's high water.

        `None` where the system does not tell it (only Linux does).
        """
        before = reset_high_water()
        if before is None:
            return None
        step()
        return above(before)

    def first_mib(self, before):
        """What compiling and the first step took, where `peak_mib` cannot tell; else `None`."""
        return None

    def operations(self, loss, y_true, y_pred):
        """The kinds of operation in the compiled value and gradient; `None` if unknown."""
        program = self.program(loss, y_true, y_pred)
        return program and [kind for line in program for kind in _kind(line)]

    def program(self, loss, y_true, y_pred):
        """Its compiled value and gradient, a line an operation, without what the source's names
        and places decide; `None` if unknown. Two losses of one program differ in no time."""
        return None

    def copy(self, n_bytes):
        """A step that streams `n_bytes`: it reads one half and writes the other."""
        source = np.ones(max(n_bytes // 2, 1), dtype="uint8")
        target = np.zeros_like(source)
        return lambda: np.copyto(target, source)


class TensorFlow(Engine):
    def __init__(self, xla):
        import tensorflow as tf

        self.tf, self.xla = tf, xla
        self.tensor = tf.constant

    def function(self, loss, signature=None):
        tf = self.tf

        @tf.function(jit_compile=self.xla, input_signature=signature)
        def value_and_gradient(y, p):
            with tf.GradientTape() as tape:
                tape.watch(p)
                value = loss(y, p)
            return value, tape.gradient(value, p)

        return value_and_gradient

    def compile(self, loss, y_true, y_pred):
        """A step, what it computes, and the seconds of tracing and of compiling."""
        # As in `fit`, the graph does not know the size of the batch.
        value_and_gradient = self.function(
            loss,
            [self.tf.TensorSpec([None, *x.shape[1:]], x.dtype) for x in (y_true, y_pred)],
        )
        start = time.perf_counter()
        concrete = value_and_gradient.get_concrete_function()
        traced = time.perf_counter()
        result = value_and_gradient(y_true, y_pred)
        float(result[0])
        seconds = traced - start, time.perf_counter() - traced
        del concrete
        return (
            lambda: float(value_and_gradient(y_true, y_pred)[0]),
            [x.numpy() for x in result],
            seconds,
        )

    def peak_mib(self, step):
        return None  # Its allocator keeps what it frees: the high water does not move.

    def first_mib(self, before):
        return None if before is None else above(before)

    def program(self, loss, y_true, y_pred):
        value_and_gradient = self.function(loss)
        if self.xla:
            compiled = value_and_gradient.experimental_get_compiler_ir(y_true, y_pred)
            return _nameless(compiled(stage="optimized_hlo"))
        graph = value_and_gradient.get_concrete_function(y_true, y_pred).graph
        place, lines = {}, []
        for operation in graph.get_operations():
            attributes = sorted(operation.node_def.attr.items())
            told = [f"{key}={value}" for key, value in attributes if not key.startswith("_")]
            inputs = [place[x.name] for x in operation.inputs]
            lines.append(f"= _ {operation.type.lower()}({inputs}) {told}")
            place.update({x.name: (len(lines), i) for i, x in enumerate(operation.outputs)})
        return lines


class Jax(Engine):
    """Runs on the accelerator if JAX has one."""

    def __init__(self):
        import jax

        self.jax, self.tensor = jax, jax.numpy.asarray
        self.device = jax.devices()[0]

    def function(self, loss):
        return self.jax.jit(self.jax.value_and_grad(lambda p, y: loss(y, p)))

    def compile(self, loss, y_true, y_pred):
        jax, function = self.jax, self.function(loss)
        start = time.perf_counter()
        lowered = function.lower(y_pred, y_true)
        traced = time.perf_counter()
        compiled = lowered.compile()
        seconds = traced - start, time.perf_counter() - traced
        result = jax.block_until_ready(compiled(y_pred, y_true))
        return (
            lambda: jax.block_until_ready(function(y_pred, y_true)),
            [np.asarray(x) for x in result],
            seconds,
        )

    def program(self, loss, y_true, y_pred):
        return _nameless(self.function(loss).lower(y_pred, y_true).compile().as_text())

    def peak_mib(self, step):
        if self.device.platform == "cpu":
            return super().peak_mib(step)
        return self.device.memory_stats()["peak_bytes_in_use"] / 2**20  # Of the whole process.

    def copy(self, n_bytes):
        if self.device.platform == "cpu":
            return super().copy(n_bytes)
        source = self.jax.numpy.ones(max(n_bytes // 2, 1), dtype="uint8")
        copy = self.jax.jit(lambda x: x + 1)  # A plain identity would not be computed.
        return lambda: self.jax.block_until_ready(copy(source))


class Torch(Engine):
    """Runs on the device on which Keras puts its tensors, timed there by events."""

    def __init__(self, compiled):
        import torch

        self.torch, self.compiled = torch, compiled
        self.device = "cuda" if torch.cuda.is_available() else "cpu"

    def tensor(self, x):
        return self.torch.as_tensor(x, device=self.device)

    def compile(self, loss, y_true, y_pred):
        torch = self.torch
        if self.compiled:
            torch.compiler.reset()
            loss = torch.compile(loss)
        p = y_pred.clone().requires_grad_()

        def step():
            value = loss(y_true, p)
            (gradient,) = torch.autograd.grad(value, p)
            return value, gradient

        start = time.perf_counter()
        result = step()
        arrays = [x.detach().cpu().numpy() for x in result]
        return step, arrays, (0.0, time.perf_counter() - start)

    def milliseconds(self, step, repeat):
        if self.device == "cpu":
            return super().milliseconds(step, repeat)
        cuda = self.torch.cuda
        first, last = cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
        cuda.synchronize()
        first.record()
        for _ in range(repeat):
            step()
        last.record()
        cuda.synchronize()
        return first.elapsed_time(last) / repeat

    def peak_mib(self, step):
        if self.device == "cpu":
            return super().peak_mib(step)
        cuda = self.torch.cuda
        cuda.synchronize()
        cuda.reset_peak_memory_stats()
        before = cuda.memory_allocated()
        step()
        cuda.synchronize()
        return (cuda.max_memory_allocated() - before) / 2**20

    def copy(self, n_bytes):
        if self.device == "cpu":
            return super().copy(n_bytes)
        source = self.torch.ones(max(n_bytes // 2, 1), dtype=self.torch.uint8, device="cuda")
        target = self.torch.empty_like(source)
        return lambda: target.copy_(source)


def reset_high_water():
    """Sets the process's high water of memory to what is held now, in KiB; `None` off Linux."""
    if not os.path.exists("/proc/self/clear_refs"):
        return None
    gc.collect()
    _trim()
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return _status("VmRSS")


def above(before):
    """MiB by which the high water has risen since."""
    return max(_status("VmHWM") - before, 0) / 1024


def _kind(line):
    """The kind of an operation, in a list of one; an empty list for a line that is none."""
    return re.findall(r"= \S+ ([a-z][a-z0-9_-]*)\(", line)


def _nameless(hlo):
    """XLA's program, its values numbered in the order in which they come up."""
    number = {}
    text = re.sub(r",? ?(metadata=\{[^}]*\}|stack_frame_id=\d+)", "", hlo)
    lines = [line.strip() for line in text.splitlines() if " = " in line]
    return [
        re.sub(r"%[\w.-]+", lambda name: f"%{number.setdefault(name[0], len(number))}", line)
        for line in lines
    ]


def _status(field):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field))


def _trim():
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # Else freed memory counts as held.
    except (OSError, AttributeError):
        pass
