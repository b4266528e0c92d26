"""The kinds of data that losses take, each made up from a size. Deterministic."""

from dataclasses import dataclass

import numpy as np

BATCH = 6  # None of the sizes below, so that axes cannot be mistaken for each other.


@dataclass
class Sample:
    """A batch to check a loss on.

    `domain` is what `y_pred` may hold: "real", "positive", "probability" (each
    in [0, 1]), "simplex" (rows that sum to 1), "logits" or "boxes".
    """

    kind: str
    y_true: np.ndarray
    y_pred: np.ndarray
    domain: str = "real"
    given: bool = False

    def __str__(self):
        words = "the data given" if self.kind == "given" else f"made data of kind `{self.kind}`"
        return (
            f"{words}: y_true {self.y_true.shape} {self.y_true.dtype}, "
            f"y_pred {self.y_pred.shape} {self.y_pred.dtype} ({self.domain})"
        )


# --- the kinds -----------------------------------------------------------------------


def make(kind, n=3, logits=False, batch=BATCH):
    """A `Sample` of a kind, with `n` columns (classes, dimensions, list items)."""
    rng = np.random.default_rng(20240621)
    t, p, domain = KINDS[kind](rng, batch, n, logits)
    p = np.asarray(p, "float32")
    t = np.asarray(t, "int32" if np.asarray(t).dtype.kind in "iu" else "float32")
    return Sample(kind, t, p, domain)


def _real(rng, b, n, logits):
    return rng.normal(size=(b, n)), rng.normal(size=(b, n)) * 1.5, "real"


def _positive(rng, b, n, logits):
    return *np.exp(rng.normal(size=(2, b, n)) * 0.5), "positive"


def predictions(rng, shape, logits, one_column=False):
    z = rng.normal(size=shape) * 1.5
    if logits:
        return z, "logits"
    if one_column or shape[-1] == 1:
        return 1 / (1 + np.exp(-z)), "probability"
    e = np.exp(z)
    return e / e.sum(-1, keepdims=True), "simplex"


def _binary(rng, b, n, logits):
    p, domain = predictions(rng, (b, n), logits, one_column=True)
    t = (np.arange(b * n).reshape(b, n) % 3 == 0).astype("float64")
    return t, p, domain


def make_ids(rng, shape, n):
    ids = rng.integers(0, max(n, 1), size=shape)
    return ids.astype("int32")


def _onehot(rng, b, n, logits):
    p, domain = predictions(rng, (b, n), logits)
    return np.eye(n)[make_ids(rng, (b,), n)], p, domain


def _sparse(rng, b, n, logits):
    p, domain = predictions(rng, (b, n), logits)
    return make_ids(rng, (b,), n), p, domain


def _signs(rng, b, n, logits):
    return np.where(rng.random((b, n)) < 0.5, -1.0, 1.0), rng.normal(size=(b, n)), "real"


def _scores(rng, b, n, logits):
    return np.eye(n)[make_ids(rng, (b,), n)], rng.normal(size=(b, n)), "real"


def _map(rng, b, n, logits):
    shape = (3, 4, 5)
    p, domain = predictions(rng, (*shape, n), logits)
    if n == 1:
        return (rng.random((*shape, 1)) < 0.4).astype("float64"), p, domain
    return np.eye(n)[make_ids(rng, shape, n)], p, domain


def _map_ids(rng, b, n, logits):
    p, domain = predictions(rng, (3, 4, 5, n), logits)
    return make_ids(rng, (3, 4, 5), n), p, domain


def _image(rng, b, n, logits):
    return *rng.normal(size=(2, 3, 4, 5, n)), "real"


def _embeddings(rng, b, n, logits):
    return (np.arange(b) // 2).astype("int32"), rng.normal(size=(b, max(n, 4))), "real"


def _views(rng, b, n, logits):
    y = rng.normal(size=(b, max(n, 4)))
    return y, y + 0.5 * rng.normal(size=y.shape), "real"


def _triplets(rng, b, n, logits):
    return np.zeros(b), rng.normal(size=(b, 3, 4)), "real"


def _distances(rng, b, n, logits):
    t = (np.arange(b) % 2).astype("float64")[:, None]
    return t, rng.uniform(0.2, 1.6, size=(b, 1)), "positive"


def _cosines(rng, b, n, logits):
    # Two ids: with several centers a class there are fewer classes than columns.
    return make_ids(rng, (b,), min(n, 2)), rng.uniform(-0.8, 0.8, size=(b, n)), "cosine"


def _boxes(rng, b, n, logits):
    corner = rng.uniform(0, 0.5, size=(2, b, 2, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(0.1, 0.5, size=corner.shape)], -1)
    return boxes[0], boxes[1], "boxes"


def _ranking(rng, b, n, logits):
    return rng.integers(0, 4, size=(b, 5)).astype("float64"), rng.normal(size=(b, 5)), "real"


def _ordinal(rng, b, n, logits):
    return make_ids(rng, (b,), n + 1), rng.normal(size=(b, n)), "logits"


def _quantiles(rng, b, n, logits):
    return rng.normal(size=b), rng.normal(size=(b, n)), "real"


def _bins(rng, b, n, logits):
    n = max(n, 5)
    return rng.uniform(0, n - 1.01, size=b), rng.normal(size=(b, n)), "logits"


def _heatmap(rng, b, n, logits):
    p, domain = predictions(rng, (3, 4, 5, n), logits, one_column=True)
    t = rng.uniform(0, 0.9, size=p.shape)
    t[:, 1, 1] = 1.0
    return t, p, domain


def _quality(rng, b, n, logits):
    p, domain = predictions(rng, (b, n), logits, one_column=True)
    return np.where(rng.random((b, n)) < 0.4, rng.random((b, n)), 0.0), p, domain


def _sequence(rng, b, n, logits):
    return rng.integers(1, 4, size=(b, 2)).astype("int32"), rng.normal(size=(b, 7, 5)), "logits"


def _simplex(rng, b, n, logits):
    t, p = (np.exp(rng.normal(size=(b, n))) for _ in range(2))
    t = t / t.sum(-1, keepdims=True)
    return (t, np.log(p), "logits") if logits else (t, p / p.sum(-1, keepdims=True), "simplex")


def _map_binary(rng, b, n, logits):
    return _map(rng, b, 1, logits)


KINDS = {
    "real": _real, "positive": _positive, "binary": _binary, "onehot": _onehot, "ids": _sparse,
    "signs": _signs, "scores": _scores, "map": _map, "map_ids": _map_ids, "image": _image,
    "embeddings": _embeddings, "views": _views, "triplets": _triplets, "distances": _distances,
    "cosines": _cosines, "boxes": _boxes, "ranking": _ranking, "ordinal": _ordinal,
    "quantiles": _quantiles, "bins": _bins, "heatmap": _heatmap, "quality": _quality,
    "sequence": _sequence, "simplex": _simplex, "map_binary": _map_binary,
}
