"""Sound losses that people published, written anew, on data of every awkward kind.

Each says where it is met. `PUBLISHED` maps a name to `(loss, options of check_loss)`;
`MAY` names the warnings that are right: of losses that are one number for a batch.
"""

import keras
import numpy as np
from keras import ops

import keras_losskit as kl

PUBLISHED, MAY = {}, {}
rng = np.random.default_rng(4)
EPS = 1e-7
ONE_NUMBER = ("scalar", "weight-zero-stays", "samples-mixed")


def sound(loss=None, *, may=(), **options):
    if loss is None:
        return lambda f: sound(f, may=may, **options)
    PUBLISHED[loss.__name__] = loss, options
    MAY[loss.__name__] = may
    return loss


# keras-contrib, jaccard_distance.
@sound
def jaccard_distance(y_true, y_pred):
    hits = ops.sum(ops.abs(y_true * y_pred), axis=-1)
    both = ops.sum(ops.abs(y_true) + ops.abs(y_pred), axis=-1)
    return (1 - (hits + 100) / (both - hits + 100)) * 100


# V-Net (Milletari 2016), with the smoothing of the U-Net gists.
@sound
def soft_dice(y_true, y_pred):
    t, p = (ops.reshape(x, (ops.shape(x)[0], -1)) for x in (y_true, y_pred))
    hits = ops.sum(t * p, axis=-1)
    return 1 - (2 * hits + 1) / (ops.sum(t, axis=-1) + ops.sum(p, axis=-1) + 1)


# The same over the whole batch, as most gists have it.
@sound(may=ONE_NUMBER)
def dice_of_the_batch(y_true, y_pred):
    hits = ops.sum(y_true * y_pred)
    return 1 - (2 * hits + 1) / (ops.sum(y_true) + ops.sum(y_pred) + 1)


# Salehi 2017.
@sound
def tversky(y_true, y_pred, alpha=0.7):
    hits = ops.sum(y_true * y_pred, axis=-1)
    missed = ops.sum(y_true * (1 - y_pred), axis=-1)
    false = ops.sum((1 - y_true) * y_pred, axis=-1)
    return 1 - (hits + 1) / (hits + alpha * missed + (1 - alpha) * false + 1)


# Lin 2017, as in umbertogriffo/focal-loss-keras.
@sound
def binary_focal(y_true, y_pred, gamma=2.0, alpha=0.25):
    p = ops.clip(y_pred, EPS, 1 - EPS)
    right = ops.where(y_true > 0.5, p, 1 - p)
    weight = ops.where(y_true > 0.5, alpha, 1 - alpha)
    return -ops.mean(weight * (1 - right) ** gamma * ops.log(right), axis=-1)


# wassname's gist: class weights inside.
@sound
def weighted_categorical_crossentropy(y_true, y_pred):
    p = y_pred / ops.sum(y_pred, axis=-1, keepdims=True)
    p = ops.clip(p, EPS, 1 - EPS)
    return -ops.sum(y_true * ops.log(p) * ops.convert_to_tensor([1.0, 2.0, 0.5]), axis=-1)


# JHart96/keras_ordinal_categorical_crossentropy: argmax only in the weight.
@sound
def ordinal_categorical(y_true, y_pred):
    steps = ops.abs(ops.argmax(y_true, axis=-1) - ops.argmax(y_pred, axis=-1))
    weight = 1 + ops.cast(steps, "float32") / 2
    return weight * keras.losses.categorical_crossentropy(y_true, y_pred)


# NIMA (Talebi 2018): the squared earth mover's distance, along the classes.
@sound
def squared_earth_mover(y_true, y_pred):
    d = ops.cumsum(y_true, axis=-1) - ops.cumsum(y_pred, axis=-1)
    return ops.mean(ops.square(d), axis=-1)


# Quantile regression, as sachinruk's gist names it: no name of a scope.
def tilted(q):
    def loss(y_true, y_pred):
        e = y_true - y_pred
        return ops.mean(ops.maximum(q * e, (q - 1) * e), axis=-1)

    loss.__name__ = f"quantile loss, q={q}"
    return loss


sound(may=("closure",))(tilted(0.3))


