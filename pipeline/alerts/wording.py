"""Alerts in words for people."""

from pipeline.alerts.book import Entry


def heading(entry: Entry) -> str:
    """One line."""
    return f"{entry.kind}: {entry.subject}"


def body(entry: Entry) -> str:
    """What stands below the heading: grounds, where to look, and how often the same came before; may be empty."""
    repeated = f"(the same came {entry.repeated} times more since it was sent the last time)" if entry.repeated else ""
    return "\n\n".join(part for part in (entry.text, entry.link, repeated) if part)
