"""Cost: time of value and gradient against a copy of the same bytes. Never a failure."""

import time

import numpy as np

from keras_losskit.doctor import running
from keras_losskit.doctor.running import attempt, backend, tensor

_ELEMENTS = 2**16


def check(exam):
    if exam.runner.eager:
        return
    times = []
    for doubling in (1, 2):
        arrays = _enlarged(exam.sample, doubling)
        seconds, error = attempt(_time, exam, arrays)
        if error is not None:
            return
        times.append(seconds)
    bytes_moved = sum(a.nbytes for a in _enlarged(exam.sample, 1))
    copy = _copy_time(_enlarged(exam.sample, 1))
    shape = _enlarged(exam.sample, 1)[1].shape
    growth = times[1] / times[0]
    exam.add(
        "cost", "info",
        f"value and gradient on y_pred {shape} take {_spoken(times[0])}, "
        f"{times[0] / copy:.3g} times a copy of its {bytes_moved / 1e6:.2g} MB; "
        f"{growth:.2g} times as long for twice the batch",
        "Growth near 4 means that every sample meets every other." if growth > 3 else "",
    )


def _enlarged(sample, doubling):
    rows = max(1, int(np.prod(sample.y_pred.shape[1:])))
    batch = max(16, min(512, _ELEMENTS // rows)) * doubling
    if sample.y_pred.ndim > 2 or sample.lists or sample.domain == "boxes":
        batch = min(batch, 128 * doubling)
    times = -(-batch // len(sample.y_pred))

    def tiled(x):
        return np.tile(x, (times, *(1,) * (x.ndim - 1)))[:batch]

    return tiled(sample.y_true), tiled(sample.y_pred)


def _time(exam, arrays):
    key = "timed"
    if key not in exam.facts:
        exam.facts[key] = exam.facts.get("xla") or running.compiled(
            exam.runner._gradient, xla=backend() == "tensorflow"
        )
    function = exam.facts[key]
    arrays = [tensor(a) for a in arrays]
    _wait(function(*arrays))
    best = np.inf
    for _ in range(5):
        start = time.perf_counter()
        _wait(function(*arrays))
        best = min(best, time.perf_counter() - start)
    return best


def _wait(result):
    for x in result:
        if x is not None:
            running.to_numpy(x)


def _copy_time(arrays):
    best = np.inf
    for _ in range(20):
        start = time.perf_counter()
        for a in arrays:
            a.copy()
        best = min(best, time.perf_counter() - start)
    return max(best, 1e-7)


def _spoken(seconds):
    return f"{seconds * 1e3:.2g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} µs"
