"""SciPy's distributions, distances and special functions; slopes are differences."""

import numpy as np
import scipy.special
import scipy.stats
import torch
from scipy.spatial import cKDTree
from scipy.spatial.distance import cosine, jensenshannon

import keras_losskit as kl
from tests.peers.compare import EQUAL, OPTION, NumPy, Pair, peer, softmax, values


def entries(d):
    return d.choice((d.size(1, 5), d.size(1, 4)), (d.size(1, 3), d.size(1, 3), d.size(1, 3)))


def through_softmax(z):
    return torch.softmax(z, -1)


@peer(
    "scipy", "special.rel_entr", kl.KLDivergence, EQUAL,
    "scipy `rel_entr(g, p).sum(-1)` | the values",
)
def relative_entropy(d):
    shape = d.size(1, 5), d.size(2, 6)
    g = d.choice(d.rows, d.one_hot)(*shape)
    return Pair(
        values(kl.KLDivergence), g, d.normal(*shape, scale=2),
        NumPy(lambda z: scipy.special.rel_entr(g, softmax(z)).sum(-1)), through=through_softmax,
    )


@peer("scipy", "stats.entropy", kl.KLDivergence, OPTION, "`from_logits=True`, of logarithms")
def entropy(d):
    shape = d.size(1, 5), d.size(2, 6)
    g = d.rows(*shape)
    return Pair(
        values(kl.KLDivergence, from_logits=True), np.log(g), d.normal(*shape, scale=2),
        NumPy(lambda z: scipy.stats.entropy(g, softmax(z), axis=-1)),
    )


@peer(
    "scipy", "spatial.distance.jensenshannon", kl.JensenShannon, OPTION,
    "scipy `jensenshannon(g, p)`, a distance | √ of the value at `weight=0.5`",
)
def jensen_shannon(d):
    shape = d.size(1, 5), d.size(2, 6)
    g = d.choice(d.rows, d.one_hot)(*shape)
    loss = values(kl.JensenShannon, weight=0.5)
    return Pair(
        lambda y, p: loss(y, p) ** 0.5, g, d.normal(*shape, scale=2),
        NumPy(lambda z: jensenshannon(g, softmax(z), axis=-1)), through=through_softmax,
    )


@peer("scipy", "special.huber", kl.Huber, EQUAL, "`delta`")
def huber(d):
    shape, delta = entries(d), d.real(0.2, 3)
    y = d.normal(*shape, scale=2)
    return Pair(
        values(kl.Huber, delta=delta), y, d.normal(*shape, scale=2),
        NumPy(lambda p: scipy.special.huber(delta, p - y).mean(-1)),
    )


@peer(
    "scipy", "special.pseudo_huber", kl.Charbonnier, OPTION, "over δ; `epsilon` is δ"
)
def pseudo_huber(d):
    shape, delta = entries(d), d.real(0.2, 3)
    y = d.normal(*shape, scale=2)
    return Pair(
        values(kl.Charbonnier, epsilon=delta), y, d.normal(*shape, scale=2),
        NumPy(lambda p: scipy.special.pseudo_huber(delta, p - y).mean(-1) / delta),
    )


@peer("scipy", "spatial.distance.cosine", kl.CosineSimilarity, OPTION, "the value + 1")
def cosine_distance(d):
    shape = d.size(1, 5), d.size(2, 6)
    y = d.normal(*shape)
    loss = values(kl.CosineSimilarity)
    return Pair(
        lambda y, p: 1 + loss(y, p), y, d.normal(*shape),
        NumPy(lambda p: np.array([cosine(a, b) for a, b in zip(p, y, strict=True)])),
    )


@peer(
    "scipy", "stats.energy_distance", kl.SquaredEarthMovers, OPTION,
    "half of `energy_distance` squared, of weights on the classes' indices",
)
def energy(d):
    shape = d.size(1, 4), d.size(2, 6)
    g = d.choice(d.rows, d.one_hot)(*shape)
    places = np.arange(shape[-1])

    def theirs(z):
        return np.array([
            scipy.stats.energy_distance(places, places, a, b) ** 2 / 2
            for a, b in zip(softmax(z), g, strict=True)
        ])

    return Pair(
        values(kl.SquaredEarthMovers, from_logits=True), g, d.normal(*shape, scale=2),
        NumPy(theirs),
    )


@peer(
    "scipy", "spatial.cKDTree.query", kl.Chamfer, OPTION,
    "the mean over each set of what it finds, squared or not, added; `squared`, `reduce_points`",
)
def chamfer(d):
    b, size = d.size(1, 3), d.size(2, 3)
    y, x = d.normal(b, d.size(3, 7), size), d.normal(b, d.size(3, 7), size)
    squared, over = d.choice(True, False), d.choice("mean", "sum")

    def theirs(x):
        found = []
        for a, c in zip(x, y, strict=True):
            near = (cKDTree(c).query(a)[0], cKDTree(a).query(c)[0])
            found.append(sum(getattr(np, over)(n**2 if squared else n) for n in near))
        return np.array(found)

    return Pair(values(kl.Chamfer, squared=squared, reduce_points=over), y, x, NumPy(theirs))


