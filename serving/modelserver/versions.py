"""Versions of a model: where they lie, how they live, and what is told about them."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Protocol

from serving.modelserver.errors import RequestError


class State(IntEnum):
    """Life of a version; the numbers are those of ModelVersionStatus."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass(frozen=True)
class VersionStatus:
    """What clients are told about a version; a refused one has state END and the error."""

    number: int
    state: State
    error: RequestError | None


class VersionPolicy(Protocol):
    """Which of the versions on disk are to be served."""

    def wanted(self, available: Iterable[int]) -> list[int]:
        """Choose among the versions on disk; newest first."""
        ...


@dataclass(frozen=True)
class LatestVersions:
    """The newest versions."""

    num_versions: int = 1

    def wanted(self, available: Iterable[int]) -> list[int]:
        """The highest numbers, newest first."""
        return sorted(available, reverse=True)[: self.num_versions]


@dataclass(frozen=True)
class AllVersions:
    """Every version on disk."""

    def wanted(self, available: Iterable[int]) -> list[int]:
        """All numbers, newest first."""
        return sorted(available, reverse=True)


@dataclass(frozen=True)
class SpecificVersions:
    """Versions by number; those that are not on disk are waited for."""

    numbers: frozenset[int]

    def wanted(self, available: Iterable[int]) -> list[int]:
        """The named numbers that exist, newest first."""
        return sorted(self.numbers.intersection(available), reverse=True)


def versions_on_disk(base_path: Path) -> dict[int, Path]:
    """Find the version folders: those whose names are decimal numbers; leading zeros are allowed.

    Raises:
        OSError: the folder cannot be listed.
    """
    folders = (path for path in base_path.iterdir() if path.name.isascii() and path.name.isdecimal() and path.is_dir())
    return {int(path.name): path for path in sorted(folders)}
