"""What a loss takes, declared once, in words that everything else reads.

Matching of shapes, checks of ranges, the agreement of terms, the doctor's data, the
tests' data and the documentation read the declaration; none of them guesses.
"""

import functools
import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import keras

from keras_losskit.core import checks


class Kind(NamedTuple):
    """What a tensor holds: a sentence, and the range of its entries."""

    words: str
    low: float = -math.inf
    high: float = math.inf


TARGETS = {
    "real": Kind("real numbers"),
    "nonnegative": Kind("numbers >= 0", 0),
    "positive": Kind("numbers > 0", 0),
    "counts": Kind("counts, whole numbers >= 0", 0),
    "probability": Kind("0, 1, or in between", 0, 1),
    "signs": Kind("-1 and 1, or 0 and 1", -1, 1),
    "classes": Kind("class ids, or one-hot or soft rows", 0, 1),
    "distribution": Kind("class ids or rows of shares; logits where y_pred holds logits", 0, 1),
    "ranks": Kind("ids of ordered classes, or rows of them", 0, 1),
    "logits": Kind("logits, those of a teacher for example"),
    "relevance": Kind("relevance >= 0; a label < 0 is padding"),
    "boxes": Kind("boxes"),
    "bins": Kind("numbers on a scale of bins, from 0 to their number - 1", 0),
    "ids": Kind("ids of what belongs together, only compared with each other"),
    "view": Kind("another view of the same samples"),
    "log_probabilities": Kind("log-probabilities, those of a reference"),
    "survival": Kind("(time, event): 1 seen, 0 censored", 0),
    "unused": Kind("nothing that is looked at"),
    "any": Kind("whatever the loss says"),
}

PREDICTIONS = {
    "real": Kind("real numbers"),
    "nonnegative": Kind("numbers >= 0", 0),
    "positive": Kind("numbers > 0", 0),
    "probabilities": Kind("probabilities", 0, 1),
    "logits": Kind("logits"),
    "scores": Kind("scores, any numbers"),
    "cosines": Kind("cosines", -1, 1),
    "distances": Kind("distances >= 0", 0),
    "embeddings": Kind("embeddings"),
    "triplets": Kind("embeddings of anchor, positive, negative"),
    "view": Kind("a view"),
    "boxes": Kind("boxes"),
    "log_probabilities": Kind("log-probabilities", high=0),
    "parameters": Kind("raw parameters, in blocks"),
    "any": Kind("whatever the loss says"),
}

SHAPES = {
    "equal": "equal up to a trailing axis of 1",
    "decisions": "equal up to a trailing axis of 1, or (…) whole ids to (…, D)",
    "classes": "(…) or (…, 1) ids, or rows (…, C), to (…, C)",
    "maps": "(B, *spatial) ids, or rows (B, *spatial, C), to (B, *spatial, C)",
    "levels": "(…) ranks, or rows (…, C), to (…, C - 1)",
    "columns": "(…), (…, 1) or (…, K) to (…, K)",
    "bins": "(…) to (…, bins)",
    "blocks": "(…, K) to (…, P·K)",
    "mixture": "(…, K) to (…, M·(1 + 2K))",
    "members": "(…, K) to (…, K·M) or (…, K, M)",
    "embeddings": "(B,) or (B, 1) to (B, D)",
    "triplets": "anything to (B, 3, D)",
    "views": "(B, D) to (B, D)",
    "spaces": "(B, D) to (B, E)",
    "points": "(B, M, D) to (B, N, D)",
    "preferences": "(B, 2) of [chosen, rejected]",
    "packed": "(…, 1 + C), an id before C numbers, to (…, C)",
    "lists": "(B, L) to (B, L), up to a trailing axis of 1",
    "boxes": "(…, 4) to (…, 4)",
    "images": "(B, *spatial, C) to the same, two or three spatial axes",
    "guides": "(B, *spatial, C) to (B, *spatial, 1), two or three spatial axes",
    "fields": "anything to (B, *spatial, n), n = 2 or 3 spatial axes",
    "waves": "(B, T), (B, T, 1) or (B, T, C) to the same",
    "sources": "(B, …) to the same, at least one axis of sources and one of time",
    "survival": "(B, 2) times and events to (B, D)",
    "free": "free",
}


