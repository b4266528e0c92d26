"""`reduce` and what it is made of, swept: every shape, weights, mask and word, against loops."""

import itertools

import numpy as np
import pytest
from keras import ops

from keras_losskit.core import reduction
from keras_losskit.core.reduction import REDUCTIONS
from tests.backends import BACKEND, to_numpy, value_and_gradient, wide

SHAPES = [(4,), (1,), (0,), (4, 3), (3, 3), (0, 3), (4, 0), (4, 3, 2)]


def values_of(shape):
    return np.random.default_rng(2).normal(size=shape)


def leading(shape):
    """The shapes that are aligned from the left with `shape`, axes of 1 among them."""
    found = [shape[:i] for i in range(1, len(shape) + 1)]
    return found + [(shape[0], 1, *shape[2:])] * (len(shape) > 1)


def weights_for(shape):
    yield None
    for i, lead in enumerate(leading(shape)):
        weights = np.random.default_rng(i).uniform(0.25, 2, size=lead)
        weights.flat[1::3] = 0
        yield weights
    yield np.zeros(shape)
    yield -np.ones(shape[:1])


def masks_for(shape):
    yield None
    for i, lead in enumerate(leading(shape)):
        mask = np.random.default_rng(i).random(lead) < 0.6
        mask.flat[:1] = False
        yield mask
    yield np.zeros(shape[:1], bool)


def at(x, index, default):
    """The entry of `x` that weighs or masks the value at `index`."""
    if x is None:
        return default
    return x[tuple(0 if n == 1 and k else i for k, (i, n) in enumerate(zip(index, x.shape)))]


def reduced(values, weights, mask, word):
    total = count = weight_sum = 0.0
    weighted = np.zeros(values.shape)
    for i in np.ndindex(*values.shape):
        if not at(mask, i, True):
            continue
        w = at(weights, i, 1.0)
        weighted[i] = w * values[i] if w else 0.0
        total, count, weight_sum = total + weighted[i], count + 1, weight_sum + w
    if word in ("none", None):
        return weighted
    if word == "sum":
        return total
    divisor = weight_sum if word == "mean_with_sample_weight" else count
    return total / divisor if divisor else 0.0


def spoilt(values, weights, mask):
    """NaN wherever nothing may be read."""
    out = values.copy()
    for i in np.ndindex(*values.shape):
        if not at(mask, i, True) or at(weights, i, 1.0) == 0:
            out[i] = np.nan
    return out


def tensor(x):
    return None if x is None else ops.convert_to_tensor(x)


def called(x):
    return "none" if x is None else f"{x.dtype}{x.shape}"


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_word_with_every_weights_and_mask(shape):
    values = values_of(shape)
    for weights, mask in itertools.product(weights_for(shape), masks_for(shape)):
        with wide():
            given = tensor(spoilt(values, weights, mask)), tensor(weights), tensor(mask)
            got = {word: to_numpy(reduction.reduce(*given, word)) for word in REDUCTIONS}
        for word, found in got.items():
            assert found.dtype == "float64"
            np.testing.assert_allclose(
                found, reduced(values, weights, mask, word), rtol=1e-12, atol=1e-15,
                err_msg=f"{word}, weights {called(weights)}, mask {called(mask)}",
            )


