"""Counts whose variance is far above their mean: visits to a doctor."""

import keras
import numpy as np
import statsmodels.api as sm
from scipy.special import gammaln

import keras_losskit as kl
from results.common import Finding, fitted, network

INSIDE = 0.9


def data():
    table = sm.datasets.randhie.load_pandas().data
    y = table["mdvis"].to_numpy("float32")[:, None]
    x = table.drop(columns="mdvis").to_numpy("float32")
    return (x - x.mean(axis=0)) / x.std(axis=0), y


def poisson_likelihood(y, z):
    return y * z - np.exp(z) - gammaln(y + 1)


def run(seeds):
    x, y = data()
    names = ("NegativeBinomialNLL", "ZeroInflatedPoissonNLL", "ZeroInflatedNegativeBinomialNLL")
    scores, zeros = {n: [] for n in ("Poisson", *names)}, {n: [] for n in ("Poisson", *names)}
    for seed in seeds:
        order = np.random.default_rng(seed).permutation(len(x))
        train, test = order[:6000], order[6000:12000]
        seen = y[test].astype("float64")
        for name in scores:
            if name == "Poisson":
                loss, outputs = kl.Poisson(log_rate=True), 1
            else:
                loss = getattr(kl, name)()
                outputs = kl.DistributionHead(loss, events=1).units
            model = fitted(lambda n=outputs: network(x.shape[1], n, (32,)), loss, x[train],
                           y[train], 15, seed)
            raw = model.predict(x[test], verbose=0)
            if name == "Poisson":
                found = poisson_likelihood(seen, raw)
                nothing = np.exp(poisson_likelihood(0, raw))
            else:
                each = type(loss)(reduction="none")
                found = -keras.ops.convert_to_numpy(each(y[test], raw))
                nothing = np.exp(-keras.ops.convert_to_numpy(each(0 * y[test], raw)))
            scores[name].append(found.mean())
            zeros[name].append(100 * nothing.mean())
    share = 100 * np.mean(y == 0)
    finding = Finding(
        "counts", "Counts that scatter more than Poisson's",
        "A negative binomial distribution fits counts whose variance is above their mean; "
        "Poisson's does not, and expects too few zeros.",
        "A. C. Cameron, P. K. Trivedi, *Econometric models based on count data* (1986), "
        "<https://doi.org/10.1002/jae.3950010104>; D. Salinas et al., *DeepAR* (2020), "
        "<https://arxiv.org/abs/1704.04110>",
        "The RAND health insurance experiment's visits to a doctor: mean "
        f"{y.mean():.1f}, variance {y.var():.1f}; a layer of 32, 15 epochs, 6000 people to train "
        "on and 6000 to test.",
        "log-likelihood of a person of the test set, nats", scores, "",
        notes=f"Zeros, where {share:.0f} % are seen: " + ", ".join(
            f"{n} expects {np.mean(z):.0f} %" for n, z in zeros.items()) + ".",
    )
    said, above = finding.ahead(names, of="Poisson")
    best = finding.rows()[0]
    finding.held = (
        f"{said}: {above} of 3 are above Poisson's {finding.mean('Poisson'):.2f} nats; best is "
        f"{best} with {finding.mean(best):.2f}."
    )
    return finding
