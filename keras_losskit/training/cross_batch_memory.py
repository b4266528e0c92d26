"""`CrossBatchMemory`: embeddings of earlier batches as further pairs."""

import keras
from keras import ops

from keras_losskit.core import anchors, checks
from keras_losskit.core.backend import replicas
from keras_losskit.core.config import decode, encode
from keras_losskit.core.foreign import as_loss
from keras_losskit.core.gather import require_no_waiting
from keras_losskit.core.keras_internals import keras_mask
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import mean_of_all
from keras_losskit.core.reduction import drop_trailing_ones, fill
from keras_losskit.core.takes import takes_of


@register
class CrossBatchMemory(keras.layers.Layer):
    """Adds a loss whose anchors are the batch, and whose pairs are also earlier batches.

    Small batches hold few hard pairs. What the network made of the last `size` samples is
    kept, without gradient, and each sample of the batch is compared with those too: nearly
    as good as a large batch, because embeddings move slowly once the first steps are done.

    Args:
        loss: a loss on class ids and embeddings, such as `SupervisedContrastive` or
            `MultiSimilarity`, or a sum of such.
        size: how many embeddings are kept, an integer >= 1; the oldest go first.
        start: how many calls pass before any is kept, an integer >= 0: the first steps
            move the embeddings too far.

    | elsewhere | here |
    |---|---|
    | pytorch-metric-learning `CrossBatchMemory(loss, 128, memory_size=1024)` | \
`size=1024 - B`: there the batch is one part of the memory; what a loss counts differs as in \
the loss's own table |

    Call on `[embeddings, ids]`, `(B, D)` and `(B,)` or `(B, 1)`, or with weights `(B,)`
    behind them; returns the embeddings as they came. What a Keras mask on the embeddings or
    a weight of 0 hides is never kept. With `training=False` the memory is compared with and
    stays as it is. It is saved with the model, so that training goes on from a file
    exactly. O(B·(B + size)·D) time, for losses that need no distances among the others (all
    but `LiftedStructure` and `Angular`). Under `tf.distribute` each replica has its own
    memory; that of the first is saved.

    Raises:
        ValueError: for options out of range, a loss that takes no ids and embeddings or is
            one number for the batch, or inputs that do not fit.

    Example:

    >>> import keras, numpy as np, keras_losskit as kl
    >>> layer = kl.CrossBatchMemory(kl.TripletHard(margin=1.0), size=4)
    >>> first = layer([keras.ops.array([[0.0], [1.0]]), keras.ops.array([7, 8])])
    >>> [float(x) for x in layer.losses]    # No two of one class.
    [0.0]
    >>> second = layer([keras.ops.array([[2.0]]), keras.ops.array([7])])
    >>> [float(x) for x in layer.losses]    # The 0 is its positive: 2 - 1 + 1
    [2.0]

    Reference: X. Wang et al., *Cross-Batch Memory for Embedding Learning* (2020),
    https://arxiv.org/abs/1912.06798
    """

    def __init__(self, loss, size=4096, start=0, *, name=None, dtype=None, **options):
        loss = as_loss(loss)
        # The embeddings are handed on as they came, whatever the dtype policy.
        super().__init__(name=name, dtype=dtype, autocast=False, **options)
        takes = takes_of(loss)
        if takes is None or takes.shapes != "embeddings":
            raise ValueError(
                "CrossBatchMemory: `loss` must be a loss on class ids and embeddings, such as "
                f"SupervisedContrastive(). Received: loss={loss!r}"
            )
        self.loss = loss
        self.size = checks.integer(self, "size", size, at_least=1)
        self.start = checks.integer(self, "start", start, at_least=0)
        self.supports_masking = True

    def build(self, input_shape):
        shapes = list(input_shape)
        if len(shapes) not in (2, 3) or not isinstance(shapes[0], (list, tuple)):
            raise self._refusal(shapes)
        width = shapes[0][-1]
        kept = "float64" if self.loss.dtype == "float64" else "float32"
        # The oldest first; where nothing is yet, the last rows are filled first.
        self.embeddings = self._state("embeddings", (self.size, width), kept)
        # JAX has no others, unless it is told to.
        ids = "int32" if keras.config.backend() == "jax" else "int64"
        self.ids = self._state("ids", (self.size,), ids)
        self.there = self._state("there", (self.size,))
        self.calls = self._state("calls", (), "int32")
        self.built = True

    def _state(self, name, shape, dtype="float32"):
        # Local to a replica of `tf.distribute`, as the batches are.
        return keras.Variable(
            "zeros",
            shape=shape,
            dtype=dtype,
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
            synchronization="on_read",
            name=name,
        )

    def _refusal(self, shapes):
        return ValueError(
            f"{self.name}: CrossBatchMemory is called on [embeddings, ids] or on [embeddings, "
            f"ids, sample_weight], (B, D), (B,) and (B,). Received shapes: {shapes}"
        )

    def call(self, inputs, training=None):
        embeddings, ids, weights = (*inputs, None)[:3]
        require_no_waiting(self.name, self.loss)
        kept = ops.cast(embeddings, self.embeddings.dtype)
        ids = ops.cast(drop_trailing_ones(ids), self.ids.dtype)
        if len(kept.shape) != 2 or len(ids.shape) != 1:
            raise self._refusal([tuple(x.shape) for x in inputs])
        there = ops.ones_like(ids, dtype="bool")
        mask = keras_mask(embeddings)
        if mask is not None:
            there = ops.logical_and(there, mask)
        before = [ops.convert_to_tensor(x) for x in (self.embeddings, self.ids, self.there)]
        everywhere = ops.concatenate([there, before[2] > 0], axis=0)
        if weights is not None:
            weights = ops.cast(drop_trailing_ones(weights), kept.dtype)
            there = ops.logical_and(there, weights != 0)
            weights = ops.concatenate([weights, ops.ones_like(before[2])], axis=0)
        with anchors.only(0, ops.shape(kept)[0]):
            value = self.loss.evaluate(
                ops.concatenate([ids, before[1]], axis=0),
                ops.concatenate([kept, before[0]], axis=0),
                weights,
                everywhere,
            )
        # Keras divides what layers add by the number of replicas; so does a loss.
        self.add_loss(mean_of_all(value * replicas()))
        if training is not False:
            now = fill(ops.stop_gradient(kept), there), ids, ops.cast(there, "float32")
            self._keep(before, now)
        return embeddings

    def _keep(self, before, now):
        calls = ops.convert_to_tensor(self.calls)
        states = self.embeddings, self.ids, self.there
        for state, old, new in zip(states, before, now, strict=True):
            new = ops.concatenate([old, new], axis=0)[-self.size :]
            state.assign(ops.where(calls >= self.start, new, old) if self.start else new)
        self.calls.assign(ops.where(calls < self.start, calls + 1, calls))

    def compute_mask(self, inputs, previous_mask=None):
        return None if previous_mask is None else previous_mask[0]

    def compute_output_spec(self, inputs, training=None):
        return keras.KerasTensor(inputs[0].shape, dtype=inputs[0].dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "loss": encode(self.loss, "CrossBatchMemory: argument `loss`"),
            "size": self.size,
            "start": self.start,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**decode(config))
