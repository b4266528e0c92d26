"""What a run lends to losses is found inside of it, by its own thread, and nowhere else."""

import gc
import threading
import weakref

import keras
import numpy as np
import pytest

import keras_losskit as kl
from keras_losskit.core import run
from keras_losskit.doctor.watch import watch


def total():
    return kl.MeanSquaredError() + kl.LinearWarmup(5) * kl.Huber()


def test_runs_are_nested_and_left_again_after_an_error():
    outer, inner = run.Run(), run.Run()
    assert run.current() is None
    with outer.active():
        with pytest.raises(RuntimeError), inner.active():
            assert run.current() is inner
            raise RuntimeError
        assert run.current() is outer
    assert run.current() is None


def test_another_thread_is_in_no_run():
    found = []
    with run.Run().active():
        thread = threading.Thread(target=lambda: found.append(run.current()))
        thread.start()
        thread.join()
    assert found == [None]


def test_a_weight_is_found_by_the_loss_and_else_by_its_equal():
    lent, first, second = run.Run(), total(), total()
    one, two = keras.Variable(1.0), keras.Variable(2.0)
    lent.drive(first, "huber", one)
    assert lent.driven(first, "huber") is one
    assert lent.driven(second, "huber") is one  # A reloaded metric's.
    lent.drive(second, "huber", two)
    assert lent.driven(first, "huber") is one and lent.driven(second, "huber") is two
    lent.drive(first, "huber", two)
    assert lent.driven(first, "huber") is two
    assert lent.driven(kl.LogCosh() + first, "huber") is None
    assert lent.driven(first, "mean_squared_error") is None


def test_each_observer_is_called_once_in_its_run_alone():
    lent, loss, seen = run.Run(), kl.MeanSquaredError(), []

    def observer(y_true, y_pred, sample_weight):
        seen.append(np.asarray(sample_weight).tolist())

    for _ in range(2):
        lent.observe(loss, observer)
    y = np.ones((2, 1))
    loss(y, y)
    with lent.active():
        loss(y, y, [1.0, 2.0])
        kl.MeanSquaredError()(y, y)  # Equal, and another.
    assert seen == [[1.0, 2.0]]


def model():
    made = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    made.compile("sgd", loss=kl.MeanSquaredError())
    return made


def test_a_model_has_one_run_and_its_class_none(tmp_path):
    made, other = model(), model()
    plain = {name: getattr(type(made), name) for name in run._STEPS}
    mine = run.run_of(made)
    assert run.run_of(made) is mine and run.run_of(other) is not mine
    for name, step in plain.items():
        assert getattr(type(made), name) is step and vars(made)[name].__name__ == name
    made.save(tmp_path / "model.keras")
    assert "loss_run" not in vars(keras.saving.load_model(tmp_path / "model.keras"))
    again = keras.models.clone_model(made)
    assert "loss_run" not in vars(again)


def test_a_run_ends_with_its_model():
    made = model()
    run.run_of(made)
    gone = weakref.ref(made)
    del made
    gc.collect()
    keras.backend.clear_session()
    gc.collect()
    assert gone() is None


def test_whether_a_mask_came_is_said_of_the_last_call():
    first, second = kl.MeanSquaredError(), kl.MeanSquaredError()
    run.note_mask(first, True)
    assert run.saw_mask(first) and not run.saw_mask(second)  # Equal, and another.
    found = []
    thread = threading.Thread(target=lambda: found.append(run.saw_mask(first)))
    thread.start()
    thread.join()
    assert found == [False]
    run.note_mask(second, True)
    run.note_mask(first, False)
    assert run.saw_mask(second) and not run.saw_mask(first)
    for _ in range(20):
        run.note_mask(kl.MeanSquaredError(), True)
    assert len(run._masked.get()) <= 8  # Losses are not kept for ever.
    run.note_mask(second, False)


def test_watching_nested_and_threaded():
    seen = {}
    with kl.watching() as outer:
        watch("a", keras.ops.ones(2))
        with kl.watching() as inner:
            watch("b", keras.ops.ones(2))

            def elsewhere():
                watch("c", keras.ops.ones(2))
                with kl.watching() as own:
                    watch("d", keras.ops.ones(2))
                seen.update(own)

            thread = threading.Thread(target=elsewhere)
            thread.start()
            thread.join()
        watch("e", keras.ops.ones(2))
        with kl.watching() as empty:
            pass
    watch("f", keras.ops.ones(2))
    assert [*outer] == ["a", "b", "e"] and [*inner] == ["b"] and not empty
    assert [*seen] == ["d"]
