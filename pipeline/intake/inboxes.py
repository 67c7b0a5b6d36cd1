"""All inboxes of a checkout: the folder, and the bucket where one is named."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.core.errors import ServingError
from pipeline.core.operation_parameters import IntakeParameters
from pipeline.core.paths import Layout
from pipeline.intake.bucket_inbox import BucketInbox
from pipeline.intake.folder_inbox import FolderInbox
from pipeline.intake.inbox import Inbox, Waiting, no_such_batch

_SECONDS_PER_MINUTE = 60


@dataclass(frozen=True)
class Look:
    """What was seen in the inboxes."""

    waiting: tuple[Waiting, ...]
    """Complete batches, oldest first."""
    away: tuple[ServingError, ...]
    """What kept an inbox from being looked into."""


def inboxes_of(home: Layout, parameters: IntakeParameters) -> tuple[Inbox, ...]:
    """The inboxes of a checkout; nothing is opened yet."""
    quiet_seconds = parameters.quiet_minutes * _SECONDS_PER_MINUTE
    folder = FolderInbox(home.home, parameters.inbox, home.automation / "settled", quiet_seconds)
    if parameters.s3_prefix is None:
        return (folder,)
    return folder, BucketInbox(parameters.s3_prefix, quiet_seconds)


def look(inboxes: Sequence[Inbox], now: float) -> Look:
    """Look for complete batches that nobody has taken in yet; a folder's are found while a bucket is away.

    Args:
        inboxes: may be asked again and again.
        now: seconds since 1970.
    """
    found: list[Waiting] = []
    away: list[ServingError] = []
    for inbox in inboxes:
        try:
            found += inbox.waiting(now)
        except ServingError as error:
            away.append(error)
    return Look(tuple(sorted(found, key=lambda one: (one.changed, one.source))), tuple(away))


def inbox_with(source: str, inboxes: Sequence[Inbox]) -> Inbox:
    """The inbox in which a source lies.

    Raises:
        DataError: there is none.
    """
    for inbox in inboxes:
        if inbox.owns(source):
            return inbox
    raise no_such_batch(source, "any inbox")
