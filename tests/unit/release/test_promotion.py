"""Promotion, rollback and reconciliation against a real registry and a model server that needs no TensorFlow."""

import errno
import json
import shutil
from dataclasses import replace

import pytest

from pipeline.core.errors import MachineError, PipelineError, ServingError
from pipeline.core.locks import held_lock
from pipeline.release import promotion, publishing, serving_change
from pipeline.release.journal import Action, State, current, pending, read_journal
from pipeline.release.mlflow_client import connected
from pipeline.release.promotion import promote
from pipeline.release.reconcile import Outcome, reconcile
from pipeline.release.registry import CHALLENGER, CHAMPION, Registry, register
from pipeline.release.rollback import rollback
from serving.client import ServedModel, VersionStatus


class Crash(BaseException):
    """The process ends here: nothing in the program catches it."""


def aliases(checkout) -> tuple[int | None, int | None]:
    with connected(checkout.layout, checkout.parameters) as client:
        registry = Registry(client, "walls")
        return registry.alias(CHAMPION), registry.alias(CHALLENGER)


def move_champion(checkout, version: int) -> None:
    with connected(checkout.layout, checkout.parameters) as client:
        Registry(client, "walls").set_alias(CHAMPION, version)


def release(checkout, fake, name: str | None = None) -> int:
    """Register and promote a candidate, made first where a name is given."""
    if name is not None:
        checkout.make_candidate(name)
    version = register(checkout.layout, checkout.parameters).version
    promote(checkout.layout, checkout.parameters, who="Ada", outside=fake.outside)
    return version


def states(checkout) -> list[tuple[str, int, str]]:
    return [(e.action, e.version, e.state) for e in read_journal(checkout.line.journal).entries]


@pytest.fixture
def serving(checkout, fake):
    """Version 1 serves on a running server, and version 2 is its challenger."""
    assert release(checkout, fake) == 1
    server = fake.start(checkout.line)
    checkout.make_candidate("second")
    assert register(checkout.layout, checkout.parameters).version == 2
    return server


def test_the_first_promotion_is_checked_by_a_private_server_and_says_so(checkout, fake) -> None:
    register(checkout.layout, checkout.parameters)
    assert aliases(checkout) == (None, 1)
    result = promote(checkout.layout, checkout.parameters, who="Ada", outside=fake.outside)
    assert (result.version, result.before, result.changed, result.private_server) == (1, None, True, True)
    assert fake.private_starts == 1
    assert states(checkout) == [("promote", 1, "intent"), ("promote", 1, "done")]
    done = current(read_journal(checkout.line.journal))
    assert (done.who, done.gate, done.time) == ("Ada", "passed", "2026-05-01T00:00:00+00:00")
    assert aliases(checkout) == (1, None)
    assert 'key: "stable" value: 1' in checkout.line.server_config.read_text()


def test_a_version_folder_holds_the_model_and_its_manifest_alone(checkout, fake) -> None:
    release(checkout, fake)
    found = {
        p.relative_to(checkout.line.version(1)).as_posix() for p in checkout.line.version(1).rglob("*") if p.is_file()
    }
    assert found == {"saved_model.pb", "variables/variables.index", "assets.extra/labels.json", "manifest.json"}
    assert not list(checkout.line.folder.glob(".stage-*"))


def test_a_running_server_loads_first_and_gets_the_label_last(checkout, fake, serving) -> None:
    result = promote(checkout.layout, checkout.parameters, who="Ada", outside=fake.outside)
    assert (result.version, result.before, result.private_server) == (2, 1, False)
    steps = [(models["walls"].versions, models["walls"].labels["stable"]) for models in serving.reloads]
    assert steps == [((1,), 1), ((1, 2), 1), ((1, 2), 2)]
    assert aliases(checkout) == (2, None)


def test_a_server_that_knows_no_model_of_ours_is_left_alone(checkout, fake) -> None:
    fake.start(checkout.line).models = {"theirs": ServedModel("theirs", "elsewhere", (1,))}
    register(checkout.layout, checkout.parameters)
    assert promote(checkout.layout, checkout.parameters, outside=fake.outside).private_server
    assert fake.running.reloads == []


