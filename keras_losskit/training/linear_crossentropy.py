"""`LinearCrossentropy`: the last layer of a language model and its loss, in little memory."""

import keras
from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.backend import compiled_once, replicas, seen_by
from keras_losskit.core.chunks import by_chunks
from keras_losskit.core.keras_internals import keras_mask, shared_layer
from keras_losskit.core.kernels import (
    crossentropies,
    entry,
    plus_at,
    plus_product,
    product,
    softmax_less_one,
)
from keras_losskit.core.loss import register
from keras_losskit.core.reduction import (
    align_left,
    check_aligned,
    combine_masks,
    drop_trailing_ones,
    fill,
    reduce,
)


@register
class LinearCrossentropy(keras.layers.Layer):
    """A linear layer and the cross-entropy of its logits, which are never all there at once.

    CE(hidden·W, ids). For language models and other softmaxes over very many classes, where
    the logits of a batch, and their gradient, take more memory than all the rest: 16,384
    tokens of 128,000 words are 8 GB, each time they are touched. Here logits are made of
    `chunk_size` tokens at a time, and made again in the backward pass. Value and gradient
    are those of the dense computation; it costs one product of matrices more, four for three, and
    takes about as much longer (with chunks of 512; up to half as long again with those of 256).
    `python -m benchmarks.vocabulary` measures both: that step takes 0.7 to 0.9 GB beside the
    imports, at 256 dimensions, of which the kernel and its gradient are 0.26.

    Args:
        units: the number of classes, an integer >= 1.
        chunk_size: how many tokens at a time, an integer >= 1; memory is that of
            `chunk_size·units` logits.
        z_loss: weight of (log Σ exp z)², >= 0, which keeps logits from drifting (PaLM: 1e-4).
        label_smoothing: share of each target that is spread over all classes, in [0, 1).
        ignore_class: an id that is no target, or `None`. Its tokens are not counted.
        soft_cap: c > 0 where logits are c·tanh(z/c) (Gemma: 30), or `None`. Those of
            inference are capped as well.
        tied_to: a `keras.layers.Embedding` or `ReversibleEmbedding` of `units` words, whose
            matrix this layer then uses, or `None` for a kernel `(D, units)` of its own.
        kernel_initializer, kernel_regularizer, kernel_constraint: of the kernel, as in
            `keras.layers.Dense`. There is no bias.

    Call on `[hidden, ids]`, `(B, …, D)` and `(B, …)`, to add the mean cross-entropy to the
    model's loss; `hidden` is returned unchanged. A third input holds weights, `(B,)` or
    `(B, …)`, as in `AddLoss`: `fit`'s `sample_weight` does not reach layers. A Keras mask on
    `hidden` drops tokens. Call on `hidden` alone for the logits `(B, …, units)`, with the
    same weights: all of them at once, so take the last token only where you generate.

    | elsewhere | here |
    |---|---|
    | `Dense(V, use_bias=False)`, `SparseCategoricalCrossentropy(True)` | `LinearCrossentropy(V)` |

    A model that is saved and loaded holds one matrix, as before. `keras.models.clone_model` and
    `from_config` make another embedding for each layer's config, which is no longer tied.

    Under mixed precision products are in the lower precision, everything after them and the
    sums over chunks in float32. Second derivatives are refused on TensorFlow and torch.

    Raises:
        ValueError, TypeError: for options out of range, inputs that do not fit, or (where
            values can be seen) an id outside [0, units) that is not `ignore_class`.

    Example:

    >>> import keras, numpy as np, keras_losskit as kl
    >>> layer = kl.LinearCrossentropy(4, kernel_initializer="zeros")
    >>> hidden, ids = np.ones((1, 2, 3), "float32"), np.array([[0, 3]])
    >>> returned = layer([hidden, ids])
    >>> round(float(keras.ops.convert_to_numpy(layer.losses[0])), 4)    # log 4
    1.3863
    >>> tuple(layer(hidden).shape)
    (1, 2, 4)

    Reference: E. Wijmans et al., *Cut Your Losses in Large-Vocabulary Language Models*
    (2024), https://arxiv.org/abs/2411.09009; P.-L. Hsu et al., *Liger Kernel* (2024),
    https://arxiv.org/abs/2410.10989
    """

    def __init__(
        self,
        units,
        chunk_size=256,
        z_loss=0.0,
        label_smoothing=0.0,
        ignore_class=None,
        soft_cap=None,
        tied_to=None,
        kernel_initializer="glorot_uniform",
        kernel_regularizer=None,
        kernel_constraint=None,
        **options,
    ):
        # The inputs are handed on as they came, whatever the dtype policy.
        super().__init__(**{"autocast": False, **options})
        self.units = checks.integer(self, "units", units, at_least=1)
        self.chunk_size = checks.integer(self, "chunk_size", chunk_size, at_least=1)
        self.z_loss = checks.real(self, "z_loss", z_loss, at_least=0)
        self.label_smoothing = checks.real(
            self, "label_smoothing", label_smoothing, at_least=0, below=1
        )
        self.ignore_class = checks.optional_integer(self, "ignore_class", ignore_class)
        self.soft_cap = checks.optional_real(self, "soft_cap", soft_cap, above=0)
        self.tied_to = self._embedding(tied_to)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.supports_masking = True

    def _embedding(self, layer):
        if layer is None or isinstance(layer, keras.layers.Embedding):
            if layer is not None and layer.input_dim != self.units:
                raise ValueError(
                    f"LinearCrossentropy: `tied_to` is an Embedding of {layer.input_dim} words, "
                    f"but `units` is {self.units}. They must be as many."
                )
            return layer
        raise TypeError(
            "LinearCrossentropy: `tied_to` must be a keras.layers.Embedding (or "
            f"ReversibleEmbedding), or None. Received: {layer!r}"
        )

    def build(self, input_shape):
        size = (input_shape if _is_shape(input_shape) else input_shape[0])[-1]
        if self.tied_to is not None:
            if self.tied_to.output_dim != size:
                raise ValueError(
                    f"{self.name}: the hidden states have {size} dimensions, but the Embedding "
                    f"of `tied_to` has {self.tied_to.output_dim}. They must be as many."
                )
            if not self.tied_to.built:
                self.tied_to.build()
        else:
            self.kernel = self.add_weight(
                shape=(size, self.units),
                initializer=self.kernel_initializer,
                regularizer=self.kernel_regularizer,
                constraint=self.kernel_constraint,
                name="kernel",
            )
        self.built = True

    def _matrix(self, dtype):
        """The matrix, and whether it is `(units, D)`."""
        if self.tied_to is None:
            return ops.cast(self.kernel, dtype), False
        if getattr(self.tied_to, "tie_weights", True):
            return ops.cast(self.tied_to.embeddings, dtype), True
        return ops.cast(self.tied_to.reverse_embeddings, dtype), False

    def call(self, inputs, ids=None, sample_weight=None):
        inputs = _listed(inputs, ids, sample_weight)
        if not isinstance(inputs, list):
            return self._logits(inputs)
        self._check(inputs)
        hidden, ids, weights = (*inputs, None)[:3]
        values, weights, mask = self._values(hidden, ids, weights)
        # Keras divides what layers add by the number of replicas; so does `reduce`.
        self.add_loss(reduce(values, weights, mask, "sum_over_batch_size") * replicas())
        return hidden

    def _logits(self, hidden):
        matrix, by_rows = self._matrix(self.compute_dtype)
        hidden = ops.cast(hidden, self.compute_dtype)
        rows = product(_rows(hidden), matrix, transpose_b=by_rows)
        logits = ops.reshape(rows, (*ops.shape(hidden)[:-1], self.units))
        return logits if self.soft_cap is None else _capped(logits, self.soft_cap)

    def _values(self, hidden, ids, weights):
        """Cross-entropies `(B, …)`, their weights, and a mask of those that count."""
        mask = keras_mask(hidden)
        ids = ops.convert_to_tensor(ids)
        if len(ids.shape) == len(hidden.shape) and ids.shape[-1] == 1:
            ids = ops.squeeze(ids, axis=-1)
        ids = ops.cast(ids, "int32")
        dtype = "float64" if self.compute_dtype == "float64" else "float32"
        if weights is not None:
            weights = drop_trailing_ones(ops.cast(weights, dtype))
            check_aligned(self.name, "sample_weight", weights, ids.shape, "ids")
        kept = mask if mask is None else ops.cast(mask, "bool")
        if self.ignore_class is not None:
            kept = combine_masks(kept, ids != self.ignore_class)
        counted = kept if weights is None else combine_masks(kept, weights != 0)
        self._check_ids(ids, counted)
        # A graph cannot refuse an id out of range: it costs nothing and pulls nowhere.
        known = (ids >= 0) & (ids < self.units)
        hidden = fill(ops.cast(hidden, self.compute_dtype), counted)
        matrix, by_rows = self._matrix(self.compute_dtype)
        values = token_crossentropies(
            _rows(hidden), matrix, ops.reshape(fill(ids, combine_masks(counted, known)), (-1,)),
            by_rows=by_rows, chunk_size=self.chunk_size, z_loss=self.z_loss,
            label_smoothing=self.label_smoothing, soft_cap=self.soft_cap, dtype=dtype,
        )
        if kept is not None:
            kept = align_left(kept, len(ids.shape))
        values = ops.reshape(values, ops.shape(ids))
        return ops.where(known, values, ops.zeros_like(values)), weights, kept

    def _check_ids(self, ids, counted):
        found = seen_by(self, ids)
        counted = None if counted is None else seen_by(self, counted)
        if found is None:
            return
        wrong = (found < 0) | (found >= self.units)
        if counted is not None:
            wrong = wrong & counted.reshape(counted.shape + (1,) * (wrong.ndim - counted.ndim))
        if wrong.any():
            raise ValueError(
                f"{self.name}: class id {found[wrong].flat[0]} is outside [0, {self.units}). "
                "Set `ignore_class` to the id that marks padding, if it is one."
            )

    def _check(self, inputs):
        if len(inputs) not in (2, 3):
            raise ValueError(
                f"{self.name}: LinearCrossentropy is called on hidden states, on a pair "
                "[hidden, ids] or on [hidden, ids, sample_weight]. Received "
                f"{len(inputs)} inputs."
            )
        shape, of_ids = tuple(inputs[0].shape), tuple(inputs[1].shape)
        if len(of_ids) == len(shape) and of_ids[-1] == 1:
            of_ids = of_ids[:-1]
        fits = len(of_ids) == len(shape) - 1 and all(
            a is None or b is None or a == b for a, b in zip(of_ids, shape, strict=False)
        )
        if not fits:
            raise ValueError(
                f"{self.name}: ids of shape {tuple(inputs[1].shape)} do not fit hidden states "
                f"of shape {shape}. Give one id for each vector: (B, …) to (B, …, D)."
            )

    def compute_output_spec(self, inputs, ids=None, sample_weight=None, **kwargs):
        inputs = _listed(inputs, ids, sample_weight)
        if isinstance(inputs, list):
            self._check(inputs)
            return keras.KerasTensor(inputs[0].shape, dtype=inputs[0].dtype)
        return keras.KerasTensor((*inputs.shape[:-1], self.units), dtype=self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "chunk_size": self.chunk_size,
            "z_loss": self.z_loss,
            "label_smoothing": self.label_smoothing,
            "ignore_class": self.ignore_class,
            "soft_cap": self.soft_cap,
            "tied_to": None if self.tied_to is None else shared_layer(self.tied_to),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "kernel_constraint": keras.constraints.serialize(self.kernel_constraint),
        }

    @classmethod
    def from_config(cls, config):
        tied_to = keras.saving.deserialize_keras_object(config.get("tied_to"))
        return cls(**{**config, "tied_to": tied_to})


