"""Each example runs, in a process of its own, and prints the right numbers."""

import multiprocessing
import os
import re
import runpy
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"


# Each example has a process of its own, forked from one that has imported Keras and its backend
# and done nothing with them: an example that wants half a second waits five for its imports.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["keras"])


def script(path, arguments, folder):
    """As `python PATH ARGUMENTS…` would run it; what it prints goes to files in `folder`."""
    for name, stream in (("stdout", 1), ("stderr", 2)):
        os.dup2(os.open(folder / name, os.O_CREAT | os.O_WRONLY), stream)
    sys.argv = [str(path), *arguments]
    sys.path[:0] = [str(path.parent), str(ROOT)]
    # Some start processes of their own.
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
    )
    runpy.run_path(str(path), run_name="__main__")


def run(name, *arguments):
    """What an example prints; it imports the package from this checkout."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        process = PROCESSES.Process(target=script, args=(EXAMPLES / name, arguments, folder))
        process.start()
        process.join(timeout=300)
        process.kill()
        out, errors = (
            (folder / name).read_text(encoding="utf-8") for name in ("stdout", "stderr")
        )
    assert process.exitcode == 0, out + errors
    return out


def number(pattern, text):
    found = re.search(pattern, text)
    assert found, f"{pattern!r} is not in:\n{text}"
    return float(found[1])


def test_quickstart():
    out = run("quickstart.py")
    loss, terms = [], []
    for line in re.findall(r"epoch \d: .*", out):
        loss.append(number(r"loss (\S+)", line))
        terms.append(
            number(r" categorical_crossentropy (\S+)", line)
            + 0.5 * number(r" categorical_focal_crossentropy (\S+)", line)
        )
    assert len(loss) == 4
    assert loss == sorted(loss, reverse=True)
    # The evaluated loss is the weighted sum of the terms of the last epoch.
    assert number(r"test loss (\d\S+)", out) == pytest.approx(terms[-1], abs=2e-4)
    assert number(r"test accuracy (\d\.\d+)", out) > 0.92
    assert out.count(": identical") == 6
    before = number(r"test loss when saved (\S+),", out)
    assert number(r"after one more epoch there (\S+)", out) < before


def test_combine():
    out = run("combine.py")
    # Values: squared 5 and 2, absolute 2 and 1.
    for what, value in {
        "squared": "3.5",
        "absolute": "1.5",
        "squared + absolute": "5.",
        "2 * squared - absolute / 2": "6.25",
        "squared * absolute": "6.",
        "sum([squared, absolute])": "5.",
        "squared + 'mae'": "5.",
        "as_loss('mse') + 'mae'": "5.",
        "Keras' own": "5.",
        "repr": "MeanSquaredError() + 0.5 * Huber() + 2 * Huber(delta=2.0)",
        "names": "['mean_squared_error', 'huber', 'huber_2']",
        # Huber(1): (0.5 + 2.5)/2 and 1.5/2; Huber(2): (0.5 + 4)/2 and 2/2.
        "terms": "{'mean_squared_error': 3.5, 'huber': 1.125, 'huber_2': 1.625}",
        "own names": "['fit', 'tail'] weight of tail: 0.1",
        "sum_over_batch_size, weights 3 and 1": "10.25",
        "mean_with_sample_weight, weights 3 and 1": "5.125",
        "sum, weights 3 and 1": "20.5",
        "none, weights 3 and 1": "[18.   2.5]",
        "each term by its own rule": "8.5",
        "first + second": "3.",
        "at step 0": "5.",
        "at step 5": "4.25",
        "at step 10": "3.5",
    }.items():
        assert f"{what}: {value}\n" in out
    assert "one output cannot be both logits and probabilities" in out


def test_function_loss():
    out = run("function_loss.py")
    formula = "asymmetric_square(below=9.0) + 0.1 * Huber(delta=0.5)"
    assert f"loss = {formula}\n" in out
    assert f"reloaded = {formula}\n" in out
    assert "same predictions: True\n" in out
    symmetric = number(r"mean_squared_error: (\S+) of the predictions", out)
    assert number(r"weighted_sum: (\S+) of the predictions", out) < symmetric - 0.15
    assert "refused: @loss: a lambda has no name" in out


def test_subclass_loss():
    out = run("subclass_loss.py")
    formula = "BoundedCrossentropy(q=0.9) + 0.01 * BinaryCrossentropy(from_logits=True)"
    assert f"loss = {formula}\n" in out
    assert f"reloaded = {formula}\n" in out
    assert number(r"right on true ones: (\S+)", out) > 0.95
    assert "same evaluated loss: True\n" in out
    assert "refused: bounded_crossentropy: y_true of shape (569, 1) does not fit" in out


def test_save_and_reload():
    out = run("save_and_reload.py")
    lines = dict(re.findall(r"(\S+): same loss, same number \((\S+)\)", out))
    assert list(lines) == ["model.keras", "model.h5", "loss.pickle"]
    assert all(0 < float(value) < 0.5 for value in lines.values())


def test_imbalanced():
    out = run("imbalanced.py")
    row = r"^(.+?) +(\d\.\d+) ± (\d\.\d+) +(\d\.\d+) ± (\d\.\d+)$"
    rows = re.findall(row, out, re.MULTILINE)
    found = {name: [float(x) for x in numbers] for name, *numbers in rows}
    assert list(found) == [
        "cross-entropy", "focal, gamma 2", "class-balanced", "logit adjustment", "LDAM",
    ]
    for accuracy, spread, rare, _ in found.values():
        assert 0.75 < accuracy < 0.97 and spread < 0.06
        assert rare < accuracy
    # By more than the spread of each: 0.90 ± 0.02 against 0.85 ± 0.03.
    plain, adjusted = found["cross-entropy"], found["logit adjustment"]
    assert adjusted[0] > plain[0] + 0.02
    assert adjusted[2] > plain[2] + 0.08
    assert found["class-balanced"][2] > plain[2]


def test_quantiles(tmp_path):
    pytest.importorskip("matplotlib")
    out = run("quantiles.py", str(tmp_path / "intervals.png"))
    taus = [0.05, 0.25, 0.5, 0.75, 0.95]
    below = [number(rf"tau {tau:.2f}: (\S+) of", out) for tau in taus]
    np.testing.assert_allclose(below, taus, atol=0.1)
    assert below == sorted(below)
    half, most = (number(rf"interval of {n}%: covers (\S+),", out) for n in (50, 90))
    assert 0.4 < half < 0.6 and 0.8 < most < 0.98
    # The covariates tell something: the intervals are narrower than without them.
    assert number(r"interval of 90%: .* width (\d+)", out) < 0.85 * number(r"within (\d+)", out)
    drawn = (tmp_path / "intervals.png").read_bytes()
    assert drawn.startswith(b"\x89PNG") and len(drawn) > 20_000


def test_probabilistic(tmp_path):
    out = run("probabilistic.py", str(tmp_path / "distributions.png"))
    half, most = (number(rf"band of {n}%: covers (\S+) of", out) for n in (50, 90))
    assert 0.4 < half < 0.6 and 0.8 < most < 0.98
    # Heavy patients differ more than thin ones.
    thin, heavy = (number(rf"{what} (\d+)", out) for what in ("thin patients", "heavy ones"))
    assert heavy > 1.3 * thin
    one, several = (number(rf"{what}: (\S+) nats", out) for what in ("one Gaussian", "mixture"))
    assert several < one - 0.5
    assert "answers at x = 0.5: 3\n" in out
    drawn = (tmp_path / "distributions.png").read_bytes()
    assert drawn.startswith(b"\x89PNG") and len(drawn) > 20_000


def test_survival(tmp_path):
    out = run("survival.py", str(tmp_path / "curves.png"))
    found = {name: float(c) for name, c in re.findall(r"^(\w+): C (\S+)$", out, re.MULTILINE)}
    assert list(found) == ["CoxPartialLikelihood", "DiscreteTimeHazard", "WeibullNLL"]
    assert all(0.53 < c < 0.75 for c in found.values())  # 0.5 is chance.
    predicted = number(r"after a year: (\S+) predicted", out)
    assert predicted == pytest.approx(number(r"predicted, (\S+) seen", out), abs=0.06)
    drawn = (tmp_path / "curves.png").read_bytes()
    assert drawn.startswith(b"\x89PNG") and len(drawn) > 20_000


def test_denoising(tmp_path):
    out = run("denoising.py", str(tmp_path / "denoised.png"))
    rows = re.findall(r"^(.+?) +PSNR (\S+) dB  SSIM (\S+)$", out, re.MULTILINE)
    found = {name: (float(psnr), float(ssim)) for name, psnr, ssim in rows}
    assert list(found) == ["noisy", "L1", "SSIM", "0.84 SSIM + 0.16 L1"]
    (noisy, unlike), (pixels, plain), (_, structure), (both, summed) = found.values()
    assert noisy == pytest.approx(20.4, abs=0.5)  # -20·log10(0.1), but for what is clipped.
    assert pixels > both > noisy + 2.5
    assert min(structure, summed) > plain + 0.04 and plain > unlike + 0.1
    assert (tmp_path / "denoised.png").read_bytes().startswith(b"\x89PNG")


def test_registration(tmp_path):
    out = run("registration.py", str(tmp_path / "aligned.png"))
    before = number(r"before: positions are off by (\S+)", out)
    local, squared = (
        number(rf"{name}: off by (\S+),", out) for name in ("local correlation", "squared error")
    )
    assert local < 0.2 * before and local < 0.3 * squared
    assert "local correlation: off by" in out and out.count("folded 0.0%") >= 1
    assert (tmp_path / "aligned.png").read_bytes().startswith(b"\x89PNG")


def test_source_separation(tmp_path):
    out = run("source_separation.py", str(tmp_path / "voices.png"))
    before = number(r"the mixture itself: (\S+) dB", out)
    assert abs(before) < 0.5  # Two voices, equally loud.
    assert abs(number(r"order as given: (\S+) dB", out) - before) < 2
    assert number(r"PermutationInvariant: (\S+) dB", out) > before + 7
    assert (tmp_path / "voices.png").read_bytes().startswith(b"\x89PNG")


def test_segmentation(tmp_path):
    pytest.importorskip("matplotlib")
    out = run("segmentation.py", str(tmp_path))
    assert "weight of boundary: 0.000 0.020 0.040 0.060 0.080 0.100\n" in out
    # The thin class gains most from the overlap and boundary terms.
    curves = [
        number(rf"{re.escape(label)}: intersection .* curve (\S+)", out)
        for label in ("cross-entropy", "dice + ce + boundary")
    ]
    assert curves[1] > curves[0] + 0.05
    for name in ("dice", "ce", "boundary"):
        label = re.escape(f"dice + ce + boundary: {name} after each epoch: ")
        values = [float(x) for x in re.search(label + "(.*)", out)[1].split()]
        assert len(values) == 6 and values[-1] < values[0]
    for name in ("predictions.png", "terms.png"):
        assert f"picture: {tmp_path / name}\n" in out
        assert (tmp_path / name).stat().st_size > 10_000


def test_vae(tmp_path):
    pytest.importorskip("matplotlib")
    out = run("vae.py", str(tmp_path))
    rows = re.findall(
        r"epoch (\d+): loss (\S+) reconstruction (\S+) kl (\S+) weight of kl (\S+) \|", out
    )
    rows = [[float(x) for x in row] for row in rows]
    assert [row[0] for row in rows] == [1, 10, 20, 40]
    assert [row[4] for row in rows] == sorted(row[4] for row in rows) and rows[-1][4] == 1
    # With the whole weight the loss is the sum of what is logged, the negative ELBO.
    for _, loss, reconstruction, divergence, weight in rows[2:]:
        assert loss == pytest.approx(reconstruction + weight * divergence, abs=0.02)
    assert rows[-1][2] < 24 and 2 < rows[-1][3] < 6
    assert "reloaded, same reconstructions: True\n" in out
    unseen = number(r"error of unseen images: (\S+)", out)
    assert unseen < 0.7 * number(r"of the mean image: (\S+)", out)
    assert number(r"nearest real image (\S+)", out) < 0.14
    for name in ("samples.png", "reconstructions.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_two_tasks():
    out = run("two_tasks.py")
    ends = re.findall(r"epoch 30: digit \S+ times (\S+), ink \S+ times (\S+)", out)
    digit, ink = map(float, ends[0])
    assert ink > 2 * digit > 1  # The smaller loss got the larger weight.
    assert number(r"learned weights: accuracy (\S+),", out) > 0.86
    assert number(r"learned weights: .* off by (\S+)", out) < 0.05
    assert "reloaded, same weights: True\n" in out
    assert "trained on, same logs: True\n" in out


def test_metric_learning():
    out = run("metric_learning.py")
    trained = re.findall(r"^(\w+)\(.*\): loss (\S+) -> (\S+), recall@1 (\S+)$", out, re.MULTILINE)
    assert [line[0] for line in trained] == [
        "TripletSemiHard", "MultiSimilarity", "SupervisedContrastive",
    ]
    assert all(float(last) < float(first) for _, first, last, _ in trained)
    pixels = number(r"raw pixels: recall@1 (\S+)", out)
    assert all(float(recall) > pixels for *_, recall in trained)
    assert 0 < number(r"untrained network: recall@1 (\S+)", out) < 1
    assert number(r"metric_learning.png \((\d+) bytes\)", out) > 10_000


def test_contrastive_pretraining():
    out = run("contrastive_pretraining.py")
    assert "loss = OnViews(loss=NTXent(temperature=0.3))\n" in out
    assert number(r"epoch 30: loss (\S+)", out) < number(r"epoch 1: loss (\S+)", out)
    before = number(r"untrained network: accuracy (\S+)", out)
    assert number(r"trained without labels: accuracy (\S+)", out) > before + 0.1


@pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="replicas of `tf.distribute`"
)
def test_retrieval():
    out = run("retrieval.py")
    rows = dict(re.findall(r"^(.+?): (loss \S+  recall.*)$", out, re.MULTILINE))
    assert list(rows) == ["one device", "two replicas", "two replicas, gather=True"]
    found = {
        label: [float(x) for x in re.findall(r" (\d\.\d+)", text)] for label, text in rows.items()
    }
    one, apart, gathered = found.values()
    np.testing.assert_allclose(gathered, one, atol=0.005)
    assert all(0.1 < a < b < c for _, a, b, c in found.values())  # Chance is 1/540.
    assert one[3] > apart[3] + 0.01 and one[0] > apart[0] + 0.2


def test_ranking():
    out = run("ranking.py")
    chance = number(r"random order: NDCG@5 (\S+)", out)
    found = {name: float(x) for name, x in re.findall(r"(\w+)\(.*\): NDCG@5 (\S+)", out)}
    baseline = found.pop("MeanSquaredError")
    assert baseline > chance + 0.2
    assert list(found) == ["PairwiseLogistic", "ListMLE", "ApproxNDCG", "LambdaNDCG"]
    assert min(found.values()) > baseline - 0.02
    assert max(found.values()) > baseline + 0.005


def test_five_questions():
    out = run("five_questions.py")
    verdicts = dict(re.findall(r"^(\d\.\d) \w+: (fine|NOT FINE)$", out, re.MULTILINE))
    assert len(verdicts) == 15
    assert [n for n, verdict in verdicts.items() if verdict != "fine"] == ["1.3"]
    assert "sign flipped and off by a factor 18 (the number of elements)" in out
    assert "y_true (8,) against y_pred (8, 3) is broadcast to (8, 8)" in out
    assert out.count("instead: kl.") == 15
    assert "The numbers, at any time, as NumPy:" in out and "mean_absolute_error" in out


def test_language_model():
    pytest.importorskip("resource")
    out = run("language_model.py")
    before, after = number(r"text: (\S+) ->", out), number(r"text: .* -> (\S+)", out)
    assert before == pytest.approx(np.log(50_000), abs=0.3)
    assert after < 3.2  # By how often each character comes it is 3.37.
    assert "it writes characters alone: True\n" in out
    logits = number(r"the logits alone: (\d+)", out)
    dense, mine = number(r"dense: (\d+)", out), number(r"LinearCrossentropy: (\d+)", out)
    assert dense > logits and mine < 0.6 * logits


def test_handwriting_ctc():
    out = run("handwriting_ctc.py")
    first, last = number(r"test strings: (\S+) ->", out), number(r"-> (\S+)", out)
    assert last < 0.2 * first
    assert number(r"wrong digits: (\S+)", out) < 0.1
    assert number(r"strings read right: (\S+)", out) > 0.7


def test_preference():
    out = run("preference.py")
    before, after = (number(rf"{when}: writes the preferred answer (\S+),", out)
                     for when in ("before", "after"))
    assert before < 0.75 and after > before + 0.15
    shares = [number(rf"{when}: .* share of both (\S+)", out) for when in ("before", "after")]
    assert abs(shares[0] - 0.5) < 0.15 and shares[1] > 0.95
    assert number(r"loss: (\S+) ->", out) < 0.7  # From log 2 on.
    assert number(r"loss: .* -> (\S+),", out) < 0.3
    assert number(r"of the preferred answer: (\S+) on average", out) > -0.5


def test_wgan_gp(tmp_path):
    out = run("wgan_gp.py", str(tmp_path))
    assert number(r"slope of the critic: (\S+),", out) == pytest.approx(1, abs=0.25)
    far, near = (number(rf"{what}: squared .* (\S+)", out) for what in ("untrained", "drawn"))
    assert near < 0.4 * far
    assert number(r"sure of them: (\S+)", out) > 0.8
    assert number(r"digits among them: (\d+) of 10", out) >= 8
    assert (tmp_path / "drawn_digits.png").read_bytes().startswith(b"\x89PNG")


def test_physics_informed(tmp_path):
    out = run("physics_informed.py", str(tmp_path))
    assert number(r"largest error of u: (\S+),", out) < 1e-3
    assert number(r"root mean square: (\S+)", out) < 5e-4
    assert (tmp_path / "poisson.png").read_bytes().startswith(b"\x89PNG")


def test_every_example_has_a_test():
    tested = {name for name in globals() if name.startswith("test_")}
    assert {f"test_{path.stem}" for path in EXAMPLES.glob("*.py")} <= tested