def test_promoting_what_serves_changes_nothing(checkout, fake) -> None:
    release(checkout, fake)
    before = checkout.line.journal.read_bytes()
    for version in (None, 1):
        assert not promote(checkout.layout, checkout.parameters, version, outside=fake.outside).changed
    assert checkout.line.journal.read_bytes() == before


def test_a_version_that_answers_otherwise_than_evaluation_is_refused_and_the_old_one_serves_on(
    checkout, fake, serving
) -> None:
    checkout.make_candidate("third", answers_differ=True)
    register(checkout.layout, checkout.parameters)
    with pytest.raises(ServingError, match=r"0\.01 away from the evaluation's"):
        promote(checkout.layout, checkout.parameters, outside=fake.outside)
    failed = read_journal(checkout.line.journal).entries[-1]
    assert (failed.version, failed.state) == (3, State.FAILED)
    assert "0.01 away" in failed.reason
    assert serving.stable("walls") == 1
    assert serving.models["walls"].versions == (1,)
    assert checkout.line.version(3).is_dir()
    assert aliases(checkout)[0] == 1


def test_an_unknown_version_is_an_error_with_what_to_do(checkout, fake) -> None:
    register(checkout.layout, checkout.parameters)
    with pytest.raises(ServingError, match="no version 9"):
        promote(checkout.layout, checkout.parameters, 9, outside=fake.outside)


def test_without_a_challenger_there_is_nothing_to_promote(checkout, fake) -> None:
    with pytest.raises(ServingError, match="no version under the alias challenger"):
        promote(checkout.layout, checkout.parameters, outside=fake.outside)


def test_a_version_that_was_registered_by_hand_is_refused(checkout, fake, serving) -> None:
    with connected(checkout.layout, checkout.parameters) as client:
        client.create_model_version("walls", source=str(checkout.line.version(1)), run_id=None)
    with pytest.raises(ServingError, match="version 3 of walls was not registered by this pipeline"):
        promote(checkout.layout, checkout.parameters, 3, outside=fake.outside)


@pytest.mark.parametrize("damage", ("changed", "extra", "missing", "link", "manifest"))
def test_files_that_changed_in_the_registry_are_never_published(checkout, fake, serving, damage: str) -> None:
    (model,) = (
        p for p in (checkout.layout.root / "mlartifacts").glob("*/artifacts/savedmodel") if "second" in _name(p)
    )
    match damage:
        case "changed":
            (model / "saved_model.pb").write_text("{}")
        case "extra":
            (model / "loader.py").write_text("")
        case "missing":
            (model / "variables" / "variables.index").unlink()
        case "link":
            (model / "passwords").symlink_to("/etc/passwd")
        case "manifest":
            manifest = model.parent / "manifest.json"
            values = json.loads(manifest.read_text())
            manifest.write_text(json.dumps({"files": values["files"] | {"../../loose.py": "0" * 64}}))
    with pytest.raises(ServingError):
        promote(checkout.layout, checkout.parameters, outside=fake.outside)
    assert not checkout.line.version(2).exists()
    assert not list(checkout.line.folder.glob(".stage-*"))
    assert serving.stable("walls") == 1


def _name(model) -> str:
    return json.loads((model / "saved_model.pb").read_text())["name"]


def test_another_model_under_the_same_number_is_refused(checkout, fake, serving) -> None:
    shutil.copytree(checkout.line.version(1), checkout.line.version(2))
    with pytest.raises(ServingError, match="holds another model"):
        promote(checkout.layout, checkout.parameters, outside=fake.outside)
    assert serving.stable("walls") == 1


