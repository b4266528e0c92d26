"""Sensible data for any loss, found by trying."""

import re

import numpy as np

import keras_losskit as kl
from keras_losskit.core.takes import takes_of
from keras_losskit.doctor.given import given
from keras_losskit.doctor.guesses import (
    common_takes,
    hints,
    known,
    leaves,
    likely_kinds,
    takes_logits,
)
from keras_losskit.doctor.kinds import BATCH, FREE, KINDS, Sample, make, make_ids, predictions
from keras_losskit.doctor.made import filled, made
from keras_losskit.doctor.packing import packed
from keras_losskit.doctor.running import Runner, attempt, backend

# Column counts to try; none is the size of a made batch.
SIZES = (3, 1, 2, 4, 5, 8, 10, 7, 16)

# Kinds on which a loss may stand still before it is taken to do so everywhere.
_PATIENCE = 2 if backend() == "jax" else 5

# Batch sizes to try where a loss is written for one alone.
_BATCHES = (32, 16, 64, 8)


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
        function = getattr(loss, "function", None) or subject.function
        for cell in getattr(function, "__closure__", None) or ():  # Weights of a factory.
            value, error = attempt(lambda cell=cell: cell.cell_contents)
            if error is None and isinstance(value, (list, tuple, np.ndarray)) and len(value) <= 64:
                wanted.append(len(value))
            elif type(value) is int and 1 < value <= 16:  # A factory's count, of columns or blocks.
                wanted += [value, 2 * value, 3 * value]
    return [*dict.fromkeys(n for n in (*wanted, *SIZES) if n)]


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
    sure = not forced and all(
        (takes_of(x) if isinstance(x, kl.Loss) else known(x)) is not None
        for x in leaves(subject.loss)
    )
    logits = takes_logits(subject, scan)
    sizes = sizes_for(subject)
    free = takes is not None and takes.shapes == "free" and not forced
    said = () if forced else hints(subject)
    plan = _plan(subject, scan, kinds, sizes, sure, free)
    best, still, tried, refused = None, 0, [], []
    known_kind = forced or sure or subject.option("from_logits") is not None
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
        sample.guessed = not known_kind and kind not in said
        found, sample = _flat(subject, filled(sample))
        outcome = _try(Runner(found, state), sample)
        if outcome == "good" or "`call` returned" in str(outcome):
            sample.refused = tuple(refused)  # What the kit's template refuses is the loss's fault.
            return found, sample, None
        if outcome == "runs":
            refused.append(sample)
        if outcome == "still" and not still:  # Finite, and nothing moves.
            best = found, sample
        elif outcome == "runs" and best is None:
            best = found, sample
        elif outcome not in ("still", "runs"):
            tried.append((found, sample, outcome))
        still += outcome == "still"
        if still > _PATIENCE:
            break  # It moves on nothing.
    if best is not None:
        return (*best, None)
    tried = [x for x in tried if isinstance(x, tuple)]
    if tried:  # Bad on everything: the first that fits in shape, or the first.
        return (*min(tried, key=lambda x: _misfit(x[2]))[:2], None)
    return None, None, "nothing could be tried"


def others(subject, scan, sample, state, most=2):
    """Samples of other kinds that a stranger computes on, and moves on."""
    logits, found = takes_logits(subject, scan), []
    columns = sample.y_pred.shape[-1] if sample.y_pred.ndim > 1 else SIZES[0]
    for kind in likely_kinds(subject, scan):
        if kind == sample.kind or len(found) == most:
            continue
        other, error = attempt(made, subject.loss, columns, 0, (kind, logits))
        if error is not None or isinstance(other.y_true, dict) or other.domain == sample.domain:
            continue
        if _try(Runner(subject, state), other) == "good":
            other.guessed = True
            found.append(other)
    return found


_MISFIT = re.compile(r"shape|size|dimension|broadcast|incompatible|rank|axis|index|column", re.I)


def _misfit(error):
    """Whether an error is one of shapes that do not fit, which is the data's fault."""
    return bool(_MISFIT.search(str(error).splitlines()[0] if str(error) else ""))


def _plan(subject, scan, kinds, sizes, known, free):
    """`(kind, columns, form, batch)` in the order in which they are tried."""
    seen = bool(scan.sources) or subject.of_keras or subject.of_kit
    forms = range(FREE) if free else (0,)
    kinds = kinds[:1] if known else kinds
    # The likeliest kinds in the sizes that its source names, before any other kind.
    named = [] if known or free else [n for n in scan.numbers() if 1 < n <= 64]
    for rounds in (sizes[:1] if seen else sizes, sizes[1:]):
        for place, kind in enumerate(kinds):
            more = named[:4] if place < 2 and kind != "real" else ()
            for n in dict.fromkeys((*rounds, *more)):
                for form in forms:
                    yield kind, n, form, BATCH
        yield None
        if backend() == "jax" and len(kinds) * len(rounds) > 40:
            return
    batches = [n for n in scan.numbers() if 1 < n <= 256 and n != BATCH]
    for batch in (*batches, *_BATCHES):  # A loss may be written for one size of batch.
        for n in sizes[:3]:
            yield kinds[0], n, 0, batch


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
    if t_shape != p_shape and kinds[0] == "real":  # Nothing speaks of classes: raw parameters.
        kinds = sorted(kinds, key=lambda kind: KINDS[kind].y_true == "classes")
    rng, runner, first = np.random.default_rng(20240621), Runner(subject), None
    refused = []
    for kind in kinds:
        sample = _shaped(rng, kind, logits, t_shape, p_shape)
        outcome = _try(runner, sample)
        if outcome == "good":
            sample.refused = tuple(refused)
            return subject, sample
        if outcome == "runs":
            refused.append(sample)
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
