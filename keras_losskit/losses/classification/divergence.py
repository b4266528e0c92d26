"""Divergences between two distributions."""

import math

from keras import ops

from keras_losskit.core import checks, targets
from keras_losskit.core.kernels import exp, log_softmax_below
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import largest, safe_log, safe_log_ratio, softplus
from keras_losskit.core.softmax import held, log_softmax
from keras_losskit.core.takes import Takes
from keras_losskit.losses.classification.base import CategoricalLoss


class DistributionLoss(CategoricalLoss):
    """Base of losses between two distributions of one kind, `(B, …, C)` each.

    Both hold logits, or both probabilities; then `y_true` may be class ids too.
    """

    takes = Takes("distribution", "probabilities", "classes")

    fixed = {"label_smoothing": 0.0, "class_weights": None, "ignore_class": None}

    def prepare(self, y_true, y_pred):
        if self.from_logits and targets.holds_ids(y_true, y_pred):
            raise ValueError(
                f"{self.name}: y_true of shape {tuple(y_true.shape)} does not fit y_pred "
                f"of shape {tuple(y_pred.shape)}. With logits both must be logits, of "
                "one shape; for class ids use CategoricalCrossentropy."
            )
        return super().prepare(y_true, y_pred)

    def both(self, y_true, y_pred):
        """g, log g, p, log p; an entry of 0 has a finite logarithm."""
        if self.from_logits:
            log_g, log_p = log_softmax(y_true), log_softmax(y_pred)
            return exp(log_g), log_g, exp(log_p), log_p
        g, p = self.dense_targets(y_true, y_pred), self.probabilities(y_pred)
        return g, safe_log(g), p, safe_log(p)


@register
class KLDivergence(DistributionLoss):
    """Kullback-Leibler divergence: KL(g ‖ p) = Σ_c g_c·log(g_c/p_c).

    How many nats are lost when p stands in for g. In p it differs from
    cross-entropy by a constant; it is 0 where p equals g.

    Args:
        from_logits: whether `y_true` and `y_pred` hold logits, both; else both
            hold probabilities, of which `y_pred` is renormalised to p/Σp.

    | elsewhere | here |
    |---|---|
    | Keras `KLDivergence()(g, p)` | `KLDivergence()(g, p)` |
    | torch `kl_div(log_p, g, reduction="batchmean")`, rows `(B, C)` | `KLDivergence()(g, p)` |
    | torch `kl_div(log_p, g)`: the mean over all entries | `KLDivergence()(g, p) / C` |
    | scipy `rel_entr(g, p).sum(-1)` | the values |

    Call with `y_true`, `y_pred` `(B, …, C)`, C > 1; values `(B, …)`. Class ids are
    taken where `from_logits=False`. One probability alone, `(B, …, 1)`, is no
    distribution and is refused; Keras sums it as it is.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.KLDivergence()
    >>> round(float(loss([[1.0, 0.0]], [[0.5, 0.5]])), 4)    # log(1/0.5)
    0.6931

    Reference: S. Kullback, R. Leibler, *On Information and Sufficiency* (1951),
    https://doi.org/10.1214/aoms/1177729694
    """

    def __init__(self, from_logits=False, **common):
        super().__init__(from_logits=from_logits, **common)

    def of_positions(self, y_true, y_pred):
        if self.from_logits:
            g, log_g, _, log_p = self.both(y_true, y_pred)
            return ops.sum(g * (log_g - log_p), axis=-1)
        g, p = self.dense_targets(y_true, y_pred), self.probabilities(y_pred)
        return ops.sum(g * safe_log_ratio(g, p), axis=-1)


