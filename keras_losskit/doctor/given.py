"""The user's own data, seen as the doctor sees made data."""

import numpy as np
from keras import tree

import keras_losskit as kl
from keras_losskit.doctor.guesses import common_takes, selects
from keras_losskit.doctor.kinds import Sample
from keras_losskit.doctor.packing import packed
from keras_losskit.doctor.running import to_numpy


def given(subject, scan, y_true, y_pred):
    """`(subject, Sample)` of the user's own data."""
    y_true, y_pred = plain(y_true), plain(y_pred)
    nested = tree.is_nested(y_true) or tree.is_nested(y_pred)
    parts = max(len(tree.flatten(y_true)), len(tree.flatten(y_pred)))
    subject, y_true, y_pred = packed(subject, y_true, y_pred)
    y_pred = y_pred.astype("float32")
    if y_true.dtype == np.float64 or y_true.dtype == np.float16:
        y_true = y_true.astype("float32")
    takes = None if nested and parts > 1 else common_takes(subject)
    domain = "mixed" if parts > 1 or (takes is None and selects(subject.loss)) else (
        _domain(subject, takes, y_pred)
    )
    if nested and any(isinstance(x, kl.Select) for x in [subject.loss]) and parts == 1:
        takes = common_takes(subject)
    return subject, Sample("given", y_true, y_pred, domain, given=True, takes=takes)


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


def whole(x):
    """Whether an array holds whole numbers alone."""
    return bool(np.all(x == np.round(x)))


def plain(x):
    """`x` as NumPy arrays; a list of numbers is one array, a list of arrays a structure."""
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)) and any(
        len(getattr(leaf, "shape", ())) for leaf in tree.flatten(x)
    ):
        return type(x)(plain(v) for v in x)
    return to_numpy(x) if hasattr(x, "dtype") and not isinstance(x, np.ndarray) else np.asarray(x)