# Laina 2016, the threshold fixed.
@sound
def berhu(y_true, y_pred):
    d = ops.abs(y_true - y_pred)
    return ops.mean(ops.where(d <= 0.5, d, (ops.square(d) + 0.25) / 1.0), axis=-1)


# Laina 2016 as published: the threshold is a fifth of the batch's largest error.
@sound(may=ONE_NUMBER)
def berhu_of_the_batch(y_true, y_pred):
    d = ops.abs(y_true - y_pred)
    c = ops.stop_gradient(0.2 * ops.max(d)) + EPS
    return ops.mean(ops.where(d <= c, d, (ops.square(d) + c * c) / (2 * c)), axis=-1)


# Feng 2018, with its constant.
@sound
def wing(y_true, y_pred):
    d = ops.abs(y_true - y_pred)
    constant = 1.0 - np.log(1 + 1.0 / 0.5)
    return ops.mean(ops.where(d < 1.0, ops.log(1 + d / 0.5), d - constant), axis=-1)


# Arjovsky 2017, as in Keras GAN repositories: labels -1 and 1, a critic's mean.
@sound
def wasserstein_loss(y_true, y_pred):
    return ops.mean(y_true * y_pred, axis=-1)


# Miyato 2018, the generator's side.
@sound
def generator_loss(y_true, y_pred):
    return -ops.mean(y_pred, axis=-1)


# Kingma and Welling 2014: the prior's divergence; y_true is not looked at.
@sound
def prior_divergence(y_true, y_pred):
    return 0.5 * ops.mean(ops.square(y_pred) + ops.exp(-ops.abs(y_pred)) - 1, axis=-1)


# Nix and Weigend 1994: mean and log variance side by side; its variance underflows only far out.
@sound(shapes=((6, 1), (6, 2)))
def gaussian_likelihood(y_true, y_pred):
    mean, raw = y_pred[:, :1], y_pred[:, 1:]
    scale = ops.softplus(raw) + 1e-3
    return ops.mean(0.5 * ops.square((y_true - mean) / scale) + ops.log(scale), axis=-1)


# Schroff 2015 with anchor, positive and negative side by side in one row.
@sound
def stacked_triplet_loss(y_true, y_pred):
    width = y_pred.shape[-1] // 3
    a, p, n = (y_pred[:, i * width : (i + 1) * width] for i in range(3))
    near, far = (ops.sum(ops.square(a - x), axis=-1) for x in (p, n))
    return ops.maximum(near - far + 0.5, 0.0)


# Hadsell 2006, as in Keras' siamese example.
@sound(shapes="distances")
def contrastive_loss(y_true, y_pred):
    inside = ops.square(ops.maximum(1.0 - y_pred, 0.0))
    return ops.mean((1 - y_true) * ops.square(y_pred) + y_true * inside, axis=-1)


# Mathieu 2016: differences of neighbours in images.
@sound(shapes="image")
def gradient_difference(y_true, y_pred):
    def sides(x):
        return ops.abs(x[:, 1:] - x[:, :-1]), ops.abs(x[:, :, 1:] - x[:, :, :-1])

    pairs = zip(sides(y_true), sides(y_pred), strict=True)
    return sum(ops.mean(ops.square(a - b), axis=(1, 2, 3)) for a, b in pairs)


# Rudin 1992, as tf.image.total_variation: y_true is not looked at.
@sound(shapes="image")
def total_variation(y_true, y_pred):
    down = ops.abs(y_pred[:, 1:] - y_pred[:, :-1])
    along = ops.abs(y_pred[:, :, 1:] - y_pred[:, :, :-1])
    return ops.mean(down, axis=(1, 2, 3)) + ops.mean(along, axis=(1, 2, 3))


def one_window_ssim(y_true, y_pred, top=1.0):
    axes = (1, 2)
    my, mp = ops.mean(y_true, axes), ops.mean(y_pred, axes)
    vy, vp = ops.var(y_true, axes), ops.var(y_pred, axes)
    both = ops.mean(y_true * y_pred, axes) - my * mp
    a, b = (0.01 * top) ** 2, (0.03 * top) ** 2
    score = (2 * my * mp + a) * (2 * both + b)
    return 1 - ops.mean(score / ((my**2 + mp**2 + a) * (vy + vp + b)), axis=-1)


