"""The commit that a run works on."""

import shutil

import pytest
from small_homes import SmallHome

from pipeline.automation.clones import PHOTOS_BRANCH
from pipeline.automation.pinning import Pinned, finish, pin
from pipeline.core.errors import DataError, MachineError, ParameterError
from pipeline.core.locks import held_lock
from pipeline.intake.taking import bring_photos


def _pinned(home: SmallHome, batch: str | None = None) -> Pinned:
    return pin(home.layout, home.parameters, home.warnings.append, batch)


def _at(home: SmallHome, commit: str, name: str) -> str:
    return home.run("git", "show", f"{commit}:{name}", at=home.layout.retrain_clone)


def _lock(home: SmallHome, text: str) -> None:
    """A run's record, committed without looking at it."""
    clone = home.layout.retrain_clone
    (clone / "dvc.lock").write_text(text)
    home.run("git", "add", "dvc.lock", at=clone)
    home.run("git", "commit", "--quiet", "--message", "recorded", at=clone)


def test_without_photos_there_is_nothing_to_train(home: SmallHome) -> None:
    pinned = _pinned(home)
    assert (pinned.is_new, pinned.data_hash, pinned.batches) == (False, "", ())
    assert home.warnings == ["there are no photos yet; drop a batch into the inbox"]


def test_the_pinned_commit_has_followed_code_taken_photos_and_the_last_record(fed: SmallHome) -> None:
    photos = fed.run("git", "rev-parse", PHOTOS_BRANCH, at=fed.layout.photos_clone)
    first = _pinned(fed)
    _lock(fed, "one")
    followed = fed.commit("new code", dvc_yaml="stages: {}  # new\n")
    second = _pinned(fed)
    clone = fed.layout.retrain_clone
    assert (first.is_new, second.is_new, second.followed, second.batches) == (True, True, followed, ("first",))
    assert _at(fed, second.commit, "dvc.yaml") == "stages: {}  # new"
    assert _at(fed, second.commit, "dvc.lock") == "one"
    assert _at(fed, second.commit, "data.dvc") == _at(fed, photos, "data.dvc")
    assert fed.run("git", "branch", "--show-current", at=clone) == "heritage/retrain"
    assert fed.run("git", "status", "--porcelain", at=clone) == ""
    assert len(list((clone / "data" / "first").rglob("*.png"))) == 4
    parents = fed.run("git", "rev-parse", f"{second.commit}^@", at=clone).split()
    assert set(parents) >= {followed, photos}
    fed.run("git", "merge-base", "--is-ancestor", first.commit, second.commit, at=clone)


def test_the_same_again_is_no_new_commit_and_new_until_a_run_came_to_its_end(fed: SmallHome) -> None:
    first = _pinned(fed)
    (fed.layout.retrain_clone / "params.yaml").write_text("changed by hand\n")
    (fed.layout.retrain_clone / "leftover").touch()
    (fed.layout.retrain_clone / "artifacts").mkdir()
    second = _pinned(fed)
    assert (second.commit, second.is_new) == (first.commit, True)
    assert fed.run("git", "status", "--porcelain", at=fed.layout.retrain_clone) == ""
    assert (fed.layout.retrain_clone / "artifacts").is_dir()
    finish(fed.layout)
    _lock(fed, "one")
    assert not _pinned(fed).is_new
    fed.commit("other parameters", params_yaml="recipe: other\n")
    assert _pinned(fed).is_new


def test_uncommitted_changes_of_the_checkout_are_not_seen(fed: SmallHome) -> None:
    first = _pinned(fed)
    (fed.root / "params.yaml").write_text("half an idea\n")
    assert _pinned(fed).commit == first.commit
    assert (fed.root / "params.yaml").read_text() == "half an idea\n"


def test_a_batch_can_be_asked_for_with_the_photos_of_its_day(fed: SmallHome) -> None:
    fed.take("second", 2)
    _pinned(fed)
    finish(fed.layout)
    earlier = _pinned(fed, "first")
    assert (earlier.batches, earlier.is_new) == (("first",), True)
    assert sorted(path.name for path in (fed.layout.retrain_clone / "data").iterdir()) == ["batches.csv", "first"]
    finish(fed.layout)
    today = _pinned(fed)
    assert (today.batches, today.is_new) == (("first", "second"), False)
    with pytest.raises(ParameterError, match=r"'third'(.|\n)*one of first, second"):
        _pinned(fed, "third")


def test_photos_that_a_person_committed_by_hand_later_are_named_and_conflict_with_nothing(fed: SmallHome) -> None:
    bring_photos(fed.layout, fed.photos("mine", 9), "mine")
    fed.commit("mine")
    assert _pinned(fed).batches == ("first",)
    assert fed.warnings == [
        "data.dvc of the followed branch was changed by hand; no run sees its batches mine: "
        "drop photos into the inbox instead"
    ]


def test_the_followed_branch_may_have_photos_and_a_record_of_its_own(home: SmallHome) -> None:
    bring_photos(home.layout, home.photos("mine", 9), "mine")
    home.commit("mine", dvc_lock="schema: '2.0'\n")
    home.take("first", 1)
    first = _pinned(home)
    _lock(home, "one")
    home.commit("new code", dvc_yaml="stages: {}  # new\n", dvc_lock="schema: '2.0'  # again\n")
    second = _pinned(home)
    assert second.batches == first.batches == ("mine", "first")
    assert _at(home, second.commit, "dvc.lock") == "one"


@pytest.mark.long
def test_photos_with_which_the_branch_began_need_no_warning_nor_does_a_merge(home: SmallHome) -> None:
    bring_photos(home.layout, home.photos("mine", 9), "mine")
    home.commit("mine")
    assert _pinned(home).batches == ("mine",)
    home.take("first", 1)
    assert _pinned(home).batches == ("mine", "first")
    home.run("git", "pull", "--quiet", "--no-rebase", str(home.layout.photos_clone), PHOTOS_BRANCH)
    assert _pinned(home).batches == ("mine", "first")
    assert home.warnings == []
    assert _pinned(home, "mine").batches == ("mine",)


def test_a_killed_pin_leaves_nothing_that_the_next_does_not_mend(fed: SmallHome) -> None:
    pinned = _pinned(fed)
    clone = fed.layout.retrain_clone
    for name in ("index.lock", "heritage-index.lock", "heritage-index", "refs/heads/heritage/retrain.lock"):
        (clone / ".git" / name).touch()
    fed.run("git", "checkout", "--quiet", "--detach", "home/main", at=fed.layout.photos_clone)
    (clone / "dvc.yaml").unlink()
    (clone / ".dvc" / "config.local").write_text("[cache")
    shutil.rmtree(clone / "data" / "first" / "sound")
    assert _pinned(fed) == pinned
    assert len(list((clone / "data" / "first").rglob("*.png"))) == 4


def test_a_clone_in_which_a_stage_runs_is_left_alone(fed: SmallHome) -> None:
    _pinned(fed)
    clone = fed.layout.retrain_clone
    (clone / "dvc.yaml").write_text("in use\n")
    with held_lock(clone / ".heritage" / "run.lock", "stage train"), pytest.raises(MachineError, match="stage train"):
        _pinned(fed)
    assert (clone / "dvc.yaml").read_text() == "in use\n"


def test_photos_that_were_lost_since_are_an_error(fed: SmallHome) -> None:
    fed.lose_cache()
    with pytest.raises(DataError, match="neither in DVC's cache nor"):
        _pinned(fed)
