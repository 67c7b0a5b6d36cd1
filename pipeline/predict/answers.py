"""What came of each file: an answer of the model, or the reason why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass

from serving.answers import Prediction

CLOSE_MARGIN = 0.1
"""Below this margin, of 1, a person should look at the photo."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A photo that the model answered about."""

    path: str
    """POSIX path from the folder that was asked about."""
    prediction: Prediction
    overlay: str
    """POSIX path of the heat map over the photo, from the folder of answers."""

    @property
    def probability(self) -> float:
        """Of the predicted class, [0, 1]."""
        return self.prediction.probabilities[self._position]

    @property
    def threshold(self) -> float:
        """Of the predicted class, [0, 1]."""
        return self.prediction.threshold[self._position]

    @property
    def margin(self) -> float:
        """Probability minus threshold of the predicted class, [-1, 1]."""
        return self.probability - self.threshold

    @property
    def is_close(self) -> bool:
        """Whether the probability lies close to the threshold, or below it."""
        return self.margin < CLOSE_MARGIN

    @property
    def _position(self) -> int:
        return self.prediction.classes.index(self.prediction.predicted)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A file without an answer."""

    path: str
    """POSIX path from the folder that was asked about."""
    error: str
    """One line for people."""


@dataclass(frozen=True)
class ClassCount:
    """How often a class was predicted."""

    name: str
    threshold: float
    """[0, 1]."""
    num_photos: int
    num_close: int
    """Of these, how many lie close to the threshold, or below it."""


def class_counts(answers: Sequence[Answered]) -> list[ClassCount]:
    """Count the photos of each class, in class order; all answers must be of one model version.

    Args:
        answers: at least one.
    """
    by_class: dict[str, list[Answered]] = {name: [] for name in answers[0].prediction.classes}
    for answer in answers:
        by_class[answer.prediction.predicted].append(answer)
    return [
        ClassCount(name, threshold, len(of_class), sum(answer.is_close for answer in of_class))
        for (name, of_class), threshold in zip(by_class.items(), answers[0].prediction.threshold, strict=True)
    ]
