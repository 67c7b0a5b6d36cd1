import ast
from pathlib import Path

import pytest

from pipeline.photos import drawing

MODULES = sorted(Path(drawing.__file__).parent.glob("*.py"))
FLOATING = {
    "float",
    "float32",
    "float64",
    "mean",
    "sqrt",
    "hypot",
    "linspace",
    "sin",
    "cos",
    "random",
    "average",
    "std",
    "var",
    "median",
    "quantile",
    "percentile",
    "exp",
    "log",
    "divide",
}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_the_generator_reckons_in_whole_numbers_alone(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text())):
        line = f"{module.name}:{getattr(node, 'lineno', 0)}"
        assert not isinstance(node, ast.Div), f"a quotient with a fraction in {module.name}"
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), line
        assert not (isinstance(node, ast.Attribute) and node.attr in FLOATING), line
        assert not (isinstance(node, ast.Name) and node.id == "float"), line
