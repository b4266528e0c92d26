"""Preferences without a reference policy."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.kernels import at_most
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import expm1, softplus
from keras_losskit.losses.preference.base import PreferenceLoss


@register
class ORPO(PreferenceLoss):
    """Odds-ratio preference optimisation: -ℓ_c - beta·log σ(logit ℓ_c - logit ℓ_r).

    ℓ are mean log-probabilities per token of the chosen and the rejected answer, and
    logit ℓ = ℓ - log(1 - e^ℓ) the log odds. The first term is plain fine-tuning on the
    chosen answers, so that one run does what else takes two.

    Args:
        beta: the weight of the preference, >= 0.

    A mean log-probability above -1e-7, of an answer that is certain, has the odds of one at
    -1e-7.

    | elsewhere | here |
    |---|---|
    | TRL `ORPOTrainer`, `beta=0.1` | `ORPO()`; there the first term is the mean over all tokens \
of the batch, the prompts' too |

    Call with `y_pred` `(B, 2)`, [chosen, rejected], as
    `sequence_log_probabilities(…, mean=True)` gives them; `y_true` is not used; values
    `(B,)`.

    Raises:
        ValueError: for `beta` < 0, or where `y_pred` is not `(B, 2)`.

    Example:

    >>> import math, keras_losskit
    >>> loss = keras_losskit.ORPO(beta=1.0)
    >>> half = math.log(0.5)
    >>> round(float(loss([0.0], [[half, half]])), 4)    # log 2 + log 2
    1.3863

    Reference: J. Hong, N. Lee, J. Thorne, *ORPO: Monolithic Preference Optimization without
    Reference Model* (2024), https://arxiv.org/abs/2403.07691
    """

    def __init__(self, beta=0.1, **common):
        super().__init__(**common)
        self.beta = checks.real(self, "beta", beta, at_least=0)

    def call(self, y_true, y_pred):
        uncertain = at_most(y_pred, -1e-7)
        odds = uncertain - ops.log(-expm1(uncertain))
        return self.beta * softplus(odds[:, 1] - odds[:, 0]) - y_pred[:, 0]


@register
class SimPO(PreferenceLoss):
    """Simple preference optimisation: -log σ(beta·(ℓ_c - ℓ_r) - margin).

    ℓ are mean log-probabilities per token, by which an answer is also chosen when the model
    writes: length is no advantage, and there is no reference policy, unlike in `DPO`.

    Args:
        beta: the scale of the difference, > 0.
        margin: by how much the chosen answer is to lead, beta included, any number.

    | elsewhere | here |
    |---|---|
    | TRL `CPOTrainer`, `loss_type="simpo", simpo_gamma=0.5, cpo_alpha=0` | \
`SimPO(beta, margin=0.5)` |
    | the authors' `gamma_beta_ratio` | margin = beta·ratio |

    Call with `y_pred` `(B, 2)`, [chosen, rejected], as
    `sequence_log_probabilities(…, mean=True)` gives them; `y_true` is not used; values
    `(B,)`.

    Raises:
        ValueError: for options out of range, or where `y_pred` is not `(B, 2)`.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.SimPO(beta=1.0, margin=1.0)
    >>> round(float(loss([0.0], [[-1.0, -2.0]])), 4)    # log 2: a lead of the margin
    0.6931

    Reference: Y. Meng, M. Xia, D. Chen, *SimPO: Simple Preference Optimization with a
    Reference-Free Reward* (2024), https://arxiv.org/abs/2405.14734
    """

    def __init__(self, beta=2.0, margin=0.5, **common):
        super().__init__(**common)
        self.beta = checks.real(self, "beta", beta, above=0)
        self.margin = checks.real(self, "margin", margin)

    def call(self, y_true, y_pred):
        return softplus(self.margin - self.beta * (y_pred[:, 0] - y_pred[:, 1]))