def test_a_full_disk_leaves_nothing_behind(checkout, fake, serving, monkeypatch) -> None:
    def full(path, manifest):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(publishing, "write_manifest", full)
    with pytest.raises(MachineError, match="disk is full"):
        promote(checkout.layout, checkout.parameters, outside=fake.outside)
    assert not checkout.line.version(2).exists()
    assert not list(checkout.line.folder.glob(".stage-*"))
    monkeypatch.undo()
    assert promote(checkout.layout, checkout.parameters, 2, outside=fake.outside).changed


def test_a_second_command_is_told_that_the_line_is_held(checkout, fake) -> None:
    register(checkout.layout, checkout.parameters)
    with held_lock(checkout.line.lock, "another promotion"), pytest.raises(MachineError, match="another promotion"):
        promote(checkout.layout, checkout.parameters, outside=fake.outside)


MODULES = {"promotion": promotion, "publishing": publishing, "serving_change": serving_change}
CRASH_POINTS = (
    ("promotion.publish", False),
    ("publishing.check_files", False),
    ("publishing.write_manifest", False),
    ("publishing.sync_folder", False),
    ("serving_change.with_candidate", False),
    ("serving_change.check_golden", False),
    ("serving_change.follow_journal", True),
    ("serving_change.config_text", True),
    ("promotion.champion_moved", True),
)


@pytest.mark.parametrize(("step", "new_serves"), CRASH_POINTS)
def test_a_promotion_that_dies_anywhere_is_repaired_by_the_next_command(
    checkout, fake, serving, monkeypatch, step: str, new_serves: bool
) -> None:
    def die(*arguments: object, **named: object) -> None:
        if pending(read_journal(checkout.line.journal)) or len(read_journal(checkout.line.journal).entries) == 4:
            raise Crash
        return original(*arguments, **named)

    module, name = step.split(".")
    original = getattr(MODULES[module], name)
    monkeypatch.setattr(MODULES[module], name, die)
    with pytest.raises(Crash):
        promote(checkout.layout, checkout.parameters, who="Ada", outside=fake.outside)
    monkeypatch.undo()
    assert current(read_journal(checkout.line.journal)).version == (2 if new_serves else 1)
    assert serving.stable("walls") == 1 + (step == "promotion.champion_moved")

    result = reconcile(checkout.layout, checkout.parameters, outside=fake.outside)
    serves = 2 if new_serves else 1
    assert (result.outcome, result.version) == (Outcome.IN_AGREEMENT, serves)
    assert serving.stable("walls") == serves
    assert f'key: "stable" value: {serves}' in checkout.line.server_config.read_text()
    assert aliases(checkout)[0] == serves
    assert pending(read_journal(checkout.line.journal)) is None
    assert not list(checkout.line.folder.glob(".stage-*"))

    promote(checkout.layout, checkout.parameters, 2, outside=fake.outside)
    assert serving.stable("walls") == 2
    assert aliases(checkout)[0] == 2


def test_a_server_that_has_not_loaded_the_serving_version_yet_gets_the_label_when_it_has(
    checkout, fake, serving
) -> None:
    promote(checkout.layout, checkout.parameters, outside=fake.outside)
    stale = ServedModel("walls", str(checkout.line.folder), (1,), {"stable": 1})
    serving.models = {"walls": stale}
    serving.reloads.clear()
    reconcile(checkout.layout, checkout.parameters, outside=fake.outside)
    assert [models["walls"].labels for models in serving.reloads] == [{}, {"stable": 2}]


def test_a_serving_version_that_no_longer_loads_does_not_stand_in_the_way_of_the_next(
    checkout, fake, serving, monkeypatch
) -> None:
    def cannot_load(model: str) -> list[VersionStatus]:
        states = {1: VersionStatus(1, "END", "damaged"), 2: VersionStatus(2, "AVAILABLE", "")}
        return [states[version] for version in serving.models["walls"].versions]

    monkeypatch.setattr(serving, "status", cannot_load)
    monkeypatch.setattr(serving_change, "_OLD_STATE_SECONDS", 0.0)
    result = promote(checkout.layout, checkout.parameters, outside=fake.outside)
    assert "cannot load it: damaged" in result.notes[0]
    assert serving.stable("walls") == 2


