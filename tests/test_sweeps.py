"""What must hold for every loss and every expression, at points that nobody chose.

Hypothesis draws losses, batches, weights, masks and expressions, always the same ones; what fails
is shrunk to the smallest example.
"""

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import keras_losskit as kl
from keras_losskit.core.reduction import REDUCTIONS
from tests import cases, declared
from tests.backends import BACKEND, to_numpy, value_and_gradient, wide
from tests.test_contract import reduced

# Where each new shape is compiled, fewer.
EXAMPLES = {"torch": 100, "tensorflow": 30, "jax": 4}[BACKEND]


def sweep(examples=EXAMPLES):
    return settings(
        max_examples=examples, derandomize=True, database=None, deadline=None,
        suppress_health_check=list(HealthCheck), phases=set(Phase) - {Phase.explain},
    )  # fmt: skip


# --- expressions ----------------------------------------------------------------------------

SHAPE = (4, 3, 5)
FACTORS = st.sampled_from([0.25, 0.5, 2.0, 3.0, -1.5])
COLUMNS = st.tuples(st.integers(0, 3), st.integers(1, 3)).map(lambda t: slice(t[0], sum(t)))


def huber(e, delta):
    inside = np.abs(e) <= delta
    return np.where(inside, e**2 / 2, delta * (np.abs(e) - delta / 2))


LEAVES = (
    ("MeanSquaredError", {}, lambda e: e**2),
    ("MeanAbsoluteError", {}, np.abs),
    ("LogCosh", {}, lambda e: np.logaddexp(e, -e) - np.log(2)),
    ("Huber", {"delta": 0.5}, lambda e: huber(e, 0.5)),
    ("Charbonnier", {"epsilon": 0.1}, lambda e: np.sqrt(e**2 + 0.01) - 0.1),
)


@st.composite
def leaf(draw, reduction):
    name, options, formula = draw(st.sampled_from(LEAVES))
    loss = getattr(kl, name)(**options, reduction=reduction)
    columns = draw(st.none() | COLUMNS)
    if columns is None:
        return loss, lambda y, p: formula(p - y).mean(-1)
    loss = loss.on(y_true=columns, y_pred=columns)
    return loss, lambda y, p: formula(p[:, :, columns] - y[:, :, columns]).mean(-1)




def grown(inner):
    """A sum, difference, product, multiple or quotient of smaller expressions."""

    def pair(way):
        def make(two):
            (a, va), (b, vb) = two
            return way(a, b), lambda y, p: way(va(y, p), vb(y, p))

        return st.tuples(inner, inner).map(make)

    def single(way):
        def make(drawn):
            (a, va), c = drawn
            return way(a, c), lambda y, p: way(va(y, p), c)

        return st.tuples(inner, FACTORS).map(make)

    ways = (lambda a, b: a + b), (lambda a, b: a - b), (lambda a, b: a * b)
    more = (lambda a, c: c * a), (lambda a, c: a / c), (lambda a, c: -a)
    return st.one_of([pair(way) for way in ways] + [single(way) for way in more])


@st.composite
def expressions(draw):
    """`(loss, its values in NumPy)`, all of one reduction."""
    reduction = draw(st.sampled_from(list(REDUCTIONS)))
    tree = st.recursive(leaf(reduction), grown, max_leaves=5)
    return (*draw(tree), reduction)


@st.composite
def weightings(draw):
    """`(sample_weight, mask)`, each perhaps of samples, of positions, or none."""
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    shape = draw(st.sampled_from([None, SHAPE[:1], SHAPE[:2]]))
    weights = None if shape is None else rng.choice([0.0, 0.5, 1.0, 3.0], shape)
    shape = draw(st.sampled_from([None, SHAPE[:1], SHAPE[:2]]))
    return weights, None if shape is None else rng.random(shape) < 0.6


@sweep()
@given(expressions(), weightings(), st.integers(0, 99))
def test_an_expression_is_what_it_says(expression, weighting, seed):
    """Its number, by NumPy; equal after its config, and after its own words are read again."""
    (loss, values, reduction), (weights, mask) = expression, weighting
    y, p = np.random.default_rng(seed).normal(size=(2, *SHAPE))
    with wide():
        loss = type(loss).from_config({**loss.get_config(), "dtype": "float64"})
        got = to_numpy(loss.evaluate(y, p, weights, mask))
    counted = np.ones(SHAPE[:2], bool)
    if mask is not None:
        counted &= mask.reshape(len(mask), -1)
    expected = reduced(values(y, p), weights, counted, reduction)
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


