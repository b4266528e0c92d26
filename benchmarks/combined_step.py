"""What a combined loss costs next to one function written by hand.

    KERAS_BACKEND=tensorflow python benchmarks/combined_step.py
    KERAS_BACKEND=jax        python benchmarks/combined_step.py

Compiles (XLA) value and gradient of `Dice + 2 * CategoricalFocalCrossentropy`, both
from logits, on 8x256x256x4 float32 with integer ids; first checks that both sides
agree, then times them in turn, A B A B, and prints the ratio of the medians.
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_losskit as kl

BACKEND = keras.config.backend()
GAMMA, CLASSES = 2.0, 4


def tensorflow_sides(total):
    import tensorflow as tf

    def by_hand(ids, logits):
        log_p = tf.nn.log_softmax(logits)
        p = tf.exp(log_p)
        g = tf.one_hot(ids, CLASSES, dtype=logits.dtype)
        tp = tf.reduce_sum(p * g, axis=(1, 2))
        both = tf.reduce_sum(p, axis=(1, 2)) + tf.reduce_sum(g, axis=(1, 2))
        dice = 1 - tf.reduce_mean(tf.math.divide_no_nan(2 * tp, both))
        focal = -tf.reduce_sum(g * tf.square(1 - p) * log_p, axis=-1)
        return dice + 2 * tf.reduce_mean(focal)

    def compiled(loss):
        @tf.function(jit_compile=True)
        def step(ids, logits):
            with tf.GradientTape() as tape:
                tape.watch(logits)
                value = loss(ids, logits)
            return value, tape.gradient(value, logits)

        return lambda ids, logits: [x.numpy() for x in step(ids, logits)]

    return compiled(total), compiled(by_hand), tf.constant


def jax_sides(total):
    import jax
    import jax.numpy as jnp

    def by_hand(logits, ids):
        log_p = jax.nn.log_softmax(logits)
        p = jnp.exp(log_p)
        g = jax.nn.one_hot(ids, CLASSES, dtype=logits.dtype)
        tp = jnp.sum(p * g, axis=(1, 2))
        both = jnp.sum(p, axis=(1, 2)) + jnp.sum(g, axis=(1, 2))
        dice = 1 - jnp.mean(2 * tp / both)  # both > 0: p is never exactly 0 here.
        focal = -jnp.sum(g * jnp.square(1 - p) * log_p, axis=-1)
        return dice + 2 * jnp.mean(focal)

    def compiled(loss):
        step = jax.jit(jax.value_and_grad(loss))
        return lambda ids, logits: jax.block_until_ready(step(logits, ids))

    return compiled(lambda logits, ids: total(ids, logits)), compiled(by_hand), jnp.asarray


def timed(step, *data):
    start = time.perf_counter()
    step(*data)
    return 1e3 * (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=40, help="timed runs of each side")
    parser.add_argument("--size", type=int, default=256, help="height and width")
    options = parser.parse_args()
    sides = {"tensorflow": tensorflow_sides, "jax": jax_sides}
    if BACKEND not in sides:
        raise SystemExit(f"no compiled step on the {BACKEND} backend")
    total = kl.Dice(from_logits=True) + 2 * kl.CategoricalFocalCrossentropy(
        gamma=GAMMA, from_logits=True
    )
    ours, by_hand, tensor = sides[BACKEND](total)
    rng = np.random.default_rng(0)
    shape = (8, options.size, options.size)
    data = (
        tensor(rng.integers(0, CLASSES, size=shape).astype("int32")),
        tensor(rng.normal(size=(*shape, CLASSES)).astype("float32")),
    )
    (value, gradient), (value_2, gradient_2) = ours(*data), by_hand(*data)
    np.testing.assert_allclose(value, value_2, rtol=1e-5)
    scale = np.abs(gradient_2).max()
    np.testing.assert_allclose(gradient, gradient_2, rtol=1e-4, atol=1e-5 * scale)
    for _ in range(5):
        ours(*data), by_hand(*data)
    a, b = [], []
    for run in range(options.runs):
        first, second = ((ours, a), (by_hand, b))[:: 1 if run % 2 else -1]
        first[1].append(timed(first[0], *data))
        second[1].append(timed(second[0], *data))
    print(f"{total}\n{BACKEND}, keras {keras.__version__}, {shape + (CLASSES,)} float32")
    for name, times in (("kit", a), ("by hand", b)):
        low, middle, high = statistics.quantiles(times, n=4)
        print(f"{name:8} median {middle:8.2f} ms, quartiles {low:.2f} to {high:.2f} ms")
    pairs = statistics.quantiles([x / y for x, y in zip(a, b, strict=True)], n=4)
    print(f"ratio of medians {statistics.median(a) / statistics.median(b):.3f}")
    print(f"ratio pair by pair: median {pairs[1]:.3f}, quartiles {pairs[0]:.3f} to {pairs[2]:.3f}")


if __name__ == "__main__":
    main()
