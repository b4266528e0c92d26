"""Which pairs of shapes fit, for every word, against a list by hand; nothing is broadcast."""

import itertools

import numpy as np
import pytest
from keras import ops

from keras_losskit.core import shapes
from keras_losskit.core.takes import SHAPES, Takes


class Owner:
    """What a rule asks of a loss."""

    name, blocks, takes = "owner", 2, None

    def cast(self, x):
        return ops.cast(x, "float32")


# `y_pred -> {y_true: y_true's shape afterwards}`; every other pair of these is refused.
# Targets are floats of 0 and 1, which are ids too.
FITS = {
    "equal": {
        (4,): {(4,): (4,), (4, 1): (4,)},
        (4, 1): {(4,): (4, 1), (4, 1): (4, 1), (4, 1, 1): (4, 1)},
        (4, 3): {(4, 3): (4, 3), (4, 3, 1): (4, 3)},
        (4, 4): {(4, 4): (4, 4)},
        (4, 3, 1): {(4, 3): (4, 3, 1), (4, 3, 1): (4, 3, 1)},
    },
    "decisions": {  # Whole ids alone become rows.
        (4,): {(4,): (4,), (4, 1): (4,)},
        (4, 1): {(4,): (4, 1), (4, 1): (4, 1), (4, 1, 1): (4, 1)},
        (4, 3): {(4, 3): (4, 3), (4, 3, 1): (4, 3)},
        (4, 4): {(4, 4): (4, 4)},
        (4, 3, 1): {(4, 3): (4, 3, 1), (4, 3, 1): (4, 3, 1)},
    },
    "classes": {
        (4,): {(4,): (4,), (4, 1): (4,)},
        (4, 1): {(4,): (4, 1), (4, 1): (4, 1), (4, 1, 1): (4, 1)},
        (4, 3): {(4,): (4,), (4, 1): (4,), (4, 3): (4, 3)},
        (4, 4): {(4,): (4,), (4, 1): (4,), (4, 4): (4, 4)},
        (4, 3, 1): {(4, 3): (4, 3, 1), (4, 3, 1): (4, 3, 1)},
    },
    "levels": {
        (4, 1): {(4,): (4, 1), (4, 1): (4, 1)},
        (4, 3): {(4,): (4, 1), (4, 1): (4, 1), (4, 3): (4, 3), (4, 4): (4, 4)},
        (4, 4): {(4,): (4, 1), (4, 1): (4, 1), (4, 4): (4, 4)},
        (4, 3, 1): {(4, 3): (4, 3, 1), (4, 3, 1): (4, 3, 1)},
    },
    "columns": {
        (4,): {(4,): (4,)},
        (4, 1): {(4,): (4, 1), (4, 1): (4, 1)},
        (4, 3): {(4,): (4, 1), (4, 1): (4, 1), (4, 3): (4, 3)},
        (4, 4): {(4,): (4, 1), (4, 1): (4, 1), (4, 4): (4, 4)},
        (4, 3, 1): {(4, 3): (4, 3, 1), (4, 3, 1): (4, 3, 1)},
    },
    "embeddings": {
        p: {(4,): (4,), (4, 1): (4,)} for p in [(4, 1), (4, 3), (4, 4)]
    },
    "views": {p: {p: p} for p in [(4, 1), (4, 3), (4, 4)]},
    "lists": {
        (4, 1): {(4, 1): (4, 1), (4, 1, 1): (4, 1)},
        (4, 3): {(4, 3): (4, 3), (4, 3, 1): (4, 3)},
        (4, 4): {(4, 4): (4, 4)},
        (4, 3, 1): {(4, 3): (4, 3), (4, 3, 1): (4, 3)},
    },
    "boxes": {(4, 4): {(4, 4): (4, 4)}},
    "members": {
        (4, 1): {(4,): (4, 1), (4, 1): (4, 1)},
        (4, 3): {(4,): (4, 1), (4, 1): (4, 1), (4, 3): (4, 3)},
        (4, 4): {(4,): (4, 1), (4, 1): (4, 1), (4, 4): (4, 4)},
        (4, 3, 1): {(4, 3): (4, 3), (4, 3, 1): (4, 3, 1)},
    },
    "bins": {p: {(4,): (4,), (4, 1): (4,)} for p in [(4, 3), (4, 4)]},
}
ALL = [(4,), (4, 1), (4, 3), (4, 4), (4, 3, 1), (4, 1, 1), (5,), (5, 3), (3,), (1, 3)]


