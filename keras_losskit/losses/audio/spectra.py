"""Distances of spectrograms, at one resolution and at several."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.kernels import absolute, at_least
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import mean, mean_where, rows_times, safe_divide
from keras_losskit.losses.audio.base import (
    SoundLoss,
    frame_mask,
    magnitudes,
    mel_filters,
    norm,
)


class SpectralLoss(SoundLoss):
    """Base of distances of magnitudes of short-time Fourier transforms.

    Args:
        convergence: the weight of ‖Y - Ŷ‖/‖Y‖; >= 0.
        log_magnitude: the weight of the mean of |log Y - log Ŷ|; >= 0.
        magnitude: the weight of the mean of |Y - Ŷ|; >= 0.
        mel_bins: `None`, or how many mel bands the magnitudes are gathered in first; an
            integer >= 1.
        sampling_rate: `None`, or samples per second, which mel bands need; > 0.
    """

    def __init__(
        self,
        *,
        convergence=1.0,
        log_magnitude=1.0,
        magnitude=0.0,
        mel_bins=None,
        sampling_rate=None,
        **common,
    ):
        super().__init__(**common)
        self.convergence = checks.real(self, "convergence", convergence, at_least=0)
        self.log_magnitude = checks.real(self, "log_magnitude", log_magnitude, at_least=0)
        self.magnitude = checks.real(self, "magnitude", magnitude, at_least=0)
        self.mel_bins = checks.optional_integer(self, "mel_bins", mel_bins, at_least=1)
        self.sampling_rate = checks.optional_real(self, "sampling_rate", sampling_rate, above=0)
        if self.mel_bins is not None and self.sampling_rate is None:
            raise ValueError(
                f"{type(self).__name__}: `mel_bins` needs the `sampling_rate`, in samples per "
                f"second. Received: mel_bins={mel_bins!r}, sampling_rate=None"
            )

    @property
    def resolutions(self):
        """`(fft_size, hop_size, window_length)` of each transform."""
        raise NotImplementedError

    @property
    def least_size(self):
        return max(fft_size for fft_size, _, _ in self.resolutions) // 2 + 1

    def of_sample(self, y_true, y_pred, mask):
        total = 0
        for resolution in self.resolutions:
            total = total + self.distance(y_true, y_pred, mask, *resolution)
        return total / len(self.resolutions)

    def distance(self, y_true, y_pred, mask, fft_size, hop_size, window_length):
        """The weighted distances at one resolution."""
        y, p = (magnitudes(x, fft_size, hop_size, window_length) for x in (y_true, y_pred))
        if self.mel_bins is not None:
            filters = mel_filters(self.mel_bins, fft_size, self.sampling_rate)
            filters = ops.convert_to_tensor(filters, dtype=y.dtype)
            y, p = (rows_times(x, filters) for x in (y, p))
        there = frame_mask(mask, hop_size, 1 + ops.shape(y_true)[1] // hop_size)
        if there is not None:
            there = ops.logical_and(there, ops.ones_like(y, dtype="bool"))
            y, p = (ops.where(there, x, 0) for x in (y, p))
        total = 0
        if self.convergence:
            total = total + self.convergence * safe_divide(norm(y - p), norm(y))
        if self.log_magnitude:
            # A band in which no frequency lies holds 0 in both.
            logarithms = [ops.log(at_least(x, 1e-10)) for x in (y, p)]
            off = absolute(logarithms[0] - logarithms[1])
            total = total + self.log_magnitude * mean_of(off, there)
        if self.magnitude:
            total = total + self.magnitude * mean_of(absolute(y - p), there)
        if not (self.convergence or self.log_magnitude or self.magnitude):
            return 0 * mean_of(p, there)
        return total


def mean_of(x, there):
    """The mean over channels, frames and bins."""
    axes = tuple(range(1, len(x.shape)))
    return mean(x, axes) if there is None else mean_where(x, there, axes)


def check_resolution(owner, fft_size, window_length, options=("fft_size", "window_length")):
    """A window fits into its transform."""
    if window_length > fft_size:
        raise ValueError(
            f"{type(owner).__name__}: a window of {window_length} samples (`{options[1]}`) is "
            f"longer than its transform of {fft_size} (`{options[0]}`)."
        )


@register
class STFT(SpectralLoss):
    """Distance of spectrograms: ‖Y - Ŷ‖/‖Y‖ + mean of |log Y - log Ŷ|, magnitudes Y of frames.

    For sound that is to be heard alike: phases, which errors of samples mostly measure, do not
    count. The first term (spectral convergence) sees the loud parts, the second the quiet
    ones. Of one resolution it can be fooled between its frames: see `MultiResolutionSTFT`.

    Magnitudes are √(re² + im² + 1e-8): silence has a gradient. Frames are centred, the border
    reflected, the window Hann's. Norms are those of each sample, its channels together.

    Args:
        fft_size: N, the length of a transform, in samples; an integer >= 2.
        hop_size: from one frame to the next, in samples; an integer >= 1.
        window_length: the part of a frame that is seen, in samples, at most fft_size; an
            integer >= 2.
        convergence: the weight of ‖Y - Ŷ‖/‖Y‖; >= 0.
        log_magnitude: the weight of the mean of |log Y - log Ŷ|; >= 0.
        magnitude: the weight of the mean of |Y - Ŷ|; >= 0.
        mel_bins: `None`, or how many mel bands the magnitudes are gathered in first (Slaney's,
            as librosa's default); an integer >= 1.
        sampling_rate: `None`, or samples per second, which mel bands need; > 0.

    | elsewhere | here |
    |---|---|
    | auraloss `STFTLoss(fft_size, hop_size, win_length, w_sc, w_log_mag, w_lin_mag)` | \
`STFT(…)`; there the norms are those of the whole batch, and squares below 1e-8 have no gradient |
    | Parallel WaveGAN's `STFTLoss`, its two terms added | `STFT(…)`; norms as auraloss's, and \
squares below 1e-7 have no gradient there |

    Call with `(B, T)`, `(B, T, 1)` or `(B, T, C)`, T > fft_size/2; values `(B,)`. A masked sample
    in time is silent, and a frame counts if its middle is not masked. Time O(T·N/hop·log N),
    memory O(T·N/hop).

    Raises:
        ValueError: for options out of range, a window longer than the transform, mel bands
            without a sampling rate, or sound that is too short.

    Example:

    >>> import keras_losskit, numpy as np
    >>> y = 100 * np.sin(np.arange(64.0))[None]
    >>> loss = keras_losskit.STFT(16, 4, 16)
    >>> round(float(loss(y, y)), 4), round(float(loss(y, 2 * y)), 4)    # 0; 1 + log 2
    (0.0, 1.6931)

    Reference: R. Yamamoto, E. Song, J.-M. Kim, *Parallel WaveGAN* (2020),
    https://arxiv.org/abs/1910.11480
    """

    def __init__(self, fft_size=1024, hop_size=256, window_length=1024, **options):
        super().__init__(**options)
        self.fft_size = checks.integer(self, "fft_size", fft_size, at_least=2)
        self.hop_size = checks.integer(self, "hop_size", hop_size, at_least=1)
        self.window_length = checks.integer(self, "window_length", window_length, at_least=2)
        check_resolution(self, self.fft_size, self.window_length)

    @property
    def resolutions(self):
        return [(self.fft_size, self.hop_size, self.window_length)]


@register
class MultiResolutionSTFT(SpectralLoss):
    """The mean of `STFT` at several resolutions: long frames tell pitch, short ones time.

    What one resolution leaves open, such as where in a frame something happens, another sees.
    The usual companion of an adversarial loss in vocoders and of `SISDR` in enhancement.

    Args:
        fft_sizes: lengths of the transforms, in samples; integers >= 2.
        hop_sizes: as many steps between frames; integers >= 1.
        window_lengths: as many windows, each at most its fft_size; integers >= 2.
        convergence, log_magnitude, magnitude, mel_bins, sampling_rate: as in `STFT`.

    | elsewhere | here |
    |---|---|
    | auraloss `MultiResolutionSTFTLoss()` | `MultiResolutionSTFT()`, norms per sample |

    Call with `(B, T)`, `(B, T, 1)` or `(B, T, C)`, T more than half of the longest transform;
    values `(B,)`.

    Raises:
        ValueError: for lists of unlike lengths, options out of range, or sound that is too
            short.

    Example:

    >>> import keras_losskit, numpy as np
    >>> y = 100 * np.sin(np.arange(64.0))[None]
    >>> loss = keras_losskit.MultiResolutionSTFT((16, 8), (4, 2), (16, 8))
    >>> round(float(loss(y, 2 * y)), 4)    # 1 + log 2 at each
    1.6931

    Reference: R. Yamamoto, E. Song, J.-M. Kim, *Parallel WaveGAN* (2020),
    https://arxiv.org/abs/1910.11480
    """

    def __init__(
        self,
        fft_sizes=(1024, 2048, 512),
        hop_sizes=(120, 240, 50),
        window_lengths=(600, 1200, 240),
        **options,
    ):
        super().__init__(**options)
        self.fft_sizes = integers(self, "fft_sizes", fft_sizes, 2)
        self.hop_sizes = integers(self, "hop_sizes", hop_sizes, 1)
        self.window_lengths = integers(self, "window_lengths", window_lengths, 2)
        if not len(self.fft_sizes) == len(self.hop_sizes) == len(self.window_lengths):
            raise ValueError(
                "MultiResolutionSTFT: `fft_sizes`, `hop_sizes` and `window_lengths` must be "
                f"equally many. Received: {fft_sizes!r}, {hop_sizes!r}, {window_lengths!r}"
            )
        for fft_size, _, window_length in self.resolutions:
            check_resolution(self, fft_size, window_length, ("fft_sizes", "window_lengths"))

    @property
    def resolutions(self):
        return list(zip(self.fft_sizes, self.hop_sizes, self.window_lengths, strict=True))


def integers(owner, name, given, least):
    """A non-empty list of integers."""
    if not isinstance(given, (list, tuple)) or not given:
        raise TypeError(
            f"{type(owner).__name__}: `{name}` must be a non-empty list of integers. "
            f"Received: {name}={given!r}"
        )
    return [checks.integer(owner, f"{name}[{i}]", n, at_least=least) for i, n in enumerate(given)]
