"""Converting: HEIC and TIFF photos of all kinds become upright JPEGs in sRGB, and bad ones a sentence."""

import io
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps, TiffImagePlugin

from pipeline.intake.converting import (
    HEAD_BYTES,
    Conversion,
    ConversionLimits,
    Converted,
    convert,
    is_convertible,
    turned,
)
from pipeline.photos.exif import taken_at
from serving.contract import PhotoLimits, read_upright

pillow_heif.register_heif_opener()

RED, GREEN, BLUE, WHITE = (220, 40, 40), (40, 160, 60), (40, 60, 200), (250, 250, 250)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
TOLERANCE = 6
"""What lossy coding at high quality may change of a plain patch."""


def quarters(width: int = 96, height: int = 64) -> Image.Image:
    """A photo that tells how it lies: red and green above, blue and white below."""
    image = Image.new("RGB", (width, height))
    for number, colour in enumerate((RED, GREEN, BLUE, WHITE)):
        left, top = number % 2 * width // 2, number // 2 * height // 2
        image.paste(colour, (left, top, left + width // 2, top + height // 2))
    return image


def exif(orientation: int = 1) -> Image.Exif:
    block = Image.Exif()
    block[0x0112] = orientation
    block[0x010F] = "Maker"
    block[0x0132] = "2021:01:01 00:00:00"
    block.get_ifd(0x8769).update({0x9003: "2019:05:03 14:22:10", 0x927C: b"notes" * 20_000})
    block.get_ifd(0x8825).update({1: "N", 2: (59.0, 26.0, 14.0), 3: "E", 4: (24.0, 43.0, 44.0)})
    return block


def heic(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, "HEIF", **{"quality": 90, "chroma": 444, **options})
    return path


def tiff(path: Path, image: Image.Image, tags: dict[int, Any] | None = None, **options: Any) -> Path:
    image.save(path, "TIFF", **({"tiffinfo": tags} if tags else {}), **options)
    return path


def converted(path: Path, **limits: Any) -> tuple[Converted, Image.Image]:
    target = path.parent / "made" / "photo.jpg"
    result = convert(ConversionLimits(**limits), Conversion(path, target))
    assert result.problem == ""
    with Image.open(target) as image:
        image.load()
        return result, image


def problem(path: Path, **limits: Any) -> str:
    target = path.parent / "made.jpg"
    result = convert(ConversionLimits(**limits), Conversion(path, target))
    assert not target.exists()
    return result.problem


def colours_of(image: Image.Image) -> list[tuple[int, ...]]:
    """The colours of the four quarters, row by row."""
    width, height = image.size
    middles = ((1, 1), (3, 1), (1, 3), (3, 3))
    return [image.convert("RGB").getpixel((x * width // 4, y * height // 4)) for x, y in middles]  # type: ignore[misc]


def assert_alike(found: list[tuple[int, ...]], expected: list[tuple[int, ...]], within: int = TOLERANCE) -> None:
    assert np.abs(np.subtract(found, expected)).max() <= within, found


@pytest.mark.parametrize("make", (heic, tiff))
def test_a_photo_becomes_a_jpeg_of_full_colour_without_profile(tmp_path: Path, make: Any) -> None:
    result, image = converted(make(tmp_path / "photo", quarters(), icc_profile=SRGB))
    assert result == Converted(size=(96, 64))
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (96, 64))
    assert {layer[1:3] for layer in image.layer} == {(1, 1)}  # type: ignore[attr-defined]
    assert "icc_profile" not in image.info
    assert_alike(colours_of(image), [RED, GREEN, BLUE, WHITE])


@pytest.mark.parametrize("make", (heic, tiff))
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_as_other_readers_turn_it(tmp_path: Path, make: Any, orientation: int) -> None:
    """The reference is the same photo as a JPEG, read by the contract between training and serving."""
    block = exif(orientation)
    result, image = converted(make(tmp_path / "photo", quarters(), exif=block.tobytes() if make is heic else block))
    plain = Image.Exif()
    plain[0x0112] = orientation
    quarters().save(jpeg := io.BytesIO(), "JPEG", exif=plain, quality=95, subsampling=0)
    expected = read_upright(jpeg.getvalue(), PhotoLimits()).image
    assert image.size == expected.size == result.size
    assert_alike(colours_of(image), colours_of(expected))
    assert result.orientation == orientation
    assert image.getexif().get(0x0112, 1) == 1


def test_date_and_place_of_a_heic_photo_go_along_and_the_makers_notes_do_not(tmp_path: Path) -> None:
    _, image = converted(heic(tmp_path / "photo", quarters(), exif=exif(6).tobytes()))
    assert taken_at(image.info["exif"]) == "2019-05-03T14:22:10"
    kept = image.getexif()
    assert kept[0x010F] == "Maker"
    assert kept.get_ifd(0x8825)[2] == (59.0, 26.0, 14.0)
    assert set(kept.get_ifd(0x8769)) == {0x9003}


def test_date_and_place_of_a_tiff_photo_go_along(tmp_path: Path) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[0x0132] = "2021:01:01 00:00:00"
    tags[0x8769] = {0x9003: "2019:05:03 14:22:10"}
    tags[0x8825] = {1: "N", 2: (59.0, 26.0, 14.0)}
    path = tmp_path / "photo"
    quarters().save(path, "TIFF", tiffinfo=tags)
    _, image = converted(path)
    assert taken_at(image.info["exif"]) == "2019-05-03T14:22:10"
    assert image.getexif().get_ifd(0x8825)[1] == "N"
    assert 273 not in image.getexif()


def test_exif_that_no_jpeg_can_hold_is_left_out_and_the_photo_stays(tmp_path: Path) -> None:
    block = exif()
    block.get_ifd(0x8769).update({0xC000 + tag: b"x" * 1000 for tag in range(100)})
    _, image = converted(heic(tmp_path / "photo", quarters(), exif=block.tobytes()))
    assert "exif" not in image.info


@pytest.mark.parametrize("mode", ("L", "CMYK", "YCbCr", "LAB", "P", "PA", "RGBA", "LA"))
@pytest.mark.parametrize("compression", (None, "tiff_lzw"))
def test_a_tiff_of_any_mode_keeps_its_colours(tmp_path: Path, mode: str, compression: str | None) -> None:
    profile = ImageCms.createProfile("sRGB")
    if mode == "LAB":
        image = ImageCms.profileToProfile(quarters(), profile, ImageCms.createProfile("LAB"), outputMode="LAB")
        assert image is not None
    elif mode in ("P", "PA"):
        image = quarters().quantize(4).convert(mode)
    else:
        image = quarters().convert(mode)
    _, found = converted(tiff(tmp_path / "photo", image, compression=compression))
    expected = quarters().convert("L") if mode in ("L", "LA") else quarters()
    assert_alike(colours_of(found), colours_of(expected), within=8)


def test_a_black_and_white_tiff_is_black_and_white(tmp_path: Path) -> None:
    _, image = converted(tiff(tmp_path / "photo", quarters().convert("1", dither=Image.Dither.NONE)))
    assert_alike(colours_of(image), [(0, 0, 0), (0, 0, 0), (0, 0, 0), (255, 255, 255)])


@pytest.mark.parametrize(("mode", "make"), (("RGBA", heic), ("RGBA", tiff), ("LA", tiff)))
def test_transparent_pixels_are_laid_on_white(tmp_path: Path, mode: str, make: Any) -> None:
    image = quarters().convert("RGBA")
    image.putalpha(Image.new("L", image.size, 255))
    image.paste((0, 0, 0, 0), (0, 0, 48, 32))
    _, found = converted(make(tmp_path / "photo", image.convert(mode)))
    assert_alike(colours_of(found)[:1], [(255, 255, 255)])
    assert_alike(colours_of(found)[1:], colours_of(quarters().convert("L" if mode == "LA" else "RGB"))[1:])


@pytest.mark.parametrize(("order", "white_is_zero"), (("<", False), (">", False), ("<", True)))
def test_sixteen_bits_of_grey_keep_their_high_byte(tmp_path: Path, order: str, white_is_zero: bool) -> None:
    values = (np.array(quarters().convert("L")).astype(np.uint16) * 257).astype(f"{order}u2")
    path = tiff(tmp_path / "photo", Image.fromarray(65535 - values if white_is_zero else values))
    if white_is_zero:
        data = bytearray(path.read_bytes())
        at = data.index(struct.pack("<HHI", 262, 3, 1)) + 8
        data[at : at + 2] = b"\0\0"
        path.write_bytes(data)
    _, image = converted(path)
    assert_alike(colours_of(image), colours_of(quarters().convert("L")))


def test_sixteen_bits_of_colour_keep_their_high_byte(tmp_path: Path) -> None:
    """Pillow writes no such file: this one is put together by hand."""
    image = quarters()
    words = (np.array(image).astype("<u2") * 257).tobytes()
    entries = [
        (256, 4, 1, image.width),
        (257, 4, 1, image.height),
        (258, 3, 3, 134),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 140),
        (277, 3, 1, 3),
        (278, 4, 1, image.height),
        (279, 4, 1, len(words)),
    ]
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(struct.pack("<HHII", *one) for one in entries)
    path = tmp_path / "photo"
    path.write_bytes((head + bytes(4)).ljust(134, b"\0") + struct.pack("<HHH", 16, 16, 16) + words)
    _, found = converted(path)
    assert_alike(colours_of(found), [RED, GREEN, BLUE, WHITE])


def test_more_than_eight_bits_of_a_heic_photo_are_brought_down_to_eight(tmp_path: Path) -> None:
    words = np.array(quarters()).astype("<u2") * 257
    pillow_heif.encode("RGB;16", (96, 64), words.tobytes(), tmp_path / "photo", quality=95, chroma=444)
    _, image = converted(tmp_path / "photo")
    assert_alike(colours_of(image), [RED, GREEN, BLUE, WHITE])


def swapped_profile() -> bytes:
    """A profile whose red is sRGB's blue: who heeds it sees other colours than who does not."""
    profile = bytearray(SRGB)
    tags = {bytes(profile[at : at + 4]): at for at in range(132, 132 + 12 * profile[131], 12)}
    red, blue = tags[b"rXYZ"], tags[b"bXYZ"]
    profile[red + 4 : red + 12], profile[blue + 4 : blue + 12] = (
        profile[blue + 4 : blue + 12],
        profile[red + 4 : red + 12],
    )
    return bytes(profile)


@pytest.mark.parametrize("make", (heic, tiff))
def test_colours_are_converted_by_their_profile(tmp_path: Path, make: Any) -> None:
    _, image = converted(make(tmp_path / "photo", quarters(), icc_profile=swapped_profile()))
    assert_alike(colours_of(image), [colour[::-1] for colour in (RED, GREEN, BLUE, WHITE)], within=8)


@pytest.mark.parametrize(
    ("profile", "words"), ((b"no profile at all" * 20, "is damaged"), (SRGB, "is for other pixels"))
)
def test_a_profile_that_cannot_be_used_is_left_out_and_told(tmp_path: Path, profile: bytes, words: str) -> None:
    image = quarters() if "damaged" in words else quarters().convert("L")
    result, found = converted(tiff(tmp_path / "photo", image, icc_profile=profile))
    assert result.remark.endswith(words)
    assert_alike(colours_of(found), colours_of(image))


@pytest.mark.parametrize("make", (heic, tiff))
def test_of_several_pages_the_first_is_taken_and_told(tmp_path: Path, make: Any) -> None:
    others = [Image.new("RGB", (32, 32), "black")] * 2
    result, image = converted(make(tmp_path / "photo", quarters(), save_all=True, append_images=others))
    assert result.remark == "the first of several pages"
    assert_alike(colours_of(image), [RED, GREEN, BLUE, WHITE])


def test_a_photo_that_would_be_too_large_is_encoded_smaller(tmp_path: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (200, 200, 3), np.uint8))
    path = tiff(tmp_path / "photo", noise)
    converted(path)
    best = (tmp_path / "made" / "photo.jpg").stat().st_size
    converted(path, photo=PhotoLimits(max_bytes=best - 1))
    assert (tmp_path / "made" / "photo.jpg").stat().st_size < best


def cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    return path


def test_files_that_cannot_be_converted_are_told_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "photo"
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8))
    assert problem(cut(heic(path, noise)))
    assert problem(cut(tiff(path, noise)))
    assert problem(cut(tiff(path, noise, compression="tiff_lzw")))
    assert "6144 pixels" not in problem(tiff(path, quarters(), {254: 1}))
    assert "raw file" in problem(tiff(path, quarters(), {254: 1}))
    assert "raw file" in problem(tiff(path, quarters(), {50706: b"\1\4\0\0"}))
    assert "nothing says what is white" in problem(tiff(path, quarters().convert("F")))
    assert "96x64 pixels; at most 6,143" in problem(tiff(path, quarters()), photo=PhotoLimits(max_pixels=6143))
    assert "at most 100 are converted" in problem(tiff(path, quarters()), max_bytes=100)
    assert "\n" not in problem(cut(heic(path, quarters())))


