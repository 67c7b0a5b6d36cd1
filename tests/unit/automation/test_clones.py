"""The clone into which batches are taken."""

import shutil

import pytest
from small_homes import SmallHome

from pipeline.automation.clones import PHOTOS_BRANCH, commit_photos, open_photos_clone, photos_lock
from pipeline.core.errors import DataError, MachineError, ParameterError
from pipeline.core.locks import held_lock
from pipeline.core.paths import Layout
from pipeline.intake.taking import bring_photos


def _opened(home: SmallHome) -> Layout:
    return open_photos_clone(home.layout, home.parameters, home.warnings.append)


def _with_own_photos(home: SmallHome) -> None:
    bring_photos(home.layout, home.photos("own", 1), "own")
    home.commit("own photos")


def test_the_clone_begins_with_the_photos_of_the_followed_branch(home: SmallHome) -> None:
    _with_own_photos(home)
    clone = _opened(home)
    assert (clone.home, clone.root) == (home.root.resolve(), home.layout.photos_clone)
    assert sorted(path.name for path in (clone.data / "own").rglob("*.png")) == ["0.png", "1.png", "2.png", "3.png"]
    assert home.warnings == []


def test_photos_of_the_clone_are_no_second_copy(home: SmallHome) -> None:
    _with_own_photos(home)
    photo = _opened(home).data / "own" / "damaged" / "0.png"
    cached = [path for path in (home.root / ".dvc" / "cache").rglob("*") if path.is_file()]
    assert any(path.samefile(photo) for path in cached)
    assert not photo.is_symlink()
    assert not (home.layout.data / "own" / "damaged" / "0.png").samefile(photo)


def test_a_fresh_clone_of_a_project_whose_photos_nobody_has_begins_with_none_and_says_so(home: SmallHome) -> None:
    _with_own_photos(home)
    home.lose_cache()
    shutil.rmtree(home.layout.data)
    assert not _opened(home).data.exists()
    assert "beginning with none" in home.warnings[0]
    home.take("new", 2)
    assert sorted(path.name for path in _opened(home).data.iterdir()) == ["batches.csv", "new"]


@pytest.mark.long
def test_until_the_first_batch_the_clone_follows_the_checkout(home: SmallHome) -> None:
    _opened(home)
    _with_own_photos(home)
    assert (_opened(home).data / "own").is_dir()


def test_lost_photos_of_a_checkout_that_has_others_are_an_error(home: SmallHome) -> None:
    _with_own_photos(home)
    home.lose_cache()
    with pytest.raises(DataError, match="dvc add data"):
        _opened(home)


def test_once_a_batch_was_committed_a_lost_cache_is_an_error(fed: SmallHome) -> None:
    fed.lose_cache()
    with pytest.raises(DataError, match=PHOTOS_BRANCH):
        _opened(fed)


@pytest.mark.long
def test_lost_photos_come_from_the_default_remote(home: SmallHome) -> None:
    home.run("dvc", "remote", "add", "--default", "store", "../store")
    _with_own_photos(home)
    home.run("dvc", "push")
    home.lose_cache()
    assert len(list((_opened(home).data / "own").rglob("*.png"))) == 4


def test_each_batch_is_one_commit_of_the_checkout_s_own_person(fed: SmallHome) -> None:
    commit = fed.take("second", 2)
    clone = fed.layout.photos_clone
    log = fed.run("git", "log", "--format=%s %an", "main.." + PHOTOS_BRANCH, at=clone)
    assert log.splitlines() == ["Photos of second Test", "Photos of first Test"]
    assert fed.run("git", "show", "--name-only", "--format=", commit, at=clone) == "data.dvc"
    assert "Batch: second" in fed.run("git", "show", "--no-patch", commit, at=clone)


def test_nothing_to_commit_is_the_commit_before(fed: SmallHome) -> None:
    commit = fed.run("git", "rev-parse", PHOTOS_BRANCH, at=fed.layout.photos_clone)
    with photos_lock(fed.layout, "a test"):
        assert commit_photos(_opened(fed), "nothing") == commit


def test_what_a_killed_take_left_goes_and_the_batch_is_new_again(fed: SmallHome) -> None:
    clone = _opened(fed)
    bring_photos(clone, fed.photos("second", 2), "second")  # killed before the commit
    (clone.root / ".git" / "index.lock").touch()
    clone = _opened(fed)
    assert not (clone.data / "second").exists()
    (again,) = bring_photos(clone, fed.photos("second", 2), "second").taken
    assert again.is_new


def test_a_clone_that_was_deleted_takes_the_branch_up_again(fed: SmallHome) -> None:
    commit = fed.run("git", "rev-parse", PHOTOS_BRANCH, at=fed.layout.photos_clone)
    fed.run("git", "fetch", "--quiet", str(fed.layout.photos_clone), f"{PHOTOS_BRANCH}:{PHOTOS_BRANCH}")
    shutil.rmtree(fed.layout.automation)
    clone = _opened(fed)
    assert fed.run("git", "rev-parse", "HEAD", at=clone.root) == commit
    assert (clone.data / "first").is_dir()


def test_an_unfinished_clone_is_made_again(home: SmallHome) -> None:
    unfinished = home.layout.photos_clone.with_name("photos.unfinished")
    unfinished.mkdir(parents=True)
    (unfinished / "half").touch()
    assert _opened(home).owner_note.is_file()
    assert not unfinished.exists()


def test_a_followed_branch_that_is_missing_is_named(home: SmallHome) -> None:
    home.run("git", "branch", "--move", "trunk")
    with pytest.raises(ParameterError, match=r"no branch main(.|\n)*automation\.follow"):
        _opened(home)


def test_a_clone_in_which_a_command_works_is_left_alone(home: SmallHome) -> None:
    clone = _opened(home)
    with held_lock(clone.run_lock, "another"), pytest.raises(MachineError, match="held by another"):
        _opened(home)


def test_a_checkout_that_was_moved_keeps_its_clone(fed: SmallHome) -> None:
    fed.root.rename(fed.root.with_name("elsewhere"))
    moved = SmallHome(Layout(fed.root.with_name("elsewhere")))
    assert _opened(moved).home == moved.root
    assert (moved.layout.photos_clone / "data" / "first").is_dir()
