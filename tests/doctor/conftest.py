"""The rates of the planted faults, at the end of a run."""


def pytest_terminal_summary(terminalreporter):
    for words, test in (
        ("planted faults caught", "test_a_planted_fault_is_caught["),
        ("sound losses accused", "test_a_sound_loss_is_not_accused["),
    ):
        passed, failed = (
            sum(test in r.nodeid for r in terminalreporter.getreports(kind)
                if getattr(r, "when", "") == "call")
            for kind in ("passed", "failed")
        )
        if passed + failed:
            hits = passed if "caught" in words else failed
            terminalreporter.write_line(f"{words}: {hits} of {passed + failed}")
