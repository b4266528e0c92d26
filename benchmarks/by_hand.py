"""Losses as one would write them by hand for one backend, fused, without options.

Written once, in the names that TensorFlow, JAX and torch share up to spelling.
"""

import types

import keras

BACKEND = keras.config.backend()


def _tensorflow():
    import tensorflow as tf

    return types.SimpleNamespace(
        abs=tf.abs,
        clip=tf.clip_by_value,
        exp=tf.exp,
        log=tf.math.log,
        log1p=tf.math.log1p,
        log_softmax=tf.nn.log_softmax,
        maximum=tf.maximum,
        mean=lambda x, axis=None: tf.reduce_mean(x, axis),
        one_hot=lambda ids, n: tf.one_hot(ids, n),
        sigmoid=tf.sigmoid,
        softplus=tf.nn.softplus,
        sqrt=tf.sqrt,
        sum=lambda x, axis=None: tf.reduce_sum(x, axis),
        take=lambda x, ids: tf.gather(x, ids, axis=-1, batch_dims=len(x.shape) - 1),
        where=tf.where,
    )


def _jax():
    import jax
    import jax.numpy as jnp

    return types.SimpleNamespace(
        abs=jnp.abs,
        clip=jnp.clip,
        exp=jnp.exp,
        log=jnp.log,
        log1p=jnp.log1p,
        log_softmax=jax.nn.log_softmax,
        maximum=jnp.maximum,
        mean=jnp.mean,
        one_hot=jax.nn.one_hot,
        sigmoid=jax.nn.sigmoid,
        softplus=jax.nn.softplus,
        sqrt=jnp.sqrt,
        sum=jnp.sum,
        take=lambda x, ids: jnp.take_along_axis(x, ids[..., None], axis=-1)[..., 0],
        where=jnp.where,
    )


def _torch():
    import torch

    f = torch.nn.functional
    return types.SimpleNamespace(
        abs=torch.abs,
        clip=torch.clamp,
        exp=torch.exp,
        log=torch.log,
        log1p=torch.log1p,
        log_softmax=lambda x: f.log_softmax(x, -1),
        maximum=lambda x, c: torch.clamp(x, min=c),
        mean=lambda x, axis=None: torch.mean(x) if axis is None else torch.mean(x, dim=axis),
        one_hot=lambda ids, n: f.one_hot(ids.long(), n).float(),
        sigmoid=torch.sigmoid,
        softplus=f.softplus,
        sqrt=torch.sqrt,
        sum=lambda x, axis=None: torch.sum(x) if axis is None else torch.sum(x, dim=axis),
        take=lambda x, ids: torch.gather(x, -1, ids.long()[..., None])[..., 0],
        where=torch.where,
    )


np = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[BACKEND]()


def mean_squared_error(y, p):
    return np.mean((p - y) ** 2)


def mean_absolute_error(y, p):
    return np.mean(np.abs(p - y))


def huber(y, p, delta):
    d = np.abs(p - y)
    return np.mean(np.where(d <= delta, 0.5 * d * d, delta * d - 0.5 * delta * delta))


def poisson(y, p):
    return np.mean(p - y * np.log(p + 1e-7))


def pinball(y, p, tau):
    e = y - p
    return np.mean(np.where(e >= 0, tau * e, (tau - 1) * e))


def charbonnier(y, p, epsilon=1e-3):
    return np.mean(np.sqrt((p - y) ** 2 + epsilon**2)) - epsilon


def cauchy(y, p):
    return np.mean(np.log1p(0.5 * (p - y) ** 2))


def welsch(y, p):
    return np.mean(1 - np.exp(-0.5 * (p - y) ** 2))


def sparse_crossentropy(ids, z):
    return -np.mean(np.take(np.log_softmax(z), ids))


def crossentropy(g, z):
    return -np.mean(np.sum(g * np.log_softmax(z), -1))


def sparse_focal(ids, z):
    log_p = np.take(np.log_softmax(z), ids)
    return -np.mean((1 - np.exp(log_p)) ** 2 * log_p)


def gaussian_nll(y, p):
    m, s = p[:, :1], np.softplus(p[:, 1:]) + 1e-6
    return np.mean(0.9189385332 + np.log(s) + 0.5 * ((y - m) / s) ** 2)


def log_normal_nll(y, p):
    log = np.log(y)
    return np.mean(log) + gaussian_nll(log, p)


def binary_crossentropy(g, z):
    return np.mean(np.maximum(z, 0.0) - z * g + np.log1p(np.exp(-np.abs(z))))


def clipped_crossentropy(g, p):
    p = np.clip(p, 1e-7, 1 - 1e-7)
    return -np.mean(g * np.log(p) + (1 - g) * np.log(1 - p))


def clipped_focal(g, p):
    p = np.clip(p, 1e-7, 1 - 1e-7)
    return -np.mean(g * (1 - p) ** 2 * np.log(p) + (1 - g) * p**2 * np.log(1 - p))


def sigmoid_focal(g, z):
    crossentropy = np.maximum(z, 0.0) - z * g + np.log1p(np.exp(-np.abs(z)))
    p = np.sigmoid(z)
    return np.mean((1 - (g * p + (1 - g) * (1 - p))) ** 2.0 * crossentropy)


def dice_over_batch(g, p, smooth=1e-5):
    hits, predicted, target = (np.sum(x, (0, 1, 2)) for x in (p * g, p, g))
    return 1 - np.mean((2 * hits + smooth) / (predicted + target + smooth))


def negative_cosine(a, b):
    def unit(x):
        return x / np.sqrt(np.maximum(np.sum(x * x, -1), 1e-12))[..., None]

    return -np.mean(np.sum(unit(a) * unit(b), -1))


def _dice(p, g):
    tp = np.sum(p * g, (1, 2))
    both = np.sum(p, (1, 2)) + np.sum(g, (1, 2))
    return 1 - np.mean(2 * tp / both)  # both > 0: a softmax is never exactly 0 here.


def dice(ids, z):
    return _dice(np.exp(np.log_softmax(z)), np.one_hot(ids, z.shape[-1]))


def combined(ids, z, terms):
    """The first `terms` of: Dice, 2·focal, ½·cross-entropy, ¼·Tversky, Poly-1; in one function."""
    log_p = np.log_softmax(z)
    p, g = np.exp(log_p), np.one_hot(ids, z.shape[-1])
    total = _dice(p, g)
    if terms > 1:
        total = total + 2 * np.mean(-np.sum(g * (1 - p) ** 2 * log_p, -1))
    if terms > 2:
        total = total + 0.5 * np.mean(-np.sum(g * log_p, -1))
    if terms > 3:
        tp, sum_p, sum_g = (np.sum(x, (1, 2)) for x in (p * g, p, g))
        total = total + 0.25 * (
            1 - np.mean(tp / (tp + 0.3 * (sum_p - tp) + 0.7 * (sum_g - tp)))
        )
    if terms > 4:
        total = total + np.mean(np.sum(g * (1 - p - log_p), -1))
    return total
