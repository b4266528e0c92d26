"""Cases of combined losses, and of losses from elsewhere."""

import keras

import keras_losskit as kl
from tests.cases.case import Case, mean_of
from tests.cases.regression import REAL_PRED, REAL_TRUE


def squares(y_true, y_pred, **_):
    return mean_of(lambda t, p: (p - t) ** 2)(y_true, y_pred)


def absolutes(y_true, y_pred, **_):
    return mean_of(lambda t, p: abs(p - t))(y_true, y_pred)


TENSORFLOW = keras.config.backend() == "tensorflow"


def combined(loss, argument, reference, exact=True):
    return Case(loss, {}, REAL_TRUE, REAL_PRED, reference, argument=[argument], exact=exact)


CASES = [
    combined(
        kl.WeightedSum,
        [(2.0, kl.MeanSquaredError()), (-0.5, kl.MeanAbsoluteError())],
        lambda t, p: 2 * squares(t, p) - 0.5 * absolutes(t, p),
    ),
    combined(
        kl.Product,
        [kl.MeanSquaredError(), kl.MeanAbsoluteError()],
        lambda t, p: squares(t, p) * absolutes(t, p),
    ),
    Case(
        kl.Select, {"y_true": slice(0, 2), "y_pred": [3, 1]}, REAL_TRUE, REAL_PRED,
        lambda t, p, **_: squares(t[..., :2], p[..., [3, 1]]),
        argument=[kl.MeanSquaredError()],
    ),
    *(
        Case(
            loss, {"takes": kl.Takes("real", "scores")}, REAL_TRUE, REAL_PRED, reference,
            argument=[foreign], exact=TENSORFLOW,
        )
        for loss, foreign, reference in (
            (kl.KerasLoss, keras.losses.MeanSquaredError(), squares),
            (kl.FunctionLoss, keras.losses.mean_absolute_error, absolutes),
        )
    ),
]
