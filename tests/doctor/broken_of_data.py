"""Faults that only data of the loss's own show; the data come with it.

Named in `broken.py`'s way; what people meant stands in the comment.
"""

import keras
import numpy as np
from keras import ops

from tests.backends import BACKEND
from tests.doctor.broken import FAULTS, fault, instance

draw = np.random.default_rng(31)


def single(x):
    return np.asarray(x, "float32")


def own(y_true, y_pred):
    FAULTS[-1].options = {"y_true": y_true, "y_pred": single(y_pred)}


REAL = single(draw.normal(size=(32, 3)))
NEAR = single(REAL + 0.3 * draw.normal(size=REAL.shape))
YES = single(draw.random((32, 3)) < 0.4)
SHARES = single(1 / (1 + np.exp(-(1.5 * YES - 0.7 + draw.normal(size=YES.shape)))))
IDS = (np.arange(32) % 5).astype("int32")
ROWS = np.eye(5, dtype="float32")[IDS]
LOGITS = single(1.5 * ROWS + draw.normal(size=ROWS.shape))
SIMPLEX = single(np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True))
EPS = 1e-7


# --- no least value -----------------------------------------------------------------------


# Koenker's check function, with 1 - q where q - 1 is meant.
def check_function(q):
    @fault("unbounded", "warning")
    def pinball(y_true, y_pred):
        e = y_true - y_pred
        return ops.mean(ops.maximum(q * e, (1 - q) * e), axis=-1)

    own(REAL, NEAR)
    return pinball


check_function(0.9)


# A penalty with a minus.
@fault("unbounded")
def rewarded_size(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred) - 2 * ops.square(y_pred), axis=-1)


own(REAL, NEAR)


# Kingma and Welling's divergence, without its minus.
@fault("unbounded")
def autoencoder(y_true, y_pred):
    x, mu, v = y_pred[:, :3], y_pred[:, 3:5], y_pred[:, 5:]
    divergence = 0.5 * ops.sum(1 + v - ops.square(mu) - ops.exp(v), axis=-1)
    return ops.sum(ops.square(y_true - x), axis=-1) + divergence


own(REAL, np.concatenate([NEAR, 0.5 * draw.normal(size=(32, 4))], axis=-1))


# A normal likelihood with -log sigma.
@fault("unbounded", "warning")
def likelihood_less_log(y_true, y_pred):
    mu, log_sigma = y_pred[:, :1], y_pred[:, 1:]
    d = (y_true - mu) * ops.exp(-log_sigma)
    return ops.mean(0.5 * ops.square(d) - log_sigma, axis=-1)


own(REAL[:, :1], NEAR[:, :2])


# A teacher's logits where its probabilities are meant.
@fault("unbounded", "warning")
def teacher_of_logits(y_true, y_pred):
    return -ops.sum(y_true * ops.log_softmax(y_pred), axis=-1)


own(single(2 * draw.normal(size=(32, 5))), LOGITS)


# Schroff et al.'s triplet, without max(..., 0).
@fault("unbounded")
def triplet_without_end(y_true, y_pred):
    a, p, n = y_pred[:, :2], y_pred[:, 2:4], y_pred[:, 4:]
    near, far = (ops.sum(ops.square(a - x), axis=-1) for x in (p, n))
    return near - far + 0.2


own(np.zeros((32, 1), "float32"), draw.normal(size=(32, 6)))


# --- the least value is elsewhere ----------------------------------------------------------


@fault("perfect-not-least", "warning")
def plus_for_minus(y_true, y_pred):
    return ops.mean(ops.square(y_true + y_pred), axis=-1)


own(REAL, NEAR)


# Only the targets are brought to 0..1.
@fault("perfect-not-least", "warning")
def half_scaled(y_true, y_pred):
    return ops.mean(ops.square(y_true / 255.0 - y_pred), axis=(1, 2, 3))


PICTURE = single(draw.uniform(0, 255, size=(4, 8, 8, 1)))
own(PICTURE, PICTURE + 9 * draw.normal(size=PICTURE.shape))


