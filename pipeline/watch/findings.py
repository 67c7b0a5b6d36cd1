"""Findings: what a watch has to say of one served version."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.photos.records import PhotoRow
from pipeline.release.profile import Profile, distances_to, measures_of
from pipeline.watch.comparison import Comparison, compared, compared_classes, settled
from pipeline.watch.ranking import Candidate
from pipeline.watch.trust import Calibration

CALIBRATION = "calibration"
CLASSES = "classes"
CERTAINTY = "certainty"
VECTORS = "vectors"

_CERTAINTY_DIGITS = 4
"""Of both sides alike: answers that are all but sure differ beyond the digits that are kept."""


@dataclass(frozen=True)
class Served:
    """A version that serves."""

    model: str
    version: int
    since: str
    """When it was promoted, ISO 8601 in UTC."""


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found."""

    served: Served
    num_photos: int
    """Photos that this version was asked about and that were kept."""
    comparisons: Sequence[Comparison] = ()
    drifted: Sequence[str] = ()
    """Names of the measures that have drifted."""
    calibration: Calibration | None = None
    """None where too few photos were labelled since."""
    is_miscalibrated: bool = False
    num_labelled_since: int = 0
    """Labelled photos of batches that came after those that the version was trained on."""
    label_next: Sequence[Candidate] = ()
    notes: Sequence[str] = ()
    """What could not be looked at, and why; a sentence each."""
    page: str = ""
    """Empty where there are too few photos to say anything."""

    @property
    def alarms(self) -> tuple[str, ...]:
        """What a person should hear of, by name."""
        return (*self.drifted, *((CALIBRATION,) if self.is_miscalibrated else ()))


@dataclass(frozen=True, eq=False)
class AskedSide:
    """The photos that are asked about, row by row."""

    rows: Sequence[PhotoRow]
    predicted: Sequence[str]
    certainty: NDArray[np.float64]
    """Probability of the predicted class."""
    vectors: NDArray[np.float32] | None
    """None where the profile has none, or the network is out of reach."""


def all_compared(profile: Profile, asked: AskedSide, seed: int) -> list[Comparison]:
    """Compare all that the profile knows of with the photos that are asked about.

    Predicted classes and certainty are held against what the same model said of the photos that it was evaluated on,
    so that a model's own leaning to a class does not count as drift.

    Args:
        profile: of the version.
        asked: at least one photo.
        seed: equal seeds give equal results.
    """
    values = measures_of(asked.rows)
    found = [
        compared(name, reference, values[name], seed) for name, reference in profile.measures.items() if len(reference)
    ]
    if len(profile.predicted):
        index_of = {name: index for index, name in enumerate(profile.classes)}
        predicted = np.array([index_of[name] for name in asked.predicted], np.int64)
        found.append(compared_classes(CLASSES, profile.predicted, predicted, seed))
        sides = [np.round(side, _CERTAINTY_DIGITS) for side in (profile.certainty, asked.certainty)]
        found.append(compared(CERTAINTY, sides[0], sides[1], seed))
    if asked.vectors is not None and len(profile.distances):
        found.append(compared(VECTORS, profile.distances, distances_to(asked.vectors, profile.vectors), seed))
    return settled(found)
