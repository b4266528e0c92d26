"""The benchmarks run: tiny inputs, nothing about their times is asserted."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys

import keras
import pytest

import keras_losskit as kl
from benchmarks import calls, cases, engines, inputs, measure, pages, parts, report, vocabulary
from benchmarks.__main__ import updated
from keras_losskit.core.takes import takes_of

pytestmark = pytest.mark.xdist_group("test_benchmarks")  # What is made once serves all.

ROOT = pathlib.Path(__file__).resolve().parents[1]
BACKEND = keras.config.backend()
ENGINE = {"tensorflow": "tf-xla", "jax": "jax", "torch": "torch"}[BACKEND]


NAMES = ("MeanSquaredError", "MeanAbsoluteError")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What one command measures, with every part on few losses and without the peers."""
    folder = tmp_path_factory.mktemp("benchmarks")
    flags = ["--engines", ENGINE, "--parts", "losses,sums,watch"]
    flags += [f for name in NAMES for f in ("--only", f"regression/{name}")]
    flags += ["--tiny", "--rounds", "2", "--seconds", "0", "--launches", "1"]
    flags += ["--json", str(folder / "results.json")]
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
    for name in NAMES:
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


def test_what_grows_is_a_measured_case_at_sizes_that_its_loss_takes():
    every = cases.all_cases()
    for grown in parts.GROWTH:
        case = every[grown.case]
        assert bool(grown.axes) != bool(grown.option) and list(grown.sizes) == sorted(grown.sizes)
        assert all(axis < len(case.shape) for axis in grown.axes), grown
        assert case.kit is None or not grown.option, grown  # Nothing would come of it.
        for size in grown.sizes:
            request = grown.request(case, size)
            assert sum(n == size for n in request["shape"]) >= len(grown.axes)
            options = {**case.options, **request.get("options", {})}
            grew = dataclasses.replace(case, options=options)
            assert isinstance(grew.sources()["kit"](kl), kl.Loss)


def verdict(ratios, rounds=5):
    """Of launches with these ratios, each without any spread of its own."""
    kit = measure.Timing([[r] * rounds for r in ratios])
    return measure.ratio(kit, measure.Timing([[1.0] * rounds] * len(ratios))).verdict


def test_the_interval_is_that_of_the_launches():
    assert verdict([2.0]) == verdict([1.2, 1.25, 1.22, 1.21, 1.24]) == "slower"
    assert verdict([0.5]) == verdict([0.8, 0.9, 0.85, 0.82, 0.88]) == "faster"
    assert verdict([1.0]) == verdict([1.2, 0.95, 1.05, 0.9, 1.1]) == "level"
    assert verdict([1.2, 1.3]) == "spread too wide"  # Two launches tell next to nothing.
    ratio = measure.ratio(measure.Timing([[1.0], [4.0]]), measure.Timing([[1.0], [1.0]]))
    assert ratio.value == pytest.approx(2.0)  # The mean of logarithms, and
    assert ratio.high == pytest.approx(2 * 2**12.7062, rel=1e-4)  # Student's t of one freedom.


def test_the_interval_of_one_launch_is_that_of_its_rounds():
    steady = measure.Timing([[1.0] * 9])
    wild = measure.Timing([[0.1, 5.0, 0.2, 4.0, 1.0, 9.0, 0.1, 3.0, 7.0]])
    assert measure.ratio(wild, steady).verdict == "spread too wide"


def test_what_is_slower_is_launched_again_and_counted_together():
    class Pool:
        closed = 0

        def close(self):
            self.closed += 1

    asked = []

    def job(name, times):
        def run():
            asked.append(name)
            ms = times.pop(0)
            return [{"peer": "keras", "kit_rounds": [[ms] * 3], "peer_rounds": [[1.0] * 3]}]

        return run

    bench = parts.Bench(Pool(), rounds=3, seconds=0, tiny=True, launches=3)
    jobs = {
        # Of a launch's first the first time does not count.
        "steady": job("steady", [9.0, 1.0, 9.0, 1.01, 9.0, 0.99]),
        "by chance": job("by chance", [1.1, 1.11, 1.12, 9.0, 0.94, 9.0, 0.95, 9.0, 0.96]),
    }
    steady, chance = bench.over_launches(jobs)
    assert asked == ["steady", "steady", "by chance"] * 3 + ["by chance", "by chance"] * 3
    assert bench.pool.closed == 6  # Each launch had processes of its own.
    assert steady["verdict"] == "level" and steady["launches"] == 3
    assert chance["verdict"] == "level" and chance["launches"] == 6
    assert chance["ratio"] == pytest.approx((1.1 * 1.11 * 1.12 * 0.94 * 0.95 * 0.96) ** (1 / 6))


