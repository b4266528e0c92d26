"""Does a loss on the order of a list rank better than one on each item's grade?

Patients of scikit-learn's diabetes data are put in lists of 5 to 12, as patients waiting for
a follow-up, and graded 0 to 4 by how far their disease goes on in the following year. The same
small network scores each patient from ten measurements, trained once by the squared error of
the grades and then by losses on the order of each list. NDCG@5 is measured on lists of patients
that training never saw; shorter lists are padded with labels of -1.
"""

import keras
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.metrics import ndcg_score

import keras_losskit as kl

LENGTH = 12
LISTS = {"train": 400, "test": 300}


def lists(x, grades, number, rng):
    """`number` lists of patients: measurements `(B, L, F)` and grades `(B, L, 1)`."""
    features = np.zeros((number, LENGTH, x.shape[1]), "float32")
    labels = np.full((number, LENGTH, 1), -1, "float32")
    for i in range(number):
        chosen = rng.choice(len(x), size=rng.integers(5, LENGTH + 1), replace=False)
        features[i, : len(chosen)] = x[chosen]
        labels[i, : len(chosen), 0] = grades[chosen]
    return features, labels


def data():
    x, progression = load_diabetes(return_X_y=True)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(x))
    train, test = order[:300], order[300:]
    grades = np.digitize(progression, np.quantile(progression[train], [0.2, 0.4, 0.6, 0.8]))
    x = (x - x[train].mean(axis=0)) / x[train].std(axis=0)
    return [
        lists(x[part], grades[part], LISTS[name], rng)
        for name, part in (("train", train), ("test", test))
    ]


def ndcg(labels, scores):
    """Mean NDCG@5, with the gain 2^grade - 1."""
    found = []
    for y, s in zip(labels[..., 0], scores[..., 0], strict=True):
        there = y >= 0
        if y[there].any():
            found.append(ndcg_score([2 ** y[there] - 1], [s[there]], k=5))
    return np.mean(found)


def trained(loss, x, y):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), loss=loss)
    # The ranking losses leave padding out by themselves; the squared error needs weights.
    pointwise = isinstance(loss, kl.MeanSquaredError)
    weights = (y[..., 0] >= 0).astype("float32") if pointwise else None
    model.fit(x, y, sample_weight=weights, batch_size=32, epochs=12, verbose=0)
    return model


def main():
    (x, y), (x_test, y_test) = data()
    print(f"{len(x)} lists to train on, {len(x_test)} of other patients to test on")
    chance = ndcg(y_test, np.random.default_rng(1).random(y_test.shape))
    print(f"random order: NDCG@5 {chance:.4f}")
    for loss in (
        kl.MeanSquaredError(),
        kl.PairwiseLogistic(),
        kl.ListMLE(),
        kl.ApproxNDCG(temperature=0.5),
        kl.LambdaNDCG(),
    ):
        model = trained(loss, x, y)
        print(f"{loss}: NDCG@5 {ndcg(y_test, model.predict(x_test, verbose=0)):.4f}")


if __name__ == "__main__":
    main()