# Wang 2004, on images of 0..255, computed in float32 whatever comes.
@sound(y_true=255 * rng.random((3, 8, 8, 1)), y_pred=255 * rng.random((3, 8, 8, 1)))
def ssim_of_bytes(y_true, y_pred):
    t, p = (ops.cast(x, "float32") for x in (y_true, y_pred))
    return one_window_ssim(t, p, 255.0)


# Zhang 2018.
@sound
def generalized_crossentropy(y_true, y_pred, q=0.7):
    right = ops.sum(y_true * ops.clip(y_pred, 1e-6, 1.0), axis=-1)
    return (1 - right**q) / q


# Wang 2019.
@sound
def symmetric_crossentropy(y_true, y_pred):
    p = ops.clip(y_pred, EPS, 1 - EPS)
    forward = -ops.sum(y_true * ops.log(p), axis=-1)
    return forward - ops.sum(p * ops.log(ops.clip(y_true, 1e-4, 1.0)), axis=-1)


# Reed 2015, soft bootstrapping.
@sound
def bootstrapped_crossentropy(y_true, y_pred):
    p = ops.clip(y_pred, EPS, 1 - EPS)
    return -ops.sum((0.95 * y_true + 0.05 * ops.stop_gradient(p)) * ops.log(p), axis=-1)


# Leng 2022, Poly-1.
@sound
def poly_crossentropy(y_true, y_pred):
    p = ops.clip(y_pred, EPS, 1 - EPS)
    right = ops.sum(y_true * p, axis=-1)
    return -ops.sum(y_true * ops.log(p), axis=-1) + 1 - right


# Missing labels of -1 by multiplication (DeepChem and many answers).
@sound(y_true=np.where(rng.random((6, 3)) < 0.3, -1.0, 1.0 * (rng.random((6, 3)) < 0.5)),
       y_pred=rng.uniform(0.1, 0.9, size=(6, 3)))
def masked_squares(y_true, y_pred):
    known = ops.cast(y_true >= 0, "float32")
    return ops.sum(known * ops.square(y_true - y_pred), axis=-1) / (ops.sum(known, axis=-1) + 1)


# Lin's concordance (affect recognition, AVEC): one number for the batch.
@sound(may=ONE_NUMBER)
def concordance(y_true, y_pred):
    mt, mp = ops.mean(y_true), ops.mean(y_pred)
    both = ops.mean((y_true - mt) * (y_pred - mp))
    return 1 - 2 * both / (ops.var(y_true) + ops.var(y_pred) + ops.square(mt - mp) + 1e-6)


# Katzman 2018, Breslow's form: (time, event) and a log hazard.
@sound(y_true=np.stack([np.arange(1.0, 9), [1, 0, 1, 1, 0, 1, 1, 1]], -1),
       y_pred=rng.normal(size=(8, 1)), may=ONE_NUMBER)
def cox_partial_likelihood(y_true, y_pred):
    time, event, h = y_true[:, 0], y_true[:, 1], y_pred[:, 0]
    at_risk = ops.where(time[None, :] >= time[:, None], h[None, :], -1e9)
    return event * (ops.logsumexp(at_risk, axis=-1) - h)


# Chen 2020, both views side by side; every sample meets every other.
@sound(shapes="views", may=ONE_NUMBER)
def nt_xent(y_true, y_pred):
    t, p = (x / ops.sqrt(ops.sum(ops.square(x), -1, keepdims=True) + 1e-6)
            for x in (y_true, y_pred))
    scores = ops.matmul(t, ops.transpose(p)) / 0.5
    return ops.logsumexp(scores, axis=-1) - ops.sum(t * p, axis=-1) / 0.5


# An index of whole numbers in a loop is no mask (multi-task heads).
@sound
def columns_by_loop(y_true, y_pred):
    total = 0.0
    for i in np.arange(2):
        total = total + ops.square(y_true[:, i] - y_pred[:, i])
    return total


# A map loss that looks ids up by take_along_axis (DETR, Carion 2020).
@sound
def sparse_by_gather(y_true, y_pred, from_logits=True):
    ids = ops.cast(ops.reshape(y_true, (-1, 1)), "int32")
    log_p = ops.log_softmax(y_pred, axis=-1)
    return -ops.squeeze(ops.take_along_axis(log_p, ids, axis=-1), axis=-1)


