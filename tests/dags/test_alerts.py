"""Alerts of tasks reach the book, whatever a command said before it failed."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
TELL = """
from heritage.alerts import FAILURE, notify
notify(FAILURE, "train failed", "torn\\0 words " + 200_000 * "x")
"""


def test_a_failure_of_many_and_odd_words_is_told(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "HERITAGE_CHECKOUT": str(tmp_path),
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "PYTHONPATH": f"{PROJECT / 'dags'}{os.pathsep}{PROJECT}",
    }
    subprocess.run([sys.executable, "-c", TELL], env=environment, check=True)
    book, until = tmp_path / ".heritage" / "alerts.jsonl", time.monotonic() + 60
    while not (book.exists() and book.read_text(encoding="utf-8").endswith("\n")):
        assert time.monotonic() < until
        time.sleep(0.1)
    [alert] = map(json.loads, book.read_text(encoding="utf-8").splitlines())
    assert alert["subject"] == "train failed"
    assert alert["text"].startswith("torn  words xxx")
