"""The critic's score itself."""

from keras import ops

from keras_losskit.core.elementwise import ElementwiseLoss
from keras_losskit.core.loss import register
from keras_losskit.core.takes import Takes


@register
class Wasserstein(ElementwiseLoss):
    """Wasserstein loss: -y·z, y = 1 for real samples, -1 for generated ones.

    The mean over a batch of both is how far apart the critic holds the two, with its sign
    turned: it learns to widen that, the generator, by y = 1 on its own samples, to narrow
    it. An estimate of a distance only while the critic's slope is bounded, by a penalty on
    its gradient or by clipped weights.

    Targets 0 and 1 are read as -1 and 1. The critic's hinge loss is `Hinge`, that of
    least-squares GANs `MeanSquaredError`.

    Call with `y_true`, `y_pred` `(B, …, D)`, where `y_pred` holds scores; values `(B, …)`,
    the mean over the last axis.

    Raises:
        ValueError: where shapes do not fit, or (where values can be seen) for targets far
            outside [-1, 1].

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.Wasserstein()
    >>> float(loss([[1.0], [-1.0]], [[3.0], [2.0]]))    # (-3 + 2)/2
    -0.5

    Reference: M. Arjovsky, S. Chintala, L. Bottou, *Wasserstein GAN* (2017),
    https://arxiv.org/abs/1701.07875
    """

    takes = Takes("signs", "scores", "equal")

    def each(self, y_true, y_pred):
        return -ops.where(y_true == 0, -ops.ones_like(y_true), y_true) * y_pred
