"""The difference to the champion: what this model gained and lost against the one that served, photo by photo."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.core.errors import ServingError
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.release.gate import Rule
from pipeline.release.gate_report import gate_of_candidate
from pipeline.release.journal import Entry, State, read_journal
from pipeline.release.lines import line_of
from pipeline.release.predictions import ANSWERS, GateAnswer
from pipeline.report.files import rows_or_none
from pipeline.report.photos import thumbnails_of
from pipeline.report.sections import Section, section_of

MAX_SHOWN = 12
"""Photos gained or lost."""
_LINES_SHOWN = 10
_LOST = "Lost: the champion alone is right"
_GAINED = "Gained: this model alone is right"


@dataclass(frozen=True)
class Difference:
    """Both models on the same photos, of one class or of all."""

    name: str
    n: int
    candidate: float
    """Share that this model gets right, [0, 1]."""
    champion: float
    gained: int
    """Photos that this model alone gets right."""
    lost: int
    """Photos that the champion alone gets right."""

    @property
    def change(self) -> str:
        """Difference of the shares in percentage points, with its sign."""
        return f"{100 * (self.candidate - self.champion):+.1f}"


def section(layout: Layout, parameters: Parameters) -> Section:
    """The part `champion`."""
    gate = gate_of_candidate(layout)
    answers = rows_or_none(layout.artifacts("gate") / ANSWERS, GateAnswer) if gate else None
    compared = [answer for answer in answers or [] if answer.champion is not None]
    pictures = thumbnails_of(layout, parameters)
    lost, gained = lost_and_gained(compared)
    history = _history(layout, parameters)
    version = gate.champion_version if gate else None
    return section_of(
        "champion",
        "Difference to the champion",
        gate=gate,
        version=version,
        served=next((entry for entry in reversed(history) if _made_serve(entry, version)), None),
        rule=_change_rule(gate.rules if gate else ()),
        table=differences(compared),
        galleries=[
            (title, len(photos), [(answer, pictures(answer.path)) for answer in photos[:MAX_SHOWN]])
            for title, photos in ((_LOST, lost), (_GAINED, gained))
        ],
        history=history[-_LINES_SHOWN:],
    )


def differences(answers: Sequence[GateAnswer]) -> list[Difference]:
    """A line per class that has photos, by name, then all; nothing where nothing was compared."""
    if not answers:
        return []
    classes = sorted({answer.label for answer in answers})
    by_class = [_difference(name, [answer for answer in answers if answer.label == name]) for name in classes]
    return [*by_class, _difference("all", answers)]


def lost_and_gained(answers: Sequence[GateAnswer]) -> tuple[list[GateAnswer], list[GateAnswer]]:
    """Photos that the champion alone gets right, and those that the candidate alone gets right, by path."""
    ordered = sorted(answers, key=lambda answer: answer.path)
    lost = [answer for answer in ordered if answer.champion == answer.label != answer.candidate]
    gained = [answer for answer in ordered if answer.candidate == answer.label != answer.champion]
    return lost, gained


def _difference(name: str, answers: Sequence[GateAnswer]) -> Difference:
    lost, gained = lost_and_gained(answers)
    n = len(answers)
    return Difference(
        name=name,
        n=n,
        candidate=sum(answer.candidate == answer.label for answer in answers) / n,
        champion=sum(answer.champion == answer.label for answer in answers) / n,
        gained=len(gained),
        lost=len(lost),
    )


def _made_serve(entry: Entry, version: int | None) -> bool:
    return entry.version == version and entry.state is State.DONE


def _change_rule(rules: Sequence[Rule]) -> Rule | None:
    return next((rule for rule in rules if rule.baseline is not None), None)


def _history(layout: Layout, parameters: Parameters) -> list[Entry]:
    """What changed the served version, oldest first; empty where the history cannot be read."""
    try:
        entries = read_journal(line_of(layout, parameters).journal).entries
    except ServingError:
        return []
    return [entry for entry in entries if entry.state is not State.INTENT]
