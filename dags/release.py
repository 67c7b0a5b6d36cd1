"""Let a registered version serve.

**Starts** when `retrain` registered a version that the gate let through. By hand: with `model` and `version`.

**Works** so: where `release.approval` of the parameters is `human`, a person must approve first, under *Required
Actions*; the run waits for two weeks and holds no worker. Then the version is published, loaded as a canary, checked
over gRPC, and serves. Each version has a run and a question of its own; promotions wait for one another and for
`rollback`. Whatever was approved late, or waited long, is left out where a newer version serves by then.

**Ends** with an update of `served_model`, at `rejected`, which is a person's decision, or with `promote` left out: its
log names the newer version.

**Red** means that the version does not serve; what served before serves on.
"""

import logging
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Context, Param, TriggerRule, chain, dag, get_current_context, task, task_group
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from heritage.alerts import APPROVAL, notify
from heritage.assets import REGISTERED_MODEL, SERVED_MODEL
from heritage.commands import answer_of
from heritage.defaults import OPTIONAL_NAME, RELEASES, RUNS

VERSION = "{{ version_name }}"
ASKED = "ti.xcom_pull(task_ids='let_serve.question', map_indexes=ti.map_index)"
APPROVE, REJECT = "Approve", "Reject"
HUMAN = "human"
"""Of the parameter `release.approval`: a person must approve."""
WAITING_QUESTIONS = 64
"""Runs at a time: a version that nobody has answered for holds up no newer one."""

log = logging.getLogger(__name__)


@dag(
    schedule=[REGISTERED_MODEL],
    params={
        "model": Param("", type="string", pattern=OPTIONAL_NAME, title="Model", description="for a run by hand"),
        "version": Param(None, type=["null", "integer"], minimum=1, title="Version", description="for a run by hand"),
    },
    doc_md=__doc__,
    **(RUNS | {"max_active_runs": WAITING_QUESTIONS}),
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
        return [{"model": asked["model"], "version": asked["version"], "approval": "automatic", "by_hand": True}]
    events = context["triggering_asset_events"].get(REGISTERED_MODEL, [])
    if not events:
        raise AirflowFailException("nothing to release: a run by hand names a model and a version")
    registered = {(event.extra["model"], int(event.extra["version"])): event.extra for event in events}
    return [registered[key] for key in sorted(registered)]


@task_group
def let_serve(candidate: dict[str, Any]) -> None:
    """One version. Tasks skip themselves here: in a group that is mapped, Airflow 3.3 does not follow a branch."""
    approve = HITLOperator(
        task_id="approve",
        subject=f"{{{{ {ASKED}['subject'] }}}}",
        body=f"{{{{ {ASKED}['body'] }}}}",
        options=[APPROVE, REJECT],
        response_timeout=timedelta(days=14),
        execution_timeout=None,  # of the wait, not of the task: see response_timeout
        retries=0,  # another try would ask for another two weeks
        pre_execute=only_where_wanted,
        map_index_template=f"{{{{ {ASKED}['name'] }}}}",
        doc_md="A person's answer under *Required Actions*, where the version's parameters want one.",
    )
    chain(question(candidate), approve, [promote(candidate), rejected(candidate)])


@task(map_index_template=VERSION)
def question(candidate: dict[str, Any]) -> dict[str, str]:
    """What a person is asked: the version, the gate's rules, and where to look; an alert says so where one is."""
    name = _shown(candidate)
    facts = {
        "MLflow run": candidate.get("run_id"),
        "commit": candidate.get("commit"),
        "photos": candidate.get("data_hash"),
        "batches": ", ".join(candidate.get("batches", [])),
        "gate": candidate.get("verdict"),
    }
    rules = candidate.get("rules", [])
    lines = [*(f"- {fact}: {value}" for fact, value in facts.items() if value), *(f"- {rule}" for rule in rules)]
    subject, body = f"Let {name} serve?", "\n".join(lines)
    if candidate["approval"] == HUMAN:
        notify(APPROVAL, subject, f"{body}\n\nanswer under Required Actions on Airflow's page")
    return {"name": name, "approval": candidate["approval"], "subject": subject, "body": body}


def only_where_wanted(context: Context) -> None:
    """Before a person is asked: skips where the version's parameters want nobody to be."""
    task = context["ti"]
    asked = task.xcom_pull(task_ids="let_serve.question", map_indexes=task.map_index)
    if asked["approval"] != HUMAN:
        raise AirflowSkipException("release.approval is automatic")


@task(map_index_template=VERSION, pool=RELEASES, trigger_rule=TriggerRule.NONE_FAILED, outlets=[SERVED_MODEL])
def promote(candidate: dict[str, Any]) -> None:
    """`pipeline promote`: canary, checks, then the version serves; left out where a newer one serves by now."""
    name = _shown(candidate)
    context = get_current_context()
    if _answer(context) == REJECT:
        raise AirflowSkipException(f"{name} was rejected")
    model, version = candidate["model"], int(candidate["version"])
    # Whoever names a version by hand means it, even an older one.
    restraint = [] if candidate.get("by_hand") else ["--if-newer"]
    served: dict[str, Any] = answer_of("promote", "--model", model, "--version", str(version), *restraint)
    if served["version"] != version:
        raise AirflowSkipException(f"{name} was overtaken: version {served['version']} serves")
    context["outlet_events"][SERVED_MODEL].extra = {"model": model, "version": version}


@task(map_index_template=VERSION, trigger_rule=TriggerRule.NONE_FAILED)
def rejected(candidate: dict[str, Any]) -> None:
    """A person said no; what served before serves on."""
    name = _shown(candidate)
    if _answer(get_current_context()) != REJECT:
        raise AirflowSkipException(f"{name} was not rejected")
    log.warning("%s was rejected, and does not serve", name)


def _answer(context: Context) -> str | None:
    """What the person chose; None where nobody was asked."""
    answer = context["ti"].xcom_pull(task_ids="let_serve.approve", map_indexes=context["ti"].map_index)
    return answer["chosen_options"][0] if answer else None


def _shown(candidate: dict[str, Any]) -> str:
    """What people call a version; Airflow's page calls its mapped tasks so."""
    name = f"{candidate['model']} version {candidate['version']}"
    get_current_context()["version_name"] = name
    return name


release()