# --- found by a second reading of what people publish ---------------------------------------------

GRID = rng.random((2, 3, 3, 7)).astype("float32")
GRID[..., 4] = rng.random((2, 3, 3)) < 0.3
GRID[..., 5:] = np.eye(2)[rng.integers(0, 2, (2, 3, 3))]


# YOLO (Redmon 2016) in Keras ports: raw numbers, the sizes by exp; errors of 100 are no data.
@sound(y_true=GRID, y_pred=rng.normal(size=(2, 3, 3, 7)))
def yolo(y_true, y_pred):
    there, axes = y_true[..., 4:5], (1, 2, 3)
    place = ops.sum(there * ops.square(y_true[..., :2] - ops.sigmoid(y_pred[..., :2])), axes)
    side = ops.sqrt(y_true[..., 2:4]) - ops.sqrt(ops.exp(y_pred[..., 2:4]) + 1e-6)
    found = ops.square(there - ops.sigmoid(y_pred[..., 4:5])) * (there + 0.5 * (1 - there))
    kind = ops.square(y_true[..., 5:] - ops.softmax(y_pred[..., 5:]))
    return 5 * place + 5 * ops.sum(there * ops.square(side), axes) + ops.sum(
        found, axes) + ops.sum(there * kind, axes)


# Nix and Weigend 1994 once more, by a name that cross-entropies have too ("nll").
@sound(y_true=rng.normal(size=(8, 1)), y_pred=rng.normal(size=(8, 2)), may=("broadcast",))
def gaussian_nll(y_true, y_pred):
    mean, log_scale = y_pred[:, :1], y_pred[:, 1:]
    error = (y_true - mean) * ops.exp(-log_scale)
    return ops.squeeze(log_scale + 0.5 * ops.square(error), axis=-1)


# Multi-class focal loss of many gists: rows made to sum to 1, which rows of zeros cannot.
@sound
def rows_made_shares(y_true, y_pred):
    p = y_pred / ops.sum(y_pred, axis=-1, keepdims=True)
    p = ops.clip(p, EPS, 1.0 - EPS)
    return -ops.mean(0.25 * (1 - p) ** 2 * y_true * ops.log(p), axis=-1)


# The Transformer tutorial of TensorFlow: a loss of Keras inside, which computes in float32.
@sound(y_true=rng.integers(1, 5, (4, 6)), y_pred=rng.normal(size=(4, 6, 5)), may=ONE_NUMBER)
def transformer_loss(y_true, y_pred):
    each = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")
    values = each(y_true, y_pred)
    mask = ops.cast(ops.logical_not(ops.equal(y_true, 0)), values.dtype)
    return ops.sum(values * mask) / ops.sum(mask)


features = keras.Sequential([keras.Input((5, 5, 3)), keras.layers.Conv2D(4, 3)])
features.trainable = False


# Johnson 2016: a fixed network compares the images.
@sound(y_true=rng.random((4, 5, 5, 3)), y_pred=rng.random((4, 5, 5, 3)))
def perceptual(y_true, y_pred):
    return ops.mean(ops.square(features(y_true) - features(y_pred)), axis=(1, 2, 3))


# keras-contrib's CRF: the log partition less the score of the path.
@sound(y_true=rng.integers(0, 3, (5, 4)), y_pred=rng.normal(size=(5, 4, 3)))
def linear_chain(y_true, y_pred):
    moves = ops.reshape(ops.arange(9, dtype="float32") / 8 - 0.5, (3, 3))
    rows = ops.one_hot(ops.cast(y_true, "int32"), 3)
    score = ops.sum(rows * y_pred, axis=(1, 2)) + ops.sum(
        ops.matmul(rows[:, :-1], moves) * rows[:, 1:], axis=(1, 2))
    paths = y_pred[:, 0]
    for t in range(1, y_pred.shape[1]):
        paths = ops.logsumexp(paths[:, :, None] + moves[None], axis=1) + y_pred[:, t]
    return ops.logsumexp(paths, axis=-1) - score