@register
class JensenShannon(DistributionLoss):
    """Jensen-Shannon divergence: w·KL(g ‖ m) + (1-w)·KL(p ‖ m), m = w·g + (1-w)·p.

    Between 0 and log 2 for w = ½, and symmetric there. Robust to wrong labels;
    near cross-entropy for small w (after division by w), near the absolute
    error for w near 1. Bounded, so that its gradient vanishes with p_t.

    Args:
        weight: w, 0 < w < 1, the weight of the target.
        from_logits: whether `y_true` and `y_pred` hold logits, both; else both
            hold probabilities, of which `y_pred` is renormalised to p/Σp.

    | elsewhere | here |
    |---|---|
    | scipy `jensenshannon(g, p)`, a distance | √ of the value at `weight=0.5` |
    | Englesson 2021, divided by -(1 - π)·log(1 - π) | not divided; `weight` is π |

    Call with `y_true`, `y_pred` `(B, …, C)`; values `(B, …)`. Class ids are
    taken where `from_logits=False`.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.JensenShannon()
    >>> round(float(loss([[1.0, 0.0]], [[0.0, 1.0]])), 4)    # log 2
    0.6931

    Reference: J. Lin, *Divergence Measures Based on the Shannon Entropy* (1991),
    https://doi.org/10.1109/18.61115; as a loss: E. Englesson, H. Azizpour (2021),
    https://arxiv.org/abs/2105.04522
    """

    def __init__(self, weight=0.5, from_logits=False, **common):
        super().__init__(from_logits=from_logits, **common)
        self.weight = checks.real(self, "weight", weight, above=0, below=1)

    def of_positions(self, y_true, y_pred):
        w = self.weight
        g, log_g, p, log_p = self.both(y_true, y_pred)
        if self.from_logits:  # log(w·g + (1 - w)·p), where both may round to 0.
            a, b = log_g + math.log(w), log_p + math.log1p(-w)
            log_m = b + softplus(a - b)
        else:
            log_m = safe_log(w * g + (1 - w) * p)
        per_class = w * g * (log_g - log_m) + (1 - w) * p * (log_p - log_m)
        return ops.sum(per_class, axis=-1)


@register
class Distillation(DistributionLoss):
    """Knowledge distillation: T²·KL(softmax(t/T) ‖ softmax(s/T)).

    Trains a student, whose logits s are `y_pred`, on the softened predictions
    of a teacher, whose logits t are `y_true`. The factor T² keeps the size of
    the gradient whatever the temperature, so that the weight of a
    cross-entropy beside it need not change with T.

    Args:
        temperature: T > 0; larger shows more of what the teacher thinks of the
            wrong classes.

    | elsewhere | here |
    |---|---|
    | Hinton 2015: T² times the cross-entropy with soft targets | less T² times the teacher's \
entropy: the same gradient |
    | code without the T² | `Distillation(T) / T**2` |
    | torch `kl_div(log_softmax(s/T), softmax(t/T), reduction="batchmean") * T**2` | \
`Distillation(T)` |

    Call with `y_true`, `y_pred` logits `(B, …, C)`; values `(B, …)`.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import math, keras_losskit
    >>> loss = keras_losskit.Distillation(temperature=2.0)
    >>> teacher, student = [[2 * math.log(3.0), 0.0]], [[0.0, 0.0]]
    >>> round(float(loss(teacher, student)), 4)    # 4·(¾·log(¾/½) + ¼·log(¼/½))
    0.5232

    Reference: G. Hinton et al., *Distilling the Knowledge in a Neural Network*
    (2015), https://arxiv.org/abs/1503.02531
    """

    takes = Takes("logits", "logits", "classes")
    fixed = {**DistributionLoss.fixed, "from_logits": True}

    def __init__(self, temperature=4.0, **common):
        super().__init__(**common)
        self.temperature = checks.real(self, "temperature", temperature, above=0)

    def of_positions(self, y_true, y_pred):
        t = self.temperature
        log_g, log_p = _log_softmax(y_true, t), _log_softmax(y_pred, t)
        g = ops.exp(log_g)
        return t * t * ops.sum(g * (log_g - log_p), axis=-1)


def _log_softmax(z, temperature):
    """log softmax(z/T).

    The largest is taken away before the division: a compiler that fuses both rounds
    z/T and its maximum differently, and of large logits something positive is left.
    """
    z = held(z)
    below = (z - ops.stop_gradient(largest(z, keepdims=True))) / temperature
    return log_softmax_below(below)
