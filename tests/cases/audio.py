"""Cases of the losses on sound."""

import itertools
import math

import numpy as np

import keras_losskit as kl
from tests.cases.case import Case
from tests.cases.restoration import of_samples

rng = np.random.default_rng(20240805)
SOUND = np.cumsum(rng.normal(size=(4, 21, 2)), axis=1)
HEARD = 0.7 * SOUND + rng.normal(size=SOUND.shape)
SOURCES = rng.normal(size=(4, 3, 7))
SEPARATED = SOURCES[:, [2, 0, 1]] + rng.normal(size=SOURCES.shape) * 0.6


def spectrum(x, fft_size, hop_size, window_length):
    """Magnitudes of the frames of one channel, by the definition."""
    half = fft_size // 2
    left = (fft_size - window_length) // 2
    window = [0.0] * fft_size
    for k in range(window_length):
        window[left + k] = 0.5 - 0.5 * math.cos(2 * math.pi * k / window_length)
    found = []
    for frame in range(1 + len(x) // hop_size):
        part = []
        for k in range(fft_size):
            at = abs(frame * hop_size + k - half)
            at = at if at < len(x) else 2 * (len(x) - 1) - at
            part.append(x[at] * window[k])
        bins = []
        for f in range(half + 1):
            turns = [2 * math.pi * f * k / fft_size for k in range(fft_size)]
            re = sum(v * math.cos(t) for v, t in zip(part, turns))
            im = sum(v * math.sin(t) for v, t in zip(part, turns))
            bins.append(math.sqrt(re * re + im * im + 1e-8))
        found.append(bins)
    return np.array(found)


def hertz(mel):
    return 200 / 3 * mel if mel < 15 else 1000 * 6.4 ** ((mel - 15) / 27)


def mel_of(hz):
    return hz * 3 / 200 if hz < 1000 else 15 + 27 * math.log(hz / 1000, 6.4)


def mel(magnitudes, bands, rate, fft_size):
    highest = mel_of(rate / 2)
    ends = [hertz(highest * i / (bands + 1)) for i in range(bands + 2)]
    out = np.zeros((len(magnitudes), bands))
    for b, (low, middle, high) in enumerate(zip(ends, ends[1:], ends[2:])):
        for f in range(fft_size // 2 + 1):
            at = f * rate / fft_size
            if low < at < high:
                height = (at - low) / (middle - low) if at <= middle else (
                    (high - at) / (high - middle)
                )
                out[:, b] += magnitudes[:, f] * height * 2 / (high - low)
    return out


def stft(
    y_true, y_pred, fft_size, hop_size, window_length, convergence, log_magnitude, magnitude,
    mel_bins=None, sampling_rate=None,
):
    y, p = (
        np.array([spectrum(c, fft_size, hop_size, window_length) for c in x.T])
        for x in (y_true, y_pred)
    )
    if mel_bins:
        y, p = (np.array([mel(c, mel_bins, sampling_rate, fft_size) for c in x]) for x in (y, p))
    value = convergence * math.sqrt(((y - p) ** 2).sum()) / math.sqrt((y**2).sum())
    used = (y > 0) & (p > 0)
    logs = np.abs(np.log(np.where(used, y, 1)) - np.log(np.where(used, p, 1)))
    return value + log_magnitude * logs.mean() + magnitude * np.abs(y - p).mean()


def several(y_true, y_pred, fft_sizes, hop_sizes, window_lengths, **options):
    found = [
        stft(y_true, y_pred, *sizes, **options)
        for sizes in zip(fft_sizes, hop_sizes, window_lengths)
    ]
    return sum(found) / len(found)


def si_sdr(y_true, y_pred, zero_mean, epsilon, threshold=None):
    found = []
    for y, p in zip(y_true.T, y_pred.T):
        if zero_mean:
            y, p = y - sum(y) / len(y), p - sum(p) / len(p)
        scale = sum(a * b for a, b in zip(y, p)) / (sum(a * a for a in y) + epsilon)
        signal = sum((scale * a) ** 2 for a in y)
        noise = sum((scale * a - b) ** 2 for a, b in zip(y, p))
        if threshold is not None:
            noise += 10 ** (-threshold / 10) * signal
        found.append(-10 * math.log10((signal + epsilon) / (noise + epsilon)))
    return sum(found) / len(found)


def in_any_order(value, axis):
    def values(y_true, y_pred, **options):
        y, p = (np.moveaxis(x, axis - 1, 0) for x in (y_true, y_pred))
        return min(
            sum(value(a, p[j]) for a, j in zip(y, order)) / len(y)
            for order in itertools.permutations(range(len(y)))
        )

    return of_samples(values)


WEIGHTS = {"convergence": 0.7, "log_magnitude": 1.3, "magnitude": 0.4}
CASES = [
    Case(
        kl.STFT, {"fft_size": 16, "hop_size": 5, "window_length": 11, **WEIGHTS, "mel_bins": 4,
                  "sampling_rate": 3000.0}, SOUND, HEARD, of_samples(stft),
    ),
    Case(
        kl.MultiResolutionSTFT,
        {"fft_sizes": [8, 16], "hop_sizes": [3, 7], "window_lengths": [8, 13], **WEIGHTS,
         "mel_bins": 3, "sampling_rate": 8000.0},
        SOUND, HEARD, of_samples(several),
    ),
    # Without bands.
    Case(
        kl.STFT, {"fft_size": 6, "hop_size": 4, "window_length": 2, **WEIGHTS},
        SOUND[..., 0], HEARD[..., 0],
        of_samples(lambda t, p, **options: stft(t[:, None], p[:, None], **options)), label="plain",
    ),
    Case(
        kl.MultiResolutionSTFT,
        {"fft_sizes": [7, 4], "hop_sizes": [5, 2], "window_lengths": [7, 4], **WEIGHTS},
        SOUND, HEARD, of_samples(several), label="plain",
    ),
    Case(
        kl.SISDR, {"zero_mean": False, "epsilon": 0.01, "threshold": 15.0}, SOUND, HEARD,
        of_samples(si_sdr),
    ),
    Case(
        kl.SISDR, {"zero_mean": True, "epsilon": 1e-6}, SOUND[..., 0], HEARD[..., 0],
        of_samples(lambda t, p, **options: si_sdr(t[:, None], p[:, None], **options)),
        label="centred",
    ),
    Case(
        kl.PermutationInvariant, {"axis": 2}, np.moveaxis(SOURCES, 1, 2),
        np.moveaxis(SEPARATED, 1, 2), in_any_order(lambda a, b: np.mean((a - b) ** 2), 2),
        argument=[kl.MeanSquaredError()],
    ),
    Case(
        kl.PermutationInvariant, {"axis": 1}, SOURCES, SEPARATED,
        in_any_order(lambda a, b: si_sdr(a[:, None], b[:, None], True, 1e-8), 1),
        argument=[kl.SISDR()], label="SISDR",
    ),
]

BAD_OPTIONS = {
    "fft_size": (1, 1.5, "512", None),
    "hop_size": (0, 1.5, None),
    "window_length": (1, 17, None),
    "convergence": (-1, float("nan"), None),
    "log_magnitude": (-1, float("nan"), None),
    "magnitude": (-1, float("nan"), None),
    "mel_bins": (0, 2.5, "8"),
    "sampling_rate": (0, -1, "8k", None),
    "fft_sizes": ([], [8], [8, 8, 8], 8, [8, 1.5]),
    "hop_sizes": ([], [3], 3, [0, 1]),
    "window_lengths": ([], [8], [9, 13], 8, None),
    "zero_mean": (1, None, "yes"),
    "epsilon": (0, -1, float("nan"), None),
    "threshold": (float("nan"), float("inf"), "30"),
    "axis": (0, 1.5, None),
}
