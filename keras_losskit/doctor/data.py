"""Sensible data for any loss: the kinds that there are, and which one fits."""

import re
from dataclasses import dataclass

import numpy as np

import keras_losskit as kl
from keras_losskit.core.algebra import CombinedLoss
from keras_losskit.doctor.running import Runner, attempt, backend

BATCH = 6  # None of the sizes below, so that axes cannot be mistaken for each other.
SIZES = (3, 1, 2, 4, 5, 8, 10, 7, 16)


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
    t, p, domain = _KINDS[kind](rng, batch, n, logits)
    p = np.asarray(p, "float32")
    t = np.asarray(t, "int32" if np.asarray(t).dtype.kind in "iu" else "float32")
    return Sample(kind, t, p, domain)


def _real(rng, b, n, logits):
    return rng.normal(size=(b, n)), rng.normal(size=(b, n)) * 1.5, "real"


def _positive(rng, b, n, logits):
    return *np.exp(rng.normal(size=(2, b, n)) * 0.5), "positive"


def _predictions(rng, shape, logits, one_column=False):
    z = rng.normal(size=shape) * 1.5
    if logits:
        return z, "logits"
    if one_column or shape[-1] == 1:
        return 1 / (1 + np.exp(-z)), "probability"
    e = np.exp(z)
    return e / e.sum(-1, keepdims=True), "simplex"


def _binary(rng, b, n, logits):
    p, domain = _predictions(rng, (b, n), logits, one_column=True)
    t = (np.arange(b * n).reshape(b, n) % 3 == 0).astype("float64")
    return t, p, domain


def _ids(rng, shape, n):
    ids = rng.integers(0, max(n, 1), size=shape)
    return ids.astype("int32")


def _onehot(rng, b, n, logits):
    p, domain = _predictions(rng, (b, n), logits)
    return np.eye(n)[_ids(rng, (b,), n)], p, domain


def _sparse(rng, b, n, logits):
    p, domain = _predictions(rng, (b, n), logits)
    return _ids(rng, (b,), n), p, domain


def _signs(rng, b, n, logits):
    return np.where(rng.random((b, n)) < 0.5, -1.0, 1.0), rng.normal(size=(b, n)), "real"


def _scores(rng, b, n, logits):
    return np.eye(n)[_ids(rng, (b,), n)], rng.normal(size=(b, n)), "real"


def _map(rng, b, n, logits):
    shape = (3, 4, 5)
    p, domain = _predictions(rng, (*shape, n), logits)
    if n == 1:
        return (rng.random((*shape, 1)) < 0.4).astype("float64"), p, domain
    return np.eye(n)[_ids(rng, shape, n)], p, domain


def _map_ids(rng, b, n, logits):
    p, domain = _predictions(rng, (3, 4, 5, n), logits)
    return _ids(rng, (3, 4, 5), n), p, domain


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
    return _ids(rng, (b,), n), rng.uniform(-0.8, 0.8, size=(b, n)), "cosine"


def _boxes(rng, b, n, logits):
    corner = rng.uniform(0, 0.5, size=(2, b, 2, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(0.1, 0.5, size=corner.shape)], -1)
    return boxes[0], boxes[1], "boxes"


def _ranking(rng, b, n, logits):
    return rng.integers(0, 4, size=(b, 5)).astype("float64"), rng.normal(size=(b, 5)), "real"


def _ordinal(rng, b, n, logits):
    return _ids(rng, (b,), n + 1), rng.normal(size=(b, n)), "logits"


def _quantiles(rng, b, n, logits):
    return rng.normal(size=b), rng.normal(size=(b, n)), "real"


def _bins(rng, b, n, logits):
    n = max(n, 5)
    return rng.uniform(0, n - 1.01, size=b), rng.normal(size=(b, n)), "logits"


def _heatmap(rng, b, n, logits):
    p, domain = _predictions(rng, (3, 4, 5, n), logits, one_column=True)
    t = rng.uniform(0, 0.9, size=p.shape)
    t[:, 1, 1] = 1.0
    return t, p, domain


def _quality(rng, b, n, logits):
    p, domain = _predictions(rng, (b, n), logits, one_column=True)
    return np.where(rng.random((b, n)) < 0.4, rng.random((b, n)), 0.0), p, domain


