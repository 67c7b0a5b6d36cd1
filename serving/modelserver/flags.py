"""Flags, spelled as tensorflow_model_server spells them."""

import argparse
import difflib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from serving.modelserver.errors import StartError

BAD_FLAGS_EXIT_CODE = 2
MICROSECONDS = 1_000_000

_TRUE = ("true", "1")
_FALSE = ("false", "0")


@dataclass(frozen=True)
class Flags:
    """What the command line says; names and units are tensorflow_model_server's; `host` and `kept_*` are ours."""

    host: str
    port: int
    rest_api_port: int
    rest_api_timeout_in_ms: int
    grpc_max_threads: int
    model_name: str
    model_base_path: Path | None
    model_config_file: Path | None
    model_config_file_poll_wait_seconds: float
    file_system_poll_wait_seconds: float
    allow_version_labels_for_unavailable_models: bool
    max_num_load_retries: int
    load_retry_interval_micros: int
    enable_model_warmup: bool
    tensorflow_intra_op_parallelism: int
    tensorflow_inter_op_parallelism: int
    kept_photos_folder: Path | None
    kept_photos: int
    version: bool

    @property
    def load_retry_interval_seconds(self) -> float:
        """Pause between two attempts to load the same version."""
        return self.load_retry_interval_micros / MICROSECONDS


class _Parser(argparse.ArgumentParser):
    """Raises instead of leaving the process."""

    def error(self, message: str) -> NoReturn:
        raise StartError(
            message,
            expected="flags as tensorflow_model_server spells them, such as --model_base_path=<folder>",
            todo="see `python -m serving.server --help`",
            exit_code=BAD_FLAGS_EXIT_CODE,
        )


def parse_flags(arguments: Sequence[str]) -> Flags:
    """Read the command line.

    Args:
        arguments: without the program's name; `--flag=value` and `--flag value`, switches also as a bare `--flag`.

    Raises:
        StartError: an unknown flag, a value that does not fit, or not exactly one source of models.
    """
    parser = _parser()
    values, unknown = parser.parse_known_args(arguments)
    if unknown:
        _refuse_unknown(parser, unknown[0])
    flags = Flags(**vars(values))
    if not flags.version:
        _check_sources(flags)
    return flags


def _parser() -> _Parser:
    parser = _Parser(prog="python -m serving.server", allow_abbrev=False, description="Serve SavedModels.")
    add, count = parser.add_argument, _number(int, 0)
    add("--host", default="127.0.0.1", help="address to listen on (ours; the original listens on all)")
    add("--port", type=_port, default=8500, help="gRPC port; 0 = no gRPC")
    add("--rest_api_port", type=_port, default=0, help="REST port; 0 = no REST")
    add("--rest_api_timeout_in_ms", type=_number(int, 1), default=30_000, help="time limit of a REST call")
    add("--grpc_max_threads", type=count, default=0, help="gRPC worker threads; 0 = chosen by the server")
    add("--model_name", default="default", help="name of the model at --model_base_path")
    add("--model_base_path", type=Path, help="folder of numeric version folders")
    add("--model_config_file", type=Path, help="ModelServerConfig as text, instead of a single model")
    add("--model_config_file_poll_wait_seconds", type=_number(float, 0), default=0.0, help="0 = read once")
    add("--file_system_poll_wait_seconds", type=_number(float, 0), default=1.0, help="0 = look for versions once")
    _switch(parser, "--allow_version_labels_for_unavailable_models", False, "new labels may precede their version")
    add("--max_num_load_retries", type=count, default=5, help="further attempts after a failed load")
    add("--load_retry_interval_micros", type=count, default=60 * MICROSECONDS, help="pause between attempts")
    _switch(parser, "--enable_model_warmup", True, "replay the warm-up records of a version before it serves")
    add("--tensorflow_intra_op_parallelism", type=count, default=0, help="threads within an op; 0 = all cores")
    add("--tensorflow_inter_op_parallelism", type=count, default=0, help="ops run at once; 0 = TensorFlow's choice")
    add("--kept_photos_folder", type=Path, help="keep photos that are asked about below it (ours)")
    add("--kept_photos", type=count, default=0, help="of so many photos of each model; 0 = none (ours)")
    _switch(parser, "--version", False, "print versions and leave")
    return parser


def _switch(parser: argparse.ArgumentParser, name: str, default: bool, help_text: str) -> None:
    parser.add_argument(name, type=_boolean, nargs="?", const=True, default=default, help=help_text)


def _boolean(text: str) -> bool:
    if text.lower() not in _TRUE + _FALSE:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return text.lower() in _TRUE


def _number(kind: type[int] | type[float], minimum: int) -> Callable[[str], int | float]:
    def parse(text: str) -> int | float:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of kind {kind.__name__}") from None
        if not minimum <= value < math.inf:
            raise argparse.ArgumentTypeError(f"{text!r} is not a finite number from {minimum} up")
        return value

    return parse


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (0 to 65535)")
    return int(text)


def _refuse_unknown(parser: _Parser, argument: str) -> NoReturn:
    name = argument.split("=", 1)[0]
    known = [option for action in parser._actions for option in action.option_strings]
    nearest = difflib.get_close_matches(name, known, n=1)
    parser.error(f"unknown flag {argument}" + (f"; did you mean {nearest[0]}?" if nearest else ""))


def _check_sources(flags: Flags) -> None:
    if (flags.model_base_path is None) == (flags.model_config_file is None):
        raise StartError(
            "neither --model_base_path nor --model_config_file was given"
            if flags.model_base_path is None
            else "both --model_base_path and --model_config_file were given",
            expected="exactly one source of models",
            todo="name the folder of one model, or a config file that names several",
            exit_code=BAD_FLAGS_EXIT_CODE,
        )
    if flags.kept_photos and flags.kept_photos_folder is None:
        raise StartError(
            f"--kept_photos is {flags.kept_photos}, and --kept_photos_folder is missing",
            expected="both, or neither",
            todo="name a folder with --kept_photos_folder=<folder>",
            exit_code=BAD_FLAGS_EXIT_CODE,
        )
    if flags.port == 0 and flags.rest_api_port == 0:
        raise StartError(
            "both ports are 0",
            expected="a gRPC port, a REST port or both",
            todo="give --port or --rest_api_port a number",
            exit_code=BAD_FLAGS_EXIT_CODE,
        )
    if flags.port == flags.rest_api_port:
        raise StartError(
            f"gRPC and REST are both to listen on port {flags.port}",
            expected="a port for each",
            todo="give --port and --rest_api_port different numbers",
            exit_code=BAD_FLAGS_EXIT_CODE,
        )
