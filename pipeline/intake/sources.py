"""What a folder of photos holds: class folders, train and test folders, or a table."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.core.errors import DataError
from pipeline.intake.source_tables import TABLE_NAMES, Facts, PhotoLine, SourceTable, read_source_table, shown
from pipeline.photos.listing import MASKS, UNLABELLED

_SIDE_FOLDERS = ("train", "test")
_NOT_CLASSES = ("images", "masks", "photos")
_PHOTO_ENDINGS = (".bmp", ".gif", ".heic", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
_LITTER = ("__MACOSX", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True, slots=True)
class SourcePart:
    """Photos that become one batch; all paths are POSIX, relative to the source's root."""

    name: str
    """`train` or `test` where the source has these folders, else empty."""
    photos: tuple[PhotoLine, ...]
    masks: tuple[str, ...]
    left_out: tuple[str, ...]
    """Files beside the photos that are neither photos nor masks nor tables."""


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

    Labels come from the table's label column where there is one, else from the class folders. Hidden files are
    named and else not seen. Photos without a label come under `_unlabelled/`, or with an empty label in the table.

    Raises:
        DataError: no photos, photos without labels, folders inside class folders, names that cannot be classes,
            links, or a table that does not fit (see `read_source_table`).
    """
    files = _files_below(folder)
    root = folder
    while wrapper := _wrapper(files):
        root /= wrapper
        files = _inside(wrapper, files)
    table = read_source_table(root, set(files))
    tops = {file.split("/")[0] for file in files if "/" in file} - {MASKS}
    sides = [side for side in _SIDE_FOLDERS if side in tops]
    if sides and tops - set(sides):
        raise DataError(
            f"{root} holds the folders {', '.join(sorted(tops))}",
            expected="class folders, or `train` and `test` folders and nothing beside them",
            todo="move validation photos into `train` (the pipeline draws the validation side itself)",
        )
    parts = (_read_part(root, side, files, _table_of(root, side, files, table)) for side in sides or ("",))
    return Source(root, tuple(parts), _hidden_photos(root))


def _files_below(folder: Path) -> list[str]:
    found: list[str] = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if _is_seen(name)]
        for name in (*folders, *filter(_is_seen, files)):
            path = Path(parent, name)
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise DataError(
                    f"{path} is a link or a device",
                    expected="plain files and folders",
                    todo="put the photos themselves in its place (`cp -rL <folder> <copy>`)",
                )
        found.extend(Path(parent, name).relative_to(folder).as_posix() for name in filter(_is_seen, files))
    return sorted(found)


def _hidden_photos(root: Path) -> tuple[str, ...]:
    found: list[str] = []
    for parent, folders, files in os.walk(root):
        folders[:] = [name for name in folders if _is_seen(name)]
        hidden = (name for name in files if name.startswith(".") and not name.startswith("._"))
        found.extend(Path(parent, name).relative_to(root).as_posix() for name in hidden if looks_like_photo(name))
    return tuple(sorted(found))


def _is_seen(name: str) -> bool:
    return not name.startswith(".") and name not in _LITTER


def _wrapper(files: Sequence[str]) -> str | None:
    """The only folder at the top, where no photo or table lies beside it and it holds folders or a table."""
    tops = {file.split("/")[0] for file in files if "/" in file or looks_like_photo(file) or file in TABLE_NAMES}
    if len(tops) != 1 or tops & {*files, *_SIDE_FOLDERS, UNLABELLED, MASKS}:
        return None
    (top,) = tops
    inner = _inside(top, files)
    if any(name in inner for name in TABLE_NAMES):
        return top
    return top if all("/" in file or not looks_like_photo(file) for file in inner) else None


def _inside(folder: str, files: Sequence[str]) -> list[str]:
    """The files of a folder, by their paths from there."""
    return [file.removeprefix(f"{folder}/") for file in files if file.startswith(f"{folder}/")]


def _read_part(root: Path, side: str, files: Sequence[str], table: SourceTable) -> SourcePart:
    prefix = f"{side}/" if side else ""
    tables = {f"{folder}{name}" for folder in ("", prefix) for name in TABLE_NAMES}
    own = [file for file in files if file.startswith(prefix) and file not in tables]
    listed_masks = {table.lines[file].facts.mask for file in own if file in table.lines} - {""}
    masks = listed_masks | {file for file in own if file.startswith(f"{prefix}{MASKS}/")}
    photos = [file for file in own if file not in masks and _is_settled(file.removeprefix(prefix), file, table)]
    others = sorted(set(own) - masks - set(photos))
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
    return SourcePart(side, labelled, tuple(sorted(masks)), left_out=tuple(others))


def _table_of(root: Path, side: str, files: Sequence[str], top: SourceTable) -> SourceTable:
    """The table at the top goes before tables in `train` and `test`."""
    if top.lines or not side:
        return top
    inner = read_source_table(root / side, _inside(side, files))
    moved = [_moved(photo, f"{side}/") for photo in inner.lines.values()]
    return SourceTable({photo.path: photo for photo in moved}, inner.gives_labels)


def _moved(photo: PhotoLine, prefix: str) -> PhotoLine:
    mask = prefix + photo.facts.mask if photo.facts.mask else ""
    return PhotoLine(prefix + photo.path, photo.label, replace(photo.facts, mask=mask))


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
    if label[0] in "_." or "/" in label or "\\" in label or not label.isprintable():
        raise DataError(
            f"{root} has the class {label!r}",
            expected="a name of printable characters without `/` and `\\`, not starting with `_` or `.`",
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
