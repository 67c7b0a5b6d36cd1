"""Label Studio: its JSON export, a list of tasks with the annotations that people made of each."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import FailFast, Field, FiniteFloat, TypeAdapter

from pipeline.core.errors import DataError
from pipeline.intake.outlines import Brush, Outline, Polygon, Shape
from pipeline.intake.source_tables import shown
from pipeline.intake.told import ClassName, Told, read_document

_MARKS = ("annotations", "data")
_SHORT_MARKS = ("annotation_id",)
_UPLOAD_PREFIX = re.compile(r"^[0-9a-f]{8}-(?=.)")
_LOCAL_FILES = "/data/local-files/"

Names = tuple[ClassName, ...]


@dataclass(frozen=True, slots=True)
class _Value:
    """What one control says; the words for the class depend on the control."""

    choices: Names = ()
    labels: Names = ()
    polygonlabels: Names = ()
    rectanglelabels: Names = ()
    brushlabels: Names = ()
    ellipselabels: Names = ()
    keypointlabels: Names = ()
    points: tuple[tuple[FiniteFloat, FiniteFloat], ...] = ()
    """Corners of a polygon, in per cent of the photo's width and height."""
    rle: tuple[Annotated[int, Field(ge=0, le=255)], ...] = ()
    """Bytes of packed brush strokes."""

    def region_classes(self) -> tuple[str, ...]:
        return (
            self.labels
            + self.polygonlabels
            + self.rectanglelabels
            + self.brushlabels
            + self.ellipselabels
            + self.keypointlabels
        )


@dataclass(frozen=True, slots=True)
class _Result:
    value: _Value = _Value()
    original_width: FiniteFloat = 0.0
    original_height: FiniteFloat = 0.0
    image_rotation: FiniteFloat = 0.0


@dataclass(frozen=True, slots=True)
class _Annotation:
    result: Annotated[tuple[_Result, ...], FailFast()] = ()
    was_cancelled: bool = False
    ground_truth: bool = False
    completed_by: Any = None

    def classes(self) -> tuple[str, ...]:
        """Choices are about the whole photo and go before the classes of its regions."""
        chosen = {name for result in self.result for name in result.value.choices}
        regional = {name for result in self.result for name in result.value.region_classes()}
        return tuple(sorted(chosen or regional))


@dataclass(frozen=True, slots=True)
class _Task:
    data: dict[str, Any]
    annotations: Annotated[tuple[_Annotation, ...], FailFast()]
    file_upload: str | None = None
    id: int | str = ""


@dataclass(frozen=True, slots=True)
class _ShortTask:
    annotation_id: Any


def read_label_studio(text: bytes, path: Path) -> tuple[Told, ...] | None:
    """Read what people said of each task, those who cancelled left out.

    The class is what was chosen for the photo, else the one class of its regions; where an annotation is the ground
    truth, it alone counts. Polygons and brush strokes are what is marked.

    Args:
        text: of the file.
        path: of the file, for messages.

    Returns:
        None where it is some other JSON.

    Raises:
        DataError: no JSON, the short export that does not tell classes from remarks, or people who disagree.
    """
    tasks = read_document(text, TypeAdapter(Annotated[tuple[_Task, ...], FailFast()]), _MARKS, path)
    if tasks is None:
        _refuse_short_export(text, path)
        return None
    disagreements = [one for task in tasks if (one := _disagreement_over(task))]
    if disagreements:
        raise DataError(
            f"{path}: people disagree over {len(disagreements)} photos: {shown(disagreements)}",
            expected="one class for each photo from all who labelled it",
            todo="settle them in Label Studio, by a ground truth or by cancelling what is wrong, and export again",
        )
    return tuple(_told(task) for task in tasks)


def _refuse_short_export(text: bytes, path: Path) -> None:
    short = TypeAdapter(Annotated[tuple[_ShortTask, ...], FailFast()])
    if read_document(text, short, _SHORT_MARKS, path):
        raise DataError(
            f"{path} is a JSON-MIN export, which does not tell classes from remarks that people typed",
            expected="Label Studio's JSON export",
            todo="export the project again and choose JSON",
        )


def _counting(task: _Task) -> list[_Annotation]:
    """Annotations that say something, or the ground truth alone."""
    finished = [one for one in task.annotations if not one.was_cancelled and one.classes()]
    return [one for one in finished if one.ground_truth] or finished


def _disagreement_over(task: _Task) -> str:
    said = [(_annotator(one), one.classes()) for one in _counting(task)]
    if len({classes for _, classes in said}) < 2:
        return ""
    words = ", ".join(f"{who}: {' and '.join(classes)}" for who, classes in said)
    return f"{_names_of(task)[0]} ({words})"


def _annotator(annotation: _Annotation) -> str:
    who = annotation.completed_by
    return f"annotator {who.get('id', '?') if isinstance(who, dict) else who}"


def _told(task: _Task) -> Told:
    counting = _counting(task)
    first = counting[0] if counting else _Annotation()
    outline, remark = _outline_of(first.result)
    names = _names_of(task)
    return Told(names, first.classes(), outline=outline, remark=f"{names[0]}: {remark}" if remark else "")


def _outline_of(results: Sequence[_Result]) -> tuple[Outline | None, str]:
    """What is marked, or why it is left out."""
    marking = [result for result in results if result.value.points or result.value.rle]
    if not marking:
        return None, ""
    width, height = marking[0].original_width, marking[0].original_height
    if not width or not height:
        return None, "what is marked on it is left out, since the size of the photo is not told"
    if any(result.image_rotation % 360 for result in marking):
        return None, "what is marked on it is left out, since it was turned in Label Studio"
    shapes = tuple(_shape_of(result.value, width, height) for result in marking)
    return Outline(int(width), int(height), shapes), ""


def _shape_of(value: _Value, width: float, height: float) -> Shape:
    if value.rle:
        return Brush(bytes(value.rle))
    return Polygon(tuple(part for x, y in value.points for part in (x / 100 * width, y / 100 * height)))


def _names_of(task: _Task) -> tuple[str, ...]:
    """Names that the photo's file may go by, the likeliest first."""
    texts = [task.file_upload, task.data.get("image"), *task.data.values()]
    paths = [path for text in texts if isinstance(text, str) and (path := _path_in(text))]
    names = dict.fromkeys(name for path in paths for name in _with_and_without_prefix(path))
    return tuple(names) or (f"task {task.id}",)


def _path_in(text: str) -> str:
    """The path in an address, such as one of the labelling tool's own server or of a bucket; else the text."""
    is_address = "://" in text or text.startswith("/data/")
    if is_address:
        try:
            parts = urlsplit(text)
        except ValueError:  # such as half of an IPv6 address
            return ""
        local = parse_qs(parts.query).get("d", [""])[0] if parts.path == _LOCAL_FILES else ""
        text = local or unquote(parts.path)
    return text.replace("\\", "/").strip("/")


def _with_and_without_prefix(path: str) -> Iterator[str]:
    yield path
    folder, _, name = path.rpartition("/")
    bare = _UPLOAD_PREFIX.sub("", name)
    if bare != name:
        yield f"{folder}/{bare}" if folder else bare
