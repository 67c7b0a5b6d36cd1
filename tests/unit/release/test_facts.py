"""Where a model comes from."""

import subprocess

from pipeline.release.facts import changed_files, git_commit


def test_outside_git_there_is_no_commit_and_no_change(checkout) -> None:
    assert (git_commit(checkout.layout), changed_files(checkout.layout)) == ("", [])


def test_changed_files_are_those_that_the_commit_holds_otherwise(checkout) -> None:
    root = checkout.layout.root
    git = ["git", "-C", str(root), "-c", "user.name=Test", "-c", "user.email=test@example.org"]
    for command in (["init", "--quiet"], ["add", "params.yaml", "data.dvc"], ["commit", "--quiet", "--message=start"]):
        subprocess.run([*git, *command], check=True)
    assert changed_files(checkout.layout) == []
    assert not git_commit(checkout.layout).endswith("-dirty")
    (root / "params.yaml").write_text("seed: 8\n")
    assert changed_files(checkout.layout) == ["params.yaml"]
    assert git_commit(checkout.layout).endswith("-dirty")
