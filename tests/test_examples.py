"""Each example runs, in a process of its own, and prints the right numbers."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"


def run(name):
    """What an example prints; it imports the package from this checkout."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


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


def test_five_questions():
    out = run("five_questions.py")
    verdicts = dict(re.findall(r"^(\d\.\d) \w+: (fine|NOT FINE)$", out, re.MULTILINE))
    assert len(verdicts) == 15
    assert [n for n, verdict in verdicts.items() if verdict != "fine"] == ["1.3"]
    assert "sign flipped and off by a factor 18 (the number of elements)" in out
    assert "is broadcast to (6, 6)" in out
    assert out.count("instead: kl.") == 15
    assert "The numbers, at any time, as NumPy:" in out and "mean_absolute_error" in out


def test_every_example_has_a_test():
    tested = {name for name in globals() if name.startswith("test_")}
    assert {f"test_{path.stem}" for path in EXAMPLES.glob("*.py")} <= tested