def test_every_word_is_swept_here_or_below():
    others = {"maps", "blocks", "mixture", "survival", "triplets", "free", "packed"}
    assert set(FITS) | others | {row[0] for row in SPATIAL} == set(SHAPES)


@pytest.mark.parametrize("word", FITS)
def test_what_fits_and_what_does_not(word):
    kind = {"classes": "classes", "levels": "ranks", "bins": "bins"}.get(word, "real")
    takes = Takes(kind, "real", word)
    for p, t in itertools.product(ALL[:5], ALL):
        pair = np.zeros(t, "float32"), np.zeros(p, "float32")
        pair = [ops.convert_to_tensor(x) for x in pair]
        expected = FITS[word].get(p, {}).get(t)
        if expected is None:
            with pytest.raises(ValueError, match="owner: ") as caught:
                shapes.fit(Owner(), takes, *pair)
            assert str(tuple(p)) in str(caught.value), caught.value
            continue
        y_true, y_pred = shapes.fit(Owner(), takes, *pair)
        assert tuple(y_true.shape) == expected, (word, t, p)


def test_whole_ids_of_decisions_stay_ids():
    ids = ops.convert_to_tensor(np.array([2, 0], "int32"))
    y_true, _ = shapes.fit(
        Owner(), Takes("probability", "probabilities", "decisions"), ids, ops.zeros((2, 3))
    )
    np.testing.assert_array_equal(ops.convert_to_numpy(y_true), [2, 0])


@pytest.mark.parametrize(("t", "p", "fits"), [
    ((4,), (4, 2), True), ((4, 1), (4, 2), True), ((4, 3), (4, 6), True),
    ((4, 3), (4, 5), False), ((4, 3), (4, 3), False), ((4, 2), (5, 4), False), ((4,), (4,), False),
])
def test_blocks(t, p, fits):
    pair = ops.zeros(t), ops.zeros(p)
    if fits:
        y_true, _ = shapes.fit(Owner(), Takes("real", "parameters", "blocks"), *pair)
        assert tuple(y_true.shape) == (t if len(t) == 2 else (4, 1))
        return
    with pytest.raises(ValueError, match="2 raw parameters|does not fit"):
        shapes.fit(Owner(), Takes("real", "parameters", "blocks"), *pair)


@pytest.mark.parametrize(("t", "p", "fits"), [
    ((4,), (4, 6), True), ((4, 1), (4, 6), True), ((4, 3), (4, 14), True),
    ((4, 3), (4, 12), False), ((4, 6), (4, 6), False), ((5, 1), (4, 6), False), ((4,), (4,), False),
])
def test_mixtures(t, p, fits):
    pair = ops.zeros(t), ops.zeros(p)
    if fits:
        y_true, _ = shapes.fit(Owner(), Takes("real", "parameters", "mixture"), *pair)
        assert tuple(y_true.shape) == (t if len(t) == 2 else (4, 1))
        return
    with pytest.raises(ValueError, match="2 components|does not fit"):
        shapes.fit(Owner(), Takes("real", "parameters", "mixture"), *pair)


@pytest.mark.parametrize(("t", "p", "fits"), [
    ((4, 2), (4, 1), True), ((4, 2), (4,), True), ((4, 2), (4, 3), False), ((4, 3), (4, 1), False),
    ((4,), (4, 1), False), ((3, 2), (4, 1), False), ((4, 2), (4, 1, 1), False),
])
def test_times_and_events(t, p, fits):
    owner, takes = Owner(), Takes("survival", "scores", "survival")
    owner.target_columns, owner.outputs = 2, 1
    if fits:
        _, y_pred = shapes.fit(owner, takes, ops.zeros(t), ops.zeros(p))
        assert tuple(y_pred.shape) == (4, 1)
        return
    with pytest.raises(ValueError, match="does not fit.*Times come first"):
        shapes.fit(owner, takes, ops.zeros(t), ops.zeros(p))


def test_members_come_last():
    """One after the other in the rows, or on an axis of their own."""
    rows = np.arange(12.0).reshape(2, 6)
    for given in (rows, rows.reshape(2, 3, 2).swapaxes(1, 2)):
        pair = ops.zeros((2, 2)), ops.convert_to_tensor(given)
        _, y_pred = shapes.fit(Owner(), Takes("real", "real", "members"), *pair)
        np.testing.assert_array_equal(ops.convert_to_numpy(y_pred)[0], [[0, 2, 4], [1, 3, 5]])


