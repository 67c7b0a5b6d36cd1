"""What an alert says."""

import re
from dataclasses import dataclass
from enum import StrEnum

_MAX_SUBJECT = 200
_MAX_TEXT = 8_000
_MAX_LINK = 1_000
_CUT = " ..."
_CONTROLS = re.compile(r"[^\S\n]|[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Kind(StrEnum):
    """What happened."""

    FAILURE = "failure"
    """A run or a task failed."""
    REFUSAL = "refusal"
    """The gate refused a model, or could not judge it."""
    APPROVAL = "approval"
    """A version waits for a person to let it serve."""
    QUARANTINE = "quarantine"
    """A batch was put aside."""
    DRIFT = "drift"
    """Photos that are asked about differ from those that were trained on."""
    ROLLBACK = "rollback"
    """An earlier version serves again, or an alias was put back."""


@dataclass(frozen=True)
class Alert:
    """One message to a person."""

    kind: Kind
    subject: str
    """One line."""
    text: str = ""
    """Grounds, and what to do; several lines."""
    link: str = ""
    """Where to look: a page or a file."""


def tidy(alert: Alert) -> Alert:
    """An alert that no mail header, terminal or log stumbles over: one-line subject and link, nothing endless."""
    return Alert(
        alert.kind,
        _cut(one_line(alert.subject), _MAX_SUBJECT) or "(no subject)",
        _cut(_CONTROLS.sub(" ", alert.text).strip(), _MAX_TEXT),
        _cut(one_line(alert.link), _MAX_LINK),
    )


def one_line(text: str) -> str:
    """Text without line breaks and control characters, with single spaces."""
    return " ".join(_CONTROLS.sub(" ", text).split())


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - len(_CUT)] + _CUT
