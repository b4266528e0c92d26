"""Losses on pictures: equal to TensorFlow's and scikit-image's, masks, digits, networks."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from tests.backends import BACKEND, to_numpy, value_and_gradient, wide
from tests.cases.restoration import FEATURES, PICTURE, RESTORED, VOLUME

rng = np.random.default_rng(20240802)
on_tensorflow = pytest.mark.skipif(BACKEND != "tensorflow", reason="TensorFlow's own functions")


def photograph(shape, noise=0.1):
    """Something smooth with edges, and a noisy copy, both in [0, 1]."""
    rows, columns = np.meshgrid(*(np.linspace(0, 1, n) for n in shape), indexing="ij")
    y = 0.5 + 0.3 * np.sin(9 * rows) * np.cos(7 * columns) + 0.2 * (rows > columns)
    y = np.stack([y, y**2, 1 - y], -1)[None].repeat(2, 0)
    p = np.clip(y + noise * rng.normal(size=y.shape), 0, 1)
    return y.astype("float32"), p.astype("float32")


# --- equal to others ------------------------------------------------------------------------


@on_tensorflow
@pytest.mark.parametrize("size", [11, 7])
def test_ssim_is_tensorflows(size):
    import tensorflow as tf

    y, p = photograph((40, 33))
    got = to_numpy(kl.SSIM(filter_size=size, reduction="none")(y, p))
    np.testing.assert_allclose(got, 1 - tf.image.ssim(y, p, 1.0, size).numpy(), atol=1e-5)
    got = to_numpy(kl.SSIM(255.0, filter_size=size, reduction="none")(255 * y, 255 * p))
    expected = 1 - tf.image.ssim(255 * y, 255 * p, 255.0, size).numpy()
    np.testing.assert_allclose(got, expected, atol=1e-5)


@on_tensorflow
@pytest.mark.parametrize("shape", [(176, 192), (161, 171)])
def test_multi_scale_ssim_is_tensorflows_for_even_and_odd_sides(shape):
    import tensorflow as tf

    for noise in (0.03, 0.4):
        y, p = photograph(shape, noise)
        got = to_numpy(kl.MultiScaleSSIM(reduction="none")(y, p))
        expected = 1 - tf.image.ssim_multiscale(y, p, 1.0).numpy()
        np.testing.assert_allclose(got, expected, atol=1e-5)


@on_tensorflow
def test_variation_edges_and_decibels_are_tensorflows():
    import tensorflow as tf

    y, p = photograph((9, 8))
    got = to_numpy(kl.TotalVariation(normalize=False, reduction="none")(y, p))
    np.testing.assert_allclose(got, tf.image.total_variation(tf.constant(p)).numpy(), rtol=1e-5)
    got = to_numpy(kl.PSNR(reduction="none")(y, p))
    np.testing.assert_allclose(got, -tf.image.psnr(y, p, 1.0).numpy(), rtol=1e-5)
    edges = [tf.image.sobel_edges(tf.constant(x)).numpy() for x in (y, p)]
    expected = 2 * np.abs(edges[0] - edges[1]).mean((1, 2, 3, 4))
    got = to_numpy(kl.GradientDifference("sobel", reduction="none")(y, p))
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_ssim_is_scikit_images_in_pictures_and_volumes():
    """There the covariances are those of the window too, and the border is cut off."""
    from skimage.metrics import structural_similarity

    volume = rng.uniform(size=(14, 13, 12))
    for x in (photograph((30, 25))[0][0, ..., 0].astype("float64"), volume):
        noisy = x + 0.1 * rng.normal(size=x.shape)
        whole = structural_similarity(
            x, noisy, data_range=1.0, gaussian_weights=True, use_sample_covariance=False,
            full=True,
        )[1]
        # Its window has 11 positions, at the default sigma and truncation.
        inner = whole[(slice(5, -5),) * x.ndim]
        with wide():
            got = float(kl.SSIM(dtype="float64")(x[None, ..., None], noisy[None, ..., None]))
        np.testing.assert_allclose(got, 1 - inner.mean(), rtol=1e-10)


def test_denoising_by_gradient_steps_beats_the_noisy_picture():
    """What isotropic variation is for: a noisy picture of flat parts comes nearer to the clean."""
    clean = np.zeros((1, 16, 16, 1), "float32")
    clean[:, 4:12, 4:12] = 1
    noisy = clean + 0.2 * rng.normal(size=clean.shape).astype("float32")
    loss = kl.as_loss(keras.losses.MeanSquaredError()) * 0.5 + 0.1 * kl.TotalVariation("isotropic")
    x = noisy.copy()
    for _ in range(60):
        x -= 20 * value_and_gradient(lambda p: loss(noisy, p), x)[1]
    assert ((x - clean) ** 2).mean() < 0.3 * ((noisy - clean) ** 2).mean()


# --- digits ---------------------------------------------------------------------------------


def test_flat_parts_keep_their_digits_far_from_0():
    """E[x²] - μ² of values near 1000 would have lost all of a variance of 1e-4."""
    texture = 0.01 * rng.normal(size=(1, 24, 24, 1))
    y, p = 1000 + texture, 1000 + texture + 0.005 * rng.normal(size=texture.shape)
    y, p = y.astype("float32"), p.astype("float32")
    loss = kl.SSIM(max_value=0.05, k2=0.01)
    with wide():
        exact = float(kl.SSIM(max_value=0.05, k2=0.01, dtype="float64")(y, p))
    np.testing.assert_allclose(float(loss(y, p)), exact, rtol=2e-3)


def test_nearly_right_pictures_keep_their_digits():
    y, _ = photograph((40, 33))
    p = (y + 1e-4 * rng.normal(size=y.shape)).astype("float32")
    for make in (kl.SSIM, lambda **k: kl.MultiScaleSSIM(weights=[0.5, 0.5], **k)):
        with wide():
            exact = float(make(dtype="float64")(y, p))
        assert 0 < exact < 1e-3
        np.testing.assert_allclose(float(make()(y, p)), exact, rtol=1e-3)


def test_scales_of_negative_structure_give_1():
    y, _ = photograph((24, 24))
    loss = kl.MultiScaleSSIM(filter_size=5, weights=[0.5, 0.5])
    value, gradient = value_and_gradient(lambda p: loss(y, p), 1 - y)
    assert value == 1 and not gradient.any()


# --- what is masked, what is weighed -----------------------------------------------------------

MADE = {
    "SSIM": kl.SSIM(filter_size=3),
    "MultiScaleSSIM": kl.MultiScaleSSIM(filter_size=2, weights=[0.5, 0.5]),
    "PSNR": kl.PSNR(),
    "TotalVariation": kl.TotalVariation(),
    "isotropic": kl.TotalVariation("isotropic"),
    "GradientDifference": kl.GradientDifference(),
    "sobel": kl.GradientDifference("sobel"),
    "EdgeAwareSmoothness": kl.EdgeAwareSmoothness(order=2),
}
every = pytest.mark.parametrize("loss", MADE.values(), ids=MADE)


@every
def test_masked_lines_at_the_end_are_a_smaller_picture(loss):
    """Below the last known line there is nothing: a picture that is cut there."""
    y, p = PICTURE, RESTORED[..., : 1 if isinstance(loss, kl.EdgeAwareSmoothness) else 2]
    if loss is MADE["sobel"]:
        pytest.skip("its border is reflected where the picture ends, not where the mask does")
    known = 6  # Even, so that no pair of lines is half masked.
    mask = np.zeros(y.shape[:-1], bool)
    mask[:, :known] = True
    junk = np.where(mask[..., None], p, np.nan).astype("float32")
    value, gradient = value_and_gradient(lambda p: loss.evaluate(y, p, None, mask), junk)
    expected = float(loss(y[:, :known], p[:, :known]))
    np.testing.assert_allclose(value, expected, rtol=1e-4)
    assert np.isfinite(gradient).all() and not gradient[:, known:].any()
    weighed = float(loss(y, np.where(mask[..., None], p, 7), mask.astype("float32")))
    np.testing.assert_allclose(weighed, expected, rtol=1e-4)


@every
def test_equal_weights_of_positions_change_nothing(loss):
    y, p = PICTURE, RESTORED[..., : 1 if isinstance(loss, kl.EdgeAwareSmoothness) else 2]
    weights = np.full(y.shape[:-1], 3.0)
    np.testing.assert_allclose(float(loss(y, p, weights)), float(loss(y, p)), rtol=1e-5)
    assert float(loss(y, p, 0 * weights)) == 0


def test_weights_of_positions_weigh_squares_and_differences():
    y = np.zeros((1, 1, 3, 1))
    p, w = np.array([1.0, 3.0, 7.0]).reshape(y.shape), np.array([[[1.0, 3.0, 2.0]]])
    got = float(kl.TotalVariation()(y, p, w))
    np.testing.assert_allclose(got, (1 * 2 + 2 * 4) / 3, rtol=1e-6)  # The lesser of two.
    got = float(kl.PSNR()(y, p, w))
    np.testing.assert_allclose(got, 10 * np.log10((1 + 27 + 98) / 6), rtol=1e-6)


def test_a_spectrum_takes_no_weights_of_positions():
    for loss in (kl.FocalFrequency(), kl.FeatureDistance(FEATURES)):
        with pytest.raises(ValueError, match="sample_weight"):
            loss(PICTURE, RESTORED, np.ones(PICTURE.shape[:-1]))


# --- shapes ---------------------------------------------------------------------------------


def test_pictures_that_are_too_small_raise_with_the_side_needed():
    with pytest.raises(ValueError, match="at least 161"):
        kl.MultiScaleSSIM()(np.zeros((1, 160, 200, 1)), np.zeros((1, 160, 200, 1)))
    with pytest.raises(ValueError, match="at least 11"):
        kl.SSIM()(np.zeros((1, 16, 10, 1)), np.zeros((1, 16, 10, 1)))


def test_pictures_of_another_rank_raise():
    x = np.zeros((2, 16, 16))
    for loss in (kl.SSIM(), kl.TotalVariation(), kl.EdgeAwareSmoothness()):
        with pytest.raises(ValueError, match="two or three spatial axes"):
            loss(x, x)
    with pytest.raises(ValueError, match="map of one channel"):
        kl.EdgeAwareSmoothness()(PICTURE, RESTORED)


def test_one_channel_may_lack_its_axis_in_the_target():
    y, p = PICTURE[..., 0], RESTORED[..., :1]
    got = float(kl.SSIM(filter_size=3)(y, p))
    assert got == float(kl.SSIM(filter_size=3)(y[..., None], p))


@on_tensorflow
def test_sides_may_be_unknown():
    import tensorflow as tf

    y, p = photograph((21, 23))
    for loss in (
        kl.MultiScaleSSIM(filter_size=3, weights=[0.3, 0.3, 0.4]), kl.FocalFrequency(),
        kl.TotalVariation("isotropic"), kl.GradientDifference("sobel"),
    ):
        spec = tf.TensorSpec((None, None, None, 3))
        got = tf.function(loss.evaluate, input_signature=[spec, spec])(y, p)
        np.testing.assert_allclose(float(got), float(loss(y, p)), rtol=1e-5)


# --- spectra and networks ------------------------------------------------------------------------


def test_without_attention_a_spectrum_is_the_picture():
    """Parseval: with w = 1 everywhere, in pictures and volumes."""
    for x in (PICTURE, VOLUME):
        y, p = x, x + rng.normal(size=x.shape)
        got = float(kl.FocalFrequency(alpha=0.0)(y, p))
        np.testing.assert_allclose(got, np.mean((y - p) ** 2), rtol=1e-5)


def test_gradients_go_through_the_network_and_not_to_it():
    loss = kl.FeatureDistance(FEATURES, layers=["corners", "mixed"])
    weights = [x.copy() for x in loss._network.get_weights()]
    assert not loss._network.trainable_variables
    _, gradient = value_and_gradient(lambda p: loss(PICTURE, p), RESTORED)
    way = gradient / np.linalg.norm(gradient)
    up, down = (float(loss(PICTURE, RESTORED + h * way)) for h in (1e-2, -1e-2))
    np.testing.assert_allclose(np.linalg.norm(gradient), (up - down) / 2e-2, rtol=1e-3)
    model = keras.Sequential([keras.Input((7, 6, 2)), keras.layers.Conv2D(2, 3, padding="same")])
    model.compile("sgd", loss=loss + kl.MeanAbsoluteError())
    history = model.fit(RESTORED, PICTURE, epochs=3, verbose=0).history["loss"]
    assert history[-1] < history[0]
    assert len(model.weights) == 2  # The network is none of the model's.
    for before, after in zip(weights, loss._network.get_weights()):
        np.testing.assert_array_equal(before, after)


def test_a_network_is_made_once_and_found_again(tmp_path):
    made = []

    @keras.saving.register_keras_serializable(package="keras_losskit_tests")
    def counted():
        made.append(1)
        x = keras.Input((None, None, 2))
        return keras.Model(x, keras.layers.AveragePooling2D(2)(x))

    with pytest.raises(TypeError, match="closure"):
        kl.FeatureDistance(counted)
    first = kl.FeatureDistance("keras_losskit_tests>counted")
    second = kl.FeatureDistance.from_config(first.get_config())
    assert len(made) == 1 and first._network is second._network
    assert first.get_config()["features"] == "keras_losskit_tests>counted"
    model = keras.Sequential([keras.Input((7, 6, 2)), keras.layers.Conv2D(2, 3, padding="same")])
    model.compile("sgd", loss=first)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.loss == first
    expected = ops.mean(model(RESTORED.astype("float32")))
    np.testing.assert_allclose(
        to_numpy(ops.mean(again(RESTORED.astype("float32")))), to_numpy(expected), rtol=1e-6
    )


def test_networks_and_wrong_layers_are_refused_by_name():
    x = keras.Input((4, 4, 1))
    with pytest.raises(TypeError, match="cannot save the weights"):
        kl.FeatureDistance(keras.Model(x, keras.layers.Flatten()(x)))
    with pytest.raises(ValueError, match="'absent'.*corners"):
        kl.FeatureDistance(FEATURES, layers=["absent"])
    with pytest.raises(ValueError, match="1 entries for 2 layers"):
        kl.FeatureDistance(FEATURES, layers=["corners", "mixed"], layer_weights=[1.0])
