"""What an alert says."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What happened."""

    FAILURE = "failure"
    """A run or a task failed."""
    REFUSAL = "refusal"
    """The gate refused a model, or could not judge it."""
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
