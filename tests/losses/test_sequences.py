"""Sequences: both forms of targets, padding, lengths, and what torch and TensorFlow say."""

import keras
import numpy as np
import pytest

import keras_losskit as kl
from tests.backends import BACKEND, compiled, to_numpy, value_and_gradient
from tests.cases.sequences import ctc

rng = np.random.default_rng(5)
LABELS = np.array([[1, 1, 2, -1], [3, -1, -1, -1], [-1, -1, -1, -1], [2, 1, 2, 1]])
LENGTHS = np.array([6, 1, 5, 4])
Z = rng.normal(size=(4, 7, 5)).astype("float32")
FRAMES = np.arange(7) < LENGTHS[:, None]


def by_loops(z=Z, labels=LABELS):
    kept = (z[i, :n].astype("float64") for i, n in enumerate(LENGTHS))
    return np.array([ctc([y], [k], 0, -1, True)[0] for y, k in zip(labels, kept)])


def values(y_true, mask=FRAMES, z=Z, **options):
    return to_numpy(kl.CTC(**options, reduction="none").evaluate(y_true, z, None, mask))


def test_padding_lengths_and_masks_are_one():
    expected = by_loops()
    np.testing.assert_allclose(values(LABELS), expected, rtol=1e-5, atol=1e-6)
    with_blanks = np.where(LABELS < 0, 0, LABELS)
    np.testing.assert_allclose(values(with_blanks), expected, rtol=1e-5, atol=1e-6)
    inside = np.insert(LABELS, 1, [-1, -1, 0, 0], axis=1)
    np.testing.assert_allclose(values(inside), expected, rtol=1e-5, atol=1e-6)
    length = (LABELS >= 0).sum(-1)
    parts = {
        "labels": np.where(LABELS < 0, 4, LABELS),
        "label_length": length[:, None],
        "input_length": LENGTHS.astype("float32"),
    }
    np.testing.assert_allclose(values(parts, None), expected, rtol=1e-5, atol=1e-6)
    # The frames that the mask keeps, wherever they are; what is elsewhere may be NaN.
    spread, mask = np.full((4, 9, 5), np.nan, "float32"), np.zeros((4, 9), bool)
    for i, n in enumerate(LENGTHS):
        places = np.sort(rng.choice(9, size=n, replace=False))
        spread[i, places], mask[i, places] = Z[i, :n], True
    np.testing.assert_allclose(values(LABELS, mask, spread), expected, rtol=1e-5, atol=1e-6)


def test_a_mask_as_long_as_the_labels_hides_frames_only():
    mask = np.ones((4, 4), bool)
    mask[:, 2] = False
    z = Z[:, :4]
    got = values(LABELS[:, :4], mask, z)
    np.testing.assert_allclose(got, values(LABELS, None, z[:, [0, 1, 3]]), rtol=1e-5)


def test_impossible_alignments_and_empty_labels():
    none = values(np.full((4, 2), -1), None)
    e = np.exp(Z)
    blank = np.log(e / e.sum(-1, keepdims=True))[..., 0]
    np.testing.assert_allclose(none, -blank.sum(-1), rtol=1e-5)
    np.testing.assert_allclose(values(np.zeros((4, 0), int), None), none, rtol=1e-6)
    labels, one = np.array([[1, 1], [2, 3], [2, -1], [-1, -1]]), Z[:, :1]
    got = values(labels, None, one)
    assert not got[:2].any() and (got[2:] > 0).all()
    assert np.isinf(values(labels, None, one, zero_infinity=False)[:2]).all()
    for word in (True, False):
        loss = kl.CTC(zero_infinity=word, reduction="none")
        _, gradient = value_and_gradient(lambda p, f=loss: keras.ops.sum(f(labels, p)[:2]), one)
        assert not gradient[:2].any() and np.isfinite(gradient).all()


def others():
    """`(values, gradients)` of torch's own loss."""
    import torch

    z = torch.tensor(Z, requires_grad=True)
    length = torch.tensor((LABELS >= 0).sum(-1))
    found = torch.nn.functional.ctc_loss(
        z.log_softmax(-1).transpose(0, 1), torch.tensor(np.where(LABELS < 0, 0, LABELS)),
        torch.tensor(LENGTHS), length, reduction="none", zero_infinity=True,
    )
    found.sum().backward()
    return found.detach().numpy(), z.grad.numpy()


@pytest.mark.skipif(BACKEND != "torch", reason="its own loss")
def test_it_equals_torch():
    expected, slope = others()
    np.testing.assert_allclose(values(LABELS), expected, rtol=1e-5, atol=1e-6)
    loss = kl.CTC(reduction="sum")
    _, gradient = value_and_gradient(lambda p: loss.evaluate(LABELS, p, None, FRAMES), Z)
    np.testing.assert_allclose(gradient, slope, atol=1e-5)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="its own loss")