def _sequence(rng, b, n, logits):
    return rng.integers(1, 4, size=(b, 2)).astype("int32"), rng.normal(size=(b, 7, 5)), "logits"


_KINDS = {
    "real": _real, "positive": _positive, "binary": _binary, "onehot": _onehot, "ids": _sparse,
    "signs": _signs, "scores": _scores, "map": _map, "map_ids": _map_ids, "image": _image,
    "embeddings": _embeddings, "views": _views, "triplets": _triplets, "distances": _distances,
    "cosines": _cosines, "boxes": _boxes, "ranking": _ranking, "ordinal": _ordinal,
    "quantiles": _quantiles, "bins": _bins, "heatmap": _heatmap, "quality": _quality,
    "sequence": _sequence,
}

# --- which kinds a loss is likely to take --------------------------------------------

_FAMILY = {
    "regression": ("real",), "classification": ("ids", "onehot"), "segmentation": ("map", "map_ids"),
    "metric_learning": ("embeddings",), "paired_views": ("views",), "boxes": ("boxes",),
    "ranking": ("ranking",),
}
# Of the kit's losses, those that take something else than their family does.
_KIT = {
    "Poisson": ("positive",), "Tweedie": ("positive",), "GammaDeviance": ("positive",),
    "ScaleInvariantLog": ("positive",), "MeanSquaredLogarithmicError": ("positive",),
    "BinaryCrossentropy": ("binary",), "BinaryFocalCrossentropy": ("binary",),
    "AsymmetricMultiLabel": ("binary",), "Hinge": ("signs",), "SquaredHinge": ("signs",),
    "CategoricalHinge": ("scores",), "BiTempered": ("ids",), "Distillation": ("real",),
    "KLDivergence": ("simplex",), "JensenShannon": ("simplex",), "CumulativeOrdinal": ("ordinal",),
    "Contrastive": ("distances",), "Triplet": ("triplets",), "NPairs": ("views",),
    "NormalizedSoftmax": ("cosines",), "CosFace": ("cosines",), "ArcFace": ("cosines",),
    "SubCenterArcFace": ("cosines",), "ProxyNCA": ("cosines",), "ProxyAnchor": ("cosines",),
    "QualityFocal": ("quality",), "Varifocal": ("quality",), "DistributionFocal": ("bins",),
    "CenterNetFocal": ("heatmap",), "LovaszHinge": ("map_binary",),
}
_LOGITS = {
    "BiTempered", "Sparsemax", "LogitAdjustedCrossentropy", "LDAM", "Distillation", "LovaszHinge",
}
_HINTS = (
    (r"sparse", ("ids",)),
    (r"ctc", ("sequence",)),
    (r"categorical_?hinge", ("scores",)),
    (r"hinge", ("signs", "binary")),
    (r"bce|binary|sigmoid", ("binary", "map")),
    (r"dice|jaccard|tversky|lovasz|segment|overlap", ("map", "onehot", "map_ids")),
    (r"kl_?div|kullback|jensen", ("onehot",)),
    (r"categorical|softmax|cross_?entropy|focal|nll|brier", ("onehot", "ids", "binary")),
    (r"[gdc]?iou|box", ("boxes",)),
    (r"triplet|circle|n_?pair|embedding", ("embeddings", "triplets")),
    (r"contrastive|info_?nce|nt_?xent|clip_|barlow|vicreg|simclr", ("views", "embeddings")),
    (r"ndcg|mrr|rank|listwise|list_", ("ranking",)),
    (r"poisson|gamma|tweedie|logarithmic|msle|deviance", ("positive",)),
    (r"quantile|pinball", ("real", "quantiles")),
)
_OTHERS = (
    "real", "positive", "binary", "onehot", "ids", "map", "map_ids", "image", "quantiles",
    "embeddings", "views", "triplets", "boxes", "ranking", "sequence", "ordinal",
)


def simplex(rng, b, n, logits):
    t, p = (np.exp(rng.normal(size=(b, n))) for _ in range(2))
    t = t / t.sum(-1, keepdims=True)
    return (t, np.log(p), "logits") if logits else (t, p / p.sum(-1, keepdims=True), "simplex")


_KINDS["simplex"] = simplex
_KINDS["map_binary"] = lambda rng, b, n, logits: _map(rng, b, 1, logits)


