"""Peak memory and time of `LinearCrossentropy` against the size of the vocabulary, next to the
dense loss: value, and gradients by the hidden states and the kernel.

Each measurement is a process of its own, and its peak is the process's, less what it held
before there were any data: imports, and a compiled step of a few numbers.

    python -m benchmarks.vocabulary                       the table
    python -m benchmarks.vocabulary --engines jax --tokens 16384 --sizes 131072 --losses kit
"""

import argparse
import json
import os
import subprocess
import sys
import time

from benchmarks.engines import BACKENDS

DIMENSIONS = 256
SIZES = (1024, 4096, 16384, 65536, 262144)


def peak_mib():
    """The most that this process has ever held."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024


def loss_of(kind):
    """A function of hidden states, a kernel and ids."""
    from keras import ops

    from keras_losskit.training.linear_crossentropy import token_crossentropies

    def kit(hidden, kernel, ids):
        values = token_crossentropies(
            hidden, kernel, ids, by_rows=False, chunk_size=256, z_loss=0.0,
            label_smoothing=0.0, soft_cap=None, dtype="float32",
        )
        return ops.sum(values) / values.shape[0]

    def dense(hidden, kernel, ids):
        values = ops.sparse_categorical_crossentropy(ids, hidden @ kernel, from_logits=True)
        return ops.sum(values) / values.shape[0]

    return {"kit": kit, "dense": dense}[kind]


def compiled(engine, loss):
    """A function that returns the value and both gradients, and waits for them."""
    if BACKENDS[engine] == "tensorflow":
        import tensorflow as tf

        @tf.function(jit_compile=engine == "tf-xla", autograph=False)
        def step(hidden, kernel, ids):
            with tf.GradientTape() as tape:
                tape.watch([hidden, kernel])
                value = loss(hidden, kernel, ids)
            return value, tape.gradient(value, [hidden, kernel])

        return lambda *x: [step(*x)[0].numpy()]
    if BACKENDS[engine] == "jax":
        import jax

        step = jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))
        return lambda *x: jax.block_until_ready(step(*x))
    import torch

    def step(hidden, kernel, ids):
        hidden, kernel = hidden.requires_grad_(), kernel.requires_grad_()
        value = loss(hidden, kernel, ids)
        return [value.detach(), *torch.autograd.grad(value, (hidden, kernel))]

    return step


def one(engine, kind, tokens, size, dimensions, repeat):
    """In this process: `{"mib", "process_mib", "seconds", "value"}`."""
    import keras
    import numpy as np

    rng = np.random.default_rng(0)

    def data(tokens, size, dimensions):
        hidden = rng.standard_normal((tokens, dimensions), dtype="float32")
        kernel = rng.standard_normal((dimensions, size), dtype="float32") / dimensions**0.5
        ids = rng.integers(0, size, tokens).astype("int32")
        return [keras.ops.convert_to_tensor(x) for x in (hidden, kernel, ids)]

    step = compiled(engine, loss_of(kind))
    step(*data(8, 16, 4))
    before = peak_mib()
    inputs = data(tokens, size, dimensions)
    times, value = [], None
    for _ in range(repeat + 1):  # The first one compiles.
        start = time.perf_counter()
        value = float(step(*inputs)[0])
        times.append(time.perf_counter() - start)
    after = peak_mib()
    seconds = min(times[1:] or times)
    return {"mib": after - before, "process_mib": after, "seconds": seconds, "value": value}


def measured(engine, kind, tokens, size, dimensions, repeat):
    """The same, in a process of its own; `None` where it did not end well."""
    arguments = json.dumps([engine, kind, tokens, size, dimensions, repeat])
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.vocabulary", "--one", arguments],
        env={**os.environ, "KERAS_BACKEND": BACKENDS[engine]}, capture_output=True, text=True,
    )
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def table(options):
    """Rows of a table in Markdown, each printed as it is measured."""
    print(f"{options.tokens} tokens of {options.dimensions} dimensions, float32. Peaks in MiB\n")
    print("| engine | vocabulary | both kernels | kit | dense | kit, s | dense, s | ratio |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    rows = []
    for engine in options.engines:
        for size in options.sizes:
            found = {}
            for kind in options.losses:
                logits = options.tokens * size * 4 / 2**20
                if kind == "dense" and logits > options.dense_up_to:
                    continue
                found[kind] = measured(
                    engine, kind, options.tokens, size, options.dimensions, options.repeat
                )
            weights = 2 * options.dimensions * size * 4 / 2**20
            rows.append({"engine": engine, "size": size, "weights_mib": weights, **found})
            print(_line(engine, size, weights, found), flush=True)
    return rows


def _line(engine, size, weights, found):
    kit, dense = found.get("kit"), found.get("dense")

    def shown(x, key, digits):
        return f"{x[key]:.{digits}f}" if x else "-"

    ratio = f"{kit['seconds'] / dense['seconds']:.2f}" if kit and dense else "-"
    cells = [
        engine, size, f"{weights:.0f}", shown(kit, "mib", 0), shown(dense, "mib", 0),
        shown(kit, "seconds", 2), shown(dense, "seconds", 2), ratio,
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def main(arguments=None):
    parser = argparse.ArgumentParser("python -m benchmarks.vocabulary")
    numbers = {"type": lambda text: [int(n) for n in text.split(",")]}
    words = {"type": lambda text: text.split(",")}
    parser.add_argument("--engines", default=["tf-xla", "tf-graph", "jax", "torch"], **words)
    parser.add_argument("--losses", default=["kit", "dense"], **words)
    parser.add_argument("--sizes", default=list(SIZES), **numbers)
    parser.add_argument("--tokens", type=int, default=2048)
    parser.add_argument("--dimensions", type=int, default=DIMENSIONS)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument(
        "--dense-up-to", type=float, default=600, help="MiB of logits beyond which it is left out"
    )
    parser.add_argument("--json", help="file for the results")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        print(json.dumps(one(*json.loads(options.one))))
        return None
    rows = table(options)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(rows, file, indent=1)
    return rows


if __name__ == "__main__":
    main()
