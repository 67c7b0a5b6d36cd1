"""Archives: what is unpacked, and every attack that is not."""

import gzip
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.core.errors import DataError
from pipeline.intake.archives import ArchiveCaps, unpack

CONTENT = b"\xff\xd8 not really a photo"


def tar_of(path: Path, *members: tuple[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def tar_with(path: Path, name: str, kind: bytes, linkname: str = "") -> Path:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, linkname
    with tarfile.open(path, "w") as tar:
        tar.addfile(member)
    return path


def zip_of(path: Path, *members: tuple[str, bytes], kind: int = stat.S_IFREG) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = (kind | 0o644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(info, content)
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("mode", ("w", "w:gz", "w:xz"))
def test_a_tar_is_unpacked_whatever_its_name(tmp_path: Path, target: Path, mode: str) -> None:
    archive = tar_of(tmp_path / "photos.bin", ("arch/a.jpg", CONTENT), ("arch/é.jpg", b"x"), mode=mode)
    unpack(archive, target)
    assert files_in(target) == {"arch/a.jpg": CONTENT, "arch/é.jpg": b"x"}


def test_a_zip_is_unpacked_with_folders_parted_by_backslashes_too(tmp_path: Path, target: Path) -> None:
    unpack(zip_of(tmp_path / "photos.zip", ("arch/a.jpg", CONTENT), ("vault\\b.jpg", b"x")), target)
    assert files_in(target) == {"arch/a.jpg": CONTENT, "vault/b.jpg": b"x"}


def test_names_that_are_no_utf8_are_unpacked(tmp_path: Path, target: Path) -> None:
    archive = tmp_path / "photos.tar"
    with tarfile.open(archive, "w", format=tarfile.GNU_FORMAT, encoding="latin-1") as tar:
        tar.addfile(tarfile.TarInfo("arch/café.jpg"), io.BytesIO())
    unpack(archive, target)
    assert [os.fsencode(path.name) for path in (target / "arch").iterdir()] == [b"caf\xe9.jpg"]


def test_neither_modes_nor_times_of_the_archive_are_kept(tmp_path: Path, target: Path) -> None:
    member = tarfile.TarInfo("arch/a.jpg")
    member.mode, member.mtime = 0o6777, 1
    with tarfile.open(tmp_path / "photos.tar", "w") as tar:
        tar.addfile(member)
    unpack(tmp_path / "photos.tar", target)
    found = (target / "arch/a.jpg").stat()
    assert found.st_mode & 0o7111 == 0
    assert found.st_mtime > 1


@pytest.mark.parametrize("pack", (tar_of, zip_of))
@pytest.mark.parametrize("name", ("../escaped.jpg", "arch/../../escaped.jpg", "/escaped.jpg", "arch/..", "."))
def test_a_path_that_leaves_the_target_is_refused(
    tmp_path: Path, target: Path, name: str, pack: Callable[..., Path]
) -> None:
    with pytest.raises(DataError, match="leaves the archive"):
        unpack(pack(tmp_path / "photos", ("arch/a.jpg", CONTENT), (name, CONTENT)), target)
    assert not list(tmp_path.rglob("escaped*"))


def test_a_backslash_path_that_leaves_the_target_is_refused(tmp_path: Path, target: Path) -> None:
    with pytest.raises(DataError, match="leaves the archive"):
        unpack(zip_of(tmp_path / "photos.zip", ("..\\escaped.jpg", CONTENT)), target)


@pytest.mark.parametrize(
    "kind", (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.CONTTYPE)
)
def test_a_link_or_device_in_a_tar_is_refused(tmp_path: Path, target: Path, kind: bytes) -> None:
    with pytest.raises(DataError, match=r"'arch/a\.jpg' is a link, a device"):
        unpack(tar_with(tmp_path / "photos.tar", "arch/a.jpg", kind, "/etc/passwd"), target)
    assert list(target.iterdir()) == []


@pytest.mark.parametrize("kind", (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO))
def test_a_link_or_device_in_a_zip_is_refused(tmp_path: Path, target: Path, kind: int) -> None:
    with pytest.raises(DataError, match="is a link or a device"):
        unpack(zip_of(tmp_path / "photos.zip", ("a.jpg", b"/etc/passwd"), kind=kind), target)
    assert list(target.iterdir()) == []


def test_an_encrypted_zip_is_refused(tmp_path: Path, target: Path) -> None:
    archive = zip_of(tmp_path / "photos.zip", ("a.jpg", CONTENT))
    packed = bytearray(archive.read_bytes())
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(packed)
    with pytest.raises(DataError, match="is encrypted"):
        unpack(archive, target)


@pytest.mark.parametrize("pack", (tar_of, zip_of))
def test_too_many_files_are_refused(tmp_path: Path, target: Path, pack: Callable[..., Path]) -> None:
    archive = pack(tmp_path / "photos", *((f"arch/{number}.jpg", b"x") for number in range(6)))
    with pytest.raises(DataError, match="more than 5 files"):
        unpack(archive, target, ArchiveCaps(max_files=5))
    assert len(files_in(target)) == 5


@pytest.mark.parametrize("pack", (tar_of, zip_of))
def test_too_many_bytes_are_refused(tmp_path: Path, target: Path, pack: Callable[..., Path]) -> None:
    archive = pack(tmp_path / "photos", ("a.jpg", os.urandom(200_000)))
    with pytest.raises(DataError, match="more than 100000 bytes"):
        unpack(archive, target, ArchiveCaps(max_bytes=100_000))


def bomb_tar(path: Path, *members: tuple[str, bytes]) -> Path:
    return tar_of(path, *members, mode="w:gz")


@pytest.mark.parametrize("pack", (bomb_tar, zip_of))
def test_a_bomb_is_refused_before_it_fills_the_disk(tmp_path: Path, target: Path, pack: Callable[..., Path]) -> None:
    archive = pack(tmp_path / "photos", ("a.jpg", bytes(20_000_000)))
    with pytest.raises(DataError, match="times its own size"):
        unpack(archive, target, ArchiveCaps(max_ratio=10, min_ratio_bytes=2_000_000))
    assert sum(len(content) for content in files_in(target).values()) <= 2_000_000


def test_a_bomb_hidden_in_a_header_is_refused(tmp_path: Path, target: Path) -> None:
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 20_000_000
    archive = tmp_path / "photos.tar.gz"
    with gzip.open(archive, "wb") as stream:
        stream.write(header.tobuf(tarfile.GNU_FORMAT) + b"a" * 20_000_000)
    with pytest.raises(DataError, match="times its own size"):
        unpack(archive, target, ArchiveCaps(max_ratio=10, min_ratio_bytes=2_000_000))


def test_a_name_that_occurs_twice_is_refused(tmp_path: Path, target: Path) -> None:
    with pytest.raises(DataError, match="occurs twice"):
        unpack(tar_of(tmp_path / "photos.tar", ("a.jpg", b"1"), ("a.jpg", b"2")), target)
    assert files_in(target) == {"a.jpg": b"1"}


def test_a_name_that_is_a_file_and_a_folder_is_refused(tmp_path: Path, target: Path) -> None:
    with pytest.raises(DataError, match="is a file and a folder"):
        unpack(tar_of(tmp_path / "photos.tar", ("arch", b"1"), ("arch/a.jpg", b"2")), target)


def cut_gzip(path: Path) -> Path:
    bomb_tar(path, ("a.jpg", os.urandom(50_000)))
    path.write_bytes(path.read_bytes()[:30_000])
    return path


def cut_tar(path: Path) -> Path:
    tar_of(path, ("a.jpg", os.urandom(50_000)))
    path.write_bytes(path.read_bytes()[:30_000])
    return path


def cut_zip(path: Path) -> Path:
    zip_of(path, ("a.jpg", os.urandom(50_000)))
    path.write_bytes(path.read_bytes()[:30_000])
    return path


def text(path: Path) -> Path:
    path.write_text("no archive at all\n" * 100)
    return path


@pytest.mark.parametrize("make", (cut_gzip, cut_tar, cut_zip, text))
def test_a_damaged_archive_is_refused_in_words(tmp_path: Path, target: Path, make: Callable[[Path], Path]) -> None:
    with pytest.raises(DataError, match=r"cannot be unpacked: .+"):
        unpack(make(tmp_path / "photos"), target)