# `(word, y_true, y_pred, both shapes afterwards)`; what has none is refused.
SPATIAL = [
    ("images", (2, 5, 6, 3), (2, 5, 6, 3), ((2, 5, 6, 3), (2, 5, 6, 3))),
    ("images", (2, 5, 6), (2, 5, 6, 1), ((2, 5, 6, 1), (2, 5, 6, 1))),
    ("images", (2, 4, 5, 6, 1), (2, 4, 5, 6, 1), ((2, 4, 5, 6, 1), (2, 4, 5, 6, 1))),
    ("images", (2, 5, 6, 3), (2, 5, 6, 1), None),
    ("images", (1, 5, 6, 3), (2, 5, 6, 3), None),
    ("images", (2, 5, 6), (2, 5, 6), None),
    ("guides", (2, 5, 6, 3), (2, 5, 6, 1), ((2, 5, 6, 3), (2, 5, 6, 1))),
    ("guides", (2, 5, 6, 3), (2, 5, 6), ((2, 5, 6, 3), (2, 5, 6, 1))),
    ("guides", (2, 5, 6, 3), (2, 5, 6, 3), None),
    ("guides", (2, 5, 7, 3), (2, 5, 6, 1), None),
    ("fields", (2,), (2, 5, 6, 2), ((2,), (2, 5, 6, 2))),
    ("fields", (2, 1), (2, 4, 5, 6, 3), ((2, 1), (2, 4, 5, 6, 3))),
    ("fields", (2,), (2, 5, 6, 3), None),
    ("fields", (2,), (2, 5, 2), None),
    ("waves", (2, 9), (2, 9), ((2, 9, 1), (2, 9, 1))),
    ("waves", (2, 9), (2, 9, 1), ((2, 9, 1), (2, 9, 1))),
    ("waves", (2, 9, 2), (2, 9, 2), ((2, 9, 2), (2, 9, 2))),
    ("waves", (2, 9, 1), (2, 9, 2), None),
    ("waves", (2,), (2,), None),
    ("sources", (2, 3, 9), (2, 3, 9), ((2, 3, 9), (2, 3, 9))),
    ("sources", (2, 1, 9), (2, 3, 9), None),
    ("sources", (2, 9), (2, 9), None),
    ("spaces", (4, 3), (4, 5), ((4, 3), (4, 5))),
    ("spaces", (3, 3), (4, 5), None),
    ("spaces", (4,), (4, 5), None),
    ("points", (2, 5, 3), (2, 4, 3), ((2, 5, 3), (2, 4, 3))),
    ("points", (2, 5, 2), (2, 4, 3), None),
    ("points", (5, 3), (4, 3), None),
    ("preferences", (4, 2), (4, 2), ((4, 2), (4, 2))),
    ("preferences", (4, 3), (4, 3), None),
    ("preferences", (3, 2), (4, 2), None),
]


@pytest.mark.parametrize(("word", "t", "p", "after"), SPATIAL)
def test_pictures_sound_sets_and_preferences(word, t, p, after):
    takes = Takes("unused" if word == "fields" else "real", "real", word)
    if after is None:
        with pytest.raises(ValueError, match="owner: "):
            shapes.fit(Owner(), takes, ops.zeros(t), ops.zeros(p))
        return
    found = shapes.fit(Owner(), takes, ops.zeros(t), ops.zeros(p))
    assert tuple(tuple(x.shape) for x in found) == after


@pytest.mark.parametrize(("t", "p"), [((4,), (4, 1)), ((4, 2), (4, 5)), ((3,), (4, 3))])
def test_free_pairs_are_handed_on(t, p):
    y_true, y_pred = shapes.fit(Owner(), Takes("any", "any", "free"), ops.zeros(t), ops.zeros(p))
    assert tuple(y_pred.shape) == p
    assert tuple(y_true.shape) == ((4, 1) if t == (4,) else t)


def test_shapes_that_are_not_known_are_checked_as_far_as_they_are():
    assert shapes.compatible((None, 3), (4, 3)) and shapes.compatible((4, None), (None, 3))
    assert not shapes.compatible((None, 3), (4, 2)) and not shapes.compatible((None,), (None, 1))
