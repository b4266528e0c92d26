"""Losses on sound: equal to others' spectra, silence, masks, orders of sources."""

import itertools

import keras
import numpy as np
import pytest

import keras_losskit as kl
from keras_losskit.losses.audio import base
from tests.backends import BACKEND, to_numpy, value_and_gradient, wide
from tests.cases.audio import HEARD, SEPARATED, SOUND, SOURCES

rng = np.random.default_rng(20240806)


def tones(length, *pitches):
    t = np.arange(length)
    return sum(np.sin(2 * np.pi * f * t) for f in pitches)[None].astype("float32")


# --- spectra ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("fft_size", "hop", "window"), [(64, 16, 64), (64, 10, 33), (32, 5, 20)])
def test_magnitudes_are_those_of_scipys_transform(fft_size, hop, window):
    """Centred frames, a periodic Hann window in the middle, the border reflected."""
    from scipy.signal import get_window

    x = rng.normal(size=(2, 130, 2))
    with wide():
        got = to_numpy(base.magnitudes(keras.ops.convert_to_tensor(x), fft_size, hop, window))
    left = (fft_size - window) // 2
    line = np.zeros(fft_size)
    line[left : left + window] = get_window("hann", window)
    wide_x = np.pad(x, ((0, 0), (fft_size // 2,) * 2, (0, 0)), mode="reflect")
    frames = [wide_x[:, i : i + fft_size] for i in range(0, 131, hop)]
    expected = np.stack([np.fft.rfft(f * line[:, None], axis=1) for f in frames], 1)
    expected = np.sqrt(np.abs(expected) ** 2 + 1e-8).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(got, expected, rtol=1e-9)


def test_mel_bands_are_slaneys():
    """Centers of the first and the last bands, and areas of 1, as librosa has them."""
    bands = base.mel_filters(40, 2048, 16000.0)
    centers = bands.argmax(0) * 16000 / 2048
    spacing = 200 / 3 * (15 + 27 * np.log(8) / np.log(6.4)) / 41
    np.testing.assert_allclose(centers[:5], spacing * np.arange(1, 6), atol=8)
    ratio = 6.4 ** ((15 + 27 * np.log(8) / np.log(6.4)) / 41 / 27)
    np.testing.assert_allclose(centers[-1] / centers[-2], ratio, rtol=0.01)
    areas = bands.sum(0) * 16000 / 2048
    np.testing.assert_allclose(areas[20:], 1, rtol=0.02)


def test_phases_do_not_count_and_pitch_does():
    y = tones(512, 0.05, 0.11)
    shifted = tones(515, 0.05, 0.11)[:, 3:]
    loss = kl.STFT(128, 32, 128, log_magnitude=0.0)
    near, off = (float(loss(y, p)) for p in (shifted, tones(512, 0.06, 0.13)))
    assert float(kl.MeanSquaredError()(y, shifted)) > 0.2
    assert near < 0.25 * off


def test_silence_has_a_value_and_a_gradient():
    silent, y = np.zeros((1, 300), "float32"), tones(300, 0.1)
    for loss in (kl.STFT(64, 16, 64), kl.MultiResolutionSTFT((64, 32), (16, 8), (64, 32))):
        for t, p in ((silent, y), (y, silent), (silent, silent)):
            value, gradient = value_and_gradient(lambda p, f=loss, t=t: f(t, p), p)
            assert np.isfinite(value) and np.isfinite(gradient).all()
        # Noise 100 dB below the target is pulled up.
        _, gradient = value_and_gradient(lambda p, f=loss: f(y, p), 1e-5 * y)
        assert (gradient * y).sum() < 0


def test_a_sample_does_not_depend_on_its_neighbours_loudness():
    loss = kl.STFT(16, 5, 16, reduction="none")
    alone = to_numpy(loss(SOUND[:1], HEARD[:1]))
    louder = SOUND * np.array([1, 100, 1, 1])[:, None, None]
    np.testing.assert_allclose(to_numpy(loss(louder, HEARD))[:1], alone, rtol=1e-5)


def test_masked_time_counts_nowhere():
    y, p = tones(200, 0.1, 0.03), tones(200, 0.1, 0.03)
    p = p + 0.3 * rng.normal(size=p.shape).astype("float32")
    mask = np.arange(200)[None] < 140
    junk = np.where(mask, p, np.nan).astype("float32")
    for loss in (kl.STFT(32, 8, 32), kl.SISDR(), kl.SISDR(zero_mean=False)):
        value, gradient = value_and_gradient(lambda p, f=loss: f.evaluate(y, p, None, mask), junk)
        assert np.isfinite(gradient).all() and not gradient[~mask].any()
        expected = float(loss(y[:, :140], p[:, :140]))
        np.testing.assert_allclose(value, expected, rtol=1e-5 if "SISDR" in repr(loss) else 0.1)


def test_sound_that_is_too_short_raises_with_the_length_needed():
    with pytest.raises(ValueError, match="at least 1025 samples"):
        kl.MultiResolutionSTFT()(np.zeros((2, 1000)), np.zeros((2, 1000)))
    with pytest.raises(ValueError, match="sampling_rate"):
        kl.STFT(mel_bins=20)


# --- distortion ---------------------------------------------------------------------------------


def test_loudness_does_not_count():
    y, p = SOUND[..., 0], HEARD[..., 0]
    loss = kl.SISDR(reduction="none")
    with wide():
        loss = kl.SISDR(reduction="none", dtype="float64")
        expected = to_numpy(loss(y, p))
        np.testing.assert_allclose(to_numpy(loss(y, 50 * p + 3)), expected, rtol=1e-6)
        np.testing.assert_allclose(to_numpy(loss(20 * y - 1, p)), expected, rtol=1e-6)


def test_a_silent_target_is_not_counted():
    y = SOUND.copy()
    y[1] = 0  # Both channels of one, one of another, a constant in a third.
    y[2, :, 0] = 0
    y[3, :, 1] = 5
    loss = kl.SISDR()
    values = to_numpy(kl.SISDR(reduction="none")(y, HEARD))
    assert values[1] == 0
    for i, channel in ((2, 1), (3, 0)):
        alone = float(loss(y[i : i + 1, :, channel], HEARD[i : i + 1, :, channel]))
        np.testing.assert_allclose(values[i], alone, rtol=1e-5)
    np.testing.assert_allclose(float(loss(y, HEARD)), values[[0, 2, 3]].mean(), rtol=1e-5)
    value, gradient = value_and_gradient(lambda p: loss(0 * y, p), HEARD.astype("float32"))
    assert value == 0 and not gradient.any()


def test_the_threshold_is_a_soft_cap():
    y = tones(100, 0.1)
    for threshold in (10.0, 30.0):
        loss = kl.SISDR(threshold=threshold)
        assert -threshold - 1e-3 < float(loss(y, y + 1e-4 * tones(100, 0.31))) < 0
        np.testing.assert_allclose(float(loss(y, y)), -threshold, rtol=1e-4)


# --- sources in any order ---------------------------------------------------------------------


@pytest.mark.parametrize("sources", [1, 2, 4, 6])
def test_every_order_of_the_sources_gives_the_same(sources):
    y = rng.normal(size=(3, sources, 8)).astype("float32")
    p = y + 0.3 * rng.normal(size=y.shape).astype("float32")
    loss = kl.PermutationInvariant(kl.MeanSquaredError(), reduction="none")
    expected = to_numpy(kl.MeanSquaredError(reduction="none")(y, p)).mean(-1)
    order = rng.permutation(sources)
    np.testing.assert_allclose(to_numpy(loss(y, p)), expected, rtol=1e-5)
    np.testing.assert_allclose(to_numpy(loss(y, p[:, order])), expected, rtol=1e-5)
    np.testing.assert_allclose(to_numpy(loss(y[:, order], p)), expected, rtol=1e-5)


def test_the_loss_is_computed_for_pairs_not_for_orders():
    called = []

    @keras.saving.register_keras_serializable(package="keras_losskit_tests")
    class Counting(kl.MeanSquaredError):
        def call(self, y_true, y_pred):
            called.append(y_pred.shape[0])
            return super().call(y_true, y_pred)

    y = rng.normal(size=(2, 5, 4))
    kl.PermutationInvariant(Counting())(y, y)
    assert called == [2 * 5 * 5]


def test_silent_sources_are_not_counted():
    y, p = SOURCES.copy(), SEPARATED
    y[0, 1] = 0
    y[1] = 0
    for inner in (kl.SISDR(), kl.MeanSquaredError()):
        loss = kl.PermutationInvariant(inner, reduction="none")
        got = to_numpy(loss(y, p))
        pairs = {
            (i, j): float(inner(y[:1, i], p[:1, j])) for i in (0, 2) for j in range(3)
        }
        best = min(pairs[0, a] + pairs[2, b] for a, b in itertools.permutations(range(3), 2)) / 2
        np.testing.assert_allclose(got[0], best, rtol=1e-5)
        assert got[1] == 0
        np.testing.assert_allclose(
            float(kl.PermutationInvariant(inner)(y, p)), got[[0, 2, 3]].mean(), rtol=1e-5
        )


def test_masked_sources_and_masked_time_are_left_out():
    y, p = SOURCES, SEPARATED
    present = np.ones(y.shape[:2], bool)
    present[:, 2] = False
    time = np.broadcast_to(np.arange(7) < 5, y.shape)
    for inner in (kl.SISDR(), kl.MeanAbsoluteError()):
        loss = kl.PermutationInvariant(inner)
        for mask, part in ((present, np.s_[:, :2]), (time, np.s_[:, :, :5])):
            whole = np.broadcast_to(mask if mask.ndim == 3 else mask[..., None], y.shape)
            junk = np.where(whole, p, np.nan).astype("float32")
            value, gradient = value_and_gradient(
                lambda p, f=loss, m=mask: f.evaluate(y, p, None, m), junk
            )
            np.testing.assert_allclose(value, float(loss(y[part], p[part])), rtol=1e-4)
            assert np.isfinite(gradient).all() and not gradient[~whole].any()


def test_what_cannot_be_permuted_is_refused():
    with pytest.raises(ValueError, match="looks at the batch"):
        kl.PermutationInvariant(kl.NTXent())
    with pytest.raises(ValueError, match="at most 6"):
        kl.PermutationInvariant(kl.SISDR())(np.zeros((1, 7, 4)), np.zeros((1, 7, 4)))
    with pytest.raises(ValueError, match="no axis 3"):
        kl.PermutationInvariant(kl.SISDR(), axis=3)(SOURCES, SOURCES)


def test_two_voices_are_told_apart_whatever_their_order():
    """A linear unmixing, trained on sources whose order is drawn anew for each sample."""
    n = 64
    y = np.stack([tones(50, f)[0] for f in rng.uniform(0.02, 0.1, n)], 0)
    z = np.stack([tones(50, f)[0] for f in rng.uniform(0.3, 0.45, n)], 0)
    mixed = np.stack([y + 0.6 * z, 0.5 * y - z], -1)
    sources = np.stack([y, z], -1)
    swap = rng.random(n) < 0.5
    sources[swap] = sources[swap][..., ::-1]
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((50, 2)), keras.layers.Dense(2, use_bias=False)])
    loss = kl.PermutationInvariant(kl.SISDR(threshold=30.0), axis=2)
    model.compile(keras.optimizers.Adam(0.05), loss=loss)
    history = model.fit(mixed, sources, epochs=20, batch_size=16, verbose=0).history["loss"]
    assert history[-1] < -20 < history[0]


@pytest.mark.skipif(BACKEND != "tensorflow", reason="unknown sizes exist in tf.function")
def test_lengths_may_be_unknown():
    import tensorflow as tf

    y, p = (x.astype("float32") for x in (SOUND, HEARD))
    spec = tf.TensorSpec((None, None, 2))
    for loss in (kl.STFT(16, 5, 11), kl.SISDR()):
        got = tf.function(loss.evaluate, input_signature=[spec, spec])(y, p)
        np.testing.assert_allclose(float(got), float(loss(y, p)), rtol=1e-5)
