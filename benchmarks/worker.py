"""A process that compiles and runs losses when asked: one line of JSON in, one out.

One worker per backend, and one in the peers' environment. The caller asks them
in turn, so that candidates alternate even where they live in different processes.

    python -m benchmarks.worker          serve
    python -m benchmarks.worker --check  say which peers can be imported
"""

import dataclasses
import hashlib
import importlib
import importlib.metadata
import json
import os
import sys
import traceback

import numpy as np

from benchmarks import cases, engines, inputs


class Worker:
    def __init__(self):
        self.engines = {}
        self.steps = {}
        self.tensors = {}

    def engine(self, name):
        if name not in self.engines:
            self.engines[name] = engines.make(name)
        return self.engines[name]

    def hello(self):
        """Versions of what runs here."""
        backend = os.environ.get("KERAS_BACKEND")
        names = (backend,) if backend else ("tensorflow", *cases.LIBRARIES)
        packages = importlib.metadata.packages_distributions()
        found = {}
        for name in (*names, "keras", "numpy"):
            package = packages.get(cases.MODULES.get(name, name))
            if package:
                found[name] = importlib.metadata.version(package[0])
        return {"versions": found}

    def has(self, losses):
        kit = importlib.import_module("keras_losskit")
        return {"losses": [name for name in losses if hasattr(kit, name)]}

    def prepare(self, key, engine, case, source, shape, options=None):
        """Compile one candidate; its value, its gradient's length, and the times."""
        loss, kind = self.candidate(case, source, options or {})
        return self._prepare(key, engine, loss, kind, shape)

    def program(self, engine, case, source, shape):
        """A word for what a candidate is compiled to, the same for the same program."""
        loss, kind = self.candidate(case, source)
        maker = self.engine(engine)
        program = maker.program(loss, *self.given(maker, engine, kind, shape)[1])
        return {"program": program and hashlib.sha256("\n".join(program).encode()).hexdigest()}

    def candidate(self, case, source, options=()):
        """The loss, with some `options` of its own, and what it is given."""
        case = cases.all_cases()[case]
        case = dataclasses.replace(case, options={**case.options, **dict(options)})
        native = source in cases.native.MODULES
        load = cases.native.load if native else importlib.import_module
        loss = case.sources()[source](load(source if native else cases.MODULES[source]))
        return loss, case.inputs

    def prepare_sum(self, key, engine, source, terms, shape):
        from benchmarks import combined

        loss = combined.total(source, terms)
        return self._prepare(key, engine, loss, "ids_logits", shape)

    def watch(self, engine):
        """The operations of a compiled loss without `watch`, and with it."""
        import keras

        kit = importlib.import_module("keras_losskit")

        def plain(y, p):
            return keras.ops.mean(keras.ops.square(y - p))

        def watched(y, p):
            return keras.ops.mean(keras.ops.square(kit.watch("error", y - p)))

        maker = self.engine(engine)
        arrays = maker.tensors(inputs.make("regression", (64, 8)))
        return {f.__name__: maker.operations(f, *arrays) for f in (plain, watched)}

    def prepare_step(self, key, engine, model, loss, size):
        from benchmarks import training_step

        step, seconds = training_step.make(model, loss, size)
        self.steps[key] = engine, step
        return {"trace_ms": None, "compile_ms": 1e3 * seconds, "value": step()}

    def _prepare(self, key, engine, loss, kind, shape):
        maker = self.engine(engine)
        arrays, tensors = self.given(maker, engine, kind, shape)
        before = engines.reset_high_water()
        step, (value, gradient), (trace, compiling) = maker.compile(loss, *tensors)
        self.steps[key] = engine, step
        gradient = np.asarray(gradient, dtype="float64")
        return {
            "value": float(value),
            "gradient": float(np.sqrt(np.sum(gradient**2))),
            "trace_ms": 1e3 * trace,
            "compile_ms": 1e3 * compiling,
            "bytes": sum(x.nbytes for x in arrays) + arrays[1].nbytes,
            "first_mib": maker.first_mib(before),
        }

    def given(self, maker, engine, kind, shape):
        """The inputs, the same tensors for all: where they lie in memory shows in the times."""
        key = engine, kind, tuple(shape)
        if key not in self.tensors:
            arrays = inputs.make(kind, shape)
            self.tensors[key] = arrays, maker.tensors(arrays)
        return self.tensors[key]

    def prepare_floor(self, key, engine, n_bytes):
        self.steps[key] = engine, self.engine(engine).copy(n_bytes)
        return {}

    def run(self, key, repeat=1):
        engine, step = self.steps[key]
        return {"ms": self.engine(engine).milliseconds(step, repeat)}

    def memory(self, key):
        engine, step = self.steps[key]
        return {"mib": self.engine(engine).peak_mib(step)}

    def drop(self):
        self.steps.clear()
        self.tensors.clear()
        return {}


def check():
    os.environ.setdefault("SM_FRAMEWORK", "tf.keras")
    for name in cases.LIBRARIES:
        module = importlib.import_module(cases.MODULES[name])
        print(name, getattr(module, "__version__", "without a version"))


def serve():
    # Libraries print when they are imported; the answers have a channel of their own.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    # Some peers need B³ memory: where it runs out, this process is to end and no other.
    if os.path.exists("/proc/self/oom_score_adj"):
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
    worker = Worker()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(worker, request.pop("do"))(**request)
        except Exception as error:
            traceback.print_exc()
            lines = [line for line in f"{type(error).__name__}: {error}".splitlines() if line]
            answer = {"error": " ".join(dict.fromkeys((lines[0], lines[-1].strip())))[:300]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    check() if "--check" in sys.argv else serve()
