"""Label files: COCO and Label Studio beside photos become labels, facts and masks, or a refusal that says where."""

import csv
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.core.errors import DataError
from pipeline.core.paths import Layout
from pipeline.evaluation.localisation import read_mask
from pipeline.intake import label_files
from pipeline.intake.sources import read_source
from pipeline.intake.taking import IntakeResult, take_in
from pipeline.intake.told import Told


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    root = tmp_path / "checkout"
    root.mkdir()
    return Layout(root)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


def put(folder: Path, *files: str) -> Path:
    """Files whose content is their own path."""
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(file)
    return folder


def put_json(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def coco(labels: Mapping[str, Sequence[str] | str | None], **of_images: Any) -> dict[str, Any]:
    """Images by name with the category or categories of their annotations."""
    by_image = {name: [told] if isinstance(told, str) else list(told or ()) for name, told in labels.items()}
    categories = sorted({category for told in by_image.values() for category in told})
    return {
        "images": [{"id": n, "file_name": name, **of_images} for n, name in enumerate(by_image)],
        "annotations": [
            {"id": 100 * n + m, "image_id": n, "category_id": 1 + categories.index(category), "bbox": [0, 0, 4, 4]}
            for n, told in enumerate(by_image.values())
            for m, category in enumerate(told)
        ],
        "categories": [{"id": 1 + n, "name": name, "supercategory": ""} for n, name in enumerate(categories)],
    }


def chosen(label: str, **more: Any) -> dict[str, Any]:
    """An annotation of Label Studio that chose a class for the photo."""
    result = {"from_name": "class", "to_name": "image", "type": "choices", "value": {"choices": [label]}}
    return {"id": 1, "completed_by": 7, "was_cancelled": False, "result": [result], **more}


def region(kind: str, label: str, size: tuple[int, int] = (40, 20), **value: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "original_width": size[0],
        "original_height": size[1],
        "image_rotation": 0,
        "value": {kind: [label], **value},
    }


def task(image: str, *annotations: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": 1, "data": {"image": image}, "annotations": list(annotations), "predictions": [], **more}


def labels_of(layout: Layout, batch: str) -> dict[str, str]:
    """Paths in the source, which are the content of the photos, and the folders in which they came to lie."""
    photos = [path for path in (layout.data / batch).glob("*/*") if path.parent.name != "_masks"]
    return {path.read_text(): path.parent.name for path in photos}


def lines_of(layout: Layout, batch: str) -> dict[str, dict[str, str]]:
    with (layout.data / batch / "photos.csv").open(encoding="utf-8", newline="") as stream:
        return {line["path"]: line for line in csv.DictReader(stream)}


def mask_of(layout: Layout, batch: str, path: str) -> Any:
    mask = lines_of(layout, batch)[path]["mask"]
    with Image.open(layout.data / batch / mask) as image:
        assert (image.format, image.mode) == ("PNG", "1")
    return read_mask(layout.data / batch / mask)


def test_the_category_of_its_annotations_labels_a_photo(layout: Layout, source: Path) -> None:
    put(source, "images/1.jpg", "images/2.jpg", "images/3.jpg")
    content = coco({"1.jpg": ["crack", "crack"], "2.jpg": "stain", "3.jpg": None})
    content["annotations"][0]["iscrowd"] = 1
    put_json(source / "annotations.json", content)
    result = take_in(layout, source, "patches")
    assert labels_of(layout, "patches") == {
        "images/1.jpg": "crack",
        "images/2.jpg": "stain",
        "images/3.jpg": "_unlabelled",
    }
    assert (result.left_out, result.remarks) == ((), ())
    assert all(line["mask"] == "" for line in lines_of(layout, "patches").values())


@pytest.mark.parametrize(
    ("photo", "file_name"),
    (
        ("1.jpg", "1.jpg"),
        ("images/1.jpg", "1.jpg"),
        ("images/1.jpg", "images/1.jpg"),
        ("images/1.jpg", "images\\1.jpg"),
        ("train2017/1.jpg", "1.jpg"),
        ("walls/north/1.jpg", "north/1.jpg"),
        ("images/1.jpg", "/home/ada/survey/images/1.jpg"),
        ("images/fêlé.jpg", "fe\u0302le\u0301.jpg"),
    ),
)
def test_an_image_is_found_from_the_top_below_images_or_by_the_end_of_its_path(
    layout: Layout, source: Path, photo: str, file_name: str
) -> None:
    put(source, photo)
    put_json(source / "annotations/instances.json", coco({file_name: "crack"}))
    take_in(layout, source, "patches")
    assert labels_of(layout, "patches") == {photo: "crack"}


def test_the_top_and_images_go_before_other_folders(layout: Layout, source: Path) -> None:
    put(source, "images/1.jpg", "_unlabelled/1.jpg")
    put_json(source / "labels.json", coco({"1.jpg": "crack"}))
    take_in(layout, source, "patches")
    assert labels_of(layout, "patches") == {"images/1.jpg": "crack", "_unlabelled/1.jpg": "_unlabelled"}


def test_several_files_make_one_batch(layout: Layout, source: Path) -> None:
    put(source, "images/1.jpg", "images/2.jpg", "images/3.jpg")
    put_json(source / "annotations/instances_train.json", coco({"1.jpg": "crack", "3.jpg": None}))
    put_json(source / "annotations/instances_val.json", coco({"2.jpg": "stain", "3.jpg": "stain"}))
    put_json(source / "annotations/captions_val.json", {"images": [], "annotations": [], "info": {}})
    result = take_in(layout, source, "patches")
    assert set(labels_of(layout, "patches").values()) == {"crack", "stain"}
    assert len(lines_of(layout, "patches")) == 3
    assert result.left_out == ("annotations/captions_val.json",)


@pytest.mark.parametrize("top", (True, False))
def test_train_and_test_folders_are_two_batches_with_label_files_above_or_inside(
    layout: Layout, source: Path, top: bool
) -> None:
    put(source, "train/1.jpg", "test/2.jpg")
    for side, label in (("train", "crack"), ("test", "stain")):
        content = coco({"1.jpg" if side == "train" else "2.jpg": label})
        put_json(source / (f"annotations/{side}.json" if top else f"{side}/_annotations.coco.json"), content)
    result = take_in(layout, source, "quake")
    assert labels_of(layout, "quake-train") == {"train/1.jpg": "crack"}
    assert labels_of(layout, "quake-test") == {"test/2.jpg": "stain"}
    assert [taken.batch.side for taken in result.taken] == ["", "test"]
    assert result.left_out == ()


@pytest.mark.parametrize(
    "files",
    (
        ("download/set/1.jpg", "download/set/labels.json"),
        ("download/set/images/1.jpg", "download/set/labels.json", "download/README.md"),
        ("set/images/1.jpg", "set/annotations/labels.json"),
        ("images/north/1.jpg", "labels.json"),
    ),
)
def test_label_files_are_found_inside_folders_that_only_wrap(
    layout: Layout, source: Path, files: Sequence[str]
) -> None:
    put(source, *files)
    [path] = [source / file for file in files if file.endswith(".json")]
    put_json(path, coco({"1.jpg": "crack"}))
    take_in(layout, source, "patches")
    assert set(labels_of(layout, "patches").values()) == {"crack"}


def test_a_label_file_is_read_once_however_deep_it_lies(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(source, "download/set/1.jpg")
    put_json(source / "download/set/labels.json", coco({"1.jpg": "crack"}))
    read: list[Path] = []
    read_coco = label_files.read_coco
    monkeypatch.setattr(label_files, "read_coco", lambda text, path: read.append(path) or read_coco(text, path))
    read_source(source)
    assert [path.name for path in read] == ["labels.json"]


def test_licence_address_and_date_of_an_image_are_its_facts(layout: Layout, source: Path) -> None:
    put(source, "1.jpg", "2.jpg", "3.jpg")
    content = coco({"1.jpg": "crack", "2.jpg": "crack", "3.jpg": "crack"})
    content["licenses"] = [{"id": 4, "name": "CC BY\n 2.0", "url": "https://a"}, {"id": 5, "url": "https://b"}]
    content["images"][0] |= {"license": 4, "coco_url": "https://photos/1", "date_captured": "2013-11-14 17:02:52"}
    content["images"][1] |= {"license": 5, "coco_url": None, "date_captured": 0}
    content["images"][2] |= {"license": [], "date_captured": "yesterday"}
    put_json(source / "labels.json", content)
    take_in(layout, source, "patches")
    facts = {
        path: (line["licence"], line["url"], line["taken_at"]) for path, line in lines_of(layout, "patches").items()
    }
    assert facts == {
        "crack/1.jpg": ("CC BY 2.0", "https://photos/1", "2013-11-14T17:02:52"),
        "crack/2.jpg": ("https://b", "", ""),
        "crack/3.jpg": ("", "", ""),
    }


def test_polygons_and_run_lengths_become_masks_named_as_their_photos(layout: Layout, source: Path) -> None:
    put(source, "1.jpg", "2.jpg", "3.jpg")
    content = coco({"1.jpg": ["crack", "crack"], "2.jpg": "crack", "3.jpg": "crack"}, width=6, height=4)
    first, second, third, fourth = content["annotations"]
    first["segmentation"] = [[0, 0, 2, 0, 2, 2, 0, 2], [4, 2, 6, 2, 6, 4, 4, 4]]
    second["segmentation"] = {"size": [4, 6], "counts": [8, 1, 15]}
    fourth["segmentation"] = []
    third["segmentation"] = {"size": [4, 6], "counts": [0, 4, 20]}
    put_json(source / "labels.json", content)
    take_in(layout, source, "patches")
    expected = np.zeros((4, 6), bool)
    expected[0:2, 0:2] = expected[2:4, 4:6] = expected[0, 2] = True
    assert (mask_of(layout, "patches", "crack/1.jpg") == expected).all()
    assert mask_of(layout, "patches", "crack/2.jpg").sum() == 4
    lines = lines_of(layout, "patches")
    assert [lines[f"crack/{n}.jpg"]["mask"] for n in (1, 2, 3)] == ["_masks/crack/1.png", "_masks/crack/2.png", ""]


def test_a_drawn_mask_takes_the_place_of_no_mask_that_came(layout: Layout, source: Path) -> None:
    put(source, "1.jpg", "_masks/crack/1.png")
    content = coco({"1.jpg": "crack"}, width=6, height=4)
    content["annotations"][0]["segmentation"] = [[0, 0, 2, 0, 2, 2, 0, 2]]
    put_json(source / "labels.json", content)
    take_in(layout, source, "patches")
    assert (layout.data / "patches/_masks/crack/1.png").read_text() == "_masks/crack/1.png"
    assert mask_of(layout, "patches", "crack/1.jpg").sum() == 4


def test_the_mask_of_a_converted_photo_lies_as_the_photo_does(layout: Layout, source: Path) -> None:
    block = Image.Exif()
    block[0x0112] = 6
    Image.new("RGB", (40, 20)).save(source / "1.tif", exif=block)
    content = coco({"1.tif": "crack"}, width=40, height=20)
    content["annotations"][0]["segmentation"] = [[0, 0, 10, 0, 10, 5, 0, 5]]
    put_json(source / "labels.json", content)
    take_in(layout, source, "patches")
    mask = mask_of(layout, "patches", "crack/1.jpg")
    assert mask.shape == (40, 20)
    assert mask[0:10, 15:20].all()
    assert mask.sum() == 50


def test_the_same_labels_and_photos_are_the_same_batch_and_other_outlines_are_not(
    layout: Layout, source: Path, tmp_path: Path
) -> None:
    put(source, "1.jpg")
    content = coco({"1.jpg": "crack"}, width=6, height=4)
    content["annotations"][0]["segmentation"] = [[0, 0, 2, 0, 2, 2, 0, 2]]
    put_json(source / "labels.json", content)
    take_in(layout, source, "patches")
    renamed = tmp_path / "renamed"
    shutil.copytree(source, renamed)
    (renamed / "labels.json").rename(renamed / "instances.json")
    assert not take_in(layout, renamed, "again").taken[0].is_new
    content["annotations"][0]["segmentation"] = [[0, 0, 3, 0, 3, 2, 0, 2]]
    put_json(source / "labels.json", content)
    assert take_in(layout, source, "again").taken[0].is_new


def test_a_batch_with_drawn_masks_can_be_brought_into_another_checkout(
    layout: Layout, source: Path, tmp_path: Path
) -> None:
    put(source, "1.jpg")
    content = coco({"1.jpg": "crack"}, width=6, height=4)
    content["annotations"][0]["segmentation"] = [[0, 0, 2, 0, 2, 2, 0, 2]]
    put_json(source / "labels.json", content)
    take_in(layout, source, "patches")
    other = Layout(tmp_path / "other")
    other.root.mkdir()
    take_in(other, layout.data / "patches", "patches")
    assert lines_of(other, "patches") == lines_of(layout, "patches")
    assert mask_of(other, "patches", "crack/1.jpg").sum() == 4


def refused(layout: Layout, source: Path) -> str:
    with pytest.raises(DataError) as told:
        take_in(layout, source, "patches")
    assert not any(layout.data.iterdir())
    assert told.value.todo
    return told.value.came


def test_photos_of_several_categories_are_many_label_and_named(layout: Layout, source: Path) -> None:
    names = [f"{n}.jpg" for n in range(7)]
    put(source, *names)
    put_json(source / "labels.json", coco({name: ["stain", "crack"] for name in names}))
    came = refused(layout, source)
    assert "7 photos are many-label: 0.jpg (crack, stain), 1.jpg (crack, stain)" in came
    assert came.endswith("and 2 more")


def test_files_that_contradict_one_another_are_many_label(layout: Layout, source: Path) -> None:
    put(source, "images/1.jpg")
    put_json(source / "annotations/train.json", coco({"1.jpg": "crack"}))
    put_json(source / "annotations/val.json", coco({"images/1.jpg": "stain"}))
    assert "1 photos are many-label: images/1.jpg (crack, stain)" in refused(layout, source)


@pytest.mark.parametrize("table", ("photos.csv", "labels.csv"))
def test_a_table_beside_a_label_file_is_refused(layout: Layout, source: Path, table: str) -> None:
    put(source, "1.jpg")
    put_json(source / "annotations/train.json", coco({"1.jpg": "crack"}))
    (source / table).write_text("path,label\n1.jpg,crack\n")
    assert f"holds {table} and annotations/train.json" in refused(layout, source)


@pytest.mark.parametrize(
    ("part", "changes", "words"),
    (
        ("images", {"file_name": None}, "images[0].file_name: Input should be a valid string"),
        ("images", {"id": 9}, "annotations of what it does not list: image 0"),
        ("images", {"file_name": "9.jpg"}, "names 1 photos that are not there: 9.jpg"),
        ("annotations", {"image_id": 9}, "annotations of what it does not list: image 9"),
        ("annotations", {"category_id": 9}, "annotations of what it does not list: category 9"),
        (
            "annotations",
            {"segmentation": [[0, 0, 1, 0, 1]]},
            "crack/1.jpg cannot be drawn: a polygon has 5 coordinates",
        ),
        ("annotations", {"segmentation": {"size": [4, 7], "counts": [28]}}, "are for 7x4 pixels, not for 6x4"),
        ("annotations", {"segmentation": {"size": [4, 6], "counts": [-1, 25]}}, "annotations[0].segmentation"),
        ("annotations", {"segmentation": [["a", "b"]]}, "annotations[0].segmentation"),
        ("annotations", {"segmentation": [[float("inf"), 0, 1, 0, 1, 1]]}, "annotations[0].segmentation"),
        ("categories", {"name": " "}, "categories[0].name"),
        ("categories", {"name": "../up"}, "the class '../up'"),
        ("categories", {"name": "crack" * 60}, "the class 'crackcrack"),
    ),
)
def test_a_coco_file_with_a_fault_is_refused_and_the_fault_is_named(
    layout: Layout, source: Path, part: str, changes: dict[str, Any], words: str
) -> None:
    put(source, "1.jpg")
    content = coco({"1.jpg": "crack"}, width=6, height=4)
    content[part][0] |= changes
    put_json(source / "labels.json", content)
    assert words in refused(layout, source)


@pytest.mark.parametrize("part", ("images", "categories"))
def test_two_of_one_number_are_refused(layout: Layout, source: Path, part: str) -> None:
    put(source, "1.jpg")
    content = coco({"1.jpg": "crack"})
    content[part] *= 2
    put_json(source / "labels.json", content)
    assert f"has two {part} of id" in refused(layout, source)


def test_segmentations_of_a_photo_whose_size_is_not_told_are_refused(layout: Layout, source: Path) -> None:
    put(source, "1.jpg")
    content = coco({"1.jpg": "crack"})
    content["annotations"][0]["segmentation"] = [[0, 0, 1, 0, 1, 1]]
    put_json(source / "labels.json", content)
    assert "has segmentations of 1.jpg, but not its width and height" in refused(layout, source)


@pytest.mark.parametrize(
    ("text", "words"),
    (
        ("", "is no JSON"),
        ('{"images": [', "is no JSON"),
        ("[" * 5000, "recursion limit"),
        ('{"images":' + "[" * 5000, "recursion limit"),
        ("not labels", "is no JSON"),
        ('{"images": ["\\ud800"]}', "is no JSON"),
    ),
)
def test_what_is_no_json_is_refused_by_its_path(layout: Layout, source: Path, text: str, words: str) -> None:
    put(source, "crack/1.jpg", "stain/2.jpg")
    (source / "labels.json").write_text(text)
    came = refused(layout, source)
    assert str(source / "labels.json") in came
    assert words in came


def test_a_file_that_is_too_large_is_refused(layout: Layout, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_files, "_MAX_BYTES", 20)
    put(source, "1.jpg")
    put_json(source / "labels.json", coco({"1.jpg": "crack"}))
    assert "at most 20 are read" in refused(layout, source)


@pytest.mark.parametrize("content", ({"name": "survey"}, [], [1], {"images": 3}, [{"text": "a"}], [[]]))
def test_json_that_speaks_of_no_labels_is_left_out_and_named(layout: Layout, source: Path, content: Any) -> None:
    put(source, "crack/1.jpg", "stain/2.jpg")
    put_json(source / "info.json", content)
    assert take_in(layout, source, "patches").left_out == ("info.json",)


def test_a_file_with_a_byte_order_mark_is_read(layout: Layout, source: Path) -> None:
    put(source, "1.jpg")
    text = json.dumps(coco({"1.jpg": "crack"}))
    (source / "labels.json").write_text(text, encoding="utf-8-sig")
    take_in(layout, source, "patches")
    assert labels_of(layout, "patches") == {"1.jpg": "crack"}


def test_photos_that_no_label_file_lists_are_refused(layout: Layout, source: Path) -> None:
    put(source, "images/1.jpg", "images/2.jpg")
    put_json(source / "labels.json", coco({"1.jpg": "crack"}))
    assert "not in the table that gives the labels: images/2.jpg" in refused(layout, source)


def test_names_that_fit_several_photos_are_refused(layout: Layout, source: Path) -> None:
    put(source, "north/1.jpg", "south/1.jpg")
    put_json(source / "labels.json", coco({"1.jpg": "crack"}))
    assert "has names that fit several photos: 1.jpg" in refused(layout, source)


def test_two_names_that_both_end_like_one_photo_are_refused(layout: Layout, source: Path) -> None:
    put(source, "1.jpg")
    put_json(source / "labels.json", coco({"/survey/north/1.jpg": "crack", "/survey/south/1.jpg": "crack"}))
    assert "fit several photos: /survey/north/1.jpg, /survey/south/1.jpg" in refused(layout, source)


def test_annotations_in_other_forms_are_no_class(layout: Layout, source: Path) -> None:
    put(source, "annotations/1.xml", "images/1.jpg")
    assert "has a folder annotations, which does not say" in refused(layout, source)


def take_tasks(layout: Layout, source: Path, *tasks: dict[str, Any]) -> IntakeResult:
    put_json(source / "project-1-at-2026-11-21.json", list(tasks))
    return take_in(layout, source, "patches")


@pytest.mark.parametrize(
    ("image", "file_upload", "photo"),
    (
        ("/data/upload/1/0a1b2c3d-wall.jpg", "0a1b2c3d-wall.jpg", "wall.jpg"),
        ("/data/upload/1/0a1b2c3d-wall.jpg", "0a1b2c3d-wall.jpg", "images/0a1b2c3d-wall.jpg"),
        ("/data/local-files/?d=survey/north%20side/wall.jpg", None, "north side/wall.jpg"),
        ("s3://bucket/survey/wall.jpg", None, "images/wall.jpg"),
        ("https://host:8080/data/upload/1/0a1b2c3d-w%C3%A4nde.jpg?x=1", None, "wände.jpg"),
        ("survey\\wall.jpg", None, "wall.jpg"),
        ("wall#1?.jpg", None, "wall#1?.jpg"),
    ),
)
def test_a_task_is_mapped_to_its_photo_by_upload_path_or_address(
    layout: Layout, source: Path, image: str, file_upload: str | None, photo: str
) -> None:
    put(source, photo)
    take_tasks(layout, source, task(image, chosen("crack"), file_upload=file_upload))
    assert labels_of(layout, "patches") == {photo: "crack"}


def test_the_photo_of_a_task_may_go_by_any_key(layout: Layout, source: Path) -> None:
    put(source, "wall.jpg")
    take_tasks(layout, source, {"data": {"note": "north", "photo": "a/wall.jpg"}, "annotations": [chosen("crack")]})
    assert labels_of(layout, "patches") == {"wall.jpg": "crack"}


def test_choices_go_before_regions_whose_one_class_labels_else(layout: Layout, source: Path) -> None:
    put(source, *(f"{n}.jpg" for n in range(6)))
    both = chosen("damaged")
    both["result"].append(region("rectanglelabels", "crack", x=1, y=2, width=3, height=4, rotation=0))
    take_tasks(
        layout,
        source,
        task("0.jpg", both),
        task("1.jpg", {"result": [region("polygonlabels", " stain ", points=[[0, 0], [50, 0], [50, 50]])]}),
        task("2.jpg", {"result": [region("keypointlabels", "hole", x=1, y=1), region("ellipselabels", "hole")]}),
        task("3.jpg", {"result": []}),
        task("4.jpg"),
        task("5.jpg", {"result": [{"type": "relation", "from_id": "a", "to_id": "b"}]}),
    )
    assert labels_of(layout, "patches") == {
        "0.jpg": "damaged",
        "1.jpg": "stain",
        "2.jpg": "hole",
        **{f"{n}.jpg": "_unlabelled" for n in (3, 4, 5)},
    }


def test_cancelled_annotations_and_predictions_do_not_count(layout: Layout, source: Path) -> None:
    put(source, "1.jpg", "2.jpg")
    take_tasks(
        layout,
        source,
        task("1.jpg", chosen("stain", was_cancelled=True), chosen("crack"), predictions=[chosen("hole")]),
        task("2.jpg", chosen("stain", was_cancelled=True)),
    )
    assert labels_of(layout, "patches") == {"1.jpg": "crack", "2.jpg": "_unlabelled"}


def test_people_who_agree_label_a_photo_and_those_who_disagree_are_named(layout: Layout, source: Path) -> None:
    put(source, "1.jpg", "2.jpg")
    agreed = task("1.jpg", chosen("crack"), chosen("crack", completed_by={"id": 8, "email": "ada@example.org"}))
    disputed = task("2.jpg", chosen("crack"), chosen("stain", completed_by={"id": 8, "email": "ada@example.org"}))
    put_json(source / "labels.json", [agreed, disputed])
    came = refused(layout, source)
    assert "people disagree over 1 photos: 2.jpg (annotator 7: crack, annotator 8: stain)" in came
    settled = task("2.jpg", chosen("crack"), chosen("stain", completed_by=8, ground_truth=True))
    put_json(source / "labels.json", [agreed, settled])
    take_in(layout, source, "patches")
    assert labels_of(layout, "patches") == {"1.jpg": "crack", "2.jpg": "stain"}


def test_one_person_who_contradicts_himself_is_told_as_well(layout: Layout, source: Path) -> None:
    put(source, "1.jpg")
    put_json(source / "labels.json", [task("1.jpg", chosen("crack"), chosen("stain"))])
    assert "people disagree over 1 photos" in refused(layout, source)


def test_a_task_of_several_classes_is_many_label(layout: Layout, source: Path) -> None:
    put(source, "1.jpg")
    several = {"result": [region("rectanglelabels", "stain"), region("rectanglelabels", "crack")]}
    put_json(source / "labels.json", [task("1.jpg", several)])
    assert "1 photos are many-label: 1.jpg (crack, stain)" in refused(layout, source)


def test_tasks_of_one_photo_are_joined(layout: Layout, source: Path) -> None:
    put(source, "1.jpg")
    take_tasks(layout, source, task("1.jpg"), task("1.jpg", chosen("crack")))
    assert labels_of(layout, "patches") == {"1.jpg": "crack"}


def test_polygons_in_per_cent_and_brush_strokes_become_masks(layout: Layout, source: Path) -> None:
    put(source, "1.jpg", "2.jpg")
    packed = f"{4 * 8:032b}{7:05b}{3:04b}{3:04b}{3:04b}{3:04b}"
    packed += "100" + f"{15:04b}" + f"{0:08b}" + "100" + f"{15:04b}" + f"{255:08b}"
    packed += "0" * (-len(packed) % 8)
    rle = list(int(packed, 2).to_bytes(len(packed) // 8))
    take_tasks(
        layout,
        source,
        task("1.jpg", {"result": [region("polygonlabels", "crack", points=[[25, 0], [50, 0], [50, 50], [25, 50]])]}),
        task("2.jpg", {"result": [region("brushlabels", "crack", (4, 2), format="rle", rle=rle)]}),
    )
    expected = np.zeros((20, 40), bool)
    expected[0:10, 10:20] = True
    assert (mask_of(layout, "patches", "crack/1.jpg") == expected).all()
    assert mask_of(layout, "patches", "crack/2.jpg").tolist() == [[False] * 4, [True] * 4]


@pytest.mark.parametrize(
    ("changes", "words"),
    (
        ({"image_rotation": 90}, "it was turned in Label Studio"),
        ({"original_width": 0}, "the size of the photo is not told"),
    ),
)
def test_what_is_marked_in_a_frame_that_is_not_known_is_left_out_and_told(
    layout: Layout, source: Path, changes: dict[str, Any], words: str
) -> None:
    put(source, "1.jpg")
    marked = region("polygonlabels", "crack", points=[[0, 0], [50, 0], [50, 50]]) | changes
    result = take_tasks(layout, source, task("1.jpg", {"result": [marked]}))
    assert lines_of(layout, "patches")["crack/1.jpg"]["mask"] == ""
    [remark] = result.remarks
    assert remark.startswith("1.jpg: ")
    assert words in remark


def test_the_short_export_is_refused_and_the_right_one_named(layout: Layout, source: Path) -> None:
    put(source, "1.jpg")
    put_json(
        source / "labels.json", [{"image": "1.jpg", "id": 1, "choice": "crack", "annotator": 1, "annotation_id": 3}]
    )
    assert "is a JSON-MIN export" in refused(layout, source)


@pytest.mark.parametrize(
    ("tasks", "words"),
    (
        ([task("1.jpg"), {"id": 2}], "[1].data: Field required"),
        ([task("1.jpg", {"result": [{"value": {"choices": [3]}}]})], "[0].annotations[0].result[0].value.choices[0]"),
        ([task("1.jpg", {"result": [{"value": {"rle": [256]}}]})], "rle[0]"),
        ([task("9.jpg", chosen("crack"))], "names 1 photos that are not there: 9.jpg"),
        ([{"id": 5, "data": {}, "annotations": []}], "names 1 photos that are not there: task 5"),
    ),
)
def test_tasks_with_a_fault_are_refused_and_the_fault_is_named(
    layout: Layout, source: Path, tasks: Any, words: str
) -> None:
    put(source, "1.jpg")
    put_json(source / "labels.json", tasks)
    assert words in refused(layout, source)


def test_twenty_thousand_photos_are_found_in_linear_time() -> None:
    """What looked at all files for each name would take minutes."""
    files = [f"walls/{n % 100}/{n}.jpg" for n in range(20_000)]
    told = tuple(Told((f"{n}.jpg",), ("crack",)) for n in range(20_000))
    table = label_files.label_table(Path("batch"), {"labels.json": told}, [*files, "labels.json"])
    assert set(table.lines) == set(files)
