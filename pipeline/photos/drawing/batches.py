"""A batch of drawn photos: planned as a whole, drawn photo by photo in any order."""

import csv
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.core.errors import ParameterError
from pipeline.photos.drawing.photos import Condition, View, draw_photo
from pipeline.photos.drawing.spoils import COPIES, UNFOUND_COPIES, WITHOUT_MASK, Kind, mask_png, spoil
from pipeline.photos.drawing.streams import Stream

MIN_PHOTOS = 40
"""The smallest batch that holds every kind of spoil and enough good photos of each condition besides."""

LICENCE = "CC0-1.0"
AUTHOR = "drawn by the project's generator"

_PER_CENT = {
    Condition.INTACT: 30,
    Condition.CRACK: 22,
    Condition.SPALLING: 12,
    Condition.EFFLORESCENCE: 12,
    Condition.GROWTH: 12,
    Condition.MISSING_BRICK: 12,
}
"""Share of each condition among the photos."""

_PER_THOUSAND = {
    Kind.EXACT_COPY: 18,
    Kind.RE_ENCODED: 18,
    Kind.MIRRORED: 12,
    Kind.CAPTIONED: 9,
    Kind.WATERMARKED: 9,
    Kind.CROPPED: 9,
    Kind.LABEL_CONFLICT: 9,
    Kind.MISLABELLED: 9,
    Kind.DARK: 12,
    Kind.BLURRED: 12,
    Kind.TINY: 9,
    Kind.BLANK: 6,
    Kind.CMYK: 12,
    Kind.GREYSCALE: 18,
    Kind.EXIF_ROTATED: 24,
    Kind.PNG_AS_JPEG: 6,
    Kind.TRUNCATED: 12,
}
"""Share of each spoil; a batch has at least one of each."""


@dataclass(frozen=True)
class DrawnFile:
    """A file of a batch; `path` is POSIX, from the batch folder."""

    path: str
    content: bytes


@dataclass(frozen=True)
class PlannedPhoto:
    """A photo of a batch before it is drawn.

    Args:
        path: `<label>/<file>` from the batch folder.
        label: the folder that it is filed under.
        kind: what became of it.
        view: what was photographed.
        group: `<batch>-wall-<number>`, empty for copies whose origin cleaning can find.
        mask: path of its mask from the batch folder, or empty.
        source: path of the photo that it copies, or empty.
    """

    path: str
    label: str
    kind: Kind
    view: View
    group: str
    mask: str
    source: str


@dataclass(frozen=True)
class TruthRow:
    """A line of the truth table, for tests only.

    Args:
        path: from the root of the checkout, `data/<batch>/<label>/<file>`.
        true_label: what the wall shows, whatever folder the photo lies in; empty for a blank photo.
        kind: a `Kind`.
        source: path of the photo that it copies, like `path`, or empty.
    """

    path: str
    true_label: str
    kind: str
    source: str


@dataclass(frozen=True)
class _Shot:
    """A photo without a name yet; `source` is the shot that it copies."""

    view: View
    kind: Kind
    label: Condition
    source: "_Shot | None" = None


