"""The last layer and its loss in one: equal to the dense computation, in the memory of a chunk."""

import keras
import numpy as np
import pytest

import keras_losskit as kl
from keras_losskit.training.linear_crossentropy import token_crossentropies
from tests.backends import BACKEND, compiled, to_numpy, value_and_gradient, wide

rng = np.random.default_rng(19)
V, D = 11, 4
H = rng.normal(size=(3, 5, D)).astype("float32")
W = rng.normal(size=(D, V)).astype("float32")
IDS = rng.integers(0, V, size=(3, 5))
WEIGHTS = rng.uniform(0.2, 2.0, size=(3, 5)).astype("float32")
OPTIONS = {"z_loss": 0.02, "label_smoothing": 0.1, "soft_cap": 2.5}
SOME = [{}, *({k: v} for k, v in OPTIONS.items()), OPTIONS]


def dense(h, w, ids, scale, z_loss=0.0, label_smoothing=0.0, soft_cap=None):
    """Σ scale·value and its gradients by h and w: all logits at once, in float64, by hand."""
    h, w = h.reshape(-1, h.shape[-1]).astype("float64"), w.astype("float64")
    raw = h @ w
    z = raw if soft_cap is None else soft_cap * np.tanh(raw / soft_cap)
    total, by_z = 0.0, np.zeros_like(z)
    for n, (row, true, share) in enumerate(zip(z, ids.ravel(), scale.ravel())):
        e = np.exp(row)
        log_sum, p = np.log(e.sum()), e / e.sum()
        target = np.full(len(row), label_smoothing / len(row))
        target[true] += 1 - label_smoothing
        total += share * (-(target * (row - log_sum)).sum() + z_loss * log_sum**2)
        by_z[n] = share * (p - target + 2 * z_loss * log_sum * p)
    if soft_cap is not None:
        by_z = by_z / np.cosh(raw / soft_cap) ** 2
    return total, by_z @ w.T, h.T @ by_z


def layer_of(chunk_size=4, kernel=W, **options):
    layer = kl.LinearCrossentropy(kernel.shape[1], chunk_size, **options)
    layer.build((None, None, D))
    layer.set_weights([kernel])
    return layer


def loss_of(layer):
    """The loss that a call of a layer adds."""

    def loss(*inputs):
        layer(list(inputs))
        return layer.losses[-1]

    return loss


