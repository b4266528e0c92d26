"""Candidates in turn, A B A B; medians, their spread, and what a ratio is worth."""

import dataclasses
import math
import statistics
import time

import numpy as np
from scipy import stats

SAMPLE_MS = 3.0  # Shorter runs are repeated until one sample takes this long.
WARM_MS = 50.0  # Shorter runs find the caches as their own last run left them, as in training.
WIDE = 1.5  # An interval around 1 that spans more than this factor says nothing.


@dataclasses.dataclass
class Timing:
    """Milliseconds of each round of each launch of the processes.

    Round i of launch j of every candidate was measured together.
    """

    launches: list

    @property
    def medians(self):
        """Of each launch."""
        return [statistics.median(rounds) for rounds in self.launches]

    @property
    def median(self):
        return statistics.median(self.medians)


def interleave(run, keys, rounds, seconds):
    """`{key: Timing}`; `run(key, repeat)` measures once and returns milliseconds.

    Each round asks every candidate once, in the opposite order of the round before;
    short runs are run once more before, not measured.
    Stops after `rounds`, or after `seconds` once there are five, or three of a
    round that alone takes as long.
    """
    single = {key: run(key, 1) for key in keys}
    slow = sum(single.values()) > 1e3 * seconds
    if not slow:
        single = {key: run(key, 1) for key in keys}  # The first ones warmed up.
    repeat = {key: max(1, min(200, round(SAMPLE_MS / max(single[key], 1e-3)))) for key in keys}
    samples = {key: [] for key in keys}
    end = time.perf_counter() + seconds
    for done in range(rounds):
        if time.perf_counter() > end and done >= (3 if slow else 5):
            break
        for key in list(keys)[:: -1 if done % 2 else 1]:
            if single[key] < WARM_MS:
                run(key, 1)
            samples[key].append(run(key, repeat[key]))
    return {key: Timing([ms]) for key, ms in samples.items()}


@dataclasses.dataclass
class Ratio:
    """Ratio of medians with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def meaningless(self):
        return self.low <= 1 <= self.high and self.high > WIDE * self.low

    @property
    def verdict(self):
        if self.low > 1:
            return "slower"
        if self.high < 1:
            return "faster"
        return "spread too wide" if self.meaningless else "level"


def ratio(a, b):
    """a / b: the geometric mean over launches, with Student's interval of its logarithm.

    From one launch the interval is that of its rounds, and says nothing about how
    another would do: processes differ by more than their rounds.
    """
    if len(a.launches) == 1:
        return _of_one_launch(a, b)
    logs = [math.log(m / n) for m, n in zip(a.medians, b.medians, strict=True)]
    mean, error = statistics.mean(logs), statistics.stdev(logs) / math.sqrt(len(logs))
    reach = float(stats.t.ppf(0.975, len(logs) - 1)) * error
    return Ratio(*(math.exp(x) for x in (mean, mean - reach, mean + reach)))


def _of_one_launch(a, b, resamples=2000):
    # Rounds are resampled in pairs: what slows a whole round cancels.
    a, b = np.asarray(a.launches[0]), np.asarray(b.launches[0])
    picks = np.random.default_rng(0).integers(0, len(a), size=(resamples, len(a)))
    many = np.median(a[picks], axis=1) / np.median(b[picks], axis=1)
    low, high = np.quantile(many, [0.025, 0.975])
    return Ratio(float(np.median(a) / np.median(b)), float(low), float(high))


def fitted_exponent(sizes, values):
    """k of value ~ size^k, by least squares in logarithms over the upper half."""
    half = max(min(len(sizes) // 2, len(sizes) - 2), 0)
    x, y = np.log(np.asarray(sizes[half:], float)), np.log(np.asarray(values[half:], float))
    return float(np.polyfit(x, y, 1)[0])