@fault("perfect-not-least", "warning")
def whole_targets(y_true, y_pred):
    y = ops.cast(ops.cast(y_true, "int32"), y_pred.dtype)
    return ops.mean(ops.square(y - y_pred), axis=-1)


own(REAL, REAL + 0.1 * single(draw.normal(size=REAL.shape)))


# The id of the class against every logit.
@fault("perfect-not-least")
def id_against_logits(y_true, y_pred):
    y = ops.cast(ops.argmax(y_true, axis=-1), y_pred.dtype)
    return ops.mean(ops.square(y[:, None] - y_pred), axis=-1)


own(ROWS, LOGITS)


# Ids as if they were one-hot rows.
@fault("perfect-not-least")
def ids_as_rows(y_true, y_pred):
    return -ops.sum(ops.cast(y_true, y_pred.dtype) * ops.log(y_pred + EPS), axis=-1)


own(IDS[:, None], SIMPLEX)


# Classes counted from 1.
@fault("perfect-not-least")
def counted_from_one(y_true, y_pred):
    y = ops.one_hot(ops.cast(y_true, "int32") - 1, 5)
    return -ops.sum(y * ops.log(ops.clip(y_pred, EPS, 1.0)), axis=-1)


own(IDS, SIMPLEX)

if BACKEND == "torch":
    from torch.nn import functional

    # `reshape` where `permute` is meant: channels last for a function of channels first.
    @fault("perfect-not-least")
    def reshaped_channels(y_true, y_pred):
        z = y_pred.reshape(y_pred.shape[0], 3, 8, 8)
        return functional.cross_entropy(z, y_true.argmax(-1), reduction="none").mean((1, 2))

    MAP = np.eye(3, dtype="float32")[draw.integers(0, 3, (4, 8, 8))]
    own(MAP, 2 * MAP + draw.normal(size=MAP.shape))

    # Probabilities for what takes logits.
    @fault("activation-twice", "warning")
    def crossentropy_of_shares(y_true, y_pred):
        return functional.cross_entropy(y_pred, y_true.long(), reduction="none")

    own(IDS, SIMPLEX)

    @fault("changes-data", line="y_true[y_true < 0] = 0")
    def writes_zeros(y_true, y_pred):
        y_true[y_true < 0] = 0
        return ((y_true - y_pred) ** 2).mean(-1)

    own(REAL, NEAR)

    @fault("no-gradient", line=".data")
    def of_its_data(y_true, y_pred):
        return (y_true - y_pred.data).abs().mean(-1)

    own(REAL, NEAR)


# --- labels without a gradient -----------------------------------------------------------------


@fault("one-sided", "warning")
def hinge_of_bits(y_true, y_pred):
    return ops.mean(ops.maximum(1 - y_true * y_pred, 0), axis=-1)


own(YES, 2 * draw.normal(size=YES.shape))


@fault("one-sided", "warning")
def crossentropy_of_the_positives(y_true, y_pred):
    return -ops.mean(y_true * ops.log(ops.clip(y_pred, EPS, 1 - EPS)), axis=-1)


own(YES, SHARES)


@fault("out-of-range", "warning")
def clipped_logits(y_true, y_pred):
    p = ops.clip(y_pred, EPS, 1 - EPS)
    return -ops.mean(y_true * ops.log(p) + (1 - y_true) * ops.log(1 - p), axis=-1)


own(YES, 4 * YES - 2 + draw.normal(size=YES.shape))


@fault("activation-twice", "warning")
def sigmoid_of_a_sigmoid(y_true, y_pred):
    p = ops.sigmoid(y_pred)
    return -ops.mean(
        y_true * ops.log(p + EPS) + (1 - y_true) * ops.log(1 - p + EPS), axis=-1)


own(YES, SHARES)


@fault("value-jumps", "warning")
def huber_less_its_half(y_true, y_pred, delta=1.0):
    e = ops.abs(y_true - y_pred)
    return ops.mean(ops.where(e <= delta, 0.5 * ops.square(e), delta * e), axis=-1)


own(REAL, NEAR)


# --- numbers ------------------------------------------------------------------------------------


# It overflows; what it takes are logits all the same.
@fault("not-finite")
def softplus_spelled_out(y_true, y_pred):
    return ops.mean(ops.log(1 + ops.exp(y_pred)) - y_true * y_pred, axis=-1)


