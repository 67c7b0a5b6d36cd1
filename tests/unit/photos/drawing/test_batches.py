import csv
import hashlib
import io
import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from drawn_batches import draw_batch
from PIL import Image

from pipeline.core.errors import ParameterError
from pipeline.photos.drawing.batches import MIN_PHOTOS, PlannedPhoto, TruthRow, plan_batch, truth_of
from pipeline.photos.drawing.photos import Condition, draw_photo
from pipeline.photos.drawing.spoils import UNFOUND_COPIES, Kind
from pipeline.photos.drawing.streams import Stream
from serving.contract import PhotoLimits, UnreadablePhoto, read_upright

NAME, SEED = "tiny", 11
GOLDEN_FILES = "245e88ee2b5f0f45c6cdedeb66b27870816555cb7e7bed69da58e74d368f00ee"


@pytest.fixture(scope="module")
def plan() -> list[PlannedPhoto]:
    return plan_batch(NAME, MIN_PHOTOS, SEED)


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return {file.path: file.content for file in draw_batch(NAME, MIN_PHOTOS, SEED)}


@pytest.fixture(scope="module")
def truth(plan: list[PlannedPhoto]) -> dict[str, TruthRow]:
    return {row.path: row for row in truth_of(plan, NAME)}


def of_kind(plan: list[PlannedPhoto], kind: Kind) -> list[PlannedPhoto]:
    found = [photo for photo in plan if photo.kind is kind]
    assert found
    return found


def upright_pixels(content: bytes) -> np.ndarray:
    return np.asarray(read_upright(content, PhotoLimits()).image, np.float64)


def test_the_files_are_these_and_no_others(files: dict[str, bytes]) -> None:
    digest = hashlib.sha256()
    for path, content in sorted(files.items()):
        digest.update(path.encode() + hashlib.sha256(content).digest())
    assert digest.hexdigest() == GOLDEN_FILES


def test_another_seed_or_name_draws_other_photos(files: dict[str, bytes]) -> None:
    for name, seed in ((NAME, SEED + 1), ("other", SEED)):
        other = draw_batch(name, MIN_PHOTOS, seed)
        assert next(other).content not in files.values()


def test_a_batch_holds_as_many_photos_as_asked_for_and_every_kind(plan: list[PlannedPhoto]) -> None:
    assert len({photo.path for photo in plan}) == MIN_PHOTOS
    assert {photo.kind for photo in plan} == set(Kind)


def test_a_large_batch_is_mostly_good_and_holds_each_condition_by_its_share() -> None:
    plan = plan_batch("large", 450, 7)
    labels, kinds = Counter(photo.label for photo in plan), Counter(photo.kind for photo in plan)
    shares = {"intact": 30, "crack": 22, "spalling": 12, "efflorescence": 12, "growth": 12, "missing_brick": 12}
    assert set(labels) == set(shares)
    assert all(abs(100 * labels[label] / len(plan) - share) < 3 for label, share in shares.items())
    assert kinds[Kind.ORIGINAL] > 0.75 * len(plan)


def test_a_small_batch_holds_good_photos_of_every_condition(plan: list[PlannedPhoto]) -> None:
    good = Counter(photo.label for photo in plan if photo.kind is Kind.ORIGINAL)
    assert set(good) == {condition.value for condition in Condition}
    assert min(good.values()) >= 2


def test_a_batch_too_small_for_its_spoils_is_refused() -> None:
    with pytest.raises(ParameterError, match="39 photos asked for"):
        plan_batch(NAME, MIN_PHOTOS - 1, SEED)


def test_photos_of_a_wall_share_a_group_and_copies_that_cleaning_finds_have_none(plan: list[PlannedPhoto]) -> None:
    groups = {photo.path: photo.group for photo in plan}
    for photo in plan:
        if photo.kind in UNFOUND_COPIES:
            assert photo.group == groups[photo.source]
        else:
            assert photo.group == ("" if photo.source else f"{NAME}-wall-{photo.view.wall:04d}")
    sizes = Counter(photo.group for photo in plan if photo.group)
    assert max(sizes.values()) in (2, 3)


