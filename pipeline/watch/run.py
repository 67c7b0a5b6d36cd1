"""A watch: every served version, its photos, and what comes of comparing them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import DataError, MachineError, ServingError
from pipeline.core.locks import held_lock
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.release.journal import current, read_journal
from pipeline.release.lines import line_of
from pipeline.release.profile import Profile, read_profile
from pipeline.release.server_config import served_models
from pipeline.watch.asking import Desk
from pipeline.watch.findings import AskedSide, Findings, Served, all_compared
from pipeline.watch.material import asked_candidates, calibration_since, unlabelled_candidates
from pipeline.watch.output import write_output
from pipeline.watch.photos import DataSince, data_since, labelled_before, measured, vectors_of
from pipeline.watch.ranking import Candidate, hash_features, most_worth_labelling
from pipeline.watch.telling import tell
from serving.contract import PhotoLimits


@dataclass(frozen=True)
class Watched:
    """What a watch came to."""

    findings: Sequence[Findings]
    """Of each served version, by model."""
    retrain: bool
    """Whether the line that the parameters name has drifted or errs, and photos came from which it could learn."""


def watch(layout: Layout, parameters: Parameters, now: datetime) -> Watched:
    """Look at every served version, write its page, and send an alert for what was not told before.

    Args:
        layout: the checkout.
        parameters: limits, the model server and where alerts go; where they keep no photos, nothing is looked at.
        now: goes onto the pages.

    Raises:
        ServingError: a history cannot be read.
        MachineError: another watch goes on in this checkout.
    """
    if not parameters.watch.keep_photos:
        return Watched((), retrain=False)
    with held_lock(layout.state / "watch.lock", "pipeline watch"):
        findings = [_watched(served, layout, parameters, now) for served in served_versions(layout, parameters)]
    own = [one for one in findings if one.served.model == parameters.model.name]
    return Watched(findings, any(one.alarms and one.num_labelled_since for one in own))


def served_versions(layout: Layout, parameters: Parameters) -> list[Served]:
    """The version of each line that serves by its history."""
    line = line_of(layout, parameters)
    found = []
    for name in served_models(line.served):
        entry = current(read_journal(replace(line, name=name).journal))
        if entry is not None:
            found.append(Served(name, entry.version, entry.time))
    return found


def _watched(served: Served, layout: Layout, parameters: Parameters, now: datetime) -> Findings:
    limits = PhotoLimits(parameters.validate_.max_bytes, parameters.validate_.max_pixels)
    asked = asked_candidates(layout, served, limits)
    needed = parameters.watch.min_photos
    if len(asked) < needed:
        note = f"{len(asked)} photos that it was asked about are kept; with fewer than {needed} nothing is said"
        return Findings(served, len(asked), notes=(note,))
    try:
        profile = read_profile(replace(line_of(layout, parameters), name=served.model).profile(served.version))
    except ServingError as error:
        return Findings(served, len(asked), notes=(f"{error.came}; {error.todo}",))
    findings = _Look(served, profile, layout, parameters, limits).findings(asked)
    findings = replace(findings, page=str(write_output(findings, profile.classes, layout, parameters, now)))
    tell(findings, layout, parameters)
    return findings


class _Look:
    """One look at a version.

    Args:
        served: the version.
        profile: of the photos that it was trained on.
        layout: the checkout.
        parameters: limits, and the model server.
        limits: of one photo.
    """

    def __init__(
        self, served: Served, profile: Profile, layout: Layout, parameters: Parameters, limits: PhotoLimits
    ) -> None:
        self._served = served
        self._profile = profile
        self._layout = layout
        self._parameters = parameters
        self._limits = limits
        self._notes: list[str] = []

    def findings(self, asked: Sequence[Candidate]) -> Findings:
        """Compare the photos that are asked about, at least one, and choose those that are worth labelling."""
        seed, limits = self._parameters.seed, self._parameters.watch
        data = self._data()
        desk = Desk(self._parameters.serving.grpc_address, self._served, self._limits)
        kept = {one.row.sha256: one.prediction for one in asked}
        calibration = calibration_since(data, kept, self._profile.classes, desk, seed)
        if calibration is not None and calibration.num_photos < limits.min_photos:
            calibration = None
        candidates = [*asked, *unlabelled_candidates(data, desk)]
        vectors = self._vectors(candidates)
        comparisons = all_compared(self._profile, _asked_side(asked, vectors), seed)
        if desk.problem:
            self._notes.append(f"photos of data/ that nobody asked about are left out: {desk.problem}")
        return Findings(
            served=self._served,
            num_photos=len(asked),
            comparisons=comparisons,
            drifted=[one.name for one in comparisons if one.has_drifted(limits.max_drift)],
            calibration=calibration,
            is_miscalibrated=calibration is not None and calibration.is_off(limits.max_calibration_error),
            num_labelled_since=len(data.labelled),
            label_next=self._label_next(candidates, vectors, data),
            notes=tuple(self._notes),
        )

    def _data(self) -> DataSince:
        is_own = self._served.model == self._parameters.model.name
        photos = self._parameters.photos if is_own else self._profile.facts.photos
        try:
            return data_since(self._layout, self._profile.facts.batches, photos)
        except DataError as error:
            self._notes.append(f"photos of data/ are left out: {error.came}")
            return DataSince(self._layout.home, (), ())

    def _vectors(self, candidates: Sequence[Candidate]) -> NDArray[np.float32] | None:
        embed = self._profile.facts.embed
        if not len(self._profile.vectors) or embed.weights_sha256 is None or not candidates:
            return None
        try:
            return vectors_of(self._layout, embed, self._limits, {one.location: one.row for one in candidates})
        except MachineError as error:
            self._notes.append(f"vectors are left out: {error.came}")
            return None

    def _label_next(
        self, candidates: Sequence[Candidate], vectors: NDArray[np.float32] | None, data: DataSince
    ) -> list[Candidate]:
        labelled = labelled_before(self._layout)
        known = {row.path for row in labelled}
        new = {data.root / file.path: file for file in data.labelled if file.path not in known}
        labelled += measured(new, self._limits, "measuring new photos").values()
        features = hash_features([one.row for one in candidates]) if vectors is None else vectors
        return most_worth_labelling(candidates, features, labelled, self._parameters.watch.label_next)


def _asked_side(asked: Sequence[Candidate], vectors: NDArray[np.float32] | None) -> AskedSide:
    return AskedSide(
        rows=[one.row for one in asked],
        predicted=[one.prediction.predicted for one in asked],
        certainty=np.array([one.probability for one in asked]),
        vectors=None if vectors is None else vectors[: len(asked)],
    )