def test_it_equals_tensorflow():
    import tensorflow as tf

    length = (LABELS >= 0).sum(-1)

    def theirs(z):
        found = tf.nn.ctc_loss(
            np.where(LABELS < 0, 0, LABELS).astype("int32"), z, length.astype("int32"),
            LENGTHS.astype("int32"), logits_time_major=False, blank_index=0,
        )
        return tf.reduce_sum(found)

    loss = kl.CTC(reduction="sum")
    expected, slope = value_and_gradient(theirs, Z)

    def number(p):
        return loss.evaluate(LABELS, p, None, FRAMES)

    value, gradient = value_and_gradient(number, Z)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    np.testing.assert_allclose(gradient, slope, atol=1e-5)


@pytest.mark.skipif(BACKEND == "torch", reason="nothing is compiled")
def test_long_sequences_compile():
    """600 frames: a loop, not a graph of 600 steps; the gradient sums to 0 in each frame."""
    z = rng.normal(size=(2, 600, 6)).astype("float32")
    y = rng.integers(1, 6, size=(2, 40))
    loss = kl.CTC()
    expected = to_numpy(loss(y, z))
    for how, function in compiled(lambda p: loss(y, p)).items():
        got = to_numpy(function(keras.ops.convert_to_tensor(z)))
        np.testing.assert_allclose(got, expected, rtol=1e-5, err_msg=how)
    _, gradient = value_and_gradient(lambda p: loss(y, p), z)
    np.testing.assert_allclose(gradient.sum(-1), 0, atol=1e-5)


def test_fit_with_lengths_in_columns():
    keras.utils.set_random_seed(2)
    y = np.c_[rng.integers(1, 4, size=(16, 2)), np.full(16, 5)]
    x = rng.normal(size=(16, 6, 4)).astype("float32")
    loss = kl.CTC().on(y_true={"labels": slice(0, -1), "input_length": -1})
    model = keras.Sequential([keras.Input((6, 4)), keras.layers.Dense(4)])
    model.compile(optimizer=keras.optimizers.Adam(0.05), loss=loss)
    before = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=6, batch_size=8, verbose=0)
    assert model.evaluate(x, y, verbose=0) < before


def test_what_does_not_fit_is_refused():
    for y_true, said in (
        (LABELS[:2], "does not fit y_pred"), ({"ids": LABELS}, "`labels`"),
        ({"labels": LABELS, "input_length": LENGTHS[:2]}, "does not fit y_pred"),
        (np.where(LABELS < 0, 9, LABELS), "class id 9"),
    ):
        with pytest.raises(ValueError, match=said):
            kl.CTC()(y_true, Z)
    with pytest.raises(ValueError, match="blank"):
        kl.CTC(blank=5)(LABELS, Z)


# --- soft dynamic time warping --------------------------------------------------------

COURSE_TRUE = rng.normal(size=(3, 6, 2)).astype("float32")
COURSE_PRED = rng.normal(size=(3, 5, 2)).astype("float32")


def warped(y, x, gamma, width=np.inf):
    """The value by the recursion and its slope by each x_j, Cuturi & Blondel's algorithms 1
    and 2, cell by cell in float64."""
    y, x = y.astype("float64"), x.astype("float64")
    t, s = len(y), len(x)
    r = np.full((t + 1, s + 1), np.inf)
    r[0, 0] = 0

    def cost(i, j):
        return ((y[i - 1] - x[j - 1]) ** 2).sum()

    for i, j in np.ndindex(t, s):
        before = np.array([r[i, j], r[i, j + 1], r[i + 1, j]])
        low = before.min()
        if abs(i + 1 - (j + 1) * t / s) <= width + 1e-9 and np.isfinite(low):
            soft = low - gamma * np.log(np.exp(-(before - low) / gamma).sum())
            r[i + 1, j + 1] = cost(i + 1, j + 1) + soft
    e = np.zeros((t + 2, s + 2))
    e[t, s] = 1
    for i in range(t, 0, -1):
        for j in range(s, 0, -1):
            for a, b in ((i + 1, j), (i, j + 1), (i + 1, j + 1)):
                if a <= t and b <= s and np.isfinite(r[a, b]) and np.isfinite(r[i, j]):
                    e[i, j] += e[a, b] * np.exp((r[a, b] - r[i, j] - cost(a, b)) / gamma)
    slope = [
        sum(e[i, j] * 2 * (x[j - 1] - y[i - 1]) for i in range(1, t + 1)) for j in range(1, s + 1)
    ]
    return r[t, s], np.array(slope)


