"""The release gate: fixed floors, and no loss against the model that serves now.

Both models are scored on today's test photos, so that a champion is never judged by the figures of its own day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pipeline.core.parameters import GateParameters
from pipeline.evaluation.intervals import paired_bootstrap_lower_bound, photos_needed_for_margin, wilson_interval
from pipeline.pages.page import figure, interval


class Verdict(StrEnum):
    """What the gate says of a candidate."""

    PASSED = "passed"
    REFUSED = "refused"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, eq=False)
class Scored:
    """A model's answers to the test photos; two models are compared photo by photo."""

    classes: tuple[str, ...]
    labels: NDArray[np.str_]
    """(n,) true classes."""
    predicted: NDArray[np.str_]
    """(n,) predicted classes."""
    calibration_error: float
    """Expected calibration error, [0, 1]."""


@dataclass(frozen=True)
class Rule:
    """One rule and how the candidate met it."""

    name: str
    value: float | None
    """The candidate's figure."""
    limit: float
    """Smallest value that passes, or largest for an error."""
    baseline: float | None
    """The champion's figure, where the rule compares."""
    n: int
    """Test photos that the value rests on."""
    passed: bool | None
    """None where the rule could not be judged."""
    note: str = ""


@dataclass(frozen=True)
class GateResult:
    """The verdict and its grounds."""

    verdict: Verdict
    rules: tuple[Rule, ...]


def judge(
    candidate: Scored, champion: Scored | None, parameters: GateParameters, seed: int, bootstrap_samples: int
) -> GateResult:
    """Judge a candidate.

    A candidate passes when every rule that is set is judged and met. The comparison with the champion is left out
    where there is none. Without a single judged rule the candidate is not judged. Beside a champion the class order is
    judged too: clients know classes by their place, so new ones may only be appended.

    Args:
        candidate: answers to all test photos.
        champion: answers of the serving model to the same photos in the same order, or None.
        parameters: the rules.
        seed: of the bootstrap.
        bootstrap_samples: draws of the bootstrap.
    """
    rules = list(_floors(candidate, parameters))
    change = _change(candidate, champion, parameters, seed, bootstrap_samples)
    if champion is not None and (rules or change is not None):
        rules.append(_class_order(candidate, champion))
    binding = rules + ([change] if change is not None and champion is not None else [])
    return GateResult(_verdict(binding), tuple(rules + ([change] if change is not None else [])))


def _verdict(rules: list[Rule]) -> Verdict:
    if any(rule.passed is False for rule in rules):
        return Verdict.REFUSED
    if not rules or any(rule.passed is None for rule in rules):
        return Verdict.NOT_JUDGED
    return Verdict.PASSED


def _floors(scored: Scored, parameters: GateParameters) -> Iterator[Rule]:
    correct = scored.predicted == scored.labels
    n = len(correct)
    recalls = {name: correct[scored.labels == name] for name in scored.classes}
    if parameters.min_accuracy is not None:
        yield _floor("accuracy", correct, parameters.min_accuracy)
    if parameters.min_balanced_accuracy is not None:
        present = [float(hits.mean()) for hits in recalls.values() if len(hits)]
        value = float(np.mean(present)) if present else None
        yield _at_least("balanced accuracy", value, parameters.min_balanced_accuracy, n)
    if parameters.min_class_recall is not None:
        for name, hits in recalls.items():
            yield _floor(f"recall of {name}", hits, parameters.min_class_recall)
    if parameters.max_calibration_error is not None:
        error = scored.calibration_error if n else None
        passed = None if error is None else error <= parameters.max_calibration_error
        yield Rule(
            "calibration error",
            error,
            parameters.max_calibration_error,
            None,
            n,
            passed,
            "at most" if n else _NO_PHOTOS,
        )


_NO_PHOTOS = "no test photos"


def _floor(name: str, correct: NDArray[np.bool_], limit: float) -> Rule:
    if not len(correct):
        return _at_least(name, None, limit, 0)
    bounds = interval(wilson_interval(int(correct.sum()), len(correct)))
    return _at_least(name, float(correct.mean()), limit, len(correct), f"95 % Wilson interval {bounds}")


def _at_least(name: str, value: float | None, limit: float, n: int, note: str = "") -> Rule:
    passed = None if value is None else value >= limit
    return Rule(name, value, limit, None, n, passed, note if value is not None else _NO_PHOTOS)


def _change(
    candidate: Scored, champion: Scored | None, parameters: GateParameters, seed: int, bootstrap_samples: int
) -> Rule | None:
    margin = parameters.margin
    if margin is None:
        return None
    if champion is None:
        return Rule(_CHANGE, None, -margin, None, 0, None, "no champion to compare with")
    shared = np.isin(candidate.labels, sorted({*candidate.classes} & {*champion.classes}))
    ours = (candidate.predicted == candidate.labels)[shared]
    theirs = (champion.predicted == champion.labels)[shared]
    n = len(ours)
    if n == 0:
        return Rule(_CHANGE, None, -margin, None, 0, None, "no test photos of classes that both models know")
    needed = photos_needed_for_margin(ours, theirs, margin)
    bound = paired_bootstrap_lower_bound(ours, theirs, seed, bootstrap_samples)
    passed = bound > -margin if n >= needed else None
    accuracy = figure(float(ours.mean()))
    note = f"accuracy {accuracy}, lower bound of the difference at 95 %; the margin needs {needed} photos"
    return Rule(_CHANGE, float(bound), -margin, float(theirs.mean()), n, passed, note)


def _class_order(candidate: Scored, champion: Scored) -> Rule:
    known = len(champion.classes)
    kept = sum(ours == theirs for ours, theirs in zip(candidate.classes, champion.classes, strict=False))
    note = "" if kept == known else f"the champion's order is {', '.join(champion.classes)}; see photos.classes"
    return Rule("class order", float(kept), float(known), None, len(candidate.labels), kept == known, note)


_CHANGE = "change against the champion"
