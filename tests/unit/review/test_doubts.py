from reported_runs import photo_row
from reviewed_tables import material, row

from pipeline.photos.records import SuspectRow
from pipeline.review.cards import cards_by_sha256
from pipeline.review.doubts import quality, suspects


def test_photos_nearest_to_the_threshold_come_first_each_under_its_first_rule() -> None:
    out = {"decision": "quarantine"}
    rows = [
        row("one/dark", reasons="dark", **out),
        row("one/darker", reasons="blurred,dark", **out),
        row("one/blurred", reasons="blurred", **out),
        row("one/kept", reasons="dark,kept_by_person"),
    ]
    photos = [
        photo_row("data/one/dark", "wall", brightness_high=0.14),
        photo_row("data/one/darker", "wall", brightness_high=0.02),
    ]
    given = material(rows, photos=photos)
    section = quality(given, cards_by_sha256(given))
    assert [(item.photos[0], item.title) for item in section.items] == [
        (rows[0].sha256, "dark"),
        (rows[1].sha256, "dark"),
        (rows[2].sha256, "blurred"),
    ]
    assert section.items[0].notes == {rows[0].sha256: "brightest 0.14"}
    assert section.meanings["dark"].startswith("Hardly a pixel is brighter than")


def test_suspects_come_most_suspect_first_with_what_fits_better() -> None:
    rows = [row("one/a"), row("one/b")]
    found = [
        SuspectRow("data/one/a", "wall", "outlier", 0.5, ""),
        SuspectRow("data/one/b", "wall", "label", 0.9, "arch"),
        SuspectRow("data/one/gone", "wall", "label", 1.0, "arch"),
    ]
    items = suspects(material(rows, suspects=found)).items
    assert [(item.title, item.suggested) for item in items] == [("label in doubt", "arch"), ("outlier", "")]
    assert items[0].notes == {rows[1].sha256: "arch fits better (score 0.90)"}
