"""Quantiles."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.elementwise import ElementwiseLoss
from keras_losskit.core.loss import register
from keras_losskit.core.takes import Takes


@register
class Pinball(ElementwiseLoss):
    """Pinball (quantile) loss: max(tau·e, (tau - 1)·e), e = y_true - y_pred.

    Its minimum is the tau-quantile of the target. With a list of K taus the
    model predicts K quantiles at once.

    Args:
        tau: the quantile, 0 < tau < 1, or a list of K of them.

    Call shapes: with one tau as every elementwise loss. With K taus `y_pred` is
    `(B, …, K)` and `y_true` `(B, …)`, `(B, …, 1)` or `(B, …, K)`; values
    `(B, …)`, the mean over K.

    Raises:
        ValueError: for a tau outside (0, 1), or shapes that do not fit.

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

    def __init__(self, tau=0.5, **common):
        super().__init__(**common)
        one = not hasattr(tau, "__len__")
        check = checks.real if one else checks.sequence
        self.tau = check(self, "tau", tau, above=0, below=1)
        if not one:
            self.takes = Takes("real", "real", "columns")

    def prepare(self, y_true, y_pred):
        p = tuple(y_pred.shape)
        if isinstance(self.tau, list) and (len(p) < 2 or p[-1] not in (None, len(self.tau))):
            raise ValueError(
                f"{self.name}: y_pred of shape {p} does not hold {len(self.tau)} "
                "quantiles on its last axis; let the last layer have one unit per tau."
            )
        return super().prepare(y_true, y_pred)

    def each(self, y_true, y_pred):
        e = y_true - y_pred
        tau = ops.convert_to_tensor(self.tau, dtype=y_pred.dtype)
        return ops.where(e < 0, (tau - 1) * e, tau * e)


@register
class Expectile(ElementwiseLoss):
    """Expectile loss: |tau - 1[e < 0]|·e², e = y_true - y_pred.

    The squared counterpart of `Pinball`: its minimum is the tau-expectile, the mean
    for tau = 0.5.

    Args:
        tau: the weight of predictions that are too low; 0 < tau < 1.

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
