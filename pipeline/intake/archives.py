"""Archives from anywhere, unpacked without trust: regular files only, inside the target, within caps."""

import gzip
import io
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from pipeline.core.errors import DataError
from pipeline.core.progress import progress_bar

_BLOCK_BYTES = 1 << 20
_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_ENCRYPTED = 0x1
_PLAIN_FILE = (tarfile.REGTYPE, tarfile.AREGTYPE)
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    NotImplementedError,
)


@dataclass(frozen=True, slots=True)
class ArchiveCaps:
    """How much an archive may unpack to."""

    max_files: int = 500_000
    max_bytes: int = 100 * 2**30
    max_ratio: float = 100.0
    """Unpacked bytes over the bytes of the archive; photos hardly shrink, bombs do."""
    min_ratio_bytes: int = 64 * 2**20
    """The ratio is not judged below this many unpacked bytes."""


class _Budget:
    """The bytes and files that an archive may still unpack to."""

    def __init__(self, archive: Path, caps: ArchiveCaps) -> None:
        self._archive = archive
        self._caps = caps
        self._ratio_bytes = max(caps.min_ratio_bytes, int(caps.max_ratio * archive.stat().st_size))
        self._bytes = 0
        self._files = 0

    def spend_bytes(self, num_bytes: int) -> None:
        self._bytes += num_bytes
        if self._bytes > self._caps.max_bytes:
            raise self._exceeded(f"more than {self._caps.max_bytes} bytes")
        if self._bytes > self._ratio_bytes:
            raise self._exceeded(f"more than {self._caps.max_ratio:g} times its own size")

    def spend_file(self) -> None:
        self._files += 1
        if self._files > self._caps.max_files:
            raise self._exceeded(f"more than {self._caps.max_files} files")

    def _exceeded(self, what: str) -> DataError:
        return DataError(
            f"{self._archive} unpacks to {what}",
            expected=f"at most {self._caps.max_files} files, {self._caps.max_bytes} bytes and "
            f"{self._caps.max_ratio:g} times the size of the archive",
            todo="if you trust it, unpack it yourself and bring in the folder, or bring it in as several batches",
        )


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class _CountedStream(io.RawIOBase):
    """A stream that spends from a budget, so that bytes in headers and skipped members count as well."""

    def __init__(self, stream: _Readable, budget: _Budget) -> None:
        self._stream = stream
        self._budget = budget

    def read(self, size: int = -1, /) -> bytes:
        block = self._stream.read(size)
        self._budget.spend_bytes(len(block))
        return block


def unpacked(source: Path, folder: Path) -> Path:
    """A source as a folder: an archive is unpacked, unless an earlier call did so.

    Args:
        source: a folder, or an archive as `unpack` takes it.
        folder: for what is unpacked; the archive's name in it is that of the new folder, so that messages about what
            is inside say where it came from.

    Raises:
        DataError: see `unpack`.
    """
    if not source.is_file():
        return source
    target, unfinished = folder / source.name, folder / ".unfinished"
    if not target.is_dir():
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        unpack(source, unfinished)
        unfinished.rename(target)
    return target


def unpack(archive: Path, target: Path, caps: ArchiveCaps | None = None) -> None:
    """Unpack a tar (plain, gzip or xz) or zip into a folder.

    Nothing is executed, no link or device is made, and no mode, owner or time of the archive is kept. What was
    unpacked before an error stays in `target`: the caller removes it.

    Args:
        archive: the file; what it is is read from its first bytes, not from its name.
        target: an existing, empty folder.
        caps: bounds on number of files, bytes and ratio; none = the defaults.

    Raises:
        DataError: the file is no such archive or is damaged, holds a member that is not a plain file inside the
            target, holds a name twice, is encrypted, or exceeds the caps.
    """
    budget = _Budget(archive, caps or ArchiveCaps())
    with archive.open("rb") as stream:
        is_zip = stream.read(4) in _ZIP_MAGIC
    members = _zip_members(archive, budget) if is_zip else _tar_members(archive, target, budget)
    with _refusing_damage(archive), progress_bar() as progress:
        task = progress.add_task(f"unpack {archive.name}", total=None)
        for name, content in members:
            budget.spend_file()
            _write(_inside(target, name, archive), content, name, archive)
            progress.advance(task)


def _tar_members(archive: Path, target: Path, budget: _Budget) -> Iterator[tuple[str, _Readable]]:
    with _decompressed(archive) as stream, tarfile.open(fileobj=_CountedStream(stream, budget), mode="r|") as tar:
        for member in tar:
            if member.isdir():
                continue
            if member.type not in _PLAIN_FILE or member.issparse():
                raise _refused(archive, member.name, "is a link, a device or a sparse file")
            _inside(target, member.name, archive)
            tarfile.data_filter(member, str(target))
            content = tar.extractfile(member)
            if content is None:
                raise _refused(archive, member.name, "has no content")
            yield member.name, content


def _zip_members(archive: Path, budget: _Budget) -> Iterator[tuple[str, _Readable]]:
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if member.is_dir():
                continue
            if kind not in (0, stat.S_IFREG):
                raise _refused(archive, member.filename, "is a link or a device")
            if member.flag_bits & _ENCRYPTED:
                raise _refused(archive, member.filename, "is encrypted")
            with packed.open(member) as content:
                # Zips written on Windows may part folders by backslashes.
                yield member.filename.replace("\\", "/"), _CountedStream(content, budget)


def _decompressed(archive: Path) -> AbstractContextManager[_Readable]:
    with archive.open("rb") as stream:
        magic = stream.read(6)
    if magic.startswith(b"\x1f\x8b"):
        return gzip.open(archive)
    if magic == b"\xfd7zXZ\x00":
        return lzma.open(archive)
    return archive.open("rb")


def _inside(target: Path, name: str, archive: Path) -> Path:
    pure = PurePosixPath(name)
    if not name or "\0" in name or pure.is_absolute() or ".." in pure.parts:
        raise _refused(archive, name, "has a path that leaves the archive")
    destination = (target / pure).resolve()
    if not destination.is_relative_to(target.resolve()) or destination == target.resolve():
        raise _refused(archive, name, "has a path that leaves the archive")
    return destination


def _write(destination: Path, content: _Readable, name: str, archive: Path) -> None:
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with destination.open("xb") as file:
            while block := content.read(_BLOCK_BYTES):
                file.write(block)
    except (FileExistsError, NotADirectoryError):
        raise _refused(archive, name, "occurs twice, or is a file and a folder") from None


@contextmanager
def _refusing_damage(archive: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise DataError(
            f"{archive} cannot be unpacked: {error or type(error).__name__}",
            expected="a complete tar (plain, .gz or .xz) or zip file",
            todo="fetch or pack it again; `tar tf` or `unzip -t` shows where it ends",
        ) from None


def _refused(archive: Path, name: str, why: str) -> DataError:
    return DataError(
        f"{archive}: member {name!r} {why}",
        expected="plain files with paths inside the archive",
        todo="do not unpack it by hand unless you trust its sender; have it packed again from plain files "
        "(`tar --dereference --hard-dereference`)",
    )
