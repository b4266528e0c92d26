"""`python -m keras_losskit`, `keras_losskit.testing`, and what is loaded when."""

import inspect
import json
import os
import subprocess
import sys

import keras
import pytest
from keras import ops

import keras_losskit as kl
from keras_losskit import catalogue
from keras_losskit.__main__ import main
from keras_losskit.testing import assert_loss, parametrize_checks
from tests.doctor.sound import squared


def test_list_names_every_loss_once(capsys):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert max(map(len, lines)) <= 100
    losses = [n for n in kl.__all__ if n[0].isupper()
              and getattr(kl, n).__module__.startswith("keras_losskit.losses.")]
    assert [line.strip() for line in lines if line.startswith("  ") and line[2] != " "] == losses
    assert "G. E. P. Box" not in out and "(1964)" in out and "d²" in out


def test_list_of_a_family(capsys):
    assert main(["list", "--family", "segmentation"]) == 0
    out = capsys.readouterr().out
    assert "Dice" in out and "Huber" not in out
    assert main(["list", "--family", "nothing"]) == 2


def test_list_of_a_word(capsys):
    assert main(["list", "focal"]) == 0
    out = capsys.readouterr().out
    assert "Focal" in out and "KoLeo" not in out
    assert main(["list", "no such word anywhere"]) == 2
    assert "No loss speaks of" in capsys.readouterr().err


def test_check_of_a_file(capsys, tmp_path):
    file = tmp_path / "my_own_losses.py"
    file.write_text(
        "from keras import ops\n\n\ndef fine(y_true, y_pred):\n"
        "    return ops.mean(ops.square(y_true - y_pred), axis=-1)\n\n\n"
        "def still(y_true, y_pred):\n"
        "    return ops.mean(ops.square(y_true - ops.round(y_pred)), axis=-1)\n"
    )
    assert main(["check", f"{file}:fine", "--quick"]) == 0
    assert main(["check", f"{file}:still", "--quick"]) == 1
    assert "my_own_losses.py:9" in capsys.readouterr().out  # However long the path is.
    assert main(["check", f"{tmp_path / 'nothing.py'}:fine"]) == 2
    file = tmp_path / "a_class_of_mine.py"
    file.write_text(
        "import keras\n\n\nclass Mine(keras.losses.Loss):\n"
        "    def __init__(self, scale):\n        super().__init__()\n\n\n"
        "class Plain(keras.losses.MeanSquaredError):\n    pass\n"
    )
    assert main(["check", f"{file}:Mine", "--quick"]) == 2
    assert "give an instance" in " ".join(capsys.readouterr().out.split())  # However wide.
    assert main(["check", f"{file}:Plain", "--quick"]) in (0, 1)


def test_show(capsys):
    assert main(["show", "Huber"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("keras_losskit.Huber(delta=1.0") and "Reference:" in out
    assert main(["show", "huber"]) == 2
    assert "Did you mean Huber?" in capsys.readouterr().err


def test_check_exits_with_the_verdict(capsys):
    assert main(["check", "tests.doctor.sound:squared", "--quick"]) == 0
    assert "squared: fine" in capsys.readouterr().out
    assert main(["check", "tests.doctor.broken:rounds", "--quick", "--json",
                 "--y-true", "32,1", "--y-pred", "32,1"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False and "(32, 1)" in report["data"]
    assert main(["check", "mse", "--quick", "--kind", "binary"]) == 0
    assert "kind `binary`" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [["no.such.module:loss"], ["tests.doctor.sound:nothing"], ["no_such_loss"],
     ["tests.doctor.sound:"], ["mse", "--y-true", "3,1"], ["mse", "--kind", "pictures"]],
)
def test_check_that_cannot_look_exits_with_2(arguments, capsys):
    assert main(["check", *arguments]) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["check", "mse", "--y-true", "a,b"], ["nonsense"]])
def test_wrong_usage_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as error:
        main(arguments)
    assert error.value.code == 2 and "usage" in capsys.readouterr().err


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "keras_losskit", *arguments], capture_output=True, text=True,
        env={**os.environ, **environment}, timeout=120,
    )


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--help"], 0, "usage: python -m keras_losskit"),
        (["check", "--help"], 0, "Exit status"),
        (["list"], 0, "Dice"),
        (["list", "focal"], 0, "CategoricalFocalCrossentropy"),
        (["list", "--family", "segmentation"], 0, "Tversky"),
        (["list", "nobody says this"], 2, ""),
        (["nonsense"], 2, ""),
        ([], 2, ""),
    ],
    ids=lambda x: "-".join(x) if isinstance(x, list) else None,
)
def test_what_needs_no_backend_loads_none(arguments, status, said):
    needs = arguments[:1] == ["check"]  # Its help alone comes after the backend.
    done = run(*arguments, **({} if needs else {"KERAS_BACKEND": "there is no such backend"}))
    assert done.returncode == status, done.stderr
    assert said in done.stdout
    assert "Traceback" not in done.stderr and "oneDNN" not in done.stderr
    assert bool(done.stderr) == (status == 2), done.stderr