# PPO in Keras (advantage, old probability and action packed into y_true).
@sound(y_true=np.concatenate([rng.normal(size=(8, 1)), rng.uniform(0.2, 0.8, (8, 1)),
                              np.eye(3)[rng.integers(0, 3, 8)]], axis=1),
       y_pred=rng.normal(size=(8, 3)))
def clipped_policy(y_true, y_pred):
    advantage, old, action = y_true[:, 0], y_true[:, 1], y_true[:, 2:]
    ratio = ops.sum(action * ops.softmax(y_pred), axis=-1) / (old + 1e-10)
    return -ops.minimum(ratio * advantage, ops.clip(ratio, 0.8, 1.2) * advantage)


# VAE with its parts packed into one output.
@sound(y_true=rng.normal(size=(8, 4)), y_pred=rng.normal(size=(8, 8)))
def packed_autoencoder(y_true, y_pred):
    mean, log_variance = y_pred[:, 4:6], y_pred[:, 6:]
    prior = 1 + log_variance - ops.square(mean) - ops.exp(log_variance)
    return ops.sum(ops.square(y_true - y_pred[:, :4]), axis=-1) - 0.5 * ops.sum(prior, axis=-1)


# Kervadec 2019: y_true is a signed distance, the value may be below 0.
@sound(y_true=rng.normal(size=(3, 5, 5, 1)), y_pred=rng.uniform(0.05, 0.95, (3, 5, 5, 1)))
def boundary(y_true, y_pred):
    return ops.mean(y_true * y_pred, axis=(1, 2, 3))


# Ronneberger 2015: mask and weight map side by side in y_true.
@sound(y_true=np.stack([1.0 * (rng.random((3, 4, 4)) < 0.4), rng.uniform(0.5, 2, (3, 4, 4))], -1),
       y_pred=rng.uniform(0.05, 0.95, (3, 4, 4, 1)))
def weighted_by_a_map(y_true, y_pred):
    mask, weight = y_true[..., :1], y_true[..., 1:]
    p = ops.clip(y_pred, EPS, 1 - EPS)
    each = mask * ops.log(p) + (1 - mask) * ops.log(1 - p)
    return -ops.mean(weight * each, axis=(1, 2, 3))


# Eigen 2014.
@sound
def scale_invariant_log(y_true, y_pred):
    d = ops.log(ops.maximum(y_pred, 1e-3)) - ops.log(ops.maximum(y_true, 1e-3))
    return ops.mean(ops.square(d), axis=-1) - 0.5 * ops.square(ops.mean(d, axis=-1))


# Ridnik 2021, with its shift.
@sound(y_true=rng.integers(0, 2, (6, 4)), y_pred=rng.uniform(0.05, 0.95, (6, 4)))
def asymmetric_multilabel(y_true, y_pred):
    y = ops.cast(y_true, "float32")
    other = ops.minimum(1 - y_pred + 0.05, 1.0)
    log = y * ops.log(ops.maximum(y_pred, 1e-8)) + (1 - y) * ops.log(ops.maximum(other, 1e-8))
    hard = 1 - (y_pred * y + other * (1 - y))
    return -ops.sum(log * hard ** (y + 4 * (1 - y)), axis=-1)


# --- the same on saturated, all-background, soft and lone data ----------------------------------

HARD = (rng.random((8, 3)) < 0.5).astype("float32")
SATURATED = (rng.random((8, 3)) < 0.5).astype("float32")
ROWS = np.eye(3)[rng.integers(0, 3, 8)].astype("float32")
CERTAIN = np.eye(3)[rng.integers(0, 3, 8)].astype("float32")
MAP = np.zeros((3, 4, 4, 1), "float32")


def clipped(y_true, y_pred):
    p = ops.clip(y_pred, EPS, 1 - EPS)
    return -ops.mean(y_true * ops.log(p) + (1 - y_true) * ops.log(1 - p), axis=-1)


