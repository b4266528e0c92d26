"""Sensible data for any loss: which kind fits, found by trying."""

import re

import numpy as np

import keras_losskit as kl
from keras_losskit.core.combined import CombinedLoss
from keras_losskit.doctor.kinds import KINDS, Sample, make, make_ids, predictions
from keras_losskit.doctor.running import Runner, attempt, backend, to_numpy

# Column counts to try; none is the size of a made batch.
SIZES = (3, 1, 2, 4, 5, 8, 10, 7, 16)

# --- which kinds a loss is likely to take --------------------------------------------

_FAMILY = {
    "regression": ("real",), "classification": ("ids", "onehot"),
    "segmentation": ("map", "map_ids"), "metric_learning": ("embeddings",),
    "paired_views": ("views",), "boxes": ("boxes",), "ranking": ("ranking",),
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
    "CenterNetFocal": ("heatmap",), "LovaszHinge": ("map_binary", "map_ids", "map"),
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
        if shapes not in KINDS:
            return None, f"no kind of data is called {shapes!r}; there are {', '.join(KINDS)}"
        kinds = [shapes]
    elif shapes is not None:
        return _of_shapes(subject, kinds, logits, shapes)
    runner, errors, second = Runner(subject), [], None
    sizes = sizes_for(subject)
    first_sizes = sizes[:1] if scan.sources or subject.of_keras or subject.of_kit else sizes
    for rounds in (first_sizes, sizes[1:]):
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
        p, domain = predictions(rng, p_shape, logits, one_column=True)
        t = (rng.random(t_shape) < 0.4).astype("float32")
    elif kind in ("onehot", "ids", "map", "map_ids", "simplex"):
        p, domain = predictions(rng, p_shape, logits)
        if t_shape == p_shape and n > 1:
            t = np.eye(n)[make_ids(rng, t_shape[:-1], n)]
        else:
            t = make_ids(rng, t_shape, n if n > 1 else 2)
    elif kind == "positive":
        t, p = np.exp(rng.normal(size=t_shape)), np.exp(rng.normal(size=p_shape))
        domain = "positive"
    elif kind == "embeddings":
        ids = np.arange(t_shape[0]).reshape(-1, *(1,) * (len(t_shape) - 1)) // 2
        t = np.broadcast_to(ids, t_shape)
        p, domain = rng.normal(size=p_shape), "real"
    else:
        t, p, domain = rng.normal(size=t_shape), rng.normal(size=p_shape), "real"
    t = np.asarray(t, "int32" if np.asarray(t).dtype.kind in "iu" else "float32")
    return Sample(kind, t, np.asarray(p, "float32"), domain, given=True)
