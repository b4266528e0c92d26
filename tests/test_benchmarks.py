"""The benchmarks run: tiny inputs, nothing about their times is asserted."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import pytest

import keras_losskit as kl
from benchmarks import cases, engines, measure, report

ROOT = pathlib.Path(__file__).resolve().parents[1]
BACKEND = keras.config.backend()
ENGINE = {"tensorflow": "tf-xla", "jax": "jax", "torch": "torch"}[BACKEND]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What one command measures, with every part on few losses and without the peers."""
    folder = tmp_path_factory.mktemp("benchmarks")
    flags = ["--engines", ENGINE, "--only", "regression/Mean", "--parts", "losses,sums,watch"]
    flags += ["--tiny", "--rounds", "2", "--seconds", "0", "--json", str(folder / "results.json")]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *flags],
        cwd=ROOT,
        env={**os.environ, "KERAS_LOSSKIT_PEERS": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads((folder / "results.json").read_text())


def test_each_loss_is_compared_and_agrees_with_keras_and_with_a_function_by_hand(results):
    _, found = results
    compared = {(row["case"], row["peer"]): row for row in found["losses"]}
    for name in ("MeanSquaredError", "MeanAbsoluteError"):
        for peer in ("keras", "hand"):
            row = compared[name, peer]
            assert row["agrees"], row
            assert row["kit_ms"] > 0 and row["peer_ms"] > 0 and row["floor_ms"] > 0
            assert row["low"] <= row["ratio"] <= row["high"]


def test_sums_of_every_length_agree_with_functions_by_hand(results):
    rows = results[1]["sums"]
    assert [row["terms"] for row in rows] == [1, 2, 3, 4, 5]
    assert all(row["agrees"] for row in rows), rows


@pytest.mark.skipif(BACKEND == "torch", reason="nothing is compiled")
def test_watch_adds_no_operation_while_nobody_watches(results):
    (row,) = results[1]["watch"]
    assert row["plain"] and row["plain"] == row["watched"]


def test_the_tables_show_every_row_and_tell_nothing_of_the_place(results):
    text, found = results
    assert report.markdown(found).strip() in text
    for row in found["losses"]:
        assert row["case"] in text
    assert str(ROOT) not in text and "--json" not in text


def test_every_case_is_a_loss_of_the_kit_with_options_that_it_takes():
    for case in cases.all_cases().values():
        loss = case.sources()["kit"](kl)
        assert case.kit or isinstance(loss, kl.Loss), case
        for notes in (case.differs, case.costs, case.engines, case.other):
            assert set(notes) <= set(case.peers), case


def test_a_wide_spread_makes_a_ratio_meaningless():
    steady = measure.Timing([1.0] * 9)
    assert measure.ratio(measure.Timing([2.0] * 9), steady).verdict == "slower"
    assert measure.ratio(measure.Timing([0.5] * 9), steady).verdict == "faster"
    assert measure.ratio(steady, steady).verdict == "level"
    wild = measure.Timing([0.1, 5.0, 0.2, 4.0, 1.0, 9.0, 0.1, 3.0, 7.0])
    assert measure.ratio(wild, steady).verdict == "spread too wide"


def test_candidates_take_turns_in_alternating_order():
    asked = []

    def run(key, repeat):
        asked.append(key)
        return 100.0

    timings = measure.interleave(run, ["a", "b"], rounds=4, seconds=60)
    assert "".join(asked) == "abab" + "ab" + "ba" + "ab" + "ba"
    assert timings["a"].ms == [100.0] * 4


def test_the_exponent_of_growth_is_fitted():
    assert abs(measure.fitted_exponent([1, 2, 4, 8, 16], [3, 12, 48, 192, 768]) - 2) < 1e-9


def test_the_peak_is_that_of_the_step():
    import numpy as np

    peak = engines.Engine().peak_mib(lambda: np.ones(40 * 2**20, "uint8").sum())
    assert 35 < peak < 80
