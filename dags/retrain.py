"""Retrain on the photos that have come, and let the gate judge the result.

**Starts** on Mondays at four (UTC), and when a batch with labelled photos was taken in. One run at a time: batches
that come during a training wait for the next run, which takes all of them; a run that finds nothing new ends at `pin`.
By hand: `make retrain`, or here.

**Backfill**: with `batch`, the run sees the photos as of the intake of that batch. Trigger one run for each batch,
oldest first, here or by `airflow dags trigger retrain --conf '{"batch": "<name>"}'`; they wait for one another. Such a
run releases nothing, unless `release` says so.

**Works** in its own clone, `.heritage/automation/retrain`, at a pinned commit; DVC skips stages whose inputs are
unchanged. `train` waits for the one slot of the pool `training`, so that one training holds one GPU.

**Ends** with an update of `registered_model`, which starts `release`. Where code, parameters and photos came to a model
that `release` had before, such as after a change of the documents alone, `announce` is skipped and says so.

**Red at `refused`** is the gate's answer: the model is worse than what serves, or misses a floor. The task's log and
the report show each rule. **Red at `push`** concerns the copies in git alone: the release goes on. Any other red is a
fault.
"""

import logging
from datetime import timedelta
from typing import Any

from airflow.sdk import (
    AssetOrTimeSchedule,
    CronTriggerTimetable,
    Param,
    chain,
    dag,
    get_current_context,
    task,
)
from airflow.sdk.exceptions import AirflowSkipException

from heritage.alerts import REFUSAL, AlreadyTold, notify
from heritage.assets import LABELLED_PHOTOS, REGISTERED_MODEL
from heritage.commands import REFUSED, CommandRefused, answer_of, run, run_stage
from heritage.defaults import OPTIONAL_NAME, RUNS, TRAINING
from heritage.places import CLONE
from heritage.verdict import REPORT, in_words

STAGES = ("validate", "embed", "clean", "split", "augment", "train", "export", "evaluate")
MONDAYS_AT_FOUR = "0 4 * * 1"

log = logging.getLogger(__name__)


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable(MONDAYS_AT_FOUR, timezone="UTC"), assets=[LABELLED_PHOTOS]
    ),
    params={
        "batch": Param(
            "",
            type="string",
            pattern=OPTIONAL_NAME,
            title="Batch",
            description="the photos as of the intake of this batch; empty = all photos",
        ),
        "release": Param(
            None,
            type=["null", "boolean"],
            title="Release",
            description="let a model that passes serve; empty = yes, unless a batch is named",
        ),
    },
    doc_md=__doc__,
    **RUNS,
)
def retrain() -> None:
    """Run the stages whose inputs changed, and judge the candidate."""
    recorded, judged, registered = record(), gate(), register()
    chain(pin(), *(stage(name) for name in STAGES), recorded, track(), judged)
    chain(recorded, push())
    chain(judged, registered, finish())
    chain(judged, refused())
    announce(registered)


@task.short_circuit(execution_timeout=timedelta(hours=2))
def pin() -> dict[str, Any] | None:
    """`pipeline pin`: brings the clone to the newest code and photos; ends the run where a run has judged them."""
    batch: str = get_current_context()["params"]["batch"]
    pinned: dict[str, Any] = answer_of("pin", *(["--batch", batch] if batch else []))
    if pinned["is_new"]:
        return pinned
    log.info("nothing to do: code, parameters and photos are those of the last run that came to an end")
    return None


def stage(name: str) -> Any:
    """A stage through DVC, which skips it when nothing that it reads has changed."""
    place = {"pool": TRAINING, "queue": "gpu"} if name == "train" else {}

    @task(task_id=name, doc_md=f"`dvc repro --single-item {name}`", execution_timeout=timedelta(hours=12), **place)
    def through_dvc() -> None:
        run_stage(name)

    return through_dvc()


@task
def record() -> dict[str, str]:
    """`pipeline record`: commits `dvc.lock`, so that the run can be brought back by its commit."""
    recorded: dict[str, str] = answer_of("record", folder=CLONE)
    return recorded


@task(execution_timeout=timedelta(hours=2))
def push() -> None:
    """`pipeline push`: the branches go into the checkout and to the remotes; nothing waits for it."""
    run("push")


@task
def track() -> None:
    """`pipeline track`: logs the run to MLflow."""
    run("track", folder=CLONE)


@task.branch
def gate() -> str | None:
    """`pipeline gate`: scores the candidate and the model that serves; then `register`, `refused`, or neither."""
    try:
        run("gate", folder=CLONE)
    except CommandRefused as refusal:
        if refusal.exit_code == REFUSED:
            return "refused"
        raise
    asked = get_current_context()["params"]
    if asked["release"] if asked["release"] is not None else not asked["batch"]:
        return "register"
    log.info("passed; this run was not asked to release")
    return None


@task
def register() -> dict[str, Any]:
    """`pipeline register`: the candidate becomes a version of the registered model."""
    registered: dict[str, Any] = answer_of("register", folder=CLONE)
    return registered


@task(outlets=[REGISTERED_MODEL])
def announce(registered: dict[str, Any]) -> None:
    """Updates `registered_model`, but for a version that served before, or was to: withdrawn ones stay so."""
    if registered["tried"]:
        name = f"{registered['model']} version {registered['version']}"
        raise AirflowSkipException(f"the same work is {name}, which `release` had before; by hand it can have it again")
    verdict, rules = in_words()
    extra = {**registered, "verdict": verdict, "rules": rules}
    get_current_context()["outlet_events"][REGISTERED_MODEL].extra = extra


@task
def finish() -> None:
    """`pipeline finish`: notes that these photos and this code were judged, so that no run does it again."""
    run("finish", folder=CLONE)


@task(retries=0)
def refused() -> None:
    """The gate's refusal: the rules in words, an alert, and a red end that is not tried again."""
    verdict, rules = in_words()
    grounds = "\n".join(rules)
    log.error("%s\n%s", verdict, grounds)
    run_id = get_current_context()["run_id"]
    notify(REFUSAL, f"a model was not let through: {verdict} ({run_id})", grounds, str(REPORT))
    run("finish", folder=CLONE)
    raise AlreadyTold(f"the gate's verdict: {verdict}\n{grounds}\nreport: {REPORT}")


retrain()
