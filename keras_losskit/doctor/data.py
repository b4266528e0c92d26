"""Sensible data for any loss: as it declares, or of the kind that fits, found by trying."""

import re

import numpy as np
from keras import tree

import keras_losskit as kl
from keras_losskit.core.combined import Batch, CombinedLoss
from keras_losskit.core.config import snake_case
from keras_losskit.core.takes import takes_of
from keras_losskit.doctor.kinds import (
    BATCH,
    FREE,
    KINDS,
    Sample,
    declared,
    make,
    make_ids,
    outside,
    predictions,
)
from keras_losskit.doctor.packing import packed
from keras_losskit.doctor.running import Runner, attempt, backend, tensor, to_numpy

# Column counts to try; none is the size of a made batch.
SIZES = (3, 1, 2, 4, 5, 8, 10, 7, 16)
# Kinds on which a loss may stand still before it is taken to do so everywhere.
_PATIENCE = 2 if backend() == "jax" else 5
# Batch sizes to try where a loss is written for one alone.
_BATCHES = (32, 16, 64, 8)

MEND_RANGE = (
    "Divide masks of 0 and 255 by 255; give the logits to a loss with from_logits=True, or "
    "probabilities to one without; count classes from 0 to C - 1."
)

# --- what strangers are likely to take -----------------------------------------------------

_HINTS = (
    (r"sparse", ("ids",)),
    (r"ctc", ("sequence",)),
    (r"categorical_?hinge", ("scores",)),
    (r"hinge|wasserstein", ("signs", "binary")),
    (r"bce|binary|sigmoid", ("binary", "map")),
    (r"dice|jaccard|tversky|lovasz|segment|overlap", ("map", "map_binary", "onehot", "map_ids")),
    (r"kl_?div|kullback|jensen", ("simplex", "onehot")),
    (r"categorical|softmax|cross_?entropy|focal|nll|brier", ("onehot", "ids", "binary")),
    (r"[gdc]?iou|box", ("boxes",)),
    (r"triplet|circle|n_?pair|embedding", ("embeddings", "triplets", "stacked_triplets")),
    (r"contrastive|info_?nce|nt_?xent|clip_|barlow|vicreg|simclr", ("views", "embeddings")),
    (r"ndcg|mrr|rank|listwise|list_", ("ranking",)),
    (r"poisson|gamma|tweedie|logarithmic|msle|deviance", ("positive",)),
    (r"quantile|pinball", ("real", "quantiles")),
    (r"cox|survival|hazard|partial_likelihood", ("survival",)),
    (r"ssim|psnr|perceptual|sobel|gradient_difference|total_variation|image", ("image",)),
)
_OTHERS = (
    "real", "positive", "binary", "onehot", "ids", "map", "map_ids", "image", "quantiles",
    "embeddings", "views", "triplets", "boxes", "ranking", "sequence", "ordinal",
    "stacked_triplets", "survival",
)


def hints(subject):
    """The kinds that the name of a loss speaks of."""
    loss = innermost(subject.loss)
    name = subject.kind_name if subject.function is not None else type(loss).__name__
    inner = getattr(loss, "loss", None) or getattr(loss, "function", None)
    if isinstance(loss, (kl.KerasLoss, kl.FunctionLoss)) and inner is not None:
        name = getattr(inner, "__name__", type(inner).__name__)
    found = []
    for pattern, kinds in _HINTS:
        if re.search(pattern, snake_case(name)):
            found += kinds
    return list(dict.fromkeys(found))


def takes_logits(subject, scan):
    """Whether a stranger's `y_pred` holds logits, by its options and its words."""
    logits = subject.option("from_logits")
    if logits is None:
        words = scan.words()
        logits = "from_logits=True" in words or bool(
            words & {"softplus", "logsumexp", "softmax", "log_softmax", "sigmoid", "log_sigmoid",
                     "logsigmoid", "sigmoid_cross_entropy_with_logits",
                     "softmax_cross_entropy_with_logits"}
        )
    return bool(logits)


def likely_kinds(subject, scan):
    """The kinds to try on a stranger, the likeliest first."""
    first, words = hints(subject), scan.words()
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
    return [*dict.fromkeys(first), *(k for k in _OTHERS if k not in first)]


def innermost(loss):
    """The first loss that is not made of losses."""
    while isinstance(loss, CombinedLoss) and loss.operands():
        loss = loss.operands()[0]
    return loss


