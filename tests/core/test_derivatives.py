"""Gradients by inputs: first and second order, trained through, inside layers under `fit`."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from tests.backends import BACKEND, compiled, to_numpy, value_and_gradient, wide

rng = np.random.default_rng(23)
X = rng.normal(size=(6, 3)).astype("float32")
A = rng.normal(size=(3, 4)).astype("float32")
B = rng.normal(size=(4, 1)).astype("float32")


def network():
    """tanh(x·A)·B."""
    made = keras.Sequential(
        [
            keras.Input((3,)), keras.layers.Dense(4, activation="tanh", use_bias=False),
            keras.layers.Dense(1, use_bias=False),
        ]
    )
    made.set_weights([A, B])
    return made


def first(x=X, a=A, b=B):
    """∂/∂x_d Σ_k b_k·tanh(x·a_k), by hand, in float64."""
    x, a, b = (np.asarray(v, "float64") for v in (x, a, b))
    out = np.zeros_like(x)
    for n, d in np.ndindex(*x.shape):
        out[n, d] = sum(b[k, 0] * a[d, k] / np.cosh(x[n] @ a[:, k]) ** 2 for k in range(len(b)))
    return out


def second(x=X, a=A, b=B):
    """∂²/∂x_d², by hand: the slope of 1/cosh² is -2·tanh/cosh²."""
    x, a, b = (np.asarray(v, "float64") for v in (x, a, b))
    out = np.zeros_like(x)
    for n, d in np.ndindex(*x.shape):
        u = x[n] @ a
        out[n, d] = sum(
            -2 * b[k, 0] * a[d, k] ** 2 * np.tanh(u[k]) / np.cosh(u[k]) ** 2
            for k in range(len(b))
        )
    return out


@pytest.mark.parametrize("order", [1, 2])
def test_of_a_model_and_of_a_function(order):
    expected = (first, second)[order - 1]()
    made = network()
    for function in (made, lambda x: made(x)[:, 0], made.call):
        found = to_numpy(kl.input_gradient(function, ops.convert_to_tensor(X), order))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    constant = kl.input_gradient(made, ops.convert_to_tensor(X), order, create_graph=False)
    np.testing.assert_allclose(to_numpy(constant), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("order", [1, 2])
def test_of_more_axes_and_in_float64(order):
    pictures = rng.normal(size=(2, 2, 3, 1))
    with wide():
        found = kl.input_gradient(
            lambda x: ops.sum(x**4, axis=(1, 2, 3)), ops.convert_to_tensor(pictures), order
        )
    expected = 4 * pictures**3 if order == 1 else 12 * pictures**2
    np.testing.assert_allclose(to_numpy(found), expected, rtol=1e-12)


@pytest.mark.parametrize("order", [1, 2])
def test_what_x_does_not_move_is_0(order):
    constant = ops.convert_to_tensor(B)
    learned = keras.Variable(B)  # It has a gradient, but not by x.
    for function in (
        lambda x: ops.sum(constant),
        lambda x: ops.sum(2 * learned),
        lambda x: ops.sum(2 * x, axis=-1),
    ):
        found = to_numpy(kl.input_gradient(function, ops.convert_to_tensor(X), order))
        linear = function(ops.convert_to_tensor(X)).shape != ()
        np.testing.assert_array_equal(found, np.full_like(X, 2 if linear and order == 1 else 0))


@pytest.mark.parametrize("order", [1, 2])
def test_it_is_compiled_and_trained_through(order):
    made = network()

    def penalty(x):
        return ops.sum(ops.square(kl.input_gradient(made, x, order)))

    expected = (first, second)[order - 1]
    value, gradient = value_and_gradient(penalty, X)
    assert value == pytest.approx((expected() ** 2).sum(), rel=1e-4)
    for n, d in ((0, 0), (4, 2)):
        step = np.zeros_like(X, "float64")
        step[n, d] = 1e-5
        change = (expected(X + step) ** 2).sum() - (expected(X - step) ** 2).sum()
        assert gradient[n, d] == pytest.approx(change / 2e-5, rel=1e-3, abs=1e-4)
    for how, function in compiled(penalty).items():
        got = float(to_numpy(function(ops.convert_to_tensor(X))))
        assert got == pytest.approx(float(value), rel=1e-5), how

    def constant(x):
        return ops.sum(ops.square(kl.input_gradient(made, x, order, create_graph=False)))

    assert not value_and_gradient(constant, X)[1].any()


@keras.saving.register_keras_serializable("test_derivatives")
class Slopes(keras.layers.Layer):
    """[f, ∂f/∂x, ∂²f/∂x²] of a network that it owns."""

    def __init__(self, network, **options):
        super().__init__(**options)
        self.network = network

    def call(self, x):
        return [self.network(x), *(kl.input_gradient(self.network, x, n) for n in (1, 2))]

    def compute_output_spec(self, x):
        value = keras.KerasTensor((x.shape[0], 1), dtype=x.dtype)
        return [value, *(keras.KerasTensor(x.shape, dtype=x.dtype) for _ in range(2))]

    def get_config(self):
        inner = keras.saving.serialize_keras_object(self.network)
        return {**super().get_config(), "network": inner}

    @classmethod
    def from_config(cls, config):
        inner = keras.saving.deserialize_keras_object(config.pop("network"))
        return cls(inner, **config)


def test_in_a_layer_under_fit_beside_add_loss(tmp_path):
    """One step of SGD against differences of the formula by hand; then saved and reloaded."""
    inputs = keras.Input((3,))
    value, slope, curvature = Slopes(network(), name="slopes")(inputs)
    slope = kl.AddLoss("mse", 0.5, name="slope")(slope)
    curvature = kl.AddLoss("mse", 0.25, name="curvature")(curvature)
    made = keras.Model(inputs, [value, slope, curvature])
    zero = 0 * kl.MeanSquaredError()
    made.compile(keras.optimizers.SGD(0.1), loss=[kl.MeanSquaredError(), zero, zero])
    targets = [np.zeros((6, 1)), np.zeros((6, 3)), np.zeros((6, 3))]

    def total(a, b):
        x = X.astype("float64")
        fit = ((np.tanh(x @ a) @ b) ** 2).mean()
        return fit + 0.5 * (first(X, a, b) ** 2).mean() + 0.25 * (second(X, a, b) ** 2).mean()

    a, b = A.astype("float64"), B.astype("float64")
    logs = made.fit(
        X, targets, batch_size=6, verbose=0, callbacks=[kl.AddedLossLogger()]
    ).history
    assert logs["loss"][0] == pytest.approx(total(a, b), rel=1e-4)
    assert logs["curvature"][0] == pytest.approx((second() ** 2).mean(), rel=1e-4)
    for place, weight in enumerate((a, b)):
        found = made.get_weights()[place]
        for i in ((0, 0), (2, 0)):
            step = np.zeros_like(weight)
            step[i] = 1e-5
            moved = [[a + s * step, b] if place == 0 else [a, b + s * step] for s in (1, -1)]
            change = (total(*moved[0]) - total(*moved[1])) / 2e-5
            assert found[i] == pytest.approx(weight[i] - 0.1 * change, rel=1e-3, abs=1e-4)
    predicted = made.predict(X, verbose=0)
    path = tmp_path / "model.keras"
    made.save(path)
    again = keras.saving.load_model(path)
    for got, expected in zip(again.predict(X, verbose=0), predicted, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
    more = again.fit(X, targets, batch_size=6, verbose=0).history["loss"][0]
    assert more == pytest.approx(made.evaluate(X, targets, verbose=0)[0], rel=1e-4)


@pytest.mark.filterwarnings("ignore:Gradients do not exist")  # A bias adds no slope.
def test_a_layer_that_moves_its_state():
    """Batch normalisation in training: the moving mean is a number afterwards, and has moved."""

    class Penalised(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = keras.Sequential(
                [keras.Input((3,)), keras.layers.BatchNormalization(momentum=0.5),
                 keras.layers.Dense(1)]
            )

        def call(self, x):
            self.add_loss(ops.mean(ops.square(kl.input_gradient(self.inner, x))))
            return x

    layer = Penalised()
    made = keras.Sequential([keras.Input((3,)), layer])
    made.compile(keras.optimizers.SGD(0.0))
    made.fit(X, batch_size=6, verbose=0)
    moved = to_numpy(layer.inner.layers[0].moving_mean.value)
    np.testing.assert_allclose(moved, X.mean(0) / 2, rtol=1e-4, atol=1e-6)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="sizes are known elsewhere")
def test_the_second_order_wants_the_size_of_a_sample():
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((None, None))], autograph=False)
    def traced(x):
        return kl.input_gradient(lambda x: ops.sum(x * x, axis=-1), x, 2)

    with pytest.raises(ValueError, match="order=2 needs to know the shape of a sample"):
        traced(tf.ones((2, 3)))


def test_what_it_refuses():
    x = ops.convert_to_tensor(X)
    for order in (0, 3, True, "1"):
        with pytest.raises(ValueError, match="`order` must be 1 or 2"):
            kl.input_gradient(ops.sum, x, order)
    with pytest.raises(TypeError, match="`function` must be a layer"):
        kl.input_gradient("critic", x)
    with pytest.raises(TypeError, match="floating point"):
        kl.input_gradient(ops.sum, ops.convert_to_tensor([1, 2]))
    with pytest.raises(ValueError, match="symbolic"):
        kl.input_gradient(ops.sum, keras.Input((3,)))
    if BACKEND == "jax":
        with pytest.raises(ValueError, match="not built"):
            kl.input_gradient(keras.layers.Dense(1), x)


def test_the_rows_of_the_docstring():
    def f(x):
        return ops.sum(ops.sin(x), axis=-1)

    x = ops.convert_to_tensor(X)
    found = to_numpy(kl.input_gradient(f, x))
    if BACKEND == "torch":
        import torch

        leaf = torch.tensor(X, requires_grad=True)
        theirs = torch.autograd.grad(f(leaf).sum(), leaf, create_graph=True)[0].detach()
    elif BACKEND == "jax":
        import jax

        theirs = jax.vmap(jax.grad(f))(x)
        found = to_numpy(kl.input_gradient(jax.vmap(f), x))
    else:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            value = f(x)
        theirs = tape.gradient(value, x)
    np.testing.assert_allclose(found, to_numpy(theirs), rtol=1e-6)
    np.testing.assert_allclose(found, np.cos(X), rtol=1e-5, atol=1e-6)
