"""A whole training step of small models, with the kit's loss, Keras' own, or next to none."""

import time

import numpy as np

MODELS = ("cnn", "unet", "transformer")


def cnn(keras, size):
    k = keras.layers
    model = keras.Sequential([keras.Input((size, size, 3))])
    for filters in (16, 32, 64):
        model.add(k.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(k.MaxPooling2D())
    model.add(k.GlobalAveragePooling2D())
    model.add(k.Dense(10))
    return model, (32, 10), (size, size, 3)


def unet(keras, size):
    k = keras.layers

    def block(x, filters):
        x = k.Conv2D(filters, 3, padding="same", activation="relu")(x)
        return k.Conv2D(filters, 3, padding="same", activation="relu")(x)

    inputs = keras.Input((size, size, 3))
    first = block(inputs, 8)
    second = block(k.MaxPooling2D()(first), 16)
    x = block(k.MaxPooling2D()(second), 32)
    x = block(k.Concatenate()([k.UpSampling2D()(x), second]), 16)
    x = block(k.Concatenate()([k.UpSampling2D()(x), first]), 8)
    return keras.Model(inputs, k.Conv2D(4, 1)(x)), (4, size, size, 4), (size, size, 3)


def transformer(keras, size):
    k = keras.layers
    length, width, words = size, 64, 1000
    inputs = keras.Input((length,), dtype="int32")
    x = k.Embedding(words, width)(inputs)
    for _ in range(2):
        attended = k.MultiHeadAttention(4, width // 4)(x, x)
        x = k.LayerNormalization()(x + attended)
        hidden = k.Dense(width)(k.Dense(4 * width, activation="gelu")(x))
        x = k.LayerNormalization()(x + hidden)
    return keras.Model(inputs, k.Dense(words)(x)), (8, length, words), (length,)


def losses(keras, name):
    import keras_losskit as kl

    options = {"from_logits": True}
    total = kl.Dice(**options) + kl.CategoricalFocalCrossentropy(**options)
    return {
        "kit": lambda: (kl.CategoricalCrossentropy(**options), None),
        "keras": lambda: (keras.losses.SparseCategoricalCrossentropy(**options), None),
        "nothing": lambda: (lambda y, p: keras.ops.mean(p), None),
        "sum": lambda: (total, None),
        "sum with metrics": lambda: (total, total.metrics()),
    }[name]()


def make(model, loss, size):
    """One training step as a function, and the seconds that its first call took."""
    import keras

    keras.utils.set_random_seed(0)
    model, out, entry = {"cnn": cnn, "unet": unet, "transformer": transformer}[model](keras, size)
    loss, metrics = losses(keras, loss)
    model.compile("sgd", loss=loss, metrics=metrics)
    rng = np.random.default_rng(0)
    batch = out[0]
    if len(entry) == 1:
        x = rng.integers(0, out[-1], size=(batch, *entry)).astype("int32")
    else:
        x = rng.normal(size=(batch, *entry)).astype("float32")
    y = rng.integers(0, out[-1], size=out[:-1]).astype("int32")

    def step():
        logs = model.train_on_batch(x, y)
        return float(logs[0] if isinstance(logs, (list, tuple)) else logs)

    start = time.perf_counter()
    step()
    return step, time.perf_counter() - start
