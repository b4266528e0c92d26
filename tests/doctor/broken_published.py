"""Faults of losses that people published, written anew; each says where its kind is met.

Imported by `broken`, whose `FAULTS` they join.
"""

import keras
import numpy as np
from keras import ops

import keras_losskit as kl
from tests.backends import BACKEND
from tests.doctor.broken import FAULTS, fault, graph_fault, instance, squares

rng = np.random.default_rng(3)
EPS = 1e-7

# --- what is best is not perfect ------------------------------------------------------------


# U-Net answers on Stack Overflow: `loss=dice_coef`, the score itself.
@fault("perfect-not-least")
def dice_coefficient(y_true, y_pred):
    hits = ops.sum(y_true * y_pred, axis=-1)
    return (2 * hits + 1) / (ops.sum(y_true, axis=-1) + ops.sum(y_pred, axis=-1) + 1)


# Keras issue 3031 and its kin: cosine_proximity changed its sign between versions.
@fault("perfect-not-least")
def plus_cosine(y_true, y_pred):
    t, p = (x / ops.sqrt(ops.sum(ops.square(x), -1, keepdims=True) + EPS) for x in (y_true, y_pred))
    return ops.sum(t * p, axis=-1)


# Mixture and Bayesian tutorials: the log-likelihood returned without its minus.
@fault("perfect-not-least")
def log_likelihood(y_true, y_pred):
    return ops.sum(-0.5 * ops.square(y_true - y_pred) - 0.5 * np.log(2 * np.pi), axis=-1)


# Focal loss gists: the factor of the easy class instead of the hard one.
@fault("perfect-not-least")
def focal_on_the_easy(y_true, y_pred):
    p = ops.clip(y_pred, EPS, 1 - EPS)
    right = ops.where(y_true > 0.5, p, 1 - p)
    return -ops.mean(right**2 * ops.log(right), axis=-1)


# Log loss gists: categorical cross-entropy without its minus.
@fault("perfect-not-least")
def categorical_without_minus(y_true, y_pred):
    return ops.sum(y_true * ops.log(ops.clip(y_pred, EPS, 1.0)), axis=-1)


# Image quality forum threads: `loss=ssim`, the similarity itself (one window here).
@fault("perfect-not-least")
def ssim_score(y_true, y_pred):
    axes = (1, 2)
    my, mp = ops.mean(y_true, axes), ops.mean(y_pred, axes)
    vy, vp = ops.var(y_true, axes), ops.var(y_pred, axes)
    both = ops.mean(y_true * y_pred, axes) - my * mp
    score = (2 * my * mp + 0.01) * (2 * both + 0.03)
    return ops.mean(score / ((my**2 + mp**2 + 0.01) * (vy + vp + 0.03)), axis=-1)


FAULTS[-1].options = {"shapes": "image"}


# Stack Overflow: K.binary_crossentropy(y_pred, y_true), as in the old Theano order.
@fault("perfect-not-least", line="binary_crossentropy(y_pred, y_true)")
def binary_swapped(y_true, y_pred):
    return keras.losses.binary_crossentropy(y_pred, y_true)


@fault("perfect-not-least", line="kl_divergence(y_pred, y_true)")
def divergence_swapped(y_true, y_pred):
    return keras.losses.kl_divergence(y_pred, y_true)


# Wishes of "maximise R²": the score, not one minus it.
@fault("perfect-not-least")
def explained_variance(y_true, y_pred):
    rest = ops.sum(ops.square(y_true - y_pred), axis=-1)
    return 1 - rest / (ops.sum(ops.square(y_true), axis=-1) + 1.0)


# --- samples that are mixed -----------------------------------------------------------------


# Earth mover's distance for NIMA (titu1994): the cumsum along the wrong axis.
@fault("samples-mixed", "warning")
def earth_mover_down_the_batch(y_true, y_pred):
    d = ops.cumsum(y_true, axis=0) - ops.cumsum(y_pred, axis=0)
    return ops.sqrt(ops.mean(ops.square(d), axis=-1) + EPS)


# Weighted cross-entropy gists: weights by sample times one mean over all.
@fault("samples-mixed", "warning")
def weights_times_the_mean(y_true, y_pred):
    weights = 1 + ops.abs(y_true[:, 0])
    return weights * ops.mean(ops.square(y_true - y_pred))


