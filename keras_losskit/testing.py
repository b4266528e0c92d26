"""For your own test suite: every loss, every check, one test each. Needs pytest."""

import functools

from keras_losskit.core.loss import Loss
from keras_losskit.doctor.check import CHECKS, check_loss

__all__ = ["assert_loss", "parametrize_checks"]


def assert_loss(loss, y_true=None, y_pred=None, *, allow=(), strict=False, **options):
    """Fail unless `check_loss` finds nothing wrong.

    Args:
        loss, y_true, y_pred: as for `check_loss`.
        allow: names of findings to accept, such as `("scalar",)`.
        strict: whether warnings fail too.
        **options: as for `check_loss`: `shapes`, `quick`, `checks`.

    Raises:
        AssertionError: with the report.

    Example:

    >>> import keras_losskit as kl
    >>> from keras_losskit.testing import assert_loss
    >>> assert_loss(kl.Huber(delta=0.5), quick=True, strict=True)
    """
    grave = ("error", "warning") if strict else ("error",)
    report = check_loss(loss, y_true, y_pred, **options)
    if any(f.severity in grave and f.name not in allow for f in report.findings):
        raise AssertionError(f"\n{report}")


def parametrize_checks(losses, *, allow=None, strict=False, quick=False, **options):
    """Decorate a test `def test_losses(loss, check)`: one case per loss and check.

    Args:
        losses: a sequence of losses, or a mapping from name to loss.
        allow: `{name of a loss: names of findings to accept}`. Without a
            mapping the name of a loss is that of its function, the `repr` of
            a loss of the kit, or the name of its class, made unique by `_2`.
        strict, quick, **options: as for `assert_loss`.

    The test calls `check(loss)`, which raises `AssertionError` with the report.

    Example:

        @parametrize_checks([MyLoss(), my_function])
        def test_losses(loss, check):
            check(loss)
    """
    import pytest

    if not hasattr(losses, "items"):
        losses = _named(losses)
    allow = allow or {}
    unknown = set(allow) - set(losses)
    if unknown:
        raise ValueError(f"parametrize_checks: `allow` names no loss: {sorted(unknown)}")
    names = [c for c in CHECKS if not (quick and c == "cost")]
    cases = [
        pytest.param(
            loss,
            functools.partial(
                assert_loss, checks=(check,), allow=allow.get(name, ()), strict=strict,
                quick=quick, **options,
            ),
            id=f"{name}-{check}",
        )
        for name, loss in losses.items()
        for check in names
    ]
    return pytest.mark.parametrize(("loss", "check"), cases)


def _named(losses):
    found = {}
    for loss in losses:
        name = getattr(loss, "__name__", None) or (loss if isinstance(loss, str) else None)
        if name is None:  # Other losses' `repr` may hold addresses, which differ by process.
            name = repr(loss) if isinstance(loss, Loss) else type(loss).__name__
        n, unique = 1, name
        while unique in found:
            n += 1
            unique = f"{name}_{n}"
        found[unique] = loss
    return found