def test_a_file_that_claims_to_be_huge_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tiff(tmp_path / "photo", quarters(), compression="tiff_lzw")
    data = path.read_bytes()
    for number, (tag, size) in enumerate(((256, 96), (257, 64))):
        for kind, form in ((3, "<HHIHH"), (4, "<HHII")):
            old = struct.pack(form, tag, kind, 1, size, *([0] if kind == 3 else []))
            new = struct.pack("<HHII", tag, 4, 1, 9_000 + number)
            data = data.replace(old, new)
    path.write_bytes(data)
    assert "at most 50,000,000 pixels" in problem(path)


@settings(max_examples=25)
@given(st.integers(9, 90), st.integers(9, 90), st.integers(1, 8), st.booleans())
def test_a_photo_of_any_size_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, width: int, height: int, orientation: int, is_heic: bool
) -> None:
    generator = np.random.default_rng(width * 100 + height)
    before = Image.fromarray(generator.integers(0, 256, (2, 2, 3), np.uint8)).resize((width, height))
    block = Image.Exif()
    block[0x0112] = orientation
    path = tmp_path_factory.mktemp("any") / "photo"
    if is_heic:
        heic(path, before, quality=-1, exif=block.tobytes())
    else:
        tiff(path, before, exif=block)
    _, after = converted(path)
    before.getexif()[0x0112] = orientation
    upright = ImageOps.exif_transpose(before)
    assert after.size == upright.size
    assert np.abs(np.subtract(np.asarray(after), np.asarray(upright), dtype=int)).mean() < 4


