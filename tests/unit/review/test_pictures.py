import io
from pathlib import Path

from PIL import Image
from reviewed_runs import found, picture
from reviewed_tables import material, row

from pipeline.photos.listing import FoundFile
from pipeline.photos.reading import read_photo
from pipeline.photos.records import PhotoRow
from pipeline.review.cards import Card, cards_by_sha256
from pipeline.review.pictures import file_name, write_pictures
from serving.contract import PhotoLimits


def card(root: Path, name: str, image: Image.Image | None) -> Card:
    return shown(found(root, f"data/one/wall/{name}.jpg", "wall", image))


def shown(photo: PhotoRow) -> Card:
    rows = [row(photo.path.removeprefix("data/"), sha256=photo.sha256)]
    return cards_by_sha256(material(rows, photos=[photo]))[photo.sha256]


def test_pictures_are_small_and_carry_nothing_but_pixels(tmp_path: Path) -> None:
    large = picture(1).resize((900, 600))
    path = tmp_path / "data/one/wall/large.jpg"
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (41.0, 0.0, 0.0)}
    path.parent.mkdir(parents=True)
    large.save(path, exif=exif, comment=b"private")
    photo = read_photo(tmp_path, FoundFile("data/one/wall/large.jpg", "one", "wall"), PhotoLimits())
    taken = shown(photo)
    drawn = write_pictures(tmp_path, tmp_path / "pictures", [taken], PhotoLimits())
    assert drawn == {taken.sha256}
    with Image.open(tmp_path / "pictures" / file_name(taken.sha256)) as made:
        assert made.size == (256, 171)
        assert not made.getexif()
        assert "comment" not in made.info


def test_a_photo_that_is_gone_changed_or_unreadable_has_no_picture(tmp_path: Path) -> None:
    gone, changed = card(tmp_path, "gone", picture(1)), card(tmp_path, "changed", picture(2))
    broken = card(tmp_path, "broken", None)
    (tmp_path / gone.places[0]).unlink()
    buffer = io.BytesIO()
    picture(3).save(buffer, "JPEG")
    (tmp_path / changed.places[0]).write_bytes(buffer.getvalue())
    assert write_pictures(tmp_path, tmp_path / "pictures", [gone, changed, broken], PhotoLimits()) == set()
    assert list((tmp_path / "pictures").iterdir()) == []


def test_a_later_review_makes_the_new_ones_alone_and_removes_what_is_not_shown(tmp_path: Path) -> None:
    first, second = card(tmp_path, "first", picture(1)), card(tmp_path, "second", picture(2))
    folder = tmp_path / "pictures"
    write_pictures(tmp_path, folder, [first, second], PhotoLimits())
    (folder / file_name(first.sha256)).write_bytes(b"as it was")
    third = card(tmp_path, "third", picture(3))
    assert write_pictures(tmp_path, folder, [first, third], PhotoLimits()) == {first.sha256, third.sha256}
    assert (folder / file_name(first.sha256)).read_bytes() == b"as it was"
    assert not (folder / file_name(second.sha256)).exists()