@pytest.mark.parametrize("chunk_size", [1, 4, 15, 99])
def test_value_and_gradient_are_those_of_all_logits(chunk_size):
    layer = layer_of(chunk_size, **OPTIONS)
    value, gradient = value_and_gradient(loss_of(layer), H, IDS, WEIGHTS)
    expected, by_h, _ = dense(H, W, IDS, WEIGHTS / 15, **OPTIONS)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    np.testing.assert_allclose(gradient.reshape(-1, D), by_h, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("options", SOME, ids=lambda some: "-".join(some) or "plain")
@pytest.mark.parametrize("by_rows", [False, True], ids=["kernel", "embedding"])
def test_the_gradient_by_the_matrix(by_rows, options):
    upstream = rng.normal(size=15).astype("float32")
    constants = {"z_loss": 0.0, "label_smoothing": 0.0, "soft_cap": None, **options}
    constants.update(chunk_size=4, by_rows=by_rows, dtype="float32")

    def total(w, upstream):
        h = keras.ops.convert_to_tensor(H.reshape(-1, D))
        ids = keras.ops.convert_to_tensor(IDS.ravel().astype("int32"))
        values = token_crossentropies(h, keras.ops.convert_to_tensor(w), ids, **constants)
        return keras.ops.sum(values * keras.ops.convert_to_tensor(upstream))

    value, gradient = value_and_gradient(total, W.T.copy() if by_rows else W, upstream)
    expected, _, by_w = dense(H, W, IDS, upstream, **options)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    np.testing.assert_allclose(gradient.T if by_rows else gradient, by_w, rtol=1e-5, atol=1e-6)


def test_float64_is_honoured():
    with wide():
        layer = layer_of(dtype="float64", **OPTIONS)
        value, gradient = value_and_gradient(loss_of(layer), H.astype("float64"), IDS)
    expected, by_h, _ = dense(H, W, IDS, np.full(15, 1 / 15), **OPTIONS)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(gradient.reshape(-1, D), by_h, rtol=1e-11, atol=1e-13)


def test_it_is_the_layer_and_loss_of_keras():
    """The row of the docstring."""
    theirs = keras.layers.Dense(V, use_bias=False)
    theirs.build((None, D))
    theirs.set_weights([W])
    expected = keras.losses.SparseCategoricalCrossentropy(True)(IDS, theirs(H))
    found = to_numpy(loss_of(layer_of())(H, IDS))
    assert float(found) == pytest.approx(float(to_numpy(expected)), rel=1e-5)
    np.testing.assert_allclose(to_numpy(layer_of()(H)), to_numpy(theirs(H)), rtol=1e-5, atol=1e-6)


def test_what_does_not_count():
    """An ignored id, a mask and a weight of 0, with NaN there: as `CategoricalCrossentropy`."""
    ids, h, weights = IDS.copy(), H.copy(), WEIGHTS.copy()
    ids[0, 1], ids[2, 4] = -7, -7
    weights[1, 2] = 0
    h[0, 1], h[1, 2] = np.nan, np.nan
    layer = layer_of(ignore_class=-7)
    value, gradient = value_and_gradient(loss_of(layer), h, ids, weights)
    scale = np.where(ids == -7, 0, weights) / 13
    clean = np.nan_to_num(h)
    expected, by_h, _ = dense(clean, W, np.where(ids == -7, 0, ids), scale)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    np.testing.assert_allclose(gradient.reshape(-1, D), by_h, rtol=1e-5, atol=1e-6)
    other = kl.CategoricalCrossentropy(from_logits=True, ignore_class=-7)
    assert value == pytest.approx(float(other(ids, clean @ W, weights)), rel=1e-5)
    nothing, slope = value_and_gradient(loss_of(layer), h, np.full_like(ids, -7), weights)
    assert nothing == 0 and not slope.any()
    masked = keras.layers.Masking()(np.where(np.arange(5)[None, :, None] < 3, H, 0))
    expected, _, _ = dense(H[:, :3], W, IDS[:, :3], np.full(9, 1 / 9))
    assert float(to_numpy(loss_of(layer_of())(masked, IDS))) == pytest.approx(expected, rel=1e-5)


def with_slope(loss):
    """A function of the same inputs that returns the value and its gradient by the first one."""
    if BACKEND == "jax":
        import jax

        return jax.value_and_grad(loss)
    import tensorflow as tf

    def call(first, *rest):
        with tf.GradientTape() as tape:
            tape.watch(first)
            value = loss(first, *rest)
        return value, tape.gradient(value, first)

    return call


@pytest.mark.parametrize("strange", [-1, V])
def test_an_id_out_of_range_in_a_graph_costs_nothing(strange):
    """Where values are seen it is refused; a graph counts it as 0, and it moves nothing."""
    ids = IDS.copy()
    ids[1, 3] = strange
    expected, by_h, _ = dense(H, W, np.clip(ids, 0, V - 1), (ids != strange) / 15)
    if BACKEND == "torch":
        pytest.skip("torch runs eagerly, where it is refused")
    inputs = [keras.ops.convert_to_tensor(x) for x in (H, ids.astype("int32"))]
    for how, function in compiled(with_slope(loss_of(layer_of()))).items():
        value, slope = (to_numpy(x) for x in function(*inputs))
        assert float(value) == pytest.approx(expected, rel=1e-5), how
        np.testing.assert_allclose(slope.reshape(-1, D), by_h, rtol=1e-5, atol=1e-6)


def test_large_logits():
    value, gradient = value_and_gradient(loss_of(layer_of()), 1e3 * H, IDS)
    expected, by_h, _ = dense_of_large(1e3 * H)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    np.testing.assert_allclose(gradient.reshape(-1, D), by_h, rtol=1e-4, atol=1e-6)


def dense_of_large(h):
    """By log-softmax less the maximum; gradients as above."""
    z = h.reshape(-1, D).astype("float64") @ W.astype("float64")
    z = z - z.max(-1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    one = np.eye(V)[IDS.ravel()]
    value = -(one * (z - np.log(np.exp(z).sum(-1, keepdims=True)))).sum() / 15
    return value, (p - one) @ W.T.astype("float64") / 15, None


def test_compiled_for_any_batch():
    layer = layer_of(**OPTIONS)
    for how, function in compiled(loss_of(layer)).items():
        for n in (3, 1):
            inputs = [keras.ops.convert_to_tensor(x[:n]) for x in (H, IDS, WEIGHTS)]
            expected, _, _ = dense(H[:n], W, IDS[:n], WEIGHTS[:n] / (5 * n), **OPTIONS)
            got = float(to_numpy(function(*inputs)))
            assert got == pytest.approx(expected, rel=1e-5), (how, n)


def model(layer, tied=None):
    """Both parts that train: what makes the hidden states, and the layer."""
    x, ids = keras.Input((5, D)), keras.Input((5,), dtype="int32")
    hidden = keras.layers.Dense(D, use_bias=False, kernel_initializer="identity")(x)
    made = keras.Model([x, ids], layer([hidden, ids]))
    made.compile(keras.optimizers.SGD(1.0))
    return made


def test_fit_moves_both_weights_by_their_gradients():
    layer = layer_of(**OPTIONS)
    made = model(layer)
    logs = made.fit([H, IDS], epochs=1, batch_size=3, verbose=0).history
    expected, by_h, by_w = dense(H, W, IDS, np.full(15, 1 / 15), **OPTIONS)
    assert logs["loss"][0] == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(to_numpy(layer.kernel.value), W - by_w, rtol=1e-5, atol=1e-5)
    moved = np.eye(D) - H.reshape(-1, D).T.astype("float64") @ by_h
    np.testing.assert_allclose(made.layers[1].get_weights()[0], moved, rtol=1e-5, atol=1e-5)
    hidden = made.predict([H, IDS], verbose=0)  # Handed on unchanged.
    np.testing.assert_allclose(hidden, H @ made.layers[1].get_weights()[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["Embedding", "ReversibleEmbedding", "untied"])
def test_tied_weights_train_once_and_come_back(kind, tmp_path):
    if kind != "Embedding" and not hasattr(keras.layers, "ReversibleEmbedding"):
        pytest.skip("this Keras has none")
    keras.utils.set_random_seed(3)
    if kind == "Embedding":
        embedding = keras.layers.Embedding(V, D)
    else:
        embedding = keras.layers.ReversibleEmbedding(V, D, tie_weights=kind != "untied")
    layer = kl.LinearCrossentropy(V, chunk_size=4, tied_to=embedding)
    tokens, ids = keras.Input((5,), dtype="int32"), keras.Input((5,), dtype="int32")
    hidden = embedding(tokens)
    made = keras.Model([tokens, ids], layer([hidden, ids]))
    logits = keras.Model(tokens, layer(hidden))
    assert len(made.trainable_variables) == (2 if kind == "untied" else 1)
    made.compile(keras.optimizers.SGD(1.0))
    table = [w.copy() for w in embedding.get_weights()]
    made.fit([IDS, IDS[:, ::-1]], epochs=1, batch_size=3, verbose=0)
    h, w = table[0][IDS], (table[1] if kind == "untied" else table[0].T)
    _, by_h, by_w = dense(h, w, IDS[:, ::-1], np.full(15, 1 / 15))
    expected = table[0].astype("float64")
    np.subtract.at(expected, IDS.ravel(), by_h)
    if kind != "untied":
        expected -= by_w.T
    np.testing.assert_allclose(embedding.get_weights()[0], expected, rtol=1e-5, atol=1e-5)
    path = tmp_path / "model.keras"
    made.save(path)
    again = keras.saving.load_model(path)
    assert again.layers[-1].tied_to is again.get_layer(embedding.name)
    assert again.evaluate([IDS, IDS], verbose=0) == pytest.approx(
        made.evaluate([IDS, IDS], verbose=0), rel=1e-6
    )
    clone = keras.models.clone_model(made)  # Of each layer by its config, as documented.
    assert clone.layers[-1].tied_to is not clone.get_layer(embedding.name)
    assert len(clone.trainable_variables) == (4 if kind == "untied" else 2)
    logits.save(path)
    found = keras.saving.load_model(path)
    np.testing.assert_allclose(
        found.predict(IDS, verbose=0), logits.predict(IDS, verbose=0), rtol=1e-6
    )
    if kind == "ReversibleEmbedding":
        np.testing.assert_allclose(
            to_numpy(layer(H)), to_numpy(embedding(H, reverse=True)), rtol=1e-5, atol=1e-6
        )


def test_it_is_saved_with_every_option(tmp_path):
    layer = kl.LinearCrossentropy(
        V, 4, 0.02, 0.1, -7, 2.5, kernel_regularizer=keras.regularizers.L2(0.1),
        kernel_constraint="max_norm",
    )
    made = model(layer)
    made.fit([H, IDS], verbose=0)
    made.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.layers[-1].get_config() == layer.get_config()
    expected = made.evaluate([H, IDS], verbose=0)
    assert again.evaluate([H, IDS], verbose=0) == pytest.approx(expected, rel=1e-6)
    np.testing.assert_array_equal(to_numpy(again.layers[-1](H)), to_numpy(layer(H)))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(policy):
    """Products in the low precision; what is added up is not."""
    layer = layer_of(dtype=policy)
    value, gradient = value_and_gradient(loss_of(layer), H, IDS)
    low = keras.ops.cast(H, layer.compute_dtype), keras.ops.cast(W, layer.compute_dtype)
    h, w = (to_numpy(keras.ops.cast(x, "float32")) for x in low)
    expected, by_h, _ = dense(h, w, IDS, np.full(15, 1 / 15))
    digits = 3e-2 if policy == "mixed_bfloat16" else 3e-3  # Two and three digits a product.
    assert value.dtype == "float32" and gradient.dtype == "float32"
    np.testing.assert_allclose(value, expected, rtol=digits)
    np.testing.assert_allclose(gradient.reshape(-1, D), by_h, rtol=digits, atol=digits / 15)
    assert layer(H).dtype == layer.compute_dtype or str(layer.compute_dtype) in str(layer(H).dtype)
    keras.utils.set_random_seed(0)
    made = model(kl.LinearCrossentropy(V, 4, dtype=policy))
    losses = made.fit([H, IDS], epochs=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0] and np.isfinite(losses).all()


def test_capped_logits_in_inference():
    found = to_numpy(layer_of(soft_cap=2.5)(H))
    np.testing.assert_allclose(found, 2.5 * np.tanh(H @ W / 2.5), rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(BACKEND == "jax", reason="there it is right")
def test_second_derivatives_are_refused():
    layer = layer_of()

    def slope(h):
        return keras.ops.sum(kl.input_gradient(lambda x: loss_of(layer)(x, IDS), h))

    with pytest.raises(Exception, match="twice"):
        value_and_gradient(slope, H)


def test_what_it_refuses():
    layer = layer_of()
    with pytest.raises(ValueError, match=r"ids of shape \(3, 4\) do not fit"):
        layer([H, IDS[:, :4]])
    with pytest.raises(ValueError, match="Received 4 inputs"):
        layer([H, IDS, WEIGHTS, WEIGHTS])
    with pytest.raises(ValueError, match=r"class id 11 is outside \[0, 11\)"):
        layer([H, np.full_like(IDS, 11)])
    with pytest.raises(ValueError, match="sample_weight"):
        layer([H, IDS, WEIGHTS[:, :4]])
    with pytest.raises(TypeError, match="`tied_to`"):
        kl.LinearCrossentropy(V, tied_to="embedding")
    with pytest.raises(ValueError, match="Embedding of 5 words"):
        kl.LinearCrossentropy(V, tied_to=keras.layers.Embedding(5, D))
    with pytest.raises(ValueError, match="3 dimensions|has 3"):
        kl.LinearCrossentropy(V, tied_to=keras.layers.Embedding(V, 3))(H)


@pytest.mark.parametrize(
    "bad",
    [
        {"units": 0}, {"chunk_size": 0}, {"chunk_size": 1.5}, {"z_loss": -1},
        {"label_smoothing": 1.0}, {"label_smoothing": -0.1}, {"ignore_class": 0.5},
        {"soft_cap": 0}, {"soft_cap": float("nan")},
    ],
)
def test_bad_arguments_are_named(bad):
    with pytest.raises((ValueError, TypeError), match=f"LinearCrossentropy: `{next(iter(bad))}`"):
        kl.LinearCrossentropy(**{"units": V, **bad})