# Ports from PyTorch, where the batch is divided by inside the loss.
@fault("samples-mixed")
def divided_by_the_batch_again(y_true, y_pred):
    n = ops.cast(ops.shape(y_true)[0], "float32")
    return ops.sum(ops.square(y_true - y_pred), axis=-1) / n


@fault("samples-mixed")
def summed_over_the_batch_squared(y_true, y_pred):
    n = ops.cast(ops.shape(y_true)[0], "float32")
    return ops.sum(ops.square(y_true - y_pred)) / (n * n)


# Depth estimation: errors relative to the batch's largest.
@fault("samples-mixed", "warning")
def relative_to_the_largest(y_true, y_pred):
    d = ops.abs(y_true - y_pred)
    return ops.mean(d, axis=-1) / (ops.max(d) + EPS)


# "RMSE loss": the root over the whole batch is no mean of the samples' roots.
@fault("samples-mixed", "warning")
def root_over_the_batch(y_true, y_pred):
    return ops.sqrt(ops.mean(ops.square(y_true - y_pred)) + EPS)


@fault("samples-mixed", "warning")
def weighted_by_place(y_true, y_pred):
    order = ops.cast(ops.arange(ops.shape(y_pred)[0]), "float32")
    return squares(y_true, y_pred) * (1 + order)


# --- batches of another size -----------------------------------------------------------------


# Pearson and CCC losses: standardised by the batch's own spread.
@fault("one-sample")
def standardised(y_true, y_pred):
    spread = ops.std(y_pred, axis=0, keepdims=True)
    p = (y_pred - ops.mean(y_pred, axis=0, keepdims=True)) / spread
    return ops.mean(ops.square(y_true - p), axis=-1)


@fault("one-sample")
def unbiased_variance(y_true, y_pred):
    n = ops.cast(ops.shape(y_true)[0], "float32")
    centred = y_true - ops.mean(y_true, axis=0, keepdims=True)
    variance = ops.sum(ops.square(centred)) / (n - 1)
    return squares(y_true, y_pred) / (variance + EPS)


BATCH_SIZE = 12


# Custom training tutorials of Keras 1: K.reshape(..., (batch_size, ...)).
@fault("fixed-batch", y_true=rng.normal(size=(12, 4)), y_pred=rng.normal(size=(12, 4)))
def reshaped_to_one_batch(y_true, y_pred):
    d = ops.reshape(y_true - y_pred, (BATCH_SIZE, 2, 2))
    return ops.mean(ops.square(d), axis=(1, 2))


@fault("fixed-batch", y_true=rng.normal(size=(12, 4)), y_pred=rng.normal(size=(12, 4)))
def weights_of_one_batch(y_true, y_pred):
    weights = ops.convert_to_tensor(np.linspace(1, 2, 12).astype("float32"))
    return weights * squares(y_true, y_pred)