def test_check_prints_nothing_but_its_report():
    done = run("check", "tests.doctor.sound:squared", "--quick")
    assert done.returncode == 0 and done.stderr == "" and done.stdout.startswith("squared: fine")


def test_the_catalogue_is_what_is_exported():
    losses = [n for n in kl.__all__ if n[0].isupper()
              and getattr(kl, n).__module__.startswith("keras_losskit.losses.")]
    assert list(catalogue.losses()) == losses
    for name, entry in catalogue.losses().items():
        cls = getattr(kl, name)
        assert entry.family == cls.__module__.split(".")[2]
        assert entry.documentation == inspect.getdoc(cls)


@pytest.mark.once
def test_it_is_a_module_to_run():
    done = subprocess.run(
        [sys.executable, "-m", "keras_losskit", "check", "tests.doctor.broken:rounds", "--quick"],
        capture_output=True, text=True, env=dict(os.environ), timeout=120,
    )
    assert done.returncode == 1, done.stderr
    assert "no-gradient" in done.stdout and "\x1b" not in done.stdout
    assert "broken.py:" in done.stdout and "checking" not in done.stderr


# --- for people's own suites ------------------------------------------------------------------


def scalar(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred))


def test_assert_loss():
    assert_loss(scalar, quick=True)
    with pytest.raises(AssertionError, match="scalar"):
        assert_loss(scalar, quick=True, strict=True)
    assert_loss(scalar, quick=True, strict=True, allow=("scalar", "weight-zero-stays"))
    with pytest.raises(AssertionError, match="no-gradient"):
        assert_loss(lambda t, p: ops.mean(ops.round(p) - t, axis=-1), quick=True)


@parametrize_checks([squared, kl.Huber(delta=0.5)], quick=True, strict=True)
def test_parametrized_checks(loss, check):
    check(loss)


def test_one_case_for_each_loss_and_check():
    mark = parametrize_checks({"a": squared, "b": scalar}, allow={"b": ("scalar",)})
    names = [case.id for case in mark.args[1]]
    assert len(names) == 14 and names[0] == "a-graph" and names[-1] == "b-cost"
    stock = [keras.losses.Huber(), keras.losses.Huber(delta=2.0), squared]
    names = [case.id for case in parametrize_checks(stock, quick=True).args[1]]
    assert [n for n in names if n.endswith("graph")] == [
        "Huber-graph", "Huber_2-graph", "squared-graph"
    ]
    with pytest.raises(ValueError, match="allow"):
        parametrize_checks([squared], allow={"c": ()})


@pytest.mark.once
def test_the_doctor_is_loaded_on_first_use():
    script = (
        "import sys, keras\n"
        "heavy = {'keras_losskit.doctor.check', 'matplotlib', 'pytest'} - set(sys.modules)\n"
        "import keras_losskit as kl\n"
        "assert not any(m in sys.modules for m in heavy)\n"
        "kl.watch('x', 1)\n"
        "assert not any(m in sys.modules for m in heavy)\n"
        "assert 'check_loss' in dir(kl) and callable(kl.check_loss)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                          env=dict(os.environ), timeout=120)
    assert done.returncode == 0, done.stderr
    with pytest.raises(AttributeError, match="no_such_thing"):
        kl.no_such_thing  # noqa: B018