@settings(max_examples=25)
@given(st.data())
def test_damaged_files_never_raise(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("damaged") / "photo"
    make = data.draw(st.sampled_from((heic, tiff)))
    content = bytearray(make(path, quarters(), exif=exif().tobytes() if make is heic else exif()).read_bytes())
    for place, byte in data.draw(
        st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=30)
    ):
        content[place] = byte
    path.write_bytes(content)
    result = convert(ConversionLimits(), Conversion(path, path.with_suffix(".jpg")))
    assert bool(result.problem) != path.with_suffix(".jpg").exists()


@pytest.mark.parametrize(
    ("head", "is_one"),
    (
        (b"II*\0\x08\0\0\0\0\0\0\0", True),
        (b"MM\0*\0\0\0\x08\0\0\0\0", True),
        (b"II+\0\x08\0\0\0\0\0\0\0", True),
        (b"\0\0\0\x1cftypheic", True),
        (b"\0\0\0\x1cftypmif1", True),
        (b"\0\0\0\x1cftypavif", False),
        (b"\0\0\0\x1cftypisom", False),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0\1", False),
        (b"\x89PNG\r\n\x1a\n\0\0\0\r", False),
        (b"II*", False),
        (b"", False),
    ),
)
def test_what_is_converted_is_told_by_its_first_bytes(head: bytes, is_one: bool) -> None:
    assert len(head) <= HEAD_BYTES
    assert is_convertible(head) == is_one


