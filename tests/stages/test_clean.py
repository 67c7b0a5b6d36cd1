import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.core.errors import DataError
from pipeline.core.parameters import Parameters, parse_parameters
from pipeline.core.paths import Layout
from pipeline.core.tables import read_rows, write_rows
from pipeline.photos import copies
from pipeline.photos.batches import write_batches
from pipeline.photos.decisions import HumanDecision, write_decisions
from pipeline.photos.listing import FoundFile
from pipeline.photos.reading import read_photo
from pipeline.photos.records import Batch, CleanRow, DuplicateRow, PhotoRow, SuspectRow
from pipeline.stages import clean
from serving.contract import PhotoLimits


def parameters() -> Parameters:
    needed = {"recipe": "test", "model": {"name": "test"}, "train": {"phases": [{"epochs": 1}]}}
    return parse_parameters(needed, "test")


def picture(seed: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((64, 48), Image.Resampling.NEAREST)


def read(root: Path, batch: str, label: str, name: str, image: Image.Image | None, quality: int = 95) -> PhotoRow:
    path = f"data/{batch}/{label}/{name}.jpg"
    buffer = io.BytesIO(b"no photo")
    if image is not None:
        image.save(buffer, "JPEG", quality=quality)
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(buffer.getvalue())
    return read_photo(root, FoundFile(path, batch, label), PhotoLimits())


@pytest.fixture
def checkout(tmp_path: Path) -> Layout:
    """Two batches, the second pinned to the test side: good photos, copies, a blank one and one without bytes."""
    rows = [read(tmp_path, "one", "wall", f"{seed}", picture(seed)) for seed in range(4)]
    rows += [read(tmp_path, "one", "arch", f"{seed}", picture(seed)) for seed in range(10, 13)]
    rows.append(read(tmp_path, "one", "wall", "exact", picture(0)))
    rows.append(read(tmp_path, "one", "wall", "half", picture(1).resize((40, 33)), quality=80))
    rows.append(read(tmp_path, "one", "wall", "blank", Image.new("RGB", (64, 48), "grey")))
    rows.append(read(tmp_path, "one", "wall", "broken", None))
    rows += [read(tmp_path, "official", "arch", f"{seed}", picture(seed), quality=70) for seed in (12, 50)]
    layout = Layout(tmp_path)
    write_batches(layout.batches, [Batch("one", "", "0" * 64, 11), Batch("official", "test", "1" * 64, 2)])
    write_rows(layout.artifacts("validate") / "photos.parquet", PhotoRow, rows)
    return layout


def decisions(checkout: Layout) -> dict[str, str]:
    rows = read_rows(checkout.artifacts("clean") / "photos.parquet", CleanRow)
    return {
        row.path.removeprefix("data/").removesuffix(".jpg"): f"{row.decision} {row.reasons}".strip() for row in rows
    }


def test_the_tables_say_what_goes_and_why_and_the_figures_add_up(checkout: Layout) -> None:
    summary = clean.run(checkout, parameters())
    found = decisions(checkout)
    assert {name: words for name, words in found.items() if words != "keep"} == {
        "one/arch/12": "quarantine twin_of_pinned",
        "one/wall/blank": "quarantine blurred,colourless,low_information",
        "one/wall/broken": "quarantine unreadable",
        "one/wall/exact": "quarantine copy_of_kept",
        "one/wall/half": "quarantine copy_of_kept",
    }
    assert (summary.num_photos, summary.num_kept, summary.num_quarantined) == (13, 8, 5)
    assert summary.reasons == {
        "blurred": 1,
        "copy_of_kept": 2,
        "low_information": 1,
        "twin_of_pinned": 1,
        "unreadable": 1,
    }
    report = json.loads((checkout.reports("clean") / "summary.json").read_text())
    assert report["kept"] + report["quarantined"] == report["files"] == 13
    assert sum(one["kept"] + one["quarantined"] for one in report["by_class"].values()) == 13
    assert report["leaks_of_pinned"] == {"arch": {"photos": 2, "leaked": 1}}
    assert report["same_photo_pairs"] == len(
        read_rows(checkout.artifacts("clean") / "duplicates.parquet", DuplicateRow)
    )


def test_outputs_are_byte_equal_for_any_order_of_the_table(checkout: Layout) -> None:
    table = checkout.artifacts("validate") / "photos.parquet"
    clean.run(checkout, parameters())
    names = [
        checkout.artifacts("clean") / "photos.parquet",
        checkout.artifacts("clean") / "duplicates.parquet",
        checkout.reports("clean") / "summary.json",
    ]
    before = [name.read_bytes() for name in names]
    write_rows(table, PhotoRow, read_rows(table, PhotoRow)[::-1])
    clean.run(checkout, parameters())
    assert [name.read_bytes() for name in names] == before


def test_decisions_of_people_are_applied_and_strays_are_reported(checkout: Layout) -> None:
    rows = {row.path: row for row in read_rows(checkout.artifacts("validate") / "photos.parquet", PhotoRow)}
    checkout.decisions.parent.mkdir()
    checkout.decisions.write_text(
        "sha256,decision,label,reason,by\n"
        f"{rows['data/one/wall/blank.jpg'].sha256},keep,,a rendered wall,Ada\n"
        f"{rows['data/one/wall/2.jpg'].sha256},drop,,a selfie,Ada\n"
        f"{rows['data/one/wall/broken.jpg'].sha256},keep,,please,Ada\n"
        f"{'f' * 64},drop,,gone,Ada\n"
    )
    clean.run(checkout, parameters())
    found = decisions(checkout)
    assert found["one/wall/blank"] == "keep blurred,colourless,kept_by_person,low_information"
    assert found["one/wall/2"] == "quarantine dropped_by_person"
    report = json.loads((checkout.reports("clean") / "summary.json").read_text())
    assert [one["sha256"] for one in report["unmatched_decisions"]] == ["f" * 64]
    assert [one["reason"] for one in report["overruled_decisions"]] == ["please"]


def test_vectors_of_embed_give_scene_groups_and_an_empty_file_of_them_gives_none(checkout: Layout) -> None:
    folder = checkout.artifacts("embed")
    folder.mkdir(parents=True)
    np.savez(folder / "vectors.npz", paths=np.array([], dtype=np.str_), vectors=np.zeros((0, 0), np.float32))
    assert clean.read_vectors(folder / "vectors.npz") is None
    paths = ["data/one/wall/2.jpg", "data/one/wall/3.jpg", "data/one/arch/10.jpg"]
    vectors = np.array([[1, 0], [1, 0.1], [0, 1]], dtype=np.float32)
    np.savez(folder / "vectors.npz", paths=np.array(paths), vectors=vectors)
    clean.run(checkout, parameters())
    groups = {row.path: row.group for row in read_rows(checkout.artifacts("clean") / "photos.parquet", CleanRow)}
    assert groups[paths[0]] == groups[paths[1]] != ""
    assert groups[paths[2]] == ""
    report = json.loads((checkout.reports("clean") / "summary.json").read_text())
    assert (report["same_scene_pairs"], report["largest_group"]) == (1, 2)


def test_a_missing_table_of_validate_is_told_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        clean.run(Layout(tmp_path), parameters())


def test_decisions_that_match_nothing_are_told_on_the_console(checkout: Layout) -> None:
    write_decisions(checkout.decisions, [HumanDecision(f"{number:064x}", "drop") for number in range(7)])
    (warning,) = clean.run(checkout, parameters()).warnings
    assert warning.startswith(
        "lines of reviews/decisions.csv about photos that this run does not see: 7 (000000000000,"
    )
    assert warning.endswith(" and 2 more)")


def test_a_second_run_compares_nothing_again_and_writes_the_same(
    checkout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean.run(checkout, parameters())
    table = checkout.artifacts("clean") / clean.DUPLICATES
    first = table.read_bytes()

    def refuse(*_: object) -> None:
        raise AssertionError("nothing is new")

    monkeypatch.setattr(copies, "view_hashes", refuse)
    clean.run(checkout, parameters())
    assert table.read_bytes() == first


def test_a_damaged_record_of_comparisons_is_made_anew(checkout: Layout) -> None:
    clean.run(checkout, parameters())
    record = checkout.state / clean.COMPARISONS
    table = checkout.artifacts("clean") / clean.DUPLICATES
    written, first = record.read_bytes(), table.read_bytes()
    record.write_bytes(b"damaged")
    clean.run(checkout, parameters())
    assert table.read_bytes() == first
    assert len(record.read_bytes()) == len(written)


def test_suspects_are_listed_and_where_vectors_are_missing_the_summary_says_so(checkout: Layout) -> None:
    clean.run(checkout, parameters())
    summary = json.loads((checkout.reports("clean") / "summary.json").read_text())
    assert read_rows(checkout.artifacts("clean") / "suspects.parquet", SuspectRow) == []
    assert summary["suspects"] == {"outlier": 0, "label": 0}
    assert "`embed` made no vectors" in summary["suspects_note"]
    assert summary["signals"] == []
    lines = {line["rule"]: line for line in summary["quantiles"]}
    assert (lines["blurred"]["parameter"], lines["blurred"]["num_tripped"]) == ("min_sharpness", 1)


def test_so_many_suspects_that_the_vectors_must_be_wrong_are_told(
    checkout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean.run(checkout, parameters())
    rows = read_rows(checkout.artifacts("clean") / "photos.parquet", CleanRow)
    kept = [row.path for row in rows if row.decision == "keep"]
    many = [SuspectRow(path, "arch", "label", 0.9, "wall") for path in kept[: len(kept) // 5 + 1]]
    for suspects, is_told in ((many[:-1], False), (many, True)):
        monkeypatch.setattr(clean, "find_suspects", lambda *_, found=suspects: found)
        warnings = clean.run(checkout, parameters()).warnings
        assert any("hardly tells these classes" in warning for warning in warnings) == is_told
