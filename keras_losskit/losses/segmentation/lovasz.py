"""Lovász losses: the convex extension of the Jaccard loss."""

import math

import keras
from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.kernels import absolute, in_order
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import safe_log
from keras_losskit.core.reduction import align_left, fill
from keras_losskit.losses.segmentation.base import SmoothedLoss


class LovaszLoss(SmoothedLoss):
    """Base of Lovász losses; a subclass writes `errors(p, g)` of every position."""

    def errors(self, p, g):
        """How wrong each position is, per class."""
        raise NotImplementedError

    def per_class(self, p, g, mask, weights):
        counts = None
        if mask is not None or weights is not None:
            counts = fill(ops.ones_like(g), mask)
            if weights is not None:
                counts = counts * align_left(weights, len(g.shape))
            counts = self.flat(counts)
        g, errors = self.flat(g), self.flat(self.errors(p, g))
        return lovasz_extension(errors, g, counts, self.smooth)

    def flat(self, x):
        """`(B, C, N)`, or `(C, B·N)` over the batch."""
        sizes = ops.shape(x)
        x = ops.reshape(x, (sizes[0], math.prod(sizes[1:-1]), sizes[-1]))
        if self.over == "sample":
            return ops.transpose(x, (0, 2, 1))
        x = ops.transpose(x, (2, 0, 1))
        return ops.reshape(x, (sizes[-1], math.prod(sizes[:-1])))


def lovasz_extension(errors, g, counts, smooth):
    """Σ e·Δ over the positions sorted by falling error, along the last axis.

    Δ is what the Jaccard loss grows by when the position joins the wrong ones;
    each position stands for `counts` of its kind (`None`: one), so that one of 0
    takes no part at all. Also returns whether the class is present in `g`.
    """
    order = ops.argsort(-ops.stop_gradient(errors), axis=-1)
    errors, g = (in_order(x, order) for x in (errors, g))
    if counts is None:
        hits, others = g, 1 - g
    else:
        counts = in_order(counts, order)
        hits, others = counts * g, counts * (1 - g)
    dtype = keras.backend.standardize_dtype(g.dtype)  # Else float32 on some backends.
    target = ops.sum(hits, axis=-1, keepdims=True)
    # Intersection and union before this position turns wrong, and the union after.
    intersection = target - ops.cumsum(hits, axis=-1, dtype=dtype) + hits + smooth
    union = target + ops.cumsum(others, axis=-1, dtype=dtype) + smooth
    before = union - others
    # I/U - (I - hits)/(U + others), without the subtraction. The first error of an
    # absent class is all of its loss: there I/U is 0/0, a perfect 1.
    some = before > 0
    if counts is None:
        lost = (others * intersection + hits * before) / ops.where(some, before * union, 1)
    else:  # Weights may be such that no product of two is a number.
        kept = others * (intersection / ops.where(some, before, 1))
        lost = (kept + hits) / ops.where(some, union, 1)
    lost = ops.where(some, lost, ops.cast(others > 0, lost.dtype))
    return ops.sum(ops.relu(errors) * ops.stop_gradient(lost), axis=-1), target[..., 0] > 0


