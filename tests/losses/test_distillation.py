"""Distillation: parts of y_true, `fit`, and agreement with the plain distillation."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from tests.backends import to_numpy, value_and_gradient
from tests.cases.distillation import FIRST, LABELS, PACKED, SECOND, STUDENT, TEACHER

PARTS = {"labels": LABELS, "logits": TEACHER.astype("float32")}
P = STUDENT.astype("float32")


def test_a_dict_of_parts_is_one_packed_array():
    loss = kl.DecoupledDistillation(reduction="none")
    expected = to_numpy(loss(PACKED.astype("float32"), P))
    np.testing.assert_allclose(to_numpy(loss(PARTS, P)), expected, rtol=1e-5)
    column = {**PARTS, "labels": LABELS[..., None].astype("float32")}
    np.testing.assert_allclose(to_numpy(loss(column, P)), expected, rtol=1e-5)


def test_the_plain_distillation_is_a_choice_of_weights():
    """KL = TCKD + (1 - p)·NCKD: of one sample, with its teacher's p."""
    t, p, label = TEACHER[0, 0], STUDENT[0, 0], LABELS[0, 0]
    e = np.exp(t / 2)
    share = (e / e.sum())[label]
    loss = kl.DecoupledDistillation(alpha=1.0, beta=float(1 - share), temperature=2.0)
    got = loss({"labels": [label], "logits": t[None]}, p[None])
    plain = kl.Distillation(2.0)(t[None], p[None])
    np.testing.assert_allclose(to_numpy(got), to_numpy(plain), rtol=1e-4)


def test_masks_and_weights_of_a_dict():
    loss = kl.DecoupledDistillation()
    mask = np.array([True, False, True, True])
    spoilt = P.copy()
    spoilt[1] = np.nan
    wrong = {"labels": np.where(mask[:, None], LABELS, 99), "logits": PARTS["logits"]}
    kept = {k: v[mask] for k, v in PARTS.items()}
    value, gradient = value_and_gradient(lambda p: loss.evaluate(wrong, p, None, mask), spoilt)
    np.testing.assert_allclose(value, to_numpy(loss(kept, P[mask])), rtol=1e-5)
    assert np.isfinite(gradient).all() and not gradient[1].any()
    with pytest.raises(ValueError, match="class id 99"):
        loss(wrong, P)


def test_parts_that_do_not_fit_raise():
    loss = kl.DecoupledDistillation()
    for wrong, said in (
        ({"labels": LABELS}, "labels.*logits"),
        ({**PARTS, "logits": TEACHER[..., :3]}, "does not fit y_pred"),
        ({**PARTS, "labels": LABELS[:, :1]}, "does not fit y_pred"),
        (TEACHER, "one array of both"),
    ):
        with pytest.raises(ValueError, match=said):
            loss(wrong, P)
    with pytest.raises(ValueError, match="two classes"):
        loss({"labels": LABELS, "logits": TEACHER[..., :1]}, P[..., :1])


@pytest.mark.parametrize("packed", [True, False])
def test_fit_with_both_in_one_array(packed):
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(32, 5)).astype("float32")
    teacher = x @ rng.normal(size=(5, 3)).astype("float32") * 2
    y = np.concatenate([teacher.argmax(-1)[:, None], teacher], -1).astype("float32")
    loss = kl.DecoupledDistillation()
    if not packed:
        loss = loss.on(y_true={"labels": 0, "logits": slice(1, None)})
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)])
    model.compile(optimizer=keras.optimizers.Adam(0.05), loss=loss)
    before = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=8, batch_size=8, verbose=0)
    assert model.evaluate(x, y, verbose=0) < 0.5 * before


def test_relations_know_neither_scale_nor_place_nor_rotation():
    loss = kl.RelationalDistillation()
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    moved = (3 * FIRST @ turn + 5).astype("float32")
    np.testing.assert_allclose(to_numpy(loss(FIRST, moved)), 0, atol=1e-4)
    twice = np.concatenate([SECOND, SECOND[:1]]).astype("float32")
    value, gradient = value_and_gradient(
        lambda p: loss(np.concatenate([FIRST, FIRST[:1]]), p), twice
    )
    assert np.isfinite(value) and np.isfinite(gradient).all()


def test_relational_weights_of_samples():
    """A weight of 2 is a sample that is there twice, as far as means go."""
    loss = kl.RelationalDistillation(angle_weight=0.0)
    equal = to_numpy(loss(FIRST, SECOND, np.full(5, 3.0)))
    np.testing.assert_allclose(equal, to_numpy(loss(FIRST, SECOND)), rtol=1e-6)
    dropped = to_numpy(loss(FIRST, SECOND, np.array([1.0, 1, 0, 1, 1])))
    keep = [0, 1, 3, 4]
    np.testing.assert_allclose(dropped, to_numpy(loss(FIRST[keep], SECOND[keep])), rtol=1e-5)
    assert to_numpy(ops.convert_to_tensor(loss(FIRST[:1], SECOND[:1]))) == 0
