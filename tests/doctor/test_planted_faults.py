"""Every planted fault is caught by the right finding; no sound loss is accused."""

import pytest

import keras_losskit as kl
from tests.doctor.broken import FAULTS
from tests.doctor.sound import MAY, SOUND

assert len(FAULTS) >= 180 and len(SOUND) >= 130


def assert_well_said(report, loss):
    """No words of a backend's insides, no gaps, no advice to do what is done."""
    for f in report.findings:
        text = " ".join((f.seen, f.why, f.mend))
        assert not any(x in text for x in ("{{", "\n", "`self.the", "None None", "``")), f
        if isinstance(loss, kl.Loss):
            assert "Subclass `keras_losskit.Loss`" not in f.mend, f
        assert f.line is None or f.line.text.strip(), f


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.id)
def test_a_planted_fault_is_caught(fault):
    report = kl.check_loss(fault.loss, **{"quick": True, **fault.options})
    assert fault.finding in report, str(report)
    finding = report[fault.finding]
    assert finding.severity == fault.severity, str(report)
    assert finding.seen and (finding.why or finding.severity == "info")
    assert_well_said(report, fault.loss)
    if fault.line:
        assert fault.line in finding.line.text, finding.line


@pytest.mark.parametrize("name", list(SOUND))
def test_a_sound_loss_is_not_accused(name):
    loss, options = SOUND[name] if isinstance(SOUND[name], tuple) else (SOUND[name], {})
    report = kl.check_loss(loss, **{"quick": True, **options})
    warned = [f for f in report.of("warning") if f.name not in MAY.get(name, ())]
    assert report.ok and not warned, str(report)
    assert "not-examined" not in report, str(report)
    assert_well_said(report, loss)
