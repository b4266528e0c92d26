"""A critic's slope as a loss, against formulas by hand."""

import keras
import numpy as np
import pytest

import keras_losskit as kl
from tests.backends import to_numpy

rng = np.random.default_rng(29)
REAL = rng.normal(size=(5, 2, 2)).astype("float32")
FAKE = rng.normal(size=(5, 2, 2)).astype("float32") + 1
KERNEL = rng.normal(size=(4, 1)).astype("float32")


def linear():
    """A critic of the same slope everywhere."""
    made = keras.Sequential(
        [keras.Input((2, 2)), keras.layers.Flatten(), keras.layers.Dense(1, use_bias=False)]
    )
    made.set_weights([KERNEL])
    return made


@keras.saving.register_keras_serializable("test_gradient_penalty")
class Squares(keras.layers.Layer):
    """Σ w·x²: the slope 2·w·x tells where it was taken."""

    def build(self, shape):
        self.w = self.add_weight(shape=shape[1:], initializer="ones", name="w")

    def call(self, x):
        return keras.ops.sum(self.w * x * x, axis=(1, 2))[:, None]


def added(layer, *inputs):
    layer(*inputs)
    return float(to_numpy(layer.losses[-1]))


def test_of_a_linear_critic():
    length = np.sqrt((KERNEL.astype("float64") ** 2).sum())
    layer = kl.GradientPenalty(linear(), target=0.5, weight=3.0)
    assert added(layer, [REAL, FAKE]) == pytest.approx(3 * (length - 0.5) ** 2, rel=1e-5)
    assert added(layer, (REAL, FAKE)) == added(layer, REAL, FAKE)
    default = kl.GradientPenalty(linear())
    assert added(default, [REAL, FAKE]) == pytest.approx(10 * (length - 1) ** 2, rel=1e-5)


@pytest.mark.parametrize(("kind", "where"), [("r1", REAL), ("r2", FAKE)])
def test_at_real_or_generated_samples(kind, where):
    expected = np.mean([sum((2 * v) ** 2 for v in x.ravel()) / 2 for x in where.astype("float64")])
    layer = kl.GradientPenalty(Squares(), kind=kind, weight=2.0)
    assert added(layer, where) == pytest.approx(2 * expected, rel=1e-5)
    assert added(layer, [REAL, FAKE]) == pytest.approx(2 * expected, rel=1e-5)


def test_the_points_lie_between():
    """The slope 2x of each sample is that of one point between its pair, another at each call."""
    layer = kl.GradientPenalty(Squares(), target=0.0, weight=1.0, seed=3)
    one = np.full((400, 1, 1), 1.0, "float32")
    found = [added(layer, [0 * one, one]) for _ in range(2)]
    assert found[0] != found[1]
    # (2ε)², of ε uniform in [0, 1]: 4/3 on average, by 1.19 of each.
    np.testing.assert_allclose(found, 4 / 3, atol=4 * 1.19 / 20)
    again = kl.GradientPenalty(Squares(), target=0.0, weight=1.0, seed=3)
    assert added(again, [0 * one, one]) == found[0]
    # No share of the pair, no randomness: both ends are one.
    assert added(layer, [one, one]) == pytest.approx(4.0, rel=1e-5)


def test_a_flat_critic_has_a_finite_gradient():
    made = linear()
    made.set_weights([0 * KERNEL])
    inputs = [keras.Input((2, 2)), keras.Input((2, 2))]
    model = keras.Model(inputs, kl.GradientPenalty(made)(inputs))
    model.compile(keras.optimizers.SGD(0.1))
    assert model.fit([REAL, FAKE], verbose=0).history["loss"] == pytest.approx([10.0])
    assert not model.get_weights()[0].any()


def test_it_trains_saves_and_reloads(tmp_path):
    """One step: the slope of w·(‖k‖ - 1)² by k is 2·w·(‖k‖ - 1)·k/‖k‖; the scores' own, beside."""
    real, fake = keras.Input((2, 2)), keras.Input((2, 2))
    critic = linear()
    layer = kl.GradientPenalty(critic, weight=0.7, seed=1, name="penalty")
    real_out, _ = layer([real, fake])
    scores = critic(real_out)
    model = keras.Model([real, fake], kl.AddLoss("mse", 0.3)(scores))
    model.compile(keras.optimizers.SGD(0.1))
    k, x = KERNEL.astype("float64"), REAL.reshape(5, 4).astype("float64")
    length = np.sqrt((k**2).sum())
    expected = 0.7 * (length - 1) ** 2 + 0.3 * ((x @ k) ** 2).mean()
    slope = 1.4 * (length - 1) * k / length + 0.6 * x.T @ (x @ k) / 5
    logs = model.fit([REAL, FAKE], batch_size=5, verbose=0).history
    assert logs["loss"][0] == pytest.approx(expected, rel=1e-5)
    assert len(model.trainable_variables) == 1
    np.testing.assert_allclose(model.get_weights()[0], k - 0.1 * slope, rtol=1e-4, atol=1e-5)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    found = again.get_layer("penalty")
    for name in ("kind", "target", "weight", "seed"):
        assert found.get_config()[name] == layer.get_config()[name]
    assert any(found.critic is inner for inner in again.layers)  # One critic, as before.
    assert again.evaluate([REAL, FAKE], verbose=0) == pytest.approx(
        model.evaluate([REAL, FAKE], verbose=0), rel=1e-5
    )
    assert again.fit([REAL, FAKE], verbose=0).history["loss"][0] < expected


def test_it_hands_its_inputs_on():
    one = keras.ops.convert_to_tensor(REAL)
    layer = kl.GradientPenalty(linear(), kind="r1")
    np.testing.assert_array_equal(to_numpy(layer(one)), REAL)
    pair = layer([REAL, FAKE])
    np.testing.assert_array_equal(to_numpy(pair[1]), FAKE)


def test_what_it_refuses():
    with pytest.raises(TypeError, match="`critic` must be a Keras layer"):
        kl.GradientPenalty(lambda x: x)
    for bad in ({"kind": "gp"}, {"target": -1}, {"weight": -1}, {"weight": float("nan")}):
        with pytest.raises((ValueError, TypeError), match=f"GradientPenalty: `{next(iter(bad))}`"):
            kl.GradientPenalty(linear(), **bad)
    with pytest.raises(ValueError, match=r"called on \[real, fake\]"):
        kl.GradientPenalty(linear())(REAL)
    with pytest.raises(ValueError, match="two batches of one shape"):
        kl.GradientPenalty(linear())([REAL, FAKE[:4]])