@register
class LovaszSoftmax(LovaszLoss):
    """Lovász-Softmax: the Lovász extension of the Jaccard loss at |g - p|, per class.

    Piecewise linear in the errors, and equal to the Jaccard loss for hard
    predictions: it optimises intersection over union itself. Sorts all
    positions once.

    Args:
        classes: `"present"` scores the classes that the target holds; `"all"`
            every class; a list of ids those. An absent class costs its largest
            error.
        from_logits, class_weights, ignore_class, include_background: as in
            `Dice`.
        over: `"sample"`, or `"batch"`: all positions of the batch are sorted
            together, each counting as often as its `sample_weight` says.
        smooth: s >= 0, of the Jaccard index that is extended.
        empty: `"score"`, or `"skip"`, which leaves absent classes out of `"all"` and of
            a list, too.

    | elsewhere | here |
    |---|---|
    | Berman's `lovasz_softmax(per_image=True)` | `LovaszSoftmax()` |
    | Berman's `lovasz_softmax(per_image=False)` | `LovaszSoftmax(over="batch")` |
    | segmentation_models.pytorch `LovaszLoss("multiclass")` | \
`LovaszSoftmax(over="batch", from_logits=True)` |
    | pytorch-toolbelt `LovaszLoss()` | `LovaszSoftmax(over="batch")` |

    Call with `y_pred (B, *spatial, C)`, `y_true` class ids `(B, *spatial)` or
    rows in the shape of `y_pred`.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> y_true = [[[1.0], [1.0], [0.0], [0.0]]]
    >>> y_pred = [[[0.5], [1.0], [0.25], [0.0]]]
    >>> loss = keras_losskit.LovaszSoftmax()
    >>> float(loss(y_true, y_pred))    # 0.5·(1 - 1/2) + 0.25·(1/2 - 1/3), rounded
    0.2916666567325592

    Reference: M. Berman et al., *The Lovász-Softmax loss* (2018),
    https://arxiv.org/abs/1705.08790
    """

    def __init__(self, classes="present", **options):
        super().__init__(**options)
        if isinstance(classes, str):
            checks.choice(self, "classes", classes, ("present", "all"))
        else:
            classes = [
                checks.integer(self, f"classes[{i}]", c, at_least=0)
                for i, c in enumerate(checks.sequence(self, "classes", classes))
            ]
        self.classes = classes

    def prepare(self, y_true, y_pred):
        y_true, y_pred = super().prepare(y_true, y_pred)
        if not isinstance(self.classes, str) and max(self.classes) >= y_pred.shape[-1]:
            raise ValueError(
                f"{self.name}: `classes` names {max(self.classes)}, but y_pred of shape "
                f"{tuple(y_pred.shape)} has {y_pred.shape[-1]} classes."
            )
        return y_true, y_pred

    @property
    def skips_absent(self):
        return self.classes == "present" or super().skips_absent

    def class_factors(self, classes):
        factors = super().class_factors(classes)
        if not isinstance(self.classes, str):
            factors[[c for c in range(classes) if c not in self.classes]] = 0
        return factors

    def errors(self, p, g):
        return absolute(g - p)


@register
class LovaszHinge(LovaszLoss):
    """Lovász hinge: the Lovász extension of the Jaccard loss at max(0, 1 - z·(2g - 1)).

    The margin form, for binary maps: z are logits, positive for the foreground.
    Several channels are so many binary maps, each class against the rest.

    Args:
        from_logits: True, the default, takes logits; with False the logits are
            those of the probabilities given, log(p/(1 - p)).
        class_weights, ignore_class, include_background, over, smooth, empty: as
            in `LovaszSoftmax`.

    | elsewhere | here |
    |---|---|
    | Berman's `lovasz_hinge(per_image=True)` | `LovaszHinge()` |
    | Berman's `lovasz_hinge(per_image=False)` | `LovaszHinge(over="batch")` |
    | kornia `LovaszHingeLoss()` | `LovaszHinge()` |
    | segmentation_models.pytorch `LovaszLoss("binary")` | `LovaszHinge(over="batch")` |
    | pytorch-toolbelt `BinaryLovaszLoss(per_image)` | as Berman's |

    Call with `y_pred (B, *spatial, C)`, `y_true` class ids `(B, *spatial)` or
    rows in the shape of `y_pred`.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> y_true = [[[1.0], [1.0], [0.0], [0.0]]]
    >>> y_pred = [[[3.0], [0.0], [-2.0], [0.5]]]
    >>> loss = keras_losskit.LovaszHinge()
    >>> round(float(loss(y_true, y_pred)), 4)    # 1.5·(1 - 2/3) + 1·(2/3 - 1/3)
    0.8333

    Reference: J. Yu, M. B. Blaschko, *The Lovász Hinge* (2015),
    https://arxiv.org/abs/1512.07797; M. Berman et al. (2018),
    https://arxiv.org/abs/1705.08790
    """

    def __init__(self, *, from_logits=True, **options):
        super().__init__(from_logits=from_logits, **options)

    def probabilities(self, y_pred):
        return y_pred  # The hinge is on the logits themselves.

    def errors(self, p, g):
        z = p if self.from_logits else safe_log(p) - safe_log(1 - p)
        return 1 - z * (2 * g - 1)
