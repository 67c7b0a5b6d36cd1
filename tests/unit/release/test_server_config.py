"""The model server's configuration follows the histories."""

from dataclasses import replace
from pathlib import Path

from google.protobuf import text_format

from pipeline.release.journal import Action, Entry, State, append_entry
from pipeline.release.lines import ModelLine
from pipeline.release.server_config import config_text, served_models, with_candidate
from serving.client import ServedModel
from serving.wire import predict_pb2

ENTRY = Entry(Action.PROMOTE, 1, None, "", "", "", "", "", "", State.DONE)


def serve(line: ModelLine, *versions: int) -> None:
    for version in versions:
        append_entry(line.journal, replace(ENTRY, version=version))


def test_every_line_holds_its_serving_version_and_the_one_before_under_the_stable_label(tmp_path: Path) -> None:
    walls, roofs = ModelLine(tmp_path, "walls"), ModelLine(tmp_path, "roofs")
    serve(walls, 1, 3)
    serve(roofs, 7)
    assert served_models(tmp_path) == {
        "walls": ServedModel("walls", str(walls.folder), (1, 3), {"stable": 3}),
        "roofs": ServedModel("roofs", str(roofs.folder), (7,), {"stable": 7}),
    }


def test_a_higher_version_before_is_not_held_because_it_would_answer_unnamed_requests(tmp_path: Path) -> None:
    walls = ModelLine(tmp_path, "walls")
    serve(walls, 3, 1)
    assert served_models(tmp_path)["walls"].versions == (1,)


def test_a_candidate_is_loaded_without_moving_a_label(tmp_path: Path) -> None:
    walls, roofs = ModelLine(tmp_path, "walls"), ModelLine(tmp_path, "roofs")
    serve(walls, 1)
    models = with_candidate(walls, 2)
    assert models["walls"] == ServedModel("walls", str(walls.folder), (1, 2), {"stable": 1})
    assert with_candidate(roofs, 1) == {
        "walls": ServedModel("walls", str(walls.folder), (1,), {"stable": 1}),
        "roofs": ServedModel("roofs", str(roofs.folder), (1,)),
    }


def test_the_text_is_a_model_server_config_in_protobuf_text_form(tmp_path: Path) -> None:
    path = tmp_path / 'a "quoted" folder é'
    models = {"walls": ServedModel("walls", str(path), (1, 2), {"stable": 2}), "roofs": ServedModel("roofs", "r", (7,))}
    parsed = text_format.Parse(config_text(models), predict_pb2.ModelServerConfig())
    roofs, walls = parsed.model_config_list.config
    assert (walls.name, walls.base_path, walls.model_platform) == ("walls", str(path), "tensorflow")
    assert list(walls.model_version_policy.specific.versions) == [1, 2]
    assert dict(walls.version_labels) == {"stable": 2}
    assert list(roofs.model_version_policy.specific.versions) == [7]
    assert not roofs.version_labels


def test_nothing_serves_gives_an_empty_list(tmp_path: Path) -> None:
    assert served_models(tmp_path) == {}
    assert text_format.Parse(config_text({}), predict_pb2.ModelServerConfig()).model_config_list.config == []
