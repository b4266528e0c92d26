"""A policy trained on preferences, against the one that it started from."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import softplus
from keras_losskit.core.takes import Takes
from keras_losskit.losses.preference.base import PreferenceLoss


@register
class DPO(PreferenceLoss):
    """Direct preference optimisation: -log σ(beta·Δ), Δ = (π_c - r_c) - (π_r - r_r).

    π are the policy's log-probabilities of the chosen and the rejected answer, r those of
    the reference policy: by how much more the policy has moved towards the chosen one. What
    is learned is the reward of a preference model without the model.

    Args:
        beta: how hard the policy is held to the reference, > 0; larger holds harder.
        label_smoothing: ε, how often a preference is the wrong way round, in [0, 0.5);
            the value is -(1 - ε)·log σ(beta·Δ) - ε·log σ(-beta·Δ). Only with "sigmoid".
        kind: `"sigmoid"`; `"hinge"`, max(0, 1 - beta·Δ); `"ipo"`, (Δ - 1/(2·beta))², which
            has an end where sigmoid drives sure preferences for ever, and takes means per
            token.

    | elsewhere | here |
    |---|---|
    | TRL `loss_type="sigmoid", beta=0.1` | `DPO()` |
    | TRL `loss_type="ipo"` | `DPO(kind="ipo")` of `sequence_log_probabilities(…, mean=True)` |

    Call with the reference's log-probabilities as `y_true` and the policy's as `y_pred`,
    both `(B, 2)`, [chosen, rejected], as `sequence_log_probabilities` gives them; values
    `(B,)`.

    Raises:
        ValueError: for options out of range, label smoothing with another kind, or shapes
            that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.DPO(beta=0.5, kind="hinge")
    >>> float(loss([[-4.0, -4.0]], [[-3.0, -4.0]]))    # 1 - ½·1
    0.5

    References: R. Rafailov et al., *Direct Preference Optimization* (2023),
    https://arxiv.org/abs/2305.18290; M. G. Azar et al., *A General Theoretical Paradigm to
    Understand Learning from Human Preferences* (2024), https://arxiv.org/abs/2310.12036
    """

    takes = Takes("log_probabilities", "log_probabilities", "preferences")

    def __init__(self, beta=0.1, label_smoothing=0.0, kind="sigmoid", **common):
        super().__init__(**common)
        self.beta = checks.real(self, "beta", beta, above=0)
        self.label_smoothing = checks.real(
            self, "label_smoothing", label_smoothing, at_least=0, below=0.5
        )
        self.kind = checks.choice(self, "kind", kind, ("sigmoid", "hinge", "ipo"))
        if label_smoothing and kind != "sigmoid":
            raise ValueError(
                f"DPO: `label_smoothing` is a share of wrong preferences under "
                f'kind="sigmoid", and has no meaning under kind={kind!r}. '
                f"Received: label_smoothing={label_smoothing!r}"
            )

    def call(self, y_true, y_pred):
        moved = y_pred - y_true
        delta = moved[:, 0] - moved[:, 1]
        if self.kind == "hinge":
            return ops.relu(1 - self.beta * delta)
        if self.kind == "ipo":
            return ops.square(delta - 1 / (2 * self.beta))
        z = self.beta * delta
        return (1 - self.label_smoothing) * softplus(-z) + self.label_smoothing * softplus(z)
