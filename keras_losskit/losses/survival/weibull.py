"""Times that follow a Weibull distribution."""

from keras import ops

from keras_losskit.core.kernels import at_least, at_most
from keras_losskit.core.loss import register
from keras_losskit.core.takes import Takes
from keras_losskit.losses.distributions.base import positive
from keras_losskit.losses.distributions.families import Weibull
from keras_losskit.losses.survival.base import SurvivalLoss, seen

# The exponential goes on along its tangent from here: a cumulated hazard of e^40 is never meant.
_HIGHEST = 40.0
_LEAST = 1e-30


@register
class WeibullNLL(SurvivalLoss):
    """Weibull negative log-likelihood: (t/λ)^k - e·(log k - k·log λ + (k - 1)·log t).

    Of a time until an event, with scale λ and shape k: a hazard that grows (k > 1) or
    falls (k < 1) with time; with k = 1 it is constant. The median is λ·(log 2)^(1/k).
    `CoxPartialLikelihood` asks for no form of the hazard, and predicts no times.

    λ and k are softplus of their raw outputs + 1e-6. Scale times to a size of about 1.
    Above e^40 the power goes on along its tangent; log t is held at that of 1e-30.

    | elsewhere | here |
    |---|---|
    | minus lifelines' `WeibullFitter().fit(…).log_likelihood_` | \
`WeibullNLL(reduction="sum")` |
    | torchsurv `weibull.neg_log_likelihood([log λ, log k], event, time)` | \
`WeibullNLL()` of λ and k |
    | wtte-rnn `loss("continuous")` | the same less e·log t, of log t's density |

    Call with `y_true (B, 2)`, the columns (time, event), event 1 seen and 0 censored, and
    `y_pred (B, 2)`, raw, the columns (λ, k). Values `(B,)`.

    Raises:
        ValueError: for shapes that do not fit, or times < 0.

    Example:

    >>> import keras_losskit
    >>> raw = 0.541325    # softplus of it is 1
    >>> loss = keras_losskit.WeibullNLL()
    >>> round(float(loss([[2.0, 1.0]], [[raw, raw]])), 4)    # exponential: 2/1
    2.0

    Reference: J. D. Kalbfleisch, R. L. Prentice, *The Statistical Analysis of Failure Time
    Data* (2002), https://doi.org/10.1002/9781118032985
    """

    takes = Takes("survival", "parameters", "survival")
    outputs = 2

    def columns(self, events):
        """How many raw outputs there are: of one time."""
        if events != 1:
            raise ValueError(f"{self.name}: it is of one time; events=1. Received: {events}")
        return self.outputs

    def distribution(self, y_pred):
        """The distribution of the time that raw outputs `(…, 2)` stand for."""
        return Weibull(*ops.split(positive(y_pred, "softplus", 1e-6), 2, axis=-1))

    def call(self, y_true, y_pred):
        time, times = y_true[:, 0], self.distribution(y_pred)
        scale, shape = times.scale[:, 0], times.shape[:, 0]
        log_ratio = ops.log(at_least(time, _LEAST)) - ops.log(scale)
        x = shape * log_ratio
        low = at_most(x, _HIGHEST)
        cumulated = ops.where(time > 0, ops.exp(low) * (1 + (x - low)), 0)
        # log k + k·log(t/λ) - log t.
        log_hazard = ops.log(shape) + x - ops.log(at_least(time, _LEAST))
        return cumulated - ops.where(seen(y_true), log_hazard, 0)
