import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from alert_places import HOST, Hook, hook

from pipeline.core.recipes import load_recipe, render

PROJECT = Path(__file__).resolve().parents[3]
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith("HERITAGE_") and not name.lower().endswith("_proxy")
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    parameters = load_recipe(PROJECT / "recipes", "demo").parameters()
    (tmp_path / "params.yaml").write_text(render(parameters), encoding="utf-8")
    return tmp_path


def pipeline(checkout: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *words],
        cwd=checkout,
        env={**ENVIRONMENT, "PYTHONPATH": str(PROJECT), **settings},
        capture_output=True,
        text=True,
        check=False,
    )


def kept(checkout: Path) -> list[dict[str, str]]:
    lines = (checkout / ".heritage" / "alerts.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_an_alert_is_kept_and_the_same_one_counted(checkout: Path) -> None:
    first = pipeline(checkout, "notify", "refusal", "demo is worse", "--text", "by\na point", "--link", "a.html")
    assert (first.returncode, first.stderr) == (0, "refusal: kept in .heritage\n")
    assert (kept(checkout)[0]["text"], kept(checkout)[0]["link"]) == ("by\na point", "a.html")
    again = pipeline(checkout, "notify", "refusal", "demo is worse")
    assert again.returncode == 0
    assert again.stderr.startswith("refusal: not sent; the same alert went out within the last hour")
    listed = pipeline(checkout, "alerts")
    assert listed.stdout.endswith("  refusal: demo is worse; see a.html\n")


def test_a_clone_alerts_for_its_owner(checkout: Path) -> None:
    clone = checkout / "clone"
    (clone / ".heritage").mkdir(parents=True)
    (clone / ".heritage" / "owner").write_text(f"{checkout}\n", encoding="utf-8")
    (clone / "params.yaml").write_text((checkout / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    assert pipeline(clone, "notify", "failure", "train failed").returncode == 0
    assert kept(checkout)[0]["subject"] == "train failed"


@pytest.mark.parametrize("broken", ("a: [", "notify: {target: lgo}\n", "notify: 5\n", None))
def test_broken_parameters_stop_no_alert(checkout: Path, broken: str | None) -> None:
    (checkout / "params.yaml").unlink()
    if broken:
        (checkout / "params.yaml").write_text(broken, encoding="utf-8")
    with hook(Hook()) as taken:
        done = pipeline(checkout, "notify", "failure", "broken", HERITAGE_NOTIFY=f"http://{HOST}:{taken.port}/geheim")
        assert done.returncode == 0
        assert "warning: no target for alerts in params.yaml" in done.stderr
        assert f"on its way to http://{HOST}:{taken.port}/...\n" in done.stderr
        assert "geheim" not in done.stderr
        wait_for(taken)
    assert kept(checkout)[0]["subject"] == "broken"


def wait_for(taken: Hook) -> None:
    import time

    deadline = time.monotonic() + 20
    while not taken.requests:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_mistake_elsewhere_in_the_parameters_changes_nothing(checkout: Path) -> None:
    (checkout / "params.yaml").write_text("tarin: {}\nnotify: {target: log}\n", encoding="utf-8")
    done = pipeline(checkout, "notify", "failure", "broken")
    assert (done.returncode, done.stderr) == (0, "failure: kept in .heritage\n")


def test_an_environment_that_names_no_place_is_told_once_the_alert_is_safe(checkout: Path) -> None:
    done = pipeline(checkout, "notify", "failure", "broken", HERITAGE_NOTIFY="https://a:geheim@b/")
    assert done.returncode == 2
    assert "error: HERITAGE_NOTIFY is no place for alerts" in done.stderr
    assert "geheim" not in done.stderr
    assert kept(checkout)[0]["subject"] == "broken"


def test_a_kind_that_there_is_not_is_refused(checkout: Path) -> None:
    assert pipeline(checkout, "notify", "fialure", "broken").returncode == 2


def test_telling_takes_below_a_second_of_the_processor(checkout: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert pipeline(checkout, "notify", "failure", "broken").returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.0


def test_no_alerts_are_said_to_be_none(checkout: Path) -> None:
    assert pipeline(checkout, "alerts").stderr == "no alerts\n"
