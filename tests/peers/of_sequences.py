"""Lists of rax, ranks of coral-pytorch, times of torchsurv and pycox, and others."""

import functools

import entmax
import jax
import jax.numpy as jnp
import numpy as np
import rax
import scoringrules
import torch
from coral_pytorch.losses import coral_loss, corn_loss
from pycox.models.loss import nll_logistic_hazard, nll_pmf, rank_loss_deephit_single
from torchsurv.loss.cox import neg_partial_log_likelihood
from torchsurv.loss.weibull import neg_log_likelihood_weibull

import keras_losskit as kl
from tests.peers.compare import DIFFERS, EQUAL, OPTION, Jax, NumPy, Pair, peer, tensor, values

# --- lists -----------------------------------------------------------------------------------


def lists(d, loss, theirs, **more):
    """Relevances with ties and padding, of lists that have a pair to rank."""
    shape = d.size(1, 3), d.size(3, 6)
    y = d.ids(*shape, classes=4).astype(float)
    y[:, 0], y[:, 1] = 3, 0
    there = np.ones(shape, bool)
    there[:, 2:] = d.bits(shape[0], shape[1] - 2, share=0.8) > 0
    labels = np.where(there, y, 0)

    def each(s):
        return jax.vmap(lambda s, y, w: theirs(s, y, where=w))(
            s, jnp.asarray(labels), jnp.asarray(there)
        )

    return Pair(loss, np.where(there, y, -1), d.normal(*shape, scale=2), Jax(each), **more)


def of_rax(theirs, loss, how, *says, **options):
    return peer("rax", theirs, loss, how, *says, **{"draws": 3, **options})


@of_rax("pairwise_logistic_loss(reduce_fn=jnp.mean)", kl.PairwiseLogistic, EQUAL, "of each list")
def logistic(d):
    return lists(
        d, values(kl.PairwiseLogistic),
        lambda *x, **w: rax.pairwise_logistic_loss(*x, reduce_fn=jnp.mean, **w),
    )


@of_rax("pairwise_hinge_loss(reduce_fn=jnp.mean)", kl.PairwiseHinge, EQUAL, "of each list")
def hinge(d):
    return lists(
        d, values(kl.PairwiseHinge),
        lambda *x, **w: rax.pairwise_hinge_loss(*x, reduce_fn=jnp.mean, **w),
    )


@of_rax(
    "softmax_loss(label_fn)", kl.ListSoftmax, OPTION,
    "`label_fn` is the softmax of the labels",
)
def softmax(d):
    def theirs(s, y, where):
        return rax.softmax_loss(s, y, where=where, label_fn=jax.nn.softmax)

    return lists(d, values(kl.ListSoftmax), theirs)


@of_rax("listmle_loss", kl.ListMLE, OPTION, "of each list; here of labels without ties")
def list_mle(d):
    shape = d.size(1, 3), d.size(3, 6)
    y = np.array([d.rng.permutation(shape[1]) for _ in range(shape[0])], float)

    def theirs(s):
        return jax.vmap(rax.listmle_loss)(s, jnp.asarray(y))

    return Pair(values(kl.ListMLE), y, d.normal(*shape, scale=2), Jax(theirs))


@of_rax("softmax_loss", kl.CategoricalCrossentropy, OPTION, "`from_logits=True`, without padding")
def softmax_of_labels(d):
    shape = d.size(1, 3), d.size(3, 6)
    y = d.ids(*shape, classes=4).astype(float)

    def theirs(s):
        return rax.softmax_loss(s, jnp.asarray(y))

    loss = kl.CategoricalCrossentropy(from_logits=True)
    return Pair(loss, y, d.normal(*shape, scale=2), Jax(theirs))


@of_rax("pairwise_mse_loss(reduce_fn=jnp.sum)", kl.PairwiseMeanSquared, OPTION,
        "half of it over the pairs, of labels without ties: there each pair is counted twice")
def squared_pairs(d):
    shape = d.size(1, 3), d.size(3, 6)
    y = np.array([d.rng.permutation(shape[1]) for _ in range(shape[0])], float)
    pairs = shape[1] * (shape[1] - 1)

    def theirs(s):
        return jax.vmap(lambda s, y: rax.pairwise_mse_loss(s, y, reduce_fn=jnp.sum))(
            s, jnp.asarray(y)
        ) / pairs

    return Pair(values(kl.PairwiseMeanSquared), y, d.normal(*shape, scale=2), Jax(theirs))


@of_rax("pairwise_soft_zero_one_loss", kl.PairwiseSoftZeroOne, EQUAL, "of each list")
def soft_zero_one(d):
    return lists(d, values(kl.PairwiseSoftZeroOne), rax.pairwise_soft_zero_one_loss)


