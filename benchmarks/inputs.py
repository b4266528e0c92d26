"""Seeded inputs, the same in every process. NumPy only: the peers' environment reads it too."""

import numpy as np


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def rows_of(ids, classes):
    return np.eye(classes, dtype="float32")[ids]


def _labelled(rng, shape):
    return rng.integers(0, shape[-1], size=shape[:-1]), rng.normal(size=shape)


def regression(rng, shape):
    y = rng.normal(size=shape)
    return y, y + rng.normal(size=shape)


def positive(rng, shape):
    return np.exp(rng.normal(size=shape)), np.exp(rng.normal(size=shape))


def quantiles(rng, shape):
    return rng.normal(size=shape[:-1]), rng.normal(size=shape)


# Raw parameters: of one column of targets as many as the last axis has.


def _raw(rng, y):
    return y[..., :1], rng.normal(size=y.shape)


def real_raw(rng, shape):
    return _raw(rng, rng.normal(size=shape))


def positive_raw(rng, shape):
    return _raw(rng, np.exp(rng.normal(size=shape)))


def counts_raw(rng, shape):
    return _raw(rng, rng.poisson(2.0, size=shape).astype("float64"))


def shares_raw(rng, shape):
    return _raw(rng, rng.uniform(0.01, 0.99, size=shape))


def members(rng, shape):
    return rng.normal(size=(*shape[:-1], 1)), rng.normal(size=shape)


def survival(rng, shape):
    times = np.floor(rng.exponential(shape[-1] / 2, size=shape[0]))
    return np.stack([times, rng.random(size=shape[0]) < 0.6], -1), rng.normal(size=shape)


def ids_logits(rng, shape):
    return _labelled(rng, shape)


def ids_probabilities(rng, shape):
    ids, z = _labelled(rng, shape)
    return ids, softmax(z)


def rows_logits(rng, shape):
    ids, z = _labelled(rng, shape)
    return rows_of(ids, shape[-1]), z


def rows_probabilities(rng, shape):
    ids, z = _labelled(rng, shape)
    return rows_of(ids, shape[-1]), softmax(z)


def binary_logits(rng, shape):
    return rng.random(size=shape) < 0.3, rng.normal(size=shape)


def binary_probabilities(rng, shape):
    y, z = binary_logits(rng, shape)
    return y, 1 / (1 + np.exp(-z))


def signs(rng, shape):
    return np.where(rng.random(size=shape) < 0.5, -1, 1).astype("float32"), rng.normal(size=shape)


def distributions(rng, shape):
    return softmax(rng.normal(size=shape)), softmax(rng.normal(size=shape))


def two_logits(rng, shape):
    return rng.normal(size=shape), rng.normal(size=shape)


def ranks(rng, shape):
    return rng.integers(0, shape[-1] + 1, size=shape[:-1]), rng.normal(size=shape)


def pair_distances(rng, shape):
    return rng.random(size=shape) < 0.5, np.abs(rng.normal(size=shape))


def _unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def embeddings(rng, shape):
    """Eight of a class, on the unit sphere, drawn to their class."""
    ids = np.arange(shape[0]) // 8
    centres = rng.normal(size=(shape[0], shape[1]))[ids]
    return ids, _unit(0.5 * centres + rng.normal(size=shape))


def triplets(rng, shape):
    return np.zeros(shape[:1]), rng.normal(size=(shape[0], 3, shape[1]))


def views(rng, shape):
    base = rng.normal(size=shape)
    return base + 0.5 * rng.normal(size=shape), base + 0.5 * rng.normal(size=shape)


def point_sets(rng, shape):
    return rng.normal(size=shape), rng.normal(size=shape)


def cosines(rng, shape):
    return rng.integers(0, shape[-1], size=shape[:-1]), np.tanh(0.3 * rng.normal(size=shape))


def boxes(rng, shape):
    """Corners, the smaller ones first: both as xyxy and as yxyx these are boxes."""
    corner = rng.random(size=(shape[0], 2))
    size = 0.1 + 0.4 * rng.random(size=(shape[0], 2))
    y = np.concatenate([corner, corner + size], axis=-1)
    return y, y + rng.uniform(-0.04, 0.04, size=y.shape)  # Still boxes, whatever is drawn.


