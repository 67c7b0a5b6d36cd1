"""Take batches of the inbox in, oldest first, two at a time: while photos of one are fetched, another comes in.

**Starts** when complete batches wait in the inbox folder or below the S3 prefix: a watcher looks every 15 seconds and
holds no worker. By hand: with `source`, that folder, archive or `s3://` address of an inbox is taken in;
without, all that wait.

**Ends** with an update of `labelled_photos` for each batch that the next training sees, which starts `retrain`.

**Red** means that a batch was not taken in, and the others were. A batch that is bad lies in the inbox under
`_quarantine`, with a report that says why; mend it and drop it again. A batch that nobody is to blame for (the disk is
full, S3 is away) is tried three times, and again half an hour later for as long as it waits.
"""

from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task, task_group
from airflow.sdk.exceptions import AirflowSkipException

from heritage.alerts import AlreadyTold
from heritage.assets import INBOX, LABELLED_PHOTOS
from heritage.commands import DATA, CommandRefused, answer_of
from heritage.defaults import RUNS

BATCH = "{{ batch_name }}"
PUT_ASIDE = "was put aside"
"""In what `pipeline take` says of a batch of which it has sent an alert."""
AT_A_TIME = 2


@dag(
    schedule=[INBOX],
    params={
        "source": Param(
            "", type="string", title="Source", description="as `pipeline inbox` calls a batch; empty = all that wait"
        )
    },
    doc_md=__doc__,
    **{**RUNS, "max_active_runs": AT_A_TIME},
)
def intake() -> None:
    """Take in what waits."""
    take_in.expand(batch=find())


@task
def find() -> list[dict[str, str]]:
    """`pipeline inbox`: the complete batches that wait, oldest first; or the one that `source` names."""
    source: str = get_current_context()["params"]["source"]
    if source:
        return [{"batch": PurePosixPath(source.rstrip("/")).name, "source": source}]
    waiting: list[dict[str, str]] = answer_of("inbox")
    return waiting


@task_group
def take_in(batch: dict[str, str]) -> None:
    """One batch."""
    announce(batch, take(batch))


@task(map_index_template=BATCH, max_active_tis_per_dag=AT_A_TIME, execution_timeout=timedelta(hours=6))
def take(batch: dict[str, str]) -> dict[str, Any]:
    """`pipeline take`: the batch goes into the photos clone and a commit; a bad one into quarantine, with an alert."""
    _shown_as(batch)
    try:
        taken: dict[str, Any] = answer_of("take", batch["source"])
    except CommandRefused as refusal:
        if refusal.exit_code == DATA and PUT_ASIDE in str(refusal):
            raise AlreadyTold(str(refusal)) from refusal
        raise
    return taken


@task(map_index_template=BATCH, outlets=[LABELLED_PHOTOS])
def announce(batch: dict[str, str], taken: dict[str, Any]) -> None:
    """Updates `labelled_photos` where the batch is new and the next training sees labelled photos of it."""
    _shown_as(batch)
    if not taken["is_new"]:
        raise AirflowSkipException(f"{batch['batch']} was taken in before")
    if not taken["trains"]:
        raise AirflowSkipException(f"training sees no labelled photo of {batch['batch']}; its intake says why")
    extra = {name: taken[name] for name in ("batch", "commit", "data_hash", "photos")}
    get_current_context()["outlet_events"][LABELLED_PHOTOS].extra = extra


def _shown_as(batch: dict[str, str]) -> None:
    """Let Airflow's page call a mapped task by its batch."""
    get_current_context()["batch_name"] = batch["batch"]


intake()
