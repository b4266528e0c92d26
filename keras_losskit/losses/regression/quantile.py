"""Quantiles."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.elementwise import IncompleteLoss
from keras_losskit.core.loss import register
from keras_losskit.core.reduction import check_aligned, fill
from keras_losskit.core.takes import Takes


@register
class Pinball(IncompleteLoss):
    """Pinball (quantile) loss: max(tau·e, (tau - 1)·e), e = y_true - y_pred.

    Its minimum is the tau-quantile of the target. With a list of K taus the
    model predicts K quantiles at once.

    Args:
        tau: the quantile, 0 < tau < 1, or a list of K of them.
        crossing_weight: w >= 0; adds w·Σ_k max(0, q_k - q_{k+1}), not divided by K, of
            quantiles that cross. Needs rising taus; of one tau there is nothing to cross.
        missing: as in `MeanSquaredError`. A column of y_true that is missing is so for
            all taus; each known entry carries the crossings of known neighbours.

    Call shapes: with one tau as every elementwise loss. With K taus `y_pred` is
    `(B, …, K)` and `y_true` `(B, …)`, `(B, …, 1)` or `(B, …, K)`; values
    `(B, …)`, the mean over K.

    Raises:
        ValueError: for a tau outside (0, 1), taus that do not rise where crossings are
            weighed, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> float(keras_losskit.Pinball(tau=0.75)([[0.0]], [[-4.0]]))    # 0.75·4
    3.0
    >>> loss = keras_losskit.Pinball(tau=[0.25, 0.75])
    >>> float(loss([2.0], [[0.0, 4.0]]))    # (0.25·2 + 0.25·2)/2
    0.5

    Reference: R. Koenker, G. Bassett, *Regression Quantiles* (1978),
    https://doi.org/10.2307/1913643
    """

    def __init__(self, tau=0.5, crossing_weight=0.0, **common):
        super().__init__(**common)
        one = not hasattr(tau, "__len__")
        check = checks.real if one else checks.sequence
        self.tau = check(self, "tau", tau, above=0, below=1)
        if not one:
            self.takes = Takes("real", "real", "columns")
        self.crossing_weight = checks.real(
            self, "crossing_weight", crossing_weight, at_least=0
        )
        if self.crossing_weight and not one and self.tau != sorted(self.tau):
            raise ValueError(
                "Pinball: `crossing_weight` needs taus that rise: of others the quantiles "
                f"should cross. Received: tau={self.tau!r}, crossing_weight={crossing_weight!r}"
            )

    def prepare(self, y_true, y_pred):
        p = tuple(y_pred.shape)
        if isinstance(self.tau, list) and (len(p) < 2 or p[-1] not in (None, len(self.tau))):
            raise ValueError(
                f"{self.name}: y_pred of shape {p} does not hold {len(self.tau)} "
                "quantiles on its last axis; let the last layer have one unit per tau."
            )
        y_true, y_pred = super().prepare(y_true, y_pred)
        if isinstance(self.tau, list) and self.missing is not None:
            # Each quantile has an entry that may be missing.
            y_true = ops.broadcast_to(y_true, ops.shape(y_pred))
        return y_true, y_pred

    def call(self, y_true, y_pred, mask=None):
        values = super().call(y_true, y_pred)
        entries = self.missing is not None
        if mask is not None and len(y_pred.shape) > 1 and not entries:
            what = "a mask, or sample_weight,"
            check_aligned(self.name, what, mask, y_pred.shape[:-1], "values")
        if not self.crossing_weight or not isinstance(self.tau, list):
            return values
        crossing = ops.relu(y_pred[..., :-1] - y_pred[..., 1:])
        if entries:
            crossing = fill(crossing, ops.logical_and(mask[..., :-1], mask[..., 1:]))
        return values + self.crossing_weight * ops.sum(crossing, axis=-1, keepdims=entries)

    def each(self, y_true, y_pred):
        e = y_true - y_pred
        tau = ops.convert_to_tensor(self.tau, dtype=y_pred.dtype)
        return ops.where(e < 0, (tau - 1) * e, tau * e)


@register
class Expectile(IncompleteLoss):
    """Expectile loss: |tau - 1[e < 0]|·e², e = y_true - y_pred.

    The squared counterpart of `Pinball`: its minimum is the tau-expectile, the mean
    for tau = 0.5.

    Args:
        tau: the weight of predictions that are too low; 0 < tau < 1.
        missing: as in `MeanSquaredError`.

    Call with `(B, …, D)`; values `(B, …)`, the mean over the last axis.

    Raises:
        ValueError: for `tau` outside (0, 1), or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> float(keras_losskit.Expectile(tau=0.75)([[0.0]], [[2.0]]))    # 0.25·2²
    1.0

    Reference: W. K. Newey, J. L. Powell, *Asymmetric Least Squares Estimation and
    Testing* (1987), https://doi.org/10.2307/1911031
    """

    def __init__(self, tau=0.5, **common):
        super().__init__(**common)
        self.tau = checks.real(self, "tau", tau, above=0, below=1)

    def each(self, y_true, y_pred):
        e, tau = y_true - y_pred, self.tau
        return ops.where(e < 0, (1 - tau) * e * e, tau * e * e)
