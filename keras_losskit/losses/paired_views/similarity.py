"""The two views of a sample alone, and how the samples spread."""

import keras
import numpy as np
from keras import ops

from keras_losskit.core.anchors import rows_of
from keras_losskit.core.distances import cosine, cosines, others, unit
from keras_losskit.core.kernels import choose
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import safe_log, safe_sqrt
from keras_losskit.core.takes import Takes
from keras_losskit.losses.paired_views.base import ViewsLoss


@register
class NegativeCosine(ViewsLoss):
    """Negative cosine: -cos(y_true, y_pred), the loss of SimSiam and BYOL.

    Without negatives: what keeps the embedding from collapsing is the model (a
    predictor on one side, a stopped gradient on the other). Gradients flow to
    both here: stop the target's with `keras.ops.stop_gradient`.

    | elsewhere | here |
    |---|---|
    | SimSiam, symmetric | `NegativeCosine()` of each prediction with the other target, halved |
    | BYOL's squared distance of unit vectors | 2 + the value of `2 * NegativeCosine()` |

    Call with `y_true`, `y_pred` `(B, D)`; values `(B,)`, between -1 and 1; a zero
    vector gives 0. O(B·D) time and memory.

    Raises:
        ValueError: for shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> float(keras_losskit.NegativeCosine()([[0.0, 2.0]], [[0.0, 3.0]]))
    -1.0

    Reference: X. Chen, K. He, *Exploring Simple Siamese Representation Learning*
    (2021), https://arxiv.org/abs/2011.10566; J.-B. Grill et al., *Bootstrap Your Own
    Latent* (2020), https://arxiv.org/abs/2006.07733
    """

    takes = Takes("view", "view", "views", y_true_gradient=True)
    fixed = {"gather": False}  # No sample looks at another.

    def call(self, y_true, y_pred):
        return -cosine(y_true, y_pred)


@register
class KoLeo(ViewsLoss):
    """KoLeo: -log of the distance to the nearest other embedding, on the unit sphere.

    The Kozachenko-Leonenko estimate of entropy, up to constants: spreads the
    batch evenly. A regulariser, on `y_pred` alone.

    Args:
        gather: as in `NTXent`.

    DINOv2 adds 1e-8 to the distance; here the logarithm goes on along its
    tangent below 1e-7 (`keras.config.epsilon()`), and identical embeddings have
    no direction to part in: their gradient is 0.

    Call with `y_pred` `(B, D)`, which is normalised; `y_true` is not used. Values
    `(B,)`; a sample alone in its batch is not counted. O(B²·D) time, O(B²) memory.
    In-batch: under data parallelism each device sees its local batch, or with `gather`
    all of it.

    Raises:
        ValueError: where `y_pred` is not `(B, D)`.

    Example:

    >>> import keras_losskit
    >>> value = keras_losskit.KoLeo()([0.0, 0.0], [[1.0, 0.0], [-1.0, 0.0]])
    >>> round(float(value), 4)    # -log 2
    -0.6931

    Reference: A. Sablayrolles et al., *Spreading Vectors for Similarity Search*
    (2019), https://arxiv.org/abs/1806.03198
    """

    takes = Takes("unused", "view", "views", in_batch=True)

    def value_mask(self, y_true, y_pred, mask, anchors=None):
        if mask is None and anchors is None and (y_pred.shape[0] or 0) > 1:
            return None  # Each has another.
        return ops.any(others(y_pred, mask, anchors), axis=-1)

    def call(self, y_true, y_pred, mask=None, anchors=None):
        if y_pred.shape[0] == 0:  # Nobody to be near to.
            return ops.sum(y_pred, axis=-1)
        s = ops.stop_gradient(cosines(y_pred, anchors))
        other = others(y_pred, mask, anchors)
        s = choose(other, s, -2)
        if s.shape[1] is None:  # One more column: of no column there is no largest.
            s = ops.pad(s, [[0, 0], [0, 1]], constant_values=-3)
        nearest = ops.argmax(s, axis=-1)
        # From the difference itself: 2 - 2·cos would lose short distances.
        x = unit(y_pred)
        apart = rows_of(x, anchors) - ops.take(x, nearest, axis=0)
        squared = ops.sum(ops.square(apart), axis=-1)
        # Compilers round the two rows differently: what is no more than that is 0.
        noise = 2 * float(np.finfo(keras.backend.standardize_dtype(x.dtype)).eps)
        return -safe_log(safe_sqrt(ops.where(squared <= noise**2, 0, squared)))
