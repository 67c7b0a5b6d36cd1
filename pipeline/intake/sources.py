"""What a folder of photos holds: class folders, train and test folders, a table or label files."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from pipeline.core.errors import DataError
from pipeline.intake.inbox import MARKER
from pipeline.intake.label_files import ReadLabelFile, label_files_at, label_table, read_label_file
from pipeline.intake.source_tables import TABLE_NAMES, Facts, PhotoLine, SourceTable, read_source_table, shown
from pipeline.photos.listing import MASKS, ORIGINALS, UNLABELLED

_SIDE_FOLDERS = ("train", "test")
_NOT_CLASSES = ("annotations", "images", "masks", "photos")
_MAX_CLASS_BYTES = 200  # file systems take 255 for the name of a folder
_PHOTO_ENDINGS = (".bmp", ".gif", ".heic", ".heif", ".hif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
_LITTER = ("__MACOSX", "Thumbs.db", "desktop.ini", MARKER)


@dataclass(frozen=True, slots=True)
class SourcePart:
    """Photos that become one batch; all paths are POSIX, relative to the source's root."""

    name: str
    """`train` or `test` where the source has these folders, else empty."""
    photos: tuple[PhotoLine, ...]
    masks: tuple[str, ...]
    left_out: tuple[str, ...]
    """Files beside the photos that are neither photos nor masks nor tables."""
    remarks: tuple[str, ...] = ()
    """What was not taken over from label files, in sentences."""


@dataclass(frozen=True, slots=True)
class Source:
    """A folder as it was understood."""

    root: Path
    """The given folder, or the one inside it where the outer one only wraps."""
    parts: tuple[SourcePart, ...]
    hidden: tuple[str, ...]
    """Photos that no later stage would see, since their names begin with a dot; macOS' `._` files are none."""


def read_source(folder: Path) -> Source:
    """Understand a folder of photos without opening any of them.

    Labels come from label files, or from the table's label column where there is one, else from the class folders.
    Hidden files are named and else not seen. Photos without a label come under `_unlabelled/`, or with an empty label
    in the table.

    Raises:
        DataError: no photos, photos without labels, folders inside class folders, names that cannot be classes,
            links, a table that does not fit (see `read_source_table`), or label files that do not (see `label_table`).
    """
    files = _files_below(folder)
    root = folder
    read = cache(read_label_file)
    while wrapper := _wrapper(root, files, read):
        root /= wrapper
        files = _inside(wrapper, files)
    table = _table_at(root, files, read)
    tops = {file.split("/")[0] for file in files if "/" in file and file not in table.files} - {MASKS, ORIGINALS}
    sides = [side for side in _SIDE_FOLDERS if side in tops]
    if sides and tops - set(sides):
        raise DataError(
            f"{root} holds the folders {', '.join(sorted(tops))}",
            expected="class folders, or `train` and `test` folders and nothing beside them",
            todo="move validation photos into `train` (the pipeline draws the validation side itself)",
        )
    parts = (_read_part(root, side, files, _table_of(root, side, files, table, read)) for side in sides or ("",))
    return Source(root, tuple(parts), _hidden_photos(root))


def _files_below(folder: Path) -> list[str]:
    found: list[str] = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if is_seen(name)]
        for name in (*folders, *filter(is_seen, files)):
            path = Path(parent, name)
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise DataError(
                    f"{path} is a link or a device",
                    expected="plain files and folders",
                    todo="put the photos themselves in its place (`cp -rL <folder> <copy>`)",
                )
        found.extend(Path(parent, name).relative_to(folder).as_posix() for name in filter(is_seen, files))
    return sorted(found)


def _hidden_photos(root: Path) -> tuple[str, ...]:
    found: list[str] = []
    for parent, folders, files in os.walk(root):
        folders[:] = [name for name in folders if is_seen(name)]
        hidden = (name for name in files if name.startswith(".") and not name.startswith("._"))
        found.extend(Path(parent, name).relative_to(root).as_posix() for name in hidden if looks_like_photo(name))
    return tuple(sorted(found))


def is_seen(name: str) -> bool:
    """Whether a name is not one of hidden files, of what systems leave beside those of people, or of the marker."""
    return not name.startswith(".") and name not in _LITTER


def _wrapper(root: Path, files: Sequence[str], read: ReadLabelFile) -> str | None:
    """The only folder at the top, where no photo or table lies beside it and it holds folders or a table."""
    tops = {file.split("/")[0] for file in files if "/" in file or looks_like_photo(file) or file in TABLE_NAMES}
    if len(tops) != 1 or tops & {*files, *_SIDE_FOLDERS, UNLABELLED, MASKS, ORIGINALS}:
        return None
    (top,) = tops
    if label_files_at(root, files, read):
        return None
    inner = _inside(top, files)
    if any(name in inner for name in TABLE_NAMES) or label_files_at(root / top, inner, read):
        return top
    return top if all("/" in file or not looks_like_photo(file) for file in inner) else None


def _inside(folder: str, files: Sequence[str]) -> list[str]:
    """The files of a folder, by their paths from there."""
    return [file.removeprefix(f"{folder}/") for file in files if file.startswith(f"{folder}/")]


