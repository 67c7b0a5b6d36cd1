import pytest

from pipeline.core.progress import spinner, with_progress


def test_progress_passes_items_through_and_is_silent_off_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    assert list(with_progress(iter("abc"), "letters", 3)) == ["a", "b", "c"]
    assert capfd.readouterr() == ("", "")


def test_a_spinner_is_silent_off_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with spinner("working"):
        pass
    assert capfd.readouterr() == ("", "")
