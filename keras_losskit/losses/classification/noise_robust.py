"""Cross-entropies that wrong labels mislead less."""

import math

import keras
from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.kernels import choose
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import expm1, largest, power
from keras_losskit.losses.classification.base import CategoricalLoss


@register
class GeneralizedCrossentropy(CategoricalLoss):
    """Generalized cross-entropy: (1 - p_t^q)/q, p_t = Σ_c g_c·p_c.

    Between cross-entropy (q near 0) and the mean absolute error (q = 1): a
    wrong label costs at most 1/q. From logits p_t^q is exp(q·log p_t); from
    probabilities it runs straight to 0 below `keras.config.epsilon()`, so that
    the slope at p_t = 0 is finite.

    Args:
        q: 0 < q <= 1; larger is more robust and slower to learn.
        from_logits: whether `y_pred` holds logits rather than probabilities.
        label_smoothing: s in [0, 1]: targets become (1 - s)·g + s/C.
        class_weights: C weights w >= 0; a position's value is multiplied by
            Σ_c w_c·g_c.
        ignore_class: an id whose positions count nowhere, say 255 or -1.

    | elsewhere | here |
    |---|---|
    | the paper's L_q | `GeneralizedCrossentropy(q)` |
    | Keras `CategoricalGeneralizedCrossEntropy()` | `GeneralizedCrossentropy(q=0.5)` |
    | q = 1, called MAE: Σ_c \\|p_c - g_c\\| = 2(1 - p_t) | half of it |

    The paper's truncated L_q, with k and weights learned per sample, is not here.

    Call with `y_true` `(B, …)`, `(B, …, 1)` or `(B, …, C)`, `y_pred`
    `(B, …, C)`; values `(B, …)`.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or (where
            values can be seen) an id outside [0, C).

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.GeneralizedCrossentropy(q=0.5)
    >>> float(loss([1], [[0.75, 0.25]]))    # (1 - √0.25)/0.5
    1.0

    Reference: Z. Zhang, M. Sabuncu, *Generalized Cross Entropy Loss for Training
    Deep Neural Networks with Noisy Labels* (2018), https://arxiv.org/abs/1805.07836
    """

    def __init__(self, q=0.7, from_logits=False, **options):
        super().__init__(from_logits=from_logits, **options)
        self.q = checks.real(self, "q", q, above=0, at_most=1)

    def of_positions(self, y_true, y_pred):
        true = self.true_class(y_true, y_pred)
        if true is not None:
            p, log_p, weight = true
            return weight * self.score(p, log_p)
        g = self.smoothed_targets(y_true, y_pred)
        if self.from_logits:
            values = self.score(None, _log_of_mean(g, self.log_probabilities(y_pred)))
        else:
            p = ops.sum(g * self.probabilities(y_pred), axis=-1)
            values = self.score(p, None)
        return self.weigh_positions(values, g)

    def score(self, p, log_p):
        """(1 - p^q)/q."""
        missing = -expm1(self.q * log_p) if self.from_logits else 1 - self._power(p)
        return missing / self.q

    def _power(self, p):
        """p^q, and below epsilon the chord to 0."""
        eps = keras.config.epsilon()
        low = p < eps
        safe = ops.where(low, ops.full_like(p, eps), p)
        return ops.where(low, p * eps ** (self.q - 1), power(safe, self.q))


def _log_of_mean(g, log_p):
    """log Σ_c g_c·p_c from log p, where p itself would be 0; 0 where no g is."""
    some = g > 0
    top = largest(ops.where(some, log_p, ops.full_like(log_p, -1e30)), keepdims=True)
    top = ops.stop_gradient(top)
    total = ops.sum(g * ops.exp(ops.where(some, log_p - top, 0)), axis=-1)
    none = total == 0
    log_total = ops.log(ops.where(none, 1, total)) + ops.squeeze(top, axis=-1)
    return ops.where(none, 0, log_total)


class _Reverse(CategoricalLoss):
    """-Σ_c p_c·max(log g_c, A), where A stands for log 0."""

    def __init__(self, *, log_zero=-4.0, from_logits=False, **options):
        super().__init__(from_logits=from_logits, **options)
        self.log_zero = checks.real(self, "log_zero", log_zero, below=0)

    def reverse(self, g, y_pred):
        known = g > math.exp(self.log_zero)
        log_g = choose(known, ops.log(choose(known, g, 1)), self.log_zero)
        values = -ops.sum(self.probabilities(y_pred) * log_g, axis=-1)
        return self.weigh_positions(values, g)


