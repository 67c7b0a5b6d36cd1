"""Batches brought by hand: folders, archives, and lists of photos that are fetched first."""

import csv
import tarfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from web_hosts import JPEG, PHOTOS, Web, photo, reply

from pipeline.core.errors import DataError, MachineError, ParameterError, ServingError
from pipeline.core.locks import held_lock
from pipeline.core.parameters import parse_parameters
from pipeline.core.paths import Layout
from pipeline.intake import taking
from pipeline.intake.scraping import bringing
from pipeline.intake.scraping.bringing import bring
from pipeline.intake.scraping.visiting import FetchLimits
from pipeline.photos.batches import read_batches

PARAMETERS = parse_parameters(
    {
        "recipe": "demo",
        "model": {"name": "tiny"},
        "validate": {"max_bytes": 1000},
        "intake": {"hosts": [PHOTOS], "seconds_between_requests": 0},
        "train": {"backbone": "residual_small", "phases": [{"epochs": 1, "unfreeze_from": 0}]},
    },
    "a test",
)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    root = tmp_path / "checkout"
    root.mkdir()
    return Layout(root)


@pytest.fixture(autouse=True)
def _second_askings_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bringing, "FetchLimits", partial(FetchLimits, seconds_before_retry=0.0))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "istanbul.csv"
    lines = ("url,label,source,licence", *(f"https://{PHOTOS}/{number}.jpg,dome,a page,CC0" for number in range(3)))
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(autouse=True)
def versions(monkeypatch: pytest.MonkeyPatch) -> list[Layout]:
    """The checkouts whose `data/` was versioned; DVC itself takes its time."""
    versioned: list[Layout] = []
    monkeypatch.setattr(taking, "add_data", versioned.append)
    return versioned


def left_behind(layout: Layout, batch: str) -> list[str]:
    place = layout.state / "intake" / "arriving" / batch
    return sorted(path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())


def test_listed_photos_come_into_data_with_their_licence(
    layout: Layout, table: Path, web: Web, versions: list[Layout]
) -> None:
    web.answers |= {
        f"{PHOTOS}/0.jpg": photo(),
        f"{PHOTOS}/1.jpg": photo(JPEG * 20),
        f"{PHOTOS}/2.jpg": reply(status=500),
    }
    with held_lock(layout.run_lock, "a run"), pytest.raises(MachineError, match="held by a run"):
        bring(layout, table, "scraped", None, PARAMETERS, web.network)
    web.answers[f"{PHOTOS}/0.jpg"] = reply(status=404)
    result, report = bring(layout, table, "scraped", None, PARAMETERS, web.network)
    assert [(taken.batch.batch, taken.batch.photos) for taken in result.taken] == [("scraped", 1)]
    assert report is not None
    assert [line.outcome for line in report.photos] == ["fetched before", "refused", "refused"]
    assert "more than 1000 bytes" in report.photos[1].reason
    with (layout.data / "scraped" / "photos.csv").open(newline="") as stream:
        (line,) = csv.DictReader(stream)
    assert (line["licence"], line["source"], line["url"]) == ("CC0", "a page", f"https://{PHOTOS}/0.jpg")
    assert versions == [layout]
    assert left_behind(layout, "scraped") == [".lock", "listed/scrape-report.csv"]


@pytest.mark.parametrize("batch", ("../out", "a/b", ""))
def test_a_name_that_no_batch_can_have_is_refused_before_anything_is_fetched(
    layout: Layout, table: Path, web: Web, batch: str
) -> None:
    with pytest.raises(ParameterError, match="cannot be a batch's name"):
        bring(layout, table, batch, None, PARAMETERS, web.network)
    assert web.connected == []


def test_two_at_once_do_not_fetch_the_same(layout: Layout, table: Path, web: Web) -> None:
    with (
        held_lock(layout.state / "intake" / "arriving" / "scraped" / ".lock", "another"),
        pytest.raises(MachineError, match="another"),
    ):
        bring(layout, table, "scraped", None, PARAMETERS, web.network)
    assert web.connected == []


def test_while_a_host_is_away_nothing_comes_into_data(layout: Layout, table: Path, web: Web) -> None:
    def lost(host: str) -> list[str]:
        raise OSError("network unreachable")

    with pytest.raises(ServingError, match="network unreachable"):
        bring(layout, table, "scraped", None, PARAMETERS, type(web.network)(resolve=lost))
    assert not layout.data.exists()


def packed_as_tar(folder: Path, archive: Path) -> Path:
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, "wrapper")
    return archive


def packed_as_zip(folder: Path, archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(folder.rglob("*")):
            packed.write(path, path.relative_to(folder))
    return archive


Pack = Callable[[Path, Path], Path]


@pytest.mark.parametrize("pack", (packed_as_tar, packed_as_zip))
def test_an_archive_gives_the_same_batch_as_its_folder(layout: Layout, tmp_path: Path, pack: Pack) -> None:
    for label in ("arch", "vault"):
        (tmp_path / "source" / label).mkdir(parents=True)
        (tmp_path / "source" / label / "1.jpg").write_text(label)
    bring(layout, tmp_path / "source", "summer", None, PARAMETERS)
    again, _ = bring(layout, pack(tmp_path / "source", tmp_path / "photos.bin"), "from-archive", None, PARAMETERS)
    assert [(taken.batch.batch, taken.is_new) for taken in again.taken] == [("summer", False)]
    assert [batch.batch for batch in read_batches(layout.batches)] == ["summer"]


def test_an_archive_that_is_refused_leaves_nothing(layout: Layout, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "photos.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("arch/1.jpg"))
        tar.addfile(tarfile.TarInfo("../escaped.jpg"))
    with pytest.raises(DataError, match="leaves the archive"):
        bring(layout, tmp_path / "photos.tar", "summer", None, PARAMETERS)
    assert left_behind(layout, "summer") == [".lock"]
    assert not layout.data.exists()


def test_a_list_may_come_in_an_archive(layout: Layout, table: Path, tmp_path: Path, web: Web) -> None:
    web.answers[f"{PHOTOS}/0.jpg"] = photo()
    (tmp_path / "source").mkdir()
    table.rename(tmp_path / "source" / "urls.csv")
    archive = packed_as_tar(tmp_path / "source", tmp_path / "list.tgz")
    result, report = bring(layout, archive, "scraped", None, PARAMETERS, web.network)
    assert [taken.batch.photos for taken in result.taken] == [1]
    assert report is not None
    assert len(report.photos) == 3
    assert left_behind(layout, "scraped") == [".lock", "listed/scrape-report.csv"]
