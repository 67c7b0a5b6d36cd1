"""Scenes: other photos of one scene, which share a side and all stay."""

from collections.abc import Mapping, Sequence

from pipeline.photos.clusters import clusters_of
from pipeline.photos.duplicates import SAME_SCENE
from pipeline.photos.records import CleanRow, Side
from pipeline.review.cards import Card, sha256s
from pipeline.review.material import Material
from pipeline.review.sections import Item, Section, item_key

_LEAD = (
    "Photos that show one scene: they stay, and share a side, so that no photo is tested whose neighbour was learnt. "
    "The largest scenes come first."
)
_COUNTS = {
    "cut": "On several sides, since later batches brought a link: {:,}",
    "capped_groups": "Stopped by clean.max_scene_photos: {:,}",
    "capped_pairs": "Links left for that: {:,}",
}


def scenes(material: Material, cards: Mapping[str, Card]) -> Section:
    """The part about scenes; those whose photos are all copies of one another are left out."""
    row_of = {row.path: row for row in material.rows}
    # By their pairs: photos with a given group keep it, and still show the scene.
    linked = clusters_of(pair for pair in material.pairs if pair.tier == SAME_SCENE).all()
    members = [[row_of[path] for path in paths if path in row_of] for paths in linked]
    several = [rows for rows in members if len({row.cluster or row.path for row in rows}) > 1]
    several.sort(key=lambda rows: (-len(rows), rows[0].path))
    items = [_item(_groups(rows), sha256s(rows), cards) for rows in several]
    figures = material.summary.get("scenes")
    return Section("scenes", "Scenes", _LEAD + _words(figures), [item for item in items if len(item.photos) > 1], True)


def _groups(rows: Sequence[CleanRow]) -> str:
    names = sorted({row.group for row in rows})
    return names[0] if len(names) == 1 else f"{len(names)} groups"


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
    words = [words.format(figures[name]) for name, words in _COUNTS.items() if figures.get(name)]
    return f" {'; '.join(words)}." if words else ""