@pytest.mark.parametrize("word", [w for w in REDUCTIONS if w not in ("none", None)])
def test_the_gradient_is_the_weight_over_the_divisor(word):
    shape = (4, 3)
    values = values_of(shape)
    weights, mask = list(weights_for(shape))[2], list(masks_for(shape))[1]
    expected = np.zeros(shape)
    for i in np.ndindex(*shape):
        moved = values.copy()
        moved[i] += 1
        expected[i] = reduced(moved, weights, mask, word) - reduced(values, weights, mask, word)
    with wide():
        _, gradient = value_and_gradient(
            lambda x: reduction.reduce(x, tensor(weights), tensor(mask), word),
            spoilt(values, weights, mask),
        )
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="unknown sizes exist in tf.function")
@pytest.mark.parametrize("shape", [s for s in SHAPES if 0 not in s[1:]], ids=str)
def test_sizes_that_are_not_known_while_tracing(shape):
    import tensorflow as tf

    def signature(x):
        return None if x is None else tf.TensorSpec([None] * x.ndim, x.dtype)

    values = values_of(shape)
    for weights, mask in itertools.product(
        list(weights_for(shape))[:2], list(masks_for(shape))[:2]
    ):
        given = [x for x in (spoilt(values, weights, mask), weights, mask) if x is not None]
        present = [x is not None for x in (values, weights, mask)]

        @tf.function(input_signature=[signature(x) for x in given])
        def everything(*tensors, present=present):
            rest = iter(tensors)
            arguments = [next(rest) if there else None for there in present]
            return [reduction.reduce(*arguments, word) for word in REDUCTIONS]

        for word, found in zip(REDUCTIONS, everything(*map(tf.convert_to_tensor, given))):
            np.testing.assert_allclose(
                found.numpy(), reduced(values, weights, mask, word), rtol=1e-12, atol=1e-15,
                err_msg=f"{word}, weights {called(weights)}, mask {called(mask)}",
            )


def test_a_mean_that_counts_nothing_is_zero_and_flat():
    for word in REDUCTIONS:
        value, gradient = value_and_gradient(
            lambda x, word=word: ops.sum(
                reduction.reduce(x, None, ops.convert_to_tensor(np.zeros(3, bool)), word)
            ),
            np.full(3, np.nan, "float32"),
        )
        assert value == 0 and not gradient.any(), word


def test_weights_whose_sum_is_zero():
    """They cancel, and the mean by weights counts none of them: 0, as without samples."""
    values, weights = ops.convert_to_tensor([1.0, 3.0]), ops.convert_to_tensor([1.0, -1.0])
    assert to_numpy(reduction.reduce(values, weights, None, "mean_with_sample_weight")) == 0
    assert to_numpy(reduction.reduce(values, weights, None, "mean")) == -1


def test_masks_are_combined_from_the_left():
    samples, positions = np.array([True, False, True]), np.eye(3, dtype=bool)
    got = reduction.combine_masks(tensor(samples), tensor(positions))
    np.testing.assert_array_equal(to_numpy(got), samples[:, None] & positions)
    got = reduction.combine_masks(tensor(positions), tensor(samples), ops.logical_or)
    np.testing.assert_array_equal(to_numpy(got), samples[:, None] | positions)
    assert reduction.combine_masks(None, None) is None
    for pair in ((samples, None), (None, samples)):
        assert reduction.combine_masks(*pair) is samples


def test_fill_empties_what_the_mask_fits_and_leaves_the_rest():
    mask = tensor(np.array([True, False]))
    x = {"fits": tensor(np.full((2, 3), np.nan, "float32")), "not": tensor(np.ones((3, 2)))}
    filled = reduction.fill(x, mask)
    np.testing.assert_array_equal(
        to_numpy(filled["fits"]), [[np.nan] * 3, [0.0] * 3]
    )
    assert filled["not"] is x["not"]
    assert reduction.fill(x, None) is x


@pytest.mark.parametrize(
    ("given", "fits"),
    [((), True), ((4,), True), ((4, 3), True), ((4, 1), True), ((4, 1, 2), True),
     ((1,), False), ((3,), False), ((4, 2), False), ((4, 3, 2, 1), False), ((1, 3), False)],
    ids=str,
)
def test_what_is_aligned_from_the_left(given, fits):
    x = ops.ones(given)
    if fits:
        reduction.check_aligned("mine", "the mask", x, (4, 3, 2), "values")
        return
    with pytest.raises(ValueError, match="mine: the mask of shape") as error:
        reduction.check_aligned("mine", "the mask", x, (4, 3, 2), "values")
    assert str(given) in str(error.value) and "(4, 3, 2)" in str(error.value)


def test_trailing_axes_of_one_say_nothing():
    for given, left in (((3, 1, 1), (3,)), ((3, 1, 2), (3, 1, 2)), ((1, 1), (1,)), ((), ())):
        assert tuple(reduction.drop_trailing_ones(ops.ones(given)).shape) == left
    assert tuple(reduction.align_left(ops.ones((3,)), 3).shape) == (3, 1, 1)
    assert tuple(reduction.align_left(ops.ones((3, 2)), 1).shape) == (3, 2)
