"""optax' losses: JAX there, whose numbers and slopes are compared through NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

import keras_losskit as kl
from tests.peers.compare import DIFFERS, EQUAL, OPTION, Jax, Pair, peer, values

DRAWS = 4


def of_optax(theirs, loss, how, *says, **options):
    return peer("optax", theirs, loss, how, *says, **{"draws": DRAWS, **options})


def real(d):
    shape = d.size(1, 5), d.size(1, 4)
    y = d.normal(*shape, scale=2)
    return y, y + d.normal(*shape, scale=2)


@of_optax("squared_error", kl.MeanSquaredError, EQUAL, "no options")
def squares(d):
    y, p = real(d)
    return Pair(
        values(kl.MeanSquaredError), y, p, Jax(lambda p: optax.squared_error(p, y).mean(-1))
    )


@of_optax("l2_loss", kl.MeanSquaredError, OPTION, "half of the value")
def l2(d):
    y, p = real(d)
    return Pair(kl.MeanSquaredError() / 2, y, p, Jax(lambda p: optax.l2_loss(p, y).mean()))


@of_optax("huber_loss", kl.Huber, EQUAL, "`delta`")
def huber(d):
    (y, p), delta = real(d), d.real(0.3, 3)
    return Pair(
        values(kl.Huber, delta=delta), y, p,
        Jax(lambda p: optax.huber_loss(p, y, delta=delta).mean(-1)),
    )


@of_optax("log_cosh", kl.LogCosh, EQUAL, "no options")
def log_cosh(d):
    y, p = real(d)
    return Pair(values(kl.LogCosh), y, p, Jax(lambda p: optax.log_cosh(p, y).mean(-1)))


@of_optax("cosine_distance", kl.CosineSimilarity, OPTION, "1 + the value")
def cosine(d):
    y, p = d.normal(4, 3), d.normal(4, 3)
    loss = values(kl.CosineSimilarity)
    return Pair(
        lambda *data: 1 + loss(*data), y, p, Jax(lambda p: optax.cosine_distance(p, y))
    )


def labelled(d):
    b, c = d.size(2, 5), d.size(2, 5)
    return d.ids(b, classes=c), np.eye(c), d.normal(b, c, scale=4)


@of_optax(
    "softmax_cross_entropy", kl.CategoricalCrossentropy, OPTION, "`from_logits=True`"
)
def crossentropy(d):
    b, c = d.size(2, 5), d.size(2, 5)
    g = d.choice(d.rows, d.one_hot)(b, c)
    return Pair(
        values(kl.CategoricalCrossentropy, from_logits=True), g, d.normal(b, c, scale=4),
        Jax(lambda z: optax.softmax_cross_entropy(z, g)),
    )


@of_optax(
    "softmax_cross_entropy_with_integer_labels", kl.CategoricalCrossentropy, OPTION,
    "`from_logits=True`",
)
def crossentropy_of_ids(d):
    ids, _, z = labelled(d)
    return Pair(
        values(kl.CategoricalCrossentropy, from_logits=True), ids, z,
        Jax(lambda z: optax.softmax_cross_entropy_with_integer_labels(z, ids)),
    )


@of_optax(
    "smooth_labels and softmax_cross_entropy", kl.CategoricalCrossentropy, OPTION,
    "`alpha` is `label_smoothing`; `from_logits=True`",
)
def smoothed(d):
    (ids, eye, z), s = labelled(d), d.real(0.05, 0.5)
    loss = values(kl.CategoricalCrossentropy, from_logits=True, label_smoothing=s)
    return Pair(
        loss, ids, z,
        Jax(lambda z: optax.softmax_cross_entropy(z, optax.smooth_labels(eye[ids], s))),
    )


@of_optax(
    "sigmoid_binary_cross_entropy", kl.BinaryCrossentropy, OPTION, "`from_logits=True`"
)
def binary_crossentropy(d):
    shape = d.size(1, 5), d.size(1, 4)
    g = d.choice(d.bits, d.uniform)(*shape)
    return Pair(
        values(kl.BinaryCrossentropy, from_logits=True), g, d.normal(*shape, scale=6),
        Jax(lambda z: optax.sigmoid_binary_cross_entropy(z, g).mean(-1)),
    )


@of_optax(
    "sigmoid_focal_loss", kl.BinaryFocalCrossentropy, OPTION,
    "`from_logits=True`, `gamma`, `alpha`",
)
def focal(d):
    shape = d.size(1, 5), d.size(1, 4)
    g = d.choice(d.bits, d.uniform)(*shape)
    alpha, gamma = d.choice(None, d.real(0.1, 0.9)), d.real(0.5, 4)
    loss = values(kl.BinaryFocalCrossentropy, gamma=gamma, alpha=alpha, from_logits=True)
    return Pair(
        loss, g, d.normal(*shape, scale=4),
        Jax(lambda z: optax.sigmoid_focal_loss(z, g, alpha=alpha, gamma=gamma).mean(-1)),
    )


@of_optax("poly_loss_cross_entropy", kl.PolyCrossentropy, OPTION, "`from_logits=True`, `epsilon`")
def poly(d):
    b, c = d.size(2, 5), d.size(2, 5)
    g, e = d.choice(d.one_hot, d.rows)(b, c), d.real(-1, 4)
    return Pair(
        values(kl.PolyCrossentropy, epsilon=e, from_logits=True), g, d.normal(b, c, scale=3),
        Jax(lambda z: optax.losses.poly_loss_cross_entropy(z, g, epsilon=e)),
    )


@of_optax("kl_divergence", kl.KLDivergence, EQUAL, "of probabilities, by their log")
def divergence(d):
    b, c = d.size(2, 5), d.size(2, 5)
    g = d.choice(d.rows, d.one_hot)(b, c)
    return Pair(
        values(kl.KLDivergence), g, d.normal(b, c, scale=2),
        Jax(lambda z: optax.kl_divergence(jax.nn.log_softmax(z), g)),
        through=lambda z: torch.softmax(z, -1),
    )


@of_optax("hinge_loss", kl.Hinge, EQUAL, "targets -1 and 1")
def hinge(d):
    shape = d.size(1, 5), d.size(1, 4)
    y = 2 * d.bits(*shape) - 1
    return Pair(
        values(kl.Hinge), y, d.normal(*shape, scale=2),
        Jax(lambda z: optax.hinge_loss(z, y).mean(-1)),
    )


@of_optax(
    "multiclass_hinge_loss", kl.CategoricalHinge, DIFFERS,
    "the first maximum runs over all classes, the true one's (1 - 1)·z = 0 included",
)
def hinge_of_classes(d):
    """Scores so moved that all are positive: there the 0 is not the maximum."""
    ids, _, z = labelled(d)
    loss = kl.CategoricalHinge(reduction="none")
    return Pair(
        lambda y, z: loss(y, z - z.detach().min() + 1), ids, z - 3,
        Jax(lambda z: optax.losses.multiclass_hinge_loss(z, jnp.asarray(ids))), plain=loss,
    )


@of_optax("multiclass_sparsemax_loss", kl.Sparsemax, EQUAL, "no options")
def sparsemax(d):
    ids, _, z = labelled(d)
    return Pair(
        values(kl.Sparsemax), ids, z,
        Jax(lambda z: optax.losses.multiclass_sparsemax_loss(z, jnp.asarray(ids))),
    )


@of_optax("ctc_loss", kl.CTC, OPTION, "`input_length`, `label_length` for paddings", draws=2)
def ctc(d):
    b, t, c, n = 3, 7, 4, 3
    labels = d.rng.integers(1, c, size=(b, n))
    lengths, frames = d.rng.integers(1, n + 1, size=b), d.rng.integers(5, t + 1, size=b)
    parts = {"labels": labels, "label_length": lengths, "input_length": frames}
    no_frame = (np.arange(t) >= frames[:, None]).astype(float)
    no_label = (np.arange(n) >= lengths[:, None]).astype(float)
    return Pair(
        values(kl.CTC), parts, d.normal(b, t, c, scale=2),
        Jax(lambda z: optax.ctc_loss(z, no_frame, labels, no_label)),
    )


@of_optax("triplet_margin_loss", kl.Triplet, EQUAL, "`margin`", rtol=1e-5)
def triplets(d):
    margin = d.real(0.5, 3)
    x = d.normal(d.size(2, 5), 3, d.size(2, 4))
    return Pair(
        values(kl.Triplet, margin=margin), np.zeros(len(x)), x,
        Jax(lambda x: optax.losses.triplet_margin_loss(x[:, 0], x[:, 1], x[:, 2], margin=margin)),
    )


@of_optax("ntxent", kl.NTXent, OPTION, "both views stacked, ids twice")
def nt_xent(d):
    t, shape = d.real(0.1, 1), (d.size(2, 5), d.size(2, 4))
    y, twice = d.normal(*shape), np.tile(np.arange(shape[0]), 2)
    return Pair(
        kl.NTXent(t), y, d.normal(*shape),
        Jax(lambda p: optax.ntxent(jnp.concatenate([jnp.asarray(y), p]), twice, t)),
    )


@of_optax(
    "ranking_softmax_loss", kl.CategoricalCrossentropy, OPTION,
    "`from_logits=True`, relevances as they are",
)
def ranking_softmax(d):
    shape = d.size(2, 4), d.size(2, 5)
    y = d.ids(*shape, classes=4).astype(float)
    return Pair(
        kl.CategoricalCrossentropy(from_logits=True), y, d.normal(*shape, scale=2),
        Jax(lambda s: optax.losses.ranking_softmax_loss(s, y)),
    )


@of_optax(
    "dice_loss(alpha, beta, smooth)", kl.Tversky, OPTION,
    "`fp_weight=alpha, fn_weight=beta`, `smooth`; `from_logits=True`",
)
def dice(d):
    shape = d.size(1, 3), d.size(2, 4), d.size(2, 4), d.choice(3, 1)
    g = d.bits(*shape) if shape[-1] == 1 else d.one_hot(*shape)
    a, b, s = d.real(0.2, 0.8), d.real(0.2, 0.8), d.real(0.1, 2)
    loss = values(kl.Tversky, fp_weight=a, fn_weight=b, smooth=s, from_logits=True)
    return Pair(
        loss, g, d.normal(*shape, scale=2),
        Jax(lambda z: optax.losses.dice_loss(z, g, alpha=a, beta=b, smooth=s)),
    )