def test_a_version_that_the_server_cannot_load_is_refused_with_its_words(checkout, fake, serving, monkeypatch) -> None:
    def cannot_load(model: str) -> list[VersionStatus]:
        states = {1: VersionStatus(1, "AVAILABLE", ""), 2: VersionStatus(2, "END", "no such op")}
        return [states[version] for version in serving.models["walls"].versions]

    monkeypatch.setattr(serving, "status", cannot_load)
    monkeypatch.setattr(serving_change, "_OLD_STATE_SECONDS", 0.0)
    with pytest.raises(ServingError, match="no such op"):
        promote(checkout.layout, checkout.parameters, outside=fake.outside)
    assert serving.models["walls"].versions == (1,)


def test_an_alias_that_could_not_follow_is_a_note_and_follows_with_the_next_command(
    checkout, fake, serving, monkeypatch
) -> None:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    def away(*arguments: object) -> None:
        raise MlflowException("connection refused")

    monkeypatch.setattr(MlflowClient, "set_registered_model_alias", away)
    result = promote(checkout.layout, checkout.parameters, outside=fake.outside)
    assert "connection refused" in result.notes[-1]
    assert serving.stable("walls") == 2
    monkeypatch.undo()
    assert aliases(checkout)[0] == 1
    assert reconcile(checkout.layout, checkout.parameters, outside=fake.outside).outcome is Outcome.IN_AGREEMENT
    assert aliases(checkout) == (2, None)


def test_a_rollback_returns_to_the_version_before_without_loading_it_again(checkout, fake, serving) -> None:
    promote(checkout.layout, checkout.parameters, outside=fake.outside)
    serving.reloads.clear()
    result = rollback(checkout.layout, checkout.parameters, who="Ada", reason="cracks missed", outside=fake.outside)
    assert (result.version, result.before, result.changed, result.private_server) == (1, 2, True, False)
    steps = [(models["walls"].versions, models["walls"].labels["stable"]) for models in serving.reloads]
    assert steps == [((1, 2), 2), ((1,), 1)]
    done = current(read_journal(checkout.line.journal))
    assert (done.action, done.who, done.reason) == (Action.ROLLBACK, "Ada", "cracks missed")
    assert aliases(checkout) == (1, None)


def test_a_second_rollback_does_not_bring_back_what_was_withdrawn(checkout, fake, serving) -> None:
    promote(checkout.layout, checkout.parameters, outside=fake.outside)
    rollback(checkout.layout, checkout.parameters, outside=fake.outside)
    with pytest.raises(ServingError, match="no earlier version"):
        rollback(checkout.layout, checkout.parameters, outside=fake.outside)
    assert serving.stable("walls") == 1


def test_registering_the_same_work_again_does_not_bring_back_what_was_withdrawn(checkout, fake, serving) -> None:
    promote(checkout.layout, checkout.parameters, outside=fake.outside)
    rollback(checkout.layout, checkout.parameters, outside=fake.outside)
    assert register(checkout.layout, checkout.parameters).version == 2
    assert aliases(checkout) == (1, None)
    assert not promote(checkout.layout, checkout.parameters, outside=fake.outside).changed


def test_a_rollback_works_while_mlflow_is_away(checkout, fake, serving, monkeypatch) -> None:
    promote(checkout.layout, checkout.parameters, outside=fake.outside)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    result = rollback(checkout.layout, checkout.parameters, outside=fake.outside)
    assert serving.stable("walls") == 1
    assert "alias champion could not follow" in result.notes[-1]


@pytest.mark.parametrize("version", (2, 5))
def test_a_version_that_never_served_cannot_be_returned_to(checkout, fake, serving, version: int) -> None:
    with pytest.raises(ServingError, match=f"version {version} of walls never served"):
        rollback(checkout.layout, checkout.parameters, version, outside=fake.outside)


