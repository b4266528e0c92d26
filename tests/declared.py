"""Data made from what a loss declares: drawn from its ranges, at their ends, beyond them."""

import numpy as np
from keras import ops

from tests.backends import BACKEND, to_numpy, value_and_gradient
from tests.cases.case import Case

CLASSES = ("classes", "ranks")


def jitted(function):
    """On JAX a function is compiled once, not operation by operation."""
    if BACKEND != "jax":
        return function
    import jax

    return jax.jit(function)


def gradients(function):
    """What gives `(value, gradient)` of a scalar function at an array; compiled once."""
    if BACKEND != "jax":
        return lambda x: value_and_gradient(function, x)
    import jax

    step = jax.jit(jax.value_and_grad(function))
    return lambda x: tuple(map(to_numpy, step(ops.convert_to_tensor(x))))


def holds_ids(case):
    """Whether the targets are ids of classes, not rows of them."""
    return case.takes.y_true in CLASSES and case.y_true.ndim < case.y_pred.ndim


# --- drawn from the declaration ----------------------------------------------------------


def simplex(rng, shape):
    return rng.dirichlet(np.full(shape[-1], 0.7), size=shape[:-1])


def bits(rng, shape):
    return (rng.random(shape) < 0.4).astype("float64")


def shares(rng, case):
    """Ids, hard and soft rows, or hard and soft yes and no."""
    shape = case.y_true.shape
    if holds_ids(case):
        return rng.choice(np.unique(case.y_true), size=shape)
    if case.takes.y_true == "probability" or shape[-1] == 1:
        soft = rng.random(shape) < 0.5
        return np.where(soft, rng.random(shape), bits(rng, shape))
    hard = np.eye(shape[-1])[rng.integers(0, shape[-1], size=shape[:-1])]
    return np.where(rng.random(shape[:-1])[..., None] < 0.5, simplex(rng, shape), hard)


def boxes(rng, like):
    """Boxes about those of the case: what the four numbers mean is an option."""
    return like + rng.normal(size=like.shape) * 0.1


def survival(rng, like):
    """Times, and events or their causes; the first row has one before all others."""
    drawn = np.array(like, "float64")
    drawn[:, 0] = rng.exponential(2.0, size=len(like)) + 1
    drawn[:, 1] = bits(rng, len(like))
    drawn[0, :2] = 0.5, 1
    return drawn


TARGETS = {
    "real": lambda rng, case: rng.normal(size=case.y_true.shape),
    "nonnegative": lambda rng, case: np.maximum(rng.normal(1, 1, size=case.y_true.shape), 0),
    "positive": lambda rng, case: np.exp(rng.normal(size=case.y_true.shape)),
    "counts": lambda rng, case: rng.poisson(1.5, size=case.y_true.shape).astype("float64"),
    "probability": shares,
    "signs": lambda rng, case: 2 * bits(rng, case.y_true.shape) - 1,
    "classes": shares,
    "distribution": lambda rng, case: simplex(rng, case.y_true.shape),
    "ranks": lambda rng, case: rng.integers(0, case.y_pred.shape[-1] + 1, case.y_true.shape),
    "logits": lambda rng, case: rng.normal(size=case.y_true.shape) * 2,
    "relevance": lambda rng, case: rng.choice([-1.0, 0, 0, 1, 2, 3], size=case.y_true.shape),
    "boxes": lambda rng, case: boxes(rng, case.y_true),
    "bins": lambda rng, case: rng.uniform(0, case.y_pred.shape[-1] - 1, case.y_true.shape),
    "ids": lambda rng, case: rng.permutation(case.y_true),
    "view": lambda rng, case: rng.normal(size=case.y_true.shape),
    "log_probabilities": lambda rng, case: -rng.exponential(size=case.y_true.shape),
    "survival": lambda rng, case: survival(rng, case.y_true),
    "unused": lambda rng, case: case.y_true,
    "any": lambda rng, case: case.y_true,
}


def probabilities(rng, case):
    one = case.takes.y_true == "probability" or case.y_pred.shape[-1] == 1
    if one:
        return rng.uniform(0.02, 0.98, size=case.y_pred.shape)
    return 0.98 * simplex(rng, case.y_pred.shape) + 0.02 / case.y_pred.shape[-1]


PREDICTIONS = {
    "real": lambda rng, case: rng.normal(size=case.y_pred.shape),
    "nonnegative": lambda rng, case: np.abs(rng.normal(size=case.y_pred.shape)),
    "positive": lambda rng, case: np.exp(rng.normal(size=case.y_pred.shape)),
    "probabilities": probabilities,
    "logits": lambda rng, case: rng.normal(size=case.y_pred.shape) * 2,
    "scores": lambda rng, case: rng.normal(size=case.y_pred.shape) * 2,
    "cosines": lambda rng, case: rng.uniform(-0.95, 0.95, size=case.y_pred.shape),
    "distances": lambda rng, case: np.abs(rng.normal(size=case.y_pred.shape)),
    "embeddings": lambda rng, case: rng.normal(size=case.y_pred.shape),
    "triplets": lambda rng, case: rng.normal(size=case.y_pred.shape),
    "view": lambda rng, case: rng.normal(size=case.y_pred.shape),
    "boxes": lambda rng, case: boxes(rng, case.y_true),
    "log_probabilities": lambda rng, case: -rng.exponential(size=case.y_pred.shape),
    "parameters": lambda rng, case: rng.normal(size=case.y_pred.shape) * 0.5,
    "any": lambda rng, case: case.y_pred,
}