@pytest.mark.parametrize("options", [
    {"gamma": 0.3}, {"gamma": 2.0, "bandwidth": 0}, {"gamma": 1.0, "bandwidth": 2},
])
def test_soft_dtw_is_the_recursion(options):
    loss = kl.SoftDTW(**options, reduction="sum")
    width = np.inf if "bandwidth" not in options else max(1, options["bandwidth"])
    found = [
        warped(y, x, options["gamma"], width) for y, x in zip(COURSE_TRUE, COURSE_PRED)
    ]
    value, gradient = value_and_gradient(lambda p: loss(COURSE_TRUE, p), COURSE_PRED)
    assert value == pytest.approx(sum(v for v, _ in found), rel=1e-5, abs=1e-5)
    np.testing.assert_allclose(gradient, [g for _, g in found], rtol=1e-4, atol=1e-5)


def test_soft_dtw_of_the_diagonal_alone_is_the_squared_error():
    loss = kl.SoftDTW(bandwidth=0, reduction="none")
    expected = ((COURSE_TRUE[:, :5] - COURSE_PRED) ** 2).sum((1, 2))
    np.testing.assert_allclose(to_numpy(loss(COURSE_TRUE[:, :5], COURSE_PRED)), expected, rtol=1e-5)


def test_soft_dtw_is_negative_and_its_divergence_is_not():
    equal = np.repeat(COURSE_PRED[:1], 2, axis=0)
    assert float(kl.SoftDTW()(equal, equal)) < -0.5
    loss = kl.SoftDTW(divergence=True, reduction="sum")
    value, gradient = value_and_gradient(lambda p: loss(equal, p), equal)
    np.testing.assert_allclose(value, 0, atol=1e-5)
    np.testing.assert_allclose(gradient, 0, atol=1e-5)
    loss = kl.SoftDTW(divergence=True, reduction="none")
    assert (to_numpy(loss(COURSE_TRUE, COURSE_PRED)) > 0).all()


@pytest.mark.parametrize("bandwidth", [None, 1.5])
def test_soft_dtw_of_padded_sequences(bandwidth):
    """Wherever the padding stands, and whatever is in it: what the frames alone are worth."""
    loss = kl.SoftDTW(0.5, True, bandwidth, reduction="none")
    alone = [
        to_numpy(loss(COURSE_TRUE[i : i + 1, :n], COURSE_PRED[i : i + 1, :m]))[0]
        for i, (n, m) in enumerate(((6, 5), (4, 2), (1, 3)))
    ]
    y, x = np.full((3, 9, 2), np.nan, "float32"), np.full((3, 7, 2), np.nan, "float32")
    mask = np.zeros((3, 7), bool)
    for i, (n, m) in enumerate(((6, 5), (4, 2), (1, 3))):
        y[i, np.sort(rng.choice(9, n, replace=False))] = COURSE_TRUE[i, :n]
        places = np.sort(rng.choice(7, m, replace=False))
        x[i, places], mask[i, places] = COURSE_PRED[i, :m], True
    found = to_numpy(loss.evaluate(y, x, None, mask))
    np.testing.assert_allclose(found, alone, rtol=1e-4, atol=1e-5)
    # Of one length, the mask is of both; a sequence without frames is worth nothing.
    both = np.arange(6) < np.array([6, 3, 0])[:, None]
    mine, theirs = COURSE_TRUE[:, ::-1], np.where(both[..., None], COURSE_TRUE, 1e6)
    found = to_numpy(loss.evaluate(theirs, mine, None, both))
    expected = [to_numpy(loss(COURSE_TRUE[i : i + 1, :n], mine[i : i + 1, :n]))[0]
                for i, n in ((0, 6), (1, 3))]
    np.testing.assert_allclose(found, [*expected, 0], rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(BACKEND == "torch", reason="nothing is compiled")
def test_long_courses_compile():
    """400 diagonals: a loop, not a graph of 400 steps."""
    y, x = (rng.normal(size=(2, n, 2)).astype("float32") for n in (220, 180))
    loss = kl.SoftDTW(0.5, reduction="sum")
    expected = [warped(a, b, 0.5) for a, b in zip(y, x)]

    def both(p):
        return value_and_gradient(lambda p: loss(y, p), p)

    value, gradient = both(x)
    np.testing.assert_allclose(value, sum(v for v, _ in expected), rtol=1e-4)
    np.testing.assert_allclose(gradient, [g for _, g in expected], rtol=1e-2, atol=1e-3)
    for how, function in compiled(lambda p: loss(y, p)).items():
        got = to_numpy(function(keras.ops.convert_to_tensor(x)))
        np.testing.assert_allclose(got, value, rtol=1e-5, err_msg=how)