@compiled_once
def token_crossentropies(
    hidden, matrix, ids, *, by_rows, chunk_size, z_loss, label_smoothing, soft_cap, dtype
):
    """The cross-entropy of each row of `hidden` `(N, D)`, `(N,)`, in chunks of rows."""

    def logits(rows, matrix):
        z = ops.cast(product(rows, matrix, transpose_b=by_rows), dtype)
        return z if soft_cap is None else _capped(z, soft_cap)

    def value(rows, matrix, ids):
        z = logits(rows, matrix)
        fit = crossentropies(z, ids)
        if not (z_loss or label_smoothing):
            return fit, fit
        true = entry(z, ids)
        log_sum = fit + true
        if label_smoothing:
            fit = fit + label_smoothing * (true - ops.sum(z, axis=-1) / z.shape[-1])
        return fit + z_loss * ops.square(log_sum), log_sum

    def slopes(total, upstream, log_sum, rows, matrix, ids):
        z = logits(rows, matrix)
        slope = softmax_less_one(z, ids)
        if z_loss or label_smoothing:
            scale = 1 + 2 * z_loss * log_sum
            slope = slope * scale[:, None] - label_smoothing / z.shape[-1]
            slope = plus_at(slope, ids, scale - (1 - label_smoothing))
        if soft_cap is not None:
            slope = slope * (1 - ops.square(z / soft_cap))
        slope = ops.cast(slope, rows.dtype)
        # What comes from above is multiplied with rows, which are shorter than their logits.
        above = upstream[:, None]
        by_row = above * ops.cast(product(slope, matrix, transpose_b=not by_rows), dtype)
        rows = ops.cast(above * ops.cast(rows, dtype), rows.dtype)
        total = plus_product(total, *((slope, rows) if by_rows else (rows, slope)))
        return total, by_row

    return by_chunks(value, slopes, hidden, matrix, (ids,), chunk_size, dtype)


def _capped(z, cap):
    if keras.backend.standardize_dtype(z.dtype) != "float64":
        return cap * ops.tanh(z / cap)
    return cap * (2 * ops.sigmoid(2 * z / cap) - 1)  # On JAX `ops.tanh` computes in float32.


def _rows(hidden):
    return ops.reshape(hidden, (-1, hidden.shape[-1]))


def _is_shape(shape):
    return not isinstance(shape[0], (list, tuple))


def _listed(inputs, ids, sample_weight):
    """`layer(hidden, ids)` as `layer([hidden, ids])`."""
    if ids is None:
        return list(inputs) if isinstance(inputs, (list, tuple)) else inputs
    return [inputs, ids] if sample_weight is None else [inputs, ids, sample_weight]