def leaves(loss):
    """The losses that a loss is made of, itself where it is made of none."""
    if isinstance(loss, CombinedLoss) and loss.operands():
        return [leaf for operand in loss.operands() for leaf in leaves(operand)]
    return [loss]


def sizes_for(subject):
    """Column counts to try: as many as the lists have that the loss was given come first."""
    wanted = []
    for loss in leaves(subject.loss):
        for value in vars(loss).values():
            if isinstance(value, (list, tuple)) and value and all(
                isinstance(x, (int, float)) for x in value
            ):
                wanted.append(len(value))
        wanted.append(2 * getattr(loss, "centers", 0) if isinstance(loss, kl.Loss) else 0)
    return [*dict.fromkeys(n for n in (*wanted, *SIZES) if n)]


# --- data as declared ----------------------------------------------------------------------


def made(loss, n, form=0, stranger=None, batch=BATCH):
    """A `Sample` for a loss, its parts put where it selects them.

    `stranger`: `(kind, logits)` of what declares nothing.
    """
    if isinstance(loss, kl.Select):
        return _placed(loss, made(loss.loss, n, form, stranger, batch))
    if isinstance(loss, CombinedLoss) and loss.operands():
        parts = [made(x, n, form, stranger, batch) for x in loss.operands()]
        return _merged(parts)
    takes = takes_of(loss) if isinstance(loss, kl.Loss) else _known(loss)
    if takes is None:
        kind, logits = stranger
        return make(kind, n, logits, batch)
    blocks = getattr(loss, "blocks", 2)
    centers = getattr(loss, "centers", 1)
    several = isinstance(centers, int) and centers > 1
    return declared(
        takes, n, batch, blocks=blocks if isinstance(blocks, int) else 2, form=form,
        classes=n // centers if several else None, least=getattr(loss, "least_size", 1),
    )


def _known(loss):
    """What a loss of Keras or a wrapped function is known to take."""
    from keras_losskit.core.foreign import OF_KERAS

    thing = getattr(loss, "function", None) or type(loss)
    if (getattr(thing, "__module__", None) or "").split(".")[0] != "keras":
        return getattr(thing, "takes", None) if isinstance(thing, kl.Takes) else None
    known = OF_KERAS.get(snake_case(thing.__name__))
    return None if known is None else known.given(getattr(loss, "from_logits", None) or (
        getattr(loss, "_fn_kwargs", None) or {}).get("from_logits"))


def _placed(select, inner):
    """The sample of a selected loss, where it selects from."""
    if inner.takes is not None and inner.takes.shapes in ("embeddings", "views"):
        inner = _of_width(inner, select.y_pred)  # They are of any dimension.
    sides = [
        _outer(getattr(inner, side), getattr(select, side)) for side in ("y_true", "y_pred")
    ]
    whole = all(not tree.is_nested(x) and not np.isnan(x).any() for x in sides)
    alone = all(len(tree.flatten(x)) == 1 for x in sides) and not any(
        np.isnan(leaf).any() for x in sides for leaf in tree.flatten(x) if leaf.dtype.kind == "f"
    )
    domain = inner.domain if whole or alone else "mixed"
    return Sample(inner.kind, *sides, domain, takes=inner.takes)


def _of_width(inner, selector):
    """The sample with as many dimensions as a slice selects, if it has more."""
    if not isinstance(selector, slice) or selector.stop is None or selector.stop < 0:
        return inner
    wide, selected = inner.y_pred.shape[-1], len(range(selector.stop)[selector])
    if selected >= wide:
        return inner
    return Sample(
        inner.kind,
        *(x[..., :selected] if x.ndim > 1 else x for x in (inner.y_true, inner.y_pred)),
        inner.domain, takes=inner.takes,
    )


def _outer(x, selector):
    """An array of which `selector` selects `x`; NaN where it selects nothing."""
    if selector is None:
        return x
    if isinstance(selector, str):
        return {selector: x}
    if isinstance(selector, dict):
        raise ValueError("a dict of parts; give y_true and y_pred")
    if isinstance(selector, int):
        column = x[..., :1] if x.ndim > 1 and x.shape[-1] == 1 else x[..., None]
        return _spread(column, [selector])
    if isinstance(selector, list):
        return _spread(x if x.ndim > 1 else x[:, None], selector)
    x = x if x.ndim > 1 else x[:, None]
    for width in range(1, 64):
        indices = list(range(width))[selector]
        if len(indices) == x.shape[-1]:
            return _spread(x, indices, width)
    raise ValueError(f"{selector} selects no {x.shape[-1]} columns")


