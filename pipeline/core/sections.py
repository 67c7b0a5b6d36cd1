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
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ParameterError(
            f"{path} does not exist",
            expected="a parameters file",
            todo="run in the project's folder, or write one with `make recipe NAME=demo`",
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParameterError(
            f"{path} is not YAML: {error}", expected="sections of `name: value` lines", todo="mend the line named above"
        ) from None
    if not isinstance(values, dict):
        raise ParameterError(
            f"{path} holds {'nothing' if values is None else repr(values)}",
            expected="sections of `name: value` lines",
            todo="write it with `make recipe NAME=<recipe>`",
        )
    return values
