"""The graph names what shapes a stage's result: a change there runs it again, a change elsewhere does not."""

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GRAPH: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
# They carry words, places and checks; the values of parameters are tracked as parameters.
WITHOUT_RESULT = {
    f"pipeline/core/{name}.py"
    for name in (
        "errors",
        "locks",
        "memory",
        "parameter_types",
        "parameters",
        "paths",
        "problems",
        "progress",
        "sections",
        "training_parameters",
    )
}
# Of tables these stages are readers only: a change of form comes to them as a changed table.
READERS = {"train", "export"}
OF_TABLES = {"pipeline/core/tables.py", "pipeline/photos/records.py"}
# It names the checkpoint.
BESIDE_THE_RESULT = {("train", "pipeline/core/hashing.py")}


def module_file(name: str) -> str | None:
    path = f"{name.replace('.', '/')}.py"
    return path if (ROOT / path).is_file() else None


def imports_of(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    named: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
    return {file for name in named if (file := module_file(name))}


def shapers_of(stage: str) -> set[str]:
    """The modules a stage reaches by imports, not through other stages: their outputs speak for them."""
    reached, waiting = set(), {f"pipeline/stages/{stage}.py"}
    while waiting:
        file = waiting.pop()
        reached.add(file)
        found = {one for one in imports_of(file) if not one.startswith("pipeline/stages/")}
        waiting |= found - reached - WITHOUT_RESULT - (OF_TABLES if stage in READERS else set())
    return {file for file in reached if (stage, file) not in BESIDE_THE_RESULT}


def code_of(stage: str) -> set[str]:
    code = {name for name in GRAPH[stage]["deps"] if name.startswith(("pipeline/", "serving/"))}
    files = {file for name in code for file in ([ROOT / name] if name.endswith(".py") else (ROOT / name).rglob("*.py"))}
    return {file.relative_to(ROOT).as_posix() for file in files if file.name != "__init__.py"}


@pytest.mark.parametrize("stage", GRAPH)
def test_a_stage_depends_on_the_modules_that_shape_its_result_and_on_no_others(stage: str) -> None:
    assert code_of(stage) == shapers_of(stage)


@pytest.mark.parametrize("stage", GRAPH)
def test_every_dependency_on_code_exists(stage: str) -> None:
    assert [name for name in GRAPH[stage]["deps"] if name.startswith(("pipeline/", "serving/"))]
    assert all((ROOT / name).exists() for name in GRAPH[stage]["deps"] if name.startswith(("pipeline/", "serving/")))
