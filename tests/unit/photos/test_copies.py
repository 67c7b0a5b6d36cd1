from functools import cache
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.core.parameters import CleanParameters
from pipeline.photos import copies
from pipeline.photos.copies import Compared, find_copies
from pipeline.photos.fingerprints import fingerprints_of
from pipeline.photos.records import Relation

NUM_SCENES = 4
EDITS = {
    "photo": lambda image: image,
    "darker": lambda image: image.point(lambda grey: grey // 2 + 20),
    "small": lambda image: image.resize((64, 64)),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "crop": lambda image: image.crop((18, 30, 462, 460)),
    "narrow": lambda image: image.crop((45, 0, 480, 480)),
    "square of a wide photo": lambda image: image.crop((50, 0, 430, 480)),
    "lower part": lambda image: image.crop((0, 144, 480, 480)),
    "caption": lambda image: with_bar(image, 430),
    "turned": lambda image: image.rotate(3, Image.Resampling.BICUBIC),
    "mirrored crop": lambda image: image.crop((24, 24, 456, 456)).transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "blank": lambda image: Image.new("L", (480, 480), 130),
}
"""What happens to a photo, by name; nothing can be told of a blank one."""


def with_bar(image: Image.Image, top: int) -> Image.Image:
    captioned = image.copy()
    captioned.paste(255, (0, top, 480, 480))
    return captioned


@cache
def thumbnail(scene: int, edit: str) -> bytes:
    coarse = np.random.default_rng(scene).integers(0, 256, (20, 20), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((480, 480), Image.Resampling.BICUBIC)
    return fingerprints_of(EDITS[edit](image)).thumbnail


Photo = tuple[int, str]
PHOTOS: list[Photo] = [(scene, edit) for scene in range(NUM_SCENES) for edit in EDITS]


def key(photo: Photo) -> str:
    return sha256(repr(photo).encode()).hexdigest()


def compared(photos: list[Photo], before: Compared | None = None, *, partial: bool = True) -> Compared:
    ordered = sorted(photos, key=key)
    pixels = np.frombuffer(b"".join(thumbnail(*photo) for photo in ordered), dtype=np.uint8)
    parameters = CleanParameters(partial_copies=partial)
    return find_copies([key(photo) for photo in ordered], pixels.reshape(len(ordered), 2304), parameters, before)


def relations(photos: list[Photo], *, partial: bool = True) -> dict[frozenset[Photo], Relation]:
    ordered = sorted(photos, key=key)
    found = compared(photos, partial=partial)
    return {frozenset((ordered[pair.first], ordered[pair.second])): pair.relation for pair in found.pairs}


@pytest.mark.parametrize(
    ("edit", "relation"),
    (
        ("darker", Relation.SAME),
        ("small", Relation.SAME),
        ("mirrored", Relation.MIRRORED),
        ("crop", Relation.CROPPED),
        ("narrow", Relation.CROPPED),
        ("square of a wide photo", Relation.CROPPED),
        ("lower part", Relation.CROPPED),
        ("turned", Relation.TURNED),
        ("mirrored crop", Relation.MIRRORED),
    ),
)
@pytest.mark.parametrize("scene", range(NUM_SCENES))
def test_an_edited_copy_is_found_among_others_and_how_it_differs_is_told(
    scene: int, edit: str, relation: Relation
) -> None:
    others = [(other, "photo") for other in range(NUM_SCENES)]
    assert relations([*others, (scene, edit)]) == {frozenset(((scene, "photo"), (scene, edit))): relation}


@pytest.mark.parametrize("scene", range(NUM_SCENES))
def test_a_caption_over_a_photo_does_not_hide_it(scene: int) -> None:
    # Where hashes come near in spite of the strip, it is not told from other overprints.
    (found,) = relations([(scene, "photo"), (scene, "caption")]).values()
    assert found in (Relation.CAPTIONED, Relation.SAME)


def test_partial_copies_are_not_searched_where_they_are_not_wanted() -> None:
    photos = [(0, edit) for edit in ("photo", "narrow", "darker", "mirrored crop")]
    assert relations(photos, partial=False) == {frozenset(((0, "photo"), (0, "darker"))): Relation.SAME}


def test_a_blank_photo_is_like_no_other() -> None:
    assert relations([(scene, "blank") for scene in range(NUM_SCENES)]) == {}


def test_no_pair_joins_two_scenes() -> None:
    assert {len({scene for scene, _ in pair}) for pair in relations(PHOTOS)} == {1}


def test_no_photos_have_no_pairs() -> None:
    assert compared([]).pairs == []


@given(scene=st.integers(0, 99), edits=st.tuples(st.sampled_from(sorted(EDITS)), st.sampled_from(sorted(EDITS))))
@example(scene=1, edits=("mirrored", "turned"))
@settings(max_examples=50, deadline=None)
def test_which_of_two_photos_comes_first_does_not_matter(scene: int, edits: tuple[str, str]) -> None:
    pixels = np.frombuffer(b"".join(thumbnail(scene, edit) for edit in edits), dtype=np.uint8).reshape(2, 2304)
    ahead, behind = (find_copies(["a", "b"], pair, CleanParameters()).pairs for pair in (pixels, pixels[::-1]))
    assert len(ahead) == len(behind)


@given(
    photos=st.lists(st.sampled_from(PHOTOS), unique=True, max_size=14),
    gone=st.lists(st.sampled_from(PHOTOS), unique=True, max_size=6),
    share=st.floats(0, 1),
)
@settings(max_examples=25, deadline=None)
def test_what_was_compared_before_changes_the_work_but_not_the_result(
    photos: list[Photo], gone: list[Photo], share: float
) -> None:
    old = photos[: round(share * len(photos))]
    before = compared([*old, *(photo for photo in gone if photo not in photos)])
    warm, cold = compared(photos, before), compared(photos)
    assert (warm.keys, warm.pairs) == (cold.keys, cold.pairs)
    assert warm.hashes.tobytes() == cold.hashes.tobytes()


def test_photos_compared_before_are_neither_hashed_nor_aligned_again(monkeypatch: pytest.MonkeyPatch) -> None:
    before = compared(PHOTOS)

    def refuse(*_: object) -> None:
        raise AssertionError("nothing is new")

    monkeypatch.setattr(copies, "view_hashes", refuse)
    monkeypatch.setattr(copies, "_aligned", refuse)
    assert compared(PHOTOS, before).pairs == before.pairs


@pytest.mark.parametrize("block", (1, 3))
def test_the_size_of_the_blocks_does_not_matter(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    expected = compared(PHOTOS[:16])
    monkeypatch.setattr(copies, "_PAIRS_AT_ONCE", block)
    monkeypatch.setattr(copies, "_PHOTOS_AT_ONCE", block)
    assert compared(PHOTOS[:16]).pairs == expected.pairs
