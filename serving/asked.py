"""Photos that a model server was asked about and kept: `<folder>/<model>/<sha256>.jpg` or `.png`, and a note beside it.

The server writes them, `pipeline watch` reads them. A note is written after its photo and removed before it, so that
each note that can be read stands for a photo.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

NOT_KEPT = "x-photo-not-kept"
"""Key of a gRPC request's metadata that says: this question tries the server, its picture is nobody's question."""

NOTE_SUFFIX = ".json"


@dataclass(frozen=True)
class AskedPhoto:
    """A photo that was asked about, and the last answer to it."""

    sha256: str
    """Of the photo's bytes as they are kept."""
    suffix: str
    """`.jpg` or `.png`."""
    model: str
    version: int
    """The version that answered last."""
    time: str
    """Of that answer, ISO 8601 in UTC."""
    times: int
    """How often it was asked about since it is kept; at least once."""
    predicted: str
    probabilities: Mapping[str, float]
    """By class, each in [0, 1]."""
    thresholds: Mapping[str, float]
    """By class, each in [0, 1]."""

    @property
    def file(self) -> str:
        """Name of the photo's file in the model's folder."""
        return f"{self.sha256}{self.suffix}"


def folder_of(folder: Path, model: str) -> Path:
    """Where the photos of one model lie; a model's name can lead nowhere else."""
    return folder / quote(model, safe="").replace(".", "%2E")


def note_text(photo: AskedPhoto) -> str:
    """The note of a photo, one line of JSON."""
    return json.dumps(asdict(photo), ensure_ascii=False) + "\n"


def read_note(path: Path) -> AskedPhoto | None:
    """A photo by its note; None where the note is gone, half written or another's."""
    try:
        photo = AskedPhoto(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return photo if photo.sha256 == path.stem else None


def read_asked(folder: Path, model: str) -> list[AskedPhoto]:
    """The photos that were kept of one model, in the order of their last answers; none where there is no folder."""
    photos = map(read_note, folder_of(folder, model).glob(f"*{NOTE_SUFFIX}"))
    return sorted((photo for photo in photos if photo is not None), key=lambda photo: (photo.time, photo.sha256))