def of_smooth_ranks(metric, temperature):
    ranks = functools.partial(
        rax.utils.approx_ranks, step_fn=lambda x: jax.nn.sigmoid(x / temperature)
    )
    return functools.partial(metric, rank_fn=ranks, cutoff_fn=lambda x, **_: jnp.ones_like(x))


@of_rax("ndcg_metric(rank_fn=approx_ranks)", kl.ApproxNDCG, OPTION, "1 - it; `temperature`")
def ndcg(d):
    t = d.real(0.2, 1)
    smooth = of_smooth_ranks(rax.ndcg_metric, t)

    def theirs(s, y, where):
        # The ideal by true ranks: rax' is smooth, too, unless labels are far apart.
        best = rax.dcg_metric(y, y, where=where)
        found = rax.dcg_metric(s, y, where=where, rank_fn=smooth.keywords["rank_fn"])
        return 1 - found / best

    return lists(d, values(kl.ApproxNDCG, temperature=t), theirs)


@of_rax(
    "pairwise_logistic_loss(lambdaweight_fn=dcg_lambdaweight)", kl.LambdaNDCG, OPTION,
    "`normalize=True`; the sum over pairs, over the size of the list",
)
def lambda_ndcg(d):
    def theirs(s, y, where):
        weights = functools.partial(rax.dcg_lambdaweight, normalize=True)
        found = rax.pairwise_logistic_loss(
            s, y, where=where, lambdaweight_fn=weights, reduce_fn=jnp.sum
        )
        return found / len(s)

    return lists(d, values(kl.LambdaNDCG), theirs)


# --- ranks -----------------------------------------------------------------------------------


@peer("coral-pytorch", "coral_loss(reduction=None)", kl.CumulativeOrdinal, EQUAL, "of levels")
def coral(d):
    b, k = d.size(2, 6), d.size(2, 5)
    ids = d.ids(b, classes=k + 1)
    levels = tensor((ids[:, None] > np.arange(k)).astype(float))
    return Pair(
        values(kl.CumulativeOrdinal), ids, d.normal(b, k, scale=3),
        lambda z: coral_loss(z, levels, reduction=None),
    )


@peer(
    "coral-pytorch", "corn_loss", kl.ConditionalOrdinal, DIFFERS,
    "The authors' code divides the sum over the batch by how many terms it has, over all levels",
)
def corn(d):
    b, k = d.size(2, 6), d.size(2, 5)
    ids = d.ids(b, classes=k + 1)
    loss = kl.ConditionalOrdinal()
    terms = sum((ids >= level).sum() for level in range(k))
    return Pair(
        lambda y, z: loss(y, z) * b / terms, ids, d.normal(b, k, scale=3),
        lambda z: corn_loss(z, tensor(ids), k + 1), plain=loss,
    )


# --- times -----------------------------------------------------------------------------------


@peer(
    "torchsurv", "neg_partial_log_likelihood(ties_method)", kl.CoxPartialLikelihood, OPTION,
    '`ties`, `reduction="sum"`', rtol=1e-6,
)
def cox(d):
    n, ties = d.size(6, 14), d.choice("efron", "breslow")
    time, seen = np.ceil(d.positive(n) * d.choice(3, 30)), d.bits(n, share=0.7)
    seen[0] = 1
    return Pair(
        kl.CoxPartialLikelihood(ties, reduction="sum"), np.stack([time, seen], -1),
        d.normal(n, 1),
        lambda h: neg_partial_log_likelihood(
            h[:, 0], tensor(seen > 0), tensor(time), ties, "sum"
        ),
    )


@peer(
    "torchsurv", "loss.weibull.neg_log_likelihood_weibull", kl.WeibullNLL, OPTION,
    "log λ and log k for softplus", rtol=1e-6,
)
def weibull(d):
    n = d.size(2, 9)
    time, seen = d.positive(n), d.bits(n, share=0.7)

    def theirs(x):
        logs = (torch.nn.functional.softplus(x) + 1e-6).log()
        return neg_log_likelihood_weibull(logs, tensor(seen > 0), tensor(time))

    return Pair(kl.WeibullNLL(), np.stack([time, seen], -1), d.normal(n, 2), theirs)


def intervals(d, distinct=False):
    """Indices of intervals and events, and logits."""
    n = d.size(4, 8)
    count = d.size(n, n + 3)
    at = d.rng.permutation(count)[:n] if distinct else d.ids(n, classes=count)
    seen = d.bits(n, share=0.7)
    seen[np.argmin(at)] = 1
    return at, seen, d.normal(n, count)