own(YES, 60 * (2 * SHARES - 1) * 2)


@fault("not-finite")
def mean_of_the_known(y_true, y_pred):
    known = ops.cast(y_true != -1, y_pred.dtype)
    return ops.sum(known * ops.square(y_true - y_pred), axis=-1) / ops.sum(known, axis=-1)


@fault("not-finite")
def zero_times_unknown(y_true, y_pred):
    known = ops.cast(ops.logical_not(ops.isnan(y_true)), y_pred.dtype)
    return ops.sum(known * ops.square(y_true - y_pred), axis=-1)


@fault("not-finite")
def contrast(y_true, y_pred):
    spread = [ops.sqrt(ops.var(x, axis=(1, 2, 3))) for x in (y_true, y_pred)]
    return ops.mean(ops.square(y_true - y_pred), axis=(1, 2, 3)) + ops.abs(spread[0] - spread[1])


own(*(single(draw.random((4, 8, 8, 1))) for _ in "tp"))


# --- what is called, and returned -------------------------------------------------------------


@fault("raises")
def of_three(y_true, y_pred, class_weight):
    return class_weight * ops.mean(ops.square(y_true - y_pred), axis=-1)


@fault("raises")
def two_numbers(y_true, y_pred):
    value = ops.mean(ops.square(y_true - y_pred), axis=-1)
    return value, ops.mean(value)


@fault("raises")
def makes_a_loss(gamma=2.0, alpha=0.25):
    def loss(y_true, y_pred):
        return alpha * ops.mean(ops.abs(y_true - y_pred) ** gamma, axis=-1)

    return loss


# --- labels that meet logits, pairs, branches far out -------------------------------------------


# The error of Rumelhart et al.'s sigmoid unit: no slope where it is most wrong.
@fault("saturates", "warning")
def error_of_sigmoids(y_true, y_pred):
    return ops.mean(ops.square(y_true - ops.sigmoid(y_pred)), axis=-1)


own(YES, 4 * YES - 2 + draw.normal(size=YES.shape))


# The prediction alone is squeezed.
@fault("broadcast")
def squeezed(y_true, y_pred):
    return ops.mean(ops.square(y_true - ops.squeeze(y_pred, axis=-1)), axis=-1)


own(REAL[:, :1], NEAR[:, :1])


# Feng et al.'s Wing without its constant, on pixels.
@fault("value-jumps", "warning")
def wing_of_pixels(y_true, y_pred, w=10.0, e=2.0):
    x = ops.abs(y_true - y_pred)
    return ops.mean(ops.where(x < w, w * ops.log(1 + x / e), x), axis=-1)


PIXELS = single(draw.uniform(20, 200, (32, 4)))
own(PIXELS, PIXELS + 6 * draw.normal(size=PIXELS.shape))


# The mask that a stochastic loss should draw anew.
SEED = 7


@fault("frozen-random", "warning")
def same_mask(y_true, y_pred):
    kept = keras.random.uniform((1, 3), seed=SEED) > 0.4
    return ops.mean(ops.square(y_true - y_pred) * ops.cast(kept, "float32"), axis=-1)


own(REAL, NEAR)


@fault("reduction-ignored", "warning")
@keras.saving.register_keras_serializable("broken")
class MeanWhateverIsAsked(keras.losses.Loss):
    def __call__(self, y_true, y_pred, sample_weight=None):
        values = self.call(y_true, y_pred)
        return ops.mean(values if sample_weight is None else values * sample_weight)

    def call(self, y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred), axis=-1)


instance(MeanWhateverIsAsked, reduction="none")
own(REAL, NEAR)


# `reduction` among the arguments, and not handed on.
@fault("reduction-ignored", "warning")
@keras.saving.register_keras_serializable("broken")
class KeepsReduction(keras.losses.Loss):
    def __init__(self, delta=1.0, reduction="sum_over_batch_size", name="pseudo_huber"):
        super().__init__(name=name)
        self.delta = delta

    def call(self, y_true, y_pred):
        r = (y_true - y_pred) / self.delta
        return ops.mean(self.delta**2 * (ops.sqrt(1 + ops.square(r)) - 1), axis=-1)

    def get_config(self):
        return {**super().get_config(), "delta": self.delta}


