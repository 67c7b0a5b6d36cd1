"""The server as a process: flags, exit codes, what it prints, how it stops."""

import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import grpc
import pytest

from serving.modelserver.errors import StartError
from serving.modelserver.flags import parse_flags
from serving.server import main


def test_values_may_follow_an_equals_sign_or_a_space():
    assert parse_flags(["--port=9000", "--model_base_path", "m"]) == parse_flags(
        ["--port", "9000", "--model_base_path=m"]
    )


@pytest.mark.parametrize(
    ("argument", "expected"),
    (
        ("--allow_version_labels_for_unavailable_models", True),
        ("--allow_version_labels_for_unavailable_models=true", True),
        ("--allow_version_labels_for_unavailable_models=false", False),
        ("--port=8500", False),
    ),
)
def test_switches_may_stand_alone_or_carry_a_value(argument, expected):
    flags = parse_flags(["--model_base_path=m", argument])
    assert flags.allow_version_labels_for_unavailable_models is expected


def test_defaults_are_those_of_the_original_but_for_loopback():
    flags = parse_flags(["--model_base_path=m"])
    assert (flags.host, flags.port, flags.rest_api_port) == ("127.0.0.1", 8500, 0)
    assert (flags.model_name, flags.file_system_poll_wait_seconds) == ("default", 1)
    assert (flags.max_num_load_retries, flags.load_retry_interval_seconds) == (5, 60)


@pytest.mark.parametrize(
    ("arguments", "message"),
    (
        (["--model_base_pth=m"], "unknown flag --model_base_pth=m; did you mean --model_base_path?"),
        (["--model_base_path=m", "--xyzzy"], "unknown flag --xyzzy"),
        (["--model_base_path=m", "--port=many"], "not a port"),
        (["--model_base_path=m", "--port=70000"], "not a port"),
        (["--model_base_path=m", "--max_num_load_retries=-1"], "from 0 up"),
        (["--model_base_path=m", "--file_system_poll_wait_seconds=soon"], "not a number"),
        (["--model_base_path=m", "--enable_model_warmup=perhaps"], "neither true nor false"),
        (["--model_base_path=m", "--port=0"], "both ports are 0"),
        (["--model_base_path=m", "--rest_api_port=8500"], "both to listen on port 8500"),
        ([], "neither --model_base_path nor --model_config_file"),
        (["--model_base_path=m", "--model_config_file=c"], "both --model_base_path and --model_config_file"),
    ),
)
def test_flags_that_do_not_fit_are_refused_with_what_to_do(arguments, message, capsys):
    assert main(arguments) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert "expected:" in printed
    assert "to do:" in printed


@pytest.mark.parametrize("text", (None, "no config", 'model_config_list { config { name: "m" } }'))
def test_a_config_file_that_cannot_be_used_is_refused(tmp_path, text, capsys):
    if text is not None:
        (tmp_path / "models.config").write_text(text)
    assert main([f"--model_config_file={tmp_path / 'models.config'}"]) == 2
    assert "models.config" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ("port", "rest_api_port"))
def test_a_taken_port_is_said_before_anything_is_loaded(flag, free_port, capsys):
    ports = {"port": free_port(), "rest_api_port": free_port()}
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", ports[flag]))
        holder.listen()
        arguments = ["--model_base_path=m", *(f"--{name}={number}" for name, number in ports.items())]
        assert main(arguments) == 6
    assert f"--{flag}={ports[flag]} on 127.0.0.1 cannot be had" in capsys.readouterr().err


def test_a_port_taken_after_the_probe_is_refused_too(free_port, toy_model_base, start_model_server):
    running = start_model_server(f"--model_base_path={toy_model_base()}", "--model_name=toy")
    taken = running.grpc_address.rpartition(":")[2]
    with pytest.raises(StartError, match=f"--port={taken}"):
        start_model_server("--model_base_path=m", f"--port={taken}")


def test_version_prints_and_leaves(capsys):
    assert main(["--version"]) == 0
    assert "TensorFlow" in capsys.readouterr().out


def test_a_process_serves_until_sigterm(free_port, toy_model_base):
    port, base = free_port(), toy_model_base("toy", versions=(1,))
    command = [
        sys.executable,
        "-m",
        "serving.server",
        f"--port={port}",
        "--model_name=toy",
        f"--model_base_path={base}",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        watchdog = threading.Timer(240, process.kill)
        watchdog.start()
        try:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                grpc.channel_ready_future(channel).result(timeout=180)
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=60)
        finally:
            watchdog.cancel()
            process.kill()
    assert process.returncode == 0, log
    for line in ("Starting: toy at", "Model toy version 1: AVAILABLE", f"gRPC on 127.0.0.1:{port}", "Stopped"):
        assert line in log
