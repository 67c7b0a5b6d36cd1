"""The commands of the Makefile that start servers are commands that the servers take."""

import shlex
import subprocess
from pathlib import Path

import yaml

from serving.explainer import arguments_of
from serving.modelserver.flags import parse_flags

PROJECT = Path(__file__).resolve().parents[2]


def told(*arguments: str) -> list[str]:
    """The lines that make would run, whether or not these tests run under make themselves."""
    command = ["make", "--dry-run", "--no-print-directory", *arguments]
    printed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    return printed.replace("\\\n", " ").splitlines()


def flags_given(target: str) -> list[str]:
    [line] = [line for line in told(target) if "-m serving." in line]
    return shlex.split(line)[3:]


def test_make_explainer_asks_the_model_of_the_parameters_by_its_stable_label() -> None:
    chosen = arguments_of(flags_given("explainer"))
    assert chosen.model == yaml.safe_load((PROJECT / "params.yaml").read_text())["model"]["name"]
    assert chosen.label == "stable"


def test_make_serve_follows_the_releases() -> None:
    flags = parse_flags(flags_given("serve"))
    assert flags.model_config_file == Path("served/models.config")
    assert flags.model_config_file_poll_wait_seconds > 0
    assert (flags.port, flags.rest_api_port) == (8500, 8501)


def last_line(*arguments: str) -> list[str]:
    return shlex.split(told(*arguments)[-1])[2:]


def test_make_retrain_names_a_batch_only_where_one_is_given() -> None:
    assert last_line("retrain") == ["pipeline", "retrain"]
    assert last_line("retrain", "BATCH=survey-2") == ["pipeline", "retrain", "--batch", "survey-2"]


def test_make_sample_batch_needs_nothing_said() -> None:
    assert last_line("sample-batch") == ["pipeline", "sample", "--inbox", "--batches", "demo-3", "--photos", "300"]
    assert last_line("sample-batch", "NAME=mine", "PHOTOS=40")[-3:] == ["mine", "--photos", "40"]
