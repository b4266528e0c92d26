"""Sound losses, near to what `broken_of_data.py` plants: on data of their own, or on made data that
others are made for.
"""

import keras
import numpy as np
from keras import ops

from tests.backends import BACKEND
from tests.doctor.broken_of_data import IDS, LOGITS, NEAR, REAL, ROWS, SIMPLEX, YES, draw, single

OF_DATA = {}


def sound(loss, y_true=None, y_pred=None, name=None):
    options = {} if y_true is None else {"y_true": y_true, "y_pred": single(y_pred)}
    OF_DATA[name or loss.__name__] = loss, options
    return loss


def log_link(y_true, y_pred):
    """The deviance of a Gamma model, whose mean is exp(y_pred); targets are > 0."""
    mu = ops.exp(y_pred)
    return 2 * ops.mean((y_true - mu) / mu - ops.log(y_true / mu), axis=-1)


POSITIVE = single(np.exp(0.5 * REAL))
sound(log_link, POSITIVE, np.log(POSITIVE) + 0.1 * REAL)


@sound
def poisson_of_log_rates(y_true, y_pred):
    return ops.mean(ops.exp(y_pred) - y_true * y_pred, axis=-1)


COUNTS = single(draw.poisson(2.0, size=(32, 3)))


def poisson_of_rates(y_true, y_pred):
    """A count of 0 is one."""
    return ops.mean(y_pred - y_true * ops.log(y_pred + 1e-7), axis=-1)


sound(poisson_of_rates, COUNTS, 2 + 0.3 * REAL**2)


def columns_in_turn(y_true, y_pred):
    """Of a list of tensors Python's loop is one."""
    pairs = zip(ops.unstack(y_true, axis=-1), ops.unstack(y_pred, axis=-1), strict=True)
    return sum(ops.abs(t - p) for t, p in pairs)


sound(columns_in_turn, REAL, NEAR)


@keras.saving.register_keras_serializable("sound")
class SquaresInBfloat16(keras.losses.Loss):
    """Of a half precision, which NumPy has not."""

    def call(self, y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred), axis=-1)


sound(SquaresInBfloat16(dtype="bfloat16"), REAL, NEAR, name="squares_in_bfloat16")


# Kervadec et al.: y_true holds signed distances.
@sound
def boundary_by_distance(y_true, y_pred):
    return ops.mean(y_true * y_pred, axis=(1, 2, 3))


# Seitzer et al.: one target, mean and variance.
@sound
def beta_nll_of_columns(y_true, y_pred, beta=0.5):
    mu, variance = y_pred[:, 0], ops.softplus(y_pred[:, 1]) + 1e-6
    nll = 0.5 * (ops.log(variance) + ops.square(y_true[:, 0] - mu) / variance)
    return nll * ops.stop_gradient(variance) ** beta


@sound
def zero_inflated_counts(y_true, y_pred):
    share, log_rate = ops.sigmoid(y_pred[:, 0]), y_pred[:, 1]
    y, rate = y_true[:, 0], ops.exp(log_rate)
    zero = -ops.log(share + (1 - share) * ops.exp(-rate) + 1e-8)
    return ops.where(y > 0, rate - y * log_rate - ops.log(1 - share + 1e-8), zero)


# Martinsson's WTTE-RNN.
@sound
def weibull_censored(y_true, y_pred):
    t, e = y_true[:, 0], y_true[:, 1]
    a, b = ops.exp(y_pred[:, 0]), ops.softplus(y_pred[:, 1]) + 1e-3
    scaled = (t + 1e-6) / a
    return ops.power(scaled, b) - e * (ops.log(b) + b * ops.log(scaled))


def mixture_of(n):
    def mixture(y_true, y_pred):
        share, mu, s = y_pred[:, :n], y_pred[:, n : 2 * n], y_pred[:, 2 * n :]
        each = ops.log_softmax(share) - s - 0.5 * ops.square((y_true - mu) * ops.exp(-s))
        return -ops.logsumexp(each, axis=-1)

    return mixture


sound(mixture_of(3))


# Khosla et al.: ids say who belongs together.
@sound
def supcon_by_hand(y_true, y_pred):
    z = y_pred / ops.sqrt(ops.sum(ops.square(y_pred), axis=-1, keepdims=True) + 1e-9)
    near = ops.matmul(z, ops.transpose(z)) / 0.2
    other = 1 - ops.eye(ops.shape(z)[0], dtype=z.dtype)
    y = ops.reshape(y_true, (-1, 1))
    same = ops.cast(ops.equal(y, ops.transpose(y)), z.dtype) * other
    near = near - ops.stop_gradient(ops.max(near, axis=1, keepdims=True))
    log_share = near - ops.log(ops.sum(ops.exp(near) * other, axis=1, keepdims=True) + 1e-9)
    return -ops.sum(same * log_share, axis=1) / ops.maximum(ops.sum(same, axis=1), 1)


def of_soft_teacher(y_true, y_pred):
    """Hinton et al.'s distillation at a temperature of 3."""
    t = ops.softmax(y_true / 3)
    return 9 * ops.sum(t * (ops.log_softmax(y_true / 3) - ops.log_softmax(y_pred / 3)), axis=-1)