@fault("rows-without-gradient")
def first_half_alone(y_true, y_pred):
    n = ops.shape(y_pred)[0]
    counts = ops.cast(ops.arange(n) < n // 2, "float32")
    return counts * squares(y_true, y_pred)


# --- nothing to learn from --------------------------------------------------------------------


# The f1 metric of Keras 1, given to compile as a loss (Stack Overflow, Kaggle).
@fault("no-gradient", line="ops.round")
def rounded_f1(y_true, y_pred):
    hits = ops.sum(ops.round(ops.clip(y_true * y_pred, 0, 1)), axis=-1)
    predicted = ops.sum(ops.round(ops.clip(y_pred, 0, 1)), axis=-1)
    possible = ops.sum(ops.round(ops.clip(y_true, 0, 1)), axis=-1)
    return 1 - 2 * hits / (predicted + possible + EPS)


FAULTS[-1].options = {"shapes": "binary"}


# Quadratic weighted kappa of Kaggle's diabetic retinopathy, with hard ratings.
@fault("no-gradient", line="ops.argmax")
def hard_ratings(y_true, y_pred):
    t, p = ops.argmax(y_true, axis=-1), ops.argmax(y_pred, axis=-1)
    return ops.square(ops.cast(t - p, "float32"))


FAULTS[-1].options = {"shapes": "onehot"}


# Trading gists: directional accuracy by signs.
@fault("no-gradient", line="ops.sign")
def direction_missed(y_true, y_pred):
    return ops.mean(ops.cast(ops.sign(y_true) != ops.sign(y_pred), "float32"), axis=-1)


# --- twice activated ----------------------------------------------------------------------------


@fault("activation-twice", line="from_logits=True")
def softmax_and_logits(y_true, y_pred):
    p = ops.softmax(y_pred)
    return keras.losses.categorical_crossentropy(y_true, p, from_logits=True)


@fault("activation-twice", line="from_logits=True")
def sigmoid_and_logits(y_true, y_pred):
    return keras.losses.binary_crossentropy(y_true, ops.sigmoid(y_pred), from_logits=True)


@fault("activation-twice", line="log_softmax")
def softmax_of_softmax(y_true, y_pred):
    return -ops.sum(y_true * ops.log_softmax(ops.softmax(y_pred), axis=-1), axis=-1)


# --- numbers --------------------------------------------------------------------------------------


# V-Net and U-Net gists without `smooth`: 0/0 on a slice without the organ.
@fault("not-finite")
def dice_without_smoothing(y_true, y_pred):
    hits = ops.sum(y_true * y_pred, axis=-1)
    return 1 - 2 * hits / (ops.sum(y_true, axis=-1) + ops.sum(y_pred, axis=-1))


FAULTS[-1].options = {"shapes": "binary"}


# Generalised Dice (Sudre 2017): weights 1/(volume)² of a class that is absent.
@fault("not-finite")
def generalised_dice_bare(y_true, y_pred):
    axes = (1, 2)
    weights = 1 / ops.square(ops.sum(y_true, axes))
    hits = ops.sum(weights * ops.sum(y_true * y_pred, axes), axis=-1)
    return 1 - 2 * hits / ops.sum(weights * ops.sum(y_true + y_pred, axes), axis=-1)


FAULTS[-1].options = {"shapes": "map"}


# Focal Tversky (Abraham 2018), as published: (1 - TI)^0.75 has an infinite slope at TI = 1.
@fault("not-finite")
def focal_tversky_power(y_true, y_pred):
    hits = ops.sum(y_true * y_pred, axis=-1)
    missed = ops.sum(y_true * (1 - y_pred), axis=-1)
    false = ops.sum((1 - y_true) * y_pred, axis=-1)
    return (1 - (hits + 1) / (hits + 0.7 * missed + 0.3 * false + 1)) ** 0.75


FAULTS[-1].options = {"shapes": "binary"}


# Kullback-Leibler by its formula: 0·log 0.
@fault("not-finite", line="ops.log")
def divergence_by_formula(y_true, y_pred):
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


FAULTS[-1].options = {"shapes": "onehot"}


# Triplet loss tutorials: the root of a squared distance.
@fault("not-finite", line="ops.sqrt")
def triplet_of_roots(y_true, y_pred):
    a, p, n = y_pred[:, 0], y_pred[:, 1], y_pred[:, 2]
    near = ops.sqrt(ops.sum(ops.square(a - p), axis=-1))
    far = ops.sqrt(ops.sum(ops.square(a - n), axis=-1))
    return ops.maximum(near - far + 0.2, 0.0)


FAULTS[-1].options = {"shapes": "triplets"}


# Correlation losses: divided by a spread that may be 0.
@fault("not-finite")
def one_minus_correlation(y_true, y_pred):
    t = y_true - ops.mean(y_true, axis=-1, keepdims=True)
    p = y_pred - ops.mean(y_pred, axis=-1, keepdims=True)
    spread = ops.sqrt(ops.sum(t * t, axis=-1) * ops.sum(p * p, axis=-1))
    return 1 - ops.sum(t * p, axis=-1) / spread


# Focal loss of Lin 2017 by its formula, without a clip.
@fault("not-finite", line="ops.log")
def focal_unclipped(y_true, y_pred):
    right = ops.where(y_true > 0.5, y_pred, 1 - y_pred)
    return -ops.mean((1 - right) ** 2 * ops.log(right), axis=-1)


# Root mean squared log error, Kaggle: the log of a negative prediction.
@fault("not-finite")
def bare_log_error(y_true, y_pred):
    return ops.mean(ops.square(ops.log(y_pred + 1) - ops.log(y_true + 1)), axis=-1)


FAULTS[-1].options = {"shapes": "real"}


# Wing loss (Feng 2018) without the constant that joins its branches.
@fault("value-jumps", "info", line="d < 1")
def wing_without_constant(y_true, y_pred):
    d = ops.abs(y_true - y_pred)
    return ops.mean(ops.where(d < 1, ops.log(1 + d / 0.5), d), axis=-1)


# Recall-weighted log loss of a Kaggle kernel: a bonus where p passes ½.
@fault("value-jumps", "warning")
def bonus_above_half(y_true, y_pred):
    p = ops.clip(y_pred, EPS, 1 - EPS)
    loss = -(y_true * ops.log(p) + (1 - y_true) * ops.log(1 - p))
    return ops.mean(loss + ops.where(p > 0.5, 0.0, 0.3) * y_true, axis=-1)


FAULTS[-1].options = {"shapes": "binary"}

# --- data that do not fit -------------------------------------------------------------------------

COLUMN = rng.uniform(0.1, 0.9, size=(8, 1)).astype("float32")
LOGITS = (rng.normal(size=(8, 1)) * 3).astype("float32")
MASK = (255 * (rng.random((4, 6, 6, 1)) < 0.4)).astype("float32")

fault("out-of-range", y_true=255 * (COLUMN > 0.5), y_pred=COLUMN)(
    keras.losses.BinaryCrossentropy())
fault("out-of-range", y_true=1.0 * (COLUMN > 0.5), y_pred=LOGITS)(
    keras.losses.BinaryCrossentropy())
fault("out-of-range", y_true=np.array([0, 3, 1]), y_pred=np.full((3, 3), 1 / 3))(
    keras.losses.SparseCategoricalCrossentropy())
fault("out-of-range", y_true=-COLUMN, y_pred=COLUMN)(keras.losses.Poisson())


# A mask of 0 and 255 in a Dice: 2.04, in silence.
@fault("out-of-range", "warning", y_true=MASK, y_pred=rng.random((4, 6, 6, 1)))
def dice_of_bytes(y_true, y_pred):
    hits = ops.sum(y_true * y_pred, axis=(1, 2, 3))
    both = ops.sum(y_true, axis=(1, 2, 3)) + ops.sum(y_pred, axis=(1, 2, 3))
    return 1 - (2 * hits + 1) / (both + 1)


@fault("out-of-range", "warning", y_true=np.eye(3)[[0, 1, 2, 1]],
       y_pred=rng.normal(size=(4, 3)) * 4)
def cross_entropy_of_logits(y_true, y_pred):
    return -ops.sum(y_true * ops.log(ops.clip(y_pred, EPS, 1.0)), axis=-1)


# Percentage errors, M5 and energy forums: targets of 0.
@fault("out-of-range", "warning", y_true=np.array([[0.0], [2.0], [3.0], [4.0], [1.0]]),
       y_pred=np.array([[0.5], [2.5], [2.0], [4.5], [1.5]]))
def relative_error(y_true, y_pred):
    return ops.mean(ops.abs(y_true - y_pred) / (ops.abs(y_true) + EPS), axis=-1)


# --- what a loss holds --------------------------------------------------------------------------


# Kendall 2018, the uncertainties kept in the loss: `fit` never sees them.
@fault("untrained-variable", "warning")
@keras.saving.register_keras_serializable("broken")
class Uncertainty(keras.losses.Loss):
    def __init__(self, **common):
        super().__init__(**common)
        self.log_variance = keras.Variable(0.0, name="log_variance")

    def call(self, y_true, y_pred):
        return squares(y_true, y_pred) * ops.exp(-self.log_variance) + self.log_variance


instance(Uncertainty)


# DINO's center (Caron 2021) as a variable of the loss.
@fault("hidden-state", "error" if BACKEND == "jax" else "warning", line="assign")
@keras.saving.register_keras_serializable("broken")
class RunningMean(keras.losses.Loss):
    def __init__(self, **common):
        super().__init__(**common)
        self.mean = keras.Variable(1.0, trainable=False, name="mean")

    def call(self, y_true, y_pred):
        values = squares(y_true, y_pred)
        self.mean.assign(0.9 * self.mean + 0.1 * ops.stop_gradient(ops.mean(values)))
        return values / self.mean


instance(RunningMean)


# Huber of the first Keras tutorials: a Python `if` on the error.
@graph_fault("python-branch", "if ops.all")
def huber_by_if(y_true, y_pred):
    d = ops.abs(y_true - y_pred)
    if ops.all(d <= 1.0):
        return ops.mean(0.5 * ops.square(d), axis=-1)
    return ops.mean(d - 0.5, axis=-1)


# Masked losses for missing labels: y_true[mask].
@fault("boolean-index", "error" if BACKEND == "jax" else "warning", line="[known]")
def masked_by_index(y_true, y_pred):
    known = ops.not_equal(y_true, -1.0)
    return ops.mean(ops.square(y_true[known] - y_pred[known])) + squares(y_true, y_pred)


# --- found by a second reading of what people publish ---------------------------------------------


# "Custom categorical cross-entropy" answers on Stack Overflow: the bare log.
@fault("not-finite", line="ops.log")
def custom_ce(y_true, y_pred):
    return -ops.sum(y_true * ops.log(y_pred), axis=-1)


# Mixture density tutorials: the scale taken raw from a Dense layer.
@fault("not-finite", "info", line="ops.log", shapes=((6, 1), (6, 2)))
def gaussian_of_raw_scales(y_true, y_pred):
    mean, scale = y_pred[:, :1], y_pred[:, 1:]
    return ops.mean(ops.log(scale) + 0.5 * ops.square((y_true - mean) / scale), axis=-1)


# Siamese and regression gists: `squeeze` takes the batch axis of the last, single sample.
@fault("one-sample", line="ops.squeeze", backends=["torch", "jax"])
def squeezed(y_true, y_pred):
    d = ops.squeeze(y_true - y_pred)
    return ops.square(d) if len(d.shape) == 1 else ops.mean(ops.square(d), axis=1)


# Keras forum: softmax in the model, from_logits=True in a loss made on the spot.
@fault("activation-twice", line="from_logits=True")
def softmax_and_logits_of_a_class(y_true, y_pred):
    p = ops.softmax(y_pred)
    return keras.losses.CategoricalCrossentropy(from_logits=True, reduction="none")(y_true, p)


# Center loss (Wen 2016) with an Embedding kept in the loss: the centers never move.
@fault("untrained-variable", "info",
       y_true=rng.integers(0, 5, (8, 1)), y_pred=rng.normal(size=(8, 4)))
@keras.saving.register_keras_serializable("broken")
class CentersInside(keras.losses.Loss):
    def __init__(self, **common):
        super().__init__(**common)
        self.centers = keras.layers.Embedding(5, 4)
        self.centers.build(None)

    def call(self, y_true, y_pred):
        centers = self.centers(ops.cast(ops.reshape(y_true, (-1,)), "int32"))
        return ops.sum(ops.square(y_pred - centers), axis=-1)


instance(CentersInside)


# Quantile regression gists: minimum where the maximum belongs.
@fault("perfect-not-least")
def tilted_the_wrong_way(y_true, y_pred):
    e = y_true - y_pred
    return ops.mean(ops.minimum(0.9 * e, -0.1 * e), axis=-1)


# Class ids counted from 1 (MATLAB, R, COCO categories).
@fault("out-of-range", "warning" if BACKEND == "jax" else "error",
       y_true=np.array([1, 2, 3, 1, 2, 3, 1, 3]),
       y_pred=np.full((8, 3), 1 / 3))
def ids_from_one(y_true, y_pred):
    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred)


