import configparser
import os
import stat
from pathlib import Path

import pytest

from pipeline.core.errors import MachineError
from pipeline.core.paths import Layout
from pipeline.services import airflow as module
from pipeline.services.airflow import AirflowHome, configure, prepare_database, tasks_at_a_time


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def settings(airflow: AirflowHome) -> configparser.ConfigParser:
    read = configparser.ConfigParser()
    read.read(airflow.configuration, encoding="utf-8")
    return read


def test_secrets_and_login_are_made_once_and_lie_where_nobody_else_reads(tmp_path: Path) -> None:
    airflow = AirflowHome.of(Layout(tmp_path))
    configure(airflow, 8080)
    first, password = settings(airflow), airflow.login().password
    configure(airflow, 8081)
    again = settings(airflow)

    assert airflow.login() == module.Login("heritage", password)
    assert len(password) >= 12
    assert again["api_auth"]["jwt_secret"] == first["api_auth"]["jwt_secret"]
    assert again["api"]["secret_key"] == first["api"]["secret_key"] != again["core"]["fernet_key"]
    assert mode(airflow.folder) == 0o700
    assert {path.name: mode(path) for path in airflow.folder.iterdir()} == {
        "airflow.cfg": 0o600,
        "passwords.json": 0o600,
        "secrets.json": 0o600,
    }


def test_two_checkouts_share_no_secret(tmp_path: Path) -> None:
    homes = [AirflowHome.of(Layout(tmp_path / name)) for name in ("one", "two")]
    for airflow in homes:
        configure(airflow, 8080)
    texts = [airflow.secrets.read_text() + airflow.passwords.read_text() for airflow in homes]
    assert texts[0] != texts[1]


def test_every_address_of_the_configuration_is_the_one_port_on_loopback(tmp_path: Path) -> None:
    airflow = AirflowHome.of(Layout(tmp_path))
    configure(airflow, 18080)
    read = settings(airflow)
    assert read["api"]["host"] == "127.0.0.1"
    assert read["core"]["execution_api_server_url"] == "http://127.0.0.1:18080/execution/"
    assert airflow.address() == read["api"]["base_url"] == "http://127.0.0.1:18080"


def test_a_percent_sign_in_the_path_of_a_checkout_stays_one(tmp_path: Path) -> None:
    airflow = AirflowHome.of(Layout(tmp_path / "100%s"))
    configure(airflow, 8080)
    assert settings(airflow)["core"]["dags_folder"] == str(tmp_path / "100%s" / "dags")


def test_processes_of_airflow_find_its_folder_the_checkout_and_the_triggers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    airflow = AirflowHome.of(Layout())
    assert airflow.environment() == {
        "AIRFLOW_HOME": str(tmp_path / ".heritage" / "airflow"),
        "AIRFLOW_CONFIG": str(tmp_path / ".heritage" / "airflow" / "airflow.cfg"),
        "HERITAGE_CHECKOUT": str(tmp_path),
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "dags"), "/elsewhere"]),
    }
    assert airflow.environment("http://127.0.0.1:5000")["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:5000"


def test_a_clone_means_the_airflow_of_its_owner(tmp_path: Path) -> None:
    assert AirflowHome.of(Layout(tmp_path / "clone", tmp_path / "home")).checkout == tmp_path / "home"


def test_an_airflow_that_never_ran_has_no_address(tmp_path: Path) -> None:
    assert AirflowHome.of(Layout(tmp_path)).address() is None


@pytest.mark.parametrize(("cores", "tasks"), ((1, 4), (2, 4), (5, 5), (64, 8)))
def test_as_many_tasks_run_as_there_are_cores_within_reason(
    cores: int, tasks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(cores))
    assert tasks_at_a_time() == tasks


def test_a_database_that_cannot_be_made_is_told_in_airflows_own_words(tmp_path: Path) -> None:
    airflow = AirflowHome.of(Layout(tmp_path))
    configure(airflow, 8080)
    (airflow.folder / "airflow.db").mkdir()
    with pytest.raises(
        MachineError, match=r"`airflow db migrate` ended with exit code 1(.|\n)*unable to open database"
    ):
        prepare_database(airflow)
    assert not airflow.has_tables()
