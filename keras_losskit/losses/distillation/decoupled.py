"""Distillation in two parts: whether it is the true class, and which of the others."""

from keras import ops

from keras_losskit.core import checks, shapes, targets
from keras_losskit.core.kernels import at_least
from keras_losskit.core.loss import Loss, register
from keras_losskit.core.numerics import logistic, softplus
from keras_losskit.core.softmax import NOTHING, held, largest_where, log_sum_exp
from keras_losskit.core.takes import Takes

_IDS = Takes("classes", "logits", "classes")  # Of the labels alone.


@register
class DecoupledDistillation(Loss):
    """Decoupled knowledge distillation: T²·(alpha·TCKD + beta·NCKD).

    `Distillation` taken apart: TCKD is the divergence of teacher and student on whether it
    is the true class, NCKD that of their distributions over the other classes. In
    `Distillation` the weight of NCKD is 1 - p, p the teacher's share of the true class: a
    sure teacher teaches little of what it knows about the others. Here it is beta.

    Args:
        alpha: the weight of TCKD, >= 0.
        beta: the weight of NCKD, >= 0.
        temperature: T > 0.

    | elsewhere | here |
    |---|---|
    | mdistiller `DKD` (alpha 1, beta 8, T 4), without its cross-entropy and warm-up | the \
defaults |
    | `Distillation(T)` | alpha = 1, beta = 1 - p of the teacher |

    Call with `y_true` `{"labels": ids (B, …), "logits": the teacher's (B, …, C)}` and
    `y_pred` the student's logits `(B, …, C)`, C > 1; values `(B, …)`. `fit`, which takes no
    dict for one output, carries both in one array `(B, …, 1 + C)`, the ids first.

    Raises:
        ValueError: for options out of range, shapes or parts that do not fit, or (where
            values can be seen) an id outside [0, C).

    Example:

    >>> import math, keras_losskit
    >>> loss = keras_losskit.DecoupledDistillation(beta=1.0, temperature=1.0)
    >>> teacher = {"labels": [0], "logits": [[math.log(2.0), 0.0, 0.0]]}
    >>> round(float(loss(teacher, [[0.0, 0.0, 0.0]])), 4)    # ½·log(½/⅓) + ½·log(½/⅔)
    0.0589

    Reference: B. Zhao et al., *Decoupled Knowledge Distillation* (2022),
    https://arxiv.org/abs/2203.08679
    """

    takes = Takes("any", "logits", "packed")

    def __init__(self, alpha=1.0, beta=8.0, temperature=4.0, **common):
        super().__init__(**common)
        self.alpha = checks.real(self, "alpha", alpha, at_least=0)
        self.beta = checks.real(self, "beta", beta, at_least=0)
        self.temperature = checks.real(self, "temperature", temperature, above=0)

    def prepare(self, y_true, y_pred):
        y_pred = self.cast(y_pred)
        labels, teacher = self.labels_and_logits(y_true, y_pred)
        labels, _ = shapes.ids_of_classes(self, labels, y_pred)
        return {"labels": labels, "logits": self.cast(teacher)}, y_pred

    def check_targets(self, y_true, y_pred, present):
        labels, _ = self.labels_and_logits(y_true, y_pred)
        targets.check(self, _IDS, labels, y_pred, present)

    def labels_and_logits(self, y_true, y_pred):
        """Both parts, from a dict or from the columns of one array; raise where none fit."""
        p = tuple(y_pred.shape)
        if len(p) < 2 or p[-1] == 1:
            raise ValueError(
                f"{self.name}: y_pred of shape {p} must hold the logits of two classes or more."
            )
        if not isinstance(y_true, dict):
            packed = (*p[:-1], None if p[-1] is None else p[-1] + 1)
            if not shapes.compatible(y_true.shape, packed):
                shapes.refuse(
                    self, y_true, y_pred,
                    f"Give a dict of `labels` {p[:-1]} and `logits` {p}, or one array of both, "
                    f"{packed}, the labels in its first column.",
                )
            return y_true[..., 0], y_true[..., 1:]
        if set(y_true) != {"labels", "logits"}:
            raise ValueError(
                f"{self.name}: y_true must be a dict of `labels` and `logits`. "
                f"Received: {sorted(y_true)}"
            )
        labels, teacher = y_true["labels"], y_true["logits"]
        if not shapes.compatible(teacher.shape, p):
            shapes.refuse(
                self, teacher, y_pred, "The logits of teacher and student must have one shape."
            )
        if not targets.holds_ids(labels, y_pred):
            shapes.refuse(self, labels, y_pred, f"Give class ids of shape {p[:-1]}.")
        return labels, teacher

    def call(self, y_true, y_pred):
        true = targets.one_hot(y_true["labels"], y_pred.shape[-1], "int32") == 1
        teacher = self.parts(y_true["logits"], true)
        student = self.parts(y_pred, true)
        t, s = teacher[0], student[0]  # Log odds of the true class.
        of_true = logistic(t) * (softplus(-s) - softplus(-t))
        of_true = of_true + logistic(-t) * (softplus(s) - softplus(t))
        among = ops.exp(teacher[1]) * (teacher[1] - student[1])
        among = ops.sum(ops.where(true, ops.zeros_like(among), among), axis=-1)
        return self.temperature**2 * (self.alpha * of_true + self.beta * among)

    def parts(self, z, true):
        """The log odds of the true class, and the log shares of the others among them."""
        z = held(z)
        others = ops.logical_not(true)
        top = ops.stop_gradient(largest_where(z, others))
        z = at_least((z - top[..., None]) / self.temperature, NOTHING)
        total = log_sum_exp(z, others)
        own = ops.sum(ops.where(true, z, ops.zeros_like(z)), axis=-1)
        return own - total, z - total[..., None]
