"""Divergence of a diagonal Gaussian from the standard one."""

from keras import ops

from keras_losskit.core.kernels import at_most
from keras_losskit.core.loss import Loss, register
from keras_losskit.core.takes import Takes

# exp goes on along its tangent from here: no variance of e^60 is ever meant, and
# float32 would overflow at e^88, for good.
_HIGHEST = 60.0


@register
class GaussianKL(Loss):
    """KL divergence of N(μ, e^s) from N(0, 1): ½·Σ(μ² + e^s - 1 - s).

    The regularizer of a variational autoencoder, whose encoder predicts mean μ
    and log-variance s; put it inside the model with `AddLoss`. Summed over the
    last axis, in nats. Both inputs get a gradient.

    Call with the mean as `y_true` and the log-variance as `y_pred`, both
    `(B, …, D)`; values `(B, …)`.

    Raises:
        ValueError: for shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.GaussianKL()
    >>> float(loss([[1.0, 2.0]], [[0.0, 0.0]]))    # (1² + 2²)/2
    2.5

    Reference: D. P. Kingma and M. Welling, *Auto-Encoding Variational Bayes*
    (2014), appendix B, https://arxiv.org/abs/1312.6114
    """

    takes = Takes("real", "real", "equal", y_true_gradient=True)

    def call(self, y_true, y_pred):
        mean, s = y_true, y_pred
        low = at_most(s, _HIGHEST)
        variance = ops.exp(low) * (1 + (s - low))
        # expm1 keeps the digits of e^s - 1 - s near s = 0, where both vanish.
        excess = ops.where(s < 1, ops.expm1(low) - s, variance - 1 - s)
        per_dimension = 0.5 * (ops.square(mean) + excess)
        return ops.sum(per_dimension, axis=-1) if len(s.shape) > 1 else per_dimension
