"""The angle between prediction and target."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.distances import cosine
from keras_losskit.core.loss import Loss, register
from keras_losskit.core.takes import Takes


@register
class CosineSimilarity(Loss):
    """Cosine similarity: -cos of the angle between y_true and y_pred.

    Between -1 (same direction) and 1 (opposite); lengths do not count. A zero
    vector gives 0, with zero gradient.

    Args:
        axis: the axis that holds the vectors, an integer; not the batch axis.

    Call with `(B, …, D)`; values have the shape without `axis`, `(B, …)`.

    Raises:
        ValueError: where `axis` is the batch axis, or shapes do not fit.

    Example:

    >>> import keras_losskit
    >>> float(keras_losskit.CosineSimilarity()([[0.0, 2.0]], [[0.0, 3.0]]))
    -1.0

    Reference: G. Salton, A. Wong, C. S. Yang, *A Vector Space Model for Automatic
    Indexing* (1975), https://doi.org/10.1145/361219.361220
    """

    takes = Takes("real", "real")

    def __init__(self, axis=-1, **common):
        super().__init__(**common)
        self.axis = checks.integer(self, "axis", axis)
        if self.axis == 0:
            raise ValueError(
                "CosineSimilarity: `axis` must not be the batch axis. Received: axis=0"
            )

    def call(self, y_true, y_pred):
        axis, rank = self.axis, len(y_pred.shape)
        if not -rank < axis < rank:
            raise ValueError(
                f"{self.name}: `axis` {axis} of y_pred of shape {tuple(y_pred.shape)} is the "
                "batch axis or no axis; vectors must lie along another one."
            )
        return -cosine(y_true, y_pred, axis)

    def _mask_of_values(self, mask, shape):
        # Masked entries of a vector are 0 and drop out of it; an empty one is not counted.
        axis = self.axis % (len(shape) + 1)
        if mask is not None and len(mask.shape) > axis:
            return ops.any(mask, axis=axis)
        return super()._mask_of_values(mask, shape)
