"""Softmax over cosines to class weights, with margins."""

import math

from keras import ops

from keras_losskit.core import checks, targets
from keras_losskit.core.kernels import at_least
from keras_losskit.core.loss import Loss, register
from keras_losskit.core.numerics import largest, safe_sqrt
from keras_losskit.core.softmax import log_softmax
from keras_losskit.core.takes import Takes


class CosineLoss(Loss):
    """Base of losses on cosines to C class weights or proxies, `(B, …, C)`.

    `y_true` holds class ids `(B, …)`, `(B, …, 1)` or rows `(B, …, C)`. The
    cosines come from a `CosineDense` layer, which holds the weights. A subclass
    has a `scale`, by which it multiplies them.
    """

    takes = Takes("classes", "cosines", "classes")

    centers = 1

    def prepare(self, y_true, y_pred):
        y_pred = self.cast(y_pred)
        shape = tuple(y_pred.shape)
        columns = shape[-1] if len(shape) > 1 else 1
        if columns is not None and (columns % self.centers or columns // self.centers < 2):
            raise ValueError(
                f"{self.name}: y_pred of shape {shape} does not hold cosines to classes. "
                f"It must be (B, …, C·{self.centers}) with C > 1, such as the output of "
                "a `CosineDense` layer."
            )
        # One column per class is enough to see what the targets are.
        return super().prepare(y_true, y_pred[..., :: self.centers])[0], y_pred

    def classes_of(self, y_pred):
        return None if y_pred.shape[-1] is None else y_pred.shape[-1] // self.centers

    def shares(self, y_true, cosines):
        """g: one row of class shares per position, from either encoding."""
        if len(y_true.shape) == len(cosines.shape):
            return y_true
        return targets.one_hot(y_true, cosines.shape[-1], cosines.dtype)

    def target(self, cosines):
        """What stands in the place of the true class's cosine."""
        return cosines

    def call(self, y_true, y_pred):
        g = self.shares(y_true, y_pred)
        logits = self.scale * (y_pred + g * (self.target(y_pred) - y_pred))
        return -ops.sum(g * log_softmax(logits), axis=-1)


class ScaledCosineLoss(CosineLoss):
    """Base of losses whose scale is an argument.

    Args:
        scale: s > 0.
    """

    def __init__(self, scale, **common):
        super().__init__(**common)
        self.scale = checks.real(self, "scale", scale, above=0)


@register
class NormalizedSoftmax(CosineLoss):
    """Normalised softmax: cross-entropy of the logits cos/T.

    Classification by direction alone; the class weights are proxies of the
    classes, and the embedding before them is a good one for retrieval.

    Args:
        temperature: T > 0; the paper's 0.05 is a scale of 20.

    Call with `y_true` `(B, …)`, `(B, …, 1)` or `(B, …, C)`, `y_pred` cosines
    `(B, …, C)` from `CosineDense`; values `(B, …)`. O(B·C) time and memory.
    pytorch-metric-learning's `NormalizedSoftmaxLoss` holds the weights itself.

    Raises:
        ValueError: for `temperature` <= 0, shapes that do not fit, or (where
            values can be seen) an id outside [0, C).

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.NormalizedSoftmax(temperature=0.5)
    >>> round(float(loss([0], [[0.5, 0.0]])), 4)    # log(1 + e^-1)
    0.3133

    Reference: A. Zhai, H.-Y. Wu, *Classification is a Strong Baseline for Deep
    Metric Learning* (2019), https://arxiv.org/abs/1811.12649
    """

    def __init__(self, temperature=0.05, **common):
        super().__init__(**common)
        self.temperature = checks.real(self, "temperature", temperature, above=0)

    @property
    def scale(self):
        return 1 / self.temperature


@register
class CosFace(ScaledCosineLoss):
    """CosFace: cross-entropy of s·(cos θ - m·g).

    For faces, voices and other retrieval by identity: the true class must win by a margin
    in the cosine, so that embeddings of one class lie close (also: AM-softmax).

    Args:
        margin: m >= 0, in units of a cosine.
        scale: s > 0.

    Call with `y_true` `(B, …)`, `(B, …, 1)` or `(B, …, C)`, `y_pred` cosines
    `(B, …, C)` from `CosineDense`; values `(B, …)`. O(B·C) time and memory.
    pytorch-metric-learning's `CosFaceLoss(margin=0.35, scale=64)` holds the
    weights itself.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or (where
            values can be seen) an id outside [0, C).

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.CosFace(margin=0.5, scale=2.0)
    >>> round(float(loss([0], [[1.0, 0.5]])), 4)    # 2·(1 - 0.5) = 2·0.5
    0.6931

    Reference: H. Wang et al., *CosFace: Large Margin Cosine Loss for Deep Face
    Recognition* (2018), https://arxiv.org/abs/1801.09414
    """

    def __init__(self, margin=0.35, scale=64.0, **common):
        super().__init__(scale, **common)
        self.margin = checks.real(self, "margin", margin, at_least=0)

    def target(self, cosines):
        return cosines - self.margin


@register
class ArcFace(ScaledCosineLoss):
    """ArcFace: cross-entropy of s·cos(θ + m) for the true class, s·cos θ for others.

    For faces, voices and other retrieval by identity: the true class must win by a margin
    in the angle, so that embeddings of one class lie close. Where θ + m would pass π the
    target goes on as cos θ - m·sin m.

    Args:
        margin: m in radians; 0 <= m < π.
        scale: s > 0.

    Call with `y_true` `(B, …)`, `(B, …, 1)` or `(B, …, C)`, `y_pred` cosines
    `(B, …, C)` from `CosineDense`; values `(B, …)`. O(B·C) time and memory.
    pytorch-metric-learning's `ArcFaceLoss(margin=28.6, scale=64)` counts the
    margin in degrees and holds the weights itself.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or (where
            values can be seen) an id outside [0, C).

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.ArcFace(margin=1.0471975512, scale=2.0)
    >>> round(float(loss([0], [[1.0, 0.5]])), 4)    # cos(0 + π/3) = 0.5
    0.6931

    Reference: J. Deng et al., *ArcFace: Additive Angular Margin Loss for Deep Face
    Recognition* (2019), https://arxiv.org/abs/1801.07698
    """

    def __init__(self, margin=0.5, scale=64.0, **common):
        super().__init__(scale, **common)
        self.margin = checks.real(self, "margin", margin, at_least=0, below=math.pi)

    def target(self, cosines):
        m = self.margin
        # d sin/d cos is infinite at ±1, where θ itself has a corner; the root's
        # slope is taken as 0 there, so that the target's is cos m.
        sines = safe_sqrt(at_least((1 - cosines) * (1 + cosines), 0))
        turned = cosines * math.cos(m) - sines * math.sin(m)
        passes_pi = cosines < -math.cos(m)
        return ops.where(passes_pi, cosines - m * math.sin(m), turned)


@register
class SubCenterArcFace(ArcFace):
    """Sub-center ArcFace: `ArcFace` on the nearest of several centers of each class.

    Classes may have several modes, and mislabelled samples gather at a center of
    their own.

    Args:
        centers: K >= 1, the centers of each class.
        margin: m in radians; 0 <= m < π.
        scale: s > 0.

    Call with `y_true` `(B, …)`, `(B, …, 1)` or `(B, …, C)`, `y_pred` cosines
    `(B, …, C·K)` from `CosineDense`, the centers of one class side by side; values
    `(B, …)`. O(B·C·K) time and memory. pytorch-metric-learning's
    `SubCenterArcFaceLoss(sub_centers=3)` holds the weights itself.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or (where
            values can be seen) an id outside [0, C).

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.SubCenterArcFace(centers=2, margin=0.0, scale=2.0)
    >>> round(float(loss([0], [[0.1, 0.5, 0.5, 0.3]])), 4)    # 0.5 against 0.5
    0.6931

    Reference: J. Deng et al., *Sub-center ArcFace: Boosting Face Recognition by
    Large-scale Noisy Web Faces* (2020), https://doi.org/10.1007/978-3-030-58621-8_43
    """

    def __init__(self, centers=3, margin=0.5, scale=64.0, **common):
        super().__init__(margin, scale, **common)
        self.centers = checks.integer(self, "centers", centers, at_least=1)

    def call(self, y_true, y_pred):
        shape = ops.shape(y_pred)
        grouped = (*shape[:-1], y_pred.shape[-1] // self.centers, self.centers)
        return super().call(y_true, largest(ops.reshape(y_pred, grouped)))
