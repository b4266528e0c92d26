"""What a case is, and what the references of several families share."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from keras_losskit.core.takes import takes_of

# The family of test data, by the first word of a declaration that settles it: how the
# shapes belong together, then what the predictions hold, then what the targets hold.
OF_SHAPES = {
    "maps": "map",
    "boxes": "boxes",
    "lists": "ranking",
    "embeddings": "embeddings",
    "views": "views",
    "spaces": "views",
    "triplets": "triplets",
    "levels": "ordinal",
    "bins": "bins",
}
OF_BOTH = {
    ("counts", "parameters"): "counts",  # Predicted by a rate's logarithm, or in blocks.
    ("probability", "parameters"): "real",
    ("any", "logits"): "packed",  # Ids beside other columns: no magnitude of all of them.
    ("any", "view"): "packed",
}
OF_PREDICTIONS = {"cosines": "cosines", "distances": "real"}
OF_TARGETS = {
    "probability": "binary",
    "classes": "classes",
    "distribution": "distributions",
    "logits": "distributions",
    "survival": "survival",
}


@dataclass
class Case:
    loss: type
    options: dict
    y_true: np.ndarray
    y_pred: np.ndarray
    reference: Callable
    label: str = ""
    batch: bool = False  # One number for the whole batch.
    exact: bool = True  # Honours float64; Keras' own mean does so on TensorFlow only.
    detached: bool = False  # A factor without a gradient: differences are not its gradient.
    argument: list = field(default_factory=list)
    vanishes: bool = False  # Bounded: from logits the gradient vanishes with p_t.

    @property
    def id(self):
        return self.loss.__name__ + (f"-{self.label}" if self.label else "")

    def make(self, **common):
        return self.loss(*self.argument, **self.options, **common)

    @cached_property
    def takes(self):
        """What the loss declares, as these options have it."""
        return takes_of(self.make())

    @property
    def kind(self):
        """The family of test data."""
        if self.takes is None:
            return "real"
        found = OF_SHAPES.get(self.takes.shapes) or OF_PREDICTIONS.get(self.takes.y_pred)
        found = found or OF_BOTH.get((self.takes.y_true, self.takes.y_pred))
        return found or OF_TARGETS.get(self.takes.y_true, "real")

    @property
    def in_batch(self):
        """Whether a sample's value depends on the other samples."""
        return self.takes is not None and self.takes.in_batch

    def values(self, y_true=None, y_pred=None):
        y_true = self.y_true if y_true is None else y_true
        y_pred = self.y_pred if y_pred is None else y_pred
        return np.nan_to_num(self.found(y_true, y_pred))

    def found(self, y_true, y_pred):
        """The reference's values; NaN where there is none, such as no valid pair."""
        # One device's batch is that of all; of several, see training/test_gather.py.
        options = {name: value for name, value in self.options.items() if name != "gather"}
        return np.asarray(self.reference(y_true, y_pred, **options), dtype="float64")

    def among(self, present):
        """Values of each sample where it meets only those of the others that are present."""
        out = np.zeros(len(self.y_pred))
        for i in range(len(out)):
            kept = np.array([i, *(j for j in np.flatnonzero(present) if j != i)])
            out[i] = self.found(self.y_true[kept], self.y_pred[kept])[0]
        return out


def mean_of(element):
    """Values from a function of one target and one prediction: mean over D."""

    def values(y_true, y_pred, **options):
        out = np.zeros(y_pred.shape[:-1])
        for i in np.ndindex(*out.shape):
            row = [
                element(float(t), float(p), **options)
                for t, p in zip(y_true[i], y_pred[i])
            ]
            out[i] = sum(row) / len(row)
        return out

    return values


def is_missing(y_true, missing):
    """Which entries are unknown."""
    return np.isnan(y_true) if missing == "nan" else y_true == missing


def with_missing(case, element, missing):
    """`case` with some targets missing: a value for every entry, 0 for those."""
    y_true = case.y_true.astype("float64")
    gaps = np.zeros(y_true.size, bool)
    gaps[[1, 4, 5, *range(15, 20)]] = True  # All of one row, several and none of others.
    y_true[gaps.reshape(y_true.shape)] = math.nan if missing == "nan" else missing

    def values(y_true, y_pred, missing, **options):
        out = np.zeros(y_pred.shape)
        for i in np.ndindex(*out.shape):
            if not is_missing(y_true[i], missing):
                out[i] = element(float(y_true[i]), float(y_pred[i]), **options)
        return out

    return replace(
        case, options={**case.options, "missing": missing}, y_true=y_true, reference=values,
        label="-".join([*filter(None, [case.label]), "missing"]),
    )


def distribution(y_pred, from_logits):
    """Probabilities that sum to 1, from logits or from shares."""
    if from_logits:
        y_pred = np.exp(y_pred - y_pred.max())
    return y_pred / y_pred.sum()