def _spread(x, indices, width=0):
    if len(indices) != x.shape[-1]:
        raise ValueError(f"{indices} selects no {x.shape[-1]} columns")
    width = max(width, *(i + 1 if i >= 0 else -i for i in indices))
    outer = np.full((*x.shape[:-1], width), np.nan, "float32")
    outer[..., indices] = x
    return outer


def _merged(parts):
    """One sample for several losses on the same batch: each finds its own columns."""
    first = parts[0]
    arrays, nested = [], False
    for side in ("y_true", "y_pred"):
        joined = getattr(first, side)
        for part in parts[1:]:
            joined = _joined(joined, getattr(part, side))
        nested = nested or isinstance(joined, dict)
        arrays.append(joined)
    alike = len({(p.domain, p.takes) for p in parts}) == 1
    changed = any(
        tree.is_nested(x) or np.shape(x) != np.shape(getattr(first, side))
        for side, x in zip(("y_true", "y_pred"), arrays, strict=True)
    )
    domain = first.domain if alike or not changed else "mixed"
    return Sample(first.kind, *arrays, domain, takes=first.takes)


def _joined(a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        return {**b, **a}
    if isinstance(a, dict) or isinstance(b, dict) or a.ndim != b.ndim:
        return a
    if a.shape[:-1] != b.shape[:-1] or not (np.isnan(a).any() or a.shape[-1] < b.shape[-1]):
        return a
    out = np.full((*a.shape[:-1], max(a.shape[-1], b.shape[-1])), np.nan, "float32")
    out[..., : b.shape[-1]] = b
    kept = np.where(np.isnan(a), out[..., : a.shape[-1]], a)
    out[..., : a.shape[-1]] = kept
    return out


def _filled(sample):
    """The sample with random numbers in the columns that nobody selects."""
    rng = np.random.default_rng(7)

    def fill(x):
        if x.dtype.kind != "f" or not np.isnan(x).any():
            return x
        return np.where(np.isnan(x), rng.normal(size=x.shape), x).astype(x.dtype)

    sample.y_true, sample.y_pred = (
        tree.map_structure(fill, x) for x in (sample.y_true, sample.y_pred)
    )
    return sample


# --- finding one that works --------------------------------------------------------------


def find(subject, scan, y_true=None, y_pred=None, shapes=None, state=None):
    """`(subject, Sample, None)`, or `(None, None, what was tried)`.

    The subject is one that takes the sample as two arrays.
    """
    if y_true is not None or y_pred is not None:
        if y_true is None or y_pred is None:
            return None, None, "give both y_true and y_pred, or neither"
        return (*given(subject, scan, y_true, y_pred), None)
    takes = common_takes(subject)
    if isinstance(shapes, str):
        if shapes not in KINDS:
            return None, None, f"no kind of data is called {shapes!r}; there are {', '.join(KINDS)}"
        kinds = [shapes]
    elif shapes is not None:
        return (*_of_shapes(subject, scan, shapes), None)
    else:
        kinds = likely_kinds(subject, scan)
    forced = isinstance(shapes, str)
    known = not forced and all(
        (takes_of(x) if isinstance(x, kl.Loss) else _known(x)) is not None
        for x in leaves(subject.loss)
    )
    logits = takes_logits(subject, scan)
    sizes = sizes_for(subject)
    free = takes is not None and takes.shapes == "free" and not forced
    plan = _plan(subject, scan, kinds, sizes, known, free)
    best, still, tried = None, 0, []
    said = forced or known or hints(subject) or subject.option("from_logits") is not None
    for step in plan:
        if step is None:  # A round is over.
            if best is not None:
                break
            continue
        kind, n, form, batch = step
        if forced:
            sample = make(kind, n, logits, batch)
        else:
            sample, error = attempt(made, subject.loss, n, form, (kind, logits), batch)
            if error is not None:
                tried.append(error)
                continue
        sample.guessed = not said
        found, sample = _flat(subject, _filled(sample))
        outcome = _try(Runner(found, state), sample)
        if outcome == "good":
            return found, sample, None
        if outcome == "still" and not still:  # Finite, and nothing moves.
            best = found, sample
        elif outcome == "runs" and best is None:
            best = found, sample
        elif outcome not in ("still", "runs"):
            tried.append((found, sample))
        still += outcome == "still"
        if still > _PATIENCE:
            break  # It moves on nothing.
    if best is not None:
        return (*best, None)
    tried = [x for x in tried if isinstance(x, tuple)]
    if tried:  # Bad on everything: the first is as good as any.
        return (*tried[0], None)
    return None, None, "nothing could be tried"


def _plan(subject, scan, kinds, sizes, known, free):
    """`(kind, columns, form, batch)` in the order in which they are tried."""
    seen = bool(scan.sources) or subject.of_keras or subject.of_kit
    forms = range(FREE) if free else (0,)
    kinds = kinds[:1] if known else kinds
    for rounds in (sizes[:1] if seen else sizes, sizes[1:]):
        for kind in kinds:
            for n in rounds:
                for form in forms:
                    yield kind, n, form, BATCH
        yield None
        if backend() == "jax" and len(kinds) * len(rounds) > 40:
            return
    batches = [n for n in scan.numbers() if 1 < n <= 256 and n != BATCH]
    for batch in (*batches, *_BATCHES):  # A loss may be written for one size of batch.
        for n in sizes[:3]:
            yield kinds[0], n, 0, batch


def common_takes(subject):
    """What a subject declares, or is known to take; `None` where that is nothing common."""
    if isinstance(subject.loss, kl.Loss):
        return takes_of(subject.loss)
    return _known(subject.loss)


def _flat(subject, sample):
    """The subject and the sample without nesting."""
    found, sample.y_true, sample.y_pred = packed(subject, sample.y_true, sample.y_pred)
    return found, sample


def _try(runner, sample):
    """`"good"`, `"still"` (finite, but nothing moves), `"runs"`, or the error."""
    found, error = attempt(runner, "gradient", sample.y_true, sample.y_pred)
    if error is not None:
        found, error = attempt(runner.eagerly, "value", sample.y_true, sample.y_pred)
        if error is not None:
            return error
        return "good" if np.isfinite(found) else "runs"
    value, gradient = found
    fine = np.isfinite(value) and (gradient is None or np.isfinite(gradient).all())
    if not fine:
        return "runs"
    return "good" if gradient is not None and np.any(gradient) else "still"


# --- data from the user --------------------------------------------------------------------


def given(subject, scan, y_true, y_pred):
    """`(subject, Sample)` of the user's own data."""
    y_true, y_pred = _plain(y_true), _plain(y_pred)
    nested = tree.is_nested(y_true) or tree.is_nested(y_pred)
    parts = max(len(tree.flatten(y_true)), len(tree.flatten(y_pred)))
    subject, y_true, y_pred = packed(subject, y_true, y_pred)
    y_pred = y_pred.astype("float32")
    if y_true.dtype == np.float64 or y_true.dtype == np.float16:
        y_true = y_true.astype("float32")
    takes = None if nested and parts > 1 else common_takes(subject)
    domain = "mixed" if parts > 1 or (takes is None and _selects(subject.loss)) else (
        _domain(subject, takes, y_pred)
    )
    if nested and any(isinstance(x, kl.Select) for x in [subject.loss]) and parts == 1:
        takes = common_takes(subject)
    return subject, Sample("given", y_true, y_pred, domain, given=True, takes=takes)


def _selects(loss):
    if isinstance(loss, kl.Select):
        return True
    return isinstance(loss, CombinedLoss) and any(map(_selects, loss.operands()))


def _domain(subject, takes, y_pred):
    """What given predictions hold, by the declaration or by their numbers."""
    finite = y_pred[np.isfinite(y_pred)]
    unit = finite.size and finite.min() >= 0 and finite.max() <= 1
    rows = y_pred.ndim > 1 and y_pred.shape[-1] > 1
    sums = bool(rows and np.allclose(y_pred.sum(-1), 1, atol=1e-3))
    if takes is not None:
        word = takes.y_pred
        by_word = {"logits": "logits", "cosines": "cosine", "boxes": "boxes",
                   "positive": "positive", "nonnegative": "positive", "distances": "positive"}
        if word in by_word:
            return by_word[word]
        if word != "probabilities":
            return "real"
        return "simplex" if sums and takes.y_true in ("classes", "distribution") else "probability"
    if subject.option("from_logits"):
        return "logits"
    if unit:
        return "simplex" if sums else "unit"
    return "positive" if finite.size and finite.min() > 0 else "real"


def _plain(x):
    """`x` as NumPy arrays; a list of numbers is one array, a list of arrays a structure."""
    if isinstance(x, dict):
        return {k: _plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)) and any(
        len(getattr(leaf, "shape", ())) for leaf in tree.flatten(x)
    ):
        return type(x)(_plain(v) for v in x)
    return to_numpy(x) if hasattr(x, "dtype") and not isinstance(x, np.ndarray) else np.asarray(x)