def innermost(loss):
    """The first loss that is not made of losses."""
    while isinstance(loss, CombinedLoss) and loss.operands():
        loss = loss.operands()[0]
    inner = getattr(loss, "loss", None)
    return innermost(inner) if isinstance(inner, kl.Loss) else loss


def likely_kinds(subject, scan):
    """The kinds to try, the likeliest first, and whether `y_pred` holds logits."""
    loss = innermost(subject.loss)
    name = type(loss).__name__ if subject.function is None else subject.kind_name
    parts = (type(loss).__module__ or "").split(".")
    words = scan.words()
    logits = subject.option("from_logits")
    if isinstance(loss, kl.Loss) and parts[:2] == ["keras_losskit", "losses"]:
        first = _KIT.get(name) or _FAMILY.get(parts[2], ("real",))
        logits = name in _LOGITS or bool(logits)
        if name in ("BiTempered", "CumulativeOrdinal"):
            logits = True
        if name == "Pinball" and isinstance(loss.tau, (list, tuple)):
            first = ("quantiles",)
        return [*first, *_others(first)], logits
    inner = getattr(loss, "loss", None) or getattr(loss, "function", None)
    if isinstance(loss, (kl.KerasLoss, kl.FunctionLoss)) and inner is not None:
        name = getattr(inner, "__name__", type(inner).__name__)
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    first = []
    for pattern, kinds in _HINTS:
        if re.search(pattern, snake):
            first += kinds
    if logits is None:
        logits = "from_logits=True" in words or bool(
            words & {"softplus", "logsumexp", "softmax", "log_softmax", "sigmoid", "log_sigmoid"}
        )
    if not first:
        if words & {"binary_crossentropy"}:
            first += ["binary"]
        if words & {"sparse_categorical_crossentropy", "one_hot", "take_along_axis"}:
            first += ["ids"]
        if words & {"categorical_crossentropy", "softmax", "log_softmax", "logsumexp"}:
            first += ["onehot"]
        if words & {"sigmoid", "log_sigmoid", "softplus"}:
            first += ["binary"]
        if "log" in words and words & {"clip", "maximum", "epsilon", "clip_by_value", "clamp"}:
            first += ["binary", "onehot", "positive"]
    return [*dict.fromkeys(first), *_others(first)], bool(logits)


def _others(first):
    return [k for k in _OTHERS if k not in first]


def sizes_for(subject):
    """Column counts to try: those that the loss's own lists ask for come first."""
    loss, wanted = innermost(subject.loss), []
    for option in ("class_weights", "class_counts", "weights", "tau", "axis_weights"):
        value = getattr(loss, option, None)
        if isinstance(value, (list, tuple)):
            wanted.append(len(value))
    if type(loss).__name__ == "SubCenterArcFace":
        wanted.append(2 * loss.centers)
    selected = []
    part = subject.loss
    while isinstance(part, CombinedLoss):
        if isinstance(part, kl.Select):
            for selector in (part.y_true, part.y_pred):
                if isinstance(selector, int):
                    selected.append(selector + 1)
                elif isinstance(selector, list):
                    selected.append(max(selector) + 1)
                elif isinstance(selector, slice) and selector.stop:
                    selected.append(selector.stop)
        part = (part.operands() or [None])[0]
    if selected:
        wanted.append(max(selected))
    return [*wanted, *(s for s in SIZES if s not in wanted)]


# --- finding one that works --------------------------------------------------------------


def find(subject, scan, y_true=None, y_pred=None, shapes=None):
    """`(Sample, None)`, or `(None, what was tried)`."""
    if y_true is not None or y_pred is not None:
        if y_true is None or y_pred is None:
            return None, "give both y_true and y_pred, or neither"
        return given(subject, y_true, y_pred), None
    kinds, logits = likely_kinds(subject, scan)
    if isinstance(shapes, str):
        if shapes not in _KINDS:
            return None, f"no kind of data is called {shapes!r}; there are {', '.join(_KINDS)}"
        kinds = [shapes]
    elif shapes is not None:
        return _of_shapes(subject, kinds, logits, shapes)
    runner, errors, second = Runner(subject), [], None
    sizes = sizes_for(subject)
    first_sizes = sizes[:1] if scan.sources or subject.of_keras or subject.of_kit else sizes
    for rounds in ([first_sizes, sizes[1:]]):
        for kind in kinds:
            for n in rounds:
                sample = make(kind, n, logits)
                outcome = _try(runner, sample)
                if outcome == "good":
                    return sample, None
                if outcome == "runs" and second is None:
                    second = sample
                if outcome not in ("good", "runs"):
                    errors.append((sample, outcome))
        if second is not None:
            return second, None
        if backend() == "jax" and len(errors) > 40:
            break
    if errors:  # Bad on everything: the first is as good as any.
        return errors[0][0], None
    return None, "nothing could be tried"