def heatmaps(rng, shape):
    y = np.minimum(rng.random(size=shape), 0.98)
    return np.where(rng.random(size=shape) < 1e-3, 1.0, y), rng.normal(size=shape)


def bins(rng, shape):
    return (shape[-1] - 1) * rng.random(size=shape[:-1]), rng.normal(size=shape)


def lists(rng, shape):
    return rng.integers(0, 5, size=shape).astype("float32"), rng.normal(size=shape)


def pictures(rng, shape):
    """Smooth in parts, with noise, in [0, 1]."""
    y = rng.random(size=(shape[0], *(-(-n // 8) for n in shape[1:-1]), shape[-1]))
    for axis, n in enumerate(shape[1:-1], 1):
        y = np.repeat(y, 8, axis=axis).take(range(n), axis=axis)
    return y, np.clip(y + 0.1 * rng.normal(size=shape), 0, 1)


def fields(rng, shape):
    u = rng.normal(size=shape)
    return np.zeros(shape[:1]), u


def sounds(rng, shape):
    """A few tones each, and noise on them."""
    t = np.arange(shape[1])[:, None]
    pitch = rng.uniform(0.01, 0.5, size=(shape[0], 1, 4))
    y = np.sin(pitch * t).sum(-1)
    return y, y + 0.3 * rng.normal(size=shape)


def mixtures(rng, shape):
    y, _ = sounds(rng, (shape[0] * shape[1], shape[2]))
    y = y.reshape(shape)
    return y, y[:, ::-1] + 0.3 * rng.normal(size=shape)


def guides(rng, shape):
    y, p = pictures(rng, (*shape[:-1], 3))
    return y, p[..., :1]


# Which inputs suit a loss, by what it declares that it takes: targets, predictions. The
# peers' environment has no kit to ask, so a case names its inputs; a test holds it to this.
SUITABLE = {
    ("real", "real"): (
        "regression", "quantiles", "members", "pictures", "guides", "point_sets", "sounds",
        "mixtures",
    ),
    ("real", "parameters"): ("real_raw",),
    ("survival", "scores"): ("survival",),
    ("survival", "logits"): ("survival",),
    ("survival", "parameters"): ("survival",),
    ("positive", "parameters"): ("positive_raw",),
    ("nonnegative", "parameters"): ("positive_raw",),
    ("counts", "parameters"): ("counts_raw",),
    ("probability", "parameters"): ("shares_raw",),
    ("nonnegative", "nonnegative"): ("positive",),
    ("nonnegative", "positive"): ("positive",),
    ("positive", "positive"): ("positive",),
    ("counts", "nonnegative"): ("positive",),
    ("probability", "probabilities"): ("binary_probabilities",),
    ("probability", "logits"): ("binary_logits", "heatmaps"),
    ("probability", "distances"): ("pair_distances",),
    ("signs", "scores"): ("signs",),
    ("classes", "probabilities"): (
        "ids_probabilities", "rows_probabilities", "binary_probabilities"
    ),
    ("classes", "logits"): ("ids_logits", "rows_logits", "binary_logits"),
    ("classes", "scores"): ("ids_logits", "rows_logits"),
    ("classes", "cosines"): ("cosines",),
    ("distribution", "probabilities"): ("distributions",),
    ("logits", "logits"): ("two_logits",),
    ("ranks", "logits"): ("ranks",),
    ("ids", "embeddings"): ("embeddings",),
    ("unused", "triplets"): ("triplets",),
    ("unused", "view"): ("views",),
    ("unused", "real"): ("pictures", "fields"),
    ("view", "view"): ("views",),
    ("boxes", "boxes"): ("boxes",),
    ("bins", "logits"): ("bins",),
    ("relevance", "scores"): ("lists",),
}


def make(kind, shape, seed=0):
    """`y_true, y_pred`: int32 ids or float32, float32."""
    y_true, y_pred = globals()[kind](np.random.default_rng(seed), tuple(shape))
    whole = y_true.dtype.kind in "iu"
    return y_true.astype("int32" if whole else "float32"), y_pred.astype("float32")
