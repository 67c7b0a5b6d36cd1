"""Sending alerts."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from pipeline.alerts.alert import Alert


def send(alert: Alert, target: str, folder: Path) -> None:
    """Keep an alert in `alerts.jsonl` and hand it to its target, without waiting for the target.

    Args:
        alert: what happened.
        target: the parameter `notify.target`.
        folder: where `alerts.jsonl` lies.
    """
    folder.mkdir(parents=True, exist_ok=True)
    line = {"time": datetime.now(UTC).isoformat(timespec="seconds"), **asdict(alert)}
    with (folder / "alerts.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line, ensure_ascii=False) + "\n")
