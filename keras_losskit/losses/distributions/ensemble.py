"""Members of an ensemble, scored as a distribution."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.elementwise import IncompleteLoss
from keras_losskit.core.kernels import absolute
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import mean
from keras_losskit.core.takes import Takes


@register
class EnsembleCRPS(IncompleteLoss):
    """Continuous ranked probability score of M members: closeness, less their spread.

    mean_m |x_m - y| - (1 - ε)·Σ_{m<n} |x_m - x_n|/(M(M - 1)), ε = (1 - f)/M. For models
    that give samples, such as weather forecasts. `GaussianCRPS` scores a normal
    distribution.

    With f = 1 the score is fair: on average it is least where the members are draws of
    y's own distribution, however few they are. With f = 0 it is the score of the members'
    own distribution function, which asks for too little spread. Between both, 0.95 helps
    in half precision: a fair score does not care where one member lies once the others
    are equal.

    Args:
        fairness: f; in [0, 1].
        missing: as in `MeanSquaredError`.

    | elsewhere | here |
    |---|---|
    | properscoring `crps_ensemble(y, x)` | `EnsembleCRPS(0)` |
    | scoringrules `crps_ensemble(y, x)`, `estimator="fair"` | `EnsembleCRPS()` |
    | scoringrules `crps_ensemble(y, x, estimator="nrg")` | `EnsembleCRPS(0)` |
    | anemoi `AlmostFairKernelCRPS(alpha=f)` | `EnsembleCRPS(f)` |

    Call with `y_true (B, …, K)` and `y_pred (B, …, K·M)`, the K columns of the first
    member, of the second, …; or `(B, …, K, M)`. `y_true (B,)` is one target. Values
    `(B, …)`, the mean over K. One member alone is scored by |x - y|. Time: a sort of the
    members, O(M log M).

    Raises:
        ValueError: for options out of range, or shapes that do not fit.

    Example:

    >>> import keras_losskit
    >>> loss = keras_losskit.EnsembleCRPS()
    >>> float(loss([[0.0]], [[1.0, 3.0]]))    # (1 + 3)/2 - 2/2
    1.0

    References: C. A. T. Ferro, *Fair Scores for Ensemble Forecasts* (2014),
    https://doi.org/10.1002/qj.2270; S. Lang et al., *AIFS-CRPS* (2024),
    https://arxiv.org/abs/2412.15832
    """

    takes = Takes("real", "real", "members")

    def __init__(self, fairness=1.0, **common):
        super().__init__(**common)
        self.fairness = checks.real(self, "fairness", fairness, at_least=0, at_most=1)

    def weighed_shape(self, y_true, y_pred):
        t, p = tuple(y_true.shape), tuple(y_pred.shape)
        if len(t) == len(p) and p and t[-1] and p[-1] is not None:
            return (*p[:-1], t[-1])
        return p[:-1] if len(p) > 1 else p

    def call(self, y_true, y_pred):
        values = self.score(ops.expand_dims(y_true, -1) - y_pred)
        return values if self.missing is not None else mean(values)

    def score(self, off):
        """The score of every entry, from the members' distances from it."""
        members = off.shape[-1]
        closeness = mean(absolute(off))
        if members == 1:
            return closeness
        # Of sorted members Σ_{m<n} |x_m - x_n| = Σ_i (2i - 1 - M)·x_i, i from 1.
        ranks = ops.convert_to_tensor(
            [2 * i + 1 - members for i in range(members)], dtype=off.dtype
        )
        spread = ops.sum(ranks * ops.sort(off, axis=-1), axis=-1)
        share = 1 - (1 - self.fairness) / members
        return closeness - share / (members * (members - 1)) * spread
