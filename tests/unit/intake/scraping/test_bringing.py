"""Listed photos on their way into `data/`."""

import csv
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from web_hosts import JPEG, PHOTOS, Web, photo, reply

from pipeline.core.errors import MachineError, ParameterError, ServingError
from pipeline.core.locks import held_lock
from pipeline.core.parameters import parse_parameters
from pipeline.core.paths import Layout
from pipeline.intake.scraping import bringing
from pipeline.intake.scraping.bringing import bring_listed_photos
from pipeline.intake.scraping.visiting import FetchLimits

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


def test_listed_photos_come_into_data_with_their_licence(layout: Layout, table: Path, web: Web) -> None:
    subprocess.run([sys.executable, "-m", "dvc", "init", "--no-scm", "-q"], cwd=layout.root, check=True)
    web.answers |= {
        f"{PHOTOS}/0.jpg": photo(),
        f"{PHOTOS}/1.jpg": photo(JPEG * 20),
        f"{PHOTOS}/2.jpg": reply(status=500),
    }
    with held_lock(layout.run_lock, "a run"), pytest.raises(MachineError, match="held by a run"):
        bring_listed_photos(layout, table, "scraped", None, PARAMETERS, web.network)
    web.answers[f"{PHOTOS}/0.jpg"] = reply(status=404)
    result, report = bring_listed_photos(layout, table, "scraped", None, PARAMETERS, web.network)
    assert [(taken.batch.batch, taken.batch.photos) for taken in result.taken] == [("scraped", 1)]
    assert [line.outcome for line in report.photos] == ["fetched before", "refused", "refused"]
    assert "more than 1000 bytes" in report.photos[1].reason
    with (layout.data / "scraped" / "photos.csv").open(newline="") as stream:
        (line,) = csv.DictReader(stream)
    assert (line["licence"], line["source"], line["url"]) == ("CC0", "a page", f"https://{PHOTOS}/0.jpg")
    assert (layout.root / "data.dvc").is_file()
    left = layout.state / "intake" / "listed" / "scraped"
    assert {path.name for path in left.iterdir()} == {".lock", "scrape-report.csv"}


@pytest.mark.parametrize("batch", ("../out", "a/b", ""))
def test_a_name_that_no_batch_can_have_is_refused_before_anything_is_fetched(
    layout: Layout, table: Path, web: Web, batch: str
) -> None:
    with pytest.raises(ParameterError, match="cannot be a batch's name"):
        bring_listed_photos(layout, table, batch, None, PARAMETERS, web.network)
    assert web.connected == []


def test_two_at_once_do_not_fetch_the_same(layout: Layout, table: Path, web: Web) -> None:
    with (
        held_lock(layout.state / "intake" / "listed" / "scraped" / ".lock", "another"),
        pytest.raises(MachineError, match="another"),
    ):
        bring_listed_photos(layout, table, "scraped", None, PARAMETERS, web.network)
    assert web.connected == []


def test_while_a_host_is_away_nothing_comes_into_data(layout: Layout, table: Path, web: Web) -> None:
    def lost(host: str) -> list[str]:
        raise OSError("network unreachable")

    with pytest.raises(ServingError, match="network unreachable"):
        bring_listed_photos(layout, table, "scraped", None, PARAMETERS, type(web.network)(resolve=lost))
    assert not layout.data.exists()
