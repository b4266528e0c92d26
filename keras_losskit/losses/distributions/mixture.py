"""A mixture of normal distributions."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.loss import Loss, register
from keras_losskit.core.numerics import largest
from keras_losskit.core.softmax import log_softmax, softmax
from keras_losskit.core.takes import Takes
from keras_losskit.losses.distributions.base import LINKS, gaussian, positive
from keras_losskit.losses.distributions.families import NormalMixture


@register
class GaussianMixtureNLL(Loss):
    """Negative log-likelihood of a mixture: -log Σ_m π_m·Π_k N(y_k; m_mk, s_mk).

    A mixture density network's loss, for targets that may be one of several things: each
    component is a normal distribution of all K columns, independent within it, π a
    softmax. With one component the sum over K of `GaussianNLL`.

    Args:
        components: M, an integer >= 1.
        link, minimum: as in `GaussianNLL`; for the scales.

    | elsewhere | here |
    |---|---|
    | keras-mdn-layer `get_mixture_loss_func(K, M)` on `[m, s, π]` | \
`GaussianMixtureNLL(M, "identity")` on `[π, m, s]` |

    Call with `y_true (B, …, K)` and `y_pred (B, …, M·(1 + 2K))`, raw: M logits, then the
    K means of the first component, of the second, …, then their scales likewise.
    `y_true (B,)` is one target. Values `(B, …)`, one for each position.

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.GaussianMixtureNLL(components=2, link="identity")
    >>> y_pred = [[0.0, 0.0, -1.0, 1.0, 1.0, 1.0]]    # halves of N(-1, 1) and N(1, 1)
    >>> round(float(loss([[0.0]], y_pred)), 4)    # ½·log 2π + ½
    1.4189

    Reference: C. M. Bishop, *Mixture Density Networks* (1994),
    https://publications.aston.ac.uk/id/eprint/373/
    """

    takes = Takes("real", "parameters", "mixture")

    def __init__(self, components, link="softplus", minimum=1e-6, **common):
        super().__init__(**common)
        self.components = checks.integer(self, "components", components, at_least=1)
        self.link = checks.choice(self, "link", link, LINKS)
        self.minimum = checks.real(self, "minimum", minimum, above=0)

    @property
    def blocks(self):
        """How many blocks of 1 + 2K columns there are."""
        return self.components

    def columns(self, events):
        """How many raw outputs there are for so many targets."""
        return self.components * (1 + 2 * events)

    def distribution(self, y_pred):
        """The distribution that raw outputs stand for."""
        logits, locations, scales = self.parameters(y_pred)
        return NormalMixture(softmax(logits), locations, scales)

    def parameters(self, y_pred, k=None):
        """Logits `(…, M)`, locations and scales `(…, M, K)`."""
        m, columns = self.components, y_pred.shape[-1]
        k = k if columns is None else (columns // m - 1) // 2
        lead = tuple(ops.shape(y_pred))[:-1]
        logits = y_pred[..., :m]
        locations = ops.reshape(y_pred[..., m : m + m * k], (*lead, m, k))
        raw_scales = ops.reshape(y_pred[..., m + m * k :], (*lead, m, k))
        return logits, locations, positive(raw_scales, self.link, self.minimum)

    def call(self, y_true, y_pred):
        logits, locations, scales = self.parameters(y_pred, y_true.shape[-1])
        each = gaussian(ops.expand_dims(y_true, -2), locations, scales)
        joint = log_softmax(logits) - ops.sum(each, axis=-1)
        top = ops.stop_gradient(largest(joint, keepdims=True))
        total = ops.sum(ops.exp(joint - top), axis=-1)
        return -ops.squeeze(top, -1) - ops.log(total)
