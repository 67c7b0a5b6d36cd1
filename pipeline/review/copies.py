"""Copies: clusters of the same photo side by side, with what stays and why."""

from collections.abc import Iterable, Mapping, Sequence

from pipeline.photos.duplicates import SAME_PHOTO
from pipeline.photos.records import CleanRow, DuplicateRow, Relation, Side
from pipeline.review.cards import Card, sha256s
from pipeline.review.material import Material
from pipeline.review.sections import Item, Section, item_key

CONFLICT = "several labels"
ACROSS = "touches the test side"
_LEAD = (
    "Photos that are the same photo. Those under several labels come first, then those of which the run is least sure. "
    "What is left alone goes as proposed."
)
_NAMES = {Relation.SAME: "the same picture"}
"""Of relations whose own name says too little by itself."""
_DIFFERENCES = {
    Relation.SAME: "the same picture as photo {}",
    Relation.MIRRORED: "photo {} mirrored",
    Relation.CROPPED: "the same as photo {} but for its edges",
    Relation.CAPTIONED: "the same as photo {} but for a strip",
    Relation.TURNED: "photo {} turned a little",
    Relation.SCENE: "the scene of photo {}",
}


def copies(material: Material, cards: Mapping[str, Card]) -> Section:
    """The part about copies; files of equal bytes under one label are left out: there is nothing to choose."""
    clusters: dict[str, list[CleanRow]] = {}
    for row in material.rows:
        if row.cluster:
            clusters.setdefault(row.cluster, []).append(row)
    pairs = _pairs_by_photo(material)
    found = [
        (_doubt(photos, pairs, cards), _item(photos, pairs, cards))
        for photos in (sha256s(rows) for rows in clusters.values())
        if len(photos) > 1 or len(cards[photos[0]].labels) > 1
    ]
    items = [item for _, item in sorted(found, key=lambda one: (one[0], one[1].key))]
    return Section("copies", "Copies", _LEAD, items, is_grouped=True)


_Pairs = Mapping[str, Sequence[tuple[str, DuplicateRow]]]
"""Of each photo its copies, by sha256."""


def _pairs_by_photo(material: Material) -> _Pairs:
    sha256_of = {row.path: row.sha256 for row in material.rows}
    found: dict[str, list[tuple[str, DuplicateRow]]] = {}
    for pair in material.pairs:
        first, second = sha256_of.get(pair.first), sha256_of.get(pair.second)
        if pair.tier == SAME_PHOTO and first and second and first != second:
            found.setdefault(first, []).append((second, pair))
            found.setdefault(second, []).append((first, pair))
    return found


def _doubt(photos: Sequence[str], pairs: _Pairs, cards: Mapping[str, Card]) -> tuple[bool, float]:
    """Smallest first: contradicting labels, then the weakest likeness."""
    likeness = min((pair.correlation for photo in photos for _, pair in pairs.get(photo, ())), default=1.0)
    return len(_labels(photos, cards)) < 2, likeness


def _labels(photos: Iterable[str], cards: Mapping[str, Card]) -> tuple[str, ...]:
    return tuple(sorted({label for photo in photos for label in cards[photo].labels}))


def _item(photos: Sequence[str], pairs: _Pairs, cards: Mapping[str, Card]) -> Item:
    ordered = sorted(photos, key=lambda photo: (not cards[photo].stays, cards[photo].places))
    number = {photo: place for place, photo in enumerate(ordered, start=1)}
    notes = {photo: _likeness(photo, number, pairs, cards) for photo in ordered}
    labels = _labels(photos, cards)
    staying = [photo for photo in ordered if cards[photo].stays]
    relations = {pair.relation for photo in photos for _, pair in pairs.get(photo, ())}
    is_measured = any(cards[photo].side == Side.TEST for photo in photos)
    return Item(
        key=item_key("copies", photos, " ".join(sorted(staying))),
        title=f"{len(photos)} photos" if len(photos) > 1 else f"{len(cards[photos[0]].places)} files of equal bytes",
        photos=tuple(ordered),
        facets=(
            *((CONFLICT,) if len(labels) > 1 else ()),
            *((ACROSS,) if is_measured else ()),
            *(_NAMES.get(Relation(relation), relation) for relation in sorted(relations)),
        ),
        lines=_proposal(staying, ordered, cards, _originals(ordered, pairs, cards)),
        notes={photo: note for photo, note in notes.items() if note},
        labels=labels if len(labels) > 1 else (),
    )


def _likeness(photo: str, number: Mapping[str, int], pairs: _Pairs, cards: Mapping[str, Card]) -> str:
    """How a photo that goes is like its nearest copy, one that stays where there is one."""
    if cards[photo].stays or not pairs.get(photo):
        return ""
    other, pair = min(
        (one for one in pairs[photo] if one[0] in number),
        key=lambda one: (not cards[one[0]].stays, one[1].hash_distance, one[0]),
        default=("", None),
    )
    if pair is None:
        return ""
    words = _DIFFERENCES[Relation(pair.relation)].format(number[other])
    bits = f"{pair.hash_distance} bit{'' if pair.hash_distance == 1 else 's'} apart"
    return f"{words}: {bits}, correlation {pair.correlation:.3f}"


def _proposal(
    staying: Sequence[str], photos: Sequence[str], cards: Mapping[str, Card], originals: Mapping[str, set[str]]
) -> tuple[str, ...]:
    labels = _labels(photos, cards)
    conflict = [f"Came as {' and as '.join(labels)}."] if len(labels) > 1 else []
    if not staying:
        return (*conflict, "None stays.")
    if len(staying) == len(photos):
        return (*conflict, "It stays." if len(photos) == 1 else "All stay.")
    if len(staying) > 1:
        return (*conflict, f"Photos 1 to {len(staying)} stay.")
    advantages = _advantages(cards[staying[0]], [cards[photo] for photo in photos[1:]], originals)
    return (*conflict, f"Photo 1 stays{': ' + ', '.join(advantages) if advantages else ''}.")


def _originals(photos: Sequence[str], pairs: _Pairs, cards: Mapping[str, Card]) -> dict[str, set[str]]:
    """The photos that each one was cut or covered from."""
    found: dict[str, set[str]] = {photo: set() for photo in photos}
    for photo in photos:
        for other, pair in pairs.get(photo, ()):
            part = {"first": pair.first, "second": pair.second}.get(pair.derived)
            if part in cards[photo].places:
                found[photo].add(other)
    return found


def _advantages(card: Card, going: Sequence[Card], originals: Mapping[str, set[str]]) -> list[str]:
    """In what a photo is ahead of all its copies, whatever of it decided."""
    found = {
        "somebody kept it": "kept by person" in card.reasons,
        "it is on the test side": card.side == Side.TEST,
        "the others were made from it": all(card.sha256 in originals[other.sha256] for other in going),
        "it is the largest": all(card.width * card.height > other.width * other.height for other in going),
        "it is the sharpest": all(card.sharpness > other.sharpness for other in going),
    }
    return [words for words, is_so in found.items() if is_so]
