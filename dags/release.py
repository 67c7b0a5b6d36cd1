"""Let a registered version serve.

**Starts** when `retrain` registered a version that the gate let through. By hand: with `model` and `version`.

**Works** so: where `release.approval` of the parameters is `human`, a person must approve first, under *Required
Actions*; the run waits for two weeks and holds no worker. Then the version is published, loaded as a canary, checked
over gRPC, and serves. Several versions go one after the other, the newest last.

**Ends** with an update of `served_model`, or at `rejected`, which is a person's decision.

**Red** means that the version does not serve; what served before serves on.
"""

import logging
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLBranchOperator
from airflow.sdk import Param, TriggerRule, chain, dag, get_current_context, task, task_group
from heritage.assets import REGISTERED_MODEL, SERVED_MODEL
from heritage.commands import run
from heritage.defaults import RUNS

VERSION_NAME = "{{ task.op_kwargs['candidate']['model'] }} {{ task.op_kwargs['candidate']['version'] }}"
ASKED = "ti.xcom_pull(task_ids='let_serve.question', map_indexes=ti.map_index)"
APPROVE, REJECT = "Approve", "Reject"

log = logging.getLogger(__name__)


@dag(
    schedule=[REGISTERED_MODEL],
    params={
        "model": Param(
            "", type="string", pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*)?$", title="Model", description="for a run by hand"
        ),
        "version": Param(None, type=["null", "integer"], minimum=1, title="Version", description="for a run by hand"),
    },
    doc_md=__doc__,
    **RUNS,
)
def release() -> None:
    """Approve where it is asked for, then promote."""
    let_serve.expand(candidate=candidates())


@task
def candidates() -> list[dict[str, Any]]:
    """The versions that were registered since the last run, oldest first; or the one that was named by hand."""
    context = get_current_context()
    asked = context["params"]
    if asked["model"] and asked["version"]:
        return [{"model": asked["model"], "version": asked["version"], "approval": "automatic"}]
    events = context["triggering_asset_events"].get(REGISTERED_MODEL, [])
    registered = {(event.extra["model"], int(event.extra["version"])): event.extra for event in events}
    return [registered[key] for key in sorted(registered)]


@task_group
def let_serve(candidate: dict[str, Any]) -> None:
    """One version."""
    approve = HITLBranchOperator(
        task_id="approve",
        subject=f"{{{{ {ASKED}['subject'] }}}}",
        body=f"{{{{ {ASKED}['body'] }}}}",
        options=[APPROVE, REJECT],
        options_mapping={APPROVE: "let_serve.promote", REJECT: "let_serve.rejected"},
        response_timeout=timedelta(days=14),
        execution_timeout=None,  # of the wait, not of the task: see response_timeout
        doc_md="A person's answer under *Required Actions*; while it waits, no worker is held.",
    )
    decided, promoted = question(candidate), promote(candidate)
    chain(decided, approval_wanted(candidate), [approve, promoted])
    chain(approve, [promoted, rejected(candidate)])


@task(map_index_template=VERSION_NAME)
def question(candidate: dict[str, Any]) -> dict[str, str]:
    """What a person is asked: the version, the gate's rules, and where to look."""
    name = f"{candidate['model']} version {candidate['version']}"
    facts = {
        "MLflow run": candidate.get("run_id"),
        "commit": candidate.get("commit"),
        "photos": candidate.get("data_hash"),
        "batches": ", ".join(candidate.get("batches", [])),
        "gate": candidate.get("verdict"),
    }
    lines = [*(f"- {fact}: {value}" for fact, value in facts.items() if value), "", *candidate.get("rules", [])]
    return {"subject": f"Let {name} serve?", "body": "\n".join(lines)}


@task.branch(map_index_template=VERSION_NAME)
def approval_wanted(candidate: dict[str, Any]) -> str:
    """To a person where the version's parameters want one, else straight on."""
    return "let_serve.approve" if candidate["approval"] == "human" else "let_serve.promote"


@task(
    map_index_template=VERSION_NAME,
    max_active_tis_per_dagrun=1,
    trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
    outlets=[SERVED_MODEL],
)
def promote(candidate: dict[str, Any]) -> None:
    """`pipeline promote`: canary, checks, then the version serves."""
    model, version = candidate["model"], candidate["version"]
    run("promote", "--model", model, "--version", str(version))
    get_current_context()["outlet_events"][SERVED_MODEL].extra = {"model": model, "version": version}


@task(map_index_template=VERSION_NAME, retries=0)
def rejected(candidate: dict[str, Any]) -> None:
    """A person said no; what served before serves on."""
    log.info("%s version %s was rejected, and does not serve", candidate["model"], candidate["version"])


release()
