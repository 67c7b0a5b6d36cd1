"""What a label file tells of photos, before their files are looked for; and how a label file is read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import StringConstraints, TypeAdapter, ValidationError

from pipeline.core.errors import DataError
from pipeline.intake.outlines import Outline
from pipeline.intake.source_tables import Facts

ClassName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

Document = TypeVar("Document")

_NUM_SHOWN = 3
_NOT_JSON = "json_invalid"
_OTHER_TYPES = ("dataclass_type", "list_type")


@dataclass(frozen=True, slots=True)
class Told:
    """What a label file says of one photo."""

    names: tuple[str, ...]
    """By which the file may go, the likeliest first; POSIX paths, or the ends of such."""
    labels: tuple[str, ...]
    """Classes, sorted; none = unlabelled."""
    facts: Facts = field(default_factory=Facts)
    outline: Outline | None = None
    remark: str = ""
    """What was not taken over, or empty."""


def read_document(text: bytes, expected: TypeAdapter[Document], marks: Sequence[str], path: Path) -> Document | None:
    """Read the JSON of a label file.

    Args:
        text: UTF-8.
        expected: what the tool writes; other keys are ignored.
        marks: keys without which, at its top or in its first item, the file is no such label file.
        path: of the file, for messages.

    Returns:
        None where the JSON is sound but of another kind.

    Raises:
        DataError: no JSON, nested too deeply, or a label file with parts that cannot be used.
    """
    try:
        return expected.validate_json(text)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
    if any(_is_other_kind(problem, marks) for problem in problems):
        return None
    told = [f"{_place(problem['loc'])}: {problem['msg']}" for problem in problems[:_NUM_SHOWN]]
    if problems[0]["type"] == _NOT_JSON:
        raise DataError(
            f"{path} is no JSON: {problems[0]['msg']}",
            expected="a whole JSON file in UTF-8, as the labelling tool exported it",
            todo="export the labels again, or take the file away if it says nothing of the photos",
        )
    raise unusable(path, f"cannot be used at {'; '.join(told)}")


def unusable(path: Path, problem: str) -> DataError:
    """The error of a label file that is none as its tool writes them."""
    return DataError(
        f"{path} {problem}",
        expected="COCO (images, annotations, categories) or Label Studio's JSON export (a list of tasks)",
        todo="export the labels again, or name path and label of each photo in photos.csv instead",
    )


def one_line(text: str) -> str:
    """A fact as tables hold it, on one line."""
    return " ".join(text.split())


def _is_other_kind(problem: Any, marks: Sequence[str]) -> bool:
    *first, last = problem["loc"] or ("",)
    is_top = not first or first == [0]
    is_missing = problem["type"] == "missing" and is_top and last in marks
    return is_missing or (problem["type"] in _OTHER_TYPES and problem["loc"] in ((), (0,)))


def _place(location: Sequence[str | int]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".")
