"""Rows of the tables that pass between the stages up to `split`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Side(StrEnum):
    """What a photo is used for."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
    NONE = "none"


class Decision(StrEnum):
    """Whether a photo goes on."""

    KEEP = "keep"
    QUARANTINE = "quarantine"


class Relation(StrEnum):
    """How two alike photos differ."""

    SAME = "same"
    """At most in size, compression, brightness or colour."""
    MIRRORED = "mirrored"
    CROPPED = "cropped"
    CAPTIONED = "captioned"
    """A strip of one is covered or added."""
    TURNED = "turned"
    """By a few degrees."""
    SCENE = "scene"
    """Other photos of one scene (tier 2)."""


class Suspicion(StrEnum):
    """Why a person should look at a photo."""

    OUTLIER = "outlier"
    """Like hardly any other photo of its class."""
    LABEL = "label"
    """Its vector speaks for another class."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A line of `data/batches.csv`; the order of the lines is the order of intake."""

    batch: str
    side: str
    """`test` where the batch is pinned to the test side, else empty."""
    sha256: str
    """Content hash of the batch: over its photos' labels and bytes, whatever their names or order."""
    photos: int


@dataclass(frozen=True, slots=True)
class PhotoRow:
    """A line of `artifacts/validate/photos.parquet`: one file found, readable or not."""

    path: str
    """POSIX path from the root of the checkout, `data/<batch>/<label>/<file>`."""
    batch: str
    label: str | None
    """None for photos under `_unlabelled/`."""
    sha256: str
    num_bytes: int
    error: str
    """Why the file cannot be used, empty where it can; the measures below are 0 or empty then."""
    format: str
    """What the bytes are (`JPEG`, `PNG`, `WEBP`), whatever the file's ending says."""
    mode: str
    """Pillow mode as stored (`RGB`, `L`, `CMYK`, ...)."""
    orientation: int
    """EXIF orientation, 1 to 8."""
    width: int
    """Pixels, upright."""
    height: int
    phash: int
    """64-bit perceptual hash (DCT) of the upright photo, as a signed integer."""
    mirrored_phash: int
    """The same of the mirrored photo."""
    dhash: int
    """64-bit difference hash."""
    thumbnail: bytes
    """48x48 uint8 greys, row by row, upright; empty where the file is unreadable."""
    brightness_low: float
    """5th percentile of luma, 0 to 1."""
    brightness_high: float
    """99th percentile of luma, 0 to 1."""
    entropy: float
    """Bits of the 256-bin grey histogram, 0 to 8."""
    sharpness: float
    """Finest detail over detail four times as coarse; about 0.5 to 1 for a sharp photo, 0 for a constant one."""
    colourfulness: float
    """Mean spread between the channels of a pixel, 0 to 1; near 0 = colourless."""
    group: str
    """Photos that must share a side (from `photos.csv`, else the site, else empty)."""
    mask: str
    """Path of the photo's pixel mask from the root of the checkout, or empty."""
    url: str
    licence: str
    author: str
    taken_at: str
    """As `photos.csv` tells it, else `camera_time`."""
    site: str = ""
    """Building or place, as `photos.csv` tells it; a photo without a given group is grouped by it."""
    pixels_sha256: str = ""
    """Of the upright pixels as they were read, and their width and height; empty where the file is unreadable."""
    camera_time: str = ""
    """When it was taken by the clock of its camera, ISO 8601 without a zone; empty where EXIF does not tell."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one expectation fared."""

    expectation: str
    column: str
    note: str
    success: bool
    unexpected: int
    """Rows that broke it; an expectation may allow some."""
    paths: tuple[str, ...]
    """The first few of them."""


@dataclass(frozen=True, slots=True)
class CleanRow:
    """A line of `artifacts/clean/photos.parquet`: every line of validate, with what was decided."""

    path: str
    batch: str
    label: str | None
    sha256: str
    decision: str
    """A `Decision`."""
    reasons: str
    """Comma-separated, sorted; a kept photo's reasons are flags that did not remove it."""
    group: str
    """Given group, or scene group `scene-<first 12 of a sha256>`, or empty."""
    cluster: str
    """Same-photo cluster `photo-<first 12 of a sha256>`, or empty for a photo without copies."""
    mask: str
    url: str = ""
    licence: str = ""
    author: str = ""
    site: str = ""
    taken_at: str = ""


class Photo(Protocol):
    """What rows of `validate` and of `clean` have in common."""

    @property
    def path(self) -> str: ...  # noqa: D102

    @property
    def batch(self) -> str: ...  # noqa: D102

    @property
    def sha256(self) -> str: ...  # noqa: D102

    @property
    def group(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class DuplicateRow:
    """A line of `artifacts/clean/duplicates.parquet`: a pair, `first` < `second` by path."""

    first: str
    second: str
    tier: int
    """1 = the same photo, 2 = the same scene."""
    hash_distance: int
    """Bits between the perceptual hashes of what both show (of scenes: of the photos, plain or mirrored)."""
    correlation: float
    """Pearson correlation of the thumbnails where both show the same (of scenes: of the whole, plain or mirrored)."""
    first_label: str | None
    second_label: str | None
    relation: str = "same"
    """How the pixels of one lie in the other, a `Relation`."""
    derived: str = ""
    """Which of the two was made from the other by cutting or covering it: `first`, `second`, or empty if unknown."""


@dataclass(frozen=True, slots=True)
class SuspectRow:
    """A line of `artifacts/clean/suspects.parquet`: a photo that a person should look at; nothing is dropped for it."""

    path: str
    label: str
    kind: str
    """A `Suspicion`."""
    score: float
    """0 to 1, larger = more suspect; comparable within one kind."""
    suggested_label: str
    """The class that its vector speaks for, where the label is in doubt; else empty."""


@dataclass(frozen=True, slots=True)
class SplitRow:
    """A line of `artifacts/split/photos.parquet`: every line of clean, with its side."""

    path: str
    batch: str
    label: str | None
    sha256: str
    decision: str
    reasons: str
    group: str
    cluster: str
    mask: str
    side: str
    """A `Side`; `none` for quarantined and unlabelled photos."""
    url: str = ""
    licence: str = ""
    author: str = ""
    site: str = ""
    taken_at: str = ""


@dataclass(frozen=True, slots=True)
class ShardRow:
    """A line of `artifacts/augment/photos.parquet`: where a photo's upright bytes lie."""

    path: str
    label: str
    sha256: str
    side: str
    shard: str
    """File name of the TFRecord shard below `artifacts/augment/`."""
    position: int
    """Index of the record in its shard."""
    copy: int
    """0 = the photo itself, 1.. = materialised augmented copies (training side only)."""