def _try(runner, sample):
    found, error = attempt(runner, "gradient", sample.y_true, sample.y_pred)
    if error is not None:
        found, error = attempt(runner.eagerly, "value", sample.y_true, sample.y_pred)
        if error is not None:
            return error
        return "good" if np.isfinite(found) else "runs"
    value, gradient = found
    fine = np.all(np.isfinite(value)) and (gradient is None or np.isfinite(gradient).all())
    return "good" if fine else "runs"


def given(subject, y_true, y_pred):
    """The caller's own data, its domain read off its numbers."""
    y_true, y_pred = _plain(y_true), _plain(y_pred)
    if not np.issubdtype(y_pred.dtype, np.floating):
        y_pred = y_pred.astype("float32")
    if y_true.dtype == np.float64:
        y_true = y_true.astype("float32")
    y_pred = y_pred.astype("float32")
    logits = subject.option("from_logits")
    finite = y_pred[np.isfinite(y_pred)]
    domain = "real"
    if logits:
        domain = "logits"
    elif finite.size and finite.min() >= 0 and finite.max() <= 1:
        rows = y_pred.ndim > 1 and y_pred.shape[-1] > 1
        sums = np.allclose(y_pred.sum(-1), 1, atol=1e-3) if rows else False
        domain = "simplex" if sums else "unit"
    elif finite.size and finite.min() > 0:
        domain = "positive"
    return Sample("given", y_true, y_pred, domain, given=True)


def _plain(x):
    from keras_losskit.doctor.running import to_numpy

    return to_numpy(x) if hasattr(x, "dtype") and not isinstance(x, np.ndarray) else np.asarray(x)


def _of_shapes(subject, kinds, logits, shapes):
    if isinstance(shapes, dict):
        kinds = [shapes["kind"]] if "kind" in shapes else kinds
        shapes = (shapes["y_true"], shapes["y_pred"])
    t_shape, p_shape = (tuple(int(n) for n in s) for s in shapes)
    rng, runner, first = np.random.default_rng(20240621), Runner(subject), None
    for kind in kinds:
        sample = _shaped(rng, kind, logits, t_shape, p_shape)
        outcome = _try(runner, sample)
        if outcome == "good":
            return sample, None
        first = first or sample
    return first, None


def _shaped(rng, kind, logits, t_shape, p_shape):
    n = p_shape[-1] if p_shape else 1
    if kind in ("binary", "map_binary", "quality", "heatmap"):
        p, domain = _predictions(rng, p_shape, logits, one_column=True)
        t = (rng.random(t_shape) < 0.4).astype("float32")
    elif kind in ("onehot", "ids", "map", "map_ids", "simplex"):
        p, domain = _predictions(rng, p_shape, logits)
        if t_shape == p_shape and n > 1:
            t = np.eye(n)[_ids(rng, t_shape[:-1], n)]
        else:
            t = _ids(rng, t_shape, n if n > 1 else 2)
    elif kind == "positive":
        t, p, domain = np.exp(rng.normal(size=t_shape)), np.exp(rng.normal(size=p_shape)), "positive"
    elif kind == "embeddings":
        t = np.broadcast_to((np.arange(t_shape[0]) // 2).reshape(-1, *(1,) * (len(t_shape) - 1)), t_shape)
        p, domain = rng.normal(size=p_shape), "real"
    else:
        t, p, domain = rng.normal(size=t_shape), rng.normal(size=p_shape), "real"
    t = np.asarray(t, "int32" if np.asarray(t).dtype.kind in "iu" else "float32")
    return Sample(kind, t, np.asarray(p, "float32"), domain, given=True)
