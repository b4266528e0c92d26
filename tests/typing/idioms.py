"""What README.md does with the package, as type checkers see it; test_types.py runs them on it.

`reveal_type(x)  # T` says that checkers infer T, and that x is one when this is run. In a line
that ends in `# wrong` they must find a mistake; in all others none.
"""

import keras
import numpy as np

import keras_losskit as kl

a, b = kl.MeanSquaredError(), kl.Huber(delta=0.5)
y_true, y_pred = [[0.0, 0.0, 1.0]], [[1.0, 3.0, 0.5]]


def algebra():
    reveal_type(a + 0.5 * b)  # WeightedSum
    reveal_type(2 * (a + b) - b / 4)  # WeightedSum
    reveal_type(-a)  # WeightedSum
    reveal_type(a - "mae")  # WeightedSum
    reveal_type(np.float32(2) * a)  # WeightedSum
    reveal_type(a * np.float64(2))  # WeightedSum
    reveal_type(a * b)  # Product
    reveal_type(a * b * b)  # Product
    reveal_type(0.5 * (a * b))  # WeightedSum
    reveal_type((a + b) * b)  # Product | WeightedSum
    reveal_type(b * (2 * a))  # Product | WeightedSum
    reveal_type(a + keras.losses.MeanAbsoluteError())  # WeightedSum, to mypy Any
    reveal_type(kl.as_loss("mse") + 0.1 * a)  # WeightedSum
    reveal_type(kl.WeightedSum({"fit": a, "tail": (0.1, b)}))  # WeightedSum
    reveal_type(kl.WeightedSum([a, (0.1, b), "mae"]))  # WeightedSum
    total = sum([a, b])
    assert isinstance(total, kl.WeightedSum)
    return total.terms, kl.as_loss(total)


def schedules():
    ramp = keras.optimizers.schedules.PolynomialDecay(1.0, decay_steps=10)
    total = a + ramp * b
    reveal_type(total.at_step(5))  # WeightedSum, to mypy Any
    total = a + kl.LinearWarmup(8, target=0.5) * b
    reveal_type(total)  # WeightedSum
    reveal_type(b * kl.CyclicalAnnealing(period=8))  # WeightedSum
    return total.schedules


def terms():
    total = a + 0.5 * b
    weight, loss = total.terms["huber"]
    reveal_type(total.terms["huber"].loss)  # Loss
    reveal_type(loss.name)  # str
    reveal_type(list(total.terms))  # list[str]
    values = total.term_values(y_true, y_pred)
    return weight, {name: float(value) for name, value in values.items()}


def select():
    place = kl.Huber().on(y_true=slice(0, 2), y_pred=slice(0, 2))
    found = kl.BinaryCrossentropy(from_logits=True).on(y_true=2, y_pred=2)
    reveal_type(place)  # Select
    reveal_type(place + 0.5 * found)  # WeightedSum
    reveal_type(place.loss)  # Loss
    return a.on(y_pred=[0, 2], y_true=[0, 1]), a.on(y_pred="mean"), (place + found)(y_true, y_pred)


def train():
    total = a + 0.5 * b
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("adam", loss=total, metrics=total.metrics())
    reveal_type(total.metrics(weighted=True)[0])  # TermMetric
    return [kl.WeightScheduler(), kl.AddedLossLogger(), kl.TerminateOnNonFiniteTerm()]


def layers():
    inputs = keras.Input((4,))
    pair = [keras.layers.Dense(2)(inputs), keras.layers.Dense(2)(inputs)]
    mean, log_variance = kl.AddLoss(kl.GaussianKL(), 0.1, name="kl")(pair)
    network = keras.Model(inputs, keras.layers.Dense(1)(mean))
    model = kl.LearnedWeights(network, a + b)
    return log_variance, model.term_weights()["huber"]


@kl.loss(package="tests.typing")
def offset_mse(y_true, y_pred, offset=0.1):
    return keras.ops.mean(keras.ops.square(y_true - (y_pred + offset)), axis=-1)


@kl.loss
def plain_mse(y_true, y_pred, *, power: float = 2.0):
    return keras.ops.mean(keras.ops.power(keras.ops.abs(y_true - y_pred), power), axis=-1)


@kl.loss(package="tests.typing")
def masked_error(y_true, y_pred, mask, scale=1.0):
    return keras.ops.mean(scale * (y_true - y_pred), axis=-1)


def functions():
    reveal_type(offset_mse(offset=1.0))  # Loss
    reveal_type(offset_mse(1.0, reduction="sum", name="mine"))  # Loss
    reveal_type(plain_mse(power=3.0, dtype="float64"))  # Loss
    reveal_type(masked_error(scale=2.0))  # Loss
    reveal_type(offset_mse.from_config(offset_mse().get_config()))  # Loss
    assert isinstance(offset_mse(), offset_mse)
    return offset_mse(offset=1.0) + 0.5 * b


@keras.saving.register_keras_serializable(package="tests.typing")
class Capped(kl.Loss):
    def __init__(self, cap: float = 1.0, **common):
        super().__init__(**common)
        self.cap = cap

    def call(self, y_true, y_pred, mask=None):
        return keras.ops.mean(keras.ops.minimum(keras.ops.abs(y_pred - y_true), self.cap), axis=-1)


def subclass():
    reveal_type(Capped(cap=2.0) + a)  # WeightedSum
    reveal_type(Capped.from_config(Capped(cap=2.0).get_config()))  # Capped
    reveal_type(kl.Dice.from_config({}))  # Dice


def of_keras():
    def named(loss: keras.losses.Loss):
        return loss.name

    return named(kl.Dice(from_logits=True, reduction="none")), named(a + b), named(offset_mse())


def options():
    reveal_type(kl.Dice(squared=True, class_weights=[1, 2]).from_logits)  # bool
    reveal_type(kl.LDAM(np.array([3.0, 2.0])).class_counts)  # list[float]
    return kl.Pinball([0.1, 0.9]), kl.Triplet(distance="cosine"), kl.LovaszSoftmax(classes=[0, 2])


def doctor():
    def hits(y_true, y_pred):
        return keras.ops.mean(keras.ops.abs(y_true - keras.ops.round(y_pred)), axis=-1)

    report = kl.check_loss(hits, shapes=((8, 1), (8, 1)), quick=True, checks=["graph"])
    reveal_type(report)  # LossReport
    reveal_type(report.ok)  # bool
    e = kl.explain(a + 0.5 * b, y_true, y_pred)
    reveal_type(e.total)  # float
    reveal_type(e["huber"].share)  # float
    with kl.watching() as seen:
        reveal_type(kl.watch("one", 1))  # int
    return e.total, e["huber"].values.tolist(), e.terms, seen, report.findings, str(report)


def mistakes():
    kl.Dice(form_logits=True)  # wrong
    kl.Dice(from_logits="yes")  # wrong
    kl.Dice(reduction="average")  # wrong
    kl.Triplet(distance="manhattan")  # wrong
    kl.MeanSquaredError(0.5)  # wrong
    kl.LDAM()  # wrong
    offset_mse(ofset=1.0)  # wrong
    plain_mse(power="two")  # wrong
    (a + b).term_value(y_true, y_pred)  # wrong
    a.terms  # wrong  # noqa: B018
    a + 1.5  # wrong  # noqa: B018
    a / b  # wrong  # noqa: B018
    a * None  # wrong  # noqa: B018
    a.on(y_prde=1)  # wrong
    a.metrics(weighted="all")  # wrong
    kl.check_loss(a, quik=True)  # wrong
    kl.Dicee()  # wrong
