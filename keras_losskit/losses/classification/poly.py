"""Poly cross-entropy."""

from keras_losskit.core import checks
from keras_losskit.core.loss import register
from keras_losskit.losses.classification.base import CategoricalLoss


@register
class PolyCrossentropy(CategoricalLoss):
    """Poly-1 cross-entropy: CE + epsilon·(1 - p_t), p_t = Σ_c g_c·p_c.

    Cross-entropy whose first polynomial coefficient is changed: the slope near
    p_t = 1 is 1 + epsilon instead of 1. Worth tuning where cross-entropy works.

    Args:
        epsilon: >= -1, what is added to the first coefficient; 0 is plain
            cross-entropy.
        from_logits: whether `y_pred` holds logits rather than probabilities.
        label_smoothing: s in [0, 1]: targets become (1 - s)·g + s/C.
        class_weights: C weights w >= 0, inside the sum over classes:
            Σ_c w_c·g_c·(-log p_c + epsilon·(1 - p_c)).
        ignore_class: an id whose positions count nowhere, say 255 or -1.

    Smoothed targets enter both terms.

    Call with `y_true` `(B, …)`, `(B, …, 1)` or `(B, …, C)`, `y_pred`
    `(B, …, C)`; values `(B, …)`.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or (where
            values can be seen) an id outside [0, C).

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.PolyCrossentropy(epsilon=2.0)
    >>> round(float(loss([1], [[0.5, 0.5]])), 4)    # log 2 + 2·(1 - 0.5)
    1.6931

    Reference: Z. Leng et al., *PolyLoss* (2022), https://arxiv.org/abs/2204.12511
    """

    def __init__(self, epsilon=1.0, from_logits=False, **options):
        super().__init__(from_logits=from_logits, **options)
        self.epsilon = checks.real(self, "epsilon", epsilon, at_least=-1)

    def of_positions(self, y_true, y_pred):
        true = self.true_class(y_true, y_pred)
        if true is not None:
            p, log_p, weight = true
            return weight * (self.epsilon * (1 - p) - log_p)
        g = self.smoothed_targets(y_true, y_pred)
        # Σ g·(1 - p) is 1 - p_t, as the shares g sum to 1.
        p, log_p = self.with_logarithms(y_pred)
        return self.sum_over_classes(g * (self.epsilon * (1 - p) - log_p))