sound(of_soft_teacher, single(2 * draw.normal(size=(32, 5))), LOGITS)


# Hadsell et al.'s loss of distances, where 1 says that a pair belongs together.
def siamese_contrastive(y_true, y_pred, margin=1.0):
    near, far = ops.square(y_pred), ops.square(ops.maximum(margin - y_pred, 0))
    return ops.mean(y_true * near + (1 - y_true) * far, axis=-1)


sound(siamese_contrastive, YES[:, :1], draw.uniform(0.05, 0.95, size=(32, 1)))


def pairs_apart(y_true, y_pred, margin=1.0):
    return siamese_contrastive(y_true, y_pred, margin)


# By its numbers: small where the label is 1.
sound(pairs_apart, YES[:, :1], 0.2 + 0.6 * (1 - YES[:, :1]) + draw.uniform(-0.1, 0.1, (32, 1)))


def critic(y_true, y_pred):
    return ops.mean(y_true * y_pred, axis=-1)


sound(critic, single(draw.choice([-1, 1], size=(32, 1))), draw.normal(size=(32, 1)))


def with_smoothness(y_true, y_pred):
    """A little of another term moves the least value a little."""
    steps = ops.square(y_pred[:, 1:] - y_pred[:, :-1])
    return ops.mean(ops.square(y_true - y_pred), axis=-1) + 0.05 * ops.mean(steps, axis=-1)


sound(with_smoothness, REAL, NEAR)


def asymmetric(y_true, y_pred):
    e = y_true - y_pred
    return ops.mean(ops.where(e > 0, 4.0, 1.0) * ops.square(e), axis=-1)


sound(asymmetric, REAL, NEAR)


def arcface(y_true, y_pred, scale=30.0, margin=0.3):
    """Deng et al. of cosines: at 30 they are clipped, which no cosine is."""
    cosine = ops.clip(y_pred, -0.999, 0.999)
    angle = ops.arccos(cosine) + margin * y_true
    return ops.categorical_crossentropy(y_true, scale * ops.cos(angle), from_logits=True)


sound(arcface, ROWS, np.clip(0.6 * ROWS - 0.2 + 0.1 * draw.normal(size=ROWS.shape), -1, 1))


def in_batch_agreement(y_true, y_pred):
    """Lin's concordance: a number of the batch, though of columns (B, 1)."""
    t, p = ops.mean(y_true), ops.mean(y_pred)
    both = ops.mean((y_true - t) * (y_pred - p))
    spread = ops.mean(ops.square(y_true - t)) + ops.mean(ops.square(y_pred - p))
    return 1 - 2 * both / (spread + ops.square(t - p) + 1e-6)


sound(in_batch_agreement, REAL[:, :1], NEAR[:, :1])


def boosting(y_true, y_pred):
    """Freund and Schapire's exponential loss: at a score of 100 it is beyond float32."""
    return ops.mean(ops.exp(-y_true * y_pred), axis=-1)


SIGNS = single(2 * YES - 1)
sound(boosting, SIGNS, SIGNS + draw.normal(size=SIGNS.shape))


def logistic_of_signs(y_true, y_pred):
    return ops.mean(ops.softplus(-y_true * y_pred), axis=-1)


sound(logistic_of_signs, SIGNS, 2 * SIGNS + 2 * draw.normal(size=SIGNS.shape))


def mixture_by_logarithms(y_true, y_pred):
    d = (y_true - y_pred[:, 2:4]) * ops.exp(-y_pred[:, 4:])
    parts = ops.log_softmax(y_pred[:, :2], axis=-1) - 0.5 * ops.square(d) - y_pred[:, 4:]
    return -ops.logsumexp(parts, axis=-1)


sound(mixture_by_logarithms, 3 * REAL[:, :1], np.concatenate([
    0.3 * draw.normal(size=(32, 2)), 3 * NEAR[:, :1] - 1, 3 * NEAR[:, :1] + 1,
    0.1 * draw.normal(size=(32, 2))], axis=-1))


def triplets_side_by_side(y_true, y_pred):
    a, p, n = ops.split(y_pred, 3, axis=-1)
    near, far = ops.sum(ops.square(a - p), -1), ops.sum(ops.square(a - n), -1)
    return ops.relu(near - far + 0.2)


sound(triplets_side_by_side, np.zeros((32, 1), "float32"), draw.normal(size=(32, 24)))


if BACKEND == "torch":
    import torch

    def likelihood_of_logits(y_true, y_pred):
        inner = torch.nn.functional.log_softmax(y_pred, dim=-1)
        return torch.nn.functional.nll_loss(inner, y_true.long(), reduction="none")

    sound(likelihood_of_logits, IDS, LOGITS)

    def likelihood_by_its_log(y_true, y_pred):
        inner = torch.log(y_pred.clamp(1e-7))
        return torch.nn.functional.nll_loss(inner, y_true.long(), reduction="none")

    sound(likelihood_by_its_log, IDS, SIMPLEX)