instance(KeepsReduction)
own(REAL, NEAR)


# Ids of a column, under a dtype of 8 bits.
@fault("ids-rounded")
@keras.saving.register_keras_serializable("broken")
class IdsInBfloat16(keras.losses.Loss):
    def __init__(self, dtype="bfloat16", **common):
        super().__init__(dtype=dtype, **common)

    def call(self, y_true, y_pred):
        ids = ops.cast(ops.squeeze(y_true, -1), "int32")
        log_p = ops.log_softmax(ops.cast(y_pred, "float32"), axis=-1)
        return -ops.sum(ops.one_hot(ids, 900) * log_p, axis=-1)


instance(IdsInBfloat16)
own(draw.integers(600, 900, (8, 1)).astype("int32"), draw.normal(size=(8, 900)))


# Ten steps of time: their mean is over the batch.
@fault("not-per-sample")
def mean_over_samples(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred), axis=[0, 2])


own(draw.normal(size=(12, 10, 2)).astype("float32"), draw.normal(size=(12, 10, 2)))


# Sigmoid outputs, few of them, and a loss of logits.
@fault("activation-twice", "warning")
def of_logits(y_true, y_pred):
    return ops.mean(ops.softplus(y_pred) - y_true * y_pred, axis=-1)


own(YES[:8, :2], SHARES[:8, :2])


# The second half of each batch, meant as unlabelled.
@fault("rows-without-gradient", "warning")
def half_of_it_held(y_true, y_pred):
    half = ops.shape(y_pred)[0] // 2
    p = ops.concatenate([y_pred[:half], ops.stop_gradient(y_pred[half:])], axis=0)
    return ops.mean(ops.square(y_true - p), axis=-1)


own(REAL, NEAR)


# Brier's score of a linear output, clipped where it should have been squashed.
@fault("saturates", "warning", line="clip(y_pred")
def squares_of_the_clipped(y_true, y_pred):
    return ops.mean(ops.square(y_true - ops.clip(y_pred, 0.0, 1.0)), axis=-1)


own(SHARES, SHARES + 0.8 * draw.normal(size=SHARES.shape))


# A rate of exactly 0, a ReLU's: it is y_pred that is out of range, not a count of 0.
@fault("gradient-not-finite")
def poisson_of_relu(y_true, y_pred):
    return ops.mean(y_pred - y_true * ops.log(y_pred), axis=-1)


own(single(draw.poisson(2.0, size=(32, 3))), np.maximum(NEAR, 0))


# Softplus as it stands in the book: at a logit of 100 the exponential is infinite.
@fault("not-finite")
def softplus_by_hand(y_true, y_pred):
    return ops.mean(ops.log(1 + ops.exp(y_pred)) - y_true * y_pred, axis=-1)


own(YES, 2 * draw.normal(size=YES.shape))


# The same of ids: a softmax without its maximum taken away.
@fault("not-finite")
def softmax_by_hand(y_true, y_pred):
    e = ops.exp(y_pred)
    shares = e / ops.sum(e, axis=-1, keepdims=True)
    return -ops.sum(ops.one_hot(y_true, 5) * ops.log(shares + 1e-8), axis=-1)


own(IDS, 2 * LOGITS)


# Bishop's mixture of densities, its logarithm taken of the sum: far from all of them that is 0.
@fault("not-finite", "warning")
def mixture_of_densities(y_true, y_pred):
    weights = ops.softmax(y_pred[:, :2], axis=-1)
    d = (y_true - y_pred[:, 2:4]) * ops.exp(-y_pred[:, 4:])
    density = ops.exp(-0.5 * ops.square(d) - y_pred[:, 4:]) / 2.5066
    return -ops.log(ops.sum(weights * density, axis=-1))


own(3 * REAL[:, :1], np.concatenate([
    0.3 * draw.normal(size=(32, 2)), 3 * NEAR[:, :1] - 1, 3 * NEAR[:, :1] + 1,
    0.1 * draw.normal(size=(32, 2))], axis=-1))