def out_of_range(subject, scan, y_true, y_pred):
    """`(in words, sure)` for what of given data lies outside what the loss takes.

    Sure where the loss declares it, or is known; a stranger's name is a guess.
    """
    y_true, y_pred = _plain(y_true), _plain(y_pred)
    found, error = attempt(lambda: list(_outside(subject.loss, y_true, y_pred)))
    if error is None and found:
        return found[0], True
    if tree.is_nested(y_true) or tree.is_nested(y_pred) or common_takes(subject) is not None:
        return None
    kinds = [k for k in hints(subject) if k in KINDS]
    if subject.of_kit or not kinds or scan.compares("y_true"):
        return None  # A comparison may leave out what is marked as missing.
    # Every kind that the name may mean has to refuse it.
    said = []
    for kind in kinds:
        takes = KINDS[kind].given(takes_logits(subject, scan))
        words, error = attempt(outside, takes, y_true, y_pred)
        if error is not None or words is None:
            return None
        said.append(words)
    return said[0], False


def _outside(loss, y_true, y_pred):
    if isinstance(loss, CombinedLoss):
        batch = loss.inputs(Batch(*(tree.map_structure(tensor, x) for x in (y_true, y_pred))))
        for operand in loss.operands():
            yield from _outside(operand, _plain(batch.y_true), _plain(batch.y_pred))
        return
    takes = takes_of(loss) if isinstance(loss, kl.Loss) else _known(loss)
    if takes is None or tree.is_nested(y_true) or tree.is_nested(y_pred):
        return
    if not isinstance(loss, kl.Loss) or isinstance(loss, (kl.KerasLoss, kl.FunctionLoss)):
        # Keras checks no range: the declaration of its losses leaves it open.
        takes = kl.Takes(takes.y_true, takes.y_pred, takes.shapes)
    for option in ("ignore_class", "missing"):
        out = getattr(loss, option, None)
        if isinstance(out, (int, float)):
            y_true = np.where(y_true == out, 0, y_true)
    words = outside(takes, y_true, y_pred)
    if words is not None:
        yield words


