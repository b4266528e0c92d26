"""One embedding that can be cut short."""

from keras_losskit.core import checks
from keras_losskit.core.algebra import WeightedSum
from keras_losskit.core.backend import leaves
from keras_losskit.core.combined import factor_repr
from keras_losskit.core.foreign import as_loss
from keras_losskit.core.loss import register
from keras_losskit.core.takes import takes_of


@register
class Matryoshka(WeightedSum):
    """Σ_i w_i·L of the first `sizes[i]` dimensions of the embeddings.

    Trains embeddings whose beginnings are embeddings too, so that an index can store 64 of
    768 dimensions. It is a sum of terms, named `info_nce_64` and so on, which log and weigh
    like any other's. L normalises what it is given: each beginning for itself.

    Args:
        loss: a loss on embeddings, anything that `as_loss` takes. Where its `y_true` is a
            view or an embedding too, both are cut; ids are left as they are.
        sizes: how many dimensions, integers >= 1, each once.
        weights: one weight >= 0 for each size; `None`: 1 each.

    | elsewhere | here |
    |---|---|
    | sentence-transformers `MatryoshkaLoss(model, loss, [768, 64])` | \
`Matryoshka(loss, [768, 64])`; there beginnings are normalised for any loss |

    Call as the loss.

    Raises:
        ValueError: for options out of range, or a size larger than the embeddings.

    Example:

    >>> import keras_losskit as kl
    >>> loss = kl.Matryoshka(kl.NegativeCosine(), sizes=[1, 2])
    >>> float(loss([[1.0, 0.0]], [[1.0, 0.0]]))    # -1 - 1
    -2.0
    >>> list(loss.terms)
    ['negative_cosine_1', 'negative_cosine_2']

    Reference: A. Kusupati et al., *Matryoshka Representation Learning* (2022),
    https://arxiv.org/abs/2205.13147
    """

    fixed = {"terms": None}  # They follow from the sizes.

    def __init__(self, loss, sizes, weights=None, **common):
        loss = as_loss(loss)
        if not isinstance(sizes, (list, tuple)) or not sizes:
            raise TypeError(
                f"Matryoshka: `sizes` must be a list of integers >= 1. Received: sizes={sizes!r}"
            )
        self.sizes = [
            checks.integer(self, f"sizes[{i}]", n, at_least=1) for i, n in enumerate(sizes)
        ]
        self.weights = checks.weights(self, "weights", weights)
        if len(set(self.sizes)) < len(self.sizes):
            raise ValueError(f"Matryoshka: `sizes` names one twice. Received: sizes={sizes}")
        given = self.weights or [1] * len(self.sizes)
        if len(given) != len(self.sizes):
            raise ValueError(
                f"Matryoshka: `weights` has {len(given)} entries, but `sizes` has "
                f"{len(self.sizes)}. Give one weight for each size."
            )
        takes = takes_of(loss)
        both = takes is not None and takes.y_true == "view"
        terms = {}
        for n, w in zip(self.sizes, given, strict=True):
            part = slice(0, n)
            name = f"{loss.name}_{n}"
            terms[name] = (w, loss.on(y_true=part if both else None, y_pred=part))
        super().__init__(**{**common, "terms": terms})
        self.loss = loss

    def evaluate(self, y_true, y_pred, sample_weight=None, mask=None):
        self._require_enough(y_pred)
        return super().evaluate(y_true, y_pred, sample_weight, mask)

    def weighable(self, y_true, y_pred, sample_weight, mask):
        self._require_enough(y_pred)
        return super().weighable(y_true, y_pred, sample_weight, mask)

    def _require_enough(self, y_pred):
        shape = getattr(leaves(y_pred)[0], "shape", ())
        if len(shape) and shape[-1] is not None and max(self.sizes) > shape[-1]:
            raise ValueError(
                f"{self.name}: `sizes` asks for {max(self.sizes)} dimensions, but y_pred of "
                f"shape {tuple(shape)} has {shape[-1]}."
            )

    def argument(self, name):
        return self.loss if name == "loss" else super(WeightedSum, self).argument(name)

    @classmethod
    def from_arguments(cls, arguments):
        if "terms" in arguments:  # Of other weights: then it is a sum like any other.
            return WeightedSum.from_arguments(arguments)
        return cls(**arguments)

    def __repr__(self):
        given = "" if self.weights is None else f", weights={self.weights}"
        return f"Matryoshka({factor_repr(self.loss)}, sizes={self.sizes}{given})"
