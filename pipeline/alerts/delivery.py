"""Delivers one alert, and notes what came of it: `python -m pipeline.alerts.delivery <folder>`.

Runs beside whatever sent the alert, for a minute at most, whatever its target does.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from smtplib import SMTPException, SMTPResponseException
from urllib.parse import urlsplit

from pipeline.alerts.alert import one_line
from pipeline.alerts.book import Entry, note_delivery
from pipeline.alerts.mail import send_mail
from pipeline.alerts.sending import ENTRY, PASSWORD, TARGET
from pipeline.alerts.webhook import post
from pipeline.core.alert_targets import Mail, Webhook, parse_target
from pipeline.core.errors import first_line

LIMIT_SECONDS = 55.0
"""Time for all attempts together."""
PAUSES = (2.0, 8.0)
"""Seconds between attempts; one attempt more than pauses."""

_MAX_REASON = 200


class _Stopped(BaseException):
    """The machine, or whoever looks after its processes, asks for an end."""


def deliver(entry: Entry, target: Mail | Webhook, password: str, pauses: Sequence[float] = PAUSES) -> str:
    """Hand an alert to its target, several times where it does not take it.

    Args:
        entry: what to deliver.
        target: where to.
        password: of the mail user; empty = none.
        pauses: seconds between attempts.

    Returns:
        What came of it, in a line that shows no secrets.
    """
    reason = ""
    for pause in (*pauses, None):
        try:
            note = send_mail(entry, target, password) if isinstance(target, Mail) else post(entry, target)
        except (OSError, SMTPException, HTTPException, ValueError) as error:
            reason = _reason(error)
        else:
            return f"delivered to {target.shown}{note}"
        if pause is not None:
            time.sleep(pause)
    return f"not delivered to {target.shown} in {len(pauses) + 1} attempts: {_shown(reason, target, password)}"


def main() -> None:
    """Deliver the alert of the environment, and note what came of it."""
    folder, entry = Path(sys.argv[1]), Entry(**json.loads(os.environ[ENTRY]))
    target = parse_target(os.environ[TARGET])
    if target is None:
        return
    signal.signal(signal.SIGTERM, _stop)
    outcomes: list[str] = []
    password = os.environ.get(PASSWORD, "")
    # A name server, or a line that comes byte by byte, keeps no time limit of a socket; this thread is left behind.
    attempts = threading.Thread(target=lambda: outcomes.append(deliver(entry, target, password)), daemon=True)
    late = f"not delivered to {target.shown}: no end within {LIMIT_SECONDS:.0f} s"
    try:
        attempts.start()
        attempts.join(LIMIT_SECONDS)
    except _Stopped:
        late = f"not delivered to {target.shown}: stopped before its end"
    with suppress(OSError):
        outcome = outcomes[0] if outcomes else late
        note_delivery(folder, datetime.now(UTC), f"{outcome}: {entry.kind}: {entry.subject}")


def _stop(number: int, frame: object) -> None:
    raise _Stopped


def _reason(error: Exception) -> str:
    if isinstance(error, SMTPResponseException):
        text = error.smtp_error
        return f"{error.smtp_code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"
    return f"{type(error).__name__}: {first_line(error)}"


def _shown(reason: str, target: Mail | Webhook, password: str) -> str:
    secrets = (password,) if isinstance(target, Mail) else urlsplit(target.address)[2:4]  # path and query
    for secret in secrets:
        if secret.strip("/"):
            reason = reason.replace(secret, "...")
    return one_line(reason)[:_MAX_REASON]


if __name__ == "__main__":
    main()
