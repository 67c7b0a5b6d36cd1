"""Branches of the clones on their way to people."""

import time
from pathlib import Path

import pytest
from dvc.repo import Repo
from small_homes import SmallHome

from pipeline.automation import pushing
from pipeline.automation.clones import PHOTOS_BRANCH
from pipeline.automation.pinning import pin
from pipeline.automation.pushing import push
from pipeline.core.errors import ServingError
from pipeline.core.parameters import Parameters, parse_parameters


def _remote(home: SmallHome, hook: str = "") -> Parameters:
    """Parameters that push to a bare repository beside the checkout, with a hook that may refuse."""
    bare = home.root.parent / "bare"
    home.run("git", "init", "--quiet", "--bare", str(bare))
    home.run("git", "remote", "add", "office", str(bare))
    if hook:
        (bare / "hooks" / "pre-receive").write_text(f"#!/bin/sh\n{hook}\n")
        (bare / "hooks" / "pre-receive").chmod(0o755)
    values = home.parameters.model_dump(mode="json", by_alias=True)
    return parse_parameters({**values, "automation": {"push_to": "office"}}, "params.yaml")


def _tip(repository: Path, home: SmallHome) -> str:
    return home.run("git", "rev-parse", f"refs/heads/{PHOTOS_BRANCH}", at=repository)


def test_without_clones_there_is_nothing_to_push(home: SmallHome) -> None:
    assert push(home.layout, home.parameters) == ()


def test_branches_come_to_the_checkout_and_its_remote(fed: SmallHome) -> None:
    parameters = _remote(fed)
    pin(fed.layout, parameters, fed.warnings.append)
    before = fed.run("git", "status", "--porcelain=v2", "--branch")
    assert push(fed.layout, parameters) == (
        "heritage/photos to the checkout",
        "heritage/retrain to the checkout",
        "branches to office",
    )
    assert _tip(fed.root, fed) == _tip(fed.root.parent / "bare", fed) == _tip(fed.layout.photos_clone, fed)
    assert fed.run("git", "status", "--porcelain=v2", "--branch") == before


def test_a_refusal_is_told_in_the_remote_s_words_and_holds_up_nothing_else(fed: SmallHome) -> None:
    parameters = _remote(fed, hook="echo 'closed for the holidays' >&2; exit 1")
    with pytest.raises(ServingError, match=r"branches to office: .*closed for the holidays") as refused:
        push(fed.layout, parameters)
    assert refused.value.exit_code == 5
    assert _tip(fed.root, fed) == _tip(fed.layout.photos_clone, fed)


def test_a_branch_that_a_person_has_checked_out_stays_and_the_remote_has_it_all_the_same(fed: SmallHome) -> None:
    parameters = _remote(fed)
    push(fed.layout, parameters)
    fed.run("git", "checkout", "--quiet", PHOTOS_BRANCH)
    before = _tip(fed.root, fed)
    fed.take("second", 2)
    with pytest.raises(ServingError, match=r"checked out(.|\n)*switch to another"):
        push(fed.layout, parameters)
    assert _tip(fed.root, fed) == before
    assert _tip(fed.root.parent / "bare", fed) == _tip(fed.layout.photos_clone, fed) != before


def test_a_branch_that_a_person_committed_to_is_not_overwritten(fed: SmallHome) -> None:
    push(fed.layout, fed.parameters)
    fed.run("git", "branch", "--force", PHOTOS_BRANCH, fed.commit("a person's own", dvc_yaml="stages: {}  # mine\n"))
    with pytest.raises(ServingError, match="heritage/photos to the checkout"):
        push(fed.layout, fed.parameters)


def test_a_remote_that_hangs_is_given_up(fed: SmallHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "PUSH_SECONDS", 0.5)
    started = time.monotonic()
    with pytest.raises(ServingError, match="did not end within"):
        push(fed.layout, _remote(fed, hook="sleep 8"))
    assert time.monotonic() - started < 6


def test_a_remote_that_asks_for_a_password_is_refused_at_once(fed: SmallHome, tmp_path: Path) -> None:
    parameters = _remote(fed)
    asking = tmp_path / "ssh"
    asking.write_text('#!/bin/sh\necho "$@" >&2\nexit 1\n')
    asking.chmod(0o755)
    fed.run("git", "config", "core.sshCommand", str(asking))
    fed.run("git", "remote", "set-url", "office", "ssh://office.invalid/repository")
    with pytest.raises(ServingError, match="BatchMode=yes"):
        push(fed.layout, parameters)


def test_a_password_in_the_remote_s_address_is_told_nobody(fed: SmallHome) -> None:
    parameters = _remote(fed)
    fed.run("git", "remote", "set-url", "office", "http://somebody:secret@127.0.0.1:1/repository")
    with pytest.raises(ServingError, match="branches to office") as refused:
        push(fed.layout, parameters)
    assert "secret" not in str(refused.value)


@pytest.mark.long
def test_photos_go_to_dvc_s_default_remote_also_while_others_are_taken_in(fed: SmallHome) -> None:
    store = fed.root.parent / "store"
    fed.run("dvc", "remote", "add", "--local", "--default", "store", "../store")
    assert "files of heritage/photos to DVC's remote" in push(fed.layout, fed.parameters)
    assert len([path for path in store.rglob("*") if path.is_file()]) == 4 + 3
    fed.take("second", 2)
    pin(fed.layout, fed.parameters, fed.warnings.append)
    with Repo(fed.layout.photos_clone).lock:  # as `dvc add` holds it
        assert "files of heritage/retrain to DVC's remote" in push(fed.layout, fed.parameters)
    assert len([path for path in store.rglob("*") if path.is_file()]) == 8 + 5
