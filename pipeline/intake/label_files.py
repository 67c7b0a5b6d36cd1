"""Label files: JSON of labelling tools that lies beside the photos, at the top or under `annotations/`."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from pipeline.core.errors import DataError
from pipeline.core.progress import spinner
from pipeline.intake.coco import read_coco
from pipeline.intake.label_studio import read_label_studio
from pipeline.intake.source_tables import Facts, PhotoLine, SourceTable, comparable, shown
from pipeline.intake.told import Told, unusable
from pipeline.photos.listing import MASKS, ORIGINALS

ANNOTATIONS = "annotations"

ReadLabelFile = Callable[[Path], tuple[Told, ...] | None]

_MAX_BYTES = 512 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_IMAGES = "images"
_AMBIGUOUS = ""


def read_label_file(path: Path) -> tuple[Told, ...] | None:
    """Read what a JSON file tells of photos.

    Returns:
        None where it is sound JSON that is no label file.

    Raises:
        DataError: no JSON, too large, or a label file that cannot be used; see `read_coco` and `read_label_studio`.
    """
    num_bytes = path.stat().st_size
    if num_bytes > _MAX_BYTES:
        raise unusable(path, f"has {num_bytes:,} bytes; at most {_MAX_BYTES:,} are read")
    with spinner(f"read {path.name}"):
        text = path.read_bytes().removeprefix(_BYTE_ORDER_MARK)
        return read_label_studio(text, path) if text.lstrip()[:1] == b"[" else read_coco(text, path)


def label_files_at(root: Path, files: Collection[str], read: ReadLabelFile) -> dict[str, tuple[Told, ...]]:
    """Read the label files of a folder, at its top or under `annotations/`, by their paths from it.

    Args:
        root: the folder.
        files: POSIX paths of the files below it.
        read: gives what a JSON file tells, such as `read_label_file`.
    """
    found: dict[str, tuple[Told, ...]] = {}
    for file in sorted(files):
        folder, _, name = file.rpartition("/")
        if folder in ("", ANNOTATIONS) and name.lower().endswith(".json"):
            told = read(root / file)
            if told:
                found[file] = told
    return found


def label_table(root: Path, label_files: Mapping[str, Sequence[Told]], files: Collection[str]) -> SourceTable:
    """Join what label files tell, and find the photos that they speak of.

    A photo's name is looked for from the folder, then below `images/`, then as the end of one path alone, and last by
    ever shorter ends of the name itself.

    Raises:
        DataError: photos that are not there, names that fit several files, or photos of more than one class.
    """
    photos = [file for file in files if file not in label_files and not _is_apart(file)]
    where = ", ".join(str(root / file) for file in label_files)
    joined = _joined([told for one in label_files.values() for told in one], _Finder(photos), where)
    several = sorted(f"{path} ({', '.join(told.labels)})" for path, told in joined.items() if len(told.labels) > 1)
    if several:
        raise DataError(
            f"{where}: {len(several)} photos are many-label: {shown(several)}",
            expected="one label per photo; many-label photos are out of scope for now",
            todo="keep the label that matters for your task, or leave the photos out",
        )
    lines = {
        path: PhotoLine(path, told.labels[0] if told.labels else None, told.facts, told.outline)
        for path, told in joined.items()
    }
    remarks = tuple(told.remark for told in joined.values() if told.remark)
    return SourceTable(lines, gives_labels=True, files=frozenset(label_files), remarks=remarks)


@dataclass(frozen=True, slots=True)
class _Found:
    path: str
    is_sure: bool
    """Whether the whole name fits, rather than an end of it."""


class _Finder:
    """Finds files by their paths or by the ends of these, each in a few steps however many files there are."""

    def __init__(self, files: Sequence[str]) -> None:
        self._by_path = {comparable(file): file for file in files}
        self._by_end: dict[str, str] = {}
        for path, file in self._by_path.items():
            for end in _ends_of(path):
                self._by_end[end] = _AMBIGUOUS if end in self._by_end else file

    def find(self, name: str) -> _Found | None:
        """The file that goes by a name, `_AMBIGUOUS` for one that fits several, None where there is none."""
        name = comparable(name).lstrip("/")
        for path in (name, f"{_IMAGES}/{name}"):
            if path in self._by_path:
                return _Found(self._by_path[path], is_sure=True)
        for end in _ends_of(name):
            if end in self._by_end:
                return _Found(self._by_end[end], is_sure=end == name)
        return None


def _joined(told: Sequence[Told], finder: _Finder, where: str) -> dict[str, Told]:
    """What is told, by the paths of the photos."""
    joined: dict[str, Told] = {}
    sure: dict[str, bool] = {}
    absent: list[str] = []
    unclear: list[str] = []
    for one in told:
        found = next(filter(None, map(finder.find, one.names)), None)
        if found is None:
            absent.append(one.names[0])
        elif found.path == _AMBIGUOUS:
            unclear.append(one.names[0])
        elif found.path not in joined:
            joined[found.path], sure[found.path] = one, found.is_sure
        elif one.names[0] == joined[found.path].names[0] or (found.is_sure and sure[found.path]):
            joined[found.path] = _merged(joined[found.path], one)
        else:
            unclear += [joined[found.path].names[0], one.names[0]]
    if absent or unclear:
        raise _not_found(absent, unclear, where)
    return joined


def _merged(first: Told, second: Told) -> Told:
    """What two entries say of one photo."""
    facts = {item.name: getattr(first.facts, item.name) or getattr(second.facts, item.name) for item in fields(Facts)}
    return replace(
        first,
        labels=tuple(sorted({*first.labels, *second.labels})),
        facts=Facts(**facts),
        outline=first.outline or second.outline,
        remark=first.remark or second.remark,
    )


def _not_found(absent: Sequence[str], unclear: Sequence[str], where: str) -> DataError:
    problems = [
        *([f"names {len(absent)} photos that are not there: {shown(absent)}"] if absent else []),
        *([f"has names that fit several photos: {shown(unclear)}"] if unclear else []),
    ]
    return DataError(
        f"{where} {', and '.join(problems)}",
        expected="names of photos that came with it, from its folder or from `images/`",
        todo="bring these photos as well, or export the labels of this batch alone, with the folders in the names",
    )


def _is_apart(file: str) -> bool:
    return bool({MASKS, ORIGINALS} & set(file.split("/")[:2]))


def _ends_of(path: str) -> Iterator[str]:
    """The path, and what is left of it without its first folder, its first two, and so on."""
    while path:
        yield path
        path = path.partition("/")[2]
