"""What each process of test_gather.py computes: one batch in two parts, and two epochs."""

import keras
import numpy as np
from keras import ops

import keras_losskit as kl
from tests import cases
from tests.backends import WITHOUT_XLA

rng = np.random.default_rng(41)
X = rng.normal(size=(21, 2, 6)).astype("float32")
IDS = rng.integers(0, 3, size=21).astype("int32")
WEIGHTS = rng.uniform(0.5, 2.0, size=21).astype("float32")
WEIGHTS[[3, 9, 17]] = 0.0

CASES = [c for c in cases.CASES if "gather" in c.options] + [
    c for c in cases.CASES if c.id in ("InfoNCE-ids", "InfoNCE-log-q")
]
PARTS = slice(0, 3), slice(3, 5)  # Of unlike sizes.
WAYS = {
    "sum_over_batch_size": (None, None),
    "sum": (np.array([1.0, 0.0, 2.0, 0.5, 1.5], "float32"), None),
    "mean_with_sample_weight": (
        np.array([1.0, 0.3, 2.0, 0.5, 1.7], "float32"), np.array([True, True, False, True, True])
    ),
    "none": (None, np.array([True, True, True, False, True])),
}
PAIRS = [(c, way) for c in CASES for way in WAYS if not (c.batch and way == "none")]
if keras.config.backend() == "tensorflow":  # It traces each anew: one way a loss.
    FIRST = {c.loss: c for c in CASES}.values()
    PAIRS = [(c, list(WAYS)[i % (3 if c.batch else 4)]) for i, c in enumerate(FIRST)]


def batch(case):
    """A case's first five rows, float32 but for ids."""
    found = [x.astype("float32") if x.dtype.kind == "f" else x.astype("int32")
             for x in (case.y_true, case.y_pred)]
    # One row more for those that have four: a proxy's cosines.
    return [x[:5] if len(x) > 4 else np.concatenate([x, x[:1]]) for x in found]


def loss_of(case, reduction):
    return case.loss(*case.argument, **{**case.options, "gather": True}, reduction=reduction)


def part(x, rows):
    return None if x is None else ops.convert_to_tensor(x[rows])


TRAINED = {
    "supervised": kl.SupervisedContrastive(0.5, gather=True),
    "semi_hard": kl.TripletSemiHard(margin=0.5, gather=True),
    "sum": 0.5 * kl.MultiSimilarity(2.0, 5.0, gather=True)
    + kl.LiftedStructure(1.0, gather=True, name="lifted"),
    "circle": kl.Circle(gamma=2.0, gather=True, reduction="sum"),
    "info_nce": kl.InfoNCE(0.3, gather=True),
    "nt_xent": kl.NTXent(0.5, gather=True, reduction="mean_with_sample_weight"),
    "barlow_twins": 0.1 * kl.BarlowTwins(gather=True),
}
OF_VIEWS = ("info_nce", "nt_xent", "barlow_twins")


@keras.saving.register_keras_serializable(package="gathering")
class Towers(keras.Model):
    """Two towers; a loss on two views compares them, one on ids sees the first alone."""

    def __init__(self, loss, **options):
        super().__init__(**options)
        self.first, self.second = keras.layers.Dense(4), keras.layers.Dense(4)
        self.of_views = loss

    def call(self, x):
        return ops.stack([self.first(x[:, 0]), self.second(x[:, 1])], axis=1)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return self.of_views(y_pred[:, 0], y_pred[:, 1], sample_weight)


def network(name):
    """A small model, and its loss for `compile`."""
    keras.utils.set_random_seed(5)
    loss = TRAINED[name]
    if name in OF_VIEWS:
        model = Towers(loss)
        model(X[:1])  # Which builds it.
        return model, None
    layers = keras.layers.Flatten(), keras.layers.Dense(4), keras.layers.UnitNormalization()
    return keras.Sequential([keras.Input((2, 6)), *layers]), loss


RATES = {"sum": 0.05, "circle": 0.02}


def fitted(name, rows=21):
    """The logs and weights of two epochs of `fit`."""
    model, loss = network(name)
    metrics = loss.metrics() if name == "sum" else None
    rate = RATES.get(name, 0.1)
    model.compile(keras.optimizers.SGD(rate), loss=loss, weighted_metrics=metrics, **WITHOUT_XLA)
    start = [w.tolist() for w in model.get_weights()]
    logs = model.fit(
        X[:rows], IDS[:rows], sample_weight=WEIGHTS[:rows], batch_size=8, epochs=2,
        shuffle=False, verbose=0,
    ).history
    return {"logs": logs, "start": start, "weights": [w.tolist() for w in model.get_weights()]}
