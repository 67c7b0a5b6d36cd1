"""The page: all sections of a review in one HTML file, with small pictures beside it."""

import base64
import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.core.tables import write_text
from pipeline.pages.page import templates_of
from pipeline.photos.decisions import HEADER
from pipeline.photos.sides import SCENE_PREFIX
from pipeline.review.cards import Card, cards_by_sha256
from pipeline.review.copies import copies
from pipeline.review.doubts import quality, suspects
from pipeline.review.material import Material, read_material
from pipeline.review.pictures import FOLDER, file_name, write_pictures
from pipeline.review.scenes import scenes
from pipeline.review.sections import Section
from serving.contract import PhotoLimits

_TO_ROOT = "../../"
"""From the page's folder to the root of the checkout."""


@dataclasses.dataclass(frozen=True)
class Review:
    """What was written."""

    num_items: int
    """Questions to a person."""
    num_photos: int
    num_without_picture: int
    num_unmatched: int
    """Decisions on photos that the last run did not see."""


def run(layout: Layout, parameters: Parameters) -> Review:
    """Write the review of the last run; equal tables and decisions give equal bytes.

    Raises:
        DataError: `validate` or `clean` has not run, or a table or the decisions cannot be used.
    """
    material = read_material(layout, parameters)
    cards = cards_by_sha256(material)
    sections = [
        copies(material, cards),
        scenes(material, cards),
        quality(material, cards),
        suspects(material),
    ]
    decided = {one.sha256 for one in material.decisions}
    asked = {photo for section in sections for item in section.items for photo in item.photos}
    shown = [card for sha256, card in cards.items() if sha256 in asked | decided]
    limits = PhotoLimits(max_bytes=parameters.validate_.max_bytes, max_pixels=parameters.validate_.max_pixels)
    drawn = write_pictures(layout.root, layout.review.parent / FOLDER, shown, limits)
    unmatched = [one for one in material.decisions if one.sha256 not in cards]
    write_text(layout.review, _page(material, sections, shown, drawn, parameters))
    return Review(
        num_items=sum(len(section.items) for section in sections),
        num_photos=len(shown),
        num_without_picture=len(shown) - len(drawn),
        num_unmatched=len(unmatched),
    )


def _page(
    material: Material, sections: Sequence[Section], shown: Sequence[Card], drawn: set[str], parameters: Parameters
) -> str:
    templates = templates_of("pipeline.review")
    script = templates.get_template("review.js").render()
    values = {
        "header": HEADER,
        "labels": sorted({row.label for row in material.rows if row.label is not None}),
        "batches": sorted({row.batch for row in material.rows}),
        "cards": [_card(card, card.sha256 in drawn) for card in shown],
        "sections": [_plain(section) for section in sections],
        "decisions": [dataclasses.asdict(one) for one in material.decisions],
        "overruled": _sha256s(material.summary.get("overruled_decisions")),
        "unmatched": _sha256s(material.summary.get("unmatched_decisions")),
        "groups": sorted({row.group for row in material.rows if not row.group.startswith(SCENE_PREFIX)} - {""}),
    }
    # What the review asks is known by its bytes: the page tells a new run from a reload.
    run_key = hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]
    return templates.get_template("review.html").render(
        name=parameters.model.name,
        num_photos=len(material.rows),
        sections=sections,
        remarks=_remarks(material),
        data=_script_safe({**values, "run": run_key}),
        script=Markup(script),  # noqa: S704 - our own files, without a value in them
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _card(card: Card, has_picture: bool) -> dict[str, Any]:
    address = FOLDER + "/" + file_name(card.sha256) if has_picture else ""
    return {**_plain(card), "picture": address, "original": _TO_ROOT + quote(card.places[0]) if has_picture else ""}


def _plain(value: Any) -> dict[str, Any]:
    """A dataclass as JSON takes it; ten thousand photos make empty values worth leaving out."""
    return {name: one for name, one in dataclasses.asdict(value).items() if one or one is False}


def _script_safe(values: Mapping[str, Any]) -> Markup:
    """JSON inside a `<script>`: nothing in it can end the element."""
    text = json.dumps(values, ensure_ascii=True, separators=(",", ":"))
    escaped = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(escaped)  # noqa: S704 - escaped above


def _sha256s(decisions: Iterable[Mapping[str, Any]] | None) -> list[str]:
    return [str(one["sha256"]) for one in decisions or ()]


def _remarks(material: Material) -> list[str]:
    """What is wrong with a rule or with the photos as a whole, in sentences."""
    return [str(warning) for warning in material.summary.get("warnings", ())]