# Mixed precision recipes that cast everything: 301 becomes 300.
@fault("ids-rounded", line="bfloat16", quick=False, checks=("numbers",),
       y_true=np.array([300, 257, 301, 5]), y_pred=rng.normal(size=(4, 400)))
def ids_in_half(y_true, y_pred):
    ids = ops.cast(ops.cast(y_true, "bfloat16"), "int32")
    return keras.losses.sparse_categorical_crossentropy(ids, y_pred, from_logits=True)


# Symmetric percentage errors of Kaggle: 0/0 where both are 0.
@fault("not-finite")
def symmetric_percentage(y_true, y_pred):
    size = (ops.abs(y_true) + ops.abs(y_pred)) / 2
    return ops.mean(ops.abs(y_pred - y_true) / size, axis=-1)


# Heteroscedastic regression: the log-likelihood, not its negative; column 0 is the mean.
@fault("perfect-not-least", y_true=rng.normal(size=(8, 1)), y_pred=rng.normal(size=(8, 2)))
def likelihood_of_a_normal(y_true, y_pred):
    mean, log_scale = y_pred[:, :1], y_pred[:, 1:]
    error = (y_true - mean) * ops.exp(-log_scale)
    return ops.squeeze(-log_scale - 0.5 * ops.square(error), axis=-1)