# --- hints of shapes -----------------------------------------------------------------------


def _of_shapes(subject, scan, shapes):
    kinds, logits = likely_kinds(subject, scan), takes_logits(subject, scan)
    takes = common_takes(subject)
    if isinstance(shapes, dict):
        if "kind" in shapes:
            kinds, takes = [shapes["kind"]], None
        shapes = (shapes["y_true"], shapes["y_pred"])
    if takes is not None:
        logits = takes.y_pred == "logits"
        kinds = [k for k, v in KINDS.items() if v.y_pred == takes.y_pred] + kinds
    t_shape, p_shape = (tuple(int(n) for n in s) for s in shapes)
    rng, runner, first = np.random.default_rng(20240621), Runner(subject), None
    for kind in kinds:
        sample = _shaped(rng, kind, logits, t_shape, p_shape)
        outcome = _try(runner, sample)
        if outcome == "good":
            return subject, sample
        first = first or sample
    return subject, first


def _shaped(rng, kind, logits, t_shape, p_shape):
    n = p_shape[-1] if p_shape else 1
    word = KINDS[kind].y_true
    if word == "probability":
        p, domain = predictions(rng, p_shape, logits, one_column=True)
        t = (rng.random(t_shape) < 0.4).astype("float32")
    elif word in ("classes", "distribution"):
        p, domain = predictions(rng, p_shape, logits)
        if t_shape == p_shape and n > 1:
            t = np.eye(n)[make_ids(rng, t_shape[:-1], n)]
        else:
            t = make_ids(rng, t_shape, n if n > 1 else 2)
    elif kind == "positive":
        t, p = np.exp(rng.normal(size=t_shape)), np.exp(rng.normal(size=p_shape))
        domain = "positive"
    elif word == "ids":
        ids = np.arange(t_shape[0]).reshape(-1, *(1,) * (len(t_shape) - 1)) // 2
        t = np.broadcast_to(ids, t_shape)
        p, domain = rng.normal(size=p_shape), "real"
    else:
        t, p, domain = rng.normal(size=t_shape), rng.normal(size=p_shape), "real"
    t = np.asarray(t, "int32" if np.asarray(t).dtype.kind in "iu" else "float32")
    takes = KINDS[kind].given(logits) if KINDS[kind].y_pred == "probabilities" else KINDS[kind]
    return Sample(kind, t, np.asarray(p, "float32"), domain, given=True, takes=takes)


