"""Sending alerts: kept at once, delivered by a process that nobody waits for."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from pipeline.alerts.alert import Alert, tidy
from pipeline.alerts.book import Entry, entry_of, keep, note_delivery
from pipeline.core.alert_targets import Mail, Webhook, parse_target
from pipeline.core.errors import ParameterError, first_line

TARGET = "HERITAGE_NOTIFY"
PASSWORD = "HERITAGE_SMTP_PASSWORD"  # noqa: S105
ENTRY = "HERITAGE_ALERT"
"""Environment variable in which the delivering process finds the entry, as ASCII; other users cannot read it there."""

# The shell ends at once, so that the delivering process is nobody's child: no task that ends takes it along, no
# caller that runs on has to wait for it.
_DETACHED = ("/bin/sh", "-c", '"$@" &', "sh")
_DELIVERY = (sys.executable, "-m", "pipeline.alerts.delivery")


def send(alert: Alert, target: str, folder: Path) -> bool:
    """Keep an alert in `alerts.jsonl` and hand it to its target, without waiting for the target.

    Nothing that goes wrong on the way is raised: the deed that the alert tells of is done. What came of it stands in
    `alerts-delivery.log` beside `alerts.jsonl`, where the disk has room.

    Args:
        alert: what happened; control characters, and what is longer than a message should be, are left out.
        target: the parameter `notify.target`; the environment variable HERITAGE_NOTIFY goes before it.
        folder: where `alerts.jsonl` lies.

    Returns:
        Whether it was sent; the same kind and subject is sent once an hour, and counted in between; of different ones,
        ten within a minute.
    """
    alert, now = tidy(alert), datetime.now(UTC)
    try:
        entry = keep(alert, folder, now)
    except OSError:  # a full disk is a thing to alert of
        entry = entry_of(alert, now)
    if entry is None or entry.held_back:
        return False
    try:
        if chosen_target(target, os.environ) is not None:
            _hand_over(entry, os.environ.get(TARGET) or target, folder)
    except (ParameterError, OSError) as error:
        with suppress(OSError):
            note_delivery(folder, now, f"not sent: {alert.kind}: {alert.subject}: {first_line(error)}")
    return True


def chosen_target(parameter: str, environment: Mapping[str, str]) -> Mail | Webhook | None:
    """Where alerts go.

    Args:
        parameter: `notify.target`.
        environment: HERITAGE_NOTIFY goes before the parameter; HERITAGE_SMTP_PASSWORD is the password of a mail user.

    Returns:
        None where alerts are only kept.

    Raises:
        ParameterError: the target cannot be used, or its user has no password.
    """
    named = environment.get(TARGET)
    name = TARGET if named else "notify.target"
    try:
        target = parse_target(named or parameter)
    except ValueError as error:
        raise ParameterError(
            f"{name} is {error}",
            expected="log, smtp://[user@]host:port/?from=<address>&to=<address>, or the address of a webhook",
            todo=f"mend {name}; docs/alerts.md has examples",
        ) from None
    if isinstance(target, Mail) and target.user and not environment.get(PASSWORD):
        raise ParameterError(
            f"{name} names the mail user {target.user!r}, who has no password",
            expected=f"the password in the environment variable {PASSWORD}",
            todo=f"set {PASSWORD}, or leave the user out of {name}",
        )
    return target


def _hand_over(entry: Entry, target: str, folder: Path) -> None:
    subprocess.run(
        [*_DETACHED, *_DELIVERY, str(folder.resolve())],
        env={**os.environ, ENTRY: json.dumps(asdict(entry)), TARGET: target},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        check=True,
    )