# Debugging advice on Stack Overflow: a list as default, which lives from call to call.
@fault("side-effect", "warning", line="log.append")
def keeps_a_log(y_true, y_pred, log=[]):  # noqa: B006
    log.append(1)
    return squares(y_true, y_pred)


# Autoencoder examples: images of 0..255 against a sigmoid.
@fault("out-of-range", "error" if BACKEND == "torch" else "warning",
       y_true=255 * rng.random((4, 6, 6, 3)), y_pred=rng.random((4, 6, 6, 3)))
def crossentropy_of_bytes(y_true, y_pred):
    return ops.mean(keras.losses.binary_crossentropy(y_true, y_pred), axis=(1, 2))


# Ports from torch and scikit-learn, prediction first.
@fault("arguments-reversed", line="def prediction_first")
def prediction_first(y_pred, y_true):
    weight = ops.where(y_true > y_pred, 3.0, 1.0)
    return ops.mean(weight * ops.square(y_true - y_pred), axis=-1)


@fault("broadcast", line="y_pred[:, 0]",
       y_true=rng.normal(size=(8, 1)), y_pred=rng.normal(size=(8, 2)))
def first_of_two_columns(y_true, y_pred):
    return ops.square(y_true - y_pred[:, 0])


@fault("not-per-sample")
@kl.loss(package="broken")
def flattened_by_hand(y_true, y_pred):
    return ops.reshape(ops.square(y_true - y_pred), (-1,))


