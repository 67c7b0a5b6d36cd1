"""Doubts about single photos: what a quality rule threw out, and what may not belong to its class."""

from collections.abc import Mapping

from pipeline.photos.reasons import QUALITY_REASONS, Reason
from pipeline.photos.records import CleanRow, Decision, Suspicion
from pipeline.report.quarantine import meaning, measured, reason_name
from pipeline.review.cards import Card
from pipeline.review.material import Material
from pipeline.review.sections import Item, Section, item_key

_QUALITY_LEAD = (
    "Photos that a rule threw out, those nearest to its threshold first: they tell whether it is right. What is left "
    "alone stays out."
)
_SUSPECT_LEAD = (
    "Photos that may not belong to their class, the most suspect first. They stay unless somebody decides otherwise."
)
_RULES = (*QUALITY_REASONS, Reason.UNREADABLE, Reason.CLASS_NOT_IN_RUN)
_SUSPICIONS = {
    Suspicion.OUTLIER: "outlier",
    Suspicion.LABEL: "label in doubt",
}
_SUSPICION_MEANINGS = {
    "outlier": "Like hardly any other photo of its class.",
    "label in doubt": "To its look, another class fits better.",
}


def quality(material: Material, cards: Mapping[str, Card]) -> Section:
    """The part about quality rules; a photo of several reasons is shown under the first."""
    items: dict[str, Item] = {}
    for rule in _RULES:
        found = [row for row in material.rows if row.decision == Decision.QUARANTINE and rule in row.reasons.split(",")]
        ranked = [(measured(rule, material.photos.get(row.path)), row) for row in found]
        for (_, note), row in sorted(ranked, key=lambda one: (one[0][0], one[1].path)):
            if row.sha256 not in items and not cards[row.sha256].stays:
                items[row.sha256] = _quality_item(rule, row, note)
    meanings = {reason_name(rule): meaning(rule, material.parameters) for rule in _RULES}
    return Section("quality", "Quality", _QUALITY_LEAD, list(items.values()), False, meanings)


def _quality_item(rule: Reason, row: CleanRow, note: str) -> Item:
    return Item(
        key=item_key("quality", (row.sha256,), rule),
        title=reason_name(rule),
        photos=(row.sha256,),
        facets=(reason_name(rule),),
        notes={row.sha256: note} if note else {},
    )


def suspects(material: Material) -> Section:
    """The part about photos that may not belong to their class."""
    sha256_of = {row.path: row.sha256 for row in material.rows}
    items: dict[tuple[str, str], Item] = {}
    for suspect in sorted(material.suspects, key=lambda one: (-one.score, one.path, one.kind)):
        sha256 = sha256_of.get(suspect.path)
        if sha256 is None:
            continue
        words = _SUSPICIONS.get(Suspicion(suspect.kind), suspect.kind)
        fits = f"{suspect.suggested_label} fits better" if suspect.suggested_label else "hardly like its class"
        item = Item(
            key=item_key("suspects", (sha256,), f"{suspect.kind} {suspect.suggested_label}"),
            title=words,
            photos=(sha256,),
            facets=(words,),
            notes={sha256: f"{fits} (score {suspect.score:.2f})"},
            suggested=suspect.suggested_label,
        )
        items.setdefault((sha256, suspect.kind), item)
    return Section("suspects", "Suspects", _SUSPECT_LEAD, list(items.values()), False, _SUSPICION_MEANINGS)
