"""A long tail of rare classes: digits, 1:50 from the most frequent to the rarest."""

import numpy as np

import keras_losskit as kl
from results.common import Finding, digits, fitted, network

COUNTS = np.round(100 * 50.0 ** (-np.arange(10) / 9)).astype(int)  # 100 down to 2


def thinned(x, y, rng):
    kept = np.concatenate([
        rng.permutation(np.flatnonzero(y == c))[:n] for c, n in enumerate(COUNTS)
    ])
    kept = rng.permutation(kept)
    return x[kept], y[kept]


def run(seeds):
    counts = COUNTS.tolist()
    losses = {
        "cross-entropy": kl.CategoricalCrossentropy(from_logits=True),
        "focal, gamma 2": kl.CategoricalFocalCrossentropy(from_logits=True),
        "class-balanced weights, beta 0.999": kl.CategoricalCrossentropy(
            from_logits=True, class_weights=kl.class_balanced_weights(counts, 0.999)),
        "LDAM": kl.LDAM(counts),
        "logit adjustment": kl.LogitAdjustedCrossentropy(counts),
    }
    scores = {name: [] for name in losses}
    for seed in seeds:
        (x, y), (x_test, y_test) = digits(seed)
        x, y = thinned(x, y, np.random.default_rng(seed))
        for name, loss in losses.items():
            model = fitted(lambda: network(64, 10), loss, x, y, 60, seed, batch=32)
            found = model.predict(x_test, verbose=0).argmax(axis=-1)
            scores[name].append(100 * np.mean([
                np.mean(found[y_test == c] == c) for c in range(10)]))
    finding = Finding(
        "long_tail", "Rare classes, 1:50", "Adjusting the logits by the classes' priors gives the "
        "best balanced accuracy; a focal loss does not help with a long tail.",
        "A. K. Menon et al., *Long-tail learning via logit adjustment* (2021), "
        "<https://arxiv.org/abs/2007.07314>; K. Cao et al., *LDAM* (2019), "
        "<https://arxiv.org/abs/1906.07413>",
        "scikit-learn's digits, 100 images of the first class down to 2 of the last; a network of "
        "two layers of 128, 60 epochs; the test set as it is.",
        "balanced accuracy on the test set, %", scores, "",
    )
    best = finding.rows()[0]
    gain = finding.mean("logit adjustment") - finding.mean("cross-entropy")
    focal = finding.mean("focal, gamma 2") - finding.mean("cross-entropy")
    finding.held = (
        f"{'Yes' if best == 'logit adjustment' else 'In part'}: logit adjustment is {gain:+.1f} "
        f"points to cross-entropy, a focal loss {focal:+.1f}; best is {best}."
    )
    return finding
