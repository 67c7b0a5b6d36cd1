import subprocess
from pathlib import Path

import pytest

from pipeline.services.followed import notes_on_followed


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository on branch `main` with four committed files."""
    for name in ("dvc.lock", "params.yaml", "pipeline.py", "train.py"):
        (tmp_path / name).write_text("committed\n")
    for arguments in (
        ("init", "--quiet", "--initial-branch=main"),
        ("config", "user.name", "Test"),
        ("config", "user.email", "test@example.org"),
        ("add", "--all"),
        ("commit", "--quiet", "--message=start"),
    ):
        subprocess.run(("git", *arguments), cwd=tmp_path, check=True)
    return tmp_path


def test_a_checkout_as_committed_needs_no_note(checkout: Path) -> None:
    (checkout / "dvc.lock").write_text("a run has been here\n")
    (checkout / "new.txt").write_text("not tracked\n")
    assert notes_on_followed(checkout, "main") == []


def test_files_that_differ_from_the_followed_branch_are_named(checkout: Path) -> None:
    (checkout / "params.yaml").write_text("turned\n")
    [note] = notes_on_followed(checkout, "main")
    assert note.endswith("the commit on 'main'; here these files differ from it: params.yaml")


def test_a_branch_that_is_missing_is_told_in_gits_words(checkout: Path) -> None:
    [note] = notes_on_followed(checkout, "trunk")
    assert "no model can be retrained" in note
    assert "bad revision 'trunk'" in note


def test_a_folder_without_git_is_told(tmp_path: Path) -> None:
    [note] = notes_on_followed(tmp_path, "main")
    assert "no model can be retrained" in note
