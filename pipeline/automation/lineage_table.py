"""What people see of a lineage."""

from rich.markup import escape
from rich.table import Table

from pipeline.automation.lineage import Lineage

_UNKNOWN = "not known"


def lineage_tables(found: Lineage) -> tuple[Table, Table]:
    """The way back from a version as a table of facts, and its batches."""
    facts = Table(show_header=False, box=None)
    serving = "serves now" if found.serves else "does not serve"
    since = f", last from {found.since} on, by {found.who or 'nobody named'}" if found.since else ", and never did"
    run = f"{found.run_id} {found.page}".strip()
    for name, value in (
        ("version", f"{found.model} {found.version}, which {serving}{since}"),
        ("gate", found.gate),
        ("model", found.manifest),
        ("run", run),
        ("commit", found.commit),
        ("photos", found.data_hash),
    ):
        facts.add_row(name, escape(value) or _UNKNOWN)
    batches = Table("batch", "photos", "pinned to", "taken in", "from")
    for batch in found.batches:
        brought = batch.source or ("by hand" if batch.taken_at else _UNKNOWN)
        batches.add_row(batch.batch, f"{batch.photos:,}", batch.side, batch.taken_at or _UNKNOWN, escape(brought))
    return facts, batches
