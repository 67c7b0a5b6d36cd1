import io
import struct
from datetime import datetime

import pytest
import telling_photos
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from pipeline.photos.exif import taken_at
from serving.contract import PhotoLimits, read_upright

TABLE, TEXT = 0x8769, 2


def block(order: str, first: dict[int, str], second: dict[int, str] | None = None) -> bytes:
    """An EXIF block with texts in its first table, and in the one that its first table names."""
    entries = [(tag, text) for table in (first, second or {}) for tag, text in table.items()]
    num_first = len(first) + (second is not None)
    second_at = 8 + 2 + 12 * num_first
    texts_at = second_at + 2 + 12 * len(second or {})
    packed = [
        struct.pack(f"{order}HHII", tag, TEXT, 20, texts_at + 20 * place) for place, (tag, _) in enumerate(entries)
    ]
    link = [struct.pack(f"{order}HHII", TABLE, 4, 1, second_at)] if second is not None else []
    head = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 8)
    tables = [struct.pack(f"{order}H", num_first), *packed[: len(first)], *link]
    tables += [struct.pack(f"{order}H", len(second or {})), *packed[len(first) :]]
    return head + b"".join(tables) + b"".join(text.encode().ljust(20, b"\0") for _, text in entries)


@pytest.mark.parametrize("kind", ("jpeg", "multi_picture", "png", "webp"))
def test_the_date_of_a_photo_of_any_format_is_found(kind: str) -> None:
    data = getattr(telling_photos, kind)(Image.new("RGB", (16, 16)))
    assert taken_at(read_upright(data, PhotoLimits()).exif) == "2019-05-03T14:22:10"


def test_a_photo_without_exif_has_no_date() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG")
    assert taken_at(read_upright(buffer.getvalue(), PhotoLimits()).exif) == ""


@given(st.datetimes(datetime(1826, 1, 1), datetime(2200, 1, 1)), st.sampled_from("<>"), st.booleans())
def test_every_date_comes_out_as_it_went_in(date: datetime, order: str, has_head: bool) -> None:
    date = date.replace(microsecond=0)
    text = f"{date.year:04}:{date:%m:%d %H:%M:%S}"
    made = block(order, {0x0132: "2022:02:02 02:02:02"}, {0x9003: text})
    assert taken_at(b"Exif\0\0" + made if has_head else made) == date.isoformat()


@pytest.mark.parametrize(
    "original",
    (
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "2019:02:30 10:00:00",
        "2019:05:03 24:00:00",
        "0001:01:01 00:00:00",
        "2019-05-03",
        "+019:05:03 14:22:10",
        "٢٠١٩:05",
        "",
    ),
)
def test_a_date_that_cannot_be_counts_as_none_and_the_next_is_asked(original: str) -> None:
    assert taken_at(block("<", {}, {0x9003: original})) == ""
    assert taken_at(block("<", {0x0132: "2021:01:01 00:00:00"}, {0x9003: original})) == "2021-01-01T00:00:00"


def test_a_table_that_lies_beyond_the_end_costs_only_itself() -> None:
    whole = block(">", {0x0132: "2021:01:01 00:00:00"}, {0x9003: "2019:05:03 14:22:10"})
    assert taken_at(whole[:22] + struct.pack(">HHII", TABLE, 4, 1, 0xFFFFFFF0) + whole[34:]) == "2021-01-01T00:00:00"


@given(st.binary(max_size=200), st.sampled_from([b"", b"Exif\0\0II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08\xff\xff"]))
@example(b"", b"Exif\0\0II*\0\xff\xff\xff\xff")
def test_any_bytes_give_a_date_or_nothing(data: bytes, head: bytes) -> None:
    found = taken_at(head + data)
    assert found == "" or datetime.fromisoformat(found)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=8), st.integers(0, 400))
def test_damage_gives_a_date_or_nothing(damage: list[tuple[int, int]], length: int) -> None:
    data = bytearray(telling_photos.exif().tobytes())
    for position, value in damage:
        data[position % len(data)] = value
    found = taken_at(bytes(data[:length]))
    assert found == "" or datetime.fromisoformat(found)
