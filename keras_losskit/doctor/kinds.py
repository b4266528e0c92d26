"""Data for any loss, made from the words in which losses declare what they take.

Deterministic. What a loss declares is made as it says; a stranger that declares nothing is
tried on `KINDS`, which are declarations with a short name.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from keras_losskit.core.takes import Takes

BATCH = 6  # None of the sizes below, so that axes cannot be mistaken for each other.
_SEED = 20240621
_MAP = (3, 4, 5)  # A batch of maps, without their channels.


@dataclass
class Sample:
    """A batch to check a loss on.

    `takes` is the declaration that it was made from, or that the loss has; `None` where
    data were given to a stranger. `domain` is what `y_pred` may hold: "real", "positive",
    "probability" (each in [0, 1]), "simplex" (rows that sum to 1), "logits", "boxes",
    "cosine", "unit" (given, in [0, 1]) or "mixed" (parts of several kinds).
    """

    kind: str
    y_true: np.ndarray
    y_pred: np.ndarray
    domain: str = "real"
    given: bool = False
    takes: Takes | None = None
    guessed: bool = False  # Neither declared nor given, nor said by the loss's name.
    refused: tuple = ()  # Samples of other kinds, tried before, on which it was not finite.

    def __str__(self):
        words = {
            "given": "the data given", "declared": "data made as the loss declares",
        }.get(self.kind, f"made data of kind `{self.kind}`")
        return (
            f"{words}: y_true {self.y_true.shape} {self.y_true.dtype}, "
            f"y_pred {self.y_pred.shape} {self.y_pred.dtype} ({self.domain})"
        )

    @property
    def pairs(self):
        """Whether each entry of y_true belongs to one of y_pred."""
        return self.y_true.shape == self.y_pred.shape

    @property
    def targets_are_predictions(self):
        """Whether `y_true` itself is a perfect prediction, as far as is known."""
        if not self.pairs or self.domain in ("mixed", "logits", "boxes", "cosine"):
            return False
        if self.takes is None:
            return True
        same = {"real", "nonnegative", "positive", "counts", "probability", "view"}
        likewise = {"real", "nonnegative", "positive", "probabilities", "view"}
        rows = self.takes.y_true in ("classes", "distribution")
        return self.takes.y_pred in likewise and (self.takes.y_true in same or rows)

    @property
    def perfect(self):
        """`y_true` as a prediction; where it is none, unknown or not > 0, what is predicted."""
        t = self.y_true.astype(self.y_pred.dtype)
        known = t > 0 if self.domain == "positive" else ~np.isnan(t)
        return np.where(known, t, self.y_pred)

    @property
    def in_batch(self):
        """Whether a sample may look at the others."""
        if self.takes is None:
            return False
        return self.takes.in_batch or self.takes.shapes in ("embeddings", "views")

    @property
    def lists(self):
        """Whether the last axis of `y_pred` holds items, not numbers of one kind."""
        return self.takes is not None and self.takes.shapes == "lists"


def dense(sample):
    """Targets in the shape of y_pred: one-hot rows from ids; `None` if they are neither."""
    t, p = sample.y_true, sample.y_pred
    if t.shape == p.shape:
        return sample.perfect.astype("float32")
    if t.dtype.kind in "iu" and p.ndim and t.size * p.shape[-1] == p.size:
        ids = t.reshape(p.shape[:-1]).clip(0, p.shape[-1] - 1)
        return np.eye(p.shape[-1], dtype="float32")[ids]
    return None


def hard(sample):
    """The same where they are all 0 or 1, else `None`."""
    t = dense(sample)
    return None if t is None or not np.isin(t, (0, 1)).all() else t


# Short names for what strangers may take, and for hints.
KINDS = {
    "real": Takes("real", "real"),
    "positive": Takes("positive", "positive"),
    "nonnegative": Takes("nonnegative", "positive"),
    "binary": Takes("probability", "probabilities", "decisions"),
    "soft": Takes("probability", "probabilities"),
    "onehot": Takes("classes", "probabilities"),
    "ids": Takes("classes", "probabilities", "classes"),
    "simplex": Takes("distribution", "probabilities"),
    "signs": Takes("signs", "scores"),
    "scores": Takes("classes", "scores"),
    "map": Takes("classes", "probabilities", "maps"),
    "map_ids": Takes("classes", "probabilities", "maps"),
    "map_binary": Takes("probability", "probabilities", "maps"),
    "image": Takes("real", "real", "maps"),
    "picture": Takes("real", "real", "images"),
    "sound": Takes("real", "real", "waves"),
    "quantiles": Takes("real", "real", "columns"),
    "blocks": Takes("real", "parameters", "blocks"),
    "bins": Takes("bins", "logits", "bins"),
    "ordinal": Takes("ranks", "logits", "levels"),
    "embeddings": Takes("ids", "embeddings", "embeddings", in_batch=True),
    "views": Takes("view", "view", "views", in_batch=True),
    "triplets": Takes("unused", "triplets", "triplets"),
    "stacked_triplets": Takes("unused", "embeddings", "free"),
    "distances": Takes("probability", "distances"),
    "cosines": Takes("classes", "cosines", "classes"),
    "boxes": Takes("boxes", "boxes", "boxes"),
    "ranking": Takes("relevance", "scores", "lists"),
    "survival": Takes("survival", "scores", "free", in_batch=True),
    "survival_columns": Takes("survival", "parameters", "free"),
    "heads": Takes("real", "parameters", "free"),
    "sequence": Takes("any", "logits", "free"),
    "sequence_shares": Takes("any", "probabilities", "free"),
}
# Kinds whose maps are given as one-hot rows, where ids would be as good.
_ROWS = ("map",)
# Kinds of one target and several columns of y_pred, each of which is something of its own.
_SEVERAL = ("survival_columns", "heads")
# Kinds that windows or transforms are slid over, and how long their sides are at least.
_LARGE = {"picture": 32, "sound": 1024}


def make(kind, n=3, logits=False, batch=BATCH):
    """A `Sample` of a kind of `KINDS`, with `n` columns."""
    if kind.startswith("sequence"):
        return _sequence(batch, kind)
    if kind == "stacked_triplets":
        return _stacked(batch, max(n, 4))
    takes = KINDS[kind]
    if takes.y_pred == "probabilities":
        takes = takes.given(logits)
    one = kind in ("map_binary",)
    sample = declared(
        takes, 1 if one else n, min(batch, 2) if kind in _LARGE else batch, rows=kind in _ROWS,
        least=_LARGE.get(kind, 1), form=int(kind in _SEVERAL),
    )
    return replace(sample, kind=kind)


def declared(
    takes, n=3, batch=BATCH, *, blocks=2, classes=None, rows=False, form=0, least=1,
    columns=("id",),
):
    """A `Sample` as a declaration says.

    Args:
        takes: the declaration.
        n: columns: classes, dimensions, parameters of a block's K.
        blocks: P of `"blocks"`.
        classes: how many classes ids may name, where it is not n.
        rows: one-hot rows rather than ids, where both are taken.
        form: which of several shapes, where they are free.
        columns: what stands before the numbers of packed targets: "id", "log_probability";
            of survival, what they are, as many as there are.
        least: what the sides of pictures, and the length of sounds, must be at least.
    """
    rng = np.random.default_rng(_SEED)
    if takes.shapes == "free" and form == FREE - 1:
        return replace(_sequence(batch, "sequence"), kind="declared", takes=takes)
    t_shape, p_shape = _shapes(takes, n, batch, blocks, rows, form, least, len(columns))
    p, domain = _predictions(rng, takes, p_shape)
    t = _targets(rng, takes, t_shape, p_shape, p, classes, columns)
    whole = np.asarray(t).dtype.kind in "iu"
    return Sample(
        "declared", np.asarray(t, "int32" if whole else "float32"), np.asarray(p, "float32"),
        domain, takes=takes,
    )


# --- shapes ------------------------------------------------------------------------------

FREE = 6  # How many pairs of shapes are tried where they are free.


def _shapes(takes, n, b, blocks, rows, form, least, columns):
    """The shapes of y_true and y_pred."""
    side = (b, max(least, 5), max(least, 4))
    long = max(least, 8)
    wide = max(n, 4)
    if takes.y_true == "survival" and takes.shapes == "free":
        return (b, 2), (b, n if form else 1)
    by_word = {
        "equal": ((b, n), (b, n)),
        "decisions": ((b, n), (b, n)),
        "classes": ((b, n) if rows or takes.y_true in ("distribution", "logits") else (b,),
                    (b, n)),
        "maps": ((*_MAP, n) if rows or n == 1 or takes.y_true not in ("classes", "ids")
                 else _MAP, (*_MAP, n)),
        "levels": ((b,), (b, n)),
        "columns": ((b,), (b, n)),
        "bins": ((b,), (b, max(n, 5))),
        "blocks": ((b, 2), (b, 2 * blocks)),
        "mixture": ((b, 2), (b, 5 * blocks)),
        "members": ((b, 2), (b, 2 * wide)),
        "embeddings": ((b,), (b, wide)),
        "triplets": ((b,), (b, 3, 4)),
        "views": ((b,) if takes.y_true == "unused" else (b, wide), (b, wide)),
        "spaces": ((b, wide), (b, wide + 1)),
        "points": ((b, 5, n), (b, 4, n)),
        "preferences": ((b,) if takes.y_true == "unused" else (b, 2), (b, 2)),
        "packed": ((b, columns + n), (b, n)),
        "lists": ((b, 5), (b, 5)),
        "boxes": ((b, 4), (b, 4)),
        "images": ((*side, n), (*side, n)),
        "guides": ((*side, n), (*side, 1)),
        "fields": ((b,), (*side, 2)),
        "waves": ((b, long), (b, long)),
        "survival": ((b, max(columns, 2)), (b, n)),
        # Either axis may be that of the sources, of which there are six at most.
        "sources": ((b, 3, max(least, 5)), (b, 3, max(least, 5))),
        "free": [
            ((b, n), (b, n)), ((b, 1), (b, n)), ((b,), (b, n)), ((*_MAP, n), (*_MAP, n)),
            ((b, n), (b, 1)), None,
        ][form],
    }
    return by_word[takes.shapes]


# --- what y_pred holds ---------------------------------------------------------------------


def predictions(rng, shape, logits, one_column=False):
    """Logits, or probabilities of them."""
    z = rng.normal(size=shape) * 1.5
    if logits:
        return z, "logits"
    if one_column or shape[-1] == 1:
        return 1 / (1 + np.exp(-z)), "probability"
    e = np.exp(z)
    return e / e.sum(-1, keepdims=True), "simplex"


def _predictions(rng, takes, shape):
    word = takes.y_pred
    if word in ("probabilities", "logits"):
        rows = takes.y_true in ("classes", "distribution", "ranks")
        return predictions(rng, shape, word == "logits", one_column=not rows)
    if word in ("nonnegative", "positive"):
        return np.exp(rng.normal(size=shape) * 0.5), "positive"
    if word == "log_probabilities":
        return -np.exp(rng.normal(size=shape)), "real"
    if word == "distances":
        return rng.uniform(0.2, 1.6, size=shape), "positive"
    if word == "cosines":
        return rng.uniform(-0.8, 0.8, size=shape), "cosine"
    if word == "boxes":
        return (_boxes(rng, shape), "boxes") if shape[-1:] == (4,) else (
            rng.uniform(size=shape), "real")
    size = 1.5 if word == "real" and takes.shapes in ("equal", "free") else 1.0
    return rng.normal(size=shape) * size, "real"


def _boxes(rng, shape):
    corner = rng.uniform(0, 0.5, size=(*shape[:-1], 2))
    return np.concatenate([corner, corner + rng.uniform(0.1, 0.5, size=corner.shape)], -1)


# --- what y_true holds ---------------------------------------------------------------------


def make_ids(rng, shape, n):
    """Ids in [0, n), every class among them where there is room."""
    count = int(np.prod(shape))
    return rng.permutation(np.arange(count) % max(n, 1)).reshape(shape).astype("int32")


def _targets(rng, takes, shape, p_shape, p, classes, columns):
    word, low, high = takes.y_true, *takes.range
    ranged = takes.y_true_range is not None and word not in ("classes", "distribution", "ranks")
    if ranged and math.isfinite(low):
        top = high if math.isfinite(high) else low + 2
        return rng.uniform(low, top, size=shape)
    n = p_shape[-1]
    if takes.shapes == "packed" and word == "any":
        before = [
            make_ids(rng, shape[:-1], n) if column == "id" else -np.exp(rng.normal(size=shape[:-1]))
            for column in columns
        ]
        return np.concatenate([np.stack(before, axis=-1), rng.normal(size=p_shape)], axis=-1)
    if word == "classes":
        if shape == p_shape and n > 1:
            return np.eye(n)[make_ids(rng, shape[:-1], classes or n)]
        if shape == p_shape:  # One column: yes or no.
            return (make_ids(rng, shape, 3) == 0).astype("float64")
        return make_ids(rng, shape, classes or n)
    if word == "distribution":
        e = np.exp(rng.normal(size=shape))
        return e / e.sum(-1, keepdims=True)
    if word == "ranks":
        return make_ids(rng, shape, n + 1)
    if word == "probability":
        flat = np.arange(np.prod(shape))
        hard = ((flat + flat // max(n, 1)) % 3 == 0).reshape(shape).astype("float64")
        if takes.shapes != "equal" or takes.y_pred == "distances":
            return hard
        return np.where(rng.random(shape) < 0.4, rng.uniform(0.1, 0.9, size=shape), hard)
    if word in ("ids", "relevance", "bins", "signs", "counts", "survival", "boxes", "view"):
        return _special(rng, word, shape, n, p)
    if word in ("nonnegative", "positive"):
        return np.exp(rng.normal(size=shape) * 0.5)
    if word == "unused":
        return np.zeros(shape)
    return rng.normal(size=shape)  # real, logits, any


def _special(rng, word, shape, n, p):
    if word == "ids":
        ids = np.arange(shape[0]).reshape(-1, *(1,) * (len(shape) - 1)) // 2
        return np.broadcast_to(ids, shape).astype("int32")
    if word == "relevance":
        grades = rng.integers(0, 4, size=shape).astype("float64")
        grades.reshape(-1)[shape[-1] - 1] = -1  # Padding.
        return grades
    if word == "bins":
        return rng.uniform(0, max(n - 1.01, 0), size=shape)
    if word == "signs":
        return np.where(np.arange(np.prod(shape)).reshape(shape) % 2, -1.0, 1.0)
    if word == "counts":
        return rng.poisson(2.0, size=shape).astype("float64")
    if word == "survival":
        times = rng.permutation(np.arange(1.0, shape[0] + 1))
        columns = [times, (np.arange(shape[0]) % 3 != 1) * 1.0]
        strata = [np.arange(shape[0]) % 2 * 1.0] * (shape[-1] - 2)
        return np.stack([*columns, *strata], axis=-1)
    if word == "boxes":
        return _boxes(rng, shape) if shape[-1:] == (4,) else rng.uniform(size=shape)
    own = rng.normal(size=shape)  # view
    return p + 0.5 * own if p.shape == shape else own


# --- what no declaration says ------------------------------------------------------------


def _sequence(b, kind):
    rng, takes = np.random.default_rng(_SEED), KINDS[kind]
    ids = rng.integers(1, 4, size=(b, 2)).astype("int32")
    p, domain = predictions(rng, (b, 7, 5), takes.y_pred == "logits")
    return Sample(kind, ids, p.astype("float32"), domain, takes=takes)


def _stacked(b, width):
    """Anchor, positive and negative side by side in one row."""
    rng = np.random.default_rng(_SEED)
    return Sample(
        "stacked_triplets", np.zeros((b, 1), "float32"),
        rng.normal(size=(b, 3 * width)).astype("float32"), "real",
        takes=KINDS["stacked_triplets"],
    )
