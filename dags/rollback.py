"""Let an earlier version serve again, within seconds and without training.

**Starts** by hand alone. `version` empty = the version that served before; `model` empty = the model of `params.yaml`.
The reason goes into the history of what served when.

**Ends** with an update of `served_model`, and an alert to those who should know.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task

from heritage.assets import SERVED_MODEL
from heritage.commands import answer_of
from heritage.defaults import OPTIONAL_NAME, RELEASES, RUNS


@dag(
    schedule=None,
    params={
        "model": Param(
            "",
            type="string",
            pattern=OPTIONAL_NAME,
            title="Model",
            description="empty = the model that params.yaml names",
        ),
        "version": Param(
            None, type=["null", "integer"], minimum=1, title="Version", description="empty = the one that served before"
        ),
        "reason": Param(type="string", minLength=5, title="Reason", description="why, for the history"),
    },
    doc_md=__doc__,
    **RUNS,
)
def rollback() -> None:
    """Serve an earlier version."""
    serve_earlier()


@task(pool=RELEASES, execution_timeout=timedelta(minutes=10), outlets=[SERVED_MODEL])
def serve_earlier() -> None:
    """`pipeline rollback`."""
    context = get_current_context()
    asked = context["params"]
    named = [f"--{name}={asked[name]}" for name in ("model", "version") if asked[name]]
    served: dict[str, Any] = answer_of("rollback", *named, f"--reason={asked['reason']}")
    context["outlet_events"][SERVED_MODEL].extra = {
        "model": served["model"],
        "version": served["version"],
        "reason": asked["reason"],
    }


rollback()