def _read_part(root: Path, side: str, files: Sequence[str], table: SourceTable) -> SourcePart:
    prefix = f"{side}/" if side else ""
    tables = {f"{folder}{name}" for folder in ("", prefix) for name in TABLE_NAMES} | table.files
    own = [file for file in files if file.startswith(prefix) and file not in tables]
    listed_masks = {table.lines[file].facts.mask for file in own if file in table.lines} - {""}
    masks = listed_masks | {file for file in own if file.startswith(f"{prefix}{MASKS}/")}
    originals = {file for file in own if file.startswith(f"{prefix}{ORIGINALS}/")}
    apart = masks | originals
    photos = [file for file in own if file not in apart and _is_settled(file.removeprefix(prefix), file, table)]
    others = sorted(set(own) - apart - set(photos))
    unlabelled = [file for file in others if looks_like_photo(file)]
    if unlabelled:
        raise _without_labels(root, unlabelled, table)
    if not photos:
        raise DataError(
            f"{root / side} holds no photos" + (f", but {shown(others)}" if others else ""),
            expected="photos in class folders, or with a photos.csv",
            todo="check the path; `<folder>/<class>/<photo>` is the simplest layout, an archive is named itself",
        )
    labelled = tuple(_labelled(root, file, file.removeprefix(prefix), table) for file in photos)
    left_out = sorted({*others, *(originals - {photo.facts.original for photo in labelled})})
    return SourcePart(side, labelled, tuple(sorted(masks)), tuple(left_out), table.remarks)


def _table_at(root: Path, files: Sequence[str], read: ReadLabelFile) -> SourceTable:
    """The table of a folder: `photos.csv`, `labels.csv`, or the label files as one."""
    label_files = label_files_at(root, files, read)
    tables = [name for name in TABLE_NAMES if name in files]
    if tables and label_files:
        raise DataError(
            f"{root} holds {' and '.join([*tables, *label_files])}",
            expected="one table of the photos",
            todo=f"take either {' and '.join(tables)} or the label files away",
        )
    return label_table(root, label_files, files) if label_files else read_source_table(root, set(files))


def _table_of(root: Path, side: str, files: Sequence[str], top: SourceTable, read: ReadLabelFile) -> SourceTable:
    """The table at the top goes before tables in `train` and `test`."""
    if top.lines or not side:
        return top
    inner = _table_at(root / side, _inside(side, files), read)
    moved = [_moved(photo, f"{side}/") for photo in inner.lines.values()]
    own = frozenset(f"{side}/{file}" for file in inner.files)
    return SourceTable({photo.path: photo for photo in moved}, inner.gives_labels, own, inner.remarks)


def _moved(photo: PhotoLine, prefix: str) -> PhotoLine:
    moved = {name: prefix + path for name in ("mask", "original") if (path := getattr(photo.facts, name))}
    return replace(photo, path=prefix + photo.path, facts=replace(photo.facts, **moved))


def _is_settled(place: str, file: str, table: SourceTable) -> bool:
    """Whether something says what is on the photo, or that it is unlabelled on purpose."""
    if table.gives_labels:
        return file in table.lines or place.startswith(f"{UNLABELLED}/")
    return "/" in place


def _labelled(root: Path, file: str, place: str, table: SourceTable) -> PhotoLine:
    listed = table.lines.get(file, PhotoLine(file, None, Facts()))
    if table.gives_labels and file in table.lines:
        label = listed.label
    else:
        folder, _, name = place.partition("/")
        label = None if folder == UNLABELLED else folder
        if label is not None and "/" in name:
            raise DataError(
                f"{root / file} lies in a folder inside the class folder {folder}",
                expected="`<class>/<photo>`, one level of folders",
                todo="move the photos up, bring the inner folder in by itself, or name the labels in photos.csv",
            )
    if label is not None:
        check_class_name(label, root)
    return replace(listed, label=label)


def check_class_name(label: str, root: Path) -> None:
    """Refuse what cannot be the name of a class.

    Args:
        label: the name.
        root: where it was found, for the message.

    Raises:
        DataError: the name says nothing of what is on photos, or cannot be a folder's.
    """
    if label.lower() in _NOT_CLASSES:
        raise DataError(
            f"{root} has a folder {label}, which does not say what is on its photos",
            expected="a folder per class; masks under `_masks/`",
            todo="sort the photos into class folders, or name path, label and mask of each in photos.csv",
        )
    is_long = len(label.encode()) > _MAX_CLASS_BYTES
    if is_long or label[0] in "_." or "/" in label or "\\" in label or not label.isprintable():
        raise DataError(
            f"{root} has the class {label!r}",
            expected="a short name of printable characters without `/` and `\\`, not starting with `_` or `.`",
            todo="rename the class; unlabelled photos lie under `_unlabelled/`",
        )


def _without_labels(root: Path, photos: Sequence[str], table: SourceTable) -> DataError:
    why = "not in the table that gives the labels" if table.gives_labels else "in no class folder"
    return DataError(
        f"{root} holds {len(photos)} photos without labels, {why}: {shown(photos)}",
        expected="class folders, or a photos.csv that names path and label of each photo",
        todo="sort them into class folders, add them to photos.csv, or put them under `_unlabelled/` on purpose",
    )


def looks_like_photo(file: str) -> bool:
    """Whether a file is named as photos are; nothing is opened."""
    return file.lower().endswith(_PHOTO_ENDINGS)