def test_the_table_tells_each_photo_and_mask_of_the_batch(files: dict[str, bytes]) -> None:
    text = files["photos.csv"].decode()
    assert "\r" not in text
    rows = list(csv.DictReader(io.StringIO(text)))
    paths = [row["path"] for row in rows]
    assert paths == sorted(paths)
    masks = {row["mask"] for row in rows if row["mask"]}
    assert {*paths, *masks, "photos.csv"} == set(files)
    assert all(row["path"].startswith(f"{row['label']}/") for row in rows)


def test_masks_lie_with_damaged_photos_only_and_fit_them(plan: list[PlannedPhoto], files: dict[str, bytes]) -> None:
    for photo in plan:
        if not photo.mask:
            continue
        assert photo.label == photo.view.condition.value != "intact"
        mask = Image.open(io.BytesIO(files[photo.mask]))
        assert (mask.format, mask.mode) == ("PNG", "1")
        assert np.asarray(mask).any()
        assert upright_pixels(files[photo.path]).shape[:2] == mask.size[::-1]
    without = {photo.kind for photo in plan if photo.label == photo.view.condition.value != "intact" and not photo.mask}
    assert without <= {Kind.TINY, Kind.BLANK, Kind.TRUNCATED}


def test_the_truth_names_the_wall_whatever_the_folder(plan: list[PlannedPhoto], truth: dict[str, TruthRow]) -> None:
    for photo in plan:
        row = truth[f"data/{NAME}/{photo.path}"]
        misfiled = photo.kind in (Kind.MISLABELLED, Kind.LABEL_CONFLICT)
        if photo.kind is not Kind.BLANK:
            assert (row.true_label != photo.label) == misfiled
        assert row.kind == photo.kind.value
        assert not row.source or truth[row.source].kind == "original"


@pytest.mark.parametrize("kind", (Kind.EXACT_COPY, Kind.LABEL_CONFLICT))
def test_copies_repeat_their_source_byte_for_byte(
    kind: Kind, plan: list[PlannedPhoto], files: dict[str, bytes]
) -> None:
    for photo in of_kind(plan, kind):
        assert files[photo.path] == files[photo.source]
        assert (photo.label != photo.source.split("/")[0]) == (kind is Kind.LABEL_CONFLICT)


def test_a_re_encoded_photo_is_its_source_at_another_size(plan: list[PlannedPhoto], files: dict[str, bytes]) -> None:
    for photo in of_kind(plan, Kind.RE_ENCODED):
        copy, source = (Image.open(io.BytesIO(files[path])) for path in (photo.path, photo.source))
        assert copy.size != source.size
        small = [
            np.asarray(image.convert("L").resize((32, 32), Image.Resampling.BOX), float) for image in (copy, source)
        ]
        assert np.corrcoef(small[0].ravel(), small[1].ravel())[0, 1] > 0.97


def test_a_mirrored_photo_is_its_source_seen_in_a_mirror(plan: list[PlannedPhoto], files: dict[str, bytes]) -> None:
    for photo in of_kind(plan, Kind.MIRRORED):
        copy, source = (upright_pixels(files[path]) for path in (photo.path, photo.source))
        assert np.abs(copy[:, ::-1] - source).mean() < 8 < np.abs(copy - source).mean()


def best_fit(part: np.ndarray, whole: np.ndarray) -> float:
    """Correlation of two grey pictures where the one fits best within the other."""
    height, width = part.shape
    windows = (
        whole[top : top + height, left : left + width]
        for top in range(0, whole.shape[0] - height + 1, 2)
        for left in range(0, whole.shape[1] - width + 1, 2)
    )
    return max(float(np.corrcoef(window[::3, ::3].ravel(), part[::3, ::3].ravel())[0, 1]) for window in windows)