PUBLISHED |= {
    "keras-binary": (keras.losses.BinaryCrossentropy(), {}),
    "keras-binary-saturated": (
        keras.losses.BinaryCrossentropy(), {"y_true": HARD, "y_pred": SATURATED}),
    "kit-binary-saturated": (kl.BinaryCrossentropy(), {"y_true": HARD, "y_pred": SATURATED}),
    "keras-focal-saturated": (
        keras.losses.BinaryFocalCrossentropy(), {"y_true": HARD, "y_pred": SATURATED}),
    "clipped-saturated": (clipped, {"y_true": HARD, "y_pred": SATURATED}),
    "keras-rows-saturated": (
        keras.losses.CategoricalCrossentropy(), {"y_true": ROWS, "y_pred": CERTAIN}),
    "kit-rows-saturated": (
        kl.CategoricalCrossentropy(), {"y_true": ROWS, "y_pred": CERTAIN}),
    "kit-dice-background": (
        kl.Dice(), {"y_true": MAP, "y_pred": rng.uniform(0.1, 0.4, MAP.shape)}),
    "kit-jaccard-absent": (
        kl.Jaccard(), {"y_true": np.eye(3)[np.zeros((2, 4, 4), int)],
                       "y_pred": np.full((2, 4, 4, 3), 1 / 3)}),
    "kit-soft-rows": (kl.CategoricalCrossentropy(),
                      {"y_true": 0.9 * ROWS + 0.1 / 3, "y_pred": 0.8 * CERTAIN + 0.2 / 3}),
    "kit-one-sample": (kl.Huber(), {"y_true": np.zeros((1, 3)), "y_pred": np.ones((1, 3))}),
    "keras-one-sample": (
        keras.losses.MeanSquaredError(), {"y_true": np.zeros((1, 3)), "y_pred": np.ones((1, 3))}),
    "keras-whole-targets": (
        keras.losses.MeanSquaredError(), {"y_true": np.arange(8).reshape(8, 1),
                                          "y_pred": rng.normal(size=(8, 1)) * 4}),
    "keras-binary-whole": (
        keras.losses.BinaryCrossentropy(), {"y_true": HARD.astype("int32"),
                                            "y_pred": rng.uniform(0.1, 0.9, (8, 3))}),
    "kit-huber-on-a-dict": (kl.Huber().on(y_true="a", y_pred="a"), {}),
    "kit-two-parts": (
        kl.GIoU().on(y_true=slice(0, 4), y_pred=slice(0, 4))
        + kl.BinaryCrossentropy(from_logits=True).on(y_true=4, y_pred=4), {}),
}


# --- on data of one's own: what a target's array holds is not what is predicted --------------

unknown = rng.normal(size=(32, 3)).astype("float32")
unknown[rng.random(unknown.shape) < 0.2] = np.nan


# Keras' forum, "masked MSE": what is not known is NaN.
@sound(y_true=unknown, y_pred=rng.normal(size=(32, 3)).astype("float32"))
def mse_of_what_is_known(y_true, y_pred):
    known = ops.logical_not(ops.isnan(y_true))
    d = ops.where(known, y_true, ops.zeros_like(y_true)) - y_pred
    count = ops.sum(ops.cast(known, y_pred.dtype), axis=-1)
    return ops.sum(ops.where(known, ops.square(d), 0.0), axis=-1) / ops.maximum(count, 1.0)


# Insurance claims on Kaggle: a model that ends in exp predicts no 0, but targets are.
@sound(
    y_true=np.where(rng.random((32, 1)) < 0.5, 0, rng.gamma(2, 1, (32, 1))).astype("float32"),
    y_pred=rng.gamma(2, 1, (32, 1)).astype("float32"),
)
def tweedie_of_claims(y_true, y_pred, power=1.5):
    low, high = 1 - power, 2 - power
    each = -y_true * ops.power(y_pred, low) / low + ops.power(y_pred, high) / high
    return ops.mean(each, axis=-1)


# wtte-rnn: two columns each, (time, event) and (scale, shape).
@sound(
    y_true=np.stack([rng.exponential(2, 32) + 0.1, rng.random(32) < 0.6], -1).astype("float32"),
    y_pred=rng.gamma(3, 0.5, (32, 2)).astype("float32"),
)
def weibull_of_columns(y_true, y_pred):
    time, event = y_true[:, 0], y_true[:, 1]
    scale, shape = y_pred[:, 0], y_pred[:, 1]
    x = ops.log(time) - ops.log(scale)
    return ops.exp(shape * x) - event * (ops.log(shape) + shape * x)


