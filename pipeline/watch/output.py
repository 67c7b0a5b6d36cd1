"""What a watch leaves in `reports/watch/<model>/`: the page, the list, and the photos ready to be labelled."""

import csv
import io
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.core.tables import write_text
from pipeline.intake.sources import is_seen
from pipeline.photos.listing import UNLABELLED
from pipeline.watch.findings import Findings
from pipeline.watch.page import page_of
from pipeline.watch.ranking import Candidate

PAGE = "index.html"
TABLE = "label_next.csv"
FOLDER = "label_next"

_COLUMNS = ("rank", "file", "sha256", "predicted", "probability", "lead", "times_asked", "data_path")
_NAMED_DIGITS = 12


def write_output(
    findings: Findings, classes: Sequence[str], layout: Layout, parameters: Parameters, now: datetime
) -> Path:
    """Write page, list and folder; a folder in which somebody has begun to sort photos is left as it is.

    Args:
        findings: of one version.
        classes: that the model knows, in class order.
        layout: of the checkout.
        parameters: limits, for the page.
        now: for the page.

    Returns:
        The page's path.
    """
    place = layout.reports("watch") / findings.served.model
    place.mkdir(mode=0o700, parents=True, exist_ok=True)  # as private as the photos that the server keeps
    names = [
        f"{rank:03d}-{one.row.sha256[:_NAMED_DIGITS]}{one.location.suffix.lower()}"
        for rank, one in enumerate(findings.label_next, start=1)
    ]
    if _is_being_sorted(place / FOLDER):
        note = f"{place / FOLDER} holds photos that somebody has sorted, and was left as it is; move it into the inbox"
        findings = replace(findings, notes=(*findings.notes, note))
    else:
        _write_folder(place / FOLDER, findings.label_next, names, classes)
    write_text(place / TABLE, _table(findings.label_next, names))
    write_text(place / PAGE, page_of(findings, classes, names, parameters, now))
    return place / PAGE


def _is_being_sorted(folder: Path) -> bool:
    """Whether it holds a photo elsewhere than among the unsorted ones; files of file managers do not count."""
    files = (path for path in folder.rglob("*") if path.is_file() and is_seen(path.name))
    return any(path.parent != folder / UNLABELLED for path in files)


def _write_folder(folder: Path, chosen: Sequence[Candidate], names: Sequence[str], classes: Sequence[str]) -> None:
    """Copies, not links: what the server keeps makes room for other photos."""
    shutil.rmtree(folder, ignore_errors=True)
    if not chosen:
        return
    for name in (UNLABELLED, *classes):
        (folder / name).mkdir(parents=True)
    for one, name in zip(chosen, names, strict=True):
        shutil.copyfile(one.location, folder / UNLABELLED / name)


def _table(chosen: Sequence[Candidate], names: Sequence[str]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for rank, (one, name) in enumerate(zip(chosen, names, strict=True), start=1):
        answer = (one.prediction.predicted, f"{one.probability:.4f}", f"{one.lead:.4f}")
        writer.writerow((rank, name, one.row.sha256, *answer, one.times, "" if one.times else one.row.path))
    return text.getvalue()
