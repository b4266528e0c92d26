"""What the losses on sound share: samples of several channels, frames and their spectra."""

import numpy as np
from keras import ops

from keras_losskit.core.kernels import absolute, larger
from keras_losskit.core.loss import Loss
from keras_losskit.core.numerics import largest, one_over, safe_sqrt
from keras_losskit.core.reduction import align_left
from keras_losskit.core.takes import Takes
from keras_losskit.core.windows import cut, reflected


class SoundLoss(Loss):
    """Base of losses of sound `(B, T, C)`, one value a sample; `(B, T)` is of one channel.

    A subclass writes `of_sample(y_true, y_pred, mask)`, where `mask`, `(B, T, 1)` or
    `(B, T, C)`, is False for samples in time that are not there, and 0 in both, or `None`.
    """

    takes = Takes("real", "real", "waves")
    least_size = 1  # In samples.

    def prepare(self, y_true, y_pred):
        y_true, y_pred = super().prepare(y_true, y_pred)
        if y_pred.shape[1] is not None and y_pred.shape[1] < self.least_size:
            raise ValueError(
                f"{self.name}: y_pred of shape {tuple(y_pred.shape)} is too short: it must be at "
                f"least {self.least_size} samples long."
            )
        return y_true, y_pred

    def call(self, y_true, y_pred, mask=None):
        if mask is not None:
            mask = None if len(mask.shape) < 2 else align_left(mask, 3)
        return self.of_sample(y_true, y_pred, mask)

    def of_sample(self, y_true, y_pred, mask):
        """The values, `(B,)`."""
        raise NotImplementedError


def or_taken_out(heard, mask):
    """Which samples count: what a mask or a weight of 0 has made silent is not silence."""
    if mask is None or len(mask.shape) > 1:
        return heard
    return ops.logical_or(heard, ops.logical_not(mask))


def magnitudes(x, fft_size, hop_size, window_length):
    """√(re² + im² + 1e-8) of `(B, T, C)` in frames: `(B, C, frames, fft_size//2 + 1)`.

    Frames are centred: the border is reflected by half of the transform. The window is
    Hann's, periodic, in the middle of the transform.
    """
    sizes = ops.shape(x)
    if 0 in tuple(x.shape):  # Of no sound transforms raise.
        frames = (sizes[0], sizes[2], 1 + sizes[1] // hop_size, fft_size // 2 + 1)
        return ops.zeros(frames, dtype=x.dtype) + ops.sum(x)
    rows = ops.reshape(ops.moveaxis(x, -1, 1), (sizes[0] * sizes[2], sizes[1]))
    # Handed over, as TensorFlow's periodic window of an odd length is the symmetric one.
    window = ops.convert_to_tensor(hann(window_length), dtype=x.dtype)
    # The border is added here, as TensorFlow reflects none of an empty batch.
    rows = reflected(rows, 1, fft_size // 2)
    real, imaginary = ops.stft(
        rows, window_length, hop_size, fft_size, window=window, center=False
    )
    # Where a square would overflow, all is made smaller first.
    high = larger(absolute(real), absolute(imaginary)) > 2.0**60
    unit = ops.where(high, 2.0**-60, ops.ones_like(real))
    squares = ops.square(real * unit) + ops.square(imaginary * unit)
    found = ops.sqrt(squares + 1e-8 * ops.square(unit)) / unit
    frames = 1 + sizes[1] // hop_size
    return ops.reshape(found, (sizes[0], sizes[2], frames, fft_size // 2 + 1))


def hann(length):
    """Hann's window, periodic: its next entry would be its first."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)


def frame_mask(mask, hop_size, frames):
    """Whether the sample at the middle of each frame is there: `(B, T, C)` -> `(B, C, frames, 1)`.

    The last frame may have its middle one behind the end.
    """
    if mask is None:
        return None
    middles = ops.concatenate([cut(mask, 1, step=hop_size), cut(mask, 1, -1)], axis=1)
    return ops.expand_dims(ops.moveaxis(cut(middles, 1, 0, frames), -1, 1), -1)


def norm(x):
    """√Σx² of each sample, for magnitudes whose squares are no numbers too."""
    axes = tuple(range(1, len(x.shape)))
    top = ops.stop_gradient(largest(ops.abs(x), axes, keepdims=True))
    squares = ops.sum(ops.square(x * one_over(top)), axis=axes)
    return safe_sqrt(squares) * ops.reshape(top, (-1,))


def mel_filters(bins, fft_size, sampling_rate):
    """Slaney's triangles from 0 to half the sampling rate, of equal area: `(fft bins, bins)`."""

    def hertz(mel):  # Linear to 1000 Hz, then logarithmic.
        return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(np.log(6.4) / 27 * (mel - 15)))

    top = sampling_rate / 2
    highest = top * 3 / 200 if top < 1000 else 15 + 27 * np.log(top / 1000) / np.log(6.4)
    ends = hertz(np.linspace(0, highest, bins + 2))
    at = np.linspace(0, top, fft_size // 2 + 1)[:, None]
    rising = (at - ends[:-2]) / (ends[1:-1] - ends[:-2])
    falling = (ends[2:] - at) / (ends[2:] - ends[1:-1])
    return np.maximum(0, np.minimum(rising, falling)) * 2 / (ends[2:] - ends[:-2])