def test_a_damaged_earlier_version_is_not_returned_to(checkout, fake, serving) -> None:
    promote(checkout.layout, checkout.parameters, outside=fake.outside)
    (checkout.line.version(1) / "saved_model.pb").write_text("{}")
    with pytest.raises(ServingError, match="differs from its manifest"):
        rollback(checkout.layout, checkout.parameters, outside=fake.outside)
    assert serving.stable("walls") == 2


def test_a_version_that_was_overtaken_stays_out_where_that_is_asked_for(checkout, fake, serving) -> None:
    release(checkout, fake, "third")
    result = promote(checkout.layout, checkout.parameters, 2, outside=fake.outside, if_newer=True)
    assert (result.version, result.before, result.changed) == (3, 3, False)
    assert result.notes == ("version 2 was overtaken: version 3, which is newer, serves on",)
    assert (serving.stable("walls"), aliases(checkout)[0]) == (3, 3)
    rollback(checkout.layout, checkout.parameters, outside=fake.outside)
    assert promote(checkout.layout, checkout.parameters, 2, outside=fake.outside, if_newer=True).changed


def test_an_alias_moved_by_hand_is_served_after_the_checks(checkout, fake, serving) -> None:
    move_champion(checkout, 2)
    result = reconcile(checkout.layout, checkout.parameters, who="Ada", outside=fake.outside)
    assert (result.outcome, result.version) == (Outcome.SERVED, 2)
    assert serving.stable("walls") == 2
    assert aliases(checkout) == (2, None)
    move_champion(checkout, 1)
    reconcile(checkout.layout, checkout.parameters, who="Ada", outside=fake.outside)
    assert current(read_journal(checkout.line.journal)).action is Action.ROLLBACK
    assert serving.stable("walls") == 1


def test_an_alias_moved_by_hand_to_a_version_that_fails_is_put_back_with_the_reason(checkout, fake, serving) -> None:
    checkout.make_candidate("third", answers_differ=True)
    register(checkout.layout, checkout.parameters)
    move_champion(checkout, 3)
    result = reconcile(checkout.layout, checkout.parameters, outside=fake.outside)
    assert (result.outcome, result.version) == (Outcome.PUT_BACK, 1)
    assert "away from the evaluation's" in result.reason
    assert aliases(checkout)[0] == 1
    assert serving.stable("walls") == 1


def test_a_removed_alias_is_put_back(checkout, fake, serving) -> None:
    with connected(checkout.layout, checkout.parameters) as client:
        client.delete_registered_model_alias("walls", CHAMPION)
    assert reconcile(checkout.layout, checkout.parameters, outside=fake.outside).outcome is Outcome.PUT_BACK
    assert aliases(checkout)[0] == 1


def test_a_promotion_leaves_an_alias_that_was_moved_by_hand_and_says_so(checkout, fake, serving) -> None:
    move_champion(checkout, 2)
    checkout.make_candidate("third", answers_differ=True)
    register(checkout.layout, checkout.parameters)
    with pytest.raises(PipelineError):
        promote(checkout.layout, checkout.parameters, outside=fake.outside)
    assert aliases(checkout)[0] == 2


def test_two_lines_of_models_are_served_side_by_side(checkout, fake, serving) -> None:
    parameters = checkout.parameters.model_copy(update={"model": replace_name(checkout, "roofs")})
    register(checkout.layout, parameters)
    result = promote(checkout.layout, parameters, outside=fake.outside)
    assert (result.name, result.version) == ("roofs", 1)
    assert {name: model.labels["stable"] for name, model in serving.models.items()} == {"walls": 1, "roofs": 1}


def replace_name(checkout, name: str):
    return checkout.parameters.model.model_copy(update={"name": name})


def test_half_a_line_in_the_history_is_told(checkout, fake, serving) -> None:
    with checkout.line.journal.open("a") as stream:
        stream.write('{"action": "prom')
    result = reconcile(checkout.layout, checkout.parameters, outside=fake.outside)
    assert "half a line" in result.notes[0]
    assert replace(result, notes=()).version == 1
