"""Causes come from the program that ran, with the step, its line and the mend that fits."""

import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from keras_losskit.doctor import causes


def rounded(y_true, y_pred):
    kept = ops.round(y_pred)
    return ops.mean(ops.square(y_true - kept), axis=-1)


def compared(y_true, y_pred):
    hits = y_pred > 0.5
    return ops.mean(ops.abs(y_true - ops.cast(hits, "float32")), axis=-1)


def ranked(y_true, y_pred):
    best = ops.argmax(y_pred, axis=-1)
    return ops.square(y_true[:, 0] - ops.cast(best, "float32"))


def stopped(y_true, y_pred):
    fixed = ops.stop_gradient(y_pred)
    return ops.mean(ops.square(y_true - fixed), axis=-1)


def whole(y_true, y_pred):
    whole = ops.cast(y_pred, "int32")
    return ops.mean(ops.square(y_true - ops.cast(whole, "float32")), axis=-1)


def clipped(y_true, y_pred):
    inside = ops.clip(y_pred, 50.0, 60.0)
    return ops.mean(ops.square(y_true - inside), axis=-1)


def cancelled(y_true, y_pred):
    nothing = y_pred - y_pred
    return ops.mean(ops.square(y_true - nothing), axis=-1)


def unused(y_true, y_pred):
    return ops.mean(ops.square(y_true), axis=-1)


# The source says `round` and `argmax`; the program says that neither is what cuts.
def with_decoys(y_true, y_pred):
    ops.round(y_pred), ops.argmax(y_pred, axis=-1)
    weight = ops.cast(y_pred > 0, "float32")
    sure = ops.stop_gradient(y_pred)
    return ops.mean(weight * ops.square(y_true - sure), axis=-1)


@pytest.mark.parametrize(
    ("loss", "said", "line", "mend"),
    [
        (rounded, "cut by `round`", "kept =", "number itself"),
        (compared, "cut by a comparison", "hits =", "sigmoid"),
        (ranked, "cut by `argmax`", "best =", "softmax"),
        (stopped, ("cut by `stop_gradient`", "cut by `detach`"), "fixed =", "stops the gradient"),
        (whole, "cut by `cast to int", "whole = ops.cast(y_pred", "number itself"),
        (clipped, ("ends at `clip`", "ends at `maximum`"), "inside =", "Clip where"),
        (cancelled, "cancels out at `-`", "nothing =", "signs"),
        (unused, "does not depend on it", None, "Use y_pred"),
        (with_decoys, ("cut by `stop_gradient`", "cut by `detach`"), "sure =", "stops"),
    ],
    ids=lambda x: getattr(x, "__name__", None),
)
def test_where_the_gradient_ends(loss, said, line, mend):
    t, p = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("float32")
    finding = kl.check_loss(loss, t, p, quick=True, checks=("gradient",))["no-gradient"]
    assert any(s in finding.seen for s in ((said,) if isinstance(said, str) else said)), finding
    assert mend in finding.mend
    assert finding.line is None if line is None else line in finding.line.text, finding.line


def log_of_zero(y_true, y_pred):
    own = y_pred - y_pred[:, :1]
    return ops.mean(ops.log(ops.abs(own)), axis=-1)


def log_below_zero(y_true, y_pred):
    own = ops.exp(-ops.abs(y_true)) - 2
    return ops.mean(ops.log(own + 0 * y_pred), axis=-1)


def quotient(y_true, y_pred):
    own = y_pred - y_pred[:, :1]
    return ops.mean(y_true / own, axis=-1)


def root(y_true, y_pred):
    own = y_pred - y_pred[:, :1]
    return ops.mean(ops.sqrt(own * own), axis=-1)


def overflow(y_true, y_pred):
    return ops.mean(ops.exp(200 + ops.abs(y_pred)), axis=-1)


def masked_log(y_true, y_pred):
    some = ops.where(y_pred > 0, ops.log(ops.maximum(y_pred, 0.0)), 0.0)
    return ops.mean(some * y_true, axis=-1)


@pytest.mark.parametrize(
    ("loss", "mend", "line"),
    [
        (log_of_zero, causes.LOG, "ops.log"),
        (log_below_zero, causes.NEGATIVE_LOG, "ops.log"),
        (quotient, causes.QUOTIENT, "/ own"),
        (root, causes.ROOT, "ops.sqrt"),
        (overflow, causes.OVERFLOW, "ops.exp"),
        (masked_log, causes.LOG, "ops.log"),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_the_mend_fits_what_is_not_finite(loss, mend, line):
    t, p = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("float32")
    report = kl.check_loss(loss, t, p, quick=True, checks=("gradient", "numbers"))
    found = [f for f in report.findings if f.name in ("not-finite", "gradient-not-finite")]
    assert found, report
    assert mend in [f.mend for f in found], report
    assert all(line in f.line.text for f in found if f.mend == mend), report