FAULTS[-1].loss = flattened_by_hand()


# Multi-quantile gists: a NumPy array of quantiles times a tensor, which torch refuses.
@fault("numpy-call", line="quantiles * e", backends=["torch"])
def quantiles_of_numpy(y_true, y_pred):
    quantiles = np.array([0.1, 0.5, 0.9], "float32")
    e = ops.reshape(y_true, (-1, 1)) - y_pred
    return ops.mean(ops.maximum(quantiles * e, (quantiles - 1) * e), axis=-1)


# PSNR answers: the score itself is largest for the perfect image.
@fault("perfect-not-least", shapes="image")
def peak_signal_to_noise(y_true, y_pred):
    error = ops.mean(ops.square(y_true - y_pred), axis=(1, 2, 3))
    return 10 * ops.log(1.0 / (error + 1e-8)) / np.log(10.0)


# CORAL and learning-to-rank ports: ranks by argsort have no slope.
@fault("no-gradient", line="argsort(ops.argsort(y_pred")
def spearman_by_ranks(y_true, y_pred):
    ranks = ops.cast(ops.argsort(ops.argsort(y_pred, axis=-1), axis=-1), "float32")
    wanted = ops.cast(ops.argsort(ops.argsort(y_true, axis=-1), axis=-1), "float32")
    return ops.mean(ops.square(ranks - wanted), axis=-1)


# --- on data of one's own ---------------------------------------------------------------------

draw = np.random.default_rng(9)
PICTURES = {n: draw.random((4, 8, 8, 1)).astype("float32") for n in ("y_true", "y_pred")}
SHARES = {n: draw.random((32, 4)).astype("float32") for n in ("y_true", "y_pred")}
NUMBERS = {n: draw.normal(size=(32, 1)).astype("float32") for n in ("y_true", "y_pred")}
MASKS = {
    "y_true": (draw.random((4, 8, 8, 1)) < 0.3).astype("float32"), "y_pred": PICTURES["y_pred"],
}


def given(data):
    FAULTS[-1].options = dict(data)