# Keras' siamese examples, on squared distances of each coordinate.
@sound(
    y_true=(rng.random((16, 1)) < 0.5).astype("float32"),
    y_pred=rng.normal(size=(16, 16)).astype("float32"),
)
def contrastive_of_differences(y_true, y_pred, margin=1.0):
    d = ops.sum(ops.square(y_pred), axis=-1, keepdims=True)
    each = (1 - y_true) * d + y_true * ops.maximum(margin - d, 0.0)
    return ops.squeeze(each, axis=-1)


# Two outputs in a dict: Keras reads no mask of one.
@sound(
    y_true={"a": rng.normal(size=(8, 1)).astype("float32"),
            "b": (rng.random((8, 1)) < 0.5).astype("float32")},
    y_pred={"a": rng.normal(size=(8, 1)).astype("float32"),
            "b": rng.random((8, 1)).astype("float32")},
)
def of_two_outputs(y_true, y_pred):
    d = ops.mean(ops.square(y_true["a"] - y_pred["a"]), axis=-1)
    return d + keras.losses.binary_crossentropy(y_true["b"], y_pred["b"])


# Pictures in [0, 1]: neither is ever 0 or 1.
@sound(
    y_true=rng.random((4, 8, 8, 1)).astype("float32"),
    y_pred=rng.random((4, 8, 8, 1)).astype("float32"),
)
def edges_of_pictures(y_true, y_pred):
    d = ops.abs((y_true[:, 1:] - y_true[:, :-1]) - (y_pred[:, 1:] - y_pred[:, :-1]))
    return ops.mean(d, axis=(1, 2, 3)) + ops.mean(ops.square(y_true - y_pred), axis=(1, 2, 3))


# --- made data has to be of the size that the source speaks of --------------------------------


# Siamese networks: anchor, positive and negative of 8 columns each.
@sound
def triplet_of_slices(y_true, y_pred, alpha=0.2):
    a, p, n = y_pred[:, :8], y_pred[:, 8:16], y_pred[:, 16:]
    near, far = (ops.sum(ops.square(a - x), axis=-1) for x in (p, n))
    return ops.maximum(near - far + alpha, 0.0)


# wassname's gist, weighted_categorical_crossentropy: as many columns as weights.
def weighted_classes(weights):
    weights = np.asarray(weights, "float32")

    def weighted_categorical_crossentropy(y_true, y_pred):
        p = y_pred / ops.sum(y_pred, axis=-1, keepdims=True)
        w = ops.convert_to_tensor(weights)
        return -ops.sum(y_true * ops.log(ops.clip(p, EPS, 1 - EPS)) * w, axis=-1)

    return weighted_categorical_crossentropy


sound(weighted_classes([0.5, 2.0, 10.0, 1.0, 1.0]), may=("closure",))


# JHart96/keras_ordinal_categorical_crossentropy, with the distance of the mean class.
@sound
def ordinal_of_five(y_true, y_pred):
    mean = ops.sum(y_pred * ops.arange(5, dtype=y_pred.dtype), axis=-1)
    rank = ops.cast(ops.reshape(y_true, (-1,)), y_pred.dtype)
    return keras.losses.sparse_categorical_crossentropy(rank, y_pred) + 0.1 * ops.square(
        mean - rank)


# Landmarks (B, 68, 2): the mean over points and coordinates.
@sound
def wing_of_landmarks(y_true, y_pred, width=10.0, curvature=2.0):
    d = ops.abs(y_true - y_pred)
    rest = width * (1 - np.log(1 + width / curvature))
    each = ops.where(d < width, width * ops.log(1 + d / curvature), d - rest)
    return ops.mean(ops.sum(each, axis=-1), axis=-1)


# auraloss and Parallel WaveGAN: frames of 128 want sound that is longer.
@sound
def stft_magnitudes(y_true, y_pred):
    def magnitudes(x):
        re, im = ops.stft(x, 128, 64, 128)
        return ops.sqrt(re**2 + im**2 + 1e-6)

    return ops.mean(ops.abs(magnitudes(y_true) - magnitudes(y_pred)), axis=(1, 2))