def test_a_crop_is_a_part_of_its_source(plan: list[PlannedPhoto], files: dict[str, bytes]) -> None:
    for photo in of_kind(plan, Kind.CROPPED):
        crop, source = (Image.open(io.BytesIO(files[path])).convert("L") for path in (photo.path, photo.source))
        sizes = [(source.width * share // 100, source.height * share // 100) for share in range(84, 95)]
        parts = [np.asarray(crop.resize(size, Image.Resampling.BILINEAR), float) for size in sizes]
        assert max(best_fit(part, np.asarray(source, float)) for part in parts) > 0.6


def test_captions_and_watermarks_leave_most_of_the_photo_as_it_was(
    plan: list[PlannedPhoto], files: dict[str, bytes]
) -> None:
    for kind in (Kind.CAPTIONED, Kind.WATERMARKED):
        for photo in of_kind(plan, kind):
            copy, source = (upright_pixels(files[path]) for path in (photo.path, photo.source))
            difference = np.abs(copy[: len(source)] - source).mean(axis=-1)
            assert np.median(difference) < 8
            assert (difference > 40).mean() > 0.01 or len(copy) > len(source)


def test_a_rotated_photo_is_stored_askew_and_upright_by_its_tag(
    plan: list[PlannedPhoto], files: dict[str, bytes]
) -> None:
    for photo in of_kind(plan, Kind.EXIF_ROTATED):
        drawn = draw_photo(photo.view, Stream(SEED, NAME))
        read = read_upright(files[photo.path], PhotoLimits())
        assert read.orientation in (3, 6, 8)
        assert np.abs(np.asarray(read.image, float) - drawn.pixels).mean() < 8


@pytest.mark.parametrize(
    ("kind", "expected"),
    (
        (Kind.ORIGINAL, ("JPEG", "RGB")),
        (Kind.CMYK, ("JPEG", "CMYK")),
        (Kind.GREYSCALE, ("JPEG", "L")),
        (Kind.PNG_AS_JPEG, ("PNG", "RGB")),
    ),
)
def test_photos_are_stored_as_their_kind_says(
    kind: Kind, expected: tuple[str, str], plan: list[PlannedPhoto], files: dict[str, bytes]
) -> None:
    for photo in of_kind(plan, kind)[:3]:
        read = read_upright(files[photo.path], PhotoLimits())
        assert (read.format, read.mode) == expected
        drawn = draw_photo(photo.view, Stream(SEED, NAME)).pixels.astype(float)
        greys = [np.asarray(image, float).mean(axis=-1) for image in (read.image, drawn)]
        assert np.abs(greys[0] - greys[1]).mean() < 8


def test_a_truncated_photo_cannot_be_decoded_and_all_others_can(
    plan: list[PlannedPhoto], files: dict[str, bytes]
) -> None:
    for photo in plan:
        if photo.kind is Kind.TRUNCATED:
            with pytest.raises(UnreadablePhoto, match="damaged photo"):
                read_upright(files[photo.path], PhotoLimits())
        else:
            read_upright(files[photo.path], PhotoLimits())


def test_poor_photos_are_as_poor_as_their_kind_says(plan: list[PlannedPhoto], files: dict[str, bytes]) -> None:
    def pixels(kind: Kind) -> list[np.ndarray]:
        return [upright_pixels(files[photo.path]) for photo in of_kind(plan, kind)]

    def sharpness(image: np.ndarray) -> float:
        grey = image.mean(axis=-1)
        return float(np.diff(np.diff(grey, axis=0), axis=0).var() / grey.var())

    assert all(np.percentile(image, 99) < 0.12 * 255 for image in pixels(Kind.DARK))
    assert all(min(image.shape[:2]) < 32 for image in pixels(Kind.TINY))
    assert all(image.std() < 2 for image in pixels(Kind.BLANK))
    assert max(map(sharpness, pixels(Kind.BLURRED))) * 3 < min(map(sharpness, pixels(Kind.ORIGINAL)))


def test_the_files_do_not_depend_on_the_vector_units_of_the_processor(
    plan: list[PlannedPhoto], files: dict[str, bytes]
) -> None:
    chosen = {photo.kind: photo for photo in plan} | {photo.view.condition: photo for photo in plan}
    indices = sorted({plan.index(photo) for photo in chosen.values()})
    script = (
        "import hashlib; from pipeline.photos.drawing.batches import draw_planned, plan_batch;"
        f"plan = plan_batch({NAME!r}, {MIN_PHOTOS}, {SEED});"
        f"files = [file for index in {indices} for file in draw_planned(plan[index], {NAME!r}, {SEED})];"
        "print(*(f'{file.path} {hashlib.sha256(file.content).hexdigest()}' for file in files), sep='\\n')"
    )
    extensions = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    plain = {**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(extensions), "JSIMD_FORCENONE": "1"}
    done = subprocess.run([sys.executable, "-c", script], env=plain, capture_output=True, text=True, check=True)
    digests = dict(line.rsplit(" ", 1) for line in done.stdout.splitlines())
    assert len(digests) > len(indices)
    assert digests == {path: hashlib.sha256(files[path]).hexdigest() for path in digests}
