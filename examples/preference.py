"""How does a model learn which of two answers is preferred?

A toy policy is given three numbers and writes them in some order: it was trained on answers of
which half are ascending and half descending. Then `DPO` sees pairs, of which the ascending one
is preferred. The policy comes to write it, also for numbers of which it saw no answer at all.

    python examples/preference.py
"""

import itertools

import keras
import numpy as np

import keras_losskit as kl

NUMBERS, LENGTH, SIZE = 16, 3, 128


def data():
    """Prompts of three numbers, no two of the same ones; both answers to each."""
    rng = np.random.default_rng(0)
    up = np.array(list(itertools.combinations(range(NUMBERS), LENGTH)), dtype="int32")
    rng.shuffle(up)
    return rng.permuted(up, axis=-1), up, up[:, ::-1].copy()


def policy():
    """Logits of each number of an answer, from the prompt and the numbers before it."""
    prompt = keras.Input((LENGTH,), dtype="int32")
    answer = keras.Input((LENGTH,), dtype="int32")
    embedding = keras.layers.Embedding(NUMBERS + 1, 16)
    asked = keras.layers.Dense(SIZE)(keras.layers.Flatten()(one_hot(prompt)))
    # One place to the right: each number sees those before it, the first one none.
    before = keras.layers.ZeroPadding1D((1, 0))(embedding(answer))[:, :-1]
    seen = keras.layers.Flatten()(before)
    logits = []
    for t in range(LENGTH):
        past = keras.layers.Dense(SIZE)(seen[:, : 16 * (t + 1)])
        hidden = keras.layers.Activation("gelu")(keras.layers.Add()([asked, past]))
        hidden = keras.layers.Dense(SIZE, activation="gelu")(hidden)
        logits.append(keras.layers.Reshape((1, NUMBERS))(keras.layers.Dense(NUMBERS)(hidden)))
    return keras.Model([prompt, answer], keras.layers.Concatenate(axis=1)(logits))


def one_hot(prompt):
    return keras.layers.CategoryEncoding(NUMBERS, output_mode="multi_hot")(prompt)


@keras.saving.register_keras_serializable(package="example_preference")
class LogProbability(keras.layers.Layer):
    """The log-probability of an answer, `(B, 1)`."""

    def call(self, logits, answer):
        return kl.sequence_log_probabilities(logits, answer)[:, None]

    def compute_output_shape(self, logits_shape, answer_shape):
        return (logits_shape[0], 1)


def on_pairs(model):
    """`[prompt, chosen, rejected]` to `(B, 2)` log-probabilities."""
    prompt, chosen, rejected = (keras.Input((LENGTH,), dtype="int32") for _ in range(3))
    both = [LogProbability()(model([prompt, a]), a) for a in (chosen, rejected)]
    return keras.Model([prompt, chosen, rejected], keras.layers.Concatenate()(both))


def written(model, prompts):
    """The likeliest answers, number by number."""
    answer = np.zeros((len(prompts), LENGTH), "int32")
    for t in range(LENGTH):
        answer[:, t] = model.predict([prompts, answer], verbose=0)[:, t].argmax(-1)
    return answer


def report(when, model, pairs, prompts, up):
    logs = pairs.predict([prompts, up, up[:, ::-1]], verbose=0).astype("float64")
    share = 1 / (1 + np.exp(logs[:, 1] - logs[:, 0]))
    wins = (written(model, prompts) == up).all(-1).mean()
    print(f"{when}: writes the preferred answer {wins:.2f}, its share of both {share.mean():.2f}")
    return logs


def main():
    keras.utils.set_random_seed(0)
    prompts, up, down = data()
    train, test = slice(0, 420), slice(420, None)
    model = policy()
    model.compile(
        keras.optimizers.Adam(3e-3), loss=kl.CategoricalCrossentropy(from_logits=True)
    )
    answers = np.concatenate([up[train], down[train]])
    model.fit(
        [np.concatenate([prompts[train]] * 2), answers], answers, batch_size=60, epochs=60,
        verbose=0,
    )
    pairs = on_pairs(model)
    before = report("before", model, pairs, prompts[test], up[test])
    # What the reference gives both answers stands beside them, as the target.
    shown = [prompts[train], up[train], down[train]]
    reference = pairs.predict(shown, verbose=0)
    loss = kl.DPO(beta=0.5)
    pairs.compile(keras.optimizers.Adam(3e-4), loss=loss)
    history = pairs.fit(shown, reference, batch_size=60, epochs=10, verbose=0).history["loss"]
    print(f"loss: {history[0]:.2f} -> {history[-1]:.2f}, and log 2 where nothing has moved")
    after = report("after", model, pairs, prompts[test], up[test])
    moved = after[:, 0] - before[:, 0]
    print(f"log-probability of the preferred answer: {moved.mean():+.2f} on average")


if __name__ == "__main__":
    main()
