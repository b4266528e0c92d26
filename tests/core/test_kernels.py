"""What a backend's own kernels stand in for: the same value, slopes and limits."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from keras_losskit.core import kernels
from keras_losskit.core.numerics import log_add_exp, safe_divide, safe_log
from keras_losskit.core.softmax import held
from keras_losskit.core.windows import filtered
from keras_losskit.losses.classification.crossentropy import binary_crossentropy
from keras_losskit.losses.classification.focal import focal_of_logits
from tests.backends import BACKEND, to_numpy, value_and_gradient, wide
from tests.cases import CASES

ERRORS = np.array(
    [0, -0.0, 1e-30, -1e-30, 0.3, -0.3, 0.7, -0.7, 0.70001, 2, -50, 1e15, -1e15, np.inf, -np.inf]
)
ALL = {
    "squared": (kernels.squared_error, {}, lambda d: d * d, lambda d: 2 * d),
    "absolute": (kernels.absolute_error, {}, abs, np.sign),
    "huber": (
        kernels.huber, {"delta": 0.7},
        lambda d: d * d / 2 if abs(d) <= 0.7 else 0.7 * (abs(d) - 0.35),
        lambda d: min(max(d, -0.7), 0.7),
    ),
    "smooth_l1": (
        kernels.smooth_l1, {"beta": 0.7},
        lambda d: d * d / 1.4 if abs(d) <= 0.7 else abs(d) - 0.35,
        lambda d: min(max(d / 0.7, -1), 1),
    ),
}  # fmt: skip
OVERLAPS = {
    "dice": {"fp_weight": 1.0, "fn_weight": 1.0},
    "tversky": {"fp_weight": 0.3, "fn_weight": 0.7},
    "ruzicka": {"fp_weight": 0.3, "fn_weight": 0.7, "intersection": "l1"},
}
only_torch = pytest.mark.skipif(BACKEND != "torch", reason="there alone something stands in")
# Torch's own way forward warns of a tool that it is made with.
quiet = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_and_slopes(name, dtype):
    kernel, options, value, slope = ALL[name]
    errors = ERRORS.astype(dtype)
    # At the bound a rounded difference lies on either side; both branches meet there.
    tight = {"rtol": 1e-12} if dtype == "float64" else {"rtol": 1e-6, "atol": 1e-37}
    with wide():
        zero = ops.convert_to_tensor(np.zeros_like(errors))
        got = to_numpy(kernel(zero, ops.convert_to_tensor(errors), **options))
        assert str(got.dtype) == dtype
        np.testing.assert_allclose(got, [value(float(d)) for d in errors], **tight)
        _, gradient = value_and_gradient(lambda p: ops.sum(kernel(zero, p, **options)), errors)
        np.testing.assert_allclose(gradient, [slope(float(d)) for d in errors], **tight)
        assert np.isnan(to_numpy(kernel(zero[:1], zero[:1] / zero[:1], **options))).all()


def _draw(seed, *shape):
    import torch

    return torch.tensor(np.random.default_rng(seed).normal(size=shape))


def _pairs():
    """`(name, what stands in, what it stands for)`, of `(y_true, y_pred)`."""
    for name, (kernel, options, *_) in ALL.items():
        for form in (kernel.__call__, kernel.mean):
            plain = kernel.plain if form == kernel.__call__ else _mean_of(kernel.plain)
            yield (
                f"{name}-{'each' if form == kernel.__call__ else 'mean'}",
                lambda y, p, form=form, options=options: form(y, p, **options),
                lambda y, p, plain=plain, options=options: plain(y, p, **options),
            )
    yield "between", lambda y, p: kernels.between(y, p, p * y), lambda y, p: y + p * y * (p - y)
    yield "safe_log", lambda y, p: y * safe_log(ops.sigmoid(p)), lambda y, p: y * ops.log(
        ops.sigmoid(p)
    )
    yield "held", lambda y, p: y * held(p * p), lambda y, p: y * p * p
    yield "binary", lambda y, p: binary_crossentropy(ops.sigmoid(y), p, True), _focal(
        0, _focal_by_hand
    )
    yield (
        "binary-mean",
        lambda y, p: kernels.crossentropy_of_logits.mean(1 - ops.sigmoid(y), -p),
        lambda y, p: _focal_by_hand(ops.sigmoid(y), p, 0).mean(),
    )
    yield "exp", lambda y, p: y * kernels.exp(p - p * p), lambda y, p: y * ops.exp(p - p * p)
    yield "divided", lambda y, p: safe_divide(y, p * p + y * y), lambda y, p: y / (p * p + y * y)
    yield "log_add_exp", log_add_exp, lambda y, p: ops.log(ops.exp(y) + ops.exp(p))
    yield "log_add_exp-far", lambda y, p: log_add_exp(y - 200, p + y), lambda y, p: p + y
    yield (
        "sums_of_groups",
        lambda y, p: y * _within_columns(y * p),
        lambda y, p: y * (y * p).reshape(-1, y.shape[-1]).sum(0),
    )
    yield "log_cosh", log_cosh, lambda y, p: ops.log(ops.cosh(p - y))
    for size in (2, 3):
        kernel = [1 + 0.5 * k for k in range(size)]
        yield (
            f"filtered-{size}",
            lambda y, p, kernel=kernel: y.sum() * filtered(y * p, kernel, (-1,)),
            lambda y, p, size=size: y.sum() * sum(
                (1 + 0.5 * k) * (y * p)[..., k : k + 6 - size] for k in range(size)
            ),
        )
    for name, options in OVERLAPS.items():
        for classes in (1, 5):
            yield (
                f"{name}-{classes}",
                lambda y, p, options=options, n=classes: kl.Tversky(**options).call(
                    *(ops.reshape(ops.sigmoid(x), (1, -1, 1, n)) for x in (y, p))
                ),
                lambda y, p, options=options, n=classes: _tversky_by_hand(
                    *(ops.reshape(ops.sigmoid(x), (-1, n)) for x in (y, p)), **options
                ),
            )
    for gamma in (0, 0.5, 1, 2, 3.5):
        yield f"focal-{gamma}", _focal(gamma, focal_of_logits), _focal(gamma, _focal_by_hand)


def _within_columns(x):
    columns = ops.broadcast_to(ops.arange(x.shape[-1], dtype="int32"), x.shape)
    return kernels.sums_of_groups(x.reshape(-1), columns.reshape(-1), x.shape[-1])


def log_cosh(y, p):
    return kl.LogCosh().each(y, p)


def _tversky_by_hand(g, p, fp_weight, fn_weight, intersection="product"):
    hits = (p * g if intersection == "product" else p.minimum(g)).sum(0)
    wrong = fp_weight * (p.sum(0) - hits) + fn_weight * (g.sum(0) - hits)
    return (wrong / (hits + wrong)).mean()[None]


def _mean_of(plain):
    return lambda y, p, **options: plain(y, p, **options).mean()


def _focal(gamma, function):
    return lambda y, p: function(ops.sigmoid(y), p, gamma)


def _focal_by_hand(g, z, gamma):
    p = ops.sigmoid(z)
    return -(g * (1 - p) + (1 - g) * p) ** gamma * (g * ops.log(p) + (1 - g) * ops.log(1 - p))


@only_torch
@quiet
@pytest.mark.parametrize(("new", "old"), [pytest.param(n, o, id=i) for i, n, o in _pairs()])
def test_derivatives_of_every_kind(new, old):
    import torch

    y, p, dy, dp = (_draw(i, 6, 5) for i in range(4))
    close = {"rtol": 1e-10, "atol": 1e-12}

    def total(function):
        return lambda y, p: function(y, p).sum()

    for derive in (
        lambda f: f(y, p),
        lambda f: torch.func.grad(total(f), (0, 1))(y, p),
        lambda f: torch.func.hessian(total(f), (0, 1))(y, p)[0],
        lambda f: torch.func.hessian(total(f), (0, 1))(y, p)[1],
        lambda f: torch.func.jvp(f, (y, p), (dy, dp)),
        lambda f: torch.func.vmap(f)(y, p),
        lambda f: torch.func.vmap(torch.func.grad(total(f), (0, 1)))(y, p),
    ):
        torch.testing.assert_close(derive(new), derive(old), **close)


@only_torch
@quiet
def test_the_class_of_a_row():
    import torch

    z, ids = _draw(0, 7, 5), torch.tensor([0, 1, 2, 3, 4, 4, 0], dtype=torch.int32)

    def old(z):
        return (torch.logsumexp(z, -1) - z.gather(1, ids.long()[:, None])[:, 0]).sum()

    def new(z):
        return kernels.crossentropies(z, ids).sum()

    for derive in (torch.func.grad, torch.func.hessian, lambda f: lambda z: f(z)):
        torch.testing.assert_close(derive(new)(z), derive(old)(z))
    turned = torch.func.jvp(new, (z,), (_draw(1, 7, 5),))
    torch.testing.assert_close(turned, torch.func.jvp(old, (z,), (_draw(1, 7, 5),)))


def test_an_angle_keeps_its_digits():
    y, x = np.array([[0.7, -1.3, 1e-9, 3.0, -2.0], [1.3, -0.2, -5.0, 0.0, 0.4]])
    with wide():
        fixed, w = (ops.convert_to_tensor(a) for a in (x, np.arange(1.0, 6)))
        got, slope = value_and_gradient(lambda y: ops.sum(w * kernels.arctan2(y, fixed)), y)
        assert got.dtype == slope.dtype == "float64"
    np.testing.assert_allclose(got, np.arctan2(y, x) @ [1, 2, 3, 4, 5], rtol=1e-14)
    np.testing.assert_allclose(slope, [1, 2, 3, 4, 5] * x / (x**2 + y**2), rtol=1e-14)


# --- the mean at once ------------------------------------------------------------------

SHORT = {
    case.id: case
    for case in CASES
    if case.loss._has_short_way and case.options.get("missing") is None
}


def test_some_losses_have_a_short_way():
    assert {"MeanSquaredError", "MeanAbsoluteError", "Huber", "SmoothL1"} <= {
        case.loss.__name__ for case in SHORT.values()
    }


@pytest.mark.parametrize("name", SHORT)
def test_the_mean_at_once_is_the_mean_of_the_values(name):
    case = SHORT[name]
    y, p = case.y_true.astype("float32"), case.y_pred.astype("float32")
    values = to_numpy(case.make(reduction="none")(y, p)).astype("float64")
    loss = case.make()
    got, slope = value_and_gradient(lambda p: loss(y, p), p)
    np.testing.assert_allclose(got, values.mean(), rtol=1e-6)
    rows = np.ones(len(p), "float32")  # These keep it on the long way.
    _, expected = value_and_gradient(lambda p: loss(y, p, rows), p)
    np.testing.assert_allclose(slope, expected, rtol=1e-5, atol=1e-8)
    total = to_numpy(case.make(reduction="sum")(y, p))
    np.testing.assert_allclose(total, values.sum(), rtol=1e-6)
    assert float(loss(y[:0], p[:0])) == 0


def test_the_mean_of_binary_crossentropies_keeps_a_sure_no_and_takes_minus_infinity():
    loss = kl.BinaryCrossentropy(from_logits=True)
    assert float(loss([[0.0]], [[-50.0]])) == pytest.approx(np.exp(-50), rel=1e-5)
    assert float(loss([[0.0, 1.0]], [[-np.inf, 0.0]])) == pytest.approx(np.log(2) / 2)


def test_what_is_unknown_takes_the_long_way():
    loss = kl.MeanSquaredError(missing="nan")
    assert float(loss([[1.0, np.nan]], [[3.0, 5.0]])) == 4


class Mixin:
    def each(self, y_true, y_pred):
        return 7 + 0 * y_pred


class TwiceTheError(kl.MeanSquaredError):
    def call(self, y_true, y_pred):
        return 2 * super().call(y_true, y_pred)


class Sevens(Mixin, kl.MeanSquaredError):
    pass


class Halves(kl.Huber):
    def value_mask(self, y_true, y_pred, mask, anchors=None):
        return ops.arange(y_pred.shape[0]) > 0


class Same(kl.MeanSquaredError):
    pass


@pytest.mark.parametrize(
    ("loss", "value"),
    [(TwiceTheError, 2 * 2.5), (Sevens, 7), (Halves, 1.5), (Same, 2.5)],
    ids=["call", "mixin", "value_mask", "nothing"],
)
def test_a_subclass_is_not_passed_by(loss, value):
    y, p = np.zeros((2, 1), "float32"), np.array([[1.0], [2.0]], "float32")
    assert float(loss()(y, p)) == value
    assert float((loss() + 0.5 * loss())(y, p)) == 1.5 * value


def test_it_refuses_and_casts_as_ever():
    loss = kl.Huber()
    with pytest.raises(ValueError, match="same shape"):
        loss(np.zeros((3, 2)), np.zeros((3, 4)))
    half = ops.cast(ops.convert_to_tensor(np.full((2, 2), 300.0, "float32")), "float16")
    got = kl.MeanSquaredError()(np.zeros((2, 2)), half)  # 300² is too large for a half.
    assert float(got) == 90000 and keras.backend.standardize_dtype(got.dtype) == "float32"


# --- far below 0, and constants --------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "far"), [("float32", 87.2), ("float64", 708.2)])
def test_exponentials_of_what_is_far_below_0(dtype, far):
    x = np.array([0, -1, -far, -far - 40, -1e30, -np.inf, np.nan, 3.0], dtype)
    with wide():
        _, slope = value_and_gradient(lambda x: ops.sum(kernels.exp(x)), x[:6])
        each = to_numpy(kernels.exp(ops.convert_to_tensor(x)))
    assert str(each.dtype) == dtype
    expected = np.exp(x.astype("float64"))
    close = {"rtol": 1e-5 if dtype == "float32" else 1e-12, "atol": np.finfo(dtype).tiny}
    np.testing.assert_allclose(each, expected, **close)
    np.testing.assert_allclose(slope, expected[:6], **close)
    assert each[4] == each[5] == 0


@pytest.mark.parametrize("axis", [-1, 1])
def test_the_logarithm_of_a_sum(axis):
    x = np.random.default_rng(0).normal(size=(3, 4, 5)) * 100
    x[0, 0], x[1, :, 2] = -1e30, 1e30
    with wide():
        got = to_numpy(kernels.log_of_sum(ops.convert_to_tensor(x), axis=axis))
    top = x.max(axis, keepdims=True)
    expected = np.log(np.exp(x - top).sum(axis)) + top.squeeze(axis)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


@only_torch
def test_a_gradient_is_made_where_it_is_asked_for():
    import torch

    from keras_losskit.core.backend import with_gradient

    asked = []

    def slope(name, value):
        def make():
            asked.append(name)
            return value

        return make

    def product(a, b):
        return with_gradient(
            lambda a, b: a * b, lambda up, a, b: (slope("a", up * b), slope("b", up * a)), a, b,
            eager=True,
        )

    a, b = torch.ones(3), torch.full((3,), 2.0, requires_grad=True)
    product(a, b).sum().backward()
    assert asked == ["b"] and b.grad.tolist() == [1, 1, 1]
    assert product(a, a).grad_fn is None and asked == ["b"]
    given = torch.func.jvp(product, (a, b), (b, 3 * a))
    assert given[1].tolist() == [7, 7, 7]


# Of every kind of kernel one; each takes seconds to be read.
COMPILED = ("LogCosh", "CategoricalCrossentropy", "Dice", "LovaszHinge", "SSIM", "SwAV", "SISDR")


@only_torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", COMPILED)
def test_what_torch_compiles_is_what_it_runs(name):
    import torch

    case = next(case for case in CASES if case.loss.__name__ == name)
    loss = case.make()
    y = torch.as_tensor(case.y_true)

    def of(function):
        p = torch.tensor(case.y_pred, dtype=torch.float32, requires_grad=True)
        value = function(y, p)
        value.backward()
        return value.detach(), p.grad

    torch.compiler.reset()
    compiled = torch.compile(lambda y, p: loss(y, p), backend="aot_eager")
    torch.testing.assert_close(of(compiled), of(loss), rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(BACKEND != "jax", reason="elsewhere it is a call")
@pytest.mark.parametrize("first", [0.3, np.nan, -np.inf])
def test_what_is_computed_once_is_what_it_is(first):
    """Whatever stands where the way is chosen, in every derivative, batched, and of nothing."""
    import jax

    def twice(x):
        return x[1:] * x[:-1] + x[1:] ** 2

    def once(x):
        return kernels.computed_once(twice, x)

    def curved(f):
        return lambda x: jax.numpy.sum(jax.numpy.sin(f(x)[1:]))

    x = np.linspace(-1, 1, 6).astype("float32")
    x[0] = first
    batch = np.stack([x, x + 1, 2 * x])
    ways = {
        "value": lambda f: jax.jit(f)(x),
        "backward": lambda f: jax.jit(jax.grad(curved(f)))(x),
        "forward": lambda f: jax.jit(lambda x: jax.jvp(f, (x,), (x[::-1],))[1])(x),
        "second": lambda f: jax.jit(jax.hessian(curved(f)))(x),
        "batched": lambda f: jax.jit(jax.vmap(jax.grad(curved(f))))(batch),
        "of one": lambda f: jax.jit(f)(x[:1]),
        "of nothing": lambda f: jax.jit(f)(x[:0]),
    }
    for what, way in ways.items():
        np.testing.assert_array_equal(way(once), way(twice), err_msg=what)


@pytest.mark.skipif(BACKEND != "jax", reason="of XLA's program for a CPU")
def test_each_pass_of_a_window_is_computed_once():
    import jax

    x = np.ones((1, 8, 8, 1), "float32")
    program = jax.jit(lambda x: filtered(x, [0.25, 0.5, 0.25], (1, 2))).lower(x).compile()
    assert program.as_text().count(" conditional(") == 2
