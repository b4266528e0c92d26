"""Pairs whose distance is given."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.backend import with_gradient
from keras_losskit.core.elementwise import ElementwiseLoss
from keras_losskit.core.kernels import at_least
from keras_losskit.core.loss import register
from keras_losskit.core.takes import Takes


@register
class Contrastive(ElementwiseLoss):
    """Contrastive loss: y·d² + (1 - y)·max(margin - d, 0)².

    Draws similar pairs together and pushes others apart until they are `margin`
    from each other. The model outputs the distance d of the pair.

    Args:
        margin: the distance beyond which a dissimilar pair costs nothing, >= 0.

    | elsewhere | here |
    |---|---|
    | TFA `ContrastiveLoss()` | `Contrastive()` |
    | the paper, which halves both terms; its Y is 0 for similar | `0.5 * Contrastive()` on 1 - Y |
    | pytorch-metric-learning `ContrastiveLoss()` | takes embeddings, normalises them, and does \
not square; the means over the similar and over the other pairs that cost something, added |

    Call with `y_true` (1 similar, 0 not) and `y_pred` (distances) `(B, …, D)`;
    values `(B, …)`, the mean over the last axis. O(B) time and memory.

    Raises:
        ValueError: for `margin` < 0, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.Contrastive(margin=1.0)
    >>> float(loss([1.0, 0.0], [2.0, 0.5]))    # (2² + (1 - 0.5)²)/2
    2.125

    Reference: R. Hadsell, S. Chopra, Y. LeCun, *Dimensionality Reduction by
    Learning an Invariant Mapping* (2006), https://doi.org/10.1109/CVPR.2006.100
    """

    takes = Takes("probability", "distances")

    def __init__(self, margin=1.0, **common):
        super().__init__(**common)
        self.margin = checks.real(self, "margin", margin, at_least=0)

    def each(self, y_true, y_pred):
        def missing(d):
            return at_least(self.margin - d, 0)

        def value(y, d):
            return y * ops.square(d) + (1 - y) * ops.square(missing(d))

        def gradient(up, y, d):
            by_y = ops.square(d) - ops.square(missing(d))
            return up * by_y, 2 * up * (y * d - (1 - y) * missing(d))

        return with_gradient(value, gradient, y_true, y_pred, symmetric=True)