def test_a_comparison_measured_again_replaces_the_earlier_one():
    old = [{"case": "Dice", "peer": p, "engine": e, "ratio": 1} for p in "ab" for e in ("x", "y")]
    new = {"case": "Dice", "peer": "b", "engine": "x", "ratio": 2}
    # A case of an engine stays together.
    assert updated(old, [new]) == [old[0], new, old[1], old[3]]
    assert updated(old, [{**new, "peer": "c"}])[2]["peer"] == "c"


def test_growth_of_one_loss_along_several_sizes_is_kept():
    rows = [{"engine": g.case, "case": g.case, "along": g.along} for g in parts.GROWTH]
    assert updated(rows[:1], rows) == rows
    assert len({row["case"] for row in rows}) < len(rows)


def test_candidates_take_turns_in_alternating_order():
    asked = []

    def run(key, repeat):
        asked.append(key)
        return 100.0

    timings = measure.interleave(run, ["a", "b"], rounds=4, seconds=60)
    assert "".join(asked) == "abab" + "ab" + "ba" + "ab" + "ba"
    assert timings["a"].launches == [[100.0] * 4]


def test_the_exponent_of_growth_is_fitted():
    assert abs(measure.fitted_exponent([1, 2, 4, 8, 16], [3, 12, 48, 192, 768]) - 2) < 1e-9


def test_the_peak_is_that_of_the_step():
    import numpy as np

    peak = engines.Engine().peak_mib(lambda: np.ones(40 * 2**20, "uint8").sum())
    assert 35 < peak < 80


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="Linux tells the peak")
def test_the_large_vocabulary_is_measured_of_equal_losses():
    found = [vocabulary.one(ENGINE, kind, 48, 64, 8, 1) for kind in ("kit", "dense")]
    assert found[0]["value"] == pytest.approx(found[1]["value"], rel=1e-5)
    for row in found:
        assert row["seconds"] > 0 and row["process_mib"] > 50 and row["mib"] >= 0


def test_inputs_are_what_each_loss_declares_that_it_takes():
    for key, case in cases.all_cases().items():
        if case.kit:
            continue
        takes = takes_of(getattr(kl, case.loss)(**case.options))
        assert case.inputs in inputs.SUITABLE[takes.y_true, takes.y_pred], (key, takes)


# --- the pages -------------------------------------------------------------------------


@pytest.mark.once
def test_the_overview_is_what_the_pages_say():
    assert (ROOT / "BENCHMARKS.md").read_text(encoding="utf-8") == pages.overview()


@pytest.mark.once
def test_every_page_is_known_and_shown():
    files = {path.stem for path in pages.RESULTS.glob("*.md")}
    assert files == set(pages.pages()) and {"tensorflow", "jax", "torch", "vocabulary"} <= files
    shown = {path.stem for path in (ROOT / "docs" / "tables").glob("*.md")}
    assert shown == files
    listed = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    assert all(f"tables/{name}\n" in listed for name in files)


@pytest.mark.once
def test_no_loss_is_far_slower_compiled_than_eager_without_a_reason():
    assert set(pages.between()) == set(pages.BETWEEN)


def test_every_case_that_is_slower_is_named_below():
    rows = [r for r in pages.rows() if r["verdict"] == "**slower**"]
    why = pages.sections("Why it is slower where it is")
    told = [r for r in rows if r["peer"] not in ("by hand", "the peers' TensorFlow")]
    assert len(told) > 5
    for row in told:
        assert f"- {row['loss']}, {row['peer']} (" in why, row


def test_eager_calls_are_those_of_the_same_function():
    for name, kit, theirs, y, p in calls.pairs():
        assert float(kit(y, p)) == pytest.approx(float(theirs(y, p)), rel=2e-4), name
