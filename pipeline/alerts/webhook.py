"""An alert as a request to a web address."""

import json
from http import HTTPStatus
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

from pipeline.alerts.book import Entry
from pipeline.alerts.wording import body, heading
from pipeline.core.alert_targets import Webhook

_ATTEMPT_SECONDS = 10.0


def post(entry: Entry, target: Webhook) -> str:
    """Post an alert as JSON; `text` holds all of it for people, as Slack and Mattermost show it.

    Redirects are not followed: an address that moved is to be set anew by a person.

    Args:
        entry: what to say.
        target: where.

    Returns:
        Empty: there is nothing to add.

    Raises:
        OSError: no answer, or one that does not say that all is well.
        http.client.HTTPException: what answers does not speak HTTP.
    """
    content = {
        "kind": entry.kind,
        "subject": entry.subject,
        "text": "\n".join(part for part in (heading(entry), body(entry)) if part),
        "link": entry.link,
        "time": entry.time,
    }
    request = Request(  # noqa: S310
        target.address,
        data=json.dumps(content).encode(),
        headers={"Content-Type": "application/json", "User-Agent": "heritage-photo-pipeline"},
        method="POST",
    )
    with _opener().open(request, timeout=_ATTEMPT_SECONDS) as answer:
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise ConnectionError(f"it answered {answer.status} {answer.reason}")
    return ""


def _opener() -> OpenerDirector:
    """HTTP through the proxies of the environment, without urllib's redirects, files and logins."""
    opener = OpenerDirector()
    for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler()):
        opener.add_handler(handler)
    return opener
