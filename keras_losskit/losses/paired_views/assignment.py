"""Views compared by which prototypes they are assigned to."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.kernels import exp
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import largest
from keras_losskit.core.softmax import held, log_softmax, log_sum_exp, softmax
from keras_losskit.core.takes import Takes
from keras_losskit.losses.paired_views.base import ViewsLoss


class PrototypeLoss(ViewsLoss):
    """Base of losses on the scores of prototypes, `(B, K)`."""

    def assigned(self, scores, temperature, iterations, mask):
        """Sinkhorn-Knopp: shares of the prototypes for each sample, none of them favoured.

        The shares of exp(scores/T), so scaled that all prototypes get as many samples and
        each sample adds up to 1. In logarithms, which no score overflows; no gradient.
        """
        q = held(ops.stop_gradient(scores) / temperature)
        for _ in range(iterations):
            if q.shape[0] == 0:
                break
            if mask is None:
                q = ops.log_softmax(q, axis=0)
            else:
                q = q - log_sum_exp(q, mask[:, None], axis=0)[None, :]
            q = ops.log_softmax(q, axis=-1)
        return exp(q)


def _crossentropy(shares, scores, temperature):
    return -ops.sum(shares * log_softmax(_sharpened(scores, temperature)), axis=-1)


def _sharpened(scores, temperature):
    """Scores over T, the largest 0: a compiler that rounds a quotient twice, for the largest
    and for what is less, would make a power of e of what it rounds by."""
    top = ops.stop_gradient(largest(scores, keepdims=True))
    return (scores - top) / temperature


@register
class DINO(PrototypeLoss):
    """Self-distillation: -Σ_k q_k·log softmax(s/T_s)_k, q the teacher's shares.

    The student's scores s of K prototypes follow those of the teacher, a moving average of
    the student that has seen another view. A low temperature sharpens q; what keeps all
    samples from one prototype is the centering.

    Args:
        student_temperature: T_s > 0.
        teacher_temperature: T_t > 0, below T_s as a rule.
        centering: `"sinkhorn"`, three rounds of Sinkhorn-Knopp over the batch (as DINOv2
            does), which need no state; `"none"`: q = softmax(t/T_t), for scores that the
            model has centered.
        gather: as in `NTXent`.

    Call with the teacher's scores as `y_true` and the student's as `y_pred`, both
    `(B, K)`; values `(B,)`; the gradient flows to `y_pred` alone. O(B·K) time and memory.
    In-batch with `centering="sinkhorn"`: under data parallelism each device sees its
    local batch, or with `gather` all of it, which each then computes.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.DINO(student_temperature=1.0)
    >>> scores = [[1.0, 0.0], [0.0, 1.0]]
    >>> round(float(loss(scores, scores)), 4)    # log(1 + e^-1)
    0.3133

    References: M. Caron et al., *Emerging Properties in Self-Supervised Vision
    Transformers* (2021), https://arxiv.org/abs/2104.14294; M. Oquab et al., *DINOv2* (2024),
    https://arxiv.org/abs/2304.07193
    """

    takes = Takes("view", "view", "views", in_batch=True)

    def __init__(
        self, student_temperature=0.1, teacher_temperature=0.04, centering="sinkhorn", **common
    ):
        super().__init__(**common)
        self.student_temperature = checks.real(
            self, "student_temperature", student_temperature, above=0
        )
        self.teacher_temperature = checks.real(
            self, "teacher_temperature", teacher_temperature, above=0
        )
        self.centering = checks.choice(self, "centering", centering, ("sinkhorn", "none"))
        if centering == "none":  # Then no sample looks at another.
            self.takes = Takes("view", "view", "views")

    def call(self, y_true, y_pred, mask=None):
        if self.centering == "sinkhorn":
            shares = self.assigned(y_true, self.teacher_temperature, 3, mask)
        else:
            shares = softmax(_sharpened(ops.stop_gradient(y_true), self.teacher_temperature))
        return _crossentropy(shares, y_pred, self.student_temperature)


@register
class SwAV(PrototypeLoss):
    """Swapped prediction: each view's scores predict the other view's assignment.

    The mean of -Σ_k q_k·log softmax(s/T)_k in both directions, q the Sinkhorn-Knopp
    assignment of one view, without gradient, and s the scores of the other: cosines with K
    prototypes. Unlike in `DINO` both views come from one model and both are trained.

    Args:
        temperature: T > 0.
        epsilon: the entropy of the assignment, > 0: the scores are divided by it.
        iterations: rounds of Sinkhorn-Knopp, an integer >= 1.
        gather: as in `NTXent`.

    | elsewhere | here |
    |---|---|
    | the authors' code for two crops, its mean over both | `SwAV()` |
    | lightly `SwaVLoss()`, two high-resolution views | `SwAV()` |

    Call with `y_true`, `y_pred` `(B, K)`, the scores of both views; values `(B,)`;
    gradients flow to both. O(B·K) time and memory. In-batch: under data parallelism each
    device sees its local batch, or with `gather` all of it, which each then computes.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.SwAV(temperature=1.0)
    >>> scores = [[1.0, 0.0], [0.0, 1.0]]
    >>> round(float(loss(scores, scores)), 4)    # log(1 + e^-1)
    0.3133

    Reference: M. Caron et al., *Unsupervised Learning of Visual Features by Contrasting
    Cluster Assignments* (2020), https://arxiv.org/abs/2006.09882
    """

    def __init__(self, temperature=0.1, epsilon=0.05, iterations=3, **common):
        super().__init__(**common)
        self.temperature = checks.real(self, "temperature", temperature, above=0)
        self.epsilon = checks.real(self, "epsilon", epsilon, above=0)
        self.iterations = checks.integer(self, "iterations", iterations, at_least=1)

    def call(self, y_true, y_pred, mask=None):
        first = self.assigned(y_true, self.epsilon, self.iterations, mask)
        second = self.assigned(y_pred, self.epsilon, self.iterations, mask)
        swapped = _crossentropy(second, y_true, self.temperature)
        return (swapped + _crossentropy(first, y_pred, self.temperature)) / 2
