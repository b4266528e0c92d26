"""Cases of the ranking losses: relevance and scores `(B, L)`."""

import math

import numpy as np

import keras_losskit as kl
from tests.cases.case import Case

rng = np.random.default_rng(20240617)

# Graded relevance with ties and padding; the third list has nothing to rank.
RELEVANCE = np.array(
    [
        [2, 0, 1, 0, 3, 1],
        [0, -1, 1, 0, -1, 2],
        [0, -1, 0, 0, 0, -1],
        [1, 0, 0.5, 2.5, -1, 0],
    ],
    dtype="float64",
)
SCORES = rng.normal(size=RELEVANCE.shape)


def of_lists(one):
    """Values from a function of the labels and scores of one list without padding."""

    def values(y_true, y_pred, **options):
        out = []
        for t, s in zip(y_true, y_pred):
            kept = [i for i in range(len(t)) if t[i] >= 0]
            out.append(one([float(t[i]) for i in kept], [float(s[i]) for i in kept], **options))
        return out

    return values


def mean_of_pairs(term):
    def one(y, s):
        n = range(len(y))
        terms = [term(y[i], y[j], s[i], s[j]) for i in n for j in n if y[i] > y[j]]
        return sum(terms) / len(terms) if terms else 0.0

    return of_lists(one)


def softmax(x):
    total = sum(math.exp(v) for v in x)
    return [math.exp(v) / total for v in x]


def list_softmax(y, s):
    return -sum(t * math.log(p) for t, p in zip(softmax(y), softmax(s)))


def list_mle(y, s):
    order = sorted(range(len(y)), key=lambda i: -y[i])  # Python's sort is stable.
    total = 0.0
    for place, i in enumerate(order):
        total += math.log(sum(math.exp(s[k]) for k in order[place:])) - s[i]
    return total


def ideal(y):
    best = sorted(y, reverse=True)
    return sum((2**g - 1) / math.log2(2 + k) for k, g in enumerate(best))


def smooth_ranks(s, temperature):
    n = range(len(s))
    return [
        1 + sum(1 / (1 + math.exp((s[i] - s[j]) / temperature)) for j in n if j != i)
        for i in n
    ]


def approx_ndcg(y, s, temperature):
    if not any(y):
        return 0.0
    ranks = smooth_ranks(s, temperature)
    return 1 - sum((2**g - 1) / math.log2(1 + r) for g, r in zip(y, ranks)) / ideal(y)


def approx_mrr(y, s, temperature):
    if not any(y):
        return 0.0
    return 1 - sum(g / r for g, r in zip(y, smooth_ranks(s, temperature))) / sum(y)


def lambda_ndcg(y, s, sigma):
    order = sorted(range(len(y)), key=lambda i: -s[i])
    rank = {i: 1 + place for place, i in enumerate(order)}
    total = 0.0
    for i in range(len(y)):
        for j in range(len(y)):
            if y[i] > y[j]:
                gain = abs(2 ** y[i] - 2 ** y[j])
                moved = abs(1 / math.log2(1 + rank[i]) - 1 / math.log2(1 + rank[j]))
                logistic = math.log(1 + math.exp(-sigma * (s[i] - s[j])))
                total += gain * moved / ideal(y) * logistic
    return total


def ranking(loss, reference, **options):
    return Case(loss, options, RELEVANCE, SCORES, reference)


CASES = [
    ranking(
        kl.PairwiseLogistic,
        mean_of_pairs(lambda a, b, s, t: math.log(1 + math.exp(t - s))),
    ),
    ranking(kl.PairwiseHinge, mean_of_pairs(lambda a, b, s, t: max(0.0, 1 - (s - t)))),
    ranking(
        kl.PairwiseSoftZeroOne, mean_of_pairs(lambda a, b, s, t: 1 / (1 + math.exp(s - t)))
    ),
    ranking(
        kl.PairwiseMeanSquared, mean_of_pairs(lambda a, b, s, t: ((s - t) - (a - b)) ** 2)
    ),
    ranking(kl.ListSoftmax, of_lists(list_softmax)),
    ranking(kl.ListMLE, of_lists(list_mle)),
    ranking(kl.ApproxNDCG, of_lists(approx_ndcg), temperature=0.4),
    ranking(kl.ApproxMRR, of_lists(approx_mrr), temperature=0.4),
    ranking(kl.LambdaNDCG, of_lists(lambda_ndcg), sigma=1.5),
]

BAD_OPTIONS = {
    "temperature": (0, -1, float("nan"), float("inf"), "1", None),
    "sigma": (0, -1, float("nan"), "1", None),
}