@sweep()
@given(expressions())
def test_an_expression_is_a_value(expression):
    loss = expression[0]
    again = type(loss).from_config(loss.get_config())
    assert again == loss and hash(again) == hash(loss) and repr(again) == repr(loss)
    # Read again, it computes the same (not always in the same order of operations).
    y, p = np.random.default_rng(0).normal(size=(2, *SHAPE)).astype("float32")
    read = eval(repr(loss), vars(kl).copy())
    np.testing.assert_allclose(to_numpy(read(y, p)), to_numpy(loss(y, p)), rtol=1e-4, atol=1e-5)


# --- samples ----------------------------------------------------------------------------------

MODES = [c for c in declared.modes(cases.CASES) if c.takes is not None]
SAMPLED = st.sampled_from(MODES)


def drawn(case, seed):
    return declared.draw(case, np.random.default_rng(seed))


def tolerance(case):
    return dict(rtol=1e-8, atol=1e-10) if case.exact else dict(rtol=1e-4, atol=1e-5)


def evaluated(case, y_true, y_pred, weights=None, mask=None, reduction="none"):
    with wide():
        loss = case.make(reduction=reduction, dtype="float64")
        return to_numpy(loss.evaluate(y_true, y_pred, weights, mask))


@sweep()
@given(SAMPLED, st.integers(0, 999), st.randoms(use_true_random=False))
def test_the_order_of_samples_is_nothing(case, seed, random):
    y_true, y_pred = drawn(case, seed)
    order = list(range(len(y_pred)))
    random.shuffle(order)
    values = evaluated(case, y_true, y_pred)
    got = evaluated(case, y_true[order], y_pred[order])
    expected = values[order] if values.ndim else values
    np.testing.assert_allclose(got, expected, **tolerance(case))


@sweep()
@given(SAMPLED, st.integers(0, 999), st.sampled_from(["weight", "mask"]), st.data())
def test_what_is_not_there_changes_nothing(case, seed, by, data):
    """Samples of weight 0 or masked, anywhere, of anything: as if they had never come."""
    y_true, y_pred = drawn(case, seed)
    n = len(y_pred)
    there = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    there[0] |= not there.any()
    spoilt = y_pred.copy()
    spoilt[~there] = data.draw(st.sampled_from([np.nan, np.inf, -1e30, 0.0]))
    total = "mean_with_sample_weight" if by == "weight" else "mean"
    given_ = (there.astype("float64"), None) if by == "weight" else (None, there)
    got = evaluated(case, y_true, spoilt, *given_, reduction=total)
    expected = evaluated(case, y_true[there], y_pred[there], reduction=total)
    np.testing.assert_allclose(got, expected, **tolerance(case))


@sweep()
@given(
    SAMPLED.filter(lambda c: not c.batch), st.integers(0, 999),
    st.sampled_from([1e-3, 0.5, 7.0, 1e4]),
)  # fmt: skip
def test_a_sum_is_linear_in_the_weights(case, seed, factor):
    y_true, y_pred = drawn(case, seed)
    weights = np.random.default_rng(seed).uniform(0.25, 2, len(y_pred))
    once = evaluated(case, y_true, y_pred, weights, reduction="sum")
    times = evaluated(case, y_true, y_pred, factor * weights, reduction="sum")
    np.testing.assert_allclose(times, factor * once, **tolerance(case))


@sweep()
@given(SAMPLED, st.integers(0, 999))
def test_gradients_are_slopes_anywhere(case, seed):
    """Along a direction, by differences whose two steps agree: else there is a kink between."""
    if case.detached or not case.exact:
        return
    y_true, y_pred = drawn(case, seed)
    along = np.random.default_rng(seed).choice([-1.0, 1.0], y_pred.shape)
    if case.takes.y_pred == "probabilities" and y_pred.shape[-1] > 1:
        along = along - along.mean(-1, keepdims=True)
    with wide():
        loss = case.make(dtype="float64")
        _, gradient = value_and_gradient(lambda p: loss(y_true, p), y_pred)
        ends = [[to_numpy(loss(y_true, y_pred + s * h * along)) for s in (1, -1)]
                for h in (1e-5, 1e-6)]  # fmt: skip
    coarse, fine = ((up - down) / (2 * h) for (up, down), h in zip(ends, (1e-5, 1e-6)))
    if not np.isclose(coarse, fine, rtol=1e-4, atol=1e-7):
        return
    np.testing.assert_allclose((gradient * along).sum(), fine, rtol=1e-3, atol=1e-6)
