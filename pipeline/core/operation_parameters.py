"""Parameters of what goes on around a run: photos that arrive, retraining, release, alerts, serving and tracking."""

from typing import Annotated, Literal

from pydantic import Field, field_serializer, field_validator

from pipeline.core.alert_targets import parse_target, without_secrets
from pipeline.core.parameter_types import Count, Fraction, HostName, Positive, Section


class IntakeParameters(Section):
    """Where batches arrive, and when one counts as complete."""

    inbox: str = "inbox"
    """Folder into which people drop batches: a folder, tar or zip each."""
    s3_prefix: Annotated[str, Field(pattern=r"^s3://[^/]+/(.*/)?$")] | None = None
    """Batches also arrive below it, such as `s3://bucket/inbox/`; credentials and endpoint are boto3's own."""
    quiet_minutes: Positive = 10.0
    """A batch is complete when nothing in it has changed for so long, or at once when it holds a file `_COMPLETE`."""
    hosts: tuple[HostName, ...] = ()
    """Hosts from which the addresses of a `urls.csv` may be fetched, `*.` before a name meaning all below it; none =
    no photo is fetched."""
    contact: Annotated[str, Field(pattern=r"^[!-'*-~]*$")] = ""
    """Mail or web address that hosts are told, so that their owners can write; Wikimedia's ask for one."""
    seconds_between_requests: Annotated[float, Field(ge=0.0, le=60)] = 1.0
    """Pause between two requests to one host."""


class AutomationParameters(Section):
    """Which code and parameters are retrained, and where the results go."""

    follow: str = "main"
    """Branch whose commits say how models are trained: code, parameters, recipes and decisions."""
    push_to: str | None = None
    """Git remote of the checkout to which the branches `heritage/photos` and `heritage/retrain` are pushed."""


class ReleaseParameters(Section):
    """How a registered version comes to serve."""

    approval: Literal["automatic", "human"] = "automatic"
    """Whether a person must approve of each version in Airflow before it serves."""


class NotifyParameters(Section):
    """Who hears of failures, refusals, questions, batches in quarantine, drift and rollbacks."""

    target: str = "log"
    """`log`, `smtp://[user@]host:port/?from=<address>&to=<address>,<address>`, or the address of a webhook. The
    environment variable HERITAGE_NOTIFY goes before it: the place for an address that nobody else should know, as this
    file is committed and logged."""

    @field_validator("target")
    @classmethod
    def _is_a_place(cls, target: str) -> str:
        parse_target(target)
        return target

    @field_serializer("target", when_used="json")
    def _shown(self, target: str) -> str:
        return without_secrets(target)


class WatchParameters(Section):
    """When photos that are asked about count as other photos than those trained on."""

    keep_photos: Annotated[int, Field(ge=0, le=100_000)] = 500
    """Photos that the model server keeps of those it was asked about, for each model; 0 = none, and no watch."""
    min_photos: Count = 50
    """With fewer photos since the last release nothing is said."""
    max_drift: Positive = 0.25
    """Population stability index of a measure, of the vectors or of the classes: above it, photos have drifted."""
    max_calibration_error: Fraction = 0.15
    """Expected calibration error on photos labelled since: above it, probabilities are not to be trusted."""
    label_next: Annotated[int, Field(ge=1, le=10_000)] = 50
    """Photos listed as most worth labelling."""


class ServingParameters(Section):
    """Where models are served from and asked."""

    folder: str = "served"
    grpc_address: str = "127.0.0.1:8500"


class TrackingParameters(Section):
    """MLflow."""

    uri: str = "sqlite:///mlflow.db"
    """Any MLflow tracking URI; the environment variable MLFLOW_TRACKING_URI goes before it."""
    experiment: str = "heritage"
