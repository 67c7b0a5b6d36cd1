"""COCO: images, annotations and categories in one JSON file."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import FailFast, FiniteFloat, NonNegativeInt, TypeAdapter

from pipeline.intake.outlines import Outline, Polygon, Runs, Shape
from pipeline.intake.source_tables import Facts, shown
from pipeline.intake.told import ClassName, Told, one_line, read_document, unusable

Number = int | str
"""Of an image, a category or a licence."""

_MARKS = ("images", "annotations", "categories")


@dataclass(frozen=True, slots=True)
class _Runs:
    size: tuple[NonNegativeInt, NonNegativeInt]
    counts: str | tuple[NonNegativeInt, ...]


@dataclass(frozen=True, slots=True)
class _Annotation:
    image_id: Number
    category_id: Number
    segmentation: tuple[tuple[FiniteFloat, ...], ...] | _Runs | None = None
    """Polygons, or run lengths."""


@dataclass(frozen=True, slots=True)
class _Image:
    id: Number
    file_name: str
    width: NonNegativeInt | None = None
    height: NonNegativeInt | None = None
    license: Any = None
    coco_url: Any = None
    date_captured: Any = None


@dataclass(frozen=True, slots=True)
class _Category:
    id: Number
    name: ClassName


@dataclass(frozen=True, slots=True)
class _Licence:
    id: Number
    name: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class _Coco:
    images: Annotated[tuple[_Image, ...], FailFast()]
    annotations: Annotated[tuple[_Annotation, ...], FailFast()]
    categories: Annotated[tuple[_Category, ...], FailFast()]
    licenses: Annotated[tuple[_Licence, ...], FailFast()] = ()


def read_coco(text: bytes, path: Path) -> tuple[Told, ...] | None:
    """Read what a COCO file tells of its images.

    The classes of an image are the categories of its annotations, crowds among them; an image without annotations is
    unlabelled. Polygons and run lengths are what is marked; boxes alone mark nothing.

    Args:
        text: of the file.
        path: of the file, for messages.

    Returns:
        None where it is some other JSON.

    Raises:
        DataError: no JSON, or annotations of images and categories that the file does not list.
    """
    coco = read_document(text, TypeAdapter(_Coco), _MARKS, path)
    if coco is None:
        return None
    _check_numbers(coco, path)
    classes = {category.id: category.name for category in coco.categories}
    licences = {licence.id: one_line(licence.name or licence.url or "") for licence in coco.licenses}
    of_image: dict[Number, list[_Annotation]] = defaultdict(list)
    for annotation in coco.annotations:
        of_image[annotation.image_id].append(annotation)
    return tuple(
        Told(
            names=(image.file_name.replace("\\", "/"),),
            labels=tuple(sorted({classes[annotation.category_id] for annotation in of_image[image.id]})),
            facts=_facts_of(image, licences),
            outline=_outline_of(image, of_image[image.id], path),
        )
        for image in coco.images
    )


def _check_numbers(coco: _Coco, path: Path) -> None:
    images = _numbers(coco.images, "images", path)
    categories = _numbers(coco.categories, "categories", path)
    strangers = sorted(
        {f"image {one.image_id}" for one in coco.annotations if one.image_id not in images}
        | {f"category {one.category_id}" for one in coco.annotations if one.category_id not in categories}
    )
    if strangers:
        raise unusable(path, f"has annotations of what it does not list: {shown(strangers)}")


def _numbers(items: Iterable[_Image] | Iterable[_Category], what: str, path: Path) -> set[Number]:
    numbers: set[Number] = set()
    for item in items:
        if item.id in numbers:
            raise unusable(path, f"has two {what} of id {item.id}")
        numbers.add(item.id)
    return numbers


def _facts_of(image: _Image, licences: Mapping[Number, str]) -> Facts:
    licence = licences.get(image.license, "") if isinstance(image.license, int | str) else ""
    url = image.coco_url if isinstance(image.coco_url, str) else ""
    return Facts(taken_at=_time(image.date_captured), url=one_line(url), licence=licence)


def _time(text: object) -> str:
    try:
        return datetime.fromisoformat(text.strip()).isoformat() if isinstance(text, str) else ""
    except ValueError:
        return ""


def _outline_of(image: _Image, annotations: Sequence[_Annotation], path: Path) -> Outline | None:
    shapes = tuple(shape for annotation in annotations for shape in _shapes_of(annotation))
    if not shapes:
        return None
    if not image.width or not image.height:
        raise unusable(path, f"has segmentations of {image.file_name}, but not its width and height")
    return Outline(image.width, image.height, shapes)


def _shapes_of(annotation: _Annotation) -> Iterable[Shape]:
    if isinstance(annotation.segmentation, _Runs):
        return [Runs(annotation.segmentation.size, annotation.segmentation.counts)]
    return [Polygon(corners) for corners in annotation.segmentation or () if corners]