@register
class ReverseCrossentropy(_Reverse):
    """Reverse cross-entropy: -Σ_c p_c·max(log g_c, A), A standing for log 0.

    With one-hot targets -A·(1 - p_t): a multiple of the mean absolute error,
    which symmetric label noise does not mislead. Bounded, so that its gradient
    vanishes with p_t; `SymmetricCrossentropy` adds what learns fast.

    Args:
        log_zero: A < 0.
        from_logits: whether `y_pred` holds logits rather than probabilities.
        label_smoothing: s in [0, 1]: targets become (1 - s)·g + s/C.
        class_weights: C weights w >= 0; a position's value is multiplied by
            Σ_c w_c·g_c.
        ignore_class: an id whose positions count nowhere, say 255 or -1.

    | elsewhere | here |
    |---|---|
    | code that clamps one-hot rows at 1e-4 | `log_zero=-9.21` |

    Call with `y_true` `(B, …)`, `(B, …, 1)` or `(B, …, C)`, `y_pred`
    `(B, …, C)`; values `(B, …)`.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or (where
            values can be seen) an id outside [0, C).

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.ReverseCrossentropy(log_zero=-4.0)
    >>> float(loss([1], [[0.5, 0.5]]))    # 4·(1 - 0.5)
    2.0

    Reference: Y. Wang et al., *Symmetric Cross Entropy for Robust Learning with
    Noisy Labels* (2019), https://arxiv.org/abs/1908.06112
    """

    def __init__(self, log_zero=-4.0, from_logits=False, **options):
        super().__init__(log_zero=log_zero, from_logits=from_logits, **options)

    def of_positions(self, y_true, y_pred):
        return self.reverse(self.smoothed_targets(y_true, y_pred), y_pred)


@register
class SymmetricCrossentropy(_Reverse):
    """Symmetric cross-entropy: alpha·CE + beta·RCE.

    Cross-entropy, which learns fast, and `ReverseCrossentropy`, which label
    noise misleads less.

    Args:
        alpha: >= 0, the weight of cross-entropy.
        beta: >= 0, the weight of reverse cross-entropy.
        log_zero: A < 0, standing for log 0 of one-hot targets.
        from_logits: whether `y_pred` holds logits rather than probabilities.
        label_smoothing: s in [0, 1]: targets become (1 - s)·g + s/C.
        class_weights: C weights w >= 0: -Σ_c w_c·g_c·log p_c, and the reverse
            part multiplied by Σ_c w_c·g_c.
        ignore_class: an id whose positions count nowhere, say 255 or -1.

    | elsewhere | here |
    |---|---|
    | the paper on CIFAR-10 | `alpha=0.1, beta=1.0` |
    | the paper on CIFAR-100 | `alpha=6.0, beta=0.1` |
    | code that clamps one-hot rows at 1e-4 | `log_zero=-9.21` |

    Call with `y_true` `(B, …)`, `(B, …, 1)` or `(B, …, C)`, `y_pred`
    `(B, …, C)`; values `(B, …)`.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or (where
            values can be seen) an id outside [0, C).

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.SymmetricCrossentropy(alpha=1.0, beta=0.5, log_zero=-4.0)
    >>> round(float(loss([1], [[0.5, 0.5]])), 4)    # log 2 + 0.5·4·(1 - 0.5)
    1.6931

    Reference: Y. Wang et al., *Symmetric Cross Entropy for Robust Learning with
    Noisy Labels* (2019), https://arxiv.org/abs/1908.06112
    """

    def __init__(self, alpha=0.1, beta=1.0, log_zero=-4.0, from_logits=False, **options):
        super().__init__(log_zero=log_zero, from_logits=from_logits, **options)
        self.alpha = checks.real(self, "alpha", alpha, at_least=0)
        self.beta = checks.real(self, "beta", beta, at_least=0)

    def of_positions(self, y_true, y_pred):
        g = self.smoothed_targets(y_true, y_pred)
        ce = -self.sum_over_classes(g * self.log_probabilities(y_pred))
        return self.alpha * ce + self.beta * self.reverse(g, y_pred)


@register
class NormalizedCrossentropy(CategoricalLoss):
    """Normalized cross-entropy: Σ_c w_c·g_c·log p_c / Σ_k log p_k.

    Cross-entropy as a share of what all labels would cost, between 0 and 1:
    robust to label noise, but slow alone. The paper adds a passive loss, such
    as `ReverseCrossentropy`.

    Args:
        from_logits: whether `y_pred` holds logits rather than probabilities.
        label_smoothing: s in [0, 1]: targets become (1 - s)·g + s/C.
        class_weights: C weights w >= 0, inside the sum of the numerator.
        ignore_class: an id whose positions count nowhere, say 255 or -1.

    | elsewhere | here |
    |---|---|
    | the authors' `NCEandRCE(alpha=a, beta=b)` | `a * … + b * ReverseCrossentropy(-9.21)` |

    Call with `y_true` `(B, …)`, `(B, …, 1)` or `(B, …, C)`, `y_pred`
    `(B, …, C)`; values `(B, …)`.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or (where
            values can be seen) an id outside [0, C).

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.NormalizedCrossentropy()
    >>> float(loss([1], [[0.5, 0.5]]))    # log 0.5 / (log 0.5 + log 0.5)
    0.5

    Reference: X. Ma et al., *Normalized Loss Functions for Deep Learning with
    Noisy Labels* (2020), https://arxiv.org/abs/2006.13554
    """

    def __init__(self, from_logits=False, **options):
        super().__init__(from_logits=from_logits, **options)

    def of_positions(self, y_true, y_pred):
        g = self.smoothed_targets(y_true, y_pred)
        log_p = self.log_probabilities(y_pred)
        # The sum is at most -C·log C: never 0.
        return self.sum_over_classes(g * log_p) / ops.sum(log_p, axis=-1)