# FaceNet's triplets, side by side, without the hinge.
@fault("unbounded", "warning")
def distances_without_end(y_true, y_pred):
    a, p, n = ops.split(y_pred, 3, axis=-1)
    near, far = ops.square(a - p), ops.square(a - n)
    return ops.sqrt(ops.sum(near, -1) + 1e-6) - ops.sqrt(ops.sum(far, -1) + 1e-6) + 0.2


own(np.zeros((32, 1)), draw.normal(size=(32, 24)))


@fault("weights-raise")
@keras.saving.register_keras_serializable("broken")
class CalledWithTwo(keras.losses.Loss):
    def __call__(self, y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred))


instance(CalledWithTwo)
own(REAL, NEAR)

OTHER = {"tensorflow": "torch", "torch": "jax", "jax": "torch"}[BACKEND]


# A loss of another framework, imported where it is used.
if OTHER == "torch":
    @fault("other-backend")
    def imported_inside(y_true, y_pred):
        import torch

        return torch.square(y_true - y_pred).sum(dim=-1).reshape_as(y_pred)
else:
    @fault("other-backend")
    def imported_inside(y_true, y_pred):
        import jax.numpy as jnp

        return jnp.mean(jnp.square(y_true - y_pred), axis=-1)

own(REAL, NEAR)

if BACKEND == "torch":
    import torch

    # Its signature says log_input, target.
    fault("arguments-reversed")(torch.nn.PoissonNLLLoss())
    own(np.floor(np.exp(REAL)), NEAR)

    # It takes what `log_softmax` gives.
    @fault("out-of-range", "warning")
    def likelihood_of_shares(y_true, y_pred):
        return torch.nn.functional.nll_loss(y_pred, y_true.long(), reduction="none")

    own(IDS, SIMPLEX)

    # One row after the other: torch alone runs it.
    @fault("python-loop", "warning", line="for t, p")
    def row_by_row(y_true, y_pred):
        rows = [ops.mean(ops.abs(t - p)) for t, p in zip(y_true, y_pred, strict=True)]
        return ops.stack(rows)

    own(REAL, NEAR)

    # Kendall et al.'s weights, where no optimizer sees them.
    @fault("untrained-variable", "warning")
    @keras.saving.register_keras_serializable("broken")
    class WeightsOfItsOwn(keras.losses.Loss):
        def __init__(self, **common):
            super().__init__(**common)
            self.spread = torch.nn.Parameter(torch.zeros(3))

        def call(self, y_true, y_pred):
            e = torch.square(y_true - y_pred)
            return torch.sum(torch.exp(-self.spread) * e + self.spread, dim=-1)

    instance(WeightsOfItsOwn)
    own(REAL, NEAR)

    # Caron et al.'s centre: it comes to rest where one batch is shown again and again.
    @fault("hidden-state")
    @keras.saving.register_keras_serializable("broken")
    class CentreOfItsOwn(keras.losses.Loss):
        def call(self, y_true, y_pred):
            now = y_pred.detach().mean(0, keepdim=True)
            centre = getattr(self, "centre", now)
            self.centre = 0.9 * centre + 0.1 * now
            return ops.mean(ops.square(y_true - (y_pred - self.centre)), axis=-1)

    instance(CentreOfItsOwn)
    own(REAL, NEAR)


if BACKEND == "tensorflow":
    import tensorflow as tf

    SPREAD = tf.Variable([0.0, 0.0, 0.0])

    # Kendall et al.'s log-variance, where no optimizer sees it.
    @fault("untrained-variable", "warning")
    def of_a_spread_outside(y_true, y_pred):
        e = tf.square(y_true - y_pred)
        return tf.reduce_sum(tf.exp(-SPREAD) * e + SPREAD, axis=-1)

    own(REAL, NEAR)

    # A scale for training alone.
    @fault("compiled-differs")
    def other_while_traced(y_true, y_pred):
        scale = 1.0 if tf.executing_eagerly() else 1.0 / 32
        return scale * tf.reduce_sum(tf.square(y_true - y_pred), axis=-1)

    own(REAL, NEAR)
