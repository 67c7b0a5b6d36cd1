"""Bringing listed photos: fetched first, which may take hours, and then taken in as any folder is."""

import shutil
from pathlib import Path

from pipeline.core.locks import held_lock
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.intake.scraping.listed import fetch_listed
from pipeline.intake.scraping.network import Network
from pipeline.intake.scraping.scrape_report import ScrapeReport
from pipeline.intake.scraping.visiting import FetchLimits
from pipeline.intake.taking import IntakeResult, bring_photos, check_names


def bring_listed_photos(
    layout: Layout,
    table: Path,
    batch: str,
    side: str | None,
    parameters: Parameters,
    network: Network | None = None,
) -> tuple[IntakeResult, ScrapeReport]:
    """Fetch the photos of a table, take them in and version `data/`; runs may go on while photos are fetched.

    What was fetched is kept until it was taken in, so that the command can be repeated.

    Args:
        layout: the checkout.
        table: a `urls.csv`.
        batch: name of the new batch.
        side: `test` pins the batch to the test side.
        parameters: hosts that may be asked, and the size of a photo.
        network: the way out, for tests; none = the internet.

    Raises:
        PipelineError: see `fetch_listed` and `bring_photos`.
    """
    check_names(layout, batch, side)
    folder = layout.state / "intake" / "listed" / batch
    with held_lock(folder / ".lock", f"the fetching of batch {batch}"):
        limits = FetchLimits(max_bytes=parameters.validate_.max_bytes)
        report = fetch_listed(table, folder, parameters.intake, limits, network)
        result = bring_photos(layout, report.folder, batch, side)
        shutil.rmtree(report.folder)
    return result, report