@pytest.mark.parametrize("orientation", range(5, 9))
def test_a_mask_made_on_the_pixels_as_stored_is_turned_with_its_photo(orientation: int) -> None:
    mask = quarters().convert("L")
    block = Image.Exif()
    block[0x0112] = orientation
    quarters().save(jpeg := io.BytesIO(), "JPEG", exif=block, subsampling=0)
    expected = read_upright(jpeg.getvalue(), PhotoLimits()).image
    photo = Converted(size=expected.size, orientation=orientation)
    assert_alike(colours_of(turned(mask, photo)), colours_of(expected.convert("L")))
    upright = Image.new("L", expected.size)
    assert turned(upright, photo) is upright


def test_a_file_that_takes_a_processor_for_too_long_ends_its_process_alone(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, pipeline.intake.converting as c\n"
        "def spin(*_):\n    while True: pass\n"
        "c.convert = spin\n"
        "c.convert_guarded(c.ConversionLimits(max_seconds=1), [c.Conversion(pathlib.Path('a'), pathlib.Path('b'))])\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert ended.returncode < 0


def test_a_file_that_takes_too_much_memory_is_told(tmp_path: Path) -> None:
    path = tiff(tmp_path / "photo", Image.new("RGB", (6000, 6000)), compression="tiff_lzw")
    code = (
        "import sys, pathlib, resource, pipeline.intake.converting as c\n"
        "now = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "limits = c.ConversionLimits(max_memory=now + (60 << 20))\n"
        f"path = pathlib.Path({str(path)!r})\n"
        "print(c.convert_guarded(limits, [c.Conversion(path, path.with_suffix('.jpg'))])[0].problem)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True, text=True)
    assert ended.stdout.strip()


def test_files_are_converted_one_after_the_other(tmp_path: Path) -> None:
    heic(tmp_path / "a.heic", quarters())
    (tmp_path / "b.tif").write_bytes(b"II*\0")
    code = (
        "import pathlib, pipeline.intake.converting as c\n"
        f"root = pathlib.Path({str(tmp_path)!r})\n"
        "jobs = [c.Conversion(root / name, root / f'{name}.jpg') for name in ('a.heic', 'b.tif')]\n"
        "print([bool(one.problem) for one in c.convert_guarded(c.ConversionLimits(), jobs)])\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True, text=True)
    assert ended.stdout.strip() == "[False, True]"
