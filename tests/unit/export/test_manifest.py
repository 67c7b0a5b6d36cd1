import hashlib
from pathlib import Path

import pytest

from pipeline.core.errors import ServingError
from pipeline.export.manifest import FILE_NAME, manifest_of, manifest_sha256, read_manifest, write_manifest


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with the look of a SavedModel."""
    folder = tmp_path / "saved_model"
    for name in ("saved_model.pb", "variables/variables.index", "assets.extra/labels.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name, encoding="utf-8")
    return folder


def test_a_manifest_holds_the_hash_of_every_file_and_comes_back(model: Path, tmp_path: Path) -> None:
    manifest = manifest_of(model)
    assert list(manifest) == ["assets.extra/labels.json", "saved_model.pb", "variables/variables.index"]
    assert manifest["saved_model.pb"] == hashlib.sha256(b"saved_model.pb").hexdigest()
    write_manifest(tmp_path / FILE_NAME, dict(reversed(manifest.items())))
    assert read_manifest(tmp_path / FILE_NAME) == manifest
    assert list(read_manifest(tmp_path / FILE_NAME)) == list(manifest)


def test_a_manifest_inside_the_model_does_not_count_itself(model: Path) -> None:
    before = manifest_of(model)
    write_manifest(model / FILE_NAME, before)
    assert manifest_of(model) == before


def test_one_changed_byte_or_name_is_another_artefact(model: Path) -> None:
    before = manifest_sha256(manifest_of(model))
    (model / "saved_model.pb").write_text("saved_model.pB", encoding="utf-8")
    changed = manifest_sha256(manifest_of(model))
    (model / "saved_model.pb").rename(model / "other.pb")
    assert len({before, changed, manifest_sha256(manifest_of(model))}) == 3


@pytest.mark.parametrize("text", (None, "", "{}", "[]", '{"files": []}', '{"files": 1}', "\x00"))
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / FILE_NAME
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ServingError, match=r"manifest\.json cannot be read") as caught:
        read_manifest(path)
    assert caught.value.exit_code == 5
