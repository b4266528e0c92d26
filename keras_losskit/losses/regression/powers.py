"""Squared and absolute error."""

from keras_losskit.core import kernels
from keras_losskit.core.elementwise import IncompleteLoss
from keras_losskit.core.loss import register


@register
class MeanSquaredError(IncompleteLoss):
    """Mean squared error: d², d = y_pred - y_true.

    The maximum-likelihood loss under Gaussian noise; large errors dominate.

    Args:
        missing: `"nan"`, or the number that stands in `y_true` for an unknown entry:
            such entries reach neither value nor gradient. Values are then those of
            entries, `(B, …, D)`, 0 where unknown, and a mean is over the known ones.

    Call with `y_true`, `y_pred` of shape `(B, …, D)`; values `(B, …)`, the mean
    over the last axis. `(B,)` gives one value per sample.

    Raises:
        ValueError: for `missing` of another kind, or where the shapes differ by more
            than a trailing axis of 1.

    Example:

    >>> import keras_losskit
    >>> float(keras_losskit.MeanSquaredError()([[0.0, 0.0]], [[1.0, 3.0]]))
    5.0

    Reference: C. F. Gauss, *Theoria motus corporum coelestium* (1809),
    https://archive.org/details/theoriamotuscor00gausgoog
    """

    def each(self, y_true, y_pred):
        return kernels.squared_error(y_true, y_pred)

    def mean_of_all(self, y_true, y_pred):
        return kernels.squared_error.mean(y_true, y_pred)


@register
class MeanAbsoluteError(IncompleteLoss):
    """Mean absolute error: |d|, d = y_pred - y_true.

    Estimates the median rather than the mean; less moved by outliers than the
    squared error. The gradient at d = 0 is 0.

    Args:
        missing: as in `MeanSquaredError`.

    Call with `y_true`, `y_pred` of shape `(B, …, D)`; values `(B, …)`, the mean
    over the last axis.

    Raises:
        ValueError: for `missing` of another kind, or where the shapes differ by more
            than a trailing axis of 1.

    Example:

    >>> import keras_losskit
    >>> float(keras_losskit.MeanAbsoluteError()([[0.0, 0.0]], [[1.0, 3.0]]))
    2.0

    Reference: P.-S. Laplace (1774); see S. Stigler, *The History of Statistics*
    (1986), https://www.hup.harvard.edu/books/9780674403413
    """

    def each(self, y_true, y_pred):
        return kernels.absolute_error(y_true, y_pred)

    def mean_of_all(self, y_true, y_pred):
        return kernels.absolute_error.mean(y_true, y_pred)
