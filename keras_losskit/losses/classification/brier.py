"""The Brier score."""

from keras import ops

from keras_losskit.core.loss import register
from keras_losskit.losses.classification.base import CategoricalLoss


@register
class Brier(CategoricalLoss):
    """Brier score: Σ_c (p_c - g_c)².

    The squared error of probabilities: proper, so that it rewards calibration,
    and bounded by 2. Its gradient vanishes with p_t where a model is
    confidently wrong from logits.

    Args:
        from_logits: whether `y_pred` holds logits rather than probabilities.
        label_smoothing: s in [0, 1]: targets become (1 - s)·g + s/C.
        class_weights: C weights w >= 0; a position's value is multiplied by
            Σ_c w_c·g_c.
        ignore_class: an id whose positions count nowhere, say 255 or -1.

    | elsewhere | here |
    |---|---|
    | scikit-learn `brier_score_loss`, two classes: (p - g)² | half of the value |

    Call with `y_true` `(B, …)`, `(B, …, 1)` or `(B, …, C)`, `y_pred`
    `(B, …, C)`; values `(B, …)`.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or (where
            values can be seen) an id outside [0, C).

    Example:

    >>> import keras_losskit
    >>> float(keras_losskit.Brier()([1], [[0.5, 0.5]]))    # 0.5² + 0.5²
    0.5

    Reference: G. W. Brier, *Verification of Forecasts Expressed in Terms of
    Probability* (1950),
    https://doi.org/10.1175/1520-0493(1950)078%3C0001:VOFEIT%3E2.0.CO;2
    """

    def __init__(self, from_logits=False, **options):
        super().__init__(from_logits=from_logits, **options)

    def of_positions(self, y_true, y_pred):
        g = self.smoothed_targets(y_true, y_pred)
        squares = ops.square(self.probabilities(y_pred) - g)
        return self.weigh_positions(ops.sum(squares, axis=-1), g)