# Keras' siamese example, on numbers between 0 and 1: the root is of 0 at a perfect prediction.
@fault("not-finite", line="sqrt")
def euclidean(y_true, y_pred):
    return ops.sqrt(ops.sum(ops.square(y_true - y_pred), axis=-1))


given(SHARES)


# "PSNR loss" without its minus, and infinite where pictures are equal.
@fault("not-finite")
def ratio_of_signal(y_true, y_pred):
    return -10 * ops.log(1 / ops.mean(ops.square(y_true - y_pred), axis=(1, 2, 3)))


given(PICTURES)


# A similarity as a loss, of data in [0, 1].
@fault("perfect-not-least")
def similarity_of_shares(y_true, y_pred):
    return 1 / (1 + ops.mean(ops.square(y_true - y_pred), axis=-1))


given(SHARES)


# Stack Overflow, "my loss is negative": the absolute value was forgotten.
@fault("perfect-not-least")
def error_without_its_size(y_true, y_pred):
    return ops.mean(y_true - y_pred, axis=-1)


given(NUMBERS)


@fault("perfect-not-least")
def error_without_its_size_on_made_data(y_true, y_pred):
    return ops.mean(y_true - y_pred, axis=-1)


# The first Dice of most gists: 0/0 on a picture of which nothing is there.
@fault("not-finite")
def dice_of_masks(y_true, y_pred):
    axes = (1, 2, 3)
    both = ops.sum(y_true, axis=axes) + ops.sum(y_pred, axis=axes)
    return 1 - 2 * ops.sum(y_true * y_pred, axis=axes) / both


given(MASKS)


@fault("not-finite")
def dice_of_made_masks(y_true, y_pred):
    axes = (1, 2, 3)
    both = ops.sum(y_true, axis=axes) + ops.sum(y_pred, axis=axes)
    return 1 - 2 * ops.sum(y_true * y_pred, axis=axes) / both


# Classifiers that end in a softmax, trained with from_logits=True.
@fault("activation-twice", "warning")
def of_logits_given_shares(y_true, y_pred):
    return keras.losses.categorical_crossentropy(y_true, y_pred, from_logits=True)


FAULTS[-1].options = {
    "y_true": np.eye(4, dtype="float32")[draw.integers(0, 4, 32)],
    "y_pred": SHARES["y_pred"] / SHARES["y_pred"].sum(-1, keepdims=True),
}

fault("activation-twice", "warning")(kl.BinaryCrossentropy(from_logits=True))
FAULTS[-1].options = {
    "y_true": (draw.random((32, 4)) < 0.4).astype("float32"), "y_pred": SHARES["y_pred"],
}


# Keras' forum, "masked MSE": `where` around the result alone.
@fault("gradient-not-finite")
def known_afterwards(y_true, y_pred):
    return ops.mean(ops.where(ops.isnan(y_true), 0.0, ops.square(y_true - y_pred)), axis=-1)


FAULTS[-1].options = {
    "y_true": np.where(draw.random((32, 4)) < 0.2, np.nan, SHARES["y_true"]).astype("float32"),
    "y_pred": SHARES["y_pred"],
}


# A log of the raw sigma: what is predicted may be negative.
@fault("not-finite", line="ops.log(s)")
def nll_of_raw_sigma(y_true, y_pred):
    m, s = y_pred[:, :1], y_pred[:, 1:]
    return ops.squeeze(ops.log(s) + 0.5 * ops.square((y_true - m) / s), axis=-1)


FAULTS[-1].options = {
    "y_true": NUMBERS["y_true"], "y_pred": draw.normal(size=(32, 2)).astype("float32"),
}


@fault("raises")
def without_a_return(y_true, y_pred):
    ops.mean(ops.square(y_true - y_pred), axis=-1)


# A batch size of 32 written into the shape.
@fault("fixed-batch")
def flattened_to_32(y_true, y_pred):
    return ops.mean(ops.reshape(ops.square(y_true - y_pred), (32, -1)), axis=-1)


# Class ids for a loss of rows.
@fault("raises")
def ids_for_rows(y_true, y_pred):
    return keras.losses.categorical_crossentropy(y_true, y_pred)


FAULTS[-1].options = {
    "y_true": draw.integers(0, 5, 32).astype("int32"),
    "y_pred": np.full((32, 5), 0.2, "float32"),
}
