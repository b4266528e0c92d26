"""`CrossBatchMemory`: the plain batch of both parts, saved, resumed, left alone in inference."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from tests.backends import BACKEND, to_numpy, value_and_gradient
from tests.elsewhere.rows import close, unit

rng = np.random.default_rng(12)
X = rng.normal(size=(20, 3)).astype("float32")
IDS = rng.integers(0, 3, size=20).astype("int32")
HARD = kl.TripletHard(margin=1.0)
LOSSES = [  # JAX compiles each anew at every size.
    HARD,
    *[
        kl.LiftedStructure(),
        kl.MultiSimilarity(2.0, 5.0) + 0.5 * kl.SoftNearestNeighbor(),
        kl.Matryoshka(kl.SupervisedContrastive(), sizes=[2, 3]),
    ][: 3 if BACKEND != "jax" else 1],
]


def call(layer, rows, *weights, **options):
    """The loss that the layer adds of these rows."""
    inputs = [ops.convert_to_tensor(a[rows]) for a in (X, IDS, *weights)]
    out = layer(inputs, **options)
    np.testing.assert_array_equal(to_numpy(out), X[rows])
    (value,) = layer.losses
    return to_numpy(value)


def among(loss, batch, memory, weights=None, columns=slice(None)):
    """The mean over the batch's anchors that have the pairs that they need."""
    if isinstance(loss, kl.WeightedSum):
        return sum(w * among(part, batch, memory) for w, part in loss.terms.values())
    if isinstance(loss, kl.Select):
        return among(loss.loss, batch, memory, None, loss.y_pred)
    rows = [*batch, *memory]
    weights = np.ones(len(rows)) if weights is None else np.array([*weights, *[1] * len(memory)])
    plain = type(loss).from_config({**loss.get_config(), "reduction": "none"})
    values = to_numpy(plain(IDS[rows], X[rows][:, columns], weights))
    counted = []
    for i in range(len(batch)):
        others = [j for j in range(len(rows)) if j != i and weights[j]]
        same = [IDS[rows[j]] == IDS[rows[i]] for j in others]
        counted.append(any(same) and (not all(same) or not loss.needs_negatives))
    return values[: len(batch)][counted].sum() / max(sum(counted), 1)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda x: x.name)
def test_it_is_the_plain_batch_of_both_parts(loss):
    layer = kl.CrossBatchMemory(loss, size=7)
    rows = np.arange(20)
    np.testing.assert_allclose(call(layer, rows[:4]), among(loss, rows[:4], []), rtol=1e-5)
    np.testing.assert_allclose(
        call(layer, rows[4:8]), among(loss, rows[4:8], rows[:4]), rtol=1e-5)
    # The last seven of the eight that it has seen; then more at once than it can keep.
    np.testing.assert_allclose(
        call(layer, rows[8:17]), among(loss, rows[8:17], rows[1:8]), rtol=1e-5)
    np.testing.assert_allclose(
        call(layer, rows[17:]), among(loss, rows[17:], rows[10:17]), rtol=1e-5)


def test_the_gradient_is_of_the_batch_alone():
    layer, batch, memory = kl.CrossBatchMemory(HARD, size=8), np.arange(5), np.arange(5, 9)
    call(layer, memory)

    def added(x):
        layer([x, ops.convert_to_tensor(IDS[batch])], training=False)
        return layer.losses[0]

    def plain(x):
        rows = ops.concatenate([x, ops.convert_to_tensor(X[memory])], axis=0)
        values, _, counted = HARD.weighable(
            ops.convert_to_tensor(IDS[np.r_[batch, memory]]), rows, None, None)
        counted = ops.cast(counted[:5], "float32")
        return ops.sum(values[:5] * counted) / ops.sum(counted)

    value, gradient = value_and_gradient(added, X[batch])
    expected, slope = value_and_gradient(plain, X[batch])
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    np.testing.assert_allclose(gradient, slope, rtol=1e-4, atol=1e-6)
    assert np.abs(slope).max() > 1e-2


def test_nothing_is_kept_before_its_start():
    layer, rows = kl.CrossBatchMemory(HARD, size=8, start=2), np.arange(16).reshape(4, 4)
    for i, kept in enumerate([[], [], [], rows[2]]):
        np.testing.assert_allclose(call(layer, rows[i]), among(HARD, rows[i], kept), rtol=1e-5)


def test_inference_compares_and_keeps_nothing():
    layer, rows = kl.CrossBatchMemory(HARD, size=8), np.arange(12).reshape(3, 4)
    call(layer, rows[0])
    before = [to_numpy(w) for w in layer.weights]
    found = call(layer, rows[1], training=False)
    np.testing.assert_allclose(found, among(HARD, rows[1], rows[0]), rtol=1e-5)
    for a, b in zip(layer.weights, before, strict=True):
        np.testing.assert_array_equal(to_numpy(a), b)


