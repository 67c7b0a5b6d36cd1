"""Scenes: other photos of one scene, which share a side and all stay."""

from collections.abc import Mapping

from pipeline.photos.records import CleanRow, Side
from pipeline.photos.sides import SCENE_PREFIX
from pipeline.review.cards import Card, sha256s
from pipeline.review.material import Material
from pipeline.review.sections import Item, Section, item_key

_LEAD = (
    "Photos that show one scene: they stay, and share a side, so that no photo is tested whose neighbour was learnt. "
    "The largest scenes come first."
)


def scenes(material: Material, cards: Mapping[str, Card]) -> Section:
    """The part about scenes; those whose photos are all copies of one another are left out."""
    members: dict[str, list[CleanRow]] = {}
    for row in material.rows:
        if row.group.startswith(SCENE_PREFIX):
            members.setdefault(row.group, []).append(row)
    several = {group: rows for group, rows in members.items() if len({row.cluster or row.path for row in rows}) > 1}
    ordered = sorted(several.items(), key=lambda one: (-len(one[1]), one[0]))
    items = [_item(group, sha256s(rows), cards) for group, rows in ordered]
    figures = material.summary.get("scenes")
    return Section("scenes", "Scenes", _LEAD + _words(figures), [item for item in items if len(item.photos) > 1], True)


def _item(group: str, photos: tuple[str, ...], cards: Mapping[str, Card]) -> Item:
    labels = sorted({label for photo in photos for label in cards[photo].labels})
    sides = sorted({cards[photo].side for photo in photos} - {"", Side.NONE})
    return Item(
        key=item_key("scenes", photos, ""),
        title=f"{len(photos)} photos",
        photos=photos,
        facets=(*(("several labels",) if len(labels) > 1 else ()), *(("several sides",) if len(sides) > 1 else ())),
        lines=(f"{' and '.join(labels)}; {' and '.join(sides) or 'no'} side; {group}",),
        labels=tuple(labels) if len(labels) > 1 else (),
    )


def _words(figures: object) -> str:
    """What `clean` counted of scenes, in a sentence."""
    if not isinstance(figures, dict):
        return ""
    counts = [
        f"{name.replace('_', ' ')} {value:,}" for name, value in sorted(figures.items()) if isinstance(value, int)
    ]
    return f" Counted: {', '.join(counts)}." if counts else ""
