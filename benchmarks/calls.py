"""What one eager call on a small batch costs, beside Keras' own loss: Python, mostly.

    KERAS_BACKEND=torch python -m benchmarks.calls

Microseconds of the kit's call and of Keras', in turn, and the ratio of each round.
"""

import statistics
import sys
import time

import keras
import numpy as np
from keras import ops

import keras_losskit as kl
from benchmarks.measure import interleave

ROWS, COLUMNS = 32, 10


def pairs():
    """`(name, the kit's, Keras', y_true, y_pred)` for each loss that both have, in tensors."""
    for name, kit, theirs, y, p in _pairs():
        kind = "int32" if y.dtype.kind == "i" else "float32"
        yield name, kit, theirs, ops.convert_to_tensor(y, kind), ops.convert_to_tensor(p, "float32")


def _pairs():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(2, ROWS, COLUMNS))
    above = np.abs(real) + 0.1
    bits = (rng.random((ROWS, COLUMNS)) < 0.4).astype("float32")
    signs, p = 2 * bits - 1, rng.random((ROWS, COLUMNS))
    logits, ids = rng.normal(size=(ROWS, COLUMNS)), rng.integers(0, COLUMNS, ROWS)
    shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    rows = np.eye(COLUMNS)[ids]
    maps = rng.random((ROWS, 8, 8, 1))
    seen = (rng.random((ROWS, 8, 8, 1)) < 0.4).astype("float32")
    k = keras.losses
    return [
        ("MeanSquaredError", kl.MeanSquaredError(), k.MeanSquaredError(), *real),
        ("MeanAbsoluteError", kl.MeanAbsoluteError(), k.MeanAbsoluteError(), *real),
        ("MeanAbsolutePercentageError", kl.MeanAbsolutePercentageError(),
         k.MeanAbsolutePercentageError(), *above),
        ("MeanSquaredLogarithmicError", kl.MeanSquaredLogarithmicError(),
         k.MeanSquaredLogarithmicError(), *above),
        ("Huber", kl.Huber(), k.Huber(), *real),
        ("LogCosh", kl.LogCosh(), k.LogCosh(), *real),
        ("Poisson", kl.Poisson(), k.Poisson(), np.round(above[0]), above[1]),
        ("CosineSimilarity", kl.CosineSimilarity(), k.CosineSimilarity(), *real),
        ("KLDivergence", kl.KLDivergence(), k.KLDivergence(), shares[::-1], shares),
        ("Hinge", kl.Hinge(), k.Hinge(), signs, real[0]),
        ("SquaredHinge", kl.SquaredHinge(), k.SquaredHinge(), signs, real[0]),
        ("CategoricalHinge", kl.CategoricalHinge(), k.CategoricalHinge(), rows, logits),
        ("BinaryCrossentropy, logits", kl.BinaryCrossentropy(from_logits=True),
         k.BinaryCrossentropy(from_logits=True), bits, logits),
        ("BinaryCrossentropy", kl.BinaryCrossentropy(), k.BinaryCrossentropy(), bits, p),
        ("BinaryFocalCrossentropy, logits", kl.BinaryFocalCrossentropy(from_logits=True),
         k.BinaryFocalCrossentropy(from_logits=True), bits, logits),
        ("CategoricalCrossentropy, rows, logits", kl.CategoricalCrossentropy(from_logits=True),
         k.CategoricalCrossentropy(from_logits=True), rows, logits),
        ("CategoricalCrossentropy, rows", kl.CategoricalCrossentropy(),
         k.CategoricalCrossentropy(), rows, shares),
        ("CategoricalCrossentropy, ids, logits", kl.CategoricalCrossentropy(from_logits=True),
         k.SparseCategoricalCrossentropy(from_logits=True), ids, logits),
        ("CategoricalCrossentropy, ids", kl.CategoricalCrossentropy(),
         k.SparseCategoricalCrossentropy(), ids, shares),
        ("CategoricalFocalCrossentropy", kl.CategoricalFocalCrossentropy(),
         k.CategoricalFocalCrossentropy(alpha=1.0), rows, shares),
        ("Dice", kl.Dice(), k.Dice(axis=(1, 2, 3)), seen, maps),
        ("Tversky", kl.Tversky(), k.Tversky(axis=(1, 2, 3)), seen, maps),
    ]  # fmt: skip


def milliseconds(call, repeat):
    start = time.perf_counter()
    for _ in range(repeat):
        found = call()
    ops.convert_to_numpy(found)  # JAX answers before it is done.
    return 1e3 * (time.perf_counter() - start)


def main():
    print(f"{keras.config.backend()}: one eager call on {ROWS} rows of {COLUMNS}\n")
    print("| loss | kit, µs | Keras, µs | ratio | of the rounds |\n|---|---|---|---|---|")
    for name, kit, theirs, y, p in pairs():
        if len(sys.argv) > 1 and sys.argv[1] not in name:
            continue
        calls = {"kit": lambda x=kit: x(y, p), "keras": lambda x=theirs: x(y, p)}  # noqa: B023
        found = interleave(
            lambda key, repeat: milliseconds(calls[key], repeat) / repeat,  # noqa: B023
            list(calls), rounds=31, seconds=3,
        )  # fmt: skip
        (mine,), (other,) = found["kit"].launches, found["keras"].launches
        ratios = sorted(a / b for a, b in zip(mine, other, strict=True))
        print(f"| {name} | {1e3 * found['kit'].median:.0f} | {1e3 * found['keras'].median:.0f} "
              f"| {statistics.median(ratios):.2f} "
              f"| {ratios[len(ratios) // 10]:.2f}-{ratios[-1 - len(ratios) // 10]:.2f} |",
              flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