def test_what_weighs_nothing_or_is_masked_is_no_pair_later():
    layer, rows = kl.CrossBatchMemory(HARD, size=8), np.arange(12).reshape(3, 4)
    weights = np.ones(20, "float32")
    weights[1] = 0
    x = X.copy()
    x[1] = np.nan
    inputs = [ops.convert_to_tensor(a[rows[0]]) for a in (x, IDS, weights)]
    layer(inputs)
    found = call(layer, rows[1], weights)
    np.testing.assert_allclose(found, among(HARD, rows[1], [0, 2, 3]), rtol=1e-5)
    weights[rows[2]] = own = [1, 2, 0, 1]
    found = call(layer, rows[2], weights, training=False)
    expected = among(HARD, rows[2], [0, 2, 3, *rows[1]], own)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def network(start=0):
    keras.utils.set_random_seed(4)
    x, ids = keras.Input((3,)), keras.Input((), dtype="int32")
    kept = kl.CrossBatchMemory(kl.SupervisedContrastive(0.5), size=6, start=start)(
        [keras.layers.Dense(2)(x), ids])
    model = keras.Model([x, ids], kept)
    model.compile(keras.optimizers.SGD(0.1))
    return model


def fit(model, rows, epochs=1):
    return model.fit(
        [X[rows], IDS[rows]], batch_size=4, epochs=epochs, shuffle=False, verbose=0
    ).history["loss"]


def test_training_goes_on_from_a_file_exactly(tmp_path):
    through, part = network(start=1), network(start=1)
    losses = fit(through, slice(0, 20), 2)
    first = fit(part, slice(0, 20))
    part.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    second = fit(again, slice(0, 20))
    np.testing.assert_allclose([*first, *second], losses, rtol=1e-6)
    for a, b in zip(again.get_weights(), through.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    # The memory was part of it: without one the first loss of the second part is another.
    forgetful = keras.saving.load_model(tmp_path / "model.keras")
    for state in forgetful.layers[-1].non_trainable_variables:
        state.assign(ops.zeros(state.shape, state.dtype))
    assert abs(fit(forgetful, slice(0, 20))[0] - second[0]) > 1e-4
    assert len(again.trainable_weights) == 2
    again.evaluate([X, IDS], verbose=0)
    assert again.predict([X, IDS], verbose=0).shape == (20, 2)


def test_a_batch_of_any_size_under_mixed_precision():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = network()
        assert np.isfinite(fit(model, slice(0, 19))).all()
        assert to_numpy(model.layers[-1].embeddings).dtype == "float32"
        assert to_numpy(model.layers[-1].ids).tolist() == IDS[13:19].tolist()
    finally:
        keras.config.set_dtype_policy(policy)


def test_bad_arguments_and_inputs():
    for loss in (kl.InfoNCE(), "mse", kl.ProxyAnchor(), kl.Triplet()):
        with pytest.raises(ValueError, match="`loss` must be a loss on class ids"):
            kl.CrossBatchMemory(loss)
    for options in ({"size": 0}, {"size": 2.5}, {"start": -1}, {"size": None}):
        with pytest.raises((ValueError, TypeError), match=next(iter(options))):
            kl.CrossBatchMemory(HARD, **options)
    with pytest.raises(ValueError, match=r"\[embeddings, ids\]"):
        kl.CrossBatchMemory(HARD)(ops.convert_to_tensor(X))
    with pytest.raises(ValueError, match=r"\[embeddings, ids\]"):
        kl.CrossBatchMemory(HARD)([ops.convert_to_tensor(X), ops.convert_to_tensor(X)])
    config = kl.CrossBatchMemory(HARD, size=9, start=3, name="memory").get_config()
    again = kl.CrossBatchMemory.from_config(config)
    assert (again.loss, again.size, again.start, again.name) == (HARD, 9, 3, "memory")


def pml_supervised(x, ids, memory, memory_ids, temperature):
    """pml 2.9.0, `CrossBatchMemory` with `SupConLoss`: anchors of the batch, which is in the

    memory too; a sample is not compared with itself; the mean over anchors with a positive.
    """
    n, found = len(x), []
    of_all, all_ids = np.concatenate([x, memory]), np.r_[ids, memory_ids]
    s = unit(x) @ unit(of_all).T / temperature
    for a in range(n):
        others = [k for k in range(len(of_all)) if k != a]
        positives = [k for k in others if all_ids[k] == ids[a]]
        if positives:
            log_total = np.log(sum(np.exp(s[a, k]) for k in others))
            found.append(np.mean([log_total - s[a, p] for p in positives]))
    return np.mean(found)


def test_it_is_that_of_pytorch_metric_learning():
    layer, batch, memory = kl.CrossBatchMemory(kl.SupervisedContrastive(0.2), size=9), 4, 9
    call(layer, slice(0, memory))
    found = call(layer, slice(memory, memory + batch))
    x, ids = X[memory : memory + batch], IDS[memory : memory + batch]
    close(found, pml_supervised(x, ids, X[:memory], IDS[:memory], 0.2))


@pytest.mark.skipif(BACKEND != "tensorflow", reason="tf.function")
def test_it_traces_once_for_batches_of_any_size():
    import tensorflow as tf

    layer, traces = kl.CrossBatchMemory(HARD, size=8), []
    layer.build([(None, 3), (None,)])

    @tf.function(input_signature=[tf.TensorSpec((None, 3)), tf.TensorSpec((None,), "int32")])
    def step(x, ids):
        traces.append(1)
        layer([x, ids])
        return layer.losses[0]

    rows = np.arange(20)
    for part, kept in ((rows[:3], []), (rows[3:8], rows[:3]), (rows[8:9], rows[:8])):
        found = step(tf.constant(X[part]), tf.constant(IDS[part]))
        np.testing.assert_allclose(found, among(HARD, part, kept), rtol=1e-5)
    assert len(traces) == 1
