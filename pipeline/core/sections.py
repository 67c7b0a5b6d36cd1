"""Reading YAML files of sections: `params.yaml` and the recipes."""

from pathlib import Path
from typing import Any

import yaml

from pipeline.core.errors import ParameterError


def read_sections(path: Path) -> dict[str, Any]:
    """Read a YAML file of sections; their values are not checked.

    Raises:
        ParameterError: the file is missing, is not YAML or holds no sections.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ParameterError(
            f"{path} does not exist",
            expected="a parameters file",
            todo="run in the project's folder, or write one with `make recipe NAME=demo`",
        ) from None
    except UnicodeDecodeError as error:
        raise _no_yaml(str(path), error) from None
    return sections_of(text, str(path))


def sections_of(text: str, source: str) -> dict[str, Any]:
    """Read a text of sections; their values are not checked.

    Args:
        text: YAML.
        source: where it stands, for messages.

    Raises:
        ParameterError: the text is not YAML or holds no sections.
    """
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _no_yaml(source, error) from None
    if not isinstance(values, dict):
        raise ParameterError(
            f"{source} holds {'nothing' if values is None else repr(values)}",
            expected="sections of `name: value` lines",
            todo="write it with `make recipe NAME=<recipe>`",
        )
    return values


def _no_yaml(source: str, error: Exception) -> ParameterError:
    return ParameterError(
        f"{source} is not YAML: {error}", expected="sections of `name: value` lines", todo="mend the line named above"
    )
