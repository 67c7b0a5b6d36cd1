"""What became of each line of a `urls.csv`."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pipeline.core.tables import write_text
from pipeline.intake.scraping.url_table import ListedPhoto

SCRAPE_REPORT = "scrape-report.csv"

_COLUMNS = ("url", "label", "source", "licence", "author", "outcome", "reason", "path", "bytes", "sha256", "line")
_NUM_SHOWN = 5


class Outcome(StrEnum):
    """What became of a photo."""

    FETCHED = "fetched"
    KEPT = "fetched before"
    REFUSED = "refused"
    """For good: it is not asked for again unless the table or the parameters change."""
    AWAY = "host away"
    """It is asked for at the next try."""


@dataclass(frozen=True, slots=True)
class ScrapedPhoto:
    """A line of the report."""

    listed: ListedPhoto
    outcome: Outcome
    reason: str = ""
    """Why it was not fetched, in one line; what is the photo's own comes after a colon."""
    path: str = ""
    """POSIX path from the folder of the report."""
    num_bytes: int = 0
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class ScrapeReport:
    """What a table brought."""

    folder: Path
    """What was fetched, as a batch: photos by label, and `photos.csv`."""
    photos: tuple[ScrapedPhoto, ...]
    """All lines, in the order of the table."""

    @property
    def here(self) -> list[ScrapedPhoto]:
        """Photos that were fetched, now or before."""
        return [photo for photo in self.photos if photo.path]

    def with_outcome(self, outcome: Outcome) -> list[ScrapedPhoto]:
        """Photos of which this became."""
        return [photo for photo in self.photos if photo.outcome is outcome]

    def in_words(self) -> str:
        """One line: how many photos are here, and why the others are not."""
        absent = [photo for photo in self.photos if not photo.path]
        said = f"{len(self.here)} of {len(self.photos)} listed photos are here"
        return f"{said}; not fetched: {reasons_in_words(absent)}" if absent else said


def reasons_in_words(photos: Sequence[ScrapedPhoto]) -> str:
    """The reasons with their numbers, the most frequent first, each with an example."""
    example: dict[str, str] = {}
    counted = Counter(photo.reason.partition(": ")[0] for photo in photos)
    for photo in photos:
        example.setdefault(photo.reason.partition(": ")[0], photo.reason)
    named = [f"{number} x {example[reason]}" for reason, number in counted.most_common(_NUM_SHOWN)]
    return "; ".join(named) + (" ..." if len(counted) > _NUM_SHOWN else "")


def write_scrape_report(path: Path, report: ScrapeReport) -> None:
    """Write a report as CSV; it begins with the columns of `urls.csv`, so that lines of it can be listed again."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for photo in report.photos:
        listed = photo.listed
        writer.writerow(
            (
                *(listed.url, listed.label, listed.source, listed.licence, listed.author),
                *(photo.outcome, photo.reason, photo.path, photo.num_bytes or "", photo.sha256, listed.line),
            )
        )
    write_text(path, text.getvalue())
