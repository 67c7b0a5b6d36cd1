"""A watch from kept photos to alert, page and list."""

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from fake_model_server import running_fake
from watched_homes import CLASSES, Home, blurred, darker, encoded, wall

from pipeline.core.errors import MachineError
from pipeline.core.parameters import EmbedParameters
from pipeline.learning import backbones
from pipeline.release.profile import read_profile, write_profile
from pipeline.watch import material
from pipeline.watch.findings import Findings
from pipeline.watch.run import Watched, watch
from serving.asked import folder_of, read_asked

NOW = datetime(2026, 5, 2, 3, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.serve()
    return home


def look(home: Home) -> Watched:
    return watch(home.layout, home.parameters, NOW)


def found(home: Home) -> Findings:
    [findings] = look(home).findings
    return findings


def alerts(home: Home) -> list[dict]:
    path = home.root / ".heritage" / "alerts.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_photos_like_those_of_training_raise_no_alarm(home):
    home.ask(120)
    findings = found(home)
    assert (findings.num_photos, findings.alarms) == (120, ())
    assert len(findings.comparisons) == 10
    assert alerts(home) == []


@pytest.mark.parametrize(
    ("change", "measure"), ((darker, "brightness"), (blurred, "sharpness")), ids=("darker", "blurred")
)
def test_photos_of_another_kind_are_found_and_told_once(home, change, measure):
    home.ask(60, change)
    assert measure in found(home).drifted
    [alert] = alerts(home)
    assert alert["kind"] == "drift"
    assert alert["subject"].startswith("walls version 1: photos that are asked about have drifted")
    assert f"{measure}: drift" in alert["text"]
    assert Path(alert["link"]).is_file()
    look(home)
    assert len(alerts(home)) == 1


def test_a_further_finding_is_told_and_so_is_the_same_of_the_next_version(home):
    home.ask(40, darker)
    look(home)
    home.ask(80, lambda image: blurred(darker(image)), first_seed=20_000)
    assert "sharpness" in found(home).drifted
    assert len(alerts(home)) == 2
    home.serve(2)
    home.ask(60, darker, first_seed=30_000, version=2)
    assert "brightness" in found(home).drifted
    assert len(alerts(home)) == 3


def test_other_classes_than_in_evaluation_are_found(home):
    sure = {"predicted": "stained", "probabilities": dict(zip(CLASSES, (0.02, 0.03, 0.95), strict=True))}
    home.ask(60, **sure)
    assert {"classes", "certainty"} <= set(found(home).drifted)


def test_with_few_photos_nothing_is_said_or_written(home):
    home.ask(29, darker)
    findings = found(home)
    assert (findings.num_photos, findings.page, findings.alarms) == (29, "", ())
    assert "fewer than 30" in findings.notes[0]
    assert not (home.root / "reports").exists()


def test_photos_that_an_earlier_version_answered_do_not_count(home):
    home.ask(60, darker, version=7)
    assert found(home).num_photos == 0


def test_photos_of_an_earlier_term_of_the_same_version_do_not_count(home):
    home.ask(60, darker, time="2026-04-30T23:59:59.999+00:00", predicted="a class of long ago")
    home.ask(5, first_seed=20_000)
    assert found(home).num_photos == 5


def test_nothing_is_looked_at_where_no_photos_are_kept(home):
    home.ask(60, darker)
    home.settings["keep_photos"] = 0
    assert look(home) == Watched((), False)


def test_without_a_served_version_there_is_nothing_to_watch(tmp_path):
    assert look(Home(tmp_path)) == Watched([], False)


def test_a_version_without_a_profile_says_so(home):
    home.ask(60)
    home.line.profile(1).unlink()
    assert "profile" in found(home).notes[0]
    home.line.profile(1).write_bytes(b"PK damaged")
    assert "cannot be read" in found(home).notes[0]


def test_drift_retrains_only_where_labelled_photos_came_since(home):
    home.ask(60, darker)
    home.bring("second", [("_unlabelled", encoded(wall(1)))])
    assert not look(home).retrain
    home.bring("third", [("sound", encoded(wall(2)))])
    result = look(home)
    assert result.retrain
    assert result.findings[0].num_labelled_since == 1


def test_labelled_photos_without_drift_retrain_nothing(home):
    home.ask(60)
    home.bring("second", [("sound", encoded(wall(2)))])
    assert not look(home).retrain


def test_probabilities_that_labels_contradict_are_found(home):
    sure = {"predicted": "sound", "probabilities": dict(zip(CLASSES, (0.02, 0.95, 0.03), strict=True))}
    home.ask(60, **sure)
    labels = ["sound" if number % 2 else "cracked" for number in range(60)]
    home.bring("labelled", [(label, encoded(wall(10_000 + number))) for number, label in enumerate(labels)])
    findings = found(home)
    assert findings.calibration.num_photos == 60
    assert findings.calibration.accuracy == 0.5
    assert findings.is_miscalibrated
    assert look(home).retrain
    assert "calibration: error" in alerts(home)[0]["text"]


def test_labels_of_photos_that_nobody_asked_about_are_held_against_the_servers_answers(home):
    home.ask(60)
    home.bring("labelled", [("sound", encoded(wall(seed))) for seed in range(500, 540)])
    with running_fake() as fake:
        fake.classes, fake.probabilities, fake.threshold = list(CLASSES), [0.1, 0.8, 0.1], [0.3, 0.3, 0.3]
        fake.version = 1
        home.server = fake.address
        findings = found(home)
    assert findings.calibration.num_photos == 40
    assert findings.calibration.accuracy == 1
    assert {request.model_spec.version.value for request in fake.requests} == {1}


def test_unlabelled_photos_of_data_are_chosen_too_once_the_server_answers(home):
    home.ask(40, probabilities=dict(zip(CLASSES, (0.9, 0.05, 0.05), strict=True)), predicted="cracked")
    home.bring("second", [("_unlabelled", encoded(wall(seed))) for seed in range(600, 605)])
    assert all(one.times for one in found(home).label_next)
    with running_fake() as fake:
        fake.classes, fake.probabilities, fake.threshold = list(CLASSES), [0.34, 0.33, 0.33], [0.3, 0.3, 0.3]
        home.server = fake.address
        findings = found(home)
    assert [one.times for one in findings.label_next[:5]] == [0] * 5
    text = (home.root / "reports" / "watch" / "walls" / "label_next.csv").read_text()
    assert "data/second/_unlabelled/" in text


def test_the_folder_holds_the_photos_of_the_list_and_a_folder_for_each_class(home):
    home.ask(60)
    look(home)
    place = home.root / "reports" / "watch" / "walls"
    lines = list(csv.DictReader((place / "label_next.csv").read_text().splitlines()))
    assert [line["rank"] for line in lines] == [str(rank) for rank in range(1, 9)]
    assert sorted(path.name for path in (place / "label_next").iterdir()) == ["_unlabelled", *CLASSES]
    assert sorted(path.name for path in (place / "label_next" / "_unlabelled").iterdir()) == [
        line["file"] for line in lines
    ]


def test_what_was_labelled_is_not_listed_again(home):
    home.ask(60)
    first = [one.row.sha256 for one in found(home).label_next]
    folder = folder_of(home.layout.asked, "walls")
    home.bring("labelled", [("sound", (folder / f"{sha256}.png").read_bytes()) for sha256 in first])
    again = [one.row.sha256 for one in found(home).label_next]
    assert len(again) == 8
    assert not set(first) & set(again)


def test_a_folder_that_was_only_opened_is_written_anew(home):
    home.ask(60)
    look(home)
    folder = home.root / "reports" / "watch" / "walls" / "label_next"
    (folder / ".DS_Store").touch()
    (folder / "cracked" / "Thumbs.db").touch()
    look(home)
    assert not (folder / ".DS_Store").exists()


def test_copies_and_page_are_for_this_users_eyes_alone(home):
    home.ask(60)
    look(home)
    assert (home.root / "reports" / "watch" / "walls").stat().st_mode & 0o077 == 0


def test_photos_that_somebody_is_sorting_are_left_alone(home):
    home.ask(60)
    look(home)
    folder = home.root / "reports" / "watch" / "walls" / "label_next"
    sorted_one = next((folder / "_unlabelled").iterdir()).rename(folder / "cracked" / "mine.png")
    home.ask(60, first_seed=40_000)
    look(home)
    assert sorted_one.is_file()
    assert "was left as it is" in (folder.parent / "index.html").read_text()


@pytest.mark.parametrize(("gone", "page"), ((3, True), (40, False), (60, False)))
def test_photos_that_left_while_it_looked_count_for_nothing(home, gone, page):
    home.ask(60)
    folder = folder_of(home.layout.asked, "walls")
    for photo in read_asked(home.layout.asked, "walls")[:gone]:
        (folder / photo.file).unlink()
    findings = found(home)
    assert (findings.num_photos, bool(findings.page)) == (60 - gone, page)


def test_of_a_large_batch_photos_of_all_classes_are_held_against_the_answers(home, monkeypatch):
    monkeypatch.setattr(material, "MAX_OF_DATA", 40)
    home.ask(60)
    home.bring("large", [(label, encoded(wall(500 + n))) for n, label in enumerate(sorted(CLASSES * 40))])
    with running_fake() as fake:
        fake.classes, fake.probabilities, fake.threshold = list(CLASSES), [0.34, 0.33, 0.33], [0.3, 0.3, 0.3]
        home.server = fake.address
        findings = found(home)
    assert findings.calibration.num_photos == 40
    assert 0.1 < findings.calibration.accuracy < 0.6
    assert not findings.is_miscalibrated


def test_photos_that_batches_name_and_nobody_has_are_said(home):
    home.ask(60)
    home.write_batches("gone")
    (home.layout.data / "gone").rmdir()
    assert any("photos of data/ are left out" in note for note in found(home).notes)


def with_vectors(home: Home, vectors: np.ndarray, distances: np.ndarray) -> None:
    """Let the version's profile hold vectors."""
    place = home.line.profile(1)
    profile = read_profile(place)
    embed = EmbedParameters(backbone="residual_small", weights_sha256="0" * 64, image_size=32)
    facts = replace(profile.facts, embed=embed)
    write_profile(place, replace(profile, vectors=vectors, distances=distances, facts=facts))


def test_vectors_are_compared_where_their_network_is_there_and_only_left_out_where_it_is_not(home, monkeypatch):
    home.ask(40)
    with_vectors(home, np.eye(128, dtype=np.float32)[:40], np.full(40, 0.1))

    def out_of_reach(*_: object) -> str:
        raise MachineError("there are no such weights", expected="weights", todo="bring them")

    monkeypatch.setattr(backbones, "load_weights", out_of_reach)
    away = found(home)
    assert any(note.startswith("vectors are left out") for note in away.notes)
    assert len(away.comparisons) == 10
    monkeypatch.setattr(backbones, "load_weights", lambda *_: "0" * 64)
    assert [one.name for one in found(home).comparisons][-1] == "vectors"
    assert "vectors" in found(home).drifted
    monkeypatch.setattr(backbones, "load_weights", None)  # vectors that are kept need no network
    assert len(found(home).comparisons) == 11
