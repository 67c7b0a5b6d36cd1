"""`urls.csv`: what it may hold, and all that is wrong with it at once."""

import re
from pathlib import Path

import pytest

from pipeline.core.errors import DataError
from pipeline.intake.scraping import url_table
from pipeline.intake.scraping.url_table import ListedPhoto, read_url_table, url_table_of


def table(folder: Path, text: str | bytes) -> Path:
    path = folder / "urls.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_table_may_come_in_any_order_with_other_columns(tmp_path: Path) -> None:
    text = (
        "\ufeffLicense,note,URL,class,source,author\r\n"
        'CC0,x, https://a.example/1 ,dome,https://a.example/page,"Balyan,\n Sarkis"\r\n'
        "\r\n"
        "CC BY 4.0,,https://a.example/2\r\n"
    )
    assert read_url_table(table(tmp_path, text)) == [
        ListedPhoto(3, "https://a.example/1", "dome", "https://a.example/page", "CC0", "Balyan, Sarkis"),
        ListedPhoto(5, "https://a.example/2", licence="CC BY 4.0"),
    ]


def test_every_line_that_is_wrong_is_named_at_once(tmp_path: Path) -> None:
    lines = (
        "url,label,licence",
        "https://a.example/1,dome,CC0",
        ",dome,CC0",
        "https://a.example/2,dome;arch,CC0",
        "https://a.example/1,arch,CC0",
        "https://a.example/3,dome,CC0,more",
        "https://a.example/4,photos,CC0",
        "https://a.example/5,../etc,CC0",
        "https://a.example/6,_masks,CC0",
        f"https://a.example/7,{'d' * 201},CC0",
    )
    with pytest.raises(DataError) as caught:
        read_url_table(table(tmp_path, "\n".join(lines)))
    said = caught.value.came
    assert "8 problems" in said
    assert sorted(map(int, re.findall(r"line (\d+)", said))) == list(range(3, 11))
    assert said.count("many-label") == 3


def test_of_many_problems_the_first_are_shown(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"200 problems(.|\n)*line 21 has no address\n  - and 180 more"):
        read_url_table(table(tmp_path, "url,licence\n" + ",CC0\n" * 200))


@pytest.mark.parametrize(
    ("text", "said"),
    (
        ("", "none"),
        ("url;licence\nhttps://a.example/1;CC0", "columns url;licence"),
        ("url,label\nhttps://a.example/1,dome", "columns url, label"),
        ("url,licence,license\n", "columns url, licence, licence"),
        ("url,licence\n", "lists 0 photos"),
        ("url,licence\n\n,\n", "lists 0 photos"),
        ("ürl,licence".encode("latin-1"), "cannot be read"),
        ("url,licence\n" + "x" * 200_000 + ",CC0", "cannot be read: field larger"),
    ),
)
def test_what_is_no_such_table_is_refused(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_url_table(table(tmp_path, text))


def test_a_table_of_too_many_photos_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(url_table, "MAX_LISTED", 2)
    with pytest.raises(DataError, match="lists 3 photos"):
        read_url_table(table(tmp_path, "url,licence\n" + "https://a.example/1,CC0\n" * 3))


def test_a_source_is_a_table_or_a_folder_that_holds_one(tmp_path: Path) -> None:
    given = table(tmp_path, "url,licence\n")
    (tmp_path / "README.txt").write_text("how these were chosen")
    assert url_table_of(given) == given
    assert url_table_of(tmp_path) == given
    (tmp_path / "photos").mkdir()
    assert url_table_of(tmp_path / "photos") is None
    (tmp_path / "photos.tar").write_bytes(b"")
    assert url_table_of(tmp_path / "photos.tar") is None
    assert url_table_of(tmp_path / "absent.csv") is None


def test_a_folder_that_only_wraps_is_looked_into(tmp_path: Path) -> None:
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "outer" / "inner").mkdir(parents=True)
    given = table(tmp_path / "outer" / "inner", "url,licence\n")
    assert url_table_of(tmp_path) == given


def test_notes_beside_the_folder_that_wraps_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    given = table(tmp_path / "inner", "url,licence\n")
    for name in ("_COMPLETE", "README.txt"):
        (tmp_path / name).touch()
    assert url_table_of(tmp_path) == given


@pytest.mark.parametrize("beside", ("1.jpg", "photos.csv", "intact/1.jpg"))
def test_photos_beside_a_folder_with_a_table_are_what_the_batch_is(tmp_path: Path, beside: str) -> None:
    (tmp_path / "crack").mkdir()
    table(tmp_path / "crack", "url,licence\n")
    (tmp_path / beside).parent.mkdir(exist_ok=True)
    (tmp_path / beside).write_text("x")
    assert url_table_of(tmp_path) is None


def test_a_link_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "urls.csv").symlink_to("/etc/hostname")
    assert url_table_of(tmp_path) is None


@pytest.mark.parametrize("other", ("dome/1.jpg", "photos.csv", "labels.csv"))
def test_photos_and_tables_beside_it_are_refused(tmp_path: Path, other: str) -> None:
    table(tmp_path, "url,licence\n")
    (tmp_path / other).parent.mkdir(exist_ok=True)
    (tmp_path / other).write_text("x")
    with pytest.raises(DataError, match=f"urls.csv and {other}"):
        url_table_of(tmp_path)
