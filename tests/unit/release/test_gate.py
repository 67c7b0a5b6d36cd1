"""The gate's rules, on figures alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.parameters import GateParameters
from pipeline.release.gate import GateResult, Scored, Verdict, judge

CLASSES = ("damaged", "sound")
FLOOR = GateParameters(min_accuracy=0.8)


def scored(right: int, wrong: int, *, classes: tuple[str, ...] = CLASSES, calibration_error: float = 0.05) -> Scored:
    """Answers to photos of alternating classes, the first `right` of them right."""
    n = right + wrong
    labels = np.array([classes[index % len(classes)] for index in range(n)], np.str_)
    others = np.array([classes[(index + 1) % len(classes)] for index in range(n)], np.str_)
    predicted = np.where(np.arange(n) < right, labels, others)
    return Scored(classes, labels, predicted, calibration_error)


def judged(candidate: Scored, champion: Scored | None, parameters: GateParameters) -> GateResult:
    return judge(candidate, champion, parameters, seed=7, bootstrap_samples=500)


def test_without_rules_nothing_is_judged() -> None:
    assert judged(scored(100, 0), None, GateParameters()) == GateResult(Verdict.NOT_JUDGED, ())
    assert judged(scored(100, 0), scored(1, 99), GateParameters()).verdict is Verdict.NOT_JUDGED


@pytest.mark.parametrize(
    ("parameters", "verdict"),
    (
        (GateParameters(min_accuracy=0.9), Verdict.PASSED),
        (GateParameters(min_accuracy=0.91), Verdict.REFUSED),
        (GateParameters(min_balanced_accuracy=0.9), Verdict.PASSED),
        (GateParameters(min_balanced_accuracy=0.91), Verdict.REFUSED),
        (GateParameters(min_class_recall=0.9), Verdict.PASSED),
        (GateParameters(min_class_recall=0.91), Verdict.REFUSED),
        (GateParameters(max_calibration_error=0.05), Verdict.PASSED),
        (GateParameters(max_calibration_error=0.04), Verdict.REFUSED),
        (GateParameters(min_accuracy=0.9, max_calibration_error=0.04), Verdict.REFUSED),
    ),
)
def test_a_first_model_has_to_meet_the_floors(parameters: GateParameters, verdict: Verdict) -> None:
    assert judged(scored(90, 10), None, parameters).verdict is verdict


def test_a_class_that_is_missed_shows_though_the_accuracy_is_high() -> None:
    labels = np.array(["sound"] * 95 + ["damaged"] * 5, np.str_)
    candidate = Scored(CLASSES, labels, np.full(100, "sound"), 0.05)
    result = judged(candidate, None, GateParameters(min_accuracy=0.9, min_balanced_accuracy=0.6, min_class_recall=0.5))
    met = {rule.name: rule.passed for rule in result.rules}
    assert met == {"accuracy": True, "balanced accuracy": False, "recall of damaged": False, "recall of sound": True}
    assert result.rules[2].n == 5
    assert result.verdict is Verdict.REFUSED


def test_a_class_without_test_photos_is_not_judged_rather_than_guessed() -> None:
    candidate = Scored((*CLASSES, "collapsed"), scored(100, 0).labels, scored(100, 0).predicted, 0.05)
    result = judged(candidate, None, GateParameters(min_class_recall=0.5))
    assert result.verdict is Verdict.NOT_JUDGED
    assert (result.rules[-1].name, result.rules[-1].passed) == ("recall of collapsed", None)


def test_without_test_photos_nothing_is_judged() -> None:
    parameters = GateParameters(
        min_accuracy=0.1, min_balanced_accuracy=0.1, min_class_recall=0.1, max_calibration_error=0.9, margin=0.05
    )
    result = judged(scored(0, 0), scored(0, 0), parameters)
    assert result.verdict is Verdict.NOT_JUDGED
    assert {rule.passed for rule in result.rules if rule.name != "class order"} == {None}


def test_without_a_champion_the_change_is_reported_and_does_not_block() -> None:
    result = judged(scored(90, 10), None, GateParameters(min_accuracy=0.8, margin=0.02))
    assert result.verdict is Verdict.PASSED
    assert (result.rules[-1].passed, result.rules[-1].note) == (None, "no champion to compare with")


def test_a_margin_alone_does_not_let_a_first_model_pass() -> None:
    assert judged(scored(90, 10), None, GateParameters(margin=0.02)).verdict is Verdict.NOT_JUDGED


@pytest.mark.parametrize(
    ("right", "verdict"), ((900, Verdict.PASSED), (950, Verdict.PASSED), (850, Verdict.REFUSED), (700, Verdict.REFUSED))
)
def test_a_loss_beyond_the_margin_is_refused(right: int, verdict: Verdict) -> None:
    result = judged(scored(right, 1000 - right), scored(900, 100), GateParameters(margin=0.05))
    assert result.verdict is verdict
    assert result.rules[-1].baseline == pytest.approx(0.9)


def test_too_few_photos_for_the_margin_are_not_judged_and_the_number_needed_is_told() -> None:
    champion = scored(10, 10)
    result = judged(scored(12, 8), champion, GateParameters(min_accuracy=0.5, margin=0.01))
    assert result.verdict is Verdict.NOT_JUDGED
    assert "the margin needs" in result.rules[-1].note


def test_only_photos_of_classes_that_both_know_are_compared() -> None:
    classes = (*CLASSES, "collapsed")
    candidate = scored(300, 0, classes=classes)
    champion = Scored(
        CLASSES, candidate.labels, np.where(candidate.labels == "collapsed", "sound", candidate.labels), 0.0
    )
    rule = judged(candidate, champion, GateParameters(margin=0.05)).rules[-1]
    assert (rule.n, rule.baseline, rule.passed) == (200, 1.0, True)


def test_a_new_class_meets_the_floors_alone() -> None:
    classes = (*CLASSES, "collapsed")
    labels = scored(300, 0, classes=classes).labels
    candidate = Scored(classes, labels, np.where(labels == "collapsed", "sound", labels), 0.0)
    champion = Scored(CLASSES, labels, np.where(labels == "collapsed", "sound", labels), 0.0)
    assert judged(candidate, champion, GateParameters(margin=0.05)).verdict is Verdict.PASSED
    assert judged(candidate, champion, GateParameters(margin=0.05, min_class_recall=0.5)).verdict is Verdict.REFUSED


@given(st.integers(0, 200), st.integers(0, 200))
def test_a_candidate_that_meets_a_floor_meets_every_lower_one(right: int, wrong: int) -> None:
    candidate = scored(right, wrong)
    verdicts = [judged(candidate, None, GateParameters(min_accuracy=floor)).verdict for floor in (0.2, 0.5, 0.8)]
    order = {Verdict.PASSED: 0, Verdict.NOT_JUDGED: 1, Verdict.REFUSED: 2}
    assert verdicts == sorted(verdicts, key=lambda verdict: order[verdict])


def test_the_same_seed_gives_the_same_verdict() -> None:
    parameters = GateParameters(margin=0.05)
    results = [judged(scored(880, 120), scored(900, 100), parameters) for _ in range(2)]
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("classes", "verdict"),
    (
        (("damaged", "sound", "restored"), Verdict.PASSED),
        (("damaged", "restored", "sound"), Verdict.REFUSED),
        (("damaged",), Verdict.REFUSED),
    ),
)
def test_classes_may_only_be_appended(classes: tuple[str, ...], verdict: Verdict) -> None:
    assert judged(scored(100, 0, classes=classes), scored(100, 0), FLOOR).verdict is verdict