@keras.saving.register_keras_serializable(package="keras_losskit")
@dataclass(frozen=True)
class Takes:
    """What a loss takes: its targets, its predictions, and how their shapes go together.

    A subclass of `Loss` declares it as the class attribute `takes`, a function as
    `@loss(takes=...)`, a term from elsewhere as `as_loss(f, takes=...)`. Shapes and
    ranges are then checked by it, sums see whether their terms agree on logits, and
    `check_loss` makes its data from it.

    Args:
        y_true: what the targets hold: `"real"`, `"nonnegative"`, `"positive"`,
            `"counts"`, `"probability"` (0, 1 or in between), `"signs"`, `"classes"`
            (ids or rows), `"distribution"` (rows, or logits as y_pred), `"ranks"`,
            `"logits"`, `"relevance"`, `"boxes"`, `"bins"`, `"ids"`, `"view"`,
            `"log_probabilities"`, `"survival"`, `"unused"` or `"any"`.
        y_pred: what the predictions hold: `"real"`, `"nonnegative"`, `"positive"`,
            `"probabilities"` (logits where the loss has `from_logits=True`),
            `"logits"`, `"scores"`, `"cosines"`, `"distances"`, `"embeddings"`,
            `"triplets"`, `"view"`, `"boxes"`, `"log_probabilities"`, `"parameters"` or
            `"any"`.
        shapes: how `y_true` belongs to `y_pred`: `"equal"` (up to a trailing axis of
            1), `"classes"` (ids `(…)` or rows `(…, C)` to `(…, C)`), `"free"` (any
            pair: the loss sees to it itself), or a word of a family of the kit,
            `"decisions"`, `"maps"`, `"levels"`, `"columns"`, `"bins"`, `"blocks"`, `"mixture"`,
            `"members"`, `"embeddings"`, `"triplets"`, `"views"`, `"lists"`, `"boxes"`,
            `"images"`, `"guides"`, `"fields"`, `"waves"`, `"sources"`, `"spaces"`, `"points"`,
            `"preferences"`, `"survival"`, `"packed"`.
        in_batch: whether a sample's value depends on the other samples.
        y_true_gradient: whether the gradient by `y_true` is wanted too, as between
            two views.
        y_true_range: `(low, high)`, in place of the range of the kind; `None` is
            unbounded.

    Raises:
        ValueError: for a word that is none of these.

    Example:

    >>> import keras, keras_losskit as kl
    >>> @kl.loss(package="my_project", takes=kl.Takes("real", "parameters", "free"))
    ... def gaussian(y_true, y_pred):    # y_true (B, 1), y_pred (B, 2)
    ...     mean, log_scale = y_pred[:, :1], y_pred[:, 1:]
    ...     error = (y_true - mean) * keras.ops.exp(-log_scale)
    ...     return keras.ops.mean(log_scale + 0.5 * keras.ops.square(error), axis=-1)
    >>> float(gaussian()([[1.0]], [[3.0, 0.0]]))    # ½·2²
    2.0
    """

    y_true: str = "real"
    y_pred: str = "real"
    shapes: str = "equal"
    in_batch: bool = False
    y_true_gradient: bool = False
    y_true_range: tuple | None = None

    def __post_init__(self):
        checks.choice("Takes", "y_true", self.y_true, tuple(TARGETS))
        checks.choice("Takes", "y_pred", self.y_pred, tuple(PREDICTIONS))
        checks.choice("Takes", "shapes", self.shapes, tuple(SHAPES))
        checks.flag("Takes", "in_batch", self.in_batch)
        checks.flag("Takes", "y_true_gradient", self.y_true_gradient)
        if self.y_true_range is not None:
            low, high = self.y_true_range  # A list, where it comes from a config.
            for end in (low, high):
                checks.optional_real("Takes", "y_true_range", end)
            object.__setattr__(self, "y_true_range", (low, high))

    @property
    def range(self):
        """`(low, high)` of the targets' entries, infinite where unbounded."""
        if self.y_true_range is None:
            return TARGETS[self.y_true].low, TARGETS[self.y_true].high
        low, high = self.y_true_range
        return -math.inf if low is None else low, math.inf if high is None else high

    def given(self, from_logits):
        """This declaration for an instance, whose option settles what y_pred holds."""
        if self.y_pred != "probabilities" or not from_logits:
            return self
        return _of_logits(self)

    def sentence(self):
        """What is taken, as a sentence for documentation."""
        return (
            f"y_true: {TARGETS[self.y_true].words}; y_pred: {PREDICTIONS[self.y_pred].words}; "
            f"shapes: {SHAPES[self.shapes]}."
        )

    def get_config(self):
        return {
            "y_true": self.y_true,
            "y_pred": self.y_pred,
            "shapes": self.shapes,
            "in_batch": self.in_batch,
            "y_true_gradient": self.y_true_gradient,
            "y_true_range": None if self.y_true_range is None else list(self.y_true_range),
        }

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@functools.cache  # Of so many declarations: asked at every call.
def _of_logits(takes):
    y_true = "logits" if takes.y_true == "distribution" else takes.y_true
    return replace(takes, y_true=y_true, y_pred="logits")


def takes_of(loss):
    """What a loss takes as its options stand, or `None` where nobody said.

    A loss made of one other takes what that one takes.
    """
    declared = getattr(loss, "takes", None)
    if not isinstance(declared, Takes):
        return None
    return declared.given(getattr(loss, "from_logits", None))


def logits_of(loss):
    """Whether a loss takes logits (True) or probabilities (False); `None`: neither."""
    takes = takes_of(loss)
    if takes is not None:
        return {"logits": True, "probabilities": False}.get(takes.y_pred)
    # A stranger that declares nothing may have the option that Keras' losses have.
    option = getattr(loss, "from_logits", None)
    return None if option is None else bool(option)


def require_takes(owner, takes):
    """`takes` where an option is a declaration or `None`."""
    if takes is not None and not isinstance(takes, Takes):
        raise TypeError(
            f"{owner}: `takes` must be a keras_losskit.Takes, such as "
            f'Takes("real", "real", shapes="free"). Received: takes={takes!r}'
        )
    return takes
