import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from PIL import Image

from avalanche_seg.datasets.png import may_be_turned, plain_rows

IDS = np.random.default_rng(0).integers(0, 256, (20, 31), dtype=np.uint8)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(
    rows: bytes, width: int, height: int, bits: int = 8, colour: int = 3, interlace: int = 0
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlace)
    body = chunk(b"PLTE", bytes(768)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body


def saved(picture: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, format="PNG", **options)
    return file.getvalue()


def palette_picture() -> Image.Image:
    picture = Image.fromarray(IDS)
    picture.putpalette(list(range(256)) * 3)
    return picture


@pytest.mark.parametrize("options", [{}, {"transparency": 255}, {"compress_level": 0}])
def test_values_of_pillows_palette_files(options: dict[str, object]) -> None:
    rows = plain_rows(saved(palette_picture(), **options))
    assert rows is not None
    np.testing.assert_array_equal(rows[:, 1:], IDS)


def test_rows_with_filters_are_found_out_from_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow filters the rows of grey masks; all of them need not be inflated to know it."""
    content = saved(Image.fromarray(np.arange(40, dtype=np.uint8).repeat(3000).reshape(40, 3000)))

    def inflate(*args: object, **kwargs: object) -> bytes:
        raise AssertionError("everything was inflated")

    monkeypatch.setattr("avalanche_seg.datasets.png.zlib.decompress", inflate)
    assert plain_rows(content) is None


def test_chunks_that_may_hold_an_orientation() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert may_be_turned(saved(palette_picture(), exif=exif))
    plain = saved(palette_picture())
    assert not may_be_turned(plain)
    assert may_be_turned(plain[:-12]), "a file without its end may hold anything"
    for start in (b"Raw profile type exif\0", b"XML:com.adobe.xmp\0"):
        text = chunk(b"tEXt", start + b"data")
        assert may_be_turned(plain[:33] + text + plain[33:])
    other = chunk(b"tEXt", b"Comment\0eXIf")
    assert not may_be_turned(plain[:33] + other + plain[33:])


def test_several_chunks_of_data() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (700, 600), dtype=np.uint8)
    picture = Image.fromarray(noise)
    picture.putpalette(list(range(256)) * 3)
    content = saved(picture)
    assert content.count(b"IDAT") > 1
    np.testing.assert_array_equal(plain_rows(content)[:, 1:], noise)  # type: ignore[index]


def test_files_that_might_fill_the_memory_are_left_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = saved(palette_picture())
    monkeypatch.setattr("avalanche_seg.datasets.png._MOST_MEMORY", 1032 * len(content))
    assert plain_rows(content) is not None
    monkeypatch.setattr("avalanche_seg.datasets.png._MOST_MEMORY", 1032)
    assert plain_rows(content) is None


OTHERS = {
    "filtered": png(bytes([1, 5, 5]), 2, 1),
    "one filtered row": png(bytes([0, 5, 5, 2, 0, 0]), 2, 2),
    "4 bits": png(bytes([0, 0x12]), 2, 1, bits=4),
    "colour": png(bytes([0, 1, 2, 3]), 1, 1, colour=2),
    "interlaced": png(bytes([0, 1]), 1, 1, interlace=1),
    "too few rows": png(bytes([0, 1, 1]), 2, 2),
    "too many rows": png(bytes([0, 1, 1] * 3), 2, 2),
    "no rows": png(b"", 0, 0),
    "jpeg": b"\xff\xd8\xff",
    "empty": b"",
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_left_to_others(name: str) -> None:
    assert plain_rows(OTHERS[name]) is None


def test_no_damage_goes_unseen() -> None:
    good = saved(palette_picture())
    for position in range(8, len(good), 3):
        bad = bytearray(good)
        bad[position] ^= 1 << position % 8
        rows = plain_rows(bytes(bad))
        assert rows is None or np.array_equal(rows[:, 1:], IDS), position
        cut = plain_rows(good[:position])
        assert cut is None or np.array_equal(cut[:, 1:], IDS), position


def same_as_pillow_or_none(content: bytes) -> bool:
    """Whether rows were given; they must be what Pillow reads from the same bytes."""
    rows = plain_rows(content)
    if rows is None:
        return False
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.mode in ("P", "L")
        np.testing.assert_array_equal(np.asarray(picture), rows[:, 1:])
    return True


@given(st.binary(max_size=200), st.booleans())
def test_random_bytes_are_no_png(content: bytes, begins_like_one: bool) -> None:
    start = saved(palette_picture())[:33] if begins_like_one else b""
    assert not same_as_pillow_or_none(start + content)


@given(st.data())
def test_damaged_files_give_pillows_values_or_none(data: st.DataObject) -> None:
    content = bytearray(saved(palette_picture()))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        length = data.draw(st.integers(0, 12))
        content[at : at + length] = data.draw(st.binary(max_size=12))
    same_as_pillow_or_none(bytes(content))


def with_checksum(stream: bytes) -> bytes:
    """The stream ending with its own checksum, the one thing that is left unchecked on purpose."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        rows = inflate.decompress(stream[2:])
    except zlib.error:
        return stream
    if not inflate.eof:
        return stream
    end = len(stream) - len(inflate.unused_data)
    return stream[:end] + struct.pack(">I", zlib.adler32(rows))


@st.composite
def stored_rows(draw: st.DrawFn) -> bytes:
    """Well-formed chunks, so that no checksum finds what is wrong inside them."""
    width, height = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    row = st.binary(min_size=width, max_size=width)
    filters = st.sampled_from([0, 0, 0, 0, 0, 0, 0, 1, 5])
    rows = b"".join(bytes([draw(filters)]) + draw(row) for _ in range(height))
    stream = zlib.compress(rows + draw(st.sampled_from([b"", b"", b"", b"more"])))
    damage = draw(st.sampled_from([*["none"] * 4, "flip", "cut", "add"]))
    if damage == "flip":
        at = draw(st.integers(0, len(stream) - 1))
        flipped = stream[at] ^ draw(st.integers(1, 255))
        stream = with_checksum(stream[:at] + bytes([flipped]) + stream[at + 1 :])
    elif damage == "cut":
        stream = stream[: draw(st.integers(0, len(stream)))]
    elif damage == "add":
        stream += draw(st.binary(max_size=4))
    cut = draw(st.integers(0, len(stream)))
    data = [chunk(b"IDAT", stream[:cut]), chunk(b"IDAT", stream[cut:])]
    between = draw(st.sampled_from([b"", b"", chunk(b"tEXt", b"a\0b"), chunk(b"PLTE", bytes(9))]))
    colour, bits = draw(st.sampled_from([(3, 8), (3, 8), (0, 8), (0, 4), (2, 8)]))
    header = struct.pack(
        ">IIBBBBB", width, height, bits, colour, 0, 0, draw(st.sampled_from([0, 1]))
    )
    palette = chunk(b"PLTE", bytes(draw(st.sampled_from([768, 3, 0]))))
    parts = [chunk(b"IHDR", header), palette, data[0], between, data[1], chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@settings(max_examples=500)
@given(stored_rows())
def test_well_formed_chunks_of_anything_give_pillows_values_or_none(content: bytes) -> None:
    event(str(same_as_pillow_or_none(content)))
