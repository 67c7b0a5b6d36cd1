"""Problems of parameters in words: the path of the value, what is wrong, and the nearest name of a misspelt key."""

import difflib
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails


def in_words(problem: ErrorDetails, root: type[BaseModel]) -> str:
    """One line for one problem that pydantic found in the values of `root`."""
    location = problem["loc"]
    name = ".".join(str(part) for part in location)
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(location[-1]), _names_at(location[:-1], root), n=1, cutoff=0.5)
        return f"{name}: unknown" + (f"; did you mean {near[0]}?" if near else "")
    if problem["type"] == "missing":
        return f"{name}: missing"
    if problem["type"] == "value_error":
        return f"{name}: {problem['ctx']['error']}"
    return f"{name}: {problem['msg']} (came: {problem['input']!r})"


def _names_at(location: tuple[int | str, ...], root: type[BaseModel]) -> list[str]:
    section: Any = root
    for part in location:
        if isinstance(part, int):
            continue
        field = next(f for name, f in section.model_fields.items() if part in (name, f.alias))
        section = _section_in(field.annotation)
    return [field.alias or name for name, field in section.model_fields.items()]


def _section_in(annotation: Any) -> Any:
    arguments = getattr(annotation, "__args__", ())
    return next((argument for argument in arguments if hasattr(argument, "model_fields")), annotation)
