"""What a case is, and what the references of several families share."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Case:
    loss: type
    options: dict
    y_true: np.ndarray
    y_pred: np.ndarray
    reference: Callable
    kind: str = "real"
    label: str = ""
    batch: bool = False  # One number for the whole batch.
    exact: bool = True  # Honours float64; Keras' own mean does so on TensorFlow only.
    detached: bool = False  # A factor without a gradient: differences are not its gradient.
    argument: list = field(default_factory=list)

    @property
    def id(self):
        return self.loss.__name__ + (f"-{self.label}" if self.label else "")

    def make(self, **common):
        return self.loss(*self.argument, **self.options, **common)

    def values(self, y_true=None, y_pred=None):
        y_true = self.y_true if y_true is None else y_true
        y_pred = self.y_pred if y_pred is None else y_pred
        return np.asarray(self.reference(y_true, y_pred, **self.options), dtype="float64")


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


def distribution(y_pred, from_logits):
    """Probabilities that sum to 1, from logits or from shares."""
    if from_logits:
        y_pred = np.exp(y_pred - y_pred.max())
    return y_pred / y_pred.sum()
