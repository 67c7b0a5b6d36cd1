"""Recipes: one small file per task, holding what differs from the defaults, and the `params.yaml` made from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from pipeline.core.errors import ParameterError
from pipeline.core.parameters import Parameters, parse_parameters
from pipeline.core.sections import read_sections

_OFFLINE = "offline"
_HEADER = "# Every number a person may turn. `make recipe NAME=<recipe>` writes it; edit it, then run `make repro`.\n"


@dataclass(frozen=True)
class Recipe:
    """A recipe as it stands in its file."""

    name: str
    values: Mapping[str, Any]
    """Sections of `params.yaml`, where they differ from the defaults."""
    offline: Mapping[str, Any]
    """Keys of `train` for a machine without the weights of the recipe's own backbone."""

    def parameters(self, offline: bool = False) -> Parameters:
        """The recipe over the defaults.

        Args:
            offline: take the substitute backbone.

        Raises:
            ParameterError: the recipe holds unknown names or values out of range.
        """
        model = {"name": self.name, **self.values.get("model", {})}
        values = {"recipe": self.name, **self.values, "model": model}
        if offline:
            values["train"] = {**values.get("train", {}), **self.offline}
        return parse_parameters(values, f"recipes/{self.name}.yaml")


def load_recipe(folder: Path, name: str) -> Recipe:
    """Read a recipe by name.

    Raises:
        ParameterError: there is no such recipe, or its file holds no sections.
    """
    path = folder / f"{name}.yaml"
    known = sorted(file.stem for file in folder.glob("*.yaml"))
    if name not in known:
        raise ParameterError(
            f"no recipe {name!r}",
            expected=f"one of {', '.join(known)}",
            todo="run `make recipe NAME=<one of these>`, or write a file in recipes/",
        )
    values = read_sections(path)
    return Recipe(name, {key: value for key, value in values.items() if key != _OFFLINE}, values.get(_OFFLINE, {}))


def with_choices(parameters: Parameters, batches: Sequence[str], evaluate_side: str | None) -> Parameters:
    """Parameters with other batches or another side to evaluate.

    Raises:
        ParameterError: the side is neither `validation` nor `test`.
    """
    values = parameters.model_dump(by_alias=True)
    if batches:
        values["photos"]["batches"] = list(batches)
    if evaluate_side:
        values["evaluate"]["side"] = evaluate_side
    return parse_parameters(values, "the command `make recipe`")


def render(parameters: Parameters) -> str:
    """`params.yaml` with every value spelt out and a comment for each that needs one."""
    return _HEADER + "\n".join(_lines(parameters, 0)).rstrip() + "\n"


def _lines(section: BaseModel, depth: int) -> list[str]:
    indent = "  " * depth
    lines: list[str] = []
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        lines += [f"{indent}# {line.strip()}" for line in (field.description or "").splitlines()]
        key = f"{indent}{field.alias or name}:"
        if isinstance(value, BaseModel):
            lines += [key, *_lines(value, depth + 1)]
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            lines.append(key)
            for item in value:
                inner = _lines(item, depth + 2)
                lines += _as_list_item(inner, "  " * (depth + 1))
        else:
            lines.append(f"{key} {_scalar(value)}")
        if depth == 0:
            lines.append("")
    return lines


def _as_list_item(lines: list[str], indent: str) -> list[str]:
    first = next(index for index, line in enumerate(lines) if not line.lstrip().startswith("#"))
    lines[first] = f"{indent}- {lines[first].lstrip()}"
    return lines


def _scalar(value: Any) -> str:
    plain = list(value) if isinstance(value, tuple) else value
    return yaml.safe_dump(plain, default_flow_style=True, allow_unicode=True, width=1000).replace("\n...", "").strip()