# --- likelihoods: the parameters as they are, link="identity" --------------------------------


def likelihood(d, loss, y, parts, logpdf, **options):
    def theirs(x):
        return -logpdf(y, *np.split(x, len(parts), -1)).mean(-1)

    return Pair(
        values(loss, link="identity", **options), y, np.concatenate(parts, -1), NumPy(theirs)
    )


def positive(d, shape):
    return d.positive(*shape) + 0.1


@peer("scipy", "stats.norm.logpdf", kl.GaussianNLL, OPTION, '`link="identity"`; minus it')
def normal(d):
    shape = entries(d)
    return likelihood(
        d, kl.GaussianNLL, d.normal(*shape, scale=2), [d.normal(*shape), positive(d, shape)],
        scipy.stats.norm.logpdf,
    )


@peer("scipy", "stats.laplace.logpdf", kl.LaplaceNLL, OPTION, '`link="identity"`; minus it')
def laplace(d):
    shape = entries(d)
    return likelihood(
        d, kl.LaplaceNLL, d.normal(*shape, scale=2), [d.normal(*shape), positive(d, shape)],
        scipy.stats.laplace.logpdf,
    )


@peer("scipy", "stats.t.logpdf", kl.StudentTNLL, OPTION, '`link="identity"`; minus it')
def student(d):
    shape, degrees = entries(d), d.real(0.5, 9)
    return likelihood(
        d, kl.StudentTNLL, d.normal(*shape, scale=4), [d.normal(*shape), positive(d, shape)],
        lambda y, m, s: scipy.stats.t.logpdf(y, degrees, m, s), degrees_of_freedom=degrees,
    )


@peer("scipy", "stats.lognorm.logpdf", kl.LogNormalNLL, OPTION, '`link="identity"`; minus it')
def log_normal(d):
    shape = entries(d)
    return likelihood(
        d, kl.LogNormalNLL, d.positive(*shape, scale=2), [d.normal(*shape), positive(d, shape)],
        lambda y, m, s: scipy.stats.lognorm.logpdf(y, s, scale=np.exp(m)),
    )


@peer("scipy", "stats.beta.logpdf", kl.BetaNLL, OPTION, '`link="identity"`; minus it')
def beta(d):
    shape = entries(d)
    return likelihood(
        d, kl.BetaNLL, d.uniform(*shape, low=0.01, high=0.99),
        [positive(d, shape), positive(d, shape)], scipy.stats.beta.logpdf,
    )


@peer(
    "scipy", "stats.nbinom.logpmf", kl.NegativeBinomialNLL, OPTION,
    '`link="identity"`; n = r, p = r/(r + μ)',
)
def negative_binomial(d):
    shape = entries(d)
    return likelihood(
        d, kl.NegativeBinomialNLL, d.rng.poisson(4.0, shape).astype(float),
        [positive(d, shape), positive(d, shape)],
        lambda y, m, r: scipy.stats.nbinom.logpmf(y, r, r / (r + m)),
    )


@peer(
    "scipy", "stats.poisson.logpmf", kl.Poisson, OPTION,
    "minus it, less log y!; `log_rate=True`",
)
def poisson(d):
    shape = entries(d)
    y = d.rng.poisson(4.0, shape).astype(float)

    def theirs(z):
        return -(scipy.stats.poisson.logpmf(y, np.exp(z)) + scipy.special.gammaln(y + 1)).mean(-1)

    return Pair(values(kl.Poisson, log_rate=True), y, d.normal(*shape), NumPy(theirs))


@peer(
    "scipy", "stats.weibull_min.logpdf, .logsf", kl.WeibullNLL, EQUAL,
    "softplus of both; `logsf` where the event was not seen",
)
def weibull(d):
    b = d.size(2, 8)
    y = np.stack([d.positive(b), d.bits(b, share=0.6)], -1)

    def theirs(x):
        scale, shape = np.log1p(np.exp(x)).T + 1e-6
        found = scipy.stats.weibull_min(shape, scale=scale)
        return -np.where(y[:, 1] > 0, found.logpdf(y[:, 0]), found.logsf(y[:, 0]))

    return Pair(values(kl.WeibullNLL), y, d.normal(b, 2), NumPy(theirs))


@peer("scipy", "special.logsumexp", kl.ListMLE, OPTION, "of the scores behind each, in order")
def plackett_luce(d):
    shape = d.size(1, 4), d.size(2, 6)
    y = np.array([d.rng.permutation(shape[1]) for _ in range(shape[0])], float)

    def theirs(s):
        s = np.take_along_axis(s, np.argsort(-y, -1), -1)
        return sum(
            scipy.special.logsumexp(s[:, i:], axis=-1) - s[:, i] for i in range(shape[1])
        )

    return Pair(values(kl.ListMLE), y, d.normal(*shape, scale=3), NumPy(theirs))
