"""How does a language model of very many words fit into memory?

A character model of the texts that describe scikit-learn's data sets. Its vocabulary is
padded to 50,000, as large as that of a model of words, so that the logits of a batch are most
of the memory a dense loss takes. `LinearCrossentropy` is the last layer and its loss in one,
tied to the embedding; it never holds more than a few tokens' logits. Both peaks are measured,
each in a process of its own.

    python examples/language_model.py
"""

import re
import resource
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
from sklearn import datasets

import keras_losskit as kl

WORDS, SIZE, LENGTH, BATCH, STEPS = 50_000, 64, 32, 8, 180
TOKENS = 2048  # Of the step whose memory is measured.


def corpus():
    """The text as ids, and the characters that they stand for."""
    text = "\n".join(
        load().DESCR
        for load in (
            datasets.load_iris, datasets.load_wine, datasets.load_breast_cancer,
            datasets.load_diabetes, datasets.load_digits, datasets.load_linnerud,
        )
    )
    characters = sorted(set(text))
    place = {c: i for i, c in enumerate(characters)}
    return np.array([place[c] for c in text], "int32"), characters


def build():
    """`(trained, spoken)`: [tokens, next tokens] to a loss, and tokens to the last one's logits."""
    tokens = keras.Input((LENGTH,), dtype="int32")
    following = keras.Input((LENGTH,), dtype="int32")
    embedding = keras.layers.Embedding(WORDS, SIZE)
    x = embedding(tokens)
    for dilation in (1, 2, 4, 8):
        new = keras.layers.Conv1D(
            SIZE, 3, padding="causal", dilation_rate=dilation, activation="gelu"
        )(x)
        x = keras.layers.LayerNormalization()(keras.layers.Add()([x, new]))
    head = kl.LinearCrossentropy(WORDS, tied_to=embedding)
    trained = keras.Model([tokens, following], head([x, following]))
    return trained, keras.Model(tokens, head(x[:, -1]))


def written(spoken, start, characters, count=60):
    """The likeliest next character, again and again."""
    ids = list(start)
    for _ in range(count):
        logits = spoken.predict_on_batch(np.array([ids[-LENGTH:]], "int32"))
        ids.append(int(logits[0].argmax()))
    return ids[len(start) :]


def peak():
    """MiB that this process has held at most."""
    status = Path("/proc/self/status")
    if status.exists():  # Elsewhere Linux counts what the parent held.
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # Bytes, on a Mac.


def memory_of(kind):
    """MiB that value and gradients of one step take: in this process, which ends then."""
    rng = np.random.default_rng(0)

    def model(words):
        hidden, ids = keras.Input((SIZE,)), keras.Input((), dtype="int32")
        moved = keras.layers.Dense(SIZE)(hidden)
        if kind == "LinearCrossentropy":
            made = keras.Model([hidden, ids], kl.LinearCrossentropy(words)([moved, ids]))
            made.compile("sgd")
            return lambda x, y: made.train_on_batch([x, y])
        made = keras.Model(hidden, keras.layers.Dense(words, use_bias=False)(moved))
        made.compile("sgd", loss=kl.CategoricalCrossentropy(from_logits=True))
        return made.train_on_batch

    def data(tokens, words):
        return rng.normal(size=(tokens, SIZE)).astype("float32"), rng.integers(0, words, tokens)

    model(10)(*data(4, 10))
    step, before = model(WORDS), peak()
    step(*data(TOKENS, WORDS))
    return peak() - before


def measured(kind):
    done = subprocess.run(
        [sys.executable, __file__, kind], capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


def main():
    keras.utils.set_random_seed(0)
    ids, characters = corpus()
    print(f"{len(ids)} characters, {len(characters)} different ones, {WORDS} places for words")
    held, rest = ids[-2048:], ids[:-2048]
    rng = np.random.default_rng(0)
    starts = rng.integers(0, len(rest) - LENGTH - 1, STEPS * BATCH)
    windows = starts[:, None] + np.arange(LENGTH)[None, :]
    trained, spoken = build()
    rate = keras.optimizers.schedules.CosineDecay(4e-3, STEPS)
    trained.compile(keras.optimizers.Adam(rate))
    unseen = np.arange(0, 2048 - LENGTH - 1, LENGTH)[:, None] + np.arange(LENGTH)[None, :]
    unseen = [held[unseen], held[unseen + 1]]
    before = trained.evaluate(unseen, verbose=0)
    trained.fit([rest[windows], rest[windows + 1]], batch_size=BATCH, epochs=1, verbose=0)
    after = trained.evaluate(unseen, verbose=0)
    print(f"nats per character of unseen text: {before:.2f} -> {after:.2f}")
    written_ids = written(spoken, rest[: LENGTH], characters)
    known = all(i < len(characters) for i in written_ids)
    print(f"it writes characters alone: {known}")
    print("it goes on:", repr("".join(characters[i] for i in written_ids if i < len(characters))))
    print(f"memory of a step of {TOKENS} tokens:")
    for kind in ("LinearCrossentropy", "dense"):
        print(f"  {kind}: {measured(kind):.0f} MiB")
    print(f"  the logits alone: {TOKENS * WORDS * 4 / 2**20:.0f} MiB")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(memory_of(sys.argv[1]))
    else:
        main()