def plan_batch(name: str, num_photos: int, seed: int) -> list[PlannedPhoto]:
    """Settle what a batch holds, sorted by path; its files are numbered so that nothing follows from a name.

    Args:
        name: of the batch; other names give other photos.
        num_photos: files in all, good and spoilt, at least 40.
        seed: other seeds give other photos.

    Raises:
        ParameterError: fewer than 40 photos.
    """
    if num_photos < MIN_PHOTOS:
        raise ParameterError(
            f"{num_photos} photos asked for",
            expected=f"at least {MIN_PHOTOS}, so that every kind of spoil has room",
            todo="ask for more photos",
        )
    stream = Stream(seed, name)
    spoils = [kind for kind, share in _PER_THOUSAND.items() for _ in range(max(1, num_photos * share // 1000))]
    originals = _originals(num_photos - len(spoils), stream.child("walls"))
    shots = originals + _spoilt(spoils, originals, stream.child("spoils"))
    order = stream.child("order")
    keys = [(order.between(0, 1 << 30), index) for index in range(len(shots))]
    shuffled = [shots[index] for _, index in sorted(keys)]
    paths = {shot: f"{shot.label.value}/img-{number:04d}.jpg" for number, shot in enumerate(shuffled, start=1)}
    return sorted((_named(shot, paths, name) for shot in shots), key=lambda photo: photo.path)


def draw_planned(photo: PlannedPhoto, name: str, seed: int) -> list[DrawnFile]:
    """Draw one photo of a batch, and its mask where it has one."""
    stream = Stream(seed, name)
    drawing = draw_photo(photo.view, stream)
    kind = Kind.ORIGINAL if photo.kind in (Kind.EXACT_COPY, Kind.LABEL_CONFLICT) else photo.kind
    content, mask = spoil(drawing, kind, stream.child("file", photo.view.wall, photo.view.stretch, kind))
    files = [DrawnFile(photo.path, content)]
    if photo.mask:
        files.append(DrawnFile(photo.mask, mask_png(mask)))
    return files


def photos_csv(plan: Iterable[PlannedPhoto]) -> DrawnFile:
    """The table that a batch brings along: path, label, group, mask, licence and author of each photo."""
    rows = [(photo.path, photo.label, photo.group, photo.mask, LICENCE, AUTHOR) for photo in plan]
    return DrawnFile("photos.csv", csv_text(("path", "label", "group", "mask", "licence", "author"), rows).encode())


def truth_of(plan: Iterable[PlannedPhoto], name: str) -> list[TruthRow]:
    """What is true of the photos of a batch, in the order of the plan."""
    return [
        TruthRow(
            path=f"data/{name}/{photo.path}",
            true_label="" if photo.kind is Kind.BLANK else photo.view.condition.value,
            kind=photo.kind.value,
            source=f"data/{name}/{photo.source}" if photo.source else "",
        )
        for photo in plan
    ]


def csv_text(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A comma-separated table whose lines end in a line feed on every system."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()


def _originals(count: int, stream: Stream) -> list[_Shot]:
    """Good photos: one to three stretches of each wall, conditions by their shares."""
    shots: list[_Shot] = []
    wall = 0
    while len(shots) < count:
        condition = _most_wanted(shots)
        stretches = min(stream.between(1, 3), count - len(shots))
        shots += [_Shot(View(wall, stretch, condition), Kind.ORIGINAL, condition) for stretch in range(stretches)]
        wall += 1
    return shots


def _most_wanted(shots: list[_Shot]) -> Condition:
    """The condition that lacks the most photos for its share."""
    there = Counter(shot.label for shot in shots)
    return max(_PER_CENT, key=lambda condition: _PER_CENT[condition] * (len(shots) + 1) - 100 * there[condition])


def _spoilt(kinds: list[Kind], originals: list[_Shot], stream: Stream) -> list[_Shot]:
    """Copies of originals, each once at most, and spoilt photos of walls of their own."""
    left = list(originals)
    next_wall = originals[-1].view.wall + 1
    shots: list[_Shot] = []
    for number, kind in enumerate(kinds):
        if kind in COPIES:
            source = left.pop(stream.between(0, len(left) - 1))
            shots.append(_Shot(source.view, kind, _filed_as(source.view, kind, stream), source))
        else:
            view = View(next_wall + number, 0, _any_condition(stream))
            shots.append(_Shot(view, kind, _filed_as(view, kind, stream)))
    return shots


def _any_condition(stream: Stream) -> Condition:
    conditions = [condition for condition, share in _PER_CENT.items() for _ in range(share)]
    return conditions[stream.between(0, len(conditions) - 1)]


def _filed_as(view: View, kind: Kind, stream: Stream) -> Condition:
    """The label that a photo lies under: its condition, or another one for misfiled kinds."""
    if kind not in (Kind.LABEL_CONFLICT, Kind.MISLABELLED):
        return view.condition
    others = [condition for condition in Condition if condition is not view.condition]
    return others[stream.between(0, len(others) - 1)]


def _named(shot: _Shot, paths: dict[_Shot, str], name: str) -> PlannedPhoto:
    condition = shot.view.condition
    has_mask = condition is not Condition.INTACT and shot.label is condition and shot.kind not in WITHOUT_MASK
    # No scraper knows the origin of a crop or a captioned copy, but cleaning does not find these copies by their pixels
    # yet: without the group of their source they would leak from one side to another.
    has_group = shot.source is None or shot.kind in UNFOUND_COPIES
    path = paths[shot]
    return PlannedPhoto(
        path=path,
        label=shot.label.value,
        kind=shot.kind,
        view=shot.view,
        group=f"{name}-wall-{shot.view.wall:04d}" if has_group else "",
        mask=f"_masks/{path.removesuffix('.jpg')}.png" if has_mask else "",
        source=paths[shot.source] if shot.source else "",
    )