@peer("pycox", "nll_logistic_hazard", kl.DiscreteTimeHazard, EQUAL, "of indices of intervals")
def logistic_hazard(d):
    at, seen, z = intervals(d)
    return Pair(
        values(kl.DiscreteTimeHazard), np.stack([at, seen], -1), z,
        lambda z: nll_logistic_hazard(z, tensor(at), tensor(seen), "none"),
    )


@peer(
    "pycox", "nll_pmf", kl.DeepHit, OPTION, "`alpha=1`; there 1e-7 is added to the logarithms",
    rtol=1e-5,
)
def probability_of_intervals(d):
    at, seen, z = intervals(d)
    return Pair(
        values(kl.DeepHit, alpha=1.0), np.stack([at, seen], -1), z,
        lambda z: nll_pmf(z, tensor(at), tensor(seen), "none"),
    )


@peer(
    "pycox", "rank_loss_deephit_single", kl.DeepHit, DIFFERS,
    "pycox divides the ranking by the batch", wide=False,
)
def ranking(d):
    at, seen, z = intervals(d, distinct=True)
    later = (at[:, None] < at[None]) & (seen[:, None] > 0)
    sigma = d.real(0.1, 1)
    loss = kl.DeepHit(alpha=0.0, sigma=sigma, reduction="none")
    share = tensor(later.mean(1))

    def theirs(z):
        return rank_loss_deephit_single(
            z, tensor(at), tensor(seen), tensor(later).float(), sigma, "none"
        ).reshape(-1)

    return Pair(
        lambda y, z: loss(y, z) * share, np.stack([at, seen], -1), z, theirs, plain=loss
    )


# --- ensembles -------------------------------------------------------------------------------


def ensemble(d, loss, estimator):
    b, k, m = d.size(1, 4), d.size(1, 3), d.size(2, 7)
    y = d.normal(b, k)

    def theirs(x):
        return scoringrules.crps_ensemble(tensor(y), x, estimator=estimator, backend="torch").mean(
            -1
        )

    return Pair(loss, y, d.normal(b, k, m), theirs)


@peer("scoringrules", 'crps_ensemble(estimator="fair")', kl.EnsembleCRPS, EQUAL, "`fairness=1`")
def fair(d):
    return ensemble(d, values(kl.EnsembleCRPS), "fair")


@peer("scoringrules", 'crps_ensemble(estimator="nrg")', kl.EnsembleCRPS, OPTION, "`fairness=0`")
def of_the_members(d):
    return ensemble(d, values(kl.EnsembleCRPS, fairness=0.0), "nrg")


@peer(
    "scoringrules", "crps_normal", kl.GaussianCRPS, OPTION, '`link="identity"`', rtol=1e-6
)
def of_normal(d):
    shape = d.size(1, 5), d.size(1, 4)
    y = d.normal(*shape, scale=2)

    def theirs(x):
        m, s = x.chunk(2, -1)
        return scoringrules.crps_normal(tensor(y), m, s, backend="torch").mean(-1)

    x = np.concatenate([d.normal(*shape), d.positive(*shape) + 0.1], -1)
    return Pair(values(kl.GaussianCRPS, link="identity"), y, x, theirs)


@peer("scoringrules", "logs_normal", kl.GaussianNLL, OPTION, '`link="identity"`')
def logarithmic_score(d):
    shape = d.size(1, 5), d.size(1, 4)
    y = d.normal(*shape, scale=2)

    def theirs(x):
        m, s = np.split(x, 2, -1)
        return scoringrules.logs_normal(y, m, s).mean(-1)

    x = np.concatenate([d.normal(*shape), d.positive(*shape) + 0.1], -1)
    return Pair(values(kl.GaussianNLL, link="identity"), y, x, NumPy(theirs))


@peer("scoringrules", "quantile_score", kl.Pinball, EQUAL, "`alpha` is `tau`")
def quantile(d):
    shape, tau = (d.size(1, 5), d.size(1, 4)), d.real(0.05, 0.95)
    y = d.normal(*shape)
    return Pair(
        values(kl.Pinball, tau=tau), y, d.normal(*shape),
        NumPy(lambda q: scoringrules.quantile_score(y, q, tau).mean(-1)),
    )


@peer("entmax", "sparsemax_loss", kl.Sparsemax, EQUAL, "no options")
def sparsemax(d):
    b, c = d.size(2, 6), d.size(2, 6)
    ids = d.ids(b, classes=c)
    return Pair(
        values(kl.Sparsemax), ids, d.normal(b, c, scale=2),
        lambda z: entmax.sparsemax_loss(z, tensor(ids)),
    )


