"""The wing loss."""

import math

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.elementwise import IncompleteLoss
from keras_losskit.core.kernels import absolute
from keras_losskit.core.loss import register


@register
class Wing(IncompleteLoss):
    """Wing loss: w·ln(1 + |d|/ε) where |d| < w, else |d| - C.

    C = w - w·ln(1 + w/ε) joins the two. Small and medium errors pull harder than
    in the absolute error; made for facial landmarks.

    Args:
        width: w, the |d| at which it turns linear, in units of `y_true`; > 0.
        curvature: ε, the smaller the harder small errors pull; > 0.
        missing: as in `MeanSquaredError`.

    Call with `(B, …, D)`; values `(B, …)`, the mean over the last axis.

    Raises:
        ValueError: for `width` or `curvature` <= 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.Wing(width=10.0, curvature=2.0)
    >>> round(float(loss([[0.0]], [[2.0]])), 4)    # 10·ln 2
    6.9315

    Reference: Z.-H. Feng et al., *Wing Loss for Robust Facial Landmark Localisation with
    Convolutional Neural Networks* (2018), https://arxiv.org/abs/1711.06753
    """

    def __init__(self, width=10.0, curvature=2.0, **common):
        super().__init__(**common)
        self.width = checks.real(self, "width", width, above=0)
        self.curvature = checks.real(self, "curvature", curvature, above=0)

    def each(self, y_true, y_pred):
        d, w, eps = absolute(y_pred - y_true), self.width, self.curvature
        c = w - w * math.log1p(w / eps)
        return ops.where(d < w, w * ops.log1p(d / eps), d - c)
