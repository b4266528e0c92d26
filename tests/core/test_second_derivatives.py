"""Losses whose gradients are written out can be differentiated twice, and on JAX forward."""

import keras
import numpy as np
import pytest

import keras_losskit as kl
from tests.backends import BACKEND, to_numpy, value_and_gradient, wide

rng = np.random.default_rng(3)
IDS = rng.integers(0, 3, 6)
ROWS = rng.dirichlet(np.ones(3), 6)
HARD = (rng.random((6, 3)) < 0.4).astype("float64")
SCORES = rng.normal(size=(6, 3))
SHARES = rng.uniform(0.1, 0.9, (6, 3))
VIEW = rng.normal(size=(6, 3))

CASES = {
    "safe_log": (kl.BinaryCrossentropy(dtype="float64"), HARD, SHARES),
    "safe_log_ratio, shares": (kl.KLDivergence(dtype="float64"), ROWS, SHARES),
    "share_of": (kl.CategoricalCrossentropy(dtype="float64"), IDS, SHARES),
    "log_softmax_of": (
        kl.CategoricalFocalCrossentropy(from_logits=True, gamma=1.5, dtype="float64"),
        IDS,
        SCORES,
    ),
    "focal_of_logits": (
        kl.BinaryFocalCrossentropy(from_logits=True, gamma=2.5, dtype="float64"),
        HARD,
        SCORES,
    ),
    "softplus": (kl.BinaryCrossentropy(from_logits=True, dtype="float64"), HARD, SCORES),
    "softmax": (kl.Brier(from_logits=True, dtype="float64"), IDS, SCORES),
    "held at epsilon": (kl.Poisson(dtype="float64"), SHARES, ROWS + 0.1),
    "log_add_exp": (kl.ListMLE(dtype="float64"), HARD, SCORES),
    "pairwise": (kl.LiftedStructure(dtype="float64"), IDS, VIEW),
    "chosen in columns": (kl.TripletSemiHard(soft=True, dtype="float64"), IDS, VIEW),
    "products": (kl.Angular(dtype="float64"), IDS, VIEW),
    "log_sum_exp": (kl.SupervisedContrastive(dtype="float64"), IDS, VIEW),
    "unit": (kl.SigLIP(dtype="float64"), VIEW, SCORES),
    "cosine": (kl.CosineSimilarity(dtype="float64"), VIEW, SCORES),
    "log_cosh": (kl.LogCosh(dtype="float64"), VIEW, SCORES),
    "overlap": (kl.Tversky(0.3, 0.7, dtype="float64"), HARD, SHARES),
    "overlap, one channel": (kl.Dice(dtype="float64"), HARD[..., None], SHARES[..., None]),
    "squared overlap": (kl.Dice(squared=True, dtype="float64"), HARD, SHARES),
}
each = pytest.mark.parametrize("case", CASES)


def second_derivatives(function, x):
    """The Hessian of a function of one array, `(x.size, x.size)`."""
    n = x.size
    if BACKEND == "tensorflow":
        import tensorflow as tf

        x = tf.convert_to_tensor(x)
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                value = function(x)
            gradient = inner.gradient(value, x)
        return to_numpy(outer.jacobian(gradient, x)).reshape(n, n)
    if BACKEND == "jax":
        import jax

        forward_over_reverse = jax.hessian(function)(keras.ops.convert_to_tensor(x))
        return to_numpy(forward_over_reverse).reshape(n, n)
    import torch

    return to_numpy(torch.autograd.functional.hessian(function, torch.tensor(x))).reshape(n, n)


@each
def test_second_derivatives_are_those_of_the_gradient(case):
    loss, y_true, y_pred = CASES[case]
    step, expected = 1e-6, []
    with wide():

        def function(p):
            return loss(y_true, p)

        for i in np.ndindex(*y_pred.shape):
            moved = np.zeros_like(y_pred)
            moved[i] = step
            _, up = value_and_gradient(function, y_pred + moved)
            _, down = value_and_gradient(function, y_pred - moved)
            expected.append(((up - down) / (2 * step)).ravel())
        found = second_derivatives(function, y_pred)
    assert np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-8)
