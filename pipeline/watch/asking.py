"""Asking the version that serves about photos of `data/`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.core.progress import with_progress
from pipeline.watch.findings import Served
from serving.answers import Prediction
from serving.client import ModelClient, ModelServerError, NotServed, RequestRefused
from serving.contract import PhotoLimits, UnreadablePhoto, upright


@dataclass
class Desk:
    """Where questions go; once the server gives no answer, none is asked any more.

    Args:
        address: host:port of the model server.
        served: the version that is asked.
        limits: of one photo.
    """

    address: str
    served: Served
    limits: PhotoLimits
    problem: str = field(default="", init=False)
    """Why the server gives no answer; empty while it does."""

    def ask(self, locations: Sequence[Path]) -> dict[Path, Prediction]:
        """Ask about photos; those that cannot be read or that the model refuses are left out."""
        answers: dict[Path, Prediction] = {}
        if self.problem or not locations:
            return answers
        with ModelClient(self.address) as client:
            trial = client.as_trial()
            for location in with_progress(locations, "asking", len(locations)):
                try:
                    photo = upright(location.read_bytes(), self.limits)
                    [answers[location]] = trial.predict([photo], self.served.model, version=self.served.version)
                except (OSError, UnreadablePhoto):
                    continue
                except ModelServerError as error:
                    if isinstance(error, NotServed) or not isinstance(error, RequestRefused):
                        self.problem = error.came
                        break
        return answers
