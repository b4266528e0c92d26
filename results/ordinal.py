"""Ordered classes: how far diabetes progressed, in five equal groups."""

import numpy as np
from sklearn.datasets import load_diabetes

import keras_losskit as kl
from results.common import Finding, fitted, network, softmax


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


READ = {  # How each loss's outputs are read as a rank.
    "cross-entropy": lambda z: z.argmax(axis=-1),
    "SquaredEarthMovers": lambda z: (np.cumsum(softmax(z), axis=-1) < 0.5).sum(axis=-1),
    "CumulativeOrdinal": lambda z: (z > 0).sum(axis=-1),
    "ConditionalOrdinal": lambda z: (np.cumprod(sigmoid(z), axis=-1) > 0.5).sum(axis=-1),
}


def run(seeds):
    x, y = load_diabetes(return_X_y=True)
    x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype("float32")
    ranks = np.searchsorted(np.quantile(y, [0.2, 0.4, 0.6, 0.8]), y)
    losses = {
        "cross-entropy": (kl.CategoricalCrossentropy(from_logits=True), 5),
        "SquaredEarthMovers": (kl.SquaredEarthMovers(from_logits=True), 5),
        "CumulativeOrdinal": (kl.CumulativeOrdinal(), 4),
        "ConditionalOrdinal": (kl.ConditionalOrdinal(), 4),
    }
    scores = {name: [] for name in losses}
    for seed in seeds:
        order = np.random.default_rng(seed).permutation(len(x))
        train, test = order[:300], order[300:]
        for name, (loss, outputs) in losses.items():
            model = fitted(lambda n=outputs: network(10, n, (32,)), loss, x[train], ranks[train],
                           60, seed, batch=32)
            found = READ[name](model.predict(x[test], verbose=0))
            scores[name].append(np.mean(np.abs(found - ranks[test])))
    finding = Finding(
        "ordinal", "Ordered classes",
        "Losses that know the order of the classes are fewer ranks off than cross-entropy.",
        "W. Cao et al., *Rank consistent ordinal regression (CORAL)* (2020), "
        "<https://arxiv.org/abs/1901.07884>; X. Shi et al., *CORN* (2021), "
        "<https://arxiv.org/abs/2111.08851>",
        "scikit-learn's diabetes, five groups of equal size by progression; a layer of 32, 60 "
        "epochs, 300 patients to train on and 142 to test.",
        "mean absolute error, ranks", scores, "", better="lower",
    )
    plain = finding.mean("cross-entropy")
    others = [n for n in losses if n != "cross-entropy"]
    said, below = finding.ahead(others, of="cross-entropy")
    finding.held = f"{said}: {below} of 3 are below cross-entropy's {plain:.2f} ranks."
    return finding
