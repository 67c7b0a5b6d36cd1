"""Bringing a batch by hand, whatever it is: photos, an archive of them, or a list of photos that are fetched first."""

import shutil
from pathlib import Path

from pipeline.core.locks import held_lock
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.intake.archives import unpacked
from pipeline.intake.scraping.listed import fetch_listed
from pipeline.intake.scraping.network import Network
from pipeline.intake.scraping.scrape_report import ScrapeReport
from pipeline.intake.scraping.url_table import url_table_of
from pipeline.intake.scraping.visiting import FetchLimits
from pipeline.intake.taking import IntakeResult, bring_photos, check_names
from serving.contract import PhotoLimits


def bring(
    layout: Layout,
    source: Path,
    batch: str,
    side: str | None,
    parameters: Parameters,
    network: Network | None = None,
) -> tuple[IntakeResult, ScrapeReport | None]:
    """Take a batch in and version `data/`; runs may go on while photos are unpacked or fetched.

    What was fetched is kept until it was taken in, so that the command can be repeated.

    Args:
        layout: the checkout.
        source: a folder, an archive or a `urls.csv`; the table may also come as a folder or an archive.
        batch: name of the new batch.
        side: `test` pins the batch to the test side.
        parameters: hosts that may be asked, and the size of a photo.
        network: the way out, for tests; none = the internet.

    Returns:
        What came in, and what became of listed photos, if it was a list.

    Raises:
        PipelineError: see `unpack`, `fetch_listed` and `bring_photos`.
    """
    check_names(layout, batch, side)
    limits = PhotoLimits(parameters.validate_.max_bytes, parameters.validate_.max_pixels)
    work = layout.state / "intake" / "arriving" / batch
    with held_lock(work / ".lock", f"the intake of batch {batch}"):
        archive = work / "unpacked"
        shutil.rmtree(archive, ignore_errors=True)  # of an archive that may be another by now
        try:
            table = url_table_of(source)
            near = source if table is not None else unpacked(source, archive)
            table = table or url_table_of(near)
            if table is None:
                return bring_photos(layout, near, batch, side, limits), None
            listed = work / "listed"
            report = fetch_listed(table, listed, parameters.intake, FetchLimits(max_bytes=limits.max_bytes), network)
        finally:
            shutil.rmtree(archive, ignore_errors=True)
        result = bring_photos(layout, report.folder, batch, side, limits)
        shutil.rmtree(report.folder)
    return result, report