def draw(case, rng):
    """`(y_true, y_pred)` from the declared ranges, in the case's shapes."""
    return (
        TARGETS[case.takes.y_true](rng, case),
        PREDICTIONS[case.takes.y_pred](rng, case).astype("float64"),
    )


# --- at the ends, near the optimum, and beyond ----------------------------------------------

FAR = {"logits": 1e4, "scores": 1e4, "parameters": 20.0, "any": 1.0}


def ends(case):
    """Predictions at the ends of the declared range: all low, all high, and by turns."""
    from keras_losskit.core.takes import PREDICTIONS as DECLARED

    kind = DECLARED[case.takes.y_pred]
    far = FAR.get(case.takes.y_pred, 1e6)
    low, high = max(kind.low, -far), min(kind.high, far)
    turns = np.arange(case.y_pred.size).reshape(case.y_pred.shape) % 2
    if case.takes.y_pred == "probabilities" and case.kind in ("classes", "map", "distributions"):
        if case.y_pred.shape[-1] > 1:  # Rows of probabilities have a sum of 1.
            rows = np.eye(case.y_pred.shape[-1])
            return [np.broadcast_to(row, case.y_pred.shape) for row in rows]
    return [np.full(case.y_pred.shape, x, "float64") for x in (low, high)] + [
        np.where(turns, high, low).astype("float64")
    ]


def near(case, y_true, rng, by=1e-3):
    """Predictions within `by` of hard targets, or `None` where none stands for a target."""
    takes, shape = case.takes, case.y_pred.shape
    step = by * rng.uniform(0.2, 1, size=shape)
    if takes.y_pred in ("probabilities", "logits") and takes.y_true in (
        "classes", "probability"
    ):
        classes = shape[-1]
        if takes.y_true == "probability" or classes == 1:
            p = np.abs(y_true - step)
            return p if takes.y_pred == "probabilities" else np.log(p) - np.log1p(-p)
        rows = np.eye(classes)[y_true] if holds_ids(case) else y_true
        p = (1 - step.sum(-1, keepdims=True)) * rows + step
        return p if takes.y_pred == "probabilities" else np.log(p)
    if takes.y_true == "distribution" or (takes.y_true, takes.y_pred) == ("logits", "logits"):
        return y_true * (1 + step)
    same = {"real", "nonnegative", "positive", "view", "boxes"}
    if takes.y_true in same | {"counts"} and takes.y_pred in same and y_true.shape == shape:
        return y_true + step * rng.choice([-1, 1], size=shape) * np.maximum(np.abs(y_true), 0.1)
    return None


def hard(case, rng):
    """Targets that a prediction can meet."""
    shape = case.y_true.shape
    if case.takes.y_true == "probability" or (
        case.takes.y_true == "classes" and shape[-1] == 1 and not holds_ids(case)
    ):
        return bits(rng, shape)
    if holds_ids(case) and case.takes.y_pred in ("probabilities", "logits"):
        return rng.integers(0, case.y_pred.shape[-1], size=shape)
    return TARGETS[case.takes.y_true](rng, case)


def beyond(case):
    """Values that no target may hold, far outside the declared range."""
    low, high = case.takes.range
    if holds_ids(case) or case.takes.y_true == "ranks":
        # Far: what a column of a class is, an option may say (sub-centres).
        return [-1, 255, case.y_pred.shape[-1] + 1]
    if case.takes.y_true == "bins":
        return [-5.0, case.y_pred.shape[-1] + 5.0]
    if np.isinf(low) and np.isinf(high):
        return []
    if np.isinf(high):
        return [low - 1.0, low - 255.0]
    width = high - low
    return [high + width, low - width, high + 255 * width]


def spoilt(y_true, value, dtype=None):
    """Targets whose first sample holds `value` somewhere."""
    y_true = np.array(y_true, dtype=dtype or y_true.dtype)
    y_true[(0,) * y_true.ndim] = value
    return y_true


# --- one case of each loss and declaration -----------------------------------------------------


def modes(cases):
    """One case of each loss and declaration."""
    return list({(c.loss, c.takes): c for c in reversed(cases)}.values())[::-1]


def combinations(cases):
    """A sum of two losses for each declaration: it declares what they do."""
    import keras_losskit as kl

    found = {}
    for case in cases:
        if case.takes is not None and not case.argument and case.loss is not kl.WeightedSum:
            of = (case.takes, case.y_true.shape, case.y_pred.shape)
            found.setdefault(of, []).append(case)
    one_each = {of[0]: members for of, members in reversed(found.items())}
    for first, *others in one_each.values():
        # Of one shape, for they are added value by value; looked for from the end, for to
        # compute them all takes as long as the test.
        shape = np.shape(first.values()) if others else None
        last = next((c for c in reversed(others) if np.shape(c.values()) == shape), first)
        yield Case(
            kl.WeightedSum, {}, first.y_true, first.y_pred, None,
            argument=[[(0.5, first.make()), (2.0, last.make())]],
            label=f"{first.id}+{last.id}", batch=first.batch or last.batch,
            exact=first.exact and last.exact,
            detached=first.detached or last.detached,
        )
